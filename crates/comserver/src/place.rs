//! Where the manager of this user listens, and which program manages where none does.
//!
//! The same rules as the manager's own; the tests of the whole program hold both together.

use std::path::PathBuf;

use etcetera::AppStrategy as _;

/// The manager's socket.
#[expect(
    clippy::disallowed_methods,
    reason = "a library has no `main` that reads the environment for it"
)]
pub(crate) fn socket() -> Option<PathBuf> {
    let runtime = match std::env::var_os("SYNCMGR_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::env::current_dir().ok()?.join(home).join("run"),
        None => {
            let strategy = etcetera::choose_app_strategy(etcetera::AppStrategyArgs {
                top_level_domain: "org".into(),
                author: "syncmgr".into(),
                app_name: "syncmgr".into(),
            })
            .ok()?;
            let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
            state.join("run")
        }
    };
    Some(runtime.join("control.sock"))
}

/// The program: the one that the environment names, else the one beside this library or in the `bin` beside its
/// directory.
#[expect(
    clippy::disallowed_methods,
    reason = "a library has no `main` that reads the environment for it"
)]
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SYNCMGR_PROGRAM").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let name = format!("syncmgr{}", std::env::consts::EXE_SUFFIX);
    let directory = crate::sys::own_path()?.parent()?.to_owned();
    let beside = directory.join(&name);
    let in_bin = directory
        .parent()
        .map(|above| above.join("bin").join(&name));
    std::iter::once(beside)
        .chain(in_bin)
        .find(|path| path.is_file())
}
