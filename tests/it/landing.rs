//! Landing: what reaches the target, with which words, and what a person's checkout keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::{CONTRACT, Ran, Sandbox, UNCONFINED, skipped, wt};

/// A repository whose gate fails where `left` and `right` are both there.
fn with_rivals() -> Sandbox {
    Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "if [ -f left ] && [ -f right ]; then echo 'FAIL: both'; exit 1; fi\n",
        ),
        (".gitignore", "*.secret\n"),
        ("README.md", "one\ntwo\nthree\nfour\nfive\n"),
    ])
}

/// Commits a file on `main` beside the tasks.
fn move_target(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    sandbox.git(&["add", path]);
    sandbox.git(&["commit", "-q", "-m", &format!("main: {path}"), "--", path]);
}

fn receipt_in(sandbox: &Sandbox, commit: &str) -> serde_json::Value {
    let trailers = sandbox.trailers(commit);
    let key = trailers
        .iter()
        .find_map(|line| line.strip_prefix("Wt-Receipt: "))
        .unwrap_or_else(|| panic!("no receipt in {trailers:?}"));
    let file = sandbox.state().join(format!("receipts/{key}.json"));
    serde_json::from_str(&sandbox.read(file)).expect("JSON")
}

/// Holds that the tip of main is what a stored receipt names.
#[track_caller]
fn assert_judged(sandbox: &Sandbox) {
    let tree = sandbox.git(&["rev-parse", "main^{tree}"]);
    assert_eq!(receipt_in(sandbox, "main")["tree"], tree.as_str());
}

/// Holds that a landing is refused with this status and these words, and that it changed nothing.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, args: &[&str], code: i32, words: &str) {
    let before = sandbox.picture();
    let ran = sandbox.wt(args);
    ran.expect(code).says(words);
    assert!(
        code == 6 || ran.err.contains("hint: "),
        "no hint: {}",
        ran.err
    );
    sandbox.assert_as(&before);
}

#[test]
fn each_strategy_lands_the_judged_tree_with_its_own_parents_and_words() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = Sandbox::new();
        let worktree = sandbox.spawn("auth");
        for (file, author) in [
            ("one", "Ann <ann@example.org>"),
            ("two", "Bob <bob@example.org>"),
        ] {
            sandbox.write(worktree.join(file), "text\n");
            sandbox.git_in(&worktree, &["add", "-A"]);
            let author = format!("--author={author}");
            sandbox.git_in(
                &worktree,
                &["commit", "-q", &author, "-m", &format!("add {file}")],
            );
        }
        let tip = sandbox.git(&["rev-parse", "wt/auth"]);
        let old = sandbox.git(&["rev-parse", "main"]);
        sandbox.wt(&["validate", "auth"]).expect(0);

        let landed = sandbox.wt(&["merge", "auth", "--strategy", strategy, "--json"]);
        let answer = landed.expect(0).json();
        assert_eq!(
            answer["commit"],
            sandbox.git(&["rev-parse", "main"]).as_str()
        );
        assert_eq!(answer["state"], "landed");
        assert_eq!(answer["removed"], true);
        assert_judged(&sandbox);
        let trailers = sandbox.trailers("main");
        assert!(
            trailers[2].starts_with("Wt-Note: 1 sha256:"),
            "{trailers:?}"
        );
        assert_eq!(
            trailers[..2],
            [
                "Wt-Task: auth".to_owned(),
                format!("Wt-Receipt: {}", answer["receipt"].as_str().expect("text"))
            ]
        );
        let log = |format: &str| {
            sandbox.git(&[
                "log",
                "--first-parent",
                "--reverse",
                &format!("--format={format}"),
                &format!("{old}..main"),
            ])
        };
        match strategy {
            "merge" => {
                assert_eq!(
                    sandbox.git(&["rev-parse", "main^1", "main^2"]),
                    format!("{old}\n{tip}")
                );
                assert_eq!(log("%an: %s"), "Test: Land auth");
            }
            "squash" => {
                assert_eq!(
                    sandbox
                        .git(&["rev-list", "--parents", "-1", "main"])
                        .split(' ')
                        .nth(1),
                    Some(old.as_str())
                );
                assert_eq!(log("%an: %s"), "Test: Land auth");
                let body = sandbox.git(&["log", "-1", "--format=%b", "main"]);
                assert!(body.starts_with("- add one\n- add two\n"), "{body}");
            }
            _ => {
                assert_eq!(
                    log("%an: %s (%cn)"),
                    "Ann: add one (Test)\nBob: add two (Test)"
                );
                assert_eq!(sandbox.trailers("main^"), [""; 0]);
                assert_eq!(sandbox.git(&["rev-parse", "main~2"]), old);
            }
        }
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        assert_eq!(sandbox.read("two"), "text\n");
        assert_eq!(
            sandbox
                .events("auth")
                .iter()
                .filter(|e| *e == "landed")
                .count(),
            1
        );
    }
}

#[test]
fn a_forged_receipt_in_the_agents_words_is_replaced() {
    for strategy in ["squash", "rebase"] {
        for message in [
            "work\n\nWt-Task: other\nWt-Receipt: 0000\nWt-Receipt: 1111\n",
            "work\n\nwt-receipt: 0000\nWT-TASK: other\n",
            "work\n\nbody\n---\nWt-Receipt: 0000\n",
            "work\n\nWt-Note: 1 sha256:00\nWt-Note: 2\n",
            "work\n\nWt-Receipt: 0000\n\nSigned-off-by: A <a@example.org>\n",
        ] {
            let sandbox = Sandbox::new();
            let worktree = sandbox.spawn("auth");
            sandbox.write(worktree.join("new"), "");
            sandbox.commit(&worktree, message);
            sandbox.wt(&["validate", "auth"]).expect(0);
            sandbox
                .wt(&["merge", "auth", "--strategy", strategy])
                .expect(0);
            assert_judged(&sandbox);
            let text = sandbox.git(&["log", "-1", "--format=%B", "main"]);
            let named = text
                .lines()
                .filter(|l| l.to_lowercase().starts_with("wt-"))
                .count();
            assert_eq!(named, 3, "{message:?} landed as {text:?}");
            assert_eq!(sandbox.trailers("main").len(), 3, "{text:?}");
            assert_eq!(sandbox.trailers("main")[0], "Wt-Task: auth");
        }
    }
}

#[test]
fn the_operators_words_and_a_commit_on_the_way() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_refused(&sandbox, &["merge", "auth"], 4, "uncommitted work: new");
    sandbox
        .wt(&["merge", "auth", "--commit", "-m", "Mine", "--keep"])
        .expect(0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "main"]), "Mine");
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "wt/auth"]),
        "Mine"
    );
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.task_state("auth"), "landed");
    assert_judged(&sandbox);
    sandbox.wt(&["rm", "auth"]).expect(0);
    assert!(!worktree.exists());
}

#[test]
fn a_dry_run_says_all_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "README.md", "other\n");
    let before = sandbox.picture();
    let dry = sandbox.wt(&["merge", "auth", "--dry-run"]);
    dry.expect(0);
    insta::assert_snapshot!(dry.steady().replace(|c: char| c.is_ascii_digit(), "0"), @r"
    would land auth on main (merge): 0 path, tree <hash> has a receipt
    the files of the checkout <root>/repo are updated, too
    ");
    move_target(&sandbox, "else", "");
    sandbox.write("README.md", "mine\n");
    let moved = sandbox.picture();
    assert_ne!(before, moved);
    let plan = sandbox.wt(&["merge", "auth", "--dry-run", "--json"]);
    let plan = plan.expect(4).json();
    assert_eq!(plan["judged"], false);
    assert_eq!(plan["strategy"], "merge");
    assert_eq!(plan["paths"], serde_json::json!(["README.md"]));
    assert_eq!(plan["in_the_way"], serde_json::json!(["README.md"]));
    sandbox.assert_as(&moved);
    assert_eq!(sandbox.read("README.md"), "mine\n");
}

#[test]
fn what_is_committed_at_a_landing_says_what_it_changes() {
    let sandbox = Sandbox::new();
    for (task, paths, subject) in [
        ("one", &["new"][..], "one: change new"),
        ("two", &["a", "b"], "two: change 2 paths"),
    ] {
        let worktree = sandbox.spawn(task);
        for path in paths {
            sandbox.write(worktree.join(path), "");
        }
        sandbox.wt(&["validate", task]).expect(0);
        sandbox.wt(&["merge", task, "--commit"]).expect(0);
        assert_eq!(
            sandbox.git(&["log", "-1", "--format=%s", "main^2"]),
            subject
        );
    }
    let worktree = sandbox.root().join("repo.wt/three");
    sandbox.wt(&["spawn", "three", "-m", "Mend it"]).expect(0);
    sandbox.write(worktree.join("c"), "");
    sandbox.wt(&["validate", "three"]).expect(0);
    sandbox.wt(&["merge", "three", "--commit"]).expect(0);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "main^2"]),
        "three: Mend it"
    );
}

#[test]
fn only_the_judged_tree_lands_whatever_became_of_its_commit() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.validated("auth", "a", "one\n");
    sandbox.git_in(&worktree, &["commit", "-q", "--amend", "-m", "other words"]);
    sandbox.write(worktree.join("a"), "two\n");
    assert_refused(&sandbox, &["merge", "auth"], 4, "uncommitted work: a");
    assert_refused(
        &sandbox,
        &["merge", "auth", "--commit"],
        4,
        "was not judged",
    );
    sandbox.commit(&worktree, "after");
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "has changed since it was validated",
    );
    sandbox.git_in(&worktree, &["reset", "-q", "--hard", "HEAD~1"]);
    sandbox
        .wt(&["merge", "auth", "--strategy", "squash"])
        .expect(0);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "main"]),
        "other words"
    );
    assert_eq!(sandbox.read("a"), "one\n");
    assert_judged(&sandbox);
}

#[test]
fn a_moved_target_is_judged_anew_and_a_red_combination_costs_nothing() {
    let sandbox = with_rivals();
    sandbox.validated("one", "left", "");
    let worktree = sandbox.validated("two", "right", "");
    sandbox.wt(&["merge", "one"]).expect(0);
    let main = sandbox.git(&["rev-parse", "main"]);

    let red = sandbox.wt(&["merge", "two"]);
    red.expect(1).prints("FAIL: both").says("as it is now");
    assert!(
        red.out.starts_with("TARGET_RED") || red.out.starts_with("TEST_FAILURE"),
        "{}",
        red.out
    );
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);
    let facts = sandbox.show("two");
    assert_eq!(facts["state"], "working");
    assert_eq!(facts["attempts"], 0);
    assert_eq!(facts["receipt"], serde_json::Value::Null);
    assert_eq!(
        sandbox.events("two").last().map(String::as_str),
        Some("combination-red")
    );
    assert_refused(&sandbox, &["merge", "two"], 4, "is working, not validated");
    // The old receipt says nothing of what would land now.
    sandbox.wt(&["validate", "two"]).expect(1);
    assert_eq!(sandbox.show("two")["attempts"], 0);

    sandbox.git_in(&worktree, &["merge", "-q", "main", "-m", "catch up"]);
    sandbox.git_in(&worktree, &["rm", "-q", "left"]);
    sandbox.commit(&worktree, "only one of them");
    sandbox.wt(&["validate", "two"]).expect(0);
    sandbox.wt(&["merge", "two"]).expect(0);
    assert_judged(&sandbox);
    assert!(!sandbox.repo().join("left").exists());
}

#[test]
fn a_moved_target_whose_combination_is_green_takes_both() {
    let sandbox = with_rivals();
    sandbox.validated("top", "README.md", "1\ntwo\nthree\nfour\nfive\n");
    sandbox.validated("end", "README.md", "one\ntwo\nthree\nfour\n5\n");
    sandbox.wt(&["merge", "top"]).expect(0);
    let landed = sandbox.wt(&["merge", "end"]);
    landed.expect(0).says("judging the combination with main");
    assert_eq!(sandbox.read("README.md"), "1\ntwo\nthree\nfour\n5\n");
    assert_judged(&sandbox);
    assert!(
        sandbox
            .events("end")
            .contains(&"combination-green".to_owned())
    );
    assert!(!sandbox.worktree("end").exists());
}

#[test]
fn a_landed_task_goes_though_its_files_were_combined_with_others() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = with_rivals();
        let worktree = sandbox.spawn("end");
        sandbox.write(worktree.join("README.md"), "one\ntwo\nthree\nfour\n5\n");
        sandbox.wt(&["validate", "end"]).expect(0);
        move_target(&sandbox, "README.md", "1\ntwo\nthree\nfour\nfive\n");
        let landed = sandbox.wt(&["merge", "end", "--commit", "--strategy", strategy]);
        landed.expect(0);
        assert!(!landed.err.contains("kept"), "{}", landed.err);
        assert_eq!(sandbox.read("README.md"), "1\ntwo\nthree\nfour\n5\n");
        assert!(!worktree.exists());
    }
}

#[test]
fn a_conflict_is_told_by_path_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.validated("auth", "README.md", "theirs\n");
    move_target(&sandbox, "README.md", "ours\n");
    for strategy in ["merge", "squash", "rebase"] {
        let args = ["merge", "auth", "--strategy", strategy];
        assert_refused(&sandbox, &args, 5, "conflicts with main in: README.md");
    }
    assert_eq!(sandbox.task_state("auth"), "validated");
    let ran = sandbox
        .command("git")
        .current_dir(&worktree)
        .args(["merge", "-q", "main"])
        .output();
    assert!(!ran.expect("git").status.success());
    sandbox.write(worktree.join("README.md"), "both\n");
    sandbox.commit(&worktree, "solved");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("README.md"), "both\n");
}

#[test]
fn what_a_merge_commit_of_the_task_holds_is_not_lost_by_a_rebase() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("a"), "");
    sandbox.commit(&worktree, "a");
    move_target(&sandbox, "else", "");
    sandbox.git_in(
        &worktree,
        &["merge", "-q", "--no-commit", "--no-ff", "main"],
    );
    sandbox.write(worktree.join("only-in-the-merge"), "");
    sandbox.commit(&worktree, "catch up, and more");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_refused(
        &sandbox,
        &["merge", "auth", "--strategy", "rebase"],
        4,
        "holds work of its own",
    );
    sandbox
        .wt(&["merge", "auth", "--strategy", "squash"])
        .expect(0);
    assert!(sandbox.repo().join("only-in-the-merge").exists());
}

#[test]
fn a_rebase_repeats_no_commit_that_landed_by_one_before() {
    let sandbox = Sandbox::new();
    sandbox.validated("x", "x", "1\n");
    let y = sandbox.root().join("repo.wt/y");
    sandbox.wt(&["spawn", "y", "--base", "wt/x"]).expect(0);
    sandbox.write(y.join("y"), "1\n");
    sandbox.commit(&y, "work on y");
    sandbox.wt(&["validate", "y"]).expect(0);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "past"]);
    for task in ["x", "y"] {
        sandbox
            .wt(&["merge", task, "--strategy", "rebase"])
            .expect(0);
    }
    let log = sandbox.git(&["log", "--format=%s", "-3", "main"]);
    let subjects: Vec<&str> = log.lines().collect();
    assert_eq!(subjects[0], "work on y", "{log}");
    assert_eq!(subjects[2], "past", "{log}");
}

#[test]
fn a_persons_own_work_beside_the_landing_survives_to_the_bit() {
    let sandbox = with_rivals();
    sandbox.validated("auth", "new/file", "theirs\n");
    sandbox.write("README.md", "staged\n");
    sandbox.git(&["add", "README.md"]);
    sandbox.write("README.md", "and more\n");
    sandbox.write("untracked", "mine\n");
    sandbox.write("key.secret", "mine\n");
    sandbox.git(&["rm", "-q", "--cached", "test.sh"]);
    let before = (sandbox.git(&["diff"]), sandbox.git(&["diff", "--cached"]));
    let untracked = sandbox.git(&["status", "--porcelain", "--ignored"]);
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(
        (sandbox.git(&["diff"]), sandbox.git(&["diff", "--cached"])),
        before
    );
    assert_eq!(
        sandbox.git(&["status", "--porcelain", "--ignored"]),
        untracked
    );
    assert_eq!(sandbox.read("untracked"), "mine\n");
    assert_eq!(sandbox.read("key.secret"), "mine\n");
    assert_eq!(sandbox.read("new/file"), "theirs\n");
}

#[test]
fn a_persons_own_work_in_the_way_is_named_and_nothing_moves() {
    type Prepare = fn(&Sandbox);
    let ways: [(&str, &str, Prepare, &str); 9] = [
        (
            "modified",
            "README.md",
            |s| s.write("README.md", "mine\n"),
            "README.md",
        ),
        (
            "staged",
            "README.md",
            |s| {
                s.write("README.md", "mine\n");
                s.git(&["add", "README.md"]);
            },
            "README.md",
        ),
        (
            "deleted",
            "README.md",
            |s| drop(s.git(&["rm", "-q", "README.md"])),
            "README.md",
        ),
        ("untracked", "new", |s| s.write("new", "mine\n"), "new"),
        (
            "ignored",
            "x.secret",
            |s| s.write("x.secret", "mine\n"),
            "x.secret",
        ),
        (
            "a file for a folder",
            "dir/new",
            |s| s.write("dir", "mine\n"),
            ": dir\n",
        ),
        (
            "a folder for a file",
            "dir",
            |s| s.write("dir/mine", "mine\n"),
            "dir",
        ),
        (
            "an ignored file in a folder for a file",
            "dir",
            |s| s.write("dir/my.secret", "mine\n"),
            "dir",
        ),
        (
            "added",
            "new",
            |s| {
                s.write("new", "mine\n");
                s.git(&["add", "new"]);
            },
            "new",
        ),
    ];
    for (way, path, prepare, named) in ways {
        let sandbox = with_rivals();
        let worktree = sandbox.spawn("auth");
        sandbox.write(worktree.join(path), "theirs\n");
        sandbox.git_in(&worktree, &["add", "-f", path]);
        sandbox.git_in(&worktree, &["commit", "-q", "-m", "work"]);
        sandbox.wt(&["validate", "auth"]).expect(0);
        prepare(&sandbox);
        let before = sandbox.picture();
        let refused = sandbox.wt(&["merge", "auth"]);
        refused.expect(4).says(named).says("hint: ");
        sandbox.assert_as(&before);
        let dry = sandbox.wt(&["merge", "auth", "--dry-run"]);
        assert_eq!(dry.code, Some(4), "{way}: {}", dry.out);
        assert_eq!(sandbox.task_state("auth"), "validated", "{way}");
    }
}

#[test]
fn a_target_that_is_checked_out_nowhere_moves_alone() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    sandbox.git(&["switch", "-q", "-c", "mine"]);
    sandbox.write("new", "my own\n");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("new"), "my own\n");
    assert_eq!(sandbox.git(&["symbolic-ref", "HEAD"]), "refs/heads/mine");
    assert_judged(&sandbox);
    assert!(
        sandbox
            .git(&["reflog", "-1", "main"])
            .contains("wt: land auth")
    );
}

#[test]
fn a_target_in_two_places_or_in_the_middle_of_something_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    let second = sandbox.root().join("second");
    sandbox.git(&[
        "worktree",
        "add",
        "-q",
        "-f",
        second.to_str().expect("text"),
        "main",
    ]);
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "checked out in several places",
    );
    sandbox.git(&["worktree", "remove", second.to_str().expect("text")]);

    let lock = sandbox.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("written");
    assert_refused(&sandbox, &["merge", "auth"], 4, "index.lock");
    assert_eq!(sandbox.task_state("auth"), "validated");
    fs::remove_file(&lock).expect("removed");

    sandbox.git(&["switch", "-q", "-c", "side"]);
    move_target(&sandbox, "side", "");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "a merge is under way there",
    );
    sandbox.git(&["merge", "--abort"]);

    sandbox.begin_am(&sandbox.repo());
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "a git am is under way there (git am --continue)",
    );
    sandbox.git(&["am", "--abort"]);
    sandbox.wt(&["merge", "auth"]).expect(0);
}

#[test]
fn a_target_that_is_being_rebased_is_not_moved_under_the_rebase() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    sandbox.git(&["branch", "start"]);
    move_target(&sandbox, "README.md", "mine\n");
    sandbox.git(&["switch", "-q", "-c", "side", "start"]);
    move_target(&sandbox, "README.md", "theirs\n");
    sandbox.git(&["switch", "-q", "main"]);
    let rebase = sandbox
        .command("git")
        .args(["rebase", "-q", "side"])
        .output();
    assert!(!rebase.expect("git").status.success(), "a conflict");
    assert_refused(&sandbox, &["merge", "auth"], 4, "is being rebased");
    sandbox.git(&["rebase", "--abort"]);
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_judged(&sandbox);
}

#[test]
fn no_hook_of_the_user_is_run() {
    let sandbox = Sandbox::new();
    let hooks = sandbox.root().join("hooks");
    fs::create_dir_all(&hooks).expect("made");
    let canary = sandbox.root().join("canary");
    for name in [
        "post-merge",
        "post-checkout",
        "reference-transaction",
        "post-commit",
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "pre-merge-commit",
        "post-rewrite",
        "post-index-change",
        "fsmonitor-watchman",
    ] {
        let hook = hooks.join(name);
        fs::write(
            &hook,
            format!("#!/bin/sh\necho {name} >> {}\n", canary.display()),
        )
        .expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("made a program");
    }
    let worktree = sandbox.spawn("auth");
    sandbox.git(&["config", "core.hooksPath", hooks.to_str().expect("text")]);
    sandbox.write(worktree.join("new"), "");
    for args in [
        &["validate", "auth"][..],
        &["merge", "auth", "--commit"],
        &["spawn", "other"],
        &["rm", "other", "--force"],
        &["restore", "other"],
    ] {
        sandbox.wt(args).expect(0);
    }
    assert!(!canary.exists(), "ran: {}", sandbox.read(&canary));
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "by hand"]);
    assert!(canary.exists(), "the canary itself is dead");
}

#[test]
fn a_landing_is_signed_where_the_operator_signs() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = Sandbox::new();
        let key = sandbox.root().join("home/key");
        let key = key.to_str().expect("text");
        let made = sandbox
            .command("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f", key])
            .output();
        if !made.is_ok_and(|output| output.status.success()) {
            skipped("no ssh-keygen here");
            return;
        }
        sandbox.validated("auth", "new", "");
        for (name, value) in [
            ("commit.gpgSign", "true"),
            ("gpg.format", "ssh"),
            ("user.signingKey", key),
        ] {
            sandbox.git(&["config", "--global", name, value]);
        }
        sandbox
            .wt(&["merge", "auth", "--strategy", strategy])
            .expect(0);
        assert!(
            sandbox
                .git(&["cat-file", "commit", "main"])
                .contains("-----BEGIN SSH SIGNATURE-----"),
            "{strategy}"
        );
        assert_judged(&sandbox);
    }
}

#[test]
fn an_operator_without_a_name_is_told_so() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    sandbox.write(
        sandbox.root().join("home/.gitconfig"),
        "[user]\n\tuseConfigOnly = true\n",
    );
    assert_refused(&sandbox, &["merge", "auth"], 4, "user.name");
    assert_eq!(sandbox.task_state("auth"), "validated");
}

#[test]
fn what_changes_nothing_does_not_land() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_refused(&sandbox, &["merge", "auth"], 4, "changes nothing on main");
}

#[test]
fn a_landing_from_inside_the_worktree_says_where_to_go() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.validated("auth", "new", "");
    let landed = sandbox.wt_in(&worktree, &["merge"]);
    landed
        .expect(0)
        .says("hint: this folder is gone now: cd <root>/repo");
    assert!(!worktree.exists());
    assert_judged(&sandbox);
}

#[test]
fn a_stopped_or_landed_task_does_not_land() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "1");
    sandbox.wt(&["validate", "auth"]).expect(1);
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "is failed, not validated\nhint: mend it, then: wt validate auth --cause ",
    );
    sandbox.write(worktree.join("broken"), "2");
    sandbox
        .wt(&["validate", "auth", "--cause", "a guess"])
        .expect(3);
    assert_refused(&sandbox, &["merge", "auth"], 3, "is stopped");
    sandbox.validated("other", "new", "");
    sandbox.wt(&["merge", "other", "--keep"]).expect(0);
    assert_refused(&sandbox, &["merge", "other"], 4, "has landed already");
}

#[test]
fn a_judge_at_work_is_not_overtaken() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "if [ -f slow ]; then touch \"$(cat slow)\"; read line < \"$(cat slow).go\"; fi\n",
        ),
    ]);
    let worktree = sandbox.spawn("auth");
    let sign = sandbox.notes().join("sign");
    sandbox.write(worktree.join("slow"), sign.to_str().expect("text"));
    sandbox.commit(&worktree, "slow");
    let go = sandbox.notes().join("sign.go");
    sandbox.command("mkfifo").arg(&go).status().expect("mkfifo");
    let mut judging = sandbox
        .command(wt())
        .args(["validate", "auth"])
        .spawn()
        .expect("wt");
    crate::sandbox::wait_until("the step has begun", || sign.exists());
    assert_refused(&sandbox, &["merge", "auth"], 6, "a judge is at work");
    let refused = sandbox.wt(&["rm", "auth"]);
    refused
        .expect(6)
        .says("a judge is at work on task `auth`")
        .says("hint: ");
    assert!(worktree.exists());
    fs::write(&go, "go\n").expect("written");
    assert!(judging.wait().expect("ended").success());
    sandbox.wt(&["merge", "auth"]).expect(0);
}

#[test]
fn a_change_of_the_judge_wants_the_operator() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let eased = CONTRACT.replace("sh test.sh", "true");
    sandbox.write(worktree.join("wt.toml"), &eased);
    sandbox.commit(&worktree, "an easier judge");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("JUDGE_CHANGED");
    assert_refused(
        &sandbox,
        &["merge", "auth"],
        4,
        "JUDGE_CHANGED: task `auth` changes what judges it: wt.toml",
    );
    assert_refused(
        &sandbox,
        &["merge", "auth", "--accept-judge-change"],
        4,
        "for the operator",
    );
    sandbox
        .wt(&[
            "merge",
            "auth",
            "--accept-judge-change",
            "--operator",
            "Ann",
        ])
        .expect(0);
    assert_eq!(sandbox.read("wt.toml"), eased);
    let log = sandbox.wt(&["log", "auth"]);
    log.prints("judge-change-accepted").prints("operator=Ann");
    assert_judged(&sandbox);
}

#[test]
fn what_another_task_owns_meanwhile_does_not_land() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "src/auth.rs", "");
    sandbox
        .wt(&["spawn", "owner", "--owns", "src/**"])
        .expect(0);
    let before = sandbox.picture();
    let refused = sandbox.wt(&["merge", "auth"]);
    refused
        .expect(1)
        .prints("OUT_OF_SCOPE paths=1")
        .prints("src/auth.rs: owned by task `owner` (src)");
    sandbox.assert_as(&before);
    let json = sandbox.wt(&["merge", "auth", "--json"]).json();
    assert_eq!(json["verdict"], "OUT_OF_SCOPE");
}

#[test]
fn work_that_comes_while_it_lands_keeps_the_worktree() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", UNCONFINED),
        (
            "test.sh",
            "if [ -f moved ]; then echo late > \"$(cat moved)/late\"; fi\n",
        ),
    ]);
    let worktree = sandbox.validated("auth", "new", "");
    move_target(&sandbox, "moved", worktree.to_str().expect("text"));
    let landed = sandbox.wt(&["merge", "auth"]);
    landed
        .expect(0)
        .says("the worktree of task `auth` is kept: it holds newer work: late");
    assert_judged(&sandbox);
    assert_eq!(sandbox.read(worktree.join("late")), "late\n");
    assert_eq!(sandbox.task_state("auth"), "landed");
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("uncommitted: late");
    fs::remove_file(worktree.join("late")).expect("removed");
    sandbox.wt(&["rm", "auth"]).expect(0);
    assert!(!worktree.exists());
}

#[test]
fn a_step_that_the_landing_selects_is_run_though_the_receipt_lacks_it() {
    let contract = format!(
        "{CONTRACT}\n[[gate]]\nname = \"data\"\nkind = \"check\"\nrun = \"echo the data step ran; [ ! -f code ]\"\nwhen = [\"data/**\"]\n"
    );
    let sandbox = Sandbox::with(&[("wt.toml", &contract), ("test.sh", "true\n")]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("data/x"), "same\n");
    sandbox.write(worktree.join("code"), "");
    sandbox.commit(&worktree, "both");
    // The same data is on the target, so that the task changes none of it there.
    move_target(&sandbox, "data/x", "same\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    let main = sandbox.git(&["rev-parse", "main"]);
    sandbox
        .wt(&["merge", "auth"])
        .expect(1)
        .prints("step=data")
        .prints("the data step ran");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);
    assert_eq!(sandbox.task_state("auth"), "working");
}

#[test]
fn the_users_own_settings_of_merging_do_not_bend_a_landing() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    for (name, value) in [
        ("branch.main.mergeOptions", "--squash --no-ff"),
        ("merge.ff", "false"),
        ("merge.autoStash", "true"),
        ("trailer.ifexists", "doNothing"),
        ("commit.template", "/nowhere"),
        ("core.autocrlf", "input"),
        ("status.showUntrackedFiles", "no"),
        ("i18n.commitEncoding", "ISO-8859-1"),
    ] {
        sandbox.git(&["config", name, value]);
    }
    sandbox.wt(&["merge", "auth", "-m", "größer"]).expect(0);
    assert!(
        sandbox
            .git(&["cat-file", "commit", "main"])
            .contains("\ngrößer\n")
    );
    assert_judged(&sandbox);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn two_landings_at_once_both_land() {
    let sandbox = with_rivals();
    sandbox.validated("one", "a", "");
    sandbox.validated("two", "b", "");
    let start = |task: &str| {
        sandbox
            .command(wt())
            .args(["merge", task])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("wt")
    };
    let both = [start("one"), start("two")];
    for child in both {
        let output = child.wait_with_output().expect("ended");
        Ran::from(&output, &sandbox, "wt merge").expect(0);
    }
    assert!(sandbox.repo().join("a").exists() && sandbox.repo().join("b").exists());
    assert_judged(&sandbox);
}

#[test]
fn what_wt_wrote_for_the_worktree_never_lands() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.git_in(
        &worktree,
        &["add", "-f", ".wt/RULES.md", "AGENTS.override.md"],
    );
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "everything"]);
    let refused = sandbox.wt(&["validate", "auth"]);
    refused
        .expect(1)
        .prints("OUT_OF_SCOPE paths=2\n  .wt/RULES.md: generated by wt");
    assert_eq!(sandbox.task_state("auth"), "working");
}

#[test]
fn a_script_that_the_gate_names_is_the_gate() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "test.sh", "exit 0\n");
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("JUDGE_CHANGED: task `auth` changes what judges it: test.sh");
    sandbox
        .wt(&[
            "merge",
            "auth",
            "--accept-judge-change",
            "--operator",
            "ada",
        ])
        .expect(0);
}

#[test]
fn a_validated_task_that_conflicts_by_now_is_no_yes() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "README.md", "of auth\n");
    sandbox.write("README.md", "of main\n");
    sandbox.commit(&sandbox.repo(), "meanwhile");
    sandbox
        .wt(&["validate", "auth"])
        .expect(5)
        .says("README.md");
}

#[test]
fn a_lock_that_a_killed_command_left_goes_with_the_next_command() {
    let sandbox = Sandbox::new();
    sandbox.spawn("stuck");
    let lock = sandbox.repo().join(".git/refs/heads/wt/stuck.lock");
    sandbox.write(&lock, "");
    sandbox.wt(&["rm", "stuck", "--force"]).expect(70);
    // The command above is dead now, its intent open, and no git is there that could hold the lock.
    sandbox
        .wt(&["spawn", "other"])
        .expect(0)
        .says("mended: task `stuck` was half removed; it is removed");
    assert!(!lock.exists());
    sandbox.wt(&["restore", "stuck"]).expect(0);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_task_lands_no_commit_of_another_that_is_live() {
    let sandbox = Sandbox::new();
    sandbox.validated("hers", "hers.txt", "work\n");
    let mine = sandbox.spawn("mine");
    sandbox.git_in(&mine, &["merge", "-q", "--ff-only", "wt/hers"]);
    sandbox.git_in(&mine, &["revert", "--no-edit", "HEAD"]);
    sandbox.write(mine.join("mine.txt"), "work\n");
    sandbox.commit(&mine, "mine");
    sandbox.wt(&["validate", "mine"]).expect(0);
    let refused = sandbox.wt(&["merge", "mine"]);
    refused
        .expect(4)
        .says("of task `hers`, which has not landed")
        .says("wt merge hers");
    // One that began at another's tip lands after it, and the other is not held up by it.
    sandbox.wt(&["rm", "mine", "--force"]).expect(0);
    sandbox
        .wt(&["spawn", "stacked", "--base", "wt/hers", "--target", "main"])
        .expect(0);
    let stacked = sandbox.worktree("stacked");
    sandbox.write(stacked.join("more.txt"), "work\n");
    sandbox.commit(&stacked, "more");
    sandbox.wt(&["validate", "stacked"]).expect(0);
    sandbox
        .wt(&["merge", "stacked"])
        .expect(4)
        .says("wt merge hers");
    sandbox.wt(&["merge", "hers"]).expect(0);
    sandbox.wt(&["merge", "stacked"]).expect(0);
    assert_eq!(
        (sandbox.read("hers.txt"), sandbox.read("more.txt")),
        ("work\n".into(), "work\n".into())
    );
}

#[test]
fn a_landed_task_that_is_kept_is_neither_ahead_nor_behind() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    sandbox.write("else", "");
    sandbox.commit(&sandbox.repo(), "beside");
    sandbox
        .wt(&["merge", "auth", "--keep", "--strategy", "rebase"])
        .expect(0);
    let shown = sandbox.show("auth");
    assert_eq!((&shown["ahead"], &shown["behind"]), (&0.into(), &0.into()));
}

#[test]
fn the_landing_of_an_earlier_task_of_the_same_name_is_not_its_own() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    sandbox.wt(&["merge", "auth"]).expect(0);
    sandbox.spawn("auth");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.validated("docs", "guide", "");
    sandbox.wt(&["merge", "docs"]).expect(0);
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("changes nothing on main");
    assert_eq!(sandbox.show("auth")["state"], "validated");
}
