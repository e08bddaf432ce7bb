//! The search for the task that makes a train red: with how few runs, and by which step.

use crate::sandbox::{CONTRACT, Sandbox};

/// Notes where it runs, and fails where `bad` is.
const TEST: &str = r#"
ls *.txt 2>/dev/null | tr '\n' ' ' >> "$HOME/notes/parts"; echo >> "$HOME/notes/parts"
if [ -f bad.txt ]; then echo 'FAIL: bad'; exit 1; fi
if [ -f one.txt ] && [ -f two.txt ]; then echo 'FAIL: one and two'; exit 1; fi
"#;

fn parts(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.read(sandbox.notes().join("parts"));
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Tasks that were good alone, and of which one breaks with what a person put on main meanwhile.
fn train(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        sandbox.validated(name, &format!("{name}.txt"), "");
    }
    let _ = std::fs::remove_file(sandbox.notes().join("parts"));
}

#[test]
fn a_pair_of_seven_is_found_with_the_step_alone_on_halves() {
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", TEST)]);
    train(&sandbox, &["a", "one", "c", "d", "e", "two", "g"]);
    let merged = sandbox.wt(&["merge", "--all"]);
    merged
        .expect(1)
        .prints("first failure: FAIL: one and two")
        .prints("a failing pair: red together with one, green without\n")
        .prints("next: no attempt was counted; once one has landed: wt sync two ");
    assert_eq!(
        parts(&sandbox),
        [
            // The whole, the target itself, then halves of the train: six of them are red, five are not.
            "a.txt c.txt d.txt e.txt g.txt one.txt two.txt",
            "",
            "a.txt c.txt one.txt",
            "a.txt c.txt d.txt e.txt one.txt",
            "a.txt c.txt d.txt e.txt one.txt two.txt",
            // The sixth alone is known from its own judging; then with halves of those before it.
            "a.txt one.txt two.txt",
            "a.txt two.txt",
            "one.txt two.txt",
            // The rest.
            "a.txt c.txt d.txt e.txt g.txt one.txt",
        ]
    );
    let worktree = sandbox.worktree("two");
    assert_eq!(
        sandbox.read(worktree.join(".wt/last/test.log")),
        "FAIL: one and two\n"
    );
    let verdict = sandbox.read(worktree.join(".wt/last/verdict.txt"));
    assert!(verdict.contains("attempt=0/2\n"), "{verdict}");
    assert_eq!(sandbox.task_state("two"), "working");
}

#[test]
fn the_culprit_of_a_failed_set_up_is_found() {
    let contract = format!("{CONTRACT}[worktree]\nsetup = ['sh set-up.sh']\n");
    let set_up =
        "if [ -f one.txt ] && [ -f two.txt ]; then echo 'error: one and two'; exit 7; fi\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "true\n"),
        ("set-up.sh", set_up),
    ]);
    train(&sandbox, &["one", "b", "two"]);
    sandbox
        .wt(&["merge", "--all"])
        .expect(1)
        .prints("BUILD_FAILURE step=set-up exit=7")
        .prints("a failing pair: red together with one");
    assert_eq!(sandbox.task_state("two"), "working");
    assert_eq!(
        sandbox.read(sandbox.worktree("two").join(".wt/last/set-up.log")),
        "error: one and two\n"
    );
}

#[test]
fn a_step_that_needs_those_before_it_is_run_behind_them() {
    let step = |name: &str, run: &str| {
        format!("[[gate]]\nname = \"{name}\"\nkind = \"test\"\nrun = \"{run}\"\n")
    };
    let gate = step("build", "cat *.txt > out || true") + &step("test", "cat out && sh test.sh");
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!("[judge]\nwritable = [\"~/notes/\"]\n{gate}"),
        ),
        ("test.sh", TEST),
        (".gitignore", "out\n"),
    ]);
    train(&sandbox, &["one", "b", "two", "d"]);
    sandbox
        .wt(&["merge", "--all"])
        .expect(1)
        .prints("first failure: FAIL: one and two")
        .prints("a failing pair: red together with one");
    assert_eq!(sandbox.task_state("two"), "working");
}
