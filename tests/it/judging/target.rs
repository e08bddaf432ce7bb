//! Whose failure a failure is: the task's, or that of a target that is red itself.

use rustix::process::{Signal, kill_process};

use super::caller::judge_of;
use super::{hold, on_main, release};
use crate::sandbox::{CONTRACT, Sandbox, Started, wait_until};

/// Says where it runs, fails wherever there is a file `src/red` or `src/broken`, and is held on the target alone.
const WATCHED: &str = r#"
if [ "$(git rev-parse HEAD)" = "$WT_BASE" ]; then
  echo "target $WT_TASK $(cat "$WT_CHANGED")" >> "$HOME/notes/where"
  while [ -e "$HOME/notes/hold" ]; do sleep 0.01; done
else
  echo "candidate $WT_TASK" >> "$HOME/notes/where"
fi
if [ -f src/slow ]; then sleep 1.2; fi
if [ -e "$HOME/notes/moody" ]; then echo 'FAIL: moody'; exit 1; fi
if [ -f src/broken ]; then echo 'FAIL: broken'; exit 1; fi
if [ -f src/red ]; then echo "FAIL: red $(cat src/red)"; exit 1; fi
"#;

fn watched() -> Sandbox {
    let contract = CONTRACT.replace("kind = \"test\"", "kind = \"test\"\nwhen = [\"src/**\"]");
    let contract =
        format!("{contract}\n[[gate]]\nname = \"docs\"\nkind = \"check\"\nrun = \"true\"\n");
    Sandbox::with(&[("wt.toml", &contract), ("test.sh", WATCHED)])
}

/// Where steps ran since this was asked last.
fn ran(sandbox: &Sandbox) -> String {
    let file = sandbox.notes().join("where");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(file);
    text.replace('\n', ";")
}

fn attempts(sandbox: &Sandbox, task: &str) -> (String, u64) {
    let shown = sandbox.show(task);
    let state = shown["state"].as_str().expect("a state").to_owned();
    (state, shown["attempts"].as_u64().expect("a number"))
}

/// A validate of a failing candidate that waits while its step runs on the target.
fn waiting_on_target(sandbox: &Sandbox, args: &[&str]) -> Started {
    hold(sandbox);
    let started = sandbox.start(args);
    let file = sandbox.notes().join("where");
    wait_until("a run on the target", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("target"))
    });
    started
}

#[test]
fn a_red_target_is_named_and_blocks_nobody_else() {
    let sandbox = watched();
    on_main(&sandbox, "src/red", "by hand\n");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/a"), "");
    let verdict = sandbox.wt(&["validate", "auth"]);
    verdict.expect(1);
    let main = sandbox.git(&["rev-parse", "--short=12", "main"]);
    let log = |text: &str| -> String {
        let line = text.lines().find(|line| line.starts_with("log of"));
        let path = line
            .and_then(|line| line.rsplit(' ').next())
            .expect("a log");
        path.replace("<root>", sandbox.root().to_str().expect("text"))
    };
    let there = log(&verdict.out);
    assert_eq!(sandbox.read(&there), "FAIL: red by hand\n");
    let text = verdict.steady().replace(&main, "<main>");
    let text = text.replace(there.rsplit('/').next().expect("a name"), "<log>");
    insta::assert_snapshot!(text, @r"
    TARGET_RED step=test target=<main> exit=1 0.0s attempt=0/2
    first failure: FAIL: red by hand
      FAIL: red by hand
    full log: <root>/repo.wt/auth/.wt/last/test.log (1 lines)
    log of the target's own run: <root>/repo/.git/wt/outcomes/<log>
    next: not this task's failure: main is red at <main>, step test; nothing was counted; once main is mended: wt validate (wt validate --fresh looks at main anew)
    ");
    assert_eq!(ran(&sandbox), "candidate auth;target auth src/a;");
    assert_eq!(attempts(&sandbox, "auth"), ("working".to_owned(), 0));
    assert_eq!(sandbox.events("auth"), ["spawned", "judging", "target-red"]);

    // The same again is answered without a run; another candidate is not held against the target anew.
    let again = sandbox.wt(&["validate", "auth"]);
    again.expect(1).says("no step was run, nothing was counted");
    assert_eq!((again.out, ran(&sandbox)), (verdict.out, String::new()));
    let other = sandbox.spawn("other");
    sandbox.write(other.join("src/b"), "");
    let value = sandbox.wt(&["validate", "other", "--json"]);
    value.expect(1);
    let value = value.json();
    assert_eq!(
        (&value["verdict"], &value["step"], &value["attempts"]),
        (&"TARGET_RED".into(), &"test".into(), &0.into())
    );
    assert_eq!(value["target"], sandbox.git(&["rev-parse", "main"]));
    assert_eq!(value["first_failure"]["title"], "FAIL: red by hand");
    assert!(value["target_log"].is_string(), "{value:#}");
    assert_eq!(ran(&sandbox), "candidate other;");

    // Who does not run that step is not concerned; who mends it is judged like anyone.
    sandbox.validated("docs", "docs/x", "");
    sandbox.wt(&["merge", "docs"]).expect(0);
    let mend = sandbox.spawn("mend");
    std::fs::remove_file(mend.join("src/red")).expect("removed");
    sandbox.commit(&mend, "mended");
    sandbox.wt(&["validate", "mend"]).expect(0);
    sandbox.wt(&["merge", "mend"]).expect(0);
    ran(&sandbox);
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(ran(&sandbox), "candidate auth;");

    // What landed is known to be green: a failure is the task's own, and nothing runs on the target.
    sandbox.write(worktree.join("src/broken"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TEST_FAILURE step=test exit=1")
        .prints("attempt=1/2");
    assert_eq!(ran(&sandbox), "candidate auth;");
    assert_eq!(attempts(&sandbox, "auth"), ("failed".to_owned(), 1));
}

#[test]
fn a_landing_on_a_red_target_costs_nothing_and_is_not_judged_twice() {
    let sandbox = watched();
    sandbox.validated("auth", "src/a", "");
    on_main(&sandbox, "src/red", "by hand\n");
    let main = sandbox.git(&["rev-parse", "main"]);
    ran(&sandbox);
    let refused = sandbox.wt(&["merge", "auth"]);
    refused
        .expect(1)
        .prints("TARGET_RED step=test")
        .prints("once main is mended: wt merge auth");
    assert_eq!(ran(&sandbox), "candidate auth;target auth src/a;");
    assert_eq!(attempts(&sandbox, "auth"), ("validated".to_owned(), 0));
    let again = sandbox.wt(&["merge", "auth", "--json"]);
    again.expect(1).says("no step was run");
    assert_eq!(again.json()["report"]["verdict"], "TARGET_RED");
    assert_eq!(ran(&sandbox), "");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);

    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    sandbox.wt(&["merge", "auth"]).expect(0);
}

#[test]
fn a_step_that_needs_those_before_it_is_not_held_against_the_target() {
    let step = |name: &str, run: &str| {
        format!("[[gate]]\nname = \"{name}\"\nkind = \"test\"\nrun = \"{run}\"\n")
    };
    let gate = step("build", "echo built > out; [ ! -f no-build ]")
        + &step("test", "cat out && [ ! -f broken ]");
    let sandbox = Sandbox::with(&[("wt.toml", &gate), (".gitignore", "out\n")]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TEST_FAILURE step=test exit=1")
        .prints("attempt=1/2");
    // What can't be reached there is not known, and said.
    on_main(&sandbox, "no-build", "");
    let other = sandbox.spawn("other");
    std::fs::remove_file(other.join("no-build")).expect("removed");
    sandbox.write(other.join("broken"), "");
    sandbox
        .wt(&["validate", "other"])
        .expect(1)
        .prints("TEST_FAILURE step=test exit=1")
        .prints("whether main is red there, too, is not known: build fails there\n");
}

#[test]
fn once_a_step_has_failed_the_attempt_counts_though_the_target_was_not_looked_at() {
    let sandbox = watched();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/broken"), "1");
    // What lasts less than a second is not told.
    sandbox.write(worktree.join("src/slow"), "");
    let mut caller = waiting_on_target(&sandbox, &["validate", "auth"]);
    caller.hear("auth: running test on main itself");
    caller.signal(Signal::INT);
    let ended = caller.finish(&sandbox);
    ended
        .expect(1)
        .prints("TEST_FAILURE step=test exit=1")
        .prints("attempt=1/2")
        .prints("is not known: it was interrupted while the step ran there");
    release(&sandbox);
    ran(&sandbox);

    let other = sandbox.spawn("other");
    sandbox.write(other.join("src/broken"), "2");
    let caller = waiting_on_target(&sandbox, &["validate", "other"]);
    kill_process(judge_of(&sandbox, "other", 1), Signal::KILL).expect("killed");
    let ended = caller.finish(&sandbox);
    ended
        .expect(1)
        .prints("attempt=1/2")
        .prints("is not known: the judge died before");
    release(&sandbox);
    assert_eq!(attempts(&sandbox, "other"), ("failed".to_owned(), 1));
    ran(&sandbox);

    // A landing counts nothing anyway: it is as if it had not been begun.
    sandbox.validated("land", "src/a", "");
    on_main(&sandbox, "src/red", "");
    let caller = waiting_on_target(&sandbox, &["merge", "land"]);
    caller.signal(Signal::INT);
    caller.finish(&sandbox).expect(130);
    release(&sandbox);
    assert_eq!(attempts(&sandbox, "land"), ("validated".to_owned(), 0));
}

#[test]
fn a_target_that_was_red_by_the_machine_is_looked_at_anew() {
    let sandbox = watched();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/a"), "");
    sandbox.write(sandbox.notes().join("moody"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TARGET_RED")
        .prints("first failure: FAIL: moody");
    std::fs::remove_file(sandbox.notes().join("moody")).expect("removed");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("TARGET_RED");
    ran(&sandbox);
    // Broken meanwhile: the target is asked again, and is green.
    sandbox.write(worktree.join("src/broken"), "");
    sandbox
        .wt(&["validate", "auth", "--fresh"])
        .expect(1)
        .prints("TEST_FAILURE")
        .prints("attempt=1/2");
    assert_eq!(
        ran(&sandbox),
        "candidate auth;target auth src/a\nsrc/broken;".replace('\n', ";")
    );
}
