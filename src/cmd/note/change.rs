//! `wt note edit`, `supersede` and `approve`: what a person does with the notes of tasks that ended.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::json;

use crate::error::{Code, Refusal};
use crate::input;
use crate::memory::{self, line};
use crate::operator;
use crate::remember::{self, Known};
use crate::workspace::Workspace;

/// Put another text in the place of a note: print it, change it, hand it back
#[derive(Args)]
pub(super) struct Edit {
    /// The note, or the task that it is of
    note: String,
    /// File with the whole note as it is to be (- for standard input)
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Mark a note as one that no longer holds: it is recalled last
#[derive(Args)]
#[command(group(ArgGroup::new("reason").required(true)))]
pub(super) struct Supersede {
    /// The note, or the task that it is of
    note: String,
    /// The note that holds in its place, or the task that it is of
    #[arg(long, value_name = "NOTE", group = "reason")]
    by: Option<String>,
    /// Why it does not hold, where no note says so
    #[arg(long, value_name = "TEXT", group = "reason")]
    because: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Let what the agent said be recalled of a task that has not landed (operator)
#[derive(Args)]
pub(super) struct Approve {
    /// The note, or the task that it is of
    note: String,
    /// Who says so, where there is no terminal
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Edit {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let known = remember::find(ws, &self.note)?;
        let text = if self.file.as_os_str() == "-" {
            let bytes = input::piped_bytes()?.unwrap_or_default();
            memory::take_in(&bytes)
        } else {
            let text = input::text(ws.ctx, None, Some(&self.file))?.unwrap_or_default();
            memory::take_in(text.as_bytes())
        };
        if text.trim().is_empty() {
            let hint = format!(
                "print it, change it, hand it back: wt note show {0} > FILE; wt note edit {0} --file FILE",
                known.name
            );
            return Err(Refusal::usage("there is no text of a note")
                .hint(hint)
                .into());
        }
        let new = known.note.edited(memory::Note::parse(&text)?)?;
        if new == known.note {
            return tell(ws, &known, "as it was", self.json);
        }
        remember::change(ws, &known, &new)?;
        tell(ws, &known, "edited", self.json)
    }
}

impl Supersede {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let known = remember::find(ws, &self.note)?;
        let by = match (&self.by, &self.because) {
            (Some(by), _) => remember::find(ws, by)?.name,
            (None, because) => line(because.as_deref().unwrap_or_default().as_bytes()),
        };
        if by.is_empty() || by == known.name {
            let refusal = Refusal::usage("a note is superseded by another, or for a reason");
            return Err(refusal.hint("--by NOTE or --because TEXT").into());
        }
        let mut new = known.note.clone();
        new.standing.superseded_by = Some(by);
        remember::change(ws, &known, &new)?;
        tell(ws, &known, "superseded", self.json)
    }
}

impl Approve {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let operator = operator::require(ws.ctx, self.operator.as_deref(), "wt note approve")?;
        let known = remember::find(ws, &self.note)?;
        let mut new = known.note.clone();
        new.standing.approved_by = Some(line(operator.as_bytes()));
        remember::change(ws, &known, &new)?;
        let event = ws.event(&known.note.task, "note-approved");
        ws.record(
            &event
                .fact("note", known.name.as_str())
                .fact("operator", operator.as_str()),
        )?;
        tell(ws, &known, "approved", self.json)
    }
}

fn tell(ws: &Workspace, known: &Known, done: &str, as_json: bool) -> anyhow::Result<Code> {
    let Known { name, note } = known;
    if as_json {
        ws.ctx
            .ui
            .json(&json!({ "note": name, "task": note.task, "done": done }))?;
    } else {
        ws.ctx.ui.say(&format!("note {name} is {done}"));
    }
    Ok(Code::Ok)
}
