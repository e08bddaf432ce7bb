//! Several ways to do the same, measured in turns; the first is `wt`'s.

use crate::measure::Took;

/// One way.
pub(crate) struct Contender {
    pub(crate) name: String,
    /// How much of its time `wt` may take at most, where that is promised.
    pub(crate) bar: Option<f64>,
    /// What it took, round by round.
    pub(crate) took: Vec<Took>,
}

pub(crate) struct Contest {
    contenders: Vec<Contender>,
}

impl Contest {
    /// Of `wt` against one other.
    pub(crate) fn against(name: &str, bar: Option<f64>) -> Self {
        let wt = Contender {
            name: "wt".to_owned(),
            bar: None,
            took: Vec::new(),
        };
        Self {
            contenders: vec![wt],
        }
        .and(name, bar)
    }

    /// And against one more.
    #[must_use]
    pub(crate) fn and(mut self, name: &str, bar: Option<f64>) -> Self {
        self.contenders.push(Contender {
            name: name.to_owned(),
            bar,
            took: Vec::new(),
        });
        self
    }

    /// The numbers of the contenders: who comes second finds warmer caches, so each round another one is first.
    pub(crate) fn turns(&self, round: usize) -> Vec<usize> {
        let count = self.contenders.len();
        (0..count).map(|turn| (turn + round) % count).collect()
    }

    /// Notes one measurement; those of round 0 only warm up.
    pub(crate) fn note(&mut self, round: usize, who: usize, took: Took) {
        if round > 0 {
            self.contenders[who].took.push(took);
        }
    }

    pub(crate) fn wt(&self) -> &Contender {
        &self.contenders[0]
    }

    pub(crate) fn others(&self) -> &[Contender] {
        &self.contenders[1..]
    }
}
