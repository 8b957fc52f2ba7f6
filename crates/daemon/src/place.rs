//! Where things are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncmgr_control::Refusal;

use crate::supervisor::Supervision;

/// Digits of the digest that keeps apart what would be one directory name.
const STATE_DIGEST_CHARS: usize = 16;

/// The environment as `main` read it; nobody else reads it.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `SYNCMGR_HOME`: keeps everything under one directory.
    pub syncmgr_home: Option<OsString>,
    /// The current directory, against which a relative `SYNCMGR_HOME` counts.
    pub current_dir: PathBuf,
    /// The program itself, which is started again as a built-in handler.
    pub program: PathBuf,
    /// `SYNCMGR_COMHOST`: the program that runs COM classes, when it does not lie beside this one.
    pub comhost: Option<OsString>,
    /// `PATH`: where programs are searched that are registered by their bare name.
    pub search_path: Option<OsString>,
    /// What a service manager gave the daemon with its start.
    pub supervision: Supervision,
}

/// The directories of one home. Two managers never work on one home at once; see [`crate::lock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Holds `config.toml`.
    pub config_dir: PathBuf,
    /// Holds the database and the state of handlers.
    pub state_dir: PathBuf,
    /// Holds the socket and the lock.
    pub runtime_dir: PathBuf,
}

impl Places {
    /// Finds the directories: under `SYNCMGR_HOME`, else the platform's standard ones. Creates nothing.
    ///
    /// # Errors
    /// `home::unknown` when the platform does not tell a home directory.
    pub fn find(environment: &Environment) -> Result<Self, Refusal> {
        if let Some(home) = environment
            .syncmgr_home
            .as_ref()
            .filter(|home| !home.is_empty())
        {
            let home = environment.current_dir.join(home);
            return Ok(Self {
                config_dir: home.join("config"),
                state_dir: home.join("state"),
                runtime_dir: home.join("run"),
            });
        }
        let (config_dir, state_dir) = crate::sys::standard_directories().ok_or_else(|| {
            Refusal::new(
                "home::unknown",
                "no home directory is known",
                "set SYNCMGR_HOME to a directory that syncmgr may use",
            )
        })?;
        Ok(Self {
            config_dir,
            // The lock must lie beside what it protects, not in a directory that ends with the login session.
            runtime_dir: state_dir.join("run"),
            state_dir,
        })
    }

    /// Holds the user's recipes for other people's programs.
    #[must_use]
    pub fn recipes_dir(&self) -> PathBuf {
        self.config_dir.join("recipes")
    }

    /// Creates the directories with mode 0700.
    ///
    /// # Errors
    /// `home::unusable` when one cannot be made.
    pub fn create(&self) -> Result<(), Refusal> {
        for dir in [&self.config_dir, &self.state_dir, &self.runtime_dir] {
            crate::sys::create_private_dir(dir).map_err(|cause| {
                Refusal::new(
                    "home::unusable",
                    format!("the directory {} cannot be used", dir.display()),
                    "check its owner and permissions, or set SYNCMGR_HOME to another directory",
                )
                .because(&cause)
            })?;
        }
        Ok(())
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config_dir.join("config.toml")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.state_dir.join("syncmgr.db")
    }

    /// The local socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir.join("control.sock")
    }

    /// The token with which programs of this user are let into Sync Center, while that is open.
    #[must_use]
    pub fn center_token(&self) -> PathBuf {
        self.runtime_dir.join("center.token")
    }

    /// The lock file.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.runtime_dir.join("lock")
    }

    /// What was last seen of the files of handlers.
    #[must_use]
    pub fn identities(&self) -> PathBuf {
        self.state_dir.join("identities.json")
    }

    /// The last session of the user that was taken for a logon.
    #[must_use]
    pub fn logon(&self) -> PathBuf {
        self.state_dir.join("logon.json")
    }

    /// A handler's own directory.
    #[must_use]
    pub fn handler_state(&self, handler: &str) -> PathBuf {
        // Identities are equal without case.
        let folded = handler.to_lowercase();
        // Identifiers come from configuration files: keep them from leaving the directory.
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '{' | '}');
        let mut safe: String = folded
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        if safe != folded {
            // Two identities that differ in what was replaced must not share a directory.
            let mut digest = blake3::hash(folded.as_bytes()).to_hex();
            digest.truncate(STATE_DIGEST_CHARS);
            safe = format!("{safe}-{digest}");
        }
        Path::join(&self.state_dir, "handlers").join(safe)
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn each_handler_has_a_directory_of_its_own() {
        let home = std::path::PathBuf::from("home");
        let places = Places {
            config_dir: home.clone(),
            state_dir: home.clone(),
            runtime_dir: home,
        };
        let of = |id| places.handler_state(id);
        assert_eq!(of("Mail"), of("mail"));
        for (one, other) in [("a b", "a_b"), ("a*b", "a b"), ("..", "__"), ("a/b", "a_b")] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
        assert!(of("{C0DE}").ends_with("handlers/{c0de}"));
    }
}
