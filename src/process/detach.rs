//! Starting processes that share nothing with their starter: session, terminal, descriptors.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, setsid};

use super::identity::Identity;

/// Starts this same executable with `args` as the leader of a session of its own, and does not wait for it.
///
/// It works in `/`, reads nothing, adds what it prints to `log` and has this process's environment. It goes on when
/// this process ends or is killed together with its session.
pub(crate) fn detach(args: &[&OsStr], log: &Path) -> anyhow::Result<Identity> {
    let output = File::options().create(true).append(true).open(log);
    let output = output.with_context(|| format!("can't write the log {}", log.display()))?;
    // The link leads to this executable even when another version was installed over it since.
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command.args(args).current_dir("/").stdin(Stdio::null());
    // What `wt` itself begins is no longer what a cage asked for.
    command.env_remove("WT_CAGED");
    command
        .stderr(output.try_clone().context("can't share the log")?)
        .stdout(output);
    isolate(&mut command)?;
    let child = command
        .spawn()
        .context("can't start /proc/self/exe, this program")?;
    // It is not waited for, so that it is still in the table even if it has ended.
    let identity = Identity::named(Pid::from_child(&child))?;
    identity.context("the process that was just started is not found in /proc")
}

/// Gives the command a session of its own, without a terminal, and no descriptors but its standard ones.
///
/// Without a terminal a prompt fails where it would wait for ever; and a caller that waits until the last copy of
/// its own pipe is closed, as test runners and agents do, must not wait for us.
pub(crate) fn isolate(command: &mut Command) -> anyhow::Result<()> {
    const OPEN: &str = "/proc/self/fd";
    let mut inherited = Vec::new();
    let cant = || format!("can't list {OPEN}");
    for file in fs::read_dir(OPEN).with_context(cant)? {
        let name = file.with_context(cant)?.file_name();
        inherited.extend(
            name.to_str()
                .and_then(|name| name.parse().ok())
                .filter(|&fd: &i32| fd > 2),
        );
    }
    before_exec(command, move || {
        for &fd in &inherited {
            close_on_exec(fd);
        }
        setsid().map(drop).map_err(io::Error::from)
    });
    Ok(())
}

#[allow(unsafe_code)]
fn before_exec(
    command: &mut Command,
    action: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: the one action, in `isolate`, makes system calls and neither allocates nor locks, so it may run
    // between fork and exec whatever other threads were doing.
    unsafe { command.pre_exec(action) };
}

#[allow(unsafe_code)]
fn close_on_exec(fd: i32) {
    // SAFETY: the number is not negative and is used for this one call, which fails harmlessly if it is closed.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
}
