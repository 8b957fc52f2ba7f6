//! The network: by NetworkManager, and where that does not run or makes no sense, by the routes of the kernel.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use syncmgr_core::condition::Fact;
use tokio::io::Interest;
use tokio::sync::{Notify, mpsc, watch};
use zbus::Connection;

use super::bus::{FollowError, NETWORK_MANAGER, Service, View, follow};
use super::network_manager;
use super::replaced::Replaced;
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
        let names = Replaced::watch(&self.resolv_conf)
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

/// A bounded text of a file.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
