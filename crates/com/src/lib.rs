//! The COM contract of SyncMgr, vtable-exact on every system.
//!
//! Everything that `mobsync.h` declares, as Rust: identifiers, structures, constants, and the five interfaces, with
//! methods that return the raw `HRESULT`, because success codes carry meaning here (`Progress` answers `S_OK`,
//! `S_SYNCMGR_CANCELITEM` or `S_SYNCMGR_CANCELALL`). Text is UTF-16 on every system. Outside Windows the calling
//! convention is that of C, the task allocator is that of libc, and a library exports `DllGetClassObject`.
//!
//! Section numbers are those of the contract's specification, `mobsync`.

pub mod com_alloc;
pub mod com_class;
pub mod com_guard;
pub mod com_interface;
pub mod com_text;
pub mod constant;
pub mod guid;
pub mod structure;

pub use windows_core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};
