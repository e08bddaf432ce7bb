//! What keeps a caged process from typing into the terminal that it shares with a person's shell.

use anyhow::Context as _;
use seccompiler::{apply_filter, sock_filter};

/// Architecture as the kernel's audit numbers it, and the number of `ioctl` there: each as seen by a process of it,
/// so that a 32-bit program is no way around.
const IOCTLS: [(u32, u32); 6] = [
    (0xC000_003E, 16),          // x86-64
    (0xC000_003E, 0x4000_0202), // x32
    (0x4000_0003, 54),          // i386
    (0xC000_00B7, 29),          // aarch64
    (0x4000_0028, 54),          // arm
    (0xC000_00F3, 29),          // riscv64
];
/// Puts a byte into a terminal's input; pastes the selection of a console into it.
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541C;

/// Loads a word of the call's description, leaves with a verdict, goes on if equal.
const LOAD: u16 = 0x20;
const RETURN: u16 = 0x06;
const IF_EQUAL: u16 = 0x15;
/// Where in that description: the call's number, the architecture, the low half of the second argument.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const REQUEST: u32 = 24;
const ALLOW: u32 = 0x7FFF_0000;
/// The call fails with "operation not permitted".
const REFUSE: u32 = 0x0005_0001;

/// Takes from this process, and from all that it starts, the calls that put input into a terminal.
pub(super) fn forbid_typing() -> anyhow::Result<()> {
    let mut filter: Vec<sock_filter> = IOCTLS.iter().copied().flat_map(refusal).collect();
    filter.push(step(RETURN, ALLOW));
    apply_filter(&filter).context("can't keep the cage from typing into the terminal")
}

/// Refuses the two requests on one architecture; anything else falls through to what follows.
fn refusal((architecture, ioctl): (u32, u32)) -> [sock_filter; 8] {
    [
        step(LOAD, ARCHITECTURE),
        jump(architecture, 0, 6),
        step(LOAD, NUMBER),
        jump(ioctl, 0, 4),
        step(LOAD, REQUEST),
        jump(TIOCSTI, 1, 0),
        jump(TIOCLINUX, 0, 1),
        step(RETURN, REFUSE),
    ]
}

fn step(code: u16, k: u32) -> sock_filter {
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Skips that many steps if what was loaded is `value`, else the other number.
fn jump(value: u32, equal: u8, other: u8) -> sock_filter {
    sock_filter {
        code: IF_EQUAL,
        jt: equal,
        jf: other,
        k: value,
    }
}
