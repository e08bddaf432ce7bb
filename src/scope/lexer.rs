//! The tokens of a glob, as globset reads them, and what of its syntax is refused.

use std::iter::Peekable;
use std::str::CharIndices;

/// One step of a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Slash,
    /// One character that stands for itself; `text` has its backslash, if it was written with one.
    Literal {
        char: char,
        text: &'a str,
    },
    /// `?`, or a run of `*`.
    Wild(&'a str),
    /// `[…]`; `glob` never matches a `/`.
    Class {
        text: &'a str,
        glob: String,
    },
    /// `{`, `}`, or a `,` between braces.
    Brace(&'a str),
}

impl Token<'_> {
    /// As it was written.
    pub(super) fn text(&self) -> &str {
        match self {
            Token::Slash => "/",
            Token::Literal { text, .. }
            | Token::Wild(text)
            | Token::Class { text, .. }
            | Token::Brace(text) => text,
        }
    }

    /// As globset shall read it.
    pub(super) fn glob(&self) -> &str {
        match self {
            Token::Class { glob, .. } => glob,
            other => other.text(),
        }
    }

    pub(super) fn is_wild(&self) -> bool {
        matches!(self, Token::Wild(_) | Token::Class { .. })
    }
}

/// Why a glob is refused, to be read after the words "glob '…'", and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) why: String,
    pub(super) hint: &'static str,
}

impl Fault {
    pub(super) fn new(why: impl Into<String>, hint: &'static str) -> Fault {
        Fault {
            why: why.into(),
            hint,
        }
    }
}

/// Braces within braces. The parser of regular expressions under globset refuses deep ones by a panic.
const MAX_DEPTH: usize = 16;

/// Splits a glob, without its `!`, into tokens. Balance of braces is left to globset.
pub(super) fn lex(source: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer {
        source,
        chars: source.char_indices().peekable(),
    };
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    while let Some((start, char)) = lexer.chars.next() {
        tokens.push(match char {
            '/' => Token::Slash,
            '\\' => {
                let (_, char) = lexer.chars.next().ok_or_else(|| {
                    Fault::new("ends in a lone '\\'", "write '\\\\' for a backslash")
                })?;
                match char {
                    '/' => Token::Slash,
                    char => Token::Literal {
                        char,
                        text: lexer.since(start),
                    },
                }
            }
            '?' => Token::Wild(lexer.since(start)),
            '*' => {
                while lexer.chars.next_if(|(_, char)| *char == '*').is_some() {}
                Token::Wild(lexer.since(start))
            }
            '[' => lexer.class(start)?,
            '{' => {
                depth += 1;
                Token::Brace("{")
            }
            '}' => {
                depth = depth.saturating_sub(1);
                Token::Brace("}")
            }
            ',' if depth > 0 => Token::Brace(","),
            char => Token::Literal {
                char,
                text: lexer.since(start),
            },
        });
        if depth > MAX_DEPTH {
            return Err(Fault::new(
                format!("nests braces more than {MAX_DEPTH} deep"),
                "write it as several globs",
            ));
        }
    }
    Ok(tokens)
}

struct Lexer<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Lexer<'a> {
    /// What was read from the byte `start` on.
    fn since(&mut self, start: usize) -> &'a str {
        let end = self.chars.peek().map_or(self.source.len(), |(at, _)| *at);
        &self.source[start..end]
    }

    /// The class whose `[` stands at `start`, read by the rules of globset: a `]` in the first place is a
    /// member, and so is a `-` in the first or last.
    fn class(&mut self, start: usize) -> Result<Token<'a>, Fault> {
        let negated = self
            .chars
            .next_if(|(_, char)| matches!(char, '!' | '^'))
            .is_some();
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut open_range = false;
        loop {
            let (_, char) = self.chars.next().ok_or_else(|| {
                Fault::new(
                    "has a '[' without its ']'",
                    "write '\\[' for a bracket that stands for itself",
                )
            })?;
            match char {
                ']' if !ranges.is_empty() => break,
                '-' if !ranges.is_empty() && !open_range => open_range = true,
                char => match ranges.last_mut() {
                    Some(last) if open_range => {
                        last.1 = char;
                        open_range = false;
                    }
                    _ => ranges.push((char, char)),
                },
            }
        }
        let text = self.since(start);
        // globset's expression is over bytes, so that `[é]` would match either half of the letter.
        if !text.is_ascii() {
            return Err(Fault::new(
                format!("has the class {text}, but a class stands for one ASCII character"),
                "list the characters in braces, as in '{é,è}'",
            ));
        }
        let holds_slash = ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&'/'));
        match (negated, holds_slash) {
            (false, true) => Err(Fault::new(
                format!("has the class {text}, but a class never stands for a '/'"),
                "write the '/' outside of the brackets",
            )),
            (false, false) | (true, true) => Ok(Token::Class {
                text,
                glob: text.to_owned(),
            }),
            (true, false) => {
                let body = &text[..text.len() - 1];
                let glob = match body.strip_suffix('-') {
                    Some(body) if open_range => format!("{body}/-]"),
                    _ => format!("{body}/]"),
                };
                Ok(Token::Class { text, glob })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(source: &str) -> Result<String, String> {
        match lex(source) {
            Ok(tokens) => {
                assert_eq!(tokens.len(), 1, "{source} is one class");
                assert_eq!(tokens[0].text(), source);
                Ok(tokens[0].glob().to_owned())
            }
            Err(fault) => Err(fault.why),
        }
    }

    #[test]
    fn a_negated_class_excludes_the_slash_wherever_its_dashes_and_brackets_stand() {
        for (written, read) in [
            ("[!a]", "[!a/]"),
            ("[^a-c]", "[^a-c/]"),
            ("[!]]", "[!]/]"),
            ("[!]-a]", "[!]-a/]"),
            ("[!-]", "[!-/]"),
            ("[!a-]", "[!a/-]"),
            ("[!]-]", "[!]/-]"),
            ("[!%--]", "[!%--/]"),
            ("[!--9]", "[!--9]"),
            ("[a-c]", "[a-c]"),
        ] {
            assert_eq!(class(written).as_deref(), Ok(read), "{written}");
        }
    }

    #[test]
    fn classes_of_slashes_and_of_letters_beyond_ascii_are_refused() {
        for (written, why) in [
            (
                "[a/]",
                "has the class [a/], but a class never stands for a '/'",
            ),
            (
                "[+-9]",
                "has the class [+-9], but a class never stands for a '/'",
            ),
            (
                "[é]",
                "has the class [é], but a class stands for one ASCII character",
            ),
            ("[ab", "has a '[' without its ']'"),
        ] {
            assert_eq!(class(written), Err(why.to_owned()), "{written}");
        }
    }
}
