//! Whether there is room for a new worktree: what it will take, against what is free and what the contract allows.

use std::cmp::Reverse;
use std::path::Path;

use crate::ballast;
use crate::contract::{Disk, Worktree};
use crate::disk::{Free, can_clone, free_at, writes_small};
use crate::donor::MainIndex;
use crate::error::Refusal;
use crate::gc;
use crate::git::CheckoutSize;
use crate::oid::Oid;
use crate::store::{Operation, list_dirs};
use crate::ui;
use crate::usage;
use crate::warm;
use crate::workspace::Workspace;

/// What a worktree's folders and `wt`'s own files take besides, in bytes.
const BESIDES: u64 = 1 << 20;
/// What a file takes besides its content, in bytes.
const INODE: u64 = 1024;
/// How many things that could be freed are named.
const NAMED: usize = 5;

/// What will be made.
pub(super) struct Wanted<'w> {
    /// The folder that is to hold the worktree.
    pub(super) worktrees: &'w Path,
    pub(super) base: &'w Oid,
    pub(super) main: &'w MainIndex<'w>,
    /// The folders that it is to hold, if not all.
    pub(super) folders: Option<&'w [String]>,
    /// What comes along from the main checkout, in bytes.
    pub(super) carried: u64,
    pub(super) contract: &'w Worktree,
    /// How many checkouts that were made ahead it can be one of.
    pub(super) spares: usize,
}

/// # Errors
/// A refusal with the figures, and with what could be freed, where the worktree would take more than there is.
pub(super) fn require(ws: &Workspace, disk: &Disk, wanted: &Wanted) -> anyhow::Result<()> {
    let place = wanted.worktrees;
    let Some(free) = free_at(place) else {
        return Ok(());
    };
    let tree = match wanted.folders {
        None => checkout_size(ws, wanted, free.block)?,
        Some(folders) => {
            let tree = ws.repo.read.tree_of(wanted.base)?;
            let read = &ws.repo.read;
            let sizes = folders
                .iter()
                .filter_map(|folder| read.tree_size(&tree, folder, free.block));
            sizes.fold(CheckoutSize::default(), CheckoutSize::plus)
        }
    };
    // Those that others are making right now have not taken theirs yet.
    let others = being_made(ws)?;
    let is_there = wanted.spares as u64 > others;
    let main = ws.repo.main_checkout();
    let content = match main {
        // Its files have their place already.
        _ if is_there => 0,
        // What is cloned has its place already; a file of its own is an inode, and small ones may be written.
        Some(main) if can_clone(main, place) => {
            let written = if writes_small(place) { tree.written } else { 0 };
            tree.files * INODE + written
        }
        Some(main) => tree.bytes + warm::copied_bytes(main, wanted.contract),
        None => tree.bytes,
    };
    // An eighth as many folders, and the index twice: git's and wt's.
    let folders = tree.files / 8 * free.block;
    let one = content + folders + 2 * tree.index + BESIDES + wanted.carried;
    let takes = one.saturating_mul(others + 1);
    let mut takes_words = format!("the worktree takes {}", ui::size(one));
    if others > 0 {
        takes_words.push_str(&format!(", {others} more that are being made as much"));
    }
    let reserve = disk.reserve.of(free.of);
    if free.bytes < takes.saturating_add(reserve) {
        let what = format!(
            "too little disk at {}: {} are free, {takes_words}, and {} must stay free ([disk] reserve = \"{}\")",
            place.display(),
            ui::size(free.bytes),
            ui::size(reserve),
            disk.reserve
        );
        let short = takes + reserve - free.bytes;
        return Err(refusal(ws, what, short).into());
    }
    let files = tree.files.saturating_mul(others + 1);
    if let Some(left) = free.files.filter(|left| *left < files && !is_there) {
        let at = place.display();
        let what = format!(
            "too few files can be made at {at}: {left} more, and the worktree has {}",
            tree.files
        );
        return Err(refusal(ws, what, 0).into());
    }
    match disk.budget {
        Some(budget) => require_budget(ws, budget, (takes, &takes_words), &free),
        None => Ok(()),
    }
}

/// `takes` is what will be taken, in bytes and in words.
fn require_budget(
    ws: &Workspace,
    budget: u64,
    (takes, takes_words): (u64, &str),
    free: &Free,
) -> anyhow::Result<()> {
    let fits = |taken: u64| taken.saturating_add(takes) <= budget;
    let is_far = |taken: u64| taken.saturating_add(takes) <= budget / 2;
    let known = usage::at_most(ws, free.bytes);
    if known.is_some_and(|known| fits(known.bytes) && (known.is_fresh || is_far(known.bytes))) {
        return Ok(());
    }
    let bar = ws.ctx.ui.progress("counting what is taken");
    let taken = usage::count_anew(ws, free.bytes)?;
    drop(bar);
    if fits(taken) {
        return Ok(());
    }
    let what = format!(
        "{takes_words}, {} are taken already, and {} may be ([disk] budget)",
        ui::size(taken),
        ui::size(budget)
    );
    let short = taken.saturating_add(takes) - budget;
    Err(refusal(ws, what, short).into())
}

/// The size of a whole checkout, by the nearest that there is: an index of the main checkout, of a slot, of a task.
fn checkout_size(ws: &Workspace, wanted: &Wanted, block: u64) -> anyhow::Result<CheckoutSize> {
    if let Some(size) = wanted.main.checkout_size(block) {
        return Ok(size);
    }
    let name = wanted.base.as_str().len() / 2;
    let store = &ws.store;
    let mut indexes = Vec::new();
    for slot in list_dirs(&store.root().join("slots"))? {
        indexes.push(store.root().join("slots").join(slot).join("index"));
    }
    for task in list_dirs(&store.root().join("tasks"))? {
        indexes.push(store.task_index(&task));
    }
    let mut known = indexes
        .iter()
        .filter_map(|index| CheckoutSize::of_index(index, name, block));
    if let Some(size) = known.next() {
        return Ok(size);
    }
    let tree = ws.repo.read.tree_of(wanted.base)?;
    Ok(ws.repo.read.tree_size(&tree, "", block).unwrap_or_default())
}

/// How many tasks others are making right now.
pub(super) fn being_made(ws: &Workspace) -> anyhow::Result<u64> {
    let intents = ws.store.intents()?.into_iter();
    let spawns = intents.filter(|entry| {
        matches!(entry.operation, Operation::Spawn { .. }) && entry.process.is_alive()
    });
    Ok(spawns.count() as u64)
}

/// The refusal, once it is said what could be freed, the biggest first.
fn refusal(ws: &Workspace, what: String, short: u64) -> Refusal {
    let look = "see what takes it: wt list --size";
    let _lent = ballast::lend(ws);
    let Ok(mut plan) = gc::Plan::find(ws, 0) else {
        return Refusal::refused(what).hint(look);
    };
    let all = plan.bytes();
    let old: u64 = plan
        .items
        .iter()
        .filter(|item| item.age_seconds >= gc::AGE)
        .map(|item| item.bytes)
        .sum();
    plan.items.sort_by_key(|item| Reverse(item.bytes));
    for item in plan.items.iter().take(NAMED) {
        let (kind, name, size) = (item.kind.word(), &item.name, ui::size(item.bytes));
        let named = format!("{kind} {name}");
        ws.ctx.ui.say(&format!(
            "could be freed: {} ({size}): {}",
            named.trim_end(),
            item.why
        ));
    }
    plan.held.sort_by_key(|held| Reverse(held.bytes));
    for held in plan.held.iter().take(NAMED) {
        let (name, size) = (&held.name, ui::size(held.bytes));
        ws.ctx.ui.say(&format!(
            "kept: {name} ({size}): {}; {}",
            held.why, held.hint
        ));
    }
    let hint = match (old, all) {
        (_, 0) => format!("{look}; remove a task: wt rm <task>"),
        (1.., _) if old >= short => format!("free {}: wt gc", ui::size(old)),
        _ if all >= short => format!("free {}: wt gc --older 0; {look}", ui::size(all)),
        _ => format!(
            "remove a task: wt rm <task>; of the {} that are missing wt gc --older 0 frees {}; {look}",
            ui::size(short),
            ui::size(all)
        ),
    };
    Refusal::refused(what).hint(hint)
}
