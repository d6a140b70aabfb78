//! `kfplan init`.

use clap::{Args, ValueEnum};
use kfplan_session::{Exit, SessionError, Template};

use crate::args::Global;
use crate::commands::options;
use crate::ui::Ui;

/// Write a commented stack file to start from
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// What to start from
    #[arg(long, value_name = "NAME", default_value = "kubeflow-26.03")]
    template: TemplateName,
}

/// The stack files to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TemplateName {
    /// Kubeflow 26.03 on AKS
    #[value(name = "kubeflow-26.03")]
    Kubeflow2603,
    /// Kubeflow 1.2, for the sandbox only: AKS no longer has its Kubernetes
    #[value(name = "kubeflow-1.2")]
    Kubeflow12,
    /// A cluster of any make that exists already
    ExistingCluster,
}

pub(crate) fn run(ui: &Ui, global: &Global, args: &InitArgs) -> Result<Exit, SessionError> {
    let template = match args.template {
        TemplateName::Kubeflow2603 => Template::Kubeflow2603,
        TemplateName::Kubeflow12 => Template::Kubeflow12,
        TemplateName::ExistingCluster => Template::ExistingCluster,
    };
    let file = kfplan_session::init(&options(global, &crate::args::Inputs::default()), template)?;
    ui.say(&format!("wrote {}; read it, then run `kfplan validate` and `kfplan plan`", file.display()));
    Ok(Exit::Done)
}
