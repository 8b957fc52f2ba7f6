//! A browser through WebDriver: as much of the protocol as the suite needs, one connection a command.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{report, run};

/// How long a command of the browser may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long something on the page may take to come about.
const WAIT: Duration = Duration::from_secs(20);
/// How often it is looked whether it did.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// What the driver says of an element that no page has yet, or that went with its page.
const NOT_THERE: [&str; 3] = [
    "no such element",
    "stale element reference",
    "does not belong to the document",
];

/// The program that drives the browser; it ends with this.
pub(super) struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// Starts it.
    pub(super) fn start(program: &str) -> Result<Self> {
        let mut child = run::command(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {program}"))?;
        let said = child.stdout.take().context("it has no standard output")?;
        let mut driver = Self { child, port: 0 };
        let mut said = BufReader::new(said);
        let mut line = String::new();
        while said.read_line(&mut line)? > 0 {
            if let Some((_, port)) = line.trim_end().rsplit_once("successfully on port ") {
                driver.port = port.trim_end_matches('.').parse()?;
                break;
            }
            line.clear();
        }
        if driver.port == 0 {
            bail!("{program} did not say on which port it listens");
        }
        // Whatever else it says must not stop it.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Ok(driver)
    }

    /// Begins a browser of its own: nothing of another is left in it.
    pub(super) fn browser(
        &self,
        program: &str,
        profile: &Path,
        wishes: &Wishes<'_>,
    ) -> Result<Browser<'_>> {
        let mut preferences = json!({ "intl.accept_languages": wishes.language });
        if !wishes.scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let mut args: Vec<String> = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]
        .map(str::to_owned)
        .to_vec();
        args.push(format!("--user-data-dir={}", profile.display()));
        args.push(format!("--lang={}", wishes.language));
        if wishes.dark {
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": program, "args": args, "prefs": preferences },
        } } });
        let session = self.send("POST", "/session", &capabilities)?;
        let session = session["sessionId"]
            .as_str()
            .context("the browser did not begin")?;
        Ok(Browser {
            driver: self,
            session: session.to_owned(),
        })
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )?;
        let mut stream = BufReader::new(stream);
        let mut length = 0;
        let mut line = String::new();
        while stream.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let mut answer: Value = serde_json::from_slice(&body)
            .with_context(|| format!("{method} {path} was answered with something else"))?;
        let value = answer["value"].take();
        if let Some(error) = value["error"].as_str() {
            bail!(
                "{method} {path}: {error}: {}",
                value["message"].as_str().unwrap_or_default()
            );
        }
        Ok(value)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            report::complain("the driver of the browser could not be ended");
        }
    }
}

/// How a browser is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes<'a> {
    pub(super) language: &'a str,
    pub(super) dark: bool,
    pub(super) scripts: bool,
}

/// A browser; it is closed with this.
pub(super) struct Browser<'d> {
    driver: &'d Driver,
    session: String,
}

impl Browser<'_> {
    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/session/{}{path}", self.session);
        self.driver.send(method, &path, body)
    }

    /// Goes to an address.
    pub(super) fn go(&self, address: &str) -> Result<()> {
        self.send("POST", "/url", &json!({ "url": address }))
            .map(drop)
    }

    /// Goes back.
    pub(super) fn back(&self) -> Result<()> {
        self.send("POST", "/back", &json!({})).map(drop)
    }

    /// Gives the window this size.
    pub(super) fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height });
        self.send("POST", "/window/rect", &size)?;
        // A window may not become as narrow as a telephone; what is drawn in it may.
        let metrics = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 } });
        self.send("POST", "/goog/cdp/execute", &metrics).map(drop)
    }

    /// Opens another tab and looks at that one from now on; answers what the one before is called.
    pub(super) fn another_tab(&self) -> Result<String> {
        let before = self.send("GET", "/window", &Value::Null)?;
        let before = before.as_str().context("there is no tab")?.to_owned();
        let opened = self.send("POST", "/window/new", &json!({ "type": "tab" }))?;
        let opened = opened["handle"].as_str().context("no tab was opened")?;
        self.look_at_tab(opened)?;
        Ok(before)
    }

    /// Looks at a tab from now on.
    pub(super) fn look_at_tab(&self, tab: &str) -> Result<()> {
        self.send("POST", "/window", &json!({ "handle": tab }))
            .map(drop)
    }

    /// Closes the tab; another one has to be looked at then.
    pub(super) fn close_tab(&self) -> Result<()> {
        self.send("DELETE", "/window", &Value::Null).map(drop)
    }

    /// What those are told who do not see the page: its parts with what each is and how it is called.
    pub(super) fn spoken(&self) -> Result<Vec<Value>> {
        let asked = json!({ "cmd": "Accessibility.getFullAXTree", "params": {} });
        let mut told = self.send("POST", "/goog/cdp/execute", &asked)?;
        match told["nodes"].take() {
            Value::Array(nodes) => Ok(nodes),
            other => bail!("the browser tells no parts of the page: {other}"),
        }
    }

    /// Types into the field there, as a person does, in place of what it held.
    pub(super) fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.find(selector)?;
        self.send("POST", &format!("/element/{element}/clear"), &json!({}))?;
        let typed = json!({ "text": text });
        self.send("POST", &format!("/element/{element}/value"), &typed)
            .map(drop)
    }

    /// What an expression of the page is.
    pub(super) fn look(&self, expression: &str) -> Result<Value> {
        let script = json!({ "script": format!("return ({expression});"), "args": [] });
        self.send("POST", "/execute/sync", &script)
    }

    /// What the page says, also where it runs no scripts.
    pub(super) fn text(&self) -> Result<String> {
        let body = self.find("body")?;
        let text = self.send("GET", &format!("/element/{body}/text"), &Value::Null)?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What a script of the page says once it is done, by calling its last argument.
    pub(super) fn run(&self, script: &str) -> Result<Value> {
        let script = json!({ "script": script, "args": [] });
        self.send("POST", "/execute/async", &script)
    }

    /// Waits until an expression of the page is true.
    pub(super) fn wait(&self, what: &str, expression: &str) -> Result<()> {
        let began = run::now();
        loop {
            if self.look(expression)? == Value::Bool(true) {
                return Ok(());
            }
            if run::now().duration_since(began) > WAIT {
                let seen = self.look("document.body.innerText")?;
                bail!(
                    "{what} did not come about; the page says: {}",
                    seen.as_str().unwrap_or_default()
                );
            }
            run::pause(LOOK_EVERY);
        }
    }

    /// Clicks as a person does: where the element is, if nothing is above it. It is waited for while a page still comes, and
    /// looked for anew where a page went before the click.
    pub(super) fn click(&self, selector: &str) -> Result<()> {
        let began = run::now();
        loop {
            match self.click_once(selector) {
                Err(error)
                    if NOT_THERE.iter().any(|why| error.to_string().contains(why))
                        && run::now().duration_since(began) < WAIT =>
                {
                    run::pause(LOOK_EVERY);
                }
                clicked => return clicked,
            }
        }
    }

    /// Clicks what leads to another page, and waits until this one is gone.
    pub(super) fn follow(&self, selector: &str) -> Result<()> {
        let page = self.find("html")?;
        self.click(selector)?;
        let began = run::now();
        let name = format!("/element/{page}/name");
        while self.send("GET", &name, &Value::Null).is_ok() {
            if run::now().duration_since(began) > WAIT {
                bail!("{selector} leads to no other page");
            }
            run::pause(LOOK_EVERY);
        }
        Ok(())
    }

    fn click_once(&self, selector: &str) -> Result<()> {
        let element = self.find(selector)?;
        self.send("POST", &format!("/element/{element}/click"), &json!({}))
            .map(drop)
    }

    /// The first element there, by what the driver calls it.
    fn find(&self, selector: &str) -> Result<String> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let element = self.send("POST", "/element", &wanted)?;
        let id = element
            .as_object()
            .and_then(|element| element.values().next())
            .and_then(Value::as_str)
            .with_context(|| format!("nothing is at {selector}"))?;
        Ok(id.to_owned())
    }

    /// Presses keys where the focus is.
    pub(super) fn keys(&self, keys: &[&str]) -> Result<()> {
        let mut actions = Vec::new();
        for key in keys {
            actions.push(json!({ "type": "keyDown", "value": key }));
            actions.push(json!({ "type": "keyUp", "value": key }));
        }
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.send("POST", "/actions", &actions).map(drop)
    }

    /// Does a step; when it fails, the page as it was then is kept as a picture and a text.
    pub(super) fn kept_when_it_fails<T>(
        &self,
        to: &Path,
        step: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        step().map_err(|error| {
            let (picture, text) = (to.join("failed.png"), to.join("failed.txt"));
            let address = "location.href + '\\n\\n' + document.body.innerText";
            let kept = self
                .picture(&picture)
                .and_then(|()| self.look(address))
                .and_then(|seen| Ok(std::fs::write(&text, seen.as_str().unwrap_or_default())?));
            match kept {
                Ok(()) => error.context(format!(
                    "the page as it was: {} and {}",
                    picture.display(),
                    text.display()
                )),
                Err(why) => error.context(format!("the page as it was could not be kept: {why:#}")),
            }
        })
    }

    /// The whole page as a picture.
    pub(super) fn picture(&self, to: &Path) -> Result<()> {
        let shot = json!({ "cmd": "Page.captureScreenshot", "params": {
            "format": "png", "captureBeyondViewport": true } });
        let shot = self.send("POST", "/goog/cdp/execute", &shot)?;
        let text = shot["data"].as_str().context("there is no picture")?;
        std::fs::write(to, STANDARD.decode(text)?)?;
        Ok(())
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.send("DELETE", "", &Value::Null) {
            report::complain(format!("the browser could not be closed: {error:#}"));
        }
    }
}
