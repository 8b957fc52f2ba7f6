//! Starting the person's browser.

use std::ffi::OsString;
use std::process::Stdio;

/// What starts it, where there is a desktop to start it at.
pub(crate) fn starter(variable: impl Fn(&str) -> Option<OsString>) -> Option<fn(&str) -> bool> {
    let here = cfg!(any(windows, target_os = "macos"))
        || variable("DISPLAY").is_some()
        || variable("WAYLAND_DISPLAY").is_some();
    // Whoever came over the network sits before another screen.
    let elsewhere = variable("SSH_CONNECTION").is_some();
    (here && !elsewhere).then_some(start as fn(&str) -> bool)
}

/// Starts it at an address; whether that could be begun.
fn start(address: &str) -> bool {
    let (program, words): (&str, &[&str]) = if cfg!(windows) {
        ("rundll32.exe", &["url.dll,FileProtocolHandler"])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the desktop's own way to start a browser is called here and nowhere else; it is no handler"
    )]
    let mut command = std::process::Command::new(program);
    command.args(words).arg(address);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // It goes on by itself; nobody waits for it.
    command.spawn().is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_started_where_somebody_sees_it() {
        for (set, there) in [
            (&[][..], false),
            (&["DISPLAY"], true),
            (&["WAYLAND_DISPLAY"], true),
            (&["DISPLAY", "SSH_CONNECTION"], false),
        ] {
            let variable = |name: &str| set.contains(&name).then(|| OsString::from("x"));
            assert_eq!(starter(variable).is_some(), there, "{set:?}");
        }
    }
}
