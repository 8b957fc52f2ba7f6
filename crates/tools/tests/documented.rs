//! What docs/recipes.md teaches works: its script, its recipe, its recording.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "tests: what cannot be unwrapped fails the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use syncmgr_tools::recorded::Recording;
use syncmgr_tools::template::Template;
use syncmgr_tools::trial::{Finding, Grade, Wish, trial};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes.md");
    fs::read_to_string(path).unwrap()
}

/// The first block of this language that begins so.
fn block(document: &str, language: &str, beginning: &str) -> String {
    let opening = format!("```{language}\n{beginning}");
    let (_, rest) = document.split_once(&opening).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    format!("{beginning}{block}")
}

#[test]
fn its_recipe_works_with_its_script() {
    let document = document();
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    fs::write(at("mirror"), block(&document, "sh", "#!/bin/sh")).unwrap();
    fs::set_permissions(at("mirror"), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["source", "target", "recipes"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("source/a.jpg"), "a").unwrap();
    fs::write(at("source/b.jpg"), "b").unwrap();
    // It lies in nobody's search path here.
    let recipe = block(&document, "toml", "recipe = 1");
    let recipe = recipe.replace("\"mirror\"", &format!("{:?}", text("mirror")));
    let recipe = recipe.replacen(&format!("id = {:?}", text("mirror")), "id = \"mirror\"", 1);
    fs::write(at("recipes/mirror.toml"), recipe).unwrap();

    let words = [text("source"), text("target")];
    let wish = Wish {
        id: "mirror",
        accept: false,
        record: Some(&words),
        directory: home.path(),
        reserved: syncmgr_tools::setting_names(),
    };
    let findings = trial(&at("recipes"), &wish).unwrap();
    let wrong = |finding: &&Finding| finding.grade == Grade::Wrong;
    assert_eq!(findings.iter().find(wrong), None, "{findings:#?}");
    let last = findings.last().unwrap();
    assert_eq!(
        last.lines,
        [
            "out: 1 of 2: a.jpg",
            "     rule 1: progress 1 of 2; says `a.jpg`",
            "out: 2 of 2: b.jpg",
            "     rule 1: progress 2 of 2; says `b.jpg`",
            "out: copied 2, left out 0",
            "     rule 2: counts sent 2; proof that something was done",
            "= run ends: good",
            "= counts: sent 2",
        ]
    );
    // The document shows just that.
    assert!(last.lines.iter().all(|line| document.contains(line)));
    assert!(at("target/b.jpg").exists());

    let look = |accept| {
        let wish = Wish {
            accept,
            record: None,
            ..wish
        };
        let mut findings = trial(&at("recipes"), &wish).unwrap();
        findings.pop().unwrap()
    };
    assert_eq!(look(false).grade, Grade::Warning);
    assert_eq!(look(true).text, "run-1.txt: accepted");
    assert_eq!(look(false).text, "run-1.txt: as expected");
    // A rule that reads something else now is seen.
    let file = at("recipes/mirror.toml");
    let changed = fs::read_to_string(&file)
        .unwrap()
        .replace("sent = \"{1}\"", "sent = \"{2}\"");
    fs::write(&file, changed).unwrap();
    let finding = look(false);
    assert_eq!(finding.grade, Grade::Wrong);
    assert!(
        finding.lines.contains(&"- counts: sent 2".to_owned()),
        "{:#?}",
        finding.lines
    );
    // What is recorded is told with its mistakes, and a recipe that cannot be read with its line.
    fs::write(at("recipes/mirror.recorded/a.txt"), "# exit: 0\n").unwrap();
    let findings = trial(
        &at("recipes"),
        &Wish {
            record: None,
            ..wish
        },
    )
    .unwrap();
    let told = findings
        .iter()
        .find(|finding| finding.text.starts_with("a.txt"));
    assert_eq!(
        told.unwrap().text,
        "a.txt: line 1: `# operation: …` is missing"
    );
    fs::write(&file, "recipe = 1\nrnu = 2\n").unwrap();
    let findings = trial(
        &at("recipes"),
        &Wish {
            record: None,
            ..wish
        },
    )
    .unwrap();
    assert_eq!((findings.len(), findings[0].grade), (1, Grade::Wrong));
    assert!(findings[0].lines[0].contains("line 2"), "{findings:#?}");
}

#[test]
fn its_recording_can_be_read_and_its_filters_exist() {
    let document = document();
    let recording = Recording::read(&block(&document, "text", "# operation: run")).unwrap();
    assert_eq!((recording.exit, recording.lines.len()), (3, 3));
    let (_, filters) = document.split_once("| Filter |").unwrap();
    let (filters, _) = filters.split_once("\n\n").unwrap();
    let filters: Vec<&str> = filters
        .lines()
        .skip(2)
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(filter, _)| filter)
        .collect();
    for filter in &filters {
        Template::new(&format!("{{x|{filter}}}")).unwrap();
    }
    let known = Template::new("{x|none}").unwrap_err().to_string();
    let (_, known) = known.rsplit_once(": ").unwrap_or_default();
    for filter in known.split(", ") {
        assert!(filters.contains(&filter), "{filter} is not in the table");
    }
}
