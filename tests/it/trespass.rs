//! Every way to change a path is held against the scope, by its true difference from the target.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::json;

use crate::sandbox::{CONTRACT, Sandbox};

/// A task `me` that owns `mine` and a task `other` that owns `theirs`; the worktree of the first.
fn divided(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox
        .wt(&["spawn", "other", "--owns", "theirs"])
        .expect(0);
    sandbox.wt(&["spawn", "me", "--owns", "mine"]).expect(0);
    sandbox.worktree("me")
}

fn files() -> Sandbox {
    Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        ("mine/a", "a file that is long enough to be found again\n"),
        ("theirs/b", "another file that is long enough to be found\n"),
        ("theirs/folder/c", "c\n"),
    ])
}

/// What `wt validate me` finds out of scope, as `path: standing`.
#[track_caller]
fn found(sandbox: &Sandbox) -> Vec<String> {
    let answer = sandbox.wt(&["validate", "me", "--json"]);
    let value = answer.json();
    if answer.code == Some(0) {
        return Vec::new();
    }
    answer.expect(1);
    assert_eq!(value["verdict"], "OUT_OF_SCOPE", "{value:#}");
    let paths = value["paths"].as_array().expect("paths");
    let word = |value: &serde_json::Value, key: &str| value[key].as_str().expect(key).to_owned();
    for path in paths {
        assert!(!word(path, "advice").is_empty());
    }
    paths
        .iter()
        .map(|path| format!("{}: {}", word(path, "path"), word(path, "standing")))
        .collect()
}

/// What is done, how, and which paths of the other task it changes.
type Case<'a> = (&'a str, &'a dyn Fn(), &'a [&'a str]);

#[test]
fn every_kind_of_change_is_seen_committed_or_not() {
    let sandbox = files();
    let worktree = divided(&sandbox);
    let theirs = |paths: &[&str]| -> Vec<String> {
        let line = |path: &&str| format!("{path}: owned by task `other` (theirs)");
        paths.iter().map(line).collect()
    };
    let at = |path: &str| worktree.join(path);
    let cases: &[Case] = &[
        (
            "a rename out of it",
            &|| fs::rename(at("mine/a"), at("theirs/a")).expect("moved"),
            &["theirs/a"],
        ),
        (
            "a rename into it",
            &|| fs::rename(at("theirs/b"), at("mine/b")).expect("moved"),
            &["theirs/b"],
        ),
        (
            "a copy out of it",
            &|| {
                fs::copy(at("mine/a"), at("theirs/a"))
                    .map(drop)
                    .expect("copied");
            },
            &["theirs/a"],
        ),
        (
            "a copy into it",
            &|| {
                fs::copy(at("theirs/b"), at("mine/b"))
                    .map(drop)
                    .expect("copied");
            },
            &[],
        ),
        (
            "a deletion",
            &|| fs::remove_file(at("theirs/b")).expect("removed"),
            &["theirs/b"],
        ),
        (
            "a mode",
            &|| {
                fs::set_permissions(at("theirs/b"), fs::Permissions::from_mode(0o755))
                    .expect("mode");
            },
            &["theirs/b"],
        ),
        (
            "a file that becomes a link",
            &|| {
                fs::remove_file(at("theirs/b")).expect("removed");
                symlink("folder/c", at("theirs/b")).expect("linked");
            },
            &["theirs/b"],
        ),
        (
            "a file that becomes a folder",
            &|| {
                fs::remove_file(at("theirs/b")).expect("removed");
                sandbox.write(at("theirs/b/inside"), "");
            },
            &["theirs/b", "theirs/b/inside"],
        ),
        (
            "a folder that becomes a file",
            &|| {
                fs::remove_dir_all(at("theirs/folder")).expect("removed");
                sandbox.write(at("theirs/folder"), "");
            },
            &["theirs/folder", "theirs/folder/c"],
        ),
        (
            "an untracked file",
            &|| sandbox.write(at("theirs/new"), ""),
            &["theirs/new"],
        ),
    ];
    for (what, change, expected) in cases {
        for commit in [false, true] {
            change();
            // Something of its own besides, so that no case is an empty change.
            sandbox.write(at("mine/besides"), what);
            if commit {
                sandbox.commit(&worktree, what);
            }
            assert_eq!(
                found(&sandbox),
                theirs(expected),
                "{what}, committed: {commit}"
            );
            sandbox.git_in(&worktree, &["reset", "-q", "--hard", "main"]);
            sandbox.git_in(&worktree, &["clean", "-fdq"]);
        }
    }
    let runs = sandbox.state().join("tasks/me/runs");
    let ran = fs::read_dir(runs).expect("runs").count();
    // Of the ten changes one is allowed; its second form is the same tree.
    assert_eq!((ran, &sandbox.show("me")["attempts"]), (1, &json!(0)));
}

#[test]
fn a_link_that_leads_out_of_the_worktree_is_refused_and_costs_nothing() {
    let sandbox = files();
    symlink("/etc", sandbox.repo().join("old")).expect("linked");
    sandbox.commit(&sandbox.repo(), "a link that was there before");
    let worktree = divided(&sandbox);
    let drift = sandbox.spawn("drift");
    let link = |target: &str| {
        let path = worktree.join("mine/link");
        let _ = fs::remove_file(&path);
        symlink(target, path).expect("linked");
        found(&sandbox)
    };
    for target in ["/etc/passwd", "../../x", "../theirs/../../x"] {
        assert_eq!(
            link(target),
            [format!(
                "mine/link: a symbolic link out of the worktree, to {target}"
            )]
        );
    }
    assert_eq!(sandbox.show("me")["attempts"], 0);
    assert!(!sandbox.state().join("tasks/me/runs").exists());
    assert!(
        link("../theirs/b").is_empty(),
        "to read another's file is no change of it"
    );

    // Also for a task without a claim, and where it is a file that turns into one; what was there before is not its.
    sandbox.write(drift.join("x"), "");
    sandbox.wt(&["validate", "drift"]).expect(0);
    fs::remove_file(drift.join("mine/a")).expect("removed");
    let outside = Path::new("../../../outside");
    sandbox.wt(&["rm", "me", "--force"]).expect(0);
    symlink(outside, drift.join("mine/a")).expect("linked");
    sandbox
        .wt(&["validate", "drift"])
        .expect(1)
        .prints("  mine/a: a symbolic link out of the worktree, to ../../../outside; take it back, or make it relative");
}

#[test]
fn a_submodule_that_moves_is_a_change_of_its_path() {
    let sandbox = files();
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("made");
    sandbox.git_in(&library, &["init", "-q"]);
    for text in ["1", "2"] {
        sandbox.write(library.join("file"), text);
        sandbox.commit(&library, text);
    }
    let url = library.to_str().expect("text");
    sandbox.git(&["submodule", "add", "-q", url, "theirs/library"]);
    sandbox.git(&["commit", "-q", "-m", "with a library"]);
    let worktree = divided(&sandbox);
    let older = sandbox.git_in(&library, &["rev-parse", "HEAD^"]);
    let entry = format!("160000,{older},theirs/library");
    sandbox.git_in(&worktree, &["update-index", "--cacheinfo", &entry]);
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "an older library"]);
    sandbox.git_in(
        &worktree.join("theirs/library"),
        &["checkout", "-q", &older],
    );
    assert_eq!(
        found(&sandbox),
        ["theirs/library: owned by task `other` (theirs)"]
    );
}
