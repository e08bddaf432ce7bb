//! `wt rules`: the rules of a task, rendered and checked.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::copies::{render_rules, with_source};
use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::rules::lint;
use crate::workspace::Workspace;

/// Render or check the rules of a task
#[derive(Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the rules under the contract in force
    Render(Which),
    /// Look for rules that contradict, repeat or run long
    Lint(Lint),
}

#[derive(Args)]
struct Which {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
}

#[derive(Args)]
struct Lint {
    #[command(flatten)]
    which: Which,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Rules {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let given = match &self.action {
            Action::Render(which) => which.task.clone(),
            Action::Lint(lint) => lint.which.task.clone(),
        };
        let name = ws.task_name(given.as_deref())?;
        let task = ws.store.require_task(&name)?;
        let in_force = ws.in_force(&ws.repo_for(&task), &task.target, &ws.target_tip(&task)?)?;
        let text = render_rules(&ws.store, &task, &in_force)?;
        let Action::Lint(args) = self.action else {
            ctx.ui.out(&text);
            return Ok(Code::Ok);
        };
        let findings = with_source(&ws.store, &task, &in_force, |source| lint(&text, source))?;
        if args.json {
            let list: Vec<_> = findings
                .iter()
                .map(|f| json!({ "line": f.line, "message": f.message, "hint": f.hint }))
                .collect();
            ctx.ui.json(&json!({ "task": name, "findings": list }))?;
        } else {
            for finding in &findings {
                ctx.ui.out(&format!(
                    "RULES.md:{}: {} ({})",
                    finding.line, finding.message, finding.hint
                ));
            }
        }
        Ok(if findings.is_empty() {
            Code::Ok
        } else {
            Code::No
        })
    }
}
