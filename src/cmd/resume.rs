//! `wt resume`: a person gives a task its budget back.

use anyhow::Context as _;
use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::judge::{busy, clear_dead_judge, judge_at_work};
use crate::operator;
use crate::task::Happening;
use crate::workspace::Workspace;

/// Give a stopped task its retry budget back (operator)
#[derive(Args)]
pub(crate) struct Resume {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: String,
    /// Why it may go on
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Who says so, where there is no terminal
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

impl Resume {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let because = self.because.trim();
        if because.is_empty() {
            return Err(Refusal::usage("--because is empty")
                .hint("say what has changed, so that the next attempt can differ")
                .into());
        }
        let operator = operator::require(ctx, self.operator.as_deref(), "wt resume")?;
        let (_lock, mut task) = ws.take_task(&self.task)?;
        clear_dead_judge(&ws, &mut task)?;
        if let Some((order, _)) = judge_at_work(&ws, &task)? {
            return Err(busy(&task, &order).into());
        }
        if !task.is_put_back() {
            task.advance(Happening::Resumed)?;
        }
        task.rejected = None;
        task.unstable = 0;
        // What was said of the last stop is kept, and is not taken for what may be said of the next.
        let explanation = ws.store.explanation_file(&task.name);
        let past = ws.store.past_explanation_file(&task.name, task.runs);
        if let Err(error) = std::fs::rename(explanation, past)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).context("can't put the last explanation aside");
        }
        ws.store.save_task(&task)?;
        ws.record(
            &ws.event(&task.name, "resumed")
                .fact("operator", operator.as_str())
                .fact("because", because),
        )?;
        ctx.ui
            .say(&format!("task `{}` may be validated again", task.name));
        Ok(Code::Ok)
    }
}
