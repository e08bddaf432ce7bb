//! The envelope of Codex's `apply_patch`: which files a patch adds, changes, moves and deletes.

use super::wish::Wish;

const BEGIN: &str = "*** Begin Patch";

/// What a patch would do; nothing where the text holds no patch.
pub(super) fn wishes(text: &str) -> Option<Vec<Wish>> {
    let at = text.find(BEGIN)?;
    let mut found = Vec::new();
    let mut in_update = false;
    for line in text[at..].lines() {
        // A line of an update's content may begin with a space; elsewhere Codex takes a header that is set off.
        let line = if in_update { line } else { line.trim_start() };
        let header = line.strip_prefix("*** ");
        let Some((word, path)) = header.and_then(|header| header.split_once(": ")) else {
            continue;
        };
        let path = path.trim().to_owned();
        let wish = match word {
            "Add File" | "Update File" | "Move to" => Wish::Write(path),
            "Delete File" => Wish::Remove(path),
            _ => continue,
        };
        in_update = matches!(word, "Update File" | "Move to");
        found.push(wish);
    }
    Some(found)
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

        let set_off =
            "*** Begin Patch\n  *** Add File: a\n+x\n *** Delete File: b \n\t*** Update File: c\n";
        let expected = [
            Wish::Write("a".to_owned()),
            Wish::Remove("b".to_owned()),
            Wish::Write("c".to_owned()),
        ];
        assert_eq!(wishes(set_off).expect("a patch"), expected);
    }
}
