//! The mark in the notification area, and where it finds the manager.

use std::sync::Arc;

use futures::FutureExt as _;
use syncmgr_control::client::Client;
use syncmgr_control::{Caller, ExitCode, Refusal, Service};
use syncmgr_daemon::place::{Environment, Places};
use syncmgr_tray::Reach;

/// Shows the mark until it is taken away. It never becomes the manager itself.
///
/// # Errors
/// Whatever keeps it from being shown.
pub(crate) fn show(environment: &Environment, user: &str) -> Result<ExitCode, Refusal> {
    let socket = Places::find(environment)?.socket();
    let reach: Reach = Arc::new(move || {
        let socket = socket.clone();
        async move {
            let client = Client::connect(socket).await?;
            Ok(Arc::new(client) as Arc<dyn Service>)
        }
        .boxed()
    });
    let caller = Caller {
        name: format!("{user} in the notification area"),
    };
    let browse = crate::world::browser();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let mut refusal = Refusal::new(
                "tray::absent",
                "the mark cannot be shown",
                "end other programs, and try again",
            );
            refusal.causes.push(error.to_string());
            refusal
        })?;
    runtime.block_on(syncmgr_tray::run(reach, caller, browse))?;
    Ok(ExitCode::Good)
}
