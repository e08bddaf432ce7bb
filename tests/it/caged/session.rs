//! Signals, streams, environment and exit status pass through as if there were no `wt` between; a killed one is mended.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::{assert_closed, caged, held, start, wait_for_sign};
use crate::confined::without::without_landlock;
use crate::sandbox::{Ran, Sandbox, wait_until, wt};

#[test]
fn status_streams_and_folder_pass_through() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let ran = caged(&sandbox, "auth", "echo out; echo err >&2; pwd; exit 7");
    assert_eq!(ran.code, Some(7));
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("out\n<root>/repo.wt/auth\n", "err\n")
    );

    // In the worktree the task may be left out, and the folder is kept.
    let inside = worktree.join("deep");
    fs::create_dir(&inside).expect("made");
    let mut command = sandbox.command(wt());
    let mut child = command
        .args(["run", "--", "sh", "-c", "cat; pwd"])
        .current_dir(&inside)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"typed\n")
        .expect("typed");
    let ran = Ran::from(
        &child.wait_with_output().expect("ended"),
        &sandbox,
        "wt run",
    );
    assert_eq!(
        (ran.out.as_str(), ran.code),
        ("typed\n<root>/repo.wt/auth/deep\n", Some(0))
    );

    sandbox
        .wt(&["run", "auth", "--", "no-such"])
        .expect(4)
        .says("there is no program no-such");
    sandbox
        .wt(&["run", "nobody", "--", "true"])
        .expect(4)
        .says("there is no task");
    fs::remove_dir(&inside).expect("removed");
    assert_closed(&sandbox, "auth");
}

#[test]
fn the_environment_is_the_operators_less_what_acts_for_him() {
    if !held() {
        return;
    }
    let mut sandbox = Sandbox::new();
    sandbox.set("EDITOR", "vi");
    let dropped = [
        "SSH_AUTH_SOCK",
        "TMUX",
        "TMUX_PANE",
        "DBUS_SESSION_BUS_ADDRESS",
        "DOCKER_HOST",
        "XDG_RUNTIME_DIR",
        "DISPLAY",
        "GIT_EXTERNAL_DIFF",
        "WT_UNKNOWN",
    ];
    for name in dropped {
        sandbox.set(name, "/nowhere");
    }
    sandbox.spawn("auth");
    let ran = caged(
        &sandbox,
        "auth",
        "env; test -w \"$TMPDIR\" && command -v wt
         mkdir -p $npm_config_cache $UV_CACHE_DIR && echo x > $npm_config_cache/x && echo caches",
    );
    ran.expect(0).prints("EDITOR=vi\n").prints("WT_TASK=auth\n");
    ran.prints("WT_WORKTREE=<root>/repo.wt/auth\n")
        .prints("/wt\n")
        .prints("caches\n");
    assert!(!ran.out.contains("/nowhere"), "{}", ran.out);
}

#[test]
fn signals_reach_the_command_and_its_end_is_told_as_it_was() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1] {
        let name = format!("{signal:?}").replace("Signal::", "");
        // It ends by itself where whoever started the tests ignores the signal, as nohup does: no shell can trap it then.
        let script = format!(
            "trap 'echo caught; exit 5' {name}; touch .wt/sign; for _ in $(seq 3000); do sleep 0.01; done"
        );
        let running = start(&sandbox, "auth", &script);
        wait_for_sign(&worktree);
        fs::remove_file(worktree.join(".wt/sign")).expect("removed");
        running.signal(signal);
        let ran = running.finish(&sandbox);
        assert_eq!(
            (ran.out.as_str(), ran.code),
            ("caught\n", Some(5)),
            "{signal:?}, which must not be ignored where the tests are started"
        );
    }
    // Killed by a signal: so is wt.
    let output = sandbox
        .command(wt())
        .args(["run", "auth", "--", "sh", "-c", "kill -TERM $$"])
        .output()
        .expect("run");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&output.status),
        Some(15)
    );
    assert_closed(&sandbox, "auth");
}

#[test]
fn nothing_is_left_running_when_the_command_ends() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let ran = caged(
        &sandbox,
        "auth",
        "setsid sh -c 'trap \"\" TERM HUP INT; (sleep 600 & sleep 600); sleep 600' >/dev/null 2>&1 &
         env -i sleep 7654321 & sleep 0.1; exit 3",
    );
    ran.expect(3);
    assert_eq!(sandbox.processes(), []);
    let sleeping = fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter(|entry| {
            fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x007654321\0")
        });
    assert_eq!(sleeping.count(), 0);
    assert_closed(&sandbox, "auth");
}

#[test]
fn one_run_a_task_and_two_tasks_side_by_side() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktrees = ["a", "b"].map(|task| sandbox.spawn(task));
    let script =
        "echo mine > $WT_TASK.txt; git add $WT_TASK.txt; git commit -qm $WT_TASK; touch .wt/sign
                  while [ -f .wt/sign ]; do sleep 0.01; done; wt validate";
    let running = ["a", "b"].map(|task| start(&sandbox, task, script));
    for worktree in &worktrees {
        wait_for_sign(worktree);
    }
    for args in [
        &["run", "a", "--", "true"][..],
        &["rm", "a", "--force"],
        &["merge", "a"],
        &["merge", "a", "--dry-run"],
    ] {
        sandbox
            .wt(args)
            .expect(6)
            .says("wt run (pid ")
            .says("is at work on task `a`");
    }
    assert!(sandbox.show("a")["run"].is_u64());
    sandbox.wt(&["show", "a"]).prints("wt run is at work in it");
    sandbox.wt(&["list"]).prints("working, running");
    sandbox.wt(&["validate", "a"]).expect(0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "wt/a"]), "a");
    for worktree in &worktrees {
        fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    }
    for running in running {
        running.finish(&sandbox).expect(0).prints("VALIDATION_OK");
    }
    for task in ["a", "b"] {
        assert_closed(&sandbox, task);
        sandbox.wt(&["merge", task]).expect(0);
    }
    assert_eq!(sandbox.git(&["ls-files", "a.txt", "b.txt"]), "a.txt\nb.txt");
}

#[test]
fn a_killed_run_takes_its_cage_along_and_is_closed_by_the_next_command() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let script =
        "echo x > x.txt; git add x.txt; git commit -qm x; (setsid sleep 600 >/dev/null 2>&1 &)
                  touch .wt/sign; exec sleep 600";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.signal(Signal::KILL);
    let link = sandbox.read(worktree.join(".git"));
    assert!(link.contains("cages/auth/git"), "{link}");
    // Its command goes with it; what left its session, with the next command.
    running.finish(&sandbox);
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("was killed; its cage is still open");
    // As long as it can't be closed, none is opened over it.
    let index = sandbox.repo().join(".git/worktrees/auth/index");
    let aside = index.with_extension("aside");
    fs::rename(&index, &aside).expect("moved");
    fs::create_dir(&index).expect("made");
    sandbox
        .wt(&["run", "auth", "--", "true"])
        .expect(4)
        .says("the cage of task `auth` can't be mended")
        .says("the cage of task `auth` is still open from a wt run that was killed");
    fs::remove_dir(&index).expect("removed");
    fs::rename(&aside, &index).expect("moved");
    let ran = sandbox.wt(&["validate", "auth"]);
    ran.expect(0)
        .says("wt run of task `auth` was killed; its cage is closed");
    wait_until("all is gone", || sandbox.processes().is_empty());
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "wt/auth"]), "x");
    assert_closed(&sandbox, "auth");
    let left = fs::read_dir(sandbox.state().join("cages/auth"))
        .expect("listed")
        .flatten();
    assert!(
        !left
            .into_iter()
            .any(|entry| entry.file_name() == "running.json")
    );
    sandbox.wt(&["merge", "auth"]).expect(0);
}

#[test]
fn the_command_dies_with_its_wt() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let running = start(
        &sandbox,
        "auth",
        "echo $$ > pid; touch .wt/sign; exec sleep 600",
    );
    wait_for_sign(&worktree);
    let pid = sandbox
        .read(worktree.join("pid"))
        .trim()
        .parse()
        .expect("a pid");
    running.signal(Signal::KILL);
    running.finish(&sandbox);
    let pid = Pid::from_raw(pid).expect("a pid");
    wait_until("the command is gone", || {
        kill_process(pid, Signal::CONT).is_err()
            || fs::read_to_string(format!("/proc/{pid}/status"))
                .is_ok_and(|s| s.contains("State:\tZ"))
    });
}

#[test]
fn without_landlock_it_is_said_or_refused() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    without_landlock(|| {
        let script = "env | grep -c WT_SOCKET; echo x > x.txt; git add x.txt; git commit -qm x
                      git rev-parse --git-dir; wt validate; sleep 7654322 >/dev/null 2>&1 & exit 3";
        let ran = caged(&sandbox, "auth", script);
        assert_eq!(ran.code, Some(3));
        ran.says("NO CAGE: this kernel can't hold one");
        ran.prints("0\n<root>/repo/.git/worktrees/auth\nVALIDATION_OK");
        assert!(
            !sandbox
                .processes()
                .iter()
                .any(|(_, line)| line.contains("7654322"))
        );
        assert_eq!(
            sandbox.git_in(&worktree, &["log", "-1", "--format=%s"]),
            "x"
        );

        let contract = format!("{}[cage]\nrequire = true\n", crate::sandbox::CONTRACT);
        sandbox.write("wt.toml", &contract);
        sandbox.commit(&sandbox.repo(), "a cage is required");
        caged(&sandbox, "auth", "true")
            .expect(4)
            .says("[cage] require = true");
    });
    caged(&sandbox, "auth", "true").expect(0);
    assert_closed(&sandbox, "auth");
}
