//! What comes along from the main checkout never overwrites a task's own files, nor anything outside of its folder.

use std::fs;
use std::os::unix::fs::symlink;

use crate::sandbox::{CONTRACT, Sandbox};

fn carrying(pattern: &str, script: &str, ignored: &str) -> Sandbox {
    let contract = format!("{CONTRACT}\n[worktree]\ncarry = [\"{pattern}\"]\n");
    Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", script),
        (".gitignore", ignored),
        ("conf/tracked", "a\n"),
    ])
}

#[test]
fn a_link_on_the_way_carries_nothing_outside() {
    let sandbox = carrying("conf/.env", "true\n", ".env\n");
    sandbox.write("conf/.env", "SECRET=ours\n");
    let theirs = sandbox.root().join("theirs");
    sandbox.write(theirs.join(".env"), "SECRET=theirs\n");

    // A task could not land such a link; a person did, while the task was at work.
    sandbox.git(&["branch", "other"]);
    sandbox
        .wt(&["spawn", "link", "--target", "other"])
        .expect(0);
    let person = sandbox.root().join("person");
    let checkout = person.to_str().expect("text");
    sandbox.git(&["worktree", "add", "-q", checkout, "other"]);
    fs::remove_dir_all(person.join("conf")).expect("removed");
    symlink(&theirs, person.join("conf")).expect("linked");
    sandbox.commit(&person, "a link");
    sandbox.git(&["worktree", "remove", checkout]);
    sandbox.write(sandbox.worktree("link").join("x"), "");
    let told = "can't carry conf/.env along";
    sandbox
        .wt(&["validate", "link"])
        .expect(0)
        .prints("VALIDATION_OK");
    let said = sandbox.read(sandbox.state().join("tasks/link/runs/1/judge.stderr"));
    assert!(said.contains(told), "{said}");
    assert_eq!(sandbox.read(theirs.join(".env")), "SECRET=theirs\n");
    let slot = sandbox.root().join("repo.wt/_judge/0/conf");
    assert_eq!(fs::read_link(&slot).expect("a link"), theirs);

    // A task that begins on such a branch is not made at all.
    sandbox.git(&["branch", "linked", "other"]);
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "next", "--base", "linked"])
        .expect(4)
        .says(told)
        .says("\"conf\" on the way is no folder");
    sandbox.assert_as(&before);
    assert_eq!(sandbox.read(theirs.join(".env")), "SECRET=theirs\n");
}

#[test]
fn what_the_task_tracks_is_not_replaced() {
    let script = "grep -q task .env || { echo 'FAIL: another .env'; exit 1; }\n";
    let sandbox = carrying(".env", script, ".env\n");
    sandbox.write(".env", "ours\n");
    let worktree = sandbox.spawn("env");
    assert_eq!(sandbox.read(worktree.join(".env")), "ours\n");
    sandbox.write(worktree.join(".env"), "the task's\n");
    sandbox.git_in(&worktree, &["add", "-f", ".env"]);
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "tracked"]);
    sandbox
        .wt(&["validate", "env"])
        .expect(0)
        .prints("VALIDATION_OK");

    sandbox.git(&["branch", "tracking", "wt/env"]);
    sandbox
        .wt(&["spawn", "next", "--base", "tracking"])
        .expect(0);
    let next = sandbox.worktree("next");
    assert_eq!(sandbox.read(next.join(".env")), "the task's\n");
    assert_eq!(sandbox.git_in(&next, &["status", "--porcelain"]), "");
}
