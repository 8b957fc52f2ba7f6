//! Timers of systemd and what they start (systemd.timer(5), systemd.service(5), systemd.exec(5)).

use std::collections::BTreeMap;

use super::systemd_text::{Unit, seconds, split, words};
use super::wrapped::{io_class, io_setting};
use super::{Around, Job, Origin, Wrapped, shell, span, wrapped};

/// A timer with the unit that it starts, as texts.
#[derive(Debug, Clone, Copy)]
pub struct TimerText<'a> {
    /// The timer's unit, with `.timer`.
    pub unit: &'a str,
    /// Its text; texts that change it (`.timer.d/*.conf`) follow it.
    pub timer: &'a str,
    /// The text of the service; absent: there is none.
    pub service: Option<&'a str>,
    /// It is one of the whole machine, and not a user's own.
    pub system: bool,
}

/// Settings of a service that mean nothing here, or that are understood.
const UNDERSTOOD: &[&str] = &[
    "Type",
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "User",
    "WorkingDirectory",
    "Environment",
    "EnvironmentFile",
    "Nice",
    "IOSchedulingClass",
    "IOSchedulingPriority",
    "TimeoutStartSec",
    "TimeoutSec",
    "RuntimeMaxSec",
    "TimeoutStopSec",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
    "RemainAfterExit",
    "KillMode",
    "CPUSchedulingPolicy",
    "StandardInput",
    "Slice",
    "SyslogLevel",
];

/// The service that a timer starts.
#[must_use]
pub fn started_by(unit: &str, timer: &str) -> String {
    let stem = unit.strip_suffix(".timer").unwrap_or(unit);
    Unit::read(timer)
        .get("Timer", "Unit")
        .map_or_else(|| format!("{stem}.service"), str::to_owned)
}

/// What a timer would become.
#[must_use]
pub fn job(text: TimerText<'_>, around: &Around<'_>) -> Job {
    let timer = Unit::read(text.timer);
    let service = Unit::read(text.service.unwrap_or_default());
    let stem = text.unit.strip_suffix(".timer").unwrap_or(text.unit);
    let mut job = Job {
        origin: Origin::Timer {
            unit: text.unit.to_owned(),
        },
        name: stem.rsplit('/').next().unwrap_or(stem).to_owned(),
        on: Vec::new(),
        when: Vec::new(),
        catch_up: None,
        jitter: None,
        wrapped: Wrapped::default(),
        obstacle: None,
    };
    let started = started_by(text.unit, text.timer);
    let mut obstacle = when(&timer, &mut job).err();
    conditions(&timer, &service, &mut job);
    if text.service.is_none() {
        let why = if started.ends_with(".service") {
            format!("{started}, which it starts, is not there")
        } else {
            format!("it starts {started}, which is no service")
        };
        obstacle = obstacle.or(Some(why));
    } else if let Err(why) = what(&service, stem, text.system, &mut job.wrapped, around) {
        obstacle = obstacle.or(Some(why));
    }
    for key in ["OnFailure", "OnSuccess"] {
        if let Some(units) = service.get("Unit", key) {
            let remark =
                format!("{key}={units} is not carried over: hooks do that (docs/hooks.md)");
            job.wrapped.remarks.push(remark);
        }
    }
    job.obstacle = obstacle;
    job
}

/// When it starts.
fn when(timer: &Unit, job: &mut Job) -> Result<(), String> {
    let of = |key: &str| timer.all("Timer", key);
    for calendar in of("OnCalendar") {
        job.on.push(calendar.to_owned());
    }
    let mut repeats = false;
    for key in ["OnUnitInactiveSec", "OnUnitActiveSec"] {
        for text in of(key) {
            let seconds = seconds(text)
                .filter(|seconds| *seconds > 0)
                .ok_or_else(|| format!("{key}={text} is no span"))?;
            job.on.push(format!("every {}", span(seconds)));
            repeats = true;
            if key == "OnUnitActiveSec" {
                job.wrapped.remarks.push(
                    "counted from the end of the last run, not from its beginning".to_owned(),
                );
            }
        }
    }
    let at_start: Vec<&str> = ["OnBootSec", "OnStartupSec", "OnActiveSec"]
        .into_iter()
        .flat_map(of)
        .collect();
    if !at_start.is_empty() {
        // An interval begins with a first run by itself.
        if !repeats {
            job.on.push("logon".to_owned());
            let remark = format!(
                "it starts when you log on, and not {} after the machine did",
                at_start.join(" or ")
            );
            job.wrapped.remarks.push(remark);
        }
    } else if job.on.is_empty() {
        return Err("it names no time that is known here".to_owned());
    }
    if of("OnCalendar").is_empty() {
        // There is nothing to be missed.
    } else if !timer.is("Timer", "Persistent") {
        job.catch_up = Some("0s".to_owned());
    }
    if let Some(text) = timer.get("Timer", "RandomizedDelaySec") {
        let seconds =
            seconds(text).ok_or_else(|| format!("RandomizedDelaySec={text} is no span"))?;
        if seconds > 0 {
            job.jitter = Some(span(seconds.min(86_400)));
        }
        if !timer.is("Timer", "FixedRandomDelay") && seconds > 0 {
            job.wrapped
                .remarks
                .push("it is delayed by the same time every day".to_owned());
        }
    }
    if timer.is("Timer", "WakeSystem") {
        job.wrapped
            .remarks
            .push("it does not wake the machine; what was missed is caught up".to_owned());
        job.catch_up = None;
    }
    Ok(())
}

/// What must hold.
fn conditions(timer: &Unit, service: &Unit, job: &mut Job) {
    let mut left = Vec::new();
    let mut add = |condition: String| {
        if !job.when.contains(&condition) {
            job.when.push(condition);
        }
    };
    for unit in [timer, service] {
        for key in unit.keys("Unit") {
            let Some(value) = unit.get("Unit", key) else {
                continue;
            };
            match key {
                "ConditionACPower" | "AssertACPower" if unit.is("Unit", key) => {
                    add("mains".to_owned())
                }
                "ConditionPathIsMountPoint" | "AssertPathIsMountPoint"
                    if value.starts_with('/') =>
                {
                    add(format!("mounted {value}"));
                }
                "After" | "Wants" | "Requires"
                    if value
                        .split_whitespace()
                        .any(|unit| unit == "network-online.target") =>
                {
                    add("network".to_owned());
                }
                key if key.starts_with("Condition") || key.starts_with("Assert") => {
                    left.push(format!("{key}={value}"));
                }
                _ => {}
            }
        }
    }
    if !left.is_empty() {
        let remark = format!("not carried over: {}", left.join(", "));
        job.wrapped.remarks.push(remark);
    }
}

/// What is run.
fn what(
    service: &Unit,
    stem: &str,
    system: bool,
    wrapped: &mut Wrapped,
    around: &Around<'_>,
) -> Result<(), String> {
    let of = |key: &str| service.get("Service", key);
    let expand = |text: &str| specifiers(text, stem, system, around);
    for text in service.all("Service", "Environment") {
        let assignments =
            words(text).ok_or_else(|| format!("Environment={text} has a quote without end"))?;
        for word in assignments {
            let (name, value) = shell::assignment(&word)
                .ok_or_else(|| "Environment= sets no variable".to_owned())?;
            wrapped.set(name, expand(&value)?);
        }
    }
    let variables: BTreeMap<String, String> = wrapped.env.iter().cloned().collect();
    let main = service.all("Service", "ExecStart");
    let mut commands = Vec::new();
    for key in ["ExecStartPre", "ExecStart", "ExecStartPost"] {
        for text in service.all("Service", key) {
            commands.push(exec(text, &variables, wrapped, &expand)?);
        }
    }
    if main.is_empty() {
        return Err("its service starts nothing (ExecStart=)".to_owned());
    }
    let files: Vec<String> = service
        .all("Service", "EnvironmentFile")
        .into_iter()
        .map(expand)
        .collect::<Result<_, _>>()?;
    match <[Vec<String>; 1]>::try_from(commands) {
        Ok([command]) => wrapped::words(wrapped, command, around),
        Err(commands) => {
            let lines: Vec<String> = commands.iter().map(|words| shell::typed(words)).collect();
            wrapped.shell = true;
            wrapped.command = vec!["/bin/sh".to_owned(), "-c".to_owned(), lines.join(" && ")];
            wrapped
                .remarks
                .push("its commands are one line of a shell now".to_owned());
        }
    }
    if !files.is_empty() {
        // The shell reads them, and then is the program.
        let mut script = "set -a; ".to_owned();
        for file in &files {
            let (file, optional) = file
                .strip_prefix('-')
                .map_or((file.as_str(), false), |file| (file, true));
            let file = shell::quoted(file);
            if optional {
                script.extend(["[ ! -r ", &file, " ] || "]);
            }
            script.extend([". ", &file, "; "]);
        }
        script += "exec \"$@\"";
        let inner = std::mem::take(&mut wrapped.command);
        wrapped.command = ["/bin/sh", "-c", &script, "sh"]
            .map(str::to_owned)
            .into_iter()
            .chain(inner)
            .collect();
        wrapped
            .remarks
            .push("a shell reads EnvironmentFile= for it".to_owned());
    }
    if let Some(directory) = of("WorkingDirectory") {
        let directory = expand(directory.trim_start_matches('-'))?;
        wrapped.directory = if directory == "~" {
            around.home.map(str::to_owned)
        } else {
            Some(directory)
        };
    } else if !system {
        // A user's services begin in the home.
        wrapped.directory = around.home.map(str::to_owned);
    } else {
        wrapped.directory = Some("/".to_owned());
    }
    let user = of("User").map(&expand).transpose()?;
    match user.as_deref().or(system.then_some("root")) {
        Some(user) if user != around.user && !around.root => {
            return Err(format!(
                "it runs as {user}, and you are {}: import it as root (`sudo syncmgr import …`)",
                around.user
            ));
        }
        Some(user) if user != around.user => wrapped.user = Some(user.to_owned()),
        _ => {}
    }
    if let Some(nice) = of("Nice").and_then(|nice| nice.parse::<i8>().ok()) {
        wrapped.nice = Some(nice.clamp(-20, 19));
    }
    let level = of("IOSchedulingPriority")
        .and_then(|level| level.parse::<u8>().ok())
        .filter(|level| *level < 8);
    if let Some(class) = of("IOSchedulingClass")
        .and_then(io_class)
        .or(level.map(|_| "best-effort"))
    {
        wrapped.ionice = Some(io_setting(class, level));
    }
    // A service that is done when its program ends is limited by how long it may take to start.
    let is_oneshot = of("Type") == Some("oneshot");
    let limit = of("RuntimeMaxSec").or(of("TimeoutStartSec")
        .or(of("TimeoutSec"))
        .filter(|_| is_oneshot));
    if let Some(limit) = limit.filter(|limit| *limit != "infinity") {
        let limit = seconds(limit).ok_or_else(|| format!("{limit} is no span"))?;
        if limit > 0 {
            wrapped.time_limit = Some(span(limit));
        }
    }
    let left: Vec<&str> = service
        .keys("Service")
        .into_iter()
        .filter(|key| !UNDERSTOOD.contains(key))
        .collect();
    if !left.is_empty() {
        wrapped
            .remarks
            .push(format!("not carried over: {}", left.join(", ")));
    }
    Ok(())
}

/// The words of a command line.
fn exec(
    text: &str,
    variables: &BTreeMap<String, String>,
    wrapped: &mut Wrapped,
    expand: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let mut text = text;
    while let Some(letter) = text.chars().next() {
        match letter {
            '-' => wrapped
                .remarks
                .push("its failures are no longer ignored".to_owned()),
            ':' => {}
            '@' | '+' | '!' | '|' => {
                return Err(format!(
                    "`{letter}` in front of a command is not known here"
                ));
            }
            _ => break,
        }
        text = text.get(1..).unwrap_or_default();
    }
    let raw = split(text).ok_or_else(|| "a quote in ExecStart= does not end".to_owned())?;
    if raw.iter().any(|(word, bare)| *bare && word == ";") {
        return Err("ExecStart= has several commands in one line".to_owned());
    }
    let mut found = Vec::new();
    for (word, _) in raw {
        let word = expand(&word)?;
        // A word that is a variable alone becomes as many words as its value has.
        if let Some(name) = word
            .strip_prefix('$')
            .filter(|name| shell::is_variable(name))
        {
            let value = variables.get(name).ok_or_else(|| unknown(name))?;
            found.extend(value.split_whitespace().map(str::to_owned));
        } else {
            found.push(substituted(&word, variables)?);
        }
    }
    if found.is_empty() {
        return Err("ExecStart= is empty".to_owned());
    }
    Ok(found)
}

fn unknown(name: &str) -> String {
    format!("it uses the variable {name}, whose value is not known here")
}

/// `${NAME}` and `$$` in a word.
fn substituted(word: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'))
        {
            out += variables.get(name).ok_or_else(|| unknown(name))?;
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out += rest;
    Ok(out)
}

/// `%h` and the like.
fn specifiers(text: &str, stem: &str, system: bool, around: &Around<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let instance = stem.split_once('@').map_or("", |(_, instance)| instance);
        match letters.next() {
            Some('%') => out.push('%'),
            Some('h') if !system => out += around.home.ok_or("the home directory is not known")?,
            Some('h') => out += "/root",
            Some('u') => out += if system { "root" } else { around.user },
            Some('i') => out += instance,
            Some('I') => out += &instance.replace('-', "/"),
            Some('n') => out.extend([stem, ".service"]),
            Some('N') => out += stem,
            Some('p') => out += stem.split('@').next().unwrap_or(stem),
            Some(other) => return Err(format!("it uses %{other}, which is not known here")),
            None => return Err("it ends with a `%`".to_owned()),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(timer: &str, service: &str) -> Job {
        let programs = [("restic".to_owned(), "restic".to_owned())];
        let around = Around {
            home: Some("/home/ada"),
            user: "ada",
            programs: &programs,
            ..Around::default()
        };
        let text = TimerText {
            unit: "backup@home-x.timer",
            timer,
            service: (!service.is_empty()).then_some(service),
            system: false,
        };
        job(text, &around)
    }

    const DAILY: &str = "[Timer]\nOnCalendar=daily\n";
    const A: &str = "[Service]\nExecStart=a\n";

    #[test]
    fn a_timer_with_everything() {
        let timer = "[Unit]\nDescription=x\n[Timer]\nOnCalendar=*-*-* 03:00\nOnCalendar=Sun 12:00\nPersistent=true\n\
                     RandomizedDelaySec=1h\nAccuracySec=1min\n[Install]\nWantedBy=timers.target\n";
        let service = "[Unit]\nWants=network-online.target\nAfter=x.service network-online.target\nConditionACPower=true\n\
                       ConditionPathIsMountPoint=/mnt/usb\nConditionHost=x\nOnFailure=mail@%n.service\n\
                       [Service]\nType=oneshot\nEnvironment=A=b \"C=d e\"\nEnvironment=R=%h/repo\n\
                       ExecStart=/usr/bin/nice -n 5 restic -r ${R} backup \\\n  --tag 'a b' %h/Docs 100%%\n\
                       Nice=10\nIOSchedulingClass=idle\nTimeoutStartSec=2h\nProtectSystem=strict\nWorkingDirectory=~\n";
        let job = read(timer, service);
        assert_eq!(job.obstacle, None);
        assert_eq!(job.name, "backup@home-x");
        assert_eq!(job.on, ["*-*-* 03:00", "Sun 12:00"]);
        assert_eq!(job.when, ["network", "mains", "mounted /mnt/usb"]);
        assert_eq!((job.catch_up, job.jitter.as_deref()), (None, Some("1h")));
        let wrapped = job.wrapped;
        assert_eq!(
            wrapped.command,
            [
                "restic",
                "-r",
                "/home/ada/repo",
                "backup",
                "--tag",
                "a b",
                "/home/ada/Docs",
                "100%"
            ]
        );
        assert_eq!(wrapped.like.as_deref(), Some("restic"));
        assert_eq!(wrapped.nice, Some(10));
        assert_eq!(wrapped.ionice.as_deref(), Some("idle"));
        assert_eq!(wrapped.time_limit.as_deref(), Some("2h"));
        assert_eq!(wrapped.directory.as_deref(), Some("/home/ada"));
        assert!(wrapped.env.contains(&("C".to_owned(), "d e".to_owned())));
        let remarks = wrapped.remarks.join("\n");
        for word in ["OnFailure", "ProtectSystem", "ConditionHost"] {
            assert!(remarks.contains(word), "{word}: {remarks}");
        }
        assert!(!remarks.contains("Type"), "{remarks}");
    }

    #[test]
    fn when_it_starts_is_said_as_rules_do() {
        for (timer, on, catch_up) in [
            ("OnCalendar=daily", &["daily"][..], Some("0s")),
            ("OnCalendar=daily\nPersistent=yes", &["daily"], None),
            (
                "OnBootSec=5min\nOnUnitActiveSec=1h 30min",
                &["every 1h 30m"],
                None,
            ),
            ("OnUnitInactiveSec=90", &["every 1m 30s"], None),
            ("OnBootSec=5min", &["logon"], None),
            (
                "OnCalendar=x\nOnCalendar=\nOnCalendar=hourly",
                &["hourly"],
                Some("0s"),
            ),
        ] {
            let job = read(&format!("[Timer]\n{timer}\n"), A);
            assert_eq!(job.obstacle, None, "{timer}");
            assert_eq!(job.on, on, "{timer}");
            assert_eq!(job.catch_up.as_deref(), catch_up, "{timer}");
        }
    }

    #[test]
    fn what_cannot_be_imported_says_why() {
        for (timer, service, why) in [
            (DAILY, "", "is not there"),
            ("[Timer]\nOnClockChange=yes\n", A, "no time"),
            ("[Timer]\nOnUnitActiveSec=x\n", A, "no span"),
            (DAILY, "[Service]\nType=oneshot\n", "starts nothing"),
            (DAILY, "[Service]\nExecStart=+a\n", "`+`"),
            (DAILY, "[Service]\nExecStart=a $X\n", "variable X"),
            (DAILY, "[Service]\nExecStart=a ${X}\n", "variable X"),
            (DAILY, "[Service]\nExecStart=a %t\n", "%t"),
            (DAILY, "[Service]\nExecStart=a \"b\n", "quote"),
            (DAILY, "[Service]\nExecStart=a\nUser=root\n", "runs as root"),
        ] {
            let found = read(timer, service).obstacle;
            assert!(
                found.as_ref().is_some_and(|text| text.contains(why)),
                "{service}: {found:?}"
            );
        }
    }

    #[test]
    fn commands_and_files_of_variables_need_a_shell() {
        let job = read(
            DAILY,
            "[Service]\nExecStartPre=-a 'b c'\nExecStart=restic x\n",
        );
        assert_eq!(
            job.wrapped.command,
            ["/bin/sh", "-c", "a 'b c' && restic x"]
        );
        assert!(job.wrapped.shell);
        let job = read(
            DAILY,
            "[Service]\nExecStart=restic x\nEnvironmentFile=-%h/env file\nEnvironmentFile=/e\n",
        );
        let script =
            "set -a; [ ! -r '/home/ada/env file' ] || . '/home/ada/env file'; . /e; exec \"$@\"";
        assert_eq!(
            job.wrapped.command,
            ["/bin/sh", "-c", script, "sh", "restic", "x"]
        );
        assert_eq!(job.wrapped.like.as_deref(), Some("restic"));
        assert!(!job.wrapped.shell);
    }

    #[test]
    fn a_text_tells_what_it_is() {
        use super::super::{Kind, kind_of};
        assert_eq!(kind_of(DAILY.as_bytes()), Kind::Timer);
        assert_eq!(kind_of(A.as_bytes()), Kind::Unit);
        assert_eq!(kind_of(b"0 3 * * * a\n"), Kind::Crontab);
        assert_eq!(started_by("a.timer", DAILY), "a.service");
        assert_eq!(
            started_by("a.timer", "[Timer]\nUnit=b.service"),
            "b.service"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(timer in "(\\[Timer\\]\n)?(On[A-Za-z]{0,8}=.{0,12}\n){0,4}", exec in ".{0,30}") {
            let _job = read(&timer, &format!("[Service]\nExecStart={exec}\n"));
        }
    }
}
