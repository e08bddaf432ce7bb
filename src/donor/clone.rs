//! Cloning a donor's files into a new worktree: its folders first, then their files, several at once.

mod folders;
mod runs;

use std::collections::HashMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, Scope};

use anyhow::Context as _;
use rustix::fs::{self as sys, CWD, Mode, OFlags, ResolveFlags};

use super::Checkout;
use super::copy::{Copier, FileToClone, Ways};
use super::path::split;
use super::treatment::{Treatment, Treatments};
use crate::git::{IndexKind, IndexStat};
use crate::threads;
use runs::Runs;

/// How many files are cloned at once where they are read from a disk, which waits more than it computes. From memory it
/// is as many as there are processors: more only get into each other's way.
const WORKERS: usize = 8;
/// Most files of one folder that one worker takes at a time.
const PORTION: usize = 256;

const FOLDER: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Files of one folder.
struct Portion<'a> {
    /// From the root, without a slash at its end.
    folder: &'a [u8],
    /// Their numbers in the index.
    entries: Vec<usize>,
    /// Of its folder in the new worktree, once that is made.
    inode: Option<u64>,
}

impl Portion<'_> {
    /// Its folder, as a path that can be opened from the root.
    fn folder(&self) -> &[u8] {
        if self.folder.is_empty() {
            b"."
        } else {
            self.folder
        }
    }
}

/// What all workers share.
struct Work<'a> {
    /// How many of them begin; the others come when much must be read from the disk.
    first: usize,
    are_all_at_work: AtomicBool,
    cloned: Mutex<Cloned>,
    donor: &'a Checkout,
    treatments: &'a Treatments,
    from: OwnedFd,
    to: OwnedFd,
    /// In the order of their folders' inodes. A file system keeps what lies near by this order under one lock: workers
    /// that are far from each other in it do not wait for each other.
    portions: Vec<Portion<'a>>,
    runs: Runs,
    ways: Ways,
    failure: Mutex<Option<anyhow::Error>>,
}

/// What became of an entry that was cloned, by its number.
type Cloned = Vec<(usize, IndexStat)>;

/// Clones what can be of the donor's files that the wanted tree has as well into `root`; answers the stat of each copy,
/// by entry of the donor's index.
///
/// # Errors
/// Where the copies can't be written.
pub(super) fn clone_files(
    donor: &Checkout,
    treatments: &Treatments,
    root: &Path,
) -> anyhow::Result<Vec<Option<IndexStat>>> {
    let mut stats = vec![None; donor.index.entries().len()];
    let Ok(from) = sys::openat(CWD, &donor.root, FOLDER, Mode::empty()) else {
        return Ok(stats);
    };
    let to = sys::openat(CWD, root, FOLDER, Mode::empty())
        .with_context(|| format!("can't open {}", root.display()))?;
    let first = WORKERS.min(threads::processors());
    let failed = || format!("can't write the files of {}", root.display());
    let portions = portions(donor, treatments);
    let portions = folders::make(to.as_fd(), portions, first).with_context(failed)?;
    let work = Work {
        first,
        are_all_at_work: AtomicBool::new(false),
        cloned: Mutex::default(),
        donor,
        treatments,
        from,
        to,
        runs: Runs::new(portions.len(), first),
        portions,
        ways: Ways::at(root),
        failure: Mutex::new(None),
    };
    thread::scope(|scope| {
        let work = &work;
        for worker in 1..work.first.min(work.portions.len()) {
            work.start(worker, scope);
        }
        work.run(0, scope);
    });
    if let Some(error) = work.failure.into_inner().ok().flatten() {
        return Err(error.context(failed()));
    }
    let cloned = work.cloned.into_inner();
    for (number, stat) in cloned.unwrap_or_else(PoisonError::into_inner) {
        stats[number] = Some(stat);
    }
    Ok(stats)
}

/// The files to be cloned, in the order of the index, so that a folder mostly comes after the one that it is in.
fn portions<'a>(donor: &'a Checkout, treatments: &Treatments) -> Vec<Portion<'a>> {
    let mut portions: Vec<Portion> = Vec::new();
    let mut open: HashMap<&[u8], usize> = HashMap::new();
    for (number, entry) in donor.index.entries().iter().enumerate() {
        let path = donor.index.path(entry);
        let is_left = entry.kind == IndexKind::Unsettled
            || treatments.of(path) == Treatment::Written
            || donor.differing.contains(path);
        if is_left {
            continue;
        }
        let folder = split(path).0;
        let last = *open.entry(folder).or_insert(usize::MAX);
        match portions.get_mut(last) {
            Some(portion) if portion.entries.len() < PORTION => portion.entries.push(number),
            _ => {
                open.insert(folder, portions.len());
                portions.push(Portion {
                    folder,
                    entries: vec![number],
                    inode: None,
                });
            }
        }
    }
    portions
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work<'_> {
    /// Has one more worker. Where none is to be had, the others do its part.
    fn start<'s>(&'s self, worker: usize, scope: &'s Scope<'s, '_>) {
        let run = move || self.run(worker, scope);
        let _ = Builder::new().spawn_scoped(scope, run);
    }

    /// Takes portion after portion until none is left, or a worker failed.
    fn run<'s>(&'s self, worker: usize, scope: &'s Scope<'s, '_>) {
        let mut cloned = Vec::new();
        let mut copier = Copier::new(&self.ways, self.donor.written);
        while let Some(number) = self.runs.next(worker) {
            if let Err(error) = self.clone_portion(&self.portions[number], &mut copier, &mut cloned)
            {
                self.runs.end();
                lock(&self.failure).get_or_insert(error);
            }
            if copier.has_waited() && !self.are_all_at_work.swap(true, Ordering::Relaxed) {
                for other in self.first..WORKERS {
                    self.start(other, scope);
                }
            }
        }
        lock(&self.cloned).extend(cloned);
    }

    fn clone_portion(
        &self,
        portion: &Portion,
        copier: &mut Copier,
        cloned: &mut Cloned,
    ) -> anyhow::Result<()> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let here = portion.folder();
        // Gone, or a link now: then there is nothing of it to be cloned.
        let Ok(from) = sys::openat2(&self.from, here, FOLDER, Mode::empty(), beneath) else {
            return Ok(());
        };
        let shown = || String::from_utf8_lossy(here).into_owned();
        let to = sys::openat(&self.to, here, FOLDER, Mode::empty()).with_context(shown)?;
        let index = &self.donor.index;
        for number in &portion.entries {
            let entry = &index.entries()[*number];
            let path = index.path(entry);
            let file = FileToClone {
                from: &from,
                to: &to,
                name: split(path).1,
                index,
                entry,
                treatment: self.treatments.of(path),
            };
            let shown = || String::from_utf8_lossy(path).into_owned();
            if let Some(stat) = copier.clone(&file).with_context(shown)? {
                cloned.push((*number, stat));
            }
        }
        Ok(())
    }
}
