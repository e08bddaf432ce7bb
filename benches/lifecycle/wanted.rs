//! What is asked for, by variables `WT_BENCH_…` and `WT_PEER…`.

use anyhow::{Context as _, ensure};

use crate::ground::Filesystem;
use crate::peer::Peer;
use crate::rows;

/// From this many files on, fewer rounds tell as much.
const MANY_FILES: usize = 50_000;

pub(crate) struct Wanted {
    /// The names of the rows that are measured; all where it is empty.
    pub(crate) only: Vec<String>,
    pub(crate) filesystems: Vec<Filesystem>,
    /// How many files the repositories have.
    pub(crate) files: Vec<usize>,
    pairs: usize,
    pairs_of_many: usize,
    /// How many tasks have a claim, of four globs each.
    pub(crate) claims: usize,
    /// How many paths are held against those claims.
    pub(crate) paths: usize,
    /// How many validated tasks are landed, each number one by one and as a train.
    pub(crate) landings: Vec<usize>,
    /// The size of the warm folder, in MB.
    pub(crate) warm: usize,
    pub(crate) peer: Option<Peer>,
}

impl Wanted {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let wanted = Self {
            only: words("WT_BENCH_ONLY", ""),
            filesystems: words("WT_BENCH_ON", "ext4,xfs,btrfs")
                .iter()
                .map(|word| Filesystem::named(word))
                .collect::<anyhow::Result<_>>()?,
            files: numbers("WT_BENCH_FILES", "1000,20000,100000")?,
            pairs: number("WT_BENCH_PAIRS", "5")?,
            pairs_of_many: number("WT_BENCH_PAIRS_OF_MANY", "3")?,
            claims: number("WT_BENCH_CLAIMS", "1000")?,
            paths: number("WT_BENCH_PATHS", "100000")?,
            landings: numbers("WT_BENCH_LANDINGS", "1,10,25")?,
            warm: number("WT_BENCH_WARM", "2000")?,
            peer: Peer::read(),
        };
        let least = wanted.pairs.min(wanted.pairs_of_many).min(wanted.claims);
        ensure!(
            least > 0,
            "WT_BENCH_PAIRS, …_OF_MANY and …_CLAIMS must be 1 or more"
        );
        for name in &wanted.only {
            let known = rows::names();
            ensure!(
                known.contains(&name.as_str()),
                "no row is called {name:?}: {}",
                known.join(", ")
            );
        }
        Ok(wanted)
    }

    pub(crate) fn selects(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// How many rounds count, of repositories with so many files.
    pub(crate) fn rounds(&self, files: usize) -> usize {
        if files < MANY_FILES {
            self.pairs
        } else {
            self.pairs_of_many
        }
    }
}

fn words(name: &str, default: &str) -> Vec<String> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let words = text.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn numbers(name: &str, default: &str) -> anyhow::Result<Vec<usize>> {
    let parsed = words(name, default)
        .iter()
        .map(|word| word.parse())
        .collect::<Result<_, _>>();
    parsed.with_context(|| format!("{name} wants numbers"))
}

fn number(name: &str, default: &str) -> anyhow::Result<usize> {
    let all = numbers(name, default)?;
    ensure!(all.len() == 1, "{name} wants one number");
    Ok(all[0])
}
