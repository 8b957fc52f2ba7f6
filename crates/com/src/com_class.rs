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

/// The shape of the optional entry point `SyncMgrGetClasses`, which names the handler classes of a library: their
/// identifiers, how many there is room for, and how many there are.
pub type GetClasses = unsafe extern "system" fn(*mut GUID, u32, *mut u32) -> HRESULT;

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

/// Answers `SyncMgrGetClasses` for a library with the given classes: `S_OK` when there was room for all of them,
/// `S_FALSE` when there was not.
///
/// # Safety
/// The pointers are those that the caller of the entry point gave: room for `capacity` identifiers, or null with 0, and
/// a writable count.
pub unsafe fn get_classes(
    classes: &[(GUID, Make)],
    room: *mut GUID,
    capacity: u32,
    count: *mut u32,
) -> HRESULT {
    guard(|| {
        if count.is_null() || (room.is_null() && capacity != 0) {
            return E_INVALIDARG;
        }
        // SAFETY: not null, and writable by the caller's word.
        unsafe { count.write(u32::try_from(classes.len()).unwrap_or(u32::MAX)) };
        let fitting = usize::try_from(capacity).unwrap_or(usize::MAX);
        for (at, (class, _)) in classes.iter().enumerate().take(fitting) {
            // SAFETY: below `capacity`, so within the caller's room.
            unsafe { room.add(at).write_unaligned(*class) };
        }
        if classes.len() <= fitting {
            S_OK
        } else {
            S_FALSE
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use windows_core::IUnknown_Vtbl;

    use crate::constant::hresult::E_NOINTERFACE;
    use crate::guid;

    const CLASS: GUID = GUID::from_u128(1);
    const BROKEN: GUID = GUID::from_u128(2);

    #[windows_core::interface("00000000-0000-0000-0000-0000000000A1")]
    unsafe trait IThing: IUnknown {
        unsafe fn three(&self) -> u32;
    }

    #[implement(IThing)]
    struct Thing(Resident);

    impl IThing_Impl for Thing_Impl {
        unsafe fn three(&self) -> u32 {
            let _: &Resident = &self.0;
            3
        }
    }

    /// A library of one class that works and one that does not; each test has its own count.
    macro_rules! library {
        ($residents:ident, $entry:ident) => {
            static $residents: Residents = Residents::new();
            unsafe extern "system" fn $entry(
                class: *const GUID,
                interface: *const GUID,
                object: *mut *mut c_void,
            ) -> HRESULT {
                let good: Make = || Ok(IUnknown::from(Thing($residents.enter())));
                let broken: Make = || panic!("it is broken");
                let classes = [(CLASS, good), (BROKEN, broken)];
                // SAFETY: the pointers are those of the caller.
                unsafe { get_class_object(&classes, &$residents, class, interface, object) }
            }
        };
    }

    #[test]
    fn an_object_keeps_its_library_until_it_is_released() {
        library!(RESIDENTS, entry);
        assert_eq!(RESIDENTS.can_unload_now(), S_OK);
        // SAFETY: the entry point is of this program.
        let thing: IThing = unsafe { create(entry, &CLASS) }.unwrap();
        // SAFETY: the object lives.
        assert_eq!(unsafe { thing.three() }, 3);
        assert_eq!(RESIDENTS.can_unload_now(), S_FALSE);
        let second = thing.clone();
        drop(thing);
        assert_eq!(RESIDENTS.can_unload_now(), S_FALSE);
        drop(second);
        assert_eq!(RESIDENTS.can_unload_now(), S_OK);
    }

    #[test]
    fn unknown_classes_and_interfaces_give_null() {
        library!(RESIDENTS, entry);
        let made = |class: GUID, interface: GUID| {
            let mut object = std::ptr::dangling_mut();
            // SAFETY: the identifiers live, the place is writable.
            let result = unsafe { entry(&raw const class, &raw const interface, &raw mut object) };
            (result, object.is_null())
        };
        let factory = IClassFactory::IID;
        let odd = GUID::from_u128(9);
        assert_eq!(made(odd, factory), (CLASS_E_CLASSNOTAVAILABLE, true));
        assert_eq!(made(CLASS, odd), (E_NOINTERFACE, true)); // M-04
        assert_eq!(made(CLASS, guid::GUID_NULL), (E_NOINTERFACE, true));
        // SAFETY: null is among what an entry point must take.
        let null = unsafe { entry(&CLASS, &raw const factory, std::ptr::null_mut()) };
        assert_eq!(null, E_POINTER);
        let mut object = std::ptr::dangling_mut();
        // SAFETY: as above.
        let null = unsafe { entry(std::ptr::null(), &raw const factory, &raw mut object) };
        assert_eq!((null, object.is_null()), (E_INVALIDARG, true));
        assert_eq!(RESIDENTS.can_unload_now(), S_OK);
    }

    #[test]
    fn a_class_object_refuses_aggregation_and_counts_locks() {
        library!(RESIDENTS, entry);
        let mut object = std::ptr::null_mut();
        // SAFETY: the identifiers live, the place is writable, and success gives one reference.
        let factory: IClassFactory = unsafe {
            let got = entry(&CLASS, &IClassFactory::IID, &raw mut object);
            taken(got, object).unwrap()
        };
        let create = |outer: *mut c_void, interface: GUID| {
            let mut object = std::ptr::dangling_mut();
            // SAFETY: the outer object is only compared with null.
            let result =
                unsafe { factory.CreateInstance(outer, &raw const interface, &raw mut object) };
            (result, object)
        };
        let (result, object) = create(std::ptr::dangling_mut(), IUnknown::IID); // M-03
        assert_eq!((result, object.is_null()), (CLASS_E_NOAGGREGATION, true));
        let (result, object) = create(std::ptr::null_mut(), GUID::from_u128(9)); // M-04
        assert_eq!((result, object.is_null()), (E_NOINTERFACE, true));
        let lock = |on: bool| {
            // SAFETY: the factory lives.
            unsafe { factory.LockServer(BOOL::from(on)) }
        };
        assert_eq!((lock(true), lock(true), lock(false)), (S_OK, S_OK, S_OK));
        // The one identity of the class object, asked for in two ways (M-02).
        let identity: IUnknown = windows_core::Interface::cast(&factory).unwrap();
        let again: IClassFactory = windows_core::Interface::cast(&identity).unwrap();
        assert_eq!(again.as_raw(), factory.as_raw());
        drop((identity, again));
        drop(factory);
        assert_eq!(RESIDENTS.can_unload_now(), S_FALSE);
        RESIDENTS.lock(false);
        assert_eq!(RESIDENTS.can_unload_now(), S_OK);
        RESIDENTS.lock(false);
        assert_eq!(RESIDENTS.can_unload_now(), S_OK, "an unlock too many");
    }

    #[test]
    fn a_panic_while_making_is_unexpected() {
        library!(RESIDENTS, entry);
        // SAFETY: the entry point is of this program.
        let made = unsafe { create::<IThing>(entry, &BROKEN) };
        assert_eq!(made.err(), Some(crate::constant::hresult::E_UNEXPECTED));
        assert_eq!(RESIDENTS.can_unload_now(), S_OK);
    }

    #[test]
    fn classes_are_named_as_far_as_there_is_room() {
        let none: Make = || Err(E_OUTOFMEMORY);
        let classes = [(CLASS, none), (BROKEN, none)];
        let named = |capacity: u32| {
            let mut room = [GUID::zeroed(); 3];
            let mut count = 0;
            // SAFETY: the room is as large as the largest capacity below.
            let result =
                unsafe { get_classes(&classes, room.as_mut_ptr(), capacity, &raw mut count) };
            (result, count, room)
        };
        let null = GUID::zeroed();
        assert_eq!(named(3), (S_OK, 2, [CLASS, BROKEN, null]));
        assert_eq!(named(2), (S_OK, 2, [CLASS, BROKEN, null]));
        assert_eq!(named(1), (S_FALSE, 2, [CLASS, null, null]));
        let mut count = 0;
        // SAFETY: null is allowed with a capacity of 0, and refused otherwise.
        let asked = |room, capacity, count| unsafe { get_classes(&classes, room, capacity, count) };
        assert_eq!(asked(std::ptr::null_mut(), 0, &raw mut count), S_FALSE);
        assert_eq!(count, 2);
        assert_eq!(asked(std::ptr::null_mut(), 1, &raw mut count), E_INVALIDARG);
        assert_eq!(
            asked(std::ptr::null_mut(), 0, std::ptr::null_mut()),
            E_INVALIDARG
        );
    }
}
