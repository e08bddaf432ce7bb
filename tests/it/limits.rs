//! A limit of processes that is reached in the midst of a command: it does without more threads, or says what it can't
//! do, and nothing is half done.

use std::fs;

use crate::sandbox::{CONTRACT, Ran, Sandbox, has_strace, wt};

/// Calls `wt` where from the `first` on neither a thread nor a process is to be had.
fn without_more(sandbox: &Sandbox, args: &[&str], first: usize) -> Ran {
    let mut strace = sandbox.command("strace");
    let inject = format!("inject=clone3,clone,vfork,fork:error=EAGAIN:when={first}+");
    strace.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=clone3,clone,vfork,fork",
        "-e",
        &inject,
    ]);
    let output = strace.arg(wt()).args(args).output().expect("strace");
    Ran::from(
        &output,
        sandbox,
        &format!("wt {}, {first} started", args.join(" ")),
    )
}

/// How many threads and processes a call of `wt` starts itself.
fn started(sandbox: &Sandbox, args: &[&str]) -> usize {
    let log = sandbox.root().join("trace");
    let mut strace = sandbox.command("strace");
    strace.args([
        "-qq",
        "-e",
        "trace=clone3,clone,vfork,fork",
        "-e",
        "signal=none",
        "-o",
    ]);
    let ran = strace.arg(&log).arg(wt()).args(args).output();
    let ran = Ran::from(&ran.expect("strace"), sandbox, "wt");
    ran.expect(0);
    let text = fs::read_to_string(&log).expect("a trace");
    text.lines().count()
}

#[test]
fn where_no_thread_is_to_be_had_nothing_panics_and_all_or_nothing_is_done() {
    if !has_strace() {
        return;
    }
    let files: Vec<_> = (0..60).map(|n| (format!("{n}/file"), "text\n")).collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let sandbox = Sandbox::with(&files);
    sandbox.write("wt.toml", CONTRACT);
    sandbox.write("test.sh", "true\n");
    sandbox.commit(&sandbox.repo(), "contract");
    sandbox.spawn("one");
    sandbox.spawn("two");
    let verbs: [(&[&str], usize); 5] = [
        (&["spawn", "auth"], 0),
        (&["list"], 0),
        (&["list", "--status"], 1),
        (&["list", "--size"], 1),
        (&["validate", "one"], 0),
    ];
    for (args, least_done) in verbs {
        let count = started(&sandbox, args);
        sandbox.wt(&["rm", "auth", "--force"]);
        let mut done = 0;
        for first in 1..=count {
            let ran = without_more(&sandbox, args, first);
            assert!(!ran.err.contains("panicked"), "{first} of {count}: {ran:?}");
            assert!(
                matches!(ran.code, Some(0 | 1 | 4 | 70)),
                "{first} of {count}: {ran:?}"
            );
            done += usize::from(ran.code == Some(0));
            sandbox.wt(&["doctor", "--fix"]).expect(0);
            sandbox.wt(&["rm", "auth", "--force"]);
        }
        assert!(done >= least_done, "{args:?}: {done} of {count}");
    }
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    sandbox.spawn("auth");
}
