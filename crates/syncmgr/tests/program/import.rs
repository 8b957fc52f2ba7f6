//! What starts by itself on the machine, imported, exported and brought back; and a home that leaves nothing behind.

use std::process::Command;

use crate::world::{Done, Running, World};

const TAB: &str = "# jobs of mine\n\
    MAILTO=\"\"\n\
    30 2 * * * nice -n 5 cp a b >> copy.log 2>&1\n\
    */15 * * * * echo one | cat\n\
    0 25 * * * true\n\
    0 4 * * * no-such-program-anywhere\n\
    0 5 * * * TOKEN=hunter2 true --password hunter2\n\
    @reboot true";

/// A world with a crontab, and tools of the system that keep it in a file and write down how they were called.
fn scripted() -> World {
    let world = World::new();
    world.executable(
        "tools/crontab",
        "#!/bin/sh\n\
         tab=${0%/*}/tab\n\
         case \"$1\" in\n\
         -l) if [ -e \"$tab\" ]; then cat \"$tab\"; else echo 'no crontab for ada' >&2; exit 1; fi ;;\n\
         -) if [ -e \"$tab.full\" ]; then cat >/dev/null; echo 'disk full' >&2; exit 1; fi; cat > \"$tab\" ;;\n\
         esac\n",
    );
    world.executable(
        "tools/systemctl",
        "#!/bin/sh\n\
         here=${0%/*}\n\
         echo \"$*\" >> \"$here/calls\"\n\
         case \"$*\" in\n\
         *is-enabled*timer) if [ -e \"$here/off\" ]; then echo disabled; exit 1; else echo enabled; fi ;;\n\
         *is-enabled*|*is-active*) exit 1 ;;\n\
         *disable*timer) touch \"$here/off\" ;;\n\
         *enable*timer) rm -f \"$here/off\" ;;\n\
         esac\n",
    );
    world.write("tools/tab", TAB);
    world
}

fn command(world: &World, words: &[&str]) -> Command {
    let mut command = world.command(words);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", world.path("tools").display()));
    command
}

fn run(world: &World, words: &[&str]) -> Done {
    Running::start(command(world, words)).end()
}

fn daemon(world: &World) -> Running {
    let mut daemon = Running::start(command(world, &["daemon"]));
    daemon.wait_for("serves every command");
    daemon
}

fn end(daemon: Running) {
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn looking_at_a_crontab_writes_nothing() {
    let world = scripted();
    let seen = run(&world, &["import", "cron"]);
    seen.exits(0)
        .says("*-*-* 02:30:00")
        .says("cp a b")
        .says("5 (line 7): a secret stands in the command")
        .says("hour 25 is not between 0 and 23")
        .says("`no-such-program-anywhere` is not installed")
        .says("4 of 6 jobs in your crontab can be imported; nothing was written")
        .says_not("hunter2");
    assert_eq!(world.read("tools/tab"), TAB);
    run(&world, &["list"]).says("No items yet");
    let json = run(&world, &["import", "cron", "--json"]);
    json.exits(0).says_not("hunter2");
    assert_eq!(json.out.lines().count(), 7);
}

#[test]
fn a_line_of_a_program_that_a_recipe_knows_becomes_its_item() {
    let world = scripted();
    world.executable(
        "tools/rsync",
        "#!/bin/sh\necho 'rsync  version 3.2.7  protocol version 31'\n",
    );
    let tab = "0 3 * * * rsync -a --delete /srv/a/ /srv/b\n0 4 * * * rsync -a /srv/a/ /srv/c | cat\n\
               0 5 * * * rsync -an /srv/a/ /srv/d\n";
    world.write("tools/tab", tab);
    run(&world, &["import", "cron"])
        .exits(0)
        .says("rsync-a (rsync)")
        .says("1 (line 1): guard: a run that would delete more than 10 things")
        .says("3 (line 3): stays a command, and no item of rsync: the recipe has nothing for `-n`");
    run(&world, &["import", "cron", "--all"]).says("3 jobs imported");
    let said = run(&world, &["show", "rsync-a"]);
    said.exits(0)
        .says(r#"{"delete":true,"recipe":"rsync","source":"/srv/a/","target":"/srv/b"}"#);
    run(&world, &["show", "rsync-a-2"]).says(r#""recipe":"command""#);

    // And back: the exported line does the same without us.
    let exported = run(&world, &["export", "--cron", "rsync-a"]);
    exported
        .exits(0)
        .says("# Nothing looks first whether much would be deleted");
    let line = exported
        .out
        .lines()
        .find_map(|line| line.strip_prefix("0 3 * * * "));
    world.executable(
        "tools/rsync",
        "#!/bin/sh\nfor word; do echo \"$word\"; done > \"${0%/*}/heard\"\n",
    );
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = Command::new("sh")
        .args(["-c", line.unwrap()])
        .env("PATH", format!("{}:{path}", world.path("tools").display()))
        .status();
    assert!(ran.unwrap().success());
    let heard = world.read("tools/heard");
    assert!(
        heard.starts_with("-a\n") && heard.ends_with("--delete\n--\n/srv/a/\n/srv/b/\n"),
        "{heard}"
    );
}

#[test]
fn without_a_daemon_the_originals_stay() {
    let world = scripted();
    run(&world, &["import", "cron", "1"])
        .exits(1)
        .says("The originals stay")
        .says("syncmgr service install");
    assert_eq!(world.read("tools/tab"), TAB);
    // With one, the same words go on from there.
    let daemon = daemon(&world);
    run(&world, &["import", "cron", "1"])
        .exits(0)
        .says("was imported before")
        .says("is commented out");
    end(daemon);
    let tab = world.read("tools/tab");
    assert!(tab.contains("\n#~ 30 2 * * * nice"), "{tab}");
    run(&world, &["schedule"]).says("30 2 * * *");
}

#[test]
fn lines_become_items_once_and_come_back_byte_for_byte() {
    let world = scripted();
    let daemon = daemon(&world);
    run(&world, &["import", "cron", "7"])
        .exits(4)
        .says("import::unknown");
    run(&world, &["import", "cron", "3"])
        .exits(2)
        .says("cannot be imported");
    assert_eq!(world.read("tools/tab"), TAB);
    run(&world, &["import", "cron", "--all"])
        .exits(0)
        .says("line 3 became cp: *-*-* 02:30:00")
        .says("line 3 of your crontab: is commented out")
        .says("4 jobs imported; back: syncmgr import --undo")
        .says_not("hunter2");
    let tab = world.read("tools/tab");
    assert_eq!(
        tab.lines().filter(|line| line.starts_with("#~ ")).count(),
        4,
        "{tab}"
    );
    run(&world, &["list"]).says("cp a b").says_not("hunter2");
    run(&world, &["import", "cron"]).says("4 imported before");
    run(&world, &["import", "cron", "--all"])
        .exits(0)
        .says("Nothing was imported");
    assert_eq!(world.read("tools/tab"), tab);

    // What runs is what the line ran: in the same place, and a failure is one.
    run(&world, &["sync", "echo"]).exits(0);
    run(&world, &["sync", "cp"]).exits(2);
    world.write("a", "content");
    run(&world, &["sync", "cp"]).exits(0);
    assert_eq!(world.read("b"), "content");

    // Somebody adds a line meanwhile.
    world.write("tools/tab", format!("0 1 * * * mine\n{tab}"));
    run(&world, &["import", "--undo", "nothing"]).exits(4);
    run(&world, &["import", "--undo", "cp"])
        .exits(0)
        .says("the line of cp is back");
    run(&world, &["import", "--undo"])
        .exits(0)
        .says("Everything is back as it was");
    assert_eq!(world.read("tools/tab"), format!("0 1 * * * mine\n{TAB}"));
    run(&world, &["list"]).says("No items yet");
    run(&world, &["schedule"]).says("Nothing starts by itself");
    run(&world, &["import", "--undo"])
        .exits(0)
        .says("Nothing had been imported");
    end(daemon);
}

#[test]
fn a_crontab_that_cannot_be_written_starts_twice_and_not_never() {
    let world = scripted();
    let daemon = daemon(&world);
    world.write("tools/tab.full", "");
    run(&world, &["import", "cron", "1"])
        .exits(1)
        .says("left as it is: disk full");
    assert_eq!(world.read("tools/tab"), TAB);
    run(&world, &["schedule"]).says("30 2 * * *");
    std::fs::remove_file(world.path("tools/tab.full")).unwrap();
    run(&world, &["import", "cron", "1", "--keep"]).exits(0);
    assert_eq!(world.read("tools/tab"), TAB);
    run(&world, &["import", "cron", "1"]).exits(0);
    world.write("tools/tab.full", "");
    // What cannot be brought back goes on being started.
    run(&world, &["import", "--undo"])
        .exits(1)
        .says("could not be brought back");
    run(&world, &["schedule"]).says("30 2 * * *");
    std::fs::remove_file(world.path("tools/tab.full")).unwrap();
    run(&world, &["import", "--undo"]).exits(0);
    assert_eq!(world.read("tools/tab"), TAB);
    end(daemon);
}

#[test]
fn timers_and_files_are_told_apart_by_what_stands_in_them() {
    let world = scripted();
    let units = ".config/systemd/user";
    world.write(
        format!("{units}/copy.timer"),
        "[Timer]\nOnCalendar=Mon 03:00\nPersistent=true\nRandomizedDelaySec=10min\n",
    );
    world.write(
        format!("{units}/copy.service"),
        "[Service]\nType=oneshot\nNice=5\nExecStart=cp %h/a %h/b\n",
    );
    let directory = world.path(units).display().to_string();
    let daemon = daemon(&world);
    run(&world, &["import", &directory])
        .exits(0)
        .says("Mon *-*-* 03:00:00")
        .says("up to 10m later");
    run(&world, &["import", &directory, "copy"])
        .exits(0)
        .says("copy.timer: is disabled");
    assert!(
        world
            .read("tools/calls")
            .contains("--user disable --now copy.timer")
    );
    run(&world, &["import", &directory])
        .exits(0)
        .says("1 imported before");
    world.write("a", "content");
    run(&world, &["sync", "copy"]).exits(0);
    assert_eq!(world.read("b"), "content");
    run(&world, &["import", "--undo"])
        .exits(0)
        .says("copy.timer: is enabled again");
    assert!(
        world
            .read("tools/calls")
            .contains("--user enable --now copy.timer")
    );

    // A crontab that is a file, and units that nobody starts.
    world.write("tab", "0 3 * * * true x\n");
    let tab = world.path("tab").display().to_string();
    run(&world, &["import", &tab, "1"])
        .exits(0)
        .says("is commented out");
    assert!(world.read("tab").ends_with("\n#~ 0 3 * * * true x\n"));
    run(&world, &["import", "--undo"]).exits(0);
    assert_eq!(world.read("tab"), "0 3 * * * true x\n");
    world.write("units/x.timer", "[Timer]\nOnCalendar=daily\n");
    let units = world.path("units").display().to_string();
    run(&world, &["import", &units])
        .exits(0)
        .says("x.service, which it starts, is not there");
    run(&world, &["import", "/nowhere/at/all"])
        .exits(4)
        .says("import::unreadable");
    end(daemon);
}

#[test]
fn what_is_exported_runs_without_us() {
    let world = scripted();
    world.write("a", "content");
    let daemon = daemon(&world);
    run(
        &world,
        &["import", "cron", "1", "2", "4", "--keep", "--no-catch-up"],
    )
    .exits(1)
    .says("as you wished");
    for side in ["left", "right"] {
        std::fs::create_dir(world.path(side)).unwrap();
    }
    run(
        &world,
        &["add", "folder", "left", "right", "--name", "pair"],
    )
    .exits(0);
    let cron = run(&world, &["export", "--cron"]);
    let home = world.root().display().to_string();
    let line = format!("30 2 * * * cd {home} && nice -n 5 cp a b");
    cron.exits(0)
        .says(&line)
        .says(&format!("*/15 * * * * cd {home} && echo one | cat"))
        .says("# It cannot run without syncmgr. What comes nearest, and is not the same: unison");
    let ran = Command::new("sh")
        .args(["-c", line.strip_prefix("30 2 * * * ").unwrap()])
        .status();
    assert!(ran.unwrap().success());
    assert_eq!(world.read("b"), "content");

    run(&world, &["export", "cp", "--systemd", "units"])
        .exits(0)
        .says("1 of 1 item can run without syncmgr");
    assert!(
        world
            .read("units/cp.timer")
            .contains("OnCalendar=*-*-* 02:30:00\n")
    );
    let service = world.read("units/cp.service");
    assert!(
        service.contains("ExecStart=cp a b\n") && service.contains("Nice=5\n"),
        "{service}"
    );
    assert!(!service.contains("syncmgr"), "{service}");
    run(&world, &["export", "cp", "--systemd", "units"])
        .exits(4)
        .says("export::exists");
    run(&world, &["export", "cp", "--systemd", "units", "--force"]).exits(0);
    run(&world, &["export", "pair"])
        .exits(0)
        .says("It cannot run without syncmgr");
    end(daemon);
}

#[test]
fn uninstall_leaves_nothing_and_takes_nothing() {
    let world = scripted();
    let before = world.tree("");
    run(&world, &["uninstall"])
        .exits(0)
        .says("Nothing of syncmgr is left");
    let mut daemon = daemon(&world);
    run(&world, &["import", "cron", "1"]).exits(0);
    world.write("left/file", "mine");
    std::fs::create_dir(world.path("right")).unwrap();
    run(&world, &["sync", "./left", "./right"]).exits(0);
    let completions = run(&world, &["completions", "bash"]).out;
    world.write(
        ".local/share/bash-completion/completions/syncmgr",
        completions,
    );
    run(&world, &["uninstall"])
        .exits(4)
        .says("uninstall::unconfirmed")
        .says("would be brought back: a line of your crontab, which became cp");
    // What was kept for undo is somebody's.
    std::fs::remove_file(world.path("left/file")).unwrap();
    world.write("left/other", "mine too");
    run(&world, &["sync", "left"]).exits(0);
    run(&world, &["uninstall"]).exits(4).says("uninstall::kept");
    assert!(world.has("home/state") && world.read("tools/tab").contains("#~ "));
    run(&world, &["uninstall", "--yes"])
        .exits(0)
        .says("the daemon is ended")
        .says("Nothing of syncmgr is left but the program itself");
    daemon.wait_for("");
    daemon.end().exits(0);
    assert_eq!(world.read("tools/tab"), TAB);
    let mut after = world.tree("");
    for side in ["left", "right"] {
        assert_eq!(world.read(format!("{side}/other")), "mine too");
    }
    // The tools and what the person has; and directories that others share.
    after.retain(|path, _| {
        !path.starts_with("left")
            && !path.starts_with("right")
            && !path.starts_with("tools")
            && !path.starts_with(".local")
    });
    let before: Vec<_> = before
        .into_keys()
        .filter(|path| !path.starts_with("tools") && !path.starts_with("home"))
        .collect();
    assert_eq!(after.into_keys().collect::<Vec<_>>(), before);
    assert!(!world.has(".local/share/bash-completion/completions/syncmgr"));
    assert!(!world.has("left/.syncmgr-root") && !world.has("right/.syncmgr"));
}

#[test]
fn a_line_whose_program_is_too_old_stays_a_command() {
    let world = scripted();
    world.executable(
        "tools/rsync",
        "#!/bin/sh\necho 'rsync  version 2.6.9  protocol version 29'\n",
    );
    world.write("tools/tab", "0 3 * * * rsync -a /tmp /var/tmp/copy\n");
    run(&world, &["import", "cron"])
        .exits(0)
        .says("stays a command, and no item of rsync: rsync is of version 2.6.9");
    run(&world, &["import", "cron", "1"]).says("1 job imported");
    let items = world.json(["list"]);
    let name = items[0]["name"].as_str().unwrap();
    run(&world, &["show", name])
        .exits(0)
        .says("\"recipe\":\"command\"");
}
