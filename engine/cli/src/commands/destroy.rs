//! `kfplan destroy`.

use clap::Args;
use kfplan_plan::Mode;
use kfplan_session::{Exit, Selection, SessionError};

use crate::args::{Choices, Format, Global, Inputs};
use crate::commands::apply::carry_out;
use crate::commands::{open_to_change, selection, shown};
use crate::ui::Ui;

/// Take all of it down, in order
///
/// Clusters and resource groups go once the stack's name is typed or given with
/// `--confirm`. User data (volumes, profiles) stays, and what holds it, unless
/// `--delete-data` is given.
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// The stack's name: lets clusters and resource groups go
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,

    /// Let user data go too
    #[arg(long)]
    delete_data: bool,

    /// Exit with 0 although something protected was kept
    #[arg(long)]
    keep_protected: bool,

    /// Do not ask
    #[arg(long)]
    auto_approve: bool,

    #[command(flatten)]
    choices: Choices,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &DestroyArgs) -> Result<Exit, SessionError> {
    let sandboxed = global.sandbox && args.auto_approve;
    if args.confirm.is_none() && !args.auto_approve && !ui.is_interactive() {
        return Ok(ui.usage("nobody is there to confirm", "give `--confirm STACKNAME`, and `--auto-approve`"));
    }
    let mut session = open_to_change(ui, global, &args.inputs).await?;
    if args.confirm.as_deref().is_some_and(|name| name != session.stack_name()) {
        return Ok(ui.usage(
            &format!("`--confirm` names another stack than `{}`", session.stack_name()),
            "check the folder and the environment",
        ));
    }
    session.lock("destroy").await?;
    let chosen = |confirmed| Selection {
        lift_containers: confirmed,
        delete_data: args.delete_data,
        keep_protected: args.keep_protected,
        ..selection(&args.choices)
    };
    let mut confirmed = args.confirm.is_some() || sandboxed;
    let mut planned = session.plan(Mode::Destroy, &chosen(true)).await?;
    ui.data(&shown(ui, planned.plan(), Format::Text, false));
    if !confirmed && ui.is_interactive() {
        confirmed = ui.ask(
            &format!("Type the stack's name, `{}`, to destroy all of this:", session.stack_name()),
            session.stack_name(),
        );
        if !confirmed {
            ui.say("nothing was changed");
            return Ok(Exit::Failed);
        }
    } else if !confirmed {
        // Approved, but not by name: clusters and groups stay.
        planned = session.plan(Mode::Destroy, &chosen(false)).await?;
    }
    if planned.plan().is_blocked() {
        return Ok(Exit::Blocked);
    }
    carry_out(ui, session, planned, None).await
}
