//! The COM server that programs call: `CLSID_SyncMgr` with `ISyncMgrSynchronizeInvoke` and `ISyncMgrRegister`.
//!
//! It lives in the process of whoever calls it, so it holds no state and starts no session itself: each call is carried
//! to the manager of the user's home, and where none runs, to a `syncmgr` process that manages for as long as the work
//! lasts. A call waits until the request is accepted, never for the synchronization.

pub mod com_entry;
mod com_server;
mod manager;
mod place;

#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(windows, path = "sys_windows.rs")]
mod sys;
