//! `refresh`: handlers are asked for their items again, and it is told what became of the lists.

use std::collections::BTreeMap;

use serde_json::json;
use syncmgr_control::registration::class;
use syncmgr_control::view::{HandlerView, ItemView, Outcome};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::follow::begin;
use crate::look::Mark;
use crate::register::handler_label;
use crate::sync::listed;
use crate::talk::{Talk, Verdict, ask};
use crate::text::{harmless, pad};
use crate::when;

/// Most changes that are shown of one list; programs are told all.
const MAX_SHOWN: usize = 100;

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    New,
    Changed,
    Gone,
}

impl Became {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// Items by handler and id.
type Items = BTreeMap<(String, String), ItemView>;

/// `refresh`
pub(crate) async fn refresh(talk: &mut Talk, names: Vec<String>) -> Result<Verdict, Refusal> {
    let handlers = ask!(talk, Request::Handlers, Reply::Handlers(view) => view.handlers);
    let chosen = chosen(&names, &handlers);
    let before = items(talk).await?;
    let mut worst = ExitCode::Good;
    let mut asked = Vec::new();
    let mut problems = Vec::new();
    for (name, handler) in &chosen {
        let request = Request::Refresh {
            handler: name.clone(),
        };
        let followed = begin(talk, request).await?;
        let label = handler.map_or(name.as_str(), |handler| {
            handler_label(&handler.id, &handler.name)
        });
        worst = worst.max(followed.outcome.exit());
        match followed.outcome {
            Outcome::Nothing | Outcome::Succeeded | Outcome::Warnings => {
                asked.push(label.to_owned());
            }
            _ if followed.left => {
                worst = worst.max(ExitCode::Failed);
                problems.push(format!("{} was not waited for", harmless(label)));
                break;
            }
            _ => problems.push(match &followed.problem {
                // It begins with the handler's name.
                Some(problem) => harmless(problem),
                None => format!("{} was not asked", harmless(label)),
            }),
        }
    }
    let after = items(talk).await?;
    let of = |item: &ItemView| {
        chosen
            .iter()
            .any(|(_, handler)| handler.is_none_or(|handler| handler.id == item.handler))
    };
    let changes = differences(&before, &after, of);
    tell(talk, &changes);
    let count = |what: Became| changes.iter().filter(|(became, _)| *became == what).count();
    let listed_items = after.values().filter(|item| of(item)).count();
    let mut words: Vec<String> = [Became::New, Became::Changed, Became::Gone]
        .into_iter()
        .filter(|what| count(*what) > 0)
        .map(|what| format!("{} {}", count(what), what.word()))
        .collect();
    if words.is_empty() {
        words.push("nothing changed".to_owned());
    }
    let sentence = if asked.is_empty() {
        format!("{}.", problems.join("; "))
    } else {
        let number = u64::try_from(listed_items).unwrap_or(u64::MAX);
        let mut sentence = format!(
            "{} listed {}: {}",
            listed(&asked),
            when::count(number, "item"),
            words.join(", ")
        );
        if !problems.is_empty() {
            sentence = format!("{sentence}; {}", problems.join("; "));
        }
        sentence + "."
    };
    let sentence = if chosen.is_empty() {
        "No handler is turned on.".to_owned()
    } else {
        sentence
    };
    let mut verdict = Verdict::said(sentence, worst)
        .with("new", count(Became::New))
        .with("changed", count(Became::Changed))
        .with("gone", count(Became::Gone));
    if worst != ExitCode::Good {
        verdict = verdict.suggest("syncmgr doctor");
    }
    Ok(verdict)
}

/// The handlers that are meant, each with what is known of it: all that are turned on where none is named.
fn chosen<'a>(
    names: &[String],
    handlers: &'a [HandlerView],
) -> Vec<(String, Option<&'a HandlerView>)> {
    if names.is_empty() {
        return handlers
            .iter()
            .filter(|handler| handler.enabled && handler.active)
            .map(|handler| (handler.id.clone(), Some(handler)))
            .collect();
    }
    let is = |handler: &&HandlerView, name: &str| {
        let of_class = class(name).is_some_and(|class| {
            handler.id == class || handler.registration.class.as_ref() == Some(&class)
        });
        of_class || handler.id.eq_ignore_ascii_case(name)
    };
    names
        .iter()
        .map(|name| {
            let named = |handler: &&HandlerView| handler.name.eq_ignore_ascii_case(name);
            let handler = handlers
                .iter()
                .find(|handler| is(handler, name))
                .or_else(|| handlers.iter().find(named));
            (name.clone(), handler)
        })
        .collect()
}

async fn items(talk: &Talk) -> Result<Items, Refusal> {
    let request = Request::List {
        names: Vec::new(),
        hidden: true,
    };
    let items = ask!(talk, request, Reply::Items(items) => items);
    Ok(items
        .into_iter()
        .map(|item| ((item.handler.clone(), item.id.clone()), item))
        .collect())
}

/// What a list says of an item, apart from how the item stands.
fn said(item: &ItemView) -> (&str, &str, bool) {
    (&item.name, &item.comment, item.checked)
}

fn differences(
    before: &Items,
    after: &Items,
    of: impl Fn(&ItemView) -> bool,
) -> Vec<(Became, ItemView)> {
    let mut changes = Vec::new();
    for (key, item) in after {
        let became = match before.get(key) {
            None => Became::New,
            Some(earlier) if said(earlier) != said(item) => Became::Changed,
            Some(_) => continue,
        };
        changes.push((became, item.clone()));
    }
    for (key, item) in before {
        if !after.contains_key(key) {
            changes.push((Became::Gone, item.clone()));
        }
    }
    changes.retain(|(_, item)| of(item));
    changes
}

fn tell(talk: &mut Talk, changes: &[(Became, ItemView)]) {
    const WIDTH: usize = 9;
    let look = talk.screen.look;
    for (became, item) in changes {
        talk.screen.object(&json!({
            "change": became.word(),
            "handler": item.handler,
            "id": item.id,
            "name": item.name,
            "comment": item.comment,
        }));
    }
    if talk.screen.quiet() {
        return;
    }
    for (became, item) in changes.iter().take(MAX_SHOWN) {
        let mut line = format!(
            "  {} {}{}",
            look.mark(Mark::Waiting),
            pad(became.word(), WIDTH),
            harmless(&item.name)
        );
        if !item.comment.is_empty() {
            line = format!("{line}  {}", look.dim(&harmless(&item.comment)));
        }
        talk.screen.line(line);
    }
    if changes.len() > MAX_SHOWN {
        talk.screen.line(format!(
            "  and {} more: syncmgr list --all",
            changes.len() - MAX_SHOWN
        ));
    }
}
