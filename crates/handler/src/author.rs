//! The trait that a handler implements.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::call::Conflict;
use crate::call::{
    DefineItem, Event, ItemDefinition, ItemPlan, Properties, PropertiesEffect, PropertySheet,
    ReadVersion, ResolveConflict, Resolved, ShowError, ShowProperties, Started, Undo, Undone,
    VersionPiece,
};
use crate::frame::RpcError;
use crate::item::{HandlerInfo, Item, ItemId};
use crate::run::{ActionSink, Run, Unfinished};

/// How and for what an instance was started.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The event this instance serves for its whole life.
    pub event: Event,
    /// People may be asked.
    pub may_bother_user: bool,
    /// Only listing, never synchronizing.
    pub settings: bool,
    /// The caller's private bytes, only with [`Event::Invoke`].
    pub cookie: Option<Vec<u8>>,
    /// A directory that belongs to this handler alone.
    pub state_dir: PathBuf,
    /// Items that the user defined, by item id, as [`Handler::define`] returned them.
    pub definitions: Map<String, Value>,
    /// Name and version of the manager.
    pub manager: String,
    /// Features that the manager knows.
    pub features: Vec<String>,
}

/// What a handler answers to being started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Introduction {
    /// What it says of itself.
    pub info: HandlerInfo,
    /// This event is not for it; the manager ends the instance silently.
    pub stays_out: bool,
}

/// All items of a handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemList {
    /// The items, at most [`crate::contract::MAX_ITEMS`].
    pub items: Vec<Item>,
    /// Items are missing although they exist.
    pub incomplete: bool,
}

/// A program that can synchronize items.
///
/// [`serve`](crate::serve::serve) calls each method on a thread of its own, [`initialize`](Self::initialize) first and
/// before anything else. `prepare` and `synchronize` never run twice at once. A method that the handler does not
/// announce in [`features`](Self::features) is not called. A panic costs only the call that it happens in.
pub trait Handler: Send + Sync {
    /// Names the optional parts that this handler has; see [`crate::contract::feature`].
    fn features(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Begins the instance. Shows nothing and asks nothing.
    ///
    /// # Errors
    /// The instance ends with the refusal in the log.
    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError>;

    /// Lists every item.
    ///
    /// # Errors
    /// Nothing is listed and the refusal is logged.
    fn items(&self) -> Result<ItemList, RpcError>;

    /// Checks and normalises an item that the user wants to add (feature `item/define`). Creates nothing.
    ///
    /// # Errors
    /// The refusal is shown to the user.
    fn define(&self, wish: &DefineItem) -> Result<ItemDefinition, RpcError> {
        let _: &DefineItem = wish;
        Err(absent("item/define"))
    }

    /// Says whether the run can begin, quickly and without any work: [`Started::NeedsUser`] when it would have to ask
    /// somebody and may not (H-28).
    fn can_start(&self, run: &Run) -> Started {
        let _: &Run = run;
        Started::Yes
    }

    /// Prepares the run; questions to people belong here rather than into `synchronize` (H-42). Returning is the
    /// completion.
    ///
    /// # Errors
    /// `synchronize` is then not called.
    fn prepare(&self, run: &Run) -> Result<(), Unfinished> {
        let _: &Run = run;
        Ok(())
    }

    /// Synchronizes the prepared items and gives each a terminal status (H-39). Returning is the completion.
    ///
    /// # Errors
    /// Items without a terminal status count as failed, or as cancelled.
    fn synchronize(&self, run: &Run) -> Result<(), Unfinished>;

    /// Says what the next run of these items would do, without any writing (feature `plan`).
    ///
    /// # Errors
    /// The refusal is shown.
    fn plan(&self, run: &Run, actions: &mut ActionSink<'_>) -> Result<Vec<ItemPlan>, RpcError> {
        let _: (&Run, &mut ActionSink<'_>) = (run, actions);
        Err(absent("plan"))
    }

    /// Brings back what a run deleted or overwrote (feature `undo`).
    ///
    /// # Errors
    /// The refusal is shown.
    fn undo(&self, what: &Undo, run: &Run) -> Result<Undone, RpcError> {
        let _: (&Undo, &Run) = (what, run);
        Err(absent("undo"))
    }

    /// Lists the open conflicts of an item, or all (feature `conflicts`).
    ///
    /// # Errors
    /// The refusal is logged.
    fn conflicts(&self, item: Option<&ItemId>) -> Result<Vec<Conflict>, RpcError> {
        let _: Option<&ItemId> = item;
        Err(absent("conflicts/list"))
    }

    /// Carries out a choice (feature `conflicts`).
    ///
    /// # Errors
    /// The refusal is shown and the conflict stays.
    fn resolve(&self, choice: &ResolveConflict) -> Result<Resolved, RpcError> {
        let _: &ResolveConflict = choice;
        Err(absent("conflicts/resolve"))
    }

    /// Reads a piece of what one version of an open conflict contains (feature `conflicts/read`). Only what belongs to that
    /// conflict may be read: the request names no path.
    ///
    /// # Errors
    /// The refusal is shown in place of the content.
    fn read_version(&self, what: &ReadVersion) -> Result<VersionPiece, RpcError> {
        let _: &ReadVersion = what;
        Err(absent("conflicts/read"))
    }

    /// Reads the properties, or writes them (feature `properties`).
    ///
    /// # Errors
    /// The refusal is shown and nothing is changed.
    fn properties(&self, what: &Properties) -> Result<PropertySheet, RpcError> {
        let _: &Properties = what;
        Err(absent("properties"))
    }

    /// Shows the handler's own property window until it is closed (feature `properties`).
    ///
    /// # Errors
    /// The refusal is logged and nothing is changed.
    fn show_properties(
        &self,
        what: &ShowProperties,
        run: &Run,
    ) -> Result<PropertiesEffect, RpcError> {
        let _: (&ShowProperties, &Run) = (what, run);
        Err(absent("properties/show"))
    }

    /// Acts on a logged error and returns the items to run again (feature `error/show`).
    ///
    /// # Errors
    /// The refusal is logged and nothing is run again.
    fn show_error(&self, what: &ShowError, run: &Run) -> Result<Vec<ItemId>, RpcError> {
        let _: (&ShowError, &Run) = (what, run);
        Err(absent("error/show"))
    }
}

/// The answer of a handler that has no such method.
pub(crate) fn absent(method: &str) -> RpcError {
    let text = format!("this handler has no `{method}`");
    RpcError::new(RpcError::METHOD_NOT_FOUND, text)
}
