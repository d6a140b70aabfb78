//! `kfplan sandbox`.

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Global, Inputs};
use crate::commands::options;
use crate::ui::Ui;

/// Serve the simulated cloud to other clients, such as `az` and `kubectl`
///
/// Runs until it is interrupted. The world is the one that `--sandbox` uses in this folder.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// The port for Azure Resource Manager; any free one by default
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,

    /// Forget the world and begin with an empty one
    #[arg(long)]
    reset: bool,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &SandboxArgs) -> Result<Exit, SessionError> {
    let served = kfplan_session::serve_sandbox(&options(global, &Inputs::default()), args.port, args.reset).await?;
    ui.data(&served.instructions());
    let interrupt = crate::interrupt::listen();
    interrupt.raised().await;
    served.stop().await;
    ui.say("stopped; the world is kept");
    Ok(Exit::Done)
}
