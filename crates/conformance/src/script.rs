//! The steps of each scenario.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::Callback;
use syncmgr_handler::contract::{CONTRACT_VERSION, MAX_PAGE, feature};
use syncmgr_host::{Spec, StartError};

use crate::MAX_HANGS;
use crate::scenario::{Phase, Scenario};
use crate::scratch::Scratch;
use crate::subject::{Speech, Subject};
use crate::talk::{Talk, Waited};
use crate::transcript::{Entry, Pair, Transcript, folded};

/// Features that a manager may name.
const FEATURES: [&str; 9] = [
    feature::PLAN,
    feature::UNDO,
    feature::CONFLICTS,
    feature::READ_CONFLICTS,
    feature::PROPERTIES,
    feature::SHOW_ERROR,
    feature::DEFINE,
    feature::CONNECTION,
    feature::LATE_ITEMS,
];
/// An item that no handler lists; a GUID, so that classes can be asked about it too.
pub(crate) const UNLISTED: &str = "{5C0E5C0E-0000-4000-8000-00000000C0DE}";
/// Pages of one list that are read at most.
const MAX_PAGES: usize = 100_000;
/// Items whose properties are looked at, and logged errors that are shown.
const MAX_LOOKED_AT: usize = 3;

/// What is known of the handler from earlier scenarios.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) features: Vec<String>,
    pub(crate) ids: Vec<String>,
    /// Its items were listed.
    pub(crate) listed: bool,
    /// Definitions of items that the kit had made, by id.
    pub(crate) definitions: Map<String, Value>,
}

/// Plays scenarios.
pub(crate) struct Stage<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) known: Known,
    pub(crate) number: u64,
    /// Instances that did not end in time.
    pub(crate) late_exits: usize,
}

impl Stage<'_> {
    fn begin(&mut self, scenario: Scenario) -> Result<Talk, StartError> {
        self.number += 1;
        let spec = Spec {
            instance: self.number,
            program: self.subject.program.clone(),
            args: self.subject.args.clone(),
            env: self.scratch.environment(),
            cwd: None,
        };
        Talk::start(spec, scenario, self.subject.limits.messages)
    }

    /// Has the handler make the items that the user named, before anything else.
    pub(crate) async fn define(&mut self) -> Result<Result<(), String>, StartError> {
        let limits = self.subject.limits;
        let mut talk = self.begin(Scenario::Define)?;
        let mut refused = Ok(());
        if self.initialize(&mut talk).await {
            for wish in self.subject.define.clone() {
                let arguments = match self.scratch.fill(&wish) {
                    Ok(arguments) => arguments,
                    Err(error) => {
                        refused = Err(error.to_string());
                        break;
                    }
                };
                let asked = talk.ask("item/define", json!({"arguments": arguments}));
                let what = "item/define";
                match talk.answer(asked, limits.work, Duration::ZERO, what).await {
                    Some(Ok(answer)) => {
                        let id = answer.pointer("/item/id").and_then(Value::as_str);
                        let definition = answer.get("definition").cloned();
                        if let (Some(id), Some(definition)) = (id, definition) {
                            self.known.definitions.insert(id.to_owned(), definition);
                        } else {
                            refused = Err("its answer defines no item".to_owned());
                        }
                    }
                    Some(Err(error)) => refused = Err(error.message),
                    None => refused = Err("it gave no answer".to_owned()),
                }
            }
        } else {
            refused = Err("it did not answer `initialize`".to_owned());
        }
        drop(talk.finish(limits.exit, false).await);
        Ok(refused)
    }

    /// Plays one scenario.
    pub(crate) async fn play(&mut self, scenario: Scenario) -> Result<Transcript, StartError> {
        let mut talk = self.begin(scenario)?;
        self.steps(&mut talk, scenario).await;
        let hopeless = self.late_exits >= MAX_HANGS;
        let limits = self.subject.limits;
        let limit = if hopeless { limits.linger } else { limits.exit };
        let transcript = talk.finish(limit, hopeless).await;
        self.late_exits += usize::from(transcript.is_late("exit"));
        Ok(transcript)
    }

    async fn steps(&mut self, talk: &mut Talk, scenario: Scenario) {
        match scenario {
            Scenario::Leave(Phase::Initialize) => {
                let first = self.first(scenario);
                talk.ask("initialize", first);
                return;
            }
            Scenario::Kill(Phase::Initialize) => {
                let first = self.first(scenario);
                talk.ask("initialize", first);
                talk.kill();
                return;
            }
            _ => {}
        }
        if !self.initialize(talk).await {
            return;
        }
        match scenario {
            Scenario::Leave(Phase::List) => {
                talk.ask("items/list", json!({}));
                return;
            }
            Scenario::Kill(Phase::List) => {
                talk.ask("items/list", json!({}));
                talk.kill();
                return;
            }
            Scenario::Unknown => self.unknown(talk).await,
            Scenario::Define => return self.nonsense(talk).await,
            _ => {}
        }
        if !self.list(talk).await {
            return;
        }
        match scenario {
            Scenario::Unplug(Phase::List) => talk.unplug(),
            Scenario::Settings | Scenario::Other(_) => self.linger(talk).await,
            Scenario::Plan => self.plan(talk).await,
            Scenario::Properties => self.properties(talk).await,
            Scenario::Conflicts => self.conflicts(talk).await,
            _ if scenario.works() => self.work(talk, scenario).await,
            _ => {}
        }
    }

    async fn linger(&self, talk: &mut Talk) {
        let from = talk.transcript.moments.len();
        talk.until(from, self.subject.limits.linger, |_| false)
            .await;
    }

    fn first(&self, scenario: Scenario) -> Value {
        let mut features: Vec<&str> = FEATURES.to_vec();
        let mut contract = vec![CONTRACT_VERSION];
        match scenario {
            Scenario::Version => contract = vec![999, 998],
            Scenario::Unknown => features.push("check/unknown-feature"),
            _ => {}
        }
        let mut first = json!({
            "contract": contract,
            "features": features,
            "manager": concat!("syncmgr check ", env!("CARGO_PKG_VERSION")),
            "event": scenario.event(),
            "mayBotherUser": scenario.attended(),
            "settings": scenario == Scenario::Settings,
            "stateDir": self.scratch.state().to_string_lossy(),
            "definitions": self.known.definitions,
        });
        if scenario.event() == syncmgr_handler::call::Event::Invoke {
            first["cookie"] = json!("AAECc3luY21ncg==");
        }
        if scenario == Scenario::Unknown {
            first["checkUnknownField"] = json!({"of": ["nothing"]});
        }
        first
    }

    /// Begins the instance; false when there is nothing more to do with it.
    async fn initialize(&mut self, talk: &mut Talk) -> bool {
        let first = self.first(talk.transcript.scenario);
        let asked = talk.ask("initialize", first);
        let limit = self.subject.limits.initialize;
        let answer = talk
            .answer(asked, limit, Duration::ZERO, "initialize")
            .await;
        let Some(Ok(answer)) = answer else {
            return false;
        };
        let features = answer.get("features").and_then(Value::as_array);
        let features = features.into_iter().flatten().filter_map(Value::as_str);
        talk.transcript.features = features.map(str::to_owned).collect();
        self.known.features.clone_from(&talk.transcript.features);
        answer.get("takesPart").and_then(Value::as_bool) != Some(false)
    }

    /// Reads the whole list; false when it was refused.
    async fn list(&mut self, talk: &mut Talk) -> bool {
        let Some(items) = self.pages(talk, "items/list", json!({}), "items").await else {
            return false;
        };
        let ids = items.iter().filter_map(|item| item.get("id")?.as_str());
        let mut seen = BTreeSet::new();
        self.known.ids = ids
            .filter(|id| seen.insert(folded(id)))
            .map(str::to_owned)
            .collect();
        self.known.listed = true;
        talk.transcript.items = Some(items);
        true
    }

    async fn pages(
        &self,
        talk: &mut Talk,
        method: &'static str,
        mut params: Value,
        field: &str,
    ) -> Option<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursors = BTreeSet::new();
        for _ in 0..MAX_PAGES {
            let asked = talk.ask(method, params.clone());
            let limit = self.subject.limits.work;
            let page = talk
                .answer(asked, limit, Duration::ZERO, method)
                .await?
                .ok()?;
            let elements = page.get(field)?.as_array()?;
            all.extend(elements.iter().cloned());
            let Some(next) = page.get("next").and_then(Value::as_str) else {
                return Some(all);
            };
            // A page that leads back to itself would never end; the judgement names it.
            if !cursors.insert(next.to_owned()) {
                return None;
            }
            params["cursor"] = json!(next);
        }
        None
    }

    /// Whatever the scenario does with `prepare` and `synchronize`.
    async fn work(&mut self, talk: &mut Talk, scenario: Scenario) {
        if !matches!(scenario, Scenario::Again) && self.scratch.change().is_err() {
            return;
        }
        let ids = match scenario {
            Scenario::Subset => self.known.ids.iter().take(1).cloned().collect(),
            Scenario::Unlisted => vec![UNLISTED.to_owned()],
            _ => self.known.ids.clone(),
        };
        if ids.is_empty() {
            return;
        }
        match scenario {
            Scenario::Stop(Phase::Prepare) | Scenario::Kill(Phase::Prepare) => {
                if self.ask_prepare(talk, &ids).await {
                    self.disturb(talk, scenario, Pair::Prepare).await;
                }
                return;
            }
            _ => {}
        }
        let prepared = self.prepare(talk, &ids).await;
        if scenario == Scenario::Leave(Phase::Between) {
            return;
        }
        // What was never listed is not prepared; nobody else is asked to synchronize unprepared.
        let out_of_phase =
            scenario == Scenario::Unlisted && self.subject.speech == Speech::Messages;
        if prepared || out_of_phase {
            self.synchronize(talk, scenario, &ids).await;
        }
        if scenario == Scenario::Plain {
            // Whatever it says too much then.
            self.linger(talk).await;
        }
        match scenario {
            Scenario::Retry => {
                drop(self.scratch.change());
                if self.prepare(talk, &ids).await {
                    self.synchronize(talk, scenario, &ids).await;
                }
            }
            // It must still be there afterwards.
            Scenario::Unlisted => {
                let asked = talk.ask("items/list", json!({}));
                let limit = self.subject.limits.work;
                drop(
                    talk.answer(asked, limit, Duration::ZERO, "items/list")
                        .await,
                );
            }
            Scenario::Plain => self.show_errors(talk).await,
            _ => {}
        }
    }

    /// Hands over the items; true when the work began.
    async fn ask_prepare(&self, talk: &mut Talk, ids: &[String]) -> bool {
        let limits = self.subject.limits;
        let mut pages = ids.chunks(MAX_PAGE).peekable();
        while let Some(page) = pages.next() {
            let more = pages.peek().is_some();
            let params = json!({
                "items": page, "more": more, "run": format!("check-{}", self.number), "answers": [],
            });
            let asked = talk.ask("prepare", params);
            let answer = talk
                .answer(asked, limits.quick, limits.work, "prepare")
                .await;
            let Some(Ok(answer)) = answer else {
                return false;
            };
            if answer.get("started").and_then(Value::as_str) != Some("yes") {
                self.linger(talk).await;
                return false;
            }
        }
        true
    }

    async fn prepare(&self, talk: &mut Talk, ids: &[String]) -> bool {
        let from = talk.transcript.moments.len();
        if !self.ask_prepare(talk, ids).await {
            return false;
        }
        let limit = self.subject.limits.work;
        let completed = |entry: &Entry| completes(Pair::Prepare, entry);
        match talk.until(from, limit, completed).await {
            Waited::Seen(at) => matches!(
                talk.transcript.moments.get(at).map(|moment| &moment.entry),
                Some(Entry::Said(Callback::PrepareCompleted(
                    syncmgr_handler::callback::Completion::Done
                )))
            ),
            Waited::Ended => false,
            Waited::Late => {
                talk.note(Entry::Late("prepare/completed"));
                false
            }
        }
    }

    async fn synchronize(&self, talk: &mut Talk, scenario: Scenario, ids: &[String]) {
        let limits = self.subject.limits;
        let asked = talk.ask("synchronize", json!({}));
        // Reports may come before the answer, and the answer after the end.
        let count = match scenario {
            Scenario::Stop(Phase::Midway)
            | Scenario::Kill(Phase::Midway)
            | Scenario::Leave(Phase::Midway)
            | Scenario::Unplug(Phase::Midway) => Some(1),
            Scenario::Stop(Phase::Late) | Scenario::Kill(Phase::Late) => Some(ids.len()),
            _ => None,
        };
        let answer = talk
            .answer(asked, limits.quick, limits.work, "synchronize")
            .await;
        let Some(Ok(answer)) = answer else {
            return;
        };
        if answer.get("started").and_then(Value::as_str) != Some("yes") {
            return self.linger(talk).await;
        }
        if let Some(count) = count {
            let mut begun = BTreeSet::new();
            let reached = |entry: &Entry| {
                if let Some(item) = reported(entry) {
                    begun.insert(item);
                }
                begun.len() >= count || completes(Pair::Synchronize, entry)
            };
            talk.until(asked, limits.work, reached).await;
        }
        self.disturb_from(talk, scenario, Pair::Synchronize, asked)
            .await;
    }

    async fn disturb(&self, talk: &mut Talk, scenario: Scenario, pair: Pair) {
        let begun = talk.transcript.begins(pair).last().map(|call| call.at);
        self.disturb_from(talk, scenario, pair, begun.unwrap_or_default())
            .await;
    }

    /// Does to work that goes on what the scenario wants, and waits for its end.
    async fn disturb_from(&self, talk: &mut Talk, scenario: Scenario, pair: Pair, from: usize) {
        let limits = self.subject.limits;
        let over = |entry: &Entry| completes(pair, entry);
        let open = !talk
            .transcript
            .moments
            .iter()
            .skip(from)
            .any(|moment| over(&moment.entry));
        match scenario {
            Scenario::Kill(_) => return talk.kill(),
            Scenario::Leave(_) => return,
            Scenario::Unplug(_) => return talk.unplug(),
            Scenario::Skip if open => {
                let ids = &self.known.ids;
                let item = ids.get(1).filter(|_| ids.len() > 2).or(ids.last());
                if let Some(item) = item {
                    talk.tell(Some(item), Verdict::CancelItem);
                }
            }
            Scenario::Stop(_) if open => {
                talk.tell(None, Verdict::CancelAll);
                if talk.until(from, limits.react, over).await == Waited::Late {
                    talk.note(Entry::Late("stop"));
                }
            }
            _ => {}
        }
        if talk.until(from, limits.work, over).await == Waited::Late {
            talk.note(Entry::Late(match pair {
                Pair::Prepare => "prepare/completed",
                _ => "synchronize/completed",
            }));
        }
    }

    /// Follows the links of logged errors, and runs again what that asks for.
    async fn show_errors(&self, talk: &mut Talk) {
        if !talk.transcript.has(feature::SHOW_ERROR) {
            return;
        }
        let errors: BTreeSet<String> = talk
            .transcript
            .said()
            .filter_map(|(_, callback)| match callback {
                Callback::Log(log) if log.jump => log.error.clone(),
                _ => None,
            })
            .take(MAX_LOOKED_AT)
            .collect();
        for error in errors {
            let asked = talk.ask("error/show", json!({"error": error}));
            if !self
                .shown(talk, asked, Pair::ShowError, "error/completed")
                .await
            {
                continue;
            }
            let retry = talk
                .transcript
                .said()
                .skip_while(|(at, _)| *at < asked)
                .find_map(|(_, callback)| match callback {
                    Callback::ErrorCompleted(completed) => Some(completed.retry.clone()),
                    _ => None,
                });
            let ids: Vec<String> = retry
                .into_iter()
                .flatten()
                .map(|id| id.as_str().to_owned())
                .collect();
            if !ids.is_empty() && self.prepare(talk, &ids).await {
                self.synchronize(talk, Scenario::Plain, &ids).await;
            }
        }
    }

    /// Waits for the answer and the completion of something that is shown; true when it was completed.
    async fn shown(&self, talk: &mut Talk, asked: usize, pair: Pair, what: &'static str) -> bool {
        let limits = self.subject.limits;
        let answer = talk
            .answer(asked, limits.quick, limits.work, pair.method())
            .await;
        let started = matches!(&answer, Some(Ok(answer)) if answer.get("started").and_then(Value::as_str) == Some("yes"));
        if !started {
            self.linger(talk).await;
            return false;
        }
        let over = |entry: &Entry| completes(pair, entry);
        match talk.until(asked, limits.work, over).await {
            Waited::Seen(_) => true,
            Waited::Ended => false,
            Waited::Late => {
                talk.note(Entry::Late(what));
                false
            }
        }
    }

    async fn plain_call(
        &self,
        talk: &mut Talk,
        method: &'static str,
        params: Value,
    ) -> Option<Value> {
        let asked = talk.ask(method, params);
        let limit = self.subject.limits.work;
        talk.answer(asked, limit, Duration::ZERO, method)
            .await?
            .ok()
    }

    async fn unknown(&self, talk: &mut Talk) {
        talk.murmur("check/unknown-notification");
        // A refusal needs no work.
        let method = "check/unknown-request";
        let asked = talk.ask(method, json!({"of": "nothing"}));
        let limit = self.subject.limits.quick;
        drop(talk.answer(asked, limit, Duration::ZERO, method).await);
    }

    async fn nonsense(&mut self, talk: &mut Talk) {
        for arguments in [json!({}), json!({"check-nonsense": [[{"deep": null}]]})] {
            let params = json!({"arguments": arguments});
            drop(self.plain_call(talk, "item/define", params).await);
        }
        self.list(talk).await;
    }

    async fn plan(&mut self, talk: &mut Talk) {
        if self.scratch.change().is_err() {
            return;
        }
        let before = self.scratch.picture();
        for ids in self.known.ids.chunks(MAX_PAGE).take(1) {
            drop(
                self.plain_call(talk, "plan", json!({"items": ids, "answers": []}))
                    .await,
            );
        }
        talk.transcript.touched = before.difference(&self.scratch.picture());
    }

    async fn properties(&self, talk: &mut Talk) {
        let items = talk.transcript.items.clone().unwrap_or_default();
        let has = |item: &&Value| item.get("hasProperties").and_then(Value::as_bool) == Some(true);
        let ids = items
            .iter()
            .filter(has)
            .filter_map(|item| item.get("id")?.as_str());
        let ids = ids.take(MAX_LOOKED_AT).map(|id| json!({"item": id}));
        for what in std::iter::once(json!({})).chain(ids) {
            let Some(sheet) = self.plain_call(talk, "properties", what.clone()).await else {
                continue;
            };
            let mut again = what;
            again["values"] = sheet.get("values").cloned().unwrap_or(json!({}));
            drop(self.plain_call(talk, "properties", again).await);
        }
        // A class might show a window all the same, and nobody is there to close it.
        if self.subject.speech == Speech::Messages {
            let asked = talk.ask("properties/show", json!({"item": UNLISTED}));
            self.shown(talk, asked, Pair::ShowProperties, "properties/completed")
                .await;
        }
    }

    async fn conflicts(&self, talk: &mut Talk) {
        drop(
            self.pages(talk, "conflicts/list", json!({}), "conflicts")
                .await,
        );
        if let Some(item) = self.known.ids.first() {
            let params = json!({
                "item": item, "conflict": "check-no-such-conflict", "choice": "left",
                "asRun": format!("check-{}", self.number),
            });
            drop(self.plain_call(talk, "conflicts/resolve", params).await);
            if talk.transcript.has(feature::READ_CONFLICTS) {
                let params = json!({
                    "item": item, "conflict": "check-no-such-conflict", "place": "left", "max": 16,
                });
                drop(self.plain_call(talk, "conflicts/read", params).await);
            }
        }
    }
}

fn completes(pair: Pair, entry: &Entry) -> bool {
    matches!(entry, Entry::Said(callback) if pair.completed_by(callback))
}

/// The item that a moment reports about.
fn reported(entry: &Entry) -> Option<String> {
    let progress = match entry {
        Entry::Said(Callback::Progress(progress)) => progress,
        Entry::Asks {
            question: syncmgr_handler::Question::Progress(progress),
            ..
        } => progress,
        _ => return None,
    };
    progress.item.as_ref().map(|item| folded(item.as_str()))
}
