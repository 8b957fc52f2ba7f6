//! `center`: the way into Sync Center, and staying for as long as nobody else serves it.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::json;
use syncmgr_control::entry::EntryView;
use syncmgr_control::method::Access;
use syncmgr_control::{Changes, ExitCode, Refusal, Reply, Request};

use crate::interrupt::{Interrupt, Press};
use crate::talk::{Talk, Verdict, ask};
use crate::text::harmless;

/// How Sync Center is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// The most that who enters may do.
    pub(crate) scope: Access,
    /// Start a browser.
    pub(crate) browse: bool,
    /// Print the address and nothing else.
    pub(crate) print: bool,
}

/// Asks for a way in, shows it, and stays until Ctrl-C where no daemon serves the page.
pub(crate) async fn center(talk: &mut Talk, way: Way) -> Result<Verdict, Refusal> {
    // Heard from the beginning: what is served must also be closed.
    let mut presses = match &talk.keyboard {
        Some(keyboard) => keyboard.interrupts(),
        None => futures::stream::pending().boxed(),
    };
    let mut browse = way.browse && !way.print && !talk.screen.json();
    loop {
        let changes = talk.service.changes().await?;
        let request = Request::Enter { scope: way.scope };
        let entry = ask!(talk, request, Reply::Entry(entry) => entry);
        let opened = browse && talk.browse.as_ref().is_some_and(|open| open(&entry.enter));
        // What is entered anew is shown, not opened: the person may be elsewhere.
        browse = false;
        show(talk, &entry, way, opened);
        if entry.stays {
            return Ok(verdict("Sync Center is open.", &entry));
        }
        let ours = entry.process == std::process::id();
        if stay(talk, ours, changes, &mut presses).await? {
            return Ok(verdict("Sync Center is closed.", &entry));
        }
        talk.screen
            .remark("the command that served Sync Center ended; this one goes on");
    }
}

fn verdict(sentence: &str, entry: &EntryView) -> Verdict {
    Verdict::of_list(sentence, ExitCode::Good)
        .with("page", entry.page.clone())
        .with("stays", entry.stays)
}

fn show(talk: &mut Talk, entry: &EntryView, way: Way, opened: bool) {
    let screen = &mut talk.screen;
    screen.object(&json!({
        "enter": entry.enter,
        "page": entry.page,
        "scope": entry.scope,
        "lifeMs": entry.life_ms,
        "stays": entry.stays,
        "tokenFile": entry.token_file,
    }));
    screen.line(harmless(&entry.enter));
    if way.print || screen.json() || screen.quiet() {
        return;
    }
    let minutes = entry.life_ms / 60_000;
    let may = match entry.scope {
        Access::Read => ", who may only look",
        Access::Run => ", who may look and run",
        Access::Admin => "",
    };
    screen.remark(&if opened {
        "your browser opens it".to_owned()
    } else {
        format!("this address lets one browser in{may}, within {minutes} minutes")
    });
    if !entry.stays {
        screen.remark("no daemon runs, so this command serves it; Ctrl-C ends it");
    }
}

/// Stays until the person wants no more, which is true, or until the manager is gone. Where the manager is this very command,
/// what runs is stopped first.
async fn stay(
    talk: &mut Talk,
    ours: bool,
    mut changes: Changes,
    presses: &mut BoxStream<'static, ()>,
) -> Result<bool, Refusal> {
    let mut interrupt = Interrupt::Never;
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return Ok(interrupt != Interrupt::Never),
                Some(_) if interrupt == Interrupt::Never => {}
                Some(_) if is_quiet(talk).await? => return Ok(true),
                Some(_) => {}
            },
            Some(()) = presses.next() => {
                if !ours || is_quiet(talk).await? {
                    return Ok(true);
                }
                let (next, press) = interrupt.press();
                interrupt = next;
                talk.screen.remark(press.remark());
                if press == Press::Leave {
                    return Ok(true);
                }
                ask!(talk, Request::Stop { request: None }, Reply::Done { .. } => ());
            }
        }
    }
}

/// Nothing runs.
pub(crate) async fn is_quiet(talk: &Talk) -> Result<bool, Refusal> {
    let status = ask!(talk, Request::Status, Reply::Status(status) => status);
    Ok(status.running.is_empty())
}
