//! A command's output as a log of bounded size: the head as it came, the tail, and a line that says what is missing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// How many bytes of an output are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) head: u64,
    pub(super) tail: usize,
}

impl Limits {
    /// 64 MiB in all. The head is on disk as soon as it was printed; the tail is in memory until the end.
    pub(super) const LOG: Self = Self {
        head: 48 << 20,
        tail: 16 << 20,
    };
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Capture {
    path: PathBuf,
    file: File,
    limits: Limits,
    tail: VecDeque<u8>,
    bytes: u64,
    newlines: u64,
    last: u8,
}

/// What was printed, whether it was kept or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) bytes: u64,
    /// A last line without a newline counts.
    pub(super) lines: u64,
    /// The log lacks a part from the middle.
    pub(super) cut: bool,
}

impl Capture {
    /// Begins a log, in place of what the file held.
    pub(super) fn create(path: &Path, limits: Limits) -> anyhow::Result<Self> {
        let file = File::create(path)
            .with_context(|| format!("can't write the log {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            limits,
            tail: VecDeque::new(),
            bytes: 0,
            newlines: 0,
            last: b'\n',
        })
    }

    pub(super) fn take(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        let Some(&last) = chunk.last() else {
            return Ok(());
        };
        let room = self.limits.head.saturating_sub(self.bytes);
        let (head, tail) =
            chunk.split_at(usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len())));
        self.bytes += chunk.len() as u64;
        self.newlines += chunk
            .iter()
            .map(|&byte| u64::from(byte == b'\n'))
            .sum::<u64>();
        self.last = last;
        self.tail.extend(tail);
        self.tail
            .drain(..self.tail.len().saturating_sub(self.limits.tail));
        self.write(head)
    }

    /// Writes what is still held.
    pub(super) fn finish(mut self) -> anyhow::Result<Printed> {
        let tail = std::mem::take(&mut self.tail);
        let left_out = self
            .bytes
            .saturating_sub(self.limits.head)
            .saturating_sub(tail.len() as u64);
        if left_out > 0 {
            self.write(format!("\n[wt: {left_out} bytes left out here]\n").as_bytes())?;
        }
        let (front, back) = tail.as_slices();
        self.write(front)?;
        self.write(back)?;
        Ok(Printed {
            bytes: self.bytes,
            lines: self.newlines + u64::from(self.last != b'\n'),
            cut: left_out > 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.file.write_all(bytes);
        written.with_context(|| format!("can't write the log {}", self.path.display()))
    }
}

/// The last `max` bytes of a file, fewer if it is shorter.
pub(crate) fn tail(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(max)))?;
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: Limits = Limits { head: 7, tail: 5 };

    fn capture(chunks: &[Vec<u8>]) -> (Vec<u8>, Printed) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut capture = Capture::create(&path, SMALL).unwrap();
        for chunk in chunks {
            capture.take(chunk).unwrap();
        }
        let printed = capture.finish().unwrap();
        (std::fs::read(path).unwrap(), printed)
    }

    #[test]
    fn the_middle_of_a_long_output_is_left_out_and_said() {
        let (log, printed) = capture(&[b"one\ntwo\nthree\n".to_vec(), b"four\nfive".to_vec()]);
        insta::assert_snapshot!(String::from_utf8(log).unwrap(), @"
        one
        two
        [wt: 11 bytes left out here]

        five
        ");
        assert_eq!(
            printed,
            Printed {
                bytes: 23,
                lines: 5,
                cut: true
            }
        );
        assert_eq!(
            capture(&[]),
            (
                vec![],
                Printed {
                    bytes: 0,
                    lines: 0,
                    cut: false
                }
            )
        );
    }

    proptest! {
        #[test]
        fn any_output_keeps_its_head_and_tail(chunks: Vec<Vec<u8>>) {
            let all = chunks.concat();
            let (log, printed) = capture(&chunks);
            prop_assert_eq!(printed.bytes, all.len() as u64);
            prop_assert_eq!(printed.lines, all.split_inclusive(|&byte| byte == b'\n').count() as u64);
            prop_assert_eq!(printed.cut, all.len() > 12);
            if printed.cut {
                prop_assert!(log.starts_with(&all[..7]) && log.ends_with(&all[all.len() - 5..]));
                prop_assert!(log.len() < 12 + 50);
            } else {
                prop_assert_eq!(log, all);
            }
        }
    }

    #[test]
    fn the_tail_of_a_file_is_at_most_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(tail(&path, 3).unwrap(), b"789");
        assert_eq!(tail(&path, 30).unwrap(), b"0123456789");
        assert!(tail(&dir.path().join("none"), 3).is_err());
    }
}
