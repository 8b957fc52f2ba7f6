//! The Windows logon task, as text (the XML schema of the Task Scheduler, version 1.2).

use super::mark::mark;
use super::plan::{Plan, Surroundings, words, xml};

/// What is to be written and called.
pub(super) fn plan(around: &Surroundings) -> Plan {
    let name = around.name();
    let path = around.state_dir.join(format!("{name}-task.xml"));
    let of = |rest: &str| {
        let mut command = words("schtasks.exe");
        command.extend(words(rest));
        command.extend(["/TN".to_owned(), name.clone()]);
        command
    };
    let mut create = of("/Create /F");
    create.extend(["/XML".to_owned(), path.display().to_string()]);
    Plan {
        system: "the Task Scheduler",
        files: vec![(path, task(around))],
        wide: true,
        reachable: words("schtasks.exe /Query /FO CSV /NH"),
        begin: vec![create, of("/Run")],
        restart: None,
        end: vec![of("/End"), of("/Delete /F")],
        afterwards: Vec::new(),
        enabled: of("/Query"),
        // The scheduler tells in the language of the system whether it runs; whether somebody answers for the home is asked instead.
        running: Vec::new(),
        listening: Vec::new(),
        linger: None,
        name,
    }
}

fn task(around: &Surroundings) -> String {
    let program = around.program.display().to_string();
    // A program of the console is otherwise given a window that stays. `conhost --headless` gives it none.
    let mut arguments = format!("--headless \"{program}\" daemon");
    let variables: String = around
        .variables()
        .iter()
        .map(|(name, value)| format!("set \"{name}={value}\"&& "))
        .collect();
    if !variables.is_empty() {
        arguments = format!("--headless cmd.exe /d /s /c \"{variables}\"{program}\" daemon\"");
    }
    let user = xml(&around.user);
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
@<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Synchronization manager</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%SystemRoot%\System32\conhost.exe</Command>
      <Arguments>{}</Arguments>
    </Exec>
  </Actions>
</Task>
"#,
        xml(&arguments)
    );
    mark(&text, "@", ("<!-- ", " -->"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task() {
        let text = |around: &Surroundings| plan(around).files.remove(0).1;
        insta::assert_snapshot!("task-plain", text(&Surroundings::example()));
        insta::assert_snapshot!("task-odd", text(&Surroundings::odd_example()));
    }
}
