//! The parts of files that lie in a place on the disk which others use as well: copies made by copy-on-write.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;

use fiemap::{Fiemap, FiemapExtentFlags as Flags};
use rustix::fs::{Mode, OFlags, open};

/// File systems on which no two files share a part (ext2 to ext4, tmpfs, f2fs): they need not be asked.
const NEVER_SHARED: [u64; 3] = [0xEF53, 0x0102_1994, 0xF2F5_2010];
/// More parts than a file is asked for: one that has more is torn to pieces on purpose.
const MOST: usize = 1 << 20;

/// Whether files at `path` may share parts.
pub(super) fn may_share(path: &Path) -> bool {
    let kind = rustix::fs::statfs(path).map(|stat| stat.f_type.cast_unsigned());
    kind.is_ok_and(|kind| !NEVER_SHARED.contains(&kind))
}

/// What the file system tells of a file.
pub(super) enum Told {
    /// How many of its bytes are in shared parts.
    Shared(u64),
    /// It can't be told.
    Nothing,
}

/// Shared parts of files, by device: where each begins and ends.
#[derive(Default)]
pub(super) struct Extents {
    plain: Vec<(u64, u64, u64)>,
    /// Compressed ones, by where they begin: their length on the disk is not told.
    encoded: BTreeMap<(u64, u64), u64>,
}

impl Extents {
    /// Adds the shared parts of the regular file at `path`.
    pub(super) fn add_shared(&mut self, path: &Path, device: u64) -> Told {
        // Something else may stand there by now: a link is not followed, a pipe not waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = open(path, flags, Mode::empty()) else {
            return Told::Nothing;
        };
        let mut shared = 0;
        for extent in Fiemap::<OwnedFd>::new(file).take(MOST) {
            let Ok(extent) = extent else {
                return Told::Nothing;
            };
            let is = |flag| extent.fe_flags.contains(flag);
            if !is(Flags::SHARED) || is(Flags::UNKNOWN) {
                continue;
            }
            shared += extent.fe_length;
            let (start, length) = (extent.fe_physical, extent.fe_length);
            if is(Flags::ENCODED) {
                let known = self.encoded.entry((device, start)).or_default();
                *known = length.max(*known);
            } else {
                self.plain.push((device, start, start + length));
            }
        }
        Told::Shared(shared)
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.plain.extend(other.plain);
        for (place, length) in other.encoded {
            let known = self.encoded.entry(place).or_default();
            *known = length.max(*known);
        }
    }

    /// Makes one of those that touch each other.
    pub(super) fn settle(&mut self) {
        self.plain = merged(std::mem::take(&mut self.plain));
    }

    /// How many bytes they take, each counted once.
    pub(super) fn bytes(&self) -> u64 {
        let plain = merged(self.plain.clone());
        let plain: u64 = plain.iter().map(|(_, start, end)| end - start).sum();
        plain + self.encoded.values().sum::<u64>()
    }
}

fn merged(mut all: Vec<(u64, u64, u64)>) -> Vec<(u64, u64, u64)> {
    all.sort_unstable();
    let mut merged: Vec<(u64, u64, u64)> = Vec::new();
    for (device, start, end) in all {
        match merged.last_mut() {
            Some(last) if last.0 == device && start <= last.2 => last.2 = last.2.max(end),
            _ => merged.push((device, start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_byte_is_counted_once(parts in prop::collection::vec((0..2_u64, 0..60_u64, 0..20_u64), 0..20)) {
            let mut extents = Extents::default();
            let mut bytes = std::collections::BTreeSet::new();
            for (device, start, length) in parts {
                extents.plain.push((device, start, start + length));
                bytes.extend((start..start + length).map(|byte| (device, byte)));
            }
            prop_assert_eq!(extents.bytes(), bytes.len() as u64);
            extents.settle();
            prop_assert_eq!(extents.bytes(), bytes.len() as u64);
        }
    }
}
