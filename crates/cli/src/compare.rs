//! `conflicts ID --diff`: what the versions of a conflict contain.

use syncmgr_control::compare::{ComparisonView, Content, ContentView, DifferenceView, Of};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::inbox::conflict_heading;
use crate::look::{Look, Mark};
use crate::talk::{Talk, Verdict, ask};
use crate::text::harmless;
use crate::when;

/// `conflicts ID --diff`
pub(crate) async fn compare(talk: &mut Talk, conflict: String) -> Result<Verdict, Refusal> {
    let view = ask!(talk, Request::Compare { conflict }, Reply::Comparison(view) => view);
    talk.screen.object(&view);
    let look = talk.screen.look;
    let heading = conflict_heading(&view.conflict, talk.now(), &talk.zone, &look);
    talk.screen.lines(heading);
    talk.screen.lines(lines(&view, &look));
    Ok(Verdict::of_list(
        "The conflict is open.",
        ExitCode::NeedsYou,
    ))
}

/// What the versions are, and how they differ.
pub(crate) fn lines(view: &ComparisonView, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for version in &view.versions {
        lines.extend(content_line(version));
    }
    for difference in &view.differences {
        lines.push(String::new());
        lines.extend(difference_lines(difference, look));
    }
    lines
}

/// What a version is where its lines do not tell; and that it is not the one any more that was found.
fn content_line(version: &ContentView) -> Option<String> {
    let size = version.size.map(when::size).unwrap_or_default();
    let mut what = match &version.content {
        Content::Text => String::new(),
        Content::Picture { media_type } => format!("a picture ({}), {size}", harmless(media_type)),
        Content::Binary => format!("neither a text nor a picture, {size}"),
        Content::TooLarge => format!("too large to compare, {size}"),
        Content::Deleted => "deleted".to_owned(),
        Content::Unreadable { why, hint } => {
            let hint = hint.as_deref().map(|hint| format!("; {}", harmless(hint)));
            format!("{}{}", harmless(why), hint.unwrap_or_default())
        }
    };
    if version.changed {
        let comma = if what.is_empty() { "" } else { ", " };
        what += comma;
        what += "changed since the conflict was found";
    }
    (!what.is_empty()).then(|| format!("    {}: {what}", harmless(&version.place)))
}

fn difference_lines(difference: &DifferenceView, look: &Look) -> Vec<String> {
    let to = harmless(&difference.to);
    let mut lines = Vec::new();
    match &difference.from {
        Some(from) if difference.hunks.is_empty() && difference.more == 0 => {
            lines.push(format!("{} and {to} say the same.", harmless(from)));
        }
        Some(from) => {
            lines.push(look.bold(&format!("--- {}", harmless(from))));
            lines.push(look.bold(&format!("+++ {to}")));
        }
        None => lines.push(look.bold(&format!("All of {to}:"))),
    }
    for hunk in &difference.hunks {
        if difference.from.is_some() {
            let at = format!("@@ -{} +{} @@", hunk.from_line, hunk.to_line);
            lines.push(look.paint(Mark::Working, &at));
        }
        for line in &hunk.lines {
            let text = harmless(&line.text.replace('\t', "    "));
            let text = format!("{}{text}", line.of.sign());
            lines.push(match line.of {
                Of::Both => text,
                Of::Removed => look.paint(Mark::Failed, &text),
                Of::Added => look.paint(Mark::Good, &text),
            });
        }
    }
    if difference.more > 0 {
        lines.push(look.dim(&format!(
            "and {}",
            when::count(difference.more, "more line")
        )));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAIN: Look = Look {
        columns: None,
        unicode: true,
        color: false,
    };

    fn view() -> ComparisonView {
        let version = |place: &str, content: serde_json::Value, changed: bool| json!({ "place": place, "size": 12_000_000, "changed": changed, "content": content });
        serde_json::from_value(json!({
            "conflict": {
                "id": "c", "handler": "folder", "item": "notes", "name": "a", "summary": "", "foundMs": 5, "versions": [], "choices": [],
            },
            "versions": [
                version("left", json!({ "is": "text" }), false),
                version("right", json!({ "is": "text" }), true),
                version("far\u{1b}[2J", json!({ "is": "too-large" }), false),
                version("gone", json!({ "is": "unreadable", "why": "no\u{202e}t there", "hint": "look" }), false),
            ],
            "differences": [{
                "from": "left", "to": "right", "added": 1, "removed": 1, "more": 2,
                "hunks": [{ "fromLine": 3, "toLine": 4, "lines": [
                    { "of": "both", "text": "\tsame" },
                    { "of": "removed", "text": "old\u{1b}[31m" },
                    { "of": "added", "text": "new" },
                ] }],
            }],
        }))
        .unwrap()
    }

    #[test]
    fn lines_are_harmless_whoever_made_them() {
        assert_eq!(
            lines(&view(), &PLAIN),
            [
                "    right: changed since the conflict was found",
                "    far\\x1b[2J: too large to compare, 12 MB",
                "    gone: no\\u{202e}t there; look",
                "",
                "--- left",
                "+++ right",
                "@@ -3 +4 @@",
                "     same",
                "-old\\x1b[31m",
                "+new",
                "and 2 more lines",
            ]
        );
    }

    #[test]
    fn colours_are_there_where_they_may_be() {
        let look = Look {
            color: true,
            ..PLAIN
        };
        let colored = lines(&view(), &look);
        assert!(colored.iter().any(|line| line.contains("\u{1b}[32m+new")));
        let plain = lines(&view(), &PLAIN);
        assert!(plain.iter().all(|line| !line.contains('\u{1b}')));
    }
}
