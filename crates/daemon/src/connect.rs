//! Dials and closes the connections that the configuration names (mobsync 3.8), beside the loop. Who shares them and when
//! they are closed is decided by the core.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use syncmgr_core::input::{Dialled, Input};
use syncmgr_host::errand;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::adapt::text;
use crate::config::ConnectionConfig;
use crate::perform::reason;

/// How long it may take to find out whether a connection is up.
const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// How long dialling may take.
const DIAL_LIMIT: Duration = Duration::from_secs(120);
/// How long closing may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// An address that nobody has (RFC 5737, RFC 3849): nothing is sent, but the system tells whether a route leads there.
const OUTSIDE: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Errand {
    Open(Option<String>),
    Close(Option<String>),
}

/// The connections that are dialled or closed just now.
#[derive(Debug, Default)]
pub(crate) struct Connector {
    errands: JoinSet<Result<Dialled, String>>,
    under_way: HashMap<tokio::task::Id, Errand>,
    cancel: HashMap<Option<String>, CancellationToken>,
    /// Dialled by us; where nothing checks, nobody else could tell that they are up.
    dialled: HashSet<Option<String>>,
}

impl Connector {
    /// Sees that a connection is up; dials it when it is not.
    pub(crate) fn connect(&mut self, name: Option<String>, configured: &[ConnectionConfig]) {
        let config = find(configured, name.as_deref());
        let dialled = self.dialled.contains(&name);
        let cancel = CancellationToken::new();
        self.cancel.insert(name.clone(), cancel.clone());
        let named = name.is_some();
        let task = self.errands.spawn(async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err("it was stopped".to_owned()),
                outcome = open(config, named, dialled) => outcome,
            }
        });
        self.under_way.insert(task.id(), Errand::Open(name));
    }

    /// Gives up dialling; the end comes all the same.
    pub(crate) fn cancel(&mut self, name: Option<String>) {
        if let Some(cancel) = self.cancel.get(&name) {
            cancel.cancel();
        }
    }

    /// Closes a connection.
    pub(crate) fn disconnect(&mut self, name: Option<String>, configured: &[ConnectionConfig]) {
        let down = find(configured, name.as_deref()).map_or_else(Vec::new, |config| config.down);
        let task = self.errands.spawn(async move {
            if !down.is_empty() {
                errand::run(&down, CLOSE_LIMIT)
                    .await
                    .map_err(|error| reason(&error))?;
            }
            Ok(Dialled::Before)
        });
        self.under_way.insert(task.id(), Errand::Close(name));
    }

    /// Waits for the next end; for ever when nothing is under way.
    pub(crate) async fn ended(&mut self) -> Option<Input> {
        let Some(ended) = self.errands.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err("a fault of the manager".to_owned())),
        };
        Some(match self.under_way.remove(&id)? {
            Errand::Open(name) => {
                self.cancel.remove(&name);
                if outcome == Ok(Dialled::ByUs) {
                    self.dialled.insert(name.clone());
                }
                Input::Connected { name, outcome }
            }
            Errand::Close(name) => {
                self.dialled.remove(&name);
                let problem = outcome.err();
                Input::Disconnected { name, problem }
            }
        })
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.errands.is_empty()
    }
}

fn find(configured: &[ConnectionConfig], name: Option<&str>) -> Option<ConnectionConfig> {
    let name = name?;
    configured
        .iter()
        .find(|config| config.name == name)
        .cloned()
}

async fn open(
    config: Option<ConnectionConfig>,
    named: bool,
    dialled: bool,
) -> Result<Dialled, String> {
    let Some(config) = config else {
        return if named {
            Err("it is not configured any more".to_owned())
        } else {
            leads_out()
        };
    };
    if config.check.is_empty() {
        if dialled {
            return Ok(Dialled::Before);
        }
    } else if errand::run(&config.check, CHECK_LIMIT).await.is_ok() {
        return Ok(Dialled::Before); // M-143
    }
    let name = text::line(&config.name);
    if config.up.is_empty() {
        return Err(format!(
            "`{name}` is not up, and nothing is configured to dial it"
        ));
    }
    errand::run(&config.up, DIAL_LIMIT)
        .await
        .map_err(|error| format!("`{name}` could not be dialled: {}", reason(&error)))?;
    Ok(Dialled::ByUs)
}

/// Without a configured default connection: whether a route leads out of this machine (M-142).
fn leads_out() -> Result<Dialled, String> {
    let routed = OUTSIDE.iter().any(|(here, there)| {
        std::net::UdpSocket::bind(here).is_ok_and(|socket| socket.connect(there).is_ok())
    });
    if routed {
        Ok(Dialled::Before)
    } else {
        Err("there is no network, and no default connection is configured".to_owned())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    fn config(check: &str, up: &str, down: &str) -> Vec<ConnectionConfig> {
        let words = |script: &str| {
            if script.is_empty() {
                Vec::new()
            } else {
                sh(script)
            }
        };
        vec![ConnectionConfig {
            name: "vpn".into(),
            check: words(check),
            up: words(up),
            down: words(down),
            default: false,
        }]
    }

    fn name() -> Option<String> {
        Some("vpn".to_owned())
    }

    async fn opened(
        connector: &mut Connector,
        config: &[ConnectionConfig],
    ) -> Result<Dialled, String> {
        connector.connect(name(), config);
        match connector.ended().await {
            Some(Input::Connected { name: of, outcome }) => {
                assert_eq!(of, name());
                assert!(connector.is_idle());
                outcome
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn dials_what_is_down_and_closes_what_it_dialled_m_143() {
        // M-143
        let dir = tempfile::tempdir().unwrap();
        let flag = dir.path().join("up");
        let flag = flag.display();
        let config = config(
            &format!("test -e '{flag}'"),
            &format!("touch '{flag}'"),
            &format!("rm '{flag}'"),
        );
        let mut connector = Connector::default();
        assert_eq!(opened(&mut connector, &config).await, Ok(Dialled::ByUs));
        assert_eq!(opened(&mut connector, &config).await, Ok(Dialled::Before));
        connector.disconnect(name(), &config);
        let closed = connector.ended().await;
        assert_eq!(
            closed,
            Some(Input::Disconnected {
                name: name(),
                problem: None
            })
        );
        assert!(!dir.path().join("up").exists());
        connector.disconnect(name(), &config);
        let Some(Input::Disconnected { problem, .. }) = connector.ended().await else {
            panic!("it ended otherwise")
        };
        assert!(problem.unwrap().contains("`sh`"));
    }

    #[tokio::test]
    async fn a_failure_says_why_and_a_stop_cancels_m_147() {
        // M-147
        let mut connector = Connector::default();
        let failed = opened(
            &mut connector,
            &config("", "echo no carrier >&2; exit 1", ""),
        )
        .await;
        assert!(failed.unwrap_err().ends_with("no carrier"));
        let none = opened(&mut connector, &config("exit 1", "", "")).await;
        assert!(none.unwrap_err().contains("nothing is configured"));
        connector.connect(name(), &config("", "sleep 60", ""));
        connector.cancel(name());
        let Some(Input::Connected { outcome, .. }) = connector.ended().await else {
            panic!("it ended otherwise")
        };
        assert_eq!(outcome, Err("it was stopped".to_owned()));
    }

    #[tokio::test]
    async fn what_nothing_checks_is_dialled_once() {
        let mut connector = Connector::default();
        let config = config("", "exit 0", "exit 0");
        assert_eq!(opened(&mut connector, &config).await, Ok(Dialled::ByUs));
        assert_eq!(opened(&mut connector, &config).await, Ok(Dialled::Before));
    }
}
