//! Which program a handler is.

use std::path::PathBuf;

use serde_json::{Map, Value};
use syncmgr_core::HandlerId;

use crate::config::ConfigFile;
use crate::place::Places;

/// The identity of the built-in folder handler.
pub const FOLDER: &str = "folder";

/// Handlers that are part of this program: identity and what they are called.
pub const BUILT_IN: &[(&str, &str)] = &[(FOLDER, "Folders")];

/// How to start a handler: as a process of its own, built-in ones too.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The handler's own directory.
    pub state_dir: PathBuf,
    /// The items that the user defined for it.
    pub definitions: Map<String, Value>,
}

/// Finds out how to start a handler; `None` for one that nobody registered.
#[must_use]
pub fn find(
    handler: &HandlerId,
    config: &ConfigFile,
    places: &Places,
    program: &std::path::Path,
) -> Option<Launch> {
    let state_dir = places.handler_state(handler.as_str());
    let definitions = config.definitions(handler.as_str());
    if BUILT_IN
        .iter()
        .any(|(id, _)| handler.as_str().eq_ignore_ascii_case(id))
    {
        let args = vec!["handler".to_owned(), handler.as_str().to_ascii_lowercase()];
        return Some(Launch {
            program: program.to_owned(),
            args,
            state_dir,
            definitions,
        });
    }
    let registered = config
        .config
        .handler
        .iter()
        .find(|entry| HandlerId::new(&entry.id).is_ok_and(|id| id == *handler))?;
    let (program, args) = registered.command.split_first()?;
    Some(Launch {
        program: program.into(),
        args: args.to_vec(),
        state_dir,
        definitions,
    })
}
