//! `kfplan output`.

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::Global;
use crate::commands::options;
use crate::ui::Ui;

/// Print the stack's outputs, as of the last apply
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Only this one, its value alone
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &OutputArgs) -> Result<Exit, SessionError> {
    let outputs = kfplan_session::state::outputs(&options(global, &crate::args::Inputs::default()))?;
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match &args.name {
        Some(name) => match outputs.get(name) {
            Some(value) if args.json => ui.data(&format!("{value}\n")),
            Some(value) => ui.data(&format!("{}\n", plain(value))),
            None => {
                return Ok(ui.usage(
                    &format!("there is no output `{name}`"),
                    &format!("the outputs are: {}", outputs.keys().cloned().collect::<Vec<_>>().join(", ")),
                ));
            }
        },
        None if args.json => ui.data(&format!("{:#}\n", serde_json::json!(outputs))),
        None => outputs.iter().for_each(|(name, value)| ui.data(&format!("{name} = {}\n", plain(value)))),
    }
    Ok(Exit::Done)
}
