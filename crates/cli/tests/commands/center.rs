//! `center`: the way in, and staying where no daemon serves the page.

use std::sync::atomic::{AtomicUsize, Ordering};

use syncmgr_control::entry::EntryView;
use syncmgr_control::method::Access;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::fake::{Run, Stage};
use crate::samples;

fn entry(scope: Access, stays: bool, process: u32) -> Reply {
    Reply::Entry(EntryView {
        enter: "http://127.0.0.1:8384/enter?token=abc".to_owned(),
        page: "http://127.0.0.1:8384/".to_owned(),
        scope,
        life_ms: 120_000,
        stays,
        process,
        token_file: "/home/ada/run/center.token".to_owned(),
    })
}

#[test]
fn the_way_in_is_shown() {
    for (words, shown) in [
        ("center", "center"),
        ("center --scope read", "center-read"),
        ("center --print", "center-print"),
        ("center --json", "center-json"),
    ] {
        let done = Run::new(words)
            .manager(|request, _| match request {
                Request::Enter { scope } => Ok(entry(*scope, true, 1)),
                _ => Err(Refusal::new("a::test", "not this", "nothing")),
            })
            .go();
        assert_eq!(done.exit, ExitCode::Good, "{words}");
        insta::assert_snapshot!(shown, done.seen());
    }
}

/// Answers as a manager of this process or another one, in which a run goes on until it was told to stop twice.
fn without_a_daemon(
    process: u32,
    mut begins: impl FnMut(&Stage) + Send,
) -> impl FnMut(&Request, &Stage) -> Result<Reply, Refusal> + Send {
    let stops = AtomicUsize::new(0);
    move |request, stage| match request {
        Request::Enter { scope } => {
            begins(stage);
            Ok(entry(*scope, false, process))
        }
        Request::Stop { request: None } => {
            stops.fetch_add(1, Ordering::Relaxed);
            stage.press();
            stage.happens(syncmgr_control::What::ItemsChanged);
            Ok(Reply::Done { names: Vec::new() })
        }
        Request::Status => {
            let mut status = samples::status();
            status.running = if stops.load(Ordering::Relaxed) < 2 {
                vec![7]
            } else {
                Vec::new()
            };
            Ok(Reply::Status(Box::new(status)))
        }
        _ => Err(Refusal::new("a::test", "not this", "nothing")),
    }
}

#[test]
fn a_command_that_serves_the_page_stops_what_runs_before_it_ends() {
    let done = Run::new("center")
        .manager(without_a_daemon(std::process::id(), Stage::press))
        .go();
    assert_eq!(done.exit, ExitCode::Good);
    let stopped = |(_, request): &&(_, Request)| matches!(request, Request::Stop { .. });
    assert_eq!(done.asked.iter().filter(stopped).count(), 2);
    insta::assert_snapshot!("center-stopped", done.seen());
}

#[test]
fn what_another_command_does_is_left_alone_and_followed_by_this_one() {
    let mut times = 0;
    let done = Run::new("center")
        .manager(without_a_daemon(1, move |stage| {
            times += 1;
            if times == 1 {
                stage.hang_up();
            } else {
                stage.press();
            }
        }))
        .go();
    assert_eq!(done.exit, ExitCode::Good);
    let asked: Vec<_> = done.asked.iter().map(|(_, request)| request).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        done.errors.contains("ended; this one goes on"),
        "{}",
        done.errors
    );
}

#[test]
fn a_password_is_typed_twice_or_read_from_a_pipe() {
    let words = "center --set-password password";
    let secret = "correct horse battery";
    let typed = Run::new(words).types(&[secret, secret]).go();
    assert_eq!(typed.password.as_deref(), Some(secret));
    assert_eq!(typed.exit, ExitCode::Good);
    assert!(!typed.seen().contains("horse"), "{}", typed.seen());
    let differs = Run::new(words).types(&[secret, "another"]).go();
    assert_eq!(
        (differs.password, differs.exit),
        (None, ExitCode::CouldNotStart)
    );
    let mut piped = Run::new(words).types(&[secret]);
    piped.terminal.input = false;
    assert_eq!(piped.go().password.as_deref(), Some(secret));
    assert_eq!(Run::new(words).go().exit, ExitCode::CouldNotStart);
}
