//! Landing on a remote: what it has is fetched and judged against, and only that is replaced by the landing.

mod reach;

use crate::error::{Code, Refusal};
use crate::oid::Oid;
use crate::store::PushedTo;
use crate::workspace::Workspace;

use super::Request;
pub(super) use reach::Pushed;
use reach::Remote;

/// How often a landing is combined and judged anew because the remote would not take it.
const TRIES: u32 = 3;

/// The way of one landing to its remote.
pub(super) struct Push<'w> {
    remote: Remote<'w>,
    operator: &'w str,
    /// What the remote had when it was looked at last: the landing is judged on top of it, and replaces that alone.
    there: Option<Oid>,
}

impl<'w> Push<'w> {
    /// The push that was asked for, if one was. A dry run only says where it would go, and asks nobody.
    ///
    /// # Errors
    /// A refusal where the target has no remote.
    pub(super) fn begin(
        ws: &'w Workspace<'w>,
        target: &str,
        request: &'w Request,
    ) -> anyhow::Result<Option<Self>> {
        let Some(operator) = request.push.as_deref() else {
            return Ok(None);
        };
        let push = Self {
            remote: Remote::of(ws, target)?,
            operator,
            there: None,
        };
        if request.dry_run {
            let ui = &ws.ctx.ui;
            let known = push.remote.known()?;
            ui.say(&format!("would be pushed to {} first{known}", push.to()));
            return Ok(None);
        }
        Ok(Some(push))
    }

    /// Where it goes, e.g. `origin/main`.
    pub(super) fn to(&self) -> String {
        self.remote.shown()
    }

    /// As the journal has it before the push.
    pub(super) fn intended(&self) -> PushedTo {
        PushedTo {
            tracking: self.remote.tracking_ref(),
            taken: false,
        }
    }

    /// As the journal has it once the remote has taken it.
    pub(super) fn taken(&self) -> PushedTo {
        PushedTo {
            taken: true,
            ..self.intended()
        }
    }

    /// Looks at what the remote has, and brings the branch here, which is at `here`, forward to it. The lock of the
    /// task `owner` must be held.
    ///
    /// # Errors
    /// A refusal where that can't be; nothing is changed then.
    pub(super) fn meet(&mut self, owner: &str, here: &Oid) -> anyhow::Result<()> {
        self.there = self.remote.meet(owner, here)?;
        Ok(())
    }

    /// Pushes a landing, whose last commit this is.
    ///
    /// # Errors
    /// A refusal where the remote does not take it.
    pub(super) fn send(&self, commit: &Oid) -> anyhow::Result<Pushed> {
        self.remote.push(self.there.as_ref(), commit)
    }

    /// Writes down that the remote has taken the landing of `tasks`.
    pub(super) fn tell(&self, tasks: &[String], commit: &Oid) -> anyhow::Result<()> {
        let ws = self.remote.ws;
        for task in tasks {
            let event = ws
                .event(task, "pushed")
                .fact("to", self.to())
                .fact("commit", commit.as_str());
            ws.record(&event.fact("operator", self.operator))?;
        }
        Ok(())
    }

    /// What is said where the remote has the landing and the branch here could not follow.
    pub(super) fn left_behind(&self, commit: &Oid, why: &str) -> Refusal {
        let (there, target) = (self.to(), &self.remote.target);
        Refusal::refused(format!(
            "{there} has the landing as {}, and {target} here could not follow: {why}",
            commit.short()
        ))
        .hint(format!(
            "bring {target} to it (git merge {there}); the next wt command then records the landing"
        ))
    }
}

/// How often a remote had moved when a landing was pushed to it.
#[derive(Default)]
pub(super) struct RemoteMoves(u32);

impl RemoteMoves {
    /// Counts one more, of the branch that people name `there`.
    ///
    /// # Errors
    /// A refusal ([`Code::Busy`]) where it was the last that is borne; `who_was` is to land.
    pub(super) fn count(&mut self, there: &str, who_was: &str) -> Result<(), Refusal> {
        self.0 += 1;
        if self.0 < TRIES {
            return Ok(());
        }
        let what = format!("{there} moved {TRIES} times while {who_was} to land");
        Err(Refusal::new(Code::Busy, what).hint("try again when it is quieter there"))
    }
}
