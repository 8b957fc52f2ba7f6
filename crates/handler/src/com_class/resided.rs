//! Keeps the library in memory for as long as a thread of the handler's still works.

use syncmgr_com::com_class::Resident;

use crate::author::{Handler, Introduction, ItemList, Start};
use crate::call::{
    Conflict, DefineItem, ItemDefinition, ItemPlan, Properties, PropertiesEffect, PropertySheet,
    ReadVersion, ResolveConflict, Resolved, ShowError, ShowProperties, Started, Undo, Undone,
    VersionPiece,
};
use crate::frame::RpcError;
use crate::item::ItemId;
use crate::run::{ActionSink, Run, Unfinished};

/// A handler and what counts it. Every thread that works for it holds it.
pub(super) struct Resided<H> {
    pub(super) handler: H,
    pub(super) _resident: Resident,
}

macro_rules! forwarded {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl<H: Handler> Handler for Resided<H> {
            $(fn $name(&self, $($argument: $type),*) -> $answer {
                self.handler.$name($($argument),*)
            })*
        }
    };
}

forwarded! {
    fn features() -> Vec<&'static str>;
    fn initialize(start: &Start) -> Result<Introduction, RpcError>;
    fn items() -> Result<ItemList, RpcError>;
    fn define(wish: &DefineItem) -> Result<ItemDefinition, RpcError>;
    fn can_start(run: &Run) -> Started;
    fn prepare(run: &Run) -> Result<(), Unfinished>;
    fn synchronize(run: &Run) -> Result<(), Unfinished>;
    fn plan(run: &Run, actions: &mut ActionSink<'_>) -> Result<Vec<ItemPlan>, RpcError>;
    fn undo(what: &Undo, run: &Run) -> Result<Undone, RpcError>;
    fn conflicts(item: Option<&ItemId>) -> Result<Vec<Conflict>, RpcError>;
    fn resolve(choice: &ResolveConflict) -> Result<Resolved, RpcError>;
    fn read_version(what: &ReadVersion) -> Result<VersionPiece, RpcError>;
    fn properties(what: &Properties) -> Result<PropertySheet, RpcError>;
    fn show_properties(what: &ShowProperties, run: &Run) -> Result<PropertiesEffect, RpcError>;
    fn show_error(what: &ShowError, run: &Run) -> Result<Vec<ItemId>, RpcError>;
}
