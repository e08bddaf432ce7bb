//! A note in the message of its landing commit: a block that no other reader of messages takes for its own.
//!
//! Each line of it is indented: none is a trailer, a `---`, a comment or the end of the block, whatever the note says.
//! It stands right before the trailers, so that whatever looks like one further up is not it.

use super::{Note, take_in};
use crate::digest;
use crate::error::Refusal;

/// Names the version of the block and its digest.
pub(crate) const TRAILER_NOTE: &str = "Wt-Note";
const VERSION: &str = "1";
const MARK: &str = "What wt remembers of this task:";
const INDENT: &str = "    ";

/// What a commit says of a note.
pub(crate) struct Block(String);

impl Block {
    pub(crate) fn of(note: &Note) -> Self {
        Self(note.in_history().render())
    }

    /// The value of its trailer.
    pub(crate) fn trailer(&self) -> String {
        format!("{VERSION} sha256:{}", digest::sha256(self.0.as_bytes()))
    }

    /// `message` with the block before its last paragraph, which is its trailers.
    pub(crate) fn put_into(&self, message: &str) -> String {
        let lines: Vec<&str> = message.trim_end().split('\n').collect();
        let trailers = last_paragraph(&lines);
        let above = lines[..trailers].join("\n");
        let mut text = format!("{}\n\n{MARK}\n\n", above.trim_end());
        for line in self.0.lines() {
            let indent = if line.is_empty() { "" } else { INDENT };
            text.push_str(&format!("{indent}{line}\n"));
        }
        text.push_str(&format!("\n{}\n", lines[trailers..].join("\n")));
        text
    }

    /// The note in a commit's message; nothing where it says that it has none.
    ///
    /// # Errors
    /// A refusal where the block is not what its trailer says, or is of a newer version.
    pub(crate) fn find(message: &str) -> Result<Option<Note>, Refusal> {
        let lines: Vec<&str> = message.trim_end().split('\n').collect();
        let trailers = last_paragraph(&lines);
        let Some(claimed) = lines[trailers..]
            .iter()
            .rev()
            .find_map(|line| trailer(line))
        else {
            return Ok(None);
        };
        if let Some((version, _)) = claimed.split_once(' ')
            && version != VERSION
        {
            let what = format!("its note is of version {version}; this wt knows version {VERSION}");
            return Err(Refusal::refused(what).hint("use a newer wt"));
        }
        let is_inside = |line: &&str| line.trim().is_empty() || line.starts_with(INDENT);
        let above = &lines[..trailers];
        let length = above
            .iter()
            .rev()
            .take_while(|line| is_inside(line))
            .count();
        let mark = above.len().checked_sub(length + 1);
        let found = mark.filter(|mark| above[*mark].trim_end() == MARK);
        let inside = found.map(|mark| above[mark + 1..].join("\n"));
        let Some(inside) = inside else {
            return Err(changed());
        };
        let mut text = String::new();
        for line in inside.trim_matches('\n').split('\n') {
            text.push_str(line.strip_prefix(INDENT).unwrap_or_default());
            text.push('\n');
        }
        if Self(text.clone()).trailer() != claimed {
            return Err(changed());
        }
        let note = Note::parse(&text)?;
        // Whoever wrote it by hand could say in it who approved it, or hold what a terminal obeys.
        if Self::of(&note).0 != text || take_in(text.as_bytes()) != text {
            let what = "its note is none that wt wrote";
            return Err(Refusal::refused(what).hint("nothing of it is taken over"));
        }
        Ok(Some(note))
    }
}

fn changed() -> Refusal {
    Refusal::refused("its note is not what its trailer says: the message was changed since")
        .hint("nothing of it is taken over")
}

/// Where the last paragraph begins.
fn last_paragraph(lines: &[&str]) -> usize {
    let empty = lines.iter().rposition(|line| line.trim().is_empty());
    empty.map_or(0, |empty| empty + 1)
}

/// The value of a line that is the trailer of a note.
fn trailer(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    // Another word is prose that only begins so.
    let is_claim = |value: &&str| {
        let version = value.split_once(" sha256:").map(|(version, _)| version);
        version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_it = name.eq_ignore_ascii_case(TRAILER_NOTE);
    is_it.then(|| value.trim()).filter(is_claim)
}
