//! The copies for reading in a worktree: rules, script, last failure, and the files by which agents find the rules.

mod hidden;

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::git::{Repo, require_folder};
use crate::hook::{Agent, WithoutWt, with_hooks};
use crate::hook_file::{HookFile, executable_for};
use crate::oid::Oid;
use crate::rules;
use crate::store::{Beneath, Store, write_atomic};
use crate::task::Task;
use crate::workspace::{InForce, Rulebook, rulebook};
use hidden::hide;

const CLAUDE: &str = ".claude/rules/wt.md";
const CODEX: &str = "AGENTS.override.md";

/// The rules of a task, rendered.
pub(crate) fn render_rules(
    repo: &Repo,
    store: &Store,
    task: &Task,
    in_force: &InForce,
) -> anyhow::Result<String> {
    let book = rulebook(&repo.read, in_force, task)?;
    with_source(store, task, in_force, &book, rules::render)
}

/// Whether what was written into the worktree is what contract and files of rules say now.
///
/// # Errors
/// As [`rulebook`].
pub(crate) fn are_current(repo: &Repo, task: &Task, in_force: &InForce) -> anyhow::Result<Current> {
    let book = rulebook(&repo.read, in_force, task)?;
    Ok(Current {
        rules: task.rules == book.hash,
        gate: task.gate == in_force.gate,
    })
}

/// What of the copies in a worktree is as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) rules: bool,
    pub(crate) gate: bool,
}

/// The layers of a task's rules that its contract and its record do not hold.
struct Later {
    plan: Option<String>,
    memory: Option<String>,
}

impl Later {
    /// As the state of the task has them.
    fn load(store: &Store, task: &Task) -> anyhow::Result<Self> {
        let memory = store.task_dir(&task.name).join("memory.md");
        let memory = match fs::read_to_string(&memory) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", memory.display()));
            }
        };
        let plan = task.plan.as_ref();
        let plan = plan.map(|plan| store.plan_text(&task.name, &plan.hash));
        Ok(Self {
            plan: plan.transpose()?.flatten(),
            memory,
        })
    }
}

/// Calls `use_source` with what the rules of a task are made from.
pub(crate) fn with_source<T>(
    store: &Store,
    task: &Task,
    in_force: &InForce,
    book: &Rulebook,
    use_source: impl FnOnce(&rules::Source) -> T,
) -> anyhow::Result<T> {
    let contract = &in_force.contract;
    let later = Later::load(store, task)?;
    let steps: Vec<rules::Step> = contract
        .gate
        .iter()
        .map(|step| rules::Step {
            name: &step.name,
            token: step.kind.token(),
            run: &step.run,
            when: step.when.as_deref(),
        })
        .collect();
    Ok(use_source(&rules::Source {
        task: &task.name,
        branch: &task.branch,
        target: &task.target,
        contract: in_force.written_in,
        constraints: &book.constraints,
        edits: &book.edits,
        owns: &task.owns,
        sparse: task.folders.is_some(),
        shared: &contract.scope.shared,
        steps: &steps,
        brief: task.brief.as_deref(),
        planned: task.planned_files(),
        plan: later.plan.as_deref(),
        memory: later.memory.as_deref(),
    }))
}

/// Pins rules and script in the state and writes their copies into the worktree, as [`place`] does.
pub(crate) fn write(
    repo: &Repo,
    store: &Store,
    task: &mut Task,
    in_force: &InForce,
) -> anyhow::Result<Vec<String>> {
    let pinned = pin(repo, store, task, in_force)?;
    place(repo, store, task, in_force, &pinned)
}

/// Rules and script as the state has them.
pub(crate) struct Pinned {
    rules: String,
    script: String,
    /// Identity of the rules.
    hash: String,
}

/// Writes rules and script into the state.
pub(crate) fn pin(
    repo: &Repo,
    store: &Store,
    task: &Task,
    in_force: &InForce,
) -> anyhow::Result<Pinned> {
    require_folder(task)?;
    let book = rulebook(&repo.read, in_force, task)?;
    let rules = with_source(store, task, in_force, &book, rules::render)?;
    let script = with_source(store, task, in_force, &book, |source| {
        rules::validate_script(source.steps)
    })?;
    let state = store.task_dir(&task.name);
    write_atomic(&state.join("rules.md"), rules.as_bytes())?;
    write_atomic(&state.join("validate.sh"), script.as_bytes())?;
    Ok(Pinned {
        rules,
        script,
        hash: book.hash,
    })
}

/// Notes in a new task's record what [`place`] will have written into its worktree, as far as the tree tells.
pub(crate) fn foresee(
    repo: &Repo,
    task: &mut Task,
    in_force: &InForce,
    pinned: &Pinned,
) -> anyhow::Result<()> {
    let tree = repo.read.tree_of(&task.base)?;
    let settings = Agent::find("claude").context("the table holds it")?;
    let agents = in_force.contract.agents.values();
    let files = [CLAUDE, CODEX]
        .into_iter()
        .chain(agents.map(|agent| agent.rules.as_str()))
        .chain([settings.project_settings]);
    for path in files {
        if repo.read.file(&tree, path)?.is_none() && !task.generated.iter().any(|p| p == path) {
            task.generated.push(path.to_owned());
        }
    }
    note_in_force(task, in_force, pinned);
    Ok(())
}

fn note_in_force(task: &mut Task, in_force: &InForce, pinned: &Pinned) {
    task.rules.clone_from(&pinned.hash);
    task.gate.clone_from(&in_force.gate);
}

/// Writes what was pinned into the worktree. Answers the files of the operator's own that stand in the way of an
/// agent's rules file, which are left alone.
pub(crate) fn place(
    repo: &Repo,
    store: &Store,
    task: &mut Task,
    in_force: &InForce,
    pinned: &Pinned,
) -> anyhow::Result<Vec<String>> {
    let text = &pinned.rules;
    let worktree = Beneath::open(&task.worktree)?;
    worktree.write(".wt/.gitignore", b"*\n", 0o644)?;
    worktree.write(".wt/RULES.md", text.as_bytes(), 0o644)?;
    worktree.write(".wt/validate.sh", pinned.script.as_bytes(), 0o755)?;
    let left_alone = write_agent_files(repo, store, &worktree, task, in_force, text)?;
    note_in_force(task, in_force, pinned);
    Ok(left_alone)
}

fn write_agent_files(
    repo: &Repo,
    store: &Store,
    worktree: &Beneath,
    task: &mut Task,
    in_force: &InForce,
    text: &str,
) -> anyhow::Result<Vec<String>> {
    let tree = repo.read.tree_of(&task.base)?;
    let tracked = repo.read.file(&tree, "AGENTS.md")?;
    let tracked = tracked.as_deref().map(String::from_utf8_lossy);
    let mut files = vec![
        (CLAUDE.to_owned(), rules::claude_rules(text)),
        (
            CODEX.to_owned(),
            rules::codex_override(text, tracked.as_deref()),
        ),
    ];
    files.extend(
        in_force
            .contract
            .agents
            .values()
            .map(|agent| (agent.rules.clone(), text.to_owned())),
    );
    let mut left_alone = Vec::new();
    for (path, content) in files {
        let ours = task.generated.contains(&path);
        if !ours && (worktree.exists(&path) || repo.read.file(&tree, &path)?.is_some()) {
            left_alone.push(path);
            continue;
        }
        worktree.write(&path, content.as_bytes(), 0o644)?;
        if !ours {
            task.generated.push(path);
        }
    }
    left_alone.extend(write_hooks(repo, worktree, task, &tree)?);
    hide(repo, store, &task.generated)?;
    Ok(left_alone)
}

/// Writes the settings by which Claude Code asks `wt` when it is started in the worktree by hand: begun from the main
/// checkout's own, which it does not read there. Answers the file's path where it is not `wt`'s and is left alone.
fn write_hooks(
    repo: &Repo,
    worktree: &Beneath,
    task: &mut Task,
    tree: &Oid,
) -> anyhow::Result<Option<String>> {
    const MOST: u64 = 1 << 20;
    let claude = Agent::find("claude").context("the table holds it")?;
    let path = claude.project_settings.to_owned();
    let ours = task.generated.contains(&path);
    if !ours && (worktree.exists(&path) || repo.read.file(tree, &path)?.is_some()) {
        return Ok(Some(path));
    }
    // What a person allowed in this worktree since is kept.
    let here = worktree
        .read(&path, MOST)?
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let begun = || {
        let main = repo.main_checkout()?.join(&path);
        Some(HookFile::load(&main).ok()?.settings)
    };
    let settings = here.or_else(begun).unwrap_or_default();
    let wt = executable_for(task)?;
    // Where hooks are set in a form that Claude Code itself does not read, `wt`'s stand alone.
    let merged = with_hooks(claude, &settings, &wt, WithoutWt::Denied)
        .or_else(|_| with_hooks(claude, &serde_json::Map::new(), &wt, WithoutWt::Denied))
        .map_err(anyhow::Error::msg)?;
    let mut bytes = serde_json::to_vec_pretty(&merged)?;
    bytes.push(b'\n');
    worktree.write(&path, &bytes, 0o644)?;
    if !ours {
        task.generated.push(path);
    }
    Ok(None)
}

/// Puts the last verdict where the agent reads it, with the whole log of the step that failed.
pub(crate) fn write_last(
    task: &Task,
    verdict: &str,
    log: Option<(&Path, &str)>,
) -> anyhow::Result<()> {
    require_folder(task)?;
    let worktree = Beneath::open(&task.worktree)?;
    worktree.write(".wt/.gitignore", b"*\n", 0o644)?;
    if let Some((path, name)) = log {
        let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        worktree.write(&format!(".wt/last/{name}"), &bytes, 0o644)?;
    }
    worktree.write(".wt/last/verdict.txt", verdict.as_bytes(), 0o644)
}
