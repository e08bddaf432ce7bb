//! A snapshot: a worktree as it stands, as a commit, seen through an index that its agent can't reach.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Repo;
use super::sparse;
use crate::error::{Refusal, shown};
use crate::oid::Oid;
use crate::task::Task;

/// Longest time that git may take for one look into an agent's worktree. What is there may have been made to keep it
/// busy, and who looks holds the task's lock.
pub(super) const LONGEST_LOOK: Duration = Duration::from_secs(600);

/// What is to be taken.
pub(crate) struct SnapshotRequest<'a> {
    pub(crate) worktree: &'a Path,
    /// `wt`'s own index of that worktree.
    pub(crate) index: &'a Path,
    /// Tip of the task's branch.
    pub(crate) tip: &'a Oid,
    /// Largest changed file that is taken, in bytes.
    pub(crate) max_file: u64,
}

/// A worktree, and the index through which it is looked at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) worktree: &'a Path,
    pub(super) index: &'a Path,
    /// `wt`'s own git directory of it, where it holds only some folders.
    pub(super) sparse: Option<&'a Path>,
}

/// A worktree as a commit.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The branch's tip itself where nothing is uncommitted.
    pub(crate) commit: Oid,
    pub(crate) tree: Oid,
    /// Paths that differ from the branch's tip: changed, deleted and untracked.
    pub(crate) uncommitted: Vec<String>,
}

impl Repo {
    /// Takes a snapshot: all that `git add -A` would add, whatever bits and filters the worktree's own index has.
    ///
    /// # Errors
    /// Refusals, by path, for what a commit could not hold: a nested repository, a changed submodule, a pipe in a
    /// file's place, a file past the size limit.
    pub(crate) fn snapshot(&self, request: &SnapshotRequest) -> anyhow::Result<Snapshot> {
        let sparse = sparse::beside(request.index);
        let view = View {
            worktree: request.worktree,
            index: request.index,
            sparse: sparse.as_deref(),
        };
        let base = self.read.tree_of(request.tip)?;
        let mut from = self.begin_look(view, &base)?;
        let mut found = self.look(view, &from)?;
        if from != base && found.iter().any(|path| path.ends_with(".gitattributes")) {
            // What was taken before may be stored otherwise by these.
            self.align_index(view, &base)?;
            from = base.clone();
            found = self.look(view, &base)?;
        }
        let tree = if found.is_empty() {
            from.clone()
        } else {
            check_files(request, &found)?;
            self.take(view, &found)?;
            Oid::parse(&self.on(view, &["write-tree"]).text()?)?
        };
        let uncommitted = if from == base {
            found
        } else {
            self.paths_between(&base, &tree)?
        };
        let commit = if tree == base {
            request.tip.clone()
        } else {
            self.commit_by_machine(&tree, &[request.tip], "wt: snapshot\n")?
        };
        Ok(Snapshot {
            commit,
            tree,
            uncommitted,
        })
    }

    fn paths_between(&self, before: &Oid, after: &Oid) -> anyhow::Result<Vec<String>> {
        let changes = self.read.changes(before, after)?.into_iter();
        let mut paths: Vec<String> = changes.map(|change| change.path).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// Brings `wt`'s own index to what the worktree holds at `paths`.
    fn take(&self, view: View, paths: &[String]) -> anyhow::Result<()> {
        // What lies beyond a folder that became a link is no longer the folder's: git itself refuses to look there.
        let (beyond, there): (Vec<&String>, Vec<&String>) = paths
            .iter()
            .partition(|path| is_beyond_link(view.worktree, path));
        if !beyond.is_empty() {
            self.on(view, &["update-index", "--force-remove", "-z", "--stdin"])
                .stdin(joined(&beyond))
                .run()?;
        }
        let add = [
            "update-index",
            "--add",
            "--remove",
            "--replace",
            "-z",
            "--stdin",
        ];
        self.on(view, &add).stdin(joined(&there)).run()
    }

    /// Paths of a worktree that differ from the tip of its branch, without writing any object.
    pub(crate) fn uncommitted_paths(
        &self,
        worktree: &Path,
        index: &Path,
        tip: &Oid,
    ) -> anyhow::Result<Vec<String>> {
        let sparse = sparse::beside(index);
        let view = View {
            worktree,
            index,
            sparse: sparse.as_deref(),
        };
        let base = self.read.tree_of(tip)?;
        let from = self.begin_look(view, &base)?;
        let found = self.look(view, &from)?;
        if from == base {
            return Ok(found);
        }
        if found.is_empty() {
            return self.paths_between(&base, &from);
        }
        self.align_index(view, &base)?;
        self.look(view, &base)
    }

    /// Brings the own index of a task's worktree to the tree of `tip`, as if it had just been checked out.
    pub(crate) fn fit_index(&self, task: &Task, tip: &Oid) -> anyhow::Result<()> {
        let sparse = self.sparse_of(task);
        let view = View {
            worktree: &task.worktree,
            index: &self.admin_dir(&task.admin).join("index"),
            sparse: sparse.as_deref(),
        };
        self.reset_index(view, &self.read.tree_of(tip)?)?;
        self.refresh(view).map(drop)
    }

    pub(super) fn on<'g>(&'g self, view: View, args: &[&str]) -> super::call::GitCommand<'g> {
        self.git
            .command(args)
            .on_worktree(view.worktree, view.index)
            .sparsely(view.sparse)
            .within(LONGEST_LOOK)
    }
}

/// The refusal for a repository inside the worktree that is no declared submodule.
pub(crate) fn nested(folder: &str) -> Refusal {
    let folder = shown(folder);
    Refusal::refused(format!(
        "{folder} is a git repository of its own, so its files can't be part of the task"
    ))
    .hint(format!(
        "remove {folder}/.git, declare it a submodule, or ignore it"
    ))
}

/// The refusal for a changed file past the size limit; both in bytes.
pub(crate) fn too_large(path: &str, size: u64, limit: u64) -> Refusal {
    Refusal::refused(format!(
        "{} has {size} bytes; the limit for a changed file is {limit}",
        shown(path)
    ))
    .hint("ignore it in .gitignore, or raise `max_file` under [judge] in wt.toml on the target")
}

/// Refuses, by path, what the judge could not see as it is.
fn check_files(request: &SnapshotRequest, paths: &[String]) -> anyhow::Result<()> {
    for path in paths {
        if let Some(folder) = path.strip_suffix('/') {
            return Err(nested(folder).into());
        }
        // What lies beyond a link is not taken.
        if is_beyond_link(request.worktree, path) {
            continue;
        }
        let full = request.worktree.join(path);
        let Ok(metadata) = fs::symlink_metadata(&full) else {
            continue;
        };
        // A folder in a file's place is that file's deletion.
        if !(metadata.is_file() || metadata.is_symlink() || metadata.is_dir()) {
            let path = shown(path);
            let what = format!("{path} is neither a file nor a symbolic link");
            let hint = format!("remove it, or put the file back: git restore {path}");
            return Err(Refusal::refused(what).hint(hint).into());
        }
        if metadata.is_file() && metadata.len() > request.max_file {
            return Err(too_large(path, metadata.len(), request.max_file).into());
        }
    }
    Ok(())
}

/// Whether a folder on the way to `path` is a symbolic link.
fn is_beyond_link(root: &Path, path: &str) -> bool {
    path.match_indices('/')
        .any(|(end, _)| root.join(&path[..end]).is_symlink())
}

pub(super) fn joined(paths: &[&String]) -> Vec<u8> {
    let mut list = Vec::new();
    for path in paths {
        list.extend_from_slice(path.as_bytes());
        list.push(0);
    }
    list
}
