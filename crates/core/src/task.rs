//! Which task is offered for a handler or an item: one function for every face (Sync Center 3.3). Policy wins over
//! capability; prevent hides a task, disable greys it.

use crate::item::{
    Activation, Connected, HandlerCapability as HC, HandlerPolicy as HP, HandlerRow,
    ItemCapability as IC, ItemPolicy as IP, ItemRow, RunState,
};

/// Whether a task is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// Not shown at all.
    Hidden,
    /// Shown, and not possible now.
    Greyed(Greyed),
    /// Shown and possible.
    Offered,
}

/// Why a task is greyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Greyed {
    /// A policy of the handler or item.
    Policy,
    /// It is turned off.
    Disabled,
    /// It cannot be reached.
    Disconnected,
    /// It does not run.
    NotRunning,
}

impl Greyed {
    /// The reason as a fragment.
    #[must_use]
    pub fn fragment(self) -> &'static str {
        match self {
            Self::Policy => "a policy of its handler forbids it now",
            Self::Disabled => "it is turned off",
            Self::Disconnected => "it cannot be reached",
            Self::NotRunning => "it does not run",
        }
    }
}

/// Tasks of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandlerTask {
    /// Set it up.
    SetUp,
    /// End the partnership.
    EndPartnership,
    /// Turn it on.
    Enable,
    /// Turn it off.
    Disable,
    /// Start synchronizing.
    StartSync,
    /// Stop synchronizing.
    StopSync,
    /// Look at its content.
    Browse,
    /// Look at its schedule.
    Schedule,
    /// Look at its properties; always offered, the hidden state is changed there.
    Properties,
}

/// Tasks of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemTask {
    /// Turn it on.
    Enable,
    /// Turn it off.
    Disable,
    /// Start synchronizing.
    StartSync,
    /// Stop synchronizing.
    StopSync,
    /// Look at its content.
    Browse,
    /// Delete it.
    Delete,
    /// Say what synchronizing would do; ours.
    Plan,
    /// Bring back what a run replaced; ours.
    Undo,
}

/// The handler's row of the table.
#[must_use]
pub fn handler_task(handler: &HandlerRow, run: RunState, task: HandlerTask) -> Offer {
    let active = handler.activation == Activation::Active;
    let policy = |policy| handler.policies.contains(&policy);
    let can = |capability| handler.capabilities.contains(&capability);
    let hidden_unless = |shown: bool| if shown { None } else { Some(Offer::Hidden) };
    let (shown, greyed) = match task {
        HandlerTask::SetUp => (!active && !policy(HP::PreventActivate), None),
        HandlerTask::EndPartnership => (active && !policy(HP::PreventDeactivate), None),
        HandlerTask::Enable => (
            active && !handler.enabled && !policy(HP::PreventEnable),
            policy(HP::DisableEnable).then_some(Greyed::Policy),
        ),
        HandlerTask::Disable => (
            active && handler.enabled && !policy(HP::PreventDisable),
            policy(HP::DisableDisable).then_some(Greyed::Policy),
        ),
        HandlerTask::StartSync => (
            active && !policy(HP::PreventStartSync),
            policy(HP::DisableStartSync)
                .then_some(Greyed::Policy)
                .or((!handler.enabled).then_some(Greyed::Disabled))
                .or((handler.connected == Connected::No).then_some(Greyed::Disconnected)),
        ),
        HandlerTask::StopSync => (
            matches!(run, RunState::Syncing | RunState::Stopping) && !policy(HP::PreventStopSync),
            policy(HP::DisableStopSync).then_some(Greyed::Policy),
        ),
        HandlerTask::Browse => (
            can(HC::Browse),
            policy(HP::DisableBrowse).then_some(Greyed::Policy),
        ),
        HandlerTask::Schedule => (
            can(HC::Schedule),
            policy(HP::DisableSchedule).then_some(Greyed::Policy),
        ),
        HandlerTask::Properties => (true, None),
    };
    hidden_unless(shown)
        .or(greyed.map(Offer::Greyed))
        .unwrap_or(Offer::Offered)
}

/// The item's row of the table. What holds its handler back greys the start of its items too.
#[must_use]
pub fn item_task(handler: &HandlerRow, item: &ItemRow, run: RunState, task: ItemTask) -> Offer {
    let of_handler = |policy| handler.policies.contains(&policy);
    let policy = |policy| item.policies.contains(&policy);
    let active = handler.activation == Activation::Active;
    let off = (!handler.enabled || !item.enabled).then_some(Greyed::Disabled);
    let away = (handler.connected == Connected::No || item.connected == Connected::No)
        .then_some(Greyed::Disconnected);
    let (shown, greyed) = match task {
        ItemTask::Enable => (
            !item.enabled && !policy(IP::PreventEnable),
            policy(IP::DisableEnable).then_some(Greyed::Policy),
        ),
        ItemTask::Disable => (
            item.enabled && !policy(IP::PreventDisable),
            policy(IP::DisableDisable).then_some(Greyed::Policy),
        ),
        ItemTask::StartSync => (
            active && !policy(IP::PreventStartSync) && !of_handler(HP::PreventStartSync),
            (policy(IP::DisableStartSync) || of_handler(HP::DisableStartSync))
                .then_some(Greyed::Policy)
                .or(off)
                .or(away),
        ),
        ItemTask::StopSync => (
            !policy(IP::PreventStopSync) && !of_handler(HP::PreventStopSync),
            (policy(IP::DisableStopSync) || of_handler(HP::DisableStopSync))
                .then_some(Greyed::Policy)
                .or((run == RunState::Idle).then_some(Greyed::NotRunning)),
        ),
        ItemTask::Browse => (
            item.capabilities.contains(&IC::Browse),
            policy(IP::DisableBrowse).then_some(Greyed::Policy),
        ),
        ItemTask::Delete => (
            item.capabilities.contains(&IC::Delete),
            policy(IP::DisableDelete).then_some(Greyed::Policy),
        ),
        ItemTask::Plan => (active && handler.capabilities.contains(&HC::Plan), off),
        ItemTask::Undo => (active && handler.capabilities.contains(&HC::Undo), None),
    };
    if !shown {
        Offer::Hidden
    } else {
        greyed.map_or(Offer::Offered, Offer::Greyed)
    }
}
