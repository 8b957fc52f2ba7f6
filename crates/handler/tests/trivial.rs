//! Runs the example handler as a process, with nothing but lines of JSON, as an author of a manager would.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that starts the example program"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn the_example_handler_runs_a_session() {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let program = format!("trivial{}", std::env::consts::EXE_SUFFIX);
    let mut child = Command::new(target.join("examples").join(program))
        .arg("2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a plain `cargo test` builds the examples");
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let mut seen = Vec::new();
        loop {
            let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            // A callback has no number, and its name is none.
            let number: Option<u64> = wanted.parse().ok();
            let is_it =
                line["method"] == wanted || (number.is_some() && line["id"].as_u64() == number);
            seen.push(line);
            if is_it {
                return seen;
            }
        }
    };
    let first = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"contract":[1],"event":"manual"}}"#;
    writeln!(input, "{first}").unwrap();
    assert_eq!(until("1")[0]["result"]["handler"]["name"], "trivial");
    writeln!(input, r#"{{"jsonrpc":"2.0","id":2,"method":"items/list"}}"#).unwrap();
    let items = until("2")[0]["result"]["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2);
    let prepare =
        r#"{"jsonrpc":"2.0","id":3,"method":"prepare","params":{"items":["item-0","item-1"]}}"#;
    writeln!(input, "{prepare}").unwrap();
    until("prepare/completed");
    writeln!(
        input,
        r#"{{"jsonrpc":"2.0","id":4,"method":"synchronize"}}"#
    )
    .unwrap();
    let seen = until("synchronize/completed");
    let succeeded = seen
        .iter()
        .filter(|line| line["params"]["status"] == "succeeded");
    assert_eq!(succeeded.count(), 2);
    writeln!(input, r#"{{"jsonrpc":"2.0","id":5,"method":"release"}}"#).unwrap();
    assert_eq!(until("5").len(), 1);
    assert!(child.wait().unwrap().success());
}
