//! What is mounted in a folder: it is not the folder's own, and must not be deleted with it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::error::Refusal;

/// # Errors
/// A refusal where something is mounted at `folder` or below it: another file system, or another place of this one.
pub(crate) fn require_unmounted(folder: &Path) -> Result<(), Refusal> {
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let places = mounts.split(|byte| *byte == b'\n').filter_map(place);
    let Some(place) = places.into_iter().find(|place| place.starts_with(&folder)) else {
        return Ok(());
    };
    let place = place.display();
    Err(Refusal::refused(format!("something is mounted at {place}"))
        .hint(format!("unmount it first: umount '{place}'")))
}

/// Where a line of the kernel's list says that something is mounted. It writes blanks and backslashes as `\040`.
fn place(line: &[u8]) -> Option<PathBuf> {
    let written = line.split(|byte| *byte == b' ').nth(4)?;
    let mut path = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let octal = after.get(..3).filter(|_| byte == b'\\');
        let code = octal.and_then(|code| u8::from_str_radix(str::from_utf8(code).ok()?, 8).ok());
        if code.is_some() {
            rest = &after[3..];
        }
        path.push(code.unwrap_or(byte));
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_mount_is_read_as_the_kernel_writes_it() {
        let read = |line: &str| place(line.as_bytes());
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            read("36 35 98:0 /mnt1 /w/a\\040b\\134c rw,noatime master:1 - ext3 /dev/root rw"),
            at("/w/a b\\c")
        );
        assert_eq!(read("36 35 98:0 / /w\\x rw - a b c"), at("/w\\x"));
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_kernels_own_files_are_mounted_and_a_new_folder_holds_none() {
        assert!(require_unmounted(Path::new("/proc")).is_err());
        let dir = tempfile::tempdir().expect("a folder");
        assert!(require_unmounted(dir.path()).is_ok());
        assert!(require_unmounted(&dir.path().join("none")).is_ok());
    }
}
