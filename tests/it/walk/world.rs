//! The walked repository: each step is taken in it and in the model, and both must be alike afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::model::{
    BROKEN, DESK, Insist, Model, Op, Outcome, PAIR, Plan, TASKS, Tree, Work, combined,
};
use crate::evidence::landings;
use crate::sandbox::{CONTRACT, Ran, Sandbox, wait_until};

pub(super) struct World {
    sandbox: Sandbox,
    /// What may be the case: a kill leaves more than one until something tells them apart.
    models: Vec<Model>,
    /// The texts of blobs that were looked at.
    texts: BTreeMap<String, String>,
    /// The commit whose landings were looked at.
    main: String,
    /// What was done, for the message of a walk that fails.
    trace: Trace,
}

/// Tells the way of a walk that fails.
struct Trace {
    seed: u64,
    steps: Vec<String>,
}

impl Drop for Trace {
    #[allow(
        clippy::print_stderr,
        reason = "who mends it must be able to walk it again"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("WT_WALK_SEED={}\n{}", self.seed, self.steps.join("\n"));
        }
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let test = format!(
            "if [ -f {BROKEN} ]; then echo \"FAIL: broken\"; exit 1; fi\n\
             if [ -f {} ] && [ -f {} ]; then echo \"FAIL: a pair\"; exit 1; fi\n",
            PAIR[0], PAIR[1]
        );
        let files = [
            ("wt.toml", CONTRACT),
            ("test.sh", &test),
            ("README.md", "a project\n"),
        ];
        let sandbox = Sandbox::with(&files);
        for (task, plan) in TASKS
            .iter()
            .flat_map(|t| [(*t, Plan::All), (*t, Plan::One)])
        {
            let text = format!(
                "## Root cause\nIt walks.\n## Files\n- `{}`\n## Invariants\n- It keeps to the model.\n## Risks\n- It may fall.\n\
                 ## Validation\n- `sh test.sh`\n",
                plan.glob(task)
            );
            sandbox.write(file_of(task, plan), &text);
        }
        let main = files
            .iter()
            .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
        Self {
            sandbox,
            models: vec![Model::new(main.collect())],
            texts: BTreeMap::new(),
            main: String::new(),
            trace: Trace {
                seed,
                steps: Vec::new(),
            },
        }
    }

    /// What is the case, as far as it shows.
    pub(super) fn model(&self) -> &Model {
        &self.models[0]
    }

    /// Takes a step; with `killed_after` a command of `wt` is killed after so many milliseconds.
    pub(super) fn step(&mut self, op: &Op, killed_after: Option<u64>) {
        self.trace.steps.push(format!("{op:?}"));
        match op {
            Op::Edit(..) | Op::Mend(_) | Op::Commit(_) | Op::Pull(_) => self.agent(op),
            Op::Outside(path, text) => self.outside(path, text),
            Op::Break => self.break_main(),
            Op::Desk(text) => self.desk(text.as_ref()),
            _ => match killed_after {
                Some(milliseconds) => self.killed(op, milliseconds),
                None => self.command(op),
            },
        }
        self.receipts_of_landings();
    }

    fn command(&mut self, op: &Op) {
        let ran = self.sandbox.wt(&arguments(op));
        self.note(&ran);
        let outcomes: Vec<Outcome> = self.models.iter().map(|model| model.after(op)).collect();
        let codes: Vec<i32> = outcomes.iter().map(|(code, _)| *code).collect();
        assert!(
            ran.code.is_some_and(|code| codes.contains(&code)),
            "{} answered {:?}, not {codes:?}\n{}{}\n{:#?}",
            ran.said,
            ran.code,
            ran.out,
            ran.err,
            self.models
        );
        if let Some(4..=6) = ran.code {
            let said = ran.out.clone() + &ran.err;
            let says_what_next = ["hint: ", "next: "]
                .iter()
                .any(|words| said.contains(words));
            assert!(says_what_next, "{}: {}", ran.said, ran.err);
        }
        let fitting = outcomes
            .into_iter()
            .filter(|(code, _)| ran.code == Some(*code));
        let fitting: Vec<Model> = fitting.map(|(_, model)| model).collect();
        self.adopt(&fitting);
    }

    fn killed(&mut self, op: &Op, milliseconds: u64) {
        let started = self.sandbox.start(&arguments(op));
        // The moment is what is random here; nothing waits for anything.
        std::thread::sleep(Duration::from_millis(milliseconds));
        started.signal(Signal::KILL);
        let ran = started.finish(&self.sandbox);
        self.note(&ran);
        let state = self.sandbox.state();
        wait_until("the judge's end", || {
            self.sandbox.wt(&["list", "--json"]).json()["tasks"]
                .as_array()
                .expect("tasks")
                .iter()
                .all(|task| task["judging"] == false || !judge_lives(&state, &task["task"]))
        });
        let mended = self.sandbox.wt(&["doctor", "--fix"]);
        self.note(&mended);
        mended.expect(0);
        self.sandbox.wt(&["doctor"]).expect(0).says("all is well");
        let mut possible = Vec::new();
        for model in &self.models {
            let (code, whole) = model.after(op);
            if ran.code.is_none_or(|ended| ended == code) {
                possible.push(whole);
            }
            if ran.code.is_none() {
                possible.extend(model.halfway(op));
            }
        }
        self.adopt(&possible);
    }

    /// Goes on with those of the models that are as the world is.
    fn adopt(&mut self, possible: &[Model]) {
        let seen = self.look();
        let mut alike: Vec<Model> = Vec::new();
        for model in possible {
            if View::of(model) == seen && !alike.contains(model) {
                alike.push(model.clone());
            }
        }
        assert!(
            !alike.is_empty(),
            "the world is otherwise: {seen:#?}\nexpected one of: {:#?}",
            possible.iter().map(View::of).collect::<Vec<_>>()
        );
        self.models = alike;
    }

    fn agent(&mut self, op: &Op) {
        let (Op::Edit(name, ..) | Op::Mend(name) | Op::Commit(name) | Op::Pull(name)) = op else {
            unreachable!("no agent's step: {op:?}");
        };
        let worktree = self.sandbox.worktree(name);
        let Some(task) = self.models[0].tasks.get(name).cloned() else {
            return;
        };
        let mut now = task.clone();
        match op {
            Op::Edit(_, path, text) => {
                self.sandbox.write(worktree.join(path), text);
                now.worktree.insert(path.clone(), text.clone());
            }
            Op::Mend(_) if task.worktree.contains_key(BROKEN) => {
                fs::remove_file(worktree.join(BROKEN)).expect("removed");
                now.worktree.remove(BROKEN);
            }
            Op::Commit(_) if task.worktree != task.committed => {
                self.sandbox.commit(&worktree, "work");
                now.committed.clone_from(&now.worktree);
            }
            Op::Pull(_) if task.worktree == task.committed => {
                let main = self.models[0].main.clone();
                if let Some(both) = combined(&task.base, &task.committed, &main) {
                    self.sandbox
                        .git_in(&worktree, &["merge", "-q", "--no-edit", "main"]);
                    now.base = main;
                    now.committed.clone_from(&both);
                    now.worktree = both;
                }
            }
            _ => return,
        }
        for model in &mut self.models {
            let task = model.tasks.get_mut(name).expect("alike in all");
            task.base.clone_from(&now.base);
            task.base_at = now.base_at;
            task.committed.clone_from(&now.committed);
            task.worktree.clone_from(&now.worktree);
        }
        self.adopt(&self.models.clone());
    }

    fn outside(&mut self, path: &str, text: &str) {
        self.sandbox.write(path, text);
        self.sandbox.git(&["add", path]);
        self.sandbox
            .git(&["commit", "-q", "-m", "outside", "--", path]);
        for model in &mut self.models {
            model.main.insert(path.to_owned(), text.to_owned());
            model.moves += 1;
        }
        self.adopt(&self.models.clone());
    }

    fn break_main(&mut self) {
        if !self.models[0].main.contains_key(BROKEN) {
            return self.outside(BROKEN, "on main\n");
        }
        self.sandbox.git(&["rm", "-q", BROKEN]);
        self.sandbox
            .git(&["commit", "-q", "-m", "mended", "--", BROKEN]);
        for model in &mut self.models {
            model.main.remove(BROKEN);
            model.moves += 1;
        }
        self.adopt(&self.models.clone());
    }

    fn desk(&mut self, text: Option<&String>) {
        let committed = self.models[0].main.get(DESK).cloned();
        match text.or(committed.as_ref()) {
            Some(text) => self.sandbox.write(DESK, text),
            None if self.models[0].desk.is_some() => {
                fs::remove_file(self.sandbox.repo().join(DESK)).expect("removed");
            }
            None => {}
        }
        for model in &mut self.models {
            model.desk = text.cloned();
        }
        self.adopt(&self.models.clone());
    }

    /// Every landing on main has its receipt.
    fn receipts_of_landings(&mut self) {
        let main = self.sandbox.git(&["rev-parse", "main"]);
        if self.main != main {
            landings(&self.sandbox);
            self.main = main;
        }
    }

    /// What must hold when all is done.
    pub(super) fn end(mut self) {
        self.sandbox.git(&["fsck", "--full", "--strict"]);
        self.sandbox.wt(&["doctor", "--fix"]).expect(0);
        self.sandbox.wt(&["doctor"]).expect(0).says("all is well");
        self.failures_in_a_row();
        // What was removed by force comes back whole, where its name is free.
        let removed: Vec<_> = self.models[0].trash.iter().map(|(name, _)| *name).collect();
        for name in removed {
            self.step(&Op::Restore(name), None);
        }
    }

    /// Never a third counted failure without a pass or a person between.
    fn failures_in_a_row(&self) {
        let mut row: BTreeMap<String, u32> = BTreeMap::new();
        for line in self
            .sandbox
            .read(self.sandbox.state().join("events.jsonl"))
            .lines()
        {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let count = row.entry(event["task"].to_string()).or_default();
            match event["event"].as_str() {
                Some("failed") => *count += 1,
                Some(
                    "validated" | "known" | "resumed" | "spawned" | "restored" | "combination-red",
                ) => *count = 0,
                _ => {}
            }
            assert!(*count <= 2, "a third failure: {line}");
        }
    }

    fn look(&mut self) -> View {
        let listed = self.sandbox.wt(&["list", "--json"]);
        listed.expect(0);
        let mut tasks = BTreeMap::new();
        for task in listed.json()["tasks"].as_array().expect("tasks") {
            let name = task["task"].as_str().expect("a name").to_owned();
            let state = task["state"].as_str().expect("a state");
            let plan = task["plan"]["stage"].as_str().unwrap_or_default();
            let state = format!("{state} {plan}");
            let attempts = task["attempts"].as_u64().expect("a number");
            let committed = self.tree(task["branch"].as_str().expect("a branch"));
            let worktree = on_disk(&self.sandbox.worktree(&name));
            tasks.insert(name, (state, attempts, committed, worktree));
        }
        let beside = self.sandbox.root().join("repo.wt");
        let folders = fs::read_dir(beside).into_iter().flatten().flatten();
        let folders = folders.map(|e| e.file_name().to_string_lossy().into_owned());
        let folders = folders
            .filter(|name| !name.starts_with(['_', '.']))
            .collect();
        let branches = self.sandbox.git(&[
            "for-each-ref",
            "--format=%(refname:lstrip=3)",
            "refs/heads/wt/",
        ]);
        View {
            tasks,
            main: self.tree("main"),
            checkout: on_disk(&self.sandbox.repo()),
            folders,
            branches: branches.lines().map(str::to_owned).collect(),
        }
    }

    /// The files of a commit.
    fn tree(&mut self, commit: &str) -> Tree {
        let listed = self.sandbox.git(&["ls-tree", "-r", "-z", commit]);
        let mut tree = Tree::new();
        for record in listed.split('\0').filter(|r| !r.is_empty()) {
            let (head, path) = record.split_once('\t').expect("a path");
            let blob = head.rsplit(' ').next().expect("a blob");
            if !self.texts.contains_key(blob) {
                let mut git = self.sandbox.command("git");
                let output = git.args(["cat-file", "blob", blob]).output().expect("git");
                let text = String::from_utf8(output.stdout).expect("text");
                self.texts.insert(blob.to_owned(), text);
            }
            tree.insert(path.to_owned(), self.texts[blob].clone());
        }
        tree
    }

    fn note(&mut self, ran: &Ran) {
        let said = format!(
            "  {} -> {:?} {}",
            ran.said,
            ran.code,
            (ran.out.clone() + &ran.err).trim_end().replace('\n', " | ")
        );
        self.trace.steps.push(said);
    }
}

/// What can be seen of the world, and must be as the model has it.
#[derive(Debug, PartialEq)]
struct View {
    /// State, with that of the plan, attempts, committed and uncommitted files.
    tasks: BTreeMap<String, (String, u64, Tree, Tree)>,
    main: Tree,
    /// The files of the person's own checkout.
    checkout: Tree,
    folders: BTreeSet<String>,
    branches: BTreeSet<String>,
}

impl View {
    fn of(model: &Model) -> Self {
        let mut checkout = model.main.clone();
        if let Some(text) = &model.desk {
            checkout.insert(DESK.to_owned(), text.clone());
        }
        let names: BTreeSet<String> = model.tasks.keys().map(|n| (*n).to_owned()).collect();
        let tasks = model.tasks.iter().map(|(name, task)| {
            let plan = match (task.plan, task.proposal, task.state) {
                (_, Some(_), _) => "submitted",
                (Some(_), None, _) => "approved",
                (None, None, "planning") => "wanted",
                (None, None, _) => "",
            };
            let task = (
                format!("{} {plan}", task.state),
                task.attempts,
                task.committed.clone(),
                task.worktree.clone(),
            );
            ((*name).to_owned(), task)
        });
        Self {
            tasks: tasks.collect(),
            main: model.main.clone(),
            checkout,
            folders: names.clone(),
            branches: names,
        }
    }
}

/// Where the text of a plan lies, from the repository.
fn file_of(task: &str, plan: Plan) -> &'static str {
    match (task, plan) {
        ("ann", Plan::One) => "../home/ann-one.md",
        ("ann", Plan::All) => "../home/ann-all.md",
        ("bob", Plan::One) => "../home/bob-one.md",
        ("bob", Plan::All) => "../home/bob-all.md",
        (_, Plan::One) => "../home/one.md",
        (_, Plan::All) => "../home/all.md",
    }
}

fn arguments(op: &Op) -> Vec<&'static str> {
    match op {
        Op::Spawn(task) => vec!["spawn", task],
        Op::SpawnPlanned(task) => vec!["spawn", task, "--plan"],
        Op::Submit(task, plan) => vec!["plan", "submit", task, "--file", file_of(task, *plan)],
        Op::Approve(task) => vec!["plan", "approve", task, "--operator", "walker"],
        Op::Validate(task, None) => vec!["validate", task],
        Op::Validate(task, Some(cause)) => vec!["validate", task, "--cause", cause],
        Op::Resume(task) => vec![
            "resume",
            task,
            "--because",
            "a walk",
            "--operator",
            "walker",
        ],
        Op::Merge(task, Work::Refuse) => vec!["merge", task],
        Op::MergeAll => vec!["merge", "--all"],
        Op::Sync(task) => vec!["sync", task],
        Op::Merge(task, Work::Commit) => vec!["merge", task, "--commit", "-m", "work"],
        Op::Remove(task, Insist::No) => vec!["rm", task],
        Op::Remove(task, Insist::Yes) => vec!["rm", task, "--force"],
        Op::Restore(task) => vec!["restore", task],
        _ => unreachable!("no command of wt: {op:?}"),
    }
}

/// Whether the judge that is last known of a task is at work.
fn judge_lives(state: &Path, task: &serde_json::Value) -> bool {
    let runs = state
        .join("tasks")
        .join(task.as_str().expect("a name"))
        .join("runs");
    let runs = fs::read_dir(runs).into_iter().flatten().flatten();
    let judges = runs.filter_map(|run| fs::read_to_string(run.path().join("judge.json")).ok());
    judges
        .filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .any(|judge| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", judge["pid"]));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        })
}

/// The files of a checkout that are its own: neither git's nor what `wt` generates.
fn on_disk(root: &Path) -> Tree {
    let mut found = Tree::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "AGENTS.override.md" {
            continue;
        }
        let text = fs::read_to_string(entry.path());
        found.insert(
            name,
            text.unwrap_or_else(|e| panic!("{}: {e}", entry.path().display())),
        );
    }
    found
}
