//! A plan as a text, and the form for one.

use std::fmt::Write as _;

use minijinja::context;

use super::{Entry, Plan, Section};
use crate::template;

/// What is known before a plan is made.
pub(crate) struct Form<'a> {
    pub(crate) task: &'a str,
    /// The globs that the task alone may change; none where it may change what nobody owns.
    pub(crate) owns: &'a [String],
    /// The commands of the gate.
    pub(crate) steps: &'a [&'a str],
}

/// A plan's text in its one form.
pub(crate) fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for section in Section::ALL {
        let _ = write!(text, "## {}\n\n", section.title());
        match section {
            Section::Cause => text.push_str(&plan.cause),
            Section::Files => text.push_str(&entries(&plan.files)),
            Section::Invariants => text.push_str(&list(&plan.invariants)),
            Section::Risks => text.push_str(&list(&plan.risks)),
            Section::Validation => text.push_str(&entries(&plan.validation)),
        }
        text.push_str("\n\n");
    }
    text.pop();
    text
}

/// A form to fill in: what stands between `<!--` and `-->` is no part of a plan, and as it is the form is none.
pub(crate) fn form(form: &Form) -> String {
    let quoted = |words: &str| code(words).replace("-->", "-- >");
    let owns: Vec<String> = form.owns.iter().map(|glob| quoted(glob)).collect();
    let steps = form.steps.iter().filter(|step| !step.contains('\n'));
    let values = context! {
        task => form.task,
        owns => owns.join(", "),
        steps => steps.map(|step| quoted(step)).collect::<Vec<_>>(),
    };
    template::environment()
        .render_str(include_str!("../../templates/plan.md"), values)
        .expect("a test renders it")
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
    items.join("\n")
}

fn entries(entries: &[Entry]) -> String {
    let line = |Entry {
                    code: words,
                    remark,
                }: &Entry| {
        let joint = if remark.is_empty() { "" } else { ": " };
        format!("{}{joint}{remark}", code(words))
    };
    list(&entries.iter().map(line).collect::<Vec<_>>())
}

/// `words`, which neither begin nor end with a space, as inline code.
fn code(words: &str) -> String {
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if words.starts_with('`') || words.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{words}{pad}{fence}")
}

/// The inline code with which `text` begins, and what follows it.
pub(super) fn span(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start_matches('`');
    let count = text.len() - rest.len();
    let end = closing(rest, count)?;
    Some((&rest[..end], &rest[end + count..]))
}

/// Where a run of exactly `count` back-ticks begins.
pub(super) fn closing(text: &str, count: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find('`') {
        let begin = from + found;
        let run = text[begin..].len() - text[begin..].trim_start_matches('`').len();
        if run == count {
            return Some(begin);
        }
        from = begin + run;
    }
    None
}
