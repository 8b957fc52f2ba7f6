//! Answers that a person had remembered: kept in the keyring of the system, or in a file where the user wants that, and
//! looked up beside the loop. What systemd hands over as credentials is looked up first, and never written.
//!
//! The core decides when an answer is looked up and when it is forgotten (`syncmgr_core::recall`); a person, what is kept.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncmgr_control::{ExitCode, Refusal};
use syncmgr_core::need::{NeedRow, QuestionRef, Typed};
use syncmgr_core::recall::KnownAnswer;

mod credential;
mod file;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "sys_elsewhere.rs"]
mod keyring;
#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod keyring;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod keyring;

/// How long a look-up, or keeping one answer, may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// Longest answer that is kept, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Where answers are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// In the keyring of the system.
    #[default]
    Keyring,
    /// In a file that only its owner can read, not encrypted.
    File,
    /// Nowhere.
    Nowhere,
}

/// Why an answer is not found, kept or forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[cfg_attr(windows, expect(dead_code, reason = "Windows always has one"))]
    #[error("no keyring is there: {0}")]
    NoKeyring(String),
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only that of Linux is ever locked")
    )]
    #[error("the keyring is locked")]
    Locked,
    #[error("the keyring refused: {0}")]
    Refused(String),
    #[error("it took longer than {} s", LIMIT.as_secs())]
    Late,
    #[error("the configuration says that nothing is remembered")]
    Nowhere,
    #[error("the answer is longer than {MAX_ANSWER} bytes, or than the keyring takes")]
    TooLong,
    #[error("others can read {0}")]
    Exposed(String),
    #[error("{0} does not hold what it should")]
    Spoiled(String),
    #[error("the secrets cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl SecretError {
    pub(crate) fn refusal(&self) -> Refusal {
        let (code, hint) = match self {
            Self::NoKeyring(_) => (
                "secret::no-keyring",
                "start a keyring, such as GNOME Keyring or KWallet, or set remember = \"file\" below [manager]",
            ),
            Self::Locked => (
                "secret::locked",
                "unlock the keyring, and answer with --remember again",
            ),
            Self::Refused(_) => ("secret::refused", "look at the keyring's own settings"),
            Self::Late => (
                "secret::timeout",
                "the keyring may wait for somebody to unlock it",
            ),
            Self::Nowhere => (
                "secret::nowhere",
                "set remember = \"keyring\" or \"file\" below [manager]",
            ),
            Self::TooLong => ("secret::too-long", "a shorter one is remembered"),
            Self::Exposed(_) => (
                "secret::exposed",
                "take the permissions of others away: chmod 600",
            ),
            Self::Spoiled(_) => (
                "secret::spoiled",
                "move it away; what it held is asked for again",
            ),
            Self::Io(_) => (
                "secret::unreadable",
                "check the permissions of the configuration directory",
            ),
        };
        Refusal {
            exit: ExitCode::Failed,
            ..Refusal::new(code, self.to_string(), hint)
        }
    }
}

/// What is kept: the choice and what was typed. Never shown.
#[derive(Serialize, Deserialize)]
struct Answer {
    choice: String,
    fields: Map<String, Value>,
}

impl Answer {
    fn remembered(self) -> KnownAnswer {
        KnownAnswer {
            choice: self.choice,
            fields: Typed::new(Value::Object(self.fields).to_string()),
        }
    }

    /// The text that is kept.
    fn text(remembered: &KnownAnswer) -> Result<String, SecretError> {
        let answer = Self {
            choice: remembered.choice.clone(),
            fields: serde_json::from_str(remembered.fields.reveal()).unwrap_or_default(),
        };
        serde_json::to_string(&answer)
            .ok()
            .filter(|text| text.len() <= MAX_ANSWER)
            .ok_or(SecretError::TooLong)
    }

    fn read(text: &[u8]) -> Option<KnownAnswer> {
        let answer: Self = serde_json::from_slice(text).ok()?;
        Some(answer.remembered())
    }
}

/// Where the answers of a home are, and how they are reached. Nothing is held open.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    pub(crate) keep: Keep,
    /// The configuration directory; answers of other homes are none of ours.
    pub(crate) home: PathBuf,
    /// What systemd handed over.
    pub(crate) credentials: Option<PathBuf>,
}

impl Secrets {
    pub(crate) fn of(keep: Keep, home: PathBuf) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "systemd hands credentials over by this name, and only the look-up wants it"
        )]
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
        Self {
            keep,
            home,
            credentials: credentials.map(PathBuf::from),
        }
    }

    /// Looks up what answers a question.
    pub(crate) async fn find(
        &self,
        question: &NeedRow,
    ) -> Result<Option<KnownAnswer>, SecretError> {
        let of = QuestionRef::of(question);
        limited(async {
            if let Some(directory) = &self.credentials
                && let Some(found) = credential::find(directory, question)?
            {
                return Ok(Some(found));
            }
            let text = match self.keep {
                Keep::Keyring => match keyring::find(&self.home(), &of).await {
                    // Where no keyring is, nothing was remembered.
                    Err(SecretError::NoKeyring(_)) => None,
                    found => found?,
                },
                Keep::File => {
                    let path = self.file();
                    beside(move || file::find(&path, &of)).await?
                }
                Keep::Nowhere => None,
            };
            Ok(text.and_then(|text| Answer::read(&text)))
        })
        .await
    }

    /// Keeps an answer, in place of an earlier one.
    pub(crate) async fn keep(
        &self,
        of: &QuestionRef,
        answer: &KnownAnswer,
    ) -> Result<(), SecretError> {
        let text = Answer::text(answer)?;
        limited(async {
            match self.keep {
                Keep::Keyring => keyring::keep(&self.home(), of, &text).await,
                Keep::File => {
                    let (path, of) = (self.file(), of.clone());
                    beside(move || file::keep(&path, &of, &text)).await
                }
                Keep::Nowhere => Err(SecretError::Nowhere),
            }
        })
        .await
    }

    /// Forgets the answer to a question, or to all of a handler or an item; says how many.
    pub(crate) async fn forget(&self, which: &Which) -> Result<usize, SecretError> {
        limited(async {
            match self.keep {
                Keep::Keyring => match keyring::forget(&self.home(), which).await {
                    Err(SecretError::NoKeyring(_)) => Ok(0),
                    forgotten => forgotten,
                },
                Keep::File => {
                    let (path, which) = (self.file(), which.clone());
                    beside(move || file::forget(&path, &which)).await
                }
                Keep::Nowhere => Ok(0),
            }
        })
        .await
    }

    fn home(&self) -> String {
        self.home.display().to_string()
    }

    fn file(&self) -> PathBuf {
        self.home.join("secrets.json")
    }
}

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// The answer to one question.
    Question(QuestionRef),
    /// All about an item.
    Item(syncmgr_core::ItemRef),
    /// All of a handler.
    Handler(syncmgr_core::HandlerId),
}

impl Which {
    fn handler(&self) -> &str {
        match self {
            Self::Question(of) => of.handler.as_str(),
            Self::Item(item) => item.handler.as_str(),
            Self::Handler(handler) => handler.as_str(),
        }
    }

    /// The item; empty: the handler itself. Nothing: whatever it is about.
    fn item(&self) -> Option<&str> {
        match self {
            Self::Question(of) => Some(item_of(of)),
            Self::Item(item) => Some(item.item.as_str()),
            Self::Handler(_) => None,
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::Question(of) => Some(&of.key),
            Self::Item(_) | Self::Handler(_) => None,
        }
    }
}

/// The item as it is kept; empty for the handler itself.
fn item_of(of: &QuestionRef) -> &str {
    of.item.as_ref().map_or("", syncmgr_core::ItemId::as_str)
}

/// Reads or writes a file where nobody waits for the disk.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(SecretError::Io(std::io::Error::other(error))),
    }
}

async fn limited<T>(work: impl Future<Output = Result<T, SecretError>>) -> Result<T, SecretError> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(SecretError::Late),
    }
}
