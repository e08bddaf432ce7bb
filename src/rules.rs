//! The rules file that an agent reads: its text, its copies for each agent, its script, its lint.

mod agents;
mod file;
mod layers;
mod lint;
mod script;
mod text;

use minijinja::context;
use minijinja::value::Value;

pub(crate) use agents::{claude_rules, codex_override};
pub(crate) use file::{RulesFile, Written, parse_file};
pub(crate) use layers::{Layer, Line, Rule, Size, sizes, table};
pub(crate) use lint::{Finding, LINES, is_about_tests, lint, says_the_same};
pub(crate) use script::validate_script;

use crate::template;

/// What the rules file of a task is made from; it depends on nothing else.
pub(crate) struct Source<'a> {
    pub(crate) task: &'a str,
    /// The branch that the task works on.
    pub(crate) branch: &'a str,
    /// The branch that the task lands on.
    pub(crate) target: &'a str,
    /// Where gate and shared paths are written, for people: `wt.toml`.
    pub(crate) contract: &'a str,
    /// The hard constraints: the organisation's, the repository's, the folders', the task's.
    pub(crate) constraints: &'a [Rule],
    /// The edit rules, in the same order.
    pub(crate) edits: &'a [Rule],
    /// The globs that the task alone may change; none means whatever no other task owns.
    pub(crate) owns: &'a [String],
    /// Whether the worktree was made with some of the folders alone.
    pub(crate) sparse: bool,
    /// The globs that every task may change.
    pub(crate) shared: &'a [String],
    /// The gate, in order; empty where none is set.
    pub(crate) steps: &'a [Step<'a>],
    /// What the task is to do: any text, rendered so that it can't pass for a rule.
    pub(crate) brief: Option<&'a str>,
    /// The globs of its plan, where it is held to one; none before that is approved.
    pub(crate) planned: Option<&'a [String]>,
    /// The plan that was approved, in the agent's words: rendered as the brief is.
    pub(crate) plan: Option<&'a str>,
    /// What other tasks left behind, chosen and quoted already: each line begins with `>`.
    pub(crate) memory: Option<&'a str>,
}

/// One step of the gate, as far as an agent needs to know it.
pub(crate) struct Step<'a> {
    pub(crate) name: &'a str,
    /// The first word of the verdict when it fails: `TEST_FAILURE`.
    pub(crate) token: &'a str,
    /// The command, in the words of `sh`.
    pub(crate) run: &'a str,
    /// The globs of which the task must change one for the step to run; absent means always.
    pub(crate) when: Option<&'a [String]>,
}

impl Step<'_> {
    fn value(&self) -> Value {
        context! { name => self.name, token => self.token, run => self.run, when => self.when.map(<[String]>::to_vec) }
    }
}

/// The text of `.wt/RULES.md`: hard constraints, edit rules, validation loop, scope, brief, plan, memory, always in this
/// order; the last two only where there are any.
pub(crate) fn render(source: &Source) -> String {
    layers::unmarked(&marked(source))
}

/// The lines of the same text, each with its layer and with who wrote it.
pub(crate) fn explain(source: &Source) -> Vec<Line> {
    layers::lines(&marked(source), source)
}

fn marked(source: &Source) -> String {
    let rule = |(place, rule): (usize, &Rule)| {
        let text = match &rule.folder {
            Some(folder) => format!("In {}: {}", text::code(folder), rule.text),
            None => rule.text.clone(),
        };
        context! { mark => layers::mark_rule(place), text => text }
    };
    let rules =
        |rules: &[Rule], before: usize| -> Vec<Value> { (before..).zip(rules).map(rule).collect() };
    let values = context! {
        task => source.task,
        branch => source.branch,
        target => source.target,
        contract => source.contract,
        constraints => rules(source.constraints, 0),
        edits => rules(source.edits, source.constraints.len()),
        owns => source.owns.to_vec(),
        sparse => source.sparse,
        shared => source.shared.to_vec(),
        steps => source.steps.iter().map(Step::value).collect::<Vec<_>>(),
        brief => filled(source.brief),
        planning => source.planned.is_some_and(<[String]>::is_empty),
        planned => source.planned.unwrap_or_default().to_vec(),
        plan => filled(source.plan),
        memory => filled(source.memory),
    };
    fill(include_str!("../templates/rules.md"), values)
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// Fills an embedded template in; text from outside passes one of the filters below, never a parser.
fn fill(template: &str, values: Value) -> String {
    let mut environment = template::environment();
    environment.add_filter("code", |words: String| text::code(&words));
    environment.add_filter("codes", |globs: Vec<String>| text::codes(&globs));
    environment.add_filter("item", |rule: String| text::item(&rule));
    environment.add_filter("block", |brief: String| text::block(&brief));
    environment.add_filter("quote", |notes: String| text::quote(&notes));
    environment.add_filter("command", |run: String| text::command(&run));
    environment.add_filter("mark", |source: String| layers::mark(&source));
    environment.add_filter("layer", layers::mark_layer);
    environment.add_filter("sh", |word: String| script::quote(&word));
    environment
        .render_str(template, values)
        .expect("every branch of the embedded templates is rendered by a test")
}

#[cfg(test)]
mod tests;
