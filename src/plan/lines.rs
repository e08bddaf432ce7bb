//! The lines of a plan by their sections: what is a heading, what is code, what is a comment.

use super::{Flaw, Section};
use crate::unseen::is_unseen;

/// The lines of one section.
pub(super) struct Block {
    pub(super) section: Section,
    /// Of its heading.
    pub(super) line: usize,
    pub(super) lines: Vec<Line>,
}

/// One line, without what Markdown reads past.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    /// The first or last line of a code block.
    Fence,
    Code,
}

/// A text without what could steer a terminal or a reader: line ends are newlines, other such characters escapes.
pub(super) fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut plain = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' | '\t' => plain.push(character),
            '\r' => plain.push('\n'),
            _ if character.is_control() || is_unseen(character) => {
                plain.extend(character.escape_default());
            }
            _ => plain.push(character),
        }
    }
    plain
}

/// Divides a plain text into its sections; what is wrong goes to `flaws`.
pub(super) fn blocks(text: &str, flaws: &mut Vec<Flaw>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut reader = Reader::default();
    for (at, line) in text.split('\n').enumerate() {
        let number = at + 1;
        let line = line.trim_end();
        let Some(place) = reader.place(number, line) else {
            continue;
        };
        if place == Place::Text
            && let Some((level, name)) = heading(line)
            && (level == 2 || Section::find(name).is_some())
        {
            match section(number, level, name, &blocks) {
                Ok(section) => blocks.push(Block {
                    section,
                    line: number,
                    lines: Vec::new(),
                }),
                Err(flaw) => flaws.push(flaw),
            }
            continue;
        }
        match blocks.last_mut() {
            Some(block) => block.lines.push(Line {
                number,
                text: line.to_owned(),
                place,
            }),
            // A title, perhaps, before the first section.
            None if line.is_empty() || line.starts_with("# ") => {}
            None if flaws.is_empty() => flaws.push(Flaw::at(
                number,
                "text before the first section",
                "begin with `## Root cause`; the form: wt plan template",
            )),
            None => {}
        }
    }
    flaws.extend(reader.open());
    blocks
}

/// Level and name of a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let name = line.trim_start_matches('#');
    let level = line.len() - name.len();
    let name = name.trim().trim_end_matches(['#', ':', ' ']);
    (level > 0).then_some((level, name))
}

fn section(line: usize, level: usize, name: &str, before: &[Block]) -> Result<Section, Flaw> {
    let Some(section) = Section::find(name) else {
        let hint = match Section::near(name) {
            Some(near) => format!("did you mean `## {}`?", near.title()),
            None => format!(
                "the sections are: {}; within one begin a heading with three `#`",
                Section::ALL.map(Section::title).join(", ")
            ),
        };
        return Err(Flaw::at(
            line,
            format!("no section of a plan: {name:?}"),
            hint,
        ));
    };
    let title = section.title();
    if level != 2 {
        let what = format!("{title} is a section, and its heading has {level} `#`");
        return Err(Flaw::at(line, what, format!("write `## {title}`")));
    }
    if let Some(first) = before.iter().find(|block| block.section == section) {
        let what = format!("{title} is there already, on line {}", first.line);
        return Err(Flaw::at(line, what, "make one section of the two"));
    }
    Ok(section)
}

/// Where a text is, line by line.
#[derive(Default)]
struct Reader {
    /// The fence of the code block that it is in, and where that begins.
    fence: Option<(char, usize, usize)>,
    /// Where the comment begins that it is in.
    comment: Option<usize>,
}

impl Reader {
    /// What a line is; nothing for a comment.
    fn place(&mut self, number: usize, line: &str) -> Option<Place> {
        let bare = line.trim_start();
        if let Some((mark, count, _)) = self.fence {
            let rest = bare.trim_start_matches(mark);
            if rest.is_empty() && bare.len() >= count {
                self.fence = None;
                return Some(Place::Fence);
            }
            return Some(Place::Code);
        }
        if self.comment.is_some() {
            if bare.ends_with("-->") {
                self.comment = None;
            }
            return None;
        }
        if let Some(inside) = bare.strip_prefix("<!--") {
            match inside.find("-->") {
                None => {
                    self.comment = Some(number);
                    return None;
                }
                Some(end) if end + 3 == inside.len() => return None,
                Some(_) => {}
            }
        }
        for mark in ['`', '~'] {
            let rest = bare.trim_start_matches(mark);
            let count = bare.len() - rest.len();
            if count >= 3 && !(mark == '`' && rest.contains('`')) {
                self.fence = Some((mark, count, number));
                return Some(Place::Fence);
            }
        }
        Some(Place::Text)
    }

    /// What was begun and not ended.
    fn open(&self) -> Option<Flaw> {
        let (line, what) = match (self.fence, self.comment) {
            (Some((_, _, line)), _) => (line, "code block"),
            (None, Some(line)) => (line, "comment"),
            (None, None) => return None,
        };
        let what = format!("the {what} that begins here has no end");
        Some(Flaw::at(line, what, "end it"))
    }
}
