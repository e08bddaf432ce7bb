//! One word of a shell: quotes, variables, substitutions.

use super::{Piece, Reader, Word, read};

impl Reader<'_> {
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word {
            plain: true,
            bare: true,
            ..Word::default()
        };
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.at += 1;
                    word.bare = false;
                    word.text += &self.until('\'');
                }
                '"' => self.double_quoted(&mut word),
                '\\' => {
                    word.bare = false;
                    let next = self.peek(1);
                    self.at = self.text.len().min(self.at + 2);
                    word.text.extend(next.filter(|c| *c != '\n'));
                }
                '$' => self.dollar(&mut word),
                '`' => self.backticks(&mut word),
                '~' if word.text.is_empty() && word.bare => self.tilde(&mut word),
                '*' | '?' | '[' | '{' => {
                    // Alone they are words of the shell's grammar.
                    word.plain = false;
                    word.text.push(c);
                    self.at += 1;
                }
                _ => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut Word) {
        self.at += 1;
        word.bare = false;
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' if matches!(self.peek(1), Some('$' | '`' | '"' | '\\' | '\n')) => {
                    word.text.extend(self.peek(1).filter(|c| *c != '\n'));
                    self.at += 2;
                }
                '$' => self.dollar(word),
                '`' => self.backticks(word),
                _ => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word) {
        let begin = self.at;
        self.at += 1;
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => self.skip_past("))"),
            Some('(') => {
                self.at += 1;
                self.nested();
            }
            Some('\'') if word.bare => {
                self.at += 1;
                word.bare = false;
                let text = self.until('\'');
                word.plain &= !text.contains('\\');
                word.text += &text;
                return;
            }
            Some('{') => {
                self.at += 1;
                let name = self.until('}');
                if let Some(value) = self.known.get(name.as_str()) {
                    word.text += value;
                    return;
                }
            }
            Some(c) if c.is_alphanumeric() || "_?!#@*$-".contains(c) => {
                let mut name = String::from(c);
                self.at += 1;
                while let Some(c) = self.peek(0).filter(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.at += 1;
                }
                if let Some(value) = self.known.get(name.as_str()) {
                    word.text += value;
                    return;
                }
            }
            _ => {}
        }
        word.plain = false;
        word.text.extend(&self.text[begin..self.at]);
    }

    fn backticks(&mut self, word: &mut Word) {
        let begin = self.at;
        self.at += 1;
        let inner = self.until('`');
        self.pieces.push(Piece::Enter);
        self.pieces.extend(read(&inner, self.known));
        self.pieces.push(Piece::Leave);
        word.plain = false;
        word.text.extend(&self.text[begin..self.at]);
    }

    fn tilde(&mut self, word: &mut Word) {
        self.at += 1;
        let alone = matches!(
            self.peek(0),
            None | Some('/' | ' ' | '\t' | '\n' | ';' | '&' | '|' | ')')
        );
        if let Some(home) = self.known.get("HOME").filter(|_| alone) {
            word.text += home;
        } else {
            word.plain = false;
            word.text.push('~');
        }
    }

    /// What stands before the next `end`, which is taken too.
    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == end {
                break;
            }
            if c == '\\' && end == '`' && matches!(self.peek(0), Some('`' | '\\' | '$')) {
                text.extend(self.peek(0));
                self.at += 1;
            } else {
                text.push(c);
            }
        }
        text
    }
}
