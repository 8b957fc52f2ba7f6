//! What NetworkManager says of the network (org.freedesktop.NetworkManager(5), NMState and its neighbours).

use std::collections::BTreeMap;

use syncmgr_core::condition::Fact;
use zbus::{Connection, Message};

use super::bus::{FollowError, NETWORK_MANAGER};
use super::property::{Properties, PropertyError, needed};
use super::signals::{From, Signals};

const PATH: &str = "/org/freedesktop/NetworkManager";
const ACTIVE_PATH: &str = "/org/freedesktop/NetworkManager/ActiveConnection";
const ACTIVE: &str = "org.freedesktop.NetworkManager.Connection.Active";
const ACCESS_POINT: &str = "org.freedesktop.NetworkManager.AccessPoint";

/// Most connections that are looked at.
const MAX_CONNECTIONS: usize = 64;
/// Most bytes of the name of a Wi-Fi (IEEE 802.11).
const MAX_SSID: usize = 32;

/// `NM_STATE_CONNECTED_SITE`: there is a default route.
const STATE_SITE: u64 = 60;
/// `NM_STATE_CONNECTED_GLOBAL`: and it leads everywhere.
const STATE_GLOBAL: u64 = 70;
/// `NM_CONNECTIVITY_NONE`.
const CONNECTIVITY_NONE: u64 = 1;
/// `NM_CONNECTIVITY_PORTAL`: somebody asks for a password first.
const CONNECTIVITY_PORTAL: u64 = 2;
/// `NM_CONNECTIVITY_FULL`, the highest.
const CONNECTIVITY_FULL: u64 = 4;
/// `NM_METERED_YES`.
const METERED: u64 = 1;
/// `NM_METERED_GUESS_YES`.
const METERED_GUESS: u64 = 3;
/// `NM_METERED_GUESS_NO`, the highest.
const METERED_MOST: u64 = 4;
/// `NM_ACTIVE_CONNECTION_STATE_ACTIVATED`.
const ACTIVATED: u64 = 2;
/// `NM_ACTIVE_CONNECTION_STATE_DEACTIVATING`.
const DEACTIVATING: u32 = 3;

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The fact.
    pub(super) fact: Fact,
    /// The connections that are up: object and name.
    pub(super) up: BTreeMap<String, String>,
}

/// The signals after which it is read again.
pub(super) async fn signals(connection: &Connection, owner: &str) -> Result<Signals, FollowError> {
    let from = [
        From::Properties(NETWORK_MANAGER, PATH),
        From::PropertiesBelow(ACTIVE, ACTIVE_PATH),
        From::Interface(ACTIVE),
    ];
    Ok(Signals::of(connection, owner, &from).await?)
}

/// The connection that is about to be closed, when the signal says so.
pub(super) fn leaving(message: &Message) -> Option<String> {
    let header = message.header();
    if header.member()?.as_str() != "StateChanged" {
        return None;
    }
    let (state, _): (u32, u32) = message.body().deserialize().ok()?;
    (state == DEACTIVATING).then(|| header.path().map(|path| path.as_str().to_owned()))?
}

/// Reads what it says now.
pub(super) async fn read(connection: &Connection, owner: &str) -> Result<Report, PropertyError> {
    let manager = Properties::of(connection, owner, PATH, NETWORK_MANAGER).await?;
    let usable = usable(&manager)?;
    let metered = matches!(
        bounded(
            "Metered",
            manager.number("Metered")?.unwrap_or(0),
            METERED_MOST
        )?,
        METERED | METERED_GUESS
    );
    let active = needed(
        "ActiveConnections",
        manager.objects("ActiveConnections", MAX_CONNECTIONS)?,
    )?;
    let (mut wifi, mut vpn, mut up) = (None, false, BTreeMap::new());
    for path in active {
        let properties = match Properties::of(connection, owner, path.as_str(), ACTIVE).await {
            Ok(properties) => properties,
            // It was closed meanwhile.
            Err(error) if error.is_gone() => continue,
            Err(error) => return Err(error),
        };
        if properties.number("State")? != Some(ACTIVATED) {
            continue;
        }
        let kind = properties.text("Type")?.unwrap_or_default();
        vpn |= properties.flag("Vpn")?.unwrap_or(false) || matches!(&*kind, "vpn" | "wireguard");
        if wifi.is_none()
            && let Some(point) = properties.object("SpecificObject")?
            && point.contains("/AccessPoint/")
        {
            wifi = ssid(connection, owner, &point).await?;
        }
        let name = properties.text("Id")?.unwrap_or_default();
        up.insert(path.as_str().to_owned(), name);
    }
    Ok(Report {
        fact: Fact::Network {
            usable,
            metered,
            wifi,
            vpn,
        },
        up,
    })
}

/// There is a default route, and nobody is known to stand in the way. Where something keeps NetworkManager from checking
/// that it leads everywhere (many companies do), the network is usable all the same.
fn usable(manager: &Properties) -> Result<bool, PropertyError> {
    let state = needed("State", manager.number("State")?)?;
    let state = bounded("State", state, STATE_GLOBAL)?;
    let connectivity = manager.number("Connectivity")?.unwrap_or(0);
    let connectivity = bounded("Connectivity", connectivity, CONNECTIVITY_FULL)?;
    Ok(state >= STATE_SITE && !matches!(connectivity, CONNECTIVITY_NONE | CONNECTIVITY_PORTAL))
}

fn bounded(name: &'static str, value: u64, most: u64) -> Result<u64, PropertyError> {
    if value > most {
        let value = value.to_string();
        return Err(PropertyError::Value { name, value });
    }
    Ok(value)
}

/// The name of a Wi-Fi, as text.
async fn ssid(
    connection: &Connection,
    owner: &str,
    point: &str,
) -> Result<Option<String>, PropertyError> {
    let properties = match Properties::of(connection, owner, point, ACCESS_POINT).await {
        Ok(properties) => properties,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(ssid) = properties.bytes("Ssid")? else {
        return Ok(None);
    };
    if ssid.len() > MAX_SSID {
        let value = format!("{} bytes or more", ssid.len());
        return Err(PropertyError::Value {
            name: "Ssid",
            value,
        });
    }
    let name = super::property::short(&String::from_utf8_lossy(&ssid));
    Ok(Some(name).filter(|name| !name.is_empty()))
}
