//! Bringing the target into a task: its branch and its files take up what has landed since, and nothing of what its
//! agent has there is lost.
//!
//! All is made in memory first; then the worktree is looked at; then branch and files move, or nothing does.

mod capture;
mod draft;
mod order;
mod recover;
mod refusal;

use crate::copies;
use crate::error::Refusal;
use crate::facts;
use crate::git::{Change, Checkout, CheckoutMove, CheckoutMoved, Entry, Repo};
use crate::halfway::{Left, take_back};
use crate::judge::{busy, clear_dead_judge, judge_at_work, tip_and_uncommitted};
use crate::oid::Oid;
use crate::process::Identity;
use crate::quarantine;
use crate::store::Operation;
use crate::task::{Pinned, State, Task};
use crate::workspace::Workspace;

use capture::capture_anew;
use draft::{Draft, draft};
pub(crate) use order::started_in_order;
pub(crate) use recover::recover;
use refusal::refusal_of;

/// How the target is brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By a merge commit, or none where the task has no commit of its own.
    Merge,
    /// By replaying the task's commits on the target.
    Rebase,
}

impl How {
    pub(crate) fn word(self) -> &'static str {
        match self {
            How::Merge => "merge",
            How::Rebase => "rebase",
        }
    }
}

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) how: How,
    /// The operator who calls, if one does: their surroundings are captured anew.
    pub(crate) operator: Option<&'a str>,
}

/// What came of it.
pub(crate) enum Outcome {
    /// The task has all of the target already.
    UpToDate,
    Synced {
        from: Oid,
        to: Oid,
        /// How many commits of the target are new to the task.
        commits: usize,
        /// Whether the task is validated and stays so: what landing judges is the combination.
        stays_validated: bool,
        /// The submodules that are to be at another commit now; what is checked out of them stays as it is.
        submodules: Vec<String>,
    },
    /// The paths where task and target conflict; nothing was changed.
    Conflict(Vec<String>),
    /// The paths of the worktree that hold what is in no commit, and that the target changes; nothing was changed.
    InUse(Vec<String>),
}

/// A task that was looked at.
pub(crate) struct Synced {
    pub(crate) task: Task,
    /// The commit of the target.
    pub(crate) target: Oid,
    pub(crate) outcome: Outcome,
    /// The variables that were captured with another value than before.
    pub(crate) captured: Vec<String>,
}

/// Brings the target into one task.
///
/// # Errors
/// Refusals for whatever does not hold; nothing is changed then.
pub(crate) fn sync(ws: &Workspace, name: &str, request: &Request) -> anyhow::Result<Synced> {
    ws.store.require_task(name)?;
    let _lock = ws.lock_task(name)?;
    let mut task = ws.store.require_task(name)?;
    clear_dead_judge(ws, &mut task)?;
    require_idle(ws, &task)?;
    let repo = ws.repo_for(&task);
    repo.git.require_version()?;
    let target = ws.target_tip(&task)?;
    let in_force = ws.in_force(&repo, &task.target, &target)?;
    let (tip, uncommitted) = tip_and_uncommitted(ws, &repo, &task)?;
    facts::note_seen(ws, name, uncommitted.clone())?;
    let outcome = if repo.read.is_ancestor(&target, &tip.commit)? {
        Outcome::UpToDate
    } else {
        let sync = Sync {
            ws,
            repo: &repo,
            target: &target,
            tip: &tip,
            uncommitted: &uncommitted,
            how: request.how,
        };
        sync.run(&mut task)?
    };
    let mut captured = Vec::new();
    if matches!(outcome, Outcome::UpToDate | Outcome::Synced { .. }) {
        if let Some(operator) = request.operator {
            captured = capture_anew(ws, &mut task, &in_force, operator)?;
        }
        if task.rules != in_force.rules || task.gate != in_force.gate {
            copies::write(&ws.repo, &ws.store, &mut task, &in_force)?;
            ws.store.save_task(&task)?;
        }
    }
    Ok(Synced {
        task,
        target,
        outcome,
        captured,
    })
}

/// # Errors
/// A refusal where somebody is at work on the task whom a branch that moves would disturb, and where it has no
/// worktree that could be brought up to date.
fn require_idle(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    let name = &task.name;
    ws.require_started(task)?;
    if task.state == State::Landed {
        return Err(Refusal::refused(format!("task `{name}` has landed"))
            .hint(format!("remove it: wt rm {name}"))
            .into());
    }
    let hint = format!(
        "in its cage: git merge {}; or once it has ended: wt sync {name}",
        task.target
    );
    quarantine::require_ended(ws, name, &hint)?;
    if ws.store.find_cage(name)?.is_some() {
        let what = format!("the cage of task `{name}` is still open from a wt run that was killed");
        return Err(Refusal::refused(what)
            .hint("see what stands in the way: wt doctor --fix")
            .into());
    }
    if let Some((order, _)) = judge_at_work(ws, task)? {
        let busy = busy(task, &order);
        let hint = busy.hint.as_deref().unwrap_or_default();
        let hint = format!("{hint}; then: wt sync {name}");
        return Err(busy.hint(hint).into());
    }
    if ws.store.find_intent(name)?.is_some() {
        let what = format!("what a killed command left of task `{name}` is not mended yet");
        return Err(Refusal::refused(what)
            .hint("see what stands in the way: wt doctor")
            .into());
    }
    Ok(())
}

/// One task whose target has what it has not.
struct Sync<'a> {
    ws: &'a Workspace<'a>,
    /// Git in the task's captured environment.
    repo: &'a Repo,
    target: &'a Oid,
    /// The tip of the task's branch.
    tip: &'a Pinned,
    uncommitted: &'a [String],
    how: How,
}

impl Sync<'_> {
    fn run(&self, task: &mut Task) -> anyhow::Result<Outcome> {
        let (ws, repo) = (self.ws, self.repo);
        repo.require_at_rest(task)?;
        let Draft { tree, commits } = match draft(self, task)? {
            Ok(draft) => draft,
            Err(paths) => return Ok(Outcome::Conflict(paths)),
        };
        let changes = repo.read.changes(&self.tip.tree, &tree)?;
        let in_use = repo.in_use(task, &self.tip.commit, self.uncommitted, &changes)?;
        if !in_use.is_empty() {
            return Ok(Outcome::InUse(in_use));
        }
        let new = commits.make(self, task)?;
        let (_, behind) = repo.read.ahead_behind(&self.tip.commit, self.target)?;
        let stays_validated = self.is_validated(task);
        let operation = Operation::Sync {
            old: self.tip.commit.clone(),
            new: new.clone(),
            stays_validated,
        };
        ws.store
            .intend(&task.name, &Identity::current()?, operation)?;
        let reason = format!("wt sync: {} {}", self.how.word(), task.target);
        let step = CheckoutMove {
            checkout: Checkout::Task {
                task,
                git_dir: &repo.admin_dir(&task.admin),
            },
            reference: &task.branch_ref(),
            old: &self.tip.commit,
            new: &new,
            reason: &reason,
        };
        let moved = match repo.move_checkout(&step) {
            Ok(moved) => moved,
            Err(error) => match take_back(repo, &step) {
                Left::Moved => CheckoutMoved::Done,
                Left::Nothing => {
                    ws.store.settle(&task.name)?;
                    return Err(error.context("nothing was changed"));
                }
                // The open intent lets the next command finish.
                Left::Half(why) => return Err(why.context(error)),
            },
        };
        if let Some(refusal) = refusal_of(task, &moved) {
            ws.store.settle(&task.name)?;
            return Err(refusal.into());
        }
        record(ws, task, &new, stays_validated)?;
        ws.record(
            &ws.event(&task.name, "synced")
                .fact("target", task.target.as_str())
                .fact("how", self.how.word())
                .fact("from", self.tip.commit.as_str())
                .fact("to", new.as_str()),
        )?;
        ws.store.settle(&task.name)?;
        Ok(Outcome::Synced {
            from: self.tip.commit.clone(),
            to: new,
            commits: behind,
            stays_validated,
            submodules: submodules_of(&changes),
        })
    }

    /// Whether all that the worktree holds is what was validated.
    fn is_validated(&self, task: &Task) -> bool {
        let validated = task
            .validated
            .as_ref()
            .filter(|_| task.state == State::Validated && self.uncommitted.is_empty());
        validated.is_some_and(|validated| validated.snapshot.tree == self.tip.tree)
    }
}

fn submodules_of(changes: &[Change]) -> Vec<String> {
    let is_submodule = |change: &&Change| change.after.as_ref().is_some_and(Entry::is_submodule);
    let found = changes.iter().filter(is_submodule);
    found.map(|change| change.path.clone()).collect()
}

/// Writes down what moving the branch to `new` means for the task's validation. Safe to repeat.
fn record(ws: &Workspace, task: &mut Task, new: &Oid, stays_validated: bool) -> anyhow::Result<()> {
    let Some(validated) = task.validated.as_mut().filter(|_| stays_validated) else {
        return Ok(());
    };
    validated.snapshot = Pinned {
        commit: new.clone(),
        tree: ws.repo.read.tree_of(new)?,
    };
    validated.synced = true;
    ws.store.save_task(task)
}
