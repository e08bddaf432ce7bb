//! The folders that a claim lies in, for a worktree that holds only these.

use super::globs::Globs;
use super::pattern::Pattern;

impl Globs {
    /// The folders that hold every path of the list, without repetition; the files at the repository's root lie in
    /// none. A glob without a wildcard counts as a folder: whether it is one, the tree tells.
    ///
    /// # Errors
    /// The first glob whose paths can lie in any folder.
    pub(crate) fn folders(&self) -> Result<Vec<String>, &str> {
        let mut folders: Vec<String> = Vec::new();
        for pattern in self.added() {
            match folder(pattern) {
                Some("") => {}
                Some(folder) if folders.iter().any(|known| known == folder) => {}
                Some(folder) => folders.push(folder.to_owned()),
                None => return Err(pattern.text()),
            }
        }
        Ok(folders)
    }

    /// For each glob the deepest path that all of its matches lie at or below; empty for the root.
    pub(crate) fn stems(&self) -> Vec<String> {
        let stem = |pattern: &Pattern| {
            let prefix = pattern.prefix();
            let folder = || prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            if pattern.is_tree() { prefix } else { folder() }.to_owned()
        };
        self.added().iter().map(stem).collect()
    }
}

fn folder(pattern: &Pattern) -> Option<&str> {
    let prefix = pattern.prefix();
    if pattern.is_tree() {
        return Some(prefix);
    }
    if let Some((folder, _)) = prefix.rsplit_once('/') {
        return Some(folder);
    }
    // Braces can hold a folder's name, and what a wildcard outside of a folder matches lies at the root.
    let stays_at_root = !pattern.text().contains(['/', '{']) && !pattern.text().contains("**");
    stays_at_root.then_some("")
}

#[cfg(test)]
mod tests {
    use super::super::Case;
    use super::*;

    #[test]
    fn a_claim_lies_in_the_folders_that_its_globs_begin_with() {
        let folders = |sources: &[&str]| {
            let globs = Globs::parse(sources, Case::Exact).expect("parses");
            globs.folders().map_err(str::to_owned)
        };
        let owned = ["src/auth/**", "src/auth/*.rs", "docs/a*/x", "api/v1.json"];
        assert_eq!(
            folders(&owned),
            Ok(["src/auth", "docs", "api/v1.json"]
                .map(String::from)
                .to_vec())
        );
        assert_eq!(
            folders(&["*.md", "a?", "src", "!src/x"]),
            Ok(vec!["src".into()])
        );
        assert_eq!(folders(&[r"a\*b/**"]), Ok(vec!["a*b".into()]));
        let stems = |sources: &[&str]| Globs::parse(sources, Case::Exact).expect("parses").stems();
        assert_eq!(stems(&["src/auth/**", "docs/a*/x"]), ["src/auth", "docs"]);
        assert_eq!(
            stems(&["api/v1.json", "**/*.rs", "a*", "."]),
            ["api/v1.json", "", "", ""]
        );
        for any in ["**", "**/*.rs", "*/x", "{a,b}/c", "{a,b}", "a*/**"] {
            let first = folders(&["src", any]).expect_err(any);
            assert_eq!(first, any);
        }
    }
}
