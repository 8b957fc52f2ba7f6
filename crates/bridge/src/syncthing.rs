//! What is said of a folder of Syncthing, from what its interface shows of it.
//!
//! Whatever happened, the folder is looked at as it is now: what was missed while nobody listened changes nothing. It is what
//! this machine lacks that counts; what other devices lack is theirs to say.

use serde::Deserialize;
use serde_json::Value;
use syncmgr_control::report::{FailureClass, Report, ReportState};
use syncmgr_control::view::Counts;

/// A folder that is in sync all the time is told as such so often, so that it does not become late.
pub const GOOD_EVERY_MS: i64 = 3_600_000;

/// How long nothing may be heard of a run: the bridge reports far more often, as long as it lives.
pub const WITHIN_MS: u64 = 10 * 60_000;

/// A folder as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Configured {
    /// Its identity.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub label: String,
    /// It is paused.
    #[serde(default)]
    pub paused: bool,
    /// Who has it; this device too.
    #[serde(default)]
    pub devices: Vec<Device>,
}

/// A device of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// Its identity.
    #[serde(rename = "deviceID")]
    pub id: String,
}

/// A folder as it stands (`/rest/db/status`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// `idle`, `scanning`, `syncing` …
    pub state: String,
    /// Why it is in the state `error`.
    pub error: String,
    /// Why it is not valid at all.
    pub invalid: String,
    /// Files that could not be synchronized.
    pub errors: u64,
    /// What this machine lacks: files, directories and deletions.
    pub need_total_items: u64,
    /// Of what it lacks, what is to be deleted.
    pub need_deletes: u64,
    /// What it lacks, in bytes.
    pub need_bytes: u64,
    /// All that there is, in bytes.
    pub global_bytes: u64,
    /// What of it is here.
    pub in_sync_bytes: u64,
    /// Rises with each change.
    pub sequence: u64,
}

/// Whether another device of a folder is connected (`/rest/system/connections`).
#[must_use]
pub fn is_connected(folder: &Configured, connections: &Value) -> bool {
    folder
        .devices
        .iter()
        .any(|device| connections["connections"][&device.id]["connected"].as_bool() == Some(true))
}

/// How many conflicts a tree of a folder shows (`/rest/db/browse`).
#[must_use]
pub fn conflicts(tree: &Value) -> u64 {
    match tree {
        Value::Array(entries) => entries.iter().map(conflicts).sum(),
        Value::Object(entry) => {
            let name = entry.get("name").and_then(Value::as_str);
            let here = name.is_some_and(|name| name.contains(".sync-conflict-"));
            u64::from(here) + entry.get("children").map_or(0, conflicts)
        }
        _ => 0,
    }
}

/// What was said of a folder so far.
#[derive(Debug, Default)]
pub struct Folder {
    open: bool,
    connected: Option<bool>,
    problem: Option<String>,
    good_at_ms: Option<i64>,
    /// The last change that was told as good.
    sequence: u64,
    /// The most that it lacked in this run.
    lacked: Status,
}

impl Folder {
    /// Nothing is known of what the manager has of it: another one may have come.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether a run ends with this look, so that its conflicts are to be counted first.
    #[must_use]
    pub fn ends_with(&self, status: &Status) -> bool {
        let good = !works(status) && trouble(status).is_none() && status.need_total_items == 0;
        good && (self.open || self.good_at_ms.is_none() || self.sequence != status.sequence)
    }

    /// Syncthing itself cannot be reached.
    pub fn away(&mut self, name: &str, why: &str) -> Vec<Report> {
        self.set_away(name, format!("Syncthing: {why}"))
    }

    /// What is to be reported of a folder as it stands now.
    pub fn look(
        &mut self,
        name: &str,
        status: &Status,
        connected: bool,
        paused: bool,
        conflicts: u64,
        now_ms: i64,
    ) -> Vec<Report> {
        let lacks = format!("out of sync: {}", files(status.need_total_items));
        if paused {
            return if std::mem::take(&mut self.open) {
                vec![said(name, ReportState::Stopped, "paused there")]
            } else {
                Vec::new()
            };
        }
        if let Some(why) = trouble(status).filter(|_| !works(status)) {
            let known = self.problem.replace(why.clone());
            if known.as_ref() == Some(&why) && !self.open {
                return Vec::new();
            }
            self.open = false;
            self.good_at_ms = None;
            return vec![Report {
                failure: FailureClass::Hard,
                ..said(name, ReportState::Failed, &why)
            }];
        }
        if !connected {
            let why = if status.need_total_items > 0 {
                format!("{lacks}, and no other device is connected")
            } else {
                "no other device is connected".to_owned()
            };
            return self.set_away(name, why);
        }
        let mut reports = Vec::new();
        if self.connected != Some(true) {
            self.connected = Some(true);
            reports.push(Report::new(name, ReportState::Connected));
        }
        if works(status) || status.need_total_items > 0 {
            if !std::mem::replace(&mut self.open, true) {
                self.lacked = Status::default();
                reports.push(Report {
                    within_ms: Some(WITHIN_MS),
                    ..Report::new(name, ReportState::Start)
                });
            }
            if status.need_total_items > self.lacked.need_total_items {
                self.lacked = status.clone();
            }
            reports.push(Report {
                value: Some(status.in_sync_bytes.min(status.global_bytes)),
                max: Some(status.global_bytes),
                ..said(name, ReportState::Progress, &lacks)
            });
            return reports;
        }
        let due = self
            .good_at_ms
            .is_none_or(|at| now_ms.saturating_sub(at) >= GOOD_EVERY_MS || now_ms < at);
        // What came and was there before anybody looked is a change all the same.
        let changed = self.sequence != status.sequence;
        if std::mem::take(&mut self.open) || due || changed {
            self.sequence = status.sequence;
            let lacked = std::mem::take(&mut self.lacked);
            self.good_at_ms = Some(now_ms);
            self.problem = None;
            reports.push(Report {
                counts: Some(Counts {
                    received: lacked.need_total_items.saturating_sub(lacked.need_deletes),
                    deleted: lacked.need_deletes,
                    bytes: lacked.need_bytes,
                    conflicts,
                    ..Counts::default()
                }),
                ..said(name, ReportState::Done, "in sync")
            });
        }
        reports
    }

    fn set_away(&mut self, name: &str, why: String) -> Vec<Report> {
        let open = std::mem::take(&mut self.open);
        self.good_at_ms = None;
        if self.connected.replace(false) == Some(false) && !open {
            return Vec::new();
        }
        vec![said(name, ReportState::Disconnected, &why)]
    }
}

fn works(status: &Status) -> bool {
    matches!(
        status.state.as_str(),
        "syncing" | "sync-preparing" | "sync-waiting"
    )
}

fn trouble(status: &Status) -> Option<String> {
    for why in [&status.error, &status.invalid] {
        if !why.is_empty() {
            return Some(why.clone());
        }
    }
    if status.state == "error" {
        return Some("Syncthing stopped it after an error".to_owned());
    }
    let many = files(status.errors);
    (status.errors > 0).then(|| format!("{many} could not be synchronized"))
}

fn files(number: u64) -> String {
    format!("{number} {}", if number == 1 { "file" } else { "files" })
}

fn said(name: &str, state: ReportState, text: &str) -> Report {
    Report {
        text: Some(text.to_owned()),
        ..Report::new(name, state)
    }
}
