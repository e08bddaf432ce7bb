//! Work that several share, each with a stretch of its own.

use std::ops::Range;
use std::sync::Mutex;

use super::lock;

/// The numbers from 0 on, each given out once. A worker gets those of its own run, one after the other, and then half of
/// what is left of the longest one: so that at any time all are far from each other.
pub(super) struct Runs(Mutex<Vec<Range<usize>>>);

impl Runs {
    /// The numbers below `count`, for the workers below `workers`; others may come later.
    pub(super) fn new(count: usize, workers: usize) -> Self {
        let begin = |worker| count * worker / workers;
        let runs = (0..workers).map(|worker| begin(worker)..begin(worker + 1));
        Self(Mutex::new(runs.collect()))
    }

    /// The next number for this worker; nothing once none is left.
    pub(super) fn next(&self, worker: usize) -> Option<usize> {
        let mut runs = lock(&self.0);
        if runs.len() <= worker {
            runs.resize(worker + 1, 0..0);
        }
        if runs[worker].is_empty() {
            let longest = runs.iter_mut().max_by_key(ExactSizeIterator::len)?;
            let middle = longest.start + longest.len() / 2;
            let taken = middle..longest.end;
            longest.end = middle;
            runs[worker] = taken;
        }
        runs[worker].next()
    }

    /// Gives out nothing more.
    pub(super) fn end(&self) {
        lock(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_given_out_once(
            count in 0_usize..300,
            workers in 1_usize..9,
            turns in prop::collection::vec(0_usize..12, 1..50),
        ) {
            let runs = Runs::new(count, workers);
            let mut given: Vec<usize> = Vec::new();
            let turns = turns.into_iter().cycle();
            given.extend(turns.map_while(|worker| runs.next(worker)));
            given.sort_unstable();
            prop_assert_eq!(given, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_worker_has_a_run_of_its_own_and_then_half_of_the_longest_one() {
        let runs = Runs::new(8, 2);
        let next = |worker| runs.next(worker);
        assert_eq!((next(0), next(1)), (Some(0), Some(4)));
        assert_eq!((next(0), next(0), next(0)), (Some(1), Some(2), Some(3)));
        assert_eq!((next(0), next(1), next(2)), (Some(6), Some(5), Some(7)));
        assert_eq!((next(0), next(1)), (None, None));
        let ended = Runs::new(8, 2);
        ended.end();
        assert_eq!(ended.next(1), None);
    }
}
