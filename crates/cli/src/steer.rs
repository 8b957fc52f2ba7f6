//! Short orders, and what the manager is made of: `pause`, `resume`, `stop`, `doctor` and their like.

use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::talk::{Talk, Verdict, ask};
use crate::text::{harmless, wrap};
use crate::when;

/// Sends an order that is done at once, and says to what it was done.
pub(crate) async fn order(
    talk: &mut Talk,
    request: Request,
    done: &str,
    nothing: &str,
) -> Result<Verdict, Refusal> {
    let names = ask!(talk, request, Reply::Done { names } => names);
    let sentence = if names.is_empty() {
        nothing.to_owned()
    } else {
        format!("{done}: {}.", names.join(", "))
    };
    Ok(Verdict::said(sentence, ExitCode::Good).with("names", names))
}

/// `remove`
pub(crate) async fn remove(talk: &mut Talk, name: String) -> Result<Verdict, Refusal> {
    let request = Request::RemoveItem { name };
    let (names, rules) = ask!(talk, request, Reply::Removed { names, rules } => (names, rules));
    Ok(removed("Removed", names, rules))
}

/// What was removed, and the rules that went with it.
pub(crate) fn removed(done: &str, names: Vec<String>, rules: Vec<String>) -> Verdict {
    let mut sentence = format!("{done}: {}", names.join(", "));
    if !rules.is_empty() {
        let word = if rules.len() == 1 { "rule" } else { "rules" };
        sentence = format!("{sentence}, and with it the {word} {}", rules.join(", "));
    }
    let verdict = Verdict::said(harmless(&format!("{sentence}.")), ExitCode::Good);
    verdict.with("names", names).with("rules", rules)
}

/// `doctor`
pub(crate) async fn doctor(talk: &mut Talk) -> Result<Verdict, Refusal> {
    let view = ask!(talk, Request::Doctor, Reply::Doctor(view) => view);
    let look = talk.screen.look;
    let mut wrong = 0;
    for check in &view.checks {
        talk.screen.object(check);
        let good = check.result == ExitCode::Good;
        wrong += u64::from(!good);
        if good && talk.screen.quiet() {
            continue;
        }
        let name = harmless(&check.name);
        let text = format!("{name}: {}", harmless(&check.text));
        let columns = look.wrap_columns().saturating_sub(4).max(20);
        for (index, line) in wrap(&text, columns).into_iter().enumerate() {
            let line = match line.strip_prefix(&name) {
                Some(rest) if index == 0 => {
                    let mark = look.mark(Mark::of_exit(check.result));
                    format!("{mark} {}{rest}", look.bold(&name))
                }
                _ => format!("    {line}"),
            };
            talk.screen.line(line);
        }
        if let Some(hint) = &check.hint {
            talk.screen.wrapped(4, &harmless(hint));
        }
    }
    let sentence = if wrong == 0 {
        format!(
            "All {} are good.",
            when::count(
                u64::try_from(view.checks.len()).unwrap_or(u64::MAX),
                "check"
            )
        )
    } else {
        format!("{} found something.", when::count(wrong, "check"))
    };
    Ok(Verdict::said(sentence, view.exit))
}
