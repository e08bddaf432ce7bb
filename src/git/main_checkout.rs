//! Where the main checkout of a repository is, as its git directory tells.

use std::path::{Path, PathBuf};

use super::Repo;
use super::read::{records, utf8};
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
pub(super) fn setting<T>(
    common: &Path,
    get: impl Fn(&git2::Config) -> Result<T, git2::Error>,
) -> Option<T> {
    ["config.worktree", "config"]
        .iter()
        .find_map(|name| get(&git2::Config::open(&common.join(name)).ok()?).ok())
}

impl Repo {
    /// The paths of the main checkout, staged or not, that differ from its HEAD and begin with one of `prefixes`;
    /// untracked ones are among them, ignored ones not. None where there is no such checkout.
    pub(crate) fn changed_in_main_checkout(
        &self,
        prefixes: &[&str],
    ) -> anyhow::Result<Vec<String>> {
        let Some(root) = self.main_checkout().filter(|_| !prefixes.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut command = self
            .git
            .command([
                "status",
                "--porcelain",
                "-z",
                "--untracked-files=all",
                "--no-renames",
                "--ignore-submodules=dirty",
                "--",
            ])
            .in_operators_checkout(root);
        for prefix in prefixes {
            // Git need not look at anything else. Its `*` matches a `/` too; case is the caller's to tell.
            command = command.arg(format!(":(top,icase){}*", escaped(prefix)));
        }
        records(&command.bytes()?)
            .map(|record| utf8(record.get(3..).unwrap_or_default()))
            .collect()
    }

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

/// `text` as a pathspec that matches it alone.
fn escaped(text: &str) -> String {
    let mut spec = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '*' | '?' | '[' | '\\') {
            spec.push('\\');
        }
        spec.push(char);
    }
    spec
}
