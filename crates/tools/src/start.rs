//! From a program as it is written to one that can be started, and why it cannot.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::priority::IoClass;
use crate::process::Program;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartFault {
    /// No program was named.
    #[error("no program is named")]
    Nothing,
    /// The program is not there.
    #[error("the program `{program}` was not found")]
    Missing {
        /// As it is written.
        program: String,
    },
    /// It is there and cannot be carried out.
    #[error("`{program}` cannot be executed")]
    NotExecutable {
        /// Where it is.
        program: String,
    },
    /// Its working directory cannot be entered.
    #[error("the working directory {} cannot be entered: {cause}", directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        cause: String,
    },
    /// It needs a terminal, and none can be made.
    #[error("it needs a terminal: {cause}")]
    NoTerminal {
        /// Why.
        cause: String,
    },
    /// It cannot run as that user.
    #[error("it cannot run as the user `{user}`: {cause}")]
    User {
        /// As whom.
        user: String,
        /// Why.
        cause: String,
    },
    /// It cannot have that priority.
    #[error("it cannot have the priority {wanted}: {cause}")]
    Priority {
        /// Which, such as `nice -5`.
        wanted: String,
        /// Why.
        cause: String,
    },
    /// The system refuses for another reason.
    #[error("it could not be started: {0}")]
    Io(#[from] io::Error),
}

impl StartFault {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "no-program",
            Self::Missing { .. } => "program-missing",
            Self::NotExecutable { .. } => "program-not-executable",
            Self::Directory { .. } => "directory-missing",
            Self::NoTerminal { .. } => "no-terminal",
            Self::User { .. } => "user-refused",
            Self::Priority { .. } => "priority-refused",
            Self::Io(_) => "start-failed",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Nothing => "Name the program and its arguments.".to_owned(),
            Self::Missing { program } if has_separator(program) => {
                "Look whether the path is right; a relative one is meant from the working directory.".to_owned()
            }
            Self::Missing { program } => {
                format!("Install `{program}`, or name it by its whole path if it is not in PATH.")
            }
            Self::NotExecutable { program } => {
                format!("Allow it (chmod +x {program}); a script begins with `#!` and its interpreter.")
            }
            Self::Directory { .. } => "Make the directory, mount what it lies on, or name another one.".to_owned(),
            Self::NoTerminal { .. } => {
                "Use an option of the program with which it asks nothing, such as one for batch use.".to_owned()
            }
            Self::User { .. } => {
                "Run syncmgr as root, or allow it with a line in sudoers that asks for no password (NOPASSWD).".to_owned()
            }
            Self::Priority { .. } => {
                "Use a lower priority, or run syncmgr with the privilege for this one.".to_owned()
            }
            Self::Io(_) => "Look at the reason; the program itself was not reached.".to_owned(),
        }
    }
}

/// A program that was found, and everything that it is started with.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) path: PathBuf,
    /// What it is told to be called, and its arguments.
    pub(crate) argv: Vec<String>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) input: Option<Vec<u8>>,
    pub(crate) terminal: bool,
    pub(crate) nice: Option<i8>,
    pub(crate) ionice: Option<IoClass>,
}

/// Finds the program.
pub(crate) fn resolve(program: &Program) -> Result<Start, StartFault> {
    let Some(name) = program.argv.first().filter(|name| !name.is_empty()) else {
        return Err(StartFault::Nothing);
    };
    if let Some(directory) = &program.directory {
        enterable(directory)?;
    }
    let mut environment = vec![("LC_ALL".to_owned(), "C.UTF-8".to_owned())];
    if program.terminal {
        // No colours, no cursor that is moved: a file reads it.
        environment.push(("TERM".to_owned(), "dumb".to_owned()));
    }
    environment.retain(|(name, _)| !program.environment.iter().any(|(given, _)| given == name));
    environment.extend(program.environment.iter().cloned());
    let path = find(
        name,
        program.directory.as_deref(),
        &search_path(&environment),
    )?;
    let start = Start {
        path,
        argv: program.argv.clone(),
        directory: program.directory.clone(),
        environment,
        input: program.input.clone(),
        terminal: program.terminal,
        nice: program.nice,
        ionice: program.ionice,
    };
    match &program.user {
        Some(user) => crate::sys::as_user(start, user, &program.environment),
        None => Ok(start),
    }
}

fn enterable(directory: &Path) -> Result<(), StartFault> {
    let fault = |cause: String| StartFault::Directory {
        directory: directory.to_owned(),
        cause,
    };
    match std::fs::metadata(directory) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(fault("it is no directory".to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            Err(fault("it is not there".to_owned()))
        }
        Err(cause) => Err(fault(cause.to_string())),
    }
}

/// Where programs are searched: as its own environment says, else as ours does.
pub(crate) fn search_path(environment: &[(String, String)]) -> OsString {
    let given = environment.iter().rev().find(|(name, _)| name == "PATH");
    match given {
        Some((_, path)) => path.into(),
        None => inherited("PATH").unwrap_or_default(),
    }
}

/// A variable of ours, which programs inherit.
#[expect(
    clippy::disallowed_methods,
    reason = "a program inherits our environment, and is searched as it says"
)]
pub(crate) fn inherited(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Finds a program as a shell would.
pub(crate) fn find(
    name: &str,
    directory: Option<&Path>,
    search: &OsStr,
) -> Result<PathBuf, StartFault> {
    let from =
        |path: &Path| directory.map_or_else(|| path.to_owned(), |directory| directory.join(path));
    let mut candidates: Box<dyn Iterator<Item = PathBuf>> = if has_separator(name) {
        Box::new(std::iter::once(from(Path::new(name))))
    } else {
        Box::new(std::env::split_paths(search).map(|place| from(&place).join(name)))
    };
    let mut barred = None;
    let found = candidates.find_map(|candidate| {
        crate::sys::spellings(&candidate).into_iter().find(|path| {
            let is_there = path.is_file();
            let is_executable = is_there && crate::sys::is_executable(path);
            if is_there && !is_executable {
                barred.get_or_insert_with(|| path.clone());
            }
            is_executable
        })
    });
    match (found, barred) {
        (Some(path), _) => std::path::absolute(path).map_err(StartFault::Io),
        (None, Some(path)) => Err(StartFault::NotExecutable {
            program: path.display().to_string(),
        }),
        (None, None) => Err(StartFault::Missing {
            program: name.to_owned(),
        }),
    }
}

fn has_separator(name: &str) -> bool {
    name.chars().any(std::path::is_separator)
}
