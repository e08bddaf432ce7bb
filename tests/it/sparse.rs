//! `wt spawn --sparse`: a worktree of some folders, judged, synced and landed as any other.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// A repository of four packages whose step fails where one holds a file `broken`, or where one is missing.
fn packages() -> Sandbox {
    let contract =
        format!("{CONTRACT}[worktree]\nsparse_always = [\"all.toml\", \"tools/lint\"]\n");
    let mut files = vec![
        ("wt.toml".to_owned(), contract),
        ("all.toml".to_owned(), "[workspace]\n".to_owned()),
        (
            "test.sh".to_owned(),
            "ls packages | tr '\\n' ' '; test ! -f packages/*/broken || { echo 'FAIL: broken'; exit 1; }\n"
                .to_owned(),
        ),
        ("tools/lint/run".to_owned(), "lint\n".to_owned()),
        ("tools/other/run".to_owned(), "other\n".to_owned()),
        (".claude/settings.json".to_owned(), "{}\n".to_owned()),
    ];
    for package in ["a", "b", "c", "d"] {
        for file in ["lib", "src/deep/x"] {
            files.push((format!("packages/{package}/{file}"), format!("{package}\n")));
        }
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Sandbox::with(&files)
}

fn spawn(sandbox: &Sandbox, task: &str, owns: &str) -> PathBuf {
    sandbox
        .wt(&["spawn", task, "--sparse", "--owns", owns])
        .expect(0);
    sandbox.worktree(task)
}

/// How many entries an index of this worktree has without being expanded.
fn entries(sandbox: &Sandbox, worktree: &Path, index: Option<PathBuf>) -> usize {
    let mut git = sandbox.command("git");
    git.current_dir(worktree).args(["ls-files", "--sparse"]);
    if let Some(index) = index {
        git.env("GIT_INDEX_FILE", index);
    }
    let output = git.output().expect("git");
    assert!(output.status.success(), "{output:?}");
    output.stdout.split(|byte| *byte == b'\n').count() - 1
}

#[test]
fn what_is_always_wanted_and_not_there_is_said_and_a_glob_is_refused() {
    let sandbox = packages();
    let contract = sandbox.read("wt.toml");
    let spawn = |task: &str, always: &str| {
        sandbox.write("wt.toml", &contract.replace("all.toml", always));
        sandbox.commit(&sandbox.repo(), "always");
        let owns = format!("packages/{task}/**");
        sandbox.wt(&["spawn", task, "--sparse", "--owns", &owns])
    };
    let told = spawn("a", "tools/lent");
    let said = &told.expect(0).err;
    assert!(
        said.contains("there is no tools/lent, which `sparse_always` names"),
        "{said}"
    );
    let told = spawn("b", "tools/other/run");
    let said = &told.expect(0).err;
    assert!(!said.contains("sparse_always"), "{said}");
    let told = spawn("c", "tools/*");
    let said = &told.expect(64).err;
    assert!(
        said.contains("sparse_always") && said.contains("holds a glob: `tools/*`"),
        "{said}"
    );
}

#[test]
fn a_sparse_task_holds_its_folders_and_what_the_gate_needs_with_sparse_indexes() {
    let sandbox = packages();
    sandbox.write(".git/info/exclude", ".env\n");
    sandbox.write("packages/b/.env", "");
    sandbox.write("packages/a/.env", "");
    sandbox.write(
        "wt.toml",
        &sandbox
            .read("wt.toml")
            .replace("sparse_always", "carry = [\".env\"]\nsparse_always"),
    );
    sandbox.commit(&sandbox.repo(), "carry");
    let worktree = spawn(&sandbox, "a", "packages/a/**");
    let held = |path: &str| worktree.join(path).exists();
    for path in [
        "packages/a/src/deep/x",
        "packages/a/.env",
        "tools/lint/run",
        "all.toml",
        "test.sh",
    ] {
        assert!(held(path), "{path}");
    }
    assert!(held(".claude/settings.json") && held(".wt/RULES.md"));
    for path in ["packages/b", "tools/other"] {
        assert!(!held(path), "{path}");
    }
    assert!(
        sandbox
            .read(worktree.join(".wt/RULES.md"))
            .contains("git sparse-checkout add")
    );
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(
        sandbox.git_in(&worktree, &["sparse-checkout", "list"]),
        ".claude\npackages/a\ntools/lint"
    );
    let all = sandbox.git(&["ls-files"]).lines().count();
    let own = sandbox.state().join("tasks/a/index");
    for index in [None, Some(own)] {
        let count = entries(&sandbox, &worktree, index);
        assert!(count < all, "{count} of {all}");
    }
    sandbox
        .wt(&["show", "a"])
        .expect(0)
        .prints("made with packages/a, tools/lint, .claude; another, in the worktree: git sparse-checkout add <folder>");
    assert_eq!(sandbox.show("a")["folders"][0], "packages/a");
    // The main checkout and other worktrees are as they were.
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(sandbox.spawn("whole").join("packages/d/lib").exists());
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn what_is_changed_anywhere_in_it_is_judged_on_the_whole_tree_and_lands() {
    let sandbox = packages();
    let worktree = spawn(&sandbox, "a", "packages/a");
    sandbox.write(worktree.join("packages/a/lib"), "changed\n");
    sandbox.write(worktree.join("packages/a/broken"), "");
    sandbox
        .wt(&["validate", "a"])
        .expect(1)
        .prints("FAIL: broken");
    let log = sandbox.read(worktree.join(".wt/last/test.log"));
    assert!(log.starts_with("a b c d "), "{log}");
    fs::remove_file(worktree.join("packages/a/broken")).expect("removed");
    // A file outside of the folders: untracked, and one that is tracked there.
    for path in ["packages/b/new", "packages/b/lib"] {
        sandbox.write(worktree.join(path), "outside\n");
        sandbox
            .wt(&["validate", "a", "--cause", "left"])
            .expect(1)
            .prints("OUT_OF_SCOPE")
            .prints(path);
        fs::remove_dir_all(worktree.join("packages/b")).expect("removed");
    }
    fs::remove_dir_all(worktree.join("packages/a/src")).expect("removed");
    sandbox.wt(&["validate", "a", "--cause", "left"]).expect(0);
    sandbox.wt(&["merge", "a", "--commit", "-m", "a"]).expect(0);
    assert_eq!(
        sandbox.git(&["diff", "--name-status", "main~1", "main"]),
        "M\tpackages/a/lib\nD\tpackages/a/src/deep/x"
    );
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(!worktree.exists());
}

#[test]
fn folders_that_the_agent_shows_or_hides_are_no_change() {
    let sandbox = packages();
    let worktree = spawn(&sandbox, "a", "packages/a");
    let clean = |what: &str| {
        sandbox
            .wt(&["show", "a", "--status"])
            .expect(0)
            .prints("clean");
        let git = sandbox.git_in(&worktree, &["status", "--porcelain"]);
        assert_eq!(git, "", "{what}");
    };
    sandbox.git_in(&worktree, &["sparse-checkout", "add", "packages/c"]);
    assert!(worktree.join("packages/c/lib").exists());
    clean("added");
    fs::remove_file(worktree.join("packages/c/lib")).expect("removed");
    sandbox
        .wt(&["show", "a", "--status"])
        .expect(0)
        .prints("packages/c/lib");
    sandbox.git_in(&worktree, &["checkout", "-q", "packages/c/lib"]);
    sandbox.git_in(&worktree, &["sparse-checkout", "set", "packages/d"]);
    assert!(!worktree.join("packages/a").exists());
    clean("set");
    sandbox.git_in(
        &worktree,
        &["sparse-checkout", "set", "--no-cone", "/packages/a", "lib"],
    );
    clean("no cone");
    sandbox.git_in(&worktree, &["sparse-checkout", "disable"]);
    assert!(worktree.join("packages/b/src/deep/x").exists());
    clean("disabled");
    fs::remove_file(worktree.join("packages/b/lib")).expect("removed");
    sandbox
        .wt(&["validate", "a"])
        .expect(1)
        .prints("OUT_OF_SCOPE");
}

#[test]
fn a_sync_brings_in_what_lies_in_its_folders_and_leaves_the_rest_away() {
    let sandbox = packages();
    let worktree = spawn(&sandbox, "a", "packages/a");
    sandbox.write(worktree.join("packages/a/mine"), "mine\n");
    sandbox.commit(&worktree, "mine");
    sandbox.wt(&["validate", "a"]).expect(0);
    for path in [
        "packages/a/theirs",
        "packages/b/theirs",
        "packages/new/theirs",
        "top/theirs",
        "root",
    ] {
        sandbox.write(path, "theirs\n");
    }
    sandbox.git(&["rm", "-q", "-r", "packages/d"]);
    sandbox.commit(&sandbox.repo(), "theirs");
    for how in [&["sync", "a"][..], &["sync", "a", "--rebase"]] {
        sandbox.wt(how).expect(0);
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
        for (path, there) in [
            ("packages/a/theirs", true),
            ("root", true),
            ("packages/b", false),
            ("packages/new", false),
            ("top", false),
        ] {
            assert_eq!(worktree.join(path).exists(), there, "{path}");
        }
        sandbox
            .wt(&["show", "a", "--status"])
            .expect(0)
            .prints("clean");
        sandbox.write("root", how.last().expect("a word"));
        sandbox.write("packages/c/again", how.last().expect("a word"));
        sandbox.commit(&sandbox.repo(), "again");
    }
    assert!(entries(&sandbox, &worktree, None) < sandbox.git(&["ls-files"]).lines().count());
    sandbox.wt(&["merge", "a"]).expect(0);
    assert_eq!(
        sandbox.git(&["diff", "--name-only", "main~1", "main"]),
        "packages/a/mine"
    );
}

#[test]
fn it_is_removed_and_brought_back_as_it_was_or_checked_out_anew() {
    let sandbox = packages();
    let worktree = spawn(&sandbox, "a", "packages/a");
    sandbox.git_in(&worktree, &["sparse-checkout", "add", "packages/c"]);
    sandbox.write(worktree.join("packages/a/lib"), "changed\n");
    sandbox.wt(&["rm", "a"]).expect(4).says("packages/a/lib");
    sandbox.wt(&["rm", "a", "--force"]).expect(0);
    sandbox.wt(&["restore", "a"]).expect(0);
    assert_eq!(
        sandbox.git_in(&worktree, &["status", "--porcelain"]),
        " M packages/a/lib"
    );
    assert!(worktree.join("packages/c/lib").exists() && !worktree.join("packages/b").exists());
    sandbox
        .wt(&["show", "a", "--status"])
        .expect(0)
        .prints(": packages/a/lib\n");
    fs::remove_dir_all(&worktree).expect("removed");
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    assert!(worktree.join("packages/a/lib").exists() && !worktree.join("packages/b").exists());
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_scope_that_lies_in_no_folders_is_refused_and_nothing_is_made() {
    let sandbox = packages();
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "a", "--sparse"])
        .expect(4)
        .says("--sparse checks out the task's scope, and none is claimed")
        .says("--owns 'src/auth/**'");
    for glob in ["**/*.rs", "*/lib", "{packages,tools}", "**"] {
        sandbox
            .wt(&[
                "spawn",
                "a",
                "--sparse",
                "--owns",
                "packages/a",
                "--owns",
                glob,
            ])
            .expect(4)
            .says(&format!("'{glob}' can match in any"))
            .says("name the folders instead");
    }
    sandbox.assert_as(&before);
    let root = spawn(&sandbox, "root", "*.toml");
    assert!(root.join("all.toml").exists() && !root.join("packages").exists());
}

#[test]
fn many_at_once_and_one_that_waits_beside_a_person_who_writes_the_settings() {
    let sandbox = packages();
    sandbox.write(".git/config.lock", "");
    let started: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| {
            let owns = format!("packages/{name}");
            sandbox.start(&["spawn", name, "--sparse", "--owns", &owns])
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    fs::remove_file(sandbox.repo().join(".git/config.lock")).expect("removed");
    for started in started {
        started.finish(&sandbox).expect(0);
    }
    for name in ["a", "b", "c", "d"] {
        let shown = fs::read_dir(sandbox.worktree(name).join("packages")).expect("a folder");
        let shown: Vec<_> = shown
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(shown, [name], "{name}");
    }
    let after = [
        "spawn",
        "next",
        "--sparse",
        "--owns",
        "packages/a",
        "--after",
        "a",
    ];
    sandbox.wt(&after).expect(0);
    sandbox.write(sandbox.worktree("a").join("packages/a/lib"), "changed\n");
    sandbox.wt(&["validate", "a"]).expect(0);
    sandbox.wt(&["merge", "a", "--commit", "-m", "a"]).expect(0);
    let next = sandbox.worktree("next");
    assert_eq!(sandbox.read(next.join("packages/a/lib")), "changed\n");
    assert!(!next.join("packages/b").exists());
}

#[test]
fn what_a_cage_shows_besides_is_shown_when_it_has_ended() {
    let sandbox = packages();
    if sandbox.is_caged() {
        return skipped("no cage can be opened in one");
    }
    let worktree = spawn(&sandbox, "a", "packages/a");
    let work = "git sparse-checkout add packages/c && rm packages/c/lib && git add -A && git commit -qm c && rm packages/c/src/deep/x";
    sandbox.wt(&["run", "a", "--", "sh", "-c", work]).expect(0);
    let quiet = "advice.sparseIndexExpanded=false";
    let status = sandbox.git_in(&worktree, &["-c", quiet, "status", "--porcelain"]);
    assert_eq!(status, " D packages/c/src/deep/x");
    sandbox
        .wt(&["show", "a", "--status"])
        .expect(0)
        .prints(": packages/c/src/deep/x\n");
}

#[test]
fn who_grants_a_sparse_task_a_folder_is_told_how_it_comes_there() {
    let sandbox = packages();
    let worktree = spawn(&sandbox, "a", "packages/a/**");
    sandbox.spawn("whole");
    let grant = |task: &str, folder: &str| {
        sandbox.wt(&["scope", "grant", task, folder, "--operator", "me"])
    };
    let how = "git sparse-checkout add <folder>";
    grant("a", "packages/b").expect(0).says(how);
    assert!(!worktree.join("packages/b").exists());
    assert!(!grant("whole", "packages/c").expect(0).err.contains(how));
}
