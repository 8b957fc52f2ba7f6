//! NetworkManager.

use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::{Happening, Subject};
use zbus::wire::Variant;

use crate::desk::{Desk, Mock};

const NAME: &str = "org.freedesktop.NetworkManager";
const PATH: &str = "/org/freedesktop/NetworkManager";
const ACTIVE: &str = "org.freedesktop.NetworkManager.Connection.Active";

fn network(usable: bool, metered: bool, wifi: Option<&str>, vpn: bool) -> Fact {
    Fact::Network {
        usable,
        metered,
        wifi: wifi.map(str::to_owned),
        vpn,
    }
}

async fn path(answer: zbus::Message) -> String {
    answer.body().deserialize().unwrap()
}

/// Joins a Wi-Fi; answers the connection.
async fn join(manager: &Mock, name: &str) -> String {
    const ROOT: &str = "/org/freedesktop";
    let device = path(
        manager
            .script(ROOT, "AddWiFiDevice", &(name, name, 100_i32))
            .await,
    )
    .await;
    let point = (
        device.as_str(),
        name,
        "Café ☕",
        "00:11:22:33:44:55",
        2_u32,
        2_425_u32,
        5_400_u32,
        82_u8,
        0x100_u32,
    );
    let point = path(manager.script(ROOT, "AddAccessPoint", &point).await).await;
    let settings = (device.as_str(), name, "Café ☕", "wpa-psk");
    let settings = path(manager.script(ROOT, "AddWiFiConnection", &settings).await).await;
    let active = (
        vec![device.as_str()],
        settings.as_str(),
        point.as_str(),
        name,
        2_u32,
    );
    let active = path(manager.script(ROOT, "AddActiveConnection", &active).await).await;
    manager
        .set(
            &active,
            ACTIVE,
            &[
                ("Id", Variant::from("Home")),
                ("Type", Variant::from("802-11-wireless")),
            ],
        )
        .await;
    active
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn network_manager() {
    let desk = Desk::with_bus();
    let manager = desk.mock("networkmanager", NAME).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Network, "NetworkManager").await;
    ear.fact(network(true, false, None, false)).await;
    let active = join(&manager, "wlan0").await;
    ear.fact(network(true, false, Some("Café ☕"), false)).await;
    let metered = (NAME, "Metered", Variant::from(2_u32));
    manager.script(PATH, "AddProperty", &metered).await;
    manager
        .set(PATH, NAME, &[("Metered", Variant::from(3_u32))])
        .await;
    ear.fact(network(true, true, Some("Café ☕"), false)).await;
    manager
        .set(&active, ACTIVE, &[("Vpn", Variant::from(true))])
        .await;
    ear.fact(network(true, true, Some("Café ☕"), true)).await;
    // A portal wants a password first; later only the check of NetworkManager does not come through.
    manager
        .set(
            PATH,
            NAME,
            &[
                ("Connectivity", Variant::from(2_u32)),
                ("State", Variant::from(60_u32)),
            ],
        )
        .await;
    ear.fact(network(false, true, Some("Café ☕"), true)).await;
    manager
        .set(PATH, NAME, &[("Connectivity", Variant::from(3_u32))])
        .await;
    ear.fact(network(true, true, Some("Café ☕"), true)).await;
    let states = vec![Variant::from(3_u32), Variant::from(2_u32)];
    manager
        .emit(&active, (ACTIVE, "StateChanged"), "uu", states)
        .await;
    let name = ear
        .happening("a connection that closes", |happening| match happening {
            Happening::NetworkLeaving { name } => Some(name),
            _ => None,
        })
        .await;
    assert_eq!(name.as_deref(), Some("Home"));
    manager
        .set(&active, ACTIVE, &[("State", Variant::from(3_u32))])
        .await;
    ear.fact(network(true, true, None, false)).await;
    manager
        .set(PATH, NAME, &[("State", Variant::from(20_u32))])
        .await;
    ear.fact(network(false, true, None, false)).await;

    manager
        .set(&active, ACTIVE, &[("State", Variant::from(2_u32))])
        .await;
    let connected = |happening| match happening {
        Happening::NetworkConnected { name } => Some(name),
        _ => None,
    };
    assert_eq!(ear.happening("a connection", connected).await, "Home");

    // Without NetworkManager, the kernel is asked.
    drop(manager);
    let by = ear
        .watching(Subject::Network, "the routes of the system")
        .await;
    assert!(by.contains("NetworkManager does not run"), "{by}");
    let _manager = desk.mock("networkmanager", NAME).await;
    ear.watching(Subject::Network, "NetworkManager").await;
    ear.fact(network(true, false, None, false)).await;
}
