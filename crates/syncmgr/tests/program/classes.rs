//! Classes in C++ libraries, with the whole program.

use std::path::PathBuf;

use crate::world::{Done, Running, World};

fn told(name: &str) -> PathBuf {
    let told = std::env::var_os(name);
    told.unwrap_or_else(|| panic!("{name} is set by cargo xtask suite com"))
        .into()
}

/// The class of a mode of `hostile.cpp`.
fn class(mode: u8) -> String {
    format!("{{C0DE0000-0001-4000-8000-0000000000{mode:02X}}}")
}

fn run(world: &World, words: &[&str]) -> Done {
    let mut command = world.command(words);
    command.env("SYNCMGR_COMHOST", told("SYNCMGR_COMHOST"));
    Running::start(command).end()
}

// M-59, M-60
#[test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
fn what_is_hidden_or_has_no_items_is_listed_as_it_wishes() {
    let world = World::new();
    let library = told("SYNCMGR_COM_FIXTURES").join("libhostile.so");
    let library = library.to_str().unwrap();
    for class in [0x29, 0x2A, 0x2B, 0x2C].map(class) {
        run(&world, &["register", library, "--class", &class]).exits(0);
    }
    // What is hidden is synchronized like everything else.
    let synced = run(&world, &["sync"]);
    assert_eq!(synced.exits(0).out.matches("✓ item").count(), 4, "{synced}");
    let list = run(&world, &["list"]);
    list.exits(0).says("Listed").says("Partly").says("item 0");
    list.says_not("Empty").says_not("Hiding").says_not("item 1");
    let all = run(&world, &["list", "--all"]);
    all.exits(0).says("Listed").says("Partly").says("Hiding");
    all.says("item 1").says_not("Empty");
    // The register of what may run hides nothing.
    let handlers = run(&world, &["handlers"]);
    handlers.exits(0).says("Empty").says("(hidden)");
}
