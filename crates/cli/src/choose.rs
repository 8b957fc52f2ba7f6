//! `sync --ask`: the list of items to synchronize, with ticks, before anything begins (mobsync 4.3).

use std::time::Duration;

use syncmgr_control::view::ItemView;
use syncmgr_control::{Refusal, Reply, Request};

use crate::look::Look;
use crate::question::PROMPT;
use crate::register::handler_label;
use crate::talk::{Talk, ask};
use crate::text::{harmless, pad, width};
use crate::when;

/// Who types nothing for so long gets what is ticked.
const WITHIN: Duration = Duration::from_secs(60);
/// Most items in the list; of more, some are to be named.
const MAX_ITEMS: usize = 500;
/// Most lines that a person types before the list is taken as it is.
const MAX_LINES: usize = 1_000;

/// The items, each with its tick.
struct Choice {
    items: Vec<(ItemView, bool)>,
}

/// What a line does to the list.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Begin,
    Leave,
    Changed,
    Nonsense,
}

/// Lets the person tick what is to be synchronized: their names, or nothing when it was left. Where nobody can be asked, it
/// is as it is ticked.
pub(crate) async fn choose(
    talk: &mut Talk,
    names: Vec<String>,
) -> Result<Option<Vec<String>>, Refusal> {
    if !talk.interactive || talk.screen.json() {
        return Ok(Some(names));
    }
    let all = names.is_empty();
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
            "name some of them, a handler or a label: syncmgr sync --ask NAME",
        ));
    }
    // One handler after the other, as they are listed.
    items.sort_by(|a, b| a.handler.cmp(&b.handler));
    let ticked = |item: ItemView| {
        let ticked = item.checked || !all;
        (item, ticked)
    };
    let mut choice = Choice {
        items: items.into_iter().map(ticked).collect(),
    };
    let mut shown = false;
    for _ in 0..MAX_LINES {
        if !shown {
            for line in choice.lines(&talk.screen.aside, talk.now()) {
                talk.screen.remark(&line);
            }
            shown = true;
        }
        talk.screen.prompt(PROMPT);
        let line = match &mut talk.keyboard {
            Some(keyboard) => match tokio::time::timeout(WITHIN, keyboard.line()).await {
                Ok(line) => line.ok().flatten(),
                Err(_) => {
                    talk.screen.remark("");
                    Some(String::new())
                }
            },
            None => None,
        };
        let Some(line) = line else {
            // Nothing that follows may stand behind the prompt.
            talk.screen.remark("");
            return Ok(None);
        };
        match choice.take(&line) {
            Typed::Begin => break,
            Typed::Leave => return Ok(None),
            Typed::Changed => shown = false,
            Typed::Nonsense => talk
                .screen
                .remark("Type numbers, all, none, an empty line, or q."),
        }
    }
    let chosen = choice.names();
    Ok((!chosen.is_empty()).then_some(chosen))
}

impl Choice {
    fn lines(&self, look: &Look, now_ms: i64) -> Vec<String> {
        let mut lines = vec![look.bold("Items to synchronize")];
        let widest = self
            .items
            .iter()
            .map(|(item, _)| width(&harmless(&item.name)));
        let widest = widest.max().unwrap_or(0);
        let mut handler = None;
        for (at, (item, ticked)) in self.items.iter().enumerate() {
            if handler.replace(&item.handler) != Some(&item.handler) {
                let label = handler_label(&item.handler, &item.handler_name);
                lines.push(format!("  {}", harmless(label)));
            }
            let last = item.last_good_ms.map_or_else(
                || "never synchronized".to_owned(),
                |at_ms| when::ago(at_ms, now_ms),
            );
            lines.push(format!(
                "  [{}] {:>3}  {}  {}",
                if *ticked { 'x' } else { ' ' },
                at + 1,
                pad(&harmless(&item.name), widest),
                look.dim(&last)
            ));
        }
        lines.push(format!(
            "Type numbers to tick them or not, all or none; an empty line begins, and so does a silence of {} s; q leaves it.",
            WITHIN.as_secs()
        ));
        lines
    }

    fn take(&mut self, line: &str) -> Typed {
        match line.trim().to_lowercase().as_str() {
            "" => return Typed::Begin,
            "q" | "quit" => return Typed::Leave,
            word @ ("all" | "none") => {
                for (_, ticked) in &mut self.items {
                    *ticked = word == "all";
                }
                return Typed::Changed;
            }
            _ => {}
        }
        let words = line.split([' ', ',']).filter(|word| !word.is_empty());
        let numbers: Option<Vec<usize>> = words
            .map(|word| word.parse::<usize>().ok()?.checked_sub(1))
            .map(|at| at.filter(|at| *at < self.items.len()))
            .collect();
        let Some(numbers) = numbers else {
            return Typed::Nonsense;
        };
        for at in numbers {
            if let Some((_, ticked)) = self.items.get_mut(at) {
                *ticked = !*ticked;
            }
        }
        Typed::Changed
    }

    /// What is ticked, named so that it is nothing else's name.
    fn names(&self) -> Vec<String> {
        self.items
            .iter()
            .filter(|(_, ticked)| *ticked)
            .map(|(item, _)| format!("{}/{}", item.handler, item.id))
            .collect()
    }
}
