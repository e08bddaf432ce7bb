//! A landing that is killed, or fails, while it moves the target's checkout: it ends as before or as after, and a
//! person's own work stays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::sandbox::{CONTRACT, Sandbox, skipped, wait_until};

/// A `git` that kills `wt`, or itself, where the file `plan` says; without one it is git.
const GIT: &str = r#"#!/bin/sh
d="$HOME/crash"
plan=$(cat "$d/plan" 2>/dev/null)
die() { rm -f "$d/plan"; kill -KILL "$PPID"; exit 137; }
case " $* " in
*" read-tree -m -u "*)
  echo "$PPID" > "$d/wt"
  case $plan in
  before-files) die ;;
  after-files) REAL "$@"; die ;;
  hold-killed) REAL "$@"; kill -KILL "$(cat "$d/hold")"; die ;;
  git-after-files) REAL "$@"; rm "$d/plan"; kill -KILL "$$" ;;
  git-hold-killed) rm "$d/plan"; kill -KILL "$(cat "$d/hold")" ;;
  lock-left) rm "$d/plan"; : > .git/index.lock; echo "error: Entry 'c.txt' not uptodate." >&2; exit 128 ;;
  esac ;;
*" update-ref "*" --stdin "*)
  echo "$$" > "$d/hold"
  if [ "$plan" = after-hold ]; then REAL "$@"; die; fi ;;
esac
case $plan in
nth:1) die ;;
nth:*) echo "nth:$((${plan#nth:} - 1))" > "$d/plan" ;;
esac
exec REAL "$@"
"#;

/// A filter that kills the git which moves the files, and `wt` as well, where the file `plan` says.
const SMUDGE: &str = r#"d="$HOME/crash"
[ -e "$d/wt" ] && plan=$(cat "$d/plan" 2>/dev/null)
case $plan in
in-files) rm "$d/plan"; kill -KILL "$(cat "$d/wt")"; kill -KILL 0 ;;
git-in-files) rm "$d/plan"; kill -KILL 0 ;;
esac
exec tr 'a-z' 'A-Z'
"#;

/// Where `wt` is killed; afterwards the next command lands the task, or says that it had not landed.
const KILLED: [&str; 5] = [
    "before-files",
    "in-files",
    "after-files",
    "hold-killed",
    "after-hold",
];

/// A repository whose landing of task `auth` changes, adds, removes and replaces files, one of them by a filter.
struct Rig {
    sandbox: Sandbox,
}

impl Rig {
    fn new(init: &[&str]) -> Self {
        Self::with(init, |_| {})
    }

    /// As [`Self::new`], with what `prepare` does to the checkout after its first commit.
    fn with(init: &[&str], prepare: impl FnOnce(&Sandbox)) -> Self {
        let mut sandbox = Sandbox::empty(init);
        let folder = sandbox.home().join("crash");
        fs::create_dir_all(folder.join("bin")).expect("made");
        let path = std::env::var("PATH").expect("PATH");
        let real = std::env::split_paths(&path).map(|dir| dir.join("git"));
        let real = real.into_iter().find(|git| git.is_file()).expect("git");
        let git = folder.join("bin/git");
        sandbox.write(&git, &GIT.replace("REAL", real.to_str().expect("text")));
        fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("set");
        sandbox.write(folder.join("smudge"), SMUDGE);
        sandbox.set("PATH", &format!("{}:{path}", folder.join("bin").display()));

        let smudge = format!("sh {}", folder.join("smudge").display());
        sandbox.git(&["config", "filter.loud.smudge", &smudge]);
        sandbox.git(&["config", "filter.loud.clean", "tr A-Z a-z"]);
        for (path, text) in [
            ("wt.toml", CONTRACT),
            ("test.sh", "echo passed\n"),
            (".gitattributes", "*.loud filter=loud\n"),
            (".gitignore", "*.secret\n"),
            ("a.txt", "old a\n"),
            ("b.loud", "old b\n"),
            ("c.txt", "old c\n"),
            ("gone.txt", "gone\n"),
            ("swap", "a file\n"),
            ("unswap/file", "in a folder\n"),
            ("own.txt", "a person's\n"),
            ("staged.txt", "a person's\n"),
        ] {
            sandbox.write(path, text);
        }
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", "first"]);
        prepare(&sandbox);
        let rig = Self { sandbox };
        rig.validated();
        rig
    }

    fn validated(&self) {
        let sandbox = &self.sandbox;
        let worktree = sandbox.spawn("auth");
        for (path, text) in [
            ("a.txt", "new a\n"),
            ("added.txt", "added\n"),
            ("b.loud", "new b\n"),
            ("c.txt", "new c, and longer\n"),
            ("new/added.loud", "added\n"),
        ] {
            sandbox.write(worktree.join(path), text);
        }
        for path in ["gone.txt", "swap"] {
            fs::remove_file(worktree.join(path)).expect("removed");
        }
        sandbox.write(worktree.join("swap/file"), "now a folder\n");
        fs::remove_dir_all(worktree.join("unswap")).expect("removed");
        sandbox.write(worktree.join("unswap"), "now a file\n");
        std::os::unix::fs::symlink("a.txt", worktree.join("link")).expect("linked");
        sandbox.git_in(&worktree, &["add", "-A", "--sparse"]);
        sandbox.git_in(&worktree, &["commit", "-q", "-m", "work"]);
        sandbox.wt(&["validate", "auth"]).expect(0);
    }

    /// Uncommitted work of a person beside the landing: changed, staged, untracked and ignored.
    fn work_beside(&self) {
        let sandbox = &self.sandbox;
        sandbox.write("staged.txt", "staged\n");
        sandbox.git(&["add", "staged.txt"]);
        sandbox.write("own.txt", "changed\n");
        sandbox.write("untracked.txt", "untracked\n");
        sandbox.write("my.secret", "ignored\n");
    }

    #[track_caller]
    fn assert_work_beside(&self) {
        let sandbox = &self.sandbox;
        assert_eq!(
            sandbox.git(&["status", "--porcelain", "--ignored"]),
            " M own.txt\nM  staged.txt\n?? untracked.txt\n!! my.secret"
        );
        assert_eq!(sandbox.read("own.txt"), "changed\n");
        assert_eq!(sandbox.git(&["show", ":staged.txt"]), "staged");
        assert_eq!(sandbox.read("untracked.txt"), "untracked\n");
        assert_eq!(sandbox.read("my.secret"), "ignored\n");
    }

    /// Puts something else in the place of `part` of the script that stands for git.
    fn change_git(&self, part: &str, other: &str) {
        let git = self.sandbox.home().join("crash/bin/git");
        let script = self.sandbox.read(&git);
        assert!(script.contains(part), "{script}");
        let real = script
            .lines()
            .last()
            .and_then(|line| line.split(' ').nth(1));
        let other = other.replace("REAL", real.expect("a path"));
        self.sandbox.write(&git, &script.replace(part, &other));
    }

    /// From here on `wt` or its git is killed there, once.
    fn plan(&self, plan: &str) {
        self.sandbox
            .write(self.sandbox.home().join("crash/plan"), plan);
    }

    /// Lands the task, and is killed.
    #[track_caller]
    fn killed(&self, plan: &str) -> String {
        let old = self.sandbox.git(&["rev-parse", "main"]);
        self.plan(plan);
        let ran = self.sandbox.wt(&["merge", "auth"]);
        assert_eq!(ran.code, None, "{plan}: it was not killed\n{}", ran.err);
        old
    }

    /// Holds that the target stands at one end, whole: its tree, its files, its index, and no lock.
    #[track_caller]
    fn assert_landed(&self, why: &str) {
        let sandbox = &self.sandbox;
        let trailers = sandbox.trailers("main");
        assert!(
            trailers.contains(&"Wt-Task: auth".to_owned()),
            "{why}: {trailers:?}"
        );
        let tree = sandbox.git(&["rev-parse", "main^{tree}"]);
        let key = trailers.iter().find_map(|l| l.strip_prefix("Wt-Receipt: "));
        let receipt = sandbox
            .state()
            .join(format!("receipts/{}.json", key.expect("a receipt")));
        assert!(sandbox.read(receipt).contains(&tree), "{why}");
        assert_eq!(sandbox.read("a.txt"), "new a\n", "{why}");
        assert_eq!(sandbox.read("b.loud"), "NEW B\n", "{why}");
        assert_eq!(sandbox.read("new/added.loud"), "ADDED\n", "{why}");
        assert_eq!(sandbox.read("swap/file"), "now a folder\n", "{why}");
        assert_eq!(sandbox.read("unswap"), "now a file\n", "{why}");
        assert!(!sandbox.repo().join("gone.txt").exists(), "{why}");
        self.assert_quiet(why);
    }

    #[track_caller]
    fn assert_quiet(&self, why: &str) {
        let sandbox = &self.sandbox;
        sandbox.git(&["fsck", "--full", "--strict"]);
        let locks = sandbox
            .command("find")
            .args([
                ".git", "-path", ".git/wt", "-prune", "-o", "-name", "*.lock", "-print",
            ])
            .output()
            .expect("find");
        assert_eq!(String::from_utf8_lossy(&locks.stdout), "", "{why}");
        let journal = fs::read_dir(sandbox.state().join("journal"))
            .into_iter()
            .flatten();
        assert_eq!(journal.count(), 0, "{why}");
        sandbox.wt(&["doctor"]).expect(0).says("all is well");
    }
}

#[test]
fn killed_anywhere_in_the_move_the_next_command_ends_it() {
    for plan in KILLED {
        let rig = Rig::new(&[]);
        rig.work_beside();
        rig.killed(plan);
        let found = rig.sandbox.wt(&["doctor"]);
        found
            .expect(1)
            .prints("the landing of task `auth` was killed halfway");
        let mended = rig.sandbox.wt(&["doctor", "--fix"]);
        mended
            .expect(0)
            .says("task `auth` had landed; its landing is recorded");
        rig.assert_work_beside();
        rig.assert_landed(plan);
        rig.sandbox
            .wt(&["doctor", "--fix"])
            .expect(0)
            .says("all is well");
        assert!(!rig.sandbox.worktree("auth").exists(), "{plan}");
        let reflog = rig.sandbox.git(&["reflog", "-1", "HEAD"]);
        assert!(reflog.contains("wt: land auth"), "{plan}: {reflog}");
    }
}

#[test]
fn the_next_landing_on_that_target_mends_it_first() {
    let rig = Rig::new(&[]);
    rig.sandbox.validated("other", "other.txt", "other\n");
    rig.killed("in-files");
    rig.sandbox
        .wt(&["merge", "other"])
        .expect(0)
        .says("mended: task `auth` had landed");
    assert_eq!(rig.sandbox.read("other.txt"), "other\n");
    let subjects = rig
        .sandbox
        .git(&["log", "--first-parent", "--format=%s", "main"]);
    assert_eq!(subjects, "Land other\nLand auth\nfirst");
    assert_eq!(rig.sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn killed_while_it_mends_it_mends_again() {
    for plan in ["in-files", "hold-killed"] {
        let rig = Rig::new(&[]);
        rig.work_beside();
        rig.killed(plan);
        let mut at = 1;
        loop {
            rig.plan(&format!("nth:{at}"));
            let ran = rig.sandbox.wt(&["doctor", "--fix"]);
            if ran.code.is_some() {
                ran.expect(0);
                break;
            }
            at += 1;
        }
        assert!(at > 5, "{plan}: it was killed {at} times only");
        let _ = fs::remove_file(rig.sandbox.home().join("crash/plan"));
        rig.sandbox.wt(&["doctor", "--fix"]).expect(0);
        rig.assert_work_beside();
        rig.assert_landed(plan);
    }
}

#[test]
fn where_git_alone_dies_all_is_as_before() {
    for plan in ["git-in-files", "git-after-files", "git-hold-killed"] {
        let rig = Rig::new(&[]);
        rig.work_beside();
        let before = rig.sandbox.picture();
        rig.plan(plan);
        let ran = rig.sandbox.wt(&["merge", "auth"]);
        assert!(
            matches!(ran.code, Some(4 | 70)) && ran.err.contains("nothing was changed"),
            "{plan}: {:?} {}",
            ran.code,
            ran.err
        );
        rig.sandbox.assert_as(&before);
        rig.assert_work_beside();
        rig.assert_quiet(plan);
        rig.sandbox.wt(&["merge", "auth"]).expect(0);
        rig.assert_landed(plan);
    }
}

#[test]
fn what_was_cut_off_is_saved_and_written_anew() {
    let rig = Rig::new(&[]);
    rig.killed("before-files");
    // As the power leaves it: a beginning of the new text, of the old one, of a filtered one, nothing, and the lock.
    let sandbox = &rig.sandbox;
    sandbox.write("c.txt", "new c, and");
    sandbox.write("a.txt", "ol");
    sandbox.write("b.loud", "NEW");
    sandbox.write("added.txt", "");
    fs::remove_file(sandbox.repo().join("swap")).expect("removed");
    sandbox.write("swap/file", "now a");
    sandbox.write(".git/index.lock", "DIRC");
    let mended = sandbox.wt(&["doctor", "--fix"]);
    mended.expect(0).says("what had been cut off is saved: ");
    rig.assert_landed("cut off");
    let saved = sandbox.state().join("saved/auth/0");
    for (path, text) in [
        ("c.txt", "new c, and"),
        ("a.txt", "ol"),
        ("b.loud", "NEW"),
        ("swap/file", "now a"),
    ] {
        assert_eq!(sandbox.read(saved.join(path)), text);
    }
    assert!(!saved.join("added.txt").exists());
}

#[test]
fn what_neither_side_holds_stops_this_landing_alone() {
    let rig = Rig::new(&[]);
    rig.sandbox.validated("other", "other.txt", "other\n");
    rig.killed("in-files");
    let sandbox = &rig.sandbox;
    sandbox.write("c.txt", "a person's own\n");
    let stuck = sandbox.wt(&["doctor", "--fix"]);
    stuck
        .expect(1)
        .prints("c.txt")
        .prints("git checkout HEAD -- <path>");
    assert_eq!(sandbox.read("c.txt"), "a person's own\n");
    assert!(!sandbox.state().join("saved").exists());
    sandbox.wt(&["merge", "other"]).expect(0).says("c.txt");
    assert_eq!(sandbox.read("c.txt"), "a person's own\n");
    sandbox.git(&["checkout", "-q", "HEAD", "--", "c.txt"]);
    // Another one has landed meanwhile: this one is to be combined anew.
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("task `auth` had not landed");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    rig.assert_quiet("stuck");
    sandbox.wt(&["merge", "auth"]).expect(0);
    rig.assert_landed("stuck");
}

#[test]
fn a_lock_of_a_git_that_lives_is_left() {
    let rig = Rig::new(&[]);
    rig.killed("before-files");
    let sandbox = &rig.sandbox;
    sandbox.write("own.txt", "being committed\n");
    let sign = sandbox.notes().join("editing");
    let editor = format!("touch {}; sleep 600; true", sign.display());
    let mut commit = sandbox
        .command("git")
        .args(["commit", "-q", "-a"])
        .env("GIT_EDITOR", &editor)
        .spawn()
        .expect("git");
    wait_until("the person's editor is open", || sign.exists());
    let lock = sandbox.repo().join(".git/index.lock");
    assert!(lock.exists());
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("index.lock may belong to git (pid ");
    assert!(lock.exists());
    commit.kill().expect("killed");
    commit.wait().expect("ended");
    for (pid, command) in sandbox.processes() {
        if command.starts_with("sleep 600") {
            let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
        }
    }
    // What the killed commit left is nobody's now.
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    assert_eq!(sandbox.read("own.txt"), "being committed\n");
    sandbox.git(&["checkout", "-q", "--", "own.txt"]);
    rig.assert_landed("a living git");
}

#[test]
fn a_lock_that_its_own_git_could_not_give_up_does_not_stop_it() {
    let rig = Rig::new(&[]);
    let sandbox = &rig.sandbox;
    sandbox.write(sandbox.home().join("crash/plan"), "lock-left");
    sandbox.wt(&["merge", "auth"]).expect(0);
    rig.assert_landed("its own lock");
    assert!(!sandbox.repo().join(".git/index.lock").exists());
}

#[test]
fn a_commit_of_a_person_after_the_kill_is_theirs() {
    for plan in ["in-files", "after-files"] {
        let rig = Rig::new(&[]);
        rig.killed(plan);
        let sandbox = &rig.sandbox;
        let _ = fs::remove_file(sandbox.repo().join(".git/index.lock"));
        sandbox.write("own.txt", "committed\n");
        sandbox.git(&["commit", "-q", "-m", "mine", "--", "own.txt"]);
        sandbox
            .wt(&["doctor", "--fix"])
            .expect(0)
            .says("task `auth` had not landed");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{plan}");
        assert_eq!(
            sandbox.git(&["show", "--format=", "--name-only", "main"]),
            "own.txt"
        );
        assert_eq!(sandbox.read("a.txt"), "old a\n");
        rig.assert_quiet(plan);
        sandbox.wt(&["merge", "auth"]).expect(0);
        rig.assert_landed(plan);
    }
}

#[test]
fn a_person_who_switched_after_the_kill_is_left_alone() {
    let rig = Rig::new(&[]);
    rig.killed("before-files");
    let sandbox = &rig.sandbox;
    sandbox.git(&["switch", "-q", "-c", "mine"]);
    sandbox.write("a.txt", "mine\n");
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("had not landed");
    assert_eq!(sandbox.read("a.txt"), "mine\n");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("a.txt"), "mine\n");
}

#[test]
fn every_form_of_a_checkout_is_mended() {
    type Prepare = fn(&Sandbox);
    let forms: [(&str, &[&str], Prepare); 5] = [
        ("reftable", &["--ref-format=reftable"], |_| {}),
        ("sha256", &["--object-format=sha256"], |_| {}),
        ("line ends", &[], |s| {
            s.git(&["config", "core.autocrlf", "true"]);
        }),
        ("split index", &[], |s| {
            s.git(&["config", "core.splitIndex", "true"]);
        }),
        ("untracked cache", &[], |s| {
            s.git(&["config", "core.untrackedCache", "true"]);
        }),
    ];
    for (form, init, prepare) in forms {
        let known = Sandbox::empty(&[]);
        let tried: Vec<&str> = ["init", "-q"]
            .into_iter()
            .chain(init.iter().copied())
            .collect();
        let tried = known.command("git").args(tried).arg("tried").output();
        if !tried.expect("git").status.success() {
            skipped(&format!("this git knows no {form}"));
            continue;
        }
        for plan in ["in-files", "hold-killed"] {
            let rig = Rig::with(init, prepare);
            rig.killed(plan);
            let why = format!("{form}, {plan}");
            rig.sandbox
                .wt(&["doctor", "--fix"])
                .expect(0)
                .says("task `auth` had landed");
            assert_eq!(rig.sandbox.git(&["status", "--porcelain"]), "", "{why}");
            let text = rig.sandbox.read("a.txt");
            let end = if form == "line ends" { "\r\n" } else { "\n" };
            assert_eq!(text, format!("new a{end}"), "{why}");
            rig.assert_quiet(&why);
        }
    }
}

#[test]
fn a_sparse_checkout_stays_sparse_through_it() {
    for plan in ["in-files", "after-files"] {
        let rig = Rig::with(&[], |sandbox| {
            sandbox.git(&["sparse-checkout", "set", "--sparse-index", "unswap"]);
        });
        let sandbox = &rig.sandbox;
        assert!(sandbox.repo().join("b.loud").exists());
        rig.killed(plan);
        sandbox.wt(&["doctor", "--fix"]).expect(0);
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{plan}");
        assert!(!sandbox.repo().join("new").exists(), "{plan}");
        assert!(!sandbox.repo().join("swap/file").exists(), "{plan}");
        assert_eq!(sandbox.read("a.txt"), "new a\n", "{plan}");
        rig.assert_quiet(plan);
    }
}

#[test]
fn a_person_who_commits_at_that_very_moment_takes_nothing_along() {
    // The person's own git runs before and after git has written index and files, while the branch is held.
    let commit = "(unset GIT_INDEX_FILE; REAL commit -q -m mine >> \"$d/person\" 2>&1; echo \"status $?\" >> \"$d/person\")";
    let rig = Rig::new(&[]);
    let sandbox = &rig.sandbox;
    rig.change_git(
        "  before-files) die ;;",
        &format!("  beside) {commit}; REAL \"$@\"; {commit}; exit 0 ;;\n  before-files) die ;;"),
    );
    sandbox.write("own.txt", "mine\n");
    sandbox.git(&["add", "own.txt"]);
    // One that began before the landing: it has read HEAD and the index, and waits for its editor.
    let sign = sandbox.notes().join("edited");
    let editor = format!(
        "while [ ! -e {} ]; do sleep 0.01; done; echo mine >",
        sign.display()
    );
    let editing = sandbox
        .command("git")
        .args(["commit", "-q"])
        .env("GIT_EDITOR", editor)
        .spawn();
    let mut editing = editing.expect("git");
    wait_until("the person's editor is open", || {
        sandbox.repo().join(".git/COMMIT_EDITMSG").exists()
    });
    rig.plan("beside");
    sandbox.wt(&["merge", "auth"]).expect(0);
    fs::remove_file(sandbox.home().join("crash/plan")).expect("removed");
    sandbox.write(&sign, "");
    assert!(
        !editing.wait().expect("ended").success(),
        "it began on another commit"
    );
    let said = sandbox.read(sandbox.home().join("crash/person"));
    assert_eq!(said.matches("status 128").count(), 2, "{said}");
    let subjects = sandbox.git(&["log", "--first-parent", "--format=%s", "main"]);
    assert_eq!(subjects, "Land auth\nfirst");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "M  own.txt");
    sandbox.git(&["commit", "-q", "-m", "mine"]);
    assert_eq!(
        sandbox.git(&["show", "--format=", "--name-only", "main"]),
        "own.txt"
    );
}

#[test]
fn a_disk_that_is_full_leaves_all_as_before() {
    let sandbox = Sandbox::new();
    let place = sandbox.repo().join("small");
    fs::create_dir_all(&place).expect("made");
    let mounted = sandbox
        .command("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&place)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return skipped("no file system can be mounted here");
    }
    let _unmounted = Unmounted(&sandbox, &place);
    sandbox.write("small/kept", "kept\n");
    sandbox.commit(&sandbox.repo(), "a small disk");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("README.md"), "changed\n");
    sandbox.write(worktree.join("small/big"), &"much\n".repeat(50_000));
    sandbox.commit(&worktree, "work");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let before = sandbox.picture();
    let full = sandbox.wt(&["merge", "auth"]);
    full.expect(70)
        .says("nothing was changed: git was stopped in the middle of it: error: unable to write file small/big");
    sandbox.assert_as(&before);
    assert_eq!(sandbox.read("README.md"), "a project\n");
    sandbox.wt(&["doctor"]).expect(0);
    let larger = sandbox
        .command("mount")
        .args(["-o", "remount,size=1m"])
        .arg(&place)
        .output();
    assert!(larger.expect("mount").status.success());
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

struct Unmounted<'s>(&'s Sandbox, &'s PathBuf);

impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        let _ = self.0.command("umount").arg("-l").arg(self.1).output();
    }
}

#[test]
fn who_waited_for_a_killed_landing_starts() {
    let rig = Rig::new(&[]);
    let sandbox = &rig.sandbox;
    sandbox.wt(&["spawn", "next", "--after", "auth"]).expect(0);
    // Landed, recorded and taken away; then it is killed before the follower is made.
    rig.change_git(
        "case $plan in\nnth:1)",
        "case \"$plan $*\" in follow*\" worktree add \"*) die ;; esac\ncase $plan in\nnth:1)",
    );
    rig.killed("follow");
    assert_eq!(sandbox.trailers("main")[0], "Wt-Task: auth");
    assert!(!sandbox.worktree("next").exists());
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("what waited for task `auth` has started: next");
    assert!(sandbox.worktree("next").join("added.txt").exists());
    rig.assert_quiet("followers");
    assert_eq!(
        fs::read_dir(sandbox.state().join("followers"))
            .into_iter()
            .flatten()
            .count(),
        0
    );
}

#[test]
fn a_killed_train_lands_whole() {
    for plan in ["in-files", "after-files", "after-hold"] {
        let rig = Rig::new(&[]);
        rig.sandbox.validated("other", "other.txt", "other\n");
        rig.plan(plan);
        let ran = rig.sandbox.wt(&["merge", "--all"]);
        assert_eq!(ran.code, None, "{plan}: it was not killed\n{}", ran.err);
        let mended = rig.sandbox.wt(&["doctor", "--fix"]);
        mended
            .expect(0)
            .says("task `auth` had landed")
            .says("task `other` had landed");
        let log = ["log", "--first-parent", "--format=%s", "main"];
        assert_eq!(rig.sandbox.git(&log).lines().count(), 3, "{plan}");
        assert_eq!(rig.sandbox.git(&["status", "--porcelain"]), "", "{plan}");
        assert_eq!(rig.sandbox.read("other.txt"), "other\n", "{plan}");
        rig.assert_quiet(plan);
        rig.sandbox.wt(&["list"]).expect(0).says("no tasks");
    }
}

#[test]
fn a_train_whose_intents_were_not_all_written_has_not_begun() {
    let rig = Rig::new(&[]);
    rig.sandbox.validated("other", "other.txt", "other\n");
    rig.plan("before-files");
    assert_eq!(rig.sandbox.wt(&["merge", "--all"]).code, None);
    // As it was a moment before: that of the last one is not there yet.
    let journal = rig.sandbox.state().join("journal");
    let intent = |name: &str| -> serde_json::Value {
        serde_json::from_str(&rig.sandbox.read(journal.join(name))).expect("JSON")
    };
    let is_last = |name: &&str| intent(name)["operation"]["last"].is_null();
    let last = ["auth.json", "other.json"].into_iter().find(is_last);
    fs::remove_file(journal.join(last.expect("the last one"))).expect("removed");
    rig.sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("had not landed");
    assert_eq!(rig.sandbox.git(&["log", "--format=%s", "main"]), "first");
    rig.sandbox.wt(&["merge", "--all"]).expect(0);
    rig.sandbox.wt(&["list"]).expect(0).says("no tasks");
}

#[test]
fn an_intent_that_the_power_cut_short_stops_its_own_task_alone() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "auth.txt", "text\n");
    sandbox.spawn("cut");
    let intent = sandbox.state().join("journal/cut.json");
    sandbox.write(&intent, "");
    let landed = sandbox.wt(&["merge", "auth"]);
    landed.expect(0).says("journal/cut.json can't be read");
    assert_eq!(sandbox.read("auth.txt"), "text\n");
    sandbox.wt(&["spawn", "fresh"]).expect(0);
    for args in [&["doctor"][..], &["doctor", "--fix"]] {
        let found = sandbox.wt(args);
        found
            .expect(1)
            .prints("journal/cut.json can't be read")
            .prints("then remove that file");
    }
    fs::remove_file(&intent).expect("removed");
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn what_git_would_overwrite_without_a_word_is_seen() {
    // An ignored file that a rename by case alone would meet where case counts.
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "echo passed\n"),
        (".gitignore", "/NOTES\n"),
        ("notes", "tracked\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.git_in(&worktree, &["mv", "notes", "NOTES"]);
    sandbox.commit(&worktree, "louder");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.write("NOTES", "mine\n");
    if sandbox.read("notes") == "mine\n" {
        return skipped("this file system folds case");
    }
    sandbox.wt(&["merge", "auth"]).expect(4).says("NOTES");
    assert_eq!(sandbox.read("NOTES"), "mine\n");
    fs::remove_file(sandbox.repo().join("NOTES")).expect("removed");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("NOTES"), "tracked\n");
}

#[test]
fn a_submodule_with_work_in_it_makes_no_room_for_files() {
    for inside in ["", "/file"] {
        let sandbox = Sandbox::new();
        let module = sandbox.root().join("module");
        fs::create_dir_all(&module).expect("made");
        sandbox.git_in(&module, &["init", "-q"]);
        sandbox.write(module.join("theirs"), "");
        sandbox.commit(&module, "first");
        sandbox.git(&[
            "submodule",
            "add",
            "-q",
            module.to_str().expect("text"),
            "sub",
        ]);
        sandbox.commit(&sandbox.repo(), "a submodule");
        let worktree = sandbox.spawn("auth");
        sandbox.git_in(&worktree, &["rm", "-q", "sub"]);
        sandbox.write(worktree.join(format!("sub{inside}")), "a file\n");
        sandbox.commit(&worktree, "a file instead");
        sandbox.wt(&["validate", "auth"]).expect(0);
        sandbox.write("sub/own", "mine\n");
        sandbox.wt(&["merge", "auth"]).expect(4).says("sub");
        assert_eq!(sandbox.read("sub/own"), "mine\n");
        fs::remove_dir_all(sandbox.repo().join("sub")).expect("removed");
        fs::create_dir(sandbox.repo().join("sub")).expect("made");
        sandbox.wt(&["merge", "auth"]).expect(0);
        assert_eq!(sandbox.read(format!("sub{inside}")), "a file\n");
    }
}

#[test]
fn a_killed_sync_is_brought_to_its_end() {
    for plan in ["before-files", "in-files", "after-files", "hold-killed"] {
        let rig = Rig::new(&[]);
        let sandbox = &rig.sandbox;
        let worktree = sandbox.worktree("auth");
        sandbox.write("own.txt", "moved\n");
        sandbox.write("d.loud", "new d\n");
        sandbox.commit(&sandbox.repo(), "moved");
        sandbox.write(worktree.join("mine.txt"), "an agent's\n");
        rig.plan(plan);
        let ran = sandbox.wt(&["sync", "auth"]);
        assert_eq!(ran.code, None, "{plan}: it was not killed\n{}", ran.err);
        sandbox
            .wt(&["doctor", "--fix"])
            .expect(0)
            .says("task `auth` was half synced; it is synced");
        let status = sandbox.git_in(&worktree, &["status", "--porcelain"]);
        assert_eq!(status, "?? mine.txt", "{plan}");
        assert_eq!(sandbox.read(worktree.join("d.loud")), "NEW D\n", "{plan}");
        assert_eq!(sandbox.read(worktree.join("own.txt")), "moved\n", "{plan}");
        rig.assert_quiet(plan);
    }
}
