//! Ignored files that come along from the main checkout: `carry` of the contract, and `.worktreeinclude`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context as _;

use crate::error::Refusal;
use crate::git::{Repo, ignored_files};

const LIST: &str = ".worktreeinclude";

/// Copies the carried files into `root`; answers their paths. Only what git ignores is carried, symbolic links as
/// such, and nothing that is there already is replaced by a folder. What can't be copied is put to `failed`.
///
/// # Errors
/// What `failed` answers.
pub(crate) fn bring(
    repo: &Repo,
    patterns: &[String],
    root: &Path,
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
    let mut failure = Ok(());
    paths.retain(|path| {
        let copied = copy(&main.join(path), &root.join(path));
        if let (Err(error), true) = (&copied, failure.is_ok()) {
            let refusal = Refusal::refused(format!("can't carry {path} along: {error:#}"));
            failure = failed(refusal.hint(format!(
                "make it readable, or take it out of {LIST} or `carry` under [worktree] in wt.toml"
            )));
        }
        copied.is_ok()
    });
    failure?;
    Ok(paths)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let metadata =
        fs::symlink_metadata(from).with_context(|| format!("can't look at {}", from.display()))?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    let _ = fs::remove_file(to);
    if metadata.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else if metadata.is_file() {
        fs::copy(from, to).with_context(|| format!("can't write {}", to.display()))?;
    }
    Ok(())
}
