//! The cage of set-up and steps: what tries to get out of it, what works in it, and what is said where there is none.

mod advice;
mod escapes;
mod inside;
mod tools;
pub(crate) mod without;

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// Whether this kernel holds a cage, as `wt` itself sees it; where it does not, that is said.
fn has_cage(sandbox: &Sandbox) -> bool {
    let doctor = sandbox.wt(&["doctor", "--json"]);
    let held = doctor.json()["cage"] != "none";
    if !held {
        skipped("this kernel has no Landlock");
    }
    held
}

/// A task `auth` of a repository with this contract, whose own `test.sh` is this script.
fn task(contract: &str, script: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with(&[("wt.toml", contract), ("test.sh", "echo fine\n")]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("test.sh"), script);
    (sandbox, worktree)
}

/// The log of the step of a run.
fn log(sandbox: &Sandbox, run: u32) -> String {
    sandbox.read(
        sandbox
            .state()
            .join(format!("tasks/auth/runs/{run}/test.log")),
    )
}

#[test]
fn a_denied_write_is_named_with_the_key_to_set() {
    let (sandbox, worktree) = task(
        CONTRACT,
        "mkdir -p \"$HOME/.tool/cache\" || { echo 'FAIL: no cache'; exit 1; }\n",
    );
    if !has_cage(&sandbox) {
        return;
    }
    let verdict = sandbox.wt(&["validate", "auth"]);
    verdict.expect(1);
    insta::assert_snapshot!(verdict.steady(), @r#"
    TEST_FAILURE step=test exit=1 0.0s attempt=1/2
    first failure: FAIL: no cache
      mkdir: cannot create directory ‘<root>/home/.tool’: Permission denied
      FAIL: no cache
    denied by the cage: write to <root>/home/.tool; if it is needed: [judge] writable = ["~/.tool/"] in wt.toml on main
    full log: <root>/repo.wt/auth/.wt/last/test.log (2 lines)
    next: mend this failure only, then once: wt validate --cause "<why it failed>"
    "#);
    let json = sandbox.wt(&["validate", "auth", "--json"]).json();
    assert_eq!(
        json["denied"],
        serde_json::json!({
            "path": "<root>/home/.tool",
            "remedy": "if it is needed: [judge] writable = [\"~/.tool/\"] in wt.toml on main",
        })
    );
    assert_eq!(json["confined"], true);

    // The operator follows the advice, and then it passes.
    let opened = CONTRACT.replace("\"~/notes/\"", "\"~/.tool/\"");
    sandbox.write("wt.toml", &opened);
    sandbox.commit(&sandbox.repo(), "a door");
    sandbox
        .wt(&["validate", "auth", "--cause", "no door"])
        .expect(0);
    assert!(sandbox.home().join(".tool/cache").is_dir());
    drop(worktree);
}

#[test]
fn advice_fits_the_place() {
    let (sandbox, worktree) = task(CONTRACT, "");
    if !has_cage(&sandbox) {
        return;
    }
    let told = |script: &str| {
        let _ = fs::remove_dir_all(sandbox.state().join("receipts"));
        sandbox.write(worktree.join("test.sh"), script);
        sandbox.wt(&["validate", "auth", "--cause", "another"]);
        sandbox.wt(&["resume", "auth", "--because", "x", "--operator", "ann"]);
        let verdict = fs::read_to_string(worktree.join(".wt/last/verdict.txt")).expect("a verdict");
        let line = verdict.lines().find(|line| line.starts_with("denied"));
        line.unwrap_or("-")
            .replace(sandbox.root().to_str().expect("text"), "<root>")
    };
    let repo = sandbox.repo();
    let lines = [
        told("echo x > \"$HOME/.toolrc\""),
        told("echo x > /tmp/wt-it-stray"),
        told("git config --file \"$(git rev-parse --git-common-dir)/config\" a.b c"),
        told(&format!("echo x > {}/x; exit 1", repo.display())),
        told("ln -s \"$HOME\" in; echo x > in/x"),
        told("echo x > ../x; exit 1"),
        told("echo \"cannot create $HOME/.cargo/registry/src: Permission denied\"; exit 1"),
        // What is no fault of the cage is not laid at its door.
        told("echo x > here/x; exit 1"),
        told("echo \"cannot create $TMPDIR/x: Permission denied\"; exit 1"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    denied by the cage: write to <root>/home/.toolrc; a home is not opened as a whole, and a file that is not there can't be: write below $TMPDIR, or into a folder of its own
    denied by the cage: write to /tmp/wt-it-stray; temporary files belong below $TMPDIR
    denied by the cage: write to <root>/repo/.git/config; git's folder is shared by all worktrees: leave that out, or do it once by hand
    denied by the cage: write to <root>/repo/x; set-up and steps work in their own checkout alone
    denied by the cage: write to <root>/home/x; a home is not opened as a whole, and a file that is not there can't be: write below $TMPDIR, or into a folder of its own
    denied by the cage: write to <root>/repo.wt/_judge/x; set-up and steps work in their own checkout alone
    denied by the cage: write to <root>/home/.cargo/registry/src; have it fetched by the set-up: setup = ["cargo fetch"] and setup_writable = ["$CARGO_HOME/registry/"] under [worktree] in wt.toml on main
    -
    -
    "#);
    assert!(!std::path::Path::new("/tmp/wt-it-stray").exists());
}

#[test]
fn set_up_is_caged_where_the_worktree_is_made() {
    let set_up = |script: &str| {
        Sandbox::with(&[
            (
                "wt.toml",
                &format!("{CONTRACT}[worktree]\nsetup = [\"sh set-up.sh\"]\n"),
            ),
            ("test.sh", "true\n"),
            ("set-up.sh", script),
        ])
    };
    let sandbox = set_up("mkdir made && echo x > \"$TMPDIR/x\" && echo \"$TMPDIR\" > made/tmp\n");
    if !has_cage(&sandbox) {
        return;
    }
    let worktree = sandbox.spawn("auth");
    let temporary = sandbox.read(worktree.join("made/tmp"));
    assert!(temporary.starts_with("/tmp/") && !PathBuf::from(temporary.trim()).exists());

    for (script, words) in [
        (
            "git config core.hooksPath .husky",
            "denied by the cage: write to <root>/repo/.git/config; git's folder is shared by all worktrees: leave that out, or do it once by hand",
        ),
        (
            "echo x > \"$HOME/x\"",
            "denied by the cage: write to <root>/home/x; a home is not opened as a whole, and a file that is not there can't be: write below $TMPDIR, or into a folder of its own",
        ),
    ] {
        let sandbox = set_up(script);
        let before = sandbox.picture();
        sandbox.wt(&["spawn", "auth"]).expect(1).says(words);
        sandbox.assert_as(&before);
        assert!(!sandbox.root().join("repo.wt").exists());
    }
}

#[test]
fn what_set_up_may_write_steps_may_not() {
    let contract = format!(
        "{CONTRACT}[worktree]\nsetup = [\"sh set-up.sh\"]\nsetup_inputs = [\"lock\"]\nsetup_writable = [\"~/store/\"]\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        (
            "test.sh",
            "[ ! -f greedy ] || echo x > \"$HOME/store/by-a-step\"\n",
        ),
        ("set-up.sh", "cat lock >> \"$HOME/store/fetched\"\n"),
        ("lock", "one\n"),
    ]);
    if !has_cage(&sandbox) {
        return;
    }
    let store = sandbox.home().join("store");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("lock"), "two\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(sandbox.read(store.join("fetched")), "one\ntwo\n");

    sandbox.write(worktree.join("greedy"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("write to <root>/home/store/by-a-step; only set-up may write there");
    assert!(!store.join("by-a-step").exists());

    // A task that changes what its set-up means gets no further with it.
    let worktree = sandbox.spawn("judge");
    sandbox.write(
        worktree.join("set-up.sh"),
        "echo poison > \"$HOME/store/fetched\"\n",
    );
    sandbox.write(worktree.join("lock"), "three\n");
    sandbox
        .wt(&["validate", "judge"])
        .expect(1)
        .prints("BUILD_FAILURE step=set-up")
        .prints("only for a task that changes nothing of what judges it");
    // Both failures were held against the target, where set-up may write as it always may.
    assert_eq!(
        sandbox.read(store.join("fetched")),
        "one\ntwo\none\none\none\n"
    );
}

#[test]
fn caches_belong_to_the_slot_and_fresh_empties_them() {
    let script = "ls \"$PIP_CACHE_DIR\" 2>/dev/null; mkdir -p \"$PIP_CACHE_DIR\" && : > \"$PIP_CACHE_DIR/kept\"; echo \"$UV_CACHE_DIR\"\n";
    let (sandbox, worktree) = task(CONTRACT, script);
    if !has_cage(&sandbox) {
        return;
    }
    let uv = sandbox.root().join("repo.wt/_judge/0-caches/uv");
    for (run, args, kept) in [
        (1, &["validate", "auth"][..], ""),
        (2, &["validate", "auth"], "kept\n"),
        (3, &["validate", "auth", "--fresh"], ""),
    ] {
        sandbox.write(worktree.join("change"), &run.to_string());
        sandbox.wt(args).expect(0);
        assert_eq!(log(&sandbox, run), format!("{kept}{}\n", uv.display()));
    }
    // What the operator says himself holds.
    let (mut sandbox, _) = task(CONTRACT, script);
    sandbox.write(
        "wt.toml",
        &format!("{CONTRACT}[env]\npass = [\"UV_CACHE_DIR\"]\n"),
    );
    sandbox.commit(&sandbox.repo(), "pass");
    let own = sandbox.notes().join("uv");
    sandbox.set("UV_CACHE_DIR", own.to_str().expect("text"));
    let worktree = sandbox.spawn("other");
    sandbox.write(worktree.join("test.sh"), script);
    sandbox.wt(&["validate", "other"]).expect(0);
    let log = sandbox.read(sandbox.state().join("tasks/other/runs/1/test.log"));
    assert!(log.ends_with(&format!("{}\n", own.display())), "{log}");
}
