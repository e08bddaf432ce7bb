//! A train: several tasks that land on their target with one move of it, judged once, at its end.

mod couple;
mod plan;
mod under_way;

use std::collections::BTreeMap;

use signal_hook::consts::SIGINT;

use crate::breach::Breach;
use crate::candidate::{Trespass, trespass_verdict};
use crate::disk::is_full;
use crate::error::{Code, MAKE_ROOM, Refusal, shown};
use crate::gate::Report;
use crate::process::Interrupt;
use crate::task::{State, Task};
use crate::workspace::Workspace;

use super::ready::{ready, require_unlanded};
use super::{Landed, Request, turn};

pub(crate) use plan::TrainPlan;
use under_way::Train;

/// Which tasks are to land.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// Every validated one.
    All,
    /// These, each of which must be landable.
    Named(&'a [String]),
}

/// The tasks that are to land on one target.
pub(crate) struct TrainRequest<'a> {
    pub(crate) target: &'a str,
    pub(crate) names: &'a [String],
    pub(crate) wanted: Wanted<'a>,
    /// What holds of each of them as if it landed alone.
    pub(crate) options: &'a Request<'a>,
}

/// A task that stays where it is.
#[derive(Debug, serde::Serialize)]
pub(crate) struct LeftOut {
    pub(crate) task: String,
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) next: Option<String>,
    /// The paths that it is about, if it is about paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
    #[serde(skip)]
    pub(crate) code: Code,
}

/// Something that a train came to, told as soon as it is so.
pub(crate) enum News {
    Landed(Box<Landed>),
    /// Judged and found red, or not judged to the end.
    Red {
        /// The task, or those of which the same is to be said.
        tasks: Vec<String>,
        /// Where they are now.
        state: State,
        report: Box<Report>,
        code: Code,
    },
    LeftOut(LeftOut),
    /// What would be done.
    Planned(Box<TrainPlan>),
}

impl News {
    /// What a command that came to this alone would answer.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Red { code, .. } => *code,
            Self::LeftOut(left) => left.code,
            Self::Landed(_) | Self::Planned(_) => Code::Ok,
        }
    }
}

impl LeftOut {
    /// Whoever stays behind for a refusal of its own.
    ///
    /// # Errors
    /// The error itself, where it ends everything.
    fn by(task: &str, error: anyhow::Error) -> anyhow::Result<Self> {
        let (code, next) = match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.code == Code::Interrupted => return Err(error),
            Some(refusal) => (refusal.code, refusal.hint.clone()),
            None if is_full(&error) => (Code::Refused, Some(MAKE_ROOM.to_owned())),
            None => (Code::Fault, Some("wt doctor".to_owned())),
        };
        let why = format!("{error:#}");
        // Whose it is stands before it.
        let bare = why.strip_prefix(&format!("task `{task}` "));
        Ok(Self {
            task: task.to_owned(),
            why: bare.unwrap_or(&why).to_owned(),
            next,
            paths: Vec::new(),
            code,
        })
    }

    fn breaking(task: &str, found: &[Breach]) -> Self {
        let first = found.first();
        let first =
            first.map(|b| format!("rule={:?}, {}: {}", shown(&b.rule), shown(&b.path), b.why));
        Self {
            task: task.to_owned(),
            why: format!("RULE_BROKEN {}", first.unwrap_or_default()),
            next: Some(format!(
                "in its worktree: take that back, then wt validate {task}"
            )),
            paths: found.iter().map(|breach| breach.path.clone()).collect(),
            code: Code::No,
        }
    }

    fn trespassing(task: &str, found: &[Trespass]) -> Self {
        let first = found.first();
        let standing = first.map(|t| format!("{}: {}", shown(&t.path), t.standing));
        Self {
            task: task.to_owned(),
            why: format!(
                "{} paths={}, {}",
                trespass_verdict(found),
                found.len(),
                standing.unwrap_or_default()
            ),
            next: Some(format!("wt scope check {task}")),
            paths: found.iter().map(|trespass| trespass.path.clone()).collect(),
            code: Code::No,
        }
    }
}

/// The tasks that are to land, by target.
///
/// # Errors
/// Where a named one does not exist, or, with several targets, can't land.
pub(crate) fn trains(
    ws: &Workspace,
    wanted: Wanted,
    request: &Request,
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut trains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |task: Task| {
        let names = trains.entry(task.target).or_default();
        if !names.contains(&task.name) {
            names.push(task.name);
        }
    };
    match wanted {
        Wanted::All => {
            for (name, task) in ws.store.tasks()? {
                match task {
                    Ok(task) if task.state == State::Validated => add(task),
                    Ok(_) => {}
                    Err(error) => ws.ctx.ui.warn(&format!("task `{name}`: {error:#}")),
                }
            }
        }
        Wanted::Named(names) => {
            for name in names {
                add(require_unlanded(ws, name)?);
            }
            if trains.len() > 1 {
                // What is found out too late would be found out behind another target's move.
                for name in names {
                    require_ready(ws, request, name)?;
                }
            }
        }
    }
    Ok(trains)
}

/// # Errors
/// Where the task can't land; one that another landing is at is looked at later.
fn require_ready(ws: &Workspace, request: &Request, name: &str) -> anyhow::Result<()> {
    let look = Request {
        dry_run: true,
        ..request.about(name)
    };
    match ready(ws, look) {
        Err(error)
            if error
                .downcast_ref::<Refusal>()
                .is_some_and(|refusal| refusal.code == Code::Busy) =>
        {
            Ok(())
        }
        found => found.map(|_| ()),
    }
}

/// Lands these tasks, as many as can, and tells of each what came of it.
///
/// # Errors
/// Where nothing more can be said or done; what was told holds all the same.
pub(crate) fn land_train(
    ws: &Workspace,
    request: &TrainRequest,
    tell: &mut dyn FnMut(News),
) -> anyhow::Result<()> {
    let interrupt = Interrupt::install(&[SIGINT])?;
    let landed = land_in_turn(ws, request, &interrupt, tell);
    landed.map_err(|error| {
        let intents = ws.store.intents().unwrap_or_default();
        let begun = intents
            .iter()
            .any(|entry| request.names.contains(&entry.task));
        if interrupt.raised() && !begun {
            interrupted(request)
        } else {
            error
        }
    })
}

fn land_in_turn(
    ws: &Workspace,
    request: &TrainRequest,
    interrupt: &Interrupt,
    tell: &mut dyn FnMut(News),
) -> anyhow::Result<()> {
    let patience = request.options.patience;
    let _turn = turn::wait_for(ws, request.target, request.names, patience, interrupt)?;
    Train::new(ws, request, interrupt, tell).run()
}

fn interrupted(request: &TrainRequest) -> anyhow::Error {
    let what = format!(
        "interrupted; what was not said to have landed on {} has not",
        request.target
    );
    Refusal::new(Code::Interrupted, what).into()
}
