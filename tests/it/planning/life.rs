//! Whole lives of planned tasks: submitted, sent back, approved, amended, landed; and those that start later.

use serde_json::json;

use super::{approve, approved, fed, fed_in, plan_of, planned, submit};
use crate::sandbox::Sandbox;

#[test]
fn a_task_is_planned_sent_back_approved_amended_and_landed() {
    let sandbox = planned("required = true");
    let worktree = sandbox.worktree("auth");
    assert_eq!(sandbox.task_state("auth"), "planning");
    sandbox.wt(&["list"]).expect(0).prints("planning");
    let rules = sandbox.read(worktree.join(".wt/RULES.md"));
    let [before, after] = [
        "No plan of this task is approved yet: first do what 4 says",
        "1. Do the work.",
    ]
    .map(|words| rules.find(words).expect(words));
    assert!(before < after, "{rules}");
    assert!(rules.contains("is approved yet: read as much as you like"));
    for args in [["validate", "auth"], ["merge", "auth"]] {
        sandbox
            .wt(&args)
            .expect(4)
            .says("task `auth` is planning: no plan is approved yet")
            .says("wt plan submit");
    }
    sandbox
        .wt(&["resume", "auth", "--because", "x", "--operator", "ann"])
        .expect(4);
    sandbox.wt(&["sync", "auth"]).expect(0);
    sandbox.wt(&["scope", "check", "src/one.txt", "--task", "auth"]).expect(1).prints(
        "OUT_OF_PLAN paths=1\n  src/one.txt: not to be changed before a plan is approved; say what is to change first: wt plan template, then wt plan submit\n",
    );

    // From the worktree, its own form filled in.
    let form = sandbox.wt_in(&worktree, &["plan", "template"]);
    form.expect(0)
        .prints("- `sh test.sh`")
        .prints("Within: `src`");
    let first = fed_in(
        &sandbox,
        &worktree,
        &["plan", "submit"],
        &plan_of(&["src/one.txt"]),
    );
    first.expect(0).prints("PLAN_SUBMITTED plan=");
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("planning, plan submitted");
    sandbox
        .wt(&["validate", "auth"])
        .expect(4)
        .says("wt plan approve auth");
    let reject = [
        "plan",
        "reject",
        "auth",
        "--because",
        "two as well",
        "--operator",
        "ann",
    ];
    sandbox.wt(&reject).expect(0);
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("planning, plan rejected");
    sandbox
        .wt(&["validate", "auth"])
        .expect(4)
        .says("the plan was rejected: two as well");
    sandbox
        .wt(&reject)
        .expect(4)
        .says("no plan of task `auth` waits for approval");
    approve(&sandbox)
        .expect(4)
        .says("no plan of task `auth` waits for approval");
    assert_eq!(sandbox.task_state("auth"), "planning");

    approved(&sandbox, &["src/one.txt", "src/two.txt", "src/new/**"]);
    assert_eq!(sandbox.task_state("auth"), "working");
    let rules = sandbox.read(worktree.join(".wt/RULES.md"));
    assert!(
        rules.contains("## 6. Plan") && rules.contains("    ## Root cause"),
        "{rules}"
    );
    assert!(
        rules.contains("change only what the plan names: `src/one.txt`, `src/two.txt`, `src/new`"),
        "{rules}"
    );
    assert!(!rules.contains("No plan of this task"), "{rules}");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");

    sandbox.write(worktree.join("src/one.txt"), "one\n");
    sandbox.write(worktree.join("src/three.txt"), "3\n");
    sandbox.write(worktree.join("x.lock"), "all may\n");
    sandbox.commit(&worktree, "work");
    let out = sandbox.wt(&["validate", "auth"]);
    out.expect(1);
    insta::assert_snapshot!(out.out, @r#"
    OUT_OF_PLAN paths=1
      src/three.txt: outside this task's plan; leave it, or plan for it: wt plan amend --because "<why>"
    next: take these changes back (git checkout main -- <path>; delete what is new), or have the plan amended (wt plan amend --because "<why>"), then: wt validate
    "#);
    assert_eq!(
        sandbox.wt(&["validate", "auth", "--json"]).json()["verdict"],
        "OUT_OF_PLAN"
    );
    assert_eq!(sandbox.show("auth")["attempts"], 0);

    let amend = ["plan", "amend", "auth", "--because", "three reads one"];
    let wider = plan_of(&["src/one.txt", "src/three.txt", "src/new/**"]);
    fed(&sandbox, &amend, &wider)
        .expect(0)
        .prints("the approved plan holds until");
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("working, amendment submitted");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("OUT_OF_PLAN paths=1");
    assert_eq!(sandbox.task_state("auth"), "working");
    approve(&sandbox)
        .expect(0)
        .says("may change: src/one.txt, src/three.txt, src/new");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK");

    let shown = sandbox.wt(&["show", "auth"]);
    let beside = shown
        .out
        .split_once("planned and changed")
        .expect("side by side")
        .1;
    assert_eq!(
        beside,
        "\n  src/one.txt\n  src/three.txt\nplanned and untouched\n  src/new\nchanged and unplanned\n  x.lock\n"
    );
    let plan = sandbox.show("auth")["plan"].clone();
    assert_eq!(plan["changed"], json!(["src/one.txt", "src/three.txt"]));
    assert_eq!(
        (&plan["untouched"], &plan["unplanned"]),
        (&json!(["src/new"]), &json!(["x.lock"]))
    );
    assert_eq!(
        plan["approved"]["amendments"][0]["because"],
        "three reads one"
    );
    assert_eq!(
        plan["approved"]["base"],
        json!(sandbox.git(&["rev-parse", "main"]))
    );
    sandbox.wt(&["merge", "auth", "--keep"]).expect(0);
    assert_eq!(
        sandbox.show("auth")["plan"]["changed"],
        json!(["src/one.txt", "src/three.txt"])
    );
    submit(&sandbox, &["src/one.txt"])
        .expect(4)
        .says("has landed");
    let events: Vec<String> = sandbox
        .events("auth")
        .into_iter()
        .filter(|e| e.starts_with("plan-"))
        .collect();
    assert_eq!(
        events,
        [
            "plan-submitted",
            "plan-rejected",
            "plan-submitted",
            "plan-approved",
            "plan-submitted",
            "plan-approved"
        ]
    );
}

#[test]
fn a_plan_that_passes_is_approved_at_once_where_the_contract_says_so() {
    let sandbox = planned("required = true\napprove = \"auto\"\nhedges = [\"maybe\"]");
    submit(&sandbox, &["docs/notes.md"]).expect(4);
    assert_eq!(sandbox.task_state("auth"), "planning");
    let taken = submit(&sandbox, &["src/one.txt"]);
    taken
        .expect(0)
        .prints("PLAN_APPROVED plan=")
        .prints("next: change only src/one.txt");
    assert_eq!(sandbox.task_state("auth"), "working");
    submit(&sandbox, &["src"])
        .expect(4)
        .says("wt plan amend --because");
    let amended = fed(
        &sandbox,
        &["plan", "amend", "auth", "--because", "more", "--json"],
        &plan_of(&["src"]),
    );
    assert_eq!(
        (&amended.json()["stage"], &amended.json()["known"]),
        (&json!("approved"), &json!(false))
    );
    let plan = &sandbox.show("auth")["plan"]["approved"];
    assert_eq!(
        (&plan["by"], &plan["files"]),
        (&json!("auto"), &json!(["src"]))
    );
}

#[test]
fn a_task_alone_may_be_planned_and_one_that_waits_begins_with_its_plan() {
    let sandbox = Sandbox::new();
    sandbox.spawn("free");
    assert_eq!(sandbox.task_state("free"), "working");
    assert_eq!(sandbox.show("free")["plan"], json!(null));
    sandbox
        .wt(&["plan", "show", "free"])
        .expect(4)
        .says("wt spawn <task> --plan");
    sandbox.wt(&["spawn", "auth", "--plan"]).expect(0);
    assert_eq!(sandbox.task_state("auth"), "planning");
    sandbox
        .wt(&["spawn", "later", "--plan", "--after", "free"])
        .expect(0);
    assert_eq!(sandbox.task_state("later"), "waiting");
    fed(&sandbox, &["plan", "submit", "later"], &plan_of(&["x"]))
        .expect(4)
        .says("task `later` waits for free");
    sandbox.write(sandbox.worktree("free").join("a"), "a\n");
    sandbox.commit(&sandbox.worktree("free"), "a");
    sandbox.wt(&["validate", "free"]).expect(0);
    sandbox
        .wt(&["merge", "free"])
        .expect(0)
        .says("task `later` has started");
    assert_eq!(sandbox.task_state("later"), "planning");
    sandbox
        .wt(&["merge", "--all"])
        .expect(0)
        .says("no task is validated");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_plan_outlives_its_tasks_removal() {
    let sandbox = planned("required = true");
    submit(&sandbox, &["src/one.txt"]).expect(0);
    let shown = sandbox.wt(&["plan", "show", "auth"]).out;
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(sandbox.task_state("auth"), "planning");
    assert_eq!(sandbox.wt(&["plan", "show", "auth"]).out, shown);
    approve(&sandbox).expect(0);
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.wt(&["restore", "auth"]).expect(0);
    sandbox
        .wt(&["scope", "check", "src/two.txt", "--task", "auth"])
        .expect(1)
        .prints("outside this task's plan");
    sandbox
        .wt(&["scope", "check", "src/one.txt", "--task", "auth"])
        .expect(0);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_plan_that_has_not_landed_is_kept_without_force_too() {
    let sandbox = planned("required = true");
    sandbox.wt(&["rm", "docs"]).expect(0);
    sandbox
        .wt(&["restore", "docs"])
        .expect(4)
        .says("had a plan");
    submit(&sandbox, &["src/one.txt"]).expect(0);
    let shown = sandbox.wt(&["plan", "show", "auth"]).out;
    for _ in ["submitted", "approved"] {
        let before = sandbox.wt(&["plan", "show", "auth"]).out;
        sandbox
            .wt(&["rm", "auth"])
            .expect(0)
            .says("wt restore auth");
        sandbox.wt(&["restore", "auth"]).expect(0);
        assert_eq!(sandbox.wt(&["plan", "show", "auth"]).out, before);
        approve(&sandbox).expect(0);
    }
    assert_ne!(sandbox.wt(&["plan", "show", "auth"]).out, shown);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn what_an_approved_plan_names_is_no_other_tasks() {
    let sandbox = Sandbox::new();
    for task in ["one", "two"] {
        sandbox.wt(&["spawn", task, "--plan"]).expect(0);
        let plan = plan_of(&["src/a.rs", "lib/**"]);
        fed(&sandbox, &["plan", "submit", task], &plan).expect(0);
    }
    let approve = |task: &str| sandbox.wt(&["plan", "approve", task, "--operator", "ann"]);
    approve("one").expect(0);
    approve("two")
        .expect(4)
        .says("src/a.rs: owned by task `one`");
    sandbox
        .wt(&["spawn", "three", "--owns", "lib/x"])
        .expect(4)
        .says("which task `one` owns");
    sandbox.wt(&["spawn", "four", "--owns", "docs"]).expect(0);
    sandbox
        .wt(&["scope", "grant", "four", "lib", "--operator", "ann"])
        .expect(4);
    let plan = plan_of(&["src/b.rs"]);
    fed(&sandbox, &["plan", "submit", "two"], &plan).expect(0);
    approve("two").expect(0);
    sandbox
        .wt(&["scope", "show"])
        .prints("src/a.rs, lib (its plan)")
        .prints("src/b.rs (its plan)");

    // A claim that is given up leaves the plan.
    let four = plan_of(&["docs/x"]);
    fed(&sandbox, &["plan", "submit", "four"], &four).expect(0);
    approve("four").expect(0);
    sandbox
        .wt(&["scope", "release", "four", "docs", "--operator", "ann"])
        .expect(0)
        .says("it may change what its plan names (docs/x)");
}

#[test]
fn the_plan_that_the_readme_shows_is_one() {
    let readme = include_str!("../../../README.md");
    let (_, plans) = readme.split_once("## Plans").expect("a section");
    let (_, example) = plans.split_once("```markdown\n").expect("an example");
    let (plan, _) = example.split_once("```\n").expect("its end");
    let sandbox = Sandbox::new();
    let owns = ["--owns", "src/auth/**", "--owns", "tests/auth/**"];
    sandbox
        .wt(&[&["spawn", "auth", "--plan"][..], &owns].concat())
        .expect(0)
        .says("task `auth` is planning")
        .says("then: wt plan show auth, wt plan approve auth\n");
    fed(&sandbox, &["plan", "submit", "auth"], plan)
        .expect(0)
        .says("no step of the gate: cargo test auth::refresh");
    approve(&sandbox)
        .expect(0)
        .says("may change: src/auth/refresh.rs, tests/auth");
}

#[test]
fn a_plan_that_is_newer_than_the_receipt_is_told_so() {
    let sandbox = planned("required = true");
    approved(&sandbox, &["src"]);
    let worktree = sandbox.worktree("auth");
    sandbox.write(worktree.join("src/one.txt"), "one\n");
    sandbox.commit(&worktree, "work");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let amend = ["plan", "amend", "auth", "--because", "less"];
    fed(&sandbox, &amend, &plan_of(&["src/two.txt"])).expect(0);
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("validated, amendment submitted");
    approve(&sandbox).expect(0);
    sandbox
        .wt(&["list"])
        .expect(0)
        .prints("validated, plan amended since");
    assert_eq!(sandbox.show("auth")["plan"]["newer_than_receipt"], true);
    sandbox
        .wt(&["merge", "auth"])
        .expect(1)
        .prints("OUT_OF_PLAN");
}
