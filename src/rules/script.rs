//! `.wt/validate.sh`: the gate for a plain `sh`, to be run by an agent without `wt`.

use minijinja::context;

use super::{Step, fill};

/// The text of `.wt/validate.sh`.
///
/// It runs every step of the gate, `when` or not, in the folder above its own. It answers on standard
/// output, after the steps' own output: `VALIDATION_OK` with status 0, or `<token> step=<name>
/// exit=<status>` with status 1. Without a gate it refuses with status 4.
pub(crate) fn validate_script(steps: &[Step]) -> String {
    let steps: Vec<_> = steps.iter().map(Step::value).collect();
    fill(
        include_str!("../../templates/validate.sh"),
        context! { steps },
    )
}

/// `word` as one word of `sh`, whatever it holds.
pub(super) fn quote(word: &str) -> String {
    // A NUL byte can't reach any command; a shell reads past it, and so it is no reason to fail here.
    shlex::Quoter::new()
        .allow_nul(true)
        .quote(word)
        .expect("NUL bytes are all that quoting can refuse")
        .into_owned()
}

#[cfg(test)]
mod tests;
