//! From the text of `wt.toml` to a contract: every key, its default and its place in an error.

mod rules;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use super::quantity::{parse_duration, parse_reserve, parse_size};
use super::read::{Field, Flaw, Section, Source};
use super::{
    Agent, Approve, CagePolicy, Confine, Contract, Disk, Env, Judge, Kind, Land, MOST_SPARES,
    Memory, PlanPolicy, Ports, ScopePolicy, Step, Strategy, Timeout, WarmCopy, Worktree, check,
    inputs, memory,
};
use crate::error::{Refusal, nearest};
use rules::rules;
use schema::{SECTIONS, require_schema, section_of};

/// How many ports one task may have.
const MOST_PORTS: u8 = 50;
const KINDS: [Kind; 4] = [Kind::Test, Kind::Build, Kind::Lint, Kind::Check];
const CONFINE: [Confine; 3] = [Confine::Auto, Confine::Require, Confine::Off];
const APPROVE: [Approve; 2] = [Approve::Operator, Approve::Auto];
const WARM_COPY: [WarmCopy; 2] = [WarmCopy::Copy, WarmCopy::Skip];
const STRATEGIES: [Strategy; 3] = [Strategy::Merge, Strategy::Squash, Strategy::Rebase];

impl Contract {
    /// Reads the text of the contract file that errors call `file`. What it does not say is as in
    /// `detected`, key by key; a `[[gate]]` replaces the detected gate as a whole.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line, key and, where one is near, the key that was meant.
    pub(crate) fn parse(text: &str, file: &str, detected: Contract) -> Result<Contract, Refusal> {
        let source = Source { file, text };
        let table = source.load_table()?;
        let root = Section::root(&source, &table);
        root.require_known(&SECTIONS, section_of)?;
        let rules = merge(&root, "rules", detected.rules, rules)?;
        let gate = rules.before(gate(&root, detected.gate)?);
        Ok(Contract {
            rules,
            gate,
            judge: merge(&root, "judge", detected.judge, judge)?,
            env: merge(&root, "env", detected.env, env)?,
            worktree: merge(&root, "worktree", detected.worktree, worktree)?,
            scope: merge(&root, "scope", detected.scope, scope)?,
            plan: merge(&root, "plan", detected.plan, plan)?,
            cage: merge(&root, "cage", detected.cage, cage)?,
            ports: merge(&root, "ports", detected.ports, ports)?,
            land: merge(&root, "land", detected.land, land)?,
            disk: merge(&root, "disk", detected.disk, disk)?,
            memory: merge(&root, "memory", detected.memory, memory)?,
            agents: agents(&root, detected.agents)?,
        })
    }
}

fn merge<T>(
    root: &Section<'_>,
    name: &str,
    default: T,
    read: impl FnOnce(&Section<'_>, T) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    match root.find_section(name)? {
        Some(section) => {
            require_schema(&section, name)?;
            read(&section, default)
        }
        None => Ok(default),
    }
}

fn gate(root: &Section<'_>, default: Vec<Step>) -> Result<Vec<Step>, Refusal> {
    let Some(sections) = root.find_sections("gate")? else {
        return Ok(default);
    };
    let mut names = BTreeSet::new();
    sections
        .iter()
        .map(|section| step(section, &mut names))
        .collect()
}

fn step(section: &Section<'_>, names: &mut BTreeSet<String>) -> Result<Step, Refusal> {
    require_schema(section, "gate")?;
    let name = section.require_string("name")?.read(|name| {
        let name = check::file_name(name)?;
        // The name names the step's log, also where case is folded.
        if names.insert(name.to_ascii_lowercase()) {
            Ok(name)
        } else {
            Err(Flaw::new(format!(
                "is already the name of another step: `{name}`"
            )))
        }
    })?;
    let timeout = value(section, "timeout", |text| parse_duration(&text))?;
    let when = list(section, "when", check::glob)?;
    if when
        .as_ref()
        .is_some_and(|globs| globs.iter().all(|glob| glob.starts_with('!')))
    {
        let flaw = Flaw::new("names nothing: the step would never run");
        return Err(section.refusal("when", flaw.hint("leave it out to run the step always")));
    }
    Ok(Step {
        name,
        kind: section
            .require_string("kind")?
            .read(|kind| choice(&kind, &KINDS, Kind::word))?,
        run: section.require_string("run")?.read(check::filled)?,
        when,
        timeout: timeout.and_then(Timeout::from_seconds).unwrap_or_default(),
        allow_empty: section.find_flag("allow_empty")?.unwrap_or(false),
        rule: None,
    })
}

fn judge(section: &Section<'_>, default: Judge) -> Result<Judge, Refusal> {
    let slots = section.find_integer("slots")?.map(|slots| {
        slots.read(|slots| match usize::try_from(slots) {
            Ok(slots) if slots > 0 => Ok(slots),
            _ => Err(Flaw::new(format!("must be 1 or more, not {slots}"))),
        })
    });
    Ok(Judge {
        slots: slots.transpose()?.unwrap_or(default.slots),
        inputs: list(section, "inputs", inputs::check_input)?
            .map_or(default.inputs, inputs::with_always),
        max_file: value(section, "max_file", |text| parse_size(&text))?.unwrap_or(default.max_file),
        writable: list(section, "writable", check::outer_path)?.unwrap_or(default.writable),
        confine: value(section, "confine", |word| {
            choice(&word, &CONFINE, Confine::word)
        })?
        .unwrap_or(default.confine),
    })
}

fn env(section: &Section<'_>, default: Env) -> Result<Env, Refusal> {
    Ok(Env {
        pass: list(section, "pass", check::variable)?.unwrap_or(default.pass),
        fingerprint: list(section, "fingerprint", check::filled)?.unwrap_or(default.fingerprint),
    })
}

fn worktree(section: &Section<'_>, default: Worktree) -> Result<Worktree, Refusal> {
    let setup = list(section, "setup", check::filled)?;
    // Detected inputs and doors belong to the detected set-up: another one may depend on anything.
    let (default_inputs, default_writable) = match &setup {
        Some(_) => (None, Vec::new()),
        None => (default.setup_inputs, default.setup_writable),
    };
    let spare = section.find_integer("spare")?.map(|spare| {
        spare.read(|spare| match usize::try_from(spare) {
            Ok(spare) if spare <= MOST_SPARES => Ok(spare),
            _ => Err(Flaw::new(format!(
                "must be from 0 to {MOST_SPARES}, not {spare}"
            ))),
        })
    });
    Ok(Worktree {
        path: value(section, "path", check::worktree_path)?.unwrap_or(default.path),
        branch: value(section, "branch", check::branch)?.unwrap_or(default.branch),
        setup: setup.unwrap_or(default.setup),
        setup_inputs: list(section, "setup_inputs", check::glob)?.or(default_inputs),
        setup_writable: list(section, "setup_writable", check::outer_path)?
            .unwrap_or(default_writable),
        carry: list(section, "carry", check::inner_path)?.unwrap_or(default.carry),
        warm: list(section, "warm", check::warm_folder)?
            .map_or(default.warm, |folders| check::outermost(&folders)),
        warm_copy: value(section, "warm_copy", |word| {
            choice(&word, &WARM_COPY, WarmCopy::word)
        })?
        .or(default.warm_copy),
        sparse_always: list(section, "sparse_always", check::plain_path)?
            .unwrap_or(default.sparse_always),
        spare: spare.transpose()?.unwrap_or(default.spare),
    })
}

fn scope(section: &Section<'_>, default: ScopePolicy) -> Result<ScopePolicy, Refusal> {
    Ok(ScopePolicy {
        required: section.find_flag("required")?.unwrap_or(default.required),
        shared: list(section, "shared", check::glob)?.unwrap_or(default.shared),
    })
}

fn plan(section: &Section<'_>, default: PlanPolicy) -> Result<PlanPolicy, Refusal> {
    let approve = value(section, "approve", |word| {
        choice(&word, &APPROVE, Approve::word)
    })?;
    Ok(PlanPolicy {
        required: section.find_flag("required")?.unwrap_or(default.required),
        approve: approve.unwrap_or(default.approve),
        hedges: list(section, "hedges", check::filled)?.unwrap_or(default.hedges),
    })
}

fn cage(section: &Section<'_>, default: CagePolicy) -> Result<CagePolicy, Refusal> {
    Ok(CagePolicy {
        writable: list(section, "writable", check::outer_path)?.unwrap_or(default.writable),
        require: section.find_flag("require")?.unwrap_or(default.require),
        agent: value(section, "agent", check::filled)?.or(default.agent),
    })
}

fn ports(section: &Section<'_>, default: Ports) -> Result<Ports, Refusal> {
    let count = section.find_integer("count")?.map(|count| {
        count.read(|count| match u8::try_from(count) {
            Ok(count) if count <= MOST_PORTS => Ok(count),
            _ => Err(Flaw::new(format!(
                "must be from 0 to {MOST_PORTS}, not {count}"
            ))),
        })
    });
    let from = section.find_integer("from")?.map(|from| {
        from.read(|from| match u16::try_from(from) {
            Ok(from) if (1024..=65_000).contains(&from) => Ok(from),
            _ => Err(Flaw::new(format!("must be from 1024 to 65000, not {from}"))),
        })
    });
    Ok(Ports {
        count: count.transpose()?.unwrap_or(default.count),
        from: from.transpose()?.or(default.from),
    })
}

fn land(section: &Section<'_>, default: Land) -> Result<Land, Refusal> {
    let strategy = value(section, "strategy", |word| {
        choice(&word, &STRATEGIES, Strategy::word)
    })?;
    Ok(Land {
        strategy: strategy.unwrap_or(default.strategy),
        keep: section.find_flag("keep")?.unwrap_or(default.keep),
        each: section.find_flag("each")?.unwrap_or(default.each),
    })
}

fn disk(section: &Section<'_>, default: Disk) -> Result<Disk, Refusal> {
    let budget = value(section, "budget", |text| parse_size(&text))?;
    let reserve = value(section, "reserve", |text| parse_reserve(&text))?;
    Ok(Disk {
        budget: budget.or(default.budget),
        reserve: reserve.unwrap_or(default.reserve),
    })
}

fn memory(section: &Section<'_>, default: Memory) -> Result<Memory, Refusal> {
    let budget = section.find_integer("budget")?.map(|budget| {
        budget.read(|budget| match usize::try_from(budget) {
            Ok(budget) if budget <= memory::MOST => Ok(budget),
            _ => Err(Flaw::new(format!(
                "must be from 0 to {} tokens, not {budget}",
                memory::MOST
            ))),
        })
    });
    Ok(Memory {
        in_history: section
            .find_flag("in_history")?
            .unwrap_or(default.in_history),
        budget: budget.transpose()?.unwrap_or(default.budget),
    })
}

fn agents(
    root: &Section<'_>,
    default: BTreeMap<String, Agent>,
) -> Result<BTreeMap<String, Agent>, Refusal> {
    let Some(section) = root.find_section("agents")? else {
        return Ok(default);
    };
    let mut agents = default;
    for (name, section) in section.children()? {
        section.require_known(&["rules"], section_of)?;
        let rules = section.require_string("rules")?.read(check::inner_path)?;
        agents.insert(name.read(check::file_name)?, Agent { rules });
    }
    Ok(agents)
}

fn value<T>(
    section: &Section<'_>,
    key: &str,
    mean: impl FnOnce(String) -> Result<T, Flaw>,
) -> Result<Option<T>, Refusal> {
    let field = section.find_string(key)?;
    field.map(|field| field.read(mean)).transpose()
}

fn list(
    section: &Section<'_>,
    key: &str,
    mean: impl Fn(String) -> Result<String, Flaw>,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(fields) = section.find_strings(key)? else {
        return Ok(None);
    };
    let values = fields
        .into_iter()
        .map(|field: Field<'_, String>| field.read(&mean));
    values.collect::<Result<_, _>>().map(Some)
}

/// The one of `all` that is written as `word`.
fn choice<T: Copy>(word: &str, all: &[T], written: impl Fn(T) -> &'static str) -> Result<T, Flaw> {
    let words: Vec<_> = all.iter().map(|one| written(*one)).collect();
    let found = all.iter().find(|one| written(**one) == word);
    found.copied().ok_or_else(|| {
        Flaw::new(format!("must be one of {}, not `{word}`", words.join(", "))).hint(match nearest(
            word,
            words.iter().copied(),
        ) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", words.join(", ")),
        })
    })
}

#[cfg(test)]
mod tests;
