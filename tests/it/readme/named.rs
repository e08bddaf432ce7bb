//! The verbs and options that the text of README.md names.

use std::collections::BTreeMap;

use super::README;
use crate::sandbox::Sandbox;

/// What `wt` says of its verbs, asked once each.
struct Helps {
    sandbox: Sandbox,
    known: BTreeMap<String, Option<String>>,
}

impl Helps {
    /// The help of a verb, given in its words; nothing where there is no such verb.
    fn of(&mut self, verb: &str) -> Option<String> {
        let sandbox = &self.sandbox;
        let ask = || {
            let mut args: Vec<&str> = verb.split(' ').collect();
            args.push("--help");
            let ran = sandbox.wt(&args);
            (ran.code == Some(0)).then_some(ran.out)
        };
        let known = self.known.entry(verb.to_owned());
        known.or_insert_with(ask).clone()
    }

    fn has(&mut self, verb: &str, option: &str) -> bool {
        let help = self.of(verb).unwrap_or_default();
        let mut words = help.split(|c: char| c.is_whitespace() || c == ',');
        words.any(|word| word == option)
    }
}

/// The verbs that a span of code calls: `wt plan approve|reject [task]` are two. None where it calls none.
///
/// # Errors
/// The first that there is not.
fn called(span: &str, helps: &mut Helps) -> Result<Vec<String>, String> {
    match span.strip_prefix("wt ") {
        Some(call) => verbs(call, helps),
        // As in `rm --force`; what else has options, such as git, is none.
        None if span.contains(" --") => Ok(verbs(span, helps).unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

fn verbs(call: &str, helps: &mut Helps) -> Result<Vec<String>, String> {
    let mut words = call.split_whitespace();
    let mut verbs: Vec<String> = Vec::new();
    let Some(first) = words.next().filter(|word| is_name(word)) else {
        return Ok(verbs);
    };
    for verb in first.split('|') {
        let help = helps.of(verb).ok_or_else(|| verb.to_owned())?;
        let second = words.clone().next().filter(|word| is_name(word));
        match second.filter(|_| help.contains("\nCommands:\n")) {
            Some(second) => verbs.extend(second.split('|').map(|next| format!("{verb} {next}"))),
            None => verbs.push(verb.to_owned()),
        }
    }
    match verbs.iter().find(|verb| helps.of(verb).is_none()) {
        Some(verb) => Err(verb.clone()),
        None => Ok(verbs),
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"-|".contains(&b))
}

/// The options in a span of code.
fn options(span: &str) -> impl Iterator<Item = &str> {
    let words = span.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    words.filter(|word| word.len() > 2 && word.starts_with("--"))
}

/// The paragraphs and the rows of tables that are no block, with the number of the first line.
fn passages() -> Vec<(usize, String)> {
    let mut passages = vec![(1, String::new())];
    let mut in_block = false;
    for (at, line) in README.lines().enumerate() {
        let is_fence = line.starts_with("```");
        in_block ^= is_fence;
        if is_fence || line.is_empty() || line.starts_with('|') {
            passages.push((at + 1, String::new()));
        }
        if !in_block && !is_fence {
            let (_, passage) = passages.last_mut().expect("there is one");
            passage.push_str(line);
            passage.push(' ');
        }
    }
    passages
}

/// The spans of code of a passage.
fn spans(passage: &str) -> Vec<String> {
    let spans = passage.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace("\\|", "|")).collect()
}

/// What a passage names that is not there, and how many options it names.
fn check(passage: &str, helps: &mut Helps) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut named = 0;
    // In the table of verbs all of a row is about the verbs that it begins with.
    let is_row = passage.starts_with("| `wt ");
    let mut row: Vec<String> = Vec::new();
    for span in spans(passage) {
        let called = match called(&span, helps) {
            Ok(called) => called,
            Err(verb) => {
                wrong.push(format!("there is no verb `wt {verb}`"));
                continue;
            }
        };
        if is_row {
            row.extend(called.iter().cloned());
        }
        let about = match &called[..] {
            [] if span.starts_with("--") => &row,
            _ => &called,
        };
        if about.is_empty() {
            continue;
        }
        for option in options(&span) {
            named += 1;
            if !about.iter().any(|verb| helps.has(verb, option)) {
                wrong.push(format!("{option} is no option of {}", about.join(", ")));
            }
        }
    }
    (wrong, named)
}

#[test]
fn every_verb_and_option_that_the_readme_names_is_one() {
    let mut helps = Helps {
        sandbox: Sandbox::new(),
        known: BTreeMap::new(),
    };
    let mut all = Vec::new();
    let mut options = 0;
    for (line, passage) in passages() {
        let (wrong, named) = check(&passage, &mut helps);
        options += named;
        all.extend(
            wrong
                .iter()
                .map(|wrong| format!("README.md:{line}: {wrong}")),
        );
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    assert!(
        options > 50 && helps.known.len() > 40,
        "so little is named: {options}"
    );
}
