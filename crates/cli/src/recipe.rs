//! Recipes: other people's programs as kinds of items. What a recipe is, only the program knows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;
use serde_json::{Map, Value, json};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::args::Global;
use crate::look::{Look, Mark};
use crate::question::word;
use crate::screen::Screen;
use crate::table::{Cell, Table};
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Origin, absolute};
use crate::text::{harmless, pad, width};
use crate::wrap::TOOLS;

/// Columns of a definition's first part, at most.
const TERM_MAX: usize = 26;
/// Words of `add KIND` that are ours, whatever the recipe.
pub const RESERVED: [&str; 7] = [
    "name",
    "found",
    "help",
    "json",
    "quiet",
    "color",
    "no-progress",
];

/// A recipe in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecipeRow {
    /// What is typed for it.
    pub id: String,
    /// One line about it, or what is wrong with it.
    pub about: String,
    /// Its program; absent where every item names its own.
    pub program: Option<String>,
    /// The version that is installed, or `None` where the program is not there.
    pub installed: Option<String>,
    /// How one gets the program.
    pub install: Option<String>,
    /// The user's own, from this file.
    pub file: Option<PathBuf>,
    /// It cannot be used, because of this.
    pub broken: Option<String>,
}

/// One word of a usage, with what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecipeWord {
    /// As it is written, such as `--delete` or `SOURCE`.
    pub word: String,
    /// What it is.
    pub about: String,
}

/// How items of a recipe are added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecipeUsage {
    /// What is typed for it.
    pub id: String,
    /// What it is called for people.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// The words behind `syncmgr add ID`, such as `[OPTIONS] SOURCE DESTINATION`.
    pub synopsis: String,
    /// What is given without a name, in order.
    pub positional: Vec<RecipeWord>,
    /// What is given with its name.
    pub options: Vec<RecipeWord>,
    /// `--found` finds what could be added.
    pub finds: bool,
    /// What else is to be known of it, a sentence each.
    pub notes: Vec<String>,
}

/// Something that could be an item.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundItem {
    /// What it would be called.
    pub name: String,
    /// What it would be defined with.
    pub arguments: Map<String, Value>,
}

/// A program whose output and exit codes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTool {
    /// Its recipe.
    pub id: String,
    /// What it is called for people.
    pub name: String,
}

/// How bad something in a test of a recipe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipeGrade {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Failed,
}

/// One thing that a test of a recipe looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecipeFinding {
    /// How bad it is.
    pub grade: RecipeGrade,
    /// What was found.
    pub text: String,
    /// Lines below it, such as what came out of a line of the program.
    pub lines: Vec<String>,
}

/// What of a recipe is tested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipeTestWish {
    /// The recipe.
    pub name: String,
    /// Keep what comes out as what is expected from now on.
    pub accept: bool,
    /// Run the program with these words, and record what it prints.
    pub record: Option<Vec<String>>,
    /// Carry out what only looks with the program that is installed, with these words of `add`.
    pub real: Option<Vec<String>>,
    /// Where it is run.
    pub directory: PathBuf,
}

/// What the program does about recipes for the command line.
pub trait Recipes {
    /// All recipes, the broken ones too.
    fn list(&self) -> Vec<RecipeRow>;

    /// How items of a recipe are added.
    ///
    /// # Errors
    /// A refusal for a recipe that there is not, or that is broken.
    fn usage(&self, id: &str) -> Result<RecipeUsage, Refusal>;

    /// Finds what could be items of a recipe.
    ///
    /// # Errors
    /// A refusal when it cannot look for any.
    fn find(&self, id: &str, words: &[String], directory: &Path)
    -> Result<Vec<FoundItem>, Refusal>;

    /// The recipe that knows the output and the exit codes of a command.
    fn recognise(&self, command: &[String]) -> Option<KnownTool>;

    /// Where a program is: searched for by a bare name, else as a path from this directory.
    fn find_program(&self, name: &str, directory: &Path) -> Option<PathBuf>;

    /// The words of a command as they may be shown; `None` where no secret stands in them.
    fn without_secrets(&self, words: &[String]) -> Option<Vec<String>>;

    /// Where the user's recipes are.
    fn directory(&self) -> PathBuf;

    /// Writes a recipe to begin with, and returns its file.
    ///
    /// # Errors
    /// A refusal for a name that is taken or is none, and when it cannot be written.
    fn create(&self, id: &str, program: Option<&str>) -> Result<PathBuf, Refusal>;

    /// Tests a recipe.
    ///
    /// # Errors
    /// A refusal when nothing can be tested.
    fn test(&self, wish: &RecipeTestWish) -> Result<Vec<RecipeFinding>, Refusal>;
}

/// What is to be done about recipes.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeAction {
    /// List the recipes: those that are built in, and yours.
    #[command(after_help = "Examples:
  syncmgr recipe list
  syncmgr recipe list --json | jq -r 'select(.installed).id'")]
    List,
    /// Say how items of a recipe are added.
    #[command(after_help = "Examples:
  syncmgr recipe show rsync")]
    Show {
        /// The recipe, as `recipe list` shows it.
        name: String,
    },
    /// Write a recipe to begin with: it works, and its comments say what can be changed.
    #[command(after_help = "Examples:
  syncmgr recipe new photos --program backup-photos
  $EDITOR \"$(syncmgr recipe path)/photos.toml\"")]
    New {
        /// What is typed for it in `add`: lowercase letters, digits and `-`.
        name: String,
        /// The program that it is about; called as the recipe when absent.
        #[arg(long, value_name = "PROGRAM")]
        program: Option<String>,
    },
    /// Check a recipe, and replay what was recorded of its program.
    ///
    /// Recordings are text files in NAME.recorded, beside the recipe. What comes out of each is compared with what came
    /// out when it was accepted; docs/recipes.md tells more.
    #[command(after_help = "Examples:
  syncmgr recipe test photos
  syncmgr recipe test photos --record -- --dry-run ~/Pictures
  syncmgr recipe test photos --accept
  syncmgr recipe test rsync --real --set source=~/Pictures --set target=/mnt/usb/Pictures

Exit codes: 0 all good, 1 with warnings, 2 something is wrong, 4 nothing could be tested.")]
    Test {
        /// The recipe.
        name: String,
        /// Keep what comes out as what is expected from now on.
        #[arg(long)]
        accept: bool,
        /// Run the program with the words behind `--`, and keep what it prints as a recording.
        #[arg(long, requires = "arguments")]
        record: bool,
        /// Carry out what only looks (find, check, plan) with the program that is installed; nothing is synchronized.
        #[arg(long, conflicts_with_all = ["record", "accept"])]
        real: bool,
        /// With `--real`: a word of `add`, such as `source=/a`; may be given several times.
        #[arg(long, value_name = "NAME=VALUE", value_parser = given, requires = "real")]
        set: Vec<String>,
        /// What the program is run with.
        #[arg(last = true, value_name = "ARGS", requires = "record")]
        arguments: Vec<String>,
    },
    /// Print the directory where your recipes are.
    #[command(after_help = "Examples:
  ls \"$(syncmgr recipe path)\"")]
    Path,
}

/// `NAME=VALUE` as the option `--NAME=VALUE` of `add`.
fn given(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && !name.starts_with('-') => Ok(format!("--{text}")),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

/// What the words behind `add KIND` are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AddWords {
    pub(crate) kind: String,
    pub(crate) words: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) found: bool,
    pub(crate) help: bool,
}

/// Takes the options of every command out of what stands behind `add`; a word behind `--` never is one.
pub(crate) fn take_global(words: &mut Vec<OsString>, global: &mut Global) {
    let mut ours = true;
    words.retain(|word| {
        ours &= word != "--";
        let taken = match word.to_str() {
            Some("--json") if ours => &mut global.json,
            Some("--quiet" | "-q") if ours => &mut global.quiet,
            Some("--no-progress") if ours => &mut global.no_progress,
            _ => return true,
        };
        *taken = true;
        false
    });
}

/// Takes apart what stands behind `add`, as far as it is not the recipe's; a word behind `--` always is.
///
/// # Errors
/// A word that is no text, and a name that is missing.
pub(crate) fn add_words(words: Vec<OsString>) -> Result<AddWords, Refusal> {
    let mut taken = AddWords::default();
    let mut words = words.into_iter().map(|word| {
        word.into_string().map_err(|word| {
            Refusal::new(
                "cli::usage",
                format!("{} is not valid text", harmless(&word.to_string_lossy())),
                "give it a name that is",
            )
        })
    });
    taken.kind = words.next().transpose()?.unwrap_or_default();
    while let Some(word) = words.next() {
        let word = word?;
        match word.as_str() {
            "--" => {
                taken.words.push(word);
                let rest: Vec<String> = words.by_ref().collect::<Result<_, _>>()?;
                taken.words.extend(rest);
            }
            "--help" | "-h" => taken.help = true,
            "--found" => taken.found = true,
            "--name" => {
                taken.name = Some(words.next().transpose()?.ok_or_else(|| {
                    Refusal::new(
                        "cli::usage",
                        "--name is followed by nothing",
                        "write: --name NAME",
                    )
                })?);
            }
            _ => match word.strip_prefix("--name=") {
                Some(name) => taken.name = Some(name.to_owned()),
                None => taken.words.push(word),
            },
        }
    }
    Ok(taken)
}

/// What `add KIND` asks of the manager.
#[derive(Debug)]
pub(crate) enum Addition {
    /// This item.
    One(Option<String>, Map<String, Value>),
    /// All that was found.
    Found(Vec<FoundItem>),
}

/// Finds out what is added; `None` when only the help was wanted, and is printed.
///
/// # Errors
/// A recipe that there is not, and what it cannot look for.
pub(crate) fn addition(
    given: AddWords,
    recipes: &dyn Recipes,
    origin: Origin<'_>,
    screen: &mut Screen,
) -> Result<Option<Addition>, Refusal> {
    let usage = recipes.usage(&given.kind)?;
    if given.help {
        print_usage(&usage, screen);
        return Ok(None);
    }
    if given.found {
        if !usage.finds {
            return Err(Refusal::new(
                "recipe::finds-nothing",
                format!("the recipe {} has no way to find items", given.kind),
                format!("add one: syncmgr add {} {}", given.kind, usage.synopsis),
            ));
        }
        let found = recipes.find(&given.kind, &given.words, origin.directory)?;
        return Ok(Some(Addition::Found(found)));
    }
    let directory =
        absolute(origin.directory.as_os_str(), origin).map_err(|error| error.refusal("add"))?;
    let arguments = json!({
        "recipe": given.kind,
        "words": given.words,
        "cwd": directory.to_string_lossy(),
    });
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    Ok(Some(Addition::One(given.name, arguments)))
}

/// `add KIND`
pub(crate) async fn add(talk: &mut Talk, addition: Addition) -> Result<Verdict, Refusal> {
    let found = match addition {
        Addition::One(name, arguments) => {
            let name = add_one(talk, name, arguments, false).await?;
            let called = word(&name);
            if !talk.screen.quiet() {
                talk.screen.line("");
                talk.screen.line(format!("  syncmgr plan {called}"));
                talk.screen.line(format!("  syncmgr sync {called}"));
                talk.screen
                    .line(format!("  syncmgr schedule {called} 'daily at 02:00'"));
            }
            return Ok(
                Verdict::of_list(format!("{} was added.", harmless(&name)), ExitCode::Good)
                    .suggest(format!("syncmgr sync {called}")),
            );
        }
        Addition::Found(found) => found,
    };
    if found.is_empty() {
        return Ok(Verdict::said(
            "Nothing was found that could be added.",
            ExitCode::Warnings,
        ));
    }
    let (mut added, mut refused) = (0_usize, Vec::new());
    let all = found.len();
    for item in found {
        match add_one(talk, Some(item.name.clone()), item.arguments, true).await {
            Ok(_) => added += 1,
            Err(refusal) => {
                let text = match &refusal.hint {
                    Some(hint) => format!("{}; {hint}", refusal.message),
                    None => refusal.message.clone(),
                };
                talk.screen.object(
                    &json!({"name": item.name, "refused": refusal.code, "text": refusal.message}),
                );
                talk.screen
                    .marked(Mark::Failed, &item.name, &harmless(&text));
                refused.push(refusal);
            }
        }
    }
    let exit = match refused.first() {
        None => ExitCode::Good,
        Some(_) => ExitCode::Failed,
    };
    let sentence = match refused.len() {
        0 => format!("{added} found, and each is an item now."),
        bad => format!("{all} found; {bad} could not be added."),
    };
    Ok(Verdict::said(sentence, exit)
        .with("added", added)
        .suggest("syncmgr list"))
}

async fn add_one(
    talk: &mut Talk,
    name: Option<String>,
    arguments: Map<String, Value>,
    or_existing: bool,
) -> Result<String, Refusal> {
    let request = Request::AddItem {
        handler: TOOLS.to_owned(),
        name,
        arguments,
        or_existing,
    };
    let added = ask!(talk, request, Reply::Added(added) => added);
    talk.screen.object(&added);
    if !talk.screen.quiet() {
        let look = talk.screen.look;
        let (mark, verb) = if added.existing {
            (Mark::Off, "there already:")
        } else {
            (Mark::Good, "added")
        };
        talk.screen.line(format!(
            "{} {verb} {}",
            look.mark(mark),
            look.bold(&harmless(&added.name))
        ));
    }
    Ok(added.name)
}

/// `recipe`
///
/// # Errors
/// What the program refuses.
pub(crate) fn recipe(
    action: RecipeAction,
    recipes: &dyn Recipes,
    origin: Origin<'_>,
    screen: &mut Screen,
) -> Result<Verdict, Refusal> {
    match action {
        RecipeAction::List => Ok(list(&recipes.list(), screen)),
        RecipeAction::Show { name } => {
            let usage = recipes.usage(&name)?;
            print_usage(&usage, screen);
            Ok(Verdict::of_list(usage.about, ExitCode::Good))
        }
        RecipeAction::Path => {
            let path = recipes.directory();
            let path = harmless(&path.display().to_string());
            screen.line(&path);
            Ok(Verdict::of_list(path, ExitCode::Good))
        }
        RecipeAction::New { name, program } => {
            let file = recipes.create(&name, program.as_deref())?;
            let file = harmless(&file.display().to_string());
            screen.object(&json!({"id": name, "file": file}));
            Ok(
                Verdict::said(format!("{file} was written, and works."), ExitCode::Good)
                    .suggest(format!("syncmgr recipe test {}", word(&name))),
            )
        }
        RecipeAction::Test {
            name,
            accept,
            record,
            real,
            set,
            arguments,
        } => {
            let wish = RecipeTestWish {
                name,
                accept,
                record: record.then_some(arguments),
                real: real.then_some(set),
                directory: origin.directory.to_owned(),
            };
            let findings = recipes.test(&wish)?;
            Ok(tested(&wish.name, &findings, screen))
        }
    }
}

fn list(rows: &[RecipeRow], screen: &mut Screen) -> Verdict {
    let look = screen.look;
    let mut table = Table::new(&["", "KIND", "PROGRAM", "WHAT IT IS"]);
    for row in rows {
        screen.object(row);
        let mark = match (&row.broken, &row.program, &row.installed) {
            (Some(_), ..) => Mark::Failed,
            (None, Some(_), None) => Mark::Off,
            (None, ..) => Mark::Good,
        };
        let program = match (&row.program, &row.installed) {
            _ if row.broken.is_some() => String::new(),
            (None, _) => "any".to_owned(),
            (Some(_), Some(version)) => version.clone(),
            (Some(_), None) => "not installed".to_owned(),
        };
        let about = match (&row.broken, &row.file) {
            (Some(_), _) => "broken, see below".to_owned(),
            (None, Some(_)) => format!("{} (yours)", row.about),
            (None, None) => row.about.clone(),
        };
        table.row(vec![
            Cell::new(look.glyph(mark)).marked(mark),
            Cell::new(&row.id),
            Cell::new(program),
            Cell::new(about),
        ]);
    }
    if !screen.quiet() {
        screen.lines(table.lines(&look));
    }
    let broken: Vec<&RecipeRow> = rows.iter().filter(|row| row.broken.is_some()).collect();
    for row in &broken {
        screen.marked(
            Mark::Failed,
            &row.id,
            &harmless(row.broken.as_deref().unwrap_or_default()),
        );
    }
    match broken.len() {
        0 => Verdict::of_list(format!("{} recipes.", rows.len()), ExitCode::Good),
        1 => Verdict::said("One recipe is broken.", ExitCode::Failed),
        more => Verdict::said(format!("{more} recipes are broken."), ExitCode::Failed),
    }
}

/// How items of a recipe are added, as help.
fn print_usage(usage: &RecipeUsage, screen: &mut Screen) {
    screen.object(usage);
    let look = screen.look;
    screen.wrapped(
        0,
        &format!("{}: {}", harmless(&usage.name), harmless(&usage.about)),
    );
    screen.line("");
    let synopsis = [usage.id.as_str(), usage.synopsis.as_str()].join(" ");
    screen.line(format!(
        "{} syncmgr add {}",
        look.bold("Usage:"),
        harmless(synopsis.trim_end())
    ));
    let mut options = usage.options.clone();
    let ours = |word: &str, about: &str| RecipeWord {
        word: word.to_owned(),
        about: about.to_owned(),
    };
    options.push(ours(
        "--name NAME",
        "The item's name; made from the rest when absent",
    ));
    if usage.finds {
        options.push(ours("--found", "Add all that can be found instead of one"));
    }
    for (heading, words) in [("Arguments:", &usage.positional), ("Options:", &options)] {
        if words.is_empty() {
            continue;
        }
        screen.line("");
        screen.line(look.bold(heading));
        let widest = words.iter().map(|word| width(&word.word)).max();
        definitions(words, widest.unwrap_or(0).min(TERM_MAX), &look, screen);
    }
    for note in &usage.notes {
        screen.line("");
        screen.wrapped(0, &harmless(note));
    }
}

fn definitions(words: &[RecipeWord], widest: usize, look: &Look, screen: &mut Screen) {
    let indent = widest + 4;
    let columns = look.wrap_columns().saturating_sub(indent).max(20);
    for word in words {
        let term = harmless(&word.word);
        let lines = crate::text::wrap(&harmless(&word.about), columns);
        let mut lines = lines.into_iter();
        if width(&term) > widest {
            screen.line(format!("  {term}"));
        } else {
            screen.line(format!(
                "  {}  {}",
                pad(&term, widest),
                lines.next().unwrap_or_default()
            ));
        }
        for line in lines {
            screen.line(format!("{}{line}", " ".repeat(indent)));
        }
    }
}

fn tested(name: &str, findings: &[RecipeFinding], screen: &mut Screen) -> Verdict {
    let of = |grade| {
        let is = |finding: &&RecipeFinding| finding.grade == grade;
        findings.iter().filter(is).count()
    };
    for finding in findings {
        screen.object(finding);
        let mark = match finding.grade {
            RecipeGrade::Good => Mark::Good,
            RecipeGrade::Warning => Mark::Warning,
            RecipeGrade::Failed => Mark::Failed,
        };
        if mark == Mark::Good && screen.quiet() {
            continue;
        }
        screen.marked(mark, "", &harmless(&finding.text));
        for line in &finding.lines {
            screen.line(format!("    {}", harmless(line)));
        }
    }
    let name = harmless(name);
    let (failed, warned) = (of(RecipeGrade::Failed), of(RecipeGrade::Warning));
    let (sentence, exit) = match (failed, warned) {
        (0, 0) => (format!("The recipe {name} is good."), ExitCode::Good),
        (0, _) => (
            format!("The recipe {name} can be used; {warned} to look at."),
            ExitCode::Warnings,
        ),
        _ => (
            format!("The recipe {name} is not right: {failed} wrong."),
            ExitCode::Failed,
        ),
    };
    Verdict::said(sentence, exit)
        .with("failed", failed)
        .with("warnings", warned)
}
