//! Git: reads through git2 where it can, everything else through the `git` command.

mod answer;
mod breadth;
mod call;
mod changes;
mod checkout_size;
mod combine;
mod command;
mod discover;
mod donated;
mod empty_folders;
mod first_parents;
mod ignored;
mod index_file;
mod indexed;
mod intake;
mod kept_index;
mod listing;
mod locks;
mod look;
mod main_checkout;
mod move_checkout;
mod new_worktree;
mod occupied;
mod pairs;
mod read;
mod read_index;
mod ref_hold;
mod same_second;
#[cfg(test)]
mod scratch;
mod settings;
mod settle_checkout;
mod slot_checkout;
mod snapshot;
mod sparse;
mod streams;
mod stuck;
mod submodule;
mod target_checkout;
mod task_checkout;
mod under_way;
mod worktree;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

pub(crate) use answer::complaint;
pub(crate) use call::GitCommand;
pub(crate) use changes::{Change, Entry};
pub(crate) use checkout_size::{CHEAPLY_WRITTEN, CheckoutSize};
pub(crate) use combine::{Combination, CommitRequest};
pub(crate) use command::Git;
pub(crate) use discover::{Location, discover};
pub(crate) use first_parents::Step;
pub(crate) use ignored::ignored_files;
pub(crate) use index_file::{IndexEntry, IndexFile, IndexKind, IndexStat};
pub(crate) use indexed::Side;
pub(crate) use intake::Ref;
pub(crate) use move_checkout::{Checkout, CheckoutMove, CheckoutMoved};
pub(crate) use new_worktree::{NewWorktree, WorktreeBranch};
pub(crate) use read::Reader;
pub(crate) use read_index::ReadIndex;
#[cfg(test)]
pub(crate) use scratch::Scratch;
pub(crate) use settings::{AskedSettings, Settings};
pub(crate) use settle_checkout::Settled;
pub(crate) use slot_checkout::SlotCheckout;
pub(crate) use snapshot::{SnapshotRequest, nested, too_large};
pub(crate) use submodule::SUBMODULE_LOCK;
pub(crate) use worktree::{folder_id, require_folder};

/// One repository, named by its common git directory and never by a worktree of an agent.
pub(crate) struct Repo {
    common: PathBuf,
    /// Once it was asked for.
    main: OnceCell<Option<PathBuf>>,
    pub(crate) git: Git,
    pub(crate) read: Reader,
}

impl Repo {
    /// Opens the repository whose common git directory is `common`.
    pub(crate) fn open(common: &Path, git: Git) -> Self {
        let git = git.in_repository(common);
        Self {
            common: common.to_owned(),
            main: OnceCell::new(),
            read: Reader::open(common, git.clone()),
            git,
        }
    }

    /// The same repository, its git children run with `variables` instead of the caller's environment.
    #[must_use]
    pub(crate) fn with_environment(
        &self,
        program: &Path,
        variables: &std::collections::BTreeMap<String, String>,
    ) -> Self {
        let git = self.git.with_environment(program, variables);
        let git = git.in_repository(&self.common);
        Self {
            common: self.common.clone(),
            main: self.main.clone(),
            read: self.read.with_git(git.clone()),
            git,
        }
    }

    /// The common git directory, absolute.
    pub(crate) fn common(&self) -> &Path {
        &self.common
    }

    /// The main checkout's root, unless the repository is bare or does not say.
    pub(crate) fn main_checkout(&self) -> Option<&Path> {
        let find = || main_checkout::find(&self.common);
        self.main.get_or_init(find).as_deref()
    }

    /// The folder beside which worktrees are made, and the repository's name.
    pub(crate) fn root_and_name(&self) -> (PathBuf, String) {
        let root = self.main_checkout().unwrap_or(&self.common);
        let name = root.file_name().map_or_else(
            || "repository".to_owned(),
            |n| n.to_string_lossy().trim_end_matches(".git").to_owned(),
        );
        (root.to_owned(), name)
    }
}
