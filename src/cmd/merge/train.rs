//! `wt merge` of several tasks: what is said of each, and the exit status of all.

use serde_json::{Value, json};

use crate::ctx::Ctx;
use crate::error::Code;
use crate::land::{Landed, LeftOut, News, Request, TrainRequest, Wanted, land_train, trains};
use crate::spawn::start_followers;
use crate::task::State;
use crate::workspace::Workspace;

/// Lands them, and says of each what came of it as soon as it is so.
pub(super) fn run(
    ctx: &Ctx,
    ws: &Workspace,
    wanted: Wanted,
    request: &Request,
) -> anyhow::Result<Code> {
    let (code, _) = land_all(ws, wanted, request, &mut |news| print(ctx, ws, news))?;
    Ok(code)
}

/// As [`run`], as one JSON object at the end.
pub(super) fn run_as_json(
    ctx: &Ctx,
    ws: &Workspace,
    wanted: Wanted,
    request: &Request,
) -> anyhow::Result<Code> {
    let mut told = Told::default();
    let done = land_all(ws, wanted, request, &mut |news| told.add(news));
    // What was told holds, also where no more can be.
    let started = done.as_ref().map_or(&[][..], |(_, started)| started);
    let Told {
        landed,
        red,
        left_out,
        plans,
    } = told;
    ctx.ui.json(&if request.dry_run {
        json!({ "plans": plans, "left_out": left_out })
    } else {
        json!({ "landed": landed, "red": red, "left_out": left_out, "started": started })
    })?;
    done.map(|(code, _)| code)
}

/// Lands the tasks target by target; answers the worst that came of one, and the tasks that started in turn.
fn land_all(
    ws: &Workspace,
    wanted: Wanted,
    request: &Request,
    tell: &mut dyn FnMut(&News),
) -> anyhow::Result<(Code, Vec<String>)> {
    let trains = trains(ws, wanted, request)?;
    if trains.is_empty() {
        ws.ctx.ui.say("nothing is to land: no task is validated");
    }
    let (mut code, mut started) = (Code::Ok, Vec::new());
    for (target, names) in &trains {
        let train = TrainRequest {
            target,
            names,
            wanted,
            options: request,
        };
        let mut landed = Vec::new();
        let done = land_train(ws, &train, &mut |news| {
            code = code.worse(news.code());
            if let News::Landed(landing) = &news {
                landed.push(landing.task.name.clone());
            }
            tell(&news);
        });
        for name in &landed {
            let followers = start_followers(ws, name)?;
            started.extend(followers.into_iter().map(|task| task.name));
        }
        done?;
    }
    Ok((code, started))
}

/// What was told, for programs.
#[derive(Default)]
struct Told {
    landed: Vec<Value>,
    red: Vec<Value>,
    left_out: Vec<Value>,
    plans: Vec<Value>,
}

impl Told {
    fn add(&mut self, news: &News) {
        match news {
            News::Landed(landed) => self.landed.push(landed.to_json()),
            News::Red {
                tasks,
                state,
                report,
                ..
            } => {
                let red = |task| json!({ "task": task, "state": state.word(), "report": report });
                self.red.extend(tasks.iter().map(red));
            }
            News::LeftOut(left) => self.left_out.push(json!(left)),
            News::Planned(plan) => self.plans.push(json!(plan)),
        }
    }
}

fn print(ctx: &Ctx, ws: &Workspace, news: &News) {
    match news {
        News::Landed(landed) => print_landed(ctx, ws, landed),
        News::Red {
            tasks,
            state,
            report,
            ..
        } => {
            let done = if *state == State::Validated {
                "left out"
            } else {
                "put back"
            };
            let tasks = tasks.join(", ");
            ctx.ui.out(&format!("{done} {tasks}:\n{}", report.text()));
        }
        News::LeftOut(left) => print_left_out(ctx, left),
        News::Planned(plan) if plan.tasks.is_empty() => {}
        News::Planned(plan) => ctx.ui.out(&plan.to_string()),
    }
}

/// Says that a task has landed, and what became of its worktree.
pub(super) fn print_landed(ctx: &Ctx, ws: &Workspace, landed: &Landed) {
    ctx.ui.out(&landed.to_string());
    if let Some(why) = &landed.kept_because {
        let name = &landed.task.name;
        ctx.ui
            .warn(&format!("the worktree of task `{name}` is kept: {why}"));
    }
    if landed.removed {
        ws.hint_if_inside(&landed.task.worktree);
    }
}

fn print_left_out(ctx: &Ctx, left: &LeftOut) {
    let next = left.next.as_ref();
    let next = next.map_or_else(String::new, |next| format!("; next: {next}"));
    ctx.ui
        .out(&format!("left out {}: {}{next}", left.task, left.why));
}
