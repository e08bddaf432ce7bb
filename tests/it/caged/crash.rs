//! `wt run` killed at each of its changes to the disk: the next command finds all as before, or as after.

use std::process::Stdio;

use super::{assert_closed, held};
use crate::sandbox::{Sandbox, skipped, wt};

/// What changes a folder.
const CHANGES: &str =
    "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat";
/// Every one of them would take longer than it shows more.
const STRIDE: usize = 2;

#[test]
fn wherever_it_is_killed_nothing_is_lost_and_the_worktree_is_as_it_was() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let is_there = sandbox
        .command("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if is_there.is_err() {
        return skipped("`strace` is not here");
    }
    let worktree = sandbox.spawn("auth");
    let mut survived = false;
    for kill in (1..200).step_by(STRIDE) {
        let inject = format!("inject={CHANGES}:signal=SIGKILL:when={kill}");
        let script = format!("echo {kill} > n.txt; git add n.txt; git commit -qm 'kill {kill}'");
        let output = sandbox
            .command("strace")
            .args([
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={CHANGES}"),
                "-e",
                &inject,
            ])
            .args([wt(), "run", "auth", "--", "sh", "-c", &script])
            .output()
            .expect("run");
        sandbox.wt(&["doctor", "--fix"]).expect(0);
        assert_closed(&sandbox, "auth");
        let kept = std::fs::read_dir(sandbox.repo().join(".git/objects/pack")).expect("listed");
        let kept = kept
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|e| e == "keep"));
        assert_eq!(kept.count(), 0, "kill {kill}");
        let subject = sandbox.git_in(&worktree, &["log", "-1", "--format=%s"]);
        // What was committed has come in; else nothing was begun.
        assert_eq!(
            worktree.join("n.txt").exists(),
            subject != "first",
            "kill {kill}"
        );
        if worktree.join("n.txt").exists() {
            let last = sandbox.read(worktree.join("n.txt"));
            assert_eq!(subject, format!("kill {}", last.trim()));
        }
        survived = output.status.success();
        if survived {
            break;
        }
        if kill % 3 == 0 {
            let _ = std::fs::remove_dir_all(super::private(&sandbox, "auth"));
        }
    }
    assert!(survived, "it never came to its end");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "auth"]).expect(0);
}
