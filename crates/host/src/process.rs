//! Recognises a process again by its number and its start.

/// When the process was started, in a unit of the system's own (Linux: clock ticks since the machine was started;
/// elsewhere: seconds since 1970). Absent when there is no such process, or when it has ended and waits to be reaped.
///
/// A process number is used again and again; together with the start it names one process of the time since the machine
/// was started.
#[must_use]
pub fn process_start_time(pid: u32) -> Option<u64> {
    crate::sys::start_time(pid)
}

/// Whether this very process still runs. Without a known start its number alone has to do.
#[must_use]
pub fn is_alive(pid: u32, start_time: Option<u64>) -> bool {
    match (process_start_time(pid), start_time) {
        (Some(now), Some(then)) => now == then,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Kills a handler that outlived its manager, with its process group; tells whether this very process was still there.
pub fn end_left_behind(pid: u32, start_time: u64) -> bool {
    process_start_time(pid) == Some(start_time) && crate::sys::kill_left_behind(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_no_other_of_its_number_is() {
        let pid = std::process::id();
        let start = process_start_time(pid);
        assert!(start.is_some_and(|start| start > 0));
        assert!(is_alive(pid, start));
        assert!(is_alive(pid, None));
        assert!(!is_alive(pid, start.map(|start| start + 1)));
        assert!(!is_alive(u32::MAX - 1, None));
    }
}
