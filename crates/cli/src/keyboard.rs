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

impl Keyboard for RealKeyboard {
    fn line(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        async {
            // Opened when the first question is asked: other commands leave standard input alone.
            let input = self
                .input
                .get_or_insert_with(|| BufReader::new(tokio::io::stdin()));
            let mut line = Vec::new();
            let read = input
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .await?;
            Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim().to_owned()))
        }
        .boxed()
    }

    fn interrupts(&self) -> BoxStream<'static, ()> {
        crate::sys::interrupts()
    }
}
