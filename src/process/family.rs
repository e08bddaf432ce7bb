//! Which processes belong to a cage: those that this process started in one, and all that descends from them.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, WaitOptions, getpid, waitpid};

use super::table::Entry;

/// How long a process may take to die of KILL.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many generations are looked at.
const DEPTH: usize = 1 << 16;

/// What can never be shed again once a process has it, and so tells the caged from the free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Bonds {
    /// Its programs gain no rights that it has not.
    no_new_privileges: u64,
    /// Filters on its system calls.
    filters: u64,
}

impl Bonds {
    fn of(status: &str) -> Self {
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
        };
        Self {
            no_new_privileges: number("NoNewPrivs:"),
            filters: number("Seccomp_filters:"),
        }
    }
}

/// What a command is started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// A cage: only what is in one belongs to the command.
    Caged,
    /// None: what is below this process belongs to it, but for `wt` itself, whose judges outlive their callers.
    Free,
}

/// The processes of a command below this process, told from what else it has started.
#[derive(Debug)]
pub(crate) struct Family {
    held: Held,
    own: Bonds,
    /// The signals that this process was started to ignore, one bit each.
    ignored: u64,
}

impl Family {
    /// To be called before anything is caged.
    pub(super) fn of_this_process(held: Held) -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").context("can't read /proc")?;
        let ignored = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Ok(Self {
            held,
            own: Bonds::of(&status),
            ignored: ignored.unwrap_or(0),
        })
    }

    pub(super) fn ignores(&self, signal: i32) -> bool {
        self.ignored >> (signal - 1) & 1 == 1
    }

    pub(super) fn is_stopped(&self, pid: Pid) -> bool {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:\tT"))
    }

    fn is_commands(&self, pid: Pid) -> bool {
        let of = |name: &str| format!("/proc/{pid}/{name}");
        match self.held {
            Held::Caged => {
                let status = fs::read_to_string(of("status")).unwrap_or_default();
                Bonds::of(&status) > self.own
            }
            Held::Free => {
                let (its, own) = (fs::read_link(of("exe")), fs::read_link("/proc/self/exe"));
                its.ok() != own.ok()
            }
        }
    }

    /// Whether a process runs in the cage of this process. Orphans of the cage are children of this process; so are
    /// those whose work is done outside of it, and they are not in the cage.
    pub(crate) fn holds(&self, pid: Pid) -> bool {
        let mut pid = pid;
        for _ in 0..DEPTH {
            let parent = match Entry::of(pid) {
                Ok(Some(entry)) => entry.parent,
                _ => return false,
            };
            match parent {
                Some(parent) if parent == getpid() => return self.is_commands(pid),
                Some(parent) => pid = parent,
                None => return false,
            }
        }
        false
    }

    /// Kills all that is left in the cage.
    ///
    /// # Errors
    /// Where something survives.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let all = Entry::all().context("can't look for what the command left behind")?;
            // A process that has ended shows its bonds no more, and is waited for whosever it was.
            let tops: Vec<Pid> = all
                .iter()
                .filter(|entry| entry.parent == Some(getpid()))
                .filter(|entry| entry.zombie || self.is_commands(entry.pid))
                .map(|entry| entry.pid)
                .collect();
            // All generations at once: a long chain of processes would outlast any patience.
            let mut left = Entry::families(all, &tops);
            left.retain(|entry| !entry.zombie || entry.parent == Some(getpid()));
            let alive = left.iter().filter(|entry| !entry.zombie).count();
            for entry in &left {
                if entry.zombie {
                    let _ = waitpid(Some(entry.pid), WaitOptions::NOHANG);
                } else {
                    let _ = entry.signal(Signal::KILL);
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= give_up {
                bail!("{alive} processes of the command were killed and still run");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
