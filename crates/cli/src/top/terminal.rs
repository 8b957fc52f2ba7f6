//! The terminal while the page is on it: given back as it was, whatever happens.

use std::io::{self, Stdout, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Position, Rect};

use super::layout::Size;

/// The terminal, with the page on it until this is dropped.
pub(super) struct Held {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    held: Arc<AtomicBool>,
    /// What is on it.
    drawn: Option<(Buffer, Option<Position>)>,
}

impl Held {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What keeps it from being drawn on; it is then as it was.
    pub(super) fn take() -> io::Result<Self> {
        let held = Arc::new(AtomicBool::new(true));
        restore_before_panic(Arc::clone(&held));
        let entered = enter().and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        match entered {
            Ok(terminal) => Ok(Self {
                terminal,
                held,
                drawn: None,
            }),
            Err(error) => {
                restore(&held);
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        Ok(Size {
            columns: size.width,
            rows: size.height,
        })
    }

    /// Draws; nothing is written where nothing is different.
    pub(super) fn draw(
        &mut self,
        size: Size,
        draw: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> io::Result<()> {
        let area = Rect::new(0, 0, size.columns, size.rows);
        let mut buffer = Buffer::empty(area);
        let cursor = draw(&mut buffer);
        let new = (buffer, cursor);
        if self.drawn.as_ref() == Some(&new) {
            return Ok(());
        }
        self.terminal.draw(|frame| {
            // The window may have another size by now; then it is drawn again at once.
            if frame.area() == new.0.area {
                frame.buffer_mut().clone_from(&new.0);
            }
            if let Some(at) = new.1 {
                frame.set_cursor_position(at);
            }
        })?;
        self.drawn = Some(new);
        Ok(())
    }

    /// Gives the terminal back while something else has it, and takes it again.
    pub(super) fn lend(&mut self, meanwhile: impl FnOnce()) -> io::Result<()> {
        give_back();
        meanwhile();
        enter()?;
        self.forget()
    }

    /// Forgets what is on the terminal, so that everything is drawn anew.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.drawn = None;
        let size = self.terminal.size()?;
        // `clear` would ask the terminal where its cursor is, and whoever reads keys would get the answer.
        self.terminal
            .resize(Rect::new(0, 0, size.width, size.height))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        restore(&self.held);
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)
}

fn give_back() {
    // A terminal that is gone needs nothing given back.
    drop(execute!(
        stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    ));
    drop(disable_raw_mode());
}

/// Gives the terminal back, once.
fn restore(held: &AtomicBool) {
    if held.swap(false, Ordering::SeqCst) {
        give_back();
    }
}

/// What a panic says is to be read on the terminal as it was before. Panics of other threads are told where they are caught.
fn restore_before_panic(held: Arc<AtomicBool>) {
    let drawing = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == drawing {
            restore(&held);
        }
        before(panic);
    }));
}
