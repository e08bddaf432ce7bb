//! What a synced task would be: its tree, made in memory, and then its commits in the operator's name.

use super::{Conflict, How, Sync};
use crate::candidate;
use crate::git::{Combination, CommitRequest};
use crate::oid::Oid;
use crate::replay::{Replay, Replayed, loses_a_merge};
use crate::task::Task;

/// A synced task, before it has a commit that anybody sees.
pub(super) struct Draft {
    pub(super) tree: Oid,
    pub(super) commits: Commits,
}

/// The commits that are still to be made.
pub(super) enum Commits {
    /// None: the task has none of its own, and stands where its target does.
    None,
    /// One, of both.
    Merge { tree: Oid },
    /// The task's own, once more.
    Replayed(Replay),
}

/// Drafts the sync, or answers where task and target conflict.
///
/// # Errors
/// Refusals for a history that can't be combined, and for a merge whose own work a rebase would lose.
pub(super) fn draft(sync: &Sync, task: &Task) -> anyhow::Result<Result<Draft, Conflict>> {
    let (repo, target, tip) = (sync.repo, sync.target, &sync.tip.commit);
    candidate::require_common_commit(repo, task, target, tip)?;
    if repo.read.is_ancestor(tip, target)? {
        return Ok(Ok(Draft {
            tree: repo.read.tree_of(target)?,
            commits: Commits::None,
        }));
    }
    match sync.how {
        How::Merge => Ok(match repo.combine(tip, target)? {
            Combination::Conflict(paths) => Err(unmergeable(paths)),
            Combination::Clean(tree) => Ok(Draft {
                tree: tree.clone(),
                commits: Commits::Merge { tree },
            }),
        }),
        How::Rebase => rebase(sync, task),
    }
}

fn unmergeable(paths: Vec<String>) -> Conflict {
    Conflict {
        paths,
        merges: false,
    }
}

fn rebase(sync: &Sync, task: &Task) -> anyhow::Result<Result<Draft, Conflict>> {
    let (repo, target, tip) = (sync.repo, sync.target, &sync.tip.commit);
    let mut replay = Replay::of(&repo.read, target, tip)?;
    let tree = match replay.rehearse(repo, target)? {
        Replayed::Conflict(paths) => {
            let merged = repo.combine(tip, target)?;
            let merges = matches!(merged, Combination::Clean(_));
            return Ok(Err(Conflict { paths, merges }));
        }
        Replayed::At(last) => repo.read.tree_of(&last)?,
    };
    if replay.leaves_merges_out {
        match repo.combine(tip, target)? {
            Combination::Conflict(paths) => return Ok(Err(unmergeable(paths))),
            Combination::Clean(both) if both == tree => {}
            Combination::Clean(_) => {
                let hint = format!("bring {} in by a merge: wt sync {}", task.target, task.name);
                return Err(loses_a_merge(task).hint(hint).into());
            }
        }
    }
    Ok(Ok(Draft {
        tree,
        commits: Commits::Replayed(replay),
    }))
}

impl Commits {
    /// Makes them, in the operator's name; answers the last.
    pub(super) fn make(&self, sync: &Sync, task: &Task) -> anyhow::Result<Oid> {
        let (repo, target, tip) = (&sync.ws.repo, sync.target, &sync.tip.commit);
        match self {
            Commits::None => Ok(target.clone()),
            Commits::Merge { tree } => repo.commit_by_operator(&CommitRequest {
                tree,
                parents: &[tip, target],
                message: &format!("Merge branch '{}' into {}\n", task.target, task.branch),
                author_of: None,
            }),
            Commits::Replayed(replay) => {
                let replayed = replay.onto(repo, target, |step| {
                    repo.commit_by_operator(&CommitRequest {
                        tree: step.tree,
                        parents: &[step.parent],
                        message: &repo.read.message(step.original)?,
                        author_of: Some(step.original),
                    })
                })?;
                match replayed {
                    Replayed::At(last) => Ok(last),
                    Replayed::Conflict(paths) => Err(candidate::conflict(task, &paths).into()),
                }
            }
        }
    }
}
