//! Reads what Windows tells every window of a session, purely: numbers in, what they mean out.
//!
//! The numbers are those of `winuser.h` and `dbt.h`, written down here so that every system tests the reading.

use std::time::Duration;

use super::Leaving;

/// `WM_CLOSE`: somebody asks this program to end, as `taskkill` does.
pub const CLOSE: u32 = 0x0010;
/// `WM_QUERYENDSESSION`: may the session end?
pub const QUERY_END_SESSION: u32 = 0x0011;
/// `WM_ENDSESSION`: it does, or it does not after all.
pub const END_SESSION: u32 = 0x0016;
/// `WM_TIMECHANGE`: the clock was set.
pub const TIME_CHANGE: u32 = 0x001e;
/// `WM_POWERBROADCAST`: sleep, and where the power comes from.
pub const POWER_BROADCAST: u32 = 0x0218;
/// `WM_DEVICECHANGE`: volumes come and go.
pub const DEVICE_CHANGE: u32 = 0x0219;
/// `WM_WTSSESSION_CHANGE`: somebody logs on, locks the screen, and so on.
pub const SESSION_CHANGE: u32 = 0x02b1;

/// `PBT_APMSUSPEND`.
const SUSPEND: usize = 0x4;
/// `PBT_APMRESUMECRITICAL`: it slept without a word, as old systems do when the battery is empty.
const RESUME_CRITICAL: usize = 0x6;
/// `PBT_APMRESUMESUSPEND`: somebody is there after it woke.
const RESUME_SUSPEND: usize = 0x7;
/// `PBT_APMPOWERSTATUSCHANGE`.
const POWER_STATUS_CHANGE: usize = 0xa;
/// `PBT_APMRESUMEAUTOMATIC`: it woke.
const RESUME_AUTOMATIC: usize = 0x12;
/// `PBT_POWERSETTINGCHANGE`.
const POWER_SETTING_CHANGE: usize = 0x8013;

/// `DBT_DEVICEARRIVAL`.
const DEVICE_ARRIVAL: usize = 0x8000;
/// `DBT_DEVICEREMOVECOMPLETE`.
const DEVICE_REMOVE_COMPLETE: usize = 0x8004;

/// `WTS_SESSION_LOGON`.
const SESSION_LOGON: usize = 0x5;
/// `WTS_SESSION_LOGOFF`.
const SESSION_LOGOFF: usize = 0x6;
/// `WTS_SESSION_LOCK`.
const SESSION_LOCK: usize = 0x7;
/// `WTS_SESSION_UNLOCK`.
const SESSION_UNLOCK: usize = 0x8;

/// Windows waits two seconds for an answer before it sleeps.
const SLEEP_WAITS: Duration = Duration::from_millis(1_500);
/// Windows ends a program without a visible window that took five seconds for its answer.
const END_WAITS: Duration = Duration::from_secs(4);

/// How long the machine is kept waiting at most; less than Windows grants, so that it does not give up on us.
#[must_use]
pub fn patience(how: Leaving) -> Duration {
    match how {
        Leaving::Sleep => SLEEP_WAITS,
        Leaving::Shutdown => END_WAITS,
    }
}

/// What a message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The machine is about to leave, and waits for the answer to the message. That a user logs off counts as shutting
    /// down: both end every program of the session.
    Leaving(Leaving),
    /// It is back, or did not leave after all.
    Back(Leaving),
    /// The session ends now, and this program is ended once it has answered; or somebody asks this program alone to end.
    Ends,
    /// The user logged on.
    Began,
    /// The user logged off.
    Ended,
    /// The screen was locked or unlocked.
    Locked(bool),
    /// Where the power comes from may have changed.
    Supply,
    /// Volumes came or went.
    Volumes,
    /// The clock was set.
    Clock,
}

/// Reads messages one after another; what is told twice means nothing the second time.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    asleep: bool,
    ending: bool,
    locked: Option<bool>,
}

impl Reader {
    /// What a message means, by its number and its first parameter; absent: nothing, or nothing new.
    pub fn read(&mut self, message: u32, parameter: usize) -> Option<Told> {
        match message {
            QUERY_END_SESSION => {
                let first = !std::mem::replace(&mut self.ending, true);
                first.then_some(Told::Leaving(Leaving::Shutdown))
            }
            CLOSE => Some(Told::Ends),
            END_SESSION if parameter != 0 => {
                self.ending = true;
                Some(Told::Ends)
            }
            END_SESSION => {
                let ending = std::mem::replace(&mut self.ending, false);
                ending.then_some(Told::Back(Leaving::Shutdown))
            }
            TIME_CHANGE => Some(Told::Clock),
            POWER_BROADCAST => self.power(parameter),
            DEVICE_CHANGE => matches!(parameter, DEVICE_ARRIVAL | DEVICE_REMOVE_COMPLETE)
                .then_some(Told::Volumes),
            SESSION_CHANGE => self.session(parameter),
            _ => None,
        }
    }

    fn power(&mut self, event: usize) -> Option<Told> {
        match event {
            SUSPEND => {
                let first = !std::mem::replace(&mut self.asleep, true);
                first.then_some(Told::Leaving(Leaving::Sleep))
            }
            RESUME_AUTOMATIC | RESUME_CRITICAL => {
                self.asleep = false;
                Some(Told::Back(Leaving::Sleep))
            }
            // Told in addition, once somebody is there.
            RESUME_SUSPEND => {
                let asleep = std::mem::replace(&mut self.asleep, false);
                asleep.then_some(Told::Back(Leaving::Sleep))
            }
            POWER_STATUS_CHANGE | POWER_SETTING_CHANGE => Some(Told::Supply),
            _ => None,
        }
    }

    fn session(&mut self, event: usize) -> Option<Told> {
        match event {
            SESSION_LOGON => Some(Told::Began),
            // Of a session that is known to end this was said before.
            SESSION_LOGOFF => (!self.ending).then_some(Told::Ended),
            SESSION_LOCK | SESSION_UNLOCK => {
                let locked = event == SESSION_LOCK;
                // A screen that was never seen locked may be unlocked now: that is told, as it happened.
                (self.locked.replace(locked) != Some(locked)).then_some(Told::Locked(locked))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(messages: &[(u32, usize)], expected: &[Told]) {
        let mut reader = Reader::default();
        let told: Vec<Told> = messages
            .iter()
            .filter_map(|(message, parameter)| reader.read(*message, *parameter))
            .collect();
        assert_eq!(told, expected, "{messages:x?}");
    }

    #[test]
    fn sleep_and_what_comes_after() {
        use Told::{Back, Leaving as Leaves};
        let sleep = (POWER_BROADCAST, 0x4);
        let (automatic, present) = ((POWER_BROADCAST, 0x12), (POWER_BROADCAST, 0x7));
        let (leaves, back) = (Leaves(Leaving::Sleep), Back(Leaving::Sleep));
        check(&[sleep, automatic, present], &[leaves, back]);
        check(
            &[sleep, present, sleep, automatic],
            &[leaves, back, leaves, back],
        );
        check(&[sleep, sleep, automatic], &[leaves, back]);
        // It slept without a word.
        check(&[(POWER_BROADCAST, 0x6)], &[back]);
        check(&[automatic, present], &[back]);
        check(&[present], &[]);
        check(
            &[(POWER_BROADCAST, 0xa), (POWER_BROADCAST, 0x8013)],
            &[Told::Supply; 2],
        );
        check(&[(POWER_BROADCAST, 0), (POWER_BROADCAST, usize::MAX)], &[]);
    }

    #[test]
    fn the_end_of_a_session() {
        use Told::{Back, Ends, Leaving as Leaves};
        let (asked, ends, stays) = ((QUERY_END_SESSION, 0), (END_SESSION, 1), (END_SESSION, 0));
        let (leaves, back) = (Leaves(Leaving::Shutdown), Back(Leaving::Shutdown));
        check(&[asked, ends, (SESSION_CHANGE, 0x6)], &[leaves, Ends]);
        check(&[asked, asked, stays, asked], &[leaves, back, leaves]);
        // Nobody was asked, as where the power fails.
        check(&[ends], &[Ends]);
        check(&[stays], &[]);
        // Somebody ended this program alone; the session goes on.
        check(&[(CLOSE, 0), (SESSION_CHANGE, 0x6)], &[Ends, Told::Ended]);
        check(&[(SESSION_CHANGE, 0x6)], &[Told::Ended]);
    }

    #[test]
    fn sessions_and_screens() {
        let event = |event| (SESSION_CHANGE, event);
        check(&[event(0x5)], &[Told::Began]);
        check(
            &[event(0x7), event(0x7), event(0x8), event(0x8), event(0x7)],
            &[Told::Locked(true), Told::Locked(false), Told::Locked(true)],
        );
        check(&[event(0x8)], &[Told::Locked(false)]);
        // Consoles and remote desktops that connect and disconnect.
        check(
            &[event(0x1), event(0x2), event(0x3), event(0x4), event(0x9)],
            &[],
        );
    }

    #[test]
    fn volumes_and_the_clock() {
        check(
            &[(DEVICE_CHANGE, 0x8000), (DEVICE_CHANGE, 0x8004)],
            &[Told::Volumes; 2],
        );
        // Devices that are no volumes, and questions whether one may go.
        check(&[(DEVICE_CHANGE, 0x7), (DEVICE_CHANGE, 0x8001)], &[]);
        check(&[(TIME_CHANGE, 0)], &[Told::Clock]);
        check(&[(0x0001, 0), (0x000f, 4), (0xffff_ffff, usize::MAX)], &[]);
    }

    #[test]
    fn patience_is_less_than_what_windows_grants() {
        assert!(patience(Leaving::Sleep) < Duration::from_secs(2));
        assert!(patience(Leaving::Shutdown) < Duration::from_secs(5));
    }

    proptest! {
        /// Whatever is said: nobody comes back twice, nothing is locked twice, and nothing panics.
        #[test]
        fn nothing_is_told_twice(messages in proptest::collection::vec(
            (prop_oneof![
                Just(POWER_BROADCAST), Just(SESSION_CHANGE), Just(QUERY_END_SESSION), Just(END_SESSION), any::<u32>()
            ], 0_usize..0x20), 0..200)
        ) {
            let mut reader = Reader::default();
            let (mut ending, mut locked, mut asleep) = (false, None, false);
            for (message, parameter) in messages {
                match reader.read(message, parameter) {
                    Some(Told::Leaving(Leaving::Shutdown)) => {
                        prop_assert!(!ending);
                        ending = true;
                    }
                    Some(Told::Ends) => ending = true,
                    Some(Told::Back(Leaving::Shutdown)) => {
                        prop_assert!(ending);
                        ending = false;
                    }
                    Some(Told::Leaving(Leaving::Sleep)) => {
                        prop_assert!(!asleep);
                        asleep = true;
                    }
                    Some(Told::Back(Leaving::Sleep)) => asleep = false,
                    Some(Told::Locked(now)) => {
                        prop_assert_ne!(locked, Some(now));
                        locked = Some(now);
                    }
                    Some(Told::Ended) => prop_assert!(!ending),
                    _ => {}
                }
            }
        }
    }
}
