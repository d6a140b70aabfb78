//! `kfplan render`.

use std::path::PathBuf;

use clap::Args;
use kfplan_session::{Exit, SessionError};

use crate::args::{Global, Inputs};
use crate::commands::options;
use crate::ui::Ui;

/// Print the rendered manifests, patches applied
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// The resource, such as `kubeflow.main`; all when left out
    #[arg(value_name = "RESOURCE", conflicts_with = "kustomization")]
    resource: Option<String>,

    /// Write one file an object, with kustomization.yaml files, that can be edited and used as `manifests`
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    /// Only list the objects, by application
    #[arg(long)]
    list: bool,

    /// Render any folder; needs no stack
    #[arg(long, value_name = "DIR")]
    kustomization: Option<PathBuf>,

    /// The kustomize dialect to render the folder in
    #[arg(long, value_name = "VERSION", requires = "kustomization", default_value = "3.2", value_parser = ["3.2", "5"])]
    dialect: String,

    #[command(flatten)]
    inputs: Inputs,
}

pub(crate) async fn run(ui: &Ui, global: &Global, args: &RenderArgs) -> Result<Exit, SessionError> {
    let rendered = match &args.kustomization {
        Some(folder) => {
            let copies = options(global, &args.inputs).repos;
            let folder = global.directory.clone().unwrap_or_default().join(folder);
            kfplan_session::render_folder(&folder, &args.dialect, &copies)?
        }
        None => kfplan_session::render(&options(global, &args.inputs), args.resource.as_deref()).await?,
    };
    for note in &rendered.notes {
        ui.say(note);
    }
    if let Some(folder) = &args.output {
        let count = rendered.write(&global.directory.clone().unwrap_or_default().join(folder))?;
        ui.say(&format!("wrote {count} files below {}", folder.display()));
    } else if args.list {
        ui.data(&rendered.list());
    } else {
        ui.data(&rendered.to_yaml());
    }
    Ok(Exit::Done)
}
