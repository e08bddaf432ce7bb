//! What the globs of a task alone say of a path, whatever else there is.

use super::globs::Globs;
use super::pattern::Case;

/// Whether a task that owns `owns`, and is held to `planned` where that is given, may change `path`: whatever others own,
/// whatever is shared, and however the repository compares letters. `false` says nothing.
pub(crate) fn is_surely_own(owns: &[String], planned: Option<&[String]>, path: &str) -> bool {
    [Case::Exact, Case::Folded].into_iter().all(|case| {
        let hold = |globs| Globs::parse(globs, case).is_ok_and(|globs| globs.matches(path));
        hold(owns) && planned.is_none_or(hold)
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::scope::{Claim, Territory};

    const ADDING: &[&str] = &["a/**", "A/b*", "**/c", "a/b", "B", "**"];
    const SUBTRACTING: &[&str] = &["!a/b", "!A/**", "!**/C"];
    const PATHS: &[&str] = &["a/b", "a/B", "A/b", "a/x/c", "a/C", "b", "B", "d"];

    fn globs() -> impl Strategy<Value = Vec<String>> {
        let lists = (vec(select(ADDING), 0..3), vec(select(SUBTRACTING), 0..2));
        lists.prop_map(|(adding, subtracting)| {
            // What subtracts from nothing is refused.
            let subtracting = subtracting.into_iter().filter(|_| !adding.is_empty());
            let all = adding.iter().copied().chain(subtracting);
            all.map(str::to_owned).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_surely_own_is_permitted_by_the_whole_map(
            owns in globs(), planned in proptest::option::of(globs()), shared in globs(), other in globs(),
        ) {
            for case in [Case::Exact, Case::Folded] {
                let parse = |globs: &[String]| Globs::parse(globs, case).expect("globs");
                let (own, shared, planned) = (parse(&owns), parse(&shared), planned.as_deref().map(parse));
                let others = [Claim { task: "other".to_owned(), globs: parse(&other) }];
                let territory = Territory::new(Some(&own), &shared, &others).held_to(planned.as_ref());
                for path in PATHS {
                    let is_surely_own = is_surely_own(&owns, planned.as_ref().map(Globs::patterns), path);
                    prop_assert!(!is_surely_own || territory.standing(path).permits(), "{}", path);
                }
            }
        }
    }

    #[test]
    fn a_claim_of_its_own_says_what_is_surely_own() {
        let list = |globs: &[&str]| {
            globs
                .iter()
                .map(|glob| (*glob).to_owned())
                .collect::<Vec<_>>()
        };
        let owns = list(&["src/**", "!src/gen/**"]);
        assert!(is_surely_own(&owns, None, "src/a.rs"));
        assert!(is_surely_own(&owns, Some(&list(&["src/a.rs"])), "src/a.rs"));
        for (owns, planned, path) in [
            (&owns, None, "src/gen/a.rs"),
            // Taken out where the case of letters does not count.
            (&owns, None, "src/Gen/a.rs"),
            (&owns, None, "lib/a.rs"),
            (&owns, Some(list(&["src/b.rs"])), "src/a.rs"),
            (&owns, Some(Vec::new()), "src/a.rs"),
            (&Vec::new(), None, "src/a.rs"),
            (&list(&["{"]), None, "src/a.rs"),
        ] {
            assert!(!is_surely_own(owns, planned.as_deref(), path), "{path}");
        }
    }
}
