//! Command lines that are items of a recipe: what people type themselves, in crontabs and units.
//!
//! A recipe says for its program which words and options mean which of its arguments ([`Line`]). A line is only taken when
//! every word of it is accounted for; whatever is not makes it stay a command, with the reason.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::arguments::{Definition, parse};
use crate::import::Wrapped;
use crate::pattern::Pattern;
use crate::recipe::Recipe;
use crate::recognise::file_name;
use crate::template::Template;
use syncmgr_handler::mask::is_secret_name;

/// Where programs are that are found by their name alone; one from elsewhere is another program.
const USUAL: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin"];

/// A command line of the program that is an item of the recipe.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// The words that stand first, such as `backup`; options may stand before and between them.
    pub words: Vec<String>,
    /// Options that must be there, as the recipe says them itself.
    pub must: Vec<String>,
    /// Options that are left out: they change only what is printed, or the recipe says them itself.
    pub drop: Vec<String>,
    /// The same, with a value.
    pub drop_value: Vec<String>,
    /// Options that are carried over as they are.
    pub extra: Vec<String>,
    /// The same, with a value.
    pub extra_value: Vec<String>,
    /// Options that turn on an argument.
    pub flag: BTreeMap<String, String>,
    /// Options whose value is an argument.
    pub option: BTreeMap<String, To>,
    /// Words that are no options, in their order.
    pub place: Vec<Place>,
    /// Arguments that follow from the others, and from the groups of places.
    pub give: BTreeMap<String, Template>,
    /// Groups of places that must be directories of this machine.
    pub directories: Vec<String>,
    /// Variables whose value is an argument.
    pub env: BTreeMap<String, To>,
    /// The argument that the working directory is.
    pub directory: Option<String>,
    /// Arguments that must come out of it.
    pub need: Vec<String>,
    /// Long options have one hyphen, and short ones are not joined.
    pub one_hyphen: bool,
    /// What a person should know of what becomes different.
    pub say: Option<String>,
}

/// Which argument a value is.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum To {
    /// This one, as it is.
    Argument(String),
    /// This one, with something before it.
    Before {
        /// The argument.
        argument: String,
        /// What stands before the value, such as `file:`.
        before: String,
    },
}

impl To {
    /// The argument.
    #[must_use]
    pub fn argument(&self) -> &str {
        match self {
            Self::Argument(argument) | Self::Before { argument, .. } => argument,
        }
    }

    fn of(&self, value: &str) -> (String, String) {
        match self {
            Self::Argument(argument) => (argument.clone(), value.to_owned()),
            Self::Before { argument, before } => (argument.clone(), format!("{before}{value}")),
        }
    }
}

/// A word that is no option.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The whole word. Its named groups are arguments, or values for `give`. Where a group is a list, it takes all that are left.
    pub is: Pattern,
    /// Why a word that does not fit is none, as a fragment.
    #[serde(default)]
    pub why: Option<String>,
}

/// What a line becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// What the item is defined with.
    pub arguments: Map<String, Value>,
    /// What looks at a run of it before it begins, for people; absent: nothing does.
    pub guard: Option<String>,
    /// What a person should know of what becomes different.
    pub say: Option<String>,
}

/// Where a line would run.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The home directory of the user.
    pub home: Option<&'a Path>,
    /// Tells whether something is a directory of this machine.
    pub is_directory: fn(&Path) -> bool,
}

/// Makes an item of a recipe of a command.
///
/// # Errors
/// Why it stays a command, as a fragment; `None` where the recipe takes no lines at all.
pub fn carry(
    recipe: &Recipe,
    wrapped: &Wrapped,
    ground: Ground<'_>,
) -> Result<Carried, Option<String>> {
    if recipe.lines.is_empty() {
        return Err(None);
    }
    if wrapped.shell {
        return Err(Some("a shell runs it".to_owned()));
    }
    let Some((program, rest)) = wrapped.command.split_first() else {
        return Err(None);
    };
    let name = file_name(program);
    let is_own = recipe
        .program
        .iter()
        .chain(&recipe.also)
        .any(|own| own == name);
    if !is_own {
        return Err(Some(format!("`{name}` runs it")));
    }
    if let Some((directory, _)) = program.rsplit_once('/')
        && !USUAL.contains(&directory)
    {
        return Err(Some(format!("`{program}` is a program of its own")));
    }
    let mut why = None;
    for line in &recipe.lines {
        match line.take(recipe, wrapped, rest, ground) {
            Ok(carried) => return Ok(carried),
            // The first whose words fit says it best.
            Err(Some(reason)) => {
                why.get_or_insert(reason);
            }
            Err(None) => {}
        }
    }
    Err(Some(why.unwrap_or_else(|| {
        format!("the recipe {} does something else", recipe.id)
    })))
}

/// What was found in the words of a line.
#[derive(Default)]
struct Taken {
    /// Arguments and their values, in their order.
    values: Vec<(String, String)>,
    flags: Vec<String>,
    extra: Vec<String>,
    seen: Vec<String>,
    places: Vec<String>,
}

impl Line {
    /// `None` as an error: other words stand first.
    fn take(
        &self,
        recipe: &Recipe,
        wrapped: &Wrapped,
        words: &[String],
        ground: Ground<'_>,
    ) -> Result<Carried, Option<String>> {
        // An unknown option may hide which words stand first; that they are there at all decides whose reason counts.
        let fits = self
            .words
            .iter()
            .all(|wanted| words.iter().any(|word| word == wanted));
        if !fits {
            return Err(None);
        }
        let mut taken = self.words_of(words).map_err(Some)?;
        if !taken.places.starts_with(&self.words) {
            return Err(None);
        }
        if let Some(missing) = self.must.iter().find(|must| !taken.seen.contains(must)) {
            return Err(Some(format!("it has no `{missing}`")));
        }
        let groups = self.groups(recipe, &mut taken).map_err(Some)?;
        self.directory_of(wrapped, &mut taken);
        for (name, template) in &self.give {
            taken.values.push((name.clone(), template.fill(&groups)));
        }
        let cwd = wrapped
            .directory
            .as_ref()
            .map(std::path::PathBuf::from)
            .or_else(|| ground.home.map(Path::to_owned))
            .unwrap_or_default();
        for name in &self.directories {
            let path = groups.get(name).cloned().unwrap_or_default();
            if !(ground.is_directory)(&cwd.join(&path)) {
                return Err(Some(format!("`{path}` is no directory of this machine")));
            }
        }
        let env = self.variables(recipe, wrapped, &mut taken).map_err(Some)?;
        let has = |name: &String| {
            taken.values.iter().any(|(known, _)| known == name) || taken.flags.contains(name)
        };
        if let Some(missing) = self.need.iter().find(|name| !has(name)) {
            return Err(Some(format!("it does not say its `{missing}`")));
        }
        let mut typed: Vec<String> = Vec::new();
        typed.extend(taken.flags.iter().map(|name| format!("--{name}")));
        let values = taken.values.iter();
        typed.extend(values.map(|(name, value)| format!("--{name}={value}")));
        typed.extend(taken.extra.iter().map(|word| format!("--extra={word}")));
        let mut arguments =
            parse(recipe, &typed, &cwd, ground.home).map_err(|why| Some(why.text))?;
        self.settings(wrapped, env, ground, &mut arguments);
        let definition = Definition::read(recipe, &arguments).map_err(|why| Some(why.text))?;
        let guard = recipe
            .guard
            .as_ref()
            .filter(|guard| guard.condition.holds(&definition))
            .map(|guard| {
                if recipe.plan.is_empty() {
                    "a run asks first where its source vanished or is empty".to_owned()
                } else {
                    format!(
                        "a run that would delete more than {} things and {} % of all asks first, and so does one whose source vanished",
                        guard.count, guard.percent
                    )
                }
            });
        Ok(Carried {
            arguments,
            guard,
            say: self.say.clone(),
        })
    }

    /// Sorts the words of a line; one that nobody knows is why it is not taken.
    fn words_of(&self, words: &[String]) -> Result<Taken, String> {
        let mut taken = Taken::default();
        let mut words = words.iter();
        let mut only_places = false;
        while let Some(word) = words.next() {
            if only_places || !word.starts_with('-') || word == "-" {
                taken.places.push(word.clone());
                continue;
            }
            if word == "--" {
                only_places = true;
                continue;
            }
            let is_long = word.starts_with("--") || self.one_hyphen;
            if is_long {
                let (option, value) = match word.split_once('=') {
                    Some((option, value)) => (option, Some(value.to_owned())),
                    None => (word.as_str(), None),
                };
                if self.takes_value(option) {
                    let value = value
                        .or_else(|| words.next().cloned())
                        .ok_or_else(|| format!("`{option}` has no value"))?;
                    self.with_value(&mut taken, option, &value);
                } else if value.is_none() && self.is_plain(option) {
                    self.without_value(&mut taken, option);
                } else {
                    return Err(unknown(option));
                }
                continue;
            }
            // Short options may be joined, the last one with its value.
            let letters = word.get(1..).unwrap_or_default();
            for (at, letter) in letters.char_indices() {
                let option = format!("-{letter}");
                let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                if self.takes_value(&option) {
                    let value = match rest {
                        "" => words.next().cloned(),
                        // Programs do not agree what `-x=value` is.
                        joined if joined.starts_with('=') => None,
                        joined => Some(joined.to_owned()),
                    };
                    let value = value.ok_or_else(|| format!("`{option}` has no value"))?;
                    self.with_value(&mut taken, &option, &value);
                    break;
                }
                if !self.is_plain(&option) {
                    return Err(unknown(&option));
                }
                self.without_value(&mut taken, &option);
            }
        }
        Ok(taken)
    }

    fn takes_value(&self, option: &str) -> bool {
        self.option.contains_key(option)
            || [&self.extra_value, &self.drop_value]
                .iter()
                .any(|list| list.iter().any(|known| known == option))
    }

    fn is_plain(&self, option: &str) -> bool {
        self.flag.contains_key(option)
            || [&self.extra, &self.drop, &self.must]
                .iter()
                .any(|list| list.iter().any(|known| known == option))
    }

    fn with_value(&self, taken: &mut Taken, option: &str, value: &str) {
        taken.seen.push(option.to_owned());
        if let Some(to) = self.option.get(option) {
            taken.values.push(to.of(value));
        } else if self.extra_value.iter().any(|known| known == option) {
            taken.extra.push(option.to_owned());
            taken.extra.push(value.to_owned());
        }
    }

    fn without_value(&self, taken: &mut Taken, option: &str) {
        taken.seen.push(option.to_owned());
        if let Some(flag) = self.flag.get(option) {
            taken.flags.push(flag.clone());
        }
        if self.extra.iter().any(|known| known == option) {
            taken.extra.push(option.to_owned());
        }
    }

    /// What the groups of the words that are no options are; those that are arguments are taken.
    fn groups(
        &self,
        recipe: &Recipe,
        taken: &mut Taken,
    ) -> Result<BTreeMap<String, String>, String> {
        let is_list = |name: &str| {
            recipe
                .arguments
                .iter()
                .any(|argument| argument.name == name && argument.kind.is_many())
        };
        let mut groups = BTreeMap::new();
        let words = taken.places.split_off(self.words.len());
        let mut words = words.into_iter().peekable();
        for place in &self.place {
            let regex = &place.is;
            let repeats = regex.group_names().any(is_list);
            loop {
                let Some(word) = words.next() else {
                    let mut names = regex.group_names();
                    let name = names.next().unwrap_or("words");
                    return Err(format!("it does not say its `{name}`"));
                };
                let found = regex
                    .captures(&word)
                    .filter(|found| found.get(0).is_some_and(|all| all.len() == word.len()))
                    .ok_or_else(|| match &place.why {
                        Some(why) => format!("`{word}` {why}"),
                        None => format!("`{word}` is not what the recipe takes"),
                    })?;
                for name in regex.group_names() {
                    let Some(part) = found.name(name) else {
                        continue;
                    };
                    groups.insert(name.to_owned(), part.as_str().to_owned());
                    let is_argument = recipe.arguments.iter().any(|known| known.name == name);
                    // What is given stands in its place.
                    if is_argument && !part.is_empty() && !self.give.contains_key(name) {
                        taken
                            .values
                            .push((name.to_owned(), part.as_str().to_owned()));
                    }
                }
                if !repeats || words.peek().is_none() {
                    break;
                }
            }
        }
        match words.next() {
            Some(word) => Err(format!("`{word}` is one word too many for the recipe")),
            None => Ok(groups),
        }
    }

    fn directory_of(&self, wrapped: &Wrapped, taken: &mut Taken) {
        if let (Some(argument), Some(directory)) = (&self.directory, &wrapped.directory)
            && !taken.values.iter().any(|(name, _)| name == argument)
        {
            taken.values.push((argument.clone(), directory.clone()));
        }
    }

    /// The variables that stay some; the others are arguments.
    fn variables(
        &self,
        recipe: &Recipe,
        wrapped: &Wrapped,
        taken: &mut Taken,
    ) -> Result<Map<String, Value>, String> {
        let mut env = Map::new();
        for (name, value) in &wrapped.env {
            if let Some(to) = self.env.get(name) {
                // An option says it better than a variable.
                if !taken.values.iter().any(|(known, _)| known == to.argument()) {
                    taken.values.push(to.of(value));
                }
            } else if is_secret_name(name) && recipe.environment.contains_key(name) {
                return Err(format!(
                    "the secret itself stands in `{name}`: put it into a file that only you can read and name that instead ({}), then it becomes an item of the recipe",
                    self.instead(name)
                ));
            } else if recipe.environment.contains_key(name) {
                return Err(format!("the recipe sets `{name}` itself"));
            } else {
                env.insert(name.clone(), json!(value));
            }
        }
        Ok(env)
    }

    /// What names the place of the secret of a variable.
    fn instead(&self, secret: &str) -> String {
        let file = format!("{secret}_FILE");
        match self.env.keys().find(|name| **name == file) {
            Some(name) => format!("{name}=PATH"),
            None => match self.env.keys().find(|name| name.ends_with("COMMAND")) {
                Some(name) => format!("{name}='cat PATH'"),
                None => "with an option of the program".to_owned(),
            },
        }
    }

    fn settings(
        &self,
        wrapped: &Wrapped,
        env: Map<String, Value>,
        ground: Ground<'_>,
        arguments: &mut Map<String, Value>,
    ) {
        let home = ground.home.and_then(Path::to_str);
        let directory = wrapped
            .directory
            .as_deref()
            .filter(|directory| self.directory.is_none() && Some(*directory) != home);
        let texts = [
            ("directory", directory),
            ("user", wrapped.user.as_deref()),
            ("ionice", wrapped.ionice.as_deref()),
            ("time_limit", wrapped.time_limit.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                arguments.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(nice) = wrapped.nice {
            arguments.insert("nice".to_owned(), json!(nice));
        }
        if !env.is_empty() {
            arguments.insert("env".to_owned(), Value::Object(env));
        }
    }
}

fn unknown(option: &str) -> String {
    format!("the recipe has nothing for `{option}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;
    use crate::import::{Around, cron};

    /// What a line of a crontab becomes; directories are those below `/home/ada`.
    fn of(line: &str) -> Result<Carried, String> {
        let catalogue = Catalogue::load(Path::new("/nowhere"));
        let programs: Vec<(String, String)> = catalogue
            .programs()
            .map(|(program, recipe)| (program.to_owned(), recipe.to_owned()))
            .collect();
        let around = Around {
            home: Some("/home/ada"),
            user: "ada",
            programs: &programs,
            ..Around::default()
        };
        let jobs = cron::jobs(format!("0 3 * * * {line}\n").as_bytes(), &around);
        let wrapped = &jobs[0].wrapped;
        let recipe = catalogue.get(wrapped.like.as_deref().unwrap()).unwrap();
        let ground = Ground {
            home: Some(Path::new("/home/ada")),
            is_directory: |path| path.starts_with("/home/ada"),
        };
        carry(recipe, wrapped, ground).map_err(Option::unwrap)
    }

    fn becomes(line: &str, wanted: Value) -> Carried {
        let carried = of(line).unwrap_or_else(|why| panic!("{line}: {why}"));
        assert_eq!(Value::Object(carried.arguments.clone()), wanted, "{line}");
        carried
    }

    #[test]
    fn lines_of_rsync_become_items_with_a_guard() {
        let carried = becomes(
            "nice rsync -avz --delete --exclude '*.tmp' --exclude=.git -e 'ssh -p 22' /srv/a/ nas:/b >/dev/null 2>&1",
            json!({
                "recipe": "rsync", "source": "/srv/a/", "target": "nas:/b", "delete": true, "nice": 10,
                "exclude": ["*.tmp", ".git"], "extra": ["-z", "-e", "ssh -p 22"],
            }),
        );
        assert!(carried.guard.is_some());
        let carried = becomes(
            "cd /srv && rsync -a a/ b/",
            json!({"recipe": "rsync", "source": "/srv/a/", "target": "/srv/b/", "directory": "/srv"}),
        );
        assert_eq!(carried.guard, None, "it deletes nothing");
        // Not what is in it, but the directory itself.
        becomes(
            "rsync -a /home/ada/photos /mnt/disk",
            json!({"recipe": "rsync", "source": "/home/ada/photos", "target": "/mnt/disk/photos"}),
        );
    }

    #[test]
    fn lines_of_others_become_items() {
        becomes(
            "restic -r /srv/r --password-file=.secret backup -x --tag t --exclude c docs",
            json!({
                "recipe": "restic", "mode": "backup", "repository": "/srv/r", "password": "file:/home/ada/.secret",
                "path": ["/home/ada/docs"], "tag": ["t"], "exclude": ["c"], "extra": ["-x"],
            }),
        );
        becomes(
            "RESTIC_REPOSITORY=sftp:h:/r RESTIC_PASSWORD_COMMAND='pass r' A=b restic forget -d 7 --prune -q --keep-within 3d",
            json!({
                "recipe": "restic", "mode": "forget", "repository": "sftp:h:/r", "password": "command:pass r",
                "keep-daily": "7", "prune": true, "extra": ["--keep-within", "3d"], "env": {"A": "b"},
            }),
        );
        let carried = becomes(
            "/usr/bin/rclone sync /a drive:b --transfers 4 -P --config /c --exclude x",
            json!({
                "recipe": "rclone", "mode": "sync", "source": "/a", "target": "drive:b", "config": "/c", "exclude": ["x"],
                "extra": ["--transfers", "4"],
            }),
        );
        assert!(carried.guard.is_some());
        let carried = becomes(
            "rclone bisync /a drive:b --resilient",
            json!({"recipe": "rclone", "mode": "bisync", "source": "/a", "target": "drive:b"}),
        );
        assert!(carried.say.is_some());
        for line in [
            "git -C /home/ada/x pull --rebase",
            "cd /home/ada/x && git pull -q --rebase",
        ] {
            becomes(
                line,
                json!({"recipe": "git", "path": "/home/ada/x", "mode": "rebase", "push": false}),
            );
        }
        becomes(
            "mbsync -q work",
            json!({"recipe": "mbsync", "channel": "work"}),
        );
        becomes(
            "vdirsyncer -v ERROR sync cal",
            json!({"recipe": "vdirsyncer", "pair": "cal"}),
        );
        becomes(
            "unison home -batch -ui text -times",
            json!({"recipe": "unison", "profile": "home", "extra": ["-times"]}),
        );
        becomes(
            "BORG_PASSCOMMAND='cat k' borg create --stats -C zstd /r::'{now}' /home /etc",
            json!({
                "recipe": "borg", "mode": "backup", "repository": "/r", "archive": "{now}", "path": ["/home", "/etc"],
                "passphrase": "command:cat k", "extra": ["-C", "zstd"],
            }),
        );
        for line in ["rdiff-backup backup /a h::/b", "rdiff-backup /a h::/b"] {
            becomes(
                line,
                json!({"recipe": "rdiff-backup", "source": "/a", "target": "h::/b"}),
            );
        }
    }

    #[test]
    fn what_cannot_be_carried_over_stays_and_says_why() {
        for (line, why) in [
            ("rsync -rt /a/ /b", "nothing for `-r`"),
            ("rsync -z /a/ /b", "it has no `-a`"),
            ("rsync -an /a/ /b", "nothing for `-n`"),
            ("rsync -a --include x /a/ /b", "nothing for `--include`"),
            ("rsync -a /srv/a /b", "ends without `/`"),
            ("rsync -a /a/ /c/ /b", "one word too many"),
            ("rsync -a /a/", "does not say its `target`"),
            ("/opt/bin/rsync -a /a/ /b", "a program of its own"),
            ("sudo rsync -a /a/ /b", "`sudo` runs it"),
            ("restic -r /r backup /x", "does not say its `password`"),
            ("restic -r=/r backup /x", "`-r` has no value"),
            (
                "RESTIC_PASSWORD=p restic -r /r backup /x",
                "RESTIC_PASSWORD_FILE=PATH",
            ),
            (
                "RESTIC_PROGRESS_FPS=1 restic -r /r -p /p backup /x",
                "sets `RESTIC_PROGRESS_FPS` itself",
            ),
            ("restic prune -r /r", "does something else"),
            ("rclone move /a b:", "does something else"),
            ("rclone bisync /a b: --resync", "nothing for `--resync`"),
            ("git -C /x pull", "it has no `--ff-only`"),
            ("git -C /x push", "does something else"),
            ("mbsync -a", "nothing for `-a`"),
            ("mbsync a b", "one word too many"),
            ("mbsync a:INBOX", "boxes of a channel"),
            ("vdirsyncer sync", "does not say its `pair`"),
            ("unison home", "it has no `-batch`"),
            ("unison -batch /a /b", "is a root"),
            ("borg create ::x /a", "does not say its `repository`"),
            (
                "BORG_PASSPHRASE=p borg create /r::x /a",
                "BORG_PASSCOMMAND='cat PATH'",
            ),
            (
                "rdiff-backup --remove-older-than 4W /b",
                "nothing for `--remove-older-than`",
            ),
            ("rdiff-backup regress /b", "is no directory"),
        ] {
            let said = of(line).expect_err(line);
            assert!(said.contains(why), "{line}: {said}");
            assert!(!said.contains("=p"), "{line}: {said}");
        }
    }
}
