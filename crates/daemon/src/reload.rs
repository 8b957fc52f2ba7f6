//! Taking in an edited configuration while the manager runs. What is broken changes nothing: the old one stays in force, and
//! everybody who asks is told where the mistake is.

use syncmgr_control::Refusal;
use syncmgr_core::input::Input;
use syncmgr_core::log::Level;
use syncmgr_core::{HandlerId, ItemId, ItemRef};

use crate::adapt::text;
use crate::config::{Config, ConfigFile};
use crate::run::Loop;

impl Loop {
    /// Reads the configuration again.
    pub(crate) fn reload(&mut self) {
        self.supervisor.reloading();
        match self.read_again() {
            Ok(new) => self.take_over(new),
            Err(refusal) => self.keep(refusal),
        }
        self.supervisor.ready();
    }

    fn read_again(&self) -> Result<ConfigFile, Refusal> {
        let path = self.places.config_file();
        let new = ConfigFile::load(&path)?;
        // An editor that saves takes the file away for a moment; and who deletes it did hardly mean every item in it.
        let is_empty = std::fs::metadata(&path).map_or(0, |meta| meta.len()) == 0;
        if is_empty && self.config.config != Config::default() {
            return Err(Refusal::new(
                "config::gone",
                format!("{} is gone or empty", path.display()),
                "bring it back, or end the daemon to begin without it",
            ));
        }
        Ok(new)
    }

    fn take_over(&mut self, new: ConfigFile) {
        if self.config_problem.take().is_some() {
            self.note(Level::Information, "the configuration is good again", None);
        }
        if new.config == self.config.config {
            return;
        }
        let changes = changes(&self.config.config, &new.config);
        let known: Vec<ItemRef> = self.manager.items().map(|row| row.at.clone()).collect();
        let handlers: Vec<HandlerId> = self.manager.handlers().map(|row| row.id.clone()).collect();
        let ticked = ticked(&self.config.config, &new.config);
        self.config = new;
        let config = &self.config.config;
        let mut inputs = crate::open::configured(&self.config, &known, &handlers);
        inputs.extend(ticked);
        inputs.push(Input::Settings(crate::open::settings(
            &self.config,
            self.daemon,
        )));
        inputs.push(Input::Policies(crate::policy::of(config)));
        inputs.push(Input::Rules(crate::rules::of(config)));
        inputs.push(Input::Telling(crate::hook::setting::telling(
            &config.manager,
        )));
        let limits = crate::run::limits(config);
        self.limits = limits.clone();
        self.performer.set_limits(limits);
        self.sources
            .try_by(crate::open::attempt(&self.config.config));
        for input in inputs {
            self.apply(input);
        }
        self.wants_changed = true;
        let text = format!("the configuration was read again: {}", changes.join(", "));
        self.note(Level::Information, &text, None);
    }

    /// Keeps what is in force, and tells once why.
    fn keep(&mut self, refusal: Refusal) {
        if self.config_problem.as_ref() == Some(&refusal) {
            return;
        }
        let problem = problem(&refusal);
        tracing::warn!(problem, "the edited configuration is not taken in");
        self.note(
            Level::Warning,
            &format!("the edited configuration is not taken in, the one before stays: {problem}"),
            refusal.hint.as_deref(),
        );
        self.config_problem = Some(refusal);
    }

    fn note(&mut self, level: Level, text: &str, detail: Option<&str>) {
        self.apply(Input::Note {
            level,
            text: text::line(text),
            detail: detail.map(text::line),
        });
    }
}

/// What is wrong, in one line.
pub(crate) fn problem(refusal: &Refusal) -> String {
    let parts = std::iter::once(&refusal.message).chain(&refusal.causes);
    let parts: Vec<&str> = parts.map(|part| part.trim()).collect();
    parts.join(": ")
}

/// Items that are ticked in the file now and were not: nothing said about it means that the person decides elsewhere.
fn ticked(old: &Config, new: &Config) -> Vec<Input> {
    let now = new.item.iter().filter(|item| item.checked);
    let ticked = now.filter(|item| {
        old.item
            .iter()
            .any(|before| before.handler == item.handler && before.id == item.id && !before.checked)
    });
    ticked
        .filter_map(|item| {
            Some(Input::Check {
                item: ItemRef {
                    handler: HandlerId::new(&item.handler).ok()?,
                    item: ItemId::new(&item.id).ok()?,
                },
                checked: true,
            })
        })
        .collect()
}

/// What changed, for the log.
fn changes(old: &Config, new: &Config) -> Vec<String> {
    fn tables<T: PartialEq>(
        (one, many): (&str, &str),
        old: &[T],
        new: &[T],
        same: impl Fn(&T, &T) -> bool,
    ) -> Vec<String> {
        let told = |count: usize, what: &str| {
            let word = if count == 1 { one } else { many };
            (count > 0).then(|| format!("{count} {word} {what}"))
        };
        let before = |entry: &T| old.iter().find(|before| same(before, entry));
        let added = new.iter().filter(|entry| before(entry).is_none()).count();
        let gone = old
            .iter()
            .filter(|before| !new.iter().any(|entry| same(before, entry)))
            .count();
        let changed = new
            .iter()
            .filter(|entry| before(entry).is_some_and(|before| before != *entry))
            .count();
        [(added, "added"), (gone, "removed"), (changed, "changed")]
            .into_iter()
            .filter_map(|(count, what)| told(count, what))
            .collect()
    }
    let mut all = tables(("item", "items"), &old.item, &new.item, |a, b| {
        a.handler == b.handler && a.id == b.id
    });
    all.extend(tables(("rule", "rules"), &old.rule, &new.rule, |a, b| {
        a.name.eq_ignore_ascii_case(&b.name)
    }));
    all.extend(tables(
        ("handler", "handlers"),
        &old.handler,
        &new.handler,
        |a, b| a.id.eq_ignore_ascii_case(&b.id),
    ));
    all.extend(tables(
        ("connection", "connections"),
        &old.connection,
        &new.connection,
        |a, b| a.name == b.name,
    ));
    if old.bridge != new.bridge {
        all.push("bridges changed, which hold from the next start".to_owned());
    }
    if old.policy != new.policy {
        all.push("policies changed".to_owned());
    }
    if old.manager != new.manager {
        all.push("settings of the manager changed".to_owned());
    }
    if old.center != new.center {
        all.push("settings of Sync Center changed, which hold from the next start".to_owned());
    }
    if all.is_empty() {
        // Tables changed their places, which can mean something for policies alone.
        all.push("the order changed".to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        let read = |text: &str| toml::from_str::<Config>(text).unwrap();
        let item = |id: &str, name: &str| {
            format!("[[item]]\nhandler = \"folder\"\nid = \"{id}\"\nname = \"{name}\"\n")
        };
        let old = read(&(item("a", "a") + &item("b", "b") + &item("c", "c")));
        let new = read(
            &(item("a", "x")
                + &item("d", "d")
                + "[[rule]]\nname = \"r\"\non = [\"logon\"]\n[manager]\nparallel = 2\n"),
        );
        assert_eq!(
            changes(&old, &new).join(", "),
            "1 item added, 2 items removed, 1 item changed, 1 rule added, settings of the manager changed"
        );
        let mut other = new.clone();
        other.item.reverse();
        assert_eq!(changes(&new, &other), ["the order changed"]);
        let mut unticked = new.clone();
        unticked.item[0].checked = false;
        assert_eq!(ticked(&unticked, &new).len(), 1);
        assert!(ticked(&new, &unticked).is_empty());
    }
}
