//! Carrying a plan out: the worktree and its record, then what comes along and what sets it up.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::NewTask;
use super::ahead;
use super::plan::Plan;
use crate::carry;
use crate::copies;
use crate::donor::{self, Donor, Filling, MainIndex, Purpose, ReadySpare, Source};
use crate::error::{Refusal, some_of};
use crate::git::{NewWorktree, WorktreeBranch, folder_id};
use crate::process::Interrupt;
use crate::remember::{self, About};
use crate::surroundings::capture;
use crate::task::{FolderId, Happening, State, Task};
use crate::warm::{self, Warming};
use crate::workspace::{InForce, Workspace, write_marker};

/// What a new worktree's files and warm folders come from.
pub(super) struct Origins {
    /// Until its files are moved.
    spare: Option<ReadySpare>,
    pub(super) donor: Option<Donor>,
    /// Whether files come from the donor as well.
    clones_files: bool,
}

impl Origins {
    /// What the files come from.
    pub(super) fn of_files(&mut self) -> Source<'_> {
        match (self.spare.take(), &self.donor) {
            (Some(spare), _) => Source::Spare(spare),
            (None, Some(donor)) if self.clones_files => Source::Donor(donor),
            _ => Source::Git,
        }
    }
}

impl Plan {
    /// Looks for what files and warm folders of the worktree come from.
    pub(super) fn origins(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
        main: MainIndex,
    ) -> anyhow::Result<Origins> {
        let tree = ws.repo.read.tree_of(&new.base)?;
        // A worktree of some folders is git's to fill: no other checkout's index knows of them.
        let is_whole = self.folders.is_none();
        let mut spare = None;
        if is_whole {
            spare = donor::find_spare(&ws.repo, &ws.store, &self.worktrees, &tree)?;
        }
        let clones_files = is_whole && spare.is_none();
        let mut donor = None;
        if clones_files {
            donor = donor::choose(main, &ws.store, &self.worktrees, &tree)?;
        } else if !in_force.contract.worktree.warm.is_empty() {
            donor = donor::choose_for_warm(main, &ws.store, &self.worktrees, &tree)?;
        }
        Ok(Origins {
            spare,
            donor,
            clones_files,
        })
    }

    /// Makes branch, worktree and record.
    pub(super) fn make(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
        from: Source,
    ) -> anyhow::Result<Task> {
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
        let admin = ws.add_worktree(&ws.repo, &worktree)?;
        let dir = ws.store.task_dir(&new.name);
        fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        let mut task = self.record(ws, new, in_force, admin)?;
        let about = About {
            task: &new.name,
            brief: new.brief.as_deref(),
            owns: &self.owns,
        };
        remember::pin(ws, &about, in_force.contract.memory.budget);
        // What must be on the disk is brought there before the many files: it would have to wait for all of them.
        let pinned = copies::pin(&ws.repo, &ws.store, &task, in_force)?;
        let mut whole = task.clone();
        copies::foresee(&ws.repo, &mut whole, in_force, &pinned)?;
        let record = ws.store.prepare_task(&whole)?;
        self.fill(ws, &task, from)?;
        let left_alone = copies::place(&ws.repo, &ws.store, &mut task, in_force, &pinned)?;
        for path in left_alone {
            let instead = if Path::new(&path).extension().is_some_and(|e| e == "json") {
                "its hooks are not set here; set them for all folders: wt hook install claude --user"
            } else {
                "tell that agent to read .wt/RULES.md"
            };
            ws.ctx
                .ui
                .warn(&format!("{path} is not wt's and is left alone; {instead}"));
        }
        ws.store.place_task(&task, record)?;
        Ok(task)
    }

    /// Writes the files of a worktree that was just registered.
    fn fill(&self, ws: &Workspace, task: &Task, from: Source) -> anyhow::Result<()> {
        let tree = ws.repo.read.tree_of(&task.base)?;
        let index = ws.store.task_index(&task.name);
        if let Some(folders) = &self.folders {
            let _lock = ws.lock()?;
            ws.repo.make_sparse(&index, &task.admin, folders)?;
        }
        let filling = Filling {
            root: &self.worktree,
            index: &index,
            tree: &tree,
            purpose: Purpose::Work,
        };
        donor::fill_worktree(&ws.repo, from, filling, &task.admin)?;
        ws.repo.fill_submodules(&self.worktree)
    }

    fn record(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
        admin: String,
    ) -> anyhow::Result<Task> {
        let mut task = self.outline(ws, new, in_force)?;
        if let Some(waiting) = &new.waiting {
            // Who made it captured the operator's surroundings; who lands the task before it may be anyone.
            task.environment.clone_from(&waiting.environment);
            task.created = waiting.created;
            task.after.clone_from(&waiting.after);
        }
        task.advance(if task.plans {
            Happening::PlanWanted
        } else {
            Happening::Started
        })?;
        task.folder = folder_id(&self.worktree)?;
        task.admin = admin;
        Ok(task)
    }

    /// Writes a task down that is to start later; nothing else of it is made.
    pub(super) fn write_down(
        &self,
        ws: &Workspace,
        new: &NewTask,
        in_force: &InForce,
    ) -> anyhow::Result<Task> {
        let task = self.outline(ws, new, in_force)?;
        ws.store.save_task(&task)?;
        ws.record(
            &ws.event(&task.name, "waiting")
                .fact("after", task.after.clone())
                .fact("target", task.target.as_str()),
        )?;
        Ok(task)
    }

    /// The record of the task before anything of it is made.
    fn outline(&self, ws: &Workspace, new: &NewTask, in_force: &InForce) -> anyhow::Result<Task> {
        Ok(Task {
            name: new.name.clone(),
            state: State::Waiting,
            attempts: 0,
            unstable: 0,
            target: new.target.clone(),
            branch: self.branch.clone(),
            base: new.base.clone(),
            created: ws.ctx.now,
            worktree: self.worktree.clone(),
            folder: FolderId::default(),
            admin: String::new(),
            brief: new.brief.clone(),
            owns: self.owns.clone(),
            own_rules: new.rules.clone(),
            after: self.after.clone(),
            plans: new.plans || in_force.contract.plan.required,
            plan: None,
            proposal: None,
            environment: capture(ws, in_force),
            ports: self.ports.clone(),
            sparse: ws.repo.sparse_patterns()?,
            folders: self.folders.clone(),
            generated: Vec::new(),
            rules: String::new(),
            gate: String::new(),
            runs: 0,
            judging: None,
            validated: None,
            rejected: None,
            held_back: None,
            landing: None,
        })
    }

    /// Has another checkout made ahead in the place of the one that was taken.
    pub(super) fn make_ahead(&self, ws: &Workspace, new: &NewTask, in_force: &InForce) {
        if self.folders.is_none() {
            let wanted = in_force.contract.worktree.spare;
            ahead::start(ws, wanted, &self.worktrees, &new.target);
        }
    }

    /// Brings warm folders and the carried files along and runs the set-up.
    pub(super) fn finish(
        &self,
        ws: &Workspace,
        task: &Task,
        in_force: &InForce,
        donor: Option<Donor>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        let contract = &in_force.contract.worktree;
        let tree = ws.repo.read.tree_of(&task.base)?;
        if let Some(from) = donor.as_ref().and_then(Donor::warm_root) {
            let to = Warming {
                root: &self.worktree,
                tree: &tree,
                contract,
                stop: &|| interrupt.raised(),
            };
            let brought = warm::bring(&ws.repo, &ws.ctx.ui, from, &to)?;
            if !brought.is_empty() {
                let list = some_of(&brought);
                ws.ctx
                    .ui
                    .say(&format!("warm folders brought along: {list}"));
            }
        }
        // Judges need not wait for the set-up.
        drop(donor);
        let carried = carry::bring(
            &ws.repo,
            self.carried.clone(),
            &self.worktree,
            &tree,
            &task.generated,
            Err,
        )?;
        if !carried.is_empty() {
            ws.ctx
                .ui
                .say(&format!("carried along: {}", some_of(&carried)));
        }
        if !contract.setup.is_empty() {
            self.set_up(ws, task, in_force, interrupt)?;
        }
        if interrupt.raised() {
            anyhow::bail!("interrupted");
        }
        Ok(())
    }
}
