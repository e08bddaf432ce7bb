//! Making a new worktree ready to work in: the contract's set-up, in a cage like the judge's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::plan::Plan;
use crate::candidate;
use crate::confine::{self, Caged, Cages, Doors, Workplace};
use crate::contract::Contract;
use crate::error::{Code, Refusal};
use crate::failure;
use crate::ports::{self, Holder};
use crate::process::{self, End, Interrupt, Job};
use crate::store::remove_dir;
use crate::surroundings::SET_UP_MINUTES;
use crate::task::Task;
use crate::usage::SPAWN_CACHES;
use crate::workspace::{InForce, SLOTS, Workspace};

impl Plan {
    /// Runs the set-up. It writes what it may write in a slot: what needs more here would fail there.
    pub(super) fn set_up(
        &self,
        ws: &Workspace,
        task: &Task,
        in_force: &InForce,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        let (contract, captured) = (&in_force.contract, &task.environment);
        let logs = ws.store.root().join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("can't make {}", logs.display()))?;
        let log = logs.join(format!("{}.set-up.log", task.name));
        let temporary = ws.store.private_folder()?;
        let place = Workplace {
            root: &self.worktree,
            temporary: temporary.path(),
            // Not those of a slot: what a task's tests leave there is not for the next one's worktree.
            caches: &self.worktrees.join(SLOTS).join(SPAWN_CACHES),
        };
        let cages = Cages::around(&place, contract, captured, doors(ws, task, contract)?)?;
        let mut environment = confine::environment(&place, contract, captured, cages.as_ref());
        environment.extend(ports::variables(ws, Holder::Task(&task.name), &task.ports));
        for command in &contract.worktree.setup {
            let bar = ws
                .ctx
                .ui
                .progress(&format!("{}: set-up: {command}", task.name));
            let outcome = process::run(&Job {
                command,
                dir: &self.worktree,
                env: &environment,
                log: &log,
                timeout: Duration::from_secs(60 * SET_UP_MINUTES),
                interrupt,
                cage: cages.as_ref().map(|cages| &cages.set_up),
            })?;
            drop(bar);
            match outcome.end {
                End::Exited(0) => {}
                End::Interrupted => anyhow::bail!("interrupted"),
                end => {
                    let failed = cages.as_ref().map(|cages| Caged {
                        cages,
                        is_set_up: true,
                        root: &self.worktree,
                        contract,
                        captured,
                        target: &task.target,
                        common: ws.repo.common(),
                    });
                    return Err(set_up_failed(&self.worktree, command, end, &log, failed).into());
                }
            }
        }
        // Set-up may have left folders that their owner can't enter.
        remove_dir(temporary.path())
    }
}

/// Whether a new worktree's set-up is the target's own.
fn doors(ws: &Workspace, task: &Task, contract: &Contract) -> anyhow::Result<Doors> {
    let read = &ws.repo.read;
    let target = read.tree_of(&ws.target_tip(task)?)?;
    let changes = read.changes(&target, &read.tree_of(&task.base)?)?;
    let touched = candidate::judge_changed(read, contract, &changes)?;
    Ok(if touched.is_empty() {
        Doors::Open
    } else {
        Doors::Shut
    })
}

fn set_up_failed(
    worktree: &Path,
    command: &str,
    end: End,
    log: &Path,
    caged: Option<Caged>,
) -> Refusal {
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
    if let Some(denied) = caged.and_then(|caged| caged.denied(&bytes)) {
        message.push_str(&format!("\n{denied}"));
    }
    Refusal::new(Code::No, message).hint(format!(
        "full log: {}; mend it, or change `setup` under [worktree] in wt.toml on the target",
        log.display()
    ))
}
