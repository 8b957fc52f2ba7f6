//! Hears a program and does nothing with it: what that costs is measured by `cargo xtask bench wrap`.
//!
//! `hear RUNS PROGRAM...` carries the program out so often, one run after the other, and prints lines, bytes, how long the runs
//! took in milliseconds, and the most memory that this process had in KiB.

use std::io::Write as _;

use syncmgr_tools::process::{ExitOf, Heard, Limits, Program, Reply, Tail, adopt_orphans, perform};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let runs: u32 = words.next().ok_or("how many runs?")?.parse()?;
    let program = Program {
        argv: words.collect(),
        ..Program::default()
    };
    adopt_orphans()?;
    let (mut lines, mut bytes, mut lasted_ms) = (0_u64, 0_u64, 0.0);
    for _ in 0..runs {
        let begun = now();
        let ended = perform(
            &program,
            &Limits::default(),
            &mut Tail::new(),
            &mut |heard| {
                if let Heard::Line { text, .. } = heard {
                    lines += 1;
                    bytes += text.len() as u64 + 1;
                }
                Reply::Go
            },
        )?;
        if ended.exit != ExitOf::Code(0) || !ended.left_behind.is_empty() {
            return Err(format!("it did not end well: {ended:?}").into());
        }
        lasted_ms += now().duration_since(begun).as_secs_f64() * 1_000.0;
    }
    let peak_kib = peak_kib().ok_or("memory is told on Linux only")?;
    writeln!(std::io::stdout(), "{lines} {bytes} {lasted_ms} {peak_kib}")?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is measured how long runs take"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
