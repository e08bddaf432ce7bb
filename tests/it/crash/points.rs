//! Where a command can be killed or fail: each call that changes the disk, told from a recorded run.

use std::collections::BTreeMap;

/// The calls that strace watches, a `?` before what not every machine has. Not `flock`: it changes nothing on the disk.
pub(super) const CALLS: &[&str] = &[
    "?open",
    "openat",
    "?openat2",
    "?creat",
    "write",
    "pwrite64",
    "writev",
    "?rename",
    "?renameat",
    "renameat2",
    "?unlink",
    "unlinkat",
    "?mkdir",
    "mkdirat",
    "?rmdir",
    "?link",
    "linkat",
    "?symlink",
    "symlinkat",
    "truncate",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "?chmod",
    "fchmod",
    "fchmodat",
    "utimensat",
    "copy_file_range",
    "sendfile",
];

/// The process that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Process {
    /// The command itself.
    Caller,
    /// The first process of its own session that it starts: a judge, or who deletes what was removed.
    Apart,
    /// The n-th git that is started by any of them, git's own git children included.
    Git(usize),
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process is killed, and none other: who waits for it sees it dead.
    Killed,
    /// The process and all that wait for it are killed at one instant.
    AllKilled,
    /// Who waits for this git is killed as it begins; it goes on to its end.
    Orphaned,
    /// The call fails.
    Fails(&'static str),
}

/// One thing to be done to one run.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) process: Process,
    /// The system call and its number among the calls of this name by this process.
    pub(super) call: String,
    pub(super) number: usize,
    pub(super) fate: Fate,
    /// The call as it was recorded.
    line: String,
}

impl Point {
    /// Whether a process dies there.
    pub(super) fn is_death(&self) -> bool {
        !matches!(self.fate, Fate::Fails(_))
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line: String = self.line.chars().take(200).collect();
        let (process, call, number, fate) = (self.process, &self.call, self.number, self.fate);
        write!(f, "{process:?} {fate:?} at {call} {number}: {line}")
    }
}

/// The points of one process, by the log that strace wrote of it.
pub(super) fn points_of(process: Process, log: &str) -> Vec<Point> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    let of_git = matches!(process, Process::Git(_));
    if of_git {
        points.push(Point {
            process,
            call: String::new(),
            number: 0,
            fate: Fate::Orphaned,
            line: String::new(),
        });
    }
    for line in log.lines() {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        if !changes_disk(call, rest) {
            continue;
        }
        let mut add = |fate| {
            points.push(Point {
                process,
                call: call.to_owned(),
                number: *count,
                fate,
                line: line.to_owned(),
            });
        };
        // The disk is the same before and after a flush: to be killed there is to be killed at the next change.
        if !call.ends_with("sync") {
            add(Fate::Killed);
            if of_git {
                add(Fate::AllKilled);
            }
        }
        if takes_room(call) {
            add(Fate::Fails("ENOSPC"));
        }
        add(Fate::Fails("EIO"));
    }
    points
}

fn changes_disk(call: &str, rest: &str) -> bool {
    if rest.contains(") = -1 ") {
        return false;
    }
    match call {
        "open" | "openat" | "openat2" => ["O_CREAT", "O_TRUNC", "O_WRONLY", "O_RDWR"]
            .iter()
            .any(|flag| rest.contains(flag) && !rest.contains("\"/dev/")),
        // To a file, and not to a pipe, a terminal or `/proc`.
        "write" | "pwrite64" | "writev" => {
            let path = rest.split_once("</").map(|(_, path)| path);
            path.is_some_and(|path| !path.starts_with("dev/") && !path.starts_with("proc/"))
                && rest.split(',').next().is_some_and(|fd| fd.contains("</"))
        }
        _ => true,
    }
}

fn takes_room(call: &str) -> bool {
    !matches!(
        call,
        "unlink" | "unlinkat" | "rmdir" | "chmod" | "fchmod" | "fchmodat" | "utimensat"
    )
}

/// At most `most` of the points, evenly spread.
pub(super) fn spread(points: &[Point], most: usize) -> Vec<Point> {
    let all = points.len();
    let most = most.min(all);
    let place = |number: usize| (number * 2 + 1) * all / (most * 2);
    (0..most)
        .map(|number| points[place(number)].clone())
        .collect()
}
