//! A branch on a remote: read, fetched and pushed to by the operator's git.

use std::process::Output;

use crate::error::{Refusal, counted, shown};
use crate::git::{GitCommand, complaint};
use crate::oid::Oid;
use crate::workspace::Workspace;

use crate::land::forward::Forward;

/// What the operator's own git is told of how to reach a remote. Nothing else needs these.
const REACH: &[&str] = &[
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
];
/// Git's exit status where a remote has no such ref.
const NO_SUCH_REF: i32 = 2;

/// Where a target is pushed to.
pub(super) struct Remote<'w> {
    pub(super) ws: &'w Workspace<'w>,
    /// Short name of the branch here.
    pub(super) target: String,
    name: String,
    /// Full name of the branch there.
    reference: String,
}

/// What a push came to.
pub(crate) enum Pushed {
    Done,
    /// The remote has something else by now; it took nothing.
    Moved,
}

impl<'w> Remote<'w> {
    /// The remote of a branch: the one that it follows, else `origin` and the branch of the same name there.
    ///
    /// # Errors
    /// A refusal where there is none.
    pub(super) fn of(ws: &'w Workspace<'w>, target: &str) -> anyhow::Result<Self> {
        let set = |key: &str| -> anyhow::Result<Option<String>> {
            let output = ws.repo.git.command(["config", "--get", key]).output()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok(Some(text).filter(|text| output.status.success() && !text.is_empty()))
        };
        let followed = set(&format!("branch.{target}.remote"))?;
        let reference = match (&followed, set(&format!("branch.{target}.merge"))?) {
            (Some(_), Some(reference)) => reference,
            _ => format!("refs/heads/{target}"),
        };
        let name = followed.unwrap_or_else(|| "origin".to_owned());
        let is_there = name != "."
            && (set(&format!("remote.{name}.url"))?.is_some()
                || set(&format!("remote.{name}.pushurl"))?.is_some());
        if !is_there {
            let name = shown(&name);
            let other = format!("git branch --set-upstream-to=<remote>/{target} {target}");
            let (what, hint) = if name == "." {
                ("it follows a branch of this repository".to_owned(), other)
            } else {
                let add = format!("git remote add {name} <url>, or for another one: {other}");
                (format!("there is no remote {name}"), add)
            };
            let what = format!("{target} has no remote to be pushed to: {what}");
            return Err(Refusal::refused(what).hint(hint).into());
        }
        Ok(Self {
            ws,
            target: target.to_owned(),
            name,
            reference,
        })
    }

    /// As people name it, e.g. `origin/main`.
    pub(super) fn shown(&self) -> String {
        let branch = self.reference.strip_prefix("refs/heads/");
        let branch = branch.unwrap_or(&self.reference);
        shown(&format!("{}/{branch}", self.name))
    }

    /// The ref in which git keeps what this branch was there last.
    pub(super) fn tracking_ref(&self) -> String {
        let branch = self.reference.strip_prefix("refs/heads/");
        format!(
            "refs/remotes/{}/{}",
            self.name,
            branch.unwrap_or(&self.reference)
        )
    }

    /// How the branch here stands to what git knows of the remote without asking it, as the end of a sentence.
    pub(super) fn known(&self) -> anyhow::Result<String> {
        let read = &self.ws.repo.read;
        let here = read.tip(&format!("refs/heads/{}", self.target))?;
        let Some((here, there)) = here.zip(read.tip(&self.tracking_ref())?) else {
            return Ok(String::new());
        };
        let (ours, theirs) = read.ahead_behind(&here, &there)?;
        let (target, shown) = (&self.target, self.shown());
        Ok(match (ours, theirs) {
            (0, 0) => String::new(),
            (_, 0) => format!(", with {} more of {target}", counted(ours, "commit")),
            (0, _) => format!(
                ", once {target} is brought forward to it: {} as last fetched",
                counted(theirs, "commit")
            ),
            _ => format!(
                ", but as last fetched they have diverged: {} here, {} there; bring them together first (git merge \
                 {shown})",
                counted(ours, "commit"),
                counted(theirs, "commit")
            ),
        })
    }

    /// A git command that reaches out, in the operator's own environment, and asks nobody.
    fn command(&self, args: &[&str]) -> GitCommand<'_> {
        let (ws, mut command) = (self.ws, self.ws.repo.git.command(args));
        if let Some(root) = ws.repo.main_checkout() {
            // A remote that is a relative path is one from there.
            command = command.in_operators_checkout(root);
        }
        let environment = &ws.ctx.environment;
        for name in REACH {
            if let Some(value) = environment.text(name) {
                command = command.env(name, value);
            }
        }
        let own_ssh = ["GIT_SSH", "GIT_SSH_COMMAND"]
            .iter()
            .any(|name| environment.text(name).is_some());
        let set = ws.repo.git.command(["config", "--get", "core.sshCommand"]);
        if !own_ssh && !set.output().is_ok_and(|output| output.status.success()) {
            // Else ssh itself would ask at the terminal, and wait.
            command = command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        command
    }

    /// The commit that the branch is there; nothing where there is no such branch yet.
    fn value(&self) -> anyhow::Result<Option<Oid>> {
        let output = self
            .command(&["ls-remote", "--exit-code", "--"])
            .args([&self.name, &self.reference])
            .output()?;
        if output.status.code() == Some(NO_SUCH_REF) {
            return Ok(None);
        }
        if !output.status.success() {
            return Err(self.unreachable(&output).into());
        }
        // Git answers every ref whose name ends so.
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines()
            .filter_map(|line| line.split_once('\t'))
            .find(|(_, reference)| *reference == self.reference)
            .map(|(commit, _)| Oid::parse(commit))
            .transpose()
    }

    fn unreachable(&self, output: &Output) -> Refusal {
        Refusal::refused(format!(
            "{} can't be read: {}",
            self.shown(),
            complaint(output)
        ))
        .hint(format!(
            "see that git reaches it (git fetch {}), then land again",
            self.name
        ))
    }

    /// Fetches what the branch is there, and brings the branch here forward to it. Answers that commit, or nothing
    /// where the remote has no such branch yet. The lock of the task `owner` must be held: the journal has it there.
    ///
    /// # Errors
    /// A refusal where the remote can't be read, where both have commits that the other has not, and where a person's
    /// work is in the way; nothing is changed then.
    pub(super) fn meet(&self, owner: &str, here: &Oid) -> anyhow::Result<Option<Oid>> {
        let (ui, read) = (&self.ws.ctx.ui, &self.ws.repo.read);
        let (target, there) = (&self.target, self.shown());
        let _progress = ui.progress(&format!("fetching {there}"));
        let Some(mut value) = self.value()? else {
            ui.say(&format!(
                "{there} is not there yet: all of {target} is pushed"
            ));
            return Ok(None);
        };
        if value == *here {
            return Ok(Some(value));
        }
        // That the commit itself is here does not mean that all below it is: a fetch may have been killed.
        let is_here = |value: &Oid| {
            let is_known = matches!(read.commit(value.as_str()), Ok(Some(_)));
            is_known && matches!(read.is_ancestor(value, here), Ok(true))
        };
        if !is_here(&value) {
            value = self.fetch()?;
        }
        if is_here(&value) {
            let (count, _) = read.ahead_behind(here, &value)?;
            ui.say(&format!(
                "{target} has {} that {there} has not: pushed as well",
                counted(count, "commit")
            ));
            return Ok(Some(value));
        }
        if !read.is_ancestor(here, &value)? {
            let (ours, theirs) = read.ahead_behind(here, &value)?;
            return Err(Refusal::refused(format!(
                "{target} and {there} have diverged: {} here, {} there",
                counted(ours, "commit"),
                counted(theirs, "commit")
            ))
            .hint(format!(
                "bring them together (git merge {there}), then land again; a rebase would make the landings here \
                 commits that nobody judged"
            ))
            .into());
        }
        let forward = Forward {
            ws: self.ws,
            target,
            old: here,
            new: &value,
        };
        forward.run(owner)?;
        let (_, count) = read.ahead_behind(here, &value)?;
        ui.say(&format!(
            "{target} is brought forward to {there}: {}",
            counted(count, "commit")
        ));
        Ok(Some(value))
    }

    /// Fetches the branch; answers the commit that it is there.
    fn fetch(&self) -> anyhow::Result<Oid> {
        let repo = &self.ws.repo;
        // A ref holds it until the branch does; the name is `wt`'s own, so that nobody's settings rule it.
        let kept = format!("refs/wt/fetched/{}", self.target);
        let tracking = self.tracking_ref();
        repo.remove_locks_of(&[kept.clone(), tracking])?;
        let output = self
            .command(&[
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-prune",
                "--no-write-fetch-head",
            ])
            .args(["--no-recurse-submodules", "--", &self.name])
            .arg(format!("+{}:{kept}", self.reference))
            .output()?;
        if !output.status.success() {
            return Err(self.unreachable(&output).into());
        }
        let value = repo.read.tip(&kept)?;
        let value = value.ok_or_else(|| self.unreachable(&output))?;
        repo.move_ref(&kept, Some(&value), None, "wt: fetched")?;
        Ok(value)
    }

    /// Pushes `commit`, if the remote still has what was judged against.
    ///
    /// # Errors
    /// A refusal, in git's words, where the remote or the way to it does not let it through.
    pub(super) fn push(&self, judged: Option<&Oid>, commit: &Oid) -> anyhow::Result<Pushed> {
        let there = self.shown();
        let progress = self.ws.ctx.ui.progress(&format!("pushing to {there}"));
        self.ws.repo.remove_locks_of(&[self.tracking_ref()])?;
        let lease = judged.map_or("", Oid::as_str);
        let output = self
            .command(&["push", "--porcelain", "--no-verify", "--no-follow-tags"])
            .arg("--recurse-submodules=no")
            .arg(format!("--force-with-lease={}:{lease}", self.reference))
            .args(["--", &self.name])
            .arg(format!("{commit}:{}", self.reference))
            .output()?;
        if output.status.success() {
            return Ok(Pushed::Done);
        }
        // What git says may be old by now, or cut short by the network: what the remote has decides.
        let now = self.value();
        drop(progress);
        match now {
            Ok(Some(now)) if now == *commit => Ok(Pushed::Done),
            Ok(now) if now.as_ref() != judged => Ok(Pushed::Moved),
            now => {
                let sure = now.is_ok();
                Err(self.refused(&output, sure).into())
            }
        }
    }

    fn refused(&self, output: &Output, sure: bool) -> Refusal {
        let (there, why) = (self.shown(), complaint(output));
        let refusal = Refusal::refused(format!("{there} did not take the landing: {why}"));
        refusal.hint(if sure {
            "mend what it says, then land again; nothing landed, here or there"
        } else {
            "nothing landed here; whether it did there is found out by the next wt merge --push"
        })
    }
}
