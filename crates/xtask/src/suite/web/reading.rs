//! Screens for all who read: on the largest screen no line is too long and nothing lies beyond the edge, and whoever does not
//! see the page is told its parts by their names.

use anyhow::Result;
use serde_json::Value;

use super::driver::Browser;
use super::report;

/// The largest screen that people sit before.
const LARGEST: (u32, u32) = (3840, 2160);
/// Most characters of a line of text.
const MAX_LINE: u64 = 130;
/// What can be worked with, as the browser tells it; each of these has a name.
const CONTROLS: [&str; 11] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "radio",
    "switch",
    "slider",
    "spinbutton",
    "DisclosureTriangle",
];
/// The large parts of every screen.
const LANDMARKS: [&str; 4] = ["banner", "navigation", "main", "contentinfo"];
/// The longest line of running text in characters, and how it begins. Lines are told from each other by where they stand.
const LONGEST: &str = "(() => { let longest = [0, '']; \
    for (const element of document.querySelectorAll('main p, main li, main dd, main td, main h1, main h2, main h3')) { \
      if ([...element.children].some((child) => getComputedStyle(child).display !== 'inline')) continue; \
      const range = document.createRange(); range.selectNodeContents(element); \
      const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top / 8))); \
      const length = Math.ceil(element.textContent.length / Math.max(1, tops.size)); \
      if (length > longest[0]) longest = [length, element.textContent.slice(0, 60)]; } \
    return longest; })()";

/// Looks at the screen that the browser is at; answers how many mistakes there are.
pub(super) fn is_fit_for_all(browser: &Browser<'_>, name: &str) -> Result<usize> {
    let (width, height) = LARGEST;
    browser.resize(width, height)?;
    let mut mistakes = Vec::new();
    let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    if browser.look(wide)? == Value::Bool(true) {
        mistakes.push(format!("is wider than {width} px"));
    }
    let longest = browser.look(LONGEST)?;
    if longest[0].as_u64().is_none_or(|length| length > MAX_LINE) {
        mistakes.push(format!("has a line too long to be read: {longest}"));
    }
    mistakes.extend(silent(&browser.spoken()?));
    let live = "document.querySelector('[role=alert], [role=status], [aria-live]') !== null";
    if browser.look(live)? != Value::Bool(true) {
        mistakes.push("tells nobody what happens".to_owned());
    }
    for mistake in &mistakes {
        report::line(format_args!("{name} {mistake}"));
    }
    Ok(mistakes.len())
}

/// What somebody who does not see the page would miss.
fn silent(nodes: &[Value]) -> Vec<String> {
    let told: Vec<(&str, &Value)> = nodes
        .iter()
        .filter(|node| node["ignored"] != Value::Bool(true))
        .filter_map(|node| Some((node["role"]["value"].as_str()?, node)))
        .collect();
    let count = |role: &str| told.iter().filter(|(is, _)| *is == role).count();
    let mut mistakes = Vec::new();
    for (role, node) in &told {
        let name = node["name"]["value"].as_str().unwrap_or_default();
        if CONTROLS.contains(role) && name.trim().is_empty() {
            mistakes.push(format!("has a {role} without a name: {node}"));
        }
    }
    for landmark in LANDMARKS {
        if count(landmark) == 0 {
            mistakes.push(format!("has no {landmark}"));
        }
    }
    let is_first = |node: &Value| {
        let properties = node["properties"].as_array().into_iter().flatten();
        let mut levels = properties.filter(|property| property["name"] == "level");
        levels.any(|level| level["value"]["value"] == 1)
    };
    let headings = told.iter().filter(|(role, _)| *role == "heading");
    let firsts = headings.filter(|(_, node)| is_first(node)).count();
    if firsts != 1 {
        mistakes.push(format!("has {firsts} first headings"));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_told_is_found() {
        let part =
            |role: &str, name: &str| json!({"role": {"value": role}, "name": {"value": name}});
        let mut heading = part("heading", "Inbox");
        heading["properties"] = json!([{"name": "level", "value": {"value": 1}}]);
        let mut parts = vec![heading.clone(), part("button", "Run")];
        parts.extend(LANDMARKS.map(|landmark| part(landmark, "")));
        assert_eq!(silent(&parts), Vec::<String>::new());
        parts.push(part("link", " "));
        parts.push(heading);
        parts.retain(|part| part["role"]["value"] != "main");
        assert_eq!(silent(&parts).len(), 3);
    }
}
