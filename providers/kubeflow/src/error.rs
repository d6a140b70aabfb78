//! What can be wrong with an installation.

use std::fmt;

use kfplan_kustomize::{Place, RenderErrors};
use kfplan_objects::yaml::YamlError;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeflowError {
    /// A KfDef is not YAML.
    #[error("{place}: the YAML cannot be read")]
    Yaml {
        /// Where.
        place: Place,
        /// Why.
        #[source]
        source: YamlError,
    },
    /// A file is no KfDef.
    #[error("{place}: {found} is no KfDef of `kfdef.apps.kubeflow.org/v1` or `v1beta1`")]
    NotKfDef {
        /// Where.
        place: Place,
        /// What it is.
        found: String,
    },
    /// A KfDef from before Kubeflow 1.0.
    #[error(
        "{place}: `kfdef.apps.kubeflow.org/v1alpha1` is from before Kubeflow 1.0, and no tool reads it any more; take a KfDef of `v1`"
    )]
    V1Alpha1 {
        /// Where.
        place: Place,
    },
    /// A KfDef that is put together from overlays and parameters.
    #[error(
        "{place}: a KfDef without an application `kubeflow-apps` is of the older kind: {reason}; take a KfDef of version 1.1 or 1.2"
    )]
    Legacy {
        /// Where.
        place: Place,
        /// What kfctl did with it that is not done here.
        reason: String,
    },
    /// A field is missing or wrong.
    #[error("{place}: `{field}` {reason}")]
    Field {
        /// Where.
        place: Place,
        /// The field, with the way to it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An application comes from a repository that the stack does not declare.
    #[error("{place}: the repository `{repo}` is not declared{}", origin.as_ref().map(|uri| format!(" (the KfDef takes it from {uri}, which is not pinned)")).unwrap_or_default())]
    UnknownRepo {
        /// Who names it.
        place: Place,
        /// The repository.
        repo: String,
        /// Where the KfDef would take it from.
        origin: Option<String>,
    },
    /// Something to be removed is not there.
    #[error("there is no application `{name}` to remove; there are: {}", known.join(", "))]
    UnknownApplication {
        /// What was to be removed.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Something to be added cannot be.
    #[error("`{text}` cannot be added: {reason}")]
    Add {
        /// What was to be added.
        text: String,
        /// Why not.
        reason: String,
    },
    /// An application cannot be rendered.
    #[error("application `{application}` cannot be rendered")]
    Render {
        /// The application.
        application: String,
        /// Everything that is wrong with it.
        #[source]
        source: RenderErrors,
    },
    /// A list of patches names one that does not exist.
    #[error("there is no AKS patch `{name}`; there are: {}", known.join(", "))]
    UnknownPatch {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// Whether a patch is needed cannot be told.
    #[error(
        "whether the AKS patch `{name}` is needed cannot be told: {reason}; list the patches you want in `aks_patches`"
    )]
    Undecided {
        /// The patch.
        name: &'static str,
        /// What is not known.
        reason: String,
    },
    /// A patch that was asked for cannot be made.
    #[error("the AKS patch `{name}` cannot be made: {reason}")]
    Rule {
        /// The patch.
        name: &'static str,
        /// Why not, and what to do.
        reason: String,
    },
    /// One of the user's own patches cannot be made.
    #[error("patch {place} ({target}): {reason}")]
    Patch {
        /// Which of them, counted from 0.
        place: usize,
        /// The objects it is for.
        target: String,
        /// Why it cannot be made.
        reason: String,
    },
}

/// Everything that is wrong, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeflowErrors(pub Vec<KubeflowError>);

impl fmt::Display for KubeflowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
        }
        Ok(())
    }
}

impl std::error::Error for KubeflowErrors {}

/// The value, or the errors if there are any.
pub(crate) fn checked<T>(value: T, errors: Vec<KubeflowError>) -> Result<T, KubeflowErrors> {
    if errors.is_empty() { Ok(value) } else { Err(KubeflowErrors(errors)) }
}
