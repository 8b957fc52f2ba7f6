//! The one program: reads the world, and hands over to the command line.

mod browser;
mod check;
mod export;
mod import;
mod journal;
mod program;
mod reach;
mod recipes;
mod service;
#[cfg(unix)]
#[path = "sys_unix.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;
mod tool;
#[cfg_attr(not(feature = "tray"), path = "no_tray.rs")]
mod tray;
mod uninstall;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    world::follow_faults();
    let environment = match world::environment() {
        Ok(environment) => environment,
        Err(refusal) => {
            let world = world::world(PathBuf::new());
            return ExitCode::from(syncmgr_cli::refuse(&refusal, world) as u8);
        }
    };
    let world = world::world(environment.current_dir.clone());
    let program = program::Syncmgr::new(environment, world::account());
    ExitCode::from(syncmgr_cli::run(std::env::args_os(), world, &program))
}
