//! From wall clocks to real time: what a rule does when clocks are set.
//!
//! A rule that goes on in every hour follows real time: it fires whenever the wall shows a time that it names, in both
//! passes of an hour that is repeated, and not in an hour that is skipped.
//!
//! Every other rule fires exactly once for each wall time that it names: for a skipped one at the first moment after the
//! gap, for a repeated one in the first pass. A date that was skipped as a whole (Samoa had no 30 December 2011) has no
//! firing, or else the next day would have two. Wall times that fall on the same moment are one firing.

use super::date::DAY;
use super::rule::Rule;
use super::zone::{Real, Zone};

/// Most wall times that one search looks at: all seconds of a day and an hour. Only a row of skipped times needs many.
const MAX_TRIES: u32 = 90_000;

/// Answers the first second at or after one at which a rule fires.
pub(super) fn at_or_after(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    let at = at.max(-DAY);
    if rule.is_hourly() {
        real_at_or_after(rule, zone, at)
    } else {
        wall_at_or_after(rule, zone, at)
    }
}

/// Answers the last second at or before one at which a rule fires.
pub(super) fn at_or_before(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    if rule.is_hourly() {
        real_at_or_before(rule, zone, at)
    } else {
        wall_at_or_before(rule, zone, at)
    }
}

fn real_at_or_after(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    let mut at = at;
    let mut index = zone.index(at);
    loop {
        let offset = zone.offset(index);
        let found = rule
            .at_or_after(at.saturating_add(offset))
            .map(|wall| wall - offset);
        match (found, zone.end(index)) {
            (Some(found), None) => return Some(found),
            (Some(found), Some(end)) if found < end => return Some(found),
            (_, Some(end)) => at = end,
            (None, None) => return None,
        }
        index += 1;
    }
}

fn real_at_or_before(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    let mut at = at;
    let mut index = zone.index(at);
    loop {
        let offset = zone.offset(index);
        let found = rule
            .at_or_before(at.saturating_add(offset))
            .map(|wall| wall - offset);
        let start = zone.start(index);
        if let Some(found) = found.filter(|found| *found >= start) {
            return Some(found);
        }
        if index == 0 {
            return None;
        }
        at = start - 1;
        index -= 1;
    }
}

fn wall_at_or_after(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    // Whatever the wall had shown before the clocks were last set back has had its firing.
    let mut wall = zone.wall(at).max(zone.shown_before(zone.index(at)));
    // A gap that ends right here is still to be fired for: its times lie before what the wall shows.
    let index = zone.index(at);
    if zone.start(index) == at {
        wall = zone.shown_before(index);
    }
    for _ in 0..MAX_TRIES {
        let named = rule.at_or_after(wall)?;
        match fires(zone, named) {
            Fires::At(found) if found >= at => return Some(found),
            Fires::At(_) => wall = named + 1,
            Fires::Never { to, .. } => wall = to,
        }
    }
    None
}

fn wall_at_or_before(rule: &Rule, zone: &Zone, at: i64) -> Option<i64> {
    let mut wall = zone
        .wall(at)
        .max(zone.shown_before(zone.index(at)).saturating_sub(1));
    for _ in 0..MAX_TRIES {
        let named = rule.at_or_before(wall)?;
        match fires(zone, named) {
            Fires::At(found) if found <= at => return Some(found),
            Fires::At(_) => wall = named - 1,
            Fires::Never { from, .. } => wall = from - 1,
        }
    }
    None
}

/// What becomes of one wall time.
enum Fires {
    /// It fires at this second.
    At(i64),
    /// Its whole date is skipped; so is everything from one wall time to before another.
    Never { from: i64, to: i64 },
}

fn fires(zone: &Zone, wall: i64) -> Fires {
    match zone.real(wall) {
        Real::Shown(at) => Fires::At(at),
        Real::Gap { end, from, to } => {
            let midnight = wall.div_euclid(DAY) * DAY;
            if from <= midnight && midnight + DAY <= to {
                Fires::Never {
                    from: midnight,
                    to: midnight + DAY,
                }
            } else {
                Fires::At(end)
            }
        }
    }
}
