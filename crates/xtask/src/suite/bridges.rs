//! Bridges to real programs: two Syncthings on loopback, and `rclone rcd`. What they do is seen, and nothing there is changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::random::Random;
use crate::{Words, report, run};

/// How long anything of it may take.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Where the two listen: their interfaces, and for each other.
const GUI: [u16; 2] = [18_391, 18_392];
const LISTEN: [u16; 2] = [22_391, 22_392];
const RCLONE: &str = "127.0.0.1:18393";

/// A program that ends with the suite.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(command: &mut Command, log: &Path) -> Result<Running> {
    let log = File::create(log)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(Running(
        command.spawn().with_context(|| run::shown(command))?,
    ))
}

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    let missing: Vec<&str> = ["syncthing", "rclone", "curl"]
        .into_iter()
        .filter(|program| run::version(program, "--version").is_none())
        .collect();
    run::need_packages(&missing, install)?;
    run::check(run::cargo().args(["build", "-p", "syncmgr"]))?;
    let target = run::variable("CARGO_TARGET_DIR")
        .map_or_else(|| run::workspace().join("target"), PathBuf::from);
    let dir = tempfile::tempdir()?;
    let suite = Suite {
        dir: dir.path().to_path_buf(),
        program: target.join("debug").join("syncmgr"),
    };
    let outcome = suite.play();
    if outcome.is_err() {
        report::complain(suite.syncmgr(&["status"]).unwrap_or_default());
        report::complain(suite.syncmgr(&["runs"]).unwrap_or_default());
        report::complain(fs::read_to_string(suite.dir.join("daemon.log")).unwrap_or_default());
    }
    outcome.map(|()| true)
}

struct Suite {
    dir: PathBuf,
    program: PathBuf,
}

impl Suite {
    fn play(&self) -> Result<()> {
        let ids = [self.syncthing(0)?, self.syncthing(1)?];
        let keys = [self.key(0)?, self.key(1)?];
        let serve = |at: usize| {
            let mut command = run::command("syncthing");
            command
                .args(["serve", "--no-browser", "--no-restart"])
                // One process, and not one more that watches over it and would leave it behind.
                .env("STMONITORED", "yes")
                .arg(format!(
                    "--home={}",
                    self.dir.join(format!("h{at}")).display()
                ));
            start(&mut command, &self.dir.join(format!("s{at}.log")))
        };
        let first = serve(0)?;
        let _second = serve(1)?;
        let _rclone = start(
            run::command("rclone").args(["rcd", "--rc-no-auth", "--rc-addr", RCLONE]),
            &self.dir.join("rclone.log"),
        )?;
        for at in [0, 1] {
            until("a Syncthing answers", || {
                Ok(self
                    .rest(&keys[at], GUI[at], "/rest/system/ping", None)?
                    .contains("pong"))
            })?;
            let other = 1 - at;
            let device = format!(
                r#"{{"deviceID":"{}","addresses":["tcp://127.0.0.1:{}"]}}"#,
                ids[other], LISTEN[other]
            );
            self.rest(&keys[at], GUI[at], "/rest/config/devices", Some(&device))?;
            let path = self.dir.join(format!("f{at}"));
            fs::create_dir_all(&path)?;
            let folder = format!(
                r#"{{"id":"notes","label":"Notes","path":"{}","fsWatcherDelayS":1,"devices":[{{"deviceID":"{}"}}]}}"#,
                path.display(),
                ids[other]
            );
            self.rest(&keys[at], GUI[at], "/rest/config/folders", Some(&folder))?;
        }
        let config = self.dir.join("home/config");
        fs::create_dir_all(&config)?;
        let key = self.dir.join("h1/config.xml");
        fs::write(
            config.join("config.toml"),
            format!(
                "[[bridge]]\nkind = \"syncthing\"\nkey = \"file:{}\"\n\n[[bridge]]\nkind = \"rclone-rc\"\naddress = \"{RCLONE}\"\nname = \"copies\"\n",
                key.display()
            ),
        )?;
        let mut daemon = run::command(&self.program);
        daemon
            .arg("daemon")
            .env("SYNCMGR_HOME", self.dir.join("home"));
        let daemon = start(&mut daemon, &self.dir.join("daemon.log"))?;
        let before = fs::read(&key)?;

        until("the folder is in sync", || {
            self.says(&["list", "Notes"], "in sync")
        })?;
        report::line("a folder of Syncthing is shown, and is in sync");
        let before_it = self.runs("Notes")?;
        // Nothing in it is like anything else, so that all of it has to come.
        let mut letter = vec![0; 40 << 20];
        Random::new(1).fill(&mut letter);
        fs::write(self.dir.join("f0/letter"), letter)?;
        until("it came", || Ok(self.dir.join("f1/letter").exists()))?;
        until("what came is told", || Ok(self.runs("Notes")? > before_it))?;
        report::line("what Syncthing brought is a run");

        let copy = format!(
            r#"{{"srcFs":"{}","dstFs":"{}","_async":true}}"#,
            self.dir.join("f0").display(),
            self.dir.join("copy").display()
        );
        self.post(&copy)?;
        until("a job of rclone is a run", || {
            self.says(&["runs", "copies"], "41 MB")
        })?;
        let nowhere = format!(
            r#"{{"srcFs":"{}","dstFs":"{}","_async":true}}"#,
            self.dir.join("nowhere").display(),
            self.dir.join("copy").display()
        );
        self.post(&nowhere)?;
        until("its failure is told", || {
            self.says(&["why", "copies"], "directory not found")
        })?;
        report::line("jobs of rclone are runs, and fail with its own words");

        drop(first);
        until("a device that is gone is seen", || {
            self.says(&["list", "Notes"], "cannot be reached")
        })?;
        let _first = serve(0)?;
        until("and seen again", || {
            self.says(&["list", "Notes"], "in sync")
        })?;
        report::line("a device that goes and comes back is seen");
        ensure!(
            fs::read(&key)? == before,
            "the configuration of Syncthing was changed"
        );
        drop(daemon);
        Ok(())
    }

    /// Makes a Syncthing that knows nobody and tells nobody of itself; answers its identity.
    fn syncthing(&self, at: usize) -> Result<String> {
        let home = format!("--home={}", self.dir.join(format!("h{at}")).display());
        run::output(run::command("syncthing").args([
            "generate",
            &home,
            "--no-default-folder",
            "--skip-port-probing",
        ]))?;
        let path = self.dir.join(format!("h{at}/config.xml"));
        let mut text = fs::read_to_string(&path)?;
        for (from, to) in [
            (
                "127.0.0.1:8384".to_owned(),
                format!("127.0.0.1:{}", GUI[at]),
            ),
            (
                "<listenAddress>default".to_owned(),
                format!("<listenAddress>tcp://127.0.0.1:{}", LISTEN[at]),
            ),
            ("<urAccepted>0".to_owned(), "<urAccepted>-1".to_owned()),
        ] {
            text = text.replace(&from, &to);
        }
        for name in [
            "globalAnnounceEnabled",
            "localAnnounceEnabled",
            "relaysEnabled",
            "natEnabled",
            "crashReportingEnabled",
        ] {
            text = text.replace(&format!("<{name}>true"), &format!("<{name}>false"));
        }
        fs::write(&path, text)?;
        let id = run::output(run::command("syncthing").args([&home, "--device-id"]))?;
        Ok(String::from_utf8_lossy(&id).trim().to_owned())
    }

    fn key(&self, at: usize) -> Result<String> {
        let text = fs::read_to_string(self.dir.join(format!("h{at}/config.xml")))?;
        let (_, rest) = text.split_once("<apikey>").context("no key")?;
        Ok(rest.split('<').next().unwrap_or_default().to_owned())
    }

    fn rest(&self, key: &str, port: u16, path: &str, body: Option<&str>) -> Result<String> {
        let mut command = run::command("curl");
        command
            .args(["-s", "-H", &format!("X-API-Key: {key}")])
            .arg(format!("http://127.0.0.1:{port}{path}"));
        if let Some(body) = body {
            command.args(["-d", body]);
        }
        Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
    }

    fn post(&self, body: &str) -> Result<()> {
        run::output(run::command("curl").args([
            "-sf",
            "-H",
            "content-type: application/json",
            "-d",
            body,
            &format!("http://{RCLONE}/sync/copy"),
        ]))
        .map(drop)
    }

    fn syncmgr(&self, words: &[&str]) -> Result<String> {
        let mut command = run::command(&self.program);
        command
            .args(words)
            .env("SYNCMGR_HOME", self.dir.join("home"));
        Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
    }

    /// How many runs of an item ended well.
    fn runs(&self, item: &str) -> Result<usize> {
        let rows = self.syncmgr(&["runs", item])?;
        Ok(rows.matches("succeeded").count())
    }

    fn says(&self, words: &[&str], part: &str) -> Result<bool> {
        Ok(self.syncmgr(words)?.contains(part))
    }
}

fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = run::now();
    while !holds()? {
        if began.elapsed() > PATIENCE {
            bail!("waited in vain until {what}");
        }
        run::pause(LOOK_EVERY);
    }
    Ok(())
}
