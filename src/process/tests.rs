//! Real processes that behave badly. Each job has a session of its own, so the tests run side by side.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, getpid, getsid};
use signal_hook::consts::{SIGKILL, SIGSEGV, SIGUSR2};

use super::job::Outcome;
use super::table::Entry;
use super::*;

const LONG: Duration = Duration::from_secs(60);
/// Long enough for a shell to set its traps on a busy machine.
const SHORT: Duration = Duration::from_millis(800);
/// Far more than any machine takes, and less than what the processes left behind sleep: who waits for them is caught.
const WAITED: Duration = Duration::from_secs(40);
/// A job goes on when what it started is there.
const UNTIL_UP: &str = "while ! [ -e up ]; do sleep 0.01; done";

fn run_with(command: &str, timeout: Duration, interrupt: &Interrupt) -> (Outcome, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let (work, log) = (dir.path().join("work"), dir.path().join("log"));
    fs::create_dir(&work).unwrap();
    let env = [
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("GIVEN".into(), "yes".into()),
    ];
    let job = Job {
        command,
        dir: &work,
        env: &env,
        log: &log,
        timeout,
        interrupt,
        cage: None,
    };
    let outcome = run(&job).unwrap();
    (outcome, fs::read(log).unwrap())
}

fn run_for(command: &str, timeout: Duration) -> (Outcome, Vec<u8>) {
    run_with(command, timeout, &Interrupt::install(&[]).unwrap())
}

/// Asserts that none of the processes lives whose pids stand in the log.
fn assert_dead(log: &[u8], count: usize) {
    let pids: Vec<u32> = str::from_utf8(log)
        .unwrap()
        .lines()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), count);
    for pid in pids {
        assert_eq!(Identity::of(pid).unwrap(), None, "{pid} survived");
    }
}

#[test]
fn a_job_gets_what_it_is_given_and_its_output_is_kept_as_it_is() {
    let command = r#"echo "$GIVEN ${CARGO-cleared}"; cat; (: </dev/tty) 2>/dev/null || echo alone; printf 'caf\351' >&2; exit 3"#;
    let (outcome, log) = run_for(command, LONG);
    assert_eq!(log, b"yes cleared\nalone\ncaf\xe9");
    assert_eq!(outcome.end, End::Exited(3));
    assert_eq!(
        (outcome.log_lines, outcome.log_bytes, outcome.log_cut),
        (3, 22, false)
    );
    assert!(
        outcome.took < WAITED,
        "it waits for nothing: {:?}",
        outcome.took
    );
}

#[test]
fn a_command_that_begins_with_a_dash_is_no_option_of_the_shell() {
    assert_eq!(run_for("-x; exit 5", LONG).0.end, End::Exited(5));
}

#[test]
fn a_job_ends_with_its_leader_and_takes_its_children_along() {
    let (outcome, log) = run_for("for i in $(seq 50); do sleep 60 & echo $!; done", LONG);
    assert_eq!(outcome.end, End::Exited(0));
    assert!(outcome.took < WAITED, "{:?}", outcome.took);
    assert_dead(&log, 50);
}

#[test]
fn a_group_of_its_own_does_not_save_a_process() {
    let (_, log) = run_for(
        "timeout 60 sh -c 'echo $$; exec sleep 60' & sleep 0.2",
        LONG,
    );
    assert_dead(&log, 1);
}

#[test]
fn the_deadline_asks_first() {
    let command = "timeout 60 sh -c 'trap \"echo bye; exit\" TERM; sleep 60 & wait' & trap 'wait; exit 0' TERM; wait";
    let (outcome, log) = run_for(command, SHORT);
    assert_eq!(outcome.end, End::TimedOut);
    // `timeout` passes on what it is sent, so that the word may be there twice.
    assert!(log.starts_with(b"bye\n"), "{log:?}");
    assert!(outcome.took < WAITED, "{:?}", outcome.took);
}

#[test]
fn the_deadline_then_kills() {
    let (outcome, log) = run_for("trap '' TERM; echo $$; while :; do sleep 1; done", SHORT);
    assert_eq!(outcome.end, End::TimedOut);
    assert!(
        outcome.took >= SHORT + Duration::from_secs(2) && outcome.took < WAITED,
        "{:?}",
        outcome.took
    );
    assert_dead(&log, 1);
}

#[test]
fn a_stopped_job_can_still_be_asked() {
    let (outcome, _) = run_for("kill -STOP $$", SHORT);
    assert_eq!(outcome.end, End::TimedOut);
    assert!(outcome.took < WAITED, "{:?}", outcome.took);
}

#[test]
fn an_interrupt_ends_a_job_within_a_second_and_keeps_the_next_from_starting() {
    let interrupt = Interrupt::install(&[SIGUSR2]).unwrap();
    let raiser = thread::spawn(|| {
        thread::sleep(SHORT);
        signal_hook::low_level::raise(SIGUSR2).unwrap();
    });
    let (outcome, log) = run_with(
        "trap '' TERM; echo $$; while :; do sleep 1; done",
        LONG,
        &interrupt,
    );
    raiser.join().unwrap();
    assert_eq!(outcome.end, End::Interrupted);
    assert!(
        outcome.took >= SHORT + Duration::from_secs(1) && outcome.took < WAITED,
        "{:?}",
        outcome.took
    );
    assert_dead(&log, 1);

    let (next, log) = run_with("echo started", LONG, &interrupt);
    assert_eq!((next.end, log), (End::Interrupted, vec![]));
}

#[test]
fn endless_output_without_a_newline_is_capped() {
    let (outcome, log) = run_for("head -c 70000000 /dev/zero", LONG);
    assert_eq!(outcome.end, End::Exited(0));
    assert_eq!(
        (outcome.log_lines, outcome.log_bytes, outcome.log_cut),
        (1, 70_000_000, true)
    );
    assert!(
        (64 << 20..(64 << 20) + 100).contains(&log.len()),
        "{}",
        log.len()
    );
}

#[test]
fn a_flood_of_output_does_not_hold_up_the_deadline() {
    let (outcome, log) = run_for("trap '' TERM; yes", SHORT);
    assert_eq!(outcome.end, End::TimedOut);
    assert!(outcome.took < WAITED, "{:?}", outcome.took);
    assert!(log.starts_with(b"y\ny\n"));
}

#[test]
fn a_job_may_delete_its_folder_or_close_its_output() {
    assert_eq!(run_for("rm -rf \"$PWD\"; echo gone", LONG).1, b"gone\n");
    let (outcome, _) = run_for("exec >&- 2>&-; sleep 0.3; exit 7", LONG);
    assert_eq!(outcome.end, End::Exited(7));
    assert!(
        outcome.took >= Duration::from_millis(300),
        "the end of the output is not the end of the job"
    );
}

#[test]
fn a_signal_that_is_none_of_ours_is_named() {
    let killed = |signal| End::Killed {
        signal,
        out_of_memory: false,
    };
    assert_eq!(run_for("kill -SEGV $$", LONG).0.end, killed(SIGSEGV));
    assert_eq!(run_for("kill -KILL $$", LONG).0.end, killed(SIGKILL));
    assert_eq!(run_for("exit 137", LONG).0.end, End::Exited(137));
}

#[test]
fn a_fault_names_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let interrupt = Interrupt::install(&[]).unwrap();
    let fault = |work: &Path, log: &Path| {
        let job = Job {
            command: "true",
            dir: work,
            env: &[],
            log,
            timeout: LONG,
            interrupt: &interrupt,
            cage: None,
        };
        let fault = format!("{:#}", run(&job).unwrap_err());
        fault.replace(dir.path().to_str().unwrap(), "DIR")
    };
    let (none, log) = (dir.path().join("none"), dir.path().join("log"));
    insta::assert_snapshot!(fault(&none, &log), @"can't start `sh` in DIR/none: No such file or directory (os error 2)");
    insta::assert_snapshot!(fault(dir.path(), &none.join("log")), @"can't write the log DIR/none/log: No such file or directory (os error 2)");
}

/// The arguments with which this test executable runs one test alone.
fn alone(test: &str) -> [OsString; 4] {
    let (_, module) = module_path!().split_once("::").unwrap();
    [
        "--ignored".into(),
        "--nocapture".into(),
        "--exact".into(),
        format!("{module}::{test}").into(),
    ]
}

#[test]
fn a_daemon_does_not_escape_a_process_that_adopts() {
    let exe = std::env::current_exe().unwrap();
    let output = Command::new(exe).args(alone("adopter")).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}"
    );
}

#[test]
#[ignore = "needs a process of its own: it takes every orphan of it for the job's"]
fn adopter() {
    let mut bystander = Command::new("/bin/sleep").arg("60").spawn().unwrap();
    adopt_orphans().unwrap();
    let daemons =
        "setsid sh -c 'env -i /usr/bin/setsid sh -c \": >up; exec sleep 60\" & exec sleep 60'";
    let command = format!("{daemons} & {UNTIL_UP}; exit 4");
    for _ in 0..2 {
        let (outcome, _) = run_for(&command, LONG);
        assert_eq!(outcome.end, End::Exited(4));
        assert!(outcome.took < WAITED, "{:?}", outcome.took);
        let mut children = Entry::all().unwrap();
        children.retain(|entry| entry.parent == Some(getpid()));
        let pids: Vec<i32> = children
            .iter()
            .map(|entry| entry.pid.as_raw_pid())
            .collect();
        assert_eq!(
            pids,
            [bystander.id().cast_signed()],
            "what was there before stays, and nothing else"
        );
        assert!(bystander.try_wait().unwrap().is_none());
    }
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn a_detached_process_shares_nothing_with_its_starter() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::write(&log, "before\n").unwrap();
    let (mut reader, writer) = io::pipe().unwrap();
    fcntl_setfd(&writer, FdFlags::empty()).unwrap();

    let args = alone("detached");
    let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let identity = detach(&args, &log).unwrap();
    let give_up = Instant::now() + LONG;
    while !fs::read_to_string(&log)
        .unwrap()
        .contains("leads its session: true, works in /, reads 0 bytes\n")
    {
        assert!(
            identity.is_alive() && Instant::now() < give_up,
            "{}",
            fs::read_to_string(&log).unwrap()
        );
        thread::sleep(Duration::from_millis(5));
    }
    assert!(fs::read_to_string(&log).unwrap().starts_with("before\n"));

    drop(writer);
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert!(
        identity.is_alive(),
        "it must not hold a pipe of its starter"
    );
    identity.signal(Signal::TERM).unwrap();
    while identity.is_alive() {
        assert!(Instant::now() < give_up);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "is started by the test above"]
fn detached() {
    let leads = getsid(None).unwrap() == getpid();
    let dir = std::env::current_dir().unwrap();
    let count = io::stdin().read(&mut [0]).unwrap();
    writeln!(
        io::stdout(),
        "leads its session: {leads}, works in {}, reads {count} bytes",
        dir.display()
    )
    .unwrap();
    thread::sleep(Duration::from_secs(20));
}

#[test]
fn what_a_killed_wt_left_running_is_known_by_its_environment() {
    let mark = format!("WT_MARK={}", std::process::id());
    let (name, value) = mark.split_once('=').unwrap();
    let start = |value: &str| {
        Command::new("/bin/sleep")
            .arg("60")
            .env_clear()
            .env(name, value)
            .spawn()
            .unwrap()
    };
    let (mut left, mut other) = (start(value), start("another"));
    kill_marked(&mark).unwrap();
    assert!(left.wait().unwrap().code().is_none(), "killed");
    assert!(
        other.try_wait().unwrap().is_none(),
        "another's process goes on"
    );
    other.kill().unwrap();
    other.wait().unwrap();
}
