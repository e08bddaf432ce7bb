//! Steps that try to get out. Each really tries, and is tried without a cage as well: what would fail anyway proves
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{has_cage, log, task};
use crate::sandbox::{CONTRACT, Sandbox, UNCONFINED, skipped, wait_until};

/// Name, and a command that succeeds if it got out. `$R` is the sandbox, `$V` a process outside.
const ATTEMPTS: [(&str, &str); 26] = [
    ("main checkout", "echo x > $R/repo/escaped"),
    ("main checkout's file", "echo x >> $R/repo/README.md"),
    (
        "worktree of another task",
        "echo x > $R/repo.wt/other/escaped",
    ),
    (
        "worktree of its own task",
        "echo x > $R/repo.wt/auth/escaped",
    ),
    ("hook", "echo x > $R/repo/.git/hooks/escaped"),
    ("git's settings", "git -C $R/repo config escaped.yes 1"),
    ("ref", "git -C $R/repo update-ref refs/heads/escaped HEAD"),
    (
        "object",
        "echo escaped | git -C $R/repo hash-object -w --stdin",
    ),
    (
        "receipt",
        "mkdir -p $R/repo/.git/wt/receipts && echo x > $R/repo/.git/wt/receipts/escaped",
    ),
    ("record", "echo x > $R/repo/.git/wt/tasks/auth/escaped"),
    (
        "run at work",
        "echo x > $R/repo/.git/wt/tasks/auth/runs/1/escaped",
    ),
    ("events", "echo >> $R/repo/.git/wt/events.jsonl"),
    (
        "another slot",
        "mkdir -p $R/repo.wt/_judge/1 && echo x > $R/repo.wt/_judge/1/escaped",
    ),
    (
        "its own admin folder",
        "echo x > $(git rev-parse --git-dir)/escaped",
    ),
    ("list of what changed", "echo x >> \"$WT_CHANGED\""),
    ("home", "echo x > \"$HOME/escaped\""),
    (
        "link",
        "ln -s $R/repo link && echo x > link/escaped-by-link",
    ),
    ("hard link", "ln $R/repo/linked hard && echo x > hard"),
    (
        "rename out",
        "echo x > mine && mv mine $R/repo/escaped-by-rename",
    ),
    ("rename in", "mv $R/repo/renamed stolen"),
    ("rename over", "echo x > mine && mv -f mine $R/repo/covered"),
    (
        "removal",
        "rm -f $R/repo/removed && [ ! -e $R/repo/removed ]",
    ),
    ("cutting off", "truncate -s 0 $R/repo/cut"),
    ("pipe", "mkfifo $R/repo/escaped-pipe"),
    ("signal", "kill -CONT $V"),
    ("another's memory", "exec 3> /proc/$V/mem"),
];
/// What only the superuser may try.
const OF_ROOT: [(&str, &str); 3] = [
    ("device", "mknod disk b 1 0"),
    ("mount", "unshare -m sh -c 'mount -t tmpfs none $R/home'"),
    (
        "mount of devices",
        "mkdir m && unshare -m mount -t devtmpfs none m",
    ),
];
const VICTIMS: [&str; 5] = ["linked", "renamed", "covered", "removed", "cut"];

struct Trial {
    sandbox: Sandbox,
    victim: Child,
    attempts: Vec<(&'static str, &'static str)>,
}

impl Trial {
    /// What each attempt came to: whether it got out.
    fn run(contract: &str) -> (Self, BTreeMap<String, bool>) {
        let (sandbox, worktree) = task(contract, "");
        for victim in VICTIMS {
            sandbox.write(victim, "precious\n");
        }
        sandbox.write("README.md", "a project\n");
        sandbox.spawn("other");
        let victim = sandbox
            .command("sleep")
            .arg("600")
            .stdout(Stdio::null())
            .spawn();
        let victim = victim.expect("started");
        let mut attempts = ATTEMPTS.to_vec();
        if rustix::process::geteuid().is_root() {
            attempts.extend(OF_ROOT);
        }
        let mut script = format!(
            "R='{}' V={}\nexport R V\n",
            sandbox.root().display(),
            victim.id()
        );
        for (name, command) in &attempts {
            script += &format!(
                "if ( {command} ) > /dev/null; then echo \"out: {name}\"; else echo \"held: {name}\"; fi\n"
            );
        }
        sandbox.write(worktree.join("test.sh"), &script);
        sandbox.wt(&["validate", "auth"]).expect(0);
        let told = log(&sandbox, 1);
        let ended = told.lines().filter_map(|line| {
            let (word, name) = line.split_once(": ")?;
            ["out", "held"]
                .contains(&word)
                .then(|| (name.to_owned(), word == "out"))
        });
        let ended: BTreeMap<_, _> = ended.collect();
        assert_eq!(ended.len(), attempts.len(), "{told}");
        (
            Self {
                sandbox,
                victim,
                attempts,
            },
            ended,
        )
    }

    /// The paths that were made where none may be made.
    fn escaped(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.sandbox.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                if entry.file_name().to_string_lossy().starts_with("escaped") {
                    found.push(entry.path());
                }
                if entry.file_type().expect("a type").is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

#[test]
fn nothing_gets_out_that_would_without_a_cage() {
    let (free, ended) = Trial::run(UNCONFINED);
    let held: Vec<_> = ended
        .iter()
        .filter(|(_, out)| !**out)
        .map(|(name, _)| name)
        .collect();
    if free.sandbox.is_caged() {
        skipped("in a cage it can't be shown what would get out without one");
    } else {
        assert!(held.is_empty(), "these prove nothing: {held:?}");
    }
    assert!(free.escaped().len() > 10, "{:?}", free.escaped());
    assert_eq!(free.sandbox.show("auth")["confined"], false);
    if !has_cage(&free.sandbox) {
        return;
    }

    let (caged, ended) = Trial::run(CONTRACT);
    let out: Vec<_> = ended
        .iter()
        .filter(|(_, out)| **out)
        .map(|(name, _)| name)
        .collect();
    assert!(
        out.is_empty(),
        "these got out: {out:?}\n{:?}",
        caged.attempts.len()
    );
    assert_eq!(caged.escaped(), Vec::<PathBuf>::new());
    for victim in VICTIMS {
        assert_eq!(caged.sandbox.read(victim), "precious\n");
    }
    assert_eq!(caged.sandbox.read("README.md"), "a project\n");
    let git = |args: &[&str]| caged.sandbox.git(args);
    assert_eq!(git(&["for-each-ref", "refs/heads/escaped"]), "");
    assert!(!git(&["config", "--list", "--local"]).contains("escaped"));
    assert_eq!(caged.sandbox.show("auth")["confined"], true);
    let receipt = fs::read_dir(caged.sandbox.state().join("receipts")).expect("receipts");
    let receipt = receipt.flatten().next().expect("a receipt").path();
    assert!(caged.sandbox.read(receipt).contains("\"confined\": true"));
    caged.sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn its_own_judge_can_not_be_signalled_and_a_daemon_does_not_outlive_it() {
    let script = r#"judge=$(sed -n 's/^PPid:.//p' /proc/$PPID/status)
tr '\0' ' ' < /proc/$judge/cmdline | grep -o _judge
for signal in STOP TERM KILL; do kill -$signal $judge 2>/dev/null && echo signalled; done
# A limit that is set on it would end it at its next write.
prlimit --pid $judge --fsize=0:0 2>/dev/null && echo limited
prlimit --pid $judge >/dev/null && ulimit -n 100 && prlimit --nofile=90:90 true || echo own limits
setsid sh -c 'while sleep 0.01; do date > "$HOME/notes/late"; done' < /dev/null > /dev/null 2>&1 &
while [ ! -s "$HOME/notes/late" ]; do sleep 0.01; done
echo done
"#;
    let (sandbox, _) = task(CONTRACT, script);
    if !has_cage(&sandbox) {
        return;
    }
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(log(&sandbox, 1), "_judge\ndone\n");
    assert_eq!(sandbox.processes(), []);
    let late = sandbox.notes().join("late");
    fs::remove_file(&late).expect("it was at work");
    sandbox.wt(&["list"]).expect(0);
    assert!(!late.exists());
}

/// One that empties its environment is not known to be the slot's, once its judge was killed: it goes on, nowhere.
#[test]
fn what_outlives_a_killed_judge_never_writes_into_a_slot_again() {
    let script = r#"if [ -f linger ]; then
env -i PATH="$PATH" NOTES="$HOME/notes" setsid sh -c 'echo $$ > $NOTES/pid; while :; do
  date > left; date > "$NOTES/beat"; sleep 0.01; done' < /dev/null > /dev/null 2>&1 &
sleep 600
fi
! ls | grep -x left
"#;
    let (sandbox, worktree) = task(CONTRACT, script);
    if !has_cage(&sandbox) {
        return;
    }
    sandbox.write(worktree.join("linger"), "");
    let judging = sandbox.start(&["validate", "auth"]);
    let beat = sandbox.notes().join("beat");
    wait_until("it is at work", || beat.exists());
    let file = sandbox.state().join("tasks/auth/runs/1/judge.json");
    let judge: serde_json::Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    let pid = |number: i64| Pid::from_raw(i32::try_from(number).expect("a pid")).expect("a pid");
    kill_process(pid(judge["pid"].as_i64().expect("a pid")), Signal::KILL).expect("killed");
    judging.finish(&sandbox);

    fs::remove_file(worktree.join("linger")).expect("removed");
    sandbox.wt(&["validate", "auth"]).expect(0);
    fs::remove_file(&beat).expect("it was at work");
    wait_until("it goes on", || beat.exists());
    assert!(!sandbox.root().join("repo.wt/_judge/0/left").exists());
    let left = sandbox.read(sandbox.notes().join("pid"));
    kill_process(pid(left.trim().parse().expect("a pid")), Signal::KILL).expect("killed");
}

/// Calls by which the superuser gets past any rule about files: `bpf`, `init_module`, `finit_module`, `kexec_file_load`,
/// `iopl`, `ioperm`, `open_by_handle_at`, `settimeofday`, `clock_settime` (by x32's number, too), `clock_adjtime`,
/// `adjtimex`, `reboot`. With such arguments they fail in any case, but for another reason.
#[test]
fn the_superuser_is_refused_what_would_undo_the_cage() {
    let script = r"python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
errors = set()
for number in (321, 175, 313, 320, 172, 173, 304, 164, 227, 305, 159, 169, 0x40000000 + 227):
    libc.syscall(number, -1, 0, 0, 0, 0)
    errors.add(ctypes.get_errno())
print(sorted(errors))'
";
    let python = std::process::Command::new("python3").arg("-V").output();
    let is_root = rustix::process::geteuid().is_root();
    if !is_root || std::env::consts::ARCH != "x86_64" || !python.is_ok_and(|o| o.status.success()) {
        skipped("it takes root, x86-64 and python3");
        return;
    }
    let (sandbox, _) = task(CONTRACT, script);
    if !has_cage(&sandbox) {
        return;
    }
    sandbox.wt(&["validate", "auth"]).expect(0);
    // EPERM, and nothing else.
    assert_eq!(log(&sandbox, 1), "[1]\n");
    let (free, _) = task(UNCONFINED, script);
    free.wt(&["validate", "auth"]).expect(0);
    assert!(free.is_caged() || log(&free, 1) != "[1]\n");
}

/// Whether a set-up can plant something that a step, or a later task, then writes through.
#[test]
fn a_link_that_set_up_leaves_leads_no_step_out() {
    let contract = format!(
        "{CONTRACT}[worktree]\nsetup = [\"sh set-up.sh\"]\nsetup_writable = [\"~/store/\"]\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "echo x > store/escaped || echo x > store/kept\n"),
        (
            "set-up.sh",
            "echo 1 > \"$HOME/store/kept\"; ln -sfn \"$HOME/store\" store\n",
        ),
        (".gitignore", "store\n"),
    ]);
    if !has_cage(&sandbox) {
        return;
    }
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new"), "");
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("denied by the cage: write to <root>/home/store/escaped;");
    let store = sandbox.home().join("store");
    assert!(!store.join("escaped").exists());
    assert_eq!(sandbox.read(store.join("kept")), "1\n");
}

/// A folder that a contract opens may itself be a link: what it names is opened, and nothing beside it.
#[test]
fn an_opened_link_opens_what_it_names() {
    let script = "echo x > \"$HOME/notes/in\" && ! echo x > \"$HOME/data/beside\"\n";
    let (sandbox, _) = task(CONTRACT, script);
    if !has_cage(&sandbox) {
        return;
    }
    let data = sandbox.home().join("data");
    fs::create_dir_all(data.join("notes")).expect("made");
    fs::remove_dir(sandbox.notes()).expect("removed");
    std::os::unix::fs::symlink(data.join("notes"), sandbox.notes()).expect("linked");
    sandbox.wt(&["validate", "auth"]).expect(0);
    wait_until("what was written", || {
        Path::new(&data.join("notes/in")).exists()
    });
    assert!(!data.join("beside").exists());
}
