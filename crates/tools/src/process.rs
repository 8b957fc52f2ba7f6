//! Starts somebody else's program, hears what it prints, and sees to it that nothing of it stays.
//!
//! On Unix a program leads a session of its own, so that it never reaches the terminal of whoever started us; on Windows it has a
//! job of its own and no console window. What is left of it after it ended is ended too, also what went away by itself, as far as
//! the system tells: see [`adopt_orphans`].

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::lines::{LineEnd, Lines};
pub use crate::output::{Tail, text_of};
pub use crate::priority::IoClass;
use crate::recipe::Stream;
pub use crate::start::StartFault;
use crate::start::resolve;
use crate::sys::{Running, Woken};

/// A `Tick` comes at least so often.
const TICK: Duration = Duration::from_millis(100);
/// A line without end is told once it was quiet for so long.
const QUIET: Duration = Duration::from_millis(200);
/// So long after its end the output of a program, and what it started, may take to end too.
const GRACE: Duration = Duration::from_millis(500);
/// So long a killed process is waited for; one that does not end then hangs in the kernel, or is not ours to kill.
const DEATH: Duration = Duration::from_secs(5);
/// While it is waited for what is left, it is looked so often.
const LOOK: Duration = Duration::from_millis(5);
/// Orphans that ended are looked for so often during a run.
const REAP: Duration = Duration::from_secs(1);
/// So much is read at once: what a pipe of Linux holds.
const CHUNK_BYTES: usize = 64 << 10;
/// So much typed text waits for the program at most.
const TYPED_MAX_BYTES: usize = 64 << 10;
/// So many that were left behind are told.
const LEFT_MAX: usize = 32;

/// A program and how it is started.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The program and its arguments. A name without separator is searched in `PATH`; a relative path is meant from `directory`.
    pub argv: Vec<String>,
    /// Its working directory; absent: ours.
    pub directory: Option<PathBuf>,
    /// Variables beside those that it inherits and `LC_ALL=C.UTF-8`.
    pub environment: Vec<(String, String)>,
    /// What it reads; absent: nothing.
    pub input: Option<Vec<u8>>,
    /// It gets a pseudo-terminal, which echoes nothing. Both streams are then told as [`Stream::Stdout`].
    pub terminal: bool,
    /// As whom it runs; absent: as we do.
    pub user: Option<String>,
    /// Its niceness, from -20 to 19; absent: ours.
    pub nice: Option<i8>,
    /// How its reading and writing of disks is scheduled; absent: as ours.
    pub ionice: Option<IoClass>,
    /// To stop it, it is interrupted instead of told to terminate.
    pub interrupt: bool,
}

/// What a run may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// So long it may run.
    pub time: Option<Duration>,
    /// So many bytes it may print.
    pub output: Option<u64>,
    /// So long it has between being told to end and being killed.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: None,
            output: None,
            stop: Duration::from_secs(5),
        }
    }
}

/// What is heard of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A line that ended, without its end; one that is written over counts too.
    Line {
        /// Where it was printed.
        from: Stream,
        /// As it came: any bytes.
        text: &'a [u8],
        /// It was longer than [`crate::lines::LINE_MAX_BYTES`]; this is its beginning.
        cut: bool,
    },
    /// The last line has no end and stays quiet, as questions do. Told again when it grew.
    Unended {
        /// Where it was printed.
        from: Stream,
        /// All of it until now.
        text: &'a [u8],
        /// Since when nothing came.
        quiet: Duration,
    },
    /// Time passed.
    Tick,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Go,
    /// This is typed. Only a program with a terminal hears it: otherwise its input ended already.
    Type(Vec<u8>),
    /// The program is told to end. What it still prints is heard, but replies are ignored from now on.
    Stop(Why),
}

/// Why a program was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody wanted so.
    Cancelled,
    /// It ran longer than [`Limits::time`].
    TimeLimit,
    /// It printed more than [`Limits::output`]; what came beyond was thrown away.
    OutputLimit,
    /// It asked a question that nobody answers.
    Asked,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitOf {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A process that was still there after the program ended. It has been ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its number; 0 when nothing more is known than that it was there.
    pub pid: u32,
    /// What it is called, harmless; empty when that is not known.
    pub name: String,
}

/// A process that is left, as it is known to us.
#[derive(Debug)]
pub(crate) struct Remnant {
    pub(crate) who: Left,
    /// It belongs to the run for certain.
    pub(crate) certain: bool,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How the program itself ended.
    pub exit: ExitOf,
    /// Why it was stopped; absent: it ended by itself.
    pub why: Option<Why>,
    /// It, or something of it, had to be killed.
    pub killed: bool,
    /// Who stayed longer than half a second after a program that ended by itself, or had to be killed after one that was stopped.
    pub left_behind: Vec<Left>,
    /// From the start to the end of the program itself.
    pub lasted: Duration,
}

/// Makes what a program leaves behind ours, so that it is found wherever it went. Called once at the start of a process that
/// does nothing but [`perform`]: what it starts otherwise may be taken for something left behind.
///
/// Linux alone offers this; elsewhere only what stayed in the session of its program is found.
///
/// # Errors
/// The system refuses.
pub fn adopt_orphans() -> std::io::Result<()> {
    crate::sys::adopt_orphans()
}

/// Whether a process of this machine lives; one that only waits for its parent does not. `None`: that cannot be told.
pub fn is_alive(pid: u32) -> Option<bool> {
    crate::sys::is_alive(pid)
}

/// Carries a program out: it has ended, and with it all that it started, when this returns. `hear` is called on this thread.
///
/// # Errors
/// The program could not be started. Whatever it does once it runs is no error here.
pub fn perform(
    program: &Program,
    limits: &Limits,
    tail: &mut Tail,
    hear: &mut dyn FnMut(Heard<'_>) -> Reply,
) -> Result<Ended, StartFault> {
    let start = resolve(program)?;
    let begun = now();
    let running = Running::start(&start)?;
    let mut run = Run {
        running,
        limits,
        interrupt: program.interrupt,
        begun,
        ticked: begun,
        reaped: begun,
        ended: None,
        why: None,
        kill_at: None,
        killed: false,
        printed: 0,
        channels: [
            Channel::new(Stream::Stdout, begun),
            Channel::new(Stream::Stderr, begun),
        ],
        ear: Ear {
            tail,
            hear,
            answer: Answer::default(),
        },
        chunk: vec![0; CHUNK_BYTES],
    };
    while run.ended.is_none() && !run.is_given_up() {
        run.step(None);
    }
    let ended = run.ended.unwrap_or_else(now);
    let left_behind = run.finish(ended);
    Ok(Ended {
        exit: run.running.exit(),
        why: run.why,
        killed: run.killed,
        left_behind,
        lasted: ended.saturating_duration_since(begun),
    })
}

/// One run of a program.
struct Run<'a> {
    running: Running,
    limits: &'a Limits,
    interrupt: bool,
    begun: Instant,
    ticked: Instant,
    reaped: Instant,
    /// When the program itself ended.
    ended: Option<Instant>,
    why: Option<Why>,
    /// When it is killed, once it was told to end.
    kill_at: Option<Instant>,
    killed: bool,
    printed: u64,
    channels: [Channel; 2],
    ear: Ear<'a>,
    chunk: Vec<u8>,
}

/// One stream of output.
struct Channel {
    from: Stream,
    lines: Lines,
    /// When something came last.
    grown: Instant,
    /// So much of the line without end was told.
    told: usize,
}

impl Channel {
    fn new(from: Stream, now: Instant) -> Self {
        Self {
            from,
            lines: Lines::default(),
            grown: now,
            told: 0,
        }
    }

    /// When the line without end is to be told.
    fn due(&self) -> Option<Instant> {
        (self.lines.unended().len() > self.told).then(|| self.grown + QUIET)
    }
}

/// Where what was heard goes.
struct Ear<'a> {
    tail: &'a mut Tail,
    hear: &'a mut dyn FnMut(Heard<'_>) -> Reply,
    answer: Answer,
}

/// What `hear` wants to be done.
#[derive(Default)]
struct Answer {
    stop: Option<Why>,
    typed: Vec<u8>,
}

impl Ear<'_> {
    fn tell(&mut self, heard: Heard<'_>) {
        match (self.hear)(heard) {
            Reply::Go => {}
            Reply::Type(text) => {
                if self.answer.typed.len() + text.len() <= TYPED_MAX_BYTES {
                    self.answer.typed.extend_from_slice(&text);
                }
            }
            Reply::Stop(why) => {
                self.answer.stop.get_or_insert(why);
            }
        }
    }

    fn line(&mut self, from: Stream, text: &[u8], cut: bool, end: LineEnd) {
        // Programs begin to write over a line by going back first: that is no line.
        if text.is_empty() && end == LineEnd::Return {
            return;
        }
        self.tail.push(from, text, end);
        self.tell(Heard::Line { from, text, cut });
    }
}

impl Run<'_> {
    /// Waits for the next thing, at most until `until`, and deals with it.
    fn step(&mut self, until: Option<Instant>) {
        let before = now();
        let due = [
            until,
            self.kill_at.filter(|_| !self.killed),
            self.time_limit(),
        ]
        .into_iter()
        .flatten()
        .chain(self.channels.iter().filter_map(Channel::due))
        .fold(self.ticked + TICK, Instant::min);
        let wait = due.saturating_duration_since(before);
        match self.running.wait(&mut self.chunk, wait) {
            Woken::Output(from, length) => self.output(from, length),
            Woken::Closed(from) => self.close(from),
            Woken::Ended => self.ended = Some(now()),
            Woken::Nothing => {}
        }
        self.time(now());
        self.answer();
    }

    fn time_limit(&self) -> Option<Instant> {
        let limit = self
            .limits
            .time
            .filter(|_| self.why.is_none() && self.ended.is_none())?;
        self.begun.checked_add(limit)
    }

    fn output(&mut self, from: Stream, length: usize) {
        let chunk = self.chunk.get(..length).unwrap_or_default();
        self.printed = self.printed.saturating_add(length as u64);
        let over = self
            .limits
            .output
            .map_or(0, |limit| self.printed.saturating_sub(limit));
        let fits = length.saturating_sub(usize::try_from(over).unwrap_or(usize::MAX));
        let (heard, _) = chunk.split_at_checked(fits).unwrap_or((chunk, &[]));
        if !heard.is_empty() {
            let [stdout, stderr] = &mut self.channels;
            let channel = if from == Stream::Stdout {
                stdout
            } else {
                stderr
            };
            let ear = &mut self.ear;
            let mut lines = 0_u64;
            if channel.lines.begins_with_end_of_last(heard) {
                ear.tail.settle(from);
            }
            channel.lines.feed(heard, &mut |text, cut, end| {
                lines += 1;
                ear.line(from, text, cut, end);
            });
            if lines > 0 {
                channel.told = 0;
            }
            channel.grown = now();
        }
        if over > 0 {
            self.stop(Why::OutputLimit);
        }
    }

    fn close(&mut self, from: Stream) {
        let ear = &mut self.ear;
        for channel in self
            .channels
            .iter_mut()
            .filter(|channel| channel.from == from)
        {
            channel
                .lines
                .finish(&mut |text, cut, end| ear.line(from, text, cut, end));
        }
    }

    /// What is due at this moment.
    fn time(&mut self, now: Instant) {
        for channel in &mut self.channels {
            if channel.due().is_some_and(|due| due <= now) {
                let text = channel.lines.unended();
                channel.told = text.len();
                let quiet = now.saturating_duration_since(channel.grown);
                self.ear.tell(Heard::Unended {
                    from: channel.from,
                    text,
                    quiet,
                });
            }
        }
        if now.saturating_duration_since(self.ticked) >= TICK {
            self.ticked = now;
            self.ear.tell(Heard::Tick);
        }
        if now.saturating_duration_since(self.reaped) >= REAP {
            self.reaped = now;
            crate::sys::reap_orphans();
        }
        if self.time_limit().is_some_and(|limit| limit <= now) {
            self.stop(Why::TimeLimit);
        }
        if !self.killed && self.ended.is_none() && self.kill_at.is_some_and(|at| at <= now) {
            self.killed = true;
            self.running.kill();
        }
    }

    fn answer(&mut self) {
        let Answer { stop, typed } = std::mem::take(&mut self.ear.answer);
        if self.why.is_some() || self.ended.is_some() {
            return;
        }
        if !typed.is_empty() {
            self.running.write(&typed);
        }
        if let Some(why) = stop {
            self.stop(why);
        }
    }

    fn stop(&mut self, why: Why) {
        if self.why.is_none() && self.ended.is_none() {
            self.why = Some(why);
            self.kill_at = now().checked_add(self.limits.stop);
            if self.interrupt {
                self.running.interrupt();
            } else {
                self.running.terminate();
            }
        }
    }

    /// It was killed and is there all the same.
    fn is_given_up(&self) -> bool {
        self.killed
            && self
                .kill_at
                .is_some_and(|at| now().saturating_duration_since(at) >= DEATH)
    }

    /// Hears the rest, ends what is left, and answers who that was.
    fn finish(&mut self, ended: Instant) -> Vec<Left> {
        let mut told = Vec::new();
        if self.ended.is_none() {
            told.push(Left {
                pid: self.running.pid(),
                name: String::new(),
            });
        }
        // What was killed with the program may take a moment to be gone.
        let was_killed = self.killed;
        if self.why.is_none() {
            // Helpers end a little later, and pipes are not empty yet.
            while now().saturating_duration_since(ended) < GRACE {
                if !self.running.has_output() && self.running.left().is_empty() {
                    break;
                }
                self.step_briefly();
            }
            note(&mut told, self.running.left());
            if told.is_empty() && self.running.has_output() && self.running.left().is_empty() {
                told.push(Left {
                    pid: 0,
                    name: String::new(),
                });
            }
        }
        let stop_until = match self.kill_at {
            Some(at) => at,
            None => now() + self.limits.stop,
        };
        let mut kill_until = None;
        // Who hears nothing of an end loses its parent, becomes ours and is found then: until nobody comes any more.
        loop {
            let left = self.running.left();
            if left.is_empty()
                && (!self.running.has_output() || now().saturating_duration_since(ended) >= GRACE)
            {
                break;
            }
            let kill = now() >= stop_until;
            if kill && !left.is_empty() {
                if !was_killed {
                    note(&mut told, left);
                }
                self.killed = true;
                let until = *kill_until.get_or_insert_with(|| now() + DEATH);
                if now() >= until {
                    break;
                }
            } else if self.why.is_none() {
                note(&mut told, left);
            }
            self.running.end_left(kill);
            self.step_briefly();
        }
        self.close(Stream::Stdout);
        self.close(Stream::Stderr);
        told
    }

    fn step_briefly(&mut self) {
        let until = now() + LOOK;
        self.step(Some(until));
    }
}

/// Adds those that belong to the run and are not told yet.
fn note(told: &mut Vec<Left>, left: Vec<Remnant>) {
    for one in left
        .into_iter()
        .filter(|one| one.certain)
        .map(|one| one.who)
    {
        if told.len() < LEFT_MAX && !told.iter().any(|before| before.pid == one.pid) {
            told.push(one);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "limits, ticks and silence of a running program are measured here, and nothing is decided by them elsewhere"
)]
fn now() -> Instant {
    Instant::now()
}
