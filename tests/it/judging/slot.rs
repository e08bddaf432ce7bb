//! The slot: what a step finds there and around it, what stays from one judging to the next, and what does not.

use std::collections::BTreeMap;
use std::process::Command;

use super::{counting, on_main, remove};
use crate::sandbox::{CONTRACT, Ran, Sandbox, wait_until};

#[test]
fn a_step_sees_the_documented_environment_and_no_more() {
    let mut sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!("{CONTRACT}[env]\npass = [\"PASSED\", \"ABSENT\", \"TZ\"]\n"),
        ),
        (
            "test.sh",
            r#"env -0 > "$HOME/notes/env"
wc -c < /proc/self/fd/0 > "$HOME/notes/stdin"
for fd in /proc/$$/fd/*; do readlink "$fd"; done > "$HOME/notes/fds"
pwd > "$HOME/notes/pwd"
[ -d "$TMPDIR" ] && [ -z "$(ls -A "$TMPDIR")" ] && : > "$TMPDIR/mine" && mkdir -p "$TMPDIR/closed/in" && chmod 0 "$TMPDIR/closed"
cat "$WT_CHANGED" > "$HOME/notes/changed"
! (: > /dev/tty) 2> /dev/null
"#,
        ),
    ]);
    for (name, value) in [
        ("PASSED", "a b'c\"d\ne"),
        ("TZ", "Asia/Tokyo"),
        ("GIT_AUTHOR_NAME", "x"),
        ("CLAUDECODE", "1"),
        ("AGENT_SECRET", "x"),
        ("TMPDIR", "/nowhere"),
    ] {
        sandbox.set(name, value);
    }
    let worktree = sandbox.spawn("auth");
    // What the caller has later counts for nothing.
    sandbox.set("PASSED", "later");
    sandbox.set("GIT_OPTIONAL_LOCKS", "0");
    let path = format!("{}:/later", std::env::var("PATH").expect("PATH"));
    sandbox.set("PATH", &path);
    sandbox.write(worktree.join("größe"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);

    let text = sandbox.read(sandbox.notes().join("env"));
    let mut seen: BTreeMap<&str, &str> = text
        .split_terminator('\0')
        .filter_map(|v| v.split_once('='))
        .collect();
    // These are the shell's own.
    for own in ["PWD", "OLDPWD", "SHLVL", "_"] {
        seen.remove(own);
    }
    let tmpdir = seen.remove("TMPDIR").expect("TMPDIR");
    let changed = seen.remove("WT_CHANGED").expect("WT_CHANGED");
    let name = seen.remove("WT_NAME").expect("WT_NAME");
    assert!(name.starts_with("repo-judge-0-"), "{name}");
    // Of each tool that keeps what it downloads.
    let caches = sandbox.root().join("repo.wt/_judge/0-caches");
    let count = seen.len();
    seen.retain(|_, value| !std::path::Path::new(value).starts_with(&caches));
    assert_eq!(count - seen.len(), 10, "{seen:?}");
    let (home, notes) = (sandbox.home(), sandbox.notes());
    let base = sandbox.git(&["rev-parse", "main"]);
    let path = std::env::var("PATH").expect("PATH");
    let expected = BTreeMap::from([
        ("PATH", path.as_str()),
        ("HOME", home.to_str().expect("text")),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("LC_ALL", "C.UTF-8"),
        ("CI", "1"),
        ("WT_TASK", "auth"),
        ("WT_BASE", base.as_str()),
        ("PASSED", "a b'c\"d\ne"),
    ]);
    assert_eq!(seen, expected);
    assert_eq!(sandbox.read(notes.join("changed")), "größe\n");
    assert_eq!(sandbox.read(notes.join("stdin")).trim(), "0");
    let slot = sandbox.root().join("repo.wt/_judge/0");
    assert_eq!(
        sandbox.read(notes.join("pwd")).trim(),
        slot.to_str().expect("text")
    );
    for private in [tmpdir, changed] {
        assert!(!std::path::Path::new(private).exists(), "{private} is left");
    }
    // Nothing of the judge's own, its locks least of all, is open in a step.
    let fds = sandbox.read(notes.join("fds"));
    for target in fds.lines() {
        let script = slot.join("test.sh");
        let known = target == "/dev/null"
            || target.starts_with("pipe:")
            || std::path::Path::new(target) == script
            || std::path::Path::new(target) == notes.join("fds");
        assert!(known, "{fds}");
    }
}

#[test]
fn the_slot_is_the_candidate_with_warm_folders_and_carried_files_and_nothing_else() {
    let contract = format!(
        "{CONTRACT}[worktree]\nwarm = [\"target\", \"deep/warm dir\"]\ncarry = [\".env\"]\n"
    );
    let look = r#"find . -path ./.git -prune -o \( -type f -o -type l \) -print | sort > "$HOME/notes/files"
cat .env > "$HOME/notes/carried"
git status --porcelain > "$HOME/notes/status"
mkdir -p target "deep/warm dir" selfish nested/.git closed
echo kept > target/kept; echo kept > "deep/warm dir/kept"; echo x > deep/cold
echo '*' > selfish/.gitignore; echo x > selfish/x
git init -q nested; echo x > nested/x
echo x > untracked; echo x > ignored.o; ln -s "$HOME" link; echo changed >> .env
mkdir -p .git/wt-no 2>/dev/null; echo forged > .git; echo x > closed/x; chmod 0 closed
"#;
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", look),
        (".gitignore", "*.o\n.env\ntarget\nwarm*\n"),
        ("deep/tracked", "\n"),
    ]);
    sandbox.write(".env", "secret\n");
    let worktree = sandbox.spawn("auth");
    assert_eq!(sandbox.read(worktree.join(".env")), "secret\n");
    let mut expected = vec![
        "./.env",
        "./.gitignore",
        "./a",
        "./deep/tracked",
        "./test.sh",
        "./wt.toml",
    ];
    sandbox.write(worktree.join("a"), "");
    for fresh in [&[][..], &["--fresh"]] {
        sandbox
            .wt(&[&["validate", "auth"], fresh].concat())
            .expect(0);
        let files = sandbox.read(sandbox.notes().join("files"));
        assert_eq!(files.lines().collect::<Vec<_>>(), expected);
        assert_eq!(sandbox.read(sandbox.notes().join("status")), "");
    }

    // The carried file is the operator's, not what the agent or a step made of it.
    sandbox.write(worktree.join(".env"), "the agent's\n");
    sandbox.write(".env", "newer\n");
    sandbox.write(worktree.join("b"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(sandbox.read(sandbox.notes().join("carried")), "newer\n");
    expected.extend(["./b", "./deep/warm dir/kept", "./target/kept"]);
    expected.sort_unstable();
    let files = sandbox.read(sandbox.notes().join("files"));
    assert_eq!(files.lines().collect::<Vec<_>>(), expected);
    assert_eq!(sandbox.read(sandbox.notes().join("status")), "");
    // A folder of a step's can't be reached from the slot, and the home that its link named is whole.
    assert!(sandbox.home().join(".gitconfig").exists());
}

#[test]
fn set_up_runs_when_its_inputs_changed_and_what_it_made_stays() {
    let contract = format!(
        "{CONTRACT}[worktree]\nsetup = ['sh set-up.sh']\nsetup_inputs = ['locks/*.lock', '!locks/other.lock']\ncarry = ['.env']\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        (
            "set-up.sh",
            "pwd >> \"$HOME/notes/set-ups\"\nif [ -f unready ]; then echo 'error: no such package'; exit 7; fi\nmkdir -p modules; cat locks/*.lock > modules/made\n",
        ),
        (
            "test.sh",
            "cat modules/made > \"$HOME/notes/made\"; mkdir -p modules/.cache; echo x >> modules/.cache/by-a-step; [ ! -f poison ] || echo x > modules/poison; [ ! -f .env ] || echo carried >> \"$HOME/notes/made\"\n",
        ),
        (".gitignore", "modules\n.env\n"),
        ("locks/a.lock", "1\n"),
        ("locks/other.lock", "1\n"),
    ]);
    sandbox.write(".env", "");
    let worktree = sandbox.spawn("auth");
    let in_slot = || {
        let text = sandbox.read(sandbox.notes().join("set-ups"));
        text.lines()
            .filter(|line| line.ends_with("/_judge/0"))
            .count()
    };
    let made = || sandbox.read(sandbox.notes().join("made"));
    let change = |path: &str, text: &str| sandbox.write(worktree.join(path), text);

    change("a", "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!((in_slot(), made().as_str()), (1, "1\n1\ncarried\n"));
    // Another candidate, the same inputs; and what is carried no longer, is no longer there.
    remove(sandbox.repo().join(".env"));
    change("locks/other.lock", "2\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!((in_slot(), made().as_str()), (1, "1\n1\n"));
    // An input of the same number, of another content; then one more.
    change("locks/a.lock", "2\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!((in_slot(), made().as_str()), (2, "2\n2\n"));
    change("locks/b.lock", "3\n");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!((in_slot(), made().as_str()), (3, "2\n3\n2\n"));
    sandbox.wt(&["validate", "auth", "--fresh"]).expect(0);
    assert_eq!(in_slot(), 4);
    // What a step changes in it, caches apart, never serves the next judging.
    change("poison", "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(in_slot(), 4);
    remove(worktree.join("poison"));
    change("c", "");
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(in_slot(), 5);

    change("unready", "");
    change("locks/b.lock", "4\n");
    let failed = sandbox.wt(&["validate", "auth"]);
    failed.expect(1);
    insta::assert_snapshot!(failed.steady(), @r#"
    BUILD_FAILURE step=set-up exit=7 0.0s attempt=1/2
    first failure: error: no such package
      error: no such package
    full log: <root>/repo.wt/auth/.wt/last/set-up.log (1 lines)
    next: mend this failure only, then once: wt validate --cause "<why it failed>"
    "#);
    // Nothing vouches for what a failed set-up left.
    remove(worktree.join("unready"));
    sandbox
        .wt(&["validate", "auth", "--cause", "it was not ready"])
        .expect(0);
    // One of them was on the target itself: it is ready.
    assert_eq!((in_slot(), made().as_str()), (8, "2\n4\n2\n"));
}

#[test]
fn without_inputs_set_up_runs_at_every_judging() {
    let sandbox = counting();
    on_main(
        &sandbox,
        "wt.toml",
        &format!("{CONTRACT}[worktree]\nsetup = ['echo x >> \"$HOME/notes/set-ups\"', 'true']\n"),
    );
    let worktree = sandbox.spawn("auth");
    for (change, times) in [("a", 2), ("b", 3)] {
        sandbox.write(worktree.join(change), "");
        sandbox
            .wt(&["validate", "auth"])
            .expect(0)
            .prints("steps=1 ");
        assert_eq!(
            sandbox
                .read(sandbox.notes().join("set-ups"))
                .lines()
                .count(),
            times
        );
    }
}

#[test]
fn the_script_needs_no_wt_and_says_the_same() {
    let contract = "[[gate]]\nname = \"build\"\nkind = \"build\"\nrun = '''printf '%s' \"it's $CI\"; [ ! -f no-build ]'''\n\
                    [[gate]]\nname = \"unit\"\nkind = \"test\"\nwhen = ['never/**']\nrun = '''[ ! -f no-test ] || (exit 9)'''\n";
    let sandbox = Sandbox::with(&[("wt.toml", contract)]);
    let worktree = sandbox.spawn("auth");
    let script = || {
        let mut command: Command = sandbox.command(worktree.join(".wt/validate.sh"));
        command
            .current_dir("/")
            .env("PATH", "/usr/bin:/bin")
            .env("GIT_DIR", "/nowhere");
        Ran::from(&command.output().expect("started"), &sandbox, "validate.sh")
    };
    let passed = script();
    passed.expect(0);
    assert_eq!(passed.out, "it's 1\nVALIDATION_OK\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("VALIDATION_OK");
    // It takes no account of `when`.
    sandbox.write(worktree.join("no-test"), "");
    script()
        .expect(1)
        .prints("\nTEST_FAILURE step=unit exit=9\n");
    sandbox.write(worktree.join("no-build"), "");
    script()
        .expect(1)
        .prints("\nBUILD_FAILURE step=build exit=1\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("BUILD_FAILURE step=build exit=1");
    assert_eq!(sandbox.show("auth")["attempts"], 1);
    wait_until("no process", || sandbox.processes().is_empty());
}
