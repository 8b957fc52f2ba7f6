//! The launchd agent, as text (launchd.plist(5)).

use super::mark::mark;
use super::plan::{Plan, Surroundings, words, xml};

/// What is to be written and called.
pub(super) fn plan(around: &Surroundings) -> Plan {
    let label = format!("org.syncmgr.{}", around.name());
    let path = around
        .home
        .join("Library/LaunchAgents")
        .join(format!("{label}.plist"));
    let domain = format!("gui/{}", around.user_id);
    let mut begin = words(&format!("launchctl bootstrap {domain}"));
    begin.push(path.display().to_string());
    Plan {
        system: "launchd",
        files: vec![(path, agent(around, &label))],
        wide: false,
        reachable: words(&format!("launchctl print {domain}")),
        begin: vec![begin],
        restart: Some(words(&format!("launchctl kickstart -k {domain}/{label}"))),
        end: vec![words(&format!("launchctl bootout {domain}/{label}"))],
        afterwards: Vec::new(),
        enabled: words(&format!("launchctl print {domain}/{label}")),
        running: words(&format!("launchctl print {domain}/{label}")),
        listening: Vec::new(),
        linger: None,
        name: label,
    }
}

fn agent(around: &Surroundings, label: &str) -> String {
    let program = xml(&around.program.display().to_string());
    let mut environment: String = around
        .variables()
        .iter()
        .map(|(name, value)| format!("    <key>{name}</key><string>{}</string>\n", xml(value)))
        .collect();
    if !environment.is_empty() {
        environment =
            format!("  <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n");
    }
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
@<plist version="1.0">
<dict>
  <key>Label</key><string>{label}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{program}</string>
    <string>daemon</string>
  </array>
{environment}  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key><false/>
  </dict>
  <key>ProcessType</key><string>Background</string>
  <key>ExitTimeOut</key><integer>90</integer>
</dict>
</plist>
"#
    );
    mark(&text, "@", ("<!-- ", " -->"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent() {
        let text = |around: &Surroundings| plan(around).files.remove(0).1;
        insta::assert_snapshot!("launchd-plain", text(&Surroundings::example()));
        insta::assert_snapshot!("launchd-odd", text(&Surroundings::odd_example()));
    }
}
