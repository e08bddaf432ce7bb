//! Signals that ask this process to stop, as a value that can be asked and waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::identity::Identity;

/// Raised by the first of its signals, and never lowered.
///
/// Signals that mean different things (INT: stop the judging; TERM and HUP: stop following it) need an interrupt each.
#[derive(Debug)]
pub(crate) struct Interrupt {
    /// Readable once it is raised. It is never read, so that everyone who polls it sees that.
    raised: UnixStream,
    /// Held because a stream without its other end is readable too.
    _raise: UnixStream,
}

impl Interrupt {
    /// Takes these signals over from their default action, for the rest of this process's life.
    pub(crate) fn install(signals: &[i32]) -> io::Result<Self> {
        let (raised, raise) = UnixStream::pair()?;
        for &signal in signals {
            signal_hook::low_level::pipe::register(signal, raise.try_clone()?)?;
        }
        Ok(Self {
            raised,
            _raise: raise,
        })
    }

    pub(crate) fn raised(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Sleeps for `time`, less if it is raised before; answers whether it is.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        wait_for(&mut fds, Instant::now().checked_add(time));
        !fds[0].revents().is_empty()
    }

    /// Sleeps until something can be read from `other`, or this is raised before; answers whether it is.
    pub(crate) fn wait_for(&self, other: BorrowedFd) -> bool {
        let mut fds = [
            PollFd::new(self, PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        wait_for(&mut fds, None);
        fds[1].revents().is_empty()
    }

    /// As [`Self::wait`], and less also if `process` ends before.
    pub(crate) fn wait_beside(&self, process: &Identity, time: Duration) -> bool {
        let Some(end) = process.watch() else {
            // One that lives all the same can't be watched here, and must not make the caller spin.
            return if process.is_alive() {
                self.wait(time)
            } else {
                self.raised()
            };
        };
        let mut fds = [
            PollFd::new(self, PollFlags::IN),
            PollFd::new(&end, PollFlags::IN),
        ];
        wait_for(&mut fds, Instant::now().checked_add(time));
        !fds[0].revents().is_empty()
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.raised.as_fd()
    }
}

/// Polls until something is ready or `until` has come.
pub(super) fn wait_for(fds: &mut [PollFd<'_>], until: Option<Instant>) {
    loop {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        // A time that does not fit is as good as none.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            // Only a lack of memory is left; the caller looks again, and meets it where it can be told.
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_by_its_signals_alone_and_stays_raised() {
        let usr1 = Interrupt::install(&[signal_hook::consts::SIGUSR1]).unwrap();
        let none = Interrupt::install(&[]).unwrap();
        assert!(!usr1.wait(Duration::from_millis(5)));

        signal_hook::low_level::raise(signal_hook::consts::SIGUSR1).unwrap();
        assert!(usr1.wait(Duration::from_secs(600)));
        assert!(usr1.raised());
        assert!(!none.raised());
    }

    #[test]
    fn the_end_of_a_process_ends_the_waiting_beside_it() {
        let none = Interrupt::install(&[]).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("0.2")
            .spawn()
            .unwrap();
        let identity = Identity::of(child.id()).unwrap().unwrap();
        let begun = Instant::now();
        assert!(!none.wait_beside(&identity, Duration::from_millis(5)));
        assert!(begun.elapsed() >= Duration::from_millis(5));

        assert!(!none.wait_beside(&identity, Duration::from_secs(600)));
        child.wait().unwrap();
        assert!(!none.wait_beside(&identity, Duration::from_secs(600)));
        assert!(begun.elapsed() < Duration::from_secs(500));
    }
}
