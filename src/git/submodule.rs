//! Submodules: what is declared, held against what is recorded, checked out from the main checkout's own copies.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Repo;
use super::call::GitCommand;
use super::read::{records, utf8};
use super::slot_checkout::{SlotCheckout, remove_tree};
use super::snapshot::{LONGEST_LOOK, View};
use crate::error::Refusal;
use crate::oid::Oid;
use crate::plain::plain_bytes;

/// Largest `.gitmodules` that is read, in bytes.
const MOST_DECLARED: u64 = 1 << 20;
/// Extension of the index through which a submodule is looked at.
const SUBMODULE_INDEX: &str = "submodule";
/// Extension of that index's lock.
pub(crate) const SUBMODULE_LOCK: &str = "submodule.lock";

/// A submodule as a `.gitmodules` declares it.
struct Declared {
    name: String,
    path: String,
}

/// Reads what a command of `git config` says of a `.gitmodules`; names that lead out of a folder are left out.
fn declared(config: GitCommand) -> anyhow::Result<Vec<Declared>> {
    let list = config
        .args(["--get-regexp", r"^submodule\..*\.path$"])
        .output()?;
    let read = |record: &[u8]| {
        let (key, path) = std::str::from_utf8(record).ok()?.split_once('\n')?;
        let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
        let inside = !name.split('/').any(|part| part == "..");
        inside.then(|| Declared {
            name: name.to_owned(),
            path: path.to_owned(),
        })
    };
    Ok(records(&list.stdout).filter_map(read).collect())
}

impl Repo {
    /// What the `.gitmodules` of a worktree declares; nothing where it is no plain file of a sensible size.
    fn declared_in(&self, root: &Path) -> anyhow::Result<Vec<Declared>> {
        let text = plain_bytes(&root.join(".gitmodules"), MOST_DECLARED)?;
        declared(
            self.git
                .command(["config", "-z", "--file", "-"])
                .stdin(text.unwrap_or_default())
                .unbound(),
        )
    }

    /// The paths of the submodules that the `.gitmodules` of `tree` declares.
    pub(crate) fn declared_submodules(&self, tree: &Oid) -> anyhow::Result<Vec<String>> {
        let config = self
            .git
            .command(["config", "-z", "--blob"])
            .arg(format!("{tree}:.gitmodules"));
        Ok(declared(config)?
            .into_iter()
            .map(|submodule| submodule.path)
            .collect())
    }

    /// Refuses submodules whose state a commit of this repository alone does not hold.
    pub(super) fn check_submodules(&self, view: View) -> anyhow::Result<()> {
        if !view.worktree.join(".gitmodules").exists() {
            return Ok(());
        }
        let folded = view.sparse.map(|_| "--sparse");
        let staged = self.on(view, &["ls-files", "-z", "--stage"]);
        let staged = staged.args(folded).bytes()?;
        for record in records(&staged).filter(|r| r.starts_with(b"160000 ")) {
            let (head, path) = utf8(record)?
                .split_once('\t')
                .map(|(h, p)| (h.to_owned(), p.to_owned()))
                .unwrap_or_default();
            let recorded = Oid::parse(head.split(' ').nth(1).unwrap_or_default())?;
            self.check_submodule(view, &path, &recorded)?;
        }
        Ok(())
    }

    fn check_submodule(&self, view: View, path: &str, recorded: &Oid) -> anyhow::Result<()> {
        let root = view.worktree.join(path);
        if !root.join(".git").exists() {
            let holds_files = fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some());
            if holds_files {
                return Err(Refusal::refused(format!(
                    "the submodule {path} is not checked out, yet its folder holds files"
                ))
                .hint(format!("move them out of {path}"))
                .into());
            }
            return Ok(());
        }
        let modules = self.submodule_dir(view, path)?;
        let index = view.index.with_extension(SUBMODULE_INDEX);
        let inside = |args: &[&str]| {
            self.git
                .command(args)
                .on_worktree(&root, &index)
                .within(LONGEST_LOOK)
                .env("GIT_DIR", &modules)
        };
        let tree = format!("{recorded}^{{tree}}");
        let known = inside(&["cat-file", "-e", &tree])
            .output()?
            .status
            .success();
        let _ = fs::remove_file(&index);
        // Who could hold it holds the task's lock, as this command does.
        let _ = fs::remove_file(index.with_extension(SUBMODULE_LOCK));
        let dirt = if known {
            inside(&["read-tree", recorded.as_str()]).run()?;
            inside(&["update-index", "-q", "--refresh"]).output()?;
            inside(&["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"]).bytes()?
        } else {
            b"?".to_vec()
        };
        let _ = fs::remove_file(&index);
        if dirt.is_empty() {
            return Ok(());
        }
        Err(Refusal::refused(format!(
            "the submodule {path} differs from the commit {} that is recorded for it",
            recorded.short()
        ))
        .hint(format!("a task can't land changes inside a submodule; put {path} back (git submodule update {path}), or land them in its own repository first"))
        .into())
    }

    /// The git directory of a submodule in the main checkout: never the worktree's own, which its agent can write.
    fn submodule_dir(&self, view: View, path: &str) -> anyhow::Result<PathBuf> {
        let mut submodules = self.declared_in(view.worktree)?.into_iter();
        let found = submodules.find(|submodule| submodule.path == path);
        let dir = found.map(|submodule| self.common().join("modules").join(submodule.name));
        dir.filter(|dir| dir.is_dir()).ok_or_else(|| {
            Refusal::refused(format!(
                "the repository at {path} is no submodule that the main checkout has"
            ))
            .hint(format!(
                "git submodule update --init {path} in the main checkout, or remove {path}/.git"
            ))
            .into()
        })
    }

    /// Checks out the declared submodules of `root` that the main checkout has, from there: no network is asked.
    ///
    /// Without `--init`, which would write what an agent declares into the settings that all worktrees share.
    pub(crate) fn fill_submodules(&self, root: &Path) -> anyhow::Result<()> {
        let modules = self.common().join("modules");
        if !root.join(".gitmodules").exists() || !modules.is_dir() {
            return Ok(());
        }
        for Declared { name, path } in self.declared_in(root)? {
            let source = modules.join(&name);
            // Where it has no folder, the worktree holds only others.
            if !source.is_dir() || !root.join(&path).is_dir() {
                continue;
            }
            self.git
                .command([
                    "submodule",
                    "--quiet",
                    "update",
                    "--no-recommend-shallow",
                    "--",
                    &path,
                ])
                .in_operators_checkout(root)
                .config(format!("submodule.{name}.url={}", source.display()))
                .config(format!("submodule.{name}.active=true"))
                .config(format!("submodule.{name}.update=checkout"))
                .config("protocol.file.allow=always")
                .run()?;
        }
        Ok(())
    }

    /// Removes what a judging before checked out of submodules: their git directories go with the administrative
    /// folder, and steps may have left anything there.
    pub(super) fn empty_submodules(&self, slot: SlotCheckout) -> anyhow::Result<()> {
        if !slot.root.join(".gitmodules").exists() {
            return Ok(());
        }
        let staged = self
            .git
            .command(["ls-files", "-z", "--stage"])
            .on_worktree(slot.root, slot.index)
            .bytes()?;
        for record in records(&staged).filter(|r| r.starts_with(b"160000 ")) {
            if let Some((_, path)) = utf8(record)?.split_once('\t') {
                let folder = slot.root.join(path);
                remove_tree(&folder)?;
                fs::create_dir_all(&folder)
                    .with_context(|| format!("can't make {}", folder.display()))?;
            }
        }
        remove_tree(&self.admin_dir(slot.admin).join("modules"))
    }
}
