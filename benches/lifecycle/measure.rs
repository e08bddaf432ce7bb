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
#[derive(Clone, Default)]
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
    settle(command)?;
    let started = Instant::now();
    let running = Running::start(command, stdin.into())?;
    let (status, peak) = running.wait()?;
    let wall = started.elapsed();
    let peak = peak.max(wait_for_the_rest()?);
    let out = running.end(status)?;
    Ok(Took { wall, peak, out })
}

/// As [`take`], of commands that are started at once: until the last of them has ended.
pub(crate) fn take_together(mut commands: Vec<Command>) -> anyhow::Result<Took> {
    settle(commands.first().context("nothing is to be run")?)?;
    let started = Instant::now();
    let running = commands
        .iter_mut()
        .map(|command| Running::start(command, Stdio::null()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let ended = running
        .iter()
        .map(Running::wait)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let wall = started.elapsed();
    let peaks = ended.iter().map(|(_, peak)| *peak);
    let peak = peaks.max().unwrap_or_default().max(wait_for_the_rest()?);
    for (running, (status, _)) in running.into_iter().zip(ended) {
        running.end(status)?;
    }
    Ok(Took {
        wall,
        peak,
        out: String::new(),
    })
}

/// Brings what was written before to the disk.
fn settle(command: &Command) -> anyhow::Result<()> {
    let folder = command.get_current_dir().unwrap_or(Path::new("."));
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Waits for what commands left running; answers the largest resident set of it, in KiB.
fn wait_for_the_rest() -> io::Result<i64> {
    let mut peak = 0;
    while let Some((_, other)) = wait4(-1)? {
        peak = peak.max(other);
    }
    Ok(peak)
}

/// A command at work.
struct Running {
    shown: String,
    pid: i32,
    printed: File,
    said: File,
}

impl Running {
    fn start(command: &mut Command, stdin: Stdio) -> anyhow::Result<Self> {
        let file = || tempfile::tempfile_in("/tmp").context("can't make a file in /tmp");
        let (printed, said) = (file()?, file()?);
        command
            .stdin(stdin)
            .stdout(printed.try_clone()?)
            .stderr(said.try_clone()?);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let shown = words.join(" ");
        let child = command.spawn();
        let child = child.with_context(|| format!("can't start {shown}"))?;
        let pid = i32::try_from(child.id()).context("a process id")?;
        Ok(Self {
            shown,
            pid,
            printed,
            said,
        })
    }

    fn wait(&self) -> anyhow::Result<(ExitStatus, i64)> {
        wait4(self.pid)?.context("the command is no child of this process")
    }

    /// What it printed; an error where it failed.
    fn end(mut self, status: ExitStatus) -> anyhow::Result<String> {
        let out = read_back(&mut self.printed)?;
        if is_interrupted() {
            bail!("interrupted");
        }
        if !status.success() {
            let said = read_back(&mut self.said)?;
            bail!("{} ended with {status}:\n{out}{said}", self.shown);
        }
        Ok(out)
    }
}

fn read_back(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the measuring is to end.
pub(crate) fn is_interrupted() -> bool {
    interrupted().load(Ordering::Relaxed)
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
