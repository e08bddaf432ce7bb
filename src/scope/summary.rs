//! Many paths in few lines.

use std::collections::BTreeMap;

/// Sums `some` of `all` paths up: a folder whose every path is among them stands for them, as `src/`, with their
/// number. Both lists are sorted.
pub(crate) fn by_folder(all: &[String], some: &[String]) -> Vec<(String, usize)> {
    let held = count_by_folder(all);
    let found = count_by_folder(some);
    let mut lines: Vec<(String, usize)> = Vec::new();
    for path in some {
        let whole = folders(path).find(|folder| held.get(folder) == found.get(folder));
        match (whole, lines.last_mut()) {
            (Some(folder), Some((last, count))) if *last == folder => *count += 1,
            (Some(folder), _) => lines.push((folder.to_owned(), 1)),
            (None, _) => lines.push((path.clone(), 1)),
        }
    }
    lines
}

fn count_by_folder(paths: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for folder in paths.iter().flat_map(|path| folders(path)) {
        *counts.entry(folder).or_default() += 1;
    }
    counts
}

/// The folders above a path, the outermost first, each with its slash.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_paths_only_where_all_of_them_are_meant() {
        let paths = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let all = paths("a b/c b/d/e b/d/f g/h g/i/j g/i/k");
        let summed = |some: &str| {
            let lines = by_folder(&all, &paths(some));
            let line = |(path, count): &(String, usize)| format!("{path}*{count}");
            lines.iter().map(line).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(summed("a b/c b/d/e b/d/f g/i/j g/i/k"), "a*1 b/*3 g/i/*2");
        assert_eq!(summed("b/c b/d/e g/h"), "b/c*1 b/d/e*1 g/h*1");
    }
}
