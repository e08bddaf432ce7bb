//! `wt log --target`: each commit of a target with its receipt, and what came past `wt` as what it is.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// The standings of main's commits, oldest first, with what each was told by.
fn standings(sandbox: &Sandbox, args: &[&str]) -> Vec<(String, Value)> {
    let ran = sandbox.wt(&[&["log", "--target", "main", "--json"], args].concat());
    ran.expect(0);
    let passage = |line: &str| -> (String, Value) {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let standing = value["standing"].as_str().expect("a word").to_owned();
        (standing, value)
    };
    ran.out.lines().map(passage).collect()
}

fn words(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let standings = standings(sandbox, args).into_iter();
    standings.map(|(word, _)| word).collect()
}

#[test]
fn landings_and_what_came_past_wt_are_told_apart_and_none_is_left_out() {
    let sandbox = Sandbox::new();
    sandbox.validated("a", "a.txt", "");
    sandbox.wt(&["merge", "a"]).expect(0);
    sandbox.write("by-hand", "");
    sandbox.commit(&sandbox.repo(), "by hand");
    let worktree = sandbox.validated("b", "b.txt", "");
    sandbox.write(worktree.join("b2.txt"), "");
    sandbox.commit(&worktree, "b, once more");
    sandbox.wt(&["validate", "b"]).expect(0);
    sandbox
        .wt(&["merge", "b", "--strategy", "rebase"])
        .expect(0);
    // A forger knows the receipts of others, and invents some; neither makes a landing.
    let receipt = sandbox.trailers("main")[1].clone();
    sandbox.write("forged", "");
    let message = format!("Land c\n\nWt-Task: c\n{receipt}");
    sandbox.commit(&sandbox.repo(), &message);
    sandbox.write("forged", "1");
    let message = "Land d\u{1b}[31m\n\nWt-Task: d\nWt-Receipt: ../tasks/x/task";
    sandbox.commit(&sandbox.repo(), message);
    let told = standings(&sandbox, &[]);
    let words: Vec<&str> = told.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(
        words,
        [
            "no-receipt",
            "landed",
            "no-receipt",
            "part-of-landing",
            "landed",
            "foreign-receipt",
            "unknown-receipt"
        ]
    );
    assert_eq!(told[1].1["task"], "a");
    assert_eq!(
        (&told[2].1["author"], &told[2].1["subject"]),
        (&"Test".into(), &"by hand".into())
    );
    assert_eq!(told[3].1["landing"], told[4].1["commit"]);
    assert_eq!(
        told[4].1["receipt"],
        receipt.trim_start_matches("Wt-Receipt: ")
    );

    let text = sandbox.wt(&["log", "--target"]);
    text.expect(0)
        .prints("  no receipt  Test: by hand\n")
        .prints("  landed b  receipt=")
        .prints(", which is not its own  Test: Land c\n")
        .prints("claims receipt ../tasks/x/t, which is not stored here  Test: Land d");
    assert!(!text.out.contains('\u{1b}'), "{:?}", text.out);
    assert_eq!(text.err, "");
    assert_eq!(text.out.lines().count(), 7);
}

#[test]
fn a_receipt_that_is_lost_or_another_clones_is_not_taken_for_a_forgery() {
    let sandbox = Sandbox::new();
    sandbox.validated("a", "a.txt", "");
    sandbox.wt(&["merge", "a"]).expect(0);
    std::fs::remove_dir_all(sandbox.state().join("receipts")).expect("lost");
    assert_eq!(words(&sandbox, &[]), ["no-receipt", "unknown-receipt"]);
}

#[test]
fn it_is_bounded_and_says_that_there_is_more() {
    let sandbox = Sandbox::new();
    for n in 0..51 {
        let message = format!("empty {n}");
        sandbox.git(&["commit", "-q", "--allow-empty", "-m", &message]);
    }
    let all = sandbox.wt(&["log", "--target", "main"]);
    all.expect(0)
        .says("the last 50 commits; more: wt log --target main -n COUNT");
    assert_eq!(all.out.lines().count(), 50);
    assert!(all.out.ends_with("Test: empty 50\n"), "newest last");
    assert_eq!(words(&sandbox, &["-n", "3"]).len(), 3);
    assert_eq!(words(&sandbox, &["-n", "100"]).len(), 52);
    let there = sandbox.spawn("a");
    let inside = sandbox.wt_in(&there, &["log", "--target", "-n", "1"]);
    inside.expect(0).prints("Test: empty 50\n");
    sandbox
        .wt(&["log", "--target", "nowhere"])
        .expect(4)
        .says("there is no branch \"nowhere\"");
    sandbox.wt(&["log", "a", "--target"]).expect(64);
    sandbox.wt(&["explain", "a", "-m", "x"]);
    let events = sandbox.wt(&["log"]);
    let last = sandbox.wt(&["log", "-n", "1"]);
    assert_eq!(last.expect(0).out.lines().count(), 1);
    assert!(events.out.ends_with(&last.out), "{}", events.out);
    assert!(
        last.out.starts_with("20") && last.out[19..].starts_with("Z  a  "),
        "{}",
        last.out
    );
    sandbox.git(&["switch", "-q", "--detach"]);
    sandbox
        .wt(&["log", "--target"])
        .expect(64)
        .says("which target?");
}
