//! One glob: its expression, whether it matches a path, and whether it can meet another.

use std::sync::OnceLock;

use globset::{Candidate, ErrorKind, Glob, GlobBuilder, GlobSet};

use super::automaton::Automaton;
use super::lexer::{self, Fault, Token};
use super::normal::{self, Normal};

/// Whether the letters of a path are compared with their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Exact,
    /// As git compares under `core.ignorecase`: the letters A to Z are the letters a to z, and no others.
    Folded,
}

/// A glob without its `!`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    case: Case,
    /// What every path that it matches begins with.
    prefix: String,
    kind: Kind,
    /// What globset compiles for it: the path and, where that is meant, what lies beneath.
    globs: Vec<String>,
    matcher: OnceLock<GlobSet>,
    automaton: OnceLock<Option<Automaton>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No wildcard: the prefix is the whole path, and what lies beneath is matched too.
    Tree,
    Wild,
}

impl Pattern {
    pub(super) fn parse(source: &str, case: Case) -> Result<Pattern, Fault> {
        normal::refuse_characters(source)?;
        let tokens = lexer::lex(source)?;
        let Normal { segments, beneath } = normal::normalise(&tokens)?;
        let glob = join(&segments, Token::glob);
        let (prefix, kind) = literal_prefix(&segments);
        if kind == Kind::Wild {
            compile(&glob, case).map_err(|error| syntax_fault(error.kind()))?;
        }
        let beneath = beneath.then(|| format!("{glob}/**"));
        let mut text = join(&segments, Token::text);
        if text.starts_with('!') {
            // A `./` dropped before it made it the first; read again, it must not subtract.
            text.insert(0, '\\');
        }
        Ok(Pattern {
            text,
            case,
            prefix,
            kind,
            globs: std::iter::once(glob).chain(beneath).collect(),
            matcher: OnceLock::new(),
            automaton: OnceLock::new(),
        })
    }

    /// The normal form.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether it has no wildcard: its prefix is a whole path.
    pub(super) fn is_tree(&self) -> bool {
        self.kind == Kind::Tree
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let Some((head, rest)) = path.split_at_checked(self.prefix.len()) else {
            return false;
        };
        if !same_text(head, self.prefix.as_bytes(), self.case) {
            return false;
        }
        match self.kind {
            Kind::Tree => rest.first().is_none_or(|byte| *byte == b'/'),
            Kind::Wild => self
                .matcher
                .get_or_init(|| {
                    GlobSet::new(self.compile()).expect("length and depth are bounded by parse")
                })
                .is_match_candidate(&Candidate::from_bytes(path)),
        }
    }

    /// Whether what both begin with rules out a common path. No automaton is built for it.
    pub(super) fn is_apart(&self, other: &Pattern) -> bool {
        let (short, long) = if self.prefix.len() <= other.prefix.len() {
            (self, other)
        } else {
            (other, self)
        };
        let case = if self.case == other.case {
            self.case
        } else {
            Case::Folded
        };
        let (head, rest) = long.prefix.as_bytes().split_at(short.prefix.len());
        !same_text(head, short.prefix.as_bytes(), case)
            || (short.kind == Kind::Tree && rest.first().is_some_and(|byte| *byte != b'/'))
    }

    /// The paths of this glob as an automaton, unless that outgrows its limit. It is built once.
    pub(super) fn automaton(&self) -> Option<&Automaton> {
        self.automaton
            .get_or_init(|| Automaton::build(self.compile().iter().map(Glob::regex)))
            .as_ref()
    }

    fn compile(&self) -> Vec<Glob> {
        self.globs
            .iter()
            .map(|glob| compile(glob, self.case).expect("parse has compiled it, or it is literal"))
            .collect()
    }
}

fn same_text(left: &[u8], right: &[u8], case: Case) -> bool {
    match case {
        Case::Exact => left == right,
        Case::Folded => left.eq_ignore_ascii_case(right),
    }
}

fn literal_prefix(segments: &[&[Token]]) -> (String, Kind) {
    let mut prefix = String::new();
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 {
            prefix.push('/');
        }
        for token in *segment {
            let Token::Literal { char, .. } = token else {
                return (prefix, Kind::Wild);
            };
            prefix.push(*char);
        }
    }
    (prefix, Kind::Tree)
}

fn join<'s>(segments: &[&[Token<'s>]], read: for<'t> fn(&'t Token<'s>) -> &'t str) -> String {
    let mut joined = String::new();
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 {
            joined.push('/');
        }
        joined.extend(segment.iter().map(read));
    }
    joined
}

fn syntax_fault(kind: &ErrorKind) -> Fault {
    let why = match kind {
        ErrorKind::UnclosedAlternates => "has a '{' without its '}'".to_owned(),
        ErrorKind::UnopenedAlternates => "has a '}' without its '{'".to_owned(),
        ErrorKind::InvalidRange(low, high) => format!("has the empty range {low}-{high}"),
        other => format!("does not parse: {other}"),
    };
    let hint = "a backslash before a special character makes it stand for itself";
    Fault::new(why, hint)
}

fn compile(glob: &str, case: Case) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .case_insensitive(case == Case::Folded)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every path of up to three of these segments.
    fn sample_paths() -> Vec<String> {
        let segments = ["a", "b", "ab", "ba", "a.b", "A", "é"];
        let mut paths: Vec<String> = Vec::new();
        for depth in 0..3 {
            let longer: Vec<String> = if depth == 0 {
                segments.map(str::to_owned).to_vec()
            } else {
                let join = |path: &String| segments.map(|segment| format!("{path}/{segment}"));
                paths.iter().flat_map(join).collect()
            };
            paths.extend(longer);
        }
        paths.sort();
        paths.dedup();
        paths
    }

    fn case() -> impl Strategy<Value = Case> {
        prop_oneof![Just(Case::Exact), Just(Case::Folded)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn any_text_is_refused_or_means_the_same_to_matcher_automaton_and_itself(
            source in r"[ab*?/.,!{}\[\]\\^é-]{1,9}|(a|b|\*\*|[ab]\*|\{a,b/?a\}|\?)(/(a|\*|\*\*|\[!a\]|\{,b\})){0,3}/?",
            case in case(),
        ) {
            let Ok(pattern) = Pattern::parse(&source, case) else {
                return Ok(());
            };
            let again = Pattern::parse(pattern.text(), case).expect("a normal form parses");
            prop_assert_eq!(again.text(), pattern.text());
            let automaton = pattern.automaton().expect("small");
            for path in sample_paths() {
                let matches = pattern.matches(path.as_bytes());
                prop_assert_eq!(matches, automaton.accepts_all_of(path.as_bytes()), "{}", path);
                prop_assert_eq!(matches, again.matches(path.as_bytes()), "{}", path);
            }
        }
    }

    #[test]
    fn the_longest_globs_stay_within_the_limits_of_the_matcher() {
        let deep = format!("{}a{}", "{".repeat(16), "}".repeat(16));
        for piece in ["?", "[!a]", "{a,b}", "*a", "**/a/", "é", &deep] {
            let source = piece.repeat(normal::MAX_BYTES / piece.len());
            for case in [Case::Exact, Case::Folded] {
                let pattern = Pattern::parse(&source, case).expect("not too long");
                assert!(!pattern.matches(b"no"), "{piece}");
            }
        }
    }

    #[test]
    fn globs_that_begin_differently_are_apart_without_an_automaton() {
        let parse = |source| Pattern::parse(source, Case::Exact).expect("parses");
        for (left, right, apart) in [
            ("src", "docs/**", true),
            ("src", "src2/*.rs", true),
            ("src/a*", "src/b*", true),
            ("src", "src/*.rs", false),
            ("src*", "src2/a", false),
            ("**/a", "src", false),
        ] {
            let (left, right) = (parse(left), parse(right));
            assert_eq!(left.is_apart(&right), apart, "{left:?} {right:?}");
            assert_eq!(right.is_apart(&left), apart, "{right:?} {left:?}");
            assert!(left.automaton.get().is_none() && right.automaton.get().is_none());
        }
    }
}
