//! Reading a list of items as a manager does: one item that cannot be used costs itself, never the list (M-52).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::call::{ItemPage, ListItems};
use crate::frame::Answered;
use crate::item::Item;

/// Most characters told of the name of an item that cannot be used.
const MAX_TOLD_CHARS: usize = 40;

/// Asks for one page of the items, as [`ListItems`], and takes what it can of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReadItems(pub ListItems);

impl Answered for ReadItems {
    type Answer = ReadPage;
    const METHOD: &'static str = <ListItems as Answered>::METHOD;
}

/// An [`ItemPage`] as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPage {
    /// The page, without what could not be used.
    pub page: ItemPage,
    /// What could not be used, in its order.
    pub unusable: Vec<UnusableItem>,
}

/// An item of a list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableItem {
    /// What it calls itself, shortened; empty when it does not say.
    pub name: String,
    /// Why not.
    pub why: String,
}

impl UnusableItem {
    fn of(text: &str) -> Self {
        let value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                return Self {
                    name: String::new(),
                    why: error.to_string(),
                };
            }
        };
        let named = |field: &str| value.get(field).and_then(|name| name.as_str());
        let name = named("id")
            .filter(|id| !id.is_empty())
            .or_else(|| named("name"))
            .unwrap_or_default();
        let mut told: String = name.chars().take(MAX_TOLD_CHARS).collect();
        if told.len() < name.len() {
            told.push('…');
        }
        // Read from a value, the reason names no place in a text that nobody sees.
        let why = match Item::deserialize(&value) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        Self { name: told, why }
    }
}

impl<'de> Deserialize<'de> for ReadPage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            items: Vec<Box<RawValue>>,
            #[serde(default)]
            next: Option<String>,
            #[serde(default)]
            incomplete: bool,
        }
        let raw = Page::deserialize(deserializer)?;
        let mut items = Vec::with_capacity(raw.items.len());
        let mut unusable = Vec::new();
        for item in raw.items {
            match serde_json::from_str(item.get()) {
                Ok(item) => items.push(item),
                Err(_) => unusable.push(UnusableItem::of(item.get())),
            }
        }
        Ok(Self {
            page: ItemPage {
                items,
                next: raw.next,
                incomplete: raw.incomplete,
            },
            unusable,
        })
    }
}

/// As the page that is left: what was unusable is not sent on.
impl Serialize for ReadPage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.page.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(items: &str) -> ReadPage {
        serde_json::from_str(&format!("{{\"items\":[{items}],\"next\":\"2\"}}")).unwrap()
    }

    // M-52, H-17
    #[test]
    fn one_item_that_cannot_be_used_does_not_cost_the_list() {
        let long = "x".repeat(64);
        let read = read(&format!(
            r#"{{"id":"a","name":"A"}},{{"id":"{long}","name":"B"}},{{"id":"","name":"C"}},
               {{"id":"d","name":7}},{{"id":"e\n","name":"E"}},"f",{{"id":"g","name":"G"}}"#
        ));
        let ids: Vec<&str> = read
            .page
            .items
            .iter()
            .map(|item| item.id.as_str())
            .collect();
        assert_eq!(ids, ["a", "g"]);
        assert_eq!(read.page.next.as_deref(), Some("2"));
        let told: Vec<&str> = read
            .unusable
            .iter()
            .map(|item| item.name.as_str())
            .collect();
        let short = format!("{}…", "x".repeat(40));
        assert_eq!(told, [short.as_str(), "C", "d", "e\n", ""]);
        let why = &read.unusable[0].why;
        assert!(why.contains("1 to 63") && !why.contains("line"), "{why}");
    }

    #[test]
    fn what_is_no_page_is_still_refused() {
        for text in ["{}", r#"{"items":7}"#, "[]", r#"{"items":[],"next":3}"#] {
            assert!(serde_json::from_str::<ReadPage>(text).is_err(), "{text}");
        }
    }
}
