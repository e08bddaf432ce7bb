//! `wt log`: what happened.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::store::Event;
use crate::workspace::Workspace;

/// Show what happened, oldest first
#[derive(Args)]
pub(crate) struct Log {
    /// Of this task alone; also one that has gone
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON, one event a line
    #[arg(long)]
    json: bool,
}

impl Log {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        if self.task.is_some() {
            ws.task_name(self.task.as_deref())?;
        }
        let events = ws.store.events()?;
        if let Some(name) = &self.task
            && !events.iter().any(|e| e.task == *name)
        {
            // Names the nearest live task where there is none of that name.
            ws.store.require_task(name)?;
        }
        for event in events
            .iter()
            .filter(|e| self.task.as_ref().is_none_or(|name| e.task == *name))
        {
            if self.json {
                ctx.ui.out(&serde_json::to_string(event)?);
            } else {
                ctx.ui.out(&crate::ui::printable(&line(event)));
            }
        }
        Ok(Code::Ok)
    }
}

fn line(event: &Event) -> String {
    let facts: Vec<String> = event
        .facts
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(text) if text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                format!("{name}={}", &text[..12])
            }
            Some(text) if !text.contains(char::is_whitespace) => format!("{name}={text}"),
            _ => format!("{name}={value}"),
        })
        .collect();
    format!(
        "{}  {}  {}  {}",
        event.time.strftime("%Y-%m-%d %H:%M:%S"),
        event.task,
        event.event,
        facts.join(" ")
    )
    .trim_end()
    .to_owned()
}
