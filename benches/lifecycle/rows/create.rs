//! A worktree made, looked at for the first time, and taken away.

use anyhow::ensure;

use super::Site;
use crate::contest::Contest;
use crate::measure::{Took, run, take};
use crate::project::Project;
use crate::table::Report;
use crate::trace;

/// The numbers of changes that land here begin there: other rows make others in the same repository.
const CHANGES: usize = 100_000;

/// The names of one round's worktrees: `wt`'s, git's, git's with workers, the peer's.
fn names(prefix: &str, round: usize) -> [String; 4] {
    ["task", "plain", "workers", "peer"].map(|way| format!("{prefix}{way}-{round}"))
}

/// With everything in memory: spawn, the first status, removal.
pub(crate) fn warm(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = site.project()?;
    let mut made = contest(site);
    let mut looked = Contest::against("a settled git status", site.bar(20_000, 1.3));
    let mut removed = Contest::against("git worktree remove --force", site.bar(100_000, 0.25));
    if let Some(peer) = &site.wanted.peer {
        removed = removed.and(&peer.name(), None);
    }
    for round in site.rounds() {
        let names = names("", round);
        for who in made.turns(round) {
            made.note(round, who, create(site, project, who, &names)?);
        }
        if site.wanted.selects("status") {
            look(project, &names[0], round, &mut looked)?;
        }
        land(project, &names[0], round)?;
        for turn in removed.turns(round) {
            // It has no turn of git's with workers.
            let who = [0, 1, 3][turn];
            removed.note(round, turn, remove(site, project, who, &names)?);
        }
        ensure!(
            !project.worktree(&names[0]).exists(),
            "the task is still there"
        );
        remove(site, project, 2, &names)?;
        forget(project, &names)?;
    }
    if site.wanted.selects("spawn") {
        report.times(site, "spawn", &made);
        report.peaks(site, "spawn", &made);
    }
    if site.wanted.selects("status") {
        report.times(site, "first git status", &looked);
        report.count(site, "first git status: files opened", opens(project)?);
    }
    if site.wanted.selects("rm") {
        report.times(site, "rm of a landed task", &removed);
    }
    Ok(())
}

/// With nothing in memory: spawn.
pub(crate) fn cold(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    if let Err(why) = site.ground.drop_caches() {
        report.left_out(site, "spawn, cold", &format!("{why:#}"));
        return Ok(());
    }
    let project = site.project()?;
    let mut made = contest(site);
    // Nothing is to be warmed up.
    for round in 1..=site.wanted.rounds(site.files).min(3) {
        let names = names("cold-", round);
        for who in made.turns(round) {
            site.ground.drop_caches()?;
            made.note(round, who, create(site, project, who, &names)?);
        }
        for who in 0..3 + usize::from(site.wanted.peer.is_some()) {
            remove(site, project, who, &names)?;
        }
        forget(project, &names)?;
    }
    report.times(site, "spawn, cold", &made);
    Ok(())
}

fn contest(site: &Site) -> Contest {
    let contest = Contest::against("git worktree add", site.bar(20_000, 0.4))
        .and("the same with checkout.workers=4", site.bar(20_000, 0.65));
    match &site.wanted.peer {
        Some(peer) => contest.and(&peer.name(), None),
        None => contest,
    }
}

fn create(site: &Site, project: &Project, who: usize, names: &[String; 4]) -> anyhow::Result<Took> {
    let name = &names[who];
    match (who, &site.wanted.peer) {
        (0, _) => take(&mut project.wt(&["spawn", name])),
        (3, Some(peer)) => take(&mut peer.create(project, name)),
        (_, _) => {
            let settings: &[&str] = if who == 2 {
                &["-c", "checkout.workers=4"]
            } else {
                &[]
            };
            let mut add = project.git(settings);
            add.args(["worktree", "add", "-b", name]);
            take(add.arg(project.beside(name)))
        }
    }
}

fn remove(site: &Site, project: &Project, who: usize, names: &[String; 4]) -> anyhow::Result<Took> {
    let name = &names[who];
    match (who, &site.wanted.peer) {
        (0, _) => take(&mut project.wt(&["rm", name])),
        (3, Some(peer)) => take(&mut peer.remove(project, name)),
        (_, _) => {
            let mut remove = project.git(&["worktree", "remove", "--force"]);
            take(remove.arg(project.beside(name)))
        }
    }
}

/// The branches that git and the peer have made.
fn forget(project: &Project, names: &[String; 4]) -> anyhow::Result<()> {
    for name in &names[1..] {
        let there = project
            .git(&["rev-parse", "-q", "--verify", name])
            .output()?;
        if there.status.success() {
            run(&mut project.git(&["branch", "-q", "-D", name]))?;
        }
    }
    Ok(())
}

/// The first look that git takes at a new worktree, against the third.
fn look(project: &Project, task: &str, round: usize, looked: &mut Contest) -> anyhow::Result<()> {
    let status = || take(project.git(&["status"]).current_dir(project.worktree(task)));
    let first = status()?;
    ensure!(first.out.contains("nothing to commit"), "{}", first.out);
    looked.note(round, 0, first);
    status()?;
    looked.note(round, 1, status()?);
    Ok(())
}

/// Has the task land one change and keep its worktree.
fn land(project: &Project, task: &str, round: usize) -> anyhow::Result<()> {
    project.change(&project.worktree(task), CHANGES + round)?;
    run(&mut project.wt(&["validate", task]))?;
    run(&mut project.wt(&["merge", task, "--commit", "-m", "a change", "--keep"]))
}

/// How many files of a new worktree its first status opens.
fn opens(project: &Project) -> anyhow::Result<Option<usize>> {
    // The last round's task landed in the checkout a moment ago.
    project.settle()?;
    run(&mut project.wt(&["spawn", "counted"]))?;
    let mut status = project.git(&["status"]);
    status.current_dir(project.worktree("counted"));
    let calls = trace::calls(&status, "open,openat,openat2", None)?;
    run(&mut project.wt(&["rm", "counted"]))?;
    let is_file = |line: &&String| {
        line.contains("packages/") && line.contains(".txt\"") && !line.contains("= -1")
    };
    Ok(calls.map(|lines| lines.iter().filter(is_file).count()))
}
