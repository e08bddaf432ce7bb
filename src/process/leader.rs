//! A command that runs as if it had been started directly: in this process's group, on its terminal, with its signals.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper,
    set_parent_process_death_signal, wait,
};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

use super::family::{Family, Held};
use super::interrupt::wait_for;

/// What is passed on to the command where it was sent to this process alone.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Exited(u8),
    Signalled(i32),
}

impl Fate {
    fn of(status: WaitStatus) -> Option<Self> {
        if let Some(signal) = status.terminating_signal() {
            return Some(Self::Signalled(signal));
        }
        let code = status.exit_status()?;
        Some(Self::Exited(u8::try_from(code).unwrap_or(u8::MAX)))
    }

    /// The exit status by which a shell tells of it.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// The command, with all that descends from it. This process is the parent of every orphan below it, and waits for
/// each of its children here: whoever starts another one learns of its end from [`Leader::ended`].
pub(crate) struct Leader {
    pid: Pid,
    family: Family,
    signals: SignalDelivery<UnixStream, WithOrigin>,
}

impl Leader {
    /// Starts it. It is killed when the calling thread ends, which therefore must be the one that lives longest.
    ///
    /// # Errors
    /// Where it can't be started.
    pub(crate) fn start(mut command: Command, held: Held) -> anyhow::Result<Self> {
        set_child_subreaper(Some(getpid())).context("can't adopt the orphans of the command")?;
        let family = Family::of_this_process(held)?;
        // What was ignored when this process was started, as under nohup, stays ignored in the command too.
        let taken: Vec<i32> = PASSED_ON
            .into_iter()
            .filter(|&signal| !family.ignores(signal))
            .chain([SIGCHLD])
            .collect();
        let (read, write) = UnixStream::pair()?;
        let signals = SignalDelivery::with_pipe(read, write, WithOrigin::default(), &taken)
            .context("can't take the signals over")?;
        die_with_parent(&mut command);
        let child = command.spawn().context("can't start the command")?;
        let pid = Pid::from_child(&child);
        Ok(Self {
            pid,
            family,
            signals,
        })
    }

    /// The processes that belong to the command.
    pub(crate) fn family(&self) -> &Family {
        &self.family
    }

    /// Sleeps until a signal has come or one of `others` is readable; answers which of these are.
    pub(crate) fn sleep(&self, others: &[BorrowedFd]) -> Vec<bool> {
        let own = self.signals.get_read().as_fd();
        let mut fds: Vec<PollFd> = std::iter::once(own)
            .chain(others.iter().copied())
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        wait_for(&mut fds, None);
        fds[1..].iter().map(|fd| !fd.revents().is_empty()).collect()
    }

    /// Passes on what signals have come, and answers which children have ended since. The first of the pair is
    /// nothing for the command itself.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Vec<(Option<Pid>, Fate)>> {
        for origin in self.signals.pending() {
            // A key on the terminal has reached the command as well; that the terminal is gone is told to the leader of
            // its session alone, which may be this process.
            let reached = origin.cause == Cause::Kernel && origin.signal != SIGHUP;
            if origin.signal != SIGCHLD
                && !reached
                && let Some(signal) = Signal::from_named_raw(origin.signal)
            {
                let _ = kill_process(self.pid, signal);
            }
        }
        let mut ended = Vec::new();
        loop {
            let found = match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Err(rustix::io::Errno::CHILD) | Ok(None) => break,
                Err(rustix::io::Errno::INTR) => continue,
                found => found.context("can't wait for the command")?,
            };
            let Some((pid, status)) = found else { break };
            let is_leader = pid == self.pid;
            match (Fate::of(status), status.stopping_signal()) {
                (Some(fate), _) => ended.push(((!is_leader).then_some(pid), fate)),
                (None, Some(signal)) if is_leader => self.stop_too(signal)?,
                _ => {}
            }
        }
        Ok(ended)
    }

    /// Stops this process as its command was, so that the shell takes the terminal back; goes on with it.
    fn stop_too(&self, signal: i32) -> anyhow::Result<()> {
        // After Ctrl-Z both were stopped together, and by now both may have been told to go on.
        std::thread::sleep(Duration::from_millis(10));
        if !self.family.is_stopped(self.pid) {
            return Ok(());
        }
        signal_hook::low_level::emulate_default_handler(signal)
            .context("can't stop with the command")?;
        let _ = kill_process(self.pid, Signal::CONT);
        Ok(())
    }
}

/// A cage without its `wt` could neither be judged nor closed.
#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only prctl and getppid are called; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if rustix::process::getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::Error::from(rustix::io::Errno::SRCH))
            }
        });
    }
}
