//! `wt init`: writes down the contract that is detected.

use std::rc::Rc;

use clap::Args;

use crate::contract::{Contract, Folder, Tree, detect, render_init};
use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::store::write_atomic;
use crate::workspace::{CommitFiles, Workspace};

/// Write a commented wt.toml for what is found here
#[derive(Args)]
pub(crate) struct Init {
    /// Print it instead of writing it
    #[arg(long)]
    print: bool,
}

impl Init {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let root = ws.checkout.clone().ok_or_else(|| {
            Refusal::refused("there is no checkout here to write wt.toml into")
                .hint("call it in the main checkout; in a task's worktree the contract is not yours to write")
        })?;
        let path = root.join("wt.toml");
        if std::fs::symlink_metadata(&path).is_ok() && !self.print {
            return Err(
                Refusal::refused(format!("{} exists already", path.display()))
                    .hint("edit it; what would be written anew: wt init --print")
                    .into(),
            );
        }
        let head = ws.repo.head_of(&root)?;
        let (text, assumptions) = match &head {
            Some(commit) => {
                let files = CommitFiles::new(&ws.repo.read, commit)?;
                let found = (render_init(&files), detect(&files).assumptions);
                files.require_read()?;
                found
            }
            None => {
                return Err(Refusal::refused("there is no commit yet to look at")
                    .hint("commit first, then: wt init")
                    .into());
            }
        };
        // What is written must be read back: a contract that wt itself can't read helps nobody.
        Contract::parse(&text, "wt.toml", detect(&NoFiles).contract)?;
        if self.print {
            ctx.ui.raw(text.as_bytes());
            return Ok(Code::Ok);
        }
        write_atomic(&path, text.as_bytes())?;
        for line in assumptions {
            ctx.ui.say(&line);
        }
        ctx.ui.say(&format!("wrote {}", path.display()));
        ctx.ui.hint("look it over, then: git add wt.toml && git commit -m 'wt: contract' (it is in force once committed)");
        Ok(Code::Ok)
    }
}

/// A tree without any file.
struct NoFiles;

impl Tree for NoFiles {
    fn folder(&self, _path: &str) -> Rc<Folder> {
        Rc::default()
    }

    fn read(&self, _path: &str) -> Option<String> {
        None
    }
}
