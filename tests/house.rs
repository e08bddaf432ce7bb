//! The floor plan in `src/lib.rs` against the imports: each module uses only what lies on floors below its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)
}

/// The floor of each module, counted from the top: groups of `mod` lines in `src/lib.rs`.
fn floors() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(source("lib.rs")).expect("src/lib.rs");
    let groups = text.split("\n\n").map(|group| {
        group
            .lines()
            .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
            .collect::<Vec<_>>()
    });
    let mut floors = BTreeMap::new();
    for (floor, group) in groups.filter(|group| !group.is_empty()).enumerate() {
        for module in group {
            floors.insert(module.to_owned(), floor);
        }
    }
    floors
}

/// Every source file with the module that it belongs to, e.g. `git` for `git/read.rs`.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![source("")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let relative = path.strip_prefix(source("")).expect("inside").to_owned();
                let first = relative
                    .iter()
                    .next()
                    .expect("a name")
                    .to_string_lossy()
                    .replace(".rs", "");
                found.push((first, path));
            }
        }
    }
    found
}

/// The modules that a file names after `crate::`, in code and not in comments.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn every_module_imports_only_from_floors_below() {
    let floors = floors();
    assert!(
        floors.len() > 20,
        "the floor plan in src/lib.rs is not read: {floors:?}"
    );
    let mut wrong = Vec::new();
    for (module, path) in files() {
        let Some(own) = floors.get(&module) else {
            continue;
        };
        for import in imports(&fs::read_to_string(&path).expect("text")) {
            let below = floors.get(&import).is_some_and(|floor| floor > own);
            if import != module && !below {
                wrong.push(format!("{}: crate::{import}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that climb:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn verbs_never_import_one_another() {
    for (module, path) in files() {
        if module == "cmd" {
            let text = fs::read_to_string(&path).expect("text");
            let borrowed = text.contains("crate::cmd") || text.contains("super::");
            assert!(!borrowed, "{} borrows from another verb", path.display());
        }
    }
}
