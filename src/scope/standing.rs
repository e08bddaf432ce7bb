//! What a path is to a task, in the words that every layer uses.

/// What a path is to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The task's own claim holds it.
    Own,
    /// It belongs to nobody and all may change it.
    Shared,
    /// Nobody owns it, and the task claims nothing.
    Unowned,
    /// Another live task owns it, by this glob.
    OwnedBy { task: String, glob: String },
    /// Nobody owns it, but the task has a claim and this is not in it.
    OutsideClaim,
    /// The task could change it, were a plan of its approved.
    NoPlan,
    /// The task could change it, were it in its plan.
    OutsidePlan,
}

impl Standing {
    /// Whether the task may change the path.
    pub(crate) fn permits(&self) -> bool {
        match self {
            Standing::Own | Standing::Shared | Standing::Unowned => true,
            Standing::OwnedBy { .. }
            | Standing::OutsideClaim
            | Standing::NoPlan
            | Standing::OutsidePlan => false,
        }
    }

    /// Whose the path is, in the words that every layer uses.
    pub(crate) fn words(&self) -> String {
        match self {
            Standing::Own => "owned by this task".to_owned(),
            Standing::Shared => "shared by all tasks".to_owned(),
            Standing::Unowned => "owned by nobody".to_owned(),
            Standing::OwnedBy { task, glob } => format!("owned by task `{task}` ({glob})"),
            Standing::OutsideClaim => "outside this task's claim".to_owned(),
            Standing::NoPlan => "not to be changed before a plan is approved".to_owned(),
            Standing::OutsidePlan => "outside this task's plan".to_owned(),
        }
    }

    /// What `task` is to do about it.
    pub(crate) fn advice(&self, task: &str) -> String {
        match self {
            Standing::Own | Standing::Shared | Standing::Unowned => {
                "change it as the task needs".to_owned()
            }
            Standing::OwnedBy { task: owner, .. } => {
                format!("leave it to that task, or wait until it has landed: wt show {owner}")
            }
            Standing::OutsideClaim => {
                format!("leave it; the operator can grant it: wt scope grant {task} <glob>")
            }
            Standing::NoPlan => {
                "say what is to change first: wt plan template, then wt plan submit".to_owned()
            }
            Standing::OutsidePlan => {
                "leave it, or plan for it: wt plan amend --because \"<why>\"".to_owned()
            }
        }
    }
}
