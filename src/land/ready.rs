//! What must hold of a task before it may land: it is at rest, and all of its work was judged green.

use crate::error::{Code, Refusal, some_of};
use crate::gate::Purpose;
use crate::git::Repo;
use crate::judge::{self, clear_dead_judge, judge_at_work, snapshot_of, tip_and_uncommitted};
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::quarantine;
use crate::store::Lock;
use crate::task::{Pinned, State, Task};
use crate::workspace::Workspace;

use super::{Landed, Patience, Request, commits};

/// A task that may land, as far as itself goes.
pub(super) struct Member<'r> {
    pub(super) request: Request<'r>,
    /// The record as it was looked at.
    pub(super) task: Task,
    /// Git in the task's captured environment.
    pub(super) repo: Repo,
    pub(super) work: Work,
}

/// Holds a task against all that must be so before it lands; it is locked from then on.
pub(super) fn ready<'r>(
    ws: &Workspace,
    request: Request<'r>,
) -> anyhow::Result<(Member<'r>, Lock)> {
    let (lock, mut task) = ws.take_task(request.task)?;
    clear_dead_judge(ws, &mut task)?;
    require_landable(ws, &task)?;
    let work = ready_work(ws, &task, &request)?;
    let member = Member {
        request,
        repo: ws.repo_for(&task),
        task,
        work,
    };
    Ok((member, lock))
}

/// The record of a task that has not landed.
///
/// # Errors
/// A refusal where it has, or where there is none.
pub(super) fn require_unlanded(ws: &Workspace, name: &str) -> anyhow::Result<Task> {
    let task = ws.store.require_task(name)?;
    if task.state == State::Landed {
        require_landable(ws, &task)?;
    }
    Ok(task)
}

/// How a task has landed that had not when its turn was asked for: another landing took it along.
pub(super) fn landed_meanwhile(ws: &Workspace, name: &str) -> anyhow::Result<Option<Landed>> {
    let (task, removed) = if let Some(task) = ws.store.find_task(name)? {
        (task, false)
    } else {
        let past = ws.store.trashed()?.into_iter().rev();
        let mut past = past.filter_map(|(_, trashed)| trashed.ok());
        match past.find(|trashed| trashed.task.name == name) {
            Some(trashed) => (trashed.task, true),
            None => return Ok(None),
        }
    };
    let Some(landing) = task.landing.clone() else {
        return Ok(None);
    };
    ws.ctx.ui.say(&format!(
        "task `{name}` has landed meanwhile, by another command"
    ));
    Ok(Some(Landed {
        task,
        commit: landing.commit,
        receipt: landing.receipt,
        together: landing.together,
        pushed_to: None,
        kept_because: None,
        removed,
    }))
}

/// Where a landing was killed, its judge goes on: its verdict is waited for, so that nothing is judged twice.
pub(super) fn await_judge_of_landing(
    ws: &Workspace,
    name: &str,
    patience: Patience,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    if patience != Patience::Wait {
        // Then the judge at work is in the way, which is said.
        return Ok(());
    }
    let Some(task) = ws.store.find_task(name)? else {
        return Ok(());
    };
    if let Some((order, _)) = judge_at_work(ws, &task)?
        && order.purpose != Purpose::Validate
    {
        ws.ctx.ui.say(&format!(
            "{name}: a landing that was killed is being judged still; waiting for its verdict"
        ));
        let verdict = judge::follow(ws, name, order.run, interrupt)?;
        if verdict.code == Code::Interrupted {
            return Err(Refusal::new(Code::Interrupted, "interrupted").into());
        }
    }
    Ok(())
}

/// # Errors
/// A refusal where somebody is at work on the task, or it is not validated.
pub(super) fn require_landable(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    let hint = format!(
        "it must end first; once it has: wt merge {name}",
        name = task.name
    );
    quarantine::require_ended(ws, &task.name, &hint)?;
    if let Some((order, _)) = judge_at_work(ws, task)? {
        return Err(judge::busy(task, &order).into());
    }
    ws.require_started(task)?;
    task.require_planned()?;
    let refusal = match task.state {
        State::Validated => return Ok(()),
        State::Stopped => Refusal::new(Code::Stopped, format!("task `{}` is stopped", task.name))
            .hint(format!(
                "see why: wt show {0}; give it another budget: wt resume {0} --because \"…\"",
                task.name
            )),
        State::Landed => Refusal::refused(format!("task `{}` has landed already", task.name))
            .hint(format!("remove it: wt rm {}", task.name)),
        State::Waiting | State::Planning | State::Working | State::Failed => {
            let name = &task.name;
            let validate = match task.state {
                State::Failed => {
                    format!("mend it, then: wt validate {name} --cause \"<why it failed>\"")
                }
                _ => format!("wt validate {name}"),
            };
            let word = task.state.word();
            Refusal::refused(format!("task `{name}` is {word}, not validated")).hint(validate)
        }
    };
    Err(refusal.into())
}

/// What is to land of a task: all of its work in one commit, judged green.
pub(super) struct Work {
    pub(super) tip: Pinned,
    /// Where the branch stands: at `tip`, or at its parent while `tip` is a commit of `--commit` that nobody sees yet.
    pub(super) branch: Oid,
}

impl Work {
    /// Whether a branch whose tip is `tip` holds this and nothing newer.
    pub(super) fn is_at(&self, tip: &Oid) -> bool {
        *tip == self.branch || *tip == self.tip.commit
    }
}

fn ready_work(ws: &Workspace, task: &Task, request: &Request) -> anyhow::Result<Work> {
    let repo = ws.repo_for(task);
    if !request.commit {
        return committed_work(ws, &repo, task);
    }
    let max_file = ws.max_file(&repo, task)?;
    let (snapshot, uncommitted) = snapshot_of(ws, &repo, task, max_file)?;
    let branch = repo.tip_of(task)?;
    if uncommitted.is_empty() || snapshot.commit == branch {
        require_judged(task, &snapshot.tree, "the tip of its branch")?;
        return Ok(Work {
            tip: snapshot,
            branch,
        });
    }
    require_judged(task, &snapshot.tree, "its uncommitted work")?;
    if request.dry_run {
        return Ok(Work {
            tip: snapshot,
            branch,
        });
    }
    let commit = commits::of_work(ws, task, &snapshot, &branch, request.message)?;
    let tip = Pinned {
        commit,
        tree: snapshot.tree,
    };
    Ok(Work { tip, branch })
}

/// # Errors
/// A refusal where there is uncommitted work; none of it was stored.
fn committed_work(ws: &Workspace, repo: &Repo, task: &Task) -> anyhow::Result<Work> {
    let (tip, uncommitted) = tip_and_uncommitted(ws, repo, task)?;
    if !uncommitted.is_empty() {
        return Err(Refusal::refused(format!(
            "task `{}` has uncommitted work: {}",
            task.name,
            some_of(&uncommitted)
        ))
        .hint(format!(
            "commit it in the worktree, or let wt do it: wt merge {} --commit -m \"<message>\"",
            task.name
        ))
        .into());
    }
    require_judged(task, &tip.tree, "the tip of its branch")?;
    let branch = tip.commit.clone();
    Ok(Work { tip, branch })
}

/// # Errors
/// A refusal where `tree`, which is that of `what`, is not the one that was validated.
pub(super) fn require_judged(task: &Task, tree: &Oid, what: &str) -> anyhow::Result<()> {
    if task
        .validated
        .as_ref()
        .is_some_and(|v| v.snapshot.tree == *tree)
    {
        return Ok(());
    }
    Err(Refusal::refused(format!(
        "task `{}` has changed since it was validated: {what} was not judged",
        task.name
    ))
    .hint(format!("wt validate {}", task.name))
    .into())
}
