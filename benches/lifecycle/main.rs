//! The life of a task against plain git: whole processes, in pairs, on a filesystem of their own where that can be had.
#![allow(clippy::disallowed_methods, reason = "a benchmark is set by variables")]

mod claims;
mod ground;
mod landings;
mod measure;
mod project;
mod table;

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};

use ground::Ground;
use landings::Landings;
use measure::{Pairs, Side, Took, run, take};
use project::Project;
use table::Table;

/// What is asked for, by variables `WT_BENCH_…`.
struct Wanted {
    /// How many files each repository has.
    files: Vec<usize>,
    /// How many pairs of each kind are measured, after one that is not.
    pairs: usize,
    /// How many tasks are listed.
    tasks: usize,
    /// How many tasks have a claim, of four globs each.
    claims: usize,
    /// How many paths are held against those claims.
    paths: usize,
    /// How many validated tasks are landed, each number one by one and as a train.
    landings: Vec<usize>,
}

impl Wanted {
    fn read() -> anyhow::Result<Self> {
        let variable =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let number = |name: &str, default: &str| -> anyhow::Result<usize> {
            let text = variable(name, default);
            text.parse().with_context(|| format!("{name}={text}"))
        };
        let numbers = |name: &str, default: &str| -> anyhow::Result<Vec<usize>> {
            let text = variable(name, default);
            text.split(',')
                .map(str::trim)
                .filter(|number| !number.is_empty())
                .map(str::parse)
                .collect::<Result<_, _>>()
                .with_context(|| format!("{name}={text}"))
        };
        let wanted = Self {
            files: numbers("WT_BENCH_FILES", "1000,20000")?,
            landings: numbers("WT_BENCH_LANDINGS", "1,10,50")?,
            pairs: number("WT_BENCH_PAIRS", "7")?,
            tasks: number("WT_BENCH_TASKS", "50")?,
            claims: number("WT_BENCH_CLAIMS", "1000")?,
            paths: number("WT_BENCH_PATHS", "100000")?,
        };
        ensure!(wanted.pairs > 0, "WT_BENCH_PAIRS must be 1 or more");
        ensure!(wanted.claims > 0, "WT_BENCH_CLAIMS must be 1 or more");
        Ok(wanted)
    }
}

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` starts this too; only `cargo bench` means it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let wanted = Wanted::read()?;
    measure::begin()?;
    let ground = Ground::make()?;
    let mut table = Table::default();
    for &files in &wanted.files {
        say(&format!("{files} files"));
        let project = Project::make(&ground, &format!("project-{files}"), files)?;
        spawn_and_remove(&project, wanted.pairs, &mut table)?;
        validate(&project, wanted.pairs, &mut table)?;
    }
    if let Some(&files) = wanted.files.iter().min() {
        say(&format!("{} tasks", wanted.tasks));
        let project = Project::make(&ground, "project-of-many", files)?;
        list(&project, &wanted, &mut table)?;
    }
    say(&format!(
        "{} tasks with claims, {} paths",
        wanted.claims, wanted.paths
    ));
    let project = Project::of_names(&ground, "project-of-claims", wanted.paths)?;
    claims::measure(&project, wanted.claims, wanted.pairs, &mut table)?;
    let mut landings = Landings::default();
    if let (Some(&files), false) = (wanted.files.iter().max(), wanted.landings.is_empty()) {
        let project = Project::make(&ground, "project-of-landings", files)?;
        for &tasks in &wanted.landings {
            say(&format!("{tasks} landings on {files} files"));
            landings.measure(&project, tasks)?;
        }
    }
    let text = format!(
        "\n{}\n{}{}\n",
        ground.description()?,
        table.render(),
        landings.render()
    );
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// A branch with a worktree made, and taken away again.
fn spawn_and_remove(project: &Project, pairs: usize, table: &mut Table) -> anyhow::Result<()> {
    let (mut made, mut removed) = (Pairs::default(), Pairs::default());
    for round in 0..=pairs {
        let task = format!("task-{round}");
        let branch = format!("plain-{round}");
        let folder = project.beside(&branch);
        for side in Side::order(round) {
            let took = match side {
                Side::Wt => take(&mut project.wt(&["spawn", &task]))?,
                Side::Git => {
                    let mut add = project.git(&["worktree", "add", "-b", &branch]);
                    take(add.arg(&folder))?
                }
            };
            made.add(round, side, took);
        }
        for side in Side::order(round) {
            let took = match side {
                Side::Wt => take(&mut project.wt(&["rm", &task]))?,
                Side::Git => {
                    let mut remove = project.git(&["worktree", "remove", "--force"]);
                    take(remove.arg(&folder))?
                }
            };
            removed.add(round, side, took);
        }
        ensure!(!project.worktree(&task).exists(), "the task is still there");
        run(&mut project.git(&["branch", "-q", "-D", &branch]))?;
    }
    let against = "git worktree add -b";
    table.times("spawn", project.files, against, &made);
    let against_removal = "git worktree remove --force";
    table.times(
        "rm, to the prompt",
        project.files,
        against_removal,
        &removed,
    );
    table.peaks("spawn", project.files, against, &made);
    Ok(())
}

/// A validation whose gate is `true`, so that all it takes is `wt`'s own; then the same again, answered from its
/// receipt.
fn validate(project: &Project, pairs: usize, table: &mut Table) -> anyhow::Result<()> {
    let worktree = project.worktree("judged");
    run(&mut project.wt(&["spawn", "judged"]))?;
    let (mut judged, mut known) = (Pairs::default(), Pairs::default());
    // The round that is not counted makes the slot.
    for round in 0..=pairs {
        project.change(&worktree, round)?;
        for side in Side::order(round) {
            judged.add(
                round,
                side,
                validate_or_status(project, &worktree, side, 1)?,
            );
        }
        for side in Side::order(round) {
            known.add(
                round,
                side,
                validate_or_status(project, &worktree, side, 0)?,
            );
        }
    }
    let against = "git status";
    table.times("validate, gate `true`", project.files, against, &judged);
    table.times("validate, from a receipt", project.files, against, &known);
    table.peaks("validate", project.files, against, &judged);
    run(&mut project.wt(&["rm", "--force", "judged"]))
}

fn validate_or_status(
    project: &Project,
    worktree: &Path,
    side: Side,
    steps: usize,
) -> anyhow::Result<Took> {
    let mut command = match side {
        Side::Wt => project.wt(&["validate"]),
        Side::Git => project.git(&["status"]),
    };
    let took = take(command.current_dir(worktree))?;
    if side == Side::Wt {
        let said = format!("VALIDATION_OK steps={steps} ");
        ensure!(took.out.starts_with(&said), "no {said:?} in {:?}", took.out);
    }
    Ok(took)
}

/// Where all tasks stand, against asking git in each worktree.
fn list(project: &Project, wanted: &Wanted, table: &mut Table) -> anyhow::Result<()> {
    let tasks: Vec<String> = (0..wanted.tasks).map(|n| format!("task-{n}")).collect();
    for task in &tasks {
        // So that what others own is to be read, too.
        run(&mut project.wt(&["spawn", task, "--owns", &format!("of-{task}/**")]))?;
    }
    let mut listed = Pairs::default();
    for round in 0..=wanted.pairs {
        for side in Side::order(round) {
            let took = match side {
                Side::Wt => take(&mut project.wt(&["list"]))?,
                Side::Git => tasks
                    .iter()
                    .map(|task| take(project.git(&["status"]).current_dir(project.worktree(task))))
                    .sum::<anyhow::Result<Took>>()?,
            };
            listed.add(round, side, took);
        }
    }
    let what = format!("list, {} tasks", tasks.len());
    table.times(&what, project.files, "git status in each", &listed);
    hook(project, wanted, table)
}

/// What an agent waits for before each tool call, against the least that a git command takes.
fn hook(project: &Project, wanted: &Wanted, table: &mut Table) -> anyhow::Result<()> {
    let worktree = project.worktree("task-0");
    let own = worktree.join("of-task-0/new.txt");
    let question = |cwd: &Path, tool: &str, key: &str, value: &str| {
        let text = format!(
            r#"{{"hook_event_name":"PreToolUse","cwd":"{}","tool_name":"{tool}","tool_input":{{"{key}":"{value}"}}}}"#,
            cwd.display()
        );
        let file = project.beside(&format!("question-{key}"));
        std::fs::write(&file, text).map(|()| file)
    };
    let write = question(&worktree, "Write", "file_path", &own.to_string_lossy())?;
    let shell = question(&worktree, "Bash", "command", "git status && ls src")?;
    for (what, dir, file) in [
        ("hook, a write", worktree.clone(), &write),
        ("hook, a command", worktree, &shell),
        ("hook, outside tasks", project.beside(""), &shell),
    ] {
        let mut asked = Pairs::default();
        for round in 0..=wanted.pairs * 5 {
            for side in Side::order(round) {
                let took = match side {
                    Side::Wt => {
                        let file = std::fs::File::open(file)?;
                        let mut command = project.wt(&["hook", "claude"]);
                        measure::take_reading(command.current_dir(&dir), file)?
                    }
                    Side::Git => take(&mut project.git(&["rev-parse", "--git-dir"]))?,
                };
                asked.add(round, side, took);
            }
        }
        table.times(what, project.files, "git rev-parse --git-dir", &asked);
    }
    Ok(())
}

/// What goes on, beside the table.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "measuring: {what}");
}
