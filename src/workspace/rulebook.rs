//! The rules that hold for one task: the organisation's, the repository's, its folders', its own.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::in_force::contract_at;
use super::{InForce, Workspace};
use crate::contract::Contract;
use crate::digest;
use crate::error::Refusal;
use crate::git::Reader;
use crate::oid::Oid;
use crate::rules::{Finding, Rule, RulesFile, Written, is_about_tests, parse_file, says_the_same};
use crate::scope::{Case, Globs};
use crate::task::Task;

/// The name of the file of rules of a folder.
const FOLDER_FILE: &str = "wt.rules.md";
/// How long a file of rules may be, in bytes.
const MOST: u64 = 1 << 20;

/// The rules of a task, in the order in which they stand.
pub(crate) struct Rulebook {
    pub(crate) constraints: Vec<Rule>,
    pub(crate) edits: Vec<Rule>,
    /// What is wrong with the files of rules.
    pub(crate) findings: Vec<Finding>,
    /// Identity, in hex, of all that the contract and the files say.
    pub(crate) hash: String,
}

/// Reads the rules that hold for `task`.
///
/// # Errors
/// A refusal for an included file that is not there or can't be read.
pub(crate) fn rulebook(read: &Reader, in_force: &InForce, task: &Task) -> anyhow::Result<Rulebook> {
    let rules = &in_force.contract.rules;
    let texts = texts(read, &in_force.tree, &rules.include, task)?;
    let mut book = Rulebook {
        constraints: Vec::new(),
        edits: Vec::new(),
        findings: Vec::new(),
        hash: identity(&in_force.rules, &texts),
    };
    let (included, folders): (Vec<_>, Vec<_>) = texts.iter().partition(|t| t.folder.is_none());
    for text in &included {
        book.take_up(text);
    }
    book.take_contract(in_force);
    for text in &folders {
        book.take_up(text);
    }
    let own = task.own_rules.iter();
    book.constraints
        .extend(own.map(|rule| rule_of(rule, "--rule")));
    for rule in book.constraints.iter_mut().chain(&mut book.edits) {
        rule.enforced = is_enforced(&in_force.contract, &rule.text);
    }
    Ok(book)
}

impl Rulebook {
    fn take_up(&mut self, text: &Text) {
        let RulesFile {
            constraints,
            edits,
            findings,
        } = parse_file(&text.name, &text.text);
        let rule = |Written { line, text: rule }: Written| Rule {
            folder: text.folder.clone().filter(|folder| !folder.is_empty()),
            ..rule_of(&rule, &format!("{}:{line}", text.name))
        };
        self.constraints.extend(constraints.into_iter().map(rule));
        self.edits.extend(edits.into_iter().map(rule));
        self.findings.extend(findings);
    }

    /// The contract's rules; one that is checked is a constraint, where it stands nowhere else.
    fn take_contract(&mut self, in_force: &InForce) {
        let rules = &in_force.contract.rules;
        let written = |rule: &String| rule_of(rule, in_force.written_in);
        self.constraints
            .extend(rules.invariants.iter().map(written));
        for check in &rules.checks {
            let said = |rule: &Rule| says_the_same(&rule.text, &check.rule);
            let is_edit = rules
                .edits
                .iter()
                .any(|rule| says_the_same(rule, &check.rule));
            if !is_edit && !self.constraints.iter().chain(&self.edits).any(said) {
                self.constraints.push(written(&check.rule));
            }
        }
        self.edits.extend(rules.edits.iter().map(written));
    }
}

fn rule_of(text: &str, source: &str) -> Rule {
    Rule {
        text: text.to_owned(),
        folder: None,
        source: source.to_owned(),
        enforced: false,
    }
}

fn is_enforced(contract: &Contract, rule: &str) -> bool {
    let rules = &contract.rules;
    (rules.protect_tests && is_about_tests(rule))
        || rules
            .checks
            .iter()
            .any(|check| says_the_same(&check.rule, rule))
}

/// What a contract says of rules, as far as their identity goes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ruling {
    /// [`InForce::rules`].
    rules: String,
    include: Vec<String>,
}

impl Workspace<'_> {
    /// What the contract at a commit of `branch` says of rules.
    ///
    /// # Errors
    /// As [`Workspace::in_force`].
    pub(crate) fn ruling_at(&self, commit: &Oid, branch: &str) -> anyhow::Result<Ruling> {
        let in_force = contract_at(&self.repo.read, commit, branch)?;
        Ok(Ruling {
            rules: in_force.rules,
            include: in_force.contract.rules.include,
        })
    }
}

/// [`Rulebook::hash`] of the rules that hold for `task` at a commit of its target.
///
/// # Errors
/// As [`rulebook`].
pub(crate) fn identity_of_rules(
    read: &Reader,
    commit: &Oid,
    ruling: &Ruling,
    task: &Task,
) -> anyhow::Result<String> {
    let tree = read.tree_of(commit)?;
    let texts = texts(read, &tree, &ruling.include, task)?;
    Ok(identity(&ruling.rules, &texts))
}

/// A file of rules, as it was found.
struct Text {
    /// Where it is, for people.
    name: String,
    /// Of a folder's own file that folder; the root is empty.
    folder: Option<String>,
    text: String,
}

/// The hash of a contract's rules with those of the files.
fn identity(rules: &str, texts: &[Text]) -> String {
    if texts.is_empty() {
        return rules.to_owned();
    }
    let mut fields: Vec<&[u8]> = vec![b"wt rulebook 1", rules.as_bytes()];
    for Text { name, folder, text } in texts {
        let kind: &[u8] = if folder.is_some() {
            b"folder"
        } else {
            b"include"
        };
        fields.extend([kind, name.as_bytes(), text.as_bytes()]);
    }
    digest::hex(&fields)
}

/// The files of rules that hold for `task` by the tree of its target.
fn texts(read: &Reader, tree: &Oid, include: &[String], task: &Task) -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    for name in include {
        let text = match own_path(name, task) {
            Some(path) => on_disk(name, &path)?,
            None => in_tree(read, tree, name)?.ok_or_else(|| {
                Refusal::usage(format!(
                    "the file of rules {name} is not on {}",
                    task.target
                ))
                .hint("commit it there, or take it out of `include` under [rules] in wt.toml")
            })?,
        };
        texts.push(Text {
            name: name.clone(),
            folder: None,
            text,
        });
    }
    for folder in ruled_folders(read, tree, task)? {
        let name = file_of(&folder);
        if let Some(text) = in_tree(read, tree, &name)? {
            let folder = Some(folder);
            texts.push(Text { name, folder, text });
        }
    }
    Ok(texts)
}

fn file_of(folder: &str) -> String {
    match folder {
        "" => FOLDER_FILE.to_owned(),
        folder => format!("{folder}/{FOLDER_FILE}"),
    }
}

/// The nearest folders with a file of rules, upwards from where each glob of the task's claim begins; from the root for
/// a task that claims nothing. The outer ones first.
fn ruled_folders(read: &Reader, tree: &Oid, task: &Task) -> anyhow::Result<Vec<String>> {
    let stems = match &task.owns[..] {
        [] => vec![String::new()],
        owns => Globs::parse(owns, Case::Exact)?.stems(),
    };
    let mut folders: Vec<String> = Vec::new();
    for stem in stems {
        let mut folder = stem.as_str();
        loop {
            if read.file(tree, &file_of(folder))?.is_some() {
                folders.push(folder.to_owned());
                break;
            }
            match folder.rsplit_once('/') {
                Some((above, _)) => folder = above,
                None if folder.is_empty() => break,
                None => folder = "",
            }
        }
    }
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Where an included file of the operator's own lies; none for one of the repository.
fn own_path(name: &str, task: &Task) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name));
    }
    let rest = name.strip_prefix("~/")?;
    // The home of the operator who made the task, whoever calls.
    let home = task.environment.variables.get("HOME");
    Some(Path::new(home.map_or("/", String::as_str)).join(rest))
}

fn in_tree(read: &Reader, tree: &Oid, path: &str) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read.file(tree, path)? else {
        return Ok(None);
    };
    // What it leads to could be changed without anybody's consent.
    if read.is_link(tree, path)? {
        return Err(
            Refusal::refused(format!("the file of rules {path} is a symbolic link"))
                .hint("put a file of its own there, or name under [rules] include in wt.toml where it leads")
                .into(),
        );
    }
    if bytes.len() as u64 > MOST {
        return Err(too_long(path).into());
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn on_disk(name: &str, path: &Path) -> anyhow::Result<String> {
    let refusal = |why: String| {
        Refusal::refused(format!("the file of rules {name} can't be read: {why}"))
            .hint("put it there, or take it out of `include` under [rules] in wt.toml")
    };
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => refusal(format!("there is no {}", path.display())),
        _ => refusal(error.to_string()),
    })?;
    // What is no file, such as a pipe, would be waited for.
    if !metadata.is_file() {
        return Err(refusal("it is no file".to_owned()).into());
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.map_err(|error| refusal(error.to_string()))?;
    if bytes.len() as u64 > MOST {
        return Err(too_long(name).into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn too_long(name: &str) -> Refusal {
    Refusal::refused(format!("the file of rules {name} is longer than 1 MB"))
        .hint("no agent reads that much: keep to what holds for every task")
}
