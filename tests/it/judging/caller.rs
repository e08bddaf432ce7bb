//! Judging survives its caller, is followed by whoever asks, and is stopped by Ctrl-C alone.

use rustix::process::{Pid, Signal, kill_process};

use super::{counting, hold, release, remove, runs, wait_for_run};
use crate::sandbox::{CONTRACT, Sandbox, skipped, wait_until};

/// The pid of the judge of a run.
pub(super) fn judge_of(sandbox: &Sandbox, task: &str, run: u32) -> Pid {
    let file = sandbox
        .state()
        .join(format!("tasks/{task}/runs/{run}/judge.json"));
    let identity: serde_json::Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    let pid = identity["pid"].as_i64().expect("a pid");
    Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid")
}

/// Whether this process was started with a signal ignored.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status");
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .expect("a mask");
    let mask = u64::from_str_radix(mask.trim(), 16).expect("a number");
    mask >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn the_judge_finishes_what_a_killed_caller_began() {
    for signal in [Signal::TERM, Signal::HUP, Signal::KILL] {
        if is_ignored(signal) {
            // As under nohup: what is started here ignores it, too.
            skipped(&format!(
                "{signal:?} is ignored where these tests were started"
            ));
            continue;
        }
        let sandbox = counting();
        let worktree = sandbox.spawn("auth");
        sandbox.write(worktree.join("good"), "");
        hold(&sandbox);
        let caller = sandbox.start(&["validate", "auth"]);
        wait_for_run(&sandbox, 1);
        caller.signal(signal);
        assert_eq!(caller.finish(&sandbox).code, None);
        assert_eq!(sandbox.show("auth")["judging"], true);

        // Nobody follows it to its end, yet its verdict lies where the agent looks.
        let verdict = worktree.join(".wt/last/verdict.txt");
        assert!(!verdict.exists());
        release(&sandbox);
        wait_until("the verdict", || sandbox.task_state("auth") == "validated");
        assert!(sandbox.read(verdict).starts_with("VALIDATION_OK steps=1 "));
        sandbox
            .wt(&["validate", "auth"])
            .expect(0)
            .prints("VALIDATION_OK steps=0");
        assert_eq!(runs(&sandbox), 1);
        assert_eq!(
            sandbox.events("auth"),
            ["spawned", "judging", "validated", "known"]
        );
    }
}

#[test]
fn a_judge_is_attached_to_and_its_verdict_is_the_snapshots() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "as asked\n");
    hold(&sandbox);
    let first = sandbox.start(&["validate", "auth"]);
    wait_for_run(&sandbox, 1);
    let mut second = sandbox.start(&["validate", "auth"]);
    second.hear("a judge is at work on this already; following it");

    // Work goes on; this state is not the one that is being judged.
    remove(worktree.join("broken"));
    sandbox.write(worktree.join("mended"), "");
    let busy = sandbox.wt(&["validate", "auth"]);
    busy.expect(6)
        .says("a judge is at work on an earlier state");
    sandbox.wt(&["merge", "auth"]).expect(6);
    release(&sandbox);

    let (first, second) = (first.finish(&sandbox), second.finish(&sandbox));
    first.expect(1).prints("FAIL: broken as asked");
    second.expect(1);
    assert_eq!(first.out, second.out);
    assert_eq!(runs(&sandbox), 1);
    assert_eq!(sandbox.show("auth")["attempts"], 1);
    sandbox
        .wt(&["validate", "auth", "--cause", "left over"])
        .expect(0);
}

#[test]
fn ctrl_c_stops_the_whole_tree_and_counts_nothing() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        (
            "test.sh",
            "setsid sleep 1000 &\n(trap '' TERM INT HUP; while :; do sleep 1000; done) &\necho run >> \"$HOME/notes/runs\"\nsleep 1000\n",
        ),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("change"), "");
    let caller = sandbox.start(&["validate", "auth", "--json"]);
    wait_for_run(&sandbox, 1);
    wait_until("the step's children", || sandbox.processes().len() >= 4);
    caller.signal(Signal::INT);
    let ran = caller.finish(&sandbox);
    ran.expect(130);
    assert_eq!(ran.json()["verdict"], "INTERRUPTED");
    assert_eq!(sandbox.processes(), []);
    let shown = sandbox.show("auth");
    assert_eq!(
        (&shown["state"], &shown["attempts"], &shown["judging"]),
        (&"working".into(), &0.into(), &false.into())
    );
    assert_eq!(
        sandbox.events("auth"),
        ["spawned", "judging", "interrupted"]
    );

    // The same tree may be judged at once, without a cause.
    let caller = sandbox.start(&["validate", "auth"]);
    wait_for_run(&sandbox, 2);
    caller.signal(Signal::INT);
    caller.finish(&sandbox).expect(130).prints("INTERRUPTED");
}

#[test]
fn a_killed_judge_is_settled_by_the_next_command_and_leaves_no_process() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "");
    hold(&sandbox);
    let caller = sandbox.start(&["validate", "auth"]);
    wait_for_run(&sandbox, 1);
    // Neither follower nor judge can settle it.
    caller.signal(Signal::KILL);
    caller.finish(&sandbox);
    kill_process(judge_of(&sandbox, "auth", 1), Signal::KILL).expect("killed");
    let orphan = sandbox.processes();
    assert!(!orphan.is_empty(), "the step goes on for now");

    let next = sandbox.start(&["validate", "auth"]);
    wait_for_run(&sandbox, 2);
    let alive: Vec<_> = sandbox
        .processes()
        .into_iter()
        .filter(|p| orphan.contains(p))
        .collect();
    assert_eq!(alive, [], "what the dead judge ran must not share the slot");
    release(&sandbox);
    let next = next.finish(&sandbox);
    next.expect(0)
        .says("died before its verdict; nothing was counted");
    assert_eq!(sandbox.show("auth")["attempts"], 0);
    assert_eq!(
        sandbox.events("auth"),
        ["spawned", "judging", "lost", "judging", "validated"]
    );
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_follower_says_so_when_its_judge_is_killed() {
    let sandbox = counting();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("good"), "");
    hold(&sandbox);
    let caller = sandbox.start(&["validate", "auth"]);
    wait_for_run(&sandbox, 1);
    kill_process(judge_of(&sandbox, "auth", 1), Signal::KILL).expect("killed");
    caller
        .finish(&sandbox)
        .expect(70)
        .says("nothing was counted");
    assert_eq!(sandbox.processes(), []);
    release(&sandbox);
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn two_slots_judge_side_by_side_and_one_makes_the_second_wait() {
    for (slots, begun) in [(2, 2), (1, 1)] {
        let sandbox = counting();
        super::on_main(
            &sandbox,
            "wt.toml",
            &CONTRACT.replace("[judge]", &format!("[judge]\nslots = {slots}")),
        );
        hold(&sandbox);
        let tasks = ["a", "b"];
        for task in tasks {
            let worktree = sandbox.spawn(task);
            sandbox.write(worktree.join(task), "");
        }
        let callers = tasks.map(|task| sandbox.start(&["validate", task]));
        wait_for_run(&sandbox, begun);
        wait_until("both judges", || {
            tasks.iter().all(|t| sandbox.show(t)["judging"] == true)
        });
        let phase = |task: &str| {
            let text = sandbox.read(
                sandbox
                    .state()
                    .join(format!("tasks/{task}/runs/1/progress.json")),
            );
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["phase"].to_string()
        };
        let mut phases = tasks.map(phase);
        phases.sort();
        if slots == 1 {
            assert_eq!(phases, ["\"waiting\"", "{\"running\":\"test\"}"]);
        } else {
            assert_eq!(phases, ["{\"running\":\"test\"}", "{\"running\":\"test\"}"]);
        }
        release(&sandbox);
        for caller in callers {
            caller.finish(&sandbox).expect(0);
        }
        assert_eq!(runs(&sandbox), 2);
    }
}
