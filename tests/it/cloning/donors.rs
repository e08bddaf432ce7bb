//! Which checkout the files come from, and what is done where there is none.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{files, set_time, time_of};
use crate::sandbox::{CONTRACT, Sandbox, skipped};

#[test]
fn what_the_main_checkout_has_otherwise_is_written_by_git() {
    let sandbox = Sandbox::with(&[
        ("a/1", "one\n"),
        ("a/2", "two\n"),
        ("a/b/3", "three\n"),
        ("changed", "old\n"),
        ("gone/too", "x\n"),
        ("last", "last\n"),
        ("same", "same\n"),
    ]);
    sandbox.git(&["switch", "-q", "-c", "other"]);
    sandbox.write("changed", "new\n");
    sandbox.write("more/files", "more\n");
    sandbox.git(&["rm", "-q", "gone/too"]);
    sandbox.commit(&sandbox.repo(), "other");
    sandbox.settle();
    sandbox.wt(&["spawn", "auth", "--target", "main"]).expect(0);
    let worktree = sandbox.worktree("auth");
    assert_eq!(files(&worktree), sandbox.by_git("main"));
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(
        sandbox.cloned(&sandbox.repo(), &worktree),
        ["a/1", "a/2", "a/b/3", "last", "same"]
    );

    // Attributes that count there and not here.
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.write(".gitattributes", "same eol=crlf\n");
    sandbox.commit(&sandbox.repo(), "attributes");
    sandbox.git(&["switch", "-q", "other"]);
    sandbox.settle();
    sandbox.wt(&["spawn", "next", "--target", "main"]).expect(0);
    let worktree = sandbox.worktree("next");
    assert_eq!(files(&worktree), sandbox.by_git("main"));
    assert_eq!(fs::read(worktree.join("same")).expect("read"), b"same\r\n");
}

#[test]
fn without_a_donor_git_writes_all() {
    let sandbox = Sandbox::with(&[
        ("one", "one\n"),
        ("in/two", "two\n"),
        ("out/three", "three\n"),
    ]);
    sandbox.settle();
    sandbox.git(&["update-index", "--split-index"]);
    assert!(sandbox.spawned_right("split").is_empty());
    sandbox.git(&["update-index", "--no-split-index"]);
    assert_eq!(sandbox.spawned_right("whole").len(), 3);

    // Nothing in common with what is wanted.
    sandbox.git(&["switch", "-q", "--orphan", "empty"]);
    sandbox.wt(&["spawn", "far", "--target", "main"]).expect(0);
    assert_eq!(files(&sandbox.worktree("far")), sandbox.by_git("main"));
    fs::remove_file(sandbox.repo().join(".git/index")).expect("removed");
    sandbox.wt(&["spawn", "lost", "--target", "main"]).expect(0);
    assert_eq!(files(&sandbox.worktree("lost")), sandbox.by_git("main"));
    sandbox.write(".git/index", "DIRC no index at all");
    sandbox.wt(&["spawn", "cut", "--target", "main"]).expect(0);
    assert_eq!(files(&sandbox.worktree("cut")), sandbox.by_git("main"));
}

#[test]
fn a_sparse_main_checkout_serves_nobody() {
    for form in ["--sparse-index", "--no-sparse-index"] {
        let sandbox = Sandbox::with(&[
            ("one", "one\n"),
            ("in/two", "two\n"),
            ("out/three", "three\n"),
        ]);
        sandbox.git(&["sparse-checkout", "set", "--cone", form, "in"]);
        sandbox.settle_at(&sandbox.repo().join("in"));
        let worktree = sandbox.spawn("auth");
        assert_eq!(files(&worktree), files(&sandbox.repo()));
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
        assert!(sandbox.cloned(&sandbox.repo(), &worktree).is_empty());
    }
}

#[test]
fn a_monitor_of_files_and_a_cache_are_not_taken_over() {
    let sandbox = Sandbox::with(&[("one", "one\n"), ("in/two", "two\n")]);
    let monitor = sandbox.home().join("monitor");
    sandbox.write(&monitor, "#!/bin/sh\nprintf 'token\\0/\\0'\n");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&monitor, open).expect("set");
    sandbox.git(&["config", "core.fsmonitor", monitor.to_str().expect("text")]);
    sandbox.settle();
    sandbox.git(&["update-index", "--fsmonitor"]);
    let holds = |path: &Path| {
        let bytes = fs::read(path).expect("an index");
        bytes.windows(4).any(|name| name == b"FSMN")
    };
    assert!(
        holds(&sandbox.repo().join(".git/index")),
        "git notes nothing"
    );
    let worktree = sandbox.spawn("auth");
    assert_eq!(sandbox.cloned(&sandbox.repo(), &worktree).len(), 2);
    assert!(!holds(&sandbox.state().join("tasks/auth/index")));
    assert!(!holds(&sandbox.repo().join(".git/worktrees/auth/index")));
    assert_eq!(files(&worktree), sandbox.by_git("main"));
}

#[test]
fn submodules_are_filled_as_ever() {
    let sandbox = Sandbox::with(&[("one", "one\n")]);
    let library = sandbox.root().join("library");
    sandbox.git_in(&sandbox.root(), &["init", "-q", "library"]);
    sandbox.write(library.join("code"), "code\n");
    sandbox.commit(&library, "code");
    sandbox.git(&[
        "submodule",
        "--quiet",
        "add",
        library.to_str().expect("text"),
        "sub/module",
    ]);
    sandbox.commit(&sandbox.repo(), "submodule");
    sandbox.settle();
    let worktree = sandbox.spawn("auth");
    assert_eq!(
        sandbox.cloned(&sandbox.repo(), &worktree),
        [".gitmodules", "one"]
    );
    assert_eq!(
        fs::read(worktree.join("sub/module/code")).expect("read"),
        b"code\n"
    );
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
}

#[test]
fn another_file_system_gets_copies() {
    let there = Path::new("/dev/shm");
    let Ok(folder) = tempfile::tempdir_in(there) else {
        skipped("there is no /dev/shm");
        return;
    };
    let sandbox = Sandbox::with(&[("one", "one\n"), ("in/two", "two\n")]);
    if fs::metadata(sandbox.root()).expect("there").dev()
        == fs::metadata(there).expect("there").dev()
    {
        skipped("/dev/shm is no other file system");
        return;
    }
    let path = folder.path().join("trees");
    sandbox.write(
        "wt.toml",
        &format!(
            "[worktree]\npath = {:?}\n{CONTRACT}",
            path.to_str().expect("text")
        ),
    );
    sandbox.commit(&sandbox.repo(), "elsewhere");
    sandbox.settle();
    sandbox.wt(&["spawn", "auth"]).expect(0);
    assert_eq!(files(&path.join("auth")), sandbox.by_git("main"));
    assert_eq!(sandbox.cloned(&sandbox.repo(), &path.join("auth")).len(), 3);
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
}

/// Makes all files of the first slot look older than its index, however soon that was written after them.
fn make_old(sandbox: &Sandbox) {
    set_time(&sandbox.state().join("slots/0/index"), 4_000_000_000);
}

#[test]
fn slots_are_cloned_and_serve_in_their_turn() {
    let sandbox = Sandbox::new();
    sandbox.settle();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new.txt"), "new\n");
    sandbox.commit(&worktree, "new");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let slot = sandbox.root().join("repo.wt/_judge/0");
    for path in ["README.md", "test.sh", "wt.toml"] {
        assert_eq!(
            time_of(&slot.join(path)),
            time_of(&sandbox.repo().join(path))
        );
    }
    sandbox.wt(&["merge", "auth"]).expect(0);

    // The main checkout is at something else: the slot has most of what is wanted, and the rest comes from git.
    sandbox.git(&["switch", "-q", "--orphan", "empty"]);
    make_old(&sandbox);
    sandbox.wt(&["spawn", "next", "--target", "main"]).expect(0);
    let worktree = sandbox.worktree("next");
    assert_eq!(files(&worktree), sandbox.by_git("main"));
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    let cloned = sandbox.cloned(&slot, &worktree);
    assert_eq!(cloned, ["README.md", "new.txt", "test.sh", "wt.toml"]);
}

#[test]
fn what_a_step_did_to_a_slot_reaches_no_worktree() {
    let step = "cp -p README.md \"$TMPDIR/kept\"; printf 'a forgery\\n' > README.md; touch -r \"$TMPDIR/kept\" README.md\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", step),
        ("README.md", "a project\n"),
    ]);
    sandbox.settle();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new.txt"), "new\n");
    sandbox.commit(&worktree, "new");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("UNSTABLE_TREE");
    let slot = sandbox.root().join("repo.wt/_judge/0");
    sandbox.git(&["switch", "-q", "--orphan", "empty"]);
    make_old(&sandbox);
    sandbox.wt(&["spawn", "next", "--target", "main"]).expect(0);
    let worktree = sandbox.worktree("next");
    assert_eq!(files(&worktree), sandbox.by_git("main"));
    assert_eq!(sandbox.cloned(&slot, &worktree), ["test.sh", "wt.toml"]);
}
