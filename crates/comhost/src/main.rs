//! Hosts one COM handler in a process of its own and speaks the handler contract for it on standard input and output.
//!
//! One thread reads what the manager says, one owns the COM object (`com_apartment`), one writes. The handler's own
//! threads call the callback object (`com_callback`). What is decided is decided by the `desk`, a table without COM.

mod arguments;
mod board;
mod com_activate;
mod com_apartment;
mod com_callback;
mod com_icon;
mod com_listing;
mod desk;
mod instance;
mod library;
mod questions;
mod queue;
mod serve;
mod tell;

#[cfg(not(windows))]
#[path = "sys_unix.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use syncmgr_com::guid::braced;
use syncmgr_handler::Connection;

use crate::arguments::{HELP, Wish};
use crate::serve::Ended;

/// The command line was wrong.
const WRONG_USE: i32 = 2;

fn main() {
    let code = match arguments::read(std::env::args_os().skip(1)) {
        Ok(Wish::Help) => print(HELP),
        Ok(Wish::Version) => print(concat!("comhost ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Wish::List(path)) => list(&path),
        Ok(Wish::Serve {
            source,
            class,
            grace,
        }) => match serve::serve(source, class, Connection::stdio(), grace) {
            Ok(Ended::Well) => 0,
            Ok(Ended::Failed) => 1,
            Ok(Ended::Hung) => 3,
            Err(cause) => {
                say(format_args!("no thread could be started: {cause}"));
                1
            }
        },
        Err(refusal) => {
            say(format_args!("{refusal}; `comhost --help` says more"));
            WRONG_USE
        }
    };
    sys::end_process(code)
}

/// Prints the classes that a library names, without creating any (M-21).
fn list(path: &Path) -> i32 {
    match com_activate::classes(path) {
        Ok(classes) => {
            let list: Vec<serde_json::Value> = classes
                .iter()
                .map(|class| serde_json::json!({ "class": braced(class), "name": "" }))
                .collect();
            print(&format!("{}\n", serde_json::Value::Array(list)))
        }
        Err(error) => {
            say(format_args!("{error}; {}", error.hint()));
            1
        }
    }
}

fn print(text: &str) -> i32 {
    let mut out = std::io::stdout();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    i32::from(printed.is_err())
}

/// Writes a line to standard error, which the manager keeps and shows with the run.
fn say(text: fmt::Arguments<'_>) {
    // Nobody is left to be told when this fails.
    drop(writeln!(std::io::stderr(), "comhost: {text}"));
}
