//! `comhost` for handlers of 32 bits: built from the same sources, and held to the same tests as that of 64 bits.
//!
//! Wine runs programs of 32 bits where its own libraries of 32 bits are. They are the only part of the package that is needed,
//! so they are unpacked beside the build: to install the package, every library of the system would have to be there twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::built::{Built, run_tests};
use super::foreign::{there, wants_traces};
use super::wine::Prefix;
use super::{cargo_for, expect, target_directory};
use crate::suite::{com, com_header};
use crate::{report, run};

/// What is built for.
const TARGET: &str = "i686-win7-windows-gnu";

/// The machine that the head of a program of 32 bits names.
const I386: [u8; 2] = [0x4C, 0x01];

/// Wine's package of that machine, and where its libraries are in it.
const PACKAGE: &str = "libwine:i386";
const LIBRARIES: &str = "usr/lib/i386-linux-gnu/wine";

/// A test whose handler makes an icon, at which Wine 8 itself breaks off in a program of 32 bits.
const CRASHES_WINE: &str = "icons_become_pictures";

/// The parts of Wine that are not of 32 bits, which it looks for beside those that are.
const UNIX: &str = "x86_64-unix";

/// Builds it, and where Wine can run it, plays the golden traces and the hostile handlers with it.
pub(super) fn comhost(built: &Built, _: &Prefix) -> Result<String> {
    let mut cargo = cargo_for(TARGET, "i686-w64-mingw32", "build");
    run::check(cargo.args([
        "--quiet",
        "--package",
        "syncmgr-comhost",
        "--bin",
        "comhost",
    ]))?;
    let comhost = target_directory()
        .join(TARGET)
        .join("debug")
        .join("comhost.exe");
    let machine = machine(&fs::read(&comhost)?);
    expect(machine == Some(I386), || {
        format!("{} is for {machine:?}", comhost.display())
    })?;
    let fixtures = target_directory().join("com-fixtures-32");
    com::build_fixtures(com::WINDOWS_32, &fixtures)?;
    com_header::build_windows_examples("windows-32", &fixtures)?;
    let Some(wine) = wine_libraries(built.install)? else {
        return Ok(format!(
            "builds for {TARGET}; NOT RUN, since {PACKAGE} could not be had"
        ));
    };
    let prefix = Prefix::with_libraries(Some(&wine))?;
    prefix.give_windows()?;
    let passed = run_tests(built, &prefix, wants_traces, |command| {
        command
            .args(["--ignored", "--skip", CRASHES_WINE])
            .env("SYNCMGR_COM_FIXTURES", there(&fixtures))
            .env("SYNCMGR_COMHOST", there(&comhost));
    })?;
    Ok(format!("builds for {TARGET}; with it {passed}"))
}

/// The machine that a program is for.
fn machine(program: &[u8]) -> Option<[u8; 2]> {
    let at = program.get(0x3C..0x40)?.try_into().ok()?;
    let at = usize::try_from(u32::from_le_bytes(at)).ok()?;
    let head = program.get(at..at.checked_add(6)?)?;
    let machine = head.strip_prefix(b"PE\0\0")?;
    machine.try_into().ok()
}

/// Where Wine's libraries of 32 bits are: installed, or unpacked beside the build. `None` when they cannot be had.
fn wine_libraries(install: bool) -> Result<Option<PathBuf>> {
    let installed = Path::new("/").join(LIBRARIES);
    let place = target_directory().join("wine-32");
    let unpacked = place.join(LIBRARIES);
    for there in [installed, unpacked.clone()] {
        if there.join("i386-windows/ntdll.dll").is_file() {
            return Ok(Some(there));
        }
    }
    if !install {
        report::line(format_args!(
            "windows: {PACKAGE} is not there; --install fetches it"
        ));
        return Ok(None);
    }
    fetch(&place)?;
    Ok(unpacked
        .join("i386-windows/ntdll.dll")
        .is_file()
        .then_some(unpacked))
}

/// Fetches the package and unpacks it, without the system's lists of packages or its architectures being touched.
fn fetch(place: &Path) -> Result<()> {
    for directory in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(place.join(directory))?;
    }
    let apt = |words: &[&str]| {
        let mut apt = run::command("apt-get");
        apt.current_dir(place)
            .args(["-qq", "-o", "APT::Architecture=amd64"]);
        for one in ["amd64", "i386"] {
            apt.arg("-o").arg(format!("APT::Architectures::={one}"));
        }
        for (name, directory) in [("State::lists", "lists"), ("Cache", "cache")] {
            let directory = place.join(directory).display().to_string();
            apt.arg("-o").arg(format!("Dir::{name}={directory}"));
        }
        // Whoever is root downloads as another user, who may not write here.
        apt.args(["-o", "APT::Sandbox::User=root"]).args(words);
        apt.status().context("could not start apt-get")
    };
    // A list that is out of date at its source spoils the update, and not what is looked for.
    if !apt(&["update"])?.success() {
        report::line("windows: not every list of packages could be fetched");
    }
    if !apt(&["download", PACKAGE])?.success() {
        return Ok(());
    }
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "deb") {
            run::check(run::command("dpkg").arg("-x").arg(&path).arg(place))?;
            fs::remove_file(&path)?;
        }
    }
    let of_system = Path::new("/usr/lib/x86_64-linux-gnu/wine").join(UNIX);
    let beside = place.join(LIBRARIES).join(UNIX);
    run::check(run::command("ln").args(["-sfn"]).args([of_system, beside]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_of_a_program_is_read_from_its_head() {
        let mut program = vec![0; 0x48];
        program[0x3C] = 0x40;
        program[0x40..0x46].copy_from_slice(b"PE\0\0\x4C\x01");
        assert_eq!(machine(&program), Some(I386));
        program[0x41] = b'F';
        assert_eq!(machine(&program), None);
        assert_eq!(machine(&program[..0x3D]), None);
        program[0x3F] = 0xFF;
        assert_eq!(machine(&program), None);
    }
}
