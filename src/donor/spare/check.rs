//! Whether a checkout is to the last file as it was made.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{self as sys, AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags};

use super::super::Checkout;
use super::super::copy::{index_stat, is_before, is_known};
use super::super::path::split;
use super::is_there;
use crate::git::IndexKind;
use crate::threads;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What one folder must hold.
#[derive(Default)]
struct Folder {
    /// Its files and links, by their numbers in the index.
    files: Vec<usize>,
    folders: usize,
}

/// Whether every file that the index of a checkout knows is the one that it knows, nothing else lies there, and no folder
/// was changed.
pub(super) fn is_as_made(checkout: &Checkout) -> bool {
    let Ok(root) = sys::openat(CWD, &checkout.root, FOLDER, Mode::empty()) else {
        return false;
    };
    let folders: Vec<_> = folders(checkout).into_iter().collect();
    let holds =
        |(path, folder): &(&[u8], Folder)| holds(checkout, &root, path, folder).unwrap_or(false);
    threads::map(&folders, holds).into_iter().all(|holds| holds)
}

/// The folders of a checkout by their paths, that of the root empty.
fn folders(checkout: &Checkout) -> HashMap<&[u8], Folder> {
    let index = &checkout.index;
    let mut folders = HashMap::from([(&b""[..], Folder::default())]);
    for (number, entry) in index.entries().iter().enumerate() {
        let path = index.path(entry);
        if entry.kind == IndexKind::Submodule {
            add_folder(&mut folders, path);
        } else if is_there(entry) {
            add_folder(&mut folders, split(path).0).files.push(number);
        }
    }
    folders
}

/// The folder at `path`, which is added to the one above it where it is new.
fn add_folder<'f, 'p>(
    folders: &'f mut HashMap<&'p [u8], Folder>,
    path: &'p [u8],
) -> &'f mut Folder {
    let mut at = path;
    let mut is_new = !folders.contains_key(at);
    while is_new {
        folders.entry(at).or_default();
        at = split(at).0;
        is_new = !folders.contains_key(at);
        folders.entry(at).or_default().folders += 1;
    }
    folders.entry(path).or_default()
}

/// Whether the folder at `path` below `root` holds just what it must.
fn holds(
    checkout: &Checkout,
    root: &OwnedFd,
    path: &[u8],
    wanted: &Folder,
) -> rustix::io::Result<bool> {
    let here = if path.is_empty() { b"." } else { path };
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let folder = sys::openat2(root, here, FOLDER, Mode::empty(), beneath)?;
    let changed = index_stat(&sys::fstat(&folder)?).ctime;
    // Whatever was done to it, other permissions and attributes of its own included, left another time.
    if !is_before(changed, checkout.written) {
        return Ok(false);
    }
    for number in &wanted.files {
        let entry = &checkout.index.entries()[*number];
        let name = split(checkout.index.path(entry)).1;
        let seen = sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !is_known(entry, &seen, checkout.written) {
            return Ok(false);
        }
    }
    let mut names = 0;
    for entry in Dir::new(folder)? {
        names += usize::from(!matches!(entry?.file_name().to_bytes(), b"." | b".."));
    }
    // Each of them was found, or is looked for as a folder of its own.
    Ok(names == wanted.files.len() + wanted.folders)
}
