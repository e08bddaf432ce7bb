//! A checkout that the files of a new one are cloned from: chosen, held while it is read, and cloned.
//!
//! Only the main checkout and free slots serve, never a task's worktree: an agent can forge its index and its files.

mod attributes;
mod clone;
mod copy;
mod main_index;
mod path;
mod spare;
mod treatment;

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::git::{AskedSettings, IndexFile, IndexStat, ReadIndex, Repo, Settings};
use crate::oid::Oid;
use crate::store::{Lock, Store, list_dirs, read_json};
use crate::workspace::SLOTS;
pub(crate) use main_index::MainIndex;
pub(crate) use spare::{ReadySpare, find_spare, is_near};

/// How often a checkout is compared whose index changes meanwhile.
const COMPARISONS: usize = 3;

/// A checkout to clone from. A slot is held for as long as this value lives: nobody judges in it meanwhile.
pub(crate) struct Donor {
    checkout: Checkout,
    /// Until they are wanted.
    settings: Cell<Option<AskedSettings>>,
}

/// A checkout that may be cloned from.
struct Checkout {
    root: PathBuf,
    index: IndexFile,
    /// When its index was written, in seconds and nanoseconds.
    written: (u32, u32),
    /// Its paths that the wanted tree has otherwise, or not at all.
    differing: HashSet<Vec<u8>>,
    /// Of a slot, its lock; the others have none.
    slot: Option<Lock>,
}

/// Where such a checkout is.
struct Place {
    root: PathBuf,
    index: PathBuf,
    read: ReadIndex,
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
    main: MainIndex,
    store: &Store,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<Donor>> {
    // Git answers while checkouts are compared.
    let settings = main.repo().git.ask_settings();
    let mut donor = choose_for_warm(main, store, worktrees, tree)?;
    if let Some(donor) = &mut donor {
        donor.settings = Cell::new(Some(settings));
    }
    Ok(donor)
}

/// As [`choose`], of which only the warm folders are wanted.
///
/// # Errors
/// As there.
pub(crate) fn choose_for_warm(
    main: MainIndex,
    store: &Store,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<Donor>> {
    let (repo, hash) = (main.repo(), tree.as_str().len() / 2);
    let names = list_dirs(&store.root().join("slots"))?.into_iter();
    let slots = names.filter_map(|name| free_slot(store, worktrees, &name, hash));
    let mut nearest: Option<Checkout> = None;
    for place in main_place(main).into_iter().chain(slots) {
        let Some(checkout) = Checkout::compare(repo, place, tree)? else {
            continue;
        };
        let is_nearer = |other: &Checkout| checkout.differing.len() < other.differing.len();
        let is_same = checkout.differing.is_empty();
        if nearest.as_ref().is_none_or(is_nearer) {
            nearest = Some(checkout);
        }
        if is_same {
            break;
        }
    }
    let has_most = |it: &Checkout| it.differing.len() * 2 <= it.index.entries().len();
    let nearest = nearest.filter(has_most);
    Ok(nearest.map(|checkout| Donor {
        checkout,
        settings: Cell::new(None),
    }))
}

fn main_place(main: MainIndex) -> Option<Place> {
    let repo = main.repo();
    Some(Place {
        root: repo.main_checkout()?.to_owned(),
        index: repo.common().join("index"),
        read: main.into_read()?,
        slot: None,
    })
}

/// The slot of this name, held, where nobody is at work in it.
fn free_slot(store: &Store, worktrees: &Path, name: &str, hash: usize) -> Option<Place> {
    let number = name.parse().ok()?;
    let dir = store.slot_dir(number);
    // Not made, or damaged: then it is no donor, and whoever judges there next sees to it.
    let lock = Lock::attempt(&dir.join("lock")).ok().flatten()?;
    let note: SlotNote = read_json(&dir.join("slot.json")).ok().flatten()?;
    if note.occupant.is_some() || note.root != worktrees.join(SLOTS).join(name) {
        return None;
    }
    let index = dir.join("index");
    Some(Place {
        root: note.root,
        read: ReadIndex::find(&index, hash)?,
        index,
        slot: Some(lock),
    })
}

impl Place {
    /// The paths at which the index that was read and `tree` differ. Nothing where another index has taken its place.
    fn differing(&self, repo: &Repo, tree: &Oid) -> anyhow::Result<Option<HashSet<Vec<u8>>>> {
        if self.read.index.tree() == Some(tree) {
            return Ok(Some(HashSet::new()));
        }
        let differing = repo.differing_from(&self.index, tree)?;
        // Git compared the one that is there now.
        Ok(self.read.is_still_at(&self.index).then_some(differing))
    }
}

impl Checkout {
    /// Holds a checkout against `tree`. Nothing where its index changes all the time.
    fn compare(repo: &Repo, mut place: Place, tree: &Oid) -> anyhow::Result<Option<Self>> {
        for _ in 0..COMPARISONS {
            if let Some(differing) = place.differing(repo, tree)? {
                return Ok(Some(Self {
                    root: place.root,
                    index: place.read.index,
                    written: place.read.written,
                    differing,
                    slot: place.slot,
                }));
            }
            let Some(read) = ReadIndex::find(&place.index, tree.as_str().len() / 2) else {
                break;
            };
            place.read = read;
        }
        Ok(None)
    }
}

impl Donor {
    /// The root that warm folders come from as well. Nothing where it is a slot: the steps of other tasks wrote into
    /// those.
    pub(crate) fn warm_root(&self) -> Option<&Path> {
        let checkout = &self.checkout;
        checkout.slot.is_none().then_some(&checkout.root)
    }
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

impl Filling<'_> {
    /// Writes the index, as `of` is with these stats.
    fn write_index(&self, of: &IndexFile, stats: &[Option<IndexStat>]) -> anyhow::Result<()> {
        fs::write(self.index, of.patched(stats))
            .with_context(|| format!("can't write {}", self.index.display()))
    }
}

/// What a new checkout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Work,
    /// Every byte follows from the tree.
    Judging,
}

/// Where the files of a new checkout come from, as far as that is safe; the rest is git's to write.
pub(crate) enum Source<'d> {
    /// They are moved.
    Spare(ReadySpare),
    /// They are cloned.
    Donor(&'d Donor),
    Git,
}

/// Writes the files of a tree into a new worktree, through an index of `wt`'s own, which that of the administrative
/// folder `admin` is then copied from.
///
/// # Errors
/// Where the files can't be written.
pub(crate) fn fill_worktree(
    repo: &Repo,
    source: Source,
    to: Filling,
    admin: &str,
) -> anyhow::Result<()> {
    let is_complete = match source {
        Source::Spare(spare) => spare.move_into(to)?,
        Source::Donor(donor) => donor.clone_into(repo, to)?,
        Source::Git => false,
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
        let checkout = &self.checkout;
        let settings = self.settings(repo)?;
        let wanted = (to.tree, to.purpose);
        let Some(treatments) = treatment::find(repo, checkout, &settings, wanted)? else {
            return Ok(false);
        };
        let stats = clone::clone_files(checkout, &treatments, to.root)?;
        let has_tree = checkout.index.tree() == Some(to.tree);
        let is_complete = has_tree && stats.iter().all(Option::is_some);
        to.write_index(&checkout.index, &stats)?;
        Ok(is_complete)
    }
}

impl Donor {
    /// What git is set to.
    fn settings(&self, repo: &Repo) -> anyhow::Result<Settings> {
        let asked = self.settings.take();
        asked.unwrap_or_else(|| repo.git.ask_settings()).wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Scratch;

    #[test]
    fn an_index_that_changes_once_it_was_read_is_read_again() {
        let scratch = Scratch::new();
        scratch.write("file", "one\n");
        scratch.commit("one");
        scratch.write(".gitattributes", "* eol=crlf\n");
        scratch.commit("two");
        scratch.git(&["checkout", "-q", "one"]);
        let repo = scratch.repo();
        let tree = |branch: &str| {
            let tip = repo.read.tip(&format!("refs/heads/{branch}"));
            let tip = tip.expect("read").expect("a branch");
            repo.read.tree_of(&tip).expect("a tree")
        };
        let wanted = tree("two");
        let place = main_place(MainIndex::new(&repo, &wanted)).expect("a checkout");
        assert_eq!(place.read.index.tree(), Some(&tree("one")));
        scratch.git(&["checkout", "-q", "two"]);
        let compared = Checkout::compare(&repo, place, &wanted).expect("compared");
        let checkout = compared.expect("it is at rest now");
        assert_eq!(checkout.index.tree(), Some(&wanted));
        assert!(checkout.differing.is_empty());
    }
}
