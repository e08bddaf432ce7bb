//! What files take on a disk, and what is free there.

mod extents;

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::brim::is_full_kind;
use crate::error::{MAKE_ROOM, Refusal, tells_of_full_disk};
use crate::threads;
use extents::{Extents, Told};

/// A unit of `st_blocks`, in bytes.
const BLOCK: u64 = 512;

/// What a number of folders take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Taken {
    /// Each hard link, and each part that files share, counted once.
    pub(crate) bytes: u64,
    /// Of these, what is shared with other files, inside or outside: removing the folders may not free it.
    pub(crate) shared: u64,
    /// Whether some of it may be shared without the file system telling: then it is counted more than once.
    pub(crate) untold: bool,
}

impl Taken {
    /// What is free at least once the folders are removed.
    pub(crate) fn own(&self) -> u64 {
        self.bytes - self.shared
    }
}

/// All that is found below some folders, so that it can be counted together with what is below others.
#[derive(Default)]
pub(crate) struct Counted {
    /// Bytes of what has one name and shares nothing.
    plain: u64,
    /// Bytes of the files of several names, by device and inode; their shared parts are in `extents`.
    linked: HashMap<(u64, u64), u64>,
    extents: Extents,
    untold: bool,
}

impl Counted {
    /// Counts what lies below these folders, each with itself: links are not followed, other file systems that are
    /// mounted there are not entered, and what can't be read takes nothing.
    pub(crate) fn of<P: AsRef<Path>>(tops: &[P]) -> Self {
        let mut all = Self::default();
        for top in tops {
            let Ok(metadata) = fs::symlink_metadata(top) else {
                continue;
            };
            let place = Place {
                device: metadata.dev(),
                shares: extents::may_share(top.as_ref()),
            };
            all.add(top.as_ref(), &metadata, &place);
            let mut level = Vec::new();
            if metadata.is_dir() {
                level.push(top.as_ref().to_owned());
            }
            // Level by level, and not folder in folder: how deep it goes is for an agent to say.
            while !level.is_empty() {
                let step = |found: &mut (Self, Vec<PathBuf>), _, folder: &PathBuf| {
                    let (counted, below) = list(folder, &place);
                    found.0.absorb(counted);
                    found.1.extend(below);
                };
                let found = threads::fold(&level, Default::default, step);
                level.clear();
                for (counted, below) in found {
                    all.absorb(counted);
                    level.extend(below);
                }
            }
        }
        all.extents.settle();
        all
    }

    /// Adds what was found elsewhere.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.plain += other.plain;
        self.linked.extend(other.linked);
        self.extents.absorb(other.extents);
        self.untold |= other.untold;
    }

    pub(crate) fn taken(&self) -> Taken {
        let shared = self.extents.bytes();
        Taken {
            bytes: self.plain + self.linked.values().sum::<u64>() + shared,
            shared,
            untold: self.untold,
        }
    }

    fn add(&mut self, path: &Path, metadata: &Metadata, place: &Place) {
        let key = (metadata.dev(), metadata.ino());
        let bytes = metadata.blocks() * BLOCK;
        let has_names = metadata.is_file() && metadata.nlink() > 1;
        if has_names && self.linked.contains_key(&key) {
            return;
        }
        let mut own = bytes;
        if place.shares && metadata.is_file() && bytes > 0 {
            match self.extents.add_shared(path, key.0) {
                Told::Shared(shared) => own = bytes.saturating_sub(shared),
                Told::Nothing => self.untold = true,
            }
        }
        if has_names {
            self.linked.insert(key, own);
        } else {
            self.plain += own;
        }
    }
}

/// Where is counted.
struct Place {
    device: u64,
    /// Whether files may share parts there.
    shares: bool,
}

/// What is in a folder, and the folders in it.
fn list(folder: &Path, place: &Place) -> (Counted, Vec<PathBuf>) {
    let mut counted = Counted::default();
    let mut below = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.dev() != place.device {
            continue;
        }
        counted.add(&entry.path(), &metadata, place);
        if metadata.is_dir() {
            below.push(entry.path());
        }
    }
    (counted, below)
}

/// What lies below a folder, if that is no more than `most` bytes: it ends there. Hard links count each.
pub(crate) fn bytes_up_to(folder: &Path, most: u64) -> Option<u64> {
    let mut bytes = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            bytes += metadata.blocks() * BLOCK;
            if bytes > most {
                return None;
            }
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Some(bytes)
}

/// Whether files of `from` can be had at `to`, which need not be there yet, without taking their space again. Tried
/// with files that have no name.
pub(crate) fn can_clone(from: &Path, to: &Path) -> bool {
    let Some(there) = to.ancestors().find(|place| place.is_dir()) else {
        return false;
    };
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    if device(from) != device(there) || !extents::may_share(there) {
        return false;
    }
    let try_it = || -> io::Result<()> {
        let (mut one, other) = (tempfile::tempfile_in(there)?, tempfile::tempfile_in(there)?);
        one.write_all(&[1; 4096])?;
        Ok(rustix::fs::ioctl_ficlone(&other, &one)?)
    };
    try_it().is_ok()
}

/// The number by which Linux knows XFS.
const XFS: u64 = 0x5846_5342;

/// Whether a file of some kilobytes is sooner written than shared at `place`, which need not be there yet: on XFS, where
/// sharing takes three times as long; btrfs shares sooner than it writes.
pub(crate) fn writes_small(place: &Path) -> bool {
    let there = place.ancestors().find(|place| place.is_dir());
    let system = there.and_then(|there| rustix::fs::statfs(there).ok());
    system.is_some_and(|system| u64::try_from(system.f_type) == Ok(XFS))
}

/// What a file system has free for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Free {
    pub(crate) bytes: u64,
    /// How large the file system is, in bytes.
    pub(crate) of: u64,
    /// How many files can be made; none where there is no limit.
    pub(crate) files: Option<u64>,
    /// What a file's content is rounded up to, in bytes.
    pub(crate) block: u64,
}

/// What is free where `path` is, or, as long as it is not there, where it would be made; nothing where that can't be
/// told.
pub(crate) fn free_at(path: &Path) -> Option<Free> {
    let there = path.ancestors().find(|place| place.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(Free {
        bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        of: stat.f_blocks.saturating_mul(stat.f_frsize),
        files: (stat.f_files > 0).then_some(stat.f_favail),
        block: stat.f_frsize.max(BLOCK),
    })
}

/// Whether a disk that is full, of bytes or of files, is the cause.
pub(crate) fn is_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let full = cause.downcast_ref::<io::Error>();
        full.is_some_and(|cause| is_full_kind(cause.kind())) || {
            tells_of_full_disk(&cause.to_string())
        }
    })
}

/// A fault whose cause is a full disk is a refusal that says how room is made.
pub(crate) fn say_if_full(error: anyhow::Error, making_room: bool) -> anyhow::Error {
    if error.is::<Refusal>() || !is_full(&error) {
        return error;
    }
    let hint = if making_room {
        "what wt holds back for this is used up: remove a few MB there that are not wt's, then try again"
    } else {
        MAKE_ROOM
    };
    error.context(Refusal::refused("the disk is full").hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hard_link_is_counted_once_and_a_symbolic_one_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, other) = (dir.path().join("one"), dir.path().join("other/deep"));
        fs::create_dir_all(&one).expect("made");
        fs::create_dir_all(&other).expect("made");
        let bytes: Vec<u8> = (0..400_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        fs::write(one.join("file"), &bytes).expect("written");
        fs::hard_link(one.join("file"), other.join("again")).expect("linked");
        std::os::unix::fs::symlink("/", other.join("out")).expect("linked");
        let taken = |tops: &[&Path]| Counted::of(tops).taken().bytes;
        let (first, second) = (taken(&[&one]), taken(&[&other]));
        assert!((400_000..600_000).contains(&first), "{first}");
        assert!((400_000..600_000).contains(&second), "{second}");
        let mut both = Counted::of(&[&one]);
        both.absorb(Counted::of(&[&other]));
        assert_eq!(both.taken().bytes, taken(&[&one, &other]));
        assert!(both.taken().bytes < 600_000, "{:?}", both.taken());
        assert_eq!(taken(&[&dir.path().join("none")]), 0);
    }

    #[test]
    fn what_is_free_is_told_of_a_place_that_is_not_there_yet() {
        let dir = tempfile::tempdir().expect("a folder");
        let free = free_at(&dir.path().join("not/there")).expect("told");
        assert!(free.of >= free.bytes && free.block.is_power_of_two());
    }
}
