//! What others' parsers read in the files for launchd and the Task Scheduler. They are run by `cargo xtask suite service`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::plan::{Plan, Surroundings};
use super::{encoded, launchd, logon_task};

const PLIST: &str =
    "import json, plistlib, sys; json.dump(plistlib.loads(sys.stdin.buffer.read()), sys.stdout)";
const XML: &str = r#"
import json, sys
import xml.etree.ElementTree as tree
def flat(element):
    name = element.tag.split('}')[1]
    return [name, list(element.attrib.values()), (element.text or '').strip(), [flat(child) for child in element]]
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == '{http://schemas.microsoft.com/windows/2004/02/mit/task}Task', root.tag
json.dump(flat(root), sys.stdout)
"#;

/// What a program of Python makes of the file of a plan.
fn read(program: &str, plan: &Plan) -> serde_json::Value {
    #[expect(
        clippy::disallowed_methods,
        reason = "a parser that is not ours is a program of its own"
    )]
    let mut python = Command::new("/usr/bin/python3");
    let mut child = python
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("needs python3: cargo xtask suite service --install");
    let bytes = encoded(&plan.files[0].1, plan.wide);
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The words of a line as programs of Windows take it apart (`CommandLineToArgvW`), where none has a quote within.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut within) = (Vec::new(), None::<String>, false);
    for letter in line.chars() {
        match letter {
            '"' => {
                within = !within;
                word.get_or_insert_default();
            }
            ' ' if !within => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    assert!(!within, "{line}");
    words.extend(word);
    words
}

fn find(node: &serde_json::Value, name: &str) -> Option<serde_json::Value> {
    if node[0] == name {
        return Some(node.clone());
    }
    let children = node[3].as_array()?;
    children.iter().find_map(|child| find(child, name))
}

fn text(node: &serde_json::Value, name: &str) -> String {
    let found = find(node, name).unwrap_or_else(|| panic!("no {name} in {node}"));
    found[2].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs python3: cargo xtask suite service"]
fn launchd_is_given_a_property_list() {
    let usual = read(PLIST, &launchd::plan(&Surroundings::example()));
    assert_eq!(usual["Label"], "org.syncmgr.syncmgr");
    assert_eq!(usual["RunAtLoad"], true);
    assert_eq!(usual["KeepAlive"]["SuccessfulExit"], false);
    assert!(usual["EnvironmentVariables"].is_null());
    let around = Surroundings::odd_example();
    let odd = read(PLIST, &launchd::plan(&around));
    let words = serde_json::json!([around.program.display().to_string(), "daemon"]);
    assert_eq!(odd["ProgramArguments"], words);
    let home = around.syncmgr_home.unwrap();
    assert_eq!(odd["EnvironmentVariables"]["SYNCMGR_HOME"], home);
}

#[test]
#[ignore = "needs python3: cargo xtask suite service"]
fn the_task_scheduler_is_given_a_task() {
    // No path of Windows has a quote.
    let around = Surroundings {
        program: r"C:\Program Files\Täst & <co> 'x' ^y\syncmgr.exe".into(),
        user: r"DESK\Ada & Söhne".to_owned(),
        ..Surroundings::example()
    };
    let task = read(XML, &logon_task::plan(&around));
    assert_eq!(text(&task, "UserId"), around.user);
    assert_eq!(text(&task, "Command"), r"%SystemRoot%\System32\conhost.exe");
    let program = around.program.display().to_string();
    assert_eq!(
        split(&text(&task, "Arguments")),
        ["--headless", &program, "daemon"]
    );
    // The schema wants these in this order.
    let settings = find(&task, "Settings").unwrap();
    let names = settings[3].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|setting| setting[0].as_str().unwrap()).collect();
    assert_eq!(names.last(), Some(&"RestartOnFailure"));
    let sections = task[3].as_array().unwrap().iter();
    let sections: Vec<_> = sections.map(|part| part[0].as_str().unwrap()).collect();
    assert_eq!(
        sections,
        [
            "RegistrationInfo",
            "Triggers",
            "Principals",
            "Settings",
            "Actions"
        ]
    );
    let principal = find(&task, "Principal").unwrap();
    assert_eq!(find(&task, "Actions").unwrap()[1], principal[1]);

    // With variables, `cmd` sets them; with /s it takes away the outermost quotes, and those alone.
    let around = Surroundings {
        syncmgr_home: Some(r"D:\My Syncs & more\ö".to_owned()),
        comhost: None,
        ..around
    };
    let task = read(XML, &logon_task::plan(&around));
    let arguments = text(&task, "Arguments");
    let line = arguments.strip_prefix("--headless cmd.exe /d /s /c \"");
    let line = line.and_then(|line| line.strip_suffix('"')).unwrap();
    assert_eq!(
        line,
        format!(r#"set "SYNCMGR_HOME=D:\My Syncs & more\ö"&& "{program}" daemon"#)
    );
}
