//! What comes to different ends on the same tree, and what is not run twice at all.

use super::{counting, on_main, remove, runs};
use crate::sandbox::{CONTRACT, Sandbox};

/// Fails while it is told to from outside, but never on the target itself.
const MOODY: &str = r#"
if [ "$(git rev-parse HEAD)" = "$WT_BASE" ]; then exit 0; fi
if [ -e "$HOME/notes/moody" ]; then echo 'FAIL: moody'; exit 1; fi
echo fine
"#;

fn moody() -> (Sandbox, std::path::PathBuf, std::path::PathBuf) {
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", MOODY)]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("a"), "");
    let mood = sandbox.notes().join("moody");
    (sandbox, worktree, mood)
}

/// The logs that `flaky` names: of the pass and of the failure.
fn logs(sandbox: &Sandbox, flaky: &serde_json::Value) -> (String, String) {
    let read = |name: &str| {
        let path = flaky[name].as_str().expect("a path");
        sandbox.read(path.replace("<root>", sandbox.root().to_str().expect("text")))
    };
    (read("passed"), read("failed"))
}

#[test]
fn a_pass_and_then_a_failure_of_the_same_tree_are_both_shown() {
    let (sandbox, _worktree, mood) = moody();
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.write(&mood, "");
    let verdict = sandbox.wt(&["validate", "auth", "--fresh"]);
    verdict
        .expect(1)
        .prints("TEST_FAILURE step=test")
        .prints("\nflaky: step test passed (<root>/repo/.git/wt/flaky/")
        .prints("/passed.log) and failed (<root>/repo/.git/wt/flaky/");
    assert_eq!(
        sandbox.events("auth"),
        [
            "spawned",
            "judging",
            "validated",
            "judging",
            "flaky",
            "failed"
        ]
    );
    let shown = sandbox.show("auth");
    let flaky = &shown["flaky"][0];
    let both = ("fine\n".to_owned(), "FAIL: moody\n".to_owned());
    assert_eq!(logs(&sandbox, flaky), both);
    assert_eq!(shown["last_failure"]["flaky"][0], *flaky);
    sandbox
        .wt(&["show", "auth"])
        .prints("\nflaky     step test passed (");
    // Both outlive the task's folder.
    let flaky = flaky.clone();
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    assert_eq!(logs(&sandbox, &flaky), both);
}

#[test]
fn a_failure_and_then_a_pass_are_flaky_too_and_the_pass_counts() {
    let (sandbox, worktree, mood) = moody();
    sandbox.write(&mood, "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("attempt=1/2");
    remove(&mood);
    // What failed is not asked again by itself; a person may have it judged again.
    sandbox.wt(&["validate", "auth"]).expect(1);
    sandbox
        .wt(&[
            "resume",
            "auth",
            "--because",
            "the machine",
            "--operator",
            "me",
        ])
        .expect(0);
    let value = sandbox.wt(&["validate", "auth", "--json"]);
    value.expect(0);
    let value = value.json();
    assert_eq!(value["verdict"], "VALIDATION_OK");
    let both = ("fine\n".to_owned(), "FAIL: moody\n".to_owned());
    assert_eq!(logs(&sandbox, &value["flaky"][0]), both);
    sandbox.commit(&worktree, "a");
    sandbox.wt(&["merge", "auth"]).expect(0);

    // What always ends the same is not flaky.
    let other = sandbox.spawn("other");
    sandbox.write(other.join("b"), "");
    for _ in 0..2 {
        sandbox.wt(&["validate", "other", "--fresh"]).expect(0);
    }
    assert_eq!(sandbox.show("other")["flaky"], serde_json::json!([]));
}

#[test]
fn a_rebased_or_queued_again_work_is_not_judged_twice() {
    let sandbox = counting();
    let worktree = sandbox.validated("auth", "good", "");
    on_main(&sandbox, "elsewhere", "");
    // The combination is judged once, asked for by the task or by its landing.
    sandbox.write("good", "in the way\n");
    sandbox.wt(&["merge", "auth"]).expect(4);
    remove(sandbox.repo().join("good"));
    sandbox.write(worktree.join("more"), "");
    sandbox.commit(&worktree, "more");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(runs(&sandbox), 2);
    sandbox.git_in(&worktree, &["rebase", "-q", "main"]);
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    sandbox.git_in(&worktree, &["commit", "-q", "--amend", "-m", "other words"]);
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=0");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(runs(&sandbox), 2);
}
