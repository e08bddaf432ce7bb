//! What a warm folder holds, looked at once before it is cloned and once after.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rustix::fs::{self as sys, AtFlags, FileType, Stat};
use rustix::io::Errno;

use crate::store::Beneath;

/// What changed this short a time ago may change again without another time being noted.
const TICK: Duration = Duration::from_millis(20);

/// A folder and all in it.
pub(super) struct Survey {
    /// The outermost first, each before what it holds.
    pub(super) folders: Vec<Folder>,
    /// When the look began, since the epoch.
    begun: Duration,
}

/// One folder of it.
pub(super) struct Folder {
    /// From the donor's root.
    pub(super) path: String,
    pub(super) stat: Stat,
    pub(super) entries: Vec<Entry>,
}

/// A file or a symbolic link.
pub(super) struct Entry {
    pub(super) name: CString,
    pub(super) stat: Stat,
    /// Where the same file was met first: number of the folder, and of the entry there.
    pub(super) twin: Option<(usize, usize)>,
}

impl Entry {
    pub(super) fn is_link(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Symlink
    }
}

impl Survey {
    /// Looks at the folder `path`; nothing where there is none. Pipes, sockets and devices are passed over.
    ///
    /// # Errors
    /// Where something in it can't be looked at, or has a name that is no text.
    pub(super) fn take(root: &Beneath, path: &str) -> anyhow::Result<Option<Self>> {
        // By the clock that files get their times from, which is never another for the sake of a test.
        let begun = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let Some(first) = root.find_folder(path)? else {
            return Ok(None);
        };
        let mut survey = Self {
            folders: Vec::new(),
            begun,
        };
        let mut twins = HashMap::new();
        let mut left = vec![path.to_owned()];
        let mut opened = Some(first);
        while let Some(path) = left.pop() {
            let folder = match opened.take() {
                Some(folder) => folder,
                None => root.folder(&path)?,
            };
            let folder = survey
                .look(&folder, path, &mut left, &mut twins)
                .context("can't look into it")?;
            survey.folders.push(folder);
        }
        Ok(Some(survey))
    }

    fn look(
        &self,
        folder: &OwnedFd,
        path: String,
        left: &mut Vec<String>,
        twins: &mut HashMap<(u64, u64), (usize, usize)>,
    ) -> anyhow::Result<Folder> {
        let stat = sys::fstat(folder)?;
        let mut entries = Vec::new();
        for entry in sys::Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match sys::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                // Gone this very moment: the folder's time tells.
                Err(Errno::NOENT) => continue,
                found => found?,
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    let name = name.to_str().context("a name that is no text")?;
                    left.push(format!("{path}/{name}"));
                }
                FileType::RegularFile | FileType::Symlink => {
                    let place = (self.folders.len(), entries.len());
                    let id = (stat.st_dev, stat.st_ino);
                    let first = *twins.entry(id).or_insert(place);
                    entries.push(Entry {
                        name: name.to_owned(),
                        stat,
                        twin: (stat.st_nlink > 1 && first != place).then_some(first),
                    });
                }
                _ => {}
            }
        }
        Ok(Folder {
            path,
            stat,
            entries,
        })
    }

    /// Each of its files and links, with its folder.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Folder, &Entry)> {
        let folders = self.folders.iter();
        folders.flat_map(|folder| folder.entries.iter().map(move |entry| (folder, entry)))
    }

    /// What its files take on the disk, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let own = self.entries().filter(|(_, entry)| entry.twin.is_none());
        own.map(|(_, entry)| u64::try_from(entry.stat.st_blocks).unwrap_or_default() * 512)
            .sum()
    }

    /// Whether something in it changed so short a time before the look that a change since might not show.
    pub(super) fn is_at_work(&self) -> bool {
        let limit = self.begun.saturating_sub(TICK);
        let is_new = |stat: &Stat| changed(stat) >= limit;
        self.folders.iter().any(|folder| is_new(&folder.stat))
            || self.entries().any(|(_, entry)| is_new(&entry.stat))
    }
}

/// When the content or the metadata of a file last changed, since the epoch.
fn changed(stat: &Stat) -> Duration {
    let seconds = u64::try_from(stat.st_ctime).unwrap_or_default();
    Duration::new(
        seconds,
        u32::try_from(stat.st_ctime_nsec).unwrap_or_default(),
    )
}

/// Whether nothing has changed between two looks at a file or folder.
pub(super) fn is_same(one: &Stat, other: &Stat) -> bool {
    let what = |s: &Stat| (s.st_dev, s.st_ino, s.st_mode, s.st_size);
    let when = |s: &Stat| (s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec);
    what(one) == what(other) && when(one) == when(other)
}
