//! Writing into a worktree, and reading from it, without ever leaving it: an agent's symbolic link must not carry the pen outside.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::atomic::{half_written_by, is_half_written};
use crate::plain::bytes_if_plain;

/// A folder that is only ever reached from its own descriptor, through no symbolic link.
pub(crate) struct Beneath {
    root: OwnedFd,
    path: PathBuf,
}

/// What has a name in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A symbolic link, a pipe, a socket, a device.
    Other,
}

/// What becomes of that which stands in a folder's place and is none.
#[derive(Clone, Copy)]
enum InTheWay {
    Removed,
    Left,
}

const DIR: OFlags = OFlags::DIRECTORY
    .union(OFlags::CLOEXEC)
    .union(OFlags::RDONLY);

impl Beneath {
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let flags = DIR | OFlags::NOFOLLOW;
        let fd = sys::open(root, flags, Mode::empty())
            .with_context(|| format!("can't open {}", root.display()))?;
        Ok(Self {
            root: fd,
            path: root.to_owned(),
        })
    }

    /// Writes a file whole or not at all, making the folders on its way. What stands in a folder's place and is
    /// none (a symbolic link among others) is removed: its target is not touched.
    pub(crate) fn write(&self, relative: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
        let context = || format!("can't write {}", self.path.join(relative).display());
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let folder = self
            .make_folder(folder, InTheWay::Removed)
            .with_context(context)?;
        let temporary = format!("{}{name}", half_written_by(std::process::id()));
        let write = || -> Result<(), io::Error> {
            for name in half_written(&folder)? {
                let _ = sys::unlinkat(&folder, name, AtFlags::empty());
            }
            let flags = OFlags::WRONLY
                | OFlags::CREATE
                | OFlags::TRUNC
                | OFlags::NOFOLLOW
                | OFlags::CLOEXEC;
            let _ = sys::unlinkat(&folder, temporary.as_str(), AtFlags::empty());
            let fd = sys::openat(
                &folder,
                temporary.as_str(),
                flags | OFlags::EXCL,
                Mode::from_raw_mode(mode),
            )?;
            let mut file = File::from(fd);
            file.write_all(bytes)?;
            sys::fchmod(&file, Mode::from_raw_mode(mode))?;
            match sys::renameat(&folder, temporary.as_str(), &folder, name) {
                Err(Errno::EXIST | Errno::NOTEMPTY) => Err(Errno::ISDIR.into()),
                other => Ok(other?),
            }
        };
        let written = write();
        if written.is_err() {
            let _ = sys::unlinkat(&folder, temporary.as_str(), AtFlags::empty());
        }
        written.with_context(context)
    }

    /// The paths of the files in a folder that killed processes left half written.
    pub(crate) fn half_written(&self, relative: &str) -> Vec<String> {
        let found = self.open_folder(relative).map_err(io::Error::from);
        let names = found.and_then(|folder| half_written(&folder));
        let inside = |name| match relative {
            "" => name,
            folder => format!("{folder}/{name}"),
        };
        names.unwrap_or_default().into_iter().map(inside).collect()
    }

    /// Removes a file; one that is gone is no error.
    pub(crate) fn remove(&self, relative: &str) -> anyhow::Result<()> {
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let removed = self
            .open_folder(folder)
            .and_then(|folder| sys::unlinkat(&folder, name, AtFlags::empty()));
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error)
                .with_context(|| format!("can't remove {}", self.path.join(relative).display())),
        }
    }

    /// Copies a file or a symbolic link from elsewhere, in place of a file that has this name, making the folders on
    /// its way.
    ///
    /// # Errors
    /// Where anything but a folder, a symbolic link among others, stands in a folder's place: it is left as it is.
    pub(crate) fn copy(&self, from: &Path, relative: &str) -> anyhow::Result<()> {
        let metadata = fs::symlink_metadata(from)
            .with_context(|| format!("can't look at {}", from.display()))?;
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let copy = || -> Result<(), io::Error> {
            let folder = self.make_folder(folder, InTheWay::Left)?;
            match sys::unlinkat(&folder, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                other => other?,
            }
            if metadata.is_symlink() {
                return Ok(sys::symlinkat(fs::read_link(from)?, &folder, name)?);
            }
            let mode = Mode::from_raw_mode(metadata.mode() & 0o777);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mut source = File::open(from)?;
            let mut file = File::from(sys::openat(&folder, name, flags, mode)?);
            io::copy(&mut source, &mut file)?;
            Ok(sys::fchmod(&file, mode)?)
        };
        copy().with_context(|| format!("can't write {}", self.path.join(relative).display()))
    }

    /// The bytes of a file; nothing where it is none (a pipe is not waited for, a symbolic link not followed) or
    /// holds more than `most`.
    pub(crate) fn read(&self, relative: &str, most: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let Ok(fd) = sys::openat2(&self.root, relative, flags, Mode::empty(), inside) else {
            return Ok(None);
        };
        bytes_if_plain(File::from(fd), most)
            .with_context(|| format!("can't read {}", self.path.join(relative).display()))
    }

    /// Whether anything, a broken link too, has this name.
    pub(crate) fn exists(&self, relative: &str) -> bool {
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        self.open_folder(folder)
            .is_ok_and(|folder| sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
    }

    /// The names in a folder, each with its kind; none where there is no such folder.
    pub(crate) fn list(&self, relative: &str) -> anyhow::Result<Vec<(String, Kind)>> {
        let context = || format!("can't list {}", self.path.join(relative).display());
        let folder = match self.open_folder(relative) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(context),
        };
        let mut entries = Vec::new();
        for entry in sys::Dir::read_from(&folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            // Not the kind that the entry names: some file systems name none.
            let Ok(stat) = sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            };
            entries.push((name.to_string_lossy().into_owned(), kind));
        }
        entries.sort();
        Ok(entries)
    }

    /// Gives a plain file a second name outside, whatever becomes of the first; answers whether it is one. What it
    /// holds can still change, what kind of file it is can't.
    pub(crate) fn link_out(&self, relative: &str, to: &Path) -> anyhow::Result<bool> {
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let link = || -> Result<bool, io::Error> {
            let folder = self.open_folder(folder)?;
            match sys::linkat(&folder, name, sys::CWD, to, AtFlags::empty()) {
                Ok(()) | Err(Errno::EXIST) => {}
                // It was only a file for the moment, or it is no file.
                Err(Errno::NOENT | Errno::PERM | Errno::ISDIR) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            let is_file = fs::symlink_metadata(to)?.is_file();
            if !is_file {
                fs::remove_file(to)?;
            }
            Ok(is_file)
        };
        link().with_context(|| format!("can't read {}", self.path.join(relative).display()))
    }

    /// Moves a folder to a place outside; what is none, a symbolic link among others, stays.
    pub(crate) fn move_folder_out(&self, relative: &str, to: &Path) -> anyhow::Result<()> {
        if self.find_folder(relative)?.is_none() {
            return Ok(());
        }
        let (above, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let moved = self
            .open_folder(above)
            .and_then(|above| sys::renameat(&above, name, sys::CWD, to));
        moved.with_context(|| format!("can't move {}", self.path.join(relative).display()))
    }

    /// Makes a folder where nothing stands, and those on its way, its owner's alone.
    ///
    /// # Errors
    /// Where anything stands there, or a link on its way.
    pub(crate) fn make_new_folder(&self, relative: &str) -> anyhow::Result<()> {
        let (above, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let above = self.open_folder(above);
        above
            .and_then(|above| sys::mkdirat(&above, name, Mode::RWXU))
            .with_context(|| format!("can't make {}", self.path.join(relative).display()))
    }

    /// A folder, opened, if there is one and no link leads there.
    pub(crate) fn find_folder(&self, relative: &str) -> anyhow::Result<Option<OwnedFd>> {
        match self.open_folder(relative) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error)
                .with_context(|| format!("can't open {}", self.path.join(relative).display())),
        }
    }

    /// A folder, opened.
    pub(crate) fn folder(&self, relative: &str) -> anyhow::Result<OwnedFd> {
        self.open_folder(relative)
            .with_context(|| format!("can't open {}", self.path.join(relative).display()))
    }

    fn open_folder(&self, relative: &str) -> Result<OwnedFd, Errno> {
        let relative = if relative.is_empty() { "." } else { relative };
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        sys::openat2(&self.root, relative, DIR, Mode::empty(), inside)
    }

    fn make_folder(&self, relative: &str, in_the_way: InTheWay) -> Result<OwnedFd, io::Error> {
        let mut folder = self.open_folder("")?;
        for part in relative.split('/').filter(|part| !part.is_empty()) {
            folder = match (enter(&folder, part), in_the_way) {
                (Err(Errno::NOTDIR | Errno::LOOP), InTheWay::Left) => {
                    let what = format!("{part:?} on the way is no folder");
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
                }
                (Err(Errno::NOTDIR | Errno::LOOP), InTheWay::Removed) => {
                    sys::unlinkat(&folder, part, AtFlags::empty())?;
                    make(&folder, part)?
                }
                (Err(Errno::NOENT), _) => make(&folder, part)?,
                (other, _) => other?,
            };
        }
        Ok(folder)
    }
}

/// The names in `folder` of what killed processes left half written.
fn half_written(folder: &OwnedFd) -> Result<Vec<String>, io::Error> {
    let mut found = Vec::new();
    for entry in sys::Dir::read_from(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_half_written(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

fn enter(folder: &OwnedFd, part: &str) -> Result<OwnedFd, Errno> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    sys::openat2(folder, part, DIR, Mode::empty(), inside)
}

fn make(folder: &OwnedFd, part: &str) -> Result<OwnedFd, Errno> {
    match sys::mkdirat(folder, part, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => enter(folder, part),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_symbolic_link_never_carries_the_pen_outside() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(&root).expect("made");
        fs::create_dir_all(&outside).expect("made");
        fs::write(outside.join("file"), "theirs").expect("written");
        symlink(&outside, root.join(".wt")).expect("linked");
        symlink(outside.join("file"), root.join("direct")).expect("linked");
        let beneath = Beneath::open(&root).expect("opened");
        beneath
            .write(".wt/last/x.log", b"log", 0o644)
            .expect("written");
        beneath.write("direct", b"ours", 0o644).expect("written");
        assert_eq!(fs::read_dir(&outside).expect("listed").count(), 1);
        assert_eq!(
            fs::read_to_string(outside.join("file")).expect("read"),
            "theirs"
        );
        assert_eq!(
            fs::read_to_string(root.join(".wt/last/x.log")).expect("read"),
            "log"
        );
        assert_eq!(
            fs::read_to_string(root.join("direct")).expect("read"),
            "ours"
        );
        symlink(&root, dir.path().join("alias")).expect("linked");
        assert!(Beneath::open(&dir.path().join("alias")).is_err());
        assert!(beneath.write("../escape", b"x", 0o644).is_err());
    }
}
