//! Whose work makes a train red: the step that failed, run on parts of the train.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::super::outcomes::{Known, known, take_log};
use super::super::slot::Slot;
use super::Judge;
use super::blame::{Colour, Failed, Trial};
use super::steps::SET_UP;
use crate::gate::{self, Culprit, Order, Outcome, Phase, Verdict};
use crate::git::Combination;
use crate::landing::{Next, Part, Search};
use crate::oid::Oid;
use crate::task::Pinned;

/// A part of a train that was seen to be red.
struct Seen {
    order: Order,
    outcome: Outcome,
}

/// What became of the search.
enum End {
    /// The tasks that `culprit` is red with, if that is known.
    Found {
        culprit: usize,
        with: Option<Part>,
    },
    Interrupted,
}

impl Judge<'_> {
    /// Finds the culprit of the train whose step failed; the target is not red there.
    pub(super) fn search(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        failed: Failed,
    ) -> anyhow::Result<Verdict> {
        let whole: Part = (0..self.order.train.len()).collect();
        let first = Some(failed.first.clone());
        let outcome = self.outcome(&self.order.candidate, &failed.step, first);
        let order = self.order.clone();
        let mut red = BTreeMap::from([(whole, Seen { order, outcome })]);
        match self.try_parts(slot, temporary, &failed.step.name, &mut red)? {
            End::Interrupted => Ok(Verdict::Interrupted),
            End::Found { culprit, with } => self.verdict_on(culprit, with, red, failed),
        }
    }

    fn try_parts(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        step: &str,
        red: &mut BTreeMap<Part, Seen>,
    ) -> anyhow::Result<End> {
        let mut search = Search::new(self.order.train.len());
        let mut runs = 0;
        loop {
            let part = match search.next() {
                Next::Found { culprit, with } => {
                    let with = Some(with);
                    return Ok(End::Found { culprit, with });
                }
                Next::Try(part) => part,
            };
            let colour = match self.part(&part)? {
                None => Colour::Unknown("it can't be combined".to_owned()),
                Some(order) if !selects(&order, step) => Colour::Green,
                Some(order) => {
                    let colour = match known(&self.ws.store, &order, &order.candidate.tree, step) {
                        Some(Known::Green) => Colour::Green,
                        Some(Known::Red(outcome)) => Colour::Red(outcome),
                        None => {
                            runs += 1;
                            self.enter_part(&part, runs)?;
                            let trial = Trial {
                                at: &order,
                                step,
                                what: &format!("part-{runs}"),
                            };
                            self.colour(slot, temporary, &trial)?
                        }
                    };
                    if let Colour::Red(outcome) = &colour {
                        let outcome = (**outcome).clone();
                        red.insert(part.clone(), Seen { order, outcome });
                    }
                    colour
                }
            };
            match (colour, search.culprit()) {
                (Colour::Interrupted, _) => return Ok(End::Interrupted),
                (Colour::Green, _) => search.learn(part, false),
                // What does not come as far as the step could land no more than what fails in it.
                (Colour::Red(_), _) | (Colour::Unknown(_), None) => search.learn(part, true),
                (Colour::Unknown(_), Some(culprit)) => {
                    return Ok(End::Found {
                        culprit,
                        with: None,
                    });
                }
            }
        }
    }

    fn enter_part(&mut self, part: &Part, run: usize) -> anyhow::Result<()> {
        self.enter(Phase::Searching {
            tasks: self.names(part),
            run,
        })
    }

    fn names(&self, part: &Part) -> Vec<String> {
        let name = |place: &usize| self.order.train[*place].task.clone();
        part.iter().map(name).collect()
    }

    /// The order to judge a part of the train; nothing where its tasks can't be combined without the others.
    fn part(&self, part: &Part) -> anyhow::Result<Option<Order>> {
        let cars = &self.order.train;
        let last = part.last().context("a part has a task")?;
        let pinned = if part.len() == last + 1 {
            cars[*last].prefix.clone()
        } else {
            match self.combined(part.iter().map(|place| &cars[*place].tip))? {
                Some(pinned) => pinned,
                None => return Ok(None),
            }
        };
        let target = self.repo.read.tree_of(&self.order.target)?;
        let changes = self.repo.read.changes(&target, &pinned.tree)?;
        let mut changed: Vec<String> = changes.into_iter().map(|c| c.path).collect();
        changed.dedup();
        let selected = gate::select(&self.order.contract, &changed)?;
        let selected = selected.iter().map(|step| step.name.clone()).collect();
        Ok(Some(Order {
            selected,
            ..self.order.of(&pinned, &changed)
        }))
    }

    /// The target with each tip in turn.
    fn combined<'t>(&self, tips: impl Iterator<Item = &'t Oid>) -> anyhow::Result<Option<Pinned>> {
        let mut commit = self.order.target.clone();
        for tip in tips {
            let Ok(Combination::Clean(tree)) = self.repo.combine(&commit, tip) else {
                return Ok(None);
            };
            let parents = [&commit, tip];
            commit = self
                .repo
                .commit_by_machine(&tree, &parents, "wt: candidate\n")?;
        }
        let tree = self.repo.read.tree_of(&commit)?;
        Ok(Some(Pinned { commit, tree }))
    }

    /// The verdict that names the culprit, with the failure of the smallest part that was red with it.
    fn verdict_on(
        &self,
        culprit: usize,
        with: Option<Part>,
        red: BTreeMap<Part, Seen>,
        failed: Failed,
    ) -> anyhow::Result<Verdict> {
        let seen = red.into_iter().filter(|(part, _)| part.contains(&culprit));
        let (_, Seen { order, outcome }) = seen
            .min_by_key(|(part, _)| part.len())
            .context("the whole train is red, and the culprit of it")?;
        let mut step = outcome.step;
        // What was known of a part before was logged elsewhere.
        step.log = format!("culprit-{}.log", step.name);
        take_log(&outcome.log, &self.dir.join(&step.log))?;
        let culprit = Culprit {
            task: self.order.train[culprit].task.clone(),
            exact: with.is_some(),
            with: self.names(&with.unwrap_or_default()),
            candidate: order.candidate,
            changed: order.changed,
            step,
        };
        Ok(Verdict::Failed {
            first: outcome.first.unwrap_or(failed.first),
            denied: failed.denied,
            culprit: Some(Box::new(culprit)),
            unsure: None,
        })
    }
}

/// Whether judging what `order` judges runs the step at all.
fn selects(order: &Order, step: &str) -> bool {
    step == SET_UP || order.selected.iter().any(|own| own == step)
}
