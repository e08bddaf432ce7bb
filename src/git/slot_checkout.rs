//! A checkout of `wt`'s own, brought to a tree and held against it, always through an index of `wt`'s own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::Repo;
use super::new_worktree::PARALLEL_CHECKOUT;
use super::read::{records, utf8};
use super::same_second::read_settled;
use crate::oid::Oid;

/// A slot's place: its folder, its index in the state, its administrative folder.
#[derive(Clone, Copy)]
pub(crate) struct SlotCheckout<'a> {
    pub(crate) root: &'a Path,
    pub(crate) index: &'a Path,
    pub(crate) admin: &'a str,
}

impl Repo {
    /// Makes every tracked file of the slot that of `commit`; git gives those that it writes new times, so that a
    /// backdated source can't pass on a stale build.
    pub(crate) fn reset_slot(
        &self,
        slot: SlotCheckout,
        commit: &Oid,
        keep: &[String],
    ) -> anyhow::Result<()> {
        let reset = || {
            self.git
                .command(["read-tree", "--reset", "-u", commit.as_str()])
                .config(PARALLEL_CHECKOUT)
                .on_worktree(slot.root, slot.index)
                .run()
        };
        self.doubt_converted(slot, commit)?;
        if let Err(first) = reset() {
            // A cut index is only a cache; without it every file is written anew.
            let _ = fs::remove_file(slot.index);
            let _ = fs::remove_file(slot.index.with_extension("lock"));
            reset().map_err(|second| second.context(first))?;
        }
        self.clean_slot(slot, keep)?;
        self.empty_submodules(slot)?;
        self.renew_admin(slot, commit)
    }

    /// Where `commit` has other files of attributes than the slot, has every file written anew: git leaves a file as it is
    /// when only its attributes change. The entries stay, so that git knows which file of attributes is to go.
    fn doubt_converted(&self, slot: SlotCheckout, commit: &Oid) -> anyhow::Result<()> {
        let held = read_settled(slot.index, slot.root, commit.as_str().len() / 2);
        let Some(index) = held.map(|held| held.index) else {
            return Ok(());
        };
        let Some(tree) = index.tree() else {
            return Ok(());
        };
        let changes = self.read.changes(tree, &self.read.tree_of(commit)?)?;
        if changes.iter().any(|c| c.path.ends_with(".gitattributes")) {
            let nothing = vec![None; index.entries().len()];
            fs::write(slot.index, index.patched(&nothing))
                .with_context(|| format!("can't write {}", slot.index.display()))?;
        }
        Ok(())
    }

    /// Writes the files of `changed` that the sparse-checkout patterns leave out: a change is judged wherever it is.
    pub(crate) fn show_changed(
        &self,
        slot: SlotCheckout,
        changed: &[String],
    ) -> anyhow::Result<()> {
        if self.sparse_patterns()?.is_none() {
            return Ok(());
        }
        let on = |args: &[&str]| self.git.command(args).on_worktree(slot.root, slot.index);
        let tagged = on(&["ls-files", "-z", "-t"]).bytes()?;
        let mut hidden = Vec::new();
        for record in records(&tagged) {
            let Some(path) = record.strip_prefix(b"S ") else {
                continue;
            };
            if changed.iter().any(|c| c.as_bytes() == path) {
                hidden.extend_from_slice(path);
                hidden.push(0);
            }
        }
        if hidden.is_empty() {
            return Ok(());
        }
        on(&[
            "checkout-index",
            "-f",
            "--ignore-skip-worktree-bits",
            "-z",
            "--stdin",
        ])
        .stdin(hidden)
        .run()
    }

    /// Removes all that is neither tracked nor kept, nested repositories and ignored files included.
    pub(crate) fn clean_slot(&self, slot: SlotCheckout, keep: &[String]) -> anyhow::Result<()> {
        let mut command = self
            .git
            .command(["clean", "-ffdxq"])
            .on_worktree(slot.root, slot.index);
        for path in keep {
            command = command.arg("-e").arg(format!("/{}", escape_pattern(path)));
        }
        command.run()
    }

    /// Writes the slot's `.git` file and administrative folder anew: a step before may have left its own there.
    fn renew_admin(&self, slot: SlotCheckout, commit: &Oid) -> anyhow::Result<()> {
        let admin = self.admin_dir(slot.admin);
        if self.common().join("reftable").is_dir() {
            // The references of a worktree lie in a database of git's there; git itself must move its HEAD.
            let _ = fs::remove_file(admin.join("config.worktree"));
            self.git
                .command(["update-ref", "--no-deref", "HEAD", commit.as_str()])
                .env("GIT_DIR", &admin)
                .run()?;
        } else {
            fs::create_dir_all(&admin)
                .with_context(|| format!("can't make {}", admin.display()))?;
            empty_but_for(&admin, &["gitdir", "locked"])
                .with_context(|| format!("can't renew {}", admin.display()))?;
            write(&admin.join("HEAD"), &format!("{commit}\n"))?;
            write(&admin.join("commondir"), "../..\n")?;
        }
        let link = slot.root.join(".git");
        write(&admin.join("gitdir"), &format!("{}\n", link.display()))?;
        let _ = fs::remove_file(&link).or_else(|_| fs::remove_dir_all(&link));
        write(&link, &format!("gitdir: {}\n", admin.display()))?;
        let own = admin.join("index");
        fs::copy(slot.index, &own).with_context(|| format!("can't write {}", own.display()))?;
        Ok(())
    }

    /// The tracked files of the slot that are no longer as they were checked out from `commit`.
    pub(crate) fn changed_in_slot(
        &self,
        slot: SlotCheckout,
        commit: &Oid,
    ) -> anyhow::Result<Vec<String>> {
        let on = |args: &[&str]| self.git.command(args).on_worktree(slot.root, slot.index);
        let differing = || on(&["diff-files", "-z", "--name-only", "--ignore-submodules"]).bytes();
        read_settled(slot.index, slot.root, commit.as_str().len() / 2);
        let mut list = differing()?;
        if !list.is_empty() {
            // Their times differ, at least; whether their content does, only reading them tells.
            on(&["update-index", "-q", "--refresh", "--ignore-submodules"]).output()?;
            list = differing()?;
        }
        records(&list).map(utf8).collect()
    }

    /// What lies in the slot beside its tracked files; a folder that holds none of them counts as one path.
    pub(crate) fn untracked_in_slot(&self, slot: SlotCheckout) -> anyhow::Result<Vec<String>> {
        let list = self
            .git
            .command([
                "ls-files",
                "-z",
                "--others",
                "--directory",
                "--no-empty-directory",
            ])
            .on_worktree(slot.root, slot.index)
            .bytes()?;
        records(&list).map(utf8).collect()
    }
}

/// `path` as a pattern of git's that means just this path.
fn escape_pattern(path: &str) -> String {
    path.chars()
        .flat_map(|c| {
            let special = matches!(c, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ');
            special
                .then_some('\\')
                .into_iter()
                .chain(std::iter::once(c))
        })
        .collect()
}

/// Removes a folder with all in it; one that is gone is no error. A `git gc` beside may add to a folder of git's while
/// it is being emptied: then it is emptied once more.
pub(super) fn remove_tree(path: &Path) -> anyhow::Result<()> {
    const TRIES: u32 = 20;
    for tries_left in (0..TRIES).rev() {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && tries_left > 0 => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't remove {}", path.display()));
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Removes all in an administrative folder but what a `git gc` beside looks for, which would take the folder away.
fn empty_but_for(folder: &Path, kept: &[&str]) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if kept.iter().any(|name| entry.file_name() == *name) && entry.file_type()?.is_file() {
            continue;
        }
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
