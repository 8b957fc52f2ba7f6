//! Conflicts in a real browser: compared, decided with the button below a version, told where the other one rests, looked at by a rule.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::driver::Browser;
use super::{World, look_over, report};

/// A red and a blue picture.
const PICTURES: [&str; 2] = [
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4oaGBFTEMLQkAgl1GAWqNFmsAAAAASUVORK5CYII=",
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGPQ0DiBFTEMLQkAMl1GAd0cO4AAAAAASUVORK5CYII=",
];

/// What the two sides have of a conflict, by its number: texts, and one pair of pictures whatever their name says.
pub(super) fn versions(number: usize) -> Result<[Vec<u8>; 2]> {
    Ok(match number {
        2 => [STANDARD.decode(PICTURES[0])?, STANDARD.decode(PICTURES[1])?],
        _ => [b"this side\n".to_vec(), b"the <b>other</b> side\n".to_vec()],
    })
}

/// Looks at what versions contain, as text and as pictures; answers how many mistakes axe found.
pub(super) fn are_compared(browser: &Browser<'_>, world: &World, axe: &str) -> Result<usize> {
    let mut breaches = 0;
    for (name, says) in [
        ("1.txt", "the <b>other</b> side"),
        ("2.txt", "What they contain"),
    ] {
        browser.go(&world.address("/inbox"))?;
        let link = browser.look(&format!(
            "[...document.querySelectorAll('#conflicts .card')].find((card) => card.textContent.includes({name:?}))\
             .querySelector('a.compare').getAttribute('href')"
        ))?;
        let link = link.as_str().context("no conflict can be compared")?;
        breaches += look_over(browser, world, "compare", link, says, axe)?;
        let seen = if name == "1.txt" {
            "document.querySelectorAll('.hunk .added, .hunk .removed').length === 2 && document.images.length === 0"
        } else {
            "document.images.length === 2 && [...document.images].every((one) => one.naturalWidth === 8)"
        };
        browser.wait(name, seen)?;
    }
    report::line(format_args!("web: texts and pictures are compared"));
    Ok(breaches)
}

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
