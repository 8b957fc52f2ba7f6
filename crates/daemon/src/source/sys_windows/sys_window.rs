//! The window that nobody sees, on a thread of its own, which ends with it.
//!
//! It is no window of messages alone: those are not told of sleep, of volumes, of the clock and of the end of the session.

#![expect(
    unsafe_code,
    reason = "windows are made and heard through the system's C interface"
)]

use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Power::{
    HPOWERNOTIFY, RegisterPowerSettingNotification, UnregisterPowerSettingNotification,
};
use windows_sys::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification, WTSUnRegisterSessionNotification,
};
use windows_sys::Win32::System::Shutdown::{ShutdownBlockReasonCreate, ShutdownBlockReasonDestroy};
use windows_sys::Win32::System::SystemServices::{
    GUID_ACDC_POWER_SOURCE, GUID_BATTERY_PERCENTAGE_REMAINING,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DEVICE_NOTIFY_WINDOW_HANDLE, DefWindowProcW, DestroyWindow, DispatchMessageW,
    GWLP_USERDATA, GetMessageW, GetWindowLongPtrW, MSG, PostMessageW, PostQuitMessage,
    RegisterClassW, SetWindowLongPtrW, WM_APP, WNDCLASSW,
};
use windows_sys::core::{GUID, w};

use super::window::Heard;
use crate::source::Leaving;
use crate::source::broadcast::{
    CLOSE, END_SESSION, POWER_BROADCAST, QUERY_END_SESSION, Reader, Told, patience,
};

/// Asks the window to go; below it are the numbers that Windows uses itself.
const GO: u32 = WM_APP;

/// Longer than the task keeps an answer back, so that it is the one to let go.
const GRACE: Duration = Duration::from_millis(200);

/// The window. It is gone, with its thread, when this is dropped.
#[derive(Debug)]
pub(super) struct Open {
    /// A handle is a number, which any thread may post to.
    window: usize,
    thread: Option<JoinHandle<()>>,
    /// Whether Windows tells it of its session.
    pub(super) sessions: io::Result<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: the handle is only compared with those of living windows.
        let posted = unsafe { PostMessageW(self.window as HWND, GO, 0, 0) };
        let ended = match self.thread.take() {
            // What it waits for is let go with the queue, so this takes no longer than one message.
            Some(thread) if posted != 0 || thread.is_finished() => thread.join().is_ok(),
            _ => false,
        };
        if !ended {
            tracing::warn!("the window that hears the session could not be closed");
        }
    }
}

/// What the window knows; it belongs to its thread.
struct Knows {
    reader: Reader,
    sender: mpsc::Sender<Heard>,
}

/// Makes the window.
pub(super) async fn open(sender: mpsc::Sender<Heard>) -> io::Result<Open> {
    let (made, making) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("session".to_owned())
        .spawn(move || live(sender, made))?;
    let (window, sessions) = making
        .await
        .map_err(|_| io::Error::other("its thread ended"))??;
    Ok(Open {
        window,
        thread: Some(thread),
        sessions,
    })
}

type Made = io::Result<(usize, io::Result<()>)>;

/// The life of the thread.
fn live(sender: mpsc::Sender<Heard>, made: oneshot::Sender<Made>) {
    let knows = Box::into_raw(Box::new(Knows {
        reader: Reader::default(),
        sender,
    }));
    match make(knows) {
        Ok(window) => attend(window, made),
        Err(error) => drop(made.send(Err(error))),
    }
    // SAFETY: it came from a box above, and the window that knew of it is gone.
    drop(unsafe { Box::from_raw(knows) });
}

/// Hears what the window hears until it is asked to go, and then takes it away.
fn attend(window: HWND, made: oneshot::Sender<Made>) {
    // SAFETY: the window was made by this thread.
    let registered = unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) };
    let sessions = if registered == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    };
    let powers = [GUID_ACDC_POWER_SOURCE, GUID_BATTERY_PERCENTAGE_REMAINING]
        .map(|what| notified(window, &what));
    if made.send(Ok((window as usize, sessions))).is_ok() {
        hear();
    }
    // SAFETY: each was made for this window by this thread, and none is used afterwards; what fails was not there.
    unsafe {
        for power in powers.into_iter().filter(|power| *power != 0) {
            UnregisterPowerSettingNotification(power);
        }
        WTSUnRegisterSessionNotification(window);
        DestroyWindow(window);
    }
}

/// Asks to be told of a setting of power; zero: it is not told, and a general message tells less often.
fn notified(window: HWND, what: &GUID) -> HPOWERNOTIFY {
    // SAFETY: the window is this thread's own, and the identifier is read during the call.
    unsafe { RegisterPowerSettingNotification(window, what, DEVICE_NOTIFY_WINDOW_HANDLE) }
}

fn make(knows: *mut Knows) -> io::Result<HWND> {
    let name = w!("syncmgr session");
    // SAFETY: with no name it answers the program's own module, which lives as long as the process.
    let module = unsafe { GetModuleHandleW(null()) };
    let class = WNDCLASSW {
        lpfnWndProc: Some(proceed),
        hInstance: module,
        lpszClassName: name,
        ..WNDCLASSW::default()
    };
    // SAFETY: the class is read during the call. It may be there from before; only then does making the window succeed
    // although this fails.
    unsafe { RegisterClassW(&raw const class) };
    // SAFETY: all names live for ever, and the other parameters are none.
    let window = unsafe {
        CreateWindowExW(
            0,
            name,
            name,
            0,
            0,
            0,
            0,
            0,
            null_mut(),
            null_mut(),
            module,
            null::<c_void>(),
        )
    };
    if window.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the window is this thread's own. What it points to outlives it: both end in `live`.
    unsafe { SetWindowLongPtrW(window, GWLP_USERDATA, knows as isize) };
    Ok(window)
}

/// Hears messages until the window is asked to go.
fn hear() {
    let mut message = MSG::default();
    // SAFETY: the message is written and read by this thread alone, and dispatched to this thread's window.
    unsafe {
        while GetMessageW(&raw mut message, null_mut(), 0, 0) > 0 {
            DispatchMessageW(&raw const message);
        }
    }
}

/// What the window does with a message.
extern "system" fn proceed(window: HWND, message: u32, parameter: WPARAM, more: LPARAM) -> LRESULT {
    if message == GO {
        // SAFETY: it ends the loop of this thread.
        unsafe { PostQuitMessage(0) };
        return 0;
    }
    // SAFETY: the window is this thread's own; what was stored in it is nothing or a `Knows` that outlives it, of which no
    // other reference exists: only this function makes one, and while it waits it hears no message.
    let knows = unsafe { (GetWindowLongPtrW(window, GWLP_USERDATA) as *mut Knows).as_mut() };
    if let Some(knows) = knows
        && let Some(told) = knows.reader.read(message, parameter)
    {
        pass_on(window, &knows.sender, told);
    }
    match message {
        QUERY_END_SESSION | POWER_BROADCAST => 1,
        // Only its own thread takes the window away.
        END_SESSION | CLOSE => 0,
        // SAFETY: the parameters are those of the message.
        _ => unsafe { DefWindowProcW(window, message, parameter, more) },
    }
}

/// Passes on what was told, and waits where the answer lets the machine go.
fn pass_on(window: HWND, sender: &mpsc::Sender<Heard>, told: Told) {
    let how = match told {
        Told::Leaving(how) => Some(how),
        Told::Ends => Some(Leaving::Shutdown),
        _ => None,
    };
    let (waits, waited) = match how {
        Some(_) => {
            let (waits, waited) = sync_channel(1);
            (Some(waits), Some(waited))
        }
        None => (None, None),
    };
    if sender.try_send(Heard { told, waits }).is_err() {
        tracing::warn!(?told, "nobody had time to hear what Windows told");
        return;
    }
    let (Some(how), Some(waited)) = (how, waited) else {
        return;
    };
    let ends = how == Leaving::Shutdown;
    if ends {
        // SAFETY: the window is this thread's own, and the text lives for ever. Where it fails people see no reason.
        unsafe {
            ShutdownBlockReasonCreate(window, w!("Synchronizations notice that the session ends."))
        };
    }
    // Nothing is ever sent: the other end is dropped.
    if waited.recv_timeout(patience(how) + GRACE).is_ok() {
        tracing::trace!("the answer was given");
    }
    if ends {
        // SAFETY: as above.
        unsafe { ShutdownBlockReasonDestroy(window) };
    }
}
