//! Ignored files that come along from the main checkout: `carry` of the contract, and `.worktreeinclude`.

use std::collections::HashSet;
use std::path::Path;

use crate::error::Refusal;
use crate::git::{Repo, ignored_files};
use crate::oid::Oid;
use crate::store::Beneath;

const LIST: &str = ".worktreeinclude";

/// Copies the carried files into `root`, where `tree` is checked out; answers their paths. Only what git ignores in
/// the main checkout is carried, symbolic links as such, and nothing that `tree` itself holds is replaced. No link on
/// the way is followed or removed: it is an agent's, and may lead anywhere. What can't be copied is put to `failed`.
///
/// # Errors
/// What `failed` answers.
pub(crate) fn bring(
    repo: &Repo,
    patterns: &[String],
    root: &Path,
    tree: &Oid,
    generated: &[String],
    failed: impl Fn(Refusal) -> Result<(), Refusal>,
) -> anyhow::Result<Vec<String>> {
    let Some(main) = repo.main_checkout() else {
        return Ok(Vec::new());
    };
    let list = main.join(LIST);
    let mut paths = ignored_files(
        repo,
        main,
        patterns,
        list.is_file().then_some(list.as_path()),
    )?;
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
