//! Which folders a worktree holds that is of its task's scope alone.

use super::NewTask;
use crate::error::Refusal;
use crate::oid::Oid;
use crate::scope::{Case, Globs};
use crate::workspace::{InForce, Workspace};

/// The folders of the claim `owns`, those that the contract always wants, and those that hold what judges the work or
/// that `wt` itself writes to. The files at the root are there without being named.
///
/// # Errors
/// A refusal where no scope is claimed, or one that can lie in any folder.
pub(super) fn folders(
    ws: &Workspace,
    new: &NewTask,
    owns: &[String],
    in_force: &InForce,
) -> anyhow::Result<Vec<String>> {
    if owns.is_empty() {
        return Err(
            Refusal::refused("--sparse checks out the task's scope, and none is claimed")
                .hint("name the folders that it is to change: --owns 'src/auth/**'; or leave --sparse out")
                .into(),
        );
    }
    let claimed = Globs::parse(owns, Case::Exact)?;
    let claimed = claimed.folders().map_err(|glob| {
        Refusal::refused(format!(
            "--sparse checks out whole folders, and '{glob}' can match in any"
        ))
        .hint("name the folders instead, as --owns 'src/auth/**' --owns 'docs/**'; or leave --sparse out")
    })?;
    let contract = &in_force.contract;
    let tree = ws.repo.read.tree_of(&new.base)?;
    say_what_is_missing(ws, &tree, &contract.worktree.sparse_always)?;
    let mut folders = Vec::new();
    let agents = contract.agents.values().filter_map(|agent| {
        let (folder, _) = agent.rules.rsplit_once('/')?;
        Some(folder.to_owned())
    });
    let all = claimed
        .into_iter()
        .chain(contract.worktree.sparse_always.iter().cloned())
        .chain(agents);
    for path in all {
        let path = path.trim_end_matches('/').to_owned();
        // A file at the root needs no folder.
        let at_root = !path.contains('/') && ws.repo.read.file(&tree, &path)?.is_some();
        if !at_root && !folders.contains(&path) {
            folders.push(path);
        }
    }
    for folder in judging(ws, &tree, &contract.judge.inputs)? {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    Ok(folders)
}

/// Says which of the paths that a sparse worktree is always to hold the tree has not: a step may need them.
fn say_what_is_missing(ws: &Workspace, tree: &Oid, always: &[String]) -> anyhow::Result<()> {
    let read = &ws.repo.read;
    for path in always {
        if !read.is_folder(tree, path)? && read.file(tree, path)?.is_none() {
            let ui = &ws.ctx.ui;
            ui.warn(&format!("there is no {path}, which `sparse_always` names"));
            ui.hint("mend `sparse_always` under [worktree] in wt.toml");
        }
    }
    Ok(())
}

/// The whole folders that judge the work, of those that are there.
fn judging(ws: &Workspace, tree: &Oid, inputs: &[String]) -> anyhow::Result<Vec<String>> {
    let mut folders = Vec::new();
    for input in inputs {
        let Some(folder) = input.strip_suffix("/**") else {
            continue;
        };
        let is_plain = !folder.contains(['*', '?', '[', '{', '\\', '!']);
        if is_plain && ws.repo.read.is_folder(tree, folder)? {
            folders.push(folder.to_owned());
        }
    }
    Ok(folders)
}
