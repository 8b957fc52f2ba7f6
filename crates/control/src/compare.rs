//! What the versions of a conflict contain, made comparable: line by line where they are texts, side by side where they are
//! pictures. What is read is hostile; what is shown is bounded and harmless.

use std::borrow::Cow;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, capture_diff_slices_deadline, group_diff_ops};

use crate::view::ConflictView;

/// Longest text that is compared, in bytes; of what is longer only the beginning needs to be read.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// Largest picture that is shown, in bytes.
pub const MAX_PICTURE_BYTES: u64 = 4 << 20;

/// Most lines that one comparison shows, over all versions.
pub const MAX_LINES: usize = 2_000;

/// Longest line that is shown, in characters; a longer one is cut.
pub const MAX_LINE_CHARS: usize = 1_000;

/// Lines shown around what differs.
const CONTEXT: usize = 3;

/// The versions of a conflict, and how they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ComparisonView {
    /// The conflict.
    pub conflict: ConflictView,
    /// What each version is, in the order of the conflict's.
    pub versions: Vec<ContentView>,
    /// Each text against the newest one; a text without another is shown whole.
    pub differences: Vec<DifferenceView>,
}

/// What one version is by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContentView {
    /// Its place, as the conflict names it.
    pub place: String,
    /// How many bytes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// It is not the version any more that the conflict was found with.
    #[serde(default)]
    pub changed: bool,
    /// What it is.
    pub content: Content,
}

/// What a version is by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Content {
    /// A text that is among the differences.
    Text,
    /// A picture that can be asked for.
    Picture {
        /// Its media type, by its first bytes.
        media_type: String,
    },
    /// Neither text nor picture.
    Binary,
    /// A text or picture that is too large to be shown.
    TooLarge,
    /// Deleted there.
    Deleted,
    /// It could not be read.
    Unreadable {
        /// Why.
        why: String,
        /// What may be done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

/// How one text differs from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DifferenceView {
    /// The place of the version whose lines are missing in the other; absent where the other is shown whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The place of the newest version.
    pub to: String,
    /// Lines that only the newest has.
    pub added: u64,
    /// Lines that only the other has.
    pub removed: u64,
    /// The parts that differ; none: both say the same.
    pub hunks: Vec<HunkView>,
    /// How many further lines are not shown.
    pub more: u64,
}

/// Lines that stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HunkView {
    /// The number of its first line in the one version.
    pub from_line: u64,
    /// The number of its first line in the other.
    pub to_line: u64,
    /// The lines.
    pub lines: Vec<LineView>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// Which version has it.
    pub of: Of,
    /// What it says, harmless.
    pub text: String,
}

/// Which version has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Both.
    Both,
    /// Only the older one.
    Removed,
    /// Only the newest.
    Added,
}

impl Of {
    /// The sign in front of such a line.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// A picture among the versions of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PictureView {
    /// Its media type, by its first bytes.
    pub media_type: String,
    /// The picture in base 64.
    pub content: String,
}

/// What was read of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Nothing: it is deleted there.
    Deleted,
    /// Nothing: why, and what may be done.
    Refused {
        /// Why.
        why: String,
        /// What may be done.
        hint: Option<String>,
    },
    /// Its beginning, of at most [`MAX_TEXT_BYTES`].
    Beginning {
        /// The bytes.
        bytes: Vec<u8>,
        /// How many the whole version has.
        total: u64,
        /// When it was modified.
        modified_ms: Option<i64>,
        /// It is not the version any more that the conflict was found with.
        changed: bool,
    },
}

/// Compares what was read of the versions of a conflict, in their order. Where texts differ so much that it takes until
/// `deadline`, the rest is told as wholly different.
#[must_use]
pub fn compare(conflict: ConflictView, read: &[Read], deadline: Option<Instant>) -> ComparisonView {
    let versions: Vec<ContentView> = conflict
        .versions
        .iter()
        .zip(read)
        .map(|(version, read)| content_view(version.place.clone(), read))
        .collect();
    let texts: Vec<(&ContentView, Cow<'_, str>)> = versions
        .iter()
        .zip(read)
        .filter_map(|(view, read)| match read {
            Read::Beginning { bytes, .. } if view.content == Content::Text => {
                Some((view, text_of(bytes)?))
            }
            _ => None,
        })
        .collect();
    let differences = differences(&texts, deadline);
    ComparisonView {
        conflict,
        versions,
        differences,
    }
}

fn content_view(place: String, read: &Read) -> ContentView {
    let (content, size, modified_ms, changed) = match read {
        Read::Deleted => (Content::Deleted, None, None, false),
        Read::Refused { why, hint } => {
            let (why, hint) = (why.clone(), hint.clone());
            (Content::Unreadable { why, hint }, None, None, false)
        }
        Read::Beginning {
            bytes,
            total,
            modified_ms,
            changed,
        } => (
            content_of(bytes, *total),
            Some(*total),
            *modified_ms,
            *changed,
        ),
    };
    ContentView {
        place,
        size,
        modified_ms,
        changed,
        content,
    }
}

/// What a version is, by its beginning and its size.
fn content_of(bytes: &[u8], total: u64) -> Content {
    if let Some(media_type) = picture(bytes) {
        if total > MAX_PICTURE_BYTES {
            return Content::TooLarge;
        }
        let media_type = media_type.to_owned();
        return Content::Picture { media_type };
    }
    match text_of(bytes) {
        None => Content::Binary,
        Some(_) if usize::try_from(total).is_ok_and(|total| total <= bytes.len()) => Content::Text,
        Some(_) => Content::TooLarge,
    }
}

/// The media type of a picture, by its first bytes. What can carry scripts, such as SVG, is none.
#[must_use]
pub fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// The bytes as a text, where they are one: without NUL, and at most a tenth of it control characters. UTF-16 is known by
/// its mark; what is not UTF-8 is shown with replacements.
fn text_of(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        let units = units.map(|pair| of([pair[0], pair[1]]));
        let read = char::decode_utf16(units);
        Cow::Owned(
            read.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        )
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    };
    let controls = text
        .chars()
        .filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
    let replaced = text.matches(char::REPLACEMENT_CHARACTER).count();
    let count = text.chars().count();
    let is_text = !text.contains('\0') && (controls.count() + replaced) * 10 <= count;
    is_text.then_some(text)
}

fn differences(
    texts: &[(&ContentView, Cow<'_, str>)],
    deadline: Option<Instant>,
) -> Vec<DifferenceView> {
    // Of equal times the last one: some version must be the one that others are compared with.
    let Some((newest, (to, text))) = texts
        .iter()
        .enumerate()
        .max_by_key(|(_, (view, _))| view.modified_ms)
    else {
        return Vec::new();
    };
    let new: Vec<&str> = text.split_inclusive('\n').collect();
    let mut room = MAX_LINES;
    if texts.len() == 1 {
        return vec![whole(to.place.clone(), &new, &mut room)];
    }
    texts
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != newest)
        .map(|(_, (from, text))| {
            let old: Vec<&str> = text.split_inclusive('\n').collect();
            let found = between(&old, &new, deadline, &mut room);
            DifferenceView {
                from: Some(from.place.clone()),
                to: to.place.clone(),
                ..found
            }
        })
        .collect()
}

/// A text that there is no other to compare with.
fn whole(to: String, lines: &[&str], room: &mut usize) -> DifferenceView {
    let shown: Vec<LineView> = lines
        .iter()
        .take(*room)
        .map(|line| line_view(Of::Both, line))
        .collect();
    *room -= shown.len();
    let more = count(lines.len() - shown.len());
    let hunks = if shown.is_empty() {
        Vec::new()
    } else {
        vec![HunkView {
            from_line: 1,
            to_line: 1,
            lines: shown,
        }]
    };
    DifferenceView {
        from: None,
        to,
        added: 0,
        removed: 0,
        hunks,
        more,
    }
}

fn between(
    old: &[&str],
    new: &[&str],
    deadline: Option<Instant>,
    room: &mut usize,
) -> DifferenceView {
    let mut found = DifferenceView {
        from: None,
        to: String::new(),
        added: 0,
        removed: 0,
        hunks: Vec::new(),
        more: 0,
    };
    let ops = capture_diff_slices_deadline(Algorithm::Myers, old, new, deadline);
    for group in group_diff_ops(ops, CONTEXT) {
        let Some(first) = group.first() else { continue };
        let mut hunk = HunkView {
            from_line: count(first.old_range().start + 1),
            to_line: count(first.new_range().start + 1),
            lines: Vec::new(),
        };
        for change in group.iter().flat_map(|op| op.iter_changes(old, new)) {
            let of = match change.tag() {
                ChangeTag::Equal => Of::Both,
                ChangeTag::Delete => Of::Removed,
                ChangeTag::Insert => Of::Added,
            };
            found.removed += u64::from(of == Of::Removed);
            found.added += u64::from(of == Of::Added);
            if *room == 0 {
                found.more += 1;
                continue;
            }
            *room -= 1;
            hunk.lines.push(line_view(of, change.value()));
        }
        if !hunk.lines.is_empty() {
            found.hunks.push(hunk);
        }
    }
    found
}

/// A line without its end. Where it differs the end may be all that does, so a carriage return is shown, and that there is
/// no line feed.
fn line_view(of: Of, line: &str) -> LineView {
    let (body, ends) = match line.strip_suffix('\n') {
        Some(body) => (body, true),
        None => (line, false),
    };
    let (body, returns) = match body.strip_suffix('\r') {
        Some(body) if ends => (body, true),
        _ => (body, false),
    };
    let mut text = String::with_capacity(body.len().min(MAX_LINE_CHARS));
    for (at, c) in body.chars().enumerate() {
        if at >= MAX_LINE_CHARS {
            text.push('…');
            break;
        }
        push_harmless(&mut text, c);
    }
    if of != Of::Both && returns {
        text.push('␍');
    }
    if of != Of::Both && !ends {
        text.push('␃');
    }
    LineView { of, text }
}

/// What a terminal would obey, or what makes a text read as another, becomes visible; a tab stays.
fn push_harmless(out: &mut String, c: char) {
    let code = u32::from(c);
    match c {
        '\t' => out.push(c),
        '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + code)),
        '\x7f' => out.push('␡'),
        c if c.is_control() || reorders(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// Bidirectional controls and invisible marks (Unicode TR 36).
fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
