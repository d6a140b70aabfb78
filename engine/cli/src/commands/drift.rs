//! `kfplan drift`.

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Format, Global, Inputs};
use crate::commands::open;
use crate::ui::Ui;

/// Say what changed behind kfplan's back since it was applied
///
/// Reads only. Exits with 2 when something drifted, and says field, old and new
/// value, and who and when where that is recorded.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &DriftArgs) -> Result<Exit, SessionError> {
    let mut session = open(ui, global, &args.inputs).await?;
    let found = session.drift().await?;
    let (stack, environment) = (session.stack_name().to_owned(), session.environment().to_owned());
    ui.data(&match args.format {
        Format::Text => kfplan_view::drift_text(&found.drift, &found.undecided, found.checked, ui.text(false)),
        Format::Markdown => kfplan_view::drift_markdown(
            &stack,
            &environment,
            &found.drift,
            &found.undecided,
            kfplan_view::COMMENT_LIMIT,
        ),
        Format::Json => {
            format!("{:#}\n", kfplan_view::drift_json(&stack, &environment, &found.drift, &found.undecided))
        }
    });
    session.close().await;
    Ok(match () {
        () if !found.undecided.is_empty() && found.drift.is_empty() => Exit::Failed,
        () if !found.drift.is_empty() => Exit::Changes,
        () => Exit::Done,
    })
}
