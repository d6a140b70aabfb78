//! What can be wrong with an installation.

use std::fmt;

use kfplan_kustomize::{Finding, Place, RenderErrors};
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
    #[error("{place}: `kfdef.apps.kubeflow.org/v1alpha1` is from before Kubeflow 1.0, and no tool reads it any more")]
    V1Alpha1 {
        /// Where.
        place: Place,
    },
    /// A KfDef that is put together from overlays and parameters.
    #[error("{place}: a KfDef without an application `kubeflow-apps` is of the older kind: {reason}")]
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
    #[error("there is no application `{name}` to remove")]
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
    #[error("there is no AKS patch `{name}`")]
    UnknownPatch {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// Whether a patch is needed cannot be told.
    #[error("whether the AKS patch `{name}` is needed cannot be told: {reason}")]
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
        /// Why not.
        reason: String,
        /// What to do.
        help: String,
    },
    /// One of the user's own patches changes nothing.
    #[error("`/patch/{place}` ({target}): {reason}")]
    PatchHitsNothing {
        /// Which of them, counted from 0.
        place: usize,
        /// The objects it is for.
        target: String,
        /// What it does not find.
        reason: String,
    },
    /// One of the user's own patches cannot be made.
    #[error("`/patch/{place}` ({target}): {reason}")]
    Patch {
        /// Which of them, counted from 0.
        place: usize,
        /// The objects it is for.
        target: String,
        /// Why it cannot be made.
        reason: String,
        /// What to do.
        help: &'static str,
    },
}

impl KubeflowError {
    /// The stable code, listed in the reference of errors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Yaml { .. } => "kubeflow::yaml",
            Self::NotKfDef { .. } => "kubeflow::not_kfdef",
            Self::V1Alpha1 { .. } => "kubeflow::v1alpha1",
            Self::Legacy { .. } => "kubeflow::legacy",
            Self::Field { .. } => "kubeflow::field",
            Self::UnknownRepo { .. } => "kubeflow::unknown_repo",
            Self::UnknownApplication { .. } => "kubeflow::unknown_application",
            Self::Add { .. } => "kubeflow::add",
            Self::Render { .. } => "kubeflow::render",
            Self::UnknownPatch { .. } => "kubeflow::unknown_patch",
            Self::Undecided { .. } => "kubeflow::undecided",
            Self::Rule { .. } => "kubeflow::aks_patch",
            Self::PatchHitsNothing { .. } => "kubeflow::patch_hits_nothing",
            Self::Patch { .. } => "kubeflow::patch",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Yaml { .. } => "correct the YAML at this place".to_owned(),
            Self::NotKfDef { .. } => {
                "name the file of a KfDef, such as `@manifests/kfdef/kfctl_k8s_istio.v1.2.0.yaml`; of a folder with a kustomization, write `kustomization = \"…\"`".to_owned()
            }
            Self::V1Alpha1 { .. } => "take a KfDef of `v1`, as Kubeflow 1.0 to 1.2 have them".to_owned(),
            Self::Legacy { .. } => {
                "take a KfDef of Kubeflow 1.1 or 1.2 that has an application `kubeflow-apps`, such as kfctl_k8s_istio.v1.2.0.yaml".to_owned()
            }
            Self::Field { .. } => "correct the field in a copy of the file, and name that".to_owned(),
            Self::UnknownRepo { repo, origin, .. } => {
                let source = origin.as_ref().map_or_else(
                    || "url = \"…\" or path = \"…\"".to_owned(),
                    |origin| format!("url = \"{origin}\", or path = \"…\" of a local copy"),
                );
                format!("declare it in the stack file: [repos.{repo}] with {source}; then run `kfplan vendor` to pin it")
            }
            Self::UnknownApplication { known, .. } => format!("there are: {}", known.join(", ")),
            Self::Add { .. } => "name a folder as `@REPO/PATH`, with a kustomization in it".to_owned(),
            Self::Render { .. } => "correct what is named in it, or leave the application out with `remove`".to_owned(),
            Self::UnknownPatch { known, .. } => format!("there are: {}", known.join(", ")),
            Self::Undecided { .. } => "list the patches that you want: aks_patches = [\"…\"]".to_owned(),
            Self::Rule { help, .. } => help.clone(),
            Self::PatchHitsNothing { .. } => {
                "correct it (`kfplan render` shows the objects), or say `optional = true` if that may be".to_owned()
            }
            Self::Patch { help, .. } => (*help).to_owned(),
        }
    }
}

/// Everything that is wrong, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeflowErrors(pub Vec<KubeflowError>);

impl KubeflowErrors {
    /// Each error on its own, in the order in which it was found; what is wrong with the kustomization of an application
    /// one by one.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for error in &self.0 {
            match error {
                KubeflowError::Render { application, source } => {
                    findings.extend(source.findings().into_iter().map(|finding| Finding {
                        message: format!("application `{application}`: {}", finding.message),
                        ..finding
                    }));
                }
                error => findings.push(Finding::new(error.code(), error, error.help())),
            }
        }
        findings
    }
}

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
