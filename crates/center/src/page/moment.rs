//! Times, spans and sizes as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use syncmgr_control::method::Access;

use super::words::{Value, Words};
use crate::visitor::Visitor;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// To whom, in whose words, in which zone and at which moment something is told.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) words: Words,
    pub(crate) zone: TimeZone,
    pub(crate) now_ms: i64,
    pub(crate) visitor: Visitor,
    /// Where they look, for acts that lead back to it.
    pub(crate) back: String,
}

impl Told {
    /// Whether they may do what needs this.
    pub(crate) fn may(&self, access: Access) -> bool {
        self.visitor.may(access)
    }

    /// What every form brings along: that it is one of ours, and where it leads back to.
    pub(crate) fn form(&self) -> Markup {
        self.form_to(&self.back)
    }

    /// The same of a form that leads elsewhere.
    pub(crate) fn form_to(&self, back: &str) -> Markup {
        let token = self.visitor.form_token();
        html! {
            @if !token.is_empty() { input type="hidden" name="form" value=(token); }
            input type="hidden" name="back" value=(back);
        }
    }

    /// How long ago, with the moment itself behind it.
    pub(crate) fn ago(&self, then_ms: i64) -> Markup {
        let elapsed = u64::try_from(self.now_ms.saturating_sub(then_ms)).unwrap_or(0);
        let words = self.words;
        let text = match elapsed {
            ..MINUTE => words.say("just-now"),
            MINUTE..HOUR => words.count("minutes-ago", elapsed / MINUTE),
            HOUR..DAY => words.count("hours-ago", elapsed / HOUR),
            _ => words.count("days-ago", elapsed / DAY),
        };
        self.time(then_ms, &text)
    }

    /// How long until then, with the moment itself behind it.
    pub(crate) fn ahead(&self, then_ms: i64) -> Markup {
        let left = u64::try_from(then_ms.saturating_sub(self.now_ms)).unwrap_or(0);
        let words = self.words;
        let text = match left {
            ..MINUTE => words.say("at-once"),
            MINUTE..HOUR => words.count("in-minutes", left / MINUTE),
            HOUR..DAY => words.count("in-hours", left / HOUR),
            _ => words.count("in-days", left / DAY),
        };
        self.time(then_ms, &text)
    }

    /// The time of day; with the date before it when that is not today's.
    pub(crate) fn clock(&self, at_ms: i64) -> Markup {
        self.time(at_ms, &self.clock_text(at_ms))
    }

    /// The same without any markup.
    pub(crate) fn clock_text(&self, at_ms: i64) -> String {
        let day = |ms| self.format(ms, "%Y-%m-%d");
        if day(at_ms) == day(self.now_ms) {
            self.format(at_ms, "%H:%M")
        } else {
            self.format(at_ms, &self.words.say("date-form"))
        }
    }

    /// The hour that a moment falls into, as `09:00`.
    pub(crate) fn hour(&self, at_ms: i64) -> String {
        self.format(at_ms, "%H:00")
    }

    fn time(&self, at_ms: i64, text: &str) -> Markup {
        let exact = Timestamp::from_millisecond(at_ms).map(|at| at.to_string());
        html! {
            time datetime=[exact.ok()] title=(self.format(at_ms, "%Y-%m-%d %H:%M:%S")) { (text) }
        }
    }

    fn format(&self, at_ms: i64, form: &str) -> String {
        Timestamp::from_millisecond(at_ms).map_or_else(
            |_| self.words.say("unknown-time"),
            |at| at.to_zoned(self.zone.clone()).strftime(form).to_string(),
        )
    }

    /// How long, in at most two units.
    pub(crate) fn length(&self, ms: u64) -> String {
        let two = |one, id, large: u64, small: u64| {
            if small == 0 {
                return self.words.count(one, large);
            }
            let values = [
                ("large", Value::Number(large)),
                ("small", Value::Number(small)),
            ];
            self.words.with(id, &values)
        };
        match ms {
            ..SECOND => self.words.say("under-a-second"),
            SECOND..MINUTE => self.words.count("seconds", ms / SECOND),
            MINUTE..HOUR => two(
                "minutes",
                "minutes-seconds",
                ms / MINUTE,
                ms % MINUTE / SECOND,
            ),
            HOUR..DAY => two("hours", "hours-minutes", ms / HOUR, ms % HOUR / MINUTE),
            _ => two("days", "days-hours", ms / DAY, ms % DAY / HOUR),
        }
    }

    /// How many bytes: `512 B`, `1.2 kB`; French counts octets.
    pub(crate) fn size(&self, bytes: u64) -> String {
        self.scaled("bytes", bytes, 1_000, ["", "k", "M", "G", "T", "P", "E"])
    }

    /// The same in powers of two, as conditions are written: `9.9 GiB`.
    pub(crate) fn binary_size(&self, bytes: u64) -> String {
        self.scaled(
            "bytes",
            bytes,
            1 << 10,
            ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"],
        )
    }

    fn scaled(&self, id: &'static str, bytes: u64, step: u64, units: [&str; 7]) -> String {
        let mut unit = 0;
        let mut scale: u64 = 1;
        while unit + 1 < units.len() && bytes / scale >= step {
            scale *= step;
            unit += 1;
        }
        let whole = bytes / scale;
        let tenth = u128::from(bytes % scale) * 10 / u128::from(scale);
        let number = if unit > 0 && whole < 10 {
            format!("{whole}{}{tenth}", self.point())
        } else {
            whole.to_string()
        };
        let values = [
            ("number", Value::Text(&number)),
            ("unit", Value::Text(units[unit])),
        ];
        self.words.with(id, &values)
    }

    /// Hundredths as a number, without trailing zeros but one.
    pub(crate) fn hundredths(&self, number: u32) -> String {
        let (whole, part) = (number / 100, number % 100);
        let point = self.point();
        if part.is_multiple_of(10) {
            format!("{whole}{point}{}", part / 10)
        } else {
            format!("{whole}{point}{part:02}")
        }
    }

    /// What stands between a number and its decimals.
    fn point(&self) -> String {
        self.words.say("decimal-point")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Language;

    fn told(language: Language) -> Told {
        Told {
            words: Words::of(language),
            zone: TimeZone::UTC,
            now_ms: 1_000_000_000_000,
            visitor: Visitor::owner("a test"),
            back: "/".to_owned(),
        }
    }

    /// A text without the marks that keep what was filled in apart.
    fn plain(text: &str) -> String {
        text.replace(['\u{2068}', '\u{2069}'], "")
            .replace('\u{a0}', " ")
    }

    #[test]
    fn times_read_like_speech() {
        let (english, french) = (told(Language::English), told(Language::French));
        let now = english.now_ms;
        for (then, en, fr) in [
            (now, "just now", "à l’instant"),
            (now + 5, "just now", "à l’instant"),
            (now - 60_000, "1 min ago", "il y a 1 min"),
            (now - 7_200_000, "2 h ago", "il y a 2 h"),
            (now - 172_800_000, "2 d ago", "il y a 2 j"),
            (i64::MIN, "d ago", "il y a"),
        ] {
            assert!(plain(&english.ago(then).0).contains(en), "{then}");
            assert!(plain(&french.ago(then).0).contains(fr), "{then}");
        }
        assert!(plain(&english.ahead(now + 7_200_000).0).contains("in 2 h"));
        assert_eq!(english.clock_text(now - 3_600_000), "00:46");
        assert_eq!(english.clock_text(now - 86_400_000), "2001-09-08 01:46");
        assert_eq!(french.clock_text(now - 86_400_000), "08/09/2001 01:46");
        assert_eq!(plain(&english.length(125_000)), "2 min 5 s");
        assert_eq!(plain(&english.length(0)), "less than a second");
        assert_eq!(plain(&english.size(999)), "999 B");
        assert_eq!(plain(&english.length(120_000)), "2 min");
        assert_eq!(plain(&english.size(1_234)), "1.2 kB");
        assert_eq!(plain(&french.size(1_234)), "1,2 ko");
        assert_eq!(plain(&french.binary_size(10 << 30)), "10 Gio");
        assert_eq!(french.hundredths(205), "2,05");
        assert_eq!(plain(&french.size(u64::MAX)), "18 Eo");
    }
}
