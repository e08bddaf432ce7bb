//! What the design says becomes of tasks and branches, on whole files: no git, no processes.

use std::collections::BTreeMap;

use super::Dice;

/// Files by path.
pub(super) type Tree = BTreeMap<String, String>;

/// What a walk does next.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Spawn(&'static str),
    /// The same, with a plan to be approved first.
    SpawnPlanned(&'static str),
    /// A plan is handed in.
    Submit(&'static str, Plan),
    /// The plan that waits is approved.
    Approve(&'static str),
    /// An agent writes a file.
    Edit(&'static str, String, String),
    /// An agent removes what breaks the gate.
    Mend(&'static str),
    Commit(&'static str),
    /// An agent merges main into its branch, by git.
    Pull(&'static str),
    /// `wt` brings main into a task.
    Sync(&'static str),
    Validate(&'static str, Option<&'static str>),
    Resume(&'static str),
    Merge(&'static str, Work),
    /// Every validated task lands as a train.
    MergeAll,
    Remove(&'static str, Insist),
    Restore(&'static str),
    /// A person commits a file on main.
    Outside(String, String),
    /// A person commits on main what breaks the gate, or takes it out again.
    Break,
    /// A person leaves a file in the checkout uncommitted, or clears that away.
    Desk(Option<String>),
}

/// What a merge does with uncommitted work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Refuse,
    Commit,
}

/// Which of a task's own files its plan names. Approved, they are its claim: what several write is in no plan here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    One,
    All,
}

impl Plan {
    fn holds(self, task: &str, path: &str) -> bool {
        match self {
            Self::One => path == format!("{task}-0.txt"),
            Self::All => path.starts_with(&format!("{task}-")),
        }
    }

    pub(super) fn glob(self, task: &str) -> String {
        match self {
            Self::One => format!("{task}-0.txt"),
            Self::All => format!("{task}-*.txt"),
        }
    }
}

/// Whether a removal is forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insist {
    No,
    Yes,
}

pub(super) const TASKS: [&str; 3] = ["ann", "bob", "größe"];
/// What several may write: tasks and persons meet here.
pub(super) const SHARED: &str = "shared.txt";
/// What lies on a person's desk.
pub(super) const DESK: &str = "notes.txt";
/// The gate fails where this is, or both of [`PAIR`] are.
pub(super) const BROKEN: &str = "broken";
pub(super) const PAIR: [&str; 2] = ["left", "right"];

impl Op {
    /// The next step; `number` makes its texts unlike all others.
    pub(super) fn roll(dice: &mut Dice, number: usize, model: &Model) -> Self {
        let task = TASKS[dice.below(TASKS.len())];
        if !model.tasks.contains_key(task) && dice.below(4) > 0 {
            return match dice.below(3) {
                0 => Self::SpawnPlanned(task),
                _ => Self::Spawn(task),
            };
        }
        let plan = [Plan::All, Plan::One][dice.below(2)];
        // What chance alone seldom comes to.
        if dice.below(3) == 0 {
            match model.tasks.get(task).map(|task| task.state) {
                Some("validated") if dice.below(3) == 0 => return Self::MergeAll,
                Some("validated") => return Self::Merge(task, Work::Commit),
                Some("stopped") => return Self::Resume(task),
                Some("planning") if dice.below(2) == 0 => return Self::Submit(task, plan),
                Some("planning") => return Self::Approve(task),
                Some("failed") => return Self::Validate(task, Some("a cause")),
                _ => {}
            }
        }
        let text = format!("{number}\n");
        match dice.below(39) {
            0 => Self::Spawn(task),
            1..8 => {
                let own = format!("{task}-{}.txt", dice.below(2));
                let paths = [
                    &own, &own, &own, SHARED, DESK, BROKEN, BROKEN, PAIR[0], PAIR[1],
                ];
                Self::Edit(task, paths[dice.below(paths.len())].to_owned(), text)
            }
            8..11 => Self::Mend(task),
            11..14 => Self::Commit(task),
            14 => Self::Pull(task),
            15 => Self::Sync(task),
            16..20 => Self::Validate(task, None),
            20..22 => Self::Validate(task, Some("a cause")),
            22 => Self::Resume(task),
            23..25 => Self::Merge(task, Work::Refuse),
            25..27 => Self::Merge(task, Work::Commit),
            27 => Self::Remove(task, Insist::No),
            28 => Self::Remove(task, Insist::Yes),
            29 => Self::Restore(task),
            30 => {
                let path = [SHARED, "outside.txt"][dice.below(2)];
                Self::Outside(path.to_owned(), text)
            }
            31 => Self::Desk((dice.below(2) == 0).then_some(text)),
            32 => Self::Break,
            33 => Self::Sync(task),
            34 => Self::Submit(task, plan),
            35 => Self::Approve(task),
            _ => Self::MergeAll,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// What main held where the branch left it.
    pub(super) base: Tree,
    /// How often main had moved by then: its tree may be the same again.
    pub(super) base_at: usize,
    pub(super) committed: Tree,
    pub(super) worktree: Tree,
    pub(super) state: &'static str,
    pub(super) attempts: u64,
    /// The snapshot that passed, and what main was then.
    validated: Option<(Tree, usize)>,
    /// Whether that is what `wt sync` made of one that passed: it may land, and is judged anew if that is asked for.
    synced: bool,
    rejected: Option<Tree>,
    /// When it was made: the count of spawns before.
    made: usize,
    pub(super) plan: Option<Plan>,
    pub(super) proposal: Option<Plan>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    pub(super) tasks: BTreeMap<&'static str, Task>,
    /// Removed by force, the newest last.
    pub(super) trash: Vec<(&'static str, Task)>,
    pub(super) main: Tree,
    /// How often main has moved.
    pub(super) moves: usize,
    pub(super) desk: Option<String>,
    /// Trees that a receipt names.
    receipts: Vec<Tree>,
    spawned: usize,
}

/// What a command may answer, and what the world is like then.
pub(super) type Outcome = (i32, Model);

impl Model {
    pub(super) fn new(main: Tree) -> Self {
        Self {
            tasks: BTreeMap::new(),
            trash: Vec::new(),
            main,
            moves: 0,
            desk: None,
            receipts: Vec::new(),
            spawned: 0,
        }
    }

    /// What comes of a command of `wt`.
    pub(super) fn after(&self, op: &Op) -> Outcome {
        let mut next = self.clone();
        let code = match op {
            Op::Spawn(task) => next.spawn(task, "working"),
            Op::SpawnPlanned(task) => next.spawn(task, "planning"),
            Op::Submit(task, plan) => next.submit(task, *plan),
            Op::Approve(task) => next.approve(task),
            Op::Validate(task, cause) => next.validate(task, cause.is_some()),
            Op::Resume(task) => next.resume(task),
            Op::Merge(task, work) => next.merge(task, *work),
            Op::MergeAll => next.merge_all(),
            Op::Sync(task) => next.sync(task),
            Op::Remove(task, insist) => next.remove(task, *insist),
            Op::Restore(task) => next.restore(task),
            _ => unreachable!("no command of wt: {op:?}"),
        };
        (code, next)
    }

    /// What a killed command may have left, once it is mended, besides what it was to do.
    pub(super) fn halfway(&self, op: &Op) -> Vec<Model> {
        let mut all = vec![self.clone()];
        let (_, whole) = self.after(op);
        // The receipt of what was judged may be there before the record says so.
        let mut with_receipt = self.clone();
        with_receipt.receipts.clone_from(&whole.receipts);
        all.push(with_receipt);
        if let Op::MergeAll = op {
            // Each that is put back is so at once; those that land do so together.
            let mut left = self.clone();
            for name in self.train() {
                let mut one = left.clone();
                one.merge(name, Work::Refuse);
                if one.main == left.main {
                    left = one;
                    all.push(left.clone());
                }
            }
        }
        if let Op::Merge(name, Work::Commit) = op {
            for mut model in all.clone() {
                if let Some(task) = model.tasks.get_mut(name) {
                    task.committed.clone_from(&task.worktree);
                    all.push(model);
                }
            }
        }
        all
    }

    fn spawn(&mut self, name: &'static str, state: &'static str) -> i32 {
        if self.tasks.contains_key(name) {
            return 4;
        }
        let task = Task {
            base: self.main.clone(),
            base_at: self.moves,
            committed: self.main.clone(),
            worktree: self.main.clone(),
            state,
            attempts: 0,
            validated: None,
            synced: false,
            rejected: None,
            made: self.spawned,
            plan: None,
            proposal: None,
        };
        self.spawned += 1;
        self.tasks.insert(name, task);
        0
    }

    fn submit(&mut self, name: &str, plan: Plan) -> i32 {
        match self.tasks.get_mut(name) {
            Some(task) if task.plan.is_none() => {
                task.proposal = Some(plan);
                0
            }
            _ => 4,
        }
    }

    fn approve(&mut self, name: &str) -> i32 {
        let Some(task) = self.tasks.get_mut(name) else {
            return 4;
        };
        if task.proposal.is_none() && task.plan.is_none() {
            return 4;
        }
        task.plan = task.proposal.take().or(task.plan);
        if task.state == "planning" {
            task.state = "working";
        }
        0
    }

    fn validate(&mut self, name: &str, cause: bool) -> i32 {
        let Some(task) = self.tasks.get_mut(name) else {
            return 4;
        };
        match task.state {
            "stopped" => return 3,
            "planning" => return 4,
            _ => {}
        }
        let Some(candidate) = combined(&task.base, &self.main, &task.worktree) else {
            return 5;
        };
        let known = task.state == "validated"
            && !task.synced
            && task
                .validated
                .as_ref()
                .is_some_and(|(tree, at)| *tree == task.worktree && *at != self.moves);
        if known {
            return 0;
        }
        // A pass on nothing would give the budget back, without a mend.
        if candidate == self.main && task.state == "failed" {
            return 4;
        }
        if task.leaves_its_plan(name, &self.main, &candidate) {
            return 1;
        }
        if !self.receipts.contains(&candidate) {
            if task.rejected.as_ref() == Some(&candidate) {
                return 1;
            }
            if task.state == "failed" && !cause {
                return 4;
            }
            if !passes(&candidate) && !passes(&self.main) {
                // It is the target's failure: nobody's attempt.
                task.rejected = Some(candidate);
                return 1;
            }
            if !passes(&candidate) {
                task.attempts += 1;
                task.state = if task.attempts == 2 {
                    "stopped"
                } else {
                    "failed"
                };
                task.validated = None;
                task.rejected = Some(candidate);
                return if task.attempts == 2 { 3 } else { 1 };
            }
            self.receipts.push(candidate);
        }
        task.state = "validated";
        task.attempts = 0;
        task.validated = Some((task.worktree.clone(), self.moves));
        task.synced = false;
        task.rejected = None;
        0
    }

    fn resume(&mut self, name: &str) -> i32 {
        match self.tasks.get_mut(name) {
            Some(task) if task.state == "failed" || task.state == "stopped" => {
                task.state = "working";
                task.attempts = 0;
                task.rejected = None;
                0
            }
            _ => 4,
        }
    }

    fn merge(&mut self, name: &str, work: Work) -> i32 {
        let Some(task) = self.tasks.get_mut(name) else {
            return 4;
        };
        match task.state {
            "validated" => {}
            "stopped" => return 3,
            _ => return 4,
        }
        let unjudged = task.validated.as_ref().map(|(tree, _)| tree) != Some(&task.worktree);
        if unjudged || (task.worktree != task.committed && work == Work::Refuse) {
            return 4;
        }
        // The branch moves when the target does, and not before.
        let Some(candidate) = combined(&task.base, &self.main, &task.worktree) else {
            return 5;
        };
        if candidate != self.main && task.leaves_its_plan(name, &self.main, &candidate) {
            return 1;
        }
        let on_desk = candidate.get(DESK) != self.main.get(DESK) && self.desk.is_some();
        if candidate == self.main || on_desk {
            return 4;
        }
        if !self.receipts.contains(&candidate) {
            if !passes(&candidate) && !passes(&self.main) {
                return 1;
            }
            if !passes(&candidate) {
                task.put_back(candidate);
                return 1;
            }
            self.receipts.push(candidate.clone());
        }
        self.main = candidate;
        self.moves += 1;
        self.tasks.remove(name);
        0
    }

    /// A train is as its tasks one after the other, the oldest first: whoever makes it red is put back, and the rest goes
    /// on without it. What can't land is left out.
    fn merge_all(&mut self) -> i32 {
        let mut code = 0;
        for name in self.train() {
            code = code.max(match self.merge(name, Work::Refuse) {
                // Worse than what is left out.
                1 => 100,
                other => other,
            });
        }
        if code == 100 { 1 } else { code }
    }

    /// The validated tasks, the oldest first.
    fn train(&self) -> Vec<&'static str> {
        let validated = self.tasks.iter().filter(|(_, t)| t.state == "validated");
        let mut names: Vec<_> = validated.map(|(name, task)| (task.made, *name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    fn sync(&mut self, name: &str) -> i32 {
        let Some(task) = self.tasks.get_mut(name) else {
            return 4;
        };
        let Some(both) = combined(&task.base, &task.committed, &self.main) else {
            return 5;
        };
        let moved = |path: &String| both.get(path) != task.committed.get(path);
        let in_the_way = task.worktree.keys().chain(task.committed.keys());
        if in_the_way
            .clone()
            .any(|path| moved(path) && task.worktree.get(path) != task.committed.get(path))
        {
            return 4;
        }
        let held = combined(&task.committed, &both, &task.worktree).expect("apart");
        if let Some((tree, _)) = &mut task.validated
            && task.base_at != self.moves
            && *tree == task.worktree
        {
            tree.clone_from(&held);
            task.synced = true;
        }
        task.worktree = held;
        task.committed = both;
        task.base.clone_from(&self.main);
        task.base_at = self.moves;
        0
    }

    fn remove(&mut self, name: &'static str, insist: Insist) -> i32 {
        let Some(task) = self.tasks.get(name) else {
            return 4;
        };
        if insist == Insist::No && (task.worktree != task.committed || task.committed != task.base)
        {
            return 4;
        }
        let task = self.tasks.remove(name).expect("it is there");
        // A plan is nowhere else.
        if insist == Insist::Yes || task.plan.or(task.proposal).is_some() {
            self.trash.push((name, task));
        }
        0
    }

    fn restore(&mut self, name: &'static str) -> i32 {
        let newest = self.trash.iter().rposition(|(of, _)| *of == name);
        match newest {
            Some(position) if !self.tasks.contains_key(name) => {
                let (_, task) = self.trash.remove(position);
                self.tasks.insert(name, task);
                0
            }
            _ => 4,
        }
    }
}

impl Task {
    /// Whether what would land is more than is planned.
    fn leaves_its_plan(&self, name: &str, main: &Tree, candidate: &Tree) -> bool {
        let changed = |path: &&String| main.get(*path) != candidate.get(*path);
        let mut changed = main.keys().chain(candidate.keys()).filter(changed);
        self.plan
            .is_some_and(|plan| changed.any(|path| !plan.holds(name, path)))
    }

    /// What would have landed was red.
    fn put_back(&mut self, candidate: Tree) {
        self.state = "working";
        self.attempts = 0;
        self.validated = None;
        self.rejected = Some(candidate);
    }
}

pub(super) fn passes(tree: &Tree) -> bool {
    !tree.contains_key(BROKEN) && !PAIR.iter().all(|path| tree.contains_key(*path))
}

/// `ours` with what `theirs` changed since `base`; `None` where both changed a file.
pub(super) fn combined(base: &Tree, ours: &Tree, theirs: &Tree) -> Option<Tree> {
    let mut all = ours.clone();
    for path in base.keys().chain(theirs.keys()) {
        let (was, mine, other) = (base.get(path), ours.get(path), theirs.get(path));
        if other == was || other == mine {
            continue;
        }
        if mine != was {
            return None;
        }
        match other {
            Some(text) => all.insert(path.clone(), text.clone()),
            None => all.remove(path),
        };
    }
    Some(all)
}
