//! Connections to a daemon that follow its changes: over the socket and through the loopback door, as events and as lines.

use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::super::home::Home;
use crate::run;

/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// Where a daemon is reached.
#[derive(Debug)]
pub(super) struct Places {
    socket: PathBuf,
    /// Of the loopback door.
    address: String,
    token: String,
}

impl Places {
    /// Has the door opened, and learns where it is.
    pub(super) fn of(home: &Home<'_>) -> Result<Self> {
        let said = run::output(&mut home.command(&["center", "--print", "--json"]))?;
        let line = said.split(|byte| *byte == b'\n').next();
        let said: serde_json::Value = serde_json::from_slice(line.unwrap_or_default())?;
        let text = |name: &str| said[name].as_str().with_context(|| format!("no {name}"));
        let address = text("page")?
            .trim_start_matches("http://")
            .trim_end_matches('/');
        Ok(Self {
            socket: home.socket(),
            address: address.to_owned(),
            token: std::fs::read_to_string(Path::new(text("tokenFile")?))?,
        })
    }

    /// Sends a request that only looks, by one of the ways, and answers the connection on which its answer comes.
    pub(super) fn get(&self, way: Way, path: &str, more: &str) -> Result<Connection> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{more}\r\n",
            self.address, self.token
        );
        let mut connection = match way {
            Way::Socket => Connection::Local(UnixStream::connect(&self.socket)?),
            Way::Door => Connection::Loopback(TcpStream::connect(&self.address)?),
        };
        connection.write(head.as_bytes())?;
        Ok(connection)
    }

    /// Follows the changes.
    pub(super) fn follow(&self, way: Way, form: Form) -> Result<Connection> {
        let accept = match form {
            Form::Events => "accept: text/event-stream\r\n",
            Form::Lines => "",
        };
        self.get(way, "/v1/changes", accept)
    }
}

/// By which way a daemon is reached.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Socket,
    Door,
}

/// The form of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Events,
    Lines,
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Connection {
    Local(UnixStream),
    Loopback(TcpStream),
}

impl Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.write_all(bytes),
            Self::Loopback(stream) => stream.write_all(bytes),
        }
    }

    fn again(&self) -> io::Result<Self> {
        match self {
            Self::Local(stream) => stream.try_clone().map(Self::Local),
            Self::Loopback(stream) => stream.try_clone().map(Self::Loopback),
        }
    }

    fn end(&self) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.shutdown(Shutdown::Both),
            Self::Loopback(stream) => stream.shutdown(Shutdown::Both),
        }
    }

    /// How long to wait for anything.
    pub(super) fn limit(&self, time: Duration) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.set_read_timeout(Some(time)),
            Self::Loopback(stream) => stream.set_read_timeout(Some(time)),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(stream) => stream.read(buffer),
            Self::Loopback(stream) => stream.read(buffer),
        }
    }
}

/// Somebody who follows and reads at once whatever comes.
#[derive(Debug)]
pub(super) struct Follower {
    end: Connection,
    bytes: Arc<AtomicU64>,
    reading: Option<JoinHandle<()>>,
}

impl Follower {
    /// Begins to follow; it is so once its stream has begun.
    pub(super) fn begin(places: &Places, way: Way, form: Form) -> Result<Self> {
        let mut connection = places.follow(way, form)?;
        let mut first = [0; 4096];
        let length = connection.read(&mut first)?;
        if !first[..length].starts_with(b"HTTP/1.1 200") {
            bail!(
                "not followed: {}",
                String::from_utf8_lossy(&first[..length])
            );
        }
        let end = connection.again()?;
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        let reading = std::thread::spawn(move || {
            let mut chunk = vec![0; CHUNK];
            while let Ok(length @ 1..) = connection.read(&mut chunk) {
                counted.fetch_add(length as u64, Ordering::Relaxed);
            }
        });
        Ok(Self {
            end,
            bytes,
            reading: Some(reading),
        })
    }

    /// What it was told so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The daemon ended it, or it ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.reading.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // What is already over needs no end.
        drop(self.end.end());
        if let Some(reading) = self.reading.take() {
            drop(reading.join());
        }
    }
}
