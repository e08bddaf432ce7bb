//! The budget: one validation, one retry, and then a person.

use std::io::Write as _;
use std::process::Stdio;

use super::{counting, remove, runs, stopped};
use crate::sandbox::{CONTRACT, Ran, Sandbox, wt};

#[test]
fn once_then_once_more_then_stop_whatever_process_asks() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "one\n");
    let first = sandbox.wt(&["validate", "auth"]);
    first.expect(1).prints("attempt=1/2");

    // The same tree: the old failure again, whatever is said with it.
    for args in [
        &["validate", "auth"][..],
        &["validate", "auth", "--cause", "x"],
        &["validate", "auth", "--fresh"],
    ] {
        let again = sandbox.wt(args);
        again.expect(1).says("no step was run, nothing was counted");
        assert_eq!(again.out, first.out);
    }
    assert_eq!(runs(&sandbox), 1);

    // Another tree: only with a cause.
    sandbox.write(worktree.join("broken"), "two\n");
    for args in [
        &["validate", "auth"][..],
        &["validate", "auth", "--cause", " \t"],
    ] {
        let refused = sandbox.wt(args);
        refused
            .expect(4)
            .says("wants the cause of that failure")
            .says("hint: wt validate auth --cause");
        assert_eq!(refused.out, "");
    }
    assert_eq!(
        (runs(&sandbox), sandbox.task_state("auth").as_str()),
        (1, "failed")
    );

    let second = sandbox.wt(&["validate", "auth", "--cause", "it was still there"]);
    second.expect(3);
    insta::assert_snapshot!(second.steady(), @r#"
    TEST_FAILURE step=test exit=1 0.0s attempt=2/2
    first failure: FAIL: broken two
      FAIL: broken two
    full log: <root>/repo.wt/auth/.wt/last/test.log (1 lines)
    next: stop here; say what was tried and what is needed: wt explain auth -m "…"; a person decides
    "#);

    // The third try, even on a tree that would pass.
    remove(worktree.join("broken"));
    for args in [
        &["validate", "auth"][..],
        &["validate", "auth", "--cause", "mended", "--fresh"],
    ] {
        let third = sandbox.wt(args);
        third.expect(3);
        insta::allow_duplicates! {
            insta::assert_snapshot!(third.steady(), @r#"
            STOPPED attempts=2/2
            last failure: FAIL: broken two
            next: stop here; say what was tried and what is needed: wt explain auth -m "…"; a person decides
            "#);
        }
    }
    assert_eq!(runs(&sandbox), 2);
    let shown = sandbox.show("auth");
    assert_eq!(
        (&shown["state"], &shown["attempts"]),
        (&"stopped".into(), &2.into())
    );
    assert_eq!(
        sandbox.events("auth"),
        ["spawned", "judging", "failed", "judging", "failed"]
    );
    sandbox
        .wt(&["log", "auth"])
        .expect(0)
        .prints("it was still there");
    sandbox.wt(&["merge", "auth"]).expect(3);
}

#[test]
fn a_pass_gives_the_budget_back_and_a_known_tree_counts_nothing() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.write(worktree.join("broken"), "one\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("attempt=1/2");
    remove(worktree.join("broken"));
    // Back on the tree that is known to be good: no cause is wanted, for no step is run.
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK steps=0");
    assert_eq!(
        (runs(&sandbox), sandbox.task_state("auth").as_str()),
        (2, "validated")
    );
    sandbox.write(worktree.join("broken"), "two\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("attempt=1/2");
}

#[test]
fn a_stopped_task_is_explained_and_resumed_by_a_person() {
    let sandbox = counting();
    let worktree = stopped(&sandbox, "auth");
    sandbox.spawn("other");

    sandbox
        .wt(&["explain", "other", "-m", "x"])
        .expect(4)
        .says("is working, not stopped");
    sandbox
        .wt(&["explain", "auth"])
        .expect(64)
        .says("there is no explanation")
        .says("--template");
    sandbox.wt(&["explain", "auth", "-m", " "]).expect(64);
    let template = sandbox.wt_in(&worktree, &["explain", "--template"]);
    template.expect(0);
    insta::assert_snapshot!(template.steady(), @r#"
    # Task auth is stopped

    ## What was tried
    - run 1: the first attempt
    - run 2: it was still there

    ## The first failure
    TEST_FAILURE step=test exit=1 0.0s attempt=2/2
    first failure: FAIL: broken two
      FAIL: broken two
    full log: .wt/last/test.log (1 lines)
    next: stop here; say what was tried and what is needed: wt explain auth -m "…"; a person decides

    ## The likely cause


    ## What is needed
    "#);
    assert!(!sandbox.events("auth").contains(&"explained".to_owned()));

    sandbox
        .wt_in(&worktree, &["explain", "-m", "by words"])
        .expect(0);
    sandbox.wt(&["show", "auth"]).expect(0).prints("by words");
    sandbox.write(worktree.join("why.md"), "by a file\n");
    sandbox
        .wt_in(&worktree, &["explain", "--file", "why.md"])
        .expect(0);
    assert_eq!(sandbox.show("auth")["explanation"], "by a file\n");
    piped(&sandbox, &["explain", "auth"], "by a pipe\n").expect(0);
    let shown = sandbox.wt(&["show", "auth"]);
    shown
        .expect(0)
        .prints("by a pipe")
        .prints("FAIL: broken two");
    assert!(!shown.out.contains("by words"), "{}", shown.out);

    // Who asks without a terminal and without a name is no person.
    sandbox
        .wt(&["resume", "auth", "--because", "x"])
        .expect(4)
        .says("--operator NAME");
    sandbox
        .wt(&["resume", "auth", "--because", "", "--operator", "ann"])
        .expect(64)
        .says("--because is empty");
    sandbox
        .wt(&["resume", "auth", "--operator", "ann"])
        .expect(64);
    assert_eq!(sandbox.task_state("auth"), "stopped");
    sandbox
        .wt(&[
            "resume",
            "auth",
            "--because",
            "the fixture was wrong",
            "--operator",
            "ann",
        ])
        .expect(0);
    let shown = sandbox.show("auth");
    assert_eq!(
        (&shown["state"], &shown["attempts"]),
        (&"working".into(), &0.into())
    );
    let log = sandbox.wt(&["log", "auth", "--json"]);
    let last = log.out.lines().last().expect("an event");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(
        (
            &last["event"],
            &last["facts"]["operator"],
            &last["facts"]["because"]
        ),
        (
            &"resumed".into(),
            &"ann".into(),
            &"the fixture was wrong".into()
        )
    );

    // The very tree that failed is judged anew, on a whole budget.
    remove(worktree.join("why.md"));
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("attempt=1/2");
    assert_eq!(runs(&sandbox), 3);
    sandbox
        .wt(&["resume", "other", "--because", "x", "--operator", "ann"])
        .expect(4)
        .says("is working");
}

/// `wt` with this text on standard input.
fn piped(sandbox: &Sandbox, args: &[&str], text: &str) -> Ran {
    let mut command = sandbox.command(wt());
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("written");
    drop(input);
    Ran::from(
        &child.wait_with_output().expect("its output"),
        sandbox,
        "wt explain",
    )
}

#[test]
fn words_of_an_agent_steer_no_terminal() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "\u{1b}[31mred\u{7}\n");
    let failed = sandbox.wt(&["validate", "auth"]);
    failed.expect(1).prints("FAIL: broken red\n");
    sandbox.write(worktree.join("broken"), "2");
    sandbox
        .wt(&["validate", "auth", "--cause", "\u{1b}[2Jgone"])
        .expect(3);
    sandbox
        .wt(&["explain", "auth", "-m", "\u{1b}]0;title\u{7}said"])
        .expect(0);
    for args in [
        &["explain", "auth", "--template"][..],
        &["show", "auth"],
        &["log", "auth"],
        &["validate", "auth"],
    ] {
        let ran = sandbox.wt(args);
        assert!(
            !ran.out.contains(['\u{1b}', '\u{7}']),
            "{args:?}: {:?}",
            ran.out
        );
        assert!(
            !ran.err.contains(['\u{1b}', '\u{7}']),
            "{args:?}: {:?}",
            ran.err
        );
    }
}

#[test]
fn three_runs_in_a_row_that_change_their_own_tree_are_one_attempt() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "echo run >> \"$HOME/notes/runs\"; echo more >> made/tracked; rm -f gone; : > new\n",
        ),
        ("made/tracked", "as committed\n"),
        ("gone", "\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("change"), "1\n");
    for (run, state, attempts) in [(1, "working", 0), (2, "working", 0), (3, "failed", 1)] {
        let unstable = sandbox.wt(&["validate", "auth"]);
        unstable
            .expect(1)
            .prints("UNSTABLE_TREE step=test")
            .prints("\n  gone\n  made/tracked\n");
        assert!(!unstable.out.contains("new"), "{}", unstable.out);
        let shown = sandbox.show("auth");
        assert_eq!(
            (&shown["state"], &shown["attempts"]),
            (&state.into(), &attempts.into())
        );
        assert_eq!(
            (runs(&sandbox), unstable.out.contains("--cause")),
            (run, run == 3)
        );
    }
    assert_eq!(
        sandbox.read(worktree.join("made/tracked")),
        "as committed\n"
    );
    assert!(!sandbox.state().join("receipts").exists());

    // An attempt like any other: the same tree is not judged again, another one wants the cause.
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .says("no step was run")
        .prints("UNSTABLE_TREE");
    assert_eq!(runs(&sandbox), 3);
    sandbox.write(worktree.join("change"), "2\n");
    sandbox.wt(&["validate", "auth"]).expect(4);
    for code in [1, 1, 3] {
        sandbox
            .wt(&["validate", "auth", "--cause", "it writes"])
            .expect(code)
            .prints("UNSTABLE_TREE");
    }
    assert_eq!(
        (runs(&sandbox), sandbox.task_state("auth").as_str()),
        (6, "stopped")
    );
    sandbox
        .wt(&["explain", "auth", "--template"])
        .expect(0)
        .prints("UNSTABLE_TREE");
}

#[test]
fn a_pass_on_nothing_gives_no_budget_back() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox.wt(&["validate", "auth"]).expect(1);
    super::remove(worktree.join("broken"));
    let refused = sandbox.wt(&["validate", "auth", "--cause", "it was broken"]);
    refused
        .expect(4)
        .says("failed once and changes nothing on main now");
    assert_eq!(sandbox.show("auth")["attempts"], 1);
}

/// A validated task under a gate that looks outside of the slot.
fn moody() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "test.sh",
        "[ ! -e \"$HOME/notes/moody\" ] || { echo 'FAIL: moody'; exit 1; }\n",
    );
    sandbox.commit(&sandbox.repo(), "a gate that looks outside");
    sandbox.validated("auth", "a", "");
    sandbox
}

#[test]
fn what_failed_anew_is_no_longer_vouched_for_by_its_old_receipt() {
    let sandbox = moody();
    sandbox.write(sandbox.notes().join("moody"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    sandbox.wt(&["validate", "auth", "--fresh"]).expect(1);
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TARGET_RED");
    assert_eq!(sandbox.task_state("auth"), "validated");
    sandbox
        .wt(&["merge", "auth"])
        .expect(1)
        .prints("TARGET_RED");
}

#[test]
fn what_landed_keeps_its_receipt_though_its_tree_fails_later() {
    let sandbox = moody();
    sandbox.wt(&["merge", "auth"]).expect(0);
    sandbox.spawn("same");
    sandbox.write(sandbox.notes().join("moody"), "");
    sandbox.wt(&["validate", "same", "--fresh"]).expect(1);
    sandbox
        .wt(&["log", "--target"])
        .expect(0)
        .prints("landed auth");
    // It vouches for nothing new.
    std::fs::remove_file(sandbox.notes().join("moody")).expect("removed");
    sandbox
        .wt(&["validate", "same", "--fresh"])
        .expect(0)
        .prints("VALIDATION_OK steps=1");
}
