//! Which program a handler is.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::{Map, Value};
use syncmgr_control::Refusal;
use syncmgr_control::registration::{HandlerKind, class};
use syncmgr_control::report::REPORTS;
use syncmgr_core::{HandlerId, ItemId};

use crate::config::{ConfigFile, HandlerConfig};
use crate::place::{Environment, Places};

/// The identity of the built-in folder handler.
pub const FOLDER: &str = "folder";

/// The identity of the built-in handler of other people's programs.
pub const TOOLS: &str = "tools";

/// Handlers that are part of this program: identity and what they are called.
pub const BUILT_IN: &[(&str, &str)] =
    &[(FOLDER, "Folders"), (REPORTS, "Reports"), (TOOLS, "Tools")];

/// Whether a handler is part of this program.
#[must_use]
pub fn is_built_in(id: &str) -> bool {
    BUILT_IN
        .iter()
        .any(|(built_in, _)| built_in.eq_ignore_ascii_case(id))
}

/// The programs that handlers run as, besides those that were registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// This program, which serves the built-in handlers.
    pub own: PathBuf,
    /// The program that runs COM classes.
    pub comhost: PathBuf,
    /// Where programs are searched that are registered by their bare name.
    pub search_path: Option<std::ffi::OsString>,
}

impl Programs {
    /// Finds them: `comhost` lies beside this program unless the environment names another.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let name = format!("comhost{}", std::env::consts::EXE_SUFFIX);
        Self {
            own: environment.program.clone(),
            comhost: environment
                .comhost
                .as_deref()
                .filter(|named| !named.is_empty())
                .map_or_else(
                    || environment.program.with_file_name(name),
                    |named| environment.current_dir.join(named),
                ),
            search_path: environment.search_path.clone(),
        }
    }

    /// Finds a program by its bare name.
    #[must_use]
    pub fn search(&self, name: &str) -> Option<PathBuf> {
        let paths = self.search_path.as_deref().unwrap_or(OsStr::new(""));
        std::env::split_paths(paths)
            .filter(|directory| directory.is_absolute())
            .flat_map(|directory| {
                let plain = directory.join(name);
                let mut suffixed = plain.clone().into_os_string();
                suffixed.push(std::env::consts::EXE_SUFFIX);
                [plain, suffixed.into()]
            })
            .find(|path| path.is_file() && crate::sys::is_executable(path))
    }
}

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

impl Launch {
    /// Why it cannot even be tried: something that it needs is not there.
    ///
    /// # Errors
    /// What is missing, as a fragment.
    pub fn check(&self) -> Result<(), String> {
        if !self.program.is_absolute() || self.program.exists() {
            return Ok(());
        }
        let path = self.program.display();
        Err(if self.program.file_stem() == Some(OsStr::new("comhost")) {
            format!("{path}, the program that runs COM classes, is not installed")
        } else {
            format!("{path} does not exist any more")
        })
    }
}

/// Finds out how to start a handler that is registered in the home of this environment, and what it is, without a manager;
/// `None` for one that nobody registered.
///
/// # Errors
/// A configuration that cannot be read.
pub fn registered(
    handler: &str,
    environment: &Environment,
) -> Result<Option<(Launch, HandlerKind)>, Refusal> {
    let places = Places::find(environment)?;
    let config = ConfigFile::load(&places.config_file())?;
    let id = match class(handler) {
        Some(class) => config.id_of_class(&class),
        None => handler.to_owned(),
    };
    let Ok(id) = HandlerId::new(&id) else {
        return Ok(None);
    };
    let Some(launch) = find(&id, &config, &places, &Programs::of(environment)) else {
        return Ok(None);
    };
    let kind = match config.handler(id.as_str()) {
        _ if is_built_in(id.as_str()) => HandlerKind::BuiltIn,
        Some(entry) => entry.kind(),
        // Only the system's own list has others.
        None => HandlerKind::Class,
    };
    Ok(Some((launch, kind)))
}

/// Whether the system can make objects of a class without being told its library.
#[must_use]
pub fn can_be_made(class: &str) -> bool {
    crate::sys::registry::can_be_made(class)
}

/// Finds out how to start a handler; `None` for one that nobody registered, or whose class nobody can make (M-30).
#[must_use]
pub fn find(
    handler: &HandlerId,
    config: &ConfigFile,
    places: &Places,
    programs: &Programs,
) -> Option<Launch> {
    find_for(handler, &[], config, places, programs)
}

/// As [`find`], with the definitions of these items alone; none: of all. A handler that was registered, and so may have items
/// that nobody defined, is given all.
pub(crate) fn find_for(
    handler: &HandlerId,
    only: &[ItemId],
    config: &ConfigFile,
    places: &Places,
    programs: &Programs,
) -> Option<Launch> {
    if handler.as_str().eq_ignore_ascii_case(REPORTS) {
        return None; // it is no program
    }
    if is_built_in(handler.as_str()) {
        return Some(Launch {
            program: programs.own.clone(),
            args: vec!["handler".to_owned(), handler.as_str().to_ascii_lowercase()],
            state_dir: places.handler_state(handler.as_str()),
            definitions: config.definitions(handler.as_str(), only),
        });
    }
    let system;
    let registered = match config.handler(handler.as_str()) {
        Some(registered) => registered,
        None => {
            let class = crate::sys::registry::class_named(handler.as_str())?;
            system = class.entry();
            &system
        }
    };
    of(registered, config, places, programs)
}

/// How to start what a registration says.
pub(crate) fn of(
    entry: &HandlerConfig,
    config: &ConfigFile,
    places: &Places,
    programs: &Programs,
) -> Option<Launch> {
    let (program, args) = match (&entry.class, &entry.library) {
        (Some(class), Some(library)) => {
            let args = vec!["--library".to_owned(), library.clone(), class.clone()];
            (programs.comhost.clone(), args)
        }
        (Some(class), None) => {
            if !crate::sys::registry::can_be_made(class) {
                return None; // M-30
            }
            (programs.comhost.clone(), vec![class.clone()])
        }
        (None, _) => {
            let (program, args) = entry.command.split_first()?;
            (PathBuf::from(program), args.to_vec())
        }
    };
    Some(Launch {
        program,
        args,
        state_dir: places.handler_state(&entry.id),
        definitions: config.definitions(&entry.id, &[]),
    })
}

/// What runs for a registration, for people.
pub(crate) fn in_words(entry: &HandlerConfig) -> String {
    match (&entry.class, &entry.library) {
        (Some(class), Some(library)) => format!("{library} {class}"),
        (Some(class), None) => class.clone(),
        (None, _) => entry.command.join(" "),
    }
}
