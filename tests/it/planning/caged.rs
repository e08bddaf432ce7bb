//! A cage in planning: its worktree can only be read, and its agent hands a plan in over the socket.

use super::{approve, plan_of, planned};
use crate::sandbox::{Ran, Sandbox, skipped, wait_until};

fn held(sandbox: &Sandbox) -> bool {
    let held = sandbox.wt(&["doctor", "--json"]).json()["cage"] != "none";
    if !held {
        skipped("this kernel has no Landlock");
    }
    held
}

fn caged(sandbox: &Sandbox, script: &str) -> Ran {
    sandbox.wt(&["run", "auth", "--", "sh", "-c", script])
}

#[test]
fn in_a_cage_nothing_is_written_before_the_plan_is_approved() {
    let sandbox = planned("required = true");
    if !held(&sandbox) {
        return;
    }
    let worktree = sandbox.worktree("auth");
    let script = format!(
        "echo x > src/one.txt; rm src/two.txt; mkdir target; git commit -q --allow-empty -m x; cat src/one.txt\n\
         wt plan template > \"$TMPDIR/form\" && wt plan submit --file \"$TMPDIR/form\"; echo form=$?\n\
         wt plan approve auth --operator me; echo approve=$?\n\
         wt plan submit docs; echo other=$?\n\
         wt plan submit <<'EOF'\n{}EOF\necho submit=$?\nwt plan show | head -1 | cut -c 1-9\n",
        plan_of(&["src/one.txt"])
    );
    let ran = caged(&sandbox, &script);
    ran.expect(0)
        .says("its worktree and its repository can only be read in this cage");
    for words in [
        "form=4",
        "approve=4",
        "other=4",
        "PLAN_SUBMITTED",
        "submit=0",
        "submitted",
    ] {
        ran.prints(words);
    }
    ran.prints("1\n");
    assert_eq!(sandbox.read(worktree.join("src/one.txt")), "1\n");
    assert!(worktree.join("src/two.txt").exists() && !worktree.join("target").exists());
    assert_eq!(sandbox.task_state("auth"), "planning");

    approve(&sandbox).expect(0);
    let ran = caged(
        &sandbox,
        "echo one > src/one.txt && git commit -qam one && wt validate",
    );
    ran.expect(0).prints("VALIDATION_OK");
    let ran = caged(
        &sandbox,
        "echo two > src/two.txt && git commit -qam two && wt validate",
    );
    ran.expect(1).prints("OUT_OF_PLAN paths=1");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_cage_that_was_opened_in_planning_stays_one_and_the_operator_is_told() {
    let sandbox = planned("required = true");
    if !held(&sandbox) {
        return;
    }
    let script = format!(
        "wt plan submit <<'EOF' || exit 9\n{}EOF\nuntil wt show --json | grep -q working; do sleep 0.05; done; echo x > src/one.txt",
        plan_of(&["src/one.txt"])
    );
    let started = sandbox.start(&["run", "auth", "--", "sh", "-c", &script]);
    wait_until("the plan is submitted", || {
        sandbox.show("auth")["plan"]["stage"] == "submitted"
    });
    approve(&sandbox)
        .expect(0)
        .says("was begun in planning")
        .says("wt run auth");
    let ran = started.finish(&sandbox);
    assert_ne!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(
        sandbox.read(sandbox.worktree("auth").join("src/one.txt")),
        "1\n"
    );
    caged(&sandbox, "echo x > src/one.txt").expect(0);
}

#[test]
fn no_commit_of_a_cage_in_planning_waits_for_the_approval() {
    let sandbox = planned("required = true");
    if !held(&sandbox) {
        return;
    }
    let before = sandbox.git(&["rev-parse", "wt/auth"]);
    let script = "git commit -q --allow-empty -m sneaky || echo refused\n\
         export GIT_OBJECT_DIRECTORY=\"$TMPDIR/o\" GIT_INDEX_FILE=\"$TMPDIR/i\"; mkdir \"$TMPDIR/o\"\n\
         commit=$(echo evil | git commit-tree $(git mktree </dev/null)) && git update-ref refs/heads/wt/auth $commit || echo held";
    caged(&sandbox, script)
        .expect(0)
        .prints("refused")
        .prints("held");
    assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), before);
    super::approved(&sandbox, &["src/one.txt"]);
    caged(&sandbox, "git log --oneline main..HEAD; echo end")
        .expect(0)
        .prints("end");
    assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), before);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}
