//! A snapshot that goes on from the one before, held against what git itself would add.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

/// The tree that `git add -A` would give the worktree on the tip of its branch, through an index of its own.
fn added_by_git(sandbox: &Sandbox, worktree: &Path) -> String {
    let index = sandbox.home().join("index-of-test");
    let git = |args: &[&str]| {
        let mut command = sandbox.command("git");
        command.args(args).current_dir(worktree);
        let output = command.env("GIT_INDEX_FILE", &index).output();
        let output = output.expect("git runs");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let _ = fs::remove_file(&index);
    git(&["read-tree", "HEAD"]);
    git(&["add", "-A"]);
    git(&["write-tree"])
}

/// Validates twice, the second time answered by what is known, and holds the snapshot against git's own.
#[track_caller]
fn assert_as_git_has_it(sandbox: &Sandbox, worktree: &Path, what: &str) {
    let wanted = added_by_git(sandbox, worktree);
    for steps in [1, 0] {
        let validated = sandbox.wt(&["validate", "auth"]);
        validated.expect(0);
        let record = sandbox.read(sandbox.state().join("tasks/auth/task.json"));
        let record: serde_json::Value = serde_json::from_str(&record).expect("a record");
        let tree = &record["validated"]["snapshot"]["tree"];
        assert_eq!(*tree, wanted, "{what}, {steps} steps: {}", validated.said);
        let begins = format!("VALIDATION_OK steps={steps} ");
        assert!(
            steps == 1 || validated.out.starts_with(&begins),
            "{what}: {}",
            validated.out
        );
    }
    // Whatever it was put together from is there.
    sandbox.git(&["cat-file", "-e", &wanted]);
    sandbox.git(&["ls-tree", "-r", "-l", &wanted]);
}

#[test]
fn a_snapshot_that_goes_on_from_the_last_one_is_what_a_new_one_would_be() {
    let contract = "[[gate]]\nname = \"true\"\nkind = \"check\"\nrun = \"true\"\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", contract),
        (".gitignore", "*.log\n"),
        ("README.md", "one\n"),
        ("folder/file", "file\n"),
        ("other", "other\n"),
    ]);
    sandbox.write("kept.log", "tracked, though ignored\n");
    sandbox.git(&["add", "-f", "kept.log"]);
    sandbox.commit(&sandbox.repo(), "a log");
    let worktree = sandbox.spawn("auth");
    let write = |path: &str, text: &str| sandbox.write(worktree.join(path), text);
    let remove = |path: &str| fs::remove_file(worktree.join(path)).expect("removed");
    let check = |what: &str| assert_as_git_has_it(&sandbox, &worktree, what);

    write("added", "new\n");
    write("README.md", "two\n");
    remove("kept.log");
    check("changes");
    write("README.md", "two!\n");
    check("one more change");
    write("kept.log", "tracked, though ignored\n");
    check("a deleted file is there again, which git ignores where it does not track it");
    write(".gitignore", "*.log\nadded\n");
    check("what was added is ignored by now");
    remove(".gitignore");
    check("and is no more");

    sandbox.git(&["gc", "-q", "--prune=now"]);
    write("other", "changed\n");
    check("what no ref held was collected");

    write("text", "with\r\nboth\r\n");
    check("line ends");
    write(".gitattributes", "* text=auto\n");
    check("line ends are git's by now");

    fs::remove_dir_all(worktree.join("folder")).expect("removed");
    write("folder", "a file in a folder's place\n");
    check("a file for a folder");
    remove("folder");
    write("folder/file/deep", "a folder in a file's place\n");
    check("a folder for a file");
    fs::remove_dir_all(worktree.join("folder")).expect("removed");
    write("target/file", "file\n");
    std::os::unix::fs::symlink("target", worktree.join("folder")).expect("linked");
    check("a link for a folder");

    sandbox.commit(&worktree, "all of it");
    let listed = sandbox.wt(&["list", "--status", "--json"]).json();
    assert_eq!(
        listed["tasks"][0]["seen"]["uncommitted"],
        serde_json::json!([])
    );
    write("other", "once more\n");
    let listed = sandbox.wt(&["list", "--status", "--json"]).json();
    assert_eq!(
        listed["tasks"][0]["seen"]["uncommitted"],
        serde_json::json!(["other"])
    );
    check("after a commit");
    write("other", "changed\n");
    let listed = sandbox.wt(&["list", "--status", "--json"]).json();
    assert_eq!(
        listed["tasks"][0]["seen"]["uncommitted"],
        serde_json::json!([]),
        "put back"
    );
}
