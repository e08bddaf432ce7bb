//! Whose a path is, seen from one task.

mod index;

use super::globs::Globs;
use super::standing::Standing;
use index::PrefixIndex;

/// What one live task owns.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) task: String,
    pub(crate) globs: Globs,
}

/// Whose a path is, and by which globs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) standing: Standing,
    /// The glob by which it is the task's own, another's or shared.
    pub(crate) glob: Option<String>,
    /// The claims, and the shared paths, that would hold it but for a `!glob`.
    pub(crate) taken_out: Vec<TakenOut>,
}

/// A list of globs that would hold a path but for one that subtracts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TakenOut {
    pub(crate) from: Whose,
    pub(crate) glob: String,
    /// The glob that subtracts, without its `!`.
    pub(crate) by: String,
}

/// Whose list of globs it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    Shared,
    Task(String),
}

/// The map of the repository as one task sees it.
#[derive(Debug)]
pub(crate) struct Territory<'a> {
    own: Option<&'a Globs>,
    shared: &'a Globs,
    others: &'a [Claim],
    /// What the task's plan leaves of all that; nothing but what is shared where the list is empty.
    planned: Option<&'a Globs>,
    index: PrefixIndex,
}

impl<'a> Territory<'a> {
    /// From the task's own claim, if it has one, the shared paths and the claims of the other live tasks. Where
    /// several of those hold a path, the first does; an empty claim is none.
    pub(crate) fn new(
        own: Option<&'a Globs>,
        shared: &'a Globs,
        others: &'a [Claim],
    ) -> Territory<'a> {
        Territory {
            own: own.filter(|globs| !globs.is_empty()),
            shared,
            others,
            planned: None,
            index: PrefixIndex::new(others),
        }
    }

    /// The same, for a task that is held to these files of its plan; to none before one is approved.
    #[must_use]
    pub(crate) fn held_to(mut self, planned: Option<&'a Globs>) -> Self {
        self.planned = planned;
        self
    }

    /// What `path` is to the task, its plan considered.
    pub(crate) fn standing(&self, path: impl AsRef<[u8]>) -> Standing {
        let path = path.as_ref();
        match (self.owner(path), self.planned) {
            (standing, Some(planned)) if standing.permits() => {
                if planned.is_empty() {
                    Standing::NoPlan
                } else if standing == Standing::Shared || planned.matches(path) {
                    standing
                } else {
                    Standing::OutsidePlan
                }
            }
            (standing, _) => standing,
        }
    }

    /// Whose `path` is, given from the repository's root as git records it.
    fn owner(&self, path: &[u8]) -> Standing {
        if self.shared.matches(path) {
            return Standing::Shared;
        }
        if self.own.is_some_and(|own| own.matches(path)) {
            return Standing::Own;
        }
        if let Some((claim, glob)) = self.find_owner(path) {
            return Standing::OwnedBy {
                task: claim.task.clone(),
                glob: glob.to_owned(),
            };
        }
        match self.own {
            Some(_) => Standing::OutsideClaim,
            None => Standing::Unowned,
        }
    }

    /// Whose `path` is, whatever is planned, with all that led to it.
    pub(crate) fn explain(&self, path: impl AsRef<[u8]>) -> Explanation {
        let path = path.as_ref();
        let standing = self.owner(path);
        let glob = match &standing {
            Standing::Shared => self.shared.matching_pattern(path).map(str::to_owned),
            Standing::Own => self
                .own
                .and_then(|own| own.matching_pattern(path))
                .map(str::to_owned),
            Standing::OwnedBy { glob, .. } => Some(glob.clone()),
            _ => None,
        };
        let others = self
            .others
            .iter()
            .map(|claim| (Whose::Task(claim.task.clone()), &claim.globs));
        let taken_out = std::iter::once((Whose::Shared, self.shared))
            .chain(self.own.map(|own| (Whose::Own, own)))
            .chain(others)
            .filter_map(|(from, globs)| {
                let (glob, by) = globs.taken_out(path)?;
                Some(TakenOut {
                    from,
                    glob: glob.to_owned(),
                    by: by.to_owned(),
                })
            })
            .collect();
        Explanation {
            standing,
            glob,
            taken_out,
        }
    }

    fn find_owner(&self, path: &[u8]) -> Option<(&'a Claim, &'a str)> {
        self.index
            .candidates(path)
            .filter(|(claim, pattern)| {
                let globs = &self.others[*claim].globs;
                globs.added()[*pattern].matches(path) && !globs.subtracts(path)
            })
            .min()
            .map(|(claim, pattern)| {
                let claim = &self.others[claim];
                (claim, claim.globs.added()[pattern].text())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Case;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn parse<S: AsRef<str>>(sources: &[S], case: Case) -> Globs {
        Globs::parse(sources, case).expect("parses")
    }

    fn claim(task: &str, sources: &[&str]) -> Claim {
        Claim {
            task: task.to_owned(),
            globs: parse(sources, Case::Exact),
        }
    }

    fn owned(task: &str, glob: &str) -> Standing {
        Standing::OwnedBy {
            task: task.to_owned(),
            glob: glob.to_owned(),
        }
    }

    #[test]
    fn whose_a_path_is_depends_on_who_asks() {
        let shared = parse(&["Cargo.lock"], Case::Exact);
        let mine = parse(&["src/api", "!src/api/gen"], Case::Exact);
        let others = [
            claim("docs", &["docs/**", "*.md", "Cargo.*"]),
            claim("gen", &["src/api/gen/*.rs"]),
        ];
        let claimant = Territory::new(Some(&mine), &shared, &others);
        let drifter = Territory::new(None, &shared, &others);
        for (path, to_claimant, to_drifter) in [
            ("src/api/a.rs", Standing::Own, Standing::Unowned),
            ("src/api", Standing::Own, Standing::Unowned),
            (
                "src/api/gen/a.rs",
                owned("gen", "src/api/gen/*.rs"),
                owned("gen", "src/api/gen/*.rs"),
            ),
            ("src/api/gen/a.c", Standing::OutsideClaim, Standing::Unowned),
            ("src/apix", Standing::OutsideClaim, Standing::Unowned),
            ("docs/x/y", owned("docs", "docs"), owned("docs", "docs")),
            (
                "Cargo.toml",
                owned("docs", "Cargo.*"),
                owned("docs", "Cargo.*"),
            ),
            ("Cargo.lock", Standing::Shared, Standing::Shared),
        ] {
            assert_eq!(claimant.standing(path), to_claimant, "{path}");
            assert_eq!(drifter.standing(path), to_drifter, "{path}");
        }
        assert!(Standing::Unowned.permits() && !Standing::OutsideClaim.permits());
    }

    #[test]
    fn a_plan_takes_away_and_never_adds() {
        let shared = parse(&["Cargo.lock"], Case::Exact);
        let mine = parse(&["src"], Case::Exact);
        let others = [claim("docs", &["docs"])];
        let (plan, none) = (
            parse(&["src/a.rs", "docs", "x"], Case::Exact),
            parse::<&str>(&[], Case::Exact),
        );
        let claimant = || Territory::new(Some(&mine), &shared, &others);
        let drifter = Territory::new(None, &shared, &others).held_to(Some(&plan));
        let (planned, planning) = (
            claimant().held_to(Some(&plan)),
            claimant().held_to(Some(&none)),
        );
        for (path, in_planning, with_plan, unclaimed) in [
            (
                "src/a.rs",
                Standing::NoPlan,
                Standing::Own,
                Standing::Unowned,
            ),
            (
                "src/b.rs",
                Standing::NoPlan,
                Standing::OutsidePlan,
                Standing::OutsidePlan,
            ),
            (
                "docs/d",
                owned("docs", "docs"),
                owned("docs", "docs"),
                owned("docs", "docs"),
            ),
            (
                "x",
                Standing::OutsideClaim,
                Standing::OutsideClaim,
                Standing::Unowned,
            ),
            (
                "Cargo.lock",
                Standing::NoPlan,
                Standing::Shared,
                Standing::Shared,
            ),
        ] {
            assert_eq!(planning.standing(path), in_planning, "{path}");
            assert_eq!(planned.standing(path), with_plan, "{path}");
            assert_eq!(drifter.standing(path), unclaimed, "{path}");
        }
        assert_eq!(planned.explain("src/b.rs").standing, Standing::Own);
    }

    #[test]
    fn an_explanation_names_the_glob_and_what_a_glob_takes_out() {
        let shared = parse(&["*.lock", "!my.lock"], Case::Exact);
        let mine = parse(&["src", "!src/gen"], Case::Exact);
        let others = [claim("gen", &["src/gen", "!src/gen/*.md"])];
        let territory = Territory::new(Some(&mine), &shared, &others);
        let told = |path: &str| {
            let told = territory.explain(path);
            let out: Vec<String> = told
                .taken_out
                .iter()
                .map(|out| format!("{:?} {} !{}", out.from, out.glob, out.by))
                .collect();
            let glob = told.glob.unwrap_or_default();
            format!("{} [{glob}] {}", told.standing.words(), out.join("; "))
        };
        insta::assert_snapshot!(["src/a", "src/gen/a.rs", "src/gen/a.md", "a.lock", "my.lock", "x"].map(told).join("\n"), @r#"
        owned by this task [src] 
        owned by task `gen` (src/gen) [src/gen] Own src !src/gen
        outside this task's claim [] Own src !src/gen; Task("gen") src/gen !src/gen/*.md
        shared by all tasks [*.lock] 
        outside this task's claim [] Shared *.lock !my.lock
        outside this task's claim [] 
        "#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn the_index_finds_the_owner_that_a_look_at_every_claim_finds(
            claims in vec(vec(select(&["a", "A/b", "a*", "**/b", "!a/b", "b/?", "*", "ab", "é/x"][..]), 1..4), 0..6),
            path in "[abA]{1,2}(/[abé]){0,2}",
            case in prop_oneof![Just(Case::Exact), Just(Case::Folded)],
        ) {
            let claims: Vec<Claim> = claims
                .iter()
                .filter_map(|sources| Globs::parse(sources, case).ok())
                .enumerate()
                .map(|(number, globs)| Claim { task: number.to_string(), globs })
                .collect();
            let expected = claims.iter().find_map(|claim| {
                claim.globs.matching_pattern(&path).map(|glob| owned(&claim.task, glob))
            });
            let nothing = parse::<&str>(&[], case);
            let standing = Territory::new(None, &nothing, &claims).standing(&path);
            prop_assert_eq!(standing, expected.unwrap_or(Standing::Unowned));
        }
    }
}
