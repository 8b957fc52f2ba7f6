//! What rules say of something that is removed (M-25): a name that means nothing any more is taken out of them, and a rule
//! that was about nothing else goes with it; without names it would be about everything.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_control::Refusal;

use crate::config::{ConfigFile, is_called};
use crate::run::Loop;

impl Loop {
    /// The names in rules that mean something at this moment; asked for before something is removed.
    pub(crate) fn meant_by_rules(&self) -> BTreeSet<String> {
        let written = &self.config.config.rule;
        written
            .iter()
            .flat_map(|rule| &rule.items)
            .filter(|name| self.named(std::slice::from_ref(*name)).is_ok())
            .cloned()
            .collect()
    }

    /// Takes out of the rules what meant something before and means nothing now. The rules that ended.
    pub(crate) fn forget_in_rules(
        &mut self,
        mut before: BTreeSet<String>,
    ) -> Result<Vec<String>, Refusal> {
        before.retain(|name| self.named(std::slice::from_ref(name)).is_err());
        if before.is_empty() {
            return Ok(Vec::new());
        }
        let ended = self.config.forget_in_rules(&before)?;
        self.follow_rules();
        Ok(ended)
    }
}

impl ConfigFile {
    /// Takes names out of the rules, and removes the rules that are about nothing else; answers the names of those.
    ///
    /// # Errors
    /// As [`ConfigFile::add_item`].
    fn forget_in_rules(&mut self, names: &BTreeSet<String>) -> Result<Vec<String>, Refusal> {
        let mut ended = Vec::new();
        let mut changed = BTreeMap::new();
        for rule in &self.config.rule {
            let mut left = rule.items.clone();
            left.retain(|name| !names.contains(name));
            if left.len() == rule.items.len() {
            } else if left.is_empty() {
                ended.push(rule.name.clone());
            } else {
                changed.insert(rule.name.clone(), left);
            }
        }
        if !changed.is_empty() {
            self.edit("rule", |document| {
                let Some(rules) = document
                    .get_mut("rule")
                    .and_then(|rules| rules.as_array_of_tables_mut())
                else {
                    return false;
                };
                for (name, left) in &changed {
                    if let Some(table) = rules.iter_mut().find(|table| is_called(table, name)) {
                        table["items"] =
                            toml_edit::value(left.iter().collect::<toml_edit::Array>());
                    }
                }
                true
            })?;
        }
        for rule in &mut self.config.rule {
            if let Some(left) = changed.remove(&rule.name) {
                rule.items = left;
            }
        }
        for name in &ended {
            self.remove_rule(name)?;
        }
        Ok(ended)
    }
}
