//! `kfplan state`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kfplan_session::{Exit, SessionError, state};

use crate::args::{Global, Inputs};
use crate::commands::options;
use crate::ui::Ui;

/// Look at what is recorded, and mend it
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// List the recorded addresses
    List {
        /// Only those that begin with this
        prefix: Option<String>,
    },
    /// Show one record
    Show {
        /// Its address
        address: String,
    },
    /// Record under another address
    Mv {
        /// The recorded address
        from: String,
        /// The new one
        to: String,
    },
    /// Forget records; what they are about is left alone
    Rm {
        /// The addresses
        #[arg(required = true)]
        addresses: Vec<String>,
    },
    /// Write the whole state as lines of JSON
    Export {
        /// Where; stdout when left out
        file: Option<PathBuf>,
    },
    /// Read an exported state into an empty one
    Import {
        /// The export
        file: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &StateArgs) -> Result<Exit, SessionError> {
    let options = options(global, &Inputs::default());
    match &args.command {
        StateCommand::List { prefix } => ui.data(&state::list(&options, prefix.as_deref())?),
        StateCommand::Show { address } => ui.data(&state::show(&options, address)?),
        StateCommand::Mv { from, to } => ui.say(&state::mv(&options, from, to)?),
        StateCommand::Rm { addresses } => ui.say(&state::rm(&options, addresses)?),
        StateCommand::Export { file } => match (state::export(&options)?, file) {
            (text, None) => ui.data(&text),
            (text, Some(file)) => {
                std::fs::write(file, text).map_err(|error| SessionError::system("write the export", &error))?;
                ui.say(&format!("wrote {}", file.display()));
            }
        },
        StateCommand::Import { file } => ui.say(&state::import(&options, file)?),
    }
    Ok(Exit::Done)
}
