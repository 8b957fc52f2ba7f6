//! The golden traces of `mobsync` appendix A, between the real manager and a recording handler, over every transport.
//!
//! What happens is data, in `traces.toml`; the table below gives each trace a test for each transport.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::needless_update,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking, and waits for what another process writes"
)]

mod recorder;
mod scenario;
mod stage;
mod trace;

use stage::{Transport, play};

macro_rules! golden {
    ($($id:literal: $memory:ident $stdio:ident $library:ident $wine:ident;)*) => {$(
        #[test]
        fn $memory() {
            play($id, Transport::Memory);
        }

        #[test]
        fn $stdio() {
            play($id, Transport::Stdio);
        }

        #[cfg(not(windows))]
        #[test]
        #[ignore = "needs a C++ compiler: cargo xtask suite com"]
        fn $library() {
            play($id, Transport::Library);
        }

        #[cfg(windows)]
        #[test]
        #[ignore = "needs Wine: cargo xtask suite windows"]
        fn $wine() {
            play($id, Transport::Library);
        }
    )*};
}

golden! {
    // The recorder writes down every call, its thread where it is not that of the first, and what is never to be called:
    // M-12, M-42, M-49, M-61, M-62
    // M-31 to M-34, M-37, M-47, M-48, M-51, M-64, M-65, M-69, M-70, M-73, M-79, M-80, M-88, M-90, M-91
    "G-01": g_01_manual_memory g_01_manual_stdio g_01_manual_library g_01_manual_wine;
    // M-13, M-14, M-74, M-81
    "G-02": g_02_inside_memory g_02_inside_stdio g_02_inside_library g_02_inside_wine;
    // M-39
    "G-03": g_03_not_for_me_memory g_03_not_for_me_stdio g_03_not_for_me_library g_03_not_for_me_wine;
    // M-68, M-172
    "G-04": g_04_unticked_memory g_04_unticked_stdio g_04_unticked_library g_04_unticked_wine;
    // M-71, M-75
    "G-05": g_05_prepare_fails_memory g_05_prepare_fails_stdio g_05_prepare_fails_library g_05_prepare_fails_wine;
    // M-82
    "G-06": g_06_no_completion_memory g_06_no_completion_stdio g_06_no_completion_library g_06_no_completion_wine;
    // M-90, M-92, M-104, M-105, M-107
    "G-07": g_07_skip_memory g_07_skip_stdio g_07_skip_library g_07_skip_wine;
    // M-105, M-106
    "G-08": g_08_skip_inside_memory g_08_skip_inside_stdio g_08_skip_inside_library g_08_skip_inside_wine;
    // M-09, M-93, M-104, M-109
    "G-09": g_09_stop_memory g_09_stop_stdio g_09_stop_library g_09_stop_wine;
    // M-77, M-85, M-112, M-114, M-117
    "G-10": g_10_two_dialogs_memory g_10_two_dialogs_stdio g_10_two_dialogs_library g_10_two_dialogs_wine;
    // M-34, M-35, M-76, M-113
    "G-11": g_11_idle_memory g_11_idle_stdio g_11_idle_library g_11_idle_wine;
    // M-63, M-115, M-120, M-124, M-125, M-126, M-127, M-128, M-129, M-130, M-131
    "G-12": g_12_retry_memory g_12_retry_stdio g_12_retry_library g_12_retry_wine;
    // M-137, M-140
    "G-13": g_13_properties_memory g_13_properties_stdio g_13_properties_library g_13_properties_wine;
    // M-38, M-148, M-149, M-152
    "G-14": g_14_invoke_memory g_14_invoke_stdio g_14_invoke_library g_14_invoke_wine;
    // M-36, M-166
    "G-15": g_15_settings_memory g_15_settings_stdio g_15_settings_library g_15_settings_wine;
    // M-10, M-11
    "G-16": g_16_raw_worker_memory g_16_raw_worker_stdio g_16_raw_worker_library g_16_raw_worker_wine;
    // M-83
    "G-17": g_17_completes_twice_memory g_17_completes_twice_stdio g_17_completes_twice_library g_17_completes_twice_wine;
    // M-67
    "G-18": g_18_late_worker_memory g_18_late_worker_stdio g_18_late_worker_library g_18_late_worker_wine;
    // M-112, M-117
    "logon": logon_windows_memory logon_windows_stdio logon_windows_library logon_windows_wine;
}
