//! What a spawn will make, and whatever stands in its way: found before anything is made.

use std::fs;
use std::path::PathBuf;

use super::{NewTask, room, sparse};
use crate::carry;
use crate::donor::MainIndex;
use crate::error::Refusal;
use crate::ports::{self, Holder};
use crate::spares;
use crate::store::Operation;
use crate::task::State;
use crate::workspace::{Claimant, InForce, Workspace};

/// What will be made, once nothing stands in the way.
pub(super) struct Plan {
    /// The claim, each glob in its normal form.
    pub(super) owns: Vec<String>,
    /// The folders that the worktree is to hold, if not all.
    pub(super) folders: Option<Vec<String>>,
    /// The tasks that have yet to land before anything is made.
    pub(super) after: Vec<String>,
    /// The paths that may come along from the main checkout.
    pub(super) carried: Vec<String>,
    pub(super) ports: Vec<u16>,
    pub(super) branch: String,
    pub(super) worktree: PathBuf,
    pub(super) worktrees: PathBuf,
}

impl Plan {
    /// `carried` are the paths that may come along from the main checkout.
    pub(super) fn check(
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
        carried: Vec<String>,
        main: &MainIndex,
    ) -> anyhow::Result<Self> {
        ws.repo.check_place()?;
        let worktrees = ws.worktrees_dir(in_force);
        let mut plan = Self {
            owns: Vec::new(),
            folders: None,
            ports: Vec::new(),
            after: live_among(ws, new)?,
            carried,
            branch: in_force
                .contract
                .worktree
                .branch
                .replace("{task}", &new.name),
            worktree: worktrees.join(&new.name),
            worktrees,
        };
        plan.check_name(ws, new)?;
        plan.check_branch(ws)?;
        plan.owns = plan.check_claim(ws, new, in_force)?;
        if new.sparse {
            plan.folders = Some(sparse::folders(ws, new, &plan.owns, in_force)?);
        }
        if plan.after.is_empty() {
            let wanted = room::Wanted {
                worktrees: &plan.worktrees,
                base: &new.base,
                main,
                folders: plan.folders.as_deref(),
                carried: carry::bytes(&ws.repo, &plan.carried),
                contract: &in_force.contract.worktree,
                spares: match plan.folders {
                    None => spares::whole(&ws.store),
                    Some(_) => 0,
                },
            };
            room::require(ws, &in_force.contract.disk, &wanted)?;
            let wanted = in_force.contract.ports;
            plan.ports = ports::choose(ws, wanted, Holder::Task(&new.name), &[])?;
        }
        Ok(plan)
    }

    fn check_name(&self, ws: &Workspace, new: &NewTask) -> anyhow::Result<()> {
        let is_own = |name: &String| new.waiting.is_some() && *name == new.name;
        for other in ws.taken_names()?.into_iter().filter(|name| !is_own(name)) {
            if other == new.name {
                let waits = ws
                    .store
                    .find_task(&other)?
                    .is_some_and(|task| task.is_waiting());
                let hint = if waits {
                    format!("it waits for others (wt list); to begin it anew: wt rm {other}")
                } else {
                    format!("go on with it: cd \"$(wt path {other})\", or take another name")
                };
                let what = format!("there is a task `{other}` already");
                return Err(Refusal::refused(what).hint(hint).into());
            }
            if other.to_lowercase() == new.name.to_lowercase() {
                return Err(Refusal::refused(format!(
                    "task name `{}` differs from `{other}` by case alone",
                    new.name
                ))
                .hint("take another name")
                .into());
            }
        }
        if fs::symlink_metadata(&self.worktree).is_ok() {
            return Err(
                Refusal::refused(format!("{} exists already", self.worktree.display()))
                    .hint("move it away, or take another name (left-overs of wt: wt doctor)")
                    .into(),
            );
        }
        Ok(())
    }

    fn check_branch(&self, ws: &Workspace) -> anyhow::Result<()> {
        if !ws.repo.is_branch_name(&self.branch)? {
            return Err(Refusal::refused(format!(
                "{:?} is no valid name for a branch",
                self.branch
            ))
            .hint("take another name, or mend `branch` under [worktree] in wt.toml")
            .into());
        }
        let reference = format!("refs/heads/{}", self.branch);
        if ws.repo.read.tip(&reference)?.is_some()
            || ws.repo.read.symbolic_target(&reference)?.is_some()
        {
            return Err(
                Refusal::refused(format!("the branch {} exists already", self.branch))
                    .hint(format!(
                        "take another name, or rename that branch: git branch -m {} <new name>",
                        self.branch
                    ))
                    .into(),
            );
        }
        if let Some(other) = self.branch_on_the_way(ws)? {
            return Err(Refusal::refused(format!(
                "the branch {other} leaves no room for {}: git keeps one as a folder of the other",
                self.branch
            ))
            .hint(format!(
                "rename it: git branch -m {other} <new name>; or set another `branch` under [worktree] in wt.toml"
            ))
            .into());
        }
        Ok(())
    }

    /// A branch whose name lies above the new one's, or below it.
    fn branch_on_the_way(&self, ws: &Workspace) -> anyhow::Result<Option<String>> {
        for (end, _) in self.branch.match_indices('/') {
            let above = &self.branch[..end];
            if ws.repo.read.tip(&format!("refs/heads/{above}"))?.is_some() {
                return Ok(Some(above.to_owned()));
            }
        }
        let below = format!("refs/heads/{}/", self.branch);
        ws.repo.branch_below(&below)
    }

    pub(super) fn operation(&self, new: &NewTask) -> Operation {
        Operation::Spawn {
            branch: self.branch.clone(),
            base: new.base.clone(),
            worktree: self.worktree.clone(),
            owns: self.owns.clone(),
            ports: self.ports.clone(),
            waiting: new.waiting.clone(),
        }
    }

    /// Refuses a claim that a live task's claim could meet; answers it in its normal form.
    fn check_claim(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
    ) -> anyhow::Result<Vec<String>> {
        let claimant = Claimant {
            name: &new.name,
            owns: &new.owns,
            after: &self.after,
            planned: None,
        };
        let claims = ws.claims(&ws.repo, &claimant, in_force)?;
        claims.require_no_circle()?;
        if claims.own.is_empty() {
            if in_force.contract.scope.required {
                return Err(
                    Refusal::refused("every task here must say which paths it owns")
                        .hint("wt spawn <task> --owns 'src/auth/**' …")
                        .into(),
                );
            }
            return Ok(Vec::new());
        }
        claims.require_free()?;
        Ok(claims.own.patterns().to_vec())
    }
}

/// Those of the followed tasks that have not landed yet, each once.
///
/// # Errors
/// A refusal for one that does not exist, or whose work would not reach the new task's target.
fn live_among(ws: &Workspace, new: &NewTask) -> anyhow::Result<Vec<String>> {
    let mut live = Vec::new();
    for name in &new.after {
        if *name == new.name {
            return Err(Refusal::refused(format!(
                "task `{name}` would wait for ever: it waits for itself"
            ))
            .hint("name another task that it is to follow")
            .into());
        }
        let earlier = ws.store.require_task(name)?;
        if earlier.target != new.target {
            return Err(Refusal::refused(format!(
                "task `{name}` lands on {}, and `{}` on {}: it would start without that work",
                earlier.target, new.name, new.target
            ))
            .hint(format!("give both one target: --target {}", earlier.target))
            .into());
        }
        if earlier.state != State::Landed && !live.contains(name) {
            live.push(name.clone());
        }
    }
    Ok(live)
}
