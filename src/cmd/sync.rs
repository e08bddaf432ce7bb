//! `wt sync`: brings the target into tasks that are at work.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};
use signal_hook::consts::SIGINT;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal, counted, shown};
use crate::input;
use crate::mend::mend;
use crate::operator;
use crate::process::Interrupt;
use crate::sync::{How, Outcome, Request, Synced, started_in_order, sync};
use crate::task::State;
use crate::workspace::Workspace;

/// Bring the target into a task: what has landed there since, as a merge into the task's branch
#[derive(Args)]
pub(crate) struct Sync {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Every task that has started and not landed
    #[arg(long, conflicts_with = "task")]
    all: bool,
    /// Replay the task's commits on the target instead
    #[arg(long)]
    rebase: bool,
    /// Who calls, where there is no terminal: their PATH, HOME and passed variables are captured anew
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let given = (!self.all)
            .then(|| ws.task_name(self.task.as_deref()))
            .transpose()?;
        mend(&ws)?;
        let operator = operator::find(ctx, self.operator.as_deref());
        let request = Request {
            how: if self.rebase { How::Rebase } else { How::Merge },
            operator: operator.as_deref(),
        };
        // What is begun with one task is ended.
        let interrupt = Interrupt::install(&[SIGINT])?;
        match given {
            Some(name) => self.one(&ws, &name, &request),
            None => self.all(&ws, &request, &interrupt),
        }
    }

    fn one(&self, ws: &Workspace, name: &str, request: &Request) -> anyhow::Result<Code> {
        let synced = sync(ws, name, request)?;
        if self.json {
            ws.ctx.ui.json(&value(&synced, request))?;
        }
        if let Some(refusal) = synced.refusal(request.how) {
            return Err(refusal.into());
        }
        if !self.json {
            say(ws.ctx, &synced, request);
        }
        Ok(Code::Ok)
    }

    fn all(
        &self,
        ws: &Workspace,
        request: &Request,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Code> {
        let mut worst = Code::Ok;
        let mut values = Vec::new();
        let names = started_in_order(ws)?;
        if names.is_empty() {
            ws.ctx.ui.say("no task is at work");
        }
        for name in names {
            if interrupt.raised() {
                worst = Code::Interrupted;
                break;
            }
            let failed = match sync(ws, &name, request) {
                Ok(synced) => {
                    values.push(value(&synced, request));
                    let refusal = synced.refusal(request.how);
                    if refusal.is_none() && !self.json {
                        say(ws.ctx, &synced, request);
                    }
                    refusal.map(anyhow::Error::from)
                }
                Err(error) => {
                    values.push(json!({ "task": name, "outcome": word_of(code_of(&error)) }));
                    Some(error)
                }
            };
            if let Some(error) = failed {
                worst = worst.worse(code_of(&error));
                if let Some(value) = values.last_mut() {
                    value["message"] = json!(format!("{error:#}"));
                }
                ws.ctx.ui.error(&error);
            }
        }
        if self.json {
            ws.ctx.ui.json(&json!({ "tasks": values }))?;
        }
        Ok(worst)
    }
}

fn code_of(error: &anyhow::Error) -> Code {
    error
        .downcast_ref::<Refusal>()
        .map_or(Code::Fault, |refusal| refusal.code)
}

fn word_of(code: Code) -> &'static str {
    match code {
        Code::Busy => "busy",
        Code::Fault => "fault",
        _ => "refused",
    }
}

fn value(synced: &Synced, request: &Request) -> Value {
    let Synced { task, target, .. } = synced;
    let mut value = json!({
        "task": task.name, "state": task.state.word(), "branch": task.branch, "path": task.worktree,
        "target": task.target, "target_commit": target, "how": request.how.word(),
        "captured_anew": synced.captured, "rules_renewed": synced.rules_renewed,
    });
    match &synced.outcome {
        Outcome::UpToDate => value["outcome"] = json!("up-to-date"),
        Outcome::Conflict(conflict) => {
            value["outcome"] = json!("conflict");
            value["paths"] = json!(conflict.paths);
        }
        Outcome::InUse(paths) => {
            value["outcome"] = json!("refused");
            value["paths"] = json!(paths);
        }
        Outcome::Synced {
            from,
            to,
            commits,
            stays_validated,
            submodules,
        } => {
            value["outcome"] = json!("synced");
            value["from"] = json!(from);
            value["to"] = json!(to);
            value["commits"] = json!(commits);
            value["stays_validated"] = json!(stays_validated);
            value["submodules"] = json!(submodules);
        }
    }
    value
}

fn say(ctx: &Ctx, synced: &Synced, request: &Request) {
    let Synced { task, target, .. } = synced;
    match &synced.outcome {
        Outcome::Synced {
            to,
            commits,
            stays_validated,
            submodules,
            ..
        } => {
            let done = match request.how {
                How::Merge => "merged into",
                How::Rebase => "brought under",
            };
            let count = counted(*commits, "commit");
            ctx.ui.out(&format!(
                "synced {}: {count} of {} {done} {}, now at {}",
                task.name,
                task.target,
                task.branch,
                to.short()
            ));
            if *stays_validated {
                ctx.ui.say(&format!(
                    "{} stays validated; the combination is judged when it lands",
                    task.name
                ));
            } else if task.state == State::Validated {
                ctx.ui.say(&format!(
                    "{0} has changed since it was validated: wt validate {0}",
                    task.name
                ));
            }
            if !submodules.is_empty() {
                ctx.ui.hint(&format!(
                    "in {}: git submodule update -- {}",
                    task.worktree.display(),
                    shown(&submodules.join(" "))
                ));
            }
        }
        _ => ctx.ui.out(&format!(
            "{} is up to date with {} at {}",
            task.name,
            task.target,
            target.short()
        )),
    }
    if synced.rules_renewed {
        ctx.ui.say(&format!(
            "{}: the rules on {} have changed; .wt/RULES.md is new",
            task.name, task.target
        ));
    }
    if !synced.captured.is_empty() {
        ctx.ui.say(&format!(
            "{}: captured anew for its judging: {}",
            task.name,
            synced.captured.join(", ")
        ));
    }
}
