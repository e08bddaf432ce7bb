//! Which notes answer a question best: by the paths that it asks about, then by its words (BM25), then the newest.

use std::collections::BTreeMap;

use super::words::words;
use super::{Kind, Note, Source};
use crate::error::Refusal;
use crate::scope::{Case, Globs};

/// How soon more of a word counts no more, and how much a long note's words count less: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a path counts that a note names, and one that only lies in the same folder.
const SAME_PATH: u32 = 2;
const SAME_FOLDER: u32 = 1;

/// A note as it is ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(super) name: String,
    /// Days since 1970.
    pub(super) day: i32,
    pub(super) superseded: bool,
    /// Its paths, one a line.
    pub(super) paths: String,
    /// How often each word counts.
    pub(super) words: BTreeMap<String, u32>,
}

impl Document {
    pub(crate) fn of(name: &str, note: &Note) -> Self {
        let mut counted = BTreeMap::new();
        let mut count = |text: &str, weight: u32| {
            for word in words(text) {
                *counted.entry(word).or_default() += weight;
            }
        };
        count(&note.task, 2);
        count(&note.subject, 3);
        count(note.brief.as_deref().unwrap_or_default(), 1);
        for entry in note.told() {
            // The rules of a repository stand in every note of it.
            let is_rule = (entry.kind, entry.source) == (Kind::Constraint, Source::Fact);
            count(&entry.text, if is_rule { 0 } else { 2 });
        }
        let mut paths: Vec<&str> = note.paths().collect();
        paths.sort_unstable();
        paths.dedup();
        for path in &paths {
            count(path, 1);
        }
        counted.retain(|_, count| *count > 0);
        let since = note.date.duration_since(jiff::civil::date(1970, 1, 1));
        Self {
            name: name.to_owned(),
            day: i32::try_from(since.as_hours() / 24).unwrap_or_default(),
            superseded: note.standing.superseded_by.is_some(),
            paths: paths.join("\n"),
            words: counted,
        }
    }

    pub(super) fn length(&self) -> u32 {
        self.words.values().sum()
    }

    /// As far as a question goes.
    pub(crate) fn candidate(&self, question: &Question) -> Candidate<'_> {
        let count = |word: &String| self.words.get(word).copied().unwrap_or_default();
        Candidate {
            name: &self.name,
            day: self.day,
            superseded: self.superseded,
            length: self.length(),
            paths: &self.paths,
            counts: question.words.iter().map(count).collect(),
        }
    }
}

/// A note as far as a question goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate<'n> {
    pub(super) name: &'n str,
    pub(super) day: i32,
    pub(super) superseded: bool,
    pub(super) length: u32,
    pub(super) paths: &'n str,
    /// How often each word of the question counts in it.
    pub(super) counts: Vec<u32>,
}

/// What is asked.
pub(crate) struct Question {
    pub(super) words: Vec<String>,
    paths: Vec<Asked>,
    /// What a path has to be to count at all, where some are taken out (`!GLOB`).
    within: Option<Globs>,
    /// Nothing is asked for but what is newest.
    is_open: bool,
}

/// A path, or a glob of paths, that is asked about.
enum Asked {
    Path(String),
    Glob { globs: Globs, folder: String },
}

impl Question {
    /// A question in words and by paths; what looks like a path among the words is one of these as well. A path that
    /// begins with `!` is taken out of the others, as in a claim.
    ///
    /// # Errors
    /// A refusal for a path that is no valid glob, and for paths that are all taken out.
    pub(crate) fn new(text: &str, paths: &[String]) -> Result<Self, Refusal> {
        let named = text.split_whitespace().filter_map(path_in);
        let (without, paths): (Vec<&str>, Vec<&str>) = paths
            .iter()
            .map(String::as_str)
            .partition(|path| path.starts_with('!'));
        let mut asked = Vec::new();
        for path in &paths {
            asked.push(Asked::of(path)?);
        }
        let every = (!paths.is_empty()).then_some("**");
        let within: Vec<&str> = every.into_iter().chain(without.iter().copied()).collect();
        let within = (!without.is_empty())
            .then(|| Globs::parse(&within, Case::Exact))
            .transpose()?;
        asked.extend(named.map(|path| Asked::Path(path.to_owned())));
        let mut all: Vec<String> = words(text).collect();
        all.extend(paths.iter().flat_map(|path| words(path)));
        all.sort_unstable();
        all.dedup();
        Ok(Self {
            words: all,
            paths: asked,
            within,
            is_open: text.trim().is_empty() && paths.is_empty(),
        })
    }

    /// How near the paths of a note are, one a line, to all that is asked about.
    fn nearness(&self, paths: &str) -> u32 {
        let counts = |path: &&str| self.within.as_ref().is_none_or(|globs| globs.matches(path));
        let paths: Vec<&str> = paths.lines().filter(counts).collect();
        self.paths.iter().map(|asked| asked.nearness(&paths)).sum()
    }
}

/// A word that names a path, less what a sentence puts around it.
fn path_in(word: &str) -> Option<&str> {
    let path = word.trim_matches(|c: char| "`'\"()[]<>,;:!?.".contains(c));
    let path = path.split_once(':').map_or(path, |(path, _)| path);
    let is_path = path.trim_matches('/').contains('/') && !path.contains("//");
    is_path.then(|| path.trim_start_matches('/'))
}

impl Asked {
    fn of(path: &str) -> Result<Self, Refusal> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let path = if matches!(path, "" | ".") { "**" } else { path };
        let Some(wild) = path.find(['*', '?', '[', '{', '!']) else {
            return Ok(Self::Path(path.trim_end_matches('/').to_owned()));
        };
        let folder = path[..wild]
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        Ok(Self::Glob {
            globs: Globs::parse(&[path.to_owned()], Case::Exact)?,
            folder: folder.to_owned(),
        })
    }

    /// How near the paths of a note are; one of them may be a glob.
    fn nearness(&self, paths: &[&str]) -> u32 {
        let near = paths.iter().map(|path| match self {
            Self::Path(asked) if is_at(path, asked) || is_at(asked, literal(path)) => SAME_PATH,
            Self::Path(asked) if folder(asked) == folder(path) && !folder(path).is_empty() => {
                SAME_FOLDER
            }
            Self::Path(_) => 0,
            Self::Glob { globs, .. } if globs.matches(path) => SAME_PATH,
            Self::Glob { folder: asked, .. } if !asked.is_empty() && asked == folder(path) => {
                SAME_FOLDER
            }
            Self::Glob { .. } => 0,
        });
        near.max().unwrap_or_default()
    }
}

/// Whether `path` is `folder` or lies in it.
fn is_at(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    !folder.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder that a glob such as `src/**` names; nothing of any other, and a path is itself.
fn literal(path: &str) -> &str {
    let path = path.strip_suffix("/**").unwrap_or(path);
    if path.contains(['*', '?', '[', '{']) {
        return "";
    }
    path
}

/// A note, and why it is where it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) name: String,
    /// How near it is to the paths that were asked about: 2 for each that it names, 1 for each in the same folder.
    pub(crate) overlap: u32,
    /// BM25 of its words.
    pub(crate) score: f64,
    pub(crate) superseded: bool,
}

/// The notes that answer, best first.
pub(crate) fn rank(question: &Question, candidates: &[Candidate]) -> Vec<Ranked> {
    let rarity = rarities(question, candidates);
    let total: u64 = candidates.iter().map(|c| u64::from(c.length)).sum();
    #[expect(clippy::cast_precision_loss, reason = "it is a mean")]
    let mean = (total as f64 / candidates.len().max(1) as f64).max(1.0);
    let weigh = |candidate: &Candidate| -> f64 {
        let norm = K1 * (1.0 - B + B * f64::from(candidate.length) / mean);
        let counts = candidate.counts.iter().map(|count| f64::from(*count));
        let parts = counts.zip(&rarity);
        parts
            .map(|(count, rarity)| rarity * count * (K1 + 1.0) / (count + norm))
            .sum()
    };
    let mut found: Vec<(Ranked, i32)> = candidates
        .iter()
        .map(|candidate| {
            let ranked = Ranked {
                name: candidate.name.to_owned(),
                overlap: question.nearness(candidate.paths),
                score: weigh(candidate),
                superseded: candidate.superseded,
            };
            (ranked, candidate.day)
        })
        .filter(|(ranked, _)| question.is_open || ranked.overlap > 0 || ranked.score > 0.0)
        .collect();
    found.sort_by(|(one, day), (other, other_day)| {
        let steps_back = one.superseded.cmp(&other.superseded);
        steps_back
            .then(other.overlap.cmp(&one.overlap))
            .then(other.score.total_cmp(&one.score))
            .then(other_day.cmp(day))
            .then_with(|| other.name.cmp(&one.name))
    });
    found.into_iter().map(|(ranked, _)| ranked).collect()
}

/// How much each word of the question tells: the rarer, the more.
fn rarities(question: &Question, candidates: &[Candidate]) -> Vec<f64> {
    let mut having = vec![0_u32; question.words.len()];
    for candidate in candidates {
        for (having, count) in having.iter_mut().zip(&candidate.counts) {
            *having += u32::from(*count > 0);
        }
    }
    let all = f64::from(u32::try_from(candidates.len()).unwrap_or(u32::MAX));
    let rarity = |having: &u32| {
        let having = f64::from(*having);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    };
    having.iter().map(rarity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_of_a_claim_is_not_asked_about() {
        let claim = ["src/**", "!src/generated/**", "docs"].map(str::to_owned);
        let question = Question::new("", &claim).expect("a question");
        assert!(!question.words.iter().any(|word| word == "generated"));
        let candidate = |name, paths| Candidate {
            name,
            day: 0,
            superseded: false,
            length: 1,
            paths,
            counts: vec![0; question.words.len()],
        };
        let ranked = rank(
            &question,
            &[
                candidate("own", "src/a.rs"),
                candidate("other", "src/generated/b.rs"),
                candidate("both", "docs/a\nsrc/generated/b.rs"),
            ],
        );
        let found: Vec<(&str, u32)> = ranked
            .iter()
            .map(|ranked| (ranked.name.as_str(), ranked.overlap))
            .collect();
        assert_eq!(found, [("own", 2), ("both", 2)]);
        let only = Question::new("", &["!src".to_owned()]);
        assert!(only.is_err_and(|refusal| refusal.message.contains("subtracts from nothing")));
    }
}
