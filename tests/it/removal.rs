//! Removal and its undoing: what is nowhere else is refused or kept, what is elsewhere is recognised.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use crate::sandbox::{CONTRACT, Ran, Sandbox, wait_until, wt};

/// Holds that nothing is left of a task but what happened.
#[track_caller]
fn assert_gone(sandbox: &Sandbox, task: &str) {
    assert!(!sandbox.worktree(task).exists());
    let git = format!(
        "{}\n{}",
        sandbox.git(&["for-each-ref"]),
        sandbox.git(&["worktree", "list"])
    );
    assert!(!git.contains(&format!("wt/{task}")), "{git}");
    assert!(!sandbox.state().join("tasks").join(task).exists());
    let trash = sandbox.root().join("repo.wt/_trash");
    wait_until("the removed folder is deleted", || !trash.exists());
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn work_that_is_nowhere_else_is_named_and_stays_until_it_lands() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("committed"), "");
    sandbox.commit(&worktree, "work");
    sandbox.write(worktree.join("README.md"), "changed\n");
    sandbox.write(worktree.join("untracked"), "");
    let before = sandbox.picture();
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("uncommitted: README.md, untracked; committed, not landed: committed")
        .says("hint: land it: wt validate auth, wt merge auth; or wt rm auth --force");
    sandbox.assert_as(&before);
    sandbox.commit(&worktree, "all of it");
    sandbox
        .wt(&["teardown", "auth"])
        .expect(4)
        .says("committed, not landed: README.md, committed, untracked");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "auth", "--keep"]).expect(0);
    let removed = sandbox.wt(&["teardown", "auth"]);
    removed.expect(0).says("removed task `auth`");
    assert_eq!(removed.out, "");
    assert_gone(&sandbox, "auth");
}

#[test]
fn a_task_without_work_goes_and_its_name_is_free_again() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    // What git ignores and what wt made is no work.
    sandbox.write(worktree.join(".wt/last/x"), "");
    sandbox.wt(&["rm", "auth"]).expect(0);
    assert_gone(&sandbox, "auth");
    sandbox
        .wt(&["restore", "auth"])
        .expect(4)
        .says("no removed task \"auth\"");
    let all = sandbox.wt(&["list", "--all", "--json"]).json();
    assert_eq!(all["past"][0]["task"], "auth");
    assert_eq!(all["past"][0]["restorable"], false);
    sandbox.spawn("auth");
    assert_eq!(sandbox.task_state("auth"), "working");
}

#[test]
fn warm_folders_go_at_once_and_nothing_that_only_has_their_name() {
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!("{CONTRACT}\n[worktree]\nwarm = [\"target\", \"led\", \"kept\", \"plain\"]\n"),
        ),
        ("test.sh", "true\n"),
        (".gitignore", "/target\n/led\n/kept\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    for file in ["target/built", "kept/forced", "plain/mine", ".wt/mine"] {
        sandbox.write(worktree.join(file), "x\n");
    }
    sandbox.git_in(&worktree, &["add", "--force", "kept"]);
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "kept"]);
    let elsewhere = sandbox.root().join("elsewhere");
    sandbox.write(elsewhere.join("mine"), "mine\n");
    symlink(&elsewhere, worktree.join("led")).expect("made");

    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    wait_until("what was built is gone", || {
        let names = fs::read_dir(sandbox.root().join("repo.wt/_trash")).expect("there");
        let mut names = names.flatten().map(|entry| entry.file_name());
        names.all(|name| !name.to_string_lossy().ends_with(".gone"))
    });
    assert_eq!(sandbox.read(elsewhere.join("mine")), "mine\n");
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert!(!worktree.join("target").exists());
    assert!(worktree.join("led").is_symlink());
    assert_eq!(sandbox.read(worktree.join("kept/forced")), "x\n");
    assert_eq!(sandbox.read(worktree.join("plain/mine")), "x\n");
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn what_was_removed_by_force_comes_back_to_the_byte() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        (".gitignore", "*.secret\n"),
        ("README.md", "one\n"),
        ("old", "old\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("committed"), "");
    sandbox.commit(&worktree, "work");
    sandbox.write(worktree.join("README.md"), "staged\n");
    sandbox.git_in(&worktree, &["add", "README.md"]);
    sandbox.write(worktree.join("README.md"), "and more\n");
    sandbox.git_in(&worktree, &["mv", "old", "new"]);
    sandbox.write(worktree.join("deep/untracked"), "mine\n");
    sandbox.write(worktree.join("key.secret"), "mine\n");
    symlink("nowhere", worktree.join("link")).expect("made");
    let look = || {
        let file = fs::metadata(worktree.join("deep/untracked")).expect("there");
        (
            sandbox.git_in(
                &worktree,
                &["status", "--porcelain=v2", "--branch", "--ignored"],
            ),
            sandbox.git_in(&worktree, &["diff", "--cached"]),
            sandbox.git_in(&worktree, &["diff"]),
            sandbox.read(worktree.join("key.secret")),
            fs::read_link(worktree.join("link")).expect("a link"),
            (
                file.ino(),
                file.mtime_nsec(),
                fs::metadata(&worktree).expect("there").ino(),
            ),
            sandbox.read(sandbox.state().join("tasks/auth/task.json")),
        )
    };
    let before = look();
    sandbox
        .wt(&["rm", "auth", "--force"])
        .expect(0)
        .says("hint: bring it back: wt restore auth");
    assert!(!worktree.exists());
    assert_eq!(sandbox.git(&["branch", "--list", "wt/*"]), "");
    assert!(!sandbox.git(&["worktree", "list"]).contains("auth"));
    sandbox.git(&["worktree", "prune", "--expire", "now"]);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    sandbox
        .wt(&["list", "--all"])
        .expect(0)
        .prints("wt restore");
    sandbox.wt(&["doctor"]).expect(0);

    let restored = sandbox.wt(&["restore", "auth"]);
    assert_eq!(restored.expect(0).out, "<root>/repo.wt/auth\n");
    assert_eq!(look(), before);
    assert_eq!(sandbox.git(&["for-each-ref", "refs/wt"]), "");
    assert_eq!(sandbox.events("auth"), ["spawned", "removed", "restored"]);
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "auth", "--commit"]).expect(0);
    assert_eq!(sandbox.read("deep/untracked"), "mine\n");
    assert_gone(&sandbox, "auth");
}

#[test]
fn nothing_is_restored_over_what_came_meanwhile() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("mine"), "first\n");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);

    sandbox.write(&worktree, "in the way\n");
    let before = sandbox.picture();
    sandbox
        .wt(&["restore", "auth"])
        .expect(4)
        .says("<root>/repo.wt/auth is taken meanwhile");
    sandbox.assert_as(&before);
    fs::remove_file(&worktree).expect("removed");

    sandbox.git(&["branch", "wt/auth"]);
    sandbox
        .wt(&["restore", "auth"])
        .expect(4)
        .says("the branch wt/auth is taken meanwhile");
    sandbox.git(&["branch", "-D", "wt/auth"]);

    let second = sandbox.spawn("auth");
    sandbox
        .wt(&["restore", "auth"])
        .expect(4)
        .says("the name `auth` is taken meanwhile");
    sandbox.write(second.join("mine"), "second\n");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);

    // The newest comes back first; once it has gone for good, the one before.
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("mine")), "second\n");
    fs::remove_file(worktree.join("mine")).expect("removed");
    sandbox.wt(&["rm", "auth"]).expect(0);
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("mine")), "first\n");
}

#[test]
fn a_name_that_leads_elsewhere_is_no_task_and_makes_no_file() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    for name in ["../../../evil", "a/b", "", "..", "a\nb"] {
        for verb in ["restore", "rm", "validate", "merge", "show", "path"] {
            let before = sandbox.picture();
            sandbox
                .wt(&[verb, "--", name])
                .expect(4)
                .says("there is no ");
            sandbox.assert_as(&before);
        }
    }
    assert!(!sandbox.repo().join("evil").exists());
    assert!(!sandbox.repo().join(".git/evil").exists());
    assert!(!sandbox.state().join("locks/a").exists());
}

#[test]
fn work_merged_elsewhere_is_known_by_what_it_left() {
    type Elsewhere = fn(&Sandbox);
    let ways: [(&str, Elsewhere); 4] = [
        ("squash", |s| {
            s.git(&["merge", "-q", "--squash", "wt/auth"]);
            s.git(&["commit", "-q", "-m", "squashed"]);
        }),
        ("rebase", |s| {
            s.git(&["commit", "-q", "--allow-empty", "-m", "else"]);
            s.git(&["cherry-pick", "main..wt/auth"]);
        }),
        ("pull request", |s| {
            s.git(&[
                "merge",
                "-q",
                "--no-ff",
                "-m",
                "Merge pull request #1",
                "wt/auth",
            ]);
        }),
        ("squash, and changed since", |s| {
            s.git(&["merge", "-q", "--squash", "wt/auth"]);
            s.git(&["commit", "-q", "-m", "squashed"]);
            s.write("one", "later\n");
            s.git(&["rm", "-q", "two"]);
            s.git(&["commit", "-q", "-a", "-m", "later"]);
        }),
    ];
    for (way, elsewhere) in ways {
        let sandbox = Sandbox::new();
        let worktree = sandbox.spawn("auth");
        sandbox.write(worktree.join("one"), "1\n");
        sandbox.commit(&worktree, "one");
        sandbox.write(worktree.join("two"), "2\n");
        sandbox.git_in(&worktree, &["rm", "-q", "README.md"]);
        sandbox.commit(&worktree, "two");
        sandbox
            .wt(&["rm", "auth"])
            .expect(4)
            .says("committed, not landed: README.md, one, two");
        elsewhere(&sandbox);
        let removed = sandbox.wt(&["rm", "auth"]);
        assert_eq!(removed.code, Some(0), "{way}: {}", removed.err);
        assert_gone(&sandbox, "auth");
    }
    // A part of it elsewhere is not the whole of it.
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("one"), "1\n");
    sandbox.commit(&worktree, "one");
    sandbox.write(worktree.join("two"), "2\n");
    sandbox.commit(&worktree, "two");
    sandbox.git(&["cherry-pick", "wt/auth~1"]);
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("(committed, not landed: two)");
}

#[test]
fn a_worktree_without_its_folder_or_its_branch() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    fs::remove_dir_all(&worktree).expect("removed");
    sandbox.wt(&["rm", "auth"]).expect(0);
    assert_gone(&sandbox, "auth");

    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("one"), "1\n");
    sandbox.commit(&worktree, "one");
    fs::remove_dir_all(&worktree).expect("removed");
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("committed, not landed: one");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "wt/auth"]), "one");
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("one")), "1\n");

    // A branch that is gone takes no file with it.
    let worktree = sandbox.spawn("other");
    sandbox.write(worktree.join("mine"), "1\n");
    sandbox.git(&["update-ref", "-d", "refs/heads/wt/other"]);
    sandbox
        .wt(&["rm", "other"])
        .expect(4)
        .says("uncommitted: mine");
    assert!(worktree.join("mine").exists());
    sandbox.wt(&["rm", "other", "--force"]).expect(0);
    sandbox.wt(&["restore", "other"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("mine")), "1\n");
}

#[test]
fn a_folder_that_was_moved_is_not_cut_from_its_repository() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("mine"), "staged\n");
    sandbox.git_in(&worktree, &["add", "mine"]);
    let moved = sandbox.worktree("moved");
    sandbox.git(&[
        "worktree",
        "move",
        worktree.to_str().expect("text"),
        moved.to_str().expect("text"),
    ]);
    let before = sandbox.picture();
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("was moved to <root>/repo.wt/moved")
        .says("hint: ");
    sandbox.assert_as(&before);
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("uncommitted: mine");
    assert_eq!(
        sandbox.git_in(&moved, &["diff", "--cached", "--name-only"]),
        "mine"
    );
}

#[test]
fn force_stops_a_judge_and_counts_nothing() {
    let (sandbox, worktree, judging) = Sandbox::judging_without_end();
    sandbox
        .wt(&["rm", "auth"])
        .expect(6)
        .says("a judge is at work on task `auth`")
        .says("wt rm auth --force");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    let followed = judging.finish(&sandbox);
    assert_ne!(followed.code, Some(0), "{followed:?}");
    assert_ne!(followed.code, Some(70), "{followed:?}");
    sandbox.wt(&["restore", "auth"]).expect(0);
    let facts = sandbox.show("auth");
    assert_eq!(
        (&facts["attempts"], &facts["state"], &facts["judging"]),
        (&0.into(), &"working".into(), &false.into())
    );
    assert!(worktree.join("slow").exists());
}

#[test]
fn a_removed_folder_is_really_deleted_read_only_ones_included() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    fs::write(sandbox.repo().join(".git/info/exclude"), "modules/\n").expect("written");
    sandbox.write(worktree.join("modules/deep/file"), "");
    for dir in ["modules/deep", "modules"] {
        fs::set_permissions(worktree.join(dir), fs::Permissions::from_mode(0o555))
            .expect("read-only");
    }
    fs::create_dir(sandbox.root().join("kept")).expect("made");
    sandbox.write(sandbox.root().join("kept/file"), "");
    symlink(sandbox.root().join("kept"), worktree.join("modules2")).expect("made");
    sandbox.commit(&worktree, "a link to elsewhere");
    sandbox.git(&["merge", "-q", "wt/auth"]);
    sandbox.wt(&["rm", "auth"]).expect(0);
    assert_gone(&sandbox, "auth");
    assert!(sandbox.root().join("kept/file").exists());
}

#[test]
fn a_restored_task_takes_no_path_that_was_claimed_meanwhile() {
    let sandbox = Sandbox::new();
    sandbox.wt(&["spawn", "old", "--owns", "src"]).expect(0);
    sandbox.wt(&["rm", "old", "--force"]).expect(0);
    sandbox.wt(&["spawn", "new", "--owns", "src/a"]).expect(0);
    sandbox
        .wt(&["restore", "old"])
        .expect(4)
        .says("both hold src/a");
    sandbox.wt(&["rm", "new", "--force"]).expect(0);
    sandbox.wt(&["restore", "old"]).expect(0);
}

/// A task with many files that git ignores, so that deleting them takes a while.
fn with_many_files(sandbox: &Sandbox, task: &str) {
    let junk = sandbox.spawn(task).join("junk");
    fs::create_dir(&junk).expect("made");
    for number in 0..20_000 {
        fs::File::create(junk.join(number.to_string())).expect("made");
    }
}

#[test]
fn what_a_killed_sweeper_left_is_deleted_by_the_next_command() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        (".gitignore", "junk/\n"),
    ]);
    let trash = sandbox.root().join("repo.wt/_trash");
    let sweeper = || {
        let notes = fs::read_dir(sandbox.state().join("sweeps")).expect("listed");
        let note = notes.flatten().next().expect("a note").path();
        let note: serde_json::Value = serde_json::from_str(&sandbox.read(note)).expect("a note");
        let pid = note["process"]["pid"].as_i64().expect("a pid");
        rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid")
    };
    // It may be done before it is killed.
    let is_left = (0..5).any(|round| {
        let task = format!("task-{round}");
        with_many_files(&sandbox, &task);
        sandbox.wt(&["rm", &task]).expect(0);
        let _ = rustix::process::kill_process(sweeper(), rustix::process::Signal::KILL);
        std::thread::sleep(std::time::Duration::from_millis(50));
        trash.exists()
    });
    assert!(is_left, "never killed in time");
    let left = fs::read_dir(&trash).expect("listed").count();
    assert_eq!(left, 1, "nobody deletes it");
    sandbox.wt(&["list"]).expect(0);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(trash.exists(), "a command that only reads deletes nothing");
    let spawned = sandbox.wt(&["spawn", "next"]);
    spawned.expect(0);
    assert!(!spawned.err.contains("mended"), "{}", spawned.err);
    wait_until("the removed folder is deleted", || !trash.exists());
    // Once more, so that the note goes as well.
    sandbox.wt(&["rm", "next"]).expect(0);
    wait_until("it is deleted", || !trash.exists());
    wait_until("nobody sweeps any more", || {
        sandbox.wt(&["rm", "nobody"]);
        fs::read_dir(sandbox.state().join("sweeps")).is_ok_and(|mut notes| notes.next().is_none())
    });
}

#[test]
fn what_is_only_staged_is_work_and_a_lagging_index_is_none() {
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", ""), ("src/a", "a\n")]);
    let stage = |worktree: &Path| {
        fs::write(worktree.join("new"), "precious\n").expect("written");
        fs::write(worktree.join("src/a"), "precious too\n").expect("written");
        sandbox.git_in(worktree, &["add", "-A"]);
        fs::remove_file(worktree.join("new")).expect("removed");
        fs::write(worktree.join("src/a"), "a\n").expect("written");
    };
    let worktree = sandbox.spawn("staged");
    stage(&worktree);
    sandbox
        .wt(&["rm", "staged"])
        .expect(4)
        .says("only staged: new, src/a");
    sandbox.wt(&["rm", "staged", "--force"]).expect(0);
    sandbox.wt(&["gc", "--older", "0"]).expect(0);
    sandbox.wt(&["restore", "staged"]).expect(0);
    assert_eq!(
        sandbox.git_in(&worktree, &["show", ":src/a"]),
        "precious too"
    );

    let worktree = sandbox.spawn("merged");
    fs::write(worktree.join("src/b"), "b\n").expect("written");
    sandbox.git_in(&worktree, &["add", "src/b"]);
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "b"]);
    stage(&worktree);
    sandbox.wt(&["validate", "merged"]).expect(0);
    sandbox.wt(&["merge", "merged"]).expect(0);
    assert_eq!(sandbox.git_in(&worktree, &["show", ":new"]), "precious");

    // The branch goes on without the index.
    let worktree = sandbox.spawn("lagging");
    fs::write(worktree.join("src/a"), "one\n").expect("written");
    sandbox.git_in(&worktree, &["commit", "-qam", "one"]);
    fs::write(worktree.join("src/a"), "two\n").expect("written");
    sandbox.wt(&["validate", "lagging"]).expect(0);
    sandbox
        .wt(&["merge", "lagging", "--commit", "-m", "two"])
        .expect(0);
    assert!(!worktree.exists());
}

#[test]
fn a_flaw_in_the_contract_keeps_no_removed_task_away() {
    let sandbox = Sandbox::new();
    let owned = |name: &str, glob: &str| sandbox.wt(&["spawn", name, "--owns", glob]);
    owned("auth", "src/auth/**").expect(0);
    let worktree = sandbox.worktree("auth");
    sandbox.write(worktree.join("src/auth/new"), "work\n");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    let sound = sandbox.read("wt.toml");
    sandbox.write("wt.toml", &format!("{sound}\n[ports]\nfrom = 80\n"));
    sandbox.commit(&sandbox.repo(), "wrong");
    sandbox
        .wt(&["restore", "auth"])
        .expect(0)
        .says("warning: wt.toml on main:")
        .says("which paths all tasks share is not known, and none are taken for that");
    assert_eq!(sandbox.read(worktree.join("src/auth/new")), "work\n");

    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.write("wt.toml", &sound);
    sandbox.commit(&sandbox.repo(), "right");
    owned("other", "src/auth/a*").expect(0);
    sandbox.write("wt.toml", &format!("{sound}\n[ports]\nfrom = 80\n"));
    sandbox.commit(&sandbox.repo(), "wrong again");
    sandbox
        .wt(&["restore", "auth"])
        .expect(4)
        .says("which task `other` owns");
}

#[test]
fn a_worktree_that_git_no_longer_knows_is_said_to_go_by_force() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    fs::remove_file(worktree.join(".git")).expect("removed");
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("wt rm <task> --force");
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("to take it away as it is: wt rm auth --force");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_folder_that_can_not_be_looked_into_is_no_folder_without_work() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("closed/mine"), "work\n");
    let open = |mode| {
        fs::set_permissions(worktree.join("closed"), fs::Permissions::from_mode(mode))
            .expect("set");
    };
    open(0);
    // Nothing is closed to whoever has all privileges.
    let plain = |args: &[&str]| {
        let mut command = sandbox.command("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search"]);
        if !rustix::process::geteuid().is_root() {
            command = sandbox.command("env");
        }
        let said = format!("wt {}", args.join(" "));
        Ran::of(command.arg(wt()).args(args), &sandbox, &said)
    };
    for args in [&["rm", "auth"][..], &["validate", "auth"]] {
        plain(args)
            .expect(4)
            .says("can't look into closed/: Permission denied")
            .says("hint: what lies in it may be work: chmod -R u+rwX 'closed/'; or have git ignore it");
    }
    open(0o755);
    plain(&["rm", "auth"])
        .expect(4)
        .says("uncommitted: closed/mine");
    open(0);
    plain(&["rm", "auth", "--force"]).expect(0);
    plain(&["gc", "--older", "0"])
        .expect(0)
        .says("kept: auth (");
    plain(&["restore", "auth"]).expect(0);
    open(0o755);
    assert_eq!(sandbox.read(worktree.join("closed/mine")), "work\n");
}
