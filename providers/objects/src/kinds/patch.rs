//! `patch`: some fields of an object that the stack does not create. Destroying it puts the earlier values back.

use std::collections::BTreeMap;

use kfplan_model::{Address, Path, Resource, Value};
use kfplan_plan::{
    Desired, Draft, Expansion, Field, Kind, Locator, ObjectLocator, Problem, Protection, Scene, Schema, Shape,
};
use serde_json::{Map, Value as Json, json};

use super::body::desired_of;
use super::drafts::{field, timeouts};
use super::{CLUSTERS, cluster_of, problem};
use crate::identity::{Scopes, text};
use crate::marks::{PATCH, label_value};
use crate::tables::kinds;

pub(super) struct Patch {
    schema: Schema,
}

impl Patch {
    pub(super) fn new() -> Self {
        let fields = vec![
            Field::required("cluster", Shape::Handle(CLUSTERS.to_vec()), "The cluster.").deciding(),
            Field::required(
                "target",
                Shape::Target,
                "The object: kind and name, the namespace of what has one, group and version of what is not built in.",
            )
            .deciding(),
            Field::required(
                "merge",
                Shape::Map(Box::new(Shape::Any)),
                "The fields, as the object has them. Items of a list that is merged by keys must state their keys.",
            ),
        ];
        Self {
            schema: Schema {
                type_name: "patch",
                summary: "Some fields of an object that the stack does not create; destroying it puts the earlier values back.",
                fields,
                outputs: Vec::new(),
                existing: false,
                objects: true,
                azure: false,
            },
        }
    }
}

impl Kind for Patch {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let _ = scene;
        let mut problems = Vec::new();
        let locator = match locator(resource) {
            Ok(locator) => Some(locator),
            Err(found) => {
                problems.extend(found);
                None
            }
        };
        let desired = desired_of(resource.fields.get("merge").unwrap_or(&Value::Null));
        check(resource, &desired, &mut problems);
        let Some(locator) = locator.filter(|_| problems.is_empty()) else { return Err(problems) };
        let draft = Draft {
            address: Address::from(resource.address.clone()),
            desired: Some(stated(resource, &locator, desired)),
            locator: Locator::Object(locator),
            application: None,
            after: Vec::new(),
            container: None,
            exclusive: None,
            protection: Protection::None,
            expected: 40,
            timeouts: timeouts(&resource.timeouts, false),
            gate: false,
        };
        Ok(Expansion::Nodes { drafts: vec![draft], notes: Vec::new(), inputs: Vec::new() })
    }

    fn outputs(&self, _: &Resource, _: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        BTreeMap::new()
    }
}

/// The name under which a patch is known on the object that it is for.
fn patch_name(resource: &Resource) -> String {
    let name = resource.address.name();
    label_value(&resource.address.key().map_or_else(|| name.to_owned(), |key| format!("{name}.{key}")))
}

/// The fields with the identity of the object and the patch's own mark.
fn stated(resource: &Resource, locator: &ObjectLocator, mut desired: Desired) -> Desired {
    let map = match &mut desired.body {
        Json::Object(map) => map,
        other => {
            *other = json!({});
            return stated(resource, locator, desired);
        }
    };
    map.insert("apiVersion".to_owned(), Json::from(locator.api_version()));
    map.insert("kind".to_owned(), Json::from(locator.kind.as_str()));
    let metadata = entry(map, "metadata");
    metadata.insert("name".to_owned(), Json::from(locator.name.as_str()));
    if let Some(namespace) = &locator.namespace {
        metadata.insert("namespace".to_owned(), Json::from(namespace.as_str()));
    }
    entry(metadata, "annotations").insert(format!("{PATCH}{}", patch_name(resource)), Json::from(""));
    desired
}

fn entry<'a>(map: &'a mut Map<String, Json>, key: &str) -> &'a mut Map<String, Json> {
    let value = map.entry(key.to_owned()).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Json::Object(map) => map,
        _ => unreachable!("it was just made a map"),
    }
}

fn locator(resource: &Resource) -> Result<ObjectLocator, Vec<Problem>> {
    let cluster = cluster_of(resource)?;
    let of = |key: &str| resource.fields.get("target").and_then(|it| it.get(key)).and_then(Value::as_str);
    let at = |key: &str| Some(Path::keys(["target", key]));
    let mut problems = Vec::new();
    let missing = |key: &str, help: &str| {
        problem(
            resource,
            at(key),
            "objects::target",
            format!("the target of `{}` has no `{key}`", resource.address),
            help,
        )
    };
    let kind = of("kind").unwrap_or_default();
    let name = of("name").unwrap_or_default();
    for (key, stated) in [("kind", kind), ("name", name)] {
        if stated.is_empty() {
            problems.push(missing(key, "a patch is for one object: state its kind and name"));
        }
    }
    let known = match of("group") {
        Some(group) => kinds::known(group, kind),
        None => kinds::BUILT_IN.iter().find(|row| row.1 == kind && row.0 != "extensions"),
    };
    let group = of("group").or(known.map(|row| row.0));
    let version = of("version").or_else(|| group.and_then(kinds::version_of));
    if !kind.is_empty() && group.is_none() {
        problems.push(missing("group", "the kind is not built in: state `group` and `version`"));
    } else if !kind.is_empty() && version.is_none() {
        problems.push(missing("version", "the kind is not built in: state `version`"));
    }
    let namespaced = Scopes::default().namespaced(group.unwrap_or_default(), kind);
    let namespace = of("namespace").filter(|it| !it.is_empty());
    match (namespaced, namespace) {
        (Some(true), None) => problems.push(missing("namespace", "objects of this kind live in namespaces")),
        (Some(false), Some(_)) => problems.push(problem(
            resource,
            at("namespace"),
            "objects::target",
            format!("the target of `{}` has a namespace, and `{kind}` is cluster-scoped", resource.address),
            "take `namespace` out",
        )),
        _ => {}
    }
    if kind == "Secret" && group == Some("") {
        problems.push(problem(
            resource,
            at("kind"),
            "objects::patch_secret",
            format!("`{}` would patch a Secret", resource.address),
            "what was there could not be put back without storing it; make a Secret of your own with `manifests`",
        ));
    }
    match (group, version) {
        (Some(group), Some(version)) if problems.is_empty() => Ok(ObjectLocator {
            cluster,
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
            name: name.to_owned(),
        }),
        _ => Err(problems),
    }
}

fn check(resource: &Resource, desired: &Desired, problems: &mut Vec<Problem>) {
    let mut wrong = |code: &str, message: String, help: &str| {
        problems.push(problem(resource, field("merge"), code, message, help));
    };
    let fields = desired.body.as_object();
    if fields.is_none_or(Map::is_empty) {
        wrong(
            "objects::patch_empty",
            format!("`{}` states no field", resource.address),
            "state what shall be merged in",
        );
    }
    for key in ["apiVersion", "kind", "status"] {
        if fields.is_some_and(|fields| fields.contains_key(key)) {
            wrong(
                "objects::patch_identity",
                format!("`{}` states `{key}`", resource.address),
                "state fields; the object is named by `target`",
            );
        }
    }
    for key in ["name", "namespace"] {
        if !text(&desired.body, &["metadata", key]).is_empty() {
            wrong(
                "objects::patch_identity",
                format!("`{}` states `metadata.{key}`", resource.address),
                "the object is named by `target`",
            );
        }
    }
    for path in nothings(&desired.body) {
        if !desired.holes.iter().any(|hole| hole.path == path) {
            wrong(
                "objects::patch_removes",
                format!("`{}` states nothing at `{path}`", resource.address),
                "a patch owns the fields that it states, and cannot take away what others own",
            );
        }
    }
    if let Some(path) = desired.sensitive.first() {
        wrong(
            "objects::patch_secret",
            format!("`{}` states a secret at `{path}`", resource.address),
            "put it into a Secret, and name that",
        );
    }
}

/// Every place that is stated as nothing.
fn nothings(body: &Json) -> Vec<Path> {
    let mut found = Vec::new();
    let mut open = vec![(Path::root(), body)];
    while let Some((path, value)) = open.pop() {
        match value {
            Json::Null if !path.segments().is_empty() => found.push(path),
            Json::Object(map) => open.extend(map.iter().map(|(key, value)| (path.key(key), value))),
            Json::Array(list) => {
                open.extend(list.iter().enumerate().map(|(place, value)| (path.key(&place.to_string()), value)));
            }
            _ => {}
        }
    }
    found.sort();
    found
}
