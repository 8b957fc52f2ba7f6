//! Conflicts in a real browser: decided with the button below a version, told where the other one rests, looked at by a rule.

use anyhow::Result;

use super::driver::Browser;
use super::{World, report};

/// Decides one conflict, takes it back, and looks at a rule for the rest.
pub(super) fn are_decided(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.go(&world.address("/inbox"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    browser.click("#conflicts .card .version button")?;
    browser.wait(
        "where the other version rests, and the same for the rest",
        "document.querySelector('#decided')?.textContent.includes('rests at') && \
         document.querySelector('#decided form[action=\"/decide\"]')?.textContent.includes('2')",
    )?;
    browser.click("#decided form[action='/act/undo'] button")?;
    browser.wait(
        "the inbox without it",
        "location.pathname === '/inbox' && document.querySelector('#decided') === null",
    )?;
    browser.click("#conflicts .conflict-group > form button")?;
    browser.wait(
        "what a rule would decide",
        "document.querySelector('#rule')?.textContent.includes('Decide')",
    )?;
    report::line(format_args!("web: conflicts are decided and taken back"));
    Ok(())
}
