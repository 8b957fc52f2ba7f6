//! Reads where the power comes from, as Windows tells it (`SYSTEM_POWER_STATUS`).

use syncmgr_core::condition::Fact;

/// What Windows says when it does not know.
const UNKNOWN: u8 = 255;
/// The bit of the battery that charges.
const CHARGING: u8 = 8;
/// The bit of a machine without a battery.
const NO_BATTERY: u8 = 128;

/// What Windows said, number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// `ACLineStatus`.
    pub line: u8,
    /// `BatteryFlag`.
    pub battery: u8,
    /// `BatteryLifePercent`.
    pub percent: u8,
}

/// The fact; absent: it makes no sense, or nobody knows. A machine without a battery runs on mains.
#[must_use]
pub fn power(status: Status) -> Option<Fact> {
    let has_battery = status.battery == UNKNOWN || status.battery & NO_BATTERY == 0;
    let charging = status.battery != UNKNOWN && status.battery & CHARGING != 0;
    let mains = match status.line {
        0 => !has_battery,
        1 => true,
        UNKNOWN if !has_battery || charging => true,
        _ => return None,
    };
    Some(Fact::Power {
        mains,
        battery_percent: Some(status.percent).filter(|percent| has_battery && *percent <= 100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_says() {
        let check = |line, battery, percent, expected: Option<(bool, Option<u8>)>| {
            let expected = expected.map(|(mains, battery_percent)| Fact::Power {
                mains,
                battery_percent,
            });
            let status = Status {
                line,
                battery,
                percent,
            };
            assert_eq!(power(status), expected, "{status:?}");
        };
        check(1, 128, 255, Some((true, None)));
        check(1, 8, 71, Some((true, Some(71))));
        check(1, 9, 100, Some((true, Some(100))));
        check(0, 1, 99, Some((false, Some(99))));
        check(0, 0, 50, Some((false, Some(50))));
        check(0, 4, 3, Some((false, Some(3))));
        // It has a battery of which nothing is known.
        check(0, 255, 255, Some((false, None)));
        // Nobody knows of the line; the battery does, or there is none.
        check(255, 10, 20, Some((true, Some(20))));
        check(255, 128, 255, Some((true, None)));
        check(255, 0, 50, None);
        check(255, 255, 255, None);
        // Nonsense.
        check(7, 0, 50, None);
        check(0, 0, 101, Some((false, None)));
        check(0, 128, 50, Some((true, None)));
    }
}
