//! Tasks that follow others: they claim the same paths, and start when those have landed.

use serde_json::json;

use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// A task `first` with a claim and work that was validated, and `second`, which follows it and claims the same.
fn in_line(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with(files);
    sandbox.wt(&["spawn", "first", "--owns", "src"]).expect(0);
    let worktree = sandbox.worktree("first");
    sandbox.write(worktree.join("src/a"), "1\n");
    sandbox.commit(&worktree, "one");
    sandbox.wt(&["validate", "first"]).expect(0);
    let args = [
        "spawn",
        "second",
        "--owns",
        "src/a",
        "--after",
        "first",
        "-m",
        "Then this.",
    ];
    let waits = sandbox.wt(&args);
    waits.expect(0).says("task `second` is waiting for first");
    assert_eq!(waits.out, "");
    sandbox
}

const FILES: [(&str, &str); 2] = [("wt.toml", CONTRACT), ("test.sh", "true\n")];

#[test]
fn a_follower_waits_with_its_claim_and_starts_when_the_other_lands() {
    let sandbox = in_line(&FILES);
    let worktree = sandbox.worktree("second");
    assert!(!worktree.exists());
    assert_eq!(sandbox.git(&["branch", "--list", "wt/second"]), "");
    let shown = sandbox.show("second");
    assert_eq!(
        (
            &shown["state"],
            &shown["after"],
            &shown["waits_for"],
            &shown["tip"]
        ),
        (
            &json!("waiting"),
            &json!(["first"]),
            &json!(["first"]),
            &json!(null)
        )
    );
    sandbox.wt(&["list"]).expect(0).prints("waiting for first");
    sandbox.wt(&["list", "--status"]).expect(0);
    sandbox
        .wt(&["show", "second", "--status"])
        .expect(0)
        .prints("state     waiting for first");
    sandbox
        .wt(&["scope", "show"])
        .expect(0)
        .prints("second  waiting    src/a");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");

    // Its claim holds against everyone but those in line with it.
    sandbox
        .wt(&["spawn", "third", "--owns", "src/a"])
        .expect(4)
        .says("`src/a` of task `third` and `src`, which task `first` owns, both hold src/a");
    sandbox
        .wt(&["spawn", "third", "--owns", "src/a", "--after", "first"])
        .expect(4)
        .says("`src/a` of task `third` and `src/a`, which task `second` owns");
    sandbox
        .wt(&["spawn", "third", "--owns", "src", "--after", "second"])
        .expect(0)
        .says("task `third` is waiting for second");
    let before = sandbox.picture();
    for args in [
        &["validate", "second"][..],
        &["merge", "second"],
        &["path", "second"],
        &["scope", "check", "--task", "second"],
        &["spawn", "second"],
    ] {
        let refused = sandbox.wt(args);
        refused.expect(4).says("task `second` waits for first");
        assert_eq!(refused.out, "");
    }
    sandbox
        .wt(&["spawn", "second", "--owns", "src"])
        .expect(4)
        .says("there is a task `second` already")
        .says("it waits for others");
    sandbox
        .wt(&["resume", "second", "--because", "x", "--operator", "ann"])
        .expect(4)
        .says("task `second` is waiting");
    sandbox.wt(&["explain", "second", "-m", "x"]).expect(4);
    sandbox.assert_as(&before);

    let landed = sandbox.wt(&["merge", "first", "--json"]);
    landed
        .expect(0)
        .says("task `second` has started: <root>/repo.wt/second");
    assert_eq!(landed.json()["started"], json!(["second"]));
    let shown = sandbox.show("second");
    assert_eq!(
        (&shown["state"], &shown["after"], &shown["waits_for"]),
        (&json!("working"), &json!(["first"]), &json!([]))
    );
    assert_eq!(shown["base"], sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.read(worktree.join("src/a")), "1\n");
    assert!(
        sandbox
            .read(worktree.join(".wt/RULES.md"))
            .contains("Then this.")
    );
    assert_eq!(sandbox.events("second"), ["waiting", "spawned"]);
    assert_eq!(sandbox.task_state("third"), "waiting");

    sandbox.write(worktree.join("src/a"), "2\n");
    sandbox.commit(&worktree, "two");
    sandbox.wt(&["validate", "second"]).expect(0);
    sandbox
        .wt(&["merge", "second"])
        .expect(0)
        .says("task `third` has started");
    assert_eq!(sandbox.read(sandbox.worktree("third").join("src/a")), "2\n");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn one_that_follows_two_starts_after_the_last() {
    let sandbox = Sandbox::new();
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "b.txt", "");
    sandbox
        .wt(&["spawn", "c", "--after", "a", "--after", "b", "--after", "a"])
        .expect(0)
        .says("task `c` is waiting for a, b");
    let first = sandbox.wt(&["merge", "a"]);
    first.expect(0);
    assert!(!first.err.contains("has started"), "{}", first.err);
    sandbox.wt(&["list"]).expect(0).prints("waiting for b");
    // What is kept after its landing is waited for no more.
    sandbox
        .wt(&["merge", "b", "--keep"])
        .expect(0)
        .says("task `c` has started");
    let made = sandbox.wt(&["spawn", "d", "--after", "b"]);
    made.expect(0);
    assert_eq!(made.out, "<root>/repo.wt/d\n");
    sandbox
        .wt(&["spawn", "e", "--after", "a"])
        .expect(4)
        .says("task `a` has landed on main");
    sandbox
        .wt(&["spawn", "e", "--after", "nobody"])
        .expect(4)
        .says("there is no task \"nobody\"");
}

#[test]
fn a_circle_is_refused_with_its_members() {
    let sandbox = Sandbox::new();
    sandbox
        .wt(&["spawn", "a", "--after", "a"])
        .expect(4)
        .says("task `a` would wait for ever");
    sandbox.spawn("a");
    sandbox.wt(&["spawn", "b", "--after", "a"]).expect(0);
    sandbox.wt(&["spawn", "c", "--after", "b"]).expect(0);
    sandbox
        .wt(&["rm", "a"])
        .expect(0)
        .says("task `b` waits for no other any more: wt spawn b");
    wait_until("the trash is empty", || {
        !sandbox.worktree("_trash").exists()
    });
    // The name that `b` waited for comes back, and would wait for `b` in its turn.
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "a", "--after", "c"])
        .expect(4)
        .says("task `a` → `c` → `b` → `a` would wait for ever");
    sandbox.assert_as(&before);
}

#[test]
fn a_followed_task_that_goes_unlanded_lets_the_follower_start_by_hand() {
    let sandbox = in_line(&FILES);
    sandbox
        .wt(&["rm", "first", "--force"])
        .expect(0)
        .says("task `second` waits for no other any more: wt spawn second");
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("waiting, may start: wt spawn second");
    sandbox
        .wt(&["validate", "second"])
        .expect(4)
        .says("has not started yet")
        .says("wt spawn second");
    // Brought back it is waited for again.
    sandbox.wt(&["restore", "first"]).expect(0);
    sandbox
        .wt(&["spawn", "second"])
        .expect(4)
        .says("waits for first");
    sandbox.wt(&["rm", "first", "--force"]).expect(0);
    let started = sandbox.wt(&["spawn", "second"]);
    assert_eq!(started.expect(0).out, "<root>/repo.wt/second\n");
    assert_eq!(sandbox.task_state("second"), "working");
    sandbox
        .wt(&["restore", "first"])
        .expect(4)
        .says("`src` of task `first` and `src/a`, which task `second` owns");
}

#[test]
fn a_waiting_task_is_removed_and_brought_back_and_its_claim_with_it() {
    let sandbox = in_line(&FILES);
    let before = sandbox.show("second");
    sandbox
        .wt(&["rm", "second"])
        .expect(0)
        .says("bring it back: wt restore second");
    assert!(sandbox.worktree("first").join(".git").exists());
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    sandbox
        .wt(&["restore", "second"])
        .expect(0)
        .says("waits again");
    let after = sandbox.show("second");
    for field in ["state", "owns", "brief", "after", "waits_for"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    sandbox
        .wt(&["merge", "first"])
        .expect(0)
        .says("`second` has started");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_start_that_fails_or_is_killed_leaves_it_waiting() {
    let setup = "[worktree]\nsetup = [\"[ ! -f \\\"$HOME/fail\\\" ] || sh \\\"$HOME/fail\\\"\"]\n";
    let contract = format!("{CONTRACT}\n{setup}");
    let sandbox = in_line(&[("wt.toml", &contract), ("test.sh", "true\n")]);
    let fail = sandbox.home().join("fail");
    sandbox.write(&fail, "echo out of cheese; exit 1\n");
    let landed = sandbox.wt(&["merge", "first", "--json"]);
    landed
        .expect(0)
        .says("task `second` goes on waiting")
        .says("out of cheese")
        .says("wt spawn second");
    assert_eq!(landed.json()["started"], json!([]));
    let waits = |sandbox: &Sandbox| {
        assert_eq!(sandbox.task_state("second"), "waiting");
        assert!(!sandbox.worktree("second").exists());
        assert_eq!(sandbox.git(&["branch", "--list", "wt/second"]), "");
        sandbox.wt(&["spawn", "x", "--owns", "src/a"]).expect(4);
    };
    waits(&sandbox);
    sandbox
        .wt(&["spawn", "second"])
        .expect(1)
        .says("out of cheese");
    waits(&sandbox);

    sandbox.write(&fail, "echo begun > sign; exec sleep 600\n");
    let starting = sandbox.start(&["spawn", "second"]);
    sandbox.wait_for(&sandbox.worktree("second").join("sign"));
    starting.signal(rustix::process::Signal::KILL);
    starting.finish(&sandbox);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("it waits as before");
    waits(&sandbox);
    std::fs::remove_file(&fail).expect("removed");
    sandbox.wt(&["spawn", "second"]).expect(0);
    assert_eq!(
        sandbox.read(sandbox.worktree("second").join("src/a")),
        "1\n"
    );
    for (pid, _) in sandbox.processes() {
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[test]
fn a_landing_that_was_killed_starts_the_follower_once_it_is_mended() {
    let sandbox = in_line(&FILES);
    // As a kill leaves it right after the target has moved: the intent is open, nothing is recorded.
    let task = sandbox.show("first");
    let intent = json!({
        "schema": 1, "task": "first", "process": { "pid": 1, "start_time": 0, "boot_id": "none" },
        "operation": { "kind": "land", "old": sandbox.git(&["rev-parse", "main"]), "new": task["tip"],
                       "tip": task["tip"], "receipt": task["receipt"], "keep": false },
    });
    let tip = task["tip"].as_str().expect("a commit");
    sandbox.git(&["merge", "-q", "--ff-only", tip]);
    sandbox.write(
        sandbox.state().join("journal/first.json"),
        &intent.to_string(),
    );
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("task `first` had landed")
        .says("task `second` has started");
    assert_eq!(sandbox.task_state("second"), "working");
}
