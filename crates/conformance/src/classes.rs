//! Which classes a shared library has: asks the adapter, out of this process.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use syncmgr_host::bare::Pipes;
use syncmgr_host::{Bare, ExitStatus, Spec};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How long the adapter may take to load the library and read its list.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of its output is read.
const MAX_BYTES: u64 = 1 << 20;
/// How much of its standard error is quoted.
const MAX_COMPLAINT: u64 = 1 << 10;

/// Answers the classes that a library names, without creating any.
///
/// # Errors
/// Why they cannot be told, as a fragment.
pub async fn classes(comhost: &Path, library: &Path) -> Result<Vec<String>, String> {
    let spec = Spec {
        instance: 0,
        program: comhost.to_owned(),
        args: vec!["--list".into(), library.into()],
        env: Vec::new(),
        cwd: None,
    };
    let asked = async {
        let (mut process, pipes) = Bare::start(spec).map_err(|error| error.to_string())?;
        let Pipes {
            input,
            output,
            stderr,
        } = pipes;
        drop(input);
        let (list, complaint) = tokio::join!(all(output, MAX_BYTES), all(stderr, MAX_COMPLAINT));
        match process.ended().await {
            ExitStatus::Code(0) => Ok(list),
            _ => Err(complaint.trim().to_owned()),
        }
    };
    let list = match tokio::time::timeout(LIMIT, asked).await {
        Ok(list) => list?,
        Err(_) => return Err("the library does not load in time".to_owned()),
    };
    let list: Value = serde_json::from_str(&list).map_err(|error| error.to_string())?;
    let list = list.as_array().ok_or("the list is none")?;
    let named = list.iter().filter_map(|class| class.get("class")?.as_str());
    Ok(named.map(str::to_owned).collect())
}

async fn all(from: Box<dyn AsyncRead + Send + Unpin>, limit: u64) -> String {
    let mut bytes = Vec::new();
    let mut bounded = from.take(limit);
    // What was read before a fault counts.
    drop(bounded.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}
