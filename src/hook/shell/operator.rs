//! The verbs of `wt` that are the operator's, or another task's.

use super::{Walk, Word};
use crate::hook::wish::{Denial, Wish};

/// Options whose next word is text, and no option.
const VALUED: &[&str] = &[
    "-m",
    "--message",
    "--cause",
    "--path",
    "--budget",
    "--task",
    "--file",
    "--brief",
    "--because",
    "--target",
    "--base",
    "--owns",
    "--rule",
    "-C",
    "--color",
];

/// Notes what is no agent's to do, or for its own task alone; `words` are those after `wt`.
pub(super) fn judge(walk: &mut Walk, words: &[Word]) {
    let said = said(words);
    let helps = ["--help", "-h", "--version"];
    if said.iter().any(|word| helps.contains(&word.text.as_str())) {
        return;
    }
    let wish = denial(&said).map(Wish::from);
    let wish = wish.or_else(|| hand_in(walk, words, &said));
    walk.found.extend(wish);
}

/// A plan, or a note, is for the task whose worktree it is handed in from.
fn hand_in(walk: &Walk, words: &[Word], said: &[&Word]) -> Option<Wish> {
    let mut verbs = said.iter().filter(|word| !word.text.starts_with('-'));
    let (verb, part) = (verbs.next()?, verbs.next()?);
    let command = (verb.text.as_str(), part.text.as_str());
    if !matches!(command, ("plan", "submit" | "amend") | ("note", "add")) {
        return None;
    }
    let aside = words.iter().position(|word| word.text == "-C");
    let folder = match aside.and_then(|at| words.get(at + 1)) {
        Some(word) => walk.path(word)?,
        None => walk.folder()?.to_owned(),
    };
    let task = match command {
        ("note", _) => option(words, "--task"),
        _ => verbs
            .next()
            .filter(|word| word.plain)
            .map(|word| word.text.clone()),
    };
    Some(Wish::HandIn {
        folder,
        command: format!("wt {} {}", verb.text, part.text),
        task,
    })
}

/// The value of an option, in its own word or the next one.
fn option(words: &[Word], name: &str) -> Option<String> {
    let at = words.iter().position(|word| word.text.starts_with(name))?;
    let value = words[at].text.strip_prefix(name)?;
    let next = || words.get(at + 1).filter(|word| word.plain);
    match value.strip_prefix('=') {
        Some(value) => Some(value.to_owned()),
        None => next()
            .filter(|_| value.is_empty())
            .map(|word| word.text.clone()),
    }
}

/// The words without the values of options, as far as options are read.
fn said(words: &[Word]) -> Vec<&Word> {
    let mut said = Vec::new();
    let mut skip = false;
    for word in words {
        if !skip && word.text == "--" {
            break;
        }
        if !skip {
            said.push(word);
        }
        skip = !skip && VALUED.contains(&word.text.as_str());
    }
    said
}

/// The denial of what is the operator's.
fn denial(said: &[&Word]) -> Option<Denial> {
    let said: Vec<&str> = said.iter().map(|word| word.text.as_str()).collect();
    let has = |options: &[&str]| said.iter().any(|word| options.contains(word));
    let mut verbs = said.iter().copied().filter(|word| !word.starts_with('-'));
    let verb = verbs.next()?;
    let part = verbs.next().unwrap_or_default();
    let what = match (verb, part) {
        ("resume" | "restore" | "gc" | "run", _) => verb.to_owned(),
        ("plan", "approve" | "reject")
        | ("scope", "grant" | "release")
        | ("hook", "install")
        | ("note", "edit" | "approve" | "supersede")
        | ("memory", "rebuild") => format!("{verb} {part}"),
        ("rm" | "teardown", _) if has(&["--force", "-f"]) => format!("{verb} --force"),
        ("doctor", _) if has(&["--fix"]) => "doctor --fix".to_owned(),
        (_, _) if has(&["--accept-weakened-tests"]) => format!("{verb} --accept-weakened-tests"),
        ("merge", _) if has(&["--accept-judge-change"]) => "merge --accept-judge-change".to_owned(),
        (_, _) if has(&["--push"]) => format!("{verb} --push"),
        (_, _) if said.iter().any(|word| word.starts_with("--operator")) => {
            format!("{verb} --operator")
        }
        (inner, _) if inner.starts_with('_') => inner.to_owned(),
        _ => return None,
    };
    let why = format!("`wt {what}` is the operator's");
    Some(Denial::new(
        why,
        "end your turn, and say in your report what you need and why",
    ))
}
