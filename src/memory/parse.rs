//! A note from the text of its file.

use std::iter::Peekable;
use std::str::Split;

use jiff::civil::Date;

use super::render::{BRIEF, FENCE, FILES, INDENT, PASSED, PATH, SCHEMA, VALIDATION};
use super::text::read;
use super::{Entry, File, Kind, Note, Outcome, Source, Standing, Step};
use crate::error::Refusal;

impl Note {
    /// Reads what [`Note::render`] wrote.
    ///
    /// # Errors
    /// A refusal that names the line, or the newer version, for what is no note.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut lines = Lines::of(text);
        let mut note = head(&mut lines)?;
        lines.skip_empty();
        let subject = lines.take_after("# ");
        note.subject = subject.map(read).ok_or_else(|| lines.flaw("`# `"))?.into();
        while let Some(heading) = lines.next_heading() {
            match heading {
                BRIEF => note.brief = Some(lines.block()?),
                FILES => note.files = lines.files()?,
                VALIDATION => note.steps = lines.steps()?,
                _ => {
                    let is_it = |kind: &Kind| heading.strip_prefix("## ") == Some(kind.heading());
                    let kind = Kind::ALL.into_iter().find(is_it);
                    let kind = kind.ok_or_else(|| lines.flaw("a heading of a note"))?;
                    while let Some(entry) = lines.entry(kind)? {
                        note.entries.push(entry);
                    }
                }
            }
        }
        lines.skip_empty();
        if lines.peek().is_some() {
            lines.number += 1;
            return Err(lines.flaw("a heading, or nothing more"));
        }
        note.entries.sort_by_key(|entry| entry.kind);
        Ok(note)
    }
}

fn head(lines: &mut Lines) -> Result<Note, Refusal> {
    lines.require(FENCE)?;
    let schema = lines.field("wt-note")?;
    if schema.parse::<u32>().is_ok_and(|found| found > SCHEMA) {
        let what = format!("the note is of version {schema}; this wt knows version {SCHEMA}");
        return Err(Refusal::refused(what).hint("use the newer wt that wrote it"));
    }
    let mut note = Note {
        task: lines.field("task")?,
        spawned: lines.parsed("spawned", |text| text.parse().ok())?,
        date: lines.parsed("date", |text| text.parse::<Date>().ok())?,
        outcome: lines.parsed("outcome", |text| {
            let mut all = Outcome::ALL.into_iter();
            all.find(|outcome| outcome.word() == text)
        })?,
        target: lines.field("target")?,
        runs: lines.parsed("runs", |text| text.parse().ok())?,
        changed: lines.parsed("changed", |text| text.parse().ok())?,
        receipt: lines.find_field("receipt"),
        subject: String::new(),
        brief: None,
        files: Vec::new(),
        steps: Vec::new(),
        entries: Vec::new(),
        standing: Standing::default(),
    };
    note.standing = Standing {
        commit: lines.find_field("commit"),
        unverified: lines.find_field("unverified").is_some(),
        edited: lines.find_field("edited").is_some(),
        approved_by: lines.find_field("approved-by"),
        superseded_by: lines.find_field("superseded-by"),
    };
    lines.require(FENCE)?;
    Ok(note)
}

/// The lines of a note that are still to be read.
struct Lines<'t> {
    rest: Peekable<Split<'t, char>>,
    /// Of the line that was read last, counted from 1.
    number: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            rest: text
                .strip_suffix('\n')
                .unwrap_or(text)
                .split('\n')
                .peekable(),
            number: 0,
        }
    }

    fn peek(&mut self) -> Option<&'t str> {
        self.rest.peek().copied()
    }

    fn take(&mut self) -> Option<&'t str> {
        self.number += 1;
        self.rest.next()
    }

    /// The rest of the next line, if it begins so.
    fn take_after(&mut self, begin: &str) -> Option<&'t str> {
        let rest = self.peek()?.strip_prefix(begin)?;
        self.take();
        Some(rest)
    }

    fn skip_empty(&mut self) {
        while self.peek() == Some("") {
            self.take();
        }
    }

    fn flaw(&self, wanted: &str) -> Refusal {
        let what = format!("line {} of the note is not {wanted}", self.number.max(1));
        Refusal::refused(what).hint("the form of a note: wt note show")
    }

    fn require(&mut self, wanted: &str) -> Result<(), Refusal> {
        if self.take() == Some(wanted) {
            return Ok(());
        }
        Err(self.flaw(&format!("`{wanted}`")))
    }

    fn find_field(&mut self, name: &str) -> Option<String> {
        let value = self.take_after(&format!("{name}: "))?;
        Some(read(value).to_owned())
    }

    fn field(&mut self, name: &str) -> Result<String, Refusal> {
        let found = self.find_field(name);
        found.ok_or_else(|| {
            self.number += 1;
            self.flaw(&format!("`{name}: …`"))
        })
    }

    fn parsed<T>(&mut self, name: &str, mean: impl Fn(&str) -> Option<T>) -> Result<T, Refusal> {
        let text = self.field(name)?;
        mean(&text).ok_or_else(|| self.flaw(&format!("a valid `{name}`")))
    }

    fn next_heading(&mut self) -> Option<&'t str> {
        self.skip_empty();
        let heading = self.peek().filter(|line| line.starts_with("## "))?;
        self.take();
        self.skip_empty();
        Some(heading)
    }

    fn block(&mut self) -> Result<String, Refusal> {
        let mut lines = Vec::new();
        while let Some(line) = self.take_after(INDENT) {
            lines.push(read(line));
        }
        if lines.is_empty() {
            self.number += 1;
            return Err(self.flaw("an indented line"));
        }
        Ok(lines.join("\n"))
    }

    fn files(&mut self) -> Result<Vec<File>, Refusal> {
        let mut files = Vec::new();
        while let Some(line) = self.take_after("- ") {
            let mut characters = line.chars();
            let status = characters.next().filter(char::is_ascii_uppercase);
            let path = characters.as_str().strip_prefix(' ').map(read);
            let (status, path) = status
                .zip(path)
                .ok_or_else(|| self.flaw("a file, e.g. `- M src/a.rs`"))?;
            let path = path.to_owned();
            files.push(File { status, path });
        }
        Ok(files)
    }

    fn steps(&mut self) -> Result<Vec<Step>, Refusal> {
        let mut steps = Vec::new();
        while let Some(line) = self.take_after("- ") {
            let step = step(line);
            steps.push(step.ok_or_else(|| self.flaw("a step, e.g. `- passed 1200 ms: test`"))?);
        }
        Ok(steps)
    }

    fn entry(&mut self, kind: Kind) -> Result<Option<Entry>, Refusal> {
        let Some(line) = self.take_after("- ") else {
            return Ok(None);
        };
        let said = Source::ALL.into_iter().find_map(|source| {
            let rest = line.strip_prefix('(')?.strip_prefix(source.word())?;
            let rest = rest.strip_prefix(") ")?;
            Some((source, read(rest)))
        });
        let (source, first) = said.ok_or_else(|| self.flaw("`- (fact) …` or `- (agent) …`"))?;
        let mut text = first.to_owned();
        while let Some(line) = self.take_after(INDENT) {
            text.push('\n');
            text.push_str(read(line));
        }
        let mut paths = Vec::new();
        while let Some(path) = self.take_after(PATH) {
            paths.push(read(path).to_owned());
        }
        Ok(Some(Entry {
            kind,
            source,
            text,
            paths,
        }))
    }
}

fn step(line: &str) -> Option<Step> {
    let (ended, rest) = line.split_once(' ')?;
    let (took, name) = rest.split_once(" ms: ")?;
    Some(Step {
        name: read(name).to_owned(),
        failure: (ended != PASSED).then(|| ended.to_owned()),
        milliseconds: took.parse().ok()?,
    })
}
