//! Connections between a manager and a handler: standard input and output, or memory for tests.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::contract::{MAX_FIRST_LINE_BYTES, MAX_LINE_BYTES};

/// How many bytes are read from standard input at once.
const READ_BUFFER: usize = 64 << 10;

/// How many bytes a memory connection holds in each direction; as much as a pipe of Linux.
const MEMORY_BYTES: usize = 64 << 10;

/// One end of a connection; the same code runs over a pipe and in a test.
pub struct Connection {
    reader: Box<dyn BufRead + Send>,
    writer: Box<dyn Write + Send>,
}

impl Connection {
    /// Joins what is read and what is written.
    pub fn new(reader: impl BufRead + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
        }
    }

    /// The standard input and output of this process. Nothing else may print there.
    #[must_use]
    pub fn stdio() -> Self {
        Self::new(
            BufReader::with_capacity(READ_BUFFER, io::stdin()),
            io::stdout(),
        )
    }

    /// Two ends joined in memory; dropping one is the end of input for the other.
    #[must_use]
    pub fn memory() -> (Self, Self) {
        let (there, here) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
        let end = |from: &Arc<Pipe>, to: &Arc<Pipe>| {
            Self::new(
                BufReader::new(PipeReader(Arc::clone(from))),
                PipeWriter(Arc::clone(to)),
            )
        };
        (end(&there, &here), end(&here, &there))
    }

    /// Separates the two directions, so that each can have its thread.
    #[must_use]
    pub fn split(self) -> (LineReader, Box<dyn Write + Send>) {
        let lines = LineReader {
            from: self.reader,
            line: Vec::new(),
            longest: MAX_FIRST_LINE_BYTES,
        };
        (lines, self.writer)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A line that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Reading failed.
    #[error("reading failed")]
    Read(#[from] io::Error),
    /// It is longer than [`MAX_LINE_BYTES`], or as the first one than [`MAX_FIRST_LINE_BYTES`]; what follows it is not read.
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
    /// It is not UTF-8.
    #[error("a line is not UTF-8")]
    Encoding,
}

/// Reads lines of bounded length.
pub struct LineReader {
    from: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    /// How long the next line may be.
    longest: usize,
}

impl LineReader {
    /// Waits for the next line and gives it without its line feed; `None` at the end of input. Text after the last line
    /// feed is half a message and is not given.
    ///
    /// # Errors
    /// [`LineError`]; after [`LineError::TooLong`] the connection is of no further use.
    pub fn next_line(&mut self) -> Result<Option<&str>, LineError> {
        self.line.clear();
        self.line.shrink_to(MAX_LINE_BYTES);
        loop {
            let available = match self.from.fill_buf() {
                Ok(bytes) => bytes,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause.into()),
            };
            if available.is_empty() {
                return Ok(None);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = end.unwrap_or(available.len());
            if self.line.len() + part > self.longest {
                return Err(LineError::TooLong(self.longest));
            }
            self.line.extend_from_slice(&available[..part]);
            self.from.consume(end.map_or(part, |at| at + 1));
            if end.is_some() {
                break;
            }
        }
        if self.longest > MAX_LINE_BYTES {
            // Only `initialize` has so much to say; what it needed is given back with the next line.
            self.longest = MAX_LINE_BYTES;
        }
        std::str::from_utf8(&self.line)
            .map(Some)
            .map_err(|_| LineError::Encoding)
    }
}

impl fmt::Debug for LineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader").finish_non_exhaustive()
    }
}

/// Enters a lock also after a panic of another holder: what it protects here is consistent between statements.
pub(crate) fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Pipe {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Pipe {
    fn close(&self) {
        enter(&self.held).closed = true;
        self.changed.notify_all();
    }

    fn wait_while<'a>(&'a self, blocked: impl Fn(&Held) -> bool) -> MutexGuard<'a, Held> {
        self.changed
            .wait_while(enter(&self.held), |held| !held.closed && blocked(held))
            .unwrap_or_else(PoisonError::into_inner)
    }
}

struct PipeReader(Arc<Pipe>);

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut held = self.0.wait_while(|held| held.bytes.is_empty());
        let count = held.bytes.read(into)?;
        drop(held);
        self.0.changed.notify_all();
        Ok(count)
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct PipeWriter(Arc<Pipe>);

impl Write for PipeWriter {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut held = self.0.wait_while(|held| held.bytes.len() >= MEMORY_BYTES);
        if held.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = from.len().min(MEMORY_BYTES - held.bytes.len());
        held.bytes.extend(&from[..count]);
        drop(held);
        self.0.changed.notify_all();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<String> {
        let (mut reader, _) = Connection::new(io::Cursor::new(input.to_vec()), io::sink()).split();
        let mut seen = Vec::new();
        loop {
            match reader.next_line() {
                Ok(Some(line)) => seen.push(format!("{} bytes: {:.8}", line.len(), line)),
                Ok(None) => break,
                Err(error) => {
                    seen.push(error.to_string());
                    if matches!(error, LineError::TooLong(_)) {
                        break;
                    }
                }
            }
        }
        seen
    }

    #[test]
    fn lines_are_bounded_and_utf8() {
        assert_eq!(
            lines(b"a\n\nbc\nhalf"),
            ["1 bytes: a", "0 bytes: ", "2 bytes: bc"]
        );
        assert_eq!(lines(b"\xff\nb\n"), ["a line is not UTF-8", "1 bytes: b"]);
        // M-38: the first line may carry a large cookie, and no other.
        let line = |bytes: usize| [&vec![b'x'; bytes][..], b"\n"].concat();
        let (first, later) = (line(MAX_FIRST_LINE_BYTES), line(MAX_LINE_BYTES));
        assert_eq!(
            lines(&[first, later].concat()),
            ["2097152 bytes: xxxxxxxx", "1048576 bytes: xxxxxxxx"]
        );
        assert_eq!(
            lines(&line(MAX_FIRST_LINE_BYTES + 1)),
            ["a line is longer than 2097152 bytes"]
        );
        let later = [b"a\n".to_vec(), line(MAX_LINE_BYTES + 1)].concat();
        assert_eq!(
            lines(&later),
            ["1 bytes: a", "a line is longer than 1048576 bytes"]
        );
    }

    #[test]
    fn memory_carries_more_than_it_holds_and_ends() {
        let (here, there) = Connection::memory();
        let (_reader, mut writer) = here.split();
        let sender = std::thread::spawn(move || {
            for number in 0..50_000 {
                writeln!(writer, "{number}").unwrap();
            }
        });
        let (mut reader, other) = there.split();
        let mut count = 0;
        while let Some(line) = reader.next_line().unwrap() {
            assert_eq!(line, count.to_string());
            count += 1;
        }
        assert_eq!(count, 50_000);
        sender.join().unwrap();
        drop((reader, other));
    }
}
