//! The system calls that a caged process does without: those that put input into a terminal that it shares with a
//! person's shell, those that set the limits of others, and those by which the superuser gets past any rule about files
//! or at the machine.

use anyhow::Context as _;
use seccompiler::{apply_filter, sock_filter};

/// One way in which a process may speak to the kernel: a 32-bit program must be no way around.
struct Dialect {
    /// As the kernel's audit numbers the architecture.
    architecture: u32,
    ioctl: u32,
    /// Code or data put into the kernel (`bpf`, `init_module`, `finit_module`, `kexec_load`, `kexec_file_load`), the
    /// machine's ports (`iopl`, `ioperm`), files by a handle and not by a path (`open_by_handle_at`), the clock
    /// (`settimeofday`, `clock_settime`, `clock_adjtime`, `adjtimex`) and the machine itself (`reboot`).
    refused: &'static [u32],
    /// Sets the limits of any process of the same user, and by them ends it: no scope of signals holds that.
    prlimit: u32,
}

const DIALECTS: [Dialect; 6] = [
    // x86-64
    Dialect {
        architecture: 0xC000_003E,
        ioctl: 16,
        refused: &[
            321, 175, 313, 246, 320, 172, 173, 304, 164, 227, 305, 159, 169,
        ],
        prlimit: 302,
    },
    // x32: as x86-64 with a bit set, and two of its own.
    Dialect {
        architecture: 0xC000_003E,
        ioctl: X32 + 514,
        refused: &[
            X32 + 321,
            X32 + 175,
            X32 + 313,
            X32 + 528,
            X32 + 320,
            X32 + 172,
            X32 + 173,
            X32 + 304,
            X32 + 164,
            X32 + 227,
            X32 + 305,
            X32 + 159,
            X32 + 169,
        ],
        prlimit: X32 + 302,
    },
    // i386
    Dialect {
        architecture: 0x4000_0003,
        ioctl: 54,
        refused: &[
            357, 128, 350, 283, 110, 101, 342, 79, 264, 404, 343, 405, 124, 25, 88,
        ],
        prlimit: 340,
    },
    // aarch64
    Dialect {
        architecture: 0xC000_00B7,
        ioctl: 29,
        refused: &[280, 105, 273, 104, 294, 265, 170, 112, 266, 171, 142],
        prlimit: 261,
    },
    // arm
    Dialect {
        architecture: 0x4000_0028,
        ioctl: 54,
        refused: &[
            386, 128, 379, 347, 401, 371, 79, 262, 404, 372, 405, 124, 88,
        ],
        prlimit: 369,
    },
    // riscv64
    Dialect {
        architecture: 0xC000_00F3,
        ioctl: 29,
        refused: &[280, 105, 273, 104, 294, 265, 170, 112, 266, 171, 142],
        prlimit: 261,
    },
];
const X32: u32 = 0x4000_0000;

/// Requests by `ioctl`: a byte put into a terminal's input, or the selection of a console; marks on a file that keep
/// even its owner from changing it (two ways, the first as 64-bit and 32-bit programs say it); a file system frozen, or
/// shut down.
const REQUESTS: [u32; 7] = [
    0x5412,
    0x541C,
    0x4008_6602,
    0x4004_6602,
    0x401C_5820,
    0xC004_5877,
    0x8004_587D,
];

/// Loads a word of the call's description, leaves with a verdict, goes on if equal.
const LOAD: u16 = 0x20;
const RETURN: u16 = 0x06;
const IF_EQUAL: u16 = 0x15;
/// Where in that description: the call's number, the architecture, the low halves of the first three arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const PROCESS: u32 = 16;
const REQUEST: u32 = 24;
const NEW_LIMIT: u32 = 32;
const ALLOW: u32 = 0x7FFF_0000;
/// The call fails with "operation not permitted".
const REFUSE: u32 = 0x0005_0001;

/// Takes those calls from this process and from all that it starts.
pub(super) fn forbid() -> anyhow::Result<()> {
    let mut filter: Vec<sock_filter> = DIALECTS.iter().flat_map(Dialect::rules).collect();
    filter.push(step(RETURN, ALLOW));
    apply_filter(&filter).context("can't take system calls from the cage")
}

impl Dialect {
    /// Refuses what this dialect must not say; anything else falls through to what follows.
    fn rules(&self) -> Vec<sock_filter> {
        let mut body = vec![step(LOAD, NUMBER)];
        for number in self.refused {
            body.push(jump(*number, 0, 1));
            body.push(step(RETURN, REFUSE));
        }
        body.extend(self.limits_of_others());
        let others = 1 + 2 * u8::try_from(REQUESTS.len()).expect("few requests");
        body.push(jump(self.ioctl, 0, others));
        body.push(step(LOAD, REQUEST));
        for request in REQUESTS {
            body.push(jump(request, 0, 1));
            body.push(step(RETURN, REFUSE));
        }
        let past = u8::try_from(body.len()).expect("a dialect has few calls");
        let mut rules = vec![step(LOAD, ARCHITECTURE), jump(self.architecture, 0, past)];
        rules.append(&mut body);
        rules
    }

    /// Lets a process set its own limits (0 names the caller) and look at all; refuses to set another's.
    fn limits_of_others(&self) -> [sock_filter; 9] {
        [
            jump(self.prlimit, 0, 8),
            step(LOAD, PROCESS),
            jump(0, 5, 0),
            step(LOAD, NEW_LIMIT),
            jump(0, 0, 2),
            step(LOAD, NEW_LIMIT + 4),
            jump(0, 1, 0),
            step(RETURN, REFUSE),
            step(RETURN, ALLOW),
        ]
    }
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
