//! `wt run`: what works in a cage, what does not get out of it, and what is left when it ends.

mod agents;
mod crash;
mod dead_ends;
mod escapes;
mod repository;
mod session;
mod socket;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::sandbox::{Ran, Sandbox, Started, skipped, wait_until};

/// Whether this kernel holds a cage; where it does not, that is said.
fn held() -> bool {
    static HELD: OnceLock<bool> = OnceLock::new();
    let held = *HELD.get_or_init(|| {
        let doctor = Sandbox::new().wt(&["doctor", "--json"]);
        doctor.json()["cage"] != "none"
    });
    if !held {
        skipped("this kernel has no Landlock");
    }
    held
}

/// Runs a script for `sh` in the cage of a task.
fn caged(sandbox: &Sandbox, task: &str, script: &str) -> Ran {
    sandbox.wt(&["run", task, "--", "sh", "-c", script])
}

/// The same, not waited for.
fn start(sandbox: &Sandbox, task: &str, script: &str) -> Started {
    sandbox.start(&["run", task, "--", "sh", "-c", script])
}

/// Waits for a file that a caged script makes in its worktree.
#[track_caller]
fn wait_for_sign(worktree: &Path) {
    wait_until("the sign of the cage", || {
        worktree.join(".wt/sign").exists()
    });
}

/// The private repository of a task.
fn private(sandbox: &Sandbox, task: &str) -> PathBuf {
    sandbox.state().join("cages").join(task).join("git")
}

/// Holds that a worktree is as git and `wt` made it, with nothing uncommitted, and that all else is well.
#[track_caller]
fn assert_closed(sandbox: &Sandbox, task: &str) {
    let worktree = sandbox.worktree(task);
    let link = format!(
        "gitdir: {}\n",
        sandbox.repo().join(".git/worktrees").join(task).display()
    );
    assert_eq!(sandbox.read(worktree.join(".git")), link);
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    sandbox.git(&["fsck", "--strict", "--no-dangling"]);
}
