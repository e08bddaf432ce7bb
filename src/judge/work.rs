//! The judge: a process of its own session that carries out one order and settles it.

mod blame;
mod culprit;
mod first;
mod steps;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::confine::Cages;
use crate::ctx::Ctx;
use crate::error::Code;
use crate::gate::{Order, Phase, Progress, Receipt, Verdict};
use crate::git::Repo;
use crate::process::{self, Identity, Interrupt};
use crate::store::{read_json, remove_dir, write_json, write_json_shown};
use crate::workspace::Workspace;

use super::order::standing_receipt;
use super::past::load_run;
use super::settle::settle;
use super::slot::{Slot, Tenant, Wanted, acquire, worktrees_of};
use blame::Failed;
use steps::{Command, Ran};

/// Carries out run `run` of `task` in the repository at `common`. Nobody but [`super::launch`] calls this: a judge
/// that the record does not name goes away without a word.
pub(crate) fn work(ctx: &Ctx, common: &Path, task: &str, run: u32) -> anyhow::Result<Code> {
    let ws = Workspace::at(ctx, common)?;
    let interrupt = Interrupt::install(&[SIGINT, SIGTERM, SIGHUP])?;
    let record = {
        let _lock = ws.lock_task(task)?;
        let named: Option<Identity> = read_json(&ws.store.run_dir(task, run).join("judge.json"))?;
        let record = ws.store.require_task(task)?;
        if record.judging != Some(run) || named != Some(Identity::current()?) {
            return Ok(Code::Ok);
        }
        record
    };
    let (order, progress) = load_run(&ws, task, run)?;
    let repo = ws.repo_for(&record);
    let dir = ws.store.run_dir(task, run);
    let mut judge = Judge {
        ws: &ws,
        repo,
        order,
        progress,
        dir,
        interrupt,
        target: record.target.clone(),
        cages: None,
        alone: None,
    };
    let verdict = judge
        .run(&record.worktree)
        .unwrap_or_else(|error| Verdict::Fault {
            message: format!("{error:#}"),
        });
    judge.end(verdict)
}

struct Judge<'w> {
    ws: &'w Workspace<'w>,
    repo: Repo,
    order: Order,
    progress: Progress,
    dir: PathBuf,
    interrupt: Interrupt,
    /// Short name of the branch that the contract stands on.
    target: String,
    /// What set-up and steps run in, once slot and temporary folder are known.
    cages: Option<Cages>,
    /// Whether the step that failed can be run without those before it, once that was seen.
    alone: Option<bool>,
}

impl Judge<'_> {
    /// Judges the order in a slot beside `worktree`.
    fn run(&mut self, worktree: &Path) -> anyhow::Result<Verdict> {
        process::adopt_orphans().context("can't adopt the orphans of steps")?;
        let worktrees = worktrees_of(worktree)?;
        let Some(mut slot) = self.wait_for_slot(&worktrees)? else {
            return Ok(Verdict::Interrupted);
        };
        self.enter(Phase::Preparing)?;
        let temporary = self.ws.store.private_folder()?;
        let tenant = Tenant {
            task: self.order.task.clone(),
            process: Identity::current()?,
        };
        slot.occupy(temporary.path(), tenant, self.ws.ctx.time())?;
        self.progress.temporary = Some(temporary.path().to_owned());
        self.save()?;
        // Where it fails, something of a step may have survived: the slot stays taken, for the next judge to make anew.
        let verdict = self.judge_in(&mut slot, temporary.path())?;
        // What can't be cleared away is no part of the verdict.
        let cleared = remove_dir(temporary.path()).and_then(|()| {
            self.progress.temporary = None;
            slot.leave(self.ws.ctx.time())
        });
        if let Err(error) = cleared {
            self.ws.ctx.ui.warn(&format!("{error:#}"));
        }
        Ok(verdict)
    }

    fn wait_for_slot(&mut self, worktrees: &Path) -> anyhow::Result<Option<Slot>> {
        let wanted = Wanted {
            task: &self.order.task,
            worktrees,
            slots: self.order.contract.judge.slots,
        };
        let (file, progress) = (self.dir.join("progress.json"), &mut self.progress);
        let slot = acquire(&self.ws.store, &wanted, &self.interrupt, |ahead| {
            progress.ahead = Some(ahead);
            // Whoever follows is told later, or not at all.
            let _ = write_json_shown(&file, progress);
        })?;
        self.progress.ahead = None;
        Ok(slot)
    }

    fn judge_in(&mut self, slot: &mut Slot, temporary: &Path) -> anyhow::Result<Verdict> {
        let verdict = self.run_gate(slot, temporary)?;
        match (verdict, self.progress.failed_step().cloned()) {
            (Verdict::Failed { first, denied, .. }, Some(step)) => {
                let failed = Failed {
                    step,
                    first,
                    denied,
                };
                self.blame(slot, temporary, failed)
            }
            (verdict, _) => Ok(verdict),
        }
    }

    /// Set-up and steps on the candidate, to the first that does not pass.
    fn run_gate(&mut self, slot: &mut Slot, temporary: &Path) -> anyhow::Result<Verdict> {
        let order = self.order.clone();
        let (needs_set_up, environment) = self.bring(slot, temporary, &order)?;
        if needs_set_up {
            if let Some(verdict) = self.set_up(slot, &environment)? {
                return Ok(verdict);
            }
            slot.set_up(&self.repo, &order)?;
        }
        for step in order.steps() {
            let ran = self.command(slot, &environment, &Command::of_step(step))?;
            if let Some(verdict) = self.verdict_after(slot, &ran, &step.name)? {
                return Ok(verdict);
            }
        }
        self.receipt()
    }

    /// The verdict that a command's end is, if it is one: a failure stands whatever else the command did.
    fn verdict_after(&self, slot: &Slot, ran: &Ran, name: &str) -> anyhow::Result<Option<Verdict>> {
        match (ran, self.progress.steps.last()) {
            (Ran::Failed, Some(step)) => {
                let log = self.dir.join(&step.log);
                return Ok(Some(Verdict::Failed {
                    first: self.first_failure(slot, step, &log),
                    denied: self.denied(slot, step, &log),
                    culprit: None,
                    unsure: None,
                }));
            }
            (Ran::Interrupted, _) => return Ok(Some(Verdict::Interrupted)),
            (Ran::NoRoom(words), _) => {
                let message = words.clone();
                return Ok(Some(Verdict::Fault { message }));
            }
            _ => {}
        }
        if !slot.is_there() {
            let paths = vec![".".to_owned()];
            return Ok(Some(Verdict::Unstable {
                step: name.to_owned(),
                paths,
            }));
        }
        let paths = slot.changed(&self.repo, &self.order.candidate.commit)?;
        Ok((!paths.is_empty()).then(|| Verdict::Unstable {
            step: name.to_owned(),
            paths,
        }))
    }

    /// Stores the receipt of a run whose every selected step passed.
    fn receipt(&self) -> anyhow::Result<Verdict> {
        let mut receipt = Receipt {
            tree: self.order.candidate.tree.clone(),
            gate: self.order.gate.clone(),
            environment: self.order.environment.clone(),
            fingerprint: self.order.fingerprint.clone(),
            steps: self.progress.steps.clone(),
            confined: self.cages.is_some(),
            task: self.order.task.clone(),
            commit: self.order.candidate.commit.clone(),
            at: self.ws.ctx.time(),
            withdrawn: None,
        };
        let key = receipt.key();
        if let Some(older) = standing_receipt(&self.ws.store, &key) {
            receipt.absorb(older);
        }
        write_json(&self.ws.store.receipt_file(&key), &receipt)?;
        Ok(Verdict::Passed { receipt: key })
    }

    fn end(mut self, verdict: Verdict) -> anyhow::Result<Code> {
        self.progress.phase = Phase::Done;
        self.progress.verdict = Some(verdict);
        self.save()?;
        let _lock = self.ws.lock_task(&self.order.task)?;
        if let Some(mut task) = self.ws.store.find_task(&self.order.task)? {
            settle(self.ws, &mut task, &self.order, &self.progress)?;
        }
        Ok(Code::Ok)
    }

    fn enter(&mut self, phase: Phase) -> anyhow::Result<()> {
        self.progress.phase = phase;
        // No verdict depends on the phase; every step's end is written to the disk.
        write_json_shown(&self.dir.join("progress.json"), &self.progress)
    }

    fn save(&self) -> anyhow::Result<()> {
        write_json(&self.dir.join("progress.json"), &self.progress)
    }
}
