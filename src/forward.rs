//! In a cage: what is asked of `wt` is handed to the `wt run` outside, which does it for the cage's own task.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::SIGINT;

use crate::ctx::{Ctx, Inside};
use crate::error::Refusal;
use crate::process::Interrupt;
use crate::store::Event;
use crate::wire::{Addition, Answer, Connection, Received, Request};

/// How long an event is waited for: a `wt run` that is stopped must not hold up a hook.
const NOTED_WITHIN: Duration = Duration::from_secs(1);

/// Hands this command over, with its standard streams, and answers its exit status. Ctrl-C is handed over, too.
///
/// # Errors
/// A refusal where nobody listens any more, or what was asked for is refused.
pub(crate) fn forward(ctx: &Ctx, inside: &Inside) -> anyhow::Result<u8> {
    let text = |word: std::ffi::OsString| {
        word.into_string()
            .map_err(|word| Refusal::usage(format!("{} is not valid UTF-8", word.display())))
    };
    let args = std::env::args_os().skip(1).map(text);
    let request = Request::Call {
        args: args.collect::<Result<_, _>>()?,
        folder: text(ctx.cwd.clone().into_os_string())?,
    };
    let interrupt = Interrupt::install(&[SIGINT])?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let connection = call(inside, &request, &streams)?;
    if interrupt.wait_for(connection.as_fd()) {
        connection
            .send(&Addition::Interrupt, &[])
            .map_err(|_| gone())?;
    }
    status(&connection)
}

/// What `wt`, called outside with these arguments in `folder`, prints, less the end of its last line.
///
/// # Errors
/// As [`forward`]; a refusal where it answers anything but 0.
pub(crate) fn ask(inside: &Inside, folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let request = Request::Call {
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        folder: folder.display().to_string(),
    };
    let (mut answer, stdout) = io::pipe().context("can't make a pipe")?;
    let stdin = std::fs::File::open("/dev/null").context("can't open /dev/null")?;
    let stderr = io::stderr();
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let connection = call(inside, &request, &streams)?;
    drop(stdout);
    let mut text = String::new();
    answer
        .read_to_string(&mut text)
        .context("can't hear wt run")?;
    match status(&connection)? {
        0 => Ok(text.trim_end().to_owned()),
        other => Err(Refusal::refused(format!("wt answered {other} outside of the cage")).into()),
    }
}

/// Hands over what happened, to be written down, and waits a moment for that: callers are known by their process, and
/// one that has ended by then is refused.
pub(crate) fn note(inside: &Inside, event: &Event) -> anyhow::Result<()> {
    let request = Request::Event {
        event: event.event.clone(),
        facts: event.facts.clone(),
    };
    call(inside, &request, &[])?.wait_for_answer(NOTED_WITHIN);
    Ok(())
}

fn call(inside: &Inside, request: &Request, with: &[BorrowedFd]) -> anyhow::Result<Connection> {
    let connection = Connection::call(&inside.socket).map_err(|_| gone())?;
    connection
        .send(request, with)
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => gone(),
            _ => Refusal::usage(format!("this can't be handed out of the cage: {error}")),
        })?;
    Ok(connection)
}

/// The exit status of a call, once it is over.
fn status(connection: &Connection) -> anyhow::Result<u8> {
    match connection
        .receive::<Answer>()
        .context("can't hear wt run")?
    {
        Received::Packet(Answer { exit, refused }, _) => match refused {
            Some(why) => Err(Refusal::refused(why).into()),
            None => Ok(exit),
        },
        Received::Garbage | Received::Nothing | Received::End => Err(gone().into()),
    }
}

fn gone() -> Refusal {
    Refusal::refused("the wt run that holds this cage does not answer")
        .hint("ask the person who started this; work in the worktree is not lost")
}
