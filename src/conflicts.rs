//! Which live tasks conflict textually with each other, long before either lands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::git::Change;
use crate::oid::Oid;
use crate::store::{read_json, write_json_shown};
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Two tasks that can't both land as they stand.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conflict {
    pub(crate) tasks: [String; 2],
    pub(crate) paths: Vec<String>,
}

/// What was found out, by the two commits: the pairs of the live tasks alone, so that it does not grow for ever. The
/// few that conflict lie in a file of their own, which plain `wt list` reads.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    pairs: BTreeMap<String, Vec<String>>,
}

/// One task's work as it was last committed or validated.
struct Head<'t> {
    task: &'t Task,
    commit: Oid,
}

/// The conflicts that are known of without looking, between works that have not changed since.
pub(crate) fn known(ws: &Workspace, tasks: &[Task]) -> anyhow::Result<Vec<Conflict>> {
    let known = load(ws, CONFLICTING);
    if known.pairs.is_empty() {
        return Ok(Vec::new());
    }
    let heads = heads(ws, tasks)?;
    let found = pairs(&heads).filter_map(|(one, other)| {
        let paths = known.pairs.get(&key(&one.commit, &other.commit))?;
        Some(conflict(one, other, paths.clone()))
    });
    Ok(found.collect())
}

/// Merges every two tasks in memory that are not known and could conflict.
///
/// # Errors
/// Where a task's commits can't be read or git can't merge.
pub(crate) fn find(ws: &Workspace, tasks: &[Task]) -> anyhow::Result<Vec<Conflict>> {
    let before = load(ws, ALL);
    let heads = heads(ws, tasks)?;
    let changes = heads
        .iter()
        .map(|head| Ok((&head.task.name, Footprint::of(&own_changes(ws, head)?))))
        .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    let mut known = Known::default();
    let mut open: BTreeMap<String, [Oid; 2]> = BTreeMap::new();
    let close: Vec<_> = pairs(&heads)
        .filter(|(one, other)| changes[&one.task.name].meets(&changes[&other.task.name]))
        .collect();
    for (one, other) in &close {
        let key = key(&one.commit, &other.commit);
        if let Some(paths) = before.pairs.get(&key) {
            known.pairs.insert(key, paths.clone());
        } else if ws
            .repo
            .read
            .merge_base(&one.commit, &other.commit)?
            .is_some()
        {
            open.insert(key, [one.commit.clone(), other.commit.clone()]);
        }
    }
    let bar = ws
        .ctx
        .ui
        .progress(&format!("merging {} pairs of tasks in memory", open.len()));
    let wanted: Vec<[Oid; 2]> = open.values().cloned().collect();
    let found = ws.repo.conflicts(&wanted)?;
    drop(bar);
    known.pairs.extend(open.into_keys().zip(found));
    for (one, other) in &close {
        // One task may have begun where the target had moved on: what conflicts with the target is not between the two.
        let (left, right) = (&changes[&one.task.name], &changes[&other.task.name]);
        if let Some(paths) = known.pairs.get_mut(&key(&one.commit, &other.commit))
            && !left.deletes
            && !right.deletes
        {
            paths.retain(|path| left.reaches(path) && right.reaches(path));
        }
    }
    let conflicts = close
        .into_iter()
        .filter_map(|(one, other)| {
            let paths = known.pairs.get(&key(&one.commit, &other.commit))?;
            (!paths.is_empty()).then(|| conflict(one, other, paths.clone()))
        })
        .collect();
    keep(ws, known).unwrap_or_else(|error| ws.ctx.ui.warn(&format!("{error:#}")));
    Ok(conflicts)
}

/// Every pair that was merged.
const ALL: &str = "merged-pairs.json";
/// Those of them that conflict.
const CONFLICTING: &str = "conflicts.json";

fn file(ws: &Workspace, name: &str) -> PathBuf {
    ws.store.root().join(name)
}

fn keep(ws: &Workspace, mut known: Known) -> anyhow::Result<()> {
    write_json_shown(&file(ws, ALL), &known)?;
    known.pairs.retain(|_, paths| !paths.is_empty());
    write_json_shown(&file(ws, CONFLICTING), &known)
}

/// A file that can't be read is only a cache.
fn load(ws: &Workspace, name: &str) -> Known {
    read_json(&file(ws, name))
        .ok()
        .flatten()
        .unwrap_or_default()
}

fn key(one: &Oid, other: &Oid) -> String {
    format!("{one} {other}")
}

fn conflict(one: &Head, other: &Head, paths: Vec<String>) -> Conflict {
    let tasks = [&one.task.name, &other.task.name].map(Clone::clone);
    Conflict { tasks, paths }
}

/// Every two that land on the same target, in the order of the tasks.
fn pairs<'h, 't>(
    heads: &'h [Head<'t>],
) -> impl Iterator<Item = (&'h Head<'t>, &'h Head<'t>)> + use<'h, 't> {
    heads.iter().enumerate().flat_map(move |(number, one)| {
        let others = heads[number + 1..].iter();
        others
            .filter(|other| other.task.target == one.task.target && other.commit != one.commit)
            .map(move |other| (one, other))
    })
}

fn heads<'t>(ws: &Workspace, tasks: &'t [Task]) -> anyhow::Result<Vec<Head<'t>>> {
    let read = &ws.repo.read;
    let mut heads = Vec::new();
    for task in tasks {
        if matches!(task.state, State::Waiting | State::Landed) {
            continue;
        }
        let Some(tip) = read.tip(&task.branch_ref())? else {
            continue;
        };
        // What was validated uncommitted stands on the tip, unless that has moved on since.
        let commit = match &task.validated {
            Some(validated)
                if read
                    .is_ancestor(&tip, &validated.snapshot.commit)
                    .unwrap_or(false) =>
            {
                validated.snapshot.commit.clone()
            }
            _ => tip,
        };
        if commit != task.base {
            heads.push(Head { task, commit });
        }
    }
    Ok(heads)
}

/// What the task itself changes, since it left its target.
fn own_changes(ws: &Workspace, head: &Head) -> anyhow::Result<Vec<Change>> {
    let read = &ws.repo.read;
    let target = ws.target_tip(head.task)?;
    let base = read.merge_base_or(&target, &head.commit, &head.task.base)?;
    read.changes_between(&base, &head.commit)
}

/// The paths that a task's change touches.
struct Footprint {
    /// In order.
    paths: Vec<String>,
    adds: bool,
    deletes: bool,
}

impl Footprint {
    fn of(changes: &[Change]) -> Self {
        let mut paths: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
        paths.sort();
        paths.dedup();
        Self {
            paths,
            adds: changes.iter().any(|change| change.before.is_none()),
            deletes: changes.iter().any(|change| change.after.is_none()),
        }
    }

    /// Whether the two could conflict: by a common path, a file where the other needs a folder, or a folder that one
    /// renames (which deletes) and the other adds to. Without any of these a merge has nothing to decide.
    fn meets(&self, other: &Self) -> bool {
        (self.adds && other.deletes)
            || (self.deletes && other.adds)
            || self.paths.iter().any(|path| other.touches(path))
            || other.paths.iter().any(|path| self.touches(path))
    }

    /// Whether it changes `path`, something beneath it, or a file in the place of one of its folders.
    fn reaches(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        self.touches(path)
            || ends.into_iter().any(|end| {
                self.paths
                    .binary_search_by(|found| found.as_str().cmp(&path[..end]))
                    .is_ok()
            })
    }

    /// Whether it changes `path` or something beneath it.
    fn touches(&self, path: &str) -> bool {
        let holds = |found: &String| {
            found
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // `path-x` sorts between `path` and `path/x`.
        let from = self.paths.partition_point(|found| found.as_str() < path);
        self.paths[from..]
            .iter()
            .take_while(|found| found.starts_with(path))
            .any(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Entry;

    fn footprint(changed: &[&str]) -> Footprint {
        let entry = || {
            Some(Entry {
                mode: 0o100_644,
                oid: Oid::parse(&"a".repeat(40)).expect("a name"),
            })
        };
        let change = |text: &&str| Change {
            path: text.trim_start_matches(['+', '-']).to_owned(),
            before: if text.starts_with('+') { None } else { entry() },
            after: if text.starts_with('-') { None } else { entry() },
        };
        Footprint::of(&changed.iter().map(change).collect::<Vec<_>>())
    }

    #[test]
    fn two_changes_meet_where_a_merge_would_have_to_decide() {
        for (one, other, meet) in [
            (&["a", "b"][..], &["b"][..], true),
            (&["a", "b"], &["c", "ab"], false),
            (&["a/b"], &["a/c"], false),
            // A file in a folder's place.
            (&["+a"], &["+a/b"], true),
            (&["+a", "a-b"], &["a-c", "+a/b"], true),
            (&["+a"], &["+a-b"], false),
            // A folder that one renames and the other adds to.
            (&["-old/x", "+new/x"], &["+old/y"], true),
            (&["-old/x"], &["other"], false),
        ] {
            let (one, other) = (footprint(one), footprint(other));
            assert_eq!(one.meets(&other), meet);
            assert_eq!(other.meets(&one), meet);
        }
    }
}
