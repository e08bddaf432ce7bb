//! A list of globs, some of which subtract.

use super::lexer::Fault;
use super::normal::is_decomposed;
use super::pattern::{Case, Pattern};
use crate::error::Refusal;

/// A list of globs over repository paths: what any of them matches, less what any `!glob` matches.
#[derive(Clone, Debug)]
pub(crate) struct Globs {
    /// The normal form of each, in the order given and without repetition.
    patterns: Vec<String>,
    added: Vec<Pattern>,
    subtracted: Vec<Pattern>,
}

impl Globs {
    /// Reads globs as a user writes them.
    ///
    /// # Errors
    ///
    /// A usage refusal that names the first glob that cannot be meant, and why; or for a list that only subtracts.
    pub(crate) fn parse<S: AsRef<str>>(sources: &[S], case: Case) -> Result<Globs, Refusal> {
        let mut globs = Globs {
            patterns: Vec::new(),
            added: Vec::new(),
            subtracted: Vec::new(),
        };
        for source in sources {
            let source = source.as_ref();
            let (sign, list, bare) = match source.strip_prefix('!') {
                Some(bare) => ("!", &mut globs.subtracted, bare),
                None => ("", &mut globs.added, source),
            };
            let pattern = Pattern::parse(bare, case).map_err(|fault| refusal(source, &fault))?;
            let text = format!("{sign}{}", pattern.text());
            if !globs.patterns.contains(&text) {
                globs.patterns.push(text);
                list.push(pattern);
            }
        }
        if globs.added.is_empty()
            && let Some(first) = globs.patterns.first()
        {
            return Err(Refusal::usage(format!("'{first}' subtracts from nothing"))
                .hint("name first what it subtracts from; '**' is every path"));
        }
        Ok(globs)
    }

    /// Whether the list was empty, so that it matches nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The globs in normal form, as they are shown and written back.
    pub(crate) fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether the list holds `path`, given from the repository's root as git records it.
    pub(crate) fn matches(&self, path: impl AsRef<[u8]>) -> bool {
        self.matching_pattern(path).is_some()
    }

    /// The first glob by which the list holds `path`.
    pub(crate) fn matching_pattern(&self, path: impl AsRef<[u8]>) -> Option<&str> {
        let path = path.as_ref();
        let pattern = self.added.iter().find(|pattern| pattern.matches(path))?;
        (!self.subtracts(path)).then(|| pattern.text())
    }

    /// Where one of the globs holds `path` and a `!glob` takes it out again: the two.
    pub(crate) fn taken_out(&self, path: impl AsRef<[u8]>) -> Option<(&str, &str)> {
        let path = path.as_ref();
        let held = self.added.iter().find(|pattern| pattern.matches(path))?;
        let by = self
            .subtracted
            .iter()
            .find(|pattern| pattern.matches(path))?;
        Some((held.text(), by.text()))
    }

    /// The globs, of those that add, of which none of `paths` is.
    pub(crate) fn without_any(&self, paths: &[String]) -> Vec<String> {
        let untouched =
            |pattern: &&Pattern| !paths.iter().any(|path| pattern.matches(path.as_bytes()));
        let untouched = self.added.iter().filter(untouched);
        untouched.map(|pattern| pattern.text().to_owned()).collect()
    }

    /// What every path in the list begins with, one text for each glob that adds: empty where that can be anything.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(Pattern::prefix)
    }

    /// One glob in the form that [`Self::patterns`] has it.
    ///
    /// # Errors
    /// A usage refusal where no glob can be meant.
    pub(crate) fn normal_form(source: &str) -> Result<String, Refusal> {
        let (sign, bare) = match source.strip_prefix('!') {
            Some(bare) => ("!", bare),
            None => ("", source),
        };
        let pattern = Pattern::parse(bare, Case::Exact).map_err(|fault| refusal(source, &fault))?;
        Ok(format!("{sign}{}", pattern.text()))
    }

    pub(super) fn added(&self) -> &[Pattern] {
        &self.added
    }

    pub(super) fn subtracted(&self) -> &[Pattern] {
        &self.subtracted
    }

    pub(super) fn subtracts(&self, path: &[u8]) -> bool {
        self.subtracted.iter().any(|pattern| pattern.matches(path))
    }
}

fn refusal(source: &str, fault: &Fault) -> Refusal {
    let mut shown = String::new();
    for char in source.chars() {
        if char.is_control() || is_decomposed(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    Refusal::usage(format!("glob '{shown}' {}", fault.why)).hint(fault.hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn globs(sources: &[&str]) -> Globs {
        Globs::parse(sources, Case::Exact).expect("parses")
    }

    #[track_caller]
    fn check(sources: &[&str], inside: &[&str], outside: &[&str]) {
        let globs = globs(sources);
        for path in inside {
            assert!(globs.matches(path), "{sources:?} matches {path}");
        }
        for path in outside {
            assert!(!globs.matches(path), "{sources:?} does not match {path}");
        }
    }

    #[test]
    fn every_spelling_of_a_folder_is_the_folder_and_all_beneath() {
        for spelling in [
            "a", "a/", "./a", "a/.", "a/**", "a/**/", ".//a", "a/**/**", r"\a",
        ] {
            check(&[spelling], &["a", "a/b", "a/b/c"], &["ab", "b/a", "A"]);
        }
        for spelling in [".", "./", "**", "**/", "**/**"] {
            check(&[spelling], &["a", "a/b", ".x"], &[]);
        }
        check(&["**/tests"], &["tests", "a/tests/b"], &["a/tests2"]);
        check(&["{a,b/c}"], &["a", "a/x", "b/c/x"], &["b", "b/x"]);
        let written = globs(&[
            "./src//x/",
            "docs/**",
            "!docs/*.md",
            "src/x",
            "./!odd",
            "a/*/",
        ]);
        assert_eq!(
            written.patterns(),
            ["src/x", "docs", "!docs/*.md", r"\!odd", "a/*/**"]
        );
    }

    #[test]
    fn a_wildcard_stays_in_its_folder() {
        check(&["a/*"], &["a/b"], &["a", "a/b/c"]);
        check(&["*/**"], &["a/b", "a/b/c"], &["a"]);
        check(&["a/*/"], &["a/b/c"], &["a/b"]);
        check(&["a**"], &["a", "ab"], &["a/b", "ab/c"]);
        check(&["{a,**}"], &["a", "b"], &["a/b"]);
        check(&["a?b"], &["axb"], &["a/b"]);
        check(&["a[!x]b"], &["ayb"], &["a/b", "axb"]);
        check(&["**/[!a]"], &["b", "a/b"], &["a", "b/a"]);
        check(&["a/**/b"], &["a/b", "a/x/y/b"], &["ab", "a/x"]);
        check(&["*.rs"], &["a.rs"], &["a.rs/b", "a/b.rs"]);
    }

    #[test]
    fn subtraction_wins_whatever_the_order() {
        for sources in [["!a/b", "a", "a/b/c"], ["a/b/c", "a", "!a/b"]] {
            check(&sources, &["a", "a/x"], &["a/b", "a/b/c"]);
        }
        check(&[r"\!a"], &["!a"], &["a"]);
        assert_eq!(
            globs(&["a", "*.md", "!a/x"]).matching_pattern("n.md"),
            Some("*.md")
        );
        let none = Globs::parse::<&str>(&[], Case::Exact).expect("an empty list");
        assert!(none.is_empty() && !none.matches("a"));
    }

    #[test]
    fn empty_alternatives_and_commas_are_meant_as_written() {
        check(&["a{,.md}"], &["a", "a.md"], &["a.m"]);
        check(&["a,b"], &["a,b"], &["a", "b"]);
        check(&[r"{a\,b,c}"], &["a,b", "c"], &["a", "b"]);
    }

    #[test]
    fn case_is_folded_as_git_folds_it_and_other_letters_are_bytes() {
        let folded = Globs::parse(&["Src/É*", "README", "x[a-c]"], Case::Folded).expect("parses");
        for path in ["src/Éa", "SRC/ÉA", "readme/b", "XB"] {
            assert!(folded.matches(path), "{path}");
        }
        assert!(!folded.matches("src/éa"));
        check(&["README"], &["README"], &["readme"]);
        // One glob in the composed form: git on a file system that decomposes records this form too.
        check(&["caf\u{e9}"], &["caf\u{e9}"], &["cafe\u{301}"]);
        check(&["caf??"], &["caf\u{e9}"], &["cafe\u{301}"]);
        assert!(
            globs(&["*"]).matches(b"\xff"),
            "names that are no text are matched too"
        );
    }

    #[test]
    fn refusals_name_the_glob_the_reason_and_the_way_out() {
        let refused = |source: &str| {
            let refusal = Globs::parse(&[source], Case::Exact).expect_err(source);
            assert_eq!(refusal.code, Code::Usage);
            format!("{}; {}", refusal.message, refusal.hint.expect("a hint"))
        };
        let long = "a".repeat(5000);
        assert!(refused(&long).ends_with("is longer than 4096 bytes; write it as several globs"));
        let sources = [
            "",
            "!",
            "/a",
            "{/a,b}",
            "../a",
            "a/../b",
            "{../a,b}",
            "a/.git/x",
            "!a",
            "a\\\n",
            "a\0",
            "cafe\u{301}",
            "[é]",
            "a[.-0]b",
            "[a",
            "{a",
            "a}",
            "[b-a]",
            "a\\",
            "{a/,b}",
            "{{{{{{{{{{{{{{{{{a",
        ];
        insta::assert_snapshot!(sources.map(refused).join("\n"), @r"
        glob '' is empty; write '**' for every path
        glob '!' is empty; write '**' for every path
        glob '/a' is absolute; globs name paths from the repository's root, as in 'src/**'
        glob '{/a,b}' is absolute; globs name paths from the repository's root, as in 'src/**'
        glob '../a' leads through '..'; globs name paths from the repository's root, as in 'src/**'
        glob 'a/../b' leads through '..'; globs name paths from the repository's root, as in 'src/**'
        glob '{../a,b}' leads through '..'; globs name paths from the repository's root, as in 'src/**'
        glob 'a/.git/x' leads into '.git'; git tracks nothing there, so there is nothing to own
        '!a' subtracts from nothing; name first what it subtracts from; '**' is every path
        glob 'a\\n' holds the control character U+000A; write '?' in its place
        glob 'a\u{0}' holds the control character U+0000; write '?' in its place
        glob 'cafe\u{301}' spells one letter in several characters (Unicode form NFD); write it as one character (NFC), or '*' in its place
        glob '[é]' has the class [é], but a class stands for one ASCII character; list the characters in braces, as in '{é,è}'
        glob 'a[.-0]b' has the class [.-0], but a class never stands for a '/'; write the '/' outside of the brackets
        glob '[a' has a '[' without its ']'; write '\[' for a bracket that stands for itself
        glob '{a' has a '{' without its '}'; a backslash before a special character makes it stand for itself
        glob 'a}' has a '}' without its '{'; a backslash before a special character makes it stand for itself
        glob '[b-a]' has the empty range b-a; a backslash before a special character makes it stand for itself
        glob 'a\' ends in a lone '\'; write '\\' for a backslash
        glob '{a/,b}' has a '/' at the end of what stands between braces; leave that '/' out
        glob '{{{{{{{{{{{{{{{{{a' nests braces more than 16 deep; write it as several globs
        ");
    }
}
