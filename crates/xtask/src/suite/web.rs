//! The page in a real browser: every screen in both languages, on a desk and on a telephone, by mouse and by keyboard, with
//! and without scripts, and looked over by axe.

mod choosing;
mod conflicts;
mod driver;
mod forms;
mod reading;
mod signing_in;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::driver::{Browser, Driver, Wishes};
use crate::{Words, report, run};

/// What must be there, and the Debian package that it comes from.
const NEEDED: &[(&str, &str)] = &[
    (BROWSER, "chromium"),
    (DRIVER, "chromium-driver"),
    ("/usr/bin/npm", "npm"),
];
const BROWSER: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
/// What looks for mistakes that keep people out; fetched by its name, into the target directory.
const AXE: &str = "axe-core@4";
/// The rules that count: WCAG 2.2 up to AA, and what is good practice.
const AXE_TAGS: &str = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']";
/// Widths and heights of a desk and of a telephone.
const SIZES: [(u32, u32); 2] = [(1280, 900), (360, 780)];

/// Every screen: what its picture is called, its address, and what it says in English and French.
const SCREENS: &[(&str, &str, &str, &str)] = &[
    ("first", "/", "Overview", "Vue d’ensemble"),
    ("item", "/item?name=notes", "Why", "Pourquoi"),
    ("inbox", "/inbox", "Questions", "Questions"),
    ("run", "/run?id=1", "Undo run", "Annuler l’exécution"),
    ("log", "/log", "At least", "Au moins"),
    (
        "timetable",
        "/timetable",
        "The last 24 hours",
        "Les dernières 24 heures",
    ),
    (
        "handlers",
        "/handlers",
        "Register a handler",
        "Enregistrer un module",
    ),
    ("settings", "/settings", "On idle", "Inactivité"),
    (
        "plan",
        "/plan?name=notes",
        "Nothing was changed.",
        "Rien n’a été modifié.",
    ),
    (
        "choose",
        "/choose",
        "Choose what to synchronize",
        "Choisir quoi synchroniser",
    ),
];

/// Where the pictures of the documents are.
const DOCS: &str = "docs/pictures";
/// Those that the documents show: screen, language and width.
const KEPT: &[(&str, &str, u32)] = &[
    ("first", "en", 1280),
    ("first", "fr", 360),
    ("item", "en", 1280),
    ("inbox", "en", 1280),
    ("timetable", "fr", 1280),
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    let pictures = words.value("--pictures")?.map(PathBuf::from);
    let for_docs = words.flag("--docs");
    let program = words.value("--program")?;
    words.end()?;
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(path, _)| !Path::new(path).exists())
        .map(|(_, package)| *package)
        .collect();
    run::need_packages(&missing, install)?;
    let program = match program {
        Some(program) => fs::canonicalize(program)?,
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", false)?,
    };
    let examples = Examples::built()?;
    let base = tempfile::Builder::new().prefix("syncmgr-web-").tempdir()?;
    let axe = axe()?;
    let kept = place();
    let mut world = World::new(&program, base.path())?;
    let driver = Driver::start(DRIVER)?;
    let mut breaches = 0;
    for (language, french) in [("en", false), ("fr", true)] {
        let wishes = Wishes {
            language,
            dark: french,
            scripts: true,
        };
        let browser = driver.browser(BROWSER, &base.path().join(language), &wishes)?;
        browser.go(&world.entry()?)?;
        for (name, address, english, in_french) in SCREENS {
            let says = if french { in_french } else { english };
            breaches += browser.kept_when_it_fails(&kept, || {
                let found = look_over(&browser, &world, name, address, says, &axe)?;
                Ok(found + reading::is_fit_for_all(&browser, name)?)
            })?;
            if let Some(to) = &pictures {
                take_pictures(&browser, to, name, language, &SIZES)?;
            }
            if for_docs {
                let to = run::workspace().join(DOCS);
                let sizes = self::kept(name, language);
                take_pictures(&browser, &to, name, language, &sizes)?;
            }
        }
    }
    let wishes = Wishes {
        language: "en",
        dark: false,
        scripts: true,
    };
    let browser = driver.browser(BROWSER, &base.path().join("live"), &wishes)?;
    browser.go(&world.entry()?)?;
    breaches += browser.kept_when_it_fails(&kept, || {
        it_is_live(&browser, &world)?;
        it_is_steered(&browser, &world)?;
        the_keyboard_is_enough(&browser, &world)?;
        a_run_is_undone(&browser, &world)?;
        let mut found = choosing::is_shown_until_it_is_over(&browser, &world, &axe)?;
        found += conflicts::are_compared(&browser, &world, &axe)?;
        conflicts::are_decided(&browser, &world)?;
        questions_are_answered_once(&browser, &world)?;
        it_heals(&browser, &mut world)?;
        forms::register_a_handler(&browser, &world, &examples.asking)?;
        forms::set_properties(&browser, &world, &examples.talkative)?;
        signing_in::is_done_in_one_of_two_tabs(&browser, &world)?;
        Ok(found)
    })?;
    drop(browser);
    let wishes = Wishes {
        scripts: false,
        ..wishes
    };
    let browser = driver.browser(BROWSER, &base.path().join("plain"), &wishes)?;
    browser.go(&world.entry()?)?;
    browser.kept_when_it_fails(&kept, || {
        it_works_without_scripts(&browser, &world)?;
        signing_in::is_not_done_twice_by_going_back(&browser, &world)
    })?;
    drop(browser);
    let verdict = if breaches == 0 {
        "every screen stands in both languages, is live, and keeps nobody out"
    } else {
        "failed"
    };
    report::line(format_args!("web: {verdict}"));
    Ok(breaches == 0)
}

/// Where the suite keeps what it fetched, and what a page that failed looked like.
fn place() -> PathBuf {
    let target = run::variable("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| run::workspace().join("target"), PathBuf::from);
    target.join("web")
}

/// Handlers that are registered on the page.
struct Examples {
    /// It asks what a file says.
    asking: PathBuf,
    /// Its item has properties.
    talkative: PathBuf,
}

impl Examples {
    fn built() -> Result<Self> {
        let built = |name: &str| {
            let what = ["-p", "syncmgr-handler", "--example", name];
            crate::bench::build(&what, name, false)
        };
        Ok(Self {
            asking: built("asking")?,
            talkative: built("talkative")?,
        })
    }
}

/// The text of axe, fetched once.
fn axe() -> Result<String> {
    let at = place();
    let file = at.join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        fs::create_dir_all(&at)?;
        run::check(
            run::command("npm")
                .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
                .arg(&at)
                .arg(AXE),
        )?;
    }
    fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))
}

/// Looks a screen over, at each size; answers how many mistakes were found.
fn look_over(
    browser: &Browser<'_>,
    world: &World,
    name: &str,
    address: &str,
    says: &str,
    axe: &str,
) -> Result<usize> {
    let mut breaches = 0;
    for (width, height) in SIZES {
        browser.resize(width, height)?;
        browser.go(&world.address(address))?;
        browser.wait(name, "document.documentElement.dataset.ready === 'yes'")?;
        browser.wait(
            name,
            &format!("document.body.textContent.includes({says:?})"),
        )?;
        let wide =
            "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1";
        if browser.look(wide)? == Value::Bool(true) {
            report::line(format_args!("{name} is wider than {width} px"));
            breaches += 1;
        }
        browser.look(&format!("(() => {{ {axe}; return true; }})()"))?;
        let found = browser.run(&format!(
            "const done = arguments[arguments.length - 1];\
             axe.run(document, {{ runOnly: {AXE_TAGS} }}).then((found) => done(found.violations.map((one) => \
             one.id + ': ' + one.help + ': ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + \
             (node.any[0] ? node.any[0].message : '')).join(' | '))), (why) => done([String(why)]));"
        ))?;
        for one in found.as_array().into_iter().flatten() {
            report::line(format_args!(
                "{name} at {width} px: {}",
                one.as_str().unwrap_or_default()
            ));
            breaches += 1;
        }
    }
    Ok(breaches)
}

/// The sizes of a screen that the documents show.
fn kept(name: &str, language: &str) -> Vec<(u32, u32)> {
    SIZES
        .into_iter()
        .filter(|(width, _)| KEPT.contains(&(name, language, *width)))
        .collect()
}

/// The screen as it is, once a size.
fn take_pictures(
    browser: &Browser<'_>,
    to: &Path,
    name: &str,
    language: &str,
    sizes: &[(u32, u32)],
) -> Result<()> {
    fs::create_dir_all(to)?;
    for (width, height) in sizes.iter().copied() {
        browser.resize(width, height)?;
        browser.picture(&to.join(format!("{name}-{language}-{width}.png")))?;
    }
    Ok(())
}

/// What of the page is about an item.
fn row(name: &str) -> String {
    format!(
        "[...document.querySelectorAll('li.row')].find((row) => row.querySelector('a').textContent === {name:?})"
    )
}

/// What happens elsewhere is seen without loading the page anew, and what somebody types meanwhile stays.
fn it_is_live(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.resize(1280, 900)?;
    browser.go(&world.address("/"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    browser.look("(() => { window.same = 1; document.querySelector('input[type=search]').value = 'typed'; })()")?;
    world.run(&["pause", "photos"])?;
    let photos = row("photos");
    browser.wait(
        "the pause",
        &format!("{photos}.textContent.includes('Paused')"),
    )?;
    world.run(&["resume", "photos"])?;
    browser.wait(
        "the end of it",
        &format!("{photos}.textContent.includes('In sync')"),
    )?;
    let same =
        "window.same === 1 && document.querySelector('input[type=search]').value === 'typed'";
    if browser.look(same)? != Value::Bool(true) {
        bail!("the page was loaded anew, and what was typed is lost");
    }
    report::line(format_args!("web: what happens is seen as it happens"));
    Ok(())
}

/// Buttons do what they say, and going back does nothing again.
fn it_is_steered(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.go(&world.address("/?text=photos"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    browser.click("li.row details.menu summary")?;
    browser.click("li.row .menu-list button:last-child")?;
    let photos = row("photos");
    browser.wait(
        "the pause",
        &format!("{photos}.textContent.includes('Paused')"),
    )?;
    browser.click("li.row button[formaction='/act/resume']")?;
    browser.wait(
        "the end of it",
        &format!("{photos}.textContent.includes('In sync')"),
    )?;
    let runs = world.count_runs()?;
    browser.click("li.row button[formaction='/act/sync']")?;
    world.wait_for_runs(runs + 1)?;
    browser.go(&world.address("/log"))?;
    browser.back()?;
    browser.wait(
        "the first screen",
        "document.querySelector('li.row') !== null",
    )?;
    if world.count_runs()? != runs + 1 {
        bail!("going back began a run");
    }
    report::line(format_args!("web: buttons do what they say, once"));
    Ok(())
}

/// From the top of the page to a button by Tab and Enter alone.
fn the_keyboard_is_enough(browser: &Browser<'_>, world: &World) -> Result<()> {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    browser.go(&world.address("/?text=photos"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    browser.keys(&[TAB])?;
    browser.wait(
        "the way past the links",
        "document.activeElement.matches('.skip')",
    )?;
    browser.keys(&[ENTER])?;
    for _ in 0..40 {
        browser.keys(&[TAB])?;
        if browser.look("document.activeElement.matches(\"button[formaction='/act/sync']\") && document.activeElement.closest('li.row') !== null")? == Value::Bool(true) {
            let outlined = "getComputedStyle(document.activeElement).outlineStyle !== 'none'";
            if browser.look(outlined)? != Value::Bool(true) {
                bail!("nobody sees where the focus is");
            }
            let runs = world.count_runs()?;
            browser.keys(&[ENTER])?;
            world.wait_for_runs(runs + 1)?;
            report::line(format_args!("web: the keyboard is enough"));
            return Ok(());
        }
    }
    bail!("Tab does not lead to the button that runs an item")
}

/// A question is answered on the page; whoever comes second is told.
fn questions_are_answered_once(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.go(&world.address("/inbox"))?;
    browser.wait(
        "the question",
        "document.querySelector('.need button[name=choice]') !== null",
    )?;
    let need = browser.look("document.querySelector('.need input[name=need]').value")?;
    let need = need
        .as_str()
        .context("the question has no number")?
        .to_owned();
    // Nothing is told to this page any more, as to one that slept.
    browser.look("(() => { window.EventSource = null; window.fetch = undefined; })()")?;
    world.run(&["answer", &need, "bring-back"])?;
    browser.look("document.querySelector('.need form').removeAttribute('data-live')")?;
    browser.click(".need button[name=choice]")?;
    browser.wait(
        "the answer of another",
        "document.body.textContent.includes('This was answered already')",
    )?;
    report::line(format_args!("web: a question is answered once"));
    Ok(())
}

/// A daemon that begins anew below an open page: the page says that it knows nobody, and goes on, not loaded anew, once somebody
/// entered again in the same browser.
fn it_heals(browser: &Browser<'_>, world: &mut World) -> Result<()> {
    browser.go(&world.address("/?text=photos"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    browser.look("(() => { window.same = 2; })()")?;
    world.begin_anew()?;
    browser.wait(
        "that the connection is lost",
        "!document.getElementById('said').hidden",
    )?;
    // As in another tab: the cookie is the browser's.
    let entry = world.entry()?;
    browser.run(&format!(
        "const done = arguments[arguments.length - 1]; fetch({entry:?}).then(() => done(1), () => done(0));"
    ))?;
    world.run(&["pause", "photos"])?;
    let photos = row("photos");
    browser.wait(
        "what happened since",
        &format!("{photos}.textContent.includes('Paused')"),
    )?;
    browser.wait("that all is well", "document.getElementById('said').hidden")?;
    if browser.look("window.same === 2")? != Value::Bool(true) {
        bail!("the page was loaded anew");
    }
    world.run(&["resume", "photos"])?;
    report::line(format_args!("web: a new daemon below the page is no harm"));
    Ok(())
}

/// Everything can be read and every button works in a browser that runs no scripts.
fn it_works_without_scripts(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.go(&world.address("/?text=photos"))?;
    let runs = world.count_runs()?;
    browser.follow("li.row button[formaction='/act/sync']")?;
    world.wait_for_runs(runs + 1)?;
    browser.follow("nav a[href='/inbox']")?;
    browser.follow("#conflicts .card a.compare")?;
    browser.follow(".card button[name=choice][value=left]")?;
    browser.follow("nav a[href='/settings']")?;
    browser.click("#scheduled details summary")?;
    browser.follow("#scheduled form button.primary")?;
    world.run(&["schedule"])?;
    let rules = String::from_utf8(world.run(&["schedule"])?)?;
    if !rules.contains("daily at 02:00") {
        bail!("the rule of the page is not there: {rules}");
    }
    a_schedule_is_tried_saved_and_taken_back(browser, world)?;
    report::line(format_args!("web: everything works without scripts"));
    Ok(())
}

/// Words are answered, saved, and what was saved is taken back: on the page of an item, by plain forms.
fn a_schedule_is_tried_saved_and_taken_back(browser: &Browser<'_>, world: &World) -> Result<()> {
    const WORDS: &str = "every 45 min while mains";
    browser.go(&world.address("/item?name=photos"))?;
    browser.click("#try input[name=schedule]")?;
    let keys: Vec<String> = WORDS.chars().map(String::from).collect();
    browser.keys(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    browser.follow("#try form button")?;
    // Each of these is there only once the step before it was answered.
    browser.follow("#try .answer button.primary")?;
    world.wait_for_rule("every 45 min", true)?;
    browser.follow(".done button")?;
    world.wait_for_rule("every 45 min", false)?;
    report::line(format_args!(
        "web: a schedule is tried, saved and taken back"
    ));
    Ok(())
}

/// An item's latest run is taken back from its page once it was said what that does, and its log grows below it.
fn a_run_is_undone(browser: &Browser<'_>, world: &World) -> Result<()> {
    browser.go(&world.address("/item?name=notes"))?;
    browser.wait(
        "the script",
        "document.documentElement.dataset.ready === 'yes'",
    )?;
    let runs = world.count_runs()?;
    let entries = browser.look("document.querySelectorAll('#item-entries li').length")?;
    browser.click("details.asks summary")?;
    browser.click("details.asks button")?;
    world.wait_for_runs(runs + 1)?;
    browser.wait(
        "what the undo told, in the log",
        &format!("document.querySelectorAll('#item-entries li').length > {entries}"),
    )?;
    report::line(format_args!(
        "web: a run is undone, and the log grows with it"
    ));
    Ok(())
}

/// A home with a daemon and something of everything in it.
struct World {
    program: PathBuf,
    base: PathBuf,
    home: PathBuf,
    /// Where the page is, without its path.
    origin: std::cell::RefCell<String>,
    daemon: Child,
}

impl World {
    fn new(program: &Path, base: &Path) -> Result<Self> {
        let home = base.join("home");
        let data = base.join("data");
        fs::create_dir_all(home.join("config"))?;
        // One that is free now: the next daemon has to be where this one was.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let config = format!("[center]\nlisten = \"127.0.0.1:{port}\"\n");
        fs::write(home.join("config/config.toml"), config)?;
        let command = |words: &[&str]| {
            let mut command = run::command(program);
            command
                .env("SYNCMGR_HOME", &home)
                .env("HOME", base)
                .current_dir(base)
                .args(words)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        // What needs a person ends otherwise than well.
        let ask = |words: &[&str]| command(words).status().map(drop);
        for (dir, name) in [
            ("notes", "notes"),
            ("photos", "photos"),
            ("work", "work"),
            ("letters", "Letters <b>of</b> my grandmother"),
        ] {
            for side in ["a", "b"] {
                fs::create_dir_all(data.join(format!("{dir}-{side}")))?;
            }
            for number in 0..24 {
                fs::write(
                    data.join(format!("{dir}-a/{number}.txt")),
                    format!("{dir} {number}\n"),
                )?;
            }
            let (a, b) = (format!("data/{dir}-a"), format!("data/{dir}-b"));
            run::check(&mut command(&["add", "folder", &a, &b, "--name", name]))?;
        }
        run::check(&mut command(&["sync"]))?;
        for number in 0..5 {
            fs::write(data.join("notes-a/0.txt"), format!("again {number}\n"))?;
            run::check(&mut command(&["sync", "notes"]))?;
        }
        for number in 0..3 {
            let [this, other] = conflicts::versions(number)?;
            fs::write(data.join(format!("work-a/{number}.txt")), this)?;
            fs::write(data.join(format!("work-b/{number}.txt")), other)?;
        }
        ask(&["sync", "work"])?;
        for number in 0..24 {
            fs::remove_file(data.join(format!("letters-a/{number}.txt")))?;
        }
        ask(&["sync", "Letters <b>of</b> my grandmother"])?;
        ask(&["schedule", "notes", "every 3 h"])?;
        ask(&[
            "schedule",
            "photos",
            "daily at 03:30",
            "--when",
            "battery 50",
        ])?;
        let daemon = begin(command(&["daemon"]))?;
        Ok(Self {
            program: program.to_owned(),
            base: base.to_owned(),
            home,
            origin: std::cell::RefCell::default(),
            daemon,
        })
    }

    /// Ends the daemon and starts the next one.
    fn begin_anew(&mut self) -> Result<()> {
        self.daemon.kill()?;
        self.daemon.wait()?;
        let mut daemon = run::command(&self.program);
        daemon
            .env("SYNCMGR_HOME", &self.home)
            .env("HOME", &self.base)
            .arg("daemon");
        self.daemon = begin(daemon)?;
        Ok(())
    }

    /// Runs a command of the home.
    fn run(&self, words: &[&str]) -> Result<Vec<u8>> {
        let mut command = run::command(&self.program);
        run::output(command.env("SYNCMGR_HOME", &self.home).args(words))
    }

    /// Runs a command that may end otherwise than well.
    fn try_to(&self, words: &[&str]) -> Result<()> {
        let mut command = run::command(&self.program);
        command
            .env("SYNCMGR_HOME", &self.home)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status()?;
        Ok(())
    }

    /// Where a handler keeps what it remembers.
    fn state(&self, handler: &str) -> PathBuf {
        self.home.join("state/handlers").join(handler)
    }

    /// Waits until something is as it is wanted, and answers it.
    fn wait_for<T>(&self, look: impl Fn() -> Result<T>, wanted: impl Fn(&T) -> bool) -> Result<T> {
        for _ in 0..200 {
            let seen = look()?;
            if wanted(&seen) {
                return Ok(seen);
            }
            run::pause(std::time::Duration::from_millis(50));
        }
        bail!("what was waited for does not come");
    }

    /// An address that lets one browser in.
    fn entry(&self) -> Result<String> {
        let said = String::from_utf8(self.run(&["center", "--print"])?)?;
        let entry = said.trim();
        let (origin, _) = entry.split_once("/enter").context("there is no address")?;
        *self.origin.borrow_mut() = origin.to_owned();
        Ok(entry.to_owned())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin.borrow())
    }

    fn count_runs(&self) -> Result<usize> {
        let said = self.run(&["runs", "--json", "--limit", "1000"])?;
        Ok(said
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count())
    }

    fn wait_for_rule(&self, on: &str, wanted: bool) -> Result<()> {
        for _ in 0..200 {
            if String::from_utf8(self.run(&["schedule"])?)?.contains(on) == wanted {
                return Ok(());
            }
            run::pause(std::time::Duration::from_millis(50));
        }
        bail!("the rules do not change: {on}");
    }

    fn wait_for_runs(&self, count: usize) -> Result<()> {
        for _ in 0..200 {
            if self.count_runs()? >= count {
                return Ok(());
            }
            run::pause(std::time::Duration::from_millis(50));
        }
        bail!("no run began")
    }
}

/// Starts a daemon, and waits until it serves.
fn begin(mut daemon: std::process::Command) -> Result<Child> {
    let mut daemon = daemon
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = daemon
        .stderr
        .take()
        .context("the daemon has no standard error")?;
    let mut said = BufReader::new(said);
    let mut line = String::new();
    said.read_line(&mut line)?;
    // Whatever else it says must not stop it.
    std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
    if !line.contains("serves every command") {
        bail!("the daemon did not begin: {line}");
    }
    Ok(daemon)
}

impl Drop for World {
    fn drop(&mut self) {
        if self
            .daemon
            .kill()
            .and_then(|()| self.daemon.wait())
            .is_err()
        {
            report::complain("the daemon could not be ended");
        }
    }
}
