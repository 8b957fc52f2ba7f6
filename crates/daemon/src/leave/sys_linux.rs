//! Linux: logind (org.freedesktop.login1(5)).

use std::time::Duration;

use zbus::connection::Builder;

use super::Leave;

/// How long logind may take to answer. It answers that the machine may leave only once everybody who delays it let go.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether logind would do it without asking anybody.
pub(super) async fn may_leave(how: Leave) -> Result<(), String> {
    let method = match how {
        Leave::Suspend => "CanSuspend",
        Leave::PowerOff => "CanPowerOff",
    };
    let answer: String = ask(method, &())
        .await?
        .body()
        .deserialize()
        .map_err(|error| error.to_string())?;
    match answer.as_str() {
        "yes" => Ok(()),
        "challenge" => Err("logind wants a password for it".to_owned()),
        "na" => Err("the machine does not support it".to_owned()),
        "no" => Err("this user may not".to_owned()),
        other => Err(format!("logind answers `{other}`")
            .chars()
            .take(200)
            .collect()),
    }
}

/// Does it; `false`: without asking anybody for a password.
pub(super) async fn leave(how: Leave) -> Result<(), String> {
    let method = match how {
        Leave::Suspend => "Suspend",
        Leave::PowerOff => "PowerOff",
    };
    ask(method, &false).await.map(drop)
}

async fn ask<B>(method: &str, arguments: &B) -> Result<zbus::Message, String>
where
    B: serde::Serialize + zbus::wire::DynamicType + Sync,
{
    let asked = async {
        let connection = Builder::system()
            .build()
            .await
            .map_err(|error| format!("no system bus: {error}"))?;
        connection
            .call_method(
                Some("org.freedesktop.login1"),
                "/org/freedesktop/login1",
                Some("org.freedesktop.login1.Manager"),
                method,
                arguments,
            )
            .await
            .map_err(|error| format!("logind refuses: {error}"))
    };
    tokio::time::timeout(LIMIT, asked)
        .await
        .unwrap_or_else(|_| Err("logind does not answer".to_owned()))
}
