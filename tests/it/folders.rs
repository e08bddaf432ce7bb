//! Folders that can't be written to, or are gone all of a sudden: each verb names the path, leaves nothing half done, and
//! goes on once they are there again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// A folder that nobody can write to, while this lives.
struct ReadOnly(PathBuf);

impl ReadOnly {
    /// Nothing where the machine does not allow it.
    fn new(folder: &Path) -> Option<Self> {
        let mount = |args: &[&str]| {
            let done = Command::new("mount").args(args).arg(folder).output();
            done.is_ok_and(|output| output.status.success())
        };
        let this = folder.to_str().expect("text");
        if !mount(&["--bind", this]) {
            skipped("nothing can be mounted here");
            return None;
        }
        let locked = Self(folder.to_owned());
        assert!(mount(&["-o", "remount,bind,ro"]), "remounted");
        Some(locked)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A validated task `auth`, a task `behind` that lacks a commit of its target, and a removed task `gone`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "echo passed\n"),
        ("src/lib.txt", "the code\n"),
    ]);
    sandbox.spawn("behind");
    let gone = sandbox.spawn("gone");
    sandbox.write(gone.join("src/gone.txt"), "work\n");
    sandbox.wt(&["rm", "gone", "--force"]).expect(0);
    sandbox.write("src/moved.txt", "moved\n");
    sandbox.git(&["add", "src/moved.txt"]);
    sandbox.git(&["commit", "-q", "-m", "moved"]);
    sandbox.validated("auth", "src/auth.txt", "work\n");
    sandbox
}

/// What a verb answers: the folder, below the sandbox's root, its arguments, its exit status and words of it.
type Case = (&'static str, &'static [&'static str], i32, &'static str);

#[track_caller]
fn answers(sandbox: &Sandbox, verb: &[&str], code: i32, words: &str) {
    let ran = sandbox.wt(verb);
    ran.expect(code);
    assert!(
        [&ran.out, &ran.err].iter().any(|text| text.contains(words)),
        "{verb:?} does not say {words}: {ran:?}"
    );
}

const VALIDATE: &[&str] = &["validate", "behind"];
const SYNC: &[&str] = &["sync", "behind"];
const SPAWN: &[&str] = &["spawn", "new"];
const MERGE: &[&str] = &["merge", "auth"];
const REMOVE: &[&str] = &["rm", "behind", "--force"];
const RESTORE: &[&str] = &["restore", "gone"];

const STATE: &str = "repo/.git/wt";
const WORKTREES: &str = "repo.wt";

#[test]
fn a_folder_that_can_t_be_written_to_is_named_and_nothing_is_half_done() {
    const CASES: &[Case] = &[
        (STATE, VALIDATE, 4, "<root>/repo/.git/wt/locks/behind"),
        (STATE, SYNC, 4, "<root>/repo/.git/wt/locks/behind"),
        (STATE, SPAWN, 4, "<root>/repo/.git/wt/locks/new"),
        (STATE, MERGE, 4, "<root>/repo/.git/wt/landing/main/lock"),
        (STATE, REMOVE, 4, "<root>/repo/.git/wt/locks/behind"),
        (STATE, RESTORE, 4, "<root>/repo/.git/wt/locks/gone"),
        (WORKTREES, SYNC, 4, "<root>/repo.wt/behind"),
        (WORKTREES, SPAWN, 70, "<root>/repo.wt/new"),
        (WORKTREES, REMOVE, 4, "can't write to <root>/repo.wt"),
        (WORKTREES, RESTORE, 4, "can't write to <root>/repo.wt"),
        ("repo/src", MERGE, 4, "src/auth.txt"),
    ];
    let sandbox = sandbox();
    let before = sandbox.picture();
    for (folder, verb, code, words) in CASES {
        let Some(locked) = ReadOnly::new(&sandbox.root().join(folder)) else {
            return;
        };
        answers(&sandbox, verb, *code, words);
        drop(locked);
        sandbox.assert_as(&before);
        sandbox.wt(&["doctor"]).expect(0).says("all is well");
    }
    let locked = ReadOnly::new(&sandbox.root().join(WORKTREES));
    sandbox
        .wt(VALIDATE)
        .expect(70)
        .prints("FAULT")
        .prints("<root>/repo.wt/");
    // What was proven lands; only its worktree can't go.
    sandbox
        .wt(MERGE)
        .expect(0)
        .says("is kept: can't write to <root>/repo.wt");
    drop(locked);
    assert_eq!(sandbox.show("behind")["attempts"], 0);
    sandbox.wt(&["rm", "auth"]).expect(0);
    for verb in [VALIDATE, SYNC, SPAWN, REMOVE, RESTORE] {
        sandbox.wt(verb).expect(0);
    }
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_folder_that_is_gone_is_named_or_made_anew() {
    const CASES: &[Case] = &[
        ("repo.wt/behind", VALIDATE, 4, "<root>/repo.wt/behind"),
        ("repo.wt/behind", SYNC, 4, "<root>/repo.wt/behind"),
        ("repo.wt/behind", REMOVE, 0, "removed task `behind`"),
        ("repo.wt/auth", MERGE, 4, "<root>/repo.wt/auth"),
        ("repo.wt/_judge", VALIDATE, 0, "VALIDATION_OK"),
        ("repo.wt/_trash", REMOVE, 0, "removed task `behind`"),
        (
            "repo.wt/_trash",
            RESTORE,
            4,
            "are no longer at <root>/repo.wt/_trash/gone-",
        ),
        (WORKTREES, SPAWN, 0, "<root>/repo.wt/new"),
        ("repo/.git/wt/archive", REMOVE, 0, "removed task `behind`"),
    ];
    for (folder, verb, code, words) in CASES {
        let sandbox = sandbox();
        fs::remove_dir_all(sandbox.root().join(folder)).expect("removed");
        answers(&sandbox, verb, *code, words);
        sandbox.wt(&["doctor", "--fix"]).expect(0);
        sandbox.wt(&["doctor"]).expect(0).says("all is well");
    }
}

#[test]
fn a_task_whose_record_is_gone_keeps_its_work() {
    let sandbox = sandbox();
    fs::remove_dir_all(sandbox.state().join("tasks/auth")).expect("removed");
    sandbox
        .wt(MERGE)
        .expect(4)
        .says("there is no task \"auth\"");
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("at what is uncommitted in <root>/repo.wt/auth");
    let work = sandbox.worktree("auth").join("src/auth.txt");
    assert_eq!(sandbox.read(work), "work\n");
    for verb in [VALIDATE, SYNC, SPAWN] {
        sandbox.wt(verb).expect(0);
    }
}
