//! Reads where the power comes from, out of `/sys/class/power_supply` (sysfs-class-power).

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use syncmgr_core::condition::Fact;

/// Most supplies that are looked at.
const MAX_SUPPLIES: usize = 64;
/// Most bytes of one value.
const MAX_VALUE: u64 = 64;

/// Reads the fact. A machine without any supply has no battery and so runs on mains. Reads files; does not block for long.
///
/// # Errors
/// The directory cannot be read.
pub fn power(directory: &Path) -> io::Result<Fact> {
    let mut mains_online = None;
    let (mut discharging, mut percents) = (false, Vec::new());
    for entry in fs::read_dir(directory)?.take(MAX_SUPPLIES) {
        let supply = entry?.path();
        // Batteries of mice and pens say so.
        if value(&supply, "scope").as_deref() == Some("Device") {
            continue;
        }
        match value(&supply, "type").as_deref() {
            Some("Battery") => {
                if value(&supply, "present").as_deref() == Some("0") {
                    continue;
                }
                discharging |= value(&supply, "status").as_deref() == Some("Discharging");
                let percent = value(&supply, "capacity").and_then(|text| text.parse::<u8>().ok());
                percents.extend(percent.filter(|percent| *percent <= 100));
            }
            Some("Mains" | "USB" | "Wireless") => {
                let online = value(&supply, "online").is_some_and(|text| text != "0");
                mains_online = Some(mains_online.unwrap_or(false) || online);
            }
            _ => {}
        }
    }
    let battery_percent = if percents.is_empty() {
        None
    } else {
        let sum: usize = percents.iter().map(|percent| usize::from(*percent)).sum();
        u8::try_from(sum / percents.len()).ok()
    };
    Ok(Fact::Power {
        // A charger that says nothing of itself shows in the battery.
        mains: !discharging && (battery_percent.is_none() || mains_online.unwrap_or(true)),
        battery_percent,
    })
}

fn value(supply: &Path, name: &str) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(supply.join(name)).ok()?;
    file.take(MAX_VALUE).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(supplies: &[&[(&str, &str)]], mains: bool, battery_percent: Option<u8>) {
        let directory = tempfile::tempdir().unwrap();
        for (number, values) in supplies.iter().enumerate() {
            let supply = directory.path().join(number.to_string());
            fs::create_dir(&supply).unwrap();
            for (name, text) in *values {
                fs::write(supply.join(name), format!("{text}\n")).unwrap();
            }
        }
        let expected = Fact::Power {
            mains,
            battery_percent,
        };
        assert_eq!(power(directory.path()).unwrap(), expected, "{supplies:?}");
    }

    #[test]
    fn supplies() {
        let charger = |online| [("type", "Mains"), ("online", online)];
        let battery = |status, capacity| {
            [
                ("type", "Battery"),
                ("status", status),
                ("capacity", capacity),
            ]
        };
        check(&[], true, None);
        check(&[&charger("1")], true, None);
        check(
            &[&charger("0"), &battery("Discharging", "71")],
            false,
            Some(71),
        );
        check(&[&charger("1"), &battery("Charging", "71")], true, Some(71));
        check(&[&charger("1"), &battery("Full", "100")], true, Some(100));
        check(&[&charger("0"), &battery("Unknown", "9")], false, Some(9));
        // Two batteries are one: a charge between.
        check(
            &[
                &charger("0"),
                &battery("Discharging", "20"),
                &battery("Unknown", "80"),
            ],
            false,
            Some(50),
        );
        check(&[&battery("Discharging", "40")], false, Some(40));
        check(&[&battery("Charging", "40")], true, Some(40));
        // Of a mouse.
        check(
            &[&[
                ("type", "Battery"),
                ("scope", "Device"),
                ("status", "Discharging"),
                ("capacity", "5"),
            ]],
            true,
            None,
        );
        // Nonsense.
        check(
            &[&charger("0"), &battery("Discharging", "250")],
            false,
            None,
        );
        check(&[&charger("0"), &battery("Discharging", "")], false, None);
        check(&[&[("type", ""), ("online", "")]], true, None);
    }

    #[test]
    fn no_directory_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(power(&directory.path().join("gone")).is_err());
    }
}
