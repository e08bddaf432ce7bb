//! The rows of the table: what is measured, on which filesystem, with how many files.

mod ask;
mod create;
mod judge;
mod many;
mod recall;
mod spare;
mod sparse;
mod warm;

use std::cell::OnceCell;

use crate::claims;
use crate::ground::{Filesystem, Ground};
use crate::landings;
use crate::project::Project;
use crate::table::Report;
use crate::wanted::Wanted;

use Filesystem::{Btrfs, Ext4, Xfs};

/// Where a row is measured.
pub(crate) struct Site<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) ground: &'a Ground,
    pub(crate) files: usize,
    project: OnceCell<Project<'a>>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(wanted: &'a Wanted, ground: &'a Ground, files: usize) -> Self {
        Self {
            wanted,
            ground,
            files,
            project: OnceCell::new(),
        }
    }

    /// The repository of so many files that the rows share.
    pub(crate) fn project(&self) -> anyhow::Result<&Project<'a>> {
        if self.project.get().is_none() {
            let name = format!("project-{}", self.files);
            let _ = self
                .project
                .set(Project::make(self.ground, &name, self.files)?);
        }
        Ok(self.project.get().expect("it was made"))
    }

    /// The numbers of the rounds; the first only warms up.
    pub(crate) fn rounds(&self) -> std::ops::RangeInclusive<usize> {
        0..=self.wanted.rounds(self.files)
    }

    /// A bar that holds from so many files on.
    pub(crate) fn bar(&self, files: usize, most: f64) -> Option<f64> {
        (self.files >= files).then_some(most)
    }
}

/// With how many files a row is measured.
enum Files {
    /// Of those that are asked for, each from one number to another.
    Each(usize, usize),
    /// Of those that are asked for, the most up to a number.
    Most(usize),
    Fixed(usize),
    /// As many as are held against claims.
    Paths,
}

/// One pass, which gives one or more rows.
pub(crate) struct Row {
    /// What `WT_BENCH_ONLY` calls them.
    pub(crate) names: &'static [&'static str],
    on: Filesystem,
    files: Files,
    pub(crate) measure: fn(&Site, &mut Report) -> anyhow::Result<()>,
}

const fn row(
    names: &'static [&'static str],
    on: Filesystem,
    files: Files,
    measure: fn(&Site, &mut Report) -> anyhow::Result<()>,
) -> Row {
    Row {
        names,
        on,
        files,
        measure,
    }
}

const ALL: Files = Files::Each(0, usize::MAX);
const LARGE: Files = Files::Each(20_000, usize::MAX);

pub(crate) const ROWS: [Row; 17] = [
    row(&["spawn", "status", "rm"], Ext4, ALL, create::warm),
    row(&["cold"], Ext4, LARGE, create::cold),
    row(&["spare"], Ext4, Files::Most(usize::MAX), spare::measure),
    row(&["sparse"], Ext4, Files::Most(usize::MAX), sparse::measure),
    row(&["validate", "receipt"], Ext4, ALL, judge::measure),
    row(&["many"], Ext4, Files::Most(20_000), many::measure),
    row(&["hook"], Ext4, Files::Fixed(1_000), ask::hook),
    row(&["list"], Ext4, Files::Fixed(5_000), ask::list),
    row(&["recall"], Ext4, Files::Fixed(1_000), recall::measure),
    row(&["claims"], Ext4, Files::Paths, claims::measure),
    row(&["landings"], Ext4, Files::Most(20_000), landings::measure),
    row(&["spawn", "status", "rm"], Xfs, LARGE, create::warm),
    row(&["spare"], Xfs, Files::Most(usize::MAX), spare::measure),
    row(&["warm"], Xfs, Files::Fixed(100), warm::measure),
    row(
        &["spawn", "status", "rm"],
        Btrfs,
        Files::Each(20_000, 20_000),
        create::warm,
    ),
    row(
        &["validate", "receipt"],
        Btrfs,
        Files::Each(20_000, 20_000),
        judge::measure,
    ),
    row(&["warm"], Btrfs, Files::Fixed(100), warm::measure),
];

impl Row {
    /// Whether it is measured on this filesystem, and asked for.
    pub(crate) fn is_wanted(&self, wanted: &Wanted, on: Filesystem) -> bool {
        self.on == on && self.names.iter().any(|name| wanted.selects(name))
    }

    /// With how many files it is measured.
    pub(crate) fn files(&self, wanted: &Wanted) -> Vec<usize> {
        let asked = wanted.files.iter().copied();
        match self.files {
            Files::Each(least, most) => asked.filter(|n| (least..=most).contains(n)).collect(),
            Files::Most(most) => asked.filter(|n| *n <= most).max().into_iter().collect(),
            Files::Fixed(number) => vec![number],
            Files::Paths => vec![wanted.paths],
        }
    }
}

/// The names of all rows, each once.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for name in ROWS.iter().flat_map(|row| row.names) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}
