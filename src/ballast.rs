//! A little of the disk that is held back: where a disk is full, it makes room for writing down what is about to be
//! freed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::brim::{lacks, take};
use crate::disk::free_at;
use crate::usage::{BALLAST, trash_dirs};
use crate::workspace::Workspace;

/// How many files it is made of: a disk can be full of files as well.
const FILES: u64 = 32;
/// What the records of some removals take, in bytes.
const LEAST: u64 = 1 << 20;

/// A folder of files that hold nothing.
struct Ballast {
    folder: PathBuf,
    /// What each of its files takes, in bytes.
    each: u64,
}

impl Ballast {
    fn of(folder: PathBuf, bytes: u64) -> Self {
        let each = bytes.div_ceil(FILES).next_multiple_of(4096);
        Self { folder, each }
    }

    /// Those of a repository whose worktrees lie in these folders: one for the state, one for each file system besides.
    fn all(ws: &Workspace, worktrees: &[PathBuf]) -> Vec<Self> {
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        let bytes = |name: &str| fs::metadata(ws.repo.common().join(name)).map_or(0, |m| m.len());
        let root = ws.store.root();
        // A look into a worktree writes an index anew, and a branch that goes all packed refs.
        let state = LEAST + 2 * bytes("index") + bytes("packed-refs");
        let mut devices = vec![device(root)];
        let mut all = vec![Self::of(root.join("ballast"), state)];
        for folder in worktrees {
            let there = device(folder);
            if there.is_some() && !devices.contains(&there) {
                devices.push(there);
                all.push(Self::of(folder.join(BALLAST), LEAST));
            }
        }
        all
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        (0..FILES).map(|number| self.folder.join(number.to_string()))
    }

    /// Makes what is missing of it, as far as there is room.
    fn hold(&self) {
        let make = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            self.files().try_for_each(|file| allocate(&file, self.each))
        };
        // Without it, a full disk is cleared by hand.
        let _ = make();
    }

    fn give_up(&self) {
        for file in self.files() {
            let _ = fs::remove_file(file);
        }
    }

    /// Whether as much as this can't be written besides. Tried as well: a quota is seen by nothing else.
    fn is_needed(&self) -> bool {
        let bytes = self.each * FILES;
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let short = free_at(parent).is_some_and(|free| {
            free.bytes < bytes || free.files.is_some_and(|files| files < FILES)
        });
        short || lacks(parent, bytes)
    }
}

/// Makes a file of so many bytes, all of them taken on the disk; one that is there is left.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() >= bytes) {
        return Ok(());
    }
    let filled = take(&mut File::create(path)?, bytes);
    if filled.is_err() {
        let _ = fs::remove_file(path);
    }
    filled
}

/// Holds back what a later command on a full disk will need, as far as there is room. `worktrees` is where a worktree
/// was just made.
pub(crate) fn hold(ws: &Workspace, worktrees: &Path) {
    for ballast in Ballast::all(ws, &[worktrees.to_owned()]) {
        ballast.hold();
    }
}

/// What is held back again when this is dropped, after a command that frees room.
pub(crate) struct Lent(Vec<Ballast>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.iter().for_each(Ballast::hold);
    }
}

/// Gives up what was held back on each disk that is full: for what frees room, and for nothing else.
pub(crate) fn lend(ws: &Workspace) -> Lent {
    let trash = trash_dirs(ws).unwrap_or_default();
    let worktrees: Vec<PathBuf> = trash
        .iter()
        .filter_map(|trash| trash.parent().map(Path::to_owned))
        .collect();
    let all = Ballast::all(ws, &worktrees);
    let needed = all.iter().filter(|ballast| ballast.is_needed());
    needed.for_each(Ballast::give_up);
    Lent(all)
}
