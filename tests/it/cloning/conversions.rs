//! What git may change between its store and the disk is written by git, unless the disk shows that it did not.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{of_every_kind, set_time};
use crate::sandbox::{CONTRACT, Sandbox};

/// Three files, under these attributes and settings, as git itself checks them out.
fn three_files(attributes: &str, settings: &[(&str, &str)]) -> Sandbox {
    let files = [
        ("one.txt", "one $Id$\n"),
        ("returns.txt", "one\r\ntwo\r\n"),
        ("two.dat", "two\n"),
    ];
    let sandbox = Sandbox::with(&files);
    for (name, value) in settings {
        sandbox.git(&["config", name, value]);
    }
    if !attributes.is_empty() {
        sandbox.write(".gitattributes", attributes);
        sandbox.git(&["add", "--renormalize", "."]);
        sandbox.commit(&sandbox.repo(), "attributes");
    }
    sandbox.git(&["rm", "-q", "-r", "--cached", "."]);
    sandbox.git(&["reset", "-q", "--hard"]);
    sandbox.settle();
    sandbox
}

/// Attributes, settings, and what is cloned then.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "* -text diff=x\n",
        &[],
        &[".gitattributes", "one.txt", "returns.txt", "two.dat"],
    ),
    (
        "* text=auto\n",
        &[],
        &[".gitattributes", "one.txt", "returns.txt", "two.dat"],
    ),
    (
        "*.txt text\n",
        &[],
        &[".gitattributes", "one.txt", "returns.txt", "two.dat"],
    ),
    ("*.txt ident\n", &[], &[".gitattributes", "two.dat"]),
    ("*.txt text eol=crlf\n", &[], &[".gitattributes", "two.dat"]),
    (
        "[attr]odd eol=crlf\none.* odd\n",
        &[],
        &[".gitattributes", "returns.txt", "two.dat"],
    ),
    (
        "*.dat text working-tree-encoding=UTF-16LE\n",
        &[],
        &[".gitattributes", "one.txt", "returns.txt"],
    ),
    (
        "*.dat filter=other\n",
        &[
            ("filter.other.smudge", "tr a-z A-Z"),
            ("filter.other.clean", "tr A-Z a-z"),
        ],
        &[".gitattributes", "one.txt", "returns.txt"],
    ),
    ("", &[("core.autocrlf", "true")], &[]),
    (
        "",
        &[("core.autocrlf", "input")],
        &["one.txt", "returns.txt", "two.dat"],
    ),
    ("* text\n", &[("core.eol", "crlf")], &[]),
    ("", &[("core.ignorecase", "true")], &[]),
    ("", &[("core.precomposeUnicode", "true")], &[]),
];

#[test]
fn only_what_git_leaves_as_it_is_is_cloned() {
    for (attributes, settings, cloned) in CASES {
        let sandbox = three_files(attributes, settings);
        let found = sandbox.spawned_right("auth");
        assert_eq!(found, *cloned, "{attributes:?} {settings:?}");
    }
}

#[test]
fn line_ends_that_git_would_not_have_written_are_not_taken_over() {
    let sandbox = three_files("* text=auto\n", &[]);
    // As an editor leaves it: to git it is unchanged, and yet not what a checkout writes.
    sandbox.write("two.dat", "two\r\n");
    sandbox.git(&["add", "two.dat"]);
    sandbox.settle();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let cloned = sandbox.spawned_right("auth");
    assert_eq!(cloned, [".gitattributes", "one.txt", "returns.txt"]);
}

#[test]
fn attributes_count_that_are_not_in_the_tree() {
    let sandbox = three_files("", &[]);
    assert_eq!(sandbox.spawned_right("first").len(), 3);
    sandbox.write(".git/info/attributes", "one.txt eol=crlf\n");
    assert_eq!(sandbox.spawned_right("second"), ["returns.txt", "two.dat"]);
    sandbox.write(".git/info/attributes", "");
    sandbox.write(
        sandbox.home().join(".config/git/attributes"),
        "two.dat ident\n",
    );
    assert_eq!(sandbox.spawned_right("third"), ["one.txt", "returns.txt"]);
}

#[test]
fn what_lfs_has_downloaded_is_not_downloaded_again() {
    let sandbox = Sandbox::with(&[("small.txt", "small\n")]);
    let calls = sandbox.home().join("notes/calls");
    let smudge = format!("echo one >> '{}'; tail -n +2", calls.display());
    let clean = "echo 'version https://git-lfs.github.com/spec/v1'; cat";
    for (name, value) in [
        ("smudge", smudge.as_str()),
        ("clean", clean),
        ("required", "true"),
    ] {
        sandbox.git(&["config", &format!("filter.lfs.{name}"), value]);
    }
    sandbox.write(
        ".gitattributes",
        "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    );
    sandbox.write("large.bin", "much content\n");
    sandbox.write("other.bin", "other content\n");
    sandbox.commit(&sandbox.repo(), "large");
    let stored = sandbox.git(&["show", "HEAD:large.bin"]);
    assert!(stored.starts_with("version https://git-lfs"), "{stored}");
    sandbox.settle();
    let worktree = sandbox.spawn("auth");
    assert_eq!(
        fs::read(worktree.join("large.bin")).expect("read"),
        b"much content\n"
    );
    assert!(!calls.exists(), "it was smudged");
    assert_eq!(sandbox.spawned_right("next").len(), 4);

    // Only the pointer is here: then git asks for the content.
    fs::remove_file(&calls).expect("git worktree add smudged");
    sandbox.git(&["config", "filter.lfs.smudge", "cat"]);
    fs::remove_file(sandbox.repo().join("other.bin")).expect("removed");
    sandbox.git(&["checkout", "--", "other.bin"]);
    sandbox.git(&["config", "filter.lfs.smudge", &smudge]);
    sandbox.git(&["config", "filter.lfs.clean", "cat"]);
    set_time(&sandbox.repo().join("other.bin"), 1_600_000_000);
    std::thread::sleep(std::time::Duration::from_millis(20));
    sandbox.git(&["status", "--short"]);
    sandbox.git(&["config", "filter.lfs.clean", clean]);
    let worktree = sandbox.spawn("third");
    assert_eq!(
        fs::read(worktree.join("other.bin")).expect("read"),
        b"other content\n"
    );
    assert_eq!(fs::read_to_string(&calls).expect("called"), "one\n");
}

#[test]
fn umask_and_modes_are_those_of_git() {
    let sandbox = of_every_kind(&[]);
    for (path, mode) in [("plain.txt", 0o600), ("run.sh", 0o700), ("empty", 0o444)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(sandbox.repo().join(path), mode).expect("set");
    }
    sandbox.settle();
    assert_eq!(sandbox.spawned_right("auth").len(), 611);
}

#[test]
fn what_attributes_of_before_made_of_a_file_is_neither_cloned_nor_judged() {
    let step = "grep -q SECRET q.f\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", step),
        ("q.f", "acc\n"),
        ("lines.txt", "one\n"),
    ]);
    sandbox.git(&["config", "filter.odd.smudge", "sed s/a/SECRET/"]);
    sandbox.git(&["config", "filter.odd.clean", "sed s/SECRET/a/"]);
    sandbox.write(".gitattributes", "*.f filter=odd\n*.txt eol=crlf\n");
    sandbox.commit(&sandbox.repo(), "attributes");
    sandbox.git(&["rm", "-q", "-r", "--cached", "."]);
    sandbox.git(&["reset", "-q", "--hard"]);
    sandbox.settle();
    assert_eq!(sandbox.read("q.f"), "SECRETcc\n");
    let judged = |task: &str, args: &[&str]| sandbox.wt(&[&["validate", task], args].concat());
    let held = sandbox.spawn("held");
    sandbox.write(held.join("new"), "");
    judged("held", &[]).expect(0);

    // Git leaves the files as they are, and says that nothing has changed.
    sandbox.git(&["rm", "-q", ".gitattributes"]);
    sandbox.git(&["commit", "-q", "-m", "no attributes"]);
    assert_eq!(sandbox.read("q.f"), "SECRETcc\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    sandbox.settle();
    assert_eq!(sandbox.spawned_right("auth"), ["test.sh", "wt.toml"]);
    let worktree = sandbox.worktree("auth");
    assert_eq!(sandbox.read(worktree.join("q.f")), "acc\n");
    sandbox.write(worktree.join("new"), "");
    // In the checkout that served under the attributes, and in a new one.
    for args in [&[] as &[&str], &["--fresh"]] {
        judged("auth", args).expect(1).prints("TARGET_RED");
    }
}

#[test]
fn a_change_in_the_second_of_the_cloning_is_seen_whatever_its_size_and_time() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        ("README.md", "one\n"),
    ]);
    sandbox.settle();
    set_time(&sandbox.repo().join("README.md"), 1_600_000_000);
    std::thread::sleep(std::time::Duration::from_millis(20));
    sandbox.git(&["status", "--short"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let part = now.expect("after it").subsec_millis();
    std::thread::sleep(std::time::Duration::from_millis(u64::from(1000 - part)));
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("README.md"), "two\n");
    set_time(&worktree.join("README.md"), 1_600_000_000);
    sandbox.wt(&["validate", "auth"]).expect(0);
    let facts = sandbox.wt(&["show", "auth", "--status", "--json"]).json();
    assert_eq!(facts["seen"]["uncommitted"][0], "README.md", "{facts}");
    sandbox.wt(&["rm", "auth"]).expect(4).says("README.md");
}
