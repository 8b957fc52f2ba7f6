//! A plan: what a run would do, as a value that can be printed, kept and compared.

use std::fmt;

use crate::conflict;
use crate::guard::GuardHold;
use crate::name::{self, Shown};
use crate::observe::Finding;
use crate::reconcile::{ConflictKind, Decision, Group};
use crate::tree::{Kind, Side};
use crate::workbench::Counts;

/// What would be done to one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Something appears where nothing was.
    Create,
    /// The other side's version takes its place; this one is kept.
    Replace,
    /// It is deleted; files and links are kept.
    Delete,
    /// Its permission bits or time are set.
    SetMeta,
    /// Both versions stay, and it becomes a conflict.
    Conflict(ConflictKind),
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path below the roots.
    pub path: Box<[u8]>,
    /// The side that would be changed; of a conflict, none.
    pub side: Option<Side>,
    /// What would be done.
    pub action: Action,
    /// What would be there afterwards, or what would be deleted.
    pub kind: Kind,
    /// Bytes that would be copied.
    pub bytes: u64,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The changes in path order.
    pub changes: Vec<Change>,
    /// The same in numbers.
    pub counts: Counts,
    /// What is wrong already.
    pub findings: Vec<Finding>,
    /// The guard that would hold the run before it changed anything.
    pub held: Option<GuardHold>,
    /// Whether the reading was stopped, so that the plan is not complete.
    pub cancelled: bool,
}

/// Lists the changes that settled groups ask for.
pub(crate) fn changes(groups: &[Group]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (group, item) in groups
        .iter()
        .flat_map(|group| group.items.iter().map(move |item| (group, item)))
    {
        let path: Box<[u8]> = name::join(&group.path, &item.name).into();
        let kind_of = |side| item.side(side).map_or(Kind::Special, |meta| meta.kind);
        if let (Decision::Copy { to }, true) = (item.verdict.decision, item.verdict.aside) {
            let beside = conflict::beside(&item.name, to, 0);
            let meta = item.side(to);
            for side in Side::BOTH {
                changes.push(Change {
                    path: name::join(&group.path, &beside).into(),
                    side: Some(side),
                    action: Action::Create,
                    kind: kind_of(to),
                    bytes: meta.map_or(0, |meta| meta.size),
                });
            }
        }
        let mut add = |side, action, kind, bytes| {
            changes.push(Change {
                path: path.clone(),
                side,
                action,
                kind,
                bytes,
            });
        };
        match item.verdict.decision {
            Decision::Copy { to } => {
                let from = to.other();
                let kind = kind_of(from);
                let bytes = item
                    .side(from)
                    .filter(|meta| meta.kind == Kind::File)
                    .map_or(0, |meta| meta.size);
                let action = if item.side(to).is_some() {
                    Action::Replace
                } else {
                    Action::Create
                };
                add(Some(to), action, kind, bytes);
                if let (Some(bits), Some(source)) = (item.verdict.bits, item.side(from))
                    && source.bits() != bits
                {
                    add(Some(from), Action::SetMeta, kind, 0);
                }
            }
            Decision::Delete { on } => add(Some(on), Action::Delete, kind_of(on), 0),
            Decision::Meta => {
                for side in Side::BOTH {
                    let Some(meta) = item.side(side) else {
                        continue;
                    };
                    let bits = item.verdict.bits.is_some_and(|bits| bits != meta.bits());
                    let time = meta.kind == Kind::File
                        && item.verdict.mtime.is_some_and(|mtime| mtime != meta.mtime);
                    if bits || time {
                        add(Some(side), Action::SetMeta, meta.kind, 0);
                    }
                }
            }
            Decision::Conflict(conflict) => {
                let kind = item
                    .side(Side::Left)
                    .map_or_else(|| kind_of(Side::Right), |meta| meta.kind);
                add(None, Action::Conflict(conflict), kind, 0);
            }
            Decision::Nothing
            | Decision::Record
            | Decision::Forget
            | Decision::Hold
            | Decision::Ignore => {}
        }
    }
    changes
}

/// Counts changes the way a run does.
pub(crate) fn counts(changes: &[Change]) -> Counts {
    let mut counts = Counts::default();
    for change in changes {
        match (change.action, change.side) {
            (Action::Conflict(_), _) => counts.conflicts += 1,
            (Action::Delete, Some(side)) => counts.add_deleted(side),
            (Action::Delete, None) => counts.deleted += 1,
            (action, Some(side)) => counts.add_made(side, action),
            (_, None) => {}
        }
        counts.bytes += change.bytes;
    }
    counts
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.side {
            Some(Side::Right) => "→",
            Some(Side::Left) => "←",
            None => "≠",
        };
        let verb = match self.action {
            Action::Create => "create",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::SetMeta => "set",
            Action::Conflict(_) => "conflict",
        };
        write!(f, "{arrow} {verb:<8} {}", Shown(&self.path))?;
        match self.action {
            Action::Conflict(kind) => write!(f, "  ({})", kind.words()),
            _ if self.kind == Kind::Dir => f.write_str("/"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(held) = &self.held {
            writeln!(f, "held: {held}")?;
        }
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        for finding in &self.findings {
            writeln!(f, "! {finding}")?;
        }
        if self.changes.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        Ok(())
    }
}
