//! A plan and what was changed, side by side.

use serde::Serialize;

use crate::scope::Globs;

/// What a plan and a change have in common, and what only one of them has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Beside {
    /// The paths that are planned and changed.
    pub(crate) changed: Vec<String>,
    /// The globs of the plan under which nothing is changed.
    pub(crate) untouched: Vec<String>,
    /// The paths that are changed and not planned.
    pub(crate) unplanned: Vec<String>,
}

/// Puts the files of a plan beside the paths that are changed.
pub(crate) fn beside(planned: &Globs, paths: &[String]) -> Beside {
    let (mut changed, mut unplanned) = (Vec::new(), Vec::new());
    for path in paths {
        let side = if planned.matches(path) {
            &mut changed
        } else {
            &mut unplanned
        };
        side.push(path.clone());
    }
    Beside {
        untouched: planned.without_any(&changed),
        changed,
        unplanned,
    }
}
