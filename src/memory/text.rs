//! Text from outside as notes hold it, and its lines as their files and commits do.

use std::fmt::Write as _;

/// `bytes` as text that every later stage keeps to the letter: line ends are newlines, and what is no UTF-8 or a
/// control character is an escape that can be seen.
pub(crate) fn take_in(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\r' if characters.peek() == Some(&'\n') => {}
                '\n' | '\t' => text.push(character),
                '\u{2028}' | '\u{2029}' => text.extend(character.escape_unicode()),
                _ if character.is_control() => {
                    let _ = write!(text, "\\x{:02x}", u32::from(character));
                }
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The same as one line, without space at its ends.
pub(crate) fn line(bytes: &[u8]) -> String {
    let text = take_in(bytes).replace(['\n', '\t'], " ");
    text.trim().to_owned()
}

/// The first bytes of a text, `most` of them or, where that would cut a character, a few less.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A line as it is written: never empty, and never with space at its end, which editors and git take away.
pub(super) fn written(line: &str) -> String {
    let is_open = line.is_empty() || line.ends_with([' ', '\t', '\\']);
    format!("{line}{}", if is_open { "\\" } else { "" })
}

/// The line that was [`written`] so.
pub(super) fn read(written: &str) -> &str {
    written.strip_suffix('\\').unwrap_or(written)
}
