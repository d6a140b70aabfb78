//! `kfplan runs`.

use clap::{Args, Subcommand};
use kfplan_session::{Exit, SessionError};

use crate::args::Global;
use crate::commands::options;
use crate::ui::Ui;

/// List past runs, or show one
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// List them, newest last
    List,
    /// Show one: its events, and how it ended
    Show {
        /// Its id, or `last`
        #[arg(default_value = "last")]
        run: String,
    },
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &RunsArgs) -> Result<Exit, SessionError> {
    let options = options(global, &crate::args::Inputs::default());
    ui.data(&match &args.command {
        None | Some(RunsCommand::List) => kfplan_session::state::runs(&options)?,
        Some(RunsCommand::Show { run }) => kfplan_session::state::run(&options, run)?,
    });
    Ok(Exit::Done)
}
