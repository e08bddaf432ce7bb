//! `wt merge`: lands exactly what was judged, and tears the task down.

mod train;

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::breach::breach_text;
use crate::candidate::{trespass_text, trespass_verdict};
use crate::contract::Strategy;
use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::land::{Outcome, Patience, Plan, Request, Wanted, land};
use crate::mend::mend;
use crate::operator;
use crate::spawn::start_followers;
use crate::weakened::ACCEPT;
use crate::workspace::Workspace;

/// Land validated tasks on their targets, and remove them
#[derive(Args)]
#[command(group = ArgGroup::new("by_operator").args(["accept_judge_change", "accept_weakened_tests", "push"]).multiple(true))]
pub(crate) struct Merge {
    /// The task [default: the one whose worktree this is]; several land as one, judged once
    #[arg(value_name = "TASK", add = ArgValueCandidates::new(input::live_tasks))]
    tasks: Vec<String>,
    /// Land every validated task
    #[arg(long, conflicts_with = "tasks")]
    all: bool,
    /// How the commits reach the target [default: from wt.toml, merge]
    #[arg(long, value_enum)]
    strategy: Option<Strategy>,
    /// Message of the landing commit, and of --commit
    #[arg(short = 'm', long, value_name = "MESSAGE")]
    message: Option<String>,
    /// Commit uncommitted work first (it must have been validated)
    #[arg(long)]
    commit: bool,
    /// Keep the worktree
    #[arg(long)]
    keep: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Answer 6 at once instead of waiting: for a turn where others land, for a slot, for a judge at work
    #[arg(long)]
    no_wait: bool,
    /// Land a change of what judges the work (operator)
    #[arg(long)]
    accept_judge_change: bool,
    /// Land a change that makes protected tests weaker (operator)
    #[arg(long)]
    accept_weakened_tests: bool,
    /// Push the landing to the target's remote, and land here what it took (operator)
    #[arg(long)]
    push: bool,
    /// Who accepts it or pushes, where there is no terminal
    #[arg(long, value_name = "NAME", requires = "by_operator")]
    operator: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        if self.all || self.tasks.len() > 1 {
            return self.run_train(ctx, &ws);
        }
        let name = ws.task_name(self.tasks.first().map(String::as_str))?;
        ws.repo.git.require_version()?;
        mend(&ws)?;
        let outcome = land(&ws, &self.request(ctx, &name)?)?;
        if self.json {
            let started = start_waiting(&ws, &outcome)?;
            return self.print_json(ctx, &name, &outcome, &started);
        }
        let code = print_text(ctx, &ws, &outcome);
        start_waiting(&ws, &outcome)?;
        Ok(match &outcome {
            Outcome::Planned(plan) => self.plan_code(plan),
            _ => code,
        })
    }

    /// What is asked for `task`; of several, what holds of each.
    fn request<'r>(&'r self, ctx: &Ctx, task: &'r str) -> anyhow::Result<Request<'r>> {
        let by_operator = |asked: bool, flag| {
            asked
                .then(|| operator::require(ctx, self.operator.as_deref(), flag))
                .transpose()
        };
        Ok(Request {
            task,
            strategy: self.strategy,
            message: self.message.as_deref(),
            commit: self.commit,
            keep: self.keep,
            dry_run: self.dry_run,
            patience: self.patience(),
            accepts_judge_change: by_operator(self.accept_judge_change, "--accept-judge-change")?,
            accepts_weakened_tests: by_operator(self.accept_weakened_tests, ACCEPT)?,
            push: by_operator(self.push, "--push")?,
        })
    }

    fn patience(&self) -> Patience {
        if self.dry_run {
            Patience::Look
        } else if self.no_wait {
            Patience::Refuse
        } else {
            Patience::Wait
        }
    }

    /// Lands several tasks.
    fn run_train(&self, ctx: &Ctx, ws: &Workspace) -> anyhow::Result<Code> {
        let given = [
            ("-m", self.message.is_some()),
            ("--accept-judge-change", self.accept_judge_change),
            (ACCEPT, self.accept_weakened_tests),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
            let what = format!("{flag} is for one task alone");
            let hint = format!("land that one by itself: wt merge <task> {flag} …");
            return Err(Refusal::usage(what).hint(hint).into());
        }
        ws.repo.git.require_version()?;
        mend(ws)?;
        let wanted = if self.all {
            Wanted::All
        } else {
            Wanted::Named(&self.tasks)
        };
        let request = self.request(ctx, "")?;
        if self.json {
            train::run_as_json(ctx, ws, wanted, &request)
        } else {
            train::run(ctx, ws, wanted, &request)
        }
    }

    /// What the landing would answer as things stand.
    fn plan_code(&self, plan: &Plan) -> Code {
        let accepted = plan.judge_changed.is_empty() || self.accept_judge_change;
        let weakened = plan.tests_protected && !plan.car.tests_weakened.is_empty();
        let accepted = accepted && (!weakened || self.accept_weakened_tests);
        if plan.in_the_way.is_empty() && accepted {
            Code::Ok
        } else {
            Code::Refused
        }
    }

    fn print_json(
        &self,
        ctx: &Ctx,
        name: &str,
        outcome: &Outcome,
        started: &[String],
    ) -> anyhow::Result<Code> {
        let (value, code) = match outcome {
            Outcome::Landed(landed) => {
                let mut value = landed.to_json();
                value["started"] = json!(started);
                (value, Code::Ok)
            }
            Outcome::Planned(plan) => (serde_json::to_value(plan)?, self.plan_code(plan)),
            Outcome::Refused { task, report, code } => (
                json!({ "task": name, "state": task.state.word(), "report": report }),
                *code,
            ),
            Outcome::Trespassed { found, .. } => (
                json!({ "task": name, "verdict": trespass_verdict(found), "paths": found }),
                Code::No,
            ),
            Outcome::Broken { found } => (
                json!({ "task": name, "verdict": "RULE_BROKEN", "places": found }),
                Code::No,
            ),
        };
        ctx.ui.json(&value)?;
        Ok(code)
    }
}

/// Starts the tasks that waited for the one that landed; answers their names.
fn start_waiting(ws: &Workspace, outcome: &Outcome) -> anyhow::Result<Vec<String>> {
    let Outcome::Landed(landed) = outcome else {
        return Ok(Vec::new());
    };
    let started = start_followers(ws, &landed.task.name)?;
    Ok(started.into_iter().map(|task| task.name).collect())
}

fn print_text(ctx: &Ctx, ws: &Workspace, outcome: &Outcome) -> Code {
    match outcome {
        Outcome::Landed(landed) => {
            train::print_landed(ctx, ws, landed);
            Code::Ok
        }
        Outcome::Planned(plan) => {
            ctx.ui.out(&plan.to_string());
            Code::Ok
        }
        Outcome::Refused { report, code, .. } => {
            ctx.ui.out(&report.text());
            *code
        }
        Outcome::Trespassed { task, found } => {
            ctx.ui.out(&trespass_text(task, found));
            Code::No
        }
        Outcome::Broken { found } => {
            ctx.ui.out(&breach_text(found));
            Code::No
        }
    }
}
