//! What became of a target, commit by commit: what `wt` landed there, and what came past it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::git::Step;
use crate::judge::find_receipt;
use crate::oid::Oid;
use crate::store::Event;
use crate::task::{Landing, Task};
use crate::workspace::Workspace;

use super::message::{TRAILER_RECEIPT, TRAILER_TASK};

/// Among how many commits of a target a landing is looked for.
const LOOKED_AT: usize = 1_000;

/// One commit on the target, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TargetCommit {
    pub(crate) commit: Oid,
    pub(crate) time: Option<Timestamp>,
    pub(crate) author: String,
    pub(crate) subject: String,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// How a commit came to the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "standing")]
pub(crate) enum Standing {
    /// `wt` landed it, and the receipt is of its very tree.
    Landed { task: String, receipt: String },
    /// `wt` landed it in one move with the commits above it; the receipt is of the last one's tree.
    JudgedTogether {
        task: String,
        receipt: String,
        with: Oid,
    },
    /// `wt` landed it in one move with others; the last of them, of whose tree the receipt is, is not here any more.
    JudgedWithAbsent { task: String, receipt: String },
    /// One of several commits of a landing by rebase, of which the last one was judged.
    PartOfLanding { landing: Oid },
    /// Someone committed it past `wt`.
    NoReceipt,
    /// It says that it has this receipt, which is of another tree.
    ForeignReceipt { task: String, receipt: String },
    /// It says that it has this receipt, which is not stored here: another clone's, or of nobody.
    UnknownReceipt { task: String, receipt: String },
}

/// The last `most` commits of the target (short name) at `tip`, oldest first.
pub(crate) fn history(
    ws: &Workspace,
    target: &str,
    tip: &Oid,
    most: usize,
) -> anyhow::Result<Vec<TargetCommit>> {
    let trailers = [TRAILER_TASK, TRAILER_RECEIPT];
    let steps = ws.repo.read.first_parents(tip, most, &trailers)?;
    let standings = standings(&steps, &landings(ws, target)?, |key| {
        Some(find_receipt(&ws.store, key)?.tree)
    });
    let commits = steps
        .into_iter()
        .zip(standings)
        .map(|(step, standing)| TargetCommit {
            commit: step.commit,
            time: Timestamp::from_second(step.seconds).ok(),
            author: step.author,
            subject: step.subject,
            standing,
        });
    let mut commits: Vec<TargetCommit> = commits.collect();
    commits.reverse();
    Ok(commits)
}

/// The landing of a task, whose work `tip` is, among the commits of its target at `target`, if there is one that no
/// record tells of: pushed by a command that was killed then, and come back from the remote since. That the work is
/// there is for the caller to see: of a train nothing else than its commits tells that they landed in one move.
pub(super) fn find_landing(
    ws: &Workspace,
    task: &Task,
    tip: &Oid,
    target: &Oid,
) -> anyhow::Result<Option<Landing>> {
    let (most, _) = ws.repo.read.ahead_behind(target, &task.base)?;
    let mut found = history(ws, &task.target, target, most.min(LOOKED_AT))?;
    // What was counted may lie beside the first parents: these go back further then, to an earlier task of this name.
    if let Some(base) = found.iter().position(|commit| commit.commit == task.base) {
        found.drain(..=base);
    }
    let of_landings: BTreeSet<String> = found.iter().filter_map(receipt_of_landing).collect();
    Ok(found.into_iter().find_map(|commit| match commit.standing {
        Standing::Landed {
            task: name,
            receipt,
        }
        | Standing::JudgedTogether {
            task: name,
            receipt,
            ..
        }
        | Standing::ForeignReceipt {
            task: name,
            receipt,
        } if name == task.name && of_landings.contains(&receipt) => Some(Landing {
            commit: commit.commit,
            onto: None,
            tip: tip.clone(),
            receipt,
            together: Vec::new(),
            at: ws.ctx.now,
        }),
        _ => None,
    }))
}

fn receipt_of_landing(commit: &TargetCommit) -> Option<String> {
    match &commit.standing {
        Standing::Landed { receipt, .. } => Some(receipt.clone()),
        _ => None,
    }
}

/// The commits that landings made in this repository, on any target.
pub(crate) fn landed_here(ws: &Workspace) -> anyhow::Result<BTreeSet<Oid>> {
    let events = ws.store.events()?.into_iter();
    let landed = events.filter(|event| event.event == "landed");
    let commit = |event: Event| Oid::parse(event.facts.get("commit")?.as_str()?).ok();
    Ok(landed.filter_map(commit).collect())
}

/// The landing commits that were noted, each with the commit that the target was moved from.
fn landings(ws: &Workspace, target: &str) -> anyhow::Result<BTreeMap<Oid, Oid>> {
    let mut found = BTreeMap::new();
    for event in ws.store.events()? {
        let fact = |name: &str| event.facts.get(name).and_then(|fact| fact.as_str());
        if event.event == "landed"
            && fact("target") == Some(target)
            && let (Some(commit), Some(onto)) = (fact("commit"), fact("onto"))
            && let (Ok(commit), Ok(onto)) = (Oid::parse(commit), Oid::parse(onto))
        {
            found.insert(commit, onto);
        }
    }
    Ok(found)
}

/// How each of these commits, newest first, came to the target. `landings` are the landing commits with what they were
/// put upon; `tree_of` answers the tree that a stored receipt is of.
fn standings(
    steps: &[Step],
    landings: &BTreeMap<Oid, Oid>,
    tree_of: impl Fn(&str) -> Option<Oid>,
) -> Vec<Standing> {
    let mut found = Vec::with_capacity(steps.len());
    // The landing by whose receipt the commits right below it may have been judged, too.
    let mut above: Option<(&str, &Oid)> = None;
    // The landing that is being gone through, and where it ends.
    let mut landing: Option<(&Oid, &Oid)> = None;
    for step in steps {
        if landing.is_some_and(|(_, onto)| *onto == step.commit) {
            landing = None;
        }
        if let Some(onto) = landings.get(&step.commit) {
            landing = Some((&step.commit, onto));
        }
        let standing = match claim(step) {
            None => match landing {
                Some((commit, _)) if *commit != step.commit => Standing::PartOfLanding {
                    landing: commit.clone(),
                },
                _ => Standing::NoReceipt,
            },
            Some((task, receipt)) => {
                let judged = tree_of(receipt);
                let (task, key) = (task.to_owned(), receipt.to_owned());
                match (judged, above) {
                    (Some(tree), _) if tree == step.tree => {
                        above = Some((receipt, &step.commit));
                        Standing::Landed { task, receipt: key }
                    }
                    (Some(_), Some((same, with)))
                        if same == receipt && together(landings, &step.commit, with) =>
                    {
                        Standing::JudgedTogether {
                            task,
                            receipt: key,
                            with: with.clone(),
                        }
                    }
                    (Some(_), _) if landings.contains_key(&step.commit) => {
                        Standing::JudgedWithAbsent { task, receipt: key }
                    }
                    (Some(_), _) => Standing::ForeignReceipt { task, receipt: key },
                    (None, _) => Standing::UnknownReceipt { task, receipt: key },
                }
            }
        };
        if !matches!(
            standing,
            Standing::Landed { .. }
                | Standing::JudgedTogether { .. }
                | Standing::PartOfLanding { .. }
        ) {
            above = None;
        }
        found.push(standing);
    }
    found
}

/// Whether both were noted to have landed in one move: what a commit itself says of that, anyone can write.
fn together(landings: &BTreeMap<Oid, Oid>, commit: &Oid, with: &Oid) -> bool {
    let onto = landings.get(commit);
    onto.is_some() && onto == landings.get(with)
}

/// The task and the receipt that a commit names, where it names a receipt.
fn claim(step: &Step) -> Option<(&str, &str)> {
    match &step.trailers[..] {
        [task, receipt] if !receipt.is_empty() => Some((task, receipt)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: &str) -> Oid {
        Oid::parse(&digit.repeat(40)).expect("a name")
    }

    /// A commit and its tree, one digit each, with the task and receipt that it names.
    fn step(commit: &str, tree: &str, task: &str, receipt: &str) -> Step {
        Step {
            commit: oid(commit),
            tree: oid(tree),
            seconds: 0,
            author: "Ann".to_owned(),
            subject: "x".to_owned(),
            trailers: vec![task.to_owned(), receipt.to_owned()],
        }
    }

    fn words(steps: &[Step], landings: &[(&str, &str)]) -> Vec<&'static str> {
        let landings = landings
            .iter()
            .map(|(c, onto)| (oid(c), oid(onto)))
            .collect();
        // A receipt is named after the tree that it is of.
        let tree_of = |key: &str| key.strip_prefix("of-").map(oid);
        let word = |standing| match standing {
            Standing::Landed { .. } => "landed",
            Standing::JudgedTogether { .. } => "together",
            Standing::JudgedWithAbsent { .. } => "absent",
            Standing::PartOfLanding { .. } => "part",
            Standing::NoReceipt => "none",
            Standing::ForeignReceipt { .. } => "foreign",
            Standing::UnknownReceipt { .. } => "unknown",
        };
        standings(steps, &landings, tree_of)
            .into_iter()
            .map(word)
            .collect()
    }

    #[test]
    fn a_receipt_counts_for_its_own_tree_and_for_a_train_right_below_it() {
        let steps = [
            step("9", "d", "", ""),
            step("8", "c", "c", "of-c"),
            step("7", "b", "b", "of-c"),
            // It only says so.
            step("6", "a", "a", "of-c"),
            // Not one of the train: something came in between.
            step("5", "e", "", ""),
            step("4", "f", "x", "of-c"),
            step("3", "f", "x", "lost"),
            step("2", "f", "task alone", ""),
        ];
        assert_eq!(
            words(&steps, &[("8", "6"), ("7", "6")]),
            [
                "none", "landed", "together", "foreign", "none", "foreign", "unknown", "none"
            ]
        );
    }

    #[test]
    fn what_is_left_of_a_train_whose_last_commit_was_amended_is_no_forgery() {
        let steps = [
            // Amended: no longer what was noted.
            step("9", "d", "c", "of-c"),
            step("7", "b", "b", "of-c"),
            step("6", "a", "a", "of-c"),
            step("5", "e", "x", "of-c"),
        ];
        assert_eq!(
            words(&steps, &[("8", "5"), ("7", "5"), ("6", "5")]),
            ["foreign", "absent", "absent", "foreign"]
        );
    }

    #[test]
    fn the_commits_of_a_landing_by_rebase_are_its_parts_and_those_before_it_are_not() {
        let steps = [
            step("9", "d", "b", "of-d"),
            step("8", "c", "", ""),
            step("7", "b", "a", "of-d"),
            step("6", "a", "", ""),
            step("5", "e", "", ""),
        ];
        // Both in one move, upon 5.
        assert_eq!(
            words(&steps, &[("9", "5"), ("7", "5")]),
            ["landed", "part", "together", "part", "none"]
        );
        assert_eq!(
            words(&steps, &[]),
            ["landed", "none", "foreign", "none", "none"]
        );
    }
}
