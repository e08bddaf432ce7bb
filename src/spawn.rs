//! Making a task: branch, worktree, record, copies and set-up; all of it or nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::carry;
use crate::copies;
use crate::error::{Code, Refusal, some_of};
use crate::failure;
use crate::git::{NewWorktree, WorktreeBranch, folder_id};
use crate::oid::Oid;
use crate::process::{self, End, Interrupt, Job};
use crate::scope::{Overlap, overlap};
use crate::store::{Operation, remove_dir};
use crate::surroundings::{capture, step_environment};
use crate::task::{State, Task, check_name};
use crate::workspace::{InForce, MARKER, Workspace, write_marker};

const SET_UP_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Free space that is left to the machine beside what the worktree takes, in bytes.
const SPARE: u64 = 64 << 20;

/// A task to be made.
pub(crate) struct NewTask {
    pub(crate) name: String,
    pub(crate) brief: Option<String>,
    pub(crate) base: Oid,
    /// Short name of the branch it lands on.
    pub(crate) target: String,
    pub(crate) owns: Vec<String>,
}

/// Makes a task; any failure undoes what was made.
///
/// # Errors
/// A refusal for whatever stands in the way, found before anything is made; set-up's own failure.
pub(crate) fn spawn(ws: &Workspace, new: &NewTask) -> anyhow::Result<Task> {
    check_name(&new.name)?;
    let interrupt = Interrupt::install(&[SIGINT, SIGTERM])?;
    let _task_lock = ws.lock_task(&new.name)?;
    let tip = ws.repo.read.tip(&format!("refs/heads/{}", new.target))?;
    let tip = tip.ok_or_else(|| {
        Refusal::refused(format!("the target {:?} is no branch", new.target))
            .hint("name the branch that the task is to land on: --target <branch>")
    })?;
    let in_force = ws.in_force(&new.target, &tip)?;
    for line in &in_force.assumptions {
        ws.ctx
            .ui
            .say(&format!("no wt.toml on {}: {line}", new.target));
    }
    let plan = {
        let _lock = ws.lock()?;
        let plan = Plan::check(ws, new, &in_force)?;
        // From here on the intent holds name and claim, so that other spawns need not wait for this one.
        let intent = plan.operation(&new.base);
        ws.store
            .intend(&new.name, &process::Identity::current()?, intent)?;
        plan
    };
    let make = || -> anyhow::Result<Task> {
        let bar = ws
            .ctx
            .ui
            .progress(&format!("{}: making the worktree", new.name));
        let task = plan.make(ws, new, &in_force)?;
        drop(bar);
        plan.finish(ws, &task, &in_force, &interrupt)?;
        Ok(task)
    };
    match make() {
        Ok(task) => {
            ws.store.settle(&task.name)?;
            ws.record(
                &ws.event(&task.name, "spawned")
                    .fact("base", task.base.as_str())
                    .fact("target", task.target.as_str()),
            )?;
            Ok(task)
        }
        Err(error) => {
            let _lock = ws.lock()?;
            undo(ws, &new.name, &plan.operation(&new.base))?;
            Err(if interrupt.raised() {
                Refusal::new(
                    Code::Interrupted,
                    format!("interrupted; task `{}` was not made", new.name),
                )
                .into()
            } else {
                error.context(format!(
                    "task `{}` was not made; what had been made is undone",
                    new.name
                ))
            })
        }
    }
}

/// What will be made, once nothing stands in the way.
struct Plan {
    /// The claim, each glob in its normal form.
    owns: Vec<String>,
    branch: String,
    worktree: PathBuf,
    worktrees: PathBuf,
}

impl Plan {
    fn check(ws: &Workspace, new: &NewTask, in_force: &InForce) -> anyhow::Result<Self> {
        let worktrees = ws.worktrees_dir(in_force);
        let mut plan = Self {
            owns: Vec::new(),
            branch: in_force
                .contract
                .worktree
                .branch
                .replace("{task}", &new.name),
            worktree: worktrees.join(&new.name),
            worktrees,
        };
        plan.check_names(ws, new)?;
        plan.owns = check_claim(ws, new, in_force)?;
        plan.check_disk(ws)?;
        Ok(plan)
    }

    fn check_names(&self, ws: &Workspace, new: &NewTask) -> anyhow::Result<()> {
        for other in ws.taken_names()? {
            if other == new.name {
                return Err(
                    Refusal::refused(format!("there is a task `{other}` already"))
                        .hint(format!(
                            "go on with it: cd \"$(wt path {other})\", or take another name"
                        ))
                        .into(),
                );
            }
            if other.to_lowercase() == new.name.to_lowercase() {
                return Err(Refusal::refused(format!(
                    "task name `{}` differs from `{other}` by case alone",
                    new.name
                ))
                .hint("take another name")
                .into());
            }
        }
        if !ws.repo.is_branch_name(&self.branch)? {
            return Err(Refusal::refused(format!(
                "{:?} is no valid name for a branch",
                self.branch
            ))
            .hint("take another name, or mend `branch` under [worktree] in wt.toml")
            .into());
        }
        let reference = format!("refs/heads/{}", self.branch);
        if ws.repo.read.tip(&reference)?.is_some()
            || ws.repo.read.symbolic_target(&reference)?.is_some()
        {
            return Err(
                Refusal::refused(format!("the branch {} exists already", self.branch))
                    .hint(format!(
                        "take another name, or rename that branch: git branch -m {} <new name>",
                        self.branch
                    ))
                    .into(),
            );
        }
        if let Some(other) = self.branch_on_the_way(ws)? {
            return Err(Refusal::refused(format!(
                "the branch {other} leaves no room for {}: git keeps one as a folder of the other",
                self.branch
            ))
            .hint(format!(
                "rename it: git branch -m {other} <new name>; or set another `branch` under [worktree] in wt.toml"
            ))
            .into());
        }
        if fs::symlink_metadata(&self.worktree).is_ok() {
            return Err(
                Refusal::refused(format!("{} exists already", self.worktree.display()))
                    .hint("move it away, or take another name (left-overs of wt: wt doctor)")
                    .into(),
            );
        }
        Ok(())
    }

    /// A branch whose name lies above the new one's, or below it.
    fn branch_on_the_way(&self, ws: &Workspace) -> anyhow::Result<Option<String>> {
        for (end, _) in self.branch.match_indices('/') {
            let above = &self.branch[..end];
            if ws.repo.read.tip(&format!("refs/heads/{above}"))?.is_some() {
                return Ok(Some(above.to_owned()));
            }
        }
        let below = format!("refs/heads/{}/", self.branch);
        Ok(ws.repo.branches_below(&below)?.into_iter().next())
    }

    fn check_disk(&self, ws: &Workspace) -> anyhow::Result<()> {
        let Some(place) = self.worktrees.ancestors().find(|dir| dir.is_dir()) else {
            return Ok(());
        };
        let Ok(stat) = rustix::fs::statvfs(place) else {
            return Ok(());
        };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let needed = ws.repo.read.checkout_size().saturating_add(SPARE);
        if free < needed {
            return Err(Refusal::refused(format!(
                "too little disk at {}: {} MB are free, the worktree takes {} MB",
                place.display(),
                free >> 20,
                needed >> 20
            ))
            .hint("free some space: wt list --all shows what tasks are there; wt rm <task>")
            .into());
        }
        Ok(())
    }

    fn operation(&self, base: &Oid) -> Operation {
        Operation::Spawn {
            branch: self.branch.clone(),
            base: base.clone(),
            worktree: self.worktree.clone(),
            owns: self.owns.clone(),
        }
    }

    /// Makes branch, worktree and record.
    fn make(&self, ws: &Workspace, new: &NewTask, in_force: &InForce) -> anyhow::Result<Task> {
        fs::create_dir_all(&self.worktrees).map_err(|error| {
            Refusal::refused(format!("can't make {}: {error}", self.worktrees.display()))
                .hint("make the folder writable, or set another `path` under [worktree] in wt.toml")
        })?;
        write_marker(&self.worktrees, ws.repo.common())?;
        let worktree = NewWorktree {
            path: &self.worktree,
            branch: WorktreeBranch::New(&self.branch),
            base: &new.base,
        };
        let admin = ws.repo.add_worktree(&worktree)?;
        let index = ws.store.task_index(&new.name);
        fs::create_dir_all(ws.store.task_dir(&new.name))?;
        let tree = ws.repo.read.tree_of(&new.base)?;
        ws.repo
            .fill_worktree(&self.worktree, &index, &admin, &tree)?;
        ws.repo.fill_submodules(&self.worktree)?;
        let mut task = self.record(ws, new, in_force, admin)?;
        let left_alone = copies::write(&ws.repo, &ws.store, &mut task, in_force)?;
        for path in left_alone {
            ws.ctx.ui.warn(&format!(
                "{path} is not wt's and is left alone; tell that agent to read .wt/RULES.md"
            ));
        }
        ws.store.save_task(&task)?;
        Ok(task)
    }

    fn record(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
        admin: String,
    ) -> anyhow::Result<Task> {
        let worktrees = self.worktrees.clone();
        let is_agents = |entry: &Path| {
            entry
                .strip_prefix(&worktrees)
                .is_ok_and(|inside| !inside.to_string_lossy().starts_with('_'))
        };
        let environment = capture(
            &ws.ctx.environment,
            &in_force.contract,
            ws.repo.git.program(),
            is_agents,
        );
        Ok(Task {
            name: new.name.clone(),
            state: State::Working,
            attempts: 0,
            unstable: 0,
            target: new.target.clone(),
            branch: self.branch.clone(),
            base: new.base.clone(),
            created: ws.ctx.now,
            worktree: self.worktree.clone(),
            folder: folder_id(&self.worktree)?,
            admin,
            brief: new.brief.clone(),
            owns: self.owns.clone(),
            environment,
            sparse: ws.repo.sparse_patterns()?,
            generated: Vec::new(),
            rules: String::new(),
            gate: String::new(),
            runs: 0,
            judging: None,
            validated: None,
            rejected: None,
            landing: None,
        })
    }

    /// Brings the carried files along and runs the set-up.
    fn finish(
        &self,
        ws: &Workspace,
        task: &Task,
        in_force: &InForce,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        let contract = &in_force.contract.worktree;
        let carried = carry::bring(&ws.repo, &contract.carry, &self.worktree, Err)?;
        if !carried.is_empty() {
            ws.ctx
                .ui
                .say(&format!("carried along: {}", some_of(&carried)));
        }
        for command in &contract.setup {
            let bar = ws
                .ctx
                .ui
                .progress(&format!("{}: set-up: {command}", task.name));
            let log = ws
                .store
                .root()
                .join("logs")
                .join(format!("{}.set-up.log", task.name));
            fs::create_dir_all(ws.store.root().join("logs"))?;
            let outcome = process::run(&Job {
                command,
                dir: &self.worktree,
                env: &step_environment(&task.environment),
                log: &log,
                timeout: SET_UP_LIMIT,
                interrupt,
            })?;
            drop(bar);
            match outcome.end {
                End::Exited(0) => {}
                End::Interrupted => anyhow::bail!("interrupted"),
                end => return Err(set_up_failed(&self.worktree, command, end, &log).into()),
            }
        }
        if interrupt.raised() {
            anyhow::bail!("interrupted");
        }
        Ok(())
    }
}

fn set_up_failed(worktree: &Path, command: &str, end: End, log: &Path) -> Refusal {
    let bytes = process::tail(log, 1 << 20).unwrap_or_default();
    let first = failure::first_failure(&bytes, &[&worktree.to_string_lossy()]);
    let how = match end {
        End::Exited(status) => format!("exit status {status}"),
        End::Killed { signal, .. } => format!("signal {signal}"),
        End::TimedOut => "it took too long".to_owned(),
        End::Interrupted => "interrupted".to_owned(),
    };
    let mut message = format!(
        "the set-up command `{command}` failed ({how}): {}",
        first.title
    );
    for line in first.excerpt.iter().take(10) {
        message.push_str("\n  ");
        message.push_str(line);
    }
    Refusal::new(Code::No, message).hint(format!(
        "full log: {}; mend it, or change `setup` under [worktree] in wt.toml on the target",
        log.display()
    ))
}

/// Refuses a claim that a live task's claim could meet; answers it in its normal form.
fn check_claim(ws: &Workspace, new: &NewTask, in_force: &InForce) -> anyhow::Result<Vec<String>> {
    let claims = ws.claims(&ws.repo, &new.name, &new.owns, in_force)?;
    if claims.own.is_empty() {
        if in_force.contract.scope.required {
            return Err(
                Refusal::refused("every task here must say which paths it owns")
                    .hint("wt spawn <task> --owns 'src/auth/**' …")
                    .into(),
            );
        }
        return Ok(Vec::new());
    }
    for other in &claims.others {
        let task = &other.task;
        let message = match overlap(&claims.own, &other.globs, &claims.shared) {
            Overlap::None => continue,
            Overlap::Witness { path, left, right } => {
                format!("`{left}` and `{right}`, which task `{task}` owns, both hold {path}")
            }
            Overlap::Assumed { left, right } => format!(
                "`{left}` and `{right}`, which task `{task}` owns, are too large to compare, so they are taken to overlap"
            ),
        };
        return Err(Refusal::refused(message)
            .hint(format!("narrow the claim, or take paths out of it: --owns '!<glob>' (the other's: wt show {task})"))
            .into());
    }
    Ok(claims.own.patterns().to_vec())
}

/// Takes back whatever a spawn that did not end well has made. Safe to repeat. The lock of the state must be held:
/// another spawn could be at work in the same folder of worktrees.
pub(crate) fn undo(ws: &Workspace, name: &str, operation: &Operation) -> anyhow::Result<()> {
    let Operation::Spawn {
        branch,
        base,
        worktree,
        ..
    } = operation
    else {
        return Ok(());
    };
    remove_dir(worktree)?;
    for admin in ws.repo.admins_of(worktree)? {
        ws.repo.forget_worktree(&admin)?;
    }
    let reference = format!("refs/heads/{branch}");
    if ws.repo.read.tip(&reference)?.as_ref() == Some(base) {
        ws.repo
            .move_ref(&reference, Some(base), None, "wt: spawn undone")?;
    }
    remove_dir(&ws.store.task_dir(name))?;
    let others = ws.taken_names()?.iter().any(|taken| taken != name);
    if let (Some(worktrees), false) = (worktree.parent(), others) {
        remove_if_only_marker(worktrees);
    }
    ws.store.settle(name)
}

/// The folder of the worktrees goes again if nothing but the marker is in it.
fn remove_if_only_marker(worktrees: &Path) {
    let Ok(entries) = fs::read_dir(worktrees) else {
        return;
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    if names.iter().all(|name| name == MARKER) {
        let _ = fs::remove_file(worktrees.join(MARKER));
        let _ = fs::remove_dir(worktrees);
    }
}
