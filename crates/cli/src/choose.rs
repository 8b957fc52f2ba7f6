//! "Items to Synchronize" on the command line: the list with ticks before anything begins (mobsync 4.1), for `sync --ask`
//! and for questions that are such a list.

use std::time::Duration;

use syncmgr_control::offer::{OfferView, OfferedHandlerView, OfferedRow};
use syncmgr_control::view::ItemView;
use syncmgr_control::{Refusal, Reply, Request};

use crate::question::PROMPT;
use crate::talk::{Talk, ask};
use crate::ticks::{Stands, Ticks};

/// Who types nothing for so long gets what is ticked, where he asked himself.
const WITHIN: Duration = Duration::from_secs(60);
/// Most named items in the list.
const MAX_ITEMS: usize = 500;
/// Most lines that a person types before the list is left.
const MAX_LINES: usize = 1_000;

/// What becomes of a tick that is taken here.
pub(crate) const LASTS: &str =
    "What is unticked stays out of a plain sync until: syncmgr tick NAME";

/// What came of a list.
#[derive(Debug, PartialEq)]
pub(crate) enum Choice {
    /// What is ticked is to begin.
    Begin(Ticks),
    /// It is closed, and nothing begins.
    Closed,
    /// It was left as it is.
    Left,
}

/// What a line does to the list.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Begin,
    Close,
    Leave,
    Changed,
    Nonsense,
}

/// Lets the person tick what is to be synchronized: what is to be asked for then, or nothing when it was left. Where nobody
/// can be asked, it is as it is ticked.
pub(crate) async fn choose(
    talk: &mut Talk,
    names: Vec<String>,
) -> Result<Option<Request>, Refusal> {
    let may_bother_user = talk.interactive && !talk.screen.json();
    let sync = |names| Request::Sync {
        names,
        may_bother_user,
    };
    if !may_bother_user {
        return Ok(Some(sync(names)));
    }
    let all = names.is_empty();
    let offer = if all {
        ask!(talk, Request::Offer { need: None }, Reply::Offer(offer) => offer)
    } else {
        named(talk, names).await?
    };
    Ok(match tick(talk, offer, Some(WITHIN)).await {
        Choice::Begin(ticks) if all => Some(ticks.request()),
        Choice::Begin(ticks) => Some(sync(ticks.picks())),
        Choice::Closed | Choice::Left => None,
    })
}

/// The list of what was named, all of it ticked.
async fn named(talk: &Talk, names: Vec<String>) -> Result<OfferView, Refusal> {
    let request = Request::List {
        names,
        hidden: false,
    };
    let mut items = ask!(talk, request, Reply::Items(items) => items);
    items.retain(|item| item.enabled);
    if items.len() > MAX_ITEMS {
        return Err(Refusal::new(
            "cli::too-many-to-choose",
            format!("{} items are too many to choose among", items.len()),
            "name fewer of them, a handler or a label: syncmgr sync --ask NAME",
        ));
    }
    // One handler after the other, as they are listed.
    items.sort_by(|a, b| a.handler.cmp(&b.handler));
    let mut offer = OfferView::default();
    for item in items {
        match offer.handlers.last_mut() {
            Some(last) if last.handler == item.handler => last.rows.push(row(item)),
            _ => offer.handlers.push(OfferedHandlerView {
                handler: item.handler.clone(),
                name: item.handler_name.clone(),
                rows: vec![row(item)],
                rest: None,
            }),
        }
    }
    Ok(offer)
}

fn row(item: ItemView) -> OfferedRow {
    OfferedRow {
        // Named so that it is nothing else's name.
        pick: format!("{}/{}", item.handler, item.id),
        name: item.name,
        ticked: true,
        last_good_ms: item.last_good_ms,
        count: 1,
        properties: item.properties,
    }
}

/// Shows a list and has it ticked. A silence begins what is ticked where it may; else the person is waited for.
pub(crate) async fn tick(talk: &mut Talk, offer: OfferView, silence: Option<Duration>) -> Choice {
    let is_question = offer.need.is_some();
    let mut ticks = Ticks::new(offer);
    let mut shown = false;
    for _ in 0..MAX_LINES {
        if !shown {
            show(talk, &ticks, silence);
            shown = true;
        }
        talk.screen.prompt(PROMPT);
        let line = match (&mut talk.keyboard, silence) {
            (Some(keyboard), Some(within)) => {
                match tokio::time::timeout(within, keyboard.line()).await {
                    Ok(line) => line.ok().flatten(),
                    Err(_) => {
                        talk.screen.remark("");
                        Some(String::new())
                    }
                }
            }
            (Some(keyboard), None) => keyboard.line().await.ok().flatten(),
            (None, _) => None,
        };
        let Some(line) = line else {
            // Nothing that follows may stand behind the prompt.
            talk.screen.remark("");
            return Choice::Left;
        };
        match take(&mut ticks, &line) {
            // With nothing ticked there is nothing to begin.
            Typed::Begin if ticks.any() => return Choice::Begin(ticks),
            Typed::Begin if is_question => {
                talk.screen
                    .remark("Nothing is ticked. Type c to close the list.");
            }
            Typed::Begin | Typed::Close => return Choice::Closed,
            Typed::Leave => return Choice::Left,
            Typed::Changed => shown = false,
            Typed::Nonsense => talk
                .screen
                .remark("Type numbers, all, none, an empty line, c or q."),
        }
    }
    Choice::Left
}

fn show(talk: &mut Talk, ticks: &Ticks, silence: Option<Duration>) {
    let (look, now_ms) = (talk.screen.aside, talk.now());
    let mut lines = vec![look.bold("Items to synchronize")];
    lines.extend(
        ticks
            .order()
            .into_iter()
            .map(|stands| ticks.line(stands, &look, now_ms)),
    );
    let silence = silence.map_or_else(String::new, |within| {
        format!(", and so does a silence of {} s", within.as_secs())
    });
    lines.push(format!(
        "Type numbers to tick them or not, all or none; an empty line begins{silence}; c closes it, q leaves it."
    ));
    if ticks.offer().lasts {
        lines.push(LASTS.to_owned());
    }
    for line in lines {
        talk.screen.remark(&line);
    }
}

fn take(ticks: &mut Ticks, line: &str) -> Typed {
    match line.trim().to_lowercase().as_str() {
        "" => return Typed::Begin,
        "c" | "close" => return Typed::Close,
        "q" | "quit" => return Typed::Leave,
        word @ ("all" | "none") => {
            ticks.set_all(word == "all");
            return Typed::Changed;
        }
        _ => {}
    }
    let words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let numbers: Option<Vec<usize>> = words
        .map(|word| word.parse::<usize>().ok()?.checked_sub(1))
        .map(|at| at.filter(|at| *at < ticks.rows()))
        .collect();
    let Some(numbers) = numbers else {
        return Typed::Nonsense;
    };
    for at in numbers {
        ticks.toggle(Stands::Row(at));
    }
    Typed::Changed
}
