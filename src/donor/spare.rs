//! A checkout that was made ahead: its files are moved into a new worktree, which takes no time, where cloning them does.
//!
//! An agent could have been at it meanwhile. So it is used only if every file is as it was made, and nothing else lies
//! there; what it holds of a path is its blob to the byte, whatever attributes and settings were when it was made.

mod check;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs as sys;

use super::copy::{index_stat, kind_of};
use super::path::split;
use super::treatment::{self, Treatment, Treatments};
use super::{Checkout, Donor, Filling, Place, Purpose, clone};
use crate::git::{IndexEntry, IndexFile, IndexKind, IndexStat, ReadIndex, Repo, prune_above};
use crate::oid::Oid;
use crate::plain::plain_bytes;
use crate::spares::{self, Note, Spare};
use crate::store::{Store, write_shown};

/// A spare with more than one of so many files other than wanted is none: writing them takes git longer than cloning
/// all of them.
const DIFFERING: usize = 4;
/// Files that changed so short a time before the index was written would be in doubt: the clock of a file system ticks
/// every few milliseconds.
const TICK: Duration = Duration::from_millis(20);

/// A spare that is whole, and nobody else's.
pub(crate) struct ReadySpare {
    checkout: Box<Checkout>,
    spare: Spare,
}

/// A spare among `worktrees` that has most of `tree`, each file of it as it was made. Nothing where there is none.
///
/// # Errors
/// Where git can't compare, or the state can't be read.
pub(crate) fn find_spare(
    repo: &Repo,
    store: &Store,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<ReadySpare>> {
    for number in spares::numbers(store)? {
        let Some(spare) = Spare::hold(store, number)? else {
            continue;
        };
        if let Some(checkout) = look_at(repo, &spare, worktrees, tree)? {
            let checkout = Box::new(checkout);
            return Ok(Some(ReadySpare { checkout, spare }));
        }
    }
    Ok(None)
}

/// Whether a spare has most of `tree`, as far as its index tells.
///
/// # Errors
/// Where git can't compare.
pub(crate) fn is_near(
    repo: &Repo,
    spare: &Spare,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<bool> {
    Ok(compare(repo, spare, worktrees, tree)?.is_some())
}

fn compare(
    repo: &Repo,
    spare: &Spare,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<Checkout>> {
    let Some(place) = place(spare, worktrees, tree) else {
        return Ok(None);
    };
    let compared = Checkout::compare(repo, place, tree)?;
    let is_near = |checkout: &Checkout| {
        checkout.differing.len() * DIFFERING <= checkout.index.entries().len()
    };
    Ok(compared.filter(is_near))
}

/// The spare as a checkout that has most of `tree`, once every file of it was looked at. One that is not as it was made is
/// given up.
fn look_at(
    repo: &Repo,
    spare: &Spare,
    worktrees: &Path,
    tree: &Oid,
) -> anyhow::Result<Option<Checkout>> {
    let asked = repo.git.ask_settings();
    let Some(checkout) = compare(repo, spare, worktrees, tree)? else {
        return Ok(None);
    };
    let wanted = (tree, Purpose::Work);
    let treatments = treatment::find(repo, &checkout, &asked.wait()?, wanted)?;
    let holds_blobs = treatments.is_some_and(|treatments| are_cloned(&checkout, &treatments));
    if holds_blobs && check::is_as_made(&checkout) {
        return Ok(Some(checkout));
    }
    spare.give_up()?;
    Ok(None)
}

/// Where a spare is that was made here by this user, and for what is made now: nothing of it could be used otherwise.
fn place(spare: &Spare, worktrees: &Path, tree: &Oid) -> Option<Place> {
    let index = spare.index();
    let read = ReadIndex::find(&index, tree.as_str().len() / 2)?;
    let root = spare.note().filter(Note::is_of_this_boot)?.root;
    let lies = fs::symlink_metadata(&root).ok()?;
    let is_ours = lies.is_dir()
        && root.starts_with(worktrees)
        && lies.dev() == fs::metadata(worktrees).ok()?.dev()
        && lies.uid() == rustix::process::geteuid().as_raw()
        && umask().is_none_or(|umask| lies.mode() & 0o777 == 0o777 & !umask);
    is_ours.then_some(Place {
        root,
        index,
        read,
        slot: None,
    })
}

/// The permissions that new files are not given; nothing where the system does not tell.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

/// Whether a spare has the file or link of an entry.
fn is_there(entry: &IndexEntry) -> bool {
    let has_file = matches!(
        entry.kind,
        IndexKind::File | IndexKind::Executable | IndexKind::Link
    );
    has_file && entry.stat != IndexStat::default()
}

/// Whether git would write each file that is there as its blob.
fn are_cloned(checkout: &Checkout, treatments: &Treatments) -> bool {
    let index = &checkout.index;
    let there = index.entries().iter().filter(|entry| is_there(entry));
    there
        .map(|entry| treatments.of(index.path(entry)))
        .all(|treatment| treatment == Treatment::Cloned)
}

impl ReadySpare {
    /// Moves all of its files into a new worktree, whose index is written. Answers whether nothing is missing; git finds
    /// and writes what is.
    pub(super) fn move_into(self, to: Filling) -> anyhow::Result<bool> {
        let checkout = &self.checkout;
        // What is left of it, should this be killed, is not for the next one.
        self.spare.give_up()?;
        move_all(&checkout.root, to.root)
            .with_context(|| format!("can't move the files of {}", checkout.root.display()))?;
        let index = &checkout.index;
        let stats = index.entries().iter().map(|entry| match is_there(entry) {
            true if split(index.path(entry)).0.is_empty() => moved(to.root, index, entry),
            true => Some(entry.stat),
            false => None,
        });
        let stats: Vec<_> = stats.collect();
        write(to.index, &index.patched(&stats))?;
        // Whoever makes the next one sees to what is left of this one.
        let _ = self.spare.clear();
        let has_all = |(entry, stat): (&IndexEntry, &Option<_>)| {
            entry.kind == IndexKind::Submodule || stat.is_some()
        };
        let has_tree = index.tree() == Some(to.tree);
        Ok(has_tree && index.entries().iter().zip(&stats).all(has_all))
    }
}

fn move_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The stat of a file or link right below `root`, if it still holds its blob. To move it is a change, which would hide
/// another one from whoever goes by its times; to move a folder is none to what it holds.
fn moved(root: &Path, index: &IndexFile, entry: &IndexEntry) -> Option<IndexStat> {
    let path = root.join(OsStr::from_bytes(index.path(entry)));
    let before = sys::lstat(&path).ok()?;
    let bytes = match entry.kind {
        IndexKind::Link => fs::read_link(&path).ok()?.into_os_string().into_vec(),
        _ => plain_bytes(&path, u64::from(u32::MAX)).ok()??,
    };
    let mut hash = index.blob_hash(bytes.len() as u64);
    hash.add(&bytes);
    let after = sys::lstat(&path).ok()?;
    let stat = index_stat(&after);
    let is_it = kind_of(&after) == Some(entry.kind) && index_stat(&before) == stat;
    (is_it && index.is_blob(entry, hash)).then_some(stat)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

impl Donor {
    /// Makes a spare of what it has of `tree`, in the empty folder `root`: whatever is cloned to the byte. Answers whether
    /// there is one then.
    ///
    /// # Errors
    /// Where its files can't be written.
    pub(crate) fn make_spare(
        &self,
        repo: &Repo,
        tree: &Oid,
        spare: &Spare,
        (worktrees, root): (&Path, &Path),
    ) -> anyhow::Result<bool> {
        let donor = &self.checkout;
        // No content that a filter brings: what it brings next time is another's to say.
        let Some(treatments) = self.treatments(repo, (tree, Purpose::Judging))? else {
            return Ok(false);
        };
        let stats = clone::clone_files(donor, &treatments, root)?;
        let entries = donor.index.entries().iter();
        for (entry, stat) in entries.zip(&stats) {
            if let (None, Ok(path)) = (stat, str::from_utf8(donor.index.path(entry))) {
                prune_above(root, path);
            }
        }
        thread::sleep(TICK);
        write_shown(&spare.index(), &donor.index.patched(&stats))?;
        let is_made = look_at(repo, spare, worktrees, tree)?.is_some();
        if !is_made {
            spare.give_up()?;
        }
        Ok(is_made)
    }
}
