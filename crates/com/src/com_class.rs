//! Class objects: what a library answers to `DllGetClassObject`, and how its objects are counted.

#![expect(unsafe_code, reason = "class objects are called by foreign code")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use windows_core::{BOOL, GUID, HRESULT, IUnknown, Interface as _, implement};

use crate::com_guard::guard;
use crate::com_interface::{IClassFactory, IClassFactory_Impl};
use crate::constant::hresult::{
    CLASS_E_CLASSNOTAVAILABLE, CLASS_E_NOAGGREGATION, E_INVALIDARG, E_OUTOFMEMORY, E_POINTER,
    S_FALSE, S_OK,
};

/// The shape of the entry point that a library exports as `DllGetClassObject`.
pub type GetClassObject =
    unsafe extern "system" fn(*const GUID, *const GUID, *mut *mut c_void) -> HRESULT;

/// The shape of the entry point that a library exports as `DllCanUnloadNow`.
pub type CanUnloadNow = unsafe extern "system" fn() -> HRESULT;

/// What keeps a library in memory: objects that live and locks that are held.
#[derive(Debug, Default)]
pub struct Residents(AtomicUsize);

impl Residents {
    /// A library without objects.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts one object for as long as the answer lives.
    #[must_use]
    pub fn enter(&'static self) -> Resident {
        self.0.fetch_add(1, Ordering::SeqCst);
        Resident(self)
    }

    /// Answers `DllCanUnloadNow`.
    pub fn can_unload_now(&self) -> HRESULT {
        if self.0.load(Ordering::SeqCst) == 0 {
            S_OK
        } else {
            S_FALSE
        }
    }

    fn lock(&self, lock: bool) {
        if lock {
            self.0.fetch_add(1, Ordering::SeqCst);
        } else {
            // An unlock too many must not wrap around: the library would never be unloaded, or too early.
            let (Ok(_) | Err(_)) = self
                .0
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        }
    }
}

/// One object that keeps its library in memory.
#[derive(Debug)]
pub struct Resident(&'static Residents);

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.lock(false);
    }
}

/// Makes one object of a class; an error is answered to the caller of `CreateInstance`.
pub type Make = fn() -> Result<IUnknown, HRESULT>;

/// A class object that makes objects by a function.
#[implement(IClassFactory)]
struct Factory {
    make: Make,
    residents: &'static Residents,
    _resident: Resident,
}

impl IClassFactory_Impl for Factory_Impl {
    unsafe fn CreateInstance(
        &self,
        outer: *mut c_void,
        interface: *const GUID,
        object: *mut *mut c_void,
    ) -> HRESULT {
        guard(|| {
            if object.is_null() || interface.is_null() {
                return E_POINTER;
            }
            // SAFETY: not null, and writable by the rules of COM.
            unsafe { object.write(std::ptr::null_mut()) };
            if !outer.is_null() {
                return CLASS_E_NOAGGREGATION; // M-03
            }
            match (self.make)() {
                // SAFETY: both pointers were checked; the object answers for itself.
                Ok(made) => unsafe { made.query(interface, object) },
                Err(result) => result,
            }
        })
    }

    unsafe fn LockServer(&self, lock: BOOL) -> HRESULT {
        guard(|| {
            self.residents.lock(lock.as_bool());
            S_OK
        })
    }
}

/// Answers `DllGetClassObject` for a library with the given classes.
///
/// # Safety
/// The pointers are those that the caller of the entry point gave, under the rules of COM: readable identifiers, and a
/// writable place for the object.
pub unsafe fn get_class_object(
    classes: &[(GUID, Make)],
    residents: &'static Residents,
    class: *const GUID,
    interface: *const GUID,
    object: *mut *mut c_void,
) -> HRESULT {
    guard(|| {
        if object.is_null() {
            return E_POINTER;
        }
        // SAFETY: not null, and writable by the caller's word.
        unsafe { object.write(std::ptr::null_mut()) };
        if class.is_null() || interface.is_null() {
            return E_INVALIDARG;
        }
        // SAFETY: not null, and readable by the caller's word.
        let wanted = unsafe { class.read_unaligned() };
        let Some((_, make)) = classes.iter().find(|(id, _)| *id == wanted) else {
            return CLASS_E_CLASSNOTAVAILABLE;
        };
        let factory: IClassFactory = Factory {
            make: *make,
            residents,
            _resident: residents.enter(),
        }
        .into();
        // SAFETY: both pointers were checked; the factory answers for itself.
        unsafe { factory.query(interface, object) }
    })
}

/// Asks a library's entry point for a class, and the class for an object as the wanted interface.
///
/// # Errors
/// What the entry point, the class object or the object answered; `E_OUTOFMEMORY` for success without an object.
///
/// # Safety
/// `entry` is the entry point of a library that is loaded and stays so for as long as the object lives.
pub unsafe fn create<I: windows_core::Interface>(
    entry: GetClassObject,
    class: &GUID,
) -> Result<I, HRESULT> {
    let mut object = std::ptr::null_mut();
    // SAFETY: the identifiers live through the call, and the place is writable.
    let result = unsafe { entry(class, &IClassFactory::IID, &raw mut object) };
    let factory: IClassFactory = taken(result, object)?;
    let mut object = std::ptr::null_mut();
    // SAFETY: as above; no outer object is given.
    let result = unsafe { factory.CreateInstance(std::ptr::null_mut(), &I::IID, &raw mut object) };
    taken(result, object)
}

fn taken<I: windows_core::Interface>(result: HRESULT, object: *mut c_void) -> Result<I, HRESULT> {
    if result.is_err() {
        return Err(result);
    }
    if object.is_null() {
        return Err(E_OUTOFMEMORY);
    }
    // SAFETY: success with an object hands over one reference to the interface that was asked for.
    Ok(unsafe { I::from_raw(object) })
}
