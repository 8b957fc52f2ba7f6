//! UPower, and the supplies without it.

use std::fs;

use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::{Subject, Wanted};
use zbus::wire::Variant;

use crate::desk::Desk;

const NAME: &str = "org.freedesktop.UPower";
const PATH: &str = "/org/freedesktop/UPower";
const DISPLAY: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
const DEVICE: &str = "org.freedesktop.UPower.Device";

fn power(mains: bool, battery_percent: Option<u8>) -> Fact {
    Fact::Power {
        mains,
        battery_percent,
    }
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn upower() {
    let desk = Desk::with_bus();
    let upower = desk.mock("upower", NAME).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Power, "UPower").await;
    ear.fact(power(true, None)).await;
    let battery = (
        2_i32, 2_i32, 71.5_f64, 50.0_f64, 70.0_f64, 9.0_f64, 3_600_i64, 0_i64, true, "", 1_i32,
    );
    upower.script(PATH, "SetupDisplayDevice", &battery).await;
    upower
        .set(PATH, NAME, &[("OnBattery", Variant::from(true))])
        .await;
    ear.fact(power(false, Some(71))).await;
    upower
        .set(DISPLAY, DEVICE, &[("Percentage", Variant::from(12.0))])
        .await;
    ear.fact(power(false, Some(12))).await;
    // Nonsense: the supplies are looked at instead, and it is said why.
    upower
        .set(DISPLAY, DEVICE, &[("Percentage", Variant::from(1_200.0))])
        .await;
    let by = ear.watching(Subject::Power, "looking every 60 s").await;
    assert!(by.contains("Percentage cannot be 1200"), "{by}");
    ear.fact(power(true, None)).await;
    upower
        .set(DISPLAY, DEVICE, &[("Percentage", Variant::from(11.0))])
        .await;
    ear.watching(Subject::Power, "UPower").await;
    ear.fact(power(false, Some(11))).await;
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn supplies_are_looked_at_when_somebody_wants() {
    let desk = Desk::new();
    let battery = desk.directory.path().join("supply/BAT0");
    fs::create_dir(&battery).unwrap();
    fs::write(battery.join("type"), "Battery\n").unwrap();
    fs::write(battery.join("status"), "Discharging\n").unwrap();
    fs::write(battery.join("capacity"), "40\n").unwrap();
    let mut ear = desk.watch();
    ear.watching(Subject::Power, "while a condition needs it")
        .await;
    ear.fact(power(false, Some(40))).await;
    fs::write(battery.join("capacity"), "39\n").unwrap();
    ear.want(Wanted {
        power: true,
        ..Wanted::default()
    });
    ear.fact(power(false, Some(39))).await;
}
