//! The API of a running daemon is asked whatever its document allows, and what it does not: nothing breaks, and every answer
//! is as the document says (schemathesis).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::bench::home::Home;
use crate::{Words, report, run};

/// What asks; fetched by its name, into the target directory.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// The same questions each time, unless another seed is given, and as many as fit into this time.
const SEED: u64 = 1;
const SECONDS: u64 = 45;
/// Items that there are.
const ITEMS: u64 = 20;

/// What every answer must be.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance,\
                      ignored_auth";
/// What is not asked: a stream does not end; what would set up folders of this machine or start its programs; and what hands on
/// that a handler failed, which is documented and a server's error.
const LEFT_OUT: &[&str] = &[
    "/v1/changes",
    "/v1/add-item",
    "/v1/register",
    "/v1/properties",
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    let seed = words.number("--seed", SEED)?;
    let seconds = words.number("--seconds", SECONDS)?.max(1);
    let program = words.value("--program")?;
    words.end()?;
    let asks = schemathesis(install)?;
    let program = match program {
        Some(program) => fs::canonicalize(program)?,
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", false)?,
    };
    let trivial = crate::bench::trivial()?;
    let base = tempfile::Builder::new().prefix("syncmgr-api-").tempdir()?;
    let config = "[center]\nlisten = \"127.0.0.1:0\"\n\n".to_owned()
        + &crate::bench::handler("trivial", &trivial, ITEMS);
    let home = Home::new(&program, base.path().join("home"), &config)?;
    home.sync()?;
    let (_daemon, _) = home.daemon()?;
    let said = run::output(&mut home.command(&["center", "--print", "--json"]))?;
    let line = said.split(|byte| *byte == b'\n').next();
    let said: serde_json::Value = serde_json::from_slice(line.unwrap_or_default())?;
    let text = |name: &str| said[name].as_str().with_context(|| format!("no {name}"));
    let token = fs::read_to_string(Path::new(text("tokenFile")?))?;
    let mut asking = run::command(asks);
    asking
        .current_dir(base.path())
        .env("HOME", base.path())
        .arg("run")
        .arg(run::workspace().join("docs/openapi.json"))
        .args(["--url", text("page")?.trim_end_matches('/')])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token.trim()),
        ])
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--seed", &seed.to_string()])
        .args(["--max-time", &seconds.to_string()])
        .args(["--request-timeout", "10", "--no-color", "--warnings", "off"]);
    for path in LEFT_OUT {
        asking.args(["--exclude-path", path]);
    }
    let good = asking.status()?.success();
    report::line(format_args!(
        "api: {}",
        if good {
            "every answer is as documented"
        } else {
            "failed"
        }
    ));
    Ok(good)
}

/// The program, installed when that is wanted.
fn schemathesis(install: bool) -> Result<PathBuf> {
    let target = run::variable("CARGO_TARGET_DIR")
        .map_or_else(|| run::workspace().join("target"), PathBuf::from);
    let place = target.join("api");
    let program = place.join("bin/schemathesis");
    if program.exists() {
        return Ok(program);
    }
    run::need_packages(
        if run::version("python3", "--version").is_none() || !install {
            &["python3-venv"]
        } else {
            &[]
        },
        install,
    )?;
    run::check(run::command("python3").args(["-m", "venv"]).arg(&place))?;
    let pip = place.join("bin/pip");
    run::check(run::command(pip).args(["install", "--quiet", SCHEMATHESIS]))?;
    Ok(program)
}
