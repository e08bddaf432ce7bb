//! `wt log`: what happened.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::land::{Standing, TargetCommit, history};
use crate::store::Event;
use crate::ui;
use crate::workspace::Workspace;

/// How many commits of a target are shown unless told otherwise.
const COMMITS: usize = 50;
/// In UTC, marked so: the same words wherever they are read.
const TIME: &str = "%Y-%m-%d %H:%M:%SZ";

/// Show what happened, oldest first
#[derive(Args)]
pub(crate) struct Log {
    /// Of this task alone; also one that has gone
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// The commits of a target instead: what landed there with which receipt, and what came past wt [default: this
    /// task's target, or the branch checked out here]
    #[arg(long, value_name = "BRANCH", num_args = 0..=1, default_missing_value = "", conflicts_with = "task")]
    target: Option<String>,
    /// How many, the last ones [default: all events, or 50 commits of a target]
    #[arg(short = 'n', value_name = "COUNT")]
    count: Option<usize>,
    /// Print as JSON, one event or commit a line
    #[arg(long)]
    json: bool,
}

impl Log {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        if let Some(given) = &self.target {
            return self.target(&ws, given);
        }
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
        let mut events = events;
        events.retain(|e| self.task.as_ref().is_none_or(|name| e.task == *name));
        let older = self
            .count
            .map_or(0, |count| events.len().saturating_sub(count));
        for event in &events[older..] {
            if self.json {
                ctx.ui.out(&serde_json::to_string(event)?);
            } else {
                ctx.ui.out(&ui::printable(&line(event)));
            }
        }
        Ok(Code::Ok)
    }

    fn target(&self, ws: &Workspace, given: &str) -> anyhow::Result<Code> {
        let given = Some(given).filter(|given| !given.is_empty());
        let target = input::target(ws, given, "wt log --target main")?;
        let tip = input::tip_of(ws, &target)?;
        let count = self.count.unwrap_or(COMMITS);
        // One more tells whether there are more.
        let mut commits = history(ws, &target, &tip, count.saturating_add(1))?;
        let more = commits.len() > count;
        if more {
            commits.remove(0);
        }
        for commit in &commits {
            if self.json {
                ws.ctx.ui.out(&serde_json::to_string(commit)?);
            } else {
                ws.ctx.ui.out(&ui::printable(&commit_line(commit)));
            }
        }
        if more && self.count.is_none() {
            let ui = &ws.ctx.ui;
            ui.say(&format!(
                "the last {count} commits; more: wt log --target {target} -n COUNT"
            ));
        }
        Ok(Code::Ok)
    }
}

fn commit_line(shown: &TargetCommit) -> String {
    let TargetCommit {
        commit,
        time,
        author,
        subject,
        standing,
    } = shown;
    let time = time.map_or_else(String::new, |time| time.strftime(TIME).to_string());
    let short = |receipt: &str| receipt.chars().take(12).collect::<String>();
    let said = match standing {
        Standing::Landed { task, receipt } => {
            format!("landed {task}  receipt={}  {subject}", short(receipt))
        }
        Standing::JudgedTogether {
            task,
            receipt,
            with,
        } => format!(
            "landed {task}  receipt={} (judged together with {})  {subject}",
            short(receipt),
            with.short()
        ),
        Standing::JudgedWithAbsent { task, receipt } => format!(
            "landed {task}  receipt={} (was judged together with a commit that is not here)  {subject}",
            short(receipt)
        ),
        Standing::PartOfLanding { landing } => {
            format!("part of {}  {subject}", landing.short())
        }
        Standing::NoReceipt => format!("no receipt  {author}: {subject}"),
        Standing::ForeignReceipt { receipt, .. } => format!(
            "claims receipt {}, which is not its own  {author}: {subject}",
            short(receipt)
        ),
        Standing::UnknownReceipt { receipt, .. } => format!(
            "claims receipt {}, which is not stored here  {author}: {subject}",
            short(receipt)
        ),
    };
    format!("{time}  {}  {said}", commit.short())
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
        event.time.strftime(TIME),
        event.task,
        event.event,
        facts.join(" ")
    )
    .trim_end()
    .to_owned()
}
