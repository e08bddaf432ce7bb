//! A task's record, its states, and the one table that says which state follows which.

mod line;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Refusal, nearest};
use crate::oid::Oid;
pub(crate) use line::Line;

/// How many counted runs of the gate a task has: one, and once more.
pub(crate) const BUDGET: u32 = 2;
/// How many runs that changed their own tree count as one attempt.
pub(crate) const UNSTABLE_RUNS: u32 = 3;
const NAME_BYTES: usize = 100;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Recorded with its claim; nothing else of it is made before the tasks that it follows have landed.
    Waiting,
    /// The agent is at work; nothing was judged since the last change that matters.
    Working,
    /// One attempt failed; one retry is left.
    Failed,
    /// The budget is spent; a person decides.
    Stopped,
    /// The last snapshot that was judged passed.
    Validated,
    /// The work is on the target.
    Landed,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Working => "working",
            State::Failed => "failed",
            State::Stopped => "stopped",
            State::Validated => "validated",
            State::Landed => "landed",
        }
    }
}

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// What it waited for has landed, and branch and worktree are made.
    Started,
    /// The gate passed on a snapshot.
    Passed,
    /// A counted run of the gate failed.
    Failed,
    /// A run changed its own tree: it says nothing of the work, one way or the other.
    Unstable,
    /// What would have landed was red: no attempt is counted, the task goes on.
    CombinationRed,
    /// A person gave the budget back.
    Resumed,
    /// The target moved to the task's candidate.
    Landed,
}

/// The transition table: the state and the number of spent attempts that follow, or `None` where
/// `happening` can't happen to a task in `state`.
pub(crate) fn next(state: State, attempts: u32, happening: Happening) -> Option<(State, u32)> {
    use Happening as H;
    use State as S;
    match (state, happening) {
        (S::Waiting, H::Started) => Some((S::Working, 0)),
        (S::Working | S::Failed | S::Validated, H::Passed) => Some((S::Validated, 0)),
        (S::Working | S::Failed | S::Validated, H::Failed) => {
            let spent = attempts + 1;
            Some((
                if spent >= BUDGET {
                    S::Stopped
                } else {
                    S::Failed
                },
                spent,
            ))
        }
        (S::Working | S::Failed, H::Unstable) => Some((state, attempts)),
        (S::Validated, H::Unstable) => Some((S::Working, attempts)),
        (S::Working | S::Validated, H::CombinationRed) => Some((S::Working, 0)),
        (S::Failed | S::Stopped, H::Resumed) => Some((S::Working, 0)),
        (S::Validated, H::Landed) => Some((S::Landed, 0)),
        _ => None,
    }
}

/// A commit and its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pinned {
    pub(crate) commit: Oid,
    pub(crate) tree: Oid,
}

/// What the operator's surroundings were at spawn; every judging of the task uses these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Captured {
    /// Absolute path of the `git` program.
    pub(crate) git: PathBuf,
    /// `PATH`, `HOME`, `LANG` and the passed variables.
    pub(crate) variables: BTreeMap<String, String>,
}

/// The root folder of a worktree as it was made: who replaces it is found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// The proof that the task's snapshot passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validated {
    pub(crate) snapshot: Pinned,
    /// The commit of the target that the snapshot was combined with.
    pub(crate) target: Oid,
    /// Key of the receipt of the combination's tree.
    pub(crate) receipt: String,
}

/// The candidate that failed last; the same one is not judged twice by the same gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejected {
    pub(crate) candidate: Oid,
    /// Hash of the gate that it failed under.
    pub(crate) gate: String,
    pub(crate) run: u32,
}

/// How and where the task's work reached the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Landing {
    pub(crate) commit: Oid,
    /// The tip of the task's branch that was landed.
    pub(crate) tip: Oid,
    pub(crate) receipt: String,
    pub(crate) at: Timestamp,
}

/// The record of one task, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) state: State,
    /// Counted runs of the gate since the last pass or resume.
    pub(crate) attempts: u32,
    /// Runs in a row that changed their own tree.
    pub(crate) unstable: u32,
    /// Short name of the branch that the task lands on.
    pub(crate) target: String,
    /// Short name of the task's own branch.
    pub(crate) branch: String,
    pub(crate) base: Oid,
    pub(crate) created: Timestamp,
    pub(crate) worktree: PathBuf,
    pub(crate) folder: FolderId,
    /// Name of the worktree's folder under `<common git dir>/worktrees/`.
    pub(crate) admin: String,
    pub(crate) brief: Option<String>,
    pub(crate) owns: Vec<String>,
    /// The tasks that must have landed before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<String>,
    pub(crate) environment: Captured,
    /// Hash of the sparse-checkout patterns that the worktree was made with, if any.
    pub(crate) sparse: Option<String>,
    /// Generated files, relative to the worktree, that `wt` may replace.
    pub(crate) generated: Vec<String>,
    /// Hash of the rules whose copies lie in the worktree.
    pub(crate) rules: String,
    /// Hash of the gate that the task was last judged or told by.
    pub(crate) gate: String,
    /// How many runs of the gate were begun, counted or not; also the number of the last one.
    pub(crate) runs: u32,
    /// The run that a judge is at work on.
    pub(crate) judging: Option<u32>,
    pub(crate) validated: Option<Validated>,
    pub(crate) rejected: Option<Rejected>,
    pub(crate) landing: Option<Landing>,
}

impl Task {
    /// Full name of the task's branch.
    pub(crate) fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// Full name of the branch that the task lands on.
    pub(crate) fn target_ref(&self) -> String {
        format!("refs/heads/{}", self.target)
    }

    /// Whether anything of it is made besides its record.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Moves the task to the state that follows, by the table.
    ///
    /// # Errors
    /// A refusal that names the state, where the table knows no such step.
    pub(crate) fn advance(&mut self, happening: Happening) -> Result<(), Refusal> {
        let (state, attempts) = next(self.state, self.attempts, happening).ok_or_else(|| {
            Refusal::refused(format!("task `{}` is {}", self.name, self.state.word()))
                .hint(format!("see: wt show {}", self.name))
        })?;
        self.state = state;
        self.attempts = attempts;
        Ok(())
    }
}

/// What `wt validate` does with a candidate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// A receipt of this snapshot is known: answer it.
    Answer,
    /// This candidate failed this gate already: show that failure again.
    Repeat { run: u32 },
    /// One attempt failed and no cause is stated: refuse.
    NeedsCause,
    /// The budget is spent: only a person goes on.
    Stopped,
    /// Run the gate.
    Judge,
}

/// What is known when the course is chosen.
pub(crate) struct Situation<'a> {
    pub(crate) candidate: &'a Oid,
    /// Hash of the gate in force.
    pub(crate) gate: &'a str,
    pub(crate) receipt_known: bool,
    pub(crate) cause: Option<&'a str>,
}

/// The one place that decides whether the gate may run.
pub(crate) fn course(task: &Task, situation: &Situation) -> Course {
    if task.state == State::Stopped {
        return Course::Stopped;
    }
    if situation.receipt_known {
        return Course::Answer;
    }
    match &task.rejected {
        Some(rejected)
            if rejected.candidate == *situation.candidate && rejected.gate == situation.gate =>
        {
            Course::Repeat { run: rejected.run }
        }
        _ if task.state == State::Failed && situation.cause.is_none_or(|c| c.trim().is_empty()) => {
            Course::NeedsCause
        }
        _ => Course::Judge,
    }
}

/// Checks a task's name: one folder, one branch component, one word on a command line.
///
/// # Errors
/// A refusal with the rule that the name breaks, and a name that would do.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let problem = if name.is_empty() {
        "is empty"
    } else if name.len() > NAME_BYTES {
        "is longer than 100 bytes"
    } else if !name
        .chars()
        .all(|c| c.is_alphanumeric() || "-_.".contains(c))
    {
        "may hold letters, digits, `-`, `_` and `.` only"
    } else if name.starts_with(['-', '_', '.']) {
        "must begin with a letter or a digit"
    } else if name.contains("..") || name.ends_with('.') || name.to_lowercase().ends_with(".lock") {
        "is no valid name for a branch"
    } else {
        return Ok(());
    };
    let refusal = Refusal::refused(format!("task name {name:?} {problem}"));
    Err(match suggest_name(name) {
        Some(better) => refusal.hint(format!("a name that would do: {better}")),
        None => refusal.hint("use a name such as: feature-auth"),
    })
}

fn suggest_name(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let mut better: String = words.join("-").chars().take(40).collect();
    better = better.trim_matches(['-', '_']).to_owned();
    (!better.is_empty() && check_name(&better).is_ok()).then_some(better)
}

/// The refusal for a task that does not exist, with the nearest one that does.
pub(crate) fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Refusal {
    let refusal = Refusal::refused(format!("there is no task {name:?}"));
    match nearest(name, known) {
        Some(near) => refusal.hint(format!("did you mean `{near}`? (all: wt list)")),
        None => refusal.hint("see the live tasks: wt list"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 6] = [
        State::Waiting,
        State::Working,
        State::Failed,
        State::Stopped,
        State::Validated,
        State::Landed,
    ];
    const HAPPENINGS: [Happening; 7] = [
        Happening::Started,
        Happening::Passed,
        Happening::Failed,
        Happening::Unstable,
        Happening::CombinationRed,
        Happening::Resumed,
        Happening::Landed,
    ];

    #[test]
    fn the_table_is_the_design() {
        let table: Vec<String> = STATES
            .iter()
            .flat_map(|s| HAPPENINGS.iter().map(move |h| (*s, *h)))
            .filter_map(|(s, h)| {
                let attempts = u32::from(s == State::Failed) + 2 * u32::from(s == State::Stopped);
                let (to, spent) = next(s, attempts, h)?;
                Some(format!("{} --{h:?}--> {} {spent}", s.word(), to.word()))
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        waiting --Started--> working 0
        working --Passed--> validated 0
        working --Failed--> failed 1
        working --Unstable--> working 0
        working --CombinationRed--> working 0
        failed --Passed--> validated 0
        failed --Failed--> stopped 2
        failed --Unstable--> failed 1
        failed --Resumed--> working 0
        stopped --Resumed--> working 0
        validated --Passed--> validated 0
        validated --Failed--> failed 1
        validated --Unstable--> working 0
        validated --CombinationRed--> working 0
        validated --Landed--> landed 0
        ");
    }

    proptest! {
        #[test]
        fn no_walk_fails_a_third_time_without_a_person(walk in proptest::collection::vec(0usize..7, 0..60)) {
            let (mut state, mut attempts, mut failures) = (State::Working, 0, 0);
            for step in walk {
                let Some((to, spent)) = next(state, attempts, HAPPENINGS[step]) else { continue };
                match HAPPENINGS[step] {
                    Happening::Failed => failures += 1,
                    Happening::Unstable => {}
                    _ => failures = 0,
                }
                prop_assert!(failures <= BUDGET);
                prop_assert!(spent <= BUDGET);
                prop_assert_eq!(to == State::Stopped, spent == BUDGET);
                (state, attempts) = (to, spent);
            }
        }

        #[test]
        fn an_accepted_name_is_a_safe_folder_and_ref(name in "\\PC{0,20}") {
            if check_name(&name).is_ok() {
                let unsafe_in_refs = name.contains(['/', '\\', ' ', '~', '^', ':', '?', '*', '[', '@', '{']);
                prop_assert!(!unsafe_in_refs);
                prop_assert!(!name.starts_with('-') && !name.starts_with('_') && !name.starts_with('.'));
                prop_assert!(!name.contains("..") && !name.to_lowercase().ends_with(".lock"));
            }
        }
    }

    #[test]
    fn a_refused_name_comes_with_one_that_would_do() {
        for (given, better) in [
            ("feature/auth", "feature-auth"),
            ("my task", "my-task"),
            ("-x", "x"),
            ("a..b", "a-b"),
            ("x.lock", "x-lock"),
        ] {
            let refusal = check_name(given).expect_err("refused");
            assert_eq!(
                refusal.hint.as_deref(),
                Some(format!("a name that would do: {better}").as_str())
            );
        }
        assert!(check_name("größe-2.1").is_ok());
        assert!(check_name("\n").is_err());
    }
}
