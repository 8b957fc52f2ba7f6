//! What the manager tells: answers and changes.

use jiff::tz::TimeZone;
use syncmgr_control::view::{Outcome, ProgressView, RunState, RunView, Shown};
use syncmgr_control::{ExitCode, Refusal, Reply, What};

use super::state::{Agreed, Confirming, Mode, Tone, Top};
use super::step::{Asked, Effect};
use crate::look::{Mark, outcome_word};
use crate::progress::{Finish, Step};
use crate::steer::paused;
use crate::text::harmless;
use crate::when;

/// Most requests of this page whose end is told.
const MAX_FOLLOWED: usize = 64;

impl Top {
    pub(super) fn reply(
        &mut self,
        asked: Asked,
        reply: Result<Reply, Refusal>,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Vec<Effect> {
        if matches!(asked, Asked::Rows(_)) {
            self.asked_for_rows = false;
        }
        let reply = match (reply, &asked) {
            (Ok(reply), _) => reply,
            (Err(refusal), Asked::Resolve) => {
                return self.resolved(Some(harmless(&refusal.message)));
            }
            (Err(refusal), _) => {
                self.refused(&refusal);
                return vec![Effect::Load];
            }
        };
        match (asked, reply) {
            (Asked::Order(told), _) => self.say(Tone::Good, told),
            (Asked::Pause(until_ms, all), Reply::Done { names }) => {
                let told = paused((!all).then_some(names.as_slice()), until_ms, zone);
                self.say(Tone::Good, told);
            }
            (Asked::Begin(name), Reply::Accepted { request }) => {
                self.say(Tone::Calm, format!("{} begins.", harmless(&name)));
                self.follow(request, name);
            }
            (Asked::Answer(need, label), Reply::Answered { request, forgotten }) => {
                self.say(Tone::Good, format!("Question {need} is answered: {label}."));
                if let Some(refusal) = forgotten {
                    self.refused(&refusal);
                }
                if let Some(request) = request {
                    self.follow(request, format!("question {need}"));
                }
            }
            (Asked::Rows(asked), Reply::Page(page)) => {
                self.take_rows(&asked, *page);
                self.ready();
                // Whoever went on meanwhile wants other ones.
                return self.ask_for_rows().into_iter().collect();
            }
            (Asked::List, Reply::Offer(offer)) => {
                self.open_list(offer);
                return Vec::new();
            }
            (Asked::Chosen, Reply::Answered { request, .. }) => {
                self.say(Tone::Calm, "What is ticked begins.");
                if let Some(request) = request {
                    self.follow(request, "what was chosen".to_owned());
                }
            }
            (Asked::Resolve, Reply::Accepted { request }) => {
                self.resolving.request = Some(request);
                return Vec::new();
            }
            (Asked::MayUndo, Reply::Item(detail)) => {
                let greyed = detail.tasks.iter().find(|task| task.task == "undo");
                let name = harmless(&detail.item.name);
                let run = detail
                    .runs
                    .iter()
                    .find(|run| Some(run.id) == detail.item.last_run);
                match (greyed.and_then(|task| task.greyed.as_ref()), run) {
                    (Some(why), _) => {
                        self.say(
                            Tone::Bad,
                            format!("{name} cannot be undone: {}", harmless(why)),
                        );
                    }
                    (None, None) => {
                        self.say(Tone::Bad, format!("{name} has no run that could be undone"));
                    }
                    (None, Some(run)) => self.ask_undo(run, name, now_ms),
                }
                return Vec::new();
            }
            (Asked::Resolve, _) => return self.resolved(Some("the answer was none".to_owned())),
            (_, _) => self.refused(&crate::talk::unexpected()),
        }
        vec![Effect::Load]
    }

    pub(super) fn ask_undo(&mut self, run: &RunView, name: String, now_ms: i64) {
        let mut lines = vec![
            format!("Run {} of {name}, {}.", run.id, when::ago(run.opened_ms, now_ms)),
            "What it deleted or overwrote is brought back. The next run carries it to the other side, or asks."
                .to_owned(),
        ];
        if run.item_count > 1 {
            let others = when::count(run.item_count - 1, "other item");
            lines.push(format!(
                "The same run worked on {others}, which are undone too."
            ));
        }
        self.mode = Mode::Confirm(Confirming {
            title: format!("Undo run {}?", run.id),
            lines,
            then: Agreed::Undo(run.id, name),
        });
    }

    pub(super) fn follow(&mut self, request: u64, about: String) {
        while self.requests.len() >= MAX_FOLLOWED {
            self.requests.pop_first();
        }
        self.requests.insert(request, about);
    }

    pub(super) fn change(&mut self, what: &What, now_ms: i64) -> Vec<Effect> {
        match what {
            What::Gap => {
                self.progress = Default::default();
                for item in &mut self.items {
                    item.progress = None;
                }
                self.untidy = true;
            }
            What::RunOpened { run, items, .. } => {
                self.progress.open(*run, *items);
            }
            What::Progress {
                run,
                handler,
                item,
                status,
                text,
                value,
                max,
                counts,
                stopping,
                ..
            } => {
                self.progress.open(*run, 0);
                let before = self.progress.status((*run, handler, item));
                if let Some(step) = Step::of(what) {
                    self.progress.step(&step, now_ms);
                }
                self.untidy |= before != Some(*status);
                let key = (handler.clone(), item.clone());
                let place = self.places.get(&key).copied();
                if let Some(item) = place.and_then(|place| self.items.get_mut(place)) {
                    let (run_state, shown, state) = if *stopping {
                        (RunState::Stopping, Shown::Stopping, "stopping")
                    } else {
                        (RunState::Syncing, Shown::Syncing, "synchronizing")
                    };
                    (item.run_state, item.shown) = (run_state, shown);
                    // As the manager says it, until it is asked again.
                    state.clone_into(&mut item.state);
                    item.progress = Some(ProgressView {
                        run: *run,
                        status: *status,
                        text: text.clone(),
                        value: *value,
                        max: *max,
                        counts: *counts,
                    });
                }
                return Vec::new();
            }
            What::ItemFinished {
                run,
                handler,
                item,
                name,
                status,
                text,
                counts,
                elapsed_ms,
                ..
            } => {
                let finish = Finish {
                    run: *run,
                    name: name.clone(),
                    status: *status,
                    text: text.clone(),
                    counts: *counts,
                    elapsed_ms: Some(*elapsed_ms),
                };
                drop(self.progress.finish(handler, item, finish));
                self.untidy = true;
                let place = self.places.get(&(handler.clone(), item.clone())).copied();
                if let Some(item) = place.and_then(|place| self.items.get_mut(place)) {
                    item.progress = None;
                }
            }
            What::RunClosed { run, .. } => {
                self.progress.close(*run);
                self.untidy = true;
            }
            What::RequestEnded {
                request,
                outcome,
                problem,
            } => {
                if self.resolving.request == Some(*request) {
                    let bad = (outcome.exit() != ExitCode::Good).then(|| {
                        problem
                            .as_deref()
                            .map_or_else(|| outcome_word(*outcome).to_owned(), harmless)
                    });
                    return self.resolved(bad);
                }
                if let Some(about) = self.requests.remove(request) {
                    self.ended(&about, *outcome, problem.as_deref());
                }
            }
            What::NeedOpened(need) => {
                let about = need.item.as_deref().unwrap_or(&need.handler_name);
                self.say(
                    Tone::Calm,
                    format!("{} asks: {}", harmless(about), harmless(&need.text)),
                );
            }
            What::NeedClosed { id } => {
                self.needs.retain(|need| need.id != *id);
                self.untidy = true;
                let open = match &self.mode {
                    Mode::Answer(answering) => answering.need.id == *id,
                    Mode::Choose(choosing) => choosing.ticks.offer().need == Some(*id),
                    Mode::Fill(filling) => filling.form.id() == *id,
                    _ => false,
                };
                if open {
                    self.mode = Mode::Page;
                    self.say(Tone::Calm, format!("Question {id} was answered elsewhere."));
                }
            }
            What::Notice { text } => {
                self.say(Tone::Calm, harmless(text));
                return Vec::new();
            }
            What::Log { .. } => return Vec::new(),
            What::ConflictsChanged { .. } | What::ItemsChanged => {}
        }
        vec![Effect::Load]
    }

    pub(super) fn ended(&mut self, about: &str, outcome: Outcome, problem: Option<&str>) {
        let tone = match Mark::of_outcome(outcome) {
            Mark::Good => Tone::Good,
            Mark::Failed => Tone::Bad,
            _ => Tone::Calm,
        };
        let mut text = format!("{}: {}", harmless(about), outcome_word(outcome));
        if let Some(problem) = problem {
            text = format!("{text}: {}", harmless(problem));
        }
        self.say(tone, text);
    }
}
