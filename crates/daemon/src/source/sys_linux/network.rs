//! The network: by NetworkManager, and where that does not run or makes no sense, by the routes of the kernel.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use syncmgr_core::condition::Fact;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, mpsc, watch};
use zbus::Connection;

use super::bus::{FollowError, NETWORK_MANAGER, Service, View, follow};
use super::network_manager;
use super::sys_ready::awaitable;
use crate::source::{Happening, Machine, Reporter, Source, Subject, Wanted, route};

/// Changes within this are looked at once.
const SETTLE: Duration = Duration::from_millis(200);
/// Connections that close while earlier ones are told; more are told without a name.
const MAX_LEAVING: usize = 64;
/// Most bytes of a file of the kernel or of the system that are read.
const MAX_FILE: u64 = 4 << 20;

/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE` (rtnetlink(7)).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// `NETLINK_ROUTE` is the family's protocol of number 0.
const NETLINK_ROUTE: Option<rustix::net::Protocol> = None;

/// The source.
#[derive(Debug)]
pub(super) struct Network {
    view: watch::Receiver<View>,
    net: PathBuf,
    resolv_conf: PathBuf,
}

impl Network {
    pub(super) fn new(view: watch::Receiver<View>, machine: &Machine) -> Self {
        Self {
            view,
            net: machine.net.clone(),
            resolv_conf: machine.resolv_conf.clone(),
        }
    }
}

impl Source for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Network]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        let watch = Watch {
            report,
            net: self.net,
            resolv_conf: self.resolv_conf,
        };
        Box::pin(follow(watch, self.view))
    }
}

struct Watch {
    report: Reporter,
    net: PathBuf,
    resolv_conf: PathBuf,
}

impl Service for Watch {
    const NAME: &'static str = NETWORK_MANAGER;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.manager(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("NetworkManager: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        let error = match self.routes(because).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        let because = format!("{because}; and the routes cannot be watched: {error}");
        self.report.unavailable(Subject::Network, &because).await;
        std::future::pending().await
    }
}

impl Watch {
    /// Follows NetworkManager.
    async fn manager(
        &self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let mut signals = network_manager::signals(connection, owner).await?;
        let changed = Notify::new();
        let (sender, mut leaving) = mpsc::channel(MAX_LEAVING);
        let listen = async {
            loop {
                let message = signals.next().await?;
                if let Some(path) = network_manager::leaving(&message)
                    && sender.try_send(path).is_err()
                {
                    tracing::debug!("more connections close at once than are told");
                }
                changed.notify_one();
            }
        };
        let work = async {
            let mut before = network_manager::read(connection, owner).await?;
            self.report
                .watching(Subject::Network, "NetworkManager")
                .await;
            self.report.fact(before.fact.clone()).await;
            loop {
                tokio::select! {
                    biased;
                    Some(path) = leaving.recv() => {
                        let name = before.up.get(&path).cloned();
                        self.report.happened(Happening::NetworkLeaving { name }).await;
                        continue;
                    }
                    () = changed.notified() => {}
                }
                tokio::time::sleep(SETTLE).await;
                let now = network_manager::read(connection, owner).await?;
                if now.fact != before.fact {
                    self.report.fact(now.fact.clone()).await;
                }
                for name in appeared(&before.up, &now.up) {
                    self.report
                        .happened(Happening::NetworkConnected { name })
                        .await;
                }
                before = now;
            }
        };
        tokio::select! {
            outcome = listen => outcome,
            outcome = work => outcome,
        }
    }

    /// Follows the routes of the kernel and the configuration of names.
    async fn routes(&self, because: &str) -> io::Result<Infallible> {
        let socket = awaitable(route_changes()?, Interest::READABLE)?;
        // Without it, a change of the configuration of names is only seen with the next change of a route.
        let names = Names::watch(&self.resolv_conf)
            .inspect_err(
                |error| tracing::warn!(%error, "the configuration of names is not watched"),
            )
            .ok();
        let by = format!("the routes of the system, without cost and names of networks: {because}");
        let mut before = None;
        loop {
            let usable = self.is_usable()?;
            self.report.watching(Subject::Network, &by).await;
            if before != Some(usable) {
                let because = because.to_owned();
                self.report.fact(Fact::Route { usable, because }).await;
                if usable && before.is_some() {
                    let name = String::new();
                    self.report
                        .happened(Happening::NetworkConnected { name })
                        .await;
                }
                before = Some(usable);
            }
            let names_changed = async {
                match &names {
                    Some(names) => names.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ready = socket.readable() => {
                    drain(socket.get_ref());
                    ready?.clear_ready();
                }
                changed = names_changed => changed?,
            }
            tokio::time::sleep(SETTLE).await;
        }
    }

    fn is_usable(&self) -> io::Result<bool> {
        let route = text(&self.net.join("route"))?;
        // A system without version 6 has no such file.
        let route_v6 = text(&self.net.join("ipv6_route")).unwrap_or_default();
        let names = text(&self.resolv_conf).unwrap_or_default();
        Ok(
            (route::leads_out(&route) || route::leads_out_v6(&route_v6))
                && route::has_names(&names),
        )
    }
}

fn appeared(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let new = now.iter().filter(|(path, _)| !before.contains_key(*path));
    new.map(|(_, name)| name.clone()).collect()
}

/// A socket that becomes readable when a link, an address or a route changes.
fn route_changes() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        NETLINK_ROUTE,
    )?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

/// Takes what waits in the socket: that something changed is enough, what is read from the tables. An overflow is a change.
fn drain(socket: &OwnedFd) {
    /// Messages taken at once; more wake us again.
    const MOST: usize = 1_024;
    let mut buffer = [0; 8 * 1024];
    for _ in 0..MOST {
        match rustix::net::recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, 1..)) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => break,
        }
    }
}

/// The configuration of names, as it changes.
#[derive(Debug)]
struct Names {
    changes: AsyncFd<OwnedFd>,
    /// The names that it has in the directories that are watched.
    names: Vec<OsString>,
}

impl Names {
    /// Watches the file and the one that it links to, by the directories that they are in, as both are replaced and not
    /// written. Only what changes is asked for: others read files there all the time.
    fn watch(resolv_conf: &Path) -> io::Result<Self> {
        let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut files = vec![resolv_conf.to_path_buf()];
        files.extend(std::fs::canonicalize(resolv_conf).ok());
        let what = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE;
        for directory in files.iter().filter_map(|file| file.parent()) {
            inotify::add_watch(&changes, directory, what)?;
        }
        let names = files.iter().filter_map(|file| file.file_name());
        Ok(Self {
            names: names.map(Into::into).collect(),
            changes: awaitable(changes, Interest::READABLE)?,
        })
    }

    /// Returns once it changed.
    async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.changes.readable().await?;
            let concerns = self.take();
            ready.clear_ready();
            if concerns {
                return Ok(());
            }
        }
    }

    /// Takes what waits; answers whether something of it concerns the configuration.
    fn take(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4 * 1024];
        let mut reader = inotify::Reader::new(self.changes.get_ref(), &mut buffer);
        let mut concerns = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    // Without a name it is an overflow.
                    concerns |=
                        name.is_none_or(|name| self.names.iter().any(|known| known == name));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return concerns,
            }
        }
    }
}

/// A bounded text of a file.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_configuration_of_names_is_seen_to_change_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        std::fs::create_dir(place("run")).unwrap();
        std::fs::create_dir(place("etc")).unwrap();
        std::fs::write(place("run/stub.conf"), "").unwrap();
        std::os::unix::fs::symlink(place("run/stub.conf"), place("etc/resolv.conf")).unwrap();
        let check = async |change: &dyn Fn(), what: &str| {
            let names = Names::watch(&place("etc/resolv.conf")).unwrap();
            // Of these it wants to know nothing.
            std::fs::read(place("etc/resolv.conf")).unwrap();
            std::fs::write(place("etc/other"), "").unwrap();
            assert!(!names.take(), "{what}");
            change();
            let seen = tokio::time::timeout(PATIENCE, names.changed()).await;
            assert!(seen.is_ok(), "{what}");
        };
        let write = || std::fs::write(place("run/stub.conf"), "nameserver 192.0.2.1\n").unwrap();
        check(&write, "what it links to is written").await;
        let replace = || {
            std::fs::write(place("etc/new"), "").unwrap();
            std::fs::rename(place("etc/new"), place("etc/resolv.conf")).unwrap();
        };
        check(&replace, "it is replaced").await;
    }
}
