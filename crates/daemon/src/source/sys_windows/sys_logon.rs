//! Asks Windows when the session of this process began.

#![expect(
    unsafe_code,
    reason = "the session is asked for through the system's C interface"
)]

use windows_sys::Win32::System::RemoteDesktop::{
    WTS_CURRENT_SERVER_HANDLE, WTS_CURRENT_SESSION, WTSFreeMemory, WTSINFOW,
    WTSQuerySessionInformationW, WTSSessionInfo,
};

use crate::source::Began;

/// When somebody logged on to it; absent where Windows does not say.
pub(super) fn began() -> Option<Began> {
    let mut buffer = std::ptr::null_mut();
    let mut bytes = 0;
    // SAFETY: it writes a pointer and a length into places that live during the call.
    let told = unsafe {
        WTSQuerySessionInformationW(
            WTS_CURRENT_SERVER_HANDLE,
            WTS_CURRENT_SESSION,
            WTSSessionInfo,
            &raw mut buffer,
            &raw mut bytes,
        )
    };
    if told == 0 || buffer.is_null() {
        return None;
    }
    let whole = usize::try_from(bytes).is_ok_and(|bytes| bytes >= size_of::<WTSINFOW>());
    // SAFETY: the buffer holds such a structure when it is large enough, at whatever address.
    let logon = whole.then(|| unsafe { buffer.cast::<WTSINFOW>().read_unaligned() }.LogonTime);
    // SAFETY: the call above made it, and nothing refers to it any more.
    unsafe { WTSFreeMemory(buffer.cast()) };
    // No two sessions have the same, also where the clock was set between them.
    logon.filter(|time| *time != 0).map(|time| Began {
        life: format!("logon {time}"),
        at_us: 0,
    })
}
