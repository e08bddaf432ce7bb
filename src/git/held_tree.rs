//! The tree that an index holds, as git itself noted it there: read from the file, without starting git.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::oid::Oid;

/// Bytes of an entry before its object's name: times, device, inode, mode, owner, size.
const STAT: usize = 40;
/// Where in these the seconds of the last change stand.
const CHANGED_AT: usize = 8;
/// Set in an entry's flags where two more bytes of them follow.
const EXTENDED: usize = 0x4000;
/// The bits of the flags that hold a name's length, all set where it is longer.
const LENGTH: usize = 0xfff;

/// What an index says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeldTree {
    /// The tree that its entries are.
    pub(super) tree: Oid,
    /// How many files may have changed after the index was written without their times telling so: git reads them
    /// each time, until the index is written anew.
    pub(super) racy: usize,
}

impl HeldTree {
    /// Nothing where the index is no plain one, its entries are no tree that git has noted, or it can't be read. `like`
    /// is any object's name of this repository.
    pub(super) fn read(index: &Path, like: &Oid) -> Option<Self> {
        let mut file = File::open(index).ok()?;
        let written = file.metadata().ok()?.mtime();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        parse(&bytes, written, like.as_str().len() / 2)
    }
}

/// `written` is when the index was, in seconds, and `hash` the bytes of an object's name.
fn parse(bytes: &[u8], written: i64, hash: usize) -> Option<HeldTree> {
    let (content, _checksum) = bytes.split_at_checked(bytes.len().checked_sub(hash)?)?;
    let header = content.strip_prefix(b"DIRC")?;
    let (version, count) = (number(header, 0)?, number(header, 4)?);
    let mut rest = header.get(8..)?;
    let mut racy = 0;
    for _ in 0..count {
        racy += usize::from(i64::from(number(rest, CHANGED_AT)?) >= written);
        rest = rest.get(entry_length(rest, version, hash)?..)?;
    }
    while !rest.is_empty() {
        let (name, size) = (rest.get(..4)?, number(rest, 4)? as usize);
        let data = rest.get(8..)?.get(..size)?;
        if name == b"TREE" {
            let tree = root(data, count, hash)?;
            return Some(HeldTree { tree, racy });
        }
        // Without understanding one in lower case nobody knows what the entries are.
        name[0].is_ascii_uppercase().then_some(())?;
        rest = &rest[8 + size..];
    }
    None
}

/// How many bytes the entry takes that `bytes` begins with.
fn entry_length(bytes: &[u8], version: u32, hash: usize) -> Option<usize> {
    let flags = STAT + hash;
    let flagged = usize::from(u16::from_be_bytes(
        bytes.get(flags..flags + 2)?.try_into().ok()?,
    ));
    let extended = version >= 3 && flagged & EXTENDED != 0;
    let mut name = flags + if extended { 4 } else { 2 };
    if version >= 4 {
        // How much of the name before is cut off: a number in as many bytes as have the highest bit, and one.
        name += bytes
            .get(name..)?
            .iter()
            .position(|byte| byte & 0x80 == 0)?
            + 1;
        return Some(name + end_of_text(bytes.get(name..)?)? + 1);
    }
    let length = match flagged & LENGTH {
        LENGTH => end_of_text(bytes.get(name..)?)?,
        length => length,
    };
    Some((name + length + 8) & !7)
}

fn end_of_text(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0)
}

/// The tree of all entries, of which there must be `count`: `NUL <count> SP <subtrees> LF <object>` of the list of
/// trees that git keeps in an index. Those that an entry changed in since have a count of -1, and no object.
fn root(data: &[u8], count: u32, hash: usize) -> Option<Oid> {
    let data = data.strip_prefix(b"\0")?;
    let line = data.iter().position(|byte| *byte == b'\n')?;
    let counted = std::str::from_utf8(&data[..line]).ok()?.split(' ').next()?;
    if counted.parse() != Ok(count) {
        return None;
    }
    let object = data.get(line + 1..)?.get(..hash)?;
    let text: String = object.iter().map(|byte| format!("{byte:02x}")).collect();
    Oid::parse(&text).ok()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.get(..4)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use duct::cmd;

    use super::*;

    fn git(root: &Path, args: &[&str]) -> String {
        let said = cmd("git", args).dir(root).read();
        said.expect("git answers")
    }

    /// Of an index of this version, in a repository of this object format.
    fn check(version: &str, format: &str) {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        git(root, &["init", "-q", &format!("--object-format={format}")]);
        git(root, &["config", "index.version", version]);
        for file in ["one", "two"] {
            fs::write(root.join(file), file).expect("written");
        }
        git(root, &["add", "-A"]);
        let index = root.join(".git/index");
        let write_tree = || Oid::parse(&git(root, &["write-tree"])).expect("an object");
        let tree = write_tree();
        let read = || HeldTree::read(&index, &tree);
        let held = |tree: &Oid, racy: usize| {
            Some(HeldTree {
                tree: tree.clone(),
                racy,
            })
        };
        assert_eq!(read(), held(&tree, 2));

        for file in ["one", "two"] {
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            let file = File::options().append(true).open(root.join(file));
            file.and_then(|file| file.set_modified(old)).expect("set");
        }
        git(root, &["update-index", "-q", "--refresh"]);
        // With extended flags.
        git(root, &["update-index", "--skip-worktree", "two"]);
        assert_eq!(read(), held(&tree, 0));

        // Longer than the flags can say.
        let blob = git(root, &["hash-object", "one"]);
        let long = format!("100644,{blob},{}end", "folder/".repeat(700));
        git(root, &["update-index", "--add", "--cacheinfo", &long]);
        assert_eq!(read(), None, "no tree was noted since");
        let with_long = write_tree();
        assert_eq!(read(), held(&with_long, 0));

        let bytes = fs::read(&index).expect("read");
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut], 0, tree.as_str().len() / 2), None);
        }
    }

    #[test]
    fn the_tree_of_an_index_is_what_git_writes_of_it() {
        for (version, format) in [("2", "sha1"), ("3", "sha1"), ("4", "sha1"), ("2", "sha256")] {
            check(version, format);
        }
    }
}
