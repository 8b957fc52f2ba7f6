//! The terminal page at work: keys and changes in, the screen and requests out.

use std::io;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt as _, StreamExt as _};
use ratatui::crossterm::event;
use syncmgr_control::{Change, Changes, ExitCode, Refusal, Reply, Request};
use tokio::sync::mpsc::{Sender, channel};

use super::draw::{Scene, draw};
use super::keys;
use super::layout::Size;
use super::load::{Loaded, load};
use super::read::Reader;
use super::state::Top;
use super::step::{Asked, Effect, Event};
use super::terminal::Held;
use crate::center::is_quiet;
use crate::interrupt::{Interrupt, Press};
use crate::look::Look;
use crate::talk::{Talk, Verdict};
use crate::world::Terminal;

/// Has the shell go on, as a terminal has it by itself while no page is on it.
const SUSPEND: keys::Press = keys::Press::Ctrl('z');
/// Keys that wait; further ones wait in the terminal.
const MAX_KEYS: usize = 64;
/// Most requests and texts that are awaited at once.
const MAX_PENDING: usize = 32;
/// What changes by itself is drawn so often at most.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// What there is is read so often at most, and never for more than a part of the time.
const LOAD_EVERY: Duration = Duration::from_millis(500);
/// After a slow read it is rested so many times as long as it took.
const LOAD_REST: u32 = 4;
/// Longest rest.
const MAX_LOAD_REST: Duration = Duration::from_secs(30);
/// Times that are told move on so often while something works, and otherwise so often.
const TICK_WORKING: Duration = Duration::from_secs(1);
const TICK_IDLE: Duration = Duration::from_secs(10);
/// How long between two tries to reach a manager that is away.
const AGAIN_EVERY: Duration = Duration::from_secs(1);

/// Why the page cannot be drawn here.
pub(crate) fn refusal(terminal: &Terminal, json: bool) -> Option<Refusal> {
    if json {
        return Some(Refusal::new(
            "cli::no-terminal",
            "the terminal page has no JSON form",
            "the same for programs: syncmgr status --json",
        ));
    }
    let drawable = terminal.input && terminal.output && terminal.redraw;
    (!drawable).then(|| {
        Refusal::new(
            "cli::no-terminal",
            "the terminal page needs a terminal that can be drawn on, for its input, output and errors",
            "the same in words: syncmgr status",
        )
    })
}

/// What happened outside.
enum Happened {
    Step(Event),
    Subscribed(Result<Changes, Refusal>),
    Loaded(Box<Result<Loaded, Refusal>>),
    Rested,
    MayDraw,
    Tick,
    Again,
}

type Pending = FuturesUnordered<LocalBoxFuture<'static, Happened>>;

/// `top`
pub(crate) async fn top(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let mut interrupts = crate::sys::interrupts();
    let mut held = Held::take().map_err(|error| lost(&error))?;
    let (to, mut pressed) = channel(MAX_KEYS);
    // Ends with the program: nothing can wake it while it waits for a key.
    drop(tokio::task::spawn_blocking(move || listen(&to)));
    let look = Look {
        columns: None,
        ..talk.screen.look
    };
    let mut page = Page {
        reader: Reader {
            service: std::sync::Arc::clone(&talk.service),
            caller: talk.caller.clone(),
            clock: std::sync::Arc::clone(&talk.clock),
            zone: talk.zone.clone(),
            look,
        },
        top: Top::new(look),
        pending: Pending::new(),
        wanted: true,
        loading: Loading::Idle,
        changed: true,
        resting: false,
        quit: false,
    };
    page.resized(held.size().map_err(|error| lost(&error))?);
    let mut changes = Following::Opening;
    page.subscribe();
    page.sleep(TICK_IDLE, Happened::Tick);
    while !page.quit {
        page.load_if_wanted();
        if page.changed && !page.resting {
            page.draw(&mut held).map_err(|error| lost(&error))?;
        }
        let happened = tokio::select! {
            key = pressed.recv() => {
                page.key(key, &mut held).map_err(|error| lost(&error))?;
                continue;
            }
            _ = interrupts.next() => break,
            change = changes.next() => match change {
                Some(change) => Happened::Step(Event::Change(Box::new(change))),
                None => {
                    changes = Following::Opening;
                    page.subscribe();
                    continue;
                }
            },
            Some(happened) = page.pending.next() => happened,
        };
        if let Happened::Subscribed(subscribed) = happened {
            match subscribed {
                Ok(stream) => {
                    changes = Following::Open(stream);
                    page.step(Event::Back, &mut held)
                }
                Err(_) => {
                    page.sleep(AGAIN_EVERY, Happened::Again);
                    page.step(Event::Away, &mut held)
                }
            }
            .map_err(|error| lost(&error))?;
            continue;
        }
        page.happened(happened, &mut held)
            .map_err(|error| lost(&error))?;
    }
    drop(held);
    if talk.manages {
        leave(talk, interrupts).await?;
    }
    let sentence = page.top.status.map(|status| status.verdict.sentence);
    Ok(Verdict::of_list(
        sentence.unwrap_or_default(),
        ExitCode::Good,
    ))
}

/// Waits for what runs, which would end with this process. Ctrl-C stops it.
async fn leave(talk: &mut Talk, mut interrupts: BoxStream<'static, ()>) -> Result<(), Refusal> {
    let mut changes = talk.service.changes().await?;
    let mut interrupt = Interrupt::Never;
    let mut told = false;
    while !is_quiet(talk).await? {
        if !std::mem::replace(&mut told, true) {
            talk.screen
                .remark("no daemon runs, so what runs is finished here; Ctrl-C stops it");
        }
        tokio::select! {
            change = changes.next() => if change.is_none() {
                return Ok(());
            },
            Some(()) = interrupts.next() => {
                let (next, press) = interrupt.press();
                interrupt = next;
                talk.screen.remark(press.remark());
                if press == Press::Leave {
                    return Ok(());
                }
                talk.ask(Request::Stop { request: None }).await?;
            }
        }
    }
    Ok(())
}

fn lost(error: &io::Error) -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "cli::terminal-lost",
            "the terminal cannot be drawn on any more",
            "the same in words: syncmgr status",
        )
        .because(error)
    }
}

/// Hands over what the terminal tells, until nobody wants it any more.
fn listen(to: &Sender<io::Result<event::Event>>) {
    loop {
        let read = event::read();
        let end = read.is_err();
        if to.blocking_send(read).is_err() || end {
            return;
        }
    }
}

/// The changes, while they are followed.
enum Following {
    Opening,
    Open(Changes),
}

impl Following {
    /// The next change; never any while they are not followed.
    async fn next(&mut self) -> Option<Change> {
        match self {
            Self::Opening => std::future::pending().await,
            Self::Open(changes) => changes.next().await,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Loading {
    Idle,
    /// Since when.
    Reading(i64),
    Resting,
}

struct Page {
    reader: Reader,
    top: Top,
    pending: Pending,
    /// What is shown is out of date.
    wanted: bool,
    loading: Loading,
    /// Something is to be drawn.
    changed: bool,
    /// It was drawn just now.
    resting: bool,
    quit: bool,
}

impl Page {
    fn now_ms(&self) -> i64 {
        (self.reader.clock)()
    }

    fn sleep(&self, span: Duration, then: Happened) {
        self.pending
            .push(tokio::time::sleep(span).map(move |()| then).boxed_local());
    }

    fn subscribe(&self) {
        let service = std::sync::Arc::clone(&self.reader.service);
        let subscribing = async move { Happened::Subscribed(service.changes().await) };
        self.pending.push(subscribing.boxed_local());
    }

    fn load_if_wanted(&mut self) {
        if !self.wanted || self.loading != Loading::Idle || self.top.away {
            return;
        }
        self.wanted = false;
        self.loading = Loading::Reading(self.now_ms());
        let (service, caller) = (
            std::sync::Arc::clone(&self.reader.service),
            self.reader.caller.clone(),
        );
        let wanted = self.top.wanted_rows();
        let loading =
            async move { Happened::Loaded(Box::new(load(&*service, &caller, wanted).await)) };
        self.pending.push(loading.boxed_local());
    }

    fn draw(&mut self, held: &mut Held) -> io::Result<()> {
        self.changed = false;
        self.top.ready();
        self.top.turn = self.top.turn.wrapping_add(1);
        let scene = Scene {
            look: self.reader.look,
            now_ms: self.now_ms(),
            zone: jiff::tz::TimeZone::clone(&self.reader.zone),
        };
        held.draw(self.top.size, |buffer| draw(buffer, &self.top, &scene))?;
        if !self.resting {
            self.resting = true;
            self.sleep(DRAW_EVERY, Happened::MayDraw);
        }
        Ok(())
    }

    fn resized(&mut self, size: Size) {
        self.top.size = size;
        self.reader.look.columns = Some(usize::from(size.columns));
        self.top.look = self.reader.look;
        self.changed = true;
    }

    /// What the terminal tells. Whoever presses a key sees at once what it does.
    fn key(&mut self, told: Option<io::Result<event::Event>>, held: &mut Held) -> io::Result<()> {
        let event = match told {
            Some(told) => told?,
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        };
        match event {
            event::Event::Key(key) => match keys::Press::of(key) {
                Some(SUSPEND) => {
                    held.lend(crate::sys::suspend)?;
                    // The window may be another one by now.
                    self.resized(held.size()?);
                    self.draw(held)?;
                }
                Some(press) => {
                    self.step(Event::Key(press), held)?;
                    self.draw(held)?;
                }
                None => {}
            },
            event::Event::Paste(text) => {
                self.step(Event::Paste(text), held)?;
                self.draw(held)?;
            }
            event::Event::Resize(columns, rows) => {
                self.resized(Size { columns, rows });
                held.forget()?;
                self.draw(held)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn happened(&mut self, happened: Happened, held: &mut Held) -> io::Result<()> {
        match happened {
            Happened::Step(event) => self.step(event, held)?,
            Happened::Loaded(loaded) => {
                if let Loading::Reading(since_ms) = self.loading {
                    let took = self.now_ms().saturating_sub(since_ms);
                    let took = Duration::from_millis(u64::try_from(took).unwrap_or(0));
                    let rest = took.saturating_mul(LOAD_REST);
                    self.loading = Loading::Resting;
                    self.sleep(rest.clamp(LOAD_EVERY, MAX_LOAD_REST), Happened::Rested);
                }
                match *loaded {
                    Ok(loaded) => self.step(Event::Loaded(Box::new(loaded)), held)?,
                    // The end of the changes tells of it, and what there is is read when it is back.
                    Err(refusal) if refusal.code.starts_with("control::") => self.wanted = true,
                    Err(refusal) => self.step(Event::NotLoaded(refusal), held)?,
                }
            }
            Happened::Rested => self.loading = Loading::Idle,
            Happened::MayDraw => self.resting = false,
            Happened::Tick => {
                self.changed = true;
                let working = self.top.progress.working().next().is_some();
                let span = if working { TICK_WORKING } else { TICK_IDLE };
                self.sleep(span, Happened::Tick);
            }
            Happened::Again => self.subscribe(),
            Happened::Subscribed(_) => {}
        }
        Ok(())
    }

    /// One step of the page, and what is to be done for it.
    fn step(&mut self, event: Event, held: &mut Held) -> io::Result<()> {
        self.changed = true;
        let now_ms = self.now_ms();
        let zone = self.reader.zone.clone();
        for effect in self.top.step(event, now_ms, &zone) {
            match effect {
                Effect::Quit => self.quit = true,
                Effect::Load => self.wanted = true,
                Effect::Redraw => held.forget()?,
                Effect::Read(ticket, reading) => {
                    let lines = self.reader.clone().read(reading);
                    self.later(async move { Event::Text(ticket, lines.await) }.boxed_local());
                }
                Effect::Ask(asked, request) => {
                    let service = std::sync::Arc::clone(&self.reader.service);
                    let caller = self.reader.caller.clone();
                    let reply = async move { service.call(caller, *request).await };
                    self.later(async move { Event::Reply(asked, reply.await) }.boxed_local());
                }
            }
        }
        Ok(())
    }

    /// Awaits what becomes an event, unless too much is awaited already.
    fn later(&mut self, event: LocalBoxFuture<'static, Event>) {
        if self.pending.len() >= MAX_PENDING {
            let busy = Refusal::new(
                "cli::busy",
                "too much is awaited already",
                "wait for an answer, then try again",
            );
            let asked = Asked::Order(String::new());
            let told: Result<Reply, Refusal> = Err(busy);
            self.pending
                .push(std::future::ready(Happened::Step(Event::Reply(asked, told))).boxed_local());
            return;
        }
        self.pending.push(event.map(Happened::Step).boxed_local());
    }
}
