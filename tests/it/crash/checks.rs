//! What must hold after any point: the state before or the state after, nothing left, nothing lost.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rig::Rig;
use crate::sandbox::Ran;

/// Everything that a person would miss or stumble over, a line each; what differs from run to run is made even.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture(Vec<String>);

impl Picture {
    pub(super) fn of(rig: &Rig) -> Self {
        let sandbox = &rig.sandbox;
        let mut lines = Vec::new();
        let refs = sandbox.git(&[
            "for-each-ref",
            "--format=ref %(refname) %(tree)%(if)%(tree)%(then)%(else)%(objectname)%(end)",
        ]);
        // What was fetched last is kept until the next fetch, and git itself may fail to note what it pushed.
        let is_told = |line: &&str| {
            !line.starts_with("ref refs/wt/fetched/") && !line.starts_with("ref refs/remotes/")
        };
        lines.extend(refs.lines().filter(is_told).map(str::to_owned));
        let worktrees = sandbox.git(&["worktree", "list", "--porcelain"]);
        let is_told = |line: &&str| {
            (line.starts_with("worktree ") && !line.contains("/_judge/"))
                || line.starts_with("prunable")
        };
        lines.extend(worktrees.lines().filter(is_told).map(str::to_owned));
        lines.extend(records(&sandbox.state().join("tasks"), "task.json"));
        lines.extend(records(&sandbox.state().join("archive"), "removed.json"));
        let root = sandbox.root();
        for folder in ["repo", "repo.wt", "home"] {
            files(&root.join(folder), &root, &mut lines);
        }
        let status = ["status", "--porcelain", "--ignored"];
        lines.push(format!("status {}", paths_of(&sandbox.git(&status))));
        for name in folders(&sandbox.state().join("tasks")) {
            let worktree = sandbox.worktree(&name);
            if worktree.join(".git").exists() {
                let status = paths_of(&sandbox.git_in(&worktree, &status));
                lines.push(format!("status of {name}: {status}"));
            }
        }
        let mut lines: Vec<String> = lines.iter().map(|line| even(line)).collect();
        lines.sort();
        Self(lines)
    }

    /// What is there that was not, and what was there that is not.
    pub(super) fn difference(&self, other: &Self) -> String {
        let only = |one: &Self, other: &Self| -> Vec<String> {
            let lines = one.0.iter().filter(|line| !other.0.contains(line));
            lines.map(|line| shown(line, other)).collect()
        };
        let (more, less) = (only(self, other), only(other, self));
        format!(
            "{}\n    instead of {}",
            more.join("\n      "),
            less.join("\n      ")
        )
    }
}

/// What the branches of the remote hold, if there is one.
pub(super) fn on_remote(rig: &Rig) -> String {
    let remote = rig.sandbox.root().join("remote.git");
    if !remote.exists() {
        return String::new();
    }
    let refs = ["for-each-ref", "--format=%(refname) %(tree)"];
    rig.sandbox.git_in(&remote, &refs)
}

/// A line, cut short where it begins to differ from one about the same thing.
fn shown(line: &str, other: &Picture) -> String {
    const MOST: usize = 200;
    let about = line.split(": ").next().unwrap_or(line);
    let same = other.0.iter().find(|l| l.split(": ").next() == Some(about));
    let alike = same.map_or(0, |same| {
        line.chars()
            .zip(same.chars())
            .take_while(|(a, b)| a == b)
            .count()
    });
    if alike < MOST {
        return line.chars().take(MOST).collect();
    }
    let rest: String = line.chars().skip(alike - 20).take(MOST).collect();
    format!("{about}: …{rest}")
}

/// The paths that git's short status names, staged or not.
fn paths_of(status: &str) -> String {
    let paths = status.lines().filter_map(|line| line.get(3..));
    let mut paths: Vec<&str> = paths.collect();
    paths.sort_unstable();
    paths.dedup();
    paths.join(" ")
}

/// The times in the names of what was removed, and the random ends of temporary names.
fn even(line: &str) -> String {
    let mut text = String::new();
    let mut digits = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        text.push_str(if digits.len() == 13 {
            "<time>"
        } else {
            &digits
        });
        digits.clear();
        text.push(c);
    }
    text.pop();
    text
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What the records below `dir` say that does not differ from run to run.
fn records(dir: &Path, file: &str) -> Vec<String> {
    let line = |name: String| {
        let text = fs::read_to_string(dir.join(&name).join(file)).unwrap_or_default();
        let record: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let task = record.get("task").unwrap_or(&record);
        let is_set = |key: &str| task.get(key).is_some_and(|value| !value.is_null());
        format!(
            "{file} {name}: {} attempts={} unstable={} owns={} after={} plan={} proposal={} judging={} validated={} rejected={} landed={} kept={} trash={}",
            task["state"],
            task["attempts"],
            task["unstable"],
            task["owns"],
            task["after"],
            task["plan"]["hash"],
            task["proposal"]["rejected"]["because"]
                .as_str()
                .or(task["proposal"]["hash"].as_str())
                .unwrap_or_default(),
            is_set("judging"),
            is_set("validated"),
            is_set("rejected"),
            is_set("landing"),
            record["kept"],
            record["trash"],
        )
    };
    folders(dir).into_iter().map(line).collect()
}

/// Every file below `dir` with what it holds, less git's and wt's own and what waits to be deleted.
fn files(dir: &Path, root: &Path, lines: &mut Vec<String>) {
    for name in folders(dir) {
        let path = dir.join(&name);
        let is_own = dir.ends_with("repo") && name == ".git"
            || dir.ends_with("repo.wt") && name == "_judge"
            || path.ends_with(".wt/last")
            || path.extension().is_some_and(|e| e == "gone");
        if is_own {
            continue;
        }
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        if path.is_symlink() || !path.is_dir() {
            let bytes = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            lines.push(format!("file {shown}: {text:?}"));
        } else {
            if name != "_trash" {
                lines.push(format!("folder {shown}"));
            }
            files(&path, root, lines);
        }
    }
}

/// What is left over, or not as git and wt want it, once all is mended.
pub(super) fn left_over(rig: &Rig) -> Vec<String> {
    let sandbox = &rig.sandbox;
    let mut found = Vec::new();
    let doctor = sandbox.wt(&["doctor"]);
    if doctor.code != Some(0) || !doctor.err.contains("all is well") {
        found.push(format!("doctor finds: {}{}", doctor.out, doctor.err));
    }
    let mut fsck = sandbox.command("git");
    let fsck = fsck.args(["fsck", "--full", "--strict"]).output();
    let fsck = Ran::from(&fsck.expect("git"), sandbox, "git fsck");
    let told = |line: &&str| !line.starts_with("dangling ") && !line.starts_with("notice: ");
    let said: Vec<&str> = fsck.out.lines().chain(fsck.err.lines()).collect();
    let said: Vec<&str> = said.into_iter().filter(told).collect();
    if fsck.code != Some(0) || !said.is_empty() {
        found.push(format!("fsck: {said:?}"));
    }
    let git = sandbox.git(&["rev-parse", "--absolute-git-dir"]);
    temporary_files(Path::new(&git), &mut found);
    found.extend(unproven(rig));
    found.extend(forgotten(rig));
    for process in rig.processes() {
        found.push(format!("a process is left: {process}"));
    }
    found
}

/// Landings of which no note tells.
fn forgotten(rig: &Rig) -> Vec<String> {
    let state = rig.sandbox.state();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let json = |path: PathBuf| serde_json::from_str::<Value>(&read(path)).unwrap_or(Value::Null);
    let live = folders(&state.join("tasks")).into_iter();
    let live = live.map(|name| json(state.join("tasks").join(name).join("task.json")));
    let past = folders(&state.join("archive")).into_iter();
    let past =
        past.map(|id| json(state.join("archive").join(id).join("removed.json"))["task"].clone());
    let notes: Vec<String> = folders(&state.join("memory"))
        .into_iter()
        .map(|name| read(state.join("memory").join(name)))
        .collect();
    let landed = live.chain(past).filter(|task| !task["landing"].is_null());
    let is_told = |task: &Value| {
        let commit = task["landing"]["commit"].as_str().unwrap_or_default();
        notes
            .iter()
            .any(|note| note.contains(&format!("\ncommit: {commit}\n")))
    };
    let forgotten = landed.filter(|task| !is_told(task));
    forgotten
        .map(|task| format!("no note of the landing of {}", task["name"]))
        .collect()
}

/// Locks and half-written files: git's anywhere, wt's in its state.
fn temporary_files(dir: &Path, found: &mut Vec<String>) {
    for name in folders(dir) {
        let path = dir.join(&name);
        // Held while a landing runs, and there ever after.
        let is_line = dir.ends_with("wt/landing");
        let ends_in = |end: &str| path.extension().is_some_and(|e| e == end);
        let is_lock = ends_in("lock") && !is_line;
        // What git could not finish in its objects goes by its own `git gc`.
        if is_lock || name.starts_with(".tmp") || ends_in("new") {
            found.push(format!("left over: {}", path.display()));
        }
        if path.is_dir() && !path.is_symlink() && name != "objects" {
            temporary_files(&path, found);
        }
    }
}

/// Landings without a stored receipt: of their own tree, or of one further on that they were judged together with.
fn unproven(rig: &Rig) -> Vec<String> {
    let sandbox = &rig.sandbox;
    let format = "--format=%T %(trailers:key=Wt-Receipt,valueonly,separator=)";
    let log = sandbox.git(&["log", "--first-parent", format, "main"]);
    let mut proven: Option<&str> = None;
    let mut found = Vec::new();
    // The newest first: those before it may be of its train.
    for (tree, receipt) in log.lines().filter_map(|line| line.trim().split_once(' ')) {
        let file = sandbox.state().join(format!("receipts/{receipt}.json"));
        let text = fs::read_to_string(file).unwrap_or_default();
        if serde_json::from_str(&text).is_ok_and(|receipt: Value| receipt["tree"] == tree) {
            proven = Some(receipt);
        } else if proven != Some(receipt) {
            found.push(format!("{tree} landed without its receipt {receipt}"));
        }
    }
    found
}

/// The private folders that the state names: of judges and of commands.
pub(super) fn private_folders(rig: &Rig) -> Vec<PathBuf> {
    let mut found = Vec::new();
    named_in(&rig.sandbox.state(), &mut found);
    found
}

fn named_in(dir: &Path, found: &mut Vec<PathBuf>) {
    for name in folders(dir) {
        let path = dir.join(name);
        if path.is_dir() && !path.is_symlink() {
            named_in(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let words = text.split('"').filter(|word| word.starts_with("/tmp/wt-"));
            // Not a sandbox, which lies in /tmp as well.
            let words = words.filter(|word| !word.starts_with("/tmp/wt-it-"));
            found.extend(words.map(PathBuf::from));
        }
    }
}
