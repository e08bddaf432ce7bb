//! Whatever an agent does to its private repository, there is a way on, and it is said.

use std::fs;

use super::{assert_closed, caged, held, private, start, wait_for_sign};
use crate::sandbox::Sandbox;

#[test]
fn the_target_is_seen_again_whatever_the_cage_did_to_it() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let ways = [
        "git branch -f main HEAD",
        "git branch -qD main",
        "git pack-refs --all; git branch -qD main",
        "git symbolic-ref refs/heads/main refs/heads/wt/auth",
        "git branch -qD main; git branch main/sub",
    ];
    for (number, way) in ways.into_iter().enumerate() {
        sandbox.write(format!("theirs-{number}.txt"), "theirs\n");
        sandbox.commit(&sandbox.repo(), "on main");
        let main = sandbox.git(&["rev-parse", "main"]);
        let script = format!(
            "git commit -q --allow-empty -m x; {way}; wt validate >&2
             git rev-parse main; git merge -q --no-edit main && git branch -qD main/sub 2> /dev/null"
        );
        let ran = caged(&sandbox, "auth", &script);
        assert_eq!(ran.out.trim_end(), main, "{way}: {}", ran.err);
        assert!(!ran.err.contains("main-in-cage"), "{way}: {}", ran.err);
        // It is where it is at the next opening as well.
        caged(&sandbox, "auth", "git update-ref refs/heads/main HEAD~1").expect(0);
        let ran = caged(&sandbox, "auth", "git rev-parse main");
        assert_eq!(ran.out.trim_end(), main, "{way}");
        assert_closed(&sandbox, "auth");
    }
}

#[test]
fn commits_on_the_private_target_are_kept_beside_it() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let script = "git switch -q main; git commit -q --allow-empty -m astray; wt validate
                  git switch -q wt/auth; wt validate >&2; git log -1 --format=%s --branches='main-in-cage-*'
                  git log -1 --format=%s main";
    let ran = caged(&sandbox, "auth", script);
    ran.expect(0).says("is on the branch main-in-cage-");
    assert!(ran.out.ends_with("astray\nfirst\n"), "{}", ran.out);
    assert_closed(&sandbox, "auth");
    sandbox.wt(&["rm", "auth"]).expect(4).says("main-in-cage-");
}

#[test]
fn a_broken_repository_is_put_aside_and_made_anew() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let ways = [
        ("rm -rf \"$d\"", "its HEAD"),
        ("echo no > \"$d/HEAD\"", "its HEAD"),
        ("rm \"$d/config\"", "its config is no file"),
        (
            "rm -rf \"$d/objects\"; echo > \"$d/objects\"",
            "its objects is no folder",
        ),
        (
            "rm -f \"$d/packed-refs\"; mkdir \"$d/packed-refs\"",
            "its packed-refs is no file",
        ),
    ];
    for (number, (way, said)) in ways.into_iter().enumerate() {
        let before = sandbox.git(&["rev-parse", "wt/auth"]);
        let script = format!(
            "echo kept > \"$(git rev-parse --git-dir)/mine\"; d=$(git rev-parse --absolute-git-dir); {way}; true"
        );
        let ran = caged(&sandbox, "auth", &script);
        ran.expect(0)
            .says("the repository of the cage of task `auth` is broken")
            .says(said)
            .says("the next wt run puts what is left of it aside");
        assert_closed(&sandbox, "auth");

        let ran = caged(
            &sandbox,
            "auth",
            "set -e; git rev-parse HEAD; git status --porcelain; git commit -q --allow-empty -m on; wt validate >&2",
        );
        ran.expect(0)
            .says(said)
            .says("it is made anew from wt/auth");
        assert_eq!(ran.out.trim_end(), before);
        let aside = private(&sandbox, "auth").with_extension(format!("broken-{}", number + 1));
        assert_eq!(aside.join("mine").exists(), number > 0, "{way}");
        assert_closed(&sandbox, "auth");
    }
}

#[test]
fn a_branch_that_moved_on_both_sides_can_be_brought_together_by_a_later_run() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let script = "git commit -q --allow-empty -m inside; touch .wt/sign
                  while [ -f .wt/sign ]; do sleep 0.01; done";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    let tree = sandbox.git(&["rev-parse", "wt/auth^{tree}"]);
    let theirs = sandbox.git(&["commit-tree", &tree, "-p", "wt/auth", "-m", "outside"]);
    sandbox.git(&["update-ref", "refs/heads/wt/auth", &theirs]);
    fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    let way_on = format!("git rebase {theirs}");
    running.finish(&sandbox).expect(0).says(&way_on);

    // Nothing is moved for the agent, and what it is told works.
    let ran = caged(&sandbox, "auth", "git log -1 --format=%s");
    ran.expect(0).says(&way_on);
    assert_eq!(ran.out, "inside\n");
    let script = format!("git pack-refs --all; {way_on} 2>&1 && wt validate");
    caged(&sandbox, "auth", &script).expect(0);
    let subjects = sandbox.git(&["log", "--format=%s", "-2", "wt/auth"]);
    assert_eq!(subjects, "inside\noutside");
    assert_closed(&sandbox, "auth");
}

#[test]
fn the_way_back_to_the_branch_leaves_no_commit_behind() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let ran = caged(
        &sandbox,
        "auth",
        "git switch -qc aside; git commit -q --allow-empty -m x; wt validate
         git switch -q -C wt/auth; wt validate",
    );
    ran.expect(0).says(
        "in the cage: git switch -C wt/auth, to go on with what is checked out; \
         where that lacks commits of wt/auth, before it: git rebase wt/auth",
    );
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "wt/auth"]), "x");

    let ran = caged(
        &sandbox,
        "auth",
        "git switch -q --detach HEAD~1; git commit -q --allow-empty -m y; wt validate
         git rebase -q wt/auth; git switch -q -C wt/auth; wt validate",
    );
    ran.expect(0).says("before it: git rebase wt/auth");
    let subjects = sandbox.git(&["log", "--format=%s", "-2", "wt/auth"]);
    assert_eq!(subjects, "y\nx");
    assert_closed(&sandbox, "auth");
}

#[test]
fn what_must_end_before_a_task_lands_is_named() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let script = "touch .wt/sign; while [ -f .wt/sign ]; do sleep 0.01; done";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    sandbox
        .wt(&["merge", "auth"])
        .expect(6)
        .says("a wt run (pid ")
        .says("is at work on task `auth`")
        .says("it must end first; once it has: wt merge auth");
    fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.finish(&sandbox).expect(0);
}
