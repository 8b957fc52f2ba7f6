//! `wrap`: any command as an item.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::LazyLock;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::duration;
use crate::look::Mark;
use crate::question::word;
use crate::recipe::Recipes;
use crate::sync;
use crate::talk::{Talk, Verdict, ask};
use crate::target::{Origin, Target, absolute};
use crate::text::harmless;

/// The handler of other people's programs.
pub(crate) const TOOLS: &str = "tools";
/// The recipe of whatever a person wraps.
const COMMAND: &str = "command";
/// What a line for a shell has, and a plain command has not.
const OF_A_SHELL: &str = "|&;<>()$`\\\"'*?[]{}#~\n";
/// Shells that take a line with `-c`.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"];
/// Directories that are in the search path of whatever starts a daemon.
const STANDARD: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];
/// The words of `wrap`.
#[derive(Debug, Args)]
pub(crate) struct WrapArgs {
    /// The command and its arguments; one quoted word is a line for the shell.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
    /// The item's name; taken from the command when absent.
    #[arg(long)]
    name: Option<String>,
    /// Where it runs; here when absent.
    #[arg(long, value_name = "DIR", help_heading = "How it runs")]
    directory: Option<OsString>,
    /// A variable of its environment; may be given several times.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable, help_heading = "How it runs")]
    environment: Vec<(String, String)>,
    /// Run it as this user (`sudo -n`, or `runuser` of root).
    #[arg(long, help_heading = "How it runs")]
    user: Option<String>,
    /// How much it gives way to other programs, from -20 to 19.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i8).range(-20..=19), help_heading = "How it runs")]
    nice: Option<i8>,
    /// How its reading and writing gives way: `idle`, `best-effort`, `best-effort:7`, `realtime:0`.
    #[arg(long, value_name = "CLASS", value_parser = io_class, help_heading = "How it runs")]
    ionice: Option<String>,
    /// Give it a terminal, where it does nothing without one.
    #[arg(long, help_heading = "How it runs")]
    terminal: bool,
    /// How long it may take, such as `90m`; then it is ended, and has failed.
    #[arg(long, value_name = "DURATION", help_heading = "When it is ended")]
    time_limit: Option<String>,
    /// How much it may print, such as `100MiB`.
    #[arg(long, value_name = "SIZE", help_heading = "When it is ended")]
    output_limit: Option<String>,
    /// What an exit code means: `good`, `warning`, `soft` (tried again by itself) or `hard`; such as `1,2=warning`. `signal`
    /// is the end by a signal. May be given several times. Otherwise 0 is good, 75 soft, and all others hard.
    #[arg(long = "exit", value_name = "CODE=MEANING", value_parser = meaning, help_heading = "How it is understood")]
    exits: Vec<Meaning>,
    /// Finds how far it is in a line that it prints: one group is a percentage, two are `done` and `all`.
    #[arg(long, value_name = "REGEX", help_heading = "How it is understood")]
    progress: Option<String>,
    /// What it prints when it did something; without such a line it failed, whatever its exit code.
    #[arg(long, value_name = "REGEX", help_heading = "How it is understood")]
    expect: Option<String>,
    /// Synchronize it at once.
    #[arg(long)]
    now: bool,
}

/// What some exit codes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    codes: Vec<String>,
    class: String,
}

/// Something that a person should know about what is wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remark {
    warning: bool,
    text: String,
}

/// A command that is to be an item.
#[derive(Debug)]
pub(crate) struct Wrapped {
    name: Option<String>,
    arguments: Map<String, Value>,
    /// As it is shown: without secrets.
    shown: String,
    /// Whose output and exit codes it is known by.
    read_as: Option<String>,
    remarks: Vec<Remark>,
    now: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("a variable is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn io_class(text: &str) -> Result<String, String> {
    let (class, level) = match text.split_once(':') {
        Some((class, level)) => (class, Some(level)),
        None => (text, None),
    };
    let known = match class {
        "idle" => level.is_none(),
        "best-effort" | "realtime" => level.is_none_or(|level| {
            let digit = level.as_bytes();
            matches!(digit, [b'0'..=b'7'])
        }),
        _ => false,
    };
    known
        .then(|| text.to_owned())
        .ok_or_else(|| "it is `idle`, `best-effort`, `best-effort:0` to `:7`, or `realtime`".into())
}

fn meaning(text: &str) -> Result<Meaning, String> {
    let wanted = || "a meaning is written such as 1,2=warning".to_owned();
    let (codes, class) = text.split_once('=').ok_or_else(wanted)?;
    if !["good", "warning", "soft", "hard"].contains(&class) {
        return Err(format!(
            "`{class}` is no meaning: there are good, warning, soft and hard"
        ));
    }
    let codes: Vec<String> = codes
        .split(',')
        .map(|code| code.trim().to_owned())
        .collect();
    let known = |code: &String| code == "signal" || code.parse::<u8>().is_ok();
    match codes.iter().find(|code| !known(code)) {
        Some(code) => Err(format!(
            "`{code}` is neither an exit code, from 0 to 255, nor `signal`"
        )),
        None => Ok(Meaning {
            codes,
            class: class.to_owned(),
        }),
    }
}

/// Words of `wrap` that make sense by themselves.
#[derive(Debug)]
pub(crate) struct Wrapping {
    args: WrapArgs,
    directory: String,
    command: Vec<String>,
}

/// Takes the words of `wrap`; nothing is looked up.
///
/// # Errors
/// What is no text, and no duration.
pub(crate) fn wrapping(
    args: WrapArgs,
    origin: Origin<'_>,
    now_ms: i64,
    zone: &LazyLock<TimeZone>,
) -> Result<Wrapping, Refusal> {
    let directory = match &args.directory {
        Some(directory) => absolute(directory, origin).map_err(|error| error.refusal("wrap"))?,
        None => origin.directory.to_owned(),
    };
    let text = |text: &OsStr| {
        text.to_str()
            .map(str::to_owned)
            .ok_or_else(|| not_text(&text.to_string_lossy()))
    };
    let directory = text(directory.as_os_str())?;
    let command = args
        .command
        .iter()
        .map(|word| text(word))
        .collect::<Result<_, _>>()?;
    if let Some(text) = &args.time_limit {
        duration::timeout(text, now_ms, zone)?;
    }
    Ok(Wrapping {
        args,
        directory,
        command,
    })
}

/// Finds out what is wrapped, before the manager is asked for anything.
///
/// # Errors
/// A program that is missing.
pub(crate) fn wrapped(wrapping: Wrapping, recipes: &dyn Recipes) -> Result<Wrapped, Refusal> {
    let Wrapping {
        args,
        directory,
        command: given,
    } = wrapping;
    let mut remarks = Vec::new();
    let find = |name: &str| recipes.find_program(name, Path::new(&directory));
    let mut command = as_command(given, &|name| find(name).is_some(), &mut remarks);
    let Some(program) = command.first_mut() else {
        return Err(missing(""));
    };
    // Another user may have what this one cannot see.
    if args.user.is_none() {
        let found = find(program).ok_or_else(|| missing(program))?;
        anchor(program, &found, &mut remarks);
    }
    let masked = recipes.without_secrets(&command);
    let shown = line_of(masked.as_ref().unwrap_or(&command));
    let by_variable = |(name, value): &(String, String)| {
        recipes
            .without_secrets(&[format!("{name}={value}")])
            .is_some()
    };
    if masked.is_some() || args.environment.iter().any(by_variable) {
        remarks.push(Remark {
            warning: true,
            text: "there seems to be a secret in it: it is kept as it is in config.toml, and whoever is on this machine can \
                   see the words of a command while it runs; better give the name of a file that holds it, or of a command \
                   that prints it"
                .to_owned(),
        });
    }
    let known = recipes.recognise(&command);
    let mut arguments = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            arguments.insert(key.to_owned(), value);
        }
    };
    put("recipe", Some(json!(COMMAND)));
    put("command", Some(json!(command)));
    put("directory", Some(json!(directory)));
    let environment: Map<String, Value> = args
        .environment
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    put("env", (!environment.is_empty()).then(|| json!(environment)));
    put("user", args.user.map(Value::from));
    put("nice", args.nice.map(Value::from));
    put("ionice", args.ionice.map(Value::from));
    put("time_limit", args.time_limit.map(Value::from));
    put("output_limit", args.output_limit.map(Value::from));
    let exits: Map<String, Value> = args
        .exits
        .into_iter()
        .flat_map(|Meaning { codes, class }| {
            codes
                .into_iter()
                .map(move |code| (code, json!(class.clone())))
        })
        .collect();
    put("exit", (!exits.is_empty()).then(|| json!(exits)));
    put("progress", args.progress.map(Value::from));
    put("expect", args.expect.map(Value::from));
    put("like", known.as_ref().map(|known| json!(known.id)));
    put("terminal", args.terminal.then_some(Value::Bool(true)));
    Ok(Wrapped {
        name: args.name,
        arguments,
        shown,
        read_as: known.map(|known| known.name),
        remarks,
        now: args.now,
    })
}

/// The words of the command: a single word that is no program is a line as it is typed.
fn as_command(
    given: Vec<String>,
    is_program: &dyn Fn(&str) -> bool,
    remarks: &mut Vec<Remark>,
) -> Vec<String> {
    let command = match given.as_slice() {
        [line]
            if line
                .contains(|letter: char| letter.is_whitespace() || OF_A_SHELL.contains(letter))
                && !is_program(line) =>
        {
            if line.contains(|letter| OF_A_SHELL.contains(letter)) {
                let (shell, option) = if cfg!(windows) {
                    ("cmd", "/C")
                } else {
                    ("sh", "-c")
                };
                vec![shell.to_owned(), option.to_owned(), line.trim().to_owned()]
            } else {
                line.split_whitespace().map(str::to_owned).collect()
            }
        }
        _ => given,
    };
    if let Some(line) = line_of_a_shell(&command) {
        let shell = command.first().map_or("the shell", String::as_str);
        remarks.push(Remark {
            warning: false,
            text: format!(
                "{} runs it: what happens inside cannot be looked into, only the exit code of the whole counts",
                harmless(shell)
            ),
        });
        if has_pipe(line) && !command.iter().any(|word| word.contains("pipefail")) {
            remarks.push(Remark {
                warning: true,
                text: "of commands that are joined by `|`, only the last one's exit code counts: a failure before it is not noticed; \
                       with bash it is: syncmgr wrap -- bash -o pipefail -c '…'"
                    .to_owned(),
            });
        }
    }
    command
}

/// The line that a shell is given.
fn line_of_a_shell(command: &[String]) -> Option<&str> {
    let (program, arguments) = command.split_first()?;
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let at = match name.trim_end_matches(".exe") {
        "cmd" => arguments
            .iter()
            .position(|word| word.eq_ignore_ascii_case("/c"))?,
        name if SHELLS.contains(&name) => arguments.iter().position(|word| {
            // `-ec` is `-e -c`.
            word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
        })?,
        _ => return None,
    };
    arguments.get(at + 1).map(String::as_str)
}

/// Whether commands are joined by `|`, outside of quotes.
fn has_pipe(line: &str) -> bool {
    let (mut quote, mut letters) = (None, line.chars().peekable());
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => {
                letters.next();
            }
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('|', None) if letters.next_if_eq(&'|').is_none() => return true,
            _ => {}
        }
    }
    false
}

/// Keeps a program that a daemon would not find where it was found.
fn anchor(program: &mut String, found: &Path, remarks: &mut Vec<Remark>) {
    let parent = found.parent().unwrap_or(Path::new("/"));
    let standard = STANDARD.iter().any(|path| parent == Path::new(path));
    let Some(path) = found.to_str() else { return };
    if program == path || (!program.contains(['/', '\\']) && (standard || cfg!(windows))) {
        return;
    }
    remarks.push(Remark {
        warning: false,
        text: format!("the program is {}", harmless(path)),
    });
    path.clone_into(program);
}

/// The words of a command as a person would type them.
fn line_of(words: &[String]) -> String {
    // What stands for a secret needs no quotes.
    let quoted = words.iter().map(|given| match given.trim_matches('*') {
        "" if !given.is_empty() => given.clone(),
        _ => word(given),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn missing(program: &str) -> Refusal {
    let program = harmless(program);
    Refusal::new(
        "wrap::missing-program",
        format!("there is no program `{program}`"),
        "it is searched in PATH; one with a separator, such as ./backup.sh, is taken from the directory where it is to run. \
         Options of wrap itself stand before the command",
    )
}

fn not_text(word: &str) -> Refusal {
    Refusal::new(
        "wrap::not-text",
        format!("{} is not valid text", harmless(word)),
        "give it a name that is, or put it into a script and wrap that",
    )
}

/// `wrap`
pub(crate) async fn wrap(talk: &mut Talk, wrapped: Wrapped) -> Result<Verdict, Refusal> {
    let Wrapped {
        name,
        arguments,
        shown,
        read_as,
        remarks,
        now,
    } = wrapped;
    let request = Request::AddItem {
        handler: TOOLS.to_owned(),
        name,
        arguments,
        or_existing: false,
    };
    let added = ask!(talk, request, Reply::Added(added) => added);
    talk.screen.object(&added);
    let name = harmless(&added.name);
    let understood = match &read_as {
        Some(tool) => format!(
            "its output and exit codes are read as those of {}",
            harmless(tool)
        ),
        None => "its output is kept; progress is read where it prints `42%` or `3/7`".to_owned(),
    };
    if !talk.screen.quiet() {
        talk.screen
            .marked(Mark::Good, "", &format!("{name} runs {shown}"));
        talk.screen.wrapped(2, &understood);
    }
    for remark in &remarks {
        match remark.warning {
            true => talk.screen.marked(Mark::Warning, "", &remark.text),
            false if talk.screen.quiet() => {}
            false => talk.screen.wrapped(2, &remark.text),
        }
    }
    if now {
        return sync::sync(talk, Target::Names(vec![added.name]), false).await;
    }
    let called = word(&added.name);
    if !talk.screen.quiet() {
        talk.screen.line("");
        talk.screen.line(format!("  syncmgr sync {called}"));
        talk.screen
            .line(format!("  syncmgr schedule {called} 'daily at 02:00'"));
    }
    let warnings: Vec<&str> = remarks
        .iter()
        .filter(|remark| remark.warning)
        .map(|remark| remark.text.as_str())
        .collect();
    Ok(
        Verdict::of_list(format!("{name} was added."), ExitCode::Good)
            .suggest(format!("syncmgr sync {called}"))
            .with("readAs", read_as)
            .with("warnings", warnings),
    )
}
