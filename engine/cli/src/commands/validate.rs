//! `kfplan validate`.

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Global, Inputs};
use crate::commands::options;
use crate::ui::Ui;

/// Check the stack file, offline: every mistake at once
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &ValidateArgs) -> Result<Exit, SessionError> {
    let validated = kfplan_session::validate(&options(global, &args.inputs))?;
    for warning in &validated.warnings {
        ui.say(&format!("warning: {warning}"));
    }
    ui.data(&format!(
        "{}: valid, {} resources in environment {}\n",
        global.stack, validated.resources, validated.environment
    ));
    Ok(Exit::Done)
}
