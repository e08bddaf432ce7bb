//! Markdown for text that others wrote: it stays inside the place that the rules file gives it.

use std::fmt::Write as _;

/// What sets continued text off, inside a list item as well as in a block of its own.
const INDENT: &str = "    ";

/// `words` as inline code on one line; characters that would break the line are written as escapes.
pub(super) fn code(words: &str) -> String {
    let mut shown = String::new();
    for character in words.chars() {
        if character.is_control() || breaks_line(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    let fence = "`".repeat(longest_backticks(&shown) + 1);
    // A backtick must not touch the fence, and Markdown takes one space off both ends.
    let pad = if shown.starts_with([' ', '`']) || shown.ends_with([' ', '`']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// A list of globs as inline code.
pub(super) fn codes(globs: &[String]) -> String {
    let globs: Vec<_> = globs.iter().map(|glob| code(glob)).collect();
    globs.join(", ")
}

/// A rule as the text of one list item, its further lines indented below the first.
pub(super) fn item(rule: &str) -> String {
    indented(plain(rule).trim()).trim_start().to_owned()
}

/// A text of any shape as an indented code block: no line of it can begin a heading or close the block.
pub(super) fn block(brief: &str) -> String {
    indented(plain(brief).trim_matches('\n').trim_end())
}

/// A text of lines that are quoted already, each beginning with `>`; one that is not is quoted here.
pub(super) fn quote(notes: &str) -> String {
    let notes = plain(notes);
    let lines = notes.trim_matches('\n').split('\n').map(str::trim_end);
    let quoted = lines.map(|line| match line {
        "" => line.to_owned(),
        _ if line.starts_with('>') => line.to_owned(),
        _ => format!("> {line}"),
    });
    quoted.collect::<Vec<_>>().join("\n")
}

/// A command after its step's colon: on the same line, or as a block of its own if it has several lines.
pub(super) fn command(run: &str) -> String {
    let run = run.trim_end_matches('\n');
    if !run.contains('\n') {
        return format!(" {}", code(run));
    }
    let fence = "`".repeat(3.max(longest_backticks(run) + 1));
    format!(
        "\n\n{}",
        indented(&format!("{fence}sh\n{}\n{fence}", plain(run)))
    )
}

/// `text` with every kind of line end as a newline, and without other control characters but the tab.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|character| {
            if breaks_line(character) {
                '\n'
            } else {
                character
            }
        })
        .filter(|&character| matches!(character, '\n' | '\t') || !character.is_control())
        .collect()
}

/// What a reader may take for the end of a line: more than Markdown does, as that reader is a model.
pub(super) fn breaks_line(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn indented(text: &str) -> String {
    let mut lines = String::new();
    for line in text.split('\n') {
        let indent = if line.is_empty() { "" } else { INDENT };
        let _ = writeln!(lines, "{indent}{line}");
    }
    lines.pop();
    lines
}

fn longest_backticks(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_code_is_never_closed_from_inside() {
        assert_eq!(code("cargo test"), "`cargo test`");
        assert_eq!(code("echo `date`"), "`` echo `date` ``");
        assert_eq!(code("a\n# b\u{2028}c"), r"`a\n# b\u{2028}c`");
    }

    #[test]
    fn a_command_of_several_lines_becomes_a_block_within_its_item() {
        assert_eq!(
            command("set -e\n\necho '```'\n"),
            "\n\n    ````sh\n    set -e\n\n    echo '```'\n    ````"
        );
    }

    #[test]
    fn a_note_never_leaves_its_quotation() {
        assert_eq!(
            quote("\n> note a\n\n## 1. Hard\r> b\u{2028}- c\n"),
            "> note a\n\n> ## 1. Hard\n> b\n> - c"
        );
    }

    #[test]
    fn a_rule_keeps_its_further_lines_in_its_item() {
        assert_eq!(item(" Keep\r\n## order\n"), "Keep\n    ## order");
    }
}
