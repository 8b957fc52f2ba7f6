//! A scripted world around a manager: feeds inputs, prints what follows as lines.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use syncmgr_core::account::Account;
use syncmgr_core::command::{Command, Reply, ReplyId, Verdict};
use syncmgr_core::input::{
    Began, Completed, HandlerFacts, Input, InstanceInput, ListedItem, Progress,
};
use syncmgr_core::item::{Connected, HandlerCapability, ItemStatus};
use syncmgr_core::need::{NeedState, Typed};
use syncmgr_core::notice::Notice;
use syncmgr_core::record::{Record, Remembered};
use syncmgr_core::request::{IfRunning, Request, RequestOutcome, Scope, Trigger, Work};
use syncmgr_core::rule::{Cause, Lost, Rule, Select};
use syncmgr_core::telling::Address;
use syncmgr_core::{
    Effects, Event, EventKind, HandlerId, InstanceId, ItemId, ItemRef, Manager, NeedId, RequestId,
    Settings, Show, Timestamp,
};

pub(crate) fn handler(text: &str) -> HandlerId {
    HandlerId::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> ItemId {
    ItemId::new(text).unwrap()
}

/// A rule as it is when nothing else is said: what it is about, by name, and what starts it.
pub(crate) fn rule(name: &str, items: &[&str], on: Vec<Cause>) -> Rule {
    Rule {
        name: name.to_owned(),
        items: items.iter().map(|item| Select::named(item)).collect(),
        on,
        when: Vec::new(),
        lost: Lost::Finish,
        stop_on_wake: false,
        ask: false,
        fresh_within: None,
        catch_up: Duration::from_secs(7 * 86_400),
        jitter: Duration::ZERO,
        if_running: None,
        connect: None,
        of_registration: false,
    }
}

pub(crate) fn at(handler_text: &str, item: &str) -> ItemRef {
    ItemRef {
        handler: handler(handler_text),
        item: id(item),
    }
}

pub(crate) fn listed(text: &str) -> ListedItem {
    // A leading minus: not checked.
    let (name, checked) = text.strip_prefix('-').map_or((text, true), |n| (n, false));
    ListedItem {
        id: id(name),
        name: name.to_owned(),
        comment: String::new(),
        checked,
        last_update: None,
        connected: Connected::Unknown,
        temporary: false,
        hidden: false,
        capabilities: Vec::new(),
        policies: Vec::new(),
        lanes: [].into(),
    }
}

pub(crate) fn facts(capabilities: &[HandlerCapability]) -> HandlerFacts {
    HandlerFacts {
        name: "test".to_owned(),
        comment: String::new(),
        version: "1".to_owned(),
        always_list: false,
        hidden: false,
        capabilities: capabilities.to_vec(),
        policies: Vec::new(),
    }
}

pub(crate) fn request(scope: Scope, trigger: Trigger) -> Request {
    Request {
        scope,
        work: Work::Synchronize,
        trigger,
        may_bother_user: true,
        cookie: None,
        if_running: IfRunning::Again,
    }
}

pub(crate) struct World {
    pub(crate) manager: Manager,
    pub(crate) now: Timestamp,
    /// Everything that was commanded, as lines, since it was last read.
    pub(crate) lines: Vec<String>,
    pub(crate) records: Vec<Record>,
    pub(crate) ended: Vec<(RequestId, RequestOutcome, Option<String>)>,
    pub(crate) commands: VecDeque<Command>,
    pub(crate) properties: Vec<Show>,
    /// How often a window of a run opened or closed.
    pub(crate) windows: u32,
    replies: u64,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::remembering(settings, Remembered::default())
    }

    pub(crate) fn remembering(settings: Settings, remembered: Remembered) -> Self {
        Self::reborn(settings, remembered, Timestamp(1_000_000))
    }

    /// The next life begins at this time.
    pub(crate) fn reborn(settings: Settings, remembered: Remembered, now: Timestamp) -> Self {
        let (manager, effects) = Manager::new(settings, remembered, now);
        let mut world = Self {
            manager,
            now,
            lines: Vec::new(),
            records: Vec::new(),
            ended: Vec::new(),
            commands: VecDeque::new(),
            properties: Vec::new(),
            windows: 0,
            replies: 0,
        };
        world.take(effects);
        world
    }

    /// With these handlers registered.
    pub(crate) fn with(settings: Settings, handlers: &[&str]) -> Self {
        let mut world = Self::new(settings);
        for text in handlers {
            world.input(Input::HandlerRegistered {
                id: handler(text),
                description: (*text).to_owned(),
            });
        }
        world
    }

    /// With these handlers registered and these items defined.
    pub(crate) fn defined(handlers: &[(&str, &[&str])]) -> Self {
        let names: Vec<&str> = handlers.iter().map(|(name, _)| *name).collect();
        let mut world = Self::with(Settings::default(), &names);
        for (name, items) in handlers {
            for item in *items {
                world.input(Input::ItemDefined(handler(name), listed(item)));
            }
        }
        world.records.clear();
        world
    }

    pub(crate) fn input(&mut self, input: Input) {
        let effects = self.manager.apply(self.now, input);
        self.take(effects);
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = Timestamp(self.now.0 + seconds * 1000);
        self.input(Input::Tick);
    }

    pub(crate) fn ask(&mut self, request: Request) -> RequestId {
        let id = self.manager.next_request();
        self.input(Input::Request(id, request));
        id
    }

    pub(crate) fn sync(&mut self, scope: Scope) -> RequestId {
        self.ask(request(scope, Trigger::Manual))
    }

    pub(crate) fn hear(&mut self, instance: u64, said: InstanceInput) {
        self.input(Input::Instance(InstanceId(instance), said));
    }

    /// Initialize, list: up to the turn to prepare.
    pub(crate) fn list(&mut self, instance: u64, items: &[&str]) {
        self.hear(instance, InstanceInput::Initialized(facts(&[])));
        self.listed(instance, items);
    }

    pub(crate) fn listed(&mut self, instance: u64, items: &[&str]) {
        self.hear(
            instance,
            InstanceInput::ItemsListed {
                items: items.iter().map(|item| listed(item)).collect(),
                incomplete: false,
            },
        );
    }

    pub(crate) fn prepared(&mut self, instance: u64) {
        self.hear(instance, InstanceInput::PrepareReturned(Began::Yes));
        self.hear(instance, InstanceInput::PrepareCompleted(Completed::Done));
    }

    pub(crate) fn completed(&mut self, instance: u64) {
        self.hear(instance, InstanceInput::SynchronizeReturned(Began::Yes));
        self.hear(
            instance,
            InstanceInput::SynchronizeCompleted(Completed::Done),
        );
    }

    /// Runs what was asked for to a good end, one instance with the items that it is given.
    pub(crate) fn run_well(&mut self, instance: u64, listed: &[&str]) {
        self.list(instance, listed);
        self.prepared(instance);
        self.completed(instance);
        self.exit(instance);
    }

    pub(crate) fn exit(&mut self, instance: u64) {
        self.hear(
            instance,
            InstanceInput::Exited {
                how: "exit status 0".to_owned(),
                requested: true,
                stderr: String::new(),
            },
        );
    }

    pub(crate) fn report(&mut self, instance: u64, item: &str, status: ItemStatus) {
        self.hear(
            instance,
            InstanceInput::Progress(
                Progress {
                    item: Some(id(item)),
                    status: Some(status),
                    ..Progress::default()
                },
                None,
            ),
        );
    }

    /// A report as a question; the verdict comes as a line.
    pub(crate) fn report_asking(&mut self, instance: u64, item: &str, status: ItemStatus) {
        let reply = self.next_reply();
        self.hear(
            instance,
            InstanceInput::Progress(
                Progress {
                    item: Some(id(item)),
                    status: Some(status),
                    ..Progress::default()
                },
                Some(reply),
            ),
        );
    }

    /// The number of the instance that was started last.
    pub(crate) fn last_instance(&self) -> u64 {
        let started = self
            .commands
            .iter()
            .rev()
            .find_map(|command| match command {
                Command::Start { instance, .. } => Some(instance.0),
                _ => None,
            });
        started.unwrap()
    }

    pub(crate) fn next_reply(&mut self) -> ReplyId {
        self.replies += 1;
        ReplyId(self.replies)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &EventKind> {
        self.records.iter().filter_map(|record| match record {
            Record::Event(Event { kind, .. }) => Some(kind),
            _ => None,
        })
    }

    /// The open questions, in the order in which they were asked.
    /// The log so far, oldest first.
    pub(crate) fn log(&self) -> Vec<syncmgr_core::log::LogRow> {
        let rows = self.records.iter().filter_map(|record| match record {
            Record::Log(row) => Some(row.clone()),
            _ => None,
        });
        rows.collect()
    }

    pub(crate) fn questions(&self) -> Vec<(NeedId, String)> {
        let open = self
            .manager
            .needs()
            .filter(|need| need.state == NeedState::Open);
        open.map(|need| (need.id, need.text.clone())).collect()
    }

    pub(crate) fn answer(&mut self, need: NeedId, choice: &str) {
        self.input(Input::Answer {
            need,
            choice: choice.to_owned(),
            fields: Typed::default(),
            by: "a test".to_owned(),
        });
    }

    pub(crate) fn violations(&self) -> usize {
        self.events()
            .filter(|event| matches!(event, EventKind::ProtocolViolation { .. }))
            .count()
    }

    /// Final statuses as recorded last, such as `A Succeeded, B Failed`.
    pub(crate) fn results(&self) -> String {
        let mut rows: Vec<(String, ItemStatus)> = Vec::new();
        for record in &self.records {
            if let Record::RunItem(row) = record {
                let name = row.item.item.to_string();
                match rows.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, status)) => *status = row.status,
                    None => rows.push((name, row.status)),
                }
            }
        }
        let mut text = String::new();
        for (name, status) in rows {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{name} {status:?}").unwrap();
        }
        text
    }

    pub(crate) fn outcome(&self, request: RequestId) -> Option<RequestOutcome> {
        let ends: Vec<_> = self
            .ended
            .iter()
            .filter(|(id, ..)| *id == request)
            .collect();
        assert!(
            ends.len() < 2,
            "request {request} ended {} times",
            ends.len()
        );
        ends.first().map(|(_, outcome, _)| *outcome)
    }

    /// What was commanded since the last time.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &str) {
        let got = std::mem::take(&mut self.lines).join("\n");
        let expected: Vec<&str> = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(got, expected.join("\n"));
    }

    fn take(&mut self, effects: Effects) {
        for command in effects.commands {
            if let Some(line) = line(&command) {
                self.lines.push(line);
            }
            self.commands.push_back(command);
        }
        self.records.extend(effects.records);
        for show in effects.shows {
            match show {
                Show::Progress { .. } => {}
                Show::Window => self.windows += 1,
                Show::Properties { .. } => self.properties.push(show),
                Show::RequestEnded {
                    request,
                    outcome,
                    problem,
                } => self.ended.push((request, outcome, problem)),
            }
        }
    }
}

fn names(items: &[ItemId]) -> String {
    let names: Vec<&str> = items.iter().map(ItemId::as_str).collect();
    names.join(",")
}

fn told(account: &Account) -> String {
    let names: Vec<&str> = account
        .items
        .iter()
        .map(|item| item.name.as_str())
        .collect();
    names.join(",")
}

fn line(command: &Command) -> Option<String> {
    Some(match command {
        Command::Start {
            instance,
            handler,
            trigger,
            may_bother_user,
            settings,
            cookie,
            only,
        } => {
            let mut line = format!("{instance} start {handler} {trigger:?}");
            for (flag, text) in [(*may_bother_user, " user"), (*settings, " settings")] {
                if flag {
                    line.push_str(text);
                }
            }
            if let Some(cookie) = cookie {
                write!(line, " cookie {cookie:?}").unwrap();
            }
            if !only.is_empty() {
                write!(line, " only {}", names(only)).unwrap();
            }
            line
        }
        Command::ListItems(instance) => format!("{instance} list"),
        Command::Recall { instance, row, .. } => format!("{instance} recall {}", row.key),
        Command::Forget(of) => format!("forget {} {}", of.handler, of.key),
        Command::Prepare {
            instance,
            items,
            answers,
            ..
        } => {
            let mut line = format!("{instance} prepare {}", names(items));
            for answer in answers {
                write!(line, " answer {}", answer.key).unwrap();
            }
            line
        }
        Command::Synchronize(instance) => format!("{instance} synchronize"),
        Command::ItemStatus {
            instance,
            item,
            verdict,
        } => {
            let item = item.as_ref().map_or("*", ItemId::as_str);
            format!("{instance} item-status {item} {verdict:?}")
        }
        Command::Undo {
            instance,
            items,
            run,
            ..
        } => format!("{instance} undo {} of {run}", names(items)),
        Command::Resolve {
            instance,
            item,
            decisions,
            ..
        } => {
            let decided = decisions
                .iter()
                .map(|it| format!(" {} {}", it.conflict, it.choice));
            format!("{instance} resolve {item}{}", decided.collect::<String>())
        }
        Command::ListConflicts { instance, items } => {
            format!("{instance} conflicts {}", names(items))
        }
        Command::ShowError { instance, error } => format!("{instance} show-error {error}"),
        Command::Properties {
            instance,
            item,
            values,
        } => {
            let item = item.as_ref().map_or("*", ItemId::as_str);
            let values = values.as_deref().unwrap_or("read");
            format!("{instance} properties {item} {values}")
        }
        Command::ShowProperties { instance, item } => {
            let item = item.as_ref().map_or("*", ItemId::as_str);
            format!("{instance} show-properties {item}")
        }
        Command::Connect { name } => format!("connect {}", name.as_deref().unwrap_or("-")),
        Command::CancelConnect { name } => {
            format!("cancel connect {}", name.as_deref().unwrap_or("-"))
        }
        Command::Disconnect { name } => {
            format!("disconnect {}", name.as_deref().unwrap_or("-"))
        }
        Command::Reply {
            instance, reply, ..
        } => match reply {
            Reply::Verdict(Verdict::Continue) => format!("{instance} = ok"),
            Reply::Verdict(verdict) => format!("{instance} = {verdict:?}"),
            Reply::Chosen { choice, .. } => format!("{instance} = chosen {choice}"),
            Reply::Modeless(allowed) => format!("{instance} = modeless {allowed}"),
            Reply::LateItems(items) => format!("{instance} = late {}", names(items)),
            Reply::Connection(Ok(())) => format!("{instance} = connected"),
            Reply::Connection(Err(_)) => format!("{instance} = not connected"),
            Reply::Deferred { .. } => format!("{instance} = deferred"),
            Reply::PromptRefused => format!("{instance} = prompt refused"),
            Reply::Done => format!("{instance} = done"),
            Reply::Refused(why) => format!("{instance} = refused: {why}"),
        },
        Command::Hook(hook) => format!(
            "hook {} {} {} for {} {}",
            hook.id.0,
            hook.stage.name(),
            hook.command.join(" "),
            told(&hook.account),
            hook.account.occasion.name(),
        ),
        Command::EndHook(hook) => format!("end hook {}", hook.0),
        Command::Deliver(delivery) => {
            let of = format!(
                "{} {}",
                told(&delivery.account),
                delivery.account.occasion.name()
            );
            match &delivery.to {
                Address::Webhook(webhook) => format!("post {} {of}", webhook.url),
                Address::Ping { url, signal } => format!("ping {url} {signal:?} {of}"),
            }
        }
        Command::Pulse { url } => format!("pulse {url}"),
        Command::Notice(notice) => match &**notice {
            Notice::Show { title, body, .. } => format!("notice {title} | {body}"),
            Notice::Withdraw(about) => format!("withdraw {about:?}"),
        },
        Command::Release(instance) => format!("{instance} release"),
        Command::KeepAwake { until } => format!("awake until {}", until.0),
        Command::LetSleep => "let sleep".to_owned(),
        Command::Insist(instance) => format!("{instance} insist"),
    })
}
