//! The verbs of `wt` that are the operator's.

use super::Word;
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

/// Denies what is the operator's; `words` are those after `wt`.
pub(super) fn judge(words: &[Word]) -> Option<Wish> {
    let mut said = Vec::new();
    let mut skip = false;
    for word in words {
        if !skip && word.text == "--" {
            break;
        }
        if !skip {
            said.push(word.text.as_str());
        }
        skip = !skip && VALUED.contains(&word.text.as_str());
    }
    if ["--help", "-h", "--version"]
        .iter()
        .any(|help| said.contains(help))
    {
        return None;
    }
    let has = |options: &[&str]| said.iter().any(|word| options.contains(word));
    let mut verbs = said.iter().copied().filter(|word| !word.starts_with('-'));
    let verb = verbs.next()?;
    let part = verbs.next().unwrap_or_default();
    let what = match (verb, part) {
        ("resume" | "restore" | "gc" | "run", _) => verb.to_owned(),
        ("plan", "approve" | "reject")
        | ("scope", "grant" | "release")
        | ("hook", "install")
        | ("note", "edit" | "approve" | "supersede") => format!("{verb} {part}"),
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
    let denial = Denial::new(
        why,
        "end your turn, and say in your report what you need and why",
    );
    Some(denial.into())
}
