//! Judging from outside: what counts, what is known, what is run, and who may be gone meanwhile.

mod attempts;
mod caller;
mod culprit;
mod flaky;
mod kept;
mod known;
mod slot;
mod target;

use std::path::Path;

use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// Counts its runs in the home, waits there while it is told to, then fails if the tree is broken. On the target
/// itself it passes at once, and does not count.
const COUNTING: &str = r#"
if [ "$(git rev-parse HEAD)" = "$WT_BASE" ]; then exit 0; fi
echo run >> "$HOME/notes/runs"
while [ -e "$HOME/notes/hold" ]; do sleep 0.01; done
if [ -f broken ]; then echo "FAIL: broken $(cat broken)"; exit 1; fi
echo passed
"#;

/// A repository whose one step is [`COUNTING`].
fn counting() -> Sandbox {
    Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", COUNTING),
        ("README.md", "a project\n"),
    ])
}

/// How often the step was begun.
fn runs(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(sandbox.notes().join("runs")).map_or(0, |text| text.lines().count())
}

/// Makes steps wait from now on.
fn hold(sandbox: &Sandbox) {
    sandbox.write(sandbox.notes().join("hold"), "");
}

fn release(sandbox: &Sandbox) {
    std::fs::remove_file(sandbox.notes().join("hold")).expect("released");
}

/// Waits until a step was begun that many times in all.
fn wait_for_run(sandbox: &Sandbox, number: usize) {
    wait_until("a step's begin", || runs(sandbox) >= number);
}

/// Commits a file on `main`, in the main checkout.
fn on_main(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    sandbox.commit(&sandbox.repo(), &format!("main: {path}"));
}

/// A task that has spent its budget on two failures, of which the second was given a cause.
fn stopped(sandbox: &Sandbox, task: &str) -> std::path::PathBuf {
    let worktree = sandbox.spawn(task);
    sandbox.write(worktree.join("broken"), "one\n");
    sandbox.wt(&["validate", task]).expect(1);
    sandbox.write(worktree.join("broken"), "two\n");
    sandbox
        .wt(&["validate", task, "--cause", "it was still there"])
        .expect(3);
    worktree
}

fn remove(path: impl AsRef<Path>) {
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn a_green_task_that_changes_nothing_is_not_sent_to_land() {
    let sandbox = Sandbox::new();
    sandbox.spawn("a");
    for _ in 0..2 {
        let judged = sandbox.wt(&["validate", "a"]);
        judged
            .expect(0)
            .prints("next: nothing to land: this changes nothing on main\n");
    }
}

#[test]
fn a_fingerprint_leaves_no_process_behind() {
    let contract =
        format!("{CONTRACT}\n[env]\nfingerprint = [\"sleep 333 >/dev/null & echo v1\"]\n");
    let sandbox = Sandbox::with(&[("wt.toml", &contract), ("test.sh", "true\n")]);
    let worktree = sandbox.spawn("print");
    sandbox.write(worktree.join("new"), "");
    sandbox.wt(&["validate", "print"]).expect(0);
    wait_until("no child of a fingerprint lives", || {
        sandbox.processes().is_empty()
    });
}
