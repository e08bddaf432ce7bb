//! Who claims what: the claims that bear on a task, and who stands in line for the same paths.

use std::collections::BTreeSet;

use super::{InForce, Workspace};
use crate::error::{Refusal, shown};
use crate::git::Repo;
use crate::oid::Oid;
use crate::scope::{Claim, Globs, Overlap, Territory, beyond, overlap};
use crate::task::{Line, State, Task};

/// Who asks for paths.
pub(crate) struct Claimant<'a> {
    pub(crate) name: &'a str,
    pub(crate) owns: &'a [String],
    /// The tasks that must have landed before it starts; none once it has.
    pub(crate) after: &'a [String],
    /// The files of its plan, where it is held to one; none before that is approved.
    pub(crate) planned: Option<&'a [String]>,
}

impl<'a> From<&'a Task> for Claimant<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            name: &task.name,
            owns: &task.owns,
            after: if task.is_waiting() { &task.after } else { &[] },
            planned: task.planned_files(),
        }
    }
}

impl Workspace<'_> {
    /// The claims that bear on a task: its own, what is shared, what the other live tasks own.
    pub(crate) fn claims(
        &self,
        repo: &Repo,
        claimant: &Claimant,
        in_force: &InForce,
    ) -> anyhow::Result<Claims> {
        self.claims_beside(repo, claimant, &in_force.contract.scope.shared)
    }

    /// As [`Self::claims`], where all that is known of the contract is what it shares.
    ///
    /// # Errors
    /// A refusal where the record of another task can't be read, which could own anything.
    pub(crate) fn claims_beside(
        &self,
        repo: &Repo,
        claimant: &Claimant,
        shared: &[String],
    ) -> anyhow::Result<Claims> {
        self.gather(repo, claimant, shared, &|_, error| Err(error))
    }

    /// The claims that the work of `task` is held against. What a task with a claim of its own may change is that and
    /// what is shared, whatever another's record says that can't be read.
    ///
    /// # Errors
    /// A refusal where there is such a record and `task` has no claim.
    pub(crate) fn claims_on_work(
        &self,
        repo: &Repo,
        task: &Task,
        in_force: &InForce,
    ) -> anyhow::Result<Claims> {
        let unread = |other: &str, error: anyhow::Error| {
            if !task.owns.is_empty() {
                return Ok(());
            }
            let what = format!(
                "task `{}` has no claim of its own, and what task `{other}` owns is not known: {error:#}",
                task.name
            );
            Err(Refusal::refused(what)
                .hint("mend that record first: wt doctor")
                .into())
        };
        let shared = &in_force.contract.scope.shared;
        self.gather(repo, &Claimant::from(task), shared, &unread)
    }

    /// `unread` answers for the record of another task that can't be read.
    fn gather(
        &self,
        repo: &Repo,
        claimant: &Claimant,
        shared: &[String],
        unread: &dyn Fn(&str, anyhow::Error) -> anyhow::Result<()>,
    ) -> anyhow::Result<Claims> {
        let case = Self::case(repo)?;
        let mut others = Vec::new();
        let mut waiting = Vec::new();
        let mut line = Line::default();
        for (task, owns) in self.tasks_being_made()? {
            if task != claimant.name {
                others.push((task, owns));
            }
        }
        for (other, task) in self.store.tasks()? {
            let task = match task {
                Ok(task) => task,
                Err(error) => {
                    unread(&other, error)?;
                    continue;
                }
            };
            if other == claimant.name || task.state == State::Landed {
                continue;
            }
            if task.is_waiting() {
                line.add(&other, &task.after);
                waiting.push((other, task.owns));
            } else {
                others.push((other, task.claimed().to_vec()));
            }
        }
        if !claimant.after.is_empty() {
            line.add(claimant.name, claimant.after);
        }
        // The first that holds a path is said to own it: of two in line the one at work.
        let others = others
            .into_iter()
            .chain(waiting)
            .filter(|(_, owns)| !owns.is_empty())
            .map(|(task, owns)| {
                let globs = Globs::parse(&owns, case)?;
                Ok(Claim { task, globs })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Claims {
            task: claimant.name.to_owned(),
            own: Globs::parse(claimant.owns, case)?,
            shared: Globs::parse(shared, case)?,
            others,
            planned: (claimant.planned)
                .map(|files| Globs::parse(files, case))
                .transpose()?,
            in_line: line.apart_from(claimant.name),
            circle: line.circle(claimant.name),
        })
    }

    /// The claims of all live tasks, as one sees them who has none and lands where [`Self::target_here`] says; with
    /// the contract that says what is shared.
    pub(crate) fn map(&self) -> anyhow::Result<(Claims, InForce)> {
        let nobody = Claimant {
            name: "",
            owns: &[],
            after: &[],
            planned: None,
        };
        self.map_for(&nobody, None)
    }

    /// The claims as `claimant` sees them; by the contract of its target, where it is a task already.
    pub(crate) fn map_for(
        &self,
        claimant: &Claimant,
        task: Option<&Task>,
    ) -> anyhow::Result<(Claims, InForce)> {
        let (branch, tip) = match task {
            Some(task) => (task.target.clone(), self.target_tip(task)?),
            None => self.target_here()?,
        };
        let in_force = self.in_force(&self.repo, &branch, &tip)?;
        let claims = self.claims(&self.repo, claimant, &in_force)?;
        Ok((claims, in_force))
    }

    /// The branch that a task spawned here would land on, with its tip: that of the task here, the one that is
    /// checked out here, or the main checkout's.
    ///
    /// # Errors
    /// A refusal where there is no such branch or no commit on it.
    pub(crate) fn target_here(&self) -> anyhow::Result<(String, Oid)> {
        let branch = match (&self.here, &self.branch) {
            (Some(task), _) => Some(self.store.require_task(task)?.target),
            (None, Some(branch)) => Some(branch.clone()),
            (None, None) => self
                .repo
                .read
                .symbolic_target("HEAD")?
                .and_then(|head| head.strip_prefix("refs/heads/").map(str::to_owned)),
        };
        let tip = match &branch {
            Some(branch) => self.repo.read.tip(&format!("refs/heads/{branch}"))?,
            None => None,
        };
        branch.zip(tip).ok_or_else(|| {
            Refusal::refused(
                "there is no branch with a commit here whose contract could say who owns what",
            )
            .hint("switch to the branch that tasks land on: git switch <branch>")
            .into()
        })
    }

    /// The live tasks that a waiting task still waits for; none where it may start.
    pub(crate) fn waits_for(&self, task: &Task) -> Vec<String> {
        let holds = |name: &&String| match self.store.find_task(name) {
            Ok(Some(earlier)) => earlier.state != State::Landed,
            Ok(None) => false,
            // What can't be read is not known to have landed.
            Err(_) => true,
        };
        task.after.iter().filter(holds).cloned().collect()
    }

    /// # Errors
    /// A refusal where nothing of the task is made yet, with what it waits for.
    pub(crate) fn require_started(&self, task: &Task) -> Result<(), Refusal> {
        if !task.is_waiting() {
            return Ok(());
        }
        let name = &task.name;
        let waits_for = self.waits_for(task);
        Err(if waits_for.is_empty() {
            Refusal::refused(format!("task `{name}` has not started yet"))
                .hint(format!("it waits for no other any more: wt spawn {name}"))
        } else {
            let waits_for = waits_for.join(", ");
            Refusal::refused(format!("task `{name}` waits for {waits_for}"))
                .hint("it starts by itself when they have landed; see: wt list")
        })
    }
}

/// See [`Workspace::claims`].
pub(crate) struct Claims {
    task: String,
    pub(crate) own: Globs,
    pub(crate) shared: Globs,
    pub(crate) others: Vec<Claim>,
    /// The files of its plan, where it is held to one.
    planned: Option<Globs>,
    /// The tasks that are never at work when this one is, as one of the two waits for the other.
    in_line: BTreeSet<String>,
    circle: Option<Vec<String>>,
}

impl Claims {
    /// What the task may change.
    pub(crate) fn territory(&self) -> Territory<'_> {
        Territory::new(Some(&self.own), &self.shared, &self.others).held_to(self.planned.as_ref())
    }

    /// # Errors
    /// A refusal where the task may not change `path`, whatever is planned, with whose it is.
    pub(crate) fn require_permitted(&self, path: &str) -> Result<(), Refusal> {
        let territory = Territory::new(Some(&self.own), &self.shared, &self.others);
        let standing = territory.standing(path);
        if standing.permits() {
            return Ok(());
        }
        let what = format!("{}: {}", shown(path), standing.words());
        Err(Refusal::refused(what).hint(standing.advice(&self.task)))
    }

    /// # Errors
    /// A refusal where `files` could be paths that the task may not change, whatever is planned, with one and whose it
    /// is.
    pub(crate) fn require_within(&self, files: &Globs) -> Result<(), Refusal> {
        let witness = if self.own.is_empty() {
            self.others
                .iter()
                .find_map(|other| match overlap(files, &other.globs, &self.shared) {
                    Overlap::Witness { path, left, .. } => Some((path, left)),
                    Overlap::None | Overlap::Assumed { .. } => None,
                })
        } else {
            beyond(files, &self.own, &self.shared)
        };
        let Some((path, glob)) = witness else {
            return Ok(());
        };
        self.require_permitted(&path).map_err(|refusal| {
            if glob == path {
                return refusal;
            }
            Refusal {
                message: format!("`{glob}` holds {}", refusal.message),
                ..refusal
            }
        })
    }

    /// # Errors
    /// A refusal where the task would wait for itself, with the tasks between.
    pub(crate) fn require_no_circle(&self) -> Result<(), Refusal> {
        let Some(circle) = &self.circle else {
            return Ok(());
        };
        let circle: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
        Err(Refusal::refused(format!(
            "task {} would wait for ever: each of these waits for the next",
            circle.join(" → ")
        ))
        .hint("leave one --after out, or take another name"))
    }

    /// # Errors
    /// A refusal where the task's claim could meet that of another live task, with a path that both would own. Tasks
    /// of which one waits for the other may claim the same.
    pub(crate) fn require_free(&self) -> Result<(), Refusal> {
        let task = &self.task;
        for other in &self.others {
            let owner = &other.task;
            if self.in_line.contains(owner) {
                continue;
            }
            let message = match overlap(&self.own, &other.globs, &self.shared) {
                Overlap::None => continue,
                Overlap::Witness { path, left, right } => format!(
                    "`{left}` of task `{task}` and `{right}`, which task `{owner}` owns, both hold {path}"
                ),
                Overlap::Assumed { left, right } => format!(
                    "`{left}` of task `{task}` and `{right}`, which task `{owner}` owns, are too large to compare, so they are taken to overlap"
                ),
            };
            return Err(Refusal::refused(message).hint(format!(
                "narrow the claim, take paths out of it ('!<glob>'), or let one follow the other: wt spawn … --after {owner} (all claims: wt scope show)"
            )));
        }
        Ok(())
    }
}
