//! Worktrees that hold only some folders: their making, and a look at one through patterns that `wt` copied.
//!
//! Git keeps a worktree's patterns in the folder that its agent can write. So `wt` looks at such a worktree through a
//! git directory of its own, beside its own index, and takes the patterns over before each look: which folders an agent
//! shows is its own affair, as what is missing outside of them is never a change, and what is there always is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::Repo;
use super::call::GitCommand;
use crate::plain::plain_bytes;
use crate::task::Task;

/// `wt`'s own git directory of a worktree that holds only some folders, beside its own index.
const OWN: &str = "sparse";
/// Where git keeps the patterns, in a git directory.
const PATTERNS: &str = "info/sparse-checkout";
/// Largest file of patterns or settings that is taken over, in bytes.
const MOST: u64 = 4 << 20;
/// How often settings that another git is writing are tried.
const TRIES: u32 = 20;
/// How long that is waited for each time.
const PAUSE: Duration = Duration::from_millis(100);
/// The patterns of a worktree that shows everything.
const ALL: &[u8] = b"/*\n";
/// In force whatever an agent sets, for they choose how git looks and not what it finds. What lies outside of the
/// patterns is found as well, which is no news to whoever asks.
const SETTINGS: [&str; 4] = [
    "core.sparseCheckout=true",
    "core.sparseCheckoutCone=true",
    "index.sparse=true",
    "advice.sparseIndexExpanded=false",
];

/// `wt`'s own git directory for what is looked at through its own index at `index`, if that is sparse.
pub(super) fn beside(index: &Path) -> Option<PathBuf> {
    let own = index.with_file_name(OWN);
    own.is_dir().then_some(own)
}

impl GitCommand<'_> {
    /// Keeps to the patterns of a worktree that holds only some folders, in `wt`'s own git directory of it.
    #[must_use]
    pub(super) fn sparsely(self, own: Option<&Path>) -> Self {
        let Some(own) = own else {
            return self;
        };
        let command = self.env("GIT_DIR", own);
        SETTINGS
            .iter()
            .fold(command, |command, setting| command.config(*setting))
    }
}

impl Repo {
    /// `wt`'s own git directory of the task's worktree, where that holds only some folders.
    pub(super) fn sparse_of(&self, task: &Task) -> Option<PathBuf> {
        task.folders.as_ref()?;
        // Beside `wt`'s own index, as `beside` finds it.
        let state = self.common().join("wt/tasks").join(&task.name);
        Some(state.join(OWN))
    }

    /// A git command on the worktree of a task, through the worktree's own index.
    pub(crate) fn on_own_index<'g>(&'g self, task: &Task, args: &[&str]) -> GitCommand<'g> {
        let index = self.admin_dir(&task.admin).join("index");
        self.git
            .command(args)
            .on_worktree(&task.worktree, &index)
            .sparsely(self.sparse_of(task).as_deref())
    }

    /// Makes a new worktree one of these folders, before it is filled: git's patterns and settings there, which shared
    /// settings must know of, and `wt`'s own beside its own `index`. The lock of the state must be held.
    pub(crate) fn make_sparse(
        &self,
        index: &Path,
        admin: &str,
        folders: &[String],
    ) -> anyhow::Result<()> {
        const SET: [&str; 6] = [
            "sparse-checkout",
            "set",
            "--cone",
            "--sparse-index",
            "--skip-checks",
            "--stdin",
        ];
        let admin = self.admin_dir(admin);
        let lines: String = folders.iter().map(|folder| quoted(folder) + "\n").collect();
        // An empty list is read as well: it shows the root's own files.
        let lines = if lines.is_empty() {
            "\n".to_owned()
        } else {
            lines
        };
        let set = || {
            let command = self.git.command(SET).env("GIT_DIR", &admin);
            command.stdin(lines.clone()).run()
        };
        for _ in 1..TRIES {
            match set() {
                // A person's git writes the shared settings at this moment.
                Err(error) if format!("{error:#}").contains("could not lock config") => {
                    std::thread::sleep(PAUSE);
                }
                done => {
                    done?;
                    return self.follow(&index.with_file_name(OWN), &admin);
                }
            }
        }
        set()?;
        self.follow(&index.with_file_name(OWN), &admin)
    }

    /// Takes the patterns of a task's worktree over from `git_dir`, which its agent can write, where it holds only some
    /// folders.
    pub(super) fn follow_sparse(&self, task: &Task, git_dir: &Path) -> anyhow::Result<()> {
        match self.sparse_of(task) {
            Some(own) => self.follow(&own, git_dir),
            None => Ok(()),
        }
    }

    /// The patterns in force in a git directory of the task's worktree, where that holds only some folders.
    pub(crate) fn patterns_in(
        &self,
        task: &Task,
        git_dir: &Path,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let patterns = task.folders.as_ref().map(|_| self.patterns(git_dir));
        patterns.transpose()
    }

    fn patterns(&self, git_dir: &Path) -> anyhow::Result<Vec<u8>> {
        Ok(match plain_bytes(&git_dir.join(PATTERNS), MOST)? {
            Some(patterns) if self.shows_some(git_dir)? => patterns,
            _ => ALL.to_vec(),
        })
    }

    fn follow(&self, own: &Path, git_dir: &Path) -> anyhow::Result<()> {
        let patterns = self.patterns(git_dir)?;
        let common = self.common().display().to_string();
        let commondir = format!("{common}\n");
        // What the main checkout alone has set (a filter, say) holds for all that `wt` looks at.
        let include = format!(
            "[include]\n\tpath = {}\n",
            quoted(&format!("{common}/config.worktree"))
        );
        let files: [(&str, &[u8]); 4] = [
            ("HEAD", b"ref: refs/heads/.invalid\n"),
            ("commondir", commondir.as_bytes()),
            ("config.worktree", include.as_bytes()),
            (PATTERNS, &patterns),
        ];
        files.iter().try_for_each(|(name, bytes)| {
            let path = own.join(name);
            if fs::read(&path).is_ok_and(|there| there == *bytes) {
                return Ok(());
            }
            let folder = path.parent().context("a file lies in a folder")?;
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, bytes))
                .with_context(|| format!("can't write {}", path.display()))
        })
    }

    /// Whether the settings of a worktree's git directory say that it shows only some of its files.
    fn shows_some(&self, git_dir: &Path) -> anyhow::Result<bool> {
        // In a cage, settings that are not there are those of the folder that the cage's were made from.
        let Some(settings) = plain_bytes(&git_dir.join("config.worktree"), MOST)? else {
            return Ok(true);
        };
        let get = ["config", "--file", "-", "--type=bool", "--get"];
        let output = self
            .git
            .command(get)
            .arg("core.sparseCheckout")
            .stdin(settings)
            .unbound()
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim() != "false")
    }
}

/// A text between quotes, as git reads it in a list and in settings.
fn quoted(text: &str) -> String {
    let mut line = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            line.push('\\');
        }
        line.push(character);
    }
    line + "\""
}
