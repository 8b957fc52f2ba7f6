//! Turns a [`Handler`] into a COM class: one trait, shipped as a program and as a library.
//!
//! Behind the feature `com`. A library (`crate-type = ["cdylib"]`) says
//!
//! ```
//! # use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished, frame::RpcError};
//! # struct Mine;
//! # impl Handler for Mine {
//! #     fn initialize(&self, _: &Start) -> Result<Introduction, RpcError> { Ok(Introduction::default()) }
//! #     fn items(&self) -> Result<ItemList, RpcError> { Ok(ItemList::default()) }
//! #     fn synchronize(&self, _: &Run) -> Result<(), Unfinished> { Ok(()) }
//! # }
//! syncmgr_handler::export_handler!("{7F4C34C5-6E0C-4D2E-8C0B-1D3C8B5A9E04}", Mine);
//! # fn main() {}
//! ```
//!
//! and is registered by `syncmgr register ./libmine.so`. The handler is served in its own process's memory by the same
//! code that serves it over standard input and output, so that it behaves alike both ways; this module is the manager's
//! end of that connection and translates the calls of the contract into messages, and messages into callbacks.
//!
//! What the contract of 1999 has no place for does not reach such a handler: definitions of items, plans, undo and
//! conflicts. A question to a person is answered by its default. Icons are not handed over.
//!
//! Threads of the library end before its last object is gone, but for some instructions at their very end; a host that
//! unloads libraries must give them a moment after `DllCanUnloadNow`, as COM itself does.

#![expect(unsafe_code, reason = "the class is called by foreign code")]

mod calls;
mod identity;
mod listing;
mod resided;
#[cfg(test)]
mod tests;
mod wire;

use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use windows_core::{Interface as _, implement};

pub use syncmgr_com::com_class::{Make, Resident, Residents, get_class_object, get_classes};
pub use syncmgr_com::{GUID, HRESULT, IUnknown};

use syncmgr_com::com_alloc::task_mem_alloc;
use syncmgr_com::com_guard::guard;
use syncmgr_com::com_interface::{
    ISyncMgrSynchronize, ISyncMgrSynchronize_Impl, ISyncMgrSynchronizeCallback,
};
use syncmgr_com::com_text::to_array;
use syncmgr_com::constant::{MAX_HANDLER_NAME, flag, handler_flag, hresult, status};
use syncmgr_com::guid::{self, GUID_NULL};
use syncmgr_com::structure::{Handle, HandlerInfo as NativeInfo};

use self::calls::{Calls, size};
use self::listing::Listing;
use self::resided::Resided;
use self::wire::{NoAnswer, Wire};
use crate::author::Handler;
use crate::call::{
    Event, Initialize, ItemStatusNotice, ListItems, Notice, Prepare, Release, ShowError,
    ShowProperties, Started, Synchronize, Verdict,
};
use crate::contract::{CONTRACT_VERSION, MAX_ITEMS, MAX_PAGE, feature};
use crate::frame::RpcError;
use crate::item::{HandlerInfo, Item, ItemId};
use crate::link::{Connection, enter};

/// Exports handlers as COM classes of the library that this stands in, once in a library.
///
/// Each class has its identifier and an expression that makes a handler for an instance of it.
#[macro_export]
macro_rules! export_handler {
    ($class:expr, $handler:expr $(,)?) => {
        $crate::export_handler! { $class => $handler }
    };
    ($($class:expr => $handler:expr),+ $(,)?) => {
        const _: () = {
            static RESIDENTS: $crate::com_class::Residents = $crate::com_class::Residents::new();
            static CLASSES: &[($crate::com_class::GUID, $crate::com_class::Make)] = &[$((
                const { $crate::com_class::class_id($class) },
                || $crate::com_class::make($crate::com_class::class_id($class), $handler, &RESIDENTS),
            )),+];

            #[unsafe(no_mangle)]
            unsafe extern "system" fn DllGetClassObject(
                class: *const $crate::com_class::GUID,
                interface: *const $crate::com_class::GUID,
                object: *mut *mut ::core::ffi::c_void,
            ) -> $crate::com_class::HRESULT {
                // SAFETY: the pointers are those of the caller, under the rules of COM.
                unsafe {
                    $crate::com_class::get_class_object(CLASSES, &RESIDENTS, class, interface, object)
                }
            }

            #[unsafe(no_mangle)]
            unsafe extern "system" fn DllCanUnloadNow() -> $crate::com_class::HRESULT {
                RESIDENTS.can_unload_now()
            }

            #[unsafe(no_mangle)]
            unsafe extern "system" fn SyncMgrGetClasses(
                classes: *mut $crate::com_class::GUID,
                capacity: u32,
                count: *mut u32,
            ) -> $crate::com_class::HRESULT {
                // SAFETY: the pointers are those of the caller, under the rules of the entry point.
                unsafe { $crate::com_class::get_classes(CLASSES, classes, capacity, count) }
            }
        };
    };
}

/// Reads a class identifier, with or without braces.
///
/// # Panics
/// When the text is none; in [`export_handler!`] that is an error of compilation.
#[must_use]
pub const fn class_id(text: &str) -> GUID {
    match guid::parse(text) {
        Some(id) => id,
        None => panic!("a class identifier is written {{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}}"),
    }
}

/// Makes an instance of a class from a handler.
///
/// # Errors
/// `E_OUTOFMEMORY` when no thread can be started.
pub fn make(
    class: GUID,
    handler: impl Handler + 'static,
    residents: &'static Residents,
) -> Result<IUnknown, HRESULT> {
    make_in(state_dir(&class), handler, residents)
}

fn make_in(
    state_dir: PathBuf,
    handler: impl Handler + 'static,
    residents: &'static Residents,
) -> Result<IUnknown, HRESULT> {
    let handler = Resided {
        handler,
        _resident: residents.enter(),
    };
    let (here, there) = Connection::memory();
    let (lines, writer) = here.split();
    let (wire, calls) = (Arc::new(Wire::new(writer)), Arc::new(Calls::new()));
    let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let resident = residents.enter();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                work();
                drop(resident);
            })
            .map_err(|_| hresult::E_OUTOFMEMORY)
    };
    let reader = start("com-callbacks", {
        let (wire, calls) = (Arc::clone(&wire), Arc::clone(&calls));
        Box::new(move || {
            wire.read(lines, |method, envelope| {
                calls.hear(&wire, method, envelope)
            });
        })
    })?;
    // Should it not start, its end of the connection is dropped, and with that the reader ends too.
    let server = start(
        "com-handler",
        // A connection in memory breaks only by being dropped, so there is no error to tell.
        Box::new(move || drop(crate::serve::serve(handler, there))),
    )?;
    let instance = Instance {
        wire,
        calls,
        state_dir,
        introduced: Mutex::default(),
        threads: vec![server, reader],
        residents,
        _resident: residents.enter(),
    };
    Ok(ISyncMgrSynchronize::from(instance).into())
}

/// The directory that the manager gives this handler, too, when it runs as a program.
#[expect(
    clippy::disallowed_methods,
    reason = "a library has no other way to learn where it may keep things"
)]
fn state_dir(class: &GUID) -> PathBuf {
    let set = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = if let Some(home) = set("SYNCMGR_HOME") {
        home.join("state")
    } else if cfg!(windows) {
        let data = set("APPDATA").unwrap_or_else(std::env::temp_dir);
        data.join("syncmgr")
    } else {
        let home = || set("HOME").map(|home| home.join(".local").join("state"));
        let data = set("XDG_STATE_HOME").or_else(home);
        data.unwrap_or_else(std::env::temp_dir).join("syncmgr")
    };
    base.join("handlers").join(guid::braced(class))
}

/// One object of the class: one instance of the handler.
#[implement(ISyncMgrSynchronize)]
struct Instance {
    wire: Arc<Wire>,
    calls: Arc<Calls>,
    state_dir: PathBuf,
    introduced: Mutex<Option<Introduced>>,
    threads: Vec<JoinHandle<()>>,
    residents: &'static Residents,
    _resident: Resident,
}

/// What the handler said of itself.
struct Introduced {
    info: HandlerInfo,
    features: Vec<String>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.calls.replace(None);
        if self.wire.is_reader() {
            // Released from inside a callback: nothing can be waited for, and the threads end by themselves.
            self.wire.close();
            return;
        }
        // It is refused only by a handler's side that has ended.
        drop(self.wire.call(&Release {}));
        self.wire.close();
        for thread in self.threads.drain(..) {
            // A panic of a thread has done what it could; there is nobody to tell.
            drop(thread.join());
        }
    }
}

impl Instance {
    fn has(&self, feature: &str) -> bool {
        enter(&self.introduced)
            .as_ref()
            .is_some_and(|said| said.features.iter().any(|one| one == feature))
    }

    /// Answers the item of a number; `None` means the handler itself.
    ///
    /// # Safety
    /// The pointer is null or readable.
    unsafe fn item(&self, number: *const GUID) -> Result<Option<ItemId>, HRESULT> {
        if number.is_null() {
            return Err(hresult::E_INVALIDARG);
        }
        // SAFETY: not null, and readable by the caller's word.
        let number = unsafe { number.read_unaligned() };
        if number == GUID_NULL {
            return Ok(None);
        }
        let name = self.calls.items.name(&number);
        ItemId::new(name)
            .map(Some)
            .map_err(|_| hresult::E_INVALIDARG)
    }

    fn list(&self) -> Result<(Vec<(GUID, Item)>, bool), HRESULT> {
        let mut items = Vec::new();
        let mut incomplete = false;
        let mut cursor = None;
        loop {
            let page = self
                .wire
                .call(&ListItems { cursor })
                .map_err(|error| refused(&error))?;
            incomplete |= page.incomplete;
            for item in page.items {
                items.push((self.calls.items.number(item.id.as_str()), item));
            }
            cursor = page.next;
            if cursor.is_none() || items.len() >= MAX_ITEMS {
                return Ok((items, incomplete || cursor.is_some()));
            }
        }
    }
}

impl ISyncMgrSynchronize_Impl for Instance_Impl {
    unsafe fn Initialize(
        &self,
        _reserved: u32,
        flags: u32,
        cookie_size: u32,
        cookie: *const u8,
    ) -> HRESULT {
        guard(|| {
            let event = match flags & flag::EVENT_MASK {
                flag::CONNECT => Event::Connect,
                flag::PENDING_DISCONNECT => Event::PendingDisconnect,
                flag::IDLE => Event::Idle,
                flag::INVOKE => Event::Invoke,
                flag::SCHEDULED => Event::Scheduled,
                _ => Event::Manual, // H-07
            };
            if cookie.is_null() && cookie_size != 0 {
                return hresult::E_INVALIDARG;
            }
            // Without its directory a handler that remembers nothing still works.
            drop(std::fs::create_dir_all(&self.state_dir));
            let cookie = (event == Event::Invoke && cookie_size != 0).then(|| {
                let size = usize::try_from(cookie_size).unwrap_or_default();
                // SAFETY: not null, and as long as the caller says (2.7).
                let bytes = unsafe { std::slice::from_raw_parts(cookie, size) };
                base64::engine::general_purpose::STANDARD.encode(bytes)
            }); // H-10
            let begun = self.wire.call(&Initialize {
                contract: vec![CONTRACT_VERSION],
                features: Vec::new(),
                manager: format!("COM, through syncmgr-handler {}", env!("CARGO_PKG_VERSION")),
                event,
                may_bother_user: flags & flag::MAY_BOTHER_USER != 0,
                settings: flags & flag::SETTINGS != 0,
                cookie,
                state_dir: self.state_dir.to_string_lossy().into_owned(),
                definitions: serde_json::Map::new(),
                more_definitions: false,
            });
            match begun {
                Ok(said) => {
                    *enter(&self.introduced) = Some(Introduced {
                        info: said.handler,
                        features: said.features,
                    });
                    if said.takes_part {
                        hresult::S_OK
                    } else {
                        hresult::S_FALSE // H-06
                    }
                }
                Err(error) => refused(&error),
            }
        })
    }

    unsafe fn GetHandlerInfo(&self, info: *mut *mut NativeInfo) -> HRESULT {
        guard(|| {
            if info.is_null() {
                return hresult::E_POINTER;
            }
            // SAFETY: not null, and writable by the rules of COM.
            unsafe { info.write(std::ptr::null_mut()) };
            let said = enter(&self.introduced);
            let Some(Introduced {
                info: own,
                features,
            }) = said.as_ref()
            else {
                return hresult::E_UNEXPECTED;
            };
            let has = |name: &str| features.iter().any(|one| one == name);
            let flag = |on: bool, flag: u32| if on { flag } else { 0 };
            let mut name = [0; MAX_HANDLER_NAME];
            to_array(&own.name, &mut name);
            let native = NativeInfo {
                cb_size: size::<NativeInfo>(),
                h_icon: std::ptr::null_mut(),
                flags: flag(
                    has(feature::PROPERTIES) && own.own_properties != Some(false),
                    handler_flag::HAS_PROPERTIES,
                ) | flag(
                    has(feature::CONNECTION),
                    handler_flag::MAY_ESTABLISH_CONNECTION,
                ) | flag(own.always_list, handler_flag::ALWAYS_LIST_HANDLER)
                    | flag(own.hidden, handler_flag::HIDDEN),
                name,
            };
            let block = task_mem_alloc(size_of::<NativeInfo>()).cast::<NativeInfo>(); // H-12
            if block.is_null() {
                return hresult::E_OUTOFMEMORY;
            }
            // SAFETY: the block is ours, large enough and aligned as the allocator's blocks are; the place was checked.
            unsafe {
                block.write(native);
                info.write(block);
            }
            hresult::S_OK
        })
    }

    unsafe fn EnumSyncMgrItems(&self, enumerator: *mut *mut c_void) -> HRESULT {
        guard(|| {
            if enumerator.is_null() {
                return hresult::E_POINTER;
            }
            // SAFETY: not null, and writable by the rules of COM.
            unsafe { enumerator.write(std::ptr::null_mut()) };
            match self.list() {
                Ok((items, incomplete)) => {
                    let listing = Listing::enumerator(items.into(), 0, self.residents);
                    // SAFETY: as above; the one reference goes to the caller.
                    unsafe { enumerator.write(listing.into_raw()) };
                    if incomplete {
                        hresult::S_SYNCMGR_MISSINGITEMS // H-13
                    } else {
                        hresult::S_OK
                    }
                }
                Err(result) => result,
            }
        })
    }

    unsafe fn GetItemObject(
        &self,
        _item: *const GUID,
        _interface: *const GUID,
        object: *mut *mut c_void,
    ) -> HRESULT {
        guard(|| {
            if object.is_null() {
                return hresult::E_POINTER;
            }
            // SAFETY: not null, and writable by the rules of COM.
            unsafe { object.write(std::ptr::null_mut()) };
            hresult::E_NOTIMPL // H-20
        })
    }

    unsafe fn ShowProperties(&self, window: Handle, item: *const GUID) -> HRESULT {
        guard(|| {
            if !self.has(feature::PROPERTIES) {
                return hresult::E_NOTIMPL;
            }
            // SAFETY: the identifier is the caller's, readable through the call (2.7).
            match unsafe { self.item(item) } {
                Ok(item) => started(self.wire.call(&ShowProperties {
                    item,
                    window: number_of(window),
                })),
                Err(result) => result,
            }
        })
    }

    unsafe fn SetProgressCallback(&self, callback: *mut c_void) -> HRESULT {
        guard(|| {
            // SAFETY: null, or an interface of this kind that lives through the call (2.3).
            let callback = unsafe { ISyncMgrSynchronizeCallback::from_raw_borrowed(&callback) };
            if callback.is_none() {
                // Whatever still works, works for nobody now.
                self.wire.notify(&Notice::ItemStatus(ItemStatusNotice {
                    item: None,
                    verdict: Verdict::CancelAll,
                }));
            }
            self.calls.replace(callback.cloned()); // H-24
            hresult::S_OK
        })
    }

    unsafe fn PrepareForSync(
        &self,
        count: u32,
        items: *mut GUID,
        _window: Handle,
        _reserved: u32,
    ) -> HRESULT {
        guard(|| {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            if items.is_null() || count == 0 || count > MAX_ITEMS {
                return hresult::E_INVALIDARG;
            }
            let mut chosen = Vec::with_capacity(count);
            for at in 0..count {
                // SAFETY: below the count of identifiers that the caller has there (2.7).
                match unsafe { self.item(items.add(at)) } {
                    Ok(Some(item)) => chosen.push(item), // H-25
                    Ok(None) | Err(_) => return hresult::E_INVALIDARG,
                }
            }
            self.calls.begin();
            let mut pages = chosen.chunks(MAX_PAGE).peekable();
            while let Some(page) = pages.next() {
                let more = pages.peek().is_some();
                let begun = self.wire.call(&Prepare {
                    items: page.to_vec(),
                    more,
                    ..Prepare::default()
                });
                let begun = started(begun);
                if !more || begun != hresult::S_OK {
                    return begun; // H-27, H-28
                }
            }
            hresult::E_INVALIDARG
        })
    }

    unsafe fn Synchronize(&self, _window: Handle) -> HRESULT {
        guard(|| started(self.wire.call(&Synchronize {}))) // H-32, H-33
    }

    unsafe fn SetItemStatus(&self, item: *const GUID, status: u32) -> HRESULT {
        guard(|| {
            // SAFETY: the identifier is the caller's, readable through the call (2.7).
            let item = match unsafe { self.item(item) } {
                Ok(item) => item,
                Err(result) => return result,
            };
            // The value is compared as one: other states are no wish to skip (H-41).
            let verdict = match (&item, status) {
                (None, status::SKIPPED | status::STOPPED) => Verdict::CancelAll,
                (Some(_), status::SKIPPED) => Verdict::CancelItem,
                _ => return hresult::S_OK,
            };
            let notice = ItemStatusNotice { item, verdict };
            self.wire.notify(&Notice::ItemStatus(notice));
            hresult::S_OK
        })
    }

    unsafe fn ShowError(&self, window: Handle, error: *const GUID) -> HRESULT {
        guard(|| {
            if !self.has(feature::SHOW_ERROR) {
                return hresult::E_NOTIMPL;
            }
            if error.is_null() {
                return hresult::E_INVALIDARG;
            }
            // SAFETY: not null, and readable through the call (2.7).
            let number = unsafe { error.read_unaligned() };
            match self.calls.errors.known(&number) {
                Some(error) => started(self.wire.call(&ShowError {
                    error,
                    window: number_of(window),
                })), // H-45
                None => hresult::E_INVALIDARG,
            }
        })
    }
}

/// A window as the number that it travels as.
fn number_of(window: Handle) -> Option<u64> {
    (!window.is_null()).then(|| u64::try_from(window.addr()).unwrap_or_default())
}

fn started(answer: Result<Started, NoAnswer>) -> HRESULT {
    match answer {
        Ok(Started::Yes) => hresult::S_OK,
        Ok(Started::NeedsUser) => hresult::S_FALSE, // H-28
        Ok(Started::No { .. }) => hresult::E_FAIL,
        Err(error) => refused(&error),
    }
}

fn refused(error: &NoAnswer) -> HRESULT {
    match error {
        NoAnswer::Refused(error) => match error.code {
            RpcError::OUT_OF_PHASE => hresult::E_UNEXPECTED,
            RpcError::METHOD_NOT_FOUND => hresult::E_NOTIMPL,
            RpcError::INVALID_PARAMS => hresult::E_INVALIDARG,
            _ => hresult::E_FAIL,
        },
        NoAnswer::Unsayable => hresult::E_INVALIDARG,
        NoAnswer::Gone => hresult::E_FAIL,
        NoAnswer::Reentrant => hresult::E_UNEXPECTED,
    }
}
