//! What a service consists of on one system: its files, and what is called to begin, end and look at it.

use std::path::PathBuf;

/// Digits of the digest that tells the services of several homes apart.
const HOME_DIGITS: usize = 8;

/// What is written and called. Commands are words; an empty one stands for nothing to call.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What the system calls the service.
    pub(super) name: String,
    /// The system, for people.
    pub(super) system: &'static str,
    /// What is written, and where.
    pub(super) files: Vec<(PathBuf, String)>,
    /// The files are UTF-16 with a mark of it in front, else UTF-8.
    pub(super) wide: bool,
    /// Ends well when the system can be asked.
    pub(super) reachable: Vec<String>,
    /// Have it started, now and every time.
    pub(super) begin: Vec<Vec<String>>,
    /// Has it run what was written anew.
    pub(super) restart: Option<Vec<String>>,
    /// Have it ended, and no longer started.
    pub(super) end: Vec<Vec<String>>,
    /// After the files were removed.
    pub(super) afterwards: Vec<Vec<String>>,
    /// Ends well when the system starts it by itself.
    pub(super) enabled: Vec<String>,
    /// Ends well when it runs.
    pub(super) running: Vec<String>,
    /// Ends well when the system listens on the home's socket and begins it with the first client.
    pub(super) listening: Vec<String>,
    /// Has it run while nobody is logged on.
    pub(super) linger: Option<Vec<String>>,
}

/// What is known of the machine and of its user.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The program itself.
    pub(crate) program: PathBuf,
    /// `SYNCMGR_HOME`, absolute, when it is set.
    pub(crate) syncmgr_home: Option<String>,
    /// `SYNCMGR_COMHOST`, when it is set.
    pub(crate) comhost: Option<String>,
    /// The control socket of the home.
    pub(crate) socket: PathBuf,
    /// Where the home keeps its state.
    pub(crate) state_dir: PathBuf,
    /// The user's home directory.
    pub(crate) home: PathBuf,
    /// Where the user keeps configuration (`XDG_CONFIG_HOME`).
    pub(crate) config_dir: PathBuf,
    /// The user's name.
    pub(crate) user: String,
    /// The user's number, where users have one.
    pub(crate) user_id: u32,
}

impl Surroundings {
    /// What the service is called: each home but the usual one has its own.
    pub(super) fn name(&self) -> String {
        match &self.syncmgr_home {
            None => "syncmgr".to_owned(),
            Some(home) => {
                let mut digest = blake3::hash(home.as_bytes()).to_hex().to_string();
                digest.truncate(HOME_DIGITS);
                format!("syncmgr-{digest}")
            }
        }
    }

    /// What of the environment the daemon must be given.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let named = [
            ("SYNCMGR_HOME", &self.syncmgr_home),
            ("SYNCMGR_COMHOST", &self.comhost),
        ];
        named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

/// A command written in a line, none of whose words has a blank.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A command as a person types it.
pub(super) fn typed(command: &[String]) -> String {
    let plain = |word: &String| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "-_./\\:=@".contains(c))
    };
    let words = command.iter().map(|word| {
        if plain(word) {
            word.clone()
        } else if cfg!(windows) {
            format!("\"{word}\"")
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text within XML.
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
impl Surroundings {
    /// The usual home of somebody.
    pub(super) fn example() -> Self {
        Self {
            program: "/usr/bin/syncmgr".into(),
            syncmgr_home: None,
            comhost: None,
            socket: "/home/ada/.local/state/syncmgr/run/control.sock".into(),
            state_dir: "/home/ada/.local/state/syncmgr".into(),
            home: "/home/ada".into(),
            config_dir: "/home/ada/.config".into(),
            user: "ada".into(),
            user_id: 1000,
        }
    }

    /// A home whose every name is hostile.
    pub(super) fn odd_example() -> Self {
        Self {
            program: "/opt/100% \"$x\" & <co>/syncmgr".into(),
            syncmgr_home: Some("/mnt/my % \"home\"".into()),
            comhost: Some("/opt/comhost".into()),
            socket: "/mnt/my % \"home\"/run/control.sock".into(),
            state_dir: "/mnt/my % \"home\"/state".into(),
            user: "desk\\ada & <co>".into(),
            ..Self::example()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed() {
        let command = ["launchctl", "bootstrap", "/a b/it's"].map(str::to_owned);
        let wanted = if cfg!(windows) {
            "launchctl bootstrap \"/a b/it's\""
        } else {
            r"launchctl bootstrap '/a b/it'\''s'"
        };
        assert_eq!(typed(&command), wanted);
    }
}
