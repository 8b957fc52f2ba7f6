//! Taking lines out of a crontab and bringing them back, byte for byte.
//!
//! A line that was imported stays where it is as a comment, below a line that names what it became:
//!
//! ```text
//! # syncmgr: imported as "notes"; `syncmgr import --undo` brings the next line back
//! #~ 0 3 * * * rsync -a /home/ada/notes nas:
//! ```
//!
//! Nothing else is remembered, so that whatever else somebody changes meanwhile stays as it is.

/// How the line begins that names what was made of the next one.
const MARKER: &[u8] = b"# syncmgr: imported as ";
/// How it ends.
const MARKER_END: &str = "; `syncmgr import --undo` brings the next line back";
/// What stands before the line itself.
const OUT: &[u8] = b"#~ ";

/// A line to be taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    /// The line without its end, exactly as it was read.
    pub line: Vec<u8>,
    /// The item that it became.
    pub item: String,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The new text.
    pub text: Vec<u8>,
    /// The items whose lines were found, in the order of the text.
    pub items: Vec<String>,
}

/// Comments lines out: of each that is wanted, the first one that is equal and not taken yet. One that is not there any
/// more is left out of the answer.
#[must_use]
pub fn comment_out(text: &[u8], mut wanted: Vec<Out>) -> Changed {
    let mut changed = Changed {
        text: Vec::with_capacity(text.len()),
        items: Vec::new(),
    };
    for whole in text.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = split_end(whole);
        if let Some(at) = wanted.iter().position(|out| out.line == line) {
            let out = wanted.remove(at);
            // The same end as the line's own; the last line may have none.
            let marker_end = if end.is_empty() { b"\n" } else { end };
            changed.text.extend_from_slice(MARKER);
            changed.text.extend_from_slice(named(&out.item).as_bytes());
            changed.text.extend_from_slice(MARKER_END.as_bytes());
            changed.text.extend_from_slice(marker_end);
            changed.text.extend_from_slice(OUT);
            changed.items.push(out.item);
        }
        changed.text.extend_from_slice(whole);
    }
    changed
}

/// Brings back what was commented out, all of it or only what became these items.
#[must_use]
pub fn bring_back(text: &[u8], only: Option<&[String]>) -> Changed {
    let mut changed = Changed {
        text: Vec::with_capacity(text.len()),
        items: Vec::new(),
    };
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(whole) = lines.next() {
        let item =
            marked(split_end(whole).0).filter(|item| only.is_none_or(|only| only.contains(item)));
        let next = lines.peek().and_then(|next| next.strip_prefix(OUT));
        match (item, next) {
            (Some(item), Some(line)) => {
                changed.text.extend_from_slice(line);
                changed.items.push(item);
                lines.next();
            }
            _ => changed.text.extend_from_slice(whole),
        }
    }
    changed
}

/// The items whose lines are commented out in a text, in its order.
#[must_use]
pub fn commented_out(text: &[u8]) -> Vec<String> {
    bring_back(text, None).items
}

/// A line and its end.
pub(crate) fn split_end(whole: &[u8]) -> (&[u8], &[u8]) {
    let end = if whole.ends_with(b"\r\n") {
        2
    } else {
        usize::from(whole.ends_with(b"\n"))
    };
    whole.split_at(whole.len() - end)
}

/// A name in quotes, on one line whatever it is.
fn named(item: &str) -> String {
    serde_json::Value::from(item).to_string()
}

/// The item that a marker names.
fn marked(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(MARKER)?;
    let name = std::str::from_utf8(rest).ok()?.strip_suffix(MARKER_END)?;
    serde_json::from_str(name).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn out(line: &str, item: &str) -> Out {
        Out {
            line: line.into(),
            item: item.to_owned(),
        }
    }

    #[test]
    fn a_line_becomes_a_comment_that_says_why() {
        let text = "MAILTO=x\n0 3 * * * a\n5 5 * * * b";
        let wanted = vec![
            out("5 5 * * * b", "b \"x\"\n"),
            out("gone", "c"),
            out("0 3 * * * a", "a"),
        ];
        let done = comment_out(text.as_bytes(), wanted);
        assert_eq!(
            String::from_utf8_lossy(&done.text),
            "MAILTO=x\n\
             # syncmgr: imported as \"a\"; `syncmgr import --undo` brings the next line back\n\
             #~ 0 3 * * * a\n\
             # syncmgr: imported as \"b \\\"x\\\"\\n\"; `syncmgr import --undo` brings the next line back\n\
             #~ 5 5 * * * b"
        );
        assert_eq!(done.items, ["a", "b \"x\"\n"]);
        let only = bring_back(&done.text, Some(&["a".to_owned()]));
        assert_eq!(only.items, ["a"]);
        assert!(only.text.starts_with(b"MAILTO=x\n0 3 * * * a\n# syncmgr"));
        assert_eq!(bring_back(&only.text, None).text, text.as_bytes());
    }

    #[test]
    fn of_equal_lines_each_is_taken_once() {
        let done = comment_out(b"x\nx\nx\n", vec![out("x", "a"), out("x", "b")]);
        assert_eq!(done.items, ["a", "b"]);
        assert!(done.text.ends_with(b"\nx\n"));
        assert_eq!(bring_back(&done.text, None).text, b"x\nx\nx\n");
    }

    #[test]
    fn a_marker_without_its_line_is_a_comment_like_others() {
        let done = comment_out(b"x\n", vec![out("x", "a")]);
        let torn: Vec<u8> = done
            .text
            .split_inclusive(|byte| *byte == b'\n')
            .next()
            .unwrap()
            .to_vec();
        assert_eq!(bring_back(&torn, None).text, torn);
        assert_eq!(bring_back(b"#~ x\n", None).text, b"#~ x\n");
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just(b"0 3 * * * a".to_vec()),
            Just(b"#~ x".to_vec()),
            Just(b"# syncmgr: x".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ];
        let end = prop_oneof![Just(&b"\n"[..]), Just(&b"\r\n"[..])];
        let lines = proptest::collection::vec((line, end), 0..8);
        (lines, any::<bool>()).prop_map(|(lines, ended)| {
            let mut text: Vec<u8> = lines
                .iter()
                .flat_map(|(line, end)| [line, *end].concat())
                .collect();
            if !ended && text.last() == Some(&b'\n') {
                text.pop();
            }
            text
        })
    }

    proptest! {
        #[test]
        fn undo_brings_back_every_byte(text in texts(), picks in proptest::collection::vec(any::<bool>(), 9)) {
            let lines = text.split_inclusive(|byte| *byte == b'\n');
            let wanted: Vec<Out> = lines
                .zip(picks)
                .filter(|(_, pick)| *pick)
                .enumerate()
                .map(|(at, (line, _))| Out { line: split_end(line).0.to_vec(), item: format!("item {at}") })
                .collect();
            let number = wanted.len();
            let done = comment_out(&text, wanted);
            prop_assert_eq!(done.items.len(), number);
            let back = bring_back(&done.text, None);
            prop_assert_eq!(back.items, done.items);
            prop_assert_eq!(back.text, text);
        }

        /// The model: a list of lines, each imported or not, between which others come and go.
        #[test]
        fn undo_brings_back_its_lines_whatever_else_changed(
            lines in proptest::collection::vec(("[a-z *#]{0,8}", any::<bool>(), proptest::option::of("[a-z ]{1,5}"), any::<bool>()), 1..8)
        ) {
            let text: String = lines.iter().map(|(line, ..)| format!("{line}\n")).collect();
            let wanted = lines.iter().filter(|(_, import, ..)| *import);
            let wanted: Vec<Out> = wanted.map(|(line, ..)| out(line, "it")).collect();
            let done = comment_out(text.as_bytes(), wanted);
            // Somebody removes lines that are not ours, and adds some before others that are not commented out.
            let mut edited = Vec::new();
            let mut model = String::new();
            let mut rest = done.text.split_inclusive(|byte| *byte == b'\n');
            let mut at = 0;
            while let Some(line) = rest.next() {
                let (_, _, added, removed) = &lines[at];
                at += 1;
                if let Some(added) = added {
                    edited.extend_from_slice(format!("{added}\n").as_bytes());
                    model.extend([added.as_str(), "\n"]);
                }
                if marked(split_end(line).0).is_some() {
                    let original = rest.next().unwrap();
                    edited.extend_from_slice(line);
                    edited.extend_from_slice(original);
                    model += std::str::from_utf8(&original[OUT.len()..]).unwrap();
                } else if !removed {
                    edited.extend_from_slice(line);
                    model += std::str::from_utf8(line).unwrap();
                }
            }
            prop_assert_eq!(bring_back(&edited, None).text, model.into_bytes());
        }
    }
}
