//! `manifests`: any objects, from files, a kustomization, or text in the stack file.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Address, Path, Resource, Value};
use kfplan_plan::{
    Digest, Expansion, Field, InputDigest, Kind, Problem, RenderRequest, Rendered, RenderedObject, Scene, Schema, Shape,
};
use serde_json::Value as Json;

use super::drafts::{drafts, field};
use super::{CLUSTERS, problem};
use crate::yaml;

pub(super) struct Manifests {
    schema: Schema,
}

impl Manifests {
    pub(super) fn new() -> Self {
        let fields = vec![
            Field::required("cluster", Shape::Handle(CLUSTERS.to_vec()), "The cluster.").deciding(),
            Field::optional(
                "files",
                Shape::List(Box::new(Shape::Glob)),
                "YAML or JSON files, as patterns relative to the stack file; each must match something.",
            )
            .deciding()
            .not_with(&["kustomization", "yaml"])
            .unless(&["kustomization", "yaml"]),
            Field::optional("kustomization", Shape::Source, "The folder of a kustomization, or `@REPO/PATH`.")
                .deciding()
                .not_with(&["files", "yaml"]),
            Field::optional("dialect", Shape::Choice(vec!["3.2", "5"]), "The kustomize that the kustomization is for.")
                .or("5")
                .deciding(),
            Field::optional("yaml", Shape::String, "The objects as text. It is taken as it stands; see `template`.")
                .deciding()
                .not_with(&["files", "kustomization"])
                .verbatim_unless("template"),
            Field::optional("template", Shape::Bool, "Whether `yaml` holds expressions `${…}`.").or(false),
            Field::optional(
                "namespace",
                Shape::String,
                "Where objects go that should be in a namespace and state none; unstated: `default`, with a warning.",
            )
            .deciding(),
        ];
        Self {
            schema: Schema {
                type_name: "manifests",
                summary: "Any Kubernetes objects: from files, a kustomization, or text in the stack file.",
                fields,
                outputs: Vec::new(),
                existing: false,
                objects: true,
                azure: false,
            },
        }
    }
}

impl Kind for Manifests {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let parsed;
        let rendered = match (scene.rendered, resource.fields.get("yaml")) {
            (Some(rendered), _) => rendered,
            (None, Some(text)) if *text != Value::Null => {
                parsed = inline(resource, text)?;
                &parsed
            }
            (None, _) => {
                return Ok(Expansion::Render(Box::new(RenderRequest {
                    resource: resource.address.clone(),
                    fields: resource.fields.clone(),
                    facts: scene.cluster.clone(),
                })));
            }
        };
        let (drafts, notes) = drafts(resource, rendered, scene)?;
        let notes = rendered.notes.iter().cloned().chain(notes).collect();
        Ok(Expansion::Nodes { drafts, notes, inputs: rendered.inputs.clone() })
    }

    fn outputs(&self, _: &Resource, _: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        BTreeMap::new()
    }
}

/// The objects of the text in the stack file. Where the text is sensitive, all but the identity of its objects is.
fn inline(resource: &Resource, value: &Value) -> Result<Rendered, Vec<Problem>> {
    let wrong = |code: &str, message: String, help: &str| vec![problem(resource, field("yaml"), code, message, help)];
    let text = value.as_str().ok_or_else(|| {
        let message = format!("`yaml` of `{}` is not known at plan", resource.address);
        wrong(
            "objects::unknowable",
            message,
            "which objects exist must be known at plan: leave out what other resources give",
        )
    })?;
    let is_secret = value.is_sensitive();
    let documents = yaml::parse_documents(text, yaml::Dialect::Kustomize5).map_err(|error| {
        // The error quotes the text.
        let said = if is_secret { "it is not YAML".to_owned() } else { error.to_string() };
        wrong("objects::yaml", format!("`yaml` of `{}` cannot be read: {said}", resource.address), "correct the text")
    })?;
    let objects = documents.into_iter().flat_map(items).map(|body| RenderedObject {
        application: None,
        sensitive: if is_secret { contents(&body) } else { Vec::new() },
        body: Arc::new(body),
        holes: Vec::new(),
    });
    let name = format!("{}/yaml", resource.address);
    // A digest of what is secret would let it be guessed; the stack file's own, keyed, is among the inputs anyway.
    let inputs = if is_secret { Vec::new() } else { vec![InputDigest { name, digest: Digest::of(text.as_bytes()) }] };
    Ok(Rendered { objects: objects.collect(), notes: Vec::new(), inputs, digest: None })
}

/// An object, or the objects of a `List`.
fn items(document: Json) -> Vec<Json> {
    match document {
        Json::Object(mut map)
            if map.get("kind").and_then(Json::as_str).is_some_and(|kind| kind.ends_with("List"))
                && map.get("items").is_some_and(Json::is_array) =>
        {
            match map.remove("items") {
                Some(Json::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

/// Everything of a body that does not say which object it is.
fn contents(body: &Json) -> Vec<Path> {
    let keys = body.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.filter(|key| !matches!(*key, "apiVersion" | "kind" | "metadata")).map(|key| Path::root().key(key)).collect()
}
