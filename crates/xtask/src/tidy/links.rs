//! The rule that links between our documents lead somewhere.

use std::collections::BTreeSet;

use super::Breach;
use crate::tree::Tree;

/// Answers every link in a Markdown file that leads to no file or no heading of the tree.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        for (line, target) in links(text) {
            if target.contains("://") || target.starts_with("mailto:") || target.is_empty() {
                continue;
            }
            let (file, anchor) = target
                .split_once('#')
                .map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let Some(file) = resolve(path, file) else {
                found.push(
                    Breach::new(path, "link", format!("`{target}` leads out of the tree")).at(line),
                );
                continue;
            };
            if !file.is_empty() && !tree.paths.contains(&file) {
                found.push(
                    Breach::new(path, "link", format!("`{target}` leads to no file")).at(line),
                );
                continue;
            }
            if let (Some(anchor), Some(text)) = (anchor, tree.texts.get(&file))
                && file.ends_with(".md")
                && !anchors(text).contains(anchor)
            {
                found.push(
                    Breach::new(
                        path,
                        "link",
                        format!("`{target}` leads to no heading of {file}"),
                    )
                    .at(line),
                );
            }
        }
    }
    found
}

/// Resolves a link target against the file that it stands in; `None` when it climbs out of the tree.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        from.split('/').collect()
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Answers the lines outside code blocks, with inline code blanked out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                None
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                None
            }
            (Some(_), _) => None,
            (None, None) => {
                let kept: Vec<&str> = line.split('`').step_by(2).collect();
                Some((number + 1, kept.join("x")))
            }
        }
    })
}

fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in prose(text) {
        let Some(original) = lines.get(number - 1) else {
            continue;
        };
        // The label may hold code, the target does not: targets are looked up in the line as it was written.
        let wanted = line.matches("](").count();
        let mut targets = original
            .match_indices("](")
            .filter_map(|(at, _)| original[at + 2..].split([')', ' ']).next());
        found.extend(targets.by_ref().take(wanted).map(|target| (number, target)));
        // Reference definitions: `[name]: target`.
        if let Some((label, target)) = original.split_once("]: ")
            && label.starts_with('[')
            && !label.contains("](")
        {
            found.push((number, target.split_whitespace().next().unwrap_or_default()));
        }
    }
    found
}

/// Answers the names by which the headings of a document are linked.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, _) in prose(text) {
        let Some(heading) = lines.get(number - 1).filter(|line| line.starts_with('#')) else {
            continue;
        };
        let slug: String = heading
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                c if c.is_alphanumeric() => c.to_lowercase().next(),
                _ => None,
            })
            .collect();
        let mut name = slug.clone();
        let mut copy = 0;
        while !all.insert(name) {
            copy += 1;
            name = format!("{slug}-{copy}");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: usize) {
        let mut tree = Tree::default();
        tree.add("docs/a.md", Some(text.to_owned()));
        tree.add(
            "docs/b.md",
            Some("# One & `two`\n## One & `two`\n```\n# not one\n```\n".to_owned()),
        );
        tree.add("crates/a/src/lib.rs", None);
        let found = breaches(&tree);
        assert_eq!(found.len(), expected, "{text}: {found:?}");
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        check(
            "[b](b.md) [`b`](./b.md#one--two) [top](../crates/a) [c](/docs/b.md#one--two-1)",
            0,
        );
        check(
            "# Here\n[out](https://example.org/x.md) [mail](mailto:a@example.org) [self](#here)",
            0,
        );
        check("```\n[x](none.md)\n```\n`[x](none.md)`", 0);
        check("[b]\n\n[b]: b.md", 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_seen() {
        check("[x](none.md) and [y](gone.md)", 2);
        check("[x](b.md#not-one)", 1);
        check("[x](../../outside.md)", 1);
        check("[x]: none.md", 1);
        check("[x](#nowhere)", 1);
    }
}
