//! Who is in charge: some verbs want a person, and write down who it was.

use crate::ctx::Ctx;
use crate::error::Refusal;

/// The operator's name: the one that was given, else the person at the terminal; nothing where neither is there.
pub(crate) fn find(ctx: &Ctx, given: Option<&str>) -> Option<String> {
    let given = given.map(str::trim).filter(|name| !name.is_empty());
    let at_terminal = || {
        let name = ctx.environment.text("USER").unwrap_or("operator");
        ctx.ui.has_operator().then(|| name.to_owned())
    };
    given.map(str::to_owned).or_else(at_terminal)
}

/// As [`find`].
///
/// # Errors
/// A refusal where nobody is named and no person sits at a terminal.
pub(crate) fn require(ctx: &Ctx, given: Option<&str>, verb: &str) -> anyhow::Result<String> {
    find(ctx, given).ok_or_else(|| {
        Refusal::refused(format!(
            "{verb} is for the operator, and there is no terminal here"
        ))
        .hint("call it from a terminal, or say who you are: --operator NAME")
        .into()
    })
}
