//! Conditions as people write them, in the `when` of a `[[rule]]`.

use syncmgr_core::condition::{Condition, Endpoint, MAINS_ONLY, Room};
use syncmgr_core::rule::Select;
use syncmgr_core::schedule::Hours;

use crate::config::parse_duration;
use crate::rules::split;
use crate::source::wanted::{LABEL, UUID};

/// The highest load that may be asked for, in hundredths.
const MAX_LOAD: u32 = 1_000_000;
/// Longest name of a host (RFC 1035).
const MAX_HOST: usize = 253;

/// Reads a condition.
pub(crate) fn condition(text: &str) -> Result<Condition, String> {
    let text = text.trim();
    let (word, rest) = split(text);
    let alone = |condition| {
        if rest.is_empty() {
            Ok(condition)
        } else {
            Err(format!("`{word}` stands alone, and `{rest}` is too much"))
        }
    };
    match word.to_lowercase().as_str() {
        "network" => alone(Condition::AnyNetwork),
        "unmetered" => alone(Condition::UnmeteredNetwork),
        "vpn" => alone(Condition::Vpn),
        "mains" => alone(Condition::Power {
            at_least_percent: MAINS_ONLY,
        }),
        "battery" => rest
            .trim_end_matches('%')
            .trim()
            .parse()
            .ok()
            .filter(|percent| (1..=100).contains(percent))
            .map(|at_least_percent| Condition::Power { at_least_percent })
            .ok_or_else(|| "`battery` wants a percentage from 1 to 100: `battery 50`".to_owned()),
        "wifi" if !rest.is_empty() => Ok(Condition::Wifi(rest.to_owned())),
        "wifi" => Err("`wifi` wants the name of one: `wifi home`".to_owned()),
        "idle" => parse_duration(rest).map(Condition::IdleFor),
        "mounted"
            if std::path::Path::new(rest).is_absolute()
                || rest.starts_with(LABEL)
                || rest.starts_with(UUID) =>
        {
            Ok(Condition::Mounted(rest.to_owned()))
        }
        "mounted" => Err("`mounted` wants an absolute path or a volume: `mounted /mnt/backup`, `mounted LABEL=backup`".to_owned()),
        "hours" => hours(rest).map(Condition::Hours),
        "not" => not(rest),
        "free" => free(rest),
        "load" => load(rest),
        "reachable" => endpoint(rest).map(Condition::Reachable),
        _ => Err(format!(
            "`{text}` is none of the conditions network, unmetered, vpn, wifi NAME, reachable HOST:PORT, mains, battery \
             PERCENT, idle SPAN, hours SPAN, not hours SPAN, mounted PATH, free PATH SIZE, load NUMBER, not running NAME"
        )),
    }
}

/// `22:00-06:00`, `mon-fri 09:00-17:00`
fn hours(text: &str) -> Result<Hours, String> {
    Hours::parse(text).map_err(|why| {
        format!("`hours` is written as `hours 22:00-06:00` or `hours mon-fri 09:00-17:00`: {why}")
    })
}

/// `not hours SPAN`, `not running NAME`
fn not(rest: &str) -> Result<Condition, String> {
    let (word, rest) = split(rest);
    match word.to_lowercase().as_str() {
        "hours" => {
            let blocked = Condition::NotHours(hours(rest)?);
            match blocked.never() {
                Some(why) => Err(format!("`not hours {rest}` can never hold: {why}")),
                None => Ok(blocked),
            }
        }
        "running" if !rest.is_empty() => Ok(Condition::NotRunning(Select::named(rest))),
        "running" => Err("`not running` wants a name: `not running mail`".to_owned()),
        _ => Err("only `not hours SPAN` and `not running NAME` begin with `not`".to_owned()),
    }
}

/// `free PATH SIZE`; the path may contain blanks, and there may be one before the unit.
fn free(rest: &str) -> Result<Condition, String> {
    const FORM: &str = "it is written as `free /mnt/backup 10GiB` or `free /mnt/backup 10%`";
    let whole = rest.rsplit_once(char::is_whitespace);
    let (path, amount) = match whole {
        Some((before, unit)) if unit.starts_with(|c: char| c.is_ascii_alphabetic() || c == '%') => {
            match before.trim_end().rsplit_once(char::is_whitespace) {
                Some((path, number)) => (path, format!("{number}{unit}")),
                None => (rest, String::new()),
            }
        }
        Some((path, amount)) => (path, amount.to_owned()),
        None => (rest, String::new()),
    };
    let path = path.trim();
    if !std::path::Path::new(path).is_absolute() {
        return Err(format!("`free` wants an absolute path and a size; {FORM}"));
    }
    let at_least = room(&amount).map_err(|why| format!("{why}; {FORM}"))?;
    Ok(Condition::Free {
        path: path.to_owned(),
        at_least,
    })
}

/// `10GiB`, `500M`, `1.5TB`, `10%`. Single letters are powers of 1,024, as tools that show free space have it.
fn room(text: &str) -> Result<Room, String> {
    let wrong = || format!("`{text}` is no size");
    if let Some(percent) = text.strip_suffix('%') {
        return percent
            .parse()
            .ok()
            .filter(|percent| (1..=100).contains(percent))
            .map(Room::Percent)
            .ok_or_else(|| format!("`{text}` is no percentage from 1 to 100"));
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let factor: u64 = match unit.to_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let mut bytes = whole.checked_mul(factor).ok_or_else(wrong)?;
    if !part.is_empty() {
        let scale = 10_u128
            .checked_pow(u32::try_from(part.len()).unwrap_or(u32::MAX))
            .ok_or_else(wrong)?;
        let part: u128 = part.parse().map_err(|_| wrong())?;
        let more = part * u128::from(factor) / scale;
        bytes = bytes
            .checked_add(u64::try_from(more).map_err(|_| wrong())?)
            .ok_or_else(wrong)?;
    }
    if bytes == 0 {
        return Err("nothing is always free".to_owned());
    }
    Ok(Room::Bytes(bytes))
}

/// `2.0`, `0.5/core`
fn load(rest: &str) -> Result<Condition, String> {
    let wrong = || {
        "`load` wants the highest average of a minute, of the whole machine or for each processor: `load 2.0`, \
         `load 0.5/core`"
            .to_owned()
    };
    let (number, per_core) = match rest.strip_suffix("/core") {
        Some(number) => (number.trim_end(), true),
        None => (rest, false),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 {
        return Err(wrong());
    }
    let hundredths: u32 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    if hundredths > MAX_LOAD {
        return Err(wrong());
    }
    Ok(Condition::Load {
        at_most_hundredths: hundredths,
        per_core,
    })
}

/// `HOST:PORT`, `[ADDRESS]:PORT`
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, String> {
    const FORM: &str = "it is written as `nas.local:22` or `[fe80::1]:22`";
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once("]:").ok_or_else(|| {
                format!("`{text}` lacks the end of its brackets, or a port; {FORM}")
            })?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("`{host}` is no IPv6 address; {FORM}"));
            }
            (host, port)
        }
        None => {
            let (host, port) = text
                .rsplit_once(':')
                .ok_or_else(|| format!("`{text}` lacks a port; {FORM}"))?;
            if host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_ok() {
                return Err(format!("an IPv6 address stands in brackets; {FORM}"));
            }
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
            if host.is_empty() || host.len() > MAX_HOST || !host.chars().all(plain) {
                return Err(format!("`{host}` is no host; {FORM}"));
            }
            (host, port)
        }
    };
    let port = port
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("`{port}` is no port from 1 to 65535; {FORM}"))?;
    Ok(Endpoint {
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn conditions_in_words() {
        let nights = || Hours::parse("22:00-06:00").unwrap();
        // An absolute path begins in its own way on Windows.
        let here = |text: &str| text.replace("/mnt", if cfg!(windows) { "C:/mnt" } else { "/mnt" });
        let free = |path: &str, at_least| Condition::Free {
            path: here(path),
            at_least,
        };
        let load = |at_most_hundredths, per_core| Condition::Load {
            at_most_hundredths,
            per_core,
        };
        let reachable = |host: &str, port| {
            Condition::Reachable(Endpoint {
                host: host.into(),
                port,
            })
        };
        for (text, wanted) in [
            ("network", Ok(Condition::AnyNetwork)),
            ("Unmetered", Ok(Condition::UnmeteredNetwork)),
            (
                "mains",
                Ok(Condition::Power {
                    at_least_percent: 101,
                }),
            ),
            (
                "battery 50",
                Ok(Condition::Power {
                    at_least_percent: 50,
                }),
            ),
            (
                "battery 50 %",
                Ok(Condition::Power {
                    at_least_percent: 50,
                }),
            ),
            ("wifi home", Ok(Condition::Wifi("home".into()))),
            ("idle 10m", Ok(Condition::IdleFor(Duration::from_secs(600)))),
            ("hours 22:00-06:00", Ok(Condition::Hours(nights()))),
            ("Not Hours 22-6", Ok(Condition::NotHours(nights()))),
            (
                "not running My Mail",
                Ok(Condition::NotRunning(Select::Named("my mail".into()))),
            ),
            (
                "free /mnt/my disk 10GiB",
                Ok(free("/mnt/my disk", Room::Bytes(10 << 30))),
            ),
            (
                "free /mnt/a 1.5 GB",
                Ok(free("/mnt/a", Room::Bytes(1_500_000_000))),
            ),
            ("free /mnt/a 512", Ok(free("/mnt/a", Room::Bytes(512)))),
            ("free /mnt/a 10 %", Ok(free("/mnt/a", Room::Percent(10)))),
            ("load 2.0", Ok(load(200, false))),
            ("load 0.5/core", Ok(load(50, true))),
            ("load .25 per core", Err("`load` wants")),
            ("reachable nas:22", Ok(reachable("nas", 22))),
            ("reachable [FE80::1]:8080", Ok(reachable("FE80::1", 8080))),
            ("reachable nas.example", Err("port")),
            ("reachable ::1:22", Err("brackets")),
            ("reachable [::1:22", Err("brackets")),
            ("reachable [nas]:22", Err("IPv6")),
            ("reachable na s:22", Err("no host")),
            ("reachable http://nas:22", Err("no host")),
            ("reachable nas:0", Err("port")),
            ("reachable nas:65536", Err("port")),
            ("hours", Err("a span is wanted")),
            ("not hours 00:00-24:00", Err("whole week")),
            ("not", Err("not hours")),
            ("not mains", Err("not hours")),
            ("not running", Err("not running mail")),
            ("free 10GiB", Err("absolute")),
            ("free /mnt/a", Err("size")),
            ("free notes 10GiB", Err("absolute")),
            ("free /mnt/a 101%", Err("100")),
            ("free /mnt/a 0", Err("nothing")),
            ("free /mnt/a 99999999EiB", Err("size")),
            ("load", Err("`load` wants")),
            ("load -1", Err("`load` wants")),
            ("load 1e9", Err("`load` wants")),
            ("load 100000000", Err("`load` wants")),
            ("battery", Err("percentage")),
            ("battery 0", Err("percentage")),
            ("battery 101", Err("percentage")),
            ("network please", Err("too much")),
            ("idle soon", Err("duration")),
            ("mounted backup", Err("absolute")),
            ("moon", Err("none of the conditions")),
        ] {
            let text = here(text);
            let text = text.as_str();
            match (condition(text), wanted) {
                (Ok(got), Ok(wanted)) => {
                    assert_eq!(got, wanted, "{text}");
                    // As it is shown it can be written.
                    assert_eq!(condition(&got.to_string()), Ok(got), "{text}");
                }
                (Err(got), Err(part)) => assert!(got.contains(part), "{text}: {got}"),
                (got, wanted) => panic!("{text}: {got:?}, wanted {wanted:?}"),
            }
        }
    }
}
