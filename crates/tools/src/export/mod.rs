//! Items as units of systemd and as lines of cron that run the bare command.
//!
//! What either cannot say is told in comments beside it, never left out in silence.

mod cron;
mod recipe;
mod systemd;

use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::item::recipe_of;

pub use self::cron::lines;
pub use self::systemd::{Units, units};

/// What is to be exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// What the item is called.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// What runs, one command after the other; empty when it cannot run without syncmgr.
    pub commands: Vec<Vec<String>>,
    /// What comes nearest to it, when it cannot.
    pub nearest: Option<String>,
    /// The recipe whose commands they are.
    pub recipe: Option<String>,
    /// Why there are no commands, as a sentence, where that is known.
    pub why: Option<String>,
    /// What is different without us, as sentences.
    pub notes: Vec<String>,
    /// Its working directory.
    pub directory: Option<String>,
    /// Its variables.
    pub env: Vec<(String, String)>,
    /// Whose rights it has.
    pub user: Option<String>,
    /// How nice it is.
    pub nice: Option<i8>,
    /// Its class of input and output.
    pub ionice: Option<String>,
    /// How long it may take, as the item says it.
    pub time_limit: Option<String>,
    /// What starts it.
    pub starts: Vec<Start>,
    /// What must hold, in the words of rules.
    pub when: Vec<String>,
}

/// What starts a task, as one rule says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Schedules in their normalised form.
    pub schedules: Vec<String>,
    /// Whatever else, in the words of rules.
    pub others: Vec<String>,
    /// What was missed is caught up.
    pub catches_up: bool,
    /// It starts so many seconds later at most.
    pub jitter_s: u64,
}

impl Task {
    /// What an item of the handler `tools` is, from its definition. Secrets are not in it, and its notes say what to supply.
    /// `home` is the user's home directory.
    #[must_use]
    pub fn of_tools(
        name: &str,
        definition: &Map<String, Value>,
        catalogue: &Catalogue,
        home: Option<&str>,
    ) -> Self {
        let mut task = Self::wrapped(name, definition).unwrap_or_else(|| {
            let made = recipe_of(definition)
                .and_then(|id| catalogue.get(id))
                .and_then(|known| recipe::task(name, known, definition, home));
            made.unwrap_or_else(|refused| Self {
                name: name.to_owned(),
                why: Some(format!("It cannot be exported: {}.", refused.text)),
                ..Self::default()
            })
        });
        recipe::without_secrets(&mut task);
        task
    }

    fn wrapped(name: &str, definition: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| {
            definition
                .get(key)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let command: Vec<String> = definition
            .get("command")?
            .as_array()?
            .iter()
            .map(|word| word.as_str().map(str::to_owned))
            .collect::<Option<_>>()?;
        let env = definition.get("env").and_then(Value::as_object);
        Some(Self {
            name: name.to_owned(),
            commands: vec![command],
            directory: text("directory"),
            env: env
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            user: text("user"),
            nice: match definition.get("nice") {
                Some(Value::String(number)) => number.parse().ok(),
                Some(number) => number.as_i64().and_then(|number| i8::try_from(number).ok()),
                None => None,
            },
            ionice: text("ionice"),
            time_limit: text("time_limit"),
            ..Self::default()
        })
    }

    /// What a pair of the handler `folder` is: it cannot run without syncmgr.
    #[must_use]
    pub fn folders(name: &str, definition: &Map<String, Value>) -> Self {
        let side = |key: &str| {
            definition
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let words = ["unison", side("left"), side("right"), "-batch", "-auto"].map(str::to_owned);
        Self {
            name: name.to_owned(),
            nearest: Some(crate::import::shell::typed(&words)),
            ..Self::default()
        }
    }
}

/// Why a task has no commands, and what comes nearest to it.
fn without_commands(task: &Task) -> String {
    match (&task.nearest, &task.why, &task.recipe) {
        (Some(nearest), ..) => {
            format!(
                "It cannot run without syncmgr. What comes nearest, and is not the same: {nearest}"
            )
        }
        (None, Some(why), _) => why.clone(),
        (None, None, Some(recipe)) => {
            format!(
                "It cannot run without syncmgr: the recipe {recipe} has no commands that stand alone."
            )
        }
        (None, None, None) => "It cannot run without syncmgr.".to_owned(),
    }
}

/// A name that can be a file's and a unit's.
#[must_use]
pub fn unit_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() {
        "item".to_owned()
    } else {
        name.to_owned()
    }
}

/// A text within one line of a comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The span of `every 1h 30m` in seconds.
fn interval(schedule: &str) -> Option<u64> {
    let mut seconds: u64 = 0;
    for part in schedule.strip_prefix("every ")?.split_whitespace() {
        let (number, unit) = part.split_at(part.len().checked_sub(1)?);
        let length = match unit {
            "d" => 86_400,
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(length)?)?;
    }
    (seconds > 0).then_some(seconds)
}
