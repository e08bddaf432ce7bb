//! What is in a private repository and nowhere else.

use std::collections::HashSet;

use super::folder::given;
use super::refs::{Head, head, own};
use crate::git::Repo;
use crate::oid::Oid;
use crate::store::Beneath;
use crate::task::Task;
use crate::workspace::Workspace;

/// The branches, the stash and the HEAD of a task's private repository whose commits are not in the shared one, each
/// as a person would call it. What the cage was given is no work of its agent's, whatever became of it outside.
pub(crate) fn private_work(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
) -> anyhow::Result<Vec<String>> {
    let git = ws.store.private_git_dir(&task.name);
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
    let mut given = given(ws, &task.name);
    // Its own branch is noted as it is in the cage; what was brought in of it is where both last met.
    given.remove(&task.branch_ref());
    known.extend(given.into_values());
    known.extend(ws.store.find_met(&task.name)?);
    let mut found = Vec::new();
    for (name, oid) in tips {
        if !known.contains(&oid) && !repo.is_kept(&oid)? {
            let name = name.strip_prefix("refs/heads/").unwrap_or(&name);
            found.push(name.replace("refs/stash", "a stash"));
        }
    }
    Ok(found)
}
