//! A large build folder that comes along, on a filesystem that can share what it holds.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::Site;
use crate::contest::Contest;
use crate::ground::Filesystem;
use crate::measure::{run, take};
use crate::project::{Project, Text};
use crate::table::Report;

const CONTRACT: &str = "[[gate]]\nname = \"true\"\nkind = \"check\"\nrun = \"true\"\n\
                        [worktree]\nwarm = [\"target\"]\nsetup = []\n[env]\nfingerprint = []\n";
/// A package that cargo can build without a network.
const PACKAGE: [(&str, &str); 4] = [
    ("wt.toml", CONTRACT),
    (".gitignore", "/target\n"),
    (
        "Cargo.toml",
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    ),
    ("src/main.rs", "fn main() {}\n"),
];
const MEGABYTE: usize = 1_000_000;

pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = Project::with(site.ground, "project-with-target", site.files, &PACKAGE)?;
    let main = project.beside("project-with-target");
    let has_cargo = build(&project, &main)?.is_some();
    fill(&main.join("target/filling"), site.wanted.warm)?;
    let bar = (site.ground.filesystem() != Filesystem::Ext4).then_some(0.05);
    let mut contest = Contest::against("cp -r target", bar);
    for round in site.rounds() {
        let (task, copy) = (
            format!("warm-{round}"),
            project.beside(&format!("copy-{round}")),
        );
        for who in contest.turns(round) {
            let took = if who == 0 {
                take(&mut project.wt(&["spawn", &task]))?
            } else {
                take(
                    project
                        .command("cp", &["-r", "--reflink=never", "target"])
                        .arg(&copy),
                )?
            };
            contest.note(round, who, took);
        }
        let came = project.worktree(&task).join("target/filling");
        let count = fs::read_dir(&came).map(Iterator::count);
        ensure!(
            count.is_ok_and(|count| count == site.wanted.warm),
            "target/ did not come along"
        );
        if round == 0 && has_cargo {
            let built = build(&project, &project.worktree(&task))?;
            report.count(site, "cargo build after it: crates built", built);
        }
        run(&mut project.wt(&["rm", "--force", &task]))?;
        fs::remove_dir_all(&copy)?;
    }
    report.times(
        site,
        &format!("spawn with a warm target/ of {} MB", site.wanted.warm),
        &contest,
    );
    Ok(())
}

/// Builds the package; answers how many crates that took, or nothing where there is no cargo.
fn build(project: &Project, at: &Path) -> anyhow::Result<Option<usize>> {
    let mut cargo = project.command("cargo", &["build", "--offline"]);
    cargo.current_dir(at);
    let home = std::env::var_os("HOME").unwrap_or_default();
    // Where rustup keeps its toolchains is the machine's own.
    let rustup =
        std::env::var_os("RUSTUP_HOME").unwrap_or_else(|| Path::new(&home).join(".rustup").into());
    cargo.env("RUSTUP_HOME", rustup);
    if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
        cargo.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    let Ok(output) = cargo.output() else {
        return Ok(None);
    };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo build: {said}");
    Ok(Some(said.matches("Compiling ").count()))
}

/// Writes that many megabytes, in files of one each.
fn fill(folder: &Path, megabytes: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut text = Text::seeded(megabytes).of_length(MEGABYTE).into_bytes();
    for number in 0..megabytes {
        text[..8].copy_from_slice(format!("{number:08}").as_bytes());
        let path = folder.join(format!("{number}.rlib"));
        fs::write(&path, &text).with_context(|| format!("can't write {}", path.display()))?;
    }
    run(Command::new("sync").current_dir(folder))
}
