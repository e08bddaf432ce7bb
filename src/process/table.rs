//! The kernel's table of processes, as `/proc` shows it.

use std::collections::{HashMap, HashSet};
use std::{fs, io};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One process at the moment it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pid: Pid,
    /// Ended, and not yet waited for by its parent.
    pub(super) zombie: bool,
    /// `None` for the first process and for one whose parent is in an outer PID namespace; so are group and session.
    pub(super) parent: Option<Pid>,
    pub(super) group: Option<Pid>,
    pub(super) session: Option<Pid>,
    /// Clock ticks since boot. With `pid`, it names one process until the next boot.
    pub(super) start_time: u64,
}

impl Entry {
    /// The process that has this pid now, a zombie included.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        let path = format!("/proc/{pid}/stat");
        match fs::read(&path) {
            Ok(stat) => match Self::parse(&stat) {
                Some(entry) => Ok(Some(entry)),
                None => Err(io::Error::other(format!("{path} is not understood"))),
            },
            // It may end between the opening of the file and the reading.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) if Errno::from_io_error(&e) == Some(Errno::SRCH) => Ok(None),
            Err(e) => Err(io::Error::new(e.kind(), format!("{path}: {e}"))),
        }
    }

    /// Every process that can be seen, as those of this user can. What comes and goes meanwhile may be missed.
    pub(super) fn all() -> io::Result<Vec<Self>> {
        let mut entries = Vec::new();
        for file in fs::read_dir("/proc")? {
            let name = file?.file_name();
            let pid = name.to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw)
                // Some systems name the processes of others and show no more of them.
                && let Ok(Some(entry)) = Self::of(pid)
            {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Those of `all` that are among `tops` or descend from one of them.
    pub(super) fn families(all: Vec<Self>, tops: &[Pid]) -> Vec<Self> {
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        for entry in &all {
            if let Some(parent) = entry.parent {
                children.entry(parent).or_default().push(entry.pid);
            }
        }
        let mut inside: HashSet<Pid> = HashSet::new();
        let mut open = tops.to_vec();
        while let Some(pid) = open.pop() {
            if inside.insert(pid) {
                open.extend(children.remove(&pid).unwrap_or_default());
            }
        }
        all.into_iter()
            .filter(|entry| inside.contains(&entry.pid))
            .collect()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.pid, self.start_time) == (other.pid, other.start_time)
    }

    /// Signals this process and no other that was given its pid since. One that has ended is signalled in vain.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = pidfd_open(self.pid, PidfdFlags::empty()).and_then(|pidfd| {
            // The descriptor holds whatever has the pid by now, so it is looked at after the opening.
            match Self::of(self.pid) {
                Ok(Some(now)) if now.is_same(self) => pidfd_send_signal(&pidfd, signal),
                Ok(_) => Ok(()),
                Err(e) => Err(Errno::from_io_error(&e).unwrap_or(Errno::IO)),
            }
        });
        match sent {
            Err(Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }

    /// Reads `pid (name) state ppid pgrp session … starttime …`, see `proc_pid_stat(5)`.
    fn parse(stat: &[u8]) -> Option<Self> {
        // The name may hold anything, spaces and parentheses included; after it come numbers alone.
        let open = stat.iter().position(|&byte| byte == b'(')?;
        let close = stat.iter().rposition(|&byte| byte == b')')?;
        let pid = str::from_utf8(&stat[..open]).ok()?.trim().parse().ok()?;
        let rest = str::from_utf8(&stat[close + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let process = |index: usize| fields.get(index)?.parse().ok().map(positive);
        Some(Self {
            pid: positive(pid)?,
            zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
            parent: process(1)?,
            group: process(2)?,
            session: process(3)?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }
}

/// A pid, where the kernel writes 0 or -1 for none.
fn positive(raw: i32) -> Option<Pid> {
    Pid::from_raw(raw.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_all_that_descends_and_nothing_beside_it() {
        let entry = |pid: i32, parent: i32| {
            let stat = format!(
                "{pid} (x) S {parent} 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 65 43\n"
            );
            Entry::parse(stat.as_bytes()).unwrap()
        };
        // A chain that is longer than any stack would like, and its neighbours.
        let chain = (10..40_000).map(|pid| entry(pid + 1, pid));
        let all: Vec<Entry> = chain
            .chain([entry(2, 1), entry(3, 2), entry(10, 2)])
            .collect();
        let of = |tops: &[i32]| {
            let tops: Vec<Pid> = tops.iter().filter_map(|&pid| Pid::from_raw(pid)).collect();
            Entry::families(all.clone(), &tops).len()
        };
        assert_eq!(
            (of(&[3]), of(&[10]), of(&[2]), of(&[])),
            (1, 39_991, 39_991 + 2, 0)
        );
    }

    #[test]
    fn a_name_cannot_forge_the_fields_behind_it() {
        let stat =
            b"42 (a) Z 1 \xff\n) S 7 41 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 65 43\n";
        let entry = Entry::parse(stat).unwrap();
        let pid = |raw| Pid::from_raw(raw);
        assert_eq!(Some(entry.pid), pid(42));
        assert!(!entry.zombie);
        assert_eq!(
            (entry.parent, entry.group, entry.session),
            (pid(7), pid(41), pid(40))
        );
        assert_eq!(entry.start_time, 987);
        assert_eq!(Entry::parse(b"42 (cut short) S 7"), None);
    }
}
