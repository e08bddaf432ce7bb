use std::fs;
use std::process::{Command, Output};

use proptest::prelude::*;

use super::super::tests::{any_text, test_step};
use super::*;

/// Runs the script of `steps` as an agent might: from another folder, with no `wt` about.
fn run_script(steps: &[Step]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let worktree = folder.path().join("it's a -worktree");
    fs::create_dir_all(worktree.join(".wt")).expect("the worktree is made");
    fs::write(worktree.join(".wt/validate.sh"), validate_script(steps))
        .expect("the script is written");
    // A folder of the same name, where a `cd` that heeds CDPATH ends up.
    fs::create_dir_all(folder.path().join("decoy/it's a -worktree/.wt"))
        .expect("the decoy is made");
    Command::new("sh")
        .arg("it's a -worktree/.wt/validate.sh")
        .current_dir(folder.path())
        .stdin(fs::File::open(worktree.join(".wt/validate.sh")).expect("something to read"))
        .env_clear()
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("CDPATH", "decoy"),
            ("GIT_DIR", "/nowhere"),
        ])
        .output()
        .expect("sh runs")
}

/// What an agent sees of a run: standard output, standard error, status.
fn told(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

#[test]
fn the_whole_script() {
    let steps = [
        test_step("cargo test --lib"),
        Step {
            name: "it's",
            token: "CHECK_FAILURE",
            run: "test \"$(git log -1)\" != 'x'\ntrue",
            when: None,
        },
    ];
    insta::assert_snapshot!(validate_script(&steps), @r#"
    #!/bin/sh
    # Runs the gate in this worktree, as often as you like: only `wt validate` counts.
    # wt writes this file from the target's wt.toml; an edit here changes no verdict.

    # Without CDPATH, so that `cd` goes nowhere else.
    CDPATH= cd -- "$(dirname -- "$0")/.." || exit 70

    unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
    export CI=1 TZ=UTC LC_ALL=C.UTF-8

    # A verdict has an empty line before it, since a step's output may end without a newline.
    step() { # token, name, command
        printf 'step %s\n' "$2" >&2
        sh -c "$3" </dev/null || {
            printf '\n%s step=%s exit=%s\n' "$1" "$2" "$?"
            exit 1
        }
    }

    step TEST_FAILURE unit 'cargo test --lib'
    step CHECK_FAILURE "it's" 'test "$(git log -1)" != '"'x'
    true"
    printf '\nVALIDATION_OK\n'
    "#);
}

#[test]
fn the_script_stops_at_the_first_failing_step() {
    let steps = [
        test_step("ls .wt; cat; printf %s \"$CI$TZ$LC_ALL$GIT_DIR\""),
        Step {
            name: "style",
            token: "LINT_FAILURE",
            run: "echo bad >&2; exit 7",
            when: Some(&[]),
        },
        test_step("echo never"),
    ];
    let expected = "validate.sh\n1UTCC.UTF-8\nLINT_FAILURE step=style exit=7\n";
    assert_eq!(
        told(&run_script(&steps)),
        (
            expected.into(),
            "step unit\nstep style\nbad\n".into(),
            Some(1)
        )
    );
}

#[test]
fn the_script_of_an_empty_gate_refuses() {
    let (stdout, stderr, status) = told(&run_script(&[]));
    assert_eq!((stdout.as_str(), status), ("", Some(4)));
    assert!(stderr.contains("no gate is set"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_command_reaches_sh_unchanged(words in prop::collection::vec(any_text(), 1..12)) {
        let commands: Vec<_> = words.iter().map(|word| format!("printf '<%s>' {}", quote(word))).collect();
        let steps: Vec<_> = commands.iter().map(|command| test_step(command)).collect();
        let output = run_script(&steps);
        let expected = format!("<{}>\nVALIDATION_OK\n", words.join("><"));
        prop_assert_eq!(told(&output).0, expected);
        prop_assert_eq!(output.status.code(), Some(0));
    }
}
