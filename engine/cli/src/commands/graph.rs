//! `kfplan graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kfplan_plan::Mode;
use kfplan_session::{Exit, SessionError};

use crate::args::{Choices, Global, Inputs};
use crate::commands::{open, selection};
use crate::ui::Ui;

/// Print the dependency graph of a plan
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// A plan file; without one, the plan of now
    #[arg(value_name = "PLANFILE")]
    file: Option<PathBuf>,

    /// In which language
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    format: GraphFormat,

    #[command(flatten)]
    choices: Choices,

    #[command(flatten)]
    inputs: Inputs,
}

/// The languages for graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &GraphArgs) -> Result<Exit, SessionError> {
    let plan = match &args.file {
        Some(file) => kfplan_session::peek(file)?,
        None => {
            let mut session = open(ui, global, &args.inputs).await?;
            let planned = session.plan(Mode::Apply, &selection(&args.choices)).await?;
            session.close().await;
            planned.plan().clone()
        }
    };
    ui.data(&match args.format {
        GraphFormat::Dot => kfplan_view::dot(&plan),
        GraphFormat::Mermaid => kfplan_view::mermaid(&plan),
    });
    Ok(Exit::Done)
}
