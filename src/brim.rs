//! Whether a file system is full, seen by trying: what is told of free space leaves out quotas, and what only some
//! users may still have.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// What can't be had where it counts as full, in bytes. A writer needs a part of it, and git less than a file.
const LEAST: u64 = 1 << 20;

/// Whether something failed as there is no room for it.
pub(crate) fn is_full_kind(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether nothing more fits into a folder right now. Tried with a file that has no name; where none can be made for
/// another reason, it is not full.
pub(crate) fn is_full_at(folder: &Path) -> bool {
    lacks(folder, LEAST)
}

/// Whether so many bytes can't be had in a folder right now.
pub(crate) fn lacks(folder: &Path, bytes: u64) -> bool {
    let tried = || take(&mut tempfile::tempfile_in(folder)?, bytes);
    tried().is_err_and(|error| is_full_kind(error.kind()))
}

/// Makes a file so many bytes long, all of them taken on the disk.
pub(crate) fn take(file: &mut File, bytes: u64) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP) => {
            let zeros = vec![0; usize::try_from(bytes).map_err(|_| ErrorKind::FileTooLarge)?];
            file.write_all(&zeros)
        }
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_or_has_room_is_not_full() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(!is_full_at(dir.path()));
        assert!(!is_full_at(&dir.path().join("none")));
        // As on a full disk, told by the kernel.
        assert!(!is_full_kind(ErrorKind::NotFound));
        assert!(is_full_kind(io::Error::from(Errno::NOSPC).kind()));
        assert!(is_full_kind(io::Error::from(Errno::DQUOT).kind()));
    }
}
