//! The systemd user service and its socket, as text (systemd.service(5), systemd.socket(5), systemd.syntax(7)).

use super::mark::mark;
use super::plan::{Plan, Surroundings, words};

/// How long the daemon may hang before it is started anew.
const WATCHDOG: &str = "5min";
/// How long it may take to stop what works: handlers are asked for `stop_grace`, then terminated, then killed.
const STOP: &str = "90s";

/// What is to be written and called.
pub(super) fn plan(around: &Surroundings) -> Plan {
    let name = around.name();
    let service = format!("{name}.service");
    let socket = format!("{name}.socket");
    let units = around.config_dir.join("systemd/user");
    let user = |rest: &str| words(&format!("systemctl --user {rest}"));
    let both = format!("{socket} {service}");
    Plan {
        system: "systemd",
        files: vec![
            (units.join(&service), unit(around)),
            (units.join(&socket), socket_unit(around)),
        ],
        wide: false,
        reachable: user("show-environment"),
        begin: vec![
            user("daemon-reload"),
            user(&format!("enable {both}")),
            user(&format!("start {both}")),
        ],
        restart: Some(user(&format!("restart {service}"))),
        end: vec![user(&format!("disable --now {both}"))],
        afterwards: vec![user("daemon-reload")],
        enabled: user(&format!("is-enabled --quiet {service}")),
        running: user(&format!("is-active --quiet {service}")),
        listening: user(&format!("is-active --quiet {socket}")),
        linger: Some(words("loginctl enable-linger")),
        name: service,
    }
}

fn unit(around: &Surroundings) -> String {
    let socket = format!("{}.socket", around.name());
    let start = start(&around.program.display().to_string());
    let environment: String = around
        .variables()
        .iter()
        .map(|(name, value)| {
            format!(
                "Environment={}\n",
                quoted(&format!("{name}={value}"), false)
            )
        })
        .collect();
    let text = format!(
        "@[Unit]
Description=Synchronization manager
Documentation=man:syncmgr(1)
Requires={socket}
After={socket}
# It never gives up for good: what keeps it from beginning may pass.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
{environment}Restart=on-failure
RestartSec=5s
WatchdogSec={WATCHDOG}
TimeoutStopSec={STOP}
# The daemon stops its handlers itself, and one of them that is killed for want of memory is not its own end.
KillMode=mixed
OOMPolicy=continue
# Handlers inherit everything that stands here. What would keep them from sudo, from mounting, or from any of the user's
# files is therefore left out; the manager needs none of it.
LimitCORE=0
Slice=background.slice

[Install]
WantedBy=default.target
"
    );
    mark(&text, "@", ("# ", ""))
}

/// What starts the daemon. systemd takes no quotes in the name of a program, wherever they stand, and no variables either; in
/// what a program is given it takes both.
fn start(program: &str) -> String {
    if program.contains(['"', '\'', '\\']) {
        format!(
            r#"/bin/sh -c "exec \"$$0\" daemon" {}"#,
            quoted(program, true)
        )
    } else {
        format!("{} daemon", quoted(program, false))
    }
}

fn socket_unit(around: &Surroundings) -> String {
    let service = format!("{}.service", around.name());
    // Nothing is quoted in this setting.
    let path = around.socket.display().to_string().replace('%', "%%");
    let text = format!(
        "@[Unit]
Description=Synchronization manager, begun by whoever asks it first
Documentation=man:syncmgr(1)

[Socket]
ListenStream={path}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes
Service={service}

[Install]
WantedBy=sockets.target
"
    );
    mark(&text, "@", ("# ", ""))
}

/// A word as systemd reads it; a command line has variables besides.
fn quoted(text: &str, command: bool) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '%' => quoted.push_str("%%"),
            '$' if command => quoted.push_str("$$"),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(plan: &Plan) -> String {
        let files = plan.files.iter();
        files
            .map(|(path, text)| format!("--- {}\n{text}", path.display()))
            .collect()
    }

    #[test]
    fn the_units() {
        insta::assert_snapshot!("systemd-plain", all(&plan(&Surroundings::example())));
        let odd = Surroundings::odd_example();
        insta::assert_snapshot!("systemd-odd", all(&plan(&odd)));
    }

    #[test]
    fn programs_are_started_whatever_they_are_called() {
        for (program, wanted) in [
            ("/usr/bin/syncmgr", r#""/usr/bin/syncmgr" daemon"#),
            ("/a b/100%/$x", r#""/a b/100%%/$x" daemon"#),
            (
                "/it's/$x",
                r#"/bin/sh -c "exec \"$$0\" daemon" "/it's/$$x""#,
            ),
            (
                r#"/a"b\c"#,
                r#"/bin/sh -c "exec \"$$0\" daemon" "/a\"b\\c""#,
            ),
        ] {
            assert_eq!(start(program), wanted);
        }
    }

    #[test]
    fn words_are_quoted() {
        for (text, command, wanted) in [
            ("/a b/c", true, r#""/a b/c""#),
            (r#"/a"b\c"#, true, r#""/a\"b\\c""#),
            ("/100%/$x", true, r#""/100%%/$$x""#),
            ("A=100%/$x", false, r#""A=100%%/$x""#),
        ] {
            assert_eq!(quoted(text, command), wanted);
        }
    }
}
