//! The notification area of Windows, on a thread of its own: whoever made the mark must take its messages.

#![expect(
    unsafe_code,
    reason = "the messages of a thread are taken by calls of the system"
)]

use std::sync::mpsc::{Receiver, Sender, channel};

use syncmgr_control::Refusal;
use tokio::sync::{mpsc, oneshot, watch};
use tray_icon::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, GetMessageW, MSG, PM_NOREMOVE, PeekMessageW, PostThreadMessageW,
    TranslateMessage, WM_APP,
};

use crate::act::{Act, MENU};
use crate::face::Face;
use crate::icon;

/// What the system asks for at the usual density; it scales the picture at another.
const SIDE: u32 = 32;

/// A thread message: faces wait to be shown, or nobody sends any more.
const LOOK: u32 = WM_APP + 1;

/// Shows each face until nobody sends any more.
pub(crate) async fn show(
    mut faces: watch::Receiver<Face>,
    click: mpsc::Sender<Act>,
) -> Result<(), Refusal> {
    let first = faces.borrow_and_update().clone();
    let (shown, told) = channel();
    let (ready, begun) = oneshot::channel();
    std::thread::Builder::new()
        .name("tray".to_owned())
        .spawn(move || serve(&first, &told, click, ready))
        .map_err(|error| crate::absent(error.to_string()))?;
    let thread = begun
        .await
        .unwrap_or_else(|_| Err("its thread ended".to_owned()))
        .map_err(crate::absent)?;
    let pump = Pump {
        thread,
        shown: Some(shown),
    };
    while faces.changed().await.is_ok() {
        let face = faces.borrow_and_update().clone();
        if !pump.put(face) {
            return Err(crate::absent("the thread of the mark ended"));
        }
    }
    Ok(())
}

/// The thread of the mark, seen from outside; its end takes the mark away.
struct Pump {
    thread: u32,
    shown: Option<Sender<Face>>,
}

impl Pump {
    fn put(&self, face: Face) -> bool {
        self.shown
            .as_ref()
            .is_some_and(|shown| shown.send(face).is_ok())
            && self.wake()
    }

    fn wake(&self) -> bool {
        // SAFETY: posting takes numbers alone; a thread that is gone is answered with zero.
        unsafe { PostThreadMessageW(self.thread, LOOK, 0, 0) != 0 }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shown = None;
        self.wake();
    }
}

/// Makes the mark and takes the messages of its thread until nobody sends faces any more.
fn serve(
    first: &Face,
    told: &Receiver<Face>,
    click: mpsc::Sender<Act>,
    ready: oneshot::Sender<Result<u32, String>>,
) {
    let mark = match mark(first, click) {
        Ok(mark) => mark,
        Err(why) => {
            drop(ready.send(Err(why)));
            return;
        }
    };
    let mut message = MSG::default();
    // SAFETY: `message` outlives the call. Looking once makes the queue, so that nothing posted from now on is lost.
    unsafe { PeekMessageW(&raw mut message, std::ptr::null_mut(), 0, 0, PM_NOREMOVE) };
    // SAFETY: it has no conditions.
    let thread = unsafe { GetCurrentThreadId() };
    if ready.send(Ok(thread)).is_err() {
        return;
    }
    loop {
        // SAFETY: `message` outlives the call; no window is named, so that messages of the thread come as well.
        let more = unsafe { GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) };
        if more <= 0 {
            return;
        }
        if message.hwnd.is_null() && message.message == LOOK {
            loop {
                match told.try_recv() {
                    Ok(face) => put(&mark, &face),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
            }
            continue;
        }
        // SAFETY: `message` is what the system just wrote, and is handed on unchanged.
        unsafe {
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}

fn mark(face: &Face, click: mpsc::Sender<Act>) -> Result<TrayIcon, String> {
    let menu = Menu::new();
    for act in MENU {
        let added = match act {
            Some(act) => menu.append(&MenuItem::with_id(act.label(), act.label(), true, None)),
            None => menu.append(&PredefinedMenuItem::separator()),
        };
        added.map_err(|error| error.to_string())?;
    }
    let chosen = click.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let act = MENU
            .iter()
            .flatten()
            .find(|act| act.label() == event.id.as_ref());
        // Whoever clicks faster than anything can be done clicks again.
        let _full = act.map(|act| chosen.try_send(*act));
    }));
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        } = event
        {
            let _full = click.try_send(Act::Open);
        }
    }));
    TrayIconBuilder::new()
        .with_menu(Box::new(menu))
        .with_menu_on_left_click(false)
        .with_tooltip(&face.sentence)
        .with_icon(picture(face)?)
        .build()
        .map_err(|error| error.to_string())
}

fn picture(face: &Face) -> Result<Icon, String> {
    let picture = icon::picture(face.state, SIDE);
    Icon::from_rgba(picture.rgba, picture.side, picture.side).map_err(|error| error.to_string())
}

fn put(mark: &TrayIcon, face: &Face) {
    let shown = picture(face)
        .and_then(|picture| {
            mark.set_icon(Some(picture))
                .map_err(|error| error.to_string())
        })
        .and_then(|()| {
            let told = mark.set_tooltip(Some(&face.sentence));
            told.map_err(|error| error.to_string())
        });
    if let Err(why) = shown {
        tracing::warn!(why, "the mark shows something old");
    }
}
