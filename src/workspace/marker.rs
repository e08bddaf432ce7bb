//! The marker beside the worktrees: which repository they belong to, told from a place that their agents can't write.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::store::{Store, read_json, write_json};

/// Name of the marker in the folder that holds the worktrees.
pub(crate) const MARKER: &str = "_wt.json";
/// Name of the folder of the slots, beside it.
pub(crate) const SLOTS: &str = "_judge";

#[derive(Serialize, Deserialize)]
struct Marker {
    common: PathBuf,
}

/// Whether `dir` is marked as a folder of worktrees of the repository at `common`.
pub(crate) fn holds_worktrees(dir: &Path, common: &Path) -> bool {
    let marker = read_json::<Marker>(&dir.join(MARKER)).ok().flatten();
    marker.is_some_and(|marker| marker.common == common)
}

/// Writes the marker, unless it says so already.
///
/// # Errors
/// A refusal where the folder holds the worktrees of another repository: they would get into each other's way.
pub(crate) fn write_marker(worktrees: &Path, common: &Path) -> anyhow::Result<()> {
    let path = worktrees.join(MARKER);
    match read_json::<Marker>(&path).ok().flatten() {
        Some(marker) if marker.common == common => Ok(()),
        Some(marker) if marker.common.is_dir() => Err(Refusal::refused(format!(
            "{} holds the worktrees of another repository, {}",
            worktrees.display(),
            marker.common.display()
        ))
        .hint("name the repository in `path` under [worktree] in wt.toml: \"../{repo}.wt\"")
        .into()),
        _ => write_json(
            &path,
            &Marker {
                common: common.to_owned(),
            },
        ),
    }
}

/// The repository and the task in whose worktree `dir` lies. The outermost marker counts: an agent can lay one of
/// its own inside its worktree, never outside.
pub(crate) fn find(dir: &Path) -> anyhow::Result<Option<(PathBuf, String)>> {
    let ancestors: Vec<&Path> = dir.ancestors().collect();
    for pair in ancestors.windows(2).rev() {
        let (folder, parent) = (pair[0], pair[1]);
        let file = parent.join(MARKER);
        if !file.is_file() {
            continue;
        }
        let Some(marker) = read_json::<Marker>(&file)? else {
            continue;
        };
        let store = Store::new(&marker.common);
        let is_here =
            |name: &str| matches!(store.find_task(name), Ok(Some(task)) if task.worktree == folder);
        // Nearly always the folder has the task's name, and no other record need be read.
        if let Some(name) = folder.file_name().and_then(|name| name.to_str())
            && is_here(name)
        {
            return Ok(Some((marker.common, name.to_owned())));
        }
        if let Some(name) = store.task_names()?.into_iter().find(|name| is_here(name)) {
            return Ok(Some((marker.common, name)));
        }
    }
    Ok(None)
}
