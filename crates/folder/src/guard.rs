//! Guards: they measure what a run would lose and can only hold it.
//!
//! A hold names what was measured. An answer approves that measure and nothing larger: if the loss has grown since, the
//! question is asked again.

use crate::name;
use crate::reconcile::{ConflictKind, Decision, Group, Item};
use crate::tree::Side;

/// What looks wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuardKind {
    /// The root is not there.
    RootMissing,
    /// The root does not carry the marker that this pair left there: it may be another disk or an unmounted one.
    RootReplaced,
    /// The root is there and holds nothing any more.
    RootEmptied,
    /// One side lost an unusual share of its entries.
    MassDeletion,
    /// One side has much that would be deleted there although it was never in sync: it is to follow a side that has not got it.
    Extra,
}

impl GuardKind {
    /// Returns the stable name of this kind.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RootMissing => "root-missing",
            Self::RootReplaced => "root-replaced",
            Self::RootEmptied => "root-emptied",
            Self::MassDeletion => "mass-deletion",
            Self::Extra => "extra",
        }
    }

    /// Returns the kind of a stable name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::RootMissing,
            Self::RootReplaced,
            Self::RootEmptied,
            Self::MassDeletion,
            Self::Extra,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// A run that was held before it changed anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardHold {
    /// What looks wrong.
    pub kind: GuardKind,
    /// The side where it looks wrong.
    pub side: Side,
    /// How many entries that were in sync are gone there.
    pub lost: u64,
    /// How many entries were in sync.
    pub of: u64,
    /// How many entries are new there; what was renamed is lost under its old name and new under the other.
    pub added: u64,
    /// The first few of the lost paths.
    pub sample: Vec<Box<[u8]>>,
}

impl GuardHold {
    /// Says which answers make sense: a root that is not there cannot be taken as an intended deletion.
    #[must_use]
    pub const fn choices(&self) -> &'static [GuardChoice] {
        match self.kind {
            GuardKind::RootMissing => &[GuardChoice::BringBack, GuardChoice::Later],
            GuardKind::RootReplaced
            | GuardKind::RootEmptied
            | GuardKind::MassDeletion
            | GuardKind::Extra => &[
                GuardChoice::Apply,
                GuardChoice::BringBack,
                GuardChoice::Later,
            ],
        }
    }
}

impl GuardHold {
    /// Returns the side that has not got what the hold is about.
    #[must_use]
    pub const fn lost_on(&self) -> Side {
        match self.kind {
            GuardKind::Extra => self.side.other(),
            _ => self.side,
        }
    }
}

impl std::fmt::Display for GuardHold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { side, lost, of, .. } = self;
        match self.kind {
            GuardKind::RootMissing => {
                write!(
                    f,
                    "the {side} folder is missing; connect it and run sync again; nothing was changed ({of} files and directories were in sync)"
                )
            }
            GuardKind::RootReplaced => {
                write!(
                    f,
                    "the {side} folder is not the one that was synchronized; {of} files and directories were in sync"
                )
            }
            GuardKind::RootEmptied => write!(
                f,
                "the {side} folder is empty; it lost {lost} of {of} files and directories"
            ),
            GuardKind::MassDeletion => {
                write!(
                    f,
                    "the {side} folder lost {lost} of {of} files and directories"
                )?;
                match self.added {
                    0 => Ok(()),
                    1 => f.write_str(", and one is new there"),
                    n => write!(f, ", and {n} are new there"),
                }
            }
            GuardKind::Extra => write!(
                f,
                "the {side} folder holds {lost} files and directories that the {} folder has not got",
                side.other()
            ),
        }
    }
}

/// What a person may answer to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuardChoice {
    /// It is meant: delete the same on the other side.
    Apply,
    /// It is not meant: restore what was lost from the other side.
    BringBack,
    /// Decide another time; nothing happens.
    Later,
}

/// An answer to a hold, with the measure that was shown when it was given; it is used for one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardAnswer {
    /// The kind that was asked about.
    pub kind: GuardKind,
    /// The side that was asked about.
    pub side: Side,
    /// The loss that was shown.
    pub lost: u64,
    /// What was answered.
    pub choice: GuardChoice,
}

/// From which loss on a run is held: both limits must be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardLimits {
    /// Lost entries in per cent of those that were in sync.
    pub share_percent: u8,
    /// Lost entries.
    pub count: u64,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self {
            share_percent: 25,
            count: 10,
        }
    }
}

/// How many lost paths a hold shows.
const SAMPLE_MAX: usize = 10;

/// Looks up what was answered to a hold; `None` asks.
pub(crate) fn answered(hold: &GuardHold, answers: &[GuardAnswer]) -> Option<GuardChoice> {
    let answer = answers
        .iter()
        .rev()
        .find(|a| a.kind == hold.kind && a.side == hold.side)?;
    match answer.choice {
        GuardChoice::Apply if hold.lost > answer.lost => None,
        GuardChoice::Later => None,
        choice => hold.choices().contains(&choice).then_some(choice),
    }
}

/// What one side has not got and the other side is to lose.
#[derive(Default)]
struct Loss {
    lost: u64,
    sample: Vec<Box<[u8]>>,
}

impl Loss {
    fn add(&mut self, group: &Group, item: &Item) {
        self.lost += 1;
        if self.sample.len() < SAMPLE_MAX {
            self.sample
                .push(name::join(&group.path, &item.name).into_boxed_slice());
        }
    }
}

/// Measures what each side lost, and what it never had and would be deleted for that, before decisions about directories are
/// settled. `of` is how much was in sync; `present` says whether a side holds anything at all.
pub(crate) fn measure(
    groups: &[Group],
    of: u64,
    present: [bool; 2],
    limits: GuardLimits,
) -> Vec<GuardHold> {
    let is_much = |lost: u64| {
        lost > limits.count
            && u128::from(lost) * 100 > u128::from(of) * u128::from(limits.share_percent)
    };
    let mut holds = Vec::new();
    for side in Side::BOTH {
        let (mut synced, mut extra, mut added) = (Loss::default(), Loss::default(), 0);
        for (group, item) in groups
            .iter()
            .flat_map(|group| group.items.iter().map(move |item| (group, item)))
        {
            let is_lost = match item.verdict.decision {
                Decision::Delete { on } => on == side.other(),
                Decision::Conflict(ConflictKind::DeletedLeft) => side == Side::Left,
                Decision::Conflict(ConflictKind::DeletedRight) => side == Side::Right,
                _ => false,
            };
            let is_new = item.verdict.decision == Decision::Copy { to: side.other() }
                && item.side(side.other()).is_none();
            added += u64::from(is_new);
            match (is_lost, item.base.is_some()) {
                (true, true) => synced.add(group, item),
                (true, false) => extra.add(group, item),
                (false, _) => {}
            }
        }
        if synced.lost > 0 && (!present[side.at()] || is_much(synced.lost)) {
            holds.push(GuardHold {
                kind: if present[side.at()] {
                    GuardKind::MassDeletion
                } else {
                    GuardKind::RootEmptied
                },
                side,
                lost: synced.lost,
                of,
                added,
                sample: synced.sample,
            });
        }
        if extra.lost > 0 && (!present[side.at()] || is_much(extra.lost)) {
            holds.push(GuardHold {
                kind: GuardKind::Extra,
                side: side.other(),
                lost: extra.lost,
                of,
                added: 0,
                sample: extra.sample,
            });
        }
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Base, Mark};
    use crate::reconcile::Verdict;
    use crate::tree::Kind;

    fn groups(deletions: u64, synced: bool) -> Vec<Group> {
        let base = Base {
            kind: Kind::File,
            size: 1,
            hash: [0; 32],
            marks: [Mark::default(); 2],
        };
        let item = |i: u64| Item {
            name: i.to_string().into_bytes().into(),
            verdict: Verdict::plain(Decision::Delete { on: Side::Right }),
            sides: [None, None],
            base: synced.then(|| Box::new(base)),
            hash: None,
        };
        vec![Group {
            path: b"d"[..].into(),
            items: (0..deletions).map(item).collect(),
            barred: false,
        }]
    }

    #[track_caller]
    fn check(lost: u64, of: u64, present: bool, wanted: Option<GuardKind>) {
        for (synced, side, wanted) in [
            (true, Side::Left, wanted),
            (false, Side::Right, wanted.map(|_| GuardKind::Extra)),
        ] {
            let holds = measure(
                &groups(lost, synced),
                of,
                [present, true],
                GuardLimits::default(),
            );
            let kinds: Vec<GuardKind> = holds.iter().map(|hold| hold.kind).collect();
            assert_eq!(
                kinds,
                wanted.into_iter().collect::<Vec<_>>(),
                "{lost} of {of}"
            );
            for hold in holds {
                assert_eq!((hold.side, hold.lost, hold.of), (side, lost, of));
                assert_eq!(hold.sample.len() as u64, lost.min(10));
                assert_eq!(hold.lost_on(), Side::Left);
            }
        }
    }

    #[test]
    fn holds_what_exceeds_both_limits_and_an_emptied_root() {
        check(0, 100, true, None);
        check(10, 12, true, None);
        check(11, 44, true, None);
        check(11, 43, true, Some(GuardKind::MassDeletion));
        check(26, 100, true, Some(GuardKind::MassDeletion));
        check(25, 100, true, None);
        check(1, 1, false, Some(GuardKind::RootEmptied));
        check(0, 5, false, None);
        check(u64::from(u16::MAX), u64::MAX, true, None);
    }

    #[test]
    fn an_answer_approves_what_was_shown_and_nothing_larger() {
        let hold = |kind, lost| GuardHold {
            kind,
            side: Side::Left,
            lost,
            of: 100,
            added: 0,
            sample: Vec::new(),
        };
        let answer = |kind, side, lost, choice| GuardAnswer {
            kind,
            side,
            lost,
            choice,
        };
        use GuardChoice::{Apply, BringBack, Later};
        use GuardKind::{MassDeletion, RootMissing};
        let mass = hold(MassDeletion, 30);
        assert_eq!(answered(&mass, &[]), None);
        assert_eq!(
            answered(&mass, &[answer(MassDeletion, Side::Left, 30, Apply)]),
            Some(Apply)
        );
        assert_eq!(
            answered(&mass, &[answer(MassDeletion, Side::Left, 29, Apply)]),
            None
        );
        assert_eq!(
            answered(&mass, &[answer(MassDeletion, Side::Left, 1, BringBack)]),
            Some(BringBack)
        );
        assert_eq!(
            answered(&mass, &[answer(MassDeletion, Side::Right, 30, Apply)]),
            None
        );
        assert_eq!(
            answered(&mass, &[answer(RootMissing, Side::Left, 30, Apply)]),
            None
        );
        assert_eq!(
            answered(&mass, &[answer(MassDeletion, Side::Left, 30, Later)]),
            None
        );
        assert_eq!(
            answered(
                &hold(RootMissing, 3),
                &[answer(RootMissing, Side::Left, 3, Apply)]
            ),
            None
        );
    }
}
