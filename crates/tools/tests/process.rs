//! Programs that behave, and programs that do not, are started, heard and ended. Each is a small shell script.
//!
//! The tests run on threads of one process, as runs of a handler do, and that process adopts orphans: whatever is left behind
//! here is found by the one who left it, while the others go on.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use syncmgr_tools::process::{
    Ended, ExitOf, Heard, IoClass, Left, Limits, Program, Reply, StartFault, Tail, Why,
    adopt_orphans, is_alive, perform,
};
use syncmgr_tools::recipe::Stream;

/// Held by all, so that a test that counts what the process has can be alone.
static TOGETHER: RwLock<()> = RwLock::new(());
static ADOPT: Once = Once::new();

fn together() -> RwLockReadGuard<'static, ()> {
    ADOPT.call_once(|| adopt_orphans().unwrap());
    TOGETHER.read().unwrap_or_else(PoisonError::into_inner)
}

fn shell(script: &str) -> Program {
    Program {
        argv: ["sh", "-c", script].map(str::to_owned).into(),
        ..Program::default()
    }
}

fn limits() -> Limits {
    // A test that hangs ends by this, and fails.
    Limits {
        time: Some(Duration::from_secs(60)),
        ..Limits::default()
    }
}

/// What was heard of a program.
#[derive(Debug)]
struct Told {
    ended: Ended,
    lines: Vec<(Stream, String)>,
    unended: Vec<String>,
    tail: Tail,
}

impl Told {
    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// It ended by itself and left nobody behind.
    fn is_clean(&self, code: i32) {
        assert_eq!(self.ended.exit, ExitOf::Code(code), "{self:?}");
        assert_eq!(self.ended.why, None, "{self:?}");
        assert!(
            !self.ended.killed && self.ended.left_behind.is_empty(),
            "{self:?}"
        );
    }
}

fn run_with(program: &Program, limits: &Limits, mut reply: impl FnMut(Heard<'_>) -> Reply) -> Told {
    let mut tail = Tail::new();
    let (mut lines, mut unended) = (Vec::new(), Vec::new());
    let ended = perform(program, limits, &mut tail, &mut |heard| {
        match heard {
            Heard::Line { from, text, .. } => {
                lines.push((from, String::from_utf8_lossy(text).into_owned()))
            }
            Heard::Unended { text, quiet, .. } => {
                assert!(quiet >= Duration::from_millis(200));
                unended.push(String::from_utf8_lossy(text).into_owned());
            }
            Heard::Tick => {}
        }
        reply(heard)
    });
    Told {
        ended: ended.unwrap(),
        lines,
        unended,
        tail,
    }
}

fn run(script: &str) -> Told {
    run_with(&shell(script), &limits(), |_| Reply::Go)
}

/// The numbers of processes that a script printed as its lines.
fn pids(told: &Told) -> Vec<u32> {
    told.texts()
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}

fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is measured how long runs take"
    )]
    Instant::now()
}

#[test]
fn exit_codes_and_signals_are_told() {
    let _together = together();
    run("exit 0").is_clean(0);
    run("exit 75").is_clean(75);
    let killed = run("kill -9 $$");
    assert_eq!(killed.ended.exit, ExitOf::Signal(9));
    assert_eq!(killed.ended.why, None);
    assert!(!killed.ended.killed);
}

#[test]
fn both_streams_are_heard_with_their_names() {
    let _together = together();
    let told = run("echo one; echo two >&2; printf three");
    told.is_clean(0);
    let of = |stream| {
        told.lines
            .iter()
            .filter(|(from, _)| *from == stream)
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), ["one", "three"]);
    assert_eq!(of(Stream::Stderr), ["two"]);
    assert_eq!(
        told.tail.text().lines().collect::<BTreeSet<_>>(),
        BTreeSet::from(["one", "two", "three"])
    );
}

#[test]
fn the_environment_is_ours_with_a_plain_language() {
    let _together = together();
    let told = run("echo $LC_ALL; echo $PATH; cat");
    told.is_clean(0);
    assert_eq!(told.texts().first(), Some(&"C.UTF-8"));
    assert!(!told.texts()[1].is_empty());
    let mut program = shell("echo $LC_ALL $OWN; pwd");
    program.environment = vec![("LC_ALL".into(), "C".into()), ("OWN".into(), "a b".into())];
    program.directory = Some("/".into());
    let told = run_with(&program, &limits(), |_| Reply::Go);
    assert_eq!(told.texts(), ["C a b", "/"]);
}

#[test]
fn input_is_read_to_its_end_however_long() {
    let _together = together();
    let mut program = shell("wc -c");
    program.input = Some(vec![b'x'; 3_000_000]);
    let told = run_with(&program, &limits(), |_| Reply::Go);
    assert_eq!(told.texts().concat().trim(), "3000000");
    // Nobody reads it.
    program.argv = vec!["true".into()];
    run_with(&program, &limits(), |_| Reply::Go).is_clean(0);
    // Empty input is an end as well.
    program.argv = vec!["cat".into()];
    program.input = Some(Vec::new());
    run_with(&program, &limits(), |_| Reply::Go).is_clean(0);
}

#[test]
fn progress_that_is_written_over_is_heard_line_by_line() {
    let _together = together();
    let told = run(r"printf '\r10%%\r50%%\r100%%\r\ndone\r\n'");
    assert_eq!(told.texts(), ["10%", "50%", "100%", "done"]);
    assert_eq!(told.tail.text(), "100%\ndone\n");
}

#[test]
fn a_line_of_ten_megabytes_and_garbage_do_no_harm() {
    let _together = together();
    let mut cut = Vec::new();
    let script = r"head -c 10000000 /dev/zero; printf '\nnext\n\377\376\033[31m\000bell\007\n'";
    let told = run_with(&shell(script), &limits(), |heard| {
        if let Heard::Line {
            text, cut: is_cut, ..
        } = heard
        {
            cut.push((text.len(), is_cut));
        }
        Reply::Go
    });
    told.is_clean(0);
    assert_eq!(cut, [(64 << 10, true), (4, false), (13, false)]);
    assert!(
        told.tail.text().ends_with("next\n\u{fffd}\u{fffd}bell\n"),
        "{:?}",
        told.tail.last_lines(2)
    );
}

#[test]
fn a_question_without_an_end_is_heard_once_and_can_end_the_run() {
    let _together = together();
    let mut program = shell("printf 'Password: '; read x; echo got $x; printf more; sleep 60");
    program.terminal = true;
    let told = run_with(&program, &limits(), |heard| match heard {
        Heard::Unended {
            text: b"Password: ",
            ..
        } => Reply::Type(b"secret\n".to_vec()),
        Heard::Unended { text: b"more", .. } => Reply::Stop(Why::Asked),
        _ => Reply::Go,
    });
    // The answer is not echoed: that it stands here is the program's own doing.
    assert_eq!(told.texts(), ["Password: got secret", "more"]);
    assert_eq!(told.unended, ["Password: ", "more"]);
    assert_eq!(told.ended.why, Some(Why::Asked));
    assert!(!told.ended.killed);
}

#[test]
fn the_terminal_is_there_only_where_it_is_offered() {
    let _together = together();
    let mut program = shell(
        "test -t 0 && echo terminal; exec 2>/dev/null; if echo asked >/dev/tty; then echo open; else echo none; fi",
    );
    let told = run_with(&program, &limits(), |_| Reply::Go);
    assert_eq!(told.texts(), ["none"]);
    program.terminal = true;
    let told = run_with(&program, &limits(), |_| Reply::Go);
    assert_eq!(told.texts(), ["terminal", "asked", "open"]);
    assert_eq!(told.ended.left_behind, []);
}

#[test]
fn what_hangs_is_ended_at_its_time_and_what_ignores_that_is_killed() {
    let _together = together();
    let limits = Limits {
        time: Some(Duration::from_millis(200)),
        output: None,
        stop: Duration::from_millis(300),
    };
    let told = run_with(&shell("sleep 100"), &limits, |_| Reply::Go);
    assert_eq!(
        (told.ended.exit, told.ended.why, told.ended.killed),
        (ExitOf::Signal(15), Some(Why::TimeLimit), false)
    );
    let told = run_with(
        &shell("trap '' TERM; echo ready; while :; do sleep 1; done"),
        &limits,
        |_| Reply::Go,
    );
    assert_eq!(
        (told.ended.exit, told.ended.why, told.ended.killed),
        (ExitOf::Signal(9), Some(Why::TimeLimit), true)
    );
    assert!(
        told.ended.lasted >= Duration::from_millis(500)
            && told.ended.lasted < Duration::from_secs(10)
    );
}

#[test]
fn a_run_is_cancelled_at_the_next_tick_and_may_end_in_its_own_way() {
    let _together = together();
    let begun = now();
    let mut ready = false;
    let told = run_with(
        &shell("trap 'echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.05; done"),
        &limits(),
        |heard| {
            match heard {
                Heard::Line { text: b"ready", .. } => ready = true,
                Heard::Tick if ready => return Reply::Stop(Why::Cancelled),
                _ => {}
            }
            Reply::Go
        },
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The shell may say something of its own meanwhile.
    assert_eq!(
        (told.texts().first(), told.texts().last()),
        (Some(&"ready"), Some(&"cleaned"))
    );
    assert_eq!(
        (told.ended.exit, told.ended.why, told.ended.killed),
        (ExitOf::Code(3), Some(Why::Cancelled), false)
    );
}

#[test]
fn a_flood_ends_at_its_limit() {
    let _together = together();
    let mut heard_bytes = 0;
    let limits = Limits {
        output: Some(1_000_000),
        ..limits()
    };
    let told = run_with(&shell("yes 0123456789"), &limits, |heard| {
        if let Heard::Line { text, .. } = heard {
            heard_bytes += text.len() + 1;
        }
        Reply::Go
    });
    assert_eq!(told.ended.why, Some(Why::OutputLimit));
    // The last line may be half there.
    assert!(
        (1_000_000..=1_000_001).contains(&heard_bytes),
        "{heard_bytes}"
    );
}

#[test]
fn what_cannot_be_started_says_why() {
    let _together = together();
    let fault = |program: &Program| {
        let mut tail = Tail::new();
        let fault = perform(program, &limits(), &mut tail, &mut |_| Reply::Go).unwrap_err();
        assert!(!fault.hint().is_empty() && !fault.code().is_empty());
        assert!(tail.is_empty());
        fault
    };
    let named = |name: &str| Program {
        argv: vec![name.to_owned()],
        ..Program::default()
    };
    assert!(matches!(fault(&Program::default()), StartFault::Nothing));
    let missing = fault(&named("surely-not-there"));
    assert!(matches!(&missing, StartFault::Missing { program } if program == "surely-not-there"));
    assert_eq!(
        missing.to_string(),
        "the program `surely-not-there` was not found"
    );
    assert!(matches!(
        fault(&named("./surely/not-there")),
        StartFault::Missing { .. }
    ));

    let directory = tempfile::tempdir().unwrap();
    let mut program = shell("true");
    program.directory = Some(directory.path().join("none"));
    assert!(matches!(fault(&program), StartFault::Directory { .. }));
    let script = directory.path().join("script");
    std::fs::write(&script, "#!/surely/not-there\n").unwrap();
    assert!(matches!(
        fault(&named(script.to_str().unwrap())),
        StartFault::NotExecutable { .. }
    ));
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        fault(&named(script.to_str().unwrap())),
        StartFault::NotExecutable { .. }
    ));

    // It is searched where its own environment says, and from its own directory.
    std::fs::write(&script, "#!/bin/sh\necho $0\n").unwrap();
    let mut program = named("script");
    program.environment = vec![("PATH".into(), directory.path().to_str().unwrap().into())];
    let told = run_with(&program, &limits(), |_| Reply::Go);
    assert_eq!(told.texts(), [script.to_str().unwrap()]);
    let mut program = named("./script");
    program.directory = Some(directory.path().to_owned());
    assert_eq!(run_with(&program, &limits(), |_| Reply::Go).lines.len(), 1);
}

#[test]
fn nobody_runs_as_a_user_that_is_not_there() {
    let _together = together();
    for user in ["surely-not-there", "-x", ""] {
        let program = Program {
            user: Some(user.to_owned()),
            ..shell("true")
        };
        let fault = perform(&program, &limits(), &mut Tail::new(), &mut |_| Reply::Go).unwrap_err();
        assert!(matches!(fault, StartFault::User { .. }), "{fault}");
    }
}

#[test]
fn who_is_left_behind_is_told_and_ended() {
    let _together = together();
    // In the group, with and without the pipe.
    for script in ["sleep 100 & echo $!", "sleep 100 >/dev/null 2>&1 & echo $!"] {
        let told = run(script);
        assert_eq!(told.ended.exit, ExitOf::Code(0));
        assert_eq!(told.ended.left_behind.len(), 1, "{script}: {told:?}");
        assert_eq!(is_alive(pids(&told)[0]), Some(false), "{script}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    #[test]
    fn who_went_away_is_found_wherever_it_went() {
        let _together = together();
        // Each tells its number by a pipe with a name, so that it is away before the program ends.
        let scripts = [
            // A session of its own, with and without the output.
            "setsid sh -c 'echo $$ >$d/f; exec sleep 100' &",
            "setsid sh -c 'echo $$ >$d/f; exec sleep 100 >/dev/null 2>&1' &",
            // Forked twice.
            "(setsid sh -c 'echo $$ >$d/f; exec sleep 100 >/dev/null 2>&1' &)",
            // It ignores being told to end.
            "setsid sh -c 'trap \"\" TERM; echo $$ >$d/f; exec >/dev/null 2>&1; while :; do sleep 1; done' &",
            // A child of one that went away.
            "setsid sh -c 'sleep 100 & echo $! >$d/f; wait' &",
        ]
        .map(|away| format!("export d=$(mktemp -d); mkfifo $d/f; {away} read pid <$d/f; rm -r $d; echo $pid"))
        .map(|script| script.replace(") read", "); read"));
        let limits = Limits {
            stop: Duration::from_millis(500),
            ..limits()
        };
        for script in &scripts {
            let told = run_with(&shell(script), &limits, |_| Reply::Go);
            assert_eq!(told.ended.exit, ExitOf::Code(0), "{script}");
            assert!(!told.ended.left_behind.is_empty(), "{script}: {told:?}");
            let gone = pids(&told);
            assert_eq!(gone.len(), 1, "{script}: {told:?}");
            assert_eq!(is_alive(gone[0]), Some(false), "{script}: {told:?}");
            assert_eq!(
                told.ended.killed,
                script.contains("trap"),
                "{script}: {told:?}"
            );
        }
    }

    #[test]
    fn who_went_away_ends_with_a_run_that_is_stopped() {
        let _together = together();
        let told = run_with(
            &shell("setsid sh -c 'echo $$; exec sleep 100' & wait"),
            &limits(),
            |heard| match heard {
                Heard::Line { .. } => Reply::Stop(Why::Cancelled),
                _ => Reply::Go,
            },
        );
        assert_eq!(told.ended.why, Some(Why::Cancelled));
        assert_eq!(told.ended.left_behind, []);
        assert_eq!(is_alive(pids(&told)[0]), Some(false));
        assert!(!told.ended.killed);
    }

    #[test]
    fn nobody_ends_what_another_run_started() {
        let _together = together();
        std::thread::scope(|scope| {
            for number in 0..10 {
                scope.spawn(move || {
                    // One that goes away at once, whose name is its own; and then the run goes on for a while.
                    let script = format!(
                        "setsid sh -c 'echo $$; exec sleep 10{number}' & sleep 0.{number}; kill -0 $! || echo lost"
                    );
                    let told = run(&script);
                    assert_eq!(told.ended.exit, ExitOf::Code(0), "{told:?}");
                    assert!(!told.texts().contains(&"lost"), "{told:?}");
                    let pid = pids(&told)[0];
                    let left: Vec<&Left> = told.ended.left_behind.iter().filter(|left| left.pid != pid).collect();
                    assert!(left.is_empty(), "{told:?}");
                    assert_eq!(told.ended.left_behind.len(), 1, "{told:?}");
                    assert_eq!(told.ended.left_behind[0].name, "sleep");
                    assert_eq!(is_alive(pid), Some(false));
                });
            }
        });
    }

    #[test]
    fn whose_run_cannot_be_told_ends_with_the_last() {
        drop(together());
        let _alone = TOGETHER.write().unwrap_or_else(PoisonError::into_inner);
        let directory = tempfile::tempdir().unwrap();
        let busy = directory.path().join("busy");
        std::fs::write(&busy, "").unwrap();
        let script = format!(
            "echo ready; while [ -e {} ]; do sleep 0.02; done",
            busy.display()
        );
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let last = scope.spawn(move || {
                run_with(&shell(&script), &limits(), |heard| {
                    if matches!(heard, Heard::Line { .. }) {
                        ready.send(()).unwrap();
                    }
                    Reply::Go
                })
            });
            is_ready.recv().unwrap();
            let away = "env -i setsid sh -c 'echo $$ >&3; exec 3>&-; exec sleep 100' & read pid <$d/f; rm -r $d; echo $pid";
            let told = run(&format!(
                "export d=$(mktemp -d); mkfifo $d/f; exec 3<>$d/f; exec >/dev/null 2>&1; {}",
                away.replace("; echo $pid", "; exit $((pid > 0 ? 0 : 1))")
            ));
            told.is_clean(0);
            // The one that goes on, and the one that went away.
            assert_eq!(orphans_now(), 2);
            std::fs::remove_file(&busy).unwrap();
            // It is no fault of the last.
            last.join().unwrap().is_clean(0);
            assert_eq!(orphans_now(), 0);
        });
    }

    /// Children of ours that live.
    fn orphans_now() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let lists = tasks
            .flatten()
            .map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
        lists.map(|list| list.split_whitespace().count()).sum()
    }

    #[test]
    fn nothing_of_many_runs_stays() {
        drop(together());
        let _alone = TOGETHER.write().unwrap_or_else(PoisonError::into_inner);
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let children = || -> String {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap();
            tasks
                .flatten()
                .map(|task| {
                    std::fs::read_to_string(task.path().join("children")).unwrap_or_default()
                })
                .collect()
        };
        let before = descriptors();
        assert_eq!(children(), "");
        let mut program = shell("echo a; echo b >&2; (exit 0) & setsid true & sleep 100 &");
        for terminal in [false, true] {
            program.terminal = terminal;
            for _ in 0..3 {
                run_with(&program, &limits(), |_| Reply::Go);
            }
        }
        let missing = Program {
            argv: vec!["surely-not-there".into()],
            ..Program::default()
        };
        perform(&missing, &limits(), &mut Tail::new(), &mut |_| Reply::Go).unwrap_err();
        assert_eq!(descriptors(), before);
        assert_eq!(children(), "");
    }

    #[test]
    fn orphans_that_end_during_a_run_are_reaped() {
        let _together = together();
        // It waits until the number of the orphan is gone, not only its life.
        let told = run(
            "pid=$(sh -c 'setsid true >/dev/null & echo $!'); while kill -0 $pid 2>/dev/null; do sleep 0.05; done; echo gone",
        );
        told.is_clean(0);
        assert_eq!(told.texts(), ["gone"]);
    }

    #[test]
    fn a_program_has_its_priorities() {
        let _together = together();
        let program = Program {
            nice: Some(7),
            ionice: Some(IoClass::Idle),
            ..shell("nice; ionice")
        };
        let told = run_with(&program, &limits(), |_| Reply::Go);
        assert_eq!(told.texts(), ["7", "idle"]);
    }
}
