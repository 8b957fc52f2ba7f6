//! Asking, waiting and reporting.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncmgr_control::report::{REPORTS, Report, ReportState};
use syncmgr_control::{Caller, Refusal, Request, Service};

use crate::http::{AskError, Peer, encoded};
use crate::key::{self, KeyError};
use crate::{rclone, syncthing};

/// Where Syncthing's interface is unless told otherwise.
const SYNCTHING: &str = "127.0.0.1:8384";
/// Where rclone's remote control is unless told otherwise.
const RCLONE: &str = "127.0.0.1:5572";
/// How long Syncthing waits for an event before it says that there is none; a bridge that is well reports at least so often.
const EVENTS_WAIT: Duration = Duration::from_secs(60);
/// Between two looks at Syncthing, however many events come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at rclone while something works, and while nothing does.
const WORKING_EVERY: Duration = Duration::from_secs(2);
const IDLE_EVERY: Duration = Duration::from_secs(5);
/// The first wait after a failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// So many failures in a row are told: a program that is restarted is not away.
const TOLD_AFTER: u32 = 4;
/// Most folders that are followed.
const MAX_FOLDERS: usize = 256;

/// The events that may change how a folder stands.
const EVENTS: &str = "StateChanged,FolderSummary,FolderErrors,FolderPaused,FolderResumed,FolderCompletion,DownloadProgress,DeviceConnected,DeviceDisconnected,ConfigSaved";

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The folders of a Syncthing.
    Syncthing,
    /// The jobs of an `rclone rcd`.
    RcloneRc,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Syncthing => "syncthing",
            Self::RcloneRc => "rclone-rc",
        }
    }
}

/// What a person says of a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What is followed.
    pub kind: Kind,
    /// Where it listens on this machine; absent: as it says itself, else where it does usually.
    pub address: Option<String>,
    /// The file with its key: `config.xml` of Syncthing, or one that holds nothing else.
    pub key: Option<PathBuf>,
    /// What its item is called, or what stands before the names of its folders.
    pub name: Option<String>,
}

/// Why a bridge cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// It has no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Keys and names of files do not go over a network unencrypted.
    #[error("`{0}` is not an address of this machine, such as {SYNCTHING}")]
    Elsewhere(String),
    /// A key with characters that no key has.
    #[error("the key has characters that no key has")]
    BadKey,
    /// Which file holds the key must be said.
    #[error("it is not known where Syncthing's config.xml is")]
    NoKey,
}

/// A bridge that may be followed.
#[derive(Debug)]
pub struct Bridge {
    kind: Kind,
    peer: Peer,
    name: Option<String>,
}

impl Bridge {
    /// Reads the key, and whom to ask.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn new(setting: &Setting) -> Result<Self, SettingError> {
        let (address, key) = match setting.kind {
            Kind::Syncthing => {
                let path = setting.key.as_deref().ok_or(SettingError::NoKey)?;
                if path.extension().is_some_and(|end| end == "xml") {
                    let gui = key::of_syncthing(path)?;
                    (
                        gui.address.unwrap_or_else(|| SYNCTHING.to_owned()),
                        Some(gui.key),
                    )
                } else {
                    (SYNCTHING.to_owned(), Some(key::of_file(path)?))
                }
            }
            Kind::RcloneRc => (
                RCLONE.to_owned(),
                setting.key.as_deref().map(key::of_file).transpose()?,
            ),
        };
        let authority = here(setting.address.as_deref().unwrap_or(&address))?;
        let header = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| SettingError::BadKey)?;
            value.set_sensitive(true);
            Ok::<_, SettingError>(value)
        };
        let key = match (setting.kind, key) {
            (_, None) => None,
            (Kind::Syncthing, Some(key)) => Some(("x-api-key", header(&key)?)),
            (Kind::RcloneRc, Some(key)) => {
                Some(("authorization", header(&format!("Basic {key}"))?))
            }
        };
        Ok(Self {
            kind: setting.kind,
            peer: Peer { authority, key },
            name: setting.name.clone(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.peer.authority
    }
}

/// An address of this machine, with its port.
fn here(address: &str) -> Result<String, SettingError> {
    let elsewhere = || SettingError::Elsewhere(address.to_owned());
    let plain = address.strip_prefix("http://").unwrap_or(address);
    let plain = plain.trim_end_matches('/');
    let (host, port) = plain.rsplit_once(':').ok_or_else(elsewhere)?;
    let port: u16 = port.parse().map_err(|_| elsewhere())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = match bare.parse::<IpAddr>() {
        // Whoever listens everywhere listens here too.
        Ok(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(ip) if ip.is_loopback() => host.to_owned(),
        Err(_) if bare.is_empty() || bare.eq_ignore_ascii_case("localhost") => {
            "127.0.0.1".to_owned()
        }
        Ok(_) | Err(_) => return Err(elsewhere()),
    };
    Ok(format!("{host}:{port}"))
}

/// Follows a bridge, and reports what it sees. `told` hears when the other one goes and comes. Ends with a refusal of the
/// manager that trying again does not change; dropped at any moment it leaves nothing behind.
///
/// # Errors
/// That refusal.
pub async fn follow(
    bridge: &Bridge,
    service: Arc<dyn Service>,
    told: &mut (dyn FnMut(&str) + Send),
) -> Result<std::convert::Infallible, Refusal> {
    let mut reporter = Reporter {
        service,
        caller: Caller {
            name: format!("the bridge to {}", bridge.kind.word()),
        },
        known: BTreeSet::new(),
    };
    let mut watched: Watched = match bridge.kind {
        Kind::Syncthing => Watched::Syncthing(Syncthing::default()),
        Kind::RcloneRc => Watched::Rclone(rclone::Jobs::default()),
    };
    let name = bridge.name.as_deref();
    let address = bridge.address();
    let mut failures: u32 = 0;
    // Whether it was told to be there.
    let mut there: Option<bool> = None;
    loop {
        let looked = match &mut watched {
            Watched::Syncthing(state) => state.look(&bridge.peer, name).await,
            Watched::Rclone(jobs) => look_at_rclone(jobs, &bridge.peer, name).await,
        };
        let (reports, pause) = match looked {
            Ok(reports) => {
                failures = 0;
                if there.replace(true) != Some(true) {
                    told(&format!("{address} is followed"));
                }
                let pause = match &watched {
                    Watched::Syncthing(_) => LOOK_EVERY,
                    Watched::Rclone(jobs) if jobs.works() => WORKING_EVERY,
                    Watched::Rclone(_) => IDLE_EVERY,
                };
                (reports, pause)
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let mut reports = Vec::new();
                if failures >= TOLD_AFTER || there.is_none() {
                    let why = error.to_string();
                    if there.replace(false) != Some(false) {
                        told(&format!("{address}: {why}"));
                    }
                    reports = watched.away(name, &why);
                }
                let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10));
                (reports, doubled.min(LONGEST_WAIT))
            }
        };
        for report in reports {
            if let Err(refusal) = reporter.tell(report).await {
                if !refusal.code.starts_with("control::") && !refusal.code.starts_with("report::") {
                    return Err(refusal);
                }
                told(&format!("not reported: {refusal}"));
                // What the manager has of it is not known any more; everything is told anew.
                watched.forget();
                tokio::time::sleep(FIRST_WAIT).await;
                break;
            }
        }
        tokio::time::sleep(pause).await;
        if let (Watched::Syncthing(state), 0) = (&mut watched, failures) {
            state.wait(&bridge.peer).await;
        }
    }
}

enum Watched {
    Syncthing(Syncthing),
    Rclone(rclone::Jobs),
}

impl Watched {
    fn forget(&mut self) {
        match self {
            Self::Syncthing(state) => state.folders.values_mut().for_each(|it| it.1.forget()),
            Self::Rclone(jobs) => jobs.forget(),
        }
    }

    fn away(&mut self, name: Option<&str>, why: &str) -> Vec<Report> {
        match self {
            Self::Syncthing(state) => {
                state.last_event = None;
                let folders = state.folders.values_mut();
                folders
                    .flat_map(|(name, folder)| folder.away(name, why))
                    .collect()
            }
            Self::Rclone(jobs) => jobs.away(name.unwrap_or(Kind::RcloneRc.word()), why),
        }
    }
}

/// Makes items known, and reports of them.
struct Reporter {
    service: Arc<dyn Service>,
    caller: Caller,
    known: BTreeSet<String>,
}

impl Reporter {
    async fn tell(&mut self, report: Report) -> Result<(), Refusal> {
        if !self.known.contains(&report.name) {
            let add = Request::AddItem {
                handler: REPORTS.to_owned(),
                name: Some(report.name.clone()),
                arguments: Map::new(),
                or_existing: true,
            };
            self.service.call(self.caller.clone(), add).await?;
            self.known.insert(report.name.clone());
        }
        let state = report.state;
        let name = report.name.clone();
        let told = self
            .service
            .call(self.caller.clone(), Request::Report(report))
            .await;
        match told {
            Ok(_) => Ok(()),
            Err(refusal) => {
                // It may have been removed or renamed.
                self.known.remove(&name);
                if state == ReportState::Connected || refusal.code == "name::unknown" {
                    let code = format!("report::{}", refusal.code.rsplit(':').next().unwrap_or(""));
                    return Err(Refusal { code, ..refusal });
                }
                Err(refusal)
            }
        }
    }
}

#[derive(Default)]
struct Syncthing {
    /// By their identity: what they are called, and what was said of them.
    folders: BTreeMap<String, (String, syncthing::Folder)>,
    last_event: Option<u64>,
}

impl Syncthing {
    async fn look(&mut self, peer: &Peer, before: Option<&str>) -> Result<Vec<Report>, AskError> {
        let configured: Vec<syncthing::Configured> =
            read(peer.get("/rest/config/folders", Duration::ZERO).await?)?;
        let connections = peer.get("/rest/system/connections", Duration::ZERO).await?;
        let now_ms = now_ms();
        let mut reports = Vec::new();
        self.folders
            .retain(|id, _| configured.iter().any(|folder| folder.id == *id));
        for folder in configured.into_iter().take(MAX_FOLDERS) {
            let id = encoded(&folder.id);
            let status = if folder.paused {
                syncthing::Status::default()
            } else {
                let path = format!("/rest/db/status?folder={id}");
                read(peer.get(&path, Duration::ZERO).await?)?
            };
            let connected = syncthing::is_connected(&folder, &connections);
            let called = if folder.label.is_empty() {
                &folder.id
            } else {
                &folder.label
            };
            let called =
                before.map_or_else(|| called.clone(), |before| format!("{before}{called}"));
            let entry = self.folders.entry(folder.id.clone()).or_default();
            entry.0.clone_from(&called);
            let mut conflicts = 0;
            if !folder.paused && connected && entry.1.ends_with(&status) {
                // Too large a tree is not counted: what is not known is not said.
                let path = format!("/rest/db/browse?folder={id}");
                conflicts = match peer.get(&path, Duration::ZERO).await {
                    Ok(tree) => syncthing::conflicts(&tree),
                    Err(AskError::Cut) => 0,
                    Err(error) => return Err(error),
                };
            }
            let said = entry.1.look(
                &called,
                &status,
                connected,
                folder.paused,
                conflicts,
                now_ms,
            );
            reports.extend(said);
        }
        Ok(reports)
    }

    /// Waits until something may have changed, or for a while.
    async fn wait(&mut self, peer: &Peer) {
        let seconds = EVENTS_WAIT.as_secs();
        // Of what was before, only the last number is wanted.
        let path = match self.last_event {
            None => format!("/rest/events?events={EVENTS}&since=0&limit=1&timeout=1"),
            Some(last) => format!("/rest/events?events={EVENTS}&since={last}&timeout={seconds}"),
        };
        match peer.get(&path, EVENTS_WAIT).await {
            Ok(events) => {
                let ids = events.as_array().into_iter().flatten();
                let last = ids.filter_map(|event| event["id"].as_u64()).max();
                self.last_event = last.or(self.last_event).or(Some(0));
            }
            // The next look says what is wrong; numbers may begin anew.
            Err(_) => self.last_event = None,
        }
    }
}

async fn look_at_rclone(
    jobs: &mut rclone::Jobs,
    peer: &Peer,
    name: Option<&str>,
) -> Result<Vec<Report>, AskError> {
    let stats: rclone::Stats = read(peer.call("/core/stats", &json!({})).await?)?;
    let listed = peer.call("/job/list", &json!({})).await?;
    let listed: Vec<u64> = listed["jobids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    let mut known = Vec::new();
    let mut calls = 2; // the next look begins with two
    for id in jobs.unknown(&listed, &stats) {
        calls += 1;
        match peer.call("/job/status", &json!({ "jobid": id })).await {
            Ok(status) => known.push(read(status)?),
            // It was forgotten meanwhile: what became of it is not known.
            Err(AskError::Refused(_)) => known.push(rclone::Job {
                id,
                finished: true,
                error: "job not found".to_owned(),
                ..rclone::Job::default()
            }),
            Err(error) => return Err(error),
        }
    }
    let mut stats = stats;
    if !known.is_empty() {
        // What ended meanwhile had moved something since they were read.
        stats = read(peer.call("/core/stats", &json!({})).await?)?;
        calls += 1;
    }
    let name = name.unwrap_or(Kind::RcloneRc.word());
    Ok(jobs.look(name, &listed, &known, &stats, calls))
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, AskError> {
    serde_json::from_value(value).map_err(AskError::NotJson)
}

#[expect(
    clippy::disallowed_methods,
    reason = "only how long ago something was told is measured by it"
)]
fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
        let check = |address: &str, expected: &str| assert_eq!(here(address).unwrap(), expected);
        check("127.0.0.1:8384", "127.0.0.1:8384");
        check("http://localhost:5572/", "127.0.0.1:5572");
        check("0.0.0.0:8384", "127.0.0.1:8384");
        check(":5572", "127.0.0.1:5572");
        check("[::1]:8384", "[::1]:8384");
        for elsewhere in [
            "192.168.0.2:8384",
            "example.org:80",
            "127.0.0.1",
            "x",
            "127.0.0.1:x",
        ] {
            assert!(here(elsewhere).is_err(), "{elsewhere}");
        }
    }
}
