//! The search for the tasks that make a train red, by as few runs as can be.
//!
//! It takes for granted that what is red stays red with more tasks on top; runs that say otherwise lead it to a wrong
//! answer, never astray: it always comes to an end.

use std::collections::BTreeMap;

/// Some of the train's tasks: their places in it, from 0, in order.
pub(crate) type Part = Vec<usize>;

/// What is known of the parts of a train, and what must be known next.
#[derive(Debug)]
pub(crate) struct Search {
    /// How many tasks the train has.
    tasks: usize,
    /// Whether a part is red.
    known: BTreeMap<Part, bool>,
}

/// How the search goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Whether this part is red must be known.
    Try(Part),
    /// `culprit` is the first task with which the train turns red: together with all of `with`, and without any one
    /// of them not.
    Found { culprit: usize, with: Part },
}

impl Search {
    /// A train that is red as a whole, on a target that is green.
    pub(crate) fn new(tasks: usize) -> Self {
        Self {
            tasks,
            known: BTreeMap::from([(Vec::new(), false), ((0..tasks).collect(), true)]),
        }
    }

    /// Takes down what came of a part.
    pub(crate) fn learn(&mut self, part: Part, red: bool) {
        self.known.insert(part, red);
    }

    /// What to do next, by all that is known.
    pub(crate) fn next(&self) -> Next {
        self.follow().unwrap_or_else(|next| next)
    }

    /// The first task whose prefix of the train is red, once that is known.
    pub(crate) fn culprit(&self) -> Option<usize> {
        let prefix = |end: usize| (0..end).collect();
        Some(self.first_red(self.tasks, prefix).ok()? - 1)
    }

    /// `Err` is the question that stands in the way of the answer.
    fn follow(&self) -> Result<Next, Next> {
        let culprit = self.first_red(self.tasks, |end| (0..end).collect())? - 1;
        let mut with: Part = Vec::new();
        let mut below = culprit;
        loop {
            let together = |end: usize| -> Part {
                let mut part: Part = (0..end).chain(with.iter().copied()).collect();
                part.push(culprit);
                part.sort_unstable();
                part
            };
            // Without any that is not known to be needed: `below` is 0 once all of them are.
            if below == 0 || self.ask(together(0))? {
                with.sort_unstable();
                return Ok(Next::Found { culprit, with });
            }
            let first = self.first_red(below, together)?;
            below = first - 1;
            with.push(below);
        }
    }

    /// The smallest `end` of 1 to `ends` for which `part(end)` is red, where that of `ends` is and that of 0 is not.
    fn first_red(&self, ends: usize, part: impl Fn(usize) -> Part) -> Result<usize, Next> {
        let (mut green, mut red) = (0, ends);
        while red - green > 1 {
            let middle = usize::midpoint(green, red);
            if self.ask(part(middle))? {
                red = middle;
            } else {
                green = middle;
            }
        }
        Ok(red)
    }

    /// Whether a part is red: as it was seen, or as a part of it or one that it is part of says.
    fn ask(&self, part: Part) -> Result<bool, Next> {
        if let Some(red) = self.known.get(&part) {
            return Ok(*red);
        }
        let holds = |larger: &Part, smaller: &Part| smaller.iter().all(|t| larger.contains(t));
        let mut implied = self
            .known
            .iter()
            .filter(|(other, red)| {
                if **red {
                    holds(&part, other)
                } else {
                    holds(other, &part)
                }
            })
            .map(|(_, red)| *red);
        implied.next().ok_or(Next::Try(part))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Follows a search on a train that is red wherever it holds all of one of `causes`; answers what it found, and
    /// the parts that were tried.
    fn search(tasks: usize, causes: &[Part], known: &[Part]) -> (usize, Part, Vec<Part>) {
        let red = |part: &Part| causes.iter().any(|c| c.iter().all(|t| part.contains(t)));
        let mut search = Search::new(tasks);
        for part in known {
            search.learn(part.clone(), red(part));
        }
        let mut tried = Vec::new();
        loop {
            match search.next() {
                Next::Found { culprit, with } => {
                    assert_eq!(search.culprit(), Some(culprit));
                    return (culprit, with, tried);
                }
                Next::Try(part) => {
                    assert!(!tried.contains(&part), "{part:?} of {tried:?}");
                    search.learn(part.clone(), red(&part));
                    tried.push(part);
                }
            }
        }
    }

    #[test]
    fn one_a_pair_and_a_pair_of_three() {
        assert_eq!(search(1, &[vec![0]], &[]), (0, vec![], vec![]));
        assert_eq!(
            search(4, &[vec![2]], &[]),
            (2, vec![], vec![vec![0, 1], vec![0, 1, 2], vec![2]])
        );
        // The first is red alone: its prefix was that.
        assert_eq!(search(3, &[vec![0]], &[]), (0, vec![], vec![vec![0]]));
        let (culprit, with, tried) = search(3, &[vec![0, 2]], &[]);
        assert_eq!((culprit, with), (2, vec![0]));
        assert_eq!(tried, [vec![0], vec![0, 1], vec![2], vec![0, 2]]);
        // What is known already is not tried.
        let (_, _, tried) = search(3, &[vec![0, 2]], &[vec![0, 1], vec![2]]);
        assert_eq!(tried, [vec![0, 2]]);
    }

    fn trains() -> impl Strategy<Value = (usize, Vec<Part>)> {
        (1usize..12).prop_flat_map(|tasks| {
            let cause = proptest::collection::btree_set(0..tasks, 1..4);
            let cause = cause.prop_map(|places| places.into_iter().collect::<Part>());
            (Just(tasks), proptest::collection::vec(cause, 1..4))
        })
    }

    proptest! {
        #[test]
        fn it_finds_the_first_red_prefix_and_a_smallest_set((tasks, causes) in trains(), known in proptest::collection::vec(proptest::collection::btree_set(0usize..12, 0..12), 0..6)) {
            let red = |part: &Part| causes.iter().any(|c| c.iter().all(|t| part.contains(t)));
            let known: Vec<Part> = known.into_iter().map(|part| part.into_iter().filter(|t| *t < tasks).collect()).collect();
            let (culprit, with, tried) = search(tasks, &causes, &known);
            prop_assert!(red(&(0..=culprit).collect()));
            prop_assert!(!red(&(0..culprit).collect()));
            let mut whole = with.clone();
            whole.push(culprit);
            prop_assert!(red(&whole));
            for left_out in &whole {
                let rest: Part = whole.iter().copied().filter(|t| t != left_out).collect();
                prop_assert!(!red(&rest), "{rest:?} is red without {left_out}");
            }
            let halvings = tasks.next_power_of_two().trailing_zeros() as usize;
            let mut first = Search::new(tasks);
            let to_culprit = tried.iter().take_while(|part| {
                let open = first.culprit().is_none();
                first.learn((*part).clone(), red(part));
                open
            });
            let to_culprit = to_culprit.count();
            prop_assert!(!known.is_empty() || to_culprit <= halvings, "{tried:?}");
            prop_assert!(tried.len() <= halvings + (1 + halvings) * (with.len() + 1), "{tried:?}");
        }
    }
}
