//! Many commands at once, beside other programs that use the repository: all come through, and nothing is left.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::evidence::landings;
use crate::sandbox::{Ran, Sandbox, skipped, wait_until};

/// A gate that passes and counts how often it was run.
const COUNTED: &str = "echo run >> \"$HOME/notes/runs\"\n";

fn counted() -> Sandbox {
    Sandbox::with(&[
        ("wt.toml", crate::sandbox::CONTRACT),
        ("test.sh", COUNTED),
        ("README.md", "a project\n"),
    ])
}

fn runs(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(sandbox.notes().join("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

/// All these commands of `wt`, begun together; their answers in the same order.
fn at_once(sandbox: &Sandbox, commands: &[Vec<&str>]) -> Vec<Ran> {
    let started: Vec<_> = commands.iter().map(|args| sandbox.start(args)).collect();
    // Each is read by a thread of its own, so that none waits for its pipe to be emptied.
    std::thread::scope(|scope| {
        let readers: Vec<_> = started
            .into_iter()
            .map(|one| scope.spawn(|| one.finish(sandbox)))
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().expect("read"))
            .collect()
    })
}

/// Other programs at work on the repository: `git gc` without end, and a person who commits on main.
struct Noise<'s> {
    sandbox: &'s Sandbox,
    quiet: AtomicBool,
    commits: AtomicUsize,
}

impl Noise<'_> {
    fn collect(&self) {
        while !self.quiet.load(Ordering::Relaxed) {
            // Whether it gets what it wants is its own affair.
            let _ = self.run(&["gc", "-q"]);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn commit(&self) {
        while !self.quiet.load(Ordering::Relaxed) {
            let path = format!("outside-{}.txt", self.commits.load(Ordering::Relaxed));
            self.sandbox.write(&path, "by a person\n");
            let done = self.run(&["add", &path]) && self.run(&["commit", "-q", "-m", &path]);
            if done {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn run(&self, args: &[&str]) -> bool {
        let mut git = self.sandbox.command("git");
        git.args(args)
            .output()
            .is_ok_and(|output| output.status.success())
    }
}

/// Holds that nothing of any task, command or slot is left but what `wt` keeps on purpose.
fn assert_nothing_left(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.git(&["for-each-ref", "--format=%(refname)"]),
        "refs/heads/main"
    );
    let worktrees = sandbox.git(&["worktree", "list", "--porcelain"]);
    let roots: BTreeSet<_> = worktrees
        .lines()
        .filter_map(|l| l.strip_prefix("worktree "))
        .filter(|root| !root.contains("/_judge/"))
        .collect();
    assert_eq!(roots.len(), 1, "{worktrees}");
    sandbox.git(&["fsck", "--full", "--strict"]);
    let mut locks = sandbox.command("find");
    let locks = locks
        .args([
            ".git", "-path", ".git/wt", "-prune", "-o", "-name", "*.lock", "-print",
        ])
        .output()
        .expect("find");
    assert_eq!(String::from_utf8_lossy(&locks.stdout), "");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    sandbox.wt(&["list"]).expect(0).says("no tasks");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    wait_until("the removed folders are deleted", || {
        !sandbox.root().join("repo.wt/_trash").exists()
    });
}

/// Whether a `git gc` runs beside without end.
#[derive(PartialEq, Eq)]
enum Collector {
    Away,
    AtWork,
}

/// Spawns, validates and lands `count` tasks at once, with so many trains of all of them beside the landings of each.
fn all_come_through(count: usize, trains: usize, collector: &Collector) {
    let sandbox = counted();
    let names: Vec<String> = (0..count).map(|n| format!("task-{n}")).collect();
    let noise = Noise {
        sandbox: &sandbox,
        quiet: AtomicBool::new(false),
        commits: AtomicUsize::new(0),
    };
    let each = |verb: &'static str| -> Vec<Vec<&str>> {
        names.iter().map(|n| vec![verb, n.as_str()]).collect()
    };
    // Another program has git's configuration open all the while.
    sandbox.write(".git/config.lock", "");
    let first_merges = std::thread::scope(|scope| {
        let _quiet = Quiet(&noise.quiet);
        if *collector == Collector::AtWork {
            scope.spawn(|| noise.collect());
        }
        scope.spawn(|| noise.commit());
        for ran in at_once(&sandbox, &each("spawn")) {
            ran.expect(0);
        }
        for name in &names {
            let worktree = sandbox.worktree(name);
            sandbox.write(worktree.join(format!("{name}.txt")), name);
            sandbox.commit(&worktree, name);
        }
        for ran in at_once(&sandbox, &each("validate")) {
            ran.expect(0).prints("VALIDATION_OK");
        }
        let mut merges = each("merge");
        merges.extend(vec![vec!["merge", "--all"]; trains]);
        at_once(&sandbox, &merges)
    });
    std::fs::remove_file(sandbox.repo().join(".git/config.lock")).expect("still held");
    // What the person had not committed when the noise ended.
    if !sandbox.git(&["status", "--porcelain"]).is_empty() {
        sandbox.commit(&sandbox.repo(), "the rest");
    }
    for (name, ran) in names.iter().zip(&first_merges) {
        assert_landed(&sandbox, name, ran);
    }
    for train in &first_merges[count..] {
        let answered = matches!(train.code, Some(0 | 4 | 6));
        assert!(answered, "{:?}\n{}{}", train.code, train.out, train.err);
    }
    assert_eq!(landings(&sandbox), names.len());
    let commits = noise.commits.load(Ordering::Relaxed);
    let subjects = sandbox.git(&["log", "--first-parent", "--format=%s", "main"]);
    for n in 0..commits {
        let path = format!("outside-{n}.txt");
        assert!(subjects.lines().any(|s| s == path), "{path} is not on main");
        assert_eq!(sandbox.read(&path), "by a person\n");
    }
    for name in &names {
        assert_eq!(sandbox.read(format!("{name}.txt")), *name);
    }
    assert_nothing_left(&sandbox);
}

/// Holds that `wt` landed a task, by its first call or the next one: the first may meet a main that moves too often, or
/// a person's git at work in the checkout; it says so.
fn assert_landed(sandbox: &Sandbox, name: &str, first: &Ran) {
    if first.code == Some(0) {
        return;
    }
    assert!(
        matches!(first.code, Some(4 | 6)) && first.err.contains("hint: "),
        "{}: {:?}\n{}{}",
        first.said,
        first.code,
        first.out,
        first.err
    );
    sandbox.wt(&["merge", name]).expect(0);
}

/// Ends the noise also where the test fails meanwhile.
struct Quiet<'n>(&'n AtomicBool);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn sixteen_at_once_beside_commits_and_a_held_config_all_land() {
    all_come_through(16, 0, &Collector::Away);
}

#[test]
fn sixteen_and_trains_of_them_at_once_beside_a_git_gc_all_land() {
    all_come_through(16, 3, &Collector::AtWork);
}

#[test]
#[ignore = "takes minutes: cargo test --test it rivals -- --ignored"]
fn sixty_four_and_trains_of_them_at_once_beside_all_that_all_land() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return skipped("one core alone makes no rivals");
    }
    all_come_through(64, 3, &Collector::AtWork);
}

#[test]
fn validates_of_one_task_at_one_instant_run_the_gate_once() {
    let sandbox = counted();
    let worktree = sandbox.spawn("auth");
    for round in 1..=3 {
        sandbox.write(worktree.join("auth.txt"), &format!("round {round}\n"));
        let rans = at_once(&sandbox, &vec![vec!["validate", "auth"]; 4]);
        for ran in &rans {
            ran.expect(0).prints("VALIDATION_OK");
        }
        assert_eq!(runs(&sandbox), round, "{rans:#?}");
    }
    let validated = |event: &&String| event.as_str() == "validated";
    assert_eq!(sandbox.events("auth").iter().filter(validated).count(), 3);
}

#[test]
fn failing_validates_at_one_instant_count_one_attempt() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    for ran in at_once(&sandbox, &vec![vec!["validate", "auth"]; 4]) {
        ran.expect(1).prints("TEST_FAILURE");
    }
    assert_eq!(sandbox.show("auth")["attempts"], 1);
    assert_eq!(sandbox.task_state("auth"), "failed");
}

#[test]
fn merge_rm_and_validate_of_one_task_at_once_end_in_one_of_their_states() {
    for verbs in [
        [
            vec!["merge", "auth"],
            vec!["rm", "auth"],
            vec!["validate", "auth"],
        ],
        [
            vec!["rm", "auth", "--force"],
            vec!["merge", "auth"],
            vec!["validate", "auth"],
        ],
        [
            vec!["merge", "auth"],
            vec!["merge", "auth"],
            vec!["rm", "auth", "--force"],
        ],
        [
            vec!["rm", "auth", "--force"],
            vec!["rm", "auth", "--force"],
            vec!["merge", "auth"],
        ],
    ] {
        let sandbox = counted();
        sandbox.validated("auth", "auth.txt", "token\n");
        // The combination must be judged anew, so that the landing takes long enough to be met.
        sandbox.write("README.md", "moved\n");
        sandbox.commit(&sandbox.repo(), "moved");
        let rans = at_once(&sandbox, &verbs);
        for ran in &rans {
            assert!(
                matches!(ran.code, Some(0 | 4 | 6 | 130)),
                "{}: {:?}\n{}{}",
                ran.said,
                ran.code,
                ran.out,
                ran.err
            );
        }
        let landed = sandbox.repo().join("auth.txt").exists();
        assert_eq!(landings(&sandbox), usize::from(landed), "{rans:#?}");
        let listed = sandbox.wt(&["list", "--json"]).json();
        let live = listed["tasks"].as_array().expect("tasks").len();
        let removed = rans
            .iter()
            .any(|r| r.said.contains("rm") && r.code == Some(0));
        assert!(!(landed && live == 1), "landed and still there: {rans:#?}");
        if !landed && live == 0 {
            assert!(removed, "gone, by whom? {rans:#?}");
            sandbox.wt(&["restore", "auth"]).expect(0);
            sandbox.wt(&["validate", "auth"]).expect(0);
        }
        if !landed {
            sandbox.wt(&["merge", "auth"]).expect(0);
        }
        assert_eq!(sandbox.read("auth.txt"), "token\n");
        assert_nothing_left(&sandbox);
    }
}
