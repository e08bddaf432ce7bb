//! Commands that write, move and remove files.

use super::{Walk, Word};
use crate::hook::wish::Wish;

/// Notes what a command would do to files.
pub(super) fn judge(walk: &mut Walk, name: &str, words: &[Word]) {
    let valued: &[&str] = match name {
        "tee" | "rm" | "unlink" | "rmdir" => &[],
        "touch" => &["-d", "-r", "-t"],
        "truncate" => &["-s", "-r"],
        "cp" | "mv" | "ln" | "install" => &["-S", "-g", "-m", "-o"],
        "sed" => return sed(walk, words),
        "dd" => {
            let files = words.iter().filter_map(|word| {
                let text = word.text.strip_prefix("of=")?.to_owned();
                Some(Word {
                    text,
                    ..word.clone()
                })
            });
            return write(walk, &files.collect::<Vec<_>>());
        }
        _ => return,
    };
    let Given { options, operands } = given(words, valued);
    match name {
        "rm" | "unlink" | "rmdir" => remove(walk, &operands),
        "tee" | "touch" | "truncate" => write(walk, &operands),
        _ => copy(walk, name, &options, &operands, words),
    }
}

/// A command's own words.
struct Given<'w> {
    options: Vec<&'w str>,
    operands: Vec<Word>,
}

fn given<'w>(words: &'w [Word], valued: &[&str]) -> Given<'w> {
    let mut given = Given {
        options: Vec::new(),
        operands: Vec::new(),
    };
    let mut words = words.iter();
    let mut options_end = false;
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "--" if !options_end => options_end = true,
            option if !options_end && option.len() > 1 && option.starts_with('-') => {
                given.options.push(option);
                if valued.contains(&option) || ["-t", "--target-directory"].contains(&option) {
                    words.next();
                }
            }
            _ => given.operands.push(word.clone()),
        }
    }
    given
}

fn write(walk: &mut Walk, files: &[Word]) {
    let paths: Vec<String> = files.iter().filter_map(|word| walk.path(word)).collect();
    walk.found.extend(paths.into_iter().map(Wish::Write));
}

fn remove(walk: &mut Walk, files: &[Word]) {
    let paths: Vec<String> = files.iter().filter_map(|word| walk.path(word)).collect();
    walk.found.extend(paths.into_iter().map(Wish::Remove));
}

/// `cp`, `mv`, `ln` and `install`: the last operand is written, or the folder that `-t` names.
fn copy(walk: &mut Walk, name: &str, options: &[&str], operands: &[Word], words: &[Word]) {
    let folder_option = options.iter().find_map(|option| {
        if let Some(folder) = option.strip_prefix("--target-directory=") {
            return Some(Word {
                text: folder.to_owned(),
                plain: true,
                ..Word::default()
            });
        }
        let at = words.iter().position(|word| word.text == *option)?;
        ["-t", "--target-directory"]
            .contains(option)
            .then(|| words.get(at + 1).cloned())?
    });
    let (sources, target) = match (folder_option, operands.split_last()) {
        (Some(folder), _) => (operands, folder),
        (None, Some((last, sources))) if !sources.is_empty() => (sources, last.clone()),
        _ => return,
    };
    if name == "mv" {
        remove(walk, sources);
    }
    if name == "install" && options.contains(&"-d") {
        return;
    }
    let names = sources
        .iter()
        .filter(|word| word.plain)
        .filter_map(|word| word.text.trim_end_matches('/').rsplit('/').next())
        .map(str::to_owned)
        .collect();
    let path = walk.path(&target);
    walk.found
        .extend(path.map(|path| Wish::WriteInto(path, names)));
}

/// `sed -i`: its files are written.
fn sed(walk: &mut Walk, words: &[Word]) {
    let Given { options, operands } = given(words, &["-e", "-f", "-l", "--expression", "--file"]);
    let short = |option: &str, letter: char| {
        // What follows the first letter that takes a word is that word.
        !option.starts_with("--") && option.chars().find(|c| "efil".contains(*c)) == Some(letter)
    };
    let in_place = |option: &&str| option.starts_with("--in-place") || short(option, 'i');
    let script = |option: &&str| {
        option.starts_with("--expression")
            || option.starts_with("--file")
            || short(option, 'e')
            || short(option, 'f')
    };
    if options.iter().any(in_place) {
        let scripted = options.iter().any(script);
        write(
            walk,
            operands.get(usize::from(!scripted)..).unwrap_or_default(),
        );
    }
}
