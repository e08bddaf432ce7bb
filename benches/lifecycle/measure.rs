//! One command measured from its start to its end, with all that it leaves running behind it.

use std::fs::File;
use std::io;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What a command took.
#[derive(Default)]
pub(crate) struct Took {
    /// Until the command itself ended; what it left behind to run on does not count.
    pub(crate) wall: Duration,
    /// The largest resident set of any of its processes, in KiB, a judge or a sweeper that outlives it included.
    pub(crate) peak: i64,
    /// What it printed on standard output.
    pub(crate) out: String,
}

/// One after the other.
impl std::iter::Sum for Took {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            wall: sum.wall + next.wall,
            peak: sum.peak.max(next.peak),
            out: next.out,
        })
    }
}

/// Who runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Wt,
    Git,
}

impl Side {
    /// Both, in turns first: who comes second finds warmer caches.
    pub(crate) fn order(round: usize) -> [Self; 2] {
        if round.is_multiple_of(2) {
            [Self::Wt, Self::Git]
        } else {
            [Self::Git, Self::Wt]
        }
    }
}

/// Measurements of `wt` and of git, taken in turns.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) wt: Vec<Took>,
    pub(crate) git: Vec<Took>,
}

impl Pairs {
    /// Notes one measurement; those of round 0 only warm up.
    pub(crate) fn add(&mut self, round: usize, side: Side, took: Took) {
        if round > 0 {
            match side {
                Side::Wt => self.wt.push(took),
                Side::Git => self.git.push(took),
            }
        }
    }
}

/// To be called before the first measurement: from now on whatever a command leaves behind becomes a child of this
/// process, so that it can be waited for, and Ctrl-C ends the measuring instead of this process.
pub(crate) fn begin() -> anyhow::Result<()> {
    interrupted();
    let this = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(this)).context("can't adopt orphans")
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    take(command).map(drop)
}

/// Runs a command that must succeed and measures it. What was written before is brought to the disk first; what the
/// command leaves running is waited for afterwards: neither may disturb the next measurement.
pub(crate) fn take(command: &mut Command) -> anyhow::Result<Took> {
    take_reading(command, Stdio::null())
}

/// As [`take`], of a command that is given something to read.
pub(crate) fn take_reading(command: &mut Command, stdin: impl Into<Stdio>) -> anyhow::Result<Took> {
    let file = || tempfile::tempfile_in("/tmp").context("can't make a file in /tmp");
    let (mut printed, mut said) = (file()?, file()?);
    command
        .stdin(stdin)
        .stdout(printed.try_clone()?)
        .stderr(said.try_clone()?);
    let folder = command.get_current_dir().unwrap_or(Path::new("."));
    rustix::fs::syncfs(File::open(folder)?)?;
    let started = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("can't start {command:?}"))?;
    let pid = i32::try_from(child.id()).context("a process id")?;
    let (status, mut peak) = wait4(pid)?.context("the command is no child of this process")?;
    let wall = started.elapsed();
    while let Some((_, other)) = wait4(-1)? {
        peak = peak.max(other);
    }
    let out = read_back(&mut printed)?;
    if interrupted().load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    if !status.success() {
        bail!(
            "{command:?} ended with {status}:\n{out}{}",
            read_back(&mut said)?
        );
    }
    Ok(Took { wall, peak, out })
}

fn read_back(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Raised by Ctrl-C and its like: what was made must still be taken away.
fn interrupted() -> &'static AtomicBool {
    static RAISED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    RAISED.get_or_init(|| {
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Where it can't be caught it ends this process as ever.
            let _ = signal_hook::flag::register(signal, Arc::clone(&raised));
        }
        raised
    })
}

/// Waits for the child `pid`, or for any with -1: its status and the largest resident set, in KiB, of it and of the
/// children that it waited for. Nothing where there is no such child.
#[allow(unsafe_code)]
fn wait4(pid: i32) -> io::Result<Option<(ExitStatus, i64)>> {
    let mut status = 0;
    // SAFETY: a plain C structure of numbers, for which all bits zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers lead to living values of the types that the call fills in.
        if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } >= 0 {
            return Ok(Some((ExitStatus::from_raw(status), usage.ru_maxrss)));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(None),
            _ => return Err(error),
        }
    }
}
