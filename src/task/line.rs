//! Tasks in line for the same paths: which waiting task follows which.

use std::collections::{BTreeMap, BTreeSet};

/// The waiting tasks, each with those that it follows.
#[derive(Debug, Default)]
pub(crate) struct Line(BTreeMap<String, Vec<String>>);

impl Line {
    /// Puts `task` behind the tasks that it follows.
    pub(crate) fn add(&mut self, task: &str, after: &[String]) {
        self.0.insert(task.to_owned(), after.to_vec());
    }

    /// The tasks that `task` comes before or after, directly or through others: never at work when it is.
    pub(crate) fn apart_from(&self, task: &str) -> BTreeSet<String> {
        let mut apart = self.before(task);
        let behind = self
            .0
            .keys()
            .filter(|other| self.before(other).contains(task));
        apart.extend(behind.cloned());
        apart
    }

    /// `names` with each task behind those among them that it follows, else in the order that they have.
    pub(crate) fn sorted(&self, names: Vec<String>) -> Vec<String> {
        let mut left = names;
        let mut sorted = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let is_free = |name: &String| {
                let before = self.before(name);
                !left
                    .iter()
                    .any(|other| other != name && before.contains(other))
            };
            // In a circle nobody is: it is broken at its first.
            let next = left.iter().position(is_free).unwrap_or(0);
            sorted.push(left.remove(next));
        }
        sorted
    }

    /// All that `task` follows, directly or through others.
    fn before(&self, task: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![task];
        while let Some(name) = open.pop() {
            for earlier in self.0.get(name).into_iter().flatten() {
                if found.insert(earlier.clone()) {
                    open.push(earlier);
                }
            }
        }
        found
    }

    /// The circle of tasks that each follow the next, from `task` back to itself, if there is one.
    pub(crate) fn circle(&self, task: &str) -> Option<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut way = vec![task.to_owned()];
        self.leads_back(task, &mut way, &mut seen).then_some(way)
    }

    fn leads_back(&self, to: &str, way: &mut Vec<String>, seen: &mut BTreeSet<String>) -> bool {
        let from = way.last().and_then(|last| self.0.get(last));
        for earlier in from.into_iter().flatten() {
            if !seen.insert(earlier.clone()) {
                continue;
            }
            way.push(earlier.clone());
            if earlier == to || self.leads_back(to, way, seen) {
                return true;
            }
            way.pop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rows: &[(&str, &[&str])]) -> Line {
        let mut line = Line::default();
        for (task, after) in rows {
            let after: Vec<String> = after.iter().map(|name| (*name).to_owned()).collect();
            line.add(task, &after);
        }
        line
    }

    #[test]
    fn whoever_comes_before_or_after_is_never_at_work_at_once() {
        let line = line(&[("b", &["a"]), ("c", &["b", "x"]), ("d", &["a"])]);
        let apart = |task: &str| line.apart_from(task).into_iter().collect::<String>();
        assert_eq!(
            ["a", "b", "c", "d", "x", "y"].map(apart),
            ["bcd", "ac", "abx", "a", "c", ""]
        );
    }

    #[test]
    fn whoever_follows_comes_behind_and_the_rest_keeps_its_order() {
        let line = line(&[("a", &["c"]), ("b", &[]), ("c", &["x"]), ("x", &["d"])]);
        let sorted = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            line.sorted(names).join(" ")
        };
        assert_eq!(sorted(&["a", "b", "c", "d"]), "b d c a");
        assert_eq!(sorted(&["d", "c", "b", "a"]), "d c b a");
    }

    #[test]
    fn a_circle_is_sorted_all_the_same() {
        let circle = line(&[("a", &["b"]), ("b", &["a"]), ("c", &["b"])]);
        let names = ["c", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(circle.sorted(names), ["c", "a", "b"]);
    }

    #[test]
    fn a_circle_is_told_with_its_members_in_order() {
        let line = line(&[
            ("a", &["x", "b"]),
            ("b", &["c"]),
            ("c", &["x", "a"]),
            ("d", &["d"]),
            ("e", &["a"]),
        ]);
        let told = |task: &str| line.circle(task).map(|members| members.join(" "));
        assert_eq!(told("a").as_deref(), Some("a b c a"));
        assert_eq!(told("d").as_deref(), Some("d d"));
        // It leads to a circle and is in none.
        assert_eq!(told("e"), None);
        assert_eq!(told("x"), None);
    }
}
