//! What the library exports (mobsync 2.9).

#![expect(unsafe_code, reason = "entry points are called by foreign code")]

use std::ffi::c_void;

use syncmgr_com::com_class::{Make, Residents, get_class_object};
use syncmgr_com::guid::{CLSID_SYNC_MGR, CLSID_SYNCMGR_OURS};
use syncmgr_com::{GUID, HRESULT};

use crate::com_server;

/// What keeps the library in memory.
pub(crate) static RESIDENTS: Residents = Residents::new();

/// Both identities are served; which of them is registered is another question.
const CLASSES: [(GUID, Make); 2] = [
    (CLSID_SYNCMGR_OURS, com_server::make),
    (CLSID_SYNC_MGR, com_server::make),
];

/// Answers the class object of the manager, under our own identity and under the system's (M-01).
///
/// # Safety
/// The pointers follow the rules of COM: readable identifiers, and a writable place for the object.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DllGetClassObject(
    class: *const GUID,
    interface: *const GUID,
    object: *mut *mut c_void,
) -> HRESULT {
    // SAFETY: the caller's pointers, under the caller's word; each is checked for null there.
    unsafe { get_class_object(&CLASSES, &RESIDENTS, class, interface, object) }
}

/// Answers whether the library may leave the process.
#[unsafe(no_mangle)]
pub extern "system" fn DllCanUnloadNow() -> HRESULT {
    RESIDENTS.can_unload_now()
}

#[cfg(windows)]
pub mod registering {
    //! The registry on Windows: for the user alone or for the machine.
    use syncmgr_com::HRESULT;
    use syncmgr_com::com_guard::guard;
    use syncmgr_com::com_text;
    use windows_core::BOOL;

    use crate::sys;

    /// Longest command line of `DllInstall` that is read.
    const MAX_WORDS: usize = 260;

    /// Registers the library under our own class, for the user alone.
    #[unsafe(no_mangle)]
    pub extern "system" fn DllRegisterServer() -> HRESULT {
        guard(|| sys::install(true, "user"))
    }

    /// Takes away what any way of registering wrote.
    #[unsafe(no_mangle)]
    pub extern "system" fn DllUnregisterServer() -> HRESULT {
        guard(|| sys::install(false, ""))
    }

    /// Registers or unregisters as the words say: `user` or `machine`, and `system` to take the system's own class too, which
    /// is refused for the machine where another library has it.
    ///
    /// # Safety
    /// `words` is null or a text with a terminator.
    #[unsafe(no_mangle)]
    pub unsafe extern "system" fn DllInstall(install: BOOL, words: *const u16) -> HRESULT {
        guard(|| {
            // SAFETY: null is allowed, and the caller vouches for the terminator.
            let words = unsafe { com_text::read(words, MAX_WORDS) }.unwrap_or_default();
            sys::install(install.as_bool(), &words)
        })
    }
}
