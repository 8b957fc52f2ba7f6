//! The addresses of the API on the daemon's socket, asked as any program would.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use syncmgr_control::method::{Access, METHODS};

use crate::world::World;

/// Asks, and answers the status and the body.
pub(crate) fn ask(world: &World, line: &str, body: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(world.path("home/run/control.sock")).unwrap();
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: syncmgr\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[test]
fn whatever_only_looks_is_answered_as_it_is_documented() {
    let world = World::with_pair(1);
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    let document: Value = serde_json::from_str(&ask(&world, "GET /openapi.json", "").1).unwrap();
    for method in METHODS {
        let path = format!("/v1/{}", method.name);
        assert!(document["paths"][&path]["post"].is_object(), "{path}");
        if method.access != Access::Read {
            assert_eq!(ask(&world, &format!("GET {path}"), "").0, 405, "{path}");
            continue;
        }
        let parameters = match method.name {
            "show" | "why" => "?name=left",
            "runs" | "log" | "conflicts" => "?limit=5",
            "run" | "request-state" => "?id=1",
            "forecast" => "?spanMs=3600000",
            "explain" => "?schedule=daily+at+02:00&count=1",
            _ => "",
        };
        let (status, body) = ask(&world, &format!("GET {path}{parameters}"), "");
        let reply: Value = serde_json::from_str(&body).unwrap();
        if method.name == "request-state" {
            // It was forgotten with the process that it was of.
            assert!(status == 409 || reply["reply"] == "request-state", "{body}");
            continue;
        }
        assert_eq!(status, 200, "{path}: {body}");
        let said = reply["reply"].as_str().unwrap();
        assert!(method.replies.contains(&said), "{path} answers {said}");
    }
    let (status, body) = ask(&world, "POST /v1/pause", r#"{"names":["left"]}"#);
    assert_eq!((status, body.contains("left")), (200, true), "{body}");
    world.run(["status"]).says("paused");
    let (status, body) = ask(&world, "POST /v1/show", r#"{"name":"nobody"}"#);
    assert_eq!((status, body.contains("hint")), (409, true), "{body}");
    assert_eq!(ask(&world, "GET /healthz", ""), (200, "ok\n".to_owned()));
    let (status, measures) = ask(&world, "GET /metrics", "");
    assert_eq!(status, 200);
    assert!(measures.contains("syncmgr_items 1\n"), "{measures}");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_page_of_items_is_chosen_and_sorted_by_the_manager() {
    let world = World::with_pair(1);
    world.run(["sync", "left"]).exits(0);
    for name in ["one", "two"] {
        for side in ["a", "b"] {
            std::fs::create_dir_all(world.path(format!("{name}-{side}"))).unwrap();
        }
        let (a, b) = (format!("{name}-a"), format!("{name}-b"));
        world
            .run(["add", "folder", &a, &b, "--name", name])
            .exits(0);
    }
    world.run(["pause", "two"]).exits(0);
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    let browse = |query: &str| -> Value {
        let (status, body) = ask(&world, &format!("GET /v1/browse?{query}"), "");
        assert_eq!(status, 200, "{query}: {body}");
        let mut reply: Value = serde_json::from_str(&body).unwrap();
        reply["value"].take()
    };
    let names = |page: &Value| -> Vec<String> {
        let rows = page["rows"].as_array().unwrap();
        let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
        rows.iter().map(name).collect()
    };
    let page = browse("limit=10");
    assert_eq!(names(&page), ["one", "two", "left"], "the worst first");
    assert_eq!(page["matching"], 3);
    assert_eq!(page["status"]["total"], 3);
    assert_eq!(page["status"]["items"], serde_json::json!([]));
    assert_eq!(page["rows"][2]["strip"][0]["status"], "succeeded");
    assert_eq!(page["rows"][0]["strip"], serde_json::json!([]));
    assert_eq!(page["worst"]["shown"], "new");
    assert_eq!(page["worst"]["names"], serde_json::json!(["one"]));
    assert_eq!(page["groups"][0]["shown"], "new");
    for (query, wanted) in [
        ("limit=10&sort=name", vec!["left", "one", "two"]),
        ("limit=1&offset=1&sort=name", vec!["one"]),
        ("limit=10&shown=paused", vec!["two"]),
        // Longer than what the random name of the home could hold.
        ("limit=10&text=LEFT", vec!["left"]),
        ("limit=10&handler=nobody", vec![]),
        ("limit=10&label=none", vec![]),
        ("limit=0", vec![]),
    ] {
        assert_eq!(names(&browse(query)), wanted, "{query}");
    }
    let (status, body) = ask(&world, "GET /v1/browse?sort=age", "");
    assert_eq!((status, body.contains("age")), (400, true), "{body}");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}
