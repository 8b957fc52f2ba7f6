//! Asks Windows when the session was last used.

#![expect(
    unsafe_code,
    reason = "the last input is asked for through the system's C interface"
)]

use std::io;
use std::time::Duration;

use windows_sys::Win32::System::SystemInformation::GetTickCount;
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};

use crate::source::quiet;

/// How long nobody used it.
pub(super) fn quiet() -> io::Result<Duration> {
    let mut last = LASTINPUTINFO {
        cbSize: u32::try_from(size_of::<LASTINPUTINFO>()).unwrap_or(0),
        dwTime: 0,
    };
    // SAFETY: it writes into the structure, whose size it was told, during the call.
    if unsafe { GetLastInputInfo(&raw mut last) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it only answers a number.
    let now_ms = unsafe { GetTickCount() };
    Ok(quiet::quiet(now_ms, last.dwTime))
}
