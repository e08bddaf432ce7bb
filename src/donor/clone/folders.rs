//! The folders of a new worktree, made before their files: only then it is known where each lies on the disk.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use rustix::fs::{self as sys, AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::Portion;
use crate::threads;

/// Makes the folders of these portions below `root`, several at once; answers the portions in the order of their
/// folders' inodes, without those in whose folder's place a file is.
///
/// # Errors
/// Where one can't be made.
pub(super) fn make<'a>(
    root: BorrowedFd,
    mut portions: Vec<Portion<'a>>,
    workers: usize,
) -> anyhow::Result<Vec<Portion<'a>>> {
    let next = AtomicUsize::new(0);
    let work = || make_some(root, &portions, &next);
    let made = threads::at_once(workers, work).into_iter();
    let made: Vec<_> = made.collect::<anyhow::Result<_>>()?;
    for (number, inode) in made.into_iter().flatten() {
        portions[number].inode = Some(inode);
    }
    portions.retain(|portion| portion.inode.is_some());
    portions.sort_by_key(|portion| portion.inode);
    Ok(portions)
}

/// Makes the folder of portion after portion, as long as there is a next one; answers the inodes by their numbers.
fn make_some(
    root: BorrowedFd,
    portions: &[Portion],
    next: &AtomicUsize,
) -> anyhow::Result<Vec<(usize, u64)>> {
    let mut made = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(portion) = portions.get(number) else {
            return Ok(made);
        };
        let shown = || String::from_utf8_lossy(portion.folder()).into_owned();
        if let Some(inode) = make_folder(root, portion.folder()).with_context(shown)? {
            made.push((number, inode));
        }
    }
}

/// Makes a folder, and those above it, where they are missing; answers its inode. Nothing where a file is in the way,
/// which git then sees to.
fn make_folder(root: BorrowedFd, path: &[u8]) -> Result<Option<u64>, Errno> {
    let mut made = make_one(root, path);
    if made == Err(Errno::NOENT) {
        for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            make_one(root, &path[..end])?;
        }
        made = make_one(root, path);
    }
    made?;
    match sys::statat(root, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => Ok(Some(stat.st_ino)),
        Ok(_) | Err(Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

fn make_one(root: BorrowedFd, path: &[u8]) -> Result<(), Errno> {
    match sys::mkdirat(root, path, Mode::from_raw_mode(0o777)) {
        Err(Errno::EXIST) => Ok(()),
        done => done,
    }
}
