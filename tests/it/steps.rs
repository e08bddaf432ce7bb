//! Steps that misbehave: each is a verdict, leaves no process, and the next judging works in the same slot.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{CONTRACT, Ran, Sandbox, UNCONFINED};

/// A repository whose step runs `bad`, a script of the task's own.
struct Trial {
    sandbox: Sandbox,
    worktree: PathBuf,
}

impl Trial {
    fn new(timeout: &str, script: &str) -> Self {
        Self::with(&CONTRACT.replace("30s", timeout), script.as_bytes())
    }

    fn with(contract: &str, script: &[u8]) -> Self {
        let sandbox = Sandbox::with(&[("wt.toml", contract), ("test.sh", "echo fine\n")]);
        let worktree = sandbox.spawn("auth");
        fs::write(worktree.join("test.sh"), script).expect("written");
        Self { sandbox, worktree }
    }

    /// The verdict on the script: exit status 1, and the budget that is left says that it was counted.
    fn fails(&self) -> Ran {
        let ran = self.sandbox.wt(&["validate", "auth"]);
        ran.expect(1).prints(" attempt=1/2\n");
        self.is_over(1);
        ran
    }

    /// The verdict where the step fails on the target as well: nothing is counted.
    fn is_held_back(&self) -> Ran {
        let ran = self.sandbox.wt(&["validate", "auth"]);
        ran.expect(1)
            .prints("TARGET_RED step=test target=")
            .prints(" attempt=0/2\n");
        self.is_over(0);
        ran
    }

    fn is_over(&self, attempts: u32) {
        assert_eq!(self.sandbox.processes(), []);
        assert_eq!(self.sandbox.show("auth")["attempts"], attempts);
    }

    /// What the agent finds in the log.
    fn log(&self) -> Vec<u8> {
        fs::read(self.worktree.join(".wt/last/test.log")).expect("a log")
    }

    /// The next judging, in the same slot, finds nothing of it.
    fn recovers(&self) {
        self.sandbox
            .write(self.worktree.join("test.sh"), "echo fine; [ -f wt.toml ]\n");
        self.sandbox
            .wt(&["validate", "auth", "--cause", "the script was bad"])
            .expect(0)
            .prints("VALIDATION_OK steps=1");
        self.is_over(0);
        self.sandbox.wt(&["doctor"]).expect(0);
    }
}

#[test]
fn a_program_that_is_not_found_is_named_with_where_it_would_be() {
    let contract = CONTRACT.replace("sh test.sh", "cd . && A=b lint-it --all");
    let mut trial = Trial::with(&contract, b"");
    let verdict = trial.is_held_back();
    verdict
        .prints(" exit=127 ")
        .prints("first failure: `lint-it` was not found on the PATH captured at spawn");

    let bin = trial.sandbox.root().join("bin");
    trial.sandbox.write(bin.join("lint-it"), "#!/bin/sh\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(bin.join("lint-it"), executable).expect("set");
    let path = format!("{}:{}", std::env::var("PATH").expect("PATH"), bin.display());
    trial.sandbox.set("PATH", &path);
    trial.sandbox.write(trial.worktree.join("change"), "");
    trial.sandbox.wt(&["validate", "auth"]).expect(1).prints(
        "`lint-it` is not on the PATH captured at spawn; the caller's has it: <root>/bin/lint-it",
    );
}

#[test]
fn a_program_that_a_script_does_not_find_is_named_and_a_script_is_not_blamed_for_it() {
    let trial = Trial::new("30s", "echo before\nno-such-program --x\n");
    trial
        .fails()
        .prints("first failure: `no-such-program` was not found on the PATH captured at spawn");
    trial.recovers();

    // The step found its program; that one says what is missing.
    let trial = Trial::new("30s", "echo 'error: schema.sql is gone'; exit 127\n");
    trial
        .fails()
        .prints("exit=127")
        .prints("first failure: error: schema.sql is gone");
}

#[test]
fn a_flood_is_cut_and_its_verdict_bounded() {
    let trial = Trial::new(
        "60s",
        "echo begin\nyes 'a line of the flood, and no news' | head -c 100000000\nprintf 'x%.0s' $(seq 5000); echo; echo FAIL: the end; exit 1\n",
    );
    let verdict = trial.fails();
    verdict.prints("first failure: FAIL: the end");
    assert!(
        verdict.out.lines().count() <= 24 && verdict.out.len() < 8000,
        "{}",
        verdict.out
    );
    let log = trial.log();
    assert!(log.starts_with(b"begin\n") && log.ends_with(b"FAIL: the end\n"));
    assert!(log.len() < (64 << 20) + 100, "{}", log.len());
    let cut = b"bytes left out here]";
    assert!(log.windows(cut.len()).any(|w| w == cut));
    trial.recovers();
}

#[test]
fn output_that_is_no_text_reaches_no_terminal() {
    let script = b"printf 'FAIL: \\033[31mred\\033[0m \\007bell \\033]0;title\\007 \\377\\376 \\302\\233Kcsi\\r\\b'; exit 1";
    let trial = Trial::with(CONTRACT, script);
    let verdict = trial.fails();
    let title = verdict
        .out
        .lines()
        .find(|l| l.starts_with("first failure: "))
        .expect("a line");
    assert!(
        title.starts_with("first failure: FAIL: red bell"),
        "{title:?}"
    );
    assert!(
        verdict.out.chars().all(|c| c == '\n' || !c.is_control()),
        "{:?}",
        verdict.out
    );
    assert!(
        trial.log().windows(2).any(|w| w == [0xff, 0xfe]),
        "the log is as printed"
    );
    assert!(verdict.out.contains("(1 lines)"));
    trial.recovers();
}

#[test]
fn a_step_that_says_nothing_still_has_a_verdict() {
    let trial = Trial::new("30s", "exit 3\n");
    let verdict = trial.fails();
    insta::assert_snapshot!(verdict.steady(), @r#"
    TEST_FAILURE step=test exit=3 0.0s attempt=1/2
    first failure: no output
    full log: <root>/repo.wt/auth/.wt/last/test.log (0 lines)
    next: mend this failure only, then once: wt validate --cause "<why it failed>"
    "#);
    trial.recovers();
}

#[test]
fn a_daemon_that_holds_the_output_delays_nothing_and_dies() {
    let trial = Trial::new(
        "600s",
        "setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1000; done' &\n(setsid setsid sleep 1000 &)\nsleep 1000 &\necho FAIL: with a daemon; exit 1\n",
    );
    trial.fails().prints("first failure: FAIL: with a daemon");
    trial.recovers();
}

#[test]
fn a_step_that_ignores_term_ends_at_its_deadline() {
    let trial = Trial::new(
        "1s",
        "trap '' TERM\necho begun\nwhile :; do sleep 1000; done\n",
    );
    let verdict = trial.fails();
    verdict.prints("TIMEOUT step=test timeout");
    assert_eq!(trial.log(), b"begun\n");
    insta::assert_snapshot!(verdict.out.lines().skip(1).collect::<Vec<_>>().join("\n"), @r#"
    first failure: not done after 1s
      begun
    full log: <root>/repo.wt/auth/.wt/last/test.log (1 lines)
    next: mend this failure only, then once: wt validate --cause "<why it failed>"
    "#);
    trial.recovers();
}

#[test]
fn a_step_that_deletes_its_own_worktree_is_found_out() {
    // In a cage it could only empty it.
    let trial = Trial::with(UNCONFINED, b"rm -rf \"$PWD\"\n");
    let unstable = trial.sandbox.wt(&["validate", "auth"]);
    unstable.expect(1).prints("UNSTABLE_TREE step=test");
    trial.is_over(0);
    trial.sandbox.write(
        trial.worktree.join("test.sh"),
        "rm -rf \"$PWD\"; ln -s \"$HOME\" \"$PWD\"; echo FAIL: gone; exit 1\n",
    );
    trial.fails().prints("first failure: FAIL: gone");
    trial.recovers();
    assert!(trial.sandbox.home().join(".gitconfig").exists());
    assert!(!trial.sandbox.home().join("wt.toml").exists());
}

#[test]
fn a_signal_is_named_and_an_exit_status_is_not_taken_for_one() {
    for (script, ended) in [
        ("kill -SEGV $$", "signal=SIGSEGV"),
        ("kill -KILL $$", "signal=SIGKILL"),
        ("exit 137", "exit=137"),
    ] {
        let trial = Trial::with(
            &CONTRACT.replace("sh test.sh", "exec sh test.sh"),
            script.as_bytes(),
        );
        trial
            .fails()
            .prints(&format!("TEST_FAILURE step=test {ended} "));
        trial.recovers();
    }
}

#[test]
fn a_runner_that_ran_no_test_fails_unless_that_is_allowed() {
    let real = [
        "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        "============================= test session starts ==============================\ncollected 0 items\n\n============================ no tests ran in 0.00s =============================\n",
    ];
    for output in real {
        let script = format!("cat <<'E'\n{output}E\n");
        let trial = Trial::new("30s", &script);
        trial.fails().prints("NO_TESTS step=test exit=0");
        trial.recovers();
        let allowing = CONTRACT.replace("timeout", "allow_empty = true\ntimeout");
        for contract in [
            allowing.as_str(),
            &CONTRACT.replace("\"test\"\nrun", "\"check\"\nrun"),
        ] {
            let trial = Trial::with(contract, script.as_bytes());
            trial
                .sandbox
                .wt(&["validate", "auth"])
                .expect(0)
                .prints("VALIDATION_OK steps=1");
        }
    }
    // What nobody recognises is judged by its status.
    let trial = Trial::new("30s", "echo '0 tests were run'\n");
    trial.sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn a_command_reaches_its_shell_as_it_is_written() {
    let run = r#"printf '%s|' "it's" 'say "so"' "$((1+2))" größe '*' \
    'second line' -- > "$HOME/notes/said"
exit 4"#;
    let contract = CONTRACT.replace("\"sh test.sh\"", &format!("'''{run}'''"));
    let trial = Trial::with(&contract, b"");
    trial.is_held_back().prints(" exit=4 ");
    let said = trial.sandbox.read(trial.sandbox.notes().join("said"));
    assert_eq!(said, "it's|say \"so\"|3|größe|*|second line|--|");
    // A command that begins with a dash is no option of the shell's.
    let trial = Trial::with(&CONTRACT.replace("sh test.sh", "-c; exit 5"), b"");
    trial.is_held_back().prints(" exit=5 ");
}

#[test]
fn a_step_may_have_the_name_of_anything_that_wt_writes_itself() {
    for name in ["judge", "set-up", "verdict.txt", "progress.json"] {
        let contract = CONTRACT.replace("name = \"test\"", &format!("name = \"{name}\""));
        let trial = Trial::with(&contract, b"echo FAIL: mine; exit 1\n");
        trial
            .fails()
            .prints(&format!("TEST_FAILURE step={name} exit=1"))
            .prints("first failure: FAIL: mine");
        let log = trial.worktree.join(format!(".wt/last/{name}.log"));
        assert_eq!(trial.sandbox.read(log), "FAIL: mine\n");
        trial.recovers();
    }
}
