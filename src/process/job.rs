//! One command, from its start until nothing is left of it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, waitid};

use super::capture::{Capture, Limits};
use super::detach::isolate;
use super::interrupt::{Interrupt, wait_for};
use super::sweep::{Sweep, terminate};
use crate::cage::Cage;

/// How long the output is still read once the leader has ended: others may hold the pipe for ever.
const LINGER: Duration = Duration::from_millis(500);
/// The time between TERM and KILL after the deadline.
const GRACE_AT_DEADLINE: Duration = Duration::from_secs(2);
/// The same after an interrupt: a person waits.
const GRACE_AT_INTERRUPT: Duration = Duration::from_secs(1);
/// More than a pipe holds unless its owner asks for more.
const PIPE: usize = 1 << 20;

/// One command of a gate or of a set-up, for `sh -c`. It reads nothing and has no terminal.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) command: &'a str,
    pub(crate) dir: &'a Path,
    /// The whole environment: nothing is inherited.
    pub(crate) env: &'a [(OsString, OsString)],
    /// Takes standard output and standard error, in place of what it held, and at most 64 MiB.
    pub(crate) log: &'a Path,
    pub(crate) timeout: Duration,
    pub(crate) interrupt: &'a Interrupt,
    /// What it may write to; without one, whatever its user may.
    pub(crate) cage: Option<&'a Cage>,
}

/// How a job came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    /// Killed by a signal that is none of ours. A command whose shell reports a KILL (status 137) counts as killed when
    /// the kernel ran out of memory meanwhile.
    Killed {
        signal: i32,
        out_of_memory: bool,
    },
    TimedOut,
    Interrupted,
}

/// What is known of a job that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// From its start until nothing was left of it.
    pub(crate) took: Duration,
    /// Lines and bytes that it printed, also those that the log lacks.
    pub(crate) log_lines: u64,
    pub(crate) log_bytes: u64,
    /// The log lacks a part from the middle, and says so there.
    pub(crate) log_cut: bool,
}

/// Runs a job until its leader has ended, the deadline has come or the interrupt is raised, and then kills what is
/// left of it: see [`adopt_orphans`](super::adopt_orphans) for how much that covers.
///
/// Whatever the command does is an outcome; errors are faults: a log that can't be written, a folder that is not
/// there, a process that can't be started or can't be killed.
pub(crate) fn run(job: &Job) -> anyhow::Result<Outcome> {
    let log = Capture::create(job.log, Limits::LOG)?;
    if job.interrupt.raised() {
        let (end, took) = (End::Interrupted, Duration::ZERO);
        return Ok(Outcome {
            end,
            took,
            log_lines: 0,
            log_bytes: 0,
            log_cut: false,
        });
    }
    let sweep = Sweep::prepare().context("can't list the children of this process")?;
    let oom_kills_before = oom_kills();
    let started = Instant::now();
    let mut running = Running::start(job, log)?;

    let watched = running.watch(job, started.checked_add(job.timeout));
    let status = sweep.finish(&mut running.leader);
    let stopped = watched?;
    let status = status?;
    running.drain()?;

    let printed = running.log.finish()?;
    Ok(Outcome {
        end: stopped.unwrap_or_else(|| end(status, || oom_kills() > oom_kills_before)),
        took: started.elapsed(),
        log_lines: printed.lines,
        log_bytes: printed.bytes,
        log_cut: printed.cut,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Asked to end.
    Stopping,
    /// The leader has ended; the output is still open.
    Lingering,
}

#[derive(Debug)]
struct Running {
    leader: Child,
    /// `None` once nobody writes to it any more.
    output: Option<PipeReader>,
    log: Capture,
    buffer: Vec<u8>,
}

impl Running {
    fn start(job: &Job, log: Capture) -> anyhow::Result<Self> {
        let fault = || format!("can't start `sh` in {}", job.dir.display());
        let (output, input) = io::pipe().with_context(fault)?;
        ioctl_fionbio(&output, true).with_context(fault)?;
        let shell = "/bin/sh";
        let mut command = match job.cage {
            Some(cage) => cage.command(shell.as_ref()),
            None => Command::new(shell),
        };
        // After `--` a command that begins with a dash is no option.
        command
            .args(["-c", "--", job.command])
            .current_dir(job.dir)
            .env_clear();
        command
            .envs(job.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
            .stdout(input.try_clone().with_context(fault)?)
            .stderr(input);
        isolate(&mut command).with_context(fault)?;
        let leader = command.spawn().with_context(fault)?;
        Ok(Self {
            leader,
            output: Some(output),
            log,
            buffer: vec![0; 1 << 16],
        })
    }

    /// Follows the job; answers how it was stopped, or `None` if its leader ended by itself.
    fn watch(&mut self, job: &Job, deadline: Option<Instant>) -> anyhow::Result<Option<End>> {
        let session = Pid::from_child(&self.leader);
        let pidfd = pidfd_open(session, PidfdFlags::empty()).context("can't watch a process")?;
        let mut phase = Phase::Running;
        let mut until = deadline;
        let mut stopped = None;
        loop {
            self.pump()?;
            if phase != Phase::Lingering && has_ended(&pidfd)? {
                phase = Phase::Lingering;
                until = Some(Instant::now() + LINGER);
            }
            if phase == Phase::Lingering && self.output.is_none() {
                return Ok(stopped);
            }
            let interrupted = phase == Phase::Running && job.interrupt.raised();
            if interrupted || until.is_some_and(|until| Instant::now() >= until) {
                if phase != Phase::Running {
                    return Ok(stopped);
                }
                let (end, grace) = if interrupted {
                    (End::Interrupted, GRACE_AT_INTERRUPT)
                } else {
                    (End::TimedOut, GRACE_AT_DEADLINE)
                };
                terminate(session);
                phase = Phase::Stopping;
                until = Some(Instant::now() + grace);
                stopped = Some(end);
            }
            self.sleep(&pidfd, job.interrupt, phase, until);
        }
    }

    /// Until there may be something to do.
    fn sleep(&self, pidfd: &OwnedFd, interrupt: &Interrupt, phase: Phase, until: Option<Instant>) {
        let output = self.output.as_ref().map(PipeReader::as_fd);
        let leader = (phase != Phase::Lingering).then_some(pidfd.as_fd());
        let interrupt = (phase == Phase::Running).then_some(interrupt.as_fd());
        let fds = [output, leader, interrupt].into_iter().flatten();
        let mut fds: Vec<PollFd> = fds
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        wait_for(&mut fds, until);
    }

    /// Moves at most one buffer of output into the log; answers how much.
    fn pump(&mut self) -> anyhow::Result<usize> {
        let Some(output) = &mut self.output else {
            return Ok(0);
        };
        match output.read(&mut self.buffer) {
            Ok(0) => self.output = None,
            Ok(count) => {
                self.log.take(&self.buffer[..count])?;
                return Ok(count);
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(e) => return Err(e).context("can't read a command's output"),
        }
        Ok(0)
    }

    /// Takes what is still in the pipe, and no more: something that could not be swept may go on writing.
    fn drain(&mut self) -> anyhow::Result<()> {
        let mut taken = 0;
        while taken < PIPE {
            match self.pump()? {
                0 => break,
                count => taken += count,
            }
        }
        Ok(())
    }
}

fn has_ended(pidfd: &OwnedFd) -> anyhow::Result<bool> {
    // Not waited for yet: its pid is needed for the sweep.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = waitid(WaitId::PidFd(pidfd.as_fd()), look).context("can't watch a process")?;
    Ok(ended.is_some())
}

fn end(status: ExitStatus, out_of_memory: impl Fn() -> bool) -> End {
    let kill = Signal::KILL.as_raw();
    match (status.code(), status.signal()) {
        (_, Some(signal)) => End::Killed {
            signal,
            out_of_memory: signal == kill && out_of_memory(),
        },
        (Some(code), None) if code == 128 + kill && out_of_memory() => End::Killed {
            signal: kill,
            out_of_memory: true,
        },
        (code, None) => End::Exited(code.unwrap_or_default()),
    }
}

/// How many processes this machine has killed for want of memory since it started, limits of control groups
/// included. Zero where the kernel does not count them.
fn oom_kills() -> u64 {
    let vmstat = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let count = vmstat
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_for_want_of_memory_only_if_the_kernel_counted_one() {
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        let starved = End::Killed {
            signal: 9,
            out_of_memory: true,
        };
        assert_eq!(end(ExitStatus::from_raw(9), || true), starved);
        assert_eq!(end(exited(137), || true), starved);
        assert_eq!(
            end(ExitStatus::from_raw(9), || false),
            End::Killed {
                signal: 9,
                out_of_memory: false
            }
        );
        assert_eq!(
            end(ExitStatus::from_raw(15), || true),
            End::Killed {
                signal: 15,
                out_of_memory: false
            }
        );
        assert_eq!(end(exited(137), || false), End::Exited(137));
        assert_eq!(end(exited(1), || true), End::Exited(1));
    }
}
