//! What a git child reads and writes, as files in memory: a pipe wants a thread at our end, which may not be to be had.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{ExitStatus, Output};

use duct::{Expression, Handle};
use rustix::fs::{MemfdFlags, memfd_create};

/// A file without a name, gone with its last descriptor.
pub(super) struct MemoryFile(File);

impl MemoryFile {
    /// An empty one.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(File::from(memfd_create("wt", MemfdFlags::CLOEXEC)?)))
    }

    /// One that holds `bytes`.
    pub(super) fn of(bytes: &[u8]) -> io::Result<Self> {
        let file = Self::new()?;
        (&file.0).write_all(bytes)?;
        Ok(file)
    }

    /// For a child that begins at the start of it.
    pub(super) fn lend(&self) -> io::Result<File> {
        (&self.0).rewind()?;
        self.0.try_clone()
    }

    /// For a child that begins to write anew.
    pub(super) fn lend_empty(&self) -> io::Result<File> {
        self.0.set_len(0)?;
        self.lend()
    }

    /// All that is in it.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let length = self.0.metadata()?.len();
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// The standard streams of a child, each as a whole.
pub(super) struct Streams {
    /// Nothing where its input is another thing.
    read: Option<MemoryFile>,
    out: MemoryFile,
    err: MemoryFile,
}

impl Streams {
    /// For a child that reads `bytes`, if any are given.
    pub(super) fn of(bytes: Option<&[u8]>) -> io::Result<Self> {
        Ok(Self {
            read: bytes.map(MemoryFile::of).transpose()?,
            out: MemoryFile::new()?,
            err: MemoryFile::new()?,
        })
    }

    /// Starts the child, once more if need be.
    pub(super) fn start(&self, child: &Expression) -> io::Result<Handle> {
        let child = child
            .stdout_file(self.out.lend_empty()?)
            .stderr_file(self.err.lend_empty()?);
        match &self.read {
            Some(read) => child.stdin_file(read.lend()?).start(),
            None => child.start(),
        }
    }

    /// What the child has written that has ended so.
    pub(super) fn output(&self, status: ExitStatus) -> io::Result<Output> {
        Ok(Output {
            status,
            stdout: self.out.bytes()?,
            stderr: self.err.bytes()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_begins_anew_and_all_that_is_written_is_read() {
        let file = MemoryFile::of(b"one").expect("made");
        let mut text = String::new();
        io::Read::read_to_string(&mut file.lend().expect("lent"), &mut text).expect("read");
        assert_eq!(text, "one");
        file.lend().expect("lent").write_all(b"t").expect("written");
        assert_eq!(file.bytes().expect("read"), b"tne");
        file.lend_empty()
            .expect("lent")
            .write_all(b"three")
            .expect("written");
        assert_eq!(file.bytes().expect("read"), b"three");
    }
}
