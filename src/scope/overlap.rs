//! Whether two claims can own a common path, decided over all paths and not over those that exist.

use super::automaton::{Exclusion, Search, search};
use super::globs::Globs;
use super::pattern::Pattern;

/// Whether two claims can own a common path, and by which globs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// No path can belong to both.
    None,
    /// `path` would belong to both.
    Witness {
        path: String,
        left: String,
        right: String,
    },
    /// These globs are too intricate to decide, so that they have to be taken as overlapping.
    Assumed { left: String, right: String },
}

/// Compares two claims. What `shared` matches belongs to nobody, so they may have it in common.
pub(crate) fn overlap(left: &Globs, right: &Globs, shared: &Globs) -> Overlap {
    let mut assumed = Overlap::None;
    for one in left.added() {
        for other in right.added().iter().filter(|other| !one.is_apart(other)) {
            let common = common_path(one, other, [left, right], shared);
            let (left, right) = (one.text().to_owned(), other.text().to_owned());
            match common {
                Common::Path(path) => return Overlap::Witness { path, left, right },
                Common::Unknown => assumed = Overlap::Assumed { left, right },
                Common::None => {}
            }
        }
    }
    assumed
}

/// A path that `inner` holds beyond both others, with the glob by which it does; none where there is none, or where
/// the globs are too intricate to tell.
pub(crate) fn beyond(inner: &Globs, outer: &Globs, shared: &Globs) -> Option<(String, String)> {
    let excluded = [
        exclusion(inner.subtracted().iter(), [].iter())?,
        exclusion(outer.added().iter(), outer.subtracted().iter())?,
        exclusion(shared.added().iter(), shared.subtracted().iter())?,
    ];
    inner
        .added()
        .iter()
        .find_map(|glob| match search(&[glob.automaton()?], &excluded) {
            Search::Path(path) => Some((path, glob.text().to_owned())),
            Search::Nothing | Search::GaveUp => None,
        })
}

enum Common {
    None,
    Path(String),
    Unknown,
}

fn common_path(one: &Pattern, other: &Pattern, claims: [&Globs; 2], shared: &Globs) -> Common {
    let (Some(first), Some(second)) = (one.automaton(), other.automaton()) else {
        return Common::Unknown;
    };
    let touches = |pattern: &&Pattern| !pattern.is_apart(one) && !pattern.is_apart(other);
    let subtracted = claims.into_iter().flat_map(Globs::subtracted);
    let excluded = [
        exclusion(subtracted.filter(touches), [].iter()),
        exclusion(
            shared.added().iter().filter(touches),
            shared.subtracted().iter(),
        ),
    ];
    let exact = excluded.iter().all(Option::is_some);
    let excluded: Vec<_> = excluded.into_iter().flatten().collect();
    match search(&[first, second], &excluded) {
        Search::Nothing => Common::None,
        Search::Path(path) if exact => Common::Path(path),
        Search::Path(_) | Search::GaveUp => Common::Unknown,
    }
}

/// None if one of the automata outgrows its limit. To leave the exclusion out then only adds paths, so that a
/// search that finds none is still right.
fn exclusion<'a>(
    any: impl Iterator<Item = &'a Pattern>,
    unless: impl Iterator<Item = &'a Pattern>,
) -> Option<Exclusion<'a>> {
    Some(Exclusion {
        any: any.map(Pattern::automaton).collect::<Option<_>>()?,
        unless: unless.map(Pattern::automaton).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Case;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn parse<S: AsRef<str>>(sources: &[S]) -> Globs {
        Globs::parse(sources, Case::Exact).expect("parses")
    }

    /// `path: left / right` of a witness.
    fn decide(left: &[&str], right: &[&str], shared: &[&str]) -> String {
        match overlap(&parse(left), &parse(right), &parse(shared)) {
            Overlap::None => "none".to_owned(),
            Overlap::Witness { path, left, right } => format!("{path}: {left} / {right}"),
            Overlap::Assumed { left, right } => format!("assumed: {left} / {right}"),
        }
    }

    #[test]
    fn what_lies_beyond_is_found_exactly() {
        let told = |inner: &[&str], outer: &[&str], shared: &[&str]| {
            let found = beyond(&parse(inner), &parse(outer), &parse(shared));
            found.map_or("none".to_owned(), |(path, glob)| {
                format!("{path} by {glob}")
            })
        };
        for (inner, outer, shared, expected) in [
            (&["src/a.rs"][..], &["src"][..], &[][..], "none"),
            (&["src", "x"], &["src/*", "src"], &[], "x by x"),
            (&["src"], &["src/a"], &[], "src by src"),
            (
                &["src/**/*.rs", "!src/gen"],
                &["src", "!src/gen"],
                &[],
                "none",
            ),
            (
                &["src/**/*.rs"],
                &["src", "!src/gen"],
                &[],
                "src/gen/.rs by src/**/*.rs",
            ),
            (
                &["Cargo.*"],
                &["Cargo.toml"],
                &["Cargo.*", "!Cargo.md"],
                "Cargo.md by Cargo.*",
            ),
            (&["a", "b"], &[], &["a", "b"], "none"),
        ] {
            assert_eq!(told(inner, outer, shared), expected, "{inner:?} {outer:?}");
        }
    }

    #[test]
    fn traps_are_decided_exactly() {
        for (left, right, expected) in [
            ("src", "src/", "src: src / src"),
            ("src/**", "src", "src: src / src"),
            ("./a", "a/b.rs", "a/b.rs: a / a/b.rs"),
            ("src", "src2", "none"),
            ("a**", "a/b", "none"),
            ("a[!x]b", "a/b", "none"),
            ("a?b", "a/b", "none"),
            ("*.rs", "src", "none"),
            ("*.rs", "src*", "src.rs: *.rs / src*"),
            ("**/*.md", "docs/*/x.*", "docs/a/x.md: **/*.md / docs/*/x.*"),
            ("{a,b}/x", "b/{x,y}", "b/x: {a,b}/x / b/{x,y}"),
            ("{a,b}/x", "c/**", "none"),
            ("*/**", "*", "none"),
            ("src/*", "src/*/*", "none"),
            ("[a-c]*z", "[c-e]y*", "cyz: [a-c]*z / [c-e]y*"),
            ("é", "??", "é: é / ??"),
            ("é", "?", "none"),
            ("README", "readme", "none"),
            ("**/.git*", "**/*git", ".gitgit: **/.git* / **/*git"),
        ] {
            assert_eq!(
                decide(&[left], &[right], &[]),
                expected,
                "{left} and {right}"
            );
        }
    }

    #[test]
    fn what_either_subtracts_or_all_share_is_no_overlap() {
        assert_eq!(decide(&["src", "!src/gen"], &["src/gen"], &[]), "none");
        assert_eq!(decide(&["src/gen"], &["src", "!src/gen"], &[]), "none");
        assert_eq!(
            decide(&["src", "!src/*.rs"], &["src/a*"], &[]),
            "src/a: src / src/a*"
        );
        assert_eq!(
            decide(&["Cargo.????"], &["*.lock"], &["Cargo.lock"]),
            "none"
        );
        assert_eq!(
            decide(&["Cargo.????"], &["*.lock"], &["*", "!Cargo.lock"]),
            "Cargo.lock: Cargo.???? / *.lock"
        );
    }

    #[test]
    fn folded_case_overlaps_and_the_witness_is_in_both() {
        let fold = |source: &str| Globs::parse(&[source], Case::Folded).expect("parses");
        let (left, right) = (fold("SRC/*.RS"), fold("src/A*"));
        let Overlap::Witness { path, .. } = overlap(&left, &right, &parse::<&str>(&[])) else {
            panic!("they overlap");
        };
        assert!(left.matches(&path) && right.matches(&path), "{path}");
    }

    #[test]
    fn beyond_the_limit_an_overlap_is_assumed_unless_something_decides_it() {
        let huge = format!("*a{}", "?".repeat(16));
        assert_eq!(
            decide(&[&huge], &["*b"], &[]),
            format!("assumed: {huge} / *b")
        );
        assert_eq!(decide(&[&huge, "x"], &["x"], &[]), "x: x / x");
        let except = format!("!src/{huge}");
        assert_eq!(
            decide(&["src", &except], &["src/x*y"], &[]),
            "assumed: src / src/x*y"
        );
        assert_eq!(decide(&["src/*a", &except], &["src/*b"], &[]), "none");
    }

    fn glob() -> impl Strategy<Value = String> {
        const SEGMENTS: &[&str] = &[
            "a", "b", "ab", "*", "?", "**", "a*", "*b", "a**", "[ab]", "[!a]", "{a,b}", "{a,b/a}",
            "{,a}b", "é", "A", "B*",
        ];
        vec(select(SEGMENTS), 1..4).prop_map(|segments| segments.join("/"))
    }

    /// One or two globs, less none to two.
    fn claim() -> impl Strategy<Value = Vec<String>> {
        (vec(glob(), 1..3), vec(glob(), 0..3)).prop_map(|(mut added, subtracted)| {
            added.extend(subtracted.iter().map(|glob| format!("!{glob}")));
            added
        })
    }

    fn path() -> impl Strategy<Value = String> {
        const SEGMENTS: &[&str] = &["a", "b", "ab", "ba", "aab", "c", "é", "A", "Ab"];
        vec(select(SEGMENTS), 1..5).prop_map(|segments| segments.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_witness_is_in_both_and_none_is_contradicted_by_no_path(
            left in claim(),
            right in claim(),
            shared in prop_oneof![Just(Vec::new()), claim()],
            paths in vec(path(), 100),
            case in prop_oneof![Just(Case::Exact), Just(Case::Folded)],
        ) {
            let parse = |globs: &[String]| Globs::parse(globs, case).expect("parses");
            let (left, right, shared) = (parse(&left), parse(&right), parse(&shared));
            let common = |path: &str| {
                left.matches(path) && right.matches(path) && !shared.matches(path)
            };
            match overlap(&left, &right, &shared) {
                Overlap::Witness { path, left: by_left, right: by_right } => {
                    prop_assert!(common(&path), "witness {}", path);
                    prop_assert!(parse(&[by_left]).matches(&path));
                    prop_assert!(parse(&[by_right]).matches(&path));
                }
                Overlap::None => {
                    let found = paths.iter().find(|path| common(path));
                    prop_assert_eq!(found, None);
                }
                Overlap::Assumed { .. } => prop_assert!(false, "these globs are small"),
            }
        }
    }
}
