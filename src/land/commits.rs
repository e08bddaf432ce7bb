//! The commits of a landing, by strategy: drafted before they are judged, finished with their trailers after.

use std::path::PathBuf;

use serde::Serialize;

use crate::candidate::{Candidate, conflict};
use crate::contract::Strategy;
use crate::error::Refusal;
use crate::git::{Checkout, CommitRequest, Repo};
use crate::memory::{Block, Outcome};
use crate::oid::Oid;
use crate::remember::{self, Ending};
use crate::replay::{Replay, Replayed, loses_a_merge};
use crate::task::{Pinned, Task};
use crate::weakened::Weakening;
use crate::workspace::Workspace;

use super::attempt::{Attempt, Car};
use super::message;
use super::proof::{Judged, Outlook, outlook};
use super::ready::Work;
use super::target::Place;

/// What is to land, before it has its last commit.
pub(super) struct Draft {
    pub(super) candidate: Candidate,
    pub(super) strategy: Strategy,
    /// With the rebase strategy: the task's commits.
    replay: Replay,
}

/// A task that would land.
#[derive(Debug, Serialize)]
pub(crate) struct PlannedCar {
    pub(crate) task: String,
    pub(crate) strategy: Strategy,
    /// Of the target with this task and all before it.
    pub(crate) tree: String,
    pub(crate) paths: Vec<String>,
    /// Whether a receipt covers that tree already.
    pub(crate) judged: bool,
    /// The steps that would judge it and that are known to fail on the target as it stands.
    pub(crate) target_red: Vec<String>,
    /// What of the change makes tests weaker.
    pub(crate) tests_weakened: Vec<Weakening>,
}

impl PlannedCar {
    /// `whole` is all that the target becomes with `car` and those before it.
    pub(super) fn new(car: &Car, whole: &Candidate, outlook: Outlook) -> Self {
        let Outlook { judged, target_red } = outlook;
        Self {
            task: car.name().to_owned(),
            strategy: car.draft.strategy,
            tree: whole.pinned.tree.to_string(),
            paths: car.draft.candidate.paths.clone(),
            judged,
            target_red,
            tests_weakened: car.tests_weakened.clone(),
        }
    }
}

/// What a dry run shows.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    #[serde(flatten)]
    pub(crate) car: PlannedCar,
    pub(crate) target: String,
    pub(crate) target_commit: String,
    pub(crate) judge_changed: Vec<String>,
    /// The checkout whose files are moved along.
    pub(crate) checkout: Option<PathBuf>,
    /// Paths of that checkout that a person's own work stands in the way of.
    pub(crate) in_the_way: Vec<String>,
    /// Whether such a change wants the operator's word.
    #[serde(skip)]
    pub(crate) tests_protected: bool,
}

impl Plan {
    pub(super) fn new(car: &Car, place: &Place) -> anyhow::Result<Self> {
        let candidate = &car.draft.candidate;
        Ok(Self {
            car: PlannedCar::new(car, candidate, outlook(car, candidate)?),
            target: car.attempt.task.target.clone(),
            target_commit: candidate.target.to_string(),
            judge_changed: car.judge_changed.clone(),
            tests_protected: car.tests_protected(),
            checkout: place.checkout().cloned(),
            in_the_way: place.in_the_way().to_vec(),
        })
    }
}

/// Drafts the landing: with merge and squash the candidate's tree as it is, with rebase the tree that replaying the
/// commits one by one gives, which may be another one and is what must be judged then.
pub(super) fn draft(attempt: &Attempt, tip: &Pinned, combined: Candidate) -> anyhow::Result<Draft> {
    let strategy = attempt
        .request
        .strategy
        .unwrap_or(attempt.in_force.contract.land.strategy);
    if strategy != Strategy::Rebase {
        return Ok(Draft {
            candidate: combined,
            strategy,
            replay: Replay::nothing(),
        });
    }
    let read = &attempt.repo.read;
    let mut replay = Replay::of(read, &combined.target, &tip.commit)?;
    let replayed = replay.rehearse(attempt.repo, &combined.target)?;
    let onto = require_clean(attempt.task, replayed)?;
    let tree = read.tree_of(&onto)?;
    if replay.leaves_merges_out && tree != combined.pinned.tree {
        return Err(loses_a_merge(attempt.task)
            .hint("land it with --strategy squash or merge")
            .into());
    }
    let changes = read.changes(&read.tree_of(&combined.target)?, &tree)?;
    let paths = changes.iter().map(|c| c.path.clone()).collect();
    let candidate = Candidate {
        pinned: Pinned { commit: onto, tree },
        target: combined.target,
        changes,
        paths,
    };
    Ok(Draft {
        candidate,
        strategy,
        replay,
    })
}

fn require_clean(task: &Task, replayed: Replayed) -> anyhow::Result<Oid> {
    match replayed {
        Replayed::At(tip) => Ok(tip),
        Replayed::Conflict(paths) => Err(conflict(task, &paths)
            .hint(format!(
                "its commits conflict one by one: land it with --strategy squash or merge, \
                 or in its worktree: git rebase {}, then wt validate",
                task.target
            ))
            .into()),
    }
}

/// Makes the landing commits, each on the one before it, the first on the target; their trees are those of the
/// drafts, the last one's the tree that was judged.
pub(super) fn finish(judged: &Judged) -> anyhow::Result<Vec<Oid>> {
    let mut chain: Vec<Oid> = Vec::new();
    for car in judged.cars() {
        let onto = chain.last().unwrap_or(judged.target());
        chain.push(landing_commit(car, onto, judged.receipt())?);
    }
    Ok(chain)
}

fn landing_commit(car: &Car, onto: &Oid, receipt: &str) -> anyhow::Result<Oid> {
    car.say_weakened();
    let Car { attempt, draft, .. } = car;
    let tree = &draft.candidate.pinned.tree;
    let trailers = message::Trailers {
        task: car.name(),
        receipt,
        note: block(car, receipt),
    };
    let repo = &attempt.ws.repo;
    let commit = match draft.strategy {
        Strategy::Merge | Strategy::Squash => {
            let text = message::of_landing(attempt, draft)?;
            let text = message::with_trailers(repo, &text, &trailers)?;
            let both = [onto, &attempt.work.tip.commit];
            let parents = if draft.strategy == Strategy::Merge {
                &both[..]
            } else {
                &both[..1]
            };
            repo.commit_by_operator(&CommitRequest {
                tree,
                parents,
                message: &text,
                author_of: None,
            })?
        }
        Strategy::Rebase => rebased(car, onto, &trailers)?,
    };
    if repo.read.tree_of(&commit)? != *tree {
        anyhow::bail!("the landing commit {commit} does not hold the judged tree {tree}");
    }
    Ok(commit)
}

/// What is to be remembered of the task, for its landing commit.
fn block(car: &Car, receipt: &str) -> Option<Block> {
    let Attempt {
        ws, task, in_force, ..
    } = car.attempt;
    let ending = Ending {
        outcome: Outcome::Landed,
        at: ws.ctx.now,
        receipt: Some(receipt),
        changes: &car.draft.candidate.changes,
        in_force: Some(in_force),
    };
    let note = || remember::note_of(ws, task, &ending);
    let in_history = in_force.contract.memory.in_history;
    in_history.then(|| Block::of(&note()))
}

fn rebased(car: &Car, onto: &Oid, trailers: &message::Trailers) -> anyhow::Result<Oid> {
    let Car { attempt, draft, .. } = car;
    let repo = &attempt.ws.repo;
    let replayed = draft.replay.onto(repo, onto, |step| {
        let mut text = repo.read.message(step.original)?;
        if step.is_last {
            let text_of_last = attempt.request.message.unwrap_or(&text);
            text = message::with_trailers(repo, text_of_last, trailers)?;
        } else if text != message::without_trailers(&text) + "\n" {
            text = message::without_trailers(&text) + "\n";
        }
        repo.commit_by_operator(&CommitRequest {
            tree: step.tree,
            parents: &[step.parent],
            message: &text,
            author_of: Some(step.original),
        })
    })?;
    require_clean(attempt.task, replayed)
}

/// Makes the commit of a judged snapshot, in the operator's name. The branch does not move yet.
pub(super) fn of_work(
    ws: &Workspace,
    task: &Task,
    snapshot: &Pinned,
    branch: &Oid,
    message: Option<&str>,
) -> anyhow::Result<Oid> {
    let subject = if let Some(message) = message {
        message.to_owned()
    } else {
        let read = &ws.repo.read;
        let changes = read.changes(&read.tree_of(branch)?, &snapshot.tree)?;
        message::subject_of_work(task, &changes)
    };
    ws.repo.commit_by_operator(&CommitRequest {
        tree: &snapshot.tree,
        parents: &[branch],
        message: &format!("{}\n", subject.trim_end()),
        author_of: None,
    })
}

/// Moves the task's branch to the commit of its work, if it is not there, and tells the worktree's own index, so that
/// nothing looks changed.
pub(super) fn publish_work(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    work: &Work,
) -> anyhow::Result<()> {
    let commit = &work.tip.commit;
    if repo.tip_of(task)? == *commit {
        return Ok(());
    }
    // The worktree goes soon; where it stays, a stale index would only show as changes that are none.
    let read_tree = |args: &[&str]| repo.on_own_index(task, args).run();
    // Not `-m`: that refuses where a file differs from the index, as all that is to be committed does. `--reset` alone
    // keeps to a sparse cone, and refuses where an agent has set an entry's bits.
    let show = |commit: &Oid| {
        read_tree(&["read-tree", "--reset", commit.as_str()])
            .or_else(|_| read_tree(&["read-tree", commit.as_str()]))
    };
    // Git that was killed a moment ago, or before, may have left its lock.
    let unlock = || {
        let git_dir = repo.admin_dir(&task.admin);
        let checkout = Checkout::Task {
            task,
            git_dir: &git_dir,
        };
        repo.remove_dead_locks(Some(checkout), &task.branch_ref())
    };
    // Before the branch: cut off in between, all that is to be committed is staged. The other way round it would look
    // as if it were to be undone.
    show(commit).or_else(|_| unlock().and_then(|()| show(commit)))?;
    unlock()?;
    let (old, new) = (Some(&work.branch), Some(commit));
    let moved = ws.repo.move_ref(&task.branch_ref(), old, new, "wt: commit");
    // It may have moved before git was killed.
    let moved = moved.or_else(|error| {
        unlock()?;
        let has_moved = repo.tip_of(task)? == *commit;
        if has_moved { Ok(true) } else { Err(error) }
    });
    if !matches!(moved, Ok(true)) {
        let _ = show(&work.branch);
    }
    if !moved? {
        return Err(branch_moved(task).into());
    }
    ws.record(
        &ws.event(&task.name, "committed")
            .fact("commit", commit.as_str()),
    )
}

/// What is said where the task's branch is no longer what was judged.
pub(super) fn branch_moved(task: &Task) -> Refusal {
    Refusal::refused(format!("{} moved meanwhile", task.branch))
        .hint(format!("wt validate {}", task.name))
}
