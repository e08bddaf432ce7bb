//! One task from its beginning to its end, and what is left of it.

use crate::sandbox::{self, Sandbox};

#[test]
fn a_task_fails_is_mended_lands_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let spawned = sandbox.wt(&["spawn", "auth", "-m", "Refresh expired tokens."]);
    assert_eq!(
        (spawned.out.as_str(), spawned.err.as_str()),
        ("<root>/repo.wt/auth\n", "")
    );
    let worktree = sandbox.worktree("auth");

    sandbox.write(worktree.join("broken"), "");
    let failed = sandbox.wt_in(&worktree, &["validate"]);
    failed.expect(1);
    insta::assert_snapshot!(failed.steady(), @r#"
    TEST_FAILURE step=test exit=1 0.0s attempt=1/2
    first failure: FAIL: broken
      FAIL: broken
    full log: .wt/last/test.log (1 lines)
    next: mend this failure only, then once: wt validate --cause "<why it failed>"
    "#);
    assert_eq!(
        sandbox.read(worktree.join(".wt/last/test.log")),
        "FAIL: broken\n"
    );

    std::fs::remove_file(worktree.join("broken")).expect("removed");
    sandbox.write(worktree.join("auth.txt"), "token\n");
    sandbox
        .wt_in(&worktree, &["validate"])
        .expect(4)
        .says("wants the cause");
    let passed = sandbox.wt_in(&worktree, &["validate", "--cause", "a file was left"]);
    passed.expect(0);
    insta::assert_snapshot!(passed.steady(), @r"
    VALIDATION_OK steps=1 0.0s receipt=<hash>
    next: wt merge auth
    ");

    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("uncommitted work: auth.txt");
    let landed = sandbox.wt(&["merge", "auth", "--commit", "-m", "Refresh tokens"]);
    landed.expect(0);
    insta::assert_snapshot!(landed.steady(), @"landed auth on main as <hash> receipt=<hash>");
    assert_eq!(sandbox.read("auth.txt"), "token\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert_eq!(sandbox.git(&["branch", "--list", "wt/*"]), "");
    assert_eq!(
        sandbox
            .git(&["worktree", "list"])
            .lines()
            .filter(|l| l.contains("auth"))
            .count(),
        0
    );
    assert!(!worktree.exists());
    sandbox.wt(&["list"]).expect(0).says("no tasks");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_killed_judge_leaves_nothing_running_and_counts_nothing() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", sandbox::CONTRACT),
        (
            "test.sh",
            "[ -f quick ] && exit 0\necho $$ > \"$HOME/notes/step\"\nexec sleep 300\n",
        ),
    ]);
    let worktree = sandbox.spawn("auth");
    let mut caller = sandbox
        .command(sandbox::wt())
        .args(["validate", "auth"])
        .spawn()
        .expect("started");
    let step = sandbox.wait_for(&sandbox.notes().join("step"));
    let judge: serde_json::Value =
        serde_json::from_str(&sandbox.read(sandbox.state().join("tasks/auth/runs/1/judge.json")))
            .expect("JSON");
    let kill = |pid: &str| {
        sandbox
            .command("kill")
            .args(["-9", pid])
            .status()
            .expect("run")
    };
    kill(&judge["pid"].to_string());
    assert_eq!(caller.wait().expect("ended").code(), Some(70));
    assert_eq!(
        (
            sandbox.task_state("auth").as_str(),
            sandbox.show("auth")["attempts"].as_u64()
        ),
        ("working", Some(0))
    );

    sandbox.write(worktree.join("quick"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let alive = std::path::Path::new("/proc")
        .join(step.trim())
        .join("environ");
    assert!(
        std::fs::read(alive).unwrap_or_default().is_empty(),
        "the step of the killed judge still runs"
    );
    sandbox.wt(&["doctor"]).expect(0);
}
