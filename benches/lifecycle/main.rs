//! The life of a task against plain git: whole processes, in turns, on filesystems of their own where those can be had.
#![allow(clippy::disallowed_methods, reason = "a benchmark is set by variables")]

mod claims;
mod contest;
mod ground;
mod landings;
mod measure;
mod peer;
mod project;
#[path = "../../tests/it/memory/questions.rs"]
mod questions;
mod rows;
mod table;
mod trace;
mod wanted;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use ground::{Filesystem, Ground};
use rows::{ROWS, Row, Site};
use table::Report;
use wanted::Wanted;

fn main() -> anyhow::Result<ExitCode> {
    // `cargo test --benches` starts this too; only `cargo bench` means it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = Wanted::read()?;
    measure::begin()?;
    let started = Instant::now();
    let mut report = Report::default();
    for &filesystem in &wanted.filesystems {
        on(filesystem, &wanted, &mut report)?;
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    report.note(&format!("measured in {minutes:.1} minutes"));
    std::io::stdout().write_all(report.render().as_bytes())?;
    Ok(if report.has_failures() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Measures the rows of one filesystem, which is there as long as that takes.
fn on(filesystem: Filesystem, wanted: &Wanted, report: &mut Report) -> anyhow::Result<()> {
    let asked = || ROWS.iter().filter(|row| row.is_wanted(wanted, filesystem));
    let sizes: BTreeSet<usize> = asked().flat_map(|row| row.files(wanted)).collect();
    if sizes.is_empty() {
        return Ok(());
    }
    let ground = match Ground::make(filesystem) {
        Ok(ground) => ground,
        Err(why) => {
            report.note(&format!("{}: left out: {why:#}", filesystem.word()));
            return Ok(());
        }
    };
    report.note(&ground.description()?);
    for files in sizes {
        let site = Site::new(wanted, &ground, files);
        for row in asked().filter(|row| row.files(wanted).contains(&files)) {
            measure(row, &site, report)?;
        }
    }
    Ok(())
}

/// One row that can't be measured does not take the others along.
fn measure(row: &Row, site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let what = row.names.join(", ");
    let on = site.ground.filesystem().word();
    let text = format!("measuring: {what}: {on}, {} files\n", site.files);
    std::io::stderr().write_all(text.as_bytes())?;
    if let Err(error) = (row.measure)(site, report) {
        if measure::is_interrupted() {
            return Err(error);
        }
        report.failed(site, &what, &error);
    }
    Ok(())
}
