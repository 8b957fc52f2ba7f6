//! The daemon as a service: its files, and what it tells whoever started it.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::world::{Done, FOR_EVER, Running, World, until};

/// A world with tools of the system that only write down how they were called, and where the file `deaf` has them fail.
fn scripted() -> World {
    let world = World::new();
    for tool in ["systemctl", "loginctl"] {
        world.executable(
            &format!("tools/{tool}"),
            "#!/bin/sh\n\
             here=${0%/*}\n\
             echo \"${0##*/} $*\" >> \"$here/calls\"\n\
             if [ -e \"$here/deaf\" ]; then echo 'no bus here' >&2; exit 1; fi\n\
             case \"$*\" in *is-enabled*|*is-active*) [ -e \"$here/on\" ] ;; *start*) touch \"$here/on\" ;; *disable*) rm -f \"$here/on\" ;; esac\n",
        );
    }
    world
}

fn service(world: &World, words: &[&str]) -> Done {
    let mut command = world.command(["service"]);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .args(words)
        .env("PATH", format!("{}:{path}", world.path("tools").display()))
        .env("USER", "nobody-of-that-name");
    Running::start(command).end()
}

fn calls(world: &World) -> Vec<String> {
    let calls = world.path("tools/calls");
    let text = fs::read_to_string(&calls).unwrap_or_default();
    drop(fs::remove_file(calls));
    text.lines().map(str::to_owned).collect()
}

/// The name of the service of this world's home, and the path of its unit.
fn unit(world: &World) -> (String, String) {
    let shown = service(world, &["install", "--print"]);
    shown.exits(0);
    let line = shown.err.lines().next().unwrap();
    let path = line.strip_suffix(" (missing)").unwrap();
    let path = path.strip_prefix(&format!("{}/", world.root().display()));
    let path = path.unwrap().to_owned();
    let name = path.rsplit_once('/').unwrap().1;
    (name.strip_suffix(".service").unwrap().to_owned(), path)
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_is_installed_once_and_removed() {
    let world = scripted();
    let (name, unit) = unit(&world);
    assert!(
        !world.has(&unit) && calls(&world).is_empty(),
        "print only prints"
    );
    service(&world, &["status"]).exits(1).says("not installed");
    calls(&world);

    let user = |rest: &str| format!("systemctl --user {rest}");
    let both = format!("{name}.socket {name}.service");
    let done = service(&world, &["install", "--linger"]);
    done.exits(0).says("The service is installed");
    let seen = calls(&world);
    let order = [
        user("show-environment"),
        user("daemon-reload"),
        user(&format!("enable {both}")),
        user(&format!("start {both}")),
        "loginctl enable-linger".to_owned(),
    ];
    assert_eq!(seen[..5], order, "{seen:?}");
    let text = world.read(&unit);
    assert!(
        text.contains(&format!("SYNCMGR_HOME={}", world.home().display())),
        "{text}"
    );
    assert!(text.contains("Type=notify"), "{text}");
    let socket = world.read(unit.replace(".service", ".socket"));
    let listen = format!("ListenStream={}/run/control.sock", world.home().display());
    assert!(socket.contains(&listen), "{socket}");
    service(&world, &["status"])
        .exits(0)
        .says("The service runs");

    // Again: nothing is written.
    let again = service(&world, &["install"]);
    again.exits(0).says("current").says_not("written");
    assert_eq!(world.read(&unit), text);

    // What somebody changed is not lost.
    let edited = text.replace("5s", "6s");
    world.write(&unit, &edited);
    service(&world, &["status"]).says("edited");
    calls(&world);
    for action in ["install", "uninstall"] {
        service(&world, &[action])
            .exits(4)
            .says("service::foreign-file")
            .says("--force");
    }
    assert!(calls(&world).is_empty());
    assert_eq!(world.read(&unit), edited);
    service(&world, &["install", "--force"]).exits(0);
    assert!(calls(&world).contains(&user(&format!("restart {name}.service"))));
    assert_eq!(world.read(&unit), text);

    let gone = service(&world, &["uninstall"]);
    gone.exits(0).says("The service is removed");
    assert!(calls(&world).contains(&user(&format!("disable --now {both}"))));
    assert!(!world.has(&unit) && !world.has(unit.replace(".service", ".socket")));
    service(&world, &["uninstall"])
        .exits(0)
        .says("No service was installed");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_bus_it_says_what_to_type() {
    let world = scripted();
    world.write("tools/deaf", "");
    let (name, unit) = unit(&world);
    let done = service(&world, &["install"]);
    done.exits(1)
        .says("could not be asked: no bus here")
        .says("run `syncmgr daemon` yourself")
        .says(&format!("SYNCMGR_HOME={}", world.home().display()))
        .says("@reboot")
        .says("systemctl --user daemon-reload")
        .says(&format!(
            "systemctl --user start {name}.socket {name}.service"
        ));
    assert!(world.has(&unit));
    let mut command = world.command(["service", "uninstall", "--json"]);
    command.env("PATH", "/nowhere");
    let done = Running::start(command).end();
    done.exits(1)
        .says(r#""installed":false"#)
        .says("disable --now");
    assert!(!world.has(&unit));
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_that_is_not_the_service_is_told() {
    let world = scripted();
    service(&world, &["status", "--json"])
        .exits(1)
        .says(r#""otherDaemon":false"#);
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("the daemon serves");
    service(&world, &["status"])
        .exits(1)
        .says("The service is not installed; a daemon runs all the same")
        .says("A daemon that is not this service runs already");
    service(&world, &["status", "--json"]).says(r#""otherDaemon":true"#);
    // Installed, and not begun by anybody.
    service(&world, &["install"]).exits(0);
    fs::remove_file(world.path("tools/on")).unwrap();
    service(&world, &["status"])
        .exits(1)
        .says("The service does not run, but a daemon that is not it does");
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
    service(&world, &["status"])
        .exits(1)
        .says_not("not this service");
}

#[cfg(target_os = "linux")]
#[test]
fn printing_prints_the_units_and_nothing_else() {
    let world = scripted();
    let (_, unit) = unit(&world);
    let printed = service(&world, &["install", "--print"]);
    printed.exits(0);
    service(&world, &["install"]).exits(0);
    let units = [
        world.read(&unit),
        world.read(unit.replace(".service", ".socket")),
    ];
    assert_eq!(printed.out, units.concat());
    // Everything that was written is gone again, in every place.
    let before = world.tree(".config");
    assert_eq!(
        before.values().filter(|entry| entry.kind == "file").count(),
        2
    );
    service(&world, &["uninstall"]).exits(0);
    let left = world.tree(".config");
    assert!(
        left.values().all(|entry| entry.kind == "directory"),
        "{left:?}"
    );
}

/// What systemd itself says of the units of a home, with the program called so; nothing when they are good.
#[cfg(target_os = "linux")]
fn verified(world: &World, directory: &str, edit: impl Fn(String) -> String) -> Done {
    let program = world.path(directory).join("syncmgr");
    let home = world.path(directory).join("home");
    fs::create_dir_all(&home).unwrap();
    // Another process writes it, as it is executed at once.
    let copied = Command::new("cp")
        .args([crate::world::PROGRAM.as_ref(), program.as_path()])
        .status();
    assert!(copied.unwrap().success());
    let mut install = Command::new(&program);
    install.args(["service", "install", "--force"]);
    world.environment(&mut install);
    let path = std::env::var("PATH").unwrap_or_default();
    let tools = format!("{}:{path}", world.path("tools").display());
    install.env("PATH", tools).env("SYNCMGR_HOME", &home);
    Running::start(install).end().exits(0);
    let mut units: Vec<_> = world.tree(".config/systemd/user").into_keys().collect();
    units.retain(|unit| unit.extension().is_some());
    assert_eq!(units.len(), 2, "{units:?}");
    let mut verify = Command::new("systemd-analyze");
    world.environment(&mut verify);
    verify
        .args(["verify", "--user", "--man=no"])
        .env("XDG_RUNTIME_DIR", world.root());
    for unit in units {
        let unit = format!(".config/systemd/user/{}", unit.display());
        world.write(&unit, edit(world.read(&unit)));
        verify.arg(world.path(unit));
    }
    let done = Running::start(verify).end();
    fs::remove_dir_all(world.path(".config")).unwrap();
    done
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs systemd: cargo xtask suite service"]
fn systemd_finds_nothing_wrong_with_the_units() {
    let world = scripted();
    for directory in [
        "plain",
        "with blanks",
        "100% $x ${HOME} é",
        "\"quoted\" it's \\ odd",
        "; # @ - :",
    ] {
        let good = verified(&world, directory, |text| text);
        good.exits(0);
        assert_eq!((&*good.out, &*good.err), ("", ""), "{directory}");
    }
    // It would say so.
    verified(&world, "plain", |text| {
        text.replace("WatchdogSec", "Watchdogs")
    })
    .says("'Watchdogs'");
    verified(&world, "plain", |text| {
        text.replace("plain/syncmgr", "plain/gone")
    })
    .says("gone");
}

/// The daemon with this socket as its third descriptor, told that it was handed over.
fn handed_over(world: &World, listener: &UnixListener, notify: &str) -> Running {
    let mut command = Command::new("sh");
    let script =
        "LISTEN_PID=$$ LISTEN_FDS=1 WATCHDOG_USEC=100000 exec \"$0\" daemon 3<&0 </dev/null";
    command.args(["-c", script, crate::world::PROGRAM]);
    world.environment(&mut command);
    command
        .env("NOTIFY_SOCKET", notify)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(
            listener.try_clone().unwrap(),
        )));
    Running::start(command)
}

#[test]
fn a_daemon_takes_the_socket_that_it_is_handed_and_says_how_it_is() {
    let world = World::with_folders();
    let dump = world.path("environment");
    world.configure(&format!(
        "[[handler]]\nid = \"env\"\ncommand = [\"sh\", \"-c\", \"env > {}; ls -l /proc/self/fd >> {}\"]\n",
        dump.display(),
        dump.display()
    ));
    fs::create_dir_all(world.path("home/run")).unwrap();
    let listener = UnixListener::bind(world.path("home/run/control.sock")).unwrap();
    let notify = UnixDatagram::bind(world.path("notify")).unwrap();
    notify.set_read_timeout(Some(FOR_EVER)).unwrap();
    let next = || {
        let mut bytes = [0; 300];
        let count = notify.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    // The first client comes before there is a daemon.
    let early = world.start(["sync", "./left", "./right"]);
    let at = world.path("notify").display().to_string();
    let daemon = handed_over(&world, &listener, &at);
    early.end().exits(0).says("added left");
    let mut heard = Vec::new();
    while !heard.contains(&"READY=1".to_owned()) {
        heard.push(next());
    }
    for _ in 0..3 {
        while next() != "WATCHDOG=1" {}
    }
    // It says when it reads its configuration again, and when it has.
    daemon.signal(Signal::HUP);
    while !next().starts_with("RELOADING=1\nMONOTONIC_USEC=") {}
    while next() != "READY=1" {}
    // Handlers are told nothing of it.
    drop(world.run(["refresh", "env"]));
    until("the handler has written", || world.has("environment"));
    let seen = world.read("environment");
    for name in ["NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_", "socket:"] {
        assert!(!seen.contains(name), "{seen}");
    }
    daemon.signal(Signal::TERM);
    while next() != "STOPPING=1" {}
    daemon.end().exits(0);
    // Whoever handed it over still listens, and begins the next one.
    assert!(world.has("home/run/control.sock"));
    let late = world.start(["status", "--json"]);
    let daemon = handed_over(&world, &listener, &at);
    late.end().says(r#""daemon":true"#);
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
    drop(listener);
    world.run(["status", "--json"]).says(r#""daemon":false"#);
}

#[test]
fn the_journal_is_given_priorities() {
    let world = World::new();
    let file = fs::File::create(world.path("journal")).unwrap();
    let meta = file.metadata().unwrap();
    let mut command = world.command(["daemon"]);
    let identity = {
        use std::os::unix::fs::MetadataExt as _;
        format!("{}:{}", meta.dev(), meta.ino())
    };
    command
        .env("JOURNAL_STREAM", identity)
        .env("SYNCMGR_LOG", "info")
        .stderr(Stdio::from(file));
    let mut child = command.spawn().unwrap();
    let line = "<6>syncmgr_daemon::foreground: the daemon manages this home";
    until("it says that it begins", || {
        world.read("journal").contains(line)
    });
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}
