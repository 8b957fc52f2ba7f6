//! The terminal page in a real terminal: what a person types there and sees.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::sys_terminal::Seat;
use crate::world::{FOR_EVER, LOOK_EVERY, Running, World, until};

/// `syncmgr top` and whoever sits before it.
pub(crate) struct Page {
    child: Child,
    seat: Seat,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    root: String,
}

impl Page {
    pub(crate) fn open(world: &World, columns: u16, rows: u16) -> Self {
        Self::open_with(world, columns, rows, &[("TERM", "xterm-256color")])
    }

    fn open_with(world: &World, columns: u16, rows: u16, variables: &[(&str, &str)]) -> Self {
        let mut command = world.command(["top"]);
        command.envs(variables.iter().copied());
        Self::of(command, world, columns, rows)
    }

    /// A command in a terminal of its own.
    pub(crate) fn of(
        mut command: std::process::Command,
        world: &World,
        columns: u16,
        rows: u16,
    ) -> Self {
        let seat = Seat::of(&mut command, columns, rows).unwrap();
        let child = command.spawn().unwrap();
        // The program alone holds its end open: when it ends, reading ends.
        drop(command);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (mut from, seen, kept) = (
            seat.handle().unwrap(),
            Arc::clone(&screen),
            Arc::clone(&bytes),
        );
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut chunk) {
                seen.lock().unwrap().process(&chunk[..length]);
                kept.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
        });
        Self {
            child,
            seat,
            screen,
            bytes,
            root: world.root().display().to_string(),
        }
    }

    pub(crate) fn types(&self, keys: &str) -> &Self {
        let mut seat = self.seat.handle().unwrap();
        seat.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Gives the terminal another size. What is drawn for it is read only when the screen has it too.
    fn resize(&self, columns: u16, rows: u16) {
        let mut screen = self.screen.lock().unwrap();
        screen.screen_mut().set_size(rows, columns);
        self.seat.resize(columns, rows).unwrap();
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// The screen without what is different each time: where the world is, and how long it took to make it.
    fn picture(&self) -> String {
        let text = self.text().replace(&self.root, "/tmp/world");
        let lines = text.lines().map(|line| {
            let mut line = line.to_owned();
            for minutes in 1..10 {
                line = line.replace(&format!("{minutes} min ago"), "just now ");
            }
            // A question has as much room as its age leaves.
            if line.starts_with("? papers: ") {
                line.truncate(50);
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    pub(crate) fn shows(&self, part: &str) -> &Self {
        self.waits(part, |text| text.contains(part))
    }

    #[track_caller]
    pub(crate) fn no_longer_shows(&self, part: &str) -> &Self {
        self.waits(part, |text| !text.contains(part))
    }

    #[track_caller]
    fn waits(&self, what: &str, holds: impl Fn(&str) -> bool) -> &Self {
        let began = Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return self;
            }
            assert!(
                began.elapsed() < FOR_EVER,
                "waited for ever: {what}\n{text}"
            );
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Everything that was ever written to the terminal.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// It ends, and the terminal is as it was before.
    #[track_caller]
    pub(crate) fn ends(mut self) -> ExitStatus {
        let began = Instant::now();
        let ended = loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                break ended;
            }
            assert!(began.elapsed() < FOR_EVER, "never ends\n{}", self.text());
            std::thread::park_timeout(LOOK_EVERY);
        };
        until("the terminal is given back", || {
            let screen = self.screen.lock().unwrap();
            let screen = screen.screen();
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        assert!(self.seat.is_plain().unwrap());
        ended
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Three pairs: one in sync, one with two conflicts, one held by a question.
fn world() -> World {
    let world = World::new();
    for name in ["music", "notes", "papers"] {
        for number in 0..60 {
            world.write(format!("{name}/file-{number:02}"), format!("{number}\n"));
        }
        fs::create_dir(world.path(format!("usb-{name}"))).unwrap();
        let pair = [format!("./{name}"), format!("./usb-{name}")];
        world
            .run(["add", "folder", &pair[0], &pair[1], "--name", name])
            .exits(0);
    }
    world.run(["sync"]).exits(0);
    for number in [1, 2] {
        world.write(format!("notes/file-{number:02}"), "left and longer\n");
        world.write(format!("usb-notes/file-{number:02}"), "right\n");
    }
    for number in 0..58 {
        fs::remove_file(world.path(format!("usb-papers/file-{number:02}"))).unwrap();
    }
    world.run(["sync"]).exits(3);
    world
}

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

#[test]
fn everything_is_on_one_screen() {
    let world = world();
    let daemon = daemon(&world);
    let page = Page::open(&world, 80, 24);
    page.shows("papers waits for your answer.").shows("in sync");
    insta::assert_snapshot!("top-items", page.picture());
    page.types("3").shows("The right folder is");
    insta::assert_snapshot!("top-needs", page.picture());
    page.types("jj").shows("the left version goes to the right");
    page.types("2").shows("LAST RUNS");
    page.types("?")
        .shows("Keys")
        .types("\u{1b}")
        .no_longer_shows("Keys");
    page.types("1w").shows("Why: papers");
    page.types("\u{1b}").no_longer_shows("Why: papers");
    page.types("q");
    assert_eq!(page.ends().code(), Some(0));
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn items_are_run_conflicts_resolved_and_questions_answered() {
    let world = world();
    let daemon = daemon(&world);
    let page = Page::open(&world, 100, 30);
    page.shows("papers waits for your answer.");
    // The last one is in sync; something new is carried.
    world.write("music/new", "new\n");
    page.types("G\r").shows("music: succeeded");
    assert!(world.has("usb-music/new"));
    // Both conflicts: marked, the left version, a last look, done.
    page.types("3CM>").shows("2 marked, 2 chosen");
    page.types("\r")
        .shows("Resolve 2 conflicts?")
        .shows("left version goes to");
    assert_eq!(
        world.read("usb-notes/file-01"),
        "right\n",
        "nothing is done before"
    );
    page.types("\r").shows("2 conflicts resolved.");
    assert_eq!(world.read("usb-notes/file-01"), "left and longer\n");
    // The question: the second choice.
    page.types("C")
        .shows("58 of 60")
        .types("gg\r")
        .shows("bring them back");
    // That it is answered is told as well, until it is done, which may be at once.
    page.types("gj\r").shows("question 1: succeeded");
    until("the files are back", || world.has("usb-papers/file-00"));
    page.shows("Nothing waits for you.");
    page.shows("Everything is in sync.");
    page.types("\u{3}");
    assert_eq!(page.ends().code(), Some(0));
    drop(daemon);
}

/// Whoever reads a question that somebody else answers is told, and answers nothing.
#[test]
fn a_question_that_is_answered_elsewhere_goes() {
    let world = world();
    let daemon = daemon(&world);
    let page = Page::open(&world, 80, 24);
    page.shows("papers waits").types("3\r").shows("send answer");
    world.run(["answer", "1", "bring-back"]).exits(0);
    page.shows("was answered elsewhere")
        .no_longer_shows("send answer");
    page.types("q");
    page.ends();
    drop(daemon);
}

#[test]
fn a_filter_pause_and_a_new_size() {
    let world = world();
    let daemon = daemon(&world);
    let page = Page::open(&world, 80, 24);
    page.shows("papers waits").types("/mus").shows("1 of 3 fit");
    page.types("\r ")
        .shows("Pause music")
        .types("4")
        .shows("Paused until you resume it");
    page.shows("paused");
    page.resize(30, 5);
    page.shows("The window is too small.");
    page.resize(120, 40);
    page.shows("LAST GOOD").shows("? help");
    // Whatever else wrote on the terminal is gone after Ctrl-L.
    page.screen.lock().unwrap().process(b"\x1b[Hsomething else");
    page.shows("something else")
        .types("\u{c}")
        .no_longer_shows("something else");
    page.types("q");
    page.ends();
    drop(daemon);
}

#[test]
fn signals_give_the_terminal_back() {
    let world = world();
    let daemon = daemon(&world);
    for signal in [Signal::TERM, Signal::INT] {
        let page = Page::open(&world, 80, 24);
        page.shows("papers waits");
        page.signal(signal);
        assert_eq!(page.ends().code(), Some(0));
    }
    drop(daemon);
}

/// A shell with job control starts the page, goes on while it is suspended, and brings it back.
#[test]
fn a_page_that_is_suspended_gives_the_terminal_back_until_it_goes_on() {
    let world = world();
    let daemon = daemon(&world);
    let script = "set -m; \"$0\" top; echo the shell goes on; read line; fg; echo it ended";
    let top = world.command(["top"]);
    let mut shell = std::process::Command::new("/bin/sh");
    shell.env_clear();
    shell.args(["-c", script]).arg(top.get_program());
    let variables = top.get_envs();
    shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    shell.env("TERM", "xterm-256color");
    if let Some(place) = top.get_current_dir() {
        shell.current_dir(place);
    }
    let page = Page::of(shell, &world, 80, 24);
    page.shows("papers waits")
        .types("\u{1a}")
        .shows("the shell goes on");
    until("the terminal is the shell's", || {
        !page.screen.lock().unwrap().screen().alternate_screen()
    });
    assert!(page.seat.is_plain().unwrap());
    page.types("\n")
        .shows("papers waits")
        .types("2")
        .shows("LAST RUNS");
    page.types("q").shows("it ended");
    assert_eq!(page.ends().code(), Some(0));
    drop(daemon);
}

#[test]
fn the_page_waits_for_a_daemon_that_is_restarted() {
    let world = world();
    let first = daemon(&world);
    let page = Page::open(&world, 80, 24);
    page.shows("papers waits");
    first.signal(Signal::TERM);
    first.end().exits(0);
    page.shows("The manager is away, trying again.");
    // It does not take the daemon's place.
    let second = daemon(&world);
    page.no_longer_shows("away").shows("papers waits");
    page.types("2").shows("LAST RUNS").types("q");
    page.ends();
    drop(second);
}

#[test]
fn without_a_daemon_the_page_manages_by_itself_and_says_so() {
    let world = world();
    let page = Page::open(&world, 80, 24);
    page.shows("No daemon runs: nothing starts by itself.");
    world.write("music/new", "new\n");
    page.types("G\r").shows("music: succeeded");
    // Others are served meanwhile.
    world.run(["status"]).exits(3);
    page.types("q");
    assert_eq!(page.ends().code(), Some(0));
    world.is_quiet();
}

/// What runs in the page's own process would end with it: it is finished, or stopped by whoever does not wait.
#[test]
fn who_leaves_while_something_runs_in_the_page_is_told() {
    let world = World::new();
    let config = "[manager]\nstop_grace = \"1s\"\n".to_owned();
    world.configure(&(config + &World::handler("bad", "hang-synchronize")));
    world.run(["refresh", "bad"]).exits(0);
    let page = Page::open(&world, 80, 24);
    page.shows("Item 1")
        .types("\r")
        .shows("synchronizing")
        .types("q");
    page.shows("no daemon runs, so what runs is finished here; Ctrl-C stops it");
    page.types("\u{3}").shows("press Ctrl-C again to insist");
    assert_eq!(page.ends().code(), Some(0));
    world.run(["runs"]).exits(0).says("stopped");
    world.is_quiet();
}

#[test]
fn no_colour_and_no_terminal() {
    let world = world();
    let daemon = daemon(&world);
    let plain = [("TERM", "xterm"), ("NO_COLOR", "1")];
    let page = Page::open_with(&world, 80, 24, &plain);
    page.shows("papers waits")
        .types("3")
        .shows("The right folder is")
        .types("q");
    let bytes = Arc::clone(&page.bytes);
    page.ends();
    let text = String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
    let styles = text.split("\u{1b}[").skip(1).filter_map(|rest| {
        let (codes, _) = rest.split_once('m')?;
        codes
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b';')
            .then(|| codes.to_owned())
    });
    for codes in styles {
        // 39 and 49 are the colours that the terminal has by itself.
        for code in codes.split(';') {
            let number: u8 = code.parse().unwrap_or(0);
            assert!(number < 30 || [39, 49, 59].contains(&number), "{codes}");
        }
    }
    let page = Page::open_with(&world, 80, 24, &[("TERM", "dumb")]);
    page.shows("syncmgr status");
    assert_eq!(page.ends().code(), Some(4));
    world
        .run(["top"])
        .exits(4)
        .says("cli::no-terminal")
        .says("syncmgr status");
    drop(daemon);
}
