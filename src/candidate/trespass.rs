//! What of a candidate lies outside what its task may change.

use std::fmt::Write as _;

use serde::Serialize;

use super::Candidate;
use crate::error::shown;
use crate::git::{Change, Reader, Repo};
use crate::scope::{Standing, Territory};
use crate::task::{GENERATED, Task};
use crate::workspace::{InForce, Workspace};

/// The mode of a symbolic link in a tree.
const LINK: u32 = 0o120_000;

/// One path that a task changed and may not change.
#[derive(Debug, Serialize)]
pub(crate) struct Trespass {
    pub(crate) path: String,
    /// Whose it is, in words.
    pub(crate) standing: String,
    /// The task that owns it, if one does.
    pub(crate) owner: Option<String>,
    /// The glob by which that task does.
    pub(crate) glob: Option<String>,
    /// What to do about it.
    pub(crate) advice: String,
    /// The first word of the verdict on it.
    pub(crate) verdict: &'static str,
}

const OUT_OF_SCOPE: &str = "OUT_OF_SCOPE";
const OUT_OF_PLAN: &str = "OUT_OF_PLAN";

/// The paths of a candidate that lie outside what the task may change, and its links that lead out of the worktree.
pub(crate) fn trespasses(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    in_force: &InForce,
    candidate: &Candidate,
) -> anyhow::Result<Vec<Trespass>> {
    let claims = ws.claims_on_work(repo, task, in_force)?;
    let territory = claims.territory();
    let mut found: Vec<Trespass> = Vec::new();
    for change in &candidate.changes {
        // A file that becomes a folder, or the other way round, can be two changes of one path.
        if found.last().is_some_and(|last| last.path == change.path) {
            continue;
        }
        let trespass = match trespass_of(&territory, task, &change.path) {
            None => link_leading_out(&repo.read, change)?,
            some => some,
        };
        found.extend(trespass);
    }
    Ok(found)
}

/// Whether, and how, a change of `path` would be a trespass of `task`.
pub(crate) fn trespass_of(territory: &Territory, task: &Task, path: &str) -> Option<Trespass> {
    if task.generates(path) {
        return Some(Trespass {
            path: path.to_owned(),
            standing: GENERATED.to_owned(),
            owner: None,
            glob: None,
            advice: "keep it out of the commits: git rm --cached".to_owned(),
            verdict: OUT_OF_SCOPE,
        });
    }
    let standing = territory.standing(path);
    if standing.permits() {
        return None;
    }
    let advice = standing.advice(&task.name);
    let words = standing.words();
    let verdict = match standing {
        Standing::NoPlan | Standing::OutsidePlan => OUT_OF_PLAN,
        _ => OUT_OF_SCOPE,
    };
    let (owner, glob) = match standing {
        Standing::OwnedBy { task, glob } => (Some(task), Some(glob)),
        _ => (None, None),
    };
    Some(Trespass {
        path: path.to_owned(),
        standing: words,
        owner,
        glob,
        advice,
        verdict,
    })
}

/// A symbolic link that the task made, or turned, to lead out of the worktree: whatever follows it would read or
/// write files that no scope covers.
fn link_leading_out(read: &Reader, change: &Change) -> anyhow::Result<Option<Trespass>> {
    let Some(link) = change.after.as_ref().filter(|after| after.mode == LINK) else {
        return Ok(None);
    };
    let target = read.blob(&link.oid)?;
    if stays_inside(&change.path, &target) {
        return Ok(None);
    }
    let target = String::from_utf8_lossy(&target);
    Ok(Some(Trespass {
        path: change.path.clone(),
        standing: format!("a symbolic link out of the worktree, to {}", shown(&target)),
        owner: None,
        glob: None,
        advice: "take it back, or make it relative and lead it to a path in here".to_owned(),
        verdict: OUT_OF_SCOPE,
    }))
}

/// Whether a link at `path` leads to a place below the root, by its text alone. A `..` after a name is taken to lead
/// out: what it means depends on whether that name is a link in its turn.
fn stays_inside(path: &str, target: &[u8]) -> bool {
    let mut above = path.matches('/').count();
    let mut named = false;
    if target.starts_with(b"/") {
        return false;
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if named || above == 0 => return false,
            b".." => above -= 1,
            _ => named = true,
        }
    }
    true
}

/// The first word of the verdict: a plan alone was left only where no path is beyond the scope itself.
pub(crate) fn trespass_verdict(found: &[Trespass]) -> &'static str {
    let is_planned = found.iter().all(|trespass| trespass.verdict == OUT_OF_PLAN);
    if is_planned {
        OUT_OF_PLAN
    } else {
        OUT_OF_SCOPE
    }
}

/// The verdict on a trespass, as an agent reads it.
pub(crate) fn trespass_text(task: &Task, found: &[Trespass]) -> String {
    const SHOWN: usize = 20;
    let verdict = trespass_verdict(found);
    let mut text = format!("{verdict} paths={}\n", found.len());
    for trespass in found.iter().take(SHOWN) {
        let _ = writeln!(
            text,
            "  {}: {}; {}",
            shown(&trespass.path),
            trespass.standing,
            trespass.advice
        );
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more", found.len() - SHOWN);
    }
    let or_plan = match verdict {
        OUT_OF_PLAN => " or have the plan amended (wt plan amend --because \"<why>\"),",
        _ => "",
    };
    let _ = writeln!(
        text,
        "next: take these changes back (git checkout {} -- <path>; delete what is new),{or_plan} then: wt validate",
        task.target
    );
    if let Some(folders) = &task.folders {
        let folders = folders.join(" ");
        let _ = writeln!(
            text,
            "what is only missing here, in a worktree of some folders, is hidden again: git sparse-checkout set {folders}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_out_where_its_text_climbs_past_the_root() {
        for (path, target) in [
            ("a", "b"),
            ("a/b", "../c"),
            ("a/b/c", "../../d/./e//f"),
            ("a", "..."),
            ("a/b", "."),
        ] {
            assert!(stays_inside(path, target.as_bytes()), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../repo/b"),
            ("a/b", "../../c"),
            // Inside by its text, outside where `d` is a link to the root.
            ("a/b", "../d/../../c"),
            ("a", "./../b"),
        ] {
            assert!(!stays_inside(path, target.as_bytes()), "{path} -> {target}");
        }
    }
}
