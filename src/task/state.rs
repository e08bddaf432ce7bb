//! Where a task stands, and the one table that says what follows what.

use serde::{Deserialize, Serialize};

/// How many counted runs of the gate a task has: one, and once more.
pub(crate) const BUDGET: u32 = 2;
/// How many runs that changed their own tree count as one attempt.
pub(crate) const UNSTABLE_RUNS: u32 = 3;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Recorded with its claim; nothing else of it is made before the tasks that it follows have landed.
    Waiting,
    /// A plan is being made; nothing else may be written before it is approved.
    Planning,
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
            State::Planning => "planning",
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
    /// As [`Self::Started`], with a plan to be made first.
    PlanWanted,
    /// A plan was approved.
    Planned,
    /// The gate passed on a snapshot.
    Passed,
    /// A counted run of the gate failed.
    Failed,
    /// A run changed its own tree: it says nothing of the work, one way or the other.
    Unstable,
    /// What would have landed was red: no attempt is counted, the task goes on.
    CombinationRed,
    /// A rule's own check did not end well: no attempt is counted.
    RuleBroken,
    /// The target itself is red: it says nothing of the work.
    TargetRed,
    /// A person gave the budget back.
    Resumed,
    /// The target moved to the task's candidate.
    Landed,
}

/// The transition table: the state and the number of spent attempts that follow, or `None` where
/// `happening` can't happen to a task in `state`.
pub(super) fn next(state: State, attempts: u32, happening: Happening) -> Option<(State, u32)> {
    use Happening as H;
    use State as S;
    match (state, happening) {
        (S::Waiting, H::PlanWanted) => Some((S::Planning, 0)),
        (S::Waiting, H::Started) | (S::Planning, H::Planned) => Some((S::Working, 0)),
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
        (S::Working | S::Failed, H::Unstable | H::RuleBroken) => Some((state, attempts)),
        (S::Validated, H::Unstable | H::RuleBroken) => Some((S::Working, attempts)),
        (S::Working | S::Validated, H::CombinationRed) => Some((S::Working, 0)),
        (S::Working | S::Failed | S::Validated, H::TargetRed) => Some((state, attempts)),
        (S::Failed | S::Stopped, H::Resumed) => Some((S::Working, 0)),
        (S::Validated, H::Landed) => Some((S::Landed, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 7] = [
        State::Waiting,
        State::Planning,
        State::Working,
        State::Failed,
        State::Stopped,
        State::Validated,
        State::Landed,
    ];
    const HAPPENINGS: [Happening; 11] = [
        Happening::Started,
        Happening::PlanWanted,
        Happening::Planned,
        Happening::Passed,
        Happening::Failed,
        Happening::Unstable,
        Happening::CombinationRed,
        Happening::RuleBroken,
        Happening::TargetRed,
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
        waiting --PlanWanted--> planning 0
        planning --Planned--> working 0
        working --Passed--> validated 0
        working --Failed--> failed 1
        working --Unstable--> working 0
        working --CombinationRed--> working 0
        working --RuleBroken--> working 0
        working --TargetRed--> working 0
        failed --Passed--> validated 0
        failed --Failed--> stopped 2
        failed --Unstable--> failed 1
        failed --RuleBroken--> failed 1
        failed --TargetRed--> failed 1
        failed --Resumed--> working 0
        stopped --Resumed--> working 0
        validated --Passed--> validated 0
        validated --Failed--> failed 1
        validated --Unstable--> working 0
        validated --CombinationRed--> working 0
        validated --RuleBroken--> working 0
        validated --TargetRed--> validated 0
        validated --Landed--> landed 0
        ");
    }

    proptest! {
        #[test]
        fn no_walk_fails_a_third_time_without_a_person(walk in proptest::collection::vec(0usize..11, 0..60)) {
            let (mut state, mut attempts, mut failures) = (State::Working, 0, 0);
            for step in walk {
                let Some((to, spent)) = next(state, attempts, HAPPENINGS[step]) else { continue };
                match HAPPENINGS[step] {
                    Happening::Failed => failures += 1,
                    Happening::Unstable | Happening::RuleBroken | Happening::TargetRed => {}
                    _ => failures = 0,
                }
                prop_assert!(failures <= BUDGET);
                prop_assert!(spent <= BUDGET);
                prop_assert_eq!(to == State::Stopped, spent == BUDGET);
                (state, attempts) = (to, spent);
            }
        }
    }
}
