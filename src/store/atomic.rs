//! Files that are there whole or not at all, and folders that are gone or not.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::mounted::require_unmounted;
use crate::error::{Code, Refusal};

/// Writes `bytes` to `path` by a temporary file, fsync, rename and fsync of the folder; makes missing folders.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let dir = path
        .parent()
        .with_context(|| format!("{} has no folder", path.display()))?;
    let write = || -> std::io::Result<()> {
        let missing = dir.ancestors().take_while(|dir| !dir.exists()).count();
        fs::create_dir_all(dir)?;
        let file = temporary(path, dir, bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        // A folder that was made is an entry of the one above it.
        let changed = dir.ancestors().take(missing + 1);
        changed
            .filter(|dir| !dir.as_os_str().is_empty())
            .try_for_each(|dir| File::open(dir)?.sync_all())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// When a new file is brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToDisk {
    Now,
    /// With others, by [`sync`].
    Later,
}

/// Brings all that was written to the file system of this folder to the disk.
pub(super) fn sync(dir: &Path) -> anyhow::Result<()> {
    let sync = || -> io::Result<()> { Ok(rustix::fs::syncfs(File::open(dir)?)?) };
    sync().with_context(|| format!("can't write {}", dir.display()))
}

/// As [`write_atomic`], where nothing is at `path`; answers whether it was so. Its folder must be there.
pub(super) fn write_new(path: &Path, bytes: &[u8], to_disk: ToDisk) -> anyhow::Result<bool> {
    let write = || -> io::Result<bool> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let file = temporary(path, dir, bytes)?;
        let now = to_disk == ToDisk::Now;
        if now {
            file.as_file().sync_all()?;
        }
        match file.persist_noclobber(path) {
            Ok(_) if now => File::open(dir)?.sync_all().map(|()| true),
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// A temporary file that holds `bytes`, to take the place of `path`: with the permissions of what is there, or those
/// of any new file.
fn temporary(path: &Path, dir: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(&half_written_by(std::process::id()))
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(dir)?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.write_all(bytes)?;
    Ok(file)
}

/// A file that is on the disk under another name, and takes its place later without waiting for the disk.
pub(crate) struct Prepared {
    file: tempfile::NamedTempFile,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Prepared {
    /// Writes `bytes`, which are to be at `path`, in a folder that is there.
    pub(super) fn new(path: PathBuf, bytes: Vec<u8>) -> anyhow::Result<Self> {
        let write = || -> io::Result<tempfile::NamedTempFile> {
            let dir = path.parent().unwrap_or(Path::new("."));
            let file = temporary(&path, dir, &bytes)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().with_context(|| format!("can't write {}", path.display()))?;
        Ok(Self { file, path, bytes })
    }

    /// Takes its place, as `bytes`: where they are others now, or the place is not on a file system that keeps order,
    /// written anew.
    pub(super) fn place(self, bytes: &[u8]) -> anyhow::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        if bytes != self.bytes || !keeps_order(dir, dir) {
            return write_atomic(&self.path, bytes);
        }
        let placed = self.file.persist(&self.path);
        placed.with_context(|| format!("can't write {}", self.path.display()))?;
        Ok(())
    }
}

/// Whether two folders lie on one file system that brings changes of names to the disk in the order in which they are
/// made, as far as is known.
pub(super) fn keeps_order(one: &Path, other: &Path) -> bool {
    const EXT4: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    let device = |path: &Path| Some(fs::metadata(path).ok()?.dev());
    let kind = rustix::fs::statfs(one).map(|stat| stat.f_type.cast_unsigned());
    matches!(kind, Ok(EXT4 | XFS)) && device(one).is_some() && device(one) == device(other)
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

/// How the names begin of the files that the process `pid` has yet to finish.
pub(super) fn half_written_by(pid: u32) -> String {
    format!(".wt-{pid}-")
}

/// Whether a killed process left a file of this name half written.
pub(super) fn is_half_written(name: &str) -> bool {
    let pid = name
        .strip_prefix(".wt-")
        .and_then(|rest| rest.split_once('-'));
    // One that has ended, and is not yet waited for, shows no command line.
    let is_dead = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.is_empty())
            || !Path::new("/proc").join(pid.to_string()).exists()
    };
    pid.and_then(|(pid, _)| pid.parse().ok())
        .is_some_and(is_dead)
}

/// The files in `dir` that killed processes left half written.
pub(crate) fn half_written(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_half_written))
        .map(|entry| entry.path())
        .collect()
}

/// Removes the files in `dir` that killed processes left half written, and answers how many; one that can't be is left
/// to doctor.
pub(crate) fn remove_half_written(dir: &Path) -> usize {
    let removed = half_written(dir)
        .into_iter()
        .filter(|path| fs::remove_file(path).is_ok());
    removed.count()
}

/// Removes a folder with all in it, however deep; folders without permission are opened first. One that is gone is no
/// error.
///
/// # Errors
/// Where something is mounted in it: nothing is removed then, for what is found there is another's.
pub(crate) fn remove_dir(path: &Path) -> anyhow::Result<()> {
    let failed = || format!("can't remove {}", path.display());
    require_unmounted(path).with_context(failed)?;
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        // Not to be found also where a file stands in a parent's place.
        Err(_) if fs::symlink_metadata(path).is_err() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(error).with_context(failed);
        }
        Err(_) => {}
    }
    let emptied = flatten(path).and_then(|()| fs::remove_dir_all(path));
    emptied.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Refusal::new(
            Code::Fault,
            format!("{}: {error}", failed()),
        )
        .hint("take away what forbids it, such as chattr +i (see: lsattr), and call this again")
        .into(),
        _ => anyhow::Error::new(error).context(failed()),
    })
}

/// Empties the folders below `top` one by one, each moved right below it first: neither permissions nor a depth beyond
/// what a path or the open files of a process can hold are in the way then.
fn flatten(top: &Path) -> io::Result<()> {
    let open = |folder: &Path| fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    open(top)?;
    let mut waiting = vec![top.to_owned()];
    let mut moved = 0_u64;
    while let Some(folder) = waiting.pop() {
        let entries: Vec<fs::DirEntry> = fs::read_dir(&folder)?.collect::<io::Result<_>>()?;
        for entry in entries {
            let path = entry.path();
            if !entry.file_type()?.is_dir() {
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                };
                fs::remove_file(&path).map_err(named)?;
                continue;
            }
            open(&path)?;
            if folder == top {
                waiting.push(path);
                continue;
            }
            let place = loop {
                moved += 1;
                let place = top.join(format!(".wt-{moved}"));
                if fs::symlink_metadata(&place).is_err() {
                    break place;
                }
            };
            fs::rename(&path, &place)?;
            waiting.push(place);
        }
        if folder != top {
            fs::remove_dir(&folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_however_deep_closed_or_oddly_filled_it_is() {
        let dir = tempfile::tempdir_in("/tmp").expect("a folder");
        let top = dir.path().join("top");
        fs::create_dir_all(top.join("a/.wt-1/b")).expect("made");
        fs::write(top.join(".wt-2"), "").expect("written");
        fs::write(top.join("a/.wt-1/b/file"), "").expect("written");
        std::os::unix::fs::symlink(dir.path(), top.join("a/out")).expect("linked");
        // Deeper than a path can say: each level is made from the one above it.
        let mut there = rustix::fs::openat(
            rustix::fs::CWD,
            &top,
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        )
        .expect("opened");
        let name = "d".repeat(100);
        for _ in 0..200 {
            rustix::fs::mkdirat(&there, &name, 0o700.into()).expect("made");
            let flags = rustix::fs::OFlags::DIRECTORY;
            there = rustix::fs::openat(&there, &name, flags, rustix::fs::Mode::empty())
                .expect("opened");
        }
        drop(there);
        flatten(&top).expect("emptied");
        assert_eq!(fs::read_dir(&top).expect("listed").count(), 0);

        fs::create_dir_all(top.join("closed/in")).expect("made");
        fs::set_permissions(top.join("closed"), fs::Permissions::from_mode(0o0)).expect("closed");
        remove_dir(&top).expect("removed");
        remove_dir(&top).expect("gone already");
        assert!(!top.exists() && dir.path().exists());
    }
}
