//! What a plan must pass to be taken, and again to be approved.

use crate::error::{Refusal, counted};
use crate::git::Repo;
use crate::oid::Oid;
use crate::plan::{Flaw, Plan, Read, read};
use crate::scope::Globs;
use crate::task::{GENERATED, Task};
use crate::workspace::{Claimant, InForce, Workspace};

/// The plan in `text`, once it passes all checks.
pub(super) fn checked(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    in_force: &InForce,
    text: &str,
) -> anyhow::Result<Plan> {
    let Read { plan, lines } = match read(text, &in_force.contract.plan.hedges) {
        Ok(read) => read,
        Err(flaws) => return Err(refused(ws, &flaws).into()),
    };
    let claims = ws.claims(repo, &Claimant::from(task), in_force)?;
    let case = Workspace::case(repo)?;
    let tree = repo.read.tree_of(&repo.tip_of(task)?)?;
    let subtracted = || {
        plan.globs()
            .into_iter()
            .filter(|glob| glob.starts_with('!'))
    };
    for (glob, line) in plan.globs().into_iter().zip(lines) {
        if glob.starts_with('!') {
            continue;
        }
        let files: Vec<&str> = std::iter::once(glob).chain(subtracted()).collect();
        let files = Globs::parse(&files, case)?;
        let held = match one_file(repo, &tree, glob)? {
            _ if task.generates(glob) => Err(Refusal::refused(format!("{glob}: {GENERATED}"))
                .hint("leave it out: wt writes it anew when the rules change")),
            Some(path) => claims.require_permitted(&path),
            None => claims.require_within(&files),
        };
        if let Err(refusal) = held {
            let message = format!("line {line} of the plan: {}", refusal.message);
            let hint = refusal.hint.unwrap_or_default();
            return Err(Refusal::refused(message).hint(hint).into());
        }
    }
    Ok(plan)
}

/// The path of the one file that a glob means: as a glob it is also all that would lie beneath it, were it a folder.
fn one_file(repo: &Repo, tree: &Oid, glob: &str) -> anyhow::Result<Option<String>> {
    if glob.contains(['*', '?', '[', '{', '\\']) || glob.ends_with('/') {
        return Ok(None);
    }
    let path = Globs::normal_form(glob)?;
    let is_folder = path == "**" || repo.read.is_folder(tree, &path)?;
    Ok((!is_folder).then_some(path))
}

/// The refusal of what is no plan; where there is more than one flaw, each is said.
fn refused(ws: &Workspace, flaws: &[Flaw]) -> Refusal {
    if let [flaw] = flaws {
        return Refusal::refused(flaw.message()).hint(&flaw.hint);
    }
    for flaw in flaws {
        let refusal = Refusal::refused(flaw.message()).hint(&flaw.hint);
        ws.ctx.ui.error(&refusal.into());
    }
    let what = format!("the plan was not taken: {}", counted(flaws.len(), "flaw"));
    Refusal::refused(what).hint("mend these, and submit it again; the form: wt plan template")
}

/// The files that a plan expects to change, as a scope has them.
pub(super) fn globs_of(repo: &Repo, plan: &Plan) -> anyhow::Result<Vec<String>> {
    let globs = Globs::parse(&plan.globs(), Workspace::case(repo)?)?;
    Ok(globs.patterns().to_vec())
}
