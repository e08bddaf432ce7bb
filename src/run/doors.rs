//! What an agent's own state folder holds that is carried out, or believed, outside of the cage as well.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How many files and folders are looked at.
const MOST: usize = 20_000;

/// The state of these files and folders at one moment.
pub(super) struct Doors {
    places: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, Stamp>,
}

/// Size, inode and the time of the last change, which nobody can set.
type Stamp = (u64, u64, i64, i64);

impl Doors {
    pub(super) fn look(places: Vec<PathBuf>) -> Self {
        let seen = stamps(&places, MOST);
        Self { places, seen }
    }

    /// What was changed, made or removed since.
    pub(super) fn changed(&self) -> Vec<String> {
        let now = stamps(&self.places, MOST);
        let differs = |path: &&PathBuf| self.seen.get(*path) != now.get(*path);
        let mut changed: Vec<String> = self
            .seen
            .keys()
            .chain(now.keys())
            .filter(differs)
            .map(|path| path.display().to_string())
            .collect();
        changed.sort();
        changed.dedup();
        changed
    }
}

/// The files in these places, of at most so many that are looked at.
fn stamps(places: &[PathBuf], most: usize) -> BTreeMap<PathBuf, Stamp> {
    let mut stamps = BTreeMap::new();
    // From the top, so that a folder with too much in it hides only what is deep in it.
    let mut waiting = VecDeque::from(places.to_vec());
    let mut looked_at = 0;
    while let Some(path) = waiting.pop_front() {
        if looked_at == most {
            break;
        }
        looked_at += 1;
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            let room = most.saturating_sub(waiting.len());
            waiting.extend(inside(&path).take(room));
        } else {
            let stamp = (
                metadata.len(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            );
            stamps.insert(path, stamp);
        }
    }
    stamps
}

fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_too_full_hides_no_file_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("skills/deep")).expect("made");
        for name in 0..20 {
            fs::write(at(&format!("skills/deep/{name}")), "").expect("written");
        }
        fs::write(at("settings.json"), "").expect("written");
        for places in [["skills", "settings.json"], ["settings.json", "skills"]] {
            let seen = stamps(&places.map(at), 6);
            assert!(seen.contains_key(&at("settings.json")), "{seen:?}");
            assert!(seen.len() < 6);
        }
    }

    #[test]
    fn a_change_shows_even_where_size_and_time_are_put_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("hooks")).expect("made");
        for name in ["settings.json", "hooks/one", "other"] {
            fs::write(at(name), "1").expect("written");
        }
        let doors = Doors::look(vec![at("settings.json"), at("hooks"), at("CLAUDE.md")]);
        assert_eq!(doors.changed(), [""; 0]);
        let before = fs::metadata(at("hooks/one"))
            .expect("there")
            .modified()
            .expect("a time");
        // The clock of the file system ticks slower than a test runs.
        while doors.changed().is_empty() {
            fs::write(at("hooks/one"), "2").expect("written");
            let file = fs::File::options()
                .write(true)
                .open(at("hooks/one"))
                .expect("opened");
            file.set_modified(before).expect("set");
        }
        fs::write(at("CLAUDE.md"), "new").expect("written");
        fs::write(at("other"), "not looked at").expect("written");
        let names = ["CLAUDE.md", "hooks/one"].map(|name| at(name).display().to_string());
        assert_eq!(doors.changed(), names);
    }
}
