//! `kubernetes_cluster`: a cluster that exists, of any make. Never created, changed, or destroyed.

use std::collections::BTreeMap;

use kfplan_model::{Address, Resource, Value};
use kfplan_plan::{
    Draft, Expansion, Field, Kind, Locator, ObjectLocator, OutputField, Problem, Protection, Scene, Schema, Shape,
};
use serde_json::Value as Json;

use super::drafts::{field, timeouts};
use super::problem;
use crate::identity::text;

pub(super) struct KubernetesCluster {
    schema: Schema,
}

impl KubernetesCluster {
    pub(super) fn new() -> Self {
        let fields = vec![
            Field::required(
                "kubeconfig",
                Shape::String,
                "The kubeconfig file, relative to the stack file or to the home folder (`~/…`), or `in-cluster` for the service account of the pod that kfplan runs in.",
            )
            .deciding(),
            Field::optional(
                "context",
                Shape::String,
                "The context of the kubeconfig; required with a file. The current one is never taken, since it changes behind one's back.",
            )
            .deciding(),
        ];
        let outputs = vec![OutputField {
            name: "identity",
            summary: "The uid of the namespace `kube-system`: which cluster it is.",
            sensitive: false,
        }];
        Self {
            schema: Schema {
                type_name: "kubernetes_cluster",
                summary: "A cluster that exists, of any make. It is never created or destroyed, and serves wherever a `cluster` is asked for, except for node pools.",
                fields,
                outputs,
                existing: false,
                objects: false,
                azure: false,
            },
        }
    }
}

impl Kind for KubernetesCluster {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, _: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let stated = |name: &str| resource.fields.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        let mut problems = Vec::new();
        if stated("kubeconfig").is_none() {
            let message = format!("`kubeconfig` of `{}` is not known at plan", resource.address);
            problems.push(problem(
                resource,
                field("kubeconfig"),
                "objects::no_kubeconfig",
                message,
                "write the path of a kubeconfig, or \"in-cluster\"",
            ));
        } else if stated("kubeconfig") != Some("in-cluster") && stated("context").is_none() {
            let message = format!("`{}` names no context", resource.address);
            problems.push(problem(
                resource,
                field("context"),
                "objects::no_context",
                message,
                "state `context`; `kubectl config get-contexts` lists them",
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let locator = Locator::Object(ObjectLocator {
            cluster: resource.address.clone(),
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: "kube-system".to_owned(),
        });
        let draft = Draft {
            address: Address::from(resource.address.clone()),
            locator,
            desired: None,
            application: None,
            after: Vec::new(),
            container: None,
            exclusive: None,
            protection: Protection::None,
            expected: 0,
            timeouts: timeouts(&resource.timeouts, false),
            gate: false,
        };
        Ok(Expansion::Nodes { drafts: vec![draft], notes: Vec::new(), inputs: Vec::new() })
    }

    fn outputs(&self, _: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        let found = seen.values().map(|body| text(body, &["metadata", "uid"])).find(|uid| !uid.is_empty());
        found.into_iter().map(|uid| ("identity".to_owned(), Json::from(uid))).collect()
    }
}
