//! A mail server on the loopback, as much of one as a client needs that fetches two messages. While somebody signs in, it
//! looks whether the password can be read in the words or the environment of any process.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The password.
pub(crate) const SECRET: &str = "correct horse 42";

/// The messages: number and text.
const MESSAGES: [(u32, &str); 2] = [
    (4, "Subject: one\r\n\r\nHello\r\n"),
    (7, "Subject: two\r\n\r\nDear Ada\r\n"),
];

/// Whether something holds the password.
pub(crate) fn holds_secret(bytes: &[u8]) -> bool {
    let mut parts = bytes.windows(SECRET.len());
    parts.any(|part| part == SECRET.as_bytes())
}

#[derive(Debug, Default)]
struct Seen {
    /// Who wanted to sign in, and whether he was let in.
    logins: Vec<(String, bool)>,
    /// Files of `/proc` that held the password.
    elsewhere: Vec<String>,
}

/// The server; its threads end with the test.
#[derive(Debug)]
pub(crate) struct Server {
    at: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (at, seen) = (
            listener.local_addr().unwrap(),
            Arc::<Mutex<Seen>>::default(),
        );
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that breaks off is its own test's matter.
                drop(serve(&stream, &shared));
            }
        });
        Self { at, seen }
    }

    pub(crate) fn address(&self) -> String {
        self.at.to_string()
    }

    pub(crate) fn logins(&self) -> Vec<(String, bool)> {
        self.seen.lock().unwrap().logins.clone()
    }

    /// Where the password was seen that is not ours.
    pub(crate) fn seen_elsewhere(&self) -> Vec<String> {
        self.seen.lock().unwrap().elsewhere.clone()
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut to = stream;
    write!(to, "* OK ready\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let (tag, rest) = line.split_once(' ').unwrap_or_default();
        let mut words = rest.splitn(3, ' ');
        let (verb, first) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let rest = words.next().unwrap_or_default();
        match (verb, first) {
            ("CAPABILITY", _) => write!(to, "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")?,
            ("LOGIN", user) => {
                let taken = rest == format!("\"{SECRET}\"");
                let mut seen = seen.lock().unwrap();
                seen.logins.push((user.to_owned(), taken));
                seen.elsewhere.extend(words_and_environments());
                write!(
                    to,
                    "{tag} {}\r\n",
                    if taken { "OK done" } else { "NO it is wrong" }
                )?;
            }
            ("EXAMINE", _) => write!(to, "* 2 EXISTS\r\n{tag} OK [READ-ONLY] open\r\n")?,
            ("UID", "SEARCH") => {
                let numbers = MESSAGES.map(|(number, _)| number.to_string()).join(" ");
                write!(to, "* SEARCH {numbers}\r\n{tag} OK done\r\n")?;
            }
            ("UID", "FETCH") => {
                for (at, (number, text)) in MESSAGES.iter().enumerate() {
                    if rest.starts_with(&format!("{number} ")) {
                        let length = text.len();
                        write!(
                            to,
                            "* {} FETCH (UID {number} BODY[] {{{length}}}\r\n{text})\r\n",
                            at + 1
                        )?;
                    }
                }
                write!(to, "{tag} OK done\r\n")?;
            }
            ("LOGOUT", _) => return write!(to, "* BYE\r\n{tag} OK done\r\n"),
            _ => write!(to, "{tag} BAD what\r\n")?,
        }
    }
    Ok(())
}

/// The files below `/proc` that tell the password.
fn words_and_environments() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let files =
        processes.flat_map(|entry| ["cmdline", "environ"].map(|name| entry.path().join(name)));
    let telling = files.filter(|file| fs::read(file).is_ok_and(|bytes| holds_secret(&bytes)));
    telling.map(|file| file.display().to_string()).collect()
}
