//! Cloning a donor's files into a new worktree: folder by folder, several at once.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use anyhow::Context as _;
use rustix::fs::{self as sys, CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::Donor;
use super::copy::{Copier, FileToClone, Ways};
use super::treatment::{Treatment, Treatments};
use crate::git::{IndexKind, IndexStat};

/// How many files are cloned at once where they are read from a disk, which waits more than it computes. From memory it
/// is one more than there are processors: more only get into each other's way.
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
}

/// What all workers share.
struct Work<'a> {
    /// How many of them begin; the others come when much must be read from the disk.
    first: usize,
    are_all_at_work: AtomicBool,
    cloned: Mutex<Cloned>,
    donor: &'a Donor,
    treatments: &'a Treatments,
    from: OwnedFd,
    to: OwnedFd,
    portions: Vec<Portion<'a>>,
    next: AtomicUsize,
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
    donor: &Donor,
    treatments: &Treatments,
    root: &Path,
) -> anyhow::Result<Vec<Option<IndexStat>>> {
    let mut stats = vec![None; donor.index.entries().len()];
    let Ok(from) = sys::openat(CWD, &donor.root, FOLDER, Mode::empty()) else {
        return Ok(stats);
    };
    let to = sys::openat(CWD, root, FOLDER, Mode::empty())
        .with_context(|| format!("can't open {}", root.display()))?;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let work = Work {
        first: WORKERS.min(processors + 1),
        are_all_at_work: AtomicBool::new(false),
        cloned: Mutex::default(),
        donor,
        treatments,
        from,
        to,
        portions: portions(donor, treatments),
        next: AtomicUsize::new(0),
        ways: Ways::at(root),
        failure: Mutex::new(None),
    };
    thread::scope(|scope| {
        for _ in 0..work.first.min(work.portions.len()) {
            scope.spawn(|| work.run(scope));
        }
    });
    if let Some(error) = work.failure.into_inner().ok().flatten() {
        return Err(error.context(format!("can't write the files of {}", root.display())));
    }
    let cloned = work.cloned.into_inner();
    for (number, stat) in cloned.unwrap_or_else(PoisonError::into_inner) {
        stats[number] = Some(stat);
    }
    Ok(stats)
}

/// The files to be cloned, in the order of the index, so that a folder mostly comes after the one that it is in.
fn portions<'a>(donor: &'a Donor, treatments: &Treatments) -> Vec<Portion<'a>> {
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
                let entries = vec![number];
                portions.push(Portion { folder, entries });
            }
        }
    }
    portions
}

/// A path as its folder, empty for the root, and its name there.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work<'_> {
    /// Takes portion after portion until none is left, or a worker failed.
    fn run<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        let mut cloned = Vec::new();
        let mut copier = Copier::new(&self.ways, self.donor.written);
        while let Some(portion) = self.portions.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.clone_portion(portion, &mut copier, &mut cloned) {
                self.next.store(self.portions.len(), Ordering::Relaxed);
                lock(&self.failure).get_or_insert(error);
            }
            if copier.has_waited() && !self.are_all_at_work.swap(true, Ordering::Relaxed) {
                for _ in self.first..WORKERS {
                    scope.spawn(|| self.run(scope));
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
        let here = if portion.folder.is_empty() {
            b"."
        } else {
            portion.folder
        };
        // Gone, or a link now: then there is nothing of it to be cloned.
        let Ok(from) = sys::openat2(&self.from, here, FOLDER, Mode::empty(), beneath) else {
            return Ok(());
        };
        let shown = || String::from_utf8_lossy(portion.folder).into_owned();
        let Some(to) = self.make_folder(here).with_context(shown)? else {
            return Ok(());
        };
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

    /// Makes a folder of the new worktree, and those above it, where they are missing; nothing where a file is in the
    /// way, which git then sees to.
    fn make_folder(&self, path: &[u8]) -> Result<Option<OwnedFd>, Errno> {
        let open = || sys::openat(&self.to, path, FOLDER, Mode::empty());
        if let Ok(folder) = open() {
            return Ok(Some(folder));
        }
        let mut made = self.make(path);
        if made == Err(Errno::NOENT) {
            for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                self.make(&path[..end])?;
            }
            made = self.make(path);
        }
        made?;
        match open() {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make(&self, path: &[u8]) -> Result<(), Errno> {
        match sys::mkdirat(&self.to, path, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => Ok(()),
            done => done,
        }
    }
}
