//! A candidate: a snapshot combined with the target as it stands, and what that changes there.

use std::fmt::Write as _;

use crate::contract::{Contract, JudgeInputs};
use crate::error::{Code, Refusal};
use crate::git::{Change, Combination, Reader, Repo};
use crate::oid::Oid;
use crate::scope::{Standing, Territory};
use crate::task::{Pinned, Task};

/// What would land.
pub(crate) struct Candidate {
    pub(crate) pinned: Pinned,
    /// Tip of the target that it was combined with.
    pub(crate) target: Oid,
    /// Every path that it changes there: never reckoned from a base that the task chose.
    pub(crate) changes: Vec<Change>,
    pub(crate) paths: Vec<String>,
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
    require_landed_parents(repo, task, target, &snapshot.commit)?;
    let pinned = if repo.read.is_ancestor(target, &snapshot.commit)? {
        snapshot.clone()
    } else {
        match repo.combine(target, &snapshot.commit)? {
            Combination::Conflict(paths) => return Err(conflict(task, &paths).into()),
            Combination::Clean(tree) => {
                let commit =
                    repo.commit_by_machine(&tree, &[target, &snapshot.commit], "wt: candidate\n")?;
                Pinned { commit, tree }
            }
        }
    };
    let changes = repo
        .read
        .changes(&repo.read.tree_of(target)?, &pinned.tree)?;
    let mut paths: Vec<String> = changes.iter().map(|c| c.path.clone()).collect();
    paths.dedup();
    Ok(Candidate {
        pinned,
        target: target.clone(),
        changes,
        paths,
    })
}

/// The refusal for work that conflicts with the target.
pub(crate) fn conflict(task: &Task, paths: &[String]) -> Refusal {
    Refusal::new(
        Code::Conflict,
        format!(
            "task `{}` conflicts with {} in: {}",
            task.name,
            task.target,
            paths.join(", ")
        ),
    )
    .hint(format!(
        "in its worktree: git merge {}, solve it, commit, then wt validate",
        task.target
    ))
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
    let inputs = JudgeInputs::parse(&contract.judge.inputs)?;
    let mut touched = Vec::new();
    for change in changes {
        let content = |entry: &Option<crate::git::Entry>| -> anyhow::Result<Option<Vec<u8>>> {
            match entry {
                Some(entry) if inputs.wants_content(&change.path) && !entry.is_submodule() => {
                    read.blob(&entry.oid).map(Some)
                }
                _ => Ok(None),
            }
        };
        let (before, after) = (content(&change.before)?, content(&change.after)?);
        if inputs.touched(&change.path, before.as_deref(), after.as_deref()) {
            touched.push(change.path.clone());
        }
    }
    touched.dedup();
    Ok(touched)
}

/// One path that a task changed and may not change.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Trespass {
    pub(crate) path: String,
    /// Whose it is, in words.
    pub(crate) standing: String,
}

/// The paths of a candidate that lie outside what the task may change.
pub(crate) fn trespasses(territory: &Territory, paths: &[String]) -> Vec<Trespass> {
    let foreign = |path: &String| {
        let standing = territory.standing(path);
        let words = match &standing {
            Standing::OwnedBy { task, glob } => format!("owned by task `{task}` ({glob})"),
            _ => "outside this task's claim".to_owned(),
        };
        (!standing.permits()).then(|| Trespass {
            path: path.clone(),
            standing: words,
        })
    };
    paths.iter().filter_map(foreign).collect()
}

/// The verdict on a trespass, as an agent reads it.
pub(crate) fn trespass_text(task: &Task, found: &[Trespass]) -> String {
    const SHOWN: usize = 20;
    let mut text = format!("OUT_OF_SCOPE paths={}\n", found.len());
    for trespass in found.iter().take(SHOWN) {
        let _ = writeln!(text, "  {}: {}", trespass.path, trespass.standing);
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more", found.len() - SHOWN);
    }
    let _ = writeln!(
        text,
        "next: take these changes back (git checkout {} -- <path>; delete what is new), then: wt validate",
        task.target
    );
    text
}
