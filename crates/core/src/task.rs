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
    /// Its own program starts it, and nobody else.
    OwnProgram,
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
            Self::OwnProgram => "its own program decides when",
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
            policy(HP::OwnProgram)
                .then_some(Greyed::OwnProgram)
                .or(policy(HP::DisableStartSync).then_some(Greyed::Policy))
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
            of_handler(HP::OwnProgram)
                .then_some(Greyed::OwnProgram)
                .or(
                    (policy(IP::DisableStartSync) || of_handler(HP::DisableStartSync))
                        .then_some(Greyed::Policy),
                )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HandlerId, ItemId, ItemRef};
    use crate::time::Timestamp;

    fn handler() -> HandlerRow {
        HandlerRow {
            id: HandlerId::new("h").unwrap(),
            name: "h".to_owned(),
            comment: String::new(),
            version: "1".to_owned(),
            activation: Activation::Active,
            enabled: true,
            connected: Connected::Unknown,
            always_list: false,
            hidden: false,
            capabilities: [].into(),
            policies: [].into(),
            asked: true,
            problem: None,
        }
    }

    fn item() -> ItemRow {
        ItemRow {
            at: ItemRef {
                handler: HandlerId::new("h").unwrap(),
                item: ItemId::new("i").unwrap(),
            },
            name: "i".to_owned(),
            comment: String::new(),
            labels: [].into(),
            checked: true,
            tick: None,
            enabled: true,
            connected: Connected::Unknown,
            temporary: false,
            hidden: false,
            capabilities: [].into(),
            policies: [].into(),
            lanes: [].into(),
            since: Timestamp(0),
            expected_freshness: None,
            last_attempt: None,
            last_good: None,
            last_run: None,
            last_status: None,
            last_problem: None,
            retry: None,
            stall: None,
            held: None,
        }
    }

    fn check_handler(
        change: impl FnOnce(&mut HandlerRow),
        run: RunState,
        task: HandlerTask,
        expected: Offer,
    ) {
        let mut row = handler();
        change(&mut row);
        assert_eq!(handler_task(&row, run, task), expected, "{task:?} {row:?}");
    }

    fn check_item(
        change: impl FnOnce(&mut HandlerRow, &mut ItemRow),
        run: RunState,
        task: ItemTask,
        expected: Offer,
    ) {
        let (mut handler, mut row) = (handler(), item());
        change(&mut handler, &mut row);
        let got = item_task(&handler, &row, run, task);
        assert_eq!(got, expected, "{task:?} {handler:?} {row:?}");
    }

    #[test]
    fn handler_tasks_of_3_3() {
        use HandlerTask as T;
        use Offer::{Greyed as G, Hidden, Offered};
        use RunState::{Idle, Syncing};
        let off = |row: &mut HandlerRow| row.activation = Activation::Inactive;
        let policy = |policy| move |row: &mut HandlerRow| row.policies = [policy].into();
        let same = |_: &mut HandlerRow| {};
        check_handler(off, Idle, T::SetUp, Offered);
        check_handler(same, Idle, T::SetUp, Hidden);
        check_handler(
            |row| {
                off(row);
                policy(HP::PreventActivate)(row);
            },
            Idle,
            T::SetUp,
            Hidden,
        );
        check_handler(same, Idle, T::EndPartnership, Offered);
        check_handler(off, Idle, T::EndPartnership, Hidden);
        check_handler(
            policy(HP::PreventDeactivate),
            Idle,
            T::EndPartnership,
            Hidden,
        );
        check_handler(same, Idle, T::Enable, Hidden);
        check_handler(|row| row.enabled = false, Idle, T::Enable, Offered);
        check_handler(
            |row| {
                row.enabled = false;
                policy(HP::DisableEnable)(row);
            },
            Idle,
            T::Enable,
            G(Greyed::Policy),
        );
        check_handler(
            |row| {
                row.enabled = false;
                policy(HP::PreventEnable)(row);
            },
            Idle,
            T::Enable,
            Hidden,
        );
        check_handler(same, Idle, T::Disable, Offered);
        check_handler(policy(HP::PreventDisable), Idle, T::Disable, Hidden);
        check_handler(
            policy(HP::DisableDisable),
            Idle,
            T::Disable,
            G(Greyed::Policy),
        );
        check_handler(same, Idle, T::StartSync, Offered);
        check_handler(off, Idle, T::StartSync, Hidden);
        check_handler(policy(HP::PreventStartSync), Idle, T::StartSync, Hidden);
        check_handler(
            policy(HP::DisableStartSync),
            Idle,
            T::StartSync,
            G(Greyed::Policy),
        );
        check_handler(
            policy(HP::OwnProgram),
            Idle,
            T::StartSync,
            G(Greyed::OwnProgram),
        );
        check_handler(
            |row| row.enabled = false,
            Idle,
            T::StartSync,
            G(Greyed::Disabled),
        );
        check_handler(
            |row| row.connected = Connected::No,
            Idle,
            T::StartSync,
            G(Greyed::Disconnected),
        );
        check_handler(same, Idle, T::StopSync, Hidden);
        check_handler(same, Syncing, T::StopSync, Offered);
        check_handler(policy(HP::PreventStopSync), Syncing, T::StopSync, Hidden);
        check_handler(
            policy(HP::DisableStopSync),
            Syncing,
            T::StopSync,
            G(Greyed::Policy),
        );
        check_handler(same, Idle, T::Browse, Hidden);
        let browse = |row: &mut HandlerRow| row.capabilities = [HC::Browse].into();
        check_handler(browse, Idle, T::Browse, Offered);
        check_handler(
            |row| {
                browse(row);
                policy(HP::DisableBrowse)(row); // the bit is honoured
            },
            Idle,
            T::Browse,
            G(Greyed::Policy),
        );
        check_handler(same, Idle, T::Schedule, Hidden);
        check_handler(
            |row| row.capabilities = [HC::Schedule].into(),
            Idle,
            T::Schedule,
            Offered,
        );
        check_handler(
            |row| {
                row.capabilities = [HC::Schedule].into();
                policy(HP::DisableSchedule)(row);
            },
            Idle,
            T::Schedule,
            G(Greyed::Policy),
        );
        check_handler(off, Idle, T::Properties, Offered);
    }

    #[test]
    fn item_tasks_of_3_3() {
        use ItemTask as T;
        use Offer::{Greyed as G, Hidden, Offered};
        use RunState::{Idle, Syncing};
        let policy =
            |policy| move |_: &mut HandlerRow, row: &mut ItemRow| row.policies = [policy].into();
        let of_handler =
            |policy| move |row: &mut HandlerRow, _: &mut ItemRow| row.policies = [policy].into();
        let same = |_: &mut HandlerRow, _: &mut ItemRow| {};
        check_item(same, Idle, T::Enable, Hidden);
        check_item(|_, row| row.enabled = false, Idle, T::Enable, Offered);
        check_item(same, Idle, T::Disable, Offered);
        check_item(policy(IP::PreventDisable), Idle, T::Disable, Hidden);
        check_item(
            policy(IP::DisableDisable),
            Idle,
            T::Disable,
            G(Greyed::Policy),
        );
        check_item(same, Idle, T::StartSync, Offered);
        check_item(policy(IP::PreventStartSync), Idle, T::StartSync, Hidden);
        check_item(of_handler(HP::PreventStartSync), Idle, T::StartSync, Hidden);
        check_item(
            policy(IP::DisableStartSync),
            Idle,
            T::StartSync,
            G(Greyed::Policy),
        );
        check_item(
            |_, row| row.enabled = false,
            Idle,
            T::StartSync,
            G(Greyed::Disabled),
        );
        check_item(
            |row, _| row.enabled = false,
            Idle,
            T::StartSync,
            G(Greyed::Disabled),
        );
        check_item(
            |_, row| row.connected = Connected::No,
            Idle,
            T::StartSync,
            G(Greyed::Disconnected),
        );
        check_item(same, Syncing, T::StopSync, Offered);
        check_item(same, Idle, T::StopSync, G(Greyed::NotRunning));
        check_item(policy(IP::PreventStopSync), Syncing, T::StopSync, Hidden);
        check_item(
            of_handler(HP::PreventStopSync),
            Syncing,
            T::StopSync,
            Hidden,
        );
        check_item(
            policy(IP::DisableStopSync),
            Syncing,
            T::StopSync,
            G(Greyed::Policy),
        );
        check_item(same, Idle, T::Browse, Hidden);
        check_item(
            |_, row| row.capabilities = [IC::Browse].into(),
            Idle,
            T::Browse,
            Offered,
        );
        check_item(same, Idle, T::Delete, Hidden);
        check_item(
            |_, row| {
                row.capabilities = [IC::Delete].into();
                row.policies = [IP::DisableDelete].into();
            },
            Idle,
            T::Delete,
            G(Greyed::Policy),
        );
        check_item(same, Idle, T::Plan, Hidden);
        check_item(
            |row, _| row.capabilities = [HC::Plan].into(),
            Idle,
            T::Plan,
            Offered,
        );
    }
}
