//! The object: both interfaces of one identity, each call checked here and carried to the manager.

#![expect(unsafe_code, reason = "the methods are called by foreign code")]

use base64::Engine as _;
use syncmgr_com::com_class::Resident;
use syncmgr_com::com_guard::guard;
use syncmgr_com::com_interface::{
    ISyncMgrRegister, ISyncMgrRegister_Impl, ISyncMgrSynchronizeInvoke,
    ISyncMgrSynchronizeInvoke_Impl,
};
use syncmgr_com::com_text;
use syncmgr_com::constant::hresult::{
    E_ACCESSDENIED, E_FAIL, E_INVALIDARG, E_OUTOFMEMORY, S_FALSE, S_OK,
};
use syncmgr_com::constant::{invoke_flag, register_flag};
use syncmgr_com::guid::{GUID_NULL, braced};
use syncmgr_com::{GUID, HRESULT, IUnknown};
use syncmgr_control::registration::{MAX_COOKIE_BYTES, NewHandler, RegisterEvent, Runs};
use syncmgr_control::{Refusal, Reply, Request};
use windows_core::implement;

use crate::com_entry::RESIDENTS;
use crate::manager;

/// Most units of a description that are read.
const MAX_DESCRIPTION_UNITS: usize = 4 * 1024;

/// Most characters of a description that are kept (`MAX_SYNCMGR_NAME` less the terminator).
const MAX_DESCRIPTION_CHARS: usize = 127;

/// The manager as programs see it (M-02: one identity).
#[implement(ISyncMgrSynchronizeInvoke, ISyncMgrRegister)]
struct Server {
    /// Has somebody record what the program does wrong: the number of the obligation, and what it was.
    misused: fn(&'static str, &str),
    _resident: Resident,
}

/// Makes one object.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that class objects want"
)]
pub(crate) fn make() -> Result<IUnknown, HRESULT> {
    let server = Server {
        misused: manager::misused,
        _resident: RESIDENTS.enter(),
    };
    Ok(server.into())
}

/// Reads an identifier; `None` for a null pointer and for the null identifier.
///
/// # Safety
/// `class` is null or readable.
unsafe fn class_at(class: *const GUID) -> Option<GUID> {
    if class.is_null() {
        return None;
    }
    // SAFETY: not null, and readable by the caller's word.
    let class = unsafe { class.read_unaligned() };
    (class != GUID_NULL).then_some(class)
}

impl ISyncMgrSynchronizeInvoke_Impl for Server_Impl {
    unsafe fn UpdateItems(
        &self,
        flags: u32,
        class: *const GUID,
        cookie_size: u32,
        cookie: *const u8,
    ) -> HRESULT {
        guard(|| {
            // SAFETY: 2.7: the caller's identifier lives through the call.
            let Some(class) = (unsafe { class_at(class) }) else {
                (self.misused)("M-153", "called UpdateItems without a handler's identifier");
                return E_INVALIDARG;
            };
            let known = invoke_flag::START_SYNC | invoke_flag::MINIMIZED;
            if flags & !known != 0 {
                let what = format!(
                    "called UpdateItems with the unknown flags {:#x}",
                    flags & !known
                );
                (self.misused)("M-153", &what);
                return E_INVALIDARG;
            }
            if cookie_size != 0 && cookie.is_null() {
                let what = format!(
                    "called UpdateItems with a cookie of {cookie_size} bytes at no address"
                );
                (self.misused)("M-153", &what);
                return E_INVALIDARG;
            }
            let size = usize::try_from(cookie_size).unwrap_or(usize::MAX);
            if size > MAX_COOKIE_BYTES {
                let what = format!(
                    "called UpdateItems with a cookie of {size} bytes; {MAX_COOKIE_BYTES} are the most"
                );
                (self.misused)("M-38", &what);
                return E_OUTOFMEMORY;
            }
            let cookie = (size != 0).then(|| {
                // SAFETY: not null, and 2.7: as many bytes as the caller says are readable through the call. They are
                // copied here, so that the caller may free them afterwards (M-152).
                let bytes = unsafe { std::slice::from_raw_parts(cookie, size) };
                base64::engine::general_purpose::STANDARD.encode(bytes)
            });
            let request = Request::Invoke {
                handler: braced(&class),
                start: flags & invoke_flag::START_SYNC != 0,
                minimized: flags & invoke_flag::MINIMIZED != 0,
                cookie,
            };
            result(manager::ask(request))
        })
    }

    unsafe fn UpdateAll(&self) -> HRESULT {
        guard(|| result(manager::ask(Request::InvokeAll)))
    }
}

impl ISyncMgrRegister_Impl for Server_Impl {
    unsafe fn RegisterSyncMgrHandler(
        &self,
        class: *const GUID,
        description: *const u16,
        flags: u32,
    ) -> HRESULT {
        guard(|| {
            // SAFETY: 2.7: the caller's identifier lives through the call.
            let Some(class) = (unsafe { class_at(class) }) else {
                (self.misused)("M-19", "registered a handler without an identifier");
                return E_INVALIDARG;
            };
            if flags & !register_flag::MASK != 0 {
                let what = format!("registered a handler with the unknown flags {flags:#x}");
                (self.misused)("M-19", &what);
                return E_INVALIDARG;
            }
            // SAFETY: 2.7: null (M-17), or a text with a terminator that lives through the call.
            let description = unsafe { com_text::read(description, MAX_DESCRIPTION_UNITS) };
            let name = description
                .map(|text| {
                    text.trim()
                        .chars()
                        .take(MAX_DESCRIPTION_CHARS)
                        .collect::<String>()
                })
                .filter(|text| !text.is_empty());
            result(manager::ask(Request::Register(NewHandler {
                runs: Runs::Class {
                    class: braced(&class),
                },
                id: None,
                name,
                events: Some(RegisterEvent::of_flags(flags)),
                check: false, // M-21
            })))
        })
    }

    unsafe fn UnregisterSyncMgrHandler(&self, class: *const GUID, _reserved: u32) -> HRESULT {
        guard(|| {
            if class.is_null() {
                return E_INVALIDARG;
            }
            // SAFETY: 2.7: the caller's identifier lives through the call.
            match unsafe { class_at(class) } {
                Some(class) => {
                    let id = braced(&class);
                    result(manager::ask(Request::Unregister { id })) // M-24
                }
                None => S_OK, // M-24: nobody can have registered it
            }
        })
    }

    unsafe fn GetHandlerRegistrationInfo(&self, class: *const GUID, flags: *mut u32) -> HRESULT {
        guard(|| {
            if flags.is_null() || class.is_null() {
                (self.misused)(
                    "M-28",
                    "asked about a handler without saying which, or where to answer",
                );
                return E_INVALIDARG;
            }
            // SAFETY: not null, and 2.7: writable by the caller's word.
            unsafe { flags.write_unaligned(0) };
            // SAFETY: 2.7: the caller's identifier lives through the call.
            let Some(class) = (unsafe { class_at(class) }) else {
                return S_FALSE;
            };
            let id = braced(&class);
            match manager::ask(Request::Handlers) {
                Ok(Reply::Handlers(view)) => {
                    let found = view.handlers.into_iter().find(|handler| {
                        let class = handler.registration.class.as_ref().unwrap_or(&handler.id);
                        class.eq_ignore_ascii_case(&id)
                    });
                    let Some(handler) = found else {
                        return S_FALSE; // M-27
                    };
                    let events = RegisterEvent::to_flags(&handler.registration.events);
                    // SAFETY: as above.
                    unsafe { flags.write_unaligned(events) }; // M-26
                    S_OK
                }
                Ok(_) => E_FAIL,
                Err(refusal) => failure(&refusal),
            }
        })
    }
}

fn result(answer: Result<Reply, Refusal>) -> HRESULT {
    match answer {
        Ok(_) => S_OK,
        Err(refusal) => failure(&refusal),
    }
}

/// The result code of a refusal (3.9, 3.10).
fn failure(refusal: &Refusal) -> HRESULT {
    match refusal.code.as_str() {
        "handler::not-registered"
        | "handler::bad-class"
        | "handler::bad-id"
        | "request::unknown-item" => E_INVALIDARG,
        "request::cookie-too-large" | "request::queue-full" => E_OUTOFMEMORY,
        "handler::registry" | "control::not-yours" | "config::unwritable" | "home::unusable" => {
            E_ACCESSDENIED
        }
        _ => E_FAIL,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use syncmgr_com::Interface as _;
    use syncmgr_com::com_class::create;
    use syncmgr_com::com_interface::{IClassFactory, ISyncMgrEnumItems};
    use syncmgr_com::constant::hresult::{
        CLASS_E_CLASSNOTAVAILABLE, CLASS_E_NOAGGREGATION, E_NOINTERFACE,
    };
    use syncmgr_com::guid::{CLSID_SYNC_MGR, CLSID_SYNCMGR_OURS};

    use crate::com_entry::DllGetClassObject;

    /// Nothing here reaches a manager: every call is refused before.
    fn invoke() -> ISyncMgrSynchronizeInvoke {
        // SAFETY: the entry point is this library's own.
        unsafe { create(DllGetClassObject, &CLSID_SYNCMGR_OURS) }.unwrap()
    }

    #[test]
    fn both_interfaces_are_one_object() {
        for class in [CLSID_SYNC_MGR, CLSID_SYNCMGR_OURS] {
            // M-01: directly as either interface.
            // SAFETY: the entry point is this library's own.
            let invoke: ISyncMgrSynchronizeInvoke =
                unsafe { create(DllGetClassObject, &class) }.unwrap();
            // SAFETY: as above.
            let direct: ISyncMgrRegister = unsafe { create(DllGetClassObject, &class) }.unwrap();
            // M-02
            let register: ISyncMgrRegister = invoke.cast().unwrap();
            let back: ISyncMgrSynchronizeInvoke = register.cast().unwrap();
            let identity = |one: IUnknown| one.as_raw();
            assert_eq!(back.as_raw(), invoke.as_raw());
            assert_eq!(
                identity(invoke.cast().unwrap()),
                identity(register.cast().unwrap())
            );
            assert_ne!(
                identity(invoke.cast().unwrap()),
                identity(direct.cast().unwrap())
            );
        }
    }

    #[test]
    fn what_is_not_offered_is_refused_with_null() {
        let server = invoke();
        // M-04
        let mut object = std::ptr::without_provenance_mut(1);
        // SAFETY: the identifier lives through the call, and the place is writable.
        let answer = unsafe { server.query(&ISyncMgrEnumItems::IID, &raw mut object) };
        assert_eq!(answer, E_NOINTERFACE);
        assert!(object.is_null());
        // Another class.
        let mut object = std::ptr::without_provenance_mut(1);
        // SAFETY: as above.
        let answer = unsafe { DllGetClassObject(&GUID_NULL, &IClassFactory::IID, &raw mut object) };
        assert_eq!(answer, CLASS_E_CLASSNOTAVAILABLE);
        assert!(object.is_null());
        // M-03
        let mut factory = std::ptr::null_mut();
        // SAFETY: as above.
        let answer =
            unsafe { DllGetClassObject(&CLSID_SYNC_MGR, &IClassFactory::IID, &raw mut factory) };
        assert_eq!(answer, S_OK);
        // SAFETY: the entry point handed over one reference to that interface.
        let factory = unsafe { IClassFactory::from_raw(factory) };
        let mut object = std::ptr::without_provenance_mut(1);
        // SAFETY: as above; the outer object is never used.
        let answer =
            unsafe { factory.CreateInstance(server.as_raw(), &IUnknown::IID, &raw mut object) };
        assert_eq!(answer, CLASS_E_NOAGGREGATION);
        assert!(object.is_null());
    }

    thread_local! {
        static RECORDED: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
    }

    fn record(obligation: &'static str, what: &str) {
        RECORDED.with_borrow_mut(|all| all.push((obligation, what.to_owned())));
    }

    #[test]
    fn bad_arguments_are_recorded_and_asked_of_nobody() {
        let class = GUID::from_u128(7);
        let server: ISyncMgrSynchronizeInvoke = Server {
            misused: record,
            _resident: RESIDENTS.enter(),
        }
        .into();
        let update = |flags, class: *const GUID, size, cookie| {
            // SAFETY: every pointer is null or lives through the call.
            unsafe { server.UpdateItems(flags, class, size, cookie) }
        };
        // M-153
        for flags in [1, 8, 0x8000_0000, 3] {
            assert_eq!(
                update(flags, &raw const class, 0, std::ptr::null()),
                E_INVALIDARG
            );
        }
        assert_eq!(
            update(2, std::ptr::null(), 0, std::ptr::null()),
            E_INVALIDARG
        );
        assert_eq!(update(2, &GUID_NULL, 0, std::ptr::null()), E_INVALIDARG);
        assert_eq!(
            update(2, &raw const class, 1, std::ptr::null()),
            E_INVALIDARG
        );
        let large = vec![0_u8; MAX_COOKIE_BYTES + 1];
        let size = u32::try_from(large.len()).unwrap();
        assert_eq!(
            update(2, &raw const class, size, large.as_ptr()),
            E_OUTOFMEMORY
        );

        let register: ISyncMgrRegister = server.cast().unwrap();
        let null = std::ptr::null();
        // SAFETY: every pointer is null or lives through the call.
        unsafe {
            // M-19
            for flags in [8, 0x100, u32::MAX] {
                assert_eq!(
                    register.RegisterSyncMgrHandler(&raw const class, null, flags),
                    E_INVALIDARG
                );
            }
            assert_eq!(
                register.RegisterSyncMgrHandler(&GUID_NULL, null, 0),
                E_INVALIDARG
            );
            assert_eq!(
                register.RegisterSyncMgrHandler(std::ptr::null(), null, 0),
                E_INVALIDARG
            );
            // M-28
            assert_eq!(
                register.GetHandlerRegistrationInfo(&raw const class, std::ptr::null_mut()),
                E_INVALIDARG
            );
            let mut flags = 7;
            assert_eq!(
                register.GetHandlerRegistrationInfo(&GUID_NULL, &raw mut flags),
                S_FALSE
            );
            assert_eq!(flags, 0);
            // M-24
            assert_eq!(register.UnregisterSyncMgrHandler(&GUID_NULL, 0), S_OK);
        }
        let recorded = RECORDED.take();
        let numbers: Vec<_> = recorded.iter().map(|(number, _)| *number).collect();
        let expected = [["M-153"; 7].as_slice(), &["M-38"], &["M-19"; 5], &["M-28"]].concat();
        assert_eq!(numbers, expected, "{recorded:?}");
        assert!(recorded[7].1.contains("1048577 bytes"), "{recorded:?}");
    }
}
