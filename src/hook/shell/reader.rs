//! A shell's command line as simple commands: quotes, substitutions, redirections, here-documents.
//!
//! It reads what `sh`, bash and zsh have in common. What it can't tell (a variable, a glob) makes a word that is not
//! plain; what it does not know at all it passes over.

mod word;

use std::collections::BTreeMap;

/// One word of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// What it stands for; where that can't be told, as it was written.
    pub(super) text: String,
    /// Whether the text is what the shell would make of it.
    pub(super) plain: bool,
    /// Whether no part of it was quoted.
    pub(super) bare: bool,
}

/// One command with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) words: Vec<Word>,
    /// The files that its output goes to.
    pub(super) writes: Vec<Word>,
    /// What it reads from the script itself.
    pub(super) body: Option<String>,
}

/// A script, in the order in which it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Command(Simple),
    /// A shell of its own begins: what it changes of its surroundings ends with it.
    Enter,
    Leave,
}

/// Reads a script; `known` are the variables whose values are told.
pub(super) fn read(script: &str, known: &BTreeMap<&str, String>) -> Vec<Piece> {
    let mut reader = Reader {
        text: script.chars().collect(),
        at: 0,
        known,
        pieces: Vec::new(),
        bodies: Vec::new(),
        depth: 0,
    };
    reader.script(false);
    reader.pieces
}

/// How deep substitutions within substitutions are read: what no person writes must not exhaust the stack.
const DEPTH: usize = 50;

const KEYWORDS: [&str; 14] = [
    "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!", "{", "}",
    "time",
];

struct Reader<'k> {
    text: Vec<char>,
    at: usize,
    known: &'k BTreeMap<&'k str, String>,
    pieces: Vec<Piece>,
    /// Here-documents whose lines are still to come.
    bodies: Vec<Body>,
    depth: usize,
}

struct Body {
    /// The piece that reads it, once that is whole.
    piece: Option<usize>,
    end: String,
    strips_tabs: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn takes(&mut self, what: &str) -> bool {
        let there = what
            .chars()
            .enumerate()
            .all(|(n, c)| self.peek(n) == Some(c));
        if there {
            self.at += what.chars().count();
        }
        there
    }

    /// Reads up to the end, or past the parenthesis that closes it.
    fn script(&mut self, parenthesised: bool) {
        let mut command = Simple::default();
        let mut depth = 0;
        while let Some(c) = self.peek(0) {
            let in_test = command
                .words
                .first()
                .is_some_and(|w| w.bare && w.text == "[[")
                && command.words.last().is_none_or(|w| w.text != "]]");
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '<' | '>' | '(' | ')' | '&' | '|' if in_test => self.at += 1,
                '\n' => {
                    self.at += 1;
                    self.finish(&mut command);
                    self.read_bodies();
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 1;
                    self.redirect(&mut command);
                }
                ';' | '&' | '|' => {
                    self.at += 1;
                    self.finish(&mut command);
                }
                '#' => self.skip_line(),
                '(' => self.open(&mut command, &mut depth),
                ')' => {
                    self.at += 1;
                    if depth > 0 {
                        depth -= 1;
                        self.finish(&mut command);
                        self.pieces.push(Piece::Leave);
                    } else if parenthesised {
                        self.finish(&mut command);
                        return;
                    } else {
                        // The pattern of a `case`.
                        command = Simple::default();
                    }
                }
                '<' | '>' => self.redirect(&mut command),
                _ => self.next_word(&mut command),
            }
        }
        self.finish(&mut command);
    }

    fn next_word(&mut self, command: &mut Simple) {
        let word = self.word();
        let is_descriptor = matches!(self.peek(0), Some('<' | '>'))
            && word.bare
            && word.text.bytes().all(|b| b.is_ascii_digit());
        let is_keyword =
            command.words.is_empty() && word.bare && KEYWORDS.contains(&word.text.as_str());
        if !is_descriptor && !is_keyword {
            command.words.push(word);
        }
    }

    /// What an opening parenthesis begins: arithmetic, a function, a list of values, or a shell.
    fn open(&mut self, command: &mut Simple, depth: &mut usize) {
        let last = command.words.last().map(|word| word.text.as_str());
        match last {
            None if self.peek(1) == Some('(') => self.skip_past("))"),
            None => {
                self.at += 1;
                *depth += 1;
                self.pieces.push(Piece::Enter);
            }
            Some(_) if self.peek(1) == Some(')') => {
                self.at += 2;
                *command = Simple::default();
            }
            Some(_) => self.skip_past(")"),
        }
    }

    fn finish(&mut self, command: &mut Simple) {
        let command = std::mem::take(command);
        for body in self.bodies.iter_mut().filter(|body| body.piece.is_none()) {
            body.piece = Some(self.pieces.len());
        }
        if command != Simple::default() {
            self.pieces.push(Piece::Command(command));
        }
    }

    fn read_bodies(&mut self) {
        for body in std::mem::take(&mut self.bodies) {
            let mut lines = String::new();
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let length = rest.iter().position(|c| *c == '\n');
                let line: String = rest[..length.unwrap_or(rest.len())].iter().collect();
                self.at += length.map_or(rest.len(), |length| length + 1);
                let line = if body.strips_tabs {
                    line.trim_start_matches('\t')
                } else {
                    &line
                };
                if line == body.end {
                    break;
                }
                lines += line;
                lines.push('\n');
            }
            if let Some(Piece::Command(command)) =
                body.piece.and_then(|piece| self.pieces.get_mut(piece))
            {
                command.body = Some(lines);
            }
        }
    }

    /// Reads a redirection, its descriptor already taken.
    fn redirect(&mut self, command: &mut Simple) {
        if self.takes("<<<") {
            self.skip_blanks();
            command.body = Some(self.word().text);
        } else if self.takes("<<") {
            let strips_tabs = self.takes("-");
            self.skip_blanks();
            let end = self.word().text;
            self.bodies.push(Body {
                piece: None,
                end,
                strips_tabs,
            });
            // A command may be nothing but its redirection.
            command.body.get_or_insert_with(String::new);
        } else if self.takes("<(") || self.takes(">(") {
            self.nested();
            command.words.push(Word::default());
        } else if self.takes("<&") {
            self.word();
        } else {
            let reads = self.peek(0) == Some('<') && self.peek(1) != Some('>');
            let duplicates = self.peek(1) == Some('&');
            while matches!(self.peek(0), Some('<' | '>' | '|' | '&')) {
                self.at += 1;
            }
            self.skip_blanks();
            let word = self.word();
            let is_descriptor =
                duplicates && word.text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            if !reads && !is_descriptor {
                command.writes.push(word);
            }
        }
    }

    /// Reads a script within this one, up to its closing parenthesis.
    fn nested(&mut self) {
        if self.depth == DEPTH {
            self.at = self.text.len();
            return;
        }
        self.depth += 1;
        self.pieces.push(Piece::Enter);
        let waiting = std::mem::take(&mut self.bodies);
        self.script(true);
        self.bodies = waiting;
        self.pieces.push(Piece::Leave);
        self.depth -= 1;
    }

    fn skip_past(&mut self, end: &str) {
        while self.at < self.text.len() && !self.takes(end) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
    }
}
