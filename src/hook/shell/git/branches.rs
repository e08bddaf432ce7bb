//! `git checkout` and `git branch`: what they would do to branches.

use super::{Given, has_short};
use crate::hook::wish::Wish;

/// Whether `git checkout` surely leaves the branch, whatever there is of branches and files.
pub(super) fn leaves_branch(given: &Given) -> bool {
    let creates = given.options.iter().any(|option| {
        ["--orphan", "--detach", "-d", "--track", "-t"].contains(option)
            || has_short(option, 'b')
            || has_short(option, 'B')
    });
    creates || (given.operands.len() == 1 && given.before_end == 1 && given.operand(0) == "-")
}

/// `git checkout` of one word: whether that is a branch or a path only the worktree tells.
pub(super) fn checkout(folder: &str, given: &Given) -> Option<Wish> {
    let one = given.operands.len() == 1 && given.before_end == 1;
    let word = given.operands.first().filter(|word| one && word.plain)?;
    if leaves_branch(given)
        || given.has(&["-p", "--patch", "--ours", "--theirs", "-m"])
        || word.text == "."
    {
        return None;
    }
    Some(Wish::CheckOut {
        folder: folder.to_owned(),
        name: word.text.clone(),
    })
}

/// The branches that `git branch` would move, rename or delete.
pub(super) fn branches(name: &str, given: &Given) -> Option<Wish> {
    if name != "branch" {
        return None;
    }
    let long = ["--delete", "--force", "--move", "--copy"];
    let changes = given.options.iter().any(|option| {
        long.contains(option)
            || ['d', 'D', 'f', 'm', 'M', 'C']
                .iter()
                .any(|letter| !option.starts_with("--") && option.contains(*letter))
    });
    let renames = given.has(&["-m", "-M", "--move"]);
    let mut names: Vec<String> = given
        .operands
        .iter()
        .filter(|word| word.plain)
        .map(|word| word.text.clone())
        .collect();
    if renames && names.len() < 2 {
        // The current branch, which can't be told from here.
        names.push("HEAD".to_owned());
    }
    changes.then_some(Wish::ChangeBranches(names))
}
