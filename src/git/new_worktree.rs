//! A new worktree: registered with git, and filled.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::Repo;
use super::sparse;
use crate::oid::Oid;

/// Git's setting for whole checkouts: several processes write the files, which more than pays on two cores already.
pub(super) const PARALLEL_CHECKOUT: &str = "checkout.workers=4";

/// How often a worktree is begun beside a `git gc`.
const TRIES_BESIDE_GC: u32 = 4;

/// A worktree to be made.
pub(crate) struct NewWorktree<'a> {
    pub(crate) path: &'a Path,
    /// What is checked out.
    pub(crate) branch: WorktreeBranch<'a>,
    pub(crate) base: &'a Oid,
}

/// What a new worktree has checked out.
pub(crate) enum WorktreeBranch<'a> {
    /// A branch of this short name, made now.
    New(&'a str),
    /// A branch of this short name that is there already.
    Existing(&'a str),
    /// No branch.
    Detached,
}

impl Repo {
    /// Registers a worktree without any file in it yet; answers the name of its administrative folder. A `git gc` beside
    /// removes an administrative folder that another git has only begun: then it is made once more.
    pub(crate) fn add_worktree(&self, new: &NewWorktree) -> anyhow::Result<String> {
        for _ in 1..TRIES_BESIDE_GC {
            let collected = self.is_being_collected();
            let is_new = match new.branch {
                WorktreeBranch::New(branch) => {
                    self.read.tip(&format!("refs/heads/{branch}"))?.is_none()
                }
                WorktreeBranch::Existing(_) | WorktreeBranch::Detached => true,
            };
            match self.try_to_add_worktree(new) {
                Err(_) if is_new && (collected || self.is_being_collected()) => {
                    self.take_back(new)?;
                }
                done => return done,
            }
        }
        self.try_to_add_worktree(new)
    }

    /// Whether a `git gc` says that it is at work.
    fn is_being_collected(&self) -> bool {
        self.common().join("gc.pid").exists()
    }

    /// Removes what a failed try has left, so that another one can begin.
    fn take_back(&self, new: &NewWorktree) -> anyhow::Result<()> {
        let _ = fs::remove_file(new.path.join(".git"));
        // With anything else in it it stays, and the next try says so.
        let _ = fs::remove_dir(new.path);
        for admin in self.admins_of(new.path)? {
            self.forget_worktree(&admin)?;
        }
        if let WorktreeBranch::New(branch) = new.branch {
            let reference = format!("refs/heads/{branch}");
            if self.read.tip(&reference)?.as_ref() == Some(new.base) {
                self.move_ref(&reference, Some(new.base), None, "wt: to be made anew")?;
            }
        }
        Ok(())
    }

    fn try_to_add_worktree(&self, new: &NewWorktree) -> anyhow::Result<String> {
        let command = self
            .git
            .command(["worktree", "add", "--no-checkout"])
            // Absolute links, so that they can be checked; a relative one means something else once moved.
            .config("worktree.useRelativePaths=false");
        let (command, start) = match new.branch {
            WorktreeBranch::New(branch) => (
                command.args(["--no-track", "-b", branch]),
                new.base.as_str(),
            ),
            WorktreeBranch::Existing(branch) => (command, branch),
            // A slot's; locked, so that no `git gc` beside prunes it while it is being renewed.
            WorktreeBranch::Detached => (command.args(["--detach", "--lock"]), new.base.as_str()),
        };
        command.arg("--").arg(new.path).arg(start).run()?;
        let link = new.path.join(".git");
        let text =
            fs::read_to_string(&link).with_context(|| format!("can't read {}", link.display()))?;
        Path::new(text.trim_end().trim_start_matches("gitdir: "))
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .with_context(|| format!("{} names no git directory: {text:?}", link.display()))
    }

    /// Writes the files of `tree` into a new worktree, through an index of `wt`'s own; what that knows to be there
    /// already stays as it is.
    pub(crate) fn fill_worktree(
        &self,
        root: &Path,
        index: &Path,
        tree: &Oid,
    ) -> anyhow::Result<()> {
        self.git
            .command(["read-tree", "--reset", "-u", tree.as_str()])
            .config(PARALLEL_CHECKOUT)
            .on_worktree(root, index)
            .sparsely(sparse::beside(index).as_deref())
            .run()
            .with_context(|| format!("can't write the files of {}", root.display()))
    }

    /// Copies `wt`'s own index to that of a new worktree: both know the files' times, so that neither must read a file
    /// again.
    pub(crate) fn hand_index_over(&self, index: &Path, admin: &str) -> anyhow::Result<()> {
        let own = self.admin_dir(admin).join("index");
        fs::copy(index, &own).with_context(|| format!("can't write {}", own.display()))?;
        Ok(())
    }
}
