//! Files that are there whole or not at all, and folders that are gone or not.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes `bytes` to `path` by a temporary file, fsync, rename and fsync of the folder; makes missing folders.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let dir = path
        .parent()
        .with_context(|| format!("{} has no folder", path.display()))?;
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        let file = temporary(path, dir, bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// A temporary file that holds `bytes`, to take the place of `path`: with the permissions of what is there, or those
/// of any new file.
fn temporary(path: &Path, dir: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(dir)?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.write_all(bytes)?;
    Ok(file)
}

/// As [`write_atomic`], without waiting for the disk: for what is only shown, and lost without harm.
pub(crate) fn write_shown(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let dir = path
        .parent()
        .with_context(|| format!("{} has no folder", path.display()))?;
    let write = || -> std::io::Result<()> {
        let file = temporary(path, dir, bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// Removes a folder with all in it; folders without permission are opened first. One that is gone is no error.
pub(crate) fn remove_dir(path: &Path) -> anyhow::Result<()> {
    let remove = || match fs::remove_dir_all(path) {
        // Not to be found also where a file stands in a parent's place.
        Err(_) if fs::symlink_metadata(path).is_err() => Ok(()),
        other => other,
    };
    if let Err(error) = remove() {
        if error.kind() != std::io::ErrorKind::PermissionDenied {
            return Err(error).with_context(|| format!("can't remove {}", path.display()));
        }
        open_up(path);
        remove().with_context(|| format!("can't remove {}", path.display()))?;
    }
    Ok(())
}

/// Gives the owner all rights on every folder below `path` (Go's module cache and the like are read-only).
fn open_up(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    if !metadata.is_dir() {
        return;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}
