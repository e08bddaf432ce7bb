//! What a job leaves behind: processes that went on in its session, and daemons that left even that.

use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context as _, bail};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process_group,
    set_child_subreaper, waitid, waitpid,
};

use super::table::Entry;

/// How long a process may take to die of KILL. One that takes longer hangs in the kernel or runs as another user.
const PATIENCE: Duration = Duration::from_secs(5);

static ADOPTING: AtomicBool = AtomicBool::new(false);

/// Makes this process the parent of every orphan below it, and each later job end with a sweep that kills what
/// escaped from the job's session.
///
/// From then on this process runs one job at a time and starts nothing else meanwhile: every child that was not
/// there before a job began counts as the job's. Without it a job's daemons outlive the job.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    ADOPTING.store(true, Ordering::Relaxed);
    Ok(())
}

/// Tells the processes of one job from all others. The job's leader leads a session, too.
#[derive(Debug)]
pub(super) struct Sweep {
    /// The children that this process had before the job; `None` if it adopts no orphans.
    before: Option<Vec<Entry>>,
}

impl Sweep {
    /// To be called before the job is started.
    pub(super) fn prepare() -> io::Result<Self> {
        let adopting = ADOPTING.load(Ordering::Relaxed);
        let before = adopting.then(children).transpose()?;
        Ok(Self { before })
    }

    /// Kills all that the job consists of and waits for its leader.
    ///
    /// Fails if something survives: then nobody may rely on the folder that the job worked in.
    pub(super) fn finish(&self, leader: &mut Child) -> anyhow::Result<ExitStatus> {
        let session = Pid::from_child(leader);
        // Until it is waited for, no other process can get the leader's pid, and so no other session its name.
        let _ = kill_process_group(session, Signal::KILL);
        if self.before.is_none() {
            kill_all(|| session_members(session))?;
        }
        let status = wait(leader)?;
        if let Some(before) = &self.before {
            kill_all(|| orphans(before))?;
        }
        Ok(status)
    }
}

/// Asks all processes of the job's session to end, those too that a shell or `timeout` put into groups of their own.
pub(super) fn terminate(session: Pid) {
    // Whoever is not reached here is killed a little later.
    let members = session_members(session).unwrap_or_default();
    for signal in [Signal::TERM, Signal::CONT] {
        let _ = kill_process_group(session, signal);
        for member in members
            .iter()
            .filter(|member| member.group != Some(session))
        {
            let _ = member.signal(signal);
        }
    }
}

/// Kills every process that has this `NAME=value` in the environment that it was started with: what is left of a job
/// whose own `wt` was killed, and so could not sweep. Fails if something survives.
pub(crate) fn kill_marked(variable: &str) -> anyhow::Result<()> {
    let marked = |entry: &Entry| {
        let environment = std::fs::read(format!("/proc/{}/environ", entry.pid)).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|found| found == variable.as_bytes())
    };
    kill_all(|| {
        let mut found = Entry::all()?;
        found.retain(|entry| !entry.zombie && marked(entry));
        Ok(found)
    })
}

fn session_members(session: Pid) -> io::Result<Vec<Entry>> {
    let mut members = Entry::all()?;
    members.retain(|entry| entry.session == Some(session) && entry.pid != session && !entry.zombie);
    Ok(members)
}

/// This process's children, zombies included.
fn children() -> io::Result<Vec<Entry>> {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if waitid(WaitId::All, look).is_err_and(|e| e == Errno::CHILD) {
        // The usual case, found out without reading all of `/proc`.
        return Ok(Vec::new());
    }
    let mut children = Entry::all()?;
    children.retain(|entry| entry.parent == Some(getpid()));
    Ok(children)
}

/// The children that were not there before, with all that descends from them: killed one generation at a time, a long
/// chain of processes would outlast any patience.
fn orphans(before: &[Entry]) -> io::Result<Vec<Entry>> {
    let mut found = children()?;
    found.retain(|child| !before.iter().any(|known| known.is_same(child)));
    if found.is_empty() {
        return Ok(found);
    }
    let tops: Vec<Pid> = found.iter().map(|child| child.pid).collect();
    let mut families = Entry::families(Entry::all()?, &tops);
    // Only a child can be waited for; another's zombie goes when its parent does.
    families.retain(|entry| !entry.zombie || entry.parent == Some(getpid()));
    Ok(families)
}

/// Kills and reaps what `find` finds until it finds nothing: what is killed may have forked in the meantime.
fn kill_all(find: impl Fn() -> io::Result<Vec<Entry>>) -> anyhow::Result<()> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let found = find().context("can't look for what a command left behind")?;
        let Some(one) = found.first() else {
            return Ok(());
        };
        if Instant::now() >= give_up {
            bail!(
                "process {} and {} more of a command that was killed still run",
                one.pid,
                found.len() - 1
            );
        }
        for entry in &found {
            if entry.zombie {
                let _ = waitpid(Some(entry.pid), WaitOptions::NOHANG);
            } else {
                // What can't be signalled is found again, and told of in the end.
                let _ = entry.signal(Signal::KILL);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn wait(leader: &mut Child) -> anyhow::Result<ExitStatus> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = leader.try_wait().context("can't wait for a command")? {
            return Ok(status);
        }
        if Instant::now() >= give_up {
            bail!("process {} was killed and still runs", leader.id());
        }
        thread::sleep(Duration::from_millis(1));
    }
}
