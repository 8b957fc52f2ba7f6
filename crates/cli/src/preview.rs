//! `plan`: what `sync` would do.

use std::path::Path;

use syncmgr_control::request::Pair;
use syncmgr_control::view::{ActionView, ItemPlanView};
use syncmgr_control::{Refusal, Reply, Request};

use crate::look::{Look, Mark};
use crate::question::word;
use crate::talk::{Talk, Verdict, ask};
use crate::target::Target;
use crate::text::{cut, harmless};
use crate::when;

/// `plan`
pub(crate) async fn plan(talk: &mut Talk, target: Target, limit: u32) -> Result<Verdict, Refusal> {
    let command = again(&target);
    let (names, pair) = match target {
        Target::Names(names) => (names, None),
        Target::Pair(left, right) => {
            let pair = Pair {
                left: as_text(&left)?,
                right: as_text(&right)?,
            };
            (Vec::new(), Some(pair))
        }
    };
    let request = Request::Plan { names, pair, limit };
    let plan = ask!(talk, request, Reply::Plan(plan) => plan);
    let look = talk.screen.look;
    let mut total: u64 = 0;
    let mut sums = Sums::default();
    let mut held = 0;
    let mut failed = 0;
    for item in &plan.items {
        talk.screen.object(item);
        talk.screen.lines(item_lines(item, &command, &look));
        total = total.saturating_add(item.total);
        sums.add(&Sums::of(item));
        held += u64::from(item.held.is_some());
        failed += u64::from(item.problem.is_some());
    }
    let mut sentence = if plan.items.is_empty() {
        "There is nothing to plan for.".to_owned()
    } else if total == 0 && held + failed > 0 {
        // What follows says why.
        String::new()
    } else if total == 0 {
        "Nothing would be done.".to_owned()
    } else {
        sums.sentence()
    };
    if held > 0 {
        sentence = format!(
            "{sentence} {} would be held by a question.",
            when::count(held, "item")
        );
    }
    if failed > 0 {
        sentence = format!(
            "{sentence} Of {} nothing can be said.",
            when::count(failed, "item")
        );
    }
    Ok(Verdict::said(sentence.trim_start(), plan.exit)
        .with("actions", total)
        .with("changes", sums.changes)
        .with("conflicts", sums.conflicts)
        .with("skipped", sums.skipped))
}

/// What the actions of a plan come to: only the changes among them would be made.
#[derive(Debug, Default)]
struct Sums {
    changes: u64,
    conflicts: u64,
    skipped: u64,
}

impl Sums {
    /// Of one item: from its actions where all are listed, else from its totals.
    fn of(item: &ItemPlanView) -> Self {
        let listed = |word: &str| {
            let number = item.actions.iter().filter(|action| action.action == word);
            u64::try_from(number.count()).unwrap_or(u64::MAX)
        };
        let (conflicts, skipped) = (listed("conflict"), listed("skip"));
        let shown = u64::try_from(item.actions.len()).unwrap_or(u64::MAX);
        if shown >= item.total {
            return Self {
                changes: item.total.saturating_sub(conflicts + skipped),
                conflicts,
                skipped,
            };
        }
        let counts = &item.counts;
        let conflicts = counts.conflicts.max(conflicts).min(item.total);
        let moved = counts
            .sent
            .saturating_add(counts.received)
            .saturating_add(counts.deleted);
        let rest = item.total - conflicts;
        // A handler may count nothing; then all but what is seen to be skipped is taken for a change.
        let changes = match moved {
            0 => rest.saturating_sub(skipped),
            moved => moved.min(rest),
        };
        Self {
            changes,
            conflicts,
            skipped: rest - changes,
        }
    }

    fn add(&mut self, more: &Self) {
        self.changes = self.changes.saturating_add(more.changes);
        self.conflicts = self.conflicts.saturating_add(more.conflicts);
        self.skipped = self.skipped.saturating_add(more.skipped);
    }

    /// What would be done, and what would not: `6 changes would be made; 3 conflicts wait.`
    fn sentence(&self) -> String {
        let mut sentence = match self.changes {
            0 => "Nothing would be done".to_owned(),
            some => format!("{} would be made", when::count(some, "change")),
        };
        if self.conflicts > 0 {
            let wait = if self.conflicts == 1 { "waits" } else { "wait" };
            sentence = format!(
                "{sentence}; {} {wait}",
                when::count(self.conflicts, "conflict")
            );
        }
        if self.skipped > 0 {
            sentence = format!("{sentence}; {} would be left out", self.skipped);
        }
        sentence + "."
    }
}

/// The command that plans for the same again.
fn again(target: &Target) -> String {
    let mut command = "syncmgr plan".to_owned();
    let mut add = |text: &str| {
        command += " ";
        command += &word(text);
    };
    match target {
        Target::Names(names) => names.iter().for_each(|name| add(name)),
        Target::Pair(left, right) => [left, right]
            .into_iter()
            .for_each(|path| add(&path.to_string_lossy())),
    }
    command
}

fn item_lines(item: &ItemPlanView, command: &str, look: &Look) -> Vec<String> {
    let mark = if item.problem.is_some() {
        Mark::Failed
    } else if item.held.is_some() || item.counts.conflicts > 0 {
        Mark::Question
    } else if item.total == 0 {
        Mark::Good
    } else {
        Mark::Waiting
    };
    let mut lines = vec![format!(
        "{} {}  {}",
        look.mark(mark),
        look.bold(&harmless(&item.name)),
        look.counts(&item.counts)
    )];
    lines.extend(look.sides(&item.counts).map(|sides| format!("    {sides}")));
    if let Some(problem) = &item.problem {
        lines.push(format!("    nothing can be said: {}", harmless(problem)));
    }
    if let Some(held) = &item.held {
        lines.push(format!("    would be held: {}", harmless(held)));
    }
    for action in &item.actions {
        lines.push(action_line(action, look));
    }
    let shown = u64::try_from(item.actions.len()).unwrap_or(u64::MAX);
    if item.total > shown {
        lines.push(look.dim(&format!(
            "    and {} more: {command} --limit {}",
            item.total - shown,
            item.total.min(u64::from(syncmgr_control::request::MAX_PAGE))
        )));
    }
    lines
}

fn action_line(action: &ActionView, look: &Look) -> String {
    let to = match action.to.as_deref() {
        Some("left") if look.unicode => "←".to_owned(),
        Some("left") => "<-".to_owned(),
        Some("right") if look.unicode => "→".to_owned(),
        Some("right") => "->".to_owned(),
        Some(other) => harmless(other),
        None => " ".to_owned(),
    };
    let mut line = format!(
        "    {to} {}  {}",
        harmless(&action.action),
        harmless(&action.name)
    );
    if action.bytes > 0 {
        line = format!("{line}  {}", when::size(action.bytes));
    }
    if let Some(reason) = &action.reason {
        line = format!("{line}  ({})", harmless(reason));
    }
    match look.columns {
        Some(columns) => cut(&line, columns, look.ellipsis()),
        None => line,
    }
}

fn as_text(path: &Path) -> Result<String, Refusal> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Refusal::new(
            "cli::path-not-text",
            format!("the path {} is not valid text", path.display()),
            "add the pair, which takes any path, and plan it by its name: syncmgr add folder LEFT RIGHT --name NAME",
        )
    })
}
