//! A pair of folders: its identity, its lock, and the order in which a plan or a run goes through the other parts.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::apply::apply;
use crate::archive::{ARCHIVE_NAME, Archive, LoadArchiveError, Updates};
use crate::beside::keep_beside;
use crate::check::{self, Checked, PairRefusal};
use crate::conflict::{self, Conflict};
use crate::fs::{self, Dir};
use crate::guard::{self, GuardAnswer, GuardChoice, GuardHold, GuardKind, GuardLimits};
use crate::leftover;
use crate::marker;
use crate::name::TEMP_PREFIX;
use crate::observe::{Cancel, Finding, Observer, Phase, Step};
use crate::plan::{self, Plan};
use crate::policy::{self, Policy};
use crate::reconcile::{self, Group};
use crate::rules::{IGNORE, PatternError, Rules};
use crate::scan::{Scan, ScanInput, scan};
use crate::tree::{Side, Time};
use crate::versions::{self, KeptVersion, Store};
use crate::workbench::{Bench, BenchInput, Counts};

/// How many threads read and copy at most.
const WORKERS_MAX: usize = 8;
/// How long versions are kept unless a pair says otherwise.
pub const KEEP_VERSIONS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What can be set for a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which way it goes, and who wins.
    pub policy: Policy,
    /// Patterns of what is no part of the pair, in the syntax of `.gitignore`.
    pub ignore: Vec<String>,
    /// Files that are larger are left alone, in bytes.
    pub max_size: Option<u64>,
    /// From which loss on a run is held.
    pub limits: GuardLimits,
    /// How long versions are kept.
    pub keep: Duration,
    /// How many threads read and copy; `None` takes as many as there are processors, at most eight.
    pub workers: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            ignore: Vec::new(),
            max_size: None,
            limits: GuardLimits::default(),
            keep: KEEP_VERSIONS,
            workers: None,
        }
    }
}

/// Two folders that are kept in sync.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Names the pair for ever; the markers at the roots and the names of temporary files follow from it.
    pub id: String,
    /// The first folder.
    pub left: PathBuf,
    /// The second folder.
    pub right: PathBuf,
    /// This pair's own directory for archive, conflicts, versions and lock; nobody else may write in it.
    pub state_dir: PathBuf,
    /// What can be set.
    pub settings: Settings,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What happened, in numbers.
    pub counts: Counts,
    /// What is wrong with single paths.
    pub findings: Vec<Finding>,
    /// The guard that held the run before it changed anything.
    pub held: Option<GuardHold>,
    /// Whether the run was stopped; what it had done by then is remembered.
    pub cancelled: bool,
}

/// Why a run could not be done, or had to stop.
#[derive(Debug, Error)]
pub enum SyncFault {
    /// The two folders cannot be a pair.
    #[error(transparent)]
    Refused(#[from] PairRefusal),
    /// Another run of this pair is going on.
    #[error("another run of this pair is going on, in {owner}")]
    Busy {
        /// Who runs it.
        owner: String,
    },
    /// The archive was written by a newer program, or cannot be read.
    #[error("failed to load what was last in sync")]
    Archive(#[from] LoadArchiveError),
    /// The name of the run cannot be used.
    #[error("the run has no usable name")]
    RunName,
    /// The pair's own directory cannot be used.
    #[error("failed to use the pair's own directory")]
    State(#[source] io::Error),
    /// A pattern of the settings means nothing.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The file of patterns at a root cannot be read, so nobody knows what was to be left alone.
    #[error("failed to read {IGNORE} of the {side} folder")]
    Rules {
        /// The side that holds it.
        side: Side,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The journal or the archive could not be written, so the run stopped.
    #[error("failed to write down what the run does")]
    Record(#[source] io::Error),
}

impl SyncFault {
    /// Returns the stable name of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Busy { .. } => "folder::busy",
            Self::Archive(LoadArchiveError::Newer { .. }) => "folder::archive-newer",
            Self::Archive(_) => "folder::archive",
            Self::RunName => "folder::run-name",
            Self::State(_) => "folder::state",
            Self::Pattern(_) => "folder::definition",
            Self::Rules { .. } => "folder::rules",
            Self::Record(_) => "folder::record",
        }
    }

    /// Says what can be done.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Busy { .. } => "wait for it to end, or stop it",
            Self::Archive(LoadArchiveError::Newer { .. }) => {
                "use the newer program, which wrote it"
            }
            Self::Archive(_) | Self::State(_) => {
                "make the pair's own directory readable and writable for this user"
            }
            Self::RunName => "use letters, digits, dots, dashes and underscores, at most 64",
            Self::Pattern(_) => "write it as in a .gitignore",
            Self::Rules { .. } => {
                "make it a text file of at most 1 MiB that this user can read, or remove it"
            }
            Self::Record(_) => {
                "make room on the disk that holds the pair's own directory, then run again"
            }
        }
    }
}

/// Everything that is known before anything is changed.
pub(crate) struct Prepared {
    pub(crate) checked: Checked,
    pub(crate) archive: Archive,
    /// Decisions, settled unless the run is held.
    pub(crate) groups: Vec<Group>,
    pub(crate) leftovers: Vec<(Side, Box<[u8]>)>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) marked: [bool; 2],
    pub(crate) now: Time,
    /// Whether the archive must be written even if nothing changed.
    pub(crate) renew: bool,
    /// Whether a root is adopted anew, so that the archive has a new generation that no root carries yet.
    pub(crate) adopt: bool,
}

pub(crate) enum Preparation {
    Ready(Box<Prepared>),
    Held(Box<GuardHold>, Vec<Finding>),
    Cancelled(Vec<Finding>),
}

/// Whether a preparation may write (move a damaged archive aside, make a root that is brought back).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    Nothing,
    Allowed,
}

/// How decisions are prepared.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) answers: &'a [GuardAnswer],
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
    pub(crate) writes: Writes,
    /// Whether decisions about directories are settled and losses guarded; a resolution looks at raw decisions.
    pub(crate) settle: bool,
}

/// What a run knows of what was in sync.
enum Basis {
    /// What the archive says.
    Known,
    /// There was something, and it is not known any more.
    Lost,
    /// Nothing, because a person wants that both folders get what the other has, whichever way the pair goes.
    PutTogether,
}

/// Holds the pair for one run; released when dropped, also by the system when the process dies.
#[derive(Debug)]
pub(crate) struct Held {
    _file: fs::File,
}

impl Pair {
    /// Returns the short name under which this pair marks its roots and temporary files.
    #[must_use]
    pub fn tag(&self) -> String {
        blake3::hash(self.id.as_bytes())
            .to_hex()
            .as_str()
            .get(..16)
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn temp_prefix(&self) -> Vec<u8> {
        [TEMP_PREFIX, self.tag().as_bytes(), b"-"].concat()
    }

    pub(crate) fn workers(&self) -> usize {
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        self.settings
            .workers
            .unwrap_or(available)
            .clamp(1, WORKERS_MAX)
    }

    fn root(&self, side: Side) -> &Path {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Makes and opens the pair's own directory and holds it for one run.
    pub(crate) fn hold(&self) -> Result<(Dir, Held), SyncFault> {
        use std::io::{Read as _, Seek as _, Write as _};
        let state = match Dir::open_path(&self.state_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::make_dirs(&self.state_dir).map_err(SyncFault::State)?;
                let state = Dir::open_path(&self.state_dir).map_err(SyncFault::State)?;
                let above = state.open_parent().map_err(SyncFault::State)?;
                above.sync_names().map_err(SyncFault::State)?;
                state
            }
            other => other.map_err(SyncFault::State)?,
        };
        let mut file = state.open_append(b"lock").map_err(SyncFault::State)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Where the text cannot be read, the refusal still stands.
                let read = file.rewind().and_then(|()| {
                    io::Read::by_ref(&mut file)
                        .take(256)
                        .read_to_string(&mut owner)
                });
                let owner = match read {
                    Ok(_) if !owner.trim().is_empty() => owner.trim().to_owned(),
                    _ => "another process".to_owned(),
                };
                return Err(SyncFault::Busy { owner });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(SyncFault::State(error)),
        }
        file.set_len(0).map_err(SyncFault::State)?;
        writeln!(file, "process {}", std::process::id()).map_err(SyncFault::State)?;
        Ok((state, Held { _file: file }))
    }

    /// Says what a run would do; writes nothing at all.
    ///
    /// # Errors
    /// Where the folders cannot be a pair or the archive cannot be used.
    pub fn plan(
        &self,
        answers: &[GuardAnswer],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<Plan, SyncFault> {
        let state = match Dir::open_path(&self.state_dir) {
            Ok(state) => Some(state),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(SyncFault::State(error)),
        };
        let ask = Ask {
            answers,
            observer,
            cancel,
            writes: Writes::Nothing,
            settle: true,
        };
        match self.prepare(state.as_ref(), ask)? {
            Preparation::Ready(prepared) => {
                let changes = plan::changes(&prepared.groups);
                let counts = plan::counts(&changes);
                Ok(Plan {
                    changes,
                    counts,
                    findings: prepared.findings,
                    held: None,
                    cancelled: false,
                })
            }
            Preparation::Held(held, findings) => Ok(Plan {
                held: Some(*held),
                findings,
                ..Plan::default()
            }),
            Preparation::Cancelled(findings) => Ok(Plan {
                findings,
                cancelled: true,
                ..Plan::default()
            }),
        }
    }

    /// Brings the two folders in sync. `run` names the run in the versions and for `undo`.
    ///
    /// # Errors
    /// Where nothing could be done at all, or the run had to stop because it could not write down what it does. Whatever is
    /// wrong with single paths is a finding of the outcome.
    pub fn sync(
        &self,
        run: &str,
        answers: &[GuardAnswer],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<Outcome, SyncFault> {
        if !versions::is_run_name(run) {
            return Err(SyncFault::RunName);
        }
        let (state, _held) = self.hold()?;
        let ask = Ask {
            answers,
            observer,
            cancel,
            writes: Writes::Allowed,
            settle: true,
        };
        let prepared = match self.prepare(Some(&state), ask)? {
            Preparation::Ready(prepared) => *prepared,
            Preparation::Held(held, findings) => {
                return Ok(Outcome {
                    held: Some(*held),
                    findings,
                    ..Outcome::default()
                });
            }
            Preparation::Cancelled(findings) => {
                return Ok(Outcome {
                    findings,
                    cancelled: true,
                    ..Outcome::default()
                });
            }
        };
        self.carry_out(run, &state, prepared, observer, cancel, true)
    }

    /// Applies prepared decisions and remembers what happened. `whole` says that the decisions cover the whole pair, so
    /// that the list of conflicts follows from them.
    pub(crate) fn carry_out(
        &self,
        run: &str,
        state: &Dir,
        prepared: Prepared,
        observer: &dyn Observer,
        cancel: &Cancel,
        whole: bool,
    ) -> Result<Outcome, SyncFault> {
        let Prepared {
            checked,
            mut archive,
            mut groups,
            leftovers,
            findings,
            mut marked,
            now,
            renew,
            adopt,
        } = prepared;
        let roots = [&checked.roots[0], &checked.roots[1]];
        let tag = self.tag();
        let store = Store::new(state, roots, &tag, run).map_err(SyncFault::State)?;
        let conflicts = conflict::conflicts(&groups, now);
        let (total, bytes_total) = totals(&groups);
        let prefix = self.temp_prefix();
        let bench = Bench::new(BenchInput {
            roots,
            store: &store,
            temp_prefix: &prefix,
            observer,
            cancel,
            workers: self.workers(),
            now,
            total,
            bytes_total,
        })
        .map_err(SyncFault::State)?;
        observer.phase(Phase::Apply);
        leftover::sweep(&bench, &leftovers, archive.entries() > 0).map_err(SyncFault::Record)?;
        if adopt {
            // The archive first: killed between the two, no root is taken for another one; and from here on, neither is the
            // disk that the new root stands in for.
            archive = archive.advance(&Updates::new(), [false; 2]);
            observer.step(Step::Archive);
            archive.save(state).map_err(SyncFault::Record)?;
            for side in Side::BOTH {
                // What fails is tried again, and told, at the end.
                marked[side.at()] =
                    marker::mark(roots[side.at()], &tag, archive.generation).is_ok();
            }
            archive.marked = marked;
        }
        let mut updates = Updates::new();
        keep_beside(&bench, &mut groups, &mut updates);
        let mut checkpoint =
            |updates: &Updates| archive.advance(updates, archive.marked).save(state);
        let applied = apply(&bench, &groups, now, &mut updates, &mut checkpoint);
        drop(groups);
        observer.phase(Phase::Finish);
        let mut findings = findings;
        if !updates.is_empty() || renew {
            let next = archive.advance(&updates, archive.marked);
            drop(updates);
            for side in Side::BOTH {
                if next.entries() > 0 && !marked[side.at()] && !bench.is_closed(side) {
                    match marker::mark(roots[side.at()], &tag, next.generation) {
                        Ok(()) => marked[side.at()] = true,
                        Err(error) => findings.push(Finding {
                            path: Box::default(),
                            side: Some(side),
                            what: "the folder could not be marked, so a later exchange of it would not be noticed",
                            cause: Some(error.to_string()),
                            failed: false,
                        }),
                    }
                }
            }
            archive = if next.marked == marked {
                next
            } else {
                next.advance(&Updates::new(), marked)
            };
            observer.step(Step::Archive);
            archive.save(state).map_err(SyncFault::Record)?;
        }
        if whole {
            conflict::save(state, &conflicts).map_err(SyncFault::Record)?;
        }
        applied.map_err(SyncFault::Record)?;
        let mut counts = *crate::workbench::lock(&bench.counts);
        counts.conflicts = conflicts.len() as u64;
        counts.bytes = bench.bytes.load(std::sync::atomic::Ordering::Relaxed);
        // What the scan could not read was not synchronized either; the workbench has counted its own failures.
        counts.failed += findings.iter().filter(|finding| finding.failed).count() as u64;
        findings.extend(bench.findings());
        Ok(Outcome {
            counts,
            findings,
            held: None,
            cancelled: cancel.is_cancelled(),
        })
    }

    /// Opens everything, asks the guards and decides, changing nothing that belongs to the user.
    pub(crate) fn prepare(
        &self,
        state: Option<&Dir>,
        ask: Ask<'_>,
    ) -> Result<Preparation, SyncFault> {
        ask.observer.phase(Phase::Scan);
        let now = fs::now();
        let mut findings = Vec::new();
        let mut renew = false;
        let mut adopt = false;
        let mut basis = Basis::Known;
        let mut archive = match state.map_or_else(|| Ok(Archive::default()), Archive::load) {
            Ok(archive) => archive,
            Err(LoadArchiveError::Damaged) => {
                let finding = Finding {
                    path: Box::default(),
                    side: None,
                    what: "the archive was damaged and is kept aside; nothing is deleted or replaced in this run",
                    cause: None,
                    failed: false,
                };
                ask.observer.finding(&finding);
                findings.push(finding);
                if let (Some(state), Writes::Allowed) = (state, ask.writes) {
                    let aside = format!(
                        "{}.damaged-{}",
                        String::from_utf8_lossy(ARCHIVE_NAME),
                        now.sec
                    );
                    state
                        .rename_over(ARCHIVE_NAME, aside.as_bytes())
                        .map_err(SyncFault::State)?;
                }
                adopt = true;
                basis = Basis::Lost;
                Archive::default()
            }
            Err(error) => return Err(error.into()),
        };
        let checked = match self.open_roots(&archive, ask)? {
            Ok(checked) => checked,
            Err(hold) => return Ok(Preparation::Held(hold, findings)),
        };
        let (checked, made) = checked;
        if made {
            // Nothing of what was in sync counts for a root that was made anew.
            archive = Archive::default();
            adopt = true;
            basis = Basis::PutTogether;
        }
        let tag = self.tag();
        let mut marked = [false; 2];
        let mut last = archive.generation;
        for side in Side::BOTH {
            let root = &checked.roots[side.at()];
            let found =
                marker::generation(root, &tag).map_err(|source| PairRefusal::Unreadable {
                    side,
                    path: self.root(side).to_path_buf(),
                    source,
                })?;
            marked[side.at()] = found == Some(archive.generation);
            // Without anything that was in sync, markers are left of an archive that is lost: none of its roots counts.
            if archive.entries() == 0 && found.is_some_and(|found| found != archive.generation) {
                adopt = true;
                basis = Basis::Lost;
                last = found.unwrap_or(last);
            }
        }
        for side in Side::BOTH {
            if marked[side.at()] || !archive.marked[side.at()] || archive.entries() == 0 {
                continue;
            }
            let of = archive.entries();
            let hold = GuardHold {
                kind: GuardKind::RootReplaced,
                side,
                lost: of,
                of,
                added: 0,
                sample: Vec::new(),
            };
            match guard::answered(&hold, ask.answers) {
                // Nothing of what was in sync counts for this root: a run without a base only unions.
                Some(GuardChoice::BringBack) => {
                    archive = Archive::default();
                    basis = Basis::PutTogether;
                }
                Some(GuardChoice::Apply) => {}
                Some(GuardChoice::Later) | None => {
                    return Ok(Preparation::Held(Box::new(hold), findings));
                }
            }
            adopt = true;
        }
        let rules = self.rules(&checked, ask.observer, &mut findings)?;
        let prefix = self.temp_prefix();
        let input = ScanInput {
            rules: &rules,
            roots: [&checked.roots[0], &checked.roots[1]],
            devs: [checked.metas[0].dev, checked.metas[1].dev],
            archive: &archive,
            temp_prefix: &prefix,
            own_dirs: [
                state.and_then(|state| state.stat_self().ok()),
                Some(checked.metas[0]),
                Some(checked.metas[1]),
            ],
            workers: self.workers(),
            observer: ask.observer,
            cancel: ask.cancel,
        };
        let mut scanned = scan(input);
        if let (Some(state), Writes::Allowed) = (state, ask.writes)
            && leftover::put_back(state, input.roots, &tag, &prefix, &scanned.leftovers)
                .map_err(SyncFault::State)?
        {
            scanned = scan(input);
        }
        let Scan {
            mut groups,
            findings: scanned,
            leftovers,
            seen,
        } = scanned;
        findings.extend(scanned);
        if ask.cancel.is_cancelled() {
            return Ok(Preparation::Cancelled(findings));
        }
        match basis {
            Basis::Known => policy::apply(self.settings.policy, &mut groups),
            Basis::Lost => {
                if policy::apply_adding(self.settings.policy, &mut groups) > 0 {
                    let finding = Finding {
                        path: Box::default(),
                        side: None,
                        what: "what differs stays as it is in this run; the next run follows again",
                        cause: None,
                        failed: true,
                    };
                    ask.observer.finding(&finding);
                    findings.push(finding);
                }
            }
            Basis::PutTogether => {}
        }
        if ask.settle {
            let present = seen.map(|n| n > 0);
            for hold in guard::measure(&groups, archive.entries(), present, self.settings.limits) {
                match guard::answered(&hold, ask.answers) {
                    Some(GuardChoice::BringBack) => {
                        let synced = hold.kind != GuardKind::Extra;
                        reconcile::bring_back(&mut groups, hold.lost_on(), synced);
                        adopt |= hold.kind == GuardKind::RootEmptied;
                    }
                    Some(GuardChoice::Apply) => {}
                    Some(GuardChoice::Later) | None => {
                        return Ok(Preparation::Held(Box::new(hold), findings));
                    }
                }
            }
            reconcile::settle(&mut groups);
        }
        if adopt {
            archive.generation = marker::fresh_generation(&tag, now, last);
            marked = [false; 2];
            renew = true;
        }
        let prepared = Prepared {
            checked,
            archive,
            groups,
            leftovers,
            findings,
            marked,
            now,
            renew,
            adopt,
        };
        Ok(Preparation::Ready(Box::new(prepared)))
    }

    /// Reads what is no part of the pair; patterns of the roots' files that mean nothing are told.
    fn rules(
        &self,
        checked: &Checked,
        observer: &dyn Observer,
        findings: &mut Vec<Finding>,
    ) -> Result<Rules, SyncFault> {
        let mut rules = Rules::new(&self.settings.ignore, self.settings.max_size)?;
        for side in Side::BOTH {
            let wrong = rules
                .add_file(&checked.roots[side.at()])
                .map_err(|source| SyncFault::Rules { side, source })?;
            for pattern in wrong {
                let finding = Finding {
                    path: IGNORE.as_bytes().into(),
                    side: Some(side),
                    what: "a pattern in it means nothing, and ignores nothing",
                    cause: Some(pattern.to_string()),
                    failed: false,
                };
                observer.finding(&finding);
                findings.push(finding);
            }
        }
        Ok(rules)
    }

    /// Opens both roots, or holds the run where one of them that was in sync is missing. Says whether one was made anew.
    fn open_roots(
        &self,
        archive: &Archive,
        ask: Ask<'_>,
    ) -> Result<Result<(Checked, bool), Box<GuardHold>>, SyncFault> {
        let mut made = false;
        let mut opened = Vec::with_capacity(2);
        for side in Side::BOTH {
            let path = self.root(side);
            let root = match check::open(side, path) {
                Err(PairRefusal::Missing { .. }) if archive.entries() > 0 => {
                    let of = archive.entries();
                    let hold = GuardHold {
                        kind: GuardKind::RootMissing,
                        side,
                        lost: of,
                        of,
                        added: 0,
                        sample: Vec::new(),
                    };
                    let back = guard::answered(&hold, ask.answers) == Some(GuardChoice::BringBack);
                    // Only the folder itself: a missing parent means that a disk is missing, so the question stays.
                    if !back || ask.writes == Writes::Nothing || !check::has_parent(path) {
                        return Ok(Err(Box::new(hold)));
                    }
                    fs::make_dir(path).map_err(|source| PairRefusal::Unreadable {
                        side,
                        path: path.to_path_buf(),
                        source,
                    })?;
                    made = true;
                    check::open(side, path)?
                }
                other => other?,
            };
            opened.push(root);
        }
        match <[_; 2]>::try_from(opened) {
            Ok([left, right]) => Ok(Ok((check::pair_up(left, right)?, made))),
            Err(_) => Err(PairRefusal::Same.into()),
        }
    }

    /// Lists the conflicts as the last run left them.
    ///
    /// # Errors
    /// Where the pair's own directory cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, SyncFault> {
        match Dir::open_path(&self.state_dir) {
            Ok(state) => conflict::load(&state).map_err(SyncFault::State),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(SyncFault::State(error)),
        }
    }

    /// Lists the versions that are kept, by run and in the order in which they were kept.
    ///
    /// # Errors
    /// Where a folder or the pair's own directory cannot be read.
    pub fn versions(&self) -> Result<Vec<KeptVersion>, SyncFault> {
        let state = match Dir::open_path(&self.state_dir) {
            Ok(state) => state,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(SyncFault::State(error)),
        };
        let checked = check::check(&self.left, &self.right)?;
        let tag = self.tag();
        let mut list = Vec::new();
        for run in versions::runs(&state).map_err(SyncFault::State)? {
            let store = Store::new(&state, [&checked.roots[0], &checked.roots[1]], &tag, &run)
                .map_err(SyncFault::State)?;
            list.extend(
                versions::list(&store, &self.state_dir, [&self.left, &self.right])
                    .map_err(SyncFault::State)?,
            );
        }
        Ok(list)
    }

    /// Removes the versions of runs that began longer than `keep` before `now` (seconds since 1970); returns how many runs
    /// that were. Such runs can no longer be undone.
    ///
    /// # Errors
    /// Where the pair is busy, or a folder or the pair's own directory cannot be used.
    pub fn prune(&self, now: Time, keep: Duration) -> Result<usize, SyncFault> {
        let (state, _held) = self.hold()?;
        let checked = check::check(&self.left, &self.right)?;
        let tag = self.tag();
        let mut pruned = 0;
        for run in versions::runs(&state).map_err(SyncFault::State)? {
            let store = Store::new(&state, [&checked.roots[0], &checked.roots[1]], &tag, &run)
                .map_err(SyncFault::State)?;
            pruned += usize::from(versions::prune(&store, now, keep).map_err(SyncFault::State)?);
        }
        Ok(pruned)
    }
}

/// Counts the changes and the bytes that settled groups ask for.
fn totals(groups: &[Group]) -> (u64, u64) {
    let mut total = 0;
    let mut bytes = 0;
    for item in groups.iter().flat_map(|group| &group.items) {
        use reconcile::Decision;
        match item.verdict.decision {
            Decision::Copy { to } => {
                total += if item.verdict.aside { 3 } else { 1 };
                let source = item
                    .side(to.other())
                    .filter(|meta| meta.kind == crate::tree::Kind::File);
                bytes += source.map_or(0, |meta| meta.size);
            }
            Decision::Delete { .. } | Decision::Meta => total += 1,
            _ => {}
        }
    }
    (total, bytes)
}
