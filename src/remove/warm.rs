//! Warm folders of a removed task: what was built in them can be built again, and would fill the disk until `wt gc`.

use std::path::Path;

use crate::store::{Beneath, Trashed};
use crate::task::Task;
use crate::workspace::Workspace;

/// The warm folders of a task's worktree that git ignores and that hold nothing tracked. None where that can't be told:
/// then they stay with the rest.
pub(super) fn folders(ws: &Workspace, task: &Task) -> Vec<String> {
    let find = || -> anyhow::Result<Vec<String>> {
        let target = ws.target_tip(task)?;
        let contract = ws.in_force(&ws.repo, &task.target, &target)?.contract;
        let tree = ws.repo.read.tree_of(&ws.repo.tip_of(task)?)?;
        ws.repo
            .ignored_folders(&task.worktree, &tree, &contract.worktree.warm)
    };
    find().unwrap_or_default()
}

/// Moves the warm folders of what lies in `trash` beside it, where the next sweep deletes them.
pub(super) fn put_aside(trashed: &Trashed, trash: &Path) -> anyhow::Result<()> {
    if trashed.warm.is_empty() || !trash.is_dir() {
        return Ok(());
    }
    let inside = Beneath::open(trash)?;
    for (number, folder) in trashed.warm.iter().enumerate() {
        inside.move_folder_out(
            folder,
            &trash.with_file_name(format!("{}-{number}.gone", trashed.id)),
        )?;
    }
    Ok(())
}
