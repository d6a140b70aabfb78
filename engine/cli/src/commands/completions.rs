//! `kfplan completions`.

use clap::{Args, CommandFactory as _};
use kfplan_session::{Exit, SessionError};

use crate::args::Arguments;
use crate::ui::Ui;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

pub(crate) fn run(ui: &Ui, args: &CompletionsArgs) -> Result<Exit, SessionError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "kfplan", &mut text);
    ui.data(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
