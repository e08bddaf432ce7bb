//! A file of rules: the `wt.rules.md` of a folder, or one that the contract includes.

use super::lint::{Finding, Kind};

/// What a file of rules says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RulesFile {
    pub(crate) constraints: Vec<Written>,
    pub(crate) edits: Vec<Written>,
    /// What is wrong with its form; it is read all the same.
    pub(crate) findings: Vec<Finding>,
}

/// A rule with the line, from 1, on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Reads the text of the file that findings call `name`. Each item of a list, and each paragraph, is a rule; those below
/// a heading that speaks of constraints or invariants are constraints, all others are edit rules.
pub(crate) fn parse_file(name: &str, text: &str) -> RulesFile {
    let mut reading = Reading {
        name,
        file: RulesFile::default(),
        under: Under::Nothing,
        rule: None,
        fenced: false,
        after_blank: false,
    };
    let mut comment = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if comment || (!reading.fenced && line.trim_start().starts_with("<!--")) {
            comment = !line.contains("-->");
            continue;
        }
        reading.line(number, line);
    }
    reading.end_rule();
    reading.file
}

/// The heading that a rule stands under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    Constraints,
    Edits,
}

struct Reading<'a> {
    name: &'a str,
    file: RulesFile,
    under: Under,
    /// The rule that is being read.
    rule: Option<Begun>,
    /// Whether a code block is open.
    fenced: bool,
    after_blank: bool,
}

struct Begun {
    line: usize,
    text: String,
    is_item: bool,
}

impl Reading<'_> {
    fn line(&mut self, number: usize, line: &str) {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if self.fenced || fence {
            self.fenced ^= fence;
            self.go_on(number, line.strip_prefix("  ").unwrap_or(line));
            return;
        }
        if line.is_empty() {
            self.after_blank = true;
            return;
        }
        let indented = line.starts_with("  ") || line.starts_with('\t');
        if let Some(title) = heading(line) {
            self.end_rule();
            self.heading(number, title, line.starts_with("# "));
        } else if let Some(item) = item(line).filter(|_| !indented) {
            self.end_rule();
            self.begin(number, item, true);
        } else {
            let is_item = self.rule.as_ref().is_some_and(|rule| rule.is_item);
            if self.after_blank && !(is_item && indented) {
                self.end_rule();
            }
            self.go_on(number, line.trim_start());
        }
        self.after_blank = false;
    }

    fn heading(&mut self, number: usize, title: &str, is_first_level: bool) {
        let title = title.to_lowercase();
        if title.contains("constraint") || title.contains("invariant") {
            if self.under == Under::Edits || !self.file.edits.is_empty() {
                self.found(
                    number,
                    Kind::Order,
                    "constraints stand below edit rules, and come first in the rules".to_owned(),
                    "move them above the edit rules",
                );
            }
            self.under = Under::Constraints;
        } else if title
            .split_whitespace()
            .any(|word| word.starts_with("edit"))
        {
            self.under = Under::Edits;
        } else if !is_first_level {
            self.found(
                number,
                Kind::Heading,
                format!("the heading {title:?} names no layer: its rules count as edit rules"),
                "name it `## Constraints` or `## Edit rules`",
            );
            self.under = Under::Edits;
        }
    }

    fn begin(&mut self, line: usize, text: &str, is_item: bool) {
        self.rule = Some(Begun {
            line,
            text: text.to_owned(),
            is_item,
        });
    }

    /// A further line of the rule, or the first of a paragraph.
    fn go_on(&mut self, number: usize, line: &str) {
        match &mut self.rule {
            Some(rule) => {
                rule.text.push('\n');
                rule.text.push_str(line);
            }
            None => self.begin(number, line, false),
        }
    }

    fn end_rule(&mut self) {
        let Some(Begun { line, text, .. }) = self.rule.take() else {
            return;
        };
        if text.trim().is_empty() {
            let hint = "write the rule, or remove the item";
            self.found(line, Kind::Heading, "the item is empty".to_owned(), hint);
            return;
        }
        let text = text.trim().to_owned();
        let rules = match self.under {
            Under::Constraints => &mut self.file.constraints,
            Under::Nothing | Under::Edits => &mut self.file.edits,
        };
        rules.push(Written { line, text });
    }

    fn found(&mut self, line: usize, kind: Kind, message: String, hint: &str) {
        self.file.findings.push(Finding {
            file: self.name.to_owned(),
            line,
            kind,
            message,
            hint: hint.to_owned(),
        });
    }
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with(' ')).then(|| title.trim())
}

/// The text of a list's item.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if after_number.len() < line.len() {
        after_number.strip_prefix(['.', ')'])?
    } else {
        line.strip_prefix(['-', '*', '+'])?
    };
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> String {
        let file = parse_file("wt.rules.md", text);
        let rules = |kind: &str, rules: &[Written]| {
            let lines = rules
                .iter()
                .map(|rule| format!("{kind} {}: {:?}\n", rule.line, rule.text));
            lines.collect::<String>()
        };
        let findings = file
            .findings
            .iter()
            .map(|finding| format!("{}:{}: {}\n", finding.file, finding.line, finding.message));
        rules("constraint", &file.constraints)
            + &rules("edit", &file.edits)
            + &findings.collect::<String>()
    }

    #[test]
    fn items_and_paragraphs_are_rules_of_the_layer_that_their_heading_names() {
        let text = "# Rules of the services\n<!-- kept by\n- the platform team -->\n\n\
            ## Constraints\n- Keep the wire format.\n  It is public.\n\n  So are its errors.\n2. Log no secret.\n\n\
            ## Edit rules\nOne change\na commit.\n\n* Use `Result`:\n\n  ```rust\n  - not a rule\n  # nor a heading\n  ```\n-\n";
        insta::assert_snapshot!(told(text), @r#"
        constraint 6: "Keep the wire format.\nIt is public.\nSo are its errors."
        constraint 10: "Log no secret."
        edit 13: "One change\na commit."
        edit 16: "Use `Result`:\n```rust\n- not a rule\n# nor a heading\n```"
        wt.rules.md:22: the item is empty
        "#);
    }

    #[test]
    fn what_is_out_of_order_or_under_no_layer_is_found_and_read() {
        let text = "- First.\n## Style\n- Tabs.\n## Invariants\n- Last.\n";
        insta::assert_snapshot!(told(text), @r#"
        constraint 5: "Last."
        edit 1: "First."
        edit 3: "Tabs."
        wt.rules.md:2: the heading "style" names no layer: its rules count as edit rules
        wt.rules.md:4: constraints stand below edit rules, and come first in the rules
        "#);
    }

    proptest! {
        #[test]
        fn every_item_comes_back_as_it_was_written(
            constraints in prop::collection::vec("[A-Za-z][A-Za-z ,.`]{0,30}[a-z.]", 0..5),
            edits in prop::collection::vec("[A-Za-z][A-Za-z ,.`]{0,30}[a-z.]", 0..5),
        ) {
            let items = |rules: &[String]| rules.iter().map(|rule| format!("- {rule}\n")).collect::<String>();
            let text = format!("## Constraints\n\n{}\n## Edit rules\n\n{}", items(&constraints), items(&edits));
            let file = parse_file("f", &text);
            let texts = |rules: &[Written]| rules.iter().map(|rule| rule.text.clone()).collect::<Vec<_>>();
            prop_assert_eq!(texts(&file.constraints), constraints);
            prop_assert_eq!(texts(&file.edits), edits);
            prop_assert!(file.findings.is_empty());
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC{0,40}(\n[-#`~<>! a1.]{0,6}\\PC{0,20}){0,8}") {
            parse_file("f", &text);
        }
    }
}
