//! `syncmgr service`: writes what the system starts the daemon by, and has the system's tools take it in. What is written
//! is decided by pure functions, one module a system; this one acts.

mod launchd;
mod logon_task;
mod mark;
mod plan;
mod systemd;
mod tool;

use std::path::Path;

use syncmgr_cli::{ServiceAction, ServiceFile, ServiceFileState, ServiceReport, ServiceWish};
use syncmgr_control::Refusal;

pub(crate) use self::plan::Surroundings;
use self::plan::{Plan, typed};
use self::tool::Tools;

/// Most of a file that is read to see whose it is.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Where systemd keeps who lingers.
const LINGERS: &str = "/var/lib/systemd/linger";

/// Does what somebody wants of the service.
///
/// # Errors
/// `service::foreign-file` when a file is not ours, `service::unwritable`, `service::path`.
pub(crate) fn service(wish: ServiceWish, around: &Surroundings) -> Result<ServiceReport, Refusal> {
    let plan = if cfg!(windows) {
        logon_task::plan(around)
    } else if cfg!(target_os = "macos") {
        launchd::plan(around)
    } else {
        systemd::plan(around)
    };
    let odd = |text: &str| text.chars().any(char::is_control);
    let files = plan.files.iter();
    if odd(&around.program.to_string_lossy())
        || around.variables().iter().any(|(_, value)| odd(value))
        || files
            .map(|(path, _)| path.to_string_lossy())
            .any(|path| odd(&path))
    {
        return Err(Refusal::new(
            "service::path",
            "a path has control characters, which no service can be given",
            "keep the program and SYNCMGR_HOME in directories with ordinary names",
        ));
    }
    let tools = Tools::new()?;
    match wish.action {
        ServiceAction::Install if wish.print => Ok(printed(&plan, wish)),
        ServiceAction::Install => install(&plan, wish, around, &tools),
        ServiceAction::Uninstall => uninstall(&plan, wish, around, &tools),
        ServiceAction::Status => Ok(status(&plan, around, &tools)),
    }
}

fn printed(plan: &Plan, wish: ServiceWish) -> ServiceReport {
    let linger = plan.linger.iter().filter(|_| wish.linger);
    ServiceReport {
        to_type: plan
            .begin
            .iter()
            .chain(linger)
            .map(|command| typed(command))
            .collect(),
        ..blank(plan)
    }
}

/// What is known without asking anybody.
fn blank(plan: &Plan) -> ServiceReport {
    let files = plan.files.iter().map(|(path, text)| ServiceFile {
        path: path.clone(),
        text: text.clone(),
        state: found(path, text, plan.wide),
        changed: false,
    });
    ServiceReport {
        name: plan.name.clone(),
        system: plan.system,
        files: files.collect(),
        enabled: None,
        running: None,
        linger: None,
        other_daemon: false,
        unreachable: None,
        to_type: Vec::new(),
        notes: Vec::new(),
    }
}

fn status(plan: &Plan, around: &Surroundings, tools: &Tools) -> ServiceReport {
    let mut report = blank(plan);
    ask(plan, around, tools, &mut report);
    for file in &report.files {
        let what = match file.state {
            ServiceFileState::Outdated => "was written for another place, program or version",
            ServiceFileState::Edited => "was changed since it was written",
            ServiceFileState::Foreign => "was not written by syncmgr",
            ServiceFileState::Missing | ServiceFileState::Current => continue,
        };
        report.notes.push(format!(
            "{} {what}; `syncmgr service install{}` writes it anew",
            file.path.display(),
            if file.state == ServiceFileState::Outdated {
                ""
            } else {
                " --force"
            }
        ));
    }
    report
}

/// Asks the system how the service stands.
fn ask(plan: &Plan, around: &Surroundings, tools: &Tools, report: &mut ServiceReport) {
    let installed = report
        .files
        .iter()
        .all(|file| file.state != ServiceFileState::Missing);
    if let Err(because) = tools.call(&plan.reachable) {
        report.unreachable = Some(because);
        report.notes.push(by_hand(plan, around));
    } else {
        report.enabled = Some(tools.call(&plan.enabled).is_ok());
        report.running = Some(if plan.running.is_empty() {
            tools.answers(&around.socket)
        } else {
            tools.call(&plan.running).is_ok()
        });
    }
    // Where the system listens for the service, whoever asks would begin it.
    let listens = installed && report.unreachable.is_none() && !plan.listening.is_empty();
    if report.running != Some(true) && !(listens && tools.call(&plan.listening).is_ok()) {
        report.other_daemon = tools.answers(&around.socket);
    }
    if report.other_daemon {
        report.notes.push(
            "A daemon that is not this service runs already, started by hand or by something else. End it before the service \
             starts: two cannot manage one home."
                .to_owned(),
        );
    }
    if plan.linger.is_some() && Path::new(LINGERS).is_dir() {
        let lingers = Path::new(LINGERS).join(&around.user).exists();
        report.linger = Some(lingers);
        if !lingers {
            report.notes.push(
                "It ends with your last session. `loginctl enable-linger` keeps it running while nobody is logged on, from \
                 when the machine starts; `loginctl disable-linger` takes that back."
                    .to_owned(),
            );
        }
    }
}

/// How the daemon is started where no system does it.
fn by_hand(plan: &Plan, around: &Surroundings) -> String {
    let variables = around.variables();
    let mut command: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !command.is_empty() {
        command.insert(0, "env".to_owned());
    }
    command.extend([around.program.display().to_string(), "daemon".to_owned()]);
    let daemon = if cfg!(windows) {
        typed(
            command
                .get(command.len().saturating_sub(2)..)
                .unwrap_or_default(),
        )
    } else {
        typed(&command)
    };
    let system = plan.system;
    if cfg!(unix) {
        format!(
            "Where there is no {system}, run `syncmgr daemon` yourself: `{daemon}` in a terminal; \
             `setsid {daemon} >/dev/null 2>&1 &` in the background; or the line `@reboot {daemon}` in `crontab -e`, which \
             starts it with the machine."
        )
    } else {
        format!(
            "Where there is no {system}, run `syncmgr daemon` yourself: `{daemon}` in a terminal."
        )
    }
}

fn install(
    plan: &Plan,
    wish: ServiceWish,
    around: &Surroundings,
    tools: &Tools,
) -> Result<ServiceReport, Refusal> {
    let before = blank(plan);
    if !wish.force {
        refuse_foreign(&before, "install")?;
    }
    let mut changed = Vec::new();
    for file in &before.files {
        let write = file.state != ServiceFileState::Current;
        if write {
            put(&file.path, &encoded(&file.text, plan.wide))
                .map_err(|cause| unwritable(&file.path).because(&cause))?;
        }
        changed.push(write);
    }
    let replaced = before.files.iter().any(|file| {
        !matches!(
            file.state,
            ServiceFileState::Missing | ServiceFileState::Current
        )
    });
    let mut to_type = Vec::new();
    let unreachable = tools.call(&plan.reachable).err();
    for command in &plan.begin {
        // What failed once would be built upon by the rest.
        if unreachable.is_some() || !to_type.is_empty() {
            to_type.push(typed(command));
        } else if let Err(because) = tools.call(command) {
            to_type.push(typed(command));
            tracing::warn!(because, "the service could not be begun");
            to_type_because(&mut to_type, &because);
        }
    }
    if replaced
        && let Some(restart) = &plan.restart
        && to_type.is_empty()
        && tools.call(&plan.running).is_ok()
        && let Err(because) = tools.call(restart)
    {
        to_type.push(typed(restart));
        to_type_because(&mut to_type, &because);
    }
    if wish.linger
        && let Some(linger) = &plan.linger
        && let Err(because) = tools.call(linger)
    {
        to_type.push(typed(linger));
        to_type_because(&mut to_type, &because);
    }
    let mut report = blank(plan);
    for (file, changed) in report.files.iter_mut().zip(changed) {
        file.changed = changed;
    }
    ask(plan, around, tools, &mut report);
    report.to_type = to_type;
    Ok(report)
}

/// Says behind a command why it could not be called.
fn to_type_because(to_type: &mut [String], because: &str) {
    if let Some(last) = to_type.last_mut() {
        let line = because.lines().next().unwrap_or_default();
        *last = format!("{last}    # {line}");
    }
}

fn uninstall(
    plan: &Plan,
    wish: ServiceWish,
    around: &Surroundings,
    tools: &Tools,
) -> Result<ServiceReport, Refusal> {
    let before = blank(plan);
    if !wish.force {
        refuse_foreign(&before, "uninstall")?;
    }
    let there = |file: &ServiceFile| file.state != ServiceFileState::Missing;
    let mut to_type = Vec::new();
    let mut report = before.clone();
    if !before.files.iter().any(there) {
        ask(plan, around, tools, &mut report);
        report.notes.clear();
        return Ok(report);
    }
    let reachable = tools.call(&plan.reachable).is_ok();
    let mut call = |command: &Vec<String>| {
        if !reachable {
            to_type.push(typed(command));
        } else if let Err(because) = tools.call(command) {
            to_type.push(typed(command));
            to_type_because(&mut to_type, &because);
        }
    };
    // One that does not run cannot be ended; whatever is left of it is told by the next look.
    plan.end.iter().for_each(&mut call);
    for file in before.files.iter().filter(|file| there(file)) {
        std::fs::remove_file(&file.path).map_err(|cause| unwritable(&file.path).because(&cause))?;
    }
    plan.afterwards.iter().for_each(&mut call);
    report = blank(plan);
    for (file, before) in report.files.iter_mut().zip(&before.files) {
        file.changed = there(before);
    }
    ask(plan, around, tools, &mut report);
    report.notes.clear();
    if report.linger == Some(true) {
        report.notes.push(
            "Lingering is left as it is, as other services may need it; `loginctl disable-linger` ends it.".to_owned(),
        );
    }
    report.to_type = to_type;
    Ok(report)
}

fn refuse_foreign(report: &ServiceReport, action: &str) -> Result<(), Refusal> {
    for file in &report.files {
        let what = match file.state {
            ServiceFileState::Edited => "was changed since syncmgr wrote it",
            ServiceFileState::Foreign => "was not written by syncmgr",
            ServiceFileState::Missing | ServiceFileState::Current | ServiceFileState::Outdated => {
                continue;
            }
        };
        return Err(Refusal::new(
            "service::foreign-file",
            format!("{} {what}", file.path.display()),
            format!(
                "look at it; `syncmgr service {action} --force` does it all the same, and what stands in it is lost"
            ),
        ));
    }
    Ok(())
}

/// How the file that is there stands to what would be written.
fn found(path: &Path, wanted: &str, wide: bool) -> ServiceFileState {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => decoded(&bytes, wide)
            .map_or(ServiceFileState::Foreign, |text| mark::state(&text, wanted)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => ServiceFileState::Missing,
        Err(_) => ServiceFileState::Foreign,
    }
}

/// Writes a file that is wholly there or not at all.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    std::fs::write(&draft, bytes)?;
    std::fs::rename(&draft, path)
}

fn encoded(text: &str, wide: bool) -> Vec<u8> {
    if !wide {
        return text.as_bytes().to_vec();
    }
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn decoded(bytes: &[u8], wide: bool) -> Option<String> {
    if !wide {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(units.strip_prefix(&[0xFEFF])?).ok()
}

fn unwritable(path: &Path) -> Refusal {
    Refusal::new(
        "service::unwritable",
        format!("{} cannot be written or removed", path.display()),
        "check the permissions and the free space there; `syncmgr service install --print` shows what belongs there",
    )
}

#[cfg(test)]
mod parsed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_texts_come_back() {
        for text in ["", "a\u{1F600}\n"] {
            for wide in [false, true] {
                assert_eq!(decoded(&encoded(text, wide), wide).as_deref(), Some(text));
            }
        }
        assert_eq!(decoded(b"plain", true), None);
        assert_eq!(decoded(&[0xFF], false), None);
    }
}
