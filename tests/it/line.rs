//! Lines: landings on one target and judges without a slot are served in the order in which they came.

use std::fs;

use rustix::process::Signal;

use crate::sandbox::{CONTRACT, Sandbox, Started, wait_until};

/// Holds every run of the gate while `notes/hold` is there, and notes when each begins and ends.
const HELD: &str = r#"
echo "begin $WT_TASK" >> "$HOME/notes/runs"
while [ -e "$HOME/notes/hold" ]; do sleep 0.01; done
echo "end $WT_TASK" >> "$HOME/notes/runs"
"#;

fn held(slots: usize) -> Sandbox {
    let contract = CONTRACT.replace("[judge]\n", &format!("[judge]\nslots = {slots}\n"));
    Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", HELD),
        ("README.md", "a project\n"),
    ])
}

fn hold(sandbox: &Sandbox) {
    sandbox.write(sandbox.notes().join("hold"), "");
}

fn release(sandbox: &Sandbox) {
    fs::remove_file(sandbox.notes().join("hold")).expect("released");
}

/// What the gate's runs noted, a word and a task each.
fn notes(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.notes().join("runs")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn begun(sandbox: &Sandbox) -> usize {
    let notes = notes(sandbox);
    notes.iter().filter(|n| n.starts_with("begin")).count()
}

/// How many tickets a line holds.
fn tickets(sandbox: &Sandbox, line: &str) -> usize {
    let entries = fs::read_dir(sandbox.state().join(line));
    let names = entries.into_iter().flatten().flatten();
    names
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "json"))
        .count()
}

/// Tasks of these names, validated, and a target that has moved since: each landing must be judged.
fn ready(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        sandbox.validated(name, &format!("{name}.txt"), "");
    }
    sandbox.write("moved", "");
    sandbox.commit(&sandbox.repo(), "moved");
    fs::remove_file(sandbox.notes().join("runs")).expect("forgotten");
}

/// Begins the landing of each, one after the other: each stands in the line before the next one comes.
fn line_up(sandbox: &Sandbox, names: &[&str]) -> Vec<Started> {
    let start = |name: &&str| {
        let before = tickets(sandbox, "landing/main");
        let started = sandbox.start(&["merge", name]);
        wait_until("it stands in the line", || {
            tickets(sandbox, "landing/main") > before
        });
        started
    };
    names.iter().map(start).collect()
}

/// The tasks that landed on main, in order.
fn landed(sandbox: &Sandbox) -> Vec<String> {
    let format = "--format=%(trailers:key=Wt-Task,valueonly)";
    let log = sandbox.git(&["log", "--first-parent", "--reverse", format, "main"]);
    let names = log.lines().filter(|line| !line.is_empty());
    names.map(str::to_owned).collect()
}

#[test]
fn landings_are_served_in_the_order_in_which_they_came() {
    let sandbox = held(1);
    let names = ["f", "b", "e", "a", "d", "c"];
    ready(&sandbox, &names);
    hold(&sandbox);
    let mut merges = line_up(&sandbox, &names);
    merges[1].hear("waiting for the landing of `f` on main (pid ");
    merges[5].hear(", 5 ahead of this");
    release(&sandbox);
    for merge in merges {
        merge.finish(&sandbox).expect(0);
    }
    assert_eq!(landed(&sandbox), names);
    assert_eq!(tickets(&sandbox, "landing/main"), 0);
}

#[test]
fn who_is_killed_or_goes_away_in_the_line_holds_up_nobody() {
    let sandbox = held(1);
    let names = ["a", "b", "c", "d"];
    ready(&sandbox, &names);
    hold(&sandbox);
    let mut merges = line_up(&sandbox, &names);
    let mut last = merges.pop().expect("d");
    last.hear("waiting for the landing of `a` on main (pid ");
    let (gone, killed) = (merges.pop().expect("c"), merges.pop().expect("b"));
    gone.signal(Signal::INT);
    let gone = gone.finish(&sandbox);
    gone.expect(130)
        .says("interrupted before task `c` landed; the target was not moved");
    assert_eq!(tickets(&sandbox, "landing/main"), 3);
    killed.signal(Signal::KILL);
    killed.finish(&sandbox);
    // The one at the head is killed in the middle, too: its judge goes on, and what it began is taken up again.
    let first = merges.pop().expect("a");
    first.signal(Signal::KILL);
    first.finish(&sandbox);
    release(&sandbox);
    last.finish(&sandbox).expect(0);
    assert_eq!(tickets(&sandbox, "landing/main"), 0);
    wait_until("its judge has ended", || {
        sandbox.show("a")["judging"] == false
    });
    for name in ["b", "c", "a"] {
        sandbox.wt(&["merge", name]).expect(0);
    }
    assert_eq!(landed(&sandbox), ["d", "b", "c", "a"]);
}

#[test]
fn no_wait_answers_at_once_whom_it_would_wait_for() {
    let sandbox = held(1);
    ready(&sandbox, &["a", "b"]);
    sandbox
        .wt(&["spawn", "other", "--target", "main"])
        .expect(0);
    hold(&sandbox);
    let first = line_up(&sandbox, &["a"]).pop().expect("a");
    wait_until("it is judged", || begun(&sandbox) == 1);
    let before = sandbox.picture();
    let busy = sandbox.wt_in_time(&["merge", "b", "--no-wait"]);
    busy.expect(6)
        .says("busy: the landing of `a` on main (pid ")
        .says("hint: without --no-wait this waits for its turn");
    sandbox.assert_as(&before);
    assert_eq!(tickets(&sandbox, "landing/main"), 1);
    release(&sandbox);
    first.finish(&sandbox).expect(0);
    sandbox.wt(&["merge", "b", "--no-wait"]).expect(0);
    assert_eq!(landed(&sandbox), ["a", "b"]);
}

#[test]
fn no_wait_waits_for_no_slot_and_no_judge_that_a_killed_landing_left() {
    let sandbox = held(1);
    ready(&sandbox, &["a", "b"]);
    hold(&sandbox);
    let killed = line_up(&sandbox, &["a"]).pop().expect("a");
    wait_until("it is judged", || begun(&sandbox) == 1);
    killed.signal(Signal::KILL);
    killed.finish(&sandbox);
    let before = sandbox.picture();
    sandbox
        .wt_in_time(&["merge", "b", "--no-wait"])
        .expect(6)
        .says("busy: every slot is taken");
    for tasks in [&["a"][..], &["a", "b"]] {
        sandbox
            .wt_in_time(&[&["merge", "--no-wait"], tasks].concat())
            .expect(6)
            .says("a landing of task `a` is being judged");
    }
    sandbox.assert_as(&before);
    release(&sandbox);
    sandbox.wt(&["merge", "a", "b"]).expect(0);
}

#[test]
fn landings_on_different_targets_do_not_wait_for_each_other() {
    let sandbox = held(2);
    sandbox.git(&["branch", "release/1"]);
    sandbox.validated("a", "a.txt", "");
    let args = ["spawn", "b", "--base", "release/1", "--target", "release/1"];
    sandbox.wt(&args).expect(0);
    let worktree = sandbox.worktree("b");
    sandbox.write(worktree.join("b.txt"), "");
    sandbox.commit(&worktree, "b");
    sandbox.wt(&["validate", "b"]).expect(0);
    sandbox.write("moved", "");
    sandbox.commit(&sandbox.repo(), "moved");
    hold(&sandbox);
    let first = line_up(&sandbox, &["a"]).pop().expect("a");
    // Its tree has a receipt: nothing holds it up.
    sandbox.wt_in_time(&["merge", "b", "--no-wait"]).expect(0);
    release(&sandbox);
    first.finish(&sandbox).expect(0);
}

/// Whether ever two runs of the gate were at work at once.
fn overlapped(sandbox: &Sandbox) -> bool {
    let mut at_work = 0;
    notes(sandbox).iter().any(|note| {
        at_work += if note.starts_with("begin") { 1 } else { -1 };
        at_work > 1
    })
}

fn changed(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        let worktree = sandbox.spawn(name);
        sandbox.write(worktree.join(format!("{name}.txt")), "");
    }
}

#[test]
fn with_one_slot_judgings_come_one_by_one_in_the_order_in_which_they_were_asked_for() {
    let sandbox = held(1);
    let names = ["e", "b", "d", "a", "c"];
    changed(&sandbox, &names);
    hold(&sandbox);
    let mut judgings = vec![sandbox.start(&["validate", names[0]])];
    wait_until("the first is judged", || begun(&sandbox) == 1);
    for name in &names[1..] {
        let before = tickets(&sandbox, "slots/line");
        judgings.push(sandbox.start(&["validate", name]));
        wait_until("it waits", || tickets(&sandbox, "slots/line") > before);
    }
    judgings[3].hear("a: waiting for a free slot: e (pid ");
    judgings[3].hear(") is judged, 2 ahead of this in the line");
    sandbox
        .wt(&["list"])
        .prints("e     working, judging  ")
        .prints("c     working, waiting for a slot  ");
    let waits = &sandbox.show("c")["judge"]["waits_for_slot"];
    assert_eq!(
        (waits, &sandbox.show("e")["judge"]["waits_for_slot"]),
        (&true.into(), &false.into())
    );
    sandbox
        .wt(&["show", "c"])
        .prints("working, a judge waits for a free slot\n");
    release(&sandbox);
    for judging in judgings {
        judging.finish(&sandbox).expect(0);
    }
    assert!(!overlapped(&sandbox), "{:?}", notes(&sandbox));
    let began: Vec<String> = notes(&sandbox)
        .iter()
        .filter_map(|note| note.strip_prefix("begin ").map(str::to_owned))
        .collect();
    assert_eq!(began, names);
    assert_eq!(tickets(&sandbox, "slots/line"), 0);
}

#[test]
fn with_two_slots_judgings_are_at_work_side_by_side_and_fewer_slots_strand_none() {
    let sandbox = held(2);
    let names = ["a", "b", "c", "d"];
    changed(&sandbox, &names);
    hold(&sandbox);
    let mut judgings = vec![sandbox.start(&["validate", "a"])];
    judgings.push(sandbox.start(&["validate", "b"]));
    wait_until("both are judged", || begun(&sandbox) == 2);
    judgings.push(sandbox.start(&["validate", "c"]));
    wait_until("it waits", || tickets(&sandbox, "slots/line") == 1);
    // From now on there is one slot; who judges in the other one, or waits for either, gets through.
    let contract = sandbox.read("wt.toml").replace("slots = 2", "slots = 1");
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "one slot");
    judgings.push(sandbox.start(&["validate", "d"]));
    wait_until("they wait", || tickets(&sandbox, "slots/line") == 2);
    release(&sandbox);
    for judging in judgings {
        judging.finish(&sandbox).expect(0).prints("VALIDATION_OK");
    }
    assert!(overlapped(&sandbox), "{:?}", notes(&sandbox));
    assert_eq!(tickets(&sandbox, "slots/line"), 0);
}

#[test]
fn a_judge_that_is_stopped_or_killed_while_it_waits_leaves_the_line() {
    let sandbox = held(1);
    changed(&sandbox, &["a", "b", "c", "d"]);
    hold(&sandbox);
    let first = sandbox.start(&["validate", "a"]);
    wait_until("the first is judged", || begun(&sandbox) == 1);
    let mut waiting = Vec::new();
    for (position, name) in ["b", "c", "d"].iter().enumerate() {
        waiting.push(sandbox.start(&["validate", name]));
        wait_until("it waits", || {
            tickets(&sandbox, "slots/line") == position + 1
        });
    }
    let last = waiting.pop().expect("d");
    let (killed, stopped) = (waiting.pop().expect("c"), waiting.pop().expect("b"));
    stopped.signal(Signal::INT);
    stopped.finish(&sandbox).expect(130);
    wait_until("it left", || tickets(&sandbox, "slots/line") == 2);
    let judge = sandbox.state().join("tasks/c/runs/1/judge.json");
    let judge: serde_json::Value = serde_json::from_str(&sandbox.read(judge)).expect("JSON");
    let pid = i32::try_from(judge["pid"].as_i64().expect("a pid")).expect("a pid");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, Signal::KILL).expect("killed");
    killed.finish(&sandbox).expect(70);
    release(&sandbox);
    first.finish(&sandbox).expect(0);
    last.finish(&sandbox).expect(0);
    assert_eq!(tickets(&sandbox, "slots/line"), 0);
    sandbox.wt(&["validate", "c"]).expect(0);
}

#[test]
fn a_list_names_targets_where_they_differ_and_the_last_twenty_that_have_gone() {
    let sandbox = Sandbox::new();
    for number in 0..21 {
        let name = format!("t{number}");
        sandbox.spawn(&name);
        sandbox.wt(&["rm", &name]).expect(0);
    }
    sandbox.spawn("a");
    let listed = sandbox.wt(&["list", "--all"]);
    listed
        .expect(0)
        .says("1 past task older not shown; all: wt list --all --json");
    assert!(!listed.out.contains("t0 "), "{}", listed.out);
    assert_eq!(listed.out.matches("removed").count(), 20, "{}", listed.out);
    let all = sandbox.wt(&["list", "--all", "--json"]).json();
    assert_eq!(all["past"].as_array().expect("a list").len(), 21);
    assert!(!sandbox.wt(&["list"]).out.contains("TARGET"));
    sandbox.git(&["branch", "other"]);
    sandbox.wt(&["spawn", "b", "--target", "other"]).expect(0);
    sandbox
        .wt(&["list"])
        .prints("TASK  STATE    TARGET  ATTEMPTS")
        .prints("\na     working  main    0/2")
        .prints("\nb     working  other   0/2");
}

#[test]
fn list_all_shows_the_slots_and_who_judges_in_them() {
    let sandbox = held(2);
    changed(&sandbox, &["a"]);
    let none = sandbox.wt(&["list", "--all", "--json"]).json();
    assert_eq!(none["slots"], serde_json::json!([]));
    hold(&sandbox);
    let judging = sandbox.start(&["validate", "a"]);
    wait_until("it is judged", || begun(&sandbox) == 1);
    let listed = sandbox.wt(&["list", "--all", "--json"]).json();
    let slot = &listed["slots"][0];
    assert_eq!((&slot["slot"], &slot["judging"]), (&0.into(), &"a".into()));
    let words = format!("a (pid {})", slot["pid"]);
    sandbox.wt(&["list", "--all"]).expect(0).prints(&words);
    release(&sandbox);
    judging.finish(&sandbox).expect(0);
    // What a judging left there is counted once.
    let left = sandbox.worktree("_judge").join("0/left");
    sandbox.write(&left, &"x".repeat(3_000_000));
    let listed = sandbox.wt(&["list", "--all", "--json"]).json();
    let slots = listed["slots"].as_array().expect("slots");
    assert_eq!(slots.len(), 1, "only what there is: {listed}");
    let bytes = slots[0]["bytes"].as_u64().expect("bytes");
    assert!((3_000_000..9_000_000).contains(&bytes), "{bytes}");
    assert_eq!(slots[0]["judging"], serde_json::Value::Null);
    assert_eq!(slots[0]["at_least"], false);
    let text = sandbox.wt(&["list", "--all"]);
    text.expect(0)
        .prints("\nSLOT  SIZE")
        .prints("0     about 3 MB");
    assert!(!sandbox.wt(&["list"]).out.contains("SLOT"));
}
