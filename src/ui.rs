//! Every byte that reaches the terminal: data to standard output, narration to standard error.

mod progress;
mod table;

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use console::{Style, Term};
use serde::Serialize;

use crate::error::Refusal;
use progress::Mark;
pub(crate) use progress::Progress;
use table::layout;

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` or `CLICOLOR=0` says otherwise.
    #[default]
    Auto,
    Always,
    Never,
}

/// The two streams of a command.
pub(crate) struct Ui {
    out: Term,
    err: Term,
    lost: Mutex<Option<std::io::Error>>,
    /// The progress line that may stand on the terminal.
    shown: Mutex<Option<Mark>>,
    /// What is to be said once the command is over, where it may not wait for its reader.
    held: Option<Mutex<Held>>,
}

/// What was said, in its order.
type Held = Vec<(Stream, Vec<u8>)>;

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

impl Ui {
    pub(crate) fn new(color: Color) -> Self {
        match color {
            // `console` itself honours NO_COLOR, CLICOLOR and CLICOLOR_FORCE.
            Color::Auto => {}
            Color::Always | Color::Never => {
                console::set_colors_enabled(color == Color::Always);
                console::set_colors_enabled_stderr(color == Color::Always);
            }
        }
        Self {
            out: Term::stdout(),
            err: Term::stderr(),
            lost: Mutex::default(),
            shown: Mutex::default(),
            held: None,
        }
    }

    /// Says everything at the end alone: a reader that stands still must not hold up a command that has a lock.
    #[must_use]
    pub(crate) fn held_back(self) -> Self {
        Self {
            held: Some(Mutex::default()),
            ..self
        }
    }

    /// Whether a person reads standard error as it is written.
    pub(crate) fn is_interactive(&self) -> bool {
        self.held.is_none() && self.err.is_term()
    }

    /// Whether a person sits at both standard input and standard error.
    pub(crate) fn has_operator(&self) -> bool {
        use std::io::IsTerminal as _;
        std::io::stdin().is_terminal() && self.err.is_term()
    }

    /// Data: one or more lines on standard output.
    pub(crate) fn out(&self, text: &str) {
        let mut line = text.to_owned();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.raw(line.as_bytes());
    }

    /// Data without a line end added, for scripts that are to be evaluated or saved. A reader that went away is no
    /// fault; any other loss is remembered.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        if !self.hold(Stream::Out, bytes) {
            self.write_out(bytes);
        }
    }

    fn write_out(&self, bytes: &[u8]) {
        let written = self.beside_progress(|| {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        });
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// Keeps something for the end, where that is how it is said.
    fn hold(&self, stream: Stream, bytes: &[u8]) -> bool {
        let Some(held) = &self.held else {
            return false;
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push((stream, bytes.to_owned()));
        true
    }

    fn line(&self, line: &str) {
        if !self.hold(Stream::Err, format!("{line}\n").as_bytes()) {
            let _ = self.beside_progress(|| self.err.write_line(line));
        }
    }

    /// Writes something while no progress line stands on the terminal.
    fn beside_progress<T>(&self, write: impl FnOnce() -> T) -> T {
        self.shown(|shown| match shown {
            Some(mark) => mark.suspend(write),
            None => write(),
        })
    }

    fn shown<T>(&self, then: impl FnOnce(&mut Option<Mark>) -> T) -> T {
        then(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says what was held back.
    pub(crate) fn release(&self) {
        let Some(held) = &self.held else {
            return;
        };
        let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
        for (stream, bytes) in held {
            match stream {
                Stream::Out => self.write_out(&bytes),
                Stream::Err => {
                    let _ = std::io::stderr().write_all(&bytes);
                }
            }
        }
    }

    /// The end of a command that went well: says what was held back.
    ///
    /// # Errors
    /// Where data was lost on its way to standard output.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        self.release();
        match self
            .lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(error) => Err(error).context("can't write to standard output"),
            None => Ok(()),
        }
    }

    /// Data for programs: one JSON value on standard output.
    pub(crate) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.out(&serde_json::to_string_pretty(value)?);
        Ok(())
    }

    /// Narration: a line on standard error.
    pub(crate) fn say(&self, text: &str) {
        self.line(&printable(text));
    }

    /// Something that the person should know, though the command goes on.
    pub(crate) fn warn(&self, text: &str) {
        let label = Style::new()
            .for_stderr()
            .yellow()
            .bold()
            .apply_to("warning:");
        self.line(&format!("{label} {}", printable(text)));
    }

    /// What to do next, under a narration or an error.
    pub(crate) fn hint(&self, text: &str) {
        let label = Style::new().for_stderr().cyan().apply_to("hint:");
        self.line(&format!("{label} {}", printable(text)));
    }

    /// The one printer of errors.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let label = Style::new().for_stderr().red().bold().apply_to("error:");
        self.line(&format!("{label} {}", printable(&format!("{error:#}"))));
        if let Some(hint) = error
            .downcast_ref::<Refusal>()
            .and_then(|r| r.hint.as_deref())
        {
            self.hint(hint);
        }
    }

    /// A table on standard output. Where the terminal is too narrow the columns named in `spare` are left out, one
    /// by one, and then the widest are cut: the first column, of names, in the middle.
    pub(crate) fn table(&self, header: &[&str], rows: &[Vec<String>], spare: &[&str]) {
        let width = self.out.is_term().then(|| usize::from(self.out.size().1));
        self.out(&layout(header, rows, spare, width));
    }

    /// A line that shows that something longer is under way; silent off a terminal.
    pub(crate) fn progress(&self, message: &str) -> Progress {
        if !self.is_interactive() {
            return Progress::hidden(&self.err);
        }
        self.shown(|shown| {
            // There is room for one: the newer takes the place of the older.
            if let Some(older) = shown.take() {
                older.wipe();
            }
            let progress = Progress::begin(&self.err, message);
            *shown = Some(progress.mark());
            progress
        })
    }
}

/// `text` without what could steer a terminal: an agent's words must not move the cursor.
pub(crate) fn printable(text: &str) -> String {
    crate::failure::plain(text.as_bytes())
}

/// A duration as people say it: `40s`, `12m`, `3h 5m`, `2d 4h`.
pub(crate) fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d {hours}h")
    } else if hours > 0 {
        format!("{hours}h {minutes}m")
    } else if minutes > 0 {
        format!("{minutes}m")
    } else {
        format!("{seconds}s")
    }
}

/// A size on a disk as people say it, rounded up to whole kilobytes: `12 KB`, `340 MB`, `1.2 GB`.
pub(crate) fn size(bytes: u64) -> String {
    let thousands = bytes.div_ceil(1_000);
    let (whole, tenth) = (thousands / 1_000_000, thousands / 100_000 % 10);
    match thousands {
        0..1_000 => format!("{thousands} KB"),
        1_000..1_000_000 => format!("{} MB", thousands / 1_000),
        _ => format!("{whole}.{tenth} GB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_say_them() {
        assert_eq!(size(0), "0 KB");
        assert_eq!(size(1), "1 KB");
        assert_eq!(size(340_999_000), "340 MB");
        assert_eq!(size(12_070_000_000), "12.0 GB");
    }

    #[test]
    fn ages_read_as_people_say_them() {
        assert_eq!(age(-5), "0s");
        assert_eq!(age(59), "59s");
        assert_eq!(age(3_700), "1h 1m");
        assert_eq!(age(200_000), "2d 7h");
    }
}
