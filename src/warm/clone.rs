//! Cloning a warm folder: folders first, then files by several workers, then one look whether the donor has changed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use rustix::fs::{
    self as sys, AtFlags, FileType, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps,
};
use rustix::io::Errno;

use super::survey::{Entry, Folder, Survey, is_same};
use crate::store::Beneath;
use crate::threads;

/// How many files are cloned at once: reading from a disk waits more than it computes.
const WORKERS: usize = 8;

/// What became of a warm folder.
pub(super) enum Fate {
    Whole,
    /// There is none.
    Nothing,
    /// It is not now as it was when the cloning began, or the cloning was stopped.
    Changed,
    /// It can't be shared, and has these bytes to be copied.
    TooLarge(u64),
}

/// Whether two folders can share the blocks of their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Yes,
    No,
}

/// Where a folder is cloned from, and to.
pub(super) struct Places<'a> {
    pub(super) donor: &'a Path,
    pub(super) from: &'a Beneath,
    pub(super) root: &'a Path,
    pub(super) to: &'a Beneath,
}

impl Sharing {
    /// Tries it with a file that has no name.
    pub(super) fn between(from: &Beneath, to: &Beneath, survey: &Survey) -> Self {
        let holds_blocks =
            |(_, entry): &(&Folder, &Entry)| !entry.is_link() && entry.stat.st_size > 0;
        let Some((folder, entry)) = survey.entries().find(holds_blocks) else {
            return Self::Yes;
        };
        let shared = || -> anyhow::Result<()> {
            let source = open(&from.folder(&folder.path)?, entry)?;
            let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
            let probe = sys::openat(to.folder("")?, c".", flags, Mode::RUSR | Mode::WUSR)?;
            Ok(sys::ioctl_ficlone(probe, source)?)
        };
        if shared().is_ok() {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// Clones a folder that does not exist in the new checkout.
///
/// # Errors
/// Where it can't be written, or something in it not be read.
pub(super) fn clone(
    places: &Places,
    survey: &Survey,
    sharing: Sharing,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Fate> {
    for folder in &survey.folders {
        places.to.make_new_folder(&folder.path)?;
    }
    let changed = AtomicBool::new(false);
    in_parallel(survey, |folder| {
        if changed.load(Ordering::Relaxed) || stop() {
            changed.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let (from, to) = (
            places.from.folder(&folder.path)?,
            places.to.folder(&folder.path)?,
        );
        for entry in folder.entries.iter().filter(|entry| entry.twin.is_none()) {
            let cloned = if entry.is_link() {
                clone_link(places, folder, entry, (&from, &to))
            } else {
                clone_file(entry, (&from, &to), sharing)
            };
            cloned.with_context(|| shown(folder, entry))?;
        }
        Ok(())
    })?;
    join_twins(places.to, survey)?;
    in_parallel(survey, |folder| {
        if !is_unchanged(places.from, folder) {
            changed.store(true, Ordering::Relaxed);
        }
        Ok(())
    })?;
    if changed.into_inner() {
        return Ok(Fate::Changed);
    }
    // What is written into a folder gives it another time: the innermost last, and each after what it holds.
    for folder in survey.folders.iter().rev() {
        let made = places.to.folder(&folder.path)?;
        sys::fchmod(&made, mode_of(&folder.stat)).with_context(|| folder.path.clone())?;
        sys::futimens(&made, &times(&folder.stat)).with_context(|| folder.path.clone())?;
    }
    Ok(Fate::Whole)
}

/// Has several workers do something with each folder, until one fails.
fn in_parallel(
    survey: &Survey,
    work: impl Fn(&Folder) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let run = || {
        while let Some(folder) = survey.folders.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(folder) {
                next.store(survey.folders.len(), Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
            }
        }
    };
    threads::at_once(WORKERS.min(survey.folders.len()), run);
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

fn open(folder: &OwnedFd, entry: &Entry) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = sys::openat(folder, &entry.name, flags, Mode::empty())?;
    Ok(File::from(file))
}

/// Clones a file. What changes meanwhile is found by the last look at it.
fn clone_file(entry: &Entry, (from, to): (&OwnedFd, &OwnedFd), sharing: Sharing) -> io::Result<()> {
    let source = match open(from, entry) {
        // Gone: the last look tells.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if FileType::from_raw_mode(sys::fstat(&source)?.st_mode) != FileType::RegularFile {
        return Ok(());
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let copy = sys::openat(to, &entry.name, flags, Mode::RUSR | Mode::WUSR)?;
    let mut copy = File::from(copy);
    // One file may be of a kind that can't be shared where others can.
    let is_shared = sharing == Sharing::Yes && sys::ioctl_ficlone(&copy, &source).is_ok();
    if !is_shared {
        copy_parts(&source, &mut copy)?;
    }
    sys::fchmod(&copy, mode_of(&entry.stat))?;
    Ok(sys::futimens(&copy, &times(&entry.stat))?)
}

/// Copies what a file holds; its holes, which take nothing on the disk, stay holes.
fn copy_parts(source: &File, copy: &mut File) -> io::Result<()> {
    let mut at = 0;
    loop {
        let begin = match sys::seek(source, SeekFrom::Data(at)) {
            // Behind this there is none.
            Err(Errno::NXIO) => break,
            // A file system without holes.
            Err(Errno::INVAL) => at,
            begin => begin?,
        };
        let end = match sys::seek(source, SeekFrom::Hole(begin)) {
            Err(Errno::INVAL | Errno::NXIO) => u64::MAX,
            end => end?,
        };
        sys::seek(source, SeekFrom::Start(begin))?;
        sys::seek(&*copy, SeekFrom::Start(begin))?;
        io::copy(&mut source.take(end - begin), copy)?;
        if end == u64::MAX {
            break;
        }
        at = end;
    }
    copy.set_len(source.metadata()?.len())
}

/// Makes a symbolic link as the donor's, but one that leads into the donor: it leads to the same place here.
fn clone_link(
    places: &Places,
    folder: &Folder,
    entry: &Entry,
    (from, to): (&OwnedFd, &OwnedFd),
) -> io::Result<()> {
    // It is another thing now, or none: the last look tells.
    let Ok(leads) = sys::readlinkat(from, &entry.name, Vec::new()) else {
        return Ok(());
    };
    let leads = Path::new(OsStr::from_bytes(leads.to_bytes()));
    let new = redirected(places, &folder.path, leads);
    sys::symlinkat(new.as_deref().unwrap_or(leads), to, &entry.name)?;
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(sys::utimensat(to, &entry.name, &times(&entry.stat), flags)?)
}

/// Where a link of the folder `at` must lead instead, if it names the donor's root on its way back into it.
fn redirected(places: &Places, at: &str, leads: &Path) -> Option<PathBuf> {
    let mut whole = PathBuf::new();
    let mut climbs_out = leads.is_absolute();
    for part in places.donor.join(at).join(leads).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
                climbs_out |= !whole.starts_with(places.donor);
            }
            part => whole.push(part),
        }
    }
    let rest = whole.strip_prefix(places.donor).ok()?;
    climbs_out.then(|| places.root.join(rest))
}

/// Makes the files that are one file in the donor one here too.
fn join_twins(to: &Beneath, survey: &Survey) -> anyhow::Result<()> {
    for (folder, entry) in survey.entries() {
        let Some((first, number)) = entry.twin else {
            continue;
        };
        let first = &survey.folders[first];
        let (one, other) = (to.folder(&first.path)?, to.folder(&folder.path)?);
        let name = &first.entries[number].name;
        match sys::linkat(&one, name, &other, &entry.name, AtFlags::empty()) {
            // The first was gone when it was to be cloned: the last look tells.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).with_context(|| shown(folder, entry)),
        }
    }
    Ok(())
}

/// Whether a folder of the donor still holds what it held, unchanged.
fn is_unchanged(from: &Beneath, folder: &Folder) -> bool {
    let Ok(now) = from.folder(&folder.path) else {
        return false;
    };
    let stat = |entry: &Entry| sys::statat(&now, &entry.name, AtFlags::SYMLINK_NOFOLLOW);
    sys::fstat(&now).is_ok_and(|stat| is_same(&stat, &folder.stat))
        && folder
            .entries
            .iter()
            .all(|entry| stat(entry).is_ok_and(|stat| is_same(&stat, &entry.stat)))
}

fn mode_of(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode & 0o777)
}

/// The time of a last change, to be given to another file.
fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: sys::UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: stat.st_mtime,
            tv_nsec: stat.st_mtime_nsec.cast_signed(),
        },
    }
}

fn shown(folder: &Folder, entry: &Entry) -> String {
    format!("{}/{}", folder.path, entry.name.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_into_the_donor_leads_to_the_same_place_in_the_new_checkout() {
        let dir = tempfile::tempdir().expect("a folder");
        let here = Beneath::open(dir.path()).expect("opened");
        let places = Places {
            donor: Path::new("/w/repo"),
            from: &here,
            root: Path::new("/w/repo.wt/a"),
            to: &here,
        };
        let redirect = |leads: &str| {
            let new = redirected(&places, "web/target", Path::new(leads));
            new.map(|path| path.to_str().expect("text").to_owned())
        };
        let new = |path: &str| Some(path.to_owned());
        assert_eq!(redirect("/w/repo/src"), new("/w/repo.wt/a/src"));
        assert_eq!(redirect("/w/x/../repo/src"), new("/w/repo.wt/a/src"));
        assert_eq!(redirect("../../../repo/src"), new("/w/repo.wt/a/src"));
        for same in [
            "../../src",
            "x",
            "/usr/bin/python3",
            "/w/repo2/x",
            "../../../other",
        ] {
            assert_eq!(redirect(same), None, "{same}");
        }
    }
}
