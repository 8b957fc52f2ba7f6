//! The sources of Linux.

mod bus;
mod clock;
mod idle;
mod logind;
mod mounts;
mod network;
mod network_manager;
mod power;
mod property;
mod replaced;
mod signals;
mod sys_ready;

use super::{Machine, Source};

/// Every source of Linux.
pub(super) fn sources(machine: &Machine) -> Vec<Box<dyn Source>> {
    let (bus, view) = bus::Bus::new(bus::Which::System, machine.bus.clone());
    let (session, desktop) = bus::Bus::new(bus::Which::Session, machine.session_bus.clone());
    vec![
        Box::new(bus),
        Box::new(session),
        Box::new(idle::Idle::new(view.clone(), desktop)),
        Box::new(logind::Logind::new(view.clone(), machine)),
        Box::new(clock::ClockSource::new(machine)),
        Box::new(network::Network::new(view.clone(), machine)),
        Box::new(power::Power::new(view, machine)),
        Box::new(mounts::Mounts::new(machine)),
    ]
}
