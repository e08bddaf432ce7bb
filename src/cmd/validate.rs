//! `wt validate`: judges a task's work as it would land.

use std::fmt::Write as _;

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};
use signal_hook::consts::SIGINT;

use crate::breach::breach_text;
use crate::candidate::{trespass_text, trespass_verdict};
use crate::ctx::Ctx;
use crate::error::{Code, Refusal, some_of};
use crate::gate::{Report, stopped_next};
use crate::input;
use crate::judge::{self, Answer, Ask};
use crate::mend::mend;
use crate::operator;
use crate::process::Interrupt;
use crate::stray;
use crate::task::{BUDGET, Task};
use crate::weakened::{ACCEPT, weakened_text};
use crate::workspace::Workspace;

/// Judge a task's work as it stands, combined with its target
#[derive(Args)]
pub(crate) struct Validate {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Why the attempt before failed; the one retry wants it
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Empty the slot first and pass over kept receipts
    #[arg(long)]
    fresh: bool,
    /// Judge a change that makes protected tests weaker (operator)
    #[arg(long)]
    accept_weakened_tests: bool,
    /// Who accepts it, where there is no terminal
    #[arg(long, value_name = "NAME", requires = "accept_weakened_tests")]
    operator: Option<String>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        let accepts_weakened = self.accepts_weakened(ctx)?;
        mend(&ws)?;
        let ask = Ask {
            task: &name,
            cause: self.cause.as_deref(),
            fresh: self.fresh,
            accepts_weakened: accepts_weakened.as_deref(),
        };
        let strays = strays(&ws, &name)?;
        match judge::ask(&ws, &ask)? {
            Answer::Judging { run, attached } => {
                if attached {
                    ctx.ui
                        .say("a judge is at work on this already; following it");
                }
                // Until here Ctrl-C ends this process, and nothing is under way.
                let interrupt = Interrupt::install(&[SIGINT])?;
                let verdict = judge::follow(&ws, &name, run, &interrupt)?;
                let report = judge::report_of(&ws, &verdict.task, run)?;
                self.print(ctx, &head(&verdict.task, &strays), &report)?;
                Ok(verdict.code)
            }
            Answer::Known {
                task,
                report,
                target_moved,
            } => {
                if target_moved {
                    ctx.ui.say(&format!(
                        "{} has moved since; the new combination is judged when it lands",
                        task.target
                    ));
                }
                self.print(ctx, &head(&task, &strays), &report)?;
                Ok(Code::Ok)
            }
            Answer::Repeated { task, run } => {
                ctx.ui.say(&format!("this very state failed before (run {run}); no step was run, nothing was counted"));
                if task.is_put_back() {
                    ctx.ui.hint(&format!(
                        "were it not the work's fault: wt validate {name} --fresh judges it anew"
                    ));
                }
                let report = judge::report_of(&ws, &task, run)?;
                self.print(ctx, &head(&task, &strays), &report)?;
                Ok(Code::No)
            }
            Answer::Trespassed { task, found } => {
                let mut value = head(&task, &strays);
                value["verdict"] = json!(trespass_verdict(&found));
                value["paths"] = json!(found);
                self.print_either(ctx, &value, &trespass_text(&task, &found))?;
                Ok(Code::No)
            }
            Answer::Broken { task, found } => {
                let mut value = head(&task, &strays);
                value["verdict"] = json!("RULE_BROKEN");
                value["places"] = json!(found);
                self.print_either(ctx, &value, &breach_text(&found))?;
                Ok(Code::No)
            }
            Answer::Weakened { task, found } => {
                let mut value = head(&task, &strays);
                value["verdict"] = json!("TESTS_WEAKENED");
                value["tests_weakened"] = json!(found);
                self.print_either(ctx, &value, &weakened_text(&name, &found))?;
                Ok(Code::No)
            }
            Answer::Stopped { task } => self.print_stopped(&ws, &task, head(&task, &strays)),
        }
    }

    /// The operator who accepts weaker tests, where that is asked for. In a cage nobody is.
    fn accepts_weakened(&self, ctx: &Ctx) -> anyhow::Result<Option<String>> {
        if !self.accept_weakened_tests {
            return Ok(None);
        }
        if ctx.caged.is_some() {
            let what = format!("{ACCEPT} is the operator's, and not an agent's in a cage");
            let hint = "put the tests back, or end your turn and say why it must be so";
            return Err(Refusal::refused(what).hint(hint).into());
        }
        operator::require(ctx, self.operator.as_deref(), ACCEPT).map(Some)
    }

    fn print_stopped(&self, ws: &Workspace, task: &Task, mut value: Value) -> anyhow::Result<Code> {
        let next = stopped_next(task);
        let mut text = format!("STOPPED attempts={}/{BUDGET}\n", task.attempts);
        value["verdict"] = json!("STOPPED");
        value["next"] = json!(next);
        if let Some(rejected) = &task.rejected {
            let last = judge::report_of(ws, task, rejected.run)?;
            if let Some(first) = &last.first_failure {
                let _ = writeln!(text, "last failure: {}", first.title);
            }
            value["last"] = serde_json::to_value(&last)?;
        }
        let _ = writeln!(text, "next: {next}");
        self.print_either(ws.ctx, &value, &text)?;
        Ok(Code::Stopped)
    }

    fn print(&self, ctx: &Ctx, head: &Value, report: &Report) -> anyhow::Result<()> {
        let mut value = head.clone();
        if let (Some(map), Value::Object(fields)) =
            (value.as_object_mut(), serde_json::to_value(report)?)
        {
            map.extend(fields);
        }
        self.print_either(ctx, &value, &report.text())
    }

    fn print_either(&self, ctx: &Ctx, value: &Value, text: &str) -> anyhow::Result<()> {
        if self.json {
            ctx.ui.json(value)
        } else {
            ctx.ui.out(text);
            Ok(())
        }
    }
}

/// The task's paths that are changed in the main checkout, which is said.
fn strays(ws: &Workspace, name: &str) -> anyhow::Result<Vec<String>> {
    let Some(task) = ws.store.find_task(name)? else {
        return Ok(Vec::new());
    };
    let strays = stray::in_main_checkout(ws, &task);
    if let (Some(root), false) = (ws.repo.main_checkout(), strays.is_empty()) {
        let ui = &ws.ctx.ui;
        ui.warn(&format!(
            "paths of task `{name}` are changed in the main checkout {}, where they are not judged: {}",
            root.display(),
            some_of(&strays)
        ));
        ui.hint(
            "if they were meant for the task, bring them to its worktree, and put them back there",
        );
    }
    Ok(strays)
}

/// What every verdict says of its task as JSON.
fn head(task: &Task, strays: &[String]) -> Value {
    json!({
        "task": task.name, "state": task.state.word(), "branch": task.branch, "path": task.worktree,
        "attempts": task.attempts, "budget": BUDGET, "receipt": null, "in_main_checkout": strays,
    })
}
