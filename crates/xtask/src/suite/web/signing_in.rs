//! A handler that wants a password: asked on the page, answered in one of two tabs, told in the other, and never answered twice.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::World;
use super::driver::Browser;
use super::forms::READY;
use super::report;

/// The handler, as it was registered on the page before.
const HANDLER: &str = "asking";
const SECRET: &str = "correct horse 42";
/// The question as it stands in the inbox.
const FIELD: &str = ".need input[type=password]";
const ANSWER: &str = ".need-form:has(input[type=password]) button[value=login]";

/// Has the handler ask, and shows the question.
fn asked(browser: &Browser<'_>, world: &World) -> Result<()> {
    let question = json!({
        "key": "login", "kind": "login", "text": "sign in to mail.example.org", "durable": true,
        "choices": [{"name": "login", "label": "sign in"}, {"name": "cancel", "label": "not now"}],
        "fields": {"type": "object", "required": ["user", "password"], "properties": {
            "user": {"type": "string", "default": "ada"},
            "password": {"type": "string", "format": "password"},
            "folder": {"enum": ["inbox", "archive"], "default": "archive"},
            "keep": {"type": "boolean", "default": true}}},
    });
    std::fs::write(
        world.state(HANDLER).join("question.json"),
        question.to_string(),
    )?;
    // It ends as one that waits for an answer.
    world.try_to(&["sync", HANDLER])?;
    browser.go(&world.address("/inbox"))?;
    Ok(())
}

/// Two tabs show the question and both are typed into; the first answer counts, and the other tab says so.
pub(super) fn is_done_in_one_of_two_tabs(browser: &Browser<'_>, world: &World) -> Result<()> {
    asked(browser, world)?;
    browser.wait("the script", READY)?;
    browser.fill(FIELD, "another")?;
    let first = browser.another_tab()?;
    browser.go(&world.address("/inbox"))?;
    browser.wait("the script", READY)?;
    browser.fill(FIELD, SECRET)?;
    browser.click(ANSWER)?;
    let gone = format!("document.querySelector({FIELD:?}) === null");
    browser.wait("that the question is answered", &gone)?;
    browser.close_tab()?;
    browser.look_at_tab(&first)?;
    browser.wait("that it is answered here too", &gone)?;
    browser.wait(
        "that it was settled elsewhere",
        "document.getElementById('said').textContent.includes('settled elsewhere')",
    )?;
    let answers = answers(world)?;
    let [.., deferred, given] = answers.as_slice() else {
        bail!("the handler was not answered: {answers:?}");
    };
    let typed: String = SECRET.chars().rev().collect();
    let as_typed = given["fields"]["password"] == json!(typed)
        && given["fields"]["folder"] == "evihcra"
        && given["fields"]["keep"] == true;
    if !as_typed || deferred["later"].is_string() {
        bail!("the handler was answered with something else");
    }
    for path in ["/", "/inbox", "/log", "/handlers"] {
        browser.go(&world.address(path))?;
        let told = format!("document.documentElement.outerHTML.includes({SECRET:?})");
        if browser.look(&told)? == Value::Bool(true) {
            bail!("{path} tells the password");
        }
    }
    report::line(format_args!(
        "web: one of two tabs signs in, and the other is told"
    ));
    Ok(())
}

/// Whoever goes back to an answered form and sends it again is told, and the handler is not answered again.
pub(super) fn is_not_done_twice_by_going_back(browser: &Browser<'_>, world: &World) -> Result<()> {
    asked(browser, world)?;
    browser.fill(FIELD, SECRET)?;
    browser.follow(ANSWER)?;
    let before = world.wait_for(|| Ok(answers(world)?.len()), |count| count % 2 == 0)?;
    browser.back()?;
    // What is secret need not be there any more.
    if browser.fill(FIELD, "again").is_ok() {
        browser.follow(ANSWER)?;
        let told = browser.text()?;
        if !told.contains("This was answered already") {
            bail!("whoever goes back is not told: {told}");
        }
    }
    if answers(world)?.len() != before {
        bail!("going back answered a question again");
    }
    report::line(format_args!(
        "web: going back to a form answers nothing twice"
    ));
    Ok(())
}

/// What the handler was answered, oldest first.
fn answers(world: &World) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(world.state(HANDLER).join("answered"))
        .context("the handler was never answered")?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}
