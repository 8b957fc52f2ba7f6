//! Forms that are filled in by hand: a handler is registered, and properties are set; going back finds what was typed.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use super::World;
use super::driver::Browser;
use super::report;

/// The script of the page is at work.
pub(super) const READY: &str = "document.documentElement.dataset.ready === 'yes'";

/// Registers a program by its words: without consent nothing happens, and going back does not register it again.
pub(super) fn register_a_handler(
    browser: &Browser<'_>,
    world: &World,
    program: &Path,
) -> Result<()> {
    const FORM: &str = "#register-command form";
    browser.resize(1280, 900)?;
    browser.go(&world.address("/handlers"))?;
    browser.wait("the script", READY)?;
    let words = program.display().to_string();
    browser.fill(&format!("{FORM} [name='runs.words']"), &words)?;
    browser.click(&format!("{FORM} button"))?;
    if browser.look("document.querySelector('#register-command :invalid') === null")?
        == Value::Bool(true)
    {
        bail!("a program is registered without consent");
    }
    browser.click(&format!("{FORM} input[name=consent]"))?;
    browser.click(&format!("{FORM} button"))?;
    browser.wait(
        "what the check found",
        "document.querySelector('.done')?.textContent.includes('is registered') === true",
    )?;
    let handlers = world.run(&["handlers", "--json"])?;
    browser.back()?;
    browser.wait(
        "the form",
        "document.querySelector('#register-command') !== null",
    )?;
    if world.run(&["handlers", "--json"])? != handlers {
        bail!("going back changed the handlers");
    }
    report::line(format_args!("web: a handler is registered, once"));
    Ok(())
}

/// Sets a property of an item: what is wrong is said beside the field and nothing typed is lost, then it is saved.
pub(super) fn set_properties(browser: &Browser<'_>, world: &World, program: &Path) -> Result<()> {
    world.run(&[
        "register",
        "--id",
        "post",
        "--",
        &program.display().to_string(),
    ])?;
    world.run(&["refresh", "post"])?;
    browser.go(&world.address("/properties?name=post%2Finbox"))?;
    browser.wait("the script", READY)?;
    const FIELD: &str = "input[name='of.keep']";
    browser.fill(FIELD, "soon")?;
    browser.click("form[action='/properties'] button.primary")?;
    browser.wait(
        "what is wrong, beside what was typed",
        "document.querySelector(\"input[name='of.keep'][aria-invalid]\")?.value === 'soon'",
    )?;
    browser.fill(FIELD, "12")?;
    browser.click("form[action='/properties'] button.primary")?;
    browser.wait(
        "that it is saved",
        "document.querySelector('[role=status].is-good') !== null",
    )?;
    let kept = "document.querySelector(\"input[name='of.keep']\").value === '12'";
    browser.wait("what was saved", kept)?;
    report::line(format_args!("web: properties are set"));
    Ok(())
}
