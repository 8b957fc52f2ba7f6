//! The Python handler of docs/handlers.md that has a person sign in, end to end: on the command line, in the terminal page, on
//! the page, by another command, by nobody. What is typed into it goes to the mail server and nowhere else.
//!
//! M-35, M-112, H-11, H-29: step 4 of the contract, "a mail program shows a logon dialog", without a window of its own.

mod server;

use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;

use self::server::{SECRET, Server, holds_secret};
use crate::center::{ask, ask_on, way_in};
use crate::terminal::Page;
use crate::world::{Done, FOR_EVER, Running, World, until};

/// The second program of the document.
fn documented() -> &'static str {
    let page = include_str!("../../../../docs/handlers.md");
    let from = page.split("```python\n").nth(2).expect("the program");
    from.split("```").next().expect("its end")
}

/// A home whose handler fetches mail, with `change` made to its program.
fn world(manager: &str, change: (&str, &str)) -> World {
    let world = World::new();
    let (before, after) = change;
    assert!(documented().contains(before));
    world.write("mail.py", documented().replace(before, after));
    world.write("mails/.keep", "");
    let path = |name: &str| world.path(name).display().to_string();
    world.configure(&format!(
        "[manager]\n{manager}\n[[handler]]\nid = \"mail\"\ncommand = [\"python3\", \"{}\", \"{}\"]\n",
        path("mail.py"),
        path("mails")
    ));
    world
}

const AS_IT_IS: (&str, &str) = ("", "");

/// A daemon that tells everything that it goes through.
fn daemon(world: &World) -> Running {
    let mut command = world.command(["daemon"]);
    command.env("SYNCMGR_LOG", "trace");
    let mut daemon = Running::start(command);
    daemon.wait_for("serves every command");
    daemon
}

/// `syncmgr sync mail` where a person sits.
fn sync(world: &World) -> Page {
    let mut command = world.command(["sync", "mail"]);
    command.env("TERM", "xterm-256color");
    Page::of(command, world, 100, 40)
}

/// Types everything but the password, which is typed in between, and whether it is to be remembered.
fn sign_in<'a>(page: &'a Page, server: &Server, password: &str, remember: &str) -> &'a Page {
    page.shows("Server")
        .types(&format!("{}\r", server.address()))
        .shows("User name")
        .types("ada\r")
        .shows("Password")
        .types(&format!("{password}\r"))
        .shows("the archive")
        .types("INBOX\r")
        .shows("Keep signed in")
        .types("\r")
        .shows("Remember it")
        .types(&format!("{remember}\r"))
}

fn fetched(world: &World) {
    let mail = world.read("mails/INBOX-7.eml");
    assert_eq!(mail, "Subject: two\r\n\r\nDear Ada\r\n");
    assert!(world.has("mails/INBOX-4.eml"));
}

/// The daemon ends, and neither it nor anything that it wrote or tells holds the secret.
fn nothing_tells(world: &World, daemon: Running, server: &Server, but: Option<&str>) {
    for words in [
        &["log"][..],
        &["needs"],
        &["runs"],
        &["show", "mail"],
        &["doctor"],
    ] {
        let mut command = world.command(words);
        command.arg("--json");
        Running::start(command).end().says_not(SECRET);
    }
    end(daemon).says_not(SECRET);
    for (path, entry) in world.tree("home") {
        let allowed = but.is_some_and(|but| path.ends_with(but));
        assert!(
            !holds_secret(&entry.content) || allowed,
            "{}",
            path.display()
        );
    }
    assert_eq!(server.seen_elsewhere(), Vec::<String>::new());
    world.is_quiet();
}

fn end(daemon: Running) -> Done {
    daemon.signal(Signal::TERM);
    let done = daemon.end();
    done.exits(0);
    done
}

#[test]
#[ignore = "needs python3: cargo xtask suite examples"]
fn who_synchronizes_in_a_terminal_signs_in_there_and_is_asked_once_where_it_is_remembered() {
    let (world, server) = (world("remember = \"file\"", AS_IT_IS), Server::new());
    let daemon = daemon(&world);
    let page = sync(&world);
    page.shows("sign in to your mail").types("1\r");
    // The first password is wrong: it is asked for again, and that one is forgotten.
    sign_in(&page, &server, "not it", "yes");
    page.shows("the server does not take this name and password")
        .types("1\r");
    // All is asked for again, below what stands there.
    page.types(&format!("{}\rada\r", server.address()));
    until("the second password is asked for", || {
        page.written().matches("Password").count() == 2
    });
    page.types(&format!("{SECRET}\r\r\ryes\r"))
        .shows("mail is in sync");
    let written = page.written();
    assert_eq!(page.ends().code(), Some(0));
    assert!(
        !written.contains(SECRET) && !written.contains("not it"),
        "{written}"
    );
    fetched(&world);
    assert_eq!(
        server.logins(),
        [("ada".to_owned(), false), ("ada".to_owned(), true)]
    );
    // All but the password is kept by the handler; the answer by the manager.
    assert!(
        world
            .read("home/state/handlers/mail/account.json")
            .contains("ada")
    );
    assert!(world.read("home/config/secrets.json").contains(SECRET));
    assert!(!world.read("home/config/secrets.json").contains("not it"));
    // The next run asks nobody, whoever started it.
    world.run(["sync", "mail"]).exits(0).says_not(SECRET);
    let page = sync(&world);
    page.shows("mail is in sync");
    let written = page.written();
    assert_eq!(page.ends().code(), Some(0));
    assert!(!written.contains("sign in to your mail"), "{written}");
    assert_eq!(server.logins().len(), 4);
    nothing_tells(&world, daemon, &server, Some("secrets.json"));
}

#[test]
#[ignore = "needs python3: cargo xtask suite examples"]
fn who_runs_it_in_the_terminal_page_signs_in_there() {
    let (world, server) = (world("", AS_IT_IS), Server::new());
    let daemon = daemon(&world);
    // Items are known once the handler worked.
    world.run(["sync", "mail"]).exits(2);
    let page = Page::open(&world, 100, 30);
    page.shows("mail")
        .types("\r")
        .shows("mail asks: sign in to your mail");
    page.types("3")
        .shows("is taken at")
        .types("\r")
        .shows("send answer")
        .types("k\r");
    sign_in(&page, &server, SECRET, "no");
    page.shows("mail: succeeded").types("q");
    let written = page.written();
    assert_eq!(page.ends().code(), Some(0));
    assert!(!written.contains(SECRET));
    fetched(&world);
    assert_eq!(server.logins(), [("ada".to_owned(), true)]);
    assert!(!world.has("home/config/secrets.json"));
    nothing_tells(&world, daemon, &server, None);
}

/// The number of the one question that is open.
fn open_question(world: &World) -> String {
    let mut id = Value::Null;
    until("the question is open", || {
        id = world.json(["needs"])[0]["id"].clone();
        !id.is_null()
    });
    id.to_string()
}

#[test]
#[ignore = "needs python3: cargo xtask suite examples"]
fn who_runs_it_on_the_page_signs_in_there_and_who_comes_second_is_told() {
    let (world, server) = (world("", AS_IT_IS), Server::new());
    let daemon = daemon(&world);
    world.run(["sync", "mail"]).exits(2);
    let (host, path) = way_in(&world, "run");
    let cookie = format!(
        "cookie: {}",
        ask(&host, &format!("GET {path}"), &[]).cookie()
    );
    let origin = format!("origin: http://{host}");
    let kind = "content-type: application/x-www-form-urlencoded";
    let look = |path: &str| ask(&host, &format!("GET {path}"), &[&cookie]).body;
    let post = |method: &str, body: &str| {
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(FOR_EVER)).unwrap();
        let screen = look("/");
        let (_, token) = screen.split_once("name=\"form\" value=\"").unwrap();
        let (token, _) = token.split_once('"').unwrap();
        let body = format!("form={token}&back=%2Finbox&{body}");
        let line = format!("POST /act/{method}");
        ask_on(stream, &host, &line, &[&cookie, &origin, kind], &body)
    };
    assert_eq!(post("sync", "names=mail&mayBotherUser=true").status, 303);
    let id = open_question(&world);
    let inbox = look("/inbox");
    for part in [
        "Sign in to your mail",
        "type=\"password\"",
        "the archive",
        "Keep signed in",
    ] {
        assert!(inbox.contains(part), "{part}: {inbox}");
    }
    let server_field = format!("fields.server={}", server.address().replace(':', "%3A"));
    let secret = SECRET.replace(' ', "+");
    let answer = format!(
        "need={id}&choice=login&{server_field}&fields.user=ada&fields.password={secret}&fields.folder=INBOX&flags.keep=false"
    );
    let first = post("answer", &answer);
    assert_eq!(first.status, 303, "{first:?}");
    let second = post("answer", &answer);
    assert_eq!(second.status, 409, "{second:?}");
    assert!(second.body.contains("was answered already"), "{second:?}");
    until("the mail is there", || world.has("mails/INBOX-7.eml"));
    until("the run is over", || look("/").contains("In sync"));
    fetched(&world);
    // He is not to be kept signed in.
    assert!(!world.has("home/state/handlers/mail/account.json"));
    for path in [
        "/",
        "/inbox",
        "/log",
        "/item?name=mail",
        "/handlers",
        "/v1/status",
        "/metrics",
    ] {
        assert!(!look(path).contains(SECRET), "{path}");
    }
    assert!(!second.body.contains(SECRET) && !second.head.contains(SECRET));
    nothing_tells(&world, daemon, &server, None);
}

#[test]
#[ignore = "needs python3: cargo xtask suite examples"]
fn another_command_answers_and_the_terminal_that_waited_is_told_and_given_back() {
    let (world, server) = (world("", AS_IT_IS), Server::new());
    let daemon = daemon(&world);
    let page = sync(&world);
    page.shows("sign in to your mail").types("1\r");
    page.shows("Server")
        .types("elsewhere\r")
        .shows("User name")
        .types("bob\r");
    // It stands where nothing that is typed is shown.
    page.shows("Password");
    let id = open_question(&world);
    let mut command = world.command(["answer", &id, "login", "--stdin"]);
    command.stdin(std::process::Stdio::piped());
    let mut answer = Running::start(command);
    answer.type_in(&format!(
        "{}\nada\n{SECRET}\nINBOX\nyes\n",
        server.address()
    ));
    answer.end().exits(0).says_not(SECRET);
    page.shows("the question was answered elsewhere")
        .shows("mail is in sync");
    // What is typed is shown again: `ends` looks.
    assert_eq!(page.ends().code(), Some(0));
    fetched(&world);
    world
        .run(["answer", &id, "cancel"])
        .exits(4)
        .says("need::answered")
        .says("with `login` by");
    nothing_tells(&world, daemon, &server, None);
}

#[test]
#[ignore = "needs python3: cargo xtask suite examples"]
fn nobody_there_gives_the_default_or_a_refusal_at_once_and_somebody_too_late_as_well() {
    for change in [AS_IT_IS, ("\"default\": \"cancel\", ", "")] {
        let world = world("", change);
        world
            .run(["sync", "mail"])
            .exits(2)
            .says("nobody signed in");
        assert_eq!(world.json(["needs"]).len(), 1, "only the verdict");
    }
    // A person who does not answer in time.
    let world = world("", ("\"deadlineMs\": 300000", "\"deadlineMs\": 500"));
    let page = sync(&world);
    page.shows("sign in to your mail").shows("nobody signed in");
    assert_eq!(page.ends().code(), Some(2));
    world.run(["log"]).says("was not answered in time");
    world.is_quiet();
}
