//! What a path of a half moved checkout holds, and which end of the move that is like.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use anyhow::Context as _;

use super::super::changes::{Change, Entry};
use super::Settling;
use crate::oid::Oid;

/// The mode of a symbolic link in a tree.
const LINK: u32 = 0o120_000;

/// What a path of the folder holds.
pub(super) enum Held {
    Nothing,
    /// A file or the target of a symbolic link, with what it was looked at.
    Bytes(Vec<u8>, Metadata),
    Folder,
    Other,
}

/// How what a path holds compares with one side of the change.
#[derive(PartialEq, Eq)]
pub(super) enum Likeness {
    Equal,
    Beginning,
    Other,
}

impl Settling<'_> {
    /// What is at a path; nothing where a person put something in the place of a folder above it.
    pub(super) fn held(&self, path: &str) -> anyhow::Result<Option<Held>> {
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            match fs::symlink_metadata(self.root().join(parent)) {
                Ok(there) if there.is_dir() => {}
                // The move itself makes a folder of it, or takes one for it.
                Ok(_) if self.changes.iter().any(|change| change.path == parent) => {
                    return Ok(Some(Held::Nothing));
                }
                Ok(_) => return Ok(None),
                Err(_) => return Ok(Some(Held::Nothing)),
            }
        }
        let full = self.root().join(path);
        let seen = match fs::symlink_metadata(&full) {
            Ok(seen) => seen,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(Held::Nothing)),
            Err(error) => {
                return Err(error).with_context(|| format!("can't look at {}", full.display()));
            }
        };
        let context = || format!("can't read {}", full.display());
        let kind = seen.file_type();
        Ok(Some(if kind.is_file() {
            Held::Bytes(fs::read(&full).with_context(context)?, seen)
        } else if kind.is_symlink() {
            let target = fs::read_link(&full).with_context(context)?;
            Held::Bytes(target.as_os_str().as_bytes().to_vec(), seen)
        } else if kind.is_dir() {
            Held::Folder
        } else {
            Held::Other
        }))
    }

    /// Whether a folder holds a file that the move does not know of.
    pub(super) fn holds_foreign(&self, folder: &str) -> anyhow::Result<bool> {
        let full = self.root().join(folder);
        let context = || format!("can't look into {}", full.display());
        for entry in fs::read_dir(&full).with_context(context)? {
            let entry = entry.with_context(context)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Ok(true);
            };
            let path = format!("{folder}/{name}");
            let is_folder = entry.file_type().with_context(context)?.is_dir();
            let foreign = if is_folder {
                self.holds_foreign(&path)?
            } else {
                !self.changes.iter().any(|change| change.path == path)
            };
            if foreign {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn compare(
        &self,
        change: &Change,
        side: &Entry,
        commit: &Oid,
        bytes: &[u8],
        seen: &Metadata,
    ) -> anyhow::Result<Likeness> {
        let is_link = side.mode == LINK;
        if side.is_submodule() || is_link != seen.is_symlink() {
            return Ok(Likeness::Other);
        }
        let modes = [&change.before, &change.after].map(|side| side.as_ref().map(|s| s.mode));
        let of_mode = match modes {
            // One that the move leaves alone is a person's affair.
            [Some(before), Some(after)] if before != after && !is_link => {
                (side.mode ^ seen.mode()) & 0o100 == 0
            }
            _ => true,
        };
        let likeness = |whole: &[u8]| {
            if whole == bytes && of_mode {
                Likeness::Equal
            } else if whole.starts_with(bytes) && whole != bytes && !is_link {
                Likeness::Beginning
            } else {
                Likeness::Other
            }
        };
        let plain = likeness(&self.repo.read.blob(&side.oid)?);
        if is_link || plain == Likeness::Equal {
            return Ok(plain);
        }
        Ok(match likeness(&self.written(&change.path, side, commit)?) {
            Likeness::Other => plain,
            written => written,
        })
    }

    /// The bytes that git writes into the folder for an entry of `commit`, by its filters.
    fn written(&self, path: &str, side: &Entry, commit: &Oid) -> anyhow::Result<Vec<u8>> {
        self.repo
            .in_checkout(self.step.checkout, &["cat-file", "--filters"])
            .arg(format!("--path={path}"))
            .arg(side.oid.as_str())
            // By the attributes of that commit; a git that does not know the variable takes those of the folder.
            .env("GIT_ATTR_SOURCE", commit.as_str())
            .bytes()
    }
}
