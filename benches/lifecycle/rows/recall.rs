//! What is remembered: how long an answer takes among many notes, and whether it is the right one.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::Site;
use crate::contest::Contest;
use crate::measure::take;
use crate::project::{Project, Text};
use crate::questions::{load, mean, remember};
use crate::table::Report;

const NOTES: usize = 10_000;
/// How long an answer may take among so many.
const MOST: Duration = Duration::from_millis(50);
/// The part of the answers that are to be among the first five.
const LEAST: f64 = 0.9;

/// An answer among many notes, against looking for a word in each; then the recorded questions.
pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = Project::make(site.ground, "project-of-notes", site.files)?;
    let memory = project.state().join("memory");
    fs::create_dir_all(&memory)?;
    for number in 0..NOTES {
        let name = format!("{}-task-{number}", day(number));
        fs::write(memory.join(format!("{name}.md")), note(number))?;
    }
    let ask = [
        "recall",
        "--path",
        "packages/p7/unit-1/file-3.txt",
        "a token that expires early",
    ];
    let mut asked = Contest::against("grep -l in each", None).and("/bin/true", None);
    for round in site.rounds() {
        for who in asked.turns(round) {
            let took = match who {
                0 => take(&mut project.wt(&ask))?,
                1 => {
                    let memory = memory.to_str().context("a path")?;
                    take(&mut project.command("grep", &["-rlw", "token", memory]))?
                }
                _ => take(&mut project.command("/bin/true", &[]))?,
            };
            asked.note(round, who, took);
        }
    }
    report.times_within(site, &format!("recall, {NOTES} notes"), &asked, MOST);
    fs::remove_dir_all(&memory)?;
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/memory");
    remember(&set, &project.state());
    let mut parts = Vec::new();
    for question in load(&set) {
        let answer = project.wt(&question.args()).output()?;
        parts.push(question.recall(&serde_json::from_slice(&answer.stdout)?));
    }
    report.share(site, "recall at 5", mean(&parts), LEAST);
    Ok(())
}

fn day(number: usize) -> String {
    format!(
        "20{:02}-{:02}-{:02}",
        10 + number % 15,
        1 + number % 12,
        1 + number % 28
    )
}

/// A note of about 1.5 kB.
fn note(number: usize) -> String {
    let mut chance = Text::seeded(number);
    let mut line = |length| {
        chance
            .of_length(length)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let subject = match number % 100 {
        0 => "A token that expires early".to_owned(),
        _ => line(50),
    };
    let mut text = format!(
        "---\nwt-note: 1\ntask: task-{number}\nspawned: {0}T00:00:00Z\ndate: {0}\noutcome: landed\ntarget: main\nruns: 1\nchanged: 5\n---\n\n# {1}\n\n## Files changed\n\n",
        day(number),
        subject
    );
    for file in 0..5 {
        let _ = writeln!(
            text,
            "- M packages/p{}/unit-1/file-{file}.txt",
            number % 500
        );
    }
    for heading in ["Root cause", "Decisions", "Rejected approaches"] {
        let _ = write!(text, "\n## {heading}\n\n");
        for _ in 0..2 {
            let _ = writeln!(text, "- (agent) {}", line(180));
        }
    }
    text
}
