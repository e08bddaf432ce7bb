//! JavaScript and TypeScript: a package or a workspace with a `package.json`.

use serde_json::Value;

use super::super::Kind;
use super::Found;
use super::draft::{Draft, Files, Place, Suggestion};

/// Script, kind: in the order of the gate, the quick ones first.
const SCRIPTS: [(&str, Kind); 4] = [
    ("typecheck", Kind::Check),
    ("type-check", Kind::Check),
    ("build", Kind::Build),
    ("test", Kind::Test),
];
/// What `npm init` writes where there is no test.
const PLACEHOLDER: &str = "no test specified";
/// Runner, what configures it besides the scripts.
const RUNNERS: [(&str, &[&str]); 6] = [
    ("jest", &["jest.config.*", "package.json#jest"]),
    (
        "vitest",
        &["vitest.config.*", "vitest.workspace.*", "vite.config.*"],
    ),
    ("mocha", &[".mocharc.*", "package.json#mocha"]),
    ("ava", &["ava.config.*", "package.json#ava"]),
    ("playwright", &["playwright.config.*"]),
    ("typescript", &["tsconfig*.json"]),
];

pub(super) fn detect(files: &Files<'_>, place: &Place, draft: &mut Draft) -> Found {
    let Some(text) = files.read(place, "package.json") else {
        return Found::Nothing;
    };
    let Ok(package) = serde_json::from_str::<Value>(&text) else {
        draft.assume(
            "node",
            place,
            "package.json can't be read; nothing is taken from it",
        );
        return Found::Bare;
    };
    let manager = Manager::of(files, place, &package);
    let workspace = package.get("workspaces").is_some() || files.has(place, "pnpm-workspace.yaml");
    let steps = steps(
        &package,
        manager,
        workspace && members_have_tests(files, place),
    );
    if steps.is_empty() && !workspace {
        return Found::Bare;
    }
    for (name, kind, run) in &steps {
        let from = "package.json";
        draft.step(
            manager.command(),
            place,
            &Suggestion {
                name,
                kind: *kind,
                run,
                from,
            },
        );
    }
    let runs_it = |name: &&str| script(&package, name).is_some_and(|text| text.contains("lint"));
    if script(&package, "lint").is_some() && !["test", "build"].iter().any(runs_it) {
        let line = "the script `lint` is not in the gate; add it as a step if it should judge";
        draft.assume(manager.command(), place, line);
    }
    if let Some((install, inputs)) = install(files, place, &package, manager) {
        draft.setup(place, &[install], &inputs);
        draft.require_ignored(manager.command(), files, place, "node_modules");
    }
    draft.inputs(place, &inputs(&package, workspace));
    draft.pass(&[
        "NPM_CONFIG_REGISTRY",
        "NPM_CONFIG_USERCONFIG",
        "npm_config_registry",
        "npm_config_userconfig",
    ]);
    draft.fingerprint(&["node -v"]);
    if workspace {
        Found::Whole
    } else {
        Found::Alone
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Manager {
    Npm,
    Pnpm,
    /// Yarn 1.
    Yarn,
    /// Yarn 2 and later.
    Berry,
    Bun,
}

/// Manager, its lock file. The first that is there decides where the package does not say.
const LOCKS: [(Manager, &str); 6] = [
    (Manager::Npm, "package-lock.json"),
    (Manager::Npm, "npm-shrinkwrap.json"),
    (Manager::Pnpm, "pnpm-lock.yaml"),
    (Manager::Yarn, "yarn.lock"),
    (Manager::Bun, "bun.lock"),
    (Manager::Bun, "bun.lockb"),
];

impl Manager {
    fn of(files: &Files<'_>, place: &Place, package: &Value) -> Self {
        let stated = package.get("packageManager").and_then(Value::as_str);
        let (name, version) = stated
            .and_then(|text| text.split_once('@'))
            .unwrap_or_default();
        let berry = || {
            let lock = files.read(place, "yarn.lock").unwrap_or_default();
            lock.contains("__metadata:") || (name == "yarn" && !version.starts_with(['0', '1']))
        };
        let by_lock = || LOCKS.iter().find(|(_, lock)| files.has(place, lock));
        let manager = match name {
            "npm" => Manager::Npm,
            "pnpm" => Manager::Pnpm,
            "yarn" => Manager::Yarn,
            "bun" => Manager::Bun,
            _ => by_lock().map_or(Manager::Npm, |(manager, _)| *manager),
        };
        if manager == Manager::Yarn && berry() {
            return Manager::Berry;
        }
        manager
    }

    fn command(self) -> &'static str {
        match self {
            Manager::Npm => "npm",
            Manager::Pnpm => "pnpm",
            Manager::Yarn | Manager::Berry => "yarn",
            Manager::Bun => "bun",
        }
    }

    fn lock(self, files: &Files<'_>, place: &Place) -> Option<&'static str> {
        // Both yarns write the same file.
        let same = |manager: Manager| manager.command() == self.command();
        let mut locks = LOCKS.iter().filter(|(manager, _)| same(*manager));
        locks
            .find(|(_, lock)| files.has(place, lock))
            .map(|(_, lock)| *lock)
    }

    /// Installs exactly what the lock file says.
    fn install_locked(self) -> &'static str {
        match self {
            Manager::Npm => "npm ci",
            Manager::Pnpm => "pnpm install --frozen-lockfile",
            Manager::Yarn => "yarn install --frozen-lockfile",
            Manager::Berry => "yarn install --immutable",
            Manager::Bun => "bun install --frozen-lockfile",
        }
    }

    /// Installs without leaving a lock file that a task would then commit.
    fn install_unlocked(self) -> &'static str {
        match self {
            Manager::Npm => "npm install --no-package-lock",
            Manager::Pnpm => "pnpm install --no-lockfile",
            Manager::Yarn => "yarn install --no-lockfile",
            Manager::Berry => "yarn install",
            Manager::Bun => "bun install --no-save",
        }
    }

    /// Runs the package's script; `bun test` would be bun's own runner.
    fn run(self, script: &str) -> String {
        match (self, script) {
            (Manager::Npm | Manager::Pnpm | Manager::Yarn | Manager::Berry, "test") => {
                format!("{} test", self.command())
            }
            _ => format!("{} run {script}", self.command()),
        }
    }

    /// Runs the tests of every member of a workspace, where one command can.
    fn run_members(self) -> Option<&'static str> {
        match self {
            Manager::Npm => Some("npm test --workspaces --if-present"),
            Manager::Pnpm => Some("pnpm -r --if-present run test"),
            Manager::Bun => Some("bun run --filter '*' test"),
            Manager::Yarn | Manager::Berry => None,
        }
    }
}

fn script<'a>(package: &'a Value, name: &str) -> Option<&'a str> {
    let text = package.get("scripts")?.get(name)?.as_str()?;
    (!text.trim().is_empty() && !text.contains(PLACEHOLDER)).then_some(text)
}

fn steps(package: &Value, manager: Manager, members: bool) -> Vec<(&'static str, Kind, String)> {
    let own = SCRIPTS
        .iter()
        .filter(|(name, _)| script(package, name).is_some());
    let mut steps: Vec<_> = own
        .map(|(name, kind)| (*name, *kind, manager.run(name)))
        .collect();
    if members && script(package, "test").is_none() {
        let run = manager.run_members().map(str::to_owned);
        steps.extend(run.map(|run| ("test", Kind::Test, run)));
    }
    steps
}

fn members_have_tests(files: &Files<'_>, place: &Place) -> bool {
    files
        .folders()
        .iter()
        .filter(|folder| place.holds(folder) && *folder != place)
        .any(|folder| {
            let text = files.read(folder, "package.json").unwrap_or_default();
            serde_json::from_str(&text)
                .is_ok_and(|package: Value| script(&package, "test").is_some())
        })
}

/// The command that installs what the package depends on, and what it reads.
fn install(
    files: &Files<'_>,
    place: &Place,
    package: &Value,
    manager: Manager,
) -> Option<(String, Vec<String>)> {
    let lock = manager.lock(files, place);
    let lists = [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "workspaces",
    ];
    let filled = |list: &&str| match package.get(*list) {
        Some(Value::Object(map)) => !map.is_empty(),
        other => other.is_some(),
    };
    if lock.is_none() && !lists.iter().any(filled) {
        return None;
    }
    let install = lock.map_or(manager.install_unlocked(), |_| manager.install_locked());
    let uses_husky = package
        .get("devDependencies")
        .is_some_and(|list| list.get("husky").is_some());
    // Husky's install script would write into the git configuration that all worktrees share.
    let install = if uses_husky {
        format!("HUSKY=0 {install}")
    } else {
        install.to_owned()
    };
    let mut inputs = vec!["package.json".to_owned()];
    inputs.extend(lock.map(str::to_owned));
    inputs.extend(files.has(place, ".npmrc").then(|| ".npmrc".to_owned()));
    Some((install, inputs))
}

/// What gives the scripts their meaning, for the runners that the package names; in a workspace also in its members.
fn inputs(package: &Value, workspace: bool) -> Vec<String> {
    let mut inputs = vec!["package.json#scripts", ".npmrc"];
    let configs = RUNNERS.iter().filter(|(runner, _)| names(package, runner));
    inputs.extend(configs.flat_map(|(_, files)| *files));
    if !workspace {
        return inputs.into_iter().map(str::to_owned).collect();
    }
    let mut inputs: Vec<_> = inputs.iter().map(|input| format!("**/{input}")).collect();
    inputs.extend(["turbo.json", "nx.json", "pnpm-workspace.yaml"].map(str::to_owned));
    inputs
}

/// Whether the package depends on `tool` or a script calls it.
fn names(package: &Value, tool: &str) -> bool {
    let depends = |list: &str| {
        package
            .get(list)
            .is_some_and(|list| list.get(tool).is_some())
    };
    let scripts = package.get("scripts").and_then(Value::as_object);
    let mut scripts = scripts
        .into_iter()
        .flatten()
        .filter_map(|(_, script)| script.as_str());
    ["dependencies", "devDependencies"].into_iter().any(depends)
        || scripts.any(|script| script.split_whitespace().any(|word| word == tool))
}
