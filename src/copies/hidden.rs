//! The block in `info/exclude` that hides generated files from git.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;

use crate::git::Repo;
use crate::store::{Store, write_atomic};

const BLOCK_BEGIN: &[u8] = b"# >>> wt: generated files of agent worktrees";
const BLOCK_END: &[u8] = b"# <<< wt";

/// Hides generated files from git by one marked block in the shared `info/exclude`: a worktree's own is not read.
pub(super) fn hide(repo: &Repo, store: &Store, generated: &[String]) -> anyhow::Result<()> {
    // The file is everyone's: two that add to it at once would lose one's lines.
    let _lock = store.lock()?;
    let path = repo.common().join("info").join("exclude");
    // Bytes: a person may hide a name that is no text.
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let with = with_block(&text, generated);
    if with == text {
        Ok(())
    } else {
        write_atomic(&path, &with)
    }
}

/// `text` with `paths` in the marked block, which keeps the paths that it holds already. Lines after a beginning
/// without an end may be a person's: they stay where they are.
fn with_block(text: &[u8], paths: &[String]) -> Vec<u8> {
    let mut inside: BTreeSet<Vec<u8>> = paths.iter().map(|p| format!("/{p}").into()).collect();
    // No trailing slash anywhere: a symbolic link in a folder's place would show.
    inside.insert(b"/.wt".to_vec());
    let mut all: Vec<u8> = Vec::with_capacity(text.len());
    let mut begun = None;
    for line in text.split_inclusive(|b| *b == b'\n') {
        match (line.trim_ascii_end(), begun) {
            (BLOCK_BEGIN, _) => begun = Some(all.len()),
            (BLOCK_END, Some(start)) => {
                let block = all.split_off(start);
                inside.extend(block.split(|b| *b == b'\n').map(<[u8]>::to_vec));
                begun = None;
            }
            (BLOCK_END, None) => {}
            _ => all.extend_from_slice(line),
        }
    }
    if all.last().is_some_and(|b| *b != b'\n') {
        all.push(b'\n');
    }
    let block = std::iter::once(BLOCK_BEGIN)
        .chain(
            inside
                .iter()
                .map(Vec::as_slice)
                .filter(|line| !line.is_empty()),
        )
        .chain(std::iter::once(BLOCK_END));
    for line in block {
        all.extend_from_slice(line);
        all.push(b'\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_idempotent_and_leaves_the_rest_alone() {
        let paths = vec!["AGENTS.override.md".to_owned()];
        let once = with_block(b"mine\n", &paths);
        assert_eq!(once, with_block(&once, &paths));
        assert!(once.starts_with(b"mine\n"));
        let more = with_block(&once, &["GEMINI.md".to_owned()]);
        let more = String::from_utf8(more).expect("text");
        assert_eq!(
            more,
            "mine\n# >>> wt: generated files of agent worktrees\n/.wt\n/AGENTS.override.md\n/GEMINI.md\n# <<< wt\n"
        );
    }
}
