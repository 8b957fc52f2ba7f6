//! Registered handlers in the configuration file.

use syncmgr_control::Refusal;
use syncmgr_control::registration::{HandlerKind, RegisterEvent};
use syncmgr_core::HandlerId;

use crate::config::{ConfigFile, HandlerConfig};

/// A class that the system lists as a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SystemClass {
    /// Its identifier, in braces.
    pub(crate) class: String,
    /// What the registration calls it.
    pub(crate) description: String,
    /// The automatic events that it wants.
    pub(crate) events: Vec<RegisterEvent>,
}

impl SystemClass {
    /// The same as an entry of the configuration.
    pub(crate) fn entry(&self) -> HandlerConfig {
        HandlerConfig {
            id: self.class.clone(),
            description: self.description.clone(),
            class: Some(self.class.clone()),
            events: self.events.clone(),
            ..HandlerConfig::default()
        }
    }
}

impl HandlerConfig {
    /// What runs for it.
    pub(crate) fn kind(&self) -> HandlerKind {
        match (&self.class, &self.library) {
            (None, _) => HandlerKind::Command,
            (Some(_), Some(_)) => HandlerKind::Library,
            (Some(_), None) => HandlerKind::Class,
        }
    }
}

/// Whether two texts name the same handler.
pub(crate) fn same(one: &str, other: &str) -> bool {
    match (HandlerId::new(one), HandlerId::new(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

impl ConfigFile {
    /// The registration of a handler.
    #[must_use]
    pub fn handler(&self, id: &str) -> Option<&HandlerConfig> {
        self.config.handler.iter().find(|entry| same(&entry.id, id))
    }

    /// The registration of a class, whatever identity it was given.
    #[must_use]
    pub fn of_class(&self, class: &str) -> Option<&HandlerConfig> {
        let is = |entry: &&HandlerConfig| entry.class.as_deref().is_some_and(|of| same(of, class));
        self.config
            .handler
            .iter()
            .find(is)
            .or_else(|| self.handler(class))
    }

    /// The identity of a class: the one that it was given, else its own.
    #[must_use]
    pub fn id_of_class(&self, class: &str) -> String {
        self.of_class(class)
            .map_or_else(|| class.to_owned(), |entry| entry.id.clone())
    }

    /// Adds a registration, or replaces what one says (M-20), keeping everything else as people wrote it.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub(crate) fn put_handler(&mut self, entry: HandlerConfig) -> Result<(), Refusal> {
        self.edit("handler", |document| {
            let handlers = document
                .entry("handler")
                .or_insert_with(|| toml_edit::Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
            let Some(handlers) = handlers.as_array_of_tables_mut() else {
                return false;
            };
            let before = handlers.iter_mut().find(|table| {
                let id = table.get("id").and_then(|id| id.as_str());
                id.is_some_and(|id| same(id, &entry.id))
            });
            match before {
                Some(table) => write(table, &entry),
                None => {
                    let mut table = toml_edit::Table::new();
                    write(&mut table, &entry);
                    handlers.push(table);
                }
            }
            true
        })?;
        match self
            .config
            .handler
            .iter_mut()
            .find(|before| same(&before.id, &entry.id))
        {
            Some(before) => *before = entry,
            None => self.config.handler.push(entry),
        }
        Ok(())
    }

    /// Removes a registration with the items that were defined for it (M-25); false when there was none.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub(crate) fn remove_handler(&mut self, id: &str) -> Result<bool, Refusal> {
        if self.handler(id).is_none() {
            return Ok(false);
        }
        let is = |table: &toml_edit::Table, key: &str| {
            let of = table.get(key).and_then(|value| value.as_str());
            of.is_some_and(|of| same(of, id))
        };
        self.edit("handler", |document| {
            let tables = |item: &mut toml_edit::Item, key: &str| {
                let Some(tables) = item.as_array_of_tables_mut() else {
                    return false;
                };
                tables.retain(|table| !is(table, key));
                true
            };
            let removed = document
                .get_mut("handler")
                .is_some_and(|item| tables(item, "id"));
            removed
                && document
                    .get_mut("item")
                    .is_none_or(|item| tables(item, "handler"))
        })?;
        self.config.handler.retain(|entry| !same(&entry.id, id));
        self.config.item.retain(|item| !same(&item.handler, id));
        Ok(true)
    }
}

/// Writes what an entry says into its table; what people added beside it stays.
fn write(table: &mut toml_edit::Table, entry: &HandlerConfig) {
    // A value keeps its place and the comment behind it.
    fn put(table: &mut toml_edit::Table, key: &str, value: Option<toml_edit::Value>) {
        let Some(mut value) = value else {
            table.remove(key);
            return;
        };
        if let Some(before) = table.get(key).and_then(|item| item.as_value()) {
            *value.decor_mut() = before.decor().clone();
        }
        table.insert(key, toml_edit::Item::Value(value));
    }
    let text = |text: &str| (!text.is_empty()).then(|| text.into());
    let list = |words: Vec<&str>| {
        (!words.is_empty())
            .then(|| toml_edit::Value::Array(words.into_iter().collect::<toml_edit::Array>()))
    };
    put(table, "id", text(&entry.id));
    put(table, "description", text(&entry.description));
    put(
        table,
        "command",
        list(entry.command.iter().map(String::as_str).collect()),
    );
    put(table, "class", entry.class.as_deref().and_then(text));
    put(table, "library", entry.library.as_deref().and_then(text));
    put(
        table,
        "events",
        list(entry.events.iter().map(|event| event.word()).collect()),
    );
    put(table, "identity", entry.identity.as_deref().and_then(text));
    put(
        table,
        "registered",
        entry.registered.as_deref().and_then(text),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_survive_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let written = "# mine\n[[handler]]\nid = \"mail\" # the old one\ncommand = [\"/bin/mail\"] # fast\n\n# pairs\n[[item]]\nhandler = \"MAIL\"\nid = \"x\"\nname = \"x\"\n\n[[item]]\nhandler = \"folder\"\nid = \"y\"\nname = \"y\" # stays\n";
        std::fs::write(&path, written).unwrap();
        let mut file = ConfigFile::load(&path).unwrap();
        let mut entry = HandlerConfig {
            id: "Mail".into(),
            description: "My \"mail\" \\ ü".into(),
            command: vec!["/bin/other".into(), "-x".into()],
            events: vec![RegisterEvent::Connect, RegisterEvent::Idle],
            identity: Some("blake3:00".into()),
            registered: Some("2026-11-22T10:00:00Z".into()),
            ..HandlerConfig::default()
        };
        file.put_handler(entry.clone()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in ["# mine", "# the old one", "# fast", "# pairs", "# stays"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(ConfigFile::load(&path).unwrap().config, file.config);
        assert_eq!(file.config.handler, [entry.clone()]);

        // A class in the place of a command leaves nothing of the command.
        entry.command.clear();
        entry.class = Some("{6295DF27-35EE-11D1-8707-00C04FD93327}".into());
        entry.library = Some("/lib/x.so".into());
        file.put_handler(entry.clone()).unwrap();
        assert_eq!(ConfigFile::load(&path).unwrap().config.handler, [entry]);

        assert!(file.remove_handler("mail").unwrap());
        assert!(!file.remove_handler("mail").unwrap());
        let now = ConfigFile::load(&path).unwrap();
        assert_eq!(now.config, file.config);
        assert!(now.config.handler.is_empty());
        let items: Vec<_> = now.config.item.iter().map(|item| &item.handler).collect();
        assert_eq!(items, ["folder"]); // M-25
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("name = \"y\" # stays"), "{text}");
    }

    #[test]
    fn tables_that_are_written_inline_are_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let written = "handler = [{ id = \"a\", command = [\"/bin/a\"] }]\n";
        std::fs::write(&path, written).unwrap();
        let mut file = ConfigFile::load(&path).unwrap();
        let refusal = file.remove_handler("a").unwrap_err();
        assert_eq!(refusal.code, "config::invalid");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    }
}
