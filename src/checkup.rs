//! The state held against what git and the file system say: what differs, and how each is mended.

mod agents;
mod anew;
mod branches;
mod state;
mod tasks;

use serde::Serialize;

use crate::mend;
use crate::ports;
use crate::store::Operation;
use crate::workspace::Workspace;

pub(crate) use agents::AgentReport;

/// Something that is not as it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) what: String,
    /// What mends it: what was done, or what a person can do.
    pub(crate) mend: String,
    pub(crate) mended: bool,
}

/// Whether what can be mended is mended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fix {
    No,
    Yes,
}

/// What a look at everything shows.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    pub(crate) findings: Vec<Finding>,
    /// Of each agent that is installed here or told to ask: whether it asks `wt` in a task's worktree.
    pub(crate) agents: Vec<AgentReport>,
}

/// Looks at everything; with [`Fix::Yes`] mends what can be mended without losing anything.
pub(crate) fn check(ws: &Workspace, fix: Fix) -> anyhow::Result<Checked> {
    let mut checkup = Checkup {
        ws,
        fix,
        findings: Vec::new(),
    };
    checkup.git();
    checkup.shared_locks();
    checkup.intents()?;
    // Without every intent it can't be told what is half made.
    if ws.store.damaged_intents()?.is_empty() {
        checkup.half_made()?;
    }
    let intents = ws.store.intents().unwrap_or_default();
    for (name, task) in ws.store.tasks()? {
        match task {
            // Whatever is missing of it, another command is at work on it or was killed there.
            Ok(_) if intents.iter().any(|entry| entry.task == name) => {}
            Ok(task) => {
                if let Err(error) = checkup.task(&task) {
                    let mend = "bring back what it names, or: wt rm --force";
                    checkup.found(format!("task `{}`: {error:#}", task.name), mend);
                }
            }
            Err(error) => checkup.found(
                format!("{error:#}"),
                "put the file back from a backup, or remove its folder",
            ),
        }
    }
    if let Err(error) = checkup.branches() {
        checkup.found(
            format!("the branches that belong to no task can't be told: {error:#}"),
            "mend that first, then look again",
        );
    }
    checkup.ports()?;
    checkup.half_written();
    checkup.spares();
    checkup.receipts();
    checkup.memory()?;
    checkup.archive()?;
    checkup.trash()?;
    let agents = checkup.agents();
    Ok(Checked {
        findings: checkup.findings,
        agents,
    })
}

/// What `wt` does about a finding, in words.
#[derive(Clone, Copy)]
struct Mend<'m> {
    /// As something to be done.
    todo: &'m str,
    /// As something that was done.
    done: &'m str,
}

const REMOVE: Mend = Mend {
    todo: "remove it",
    done: "it is removed",
};
const REMOVE_LOCK: Mend = Mend {
    todo: "remove it, where no git is at work in this repository",
    done: "it is removed; no git was at work that could hold it",
};

const OTHER_PORTS: Mend = Mend {
    todo: "give one of them another",
    done: "each has its own",
};

struct Checkup<'w> {
    ws: &'w Workspace<'w>,
    fix: Fix,
    findings: Vec<Finding>,
}

impl Checkup<'_> {
    /// Notes what only a person can mend.
    fn found(&mut self, what: String, mend: &str) {
        self.findings.push(Finding {
            what,
            mend: mend.to_owned(),
            mended: false,
        });
    }

    /// Notes what `wt` can mend, and mends it if that was asked for.
    fn mendable(&mut self, what: String, mend: Mend, act: impl FnOnce() -> anyhow::Result<()>) {
        let Mend { todo, done } = mend;
        let (mended, mend) = if self.fix == Fix::No {
            (false, format!("{todo}: wt doctor --fix"))
        } else {
            match act() {
                Ok(()) => (true, done.to_owned()),
                Err(error) => (false, format!("{todo}: failed: {error:#}")),
            }
        };
        self.findings.push(Finding { what, mend, mended });
    }

    fn git(&mut self) {
        if let Err(error) = self.ws.repo.git.require_version() {
            self.found(
                format!("{error:#}"),
                "install a newer git and put it first on PATH",
            );
        }
    }

    fn shared_locks(&mut self) {
        for lock in self.ws.repo.stale_locks() {
            let what = format!("{} is left over, and stops git", lock.display());
            self.mendable(what, REMOVE_LOCK, || self.ws.repo.remove_stale_lock(&lock));
        }
    }

    fn intents(&mut self) -> anyhow::Result<()> {
        if self.fix == Fix::Yes {
            let mended = mend::mend(self.ws)?;
            for line in mended.lines {
                self.findings.push(Finding {
                    what: "a killed command".to_owned(),
                    mend: line,
                    mended: true,
                });
            }
            for stuck in mended.stuck {
                self.found(stuck.what, &stuck.hint);
            }
            return Ok(());
        }
        for (task, error) in self.ws.store.damaged_intents()? {
            let mend =
                format!("see that all is well with it (wt show {task}), then remove that file");
            self.found(
                format!("what was left of a command on task `{task}` can't be told: {error:#}"),
                &mend,
            );
        }
        for entry in self
            .ws
            .store
            .intents()?
            .into_iter()
            .filter(|e| !e.process.is_alive())
        {
            let name = &entry.task;
            let what = match entry.operation {
                Operation::Land {
                    checkout: Some(root),
                    ..
                } => format!(
                    "the landing of task `{name}` was killed halfway; files of {} may be half written",
                    root.display()
                ),
                Operation::Forward {
                    target, checkout, ..
                } => format!(
                    "{target} was half brought to what its remote has; files of {} may be half written",
                    checkout.display()
                ),
                _ => format!("a command on task `{name}` was killed halfway"),
            };
            self.found(
                what,
                "the next command that changes something mends it, or: wt doctor --fix",
            );
        }
        for (folder, _) in self.ws.store.dead_folders() {
            self.found(
                format!("a killed command left {}", folder.display()),
                "the next command that changes something removes it, or: wt doctor --fix",
            );
        }
        for landed in self.ws.store.followers_owed()? {
            self.found(
                format!("what waited for task `{landed}`, which has landed, was not started"),
                "the next command that changes something starts it, or: wt doctor --fix",
            );
        }
        self.cages()
    }

    fn ports(&mut self) -> anyhow::Result<()> {
        let ws = self.ws;
        for (name, what) in ports::shared(ws)? {
            self.mendable(what, OTHER_PORTS, || {
                let _task = ws.lock_task(&name)?;
                let _lock = ws.lock()?;
                ports::renew(ws, &name)
            });
        }
        Ok(())
    }

    /// Cages whose `wt run` was killed.
    fn cages(&mut self) -> anyhow::Result<()> {
        for name in self.ws.store.open_cages()? {
            let Some(note) = self.ws.store.find_cage(&name)? else {
                continue;
            };
            if !note.process.is_alive() {
                self.found(
                    format!("the wt run of task `{name}` was killed; its cage is still open"),
                    "the next command that changes something closes it, or: wt doctor --fix",
                );
            }
        }
        Ok(())
    }
}
