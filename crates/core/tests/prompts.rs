//! Questions of handlers: what is remembered, what bothers nobody, and what becomes of a question that nobody answers.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::Record;
use syncmgr_core::command::ReplyId;
use syncmgr_core::input::{Input, InstanceInput, Prompt, StopScope};
use syncmgr_core::need::{Choice, NeedKind, Typed};
use syncmgr_core::recall::KnownAnswer;
use syncmgr_core::request::{Scope, Trigger};

use world::{World, id, request};

fn prompt(key: &str, durable: bool) -> Prompt {
    let choice = |name: &str| Choice {
        name: name.to_owned(),
        label: name.to_owned(),
    };
    Prompt {
        item: Some(id("A")),
        key: key.to_owned(),
        kind: NeedKind::Prompt,
        text: "delete 500 files?".to_owned(),
        detail: None,
        choices: vec![choice("apply"), choice("later")],
        default: None,
        fields: None,
        deadline: None,
        durable,
        context: "{}".to_owned(),
        wrong: false,
    }
}

fn ask(w: &mut World, prompt: Prompt) -> ReplyId {
    let reply = w.next_reply();
    w.hear(1, InstanceInput::Prompt { reply, prompt });
    reply
}

/// A question for a password, of an instance that synchronizes.
fn login(durable: bool) -> Prompt {
    let mut login = prompt("login", durable);
    login.kind = NeedKind::Login;
    login.fields = Some("[{\"name\":\"password\",\"kind\":\"secret\"}]".to_owned());
    login
}

fn asking(trigger: Trigger) -> World {
    let mut w = World::defined(&[("h", &["A"])]);
    w.ask(request(Scope::Checked, trigger));
    w.list(1, &["A"]);
    w.prepared(1);
    w.lines.clear();
    w
}

fn found(w: &mut World, reply: ReplyId, found: Result<Option<&str>, &str>) {
    let found = found
        .map(|choice| {
            choice.map(|choice| KnownAnswer {
                choice: choice.to_owned(),
                fields: Typed::new("{\"password\":\"hunter2\"}"),
            })
        })
        .map_err(str::to_owned);
    w.hear(1, InstanceInput::Recalled { reply, found });
}

// Shows M-113, H-11: what is remembered bothers nobody.
#[test]
fn what_is_remembered_answers_without_a_person_and_a_wrong_answer_once() {
    for durable in [false, true] {
        let mut w = asking(Trigger::Schedule);
        let reply = ask(&mut w, login(durable));
        w.expect("1 recall login");
        found(&mut w, reply, Ok(Some("apply")));
        w.expect("1 = chosen apply");
        // A second answer to the same look-up is none.
        found(&mut w, reply, Ok(Some("apply")));
        w.expect("");
        // Asked again, it was wrong.
        ask(&mut w, login(durable));
        let then = if durable {
            "deferred"
        } else {
            "prompt refused"
        };
        w.expect(&format!("forget h login\n1 = {then}"));
        assert_eq!(w.manager.needs().count(), usize::from(durable));
        let told = format!("{:?} {:?}", w.records, w.manager);
        assert!(!told.contains("hunter2"));
    }
}

#[test]
fn a_person_is_asked_where_nothing_fitting_is_remembered() {
    for (remembered, warned) in [
        (Ok(None), false),
        (Ok(Some("no longer offered")), false),
        (Err("the keyring is locked"), true),
    ] {
        let mut w = asking(Trigger::Manual);
        let reply = ask(&mut w, login(false));
        w.expect("1 recall login");
        found(&mut w, reply, remembered);
        w.expect("");
        let need = w.manager.needs().next().unwrap().id;
        let locked =
            |record: &Record| matches!(record, Record::Log(row) if row.text.contains("locked"));
        assert_eq!(w.records.iter().any(locked), warned);
        w.answer(need, "apply");
        w.expect("1 = chosen apply");
    }
    // Whoever says that it is wrong is not given it again, and what holds no secret is not looked up.
    let mut w = asking(Trigger::Manual);
    let mut wrong = login(true);
    wrong.wrong = true;
    ask(&mut w, wrong);
    w.expect("forget h login\n 1 = deferred");
    let mut plain = prompt("plain", true);
    plain.fields = Some("[{\"name\":\"user\",\"kind\":\"text\"}]".to_owned());
    ask(&mut w, plain);
    w.expect("1 = deferred");
}

#[test]
fn what_is_found_too_late_is_given_to_nobody() {
    let mut w = asking(Trigger::Manual);
    let reply = ask(&mut w, login(false));
    w.input(Input::Stop(StopScope::All));
    w.lines.clear();
    found(&mut w, reply, Ok(Some("apply")));
    w.expect("1 = prompt refused");
}

#[test]
fn nobody_waits_for_a_person_for_ever_and_the_log_tells_what_became_of_the_question() {
    let mut w = asking(Trigger::Manual);
    ask(&mut w, prompt("q", false));
    w.pass(3599);
    w.expect("");
    w.pass(1);
    w.expect("1 = prompt refused");
    let log: Vec<&str> = w
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Log(row) => Some(row.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        log,
        ["question 1 was not answered in time, the handler is told so: delete 500 files?"]
    );
}
