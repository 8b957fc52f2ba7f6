//! `export`: items as timers of systemd and as lines of cron that work without syncmgr.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use syncmgr_control::rule::RuleText;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::look::Mark;
use crate::talk::{Talk, Verdict, ask};
use crate::text::{harmless, harmless_lines};
use crate::when;
use crate::world::Program;

/// What `export` is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportWords {
    /// Items; all when none is named.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Write timers and services of systemd into this directory; without it they are printed.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "cron")]
    #[expect(
        clippy::option_option,
        reason = "an option that may stand without its value"
    )]
    systemd: Option<Option<PathBuf>>,
    /// Print lines of cron.
    #[arg(long)]
    cron: bool,
    /// Replace files that are there already.
    #[arg(long, requires = "systemd")]
    force: bool,
}

/// What `export` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportWish {
    pub(crate) names: Vec<String>,
    pub(crate) form: ExportForm,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// Units of systemd.
    Systemd,
    /// Lines of cron.
    Cron,
}

/// An item with what starts it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportItem {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// Its handler.
    pub handler: String,
    /// Its definition in the configuration.
    pub definition: Option<Value>,
    /// What starts it.
    pub starts: Vec<ExportStart>,
    /// What must hold.
    pub when: Vec<String>,
}

/// What starts an item, as one rule says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportStart {
    /// Schedules in their normalised form.
    pub schedules: Vec<String>,
    /// Whatever else.
    pub others: Vec<String>,
    /// A missed time is caught up.
    pub catches_up: bool,
    /// How much later it starts at most, in milliseconds.
    pub jitter_ms: u64,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The item.
    pub name: String,
    /// Texts by the names of their files; of cron there is one without a name.
    pub files: Vec<(String, String)>,
    /// What is different without syncmgr, as sentences.
    pub notes: Vec<String>,
    /// It cannot run without syncmgr.
    pub needs_us: bool,
}

/// What the words mean.
pub(crate) fn wish(words: ExportWords, directory: &std::path::Path) -> ExportWish {
    ExportWish {
        names: words.names,
        form: if words.cron {
            ExportForm::Cron
        } else {
            ExportForm::Systemd
        },
        directory: words.systemd.flatten().map(|path| directory.join(path)),
        force: words.force,
    }
}

/// Carries it out.
pub(crate) async fn export(
    talk: &mut Talk,
    program: &dyn Program,
    wish: ExportWish,
) -> Result<Verdict, Refusal> {
    let request = Request::List {
        names: wish.names.clone(),
        hidden: true,
    };
    let listed = ask!(talk, request, Reply::Items(items) => items);
    let mut items = Vec::new();
    for item in listed {
        let name = format!("{}/{}", item.handler, item.id);
        let detail =
            ask!(talk, Request::Show { name: name.clone() }, Reply::Item(detail) => detail);
        let rules = ask!(talk, Request::Rules { names: vec![name] }, Reply::Rules(rules) => rules);
        let mut when: Vec<String> = Vec::new();
        let mut starts = Vec::new();
        for view in rules {
            let also = view.also.iter().map(|also| also.condition.clone());
            for condition in view.rule.when.iter().cloned().chain(also) {
                if !when.contains(&condition) {
                    when.push(condition);
                }
            }
            starts.push(start(talk, &view.rule).await);
        }
        items.push(ExportItem {
            name: item.name,
            about: item.comment,
            handler: item.handler,
            definition: detail.definition,
            starts,
            when,
        });
    }
    if items.is_empty() {
        return Ok(Verdict::said(
            "There are no items to be exported.",
            ExitCode::Good,
        ));
    }
    let exported = program.export(&items, wish.form)?;
    if let Some(directory) = &wish.directory {
        write(talk, &exported, directory, wish.force)
    } else {
        print(talk, &exported);
        let alone = exported.iter().filter(|item| !item.needs_us).count();
        Ok(Verdict::of_list(
            summary(alone, exported.len()),
            ExitCode::Good,
        ))
    }
}

/// What a rule says of starts, with schedules as the manager reads them.
async fn start(talk: &Talk, rule: &RuleText) -> ExportStart {
    let mut start = ExportStart {
        catches_up: !rule
            .catch_up
            .as_deref()
            .is_some_and(|span| span.trim_start_matches('0') == "s" || span == "0"),
        jitter_ms: rule
            .jitter
            .as_deref()
            .and_then(|span| syncmgr_control::span::read(span).ok())
            .and_then(|span| u64::try_from(span.as_millis()).ok())
            .unwrap_or(0),
        ..ExportStart::default()
    };
    for on in &rule.on {
        let request = Request::Explain {
            schedule: on.clone(),
            count: 1,
            item: None,
            when: Vec::new(),
        };
        match talk.ask(request).await {
            Ok(Reply::Schedule(schedule)) => start.schedules.push(schedule.normalised),
            // What is no schedule is something that happens.
            _ => start.others.push(on.clone()),
        }
    }
    start
}

fn summary(alone: usize, all: usize) -> String {
    format!(
        "{alone} of {} can run without syncmgr.",
        when::count(all as u64, "item")
    )
}

fn print(talk: &mut Talk, exported: &[Exported]) {
    let mut first = true;
    for item in exported {
        for (name, text) in &item.files {
            talk.screen.object(
                &json!({"item": item.name, "file": name, "text": text, "notes": item.notes}),
            );
            if !std::mem::take(&mut first) {
                talk.screen.line("");
            }
            if !name.is_empty() {
                talk.screen.line(format!("# {}", harmless(name)));
            }
            talk.screen.lines(harmless_lines(text));
        }
        if item.files.is_empty() {
            talk.screen
                .object(&json!({"item": item.name, "notes": item.notes}));
            if !std::mem::take(&mut first) {
                talk.screen.line("");
            }
            for note in &item.notes {
                talk.screen
                    .line(format!("# {}: {}", harmless(&item.name), harmless(note)));
            }
        }
    }
}

fn write(
    talk: &mut Talk,
    exported: &[Exported],
    directory: &std::path::Path,
    force: bool,
) -> Result<Verdict, Refusal> {
    let unwritable = |path: &std::path::Path, cause: &std::io::Error| {
        Refusal::new(
            "export::unwritable",
            format!("{} cannot be written", path.display()),
            "give a directory that you may write to",
        )
        .because(cause)
    };
    let files = || exported.iter().flat_map(|item| &item.files);
    if !force && let Some((name, _)) = files().find(|(name, _)| directory.join(name).exists()) {
        return Err(Refusal::new(
            "export::exists",
            format!(
                "{} is there already; nothing was written",
                directory.join(name).display()
            ),
            "give another directory, or --force to replace it",
        ));
    }
    std::fs::create_dir_all(directory).map_err(|cause| unwritable(directory, &cause))?;
    let (mut services, mut enabled) = (Vec::new(), Vec::new());
    for item in exported {
        for (name, text) in &item.files {
            let path = directory.join(name);
            std::fs::write(&path, text).map_err(|cause| unwritable(&path, &cause))?;
            talk.screen.object(&json!({"item": item.name, "file": path.display().to_string(), "notes": item.notes}));
            if !talk.screen.quiet() {
                let text = format!("{} written", path.display());
                talk.screen.marked(Mark::Good, "", &harmless(&text));
            }
            if name.ends_with(".service") {
                services.push(path.display().to_string());
            }
            // What says how it is to be enabled is to be enabled.
            if text.lines().any(|line| line == "[Install]") {
                enabled.push(path.display().to_string());
            }
        }
        for note in &item.notes {
            let text = format!("{}: {note}", item.name);
            talk.screen.marked(Mark::Warning, "", &harmless(&text));
        }
    }
    let alone = exported.iter().filter(|item| !item.needs_us).count();
    let verdict = Verdict::said(summary(alone, exported.len()), ExitCode::Good);
    if enabled.is_empty() {
        return Ok(verdict);
    }
    let words = |paths: Vec<String>| {
        let words: Vec<String> = paths
            .iter()
            .map(|path| crate::question::word(path))
            .collect();
        words.join(" ")
    };
    Ok(verdict.suggest(format!(
        "systemctl --user link {} && systemctl --user enable --now {}",
        words(services),
        words(enabled)
    )))
}
