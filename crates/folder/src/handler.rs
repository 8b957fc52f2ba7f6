//! The folder pairs as a handler: translates between the contract and the pairs, and decides nothing by itself.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use syncmgr_handler::call::{
    Choice as Offer, Conflict as Told, ConflictVersion, DefineItem, ItemDefinition, ItemPlan,
    Properties, PropertiesEffect, PropertySheet, ReadVersion, ResolveConflict, Resolved, Undo,
    Undone, Verdict, VersionPiece,
};
use syncmgr_handler::callback::{Failure, Level, Log, PlanAction, Progress as Report, Status};
use syncmgr_handler::contract::{MAX_PAGE, feature};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts as Moved, HandlerInfo, Item, ItemId};
use syncmgr_handler::{ActionSink, Handler, Introduction, ItemList, Run, Start, Unfinished};

use crate::check::check;
use crate::conflict::{Choice, Conflict};
use crate::definition::{Definition, DefinitionError};
use crate::fs;
use crate::guard::GuardKind;
use crate::name::shown;
use crate::observe::{Cancel, Finding, Observer, Phase, Progress};
use crate::pair::{Outcome, Pair, SyncFault};
use crate::plan::{Action, Change};
use crate::question::{guard_answers, guard_key, guard_prompt, kept_for};
use crate::resolve::ResolveFault;
use crate::tree::{Kind, Side};
use crate::undo::UndoFault;
use crate::versions::is_run_name;
use crate::workbench::Counts;

/// How many findings of one run are logged one by one; the rest is counted.
const FINDINGS_MAX: usize = 200;
/// How many changed entries of one run are logged one by one; the rest is counted.
const CHANGES_MAX: u64 = 200;
/// Progress is told at most this often, in milliseconds; the contract merges more than 20 a second anyway.
const REPORT_MS: i64 = 50;

/// The folder pairs of one manager.
#[derive(Debug, Default)]
pub struct Folders {
    started: Mutex<Started>,
}

#[derive(Debug, Default)]
struct Started {
    state_dir: PathBuf,
    pairs: BTreeMap<String, Result<Definition, DefinitionError>>,
}

/// Both folders: nobody else works in them meanwhile. They are real paths since they were defined; a list does not touch
/// them, because one that is far away may not answer.
fn lanes(definition: &Definition) -> Vec<String> {
    [&definition.left, &definition.right]
        .into_iter()
        .filter_map(|path| path.to_str().map(str::to_owned))
        .collect()
}

/// Serves the folder pairs over standard input and output until the manager is done with them.
///
/// Blocks. What ends it early is told on standard error, which the manager keeps.
pub fn serve() {
    if let Err(error) = syncmgr_handler::serve_stdio(Folders::default()) {
        // Nobody is left to tell if this fails too.
        drop(writeln!(
            std::io::stderr(),
            "the folder handler ended early: {error}"
        ));
    }
}

impl Folders {
    fn started(&self) -> MutexGuard<'_, Started> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pair(&self, item: &ItemId) -> Result<Pair, RpcError> {
        let started = self.started();
        match started.pairs.get(item.as_str()) {
            Some(Ok(definition)) => {
                let id = item.as_str().to_owned();
                let tag = blake3::hash(id.as_bytes()).to_hex();
                Ok(Pair {
                    left: definition.left.clone(),
                    right: definition.right.clone(),
                    state_dir: started
                        .state_dir
                        .join("pairs")
                        .join(tag.as_str().get(..16).unwrap_or_default()),
                    settings: definition.settings.clone(),
                    id,
                })
            }
            Some(Err(error)) => Err(refuse_definition(error)),
            None => Err(RpcError::refused(
                "folder::unknown",
                "there is no such folder pair",
                None,
            )),
        }
    }
}

fn refuse_definition(error: &DefinitionError) -> RpcError {
    RpcError::refused("folder::definition", error.to_string(), Some(error.hint()))
}

/// Joins an error with its causes, as a fragment.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Transparent errors repeat their cause.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

fn refuse(fault: &SyncFault) -> RpcError {
    RpcError::refused(fault.code(), chain(fault), Some(fault.hint().to_owned()))
}

fn failure_of(fault: &SyncFault) -> Failure {
    match fault {
        // It ends by itself.
        SyncFault::Busy { .. } => Failure::Soft,
        _ => Failure::Hard,
    }
}

/// Makes the name of a run in the versions of the manager's identifier.
fn run_name(id: &str) -> String {
    if is_run_name(id) {
        return id.to_owned();
    }
    if id.is_empty() {
        let now = fs::now();
        return format!("run-{}-{:09}", now.sec, now.nsec);
    }
    blake3::hash(id.as_bytes())
        .to_hex()
        .as_str()
        .get(..32)
        .unwrap_or_default()
        .to_owned()
}

fn moved(counts: &Counts) -> Moved {
    Moved {
        sent: counts.to_right,
        received: counts.to_left,
        deleted: counts.deleted,
        conflicts: counts.conflicts,
        failed: counts.failed,
        bytes: counts.bytes,
        created_near: counts.created[Side::Left.at()],
        created_far: counts.created[Side::Right.at()],
        deleted_near: counts.deleted_on[Side::Left.at()],
        deleted_far: counts.deleted_on[Side::Right.at()],
    }
}

/// Passes on what a run tells.
struct Teller<'a> {
    run: &'a Run,
    item: &'a ItemId,
    last_ms: AtomicI64,
    findings: AtomicU64,
    changes: AtomicU64,
}

impl<'a> Teller<'a> {
    fn new(run: &'a Run, item: &'a ItemId) -> Self {
        Self {
            run,
            item,
            last_ms: AtomicI64::new(0),
            findings: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }

    fn report(&self, report: Report) {
        self.run.progress(Report {
            item: Some(self.item.clone()),
            ..report
        });
    }

    fn log(&self, finding: &Finding) {
        let level = if finding.failed {
            Level::Error
        } else {
            Level::Warning
        };
        let text = finding.to_string();
        let item = Some(self.item.clone());
        self.run.log(Log {
            level,
            text,
            item,
            detail: None,
            error: None,
            jump: false,
        });
    }

    /// Says how many changes and findings were not logged one by one.
    fn finish(&self) {
        let all = self.changes.load(Ordering::Relaxed);
        if let Some(more) = all.checked_sub(CHANGES_MAX).filter(|more| *more > 0) {
            let text = format!("and {more} more");
            self.run.note(Level::Information, Some(self.item), text);
        }
        let all = self.findings.load(Ordering::Relaxed);
        if let Some(more) = all
            .checked_sub(FINDINGS_MAX as u64)
            .filter(|more| *more > 0)
        {
            self.run.note(
                Level::Warning,
                Some(self.item),
                format!("and {more} more findings of this kind"),
            );
        }
    }
}

impl Observer for Teller<'_> {
    fn phase(&self, phase: Phase) {
        let (status, text) = match phase {
            Phase::Scan => (Status::UpdatingIndeterminate, "looking at both folders"),
            Phase::Apply => (Status::Updating, "synchronizing"),
            Phase::Finish => (Status::Updating, "finishing"),
        };
        self.report(Report {
            status: Some(status),
            text: Some(text.to_owned()),
            ..Report::default()
        });
    }

    fn progress(&self, progress: Progress) {
        let now = fs::now();
        let ms = now.sec.saturating_mul(1000) + i64::from(now.nsec / 1_000_000);
        let last = self.last_ms.load(Ordering::Relaxed);
        let due = (ms - last).abs() >= REPORT_MS;
        if due
            && self
                .last_ms
                .compare_exchange(last, ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let counts = Moved {
                bytes: progress.bytes,
                ..Moved::default()
            };
            let (value, max) = (Some(progress.done), Some(progress.total));
            self.report(Report {
                value,
                max,
                counts: Some(counts),
                ..Report::default()
            });
        }
    }

    fn changed(&self, side: Side, action: Action, path: &[u8]) {
        // Only counting is cheap enough for every entry of a first run.
        if self.changes.fetch_add(1, Ordering::Relaxed) < CHANGES_MAX {
            self.run.note(
                Level::Information,
                Some(self.item),
                change_text(side, action, path),
            );
        }
    }

    fn finding(&self, finding: &Finding) {
        if self.findings.fetch_add(1, Ordering::Relaxed) < FINDINGS_MAX as u64 {
            self.log(finding);
        }
    }
}

fn change_text(side: Side, action: Action, path: &[u8]) -> String {
    let arrow = match side {
        Side::Right => '→',
        Side::Left => '←',
    };
    let verb = match action {
        Action::Create => "created",
        Action::Replace => "updated",
        Action::Delete => "deleted",
        Action::SetMeta => "set permissions or time of",
        Action::Conflict(_) => "left",
    };
    format!("{arrow} {verb} {}", shown(path))
}

fn watch(run: &Run, item: &ItemId) -> Cancel {
    let (run, item) = (run.clone(), item.clone());
    Cancel::watching(move || run.verdict(&item) != Verdict::Continue)
}

fn plan_action(change: &Change) -> PlanAction {
    let (action, reason) = match change.action {
        Action::Create => ("add", None),
        Action::Replace => ("update", None),
        Action::Delete => ("delete", None),
        Action::SetMeta => ("metadata", None),
        Action::Conflict(kind) => ("conflict", Some(kind.words().to_owned())),
    };
    let mut name = shown(&change.path);
    if change.kind == Kind::Dir {
        name.push('/');
    }
    let to = change.side.map(|side| side.word().to_owned());
    PlanAction {
        action: action.to_owned(),
        to,
        name,
        bytes: change.bytes,
        reason,
    }
}

fn told(item: &ItemId, pair: &Pair, conflict: &Conflict) -> Told {
    let version = |side: Side| {
        let there = conflict.sides[side.at()];
        let root = match side {
            Side::Left => &pair.left,
            Side::Right => &pair.right,
        };
        ConflictVersion {
            place: side.word().to_owned(),
            location: format!("{}/{}", shown(fs::path_bytes(root)), shown(&conflict.path))
                .replace('/', fs::SHOWN_SEPARATOR.encode_utf8(&mut [0; 4])),
            deleted: there.is_none(),
            kind: there.map_or("", |there| there.kind.word()).to_owned(),
            size: there
                .filter(|there| there.kind == Kind::File)
                .map(|there| there.size),
            modified_ms: there.map(|there| {
                there.mtime.sec.saturating_mul(1000) + i64::from(there.mtime.nsec / 1_000_000)
            }),
        }
    };
    let rests = kept_for(pair.settings.keep);
    let verb = |side: Side| match conflict.sides[side.at()] {
        None => format!(
            "delete it from the {} folder too; it is {rests}",
            side.other()
        ),
        Some(_) if conflict.sides[side.other().at()].is_none() => {
            format!("the {side} version goes to the {} folder", side.other())
        }
        Some(_) => format!(
            "the {side} version goes to the {other} folder; the {other} one is {rests}",
            other = side.other()
        ),
    };
    let both = match conflict.sides {
        [Some(_), Some(_)] => format!(
            "keep both versions, in both folders; the {} one gets a name like {}",
            conflict.moves_aside(),
            shown(&conflict.beside_name())
        ),
        _ => "keep the version that is left, in both folders".to_owned(),
    };
    let offer = |name: &str, label: &str| Offer {
        name: name.to_owned(),
        label: label.to_owned(),
    };
    Told {
        id: conflict.id.clone(),
        item: item.clone(),
        name: shown(&conflict.path),
        summary: conflict.kind.words().to_owned(),
        found_ms: conflict.found.sec.saturating_mul(1000),
        versions: Side::BOTH.map(version).into(),
        choices: vec![
            offer("left", &verb(Side::Left)),
            offer("right", &verb(Side::Right)),
            offer("both", &both),
        ],
    }
}

impl Handler for Folders {
    fn features(&self) -> Vec<&'static str> {
        vec![
            feature::PLAN,
            feature::UNDO,
            feature::CONFLICTS,
            feature::READ_CONFLICTS,
            feature::DEFINE,
            feature::PROPERTIES,
        ]
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        let read = |(id, definition): (&String, &Value)| {
            let read = definition
                .as_object()
                .map_or(Err(DefinitionError::NoPath("left")), Definition::read);
            (id.clone(), read)
        };
        let mut started = self.started();
        started.state_dir = start.state_dir.clone();
        started.pairs = start.definitions.iter().map(read).collect();
        let info = HandlerInfo {
            name: "Folders".to_owned(),
            comment: "two folders that are kept the same".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            own_properties: Some(false),
            capabilities: ["conflict-store", "concurrent-sessions"]
                .map(str::to_owned)
                .into(),
            ..HandlerInfo::default()
        };
        Ok(Introduction {
            info,
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let started = self.started();
        let mut list = ItemList::default();
        for (id, definition) in &started.pairs {
            let Ok(item) = ItemId::new(id.clone()) else {
                list.incomplete = true;
                continue;
            };
            // A pair that cannot be read is listed all the same, so that its run can say why.
            let (name, comment, lanes) = match definition {
                Ok(definition) => (definition.name(), definition.comment(), lanes(definition)),
                Err(error) => (id.clone(), error.to_string(), Vec::new()),
            };
            list.items.push(Item {
                comment,
                lanes,
                has_properties: definition.is_ok(),
                ..Item::new(item, name)
            });
        }
        Ok(list)
    }

    fn define(&self, wish: &DefineItem) -> Result<ItemDefinition, RpcError> {
        let mut definition =
            Definition::read(&wish.arguments).map_err(|error| refuse_definition(&error))?;
        check(&definition.left, &definition.right).map_err(|refusal| refuse(&refusal.into()))?;
        // One pair has one identity, by whatever links its folders were named.
        for path in [&mut definition.left, &mut definition.right] {
            if let Ok(real) = fs::real_path(path) {
                *path = real;
            }
        }
        let mut id = definition.id();
        // Two folders are one pair in whichever order they are named; the one that is there keeps its order.
        let turned = self.started().pairs.iter().find_map(|(known, pair)| {
            let pair = pair.as_ref().ok()?;
            (pair.left == definition.right && pair.right == definition.left).then(|| known.clone())
        });
        if let Some(known) = turned {
            definition
                .turn()
                .map_err(|error| refuse_definition(&error))?;
            id = known;
        }
        // What was set for it stays, unless it is said anew.
        if let Some(Ok(known)) = self.started().pairs.get(&id) {
            definition
                .keep_settings(known)
                .map_err(|error| refuse_definition(&error))?;
        }
        let id = ItemId::new(id)
            .map_err(|error| RpcError::new(RpcError::INTERNAL, error.to_string()))?;
        let name = wish.name.clone().unwrap_or_else(|| definition.name());
        let item = Item {
            comment: definition.comment(),
            lanes: lanes(&definition),
            has_properties: true,
            ..Item::new(id, name)
        };
        Ok(ItemDefinition {
            item,
            definition: definition.stored(),
        })
    }

    fn properties(&self, what: &Properties) -> Result<PropertySheet, RpcError> {
        let Some(item) = &what.item else {
            let text = "the folder handler itself has no properties";
            return Err(RpcError::refused("folder::properties", text, None));
        };
        let mut started = self.started();
        let Some(Ok(definition)) = started.pairs.get_mut(item.as_str()) else {
            drop(started);
            // Says why it is none.
            self.pair(item)?;
            return Ok(PropertySheet::default());
        };
        let mut effect = PropertiesEffect::Unchanged;
        if let Some(values) = &what.values {
            definition
                .change(values)
                .map_err(|error| refuse_definition(&error))?;
            effect = PropertiesEffect::EnumerateItems;
        }
        let (schema, values) = definition.sheet();
        Ok(PropertySheet {
            schema,
            values,
            definition: what.values.is_some().then(|| definition.stored()),
            effect,
        })
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        for item in run.items() {
            match run.verdict(item) {
                Verdict::Continue => {}
                Verdict::CancelItem => {
                    run.status(item, Status::Skipped);
                    continue;
                }
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
            }
            self.synchronize_one(run, item);
        }
        if run.is_cancelled() {
            Err(Unfinished::Cancelled)
        } else {
            Ok(())
        }
    }

    fn plan(&self, run: &Run, actions: &mut ActionSink<'_>) -> Result<Vec<ItemPlan>, RpcError> {
        let mut plans = Vec::new();
        for item in run.items() {
            let mut summary = ItemPlan {
                item: item.clone(),
                counts: Moved::default(),
                held: None,
                error: None,
            };
            let planned = self.pair(item).and_then(|pair| {
                let answers = guard_answers(run, item);
                pair.plan(&answers, &crate::observe::Silent, &watch(run, item))
                    .map_err(|fault| refuse(&fault))
            });
            match planned {
                Ok(plan) => {
                    for change in &plan.changes {
                        actions.action(item, plan_action(change));
                    }
                    for finding in &plan.findings {
                        let name = shown(&finding.path);
                        let to = finding.side.map(|side| side.word().to_owned());
                        let reason = Some(finding.to_string());
                        actions.action(
                            item,
                            PlanAction {
                                action: "skip".to_owned(),
                                to,
                                name,
                                bytes: 0,
                                reason,
                            },
                        );
                    }
                    summary.counts = moved(&plan.counts);
                    summary.held = plan.held.map(|hold| hold.to_string());
                    summary.error = plan
                        .cancelled
                        .then(|| "it was stopped before it was complete".to_owned());
                }
                Err(error) => {
                    let hint = error
                        .data
                        .and_then(|data| data.hint)
                        .map(|hint| format!("; {hint}"));
                    summary.error = Some(error.message + hint.as_deref().unwrap_or_default());
                }
            }
            plans.push(summary);
        }
        Ok(plans)
    }

    fn undo(&self, what: &Undo, run: &Run) -> Result<Undone, RpcError> {
        let pair = self.pair(&what.item)?;
        let teller = Teller::new(run, &what.item);
        let cancel = watch(run, &what.item);
        let outcome = pair
            .undo(&run_name(&what.run), &run_name(&what.as_run), &teller, &cancel)
            .map_err(|fault| match fault {
                UndoFault::NotFound { .. } => {
                    let hint = "`syncmgr runs` lists the runs; versions are kept for 30 days unless it is set otherwise";
                    RpcError::refused("folder::nothing-kept", fault.to_string(), Some(hint.to_owned()))
                }
                UndoFault::Sync(fault) => refuse(&fault),
            })?;
        teller.finish();
        for (count, text) in [
            (
                outcome.restored,
                "the next synchronization carries what came back to the other folder, and asks where that has another version",
            ),
            (
                outcome.removed,
                "the next synchronization creates what was taken away again, unless it is deleted in the other folder first",
            ),
        ] {
            if count > 0 {
                run.note(Level::Information, Some(&what.item), text);
            }
        }
        let kept = outcome
            .findings
            .iter()
            .take(MAX_PAGE)
            .map(ToString::to_string)
            .collect();
        Ok(Undone {
            restored: outcome.restored,
            removed: outcome.removed,
            kept,
            counts: Some(Moved {
                sent: outcome.restored.saturating_sub(outcome.restored_left),
                received: outcome.restored_left,
                deleted: outcome.removed,
                ..Moved::default()
            }),
        })
    }

    fn conflicts(&self, item: Option<&ItemId>) -> Result<Vec<Told>, RpcError> {
        let items: Vec<ItemId> = match item {
            Some(item) => vec![item.clone()],
            None => self
                .started()
                .pairs
                .keys()
                .filter_map(|id| ItemId::new(id.clone()).ok())
                .collect(),
        };
        let mut all = Vec::new();
        for id in items {
            let pair = match self.pair(&id) {
                Ok(pair) => pair,
                // One pair that is defined wrongly must not hide the others' conflicts.
                Err(_) if item.is_none() => continue,
                Err(error) => return Err(error),
            };
            let conflicts = pair.conflicts().map_err(|fault| refuse(&fault))?;
            all.extend(conflicts.iter().map(|conflict| told(&id, &pair, conflict)));
        }
        Ok(all)
    }

    fn read_version(&self, what: &ReadVersion) -> Result<VersionPiece, RpcError> {
        let pair = self.pair(&what.item)?;
        pair.read_version(what).map_err(|fault| {
            RpcError::refused(fault.code(), chain(&fault), Some(fault.hint().to_owned()))
        })
    }

    fn resolve(&self, choice: &ResolveConflict) -> Result<Resolved, RpcError> {
        let pair = self.pair(&choice.item)?;
        let chosen = match choice.choice.as_str() {
            "left" => Choice::KeepLeft,
            "right" => Choice::KeepRight,
            "both" => Choice::KeepBoth,
            other => {
                let text = format!(
                    "`{}` is no choice of this conflict",
                    shown(other.as_bytes())
                );
                return Err(RpcError::refused(
                    "folder::choice",
                    text,
                    Some("choose left, right or both".to_owned()),
                ));
            }
        };
        let as_run = run_name(&choice.as_run);
        match pair.resolve(
            &as_run,
            &choice.conflict,
            chosen,
            &crate::observe::Silent,
            &Cancel::new(),
        ) {
            Ok(outcome) => match outcome.findings.iter().find(|finding| finding.failed) {
                None => {
                    let kept = pair
                        .versions()
                        .unwrap_or_default()
                        .into_iter()
                        .find(|version| version.run == as_run);
                    let until = kept.as_ref().map(|version| {
                        let keep = i64::try_from(pair.settings.keep.as_millis());
                        let began = version.when.sec.saturating_mul(1000);
                        began.saturating_add(keep.unwrap_or(i64::MAX))
                    });
                    Ok(Resolved::Continue {
                        kept: kept.map(|version| shown(fs::path_bytes(&version.file))),
                        until_ms: until,
                        counts: Some(Moved {
                            // What is still open is listed, not moved.
                            conflicts: 0,
                            ..moved(&outcome.counts)
                        }),
                    })
                }
                Some(finding) => Err(RpcError::refused(
                    "folder::resolve",
                    finding.to_string(),
                    None,
                )),
            },
            Err(ResolveFault::NotFound { .. }) => Ok(Resolved::Refresh),
            Err(ResolveFault::Sync(fault)) => Err(refuse(&fault)),
            Err(fault) => {
                let hint = Some("synchronize the pair first, which asks what to do".to_owned());
                Err(RpcError::refused("folder::resolve", chain(&fault), hint))
            }
        }
    }
}

impl Folders {
    fn synchronize_one(&self, run: &Run, item: &ItemId) {
        run.status(item, Status::UpdatingIndeterminate);
        let pair = match self.pair(item) {
            Ok(pair) => pair,
            Err(error) => {
                run.failed(item, Failure::Hard, error.message);
                return;
            }
        };
        let teller = Teller::new(run, item);
        let synced = pair.sync(
            &run_name(run.id()),
            &guard_answers(run, item),
            &teller,
            &watch(run, item),
        );
        teller.finish();
        match synced {
            Ok(outcome) => finish(run, item, &pair, &outcome),
            Err(fault) => {
                let text = chain(&fault);
                run.log(Log {
                    level: Level::Error,
                    text: text.clone(),
                    item: Some(item.clone()),
                    detail: Some(fault.hint().to_owned()),
                    error: Some(fault.code().to_owned()),
                    jump: false,
                });
                run.failed(item, failure_of(&fault), text);
            }
        }
    }
}

/// Tells how a pair's run ended, and tidies up after it.
fn finish(run: &Run, item: &ItemId, pair: &Pair, outcome: &Outcome) {
    let counts = moved(&outcome.counts);
    let end = |status, text: Option<String>, failure| {
        let item = Some(item.clone());
        run.progress(Report {
            item,
            status: Some(status),
            text,
            counts: Some(counts),
            failure,
            ..Report::default()
        });
    };
    if let Some(hold) = &outcome.held {
        let prompt = guard_prompt(item, pair, hold);
        if let Err(error) = run.ask(prompt) {
            run.note(
                Level::Warning,
                Some(item),
                format!("the question could not be asked: {error}"),
            );
        }
        end(Status::Skipped, Some(format!("held: {hold}")), None);
        return;
    }
    for kind in [
        GuardKind::RootMissing,
        GuardKind::RootReplaced,
        GuardKind::RootEmptied,
        GuardKind::MassDeletion,
        GuardKind::Extra,
    ] {
        for side in Side::BOTH {
            // Only a question that was once asked has an answer here; it is settled by this run.
            if !outcome.cancelled && run.answer(Some(item), &guard_key(kind, side)).is_some() {
                run.withdraw(Some(item.clone()), guard_key(kind, side));
            }
        }
    }
    run.conflicts_changed(Some(item.clone()));
    if outcome.cancelled {
        let skipped = run.verdict(item) == Verdict::CancelItem;
        end(
            if skipped {
                Status::Skipped
            } else {
                Status::Stopped
            },
            None,
            None,
        );
        return;
    }
    if let Err(fault) = pair.prune(fs::now(), pair.settings.keep) {
        run.note(
            Level::Warning,
            Some(item),
            format!("old versions could not be removed: {}", chain(&fault)),
        );
    }
    match outcome.counts.failed {
        // Nothing is to be added, also not what it was doing last.
        0 => end(Status::Succeeded, Some(String::new()), None),
        1 => end(
            Status::Failed,
            Some("one entry could not be synchronized".to_owned()),
            Some(Failure::Soft),
        ),
        n => end(
            Status::Failed,
            Some(format!("{n} entries could not be synchronized")),
            Some(Failure::Soft),
        ),
    }
}
