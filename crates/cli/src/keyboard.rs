//! The real person at the real terminal.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Stdin};

use crate::world::Keyboard;

/// Longest line that is taken from the person.
const MAX_LINE_BYTES: u64 = 4 * 1024;

/// Standard input and Ctrl-C.
#[derive(Debug, Default)]
pub struct RealKeyboard {
    input: Option<BufReader<Stdin>>,
}

impl RealKeyboard {
    /// A line with the blanks around it, which belong to a secret.
    async fn whole_line(&mut self) -> std::io::Result<Option<String>> {
        // Opened when the first question is asked: other commands leave standard input alone.
        let input = self
            .input
            .get_or_insert_with(|| BufReader::new(tokio::io::stdin()));
        let mut line = Vec::new();
        let read = input
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .await?;
        let text = String::from_utf8_lossy(&line);
        Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Keyboard for RealKeyboard {
    fn line(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        async {
            let line = self.whole_line().await?;
            Ok(line.map(|line| line.trim().to_owned()))
        }
        .boxed()
    }

    fn secret(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        async {
            // Shown again however the wait ends.
            let _hidden = crate::sys::Hidden::begin()?;
            self.whole_line().await
        }
        .boxed()
    }

    fn interrupts(&self) -> BoxStream<'static, ()> {
        crate::sys::interrupts()
    }
}
