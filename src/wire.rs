//! The socket between a cage and the `wt run` that holds it: one request in one packet, with the caller's standard
//! streams; one answer.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind,
    connect, listen, recvmsg, sendmsg, socket_with, sockopt,
};
use rustix::process::Pid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest packet, in bytes.
const MOST: usize = 128 << 10;
/// How many callers may wait to be accepted.
const BACKLOG: i32 = 64;
/// Standard input, output and error.
const STREAMS: usize = 3;

/// What a caged `wt` asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub(crate) enum Request {
    /// Run `wt` with these arguments in this folder, on the streams that come along.
    Call { args: Vec<String>, folder: String },
    /// Note what happened, with what goes with it.
    Event {
        event: String,
        facts: serde_json::Map<String, serde_json::Value>,
    },
}

/// What a caged `wt` adds while its call is at work.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Addition {
    /// Ctrl-C was pressed.
    Interrupt,
}

/// What it is answered, in the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The exit status.
    pub(crate) exit: u8,
    /// Why nothing was done.
    pub(crate) refused: Option<String>,
}

/// What came in one packet.
pub(crate) enum Received<T> {
    /// It was understood, with as many descriptors as came along.
    Packet(T, Vec<OwnedFd>),
    /// It was not.
    Garbage,
    /// Nothing yet.
    Nothing,
    /// The other end is gone.
    End,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Connection(OwnedFd);

/// The end at which callers are accepted.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl Listener {
    /// Makes the socket, in a folder that nobody else can enter.
    pub(crate) fn bind(path: &Path) -> anyhow::Result<Self> {
        let make = || -> io::Result<OwnedFd> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
            bind(&socket, &SocketAddrUnix::new(path)?)?;
            listen(&socket, BACKLOG)?;
            Ok(socket)
        };
        let socket = make().with_context(|| format!("can't make {}", path.display()))?;
        Ok(Self(socket))
    }

    /// The next caller, with the process that called; nothing where there is none.
    pub(crate) fn accept(&self) -> io::Result<Option<(Connection, Option<Pid>)>> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match accept_with(&self.0, flags) {
            Ok(socket) => {
                let peer = sockopt::socket_peercred(&socket).ok().map(|cred| cred.pid);
                Ok(Some((Connection(socket), peer)))
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNABORTED) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Connection {
    /// Calls the `wt run` that listens at `path`.
    pub(crate) fn call(path: &Path) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self(socket))
    }

    /// Sends one packet, with these descriptors.
    ///
    /// # Errors
    /// Where it is too large, or the other end is gone.
    pub(crate) fn send(&self, packet: &impl Serialize, with: &[BorrowedFd]) -> io::Result<()> {
        let bytes = serde_json::to_vec(packet)?;
        if bytes.len() > MOST {
            return Err(io::Error::other("the request is too large"));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        if !with.is_empty() {
            along.push(SendAncillaryMessage::ScmRights(with));
        }
        sendmsg(
            &self.0,
            &[IoSlice::new(&bytes)],
            &mut along,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    /// Waits until the other end has answered or is gone, at most that long.
    pub(crate) fn wait_for_answer(&self, most: Duration) {
        let most = Timespec::try_from(most).ok();
        // An error is as good as an answer: what was sent is on its way.
        let _ = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], most.as_ref());
    }

    /// Takes the next packet.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> io::Result<Received<T>> {
        let mut bytes = vec![0; MOST + 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
        let mut along = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut along,
            RecvFlags::CMSG_CLOEXEC,
        );
        let received = match received {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN) => return Ok(Received::Nothing),
            Err(rustix::io::Errno::CONNRESET) => return Ok(Received::End),
            Err(error) => return Err(error.into()),
        };
        let mut streams = Vec::new();
        for message in along.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                streams.extend(descriptors);
            }
        }
        if received.bytes == 0 {
            return Ok(Received::End);
        }
        Ok(match serde_json::from_slice(&bytes[..received.bytes]) {
            Ok(packet) if received.bytes <= MOST => Received::Packet(packet, streams),
            _ => Received::Garbage,
        })
    }
}
