//! The files that a git command names: they are written, moved and removed as by any other program.

use super::{Given, Word};
use crate::hook::wish::Wish;

/// What a command called in `folder`, which is one from that of the call, would do to the files that it names.
pub(super) fn files(name: &str, folder: &str, given: &Given) -> Vec<Wish> {
    let path = |word: &Word| path(folder, word);
    match name {
        "rm" if !given.has(&["-n", "--dry-run", "--cached"]) => {
            let paths = given.operands.iter().filter_map(|word| path(word));
            paths.map(Wish::Remove).collect()
        }
        "mv" if !given.has(&["-n", "--dry-run"]) => {
            let Some((target, sources)) = given.operands.split_last() else {
                return Vec::new();
            };
            let sources: Vec<String> = sources.iter().filter_map(|word| path(word)).collect();
            let last =
                |path: &String| Some(path.trim_end_matches('/').rsplit('/').next()?.to_owned());
            let names = sources.iter().filter_map(last).collect();
            let target = path(target).map(|target| Wish::WriteInto(target, names));
            sources
                .into_iter()
                .map(Wish::Remove)
                .chain(target)
                .collect()
        }
        "checkout" if given.ends_options && given.before_end == 1 => {
            let paths = given.operands.iter().skip(1).filter_map(|word| path(word));
            taken(Some(given.operand(0)), paths.collect())
        }
        "restore" if !given.has(&["-S", "--staged"]) || given.has(&["-W", "--worktree"]) => {
            let paths = given.operands.iter().filter_map(|word| path(word));
            taken(given.source, paths.collect())
        }
        "diff" | "log" | "show" | "format-patch" => {
            let output = given
                .options
                .iter()
                .find_map(|o| o.strip_prefix("--output="));
            let word = |text: &str| Word {
                text: text.to_owned(),
                plain: true,
                bare: true,
            };
            let written = output.and_then(|text| path(&word(text)));
            written.map(Wish::Write).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn taken(from: Option<&str>, paths: Vec<String>) -> Vec<Wish> {
    match from {
        Some(commit) if !paths.is_empty() && !["HEAD", "@"].contains(&commit) => {
            vec![Wish::TakeFrom {
                commit: commit.to_owned(),
                paths,
            }]
        }
        _ => Vec::new(),
    }
}

/// One file; a pattern, or what git reads in a way of its own, is none.
fn path(folder: &str, word: &Word) -> Option<String> {
    let text = word.text.as_str();
    if !word.plain || text.is_empty() || text.starts_with(':') || text.contains(['*', '?', '[']) {
        return None;
    }
    Some(if folder.is_empty() || text.starts_with('/') {
        text.to_owned()
    } else {
        format!("{folder}/{text}")
    })
}
