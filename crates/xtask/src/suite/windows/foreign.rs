//! Handlers in C++ as COM classes: registered in Wine's registry and synchronized by the manager, and the golden traces.
//! They are compiled against the `mobsync.h` of mingw-w64.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::built::{Built, run_tests};
use super::wine::Prefix;
use super::{expect, target_directory};
use crate::run;
use crate::suite::{com, com_header};

/// The class of `examples/cpp/mirror.cpp`.
const MIRROR: &str = "{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}";

/// Where its class is registered, below a root of the registry.
const MIRROR_KEY: &str =
    r"Software\Classes\CLSID\{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}\InprocServer32";

const HOME: &str = r"C:\home of mirror";

/// Builds the libraries and answers their directory.
fn libraries() -> Result<PathBuf> {
    let into = target_directory().join("com-fixtures");
    com::build_fixtures(com::WINDOWS, &into)?;
    com_header::build_windows_examples("windows", &into)?;
    Ok(into)
}

/// A program in C++ that calls the manager, from the root of the workspace, and what it is called.
const CALLER: &str = "crates/syncmgr/tests/wine/caller.cpp";
const CALLER_PROGRAM: &str = "caller.exe";

/// Where the programs are installed, below drive C:.
const INSTALLED: &str = "Program Files/syncmgr";

/// What is installed: its name in the build, and there.
const PROGRAMS: &[(&str, &str)] = &[
    ("syncmgr.exe", "syncmgr.exe"),
    ("comhost.exe", "comhost.exe"),
    ("syncmgr_comserver.dll", "comserver.dll"),
];

/// A path of this system as Wine's programs know it.
pub(super) fn there(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', r"\"))
}

/// The example in C++: `regsvr32` writes its class, the manager finds its items and synchronizes one.
pub(super) fn handler(built: &Built, prefix: &Prefix) -> Result<String> {
    prefix.give_windows()?;
    let library = prefix.drive().join("mirror.dll");
    fs::copy(libraries()?.join("mirror.dll"), &library)?;
    let (from, to) = (prefix.drive().join("from"), prefix.drive().join("to"));
    fs::create_dir_all(from.join("notes"))?;
    fs::create_dir(&to)?;
    fs::write(from.join("notes/a ü.txt"), "by a class")?;
    let comhost = built.program("comhost.exe");
    let mut tool = prefix.bounded(60, &["wine".as_ref(), "regsvr32".as_ref()]);
    // It also registers with the system's manager, which Wine has none of; so its exit code says nothing about the class.
    super::wine::ended(tool.args(["/s", r"C:\mirror.dll"]))?;
    let registry = |words: &[&str]| {
        let mut command = prefix.bounded(60, &["wine".as_ref(), "reg".as_ref()]);
        super::wine::ended(command.args(words))
    };
    let of_user = format!(r"HKCU\{MIRROR_KEY}");
    let written = registry(&["query", &of_user])?.with(0)?;
    expect(written.contains("mirror.dll"), || {
        format!("regsvr32 wrote {written}")
    })?;
    // Wine 8 knows the classes of the machine alone.
    let of_machine = format!(r"HKLM\{MIRROR_KEY}");
    for value in [
        &["/ve", "/d", r"C:\mirror.dll"][..],
        &["/v", "ThreadingModel", "/d", "Apartment"],
    ] {
        registry(&[&["add", &of_machine, "/f"], value].concat())?.with(0)?;
    }
    let config = prefix
        .drive()
        .join(HOME.trim_start_matches(r"C:\"))
        .join("config");
    fs::create_dir_all(&config)?;
    fs::write(
        config.join("config.toml"),
        format!(
            "[[handler]]\nid = \"{MIRROR}\"\ndescription = \"Mirror\"\ncommand = ['{}', '{MIRROR}']\n",
            there(&comhost)
        ),
    )?;
    let syncmgr = |words: &[&str]| {
        let mut command = prefix.bounded(
            60,
            &["wine".as_ref(), built.program("syncmgr.exe").as_os_str()],
        );
        command
            .args(words)
            .env("SYNCMGR_HOME", HOME)
            .env("MIRROR_FROM", r"C:\from")
            .env("MIRROR_TO", r"C:\to");
        super::wine::ended(&mut command)
    };
    syncmgr(&["sync", MIRROR])?.with(0).context("sync")?;
    let arrived = fs::read_to_string(to.join("notes/a ü.txt")).context("nothing arrived")?;
    expect(arrived == "by a class", || format!("arrived: {arrived}"))?;
    let list = syncmgr(&["list", "--json"])?.with(0)?;
    expect(list.contains("\"notes\""), || format!("the list: {list}"))?;
    Ok("a C++ handler from the registry is listed and synchronized".to_owned())
}

/// The tests that drive foreign classes in `comhost`.
pub(super) fn wants_traces(package: &str, name: &str) -> bool {
    matches!(
        (package, name),
        ("daemon", "golden") | ("comhost", "hostile")
    )
}

/// The golden traces with the recorder in C++, and the hostile handlers.
pub(super) fn traces(built: &Built, prefix: &Prefix) -> Result<String> {
    prefix.give_windows()?;
    let libraries = there(&libraries()?);
    let comhost = there(&built.program("comhost.exe"));
    run_tests(built, prefix, wants_traces, |command| {
        command
            .arg("--ignored")
            .env("SYNCMGR_COM_FIXTURES", &libraries)
            .env("SYNCMGR_COMHOST", &comhost);
    })
}

/// The programs as they are installed, with registered classes and programs that call the manager.
pub(super) fn classes(built: &Built, prefix: &Prefix) -> Result<String> {
    prefix.give_windows()?;
    let libraries = libraries()?;
    run::check(
        run::command(com::WINDOWS.compiler())
            .args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(["-static", "-municode"])
            .arg(run::workspace().join(CALLER))
            .arg("-o")
            .arg(libraries.join(CALLER_PROGRAM))
            .args(["-lole32", "-luuid"]),
    )?;
    let installed = prefix.drive().join(INSTALLED);
    fs::create_dir_all(&installed)?;
    for (name, there) in PROGRAMS {
        let program = built.program(name);
        fs::copy(&program, installed.join(there))
            .with_context(|| format!("{} is not built", program.display()))?;
    }
    let measured = prefix.drive().join("measured");
    let wanted = |package: &str, name: &str| (package, name) == ("syncmgr", "wine");
    let passed = run_tests(built, prefix, wanted, |command| {
        command
            .arg("--ignored")
            .env("SYNCMGR_COM_FIXTURES", there(&libraries))
            .env("SYNCMGR_INSTALLED", there(&installed))
            .env("SYNCMGR_MEASURED", there(&measured));
    })?;
    let measured = fs::read_to_string(measured).context("nothing was measured")?;
    Ok(format!("{passed}; {measured}"))
}
