//! What a living process costs, as the kernel of Linux tells it in `/proc`.

use std::fs;

use anyhow::{Context as _, Result};

/// Processor time is counted by the kernel in this many parts of a second (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// Processor time of a process so far, in milliseconds (`proc_pid_stat(5)`, fields 14 and 15).
pub(super) fn busy_ms(process: u32) -> Result<f64> {
    times_ms(process, OWN)
}

/// Processor time of a process so far and of all its children that ended and that it waited for, with theirs, in
/// milliseconds (fields 14 to 17).
pub(super) fn children_busy_ms(process: u32) -> Result<f64> {
    times_ms(process, OWN + CHILDREN)
}

/// User and system time of the process itself.
const OWN: usize = 2;
/// Those of its children.
const CHILDREN: usize = 2;

fn times_ms(process: u32, count: usize) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))
        .context("processor time is measured on Linux only")?;
    let ticks = ticks(&stat, count).context("no times in /proc")?;
    Ok(as_f64(ticks) * 1_000.0 / TICKS_PER_S)
}

/// Its resident memory now, in KiB.
pub(super) fn resident_kib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .context("memory is measured on Linux only")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.map(as_f64).context("no VmRSS in /proc")
}

/// The sum of the first times.
fn ticks(stat: &str, count: usize) -> Option<u64> {
    // The name may hold blanks; it ends with the last bracket, and the fields after it begin with the third.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    (0..count).map(|_| fields.next()?.parse::<u64>().ok()).sum()
}

/// A count as a number that can be divided.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts, ticks and kibibytes are far below what a double holds exactly"
)]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 31 11 4 3 20";
        assert_eq!(ticks(stat, OWN), Some(42));
        assert_eq!(ticks(stat, OWN + CHILDREN), Some(49));
        assert_eq!(ticks("12 (a) S", OWN), None);
    }
}
