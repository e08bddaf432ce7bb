//! Whether any git is at work in a repository, whoever started it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The pid of a living git that is in one of `folders`, or of one of the user `owner` whose folder can't be seen.
pub(crate) fn git_at_work(folders: &[PathBuf], owner: u32) -> Option<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .find(|(_, process)| is_git(process) && is_in(process, folders, owner))
        .map(|(pid, _)| pid)
}

fn is_git(process: &Path) -> bool {
    let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
    // One that has ended, and is not yet waited for, shows no command line.
    read("comm").starts_with(b"git") && !read("cmdline").is_empty()
}

fn is_in(process: &Path, folders: &[PathBuf], owner: u32) -> bool {
    match fs::read_link(process.join("cwd")) {
        Ok(folder) => folders.iter().any(|there| folder.starts_with(there)),
        Err(_) => fs::metadata(process).is_ok_and(|process| process.uid() == owner),
    }
}
