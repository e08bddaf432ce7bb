//! Characters that a person does not see, and that a model reads or a terminal obeys all the same.

/// Whether a character, no control character, is not seen itself, yet says something to a model, or turns the order of
/// those around it: soft hyphens, characters of no width, changes of direction, tags.
pub(crate) fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
