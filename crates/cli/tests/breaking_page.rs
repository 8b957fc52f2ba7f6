//! A terminal page that breaks gives its terminal back, and what it says of that can be read there.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    reason = "a test fails by panicking, and starts a program"
)]

// The same terminal that the tests of the whole program sit at.
#[path = "../../syncmgr/tests/program/sys_terminal.rs"]
mod sys_terminal;

use std::io::{Read as _, Write as _};
use std::process::Command;

use crate::sys_terminal::Seat;

#[test]
fn a_page_that_breaks_gives_the_terminal_back() {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let mut command = Command::new(target.join("examples/breaking_page"));
    command.env("TERM", "xterm-256color");
    let seat = Seat::of(&mut command, 80, 24).unwrap();
    let mut page = command
        .spawn()
        .expect("a plain `cargo test` builds the examples");
    // The program alone holds its end open: when it ends, reading ends.
    drop(command);
    // Each key is a moment at which the time is asked for.
    seat.handle().unwrap().write_all(b"1231231231231").unwrap();
    let mut said = Vec::new();
    let mut from = seat.handle().unwrap();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        said.extend_from_slice(&chunk[..length]);
    }
    assert!(!page.wait().unwrap().success());
    let said = String::from_utf8_lossy(&said);
    let taken = said.find("\u{1b}[?1049h").unwrap();
    let given_back = said.rfind("\u{1b}[?1049l").unwrap();
    let broke = said.find("the clock broke").unwrap();
    assert!(taken < given_back && given_back < broke, "{said}");
    assert!(said.rfind("\u{1b}[?25h").unwrap() > taken, "{said}");
    assert!(!said.contains("ended without breaking"), "{said}");
    assert!(seat.is_plain().unwrap());
}
