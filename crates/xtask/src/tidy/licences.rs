//! The licence and ban rules of `deny.toml`, checked without a further tool.
//!
//! The `deny` suite asks cargo-deny the same and more; this rule needs no installation and runs with every change.

use super::Breach;
use super::graph::Graph;
use crate::tree::Tree;

/// Where the policy stands, as data for this rule and for cargo-deny alike.
const POLICY: &str = "deny.toml";

/// Answers every package whose licence is not allowed, and every package that is banned.
pub(crate) fn breaches(tree: &Tree, graph: &Graph) -> Vec<Breach> {
    let Some(policy) = tree.texts.get(POLICY) else {
        return vec![Breach::new(
            POLICY,
            "licence",
            "there is no such file; it holds the licences that are allowed",
        )];
    };
    let allowed = quoted(policy, "allow = [");
    let banned = quoted(policy, "deny = [");
    let mut found = Vec::new();
    for (package, licence) in &graph.licences {
        match licence {
            None => found.push(Breach::new(
                "Cargo.lock",
                "licence",
                format!("{package} declares no licence"),
            )),
            Some(licence) if !satisfied(licence, &allowed) => {
                found.push(Breach::new(
                    "Cargo.lock",
                    "licence",
                    format!("{package} is {licence}, which {POLICY} does not allow"),
                ));
            }
            Some(_) => {}
        }
        let name = package.split(' ').next().unwrap_or(package);
        if banned.contains(&name) {
            found.push(Breach::new(
                "Cargo.lock",
                "ban",
                format!("{package} is banned by {POLICY}"),
            ));
        }
    }
    found
}

/// Answers the quoted words between an opening and the bracket that closes it.
fn quoted<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    let inside = text
        .split_once(opening)
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(inside, _)| inside);
    inside.split('"').skip(1).step_by(2).collect()
}

/// Says whether a licence expression can be met with the allowed licences alone.
///
/// Words: identifiers, `WITH`, `AND`, `OR`, parentheses, and the old `A/B` for a choice. `AND` binds closer than `OR`.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, allowed) == Some(true) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let mut met = both(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, allowed)?;
    }
    Some(met)
}

fn both(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let mut met = one(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed)?;
    }
    Some(met)
}

fn one(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let met = either(words, at, allowed)?;
        *at += 1;
        return (words.get(*at - 1) == Some(&")")).then_some(met);
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1)?;
        *at += 2;
        let whole = format!("{word} WITH {exception}");
        return Some(allowed.contains(&whole.as_str()));
    }
    Some(allowed.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = [
            "MIT",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "Unicode-3.0",
        ];
        for (expression, expected) in [
            ("MIT", true),
            ("MPL-2.0", false),
            ("MIT OR GPL-3.0", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("GPL-2.0 OR MIT AND Unicode-3.0", true),
            ("GPL-2.0 WITH Classpath-exception", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("(MIT", false),
            ("MIT MIT", false),
            ("", false),
        ] {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn packages_are_compared_with_the_policy() {
        let mut graph = Graph::default();
        graph
            .licences
            .insert("good 1.0.0".into(), Some("MIT".into()));
        graph
            .licences
            .insert("copyleft 1.0.0".into(), Some("GPL-3.0".into()));
        graph.licences.insert("bare 1.0.0".into(), None);
        graph
            .licences
            .insert("openssl-sys 0.9.0".into(), Some("MIT".into()));
        let mut tree = Tree::default();
        assert_eq!(breaches(&tree, &graph).len(), 1, "no policy");
        tree.add(POLICY, Some("[licenses]\nallow = [\n \"MIT\", \"ISC\",\n]\n[bans]\ndeny = [{ name = \"openssl-sys\" }]\n".into()));
        let found: Vec<_> = breaches(&tree, &graph)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("bare 1.0.0 declares no licence"));
        assert!(found[1].contains("copyleft 1.0.0 is GPL-3.0"));
        assert!(found[2].contains("openssl-sys 0.9.0 is banned"));
    }
}
