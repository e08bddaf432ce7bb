//! The rules that single values of `wt.toml` must keep.

use super::read::Flaw;
use crate::scope::{Case, Globs};

/// Text that says something.
pub(super) fn filled(text: String) -> Result<String, Flaw> {
    if text.trim().is_empty() {
        return Err(Flaw::new("is empty"));
    }
    if text.contains('\0') {
        return Err(Flaw::new("holds a NUL character"));
    }
    Ok(text)
}

/// A name that is a safe file name on every system: of a step, of an agent.
pub(super) fn file_name(text: String) -> Result<String, Flaw> {
    let text = filled(text)?;
    let hint = "use letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`";
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.chars().all(safe) || text.starts_with(['.', '-']) || text.len() > 64 {
        return Err(Flaw::new(format!("is not a safe file name: `{text}`")).hint(hint));
    }
    Ok(text)
}

/// A glob, `!` in front allowed.
pub(super) fn glob(text: String) -> Result<String, Flaw> {
    let body = text.strip_prefix('!').unwrap_or(&text);
    match Globs::parse(&[body], Case::Exact) {
        Ok(_) => Ok(text),
        Err(refusal) => {
            let flaw = Flaw::new(format!("holds a bad glob: {}", refusal.message));
            Err(refusal.hint.into_iter().fold(flaw, Flaw::hint))
        }
    }
}

/// A path below the repository's root.
pub(super) fn inner_path(text: String) -> Result<String, Flaw> {
    let text = filled(text)?;
    let leaves = text.split('/').any(|part| part == ".." || part == ".git");
    if text.starts_with('/') || text.starts_with('~') || leaves {
        return Err(Flaw::new(format!("leaves the worktree: `{text}`"))
            .hint("write a path from the repository's root"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A path below the repository's root that stands for itself.
pub(super) fn plain_path(text: String) -> Result<String, Flaw> {
    let text = inner_path(text)?;
    if text.contains(['*', '?', '[', '{']) {
        return Err(Flaw::new(format!("holds a glob: `{text}`"))
            .hint("name the folder or the file itself; of a folder all that is in it is meant"));
    }
    Ok(text)
}

/// A file of rules: one of the repository, or of the operator's own.
pub(super) fn rules_file(text: String) -> Result<String, Flaw> {
    let own = text.strip_prefix("~/").or_else(|| text.strip_prefix('/'));
    let Some(own) = own else {
        return inner_path(text);
    };
    if own.is_empty() || own.ends_with('/') || own.split('/').any(|part| part == "..") {
        return Err(Flaw::new(format!("names no file: `{text}`"))
            .hint("write the path of a file, such as \"~/.config/wt/rules.md\""));
    }
    Ok(text)
}

/// A folder that tools fill and that may be copied from checkout to checkout: none in which `wt` writes itself.
pub(super) fn warm_folder(text: String) -> Result<String, Flaw> {
    let text = inner_path(text)?;
    let mut parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
    match parts.next() {
        None => Err(Flaw::new(format!("names the whole worktree: `{text}`"))
            .hint("name the folders that tools fill, such as \"target\"")),
        Some(".wt" | ".claude") => Err(Flaw::new(format!(
            "holds a folder in which wt writes a task's rules: `{text}`"
        ))
        .hint("leave it out; single files come along by `carry`")),
        Some(_) => Ok(text),
    }
}

/// The folders that lie in none of the others, each once.
pub(super) fn outermost(folders: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        let is_inside = |other: &String| {
            folder
                .strip_prefix(other.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if !folders.iter().any(is_inside) && !folders[..at].contains(folder) {
            kept.push(folder.clone());
        }
    }
    kept
}

/// A place on this machine that more than one user may have: absolute, or from a folder that a variable names.
pub(super) fn outer_path(text: String) -> Result<String, Flaw> {
    let text = filled(text)?;
    let (root, inside) = text.split_once('/').unwrap_or((&text, ""));
    let anchored = match root.strip_prefix('$') {
        Some(name) => variable(name.to_owned()).is_ok(),
        None => text.starts_with('/') || root == "~",
    };
    if !anchored {
        return Err(Flaw::new(format!("holds no absolute path: `{text}`"))
            .hint("begin it with `/`, `~/` or `$NAME/`"));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(Flaw::new(format!("holds `..`: `{text}`")).hint("write the path that is meant"));
    }
    if inside.split('/').all(|part| matches!(part, "" | ".")) {
        let below = root.trim_end_matches('/');
        return Err(
            Flaw::new(format!("opens all of a folder that others use: `{text}`")).hint(format!(
                "name the folder below it that has to be written, such as \"{below}/cache/\""
            )),
        );
    }
    if text.contains(['*', '?', '[']) {
        return Err(Flaw::new(format!("holds a glob: `{text}`"))
            .hint("name one folder, with a `/` at its end; all that is in it is opened"));
    }
    Ok(text)
}

/// A variable's name, of those that `wt` passes on.
pub(super) fn variable(text: String) -> Result<String, Flaw> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || !text.chars().all(name) || text.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(Flaw::new(format!(
            "is not the name of a variable: `{text}`"
        )));
    }
    if text.starts_with("GIT_") {
        return Err(
            Flaw::new(format!("holds `{text}`: no `GIT_` variable reaches a step"))
                .hint("such a variable can point git at another repository"),
        );
    }
    Ok(text)
}

/// The folder that holds the worktrees: outside of the repository as far as its text can tell.
pub(super) fn worktree_path(text: String) -> Result<String, Flaw> {
    let text = filled(text)?;
    placeholders(&text, &["repo"])?;
    if text.starts_with('/') {
        return Ok(text);
    }
    // `{repo}` is the name of the repository's own folder, so that `../{repo}/x` leads back inside.
    let mut above = 0_usize;
    let mut below = vec!["{repo}"];
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            below.push(part);
        } else if below.pop().is_none() {
            above += 1;
        }
    }
    if above == 0 && below.first() == Some(&"{repo}") {
        return Err(Flaw::new(format!("lies inside the repository: `{text}`"))
            .hint("worktrees stand beside the repository, such as in \"../{repo}.wt\""));
    }
    Ok(text)
}

/// The name of a task's branch.
pub(super) fn branch(text: String) -> Result<String, Flaw> {
    let text = filled(text)?;
    placeholders(&text, &["task"])?;
    if !text.contains("{task}") {
        return Err(Flaw::new(format!("has no `{{task}}`: `{text}`"))
            .hint("every task needs a branch of its own, such as \"wt/{task}\""));
    }
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let broken = text.contains(forbidden)
        || ["..", "//", "@{", "/."]
            .iter()
            .any(|bad| text.contains(bad))
        || text.starts_with(['/', '-', '.'])
        || text.ends_with(['/', '.'])
        || text
            .split('/')
            .any(|part| part.strip_suffix(".lock").is_some());
    if broken {
        return Err(Flaw::new(format!(
            "is not a branch name that git takes: `{text}`"
        )));
    }
    Ok(text)
}

/// Refuses every `{…}` that is not in `known`.
fn placeholders(text: &str, known: &[&str]) -> Result<(), Flaw> {
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let body = &rest[open..];
        let end = body.find('}').map_or(body.len(), |close| close + 1);
        let placeholder = &body[..end];
        if !known
            .iter()
            .any(|name| placeholder == format!("{{{name}}}"))
        {
            let names: Vec<_> = known.iter().map(|name| format!("`{{{name}}}`")).collect();
            return Err(
                Flaw::new(format!("holds an unknown placeholder `{placeholder}`"))
                    .hint(format!("known here: {}", names.join(", "))),
            );
        }
        rest = &body[end..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worktrees_stand_outside_of_the_repository() {
        for path in [
            "../{repo}.wt",
            "..",
            "../..",
            "../a/../b",
            "/srv/{repo}",
            "x/../../y",
            "../../{repo}",
        ] {
            assert!(worktree_path(path.into()).is_ok(), "{path}");
        }
        for path in [
            "",
            ".",
            "wt",
            "~/wt",
            "a/../b",
            "../{repo}",
            "../{repo}/x",
            "./../{repo}/",
            "../{name}",
            "../{",
            "../}",
        ] {
            assert!(worktree_path(path.into()).is_err(), "{path}");
        }
    }

    #[test]
    fn what_a_cage_opens_is_one_place() {
        for path in ["/srv/cache", "~/.npm/", "$CARGO_HOME/registry/"] {
            assert!(outer_path(path.into()).is_ok(), "{path}");
        }
        for path in [
            "", "/", "//", "~/", "~", "cache", "./x", "../x", "/a/../b", "$/x", "$HOME", "$HOME/",
            "$A-B/x", "~me/x", "/tmp/*/", "~/a?", "~/[a]/", "/./", "~/.",
        ] {
            assert!(outer_path(path.into()).is_err(), "{path}");
        }
        for path in [
            "$HOME",
            "$HOME/",
            "$CARGO_HOME",
            "$CARGO_HOME/",
            "~",
            "~/",
            "/",
        ] {
            let flaw = outer_path(path.into())
                .err()
                .map(|flaw| format!("{flaw:?}"));
            let flaw = flaw.expect("refused");
            assert!(flaw.contains("name the folder below it"), "{flaw}");
        }
    }

    #[test]
    fn branches_hold_the_task_and_are_names_to_git() {
        for name in ["wt/{task}", "{task}", "a-{task}/b"] {
            assert!(branch(name.into()).is_ok(), "{name}");
        }
        for name in [
            "",
            "wt",
            "-{task}",
            "wt/{task}.lock",
            "w t/{task}",
            "{task}/{user}",
            "a..{task}",
            "{task}@{",
        ] {
            assert!(branch(name.into()).is_err(), "{name}");
        }
    }
}
