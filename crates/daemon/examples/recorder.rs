//! The recording handler of the golden traces as a program: `SYNCMGR_SCENARIO` names what it does, `SYNCMGR_TRACE` where
//! it writes what it sees.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a fixture of tests: it fails by panicking"
)]

#[path = "../tests/golden/recorder.rs"]
mod recorder;
#[path = "../tests/golden/scenario.rs"]
mod scenario;

fn main() {
    let scenario = std::env::var_os("SYNCMGR_SCENARIO").unwrap();
    let trace = std::env::var_os("SYNCMGR_TRACE").unwrap();
    let scenario = std::fs::read_to_string(scenario).unwrap();
    recorder::serve(
        &scenario,
        trace.as_ref(),
        syncmgr_handler::Connection::stdio(),
    );
}
