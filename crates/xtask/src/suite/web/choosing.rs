//! "Choose what to synchronize" in a real browser, and the view of what was started there.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::driver::Browser;
use super::{World, look_over, report};

/// How often something is started before the view of it, which closes by itself, was seen open.
const TRIES: usize = 5;

const READY: &str = "document.documentElement.dataset.ready === 'yes'";

/// Starts one item out of all, sees its view close by itself and stay when it is told to; answers how many mistakes axe found.
pub(super) fn is_shown_until_it_is_over(
    browser: &Browser<'_>,
    world: &World,
    axe: &str,
) -> Result<usize> {
    let mut seen = None;
    for _ in 0..TRIES {
        let address = started(browser, world)?;
        browser.wait("that it closes by itself", "location.pathname === '/'")?;
        if address.starts_with("/progress?") {
            seen = Some(address);
            break;
        }
    }
    let begun = seen.context("what was started was never shown")?;
    let later = begun.replace("&begun=yes", "");
    let breaches = look_over(browser, world, "progress", &later, "Results", axe)?;
    browser.resize(1280, 900)?;
    browser.click("form[action='/keep-open'] button")?;
    browser.wait(
        "that it stays",
        "document.querySelector(\"form[action='/keep-open'] button[aria-pressed='true']\") !== null",
    )?;
    browser.go(&world.address(&begun))?;
    browser.wait("the script", READY)?;
    if browser.look("document.querySelector('#progress-close').dataset.closes === undefined")?
        != Value::Bool(true)
    {
        bail!("what was to stay open closes");
    }
    // Everything that is started is looked at as well; this view was told to stay.
    browser.go(&world.address("/"))?;
    browser.wait("the script", READY)?;
    browser.click("form.hero-acts button.primary")?;
    browser.wait("the view of all of it", "location.pathname === '/progress'")?;
    report::line(format_args!(
        "web: what is chosen is started, and shown until it is over"
    ));
    Ok(breaches)
}

/// Unticks everything with the tick of the whole handler, ticks `photos` and starts it; answers where that led.
fn started(browser: &Browser<'_>, world: &World) -> Result<String> {
    const TICKED: &str =
        "document.querySelectorAll('#choose-form input[name=items]:checked').length";
    browser.go(&world.address("/choose"))?;
    browser.wait("the script", READY)?;
    browser.click("#choose-form legend input")?;
    if browser.look(TICKED)? != 0 {
        browser.click("#choose-form legend input")?;
    }
    if browser.look(TICKED)? != 0 {
        bail!("the tick of the whole handler does not untick its items");
    }
    let at = browser.look(
        "[...document.querySelectorAll('#choose-form .ticks li')].findIndex((row) => row.textContent.includes('photos')) + 1",
    )?;
    browser.click(&format!(
        "#choose-form .ticks li:nth-child({at}) input[type=checkbox]"
    ))?;
    browser.click("#choose-form button.primary")?;
    let address = browser.look("location.pathname + location.search")?;
    let address = address.as_str().context("the browser is nowhere")?;
    Ok(address.to_owned())
}
