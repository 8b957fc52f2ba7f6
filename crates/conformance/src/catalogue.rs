//! Every check: its number, what it requires, and how it is judged.
//!
//! `H-…` are the obligations of a handler (mobsync 5.2), each of them, also those that nobody can see from outside; `J-…`
//! are what the messages require beyond them (docs/handlers.md).

use crate::judge::{self, Evidence, Judgement};
use crate::scenario::{Phase, Scenario};
use crate::subject::Speech;
use syncmgr_handler::call::Event;

/// How much a breach weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A breach is a failure.
    Must,
    /// A breach is a warning.
    Should,
}

/// Where the judgement comes from.
pub(crate) enum Basis {
    /// From what was observed.
    Seen(fn(&Evidence) -> Judgement),
    /// From the adapter that carries a COM class; does not concern handlers that speak messages.
    Class(Sight),
    /// From nowhere: why it cannot be observed.
    Hidden(&'static str),
}

/// What a class must have done before the silence of its adapter says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It began.
    Began,
    /// It prepared items, and synchronized them.
    Worked,
}

/// One check.
pub struct Check {
    /// Its number.
    pub id: &'static str,
    /// What is required.
    pub requirement: &'static str,
    /// How much a breach weighs.
    pub weight: Weight,
    pub(crate) basis: Basis,
    /// The scenarios that are about it; whatever else is played is looked at as well.
    scenes: &'static [Scenario],
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("id", &self.id)
            .field("requirement", &self.requirement)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl Check {
    /// How it is judged, for the documentation.
    #[must_use]
    pub fn how(&self) -> &'static str {
        match self.basis {
            Basis::Seen(_) => "observed",
            Basis::Class(_) => "COM classes only: reported by `comhost`",
            Basis::Hidden(why) => why,
        }
    }

    /// Whether what is observed can fail it.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        matches!(self.basis, Basis::Seen(_))
    }

    /// Whether the scenario must be played to judge it. A plain run is played always.
    pub(crate) fn needs(&self, scenario: Scenario, speech: Speech) -> bool {
        match self.basis {
            Basis::Class(_) if speech == Speech::Messages => false,
            Basis::Seen(_) | Basis::Class(_) => self.scenes.contains(&scenario),
            Basis::Hidden(_) => false,
        }
    }
}

const fn must(
    id: &'static str,
    requirement: &'static str,
    judge: fn(&Evidence) -> Judgement,
    scenes: &'static [Scenario],
) -> Check {
    Check {
        id,
        requirement,
        weight: Weight::Must,
        basis: Basis::Seen(judge),
        scenes,
    }
}

const fn should(
    id: &'static str,
    requirement: &'static str,
    judge: fn(&Evidence) -> Judgement,
    scenes: &'static [Scenario],
) -> Check {
    Check {
        id,
        requirement,
        weight: Weight::Should,
        basis: Basis::Seen(judge),
        scenes,
    }
}

const fn class(id: &'static str, requirement: &'static str, sight: Sight) -> Check {
    Check {
        id,
        requirement,
        weight: Weight::Must,
        basis: Basis::Class(sight),
        scenes: CLASS,
    }
}

const fn hidden(id: &'static str, requirement: &'static str, why: &'static str) -> Check {
    Check {
        id,
        requirement,
        weight: Weight::Must,
        basis: Basis::Hidden(why),
        scenes: &[],
    }
}

/// What of a class is seen by its adapter.
const CLASS: &[Scenario] = &[
    Scenario::Settings,
    Scenario::Retry,
    Scenario::Stop(Phase::Midway),
    Scenario::Leave(Phase::Midway),
];
/// What any run shows; the plain one is always played.
const RUN: &[Scenario] = &[Scenario::Plain];
const RUNS: &[Scenario] = &[
    Scenario::Again,
    Scenario::Unattended,
    Scenario::Subset,
    Scenario::Retry,
];
const EVENTS: &[Scenario] = &[
    Scenario::Settings,
    Scenario::Other(Event::Connect),
    Scenario::Other(Event::PendingDisconnect),
    Scenario::Other(Event::Idle),
    Scenario::Other(Event::Invoke),
    Scenario::Unattended,
];
const AGAIN: &[Scenario] = &[Scenario::Again];
const RETRY: &[Scenario] = &[Scenario::Retry];
const SETTINGS: &[Scenario] = &[Scenario::Settings];
const UNATTENDED: &[Scenario] = &[Scenario::Unattended];
const UNLISTED: &[Scenario] = &[Scenario::Unlisted];
const SKIP: &[Scenario] = &[Scenario::Skip];
const PREPARED: &[Scenario] = &[Scenario::Retry, Scenario::Stop(Phase::Prepare)];
/// Where a handler has a reason to refuse work.
const REFUSED: &[Scenario] = &[Scenario::Unattended, Scenario::Retry, Scenario::Unlisted];
const STOPS: &[Scenario] = &[
    Scenario::Stop(Phase::Prepare),
    Scenario::Stop(Phase::Early),
    Scenario::Stop(Phase::Midway),
    Scenario::Stop(Phase::Late),
];
/// Every way in which a run may be over.
const OVER: &[Scenario] = &[
    Scenario::Retry,
    Scenario::Skip,
    Scenario::Stop(Phase::Early),
    Scenario::Stop(Phase::Midway),
    Scenario::Stop(Phase::Late),
];
const RELEASES: &[Scenario] = &[
    Scenario::Leave(Phase::Initialize),
    Scenario::Leave(Phase::List),
    Scenario::Leave(Phase::Between),
    Scenario::Leave(Phase::Midway),
];
const UNPLUGS: &[Scenario] = &[
    Scenario::Unplug(Phase::List),
    Scenario::Unplug(Phase::Midway),
];
const KILLS: &[Scenario] = &[
    Scenario::Kill(Phase::Initialize),
    Scenario::Heal(Phase::Initialize),
    Scenario::Kill(Phase::List),
    Scenario::Heal(Phase::List),
    Scenario::Kill(Phase::Prepare),
    Scenario::Heal(Phase::Prepare),
    Scenario::Kill(Phase::Early),
    Scenario::Heal(Phase::Early),
    Scenario::Kill(Phase::Midway),
    Scenario::Heal(Phase::Midway),
    Scenario::Kill(Phase::Late),
    Scenario::Heal(Phase::Late),
];
const VERSION: &[Scenario] = &[Scenario::Version];
const UNKNOWN: &[Scenario] = &[Scenario::Unknown];
const DEFINE: &[Scenario] = &[Scenario::Define];
const PROPERTIES: &[Scenario] = &[Scenario::Properties];
const PLAN: &[Scenario] = &[Scenario::Plan];
const CONFLICTS: &[Scenario] = &[Scenario::Conflicts];
/// What features announce.
const FEATURES: &[Scenario] = &[
    Scenario::Define,
    Scenario::Properties,
    Scenario::Plan,
    Scenario::Conflicts,
];

/// All checks in the order of their numbers.
pub const CHECKS: &[Check] = &[
    class(
        "H-01",
        "a class answers for ISyncMgrSynchronize and IUnknown",
        Sight::Began,
    ),
    must(
        "H-02",
        "synchronizes its own items when told to",
        judge::does_the_work,
        RUN,
    ),
    must("H-03", "lists its items", judge::lists, RUN),
    class(
        "H-04",
        "is an in-process server with standard registration",
        Sight::Began,
    ),
    hidden(
        "H-05",
        "registers when it has items and unregisters when it has none",
        "cannot be observed: the check registers nothing",
    ),
    must(
        "H-06",
        "answers each event by taking part or staying out",
        judge::takes_part,
        EVENTS,
    ),
    hidden(
        "H-07",
        "treats an unknown event as manual",
        "cannot be provoked: the messages enumerate the events, and an adapter passes on no other",
    ),
    must(
        "H-08",
        "asks nobody anything in initialize",
        judge::quiet_start,
        EVENTS,
    ),
    hidden(
        "H-09",
        "keeps to the flags of initialize for the life of the instance",
        "cannot be observed by itself: H-11, H-28 and J-12 see its parts",
    ),
    hidden(
        "H-10",
        "uses the cookie only with event invoke",
        "cannot be observed: use leaves no trace; H-06 sees that a cookie is borne",
    ),
    should(
        "H-11",
        "wants no window when nobody may be bothered",
        judge::no_windows_unattended,
        UNATTENDED,
    ),
    must(
        "H-12",
        "introduces itself: a name of 1 to 127 units, an icon only as PNG",
        judge::introduces_itself,
        RUN,
    ),
    must(
        "H-13",
        "its list is valid, and says when it is incomplete",
        judge::list_is_valid,
        RUN,
    ),
    class(
        "H-14",
        "Next never answers E_NOTIMPL, and delivers nothing with a failure",
        Sight::Began,
    ),
    must(
        "H-15",
        "pages hold at most 500 items, and come to an end",
        judge::pages_end,
        RUN,
    ),
    must(
        "H-16",
        "identifiers of items are unique, and the same in every instance",
        judge::stable_ids,
        AGAIN,
    ),
    must(
        "H-17",
        "each item has a valid identifier, a name of 1 to 127 units, valid fields",
        judge::items_are_valid,
        RUN,
    ),
    must(
        "H-18",
        "the time of the last update is one",
        judge::times_are_valid,
        RUN,
    ),
    must(
        "H-19",
        "an item that has properties gives them",
        judge::properties_as_announced,
        PROPERTIES,
    ),
    class(
        "H-20",
        "GetItemObject answers E_NOTIMPL and writes null",
        Sight::Worked,
    ),
    must(
        "H-21",
        "gives its own properties, or refuses",
        judge::sheet_of_the_handler,
        PROPERTIES,
    ),
    must(
        "H-22",
        "completes properties/show once when it began, never when it did not",
        judge::show_properties_completes,
        PROPERTIES,
    ),
    hidden(
        "H-23",
        "completes properties/show with what became of the items",
        "cannot be observed: a person must change something in its window",
    ),
    class(
        "H-24",
        "SetProgressCallback keeps the new callback and releases the old one",
        Sight::Began,
    ),
    class(
        "H-25",
        "copies the identifiers that PrepareForSync is given",
        Sight::Worked,
    ),
    must(
        "H-26",
        "answers prepare quickly, and completes it once",
        judge::prepare_completes,
        PREPARED,
    ),
    must(
        "H-27",
        "completes no prepare that did not begin",
        judge::prepare_refused_is_silent,
        REFUSED,
    ),
    must(
        "H-28",
        "asks nobody in prepare when nobody may be bothered",
        judge::needs_user,
        UNATTENDED,
    ),
    hidden(
        "H-29",
        "asks before it shows a window, and shows it only when allowed",
        "cannot be observed: windows are not seen; H-30 sees those that it tells of",
    ),
    must(
        "H-30",
        "says when its window is gone",
        judge::windows_close,
        RUN,
    ),
    must(
        "H-31",
        "synchronizes exactly the items that were prepared",
        judge::only_its_items,
        RUNS,
    ),
    must(
        "H-32",
        "answers synchronize quickly, and completes it",
        judge::synchronize_completes,
        RUNS,
    ),
    must(
        "H-33",
        "completes no synchronize that did not begin",
        judge::synchronize_refused_is_silent,
        REFUSED,
    ),
    must(
        "H-34",
        "completes synchronize once, when all is over, also when stopped",
        judge::synchronize_completes_once,
        OVER,
    ),
    must(
        "H-35",
        "reports progress also when nobody may be bothered",
        judge::reports_unattended,
        UNATTENDED,
    ),
    should(
        "H-36",
        "reports each item before it is over",
        judge::reports_each_item,
        RUN,
    ),
    must(
        "H-37",
        "goes on with the other items when one is skipped",
        judge::goes_on_after_skip,
        SKIP,
    ),
    must(
        "H-38",
        "abandons everything soon when stopped",
        judge::stops,
        STOPS,
    ),
    must(
        "H-39",
        "gives every item a terminal status before it completes",
        judge::terminal_statuses,
        RUNS,
    ),
    must(
        "H-40",
        "its reports of progress are of the form that they should be",
        judge::reports_are_valid,
        RUN,
    ),
    must(
        "H-41",
        "abandons an item soon when it is skipped",
        judge::skips,
        SKIP,
    ),
    should(
        "H-42",
        "asks people in prepare, not in synchronize",
        judge::no_questions_at_work,
        RUN,
    ),
    must(
        "H-43",
        "logs texts with a valid level",
        judge::logs_well,
        RUN,
    ),
    must(
        "H-44",
        "a link in the log names its error, and error/show is there",
        judge::links_lead_somewhere,
        RUN,
    ),
    must(
        "H-45",
        "answers error/show quickly, and completes it once",
        judge::show_error_completes,
        RUN,
    ),
    must(
        "H-46",
        "asks for a retry of its own items",
        judge::retries_known_items,
        RUN,
    ),
    must(
        "H-47",
        "prepares and synchronizes again on the same instance",
        judge::runs_again,
        RETRY,
    ),
    must(
        "H-48",
        "announces that it may ask for a connection",
        judge::declared_connection,
        RUN,
    ),
    class(
        "H-49",
        "marshals the callback into other apartments",
        Sight::Worked,
    ),
    must(
        "H-50",
        "tells and asks nothing once it is released",
        judge::silent_after_release,
        RELEASES,
    ),
    must(
        "J-01",
        "prints nothing but messages to standard output",
        judge::only_messages,
        RUN,
    ),
    must(
        "J-02",
        "lines are whole, UTF-8, and at most 1 MiB long",
        judge::whole_lines,
        RUN,
    ),
    must(
        "J-03",
        "answers initialize within 10 s, with a version that was offered",
        judge::initializes,
        EVENTS,
    ),
    must(
        "J-04",
        "refuses unknown versions with −31001, naming its own",
        judge::refuses_versions,
        VERSION,
    ),
    must(
        "J-05",
        "ignores unknown fields, features and notifications",
        judge::ignores_unknown,
        UNKNOWN,
    ),
    must(
        "J-06",
        "refuses unknown requests with −32601",
        judge::refuses_unknown_requests,
        UNKNOWN,
    ),
    must(
        "J-07",
        "answers each request once, and nothing else",
        judge::answers_once,
        RUN,
    ),
    must(
        "J-08",
        "whatever else it tells or asks has the form of the contract",
        judge::well_formed,
        RUN,
    ),
    must(
        "J-09",
        "ends within 5 s of release",
        judge::exits_after_release,
        RELEASES,
    ),
    should(
        "J-10",
        "ends with code 0 after release",
        judge::exits_well,
        RELEASES,
    ),
    must(
        "J-11",
        "ends within 5 s of the end of its input, idle and at work",
        judge::exits_unplugged,
        UNPLUGS,
    ),
    must(
        "J-12",
        "only lists in a settings session",
        judge::settings_only_list,
        SETTINGS,
    ),
    must(
        "J-13",
        "plan writes nothing",
        judge::plan_writes_nothing,
        PLAN,
    ),
    must(
        "J-14",
        "plan answers for the items that it was asked about",
        judge::plan_is_about_the_items,
        PLAN,
    ),
    must(
        "J-15",
        "a plain run heals after a kill at any moment",
        judge::heals,
        KILLS,
    ),
    should(
        "J-16",
        "a second run finds nothing to do",
        judge::nothing_twice,
        AGAIN,
    ),
    must(
        "J-17",
        "refuses definitions that it cannot understand",
        judge::defines_carefully,
        DEFINE,
    ),
    must(
        "J-18",
        "its own properties, written back, change nothing",
        judge::properties_round_trip,
        PROPERTIES,
    ),
    must(
        "J-19",
        "conflicts are valid, and unknown ones are refused",
        judge::conflicts_are_valid,
        CONFLICTS,
    ),
    must(
        "J-20",
        "has what its features announce",
        judge::features_answered,
        FEATURES,
    ),
    must(
        "J-21",
        "bears an item that it never listed",
        judge::bears_the_unlisted,
        UNLISTED,
    ),
    must("J-22", "does not end by itself", judge::stays_alive, EVENTS),
    must(
        "J-23",
        "says no more than anybody can listen to",
        judge::measured_speech,
        RUN,
    ),
];

/// The table of docs/check.md.
#[must_use]
pub fn table() -> String {
    let mut text = String::from(
        "| Number | What is required | Breach | How it is judged |\n|---|---|---|---|\n",
    );
    for check in CHECKS {
        let weight = match check.weight {
            Weight::Must => "fails",
            Weight::Should => "warns",
        };
        for part in [
            "| ",
            check.id,
            " | ",
            check.requirement,
            " | ",
            weight,
            " | ",
            check.how(),
            " |\n",
        ] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obligation_of_a_handler_has_a_row_in_order() {
        let ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        let mut expected: Vec<String> = (1..=50).map(|number| format!("H-{number:02}")).collect();
        expected.extend((1..=23).map(|number| format!("J-{number:02}")));
        assert_eq!(ids, expected);
    }

    #[test]
    fn the_document_holds_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/check.md");
        let document = std::fs::read_to_string(path).unwrap();
        assert!(
            document.contains(&table()),
            "docs/check.md should hold this table:\n{}",
            table()
        );
    }
}
