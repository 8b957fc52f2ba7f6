//! Following a request until it ends.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use syncmgr_control::view::{ItemStatus, Level, LogView, NeedView, Outcome, RequestState};
use syncmgr_control::{Change, Changes, ExitCode, Refusal, Reply, Request, What};

use crate::answer::not_remembered;
use crate::form::{Form, Took};
use crate::history::log_line;
use crate::interrupt::{Interrupt, Press};
use crate::progress::{Finish, MAX_TRACKED, Progress, Step};
use crate::talk::{Talk, ask, unexpected};
use crate::text::harmless;
use crate::world::Keyboard;

/// How often what is redrawn is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Under `--json`, how far an item is is told so often at most.
const JSON_PROGRESS_EVERY_MS: i64 = 100;
/// Most warnings of the log that are shown while something runs; the log has them all.
const MAX_REMARKS: u64 = 10;
/// Most items that did not end well that are remembered for the verdict.
const MAX_BAD: usize = 100;
/// Questions that are put to the person at once, because the handler waits for the answer.
const ASKED_AT_ONCE: [&str; 2] = ["prompt", "login"];
/// How many managers may come and go while a request is followed.
const MAX_MANAGERS: usize = 8;
/// Most questions that are remembered while something runs; `needs` has them all.
const MAX_NEEDS: usize = 100;

/// What a followed request came to.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) outcome: Outcome,
    pub(crate) problem: Option<String>,
    pub(crate) progress: Progress,
    /// Items that did not end well, the first few.
    pub(crate) bad: Vec<Finish>,
    /// Questions that were opened meanwhile.
    pub(crate) needs: Vec<NeedView>,
    /// The person did not wait for the end.
    pub(crate) left: bool,
    /// The person wanted it to end.
    pub(crate) interrupted: bool,
}

/// What happened while following.
enum Event {
    Change(Option<Box<Change>>),
    Interrupt,
    State(Result<Reply, Refusal>),
    Stopped(Result<Reply, Refusal>),
    Answered(Result<Reply, Refusal>),
    Typed(Box<dyn Keyboard>, std::io::Result<Option<String>>),
    Draw,
    Quiet,
}

/// Nothing began for so long: it is told what is waited for.
const QUIET: std::time::Duration = std::time::Duration::from_secs(5);

/// Things under way, each of which becomes an event.
type Pending = FuturesUnordered<BoxFuture<'static, Event>>;

/// Begins a request and follows it until it ends. Changes are subscribed first, so that none is missed.
pub(crate) async fn begin(talk: &mut Talk, request: Request) -> Result<Followed, Refusal> {
    let changes = talk.service.changes().await?;
    match talk.ask(request).await? {
        Reply::Accepted { request }
        | Reply::Answered {
            request: Some(request),
            ..
        } => follow(talk, changes, request).await,
        _ => Err(unexpected()),
    }
}

/// Follows a request that was taken, with changes subscribed before it was asked for.
pub(crate) async fn follow(
    talk: &mut Talk,
    changes: Changes,
    request: u64,
) -> Result<Followed, Refusal> {
    if talk.redraw && !talk.screen.json() && !talk.screen.quiet() {
        talk.screen.begin_live();
    }
    let mut following = Following {
        request,
        followed: Followed {
            outcome: Outcome::Open,
            problem: None,
            progress: Progress::default(),
            bad: Vec::new(),
            needs: Vec::new(),
            left: false,
            interrupted: false,
        },
        told: HashMap::new(),
        remarks: 0,
        opened: false,
        tells_waiting: false,
        gaps: 0,
        caught_up: true,
        managers: 0,
        over: false,
        interrupt: Interrupt::default(),
        questions: VecDeque::new(),
        asking: None,
        turn: 0,
    };
    let ended = following.until_over(talk, changes).await;
    talk.screen.end_live();
    ended?;
    following.catch_up(talk).await?;
    Ok(following.followed)
}

struct Following {
    request: u64,
    followed: Followed,
    /// When how far an item is was told last, under `--json`.
    told: HashMap<(u64, String), (i64, ItemStatus)>,
    remarks: u64,
    /// A run of it was opened.
    opened: bool,
    /// What it waits for is to be told with the next answer about it.
    tells_waiting: bool,
    gaps: u64,
    /// Nothing was lost since the beginning.
    caught_up: bool,
    /// How many managers went.
    managers: usize,
    over: bool,
    interrupt: Interrupt,
    /// Questions to put to the person.
    questions: VecDeque<Form>,
    /// The question that waits for a line.
    asking: Option<Form>,
    turn: usize,
}

impl Following {
    async fn until_over(&mut self, talk: &mut Talk, mut changes: Changes) -> Result<(), Refusal> {
        let mut pending = Pending::new();
        let mut interrupts = talk.keyboard.as_ref().map_or_else(
            || futures::stream::empty().boxed(),
            |keyboard| keyboard.interrupts(),
        );
        let mut draw = tokio::time::interval(DRAW_EVERY);
        draw.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut quiet = std::pin::pin!(tokio::time::sleep(QUIET));
        let mut told_quiet = false;
        while !self.over {
            self.put_a_question(talk, &pending);
            let event = tokio::select! {
                change = changes.next() => Event::Change(change.map(Box::new)),
                Some(()) = interrupts.next() => Event::Interrupt,
                Some(event) = pending.next() => event,
                _ = draw.tick(), if talk.redraw => Event::Draw,
                () = &mut quiet, if !told_quiet => Event::Quiet,
            };
            match event {
                Event::Change(Some(change)) => self.change(talk, &change, &pending),
                Event::Change(None) => {
                    // A command that managed for its own sake is done; whoever manages now knows the request.
                    self.managers += 1;
                    if self.managers > MAX_MANAGERS {
                        return Err(went_away());
                    }
                    changes = talk.service.changes().await.map_err(|_| went_away())?;
                    // What it told before this subscription is lost, though its stream begins with its first gap.
                    self.caught_up = false;
                }
                Event::Interrupt => self.interrupted(talk, &pending),
                Event::State(Err(refusal))
                    if self.managers > 0 || refusal.code == "request::unknown" =>
                {
                    return Err(went_away());
                }
                Event::State(reply) => {
                    let waits = self.state(reply?)?;
                    let told = std::mem::take(&mut self.tells_waiting) && !self.opened;
                    if told && !self.over && !talk.screen.json() && !talk.screen.quiet() {
                        let waits = waits.map_or_else(String::new, |why| format!(": {why}"));
                        talk.screen
                            .remark(&harmless(&format!("still waiting{waits}")));
                    }
                }
                Event::Answered(Ok(Reply::Answered {
                    forgotten: Some(why),
                    ..
                })) => not_remembered(talk, &why),
                Event::Stopped(reply) | Event::Answered(reply) => {
                    if let Err(refusal) = reply {
                        talk.screen.remark(&harmless(&refusal.message));
                    }
                }
                Event::Typed(keyboard, line) => {
                    talk.keyboard = Some(keyboard);
                    self.typed(talk, line.ok().flatten());
                }
                Event::Quiet => {
                    told_quiet = true;
                    // Nobody waits for ever for an end that went past: the manager is asked, and what it says counts.
                    self.caught_up = false;
                    let state = Request::RequestState { id: self.request };
                    pending.push(call(talk, state, Event::State));
                    self.tells_waiting = true;
                }
                Event::Draw => {
                    self.turn = self.turn.wrapping_add(1);
                    self.draw(talk);
                }
            }
        }
        Ok(())
    }

    fn draw(&self, talk: &mut Talk) {
        let lines =
            self.followed
                .progress
                .frame(&talk.screen.aside, talk.rows, talk.now(), self.turn);
        talk.screen.show(&lines);
    }

    fn change(&mut self, talk: &mut Talk, change: &Change, pending: &Pending) {
        let progress = &mut self.followed.progress;
        match &change.what {
            What::Gap => {
                // The stream begins with a gap. Nothing can have been lost then, because it was subscribed before the
                // request was made; but the request may have joined a run that began earlier.
                self.gaps += 1;
                if self.gaps > 1 {
                    self.caught_up = false;
                }
                let state = Request::RequestState { id: self.request };
                pending.push(call(talk, state, Event::State));
            }
            What::RunOpened {
                run,
                request,
                items,
                ..
            } => {
                if *request == Some(self.request) {
                    self.opened = true;
                    progress.open(*run, *items);
                    talk.screen.object(change);
                }
            }
            What::Progress {
                run, item, status, ..
            } => {
                if !progress.has(*run) {
                    return;
                }
                let taken =
                    Step::of(&change.what).is_some_and(|step| progress.step(&step, talk.now()));
                if taken && talk.screen.json() && self.tell(*run, item, *status, change.at_ms) {
                    talk.screen.object(change);
                }
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
                if !progress.has(*run) {
                    return;
                }
                let finish = Finish {
                    run: *run,
                    name: name.clone(),
                    status: *status,
                    text: text.clone(),
                    counts: *counts,
                    elapsed_ms: Some(*elapsed_ms),
                };
                self.told.remove(&(*run, item.clone()));
                if let Some(finish) = progress.finish(handler, item, finish) {
                    talk.screen.object(change);
                    self.finished(talk, finish);
                }
            }
            What::RunClosed { run, problem, .. } => {
                if progress.has(*run) {
                    talk.screen.object(change);
                    if let Some(problem) = problem {
                        self.followed.problem.get_or_insert(problem.clone());
                    }
                }
            }
            What::RequestEnded {
                request,
                outcome,
                problem,
            } => {
                if *request == self.request {
                    talk.screen.object(change);
                    self.followed.outcome = *outcome;
                    if let Some(problem) = problem {
                        self.followed.problem.get_or_insert(problem.clone());
                    }
                    self.over = true;
                }
            }
            What::Log { entry } => {
                if entry.run.is_some_and(|run| progress.has(run)) {
                    talk.screen.object(change);
                    if entry.level >= Level::Warning {
                        self.remark(talk, entry);
                    }
                }
            }
            What::NeedOpened(need) => {
                let ours = need.run.is_some_and(|run| progress.has(run))
                    || need
                        .item
                        .as_deref()
                        .is_some_and(|item| progress.knows(&need.handler, item));
                if ours && self.followed.needs.len() < MAX_NEEDS {
                    talk.screen.object(change);
                    self.followed.needs.push(need.clone());
                    if talk.interactive && ASKED_AT_ONCE.contains(&need.kind.as_str()) {
                        self.questions.push_back(Form::new(need.clone(), None));
                    }
                }
            }
            What::NeedClosed { id } => {
                self.followed.needs.retain(|need| need.id != *id);
                self.questions.retain(|form| form.id() != *id);
                if self.asking.as_ref().is_some_and(|form| form.id() == *id) {
                    self.asking = None;
                    talk.screen.remark("the question was answered elsewhere");
                }
            }
            What::Notice { text } => {
                talk.screen.object(change);
                if !talk.screen.json() {
                    talk.screen.remark(&format!("note: {}", harmless(text)));
                }
            }
            What::ConflictsChanged { .. } | What::ItemsChanged => {}
        }
    }

    /// Tells whether a step is told under `--json`: a new status always, the others not too often.
    fn tell(&mut self, run: u64, item: &str, status: ItemStatus, at_ms: i64) -> bool {
        let last = self.told.get(&(run, item.to_owned()));
        let tell = last.is_none_or(|&(then_ms, before)| {
            before != status || at_ms.saturating_sub(then_ms) >= JSON_PROGRESS_EVERY_MS
        });
        if tell && (last.is_some() || self.told.len() < MAX_TRACKED) {
            self.told.insert((run, item.to_owned()), (at_ms, status));
        }
        tell
    }

    fn finished(&mut self, talk: &mut Talk, finish: Finish) {
        // The item's line must not stay below what became of it. Among many it is not missed until the next drawing.
        if talk.redraw && self.followed.progress.few() {
            self.draw(talk);
        }
        if !(talk.screen.quiet() && finish.well()) {
            let line = finish.line(&talk.screen.look);
            talk.screen.line(line);
        }
        if !finish.well() && self.followed.bad.len() < MAX_BAD {
            self.followed.bad.push(finish);
        }
    }

    fn remark(&mut self, talk: &mut Talk, entry: &LogView) {
        self.remarks += 1;
        if self.remarks > MAX_REMARKS {
            return;
        }
        let line = log_line(entry, &talk.screen.look);
        talk.screen.line(line);
        if self.remarks == MAX_REMARKS {
            let more = "  further warnings are in the log: syncmgr log --warnings";
            talk.screen.line(more);
        }
    }

    fn interrupted(&mut self, talk: &mut Talk, pending: &Pending) {
        let (next, press) = self.interrupt.press();
        self.interrupt = next;
        talk.screen.remark(press.remark());
        self.followed.interrupted = true;
        match press {
            Press::Ask | Press::Insist => {
                let stop = Request::Stop {
                    request: Some(self.request),
                };
                pending.push(call(talk, stop, Event::Stopped));
            }
            Press::Leave => {
                self.followed.left = true;
                self.over = true;
            }
        }
    }

    /// Takes in how the request stands, and returns what it waits for.
    fn state(&mut self, reply: Reply) -> Result<Option<String>, Refusal> {
        let Reply::RequestState(state) = reply else {
            return Err(unexpected());
        };
        let RequestState {
            outcome,
            runs,
            waits,
        } = state;
        for run in runs {
            self.followed.progress.open(run, 0);
        }
        // Without a loss, the end comes as a change, after those about the items.
        if outcome != Outcome::Open && !self.caught_up {
            self.followed.outcome = outcome;
            self.over = true;
        }
        Ok(waits)
    }

    fn put_a_question(&mut self, talk: &mut Talk, pending: &Pending) {
        if self.asking.is_some() {
            return;
        }
        // While a line is awaited, the keyboard is away: one question at a time.
        let Some(mut keyboard) = talk.keyboard.take() else {
            return;
        };
        let Some(form) = self.questions.pop_front() else {
            talk.keyboard = Some(keyboard);
            return;
        };
        let Some(wanted) = form.wanted(&talk.screen.aside) else {
            talk.keyboard = Some(keyboard);
            pending.push(call(talk, form.answer(), Event::Answered));
            return;
        };
        for line in &wanted.lines {
            talk.screen.remark(line);
        }
        talk.screen.prompt(&wanted.prompt);
        self.asking = Some(form);
        pending.push(
            async move {
                let line = if wanted.hidden {
                    keyboard.secret().await
                } else {
                    keyboard.line().await
                };
                Event::Typed(keyboard, line)
            }
            .boxed(),
        );
    }

    fn typed(&mut self, talk: &mut Talk, line: Option<String>) {
        let Some(mut form) = self.asking.take() else {
            return;
        };
        match line {
            None => {
                // Nothing that follows may stand behind the prompt.
                talk.screen.remark("");
                talk.interactive = false;
                self.questions.clear();
            }
            Some(line) => match form.take(&line) {
                Took::Yes => self.questions.push_front(form),
                Took::No(why) => {
                    talk.screen.remark(why);
                    self.questions.push_front(form);
                }
                Took::Left | Took::TooOften => {
                    let id = form.id();
                    talk.screen
                        .remark(&format!("question {id} stays open: syncmgr answer {id}"));
                }
            },
        }
    }

    /// Reads what was lost from the runs' records.
    async fn catch_up(&mut self, talk: &mut Talk) -> Result<(), Refusal> {
        if self.caught_up || self.followed.left {
            return Ok(());
        }
        let runs: Vec<u64> = self.followed.progress.runs().collect();
        for id in runs {
            let detail = ask!(talk, Request::Run { id }, Reply::Run(detail) => detail);
            if let Some(problem) = detail.run.problem {
                self.followed.problem.get_or_insert(problem);
            }
            for item in &detail.items {
                let handler = &detail.run.handler;
                if let Some(finish) = self.followed.progress.recorded(id, handler, item) {
                    talk.screen.object(item);
                    self.finished(talk, finish);
                }
            }
        }
        Ok(())
    }
}

/// A call to the manager as an event.
fn call(
    talk: &Talk,
    request: Request,
    event: fn(Result<Reply, Refusal>) -> Event,
) -> BoxFuture<'static, Event> {
    let (service, caller) = (talk.service.clone(), talk.caller.clone());
    async move { event(service.call(caller, request).await) }.boxed()
}

fn went_away() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "cli::manager-went-away",
            "the manager ended while the command waited for it",
            "what became of it is told by: syncmgr status",
        )
    }
}
