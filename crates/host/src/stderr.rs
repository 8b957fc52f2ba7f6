//! The end of what a handler wrote to standard error.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::handle::Shared;

/// How much of it is kept.
const TAIL_BYTES: usize = 64 << 10;

/// How much is read at once.
const CHUNK_BYTES: usize = 8 << 10;

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        // Cut only now and then, so that each byte is moved at most once more.
        if self.0.len() >= 2 * TAIL_BYTES {
            self.0.drain(..self.0.len() - TAIL_BYTES);
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut from = self.0.len().saturating_sub(TAIL_BYTES);
        if from > 0 || self.0.len() >= TAIL_BYTES {
            // Do not begin in the middle of a letter.
            let letter = self.0[from..].iter().take(4);
            from += letter.take_while(|byte| **byte & 0xC0 == 0x80).count();
        }
        String::from_utf8_lossy(&self.0[from..]).into_owned()
    }
}

/// Keeps the end of the stream until it is over.
pub(crate) async fn keep(mut from: impl AsyncRead + Unpin, shared: &Shared) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                shared.heard(count);
                shared.stderr().push(&chunk[..count]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept_and_it_is_text() {
        let mut tail = Tail::default();
        tail.push(b"\x80begin\xff");
        assert_eq!(tail.text(), "\u{fffd}begin\u{fffd}");
        for _ in 0..100_000 {
            tail.push("é".as_bytes());
        }
        tail.push(b"x");
        assert!(tail.0.len() < 2 * TAIL_BYTES);
        let text = tail.text();
        assert!(text.len() <= TAIL_BYTES && text.len() > TAIL_BYTES - 4);
        assert!(text.starts_with('é') && text.ends_with("éx"));
    }
}
