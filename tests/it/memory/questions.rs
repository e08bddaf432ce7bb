//! The recorded questions and what answers them; the benchmark reads them as well.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// How many notes are looked at.
const FIRST: usize = 5;

/// One question.
pub(crate) struct Question {
    pub(crate) words: String,
    paths: Vec<String>,
    /// The tasks whose notes answer it.
    answers: Vec<String>,
}

/// The questions of a recorded set, a line each.
pub(crate) fn load(set: &Path) -> Vec<Question> {
    let text = fs::read_to_string(set.join("questions.tsv")).expect("the questions");
    let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let question = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [words, paths, answers] = fields[..] else {
            panic!("{line:?} is no question");
        };
        Question {
            words: words.to_owned(),
            paths: list(paths),
            answers: list(answers),
        }
    };
    text.lines().map(question).collect()
}

/// Puts the notes of a recorded set into the state of a repository; answers how many there are.
pub(crate) fn remember(set: &Path, state: &Path) -> usize {
    let memory = state.join("memory");
    fs::create_dir_all(&memory).expect("made");
    let mut count = 0;
    for file in fs::read_dir(set.join("notes")).expect("the notes") {
        let file = file.expect("a note");
        fs::copy(file.path(), memory.join(file.file_name())).expect("copied");
        count += 1;
    }
    count
}

impl Question {
    /// As `wt` is asked it.
    pub(crate) fn args(&self) -> Vec<&str> {
        let mut args = vec!["recall", "--json", "--budget", "10000"];
        for path in &self.paths {
            args.extend(["--path", path]);
        }
        args.extend(["--", &self.words]);
        args
    }

    /// The part of its answers among the first five notes that `wt` tells.
    pub(crate) fn recall(&self, answer: &Value) -> f64 {
        let told = answer["notes"].as_array().expect("notes").iter();
        let told: Vec<&str> = told
            .take(FIRST)
            .map(|note| note["task"].as_str().expect("a task"))
            .collect();
        let found = self
            .answers
            .iter()
            .filter(|task| told.contains(&task.as_str()));
        #[allow(clippy::cast_precision_loss, reason = "they are few")]
        let part = found.count() as f64 / self.answers.len() as f64;
        part
    }
}

/// The mean of what each question found.
pub(crate) fn mean(parts: &[f64]) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "they are few")]
    let count = parts.len() as f64;
    parts.iter().sum::<f64>() / count
}
