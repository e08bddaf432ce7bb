//! Ignored files that come along from the main checkout: `carry` of the contract, and `.worktreeinclude`.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::error::Refusal;
use crate::git::{Repo, ignored_files};
use crate::oid::Oid;
use crate::store::Beneath;

const LIST: &str = ".worktreeinclude";

/// The files of the main checkout that may be carried: those that git ignores there and that are named.
pub(crate) fn candidates(repo: &Repo, patterns: &[String]) -> anyhow::Result<Vec<String>> {
    let Some(main) = repo.main_checkout() else {
        return Ok(Vec::new());
    };
    let list = main.join(LIST);
    let list = list.is_file().then_some(list.as_path());
    ignored_files(repo, main, patterns, list)
}

/// What these files of the main checkout hold, in bytes.
pub(crate) fn bytes(repo: &Repo, paths: &[String]) -> u64 {
    let main = repo.main_checkout().into_iter();
    let files = main.flat_map(|main| paths.iter().map(|path| main.join(path)));
    let sizes = files.filter_map(|file| Some(fs::symlink_metadata(file).ok()?.len()));
    sizes.sum()
}

/// Copies those of the [`candidates`] into `root`, where `tree` is checked out, that it does not hold itself; answers
/// their paths. Symbolic links are carried as such. No link on the way is followed or removed: it is an agent's, and may
/// lead anywhere. What can't be copied is put to `failed`.
///
/// # Errors
/// What `failed` answers.
pub(crate) fn bring(
    repo: &Repo,
    mut paths: Vec<String>,
    root: &Path,
    tree: &Oid,
    generated: &[String],
    failed: impl Fn(Refusal) -> Result<(), Refusal>,
) -> anyhow::Result<Vec<String>> {
    let Some(main) = repo.main_checkout() else {
        return Ok(Vec::new());
    };
    if paths.is_empty() {
        return Ok(paths);
    }
    let tracked: HashSet<String> = repo.read.paths(tree, usize::MAX)?.into_iter().collect();
    let destination = Beneath::open(root)?;
    // A worktree of some folders goes without what belongs to the others.
    let is_left_out = |path: &str| {
        path.match_indices('/').any(|(end, _)| {
            let folder = &path[..end];
            !root.join(folder).exists() && repo.read.is_folder(tree, folder).unwrap_or(false)
        })
    };
    let mut failure = Ok(());
    paths.retain(|path| {
        if tracked.contains(path) || generated.contains(path) || is_left_out(path) {
            return false;
        }
        let copied = destination.copy(&main.join(path), path);
        if let (Err(error), true) = (&copied, failure.is_ok()) {
            let refusal = Refusal::refused(format!("can't carry {path} along: {error:#}"));
            failure = failed(refusal.hint(format!(
                "clear its way, or take it out of {LIST} or `carry` under [worktree] in wt.toml"
            )));
        }
        copied.is_ok()
    });
    failure?;
    Ok(paths)
}
