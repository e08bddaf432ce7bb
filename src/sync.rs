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
use crate::git::{Change, Checkout, CheckoutMove, Combination, Entry, Repo};
use crate::halfway::{Moved, carry_out};
use crate::judge::{busy, clear_dead_judge, judge_at_work, snapshot_of, tip_and_uncommitted};
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
use refusal::{in_the_way, moved_meanwhile};

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
    /// Nothing was changed.
    Conflict(Conflict),
    /// The paths of the worktree that hold what is in no commit, and that the target changes; nothing was changed.
    InUse(Vec<String>),
}

/// Task and target can't be brought together in this way.
pub(crate) struct Conflict {
    /// The paths where they conflict.
    pub(crate) paths: Vec<String>,
    /// Whether a merge would bring them together.
    pub(crate) merges: bool,
}

/// A task that was looked at.
pub(crate) struct Synced {
    pub(crate) task: Task,
    /// The commit of the target.
    pub(crate) target: Oid,
    pub(crate) outcome: Outcome,
    /// The variables that were captured with another value than before.
    pub(crate) captured: Vec<String>,
    /// Whether rules or gate had changed and were written into the worktree anew.
    pub(crate) rules_renewed: bool,
}

/// Brings the target into one task.
///
/// # Errors
/// Refusals for whatever does not hold; nothing is changed then.
pub(crate) fn sync(ws: &Workspace, name: &str, request: &Request) -> anyhow::Result<Synced> {
    let (_lock, mut task) = ws.take_task(name)?;
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
    let mut rules_renewed = false;
    if matches!(outcome, Outcome::UpToDate | Outcome::Synced { .. }) {
        if let Some(operator) = request.operator {
            captured = capture_anew(ws, &mut task, &in_force, operator)?;
        }
        let current = copies::are_current(&ws.repo, &task, &in_force)?;
        rules_renewed = !(current.rules && current.gate);
        if rules_renewed {
            copies::write(&ws.repo, &ws.store, &mut task, &in_force)?;
            ws.store.save_task(&task)?;
        }
    }
    Ok(Synced {
        task,
        target,
        outcome,
        captured,
        rules_renewed,
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
            Err(conflict) => return Ok(Outcome::Conflict(conflict)),
        };
        let changes = repo.read.changes(&self.tip.tree, &tree)?;
        let in_use = repo.in_use(task, &self.tip.commit, self.uncommitted, &changes)?;
        if !in_use.is_empty() {
            return Ok(Outcome::InUse(in_use));
        }
        let new = commits.make(self, task)?;
        let (_, behind) = repo.read.ahead_behind(&self.tip.commit, self.target)?;
        let validated = self.validated_at(task, &new)?;
        let operation = Operation::Sync {
            old: self.tip.commit.clone(),
            new: new.clone(),
            validated: validated.clone(),
        };
        ws.store
            .intend(&task.name, &Identity::current()?, operation)?;
        self.carry_out(task, &new)?;
        record(ws, task, validated.as_ref())?;
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
            stays_validated: validated.is_some(),
            submodules: submodules_of(&changes),
        })
    }

    /// Moves branch and files to `new`; the intent stays open where that ended halfway.
    fn carry_out(&self, task: &Task, new: &Oid) -> anyhow::Result<()> {
        let (ws, repo) = (self.ws, self.repo);
        let step = CheckoutMove {
            checkout: Checkout::Task {
                task,
                git_dir: &repo.admin_dir(&task.admin),
            },
            reference: &task.branch_ref(),
            old: &self.tip.commit,
            new,
            reason: &format!("wt sync: {} {}", self.how.word(), task.target),
        };
        let error = match carry_out(repo, &step, |why| in_the_way(task, why)) {
            Moved::Done => return Ok(()),
            // The open intent lets the next command finish.
            Moved::Half(error) => return Err(error),
            Moved::ByAnother => moved_meanwhile(task).into(),
            Moved::Undone(error) => error,
        };
        ws.store.settle(&task.name)?;
        Err(error)
    }

    /// The task's validated snapshot once its branch is at `new`: all that its worktree holds then. None where what
    /// it holds now is not what was validated.
    fn validated_at(&self, task: &Task, new: &Oid) -> anyhow::Result<Option<Pinned>> {
        let validated = task.validated.as_ref();
        let Some(validated) = validated.filter(|_| task.state == State::Validated) else {
            return Ok(None);
        };
        let Some(held) = self.held(task)? else {
            return Ok(None);
        };
        if validated.snapshot.tree != held.tree {
            return Ok(None);
        }
        let repo = self.repo;
        if self.uncommitted.is_empty() {
            return Ok(Some(Pinned {
                commit: new.clone(),
                tree: repo.read.tree_of(new)?,
            }));
        }
        let Combination::Clean(tree) = repo.replay(&held.commit, &self.tip.commit, new)? else {
            return Ok(None);
        };
        let commit = repo.commit_by_machine(&tree, &[new], "wt: snapshot\n")?;
        Ok(Some(Pinned { commit, tree }))
    }

    /// All that the worktree holds; none where a commit can't hold it.
    fn held(&self, task: &Task) -> anyhow::Result<Option<Pinned>> {
        if self.uncommitted.is_empty() {
            return Ok(Some(self.tip.clone()));
        }
        let max_file = self.ws.max_file(self.repo, task)?;
        match snapshot_of(self.ws, self.repo, task, max_file) {
            Ok((snapshot, _)) => Ok(Some(snapshot)),
            Err(error) if error.is::<Refusal>() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn submodules_of(changes: &[Change]) -> Vec<String> {
    let is_submodule = |change: &&Change| change.after.as_ref().is_some_and(Entry::is_submodule);
    let found = changes.iter().filter(is_submodule);
    found.map(|change| change.path.clone()).collect()
}

/// Writes down what is the task's validated snapshot now, where it stays validated. Safe to repeat.
fn record(ws: &Workspace, task: &mut Task, snapshot: Option<&Pinned>) -> anyhow::Result<()> {
    let (Some(validated), Some(snapshot)) = (task.validated.as_mut(), snapshot) else {
        return Ok(());
    };
    validated.snapshot = snapshot.clone();
    validated.synced = true;
    ws.store.save_task(task)
}
