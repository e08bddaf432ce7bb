//! A candidate: a snapshot combined with the target as it stands, and what that changes there.

mod trespass;
mod upheld;

use crate::contract::{Contract, JudgeInputs};
use crate::error::{Code, Refusal, some_of};
use crate::gate;
use crate::git::{Change, Combination, Entry, Reader, Repo, nested, too_large};
use crate::oid::Oid;
use crate::task::{Pinned, Task};

pub(crate) use trespass::{Trespass, trespass_of, trespass_text, trespass_verdict, trespasses};
pub(crate) use upheld::{breaches, weakened};

/// What would land.
pub(crate) struct Candidate {
    pub(crate) pinned: Pinned,
    /// What it was combined with: the tip of the target, or, in a train, what goes before it there.
    pub(crate) target: Oid,
    /// Every path that it changes there: never reckoned from a base that the task chose.
    pub(crate) changes: Vec<Change>,
    pub(crate) paths: Vec<String>,
}

/// What combining came to.
pub(crate) enum Combined {
    Clean(Candidate),
    /// The paths where they conflict.
    Conflict(Vec<String>),
}

/// Combines `snapshot` with the tip of the task's target.
///
/// # Errors
/// A refusal ([`Code::Conflict`]) that names the paths where they conflict.
pub(crate) fn combine(
    repo: &Repo,
    task: &Task,
    snapshot: &Pinned,
    target: &Oid,
) -> anyhow::Result<Candidate> {
    match combine_onto(repo, task, snapshot, target, target)? {
        Combined::Clean(candidate) => Ok(candidate),
        Combined::Conflict(paths) => Err(conflict(task, &paths).into()),
    }
}

/// Combines `snapshot` with `onto`: the tip of the task's target, or what goes before it there in a train. What it
/// brings along is held against the target itself: what only goes before it has not landed yet.
pub(crate) fn combine_onto(
    repo: &Repo,
    task: &Task,
    snapshot: &Pinned,
    target: &Oid,
    onto: &Oid,
) -> anyhow::Result<Combined> {
    require_landed_parents(repo, task, target, &snapshot.commit)?;
    let pinned = if repo.read.is_ancestor(onto, &snapshot.commit)? {
        snapshot.clone()
    } else {
        require_common_commit(repo, task, target, &snapshot.commit)?;
        match repo.combine(onto, &snapshot.commit)? {
            Combination::Conflict(paths) => return Ok(Combined::Conflict(paths)),
            Combination::Clean(tree) => {
                let commit =
                    repo.commit_by_machine(&tree, &[onto, &snapshot.commit], "wt: candidate\n")?;
                Pinned { commit, tree }
            }
        }
    };
    let candidate = between(&repo.read, onto, pinned)?;
    require_declared(repo, &candidate.pinned, &candidate.changes)?;
    Ok(Combined::Clean(candidate))
}

/// What `pinned` is on top of `target`.
pub(crate) fn between(read: &Reader, target: &Oid, pinned: Pinned) -> anyhow::Result<Candidate> {
    let changes = read.changes(&read.tree_of(target)?, &pinned.tree)?;
    let mut paths: Vec<String> = changes.iter().map(|c| c.path.clone()).collect();
    paths.dedup();
    Ok(Candidate {
        pinned,
        target: target.clone(),
        changes,
        paths,
    })
}

/// A committed repository that no `.gitmodules` declares would be an empty folder for everyone else.
fn require_declared(repo: &Repo, candidate: &Pinned, changes: &[Change]) -> anyhow::Result<()> {
    let new = |change: &&Change| change.after.as_ref().is_some_and(Entry::is_submodule);
    let mut new = changes.iter().filter(new).peekable();
    if new.peek().is_none() {
        return Ok(());
    }
    let declared = repo.declared_submodules(&candidate.tree)?;
    match new.find(|change| !declared.contains(&change.path)) {
        Some(change) => Err(nested(&change.path).into()),
        None => Ok(()),
    }
}

/// Holds the changed files, committed ones too, against the size limit, in bytes.
///
/// # Errors
/// A refusal that names the first that is past it.
pub(crate) fn require_sizes(
    read: &Reader,
    candidate: &Candidate,
    limit: u64,
) -> anyhow::Result<()> {
    let files: Vec<(&str, &Oid)> = candidate
        .changes
        .iter()
        .filter_map(|change| Some((change.path.as_str(), change.after.as_ref()?)))
        .filter(|(_, after)| !after.is_submodule())
        .map(|(path, after)| (path, &after.oid))
        .collect();
    let blobs: Vec<&Oid> = files.iter().map(|(_, oid)| *oid).collect();
    let sizes = read.sizes(&blobs)?;
    match files.iter().zip(sizes).find(|(_, size)| *size > limit) {
        Some(((path, _), size)) => Err(too_large(path, size, limit).into()),
        None => Ok(()),
    }
}

/// The refusal for work that conflicts with the target.
pub(crate) fn conflict(task: &Task, paths: &[String]) -> Refusal {
    Refusal::new(
        Code::Conflict,
        format!(
            "task `{}` conflicts with {} in: {}",
            task.name,
            task.target,
            some_of(paths)
        ),
    )
    .hint(solve(task))
}

/// How a conflict with the target is solved.
pub(crate) fn solve(task: &Task) -> String {
    format!(
        "in its worktree: git merge {}, solve it, commit, then wt validate",
        task.target
    )
}

/// # Errors
/// A refusal where no merge could say what changed on which side.
pub(crate) fn require_common_commit(
    repo: &Repo,
    task: &Task,
    target: &Oid,
    tip: &Oid,
) -> anyhow::Result<()> {
    if repo.read.merge_base(target, tip)?.is_some() {
        return Ok(());
    }
    Err(Refusal::refused(format!(
        "task `{}` has no commit in common with {}",
        task.name, task.target
    ))
    .hint(format!(
        "in its worktree: git rebase --onto {} --root",
        task.target
    ))
    .into())
}

/// Every parent but the first of the task's new commits must be on the target already: a merge of a sibling with
/// `-s ours` would make the sibling's work vanish when it lands.
fn require_landed_parents(repo: &Repo, task: &Task, target: &Oid, tip: &Oid) -> anyhow::Result<()> {
    for (commit, parents) in repo.read.new_commits(target, tip)? {
        for parent in parents.iter().skip(1) {
            if !repo.read.is_ancestor(parent, target)? {
                return Err(Refusal::refused(format!(
                    "commit {} of task `{}` merges {}, which is not on {}",
                    commit.short(),
                    task.name,
                    parent.short(),
                    task.target
                ))
                .hint(format!(
                    "land the other work first, or take the merge out: git rebase {} in the worktree",
                    task.target
                ))
                .into());
            }
        }
    }
    Ok(())
}

/// The changed paths that change what the gate's words mean.
pub(crate) fn judge_changed(
    read: &Reader,
    contract: &Contract,
    changes: &[Change],
) -> anyhow::Result<Vec<String>> {
    let mut inputs = contract.judge.inputs.clone();
    inputs.extend(gate::looked_up(contract));
    let inputs = JudgeInputs::parse(&inputs)?;
    let mut touched = Vec::new();
    for change in changes {
        let content = |entry: &Option<Entry>| -> anyhow::Result<Option<Vec<u8>>> {
            match entry {
                Some(entry) if inputs.wants_content(&change.path) && !entry.is_submodule() => {
                    read.blob(&entry.oid).map(Some)
                }
                _ => Ok(None),
            }
        };
        let (before, after) = (content(&change.before)?, content(&change.after)?);
        // A script that the gate names, as the target has it, is the gate; a file of rules is one from the start.
        let named = change.before.is_some() && gate::names(contract, &change.path)
            || contract.rules.include.contains(&change.path);
        if named || inputs.touched(&change.path, before.as_deref(), after.as_deref()) {
            touched.push(change.path.clone());
        }
    }
    touched.dedup();
    Ok(touched)
}
