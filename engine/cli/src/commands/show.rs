//! `kfplan show`.

use std::path::PathBuf;

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Format, Global};
use crate::commands::{options, shown};
use crate::ui::Ui;

/// Show a plan file, or what is recorded
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A plan file; without one, the recorded resources
    #[arg(value_name = "PLANFILE")]
    file: Option<PathBuf>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Show every object and field
    #[arg(long)]
    full: bool,
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &ShowArgs) -> Result<Exit, SessionError> {
    match &args.file {
        Some(file) => {
            let plan = kfplan_session::peek(file)?;
            ui.data(&shown(ui, &plan, args.format, args.full));
        }
        None => ui.data(&kfplan_session::state::overview(
            &options(global, &crate::args::Inputs::default()),
            args.format == Format::Json,
        )?),
    }
    Ok(Exit::Done)
}
