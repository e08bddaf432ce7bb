//! A checkout that the files of a new one are cloned from: chosen, held while it is read, and cloned.
//!
//! Only the main checkout and free slots serve, never a task's worktree: an agent can forge its index and its files.

mod attributes;
mod clone;
mod copy;
mod treatment;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::git::{IndexFile, Repo};
use crate::oid::Oid;
use crate::store::{Lock, Store, list_dirs, read_json};
use crate::workspace::SLOTS;

/// A checkout to clone from. A slot is held for as long as this value lives: nobody judges in it meanwhile.
pub(crate) struct Donor {
    root: PathBuf,
    index: IndexFile,
    /// When its index was written, in seconds and nanoseconds.
    written: (u32, u32),
    /// Its paths that the wanted tree has otherwise, or not at all.
    differing: HashSet<Vec<u8>>,
    /// Of a slot, its lock; the main checkout has none.
    slot: Option<Lock>,
}

/// Where a donor may be.
struct Place {
    root: PathBuf,
    index: PathBuf,
    slot: Option<Lock>,
}

/// What must be known of a slot's record to read from the slot.
#[derive(Deserialize)]
struct SlotNote {
    root: PathBuf,
    /// Somebody judges there, or died there.
    occupant: Option<PathBuf>,
}

/// The donor that is nearest to `tree`: the main checkout, or a free slot in `worktrees`. Nothing where none has most of
/// that tree, or tells of its files in a way that is understood.
///
/// # Errors
/// Where git can't compare, or the folder of the slots can't be read.
pub(crate) fn choose(
    repo: &Repo,
    store: &Store,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<Donor>> {
    let main = repo.main_checkout().map(|root| Place {
        root: root.to_owned(),
        index: repo.common().join("index"),
        slot: None,
    });
    let names = list_dirs(&store.root().join("slots"))?.into_iter();
    let slots = names.filter_map(|name| free_slot(store, worktrees, &name));
    let mut nearest: Option<Donor> = None;
    for place in main.into_iter().chain(slots) {
        let Some(donor) = Donor::open(repo, place, tree)? else {
            continue;
        };
        if donor.differing.is_empty() {
            return Ok(Some(donor));
        }
        let is_nearer = |other: &Donor| donor.differing.len() < other.differing.len();
        if nearest.as_ref().is_none_or(is_nearer) {
            nearest = Some(donor);
        }
    }
    Ok(nearest.filter(|donor| donor.differing.len() * 2 <= donor.index.entries().len()))
}

/// The slot of this name, held, where nobody is at work in it.
fn free_slot(store: &Store, worktrees: &Path, name: &str) -> Option<Place> {
    let number = name.parse().ok()?;
    let dir = store.slot_dir(number);
    // Not made, or damaged: then it is no donor, and whoever judges there next sees to it.
    let lock = Lock::attempt(&dir.join("lock")).ok().flatten()?;
    let note: SlotNote = read_json(&dir.join("slot.json")).ok().flatten()?;
    let is_at_rest = note.occupant.is_none() && note.root == worktrees.join(SLOTS).join(name);
    is_at_rest.then(|| Place {
        root: note.root,
        index: dir.join("index"),
        slot: Some(lock),
    })
}

impl Donor {
    fn open(repo: &Repo, place: Place, tree: &Oid) -> anyhow::Result<Option<Self>> {
        // None, or one that can't be read, only means that nothing is cloned from there.
        let Ok((bytes, written)) = read_index(&place.index) else {
            return Ok(None);
        };
        let Some(index) = IndexFile::parse(bytes, tree.as_str().len() / 2) else {
            return Ok(None);
        };
        let differing = if index.tree() == Some(tree) {
            HashSet::new()
        } else {
            repo.differing_from(&place.index, tree)?
        };
        Ok(Some(Self {
            root: place.root,
            index,
            written,
            differing,
            slot: place.slot,
        }))
    }

    /// The root that warm folders come from as well. Nothing where it is a slot: the steps of other tasks wrote into
    /// those.
    pub(crate) fn warm_root(&self) -> Option<&Path> {
        self.slot.is_none().then_some(&self.root)
    }
}

/// The bytes of an index, and when they were written.
fn read_index(path: &Path) -> anyhow::Result<(Vec<u8>, (u32, u32))> {
    let context = || format!("can't read {}", path.display());
    // Opened once: git puts another file in its place, and never changes one.
    let mut file = File::open(path).with_context(context)?;
    let metadata = file.metadata().with_context(context)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.read_to_end(&mut bytes).with_context(context)?;
    let seconds = u32::try_from(metadata.mtime()).context("a time that no index has")?;
    let nanoseconds = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
    Ok((bytes, (seconds, nanoseconds)))
}

/// A worktree to be filled.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) root: &'a Path,
    /// `wt`'s own index of it.
    pub(crate) index: &'a Path,
    pub(crate) tree: &'a Oid,
    pub(crate) purpose: Purpose,
}

/// What a new checkout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Work,
    /// Every byte follows from the tree.
    Judging,
}

/// Writes the files of a tree into a new worktree: cloned from `donor` where that is safe, the rest by git; through an
/// index of `wt`'s own, which that of the administrative folder `admin` is then copied from.
///
/// # Errors
/// Where the files can't be written.
pub(crate) fn fill_worktree(
    repo: &Repo,
    donor: Option<&Donor>,
    to: Filling,
    admin: &str,
) -> anyhow::Result<()> {
    let is_complete = match donor {
        Some(donor) => donor.clone_into(repo, to)?,
        None => false,
    };
    if !is_complete {
        repo.fill_worktree(to.root, to.index, to.tree)?;
    }
    repo.hand_index_over(to.index, admin)
}

impl Donor {
    /// Clones what it has of the wanted tree into a new worktree, whose index is written. Answers whether nothing is
    /// missing; git finds and writes what is.
    pub(crate) fn clone_into(&self, repo: &Repo, to: Filling) -> anyhow::Result<bool> {
        let Some(treatments) = treatment::find(repo, self, to)? else {
            return Ok(false);
        };
        let stats = clone::clone_files(self, &treatments, to.root)?;
        let is_complete = self.index.tree() == Some(to.tree) && stats.iter().all(Option::is_some);
        let bytes = self.index.patched(&stats);
        fs::write(to.index, bytes)
            .with_context(|| format!("can't write {}", to.index.display()))?;
        Ok(is_complete)
    }
}
