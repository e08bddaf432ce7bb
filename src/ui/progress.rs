//! The line that shows that something longer is under way.

use std::io;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike, WeakProgressBar};

use super::printable;
use super::table::cut_in_the_middle;

/// What a progress line has besides its message: the spinner and the time.
const BESIDES: usize = 8;
/// How often it is drawn at the most, in a second.
const DRAWN: u8 = 20;
/// What a terminal shows where Ctrl-C is pressed.
const ECHO: &str = "^C";

/// A progress line, of this terminal; it is wiped when dropped.
pub(crate) struct Progress(ProgressBar, Term);

impl Progress {
    /// One that nobody sees.
    pub(super) fn hidden(term: &Term) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self(bar, term.clone())
    }

    pub(super) fn begin(term: &Term, message: &str) -> Self {
        let narrow = Box::new(Narrow(Term::buffered_stderr()));
        let target = ProgressDrawTarget::term_like_with_hz(narrow, DRAWN);
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let progress = Self(bar, term.clone());
        progress.set(message);
        progress.0.enable_steady_tick(Duration::from_millis(120));
        progress
    }

    pub(crate) fn set(&self, message: &str) {
        let width = usize::from(self.1.size().1).saturating_sub(BESIDES + ECHO.len());
        // What is waited for stands at its beginning, for whom at its end.
        self.0
            .set_message(cut_in_the_middle(&printable(message), width));
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.0.downgrade())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Finds a progress line again while it lasts.
pub(super) struct Mark(WeakProgressBar);

impl Mark {
    /// Wipes the line for good, if it is there.
    pub(super) fn wipe(self) {
        if let Some(bar) = self.0.upgrade() {
            bar.finish_and_clear();
        }
    }

    /// Does something while the line is not there.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        match self.0.upgrade() {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }
}

/// A terminal that looks narrower than it is. A line is filled to its end; what the terminal shows of Ctrl-C must find
/// room behind it, or it begins another line and the first one can't be wiped any more.
#[derive(Debug)]
struct Narrow(Term);

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        let echo = u16::try_from(ECHO.len()).unwrap_or_default();
        self.0.width().saturating_sub(echo).max(1)
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.0.write_line(s)
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.0.write_str(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
