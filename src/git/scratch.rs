//! A repository for one test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Git, Repo};

/// An empty repository with its main checkout, gone when this is dropped.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().expect("a folder"));
        scratch.git(&["init", "-q"]);
        scratch
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut command = Command::new("git");
        command.current_dir(self.root()).args(identity).args(args);
        let done = command.output();
        assert!(done.is_ok_and(|done| done.status.success()), "{args:?}");
    }

    /// Writes a file, and the folders that it is in.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.root().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, content).expect("written");
    }

    /// Commits all files on a new branch of that name.
    pub(crate) fn commit(&self, branch: &str) {
        self.git(&["checkout", "-q", "-b", branch]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "-m", branch]);
    }

    pub(crate) fn repo(&self) -> Repo {
        let which = Command::new("sh").args(["-c", "command -v git"]).output();
        let program = String::from_utf8(which.expect("sh").stdout).expect("text");
        let git = Git::new(PathBuf::from(program.trim()), &BTreeMap::new());
        Repo::open(&self.root().join(".git"), git)
    }
}
