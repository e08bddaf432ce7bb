//! What is in a private repository and nowhere else.

use std::collections::HashSet;
use std::path::Path;

use super::folder::given;
use super::refs::{Head, head, own};
use crate::git::Repo;
use crate::oid::Oid;
use crate::store::{Beneath, Trashed, find_met};
use crate::task::Task;
use crate::workspace::Workspace;

/// The branches, the stash and the HEAD of a task's private repository whose commits are not in the shared one, each
/// as a person would call it. What the cage was given is no work of its agent's, whatever became of it outside.
pub(crate) fn private_work(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
) -> anyhow::Result<Vec<String>> {
    work_in(repo, task, &ws.store.cage_dir(&task.name), None)
}

/// As [`private_work`], of a removed task, whose cage was put away in `cage`. The commits of its own branch, which are
/// kept besides, are none of it.
pub(crate) fn private_work_of_removed(
    repo: &Repo,
    trashed: &Trashed,
    cage: &Path,
) -> anyhow::Result<Vec<String>> {
    work_in(repo, &trashed.task, cage, trashed.tip.as_ref())
}

fn work_in(
    repo: &Repo,
    task: &Task,
    cage: &Path,
    kept: Option<&Oid>,
) -> anyhow::Result<Vec<String>> {
    let git = cage.join("git");
    if !git.is_dir() {
        return Ok(Vec::new());
    }
    let private = Beneath::open(&git)?;
    let mut tips: Vec<(String, Oid)> = own(&private)?.into_iter().collect();
    if let Head::Detached(oid) = head(&private)? {
        tips.push(("a detached HEAD".to_owned(), oid));
    }
    // Most are copies of shared ones: those need no git to be asked.
    let mut known: HashSet<Oid> = repo.refs()?.into_iter().map(|one| one.target).collect();
    let mut given = given(cage);
    // Its own branch is noted as it is in the cage; what was brought in of it is where both last met.
    given.remove(&task.branch_ref());
    known.extend(given.into_values());
    known.extend(find_met(cage)?);
    known.extend(kept.cloned());
    let mut found = Vec::new();
    for (name, oid) in tips {
        if !known.contains(&oid) && !repo.is_kept(&oid)? {
            let name = name.strip_prefix("refs/heads/").unwrap_or(&name);
            found.push(name.replace("refs/stash", "a stash"));
        }
    }
    Ok(found)
}
