//! Where the main checkout of a repository is, as its git directory tells.

use std::path::{Path, PathBuf};

use super::Repo;
use crate::error::Refusal;

/// The main checkout's root: what `core.worktree` names (in a submodule), else the folder that holds `.git`.
pub(super) fn find(common: &Path) -> Option<PathBuf> {
    let named = setting(common, |config| config.get_path("core.worktree"));
    match named {
        Some(root) => common.join(root).canonicalize().ok(),
        None if common.file_name()? == ".git" => common.parent().map(Path::to_owned),
        None => None,
    }
}

/// A setting of the main checkout. It may lie in a file of its own, as it does once a worktree has some of its own.
fn setting<T>(common: &Path, get: impl Fn(&git2::Config) -> Result<T, git2::Error>) -> Option<T> {
    ["config.worktree", "config"]
        .iter()
        .find_map(|name| get(&git2::Config::open(&common.join(name)).ok()?).ok())
}

impl Repo {
    /// # Errors
    /// A refusal where worktrees can't be made: the repository's path is no text, which records and links must hold,
    /// or nothing says what is beside the checkout.
    pub(crate) fn check_place(&self) -> Result<(), Refusal> {
        if self.common().to_str().is_none() {
            return Err(Refusal::refused(format!(
                "the path of the repository, \"{}\", is not valid UTF-8",
                self.common().as_os_str().as_encoded_bytes().escape_ascii()
            ))
            .hint("move the repository to another path"));
        }
        let is_bare = setting(self.common(), |config| config.get_bool("core.bare"));
        if self.main_checkout().is_none() && is_bare == Some(false) {
            return Err(Refusal::refused(format!(
                "the git directory {} does not say where its checkout is",
                self.common().display()
            ))
            .hint("call in that checkout: git config core.worktree \"$PWD\""));
        }
        Ok(())
    }
}
