//! What is shown of the versions of a conflict, whatever they contain.
#![expect(clippy::unwrap_used, reason = "what is not shown ends the test")]

use std::time::{Duration, Instant};

use syncmgr_control::compare::{
    ComparisonView, Content, DifferenceView, MAX_LINE_CHARS, MAX_LINES, MAX_PICTURE_BYTES,
    MAX_TEXT_BYTES, Of, Read, compare,
};
use syncmgr_control::view::{ConflictView, VersionView};

fn conflict(places: &[&str]) -> ConflictView {
    let version = |place: &&str| VersionView {
        place: (*place).to_owned(),
        location: String::new(),
        deleted: false,
        kind: "file".to_owned(),
        size: None,
        modified_ms: None,
    };
    ConflictView {
        id: "c".to_owned(),
        handler: "folder".to_owned(),
        item: "notes".to_owned(),
        item_id: "NOTES".to_owned(),
        name: "a.txt".to_owned(),
        summary: String::new(),
        found_ms: 0,
        versions: places.iter().map(version).collect(),
        choices: Vec::new(),
        comparable: true,
    }
}

fn read(bytes: &[u8], modified_ms: i64) -> Read {
    Read::Beginning {
        bytes: bytes.get(..MAX_TEXT_BYTES).unwrap_or(bytes).to_vec(),
        total: u64::try_from(bytes.len()).unwrap(),
        modified_ms: Some(modified_ms),
        changed: false,
    }
}

/// Compares a left and a right version; the right one is the newest.
fn two(left: &[u8], right: &[u8]) -> ComparisonView {
    let conflict = conflict(&["left", "right"]);
    compare(conflict, &[read(left, 1), read(right, 2)], None)
}

/// The lines of a difference as `diff` would write them.
fn written(difference: &DifferenceView) -> Vec<String> {
    let hunks = difference.hunks.iter();
    hunks
        .flat_map(|hunk| {
            let head = format!("@@ {} {}", hunk.from_line, hunk.to_line);
            let lines = hunk.lines.iter();
            std::iter::once(head)
                .chain(lines.map(|line| format!("{}{}", line.of.sign(), line.text)))
        })
        .collect()
}

/// What a version is by its content alone.
fn is(bytes: &[u8]) -> Content {
    two(bytes, b"x").versions[0].content.clone()
}

#[test]
fn lines_that_differ_stand_in_three_lines_of_context() {
    let old: String = (1..=20).map(|line| format!("line {line}\n")).collect();
    let new = old
        .replace("line 2\n", "line two\n")
        .replace("line 18\n", "");
    let view = two(old.as_bytes(), new.as_bytes());
    let [difference] = view.differences.as_slice() else {
        panic!("{view:?}");
    };
    assert_eq!(
        (difference.from.as_deref(), difference.to.as_str()),
        (Some("left"), "right")
    );
    assert_eq!((difference.added, difference.removed), (1, 2));
    assert_eq!(
        written(difference),
        [
            "@@ 1 1",
            " line 1",
            "-line 2",
            "+line two",
            " line 3",
            " line 4",
            " line 5",
            "@@ 15 15",
            " line 15",
            " line 16",
            " line 17",
            "-line 18",
            " line 19",
            " line 20",
        ]
    );
}

#[test]
fn the_newest_is_what_the_others_are_compared_with() {
    let conflict = conflict(&["left", "middle", "right"]);
    let all = [read(b"a\n", 1), read(b"b\n", 9), read(b"c\n", 3)];
    let view = compare(conflict, &all, None);
    let pairs: Vec<_> = view
        .differences
        .iter()
        .map(|difference| (difference.from.as_deref().unwrap(), difference.to.as_str()))
        .collect();
    assert_eq!(pairs, [("left", "middle"), ("right", "middle")]);
}

#[test]
fn beside_a_deletion_the_other_is_shown_whole() {
    let view = compare(
        conflict(&["left", "right"]),
        &[read(b"one\ntwo\n", 1), Read::Deleted],
        None,
    );
    assert_eq!(view.versions[1].content, Content::Deleted);
    let [difference] = view.differences.as_slice() else {
        panic!("{view:?}");
    };
    assert_eq!(
        (difference.from.as_deref(), difference.to.as_str()),
        (None, "left")
    );
    assert_eq!(written(difference), ["@@ 1 1", " one", " two"]);
}

#[test]
fn what_a_version_is_is_told_by_its_content() {
    let picture = |media_type: &str| Content::Picture {
        media_type: media_type.to_owned(),
    };
    let wide = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    };
    for (name, bytes, expected) in [
        ("nothing", Vec::new(), Content::Text),
        ("UTF-8", "déjà vu\n".into(), Content::Text),
        (
            "Latin-1",
            b"un caf\xe9 au lait, s'il vous pla\xeet".to_vec(),
            Content::Text,
        ),
        ("UTF-16", wide("déjà vu\r\n"), Content::Text),
        ("a cut UTF-16", wide("ab")[..5].to_vec(), Content::Text),
        ("NUL", b"text\0text".to_vec(), Content::Binary),
        (
            "UTF-16 without its mark",
            wide("text")[2..].to_vec(),
            Content::Binary,
        ),
        (
            "control characters",
            b"\x01\x02\x03abcdefgh".to_vec(),
            Content::Binary,
        ),
        ("no UTF-8 at all", vec![0xfe; 100], Content::Binary),
        (
            "colours of a terminal",
            b"\x1b[31mred\x1b[0m is a colour".to_vec(),
            Content::Text,
        ),
        (
            "PNG",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
            picture("image/png"),
        ),
        ("JPEG", b"\xff\xd8\xff\xe0".to_vec(), picture("image/jpeg")),
        ("GIF", b"GIF89a".to_vec(), picture("image/gif")),
        (
            "WebP",
            b"RIFF\x01\0\0\0WEBPVP8 ".to_vec(),
            picture("image/webp"),
        ),
        // A picture that may carry scripts is shown as the text that it is.
        ("SVG", b"<svg onload='alert(1)'/>".to_vec(), Content::Text),
        ("HTML", b"<script>alert(1)</script>".to_vec(), Content::Text),
        (
            "a long text",
            vec![b'x'; MAX_TEXT_BYTES + 1],
            Content::TooLarge,
        ),
        ("a line of 10 MB", vec![b'x'; 10 << 20], Content::TooLarge),
        (
            "a long binary",
            vec![0; MAX_TEXT_BYTES + 1],
            Content::Binary,
        ),
    ] {
        assert_eq!(is(&bytes), expected, "{name}");
    }
    let large = Read::Beginning {
        bytes: b"GIF89a".to_vec(),
        total: MAX_PICTURE_BYTES + 1,
        modified_ms: None,
        changed: false,
    };
    let view = compare(conflict(&["left"]), &[large], None);
    assert_eq!(view.versions[0].content, Content::TooLarge);
}

#[test]
fn nothing_that_is_shown_is_obeyed() {
    let view = two(
        "\u{1b}]0;title\u{7}\tab\u{202e}c\u{85}\u{7f}\u{feff} and enough that is harmless\n"
            .as_bytes(),
        b"x\n",
    );
    let lines = written(&view.differences[0]);
    assert_eq!(
        lines[1],
        "-␛]0;title␇\tab\\u{202e}c\\u{85}␡\\u{feff} and enough that is harmless"
    );
    let bytes: Vec<u8> = (0..=255)
        .filter(|byte| *byte != 0)
        .cycle()
        .take(4_000)
        .collect();
    let mut text = b"plenty of harmless text around it ".repeat(1_000);
    text.extend(bytes);
    let shown = format!("{:?}", two(&text, b"x\n").differences[0].hunks.len());
    assert_eq!(shown, "1");
    for line in two(&text, b"x\n").differences[0]
        .hunks
        .iter()
        .flat_map(|hunk| &hunk.lines)
    {
        assert!(
            line.text.chars().all(|c| !c.is_control() || c == '\t'),
            "{line:?}"
        );
    }
}

#[test]
fn the_ends_of_lines_are_seen_where_they_differ() {
    let view = two(b"same\r\none\r\nlast", b"same\r\none\nlast\n");
    assert_eq!(
        written(&view.differences[0]),
        ["@@ 1 1", " same", "-one␍", "-last␃", "+one", "+last"]
    );
    let equal = two(b"one\n", b"one\n");
    assert_eq!(equal.differences[0].hunks, []);
}

#[test]
fn what_is_shown_is_bounded() {
    let long = "é".repeat(MAX_LINE_CHARS + 5);
    let view = two(long.as_bytes(), b"x");
    let line = &view.differences[0].hunks[0].lines[0];
    assert_eq!(line.text.chars().count(), MAX_LINE_CHARS + 2, "{line:?}");
    assert!(line.text.ends_with("…␃"), "{line:?}");

    let many: String = (0..5_000).map(|line| format!("{line}\n")).collect();
    let conflict = conflict(&["left", "middle", "right"]);
    let all = [read(b"a\n", 1), read(many.as_bytes(), 9), read(b"c\n", 3)];
    let view = compare(conflict, &all, None);
    let shown = |difference: &DifferenceView| {
        let lines = difference.hunks.iter().map(|hunk| hunk.lines.len());
        lines.sum::<usize>()
    };
    let [first, second] = view.differences.as_slice() else {
        panic!("{view:?}");
    };
    assert_eq!(
        (shown(first), first.more),
        (MAX_LINES, 5_001 - MAX_LINES as u64)
    );
    assert_eq!((shown(second), second.more), (0, 5_001));
    assert_eq!((second.added, second.removed), (5_000, 1));
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is tested"
)]
#[test]
fn texts_that_differ_everywhere_are_compared_in_bounded_time() {
    let text = |from: u32| -> Vec<u8> {
        let lines = (from..).step_by(2).map(|line| format!("{line:x}\n"));
        let mut text: String = lines.take(40_000).collect();
        text.truncate(MAX_TEXT_BYTES);
        text.into_bytes()
    };
    let began = Instant::now();
    let deadline = began + Duration::from_millis(50);
    let all = [read(&text(0), 1), read(&text(1), 2)];
    let view = compare(conflict(&["left", "right"]), &all, Some(deadline));
    let difference = &view.differences[0];
    assert!(difference.added > 30_000 && difference.removed > 30_000);
    // Generous: without the deadline it takes a hundred times as long.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn what_cannot_be_read_says_why_beside_what_can() {
    let refused = Read::Refused {
        why: "this version is not there any more".to_owned(),
        hint: None,
    };
    let view = compare(
        conflict(&["left", "right"]),
        &[refused, read(b"x\n", 1)],
        None,
    );
    assert!(
        matches!(&view.versions[0].content, Content::Unreadable { why, .. } if why.contains("not there"))
    );
    assert_eq!(view.differences[0].from, None);
    assert_eq!(view.differences[0].hunks[0].lines[0].of, Of::Both);
}
