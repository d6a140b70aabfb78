//! `kfplan schema`.

use clap::{Args, ValueEnum};
use kfplan_session::{Exit, SessionError};

use crate::ui::Ui;

/// Print the JSON Schema of the stack file, for editors
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The schema of what
    #[arg(value_name = "WHAT", default_value = "stack")]
    what: What,
}

/// What has a schema or a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The stack file
    Stack,
    /// What `plan --format json` prints
    Plan,
    /// The reference of the stack file, as Markdown
    Reference,
}

pub(crate) fn run(ui: &Ui, args: &SchemaArgs) -> Result<Exit, SessionError> {
    ui.data(&match args.what {
        What::Stack => format!("{:#}\n", kfplan_session::stack_schema()),
        What::Plan => format!("{:#}\n", kfplan_view::plan_json_schema()),
        What::Reference => kfplan_session::stack_reference(),
    });
    Ok(Exit::Done)
}
