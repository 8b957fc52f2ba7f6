//! git: a working tree and its remote, from `git daemon` on loopback.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("fetched, brought forward, pushed", both_ways),
    ("two ways: rebase, merge, theirs", diverged),
    (
        "unmerged files and a merge under way are left alone",
        unmerged,
    ),
    ("no branch, no upstream, changed files", stands_in_the_way),
    ("index.lock of a killed git is asked about", locked),
    ("the remote is gone, refuses, wants a password", remote_gone),
    ("no room on the disk", full),
    ("stopped in the midst of a fetch", stopped),
    ("killed in the midst of a fetch", killed),
    ("by ssh: the network is lost in the midst", network_lost),
    ("many repositories found", found),
    ("choices taken back", taken_back),
];

/// A fetch that is under way has so many bytes at least, and stands still after some more.
const UNDER_WAY: u64 = 200_000;

fn git(world: &World, tree: &str, words: &[&str]) -> Result<String> {
    let output = world
        .command("git")
        .args([
            "-c",
            "user.email=a@example.org",
            "-c",
            "user.name=A",
            "-C",
            &world.text(tree),
        ])
        .args(words)
        .output()?;
    if !output.status.success() {
        bail!(
            "git {words:?} in {tree}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn commit(world: &World, tree: &str, file: &str, content: &str) -> Result<()> {
    world.write(&format!("{tree}/{file}"), content)?;
    git(world, tree, &["add", "--all"])?;
    git(world, tree, &["commit", "--quiet", "--message", content])?;
    Ok(())
}

/// A remote, a working tree `here` that is the item, and another one, `there`.
fn trees(world: &World) -> Result<()> {
    world.write(
        "home/.gitconfig",
        "[user]\nemail = a@example.org\nname = A\n[init]\ndefaultBranch = main\n[advice]\ndetachedHead = false\n",
    )?;
    world.directory("remotes/r.git")?;
    git(world, "remotes/r.git", &["init", "--quiet", "--bare"])?;
    git(world, ".", &["clone", "--quiet", "remotes/r.git", "here"])?;
    commit(world, "here", "file", "one")?;
    git(world, "here", &["push", "--quiet", "-u", "origin", "HEAD"])?;
    git(world, ".", &["clone", "--quiet", "remotes/r.git", "there"])?;
    item(world, &json!({}))
}

fn item(world: &World, more: &serde_json::Value) -> Result<()> {
    world.no_items()?;
    let mut definition = json!({ "recipe": "git", "path": world.text("here") });
    for (name, value) in more.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    world.item("tree", &definition)
}

fn others_push(world: &World, file: &str, content: &str) -> Result<()> {
    git(world, "there", &["pull", "--quiet", "--rebase"])?;
    commit(world, "there", file, content)?;
    git(world, "there", &["push", "--quiet"])?;
    Ok(())
}

fn heads(world: &World) -> Result<(String, String)> {
    Ok((
        git(world, "here", &["rev-parse", "HEAD"])?,
        git(world, "remotes/r.git", &["rev-parse", "main"])?,
    ))
}

fn same_heads(world: &World) -> Result<()> {
    let (here, there) = heads(world)?;
    equal("the commit of here and that of there", &here, &there)
}

fn both_ways(world: &World) -> Result<String> {
    trees(world)?;
    world.sync("tree", GOOD)?.status("succeeded")?;
    others_push(world, "file", "two")?;
    let before = git(world, "here", &["rev-parse", "HEAD", "origin/main"])?;
    world.plan("tree")?.ended(GOOD)?.says("origin/main")?;
    let after = git(world, "here", &["rev-parse", "HEAD", "origin/main"])?;
    equal("what the plan moved", &after, &before)?;
    world.sync("tree", GOOD)?.counted("received", 1)?;
    same_heads(world)?;
    commit(world, "here", "file", "three")?;
    world.sync("tree", GOOD)?.counted("sent", 1)?;
    same_heads(world)?;
    // Both sides, different files: rebased only where that is wished.
    others_push(world, "other", "four")?;
    commit(world, "here", "file", "five")?;
    item(world, &json!({ "mode": "rebase" }))?;
    world.sync("tree", GOOD)?;
    same_heads(world)?;
    equal(
        "merge commits",
        &git(world, "here", &["rev-list", "--merges", "--all"])?,
        &String::new(),
    )?;
    item(world, &json!({ "commit": true, "message": "by itself" }))?;
    world.write("here/new", "new")?;
    world.sync("tree", GOOD)?;
    same_heads(world)?;
    equal(
        "the last message",
        &git(
            world,
            "remotes/r.git",
            &["log", "-1", "--format=%s", "main"],
        )?,
        &"by itself".to_owned(),
    )?;
    Ok("forward, push, rebase, commit; the plan moved nothing".to_owned())
}

/// The id of the one conflict.
fn conflict(world: &World) -> Result<String> {
    let all = world.conflicts()?;
    match all.as_slice() {
        [one] => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
        _ => bail!("{} conflicts instead of one", all.len()),
    }
}

fn diverged(world: &World) -> Result<String> {
    trees(world)?;
    others_push(world, "file", "theirs")?;
    commit(world, "here", "file", "ours")?;
    let before = heads(world)?;
    item(world, &json!({ "mode": "rebase" }))?;
    world
        .sync("tree", FAILED)?
        .says("touch the same lines")?
        .says("two ways")?;
    equal("the heads after a rebase in vain", &heads(world)?, &before)?;
    for choice in ["rebase", "merge"] {
        let id = conflict(world)?;
        world
            .run(&["resolve", &id, choice])?
            .says("came to nothing")?;
        equal("the heads after that choice", &heads(world)?, &before)?;
        equal(
            "what is changed",
            &git(world, "here", &["status", "--porcelain"])?,
            &String::new(),
        )?;
    }
    let id = conflict(world)?;
    world.run(&["resolve", &id, "theirs"])?.ended(GOOD)?;
    equal("open conflicts", &world.conflicts()?.len(), &0)?;
    same_heads(world)?;
    let kept = git(
        world,
        "here",
        &[
            "branch",
            "--list",
            "syncmgr-kept-*",
            "--format=%(objectname)",
        ],
    )?;
    equal("the branch that keeps ours", &kept, &before.0)?;
    for choice in ["rebase", "merge"] {
        others_push(world, choice, "theirs")?;
        commit(world, "here", &format!("{choice}-here"), "ours")?;
        item(world, &json!({}))?;
        world.sync("tree", FAILED)?;
        let id = conflict(world)?;
        world.run(&["resolve", &id, choice])?.ended(GOOD)?;
        world.sync("tree", GOOD)?.counted("conflicts", 0)?;
        same_heads(world)?;
    }
    Ok("same lines: aborted and said; ours kept in a branch; others joined".to_owned())
}

fn unmerged(world: &World) -> Result<String> {
    trees(world)?;
    others_push(world, "file", "theirs")?;
    commit(world, "here", "file", "ours")?;
    git(world, "here", &["fetch", "--quiet"])?;
    if git(world, "here", &["merge", "origin/main"]).is_ok() {
        bail!("the merge should have stopped");
    }
    item(world, &json!({ "commit": true }))?;
    let before = heads(world)?;
    world.sync("tree", FAILED)?.says("merge is under way")?;
    equal("the heads", &heads(world)?, &before)?;
    let all = world.conflicts()?;
    let file = all
        .iter()
        .find(|one| one["name"] == "file")
        .context("the unmerged file is no conflict")?;
    let id = file["id"].as_str().unwrap_or_default();
    world.run(&["resolve", id, "ours"])?.ended(GOOD)?;
    equal("the file", &world.read("here/file")?, &"ours".to_owned())?;
    git(world, "here", &["merge", "--abort"])?;
    // Without a merge there are unmerged files too.
    git(
        world,
        "here",
        &["reset", "--quiet", "--hard", "origin/main"],
    )?;
    world.write("here/file", "stashed")?;
    git(world, "here", &["stash", "--quiet"])?;
    commit(world, "here", "file", "later")?;
    if git(world, "here", &["stash", "pop"]).is_ok() {
        bail!("the stash should have stopped");
    }
    let before = heads(world)?;
    world.sync("tree", FAILED)?.says("not merged")?;
    equal("the heads", &heads(world)?, &before)?;
    Ok("nothing was committed; the file resolved as ours".to_owned())
}

fn stands_in_the_way(world: &World) -> Result<String> {
    trees(world)?;
    others_push(world, "file", "two")?;
    world.write("here/file", "changed and not committed")?;
    world.sync("tree", FAILED)?.says("files here are changed")?;
    equal(
        "the changed file",
        &world.read("here/file")?,
        &"changed and not committed".to_owned(),
    )?;
    git(world, "here", &["checkout", "--quiet", "--detach"])?;
    world.sync("tree", FAILED)?.says("on no branch")?;
    git(world, "here", &["checkout", "--quiet", "-b", "lonely"])?;
    world.sync("tree", FAILED)?.says("follows no branch")?;
    Ok("each said with what to do".to_owned())
}

fn locked(world: &World) -> Result<String> {
    trees(world)?;
    others_push(world, "file", "two")?;
    // A commit hook keeps git within its lock until it is killed.
    world.write(
        "here/.git/hooks/pre-commit",
        "#!/bin/sh\ntouch waiting; exec sleep 600\n",
    )?;
    run::check(
        run::command("chmod")
            .arg("755")
            .arg(world.at("here/.git/hooks/pre-commit")),
    )?;
    world.write("here/file2", "x")?;
    git(world, "here", &["add", "file2"])?;
    let process = world.beside(world.command("git").args([
        "-C",
        &world.text("here"),
        "commit",
        "-m",
        "x",
        "file2",
    ]))?;
    wait_for("the lock", || {
        world.at("here/.git/index.lock").exists() && world.at("here/waiting").exists()
    })?;
    run::check(run::command("kill").args(["-KILL", &process.to_string()]))?;
    world.end_beside();
    std::fs::remove_file(world.at("here/.git/hooks/pre-commit"))?;
    std::fs::remove_file(world.at("here/waiting"))?;
    git_unlocked(world)?;
    let run = world.run(&["sync", "tree"])?;
    if run.code == GOOD {
        bail!("it ended well although it was locked");
    }
    world.answer("remove")?;
    world.sync("tree", GOOD)?;
    if world.at("here/.git/index.lock").exists() {
        bail!("the lock is still there");
    }
    Ok("asked, and taken away when told so".to_owned())
}

/// The file that was staged is taken back without git, which is locked.
fn git_unlocked(world: &World) -> Result<()> {
    std::fs::rename(world.at("here/.git/index.lock"), world.at("lock"))?;
    git(world, "here", &["reset", "--quiet"])?;
    std::fs::remove_file(world.at("here/file2"))?;
    Ok(std::fs::rename(
        world.at("lock"),
        world.at("here/.git/index.lock"),
    )?)
}

fn serve(world: &World) -> Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    // Not `git daemon`, which starts it as a child and leaves it behind.
    let place = git(world, ".", &["--exec-path"])?;
    world.beside(world.command(format!("{place}/git-daemon")).args([
        "--reuseaddr",
        "--listen=127.0.0.1",
        &format!("--port={port}"),
        "--export-all",
        "--enable=receive-pack",
        &format!("--base-path={}", world.text("remotes")),
    ]))?;
    wait_for("git daemon", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    let url = format!("git://127.0.0.1:{port}/r.git");
    git(world, "here", &["remote", "set-url", "origin", &url])?;
    Ok(port)
}

fn remote_gone(world: &World) -> Result<String> {
    trees(world)?;
    serve(world)?;
    commit(world, "here", "file", "two")?;
    world.sync("tree", GOOD)?.counted("sent", 1)?;
    same_heads(world)?;
    world.end_beside();
    // `git daemon` starts one that listens.
    wait_for("the end of the server", || {
        git(world, "here", &["ls-remote"]).is_err()
    })?;
    world.run(&["sync", "tree"])?.says("refused")?;
    git(
        world,
        "here",
        &["remote", "set-url", "origin", "git://192.0.2.1/r.git"],
    )?;
    let lost = world.finish(&mut world.no_network(&["sync", "tree"]))?;
    lost.says("unreachable")?;
    // A server that wants a name and a password.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut heard = [0; 4096];
        let _ = stream.read(&mut heard)?;
        stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
    });
    let url = format!("http://127.0.0.1:{port}/r.git");
    git(world, "here", &["remote", "set-url", "origin", &url])?;
    world
        .sync("tree", FAILED)?
        .says("could not read Username")?;
    drop(server.join());
    let asked = world.needs()?;
    if asked
        .iter()
        .any(|need| matches!(need["kind"].as_str(), Some("login" | "question")))
    {
        bail!("it asked: {asked:?}");
    }
    // Somebody else was faster: the remote moves while the push is prepared.
    git(
        world,
        "here",
        &["remote", "set-url", "origin", &world.text("remotes/r.git")],
    )?;
    commit(world, "here", "mine", "mine")?;
    commit(world, "there", "faster", "faster")?;
    let hook = format!(
        "#!/bin/sh\nunset GIT_DIR\ngit -C {0} pull --quiet --rebase\nexec git -C {0} push --quiet\n",
        world.text("there")
    );
    world.write("here/.git/hooks/pre-push", hook)?;
    run::check(
        run::command("chmod")
            .arg("755")
            .arg(world.at("here/.git/hooks/pre-push")),
    )?;
    world.run(&["sync", "tree"])?.says("pushed")?;
    std::fs::remove_file(world.at("here/.git/hooks/pre-push"))?;
    item(world, &json!({ "mode": "rebase" }))?;
    world.sync("tree", GOOD)?;
    same_heads(world)?;
    Ok("refused, no route, wants a password without a question, a faster push".to_owned())
}

fn full(world: &World) -> Result<String> {
    world.fill_disk("here", 1024)?;
    trees(world)?;
    world.noise("there/large", 3 << 20)?;
    git(world, "there", &["add", "--all"])?;
    git(world, "there", &["commit", "--quiet", "--message", "large"])?;
    git(world, "there", &["push", "--quiet"])?;
    world.sync("tree", FAILED)?.says("room")?;
    world.make_room("here", 16 << 10)?;
    world.sync("tree", GOOD)?;
    same_heads(world)?;
    git(world, "here", &["fsck"])?;
    Ok("failed, then with room well; fsck has nothing".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    trees(world)?;
    // The other side never answers.
    let upload = "#!/bin/sh\nexec sleep 600\n";
    world.write("slow", upload)?;
    run::check(run::command("chmod").arg("755").arg(world.at("slow")))?;
    git(
        world,
        "here",
        &["config", "remote.origin.uploadpack", &world.text("slow")],
    )?;
    let running = world.start(&["sync", "tree"])?;
    wait_for("the fetch", || !world.processes("sleep 600").is_empty())?;
    running.interrupt()?;
    let ended = running.end()?;
    if ended.code == GOOD {
        bail!("it ended well although it was stopped");
    }
    world.nothing_runs("git")?;
    world.nothing_runs("sleep 600")?;
    git(
        world,
        "here",
        &["config", "--unset", "remote.origin.uploadpack"],
    )?;
    world.sync("tree", GOOD)?;
    Ok("nothing was left running".to_owned())
}

/// Something large waits at the remote, which stands still in the midst of it.
fn stalling(world: &World) -> Result<()> {
    world.noise("there/large", 2 << 20)?;
    git(world, "there", &["add", "--all"])?;
    git(world, "there", &["commit", "--quiet", "--message", "large"])?;
    git(world, "there", &["push", "--quiet"])?;
    world.program(
        "stalling",
        "#!/bin/sh\ngit-upload-pack \"$@\" | { dd bs=4096 count=120 status=none; exec sleep 20; }\n",
    )?;
    let stalling = world.text("bin/stalling");
    git(
        world,
        "here",
        &["config", "remote.origin.uploadpack", &stalling],
    )?;
    git(world, "here", &["config", "fetch.unpackLimit", "1"])?;
    Ok(())
}

fn is_fetching(world: &World) -> bool {
    let entries = std::fs::read_dir(world.at("here/.git/objects/pack"))
        .into_iter()
        .flatten();
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("tmp_pack")
            && entry.metadata().is_ok_and(|about| about.len() > UNDER_WAY)
    })
}

/// The remote goes on, and everything comes.
fn comes_after_all(world: &World, sync: impl Fn() -> Result<()>) -> Result<()> {
    git(
        world,
        "here",
        &["config", "--unset", "remote.origin.uploadpack"],
    )?;
    sync()?;
    same_heads(world)?;
    git(world, "here", &["fsck"])?;
    equal("open questions", &world.needs()?.len(), &0)
}

fn killed(world: &World) -> Result<String> {
    trees(world)?;
    stalling(world)?;
    let before = heads(world)?;
    let killed = world
        .sigkill_when(&["sync", "tree"], "git", || is_fetching(world))?
        .ended(FAILED)?;
    world.nothing_runs("git")?;
    equal("the heads", &heads(world)?, &before)?;
    comes_after_all(world, || world.sync("tree", GOOD).map(drop))?;
    Ok(format!(
        "{}; the next run fetched it, fsck has nothing",
        killed.end()?["text"]
    ))
}

fn network_lost(world: &World) -> Result<String> {
    trees(world)?;
    stalling(world)?;
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    let place = format!("root@127.0.0.1:{}", world.text("remotes/r.git"));
    git(world, "here", &["remote", "set-url", "origin", &place])?;
    let shell = server.shell(world);
    git(world, "here", &["config", "core.sshCommand", &shell])?;
    let running = world.start_command(&mut network.manager(world, &["sync", "tree"]))?;
    wait_for("the fetch", || is_fetching(world))?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("fetch")?;
    network.goes("up")?;
    comes_after_all(world, || {
        let again = world.finish(&mut network.manager(world, &["sync", "tree"]))?;
        again.ended(GOOD).map(drop)
    })?;
    Ok(format!("soft: {}; then well", lost.end()?["text"]))
}

fn found(world: &World) -> Result<String> {
    trees(world)?;
    world.directory("src/no repository")?;
    let places = ["src/first", "src/deeper/second", "src/with a space/third"];
    for place in places {
        let target = world.text(place);
        git(world, ".", &["clone", "--quiet", "remotes/r.git", &target])?;
    }
    let source = world.text("src");
    equal(
        "repositories found",
        &world.add_found(&["git", &source])?,
        &3,
    )?;
    others_push(world, "file", "two")?;
    world.run(&["sync"])?.ended(GOOD)?;
    let there = git(world, "remotes/r.git", &["rev-parse", "main"])?;
    for place in places {
        let here = git(world, place, &["rev-parse", "HEAD"])?;
        equal(place, &here, &there)?;
    }
    Ok("3 below one directory, each brought forward".to_owned())
}

/// Decides the one conflict, takes that back, and sees that it is open again.
fn decided_and_back(world: &World, choice: &str, looks: impl Fn() -> Result<String>) -> Result<()> {
    let before = looks()?;
    let id = conflict(world)?;
    let said = world.run(&["resolve", &id, choice])?.ended(GOOD)?;
    let run = said.lines.iter().find_map(|line| line["run"].as_u64());
    if looks()? == before {
        bail!("{choice} changed nothing");
    }
    let run = run.context("the choice was no run")?.to_string();
    world.run(&["undo", &run])?.ended(GOOD)?;
    equal(&format!("{choice}, taken back"), &looks()?, &before)?;
    conflict(world).map(drop)
}

fn taken_back(world: &World) -> Result<String> {
    trees(world)?;
    others_push(world, "others", "theirs")?;
    commit(world, "here", "mine", "ours")?;
    world.sync("tree", FAILED)?.says("two ways")?;
    for choice in ["rebase", "merge", "theirs"] {
        decided_and_back(world, choice, || git(world, "here", &["rev-parse", "HEAD"]))?;
    }
    equal(
        "branches that keep something",
        &git(world, "here", &["branch", "--list", "syncmgr-kept-*"])?,
        &String::new(),
    )?;
    let id = conflict(world)?;
    world.run(&["resolve", &id, "rebase"])?.ended(GOOD)?;
    world.sync("tree", GOOD)?;
    same_heads(world)?;
    others_push(world, "file", "theirs")?;
    commit(world, "here", "file", "ours")?;
    git(world, "here", &["fetch", "--quiet"])?;
    if git(world, "here", &["merge", "origin/main"]).is_ok() {
        bail!("the merge should have stopped");
    }
    world.sync("tree", FAILED)?.says("merge is under way")?;
    // A merge under way is of commits that went two ways; here only the file is decided.
    let file = || -> Result<String> {
        let all = world.conflicts()?;
        let file = all.iter().find(|one| one["name"] == "file");
        let file = file.context("the unmerged file is no conflict")?;
        Ok(file["id"].as_str().unwrap_or_default().to_owned())
    };
    for (choice, content) in [("ours", "ours"), ("theirs-file", "theirs")] {
        let id = file()?;
        let said = world.run(&["resolve", &id, choice])?.ended(GOOD)?;
        equal(choice, &world.read("here/file")?, &content.to_owned())?;
        let run = said.lines.iter().find_map(|line| line["run"].as_u64());
        let run = run.context("the choice was no run")?.to_string();
        world.run(&["undo", &run])?.ended(GOOD)?;
        let unmerged = git(world, "here", &["ls-files", "--unmerged"])?;
        equal("versions of the file", &unmerged.lines().count(), &3)?;
        file()?;
    }
    Ok(
        "rebase, merge, theirs; of a file ours and theirs: each taken back, and open again"
            .to_owned(),
    )
}
