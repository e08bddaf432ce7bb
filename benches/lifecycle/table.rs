//! The figures as a table: medians, and the median of what each pair's ratio was.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::{Pairs, Took};

/// Rows of a table, in the order in which they are printed.
#[derive(Default)]
pub(crate) struct Table {
    times: Vec<[String; 6]>,
    peaks: Vec<[String; 6]>,
}

impl Table {
    /// How long it took.
    pub(crate) fn times(&mut self, what: &str, files: usize, against: &str, pairs: &Pairs) {
        let seconds = |took: &Took| took.wall.as_secs_f64();
        let row = row(what, files, against, pairs, seconds, |median| {
            duration(Duration::from_secs_f64(median))
        });
        self.times.push(row);
    }

    /// How much memory it took.
    pub(crate) fn peaks(&mut self, what: &str, files: usize, against: &str, pairs: &Pairs) {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let mebibytes = |took: &Took| took.peak as f64 / 1024.0;
        let row = row(what, files, against, pairs, mebibytes, |median| {
            format!("{median:.1} MiB")
        });
        self.peaks.push(row);
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (title, rows) in [("time", &self.times), ("peak memory", &self.peaks)] {
            let head = [title, "files", "wt", "git", "wt/git", "git's side"].map(str::to_owned);
            let all: Vec<&[String; 6]> = std::iter::once(&head).chain(rows).collect();
            let widths: [usize; 6] = std::array::from_fn(|column| {
                all.iter().map(|row| row[column].len()).max().unwrap_or(0)
            });
            text.push('\n');
            for [what, files, wt, git, ratio, against] in all {
                let [w0, w1, w2, w3, w4, _] = widths;
                let _ = writeln!(
                    text,
                    "{what:<w0$}  {files:>w1$}  {wt:>w2$}  {git:>w3$}  {ratio:>w4$}  {against}"
                );
            }
        }
        text
    }
}

fn row(
    what: &str,
    files: usize,
    against: &str,
    pairs: &Pairs,
    measure: impl Fn(&Took) -> f64,
    show: impl Fn(f64) -> String,
) -> [String; 6] {
    let of = |side: &[Took]| side.iter().map(&measure).collect::<Vec<f64>>();
    let (wt, git) = (of(&pairs.wt), of(&pairs.git));
    let ratios = wt.iter().zip(&git).map(|(wt, git)| wt / git).collect();
    [
        what.to_owned(),
        files.to_string(),
        show(median(wt)),
        show(median(git)),
        format!("{:.2}", median(ratios)),
        against.to_owned(),
    ]
}

fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{:.1} ms", duration.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", duration.as_secs_f64())
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
