//! `kfplan plan`.

use std::path::PathBuf;

use clap::Args;
use kfplan_plan::Mode;
use kfplan_session::{Exit, SessionError};

use crate::args::{Choices, Format, Global, Inputs};
use crate::commands::{open, selection, shown};
use crate::ui::Ui;

/// Show what `apply` would change
///
/// Reads the stack, looks at the world, and prints the steps that would make
/// the two agree. Nothing is changed.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Write the plan to a file that `apply` takes
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    /// Plan to take all of it down
    #[arg(long)]
    destroy: bool,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Exit with status 2 when there is something to do
    #[arg(long)]
    exit_code: bool,

    /// Show every object and field
    #[arg(long)]
    full: bool,

    #[command(flatten)]
    choices: Choices,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &PlanArgs) -> Result<Exit, SessionError> {
    let mut session = open(ui, global, &args.inputs).await?;
    let mode = if args.destroy { Mode::Destroy } else { Mode::Apply };
    let planned = session.plan(mode, &selection(&args.choices)).await?;
    let plan = planned.plan();
    ui.data(&shown(ui, plan, args.format, args.full));
    if let Some(file) = &args.output {
        session.save(&planned, file)?;
        ui.say(&format!("wrote {}; `kfplan apply {}` carries out exactly this plan", file.display(), file.display()));
    }
    session.close().await;
    Ok(match () {
        () if plan.is_blocked() => Exit::Blocked,
        () if args.exit_code && plan.has_changes() => Exit::Changes,
        () => Exit::Done,
    })
}
