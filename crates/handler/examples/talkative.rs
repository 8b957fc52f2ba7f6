//! A handler that uses what most do not: properties, links in the log that lead to another try, and a connection.
//!
//! What it remembers lies in its own directory: `keep` is a property of its item `inbox`, `mended` is there once somebody
//! followed the link of the failure that it reports before. With `stubborn` the link mends nothing; with `silent` the
//! failure is reported without a word, with `mute` also without an entry of the log.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Map, json};
use syncmgr_handler::call::{
    Properties, PropertiesEffect, PropertySheet, ShowError, ShowProperties,
};
use syncmgr_handler::callback::{Failure, Level, Log};
use syncmgr_handler::contract::feature;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::{Handler, Introduction, ItemList, Run, Start, Unfinished};

const KEEP_BY_DEFAULT: u64 = 7;

#[derive(Default)]
struct Talkative {
    directory: OnceLock<PathBuf>,
}

impl Talkative {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.get().cloned().unwrap_or_default().join(name)
    }

    fn keep(&self) -> u64 {
        let text = fs::read_to_string(self.path("keep")).unwrap_or_default();
        text.trim().parse().unwrap_or(KEEP_BY_DEFAULT)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), RpcError> {
        fs::write(self.path(name), text)
            .map_err(|cause| RpcError::new(RpcError::INTERNAL, cause.to_string()))
    }
}

impl Handler for Talkative {
    fn features(&self) -> Vec<&'static str> {
        vec![
            feature::PROPERTIES,
            feature::SHOW_ERROR,
            feature::CONNECTION,
        ]
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        self.directory.get_or_init(|| start.state_dir.clone());
        Ok(Introduction {
            info: HandlerInfo {
                name: "Talkative".to_owned(),
                version: "1".to_owned(),
                ..HandlerInfo::default()
            },
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let item = |name: &str| {
            let mut item = Item::new(ItemId::new(name).ok()?, name);
            item.has_properties = name == "inbox";
            Some(item)
        };
        // More is kept, more is listed: properties change the items.
        let extra = if self.keep() > KEEP_BY_DEFAULT {
            item("archive")
        } else {
            None
        };
        Ok(ItemList {
            items: item("inbox").into_iter().chain(extra).collect(),
            incomplete: false,
        })
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        let connected = run
            .establish_connection(Some("work".to_owned()))
            .map_err(|error| Unfinished::soft(error.to_string()))?;
        if !connected.connected {
            return Err(Unfinished::soft(connected.reason.unwrap_or_default()));
        }
        for item in run.items() {
            if self.path("mended").exists() {
                run.succeeded(item, Counts::default());
            } else {
                let mute = self.path("mute").exists();
                let silent = mute || self.path("silent").exists();
                if mute {
                    run.failed(item, Failure::Hard, "");
                    continue;
                }
                run.log(Log {
                    level: Level::Error,
                    text: "the lock is stale".to_owned(),
                    item: Some(item.clone()),
                    detail: None,
                    error: Some("stale".to_owned()),
                    jump: true,
                });
                let words = if silent { "" } else { "the lock is stale" };
                run.failed(item, Failure::Hard, words);
            }
        }
        Ok(())
    }

    fn properties(&self, what: &Properties) -> Result<PropertySheet, RpcError> {
        let mut effect = PropertiesEffect::Unchanged;
        if let Some(values) = &what.values {
            let Some(keep) = values.get("keep").and_then(serde_json::Value::as_u64) else {
                return Err(RpcError::new(
                    RpcError::INVALID_PARAMS,
                    "keep is a number of days",
                ));
            };
            self.write("keep", &keep.to_string())?;
            effect = PropertiesEffect::EnumerateItems;
        }
        let mut values = Map::new();
        values.insert("keep".to_owned(), json!(self.keep()));
        Ok(PropertySheet {
            schema: json!({"type": "object", "properties": {"keep": {"type": "integer", "description": "days that mail is kept"}}}),
            values,
            definition: None,
            effect,
        })
    }

    fn show_properties(
        &self,
        what: &ShowProperties,
        run: &Run,
    ) -> Result<PropertiesEffect, RpcError> {
        let allowed = run
            .enable_modeless()
            .map_err(|error| RpcError::new(RpcError::INTERNAL, error.to_string()))?;
        let of = what.item.as_ref().map_or("itself", ItemId::as_str);
        self.write("shown", &format!("{of} {allowed}"))?;
        Ok(PropertiesEffect::Unchanged)
    }

    fn show_error(&self, _: &ShowError, run: &Run) -> Result<Vec<ItemId>, RpcError> {
        if !self.path("stubborn").exists() {
            self.write("mended", "")?;
        }
        run.delete_log(Some("stale".to_owned()));
        Ok(self
            .items()?
            .items
            .into_iter()
            .map(|item| item.id)
            .collect())
    }
}

fn main() -> Result<(), syncmgr_handler::ServeError> {
    syncmgr_handler::serve_stdio(Talkative::default())
}
