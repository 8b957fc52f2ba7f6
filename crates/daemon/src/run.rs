//! The loop: the only owner of the manager's state, of the store's writer, of the configuration and of the instances.
//!
//! A turn awaits one thing, takes with it whatever else waits (group commit), applies it, and then performs the effects in
//! their order: record, command, show. Nothing else changes state meanwhile, and nothing is awaited inside a turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use syncmgr_control::{Caller, Change, Refusal, Reply, Request, What};
use syncmgr_core::command::ReplyId;
use syncmgr_core::condition::Fact;
use syncmgr_core::input::{Input, InstanceInput};
use syncmgr_core::recall::KnownAnswer;
use syncmgr_core::request::{IfRunning, Scope, Trigger, Work};
use syncmgr_core::rule::{Happening as CoreHappening, Moment};
use syncmgr_core::{Command, Effects, InstanceId, ItemId, ItemRef, Manager, RequestId};
use syncmgr_host::{HostEvent, Limits};
use syncmgr_store::Store;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::adapt::from_source;
use crate::adapt::to_change::{Seen, changes};
use crate::adapt::to_view;
use crate::anchor::Anchor;
use crate::answering::Answered;
use crate::awake::KeptAwake;
use crate::clock::Clock;
use crate::config::{Config, ConfigFile};
use crate::connect::Connector;
use crate::desktop::Desktop;
use crate::footprint::Footprint;
use crate::hook::outbox::{GivenUp, Sent};
use crate::hook::{Runner, Sender};
use crate::identity::Sightings;
use crate::launch::{self, Programs};
use crate::logon::Logons;
use crate::perform::{FromWorker, Performer};
use crate::place::Places;
use crate::secret::Which;
use crate::sheet::Asked;
use crate::source::hub::Hub;
use crate::source::{Availability, Happening, Hold, Leaving, Observation, Subject, Wanted};
use crate::starter::Starter;
use crate::supervisor::Supervisor;

/// Messages of faces that may wait; more are held back at the sender.
pub(crate) const MAX_MESSAGES: usize = 256;

/// Host events and call results that may wait; more are held back in the pipe of the handler.
const MAX_EVENTS: usize = 4_096;

/// Most things taken into one turn, and so into one transaction.
const MAX_BATCH: usize = 4_096;

/// With so many records a turn takes nothing more in: a list comes in pages, and the rows of all of them at once would take
/// more memory than the items themselves.
const FULL_TURN: usize = 4_096;

/// A turn with at least so many effects leaves its memory to the next one; after a smaller one it is given back.
const BUSY_TURN: usize = 256;

/// Changes that a slow view may lag behind before it sees a gap.
pub(crate) const MAX_CHANGES: usize = 8_192;

/// Ended requests whose outcome is remembered for views that missed it.
const MAX_ENDED: usize = 1_024;

/// How often history is trimmed.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// A message to the loop.
#[derive(Debug)]
pub(crate) enum Message {
    /// A face asks.
    Ask {
        /// Who.
        caller: Caller,
        /// What.
        request: Request,
        /// Where the answer goes.
        reply: Answerer,
    },
    /// What a property instance found out for an earlier question.
    Defined(Box<crate::answer::Defined>),
    /// Handlers that were looked at and may be registered.
    Registering(Box<crate::register::Registering>),
    /// What a look at the files of a handler brought.
    Sighted(Box<crate::register::Sighted>),
    /// What a look at the files of all handlers brought, for the list of them.
    AllSighted(Vec<crate::register::Sighted>, Answerer),
    /// Rows of the store, to be dressed with names.
    Dress(Result<crate::history::History, Refusal>, Answerer),
    /// What a look for the conditions of an item found.
    Looked(ItemRef, Vec<Fact>, Answerer),
    /// A remembered answer was looked up.
    Recalled(InstanceId, ReplyId, Result<Option<KnownAnswer>, String>),
    /// Something on the machine asks for what is checked.
    Triggered(Trigger),
    /// End once nothing works any more.
    Finish(oneshot::Sender<()>),
    /// Read the configuration again.
    Reload,
    /// Stop whatever works, then end; again insists.
    Stop,
}

/// Where the answer to a question goes.
pub(crate) type Answerer = oneshot::Sender<Result<Reply, Refusal>>;

/// The loop's state.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) manager: Manager,
    pub(crate) store: Store,
    pub(crate) config: ConfigFile,
    pub(crate) places: Places,
    pub(crate) program: Programs,
    pub(crate) limits: Limits,
    /// What was last seen of the files of handlers.
    pub(crate) sightings: Sightings,
    /// Looks at files that are not back yet.
    pub(crate) looking: usize,
    pub(crate) daemon: bool,
    pub(crate) performer: Performer,
    /// Dials and closes connections.
    connector: Connector,
    /// Commands of the user's beside runs.
    hooks: Runner,
    /// What is told to others by the network.
    pub(crate) sender: Sender,
    /// What is shown to a person at the desktop.
    pub(crate) desktop: Desktop,
    /// Who waits for properties.
    pub(crate) asked: Asked,
    /// Questions that wait for a property instance.
    pub(crate) property: JoinSet<()>,
    pub(crate) readers: crate::comparing::Readers,
    /// Programs that hold a connection for what they report.
    pub(crate) attendants: crate::reporting::Attendants,
    pub(crate) messages: mpsc::WeakSender<Message>,
    pub(crate) ended: VecDeque<(RequestId, syncmgr_control::view::Outcome)>,
    pub(crate) seen: Seen,
    /// Who answered which question.
    pub(crate) answered: Answered,
    clock: Arc<dyn Clock>,
    /// What the clock showed last, beside one that nobody sets.
    anchor: Anchor,
    /// Which session was taken for a logon.
    logons: Logons,
    /// What the machine tells of itself.
    pub(crate) sources: Hub,
    /// Keeps the machine from leaving while something works; its source lets go when that takes too long.
    hold: Option<Hold>,
    /// Keeps the session from ending until this loop has.
    ending: Option<Hold>,
    /// Conditions changed, and so perhaps what the sources are to watch.
    pub(crate) wants_changed: bool,
    /// Why the configuration as it was edited is not in force.
    pub(crate) config_problem: Option<Refusal>,
    /// Up to which change of what items wait for the sources were told what to look at.
    waits: u64,
    /// Hears that the loop goes round.
    pub(crate) supervisor: Supervisor,
    /// What is given back while nothing happens.
    footprint: Footprint,
    /// Keeps the machine from going to sleep by itself.
    pub(crate) kept_awake: Option<KeptAwake>,
    views: broadcast::Sender<Arc<Change>>,
    number: u64,
    /// Effects of this turn, not yet performed.
    pub(crate) due: Effects,
    /// Answers that may be given once the turn's records are stored.
    answers: Vec<(Answerer, Result<Reply, Refusal>)>,
    /// Inputs that performing made.
    made: VecDeque<Input>,
    finishing: Option<oneshot::Sender<()>>,
    stopping: bool,
    last_prune: Option<syncmgr_core::Timestamp>,
    /// The last step of pruning left something to do.
    prune_more: bool,
    /// A run was closed in this life.
    added_history: bool,
}

impl std::fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// What the loop is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// What was remembered, made into a manager, with the effects of that.
    pub manager: (Manager, Effects),
    /// The writer.
    pub store: Store,
    /// The configuration.
    pub config: ConfigFile,
    /// The directories.
    pub places: Places,
    /// The program itself.
    pub program: Programs,
    /// A daemon, not a command's own process.
    pub daemon: bool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where changes go.
    pub views: broadcast::Sender<Arc<Change>>,
    /// The sending end of the loop's own queue.
    pub messages: mpsc::WeakSender<Message>,
    /// What the machine tells of itself.
    pub sources: Hub,
    /// Hears how the daemon is.
    pub supervisor: Supervisor,
    /// Brings instances to life.
    pub starter: Arc<dyn Starter>,
    /// What happens first.
    pub first: Vec<Input>,
}

enum Turn {
    Message(Message),
    Host(HostEvent),
    Worker(FromWorker),
    Ended(Option<Input>),
    Sent(u64, Sent),
    Observed(Observation),
    Tick,
    Prune,
    Nothing,
    Closed,
}

/// Runs the loop until it is told to finish, or every sender is gone and nothing works.
///
/// # Errors
/// A refusal when the store can no longer be written: the manager then ends, and a plain run heals.
pub(crate) async fn run(
    parts: Parts,
    mut messages: mpsc::Receiver<Message>,
) -> Result<(), Refusal> {
    let outcome = go_round(parts, &mut messages).await;
    refuse_the_rest(messages).await;
    outcome
}

/// Tells whoever asked when nothing was taken in any more that nothing was begun: what is just dropped with its queue would
/// look as if it might have been.
pub(crate) async fn refuse_the_rest(mut messages: mpsc::Receiver<Message>) {
    messages.close();
    while let Some(message) = messages.recv().await {
        if let Message::Ask { reply, .. } = message
            && reply.send(Err(crate::service::ending())).is_err()
        {
            tracing::debug!("nobody waits for an answer any more");
        }
    }
}

async fn go_round(parts: Parts, messages: &mut mpsc::Receiver<Message>) -> Result<(), Refusal> {
    let (event_sender, mut events) = mpsc::channel(MAX_EVENTS);
    let (input_sender, mut inputs) = mpsc::channel(MAX_EVENTS);
    let limits = limits(&parts.config.config);
    let (manager, effects) = parts.manager;
    let sightings = Sightings::load(&parts.places.identities());
    let logons = Logons::load(&parts.places.logon());
    let mut made: VecDeque<Input> = parts.first.into();
    let unknown = parts.sources.availability();
    made.push_back(Input::Facts(
        unknown
            .filter_map(|(subject, why)| from_source::unknown(subject, why))
            .collect(),
    ));
    let mut this = Loop {
        manager,
        store: parts.store,
        performer: Performer::new(parts.starter, limits.clone(), event_sender, input_sender),
        connector: Connector::default(),
        hooks: Runner::default(),
        sender: Sender::new(!parts.daemon),
        desktop: Desktop::default(),
        asked: Asked::default(),
        config: parts.config,
        places: parts.places,
        program: parts.program,
        sightings,
        looking: 0,
        limits,
        daemon: parts.daemon,
        property: JoinSet::new(),
        readers: crate::comparing::Readers::default(),
        attendants: crate::reporting::Attendants::default(),
        messages: parts.messages,
        ended: VecDeque::new(),
        answered: Answered::default(),
        seen: Seen::default(),
        clock: parts.clock,
        anchor: Anchor::default(),
        logons,
        sources: parts.sources,
        hold: None,
        ending: None,
        wants_changed: true,
        config_problem: None,
        waits: 0,
        supervisor: parts.supervisor,
        footprint: Footprint::of_a_beginning(),
        kept_awake: None,
        views: parts.views,
        number: 0,
        due: effects,
        answers: Vec::new(),
        made,
        finishing: None,
        stopping: false,
        last_prune: None,
        prune_more: false,
        added_history: false,
    };
    loop {
        this.perform()?;
        this.supervisor.alive();
        if this.is_done() {
            break;
        }
        let first = this.wait(messages, &mut events, &mut inputs).await;
        // Handlers first: what they said before a question was asked belongs into its answer.
        let waiting = || {
            let worker = inputs.try_recv().map(Turn::Worker);
            let host = worker.or_else(|_| events.try_recv().map(Turn::Host));
            host.or_else(|_| messages.try_recv().map(Turn::Message))
                .ok()
        };
        take_batch(first, waiting, |turn| {
            this.take(turn);
            this.due.records.len() < FULL_TURN
        });
    }
    if this.added_history && !this.daemon {
        this.prune();
    }
    this.performer.kill_all();
    if let Some(finished) = this.finishing.take()
        && finished.send(()).is_err()
    {
        tracing::debug!("nobody waits for the end of the loop");
    }
    // The database is closed before the home is given up. Memory is given back beside that, since a process that ends with its
    // manager gives it back sooner.
    let Loop { store, manager, .. } = this;
    if cfg!(windows) {
        // A process there that ends while another of its threads frees memory may crash, or never end.
        drop(manager);
    } else {
        // Where no thread can be started, it is given back here.
        drop(std::thread::Builder::new().spawn(move || drop(manager)));
    }
    drop(store);
    Ok(())
}

/// How long handlers may take for what.
pub(crate) fn limits(config: &Config) -> Limits {
    Limits {
        handshake: config.manager.handshake,
        ask: config.manager.stop_grace,
        ..Limits::default()
    }
}

/// Takes the first and whatever else waits, at most [`MAX_BATCH`] and as long as `take` says that there is room. Looks for
/// more only when there is: what was taken from a queue is never dropped.
fn take_batch<T>(
    first: T,
    mut waiting: impl FnMut() -> Option<T>,
    mut take: impl FnMut(T) -> bool,
) {
    let mut room = take(first);
    for _ in 1..MAX_BATCH {
        if !room {
            break;
        }
        match waiting() {
            Some(next) => room = take(next),
            None => break,
        }
    }
}

impl Loop {
    fn take(&mut self, turn: Turn) {
        // Also before a question is answered: what it is about may be other than before.
        self.look_at_clock();
        if !matches!(turn, Turn::Nothing) {
            self.footprint.used();
        }
        match turn {
            Turn::Message(message) => self.take_message(message),
            Turn::Host(event) => {
                if let Some((instance, input)) = self.performer.hear(event) {
                    self.apply(Input::Instance(instance, input));
                }
            }
            Turn::Worker(from) => {
                self.apply(Input::Instance(from.instance, from.input));
                drop(from.room);
            }
            Turn::Ended(input) => {
                if let Some(input) = input {
                    self.apply(input);
                }
            }
            Turn::Observed(observation) => self.observed(observation),
            Turn::Tick => self.apply(Input::Tick),
            Turn::Sent(number, sent) => {
                let given_up = self.sender.heard(number, sent, self.clock.now());
                self.give_up_sending(given_up);
            }
            Turn::Prune => self.prune(),
            Turn::Nothing => {}
            // Nobody can ask any more: whatever works is stopped, and the loop ends with it.
            Turn::Closed => self.take_message(Message::Stop),
        }
    }

    async fn wait(
        &mut self,
        messages: &mut mpsc::Receiver<Message>,
        events: &mut mpsc::Receiver<HostEvent>,
        inputs: &mut mpsc::Receiver<FromWorker>,
    ) -> Turn {
        let due = [self.manager.next_deadline(), self.sender.next_due()];
        let due = due.into_iter().flatten().min();
        let clock = Arc::clone(&self.clock);
        let deadline = async {
            match due {
                Some(due) => clock.reached(due).await,
                None => std::future::pending().await,
            }
        };
        let stopping = self.stopping;
        let prune = self.wants_pruning();
        tokio::select! {
            biased;
            Some(input) = inputs.recv() => Turn::Worker(input),
            Some(event) = events.recv() => Turn::Host(event),
            message = messages.recv(), if !(stopping && messages.is_closed()) => {
                message.map_or(Turn::Closed, Turn::Message)
            }
            () = self.performer.tend() => Turn::Nothing,
            ended = self.connector.ended() => Turn::Ended(ended),
            ended = self.hooks.ended() => Turn::Ended(ended),
            Some((number, sent)) = self.sender.ended() => Turn::Sent(number, sent),
            Some(_) = self.property.join_next() => Turn::Nothing,
            observation = self.sources.next() => Turn::Observed(observation),
            () = deadline => Turn::Tick,
            session = self.attendants.gone() => Turn::Ended(Some(session)),
            () = self.supervisor.wait() => Turn::Nothing,
            () = self.footprint.rested(), if self.daemon => Turn::Nothing,
            // Last: only when nothing else waits.
            () = std::future::ready(()), if prune => Turn::Prune,
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> syncmgr_core::Timestamp {
        self.clock.now()
    }

    /// How many records this turn brought so far.
    pub(crate) fn due_records(&self) -> usize {
        self.due.records.len()
    }

    /// What this turn brought since then.
    pub(crate) fn records_since(
        &self,
        before: usize,
    ) -> impl Iterator<Item = &syncmgr_core::Record> {
        self.due.records.iter().skip(before)
    }

    /// Applies an input; its effects are performed at the end of the turn.
    pub(crate) fn apply(&mut self, input: Input) {
        self.wants_changed |= matches!(
            input,
            Input::Conditions(..)
                | Input::Rules(_)
                | Input::ItemRemoved(_)
                | Input::HandlerUnregistered(_)
        );
        let now = self.look_at_clock();
        self.manager.apply_into(&mut self.due, now, input);
    }

    /// Now. When the clock was set since the last look, everything that lasts is moved along first.
    fn look_at_clock(&mut self) -> syncmgr_core::Timestamp {
        let (now, set) = self.anchor.look(&*self.clock);
        if let Some(by_ms) = set {
            tracing::warn!(by_ms, "the clock was set");
            self.sender.clock_set(by_ms);
            // What is old by this time may not be by the right one.
            (self.last_prune, self.prune_more) = (Some(now), false);
            self.manager
                .apply_into(&mut self.due, now, Input::ClockSet { by_ms });
        }
        now
    }

    /// Gives an answer once this turn's records are stored.
    pub(crate) fn reply(&mut self, to: Answerer, answer: Result<Reply, Refusal>) {
        self.answers.push((to, answer));
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Ask {
                caller,
                request,
                reply,
            } => self.answer(&caller, request, reply),
            Message::Defined(defined) => self.defined(*defined),
            Message::Registering(registering) => self.registering(*registering),
            Message::Sighted(sighted) => {
                self.looking = self.looking.saturating_sub(1);
                self.sighted(*sighted);
            }
            Message::AllSighted(all, reply) => self.list_handlers(all, reply),
            Message::Dress(history, reply) => {
                let dressed = self.dress(history);
                self.reply(reply, dressed);
            }
            Message::Looked(item, facts, reply) => {
                self.apply(Input::Facts(facts));
                let answer = Reply::Why(Box::new(self.why(&item)));
                self.reply(reply, Ok(answer));
            }
            Message::Recalled(instance, reply, found) => {
                let recalled = InstanceInput::Recalled { reply, found };
                self.apply(Input::Instance(instance, recalled));
            }
            Message::Triggered(trigger) => self.triggered(trigger),
            Message::Reload => self.reload(),
            Message::Finish(finished) => {
                self.finishing = Some(finished);
                self.hurry();
            }
            Message::Stop => self.stop(),
        }
    }

    /// Whatever works is stopped, and the loop ends with it.
    fn stop(&mut self) {
        // What the end of the session started is caught up by the next daemon, should it be this that ends it.
        self.apply(Input::Ends);
        self.apply(Input::Stop(syncmgr_core::input::StopScope::All));
        self.stopping = true;
        self.hurry();
    }

    /// A source told something.
    fn observed(&mut self, observation: Observation) {
        match observation {
            Observation::Fact(fact) => {
                if let Some(usable) = from_source::network(&fact) {
                    self.sender.network(usable);
                }
                self.apply(Input::Facts(vec![fact]));
            }
            Observation::Watching(subject, availability) => {
                tracing::info!(subject = subject.name(), ?availability, "a source");
                let unknown = from_source::unknown(subject, &availability);
                if let Some(usable) = unknown.as_ref().and_then(from_source::network) {
                    self.sender.network(usable);
                }
                self.apply(Input::Facts(unknown.into_iter().collect()));
                if subject == Subject::Sleep
                    && matches!(availability, Availability::Watching { .. })
                {
                    // Who watches from now on tells of every departure itself; of an earlier one nobody tells the end any more.
                    self.apply(Input::Back);
                }
            }
            Observation::Happened(happening) => self.happened(happening),
        }
    }

    /// Something happened on the machine. A machine that is about to leave is held for what starts now, as long as it lets
    /// itself be held.
    fn happened(&mut self, happening: Happening) {
        tracing::debug!(?happening, "the machine");
        if let Happening::Back(Leaving::Sleep) = happening
            // Before anything starts: what was a network may be none for a while.
            && let Some(fact) = self.sources.woke()
        {
            self.apply(Input::Facts(vec![fact]));
        }
        if let Happening::Back(Leaving::Sleep) = happening {
            self.apply(Input::ClockJumped);
        }
        if let Happening::ClockSet = happening {
            // How far it was set is seen with every input, where a clock tells that nobody sets.
            self.apply(match self.clock.steady() {
                Some(_) => Input::Tick,
                None => Input::ClockJumped,
            });
            self.apply(Input::Zone(self.clock.zone()));
        }
        if let Happening::SessionStarted { began: Some(began) } = &happening {
            // It is a logon whatever is remembered.
            self.logons.count(began);
        }
        if let Happening::SessionFound { began } = &happening
            && self.logons.count(began)
        {
            tracing::info!("the session of the user began before the daemon did");
            self.apply(Input::Happened(CoreHappening::Moment(Moment::Logon)));
        }
        if let Happening::PathChanged { below, .. } = &happening
            && *below == self.places.config_dir
        {
            self.reload();
        }
        if let Happening::Back(_) = happening {
            self.apply(Input::Back);
        }
        if let Some(happened) = from_source::happening(&happening) {
            self.apply(Input::Happened(happened));
        }
        match happening {
            Happening::Leaving { how, at_most, hold } => {
                self.apply(Input::Leaves(from_source::departure(how, at_most)));
                self.hold = Some(hold);
            }
            Happening::Ending { hold } => {
                self.ending = Some(hold);
                self.stop();
            }
            _ => {}
        }
    }

    /// Asks for what is checked, on behalf of the machine.
    fn triggered(&mut self, trigger: Trigger) {
        let request = syncmgr_core::request::Request {
            scope: Scope::Checked,
            work: Work::Synchronize,
            trigger,
            may_bother_user: true, // whether it may is the trigger's affair (M-35)
            cookie: None,
            if_running: IfRunning::Ignore,
        };
        match self.manager.check_request(&request) {
            Ok(()) => {
                let id = self.manager.next_request();
                self.apply(Input::Request(id, request));
            }
            Err(why) => tracing::warn!(%why, ?trigger, "a trigger could not be followed"),
        }
    }

    /// Whatever waits to be sent is sent now or never.
    fn hurry(&mut self) {
        let given_up = self.sender.hurry();
        self.give_up_sending(given_up);
    }

    fn is_done(&self) -> bool {
        (self.finishing.is_some() || self.stopping)
            && self.performer.is_idle()
            && self.property.is_empty()
            && self.connector.is_idle()
            && self.hooks.is_idle()
            && self.sender.is_idle()
            && self.looking == 0
            && self.made.is_empty()
            && self.manager.is_idle()
    }

    /// Performs what this turn brought: record, command, show, answer.
    fn perform(&mut self) -> Result<(), Refusal> {
        loop {
            while let Some(input) = self.made.pop_front() {
                self.apply(input);
            }
            self.tell_attendants();
            let mut due = std::mem::take(&mut self.due);
            if due.is_empty() {
                self.due = due;
                break;
            }
            if !due.records.is_empty()
                && let Err(cause) = self.store.write(&due.records)
            {
                return Err(self.give_up(&cause));
            }
            self.show(&due);
            for command in due.commands.drain(..) {
                self.command(command);
            }
            if self.due.is_empty() && due.records.len().max(due.shows.len()) >= BUSY_TURN {
                due.records.clear();
                due.shows.clear();
                self.due = due;
            }
        }
        self.sender.send_due(self.clock.now());
        if std::mem::take(&mut self.wants_changed) {
            let causes = self.manager.rules().flat_map(|(rule, _)| &rule.on);
            let mut wanted = Wanted::by(self.manager.conditions(), causes);
            if self.daemon {
                // It was read before somebody watched it.
                wanted.paths.insert(self.places.config_dir.clone());
                wanted.unseen.insert(self.places.config_dir.clone());
                wanted.power |= self.manager.awake_by_power();
            }
            self.sources.want(wanted);
        }
        let waits = self.manager.waits();
        if std::mem::replace(&mut self.waits, waits) != waits {
            self.sources.look_at(self.manager.looks());
        }
        if self.manager.is_idle() || self.manager.lets_leave() {
            self.hold = None;
        }
        for (to, answer) in self.answers.drain(..) {
            if to.send(answer).is_err() {
                tracing::debug!("nobody waits for an answer any more");
            }
        }
        Ok(())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Start {
                instance,
                handler,
                trigger,
                may_bother_user,
                settings,
                cookie,
                only,
            } => {
                let first = (trigger, may_bother_user, settings, cookie);
                self.start(instance, &handler, first, &only);
            }
            Command::Connect { name } => {
                self.connector.connect(name, &self.config.config.connection);
            }
            Command::CancelConnect { name } => self.connector.cancel(name),
            Command::Disconnect { name } => self
                .connector
                .disconnect(name, &self.config.config.connection),
            Command::KeepAwake { .. } => self.kept_awake = Some(KeptAwake::begin()),
            Command::LetSleep => self.kept_awake = None,
            Command::Hook(hook) => self.hooks.start(*hook),
            Command::EndHook(hook) => self.hooks.end(hook),
            Command::Deliver(delivery) => {
                let given_up = self.sender.deliver(*delivery, self.clock.now());
                self.give_up_sending(given_up);
            }
            Command::Pulse { url } => {
                let verdict = self.verdict_sentence();
                let given_up = self.sender.pulse(url, &verdict, self.clock.now());
                self.give_up_sending(given_up);
            }
            Command::Notice(notice) => self.desktop.show(*notice),
            Command::Recall { instance, to, row } => self.look_for_answer(instance, to, *row),
            Command::Forget(of) => self.forget_answers(Which::Question(of)),
            command => self.performer.perform(command),
        }
    }

    fn give_up_sending(&mut self, given_up: impl IntoIterator<Item = GivenUp>) {
        for given_up in given_up {
            let GivenUp { handler, text } = given_up;
            self.made.push_back(Input::Undelivered { handler, text });
        }
    }

    fn start(
        &mut self,
        instance: syncmgr_core::InstanceId,
        handler: &syncmgr_core::HandlerId,
        first: (Trigger, bool, bool, Option<Vec<u8>>),
        only: &[ItemId],
    ) {
        let launch = launch::find_for(handler, only, &self.config, &self.places, &self.program);
        let input = if launch.is_none() && self.is_registered(handler) {
            // M-30: a class that cannot be made is left out silently.
            Some(InstanceInput::Declined)
        } else {
            self.look_for_change(handler);
            self.performer.start(instance, handler, launch, first)
        };
        if let Some(input) = input {
            self.made.push_back(Input::Instance(instance, input));
            self.made
                .push_back(Input::Instance(instance, never_started()));
        }
    }

    fn show(&mut self, due: &Effects) {
        for show in &due.shows {
            self.hear_properties(show);
            if let syncmgr_core::Show::RequestEnded {
                request, outcome, ..
            } = show
            {
                if self.ended.len() >= MAX_ENDED {
                    self.ended.pop_front();
                }
                self.ended
                    .push_back((*request, to_view::request_outcome(*outcome)));
            }
        }
        self.added_history |= due.records.iter().any(is_end_of_run);
        let listening = self.views.receiver_count() > 0;
        let at_ms = self.clock.now().0;
        for what in changes(&mut self.seen, &self.manager, due, listening) {
            self.publish(at_ms, what);
        }
    }

    fn publish(&mut self, at_ms: i64, what: What) {
        self.number += 1;
        let change = Arc::new(Change {
            number: self.number,
            at_ms,
            what,
        });
        if self.views.send(change).is_err() {
            tracing::trace!("nobody listens");
        }
    }

    /// The store can no longer be written: a fault. Handlers are ended, everybody who waits is told, and the loop ends.
    fn give_up(&mut self, cause: &dyn std::error::Error) -> Refusal {
        self.performer.kill_all();
        let mut refusal = Refusal::new(
            "store::unwritable",
            "the manager's own database cannot be written",
            "free some space or correct the permissions, then run the command again: it goes on from there",
        )
        .because(cause);
        refusal.exit = syncmgr_control::ExitCode::Failed;
        for (to, _) in self.answers.drain(..) {
            if to.send(Err(refusal.clone())).is_err() {
                tracing::debug!("nobody waits for an answer any more");
            }
        }
        let at_ms = self.clock.now().0;
        self.publish(
            at_ms,
            What::Notice {
                text: format!("{refusal}"),
            },
        );
        refusal
    }

    /// Whether history should be trimmed: a daemon does it daily, a command once it added to it.
    fn wants_pruning(&self) -> bool {
        match self.last_prune {
            None => self.daemon,
            Some(last) => self.prune_more || (self.daemon && self.now().since(last) >= PRUNE_EVERY),
        }
    }

    /// Removes a bounded part of what is too old.
    fn prune(&mut self) {
        let now = self.now();
        self.last_prune = Some(now);
        let config = &self.config.config.manager;
        let mut keep = syncmgr_core::retention::Retention::default();
        keep.runs.age = config.keep_history;
        keep.log.age = config.keep_history;
        keep.events.age = keep.events.age.min(config.keep_history);
        keep.runs.count = usize::try_from(config.keep_runs).unwrap_or(usize::MAX);
        match self.store.prune(&keep, now) {
            Ok(pruned) => self.prune_more = pruned.more,
            Err(error) => {
                self.prune_more = false;
                tracing::warn!(%error, "old history could not be trimmed");
            }
        }
    }
}

fn is_end_of_run(record: &syncmgr_core::Record) -> bool {
    matches!(record, syncmgr_core::Record::Event(event) if matches!(event.kind, syncmgr_core::EventKind::RunClosed { .. }))
}

/// What follows a start that never came to a process.
fn never_started() -> InstanceInput {
    InstanceInput::Exited {
        how: "it was never started".into(),
        requested: false,
        stderr: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_loses_nothing() {
        let mut queue: VecDeque<usize> = (0..3 * MAX_BATCH + 7).collect();
        let mut taken = Vec::new();
        while let Some(first) = queue.pop_front() {
            let before = taken.len();
            let take = |turn| {
                taken.push(turn);
                true
            };
            take_batch(first, || queue.pop_front(), take);
            assert!(taken.len() - before <= MAX_BATCH);
        }
        assert_eq!(taken, (0..3 * MAX_BATCH + 7).collect::<Vec<_>>());
    }

    #[test]
    fn a_turn_that_is_full_takes_nothing_more() {
        let mut queue: VecDeque<usize> = (1..10).collect();
        let mut taken = Vec::new();
        let take = |turn| {
            taken.push(turn);
            turn < 4
        };
        take_batch(0, || queue.pop_front(), take);
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        assert_eq!(queue.front(), Some(&5));
    }
}
