//! Reading a file that an agent can put anything in the place of, at any moment.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

/// The bytes of a regular file; nothing where there is none (a symbolic link is not followed, a pipe not waited for)
/// or it holds more than `most`.
pub(crate) fn plain_bytes(path: &Path, most: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let context = || format!("can't read {}", path.display());
    match open(path, flags, Mode::empty()) {
        Ok(fd) => bytes_if_plain(File::from(fd), most).with_context(context),
        // None; a symbolic link; a socket.
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => Ok(None),
        Err(error) => Err(error).with_context(context),
    }
}

/// The bytes of what was opened, without waiting at a pipe; nothing where it is no regular file or holds more than
/// `most`. It is looked at itself, not its name: that may be another file's the next moment.
pub(crate) fn bytes_if_plain(file: File, most: u64) -> io::Result<Option<Vec<u8>>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, FileType, RenameFlags, mknodat, renameat_with};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn what_becomes_a_pipe_between_two_looks_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, pipe) = (dir.path().join("file"), dir.path().join("pipe"));
        fs::write(&file, "text").expect("written");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("made");
        let (over, done) = mpsc::channel();
        let path = file.clone();
        thread::spawn(move || {
            for _ in 0..20_000 {
                let _ = plain_bytes(&path, 10);
            }
            over.send(())
        });
        let begun = Instant::now();
        while done.try_recv().is_err() {
            let _ = renameat_with(CWD, &file, CWD, &pipe, RenameFlags::EXCHANGE);
            assert!(begun.elapsed() < PATIENCE, "it waits for the pipe");
        }
    }
}
