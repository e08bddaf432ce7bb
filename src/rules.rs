//! The rules file that an agent reads: its text, its copies for each agent, its script, its lint.

mod agents;
mod lint;
mod script;
mod text;

use minijinja::context;
use minijinja::value::Value;

pub(crate) use agents::{claude_rules, codex_override};
pub(crate) use lint::lint;
pub(crate) use script::validate_script;

use crate::template;

/// What the rules file of a task is made from; it depends on nothing else.
pub(crate) struct Source<'a> {
    pub(crate) task: &'a str,
    /// The branch that the task works on.
    pub(crate) branch: &'a str,
    /// The branch that the task lands on.
    pub(crate) target: &'a str,
    /// The contract's hard constraints, in order.
    pub(crate) invariants: &'a [String],
    /// The contract's edit rules, in order.
    pub(crate) edits: &'a [String],
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
    let values = context! {
        task => source.task,
        branch => source.branch,
        target => source.target,
        invariants => source.invariants.to_vec(),
        edits => source.edits.to_vec(),
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
    environment.add_filter("sh", |word: String| script::quote(&word));
    environment
        .render_str(template, values)
        .expect("every branch of the embedded templates is rendered by a test")
}

#[cfg(test)]
mod tests;
