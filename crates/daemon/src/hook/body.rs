//! How an account is written down: as JSON, and as variables of an environment.

use jiff::Timestamp as Moment;
use serde::Serialize;
use syncmgr_core::account::{Account, Occasion};
use syncmgr_core::freshness::Freshness;
use syncmgr_core::{Timestamp, hook::Stage};

use crate::adapt::{text, to_view};

/// The version of the body; fields are only ever added.
const VERSION: u32 = 1;

/// The body of hooks and webhooks; docs/hooks.md has all of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<&'static str>,
    occasion: &'static str,
    text: String,
    at: String,
    handler: &'a str,
    handler_name: String,
    run: Option<RunBody>,
    items: Vec<ItemBody<'a>>,
    more_items: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunBody {
    id: u64,
    trigger: &'static str,
    opened: String,
    outcome: syncmgr_control::view::Outcome,
    counts: syncmgr_control::view::Counts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemBody<'a> {
    id: &'a str,
    name: String,
    occasion: Option<&'static str>,
    problem: Option<String>,
    last_good: Option<String>,
    freshness: Option<&'static str>,
}

/// The account as JSON text; `stage` where it is told to a hook.
#[must_use]
pub(crate) fn json(account: &Account, stage: Option<Stage>) -> String {
    let body = Body {
        version: VERSION,
        hook: stage.map(Stage::name),
        occasion: account.occasion.name(),
        text: text::line(&account.sentence()),
        at: moment(account.at),
        handler: account.handler.as_str(),
        handler_name: text::line(&account.handler_name),
        run: account.run.map(|run| RunBody {
            id: run.id.0,
            trigger: to_view::trigger(run.trigger),
            opened: moment(run.opened),
            outcome: to_view::run_outcome(run.outcome),
            counts: to_view::counts(run.counts),
        }),
        items: account
            .items
            .iter()
            .map(|item| ItemBody {
                id: item.item.as_str(),
                name: text::line(&item.name),
                occasion: item.occasion.map(Occasion::name),
                problem: item.problem.as_deref().map(text::line),
                last_good: item.last_good.map(moment),
                freshness: item.freshness.map(freshness),
            })
            .collect(),
        more_items: account.more,
    };
    // Texts, numbers and options: nothing of it can fail to be written.
    serde_json::to_string(&body).unwrap_or_default()
}

/// The account as variables of a hook's environment. Those that have no value are not set.
#[must_use]
pub(crate) fn variables(account: &Account, stage: Stage) -> Vec<(String, String)> {
    let mut all = vec![
        ("HOOK", stage.name().to_owned()),
        ("OCCASION", account.occasion.name().to_owned()),
        ("TEXT", text::line(&account.sentence())),
        ("HANDLER", account.handler.to_string()),
        ("HANDLER_NAME", text::line(&account.handler_name)),
        (
            "ITEM_COUNT",
            account.items.len().saturating_add(account.more).to_string(),
        ),
    ];
    if let ([item], 0) = (account.items.as_slice(), account.more) {
        all.push(("ITEM", item.item.to_string()));
        all.push(("ITEM_NAME", text::line(&item.name)));
    }
    let problem = account
        .items
        .iter()
        .find_map(|item| item.problem.as_deref());
    if let Some(problem) = problem {
        all.push(("PROBLEM", text::line(problem)));
    }
    if let Some(run) = account.run {
        let outcome = serde_json::to_value(to_view::run_outcome(run.outcome));
        let outcome = outcome
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        all.push(("RUN", run.id.to_string()));
        all.push(("TRIGGER", to_view::trigger(run.trigger).to_owned()));
        all.push(("OUTCOME", outcome.unwrap_or_default()));
        for (name, count) in [
            ("SENT", run.counts.sent),
            ("RECEIVED", run.counts.received),
            ("DELETED", run.counts.deleted),
            ("CONFLICTS", run.counts.conflicts),
            ("FAILED", run.counts.failed),
            ("BYTES", run.counts.bytes),
        ] {
            all.push((name, count.to_string()));
        }
    }
    all.into_iter()
        .map(|(name, value)| (format!("SYNCMGR_{name}"), value))
        .collect()
}

fn moment(at: Timestamp) -> String {
    Moment::from_millisecond(at.0)
        .unwrap_or(Moment::UNIX_EPOCH)
        .to_string()
}

const fn freshness(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::New => "new",
        Freshness::Fresh => "fresh",
        Freshness::Late => "late",
        Freshness::Overdue => "overdue",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use syncmgr_core::account::{AccountOfItem, AccountOfRun};
    use syncmgr_core::item::Counts;
    use syncmgr_core::request::Trigger;
    use syncmgr_core::run::RunOutcome;
    use syncmgr_core::{HandlerId, ItemId, RunId};

    pub(crate) fn account() -> Account {
        Account {
            occasion: Occasion::Failed,
            at: Timestamp(1_795_348_501_449),
            handler: HandlerId::new("folder").unwrap(),
            handler_name: "Folder pairs".to_owned(),
            run: Some(AccountOfRun {
                id: RunId(12),
                trigger: Trigger::Schedule,
                opened: Timestamp(1_795_348_500_000),
                outcome: RunOutcome::Failed,
                counts: Counts {
                    sent: 3,
                    ..Counts::default()
                },
            }),
            items: vec![AccountOfItem {
                item: ItemId::new("NOTES").unwrap(),
                name: "notes".to_owned(),
                occasion: Some(Occasion::Failed),
                problem: Some("the disk\nis full".to_owned()),
                last_good: Some(Timestamp(0)),
                freshness: None,
            }],
            more: 0,
        }
    }

    #[test]
    fn the_body_is_what_is_documented() {
        assert_eq!(
            json(&account(), Some(Stage::Failed)),
            r#"{"version":1,"hook":"failed","occasion":"failed","text":"notes failed: the disk\\nis full","at":"2026-11-22T11:55:01.449Z","handler":"folder","handlerName":"Folder pairs","run":{"id":12,"trigger":"schedule","opened":"2026-11-22T11:55:00Z","outcome":"failed","counts":{"sent":3,"received":0,"deleted":0,"conflicts":0,"failed":0,"bytes":0,"createdNear":0,"createdFar":0,"deletedNear":0,"deletedFar":0}},"items":[{"id":"NOTES","name":"notes","occasion":"failed","problem":"the disk\\nis full","lastGood":"1970-01-01T00:00:00Z","freshness":null}],"moreItems":0}"#
        );
    }

    #[test]
    fn variables_have_no_control_characters_and_one_item_a_name() {
        let variables = variables(&account(), Stage::After);
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("SYNCMGR_ITEM"), Some("NOTES"));
        assert_eq!(value("SYNCMGR_RUN"), Some("12"));
        assert_eq!(value("SYNCMGR_OUTCOME"), Some("failed"));
        assert_eq!(value("SYNCMGR_SENT"), Some("3"));
        assert_eq!(value("SYNCMGR_PROBLEM"), Some("the disk\\nis full"));
        let clean = |(_, value): &(String, String)| !value.chars().any(char::is_control);
        assert!(variables.iter().all(clean));
        let mut two = account();
        two.items.push(two.items[0].clone());
        let two = super::variables(&two, Stage::After);
        assert!(two.iter().all(|(name, _)| name != "SYNCMGR_ITEM"));
    }
}
