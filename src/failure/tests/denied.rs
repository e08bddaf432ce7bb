//! Which path each tool says it could not write: what they printed in a cage, `/out` lying outside of it.

use super::super::denied_paths;

/// The paths of a log.
fn paths_of(log: &str) -> Vec<String> {
    let writes = denied_paths(log.as_bytes()).into_iter();
    writes.map(|write| write.path).collect()
}

/// The first path of each message.
fn first(messages: &[&str]) -> Vec<String> {
    let first = |message: &&str| paths_of(message).into_iter().next();
    messages
        .iter()
        .map(|message| first(message).unwrap_or_default())
        .collect()
}

#[test]
fn what_one_line_says() {
    let told = first(&[
        "sh: 1: cannot create /out/a: Permission denied",
        "./t.sh: line 3: /out/b: Permission denied",
        "touch: cannot touch '/out/c d': Permission denied",
        "mkdir: cannot create directory ‘/out/d’: Permission denied",
        "mv: cannot move 'a/b' to '/out/e': Permission denied",
        "ln: failed to create hard link 'hard' => '/out/f': Invalid cross-device link",
        "sed: couldn't open temporary file /out/sedbilDhs: Permission denied",
        "tar: /out/g.tar: Cannot open: Permission denied",
        "PermissionError: [Errno 13] Permission denied: '/out/h'",
        "OSError: [Errno 18] Invalid cross-device link: '/out/i' -> 'hard'",
        "Error: EACCES: permission denied, open '/out/j'",
        "Error: EXDEV: cross-device link not permitted, link '/out/k' -> 'hard'",
        "error: could not lock config file /out/repo/.git/config: Permission denied",
        "fatal: Unable to create '/out/repo/.git/index.lock': Permission denied",
        "/usr/bin/ld: cannot open output file /out/l: Permission denied",
        "Fatal error: can't create /out/m.o: Permission denied",
        "cc1: fatal error: cannot open ‘/out/n.s’ for writing: Permission denied",
        r#"error: couldn't create a temp dir: Permission denied (os error 13) at path "/out/o""#,
        "warning: failed to write cache, path: /out/p/itoa, error: Permission denied (os error 13)",
        "failed to initialize build cache at /out/q: mkdir /out/q: permission denied",
        "go: could not create module cache: mkdir /out/r: permission denied",
        "can't open /out/s: Permission denied at -e line 1.",
        "java.io.FileNotFoundException: /out/t (Permission denied)",
        "touch: cannot touch '../main/u': Permission denied",
        "cannot create ~/v: Permission denied",
        "cannot create in/w: Permission denied",
        r#"called `Result::unwrap()` on an `Err` value: "/out/x: Permission denied (os error 13)""#,
    ]);
    insta::assert_snapshot!(told.join(" | "), @"/out/a | /out/b | /out/c d | /out/d | /out/e | /out/f | /out/sedbilDhs | /out/g.tar | /out/h | /out/i | /out/j | /out/k | /out/repo/.git/config | /out/repo/.git/index.lock | /out/l | /out/m.o | /out/n.s | /out/o | /out/p/itoa | /out/q | /out/r | /out/s | /out/t | ../main/u | ~/v | in/w | /out/x");
}

#[test]
fn what_several_lines_say() {
    let told = first(&[
        "error: failed to create directory `/out/registry/cache`\n\nCaused by:\n  Permission denied (os error 13)\n",
        "npm error code EACCES\nnpm error syscall mkdir\nnpm error path /out/npm\nnpm error errno EACCES\n",
        // Both ends of a renaming are told of: the one that lies inside is passed over later.
        "Error: EACCES: permission denied, rename '/in/a' -> '/out/b'",
    ]);
    insta::assert_snapshot!(told.join(" | "), @"/out/registry/cache | /out/npm | /in/a");
    let rename = "Error: EACCES: permission denied, rename '/in/a' -> '/out/b'";
    assert_eq!(paths_of(rename), ["/in/a", "/out/b"]);
}

#[test]
fn what_is_no_denial_or_names_no_path() {
    for log in [
        "error: no such file: /out/a",
        "the permission of /out/a was denied by review",
        "called `Result::unwrap()` on an `Err` value: Os { code: 13, kind: PermissionDenied, message: \"Permission denied\" }",
        "os error 130 at /out/a",
        "git@example.org: Permission denied (publickey).",
        "https://example.org: Permission denied",
    ] {
        assert_eq!(paths_of(log), [""; 0], "{log}");
    }
    let flood = "cannot create /out/a: Permission denied\n".repeat(1000);
    assert_eq!(denied_paths(flood.as_bytes()).len(), 64);
}

#[test]
fn sources_and_shells_are_not_what_was_written() {
    let log = r#"Traceback (most recent call last):
  File "/usr/lib/python3.11/pathlib.py", line 1044, in open
/usr/bin/dash: 1: cannot create /out/a: Permission denied
/opt/run.sh: line 3: /out/b: Permission denied
"#;
    assert_eq!(paths_of(log), ["/out/a", "/out/b"]);
    let frame = "    at open (/app/x/index.js:12:3) EACCES: permission denied";
    assert_eq!(paths_of(frame), [""; 0]);
}

#[test]
fn whether_a_folder_was_to_be_made() {
    for (log, is_folder) in [
        (
            "mkdir: cannot create directory ‘/out/d’: Permission denied",
            true,
        ),
        ("Error: EACCES: permission denied, mkdir '/out/d'", true),
        (
            "    mkdir(name, mode)\nPermissionError: [Errno 13] Permission denied: '/out/d'",
            true,
        ),
        ("sh: 1: cannot create /out/d: Permission denied", false),
        ("cannot create /out/directory: Permission denied", false),
    ] {
        assert_eq!(
            denied_paths(log.as_bytes())[0].is_folder,
            is_folder,
            "{log}"
        );
    }
}
