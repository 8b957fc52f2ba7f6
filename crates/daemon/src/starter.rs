//! How instances come to life: a process each. It is an argument of the home, so that another way, such as a thread behind
//! the in-memory link, needs no second manager.

use std::fmt;

use syncmgr_core::HandlerId;
use syncmgr_host::{Handle, HostEvent, Instance, Limits, Spec};
use tokio::sync::mpsc;

/// Starts the instances of sessions. Must not wait: it is called by the loop.
pub trait Starter: fmt::Debug + Send + Sync {
    /// Starts one instance of the handler, and tells what becomes of it by events.
    fn start(
        &self,
        handler: &HandlerId,
        spec: Spec,
        limits: Limits,
        events: mpsc::Sender<HostEvent>,
    ) -> Handle;
}

/// Starts each instance as a process of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Processes;

impl Starter for Processes {
    fn start(
        &self,
        _: &HandlerId,
        spec: Spec,
        limits: Limits,
        events: mpsc::Sender<HostEvent>,
    ) -> Handle {
        Instance::start(spec, limits, events)
    }
}
