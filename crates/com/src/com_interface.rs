//! The five interfaces of section 2.3, and the class factory of COM itself (M-05).
//!
//! Methods return the raw result code and take the raw pointers of the contract. Each is `unsafe` to call: the caller
//! vouches for every pointer, for the lifetimes of section 2.7 and for the threads of section 2.8. The `SAFETY` argument
//! of a call therefore names the row of 2.7 that it rests on.

#![expect(
    non_snake_case,
    missing_docs,
    reason = "generated vtables; the methods keep the names of the contract"
)]

use std::ffi::c_void;

use windows_core::{BOOL, GUID, HRESULT, IUnknown, IUnknown_Vtbl, interface};

use crate::structure::{Handle, HandlerInfo, Item, LogErrorInfo, ProgressItem};

/// What a handler implements; 13 slots.
#[interface("6295DF40-35EE-11D1-8707-00C04FD93327")]
pub unsafe trait ISyncMgrSynchronize: IUnknown {
    /// Begins the instance: reserved, flags, size of the cookie, the cookie or null.
    pub fn Initialize(
        &self,
        reserved: u32,
        flags: u32,
        cookie_size: u32,
        cookie: *const u8,
    ) -> HRESULT;
    /// Hands over a block from the task allocator, which the manager frees.
    pub fn GetHandlerInfo(&self, info: *mut *mut HandlerInfo) -> HRESULT;
    /// Hands over an enumerator with one reference.
    pub fn EnumSyncMgrItems(&self, enumerator: *mut *mut c_void) -> HRESULT;
    /// Never called (M-62).
    pub fn GetItemObject(
        &self,
        item: *const GUID,
        interface: *const GUID,
        object: *mut *mut c_void,
    ) -> HRESULT;
    /// Begins to show properties; `GUID_NULL` means the handler.
    pub fn ShowProperties(&self, window: Handle, item: *const GUID) -> HRESULT;
    /// Hands over the callback, or null to take it back.
    pub fn SetProgressCallback(&self, callback: *mut c_void) -> HRESULT;
    /// Begins to prepare: a count of items, the items, the window, reserved.
    pub fn PrepareForSync(
        &self,
        count: u32,
        items: *mut GUID,
        window: Handle,
        reserved: u32,
    ) -> HRESULT;
    /// Begins to synchronize what was prepared.
    pub fn Synchronize(&self, window: Handle) -> HRESULT;
    /// Tells the handler to skip an item.
    pub fn SetItemStatus(&self, item: *const GUID, status: u32) -> HRESULT;
    /// Begins to show what is behind a logged error.
    pub fn ShowError(&self, window: Handle, error: *const GUID) -> HRESULT;
}

/// What the manager hands to a handler; 12 slots. Callable from any thread (M-09).
#[interface("6295DF41-35EE-11D1-8707-00C04FD93327")]
pub unsafe trait ISyncMgrSynchronizeCallback: IUnknown {
    /// Ends `ShowProperties`.
    pub fn ShowPropertiesCompleted(&self, result: HRESULT) -> HRESULT;
    /// Ends `PrepareForSync`.
    pub fn PrepareForSyncCompleted(&self, result: HRESULT) -> HRESULT;
    /// Ends `Synchronize`.
    pub fn SynchronizeCompleted(&self, result: HRESULT) -> HRESULT;
    /// Ends `ShowError`; the items are read only with `S_SYNCMGR_RETRYSYNC` (M-132).
    pub fn ShowErrorCompleted(&self, result: HRESULT, count: u32, items: *const GUID) -> HRESULT;
    /// True: may a window be shown? False: it is gone.
    pub fn EnableModeless(&self, enable: BOOL) -> HRESULT;
    /// Reports progress and learns whether to go on.
    pub fn Progress(&self, item: *const GUID, progress: *const ProgressItem) -> HRESULT;
    /// Adds an entry to the results log.
    pub fn LogError(&self, level: u32, text: *const u16, info: *const LogErrorInfo) -> HRESULT;
    /// Removes entries of this instance.
    pub fn DeleteLogError(&self, error: *const GUID, reserved: u32) -> HRESULT;
    /// Wants a network connection; null means the default one.
    pub fn EstablishConnection(&self, name: *const u16, reserved: u32) -> HRESULT;
}

/// A handler's list of items; 7 slots.
#[interface("6295DF2A-35EE-11D1-8707-00C04FD93327")]
pub unsafe trait ISyncMgrEnumItems: IUnknown {
    /// Writes at most `count` items and how many they are.
    pub fn Next(&self, count: u32, items: *mut Item, fetched: *mut u32) -> HRESULT;
    /// Never called (M-49).
    pub fn Skip(&self, count: u32) -> HRESULT;
    /// Never called (M-49).
    pub fn Reset(&self) -> HRESULT;
    /// Never called (M-49).
    pub fn Clone(&self, enumerator: *mut *mut c_void) -> HRESULT;
}

/// What a program calls to have its items synchronized; 5 slots.
#[interface("6295DF2C-35EE-11D1-8707-00C04FD93327")]
pub unsafe trait ISyncMgrSynchronizeInvoke: IUnknown {
    /// Starts the handler of a class, with a cookie for it.
    pub fn UpdateItems(
        &self,
        flags: u32,
        class: *const GUID,
        cookie_size: u32,
        cookie: *const u8,
    ) -> HRESULT;
    /// Shows the manager with everything in it.
    pub fn UpdateAll(&self) -> HRESULT;
}

/// What a program calls to register its handler; 6 slots.
#[interface("6295DF42-35EE-11D1-8707-00C04FD93327")]
pub unsafe trait ISyncMgrRegister: IUnknown {
    /// Registers a class, or replaces its registration.
    pub fn RegisterSyncMgrHandler(
        &self,
        class: *const GUID,
        description: *const u16,
        flags: u32,
    ) -> HRESULT;
    /// Forgets a class.
    pub fn UnregisterSyncMgrHandler(&self, class: *const GUID, reserved: u32) -> HRESULT;
    /// Answers the flags that a class was registered with.
    pub fn GetHandlerRegistrationInfo(&self, class: *const GUID, flags: *mut u32) -> HRESULT;
}

/// COM's own way to make objects of a class; 5 slots.
#[interface("00000001-0000-0000-C000-000000000046")]
pub unsafe trait IClassFactory: IUnknown {
    /// Makes an object and answers it as the interface.
    pub fn CreateInstance(
        &self,
        outer: *mut c_void,
        interface: *const GUID,
        object: *mut *mut c_void,
    ) -> HRESULT;
    /// Keeps the library in memory.
    pub fn LockServer(&self, lock: BOOL) -> HRESULT;
}

const fn slots<T>() -> usize {
    size_of::<T>() / size_of::<usize>()
}

const _: () = {
    assert!(slots::<ISyncMgrSynchronize_Vtbl>() == 13);
    assert!(slots::<ISyncMgrSynchronizeCallback_Vtbl>() == 12);
    assert!(slots::<ISyncMgrEnumItems_Vtbl>() == 7);
    assert!(slots::<ISyncMgrSynchronizeInvoke_Vtbl>() == 5);
    assert!(slots::<ISyncMgrRegister_Vtbl>() == 6);
    assert!(slots::<IClassFactory_Vtbl>() == 5);
};
