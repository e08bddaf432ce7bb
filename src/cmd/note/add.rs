//! `wt note add`: what an agent learnt, while it knows it.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::error::{Code, Refusal};
use crate::input;
use crate::memory::{Kind, line, take_in};
use crate::remember;
use crate::store::Said;
use crate::task::State;
use crate::workspace::Workspace;

/// The most that one call may say, in bytes.
const MOST: usize = 1 << 20;
/// The most that may be said of one task.
const MOST_OF_TASK: u64 = 4 << 20;

/// Say what is to be remembered of a live task [default: a decision]
#[derive(Args)]
pub(crate) struct Add {
    /// What there is to say [default: standard input]
    #[arg(allow_hyphen_values = true)]
    text: Option<String>,
    /// It was decided so, and why
    #[arg(long, group = "kind")]
    decision: bool,
    /// It was tried and given up, and why
    #[arg(long, group = "kind")]
    rejected: bool,
    /// It must stay so
    #[arg(long, group = "kind")]
    constraint: bool,
    /// It is not as one would think
    #[arg(long, group = "kind")]
    gotcha: bool,
    /// A path, or a glob of paths, that it is about; may be given more than once
    #[arg(long = "path", value_name = "GLOB")]
    paths: Vec<String>,
    /// The task [default: the one whose worktree this is]
    #[arg(long, value_name = "TASK", add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let mistyped = |text: &&str| text.starts_with('-') && *text != "-" && !text.contains(' ');
        if let Some(option) = self.text.as_deref().filter(mistyped) {
            let refusal = Refusal::usage(format!("there is no option {option}"));
            return Err(refusal.hint("see: wt note add --help").into());
        }
        let name = ws.task_name(self.task.as_deref())?;
        let kind = self.kind();
        let bytes = match self.text.as_deref() {
            Some("-") | None => input::piped_bytes()?.unwrap_or_default(),
            Some(text) => text.as_bytes().to_vec(),
        };
        let text = take_in(bytes.trim_ascii());
        if text.is_empty() {
            let refusal = Refusal::usage("there is nothing to remember");
            return Err(refusal
                .hint("wt note add \"…\", or on standard input")
                .into());
        }
        if text.len() > MOST || ws.store.said_bytes(&name) > MOST_OF_TASK {
            let what = "that is too much for a note: 1 MiB at once, 4 MiB for a task";
            return Err(Refusal::refused(what).hint("say what matters of it").into());
        }
        let paths = self.paths.iter().map(|path| line(path.as_bytes()));
        let said = Said {
            at: ws.ctx.time(),
            kind,
            text,
            paths: paths.filter(|path| !path.is_empty()).collect(),
        };
        let (_lock, task) = ws.take_task(&name)?;
        ws.require_started(&task)?;
        if let Some(landing) = &task.landing {
            let what = format!("task `{name}` has landed as {}", landing.commit.short());
            let hint = format!("its note is written: wt note edit {name}");
            return Err(Refusal::refused(what).hint(hint).into());
        }
        ws.store.say(&name, &said)?;
        if task.state == State::Stopped {
            remember::stopped(ws, &task);
        }
        if self.json {
            ws.ctx.ui.json(&json!({
                "task": name, "kind": kind, "text": said.text, "paths": said.paths,
            }))?;
        } else {
            let kind = kind.word();
            ws.ctx
                .ui
                .say(&format!("kept for the note of task `{name}`: {kind}"));
        }
        Ok(Code::Ok)
    }

    fn kind(&self) -> Kind {
        let wanted = [
            (self.rejected, Kind::Rejected),
            (self.constraint, Kind::Constraint),
            (self.gotcha, Kind::Gotcha),
        ];
        let found = wanted.into_iter().find(|(is_it, _)| *is_it);
        found.map_or(Kind::Decision, |(_, kind)| kind)
    }
}
