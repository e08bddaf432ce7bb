//! `wt doctor`: holds the state against what git says.

use clap::Args;
use serde_json::json;

use crate::cage::{self, Support};
use crate::checkup::{Fix, check};
use crate::ctx::Ctx;
use crate::error::Code;
use crate::workspace::Workspace;

/// Look for what is not as it should be, and mend it
#[derive(Args)]
pub(crate) struct Doctor {
    /// Mend what can be mended without losing anything
    #[arg(long)]
    fix: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let cage = cage::support();
        if cage != Support::Full && !self.json {
            ctx.ui.warn(cage.shortcoming());
        }
        let checked = check(&ws, if self.fix { Fix::Yes } else { Fix::No })?;
        let findings = &checked.findings;
        if self.json {
            let mut value = serde_json::to_value(&checked)?;
            value["cage"] = json!(cage.word());
            ctx.ui.json(&value)?;
        } else if findings.is_empty() {
            ctx.ui.say("all is well");
        }
        if !self.json {
            for finding in findings {
                let word = if finding.mended { "mended" } else { "found" };
                ctx.ui.out(&crate::ui::printable(&format!(
                    "{word}: {}\n  {}",
                    finding.what, finding.mend
                )));
            }
            for agent in &checked.agents {
                ctx.ui.say(&format!("{} {}", agent.title, agent.how));
            }
        }
        let open = findings.iter().filter(|f| !f.mended).count();
        Ok(if open == 0 { Code::Ok } else { Code::No })
    }
}
