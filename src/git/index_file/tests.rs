//! Indexes that git wrote, of repositories made by chance, against what git says of them; and patched ones, read by git.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::{IndexFile, IndexKind, IndexStat};

/// A repository in a folder of its own, seeing nothing of the machine's settings.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new(format: &str) -> Self {
        let folder = tempfile::tempdir_in("/tmp").expect("a folder");
        let fixture = Self(folder);
        fs::create_dir(fixture.root()).expect("made");
        fixture.git(&["init", "-q", &format!("--object-format={format}")]);
        fixture
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("repo")
    }

    fn index(&self) -> PathBuf {
        self.root().join(".git/index")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command
            .current_dir(self.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("HOME", self.0.path())
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(args);
        command
    }

    fn git(&self, args: &[&str]) -> Vec<u8> {
        read(&mut self.command(args))
    }

    /// As [`Self::git`], on the files below `root` by the index there.
    fn git_on(&self, root: &Path, index: &Path, args: &[&str]) -> Vec<u8> {
        let mut command = self.command(args);
        read(
            command
                .current_dir(root)
                .env("GIT_DIR", self.root().join(".git"))
                .env("GIT_WORK_TREE", root)
                .env("GIT_INDEX_FILE", index),
        )
    }
}

fn read(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("git");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

fn parse(path: &Path, format: &str) -> Option<IndexFile> {
    let hash = if format == "sha256" { 32 } else { 20 };
    IndexFile::parse(fs::read(path).expect("an index"), hash)
}

/// What `git ls-files --stage -z` says, as far as an index of settled entries has it.
fn listed(index: &IndexFile) -> Vec<u8> {
    let mut list = Vec::new();
    for entry in index.entries() {
        let mode = match entry.kind {
            IndexKind::File | IndexKind::Unsettled => "100644",
            IndexKind::Executable => "100755",
            IndexKind::Link => "120000",
            IndexKind::Submodule => "160000",
        };
        let oid = index.oid(entry).expect("a name");
        list.extend(format!("{mode} {oid} 0\t").bytes());
        list.extend(index.path(entry));
        list.push(0);
    }
    list
}

fn stat_of(path: &Path) -> IndexStat {
    let m = fs::symlink_metadata(path).expect("there");
    let cut = |value: u64| u32::try_from(value & u64::from(u32::MAX)).expect("cut");
    let time = |s: i64, n: i64| (cut(s.cast_unsigned()), cut(n.cast_unsigned()));
    IndexStat {
        ctime: time(m.ctime(), m.ctime_nsec()),
        mtime: time(m.mtime(), m.mtime_nsec()),
        dev: cut(m.dev()),
        ino: cut(m.ino()),
        uid: m.uid(),
        gid: m.gid(),
        size: cut(m.size()),
    }
}

/// Copies every file of the index to `to`, links as links, and answers the copies' stat.
fn copy(index: &IndexFile, from: &Path, to: &Path) -> Vec<Option<IndexStat>> {
    let stats = index.entries().iter().map(|entry| {
        let name = std::ffi::OsStr::from_bytes(index.path(entry));
        let copy = to.join(name);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("made");
        match entry.kind {
            IndexKind::Unsettled => return None,
            IndexKind::Link => {
                symlink(fs::read_link(from.join(name)).expect("a link"), &copy).expect("linked");
            }
            _ => drop(fs::copy(from.join(name), &copy).expect("copied")),
        }
        Some(stat_of(&copy))
    });
    stats.collect()
}

/// Files by chance: paths that share beginnings, of which a few bytes are odd, and what is at each.
fn files() -> impl Strategy<Value = Vec<(String, u8)>> {
    let part = prop_oneof![
        4 => "[a-c]{1,2}",
        1 => "[a-z ]{1,9}x",
        1 => "é[\n\t\"]b",
        1 => Just("n".repeat(200)),
    ];
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    prop::collection::vec((path, any::<u8>()), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patched_index_is_to_git_that_of_the_copies(
        files in files(),
        version in 2..=4_u8,
        sha256 in any::<bool>(),
        unsigned in any::<bool>(),
    ) {
        let format = if sha256 { "sha256" } else { "sha1" };
        let fixture = Fixture::new(format);
        let root = fixture.root();
        for (path, kind) in &files {
            let full = root.join(path);
            // A path that is a folder of another one, or below one, is left out.
            if fs::create_dir_all(full.parent().expect("a folder")).is_err() || full.symlink_metadata().is_ok() {
                continue;
            }
            match kind % 5 {
                0 => symlink("where/ever", &full).expect("linked"),
                1 => fs::write(&full, "").expect("written"),
                _ => fs::write(&full, [*kind; 70]).expect("written"),
            }
            if kind % 5 == 2 {
                let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                fs::set_permissions(&full, open).expect("opened");
            }
        }
        fixture.git(&["config", "index.skipHash", if unsigned { "true" } else { "false" }]);
        fixture.git(&["config", "index.version", &version.to_string()]);
        fixture.git(&["config", "core.untrackedCache", "true"]);
        fixture.git(&["add", "-A"]);
        let commit = fixture.git(&["commit", "-q", "-m", "all"]);
        prop_assert!(commit.is_empty());
        read(fixture.command(&["status"]).env_remove("GIT_OPTIONAL_LOCKS"));
        let tree = String::from_utf8(fixture.git(&["rev-parse", "HEAD^{tree}"])).expect("text");
        let index = parse(&fixture.index(), format).expect("understood");
        prop_assert_eq!(index.tree().expect("noted").as_str(), tree.trim());

        let first = String::from_utf8(fixture.git(&["ls-files", "-z"])).expect("text");
        let first = first.split('\0').next().expect("a path").to_owned();
        fixture.git(&["update-index", "--assume-unchanged", "--", &first]);
        // A second pair of flags in one entry, which version 2 has not.
        if version > 2 {
            fixture.git(&["update-index", "--skip-worktree", "--", &first]);
        }

        let index = parse(&fixture.index(), format).expect("understood");
        let stage = fixture.git(&["ls-files", "--stage", "-z"]);
        // The one that is passed over has some mode that is not told.
        let ours = listed(&index);
        prop_assert_eq!(&ours[6..], &stage[6..]);
        for entry in index.entries() {
            let name = std::ffi::OsStr::from_bytes(index.path(entry));
            prop_assert_eq!(entry.stat, stat_of(&root.join(name)));
        }

        let to = fixture.0.path().join("copy");
        fs::create_dir(&to).expect("made");
        let mut stats = copy(&index, &root, &to);
        let patched = fixture.0.path().join("patched");
        fs::write(&patched, index.patched(&stats)).expect("written");
        prop_assert_eq!(fixture.git_on(&to, &patched, &["ls-files", "--stage", "-z"]), stage);
        let flags = fixture.git_on(&to, &patched, &["ls-files", "-v", "-z"]);
        prop_assert!(flags.split(|b| *b == 0).all(|f| f.is_empty() || f.starts_with(b"H ")));
        fixture.git_on(&to, &patched, &["fsck", "--strict"]);
        // By their stat alone: nothing is refreshed before.
        let differing = fixture.git_on(&to, &patched, &["diff-files", "-z", "--name-only"]);
        let unsettled: Vec<u8> = if version > 2 { [first.as_bytes(), b"\0"].concat() } else { Vec::new() };
        prop_assert_eq!(differing, unsettled.clone());

        // An entry without a copy differs, and no other one does.
        let gone = stats.len() - 1;
        let name = index.path(&index.entries()[gone]).to_vec();
        stats[gone] = None;
        fs::write(&patched, index.patched(&stats)).expect("written");
        let differing = fixture.git_on(&to, &patched, &["diff-files", "-z", "--name-only"]);
        let wanted = if gone == 0 { Vec::new() } else { unsettled };
        prop_assert_eq!(differing, [wanted, name, b"\0".to_vec()].concat());

        // Cut anywhere, it is no index, or one that breaks nothing.
        let whole = fs::read(fixture.index()).expect("an index");
        for end in (0..whole.len()).step_by(7) {
            IndexFile::parse(whole[..end].to_vec(), if sha256 { 32 } else { 20 });
        }
    }
}

#[test]
fn an_index_that_git_reads_in_parts_is_understood() {
    for version in ["2", "4"] {
        let fixture = Fixture::new("sha1");
        fs::write(fixture.root().join("blob"), "text").expect("written");
        let oid = String::from_utf8(fixture.git(&["hash-object", "-w", "blob"])).expect("text");
        let lines: String = (0..21_000)
            .map(|number| {
                format!(
                    "100644 {}\tfolder-{}/file-{number}\n",
                    oid.trim(),
                    number / 100
                )
            })
            .collect();
        let list = fixture.0.path().join("list");
        fs::write(&list, lines).expect("written");
        fixture.git(&["config", "index.threads", "2"]);
        fixture.git(&["config", "index.version", version]);
        let mut command = fixture.command(&["update-index", "--index-info"]);
        let status = command.stdin(fs::File::open(&list).expect("open")).status();
        assert!(status.expect("git").success());
        fixture.git(&["write-tree"]);
        let bytes = fs::read(fixture.index()).expect("an index");
        let has = |name: &[u8]| bytes.windows(4).any(|window| window == name);
        assert!(has(b"IEOT") && has(b"EOIE"), "git wrote it in one part");

        let index = parse(&fixture.index(), "sha1").expect("understood");
        let stage = fixture.git(&["ls-files", "--stage", "-z"]);
        assert!(listed(&index) == stage, "entries differ");
        let patched = index.patched(&vec![None; index.entries().len()]);
        fs::write(fixture.index(), &patched).expect("written");
        assert!(fixture.git(&["ls-files", "--stage", "-z"]) == stage);
        assert!(!patched.windows(4).any(|w| w == b"IEOT" || w == b"EOIE"));
        fixture.git(&["fsck", "--no-dangling"]);
    }
}

#[test]
fn an_index_that_does_not_say_all_is_none() {
    let fixture = Fixture::new("sha1");
    fs::create_dir_all(fixture.root().join("in/side")).expect("made");
    fs::create_dir_all(fixture.root().join("out")).expect("made");
    for path in ["in/side/file", "out/file"] {
        fs::write(fixture.root().join(path), path).expect("written");
    }
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "all"]);
    assert!(parse(&fixture.index(), "sha1").is_some());
    let mut forged = fs::read(fixture.index()).expect("an index");
    let at = forged
        .windows(4)
        .position(|w| w == b"out/")
        .expect("a path");
    forged[at..at + 4].copy_from_slice(b"../f");
    assert!(IndexFile::parse(forged, 20).is_none());

    fixture.git(&["update-index", "--split-index"]);
    assert!(parse(&fixture.index(), "sha1").is_none());
    fixture.git(&["update-index", "--no-split-index"]);
    assert!(parse(&fixture.index(), "sha1").is_some());
    fixture.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert!(parse(&fixture.index(), "sha1").is_none());
}

#[test]
fn stages_and_intents_vouch_for_nothing() {
    let fixture = Fixture::new("sha1");
    fs::write(fixture.root().join("a"), "one").expect("written");
    fixture.git(&["add", "a"]);
    fs::write(fixture.root().join("b"), "two").expect("written");
    fixture.git(&["add", "--intent-to-add", "b"]);
    let index = parse(&fixture.index(), "sha1").expect("understood");
    let kinds: Vec<_> = index.entries().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [IndexKind::File, IndexKind::Unsettled]);
    assert!(index.tree().is_none());
}
