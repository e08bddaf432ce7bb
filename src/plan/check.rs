//! Words that hold a plan open: a plan that hedges can't be judged.

use super::Flaw;
use super::lines::{Block, Place};
use super::render::closing;

/// What stands in the place of code, which may hold any word.
const CODE: char = '`';

/// The words of a section that hedge, each with its line. Code is left out, and so are words within paths.
pub(super) fn hedges(block: &Block, vague: &[String]) -> Vec<Flaw> {
    let prose = prose(block);
    let mut flaws = Vec::new();
    for hedge in vague {
        let words: Vec<char> = folded(
            hedge
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars(),
        );
        if words.is_empty() {
            continue;
        }
        for at in 0..prose.len().saturating_sub(words.len() - 1) {
            let window = &prose[at..at + words.len()];
            let is_same = window.iter().map(|(c, _)| c).eq(words.iter());
            if is_same && is_apart(&prose, at, at + words.len()) {
                let section = block.section.title();
                flaws.push(Flaw::at(
                    window[0].1,
                    format!("`{}` in {section} leaves open what is meant", hedge.trim()),
                    "say what exactly; names of files and commands go in back-ticks",
                ));
            }
        }
    }
    flaws
}

fn folded(characters: impl Iterator<Item = char>) -> Vec<char> {
    characters.flat_map(char::to_lowercase).collect()
}

/// The prose of a section in small letters, blanks run together, each character with its line.
fn prose(block: &Block) -> Vec<(char, usize)> {
    let mut text = String::new();
    let mut lines = Vec::new();
    for line in &block.lines {
        let words = match line.place {
            Place::Text => line.text.as_str(),
            // What goes on behind a code block is another sentence.
            Place::Fence | Place::Code => "`` ``",
        };
        for character in words.chars().chain([' ']) {
            text.push(character);
            lines.push(line.number);
        }
    }
    let mut prose: Vec<(char, usize)> = Vec::new();
    for (character, line) in without_code(&text).chars().zip(lines) {
        let character = if character.is_whitespace() {
            ' '
        } else {
            character
        };
        if character == ' ' && prose.last().is_none_or(|(last, _)| *last == ' ') {
            continue;
        }
        prose.extend(character.to_lowercase().map(|folded| (folded, line)));
    }
    prose
}

/// `text` with as many characters, those of code taken out.
fn without_code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('`') {
        kept.push_str(&rest[..begin]);
        let inside = rest[begin..].trim_start_matches('`');
        let count = rest.len() - begin - inside.len();
        // One that nothing closes is a character like others.
        let length = closing(inside, count).map_or(0, |end| end + count);
        let code = rest[begin..begin + count + length].chars().count();
        kept.extend(std::iter::repeat_n(CODE, code));
        rest = &inside[length..];
    }
    kept + rest
}

/// Whether what lies between the two is words of its own and no part of longer ones, or of a path.
fn is_apart(prose: &[(char, usize)], from: usize, to: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() || ['_', '-', '/', '\\'].contains(&c);
    let at = |position: usize| prose.get(position).map(|(c, _)| *c);
    let before = from.checked_sub(1).and_then(at);
    let (next, behind) = (at(to), at(to + 1));
    let name_goes_on = next == Some('.') && behind.is_some_and(char::is_alphanumeric);
    !before.is_some_and(|c| joins(c) || c == '.') && !next.is_some_and(joins) && !name_goes_on
}
