//! A task from its agent's first stray step to its landing: each step's answer, and what is left of it.

use serde_json::json;

use super::{Agent, CLAUDE, CODEX, CODEX_CODING, Start, begun, call, say, shell, write};

fn a_task_is_kept_in_its_bounds(agent: Agent, start: Start) {
    let Some(rig) = begun(agent, start) else {
        return;
    };
    let sandbox = &rig.sandbox;
    let elsewhere = sandbox.repo().join("src/elsewhere.txt");
    // All but its own branch.
    let shared_refs = || {
        let refs = sandbox.git(&["for-each-ref", "refs/heads/main", "refs/stash", "refs/tags"]);
        (refs, sandbox.git(&["stash", "list"]))
    };
    let refs_before = shared_refs();

    let script = vec![
        write("docs/stray.md", "stray\n"),
        shell("echo stolen > docs/notes.md"),
        shell("git stash"),
        write(elsewhere.to_str().expect("text"), "stray\n"),
        shell("wt resume auth -m 'let me on'"),
        write("src/new.txt", "new\n"),
        shell("touch src/broken && git add -A && git commit -q -m work"),
        say("All done."),
        shell("wt validate"),
        shell("git rm -q src/broken && git commit -q -m mended"),
        shell("wt validate --cause 'a file was left behind'"),
        say("Validated."),
    ];
    let turns = script.len();
    let session = rig.play(agent, start, "auth", script);
    session.ran.expect(0);

    let denied = [
        "docs/stray.md",
        "docs/notes.md",
        "git stash",
        "elsewhere.txt",
        "wt resume",
    ];
    for (step, about) in denied.into_iter().enumerate() {
        session
            .shows(step, "denied: ")
            .shows(step, about)
            .shows(step, "instead: ");
    }
    session.shows(7, "wt validate");
    session
        .shows(8, "TEST_FAILURE")
        .shows(8, "attempt=1/2")
        .shows(8, "wt validate --cause");
    session.shows(10, "VALIDATION_OK");
    assert_eq!(session.turns(), turns);

    let worktree = sandbox.worktree("auth");
    assert_eq!(sandbox.read(worktree.join("src/new.txt")), "new\n");
    assert_eq!(sandbox.read(worktree.join("docs/notes.md")), "the notes\n");
    assert!(!worktree.join("docs/stray.md").exists() && !elsewhere.exists());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert_eq!(shared_refs(), refs_before);
    let events = sandbox.events("auth");
    let count = |word: &str| events.iter().filter(|event| *event == word).count();
    assert_eq!(
        (count("hook-denied"), count("hook-held")),
        (5, 1),
        "{events:?}"
    );

    assert_eq!(sandbox.task_state("auth"), "validated");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("src/new.txt"), "new\n");
    let left = sandbox.git(&["for-each-ref", "--format=%(refname)"]);
    assert_eq!(left, "refs/heads/main");
}

#[test]
fn claude_is_kept_in_bounds() {
    a_task_is_kept_in_its_bounds(CLAUDE, Start::ByHand);
}

#[test]
fn codex_is_kept_in_bounds() {
    a_task_is_kept_in_its_bounds(CODEX, Start::ByHand);
}

#[test]
fn codex_is_kept_in_bounds_when_its_model_writes_code() {
    a_task_is_kept_in_its_bounds(CODEX_CODING, Start::ByHand);
}

#[test]
fn claude_is_kept_in_bounds_in_a_cage() {
    a_task_is_kept_in_its_bounds(CLAUDE, Start::ByWt);
}

#[test]
fn codex_is_kept_in_bounds_in_a_cage() {
    a_task_is_kept_in_its_bounds(CODEX, Start::ByWt);
}

/// What no hook can read from a command line is found before it lands; nobody is held back twice.
fn what_the_hook_does_not_see(agent: Agent) {
    let Some(rig) = begun(agent, Start::ByHand) else {
        return;
    };
    let script = vec![
        shell("folder=docs; echo sneaky > $folder/sneaky.md"),
        shell("wt validate"),
        say("All done."),
        say("All done, whatever is said."),
    ];
    let session = rig.play(agent, Start::ByHand, "auth", script);
    session.ran.expect(0);
    session
        .shows(1, "OUT_OF_SCOPE")
        .shows(1, "docs/sneaky.md")
        .shows(2, "wt validate");
    assert_eq!(session.turns(), 4);
    assert_eq!(rig.sandbox.task_state("auth"), "working");
    assert_eq!(rig.sandbox.show("auth")["attempts"], 0);
}

#[test]
fn what_claudes_hook_does_not_see_validate_does() {
    what_the_hook_does_not_see(CLAUDE);
}

#[test]
fn what_codexs_hook_does_not_see_validate_does() {
    what_the_hook_does_not_see(CODEX);
}

#[test]
fn claude_makes_no_worktree_of_its_own() {
    let Some(rig) = begun(CLAUDE, Start::ByHand) else {
        return;
    };
    let listed = |what: &[&str]| rig.sandbox.git(what);
    let (refs, worktrees) = (["for-each-ref"], ["worktree", "list"]);
    let before = (listed(&refs), listed(&worktrees));
    let isolated = json!({
        "description": "a part", "prompt": "Do a part.", "subagent_type": "general-purpose",
        "isolation": "worktree",
    });
    let script = vec![
        call("EnterWorktree", json!({"name": "side"})),
        call("Agent", isolated),
        say("Nothing was done."),
    ];
    let session = rig.play(CLAUDE, Start::ByHand, "auth", script);
    session.ran.expect(0);
    for step in [0, 1] {
        session.shows(step, "denied: a task has one worktree");
    }
    assert_eq!(session.turns(), 3);
    assert_eq!((listed(&refs), listed(&worktrees)), before);
}

#[test]
fn a_folder_that_codexs_model_names_is_no_way_out() {
    let Some(rig) = begun(CODEX, Start::ByHand) else {
        return;
    };
    let sandbox = &rig.sandbox;
    let docs = sandbox.wt(&["spawn", "docs", "--owns", "docs/**"]);
    docs.expect(0);
    let elsewhere = |folder: &std::path::Path, command: &str| {
        call("exec_command", json!({"cmd": command, "workdir": folder}))
    };
    let script = vec![
        elsewhere(&sandbox.worktree("docs"), "echo stolen > docs/notes.md"),
        elsewhere(&sandbox.repo(), "echo stolen > src/lib.txt"),
        elsewhere(&sandbox.worktree("auth").join("src"), "echo own > own.txt"),
        say("All done."),
    ];
    let session = rig.play(CODEX, Start::ByHand, "auth", script);
    session.ran.expect(0);
    session.shows(0, "denied: ").shows(1, "denied: ");
    for folder in [sandbox.worktree("docs"), sandbox.repo()] {
        assert_eq!(sandbox.git_in(&folder, &["status", "--porcelain"]), "");
    }
    assert_eq!(
        sandbox.read(sandbox.worktree("auth").join("src/own.txt")),
        "own\n"
    );
}
