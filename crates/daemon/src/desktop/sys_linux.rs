//! Notices through `org.freedesktop.Notifications` on the session bus. Each is a connection of its own: there are few of
//! them, and between two nothing is held. A service that is not there is asked again with the next notice, and not before
//! a minute has passed.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use syncmgr_core::notice::{About, Notice, Urgency};
use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::wire::Variant;

use super::Trouble;
use crate::adapt::text;
use crate::perform::reason;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// How long connecting and each call may take.
const LIMIT: Duration = Duration::from_secs(5);
/// After a failure the desktop is left alone for so long.
const PAUSE: Duration = Duration::from_secs(60);
/// Most notices that are remembered to be replaced or taken away.
const MAX_SHOWN: usize = 256;
/// The desktop decides how long a notice stays.
const AS_USUAL: i32 = -1;

/// Who shows notices, or why nobody does.
pub(crate) async fn probe() -> Result<String, String> {
    let connection = connect().await?;
    let answer = call(&connection, "GetServerInformation", &()).await?;
    let information: (String, String, String, String) = answer
        .body()
        .deserialize()
        .map_err(|error| format!("it says nothing sensible of itself: {}", reason(&error)))?;
    Ok(text::line(&information.0))
}

/// Takes notices until nobody has any more.
pub(super) async fn serve(mut queue: mpsc::Receiver<Notice>, trouble: Trouble) {
    let mut shown: BTreeMap<About, u32> = BTreeMap::new();
    let mut rest_until: Option<Instant> = None;
    while let Some(notice) = queue.recv().await {
        if rest_until.is_some_and(|until| Instant::now() < until) {
            continue; // it was told why
        }
        // What asks nothing of the desktop says nothing about it either.
        if is_away(&notice, &shown) {
            continue;
        }
        match perform(&notice, &mut shown).await {
            Ok(()) => {
                rest_until = None;
                trouble.set(None);
            }
            Err(why) => {
                tracing::debug!(why, "a notice is not shown");
                rest_until = Some(Instant::now() + PAUSE);
                trouble.set(Some(why));
            }
        }
    }
}

/// Whether this is to be taken away and is not there.
fn is_away(notice: &Notice, shown: &BTreeMap<About, u32>) -> bool {
    matches!(notice, Notice::Withdraw(about) if !shown.contains_key(about))
}

async fn perform(notice: &Notice, shown: &mut BTreeMap<About, u32>) -> Result<(), String> {
    match notice {
        Notice::Show {
            about,
            title,
            body,
            urgency,
        } => {
            let connection = connect().await?;
            let replaces = shown.get(about).copied().unwrap_or(0);
            let hints: HashMap<&str, Variant<'_>> = HashMap::from([
                ("urgency", Variant::U8(level(*urgency))),
                ("category", Variant::from("transfer.error")),
                ("desktop-entry", Variant::from("syncmgr")),
            ]);
            let actions: Vec<&str> = Vec::new();
            let arguments = (
                "syncmgr",
                replaces,
                "",
                text::line(title),
                plain(body),
                actions,
                hints,
                AS_USUAL,
            );
            let answer = call(&connection, "Notify", &arguments).await?;
            let id: u32 = answer
                .body()
                .deserialize()
                .map_err(|error| format!("it does not say what it showed: {}", reason(&error)))?;
            if shown.len() >= MAX_SHOWN {
                shown.pop_first();
            }
            shown.insert(about.clone(), id);
            Ok(())
        }
        Notice::Withdraw(about) => {
            let Some(id) = shown.remove(about) else {
                return Ok(());
            };
            let connection = connect().await?;
            // One that a person closed already is refused, which is as good.
            if let Err(why) = call(&connection, "CloseNotification", &id).await {
                tracing::debug!(why, "a notice is gone already");
            }
            Ok(())
        }
    }
}

async fn connect() -> Result<Connection, String> {
    let no_bus = |why: String| format!("no session bus: {why}");
    let builder = Builder::session();
    // Calls are limited where they are made, once: of two limits of one length either could be the one that is told.
    match tokio::time::timeout(LIMIT, builder.build()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(no_bus(reason(&error))),
        Err(_) => Err(no_bus("it does not answer".to_owned())),
    }
}

async fn call<B>(
    connection: &Connection,
    method: &str,
    arguments: &B,
) -> Result<zbus::Message, String>
where
    B: serde::Serialize + zbus::wire::Type,
{
    let answer = connection.call_method(Some(SERVICE), PATH, Some(SERVICE), method, arguments);
    match tokio::time::timeout(LIMIT, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("no desktop shows notices: {}", reason(&error))),
        Err(_) => Err("the desktop does not answer".to_owned()),
    }
}

const fn level(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Low => 0,
        Urgency::Normal => 1,
    }
}

/// Desktops may read markup in a body; ours has none.
fn plain(body: &str) -> String {
    text::detail(body)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_shown_can_be_taken_away() {
        let about = About::Everything;
        let mut shown = BTreeMap::new();
        assert!(is_away(&Notice::Withdraw(about.clone()), &shown));
        shown.insert(about.clone(), 1);
        assert!(!is_away(&Notice::Withdraw(about), &shown));
    }
}
