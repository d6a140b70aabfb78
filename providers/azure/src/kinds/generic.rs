//! `azure_resource`: any ARM type, by its REST API.

use std::collections::BTreeMap;

use kfplan_model::{Address, Path, Resource, Value};
use kfplan_plan::{Expansion, Field, Kind, OnChange, Problem, Protection, RenderRequest, Scene, Schema, Shape};
use serde_json::{Map, Value as Json, json};

use super::reader::{Reader, problem};
use super::{One, Pace, deciding, output, own, picked, place_of, shapes, subscription};
use crate::id::ArmId;
use crate::properties::GENERIC;

pub(super) struct AzureResource {
    schema: Schema,
}

impl AzureResource {
    pub(super) fn new() -> Self {
        Self { schema: schema() }
    }
}

fn is_type(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    parts.len() >= 2
        && parts.first().is_some_and(|namespace| namespace.contains('.'))
        && parts.iter().all(|part| !part.is_empty())
}

fn is_api_version(text: &str) -> bool {
    let (date, rest) = text.split_at(text.len().min(10));
    date.len() == 10
        && date.chars().enumerate().all(|(at, c)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() })
        && (rest.is_empty() || rest.starts_with('-'))
}

fn schema() -> Schema {
    Schema {
        type_name: "azure_resource",
        summary: "Any Azure resource, by its ARM type and body.",
        fields: vec![
            Field::required(
                "type",
                Shape::Checked {
                    pattern: r"^[^/]+\.[^/]+(/[^/]+)+$",
                    rule: "NAMESPACE/TYPE, such as Microsoft.Storage/storageAccounts",
                    check: is_type,
                },
                "The ARM type, such as `Microsoft.Storage/storageAccounts`.",
            )
            .deciding()
            .changing(OnChange::Replace),
            Field::required(
                "api_version",
                Shape::Checked {
                    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}(-.+)?$",
                    rule: "a date such as 2024-01-01, or one with a suffix such as 2024-01-01-preview",
                    check: is_api_version,
                },
                "The version of the type's REST API.",
            )
            .deciding(),
            Field::required(
                "parent",
                Shape::Either(vec![
                    Shape::Handle(vec!["resource_group", "aks_cluster", "aks_node_pool", "azure_resource"]),
                    Shape::String,
                ]),
                "What it is in: a resource of the stack, or an ARM id.",
            )
            .deciding()
            .changing(OnChange::Replace),
            Field::required("name", Shape::String, "The name in Azure.").deciding().changing(OnChange::Replace),
            shapes::field(GENERIC, "location", Shape::String, "The region, for types that have one."),
            shapes::field(GENERIC, "tags", shapes::tags(), "Tags. Tags that others added are left alone."),
            shapes::field(
                GENERIC,
                "body",
                Shape::Any,
                "The body, as the REST API takes it; beside `location` and `tags`.",
            ),
            Field::optional("body_file", Shape::File, "A JSON file with the body, in place of `body`."),
        ],
        outputs: vec![
            output("id", "The ARM id."),
            output("name", "The name."),
            output("location", "The region."),
            output("properties", "What the REST API gives as `properties`."),
        ],
        existing: true,
        objects: false,
        azure: true,
    }
}

pub(super) fn outputs(live: &Json) -> BTreeMap<String, Json> {
    picked(live, &[("id", "/id"), ("name", "/name"), ("location", "/location"), ("properties", "/properties")])
}

/// The body that a `body_file` holds: whoever renders gives it as the one rendered object.
///
/// # Errors
///
/// Why the text is no ARM body.
pub fn body_of_file(text: &str) -> Result<Json, String> {
    match serde_json::from_str(text) {
        Ok(body @ Json::Object(_)) => Ok(body),
        Ok(_) => Err("it holds no JSON object".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// The id of a resource of this type in `parent`: a child's type repeats its parent's (`Microsoft.Sql/servers/databases`).
fn id_in(parent: &ArmId, type_name: &str, name: &str) -> ArmId {
    let (own, last) = type_name.rsplit_once('/').unwrap_or(("", type_name));
    let mut parent_type = String::new();
    if let Some((_, rest)) = parent.key().rsplit_once("/providers/") {
        let segments: Vec<&str> = rest.split('/').collect();
        let types = segments.iter().enumerate().filter(|(at, _)| at % 2 == 1 || *at == 0).map(|(_, segment)| *segment);
        parent_type = types.collect::<Vec<_>>().join("/");
    }
    if !parent_type.is_empty() && parent_type == own.to_ascii_lowercase() {
        ArmId::new(format!("{parent}/{last}/{name}"))
    } else {
        parent.provider(type_name, name)
    }
}

fn parent(resource: &Resource, scene: &Scene<'_>, problems: &mut Vec<Problem>) -> Option<(ArmId, Option<Address>)> {
    match resource.fields.get("parent").map(Value::reveal) {
        Some(Value::String(text)) if text.starts_with("/subscriptions/") => Some((ArmId::new(&**text), None)),
        Some(Value::String(text)) => {
            problems.push(problem(
                resource,
                Some(Path::root().key("parent")),
                "azure::no_id",
                format!("`{text}` is not an ARM id"),
                "write a handle such as \"${resource_group.main}\", or an id that begins with /subscriptions/",
            ));
            None
        }
        _ => place_of(resource, "parent", scene, problems).map(|(id, address)| (id, Some(address))),
    }
}

/// The body as stated, or as the file has it.
fn body(resource: &Resource, scene: &Scene<'_>) -> Result<kfplan_plan::Desired, Vec<Problem>> {
    let mut reader = Reader::new(resource, GENERIC, Path::root());
    let mut body = match scene.rendered.and_then(|rendered| rendered.objects.first()) {
        Some(object) => (*object.body).clone(),
        None => reader.json("body").unwrap_or_else(|| json!({})),
    };
    if !body.is_object() {
        reader.problem(
            "body",
            "azure::body",
            "`body` is no table",
            "write [azure_resource.NAME.body] and the fields below it",
        );
        body = Json::Object(Map::new());
    }
    reader.beside("location");
    if let Some(tags) = reader.entries("tags") {
        reader.put("tags", tags);
    }
    reader.finish(body)
}

impl Kind for AzureResource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut problems = Vec::new();
        subscription(resource, scene, &mut problems);
        let place = parent(resource, scene, &mut problems);
        let type_name = deciding(resource, "type", &mut problems);
        let api_version = deciding(resource, "api_version", &mut problems);
        let name = deciding(resource, "name", &mut problems);
        let from_file = resource.fields.get("body_file").is_some_and(|file| !matches!(file, Value::Null));
        if from_file && resource.fields.get("body").is_some_and(|body| !matches!(body, Value::Null)) {
            let at = Some(Path::root().key("body_file"));
            let message = "`body` and `body_file` are both stated";
            problems.push(problem(resource, at, "azure::two_bodies", message, "keep one of them"));
        }
        if from_file && !resource.existing && scene.rendered.is_none() && problems.is_empty() {
            let request =
                RenderRequest { resource: resource.address.clone(), fields: resource.fields.clone(), facts: None };
            return Ok(Expansion::Render(Box::new(request)));
        }
        let mut desired = None;
        if !resource.existing {
            match body(resource, scene) {
                Ok(body) => desired = Some(body),
                Err(more) => problems.extend(more),
            }
        }
        match (place, type_name, api_version, name) {
            (Some((parent, container)), Some(type_name), Some(api_version), Some(name)) if problems.is_empty() => {
                Ok(One {
                    resource,
                    id: id_in(&parent, type_name, name),
                    api_version,
                    desired,
                    container,
                    protection: Protection::None,
                    pace: Pace { expected: 30_000, timeouts: (3_600, 3_600, 3_600) },
                }
                .expansion())
            }
            _ => Err(problems),
        }
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        own(resource, seen).map(outputs).unwrap_or_default()
    }
}
