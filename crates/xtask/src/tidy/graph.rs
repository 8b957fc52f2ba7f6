//! The dependency graph of the workspace as a value, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::run;

/// Our crates and what every package needs to be built, over all targets; development edges are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// Our crates: package name → directory name below `crates/`.
    pub(crate) crates: BTreeMap<String, String>,
    /// Direct normal and build dependencies by package name.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
    /// Packages of others: name and version → licence expression, as the package declares it.
    pub(crate) licences: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: String,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    features: Vec<String>,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Graph {
    /// Asks Cargo for the graph of the workspace, with all features and for all targets.
    pub(crate) fn read() -> Result<Self> {
        let mut cargo = run::cargo();
        let text = run::output(cargo.args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--all-features",
        ]))?;
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_slice(text).context("could not read what `cargo metadata` said")?;
        let names: BTreeMap<&str, &str> = metadata
            .packages
            .iter()
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect();
        let mut graph = Self::default();
        for package in metadata
            .packages
            .iter()
            .filter(|package| !metadata.workspace_members.contains(&package.id))
        {
            graph.licences.insert(
                format!("{} {}", package.name, package.version),
                package.license.clone(),
            );
        }
        for package in metadata
            .packages
            .iter()
            .filter(|package| metadata.workspace_members.contains(&package.id))
        {
            let parts: Vec<&str> = package.manifest_path.rsplit(['/', '\\']).take(2).collect();
            graph.crates.insert(
                package.name.clone(),
                parts.get(1).copied().unwrap_or_default().to_owned(),
            );
        }
        let packages: BTreeMap<&str, &Package> = metadata
            .packages
            .iter()
            .map(|package| (package.id.as_str(), package))
            .collect();
        for node in &metadata.resolve.nodes {
            let Some(package) = packages.get(node.id.as_str()) else {
                continue;
            };
            let name = &package.name;
            // Two versions of one package count as one: a rule names packages, not versions.
            let needs = graph.needs.entry(name.clone()).or_default();
            for edge in &node.deps {
                let builds = edge
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind.as_deref() != Some("dev"));
                if let (true, Some(name)) = (builds, names.get(edge.pkg.as_str()))
                    && is_switched_on(package, &node.features, name)
                {
                    needs.insert((*name).to_owned());
                }
            }
        }
        Ok(graph)
    }

    /// Answers the shortest way from a package down to another, both included.
    pub(crate) fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(package) = queue.pop_front() {
            for need in self.needs.get(package).into_iter().flatten() {
                if need == from || reached.contains_key(need.as_str()) {
                    continue;
                }
                reached.insert(need, package);
                if need == to {
                    let mut way = vec![to.to_owned()];
                    let mut at = to;
                    while let Some(before) = reached.get(at) {
                        way.push((*before).to_owned());
                        at = before;
                    }
                    way.reverse();
                    return Some(way);
                }
                queue.push_back(need);
            }
        }
        None
    }
}

/// Says whether a package with these features is built with a dependency.
///
/// Cargo lists an optional dependency as soon as a feature mentions it, also in the form `name?/feature`, which only
/// means "if something else switches it on".
fn is_switched_on(package: &Package, features: &[String], dependency: &str) -> bool {
    let mut declared = package
        .dependencies
        .iter()
        .filter(|declared| declared.name == dependency)
        .peekable();
    // Not declared by this name is not for us to judge.
    declared.peek().is_none()
        || declared.any(|declared| {
            let key = declared.rename.as_ref().unwrap_or(&declared.name);
            !declared.optional
                || features.iter().any(|feature| {
                    feature == key
                        || package.features.get(feature).is_some_and(|parts| {
                            parts.iter().any(|part| {
                                part.strip_prefix("dep:") == Some(key)
                                    || part.split_once('/').is_some_and(|(name, _)| name == key)
                            })
                        })
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_edges_are_left_out_and_build_edges_kept() {
        let text = br#"{
          "packages": [
            {"id":"a 1","name":"syncmgr-a","version":"1.0.0","license":"MIT","manifest_path":"/x/crates/a/Cargo.toml"},
            {"id":"b 1","name":"b","version":"1.0.0","license":"MIT","manifest_path":"/y/b/Cargo.toml"},
            {"id":"c 1","name":"c","version":"1.0.0","license":"MIT","manifest_path":"/y/c/Cargo.toml"},
            {"id":"d 1","name":"d","version":"1.0.0","license":"MIT","manifest_path":"/y/d/Cargo.toml"}],
          "workspace_members": ["a 1"],
          "resolve": {"nodes": [
            {"id":"a 1","deps":[
              {"pkg":"b 1","dep_kinds":[{"kind":null,"target":"cfg(windows)"}]},
              {"pkg":"d 1","dep_kinds":[{"kind":"dev","target":null}]}]},
            {"id":"b 1","deps":[{"pkg":"c 1","dep_kinds":[{"kind":"dev","target":null},{"kind":"build","target":null}]}]}]}
        }"#;
        let graph = Graph::parse(text).unwrap();
        assert_eq!(graph.crates["syncmgr-a"], "a");
        assert_eq!(
            graph.way("syncmgr-a", "c").unwrap(),
            ["syncmgr-a", "b", "c"]
        );
        assert_eq!(graph.way("syncmgr-a", "d"), None);
        assert_eq!(graph.licences.len(), 3);
        assert!(Graph::parse(b"{").is_err());
    }

    #[test]
    fn an_optional_dependency_counts_only_when_something_switches_it_on() {
        let reaches = |features: &str| {
            let text = format!(
                r#"{{
                  "packages": [
                    {{"id":"a","name":"a","version":"1.0.0","license":null,"manifest_path":"/x/a/Cargo.toml",
                      "dependencies":[{{"name":"log","rename":null,"optional":true}}],
                      "features":{{"std":["log?/std"],"logging":["dep:log"],"loud":["log/max"]}}}},
                    {{"id":"l","name":"log","version":"1.0.0","license":null,"manifest_path":"/x/log/Cargo.toml"}}],
                  "workspace_members": [],
                  "resolve": {{"nodes": [
                    {{"id":"a","features":[{features}],"deps":[{{"pkg":"l","dep_kinds":[{{"kind":null}}]}}]}}]}}
                }}"#
            );
            Graph::parse(text.as_bytes())
                .unwrap()
                .way("a", "log")
                .is_some()
        };
        assert!(!reaches(r#""std""#));
        assert!(!reaches(""));
        for on in [r#""logging""#, r#""std","loud""#, r#""log""#] {
            assert!(reaches(on), "{on}");
        }
    }
}
