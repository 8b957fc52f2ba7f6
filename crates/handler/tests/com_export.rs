//! What `export_handler!` exports, called as a host calls it.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a panic is the failure that is wanted"
)]
#![expect(
    unsafe_code,
    reason = "the entry points are called as foreign code calls them"
)]

use std::ffi::c_void;

use syncmgr_com::com_class::create;
use syncmgr_com::com_interface::ISyncMgrSynchronize;
use syncmgr_com::constant::hresult::{CLASS_E_CLASSNOTAVAILABLE, E_NOINTERFACE, S_FALSE, S_OK};
use syncmgr_com::guid::parse;
use syncmgr_com::{GUID, HRESULT, Interface as _};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

struct Nothing;

impl Handler for Nothing {
    fn initialize(&self, _: &Start) -> Result<Introduction, RpcError> {
        Ok(Introduction::default())
    }
    fn items(&self) -> Result<ItemList, RpcError> {
        Ok(ItemList::default())
    }
    fn synchronize(&self, _: &Run) -> Result<(), Unfinished> {
        Ok(())
    }
}

const FIRST: &str = "{11111111-2222-4333-8444-555555555501}";
const SECOND: &str = "11111111-2222-4333-8444-555555555502";

syncmgr_handler::export_handler! {
    FIRST => Nothing,
    SECOND => Nothing,
}

unsafe extern "system" {
    fn DllGetClassObject(
        class: *const GUID,
        interface: *const GUID,
        out: *mut *mut c_void,
    ) -> HRESULT;
    fn DllCanUnloadNow() -> HRESULT;
    fn SyncMgrGetClasses(classes: *mut GUID, capacity: u32, count: *mut u32) -> HRESULT;
}

fn unloadable() -> HRESULT {
    // SAFETY: it takes nothing.
    unsafe { DllCanUnloadNow() }
}

/// One test, because the exports count the objects of the whole program.
#[test]
fn the_exports_make_the_classes_and_count_their_objects() {
    assert_eq!(unloadable(), S_OK);
    let mut classes = [GUID::zeroed(); 4];
    let mut count = 0;
    // SAFETY: there is room for four.
    let result = unsafe { SyncMgrGetClasses(classes.as_mut_ptr(), 4, &raw mut count) };
    assert_eq!((result, count), (S_OK, 2));
    assert_eq!(Some(classes[0]), parse(FIRST));
    assert_eq!(Some(classes[1]), parse(SECOND));

    for class in &classes[..2] {
        // SAFETY: the entry point is of this program.
        let object: ISyncMgrSynchronize = unsafe { create(DllGetClassObject, class) }.unwrap();
        assert_eq!(unloadable(), S_FALSE);
        let mut other = std::ptr::dangling_mut();
        // SAFETY: the identifier lives and the place is writable.
        let result = unsafe { object.query(&raw const classes[3], &raw mut other) };
        assert_eq!((result, other.is_null()), (E_NOINTERFACE, true)); // M-04
        drop(object);
    }
    // SAFETY: as above.
    let unknown = unsafe { create::<ISyncMgrSynchronize>(DllGetClassObject, &classes[3]) };
    assert_eq!(unknown.err(), Some(CLASS_E_CLASSNOTAVAILABLE));
    for _ in 0..1_000_000 {
        if unloadable() == S_OK {
            return;
        }
        std::thread::yield_now();
    }
    panic!("something keeps the library");
}
