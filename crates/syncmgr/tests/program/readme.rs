//! What the documents tell people to type works as it stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{PROGRAM, Running, World};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn document(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The blocks of a document that are fenced as this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            Some(_) if line == "```" => blocks.extend(block.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line == opening => block = Some(String::new()),
            None => {}
        }
    }
    blocks
}

#[test]
fn the_readmes_first_steps_do_what_they_say() {
    const CARGO: &str = "cargo run --release --";
    let world = World::new();
    let blocks = blocks(&document("README.md"), "sh");
    let [steps, tests] = blocks.as_slice() else {
        panic!("README.md should have two blocks to type in: {blocks:?}");
    };
    assert_eq!(
        tests.trim(),
        "cargo test --workspace",
        "this very test is part of it"
    );
    assert!(steps.contains(CARGO), "{steps}");
    let steps = steps.replace(CARGO, &format!("'{PROGRAM}'"));

    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-u", "-c", &steps])
        .current_dir(world.root());
    world.environment(&mut shell);
    Running::start(shell).end().exits(0).says("in sync");

    // "Both folders now hold both files."
    let (left, right) = (world.content("try/left"), world.content("try/right"));
    let names: Vec<_> = left.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, ["note.txt", "other.txt"]);
    assert_eq!(left, right, "content, permissions, times and links");
    let mut compare = Command::new("diff");
    compare
        .args(["-r", "try/left", "try/right"])
        .current_dir(world.root());
    world.environment(&mut compare);
    Running::start(compare).end().exits(0);

    // "Run it again and nothing happens."
    let sync = steps
        .lines()
        .find(|line| line.contains(PROGRAM))
        .unwrap()
        .to_owned();
    let before = (world.tree("try/left"), world.tree("try/right"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &sync]).current_dir(world.root());
    world.environment(&mut shell);
    Running::start(shell)
        .end()
        .exits(0)
        .says("↑0 ↓0 ✗0")
        .says_not("added");
    assert_eq!(before, (world.tree("try/left"), world.tree("try/right")));

    // "Change, delete or rename files on either side, and it carries the change over."
    world.write("try/left/note.txt", "changed");
    fs::rename(
        world.path("try/right/other.txt"),
        world.path("try/right/renamed.txt"),
    )
    .unwrap();
    world.run(["sync"]).exits(0);
    assert_eq!(world.content("try/left"), world.content("try/right"));
    assert_eq!(world.read("try/right/note.txt"), "changed");
    assert!(world.has("try/left/renamed.txt") && !world.has("try/left/other.txt"));

    // "`syncmgr undo RUN` brings it back."
    world.run(["undo", "3"]).exits(0);
    assert_eq!(world.read("try/right/note.txt"), "hello\n");
}

/// The commands that a document shows, as words. What stands for something is replaced by something.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("$ "));
    let spans = text.lines().flat_map(|line| {
        line.split('`')
            .skip(1)
            .step_by(2)
            .filter(|span| !span.starts_with('`'))
    });
    lines
        .chain(spans)
        .filter(|line| line.starts_with("syncmgr "))
        .map(|line| {
            let end = ["#", "|", "&&", ">", "…"]
                .iter()
                .filter_map(|stop| line.find(stop))
                .min()
                .unwrap_or(line.len());
            line[..end]
                .split_whitespace()
                .skip(1)
                // What follows belongs to another program, which would be asked for its help too.
                .take_while(|word| *word != "--")
                .map(|word| {
                    let word = match word.trim_matches(['[', ']', '\'', '"']) {
                        "COMMAND" => "sync",
                        "RUN" | "ID" => "1",
                        "LEFT" => "./left",
                        "RIGHT" => "./right",
                        other => other,
                    };
                    word.to_owned()
                })
                .collect()
        })
        .collect()
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let world = World::new();
    // One document teaches to write a recipe, and then uses it.
    let taught = document("docs/recipes.md");
    let recipe = taught.split("```toml\n").nth(1).unwrap();
    let recipe = recipe.split("```").next().unwrap();
    fs::create_dir_all(world.path("home/config/recipes")).unwrap();
    fs::write(world.path("home/config/recipes/mirror.toml"), recipe).unwrap();
    let mut documents = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for entry in fs::read_dir(repository().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    let mut count = 0;
    for path in documents {
        for mut words in commands(&document(&path)) {
            // The parser looks at every word before it comes to this one, which keeps it from doing anything.
            // `help` itself does nothing, and takes no options.
            if words.first().is_none_or(|word| word != "help") {
                // What stands after `--` belongs to a handler.
                let end = words.iter().position(|word| word == "--");
                words.insert(end.unwrap_or(words.len()), "--help".to_owned());
            }
            let done = world.run(&words);
            assert_eq!(done.code, Some(0), "in {path}:\n{done}");
            count += 1;
        }
    }
    assert!(
        count > 30,
        "only {count} commands were found in the documents"
    );
    assert!(!world.has("home/state"), "asking for help does nothing");
}
