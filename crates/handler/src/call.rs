//! What the manager says to a handler.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::item::{Answer, Counts, HandlerInfo, Item, ItemId};

/// Why the instance was started; an enumeration, not a set (classic `SYNCMGRFLAG_EVENTMASK`).
///
/// Sync Center does not convey it. The finer triggers travel as the nearest classic event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A network connection came up, or the user logged on (`SYNCMGRFLAG_CONNECT`).
    Connect,
    /// The network is about to go, or the user logs off (`SYNCMGRFLAG_PENDINGDISCONNECT`).
    PendingDisconnect,
    /// The user asked (`SYNCMGRFLAG_MANUAL`).
    Manual,
    /// The machine is idle (`SYNCMGRFLAG_IDLE`).
    Idle,
    /// A program asked (`SYNCMGRFLAG_INVOKE`).
    Invoke,
    /// A schedule fired (`SYNCMGRFLAG_SCHEDULED`).
    Scheduled,
}

/// First message: version, features and the event that this instance serves.
///
/// Decodable for ever: fields are only ever added, and unknown ones are ignored. Answered by [`Initialized`] within the
/// handshake deadline. Classic: `Initialize` then `GetHandlerInfo`. Sync Center: creation of the handler,
/// `GetHandlerInfo`, `GetCapabilities`, `GetPolicies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Initialize {
    /// Contract versions that the manager speaks, newest first.
    pub contract: Vec<u32>,
    /// Features that the manager knows; see [`crate::contract::feature`].
    #[serde(default)]
    pub features: Vec<String>,
    /// Name and version of the manager, for the handler's log.
    #[serde(default)]
    pub manager: String,
    /// The event this instance serves for its whole life (M-33, M-41).
    pub event: Event,
    /// People may be asked (`SYNCMGRFLAG_MAYBOTHERUSER`).
    #[serde(default)]
    pub may_bother_user: bool,
    /// Only listing, never synchronizing (`SYNCMGRFLAG_SETTINGS`).
    #[serde(default)]
    pub settings: bool,
    /// The caller's private bytes in base 64, only with [`Event::Invoke`] (M-37, M-38). Sync Center: `punk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// A directory that belongs to this handler alone, for what it must remember.
    #[serde(default)]
    pub state_dir: String,
    /// Items that the user defined for this handler, by item id, exactly as `item/define` returned them. A map too
    /// large for one line comes in pages by `item/definitions` notices that follow, when `more_definitions` is true.
    #[serde(default)]
    pub definitions: Map<String, Value>,
    /// More definitions follow at once as `item/definitions`, without waiting for the answer; the handler needs the
    /// last page before it can answer `items/list`, and may wait for it before it answers this.
    #[serde(default)]
    pub more_definitions: bool,
}

/// Answer to [`Initialize`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Initialized {
    /// The chosen contract version, one of those offered.
    pub contract: u32,
    /// Features that the handler has.
    #[serde(default)]
    pub features: Vec<String>,
    /// False: this event is not for me (`S_FALSE`, M-39); the manager releases the instance silently.
    #[serde(default = "takes_part")]
    pub takes_part: bool,
    /// What the handler says of itself.
    pub handler: HandlerInfo,
}

fn takes_part() -> bool {
    true
}

/// Asks for one page of the items. Classic: `EnumSyncMgrItems`, `Next`. Sync Center: `GetSyncItemEnumerator`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListItems {
    /// Where the previous page ended; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of items, at most [`crate::contract::MAX_PAGE`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Items are missing from the list although they exist (`S_SYNCMGR_MISSINGITEMS`, M-56).
    #[serde(default)]
    pub incomplete: bool,
}

/// Asks the handler to check and normalise an item that the user wants to add. Nothing is created yet: the manager
/// stores the definition and hands it over at the next `initialize`. Classic and Sync Center: none (set-up was the
/// program's own; the nearest is Sync Center's `Activate`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefineItem {
    /// A name the user wishes; the handler derives one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind's own arguments, for a folder pair `{"left": …, "right": …}`.
    pub arguments: Map<String, Value>,
}

/// Answer to [`DefineItem`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemDefinition {
    /// The item as it would be listed.
    pub item: Item,
    /// What the manager stores and hands back.
    pub definition: Value,
}

/// Names the items of the next run, in listing order, each once (M-69). Classic: `PrepareForSync`.
///
/// Answered by [`Started`] at once; the end comes as the callback `prepare/completed` (3.3: it may come first). Pages
/// with `more` are only collected and answered; the run's identifier of the last page counts, the answers of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Prepare {
    /// The items, at most [`crate::contract::MAX_PAGE`] a page.
    pub items: Vec<ItemId>,
    /// Further pages follow.
    pub more: bool,
    /// The run's identifier, for the handler's own records and for a later `undo`.
    pub run: String,
    /// Decisions taken on earlier questions, to be used in this run alone.
    pub answers: Vec<Answer>,
}

/// Starts the prepared run; only after a good `prepare/completed` (M-73). Classic and Sync Center: `Synchronize`.
///
/// Answered by [`Started`] at once; the end comes as the callback `synchronize/completed` (M-80).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Synchronize {}

/// Whether the asynchronous work began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "started")]
pub enum Started {
    /// It began (`S_OK`), or ended already.
    Yes,
    /// It cannot without asking somebody, and may not (`S_FALSE` from `PrepareForSync`, M-76).
    NeedsUser,
    /// It did not begin; no completion follows.
    No {
        /// Why, as a fragment that completes "could not start: …".
        reason: String,
    },
}

/// Says what the next run of these items would do, without any writing. Actions come as `plan/actions` callbacks
/// before the answer [`PlanSummary`]. Classic and Sync Center: none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanItems {
    /// The items.
    pub items: Vec<ItemId>,
    /// Decisions that the run would be given.
    pub answers: Vec<Answer>,
}

/// Answer to [`PlanItems`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanSummary {
    /// The totals for each item.
    pub items: Vec<ItemPlan>,
}

/// What a run would do with one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemPlan {
    /// The item.
    pub item: ItemId,
    /// Totals.
    pub counts: Counts,
    /// Why a guard would hold it, as a sentence; absent when none would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Why nothing can be said about it; absent when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Brings back what a run deleted or overwrote. Answered by [`Undone`] at the end; progress comes meanwhile.
/// Classic and Sync Center: none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undo {
    /// The item.
    pub item: ItemId,
    /// The run, as `prepare` named it.
    pub run: String,
    /// The identifier under which the undoing itself is recorded, so that it can be undone.
    pub as_run: String,
}

/// Answer to [`Undo`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Things brought back.
    pub restored: u64,
    /// Things that the run had made and that were taken away again.
    pub removed: u64,
    /// Things left alone, each as a sentence saying why; at most [`crate::contract::MAX_PAGE`].
    pub kept: Vec<String>,
    /// The same by direction; absent when the handler does not tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// Reads the properties, or writes them when `values` is given. Sync Center: property sheet as data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Properties {
    /// The item; absent for the handler itself (classic `GUID_NULL`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// New values by property name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Map<String, Value>>,
}

/// Answer to [`Properties`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PropertySheet {
    /// JSON Schema of the values, with titles and descriptions for people.
    pub schema: Value,
    /// The values in force.
    pub values: Map<String, Value>,
    /// The definition that the manager is to store from now on, when writing changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
    /// What the change means for the list of items.
    pub effect: PropertiesEffect,
}

/// What became of the list of items (classic `ShowPropertiesCompleted`, M-137).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PropertiesEffect {
    /// Nothing.
    #[default]
    Unchanged,
    /// The item is gone (`S_SYNCMGR_ITEMDELETED`).
    ItemDeleted,
    /// List the items again (`S_SYNCMGR_ENUMITEMS`).
    EnumerateItems,
}

/// Shows the handler's own property window; the end comes as `properties/completed`. Classic: `ShowProperties`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ShowProperties {
    /// The item; absent for the handler itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The owner window as a number, where the platform has such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}

/// Acts on a logged error whose link a person followed; the end comes as `error/completed`. Classic: `ShowError`.
/// Sync Center: `ISyncMgrEventLinkUIOperation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowError {
    /// The error's name, as `log` gave it.
    pub error: String,
    /// The owner window as a number, where the platform has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
}

/// Asks for one page of the open conflicts. Sync Center: `ISyncMgrConflictStore::EnumConflicts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListConflicts {
    /// Only those of this item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Where the previous page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of conflicts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConflictPage {
    /// The conflicts, at most [`crate::contract::MAX_PAGE`].
    pub conflicts: Vec<Conflict>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Two or more versions of one thing that the handler could not reconcile. Sync Center: `ISyncMgrConflict`.
///
/// It belongs to the handler: the manager keeps a copy for show and removes none by itself (C golden rule 3.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// Opaque and stable, compared bytewise.
    pub id: String,
    /// The item it belongs to.
    pub item: ItemId,
    /// What is in conflict, for people; control characters neutralised.
    pub name: String,
    /// Why, as a sentence.
    pub summary: String,
    /// When it was found, in milliseconds since 1970-01-01T00:00:00Z.
    pub found_ms: i64,
    /// The versions, two or more.
    pub versions: Vec<ConflictVersion>,
    /// The choices offered, by name, such as `left`, `right`, `both`.
    pub choices: Vec<Choice>,
}

/// One version within a conflict. Sync Center: `CONFIRM_CONFLICT_ITEM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictVersion {
    /// Where it is, for people, such as `left`.
    pub place: String,
    /// Full location, for people; control characters neutralised.
    pub location: String,
    /// The thing was deleted there (`SYNCMGR_CIT_DELETED`).
    #[serde(default)]
    pub deleted: bool,
    /// What it is: `file`, `directory`, `symlink` or the handler's own word.
    #[serde(default)]
    pub kind: String,
    /// Size in bytes, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was modified, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
}

/// Asks for a piece of what one version of a conflict contains. Sync Center: the `IStream` of `CONFIRM_CONFLICT_ITEM.pShellItem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadVersion {
    /// The item.
    pub item: ItemId,
    /// The conflict.
    pub conflict: String,
    /// The version, by its place.
    pub place: String,
    /// Where the piece begins, in bytes.
    #[serde(default)]
    pub offset: u64,
    /// Most bytes wanted; never more than [`crate::contract::MAX_PIECE_BYTES`] are answered.
    pub max: u32,
}

/// Answer to [`ReadVersion`]. A version that is deleted, or holds no bytes such as a directory, is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionPiece {
    /// The bytes in base 64; fewer than wanted only at the end.
    pub content: String,
    /// How many bytes the whole version has.
    pub total: u64,
    /// When it was modified, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// It is not, or not certainly, the version that `conflicts/list` told of.
    #[serde(default)]
    pub changed: bool,
}

/// One answer that a question or conflict offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The name to answer with, short and lower-case, such as `left`.
    pub name: String,
    /// What it does, for people.
    pub label: String,
}

/// Carries out a choice. Sync Center: `ISyncMgrResolutionHandler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolveConflict {
    /// The item.
    pub item: ItemId,
    /// The conflict.
    pub conflict: String,
    /// One of the offered choices.
    pub choice: String,
    /// The identifier under which the change is recorded, so that it can be undone.
    pub as_run: String,
}

/// Answer to [`ResolveConflict`] (`SYNCMGR_RESOLUTION_FEEDBACK`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    tag = "feedback"
)]
pub enum Resolved {
    /// Done; go on with the next one.
    Continue {
        /// Where the other version rests, for people; absent when nothing was replaced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<String>,
        /// Until when it rests there, in milliseconds since 1970-01-01T00:00:00Z; absent when that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
        /// What was moved for it; absent when that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counts: Option<Counts>,
    },
    /// The conflict changed meanwhile: show it again.
    Refresh,
}

/// Asks the handler to end: no further call follows, and it exits within the grace period. Work that still runs is
/// cancelled and completed first; the answer is the last message. Standard input ends after it, which means the same
/// for a handler that does not know the request. Classic: `SetProgressCallback(NULL)` and the final `Release`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {}

/// An answer without content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// How far a cancellation reaches (`SYNCMGR_CANCEL_REQUEST`); it only ever rises.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Go on (`S_OK`).
    #[default]
    Continue,
    /// Abandon this item (`S_SYNCMGR_CANCELITEM`).
    CancelItem,
    /// Abandon every item (`S_SYNCMGR_CANCELALL`).
    CancelAll,
}

/// Tells that an item is to be skipped, or everything stopped. Classic: `SetItemStatus` with
/// `SYNCMGRSTATUS_SKIPPED`; `Progress` answers the same from then on. Sync Center: `CanContinue`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemStatusNotice {
    /// The item; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// What to do from now on.
    pub verdict: Verdict,
}

/// A further page of the definitions that [`Initialize`] began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Definitions {
    /// By item id.
    pub definitions: Map<String, Value>,
    /// Further pages follow.
    #[serde(default)]
    pub more: bool,
}

macro_rules! messages {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $method:literal => $variant:ident($params:ty) $(-> $answer:ty)?;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
        #[serde(tag = "method", content = "params")]
        pub enum $name {
            $(
                #[doc = concat!("`", $method, "`: see the parameters.")]
                $(#[$vmeta])*
                #[serde(rename = $method)]
                $variant($params),
            )*
        }

        impl $name {
            /// Every method name of this direction.
            pub const METHODS: &'static [&'static str] = &[$($method),*];

            /// The method name on the wire.
            #[must_use]
            pub fn method(&self) -> &'static str {
                match self { $(Self::$variant(_) => $method,)* }
            }

            /// Describes every method of this direction.
            pub(crate) fn describe(generator: &mut schemars::SchemaGenerator) -> Vec<$crate::schema::Method> {
                vec![$({
                    let answers: Vec<schemars::Schema> = vec![$(generator.subschema_for::<$answer>())?];
                    $crate::schema::Method {
                        name: $method,
                        params: generator.subschema_for::<$params>(),
                        answer: answers.into_iter().next(),
                    }
                },)*]
            }

            /// Appends the message as one line, as a request when `id` is given, else as a notification.
            ///
            /// # Errors
            /// [`EncodeError`](crate::frame::EncodeError): it has no form in JSON, or the line would be too long.
            pub fn encode(&self, out: &mut Vec<u8>, id: Option<u64>) -> Result<(), $crate::frame::EncodeError> {
                match self { $(Self::$variant(params) => $crate::frame::ask(out, id, $method, params),)* }
            }

            /// Reads the parameters of a method; absent parameters count as an empty object.
            ///
            /// # Errors
            /// [`DecodeError`](crate::frame::DecodeError): the method is unknown, or its parameters are not of its form.
            pub fn decode(method: &str, params: Option<&serde_json::value::RawValue>) -> Result<Self, $crate::frame::DecodeError> {
                let params = params.map_or("{}", serde_json::value::RawValue::get);
                match method {
                    $($method => serde_json::from_str::<$params>(params)
                        .map(Self::$variant)
                        .map_err(|cause| $crate::frame::DecodeError::Params { method: $method, cause }),)*
                    _ => Err($crate::frame::DecodeError::UnknownMethod(method.chars().take(64).collect())),
                }
            }
        }

        $($(impl $crate::frame::Answered for $params { type Answer = $answer; const METHOD: &'static str = $method; })?)*
    };
}
pub(crate) use messages;

messages! {
    /// A request of the manager; the handler answers each, in any order.
    Call {
        "initialize" => Initialize(Initialize) -> Initialized;
        "items/list" => ListItems(ListItems) -> ItemPage;
        "item/define" => DefineItem(DefineItem) -> ItemDefinition;
        "prepare" => Prepare(Prepare) -> Started;
        "synchronize" => Synchronize(Synchronize) -> Started;
        "plan" => Plan(PlanItems) -> PlanSummary;
        "undo" => Undo(Undo) -> Undone;
        "properties" => Properties(Properties) -> PropertySheet;
        "properties/show" => ShowProperties(ShowProperties) -> Started;
        "error/show" => ShowError(ShowError) -> Started;
        "conflicts/list" => ListConflicts(ListConflicts) -> ConflictPage;
        "conflicts/resolve" => ResolveConflict(ResolveConflict) -> Resolved;
        "conflicts/read" => ReadVersion(ReadVersion) -> VersionPiece;
        "release" => Release(Release) -> Done;
    }
}

messages! {
    /// A notification of the manager; not answered.
    Notice {
        "item/status" => ItemStatus(ItemStatusNotice);
        "item/definitions" => Definitions(Definitions);
    }
}
