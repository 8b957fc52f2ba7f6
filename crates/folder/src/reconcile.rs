//! The three-way decision for one path, and what a directory must do because of what is below it.
//!
//! Plain functions over values: no file, clock, log or cancellation is in sight. The invariants:
//!
//! - a path is deleted on one side only if it was in sync, is gone on the other side, and its content has not changed since;
//! - content is replaced only by content that changed while the replaced one did not;
//! - everything else that differs is a conflict, and a conflict changes nothing;
//! - without a base nothing is deleted or replaced: a first run only unions.

use std::collections::HashMap;

use crate::archive::Base;
use crate::name;
use crate::tree::{Hash, Kind, Meta, Side, Time};

/// How one side stands against what was last in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Not there (any more, or never).
    Gone,
    /// There and as it was.
    Same,
    /// Only permission bits or times changed.
    Meta,
    /// Created, edited, or of another kind now.
    Content,
}

/// Why both versions of a path are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// Both sides created it, with different content.
    BothCreated,
    /// Both sides changed it since it was last in sync.
    BothChanged,
    /// It is one thing on one side and another thing on the other.
    Kinds,
    /// It was deleted on the left and changed on the right.
    DeletedLeft,
    /// It was deleted on the right and changed on the left.
    DeletedRight,
}

impl ConflictKind {
    /// Returns the words for this kind of conflict.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::BothCreated => "created on both sides with different content",
            Self::BothChanged => "changed on both sides",
            Self::Kinds => "different kinds of entries on the two sides",
            Self::DeletedLeft => "deleted on the left, changed on the right",
            Self::DeletedRight => "deleted on the right, changed on the left",
        }
    }

    /// Returns the stable name by which this kind is kept and transmitted.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BothCreated => "both-created",
            Self::BothChanged => "both-changed",
            Self::Kinds => "kinds",
            Self::DeletedLeft => "deleted-left",
            Self::DeletedRight => "deleted-right",
        }
    }

    /// Returns the kind of a stable name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::BothCreated,
            Self::BothChanged,
            Self::Kinds,
            Self::DeletedLeft,
            Self::DeletedRight,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// What is to be done about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing at all.
    Nothing,
    /// Nothing on disk, because both sides agree; remember how they look now.
    Record,
    /// Nothing on disk, because both sides have deleted it; forget it.
    Forget,
    /// Create or replace it on this side with what the other side has.
    Copy {
        /// The side that is changed.
        to: Side,
    },
    /// Give both sides the same permission bits and times.
    Meta,
    /// Delete it on this side.
    Delete {
        /// The side that is changed.
        on: Side,
    },
    /// Keep both and ask.
    Conflict(ConflictKind),
    /// Leave it alone, because something below it or the entry itself could not be decided; remember nothing.
    Hold,
    /// Leave it alone, because the pair's rules say that it is not part of it; forget it, and keep what it lies in.
    Ignore,
}

/// A decision with the permission bits and times that belong to it; `None` leaves each side its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    pub(crate) bits: Option<u32>,
    pub(crate) mtime: Option<Time>,
    /// Whether the version that a copy replaces stays beside it under another name, on both sides.
    pub(crate) aside: bool,
}

impl Verdict {
    pub(crate) const fn plain(decision: Decision) -> Self {
        Self {
            decision,
            bits: None,
            mtime: None,
            aside: false,
        }
    }
}

/// Everything that the decision about one path depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) base: Option<&'a Base>,
    pub(crate) sides: [Option<&'a Meta>; 2],
    pub(crate) changes: [Change; 2],
    /// Whether both sides are there with the same kind and content.
    pub(crate) equal: bool,
}

/// Decides about one path.
pub(crate) fn reconcile(view: View<'_>) -> Verdict {
    use Change::{Content, Gone, Meta as MetaOnly, Same};
    let [left, right] = view.sides;
    let (Some(left), Some(right)) = (left, right) else {
        return Verdict::plain(one_sided(view.base.is_some(), view.changes));
    };
    if left.kind != right.kind || !view.equal {
        let decision = match (view.base.is_some(), view.changes) {
            (true, [Content, Same | MetaOnly]) => Decision::Copy { to: Side::Right },
            (true, [Same | MetaOnly, Content]) => Decision::Copy { to: Side::Left },
            (_, _) if left.kind != right.kind => Decision::Conflict(ConflictKind::Kinds),
            (true, _) => Decision::Conflict(ConflictKind::BothChanged),
            (false, _) => Decision::Conflict(ConflictKind::BothCreated),
        };
        let bits = if matches!(decision, Decision::Copy { .. }) && left.kind == right.kind {
            merge_bits(view.base, left, right)
        } else {
            None
        };
        return Verdict {
            bits,
            ..Verdict::plain(decision)
        };
    }
    match view.changes {
        [Same, Same] => Verdict::plain(Decision::Record),
        [Gone, _] | [_, Gone] => Verdict::plain(Decision::Hold),
        _ => {
            let bits = if left.kind == Kind::Link {
                None
            } else {
                merge_bits(view.base, left, right)
            };
            let mtime = if left.kind == Kind::File {
                merge_mtime(view.base, left, right)
            } else {
                None
            };
            let agree = bits.is_none_or(|b| left.bits() == b && right.bits() == b)
                && mtime.is_none_or(|t| left.mtime == t && right.mtime == t);
            Verdict {
                decision: if agree {
                    Decision::Record
                } else {
                    Decision::Meta
                },
                bits,
                mtime,
                aside: false,
            }
        }
    }
}

const fn one_sided(had_base: bool, changes: [Change; 2]) -> Decision {
    use Change::{Content, Gone};
    match (had_base, changes) {
        (true, [Gone, Gone]) => Decision::Forget,
        (false, [Gone, Gone]) => Decision::Nothing,
        (false, [Gone, _]) => Decision::Copy { to: Side::Left },
        (false, [_, _]) => Decision::Copy { to: Side::Right },
        (true, [Gone, Content]) => Decision::Conflict(ConflictKind::DeletedLeft),
        (true, [Content, Gone]) => Decision::Conflict(ConflictKind::DeletedRight),
        (true, [Gone, _]) => Decision::Delete { on: Side::Right },
        (true, [_, _]) => Decision::Delete { on: Side::Left },
    }
}

/// Takes the bits of the side that changed them; if both did, what both grant, because no copy may grant more than
/// either side wanted.
fn merge_bits(base: Option<&Base>, left: &Meta, right: &Meta) -> Option<u32> {
    let changed = |side, meta: &Meta| base.is_none_or(|base| base.mark(side).bits != meta.bits());
    match (changed(Side::Left, left), changed(Side::Right, right)) {
        (false, false) => None,
        (true, false) => Some(left.bits()),
        (false, true) => Some(right.bits()),
        (true, true) => Some(left.bits() & right.bits()),
    }
}

/// Takes the time of the side that changed it; if both did, the older one: the content existed then already.
fn merge_mtime(base: Option<&Base>, left: &Meta, right: &Meta) -> Option<Time> {
    let changed = |side, meta: &Meta| base.is_none_or(|base| base.mark(side).mtime != meta.mtime);
    match (changed(Side::Left, left), changed(Side::Right, right)) {
        (false, false) => None,
        (true, false) => Some(left.mtime),
        (false, true) => Some(right.mtime),
        (true, true) => Some(left.mtime.min(right.mtime)),
    }
}

/// One path that needs a decision, with what the scan saw.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) name: Box<[u8]>,
    pub(crate) verdict: Verdict,
    pub(crate) sides: [Option<Meta>; 2],
    pub(crate) base: Option<Box<Base>>,
    /// Hash of the content where the scan had to read it.
    pub(crate) hash: Option<Box<Hash>>,
}

impl Item {
    /// Returns what the scan saw on one side.
    pub(crate) const fn side(&self, side: Side) -> Option<&Meta> {
        self.sides[side.at()].as_ref()
    }

    fn is_dir_somewhere(&self) -> bool {
        self.sides
            .iter()
            .flatten()
            .any(|meta| meta.kind == Kind::Dir)
    }
}

/// The items of one directory in name order.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) path: Box<[u8]>,
    pub(crate) items: Vec<Item>,
    /// Whether the directory could not be read on some side, so that nothing is known of what is below it.
    pub(crate) barred: bool,
}

/// Brings back on `side` what it lost, instead of deleting it on the other side too. `synced` says whether that is what was
/// in sync once, or what only the other side ever had.
pub(crate) fn bring_back(groups: &mut [Group], side: Side, synced: bool) {
    for item in groups.iter_mut().flat_map(|group| &mut group.items) {
        let lost = item.side(side).is_none() && item.base.is_some() == synced;
        let deletes = match item.verdict.decision {
            Decision::Delete { on } => on == side.other(),
            Decision::Conflict(ConflictKind::DeletedLeft) => side == Side::Left,
            Decision::Conflict(ConflictKind::DeletedRight) => side == Side::Right,
            _ => false,
        };
        if lost && deletes {
            item.verdict = Verdict::plain(Decision::Copy { to: side });
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Below {
    copies: [bool; 2],
    holds: bool,
}

/// Makes the decisions about directories agree with those about what is below them. The groups are in path order.
///
/// A directory that is gone on one side lives on if something new below it must survive; it is left alone if something
/// below it is undecided; and a directory is replaced by something else only if everything below it is deleted.
/// Below a conflict nothing is done.
pub(crate) fn settle(groups: &mut Vec<Group>) {
    let mut below: HashMap<Box<[u8]>, Below> = HashMap::new();
    let mut cut: Vec<Vec<u8>> = Vec::new();
    // Everything below a directory follows it, so the way back sees it first.
    for group in groups.iter_mut().rev() {
        let mut sum = Below {
            holds: group.barred,
            ..Below::default()
        };
        for item in &mut group.items {
            if item.is_dir_somewhere() {
                let path = name::join(&group.path, &item.name);
                let inside = below.remove(path.as_slice()).unwrap_or_default();
                settle_dir(item, inside);
                if matches!(item.verdict.decision, Decision::Conflict(_)) {
                    cut.push(path);
                } else {
                    sum.holds |= inside.holds;
                    for side in Side::BOTH {
                        sum.copies[side.at()] |= inside.copies[side.at()];
                    }
                }
            }
            match item.verdict.decision {
                Decision::Copy { to } => sum.copies[to.at()] = true,
                Decision::Conflict(_) | Decision::Hold | Decision::Ignore => sum.holds = true,
                // A directory that both sides have lives, whatever is written about it.
                Decision::Record | Decision::Meta | Decision::Nothing => sum.holds = true,
                Decision::Forget | Decision::Delete { .. } => {}
            }
        }
        if !group.path.is_empty() {
            let entry = below.entry(group.path.clone()).or_default();
            entry.holds |= sum.holds;
            for side in Side::BOTH {
                entry.copies[side.at()] |= sum.copies[side.at()];
            }
        }
    }
    if !cut.is_empty() {
        cut.sort_by(|a, b| name::order(a, b));
        groups.retain(|group| !lies_in(&group.path, &cut));
    }
    groups.retain(|group| !group.items.is_empty());
}

fn settle_dir(item: &mut Item, inside: Below) {
    match item.verdict.decision {
        Decision::Delete { on } if item.side(on).is_some_and(|meta| meta.kind == Kind::Dir) => {
            if inside.copies[on.other().at()] {
                item.verdict = Verdict::plain(Decision::Copy { to: on.other() });
            } else if inside.holds || inside.copies[on.at()] {
                item.verdict = Verdict::plain(Decision::Hold);
            }
        }
        Decision::Copy { to }
            if item.side(to).is_some_and(|meta| meta.kind == Kind::Dir)
                && item
                    .side(to.other())
                    .is_some_and(|meta| meta.kind != Kind::Dir)
                && (inside.holds || inside.copies != [false; 2]) =>
        {
            item.verdict = Verdict::plain(Decision::Conflict(ConflictKind::Kinds));
        }
        _ => {}
    }
}

/// Says whether a directory is one of the sorted `cut` directories or lies below one.
fn lies_in(path: &[u8], cut: &[Vec<u8>]) -> bool {
    let before = cut.partition_point(|dir| name::order(dir, path).is_le());
    // Only the nearest one before can hold it, unless that one lies in an earlier one, which then holds both.
    cut[..before]
        .iter()
        .rev()
        .any(|dir| dir.as_slice() == path || name::is_below(path, dir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Mark;

    fn meta(kind: Kind, bits: u32, sec: i64) -> Meta {
        let time = Time { sec, nsec: 1 };
        Meta {
            kind,
            mode: bits,
            size: 1,
            mtime: time,
            ctime: time,
            ino: 1,
            dev: 1,
        }
    }

    fn base_of(meta: &Meta) -> Base {
        let mark = Mark {
            bits: meta.bits(),
            mtime: meta.mtime,
            ..Mark::default()
        };
        Base {
            kind: meta.kind,
            size: 1,
            hash: [0; 32],
            marks: [mark; 2],
        }
    }

    /// `.` gone, `=` as in the base, `m` other bits, `t` other time, `a`/`b` other content, `d` a directory, `l` a link.
    fn side(letter: char) -> (Option<Meta>, Change) {
        let (meta, change) = match letter {
            '.' => return (None, Change::Gone),
            '=' => (meta(Kind::File, 0o644, 10), Change::Same),
            'm' => (meta(Kind::File, 0o600, 10), Change::Meta),
            'x' => (meta(Kind::File, 0o455, 10), Change::Meta),
            't' => (meta(Kind::File, 0o644, 20), Change::Meta),
            'u' => (meta(Kind::File, 0o644, 30), Change::Meta),
            'a' => (meta(Kind::File, 0o644, 40), Change::Content),
            'b' => (meta(Kind::File, 0o644, 50), Change::Content),
            'd' => (meta(Kind::Dir, 0o755, 60), Change::Content),
            'l' => (meta(Kind::Link, 0o777, 70), Change::Content),
            other => panic!("unknown letter {other}"),
        };
        (Some(meta), change)
    }

    #[track_caller]
    fn check(with_base: bool, sides: &str, wanted: &str) {
        let mut letters = sides.chars();
        let (l, r) = (letters.next().unwrap(), letters.next().unwrap());
        let (left, mut left_change) = side(l);
        let (right, mut right_change) = side(r);
        let base = with_base.then(|| base_of(&meta(Kind::File, 0o644, 10)));
        if !with_base {
            for change in [&mut left_change, &mut right_change] {
                if *change != Change::Gone {
                    *change = Change::Content;
                }
            }
        }
        let content = |c: char| if "=mxtu".contains(c) { '=' } else { c };
        let view = View {
            base: base.as_ref(),
            sides: [left.as_ref(), right.as_ref()],
            changes: [left_change, right_change],
            equal: content(l) == content(r),
        };
        let v = reconcile(view);
        let mut text = match v.decision {
            Decision::Nothing => "nothing".to_owned(),
            Decision::Record => "record".to_owned(),
            Decision::Forget => "forget".to_owned(),
            Decision::Copy { to } => format!("copy to {to}"),
            Decision::Meta => "meta".to_owned(),
            Decision::Delete { on } => format!("delete on {on}"),
            Decision::Conflict(kind) => format!("conflict {}", kind.code()),
            Decision::Hold => "hold".to_owned(),
            Decision::Ignore => "ignore".to_owned(),
        };
        if let Some(bits) = v.bits {
            text = format!("{text} {bits:o}");
        }
        if let Some(mtime) = v.mtime {
            text = format!("{text} @{}", mtime.sec);
        }
        assert_eq!(text, wanted, "base {with_base}, sides {sides}");
    }

    #[test]
    fn decides_every_row_of_the_table() {
        // First run: only unions.
        check(false, "..", "nothing");
        check(false, "a.", "copy to right");
        check(false, ".a", "copy to left");
        check(false, "d.", "copy to right");
        check(false, "aa", "record 644 @40");
        check(false, "ab", "conflict both-created");
        check(false, "ad", "conflict kinds");
        check(false, "la", "conflict kinds");
        check(false, "dd", "record 755");
        check(false, "ll", "record");
        check(false, "=t", "meta 644 @10");
        check(false, "xm", "meta 400 @10");
        // Later runs.
        check(true, "..", "forget");
        check(true, "==", "record");
        check(true, "a=", "copy to right");
        check(true, "=b", "copy to left");
        check(true, "aa", "record @40");
        check(true, "ab", "conflict both-changed");
        check(true, ".=", "delete on right");
        check(true, "=.", "delete on left");
        check(true, ".m", "delete on right");
        check(true, "t.", "delete on left");
        check(true, ".b", "conflict deleted-left");
        check(true, "b.", "conflict deleted-right");
        check(true, "d.", "conflict deleted-right");
        // Only permission bits and times.
        check(true, "m=", "meta 600");
        check(true, "=m", "meta 600");
        check(true, "t=", "meta @20");
        check(true, "mt", "meta 600 @20");
        check(true, "tu", "meta @20");
        check(true, "mx", "meta 400");
        check(true, "mm", "record 600");
        check(true, "am", "copy to right 600");
        check(true, "mb", "copy to left 600");
        // Kinds.
        check(true, "d=", "copy to right");
        check(true, "=d", "copy to left");
        check(true, "dm", "copy to right");
        check(true, "da", "conflict kinds");
        check(true, "ld", "conflict kinds");
        check(true, "dd", "record 755");
        check(true, "l=", "copy to right");
    }

    fn group(path: &str, items: &[(&str, &str, Decision)]) -> Group {
        let kind = |c: char| match c {
            '.' => None,
            'd' => Some(meta(Kind::Dir, 0o755, 1)),
            _ => Some(meta(Kind::File, 0o644, 1)),
        };
        let items = items
            .iter()
            .map(|(name, sides, decision)| {
                let mut c = sides.chars();
                Item {
                    name: name.as_bytes().into(),
                    verdict: Verdict::plain(*decision),
                    sides: [kind(c.next().unwrap()), kind(c.next().unwrap())],
                    base: None,
                    hash: None,
                }
            })
            .collect();
        Group {
            path: path.as_bytes().into(),
            items,
            barred: false,
        }
    }

    fn decisions(groups: &[Group]) -> Vec<(String, Decision)> {
        groups
            .iter()
            .flat_map(|g| {
                g.items.iter().map(|i| {
                    (
                        name::shown(&name::join(&g.path, &i.name)),
                        i.verdict.decision,
                    )
                })
            })
            .collect()
    }

    const L: Side = Side::Left;
    const R: Side = Side::Right;

    #[test]
    fn a_directory_lives_if_something_below_it_must() {
        let mut groups = vec![
            group("", &[("d", ".d", Decision::Delete { on: R })]),
            group(
                "d",
                &[
                    ("e", ".d", Decision::Delete { on: R }),
                    ("old", ".f", Decision::Delete { on: R }),
                ],
            ),
            group("d/e", &[("new", ".f", Decision::Copy { to: L })]),
        ];
        settle(&mut groups);
        let wanted = vec![
            ("d".to_owned(), Decision::Copy { to: L }),
            ("d/e".to_owned(), Decision::Copy { to: L }),
            ("d/old".to_owned(), Decision::Delete { on: R }),
            ("d/e/new".to_owned(), Decision::Copy { to: L }),
        ];
        assert_eq!(decisions(&groups), wanted);
    }

    #[test]
    fn a_directory_is_left_alone_if_something_below_it_is_undecided() {
        let conflict = Decision::Conflict(ConflictKind::DeletedLeft);
        let mut groups = vec![
            group("", &[("d", ".d", Decision::Delete { on: R })]),
            group(
                "d",
                &[
                    ("x", ".f", conflict),
                    ("y", ".f", Decision::Delete { on: R }),
                ],
            ),
        ];
        settle(&mut groups);
        let wanted = vec![
            ("d".to_owned(), Decision::Hold),
            ("d/x".to_owned(), conflict),
            ("d/y".to_owned(), Decision::Delete { on: R }),
        ];
        assert_eq!(decisions(&groups), wanted);
    }

    #[test]
    fn a_directory_is_replaced_only_if_nothing_below_it_survives() {
        let replaced = [("d", "fd", Decision::Copy { to: R })];
        let mut groups = vec![
            group("", &replaced),
            group("d", &[("x", ".f", Decision::Delete { on: R })]),
        ];
        settle(&mut groups);
        assert_eq!(decisions(&groups)[0].1, Decision::Copy { to: R });
        assert_eq!(groups.len(), 2);
        let mut groups = vec![
            group("", &replaced),
            group("d", &[("x", ".f", Decision::Copy { to: L })]),
        ];
        settle(&mut groups);
        assert_eq!(
            decisions(&groups),
            vec![("d".to_owned(), Decision::Conflict(ConflictKind::Kinds))]
        );
    }

    #[test]
    fn nothing_is_done_below_a_conflict() {
        let mut groups = vec![
            group(
                "",
                &[
                    ("d", "fd", Decision::Conflict(ConflictKind::Kinds)),
                    ("z", "f.", Decision::Copy { to: R }),
                ],
            ),
            group("d", &[("e", ".d", Decision::Copy { to: L })]),
            group("d/e", &[("x", ".f", Decision::Copy { to: L })]),
            group("d2", &[("x", ".f", Decision::Copy { to: L })]),
        ];
        settle(&mut groups);
        let names: Vec<String> = decisions(&groups).into_iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["d", "z", "d2/x"]);
    }

    #[test]
    fn brings_back_only_what_the_side_lost() {
        let mut groups = vec![group(
            "",
            &[
                ("a", ".f", Decision::Delete { on: R }),
                ("b", "f.", Decision::Delete { on: L }),
                ("c", ".f", Decision::Conflict(ConflictKind::DeletedLeft)),
                ("d", "ff", Decision::Conflict(ConflictKind::BothChanged)),
            ],
        )];
        let untouched = decisions(&groups);
        bring_back(&mut groups, L, true);
        assert_eq!(decisions(&groups), untouched, "none of them was in sync");
        bring_back(&mut groups, L, false);
        let wanted = vec![
            ("a".to_owned(), Decision::Copy { to: L }),
            ("b".to_owned(), Decision::Delete { on: L }),
            ("c".to_owned(), Decision::Copy { to: L }),
            (
                "d".to_owned(),
                Decision::Conflict(ConflictKind::BothChanged),
            ),
        ];
        assert_eq!(decisions(&groups), wanted);
    }
}
