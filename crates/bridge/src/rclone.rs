//! What is said of the jobs of `rclone rcd`.
//!
//! rclone makes a job of every call, also of those that only look; what looked has something to say (`output`), what worked has
//! not. Jobs have no names: one run stands for all that work at a time, and fails when one of them did.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use syncmgr_control::report::{FailureClass, Report, ReportState};
use syncmgr_control::view::Counts;

/// Most jobs that are asked about at a time.
pub const MAX_JOBS: usize = 64;

/// A job as it stands (`job/status`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// It is over.
    pub finished: bool,
    /// It went well.
    pub success: bool,
    /// Why it did not.
    pub error: String,
    /// What a call had to say.
    pub output: Value,
}

impl Job {
    /// Whether it is a call that only looked, such as ours.
    #[must_use]
    pub fn only_looked(&self) -> bool {
        let said = self.output.as_object().is_some_and(|said| !said.is_empty());
        self.finished && (said || self.error == "job not found")
    }
}

/// How far the work is (`core/stats`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    /// Moved so far.
    pub bytes: u64,
    /// To be moved.
    pub total_bytes: u64,
    /// Files moved so far.
    pub transfers: u64,
    /// Files deleted so far.
    pub deletes: u64,
    /// What is being moved.
    pub transferring: Vec<Transfer>,
}

/// A file that is being moved.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Transfer {
    /// Its name.
    pub name: String,
    /// The job that it belongs to, such as `job/3`.
    pub group: String,
}

/// What is known of the jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Up to this number every job was looked at, or is ours.
    seen_to: Option<u64>,
    /// So many calls of ours became jobs since then.
    ours: usize,
    working: BTreeSet<u64>,
    open: bool,
    failed: Option<String>,
    before: Stats,
    away: bool,
}

impl Jobs {
    /// Nothing is known of what the manager has of it.
    pub fn forget(&mut self) {
        self.open = false;
        self.away = false;
    }

    /// Whether something works as far as is known.
    #[must_use]
    pub fn works(&self) -> bool {
        !self.working.is_empty()
    }

    /// Which jobs are to be asked about, after they were listed and the stats were read. At the first look every job is asked
    /// about, and only those that still work count. Later, when there are as many new jobs as we made calls, all of them are ours,
    /// and nothing is asked: each question would be one more job.
    #[must_use]
    pub fn unknown(&self, listed: &[u64], stats: &Stats) -> Vec<u64> {
        let after = self.seen_to.unwrap_or(0);
        let mut new: Vec<u64> = listed.iter().copied().filter(|id| *id > after).collect();
        if self.seen_to.is_some() && new.len() == self.ours {
            new.clear();
        }
        let moving = stats
            .transferring
            .iter()
            .filter_map(|transfer| transfer.group.strip_prefix("job/")?.parse().ok());
        let mut unknown: BTreeSet<u64> = new.into_iter().chain(moving).collect();
        unknown.extend(&self.working);
        // The newest ones: the others are over, or are seen by what they move.
        let few = unknown.into_iter().rev().take(MAX_JOBS);
        few.collect()
    }

    /// rclone cannot be reached.
    pub fn away(&mut self, name: &str, why: &str) -> Vec<Report> {
        let open = std::mem::take(&mut self.open);
        // Whoever comes back counts anew.
        (self.seen_to, self.failed) = (None, None);
        self.working.clear();
        if std::mem::replace(&mut self.away, true) && !open {
            return Vec::new();
        }
        vec![said(
            name,
            ReportState::Disconnected,
            &format!("rclone: {why}"),
        )]
    }

    /// What is to be reported, after the unknown jobs were asked about. `calls` are those after the list, and those that come
    /// before and with the next one.
    pub fn look(
        &mut self,
        name: &str,
        listed: &[u64],
        jobs: &[Job],
        stats: &Stats,
        calls: usize,
    ) -> Vec<Report> {
        let first = self.seen_to.is_none();
        let last = listed.iter().copied().max().unwrap_or(0);
        self.seen_to = Some(self.seen_to.unwrap_or(0).max(last));
        self.ours = calls;
        let mut reports = Vec::new();
        if std::mem::take(&mut self.away) || first {
            reports.push(Report::new(name, ReportState::Connected));
        }
        let mut any = false;
        for job in jobs.iter().filter(|job| !job.only_looked()) {
            let known = self.working.remove(&job.id);
            if !job.finished {
                self.working.insert(job.id);
            } else if first && !known {
                continue; // what was over before anybody looked is no news
            }
            any = true;
            if job.finished && !job.success {
                self.failed.get_or_insert_with(|| match job.error.as_str() {
                    "" => format!("job {} failed", job.id),
                    error => error.to_owned(),
                });
            }
        }
        if any && !std::mem::replace(&mut self.open, true) {
            reports.push(Report {
                within_ms: Some(crate::syncthing::WITHIN_MS),
                ..Report::new(name, ReportState::Start)
            });
        }
        if !self.open {
            self.before = stats.clone();
            return reports;
        }
        // What was moved in this run; the counters are those of all time.
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        let counts = Counts {
            sent: since(stats.transfers, self.before.transfers),
            deleted: since(stats.deletes, self.before.deletes),
            bytes: since(stats.bytes, self.before.bytes),
            ..Counts::default()
        };
        if self.works() {
            let text = stats.transferring.first().map_or("", |it| &it.name);
            reports.push(Report {
                value: Some(counts.bytes),
                max: Some(since(stats.total_bytes, self.before.bytes)),
                counts: Some(counts),
                ..said(name, ReportState::Progress, text)
            });
            return reports;
        }
        self.open = false;
        self.before = stats.clone();
        let counts = Some(counts);
        reports.push(match self.failed.take() {
            None => Report {
                counts,
                ..Report::new(name, ReportState::Done)
            },
            Some(why) => Report {
                counts,
                failure: FailureClass::Hard,
                ..said(name, ReportState::Failed, &why)
            },
        });
        reports
    }
}

fn said(name: &str, state: ReportState, text: &str) -> Report {
    Report {
        text: Some(text.to_owned()),
        ..Report::new(name, state)
    }
}
