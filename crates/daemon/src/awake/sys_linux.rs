//! Linux: an inhibitor lock of logind (org.freedesktop.login1(5)), which ends with its descriptor.

use std::os::fd::OwnedFd;
use std::time::Duration;

use zbus::connection::Builder;

/// How long logind may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What keeps the machine awake.
pub(super) type Held = OwnedFd;

/// Keeps the machine from sleeping and from becoming idle; where only the one is allowed, from that.
pub(super) async fn keep_awake(why: &str) -> Result<Held, String> {
    let asked = async {
        let connection = Builder::system()
            .build()
            .await
            .map_err(|error| format!("no system bus: {error}"))?;
        let mut refused = String::new();
        for what in ["sleep:idle", "idle"] {
            let answer = connection
                .call_method(
                    Some("org.freedesktop.login1"),
                    "/org/freedesktop/login1",
                    Some("org.freedesktop.login1.Manager"),
                    "Inhibit",
                    &(what, "syncmgr", why, "block"),
                )
                .await;
            match answer.and_then(|answer| answer.body().deserialize::<zbus::OwnedFd>()) {
                Ok(held) => return Ok(held.into()),
                Err(error) => refused = format!("logind refuses: {error}"),
            }
        }
        Err(refused)
    };
    tokio::time::timeout(LIMIT, asked)
        .await
        .unwrap_or_else(|_| Err("logind does not answer".to_owned()))
}
