//! The layers of the rules file and where each of its lines comes from.

use std::fmt::Write as _;

use super::Source;

/// Opens and closes a note on the line that it begins: no text from outside keeps a control character.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// A layer of the rules file; they stand in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Constraints,
    Edits,
    Validation,
    Scope,
    Brief,
    Plan,
    Memory,
}

impl Layer {
    const ALL: [Layer; 7] = [
        Layer::Constraints,
        Layer::Edits,
        Layer::Validation,
        Layer::Scope,
        Layer::Brief,
        Layer::Plan,
        Layer::Memory,
    ];

    /// Its name, for people and programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Layer::Constraints => "constraints",
            Layer::Edits => "edits",
            Layer::Validation => "validation",
            Layer::Scope => "scope",
            Layer::Brief => "brief",
            Layer::Plan => "plan",
            Layer::Memory => "memory",
        }
    }
}

/// One rule of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) text: String,
    /// The folder that it holds for; none means the whole repository.
    pub(crate) folder: Option<String>,
    /// Where it is written, for people: `wt.toml`, `services/wt.rules.md:4`.
    pub(crate) source: String,
    /// Whether something besides the agent's good will holds it.
    pub(crate) enforced: bool,
}

/// One line of the rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// None above the first layer.
    pub(crate) layer: Option<Layer>,
    /// Who wrote it: `wt` itself, the contract, a file of rules, the task, the plan, memory.
    pub(crate) source: String,
    pub(crate) text: String,
    /// The rule that begins here: its place among the constraints and then the edit rules.
    pub(crate) rule: Option<usize>,
}

/// What a layer takes of an agent's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) layer: Layer,
    pub(crate) lines: usize,
    /// An estimate: a quarter of the bytes, rounded up.
    pub(crate) tokens: usize,
}

/// The note that the lines from here on are of `source`.
pub(super) fn mark(source: &str) -> String {
    format!("{OPEN}{source}{CLOSE}")
}

/// The note that the layer of this number (from 1) begins.
pub(super) fn mark_layer(number: usize) -> String {
    format!("{OPEN}L{number}{CLOSE}")
}

/// The note that the rule of this place begins.
pub(super) fn mark_rule(place: usize) -> String {
    format!("{OPEN}R{place}{CLOSE}")
}

/// `marked` without its notes.
pub(super) fn unmarked(marked: &str) -> String {
    let mut text = String::with_capacity(marked.len());
    for part in marked.split(OPEN) {
        text.push_str(part.split_once(CLOSE).map_or(part, |(_, rest)| rest));
    }
    text
}

/// The lines of `marked` with what its notes say of them.
pub(super) fn lines(marked: &str, source: &Source) -> Vec<Line> {
    let rules = || source.constraints.iter().chain(source.edits);
    let (mut layer, mut from) = (None, "wt".to_owned());
    let mut lines = Vec::new();
    for line in marked.lines() {
        let mut rule = None;
        let note = line.strip_prefix(OPEN).and_then(|l| l.split_once(CLOSE));
        if let Some((note, _)) = note {
            let number = note.get(1..).and_then(|number| number.parse().ok());
            match (note.chars().next(), number) {
                (Some('L'), Some(number)) => {
                    layer = Layer::ALL.get(usize::wrapping_sub(number, 1)).copied();
                    "wt".clone_into(&mut from);
                }
                (Some('R'), Some(place)) => {
                    rule = Some(place);
                    from = rules().nth(place).map_or(from, |rule| rule.source.clone());
                }
                _ => note.clone_into(&mut from),
            }
        }
        lines.push(Line {
            layer,
            source: from.clone(),
            text: unmarked(line),
            rule,
        });
    }
    lines
}

/// What each layer takes that is there.
pub(crate) fn sizes(lines: &[Line]) -> Vec<Size> {
    let of = |layer: Layer| {
        let own = || lines.iter().filter(move |line| line.layer == Some(layer));
        let bytes: usize = own().map(|line| line.text.len() + 1).sum();
        Size {
            layer,
            lines: own().count(),
            tokens: bytes.div_ceil(4),
        }
    };
    let all = Layer::ALL.into_iter().map(of);
    all.filter(|size| size.lines > 0).collect()
}

/// The rules file with layer and source in front of each line.
pub(crate) fn table(lines: &[Line]) -> String {
    let width = |of: fn(&Line) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let sources = width(|line| line.source.chars().count());
    let mut text = String::new();
    for line in lines {
        let layer = line.layer.map_or("", Layer::word);
        // An empty line is nobody's.
        let source = if line.text.is_empty() {
            ""
        } else {
            &line.source
        };
        let row = format!("{layer:11}  {source:sources$}  | {}", line.text);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}
