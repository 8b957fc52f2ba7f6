//! A mark in the notification area: one of five states, the sentence of the verdict, and a short menu.
//!
//! It is a view like the command line: it knows the manager as `control::Service` and lives in a process of its own, so
//! that the daemon needs no desktop. What is shown is decided by `face` from a snapshot; the desktop is reached in
//! `sys` alone, and what a person clicks comes back as an `Act`. Without a manager it stays and says so.

mod act;
mod face;
mod icon;
#[cfg_attr(target_os = "linux", path = "sys_linux.rs")]
#[cfg_attr(windows, path = "sys_windows.rs")]
#[cfg_attr(not(any(target_os = "linux", windows)), path = "sys_elsewhere.rs")]
mod sys;
mod watch;

use std::sync::Arc;

use futures::future::BoxFuture;
use syncmgr_control::{Caller, Refusal, Service};

use crate::face::Face;

/// Reaches the manager that runs; a refusal while none does. It is called again after each end of a manager.
pub type Reach =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Service>, Refusal>> + Send + Sync>;

/// Starts a browser at an address; answers whether that could be begun.
pub type Browse = fn(&str) -> bool;

/// Clicks that wait to be followed; further ones are lost, as a person clicks again.
const MAX_ACTS: usize = 8;

/// Shows the mark until a person wants no more of it.
///
/// # Errors
/// `tray::absent` when this desktop has no notification area, or it does not take the mark.
pub async fn run(reach: Reach, caller: Caller, browse: Option<Browse>) -> Result<(), Refusal> {
    let (show, faces) = tokio::sync::watch::channel(Face::away());
    let (click, acts) = tokio::sync::mpsc::channel(MAX_ACTS);
    tokio::select! {
        shown = sys::show(faces, click) => shown,
        () = watch::follow(&reach, &caller, &show) => Ok(()),
        () = act::follow(acts, &reach, &caller, browse, &show) => Ok(()),
    }
}

/// Why nothing can be shown.
fn absent(why: impl Into<String>) -> Refusal {
    let mut refusal = Refusal::new(
        "tray::absent",
        "this desktop shows no mark",
        "on GNOME the extension AppIndicator makes it visible; everything else works without: syncmgr top, syncmgr center",
    );
    refusal.causes.push(why.into());
    refusal
}
