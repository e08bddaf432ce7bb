//! Repositories of every kind: what git can hold goes through spawn, validate and merge as it is, or is refused.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::sandbox::{CONTRACT, Sandbox, skipped};

const TEST: &str = "if [ -f broken ]; then echo 'FAIL: broken'; exit 1; fi\n";

/// One task from spawn to removal: red, mended, landed.
fn whole_life(sandbox: &Sandbox) {
    let worktree = sandbox.spawn("life");
    sandbox.write(worktree.join("broken"), "");
    sandbox
        .wt(&["validate", "life"])
        .expect(1)
        .prints("first failure: FAIL: broken");
    fs::remove_file(worktree.join("broken")).expect("removed");
    sandbox.write(worktree.join("new.txt"), "new\n");
    sandbox
        .wt(&["validate", "life", "--cause", "left there"])
        .expect(0);
    // The target moves meanwhile, so that a combination is made and judged.
    sandbox.write("beside.txt", "beside\n");
    sandbox.commit(&sandbox.repo(), "beside");
    sandbox
        .wt(&["merge", "life", "--commit", "-m", "New"])
        .expect(0);
    assert_eq!(
        sandbox.read("new.txt") + &sandbox.read("beside.txt"),
        "new\nbeside\n"
    );
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(!worktree.exists());
    assert_eq!(sandbox.git(&["branch", "--list", "wt/*"]), "");

    let worktree = sandbox.spawn("thrown");
    sandbox.write(worktree.join("kept"), "kept\n");
    sandbox.wt(&["rm", "thrown"]).expect(4);
    sandbox.wt(&["rm", "thrown", "--force"]).expect(0);
    sandbox.wt(&["restore", "thrown"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("kept")), "kept\n");
    sandbox.wt(&["validate", "thrown"]).expect(0);
    sandbox.wt(&["list"]).expect(0).prints("thrown");
    sandbox
        .wt(&["show", "thrown", "--status"])
        .expect(0)
        .prints("kept");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    sandbox.git(&["fsck", "--strict"]);
}

fn filled(sandbox: &Sandbox) {
    sandbox.write("wt.toml", CONTRACT);
    sandbox.write("test.sh", TEST);
    sandbox.commit(&sandbox.repo(), "first");
}

#[test]
fn a_repository_with_reftable_lives_as_any_other() {
    let sandbox = Sandbox::empty(&["--ref-format=reftable"]);
    filled(&sandbox);
    whole_life(&sandbox);
    let worktree = sandbox.worktree("thrown");
    sandbox.git_in(&worktree, &["switch", "-q", "-c", "elsewhere"]);
    sandbox
        .wt(&["validate", "thrown"])
        .expect(4)
        .says("not its branch wt/thrown");
    sandbox.git_in(&worktree, &["switch", "-q", "wt/thrown"]);
    sandbox.git(&["symbolic-ref", "refs/heads/wt/thrown", "refs/heads/main"]);
    sandbox.wt(&["validate", "thrown"]).expect(4);
}

#[test]
fn a_repository_with_sha256_lives_as_any_other() {
    let sandbox = Sandbox::empty(&["--object-format=sha256"]);
    filled(&sandbox);
    whole_life(&sandbox);
    assert_eq!(sandbox.git(&["rev-parse", "main"]).len(), 64);
    fs::write(
        sandbox.worktree("thrown").join("large"),
        vec![b'x'; 2 << 20],
    )
    .expect("written");
    sandbox.write(
        "wt.toml",
        &CONTRACT.replace("[judge]", "[judge]\nmax_file = \"1MB\""),
    );
    sandbox.commit(&sandbox.repo(), "limit");
    sandbox.commit(&sandbox.worktree("thrown"), "large");
    sandbox
        .wt(&["validate", "thrown"])
        .expect(4)
        .says("large has 2097152 bytes");
}

#[test]
fn a_bare_repository_wants_a_target() {
    let sandbox = Sandbox::new();
    let bare = sandbox.root().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().expect("text")]);
    sandbox.git_in(&bare, &["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    sandbox.wt_in(&bare, &["spawn", "life"]).expect(4);
    sandbox
        .wt_in(&bare, &["spawn", "life", "--target", "main"])
        .expect(0);
    let worktree = sandbox.root().join("bare.wt/life");
    sandbox.write(worktree.join("new"), "");
    sandbox.wt_in(&worktree, &["validate"]).expect(0);
    sandbox
        .wt_in(&bare, &["merge", "life", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(
        sandbox.git_in(&bare, &["ls-tree", "--name-only", "main", "new"]),
        "new"
    );
    assert!(!worktree.exists());
}

#[test]
fn a_sparse_checkout_keeps_its_cone_and_the_files_outside_of_it() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "test ! -f out/broken || { echo 'FAIL: broken'; exit 1; }\n",
        ),
        ("in/a", "a\n"),
        ("out/b", "b\n"),
        ("out/deep/c", "c\n"),
    ]);
    sandbox.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert!(!sandbox.repo().join("out").exists());
    let worktree = sandbox.spawn("sparse");
    assert!(worktree.join("in/a").exists() && !worktree.join("out").exists());
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    sandbox.write(worktree.join("in/a"), "changed\n");
    sandbox.write(worktree.join("out/broken"), "");
    sandbox
        .wt(&["validate", "sparse"])
        .expect(1)
        .prints("FAIL: broken");
    fs::remove_file(worktree.join("out/broken")).expect("removed");
    // A file outside of the cone, changed by writing it there: it is work like any other.
    sandbox.write(worktree.join("out/b"), "changed outside\n");
    sandbox
        .wt(&["validate", "sparse", "--cause", "left"])
        .expect(0);
    sandbox
        .wt(&["merge", "sparse", "--commit", "-m", "both"])
        .expect(0);
    assert_eq!(sandbox.git(&["show", "main:out/b"]), "changed outside");
    assert_eq!(sandbox.git(&["show", "main:out/deep/c"]), "c");
    assert_eq!(
        sandbox.git(&["diff", "--name-only", "main~1", "main"]),
        "in/a\nout/b"
    );
    assert_eq!(sandbox.read("in/a"), "changed\n");
    assert!(!sandbox.repo().join("out/deep").exists());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");

    sandbox.spawn("later");
    sandbox.git(&["sparse-checkout", "add", "out"]);
    sandbox
        .wt(&["validate", "later"])
        .expect(4)
        .says("sparse-checkout patterns");
}

#[test]
fn a_submodule_is_judged_with_its_files_and_refused_when_it_differs() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "test -f sub/lib && test \"$(cat sub/lib)\" = lib || { echo 'FAIL: sub'; exit 1; }\n",
        ),
    ]);
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("made");
    sandbox.git_in(&library, &["init", "-q"]);
    sandbox.write(library.join("lib"), "older\n");
    sandbox.commit(&library, "older");
    sandbox.write(library.join("lib"), "lib\n");
    sandbox.commit(&library, "lib");
    let url = library.to_str().expect("text");
    sandbox.git(&["submodule", "--quiet", "add", url, "sub"]);
    sandbox.commit(&sandbox.repo(), "submodule");

    let worktree = sandbox.spawn("sub");
    let sub = worktree.join("sub");
    assert_eq!(sandbox.read(sub.join("lib")), "lib\n");
    for (number, cause) in [None, Some("again")].into_iter().enumerate() {
        sandbox.write(worktree.join("new"), &number.to_string());
        let ran = match cause {
            None => sandbox.wt(&["validate", "sub"]),
            Some(cause) => sandbox.wt(&["validate", "sub", "--cause", cause]),
        };
        ran.expect(0);
    }
    // As a git leaves it that was killed while it looked at the submodule.
    let lock = sandbox.state().join("tasks/sub/index.submodule.lock");
    sandbox.write(&lock, "");
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("index.submodule.lock is left over");
    sandbox.wt(&["validate", "sub"]).expect(0);
    assert!(!lock.exists());
    sandbox.write(sub.join("lib"), "dirty\n");
    sandbox
        .wt(&["validate", "sub"])
        .expect(4)
        .says("the submodule sub differs from the commit");
    sandbox.git_in(&sub, &["checkout", "-q", "--", "lib"]);
    sandbox.write(sub.join("stray"), "");
    sandbox
        .wt(&["validate", "sub"])
        .expect(4)
        .says("the submodule sub differs from the commit");
    fs::remove_file(sub.join("stray")).expect("removed");
    sandbox.git_in(&sub, &["checkout", "-q", "HEAD~1"]);
    sandbox
        .wt(&["validate", "sub"])
        .expect(4)
        .says("the submodule sub differs from the commit");
    sandbox.git_in(&sub, &["checkout", "-q", "-"]);

    let kept = sandbox.root().join("kept");
    fs::rename(&sub, &kept).expect("moved");
    sandbox.write(sub.join("lib"), "lib\n");
    sandbox
        .wt(&["validate", "sub"])
        .expect(4)
        .says("the submodule sub is not checked out, yet its folder holds files");
    // Another repository in its place, whose state fits a commit of its own.
    sandbox.git_in(&sub, &["init", "-q"]);
    sandbox.write(sub.join("lib"), "other\n");
    sandbox.commit(&sub, "other");
    sandbox
        .wt(&["validate", "sub"])
        .expect(4)
        .says("the submodule sub differs from the commit");
    fs::remove_dir_all(&sub).expect("removed");
    fs::rename(&kept, &sub).expect("back");
    sandbox
        .wt(&["merge", "sub", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(sandbox.read("new"), "1");
    assert_eq!(
        sandbox.git(&["submodule", "status"]).split(' ').nth(2),
        Some("sub")
    );
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");

    // A move of the recorded commit is a change, whatever settings would rather not see it.
    sandbox.git(&["config", "diff.ignoreSubmodules", "all"]);
    let worktree = sandbox.spawn("moved");
    sandbox.git_in(&worktree.join("sub"), &["checkout", "-q", "HEAD~1"]);
    sandbox.git_in(
        &worktree,
        &["-c", "diff.ignoreSubmodules=none", "add", "sub"],
    );
    sandbox.git_in(&worktree, &["commit", "-q", "-m", "older"]);
    sandbox
        .wt(&["validate", "moved"])
        .expect(1)
        .prints("FAIL: sub");
}

#[test]
fn what_a_task_declares_of_a_submodule_stays_out_of_the_operators_settings() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "test -f sub/lib || { echo 'FAIL: no sub'; exit 1; }\n",
        ),
    ]);
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("made");
    sandbox.git_in(&library, &["init", "-q"]);
    sandbox.write(library.join("lib"), "lib\n");
    sandbox.commit(&library, "lib");
    let url = library.to_str().expect("text");
    sandbox.git(&["submodule", "--quiet", "add", url, "sub"]);
    sandbox.commit(&sandbox.repo(), "submodule");
    // As it is after `git submodule deinit`.
    sandbox.git(&["config", "--remove-section", "submodule.sub"]);
    let before = sandbox.read(".git/config");

    let worktree = sandbox.spawn("sub");
    assert_eq!(sandbox.read(worktree.join("sub/lib")), "lib\n");
    let declare = ["config", "-f", ".gitmodules"];
    sandbox.git_in(
        &worktree,
        &[&declare[..], &["submodule.sub.update", "none"]].concat(),
    );
    sandbox.commit(&worktree, "no update");
    sandbox.wt(&["validate", "sub"]).expect(0);
    assert_eq!(sandbox.read(".git/config"), before);
}

#[test]
fn in_a_submodule_worktrees_lie_beside_its_checkout() {
    let sandbox = Sandbox::empty(&[]);
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("made");
    sandbox.git_in(&library, &["init", "-q"]);
    let contract = format!("{CONTRACT}\n[worktree]\ncarry = [\".env\"]\n");
    sandbox.write(library.join("wt.toml"), &contract);
    sandbox.write(library.join("test.sh"), "grep -q KEY .env\n");
    sandbox.write(library.join(".gitignore"), ".env\n");
    sandbox.commit(&library, "lib");
    let url = library.to_str().expect("text");
    sandbox.git(&["submodule", "--quiet", "add", url, "libs/sub"]);
    sandbox.commit(&sandbox.repo(), "submodule");
    let sub = sandbox.repo().join("libs/sub");
    sandbox.write(sub.join(".env"), "KEY=1\n");

    sandbox.wt_in(&sub, &["spawn", "life"]).expect(0);
    let worktree = sandbox.repo().join("libs/sub.wt/life");
    assert_eq!(sandbox.read(worktree.join(".env")), "KEY=1\n");
    sandbox.write(worktree.join("new"), "new\n");
    sandbox.wt_in(&worktree, &["validate"]).expect(0);
    sandbox
        .wt_in(&worktree, &["merge", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(sandbox.read(sub.join("new")), "new\n");
    assert_eq!(sandbox.git_in(&sub, &["status", "--porcelain"]), "");
    let modules = fs::read_dir(sandbox.repo().join(".git/modules/libs")).expect("listed");
    assert_eq!(modules.count(), 1);
}

#[test]
fn a_git_directory_elsewhere_must_say_where_its_checkout_is() {
    let sandbox = Sandbox::empty(&["--separate-git-dir", "../store.git"]);
    let contract = format!("{CONTRACT}\n[worktree]\ncarry = [\".env\"]\n");
    sandbox.write("wt.toml", &contract);
    sandbox.write("test.sh", "grep -q KEY .env\n");
    sandbox.write(".gitignore", ".env\n");
    sandbox.commit(&sandbox.repo(), "first");
    sandbox.write(".env", "KEY=1\n");
    sandbox
        .wt(&["spawn", "life"])
        .expect(4)
        .says("<root>/store.git does not say where its checkout is")
        .says("git config core.worktree");
    assert!(!sandbox.root().join("store.wt").exists());

    let repo = sandbox.repo();
    sandbox.git(&["config", "core.worktree", repo.to_str().expect("text")]);
    let worktree = sandbox.spawn("life");
    sandbox.write(worktree.join("new"), "new\n");
    sandbox.wt(&["validate", "life"]).expect(0);
    sandbox
        .wt(&["merge", "life", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(sandbox.read("new"), "new\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_pointer_of_lfs_stays_what_it_is() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "test \"$(cat big.bin)\" = content || { echo 'FAIL: no content'; cat big.bin; exit 1; }\n",
        ),
        (
            ".gitattributes",
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        ),
    ]);
    // As git-lfs would: content in the checkout, pointers in the objects.
    let (clean, smudge) = (
        sandbox.root().join("clean.sh"),
        sandbox.root().join("smudge.sh"),
    );
    sandbox.write(
        &clean,
        &format!("cat > /dev/null\ncat <<'END'\n{pointer}END\n"),
    );
    sandbox.write(&smudge, "cat > /dev/null\necho content\n");
    let home = sandbox.root().join("home/.gitconfig");
    let settings = format!(
        "{}[filter \"lfs\"]\n\tclean = sh {}\n\tsmudge = sh {}\n\trequired = true\n",
        sandbox.read(&home),
        clean.display(),
        smudge.display()
    );
    sandbox.write(&home, &settings);
    let worktree = sandbox.spawn("lfs");
    sandbox.write(worktree.join("big.bin"), "content\n");
    sandbox.wt(&["validate", "lfs"]).expect(0);
    sandbox
        .wt(&["merge", "lfs", "--commit", "-m", "big"])
        .expect(0);
    assert_eq!(
        sandbox.git(&["cat-file", "blob", "main:big.bin"]),
        pointer.trim_end()
    );
    assert_eq!(sandbox.read("big.bin"), "content\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_pointer_of_lfs_without_lfs_is_a_text() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "grep -q git-lfs big.bin\n"),
        (
            ".gitattributes",
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        ),
        ("big.bin", pointer),
    ]);
    let worktree = sandbox.spawn("text");
    assert_eq!(sandbox.read(worktree.join("big.bin")), pointer);
    sandbox.write(worktree.join("more.bin"), pointer);
    sandbox.wt(&["validate", "text"]).expect(0);
    sandbox
        .wt(&["merge", "text", "--commit", "-m", "more"])
        .expect(0);
    assert_eq!(sandbox.read("more.bin"), pointer);
}

#[test]
fn links_modes_types_and_renames_land_as_they_are() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", TEST),
        ("run.sh", "echo\n"),
        ("file", "file\n"),
        ("folder/a", "a\n"),
        ("folder/b", "b\n"),
        ("flat", "flat\n"),
        ("old name", "a line that is long enough to be known again\n"),
        ("Case.txt", "case\n"),
        (".gitignore", "*.log\n"),
    ]);
    sandbox.write("kept.log", "ignored and tracked\n");
    sandbox.git(&["add", "-f", "kept.log"]);
    sandbox.git(&["commit", "-q", "-m", "log"]);
    for commits in [false, true] {
        let name = if commits { "committed" } else { "uncommitted" };
        let worktree = sandbox.spawn(name);
        let at = |path: &str| worktree.join(path);
        let flip = if commits { 0o644 } else { 0o755 };
        fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(flip)).expect("mode");
        sandbox.write(at("kept.log"), &format!("changed {name}\n"));
        if commits {
            fs::remove_file(at("file")).expect("removed");
            fs::remove_file(at("folder")).expect("removed");
            fs::remove_dir_all(at("flat")).expect("removed");
            sandbox.write(at("file"), "file again\n");
            sandbox.write(at("folder/a"), "a again\n");
            sandbox.write(at("flat"), "flat again\n");
            sandbox.git_in(&worktree, &["mv", "new name", "old name"]);
            sandbox.git_in(&worktree, &["mv", "case.txt", "Case.txt"]);
            sandbox.commit(&worktree, "back");
        } else {
            fs::remove_file(at("file")).expect("removed");
            symlink("nowhere", at("file")).expect("linked");
            // A folder becomes a link to one that holds the same names.
            fs::create_dir(at("real")).expect("made");
            sandbox.write(at("real/a"), "other a\n");
            fs::remove_dir_all(at("folder")).expect("removed");
            symlink("real", at("folder")).expect("linked");
            fs::remove_file(at("flat")).expect("removed");
            sandbox.write(at("flat/deep/x"), "deep\n");
            fs::rename(at("old name"), at("new name")).expect("renamed");
            fs::rename(at("Case.txt"), at("case.txt")).expect("renamed");
        }
        sandbox.wt(&["validate", name]).expect(0);
        let expected = sandbox.git_in(&worktree, &["status", "--porcelain"]);
        sandbox
            .wt(&["merge", name, "--commit", "-m", name])
            .expect(0);
        assert_eq!(expected.is_empty(), commits);
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        let tree = sandbox.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"]);
        let tree: Vec<&str> = tree
            .lines()
            .filter(|l| !l.ends_with("wt.toml") && !l.ends_with("test.sh"))
            .collect();
        let expected: &[&str] = if commits {
            &[
                "100644 .gitignore",
                "100644 Case.txt",
                "100644 file",
                "100644 flat",
                "100644 folder/a",
                "100644 kept.log",
                "100644 old name",
                "100644 real/a",
                "100644 run.sh",
            ]
        } else {
            &[
                "100644 .gitignore",
                "100644 case.txt",
                "120000 file",
                "100644 flat/deep/x",
                "120000 folder",
                "100644 kept.log",
                "100644 new name",
                "100644 real/a",
                "100755 run.sh",
            ]
        };
        assert_eq!(tree, expected, "{name}");
        assert_eq!(sandbox.read("kept.log"), format!("changed {name}\n"));
    }
}

#[test]
fn line_ends_and_folded_case_go_by_the_repositorys_settings() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", TEST),
        (".gitattributes", "*.sh eol=lf\n"),
        ("text", "a\nb\n"),
    ]);
    sandbox.git(&["config", "core.autocrlf", "true"]);
    sandbox.git(&["config", "core.ignorecase", "true"]);
    let worktree = sandbox.spawn("crlf");
    assert_eq!(sandbox.read(worktree.join("text")), "a\r\nb\r\n");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    // Line ends alone are no change.
    sandbox.write(worktree.join("text"), "a\nb\n");
    sandbox.write(worktree.join("more"), "c\r\nd\r\n");
    sandbox.wt(&["validate", "crlf"]).expect(0);
    sandbox
        .wt(&["merge", "crlf", "--commit", "-m", "more"])
        .expect(0);
    assert_eq!(
        sandbox.git(&["diff", "--name-only", "main~1", "main"]),
        "more"
    );
    assert_eq!(sandbox.git(&["cat-file", "blob", "main:more"]), "c\nd");
    // Claims fold case as the file system would.
    sandbox
        .wt(&["spawn", "owner", "--owns", "Src/**"])
        .expect(0);
    sandbox
        .wt(&["spawn", "other", "--owns", "src/x"])
        .expect(4)
        .says("`owner` owns");
    let worktree = sandbox.spawn("third");
    sandbox.write(worktree.join("SRC/y"), "");
    sandbox
        .wt(&["validate", "third"])
        .expect(1)
        .prints("owned by task `owner`");
}

#[test]
fn any_file_name_that_is_text_is_judged_and_landed() {
    let names = [
        "with space",
        " leading",
        "trailing ",
        "'single'",
        "\"double\"",
        "new\nline",
        "-dash",
        "--force",
        "größe",
        "日本語",
        "e\u{301}",
        "tab\tbed",
        "back\\slash",
        "$HOME",
        "*",
        "[a]",
        ":(top)x",
        "!no",
        "#hash",
        "dir with space/-x",
        "ö/ü",
    ];
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", TEST)]);
    for name in names {
        sandbox.write(format!("before/{name}"), "1\n");
    }
    sandbox.commit(&sandbox.repo(), "before");
    let worktree = sandbox.spawn("names");
    for name in names {
        assert_eq!(sandbox.read(worktree.join("before").join(name)), "1\n");
        sandbox.write(worktree.join("before").join(name), "2\n");
        sandbox.write(worktree.join(name), "3\n");
    }
    sandbox.wt(&["validate", "names"]).expect(0);
    sandbox
        .wt(&["merge", "names", "--commit", "-m", "names"])
        .expect(0);
    for name in names {
        assert_eq!(sandbox.read(format!("before/{name}")), "2\n");
        assert_eq!(sandbox.read(sandbox.repo().join(name)), "3\n");
    }
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_file_name_that_is_no_text_is_refused_escaped() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("bytes");
    let name = worktree.join(OsStr::from_bytes(b"caf\xe9"));
    fs::write(&name, "").expect("written");
    let words = r#"the file name "caf\xe9" is not valid UTF-8"#;
    sandbox.wt(&["validate", "bytes"]).expect(4).says(words);
    sandbox.commit(&worktree, "bytes");
    sandbox.wt(&["validate", "bytes"]).expect(4).says(words);
    sandbox.wt(&["merge", "bytes"]).expect(4);
    sandbox.git_in(&worktree, &["rm", "-q", "--", "caf*"]);
    sandbox.commit(&worktree, "gone");
    sandbox.write(worktree.join("fine"), "");
    sandbox.wt(&["validate", "bytes"]).expect(0);
}

#[test]
fn a_repository_may_lie_at_any_path_that_is_text() {
    let sandbox = Sandbox::new();
    let odd = sandbox.root().join("it's \"my\" größe $HOME");
    fs::create_dir(&odd).expect("made");
    fs::rename(sandbox.repo(), odd.join("re po")).expect("moved");
    let repo = odd.join("re po");
    sandbox_in(&sandbox, &repo, &["spawn", "life"]);
    let worktree = odd.join("re po.wt/life");
    sandbox.write(worktree.join("broken"), "");
    // The command of the sandbox begins in its own repository, which is no longer there.
    fs::create_dir(sandbox.repo()).expect("made");
    sandbox
        .wt_in(&worktree, &["validate"])
        .expect(1)
        .prints("FAIL: broken");
    fs::rename(worktree.join("broken"), worktree.join("new")).expect("renamed");
    sandbox
        .wt_in(&worktree, &["validate", "--cause", "left"])
        .expect(0);
    sandbox
        .wt_in(&worktree, &["merge", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(sandbox.read(repo.join("new")), "");
    assert!(!worktree.exists());
}

#[test]
fn a_repository_at_a_path_that_is_no_text_is_refused() {
    let sandbox = Sandbox::new();
    let odd = sandbox.root().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&odd).expect("made");
    fs::rename(sandbox.repo(), odd.join("repo")).expect("moved");
    sandbox
        .wt_in(&odd.join("repo"), &["spawn", "life"])
        .expect(4)
        .says("is not valid UTF-8");
    assert_eq!(fs::read_dir(&odd).expect("listed").count(), 1);
}

/// As [`Sandbox::wt_in`] before the folder of the sandbox's own repository is there.
fn sandbox_in(sandbox: &Sandbox, dir: &std::path::Path, args: &[&str]) {
    sandbox.wt_in(dir, args).expect(0);
}

#[test]
fn a_linked_worktree_is_a_place_to_call_from() {
    let sandbox = Sandbox::new();
    let linked = sandbox.root().join("linked");
    sandbox.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "feature",
        linked.to_str().expect("text"),
    ]);
    sandbox
        .wt_in(&linked, &["spawn", "life"])
        .expect(0)
        .prints("<root>/repo.wt/life\n");
    assert_eq!(sandbox.show("life")["target"], "feature");
    let worktree = sandbox.worktree("life");
    sandbox.write(worktree.join("new"), "");
    sandbox.commit(&worktree, "new");
    sandbox.wt_in(&linked, &["validate", "life"]).expect(0);
    sandbox.wt_in(&linked, &["merge", "life"]).expect(0);
    assert!(linked.join("new").exists() && !sandbox.repo().join("new").exists());
    assert_eq!(sandbox.git_in(&linked, &["status", "--porcelain"]), "");
}

#[test]
fn worktrees_may_lie_on_another_filesystem() {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(folder) = tempfile::Builder::new()
        .prefix("wt-it-")
        .tempdir_in("/dev/shm")
    else {
        skipped("/dev/shm is not writable");
        return;
    };
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!(
                "{CONTRACT}[worktree]\npath = \"{}/{{repo}}.wt\"\n",
                folder.path().display()
            ),
        ),
        ("test.sh", TEST),
    ]);
    let device = |path: &std::path::Path| fs::metadata(path).expect("there").dev();
    if device(folder.path()) == device(&sandbox.root()) {
        skipped("/dev/shm is on the same filesystem");
        return;
    }
    sandbox.wt(&["spawn", "far"]).expect(0);
    let worktree = folder.path().join("repo.wt/far");
    sandbox.write(worktree.join("new"), "new\n");
    sandbox.wt_in(&worktree, &["validate"]).expect(0);
    sandbox.wt(&["rm", "far", "--force"]).expect(0);
    assert!(!worktree.exists());
    sandbox.wt(&["restore", "far"]).expect(0);
    sandbox.wt(&["validate", "far"]).expect(0);
    sandbox
        .wt(&["merge", "far", "--commit", "-m", "new"])
        .expect(0);
    assert_eq!(sandbox.read("new"), "new\n");
    assert!(!worktree.exists());
}

#[test]
fn a_file_past_the_limit_is_refused_committed_or_not() {
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &CONTRACT.replace("[judge]", "[judge]\nmax_file = \"1MB\""),
        ),
        ("test.sh", TEST),
    ]);
    fs::write(sandbox.repo().join("old"), vec![b'o'; 3 << 20]).expect("written");
    sandbox.commit(&sandbox.repo(), "large before");
    let worktree = sandbox.spawn("large");
    fs::write(worktree.join("new"), vec![b'n'; 2 << 20]).expect("written");
    let words = "new has 2097152 bytes; the limit for a changed file is 1000000";
    sandbox.wt(&["validate", "large"]).expect(4).says(words);
    sandbox.commit(&worktree, "large");
    sandbox.wt(&["validate", "large"]).expect(4).says(words);
    sandbox.git_in(&worktree, &["rm", "-q", "new", "old"]);
    sandbox.commit(&worktree, "none");
    sandbox.wt(&["validate", "large"]).expect(0);
}

#[test]
fn a_huge_file_beside_judged_work_is_named_and_stored_by_nobody() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.validated("auth", "new", "work\n");
    // Reading it would take hours.
    let huge = fs::File::create(worktree.join("huge")).expect("made");
    huge.set_len(1 << 43).expect("set");
    let before = sandbox.git(&["count-objects", "-v"]);
    sandbox
        .wt_in_time(&["merge", "auth"])
        .expect(4)
        .says("task `auth` has uncommitted work: huge");
    let words = "huge has 8796093022208 bytes; the limit for a changed file is 100000000";
    sandbox
        .wt_in_time(&["merge", "auth", "--commit", "-m", "work"])
        .expect(4)
        .says(words);
    let owed = sandbox.wt_in_time_in(&worktree, &["_owed"]);
    owed.expect(4).says(words);
    assert_eq!(sandbox.git(&["count-objects", "-v"]), before);
}

#[test]
fn packed_refs_another_branch_and_a_shallow_history_are_no_hindrance() {
    let sandbox = Sandbox::new();
    for number in 0..3 {
        sandbox.write("count", &number.to_string());
        sandbox.commit(&sandbox.repo(), "count");
    }
    let worktree = sandbox.spawn("packed");
    sandbox.write(worktree.join("new"), "");
    sandbox.commit(&worktree, "new");
    sandbox.git(&["pack-refs", "--all", "--prune"]);
    sandbox.git(&["gc", "-q"]);
    assert!(!sandbox.repo().join(".git/refs/heads/wt/packed").exists());
    sandbox.wt(&["validate", "packed"]).expect(0);
    sandbox.git(&["switch", "-q", "-c", "elsewhere"]);
    sandbox.write("count", "mine");
    sandbox.wt(&["merge", "packed"]).expect(0);
    assert_eq!(
        sandbox.git(&["ls-tree", "--name-only", "main", "new"]),
        "new"
    );
    assert_eq!(sandbox.git(&["status", "--porcelain"]), " M count");
    assert_eq!(sandbox.git(&["branch", "--list", "wt/*"]), "");

    let shallow = sandbox.root().join("shallow");
    let url = format!("file://{}", sandbox.repo().display());
    sandbox.git(&[
        "clone",
        "-q",
        "--depth=1",
        "-b",
        "main",
        &url,
        shallow.to_str().expect("text"),
    ]);
    assert_eq!(
        sandbox.git_in(&shallow, &["rev-list", "--count", "main"]),
        "1"
    );
    sandbox.wt_in(&shallow, &["spawn", "life"]).expect(0);
    let worktree = sandbox.root().join("shallow.wt/life");
    sandbox.write(worktree.join("more"), "");
    sandbox.write(shallow.join("beside"), "");
    sandbox.commit(&shallow, "beside");
    sandbox.wt_in(&worktree, &["validate"]).expect(0);
    sandbox
        .wt_in(&shallow, &["merge", "life", "--commit", "-m", "more"])
        .expect(0);
    assert!(shallow.join("more").exists() && shallow.join("beside").exists());
}

#[test]
fn what_a_partial_clone_has_not_yet_is_fetched() {
    let sandbox = Sandbox::with(&[("package.json", "{\"scripts\":{\"test\":\"node main\"}}")]);
    sandbox.git(&["checkout", "-q", "-b", "old"]);
    sandbox.write(
        "package.json",
        "{\"scripts\":{\"test\":\"node old\",\"lint\":\"x\"}}",
    );
    sandbox.commit(&sandbox.repo(), "old");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let origin = sandbox.root().join("origin");
    fs::rename(sandbox.repo(), &origin).expect("moved");
    let url = format!("file://{}", origin.display());
    let repo = sandbox.repo();
    let to = repo.to_str().expect("text");
    sandbox.git_in(&origin, &["clone", "-q", "--filter=blob:none", &url, to]);
    sandbox.git(&["branch", "-q", "old", "origin/old"]);
    let spawned = sandbox.wt(&["spawn", "auth", "--base", "old", "--target", "old"]);
    spawned
        .expect(0)
        .says("the script `lint` is not in the gate");
    let kept = sandbox.read(sandbox.worktree("auth").join("package.json"));
    assert!(kept.contains("node old"), "{kept}");
}
