//! Python: a folder with `pyproject.toml`, `setup.py`, `setup.cfg` or requirements, tested by pytest or unittest.

use toml::{Table, Value};

use super::super::{Kind, inputs};
use super::Found;
use super::draft::{Draft, Files, Place, Suggestion};

mod recipe;

/// What decides which tests run and how.
const INPUTS: [&str; 14] = [
    ".pytest.ini",
    ".pytest.toml",
    ".python-version",
    "conftest.py",
    // `python -m` looks into the folder that it stands in before all others.
    "pytest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "pyproject.toml#tool.pytest",
    "pyproject.toml#tool.uv",
    "pytest.ini",
    "pytest.toml",
    "setup.cfg#tool:pytest",
    "tox.ini#pytest",
    "uv.toml",
];
/// Files that make a folder a project, the most telling first.
const MARKS: [&str; 5] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "pytest.ini",
    "tox.ini",
];
/// Requirements in a folder of their own.
const REQUIREMENTS: [&str; 3] = [
    "requirements/dev.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
];
/// Files that only pytest reads.
const PYTEST_OWN: [&str; 5] = [
    ".pytest.ini",
    ".pytest.toml",
    "conftest.py",
    "pytest.ini",
    "pytest.toml",
];
/// Files that speak of pytest where it is used.
const PYTEST_MENTIONED: [&str; 5] = ["Makefile", "noxfile.py", "setup.cfg", "setup.py", "tox.ini"];
/// The groups and extras in which test tools are usually declared, the most telling first.
const LIKELY: [&str; 4] = ["test", "tests", "testing", "dev"];

pub(super) fn detect(files: &Files<'_>, place: &Place, draft: &mut Draft) -> Found {
    let Some(project) = Project::read(files, place) else {
        return Found::Nothing;
    };
    let Some(runner) = project.find_runner(files, place) else {
        draft.assume(
            "python",
            place,
            "no test was found; no step is taken from it",
        );
        return Found::Bare;
    };
    let recipe = project.recipe(files, place, &runner);
    let module = match &runner {
        Runner::Pytest(_) => "pytest",
        Runner::Unittest { below: None } => "unittest discover",
        Runner::Unittest {
            below: Some(folder),
        } => &format!("unittest discover -s {folder}"),
    };
    let run = format!("{} -m {module}", recipe.python);
    let from = project.mark.as_str();
    draft.step(
        "python",
        place,
        &Suggestion {
            name: "test",
            kind: Kind::Test,
            run: &run,
            from,
        },
    );
    if let Runner::Pytest(Declared::Nowhere) = runner {
        let line = "pytest is declared nowhere: set-up installs its newest release";
        draft.assume("python", place, line);
    }
    if !recipe.setup.is_empty() {
        draft.setup(place, &recipe.setup, &recipe.inputs);
    }
    draft.inputs(place, &INPUTS);
    draft.pass(&["PIP_CONFIG_FILE", "PIP_INDEX_URL"]);
    draft.pass(&["UV_DEFAULT_INDEX", "UV_INDEX_URL"]);
    draft.fingerprint(&["python3 -V"]);
    Found::Whole
}

/// What one folder says about itself.
struct Project {
    pyproject: Table,
    setup_cfg: String,
    /// The file that makes it a project.
    mark: String,
    /// The names of its requirements files.
    requirements: Vec<String>,
}

enum Runner {
    Pytest(Declared),
    Unittest {
        /// The folder that holds the tests, where it is no package that discovery would enter by itself.
        below: Option<&'static str>,
    },
}

/// Where pytest is asked for, so that what is declared beside it gets installed as well.
enum Declared {
    /// In the dependency group of this name.
    Group(String),
    /// In the package's extra of this name.
    Extra(String),
    /// In the requirements file of this name.
    File(String),
    /// By the package itself, or in a way that its own manager installs without being told.
    Package,
    Nowhere,
}

impl Project {
    fn read(files: &Files<'_>, place: &Place) -> Option<Self> {
        let is_list = |name: &String| name.contains("requirements") && has_ending(name, "txt");
        let nested = REQUIREMENTS
            .into_iter()
            .filter(|name| files.has(place, name));
        let requirements: Vec<String> = files
            .names(place)
            .into_iter()
            .filter(is_list)
            .chain(nested.map(str::to_owned))
            .collect();
        let mark = MARKS.into_iter().find(|name| files.has(place, name));
        let pyproject = files.read(place, "pyproject.toml").unwrap_or_default();
        Some(Self {
            pyproject: pyproject.parse().unwrap_or_default(),
            setup_cfg: files.read(place, "setup.cfg").unwrap_or_default(),
            mark: mark
                .map(str::to_owned)
                .or_else(|| requirements.first().cloned())?,
            requirements,
        })
    }

    fn find_runner(&self, files: &Files<'_>, place: &Place) -> Option<Runner> {
        let declared = self.declared(files, place);
        let content = |name: &str| files.read(place, name).unwrap_or_default();
        if !matches!(declared, Declared::Nowhere)
            || self.find("tool.pytest").is_some()
            || PYTEST_OWN.iter().any(|name| files.has(place, name))
            || PYTEST_MENTIONED
                .iter()
                .any(|name| content(name).contains("pytest"))
        {
            return Some(Runner::Pytest(declared));
        }
        let is_test = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name == "conftest.py" || (name.starts_with("test_") && has_ending(name, "py"))
        };
        let test = files.all(place).into_iter().find(is_test)?;
        if !content(&test).contains("unittest") {
            return Some(Runner::Pytest(declared));
        }
        let loose = test.starts_with("tests/") && !files.has(place, "tests/__init__.py");
        Some(Runner::Unittest {
            below: loose.then_some("tests"),
        })
    }

    /// Where pytest is declared, the likeliest first.
    fn declared(&self, files: &Files<'_>, place: &Place) -> Declared {
        if let Some(name) = self.find_list_with_pytest("dependency-groups") {
            return Declared::Group(name);
        }
        let extra = self.find_list_with_pytest("project.optional-dependencies");
        if let Some(name) = extra.or_else(|| find_extra_with_pytest(&self.setup_cfg)) {
            return Declared::Extra(name);
        }
        let names_it = |name: &&String| {
            let text = files.read(place, name).unwrap_or_default();
            text.lines().any(asks_for_pytest)
        };
        if let Some(file) = self.requirements.iter().find(names_it) {
            return Declared::File(file.clone());
        }
        let lists = ["project.dependencies", "tool.uv.dev-dependencies"];
        let mut lists = lists.iter().filter_map(|key| self.find(key));
        if lists.any(lists_pytest) || self.poetry_has_pytest() {
            return Declared::Package;
        }
        Declared::Nowhere
    }

    /// The name of the list in the table at `key` that asks for pytest.
    fn find_list_with_pytest(&self, key: &str) -> Option<String> {
        let rank = |name: &str| {
            LIKELY
                .iter()
                .position(|likely| *likely == name)
                .unwrap_or(LIKELY.len())
        };
        let lists = self.find(key)?.as_table()?.iter();
        let named = lists
            .filter(|(_, list)| lists_pytest(list))
            .map(|(name, _)| name);
        named.min_by_key(|name| rank(name)).cloned()
    }

    /// Whether a table that poetry installs by itself asks for pytest.
    fn poetry_has_pytest(&self) -> bool {
        let groups = self.find("tool.poetry.group").and_then(Value::as_table);
        let groups = groups.into_iter().flatten();
        let groups = groups.filter_map(|(_, group)| group.get("dependencies"));
        let own = ["tool.poetry.dependencies", "tool.poetry.dev-dependencies"];
        let own = own.iter().filter_map(|key| self.find(key));
        own.chain(groups).any(|table| table.get("pytest").is_some())
    }

    fn find(&self, key: &str) -> Option<&Value> {
        let mut keys = key.split('.');
        let first = self.pyproject.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))
    }
}

/// The extra of `[options.extras_require]` in a `setup.cfg` that asks for pytest.
fn find_extra_with_pytest(setup_cfg: &str) -> Option<String> {
    let mut extra = None;
    for line in inputs::ini_section(setup_cfg, "options.extras_require") {
        let value = match line.split_once('=') {
            Some((name, value)) if !line.starts_with([' ', '\t']) => {
                extra = Some(name.trim().to_owned());
                value
            }
            _ => line,
        };
        if asks_for_pytest(value) {
            return extra;
        }
    }
    None
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == ending)
}

fn lists_pytest(list: &Value) -> bool {
    let mut items = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    items.any(asks_for_pytest)
}

/// Whether a requirement such as `pytest>=8` is for pytest itself and not for one of its plug-ins.
fn asks_for_pytest(requirement: &str) -> bool {
    let requirement = requirement.trim_start().to_ascii_lowercase();
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    requirement
        .strip_prefix("pytest")
        .is_some_and(|rest| !rest.starts_with(goes_on))
}
