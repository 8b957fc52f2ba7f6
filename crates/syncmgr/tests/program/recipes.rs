//! A recipe that is tried on its program.

use crate::world::World;

/// A recipe of a program that tells its version, what it finds and what it would do.
fn world(version: &str) -> World {
    let world = World::new();
    world.executable(
        "tool",
        &format!(
            "#!/bin/sh\n\
             case \"$1\" in\n\
             --version) echo 'tool {version}' ;;\n\
             list) echo 'thing: one' ;;\n\
             plan) echo \"would copy $2\" ;;\n\
             *) touch \"${{0%/*}}/ran\" ;;\n\
             esac\n"
        ),
    );
    let tool = world.path("tool").display().to_string();
    world.write(
        "home/config/recipes/tool.toml",
        format!(
            r#"recipe = 1
id = "tool"
name = "Tool"
about = "copies things"
program = "{tool}"

[version]
args = ["--version"]
pattern = 'tool (\d+\.\d+)'
least = "2.0"
install = "get a newer one"

[[argument]]
name = "thing"
about = "what is copied"
positional = true
required = true

[item]
name = "{{thing}}"

[exit]
1 = "hard"

[[find]]
name = "list"
command = ["{tool}", "list"]

[[plan]]
name = "plan"
command = ["{tool}", "plan", "{{thing}}"]

[[run]]
name = "run"
command = ["{tool}", "run"]

[[read]]
in = ["find"]
text = '^thing: (.+)$'
item = {{ arguments = {{ thing = "{{1}}" }} }}

[[read]]
in = ["plan"]
text = '^would copy (.+)$'
action = {{ do = "add", name = "{{1}}", to = "right" }}
"#
        ),
    );
    world
}

#[test]
fn what_only_looks_is_tried_on_the_real_program() {
    let world = world("2.1");
    let without = world.run(["recipe", "test", "tool", "--real"]);
    without
        .exits(1)
        .says("find with the real program")
        .says("said: thing: one")
        .says("found thing=one")
        .says("check and plan were not tried");
    let with = world.run(["recipe", "test", "tool", "--real", "--set", "thing=two"]);
    with.exits(0)
        .says("plan with the real program")
        .says("said: would copy two")
        .says("action add `two` to right");
    assert!(!world.has("ran"), "nothing is synchronized");
    world
        .run(["recipe", "test", "tool", "--real", "--set", "no=two"])
        .exits(4);
    world
        .run(["recipe", "test", "tool", "--set", "thing=two"])
        .exits(4);
}

#[test]
fn a_program_that_is_too_old_or_missing_is_refused() {
    let world = world("1.9");
    world
        .run(["recipe", "test", "tool", "--real"])
        .exits(4)
        .says("tools::too-old")
        .says("get a newer one");
    std::fs::remove_file(world.path("tool")).unwrap();
    world
        .run(["recipe", "test", "tool", "--real"])
        .exits(4)
        .says("tools::missing");
}
