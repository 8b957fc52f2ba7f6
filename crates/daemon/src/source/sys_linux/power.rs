//! Where the power comes from: by UPower, and where that does not run or makes no sense, by looking at the supplies while
//! a condition needs it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use syncmgr_core::condition::Fact;
use tokio::sync::{Notify, watch};
use zbus::Connection;

use super::bus::{FollowError, Service, UPOWER, View, follow};
use super::property::{Properties, PropertyError, needed};
use super::signals::{From, Signals};
use crate::source::{Machine, Reporter, Source, Subject, Wanted, supply};

const PATH: &str = "/org/freedesktop/UPower";
const DISPLAY_PATH: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
const DEVICE: &str = "org.freedesktop.UPower.Device";
/// `UP_DEVICE_KIND_BATTERY`.
const BATTERY: u64 = 2;

/// Changes within this are looked at once.
const SETTLE: Duration = Duration::from_millis(200);
/// How often the supplies are looked at where nobody tells of them.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The source.
#[derive(Debug)]
pub(super) struct Power {
    view: watch::Receiver<View>,
    directory: PathBuf,
}

impl Power {
    pub(super) fn new(view: watch::Receiver<View>, machine: &Machine) -> Self {
        Self {
            view,
            directory: machine.power_supply.clone(),
        }
    }
}

impl Source for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Power]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        let watch = Watch {
            report,
            wanted,
            directory: self.directory,
        };
        Box::pin(follow(watch, self.view))
    }
}

struct Watch {
    report: Reporter,
    wanted: watch::Receiver<Wanted>,
    directory: PathBuf,
}

impl Service for Watch {
    const NAME: &'static str = UPOWER;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.upower(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("UPower: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        let every = LOOK_EVERY.as_secs();
        let by = format!("looking every {every} s while a condition needs it: {because}");
        let mut before = None;
        loop {
            match supply::power(&self.directory) {
                Ok(fact) => {
                    self.report.watching(Subject::Power, &by).await;
                    if before.as_ref() != Some(&fact) {
                        self.report.fact(fact.clone()).await;
                        before = Some(fact);
                    }
                }
                Err(error) => {
                    before = None;
                    let place = self.directory.display();
                    let because = format!("{because}; and {place} cannot be read: {error}");
                    self.report.unavailable(Subject::Power, &because).await;
                }
            }
            let is_wanted = self.wanted.borrow_and_update().power;
            tokio::select! {
                changed = self.wanted.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                }
                () = tokio::time::sleep(LOOK_EVERY), if is_wanted => {}
            }
        }
    }
}

impl Watch {
    async fn upower(
        &self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let from = [
            From::Properties(UPOWER, PATH),
            From::Properties(DEVICE, DISPLAY_PATH),
        ];
        let mut signals = Signals::of(connection, owner, &from).await?;
        let changed = Notify::new();
        let listen = async {
            loop {
                signals.next().await?;
                changed.notify_one();
            }
        };
        let work = async {
            let mut before = None;
            loop {
                let fact = read(connection, owner).await?;
                self.report.watching(Subject::Power, "UPower").await;
                if before.as_ref() != Some(&fact) {
                    self.report.fact(fact.clone()).await;
                    before = Some(fact);
                }
                changed.notified().await;
                tokio::time::sleep(SETTLE).await;
            }
        };
        tokio::select! {
            outcome = listen => outcome,
            outcome = work => outcome,
        }
    }
}

async fn read(connection: &Connection, owner: &str) -> Result<Fact, PropertyError> {
    let daemon = Properties::of(connection, owner, PATH, UPOWER).await?;
    let on_battery = needed("OnBattery", daemon.flag("OnBattery")?)?;
    let display = Properties::of(connection, owner, DISPLAY_PATH, DEVICE).await;
    let battery_percent = match display {
        Ok(display) => percent(&display)?,
        // Versions before 0.99 have none.
        Err(error) if error.is_gone() => None,
        Err(error) => return Err(error),
    };
    Ok(Fact::Power {
        mains: !on_battery,
        battery_percent,
    })
}

fn percent(display: &Properties) -> Result<Option<u8>, PropertyError> {
    let is_battery =
        display.number("Type")? == Some(BATTERY) && display.flag("IsPresent")? != Some(false);
    let Some(percent) = display.fraction("Percentage")?.filter(|_| is_battery) else {
        return Ok(None);
    };
    (0..=100_u8)
        .rev()
        .find(|whole| f64::from(*whole) <= percent)
        .filter(|_| percent <= 100.0)
        .map(Some)
        .ok_or_else(|| PropertyError::Value {
            name: "Percentage",
            value: percent.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use zbus::wire::Variant;

    use super::*;

    #[test]
    fn charges() {
        let check = |kind: u32, charge: f64, expected: Option<Option<u8>>| {
            let properties: HashMap<_, _> = [
                (
                    "Type".to_owned(),
                    Variant::from(kind).try_into_owned().unwrap(),
                ),
                (
                    "Percentage".to_owned(),
                    Variant::from(charge).try_into_owned().unwrap(),
                ),
            ]
            .into();
            assert_eq!(percent(&properties.into()).ok(), expected, "{charge}");
        };
        check(2, 71.9, Some(Some(71)));
        check(2, 0.0, Some(Some(0)));
        check(2, 100.0, Some(Some(100)));
        check(2, 100.5, None);
        check(2, -1.0, None);
        check(2, f64::NAN, None);
        check(0, 50.0, Some(None));
    }
}
