//! What an agent has under way in its worktree: nothing of it is overwritten, and nothing of its making is run.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{assert_refused, commit_all, move_target, sandbox, tip};
use crate::sandbox::Sandbox;

/// Every file of a worktree below its root with its content, `.git` and `wt`'s own copies left out.
fn contents(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(root)
                .expect("inside")
                .display()
                .to_string();
            if name == ".git" || name == ".wt" {
                continue;
            }
            if path.is_symlink() {
                found.push((
                    name,
                    format!("-> {}", fs::read_link(&path).expect("a link").display()),
                ));
            } else if path.is_dir() {
                folders.push(path);
            } else {
                let mode = fs::metadata(&path).expect("there").permissions().mode();
                found.push((
                    name,
                    format!("{mode:o} {}", fs::read_to_string(path).expect("text")),
                ));
            }
        }
    }
    found.sort();
    found
}

type Prepare = fn(&Sandbox, &Path);

/// Changes a file behind a bit of the index that has git pass over it.
fn change_behind(sandbox: &Sandbox, worktree: &Path, bit: &str) {
    sandbox.git_in(worktree, &["update-index", bit, "README.md"]);
    sandbox.write(worktree.join("README.md"), "mine\n");
}

/// What the agent does, how, and the path that it is told.
const WAYS: [(&str, Prepare, &str); 12] = [
    (
        "changed",
        |s, w| s.write(w.join("README.md"), "mine\n"),
        "README.md",
    ),
    (
        "deleted",
        |_, w| fs::remove_file(w.join("README.md")).expect("removed"),
        "README.md",
    ),
    (
        "of another mode",
        |_, w| {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(w.join("README.md"), mode).expect("set");
        },
        "README.md",
    ),
    (
        "staged, the file as it was",
        |s, w| {
            s.write(w.join("README.md"), "mine\n");
            s.git_in(w, &["add", "README.md"]);
            s.write(w.join("README.md"), super::FILES[3].1);
        },
        "README.md",
    ),
    (
        "hidden from status",
        |s, w| change_behind(s, w, "--assume-unchanged"),
        "README.md",
    ),
    (
        "hidden as sparse",
        |s, w| change_behind(s, w, "--skip-worktree"),
        "README.md",
    ),
    (
        "changed where it goes",
        |s, w| s.write(w.join("dir/gone"), "mine\n"),
        "dir/gone",
    ),
    (
        "untracked",
        |s, w| s.write(w.join("new/deep/file"), "mine\n"),
        "new/deep/file",
    ),
    (
        "ignored",
        |s, w| s.write(w.join("new/key.secret"), "mine\n"),
        "new/key.secret",
    ),
    (
        "a file where a folder comes",
        |s, w| s.write(w.join("new"), "mine\n"),
        "changes: new\n",
    ),
    (
        "a link where a folder is",
        |s, w| {
            let outside = s.root().join("outside");
            fs::create_dir_all(&outside).expect("made");
            fs::rename(w.join("dir"), outside.join("dir")).expect("moved");
            symlink(outside.join("dir"), w.join("dir")).expect("linked");
        },
        "changes: dir\n",
    ),
    (
        "a folder where a file comes",
        |s, w| s.write(w.join("new/deep/file/x"), "mine\n"),
        "new/deep/file",
    ),
];

#[test]
fn work_in_the_way_is_named_and_nothing_moves() {
    let sandbox = sandbox();
    let mut worktrees = Vec::new();
    for (number, (_, prepare, _)) in WAYS.iter().enumerate() {
        let worktree = sandbox.spawn(&format!("way{number}"));
        sandbox.write(worktree.join("work"), "");
        sandbox.commit(&worktree, "work");
        prepare(&sandbox, &worktree);
        worktrees.push(worktree);
    }
    sandbox.git(&["rm", "-q", "dir/gone"]);
    sandbox.write("new/deep/file", "theirs\n");
    sandbox.write("new/key.secret", "theirs\n");
    sandbox.git(&["add", "-f", "new/key.secret"]);
    sandbox.write("README.md", "theirs\n");
    commit_all(&sandbox, "much");
    for (number, (what, _, path)) in WAYS.iter().enumerate() {
        let (task, worktree) = (format!("way{number}"), &worktrees[number]);
        let index = sandbox
            .repo()
            .join(".git/worktrees")
            .join(&task)
            .join("index");
        let before = (contents(worktree), fs::read(&index).expect("an index"));
        for how in ["--color=never", "--rebase"] {
            assert_refused(&sandbox, &["sync", &task, how], 4, path);
        }
        let now = (contents(worktree), fs::read(&index).expect("an index"));
        assert!(before == now, "{what}: {:#?} became {:#?}", before.0, now.0);
    }
    let json = sandbox.wt(&["sync", "way0", "--json"]);
    let json = json.expect(4).json();
    assert_eq!(
        (&json["outcome"], &json["paths"]),
        (&"refused".into(), &serde_json::json!(["README.md"]))
    );
    // Once it is out of the way, it goes.
    sandbox.git_in(&worktrees[0], &["restore", "README.md"]);
    sandbox.wt(&["sync", "way0"]).expect(0);
    assert_eq!(sandbox.read(worktrees[0].join("README.md")), "theirs\n");
}

#[test]
fn what_is_under_way_in_the_worktree_is_ended_first() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("work"), "");
    sandbox.commit(&worktree, "work");
    move_target(&sandbox, "else", "");
    let admin = sandbox.repo().join(".git/worktrees/auth");

    sandbox.git_in(
        &worktree,
        &[
            "-c",
            "sequence.editor=sed -i 1s/pick/edit/",
            "rebase",
            "-qi",
            "HEAD~1",
        ],
    );
    assert_refused(&sandbox, &["sync", "auth"], 4, "git rebase --continue");
    sandbox.git_in(&worktree, &["rebase", "--abort"]);

    sandbox.write(admin.join("index.lock"), "");
    assert_refused(
        &sandbox,
        &["sync", "auth"],
        6,
        "git is at work in the worktree",
    );
    fs::remove_file(admin.join("index.lock")).expect("removed");
    sandbox.git_in(&worktree, &["cherry-pick", "-n", "main"]);
    sandbox.git_in(&worktree, &["reset", "-q", "--hard"]);
    sandbox.write(admin.join("CHERRY_PICK_HEAD"), &tip(&sandbox, "main"));
    assert_refused(&sandbox, &["sync", "auth"], 4, "a cherry-pick is under way");
    fs::remove_file(admin.join("CHERRY_PICK_HEAD")).expect("removed");
    sandbox.begin_am(&worktree);
    assert_refused(&sandbox, &["sync", "auth"], 4, "a git am is under way");
    sandbox.git_in(&worktree, &["am", "--abort"]);
    sandbox.git_in(&worktree, &["switch", "-q", "--detach"]);
    assert_refused(&sandbox, &["sync", "auth"], 4, "HEAD of the worktree");
    sandbox.git_in(&worktree, &["switch", "-q", "wt/auth"]);
    let elsewhere = sandbox.root().join("elsewhere");
    fs::rename(admin.join("index"), &elsewhere).expect("moved");
    symlink(&elsewhere, admin.join("index")).expect("linked");
    assert_refused(
        &sandbox,
        &["sync", "auth"],
        4,
        "no index that is a plain file",
    );
    fs::rename(&elsewhere, admin.join("index")).expect("moved");
    sandbox.wt(&["sync", "auth"]).expect(0);
}

#[test]
fn nothing_of_the_agents_making_is_run() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("work"), "");
    sandbox.commit(&worktree, "work");
    let canary = sandbox.root().join("canary");
    let evil = sandbox.root().join("evil.sh");
    sandbox.write(
        &evil,
        &format!("#!/bin/sh\ntouch '{}'\ncat\n", canary.display()),
    );
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).expect("set");
    let evil = evil.to_str().expect("text");
    for hook in [
        "post-checkout",
        "post-merge",
        "reference-transaction",
        "pre-merge-commit",
        "commit-msg",
    ] {
        let hook = sandbox.repo().join(".git/hooks").join(hook);
        fs::create_dir_all(hook.parent().expect("a folder")).expect("made");
        fs::copy(evil, hook).expect("copied");
    }
    // Settings that only a git called in the worktree would read.
    let admin = sandbox.repo().join(".git/worktrees/auth");
    sandbox.write(
        admin.join("config.worktree"),
        &format!("[core]\n\tfsmonitor = {evil}\n\thooksPath = {evil}\n[filter \"x\"]\n\tsmudge = {evil}\n"),
    );
    sandbox.git(&["config", "extensions.worktreeConfig", "true"]);
    move_target(&sandbox, ".gitattributes", "* filter=x\n");
    move_target(&sandbox, "else", "text\n");
    let _ = fs::remove_file(&canary);
    sandbox.wt(&["sync", "auth"]).expect(0);
    assert!(!canary.exists(), "a program of the agent's was run");
    assert_eq!(sandbox.read(worktree.join("else")), "text\n");
}
