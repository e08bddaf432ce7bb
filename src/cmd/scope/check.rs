//! `wt scope check`: a task's change, or paths that it might change, held against its scope.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::candidate::{self, Trespass, trespass_of, trespass_text, trespass_verdict, trespasses};
use crate::error::Code;
use crate::input;
use crate::judge::snapshot_of;
use crate::quarantine;
use crate::task::Task;
use crate::workspace::{Claimant, Workspace};

/// Hold a task's change against its scope, without judging it
#[derive(Args)]
pub(crate) struct Check {
    /// Paths to check instead of what the task changes
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The task [default: the one whose worktree this is]
    #[arg(long, value_name = "TASK", add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        let (checked, found) = if self.paths.is_empty() {
            check_change(ws, &task)?
        } else {
            check_paths(ws, &task, &self.paths)?
        };
        let (verdict, code) = if found.is_empty() {
            ("SCOPE_OK", Code::Ok)
        } else {
            (trespass_verdict(&found), Code::No)
        };
        if self.json {
            ws.ctx.ui.json(
                &json!({ "task": name, "verdict": verdict, "checked": checked, "paths": found }),
            )?;
        } else if found.is_empty() {
            ws.ctx.ui.out(&format!("SCOPE_OK paths={checked}"));
        } else {
            ws.ctx.ui.out(&trespass_text(&task, &found));
        }
        Ok(code)
    }
}

/// All that the task changes on its target, uncommitted work included.
fn check_change(ws: &Workspace, task: &Task) -> anyhow::Result<(usize, Vec<Trespass>)> {
    ws.require_started(task)?;
    let repo = ws.repo_for(task);
    repo.git.require_version()?;
    let tip = ws.target_tip(task)?;
    let in_force = ws.in_force(&repo, &task.target, &tip)?;
    let (snapshot, _) = {
        let _lock = ws.lock_task(&task.name)?;
        quarantine::bring_in(ws, &repo, task)?;
        let taken = snapshot_of(ws, &repo, task, in_force.contract.judge.max_file)?;
        quarantine::hold(ws, &repo, task, &taken.0.commit)?;
        taken
    };
    let candidate = candidate::combine(&repo, task, &snapshot, &tip)?;
    let found = trespasses(ws, &repo, task, &in_force, &candidate)?;
    Ok((candidate.paths.len(), found))
}

fn check_paths(
    ws: &Workspace,
    task: &Task,
    paths: &[String],
) -> anyhow::Result<(usize, Vec<Trespass>)> {
    let repo = ws.repo_for(task);
    let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(task)?)?;
    let claims = ws.claims(&repo, &Claimant::from(task), &in_force)?;
    let territory = claims.territory();
    let mut found = Vec::new();
    for path in paths {
        found.extend(trespass_of(&territory, task, &ws.path_from_root(path)?));
    }
    Ok((paths.len(), found))
}
