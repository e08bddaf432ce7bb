//! What a sync means for a task's validation, its tries and whoever is at work on it.

use super::{assert_refused, move_target, sandbox, tip};
use crate::sandbox::{Sandbox, wait_until};

/// How often the gate has begun for a task.
fn runs(sandbox: &Sandbox, task: &str) -> usize {
    let events = sandbox.events(task);
    events.iter().filter(|event| *event == "judging").count()
}

#[test]
fn a_validated_task_stays_so_and_lands_with_what_is_known_of_its_tree() {
    let sandbox = sandbox();
    sandbox.validated("auth", "work", "same\n");
    move_target(&sandbox, "else", "");
    // Another task comes to the very tree that a sync of this one makes.
    sandbox.validated("twin", "work", "same\n");
    let synced = sandbox.wt(&["sync", "auth"]);
    synced.expect(0).says("auth stays validated");
    assert_eq!(sandbox.task_state("auth"), "validated");
    assert_eq!(runs(&sandbox, "auth"), 1);
    let main = tip(&sandbox, "main");
    let landed = sandbox.wt(&["merge", "auth"]);
    landed.expect(0);
    assert!(!landed.err.contains("judging"), "{}", landed.err);
    assert_eq!(runs(&sandbox, "auth"), 1);
    assert_eq!(tip(&sandbox, "main^1"), main);
}

#[test]
fn a_validated_task_whose_new_tree_nobody_knows_is_judged_when_it_lands() {
    for how in ["--json", "--rebase"] {
        let sandbox = sandbox();
        sandbox.validated("one", "left", "");
        sandbox.validated("two", "other", "");
        let three = sandbox.validated("three", "right", "");
        sandbox.wt(&["merge", "one"]).expect(0);
        sandbox.wt(&["sync", "--all", how]).expect(0);
        assert_eq!(sandbox.task_state("two"), "validated");
        let landed = sandbox.wt(&["merge", "two"]);
        landed.expect(0).says("judging the combination with main");

        // Red is the combination, and costs nothing.
        sandbox
            .wt(&["merge", "three"])
            .expect(1)
            .prints("FAIL: both");
        let facts = sandbox.show("three");
        assert_eq!(
            (&facts["state"], &facts["attempts"]),
            (&"working".into(), &0.into())
        );
        // With work that was not validated nothing stays so.
        sandbox.write(three.join("more"), "");
        sandbox.git_in(&three, &["rm", "-q", "left"]);
        sandbox.commit(&three, "mended");
        sandbox.wt(&["validate", "three"]).expect(0);
        sandbox.write(three.join("uncommitted"), "");
        move_target(&sandbox, "later", "");
        let synced = sandbox.wt(&["sync", "three", "--json"]);
        assert_eq!(synced.expect(0).json()["stays_validated"], false);
        sandbox.write(three.join("uncommitted"), "more\n");
        sandbox.commit(&three, "more");
        sandbox
            .wt(&["merge", "three"])
            .expect(4)
            .says("has changed since it was validated");
    }
}

#[test]
fn who_validates_a_synced_task_has_its_new_tree_judged() {
    let sandbox = sandbox();
    sandbox.validated("auth", "right", "");
    move_target(&sandbox, "left", "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .says("main has moved since");
    sandbox.wt(&["sync", "auth"]).expect(0);
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("FAIL: both");
    assert_eq!(runs(&sandbox, "auth"), 2);
    assert_eq!(sandbox.task_state("auth"), "failed");
}

#[test]
fn a_red_combination_is_synced_mended_and_landed() {
    let sandbox = sandbox();
    sandbox.validated("one", "left", "");
    let worktree = sandbox.validated("two", "right", "");
    sandbox.wt(&["merge", "one"]).expect(0);
    let red = sandbox.wt(&["merge", "two"]);
    red.expect(1).prints("FAIL: both").prints("wt sync two");
    // Unchanged it is the same failure, with nothing run and nothing counted.
    let again = sandbox.wt(&["validate", "two"]);
    again.expect(1).says("no step was run, nothing was counted");
    assert!(!worktree.join("left").exists());

    sandbox.wt(&["sync", "two"]).expect(0);
    assert!(worktree.join("left").exists());
    let again = sandbox.wt(&["validate", "two"]);
    again.expect(1).says("no step was run, nothing was counted");
    sandbox.git_in(&worktree, &["mv", "right", "middle"]);
    sandbox.commit(&worktree, "mended");
    sandbox.wt(&["validate", "two"]).expect(0);
    let shown = sandbox.show("two");
    assert_eq!(
        (&shown["attempts"], &shown["target_moved"]),
        (&0.into(), &false.into())
    );
    let landed = sandbox.wt(&["merge", "two"]);
    landed.expect(0);
    assert!(!landed.err.contains("judging"), "{}", landed.err);
    assert!(sandbox.repo().join("left").exists() && sandbox.repo().join("middle").exists());
}

#[test]
fn a_sync_gives_no_try_back_and_states_no_cause() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox.commit(&worktree, "broken");
    sandbox.wt(&["validate", "auth"]).expect(1);
    move_target(&sandbox, "else", "");
    sandbox.wt(&["sync", "auth"]).expect(0);
    let state = |sandbox: &Sandbox| {
        let shown = sandbox.show("auth");
        format!("{} {}", shown["state"], shown["attempts"])
    };
    assert_eq!(state(&sandbox), "\"failed\" 1");
    sandbox
        .wt(&["validate", "auth"])
        .expect(4)
        .says("wants the cause of that failure");
    sandbox
        .wt(&["validate", "auth", "--cause", "who knows"])
        .expect(3);
    move_target(&sandbox, "more", "");
    sandbox.wt(&["sync", "auth", "--rebase"]).expect(0);
    assert_eq!(state(&sandbox), "\"stopped\" 2");
    sandbox.wt(&["validate", "auth", "--cause", "x"]).expect(3);
    assert_eq!(runs(&sandbox, "auth"), 2);
}

#[test]
fn waiting_landed_and_judged_tasks_are_left_alone() {
    let (sandbox, _, judging) = Sandbox::judging_without_end();
    move_target(&sandbox, "else", "");
    assert_refused(
        &sandbox,
        &["sync", "auth"],
        6,
        "a judge is at work on task `auth`",
    );
    let all = sandbox.wt(&["sync", "--all"]);
    all.expect(6).says("follow it: wt validate auth");
    judging.signal(rustix::process::Signal::INT);
    judging.finish(&sandbox).expect(130);
    sandbox.wt(&["spawn", "next", "--after", "auth"]).expect(0);
    assert_refused(&sandbox, &["sync", "next"], 4, "waits for auth");
    sandbox.validated("gone", "work", "");
    sandbox.wt(&["merge", "gone", "--keep"]).expect(0);
    assert_refused(&sandbox, &["sync", "gone"], 4, "has landed");
    sandbox.wt(&["sync", "--all"]).expect(0);
}

#[test]
fn an_open_cage_is_not_synced_and_a_closed_one_sees_what_was() {
    let sandbox = sandbox();
    if sandbox.wt(&["doctor", "--json"]).json()["cage"] == "none" {
        crate::sandbox::skipped("this kernel has no Landlock");
        return;
    }
    let worktree = sandbox.spawn("auth");
    let script = "echo text > work; git add -A; git commit -qm work; touch .wt/sign; \
                  while [ -f .wt/sign ]; do sleep 0.05; done";
    let running = sandbox.start(&["run", "auth", "--", "sh", "-c", script]);
    wait_until("the cage is at work", || worktree.join(".wt/sign").exists());
    move_target(&sandbox, "else", "");
    let busy = sandbox.wt(&["sync", "auth"]);
    busy.expect(6)
        .says("is at work on task `auth`")
        .says("git merge main");
    std::fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.finish(&sandbox).expect(0);

    sandbox.wt(&["sync", "auth"]).expect(0);
    assert!(worktree.join("else").exists());
    let script = "test -f else && git merge-base --is-ancestor main HEAD && git diff --quiet HEAD; echo $?; wt sync";
    let inside = sandbox.wt(&["run", "auth", "--", "sh", "-c", script]);
    inside.expect(4).says("git merge <target>");
    assert_eq!(inside.out, "0\n");
}

#[test]
fn validated_work_that_is_in_no_commit_stays_validated() {
    for how in ["--color=never", "--rebase"] {
        let sandbox = sandbox();
        let worktree = sandbox.validated("auth", "work", "");
        sandbox.write(worktree.join("right"), "");
        sandbox.git_in(&worktree, &["rm", "-q", "shape"]);
        sandbox.wt(&["validate", "auth"]).expect(0);
        move_target(&sandbox, "else", "");
        let synced = sandbox.wt(&["sync", "auth", how]);
        synced.expect(0).says("auth stays validated");
        let shown = sandbox.show("auth");
        assert_eq!(
            (&shown["state"], &shown["target_moved"], &shown["behind"]),
            (&"validated".into(), &false.into(), &0.into())
        );
        let landed = sandbox.wt(&["merge", "auth", "--commit", "-m", "all"]);
        landed.expect(0).says("judging");
        assert!(sandbox.repo().join("right").exists() && !sandbox.repo().join("shape").exists());
        assert!(sandbox.repo().join("else").exists());

        // What came since it was validated is not, and that is said.
        let worktree = sandbox.validated("later", "later", "");
        sandbox.write(worktree.join("unjudged"), "");
        move_target(&sandbox, "more", "");
        sandbox
            .wt(&["sync", "later", how])
            .expect(0)
            .says("later has changed since it was validated: wt validate later");
    }
}
