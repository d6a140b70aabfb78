//! How Argo reaches the containers of a step.

use kfplan_model::Path;
use kfplan_objects::yaml::{self, Dialect, Edit};
use serde_json::Value;

use super::{Facts, Rule, Scene, Verdict, find, is_named};
use crate::applications::Bundle;
use crate::naming::name_of;

const CONFIG_MAP: &str = "workflow-controller-configmap";
const DOCUMENT: &str = "/data/config";
const FIELD: &str = "containerRuntimeExecutor";
const VALUE: &str = "pns";

pub(super) const RULE: Rule = Rule {
    name: "containerd-executor",
    reason: "Argo's executor `docker` talks to `/var/run/docker.sock`, which nodes with containerd do not have, so that every pipeline step fails",
    condition: "the nodes run containerd (AKS since 1.19, everybody since 1.24), and Argo's configuration says `docker` or nothing",
    versions: "1.0 to 1.2; later ones bring an Argo that knows only `emissary`",
    decide,
    apply,
};

/// What Argo is told now.
enum Executor {
    /// There is no configuration that has a say in it.
    Absent,
    /// The document cannot be read.
    Unreadable(String),
    /// This one; `docker` is what nothing means.
    Is(String),
}

fn executor(bundle: &Bundle) -> Executor {
    let text = find(bundle, "ConfigMap", CONFIG_MAP).and_then(|map| map.pointer(DOCUMENT)).and_then(Value::as_str);
    let Some(text) = text else { return Executor::Absent };
    match yaml::parse_documents(text, Dialect::Kustomize3) {
        Err(error) => Executor::Unreadable(error.to_string()),
        Ok(documents) => {
            let value = documents.first().and_then(|document| document.get(FIELD)).and_then(Value::as_str);
            Executor::Is(value.unwrap_or("docker").to_owned())
        }
    }
}

fn decide(scene: &Scene<'_>) -> Verdict {
    match executor(scene.bundle) {
        Executor::Absent => {
            Verdict::Leave(format!("no ConfigMap `{CONFIG_MAP}` has the key `config`: Argo here needs no executor"))
        }
        Executor::Unreadable(reason) => {
            let reason = format!("`{DOCUMENT}` of the ConfigMap `{CONFIG_MAP}` cannot be read: {reason}");
            Verdict::Refuse { reason, help: "correct the document in the repository that the ConfigMap comes from" }
        }
        Executor::Is(value) if value != "docker" => Verdict::Leave(format!("the executor is `{value}` already")),
        Executor::Is(_) => match (scene.facts.is_aks, scene.facts.kubernetes_version) {
            (Some(true), version) if version.is_none_or(|version| version >= (1, 19)) => {
                Verdict::Take("nodes of AKS run containerd, and Argo is set to `docker`".to_owned())
            }
            (_, Some(version)) if version >= (1, 24) => {
                Verdict::Take("since Kubernetes 1.24 no node runs Docker, and Argo is set to `docker`".to_owned())
            }
            (Some(_), Some((major, minor))) => Verdict::Leave(format!(
                "nodes of Kubernetes {major}.{minor} may run Docker; if they do not, list the patch"
            )),
            (None, _) => Verdict::Undecided("it is not known whether the cluster is AKS".to_owned()),
            (Some(_), None) => Verdict::Undecided("the version of Kubernetes is not known".to_owned()),
        },
    }
}

fn apply(_: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let object = bundle.objects_mut().find(|object| is_named(object, "ConfigMap", CONFIG_MAP));
    let name = object.as_ref().map(|object| name_of(object)).unwrap_or_default();
    let slot = object.and_then(|object| object.pointer_mut(DOCUMENT));
    let Some(Value::String(text)) = slot else {
        return Err(format!(
            "no ConfigMap `{CONFIG_MAP}` has the key `config`; an Argo without it knows only the executor `emissary`"
        ));
    };
    let edit = Edit::Set { path: Path::keys([FIELD]), value: VALUE.into() };
    *text = yaml::edit(text, Dialect::Kustomize3, &[edit])
        .map_err(|error| format!("`{DOCUMENT}` of {name} cannot be changed: {error}"))?;
    Ok(vec![format!("`{FIELD}` inside `{DOCUMENT}` of {name} to `{VALUE}`")])
}
