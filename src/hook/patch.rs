//! The envelope of Codex's `apply_patch`: which files a patch adds, changes, moves and deletes.

use super::wish::Wish;

const BEGIN: &str = "*** Begin Patch";

/// What a patch would do; nothing where the text holds no patch.
pub(super) fn wishes(text: &str) -> Option<Vec<Wish>> {
    let at = text.find(BEGIN)?;
    let header = |line: &str| -> Option<Wish> {
        let line = line.trim_end().strip_prefix("*** ")?;
        let (word, path) = line.split_once(": ")?;
        let path = path.trim().to_owned();
        match word {
            "Add File" | "Update File" | "Move to" => Some(Wish::Write(path)),
            "Delete File" => Some(Wish::Remove(path)),
            _ => None,
        }
    };
    // Lines of content begin with `+`, `-` or a space: none of them can be taken for a header.
    Some(text[at..].lines().filter_map(header).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_patch_is_known() {
        let patch = "cd src\n*** Begin Patch\n*** Add File: a b.txt\n+*** Delete File: no\n*** Update File: old.rs\n\
            *** Move to: new.rs\n@@ fn\n-x\n+y\n *** Add File: no\n*** Delete File: gone\n*** End of File\n*** End Patch\n";
        let expected = [
            Wish::Write("a b.txt".to_owned()),
            Wish::Write("old.rs".to_owned()),
            Wish::Write("new.rs".to_owned()),
            Wish::Remove("gone".to_owned()),
        ];
        assert_eq!(wishes(patch).expect("a patch"), expected);
        assert_eq!(wishes("no patch"), None);
    }
}
