//! `wt explain`: what a person must know of a stopped task.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::judge;
use crate::remember;
use crate::store::{Event, write_atomic};
use crate::task::{State, Task};
use crate::ui;
use crate::workspace::Workspace;

/// Say what was tried in a stopped task, and what is needed
#[derive(Args)]
pub(crate) struct Explain {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// The explanation
    #[arg(short = 'm', long, value_name = "TEXT", conflicts_with = "file")]
    message: Option<String>,
    /// File with the explanation (- for standard input)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print a template to fill in, and store nothing
    #[arg(long)]
    template: bool,
}

impl Explain {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        if task.state != State::Stopped {
            return Err(Refusal::refused(format!(
                "task `{name}` is {}, not stopped",
                task.state.word()
            ))
            .hint("only a stopped task wants an explanation")
            .into());
        }
        if self.template {
            ctx.ui.out(&ui::printable(&template(&ws, &task)?));
            return Ok(Code::Ok);
        }
        let given = match input::text(ctx, self.message.as_deref(), self.file.as_deref())? {
            Some(text) => Some(text),
            None => input::piped()?,
        };
        let Some(text) = given.filter(|text| !text.trim().is_empty()) else {
            return Err(Refusal::usage("there is no explanation")
                .hint(
                    "wt explain -m \"…\" or --file FILE; a form to fill in: wt explain --template",
                )
                .into());
        };
        let (_lock, task) = ws.take_task(&name)?;
        write_atomic(&ws.store.explanation_file(&name), text.as_bytes())?;
        ws.record(&ws.event(&name, "explained"))?;
        if task.state == State::Stopped {
            remember::stopped(&ws, &task);
        }
        ctx.ui
            .say(&format!("kept; the operator reads it with: wt show {name}"));
        Ok(Code::Ok)
    }
}

/// A form to fill in, with all that is known in its place.
fn template(ws: &Workspace, task: &Task) -> anyhow::Result<String> {
    let mut text = format!("# Task {} is stopped\n\n## What was tried\n", task.name);
    let events: Vec<Event> = ws
        .store
        .events()?
        .into_iter()
        .filter(|e| e.task == task.name)
        .collect();
    let failed = |run: Option<&serde_json::Value>| {
        events
            .iter()
            .any(|e| e.event == "failed" && e.facts.get("run") == run)
    };
    // The last pass or resume began the count anew.
    let begun = events
        .iter()
        .rposition(|e| ["validated", "known", "resumed"].contains(&e.event.as_str()));
    let since = &events[begun.map_or(0, |position| position + 1)..];
    for event in since
        .iter()
        .filter(|e| e.event == "judging" && failed(e.facts.get("run")))
    {
        let cause = event
            .facts
            .get("cause")
            .and_then(|c| c.as_str())
            .unwrap_or("the first attempt");
        let run = event
            .facts
            .get("run")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or_default();
        let _ = writeln!(text, "- run {run}: {cause}");
    }
    text.push_str("\n## The first failure\n");
    if let Some(rejected) = &task.rejected {
        let report = judge::report_of(ws, task, rejected.run)?;
        let _ = writeln!(text, "{}", report.text().trim_end());
    }
    text.push_str("\n## The likely cause\n\n\n## What is needed\n\n");
    Ok(text)
}
