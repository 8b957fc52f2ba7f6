//! The single-threaded apartment of Windows, with its message pump.

#![expect(
    unsafe_code,
    reason = "apartments and messages are calls into the system"
)]

use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Com::{
    COINIT_APARTMENTTHREADED, CoIncrementMTAUsage, CoInitializeEx,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, SetEvent, TerminateProcess, WaitForSingleObject,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, MSG, MWMO_INPUTAVAILABLE, MsgWaitForMultipleObjectsEx, PM_REMOVE,
    PeekMessageW, QS_ALLINPUT, TranslateMessage,
};

/// Wakes the apartment. An event rather than a posted message, which a modal loop of the handler would swallow.
#[derive(Debug)]
pub(crate) struct Bell(HANDLE);

// SAFETY: an event may be used from any thread.
unsafe impl Send for Bell {}
// SAFETY: an event may be used from any thread at the same time.
unsafe impl Sync for Bell {}

impl Default for Bell {
    fn default() -> Self {
        // SAFETY: no security attributes and no name are allowed; the event resets itself.
        Self(unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) })
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is closed once.
        unsafe { CloseHandle(self.0) };
    }
}

impl Bell {
    /// Wakes who waits, or who waits next.
    pub(crate) fn ring(&self) {
        // SAFETY: the handle lives as long as `self`.
        unsafe { SetEvent(self.0) };
    }

    /// Waits until it rings and dispatches the messages of this thread meanwhile (M-12).
    pub(crate) fn wait(&self) {
        loop {
            // SAFETY: one handle, which lives as long as `self`.
            let woken = unsafe {
                MsgWaitForMultipleObjectsEx(
                    1,
                    &raw const self.0,
                    INFINITE,
                    QS_ALLINPUT,
                    MWMO_INPUTAVAILABLE,
                )
            };
            if woken == WAIT_OBJECT_0 {
                return;
            }
            if woken != WAIT_OBJECT_0 + 1 {
                // A thread without a message queue yet; the event alone is waited for.
                // SAFETY: as above.
                unsafe { WaitForSingleObject(self.0, INFINITE) };
                return;
            }
            pump();
        }
    }
}

/// Dispatches every message that waits.
fn pump() {
    let mut message = MSG::default();
    // SAFETY: the message is a place of ours, and the thread's own messages are dispatched.
    unsafe {
        while PeekMessageW(&raw mut message, ptr::null_mut(), 0, 0, PM_REMOVE) != 0 {
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}

/// Makes this thread a single-threaded apartment, the first of the process and so its main one, and keeps a
/// multi-threaded one alive for handler threads that never initialize COM (M-11).
pub(crate) fn enter_apartment() -> Result<(), String> {
    let mut cookie = ptr::null_mut();
    // SAFETY: the place of the cookie is ours; the usage is kept for the life of the process.
    let kept = unsafe { CoIncrementMTAUsage(&raw mut cookie) };
    // SAFETY: nothing is reserved; this thread was not initialized before.
    let entered = unsafe { CoInitializeEx(ptr::null(), COINIT_APARTMENTTHREADED as u32) };
    for (what, result) in [("CoIncrementMTAUsage", kept), ("CoInitializeEx", entered)] {
        if result < 0 {
            return Err(format!("{what} returned 0x{:08X}", result.cast_unsigned()));
        }
    }
    Ok(())
}

/// Ends the process at once: threads of the handler may still run, and must not meet what is being torn down.
pub(crate) fn end_process(code: i32) -> ! {
    // SAFETY: the process may end itself.
    unsafe { TerminateProcess(GetCurrentProcess(), code.cast_unsigned()) };
    std::process::exit(code)
}
