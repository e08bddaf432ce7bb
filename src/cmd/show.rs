//! `wt show`: all there is to know of one task.

use std::fmt::Write as _;

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::ctx::Ctx;
use crate::error::{Code, shown};
use crate::facts::{self, Facts, Judges, PlanFacts};
use crate::input;
use crate::judge;
use crate::plan::Beside;
use crate::ports;
use crate::ui;
use crate::workspace::Workspace;

/// How many flaky steps are told.
const FLAKY_SHOWN: usize = 3;

/// Show one task
#[derive(Args)]
pub(crate) struct Show {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Look into the worktree now
    #[arg(long)]
    status: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        if self.status && !task.is_waiting() {
            facts::look(&ws, &task)?;
        }
        let facts = facts::gather(&ws, &task, &Judges::of_all(&ws)?)?;
        let explanation = std::fs::read_to_string(ws.store.explanation_file(&name)).ok();
        let last = judge::last_failure(&ws, &task)?;
        let flaky = judge::flaky_of(&ws.store, &name);
        let beside = facts::beside_plan(&ws, &task, facts.seen.as_ref())?;
        if self.json {
            let mut value = serde_json::to_value(&facts)?;
            value["explanation"] = json!(explanation);
            value["flaky"] = json!(flaky);
            if let Some(beside) = &beside {
                value["plan"]["changed"] = json!(beside.changed);
                value["plan"]["untouched"] = json!(beside.untouched);
                value["plan"]["unplanned"] = json!(beside.unplanned);
            }
            value["last_failure"] = serde_json::to_value(&last)?;
            ctx.ui.json(&value)?;
            return Ok(Code::Ok);
        }
        let mut text = describe(ctx, &facts);
        for flaky in flaky.iter().take(FLAKY_SHOWN) {
            let _ = writeln!(text, "{:<9} {flaky}", "flaky");
        }
        if let Some(beside) = &beside {
            let _ = write!(text, "\n{}", side_by_side(beside));
        }
        if let Some(last) = last {
            let _ = write!(text, "\nlast failure\n{}", indent(&last.text()));
        }
        if let Some(explanation) = explanation {
            let _ = write!(text, "\nexplanation\n{}", indent(&explanation));
        }
        ctx.ui.out(&ui::printable(&text));
        Ok(Code::Ok)
    }
}

fn describe(ctx: &Ctx, facts: &Facts) -> String {
    let mut lines = vec![
        ("task", facts.task.clone()),
        (
            "state",
            match &facts.judge {
                Some(judge) => format!("{}, {}", facts.state_words(), judge.words()),
                None => facts.state_words(),
            },
        ),
        (
            "attempts",
            format!("{} of {}", facts.attempts, facts.budget),
        ),
        ("branch", facts.branch.clone()),
        (
            "target",
            facts.target.clone()
                + if facts.target_moved {
                    ", moved since the receipt"
                } else {
                    ""
                },
        ),
        (
            "commits",
            format!(
                "{} ahead, {} behind, {} paths changed",
                facts.ahead, facts.behind, facts.changed
            ),
        ),
        (
            "receipt",
            match (&facts.receipt, facts.confined) {
                (None, _) => "none".to_owned(),
                (Some(receipt), Some(false)) => {
                    format!("{}, of steps without a cage", &receipt[..12])
                }
                (Some(receipt), _) => receipt[..12].to_owned(),
            },
        ),
        ("worktree", facts.path.clone()),
        ("seen", seen(ctx, facts)),
        ("age", ui::age(facts.age_seconds)),
    ];
    if facts.rules_stale {
        let task = &facts.task;
        lines.push((
            "rules",
            format!("stale, the target has others: wt sync {task}"),
        ));
    }
    if let Some(pid) = facts.run {
        lines.push(("cage", format!("wt run is at work in it (pid {pid})")));
    }
    if !facts.owns.is_empty() {
        lines.push(("owns", facts.owns.join(", ")));
    }
    if let Some(plan) = &facts.plan {
        lines.push(("plan", plan_words(plan)));
    }
    if let Some(folders) = &facts.folders {
        let folders = if folders.is_empty() {
            "the files at the root".to_owned()
        } else {
            folders.join(", ")
        };
        let more = "another, in the worktree: git sparse-checkout add <folder>";
        lines.push(("sparse", format!("made with {folders}; {more}")));
    }
    if !facts.ports.is_empty() {
        lines.push(("ports", ports::shown(&facts.ports)));
    }
    if let Some(landed) = &facts.landed {
        lines.push(("landed", landed.clone()));
    }
    let mut text = String::new();
    for (name, value) in &lines {
        let _ = writeln!(text, "{name:<9} {value}");
    }
    if let Some(brief) = &facts.brief {
        let _ = write!(text, "\nbrief\n{}", indent(brief));
    }
    text
}

/// Where a plan stands, in one line.
fn plan_words(plan: &PlanFacts) -> String {
    let mut words = plan.approved.as_ref().map_or_else(String::new, |approved| {
        format!(
            "{} approved by {}{}",
            &approved.hash[..12],
            approved.by,
            match approved.amendments.len() {
                0 => String::new(),
                1 => ", amended once".to_owned(),
                count => format!(", amended {count} times"),
            }
        )
    });
    if let Some(proposal) = &plan.proposal {
        if !words.is_empty() {
            words.push_str("; ");
        }
        let _ = write!(words, "{} submitted", &proposal.hash[..12]);
        if let Some(because) = &proposal.because {
            let _ = write!(words, " because {because}");
        }
        if let Some(rejected) = &proposal.rejected {
            let _ = write!(words, ", rejected by {}: {}", rejected.by, rejected.because);
        }
    }
    if words.is_empty() {
        words.push_str("to be submitted: wt plan submit");
    }
    words
}

/// What was planned beside what was changed.
fn side_by_side(beside: &Beside) -> String {
    let mut text = String::new();
    for (title, paths) in [
        ("planned and changed", &beside.changed),
        ("planned and untouched", &beside.untouched),
        ("changed and unplanned", &beside.unplanned),
    ] {
        let _ = writeln!(text, "{title}");
        for path in paths {
            let _ = writeln!(text, "  {}", shown(path));
        }
        if paths.is_empty() {
            text.push_str("  (none)\n");
        }
    }
    text
}

fn seen(ctx: &Ctx, facts: &Facts) -> String {
    let Some(seen) = &facts.seen else {
        return "not looked at yet (--status looks now)".to_owned();
    };
    let age = ui::age(ctx.now.as_second() - seen.at.as_second());
    match seen.uncommitted.len() {
        0 => format!("clean, {age} ago"),
        _ => format!(
            "uncommitted {age} ago: {}",
            seen.uncommitted
                .iter()
                .take(10)
                .map(|path| shown(path))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

fn indent(text: &str) -> String {
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| format!("  {line}"))
        .collect();
    lines.join("\n") + "\n"
}
