//! A branch as it grew: its tip, that commit's first parent, and so on.

use anyhow::Context as _;

use super::read::{Reader, records};
use crate::oid::Oid;

/// One commit of a branch's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) commit: Oid,
    pub(crate) tree: Oid,
    /// When it was committed, in seconds since 1970.
    pub(crate) seconds: i64,
    pub(crate) author: String,
    pub(crate) subject: String,
    /// The values of the trailers that were asked for, in that order; one that stands there twice has both, one that
    /// is missing is empty.
    pub(crate) trailers: Vec<String>,
}

impl Reader {
    /// The last `most` commits of the branch at `tip`, newest first, with the values of these trailers.
    pub(crate) fn first_parents(
        &self,
        tip: &Oid,
        most: usize,
        trailers: &[&str],
    ) -> anyhow::Result<Vec<Step>> {
        let mut format = "--format=%H%x1f%T%x1f%ct".to_owned();
        for name in trailers {
            format.push_str(&format!(
                "%x1f%(trailers:key={name},valueonly,unfold,separator=%x20)"
            ));
        }
        format.push_str("%x1f%an%x1f%s");
        let bytes = self
            .git
            .command(["log", "-z", "--first-parent", "--no-show-signature"])
            .arg("--encoding=UTF-8")
            .arg(format!("--max-count={most}"))
            .arg(format)
            .arg(tip.as_str())
            .bytes()?;
        records(&bytes)
            .map(|record| {
                let text = String::from_utf8_lossy(record);
                step(&text, trailers.len()).with_context(|| format!("git log answered {text:?}"))
            })
            .collect()
    }

    /// The branch's own commits whose message has a line that begins with `name` and a colon, newest first, each with
    /// its whole message.
    pub(crate) fn first_parents_saying(
        &self,
        tip: &Oid,
        name: &str,
    ) -> anyhow::Result<Vec<(Oid, String)>> {
        let bytes = self
            .git
            .command(["log", "-z", "--first-parent", "--no-show-signature"])
            .args(["--encoding=UTF-8", "--basic-regexp", "--format=%H%n%B"])
            .arg(format!("--grep=^{name}:"))
            .arg(tip.as_str())
            .bytes()?;
        let commit = |record: &[u8]| {
            let text = String::from_utf8_lossy(record);
            let found = text
                .split_once('\n')
                .and_then(|(commit, message)| Some((Oid::parse(commit).ok()?, message.to_owned())));
            found.context("git log answered something else")
        };
        records(&bytes).map(commit).collect()
    }
}

fn step(record: &str, trailers: usize) -> Option<Step> {
    let mut fields = record.splitn(5 + trailers, '\u{1f}');
    Some(Step {
        commit: Oid::parse(fields.next()?).ok()?,
        tree: Oid::parse(fields.next()?).ok()?,
        seconds: fields.next()?.parse().ok()?,
        trailers: fields
            .by_ref()
            .take(trailers)
            .map(|value| value.trim().to_owned())
            .collect(),
        author: fields.next()?.to_owned(),
        subject: fields.next()?.to_owned(),
    })
}
