//! Outside of a cage: what its processes ask of `wt` is done here, for its own task alone.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

use crate::hook;
use crate::process::{Fate, Leader, isolate};
use crate::store::Beneath;
use crate::task::Task;
use crate::wire::{Addition, Answer, Connection, Listener, Received, Request};
use crate::workspace::Workspace;

/// How many callers are served at once.
const CALLERS: usize = 64;
/// How many refused callers are written down.
const REFUSALS_NOTED: u32 = 20;
/// How long calls that are under way may take to end when the cage does.
const GRACE: Duration = Duration::from_secs(5);
/// The exit status of a refusal.
const REFUSED: u8 = crate::error::Code::Refused as u8;

/// The side of a cage that is not in it.
pub(super) struct Outside<'w> {
    ws: &'w Workspace<'w>,
    task: &'w Task,
    leader: Leader,
    listener: Option<Listener>,
    calls: Vec<Call>,
    refusals: u32,
}

/// A caller.
struct Call {
    connection: Connection,
    work: Option<Work>,
    over: bool,
}

/// The process that does what a caller asked for.
struct Work {
    pid: Pid,
    /// By which it is signalled, and no other that is given its pid once it has ended.
    handle: OwnedFd,
}

impl Work {
    fn of(child: &Child) -> anyhow::Result<Self> {
        let pid = Pid::from_child(child);
        let handle = pidfd_open(pid, PidfdFlags::empty()).context("can't watch a process")?;
        Ok(Self { pid, handle })
    }

    /// In vain where it has ended.
    fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.handle, signal);
    }

    /// Ends it: it is asked first, and a judge that it began goes on.
    fn end(&self) {
        self.signal(Signal::TERM);
        let give_up = Instant::now() + GRACE;
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        // No child any more where it was waited for with all others.
        while waitid(WaitId::PidFd(self.handle.as_fd()), look).is_ok_and(|ended| ended.is_none()) {
            if Instant::now() >= give_up {
                self.signal(Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl<'w> Outside<'w> {
    pub(super) fn new(
        ws: &'w Workspace<'w>,
        task: &'w Task,
        leader: Leader,
        listener: Option<Listener>,
    ) -> Self {
        Self {
            ws,
            task,
            leader,
            listener,
            calls: Vec::new(),
            refusals: 0,
        }
    }

    /// Serves the cage until its command has ended; answers how it did.
    pub(super) fn serve(&mut self) -> anyhow::Result<Fate> {
        loop {
            self.turn()?;
            let mut own = None;
            // All of them: what has been waited for here can't be waited for again.
            for (pid, fate) in self.leader.ended()? {
                match pid {
                    None => own = Some(fate),
                    Some(pid) => self.answer(pid, fate),
                }
            }
            if let Some(fate) = own {
                return Ok(fate);
            }
        }
    }

    /// Ends what is left in the cage, and what was still being done for it.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        self.listener = None;
        self.leader.family().end()?;
        for call in self.calls.drain(..) {
            if let Some(work) = call.work {
                work.end();
            }
        }
        Ok(())
    }

    /// Waits until there is something to do, and does it.
    fn turn(&mut self) -> anyhow::Result<()> {
        let listener = self.listener.as_ref().map(AsFd::as_fd);
        let fds: Vec<BorrowedFd> = listener
            .into_iter()
            .chain(self.calls.iter().map(|call| call.connection.as_fd()))
            .collect();
        let has_listener = listener.is_some();
        let mut ready = self.leader.sleep(&fds);
        if has_listener && ready.remove(0) {
            self.accept()?;
        }
        for (position, ready) in ready.into_iter().enumerate() {
            if ready {
                self.hear(position);
            }
        }
        self.calls.retain(|call| !call.over);
        Ok(())
    }

    /// Lets callers in that are in the cage.
    fn accept(&mut self) -> anyhow::Result<()> {
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        // No more than these at once: those who call without an end must not keep signals from being passed on.
        for _ in 0..CALLERS {
            let Some((connection, peer)) = listener.accept().context("can't hear the cage")? else {
                break;
            };
            if !peer.is_some_and(|peer| self.leader.family().holds(peer)) {
                self.refusals += 1;
                if self.refusals <= REFUSALS_NOTED {
                    let event = self.ws.event(&self.task.name, "socket-refused");
                    let pid = peer.map(Pid::as_raw_pid);
                    // A full disk must not end the session.
                    let _ = self.ws.record(&event.fact("pid", pid));
                }
                continue;
            }
            if self.calls.len() < CALLERS {
                self.calls.push(Call {
                    connection,
                    work: None,
                    over: false,
                });
            }
        }
        Ok(())
    }

    /// Takes what a caller says.
    fn hear(&mut self, position: usize) {
        let call = &self.calls[position];
        let over = match &call.work {
            None => match call.connection.receive::<Request>() {
                Ok(Received::Packet(request, streams)) => self.take(position, request, streams),
                Ok(Received::Nothing) => false,
                Ok(Received::Garbage | Received::End) | Err(_) => true,
            },
            Some(work) => match call.connection.receive::<Addition>() {
                Ok(Received::Packet(Addition::Interrupt, _)) => {
                    work.signal(Signal::INT);
                    false
                }
                Ok(Received::Nothing | Received::Garbage) => false,
                // The caller is gone: what it asked for is followed by nobody. A judge goes on.
                Ok(Received::End) | Err(_) => {
                    work.signal(Signal::TERM);
                    true
                }
            },
        };
        self.calls[position].over |= over;
    }

    /// Begins what is asked for; answers whether the caller is done with.
    fn take(&mut self, position: usize, request: Request, streams: Vec<OwnedFd>) -> bool {
        let begun = match request {
            Request::Call { args, folder } => self.begin(&args, Path::new(&folder), streams),
            Request::Event { event, facts } => {
                // A lost event is no fault of the caller's.
                let _ = self.note(&event, facts);
                let answer = Answer {
                    exit: 0,
                    refused: None,
                };
                let _ = self.calls[position].connection.send(&answer, &[]);
                return true;
            }
        };
        match begun {
            Ok(work) => {
                self.calls[position].work = Some(work);
                false
            }
            Err(error) => {
                let answer = Answer {
                    exit: REFUSED,
                    refused: Some(format!("{error:#}")),
                };
                let _ = self.calls[position].connection.send(&answer, &[]);
                true
            }
        }
    }

    /// Starts `wt` outside of the cage, held to this task.
    fn begin(&self, args: &[String], folder: &Path, streams: Vec<OwnedFd>) -> anyhow::Result<Work> {
        let [stdin, stdout, stderr]: [OwnedFd; 3] = streams
            .try_into()
            .ok()
            .context("a call needs three streams")?;
        let inside = folder
            .strip_prefix(&self.task.worktree)
            .ok()
            .and_then(Path::to_str)
            .with_context(|| format!("{} is not in the task's worktree", folder.display()))?;
        let folder = Beneath::open(&self.task.worktree)?.folder(inside)?;
        // The link leads to this executable even when another version was installed over it since.
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = std::env::args_os().next() {
            std::os::unix::process::CommandExt::arg0(&mut command, name);
        }
        command
            .args(args)
            .current_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))
            .env_clear()
            .envs(self.ws.ctx.environment.all())
            .env("WT_CAGED", &self.task.name)
            .env("WT_CAGED_IN", self.ws.repo.common())
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr));
        isolate(&mut command)?;
        let child = command.spawn().context("can't start wt")?;
        Work::of(&child)
    }

    /// Tells a caller that what it asked for is done.
    fn answer(&mut self, pid: Pid, fate: Fate) {
        for call in &mut self.calls {
            if call.work.as_ref().is_some_and(|work| work.pid == pid) {
                let answer = Answer {
                    exit: fate.status(),
                    refused: None,
                };
                let _ = call.connection.send(&answer, &[]);
                call.over = true;
            }
        }
        self.calls.retain(|call| !call.over);
    }

    /// Writes down what a hook decided inside.
    fn note(
        &self,
        event: &str,
        facts: serde_json::Map<String, serde_json::Value>,
    ) -> anyhow::Result<()> {
        // Inside anything can be said: what `wt` itself notes must not be among it.
        if !hook::EVENTS.contains(&event) {
            return Ok(());
        }
        let mut event = self.ws.event(&self.task.name, event);
        event.facts = facts;
        self.ws.record(&event)
    }
}
