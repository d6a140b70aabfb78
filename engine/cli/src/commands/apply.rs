//! `kfplan apply`.

use std::path::PathBuf;

use clap::Args;
use kfplan_plan::{Mode, Plan};
use kfplan_session::{Exit, Planned, Session, SessionError};

use crate::args::{Choices, Format, Global, Inputs};
use crate::commands::{open_to_change, selection, shown};
use crate::live::Live;
use crate::ui::Ui;

/// Carry out a plan
///
/// With a plan file it does exactly what was reviewed, or refuses (exit 4) when the
/// world moved where it matters. Without one it plans, shows, and asks.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// A plan that `kfplan plan -o` wrote
    #[arg(value_name = "PLANFILE")]
    file: Option<PathBuf>,

    /// Refuse any plan but the one with this id
    #[arg(long, value_name = "ID")]
    plan_id: Option<String>,

    /// Do not ask
    #[arg(long)]
    auto_approve: bool,

    /// Write every event as a line of JSON
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    #[command(flatten)]
    choices: Choices,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &ApplyArgs) -> Result<Exit, SessionError> {
    if args.file.is_some() && !(args.inputs.is_empty() && args.choices.is_default()) {
        return Ok(ui.usage(
            "a plan file cannot be combined with `--var`, `--target` and the like",
            "give them to `kfplan plan -o FILE`, and apply that file",
        ));
    }
    if args.file.is_none() && !args.auto_approve && !ui.is_interactive() {
        return Ok(ui.usage(
            "nobody is there to approve the plan",
            "give a plan file (`kfplan plan -o FILE`), or `--auto-approve`",
        ));
    }
    let mut session = open_to_change(ui, global, &args.inputs).await?;
    session.lock("apply").await?;
    let planned = match &args.file {
        Some(file) => session.load(file).await?,
        None => session.plan(Mode::Apply, &selection(&args.choices)).await?,
    };
    if let Some(wanted) = args.plan_id.as_ref().filter(|wanted| **wanted != planned.plan().id()) {
        return Err(SessionError::other_plan(wanted, &planned.plan().id()));
    }
    if args.file.is_none() {
        ui.data(&shown(ui, planned.plan(), Format::Text, false));
    }
    if planned.plan().is_blocked() {
        return Ok(Exit::Blocked);
    }
    if !planned.plan().has_changes() && args.file.is_none() {
        return finish_idle(&mut session, &planned).await;
    }
    if args.file.is_none() && !args.auto_approve && !ui.ask("Apply this plan? Type `yes`:", "yes") {
        ui.say("nothing was changed");
        return Ok(Exit::Failed);
    }
    carry_out(ui, session, planned, args.events.as_deref()).await
}

/// Nothing to do: only records and outputs are brought up to date.
async fn finish_idle(session: &mut Session, planned: &Planned) -> Result<Exit, SessionError> {
    session.settle(planned)?;
    let exit = if planned.plan().kept.is_empty() { Exit::Done } else { Exit::Partial };
    session.close().await;
    Ok(exit)
}

/// Runs a plan and shows how it goes.
pub(crate) async fn carry_out(
    ui: &Ui,
    mut session: Session,
    planned: Planned,
    events: Option<&std::path::Path>,
) -> Result<Exit, SessionError> {
    let file = events
        .map(std::fs::File::create)
        .transpose()
        .map_err(|error| SessionError::system("write the event stream", &error))?;
    let plan: Plan = planned.plan().clone();
    let interrupt = crate::interrupt::listen();
    let mut live = Live::new(ui, &plan, file);
    let outcome = session.apply(planned, interrupt, &mut |event, now| live.take(event, now)).await;
    live.finish();
    let outcome = outcome?;
    ui.say(kfplan_view::summary(&plan, &outcome.status, &outcome.troubles, ui.paint_err()).trim_end());
    for (name, value) in &outcome.outputs {
        ui.data(&format!("{name} = {value}\n"));
    }
    if let Some(next) = &outcome.next {
        ui.say(&format!("→ {next}"));
    }
    session.close().await;
    Ok(outcome.exit)
}
