//! What `wt` answers when the answer is not "done": a message, a hint and an exit code.

use std::fmt;

/// The exit statuses of `wt`. They are part of its interface: agents and scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Yes, done.
    Ok = 0,
    /// The answer is no: the gate failed, the scope was left, a check found something.
    No = 1,
    /// From `wt hook` alone: what was asked for is denied.
    Denied = 2,
    /// The retry budget is spent; a person is needed.
    Stopped = 3,
    /// A precondition does not hold; nothing was changed.
    Refused = 4,
    /// The work conflicts with the target.
    Conflict = 5,
    /// Another `wt` holds what is needed.
    Busy = 6,
    /// The operator interrupted.
    Interrupted = 130,
    /// The command line or `wt.toml` is wrong.
    Usage = 64,
    /// A fault of `wt` itself, or of the machine under it.
    Fault = 70,
}

impl Code {
    /// Of two answers, the one that a person must look at first.
    pub(crate) fn worse(self, other: Self) -> Self {
        const WORST_FIRST: [Code; 8] = [
            Code::Interrupted,
            Code::Fault,
            Code::Stopped,
            Code::No,
            Code::Conflict,
            Code::Refused,
            Code::Busy,
            Code::Ok,
        ];
        let either = |code: &Self| *code == self || *code == other;
        WORST_FIRST.into_iter().find(either).unwrap_or(self)
    }
}

/// A refusal to go on: what happened to what (one line, lower case), what to do next, and the exit code.
///
/// It travels as an [`anyhow::Error`]; an error that is no `Refusal` is a fault of `wt` itself.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// A precondition does not hold ([`Code::Refused`]).
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, message)
    }

    /// The command line or the contract file is wrong ([`Code::Usage`]).
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Adds what to do next, usually the command to run.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The end of a command that `wt` ran for the operator: passed on as it was, without a word.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: u8,
}

impl Ended {
    pub(crate) fn with(status: u8) -> Self {
        Self { status }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command ended with status {}", self.status)
    }
}

impl std::error::Error for Ended {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// The known name nearest to `given`, if one is near enough to be a slip of the finger.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| {
            *distance <= 1 + name.chars().count().max(given.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A path as one word of a message: what would begin a line, or steer a terminal, is escaped.
pub(crate) fn shown(path: &str) -> String {
    let mut word = String::with_capacity(path.len());
    for c in path.chars() {
        if c.is_control() {
            word.extend(c.escape_default());
        } else {
            word.push(c);
        }
    }
    word
}

/// A few of many paths, for a message.
pub(crate) fn some_of(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = paths
        .iter()
        .take(SHOWN)
        .map(|path| shown(path))
        .collect::<Vec<_>>()
        .join(", ");
    match paths.len().checked_sub(SHOWN) {
        Some(rest @ 1..) => format!("{shown} and {rest} more"),
        _ => shown,
    }
}

/// What the system says of a disk that is full.
pub(crate) const NO_SPACE: &str = "No space left on device";

/// Whether a message, the system's, git's or that of another tool, says that a disk is full.
pub(crate) fn tells_of_full_disk(message: &str) -> bool {
    // Some tools write the system's words small.
    const FULL: [&str; 4] = [
        "no space left on device",
        "out of diskspace",
        "disk quota exceeded",
        "disk is full",
    ];
    let message = message.to_lowercase();
    FULL.iter().any(|words| message.contains(words))
}

/// What a person is told to do where a disk is full.
pub(crate) const MAKE_ROOM: &str = "free what is over: wt gc --older 0; remove a task: wt rm <task>; see what takes it: wt list --size";

/// So many of something, for a message: `1 commit`, `3 commits`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_paths_are_counted_and_not_listed() {
        let paths: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(some_of(&paths), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(some_of(&paths[..5]), "1, 2, 3, 4, 5");
    }

    #[test]
    fn nearest_names_a_slip_and_not_a_stranger() {
        assert_eq!(
            nearest("invariant", ["edits", "invariants"]),
            Some("invariants")
        );
        assert_eq!(nearest("tiemout", ["timeout", "when"]), Some("timeout"));
        assert_eq!(nearest("colour", ["timeout", "when"]), None);
    }
}
