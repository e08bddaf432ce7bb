//! Lines: processes that wait for the same thing, and get it in the order in which they came.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::{Lock, PATIENCE};
use super::{SCHEMA, Store, encoded, read_json, write_json_shown};
use crate::process::Identity;

/// How long the first in a line waits before it looks again; those behind it wait as many times as long.
const PAUSE: Duration = Duration::from_millis(20);
/// From this place on nobody waits longer.
const FAR: u32 = 10;

/// A line: a folder with a numbered ticket for each process that stands in it.
///
/// A number is given out under a lock and is higher than every one that is there, so that none below one's own ever
/// comes back: who has a ticket needs no lock to look at those ahead, or to take away those of the dead.
pub(crate) struct Line {
    dir: PathBuf,
}

/// One process in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiter {
    pub(crate) process: Identity,
    /// The tasks for which it stands there.
    pub(crate) tasks: Vec<String>,
    /// How many places it may choose from, the first ones of all that there are.
    places: usize,
}

/// A process's own place in a line, until this is dropped; that of a dead process counts no more.
pub(crate) struct Ticket {
    line: Line,
    number: u64,
    places: usize,
    /// Those ahead when they were looked at last: a ticket never changes.
    ahead: BTreeMap<u64, Waiter>,
}

impl Store {
    /// The line of those who land on one target. The first of it lands, and stays in it meanwhile.
    pub(crate) fn landing_line(&self, target: &str) -> Line {
        Line {
            dir: self.root.join("landing").join(encoded(target)),
        }
    }

    /// The line of the judges that have no slot yet.
    pub(crate) fn slot_line(&self) -> Line {
        Line {
            dir: self.root.join("slots").join("line"),
        }
    }
}

impl Line {
    /// Takes the place behind all others, for the first `places` of the places that the line is for.
    ///
    /// # Errors
    /// Where the folder can't be written to.
    pub(crate) fn join(self, tasks: &[String], places: usize) -> anyhow::Result<Ticket> {
        let _lock = Lock::take(&self.dir.join("lock"), PATIENCE)?;
        let mut last = 0;
        for name in self.names()? {
            match number_of(&name) {
                Some(number) => last = last.max(number),
                // Tickets are written under the lock alone: what is half written here was left by a killed process.
                None if name != "lock" => {
                    let _ = fs::remove_file(self.dir.join(name));
                }
                None => {}
            }
        }
        let number = last + 1;
        let waiter = Waiter {
            process: Identity::current()?,
            tasks: tasks.to_owned(),
            places,
        };
        // A ticket does not outlive the boot: the disk need not have it.
        write_json_shown(&self.file(number), &waiter)?;
        Ok(Ticket {
            line: self,
            number,
            places,
            ahead: BTreeMap::new(),
        })
    }

    fn file(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:012}.json"))
    }

    fn names(&self) -> anyhow::Result<Vec<String>> {
        let context = || format!("can't list {}", self.dir.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).with_context(context)? {
            names.extend(entry.with_context(context)?.file_name().into_string());
        }
        Ok(names)
    }
}

impl Ticket {
    /// Who stands before this one, the first of the line first. The tickets of the dead are taken away.
    ///
    /// # Errors
    /// Where the line can't be read; a refusal where a newer `wt` stands in it.
    pub(crate) fn ahead(&mut self) -> anyhow::Result<Vec<Waiter>> {
        let mut known = std::mem::take(&mut self.ahead);
        let names = self.line.names()?;
        for number in names.iter().filter_map(|name| number_of(name)) {
            if number >= self.number {
                continue;
            }
            let file = self.line.file(number);
            let waiter = match known.remove(&number) {
                Some(waiter) => Some(waiter),
                None => read(&file)?,
            };
            match waiter.filter(|waiter| waiter.process.is_alive()) {
                Some(waiter) => drop(self.ahead.insert(number, waiter)),
                None => drop(fs::remove_file(&file)),
            }
        }
        Ok(self.ahead.values().cloned().collect())
    }

    /// Waits for a turn: `take` is offered the places that nobody ahead may choose, and answers what it got of them.
    /// `waiting` is told who stands ahead, once and whenever that changes; `pause` sleeps and answers whether to give
    /// up, which answers nothing.
    pub(crate) fn wait<T>(
        &mut self,
        mut take: impl FnMut(Range<usize>) -> anyhow::Result<Option<T>>,
        mut waiting: impl FnMut(&[Waiter]),
        mut pause: impl FnMut(Duration) -> bool,
    ) -> anyhow::Result<Option<T>> {
        let mut told = None;
        loop {
            let ahead = self.ahead()?;
            let open = ahead.iter().map(|w| w.places).max().unwrap_or(0)..self.places;
            if !open.is_empty()
                && let Some(taken) = take(open)?
            {
                return Ok(Some(taken));
            }
            let numbers: Vec<u64> = self.ahead.keys().copied().collect();
            if told.as_ref() != Some(&numbers) {
                waiting(&ahead);
                told = Some(numbers);
            }
            let far = u32::try_from(ahead.len()).unwrap_or(FAR).clamp(1, FAR);
            if pause(PAUSE * far) {
                return Ok(None);
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // One that can't be removed counts no more once this process has ended.
        let _ = fs::remove_file(self.line.file(self.number));
    }
}

/// The number of the ticket that has this file name.
fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.parse().ok()
}

/// Reads a ticket; nothing where it is gone by now, or names no process: only lost power leaves such a one.
fn read(file: &Path) -> anyhow::Result<Option<Waiter>> {
    let bytes = match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        bytes => bytes.with_context(|| format!("can't read {}", file.display()))?,
    };
    let schema = serde_json::from_slice::<Value>(&bytes).ok();
    let schema = schema.and_then(|value| value.get("schema")?.as_u64());
    if schema.is_some_and(|schema| schema > SCHEMA) {
        return read_json(file);
    }
    Ok(read_json(file).ok().flatten())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn line(dir: &Path) -> Line {
        Line {
            dir: dir.join("line"),
        }
    }

    fn names(waiters: &[Waiter]) -> Vec<String> {
        waiters.iter().flat_map(|w| w.tasks.clone()).collect()
    }

    fn join(dir: &Path, task: &str, places: usize) -> Ticket {
        line(dir).join(&[task.to_owned()], places).expect("a place")
    }

    /// Offers a turn once; answers the places that are open.
    fn open(ticket: &mut Ticket) -> Option<Range<usize>> {
        ticket
            .wait(|open| Ok(Some(open)), |_| {}, |_| true)
            .expect("an answer")
    }

    #[test]
    fn who_came_first_is_first_and_who_leaves_makes_room() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut tickets: Vec<Ticket> = ["a", "b", "c"].map(|t| join(dir.path(), t, 1)).into();
        assert_eq!(names(&tickets[2].ahead().expect("read")), ["a", "b"]);
        assert_eq!(open(&mut tickets[1]), None);
        assert_eq!(open(&mut tickets[0]), Some(0..1));
        drop(tickets.remove(1));
        // Whoever comes now stands behind, also where a number has become free.
        drop(tickets.remove(1));
        tickets.push(join(dir.path(), "d", 1));
        assert_eq!(names(&tickets[1].ahead().expect("read")), ["a"]);
        drop(tickets.remove(0));
        assert_eq!(open(&mut tickets[0]), Some(0..1));
    }

    #[test]
    fn one_with_few_places_to_choose_holds_up_nobody_at_the_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let _first = join(dir.path(), "few", 1);
        let mut second = join(dir.path(), "more", 3);
        let mut third = join(dir.path(), "same", 3);
        assert_eq!(open(&mut second), Some(1..3));
        assert_eq!(open(&mut third), None);
    }

    #[test]
    fn the_dead_and_the_torn_are_passed_over_and_a_newer_ticket_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        // It ends by itself, too, where this test does before.
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("a child");
        let process = Identity::of(child.id()).expect("read").expect("alive");
        let tasks = vec!["dead".to_owned()];
        let waiter = Waiter {
            process,
            tasks,
            places: 1,
        };
        let there = line(dir.path());
        fs::create_dir(&there.dir).expect("made");
        write_json_shown(&there.file(7), &waiter).expect("written");
        fs::write(there.file(8), r#"{"schema": 1, "pro"#).expect("written");
        fs::write(there.file(9), "").expect("written");
        fs::write(dir.path().join("line/.tmpX"), "").expect("written");
        let mut ticket = join(dir.path(), "a", 1);
        assert_eq!(ticket.number, 10);
        assert_eq!(names(&ticket.ahead().expect("read")), ["dead"]);
        child.kill().expect("killed");
        child.wait().expect("waited for");
        assert_eq!(open(&mut ticket), Some(0..1));
        let mut left = there.names().expect("listed");
        left.sort();
        assert_eq!(left, ["000000000010.json", "lock"]);

        fs::write(there.file(3), r#"{"schema": 2}"#).expect("written");
        let newer = ticket.ahead().expect_err("refused").to_string();
        assert!(newer.contains("schema 2"), "{newer}");
    }

    #[test]
    fn many_at_once_are_served_one_by_one_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().expect("a folder");
        let served = std::sync::Mutex::new(Vec::new());
        let first = join(dir.path(), "first", 1);
        std::thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    let mut ticket = join(dir.path(), "x", 1);
                    let number = ticket.number;
                    let pause = |time: Duration| {
                        std::thread::sleep(time / 10);
                        false
                    };
                    let take = |_: Range<usize>| {
                        let mut served = served.lock().expect("unharmed");
                        served.push(number);
                        Ok(Some(()))
                    };
                    ticket.wait(take, |_| {}, pause).expect("a turn");
                });
            }
            let there = line(dir.path());
            while there.names().expect("listed").len() < 26 {
                std::thread::yield_now();
            }
            drop(first);
        });
        let served = served.into_inner().expect("unharmed");
        assert_eq!(served, (2..=25).collect::<Vec<u64>>());
    }
}
