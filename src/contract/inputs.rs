//! The judge's inputs: the files, and parts of files, that give the words of the gate their meaning.

use std::collections::BTreeSet;

use super::check;
use super::read::Flaw;
use crate::error::Refusal;
use crate::scope::{Case, Globs};

/// What counts in every repository, whatever its contract says.
const ALWAYS: [&str; 9] = [
    "**/.gitattributes",
    "**/AGENTS.md",
    "**/CLAUDE.md",
    "**/wt.rules.md",
    ".claude/**",
    ".envrc",
    ".husky/**",
    ".mcp.json",
    "wt.toml",
];

/// `inputs` and those that always count: sorted, each once.
pub(super) fn with_always(inputs: Vec<String>) -> Vec<String> {
    let always = ALWAYS.iter().map(|glob| (*glob).to_owned());
    let all: BTreeSet<String> = inputs.into_iter().chain(always).collect();
    all.into_iter().collect()
}

/// `inputs` less those that always count.
pub(super) fn without_always(inputs: &[String]) -> Vec<String> {
    let chosen = |input: &&String| !ALWAYS.contains(&input.as_str());
    inputs.iter().filter(chosen).cloned().collect()
}

/// Refuses what is no glob and no `glob#key` of a file with keys.
pub(super) fn check_input(input: String) -> Result<String, Flaw> {
    let Some((pattern, key)) = input.split_once('#') else {
        return check::glob(input);
    };
    check::glob(pattern.to_owned())?;
    let flaw = |why: &str| Flaw::new(format!("holds `{input}`: {why}"));
    if pattern.starts_with('!') {
        return Err(flaw("a part of a file can't be subtracted"));
    }
    let Some(format) = Format::of(pattern) else {
        return Err(flaw("only .toml, .json, .cfg and .ini files have parts")
            .hint("name the whole file instead"));
    };
    if key.is_empty() || (format != Format::Ini && key.split('.').any(str::is_empty)) {
        return Err(flaw("the key after `#` is empty"));
    }
    Ok(input)
}

/// Tells whether a changed path changes what the gate means.
#[derive(Debug)]
pub(crate) struct JudgeInputs {
    /// With what is subtracted from them.
    whole: Globs,
    always: Globs,
    /// Folders that inputs lie in. A change *at* one (it became a symbolic link, say) changes the input.
    folders: BTreeSet<String>,
    /// Each with what is subtracted from it, and its key.
    parts: Vec<(Globs, String)>,
}

impl JudgeInputs {
    /// From [`Judge::inputs`](super::Judge::inputs). `!glob` subtracts, but never from what always counts.
    ///
    /// # Errors
    /// A usage refusal for a glob that a contract's parser would have refused.
    pub(crate) fn parse(inputs: &[String]) -> Result<Self, Refusal> {
        let (subtracted, added): (Vec<&str>, Vec<&str>) = inputs
            .iter()
            .map(String::as_str)
            .chain(ALWAYS)
            .partition(|input| input.starts_with('!'));
        let globs = |patterns: &[&str]| {
            let all: Vec<&str> = patterns.iter().chain(&subtracted).copied().collect();
            Globs::parse(&all, Case::Exact)
        };
        let mut whole = Vec::new();
        let mut parts = Vec::new();
        let mut folders = BTreeSet::new();
        for input in added {
            let (pattern, key) = input
                .split_once('#')
                .map_or((input, None), |(p, k)| (p, Some(k)));
            match key {
                Some(key) => parts.push((globs(&[pattern])?, key.to_owned())),
                None => whole.push(pattern),
            }
            folders.extend(literal_folders(pattern).map(str::to_owned));
        }
        Ok(Self {
            whole: globs(&whole)?,
            always: Globs::parse(&ALWAYS, Case::Exact)?,
            folders,
            parts,
        })
    }

    /// Whether a change of `path` from `before` to `after` changes what the gate means. `None`: no such
    /// file. The contents count only where [`wants_content`](Self::wants_content) says so.
    pub(crate) fn touched(&self, path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> bool {
        self.counts_whole(path)
            || self.keys(path).any(|key| {
                let part = |bytes: Option<&[u8]>| Part::read(path, key, bytes);
                match (part(before), part(after)) {
                    (Some(before), Some(after)) => before != after,
                    _ => true,
                }
            })
    }

    /// Whether only parts of `path` count, so that its contents decide.
    pub(crate) fn wants_content(&self, path: &str) -> bool {
        !self.counts_whole(path) && self.keys(path).next().is_some()
    }

    fn counts_whole(&self, path: &str) -> bool {
        self.always.matches(path) || self.folders.contains(path) || self.whole.matches(path)
    }

    fn keys(&self, path: &str) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .filter(move |(globs, _)| globs.matches(path))
            .map(|(_, key)| key.as_str())
    }
}

/// The folders that a pattern names literally: `a` and `a/b` of `a/b/c*`.
fn literal_folders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .match_indices('/')
        .map(|(at, _)| &pattern[..at])
        .take_while(|folder| !folder.contains(['*', '?', '[', '{', '\\']))
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Toml,
    Json,
    Ini,
}

impl Format {
    fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "toml" => Some(Format::Toml),
            "json" => Some(Format::Json),
            "cfg" | "ini" => Some(Format::Ini),
            _ => None,
        }
    }
}

/// What stands at one key of one file.
#[derive(PartialEq)]
enum Part {
    Absent,
    Toml(toml::Value),
    Json(serde_json::Value),
    /// The lines of an INI section that say something.
    Lines(Vec<String>),
}

impl Part {
    /// `None` when the file can't be read as what its name says.
    fn read(path: &str, key: &str, bytes: Option<&[u8]>) -> Option<Self> {
        let Some(bytes) = bytes else {
            return Some(Part::Absent);
        };
        let text = std::str::from_utf8(bytes).ok()?;
        let keys = || key.split('.');
        Some(match Format::of(path)? {
            Format::Toml => {
                let root = toml::Value::Table(text.parse().ok()?);
                let found = keys().try_fold(&root, |value, key| value.get(key));
                found.cloned().map_or(Part::Absent, Part::Toml)
            }
            Format::Json => {
                let root: serde_json::Value = serde_json::from_str(text).ok()?;
                let found = keys().try_fold(&root, |value, key| value.get(key));
                found.cloned().map_or(Part::Absent, Part::Json)
            }
            Format::Ini => match ini_section(text, key) {
                lines if lines.is_empty() => Part::Absent,
                lines => Part::Lines(lines.into_iter().map(str::to_owned).collect()),
            },
        })
    }
}

/// The lines below `[name]` up to the next header, without blank lines and comments.
pub(super) fn ini_section<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(header) = line.strip_prefix('[') {
            inside = header.split(']').next().map(str::trim) == Some(name);
        } else if inside && !line.is_empty() && !line.trim_start().starts_with(['#', ';']) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(list: &[&str]) -> JudgeInputs {
        let list = list.iter().map(|input| (*input).to_owned()).collect();
        JudgeInputs::parse(&with_always(list)).unwrap()
    }

    #[test]
    fn what_always_counts_can_not_be_subtracted() {
        let inputs = inputs(&["!**/CLAUDE.md", "ci", "!ci/notes/**", ".cargo/**"]);
        for path in [
            "CLAUDE.md",
            "a/b/CLAUDE.md",
            "x/.gitattributes",
            ".husky/pre-commit",
            "wt.toml",
        ] {
            assert!(inputs.touched(path, None, None), "{path}");
        }
        assert!(inputs.touched("ci/run", None, None));
        assert!(!inputs.touched("ci/notes/a.md", None, None));
        assert!(!inputs.touched("docs/wt.toml", None, None));
        assert!(!inputs.touched("claude.md", None, None));
    }

    #[test]
    fn a_folder_of_inputs_that_becomes_a_link_counts() {
        let inputs = inputs(&[".cargo/**", "web/conf/jest.json#jest"]);
        for path in [".cargo", ".claude", "web", "web/conf"] {
            assert!(inputs.touched(path, None, Some(b"../elsewhere")), "{path}");
        }
        assert!(!inputs.touched("web/index.html", None, Some(b"")));
    }

    #[test]
    fn a_part_counts_by_its_value_and_not_by_its_text() {
        let inputs = inputs(&[
            "package.json#scripts",
            "**/pyproject.toml#tool.pytest",
            "setup.cfg#tool:pytest",
        ]);
        let touched = |path: &str, before: &str, after: &str| {
            assert!(inputs.wants_content(path), "{path}");
            inputs.touched(path, Some(before.as_bytes()), Some(after.as_bytes()))
        };
        let json = r#"{"version": "1", "scripts": {"test": "jest"}}"#;
        assert!(!touched(
            "package.json",
            json,
            r#"{"scripts":{"test":"jest"},"version":"2"}"#
        ));
        assert!(touched(
            "package.json",
            json,
            r#"{"scripts":{"test":"true"}}"#
        ));
        assert!(touched("package.json", json, "{}"));
        assert!(touched("package.json", json, "../other.json"));

        let toml = "[tool.pytest.ini_options]\naddopts = '-q'\n";
        let path = "api/pyproject.toml";
        assert!(!touched(
            path,
            toml,
            "[project]\nname='x'\n[tool.pytest]\nini_options.addopts = \"-q\""
        ));
        assert!(touched(
            path,
            toml,
            "tool.pytest.ini_options.addopts = '--collect-only'"
        ));
        assert!(touched(path, toml, "tool = ["));

        let cfg = "[metadata]\nname = x\n[tool:pytest]\naddopts = -q\n";
        assert!(!touched(
            "setup.cfg",
            cfg,
            "[tool:pytest]\n# quiet\naddopts = -q  \n[metadata]\n"
        ));
        assert!(touched(
            "setup.cfg",
            cfg,
            "[tool:pytest]\naddopts = -q\n  -k nothing\n"
        ));

        assert!(inputs.touched("package.json", None, Some(json.as_bytes())));
        assert!(inputs.touched("package.json", Some(json.as_bytes()), None));
        assert!(!inputs.touched("package.json", None, Some(b"{}")));
        assert!(!inputs.wants_content("web/package.json"));
    }
}
