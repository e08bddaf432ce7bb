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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_folders_go_and_neither_full_ones_nor_what_is_behind_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (dir.path().join("root"), dir.path().join("elsewhere"));
        for folder in ["empty/inner", "full/inner"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::create_dir_all(elsewhere.join("inner")).unwrap();
        fs::write(root.join("full/file"), "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("link")).unwrap();
        for path in [
            "empty/inner/deep/file",
            "full/inner/file",
            "link/inner/file",
        ] {
            prune_above(&root, path);
        }
        assert!(!root.join("empty").exists());
        assert!(root.join("full/file").exists() && !root.join("full/inner").exists());
        assert!(elsewhere.join("inner").exists());
    }
}
