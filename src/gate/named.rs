//! The files that give a gate's commands their meaning by their words alone.

use crate::contract::Contract;

/// What a tool looks up, without being told, in the folder that it is called in.
const LOOKED_UP: [(&[&str], &[&str]); 5] = [
    (&["make", "gmake"], &["GNUmakefile", "makefile", "Makefile"]),
    (&["just"], &["justfile", ".justfile", "Justfile"]),
    (&["npm", "pnpm", "yarn", "bun"], &["package.json#scripts"]),
    (&["rake"], &["Rakefile"]),
    (&["tox"], &["tox.ini"]),
];

/// Whether a command of the gate or of its set-up names the file at `path` by a word of its own, as `sh check.sh` does.
pub(crate) fn names(contract: &Contract, path: &str) -> bool {
    let mut commands = commands(contract);
    commands.any(|command| {
        words(command)
            .iter()
            .any(|word| word.trim_start_matches("./") == path)
    })
}

/// What the tools of these commands look up, as inputs of the judge: in the root, and in every folder that a command
/// with such a tool names, as `make -C web lint` does.
pub(crate) fn looked_up(contract: &Contract) -> Vec<String> {
    let mut inputs = Vec::new();
    for command in commands(contract) {
        let words = words(command);
        let tools = LOOKED_UP
            .iter()
            .filter(|(tools, _)| words.iter().any(|word| tools.contains(&name_of(word))));
        for file in tools.flat_map(|(_, files)| *files) {
            inputs.push((*file).to_owned());
            let folders = words.iter().filter_map(|word| as_folder(word));
            inputs.extend(folders.map(|folder| format!("{folder}/{file}")));
        }
    }
    inputs.sort();
    inputs.dedup();
    inputs
}

fn commands(contract: &Contract) -> impl Iterator<Item = &String> {
    let steps = contract.gate.iter().map(|step| &step.run);
    steps.chain(&contract.worktree.setup)
}

fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect())
}

/// The program of a word, by whatever path and however a list of commands goes on behind it.
fn name_of(word: &str) -> &str {
    let word = word.trim_matches([';', '&', '|', '(', ')']);
    word.rsplit('/').next().unwrap_or(word)
}

/// A word as a folder of the repository, where it may be one: `web` of `cd web;`, `--prefix=web` and `-Cweb`.
fn as_folder(word: &str) -> Option<&str> {
    let word = word.trim_matches([';', '&', '|', '(', ')']);
    let word = match word.strip_prefix("-C") {
        Some(folder) => folder,
        None if word.starts_with('-') => word.split_once('=')?.1,
        None => word,
    };
    let word = word.trim_start_matches("./").trim_end_matches('/');
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '@' | '+');
    let leaves = word.starts_with('/') || word.split('/').any(|part| part == "..");
    (!word.is_empty() && word != "." && !leaves && word.chars().all(plain)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::JudgeInputs;

    #[test]
    fn what_a_tool_looks_up_is_an_input_where_it_is_called() {
        for (run, file) in [
            ("make lint", "Makefile"),
            ("make lint", "GNUmakefile"),
            ("/usr/bin/make -C web lint", "web/Makefile"),
            ("cd web/app; make", "web/app/makefile"),
            ("CI=1 just", "justfile"),
            ("(cd web && npm run lint)", "web/package.json#scripts"),
            ("yarn --cwd=./web/ lint", "web/package.json#scripts"),
            ("tox", "tox.ini"),
        ] {
            let contract = Contract::parse(
                &format!("[[gate]]\nname = \"a\"\nkind = \"lint\"\nrun = \"{run}\"\n"),
                "wt.toml",
                Contract::default(),
            );
            let inputs = looked_up(&contract.expect("a contract"));
            assert!(inputs.contains(&file.to_owned()), "{run}: {inputs:?}");
            assert!(JudgeInputs::parse(&inputs).is_ok(), "{run}: {inputs:?}");
        }
        for run in ["cargo test", "sh make.sh", "echo 'make it'", "cmake ."] {
            let text = format!("[[gate]]\nname = \"a\"\nkind = \"lint\"\nrun = \"{run}\"\n");
            let contract = Contract::parse(&text, "wt.toml", Contract::default());
            assert_eq!(looked_up(&contract.expect("a contract")), [""; 0], "{run}");
        }
    }
}
