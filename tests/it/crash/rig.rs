//! A prepared repository that is put back before each run, and the runs under strace: recorded, killed, failed.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::points::{CALLS, Fate, Point, Process, points_of};
use super::processes::{any_is_dying, command_line, is_stopped_leader, pids_with, tracer_of};
use crate::sandbox::{Ran, Sandbox, wait_until, wt};

/// Stands first on `PATH`: counts the gits of a run, and puts the one that is meant under strace. Git finds itself here
/// as well when it starts another git. Who waits for a git is stopped before it is killed, so that none of them sees
/// another die, and the command ends last, as a judge would outlive it else. The one that runs beside another git, and
/// writes to its pipe alone, is not counted: the numbers would be other ones at each run.
const GIT: &str = r#"#!/bin/sh
[ -f @tools@/plan ] || exec @git@ "$@"
case " $* " in *' ls-files -z --others '*) exec @git@ "$@" ;; esac
set -C
n=1
until { true > @tools@/log.$n; } 2>/dev/null; do n=$((n+1)); done
set +C
. @tools@/plan
if [ "$fate" = record ]; then exec strace -qq -y -o @tools@/log.$n -e "trace=$calls" @git@ --exec-path=@tools@/core "$@"; fi
[ "$n" = "$git" ] || exec @git@ --exec-path=@tools@/core "$@"
end_callers() {
  pid=$PPID callers= inner_first=
  while read -r _ name _ parent _ < /proc/$pid/stat; do
    case $name in '(wt)' | '(git)' | '(exe)') callers="$pid $callers" inner_first="$inner_first $pid" ;; '(strace)') ;; *) break ;; esac
    pid=$parent
  done
  kill -STOP $callers
  kill -9 $inner_first
}
if [ "$fate" = orphaned ]; then end_callers; exec @git@ --exec-path=@tools@/core "$@"; fi
strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:$fate:when=$number" @git@ --exec-path=@tools@/core "$@"
code=$?
if [ $code = 137 ]; then [ "$all" = yes ] && end_callers; kill -9 $$; fi
exit $code
"#;

/// A repository as a scenario needs it, kept aside so that it can be had again.
pub(super) struct Rig {
    pub(super) sandbox: Sandbox,
    /// The git that counts, the plan of a run and the logs of strace.
    tools: TempDir,
    kept: TempDir,
}

impl Rig {
    pub(super) fn new(mut sandbox: Sandbox, prepare: fn(&Sandbox)) -> Self {
        let folder = || {
            let mut folder = tempfile::Builder::new();
            folder.prefix("crash-").tempdir().expect("a folder")
        };
        let (tools, kept) = (folder(), folder());
        let real = program("git");
        let core = tools.path().join("core");
        fs::create_dir_all(tools.path().join("bin")).expect("made");
        fs::create_dir_all(&core).expect("made");
        let text = GIT
            .replace("@tools@", tools.path().to_str().expect("text"))
            .replace("@git@", real.to_str().expect("text"));
        for place in ["bin/git", "core/git"] {
            let path = tools.path().join(place);
            fs::write(&path, &text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        }
        let of_git = PathBuf::from(sandbox.git(&["--exec-path"]));
        for entry in fs::read_dir(of_git).expect("git's own").flatten() {
            if entry.file_name() != "git" {
                symlink(entry.path(), core.join(entry.file_name())).expect("linked");
            }
        }
        let path = std::env::var("PATH").expect("PATH");
        let bin = tools.path().join("bin");
        sandbox.set("PATH", &format!("{}:{path}", bin.display()));
        prepare(&sandbox);
        let rig = Self {
            sandbox,
            tools,
            kept,
        };
        rig.wait_for_quiet();
        copy(&rig.sandbox.root(), rig.kept.path());
        rig
    }

    /// Puts everything back as it was prepared, at the same place.
    pub(super) fn restore(&self) {
        self.wait_for_quiet();
        for entry in fs::read_dir(self.sandbox.root()).expect("listed").flatten() {
            let path = entry.path();
            fs::remove_dir_all(&path)
                .or_else(|_| fs::remove_file(&path))
                .expect("removed");
        }
        copy(self.kept.path(), &self.sandbox.root());
        self.own_folders();
    }

    /// The folders are others than those that the records name, though all is as it was.
    fn own_folders(&self) {
        let state = self.sandbox.state();
        for entry in entries(&state.join("tasks")) {
            own_folder(&entry.join("task.json"), None);
        }
        for entry in entries(&state.join("archive")) {
            let removed: Value =
                serde_json::from_str(&read(&entry.join("removed.json"))).expect("JSON");
            let trash = removed["trash"].as_str().map(Path::new);
            own_folder(&entry.join("removed.json"), trash);
            own_folder(&entry.join("task/task.json"), trash);
        }
    }

    /// Waits until nothing that was started here runs any more: a judge, a sweep, an orphan.
    pub(super) fn wait_for_quiet(&self) {
        wait_until("what was started has ended", || self.is_quiet());
    }

    /// Makes every lock of git's as old as if the crash had been long ago: a young one is waited for, it could be a
    /// person's.
    pub(super) fn age_locks(&self) {
        let old = std::time::SystemTime::now() - Duration::from_secs(60);
        let mut folders = vec![self.sandbox.repo().join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "lock") {
                    let file = fs::File::options().append(true).open(&path);
                    match file.and_then(|file| file.set_modified(old)) {
                        // What was not killed has let it go.
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        set => set.expect("set"),
                    }
                }
            }
        }
    }

    /// Whether nothing that was started here runs any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.pids().is_empty() && !any_is_dying()
    }

    /// The processes that were started here, as their command lines.
    pub(super) fn processes(&self) -> Vec<String> {
        self.pids().into_iter().map(command_line).collect()
    }

    fn pids(&self) -> Vec<i32> {
        pids_with(&format!("HOME={}", self.sandbox.home().display()))
    }

    /// Every point of a run of `args`, which is run here.
    pub(super) fn record(&self, args: &[&str]) -> (Ran, Vec<Point>) {
        self.plan("fate=record");
        let log = self.tools.path().join("log.caller");
        let ran = self.trace(
            &["-y", "-o", log.to_str().expect("text")],
            &trace_all(),
            args,
        );
        self.wait_for_quiet();
        let mut points = points_of(Process::Caller, &read(&log));
        for number in 1.. {
            let log = self.tools.path().join(format!("log.{number}"));
            if !log.exists() {
                break;
            }
            points.extend(points_of(Process::Git(number), &read(&log)));
        }
        self.end_plan();
        (ran, points)
    }

    /// The points of the process of its own session that a run of `args` starts, if it starts one.
    pub(super) fn record_apart(&self, args: &[&str]) -> Vec<Point> {
        let log = self.tools.path().join("log.apart");
        let options = ["-y", "-o", log.to_str().expect("text")];
        self.trace_apart(&options, &trace_all(), args);
        self.wait_for_quiet();
        let points = points_of(Process::Apart, &read(&log));
        self.end_plan();
        points
    }

    /// Runs `args`, which meet their fate at this point.
    pub(super) fn meet(&self, point: &Point, args: &[&str]) -> Ran {
        let fate = match point.fate {
            Fate::Killed | Fate::AllKilled => "signal=SIGKILL".to_owned(),
            Fate::Orphaned => "orphaned".to_owned(),
            Fate::Fails(error) => format!("error={error}"),
        };
        let ran = match point.process {
            Process::Git(git) => {
                let all = if point.fate == Fate::AllKilled {
                    "yes"
                } else {
                    "no"
                };
                let (call, number) = (&point.call, point.number);
                self.plan(&format!(
                    "fate={fate} git={git} call={call} number={number} all={all}"
                ));
                self.sandbox.wt(args)
            }
            Process::Caller | Process::Apart => {
                let inject = format!("inject={}:{fate}:when={}", point.call, point.number);
                let trace = format!("trace={}", point.call);
                let options = ["-o", "/dev/null", "-e", &inject];
                if point.process == Process::Caller {
                    self.trace(&options, &trace, args)
                } else {
                    self.trace_apart(&options, &trace, args)
                }
            }
        };
        self.end_plan();
        ran
    }

    fn trace(&self, options: &[&str], calls: &str, args: &[&str]) -> Ran {
        let mut strace = self.sandbox.command("strace");
        strace
            .arg("-qq")
            .args(options)
            .args(["-e", calls, wt()])
            .args(args);
        let output = strace.output().expect("strace");
        Ran::from(&output, &self.sandbox, &format!("wt {}", args.join(" ")))
    }

    /// Runs `args` and traces nothing but the first process that begins a session of its own: it is stopped there, so
    /// that another strace can take it over from the one that saw it begin.
    fn trace_apart(&self, options: &[&str], calls: &str, args: &[&str]) -> Ran {
        let mut finder = self.sandbox.command("strace");
        finder
            .args(["-D", "-qq", "-f", "-b", "execve", "-o", "/dev/null"])
            .args(["-e", "trace=setsid", "-e"])
            .args(["inject=setsid:signal=SIGSTOP", wt()])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = finder.spawn().expect("strace");
        let apart = loop {
            if let Some(apart) = self.stopped() {
                break Some(apart);
            }
            if child.try_wait().expect("its status").is_some() {
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let tracer = apart.map(|apart| {
            // Whichever stop it is at: it must not go on when the finder ends.
            kill_process(pid(apart), Signal::STOP).expect("stopped");
            let finder = tracer_of(apart).expect("a tracer");
            kill_process(pid(finder), Signal::KILL).expect("killed");
            wait_until("it is let go", || tracer_of(apart).is_none());
            let mut strace = self.sandbox.command("strace");
            strace.args(["-qq", "-p", &apart.to_string()]);
            strace.args(options).args(["-e", calls]);
            let tracer = strace.stderr(Stdio::null()).spawn().expect("strace");
            wait_until("it is taken over", || tracer_of(apart).is_some());
            kill_process(pid(apart), Signal::CONT).expect("continued");
            tracer
        });
        let output = child.wait_with_output().expect("its output");
        if let Some(mut tracer) = tracer {
            tracer.wait().expect("its end");
        }
        Ran::from(&output, &self.sandbox, &format!("wt {}", args.join(" ")))
    }

    /// The process that is stopped at the head of a session of its own.
    fn stopped(&self) -> Option<i32> {
        self.pids().into_iter().find(|pid| is_stopped_leader(*pid))
    }

    fn plan(&self, words: &str) {
        self.end_plan();
        let calls = CALLS.join(",");
        let text = format!("calls='{calls}'\n{}\n", words.replace(' ', "\n"));
        fs::write(self.tools.path().join("plan"), text).expect("written");
    }

    /// From here on every git runs as it is.
    fn end_plan(&self) {
        for entry in fs::read_dir(self.tools.path()).expect("listed").flatten() {
            let name = entry.file_name();
            if name == *"plan" || name.to_string_lossy().starts_with("log.") {
                fs::remove_file(entry.path()).expect("removed");
            }
        }
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Has the record in this file name the folder that its worktree is now, or `trash`.
fn own_folder(file: &Path, trash: Option<&Path>) {
    let Ok(mut record) = serde_json::from_str::<Value>(&read(file)) else {
        return;
    };
    let is_task = record.get("task").is_none();
    let task = if is_task {
        &mut record
    } else {
        &mut record["task"]
    };
    let worktree = PathBuf::from(task["worktree"].as_str().expect("a path"));
    if let Ok(metadata) = trash.unwrap_or(&worktree).symlink_metadata() {
        task["folder"]["device"] = metadata.dev().into();
        task["folder"]["inode"] = metadata.ino().into();
    }
    fs::write(file, record.to_string()).expect("written");
}

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).expect("a process")
}

fn trace_all() -> String {
    format!("trace={}", CALLS.join(","))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The program of this name on the `PATH` of the tests.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .expect("a program")
}

/// Copies all that is in a folder, with times and modes.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .arg("-a")
        .args([from.join(".").as_os_str(), OsStr::new(to)])
        .status();
    assert!(status.expect("cp").success());
}
