//! What programs that synchronize by themselves report: sessions from outside (Sync Center 3.6, C-61 to C-70), and the items
//! that are known by such reports alone.

use std::task::Poll;
use std::time::Duration;

use serde_json::{Map, Value};
use syncmgr_control::report::{
    AttendReport, FailureClass, MAX_LINE, REPORTS, Report, ReportState, ReportedLine, ReportedView,
    Wanted,
};
use syncmgr_control::view::{self, Added};
use syncmgr_control::{ExitCode, Refusal, Reply};
use syncmgr_core::command::Verdict;
use syncmgr_core::input::{ExternalInput, Input, Progress};
use syncmgr_core::item::{Connected, Counts, Failure, ItemStatus};
use syncmgr_core::log::Level;
use syncmgr_core::{HandlerId, ItemId, ItemRef, RefusedSession, RunId, SessionId};

use crate::adapt::text;
use crate::config::{ItemConfig, parse_duration};
use crate::launch;
use crate::run::{Answerer, Loop};

/// How long nothing may be heard of a run, unless somebody says otherwise.
pub(crate) const WITHIN: Duration = Duration::from_secs(24 * 3600);

/// Most programs that hold a connection at a time.
const MAX_ATTENDANTS: usize = 256;

/// A program that holds a connection for its run.
#[derive(Debug)]
struct Attendant {
    session: SessionId,
    item: ItemRef,
    run: RunId,
    heard: Wanted,
    reply: Answerer,
}

/// Programs that hold a connection for their runs.
#[derive(Debug, Default)]
pub(crate) struct Attendants(Vec<Attendant>);

impl Attendants {
    /// Waits until one is gone without an answer, and says so; for ever when there is none. Loses nothing when it is dropped.
    pub(crate) async fn gone(&mut self) -> Input {
        std::future::poll_fn(|context| {
            let mut gone = None;
            for (at, attendant) in self.0.iter_mut().enumerate() {
                if attendant.reply.poll_closed(context).is_ready() {
                    gone = Some(at);
                    break;
                }
            }
            match gone {
                Some(at) => {
                    let session = self.0.swap_remove(at).session;
                    let still = self.0.iter().any(|other| other.session == session);
                    Poll::Ready(Input::External(ExternalInput::Attended(session, still)))
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}

impl Loop {
    /// Takes a report in.
    pub(crate) fn report(&mut self, report: Report) -> Result<ReportedView, Refusal> {
        let item = self.reported_item(&report.name)?;
        let open = self.open_run_of(&item, report.run)?;
        let ends = match report.state {
            ReportState::Connected => {
                self.set_connected(&item, Connected::Yes);
                return Ok(self.reported(&item, open.map(|open| open.1), open.is_none()));
            }
            ReportState::Start => {
                if report.run.is_some() {
                    return Err(Refusal::new(
                        "report::not-open",
                        "a run that begins has no number yet",
                        "leave the number out; the answer tells it",
                    ));
                }
                let (session, run) = self.begin_reported(&item, open, report.within_ms)?;
                self.tell_reported(session, &item, report, None);
                return Ok(self.reported(&item, Some(run), false));
            }
            ReportState::Progress => None,
            ReportState::Done => Some(ItemStatus::Succeeded),
            ReportState::Failed => Some(ItemStatus::Failed),
            ReportState::Skipped => Some(ItemStatus::Skipped),
            ReportState::Stopped => Some(ItemStatus::Stopped),
            ReportState::Disconnected => {
                self.set_connected(&item, Connected::No);
                if open.is_none() {
                    return Ok(self.reported(&item, None, true));
                }
                Some(ItemStatus::Disconnected)
            }
        };
        let (session, run) = match (open, ends) {
            (Some((session, run, _)), _) => (session, run),
            // A script may say how it ended in one line, and nothing before.
            (None, Some(_)) if report.run.is_none() => {
                self.begin_reported(&item, None, report.within_ms)?
            }
            (None, _) => return Err(not_open(&report.name)),
        };
        if ends == Some(ItemStatus::Succeeded)
            && self.manager.item(&item).map(|row| row.connected) == Some(Connected::No)
        {
            self.set_connected(&item, Connected::Yes);
        }
        let mut view = self.reported(&item, Some(run), false);
        self.tell_reported(session, &item, report, ends);
        if ends.is_some() {
            self.apply(Input::External(ExternalInput::Close(session)));
            view.over = true;
        }
        Ok(view)
    }

    /// Takes a line for the log in.
    pub(crate) fn report_line(&mut self, line: ReportedLine) -> Result<ReportedView, Refusal> {
        let item = self.reported_item(&line.name)?;
        let Some((session, run, _)) = self.open_run_of(&item, line.run)? else {
            return Err(not_open(&line.name));
        };
        let cut = |words: &str| text::line(words).chars().take(MAX_LINE).collect::<String>();
        self.apply(Input::External(ExternalInput::Log {
            session,
            item: Some(item.item.clone()),
            level: match line.level {
                view::Level::Information => Level::Information,
                view::Level::Warning => Level::Warning,
                view::Level::Error => Level::Error,
            },
            text: cut(&line.text),
            detail: line.detail.as_deref().map(text::detail),
        }));
        Ok(self.reported(&item, Some(run), false))
    }

    /// Holds a connection for a run.
    pub(crate) fn attend(&mut self, attend: &AttendReport, reply: Answerer) {
        let open = self
            .reported_item(&attend.name)
            .and_then(|item| Ok((self.open_run_of(&item, attend.run)?, item)));
        let (session, run, item) = match open {
            Ok((Some((session, run, _)), item)) => (session, run, item),
            Ok((None, item)) => {
                let run = attend.run.map(RunId);
                let over = self.reported(&item, run, true);
                return self.reply(reply, Ok(Reply::Reported(over)));
            }
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        if self.attendants.0.len() >= MAX_ATTENDANTS {
            let refusal = Refusal::new(
                "report::too-many",
                format!("{MAX_ATTENDANTS} programs hold a connection already"),
                "report from time to time instead, and begin with `--within`",
            );
            return self.reply(reply, Err(refusal));
        }
        self.attendants.0.push(Attendant {
            session,
            item,
            run,
            heard: attend.heard,
            reply,
        });
        self.apply(Input::External(ExternalInput::Attended(session, true)));
    }

    /// Answers those who hold a connection and of whom something new is wanted.
    pub(crate) fn tell_attendants(&mut self) {
        let mut at = 0;
        while let Some(attendant) = self.attendants.0.get(at) {
            let Attendant {
                session,
                item,
                run,
                heard,
                ..
            } = attendant;
            let over = self.manager.outside_of(item).map(|open| open.0) != Some(*session);
            let wanted = wanted(self.manager.outside_verdict(*session, Some(&item.item)));
            if !over && wanted == *heard {
                at += 1;
                continue;
            }
            let mut view = self.reported(item, Some(*run), over);
            view.wanted = wanted;
            let session = *session;
            let Attendant { reply, .. } = self.attendants.0.swap_remove(at);
            self.reply(reply, Ok(Reply::Reported(view)));
            if !over {
                // It has to say that it is still there, now that it was told.
                self.apply(Input::External(ExternalInput::Attended(session, false)));
            }
        }
    }

    /// Makes an item known of which a program reports.
    pub(crate) fn add_reported(
        &mut self,
        name: Option<String>,
        arguments: &Map<String, Value>,
        or_existing: bool,
    ) -> Result<Reply, Refusal> {
        let name = text::line(name.as_deref().unwrap_or_default().trim());
        let id = ItemId::new(&name).map_err(|cause| bad_definition("name", &cause.to_string()))?;
        let (mut within, mut fresh_within) = (None, None);
        for (key, value) in arguments {
            let span = |value: &Value| {
                let text = value.as_str().unwrap_or_default();
                parse_duration(text).map_err(|why| bad_definition(key, &why))
            };
            match key.as_str() {
                "within" => within = Some((span(value)?, value.clone())),
                "freshWithin" => fresh_within = Some(span(value)?),
                _ => return Err(bad_definition(key, "there is no such setting")),
            }
        }
        if let Ok(there) = self.one(&name) {
            let row_name = self.name(&there);
            if or_existing && row_name.eq_ignore_ascii_case(&name) {
                self.may_be_reported(&there)?;
                return Ok(Reply::Added(Added {
                    name: row_name,
                    id: there.item.to_string(),
                    handler: there.handler.to_string(),
                    existing: true,
                }));
            }
            return Err(Refusal::new(
                "item::exists",
                format!("something is called `{row_name}` already"),
                "take another name",
            ));
        }
        let taken = |config: &ItemConfig| {
            config.handler == REPORTS && ItemId::new(&config.id).is_ok_and(|taken| taken == id)
        };
        if self.config.config.item.iter().any(taken) {
            return Err(Refusal::new(
                "item::exists",
                format!("an item that was called `{name}` once has another name now"),
                "take another name, or remove that item first; `syncmgr list` shows it",
            ));
        }
        let mut definition = Map::new();
        if let Some((_, written)) = within {
            definition.insert("within".to_owned(), written);
        }
        let comment = "reported by its own program";
        self.config.add_item(ItemConfig {
            handler: REPORTS.to_owned(),
            id: id.to_string(),
            name: name.clone(),
            comment: comment.to_owned(),
            labels: Vec::new(),
            checked: true,
            fresh_within,
            definition: Value::Object(definition),
        })?;
        let known: Vec<ItemRef> = self.all_items();
        let handlers: Vec<HandlerId> = self.manager.handlers().map(|row| row.id.clone()).collect();
        for input in crate::open::configured(&self.config, &known, &handlers) {
            self.apply(input);
        }
        Ok(Reply::Added(Added {
            name,
            id: id.to_string(),
            handler: REPORTS.to_owned(),
            existing: false,
        }))
    }

    /// The item of this name, of which programs may report.
    fn reported_item(&self, name: &str) -> Result<ItemRef, Refusal> {
        let item = self.one(name).map_err(|mut refusal| {
            if refusal.code == "name::unknown" {
                refusal.hint = Some(format!(
                    "`syncmgr report {} start --create` makes it known; `syncmgr list` shows what is",
                    text::line(name)
                ));
            }
            refusal
        })?;
        self.may_be_reported(&item)?;
        Ok(item)
    }

    fn may_be_reported(&self, item: &ItemRef) -> Result<(), Refusal> {
        if launch::is_built_in(item.handler.as_str()) && !self.manager.reports_only(&item.handler) {
            return Err(Refusal::new(
                "report::own-work",
                format!("`{}` is synchronized by syncmgr itself", self.name(item)),
                "report under a name of its own; `--create` makes it known",
            ));
        }
        Ok(())
    }

    /// The session and run of an item that are open, and whether a program holds a connection for it.
    fn open_run_of(
        &self,
        item: &ItemRef,
        run: Option<u64>,
    ) -> Result<Option<(SessionId, RunId, bool)>, Refusal> {
        let open = self.manager.outside_of(item);
        match (open, run) {
            (Some((_, open, _)), Some(run)) if open.0 != run => {
                let name = self.name(item);
                let mut refusal = Refusal::new(
                    "report::other-run",
                    format!("run {open} of `{name}` is open, and not run {run}"),
                    "run it again from its beginning: another one took its place",
                );
                refusal.exit = ExitCode::Failed;
                Err(refusal)
            }
            _ => Ok(open),
        }
    }

    fn begin_reported(
        &mut self,
        item: &ItemRef,
        open: Option<(SessionId, RunId, bool)>,
        within_ms: Option<u64>,
    ) -> Result<(SessionId, RunId), Refusal> {
        match open {
            Some((_, run, true)) => return Err(self.runs_already(item, Some(run))),
            Some((session, ..)) => {
                self.apply(Input::External(ExternalInput::Superseded(session)));
            }
            None => {}
        }
        let items = vec![item.item.clone()];
        self.manager
            .check_outside(&item.handler, &items)
            .map_err(|refused| match refused {
                RefusedSession::Busy => self.runs_already(item, None),
                RefusedSession::Inactive => {
                    crate::answer::refused(&syncmgr_core::request::RefusedRequest::Inactive)
                }
                RefusedSession::Unknown | RefusedSession::TooManyItems => {
                    crate::answer::refused(&syncmgr_core::request::RefusedRequest::Unknown)
                }
            })?;
        let within = within_ms.map_or_else(|| self.defined_within(item), Duration::from_millis);
        let session = self.manager.next_session();
        self.apply(Input::External(ExternalInput::Open {
            session,
            handler: item.handler.clone(),
            items,
            within: Some(within),
        }));
        let run = self.manager.outside_of(item).map(|open| open.1);
        run.map(|run| (session, run))
            .ok_or_else(|| self.runs_already(item, None))
    }

    fn runs_already(&self, item: &ItemRef, run: Option<RunId>) -> Refusal {
        let name = self.name(item);
        let which = run.map_or_else(String::new, |run| format!(" in run {run}"));
        let mut refusal = Refusal::new(
            "report::running",
            format!("`{name}` runs already{which}"),
            "wait for its end; `syncmgr status` shows it",
        );
        refusal.exit = ExitCode::Failed;
        refusal
    }

    /// How long nothing may be heard of an item, as its definition says.
    fn defined_within(&self, item: &ItemRef) -> Duration {
        let items = &self.config.config.item;
        let config = items.iter().find(|config| {
            config.handler == item.handler.as_str() && config.id == item.item.as_str()
        });
        config
            .and_then(|config| config.definition.get("within")?.as_str())
            .and_then(|text| parse_duration(text).ok())
            .unwrap_or(WITHIN)
    }

    fn set_connected(&mut self, item: &ItemRef, connected: Connected) {
        let said = ExternalInput::Connected(item.clone(), connected);
        self.apply(Input::External(said));
    }

    fn tell_reported(
        &mut self,
        session: SessionId,
        item: &ItemRef,
        report: Report,
        ends: Option<ItemStatus>,
    ) {
        let max = report.max;
        let measured = max.is_some_and(|max| max > 0);
        let status = ends.unwrap_or(if measured {
            ItemStatus::Updating
        } else {
            ItemStatus::UpdatingIndeterminate
        });
        // What says nothing of how far it is leaves that as it was.
        let silent = ends.is_none() && max.is_none() && report.state == ReportState::Progress;
        let failure = match report.failure {
            FailureClass::Soft => Failure::Soft,
            FailureClass::Hard => Failure::Hard,
        };
        let progress = Progress {
            item: Some(item.item.clone()),
            status: (!silent).then_some(status),
            text: report.text.as_deref().map(text::line),
            value: report.value,
            max,
            counts: report.counts.map(counts),
            failure: (status == ItemStatus::Failed).then_some(failure),
            retry_after: None,
        };
        self.apply(Input::External(ExternalInput::Progress(session, progress)));
    }

    fn reported(&self, item: &ItemRef, run: Option<RunId>, over: bool) -> ReportedView {
        let verdict = self
            .manager
            .outside_of(item)
            .map(|(session, ..)| self.manager.outside_verdict(session, Some(&item.item)));
        ReportedView {
            name: self.name(item),
            run: run.map(|run| run.0),
            wanted: verdict.map_or(Wanted::GoOn, wanted),
            over,
        }
    }
}

fn wanted(verdict: Verdict) -> Wanted {
    match verdict {
        Verdict::Continue => Wanted::GoOn,
        Verdict::CancelItem => Wanted::Skip,
        Verdict::CancelAll => Wanted::Stop,
    }
}

fn counts(counts: view::Counts) -> Counts {
    Counts {
        sent: counts.sent,
        received: counts.received,
        deleted: counts.deleted,
        conflicts: counts.conflicts,
        failed: counts.failed,
        bytes: counts.bytes,
        created_near: counts.created_near,
        created_far: counts.created_far,
        deleted_near: counts.deleted_near,
        deleted_far: counts.deleted_far,
    }
}

fn not_open(name: &str) -> Refusal {
    let name = text::line(name);
    let mut refusal = Refusal::new(
        "report::not-open",
        format!("no run of `{name}` is open"),
        format!("`syncmgr report {name} start` begins one"),
    );
    refusal.exit = ExitCode::Failed;
    refusal
}

fn bad_definition(key: &str, why: &str) -> Refusal {
    Refusal::new(
        "report::definition",
        format!("`{}`: {why}", text::line(key)),
        "a name, and spans such as `within` 2h and `freshWithin` 1d",
    )
}
