//! What a killed command left is brought to the state before it, or the state after it.

use crate::error::Refusal;
use crate::land;
use crate::process::Identity;
use crate::quarantine;
use crate::remove;
use crate::spawn;
use crate::store::{JournalEntry, Lock, Operation, Trashed, remove_dir, remove_half_written};
use crate::sync;
use crate::task::State;
use crate::workspace::Workspace;

/// What mending came to.
#[derive(Default)]
pub(crate) struct Mended {
    /// What was done.
    pub(crate) lines: Vec<String>,
    pub(crate) stuck: Vec<Stuck>,
}

/// What can't be mended now.
pub(crate) struct Stuck {
    pub(crate) what: String,
    /// What a person can do about it.
    pub(crate) hint: String,
}

impl Stuck {
    fn new(what: &str, error: &anyhow::Error) -> Self {
        let refusal = error.downcast_ref::<Refusal>();
        let hint = refusal.and_then(|refusal| refusal.hint.clone());
        Self {
            what: format!("{what} can't be mended: {error:#}"),
            hint: hint.unwrap_or_else(|| "see what stands in the way: wt doctor".to_owned()),
        }
    }
}

/// Mends every intent whose process is gone, and says so. Called by each verb that changes the state, and by doctor.
/// One that can't be mended now is said and left: it must not stand in the way of other tasks.
pub(crate) fn mend(ws: &Workspace) -> anyhow::Result<Mended> {
    let mut mended = Mended::default();
    // First of all: what still runs there could write into what is taken back below.
    if !ws.store.dead_folders().is_empty() {
        let _lock = ws.lock()?;
        let what = "the temporary files of a killed command";
        match ws.store.remove_dead_folders() {
            Ok(0) => {}
            Ok(_) => mended.lines.push(format!("{what} are removed")),
            Err(error) => mended.stuck.push(Stuck::new(what, &error)),
        }
    }
    let removed: usize = ws
        .store
        .written_folders()?
        .iter()
        .map(|dir| remove_half_written(dir))
        .sum();
    if removed > 0 {
        let what = "what a killed command left half written in wt's own folders is removed";
        mended.lines.push(what.to_owned());
    }
    for (task, error) in ws.store.damaged_intents()? {
        mended.stuck.push(Stuck {
            what: format!("what was left of a command on task `{task}` can't be told: {error:#}"),
            hint: format!("see that all is well with it (wt show {task}), then remove that file"),
        });
    }
    let intents = ws.store.intents()?;
    for entry in intents.iter().filter(|entry| !entry.process.is_alive()) {
        let done = mend_task(ws, &entry.task).and_then(|line| {
            mended.lines.extend(line);
            if has_landed(entry) {
                spawn::start_followers(ws, &entry.task)?;
            }
            Ok(())
        });
        if let Err(error) = done {
            let what = format!("what was left of a command on task `{}`", entry.task);
            mended.stuck.push(Stuck::new(&what, &error));
        }
    }
    // What stands in the way of one of these must not stop every verb.
    if let Err(error) = mended.start_owed(ws) {
        let what = "the start of what waited for a task that has landed";
        mended.stuck.push(Stuck::new(what, &error));
    }
    if let Err(error) = mended.close_cages(ws) {
        let what = "the cages of killed runs";
        mended.stuck.push(Stuck::new(what, &error));
    }
    if let Err(error) = remove::sweep_left(ws) {
        mended.stuck.push(Stuck::new("the trash", &error));
    }
    mended.tell(ws);
    Ok(mended)
}

impl Mended {
    /// The followers of tasks that had landed when their command was killed.
    fn start_owed(&mut self, ws: &Workspace) -> anyhow::Result<()> {
        for landed in ws.store.followers_owed()? {
            let started = spawn::start_followers(ws, &landed)?;
            let names: Vec<String> = started.into_iter().map(|task| task.name).collect();
            if !names.is_empty() {
                self.lines.push(format!(
                    "what waited for task `{landed}` has started: {}",
                    names.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// The cages whose `wt run` was killed.
    fn close_cages(&mut self, ws: &Workspace) -> anyhow::Result<()> {
        for name in ws.store.open_cages()? {
            match quarantine::close_dead(ws, &name) {
                Ok(true) => self.lines.push(format!(
                    "wt run of task `{name}` was killed; its cage is closed"
                )),
                Ok(false) => {}
                Err(error) => self
                    .stuck
                    .push(Stuck::new(&format!("the cage of task `{name}`"), &error)),
            }
        }
        Ok(())
    }

    fn tell(&self, ws: &Workspace) {
        for line in &self.lines {
            ws.ctx.ui.say(&format!("mended: {line}"));
        }
        for stuck in &self.stuck {
            ws.ctx.ui.warn(&stuck.what);
            ws.ctx.ui.hint(&stuck.hint);
        }
    }
}

/// Whether the task of an intent landed, or may have: a killed landing had no time to start its followers.
fn has_landed(entry: &JournalEntry) -> bool {
    match &entry.operation {
        Operation::Land { .. } => true,
        Operation::Remove { trashed } => trashed.task.state == State::Landed,
        Operation::Spawn { .. }
        | Operation::Forward { .. }
        | Operation::Sync { .. }
        | Operation::Restore { .. }
        | Operation::Release { .. } => false,
    }
}

/// Mends the open intent about one task; nothing where another command did so meanwhile.
fn mend_task(ws: &Workspace, name: &str) -> anyhow::Result<Option<String>> {
    let Turn::Mine(_landing) = turn(ws, name)? else {
        return Ok(None);
    };
    let _task = ws.lock_task(name)?;
    let Some(entry) = find_dead(ws, name)? else {
        return Ok(None);
    };
    // Files are written meanwhile, which may take longer than others wait for the state's lock.
    let writes_files = matches!(
        entry.operation,
        Operation::Land { .. } | Operation::Forward { .. } | Operation::Sync { .. }
    );
    let _lock = (!writes_files).then(|| ws.lock()).transpose()?;
    ws.repo.remove_locks_of(&refs_of(ws, &entry)?)?;
    mend_one(ws, &entry).map(Some)
}

/// The intent about a task, if its process is gone.
fn find_dead(ws: &Workspace, name: &str) -> anyhow::Result<Option<JournalEntry>> {
    let entry = ws.store.find_intent(name)?;
    let me = Identity::current()?;
    Ok(entry.filter(|entry| !entry.process.is_alive() && entry.process != me))
}

/// Whether a task may be mended now.
enum Turn {
    /// With the landing lock of its target, where it was to land.
    Mine(Option<Lock>),
    /// Nothing is left to be mended, or another task lands on its target: whoever does mends it first.
    NotMine,
}

fn turn(ws: &Workspace, name: &str) -> anyhow::Result<Turn> {
    let Some(entry) = find_dead(ws, name)? else {
        return Ok(Turn::NotMine);
    };
    let target = match &entry.operation {
        Operation::Land { .. } => ws.store.find_task(name)?.map(|task| task.target),
        Operation::Forward { target, .. } => Some(target.clone()),
        _ => None,
    };
    let Some(target) = target else {
        return Ok(Turn::Mine(None));
    };
    let lock = ws.store.try_landing_lock(&target)?;
    Ok(lock.map_or(Turn::NotMine, |lock| {
        ws.repo.git.hold(lock.file());
        Turn::Mine(Some(lock))
    }))
}

/// The refs that are the task's alone and that the killed command may have held a lock of.
fn refs_of(ws: &Workspace, entry: &JournalEntry) -> anyhow::Result<Vec<String>> {
    let of = |trashed: &Trashed| {
        vec![
            trashed.task.branch_ref(),
            trashed.branch_ref(),
            trashed.index_ref(),
            trashed.cage_ref(),
        ]
    };
    Ok(match &entry.operation {
        Operation::Remove { trashed } => of(trashed),
        Operation::Restore { id } | Operation::Release { id } => ws
            .store
            .find_trashed(id)?
            .as_ref()
            .map_or_else(Vec::new, of),
        Operation::Spawn { branch, .. } => vec![format!("refs/heads/{branch}")],
        Operation::Sync { .. } => ws
            .store
            .find_task(&entry.task)?
            .map_or_else(Vec::new, |task| vec![task.branch_ref()]),
        Operation::Land { .. } | Operation::Forward { .. } => Vec::new(),
    })
}

fn mend_one(ws: &Workspace, entry: &JournalEntry) -> anyhow::Result<String> {
    let name = &entry.task;
    Ok(match &entry.operation {
        operation @ Operation::Spawn { .. } => {
            spawn::undo(ws, name, operation)?;
            match ws.store.find_task(name)? {
                Some(_) => {
                    format!("task `{name}` was half made; it waits as before: wt spawn {name}")
                }
                None => format!("task `{name}` was half made; it is undone"),
            }
        }
        operation @ Operation::Sync { .. } => sync::recover(ws, name, operation)?,
        Operation::Remove { trashed } => {
            remove::carry_out(ws, trashed)?;
            format!("task `{name}` was half removed; it is removed")
        }
        Operation::Restore { id } => {
            if let Some(trashed) = ws.store.find_trashed(id)? {
                remove::put_back(ws, &trashed)?;
            } else {
                remove_dir(&ws.store.archived_dir(id))?;
                ws.store.settle(name)?;
            }
            format!("task `{name}` was half restored; it is restored")
        }
        Operation::Release { id } => {
            match ws.store.find_trashed(id)? {
                Some(trashed) => {
                    let folder = remove::carry_out_release(ws, &trashed)?;
                    folder.map_or(Ok(()), |folder| remove_dir(&folder))?;
                }
                None => ws.store.settle(name)?,
            }
            format!("task `{name}`, removed before, was half let go; it is gone")
        }
        Operation::Land { .. } | Operation::Forward { .. } => land::recover(ws, entry)?,
    })
}
