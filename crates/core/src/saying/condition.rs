//! What conditions want.

use super::Span;
use super::{HoursText, Hundredths, Saying, Size};
use crate::sayings;

sayings! {
    /// What a condition wants, as a fragment.
    pub(crate) enum Want {
        "want-network" Network = "a network";
        "want-unmetered" Unmetered = "a network that does not cost by volume";
        "want-wifi" Wifi { name: String } = "the Wi-Fi {name}";
        "want-vpn" Vpn = "a VPN";
        "want-mains" Mains = "mains";
        "want-battery" Battery { percent: u64 } = "mains or at least {percent} % of battery";
        "want-idle" Idle { span: Span } = "nobody at the machine for {span}";
        "want-mounted" Mounted { path: String } = "{path} mounted";
        "want-rest" Rest { what: Saying } = "{what} at rest";
        "want-hours" Hours { hours: HoursText } = "the hours {hours}";
        "want-other-hours" OtherHours { hours: HoursText } = "other hours than {hours}";
        "want-room" Room { size: Size, path: String } = "{size} free at {path}";
        "want-share" Share { percent: u64, path: String } = "{percent} % free at {path}";
        "want-load" Load { load: Hundredths } = "a load of at most {load}";
        "want-load-each" LoadEach { load: Hundredths } = "a load of at most {load} a processor";
        "want-reachable" Reachable { endpoint: String } = "{endpoint} to be reachable";
        "want-ticked" Ticked = "everything ticked";
        "want-named" Named { name: String } = "{name}";
    }
}

sayings! {
    /// What would have to be, as the end of "it would run, if …".
    pub(crate) enum Wish {
        "wish-network" Network = "there were a usable network";
        "wish-unmetered" Unmetered = "the network were unmetered";
        "wish-wifi" Wifi { name: String } = "the Wi-Fi were {name}";
        "wish-vpn" Vpn = "a VPN were up";
        "wish-mains" Mains = "the machine were on mains";
        "wish-battery" Battery { percent: u64 } = "the machine were on mains or had {percent} % of battery";
        "wish-idle" Idle { span: Span } = "nobody had used the machine for {span}";
        "wish-mounted" Mounted { path: String } = "{path} were mounted";
        "wish-rest" Rest { what: Saying } = "{what} did not run";
        "wish-hours" Hours { hours: HoursText } = "these were the hours {hours}";
        "wish-other-hours" OtherHours { hours: HoursText } = "these were not the hours {hours}";
        "wish-room" Room { size: Size, path: String } = "{size} were free at {path}";
        "wish-share" Share { percent: u64, path: String } = "{percent} % were free at {path}";
        "wish-load" Load { wanted: Saying } = "there were {wanted}";
        "wish-reachable" Reachable { endpoint: String } = "{endpoint} could be reached";
    }
}

sayings! {
    /// What would change a condition that is not met, as a fragment.
    pub(crate) enum Change {
        "change-network" Network = "a network comes up";
        "change-unmetered" Unmetered = "an unmetered network comes up";
        "change-wifi" Wifi = "that Wi-Fi is joined";
        "change-vpn" Vpn = "the VPN is up";
        "change-power" Power = "the charger is plugged in";
        "change-idle" Idle = "the machine is left alone";
        "change-mounted" Mounted = "it is mounted";
        "change-rest" Rest = "its run ends";
        "change-hours" Hours = "time";
        "change-room" Room = "something is deleted there";
        "change-load" Load = "other programs have less to do";
        "change-reachable" Reachable = "it answers";
        "change-source" Source = "a source for it, or a sync by hand";
        "change-nobody-comes" NobodyComes = "time, while nobody comes";
        "change-settles" Settles = "time, while it settles";
        "change-look" Look = "a look at it";
    }
}
