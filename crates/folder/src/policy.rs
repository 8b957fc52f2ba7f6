//! What a pair wants of its decisions: which way they go, and who wins where both sides changed.
//!
//! Plain functions over decisions that [`reconcile`](crate::reconcile) made. What gives way is kept like in every other run,
//! and the guards look at the result, so a policy can lose nothing that a run without one could not lose.

use crate::reconcile::{Decision, Group, Item, Verdict};
use crate::tree::{Kind, Side};

/// Which way a pair is synchronized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Changes of both sides go to the other one.
    #[default]
    TwoWay,
    /// One side is made as the other is: what it has beyond that is deleted there, what was changed there is replaced.
    Mirror {
        /// The side that is changed; the other one never is.
        to: Side,
    },
    /// One side gets what the other has, and nothing is deleted there.
    Backup {
        /// The side that is changed; the other one never is.
        to: Side,
    },
}

/// Who wins where both sides changed, in a pair that goes both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolution {
    /// Nobody: both stay, and a person decides.
    #[default]
    Ask,
    /// What was modified last; a change wins over a deletion, and where neither is newer a person decides.
    Newer,
    /// Always this side.
    Side(Side),
    /// Both: one version stays beside the other under another name.
    Both,
}

/// Everything that a pair wants of its decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Which way it goes.
    pub mode: Mode,
    /// Who wins where both sides changed; in the other modes nobody has to.
    pub conflicts: Resolution,
    /// Whether a file is left alone where the one that would replace it was not modified later.
    pub only_newer: bool,
}

/// Makes the decisions those that the policy wants, before directories are settled and losses measured.
pub(crate) fn apply(policy: Policy, groups: &mut [Group]) {
    if policy == Policy::default() {
        return;
    }
    for item in groups.iter_mut().flat_map(|group| &mut group.items) {
        item.verdict = wanted(policy, item);
    }
}

/// Makes the decisions of a run that knows nothing of what was in sync, and may neither delete nor replace anything: a pair
/// that goes one way adds there what is missing. Returns how many files and links the policy would replace or delete.
///
/// In a pair that goes both ways nobody wins such a run: what differs stays a conflict.
pub(crate) fn apply_adding(policy: Policy, groups: &mut [Group]) -> u64 {
    if policy.mode == Mode::TwoWay {
        return 0;
    }
    let mut left = 0;
    for item in groups.iter_mut().flat_map(|group| &mut group.items) {
        item.verdict = wanted(policy, item);
        let stays = match item.verdict.decision {
            Decision::Copy { to } => item.side(to).is_some(),
            Decision::Delete { .. } => true,
            _ => false,
        };
        if stays {
            item.verdict = Verdict::plain(Decision::Hold);
            left += 1;
        }
    }
    left
}

fn wanted(policy: Policy, item: &Item) -> Verdict {
    let verdict = match policy.mode {
        Mode::TwoWay => match item.verdict.decision {
            Decision::Conflict(_) => won(policy.conflicts, item),
            _ => item.verdict,
        },
        Mode::Mirror { to } => followed(item, to),
        Mode::Backup { to } => {
            let verdict = followed(item, to);
            match verdict.decision {
                // The directory above it stays too.
                Decision::Delete { .. } => Verdict::plain(Decision::Nothing),
                _ => verdict,
            }
        }
    };
    match verdict.decision {
        Decision::Copy { to } if policy.only_newer && !is_newer(item, to) => {
            Verdict::plain(Decision::Hold)
        }
        _ => verdict,
    }
}

/// Says whether what would be put on a side is newer than the file that it replaces; what replaces no file always is.
fn is_newer(item: &Item, to: Side) -> bool {
    match (item.side(to.other()), item.side(to)) {
        (Some(new), Some(old)) if old.kind == Kind::File && new.kind == Kind::File => {
            new.mtime > old.mtime
        }
        _ => true,
    }
}

fn won(by: Resolution, item: &Item) -> Verdict {
    let open = item.verdict;
    match (by, &item.sides) {
        (Resolution::Ask, _) => open,
        (Resolution::Side(side), _) => followed(item, side.other()),
        // A deletion has no time, and nothing to put beside the other version: what was changed comes back.
        (Resolution::Newer | Resolution::Both, [None, _]) => followed(item, Side::Left),
        (Resolution::Newer | Resolution::Both, [_, None]) => followed(item, Side::Right),
        // The time of a directory says when a name in it changed, and there is no other name for all that is in it.
        (_, [Some(left), Some(right)]) if left.kind == Kind::Dir || right.kind == Kind::Dir => open,
        (Resolution::Newer, [Some(left), Some(right)]) => match left.mtime.cmp(&right.mtime) {
            std::cmp::Ordering::Less => followed(item, Side::Left),
            std::cmp::Ordering::Greater => followed(item, Side::Right),
            std::cmp::Ordering::Equal => open,
        },
        (Resolution::Both, [Some(_), Some(_)]) => Verdict {
            aside: true,
            ..followed(item, Side::Right)
        },
    }
}

/// Makes a side follow the other one, whichever of them changed.
pub(crate) fn followed(item: &Item, to: Side) -> Verdict {
    let (from, there) = (item.side(to.other()), item.side(to));
    match (item.verdict.decision, from, there) {
        // Nothing is known of it, or it is nobody's concern.
        (Decision::Hold | Decision::Ignore | Decision::Record, _, _) => item.verdict,
        (Decision::Meta, Some(from), _) => Verdict {
            bits: item.verdict.bits.map(|_| from.bits()),
            mtime: item.verdict.mtime.map(|_| from.mtime),
            ..item.verdict
        },
        (decision, Some(from), Some(there))
            if from.kind == Kind::Dir && there.kind == Kind::Dir =>
        {
            Verdict::plain(decision)
        }
        (_, Some(_), _) => Verdict::plain(Decision::Copy { to }),
        (_, None, Some(_)) => Verdict::plain(Decision::Delete { on: to }),
        (_, None, None) => Verdict::plain(Decision::Forget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::ConflictKind::{BothChanged, DeletedLeft, Kinds};
    use crate::tree::{Meta, Time};
    use Side::{Left, Right};

    const TWO_WAY: Policy = Policy {
        mode: Mode::TwoWay,
        conflicts: Resolution::Ask,
        only_newer: false,
    };
    const MIRROR: Policy = Policy {
        mode: Mode::Mirror { to: Right },
        ..TWO_WAY
    };
    const BACKUP: Policy = Policy {
        mode: Mode::Backup { to: Right },
        ..TWO_WAY
    };

    const fn by(conflicts: Resolution) -> Policy {
        Policy {
            conflicts,
            ..TWO_WAY
        }
    }

    /// `.` nothing, `o` an older file, `n` a newer one, `d` a directory.
    fn side(letter: char) -> Option<Meta> {
        let (kind, sec) = match letter {
            '.' => return None,
            'o' => (Kind::File, 10),
            'n' => (Kind::File, 20),
            'd' => (Kind::Dir, 30),
            other => panic!("unknown letter {other}"),
        };
        let time = Time { sec, nsec: 0 };
        Some(Meta {
            kind,
            mode: if letter == 'o' { 0o600 } else { 0o644 },
            size: 1,
            mtime: time,
            ctime: time,
            ino: 1,
            dev: 1,
        })
    }

    #[track_caller]
    fn check(policy: Policy, sides: &str, decision: Decision, wanted: Decision) {
        let mut letters = sides.chars().map(side);
        let item = Item {
            name: b"x"[..].into(),
            verdict: Verdict::plain(decision),
            sides: [letters.next().flatten(), letters.next().flatten()],
            base: None,
            hash: None,
        };
        assert_eq!(wanted_of(policy, item).decision, wanted, "{sides}");
    }

    fn wanted_of(policy: Policy, item: Item) -> Verdict {
        let mut groups = [Group {
            path: Box::default(),
            items: vec![item],
            barred: false,
        }];
        apply(policy, &mut groups);
        groups[0].items[0].verdict
    }

    #[test]
    fn a_mirror_is_made_as_the_other_side_is() {
        let right = Decision::Copy { to: Right };
        let gone = Decision::Delete { on: Right };
        check(MIRROR, "no", right, right);
        check(MIRROR, "on", Decision::Copy { to: Left }, right);
        check(MIRROR, ".n", Decision::Copy { to: Left }, gone);
        check(MIRROR, ".d", Decision::Copy { to: Left }, gone);
        check(MIRROR, ".o", gone, gone);
        check(MIRROR, "o.", Decision::Delete { on: Left }, right);
        check(MIRROR, ".n", Decision::Conflict(DeletedLeft), gone);
        check(MIRROR, "on", Decision::Conflict(BothChanged), right);
        check(MIRROR, "od", Decision::Conflict(Kinds), right);
        check(MIRROR, "..", Decision::Forget, Decision::Forget);
        check(MIRROR, "dd", Decision::Record, Decision::Record);
        check(MIRROR, "on", Decision::Hold, Decision::Hold);
        check(MIRROR, ".n", Decision::Ignore, Decision::Ignore);
        let left = Policy {
            mode: Mode::Mirror { to: Left },
            ..TWO_WAY
        };
        check(left, "n.", right, Decision::Delete { on: Left });
    }

    #[test]
    fn a_backup_loses_nothing() {
        let right = Decision::Copy { to: Right };
        check(BACKUP, "no", right, right);
        check(BACKUP, "on", Decision::Copy { to: Left }, right);
        check(BACKUP, ".n", Decision::Copy { to: Left }, Decision::Nothing);
        let deleted = Decision::Delete { on: Right };
        check(BACKUP, ".o", deleted, Decision::Nothing);
        check(
            BACKUP,
            ".n",
            Decision::Conflict(DeletedLeft),
            Decision::Nothing,
        );
        check(BACKUP, "o.", Decision::Delete { on: Left }, right);
    }

    #[test]
    fn who_wins_a_conflict_is_what_was_set() {
        let (left, right) = (Decision::Copy { to: Left }, Decision::Copy { to: Right });
        let both = Decision::Conflict(BothChanged);
        let deleted = Decision::Conflict(DeletedLeft);
        check(by(Resolution::Ask), "on", both, both);
        check(by(Resolution::Newer), "on", both, left);
        check(by(Resolution::Newer), "no", both, right);
        check(by(Resolution::Newer), "oo", both, both);
        check(by(Resolution::Newer), ".n", deleted, left);
        check(by(Resolution::Side(Left)), "on", both, right);
        let gone = Decision::Delete { on: Right };
        check(by(Resolution::Side(Left)), ".n", deleted, gone);
        check(by(Resolution::Side(Right)), ".n", deleted, left);
        check(by(Resolution::Both), "on", both, right);
        check(by(Resolution::Both), ".n", deleted, left);
        let kinds = Decision::Conflict(Kinds);
        check(by(Resolution::Newer), "od", kinds, kinds);
        check(by(Resolution::Both), "do", kinds, kinds);
        check(by(Resolution::Side(Left)), "do", kinds, right);
        // What is no conflict is nobody's to win.
        check(by(Resolution::Side(Left)), "on", left, left);
    }

    #[test]
    fn an_older_file_replaces_no_newer_one_where_that_is_set() {
        let newer = Policy {
            only_newer: true,
            ..TWO_WAY
        };
        let (left, right) = (Decision::Copy { to: Left }, Decision::Copy { to: Right });
        check(newer, "no", right, right);
        check(newer, "on", right, Decision::Hold);
        check(newer, "oo", right, Decision::Hold);
        check(newer, ".o", left, left);
        check(newer, "od", right, right);
    }

    #[test]
    fn permissions_and_times_follow_too() {
        let mut item = Item {
            name: b"x"[..].into(),
            verdict: Verdict {
                bits: Some(0o600),
                mtime: Some(Time { sec: 10, nsec: 0 }),
                ..Verdict::plain(Decision::Meta)
            },
            sides: [side('n'), side('o')],
            base: None,
            hash: None,
        };
        item.verdict = followed(&item, Right);
        assert_eq!(item.verdict.bits, Some(0o644));
        assert_eq!(item.verdict.mtime, Some(Time { sec: 20, nsec: 0 }));
    }
}
