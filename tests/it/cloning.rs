//! Files of a new worktree that are cloned from another checkout: what comes is what git would have written.

mod conversions;
mod donors;
mod spares;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::sandbox::{Sandbox, has_strace};

/// What `wt` itself puts into a worktree.
const OURS: &[&str] = &[".git", ".wt", ".claude", "AGENTS.override.md"];

/// One file: its kind and permissions, and its content or where it leads.
type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// All files below `root` but those of `wt` and git.
fn files(root: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("listed").flatten() {
            let path = entry.path();
            let relative = path.strip_prefix(root).expect("below").to_owned();
            let metadata = entry.metadata().expect("metadata");
            if OURS.iter().any(|name| relative == Path::new(name)) {
                continue;
            }
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                target.as_os_str().as_bytes().to_vec()
            } else {
                fs::read(&path).expect("read")
            };
            found.insert(relative, (metadata.mode(), content));
        }
    }
    found
}

impl Sandbox {
    /// What `git worktree add` makes of `revision`.
    fn by_git(&self, revision: &str) -> Files {
        let path = self.root().join("by-git");
        let name = path.to_str().expect("text").to_owned();
        self.git(&["worktree", "add", "-q", "--detach", &name, revision]);
        let made = files(&path);
        self.git(&["worktree", "remove", "--force", &name]);
        made
    }

    /// Gives each tracked file of the main checkout a time of its own, long gone, and has git note it: by these times
    /// it is told which files were cloned.
    fn settle(&self) {
        self.settle_at(&self.repo());
    }

    fn settle_at(&self, root: &Path) {
        // Never the same times twice: git keeps to whole seconds when it looks for what has changed.
        static ROUND: AtomicI64 = AtomicI64::new(0);
        let begin = 1_500_000_000 + 10_000 * ROUND.fetch_add(1, Ordering::Relaxed);
        let list = self.git_in(root, &["ls-files", "-z"]);
        for (number, path) in list.split('\0').filter(|p| !p.is_empty()).enumerate() {
            set_time(
                &root.join(path),
                begin + i64::try_from(number).expect("few"),
            );
        }
        std::thread::sleep(Duration::from_millis(20));
        self.git_in(root, &["status", "--short"]);
    }

    /// The tracked paths of a worktree that were cloned from `donor`.
    fn cloned(&self, donor: &Path, worktree: &Path) -> Vec<String> {
        let list = self.git_in(worktree, &["ls-files", "-z"]);
        let time = |root: &Path, path: &str| {
            let metadata = fs::symlink_metadata(root.join(path)).ok()?;
            (!metadata.is_dir()).then(|| (metadata.mtime(), metadata.mtime_nsec()))
        };
        let paths = list.split('\0').filter(|path| !path.is_empty());
        paths
            .filter(|path| time(worktree, path).is_some_and(|t| Some(t) == time(donor, path)))
            .map(str::to_owned)
            .collect()
    }

    /// Makes a task, whose worktree must be as git makes one of `main` and clean, in both of its indexes; answers what
    /// was cloned from the main checkout.
    #[track_caller]
    fn spawned_right(&self, task: &str) -> Vec<String> {
        let worktree = self.spawn(task);
        let wanted = self.by_git("main");
        let made = files(&worktree);
        let differing: Vec<_> = wanted
            .keys()
            .chain(made.keys())
            .filter(|path| wanted.get(*path) != made.get(*path))
            .collect();
        assert!(differing.is_empty(), "not as git makes it: {differing:?}");
        assert_eq!(self.git_in(&worktree, &["status", "--porcelain"]), "");
        assert_eq!(
            self.git_in(&worktree, &["write-tree"]),
            self.git(&["rev-parse", "main^{tree}"])
        );
        self.git_in(&worktree, &["fsck", "--no-dangling", "--no-progress"]);
        let own = self.state().join("tasks").join(task).join("index");
        let own = own.to_str().expect("text");
        let as_wt = [
            "-C",
            worktree.to_str().expect("text"),
            "diff-files",
            "--name-only",
        ];
        let mut command = self.command("git");
        let command = command.args(as_wt).env("GIT_INDEX_FILE", own);
        let output = command.output().expect("git");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        self.cloned(&self.repo(), &worktree)
    }
}

/// Gives a file, or a link itself, this time of its last change, in seconds.
fn set_time(path: &Path, seconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 123_456_789,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The time of a file's last change.
fn time_of(path: &Path) -> SystemTime {
    fs::symlink_metadata(path)
        .expect("there")
        .modified()
        .expect("a time")
}

/// A repository with every kind of file and name.
fn of_every_kind(init: &[&str]) -> Sandbox {
    let sandbox = Sandbox::empty(init);
    sandbox.write("plain.txt", "plain\n");
    sandbox.write("empty", "");
    sandbox.write("deep/er/and deeper/file", "deep\n");
    sandbox.write("deep/er.txt", "between\n");
    sandbox.write("with\nnew line", "odd\n");
    sandbox.write("ünï ☃ \"quoted\"\t", "odd\n");
    sandbox.write("returns.txt", "one\r\ntwo\r\n");
    sandbox.write("run.sh", "#!/bin/sh\n");
    let run = sandbox.repo().join("run.sh");
    fs::set_permissions(run, fs::Permissions::from_mode(0o755)).expect("set");
    // More than is held in memory at once.
    fs::write(sandbox.repo().join("large"), vec![7; 3 << 20]).expect("written");
    for number in 0..600 {
        sandbox.write(format!("many/{number}"), &format!("{number}\n"));
    }
    symlink("plain.txt", sandbox.repo().join("link")).expect("linked");
    symlink("../no/where", sandbox.repo().join("deep/dangling")).expect("linked");
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "first"]);
    sandbox
}

#[test]
fn every_kind_of_file_is_cloned_and_no_status_reads_one() {
    let sandbox = of_every_kind(&[]);
    sandbox.settle();
    let cloned = sandbox.spawned_right("auth");
    assert_eq!(cloned.len(), 611, "{cloned:?}");

    if !has_strace() {
        return;
    }
    let trace = sandbox.root().join("trace");
    let worktree = sandbox.worktree("auth");
    for index in ["git's", "wt's"] {
        let mut command = sandbox.command("strace");
        command
            .args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"])
            .arg(&trace)
            .args(["git", "status", "--porcelain"])
            .current_dir(&worktree);
        if index == "wt's" {
            command.env("GIT_INDEX_FILE", sandbox.state().join("tasks/auth/index"));
        }
        assert!(command.status().expect("strace").success());
        let calls = fs::read_to_string(&trace).expect("a trace");
        assert!(calls.contains("index"), "nothing was seen: {calls}");
        let opened: Vec<&str> = calls
            .lines()
            .filter(|call| !call.contains("O_DIRECTORY") && !call.contains(".gitignore"))
            .filter(|call| {
                ["plain", "many/", "deep/", "large", "run.sh", "empty"]
                    .iter()
                    .any(|name| call.contains(&format!("\"{name}")))
            })
            .collect();
        assert!(opened.is_empty(), "{index} index: {opened:?}");
    }
}

#[test]
fn every_form_of_index_is_understood() {
    let sha256: &[&str] = &["--object-format=sha256"];
    for (init, name, value) in [
        (&[][..], "index.version", "4"),
        (&[][..], "index.skipHash", "true"),
        (&[][..], "core.untrackedCache", "true"),
        (sha256, "index.version", "2"),
        (sha256, "index.version", "4"),
    ] {
        let sandbox = of_every_kind(init);
        sandbox.git(&["config", name, value]);
        sandbox.git(&["read-tree", "--reset", "HEAD"]);
        sandbox.settle();
        let cloned = sandbox.spawned_right("auth");
        assert_eq!(cloned.len(), 611, "{name}={value}");
    }
}
