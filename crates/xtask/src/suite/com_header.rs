//! Compiles the header for handler authors and the example handlers as C and C++, for every system that is at hand, and
//! runs the tests of the COM crate with pointers of 32 bits, because 32-bit handlers want a 32-bit host.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{Words, report, run};

/// Where the header is, from the root of the workspace.
const INCLUDE: &str = "crates/com/include";

/// One way to compile: the compiler, what makes it this way, what it needs to link, and how libraries are named.
struct Way {
    name: &'static str,
    c: &'static str,
    cpp: &'static str,
    options: &'static [&'static str],
    links: &'static [&'static str],
    library: (&'static str, &'static str),
    package: &'static str,
}

/// Every way; the first is the one whose libraries run here.
const WAYS: &[Way] = &[
    Way {
        name: "host",
        c: "gcc",
        cpp: "g++",
        options: &["-fPIC", "-pthread", "-fvisibility=hidden"],
        links: &[],
        library: ("lib", ".so"),
        package: "g++",
    },
    Way {
        name: "host-32",
        c: "gcc",
        cpp: "g++",
        options: &["-m32", "-fPIC", "-pthread", "-fvisibility=hidden"],
        links: &[],
        library: ("lib", ".so"),
        package: "g++-multilib",
    },
    Way {
        name: "windows",
        c: "x86_64-w64-mingw32-gcc",
        // The other thread model of Debian's compiler has no `std::thread`.
        cpp: "x86_64-w64-mingw32-g++-posix",
        options: &["-static"],
        links: &["-lole32", "-ladvapi32", "-luuid"],
        library: ("", ".dll"),
        package: "g++-mingw-w64-x86-64",
    },
    Way {
        name: "windows-32",
        c: "i686-w64-mingw32-gcc",
        cpp: "i686-w64-mingw32-g++-posix",
        options: &["-static", "-Wl,--kill-at"],
        links: &["-lole32", "-ladvapi32", "-luuid"],
        library: ("", ".dll"),
        package: "g++-mingw-w64-i686",
    },
];

/// What every source must pass.
const STRICT: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// Sources that hold nothing but the header, each with the standard it is compiled by.
const HEADERS: &[(&str, &str, &str)] = &[
    ("header.c", "-std=c11", "#include <syncmgr/mobsync.h>\n"),
    (
        "macros.c",
        "-std=c17",
        "#define COBJMACROS\n#include <syncmgr/mobsync.h>\n",
    ),
    (
        "header.cpp",
        "-std=c++17",
        "#include <syncmgr/mobsync.h>\n#include <syncmgr/mobsync.h>\n",
    ),
    ("newer.cpp", "-std=c++20", "#include <syncmgr/mobsync.h>\n"),
];

/// Example handlers: the source, its standard, and the library.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("examples/cpp/mirror.cpp", "-std=c++17", "mirror"),
    ("examples/c/stamp.c", "-std=c11", "stamp"),
];

/// The same in Rust, of the crate `handler`.
const RUST_EXAMPLE: &str = "com_trivial";

/// The system with 32-bit pointers whose programs run here.
const NARROW: &str = "i686-unknown-linux-gnu";

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    let scratch = scratch()?;
    run::need_packages(&missing(&scratch)?, install)?;
    let good = check_header(&scratch)?;
    build_host_examples(&scratch.join("host"))?;
    for way in &WAYS[1..] {
        build_examples(way, &scratch.join(way.name))?;
    }
    need_narrow(install)?;
    run::check(run::cargo().args([
        "test",
        "--quiet",
        "--package",
        "syncmgr-com",
        "--target",
        NARROW,
    ]))?;
    report::line(format_args!(
        "com-header: {} ways, {} sources each, {}; 32-bit tests pass",
        WAYS.len(),
        HEADERS.len() + EXAMPLES.len(),
        if good { "all compile" } else { "failed" }
    ));
    Ok(good)
}

/// Sees that Rust's library for 32 bits is there.
fn need_narrow(install: bool) -> Result<()> {
    let listed = run::output(run::command("rustup").args(["target", "list", "--installed"]))?;
    let there = String::from_utf8_lossy(&listed)
        .lines()
        .any(|line| line.trim() == NARROW);
    match (there, install) {
        (true, _) => Ok(()),
        (false, true) => run::check(run::command("rustup").args(["target", "add", NARROW])),
        (false, false) => bail!(
            "not installed: {NARROW}; install with `rustup target add {NARROW}`, or give --install"
        ),
    }
}

/// Compiles the header alone in every way; `false` when one does not take it.
pub(crate) fn check_header(scratch: &Path) -> Result<bool> {
    let mut good = true;
    for way in WAYS {
        for (file, standard, text) in HEADERS {
            let source = scratch.join(file);
            std::fs::write(&source, text)?;
            let status = compiler(way, file)
                .args([standard, "-fsyntax-only"])
                .arg(&source)
                .status()
                .with_context(|| format!("could not start the compiler of {}", way.name))?;
            if !status.success() {
                report::line(format_args!("com-header: {} refuses {file}", way.name));
                good = false;
            }
        }
    }
    Ok(good)
}

/// Builds the example handlers that run here into a directory: `libmirror.so`, `libstamp.so`, and in Rust
/// `libcom_trivial.so`.
pub(crate) fn build_host_examples(into: &Path) -> Result<()> {
    build_examples(&WAYS[0], into)?;
    run::check(run::cargo().args([
        "build",
        "--quiet",
        "--package",
        "syncmgr-handler",
        "--features",
        "com",
        "--example",
        RUST_EXAMPLE,
    ]))?;
    let name = format!("lib{RUST_EXAMPLE}.so");
    let built = target_directory().join("debug/examples").join(&name);
    std::fs::copy(&built, into.join(name))
        .with_context(|| format!("could not copy {}", built.display()))?;
    Ok(())
}

/// Builds the example handlers into a directory in one of the ways for Windows, as `mirror.dll` and `stamp.dll`.
pub(crate) fn build_windows_examples(name: &str, into: &Path) -> Result<()> {
    match WAYS.iter().find(|way| way.name == name) {
        Some(way) => build_examples(way, into),
        None => bail!("there is no way {name}"),
    }
}

fn build_examples(way: &Way, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    let (before, after) = way.library;
    for (source, standard, name) in EXAMPLES {
        let library = into.join(format!("{before}{name}{after}"));
        run::check(
            compiler(way, source)
                .args([standard, "-O2", "-shared"])
                .arg(run::workspace().join(source))
                .arg("-o")
                .arg(library)
                .args(way.links),
        )?;
    }
    Ok(())
}

fn compiler(way: &Way, source: &str) -> std::process::Command {
    let cpp = Path::new(source).extension().is_some_and(|e| e == "cpp");
    let mut compiler = run::command(if cpp { way.cpp } else { way.c });
    compiler
        .args(STRICT)
        .args(way.options)
        .arg("-I")
        .arg(run::workspace().join(INCLUDE));
    compiler
}

/// Answers the packages without which a way cannot link even an empty program.
fn missing(scratch: &Path) -> Result<Vec<&'static str>> {
    let source = scratch.join("empty.cpp");
    std::fs::write(&source, "#include <thread>\nint main() {}\n")?;
    let works = |way: &Way| {
        compiler(way, "empty.cpp")
            .arg(&source)
            .arg("-o")
            .arg(scratch.join("empty"))
            .output()
            .is_ok_and(|output| output.status.success())
    };
    Ok(WAYS
        .iter()
        .filter(|way| !works(way))
        .map(|way| way.package)
        .collect())
}

fn target_directory() -> PathBuf {
    run::variable("CARGO_TARGET_DIR").map_or_else(|| run::workspace().join("target"), PathBuf::from)
}

fn scratch() -> Result<PathBuf> {
    let scratch = target_directory().join("com-header");
    std::fs::create_dir_all(&scratch)?;
    Ok(scratch)
}
