//! Bringing the target into tasks at work: what moves, what stays as it was, and what is never lost.

mod in_use;
mod killed;
mod states;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// The files with which most of these begin.
const FILES: [(&str, &str); 8] = [
    ("wt.toml", CONTRACT),
    (
        "test.sh",
        "if [ -f broken ]; then echo 'FAIL: broken'; exit 1; fi\n\
         if [ -f left ] && [ -f right ]; then echo 'FAIL: both'; exit 1; fi\n",
    ),
    (".gitignore", "*.secret\n"),
    ("README.md", "one\ntwo\nthree\nfour\nfive\n"),
    ("dir/kept", "kept\n"),
    ("dir/gone", "gone\n"),
    ("run.sh", "#!/bin/sh\n"),
    ("shape", "a file\n"),
];

fn sandbox() -> Sandbox {
    Sandbox::with(&FILES)
}

/// Commits what is in the main checkout.
fn commit_all(sandbox: &Sandbox, message: &str) {
    sandbox.commit(&sandbox.repo(), message);
}

/// Commits a file on `main` beside the tasks.
fn move_target(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    sandbox.git(&["add", "-f", path]);
    sandbox.git(&["commit", "-q", "-m", &format!("main: {path}")]);
}

/// Holds that a sync is refused with this status and these words, and that it changed nothing.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, args: &[&str], code: i32, words: &str) {
    let before = sandbox.picture();
    let ran = sandbox.wt(args);
    ran.expect(code).says(words).says("hint: ");
    assert_eq!(ran.out, "", "{args:?}");
    sandbox.assert_as(&before);
}

fn tip(sandbox: &Sandbox, branch: &str) -> String {
    sandbox.git(&["rev-parse", branch])
}

#[test]
fn a_sync_brings_every_kind_of_change_and_leaves_the_work_beside_it() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("work"), "of the task\n");
    sandbox.commit(&worktree, "work");
    sandbox.write(worktree.join("dir/kept"), "uncommitted\n");
    sandbox.write(worktree.join("staged"), "staged\n");
    sandbox.git_in(&worktree, &["add", "staged"]);
    sandbox.write(worktree.join("untracked"), "mine\n");
    sandbox.write(worktree.join("key.secret"), "mine\n");
    let old = tip(&sandbox, "wt/auth");

    sandbox.git(&["mv", "README.md", "readme.md"]);
    sandbox.git(&["mv", "run.sh", "bin"]);
    sandbox.git(&["rm", "-q", "dir/gone", "shape"]);
    symlink("dir/kept", sandbox.repo().join("shape")).expect("linked");
    fs::set_permissions(
        sandbox.repo().join("bin"),
        fs::Permissions::from_mode(0o755),
    )
    .expect("set");
    sandbox.write("new/deep/file", "new\n");
    commit_all(&sandbox, "much");
    move_target(&sandbox, "more", "more\n");

    let listed = sandbox.wt(&["list"]);
    listed.expect(0).prints("+1, 2 behind");
    let status = |args: &[&str]| sandbox.git_in(&worktree, args);
    let before = (
        status(&["status", "--porcelain", "--ignored"]),
        status(&["diff"]),
        status(&["diff", "--cached"]),
    );
    let synced = sandbox.wt(&["sync", "auth"]);
    synced.expect(0);
    let new = tip(&sandbox, "wt/auth");
    assert_eq!(
        synced.out,
        format!(
            "synced auth: 2 commits of main merged into wt/auth, now at {}\n",
            &new[..12]
        )
    );
    assert_eq!(
        (
            status(&["status", "--porcelain", "--ignored"]),
            status(&["diff"]),
            status(&["diff", "--cached"]),
        ),
        before
    );
    assert_eq!(
        sandbox.git(&["rev-parse", "wt/auth^1", "wt/auth^2"]),
        format!("{old}\n{}", tip(&sandbox, "main"))
    );
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%an %cn: %B", "wt/auth"]),
        "Test Test: Merge branch 'main' into wt/auth"
    );
    let there = |path: &str| worktree.join(path);
    assert_eq!(sandbox.read(there("new/deep/file")), "new\n");
    assert_eq!(sandbox.read(there("readme.md")), FILES[3].1);
    assert_eq!(
        fs::read_link(there("shape")).expect("a link").to_str(),
        Some("dir/kept")
    );
    let mode = fs::metadata(there("bin"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    for gone in ["README.md", "run.sh", "dir/gone"] {
        assert!(!there(gone).exists(), "{gone}");
    }
    assert_eq!(sandbox.read(there("dir/kept")), "uncommitted\n");
    assert_eq!(sandbox.read(there("key.secret")), "mine\n");
    assert_eq!(
        sandbox.events("auth").last().map(String::as_str),
        Some("synced")
    );
    assert_eq!(sandbox.wt(&["list"]).out.matches("behind").count(), 0);

    let again = sandbox.wt(&["sync", "auth"]);
    again.expect(0).prints("auth is up to date with main at ");
    assert_eq!(tip(&sandbox, "wt/auth"), new);
    // From the worktree, and as JSON.
    let json = sandbox
        .wt_in(&worktree, &["sync", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&json["task"], &json["outcome"]),
        (&"auth".into(), &"up-to-date".into())
    );
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_task_without_a_commit_of_its_own_stands_where_its_target_does() {
    let sandbox = sandbox();
    for (task, how) in [("merged", &[][..]), ("rebased", &["--rebase"])] {
        let worktree = sandbox.spawn(task);
        move_target(&sandbox, task, "new\n");
        let args = [&["sync", task], how].concat();
        sandbox.wt(&args).expect(0).prints("1 commit of main");
        assert_eq!(tip(&sandbox, &format!("wt/{task}")), tip(&sandbox, "main"));
        assert_eq!(sandbox.read(worktree.join(task)), "new\n");
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_conflict_names_the_paths_and_leaves_the_task_as_it_was() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("README.md"), "theirs\n");
    sandbox.write(worktree.join("dir/kept"), "theirs\n");
    sandbox.commit(&worktree, "theirs");
    sandbox.write("README.md", "ours\n");
    sandbox.write("dir/kept", "ours\n");
    commit_all(&sandbox, "ours");
    let words = "conflicts with main in: README.md, dir/kept";
    assert_refused(&sandbox, &["sync", "auth"], 5, words);
    assert_refused(&sandbox, &["sync", "auth", "--rebase"], 5, words);
    sandbox
        .wt(&["sync", "auth"])
        .says("hint: in its worktree: git merge main");
    sandbox
        .wt(&["sync", "auth", "--rebase"])
        .says("hint: in its worktree: git rebase main (or: git merge main)");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    let json = sandbox.wt(&["sync", "auth", "--json"]);
    let json = json.expect(5).json();
    assert_eq!(json["outcome"], "conflict");
    assert_eq!(json["paths"], serde_json::json!(["README.md", "dir/kept"]));

    // As the hint says; then there is nothing left to bring in.
    let merge = sandbox
        .command("git")
        .current_dir(&worktree)
        .args(["merge", "-q", "main"])
        .output();
    assert!(!merge.expect("git").status.success());
    assert_refused(&sandbox, &["sync", "auth"], 4, "a merge is under way");
    sandbox.write(worktree.join("README.md"), "both\n");
    sandbox.write(worktree.join("dir/kept"), "both\n");
    sandbox.commit(&worktree, "solved");
    sandbox
        .wt(&["sync", "auth"])
        .expect(0)
        .prints("is up to date");
}

#[test]
fn a_rebase_keeps_authors_and_words_and_leaves_out_what_is_there() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    for (file, author) in [
        ("one", "Ann <ann@example.org>"),
        ("both", "Bob <bob@example.org>"),
        ("two", "Cid <cid@example.org>"),
    ] {
        sandbox.write(worktree.join(file), "text\n");
        sandbox.git_in(&worktree, &["add", "-A"]);
        let author = format!("--author={author}");
        let words = format!("add {file}\n\nbecause\n");
        let date = "--date=2001-02-03T04:05:06+0700";
        sandbox.git_in(&worktree, &["commit", "-q", &author, date, "-m", &words]);
    }
    sandbox.write(worktree.join("dir/kept"), "uncommitted\n");
    move_target(&sandbox, "both", "text\n");
    move_target(&sandbox, "else", "text\n");
    let synced = sandbox.wt(&["sync", "auth", "--rebase", "--json"]);
    let json = synced.expect(0).json();
    assert_eq!(json["to"], tip(&sandbox, "wt/auth").as_str());
    assert_eq!(
        (&json["how"], &json["commits"]),
        (&"rebase".into(), &2.into())
    );
    let format = "--format=%an %ai %cn %s %b";
    assert_eq!(
        sandbox.git(&["log", "--reverse", format, "main..wt/auth"]),
        "Ann 2001-02-03 04:05:06 +0700 Test add one because\n\n\
         Cid 2001-02-03 04:05:06 +0700 Test add two because"
    );
    assert_eq!(tip(&sandbox, "wt/auth~2"), tip(&sandbox, "main"));
    assert_eq!(
        sandbox.git_in(&worktree, &["status", "--porcelain"]),
        " M dir/kept"
    );
    assert_eq!(sandbox.read(worktree.join("else")), "text\n");
}

#[test]
fn a_rebase_would_lose_no_work_of_a_merge() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("one"), "");
    sandbox.commit(&worktree, "one");
    move_target(&sandbox, "else", "");
    sandbox.git_in(&worktree, &["merge", "-q", "--no-commit", "main"]);
    sandbox.write(worktree.join("only-in-the-merge"), "");
    sandbox.commit(&worktree, "catch up, and more");
    move_target(&sandbox, "later", "");
    assert_refused(
        &sandbox,
        &["sync", "auth", "--rebase"],
        4,
        "holds work of its own",
    );
    sandbox.wt(&["sync", "auth"]).expect(0);
    assert!(worktree.join("only-in-the-merge").exists() && worktree.join("later").exists());
    sandbox.git_in(&worktree, &["rm", "-q", "only-in-the-merge"]);
    sandbox.commit(&worktree, "after all not");
}

#[test]
fn all_tasks_at_work_are_synced_the_oldest_first_and_the_worst_is_the_answer() {
    let sandbox = sandbox();
    let worktrees = ["zebra", "conflict", "busy", "ape"].map(|task| sandbox.spawn(task));
    sandbox.wt(&["spawn", "later", "--after", "ape"]).expect(0);
    sandbox.write(worktrees[1].join("README.md"), "theirs\n");
    sandbox.commit(&worktrees[1], "theirs");
    move_target(&sandbox, "README.md", "ours\n");
    sandbox.write(worktrees[2].join("README.md"), "uncommitted\n");

    let synced = sandbox.wt(&["sync", "--all"]);
    synced
        .expect(5)
        .says("task `conflict` conflicts with main in: README.md")
        .says("work in no commit where main has changes: README.md");
    let names: Vec<&str> = synced
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("synced ")?.split(':').next())
        .collect();
    assert_eq!(names, ["zebra", "ape"]);
    assert_eq!(
        sandbox.read(worktrees[2].join("README.md")),
        "uncommitted\n"
    );

    let json = sandbox.wt(&["sync", "--all", "--json"]);
    let json = json.expect(5).json();
    let outcomes: Vec<String> = json["tasks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|task| format!("{} {}", task["task"], task["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(
        outcomes,
        [
            "zebra up-to-date",
            "conflict conflict",
            "busy refused",
            "ape up-to-date"
        ]
    );
    sandbox.git_in(&worktrees[1], &["reset", "-q", "--hard", "HEAD~"]);
    sandbox.wt(&["sync", "--all"]).expect(4);
    sandbox.git_in(&worktrees[2], &["restore", "README.md"]);
    sandbox.wt(&["sync", "--all"]).expect(0);
    sandbox.wt(&["sync", "ape", "--all"]).expect(64);
    sandbox.wt(&["sync"]).expect(64).says("which task?");
    sandbox
        .wt(&["sync", "nobody"])
        .expect(4)
        .says("there is no task");
}

#[test]
fn the_commit_is_signed_where_the_operator_signs() {
    let sandbox = sandbox();
    let key = sandbox.home().join("key");
    let key = key.to_str().expect("text");
    let mut keygen = sandbox.command("ssh-keygen");
    let made = keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-f", key])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        skipped("no ssh-keygen here");
        return;
    }
    for (task, how) in [("merged", "--json"), ("rebased", "--rebase")] {
        let worktree = sandbox.spawn(task);
        sandbox.write(worktree.join("work"), "");
        sandbox.commit(&worktree, "work");
        move_target(&sandbox, task, "");
        for (name, value) in [
            ("commit.gpgSign", "true"),
            ("gpg.format", "ssh"),
            ("user.signingKey", key),
        ] {
            sandbox.git(&["config", "--global", name, value]);
        }
        sandbox.wt(&["sync", task, how]).expect(0);
        let commit = sandbox.git(&["cat-file", "commit", &format!("wt/{task}")]);
        assert!(commit.contains("-----BEGIN SSH SIGNATURE-----"), "{commit}");
        sandbox.git(&["config", "--global", "--unset", "commit.gpgSign"]);
    }
}

#[test]
fn the_files_are_those_of_the_sparse_cone_and_of_the_operators_filters() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        ("in/a", "a\n"),
        ("out/b", "b\n"),
    ]);
    for (kind, command) in [("clean", "tr a-z A-Z"), ("smudge", "tr A-Z a-z")] {
        sandbox.git(&[
            "config",
            "--global",
            &format!("filter.loud.{kind}"),
            command,
        ]);
    }
    sandbox.git(&["sparse-checkout", "set", "--cone", "in"]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("in/own"), "own\n");
    sandbox.commit(&worktree, "own");
    sandbox.write("in/.gitattributes", "loud filter=loud\n");
    sandbox.write("in/loud", "quiet\n");
    commit_all(&sandbox, "in the cone");
    sandbox.git(&["sparse-checkout", "disable"]);
    sandbox.write("out/c", "c\n");
    commit_all(&sandbox, "outside of it");
    sandbox.git(&["sparse-checkout", "set", "--cone", "in"]);

    sandbox.wt(&["sync", "auth"]).expect(0);
    assert_eq!(sandbox.git(&["show", "wt/auth:in/loud"]), "QUIET");
    assert_eq!(sandbox.read(worktree.join("in/loud")), "quiet\n");
    assert!(!worktree.join("out").exists());
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.git(&["show", "wt/auth:out/c"]), "c");
    // What is not in the cone is not there, and yet nobody deleted it.
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.git(&["show", "main:out/c"]), "c");
}

#[test]
fn a_submodule_that_moved_is_named() {
    let sandbox = sandbox();
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("made");
    sandbox.git_in(&library, &["init", "-q"]);
    sandbox.write(library.join("lib"), "one\n");
    sandbox.commit(&library, "one");
    let url = library.to_str().expect("text");
    sandbox.git(&["submodule", "--quiet", "add", url, "sub"]);
    commit_all(&sandbox, "a submodule");
    let worktree = sandbox.spawn("auth");
    assert_eq!(sandbox.read(worktree.join("sub/lib")), "one\n");
    sandbox.write(library.join("lib"), "two\n");
    sandbox.commit(&library, "two");
    sandbox.git(&["submodule", "--quiet", "update", "--remote", "sub"]);
    commit_all(&sandbox, "a newer one");

    sandbox
        .wt(&["sync", "auth"])
        .expect(0)
        .says("git submodule update -- sub");
    // What is checked out of it is left to its own git, and a judge would say so.
    assert_eq!(sandbox.read(worktree.join("sub/lib")), "one\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(4)
        .says("git submodule update sub");
    sandbox.git_in(&worktree, &["submodule", "--quiet", "update", "--", "sub"]);
    assert_eq!(sandbox.read(worktree.join("sub/lib")), "two\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn the_environment_is_captured_anew_for_the_operator_alone() {
    let mut sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    let captured = |sandbox: &Sandbox| {
        let record = sandbox.read(sandbox.state().join("tasks/auth/task.json"));
        let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        record["environment"]["variables"].clone()
    };
    let before = captured(&sandbox);
    let tools = worktree.join("tools");
    fs::create_dir(&tools).expect("made");
    let path = before["PATH"].as_str().expect("PATH").to_owned();
    sandbox.set(
        "PATH",
        &format!("{}:relative:/opt/new:{path}", tools.display()),
    );
    sandbox.set("CARGO_HOME", "/opt/cargo");

    // As an agent calls it.
    sandbox.wt(&["sync", "auth"]).expect(0);
    assert_eq!(captured(&sandbox), before);
    let synced = sandbox.wt(&["sync", "auth", "--operator", "tester"]);
    synced
        .expect(0)
        .prints("is up to date")
        .says("auth: captured anew for its judging: CARGO_HOME, PATH");
    let now = captured(&sandbox);
    assert_eq!(now["PATH"], format!("/opt/new:{path}"));
    assert_eq!(now["CARGO_HOME"], "/opt/cargo");
    assert_eq!(now["HOME"], before["HOME"]);
    let again = sandbox.wt(&["sync", "auth", "--operator", "tester", "--json"]);
    assert_eq!(
        again.expect(0).json()["captured_anew"],
        serde_json::json!([])
    );
    assert_eq!(
        sandbox
            .events("auth")
            .iter()
            .filter(|e| *e == "captured-anew")
            .count(),
        1
    );
}

#[test]
fn rules_and_gate_are_told_anew_where_the_target_brings_others() {
    let sandbox = sandbox();
    let worktree = sandbox.spawn("auth");
    let contract = format!("[rules]\ninvariants = [\"Keep calm.\"]\n\n{CONTRACT}");
    move_target(&sandbox, "wt.toml", &contract);
    sandbox.wt(&["sync", "auth"]).expect(0);
    assert!(
        sandbox
            .read(worktree.join(".wt/RULES.md"))
            .contains("Keep calm.")
    );
    assert_eq!(sandbox.read(worktree.join("wt.toml")), contract);
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
}
