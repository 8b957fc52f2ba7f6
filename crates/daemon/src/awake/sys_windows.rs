//! Windows: the execution state of a thread (`SetThreadExecutionState`), which ends with the thread.
#![expect(unsafe_code, reason = "the execution state is a call of the system")]

use std::sync::mpsc::{Sender, channel};

use windows_sys::Win32::System::Power::{
    ES_CONTINUOUS, ES_SYSTEM_REQUIRED, SetThreadExecutionState,
};

/// What keeps the machine awake: the thread that asked for it ends when this is dropped.
pub(super) type Held = Sender<()>;

/// Keeps the machine from sleeping by itself.
#[expect(
    clippy::unused_async,
    reason = "other systems have to wait for an answer"
)]
pub(super) async fn keep_awake(_: &str) -> Result<Held, String> {
    let (held, let_go) = channel::<()>();
    std::thread::Builder::new()
        .name("awake".to_owned())
        .spawn(move || {
            // SAFETY: it takes flags only, and concerns the calling thread alone.
            unsafe { SetThreadExecutionState(ES_CONTINUOUS | ES_SYSTEM_REQUIRED) };
            // It is only ever dropped, never sent.
            while let_go.recv().is_ok() {}
            // SAFETY: as above.
            unsafe { SetThreadExecutionState(ES_CONTINUOUS) };
        })
        .map_err(|error| error.to_string())?;
    Ok(held)
}
