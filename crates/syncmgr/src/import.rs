//! What starts by itself on this machine: crontabs and timers are read, turned off and brought back. What their texts mean is
//! decided by `syncmgr_tools::import`; this acts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncmgr_cli::{BroughtBack, FoundJob, FoundJobs, ImportSource, Imported, Turned};
use syncmgr_control::Refusal;
use syncmgr_daemon::launch::Programs;
use syncmgr_tools::Catalogue;
use syncmgr_tools::import::comment::{self, Out};
use syncmgr_tools::import::systemd::{TimerText, started_by};
use syncmgr_tools::import::{
    Around, Job, Kind, Origin, Wrapped, cron, kind_of, settle_locks, settle_names, systemd,
};
use syncmgr_tools::line::{Carried, Ground, carry};
use syncmgr_tools::masked;
use syncmgr_tools::recipe::Recipe;

use crate::tool::{self, NoAnswer};

/// Most bytes of a crontab or a unit that are read.
const MAX_TEXT: u64 = 1 << 20;
/// Most timers of a directory that are looked at.
const MAX_TIMERS: usize = 1_000;
/// Where the system's own units are that an administrator wrote.
const SYSTEM_UNITS: &str = "/etc/systemd/system";

/// What must be known of the machine and its user.
#[derive(Debug)]
pub(crate) struct Importer {
    /// The user's home directory.
    pub(crate) home: Option<PathBuf>,
    /// Where the user keeps configuration.
    pub(crate) config_dir: PathBuf,
    /// The user's name.
    pub(crate) user: String,
    /// The user may work with anybody's rights.
    pub(crate) root: bool,
    /// Where it is remembered what was imported.
    pub(crate) records: PathBuf,
    /// How programs are found.
    pub(crate) programs: Programs,
    /// The recipes, which say what command lines become.
    pub(crate) catalogue: Catalogue,
    /// Why programs do not do for their recipes, by recipe, as far as they were asked.
    pub(crate) asked: RefCell<BTreeMap<String, Option<String>>>,
}

/// Something that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// `cron`, or the path of a crontab, or `systemd`, or `systemd-system`.
    source: String,
    /// Where it stood.
    at: String,
    /// The timer, of systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The item that it became.
    item: String,
    /// The item was made for it.
    made: bool,
    /// The rule that was made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// Its original was to be turned off.
    turned: bool,
}

impl Record {
    fn imported(&self) -> Imported {
        Imported {
            at: self.at.clone(),
            original: Vec::new(),
            item: self.item.clone(),
            made: self.made,
            rule: self.rule.clone(),
        }
    }
}

const CRON: &str = "cron";
const USER_TIMERS: &str = "systemd";
const SYSTEM_TIMERS: &str = "systemd-system";

/// A place where jobs stand, found out from what a person named.
enum Place {
    /// A crontab, by the program for it or as a file.
    Crontab(Option<PathBuf>),
    /// Timers that systemd starts.
    Timers { units: Vec<PathBuf>, system: bool },
    /// Units that nobody starts.
    Texts(Vec<PathBuf>),
}

impl Importer {
    /// Finds what starts by itself at a source.
    pub(crate) fn find(&self, source: &ImportSource) -> Result<FoundJobs, Refusal> {
        match self.place(source)? {
            Place::Crontab(file) => {
                let text = self.crontab(file.as_deref())?;
                let place = file.as_ref().map_or_else(
                    || "your crontab".to_owned(),
                    |file| file.display().to_string(),
                );
                let jobs = self.around(|around| cron::jobs(&text, around));
                Ok(FoundJobs {
                    jobs: jobs.into_iter().map(|job| self.shown(job)).collect(),
                    fixed: file.as_ref().and_then(|file| {
                        let opened = std::fs::OpenOptions::new().append(true).open(file);
                        opened
                            .err()
                            .map(|cause| format!("{} cannot be written ({cause})", file.display()))
                    }),
                    before: comment::commented_out(&text).len(),
                    place,
                })
            }
            Place::Timers { units, system } => {
                let manager = manager(system);
                let reached = tool::call(&[&manager[..], &["show-environment"]].concat(), None);
                let fixed = match reached {
                    Ok(answer) if answer.good => None,
                    Ok(answer) => Some(format!("systemd cannot be asked: {}", answer.said)),
                    Err(NoAnswer::Missing) => Some("there is no systemctl".to_owned()),
                    Err(NoAnswer::Failed(cause)) => {
                        Some(format!("systemctl cannot be started: {cause}"))
                    }
                };
                let source = if system { SYSTEM_TIMERS } else { USER_TIMERS };
                let records = self.load()?;
                let is_ours = |unit: &str| {
                    records.iter().any(|record| {
                        record.source == source
                            && record.turned
                            && record.unit.as_deref() == Some(unit)
                    })
                };
                let (mut jobs, mut before) = (Vec::new(), 0);
                for mut job in self.timers(&units, system) {
                    let Origin::Timer { unit } = &job.origin else {
                        continue;
                    };
                    if fixed.is_none() {
                        let state =
                            tool::call(&[&manager[..], &["is-enabled", unit]].concat(), None);
                        let state = state.map_or_else(
                            |_| String::new(),
                            |answer| String::from_utf8_lossy(&answer.output).trim().to_owned(),
                        );
                        if matches!(state.as_str(), "disabled" | "masked") {
                            if is_ours(unit) {
                                before += 1;
                                continue;
                            }
                            job.obstacle
                                .get_or_insert(format!("systemd does not start it: it is {state}"));
                        }
                    }
                    jobs.push(job);
                }
                settle_locks(&mut jobs);
                settle_names(&mut jobs);
                Ok(FoundJobs {
                    place: if system {
                        "the timers of the machine"
                    } else {
                        "your timers"
                    }
                    .to_owned(),
                    jobs: jobs.into_iter().map(|job| self.shown(job)).collect(),
                    fixed,
                    before,
                })
            }
            Place::Texts(units) => {
                let mut jobs = self.timers(&units, false);
                settle_locks(&mut jobs);
                settle_names(&mut jobs);
                Ok(FoundJobs {
                    place: "these units".to_owned(),
                    jobs: jobs.into_iter().map(|job| self.shown(job)).collect(),
                    fixed: Some("they are files that systemd does not start".to_owned()),
                    before: 0,
                })
            }
        }
    }

    fn place(&self, source: &ImportSource) -> Result<Place, Refusal> {
        let path = match source {
            ImportSource::Cron => return Ok(Place::Crontab(None)),
            ImportSource::Systemd => {
                let units = if self.root {
                    vec![PathBuf::from(SYSTEM_UNITS)]
                } else {
                    self.user_units()
                };
                return Ok(Place::Timers {
                    units: units
                        .iter()
                        .flat_map(|directory| timers_in(directory))
                        .collect(),
                    system: self.root,
                });
            }
            ImportSource::Path(path) => path,
        };
        let unreadable = |cause: &std::io::Error| {
            Refusal::new(
                "import::unreadable",
                format!("{} cannot be read", path.display()),
                "name a crontab, a .timer or a directory of units that you may read; `cron` and `systemd` are your own",
            )
            .because(cause)
        };
        let path = path.canonicalize().map_err(|cause| unreadable(&cause))?;
        let directory = if path.is_dir() {
            path.clone()
        } else {
            match kind_of(&read(&path).map_err(|cause| unreadable(&cause))?) {
                Kind::Crontab => return Ok(Place::Crontab(Some(path))),
                Kind::Timer => path.parent().unwrap_or(&path).to_owned(),
                Kind::Unit => {
                    return Err(Refusal::new(
                        "import::no-timer",
                        format!("{} is a unit, and no timer", path.display()),
                        "name the .timer that starts it, or the directory that holds both",
                    ));
                }
            }
        };
        let units = if path.is_dir() {
            timers_in(&path)
        } else {
            vec![path]
        };
        let is = |known: &Path| known.canonicalize().is_ok_and(|known| known == directory);
        Ok(if self.user_units().iter().any(|known| is(known)) {
            Place::Timers {
                units,
                system: false,
            }
        } else if is(Path::new(SYSTEM_UNITS)) {
            Place::Timers {
                units,
                system: true,
            }
        } else {
            Place::Texts(units)
        })
    }

    /// Where a user's own units are.
    fn user_units(&self) -> Vec<PathBuf> {
        let home = self.home.clone().unwrap_or_default();
        vec![
            self.config_dir.join("systemd/user"),
            home.join(".local/share/systemd/user"),
            PathBuf::from("/etc/systemd/user"),
        ]
    }

    fn timers(&self, units: &[PathBuf], system: bool) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        for path in units {
            let name = |path: &Path| {
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default()
            };
            let unit = name(path);
            // The first directory counts.
            let is_known =
                |job: &Job| matches!(&job.origin, Origin::Timer { unit: known } if *known == unit);
            if jobs.iter().any(is_known) {
                continue;
            }
            let timer = unit_text(path);
            let started = started_by(&unit, &timer);
            let beside = path.with_file_name(&started);
            let service = started.ends_with(".service").then(|| {
                // `backup@home.service` is made of `backup@.service`.
                let template = started
                    .split_once('@')
                    .map(|(stem, _)| path.with_file_name(format!("{stem}@.service")));
                let file = if beside.exists() {
                    Some(beside.clone())
                } else {
                    template.filter(|path| path.exists())
                };
                file.map(|file| unit_text(&file))
            });
            let text = TimerText {
                unit: &unit,
                timer: &timer,
                service: service.as_ref().and_then(|text| text.as_deref()),
                system,
            };
            jobs.push(self.around(|around| systemd::job(text, around)));
        }
        jobs
    }

    /// With what must be known to understand texts.
    fn around<T>(&self, read: impl FnOnce(&Around<'_>) -> T) -> T {
        let users: Vec<String> = std::fs::read_to_string("/etc/passwd")
            .unwrap_or_default()
            .lines()
            .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
            .collect();
        let home = self.home.as_ref().and_then(|home| home.to_str());
        let recipes: Vec<(String, String)> = self
            .catalogue
            .programs()
            .map(|(program, recipe)| (program.to_owned(), recipe.to_owned()))
            .collect();
        read(&Around {
            home,
            user: &self.user,
            root: self.root,
            users: &users,
            programs: &recipes,
        })
    }

    /// A job as the command line shows it.
    fn shown(&self, job: Job) -> FoundJob {
        let (at, original) = match &job.origin {
            Origin::Line { number, bytes } => (format!("line {number}"), bytes.clone()),
            Origin::Timer { unit } => (unit.clone(), unit.clone().into_bytes()),
        };
        let variables: Vec<String> = job
            .wrapped
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let hidden = masked(&variables.join(" ")).1;
        let (command, secret) = masked(&job.wrapped.typed());
        let arguments = job.wrapped.arguments();
        let missing = (!job.wrapped.shell && job.obstacle.is_none())
            .then(|| self.missing(&job))
            .flatten();
        let carried = match &job.wrapped.like {
            Some(like) => self.carried(like, &job.wrapped),
            None => Err(None),
        };
        let mut remarks = job.wrapped.remarks;
        let (arguments, recipe, guard, stays) = match carried {
            Ok(carried) => {
                remarks.extend(carried.say);
                let recipe = job.wrapped.like.clone();
                (carried.arguments, recipe, carried.guard, None)
            }
            Err(why) => (arguments, None, None, why),
        };
        FoundJob {
            at,
            original,
            arguments,
            recipe,
            guard,
            stays,
            name: job.name,
            on: job.on,
            when: job.when,
            catch_up: job.catch_up,
            jitter: job.jitter,
            command,
            like: job.wrapped.like,
            deletes: job.wrapped.deletes,
            secret: secret || hidden,
            remarks,
            obstacle: job.obstacle.or(missing),
        }
    }

    /// What a command becomes by its recipe, or why it stays one.
    fn carried(&self, recipe: &str, wrapped: &Wrapped) -> Result<Carried, Option<String>> {
        let recipe = self.catalogue.get(recipe).map_err(|why| Some(why.text))?;
        let ground = Ground {
            home: self.home.as_deref(),
            is_directory: Path::is_dir,
        };
        let carried = carry(recipe, wrapped, ground)?;
        match self.unfit(recipe) {
            Some(why) => Err(Some(why)),
            None => Ok(carried),
        }
    }

    /// Why the program of a recipe does not do for it; each is asked once.
    fn unfit(&self, recipe: &Recipe) -> Option<String> {
        let mut asked = self.asked.borrow_mut();
        let known = asked
            .entry(recipe.id.clone())
            .or_insert_with(|| syncmgr_tools::unfit(recipe));
        known.clone()
    }

    /// Says when the program of a job is not there.
    fn missing(&self, job: &Job) -> Option<String> {
        let program = job.wrapped.command.first()?;
        let text = format!("`{program}` is not installed");
        if program.contains('/') {
            let base = job
                .wrapped
                .directory
                .as_ref()
                .map(PathBuf::from)
                .unwrap_or_default();
            return (!base.join(program).is_file()).then_some(text);
        }
        let own = job
            .wrapped
            .env
            .iter()
            .find(|(name, _)| name == "PATH")
            .map(|(_, path)| OsString::from(path));
        let mut programs = self.programs.clone();
        if own.is_some() {
            programs.search_path = own;
        }
        programs.search(program).is_none().then_some(text)
    }

    /// Remembers what was imported, then turns its originals off.
    pub(crate) fn turn_off(
        &self,
        source: &ImportSource,
        imported: &[Imported],
        turn: bool,
    ) -> Result<Vec<Turned>, Refusal> {
        let place = self.place(source)?;
        let name = match &place {
            Place::Crontab(None) => CRON.to_owned(),
            Place::Crontab(Some(path)) => path.display().to_string(),
            Place::Timers { system: true, .. } => SYSTEM_TIMERS.to_owned(),
            Place::Timers { .. } => USER_TIMERS.to_owned(),
            Place::Texts(_) => "files".to_owned(),
        };
        let is_timer = matches!(place, Place::Timers { .. });
        let mut records = self.load()?;
        for made in imported {
            let unit = is_timer.then(|| String::from_utf8_lossy(&made.original).into_owned());
            let same = |record: &&mut Record| {
                record.source == name
                    && record.item == made.item
                    && record.unit == unit
                    && (made.rule.is_none() || record.rule == made.rule)
            };
            match records.iter_mut().find(same) {
                Some(record) => record.turned |= turn,
                None => records.push(Record {
                    source: name.clone(),
                    at: made.at.clone(),
                    unit,
                    item: made.item.clone(),
                    made: made.made,
                    rule: made.rule.clone(),
                    turned: turn,
                }),
            }
        }
        if !imported.is_empty() {
            self.save(&records)?;
        }
        if !turn || imported.is_empty() {
            return Ok(Vec::new());
        }
        match place {
            Place::Crontab(file) => self.comment_out(file.as_deref(), imported),
            Place::Timers { system, .. } => Ok(imported
                .iter()
                .map(|made| {
                    let unit = String::from_utf8_lossy(&made.original).into_owned();
                    let done = tell(&[&manager(system)[..], &["disable", "--now", &unit]].concat());
                    Turned {
                        at: unit,
                        item: made.item.clone(),
                        done: done.map(|()| "is disabled".to_owned()),
                    }
                })
                .collect()),
            Place::Texts(_) => Ok(Vec::new()),
        }
    }

    fn comment_out(
        &self,
        file: Option<&Path>,
        imported: &[Imported],
    ) -> Result<Vec<Turned>, Refusal> {
        // Read anew: somebody may have edited it meanwhile.
        let text = self.crontab(file)?;
        let wanted = imported
            .iter()
            .map(|made| Out {
                line: made.original.clone(),
                item: made.item.clone(),
            })
            .collect();
        let changed = comment::comment_out(&text, wanted);
        let written = self.write_crontab(file, &changed.text);
        let place = file.map_or_else(
            || "your crontab".to_owned(),
            |file| file.display().to_string(),
        );
        let mut found = changed.items;
        Ok(imported
            .iter()
            .map(|made| {
                let at = found.iter().position(|item| *item == made.item);
                let done = match (at, &written) {
                    (Some(at), Ok(())) => {
                        found.remove(at);
                        Ok("is commented out".to_owned())
                    }
                    (Some(_), Err(why)) => Err(why.clone()),
                    (None, _) => Err("it is not there any more as it was".to_owned()),
                };
                Turned {
                    at: format!("{} of {place}", made.at),
                    item: made.item.clone(),
                    done,
                }
            })
            .collect())
    }

    /// Brings originals back: of these items, or all.
    pub(crate) fn bring_back(&self, items: &[String]) -> Result<BroughtBack, Refusal> {
        let records = self.load()?;
        let only = (!items.is_empty()).then_some(items);
        let is_meant = |record: &&Record| only.is_none_or(|only| only.contains(&record.item));
        let mut back = BroughtBack::default();
        // What was commented out says so itself, whatever is remembered.
        let mut files: Vec<Option<PathBuf>> = vec![None];
        for record in &records {
            let is_file =
                ![CRON, USER_TIMERS, SYSTEM_TIMERS, "files"].contains(&record.source.as_str());
            let file = Some(PathBuf::from(&record.source));
            if is_file && !files.contains(&file) {
                files.push(file);
            }
        }
        for file in files {
            let source = file
                .as_ref()
                .map_or_else(|| CRON.to_owned(), |file| file.display().to_string());
            let turned = records
                .iter()
                .filter(is_meant)
                .filter(|record| record.source == source && record.turned);
            let place = file.as_ref().map_or_else(
                || "your crontab".to_owned(),
                |file| file.display().to_string(),
            );
            let failed = |why: &str, item: &str| Turned {
                at: place.clone(),
                item: item.to_owned(),
                done: Err(why.to_owned()),
            };
            match self.crontab(file.as_deref()) {
                Ok(text) => {
                    let changed = comment::bring_back(&text, only);
                    if changed.items.is_empty() {
                        continue;
                    }
                    let written = self.write_crontab(file.as_deref(), &changed.text);
                    back.turned
                        .extend(changed.items.iter().map(|item| match &written {
                            Ok(()) => Turned {
                                at: place.clone(),
                                item: item.clone(),
                                done: Ok(format!("the line of {item} is back as it was")),
                            },
                            Err(why) => failed(why, item),
                        }));
                }
                // Where there is no cron, nothing was commented out in it.
                Err(refusal) => back
                    .turned
                    .extend(turned.map(|record| failed(&refusal.message, &record.item))),
            }
        }
        for record in records
            .iter()
            .filter(is_meant)
            .filter(|record| record.turned)
        {
            if let Some(unit) = &record.unit {
                let system = record.source == SYSTEM_TIMERS;
                let done = tell(&[&manager(system)[..], &["enable", "--now", unit]].concat());
                back.turned.push(Turned {
                    at: unit.clone(),
                    item: record.item.clone(),
                    done: done.map(|()| "is enabled again".to_owned()),
                });
            }
        }
        back.imported = records
            .iter()
            .filter(is_meant)
            .map(Record::imported)
            .collect();
        Ok(back)
    }

    /// What is turned off and would be brought back, for people.
    pub(crate) fn turned_off(&self) -> Result<Vec<String>, Refusal> {
        let mut found = Vec::new();
        let records = self.load()?;
        let in_cron = self
            .crontab(None)
            .map(|text| comment::commented_out(&text))
            .unwrap_or_default();
        found.extend(
            in_cron
                .into_iter()
                .map(|item| format!("a line of your crontab, which became {item}")),
        );
        for record in records
            .iter()
            .filter(|record| record.turned && record.source != CRON)
        {
            let what = record
                .unit
                .clone()
                .unwrap_or_else(|| format!("{} of {}", record.at, record.source));
            found.push(format!("{what}, which became {}", record.item));
        }
        Ok(found)
    }

    /// Forgets that these were imported.
    pub(crate) fn forget(&self, imported: &[Imported]) -> Result<(), Refusal> {
        let mut records = self.load()?;
        let before = records.len();
        records.retain(|record| !imported.contains(&record.imported()));
        if records.len() == before {
            return Ok(());
        }
        self.save(&records)
    }

    fn crontab(&self, file: Option<&Path>) -> Result<Vec<u8>, Refusal> {
        if let Some(file) = file {
            return read(file).map_err(|cause| {
                Refusal::new(
                    "import::unreadable",
                    format!("{} cannot be read", file.display()),
                    "check that you may read it",
                )
                .because(&cause)
            });
        }
        let no_cron = |why: String| {
            Refusal::new(
                "import::no-cron",
                format!("your crontab cannot be read: {why}"),
                "a crontab that is a file can be named instead: syncmgr import FILE",
            )
        };
        match tool::call(&["crontab", "-l"], None) {
            Ok(answer) if answer.good => Ok(answer.output),
            // Somebody without one has an empty one.
            Ok(answer) if answer.said.to_lowercase().contains("no crontab") => Ok(Vec::new()),
            Ok(answer) => Err(no_cron(answer.said)),
            Err(NoAnswer::Missing) => Err(no_cron("there is no program `crontab`".to_owned())),
            Err(NoAnswer::Failed(cause)) => Err(no_cron(cause.to_string())),
        }
    }

    fn write_crontab(&self, file: Option<&Path>, text: &[u8]) -> Result<(), String> {
        let Some(file) = file else {
            return match tool::call(&["crontab", "-"], Some(text)) {
                Ok(answer) if answer.good => Ok(()),
                Ok(answer) => Err(answer.said),
                Err(NoAnswer::Missing) => Err("there is no program `crontab`".to_owned()),
                Err(NoAnswer::Failed(cause)) => Err(cause.to_string()),
            };
        };
        // Wholly there or not at all, and with the rights that it had: cron refuses others.
        let mut draft = file.as_os_str().to_owned();
        draft.push(".syncmgr-new");
        let written = std::fs::metadata(file).and_then(|known| {
            std::fs::write(&draft, text)?;
            std::fs::set_permissions(&draft, known.permissions())?;
            std::fs::rename(&draft, file)
        });
        written.map_err(|cause| {
            // What could not take its place is not left behind.
            if let Err(cause) = std::fs::remove_file(&draft) {
                tracing::debug!(%cause, "there is no draft to be removed");
            }
            format!("{} cannot be written: {cause}", file.display())
        })
    }

    fn load(&self) -> Result<Vec<Record>, Refusal> {
        let broken = |cause: &dyn std::error::Error| {
            Refusal::new(
                "import::records",
                format!("{} cannot be read, which says what was imported", self.records.display()),
                "move it away; lines that are commented out in a crontab are brought back without it",
            )
            .because(cause)
        };
        match read(&self.records) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| broken(&cause)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(broken(&cause)),
        }
    }

    fn save(&self, records: &[Record]) -> Result<(), Refusal> {
        let unwritable = |cause: &dyn std::error::Error| {
            Refusal::new(
                "import::records",
                format!(
                    "{} cannot be written, so nothing was turned off",
                    self.records.display()
                ),
                "check the permissions and the free space there, then import again",
            )
            .because(cause)
        };
        if records.is_empty() {
            return match std::fs::remove_file(&self.records) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    Err(unwritable(&cause))
                }
                _ => Ok(()),
            };
        }
        let text = serde_json::to_vec_pretty(records).map_err(|cause| unwritable(&cause))?;
        let draft = self.records.with_extension("new");
        std::fs::write(&draft, text)
            .and_then(|()| std::fs::rename(&draft, &self.records))
            .map_err(|cause| unwritable(&cause))
    }
}

/// How the manager of units is called.
fn manager(system: bool) -> Vec<&'static str> {
    if system {
        vec!["systemctl"]
    } else {
        vec!["systemctl", "--user"]
    }
}

/// Has a program do something; answers why not.
fn tell(words: &[&str]) -> Result<(), String> {
    match tool::call(words, None) {
        Ok(answer) if answer.good => Ok(()),
        Ok(answer) => Err(answer.said),
        Err(NoAnswer::Missing) => Err(format!(
            "there is no program `{}`",
            words.first().unwrap_or(&"")
        )),
        Err(NoAnswer::Failed(cause)) => Err(cause.to_string()),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        // Half of it must never be written back.
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        ));
    }
    Ok(bytes)
}

/// The text of a unit, with what changes it behind it.
fn unit_text(path: &Path) -> String {
    let mut text = String::from_utf8_lossy(&read(path).unwrap_or_default()).into_owned();
    let mut directory = path.as_os_str().to_owned();
    directory.push(".d");
    let mut changes: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "conf"))
        .take(MAX_TIMERS)
        .collect();
    changes.sort();
    for path in changes {
        text.push('\n');
        text += &String::from_utf8_lossy(&read(&path).unwrap_or_default());
    }
    text
}

/// The timers of a directory, in the order of their names.
fn timers_in(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        // A template starts nothing by itself, and what leads to /dev/null is masked.
        .filter(|path| path.extension().is_some_and(|ending| ending == "timer"))
        .filter(|path| {
            !path
                .file_stem()
                .is_some_and(|stem| stem.to_string_lossy().ends_with('@'))
                && path.is_file()
        })
        .collect();
    found.sort();
    found.truncate(MAX_TIMERS);
    found
}
