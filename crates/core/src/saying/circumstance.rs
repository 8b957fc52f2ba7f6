//! How things stand that conditions are about.

use super::{Hundredths, Moment, Saying, Size, Span};
use crate::sayings;

sayings! {
    /// What is, as a fragment.
    pub(crate) enum Circumstance {
        "now-unknown" Unknown = "nobody here can tell";
        "now-mains" Mains = "on mains";
        "now-battery-with" BatteryWith { percent: u64 } = "on battery with {percent} %";
        "now-battery" Battery = "on battery";
        "now-idle" Idle { span: Span } = "for {span}";
        "now-in-use" InUse = "in use";
        "now-mounted" Mounted = "mounted";
        "now-not-mounted" NotMounted = "not mounted";
        "now-rest" Rest = "nothing of it runs";
        "now-runs" Runs { name: String } = "{name} runs";
        "now-until" Until { at: Moment } = "until {at}";
        "now-not-before" NotBefore { at: Moment } = "not before {at}";
        "now-always" Always = "always";
        "now-never" Never = "never";
        "now-no-network" NoNetwork = "no usable network";
        "now-told" Told { words: String } = "{words}";
        "now-wifi" Wifi { name: String } = "the Wi-Fi {name}";
        "now-wifi-metered" WifiMetered { name: String } = "the Wi-Fi {name}, metered";
        "now-metered" Metered = "a metered network";
        "now-vpn" Vpn = "a network with a VPN";
        "now-network" Network = "a network";
        "now-other-network" OtherNetwork = "another network";
        "now-looked-at-later" LookedAtLater = "looked at when it is about to start";
        "now-room" Room { free: Size, total: Size } = "{free} of {total} free";
        "now-load-one" LoadOne { load: Hundredths } = "{load} on 1 processor";
        "now-load" Load { load: Hundredths, cores: u64 } = "{load} on {cores} processors";
        "now-answers" Answers = "it answers";
        "now-ago" Ago { found: Saying, ago: Span } = "{found}, {ago} ago";
    }
}
