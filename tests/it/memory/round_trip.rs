//! A note's way through the message of its landing commit, and back on a fresh clone.

use std::path::Path;

use super::{notes, rebuilt, wt_fed};
use crate::sandbox::Sandbox;

/// What a message, a mail, git or an editor takes for something of its own, or drops.
const TRAPS: &[u8] = b"```\nfenced\n```\n\nWt-Task: other\nWt-Note: 1 sha256:00\nSigned-off-by: nobody\n---\n\
    diff --git a/x b/x\n# a comment\n# ------------------------ >8 ------------------------\n\n\n   indented\ttab \r\n\
    lone\rreturn \0 nul \x1b[31m \xff\xfe bad \xc3\xa9\\\nWhat wt remembers of this task:\n\n    ---\n    task: other";

/// The notes of the clone less what tells that no receipt is there, against the original's.
fn assert_same(sandbox: &Sandbox, clone: &Path) {
    let (ours, theirs) = (sandbox.repo().join(".git"), clone.join(".git"));
    assert_eq!(notes(&ours), notes(&theirs));
    for name in notes(&ours) {
        let read = |dir: &Path| sandbox.read(dir.join("wt/memory").join(&name));
        assert!(read(&theirs).contains("\nunverified: true\n"));
        assert_eq!(
            read(&ours),
            read(&theirs).replacen("unverified: true\n", "", 1)
        );
    }
}

fn said(sandbox: &Sandbox, task: &str, bytes: &[u8]) {
    let worktree = sandbox.worktree(task);
    wt_fed(sandbox, &worktree, &["note", "add", "--rejected"], bytes).expect(0);
}

#[test]
fn any_text_comes_back_on_a_fresh_clone_however_it_landed() {
    let sandbox = Sandbox::new();
    let message = "Add b\n\n---\nWt-Task: forged\nWt-Note: 1 sha256:00\n\nCo-authored-by: Eve <eve@example.org>";
    for (task, how) in [
        ("one", &["--strategy", "merge"][..]),
        ("two", &["--strategy", "squash"]),
        ("three", &["--strategy", "rebase"]),
        ("four", &["-m", message]),
    ] {
        let worktree = sandbox.validated(task, &format!("{task}.txt"), "1");
        if task == "two" {
            // The only commit's own message is taken over.
            sandbox.git_in(&worktree, &["commit", "-q", "--amend", "-m", message]);
            sandbox.wt(&["validate", task]).expect(0);
        }
        said(&sandbox, task, TRAPS);
        let merge = [&["merge", task], how].concat();
        sandbox.wt(&merge).expect(0);
        let trailers = sandbox.trailers("main");
        assert_eq!(trailers[0], format!("Wt-Task: {task}"));
        assert!(
            trailers[1].starts_with("Wt-Receipt: ")
                && trailers[2].starts_with("Wt-Note: 1 sha256:")
        );
        assert_eq!(trailers.len(), 3);
        let all = sandbox.git(&["log", "-1", "--format=%(trailers:only,unfold)"]);
        assert_eq!(
            all.contains("Co-authored-by: Eve"),
            ["two", "four"].contains(&task),
            "{all}"
        );
    }
    let (clone, answer) = rebuilt(&sandbox);
    assert_eq!(answer["written"].as_array().expect("names").len(), 4);
    assert_same(&sandbox, &clone);
    let told = sandbox.wt_in(&clone, &["recall", "fenced", "--budget", "9000"]);
    told.expect(0)
        .prints("unverified")
        .prints(r"lone\x0dreturn \x00 nul \x1b[31m \xff\xfe bad é\");
    // Once more there is nothing to do.
    sandbox
        .wt_in(&clone, &["memory", "rebuild"])
        .expect(0)
        .says("0 notes written from main, 4 were there");
    sandbox
        .wt(&["memory", "rebuild"])
        .expect(0)
        .says("0 notes written from main, 4 were there");
}

#[test]
fn tasks_of_one_train_each_have_their_own() {
    let sandbox = Sandbox::new();
    for task in ["a", "b"] {
        sandbox.validated(task, &format!("{task}.txt"), "");
        said(
            &sandbox,
            task,
            format!("not as {task} was at first").as_bytes(),
        );
    }
    sandbox.wt(&["merge", "--all"]).expect(0);
    let (clone, _) = rebuilt(&sandbox);
    assert_eq!(notes(&clone.join(".git")).len(), 2);
    assert_same(&sandbox, &clone);
}

#[test]
fn a_mebibyte_survives() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "a", "");
    let line = b"it was slow, and so was what came after it: \xe2\x9c\x97\n";
    let text: Vec<u8> = line.iter().copied().cycle().take(1 << 20).collect();
    said(&sandbox, "auth", &text);
    let one_line = vec![b'x'; 1 << 20];
    said(&sandbox, "auth", &one_line);
    let worktree = sandbox.worktree("auth");
    let more = [one_line.as_slice(), b"x"].concat();
    wt_fed(&sandbox, &worktree, &["note", "add"], &more)
        .expect(4)
        .says("too much for a note");
    sandbox.wt(&["merge", "auth"]).expect(0);
    let (clone, _) = rebuilt(&sandbox);
    assert_same(&sandbox, &clone);
}

#[test]
fn a_message_that_an_editor_went_over_still_has_it_and_one_that_was_changed_is_told() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "a", "");
    said(&sandbox, "auth", TRAPS);
    sandbox.wt(&["merge", "auth"]).expect(0);
    let message = sandbox.git(&["log", "-1", "--format=%B"]);
    // With comments and space at the ends of lines taken out, as `git commit` does when a person edits.
    sandbox.git(&["commit", "-q", "--amend", "--cleanup=strip", "-m", &message]);
    let (clone, answer) = rebuilt(&sandbox);
    assert_eq!(
        answer["written"].as_array().expect("names").len(),
        1,
        "{answer}"
    );
    std::fs::remove_dir_all(&clone).expect("removed");
    let other = message.replace("lone", "alone");
    sandbox.git(&[
        "commit",
        "-q",
        "--amend",
        "--cleanup=verbatim",
        "-m",
        &other,
    ]);
    let clone = clone.to_str().expect("text").to_owned();
    sandbox.git(&["clone", "-q", ".", &clone]);
    let ran = sandbox.wt_in(clone.as_ref(), &["memory", "rebuild"]);
    ran.expect(1).says("its note is not what its trailer says");
}
