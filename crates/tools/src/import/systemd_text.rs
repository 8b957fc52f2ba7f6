//! Texts of units (systemd.syntax(7)): sections, lines that go on, words and spans of time.

/// A unit: its settings in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit(Vec<(String, String, String)>);

impl Unit {
    /// Reads the text of a unit; what is no setting is left out, as systemd does.
    pub(super) fn read(text: &str) -> Self {
        let mut unit = Self::default();
        let mut section = String::new();
        let mut logical = String::new();
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.starts_with(['#', ';']) {
                // A comment within a line that goes on is left out of it.
                continue;
            }
            if let Some(begin) = trimmed.strip_suffix('\\') {
                logical += begin;
                logical.push(' ');
                continue;
            }
            logical += trimmed;
            let whole = std::mem::take(&mut logical);
            let whole = whole.trim();
            if let Some(name) = whole
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                name.clone_into(&mut section);
            } else if let Some((key, value)) = whole.split_once('=') {
                unit.0.push((
                    section.clone(),
                    key.trim().to_owned(),
                    value.trim().to_owned(),
                ));
            }
        }
        unit
    }

    /// The last value of a setting.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.all(section, key).last().copied()
    }

    /// All values of a setting; an empty one takes back those before.
    pub(super) fn all(&self, section: &str, key: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for (of, name, value) in &self.0 {
            if of == section && name == key {
                if value.is_empty() {
                    values.clear();
                } else {
                    values.push(value.as_str());
                }
            }
        }
        values
    }

    /// Whether a setting is a yes.
    pub(super) fn is(&self, section: &str, key: &str) -> bool {
        self.get(section, key).is_some_and(|value| {
            matches!(
                value.to_ascii_lowercase().as_str(),
                "yes" | "true" | "on" | "1"
            )
        })
    }

    /// The names of all settings of a section, each once.
    pub(super) fn keys(&self, section: &str) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (of, key, _) in &self.0 {
            if of == section && !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }
}

/// Splits at blanks, with quotes and escapes as systemd reads them. Absent when a quote does not end.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    Some(split(text)?.into_iter().map(|(word, _)| word).collect())
}

/// The same, with whether each word has neither quotes nor escapes.
pub(super) fn split(text: &str) -> Option<Vec<(String, bool)>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut bare = true;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                (begun, bare) = (true, false);
                match letters.next()? {
                    'n' => word.push('\n'),
                    't' => word.push('\t'),
                    's' => word.push(' '),
                    'r' => word.push('\r'),
                    'x' => {
                        let digits: String = letters.by_ref().take(2).collect();
                        let byte = u8::from_str_radix(&digits, 16).ok().filter(u8::is_ascii)?;
                        word.push(char::from(byte));
                    }
                    other @ ('\\' | '"' | '\'' | ' ' | ';') => word.push(other),
                    other => {
                        word.push('\\');
                        word.push(other);
                    }
                }
            }
            letter if Some(letter) == quote => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(letter);
                (begun, bare) = (true, false);
            }
            letter if letter.is_whitespace() && quote.is_none() => {
                if begun {
                    words.push((std::mem::take(&mut word), bare));
                }
                (begun, bare) = (false, true);
            }
            letter => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push((word, bare));
    }
    quote.is_none().then_some(words)
}

/// Reads a span of systemd.time(7) in whole seconds: `1h 30min`, `90`. Absent when it is none; parts of a second count up.
pub(super) fn seconds(text: &str) -> Option<u64> {
    const UNITS: &[(&[&str], u64)] = &[
        (&["usec", "us", "µs"], 1),
        (&["msec", "ms"], 1_000),
        (&["seconds", "second", "sec", "s", ""], 1_000_000),
        (&["minutes", "minute", "min", "m"], 60_000_000),
        (&["hours", "hour", "hr", "h"], 3_600_000_000),
        (&["days", "day", "d"], 86_400_000_000),
        (&["weeks", "week", "w"], 604_800_000_000),
        (&["months", "month", "M"], 2_629_800_000_000),
        (&["years", "year", "y"], 31_557_600_000_000),
    ];
    let mut rest = text.trim();
    let mut micros: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after
            .find(|c: char| c.is_ascii_digit() || c.is_whitespace())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, length) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        micros = micros.checked_add(whole.parse::<u64>().ok()?.checked_mul(*length)?)?;
        if !part.is_empty() {
            let digits: String = part.chars().take(6).collect();
            let scale = 10_u64.pow(u32::try_from(digits.len()).ok()?);
            micros =
                micros.checked_add(digits.parse::<u64>().ok()?.checked_mul(*length)? / scale)?;
        }
        rest = after.trim_start();
    }
    Some(micros.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_systemd_does() {
        let unit = Unit::read(
            "[A]\nx = 1\n# x=2\nx=\\\n; no\n  3 \\\n 4\ny=\nodd\n[B]\nx=5\nz=1\nz=\nz=2\n",
        );
        assert_eq!(unit.get("A", "x"), Some("3  4"));
        assert_eq!(unit.all("A", "x").len(), 2);
        assert_eq!((unit.get("A", "y"), unit.get("B", "x")), (None, Some("5")));
        assert_eq!(unit.all("B", "z"), ["2"]);
        assert_eq!(unit.keys("A"), ["x", "y"]);
    }

    #[test]
    fn words_are_split_as_systemd_does() {
        assert_eq!(
            words(r#"a "b c" 'd "e' f\sg \x41 '' h\\i \d"#).unwrap(),
            ["a", "b c", "d \"e", "f g", "A", "", "h\\i", "\\d"]
        );
        for text in ["\"a", "a\\", "\\xZZ"] {
            assert_eq!(words(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_read_as_systemd_does() {
        for (text, wanted) in [
            ("90", Some(90)),
            ("1h 30min", Some(5400)),
            ("1h30min", Some(5400)),
            ("2 days", Some(172_800)),
            ("1.5h", Some(5400)),
            ("500ms", Some(1)),
            ("1w", Some(604_800)),
            ("", None),
            ("x", None),
            ("5 parsecs", None),
            ("99999999999999999999", None),
            ("1..5s", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }
}
