//! `kfplan vendor`.

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Global, Inputs};
use crate::commands::options;
use crate::ui::Ui;

/// Fetch repos and pin what is rendered in kfplan.lock
#[derive(Debug, Args)]
pub(crate) struct VendorArgs {
    /// Fetch again, and pin what is there now
    #[arg(long)]
    update: bool,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &VendorArgs) -> Result<Exit, SessionError> {
    for line in kfplan_session::vendor(&options(global, &args.inputs), args.update).await? {
        ui.say(&line);
    }
    Ok(Exit::Done)
}
