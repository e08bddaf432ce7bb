//! Which processes of other programs are at work in a folder, or hold a file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A setting that `wt` gives each of its own git children, and nobody else gives.
const OWN_MARK: &[u8] = b"core.hooksPath=/dev/null";
/// A git that reads and takes no lock ever; `wt` keeps one of its own at hand.
const READER: &[u8] = b"cat-file";

/// Which gits may hold a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gits {
    All,
    /// Not those that `wt` started: the caller holds a lock that those of them inherit which could.
    OfOthers,
}

/// A living process that a lock may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtWork {
    pub(crate) pid: u32,
    /// The short name that the kernel keeps of its program.
    pub(crate) name: String,
}

/// The first process that `file` may belong to: one that has it open, or one of `gits` that was started in one of
/// `folders`, or whose folder can't be seen and that could have written the file.
pub(crate) fn who_may_hold(file: &Path, folders: &[PathBuf], gits: Gits) -> Option<AtWork> {
    let owner = fs::symlink_metadata(file).ok()?.uid();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(pid, _)| *pid != std::process::id())
        .find(|(_, process)| {
            has_open(process, file) || is_one_of(gits, process) && is_in(process, folders, owner)
        })
        .map(|(pid, process)| AtWork {
            pid,
            name: name_of(&process),
        })
}

fn name_of(process: &Path) -> String {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

fn has_open(process: &Path, file: &Path) -> bool {
    let open = fs::read_dir(process.join("fd"));
    let mut open = open.into_iter().flatten().flatten();
    open.any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == file))
}

fn is_one_of(gits: Gits, process: &Path) -> bool {
    if !name_of(process).starts_with("git") {
        return false;
    }
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let has = |wanted: &[u8]| command.split(|byte| *byte == 0).any(|word| word == wanted);
    // One that has ended, and is not yet waited for, shows no command line.
    !command.is_empty() && !has(READER) && (gits == Gits::All || !has(OWN_MARK))
}

fn is_in(process: &Path, folders: &[PathBuf], owner: u32) -> bool {
    match fs::read_link(process.join("cwd")) {
        Ok(folder) => folders.iter().any(|there| folder.starts_with(there)),
        Err(_) => fs::metadata(process).is_ok_and(|process| process.uid() == owner),
    }
}
