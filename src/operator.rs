//! Who is in charge: some verbs want a person, and write down who it was.

use crate::ctx::Ctx;
use crate::error::Refusal;

/// The operator's name: the one that was given, else the person at the terminal.
///
/// # Errors
/// A refusal where nobody is named and no person sits at a terminal.
pub(crate) fn require(ctx: &Ctx, given: Option<&str>, verb: &str) -> anyhow::Result<String> {
    if let Some(name) = given.map(str::trim).filter(|name| !name.is_empty()) {
        return Ok(name.to_owned());
    }
    if ctx.ui.has_operator() {
        return Ok(ctx
            .environment
            .text("USER")
            .unwrap_or("operator")
            .to_owned());
    }
    Err(Refusal::refused(format!(
        "{verb} is for the operator, and there is no terminal here"
    ))
    .hint("call it from a terminal, or say who you are: --operator NAME")
    .into())
}
