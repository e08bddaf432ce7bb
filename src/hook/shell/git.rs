//! The commands of git that reach beyond one worktree, or around its checks.

mod branches;
mod named;

use super::{Walk, Word, operator};
use crate::hook::wish::{Denial, Wish};

use branches::{branches, checkout, leaves_branch};

/// Commands that change the checkout, the index or the branch of the folder where they are called.
const CHANGING: &[&str] = &[
    "add",
    "am",
    "apply",
    "checkout",
    "checkout-index",
    "cherry-pick",
    "clean",
    "commit",
    "merge",
    "mv",
    "pull",
    "read-tree",
    "rebase",
    "reset",
    "restore",
    "revert",
    "rm",
    "switch",
    "tag",
    "update-index",
];
/// Options of `git` itself whose value is the next word.
const GLOBAL_VALUED: &[&str] = &[
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--exec-path",
    "--config-env",
];
/// Options of git's commands whose value is the next word, as far as it could be taken for something else.
const VALUED: &[&str] = &[
    "-m",
    "-F",
    "-C",
    "-c",
    "-t",
    "-s",
    "-X",
    "--source",
    "--message",
    "--file",
    "--author",
    "--date",
    "--template",
    "--trailer",
    "--reuse-message",
    "--reedit-message",
    "--strategy",
    "--strategy-option",
    "--onto",
    "--exec",
    "-x",
    "--into-name",
    "--cleanup",
    "--pathspec-from-file",
];

/// Notes what a git command would do; `words` are those after `git`.
pub(super) fn judge(walk: &mut Walk, words: &[Word]) {
    let mut folder = walk.folder().map(str::to_owned);
    let mut rest = words;
    while let Some((option, more)) = rest.split_first().filter(|(w, _)| w.text.starts_with('-')) {
        let text = option.text.as_str();
        let valued = GLOBAL_VALUED.contains(&text);
        let value = more.first().filter(|_| valued);
        match (text, value) {
            ("-C", Some(value)) => {
                folder = match walk.path(value) {
                    Some(path) if folder.is_some() => Some(path),
                    _ => None,
                };
            }
            ("-c" | "--config-env", Some(value)) if sets_hooks_path(&value.text) => {
                return walk.found.push(hooks_path());
            }
            _ if text
                .strip_prefix("--config-env=")
                .is_some_and(sets_hooks_path) =>
            {
                return walk.found.push(hooks_path());
            }
            ("--git-dir" | "--work-tree", _) => folder = None,
            _ if text.starts_with("--git-dir=") || text.starts_with("--work-tree=") => {
                folder = None;
            }
            _ => {}
        }
        rest = more.get(usize::from(valued)..).unwrap_or_default();
    }
    let Some((command, words)) = rest.split_first() else {
        return;
    };
    if command.text == "wt" {
        return operator::judge(walk, words);
    }
    let given = Given::of(&command.text, words);
    if given.has(&["--help", "-h"]) {
        return;
    }
    let name = command.text.as_str();
    let wish = forbidden(name, &given).or_else(|| branches(name, &given));
    walk.found.extend(wish);
    if let Some(folder) = folder {
        if name == "checkout" {
            walk.found.extend(checkout(&folder, &given));
        }
        walk.found.extend(named::files(name, &folder, &given));
        if changes(name, &given) {
            walk.found.push(Wish::ChangeIn {
                folder,
                command: format!("git {name}"),
            });
        }
    }
}

/// Whether it changes the checkout, the index or the branch of the folder where it is called, or writes files there.
fn changes(name: &str, given: &Given) -> bool {
    match name {
        "format-patch" => {
            let elsewhere = |option: &&str| {
                *option == "--stdout" || option.starts_with("-o") || option.starts_with("--output")
            };
            !given.options.iter().any(elsewhere)
        }
        "sparse-checkout" => !["", "list", "check-rules"].contains(&given.operand(0)),
        "submodule" => !["", "status", "summary"].contains(&given.operand(0)),
        _ => CHANGING.contains(&name),
    }
}

/// The words of one command, the values of options taken out.
struct Given<'w> {
    options: Vec<&'w str>,
    operands: Vec<&'w Word>,
    /// Whether `--` stands among them.
    ends_options: bool,
    /// How many operands stand before it.
    before_end: usize,
    /// The commit that `git restore` takes files from, where one is named.
    source: Option<&'w str>,
}

impl<'w> Given<'w> {
    fn of(command: &str, words: &'w [Word]) -> Self {
        // There the short ones are switches.
        let switches =
            ["branch", "checkout", "config", "push", "switch", "worktree"].contains(&command);
        let mut given = Given {
            options: Vec::new(),
            operands: Vec::new(),
            ends_options: false,
            before_end: 0,
            source: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "--" if !given.ends_options => given.ends_options = true,
                option if !given.ends_options && option.len() > 1 && option.starts_with('-') => {
                    given.options.push(option);
                    given.source = given.source.or(option.strip_prefix("--source="));
                    if !switches && (VALUED.contains(&option) || takes_next(option)) {
                        let value = words.next().map(|word| word.text.as_str());
                        if ["-s", "--source"].contains(&option) {
                            given.source = value;
                        }
                    }
                }
                _ => {
                    given.operands.push(word);
                    given.before_end += usize::from(!given.ends_options);
                }
            }
        }
        given
    }

    fn has(&self, options: &[&str]) -> bool {
        self.options.iter().any(|option| options.contains(option))
    }

    fn operand(&self, at: usize) -> &'w str {
        self.operands.get(at).map_or("", |word| &word.text)
    }
}

/// Whether a cluster of short options, as `-am`, ends in one that takes the next word.
fn takes_next(option: &str) -> bool {
    !option.starts_with("--")
        && option.len() > 2
        && option.ends_with(['m', 'F', 'C'])
        && option[1..option.len() - 1]
            .chars()
            .all(|c| "aensqvipo".contains(c))
}

/// Whether a cluster of short options holds `letter`, before one that takes the rest as its value.
fn has_short(option: &str, letter: char) -> bool {
    !option.starts_with("--")
        && option
            .chars()
            .skip(1)
            .take_while(|c| !"mFCctSu".contains(*c))
            .any(|c| c == letter)
}

fn sets_hooks_path(setting: &str) -> bool {
    let name = setting.split('=').next().unwrap_or_default();
    name.eq_ignore_ascii_case("core.hooksPath")
}

fn hooks_path() -> Wish {
    Denial::new(
        "`core.hooksPath` would turn the repository's own hooks off",
        "let them run, and mend what they find",
    )
    .into()
}

/// What no task may do, whatever its operands.
fn forbidden(name: &str, given: &Given) -> Option<Wish> {
    let what = given.operand(0);
    let shown = |command: &str| format!("`git {command}`");
    let denial = match name {
        "stash" if !["list", "show"].contains(&what) => Denial::new(
            format!("{}: one stash is shared by all worktrees", shown("stash")),
            "set work aside by a commit on this branch: git add -A && git commit -m \"wip\"",
        ),
        "push" | "send-pack" if !given.has(&["-n", "--dry-run"]) => Denial::new(
            format!("{}: nothing leaves this machine unjudged", shown(name)),
            "commit, then: wt validate; publishing is for the operator",
        ),
        "switch" => stay(name),
        "checkout" if leaves_branch(given) => stay(name),
        "worktree"
            if ["add", "remove", "move", "prune", "repair", "lock", "unlock"].contains(&what) =>
        {
            Denial::new(
                format!(
                    "{}: worktrees are made and removed by wt",
                    shown(&format!("worktree {what}"))
                ),
                "stay in this one; another task wants: wt spawn <task>",
            )
        }
        "update-ref" => moves_refs(name),
        "symbolic-ref" if given.operands.len() > 1 || given.has(&["-d", "--delete"]) => {
            moves_refs(name)
        }
        "config" if changes_hooks_path(given) => return Some(hooks_path()),
        _ if no_verify(name, given) => Denial::new(
            format!(
                "{}: it would pass over the repository's own checks",
                shown(&format!("{name} --no-verify"))
            ),
            "leave it out, and mend what the checks find",
        ),
        _ => return None,
    };
    Some(denial.into())
}

fn stay(name: &str) -> Denial {
    Denial::new(
        format!("`git {name}`: this worktree stays on the branch of its task"),
        "look without switching: git show <commit>:<path>, git diff <commit>; put a file back: git checkout -- <path>",
    )
}

fn moves_refs(name: &str) -> Denial {
    Denial::new(
        format!("`git {name}`: refs are shared by all worktrees"),
        "commit on this branch; that moves it",
    )
}

fn no_verify(name: &str, given: &Given) -> bool {
    const FULL: &str = "--no-verify";
    let long = |option: &str| option.len() >= "--no-veri".len() && FULL.starts_with(option);
    let runs_hooks = [
        "commit",
        "merge",
        "rebase",
        "am",
        "cherry-pick",
        "revert",
        "pull",
    ]
    .contains(&name);
    runs_hooks
        && given
            .options
            .iter()
            .any(|option| long(option) || (name == "commit" && has_short(option, 'n')))
}

/// Whether `git config` changes the setting; reading it is harmless.
fn changes_hooks_path(given: &Given) -> bool {
    let words: Vec<&str> = given
        .operands
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let Some(at) = words.iter().position(|word| sets_hooks_path(word)) else {
        return false;
    };
    let reads = given
        .options
        .iter()
        .any(|option| option.starts_with("--get"))
        || words[..at].contains(&"get");
    let unsets = given
        .options
        .iter()
        .any(|option| option.starts_with("--unset"))
        || words[..at].contains(&"unset");
    !reads && (unsets || words.len() > at + 1)
}
