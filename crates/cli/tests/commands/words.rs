//! What the words ask for.

use insta::assert_snapshot;
use serde_json::json;
use syncmgr_control::request::{Pair, Typed};
use syncmgr_control::view::Level;
use syncmgr_control::{ExitCode, Request};

use crate::fake::Run;

fn check(words: &str, expected: Request) {
    let ended = Run::new(words).go();
    let (caller, request) = ended
        .asked
        .last()
        .unwrap_or_else(|| panic!("{}", ended.errors));
    assert_eq!(*request, expected, "{words}");
    assert_eq!(caller.name, "ada on the command line");
    assert_eq!(ended.exit, ExitCode::CouldNotStart);
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn words_become_requests() {
    check("status", Request::Status);
    check(
        "list",
        Request::List {
            names: vec![],
            hidden: false,
        },
    );
    check(
        "list -a notes",
        Request::List {
            names: names(&["notes"]),
            hidden: true,
        },
    );
    check(
        "show notes",
        Request::Show {
            name: "notes".into(),
        },
    );
    check(
        "why notes",
        Request::Why {
            name: "notes".into(),
        },
    );
    check(
        "runs",
        Request::Runs {
            name: None,
            before: None,
            limit: 20,
        },
    );
    check(
        "runs notes -n 5 --before 9",
        Request::Runs {
            name: Some("notes".into()),
            before: Some(9),
            limit: 5,
        },
    );
    check("run 12", Request::Run { id: 12 });
    check(
        "log",
        Request::Log {
            name: None,
            run: None,
            at_least: None,
            before: None,
            limit: 50,
        },
    );
    check(
        "log notes --run 12 --errors -n 1000",
        Request::Log {
            name: Some("notes".into()),
            run: Some(12),
            at_least: Some(Level::Error),
            before: None,
            limit: 1000,
        },
    );
    check(
        "log --warnings --before 3",
        Request::Log {
            name: None,
            run: None,
            at_least: Some(Level::Warning),
            before: Some(3),
            limit: 50,
        },
    );
    check("undo 12", Request::Undo { run: 12 });
    check("needs", Request::Needs);
    check("answer 3", Request::Needs);
    check(
        "answer 3 apply",
        Request::Answer {
            need: 3,
            choice: "apply".into(),
            fields: Typed::default(),
            remember: false,
        },
    );
    check(
        "conflicts notes",
        Request::Conflicts {
            name: Some("notes".into()),
            offset: 0,
            limit: 20,
        },
    );
    check(
        "resolve 4f2a keep-left",
        Request::Resolve {
            conflict: "4f2a".into(),
            choice: "keep-left".into(),
        },
    );
    check(
        "resolve --all keep-left",
        Request::Conflicts {
            name: None,
            offset: 0,
            limit: 1000,
        },
    );
    check(
        "resolve --all keep-left notes",
        Request::Conflicts {
            name: Some("notes".into()),
            offset: 0,
            limit: 1000,
        },
    );
    check("handlers", Request::Handlers);
    check("doctor", Request::Doctor);
    check(
        "pause",
        Request::Pause {
            names: vec![],
            for_ms: None,
        },
    );
    check(
        "pause notes --for 1h30m",
        Request::Pause {
            names: names(&["notes"]),
            for_ms: Some(5_400_000),
        },
    );
    check(
        "pause --for tomorrow",
        Request::Pause {
            names: vec![],
            for_ms: Some(43_200_000),
        },
    );
    check(
        "resume notes",
        Request::Resume {
            names: names(&["notes"]),
        },
    );
    check(
        "enable notes",
        Request::Enable {
            names: names(&["notes"]),
            enabled: true,
        },
    );
    check(
        "disable a b",
        Request::Enable {
            names: names(&["a", "b"]),
            enabled: false,
        },
    );
    check(
        "pause notes --for 3 days",
        Request::Pause {
            names: names(&["notes"]),
            for_ms: Some(259_200_000),
        },
    );
    check("stop", Request::Stop { request: None });
    check(
        "stop notes work",
        Request::StopItems {
            names: names(&["notes", "work"]),
        },
    );
    check(
        "skip notes",
        Request::Skip {
            name: "notes".into(),
        },
    );
    check(
        "remove notes",
        Request::RemoveItem {
            name: "notes".into(),
        },
    );
    check(
        "sync",
        Request::Sync {
            names: vec![],
            may_bother_user: false,
        },
    );
    check(
        "sync --json -q a b",
        Request::Sync {
            names: names(&["a", "b"]),
            may_bother_user: false,
        },
    );
    check(
        "plan a -n 3",
        Request::Plan {
            names: names(&["a"]),
            pair: None,
            limit: 3,
        },
    );
    let pair = Pair {
        left: "/work here/a".into(),
        right: "/home/ada/b".into(),
    };
    check(
        "plan ./a/../a/ ~/b",
        Request::Plan {
            names: vec![],
            pair: Some(Pair {
                left: "/work here/a/../a".into(),
                ..pair
            }),
            limit: 50,
        },
    );
}

#[test]
fn two_paths_are_an_item_of_the_folder_handler() {
    let arguments = |left: &str, right: &str| {
        json!({"left": left, "right": right})
            .as_object()
            .unwrap()
            .clone()
    };
    check(
        "sync a/ ..",
        Request::AddItem {
            handler: "folder".into(),
            name: None,
            arguments: arguments("/work here/a", "/work here/.."),
            or_existing: true,
        },
    );
    check(
        "add folder a ~ --name notes",
        Request::AddItem {
            handler: "folder".into(),
            name: Some("notes".into()),
            arguments: arguments("/work here/a", "/home/ada"),
            or_existing: false,
        },
    );
}

#[test]
fn mistakes_are_told_before_anything_is_asked() {
    for (words, code) in [
        ("sync ./a", "cli::target"),
        ("sync ./a b", "cli::target"),
        ("sync ./a ./b ./c", "cli::target"),
        ("plan ./a", "cli::target"),
        ("status notes", "cli::usage"),
        ("sync ~bob/a ./b", "cli::target"),
        ("pause --for soon", "cli::duration"),
        ("pause --for 0h", "cli::duration"),
        ("add rzync a b", "tools::recipe-unknown"),
        ("add rsync --name", "cli::usage"),
        ("add rsync --found", "recipe::finds-nothing"),
    ] {
        let ended = Run::new(words).go();
        assert_eq!(ended.exit, ExitCode::CouldNotStart, "{words}");
        assert!(ended.errors.contains(code), "{words}: {}", ended.errors);
        assert_eq!(ended.opened, None, "{words}");
        let json = Run::new(&format!("{words} --json")).go();
        assert_eq!(json.json().last().unwrap()["error"]["code"], code);
    }
    for words in [
        "snyc",
        "answer --items a",
        "resolve a b --all c",
        "resolve a --match *.txt",
        "resolve --newest --all left",
        "run x",
        "enable",
        "runs -n 0",
        "runs -n 1001",
        "log --warnings --errors",
        "--color=red status",
        "wrap",
        "wrap --exit 3=bad -- true",
        "wrap --exit x=good -- true",
        "wrap --exit 256=good -- true",
        "wrap --nice 20 -- true",
        "wrap --ionice best-effort:8 -- true",
        "wrap --env =x -- true",
        "recipe test x --record",
    ] {
        let ended = Run::new(words).go();
        assert_eq!(ended.exit, ExitCode::CouldNotStart, "{words}");
        assert!(
            ended.errors.starts_with("error: "),
            "{words}: {}",
            ended.errors
        );
        assert_eq!((ended.output.as_str(), ended.opened), ("", None), "{words}");
        let json = Run::new(&format!("--json {words}")).go();
        assert_eq!(json.json().last().unwrap()["error"]["code"], "cli::usage");
        assert_eq!(json.json().last().unwrap()["exit"], 4);
    }
    assert_snapshot!("one-path", Run::new("sync ./a").columns(80).go().seen());
    assert_snapshot!("mixed", Run::new("sync ./a b").columns(80).go().seen());
    assert_snapshot!("misspelled", Run::new("snyc").columns(80).go().seen());
}

#[test]
fn help_is_an_answer() {
    let alone = Run::new("").columns(100).go();
    assert_eq!(alone.exit, ExitCode::Good);
    assert_snapshot!("help", alone.seen());
    let version = Run::new("--version").go();
    assert_eq!(version.exit, ExitCode::Good);
    assert!(version.output.starts_with("syncmgr "));
    let mut all = String::new();
    for command in [
        "sync",
        "plan",
        "add",
        "add folder",
        "wrap",
        "recipe",
        "recipe list",
        "recipe show",
        "recipe new",
        "recipe test",
        "recipe path",
        "remove",
        "status",
        "list",
        "show",
        "why",
        "runs",
        "run",
        "log",
        "undo",
        "needs",
        "answer",
        "conflicts",
        "resolve",
        "handlers",
        "pause",
        "resume",
        "enable",
        "disable",
        "stop",
        "skip",
        "doctor",
        "daemon",
        "completions",
        "man",
    ] {
        let ended = Run::new(&format!("{command} --help")).columns(100).go();
        assert_eq!(ended.exit, ExitCode::Good, "{command}");
        assert!(ended.output.contains("Examples:"), "{command}");
        all = format!("{all}$ syncmgr {command} --help\n{}\n", ended.output);
    }
    assert_snapshot!("help-of-commands", all);
}

#[test]
fn a_mistake_is_answered_with_what_was_meant() {
    for (words, hint) in [
        (
            "undo abc",
            "a run's number is wanted, such as 12; `syncmgr runs` shows them",
        ),
        ("run notes", "a run's number is wanted"),
        (
            "status notes",
            "about one item: syncmgr why notes, or syncmgr list notes",
        ),
    ] {
        let mut wide = Run::new(words);
        wide.terminal.columns = Some(200);
        let ended = wide.go();
        assert!(ended.errors.contains(hint), "{words}: {}", ended.errors);
    }
}

/// The commands that docs/cli.md shows are understood.
#[test]
fn documented_commands_are_understood() {
    let document = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let document = std::fs::read_to_string(document).unwrap();
    let mut shown = 0;
    for command in document
        .lines()
        .filter_map(|line| line.strip_prefix("| `syncmgr ")?.split_once('`'))
        .map(|(command, _)| command)
        // These write manuals, or run what stands behind; `tests/program/reporting.rs` does so.
        .filter(|command| !command.starts_with("man ") && !command.starts_with("report backup -- "))
    {
        shown += 1;
        let ended = Run::new(command).go();
        assert!(
            !ended.errors.starts_with("error:"),
            "{command}: {}",
            ended.errors
        );
        // What is understood, and cannot be drawn here or is about a question that nobody asked here.
        let errors = ended.errors.replace("cli::no-terminal", "");
        let errors = errors.replace("cli::no-such-question", "");
        assert!(!errors.contains("cli::"), "{command}: {errors}");
    }
    assert!(shown > 25, "{shown}");
    let mut help = Run::new("--help").go().output;
    help.retain(|character| character != ',');
    for command in help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
    {
        assert!(
            document.contains(&format!("`syncmgr {command}")) || command == "enable",
            "docs/cli.md does not show {command}"
        );
    }
}
