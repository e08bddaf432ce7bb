//! Bringing in what was committed in a cage: objects by their content, then the branch.

use std::fs;

use anyhow::Context as _;

use super::refs::{Head, head, refresh, set, tip, written};
use super::{folder, health, objects};
use crate::error::Refusal;
use crate::git::Repo;
use crate::oid::Oid;
use crate::store::{Beneath, remove_dir, write_atomic};
use crate::task::Task;
use crate::workspace::Workspace;

/// The ref that keeps, for a caged task, what `wt` itself has stored of its files: git in the cage finds such an
/// object in the shared store and does not write it again, so that no garbage collection may take it away.
pub(super) fn held_ref(task: &str) -> String {
    format!("refs/wt/cages/{task}")
}

/// What is written beside packs that are kept until the task's branch holds them.
pub(super) fn owner(task: &str) -> String {
    format!("wt: from the cage of {task}")
}

/// While a cage is open: brings the task's branch to where it is in the cage, and what the cage knows of the other
/// branches to where they are. The task's lock must be held.
///
/// # Errors
/// A refusal where the private repository is broken, where HEAD in the cage is not on the task's branch, where the
/// branch moved outside as well, and where objects are missing or not what their names say.
pub(crate) fn bring_in(ws: &Workspace, repo: &Repo, task: &Task) -> anyhow::Result<()> {
    if ws.store.find_cage(&task.name)?.is_none() {
        return Ok(());
    }
    let git = ws.store.private_git_dir(&task.name);
    if let Some(flaw) = health::flaw(&git) {
        let what = format!(
            "the repository of the cage of task `{}` is broken: {flaw}",
            task.name
        );
        let hint = "end this run; the next wt run makes it anew";
        return Err(Refusal::refused(what).hint(hint).into());
    }
    let private = Beneath::open(&git)?;
    let brought = bring_branch(ws, repo, task, &private);
    // Where the branch can't be brought in, the target may be what has to be seen for it.
    bring_target(ws, repo, task, &private)?;
    brought?;
    refresh_refs(ws, repo, task, &private)
}

fn bring_branch(ws: &Workspace, repo: &Repo, task: &Task, private: &Beneath) -> anyhow::Result<()> {
    let there = tip_in_cage(private, task)?;
    let here = repo.tip_of(task)?;
    if there != here {
        take_in(ws, repo, task, private, &there, &here)?;
        let event = ws.event(&task.name, "brought-in");
        ws.record(&event.fact("commit", there.as_str()))?;
    }
    ws.store.save_met(&task.name, &there)
}

/// The commit that is checked out in the cage: the tip of the task's branch.
fn tip_in_cage(private: &Beneath, task: &Task) -> anyhow::Result<Oid> {
    let at = head(private)?;
    if at != Head::Branch(task.branch_ref()) {
        let is_there = |name: &str| private.exists(name);
        let hint = if is_there("rebase-merge") || is_there("rebase-apply") {
            "finish what is under way there: git rebase --continue (or: --abort)".to_owned()
        } else {
            // The plain `git switch` would leave the commits behind, and a merge of them is refused by the judge.
            format!(
                "in the cage: git switch -C {0}, to go on with what is checked out; where that lacks commits of {0}, \
                 before it: git rebase {0}",
                task.branch
            )
        };
        let place = match at {
            Head::Branch(name) => format!("on {name}"),
            Head::Detached(oid) => format!("detached at {}", oid.short()),
            Head::Strange => "no HEAD of git's".to_owned(),
        };
        return Err(Refusal::refused(format!(
            "HEAD in the cage of task `{}` is {place}, not on its branch {}",
            task.name, task.branch
        ))
        .hint(hint)
        .into());
    }
    tip(private, &task.branch_ref())?.ok_or_else(|| {
        Refusal::refused(format!(
            "the branch {} is gone from the cage of task `{}`",
            task.branch, task.name
        ))
        .hint("bring it back there: git reflog, then git branch")
        .into()
    })
}

fn take_in(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    private: &Beneath,
    there: &Oid,
    here: &Oid,
) -> anyhow::Result<()> {
    let incoming = ws.store.cage_dir(&task.name).join("incoming");
    remove_dir(&incoming)?;
    fs::create_dir_all(&incoming).with_context(|| format!("can't make {}", incoming.display()))?;
    objects::gather(private, &incoming, &folder::object_folders(repo)?)?;
    let target = repo.read.tip(&task.target_ref())?;
    let known: Vec<&Oid> = [here, &task.base].into_iter().chain(&target).collect();
    // Until the branch holds them.
    let _kept = repo.take_in(&incoming, there, &known, &owner(&task.name))?;
    remove_dir(&incoming)?;
    repo.require_finite(here, there)?;
    let met = ws.store.find_met(&task.name)?;
    if met.as_ref() != Some(here) && !repo.read.is_ancestor(here, there)? {
        return Err(Refusal::refused(format!(
            "the branch {} of task `{}` moved to {} outside of the cage, too",
            task.branch,
            task.name,
            here.short()
        ))
        .hint(format!(
            "bring both together, in the cage: git rebase {here}"
        ))
        .into());
    }
    let moved = repo.move_ref(
        &task.branch_ref(),
        Some(here),
        Some(there),
        "wt: from the cage",
    )?;
    if !moved {
        return Err(Refusal::refused(format!("{} moved meanwhile", task.branch))
            .hint("try again")
            .into());
    }
    Ok(())
}

/// Brings the target of the task to where it is, whatever was done to it in the cage: judged is what combines with
/// that, and a cage that can't see it could never get there. Commits that it alone held there get a branch of their
/// own. While it is checked out in the cage it stays: it would move from under the files.
pub(super) fn bring_target(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    private: &Beneath,
) -> anyhow::Result<()> {
    let name = task.target_ref();
    let Some(now) = repo.read.tip(&name)? else {
        return Ok(());
    };
    let there = tip(private, &name)?;
    if there.as_ref() == Some(&now) || head(private)? == Head::Branch(name.clone()) {
        return Ok(());
    }
    if let Some(there) = there
        && !repo.is_kept(&there)?
    {
        let aside = format!("{}-in-cage-{}", task.target, there.short());
        set(private, &format!("refs/heads/{aside}"), &there)?;
        ws.ctx.ui.warn(&format!(
            "{} is where it is outside of the cage again; what it held in there is on the branch {aside} there",
            task.target
        ));
    }
    set(private, &name, &now)
}

/// Lets the cage see where the shared refs are by now. The task's own branch stays where the cage has it.
pub(super) fn refresh_refs(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    private: &Beneath,
) -> anyhow::Result<()> {
    let file = folder::given_file(ws, &task.name);
    let before = fs::read(&file).unwrap_or_default();
    let mut refs = repo.refs()?;
    let own = refs.iter_mut().find(|one| one.name == task.branch_ref());
    if let (Some(own), Some(there)) = (own, tip(private, &task.branch_ref())?) {
        own.target = there;
    }
    let now = written(&refs);
    refresh(private, &before, &now)?;
    if before == now {
        return Ok(());
    }
    write_atomic(&file, &now)
}

/// While a cage is open: keeps the objects of a commit of `wt`'s own, a snapshot or a candidate.
pub(crate) fn hold(ws: &Workspace, repo: &Repo, task: &Task, commit: &Oid) -> anyhow::Result<()> {
    if ws.store.find_cage(&task.name)?.is_none() {
        return Ok(());
    }
    let reference = held_ref(&task.name);
    let before = repo.read.tip(&reference)?;
    if let Some(before) = &before
        && repo.read.is_ancestor(commit, before)?
    {
        return Ok(());
    }
    let parents: Vec<&Oid> = before.iter().chain([commit]).collect();
    let tree = repo.read.tree_of(commit)?;
    let held = repo.commit_by_machine(&tree, &parents, "wt: seen in the cage\n")?;
    repo.move_ref(&reference, before.as_ref(), Some(&held), "wt: held")?;
    Ok(())
}
