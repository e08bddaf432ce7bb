//! The refs of a private repository, read as the data that they are and written as git writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::git::Ref;
use crate::oid::Oid;
use crate::store::{Beneath, Kind};

/// More than a ref, or HEAD, ever holds.
const REF_BYTES: u64 = 4096;
/// More than any list of packed refs takes.
const PACKED_BYTES: u64 = 256 << 20;
/// How many loose refs are looked at; folders count.
const MOST: usize = 100_000;
/// How deep the names of refs go.
const DEPTH: usize = 32;

/// What HEAD says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The full name of the branch that is checked out.
    Branch(String),
    Detached(Oid),
    /// Nothing that git would have written.
    Strange,
}

/// Reads HEAD.
pub(super) fn head(private: &Beneath) -> anyhow::Result<Head> {
    let text = private.read("HEAD", REF_BYTES)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_end();
    Ok(match text.strip_prefix("ref: ") {
        Some(name) => Head::Branch(name.trim_start().to_owned()),
        None => Oid::parse(text).map_or(Head::Strange, Head::Detached),
    })
}

/// The object that a ref names; nothing where there is no such ref, or it is a symbolic one.
pub(super) fn tip(private: &Beneath, name: &str) -> anyhow::Result<Option<Oid>> {
    if let Some(text) = private.read(name, REF_BYTES)? {
        return Ok(Oid::parse(&String::from_utf8_lossy(&text)).ok());
    }
    Ok(packed(private)?.remove(name))
}

/// The branches and the stash, by their full names.
pub(super) fn own(private: &Beneath) -> anyhow::Result<BTreeMap<String, Oid>> {
    let is_own = |name: &str| name.starts_with("refs/heads/") || name == "refs/stash";
    let mut found = packed(private)?;
    found.retain(|name, _| is_own(name));
    let mut names = vec!["refs/stash".to_owned()];
    names.extend(loose(private)?);
    for name in names {
        if let Some(text) = private.read(&name, REF_BYTES)?
            && let Ok(oid) = Oid::parse(&String::from_utf8_lossy(&text))
        {
            found.insert(name, oid);
        }
    }
    Ok(found)
}

/// The names of the loose branches.
fn loose(private: &Beneath) -> anyhow::Result<Vec<String>> {
    let mut folders = vec![("refs/heads".to_owned(), 0)];
    let (mut names, mut seen) = (Vec::new(), 0);
    while let Some((folder, depth)) = folders.pop() {
        for (name, kind) in private.list(&folder)? {
            seen += 1;
            if seen > MOST {
                return Ok(names);
            }
            let path = format!("{folder}/{name}");
            match kind {
                Kind::Folder if depth < DEPTH => folders.push((path, depth + 1)),
                Kind::File => names.push(path),
                Kind::Folder | Kind::Other => {}
            }
        }
    }
    Ok(names)
}

fn packed(private: &Beneath) -> anyhow::Result<BTreeMap<String, Oid>> {
    let bytes = private
        .read("packed-refs", PACKED_BYTES)?
        .unwrap_or_default();
    Ok(parse(&bytes))
}

/// The refs of a `packed-refs` file; lines that are none are passed over.
pub(super) fn parse(bytes: &[u8]) -> BTreeMap<String, Oid> {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .filter(|line| !line.starts_with(['#', '^']))
        .filter_map(|line| {
            let (oid, name) = line.split_once(' ')?;
            Some((name.to_owned(), Oid::parse(oid).ok()?))
        })
        .collect()
}

/// A `packed-refs` file of these refs, which are in the order of their names.
pub(super) fn written(refs: &[Ref]) -> Vec<u8> {
    let mut text = "# pack-refs with: sorted \n".to_owned();
    for Ref { name, target } in refs {
        let _ = writeln!(text, "{target} {name}");
    }
    text.into_bytes()
}

/// Makes a ref name this object, where a folder of other refs has its place as well.
pub(super) fn set(private: &Beneath, name: &str, target: &Oid) -> anyhow::Result<()> {
    if private
        .write(name, format!("{target}\n").as_bytes(), 0o644)
        .is_ok()
    {
        return Ok(());
    }
    let mut refs = packed(private)?;
    refs.insert(name.to_owned(), target.clone());
    write_packed(private, refs)
}

/// Makes a ref be no more.
fn forget(private: &Beneath, name: &str) -> anyhow::Result<()> {
    let mut refs = packed(private)?;
    if refs.remove(name).is_some() {
        write_packed(private, refs)?;
    }
    if private.exists(name) {
        private.remove(name)?;
    }
    Ok(())
}

fn write_packed(private: &Beneath, refs: BTreeMap<String, Oid>) -> anyhow::Result<()> {
    let refs: Vec<Ref> = refs
        .into_iter()
        .map(|(name, target)| Ref { name, target })
        .collect();
    private.write("packed-refs", &written(&refs), 0o644)
}

/// Brings what a private repository knows of the shared refs from `before`, as it was last written, to `now`. Refs
/// that were moved in the cage stay as they are there.
pub(super) fn refresh(private: &Beneath, before: &[u8], now: &[u8]) -> anyhow::Result<()> {
    if before == now {
        return Ok(());
    }
    if private.read("packed-refs", PACKED_BYTES)?.as_deref() == Some(before) {
        return private.write("packed-refs", now, 0o644);
    }
    // Packed anew in the cage: what moved outside since is laid over it, and what went there goes.
    let (before, now) = (parse(before), parse(now));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    for (name, target) in gone {
        if tip(private, name)?.as_ref() == Some(target) {
            forget(private, name)?;
        }
    }
    let moved = now
        .iter()
        .filter(|(name, target)| before.get(*name) != Some(*target));
    for (name, target) in moved {
        let there = tip(private, name)?;
        if there.is_none() || there.as_ref() == before.get(name) {
            // A branch may stand where this one needs a folder.
            let _ = private.write(name, format!("{target}\n").as_bytes(), 0o644);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn refs(list: &[(&str, &str)]) -> Vec<u8> {
        let refs: Vec<Ref> = list
            .iter()
            .map(|(name, target)| Ref {
                name: (*name).to_owned(),
                target: Oid::parse(target).expect("a name"),
            })
            .collect();
        written(&refs)
    }

    #[test]
    fn what_moved_outside_is_seen_and_what_moved_inside_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let private = Beneath::open(dir.path()).expect("opened");
        let before = refs(&[("refs/heads/a", ONE), ("refs/heads/main", ONE)]);
        let now = refs(&[("refs/heads/main", TWO), ("refs/heads/new", TWO)]);
        let of = |name: &str| {
            let tip = tip(&private, name).expect("read");
            tip.map(String::from)
        };

        private
            .write("packed-refs", &before, 0o644)
            .expect("written");
        refresh(&private, &before, &now).expect("refreshed");
        assert_eq!(of("refs/heads/main").as_deref(), Some(TWO));
        assert_eq!(of("refs/heads/a"), None);

        // As `git pack-refs` in the cage leaves it, with a branch of its own and one that was moved.
        let packed = format!(
            "# pack-refs with: peeled \n{TWO} refs/heads/a\n{ONE} refs/heads/gone\n{ONE} refs/heads/main\n^{TWO}\n"
        );
        private
            .write("packed-refs", packed.as_bytes(), 0o644)
            .expect("written");
        let before = refs(&[
            ("refs/heads/a", ONE),
            ("refs/heads/gone", ONE),
            ("refs/heads/main", ONE),
        ]);
        let now = refs(&[("refs/heads/main", TWO)]);
        refresh(&private, &before, &now).expect("refreshed");
        assert_eq!(of("refs/heads/main").as_deref(), Some(TWO));
        assert_eq!(of("refs/heads/a").as_deref(), Some(TWO));
        assert_eq!(of("refs/heads/gone"), None);
    }

    #[test]
    fn whatever_lies_in_place_of_a_ref_is_read_as_data() {
        let dir = tempfile::tempdir().expect("a folder");
        let private = Beneath::open(dir.path()).expect("opened");
        assert_eq!(head(&private).expect("read"), Head::Strange);
        let secret = dir.path().join("secret");
        std::fs::write(&secret, ONE).expect("written");
        std::os::unix::fs::symlink(&secret, dir.path().join("HEAD")).expect("linked");
        assert_eq!(head(&private).expect("read"), Head::Strange);
        for (text, wanted) in [
            (
                "ref: refs/heads/x\n",
                Head::Branch("refs/heads/x".to_owned()),
            ),
            (ONE, Head::Detached(Oid::parse(ONE).expect("a name"))),
            ("ref:", Head::Strange),
        ] {
            private
                .write("HEAD", text.as_bytes(), 0o644)
                .expect("written");
            assert_eq!(head(&private).expect("read"), wanted);
        }
        // Neither a ref that points at another, nor one that leads out of the repository.
        private
            .write("refs/heads/x", b"ref: refs/heads/main\n", 0o644)
            .expect("written");
        assert_eq!(tip(&private, "refs/heads/x").expect("read"), None);
        assert_eq!(tip(&private, "../secret").expect("read"), None);
    }
}
