//! Ports that are a task's own: reserved where nobody else has them, told to what serves there, free again afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// Each test looks from another port on, since they run side by side.
fn sandbox(from: u16, set_up: &str, gate: &str) -> Sandbox {
    let contract = format!(
        "{CONTRACT}\n[worktree]\nsetup = ['{set_up}']\n\n[ports]\ncount = 2\nfrom = {from}\n"
    );
    Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", gate),
        (".gitignore", "told\nbegun\n"),
    ])
}

fn ports(sandbox: &Sandbox, task: &str) -> Vec<u16> {
    serde_json::from_value(sandbox.show(task)["ports"].clone()).expect("ports")
}

/// Writes what is stored of a task's ports.
fn store(sandbox: &Sandbox, task: &str, ports: &[u16]) {
    let file = sandbox.state().join(format!("tasks/{task}/task.json"));
    let mut record: Value = serde_json::from_str(&sandbox.read(&file)).expect("JSON");
    record["ports"] = json!(ports);
    fs::write(&file, record.to_string()).expect("written");
}

#[test]
fn set_up_run_and_gate_are_told_and_a_server_at_work_is_in_nobodys_way() {
    let told = "echo $WT_NAME $WT_PORT_0 $WT_PORT_1 $WT_PORT_2";
    let gate = format!("{told} > ~/notes/gate; echo passed\n");
    let sandbox = sandbox(10_100, &format!("{told} > told"), &gate);
    let (one, two) = (sandbox.spawn("one"), sandbox.spawn("Two.b"));
    let [a, b] = ["one", "Two.b"].map(|task| ports(&sandbox, task));
    assert_eq!((a[0], a.len(), b.len()), (10_100, 2, 2));
    assert!(a.iter().all(|port| !b.contains(port)), "{a:?} {b:?}");
    let line = format!("repo-one {} {}\n", a[0], a[1]);
    assert_eq!(sandbox.read(one.join("told")), line);
    let other = sandbox.read(two.join("told"));
    assert!(other.starts_with("repo-two-b-"), "{other}");

    let ran = sandbox.wt(&["run", "one", "--", "sh", "-c", told]);
    ran.expect(0).prints(&line);
    let shown = sandbox.wt(&["show", "one"]);
    shown.prints(&format!("ports     {}, {}\n", a[0], a[1]));

    // The gate has ports of its own, so that what an agent serves meanwhile goes on.
    let serving: Vec<TcpListener> = a
        .iter()
        .map(|port| TcpListener::bind(("127.0.0.1", *port)).expect("free"))
        .collect();
    sandbox.write(one.join("work"), "");
    sandbox.wt(&["validate", "one"]).expect(0);
    drop(serving);
    let gate = sandbox.read(sandbox.notes().join("gate"));
    let words: Vec<&str> = gate.split_whitespace().collect();
    let [name, first, second] = words[..] else {
        panic!("{gate}");
    };
    assert!(name.starts_with("repo-judge-0-"), "{gate}");
    for port in [first, second].map(|port| port.parse().expect("a port")) {
        assert!(!a.contains(&port) && !b.contains(&port), "{gate}");
    }
    // They stay the slot's, so that what its set-up wrote down still holds.
    let next = sandbox.spawn("next");
    sandbox.write(next.join("more"), "");
    sandbox.wt(&["validate", "next"]).expect(0);
    assert_eq!(sandbox.read(sandbox.notes().join("gate")), gate);
}

#[test]
fn a_caged_command_may_serve_on_its_ports() {
    let sandbox = sandbox(10_300, "true", "echo passed\n");
    sandbox.spawn("one");
    let serve = "exec 2>&1; command -v perl > /dev/null || { echo serves; exit; }
        exec perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(
        LocalAddr => \"127.0.0.1\", LocalPort => $ENV{WT_PORT_1}, Listen => 1) or die $@; print \"serves\\n\"'";
    let ran = sandbox.wt(&["run", "one", "--", "sh", "-c", serve]);
    ran.expect(0).prints("serves\n");
}

#[test]
fn spawns_at_once_never_get_the_same() {
    let sandbox = sandbox(10_500, "true", "echo passed\n");
    let names: Vec<String> = (0..8).map(|number| format!("task-{number}")).collect();
    let started: Vec<_> = names
        .iter()
        .map(|name| sandbox.start(&["spawn", name]))
        .collect();
    for spawn in started {
        spawn.finish(&sandbox).expect(0);
    }
    let all = names.iter().flat_map(|name| ports(&sandbox, name));
    assert_eq!(all.collect::<BTreeSet<u16>>().len(), 16);
}

#[test]
fn a_port_where_somebody_listens_is_passed_over() {
    let sandbox = sandbox(10_700, "true", "echo passed\n");
    let _four = TcpListener::bind(("127.0.0.1", 10_700)).expect("free");
    // A machine may have no IPv6.
    let six = TcpListener::bind(("::1", 10_702));
    sandbox.spawn("one");
    let second = if six.is_ok() { 10_703 } else { 10_702 };
    assert_eq!(ports(&sandbox, "one"), [10_701, second]);
}

#[test]
fn removal_landing_and_an_undone_spawn_release_them() {
    let sandbox = sandbox(
        10_900,
        "test ! -e ~/stop || { touch begun; sleep 9; }",
        "echo passed\n",
    );
    let first = [10_900, 10_901];
    sandbox.spawn("removed");
    assert_eq!(ports(&sandbox, "removed"), first);
    sandbox.wt(&["rm", "removed"]).expect(0);

    sandbox.validated("landed", "work", "");
    let own = ports(&sandbox, "landed");
    assert_eq!(own, first);
    sandbox.wt(&["merge", "landed"]).expect(0);
    sandbox.spawn("next");
    assert_eq!(ports(&sandbox, "next"), first);
    sandbox.wt(&["rm", "next"]).expect(0);

    // What a spawn under way has is not free, before its record is there and after.
    sandbox.write(sandbox.home().join("stop"), "");
    let killed = sandbox.start(&["spawn", "killed"]);
    let begun = sandbox.worktree("killed").join("begun");
    wait_until("its set-up is at work", || begun.exists());
    fs::remove_file(sandbox.home().join("stop")).expect("removed");
    sandbox.spawn("beside");
    assert!(!ports(&sandbox, "beside").contains(&first[0]));
    killed.signal(Signal::KILL);
    killed.finish(&sandbox);
    sandbox.spawn("after");
    assert_eq!(ports(&sandbox, "after"), first);
}

#[test]
fn a_restored_task_has_its_own_again_unless_they_were_given_away() {
    let sandbox = sandbox(11_100, "true", "echo passed\n");
    sandbox.spawn("one");
    let own = ports(&sandbox, "one");
    sandbox.wt(&["rm", "one", "--force"]).expect(0);
    sandbox.wt(&["restore", "one"]).expect(0);
    assert_eq!(ports(&sandbox, "one"), own);

    sandbox.wt(&["rm", "one", "--force"]).expect(0);
    sandbox.spawn("two");
    assert_eq!(ports(&sandbox, "two"), own);
    let restored = sandbox.wt(&["restore", "one"]);
    restored
        .expect(0)
        .says("task `one` has other ports now: 11102, 11103");
    assert_eq!(ports(&sandbox, "one"), [11_102, 11_103]);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_port_that_two_records_hold_is_found_and_mended() {
    let sandbox = sandbox(11_300, "true", "echo passed\n");
    sandbox.spawn("one");
    sandbox.spawn("two");
    store(&sandbox, "two", &[11_300, 11_303]);
    let found = sandbox.wt(&["doctor"]);
    found
        .expect(1)
        .prints("task `one` and task `two` both have port 11300");
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    let [one, two] = ["one", "two"].map(|task| ports(&sandbox, task));
    assert!(
        one.iter().all(|port| !two.contains(port)),
        "{one:?} {two:?}"
    );
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn none_left_is_a_refusal_and_a_number_out_of_range_an_error_of_the_contract() {
    let sandbox = sandbox(65_000, "true", "echo passed\n");
    sandbox.spawn("all");
    store(&sandbox, "all", &(65_000..=65_534).collect::<Vec<u16>>());
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "next"])
        .expect(4)
        .says("2 free ports are wanted, and from 65000 to 65535 there are")
        .says("another `from` under [ports]");
    sandbox.assert_as(&before);

    for (wrong, said) in [
        (
            "count = 51",
            "`count` in [ports] must be from 0 to 50, not 51",
        ),
        (
            "from = 80",
            "`from` in [ports] must be from 1024 to 65000, not 80",
        ),
        ("ports = 2", "unknown key `ports` in [ports]"),
    ] {
        sandbox.write("wt.toml", &format!("{CONTRACT}\n[ports]\n{wrong}\n"));
        sandbox.commit(&sandbox.repo(), "wrong");
        sandbox.wt(&["spawn", "next"]).expect(64).says(said);
    }
}

#[test]
fn by_default_there_are_none_and_without_a_place_they_lie_below_the_ephemeral_ones() {
    let sandbox = Sandbox::new();
    sandbox.spawn("plain");
    assert_eq!(sandbox.show("plain")["ports"], json!([]));
    let contract = format!("{CONTRACT}\n[ports]\ncount = 3\n");
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "ports");
    sandbox.spawn("three");
    let own = ports(&sandbox, "three");
    assert!(
        own.len() == 3 && own.iter().all(|port| (20_000..30_000).contains(port)),
        "{own:?}"
    );
}
