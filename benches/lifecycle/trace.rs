//! What a command asks of the kernel, counted by strace in a run of its own that is not timed.

use std::process::Command;

use anyhow::{Context as _, ensure};

/// The traced calls of a command and of all that it starts, a line each; nothing where there is no strace. What it reads
/// is given as a file.
pub(crate) fn calls(
    command: &Command,
    traced: &str,
    stdin: Option<&std::path::Path>,
) -> anyhow::Result<Option<Vec<String>>> {
    let log = tempfile::NamedTempFile::new_in("/tmp")?;
    let mut strace = Command::new("strace");
    strace
        .args([
            "-f",
            "-qq",
            "-s",
            "4096",
            "-e",
            &format!("trace={traced}"),
            "-o",
        ])
        .arg(log.path())
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().context("a folder")?);
    if let Some(file) = stdin {
        strace.stdin(std::fs::File::open(file)?);
    }
    let output = match strace.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} under strace: {said}");
    let text = std::fs::read_to_string(log.path())?;
    Ok(Some(text.lines().map(str::to_owned).collect()))
}
