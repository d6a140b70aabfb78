//! The stack files that `init` writes.

/// A stack file to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// What `--template` takes.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// The file.
    pub text: &'static str,
}

/// Every template, the default first.
pub const TEMPLATES: [Template; 3] = [
    Template {
        name: "kubeflow-26.03",
        summary: "Kubeflow 26.03 on a new AKS cluster, with a GPU pool in production.",
        text: include_str!("../templates/kubeflow-26.03.toml"),
    },
    Template {
        name: "kubeflow-1.2",
        summary: "The old guide, Kubeflow 1.2 on Kubernetes 1.21; in the sandbox only, since AKS no longer has that version.",
        text: include_str!("../templates/kubeflow-1.2.toml"),
    },
    Template {
        name: "existing-cluster",
        summary: "Kubeflow 26.03 on a cluster that exists, of any make, without Azure.",
        text: include_str!("../templates/existing-cluster.toml"),
    },
];
