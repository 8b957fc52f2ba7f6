//! Other people's programs: what `wrap`, `add KIND` and `recipe` ask for and print.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::{Map, Value, json};
use syncmgr_cli::{
    FoundItem, KnownTool, RecipeFinding, RecipeGrade, RecipeRow, RecipeTestWish, RecipeUsage,
    RecipeWord, Recipes,
};
use syncmgr_control::view::Added;
use syncmgr_control::{ExitCode, Refusal, Reply, Request};

use crate::fake::{Ended, Run};

/// Knows rsync and git; finds programs that are called so, `sh`, `true`, and everything in `bin`.
pub(crate) struct Cookbook;

fn row(id: &str, installed: Option<&str>) -> RecipeRow {
    RecipeRow {
        id: id.to_owned(),
        about: format!("what {id} does"),
        program: Some(id.to_owned()),
        installed: installed.map(str::to_owned),
        install: Some(format!("apt install {id}")),
        file: None,
        broken: None,
    }
}

impl Recipes for Cookbook {
    fn list(&self) -> Vec<RecipeRow> {
        vec![
            RecipeRow {
                program: None,
                ..row("command", None)
            },
            row("rsync", Some("3.4.1")),
            row("git", None),
            RecipeRow {
                file: Some("/home/ada/recipes/photos.toml".into()),
                broken: Some("photos.toml:3: unknown field `rnu`\u{1b}[2J".to_owned()),
                ..row("photos", None)
            },
        ]
    }

    fn usage(&self, id: &str) -> Result<RecipeUsage, Refusal> {
        let finds = match id {
            "rsync" => false,
            "git" => true,
            _ => {
                return Err(Refusal::new(
                    "tools::recipe-unknown",
                    format!("there is no recipe `{id}`"),
                    "did you mean rsync?",
                ));
            }
        };
        let word = |word: &str, about: &str| RecipeWord {
            word: word.to_owned(),
            about: about.to_owned(),
        };
        Ok(RecipeUsage {
            id: id.to_owned(),
            name: id.to_owned(),
            about: "Copies a directory.".to_owned(),
            synopsis: "[OPTIONS] SOURCE TARGET".to_owned(),
            positional: vec![
                word("SOURCE", "What is copied"),
                word(
                    "TARGET",
                    "Where it is copied to, here or elsewhere, which is told by a colon in it",
                ),
            ],
            options: vec![
                word("--delete", "Delete what is gone at the source"),
                word("--a-very-long-option-that-has-a WORD", "What that is"),
            ],
            finds,
            notes: vec!["It is not installed: apt install it.".to_owned()],
        })
    }

    fn find(&self, _: &str, words: &[String], directory: &Path) -> Result<Vec<FoundItem>, Refusal> {
        assert_eq!(directory, Path::new("/work here"));
        let item = |name: &String| FoundItem {
            name: name.clone(),
            arguments: Map::from_iter([("recipe".to_owned(), json!("git"))]),
        };
        Ok(words.iter().map(item).collect())
    }

    fn recognise(&self, command: &[String]) -> Option<KnownTool> {
        let known = command.first().is_some_and(|word| word == "rsync");
        known.then(|| KnownTool {
            id: "rsync".to_owned(),
            name: "rsync".to_owned(),
        })
    }

    fn find_program(&self, name: &str, directory: &Path) -> Option<PathBuf> {
        match name {
            "rsync" | "sh" | "true" | "bash" => Some(Path::new("/usr/bin").join(name)),
            "mine" => Some("/home/ada/.local/bin/mine".into()),
            "./dump.sh" => Some(directory.join("dump.sh")),
            _ => None,
        }
    }

    fn without_secrets(&self, words: &[String]) -> Option<Vec<String>> {
        let shown: Vec<String> = words
            .iter()
            .map(|word| word.replace("hunter2", "****"))
            .collect();
        (shown != words).then_some(shown)
    }

    fn directory(&self) -> PathBuf {
        "/home/ada/recipes".into()
    }

    fn create(&self, id: &str, program: Option<&str>) -> Result<PathBuf, Refusal> {
        assert_eq!(program, Some("backup-photos"));
        Ok(self.directory().join(format!("{id}.toml")))
    }

    fn test(&self, wish: &RecipeTestWish) -> Result<Vec<RecipeFinding>, Refusal> {
        let finding = |grade, text: &str, lines: &[&str]| RecipeFinding {
            grade,
            text: text.to_owned(),
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        };
        let mut findings = vec![finding(RecipeGrade::Good, "it can be read", &[])];
        if wish.accept {
            findings.push(finding(RecipeGrade::Warning, "nothing was recorded", &[]));
        }
        if let Some(words) = &wish.record {
            let line = format!("{words:?}");
            findings.push(finding(RecipeGrade::Failed, "it fails", &[&line]));
        }
        Ok(findings)
    }
}

fn added(existing: bool) -> Reply {
    Reply::Added(Added {
        name: "pictures".into(),
        id: "command-1".into(),
        handler: "tools".into(),
        existing,
    })
}

fn words(words: &[&str]) -> Run {
    Run::words(words.iter().map(OsString::from)).columns(100)
}

fn arguments(ended: &Ended) -> Value {
    match &ended.asked.last().unwrap().1 {
        Request::AddItem {
            handler, arguments, ..
        } => {
            assert_eq!(handler, "tools");
            Value::Object(arguments.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_becomes_an_item() {
    let plain = words(&["wrap", "--", "rsync", "-a", "src/", "nas:dst"])
        .answers(added(false))
        .go();
    assert_eq!(
        arguments(&plain),
        json!({"recipe": "command", "command": ["rsync", "-a", "src/", "nas:dst"], "directory": "/work here", "like": "rsync"})
    );
    assert_snapshot!("wrap", plain.seen());

    let all = words(&[
        "wrap",
        "--name",
        "dump",
        "--directory",
        "~/x",
        "--env",
        "A=b=c",
        "--env",
        "B=",
        "--user",
        "bob",
        "--nice",
        "-5",
        "--ionice",
        "best-effort:7",
        "--time-limit",
        "1h",
        "--output-limit",
        "100MiB",
        "--exit",
        "3=warning",
        "--exit",
        "24,signal=good",
        "--progress",
        "(\\d+)%",
        "--expect",
        "done",
        "--terminal",
        "./dump.sh",
        "--name",
        "--",
        "x",
    ])
    .answers(added(false))
    .go();
    assert_eq!(
        arguments(&all),
        json!({
            "recipe": "command", "command": ["./dump.sh", "--name", "--", "x"], "directory": "/home/ada/x",
            "env": {"A": "b=c", "B": ""}, "user": "bob", "nice": -5, "ionice": "best-effort:7", "time_limit": "1h",
            "output_limit": "100MiB", "exit": {"3": "warning", "24": "good", "signal": "good"},
            "progress": "(\\d+)%", "expect": "done", "terminal": true,
        })
    );
    assert_eq!(
        words(&["wrap", "--json", "rsync"])
            .answers(added(false))
            .go()
            .json()
            .last()
            .unwrap()["readAs"],
        "rsync"
    );
}

/// One quoted word is what a person would have typed: for a shell where it needs one.
#[test]
fn a_line_is_given_to_a_shell_where_it_needs_one() {
    let command = |line: &str| {
        let ended = words(&["wrap", line]).answers(added(false)).go();
        (arguments(&ended)["command"].clone(), ended.seen())
    };
    assert_eq!(command("rsync -a  x y").0, json!(["rsync", "-a", "x", "y"]));
    let (line, seen) = command("rsync -a x y | tail");
    assert_eq!(line, json!(["sh", "-c", "rsync -a x y | tail"]));
    assert_snapshot!("wrap-pipe", seen);
    let (line, seen) = command("true || echo 'a | b' >> log");
    assert_eq!(line[1], "-c");
    assert!(
        seen.contains("sh runs it") && !seen.contains("pipefail"),
        "{seen}"
    );
    let bash = words(&["wrap", "--", "bash", "-o", "pipefail", "-c", "a | b"])
        .answers(added(false))
        .go();
    assert!(!bash.seen().contains("joined"), "{}", bash.seen());
    // A word that is a program is one, whatever it looks like.
    assert_eq!(command("./dump.sh").0, json!(["/work here/dump.sh"]));
}

/// What only this terminal's search path has is kept as a path: a daemon would not find it.
#[test]
fn a_program_outside_of_the_usual_places_is_kept_by_its_path() {
    let ended = words(&["wrap", "mine", "x"]).answers(added(false)).go();
    assert_eq!(
        arguments(&ended)["command"],
        json!(["/home/ada/.local/bin/mine", "x"])
    );
    assert!(
        ended
            .seen()
            .contains("the program is /home/ada/.local/bin/mine")
    );
    let gone = words(&["wrap", "--", "gone", "--json"]).go();
    assert_eq!((gone.exit, gone.opened), (ExitCode::CouldNotStart, None));
    assert!(
        gone.errors.contains("wrap::missing-program"),
        "{}",
        gone.errors
    );
    let never = words(&["wrap", "--time-limit", "soon", "true"]).go();
    assert!(never.errors.contains("cli::duration"), "{}", never.errors);
    // What another user has is not known.
    let ended = words(&["wrap", "--user", "bob", "gone"])
        .answers(added(false))
        .go();
    assert_eq!(arguments(&ended)["command"], json!(["gone"]));
}

#[test]
fn secrets_are_warned_of_and_not_printed() {
    let secret = "hunter2";
    for line in [
        vec!["wrap", "true", "--password", secret],
        vec!["wrap", "true", "--password=hunter2"],
        vec!["wrap", "true", "https://ada:hunter2@nas/x"],
        vec!["wrap", "true", "--s3-secret-access-key", secret],
        vec!["wrap", "RESTIC_PASSWORD=hunter2 restic backup; true"],
        vec!["wrap", "--env", "RESTIC_PASSWORD=hunter2", "true"],
    ] {
        let ended = words(&line).answers(added(false)).go();
        assert!(
            ended.output.contains("there seems to be a secret"),
            "{line:?}: {}",
            ended.output
        );
        assert!(!ended.output.contains(secret), "{line:?}: {}", ended.output);
        // It is wrapped as it is.
        assert!(arguments(&ended).to_string().contains(secret));
    }
    // What is a secret is not decided here.
    let plain = words(&["wrap", "true", "--password-file", "/etc/x"])
        .answers(added(false))
        .go();
    assert!(!plain.output.contains("secret"), "{}", plain.output);
}

#[test]
fn wrapped_now_it_is_synchronized_at_once() {
    let ended = words(&["wrap", "--now", "true"])
        .manager(|request, _| match request {
            Request::AddItem { .. } => Ok(added(false)),
            Request::Sync { names, .. } => {
                assert_eq!(names, &["pictures"]);
                Err(Refusal::new("test::reached", "reached", "nothing"))
            }
            other => panic!("{other:?}"),
        })
        .go();
    assert!(ended.errors.contains("test::reached"), "{}", ended.seen());
}

#[test]
fn words_behind_a_kind_are_the_recipes() {
    let ended = words(&[
        "add", "rsync", "--delete", "a", "--name", "pictures", "b", "--", "--found", "--json",
    ])
    .answers(added(false))
    .go();
    assert_eq!(
        arguments(&ended),
        json!({"recipe": "rsync", "words": ["--delete", "a", "b", "--", "--found", "--json"], "cwd": "/work here"})
    );
    let Request::AddItem {
        name, or_existing, ..
    } = &ended.asked.last().unwrap().1
    else {
        panic!("{:?}", ended.asked)
    };
    assert_eq!((name.as_deref(), *or_existing), (Some("pictures"), false));
    assert_snapshot!("add-of-a-recipe", ended.seen());
    // Options of every command may stand among them.
    let json = words(&["add", "rsync", "a", "b", "--json"])
        .answers(added(false))
        .go();
    assert_eq!(json.json().last().unwrap()["exit"], 0);
    assert_eq!(arguments(&json)["words"], json!(["a", "b"]));
    let refused = words(&["add", "rzync", "a", "--json"]).go();
    assert_eq!(
        refused.json().last().unwrap()["error"]["code"],
        "tools::recipe-unknown"
    );
}

#[test]
fn help_of_a_kind_comes_from_its_recipe() {
    let help = words(&["add", "git", "--help"]).go();
    assert_eq!((help.exit, help.opened), (ExitCode::Good, None));
    assert_snapshot!("help-of-a-recipe", help.output);
    assert_eq!(words(&["recipe", "show", "git"]).go().output, help.output);
}

#[test]
fn all_that_is_found_is_added() {
    let mut number = 0;
    let ended = words(&["add", "git", "--found", "a", "b", "c"])
        .manager(move |request, _| {
            assert!(matches!(
                request,
                Request::AddItem {
                    or_existing: true,
                    ..
                }
            ));
            number += 1;
            match number {
                1 => Ok(added(false)),
                2 => Ok(added(true)),
                _ => Err(Refusal::new("tools::argument", "it is none", "look")),
            }
        })
        .go();
    assert_eq!(ended.exit, ExitCode::Failed);
    assert_snapshot!("add-found", ended.seen());
    let none = words(&["add", "git", "--found"]).go();
    assert_eq!((none.exit, none.asked.len()), (ExitCode::Warnings, 0));
}

#[test]
fn recipes_are_listed_made_and_tested() {
    let list = words(&["recipe", "list"]).go();
    assert_eq!((list.exit, list.opened), (ExitCode::Failed, None));
    assert_snapshot!("recipe-list", list.seen());
    let path = words(&["recipe", "path"]).go();
    assert_eq!(path.output, "/home/ada/recipes\n");
    let new = words(&["recipe", "new", "photos", "--program", "backup-photos"]).go();
    assert_snapshot!("recipe-new", new.seen());
    let exits = |words: &[&str]| self::words(words).go().exit;
    assert_eq!(exits(&["recipe", "test", "photos"]), ExitCode::Good);
    assert_eq!(
        exits(&["recipe", "test", "photos", "--accept"]),
        ExitCode::Warnings
    );
    let bad = words(&["recipe", "test", "photos", "--record", "--", "-n", "x"]).go();
    assert_eq!(bad.exit, ExitCode::Failed);
    assert_snapshot!("recipe-test", bad.seen());
}
