//! Tries whether a network is usable: names are resolved, and whoever the configuration names answers.

use std::fmt;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize as _, Deserializer};
use syncmgr_core::condition::Endpoint;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::look;

/// A server of names that takes longer does not answer.
const NAMES_AT_MOST: Duration = Duration::from_secs(2);
/// A page that takes longer does not answer.
const PAGE_AT_MOST: Duration = Duration::from_secs(5);
/// So many servers of names are asked (resolv.conf(5)).
const MAX_SERVERS: usize = 3;
/// Most bytes of the configuration of names that are read.
const MAX_CONF: u64 = 1 << 20;
/// Longest probe, in bytes.
const MAX_PROBE: usize = 2_048;

/// A question for the servers of the root (RFC 1035): every server of names can say something to it.
const QUESTION: [u8; 17] = [
    0x53, 0x4d, // our number
    0x01, 0x00, // a query, recursion desired
    0, 1, 0, 0, 0, 0, 0, 0, // one question
    0, // the root
    0, 2, // NS
    0, 1, // IN
];

/// What is missing to a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Names are not resolved.
    Names(String),
    /// Who must answer does not.
    Answer(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names(text) | Self::Answer(text) => f.write_str(text),
        }
    }
}

/// Who must answer before a network counts as usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    endpoint: Endpoint,
    /// What is asked for in plain HTTP; absent: that a connection is taken is enough.
    page: Option<String>,
    /// As it was written.
    text: String,
}

impl Probe {
    /// Reads `host:port`, `http://host/path` or `https://host`.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > MAX_PROBE || text.chars().any(char::is_control) {
            return Err("it is too long, or holds what no address holds".to_owned());
        }
        let (rest, port) = if let Some(rest) = text.strip_prefix("http://") {
            (rest, 80)
        } else if let Some(rest) = text.strip_prefix("https://") {
            (rest, 443)
        } else {
            let endpoint = crate::conditions::endpoint(text)?;
            return Ok(Self {
                endpoint,
                page: None,
                text: text.to_owned(),
            });
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains(char::is_whitespace) || authority.contains('@') {
            return Err(format!("`{text}` is no plain address of a page"));
        }
        let ported = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let endpoint = if ported {
            crate::conditions::endpoint(authority)?
        } else {
            crate::conditions::endpoint(&format!("{authority}:{port}"))?
        };
        let path = path.split('#').next().unwrap_or_default();
        let page = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None => format!("/{path}"),
        };
        Ok(Self {
            endpoint,
            // What is encrypted is only seen to take a connection.
            page: (port == 80).then_some(page),
            text: text.to_owned(),
        })
    }

    async fn answers(&self) -> Result<(), String> {
        let Some(page) = &self.page else {
            return look::answers(&self.endpoint).await;
        };
        match tokio::time::timeout(PAGE_AT_MOST, fetch(&self.endpoint, page)).await {
            Ok(Ok(status @ 200..=299)) => {
                tracing::debug!(status, "the probe answers");
                Ok(())
            }
            Ok(Ok(300..=399)) => Err("it leads elsewhere, perhaps to a login page".to_owned()),
            Ok(Ok(status)) => Err(format!("its status is {status}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!(
                "nobody answers within {} s",
                PAGE_AT_MOST.as_secs()
            )),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads a probe of the configuration.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Probe>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| Probe::parse(&text).map_err(serde::de::Error::custom))
        .transpose()
}

/// The status of a page.
async fn fetch(endpoint: &Endpoint, page: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    let request = format!(
        "GET {page} HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: syncmgr\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    // `HTTP/1.1 204`
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    let status = head
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| io::Error::other("it does not speak HTTP"))
}

/// Tries the network: who must answer, or, when nobody is named, whether anybody resolves names.
///
/// # Errors
/// What is missing.
pub async fn attempt(resolv_conf: PathBuf, probe: Option<Probe>) -> Result<(), Missing> {
    let names = || Missing::Names("names are not resolved yet".to_owned());
    let Some(probe) = probe else {
        return if resolves(&resolv_conf).await {
            Ok(())
        } else {
            Err(names())
        };
    };
    let host = probe.endpoint.host.as_str();
    if host.parse::<IpAddr>().is_err() {
        let asked = tokio::net::lookup_host((host, probe.endpoint.port));
        match tokio::time::timeout(PAGE_AT_MOST, asked).await {
            Ok(Ok(_)) => {}
            // Whoever must answer must be found, however long that takes.
            Ok(Err(_)) | Err(_) => return Err(Missing::Answer(names().to_string())),
        }
    }
    probe
        .answers()
        .await
        .map_err(|why| Missing::Answer(format!("{probe} does not answer yet: {why}")))
}

/// Whether one of the servers of names says anything. Where the system does not tell which they are, nobody can ask them.
async fn resolves(resolv_conf: &Path) -> bool {
    let Ok(text) = text(resolv_conf) else {
        return true;
    };
    let servers: Vec<SocketAddr> = servers(&text);
    if servers.is_empty() {
        return true;
    }
    for server in servers {
        match tokio::time::timeout(NAMES_AT_MOST, ask(server)).await {
            Ok(Ok(true)) => return true,
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => tracing::debug!(%server, %error, "a server of names was not asked"),
        }
    }
    false
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_CONF)
        .read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The servers of a `resolv.conf`, as far as they are plain addresses.
fn servers(text: &str) -> Vec<SocketAddr> {
    const PORT: u16 = 53;
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_ascii_whitespace().next()?.parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, PORT))
        .take(MAX_SERVERS)
        .collect()
}

/// Asks one server; false when it says that it cannot answer now.
async fn ask(server: SocketAddr) -> io::Result<bool> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(&QUESTION).await?;
    let mut answer = [0; 512];
    loop {
        let length = socket.recv(&mut answer).await?;
        if let Some(well) = says_something(answer.get(..length).unwrap_or_default()) {
            return Ok(well);
        }
    }
}

/// Whether an answer is one to our question, and says anything but that the server is in trouble.
fn says_something(answer: &[u8]) -> Option<bool> {
    const RESPONSE: u8 = 0x80;
    const SERVFAIL: u8 = 2;
    let head = answer.get(..12)?;
    if !head.starts_with(QUESTION.get(..2)?) || head.get(2)? & RESPONSE == 0 {
        return None;
    }
    Some(head.get(3)? & 0x0f != SERVFAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_in_words() {
        let read =
            |text: &str| Probe::parse(text).map(|probe| (probe.endpoint.to_string(), probe.page));
        let page =
            |endpoint: &str, page: Option<&str>| Ok((endpoint.to_owned(), page.map(str::to_owned)));
        assert_eq!(read("nas:22"), page("nas:22", None));
        assert_eq!(read("http://a.example"), page("a.example:80", Some("/")));
        assert_eq!(
            read("http://a.example:8080/x?y#z"),
            page("a.example:8080", Some("/x?y"))
        );
        assert_eq!(read("https://[::1]/x"), page("[::1]:443", None));
        for wrong in [
            "",
            "nas",
            "ftp://nas",
            "http://u@nas/",
            "http:///x",
            "http://nas/a b",
        ] {
            assert!(Probe::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Probe::parse(&"a".repeat(3_000)).is_err());
    }

    #[test]
    fn servers_of_names() {
        let text = "# nameserver 192.0.2.9\nnameserver 192.0.2.1\n nameserver ::1 # x\nnameserver fe80::1%eth0\n\
            nameserver 192.0.2.2\nnameserver 192.0.2.3\nsearch home\n";
        let found: Vec<String> = servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[::1]:53", "192.0.2.2:53"]);
    }

    #[test]
    fn answers_of_servers() {
        let answer = |flags: u8, code: u8| [0x53, 0x4d, flags, code, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(says_something(&answer(0x81, 0x80)), Some(true));
        assert_eq!(
            says_something(&answer(0x81, 0x85)),
            Some(true),
            "it refuses, and lives"
        );
        assert_eq!(says_something(&answer(0x81, 0x82)), Some(false));
        assert_eq!(says_something(&answer(0x01, 0x00)), None, "an echo");
        assert_eq!(says_something(&[0x53, 0x4d]), None);
        assert_eq!(says_something(&[0; 12]), None);
    }

    #[tokio::test]
    async fn a_page_must_be_there_and_not_lead_elsewhere() {
        let serve = async |status: &'static str| {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let probe = Probe::parse(&format!("http://127.0.0.1:{port}/check")).unwrap();
            let server = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 256];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /check HTTP/1.1\r\n"));
                stream.write_all(status.as_bytes()).await.unwrap();
            };
            let attempted = attempt("/nowhere".into(), Some(probe));
            futures::join!(server, attempted).1
        };
        assert_eq!(serve("HTTP/1.1 204 No Content\r\n\r\n").await, Ok(()));
        for (status, part) in [
            ("HTTP/1.1 302 Found\r\n\r\n", "login page"),
            ("HTTP/1.1 503 Busy\r\n\r\n", "503"),
            ("SSH-2.0-OpenSSH_9\r\n", "HTTP"),
            ("", "does not answer yet"),
        ] {
            let why = serve(status).await.unwrap_err().to_string();
            assert!(why.contains(part), "{status}: {why}");
        }
    }

    #[tokio::test]
    async fn names_that_are_not_resolved_are_said_so() {
        let probe = Probe::parse("nothing.invalid:22").unwrap();
        let missing = attempt("/nowhere".into(), Some(probe)).await.unwrap_err();
        assert_eq!(
            missing,
            Missing::Answer("names are not resolved yet".into())
        );
        // Where nobody says who resolves names, nobody can ask.
        assert_eq!(attempt("/nowhere".into(), None).await, Ok(()));
    }
}
