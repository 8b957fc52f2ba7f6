//! Configuration: one TOML file that people may edit and the program writes back without losing their comments.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::awake::KeepAwakeWord;
use serde::Deserialize;
use serde_json::Value;
use syncmgr_control::Refusal;
use syncmgr_control::registration::RegisterEvent;
use syncmgr_control::span;
use syncmgr_core::ItemId;

use crate::policy::PolicyConfig;
use crate::serve::setting::CenterConfig;
use crate::source::probe::Probe;

/// Largest configuration file that is read.
const MAX_CONFIG_BYTES: u64 = 16 * 1024 * 1024;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The manager's own settings.
    pub manager: ManagerConfig,
    /// Sync Center.
    pub center: CenterConfig,
    /// Handlers that the user registered.
    pub handler: Vec<HandlerConfig>,
    /// Items that the user defined.
    pub item: Vec<ItemConfig>,
    /// Programs that synchronize by themselves and are followed.
    pub bridge: Vec<crate::bridging::BridgeConfig>,
    /// Connections that handlers may ask for.
    pub connection: Vec<ConnectionConfig>,
    /// What starts by itself, and when it may.
    pub rule: Vec<RuleConfig>,
    /// What holds during and after runs.
    pub policy: Vec<PolicyConfig>,
}

/// The manager's own settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagerConfig {
    /// How many handlers work at the same time.
    pub parallel: NonZeroU32,
    /// How long a handler may take to stop before it is ended (mobsync 3.14).
    #[serde(deserialize_with = "duration")]
    pub stop_grace: Duration,
    /// How long a handler may take to answer its first message.
    #[serde(deserialize_with = "duration")]
    pub handshake: Duration,
    /// Runs, their log and events older than this are forgotten.
    #[serde(deserialize_with = "duration")]
    pub keep_history: Duration,
    /// At most so many runs are remembered.
    pub keep_runs: u32,
    /// How long a daemon keeps an instance for the links of its log (mobsync 3.7).
    #[serde(deserialize_with = "duration")]
    pub keep_links: Duration,
    /// Who must answer before a network counts as usable.
    #[serde(deserialize_with = "crate::source::probe::deserialize")]
    pub probe: Option<Probe>,
    /// The address that hears that the manager lives.
    pub(crate) ping: Option<crate::hook::setting::PulseConfig>,
    /// Where answers are remembered.
    pub remember: crate::secret::Keep,
    /// When runs keep the machine awake, unless a policy says otherwise.
    pub keep_awake: KeepAwakeWord,
    /// How long a run keeps it awake at most.
    #[serde(deserialize_with = "duration")]
    pub keep_awake_for: Duration,
    /// What a person is told at the desktop.
    #[serde(deserialize_with = "crate::hook::setting::notices")]
    pub(crate) notices: Option<syncmgr_core::notice::Notices>,
    /// When notices come together.
    #[serde(deserialize_with = "crate::hook::setting::digest")]
    pub(crate) digest: Option<syncmgr_core::Schedule>,
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self {
            parallel: const { NonZeroU32::new(4).unwrap() },
            stop_grace: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            keep_history: Duration::from_secs(90 * 24 * 3600),
            keep_runs: 10_000,
            keep_links: syncmgr_core::Settings::default().linger,
            probe: None,
            ping: None,
            remember: crate::secret::Keep::default(),
            keep_awake: KeepAwakeWord::Never,
            keep_awake_for: syncmgr_core::awake::KEEP_AWAKE_FOR,
            notices: None,
            digest: None,
        }
    }
}

/// A handler that the user registered: a program, or a class that `comhost` runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandlerConfig {
    /// Its identity.
    pub id: String,
    /// What it is called until it says so itself.
    #[serde(default)]
    pub description: String,
    /// The program and its arguments; empty for a class.
    #[serde(default)]
    pub command: Vec<String>,
    /// The COM class, in braces; absent for a program.
    #[serde(default)]
    pub class: Option<String>,
    /// The library of the class; absent where the system knows it.
    #[serde(default)]
    pub library: Option<String>,
    /// The automatic events that it wants (`SYNCMGRREGISTERFLAGS`).
    #[serde(default)]
    pub events: Vec<RegisterEvent>,
    /// What was registered, to notice when it changed.
    #[serde(default)]
    pub identity: Option<String>,
    /// When it was registered, as a timestamp.
    #[serde(default)]
    pub registered: Option<String>,
}

/// A connection that handlers may ask for (mobsync 3.8).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// What handlers call it.
    pub name: String,
    /// Dials it.
    #[serde(default)]
    pub up: Vec<String>,
    /// Closes it.
    #[serde(default)]
    pub down: Vec<String>,
    /// Ends well when it is up.
    #[serde(default)]
    pub check: Vec<String>,
    /// Is meant by handlers that name none.
    #[serde(default)]
    pub default: bool,
}

/// What starts by itself, and when it may; in words: docs/configuration.md has all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// What it is called.
    pub name: String,
    /// Items, handlers or labels; everything ticked when none is named.
    #[serde(default)]
    pub items: Vec<String>,
    /// What starts them.
    #[serde(default)]
    pub on: Vec<String>,
    /// What must hold for them to start by themselves.
    #[serde(default)]
    pub when: Vec<String>,
    /// A run that started by itself is skipped when a condition is lost, and caught up later.
    #[serde(default)]
    pub stop_when_lost: bool,
    /// A run that started by itself is skipped when the machine wakes from a sleep in its middle.
    #[serde(default)]
    pub stop_on_wake: bool,
    /// A person is asked first.
    #[serde(default)]
    pub ask: bool,
    /// How old the last good run may be; as the schedule promises when absent.
    #[serde(default, deserialize_with = "optional_duration")]
    pub fresh_within: Option<Duration>,
    /// A scheduled time that was missed is caught up once if it is not older than this.
    #[serde(default, deserialize_with = "optional_duration")]
    pub catch_up: Option<Duration>,
    /// Scheduled starts are moved later by a part of this, the same every day.
    #[serde(default, deserialize_with = "optional_duration")]
    pub jitter: Option<Duration>,
    /// What becomes of items that run already: `ignore` or `again`; as what starts them asks for when absent.
    #[serde(default)]
    pub if_running: Option<String>,
    /// The connection that scheduled starts open first, and that is closed after their last run.
    #[serde(default)]
    pub connect: Option<String>,
}

/// An item that the user defined.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemConfig {
    /// Its handler.
    pub handler: String,
    /// Its identity, stable for ever.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One line about it, as the handler described it.
    #[serde(default)]
    pub comment: String,
    /// Labels, to name several items at once.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Takes part in a plain `sync`.
    #[serde(default = "yes")]
    pub checked: bool,
    /// How old the last good run may be.
    #[serde(default, deserialize_with = "optional_duration")]
    pub fresh_within: Option<Duration>,
    /// What the handler needs to know of it.
    #[serde(default)]
    pub definition: Value,
}

fn yes() -> bool {
    true
}

/// Reads a span such as `90s`, `1h 30m` or `2 days`; a day has 24 hours here.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    span::read(text).map_err(|why| format!("{why}; write it as {}", span::FORMS))
}

/// A span as [`parse_duration`] reads it, in its largest whole unit.
fn written(span: Duration) -> String {
    let ms = span.as_millis();
    [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ]
    .into_iter()
    .find(|(unit, _)| ms.is_multiple_of(*unit))
    .map_or_else(
        || format!("{ms}ms"),
        |(unit, word)| format!("{}{word}", ms / unit),
    )
}

fn duration<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

fn optional_duration<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|text| parse_duration(&text).map_err(serde::de::Error::custom))
        .transpose()
}

/// The configuration with the file it came from.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    /// What it says.
    pub config: Config,
}

impl ConfigFile {
    /// Where it stands.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; one that does not exist says nothing.
    ///
    /// # Errors
    /// `config::unreadable` and `config::invalid`, with the place of the mistake.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let text = read_text(path)?;
        let config = parse(path, &text)?;
        Ok(Self {
            path: path.to_owned(),
            config,
        })
    }

    /// Appends an item, keeping everything else of the file as people wrote it.
    ///
    /// # Errors
    /// `config::unreadable`, `config::invalid` when it was spoiled meanwhile, `config::unwritable`.
    pub fn add_item(&mut self, item: ItemConfig) -> Result<(), Refusal> {
        let mut table = toml_edit::Table::new();
        table["handler"] = toml_edit::value(&item.handler);
        table["id"] = toml_edit::value(&item.id);
        table["name"] = toml_edit::value(&item.name);
        if !item.comment.is_empty() {
            table["comment"] = toml_edit::value(&item.comment);
        }
        if let Some(span) = item.fresh_within {
            table["fresh_within"] = toml_edit::value(written(span));
        }
        if let Some(definition) = to_toml(&item.definition) {
            table["definition"] = toml_edit::Item::Value(definition);
        }
        self.edit("item", |document| {
            let items = document
                .entry("item")
                .or_insert_with(|| toml_edit::Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
            match items.as_array_of_tables_mut() {
                Some(items) => {
                    items.push(table);
                    true
                }
                None => false,
            }
        })?;
        self.config.item.push(item);
        Ok(())
    }

    /// Removes an item, keeping everything else of the file as people wrote it.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub fn remove_item(&mut self, handler: &str, id: &str) -> Result<(), Refusal> {
        self.edit("item", |document| {
            let Some(items) = document
                .get_mut("item")
                .and_then(|items| items.as_array_of_tables_mut())
            else {
                return false;
            };
            items.retain(|item| {
                !(item.get("handler").and_then(|v| v.as_str()) == Some(handler)
                    && item.get("id").and_then(|v| v.as_str()) == Some(id))
            });
            true
        })?;
        self.config
            .item
            .retain(|item| !(item.handler == handler && item.id == id));
        Ok(())
    }

    /// Stores another definition of an item; false when the user defined no such item.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub fn set_definition(
        &mut self,
        handler: &str,
        id: &str,
        definition: Value,
    ) -> Result<bool, Refusal> {
        let Some(written) = to_toml(&definition) else {
            return Ok(false);
        };
        let changed = self.edit_item(handler, id, |item| {
            item["definition"] = toml_edit::Item::Value(written);
        })?;
        for item in self
            .config
            .item
            .iter_mut()
            .filter(|item| item.handler == handler && item.id == id)
        {
            item.definition = definition.clone();
        }
        Ok(changed)
    }

    /// Stores whether an item takes part in a plain `sync`; false when the user defined no such item.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub fn set_checked(&mut self, handler: &str, id: &str, checked: bool) -> Result<bool, Refusal> {
        let changed = self.edit_item(handler, id, |item| {
            item["checked"] = toml_edit::value(checked);
        })?;
        for item in self
            .config
            .item
            .iter_mut()
            .filter(|item| item.handler == handler && item.id == id)
        {
            item.checked = checked;
        }
        Ok(changed)
    }

    /// Whether a connection of this name is configured.
    pub(crate) fn has_connection(&self, name: &str) -> bool {
        self.config
            .connection
            .iter()
            .any(|connection| connection.name == name)
    }

    /// Adds a rule, or replaces the one of its name; spans are written as they were typed.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub fn set_rule(
        &mut self,
        rule: RuleConfig,
        fresh_within: Option<String>,
        catch_up: Option<String>,
        jitter: Option<String>,
    ) -> Result<(), Refusal> {
        let mut table = toml_edit::Table::new();
        let list = |texts: &[String]| toml_edit::value(texts.iter().collect::<toml_edit::Array>());
        table["name"] = toml_edit::value(&rule.name);
        for (key, texts) in [
            ("items", &rule.items),
            ("on", &rule.on),
            ("when", &rule.when),
        ] {
            if !texts.is_empty() {
                table[key] = list(texts);
            }
        }
        for (key, flag) in [
            ("ask", rule.ask),
            ("stop_when_lost", rule.stop_when_lost),
            ("stop_on_wake", rule.stop_on_wake),
        ] {
            if flag {
                table[key] = toml_edit::value(true);
            }
        }
        for (key, span) in [
            ("fresh_within", fresh_within),
            ("catch_up", catch_up),
            ("jitter", jitter),
        ] {
            if let Some(span) = span {
                table[key] = toml_edit::value(span);
            }
        }
        for (key, word) in [("if_running", &rule.if_running), ("connect", &rule.connect)] {
            if let Some(word) = word {
                table[key] = toml_edit::value(word);
            }
        }
        let name = rule.name.clone();
        self.edit("rule", |document| {
            let rules = document
                .entry("rule")
                .or_insert_with(|| toml_edit::Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
            let Some(rules) = rules.as_array_of_tables_mut() else {
                return false;
            };
            let place = rules.iter().position(|table| is_called(table, &name));
            match place.and_then(|place| rules.get_mut(place)) {
                Some(before) => *before = table,
                None => rules.push(table),
            }
            true
        })?;
        let rules = &mut self.config.rule;
        match rules
            .iter_mut()
            .find(|before| before.name.eq_ignore_ascii_case(&rule.name))
        {
            Some(before) => *before = rule,
            None => rules.push(rule),
        }
        Ok(())
    }

    /// Removes a rule, keeping everything else of the file as people wrote it.
    ///
    /// # Errors
    /// As [`Self::add_item`].
    pub fn remove_rule(&mut self, name: &str) -> Result<(), Refusal> {
        self.edit("rule", |document| {
            let Some(rules) = document
                .get_mut("rule")
                .and_then(|rules| rules.as_array_of_tables_mut())
            else {
                return false;
            };
            rules.retain(|table| !is_called(table, name));
            true
        })?;
        self.config
            .rule
            .retain(|rule| !rule.name.eq_ignore_ascii_case(name));
        Ok(())
    }

    fn edit_item(
        &self,
        handler: &str,
        id: &str,
        change: impl FnOnce(&mut toml_edit::Table),
    ) -> Result<bool, Refusal> {
        let defined = |item: &ItemConfig| item.handler == handler && item.id == id;
        if !self.config.item.iter().any(defined) {
            return Ok(false);
        }
        let mut found = false;
        self.edit("item", |document| {
            let Some(items) = document
                .get_mut("item")
                .and_then(|items| items.as_array_of_tables_mut())
            else {
                return false;
            };
            let table = items.iter_mut().find(|item| {
                item.get("handler").and_then(|v| v.as_str()) == Some(handler)
                    && item.get("id").and_then(|v| v.as_str()) == Some(id)
            });
            if let Some(table) = table {
                change(table);
                found = true;
            }
            true
        })?;
        Ok(found)
    }

    /// Changes the file as a whole: afterwards it is wholly old or wholly new. `kind` names the tables that `change`
    /// answers false for when they are not written as such.
    pub(crate) fn edit(
        &self,
        kind: &str,
        change: impl FnOnce(&mut toml_edit::DocumentMut) -> bool,
    ) -> Result<(), Refusal> {
        let text = read_text(&self.path)?;
        let mut document: toml_edit::DocumentMut =
            text.parse().map_err(|cause: toml_edit::TomlError| {
                invalid_text(&self.path, cause.message().to_owned(), cause.span(), &text)
            })?;
        if !change(&mut document) {
            return Err(invalid_text(
                &self.path,
                format!("`{kind}` is not written as `[[{kind}]]` tables"),
                None,
                &text,
            ));
        }
        // What somebody wrote by hand meanwhile may be wrong, or meet badly with this change.
        let text = document.to_string();
        parse(&self.path, &text)?;
        write_whole(&self.path, text.as_bytes()).map_err(|cause| {
            Refusal::new(
                "config::unwritable",
                format!("{} cannot be written", self.path.display()),
                "check its permissions and the free space; nothing was changed",
            )
            .because(&cause)
        })
    }

    /// The definitions of a handler's items, by item id: of these `only`; none: of all.
    #[must_use]
    pub fn definitions(&self, handler: &str, only: &[ItemId]) -> serde_json::Map<String, Value> {
        let only: HashSet<&str> = only.iter().map(ItemId::as_str).collect();
        let wanted = |id: &str| only.is_empty() || only.contains(id);
        self.config
            .item
            .iter()
            .filter(|item| item.handler == handler && wanted(&item.id))
            .map(|item| {
                let mut definition = item.definition.clone();
                if let Value::Object(map) = &mut definition {
                    // The user may rename an item in the file: the handler lists it under that name.
                    map.insert("name".into(), Value::String(item.name.clone()));
                }
                (item.id.clone(), definition)
            })
            .collect()
    }
}

pub(crate) fn is_called(table: &toml_edit::Table, name: &str) -> bool {
    table
        .get("name")
        .and_then(|value| value.as_str())
        .is_some_and(|called| called.eq_ignore_ascii_case(name))
}

/// Writes a file so that it is wholly old or wholly new, whatever happens.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let mut file = crate::sys::private_file_options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn read_text(path: &Path) -> Result<String, Refusal> {
    use std::io::Read as _;
    let unreadable = |cause: std::io::Error| {
        Refusal::new(
            "config::unreadable",
            format!("{} cannot be read", path.display()),
            "check its permissions; a configuration file is UTF-8 text",
        )
        .because(&cause)
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = String::new();
    file.take(MAX_CONFIG_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Config, Refusal> {
    let config: Config = toml::from_str(text)
        .map_err(|cause| invalid_text(path, cause.message().to_owned(), cause.span(), text))?;
    let at = std::cell::Cell::new(None);
    check(&config, &at).map_err(|why| {
        let span = at.get().and_then(|(kind, index)| table(text, kind, index));
        invalid_text(path, why, span, text)
    })?;
    Ok(config)
}

/// Where the table `[[kind]]` of this index stands.
fn table(text: &str, kind: &str, index: usize) -> Option<std::ops::Range<usize>> {
    let document = toml_edit::Document::parse(text).ok()?;
    let tables = document.get(kind)?.as_array_of_tables()?;
    tables.get(index)?.span()
}

fn invalid_text(
    path: &Path,
    why: String,
    span: Option<std::ops::Range<usize>>,
    text: &str,
) -> Refusal {
    let before = span.and_then(|span| text.get(..span.start));
    let place = before.map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[begin..].chars().count() + 1;
        format!(", line {line}, column {column},")
    });
    let mut refusal = Refusal::new(
        "config::invalid",
        format!("{}{place} is not a valid configuration", path.display()),
        "correct that line; docs/configuration.md shows every setting",
    );
    if let Some(meant) = meant(&why) {
        refusal.hint = Some(format!(
            "did you mean `{meant}`? docs/configuration.md shows every setting"
        ));
    }
    refusal.causes.push(why);
    refusal
}

/// The key that was meant, where the parser names an unknown one and those that it knows.
fn meant(why: &str) -> Option<&str> {
    let mut named = why
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let unknown = named.next()?;
    named
        .map(|known| (strsim::levenshtein(known, unknown), known))
        .min()
        .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 3)
        .map(|(_, known)| known)
}

/// What the types cannot say: identities are unique and well-formed. `at` is the table that was looked at last.
fn check(
    config: &Config,
    at: &std::cell::Cell<Option<(&'static str, usize)>>,
) -> Result<(), String> {
    config.center.check()?;
    let mut seen = BTreeMap::new();
    for (index, item) in config.item.iter().enumerate() {
        at.set(Some(("item", index)));
        syncmgr_core::HandlerId::new(&item.handler)
            .map_err(|cause| format!("`{}`: {cause}", item.handler))?;
        let id = syncmgr_core::ItemId::new(&item.id)
            .map_err(|cause| format!("`{}`: {cause}", item.id))?;
        if seen.insert((item.handler.clone(), id), ()).is_some() {
            return Err(format!("the item id `{}` stands twice", item.id));
        }
    }
    for (index, bridge) in config.bridge.iter().enumerate() {
        at.set(Some(("bridge", index)));
        bridge.check()?;
    }
    at.set(None);
    let mut names = std::collections::BTreeSet::new();
    for (index, connection) in config.connection.iter().enumerate() {
        at.set(Some(("connection", index)));
        let name = &connection.name;
        if name.is_empty() || !names.insert(name) {
            return Err(format!(
                "each connection has a name of its own, and `{name}` is empty or stands twice"
            ));
        }
        if connection.up.is_empty() && connection.check.is_empty() {
            return Err(format!(
                "the connection `{name}` has neither `up` nor `check`"
            ));
        }
    }
    at.set(None);
    if config.connection.len() > syncmgr_core::MAX_CONNECTIONS {
        return Err(format!(
            "there are more than {} connections",
            syncmgr_core::MAX_CONNECTIONS
        ));
    }
    if config.connection.iter().filter(|c| c.default).count() > 1 {
        return Err("more than one connection is the default".to_owned());
    }
    let mut rules = std::collections::HashSet::new();
    at.set(None);
    for (index, rule) in config.rule.iter().enumerate() {
        at.set(Some(("rule", index)));
        crate::rules::read(rule)?;
        if let Some(connection) = &rule.connect
            && !names.contains(connection)
        {
            return Err(format!(
                "rule `{}`: no connection `{connection}` is configured",
                rule.name
            ));
        }
        if !rules.insert(rule.name.to_lowercase()) {
            return Err(format!("the rule `{}` stands twice", rule.name));
        }
    }
    at.set(None);
    if config.rule.len() > syncmgr_core::rule::MAX_RULES {
        return Err(format!(
            "there are more than {} rules",
            syncmgr_core::rule::MAX_RULES
        ));
    }
    crate::policy::check(&config.policy)?;
    let mut handlers = std::collections::HashSet::new();
    at.set(None);
    for (index, handler) in config.handler.iter().enumerate() {
        at.set(Some(("handler", index)));
        let id = syncmgr_core::HandlerId::new(&handler.id)
            .map_err(|cause| format!("`{}`: {cause}", handler.id))?;
        if crate::launch::is_built_in(&handler.id) {
            return Err(format!(
                "the handler `{}` is part of syncmgr and cannot be replaced",
                handler.id
            ));
        }
        if !handlers.insert(id) {
            return Err(format!(
                "the handler `{}` stands twice; upper and lower case are the same",
                handler.id
            ));
        }
        match (&handler.class, handler.command.is_empty()) {
            (None, true) => {
                return Err(format!(
                    "the handler `{}` has no command and no class",
                    handler.id
                ));
            }
            (Some(_), false) => {
                return Err(format!(
                    "the handler `{}` has a command and a class: one of them runs",
                    handler.id
                ));
            }
            (Some(class), true) if syncmgr_control::registration::class(class).is_none() => {
                return Err(format!(
                    "`{class}` is not a class such as {{12345678-9ABC-DEF0-1234-56789ABCDEF0}}"
                ));
            }
            _ => {}
        }
        if handler.library.is_some() && handler.class.is_none() {
            return Err(format!(
                "the handler `{}` has a library and no class",
                handler.id
            ));
        }
    }
    Ok(())
}

/// JSON as TOML; null has no counterpart and is left out.
fn to_toml(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => match n.as_i64() {
            Some(i) => i.into(),
            None => n.as_f64()?.into(),
        },
        Value::String(s) => s.as_str().into(),
        Value::Array(values) => values
            .iter()
            .filter_map(to_toml)
            .collect::<toml_edit::Array>()
            .into(),
        Value::Object(map) => {
            let mut table = toml_edit::InlineTable::new();
            for (key, value) in map {
                if let Some(value) = to_toml(value) {
                    table.insert(key, value);
                }
            }
            table.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str) -> ItemConfig {
        ItemConfig {
            handler: "folder".into(),
            id: id.into(),
            name: "notes".into(),
            comment: String::new(),
            labels: Vec::new(),
            checked: true,
            fresh_within: None,
            definition: serde_json::json!({"left": "/a", "right": "/b", "keep_days": 30}),
        }
    }

    #[test]
    fn comments_and_order_survive_an_edit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let written = "# mine\n[manager]\nparallel = 2 # not more\n\n# the first\n[[item]]\nhandler = \"folder\"\nid = \"x\"\nname = \"x\"\nfresh_within = \"1d 12h\"\n";
        std::fs::write(&path, written).unwrap();
        let mut file = ConfigFile::load(&path).unwrap();
        assert_eq!(
            file.config.item[0].fresh_within,
            Some(Duration::from_secs(36 * 3600))
        );
        file.add_item(ItemConfig {
            fresh_within: Some(Duration::from_secs(90 * 60)),
            ..item("y")
        })
        .unwrap();
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(now.starts_with(written), "{now}");
        let again = ConfigFile::load(&path).unwrap();
        assert_eq!(again.config, file.config);
        assert_eq!(again.definitions("folder", &[])["y"]["keep_days"], 30);
        assert!(file.set_checked("folder", "y", false).unwrap());
        let changed = serde_json::json!({"left": "/c", "right": "/b"});
        assert!(file.set_definition("folder", "y", changed).unwrap());
        assert!(!file.set_checked("folder", "z", false).unwrap());
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(now.starts_with(written), "{now}");
        let again = ConfigFile::load(&path).unwrap();
        assert_eq!(again.config, file.config);
        assert!(!again.config.item[1].checked);
        assert_eq!(again.definitions("folder", &[])["y"]["left"], "/c");
        let of = |id: &str| again.definitions("folder", &[ItemId::new(id).unwrap()]);
        assert_eq!(of("y").keys().collect::<Vec<_>>(), ["y"]);
        assert!(of("gone").is_empty());
        assert_eq!(again.definitions("folder", &[]).len(), 2);
        file.remove_item("folder", "y").unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap().trim_end(),
            written.trim_end()
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        for (text, part) in [
            ("[manager]\nparallel = \"many\"\n", "line 2"),
            ("[manager]\nparallel = 0\n", "line 2"),
            ("[manager]\nstop_grace = \"soon\"\n", "line 2"),
            ("[manager\n", "line 1"),
            (
                "[[item]]\nhandler=\"f\"\nid=\"a\"\nname=\"a\"\n[[item]]\nhandler=\"f\"\nid=\"A\"\nname=\"b\"\n",
                "twice",
            ),
            ("[[handler]]\nid = \"h\"\ncommand = []\n", "no command"),
            ("colour = 1\n", "colour"),
            ("[[connection]]\nname = \"a\"\n", "neither"),
            ("[[connection]]\nname = \"\"\nup = [\"true\"]\n", "empty"),
            (
                "[[connection]]\nname = \"a\"\nup = [\"t\"]\ndefault = true\n[[connection]]\nname = \"b\"\nup = [\"t\"]\ndefault = true\n",
                "default",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let refusal = ConfigFile::load(&path).unwrap_err();
            assert_eq!(refusal.code, "config::invalid");
            let all = format!("{} {}", refusal.message, refusal.causes.join(" "));
            assert!(all.contains(part), "{text}: {all}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(
            ConfigFile::load(&path).unwrap_err().code,
            "config::unreadable"
        );
    }
}
