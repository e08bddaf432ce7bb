//! The judge: a process of its own session that carries out one order and settles it.

mod blame;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::confine::{self, Cages, Doors, Workplace};
use crate::contract::{Kind, Step, Timeout};
use crate::ctx::Ctx;
use crate::error::Code;
use crate::failure;
use crate::gate::{Ended, Order, Phase, Progress, Receipt, StepResult, Verdict};
use crate::git::Repo;
use crate::process::{self, End, Identity, Interrupt, Job};
use crate::store::{read_json, remove_dir, write_json, write_json_shown};
use crate::surroundings::{SET_UP_MINUTES, private_folder};
use crate::workspace::Workspace;

use super::order::find_receipt;
use super::settle::{load_run, settle};
use super::slot::{Slot, Tenant, Wanted, acquire, steps_folder, worktrees_of};

/// Name of the set-up among the steps of a run.
const SET_UP: &str = "set-up";
const SET_UP_LIMIT: Timeout = Timeout::from_minutes(SET_UP_MINUTES);

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
}

/// What one command came to.
enum Ran {
    Passed,
    Failed,
    Interrupted,
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
        let temporary = private_folder()?;
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
        let prepared = slot.prepare(self.ws, &self.repo, &self.order);
        let needs_set_up = if let Ok(needs_set_up) = prepared {
            needs_set_up
        } else {
            // What a step of another judging left may be beyond git's cleaning; a new slot has nothing of it.
            slot.move_away()?;
            slot.prepare(self.ws, &self.repo, &self.order)?
        };
        let environment = self.confine(slot, temporary)?;
        if needs_set_up {
            if let Some(verdict) = self.set_up(slot, &environment)? {
                return Ok(verdict);
            }
            slot.set_up(&self.repo, &self.order)?;
        }
        let steps: Vec<Step> = self.order.steps().cloned().collect();
        for step in &steps {
            let ran = self.step(slot, &environment, step)?;
            if let Some(verdict) = self.verdict_after(slot, &ran, &step.name)? {
                return Ok(verdict);
            }
        }
        self.receipt()
    }

    /// The verdict that a command's end is, if it is one: a failure stands whatever else the command did.
    fn verdict_after(&self, slot: &Slot, ran: &Ran, name: &str) -> anyhow::Result<Option<Verdict>> {
        match ran {
            Ran::Interrupted => return Ok(Some(Verdict::Interrupted)),
            Ran::Failed => {
                return Ok(Some(Verdict::Failed {
                    first: self.first_failure(slot),
                    denied: self.denied(slot),
                }));
            }
            Ran::Passed => {}
        }
        if !slot.is_there() {
            let paths = vec![".".to_owned()];
            return Ok(Some(Verdict::Unstable {
                step: name.to_owned(),
                paths,
            }));
        }
        let paths = slot.changed(&self.repo)?;
        Ok((!paths.is_empty()).then(|| Verdict::Unstable {
            step: name.to_owned(),
            paths,
        }))
    }

    fn set_up(
        &mut self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
    ) -> anyhow::Result<Option<Verdict>> {
        let commands = self.order.contract.worktree.setup.clone();
        for command in &commands {
            let ran = self.command(slot, environment, &Command::of_set_up(command))?;
            if let Ran::Passed = ran {
                // Only the gate's steps stand in a receipt.
                self.progress.steps.pop();
            }
            if let Some(verdict) = self.verdict_after(slot, &ran, SET_UP)? {
                return Ok(Some(verdict));
            }
        }
        Ok(None)
    }

    fn step(
        &mut self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
        step: &Step,
    ) -> anyhow::Result<Ran> {
        self.command(
            slot,
            environment,
            &Command {
                name: &step.name,
                kind: step.kind,
                run: &step.run,
                limit: step.timeout.duration(),
                must_run_tests: step.kind == Kind::Test && !step.allow_empty,
                is_set_up: false,
            },
        )
    }

    /// Runs one command in the slot and writes down how it ended before anything else happens.
    fn command(
        &mut self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
        command: &Command,
    ) -> anyhow::Result<Ran> {
        self.enter(Phase::Running(command.name.to_owned()))?;
        let log = format!("{}.log", command.name);
        let path = self.dir.join(&log);
        let outcome = process::run(&Job {
            command: command.run,
            dir: slot.root(),
            env: environment,
            log: &path,
            timeout: command.limit,
            interrupt: &self.interrupt,
            cage: self.cages.as_ref().map(|cages| {
                if command.is_set_up {
                    &cages.set_up
                } else {
                    &cages.steps
                }
            }),
        })?;
        let ended = match outcome.end {
            End::Interrupted => return Ok(Ran::Interrupted),
            End::Exited(status) => Ended::Exit(status),
            End::TimedOut => Ended::Timeout,
            End::Killed {
                out_of_memory: true,
                ..
            } => Ended::OutOfMemory,
            End::Killed { signal, .. } => Ended::Signal(signal),
        };
        let no_tests = command.must_run_tests
            && matches!(ended, Ended::Exit(_))
            && failure::no_tests(&std::fs::read(&path)?);
        let result = StepResult {
            name: command.name.to_owned(),
            kind: command.kind,
            ended,
            milliseconds: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            log,
            log_lines: outcome.log_lines,
            no_tests,
        };
        let passed = result.passed();
        self.progress.steps.push(result);
        self.save()?;
        Ok(if passed { Ran::Passed } else { Ran::Failed })
    }

    /// Makes ready what set-up and steps run in; answers their environment.
    fn confine(
        &mut self,
        slot: &Slot,
        temporary: &Path,
    ) -> anyhow::Result<Vec<(OsString, OsString)>> {
        let changed = temporary.join("changed");
        let list: String = self
            .order
            .changed
            .iter()
            .map(|p| format!("{p}\n"))
            .collect();
        std::fs::write(&changed, list)
            .with_context(|| format!("can't write {}", changed.display()))?;
        let tmp = steps_folder(temporary);
        std::fs::create_dir(&tmp).with_context(|| format!("can't make {}", tmp.display()))?;
        let place = Workplace {
            root: slot.root(),
            temporary: &tmp,
            caches: &slot.caches(),
        };
        let Order {
            contract, captured, ..
        } = &self.order;
        let doors = if self.order.judge_changed.is_empty() {
            Doors::Open
        } else {
            Doors::Shut
        };
        self.cages = Cages::around(&place, contract, captured, doors)?;
        self.progress.confined = Some(self.cages.is_some());
        let mut environment = confine::environment(&place, contract, captured, self.cages.as_ref());
        environment.push(("WT_TASK".into(), self.order.task.clone().into()));
        environment.push(("WT_BASE".into(), self.order.target.as_str().into()));
        environment.push(("WT_CHANGED".into(), changed.into()));
        Ok(environment)
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
        };
        let key = receipt.key();
        if let Some(older) = find_receipt(&self.ws.store, &key) {
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

/// A command of a step or of the set-up.
struct Command<'a> {
    name: &'a str,
    kind: Kind,
    run: &'a str,
    limit: Duration,
    must_run_tests: bool,
    is_set_up: bool,
}

impl<'a> Command<'a> {
    fn of_set_up(run: &'a str) -> Self {
        Self {
            name: SET_UP,
            kind: Kind::Build,
            run,
            limit: SET_UP_LIMIT.duration(),
            must_run_tests: false,
            is_set_up: true,
        }
    }
}
