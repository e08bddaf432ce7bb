//! `wt merge --push`: what the remote has is judged against, and it alone decides whether the landing takes place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::sandbox::{CONTRACT, Ran, Sandbox, wait_until};

/// A gate that passes and counts its runs.
const COUNTED: &str = "echo run >> \"$HOME/notes/runs\"\n";

/// A repository whose main has a remote, and a task `a` that is validated.
fn with_remote() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", COUNTED),
        ("README.md", "a project\n"),
    ]);
    let remote = remote(&sandbox);
    let remote = remote.to_str().expect("text");
    sandbox.git(&["init", "-q", "--bare", remote]);
    // From the checkout, as git reads it, wherever wt is called.
    sandbox.git(&["remote", "add", "origin", "../remote.git"]);
    sandbox.git(&["push", "-q", "-u", "origin", "main"]);
    sandbox.validated("a", "a.txt", "");
    sandbox
}

fn remote(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("remote.git")
}

/// What the remote's main is.
fn there(sandbox: &Sandbox) -> String {
    sandbox.git_in(&remote(sandbox), &["rev-parse", "main"])
}

fn here(sandbox: &Sandbox) -> String {
    sandbox.git(&["rev-parse", "main"])
}

fn runs(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.notes().join("runs")).map_or(0, |text| text.lines().count())
}

/// Somebody else commits this file on the remote's main.
fn another_pushes(sandbox: &Sandbox, path: &str) {
    let clone = sandbox.root().join("clone");
    if !clone.exists() {
        let remote = remote(sandbox);
        let (from, to) = (
            remote.to_str().expect("text"),
            clone.to_str().expect("text"),
        );
        sandbox.git(&["clone", "-q", from, to]);
    }
    sandbox.git_in(&clone, &["pull", "-q", "--ff-only"]);
    sandbox.write(clone.join(path), "theirs\n");
    sandbox.commit(&clone, &format!("theirs: {path}"));
    sandbox.git_in(&clone, &["push", "-q"]);
}

/// Has the remote run this at each push.
fn hook(sandbox: &Sandbox, name: &str, script: &str) {
    let file = remote(sandbox).join("hooks").join(name);
    sandbox.write(&file, &format!("#!/bin/sh\n{script}"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn push(sandbox: &Sandbox, task: &str) -> Ran {
    sandbox.wt_in_time(&["merge", task, "--push", "--operator", "ann"])
}

#[track_caller]
fn assert_refused(sandbox: &Sandbox, code: i32, words: &str) {
    let (before, remote_before) = (sandbox.picture(), there(sandbox));
    push(sandbox, "a").expect(code).says(words).says("hint: ");
    sandbox.assert_as(&before);
    assert_eq!(there(sandbox), remote_before);
}

#[test]
fn a_landing_is_pushed_first_and_only_where_it_was_asked_for() {
    let sandbox = with_remote();
    let file = sandbox.repo().join(".git/hooks/pre-push");
    sandbox.write(&file, "#!/bin/sh\ntouch \"$HOME/notes/hooked\"\nexit 1\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
    let before = there(&sandbox);
    sandbox
        .wt(&["merge", "a", "--push"])
        .expect(4)
        .says("--push is for the operator, and there is no terminal here");
    sandbox
        .wt(&["merge", "a", "--push", "--operator", "ann", "--dry-run"])
        .expect(0)
        .says("would be pushed to origin/main first");
    assert_eq!(there(&sandbox), before);
    push(&sandbox, "a").expect(0).prints("landed a on main as ");
    assert_eq!(there(&sandbox), here(&sandbox));
    assert_eq!(sandbox.git(&["rev-parse", "main^"]), before);
    assert_eq!(sandbox.git(&["rev-parse", "origin/main"]), here(&sandbox));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(!sandbox.notes().join("hooked").exists());
    let log = sandbox.wt(&["log", "a"]);
    log.expect(0)
        .prints("pushed")
        .prints("to=origin/main")
        .prints("operator=ann");
    assert_eq!(sandbox.events("a").last().expect("events"), "removed");

    sandbox.validated("b", "b.txt", "");
    sandbox.wt(&["merge", "b"]).expect(0);
    assert_ne!(there(&sandbox), here(&sandbox));
}

#[test]
fn what_the_remote_has_more_is_judged_against_and_what_is_here_more_goes_along() {
    let sandbox = with_remote();
    another_pushes(&sandbox, "theirs.txt");
    let theirs = there(&sandbox);
    push(&sandbox, "a")
        .expect(0)
        .says("main is brought forward to origin/main: 1 commit");
    assert_eq!(sandbox.git(&["rev-parse", "main^"]), theirs);
    assert_eq!(there(&sandbox), here(&sandbox));
    assert_eq!(runs(&sandbox), 2, "the new combination was judged");
    assert_eq!(sandbox.read("theirs.txt"), "theirs\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");

    sandbox.write("mine.txt", "");
    sandbox.commit(&sandbox.repo(), "mine");
    sandbox.validated("b", "b.txt", "");
    push(&sandbox, "b")
        .expect(0)
        .says("main has 1 commit that origin/main has not: pushed as well");
    assert_eq!(there(&sandbox), here(&sandbox));
    let refs = sandbox.git(&["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/heads/main\nrefs/remotes/origin/main");
}

#[test]
fn branches_that_have_diverged_and_a_persons_work_in_the_way_are_left_to_the_person() {
    let sandbox = with_remote();
    another_pushes(&sandbox, "theirs.txt");
    sandbox.git(&["fetch", "-q"]);
    sandbox.write("theirs.txt", "mine, not committed\n");
    assert_refused(
        &sandbox,
        4,
        "has work of your own where its remote has newer: theirs.txt",
    );
    fs::remove_file(sandbox.repo().join("theirs.txt")).expect("removed");
    sandbox.write("mine.txt", "");
    sandbox.commit(&sandbox.repo(), "mine");
    assert_refused(
        &sandbox,
        4,
        "main and origin/main have diverged: 1 commit here, 1 commit there",
    );
}

#[test]
fn a_remote_that_refuses_or_is_not_there_is_answered_in_its_words_and_nothing_lands() {
    let sandbox = with_remote();
    hook(&sandbox, "pre-receive", "echo 'not on a friday'\nexit 1\n");
    assert_refused(&sandbox, 4, "not on a friday");
    assert_eq!(sandbox.task_state("a"), "validated");
    let away = sandbox.root().join("away.git");
    fs::rename(remote(&sandbox), &away).expect("moved");
    let before = sandbox.picture();
    push(&sandbox, "a")
        .expect(4)
        .says("origin/main can't be read: ");
    sandbox.assert_as(&before);
    sandbox.git(&["remote", "remove", "origin"]);
    push(&sandbox, "a")
        .expect(4)
        .says("main has no remote to be pushed to: there is no remote origin")
        .says("git remote add origin <url>");
    sandbox.git(&["config", "branch.main.remote", "upstream"]);
    push(&sandbox, "a")
        .expect(4)
        .says("git remote add upstream <url>");
    sandbox.git(&["config", "branch.main.remote", "."]);
    let follows_here = push(&sandbox, "a");
    follows_here
        .expect(4)
        .says("hint: git branch --set-upstream-to=<remote>/main main");
    sandbox.git(&["config", "--unset", "branch.main.remote"]);
    sandbox.git(&["remote", "add", "origin", away.to_str().expect("text")]);
    sandbox.git_in(&away, &["update-ref", "-d", "refs/heads/main"]);
    fs::remove_file(away.join("hooks/pre-receive")).expect("removed");
    push(&sandbox, "a")
        .expect(0)
        .says("origin/main is not there yet: all of main is pushed");
    assert_eq!(
        sandbox.git_in(&away, &["rev-parse", "main"]),
        here(&sandbox)
    );
}

/// Somebody else is faster: commits on the remote's main right before a push takes it.
const FASTER: &str = "[ -f slow ] || exit 0\n[ \"$(cat slow)\" = always ] || rm slow\n\
    new=$(git commit-tree -p main -m faster 'main^{tree}') && git update-ref refs/heads/main \"$new\"\n";

#[test]
fn a_remote_that_moves_is_judged_against_anew_and_three_times_at_most() {
    let sandbox = with_remote();
    hook(&sandbox, "update", FASTER);
    sandbox.write(remote(&sandbox).join("slow"), "once");
    push(&sandbox, "a")
        .expect(0)
        .says("origin/main has moved meanwhile; combining anew")
        .says("main is brought forward to origin/main: 1 commit");
    assert_eq!(there(&sandbox), here(&sandbox));
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%s", "main^"]),
        "faster"
    );

    sandbox.validated("b", "b.txt", "");
    sandbox.write(remote(&sandbox).join("slow"), "always");
    push(&sandbox, "b")
        .expect(6)
        .says("origin/main moved 3 times while task `b` was to land");
    assert_eq!(sandbox.task_state("b"), "validated");
    assert!(!sandbox.repo().join("b.txt").exists());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let log = sandbox.git_in(&remote(&sandbox), &["log", "--format=%s", "main"]);
    assert_eq!(log.lines().filter(|s| *s == "faster").count(), 4, "{log}");
    assert!(!log.contains("Land b"), "{log}");
    fs::remove_file(remote(&sandbox).join("slow")).expect("removed");
    push(&sandbox, "b").expect(0);
    assert_eq!(there(&sandbox), here(&sandbox));
}

/// A task `a` whose landing the remote has taken, by a command that was killed before it could move main here.
fn killed_after_the_push() -> (Sandbox, String) {
    let sandbox = with_remote();
    let taken = kill_after_the_push(&sandbox, &["merge", "a", "--push", "--operator", "ann"]);
    (sandbox, taken)
}

/// Kills the landing when the remote has taken it; answers what that was.
fn kill_after_the_push(sandbox: &Sandbox, landing: &[&str]) -> String {
    let note = sandbox.notes();
    let note = note.display();
    hook(
        sandbox,
        "post-receive",
        &format!("echo taken > '{note}/taken'\nwhile [ ! -e '{note}/go' ]; do sleep 0.01; done\n"),
    );
    let landing = sandbox.start(landing);
    sandbox.wait_for(&sandbox.notes().join("taken"));
    landing.signal(Signal::KILL);
    landing.finish(sandbox);
    sandbox.write(sandbox.notes().join("go"), "");
    let taken = there(sandbox);
    assert_ne!(taken, here(sandbox));
    wait_until("git has ended", || {
        sandbox
            .processes()
            .iter()
            .all(|(_, command)| !command.contains("push"))
    });
    taken
}

#[test]
fn a_landing_that_was_killed_after_the_push_is_completed_here() {
    let (sandbox, taken) = killed_after_the_push();
    sandbox.git(&["fetch", "-q"]);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("task `a` had landed; its landing is recorded");
    assert_eq!(here(&sandbox), taken);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(sandbox.events("a").contains(&"landed".to_owned()));
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_landing_that_only_the_remote_has_is_not_forgotten_where_main_has_moved_here() {
    let (sandbox, taken) = killed_after_the_push();
    sandbox.git(&["fetch", "-q"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "past"]);
    for _ in 0..2 {
        sandbox
            .wt(&["merge", "a"])
            .expect(4)
            .says("can't be mended");
    }
    sandbox.git(&["merge", "-q", "--no-edit", "origin/main"]);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("task `a` had landed; its landing is recorded");
    let log = sandbox.git(&["log", "--format=%s", "main"]);
    assert_eq!(log.matches("Land a").count(), 1, "{log}");
    sandbox.git(&["merge-base", "--is-ancestor", &taken, "main"]);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn what_the_remote_took_is_recognised_where_nothing_here_tells_of_it() {
    for pulled in [false, true] {
        let (sandbox, taken) = killed_after_the_push();
        sandbox.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
        sandbox.wt(&["doctor", "--fix"]).expect(0);
        assert_ne!(here(&sandbox), taken);
        let landed = if pulled {
            sandbox.git(&["pull", "-q", "--ff-only"]);
            sandbox.wt(&["merge", "a"])
        } else {
            push(&sandbox, "a")
        };
        landed
            .expect(0)
            .says("task `a` is on main already, as ")
            .prints("landed a on main as ");
        assert_eq!((here(&sandbox), there(&sandbox)), (taken.clone(), taken));
        sandbox.wt(&["doctor"]).expect(0).says("all is well");
    }
}

#[test]
fn a_train_that_the_remote_took_is_recognised_by_the_next_one() {
    let sandbox = with_remote();
    sandbox.validated("b", "b.txt", "");
    sandbox.wt(&["spawn", "next", "--after", "b"]).expect(0);
    let train = ["merge", "--all", "--push", "--operator", "ann"];
    let taken = kill_after_the_push(&sandbox, &train);
    sandbox.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    sandbox
        .wt(&train)
        .expect(0)
        .prints("landed a on main as ")
        .prints("landed b on main as ");
    assert_eq!((here(&sandbox), there(&sandbox)), (taken.clone(), taken));
    assert_eq!(sandbox.task_state("next"), "working");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_train_is_pushed_once_and_each_of_it_is_told_apart_from_what_came_past_wt() {
    let sandbox = with_remote();
    sandbox.validated("b", "b.txt", "");
    sandbox.validated("c", "c.txt", "");
    another_pushes(&sandbox, "theirs.txt");
    let pushes = sandbox.notes().join("pushes");
    let count = format!("echo push >> '{}'\n", pushes.display());
    hook(&sandbox, "update", &format!("{count}{FASTER}"));
    sandbox.write(remote(&sandbox).join("slow"), "once");
    let args = ["merge", "--all", "--push", "--operator", "ann"];
    sandbox
        .wt_in_time(&args)
        .expect(0)
        .says("main is brought forward to origin/main: 1 commit")
        .prints("landed a on main")
        .prints("landed c on main");
    assert_eq!(there(&sandbox), here(&sandbox));
    assert_eq!(sandbox.read(&pushes), "push\npush\n", "one was too late");
    let told = sandbox
        .wt(&["log", "--target", "--json"])
        .expect(0)
        .out
        .clone();
    let words: Vec<String> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|passage| passage["standing"].as_str().expect("a word").to_owned())
        .collect();
    assert_eq!(
        words,
        [
            "no-receipt",
            "no-receipt",
            "no-receipt",
            "judged-together",
            "judged-together",
            "landed"
        ]
    );
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn one_that_was_killed_before_the_remote_took_it_has_not_landed_anywhere() {
    let sandbox = with_remote();
    let note = sandbox.notes();
    let note = note.display();
    hook(
        &sandbox,
        "pre-receive",
        &format!(
            "echo asked > '{note}/asked'\nwhile [ ! -e '{note}/go' ]; do sleep 0.01; done\nexit 1\n"
        ),
    );
    let (before, remote_before) = (here(&sandbox), there(&sandbox));
    let landing = sandbox.start(&["merge", "a", "--push", "--operator", "ann"]);
    sandbox.wait_for(&sandbox.notes().join("asked"));
    landing.signal(Signal::KILL);
    landing.finish(&sandbox);
    sandbox.write(sandbox.notes().join("go"), "");
    wait_until("git has ended", || {
        let mut processes = sandbox.processes().into_iter();
        processes.all(|(_, command)| !command.contains("push"))
    });
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .says("task `a` had not landed; nothing of it is on its target; wt merge --push finds out");
    assert_eq!((here(&sandbox), there(&sandbox)), (before, remote_before));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert_eq!(sandbox.task_state("a"), "validated");
    fs::remove_file(remote(&sandbox).join("hooks/pre-receive")).expect("removed");
    push(&sandbox, "a").expect(0).prints("landed a on main as ");
    assert_eq!(there(&sandbox), here(&sandbox));
}

#[test]
fn ctrl_c_before_the_gate_is_begun_is_not_swallowed() {
    let sandbox = with_remote();
    sandbox.validated("b", "b.txt", "");
    let notes = sandbox.notes();
    let notes = notes.display();
    let slow = sandbox.root().join("slow");
    sandbox.write(
        &slow,
        &format!(
            "#!/bin/sh\necho asked > '{notes}/asked'\nwhile [ ! -e '{notes}/go' ]; do sleep 0.01; done\nexec git-upload-pack \"$@\"\n"
        ),
    );
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).expect("set");
    let slow = slow.to_str().expect("text");
    sandbox.git(&["config", "remote.origin.uploadpack", slow]);
    for tasks in [&["a"][..], &["a", "b"]] {
        let before = runs(&sandbox);
        let args = [&["merge"], tasks, &["--push", "--operator", "ann"]].concat();
        let landing = sandbox.start(&args);
        sandbox.wait_for(&sandbox.notes().join("asked"));
        landing.signal(Signal::INT);
        sandbox.write(sandbox.notes().join("go"), "");
        landing.finish(&sandbox).expect(130).says("interrupted");
        assert_eq!(runs(&sandbox), before, "{tasks:?}");
        for name in ["asked", "go"] {
            fs::remove_file(sandbox.notes().join(name)).expect("removed");
        }
    }
}

#[test]
fn it_is_said_where_a_landing_was_pushed_and_beforehand_what_is_known_of_there() {
    let sandbox = with_remote();
    another_pushes(&sandbox, "theirs");
    sandbox.git(&["fetch", "-q"]);
    let dry = ["merge", "a", "--push", "--dry-run", "--operator", "ann"];
    sandbox.wt(&dry).expect(0).says(
        "would be pushed to origin/main first, once main is brought forward to it: 1 commit as",
    );
    push(&sandbox, "a")
        .expect(0)
        .prints(", pushed to origin/main\n");
    sandbox.validated("b", "b.txt", "");
    sandbox.write("mine", "");
    sandbox.commit(&sandbox.repo(), "past wt");
    sandbox.git_in(&sandbox.root().join("clone"), &["pull", "-q"]);
    another_pushes(&sandbox, "more");
    sandbox.git(&["fetch", "-q"]);
    sandbox
        .wt(&["merge", "b", "--push", "--dry-run", "--operator", "ann"])
        .expect(0)
        .says("as last fetched they have diverged: 1 commit here, 1 commit there");
}
