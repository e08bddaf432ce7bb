//! The rules file as each agent program finds it by itself.

/// What Codex reads of its instructions, in bytes; it drops the rest without a word.
const CODEX_BYTES: usize = 32 * 1024;

const RULES_CUT: &str = "> This copy is cut short. Read `.wt/RULES.md` whole before you start.\n\n";

const TRACKED: &str = "
# The repository's AGENTS.md

Where it disagrees with the rules above, they win.

";

const TRACKED_CUT: &str = "
# The repository's AGENTS.md, cut short

Only its beginning follows: read the rest in `AGENTS.md` itself. Where it disagrees with the rules above, they win.

";

/// The text of `AGENTS.override.md`, which Codex reads *instead of* a folder's `AGENTS.md`: the rules,
/// then the tracked `AGENTS.md`.
///
/// The whole stays within what Codex reads. A text that is too long ends after a whole line, and a
/// note ahead of it, which no open code block can swallow, names the file that holds the rest.
pub(crate) fn codex_override(rules: &str, tracked_agents_md: Option<&str>) -> String {
    let tracked = tracked_agents_md.filter(|tracked| !tracked.trim().is_empty());
    // The note about a cut `AGENTS.md` must fit, however long the rules are.
    let reserved = tracked.map_or(0, |_| TRACKED_CUT.len());
    let mut text = within(CODEX_BYTES - reserved, "", RULES_CUT, rules);
    if let Some(tracked) = tracked {
        text += &within(CODEX_BYTES - text.len(), TRACKED, TRACKED_CUT, tracked);
    }
    text
}

/// The text of `.claude/rules/wt.md`, which Claude Code reads beside everything else: the rules as they are.
pub(crate) fn claude_rules(rules: &str) -> String {
    rules.to_owned()
}

/// `text` below `head`; below `head_if_cut` and up to the last line that fits, if it does not fit in `bytes`.
fn within(bytes: usize, head: &str, head_if_cut: &str, text: &str) -> String {
    if head.len() + text.len() <= bytes {
        return format!("{head}{text}");
    }
    let mut cut = head_if_cut.to_owned();
    for line in text.split_inclusive('\n') {
        if cut.len() + line.len() > bytes {
            break;
        }
        cut += line;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_whole() {
        assert_eq!(codex_override("rules\n", None), "rules\n");
        assert_eq!(codex_override("rules\n", Some(" \n")), "rules\n");
        assert_eq!(
            codex_override("rules\n", Some("Use tabs.\n")),
            "rules\n\n# The repository's AGENTS.md\n\nWhere it disagrees with the rules above, they win.\n\nUse tabs.\n"
        );
    }

    proptest! {
        #[test]
        fn what_does_not_fit_ends_with_a_whole_line_and_says_so(
            rules_line in "\\PC{0,60}", rules_lines in 0..1200_usize,
            tracked_line in "\\PC{1,60}", tracked_lines in 1..1200_usize,
        ) {
            let rules = format!("{rules_line}\n").repeat(rules_lines);
            let tracked = format!("x{tracked_line}\n").repeat(tracked_lines);
            let text = codex_override(&rules, Some(&tracked));
            prop_assert!(text.len() <= CODEX_BYTES);

            let (head, rest) = text.rsplit_once("# The repository's AGENTS.md").expect("its heading");
            let shown = rest.split_once("they win.\n\n").expect("the line of precedence").1;
            let head = head.strip_suffix('\n').expect("an empty line");
            prop_assert!(head == rules || head.starts_with(RULES_CUT));
            prop_assert_eq!(shown == tracked, !rest.starts_with(", cut short"));
            prop_assert!(tracked.starts_with(shown) && (shown.is_empty() || shown.ends_with('\n')));
        }
    }
}
