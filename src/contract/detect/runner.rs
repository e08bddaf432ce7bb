//! Task runners at the root: `make` and `just`, where no language's own tool is at hand.

use super::super::Kind;
use super::draft::{Draft, Files, Place, Suggestion};

/// Tool, the names of its file in the order in which it looks for them.
const RUNNERS: [(&str, &[&str]); 2] = [
    ("make", &["GNUmakefile", "makefile", "Makefile"]),
    ("just", &["justfile", ".justfile", "Justfile"]),
];
/// The most telling first.
const TARGETS: [&str; 2] = ["test", "check"];

/// Suggests the first of the targets that the first of the runners has.
pub(super) fn detect(files: &Files<'_>, draft: &mut Draft) {
    let root = Place::root();
    for (tool, names) in RUNNERS {
        let Some(file) = names.iter().find(|name| files.has(&root, name)) else {
            continue;
        };
        let text = files.read(&root, file).unwrap_or_default();
        let Some(target) = TARGETS.iter().find(|target| defines(&text, target)) else {
            continue;
        };
        let run = format!("{tool} {target}");
        draft.step(
            tool,
            &root,
            &Suggestion {
                name: "test",
                kind: Kind::Test,
                run: &run,
                from: file,
            },
        );
        draft.inputs(&root, &[file]);
        return;
    }
}

/// Whether a line is the head of the rule or recipe `target`: `test:`, `lint test: build`, `@test *args:`.
fn defines(text: &str, target: &str) -> bool {
    text.lines()
        .filter(|line| !line.starts_with([' ', '\t', '#', '.']))
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, rest)| !rest.starts_with('='))
        .any(|(head, _)| {
            head.split_whitespace()
                .any(|word| word.trim_start_matches('@') == target)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_the_head_of_a_rule() {
        for text in [
            "test:",
            "all: x\ntest : all\n\tgo",
            "lint test: x",
            "@test *args:",
            "test::",
        ] {
            assert!(defines(text, "test"), "{text}");
        }
        for text in [
            "",
            "tests:",
            "test := x",
            "\ttest: x",
            "# test: x",
            ".PHONY: test",
            "all: test",
        ] {
            assert!(!defines(text, "test"), "{text}");
        }
    }
}
