//! `sync --then`: what becomes of the machine after a synchronization.

use std::time::Duration;

use clap::ValueEnum;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use syncmgr_control::ExitCode;

use crate::screen::Screen;
use crate::talk::Verdict;
use crate::world::Program;

/// What a verdict has that ended because a person stopped it or went away from it.
pub(crate) const STOPPED: &str = "stopped";

/// How long a person has to think otherwise.
const COUNTDOWN: u32 = 10;

/// What becomes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Departure {
    /// It is sent to sleep.
    Suspend,
    /// It is switched off.
    Poweroff,
}

/// What is to follow a synchronization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Then {
    /// What.
    pub(crate) departure: Departure,
    /// Also when it did not end well.
    pub(crate) anyway: bool,
}

impl Departure {
    fn word(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Poweroff => "poweroff",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Suspend => "sleeps",
            Self::Poweroff => "is switched off",
        }
    }
}

/// Sends the machine away if that was wished for such an end; says in the verdict what became of it. `presses` are there
/// where a person can think otherwise. One who stopped the synchronization wants to stay.
pub(crate) async fn depart(
    then: Then,
    mut verdict: Verdict,
    presses: Option<BoxStream<'static, ()>>,
    program: &dyn Program,
    screen: &mut Screen,
) -> Verdict {
    let word = then.departure.word();
    let stopped = verdict.more.contains_key(STOPPED);
    if stopped || (verdict.exit != ExitCode::Good && !then.anyway) {
        verdict.sentence = format!(
            "{} The machine stays on: not everything ended well.",
            verdict.sentence
        );
        return verdict.with("then", "stayed");
    }
    if let Some(presses) = presses
        && !count_down(then.departure, presses, screen).await
    {
        verdict.sentence = format!("{} The machine stays on, as you wished.", verdict.sentence);
        return verdict.with("then", "stayed");
    }
    match program.leave(then.departure).await {
        Ok(()) => verdict.with("then", word),
        Err(refusal) => {
            let causes = refusal.causes.join(": ");
            verdict.sentence = format!("{} But {}: {causes}.", verdict.sentence, refusal.message);
            verdict.exit = verdict.exit.max(ExitCode::Failed);
            verdict.with("then", "failed")
        }
    }
}

/// Counts down; answers whether nobody thought otherwise.
async fn count_down(
    departure: Departure,
    mut presses: BoxStream<'static, ()>,
    screen: &mut Screen,
) -> bool {
    screen.remark(&format!(
        "The machine {} in {COUNTDOWN} seconds; Ctrl-C keeps it on.",
        departure.sentence()
    ));
    let over = tokio::time::sleep(Duration::from_secs(u64::from(COUNTDOWN)));
    tokio::select! {
        pressed = presses.next() => pressed.is_none(),
        () = over => true,
    }
}
