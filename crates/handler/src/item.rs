//! Identifiers and items as they travel.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::MAX_ID_UNITS;

/// An identifier that is not 1 to 63 UTF-16 units without control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identifier has 1 to {MAX_ID_UNITS} UTF-16 units and no control characters")]
pub struct InvalidId;

/// The identity of an item within its handler; stable for ever, compared without case.
///
/// Classic: `SYNCMGRITEM.ItemID` in text form. Sync Center: `ISyncMgrSyncItem::GetItemID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct ItemId(String);

/// As its text, which is not copied for it: every report names its item.
impl Serialize for ItemId {
    fn serialize<S: serde::Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(&self.0)
    }
}

impl ItemId {
    /// Accepts 1 to 63 UTF-16 units without control characters.
    ///
    /// # Errors
    /// [`InvalidId`] for anything else; an identifier is refused, never cut (Sync Center A-30).
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        let units = text.encode_utf16().count();
        if units == 0 || units > MAX_ID_UNITS || text.chars().any(char::is_control) {
            return Err(InvalidId);
        }
        Ok(Self(text))
    }

    /// The spelling as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ItemId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl From<ItemId> for String {
    fn from(id: ItemId) -> Self {
        id.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a handler says of itself.
///
/// Classic: `SYNCMGRHANDLERINFO`. Sync Center: `ISyncMgrHandlerInfo` with capabilities and policies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HandlerInfo {
    /// Display name, at most 127 UTF-16 units; longer ones are cut.
    pub name: String,
    /// One line about the handler, possibly empty.
    pub comment: String,
    /// The version of the handler, for people.
    pub version: String,
    /// Keep the handler in lists even without items (classic `SYNCMGRHANDLER_ALWAYSLISTHANDLER`).
    pub always_list: bool,
    /// Not displayed unless asked for (classic `SYNCMGRHANDLER_HIDDEN`).
    pub hidden: bool,
    /// With the feature `properties`: the handler itself has some, and not only items of it (classic
    /// `SYNCMGRHANDLER_HASPROPERTIES`). Absent: it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_properties: Option<bool>,
    /// Its icon as PNG in base 64, at most [`crate::contract::MAX_ICON_BYTES`] long; absent where there is none (classic
    /// `SYNCMGRHANDLERINFO.hIcon`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What it can do (Sync Center capabilities), by name: `conflict-store`, `event-store`, `concurrent-sessions`,
    /// `browse`, `schedule`, `query-before-activate`, `…-deactivate`, `…-enable`, `…-disable`. Unknown ones are ignored.
    pub capabilities: Vec<String>,
    /// What is not allowed now (Sync Center policies), by name: `prevent-` or `disable-` followed by `start-sync`,
    /// `stop-sync`, `enable`, `disable`, `activate`, `deactivate`, `browse`, `schedule`. Unknown ones are ignored.
    pub policies: Vec<String>,
}

/// One thing that can be synchronized.
///
/// Classic: `SYNCMGRITEM`. Sync Center: `ISyncMgrSyncItem` with `ISyncMgrSyncItemInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its identity.
    pub id: ItemId,
    /// Display name, at most 127 UTF-16 units; longer ones are cut.
    pub name: String,
    /// One line about the item, such as the two folders of a pair.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether it takes part unless the user says otherwise (classic `dwItemState`).
    #[serde(default = "yes")]
    pub checked: bool,
    /// Last update in milliseconds since 1970-01-01T00:00:00Z, when the handler knows it (classic `ftLastUpdate`
    /// with `SYNCMGRITEM_LASTUPDATETIME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_ms: Option<i64>,
    /// Whether it can be reached now (Sync Center `IsConnected`); absent when the handler does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// No preference is kept for it (classic `SYNCMGRITEM_TEMPORARY`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// Not displayed unless asked for (classic `SYNCMGRITEM_HIDDEN`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// It has properties (classic `SYNCMGRITEM_HASPROPERTIES`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_properties: bool,
    /// Its icon as PNG in base 64, at most [`crate::contract::MAX_ICON_BYTES`] long; absent where there is none (classic
    /// `SYNCMGRITEM.hIcon`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What it can do: `delete`, `browse`, `conflict-store`, `event-store`, `query-before-…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// What is not allowed now: `prevent-` or `disable-` followed by `start-sync`, `stop-sync`, `enable`, `disable`,
    /// `browse`, `delete`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// What nobody else is to work with while it runs, by names that other handlers would choose as well: the absolute path
    /// of a folder or repository, the name of a server. At most 16. While a run has one of them, no other run starts that
    /// has the same, or a folder within it or above it, whatever its handler. The user may say otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<String>,
}

impl Item {
    /// A checked item with a name and nothing else to say about it.
    pub fn new(id: ItemId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            comment: String::new(),
            checked: true,
            last_update_ms: None,
            connected: None,
            temporary: false,
            hidden: false,
            has_properties: false,
            icon: None,
            capabilities: Vec::new(),
            policies: Vec::new(),
            lanes: Vec::new(),
        }
    }
}

fn yes() -> bool {
    true
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// A decision that a person took on an earlier question, handed to the run that it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The item that the question was about; absent for the handler itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The key of the question, as the handler gave it in `prompt`.
    pub key: String,
    /// The name of the chosen answer.
    pub choice: String,
    /// What the person typed, by field name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// The private context that the handler attached to the question.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub context: serde_json::Value,
}

/// What a run moved, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Things sent from the near (left) to the far (right) side.
    pub sent: u64,
    /// Things received from the far (right) on the near (left) side.
    pub received: u64,
    /// Things deleted on either side.
    pub deleted: u64,
    /// Conflicts found open.
    pub conflicts: u64,
    /// Things that could not be synchronized.
    pub failed: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Of what was received, what was not there before, where the handler can tell.
    #[serde(skip_serializing_if = "is_zero")]
    pub created_near: u64,
    /// Of what was sent, what was not there before, where the handler can tell.
    #[serde(skip_serializing_if = "is_zero")]
    pub created_far: u64,
    /// Of what was deleted, what was deleted on the near (left) side, where the handler can tell.
    #[serde(skip_serializing_if = "is_zero")]
    pub deleted_near: u64,
    /// Of what was deleted, what was deleted on the far (right) side, where the handler can tell.
    #[serde(skip_serializing_if = "is_zero")]
    pub deleted_far: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
