//! From a text to a plan, with everything that is wrong in it.

use super::check::hedges;
use super::lines::{Block, Line, Place, blocks, plain};
use super::render::span;
use super::{Entry, Flaw, Plan, Section};
use crate::scope::Globs;

/// The longest text that is read, in bytes.
const MOST: usize = 64 << 10;

/// A plan that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) plan: Plan,
    /// The lines of its files.
    pub(crate) lines: Vec<usize>,
}

/// An item of a list: its text is on one line, wherever it was broken.
struct Item {
    line: usize,
    text: String,
    /// Whether it is a line of a code block.
    is_code: bool,
}

/// Reads a plan. What of `vague` stands in it as a whole word, case ignored and code left out, hedges.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines.
pub(crate) fn read(text: &str, vague: &[String]) -> Result<Read, Vec<Flaw>> {
    if text.len() > MOST {
        let what = format!("{} bytes, and {MOST} are the most", text.len());
        return Err(vec![Flaw::of_all(
            what,
            "keep to what is needed to judge it",
        )]);
    }
    let mut flaws = Vec::new();
    let blocks = blocks(&plain(text), &mut flaws);
    let mut plan = Plan {
        cause: String::new(),
        files: Vec::new(),
        invariants: Vec::new(),
        risks: Vec::new(),
        validation: Vec::new(),
    };
    let mut lines = Vec::new();
    for block in &blocks {
        flaws.extend(hedges(block, vague));
        if block.section == Section::Cause {
            plan.cause = cause(block);
            if !says_something(&plan.cause) {
                flaws.push(empty(block));
            }
            continue;
        }
        let before = flaws.len();
        let items = items(block, &mut flaws);
        if items.is_empty() && flaws.len() == before {
            flaws.push(empty(block));
        }
        let texts = || items.iter().map(|item| item.text.clone()).collect();
        match block.section {
            Section::Cause => {}
            Section::Invariants => plan.invariants = texts(),
            Section::Risks => plan.risks = texts(),
            Section::Files => {
                let found = items.iter().filter_map(|item| kept(file(item), &mut flaws));
                plan.files = found.collect();
                lines = items.iter().map(|item| item.line).collect();
            }
            Section::Validation => {
                let found = items
                    .iter()
                    .filter_map(|item| kept(command(item), &mut flaws));
                plan.validation = found.collect();
            }
        }
    }
    flaws.extend(missing(&blocks));
    if flaws.is_empty() && plan.files.iter().all(|file| file.code.starts_with('!')) {
        let what = "its files only take paths out";
        flaws.push(Flaw::of_all(what, "name first what is to change"));
    }
    flaws.sort_by_key(|flaw| flaw.line.unwrap_or(usize::MAX));
    if flaws.is_empty() {
        Ok(Read { plan, lines })
    } else {
        Err(flaws)
    }
}

fn kept(found: Result<Entry, Flaw>, flaws: &mut Vec<Flaw>) -> Option<Entry> {
    found.map_err(|flaw| flaws.push(flaw)).ok()
}

fn missing(blocks: &[Block]) -> impl Iterator<Item = Flaw> {
    let is_there = |section: &Section| blocks.iter().any(|block| block.section == *section);
    let missing = Section::ALL.into_iter().filter(move |s| !is_there(s));
    missing.map(|section| {
        let what = format!("the section `## {}` is missing", section.title());
        Flaw::of_all(what, "the form: wt plan template")
    })
}

fn empty(block: &Block) -> Flaw {
    let hint = match block.section {
        Section::Cause => "say why things are as they are, as far as you have looked",
        Section::Files => "name the paths that are to change: - `src/lib.rs`: why",
        Section::Invariants => "say what must hold afterwards as before: - …",
        Section::Risks => "say what could go wrong, and how you would see it: - …",
        Section::Validation => "name the commands that are to show it: - `cargo test`",
    };
    Flaw::at(
        block.line,
        format!("{} is empty", block.section.title()),
        hint,
    )
}

fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Free text, without the empty lines around it.
fn cause(block: &Block) -> String {
    let lines: Vec<&str> = block.lines.iter().map(|line| line.text.as_str()).collect();
    let is_filled = |line: &&str| !line.is_empty();
    let Some(first) = lines.iter().position(is_filled) else {
        return String::new();
    };
    let last = lines.iter().rposition(is_filled).unwrap_or(first);
    lines[first..=last].join("\n")
}

/// The items of a list; a line that begins none goes on with the one before it.
fn items(block: &Block, flaws: &mut Vec<Flaw>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut goes_on = false;
    for line in &block.lines {
        let text = line.text.trim();
        match line.place {
            Place::Text if text.is_empty() => goes_on &= false,
            Place::Text => {
                let is_indented = line.text.starts_with([' ', '\t']);
                if let Some(begun) = begun(text) {
                    items.push(Item {
                        line: line.number,
                        text: begun.to_owned(),
                        is_code: false,
                    });
                    goes_on = true;
                } else if let Some(item) = items.last_mut().filter(|_| goes_on || is_indented) {
                    item.text = format!("{} {text}", item.text).trim().to_owned();
                } else {
                    flaws.push(no_item(line));
                }
            }
            Place::Fence => goes_on = false,
            Place::Code if block.section != Section::Validation => {
                flaws.push(no_item(line));
            }
            Place::Code if text.is_empty() || text.starts_with('#') => {}
            Place::Code => items.push(Item {
                line: line.number,
                text: text.to_owned(),
                is_code: true,
            }),
        }
    }
    // A glob may be of signs alone.
    let is_code = [Section::Files, Section::Validation].contains(&block.section);
    let is_said = |item: &&Item| {
        if is_code {
            !item.text.is_empty()
        } else {
            says_something(&item.text)
        }
    };
    for item in items.iter().filter(|item| !is_said(item)) {
        let hint = "say it, or leave the item out";
        flaws.push(Flaw::at(item.line, "an item that says nothing", hint));
    }
    items
}

fn no_item(line: &Line) -> Flaw {
    Flaw::at(line.number, "no item of a list", "begin it with `- `")
}

/// The text of an item's first line, where it begins one.
fn begun(line: &str) -> Option<&str> {
    if ["-", "*", "+"].contains(&line) {
        return Some("");
    }
    let marked = ["- ", "* ", "+ "].iter().find_map(|m| line.strip_prefix(m));
    let numbered = || {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = (rest.len() < line.len()).then_some(rest)?;
        rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "))
    };
    marked.or_else(numbered).map(str::trim_start)
}

fn file(item: &Item) -> Result<Entry, Flaw> {
    let entry = entry(item, |text| {
        (!text.contains(char::is_whitespace)).then(|| text.to_owned())
    })?;
    if ["`", "and `", "& `"]
        .iter()
        .any(|more| entry.remark.starts_with(more))
    {
        let hint = "give each path an item of its own";
        return Err(Flaw::at(item.line, "two paths in one item", hint));
    }
    match Globs::normal_form(&entry.code) {
        Ok(_) => Ok(entry),
        // It is told already.
        Err(_) if entry.code.is_empty() => Ok(entry),
        Err(refusal) => {
            let hint = refusal.hint.unwrap_or_default();
            Err(Flaw::at(item.line, refusal.message, hint))
        }
    }
}

fn command(item: &Item) -> Result<Entry, Flaw> {
    let mut entry = if item.is_code {
        Entry {
            code: item.text.clone(),
            remark: String::new(),
        }
    } else {
        entry(item, |text| Some(text.to_owned()))?
    };
    // A prompt, as it was copied from a terminal.
    while let Some(bare) = entry.code.strip_prefix("$ ") {
        entry.code = bare.trim_start().to_owned();
    }
    Ok(entry)
}

/// An item's code and what is said of it. `bare` reads one whose code is not in back-ticks.
fn entry(item: &Item, bare: impl FnOnce(&str) -> Option<String>) -> Result<Entry, Flaw> {
    let entry = if item.text.starts_with('`') {
        let (code, rest) = span(&item.text)
            .ok_or_else(|| Flaw::at(item.line, "a back-tick without its other", "close it"))?;
        let is_joint = |c: char| c.is_whitespace() || [':', ',', '-', '–', '—'].contains(&c);
        Entry {
            code: code.trim().to_owned(),
            remark: rest.trim_start_matches(is_joint).trim_end().to_owned(),
        }
    } else {
        let code = bare(&item.text).ok_or_else(|| {
            let what = "a path, and words beside it";
            Flaw::at(
                item.line,
                what,
                "put the path in back-ticks: - `src/lib.rs`: why",
            )
        })?;
        Entry {
            code,
            remark: String::new(),
        }
    };
    if entry.code.is_empty() && !item.text.is_empty() {
        return Err(Flaw::at(item.line, "nothing between back-ticks", "name it"));
    }
    Ok(entry)
}
