//! A checkout that was made ahead: its files are moved into a new worktree, which takes no time, where cloning them does.
//!
//! An agent could have been at it meanwhile. So it is used only if every file is as it was made, and nothing else lies
//! there; what it holds of a path is its blob to the byte, whatever attributes and settings were when it was made.

mod check;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use rustix::fs::{self as sys, CWD, RenameFlags};

use super::copy::{index_stat, kind_of};
use super::path::split;
use super::treatment::{self, Treatment, Treatments};
use super::{Checkout, Donor, Filling, Place, Purpose, clone};
use crate::error::Refusal;
use crate::git::{IndexEntry, IndexFile, IndexKind, IndexStat, ReadIndex, Repo, Settings};
use crate::oid::Oid;
use crate::plain::plain_bytes;
use crate::spares::{self, Note, Spare};
use crate::store::{Store, write_shown};

/// A spare with more than one of so many files other than wanted is none: writing them takes git longer than cloning
/// all of them.
const DIFFERING: usize = 4;
/// Files that changed so short a time before the index was written would be in doubt: the clock of a file system ticks
/// every few milliseconds, or every second.
const TICK: Duration = Duration::from_millis(20);
const WHOLE_SECOND: Duration = Duration::from_millis(1100);

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
    for number in spares::numbers(store) {
        let Some(spare) = Spare::hold(store, number) else {
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
    Ok(compared.filter(has_enough))
}

fn has_enough(checkout: &Checkout) -> bool {
    checkout.differing.len() * DIFFERING <= checkout.index.entries().len()
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
    let settings = asked.wait()?;
    let wanted = (tree, Purpose::Work);
    let treatments = treatments(repo, &checkout, &settings, wanted)?;
    let holds_blobs = treatments.is_some_and(|treatments| are_cloned(&checkout, &treatments));
    if holds_blobs && check::is_as_made(&checkout) {
        return Ok(Some(checkout));
    }
    spare.give_up()?;
    Ok(None)
}

/// How the files of a checkout are to be treated; nothing where git is to write them all, or gives what it makes to a
/// group: folders are not made that way ahead.
fn treatments(
    repo: &Repo,
    checkout: &Checkout,
    settings: &Settings,
    wanted: (&Oid, Purpose),
) -> anyhow::Result<Option<Treatments>> {
    let own = ["umask", "false", "no", "off", "0"];
    let shared = settings.value("core.sharedrepository");
    if shared.is_some_and(|value| !own.contains(&value.as_str())) {
        return Ok(None);
    }
    treatment::find(repo, checkout, settings, wanted)
}

/// Where a spare is that was made here by this user, as it would be made now: nothing of another could be used.
fn place(spare: &Spare, worktrees: &Path, tree: &Oid) -> Option<Place> {
    let index = spare.index();
    let read = ReadIndex::find(&index, tree.as_str().len() / 2)?;
    let root = spare.note().filter(Note::holds)?.root;
    let lies = fs::symlink_metadata(&root).ok()?;
    let is_ours = lies.is_dir()
        && root == spare.root(worktrees)
        && lies.dev() == fs::metadata(worktrees).ok()?.dev()
        && lies.uid() == rustix::process::geteuid().as_raw();
    is_ours.then_some(Place {
        root,
        index,
        read,
        slot: None,
    })
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
    /// Moves its files into a new worktree, whose index is written. Answers whether nothing is missing; git finds and
    /// writes what is, also what could not be moved.
    pub(super) fn move_into(self, to: Filling) -> anyhow::Result<bool> {
        let checkout = &self.checkout;
        // What is left of it, should this be killed, is not for the next one.
        self.spare.give_up()?;
        let index = &checkout.index;
        let moved = move_all(index, &checkout.root, to.root);
        let stats = index.entries().iter().map(|entry| {
            let path = index.path(entry);
            match is_there(entry) && moved.contains(first(path)) {
                true if split(path).0.is_empty() => stat_of_moved(to.root, index, entry),
                true => Some(entry.stat),
                false => None,
            }
        });
        let stats: Vec<_> = stats.collect();
        to.write_index(index, &stats)?;
        // Whoever makes the next one sees to what is left of this one.
        let _ = self.spare.clear();
        let has_all = |(entry, stat): (&IndexEntry, &Option<_>)| match entry.kind {
            IndexKind::Submodule => moved.contains(first(index.path(entry))),
            _ => stat.is_some(),
        };
        let has_tree = index.tree() == Some(to.tree);
        Ok(has_tree && index.entries().iter().zip(&stats).all(has_all))
    }
}

/// The name at the root that a path begins with.
fn first(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Moves what the index names at the root, each to where nothing is; answers what was moved. Whatever came there meanwhile
/// stays, and what can't be moved does as well: it may lie behind a mount, or be held fast.
fn move_all<'i>(index: &'i IndexFile, from: &Path, to: &Path) -> HashSet<&'i [u8]> {
    let entries = index.entries().iter();
    let there = entries.filter(|entry| is_there(entry) || entry.kind == IndexKind::Submodule);
    let names: HashSet<&[u8]> = there.map(|entry| first(index.path(entry))).collect();
    let is_moved = |name: &&[u8]| {
        let name = OsStr::from_bytes(name);
        let (from, to) = (from.join(name), to.join(name));
        sys::renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE).is_ok()
    };
    names.into_iter().filter(is_moved).collect()
}

/// The stat of a file or link right below `root`, if it still holds its blob. To move it is a change, which would hide
/// another one from whoever goes by its times; to move a folder is none to what it holds.
fn stat_of_moved(root: &Path, index: &IndexFile, entry: &IndexEntry) -> Option<IndexStat> {
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

/// Takes away the folders that were made for files that did not come, and makes those of submodules.
fn tidy(index: &IndexFile, root: &Path, stats: &[Option<IndexStat>]) -> anyhow::Result<()> {
    let missing = || {
        index
            .entries()
            .iter()
            .zip(stats)
            .filter(|(_, stat)| stat.is_none())
    };
    let place = |entry| root.join(OsStr::from_bytes(index.path(entry)));
    for (entry, _) in missing() {
        let above = place(entry);
        let above = above
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != root);
        // One that holds something stays, and all above it.
        let _ = above.map(fs::remove_dir).find(Result::is_err);
    }
    for (entry, _) in missing().filter(|(entry, _)| entry.kind == IndexKind::Submodule) {
        let folder = place(entry);
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    Ok(())
}

/// How long it is waited before the index is written: so that no file is as young as that for the clock of this file system.
fn tick(stats: &[Option<IndexStat>]) -> Duration {
    let has_parts = stats.iter().flatten().any(|stat| stat.ctime.1 != 0);
    if has_parts { TICK } else { WHOLE_SECOND }
}

impl Donor {
    /// Makes a spare of what it has of `tree` among `worktrees`: whatever is cloned to the byte.
    ///
    /// # Errors
    /// Where its files can't be written; a refusal where it would not be one.
    pub(crate) fn make_spare(
        &self,
        repo: &Repo,
        tree: &Oid,
        (spare, worktrees, made): (&Spare, &Path, Timestamp),
    ) -> anyhow::Result<()> {
        let donor = &self.checkout;
        if !has_enough(donor) {
            return Err(Refusal::refused(
                "the main checkout has too little of what tasks begin with",
            )
            .into());
        }
        let settings = self.settings(repo)?;
        // No content that a filter brings: what it brings next time is another's to say.
        let wanted = (tree, Purpose::Judging);
        let Some(treatments) = treatments(repo, donor, &settings, wanted)? else {
            return Err(
                Refusal::refused("git's settings or attributes leave all files to git").into(),
            );
        };
        let root = spare.begin(worktrees, made)?;
        let stats = clone::clone_files(donor, &treatments, &root)?;
        tidy(&donor.index, &root, &stats)?;
        thread::sleep(tick(&stats));
        write_shown(&spare.index(), &donor.index.patched(&stats))?;
        if look_at(repo, spare, worktrees, tree)?.is_none() {
            spare.give_up()?;
            let what = format!("{} was changed while it was made", root.display());
            return Err(Refusal::refused(what).into());
        }
        Ok(())
    }
}
