//! Folders that git makes on the way to a file, and leaves empty when it is stopped before the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::changes::Change;

/// The folders above changed paths that are not there, the outer ones before the inner.
pub(super) fn missing_above(root: &Path, changes: &[Change]) -> BTreeSet<PathBuf> {
    let above: BTreeSet<&str> = changes
        .iter()
        .flat_map(|change| above(&change.path))
        .collect();
    let folders = above.into_iter().map(|folder| root.join(folder));
    folders
        .filter(|folder| fs::symlink_metadata(folder).is_err())
        .collect()
}

/// Removes the folders above a path, from the innermost on, as far as they are empty.
pub(super) fn prune_above(root: &Path, path: &str) {
    let is_folder = |folder: &PathBuf| fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir());
    // Not beyond a link, which leads elsewhere.
    let folders: Vec<PathBuf> = above(path)
        .map(|folder| root.join(folder))
        .take_while(is_folder)
        .collect();
    for folder in folders.iter().rev() {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// The folders above a path, the outermost first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}
