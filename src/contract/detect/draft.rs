//! A detected contract in the making, and the places of a tree that it is made from.

use super::super::{Contract, Kind, Step, Timeout, inputs};
use super::{Detected, Tree};

/// Folders that hold what is written about, copied into or thrown at a project, not parts of it.
const ASIDE: [&str; 22] = [
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "doc",
    "docs",
    "e2e",
    "example",
    "examples",
    "fixtures",
    "fuzz",
    "node_modules",
    "samples",
    "target",
    "templates",
    "test",
    "testdata",
    "tests",
    "third_party",
    "vendor",
];
/// How far below the root projects are looked for.
const DEPTH: usize = 2;

/// The files of a tree, by the places that they are in.
pub(super) struct Files<'t> {
    tree: &'t dyn Tree,
}

impl<'t> Files<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self { tree }
    }

    pub(super) fn has(&self, place: &Place, name: &str) -> bool {
        let path = place.path(name);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        self.tree.folder(folder).has(name)
    }

    pub(super) fn read(&self, place: &Place, name: &str) -> Option<String> {
        self.has(place, name)
            .then(|| self.tree.read(&place.path(name)))?
    }

    /// The names of `place`'s own files.
    pub(super) fn names(&self, place: &Place) -> Vec<String> {
        self.tree.folder(&place.0).files.clone()
    }

    /// The paths from `place` of the files that lie in it, one level deeper than projects are looked for: what lies in
    /// a project's own folders. In the order of their bytes.
    pub(super) fn all(&self, place: &Place) -> Vec<String> {
        let mut paths = Vec::new();
        let mut open = vec![place.clone()];
        while let Some(inner) = open.pop() {
            let folder = self.tree.folder(&inner.0);
            let files = folder.files.iter().map(|file| inner.path(file));
            paths.extend(files.map(|path| path[place.path("").len()..].to_owned()));
            if inner.depth() <= DEPTH {
                open.extend(folder.folders.iter().map(|name| Place(inner.path(name))));
            }
        }
        paths.sort_unstable();
        paths
    }

    /// The folders below the root in which a project may lie, outer before inner.
    pub(super) fn folders(&self) -> Vec<Place> {
        let part = |name: &&String| {
            !name.starts_with(['.', '_', '-'])
                && !name.contains(char::is_control)
                && !ASIDE.contains(&name.as_str())
        };
        let mut places = Vec::new();
        let mut outer = vec![Place::root()];
        for _ in 0..DEPTH {
            let mut inner = Vec::new();
            for place in outer {
                let folder = self.tree.folder(&place.0);
                let parts = folder.folders.iter().filter(part);
                inner.extend(parts.map(|name| Place(place.path(name))));
            }
            inner.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            let has_files = |place: &&Place| !self.tree.folder(&place.0).files.is_empty();
            places.extend(inner.iter().filter(has_files).cloned());
            outer = inner;
        }
        places
    }

    /// Whether a `.gitignore` in or above `place` names `folder`.
    pub(super) fn ignores(&self, place: &Place, folder: &str) -> bool {
        let names_it = |line: &str| {
            let line = line.trim().trim_end_matches("/*").trim_matches('/');
            line == folder || line.ends_with(&format!("/{folder}"))
        };
        let mut above = Some(place.clone());
        while let Some(place) = above {
            let text = self.read(&place, ".gitignore").unwrap_or_default();
            if text.lines().any(names_it) {
                return true;
            }
            above = place.parent();
        }
        false
    }
}

/// A folder of the tree; the root's path is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn root() -> Self {
        Self(String::new())
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How many folders below the root it is.
    fn depth(&self) -> usize {
        self.0.split('/').filter(|part| !part.is_empty()).count()
    }

    /// The path of `name` in here.
    pub(super) fn path(&self, name: &str) -> String {
        match self.0.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    /// Whether `other` lies in here or is here.
    pub(super) fn holds(&self, other: &Place) -> bool {
        self == other || other.0.starts_with(&self.path(""))
    }

    fn parent(&self) -> Option<Place> {
        let above = self.0.rsplit_once('/').map_or("", |(above, _)| above);
        (!self.is_root()).then(|| Self(above.to_owned()))
    }

    /// The glob for `pattern` in here.
    fn glob(&self, pattern: &str) -> String {
        Self(globset::escape(&self.0)).path(pattern)
    }

    /// The shell command that runs `command` in here.
    fn command(&self, command: &str) -> String {
        match shlex::try_quote(&self.0) {
            Ok(folder) if !self.is_root() => format!("cd {folder} && {command}"),
            _ => command.to_owned(),
        }
    }

    /// The part of a step's name that tells this place.
    fn suffix(&self) -> String {
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        };
        self.0.chars().map(safe).take(40).collect()
    }
}

/// A step that a tool suggests.
pub(super) struct Suggestion<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) run: &'a str,
    /// The file that suggests it.
    pub(super) from: &'a str,
}

/// What the tools found so far.
#[derive(Default)]
pub(super) struct Draft {
    contract: Contract,
    inputs: Vec<String>,
    setup_inputs: Vec<String>,
    setup_always: bool,
    assumptions: Vec<String>,
}

impl Draft {
    /// Says aloud what `tool` takes for granted at `place`.
    pub(super) fn assume(&mut self, tool: &str, place: &Place, line: &str) {
        self.assumptions.push(if place.is_root() {
            format!("{tool}: {line}")
        } else {
            format!("{tool} in {}: {line}", place.0)
        });
    }

    /// Adds a step under a name that no other step has. Below the root it runs when its folder changes.
    pub(super) fn step(&mut self, tool: &str, place: &Place, suggestion: &Suggestion<'_>) {
        let Suggestion {
            name,
            kind,
            run,
            from,
        } = suggestion;
        let local = match place.suffix() {
            suffix if suffix.is_empty() => (*name).to_owned(),
            suffix => format!("{name}-{suffix}"),
        };
        let numbered = (2..).map(|number| format!("{local}-{tool}-{number}"));
        let taken = |name: &String| {
            let mut steps = self.contract.gate.iter();
            steps.any(|step| step.name.eq_ignore_ascii_case(name))
        };
        let name = [local.clone(), format!("{local}-{tool}")]
            .into_iter()
            .chain(numbered)
            .find(|name| !taken(name))
            .expect("numbers do not end");
        self.assume(
            tool,
            place,
            &format!("gate step `{name}` runs `{run}` (from {from})"),
        );
        self.contract.gate.push(Step {
            name,
            kind: *kind,
            run: place.command(run),
            when: (!place.is_root()).then(|| vec![place.glob("**")]),
            timeout: Timeout::default(),
            allow_empty: false,
            rule: None,
        });
    }

    /// Adds a set-up command that has to run again when one of `inputs` changed; without any, always.
    pub(super) fn setup(&mut self, place: &Place, commands: &[String], inputs: &[String]) {
        let commands = commands.iter().map(|command| place.command(command));
        self.contract.worktree.setup.extend(commands);
        self.setup_inputs
            .extend(inputs.iter().map(|input| place.glob(input)));
        self.setup_always |= inputs.is_empty();
    }

    /// Lets set-up alone write to these places.
    pub(super) fn open_to_setup(&mut self, places: &[&str]) {
        extend(&mut self.contract.worktree.setup_writable, places);
    }

    /// Adds globs, from `place`, to the judge's inputs.
    pub(super) fn inputs(&mut self, place: &Place, globs: &[impl AsRef<str>]) {
        self.inputs
            .extend(globs.iter().map(|glob| place.glob(glob.as_ref())));
    }

    pub(super) fn pass(&mut self, variables: &[&str]) {
        extend(&mut self.contract.env.pass, variables);
    }

    pub(super) fn fingerprint(&mut self, commands: &[&str]) {
        extend(&mut self.contract.env.fingerprint, commands);
    }

    /// Keeps a build folder warm if it is ignored. What a set-up makes is not warm: it must go when the set-up's
    /// inputs change, or one task's dependencies would serve another's judging.
    pub(super) fn warm(&mut self, tool: &str, files: &Files<'_>, place: &Place, folder: &str) {
        if self.require_ignored(tool, files, place, folder) {
            self.contract.worktree.warm.push(place.path(folder));
        }
    }

    /// Says so where `folder` is not ignored, since it would be judged and landed.
    pub(super) fn require_ignored(
        &mut self,
        tool: &str,
        files: &Files<'_>,
        place: &Place,
        folder: &str,
    ) -> bool {
        let ignored = files.ignores(place, folder);
        if !ignored {
            let line = format!("no .gitignore names `{folder}`: add it, or tasks will commit it");
            self.assume(tool, place, &line);
        }
        ignored
    }

    pub(super) fn finish(self) -> Detected {
        let Self {
            mut contract,
            mut setup_inputs,
            mut assumptions,
            ..
        } = self;
        setup_inputs.sort();
        setup_inputs.dedup();
        let has_setup = !contract.worktree.setup.is_empty();
        contract.worktree.setup_inputs = (has_setup && !self.setup_always).then_some(setup_inputs);
        contract.judge.inputs = inputs::with_always(self.inputs);
        for command in &contract.worktree.setup {
            assumptions.push(format!(
                "set-up: every worktree is made ready by `{command}`"
            ));
        }
        if contract.gate.is_empty() {
            assumptions.push("gate: no test command was found; write one as [[gate]]".into());
        }
        // Names from the tree may hold anything; an assumption is one line.
        let one_line = |line: String| line.replace(char::is_control, " ");
        Detected {
            contract,
            assumptions: assumptions.into_iter().map(one_line).collect(),
        }
    }
}

/// Appends what is not there yet.
fn extend(list: &mut Vec<String>, more: &[&str]) {
    for one in more {
        if !list.iter().any(|have| have == one) {
            list.push((*one).to_owned());
        }
    }
}
