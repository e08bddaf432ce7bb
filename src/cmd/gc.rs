//! `wt gc`: frees what is over for good, and drops what a person says is to go.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::ballast;
use crate::contract::{age, size};
use crate::ctx::Ctx;
use crate::disk::is_full;
use crate::error::{Code, Refusal};
use crate::gc::{Held, Item, Plan};
use crate::input;
use crate::mend::mend;
use crate::operator;
use crate::remove::{Released, find_removed, release, unsaved_of_removed};
use crate::ui::{self, Progress};
use crate::usage;
use crate::workspace::Workspace;

/// Free what is over for good: leftovers of past tasks, old runs and logs, the trash, unused slots and spares
#[derive(Args)]
#[command(
    after_help = "It frees, in this order: what is left of tasks that landed or were removed, runs and logs that \
    nothing refers to, removed folders, the judge's slots, spares and caches. It never frees work that is nowhere else, nor \
    what is in use, a receipt, or a record: what landed, and on which receipt, is told for good. A task that \
    `wt rm --force` removed stays, and is named, as long as it holds work of its own; what git ignores is none."
)]
pub(crate) struct Gc {
    /// Only what was not used for so long, e.g. 36h, 7d, 2w; 0 for all of it
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    older: i64,
    /// Free no more than it takes for all that is wt's to take at most this, e.g. 20GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    to: Option<u64>,
    /// Drop a removed task for good, with the work that is nowhere else (operator)
    #[arg(long, value_name = "TASK", conflicts_with_all = ["older", "to"], add = ArgValueCandidates::new(input::removed_tasks))]
    drop: Option<String>,
    /// Who says so, where there is no terminal
    #[arg(long, value_name = "NAME", requires = "drop")]
    operator: Option<String>,
    /// Say what would be freed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        // A dry run looks into what was removed, and that takes a place for its notes.
        let _lent = ballast::lend(&ws);
        if let Some(name) = &self.drop {
            return self.drop_task(&ws, name);
        }
        if !self.dry_run {
            mend(&ws)?;
        }
        let bar = ctx.ui.progress("looking for what can be freed");
        let mut plan = Plan::find(&ws, self.older)?;
        let mut left = None;
        if let Some(to) = self.to {
            let total = usage::count(&ws)?.total.bytes;
            left = Some(plan.end_at(total, to));
        }
        let mut failed = None;
        if !self.dry_run {
            (plan.items, failed) = free(&ws, plan.items, &bar);
        }
        drop(bar);
        let missed = self.to.zip(left).filter(|(to, left)| left > to);
        self.tell(&ws, &plan, missed)?;
        match (failed, missed) {
            (Some(error), _) => Err(error),
            (None, Some(_)) => Ok(Code::No),
            (None, None) => Ok(Code::Ok),
        }
    }

    fn tell(&self, ws: &Workspace, plan: &Plan, missed: Option<(u64, u64)>) -> anyhow::Result<()> {
        let ui = &ws.ctx.ui;
        let bytes = plan.bytes();
        if self.json {
            return ui.json(&json!({
                "freed": plan.items, "bytes": bytes, "held": plan.held, "dry_run": self.dry_run,
                "left": missed.map(|(_, left)| left),
            }));
        }
        if !plan.items.is_empty() {
            let rows: Vec<Vec<String>> = plan.items.iter().map(row).collect();
            ui.table(&["WHAT", "NAME", "SIZE", "WHY"], &rows, &[]);
        }
        for Held {
            name,
            bytes,
            why,
            hint,
        } in &plan.held
        {
            ui.say(&format!("kept: {name} ({}): {why}", ui::size(*bytes)));
            ui.hint(hint);
        }
        match (&plan.items[..], self.dry_run) {
            ([], _) => ui.say("nothing is freed"),
            (_, true) => ui.say(&format!("would free {}", ui::size(bytes))),
            (_, false) => ui.say(&format!("freed {}", ui::size(bytes))),
        }
        if let Some((to, left)) = missed {
            let more = ui::size(left.saturating_sub(to));
            let (left, to) = (ui::size(left), ui::size(to));
            ui.warn(&format!(
                "all that is wt's still takes {left}, {more} more than {to}"
            ));
            let more = if self.older > 0 {
                "free what is younger: wt gc --older 0"
            } else {
                "the rest is in use, or a person's to decide about: remove a task: wt rm <task>"
            };
            ui.hint(&format!("{more}; see what takes it: wt list --size"));
        }
        Ok(())
    }

    fn drop_task(&self, ws: &Workspace, name: &str) -> anyhow::Result<Code> {
        let ui = &ws.ctx.ui;
        let operator = operator::require(ws.ctx, self.operator.as_deref(), "wt gc --drop")?;
        if !self.dry_run {
            mend(ws)?;
        }
        let trashed = find_removed(ws, name)?;
        let holds = match unsaved_of_removed(ws, &trashed) {
            Ok(unsaved) if unsaved.is_empty() => "no work that is nowhere else".to_owned(),
            Ok(unsaved) => unsaved.words(),
            Err(error) => format!("what can't be told ({error:#})"),
        };
        let tip = trashed.tip.as_ref().map(ToString::to_string);
        if !self.dry_run {
            ws.record(
                &ws.event(name, "dropped")
                    .fact("id", trashed.id.as_str())
                    .fact("operator", operator),
            )?;
            if release(ws, &trashed.id)? == Released::InUse {
                return Err(Refusal::new(
                    Code::Busy,
                    format!("another wt is at work on a task `{name}`"),
                )
                .hint("try again when it is done")
                .into());
            }
        }
        if self.json {
            ui.json(&json!({ "task": name, "id": trashed.id, "tip": tip, "held": holds, "dry_run": self.dry_run }))?;
            return Ok(Code::Ok);
        }
        let word = if self.dry_run {
            "would drop"
        } else {
            "dropped"
        };
        ui.say(&format!("{word} task `{name}` for good; it held {holds}"));
        if let Some(tip) = tip {
            ui.say(&format!("its commits are in git until git's own gc: {tip}"));
        }
        Ok(Code::Ok)
    }
}

/// Frees them; answers which went, and what stopped it, the rest of which is said. What a full disk stops is tried again
/// when the others have made room.
fn free(ws: &Workspace, items: Vec<Item>, bar: &Progress) -> (Vec<Item>, Option<anyhow::Error>) {
    let ui = &ws.ctx.ui;
    let (mut done, mut again, mut failed) = (Vec::new(), Vec::new(), None);
    let mut free = |item: Item, again: Option<&mut Vec<Item>>| {
        let what = format!("{} {}", item.kind.word(), item.name);
        bar.set(&format!("freeing: {what}"));
        match (item.free(ws), again) {
            (Ok(true), _) => done.push(item),
            (Ok(false), _) => ui.say(&format!("{}: in use by now, left", what.trim_end())),
            (Err(error), Some(again)) if is_full(&error) => again.push(item),
            (Err(error), _) => {
                if let Some(earlier) = failed.replace(error) {
                    ui.warn(&format!("{earlier:#}"));
                }
            }
        }
    };
    for item in items {
        free(item, Some(&mut again));
    }
    for item in again {
        free(item, None);
    }
    (done, failed)
}

fn row(item: &Item) -> Vec<String> {
    let words = [
        item.kind.word(),
        &item.name,
        &ui::size(item.bytes),
        &item.why,
    ];
    words.map(str::to_owned).to_vec()
}
