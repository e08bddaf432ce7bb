//! What need not be judged again, what must be, and what the candidate is made of.

use super::{COUNTING, counting, on_main, remove, runs};
use crate::sandbox::{CONTRACT, Sandbox};

#[test]
fn a_tree_is_judged_once_unless_afresh() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "1\n");
    let first = sandbox.wt(&["validate", "auth", "--json"]).json();
    let again = sandbox.wt(&["validate", "auth", "--json"]);
    again.expect(0);
    let again = again.json();
    assert_eq!(
        (&again["receipt"], &again["steps_run"]),
        (&first["receipt"], &0.into())
    );

    // Another commit with the same tree, and then another message.
    sandbox.commit(&worktree, "good");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    sandbox.git_in(
        &worktree,
        &["commit", "-q", "--amend", "-m", "better words"],
    );
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    assert_eq!(runs(&sandbox), 1);
    sandbox
        .wt(&["validate", "auth", "--fresh"])
        .expect(0)
        .prints("steps=1");
    assert_eq!(runs(&sandbox), 2);

    // An earlier good tree is known still, for another task too.
    sandbox.write(worktree.join("good"), "2\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=1");
    sandbox.write(worktree.join("good"), "1\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    let sibling = sandbox.spawn("sibling");
    sandbox.write(sibling.join("good"), "1\n");
    sandbox
        .wt(&["validate", "sibling"])
        .expect(0)
        .prints("steps=0");
    assert_eq!(runs(&sandbox), 3);
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(runs(&sandbox), 3);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "HEAD^2"]),
        "better words"
    );
}

#[test]
fn a_moved_target_does_not_unsay_a_receipt_and_what_changes_the_judge_stays_said() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("wt.toml"), &CONTRACT.replace("30s", "31s"));
    let changed = sandbox.wt(&["validate", "auth"]);
    changed.expect(0);
    insta::assert_snapshot!(changed.steady(), @r"
    VALIDATION_OK steps=1 0.0s receipt=<hash>
    JUDGE_CHANGED: it lands only with the operator's --accept-judge-change:
      wt.toml
    next: end your turn and say so: the operator looks at it, then wt merge auth --accept-judge-change
    ");
    on_main(&sandbox, "elsewhere", "");
    let known = sandbox.wt(&["validate", "auth"]);
    known
        .expect(0)
        .says("main has moved since; the new combination is judged when it lands");
    known
        .prints("steps=0")
        .prints("JUDGE_CHANGED")
        .prints("\n  wt.toml\n");
    assert_eq!(runs(&sandbox), 1);
    assert_eq!(sandbox.show("auth")["target_moved"], true);
    sandbox.commit(&worktree, "another judge");
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("JUDGE_CHANGED");
}

#[test]
fn a_change_of_the_gate_under_a_live_task_is_said_and_judged() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let before = sandbox.read(worktree.join(".wt/validate.sh"));

    let gate =
        format!("{CONTRACT}[[gate]]\nname = \"lint\"\nkind = \"lint\"\nrun = \"sh lint.sh\"\n");
    sandbox.write(
        "lint.sh",
        "[ -f good ] || exit 0; echo lint >> \"$HOME/notes/runs\"; echo 'error: too long'; exit 3\n",
    );
    on_main(&sandbox, "wt.toml", &gate);
    let judged = sandbox.wt(&["validate", "auth"]);
    judged
        .expect(1)
        .says("the gate on main has changed; this is judged under the new one");
    judged
        .prints("LINT_FAILURE step=lint exit=3")
        .prints("first failure: error: too long");
    assert_eq!(runs(&sandbox), 3);
    let script = sandbox.read(worktree.join(".wt/validate.sh"));
    assert!(!before.contains("sh lint.sh") && script.contains("sh lint.sh"));
    assert!(
        sandbox
            .read(worktree.join(".wt/RULES.md"))
            .contains("sh lint.sh")
    );

    // Rules alone: said, the copy is new, and no more is asked of the work.
    let rules = format!("[rules]\ninvariants = [\"Never shout.\"]\n{CONTRACT}");
    on_main(&sandbox, "wt.toml", &rules);
    let judged = sandbox.wt(&["validate", "auth", "--cause", "the line was too long"]);
    judged.expect(0);
    on_main(&sandbox, "wt.toml", &rules.replace("shout", "whisper"));
    let known = sandbox.wt(&["validate", "auth"]);
    known
        .expect(0)
        .says("the rules on main have changed; .wt/RULES.md is new")
        .prints("steps=0");
    assert!(!known.err.contains("gate"), "{}", known.err);
    assert!(
        sandbox
            .read(worktree.join(".wt/RULES.md"))
            .contains("Never whisper.")
    );
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn what_failed_under_another_gate_is_judged_under_this_one() {
    let sandbox = counting();
    let other = CONTRACT.replace("sh test.sh", "true");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox.write(worktree.join("wt.toml"), &other);
    sandbox.wt(&["validate", "auth"]).expect(1);
    // The operator makes the same change: the candidate's tree is the very one that failed.
    on_main(&sandbox, "wt.toml", &other);
    sandbox
        .wt(&["validate", "auth"])
        .expect(4)
        .says("wants the cause");
    sandbox
        .wt(&["validate", "auth", "--cause", "the gate was wrong"])
        .expect(0);
}

#[test]
fn two_good_changes_that_fail_together_are_seen_before_they_land() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "if [ -f a ] && [ -f b ]; then echo 'FAIL: a and b'; exit 1; fi\n",
        ),
    ]);
    sandbox.validated("a", "a", "");
    let b = sandbox.spawn("b");
    sandbox.write(b.join("b"), "");
    sandbox.wt(&["validate", "b", "--fresh"]).expect(0);
    sandbox.wt(&["merge", "a"]).expect(0);
    sandbox.write(b.join("b"), "more\n");
    sandbox
        .wt(&["validate", "b"])
        .expect(1)
        .prints("first failure: FAIL: a and b");
    assert!(!b.join("a").exists());
}

#[test]
fn a_conflict_is_no_verdict_and_names_its_paths() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    for (path, text) in [
        ("README.md", "mine\n"),
        ("größe und mehr", "mine\n"),
        ("good", ""),
    ] {
        sandbox.write(worktree.join(path), text);
    }
    sandbox.write("größe und mehr", "theirs\n");
    on_main(&sandbox, "README.md", "theirs\n");
    let conflict = sandbox.wt(&["validate", "auth"]);
    conflict.expect(5).says("README.md").says("größe und mehr");
    assert!(!conflict.err.contains("good"), "{}", conflict.err);
    assert_eq!((conflict.out.as_str(), runs(&sandbox)), ("", 0));
    let shown = sandbox.show("auth");
    assert_eq!(
        (&shown["state"], &shown["attempts"]),
        (&"working".into(), &0.into())
    );
    assert_eq!(sandbox.read(worktree.join("README.md")), "mine\n");
    sandbox.write(worktree.join("README.md"), "theirs\n");
    sandbox.write(worktree.join("größe und mehr"), "theirs\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn steps_are_selected_by_what_would_change_on_the_target() {
    let step = |name: &str, when: &str| {
        format!(
            "[[gate]]\nname = \"{name}\"\nkind = \"check\"\nwhen = {when}\nrun = 'echo {name} >> \"$HOME/notes/runs\"; cp \"$WT_CHANGED\" \"$HOME/notes/changed\"'\n"
        )
    };
    let gate = format!(
        "[judge]\nwritable = [\"~/notes/\"]\n{}{}",
        step("source", r#"["src/**", "!src/gen/**"]"#),
        step("docs", r#"["docs/**"]"#)
    );
    let sandbox = Sandbox::with(&[("wt.toml", &gate), ("src/a", "a\n"), ("src/gen/x", "")]);
    let worktree = sandbox.spawn("auth");
    let ran = || std::fs::read_to_string(sandbox.notes().join("runs")).unwrap_or_default();

    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK steps=0 skipped=2");
    sandbox.write(worktree.join("src/gen/x"), "generated\n");
    sandbox.write(worktree.join("else"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0 skipped=2");
    assert_eq!(ran(), "");
    // A rename changes both of its sides.
    std::fs::create_dir(worktree.join("docs")).expect("made");
    std::fs::rename(worktree.join("src/a"), worktree.join("docs/a")).expect("renamed");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=2");
    assert_eq!(ran(), "source\ndocs\n");
    assert_eq!(
        sandbox.read(sandbox.notes().join("changed")),
        "docs/a\nelse\nsrc/a\nsrc/gen/x\n"
    );

    // What the target has already is no change of the task's, wherever it began.
    sandbox.commit(&worktree, "moved");
    sandbox.git(&["merge", "-q", "--no-ff", "-m", "by hand", "wt/auth"]);
    sandbox.write(worktree.join("docs/b"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=1 skipped=1");
    assert_eq!(ran(), "source\ndocs\ndocs\n");
    assert_eq!(sandbox.read(sandbox.notes().join("changed")), "docs/b\n");
}

#[test]
fn without_a_step_nothing_is_judged() {
    let sandbox = Sandbox::with(&[("README.md", "a project\n")]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "");
    sandbox.write(worktree.join("wt.toml"), CONTRACT);
    let refused = sandbox.wt(&["validate", "auth"]);
    refused.expect(4).says("has no step").says("wt.toml");
    assert_eq!(sandbox.events("auth"), ["spawned"]);
    sandbox.wt(&["merge", "auth"]).expect(4);
}

#[test]
fn every_verdict_as_json_says_whose_it_is_and_how_it_stands() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            &format!("{COUNTING}\n[ -f change ] && echo x >> change; [ ! -f long ] || sleep 9"),
        ),
        ("owned/x", ""),
    ]);
    sandbox.wt(&["spawn", "owner", "--owns", "owned"]).expect(0);
    let worktree = sandbox.spawn("auth");
    let validate = |code: i32, verdict: &str, state: &str, attempts: u32, args: &[&str]| {
        let args = [&["validate", "auth", "--json"], args].concat();
        let ran = sandbox.wt(&args);
        ran.expect(code);
        let value = ran.json();
        assert_eq!(value["verdict"], verdict, "{value:#}");
        assert_eq!(value["task"], "auth");
        assert_eq!(value["state"], state, "{value:#}");
        assert_eq!(value["attempts"], attempts, "{value:#}");
        assert_eq!(value["budget"], 2, "{value:#}");
        assert_eq!(value["branch"], "wt/auth", "{value:#}");
        assert_eq!(value["path"], "<root>/repo.wt/auth", "{value:#}");
        assert_eq!(
            value["receipt"].is_string(),
            verdict == "VALIDATION_OK",
            "{value:#}"
        );
        assert!(
            value
                .as_object()
                .expect("an object")
                .contains_key("receipt"),
            "{value:#}"
        );
        value
    };
    sandbox.write(worktree.join("owned/x"), "mine\n");
    let value = validate(1, "OUT_OF_SCOPE", "working", 0, &[]);
    assert_eq!(value["paths"][0]["path"], "owned/x");
    sandbox.write(worktree.join("owned/x"), "");
    sandbox.write(worktree.join("change"), "1\n");
    let value = validate(1, "UNSTABLE_TREE", "working", 0, &[]);
    assert_eq!(value["paths"], serde_json::json!(["change"]));
    remove(worktree.join("change"));
    sandbox.write(worktree.join("wt.toml"), &format!("{CONTRACT}# words\n"));
    let value = validate(0, "VALIDATION_OK", "validated", 0, &[]);
    assert_eq!(
        (&value["steps_run"], &value["judge_changed"]),
        (&1.into(), &serde_json::json!(["wt.toml"]))
    );
    sandbox.write(worktree.join("broken"), "1\n");
    let value = validate(1, "TEST_FAILURE", "failed", 1, &[]);
    assert_eq!(
        (&value["step"], &value["ended"]),
        (&"test".into(), &"exit=1".into())
    );
    assert_eq!(value["first_failure"]["title"], "FAIL: broken 1");
    assert_eq!(
        (&value["log"], &value["log_lines"]),
        (&"<root>/repo.wt/auth/.wt/last/test.log".into(), &1.into())
    );
    sandbox.write(worktree.join("broken"), "2\n");
    validate(3, "TEST_FAILURE", "stopped", 2, &["--cause", "x"]);
    let value = validate(3, "STOPPED", "stopped", 2, &[]);
    assert_eq!(value["last"]["first_failure"]["title"], "FAIL: broken 2");
}
