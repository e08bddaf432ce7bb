//! The name of a process that stays right when its pid is given to another one, also across a reboot.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use anyhow::Context as _;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open};
use serde::{Deserialize, Serialize};

use super::table::Entry;

/// How long a process of `wt` takes at most to begin.
const STARTS_WITHIN: Duration = Duration::from_millis(500);

/// A process's identity that is not fooled by pid reuse. It is meant to be stored, and asked later by anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pid: u32,
    /// Clock ticks since boot.
    start_time: u64,
    boot_id: String,
}

impl Identity {
    /// This process.
    pub(crate) fn current() -> anyhow::Result<Self> {
        Self::named(getpid())?.context("this process is not found in /proc")
    }

    /// The living process that has this pid now.
    #[cfg(test)]
    pub(crate) fn of(pid: u32) -> anyhow::Result<Option<Self>> {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        Ok(Self::named(pid)?.filter(Self::is_alive))
    }

    /// The process that has this pid now, also one that has ended and is not yet waited for.
    pub(super) fn named(pid: Pid) -> anyhow::Result<Option<Self>> {
        let boot_id = boot_id().with_context(|| format!("can't read {BOOT_ID}"))?;
        let entry = Entry::of(pid)?;
        Ok(entry.map(|entry| Self {
            pid: pid.as_raw_pid().cast_unsigned(),
            start_time: entry.start_time,
            boot_id,
        }))
    }

    /// For messages; for anything else the pid alone says too little.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it still runs; one that has ended and is not yet waited for does not.
    ///
    /// Where that can't be found out the answer is yes: taking over from a living process is worse than waiting for a dead one.
    pub(crate) fn is_alive(&self) -> bool {
        self.find().map_or(true, |found| found.is_some())
    }

    /// Sends a signal to it; in vain, without an error, if it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.find()?.map_or(Ok(()), |entry| entry.signal(signal))
    }

    /// As [`Self::signal`], of a process of `wt` that catches this signal: one that has just been started is given the
    /// time to say so, since until then it would end without a word.
    pub(crate) fn signal_once_caught(&self, signal: Signal) -> io::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < STARTS_WITHIN && self.is_alive() && !self.catches(signal) {
            thread::sleep(Duration::from_millis(1));
        }
        self.signal(signal)
    }

    fn catches(&self, signal: Signal) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
    }

    /// Readable once it has ended; nothing where it has ended already, or can't be watched.
    pub(super) fn watch(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let end = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Asked after it was opened: now the descriptor can't be that of another process with the same pid.
        self.is_alive().then_some(end)
    }

    fn find(&self) -> io::Result<Option<Entry>> {
        if boot_id()? != self.boot_id {
            return Ok(None);
        }
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let entry = Entry::of(pid)?;
        Ok(entry.filter(|entry| entry.start_time == self.start_time && !entry.zombie))
    }
}

/// Names the run of the machine that this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The name of this running of the machine.
pub(crate) fn boot_id() -> io::Result<String> {
    let id = std::fs::read_to_string(BOOT_ID)?;
    Ok(id.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_lives_until_it_ends_and_not_until_it_is_waited_for() {
        let mut child = Command::new("/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let identity = Identity::of(child.id()).unwrap().unwrap();
        assert!(identity.is_alive());

        let reused = Identity {
            start_time: identity.start_time + 1,
            ..identity.clone()
        };
        let rebooted = Identity {
            boot_id: "another".to_owned(),
            ..identity.clone()
        };
        for other in [reused, rebooted] {
            assert!(!other.is_alive());
            other.signal(Signal::KILL).unwrap();
        }
        assert!(
            identity.is_alive(),
            "a signal for another process must not reach this one"
        );

        identity.signal(Signal::KILL).unwrap();
        while identity.is_alive() {
            std::thread::yield_now();
        }
        assert_eq!(Identity::of(child.id()).unwrap(), None, "a zombie");
        assert!(
            Identity::named(Pid::from_child(&child)).unwrap().is_some(),
            "still in the table"
        );
        child.wait().unwrap();
        identity.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn an_identity_is_the_same_when_it_was_stored() {
        let me = Identity::current().unwrap();
        let stored = serde_json::to_string(&me).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&stored).unwrap(), me);
        assert_eq!(Identity::of(std::process::id()).unwrap(), Some(me));
        assert_eq!(Identity::of(0).unwrap(), None);
        assert_eq!(Identity::of(u32::MAX).unwrap(), None);
    }
}
