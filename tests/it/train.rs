//! Several tasks land at once: one run of the gate, one move of the target, and whose failure a failure is.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// A gate that notes each of its runs, and fails where certain files are together.
const GATE: &str = "echo \"$WT_TASK\" >> ~/notes/runs
if [ -f left ] && [ -f right ]; then echo 'FAIL: both'; exit 1; fi
if [ -f one ] && [ -f two ] && [ -f three ]; then echo 'FAIL: all three'; exit 1; fi
if [ -f slow ]; then touch ~/notes/begun; while [ ! -f ~/notes/go ]; do sleep 0.01; done; fi
";

fn with_gate(files: &[(&str, &str)]) -> Sandbox {
    let mut all = vec![
        ("wt.toml", CONTRACT),
        ("test.sh", GATE),
        ("README.md", "one\ntwo\nthree\nfour\nfive\n"),
    ];
    all.extend(files);
    Sandbox::with(&all)
}

/// How often the gate has run.
fn runs(sandbox: &Sandbox) -> usize {
    let notes = fs::read_to_string(sandbox.notes().join("runs")).unwrap_or_default();
    notes.lines().count()
}

/// The tasks that the first-parent commits of main name, oldest first.
fn landed(sandbox: &Sandbox) -> Vec<String> {
    let format = "--format=%(trailers:key=Wt-Task,valueonly,separator=)";
    let log = sandbox.git(&["log", "--first-parent", "--reverse", format, "main"]);
    let named = log.lines().filter(|line| !line.is_empty());
    named.map(str::to_owned).collect()
}

fn receipts(sandbox: &Sandbox, count: usize) -> Vec<String> {
    let format = "--format=%(trailers:key=Wt-Receipt,valueonly,separator=)";
    let count = format!("-{count}");
    let log = sandbox.git(&["log", "--first-parent", format, &count, "main"]);
    log.lines().map(str::to_owned).collect()
}

/// Holds that the last `count` landings name one receipt, which is that of the tree of main.
#[track_caller]
fn assert_one_receipt(sandbox: &Sandbox, count: usize) {
    let mut named = receipts(sandbox, count);
    named.dedup();
    assert_eq!(named.len(), 1, "several receipts: {named:?}");
    let file = sandbox.state().join(format!("receipts/{}.json", named[0]));
    let receipt: serde_json::Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    let tree = sandbox.git(&["rev-parse", "main^{tree}"]);
    assert_eq!(receipt["tree"], tree.as_str());
}

/// The lines of an answer that tell of tasks, cut before what varies.
fn told(out: &str) -> Vec<String> {
    let lines = out.lines().filter(|line| {
        ["landed ", "put back ", "left out ", "would land "]
            .iter()
            .any(|word| line.starts_with(word))
    });
    let cut = |line: &str| line.split(" as ").next().unwrap_or_default().to_owned();
    lines.map(cut).collect()
}

#[test]
fn five_green_tasks_are_judged_once_and_land_with_one_move() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = with_gate(&[]);
        let names = ["a", "b", "c", "d", "e"];
        for name in names {
            sandbox.validated(name, &format!("{name}.txt"), "");
        }
        let (old, before) = (sandbox.git(&["rev-parse", "main"]), runs(&sandbox));
        let merged = sandbox.wt(&["merge", "--all", "--strategy", strategy]);
        merged
            .expect(0)
            .says("order on main: a, b, c, d, e (the oldest first)")
            .says("judging a, b, c, d, e together on main")
            .prints("(judged together: a, b, c, d, e)\n");
        assert_eq!(told(&merged.out).len(), 5, "{}", merged.out);
        assert_eq!(runs(&sandbox) - before, 1, "{strategy}");

        assert_eq!(landed(&sandbox), names);
        assert_one_receipt(&sandbox, 5);
        assert_eq!(sandbox.git(&["rev-parse", "main~5"]), old);
        // One move: the ref went from the old tip to the last commit at once.
        assert_eq!(sandbox.git(&["rev-parse", "main@{1}"]), old);
        for (number, name) in names.iter().enumerate() {
            let commit = format!("main~{}", 4 - number);
            let files = sandbox.git(&["diff", "--name-only", &format!("{commit}^"), &commit]);
            assert_eq!(files, format!("{name}.txt"));
            assert!(!sandbox.worktree(name).exists());
            assert!(sandbox.events(name).contains(&"landed".to_owned()));
        }
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        assert!(sandbox.repo().join("e.txt").exists());
        assert_eq!(sandbox.git(&["branch", "--list", "wt/*"]), "");
        let log = sandbox.wt(&["log", "e", "--json"]);
        let train = log.out.lines().find(|line| line.contains("\"train\""));
        let train: serde_json::Value = serde_json::from_str(train.expect("told")).expect("JSON");
        assert_eq!(train["facts"]["members"], json!(names));
        assert_eq!(train["facts"]["run"], 2);
        sandbox.wt(&["doctor"]).expect(0);
    }
}

#[test]
fn a_known_tree_lands_without_a_run() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "b.txt", "");
    // Somebody judged the very tree that both make of main.
    let both = sandbox.spawn("both");
    sandbox.write(both.join("a.txt"), "");
    sandbox.write(both.join("b.txt"), "");
    sandbox.wt(&["validate", "both"]).expect(0);
    let before = runs(&sandbox);
    let plan = sandbox.wt(&["merge", "a", "b", "--dry-run"]);
    plan.expect(0).prints("the gate need not run");
    let merged = sandbox.wt(&["merge", "b", "a"]);
    merged.expect(0);
    assert_eq!(runs(&sandbox), before);
    assert_eq!(landed(&sandbox), ["a", "b"]);
    assert_one_receipt(&sandbox, 2);
    assert!(both.exists());
}

#[test]
fn two_green_tasks_that_are_red_together_are_named_as_a_pair() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "left", "");
    let worktree = sandbox.validated("b", "right", "");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(1)
        .prints("put back b:\nTEST_FAILURE step=test exit=1")
        .prints("a failing pair: red together with a, green without\n")
        .prints("first failure: FAIL: both");
    assert_eq!(told(&merged.out), ["put back b:", "landed a on main"]);
    assert_eq!(landed(&sandbox), ["a"]);
    assert_one_receipt(&sandbox, 1);
    let facts = sandbox.show("b");
    assert_eq!(
        (&facts["state"], &facts["attempts"]),
        (&json!("working"), &json!(0))
    );
    assert!(
        sandbox
            .read(worktree.join(".wt/last/test.log"))
            .contains("FAIL: both")
    );
    assert!(sandbox.events("b").contains(&"combination-red".to_owned()));
    sandbox.wt(&["doctor"]).expect(0);

    // What is done is no next step; that it needs someone is told until it is validated again.
    assert_eq!(facts["put_back"], json!(["a"]));
    sandbox
        .wt(&["list"])
        .prints("working, put back (red with a)  ");
    sandbox
        .wt(&["show", "b"])
        .prints("next: no attempt was counted: wt sync b (");

    // It is judged on main as it is now, and mended there.
    sandbox
        .wt(&["validate", "b"])
        .expect(1)
        .prints("FAIL: both");
    assert_eq!(sandbox.show("b")["attempts"], 0);
    sandbox.wt(&["sync", "b"]).expect(0);
    sandbox
        .wt(&["show", "b"])
        .prints("next: no attempt was counted: mend, commit, wt validate\n");
    sandbox.git_in(&worktree, &["rm", "-q", "left"]);
    sandbox.commit(&worktree, "one of them");
    sandbox.wt(&["validate", "b"]).expect(0);
    assert_eq!(sandbox.show("b")["put_back"], json!(null));
    sandbox.wt(&["merge", "--all"]).expect(0);
    assert_eq!(landed(&sandbox), ["a", "b"]);
}

#[test]
fn of_three_that_fail_only_together_the_last_is_put_back() {
    let sandbox = with_gate(&[]);
    for name in ["one", "two", "more", "three"] {
        sandbox.validated(name, name, "");
    }
    let merged = sandbox.wt(&["merge", "--all", "--json"]);
    let answer = merged.expect(1).json();
    assert_eq!(answer["red"][0]["task"], "three");
    let mut with: Vec<&str> = answer["red"][0]["report"]["with"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    with.sort_unstable();
    assert_eq!(with, ["one", "two"]);
    assert_eq!(answer["red"][0]["report"]["verdict"], "TEST_FAILURE");
    assert_eq!(
        answer["landed"][0]["together"],
        json!(["one", "two", "more"])
    );
    assert_eq!(landed(&sandbox), ["one", "two", "more"]);
    assert_eq!(sandbox.task_state("three"), "working");
}

#[test]
fn one_that_is_red_on_the_target_by_itself_is_found() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "right", "");
    sandbox.validated("c", "c.txt", "");
    sandbox.write("left", "");
    sandbox.commit(&sandbox.repo(), "meanwhile");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged.expect(1);
    assert_eq!(
        told(&merged.out),
        ["put back b:", "landed a on main", "landed c on main"]
    );
    assert_eq!(sandbox.task_state("b"), "working");
}

#[test]
fn what_conflicts_stays_behind_and_the_rest_lands() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "README.md", "of a\n");
    sandbox.validated("b", "README.md", "of b\n");
    sandbox.validated("c", "c.txt", "");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(5)
        .says("a and b conflict in: README.md")
        .prints("left out b: conflicts with a in: README.md; next: with a on main, in its worktree: git merge main, ");
    assert_eq!(landed(&sandbox), ["a", "c"]);
    assert_eq!(sandbox.task_state("b"), "validated");
    // The next time it is the target that it conflicts with.
    let again = sandbox.wt(&["merge", "--all"]);
    again.expect(5).prints(
        "left out b: conflicts with main in: README.md; next: in its worktree: git merge main, ",
    );
}

#[test]
fn a_task_goes_after_the_one_whose_commits_it_holds() {
    let sandbox = with_gate(&[]);
    let upper = sandbox.spawn("upper");
    sandbox.validated("lower", "lower.txt", "");
    sandbox.git_in(&upper, &["merge", "-q", "--ff-only", "wt/lower"]);
    sandbox.write(upper.join("upper.txt"), "");
    sandbox.commit(&upper, "on top");
    sandbox.wt(&["validate", "upper"]).expect(0);
    sandbox
        .wt(&["merge", "upper"])
        .expect(4)
        .says("of task `lower`, which has not landed");
    let merged = sandbox.wt(&["merge", "upper", "lower"]);
    merged
        .expect(0)
        .says("order on main: lower, upper (upper after lower; the oldest first)");
    assert_eq!(landed(&sandbox), ["lower", "upper"]);
}

#[test]
fn who_can_not_land_is_left_out_with_the_reason() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "a.txt", "");
    let easier = sandbox.validated("judge", "test.sh", "exit 0\n");
    let dirty = sandbox.validated("dirty", "d.txt", "");
    sandbox.write(dirty.join("late"), "");
    let newer = sandbox.validated("newer", "n.txt", "");
    sandbox.write(newer.join("n.txt"), "more");
    sandbox.commit(&newer, "more");
    sandbox.validated("z", "z.txt", "");
    let before = sandbox.picture();
    sandbox
        .wt(&["merge", "a", "dirty", "z"])
        .expect(4)
        .says("task `dirty` has uncommitted work: late");
    sandbox
        .wt(&["merge", "a", "nobody"])
        .expect(4)
        .says("there is no task \"nobody\"");
    sandbox.wt(&["merge", "a", "z", "-m", "x"]).expect(64);
    sandbox.wt(&["merge", "--all", "a"]).expect(64);
    sandbox.assert_as(&before);

    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(4)
        .prints("left out dirty: has uncommitted work: late; next: commit it in the worktree, or let wt do it: wt merge dirty --commit -m ")
        .prints("left out newer: has changed since it was validated: the tip of its branch was not judged; next: wt validate newer")
        .prints("left out judge: JUDGE_CHANGED: task `judge` changes what judges it: test.sh; next: ");
    assert_eq!(landed(&sandbox), ["a", "z"]);
    assert!(easier.exists());
    for name in ["judge", "dirty", "newer"] {
        assert_eq!(sandbox.task_state(name), "validated");
    }
}

#[test]
fn a_target_that_is_red_itself_holds_up_only_who_needs_the_step() {
    let step = "\n[[gate]]\nname = \"data\"\nkind = \"check\"\nrun = \"if [ -f bad ]; then echo FAIL: bad; exit 1; fi\"\nwhen = [\"data/**\"]\n";
    let sandbox = with_gate(&[("wt.toml", &format!("{CONTRACT}{step}"))]);
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "data/b", "");
    sandbox.validated("c", "c.txt", "");
    sandbox.write("bad", "");
    sandbox.commit(&sandbox.repo(), "past wt");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(1)
        .prints("left out b:\nTARGET_RED step=data target=")
        .prints("first failure: FAIL: bad");
    assert_eq!(landed(&sandbox), ["a", "c"]);
    let facts = sandbox.show("b");
    assert_eq!(
        (&facts["state"], &facts["attempts"]),
        (&json!("validated"), &json!(0))
    );
}

#[test]
fn a_dry_run_shows_the_train_and_changes_nothing() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "README.md", "of a\n");
    sandbox.validated("b", "README.md", "of b\n");
    sandbox.validated("c", "c.txt", "");
    let (before, count) = (sandbox.picture(), runs(&sandbox));
    let dry = sandbox.wt(&["merge", "--all", "--dry-run"]);
    dry.expect(5);
    insta::assert_snapshot!(dry.steady(), @r"
    left out b: conflicts with a in: README.md; next: with a on main, in its worktree: git merge main, solve it, commit, then wt validate
    would land a on main (merge): 1 path, tree <hash> has a receipt
    would land c on main (merge): 1 path, tree <hash> has none
    the gate would run once; the files of the checkout <root>/repo are updated, too
    ");
    let plan = sandbox.wt(&["merge", "--all", "--dry-run", "--json"]);
    let plan = plan.expect(5).json();
    assert_eq!(plan["left_out"][0]["paths"], json!(["README.md"]));
    assert_eq!(plan["plans"][0]["runs"], 1);
    assert_eq!(plan["plans"][0]["conflicts"][0]["tasks"], json!(["a", "b"]));
    assert_eq!(plan["plans"][0]["tasks"][1]["task"], "c");
    assert_eq!(runs(&sandbox), count);
    sandbox.assert_as(&before);
}

#[test]
fn each_prefix_is_judged_where_the_contract_wants_it() {
    let contract = format!("{CONTRACT}\n[land]\neach = true\n");
    let sandbox = with_gate(&[("wt.toml", &contract)]);
    sandbox.validated("a", "left", "");
    sandbox.validated("b", "right", "");
    sandbox.validated("c", "c.txt", "");
    sandbox.validated("d", "d.txt", "");
    let before = runs(&sandbox);
    let plan = sandbox.wt(&["merge", "--all", "--dry-run", "--json"]);
    assert_eq!(plan.expect(0).json()["plans"][0]["runs"], 3);
    let merged = sandbox.wt(&["merge", "--all"]);
    merged.expect(1);
    assert_eq!(
        told(&merged.out),
        [
            "landed a on main",
            "put back b:",
            "landed c on main",
            "landed d on main"
        ]
    );
    // The first is known, and each of the others is judged upon what landed before it.
    assert!(runs(&sandbox) - before >= 3);
    let mut named = receipts(&sandbox, 3);
    named.dedup();
    assert_eq!(named.len(), 3);
    assert!(!merged.out.contains("together"), "{}", merged.out);
}

#[test]
fn a_record_that_cannot_be_read_stops_only_what_it_could_own() {
    let sandbox = Sandbox::new();
    let claiming = |task: &str| {
        sandbox.wt(&["spawn", task, "--owns", task]).expect(0);
        sandbox.worktree(task)
    };
    let change = |task: &str| {
        sandbox.write(sandbox.worktree(task).join(task), "");
        sandbox.commit(&sandbox.worktree(task), task);
    };
    let broken = claiming("broken");
    change("broken");
    sandbox.git_in(&broken, &["rm", "-q", "broken"]);
    sandbox.commit(&broken, "taken back");
    claiming("claims");
    change("claims");
    let leans = claiming("leans");
    sandbox.git_in(&leans, &["merge", "-q", "--ff-only", "wt/broken"]);
    change("leans");
    sandbox.validated("none", "none", "");
    sandbox.wt(&["validate", "leans"]).expect(0);
    let record = sandbox.state().join("tasks/broken/task.json");
    let whole = sandbox.read(&record);
    sandbox.write(&record, "{");
    sandbox.wt(&["validate", "claims"]).expect(0);

    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(4)
        .prints("landed claims on main")
        .prints("left out none: has no claim of its own, and what task `broken` owns is not known: the state file ")
        .prints("left out leans: contains commit ")
        .prints(", which may be of task `broken`: the state file ")
        .prints("tasks/broken/task.json can't be read")
        .prints("next: mend that record first: wt doctor");
    assert_eq!(landed(&sandbox), ["claims"]);
    sandbox.write(&record, &whole);
    sandbox
        .wt(&["merge", "--all"])
        .expect(4)
        .prints("land that one first: wt merge broken");
    assert_eq!(landed(&sandbox), ["claims", "none"]);
}

#[test]
fn work_in_the_way_of_one_holds_up_that_one() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "README.md", "of a\n");
    sandbox.validated("b", "b.txt", "");
    sandbox.validated("c", "c.txt", "");
    sandbox.write("README.md", "mine\n");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(4)
        .prints("left out a: <root>/repo has work of your own in main");
    assert_eq!(landed(&sandbox), ["b", "c"]);
    assert_eq!(sandbox.read("README.md"), "mine\n");
}

#[test]
fn a_killed_train_is_taken_up_again_and_judged_once() {
    let (sandbox, merging) = judging();
    let before = runs(&sandbox);
    merging.signal(Signal::KILL);
    let _ = merging.finish(&sandbox);
    let mut again = sandbox.start(&["merge", "--all"]);
    again.hear("waiting for its verdict");
    fs::write(sandbox.notes().join("go"), "").expect("written");
    let again = again.finish(&sandbox);
    again.expect(0).prints("(judged together: a, b)");
    assert_eq!(runs(&sandbox), before);
    assert_eq!(landed(&sandbox), ["a", "b"]);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_member_that_changes_while_it_is_judged_is_left_out() {
    let sandbox = with_gate(&[]);
    fs::write(sandbox.notes().join("go"), "").expect("written");
    sandbox.validated("a", "slow", "");
    let changed = sandbox.validated("b", "b.txt", "");
    sandbox.validated("c", "c.txt", "");
    fs::remove_file(sandbox.notes().join("go")).expect("removed");
    fs::remove_file(sandbox.notes().join("begun")).expect("removed");
    let mut merging = sandbox.start(&["merge", "--all"]);
    // Whoever asks for one of them meanwhile learns that it has landed.
    wait_until("the gate has begun", || {
        sandbox.notes().join("begun").exists()
    });
    let mut other = sandbox.start(&["merge", "a"]);
    other.hear("waiting for");
    sandbox.write(changed.join("b.txt"), "more\n");
    sandbox.commit(&changed, "more");
    fs::write(sandbox.notes().join("go"), "").expect("written");
    merging.hear("combining anew");
    let merged = merging.finish(&sandbox);
    merged
        .expect(4)
        .prints("left out b: has changed since it was validated");
    assert_eq!(landed(&sandbox), ["a", "c"]);
    let other = other.finish(&sandbox);
    other
        .expect(0)
        .says("task `a` has landed meanwhile")
        .prints("landed a on main as ");
    assert_eq!(sandbox.task_state("b"), "validated");
}

#[test]
fn trains_of_several_targets_go_one_after_another() {
    let sandbox = with_gate(&[]);
    sandbox.git(&["branch", "release"]);
    sandbox.validated("a", "a.txt", "");
    sandbox
        .wt(&["spawn", "r", "--base", "release", "--target", "release"])
        .expect(0);
    sandbox.write(sandbox.worktree("r").join("r.txt"), "");
    sandbox.commit(&sandbox.worktree("r"), "r");
    sandbox.wt(&["validate", "r"]).expect(0);
    let before = runs(&sandbox);
    let merged = sandbox.wt(&["merge", "--all"]);
    merged.expect(0);
    assert_eq!(
        told(&merged.out),
        ["landed a on main", "landed r on release"]
    );
    assert_eq!(runs(&sandbox), before);
    assert_eq!(landed(&sandbox), ["a"]);
    sandbox
        .wt(&["merge", "--all"])
        .expect(0)
        .says("nothing is to land: no task is validated");
}

/// A sandbox with the tasks `a` and `b`, and a train of theirs that is being judged until `go` is written.
fn judging() -> (Sandbox, crate::sandbox::Started) {
    let sandbox = with_gate(&[]);
    let (go, begun) = (sandbox.notes().join("go"), sandbox.notes().join("begun"));
    fs::write(&go, "").expect("written");
    sandbox.validated("a", "slow", "");
    sandbox.validated("b", "b.txt", "");
    fs::remove_file(go).expect("removed");
    fs::remove_file(&begun).expect("removed");
    let merging = sandbox.start(&["merge", "--all"]);
    wait_until("the gate has begun", || begun.exists());
    (sandbox, merging)
}

#[test]
fn a_train_that_is_interrupted_lands_nothing() {
    let (sandbox, merging) = judging();
    let main = sandbox.git(&["rev-parse", "main"]);
    for member in ["a", "b"] {
        let facts = sandbox.show(member);
        assert_eq!(
            (&facts["judging"], &facts["judge"]["train"]),
            (&json!(true), &json!(["a", "b"]))
        );
        let shown = sandbox.wt(&["show", member]);
        shown.prints("validated, the judge of the train a, b is at work\n");
    }
    let listed = sandbox.wt(&["list"]);
    let judged = listed.out.matches("validated, judging in a train").count();
    assert_eq!(judged, 2, "{}", listed.out);
    merging.signal(Signal::INT);
    let merged = merging.finish(&sandbox);
    merged.expect(130).says("interrupted");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);
    for name in ["a", "b"] {
        assert_eq!(sandbox.task_state(name), "validated");
    }
    fs::write(sandbox.notes().join("go"), "").expect("written");
    sandbox.wt(&["merge", "--all"]).expect(0);
    assert_eq!(landed(&sandbox), ["a", "b"]);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_target_that_moves_while_a_train_is_judged_is_combined_anew() {
    let (sandbox, mut merging) = judging();
    sandbox.write("meanwhile", "");
    sandbox.commit(&sandbox.repo(), "past wt");
    let (moved, before) = (sandbox.git(&["rev-parse", "main"]), runs(&sandbox));
    fs::write(sandbox.notes().join("go"), "").expect("written");
    merging.hear("combining anew");
    merging.finish(&sandbox).expect(0);
    assert_eq!(runs(&sandbox) - before, 1);
    assert_eq!(sandbox.git(&["rev-parse", "main~2"]), moved);
    assert_one_receipt(&sandbox, 2);
}

#[test]
fn what_was_judged_uncommitted_is_committed_on_the_way_and_what_follows_starts() {
    let sandbox = with_gate(&[]);
    for name in ["a", "b"] {
        let worktree = sandbox.spawn(name);
        sandbox.write(worktree.join(name), "");
        sandbox.wt(&["validate", name]).expect(0);
    }
    sandbox
        .wt(&["spawn", "next", "--after", "a", "--after", "b"])
        .expect(0);
    sandbox
        .wt(&["merge", "a", "b"])
        .expect(4)
        .says("uncommitted work: a");
    let merged = sandbox.wt(&["merge", "a", "b", "--commit", "--keep"]);
    merged.expect(0).says("task `next` has started");
    assert_eq!(landed(&sandbox), ["a", "b"]);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "wt/a"]),
        "a: change a"
    );
    for name in ["a", "b"] {
        assert_eq!(sandbox.task_state(name), "landed");
        assert_eq!(
            sandbox.git_in(&sandbox.worktree(name), &["status", "--porcelain"]),
            ""
        );
    }
    assert_eq!(sandbox.task_state("next"), "working");
}

#[test]
fn a_merge_that_would_make_another_on_the_train_vanish_stays_behind() {
    let sandbox = with_gate(&[]);
    sandbox.validated("a", "a.txt", "");
    let worktree = sandbox.validated("b", "b.txt", "");
    // The same tree as was judged, as if it had taken the work of `a` in.
    let tree = sandbox.git(&["rev-parse", "wt/b^{tree}"]);
    let parents = ["-p", "wt/b", "-p", "wt/a"];
    let merge = [&["commit-tree", &tree, "-m", "all of it"], &parents[..]].concat();
    let commit = sandbox.git(&merge);
    sandbox.git_in(&worktree, &["reset", "-q", "--soft", &commit]);
    let merged = sandbox.wt(&["merge", "a", "b"]);
    merged
        .expect(4)
        .prints("left out b: commit ")
        .prints("which is not on main");
    assert_eq!(landed(&sandbox), ["a"]);
    assert!(sandbox.repo().join("a.txt").exists());
    assert_eq!(sandbox.task_state("b"), "validated");
}

#[test]
fn where_it_can_not_be_told_whose_doing_it_is_they_land_one_by_one() {
    let step = "if [ -f a.txt ] && [ -f b.txt ]; then echo more >> README.md; fi\n";
    let sandbox = with_gate(&[("test.sh", step)]);
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "b.txt", "");
    sandbox.validated("c", "c.txt", "");
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(1)
        .says("UNSTABLE_TREE together, and it can't be told by whom; landing one by one")
        .prints("left out b:\nUNSTABLE_TREE step=test");
    assert_eq!(landed(&sandbox), ["a", "c"]);
    assert_eq!(sandbox.task_state("b"), "validated");
}

#[test]
fn a_member_that_is_taken_away_while_it_is_judged_does_not_stop_the_rest() {
    let (sandbox, mut merging) = judging();
    // `b` is the last of the train, for which the judge works.
    sandbox.wt(&["rm", "b", "--force"]).expect(0);
    merging.hear("combining anew");
    let merged = merging.finish(&sandbox);
    merged.expect(4).prints("left out b: was removed; next: ");
    assert_eq!(landed(&sandbox), ["a"]);
    sandbox.wt(&["restore", "b"]).expect(0);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_combination_that_was_red_by_the_machines_fault_is_judged_anew_when_asked_for() {
    let step = "if [ -f ~/notes/broken ] && [ -f a.txt ] && [ -f b.txt ]; then echo 'FAIL: disk'; exit 1; fi\n";
    for forget in [
        &["validate", "b", "--fresh"][..],
        &["resume", "b", "--because", "the disk", "--operator", "ann"],
    ] {
        let sandbox = with_gate(&[("test.sh", step)]);
        sandbox.validated("a", "a.txt", "");
        sandbox.validated("b", "b.txt", "");
        let broken = sandbox.notes().join("broken");
        sandbox.write(&broken, "");
        let merged = sandbox.wt(&["merge", "--all"]);
        merged
            .expect(1)
            .prints("next: no attempt was counted; once a has landed: wt sync b ");
        fs::remove_file(broken).expect("removed");
        sandbox
            .wt(&["validate", "b"])
            .expect(1)
            .says("no step was run")
            .says("wt validate b --fresh judges it anew");
        sandbox.wt(forget).expect(0);
        sandbox.wt(&["validate", "b"]).expect(0);
        sandbox.wt(&["merge", "b"]).expect(0);
        assert_eq!(landed(&sandbox), ["a", "b"]);
    }
}

#[test]
fn a_red_target_is_told_of_once_for_all_and_not_run_again_while_it_stays_so() {
    let step = format!("{GATE}if [ -f bad ]; then echo 'FAIL: bad'; exit 1; fi\n");
    let sandbox = with_gate(&[("test.sh", &step)]);
    sandbox.validated("a", "a.txt", "");
    sandbox.validated("b", "b.txt", "");
    sandbox.write("bad", "");
    sandbox.commit(&sandbox.repo(), "past wt");
    let red = |merged: &crate::sandbox::Ran| {
        merged
            .expect(1)
            .prints("left out a, b:\nTARGET_RED step=test target=")
            .prints(
                "once main is mended: wt merge --all (wt validate b --fresh looks at main anew)",
            );
        for once in [
            "first failure: FAIL: bad\n",
            "full log: <root>",
            "log of the target's own run: <root>",
        ] {
            assert_eq!(
                merged.out.matches(once).count(),
                1,
                "{once}: {}",
                merged.out
            );
        }
    };
    let told = "main itself is red as it stands: step test was seen to fail on it\n";
    let dry = |task: &str| sandbox.wt(&["merge", "--dry-run", task]);
    assert!(!dry("a").expect(0).out.contains(told), "nobody looked yet");
    red(&sandbox.wt(&["merge", "--all"]));
    let before = runs(&sandbox);
    for task in ["a", "--all"] {
        dry(task).expect(0).prints(told);
    }
    let again = sandbox.wt(&["merge", "--all"]);
    red(&again);
    again.says("main was red itself in run 2 of task `b` and has not moved since; no step was run");
    let answer = sandbox.wt(&["merge", "--all", "--json"]);
    let answer = answer.expect(1).json();
    for (place, name) in ["a", "b"].iter().enumerate() {
        assert_eq!(answer["red"][place]["task"], *name);
        assert_eq!(answer["red"][place]["state"], "validated");
        assert_eq!(
            answer["red"][place]["report"]["first_failure"]["title"],
            "FAIL: bad"
        );
    }
    assert_eq!(runs(&sandbox), before);
    sandbox.git(&["rm", "-q", "bad"]);
    sandbox.git(&["commit", "-q", "-m", "mended"]);
    sandbox.wt(&["merge", "--all"]).expect(0);
    assert_eq!(landed(&sandbox), ["a", "b"]);
}

#[test]
fn what_a_train_that_is_judged_stands_in_the_way_of_is_told_of_it() {
    let (sandbox, merging) = judging();
    let train = "a landing judges task `b` together with others (a train of a, b)";
    sandbox.wt(&["validate", "b"]).expect(6).says(train);
    sandbox
        .wt(&["sync", "b"])
        .expect(6)
        .says(train)
        .says("see when it has ended: wt show b; Ctrl-C stops that wt merge; then: wt sync b");
    sandbox
        .wt(&["rm", "b"])
        .expect(6)
        .says(train)
        .says("or stop it: wt rm b --force");
    // Who only asks what would be waits for nobody.
    sandbox
        .wt_in_time(&["merge", "a", "--dry-run"])
        .expect(0)
        .says("first comes the landing of `a`, `b` on main (pid ")
        .prints("would land a on main (merge): 1 path, ");
    fs::write(sandbox.notes().join("go"), "").expect("written");
    merging.finish(&sandbox).expect(0);
}

#[test]
fn a_judge_that_is_killed_from_outside_is_told_of_once() {
    let (sandbox, merging) = judging();
    let judge: serde_json::Value =
        serde_json::from_str(&sandbox.read(sandbox.state().join("tasks/b/runs/2/judge.json")))
            .expect("JSON");
    let pid = judge["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok());
    let pid = rustix::process::Pid::from_raw(pid.expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, Signal::KILL).expect("killed");
    let merged = merging.finish(&sandbox);
    merged.expect(70).prints("left out a, b:\nFAULT ");
    assert_eq!(
        merged.out.matches("next: wt merge --all\n").count(),
        1,
        "{}",
        merged.out
    );
    fs::write(sandbox.notes().join("go"), "").expect("written");
    sandbox.wt(&["merge", "--all"]).expect(0);
    assert_eq!(landed(&sandbox), ["a", "b"]);
}
