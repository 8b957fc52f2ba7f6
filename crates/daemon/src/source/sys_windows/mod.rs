//! The sources of Windows.
//!
//! What Windows tells of a session it tells to windows, so that one window that nobody sees hears it for all sources.

mod com_network;
mod idle;
mod network;
mod power;
mod sys_adapters;
mod sys_idle;
mod sys_logon;
mod sys_power;
mod sys_room;
mod sys_volumes;
mod sys_window;
mod sys_wlan;
mod volumes;
mod window;

pub(super) use self::sys_room::room;

use super::Source;

/// Every source of Windows.
pub(super) fn sources() -> Vec<Box<dyn Source>> {
    let (window, view) = window::Window::new();
    vec![
        Box::new(window),
        Box::new(power::Power::new(view.clone())),
        Box::new(idle::Idle),
        Box::new(network::Network),
        Box::new(volumes::Volumes::new(view)),
    ]
}
