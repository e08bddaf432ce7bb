//! One file of a donor, cloned: only as its index knows it, and with the times that it has there.

use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Seek as _, Write as _};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::treatment::Treatment;
use crate::disk::writes_small;
use crate::git::{CHEAPLY_WRITTEN, IndexEntry, IndexFile, IndexKind, IndexStat};

/// A file of up to this size, in bytes, is held in memory whole.
const IN_MEMORY: usize = 1 << 20;
/// The offset by which a file is read from its own position.
const FROM_HERE: u64 = u64::MAX;
/// How the pointer begins that Git LFS keeps in the place of a file's content.
const POINTER: &[u8] = b"version https://git-lfs";

/// What the file systems have turned out to be able to do.
pub(super) struct Ways {
    no_reflink: AtomicBool,
    writes_small: bool,
    /// Only its owner may read a file without its time of access being noted.
    noted: AtomicBool,
}

impl Ways {
    /// For copies below `root`, of which nothing is known yet but the kind of its file system.
    pub(super) fn at(root: &Path) -> Self {
        Self {
            no_reflink: AtomicBool::default(),
            writes_small: writes_small(root),
            noted: AtomicBool::default(),
        }
    }
}

/// What was written of a file.
enum Copied {
    /// The very bytes that were found to be its blob.
    Checked,
    /// All of it, read once more.
    Read,
    InPart,
}

/// A file to be cloned into another folder.
pub(super) struct FileToClone<'a> {
    pub(super) from: &'a OwnedFd,
    pub(super) to: &'a OwnedFd,
    pub(super) name: &'a [u8],
    pub(super) index: &'a IndexFile,
    pub(super) entry: &'a IndexEntry,
    pub(super) treatment: Treatment,
}

/// Clones one file after the other.
pub(super) struct Copier<'a> {
    ways: &'a Ways,
    /// When the donor's index was written.
    written: (u32, u32),
    buffer: Vec<u8>,
    /// How often it read something, and how often that was not in memory.
    reads: usize,
    waits: usize,
}

impl<'a> Copier<'a> {
    pub(super) fn new(ways: &'a Ways, written: (u32, u32)) -> Self {
        Self {
            ways,
            written,
            buffer: vec![0; IN_MEMORY],
            reads: 0,
            waits: 0,
        }
    }

    /// Whether much of what was read since this was asked last had to come from the disk.
    pub(super) fn has_waited(&mut self) -> bool {
        let (reads, waits) = (mem::take(&mut self.reads), mem::take(&mut self.waits));
        waits * 4 > reads
    }

    /// Clones a file; answers the stat of the copy. Nothing where the donor's is not as its index has it, or is not to
    /// be cloned: no copy is left then.
    ///
    /// # Errors
    /// Where the copy can't be written.
    pub(super) fn clone(&mut self, file: &FileToClone) -> io::Result<Option<IndexStat>> {
        if file.entry.kind == IndexKind::Submodule {
            return make_submodule(file);
        }
        if file.entry.kind == IndexKind::Link {
            return match stat_of(file.from.as_fd(), file.name) {
                Ok(seen) if is_known(file.entry, &seen, self.written) => clone_link(file, &seen),
                _ => Ok(None),
            };
        }
        let Some(source) = self.open(file) else {
            return Ok(None);
        };
        match sys::fstat(&source) {
            Ok(seen) if is_known(file.entry, &seen, self.written) => {
                self.clone_content(file, source, &seen)
            }
            _ => Ok(None),
        }
    }

    fn open(&self, file: &FileToClone) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |flags| sys::openat(file.from, file.name, flags, Mode::empty());
        if !self.ways.noted.load(Ordering::Relaxed) {
            match open(flags | OFlags::NOATIME) {
                Err(Errno::PERM) => self.ways.noted.store(true, Ordering::Relaxed),
                opened => return opened.ok().map(File::from),
            }
        }
        open(flags).ok().map(File::from)
    }

    fn clone_content(
        &mut self,
        file: &FileToClone,
        mut source: File,
        seen: &Stat,
    ) -> io::Result<Option<IndexStat>> {
        let Some(held) = self.look_into(file, &mut source, seen)? else {
            return Ok(None);
        };
        let mode = match file.entry.kind {
            IndexKind::Executable => 0o777,
            _ => 0o666,
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let copy = match sys::openat(file.to, file.name, flags, Mode::from_raw_mode(mode)) {
            // Another path is the same one for this file system.
            Err(Errno::EXIST) => return Ok(None),
            opened => File::from(opened?),
        };
        let is_whole = match self.copy_content(&mut source, &copy, seen, held)? {
            Copied::Checked => true,
            Copied::Read => sys::fstat(&source).is_ok_and(|after| is_same(&after, seen)),
            Copied::InPart => false,
        };
        if !is_whole {
            sys::unlinkat(file.to, file.name, AtFlags::empty())?;
            return Ok(None);
        }
        sys::futimens(&copy, &times(seen))?;
        Ok(Some(index_stat(&sys::fstat(&copy)?)))
    }

    /// Looks whether a file's content is what git would write now; nothing where it is not. Its stat alone does not tell:
    /// git leaves files as they are when only attributes or settings change. Answers how many bytes of it, from its
    /// beginning, are in the buffer; the rest is to be read from `source`.
    fn look_into(
        &mut self,
        file: &FileToClone,
        source: &mut File,
        seen: &Stat,
    ) -> io::Result<Option<usize>> {
        let (fits, held) = match file.treatment {
            Treatment::Written => (false, 0),
            Treatment::Cloned => self.is_blob(file, source, seen),
            Treatment::ClonedContent => {
                let begin = &mut self.buffer[..POINTER.len()];
                let count = source.read(begin).unwrap_or_default();
                (count > 0 && begin[..count] != *POINTER, 0)
            }
        };
        if !fits {
            return Ok(None);
        }
        if held == 0 {
            source.rewind()?;
        }
        Ok(Some(held))
    }

    /// Reads on, into the buffer.
    fn read(&mut self, source: &mut File) -> io::Result<usize> {
        self.reads += 1;
        let mut all = [IoSliceMut::new(&mut self.buffer)];
        if let Ok(count) = preadv2(&*source, &mut all, FROM_HERE, ReadWriteFlags::NOWAIT) {
            return Ok(count);
        }
        // Or it can't be told here, and is taken to be so.
        self.waits += 1;
        source.read(&mut self.buffer)
    }

    /// Whether a file holds its blob to the byte, and how much of it is in the buffer afterwards: all or nothing.
    fn is_blob(&mut self, file: &FileToClone, source: &mut File, seen: &Stat) -> (bool, usize) {
        let length = u64::try_from(seen.st_size).unwrap_or_default();
        let mut hash = file.index.blob_hash(length);
        let mut left = length;
        let mut held = 0;
        while left > 0 {
            match self.read(source) {
                Ok(0) => return (false, 0),
                Ok(count) => {
                    hash.add(&self.buffer[..count]);
                    left = left.saturating_sub(count as u64);
                    held = count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return (false, 0),
            }
        }
        let is_held = held as u64 == length;
        let held = if is_held { held } else { 0 };
        (file.index.is_blob(file.entry, hash), held)
    }

    /// Writes what `source` holds, of which the first `held` bytes are in the buffer.
    fn copy_content(
        &mut self,
        source: &mut File,
        mut copy: &File,
        seen: &Stat,
        held: usize,
    ) -> io::Result<Copied> {
        let mut left = u64::try_from(seen.st_size).unwrap_or_default();
        let is_cheaply_written = self.ways.writes_small && held > 0 && left <= CHEAPLY_WRITTEN;
        if left > 0 && !is_cheaply_written && !self.ways.no_reflink.load(Ordering::Relaxed) {
            match sys::ioctl_ficlone(copy, &*source) {
                Ok(()) => return Ok(Copied::Read),
                Err(Errno::NOSPC | Errno::DQUOT) => {}
                Err(_) => self.ways.no_reflink.store(true, Ordering::Relaxed),
            }
        }
        copy.write_all(&self.buffer[..held])?;
        if held > 0 && held as u64 == left {
            return Ok(Copied::Checked);
        }
        left = left.saturating_sub(held as u64);
        while left > 0 {
            match source.read(&mut self.buffer) {
                Ok(0) => return Ok(Copied::InPart),
                Ok(count) => {
                    copy.write_all(&self.buffer[..count])?;
                    left = left.saturating_sub(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(Copied::InPart),
            }
        }
        Ok(Copied::Read)
    }
}

/// Whether a file is the one that an index describes, which was `written` then, and can't have changed unseen since.
pub(super) fn is_known(entry: &IndexEntry, seen: &Stat, written: (u32, u32)) -> bool {
    let now = index_stat(seen);
    // Git does not compare devices: their numbers change with a restart.
    let dev = entry.stat.dev;
    kind_of(seen) == Some(entry.kind)
        && IndexStat { dev, ..now } == entry.stat
        && [now.mtime, now.ctime]
            .into_iter()
            .all(|time| is_before(time, written))
}

/// What an entry for a file or link would be.
pub(super) fn kind_of(seen: &Stat) -> Option<IndexKind> {
    match FileType::from_raw_mode(seen.st_mode) {
        FileType::Symlink => Some(IndexKind::Link),
        FileType::RegularFile if seen.st_mode & 0o100 != 0 => Some(IndexKind::Executable),
        FileType::RegularFile => Some(IndexKind::File),
        _ => None,
    }
}

/// The folder of a submodule, which is filled later. Git never compares its times.
fn make_submodule(file: &FileToClone) -> io::Result<Option<IndexStat>> {
    match sys::mkdirat(file.to, file.name, Mode::from_raw_mode(0o777)) {
        Err(Errno::EXIST) => Ok(None),
        made => Ok(made.map(|()| Some(IndexStat::default()))?),
    }
}

fn clone_link(file: &FileToClone, seen: &Stat) -> io::Result<Option<IndexStat>> {
    let Ok(target) = sys::readlinkat(file.from, file.name, Vec::new()) else {
        return Ok(None);
    };
    let mut hash = file.index.blob_hash(target.as_bytes().len() as u64);
    hash.add(target.as_bytes());
    let is_same = stat_of(file.from.as_fd(), file.name).is_ok_and(|after| is_same(&after, seen));
    if !is_same || !file.index.is_blob(file.entry, hash) {
        return Ok(None);
    }
    match sys::symlinkat(&target, file.to, file.name) {
        Err(Errno::EXIST) => return Ok(None),
        made => made?,
    }
    sys::utimensat(file.to, file.name, &times(seen), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(Some(index_stat(&stat_of(file.to.as_fd(), file.name)?)))
}

fn stat_of(folder: BorrowedFd, name: &[u8]) -> Result<Stat, Errno> {
    sys::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Whether nothing was done to a file meanwhile, as far as git could tell.
fn is_same(after: &Stat, before: &Stat) -> bool {
    index_stat(after) == index_stat(before)
}

/// Whether a file's time is from before the index was written: whatever changed the file later gave it another one.
pub(super) fn is_before(time: (u32, u32), written: (u32, u32)) -> bool {
    match time {
        // A file system that knows whole seconds alone: all of that second is in doubt.
        (seconds, 0) => seconds < written.0,
        time => time < written,
    }
}

/// The time of a file's last change, to be given to another one.
fn times(stat: &Stat) -> Timestamps {
    let omitted = Timespec {
        tv_sec: 0,
        tv_nsec: sys::UTIME_OMIT,
    };
    let modified = Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: stat.st_mtime_nsec.cast_signed(),
    };
    Timestamps {
        last_access: omitted,
        last_modification: modified,
    }
}

/// A file's metadata as git keeps it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "git keeps the lower 32 bits of each"
)]
pub(super) fn index_stat(stat: &Stat) -> IndexStat {
    IndexStat {
        ctime: (stat.st_ctime as u32, stat.st_ctime_nsec as u32),
        mtime: (stat.st_mtime as u32, stat.st_mtime_nsec as u32),
        dev: stat.st_dev as u32,
        ino: stat.st_ino as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u32,
    }
}
