//! Bridges that the configuration names: each is a task of its own, whose faults are its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use syncmgr_bridge::{Bridge, Kind, Setting, SettingError, follow};
use syncmgr_control::view::CheckView;
use syncmgr_control::{ExitCode, Refusal, Service};
use syncmgr_core::input::Input;
use syncmgr_core::log::Level;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::adapt::text;
use crate::open::spawn_owned;

/// How long a bridge waits after the manager refused what it reports.
const AGAIN: Duration = Duration::from_secs(60);
/// How long a program that is followed has to answer `doctor`.
const ANSWERS: Duration = Duration::from_secs(2);
/// What stands before the path of a file with a key.
const FILE: &str = "file:";

/// `[[bridge]]`: a program that synchronizes by itself and is followed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeConfig {
    /// What is followed.
    pub kind: BridgeKind,
    /// Where it listens on this machine; absent: as it says itself, else where it does usually.
    #[serde(default)]
    pub address: Option<String>,
    /// Where its key is: `file:` and an absolute path.
    #[serde(default)]
    pub key: Option<String>,
    /// What its item is called, or what stands before the names of its folders.
    #[serde(default)]
    pub name: Option<String>,
}

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BridgeKind {
    /// The folders of a Syncthing.
    Syncthing,
    /// The jobs of `rclone rcd`.
    RcloneRc,
}

impl BridgeConfig {
    /// What cannot be, as a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.setting().map(drop)
    }

    fn setting(&self) -> Result<Setting, String> {
        let key = match &self.key {
            None => None,
            Some(key) => match key.strip_prefix(FILE).map(PathBuf::from) {
                Some(path) if path.is_absolute() => Some(path),
                _ => {
                    return Err(
                        "the `key` of a bridge is `file:` and the absolute path of a file that holds it"
                            .to_owned(),
                    );
                }
            },
        };
        if key.is_none() && self.kind == BridgeKind::Syncthing {
            return Err(
                "a bridge to Syncthing has a `key`, such as `file:` and the path of its config.xml"
                    .to_owned(),
            );
        }
        Ok(Setting {
            kind: match self.kind {
                BridgeKind::Syncthing => Kind::Syncthing,
                BridgeKind::RcloneRc => Kind::RcloneRc,
            },
            address: self.address.clone(),
            key,
            name: self.name.clone(),
        })
    }
}

/// The refusal for a bridge that cannot be.
#[must_use]
pub fn unusable(error: &SettingError) -> Refusal {
    Refusal::new(
        "bridge::unusable",
        "the other program cannot be followed so",
        "`--key FILE` names Syncthing's config.xml, `--address` where it listens on this machine",
    )
    .because(error)
}

/// The tasks of all bridges; they end with it.
#[derive(Debug, Default)]
pub(crate) struct Bridges(Vec<JoinHandle<()>>);

impl Bridges {
    /// Starts them. What cannot be followed now is told once, and tried again.
    pub(crate) fn start(configured: &[BridgeConfig], service: &Arc<dyn Service>) -> Self {
        let tasks = configured.iter().map(|config| {
            let (config, service) = (config.clone(), Arc::clone(service));
            spawn_owned(async move { keep_following(&config, &service).await })
        });
        Self(tasks.collect())
    }
}

impl Drop for Bridges {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// What does not work with the bridges now, for the log of a manager that begins.
pub(crate) fn troubles(configured: &[BridgeConfig]) -> impl Iterator<Item = Input> + '_ {
    configured.iter().filter_map(|config| {
        let why = made(config).err()?;
        Some(Input::Note {
            level: Level::Warning,
            text: text::line(&format!("a bridge does not work: {why}")),
            detail: Some("it is tried again every minute".to_owned()),
        })
    })
}

/// What `doctor` tells of the bridges. Each is asked for at most [`ANSWERS`].
pub(crate) async fn checks(configured: &[BridgeConfig]) -> Vec<CheckView> {
    let asked = configured.iter().map(|config| async move {
        let result = made(config);
        let about = match config.kind {
            BridgeKind::Syncthing => "Syncthing",
            BridgeKind::RcloneRc => "rclone",
        };
        let (result, text, hint) = match result {
            Err(why) => (
                ExitCode::Warnings,
                format!("{about} is not followed: {why}"),
                Some("look at its [[bridge]] in config.toml; docs/report.md tells how".to_owned()),
            ),
            Ok(bridge) => {
                let address = bridge.address().to_owned();
                let there = tokio::time::timeout(ANSWERS, TcpStream::connect(&address)).await;
                match there {
                    Ok(Ok(_)) => (
                        ExitCode::Good,
                        format!("{about} listens on {address}"),
                        None,
                    ),
                    _ => (
                        ExitCode::Warnings,
                        format!("nobody listens on {address}, where {about} is to be followed"),
                        Some(format!(
                            "start {about}, or set the `address` of its [[bridge]]"
                        )),
                    ),
                }
            }
        };
        CheckView {
            name: "bridge".to_owned(),
            result,
            text: text::line(&text),
            hint,
        }
    });
    futures::future::join_all(asked).await
}

fn made(config: &BridgeConfig) -> Result<Bridge, String> {
    let setting = config.setting()?;
    Bridge::new(&setting).map_err(|error| error.to_string())
}

async fn keep_following(config: &BridgeConfig, service: &Arc<dyn Service>) {
    loop {
        match made(config) {
            Ok(bridge) => {
                let mut told = |text: &str| tracing::info!(text, "a bridge");
                let Err(refusal) = follow(&bridge, Arc::clone(service), &mut told).await;
                tracing::warn!(%refusal, "a bridge cannot report");
            }
            Err(why) => tracing::warn!(why, "a bridge does not work"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_their_file() {
        let check = |text: &str, part: Option<&str>| {
            let config: BridgeConfig = toml::from_str(text).unwrap();
            let outcome = config.check().err();
            match (&outcome, part) {
                (None, None) => {}
                (Some(why), Some(part)) if why.contains(part) => {}
                _ => panic!("{text}: {outcome:?}"),
            }
        };
        let absolute = if cfg!(windows) {
            "C:/x/config.xml"
        } else {
            "/x/config.xml"
        };
        check(
            &format!("kind = \"syncthing\"\nkey = \"file:{absolute}\""),
            None,
        );
        check("kind = \"rclone-rc\"", None);
        check("kind = \"syncthing\"", Some("has a `key`"));
        check(
            "kind = \"syncthing\"\nkey = \"abcdef\"",
            Some("absolute path"),
        );
        check(
            "kind = \"rclone-rc\"\nkey = \"file:x\"",
            Some("absolute path"),
        );
    }
}
