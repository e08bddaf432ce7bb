//! How a Python project's tests get to run: the commands that make its environment, and its interpreter.

use std::borrow::Cow;

use super::super::draft::{Files, Place};
use super::{Declared, Project, Runner};

/// Build tools that compile: an editable install of theirs goes stale when any source changes.
const COMPILING: [&str; 8] = [
    "cffi",
    "cython",
    "maturin",
    "meson-python",
    "mesonpy",
    "pybind11",
    "scikit-build",
    "setuptools-rust",
];
/// Files that say what is to be installed, besides requirements.
const READ: [&str; 5] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "uv.lock",
    "poetry.lock",
];

/// How the tests get to run.
pub(super) struct Recipe {
    pub(super) setup: Vec<String>,
    /// What the set-up reads; empty: anything.
    pub(super) inputs: Vec<String>,
    /// The interpreter's command.
    pub(super) python: &'static str,
}

impl Project {
    pub(super) fn recipe(&self, files: &Files<'_>, place: &Place, runner: &Runner) -> Recipe {
        let (setup, python) = if files.has(place, "uv.lock") {
            // Set-up has made the environment: a step that synchronised it would drop what was added.
            (self.by_uv(runner), "uv run --no-sync python")
        } else if files.has(place, "poetry.lock") {
            (by_poetry(runner), "poetry run python")
        } else {
            match self.by_venv(files, place, runner) {
                setup if setup.is_empty() => (setup, "python3"),
                setup => (setup, ".venv/bin/python"),
            }
        };
        let requires = self
            .find("build-system")
            .map(ToString::to_string)
            .unwrap_or_default();
        let compiles = COMPILING
            .iter()
            .any(|tool| requires.to_ascii_lowercase().contains(tool));
        let read = READ
            .into_iter()
            .filter(|name| files.has(place, name))
            .map(str::to_owned);
        let inputs = if compiles {
            Vec::new()
        } else {
            read.chain(self.requirements.iter().cloned()).collect()
        };
        Recipe {
            setup,
            inputs,
            python,
        }
    }

    fn by_uv(&self, runner: &Runner) -> Vec<String> {
        let sync = if self.find("tool.uv.workspace").is_some() {
            "uv sync --frozen --all-packages"
        } else {
            "uv sync --frozen"
        };
        let more = "uv pip install";
        match runner {
            Runner::Pytest(Declared::Group(name)) => {
                vec![format!("{sync} --group {}", quote(name))]
            }
            Runner::Pytest(Declared::Extra(name)) => {
                vec![format!("{sync} --extra {}", quote(name))]
            }
            Runner::Pytest(Declared::File(file)) => {
                vec![sync.into(), format!("{more} -r {}", quote(file))]
            }
            Runner::Pytest(Declared::Nowhere) => vec![sync.into(), format!("{more} pytest")],
            Runner::Pytest(Declared::Package) | Runner::Unittest { .. } => vec![sync.into()],
        }
    }

    fn by_venv(&self, files: &Files<'_>, place: &Place, runner: &Runner) -> Vec<String> {
        let is_package = files.has(place, "setup.py")
            || self.find("build-system").is_some()
            || self.find("project").is_some();
        let mut wanted = Vec::new();
        match runner {
            Runner::Pytest(Declared::Extra(name)) => {
                wanted.push(format!("-e {}", quote(&format!(".[{name}]"))));
            }
            _ if is_package => wanted.push("-e .".into()),
            _ if files.has(place, "requirements.txt") => wanted.push("-r requirements.txt".into()),
            _ => {}
        }
        match runner {
            Runner::Pytest(Declared::Group(name)) => {
                wanted.push(format!("--group {}", quote(name)));
            }
            Runner::Pytest(Declared::File(file)) => wanted.push(format!("-r {}", quote(file))),
            Runner::Pytest(Declared::Nowhere) => wanted.push("pytest".into()),
            _ => {}
        }
        wanted.dedup();
        if wanted.is_empty() {
            return Vec::new();
        }
        // A virtual environment ignores itself only from Python 3.13 on.
        let make = "python3 -m venv .venv && echo '*' > .venv/.gitignore".to_owned();
        let pip = ".venv/bin/python -m pip install --quiet";
        let by_group = matches!(runner, Runner::Pytest(Declared::Group(_)));
        // The first release of pip that knows dependency groups.
        let newer_pip = by_group.then(|| format!("{pip} 'pip>=25.1'"));
        let install = format!("{pip} {}", wanted.join(" "));
        [make]
            .into_iter()
            .chain(newer_pip)
            .chain([install])
            .collect()
    }
}

fn by_poetry(runner: &Runner) -> Vec<String> {
    // Inside the worktree, so that the environment goes when the worktree goes.
    let install = "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction";
    let mut setup = vec![match runner {
        Runner::Pytest(Declared::Extra(name)) => format!("{install} --extras {}", quote(name)),
        Runner::Pytest(Declared::Group(name)) => format!("{install} --with {}", quote(name)),
        _ => install.to_owned(),
    }];
    match runner {
        Runner::Pytest(Declared::File(file)) => {
            setup.push(format!(
                "poetry run python -m pip install --quiet -r {}",
                quote(file)
            ));
        }
        Runner::Pytest(Declared::Nowhere) => {
            setup.push("poetry run python -m pip install --quiet pytest".into());
        }
        _ => {}
    }
    setup
}

/// `word` as one word for `sh`. Only a NUL can't be quoted, which no path holds and no name needs.
fn quote(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed("''"))
}
