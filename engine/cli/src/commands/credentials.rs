//! `kfplan credentials`.

use std::path::PathBuf;

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Global, Inputs};
use crate::commands::open;
use crate::ui::Ui;

/// Merge the cluster's credentials into a kubeconfig
#[derive(Debug, Args)]
pub(crate) struct CredentialsArgs {
    /// The cluster's address; may be left out when the stack has one
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,

    /// The kubeconfig to merge into; default `KUBECONFIG`, else ~/.kube/config
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print the kubeconfig instead of merging it
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &CredentialsArgs) -> Result<Exit, SessionError> {
    let mut session = open(ui, global, &args.inputs).await?;
    let text = session.credentials(args.cluster.as_deref()).await?;
    if args.print {
        ui.data(&text);
    } else {
        let (file, context) = session.merge_kubeconfig(&text, args.file.as_deref())?;
        ui.say(&format!("merged context `{context}` into {}", file.display()));
    }
    session.close().await;
    Ok(Exit::Done)
}
