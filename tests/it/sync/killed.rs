//! A sync that is killed in the middle: the state before it or the state after it, and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::{commit_all, sandbox, tip};
use crate::sandbox::{Sandbox, wait_until};

/// A validated task `auth` whose sync was killed while git wrote the file `m`, the third of six; its worktree.
fn killed_halfway() -> (Sandbox, PathBuf) {
    let sandbox = sandbox();
    let sign = sandbox.root().join("sign");
    let switch = sandbox.root().join("switch");
    let slow = sandbox.root().join("slow.sh");
    sandbox.write(
        &slow,
        &format!(
            "#!/bin/sh\nif [ -f '{}' ]; then touch '{}'; sleep 600; fi\ncat\n",
            switch.display(),
            sign.display()
        ),
    );
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).expect("set");
    let slow = slow.to_str().expect("text");
    sandbox.git(&["config", "--global", "filter.slow.smudge", slow]);
    sandbox.git(&["config", "--global", "filter.slow.clean", "cat"]);
    sandbox.write(".gitattributes", "m filter=slow\n");
    commit_all(&sandbox, "a filter");
    let worktree = sandbox.validated("auth", "work", "");
    let old = tip(&sandbox, "wt/auth");
    for file in ["a", "b", "m", "y", "z"] {
        sandbox.write(file, "new\n");
    }
    sandbox.write("README.md", "changed\n");
    sandbox.git(&["rm", "-q", "dir/gone"]);
    commit_all(&sandbox, "much");
    sandbox.write(&switch, "");

    let syncing = sandbox.start(&["sync", "auth"]);
    wait_until("git is at work", || sign.exists());
    syncing.signal(Signal::KILL);
    assert_eq!(syncing.finish(&sandbox).code, None);
    wait_until("all of it has ended", || {
        let left = sandbox.processes();
        for (pid, _) in &left {
            let _ = kill_process(Pid::from_raw(*pid).expect("a pid"), Signal::KILL);
        }
        left.is_empty()
    });
    fs::remove_file(switch).expect("removed");
    assert_eq!(tip(&sandbox, "wt/auth"), old);
    let index = sandbox.repo().join(".git/worktrees/auth/index.lock");
    assert!(index.exists() && worktree.join("a").exists() && !worktree.join("z").exists());
    (sandbox, worktree)
}

/// Holds that the task is synced, with only this uncommitted, and still lands.
#[track_caller]
fn assert_synced(sandbox: &Sandbox, worktree: &std::path::Path, status: &str) {
    assert_eq!(tip(sandbox, "wt/auth^2"), tip(sandbox, "main"));
    assert_eq!(sandbox.git_in(worktree, &["status", "--porcelain"]), status);
    assert_eq!(sandbox.task_state("auth"), "validated");
    sandbox.wt(&["doctor"]).expect(0);
    sandbox.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn killed_while_git_writes_the_files_it_is_brought_to_its_end() {
    let (sandbox, worktree) = killed_halfway();
    sandbox.write(worktree.join("mine"), "written since\n");
    let mended = sandbox.wt(&["sync", "auth"]);
    mended
        .expect(0)
        .says("mended: task `auth` was half synced; it is synced")
        .prints("is up to date");
    assert_synced(&sandbox, &worktree, "?? mine");
    assert_eq!(sandbox.read(worktree.join("mine")), "written since\n");
    fs::remove_file(worktree.join("mine")).expect("removed");
    sandbox.wt(&["merge", "auth"]).expect(0);
}

#[test]
fn what_an_agent_wrote_there_since_stops_the_mending_and_stays() {
    let (sandbox, worktree) = killed_halfway();
    sandbox.write(worktree.join("README.md"), "the agent's own\n");
    sandbox.write(worktree.join("y"), "the agent's own\n");
    for verb in ["sync", "validate"] {
        let stopped = sandbox.wt(&[verb, "auth"]);
        assert_ne!(stopped.code, Some(0), "{verb}: {}", stopped.out);
        stopped.says("hold neither what was there nor what was to come: README.md, y");
    }
    for path in ["README.md", "y"] {
        assert_eq!(sandbox.read(worktree.join(path)), "the agent's own\n");
    }
    sandbox.wt(&["doctor"]).expect(1);
    sandbox.write(worktree.join("README.md"), super::FILES[3].1);
    fs::remove_file(worktree.join("y")).expect("removed");
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    assert_synced(&sandbox, &worktree, "");
}

#[test]
fn a_commit_of_the_agents_since_is_kept_and_the_sync_taken_back() {
    let (sandbox, worktree) = killed_halfway();
    // As git itself tells who finds its lock. The one of the branch is there where its git was killed before it let go.
    fs::remove_file(sandbox.repo().join(".git/worktrees/auth/index.lock")).expect("removed");
    let _ = fs::remove_file(sandbox.repo().join(".git/refs/heads/wt/auth.lock"));
    sandbox.write(worktree.join("own"), "the agent's own\n");
    sandbox.git_in(&worktree, &["add", "own"]);
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "own"]);
    let own = tip(&sandbox, "wt/auth");
    let synced = sandbox.wt(&["sync", "auth"]);
    synced
        .expect(0)
        .says("mended: task `auth` was half synced; it is as before")
        .prints("synced auth");
    assert_eq!(tip(&sandbox, "wt/auth^1"), own);
    assert_eq!(sandbox.read(worktree.join("own")), "the agent's own\n");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.read(worktree.join("z")), "new\n");
}
