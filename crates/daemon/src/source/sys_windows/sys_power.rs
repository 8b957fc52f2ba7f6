//! Asks Windows where the power comes from.

#![expect(
    unsafe_code,
    reason = "the power is asked for through the system's C interface"
)]

use std::io;

use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};

use crate::source::charge::Status;

/// What it says.
pub(super) fn status() -> io::Result<Status> {
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: it writes into the structure during the call.
    if unsafe { GetSystemPowerStatus(&raw mut status) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Status {
        line: status.ACLineStatus,
        battery: status.BatteryFlag,
        percent: status.BatteryLifePercent,
    })
}
