//! What is committed in a cage stays in it until `wt` takes it in, and nothing that was forged is taken in.

use std::fs;

use super::{assert_closed, caged, held, private, start, wait_for_sign};
use crate::sandbox::{CONTRACT, Sandbox, wait_until};

#[test]
fn branches_commits_stash_and_rebase_work_in_a_cage_and_land() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let hook = sandbox.repo().join(".git/hooks/pre-commit");
    sandbox.write(&hook, "#!/bin/sh\necho the hook ran\n");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let worktree = sandbox.spawn("auth");
    sandbox.write("main.txt", "theirs\n");
    sandbox.commit(&sandbox.repo(), "on main");
    let before = sandbox.git(&["for-each-ref"]);

    let ran = caged(
        &sandbox,
        "auth",
        "set -e
         echo one > one.txt; git add one.txt; git commit -qm one
         git switch -qc aside; echo two > two.txt; git add two.txt; git commit -qm two
         git switch -q wt/auth; git merge -q --ff-only aside
         echo half >> one.txt; git stash -q; git rebase -q main; git stash pop -q
         git commit -qam 'half done'; git tag mine; git branch -q -D aside
         git log --format=%s; git status --porcelain; git fsck --strict --no-dangling
         git worktree list | wc -l; wt validate",
    );
    ran.expect(0).says("the hook ran");
    assert_eq!(
        ran.steady()
            .lines()
            .filter(|l| !l.contains("VALIDATION"))
            .collect::<Vec<_>>(),
        [
            "half done",
            "two",
            "one",
            "on main",
            "first",
            "1",
            "next: wt merge auth"
        ]
    );
    // The one branch moved, and nothing else came out.
    let now = sandbox.git(&["for-each-ref"]);
    let moved: Vec<&str> = now
        .lines()
        .filter(|line| !before.contains(line) && !line.contains("refs/wt/cages/"))
        .collect();
    assert!(
        moved.len() == 1 && moved[0].ends_with("refs/heads/wt/auth"),
        "{moved:?}"
    );
    assert_eq!(
        sandbox.git_in(&worktree, &["log", "-1", "--format=%s"]),
        "half done"
    );
    assert_closed(&sandbox, "auth");

    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("one.txt"), "one\nhalf\n");
    assert!(!private(&sandbox, "auth").exists());
    assert_eq!(sandbox.git(&["for-each-ref", "refs/wt"]), "");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn what_is_under_way_in_a_cage_is_kept_for_the_next_run() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    sandbox.write("same.txt", "theirs\n");
    sandbox.commit(&sandbox.repo(), "on main");
    let ran = caged(
        &sandbox,
        "auth",
        "echo kept > kept.txt; git add kept.txt; git stash -q
         echo ours > same.txt; git add same.txt; git commit -qm ours
         git rebase main; wt validate; echo \"validate: $?\"",
    );
    ran.expect(0)
        .says("HEAD in the cage of task `auth` is detached at")
        .says("finish what is under way there: git rebase --continue")
        .prints("validate: 4");
    ran.says("what was committed in the cage of task `auth` stays there");
    sandbox.wt(&["rm", "auth"]).expect(4).says("a stash");
    // Who removes it by force gets all of it back.
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    sandbox.wt(&["restore", "auth"]).expect(0);

    let ran = caged(
        &sandbox,
        "auth",
        "set -e; echo both > same.txt; git add same.txt
         GIT_EDITOR=true git rebase --continue >&2; git stash pop -q; git add -A; git commit -qm kept
         git log --format=%s",
    );
    ran.expect(0);
    assert_eq!(ran.out, "kept\nours\non main\nfirst\n");
    assert_closed(&sandbox, "auth");
}

#[test]
fn a_branch_that_moved_on_both_sides_is_brought_together_in_the_cage() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    caged(&sandbox, "auth", "git commit -q --allow-empty -m one").expect(0);
    // Between two runs: the private repository follows.
    sandbox.write(worktree.join("by-hand.txt"), "x\n");
    sandbox.commit(&worktree, "by hand");
    let ran = caged(
        &sandbox,
        "auth",
        "git status --porcelain; git log -1 --format=%s",
    );
    assert_eq!((ran.out.as_str(), ran.code), ("by hand\n", Some(0)));

    // During one: nobody's commit is lost.
    let script = "git commit -q --allow-empty -m inside; touch .wt/sign
                  while [ -f .wt/sign ]; do sleep 0.01; done
                  wt validate; echo \"validate: $?\"
                  git rebase -q $(cat .wt/theirs); wt validate; echo \"validate: $?\"";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    let tip = sandbox.git(&["rev-parse", "wt/auth"]);
    let tree = sandbox.git(&["rev-parse", "wt/auth^{tree}"]);
    let theirs = sandbox.git(&["commit-tree", &tree, "-p", &tip, "-m", "outside"]);
    sandbox.git(&["update-ref", "refs/heads/wt/auth", &theirs]);
    sandbox.write(worktree.join(".wt/theirs"), &theirs);
    fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    let ran = running.finish(&sandbox);
    ran.expect(0)
        .says("moved to")
        .says(&format!("git rebase {theirs}"))
        .prints("validate: 4\n")
        .prints("validate: 0\n");
    let subjects = sandbox.git(&["log", "--format=%s", "wt/auth"]);
    assert!(
        subjects.contains("inside") && subjects.contains("outside"),
        "{subjects}"
    );
    assert_closed(&sandbox, "auth");
}

#[test]
fn gc_by_the_operator_takes_nothing_away_from_a_cage() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write("more.txt", "theirs\n");
    sandbox.commit(&sandbox.repo(), "on main");
    // What wt stores of the files, and of their combination with main, git in the cage does not store again.
    let script = "set -e; echo new > new.txt; wt validate; git add new.txt
                  echo seen > seen.txt; wt scope check; git add seen.txt; rm seen.txt
                  echo owed > owed.txt; wt _owed; git add owed.txt
                  touch .wt/sign; while [ -f .wt/sign ]; do sleep 0.01; done
                  git commit -qm new; git restore seen.txt; git merge -q --no-edit main
                  git fsck --strict --no-dangling; wt validate";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    sandbox.git(&["reflog", "expire", "--expire=now", "--all"]);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.finish(&sandbox).expect(0);
    assert_closed(&sandbox, "auth");
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("new.txt"), "new\n");
}

#[test]
fn an_object_that_is_not_what_its_name_says_never_gets_out() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let before = sandbox.git(&["rev-parse", "wt/auth"]);
    let forge = "forge() { # the content of $2 under the name of $1
                   o=$(git rev-parse --git-dir)/objects
                   mkdir -p \"$o/$(echo $1 | cut -c1-2)\"
                   cp -f \"$o/$(echo $2 | cut -c1-2)/$(echo $2 | cut -c3-)\" \"$o/$(echo $1 | cut -c1-2)/$(echo $1 | cut -c3-)\"
                 }
                 evil=$(echo evil | git hash-object -w --stdin)\n";
    // A file that main has is forged: what it has stays, and what was honestly committed comes in.
    let ran = caged(
        &sandbox,
        "auth",
        &format!(
            "{forge} forge $(git rev-parse HEAD:README.md) $evil
                  echo x > x.txt; git add x.txt; git commit -qm x; wt validate"
        ),
    );
    ran.expect(0);
    assert_eq!(sandbox.git(&["show", "wt/auth:README.md"]), "a project");
    assert_closed(&sandbox, "auth");

    // One that nobody else has is missing then.
    let honest = sandbox.git(&["rev-parse", "wt/auth"]);
    assert_ne!(honest, before);
    let ran = caged(
        &sandbox,
        "auth",
        &format!("{forge} echo good > good.txt; git add good.txt; git commit -qm good
                  forge $(git rev-parse HEAD:good.txt) $evil; wt validate; echo \"validate: $?\"
                  forge $(git rev-parse HEAD) $(git rev-parse HEAD~1); wt validate; echo \"validate: $?\""),
    );
    ran.expect(0)
        .says("are not whole")
        .prints("validate: 4\nvalidate: 4\n");
    assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), honest);
    sandbox.git(&["fsck", "--strict", "--no-dangling"]);
    let evil = sandbox.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
    assert!(!evil.contains("no such"), "{evil}");
}

#[test]
fn a_tree_without_end_stays_in_the_cage() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let before = sandbox.git(&["rev-parse", "wt/auth"]);
    // Ten folders of ten folders and so on, all the same: ten thousand million paths in ten objects.
    let script = "blob=$(echo x | git hash-object -w --stdin)
                  tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '100644 blob %s\tf%s\n' $blob $i; done | git mktree)
                  for level in 1 2 3 4 5 6 7 8 9; do
                    tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\td%s\n' $tree $i; done | git mktree)
                  done
                  git update-ref refs/heads/wt/auth $(git commit-tree $tree -p HEAD -m bomb)
                  wt validate; echo \"validate: $?\"";
    caged(&sandbox, "auth", script)
        .says("has more than 5000000 paths")
        .prints("validate: 4\n");
    assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), before);
    sandbox.wt(&["list", "--status"]).expect(0);
    sandbox.wt(&["spawn", "other"]).expect(0);
}

#[test]
fn what_lies_in_place_of_objects_neither_holds_wt_up_nor_leads_it_away() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let elsewhere =
        "git init -q \"$TMPDIR/r\"; cd \"$TMPDIR/r\"; git commit -q --allow-empty -m stranger
                     s=$(git rev-parse HEAD); cd \"$WT_WORKTREE\"; d=$(git rev-parse --git-dir)\n";
    let cases = [
        ("mkfifo $d/objects/aa", "objects/aa in the cage's repository is neither a file nor a folder"),
        ("ln -s / $d/objects/bb", "objects/bb in the cage's repository is neither"),
        ("mkdir -p $d/objects/cc; mkfifo $d/objects/cc/$(echo $s | cut -c3-)", "neither a file nor a folder"),
        (
            "rm -rf $d/objects/[abc][abc]; echo \"$TMPDIR/r/.git/objects\" >> $d/objects/info/alternates
             git update-ref refs/heads/wt/auth $s",
            "are not whole",
        ),
        ("git update-ref refs/heads/wt/auth HEAD~1; rm $d/HEAD; ln -s /etc/passwd $d/HEAD", "no HEAD of git's"),
        ("rm $d/HEAD; mkfifo $d/HEAD", "no HEAD of git's"),
    ];
    let before = sandbox.git(&["rev-parse", "wt/auth"]);
    for (spoil, said) in cases {
        let ran = caged(
            &sandbox,
            "auth",
            &format!("{elsewhere} git commit -q --allow-empty -m x; {spoil}; wt validate"),
        );
        ran.expect(4).says(said);
        assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), before, "{spoil}");
        fs::remove_dir_all(sandbox.state().join("cages/auth")).expect("removed");
        assert_closed(&sandbox, "auth");
    }
}

#[test]
fn every_kind_of_repository_can_be_caged() {
    if !held() {
        return;
    }
    for init in [
        &["--ref-format=reftable"][..],
        &["--object-format=sha256"],
        &["--bare"],
    ] {
        let sandbox = Sandbox::empty(init);
        if init == ["--bare"] {
            let seed = sandbox.root().join("seed");
            fs::create_dir_all(&seed).expect("made");
            sandbox.git_in(&seed, &["init", "-q"]);
            sandbox.write(seed.join("wt.toml"), CONTRACT);
            sandbox.write(seed.join("test.sh"), "exit 0\n");
            sandbox.commit(&seed, "first");
            sandbox.git_in(
                &seed,
                &["push", "-q", sandbox.repo().to_str().expect("text"), "main"],
            );
        } else {
            sandbox.write("wt.toml", CONTRACT);
            sandbox.write("test.sh", "exit 0\n");
            sandbox.commit(&sandbox.repo(), "first");
        }
        sandbox.wt(&["spawn", "auth", "--target", "main"]).expect(0);
        let ran = caged(
            &sandbox,
            "auth",
            "set -e; echo x > x.txt; git add x.txt; git commit -qm x; git stash list; wt validate",
        );
        ran.expect(0).prints("VALIDATION_OK");
        sandbox.wt(&["merge", "auth"]).expect(0);
        assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "main^2"]), "x");
        wait_until("the trash is swept", || {
            sandbox.wt(&["doctor"]).err.contains("all is well")
        });
    }
}

#[test]
fn what_a_cage_was_given_is_no_work_of_its_task() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    for task in ["auth", "other", "third"] {
        sandbox.validated(task, task, "x\n");
    }
    caged(&sandbox, "auth", "git pack-refs --all; git branch keep").expect(0);
    // Each of these takes away what the cage was given: a squash, a removal, its own branch replayed.
    let squash = ["merge", "other", "--strategy", "squash"];
    sandbox.wt(&squash).expect(0);
    sandbox.wt(&["rm", "third", "--force"]).expect(0);
    caged(&sandbox, "auth", "true").expect(0);
    sandbox.wt(&["sync", "auth", "--rebase"]).expect(0);
    let landed = sandbox.wt(&["merge", "auth"]);
    landed.expect(0).prints("landed auth");
    assert!(!landed.err.contains("kept"), "{}", landed.err);
    assert!(!sandbox.worktree("auth").exists());

    // What was made in the cage alone still is.
    sandbox.validated("second", "second", "x\n");
    let script =
        "git switch -qc aside && git commit -q --allow-empty -m aside && git switch -q wt/second";
    caged(&sandbox, "second", script).expect(0);
    sandbox
        .wt(&["merge", "second"])
        .expect(0)
        .says("it holds newer work: aside");
}
