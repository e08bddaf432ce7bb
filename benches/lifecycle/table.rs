//! The figures as a table: medians, the median of what each round's ratio was, and the bar beside it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::contest::Contest;
use crate::landings::Landings;
use crate::measure::Took;
use crate::rows::Site;

/// The most memory that anything may take, in MB.
const MOST_MEMORY: f64 = 150.0;
const HEAD: [&str; 8] = [
    "work", "on", "files", "wt", "other", "ratio", "bar", "against",
];

/// The most that a figure may be.
struct Bar {
    shown: String,
    met: bool,
}

impl Bar {
    fn of_ratio(ratio: f64, most: f64) -> Self {
        Self {
            shown: format!("{most:.2}"),
            met: ratio <= most,
        }
    }

    fn words(&self) -> String {
        let met = if self.met { "met" } else { "MISSED" };
        format!("{} {met}", self.shown)
    }
}

/// One line of the table.
struct Line {
    /// In the order of the head.
    cells: [String; 8],
    /// Whether its bar is met, if it has one.
    met: Option<bool>,
}

/// Lines in the order in which they are printed.
#[derive(Default)]
pub(crate) struct Report {
    notes: Vec<String>,
    lines: Vec<Line>,
    peaks: Vec<Line>,
    pub(crate) landings: Landings,
    failures: Vec<String>,
}

impl Report {
    /// What was measured on, or left out.
    pub(crate) fn note(&mut self, what: &str) {
        self.notes.push(what.to_owned());
    }

    pub(crate) fn left_out(&mut self, site: &Site, what: &str, why: &str) {
        let on = site.ground.filesystem().word();
        self.note(&format!("{what}, {on}: left out: {why}"));
    }

    pub(crate) fn failed(&mut self, site: &Site, what: &str, error: &anyhow::Error) {
        let (on, files) = (site.ground.filesystem().word(), site.files);
        let failure = format!("FAILED: {what}, {on}, {files} files: {error:#}");
        self.failures.push(failure);
    }

    pub(crate) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// How long it took, a line for each that `wt` is held against.
    pub(crate) fn times(&mut self, site: &Site, what: &str, contest: &Contest) {
        let seconds = |took: &Took| took.wall.as_secs_f64();
        let wt: Vec<f64> = contest.wt().took.iter().map(seconds).collect();
        for other in contest.others() {
            let theirs: Vec<f64> = other.took.iter().map(seconds).collect();
            let rounds = wt.iter().zip(&theirs);
            let ratio = median(rounds.map(|(wt, other)| wt / other).collect());
            let bar = other.bar.map(|most| Bar::of_ratio(ratio, most));
            let figures = [
                duration(median(wt.clone())),
                duration(median(theirs)),
                format!("{ratio:.3}"),
            ];
            self.lines.push(line(site, what, figures, bar, &other.name));
        }
    }

    /// As [`Self::times`], where `wt` may take so long and no longer.
    pub(crate) fn times_within(
        &mut self,
        site: &Site,
        what: &str,
        contest: &Contest,
        most: Duration,
    ) {
        self.times(site, what, contest);
        let wt = contest.wt().took.iter().map(|took| took.wall.as_secs_f64());
        let wt = median(wt.collect());
        let bar = Bar {
            shown: duration(most.as_secs_f64()),
            met: wt <= most.as_secs_f64(),
        };
        let figures = [duration(wt), String::new(), String::new()];
        self.lines
            .push(line(site, what, figures, Some(bar), "the clock"));
    }

    /// The part of something that was as it should be, which is to be `least` or more.
    pub(crate) fn share(&mut self, site: &Site, what: &str, share: f64, least: f64) {
        let bar = Bar {
            shown: format!("{least:.2}"),
            met: share >= least,
        };
        let figures = [format!("{share:.3}"), String::new(), String::new()];
        self.lines
            .push(line(site, what, figures, Some(bar), "known answers"));
    }

    /// How much memory it took, beside the first that `wt` is held against.
    pub(crate) fn peaks(&mut self, site: &Site, what: &str, contest: &Contest) {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let megabytes = |took: &Took| took.peak as f64 * 1024.0 / 1e6;
        let of = |took: &[Took]| median(took.iter().map(megabytes).collect());
        let other = &contest.others()[0];
        let (wt, theirs) = (of(&contest.wt().took), of(&other.took));
        let bar = site.bar(100_000, MOST_MEMORY).map(|most| Bar {
            shown: format!("{most:.0} MB"),
            met: wt <= most,
        });
        let figures = [
            format!("{wt:.1} MB"),
            format!("{theirs:.1} MB"),
            format!("{:.3}", wt / theirs),
        ];
        let what = format!("memory of {what}");
        self.peaks
            .push(line(site, &what, figures, bar, &other.name));
    }

    /// How often something happened that should not at all; nothing where that can't be counted here.
    pub(crate) fn count(&mut self, site: &Site, what: &str, counted: Option<usize>) {
        let shown = counted.map_or("not counted".to_owned(), |count| count.to_string());
        let bar = counted.map(|count| Bar {
            shown: "0".to_owned(),
            met: count == 0,
        });
        let figures = [shown, String::new(), String::new()];
        self.lines.push(line(site, what, figures, bar, ""));
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::from("\n");
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        for lines in [&self.lines, &self.peaks] {
            text.push_str(&table(lines));
        }
        text.push_str(&self.landings.render());
        let bars = self
            .lines
            .iter()
            .chain(&self.peaks)
            .filter_map(|line| line.met);
        let (met, missed): (Vec<bool>, Vec<bool>) = bars.partition(|met| *met);
        if !met.is_empty() || !missed.is_empty() {
            let _ = writeln!(text, "\nbars: {} met, {} missed", met.len(), missed.len());
        }
        for failure in &self.failures {
            let _ = writeln!(text, "{failure}");
        }
        text
    }
}

fn line(site: &Site, what: &str, figures: [String; 3], bar: Option<Bar>, against: &str) -> Line {
    let [wt, other, ratio] = figures;
    Line {
        cells: [
            what.to_owned(),
            site.ground.filesystem().word().to_owned(),
            site.files.to_string(),
            wt,
            other,
            ratio,
            bar.as_ref().map_or_else(String::new, Bar::words),
            against.to_owned(),
        ],
        met: bar.map(|bar| bar.met),
    }
}

/// Nothing where there is no line.
fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let head = HEAD.map(str::to_owned);
    let rows: Vec<&[String; 8]> = std::iter::once(&head)
        .chain(lines.iter().map(|line| &line.cells))
        .collect();
    let widths: [usize; 8] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let mut text = String::from("\n");
    for row in rows {
        let cells = row.iter().zip(widths).enumerate();
        let padded = cells.map(|(column, (cell, width))| match column {
            2..=5 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        let padded: Vec<String> = padded.collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// The middle of the values, of which there must be one; of an even number the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}
