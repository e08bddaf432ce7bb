//! What a shell's command line would do, as far as its text tells: best effort.

mod files;
mod git;
mod operator;
mod reader;
mod tools;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reader::{Piece, Simple, Word, read};

use super::patch;
use super::wish::Wish;

/// How deep scripts within scripts are read.
const DEPTH: usize = 6;

/// What a script would do in `folder`, which is one from that of the call; `known` are the variables whose values are
/// told.
pub(super) fn wishes(script: &str, folder: &str, known: &BTreeMap<&str, String>) -> Vec<Wish> {
    let mut walk = Walk {
        known,
        folders: vec![Some(folder.to_owned())],
        depth: 0,
        found: Vec::new(),
    };
    walk.script(script);
    walk.found
}

struct Walk<'k> {
    known: &'k BTreeMap<&'k str, String>,
    /// The folder of each shell within a shell, from that of the call; nothing where it can't be told.
    folders: Vec<Option<String>>,
    depth: usize,
    found: Vec<Wish>,
}

impl Walk<'_> {
    fn script(&mut self, script: &str) {
        if self.depth == DEPTH {
            return;
        }
        self.depth += 1;
        let open = self.folders.len();
        for piece in read(script, self.known) {
            match piece {
                Piece::Enter => self.folders.push(self.folder().map(str::to_owned)),
                Piece::Leave if self.folders.len() > open => {
                    self.folders.pop();
                }
                Piece::Leave => {}
                Piece::Command(command) => self.command(&command),
            }
        }
        self.folders.truncate(open);
        self.depth -= 1;
    }

    /// A script that a shell of its own runs.
    fn script_aside(&mut self, script: &str) {
        self.folders.push(self.folder().map(str::to_owned));
        self.script(script);
        self.folders.pop();
    }

    fn folder(&self) -> Option<&str> {
        self.folders.last()?.as_deref()
    }

    fn go_to(&mut self, folder: Option<String>) {
        if let Some(last) = self.folders.last_mut() {
            *last = folder;
        }
    }

    /// A path from the folder of the call, where both are known.
    fn path(&self, word: &Word) -> Option<String> {
        (word.plain && !word.text.is_empty()).then_some(())?;
        if word.text.starts_with('/') {
            return Some(word.text.clone());
        }
        match self.folder()? {
            "" => Some(word.text.clone()),
            folder => Some(format!("{folder}/{}", word.text)),
        }
    }

    fn command(&mut self, command: &Simple) {
        // The commonest of all: nothing need be looked up for it.
        let files = command
            .writes
            .iter()
            .filter(|word| word.text != "/dev/null");
        for word in files {
            let path = self.path(word);
            self.found.extend(path.map(Wish::Write));
        }
        let words = unwrapped(&command.words);
        let Some((program, words)) = words.split_first() else {
            return;
        };
        let name = program.text.rsplit('/').next().unwrap_or_default();
        match name {
            "cd" | "pushd" => {
                let word = words.iter().find(|word| !word.text.starts_with('-'));
                let home = || self.known.get("HOME").cloned();
                let folder = word.map_or_else(home, |word| self.path(word));
                let back = words.iter().any(|word| word.text == "-");
                self.go_to(folder.filter(|_| !back));
            }
            "popd" => self.go_to(None),
            "eval" => {
                let script: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                self.script(&script.join(" "));
            }
            "sh" | "bash" | "dash" | "zsh" | "ksh" => {
                if let Some(script) = script_of(words, command.body.as_deref()) {
                    self.script_aside(script);
                }
            }
            "git" => git::judge(self, words),
            "wt" | "git-wt" => operator::judge(self, words),
            "apply_patch" | "applypatch" => {
                let text = words.first().map(|word| word.text.as_str());
                let text = text.or(command.body.as_deref()).unwrap_or_default();
                let wishes = patch::wishes(text).unwrap_or_default();
                let folder = self.folder().map(str::to_owned);
                self.found.extend(
                    wishes
                        .into_iter()
                        .filter_map(|wish| below(folder.as_deref()?, wish)),
                );
            }
            _ => {
                files::judge(self, name, words);
                tools::judge(self, name, words);
            }
        }
    }
}

/// A wish of a patch that is applied in `folder`.
fn below(folder: &str, wish: Wish) -> Option<Wish> {
    let path = |path: String| {
        if folder.is_empty() || path.starts_with('/') {
            path
        } else {
            format!("{folder}/{path}")
        }
    };
    match wish {
        Wish::Write(inner) => Some(Wish::Write(path(inner))),
        Wish::Remove(inner) => Some(Wish::Remove(path(inner))),
        _ => None,
    }
}

/// The script that a shell is given in words, or to read.
fn script_of<'w>(words: &'w [Word], body: Option<&'w str>) -> Option<&'w str> {
    let is_option = |word: &&Word| word.text.starts_with(['-', '+']);
    let options = words.iter().take_while(is_option).count();
    let given = words[..options]
        .iter()
        .any(|word| !word.text.starts_with("--") && word.text.contains('c'));
    match words.get(options) {
        Some(script) if given => Some(&script.text),
        None => body,
        Some(_) => None,
    }
}

/// Programs that run the command that follows their options, with the options that take a word, and how many words
/// of their own stand before the command.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("builtin", &[], 0),
    ("command", &[], 0),
    ("doas", &["-u", "-C"], 0),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("exec", &["-a"], 0),
    ("ionice", &["-c", "-n"], 0),
    ("nice", &["-n"], 0),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    (
        "sudo",
        &["-u", "-g", "-h", "-p", "-C", "-D", "-T", "-r", "-t", "-U"],
        0,
    ),
    ("time", &["-f", "-o"], 0),
    ("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    (
        "xargs",
        &["-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E"],
        0,
    ),
];

/// A command without the assignments and the programs that stand before it.
fn unwrapped(words: &[Word]) -> &[Word] {
    let mut words = words;
    loop {
        let assignments = words.iter().take_while(|word| is_assignment(&word.text));
        words = &words[assignments.count()..];
        let Some((first, rest)) = words.split_first() else {
            return words;
        };
        let name = first.text.rsplit('/').next().unwrap_or_default();
        let Some((_, valued, own)) = WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name) else {
            return words;
        };
        let mut rest = rest;
        while let Some((option, more)) = rest.split_first().filter(|(w, _)| w.text.starts_with('-'))
        {
            if name == "command" && ["-v", "-V"].contains(&option.text.as_str()) {
                return &[];
            }
            let taken = usize::from(valued.contains(&option.text.as_str()));
            rest = more.get(taken..).unwrap_or_default();
            if option.text == "--" {
                break;
            }
        }
        words = rest.get(*own..).unwrap_or_default();
    }
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
