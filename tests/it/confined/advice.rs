//! What is said of a write that was denied: nothing that opens the machine, and what is true of an entry without effect.

use std::fs;

use super::{has_cage, task};
use crate::sandbox::{CONTRACT, Sandbox};

/// What a verdict says was denied by the step `script`.
fn told(contract: &str, script: &str) -> Option<(Sandbox, String)> {
    let (sandbox, worktree) = task(contract, script);
    if !has_cage(&sandbox) {
        return None;
    }
    sandbox.wt(&["validate", "auth"]).expect(1);
    let verdict = fs::read_to_string(worktree.join(".wt/last/verdict.txt")).expect("a verdict");
    let line = verdict.lines().find(|line| line.starts_with("denied"));
    let line = line
        .unwrap_or("-")
        .replace(sandbox.root().to_str().expect("text"), "<root>");
    Some((sandbox, line))
}

#[test]
fn the_machine_is_never_opened() {
    for path in [
        "/etc/wt-it",
        "/usr/lib/wt-it/x",
        "/opt/x/wt-it",
        "/var/lib/wt-it",
    ] {
        let script = format!("echo 'cannot create {path}: Permission denied'; exit 1\n");
        let Some((_, line)) = told(CONTRACT, &script) else {
            return;
        };
        // A user who could not write there anyway was not kept from it by the cage.
        if rustix::process::geteuid().is_root() {
            assert_eq!(
                line,
                format!(
                    "denied by the cage: write to {path}; that is a part of the machine or of its tools: set-up and steps have no business there"
                )
            );
        } else {
            assert!(!line.contains("writable"), "{line}");
        }
    }
    let script = "echo \"/bin/sh: cannot write $TMPDIR/x: Permission denied\"; exit 1\n";
    let Some((_, line)) = told(CONTRACT, script) else {
        return;
    };
    assert_eq!(line, "-");
}

#[test]
fn an_entry_that_was_not_there_is_named() {
    let contract = CONTRACT.replace("~/notes/", "~/out.txt");
    let Some((_, line)) = told(&contract, "echo x > \"$HOME/out.txt\"\n") else {
        return;
    };
    assert_eq!(
        line,
        "denied by the cage: write to <root>/home/out.txt; ~/out.txt was not there when this began: make it, or open its folder"
    );
}

#[test]
fn entries_that_undo_the_cage_are_refused_and_those_without_effect_named() {
    let (sandbox, worktree) = task(CONTRACT, "true\n");
    if !has_cage(&sandbox) {
        return;
    }
    sandbox.write(sandbox.home().join("file"), "");
    let root = sandbox.root().display().to_string();
    for (entry, code, words) in [
        (format!("{root}/repo/"), 4, "opens git's folder"),
        (format!("{root}/repo/src/"), 4, "opens the main checkout"),
        (
            format!("{root}/repo.wt/"),
            4,
            "opens the folder of the worktrees",
        ),
        (format!("{root}/"), 4, "opens git's folder"),
        ("~/file/".to_owned(), 4, "is a file, not a folder"),
        ("~/absent".to_owned(), 0, "has no effect: it is not there"),
        ("$NOPE/x/".to_owned(), 0, "has no effect: that variable"),
    ] {
        sandbox.write("wt.toml", &CONTRACT.replace("~/notes/", &entry));
        sandbox.commit(&sandbox.repo(), &entry);
        sandbox.write(worktree.join("change"), &entry);
        sandbox.wt(&["validate", "auth"]).expect(code).says(words);
        if code == 4 {
            sandbox
                .wt(&["run", "auth", "--", "true"])
                .expect(4)
                .says(words);
        }
    }
}
