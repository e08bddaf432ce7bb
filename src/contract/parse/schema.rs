//! The sections and keys that there are.

use super::super::read::Section;
use crate::error::Refusal;

/// Every section that has keys of its own, and those keys, in the order in which they are written.
const SCHEMA: [(&str, &[&str]); 13] = [
    (
        "[rules]",
        &["include", "invariants", "edits", "protect_tests", "check"],
    ),
    (
        "[[gate]]",
        &["name", "kind", "run", "when", "timeout", "allow_empty"],
    ),
    (
        "[judge]",
        &["slots", "inputs", "max_file", "writable", "confine"],
    ),
    ("[env]", &["pass", "fingerprint"]),
    (
        "[worktree]",
        &[
            "path",
            "branch",
            "setup",
            "setup_inputs",
            "setup_writable",
            "carry",
            "warm",
            "warm_copy",
            "sparse_always",
            "spare",
        ],
    ),
    ("[scope]", &["required", "shared"]),
    ("[plan]", &["required", "approve", "hedges"]),
    ("[cage]", &["writable", "require", "agent"]),
    ("[ports]", &["count", "from"]),
    ("[land]", &["strategy", "keep", "each"]),
    ("[disk]", &["budget", "reserve"]),
    ("[memory]", &["in_history", "budget"]),
    (
        "[[rules.check]]",
        &["rule", "deny", "forbid", "paths", "run", "timeout"],
    ),
];

/// Every section at the top of the file.
pub(super) const SECTIONS: [&str; 13] = [
    "rules", "gate", "judge", "env", "worktree", "scope", "plan", "cage", "ports", "land", "disk",
    "memory", "agents",
];

/// The section in which `key` is known.
pub(super) fn section_of(key: &str) -> Option<&'static str> {
    let mut sections = SCHEMA.iter().filter(|(_, keys)| keys.contains(&key));
    sections.next().map(|(section, _)| *section)
}

/// # Errors
/// A refusal for a key that the section `name` does not have.
pub(super) fn require_schema(section: &Section<'_>, name: &str) -> Result<(), Refusal> {
    let found = SCHEMA
        .iter()
        .find(|(known, _)| known.trim_matches(['[', ']']) == name);
    let (_, keys) = found.expect("every section that is read is in the schema");
    section.require_known(keys, section_of)
}
