//! Rules that check themselves, and tests that are made weaker: what is refused, what is shown, what it costs.

use std::fs;

use serde_json::json;

use crate::sandbox::{CONTRACT, Sandbox};

const CHECKS: &str = r#"
[[rules.check]]
rule = "No new service boundaries."
deny = ["services/*/Cargo.toml"]

[[rules.check]]
rule = "No unsafe code."
forbid = '\bunsafe\b'
paths = ["src/**"]

[[rules.check]]
rule = "The list is sorted."
run = "sh sorted.sh"
"#;
const SORTED: &str = "echo checking; sort -c list.txt\n";
const TEST: &str = "#[test]\nfn adds() {\n    assert_eq!(1 + 2, 3);\n}\n";

fn sandbox(rules: &str) -> Sandbox {
    Sandbox::with(&[
        ("wt.toml", &format!("{CONTRACT}{rules}")),
        ("test.sh", "echo ran >> \"$HOME/notes/ran\"\n"),
        ("list.txt", "a\nb\n"),
        ("sorted.sh", SORTED),
        ("src/a.rs", "unsafe { old() }\n"),
        ("tests/sum.rs", TEST),
    ])
}

/// How often the gate ran.
fn runs(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.notes().join("ran")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_broken_rule_is_named_before_the_gate_runs_and_costs_nothing() {
    let sandbox = sandbox(CHECKS);
    let worktree = sandbox.spawn("auth");
    let rules = sandbox.read(worktree.join(".wt/RULES.md"));
    assert!(
        rules.contains("- No unsafe code.\n")
            && rules.contains("1. `rule:1`, `RULE_BROKEN` if it fails"),
        "{rules}"
    );
    sandbox.write(worktree.join("services/new/Cargo.toml"), "");
    // What was there before, wherever it goes, is not new.
    sandbox.write(
        worktree.join("src/b.rs"),
        "    unsafe { old() }\nfn f() { unsafe { new() } }\n",
    );
    fs::remove_file(worktree.join("src/a.rs")).expect("removed");
    sandbox.commit(&worktree, "work");
    let broken = sandbox.wt(&["validate", "auth"]);
    broken.expect(1).prints(
        "RULE_BROKEN rule=\"No new service boundaries.\"\n  services/new/Cargo.toml: a new file that `deny` names (services/*/Cargo.toml)\nRULE_BROKEN rule=\"No unsafe code.\"\n  src/b.rs:2: a new line that `forbid` names: fn f() { unsafe { new() } }\nnext: take this back, commit, then: wt validate (no step was run, nothing was counted)\n",
    );
    let shown = sandbox.show("auth");
    assert_eq!(
        (runs(&sandbox), &shown["attempts"], &shown["state"]),
        (0, &json!(0), &json!("working"))
    );
    let as_json = sandbox.wt(&["validate", "auth", "--json"]);
    let as_json = as_json.expect(1).json();
    assert_eq!(as_json["verdict"], "RULE_BROKEN");
    assert_eq!(as_json["places"][1]["line"], 2);

    fs::remove_dir_all(worktree.join("services")).expect("removed");
    sandbox.write(worktree.join("src/b.rs"), "unsafe { old() }\n");
    sandbox.write(worktree.join("list.txt"), "b\na\n");
    sandbox.commit(&worktree, "less");
    let broken = sandbox.wt(&["validate", "auth"]);
    broken
        .expect(1)
        .prints("RULE_BROKEN rule=\"The list is sorted.\" step=rule:1 exit=1 ")
        .prints(" attempt=0/2\n")
        .prints("full log: ")
        .prints(
            "next: mend what breaks the rule, commit, then: wt validate (nothing was counted)\n",
        );
    assert!(
        sandbox
            .read(worktree.join(".wt/last/rule:1.log"))
            .contains("checking")
    );
    // As often as it takes: no attempt is spent, and none is given back.
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("attempt=0/2");
    assert_eq!(
        (runs(&sandbox), &sandbox.show("auth")["receipt"]),
        (0, &json!(null))
    );

    sandbox.write(worktree.join("list.txt"), "a\nc\n");
    sandbox.commit(&worktree, "sorted");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK steps=2");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_failed_task_that_breaks_a_rule_keeps_its_count() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", &format!("{CONTRACT}{CHECKS}")),
        ("test.sh", "[ ! -f broken ]\n"),
        ("list.txt", "a\n"),
        ("sorted.sh", SORTED),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TEST_FAILURE");
    fs::remove_file(worktree.join("broken")).expect("removed");
    sandbox.write(worktree.join("list.txt"), "b\na\n");
    let broken = sandbox.wt(&["validate", "auth", "--cause", "a file too many"]);
    broken
        .expect(1)
        .prints("RULE_BROKEN")
        .prints("attempt=1/2")
        .prints("then: wt validate --cause");
    assert_eq!(sandbox.show("auth")["state"], "failed");
    sandbox.write(worktree.join("list.txt"), "b\n");
    sandbox
        .wt(&["validate", "auth", "--cause", "a file too many"])
        .expect(0);
}

#[test]
fn a_file_that_moves_is_new_where_it_comes_to() {
    let sandbox = sandbox(CHECKS);
    sandbox.write("services/a/Cargo.toml", "x\n");
    sandbox.commit(&sandbox.repo(), "a service");
    let worktree = sandbox.spawn("auth");
    sandbox.git_in(&worktree, &["mv", "services/a", "services/b"]);
    sandbox.commit(&worktree, "moved");
    sandbox.wt(&["validate", "auth"]).expect(1).prints(
        "  services/b/Cargo.toml: a new file that `deny` names (services/*/Cargo.toml)\nnext: ",
    );
}

#[test]
fn a_rule_whose_command_writes_costs_no_attempt_however_often() {
    let writes = "[[rules.check]]\nrule = \"Formatted.\"\nrun = \"echo x >> list.txt\"\n";
    let sandbox = sandbox(writes);
    let worktree = sandbox.spawn("auth");
    for round in ["1", "2", "3", "4"] {
        sandbox.write(worktree.join("src/b.rs"), round);
        let judged = sandbox.wt(&["validate", "auth"]);
        judged
            .expect(1)
            .prints("UNSTABLE_TREE rule=\"Formatted.\" step=rule:1 ")
            .prints(" attempt=0/2\n  list.txt\nnext: commit what the rule's command writes, then: wt validate (nothing was counted); if it writes each time, end your turn");
    }
    assert_eq!(sandbox.show("auth")["state"], "working");
}

#[test]
fn a_rule_that_came_since_holds_at_landing() {
    let sandbox = sandbox("");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/b.rs"), "unsafe { new() }\n");
    sandbox.commit(&worktree, "work");
    sandbox.wt(&["spawn", "other"]).expect(0);
    let other = sandbox.worktree("other");
    sandbox.write(other.join("list.txt"), "a\nb\nc\n");
    sandbox.commit(&other, "more");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["validate", "other"]).expect(0);
    sandbox.write("wt.toml", &format!("{CONTRACT}{CHECKS}"));
    sandbox.commit(&sandbox.repo(), "rules");
    let main = sandbox.git(&["rev-parse", "main"]);
    let told = "RULE_BROKEN rule=\"No unsafe code.\"\n  src/b.rs:1: a new line";
    sandbox.wt(&["merge", "auth"]).expect(1).prints(told);
    sandbox.wt(&["validate", "auth"]).expect(1).prints(told);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);
    // A train leaves it out, and the others land, judged by the new check.
    let train = sandbox.wt(&["merge", "auth", "other"]);
    assert!(
        train.out.contains("RULE_BROKEN") || train.err.contains("RULE_BROKEN"),
        "{} {}",
        train.out,
        train.err
    );
    train.expect(1);
    assert_ne!(sandbox.git(&["rev-parse", "main"]), main);
    assert!(!sandbox.repo().join("src/b.rs").exists());
}

#[test]
fn what_makes_tests_weaker_is_shown_and_lands_all_the_same() {
    let sandbox = sandbox("");
    let worktree = sandbox.spawn("auth");
    sandbox.write(
        worktree.join("tests/sum.rs"),
        &format!(
            "#[ignore]\n{}",
            TEST.replace("    assert_eq!(1 + 2, 3);\n", "")
        ),
    );
    sandbox.commit(&worktree, "work");
    let places = "  tests/sum.rs:1: `#[ignore]` is new\n  tests/sum.rs: 1 assertion fewer\n";
    let judged = sandbox.wt(&["validate", "auth"]);
    judged.expect(0).prints("VALIDATION_OK").prints(&format!(
        "TESTS_WEAKENED, to be looked at before it lands:\n{places}"
    ));
    let known = sandbox.wt(&["validate", "auth", "--json"]);
    assert_eq!(known.expect(0).json()["tests_weakened"][0]["line"], 1);
    sandbox
        .wt(&["merge", "auth", "--dry-run"])
        .expect(0)
        .prints(&format!("auth makes tests weaker:\n{places}"));
    sandbox.wt(&["merge", "auth"]).expect(0).says(&format!(
        "warning: TESTS_WEAKENED by task `auth`:\n{places}"
    ));
}

#[test]
fn protected_tests_want_the_operators_word_to_be_weaker() {
    let sandbox = sandbox("\n[rules]\nprotect_tests = true\n");
    let worktree = sandbox.spawn("auth");
    fs::remove_file(worktree.join("tests/sum.rs")).expect("removed");
    sandbox.write(worktree.join("src/c.rs"), "fn c() {}\n");
    sandbox.commit(&worktree, "work");
    let refused = sandbox.wt(&["validate", "auth"]);
    refused
        .expect(1)
        .prints("TESTS_WEAKENED places=1\n  tests/sum.rs: the test file is removed\nnext: put these tests back");
    assert_eq!(
        (runs(&sandbox), &sandbox.show("auth")["attempts"]),
        (0, &json!(0))
    );
    sandbox
        .wt(&["validate", "auth", "--accept-weakened-tests"])
        .expect(4)
        .says("--accept-weakened-tests is for the operator");
    let accept = ["--accept-weakened-tests", "--operator", "tester"];
    let with = |verb: &str| {
        let args: Vec<&str> = [verb, "auth"].into_iter().chain(accept).collect();
        sandbox.wt(&args)
    };
    with("validate").expect(0).prints("TESTS_WEAKENED");
    assert!(
        sandbox
            .events("auth")
            .contains(&"weakened-tests-accepted".to_owned())
    );
    sandbox
        .wt(&["merge", "auth", "--dry-run"])
        .expect(4)
        .prints("auth makes tests weaker, wants --accept-weakened-tests:");
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("TESTS_WEAKENED: task `auth` makes tests weaker: tests/sum.rs: the test file is removed")
        .says("wt merge auth --accept-weakened-tests");
    with("merge").expect(0);
    // Moved tests are as strong as they were.
    sandbox.spawn("move");
    let moved = sandbox.worktree("move");
    sandbox.write(moved.join("tests/a.rs"), TEST);
    sandbox.commit(&moved, "a test");
    sandbox.wt(&["validate", "move"]).expect(0);
    sandbox.git_in(&moved, &["mv", "tests/a.rs", "tests/b.rs"]);
    sandbox.commit(&moved, "moved");
    let judged = sandbox.wt(&["validate", "move"]);
    assert!(!judged.expect(0).out.contains("TESTS_WEAKENED"));
}

#[test]
fn no_number_of_files_hides_a_weaker_test() {
    let sandbox = sandbox("\n[rules]\nprotect_tests = true\n");
    let worktree = sandbox.spawn("auth");
    let many = |count: usize| {
        for number in 0..count {
            sandbox.write(worktree.join(format!("aaa/{number:04}.py")), "x = 1\n");
        }
    };
    many(2000);
    sandbox.git_in(&worktree, &["rm", "-q", "tests/sum.rs"]);
    sandbox.wt(&["validate", "auth"]).expect(1).prints(
        "TESTS_WEAKENED places=2\n  aaa/1999.py: not looked at, as one file too many\n  tests/sum.rs: the test file is removed\n",
    );
    sandbox.write(worktree.join("tests/sum.rs"), TEST);
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK");
    many(2002);
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TESTS_WEAKENED places=1\n  aaa/2000.py: not looked at, as 1 more, for there are too many\n");
}

#[test]
fn lint_knows_what_is_held() {
    let sandbox = sandbox(&format!(
        "{CHECKS}\n[[gate]]\nname = \"b\"\nkind = \"test\"\nrun = \"true\"\nallow_empty = true\n"
    ));
    sandbox.spawn("auth");
    let unheld = |sandbox: &Sandbox| {
        let linted = sandbox.wt(&["rules", "lint", "auth", "--json"]);
        let linted = linted.expect(0).json();
        linted["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|f| f["kind"] == "unenforced")
            .count()
    };
    // The default rules: one about tests, one about small changes.
    assert_eq!(unheld(&sandbox), 2);
    sandbox.write(
        "wt.toml",
        &format!("{CONTRACT}[rules]\nprotect_tests = true\n{CHECKS}"),
    );
    sandbox.commit(&sandbox.repo(), "protected");
    assert_eq!(unheld(&sandbox), 1);
}

#[test]
fn a_receipt_answers_for_no_rule_that_came_since() {
    let sandbox = sandbox("");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/b.rs"), "unsafe { new() }\n");
    sandbox.commit(&worktree, "work");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let forbids = CHECKS.split("[[rules.check]]").nth(2).expect("the second");
    sandbox.write("wt.toml", &format!("{CONTRACT}[[rules.check]]{forbids}"));
    sandbox.commit(&sandbox.repo(), "rules");
    // The gate is the same one, and so the receipt stands.
    let broken = sandbox.wt(&["validate", "auth"]);
    broken
        .expect(1)
        .prints("RULE_BROKEN rule=\"No unsafe code.\"");
    assert_eq!(sandbox.show("auth")["state"], "validated");
    sandbox
        .wt(&["merge", "auth"])
        .expect(1)
        .prints("RULE_BROKEN");
    let as_json = sandbox.wt(&["merge", "auth", "--json"]);
    assert_eq!(as_json.expect(1).json()["verdict"], "RULE_BROKEN");
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_rule_that_the_target_itself_breaks_is_the_targets() {
    let sandbox = sandbox(CHECKS);
    let worktree = sandbox.spawn("auth");
    sandbox.write("list.txt", "b\na\n");
    sandbox.commit(&sandbox.repo(), "unsorted");
    sandbox.write(worktree.join("src/b.rs"), "fn b() {}\n");
    let judged = sandbox.wt(&["validate", "auth"]);
    judged.expect(1).prints("TARGET_RED step=rule:1 target=");
    assert_eq!(sandbox.show("auth")["attempts"], 0);
}

#[test]
fn a_rule_that_only_several_break_together_is_found_in_a_train() {
    let few =
        "[[rules.check]]\nrule = \"At most two files.\"\nrun = \"test $(ls d | wc -l) -le 2\"\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", &format!("{CONTRACT}{few}")),
        ("test.sh", "true\n"),
        ("d/one", ""),
    ]);
    for task in ["a", "b"] {
        let worktree = sandbox.spawn(task);
        sandbox.write(worktree.join("d").join(task), task);
        sandbox.commit(&worktree, task);
        sandbox.wt(&["validate", task]).expect(0);
    }
    let train = sandbox.wt(&["merge", "--all"]);
    train.expect(1).prints("RULE_BROKEN");
    assert_eq!(
        fs::read_dir(sandbox.repo().join("d"))
            .expect("a folder")
            .count(),
        2
    );
    let left: Vec<String> = ["a", "b"]
        .into_iter()
        .filter(|task| sandbox.worktree(task).exists())
        .map(str::to_owned)
        .collect();
    assert_eq!(left.len(), 1);
    let shown = sandbox.show(&left[0]);
    assert_eq!(
        (&shown["state"], &shown["attempts"]),
        (&json!("working"), &json!(0))
    );
}
