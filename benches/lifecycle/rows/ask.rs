//! Where things stand, and what an agent waits for before each tool call.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::Site;
use crate::contest::Contest;
use crate::measure::{Took, run, take, take_reading};
use crate::project::Project;
use crate::table::Report;
use crate::trace;

const FEW: usize = 50;
const MANY: usize = 500;

/// All tasks, against asking git in each worktree; then ten times as many.
pub(crate) fn list(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = Project::make(site.ground, "project-of-many", site.files)?;
    let tasks: Vec<String> = (0..FEW).map(|number| format!("task-{number}")).collect();
    for (number, task) in tasks.iter().enumerate() {
        // So that what others own is to be read, too.
        run(&mut project.wt(&["spawn", task, "--owns", &format!("of-{task}/**")]))?;
        let worktree = project.worktree(task);
        project.change(&worktree, number)?;
        run(project
            .git(&["commit", "-qam", "a change"])
            .current_dir(&worktree))?;
    }
    let mut listed = Contest::against("git status in each", Some(0.15));
    let mut few: Vec<Took> = Vec::new();
    for round in site.rounds() {
        for who in listed.turns(round) {
            let took = if who == 0 {
                let took = take(&mut project.wt(&["list"]))?;
                few.push(took.clone());
                took
            } else {
                tasks
                    .iter()
                    .map(|task| take(project.git(&["status"]).current_dir(project.worktree(task))))
                    .sum::<anyhow::Result<Took>>()?
            };
            listed.note(round, who, took);
        }
    }
    report.times(site, &format!("list, {FEW} tasks"), &listed);
    for number in FEW..MANY {
        project.copy_task("task-0", &format!("task-{number}"), number)?;
    }
    let mut grown = Contest::against(&format!("the list of {FEW}"), Some(12.0));
    for (round, few) in few.into_iter().enumerate() {
        let took = take(&mut project.wt(&["list"]))?;
        grown.note(round, 0, took);
        grown.note(round, 1, few);
    }
    report.times(site, &format!("list, {MANY} tasks"), &grown);
    Ok(())
}

/// The answer to an agent's question, against starting a program that does nothing.
pub(crate) fn hook(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = Project::make(site.ground, "project-of-hooks", site.files)?;
    for number in 0..FEW {
        let claim = format!("of-task-{number}/**");
        run(&mut project.wt(&["spawn", &format!("task-{number}"), "--owns", &claim]))?;
    }
    let worktree = project.worktree("task-0");
    let own = worktree.join("of-task-0/new.txt");
    let write = question(
        &project,
        &worktree,
        "Write",
        "file_path",
        &own.to_string_lossy(),
    )?;
    let shell = question(
        &project,
        &worktree,
        "Bash",
        "command",
        "git status && ls src",
    )?;
    for (what, dir, file) in [
        ("hook, a write", worktree.clone(), &write),
        ("hook, a command", worktree, &shell),
        ("hook, outside tasks", project.beside(""), &shell),
    ] {
        let ask = || {
            let mut command = project.wt(&["hook", "claude"]);
            command.current_dir(&dir);
            command
        };
        let mut asked = Contest::against("/bin/true", Some(4.0));
        for round in 0..=site.wanted.rounds(site.files) * 5 {
            for who in asked.turns(round) {
                let took = if who == 0 {
                    take_reading(&mut ask(), File::open(file)?)?
                } else {
                    take(&mut project.command("/bin/true", &[]))?
                };
                asked.note(round, who, took);
            }
        }
        report.times(site, what, &asked);
        let started = trace::calls(&ask(), "execve", Some(file))?;
        // The first is its own.
        let children = started.map(|lines| lines.len().saturating_sub(1));
        report.count(site, &format!("{what}: programs started"), children);
    }
    Ok(())
}

fn question(
    project: &Project,
    cwd: &Path,
    tool: &str,
    key: &str,
    value: &str,
) -> anyhow::Result<PathBuf> {
    let text = format!(
        r#"{{"hook_event_name":"PreToolUse","cwd":"{}","tool_name":"{tool}","tool_input":{{"{key}":"{value}"}}}}"#,
        cwd.display()
    );
    let file = project.beside(&format!("question-{key}"));
    std::fs::write(&file, text)?;
    Ok(file)
}
