//! Where this machine tells of itself; tests put other places in.

use std::path::PathBuf;

use super::Source;

/// Where the machine tells of itself. The default is the machine as it is.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The address of the system bus; absent: where the system has it.
    pub bus: Option<String>,
    /// The address of the bus of the user's session; absent: where the session says that it is.
    pub session_bus: Option<String>,
    /// What is mounted: `/proc/self/mountinfo`.
    pub mountinfo: PathBuf,
    /// The routes: `/proc/self/net`.
    pub net: PathBuf,
    /// Where names are looked up: `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// Chargers and batteries: `/sys/class/power_supply`.
    pub power_supply: PathBuf,
    /// Volumes by label and by number: `/dev/disk`.
    pub disk: PathBuf,
    /// What the machine has to do: `/proc/loadavg`.
    pub loadavg: PathBuf,
    /// The zone: `/etc/localtime`.
    pub localtime: PathBuf,
    /// What names this start of the machine: `/proc/sys/kernel/random/boot_id`.
    pub boot_id: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            bus: None,
            session_bus: None,
            mountinfo: "/proc/self/mountinfo".into(),
            net: "/proc/self/net".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            power_supply: "/sys/class/power_supply".into(),
            disk: "/dev/disk".into(),
            loadavg: "/proc/loadavg".into(),
            localtime: "/etc/localtime".into(),
            boot_id: "/proc/sys/kernel/random/boot_id".into(),
        }
    }
}

impl Machine {
    /// Every source that there is for it.
    #[must_use]
    pub fn sources(&self) -> Vec<Box<dyn Source>> {
        #[cfg(target_os = "linux")]
        let mut sources = super::sys_linux::sources(self);
        #[cfg(windows)]
        let mut sources = super::sys_windows::sources();
        #[cfg(not(any(target_os = "linux", windows)))]
        let mut sources = super::sys_elsewhere::sources();
        sources.push(Box::new(super::file::Files));
        sources.push(Box::new(super::look::Looks::new(self.loadavg.clone())));
        sources
    }
}
