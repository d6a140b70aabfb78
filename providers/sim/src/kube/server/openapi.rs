//! OpenAPI documents: enough for clients to know what a request takes and what an object looks like.

use serde_json::{Map, Value, json};

use super::protobuf::Message;
use crate::kube::cluster::Cluster;
use crate::kube::kinds::{Resource, Version};
use crate::kube::schema::{Coding, Ref, Relation, Schema};
use crate::kube::status::Outcome;
use crate::wire::{Request, Response};

/// How deep shapes are written out: below, an object is just an object.
const DEEPEST: usize = 12;

/// Answers `/openapi/…`.
pub(crate) fn answer(cluster: &Cluster, request: &Request, rest: &[&str]) -> Option<Outcome<Response>> {
    match rest {
        ["v2"] => {
            const KIND: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
            let accept = request.header("accept").unwrap_or_default();
            if accept.contains("com.github.proto-openapi") {
                return Some(Ok(Response::bytes(200, KIND, document(cluster))));
            }
            Some(Ok(Response::json(200, &version_2(cluster))))
        }
        ["v3"] if cluster.release.minor >= 24 => {
            let mut paths = Map::new();
            for (group, version) in group_versions(cluster) {
                let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
                let url = format!("/openapi/v3/{path}?hash={:016X}", cluster.revision());
                paths.insert(path, json!({"serverRelativeURL": url}));
            }
            Some(Ok(Response::json(200, &json!({"paths": paths}))))
        }
        ["v3", "api", version] if cluster.release.minor >= 24 => {
            Some(Ok(Response::json(200, &version_3(cluster, "", version)?)))
        }
        ["v3", "apis", group, version] if cluster.release.minor >= 24 => {
            Some(Ok(Response::json(200, &version_3(cluster, group, version)?)))
        }
        _ => None,
    }
}

fn group_versions(cluster: &Cluster) -> std::collections::BTreeSet<(String, String)> {
    let served = |resource: &Resource| -> Vec<(String, String)> {
        let versions = resource.versions.iter().filter(|version| version.served);
        versions.map(|version| (resource.group.clone(), version.name.clone())).collect()
    };
    cluster.kinds.iter().flat_map(|resource| served(resource)).collect()
}

/// The name under which a kind is defined.
fn definition_name(resource: &Resource, version: &str) -> String {
    let reversed: Vec<&str> = resource.group.split('.').rev().collect();
    match (resource.custom, resource.group.as_str()) {
        (true, _) => format!("{}.{version}.{}", reversed.join("."), resource.kind),
        (false, "") => format!("io.k8s.api.core.{version}.{}", resource.kind),
        (false, group) => {
            format!("io.k8s.api.{}.{version}.{}", group.split('.').next().unwrap_or(group), resource.kind)
        }
    }
}

fn marks(resource: &Resource, version: &str) -> Value {
    json!([{"group": resource.group, "version": version, "kind": resource.kind}])
}

fn collection_path(resource: &Resource, version: &str) -> String {
    let root = if resource.group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{}/{version}", resource.group)
    };
    if resource.namespaced {
        format!("{root}/namespaces/{{namespace}}/{}", resource.plural)
    } else {
        format!("{root}/{}", resource.plural)
    }
}

/// What a request with this action takes and says of itself.
fn operation(resource: &Resource, version: &str, action: &str, v3: bool) -> Value {
    let parameter = |name: &str, kind: &str| {
        if v3 {
            json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}})
        } else {
            json!({"name": name, "in": "query", "type": kind, "uniqueItems": true})
        }
    };
    let mut parameters = Vec::new();
    if matches!(action, "patch" | "post" | "put") {
        parameters.push(parameter("dryRun", "string"));
        parameters.push(parameter("fieldManager", "string"));
        parameters.push(parameter("fieldValidation", "string"));
    }
    if action == "patch" {
        parameters.push(parameter("force", "boolean"));
    }
    if action == "delete" {
        parameters.push(parameter("dryRun", "string"));
        parameters.push(parameter("propagationPolicy", "string"));
    }
    let first = marks(resource, version).get(0).cloned().unwrap_or_default();
    json!({
        "description": format!("{action} {}", resource.kind), "operationId": format!("{action}{}{}", resource.kind, version),
        "parameters": parameters, "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action, "x-kubernetes-group-version-kind": first,
    })
}

fn paths(resource: &Resource, version: &str, v3: bool, out: &mut Map<String, Value>) {
    let all = collection_path(resource, version);
    if resource.abilities.create_only {
        out.insert(all, json!({"post": operation(resource, version, "post", v3)}));
        return;
    }
    let named = json!({
        "get": operation(resource, version, "get", v3), "put": operation(resource, version, "put", v3),
        "patch": operation(resource, version, "patch", v3), "delete": operation(resource, version, "delete", v3),
    });
    out.insert(format!("{all}/{{name}}"), named);
    out.insert(
        all,
        json!({"get": operation(resource, version, "list", v3), "post": operation(resource, version, "post", v3)}),
    );
}

fn version_3(cluster: &Cluster, group: &str, version: &str) -> Option<Value> {
    let mut schemas = Map::new();
    let mut all = Map::new();
    for resource in cluster.kinds.iter().filter(|resource| resource.group == group) {
        let Some(served) = resource.version(version).filter(|version| version.served) else { continue };
        schemas.insert(definition_name(resource, version), definition(resource, served));
        paths(resource, version, true, &mut all);
    }
    (!schemas.is_empty()).then(|| {
        json!({
            "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": format!("v{}", cluster.release.text)},
            "paths": all, "components": {"schemas": schemas},
        })
    })
}

fn version_2(cluster: &Cluster) -> Value {
    let mut definitions = Map::new();
    let mut all = Map::new();
    for resource in cluster.kinds.iter() {
        for version in resource.versions.iter().filter(|version| version.served) {
            definitions.insert(definition_name(resource, &version.name), definition(resource, version));
            paths(resource, &version.name, false, &mut all);
        }
    }
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": format!("v{}", cluster.release.text)},
        "paths": all, "definitions": definitions,
    })
}

/// The old document in its binary form: what each request takes, and no shapes.
fn document(cluster: &Cluster) -> Vec<u8> {
    let mut paths = Message::default();
    for resource in cluster.kinds.iter() {
        for version in resource.versions.iter().filter(|version| version.served) {
            let extension =
                format!("group: {:?}\nversion: {:?}\nkind: {:?}\n", resource.group, version.name, resource.kind);
            let operation = |action: &str, takes: &[&str]| {
                let mark = Message::default()
                    .text(1, "x-kubernetes-group-version-kind")
                    .message(2, Message::default().text(2, &extension));
                let mut out = Message::default().text(5, &format!("{action}{}{}", resource.kind, version.name));
                for name in takes {
                    let query = Message::default().text(2, "query").text(4, name).text(6, "string");
                    let parameter = Message::default().message(2, Message::default().message(3, query));
                    out = out.message(8, Message::default().message(1, parameter));
                }
                out.message(13, mark)
            };
            let strict = cluster.release.minor >= 25;
            let takes: &[&str] = if strict {
                &["dryRun", "fieldManager", "fieldValidation", "force"]
            } else {
                &["dryRun", "fieldManager", "force"]
            };
            let item = Message::default()
                .message(2, operation("read", &[]))
                .message(3, operation("replace", takes))
                .message(8, operation("patch", takes));
            let path = format!("{}/{{name}}", collection_path(resource, &version.name));
            paths = paths.message(2, Message::default().text(1, &path).message(2, item));
        }
    }
    let info = Message::default().text(1, "Kubernetes").text(2, &format!("v{}", cluster.release.text));
    Message::default().text(1, "2.0").message(2, info).message(8, paths).message(9, Message::default()).sent()
}

fn definition(resource: &Resource, version: &Version) -> Value {
    let mut out = shape(&version.schema, version.at, 0);
    if let Some(map) = out.as_object_mut() {
        map.insert("x-kubernetes-group-version-kind".into(), marks(resource, &version.name));
    }
    out
}

fn shape(schema: &Schema, at: Ref, depth: usize) -> Value {
    let node = schema.node(at);
    let coding = match node.coding {
        Coding::Text => Some(json!({"type": "string"})),
        Coding::Bytes => Some(json!({"type": "string", "format": "byte"})),
        Coding::Integer32 => Some(json!({"type": "integer", "format": "int32"})),
        Coding::Integer64 => Some(json!({"type": "integer", "format": "int64"})),
        Coding::Float => Some(json!({"type": "number", "format": "double"})),
        Coding::Boolean => Some(json!({"type": "boolean"})),
        Coding::Quantity => Some(json!({"type": "string"})),
        Coding::Time | Coding::MicroTime => Some(json!({"type": "string", "format": "date-time"})),
        Coding::IntOrString => Some(json!({"type": "string", "format": "int-or-string"})),
        Coding::Raw => Some(json!({"type": "object"})),
        Coding::Verbatim | Coding::List | Coding::Map | Coding::Struct => None,
    };
    if let Some(coding) = coding {
        return coding;
    }
    if depth > DEEPEST {
        return json!({"type": "object"});
    }
    match (&node.map, &node.list) {
        (Some(_), Some(_)) => json!({"x-kubernetes-preserve-unknown-fields": true}),
        (Some(map), None) => {
            let mut properties = Map::new();
            for (name, field) in &map.fields {
                let mut property = shape(schema, field.node, depth + 1);
                if let (Some(patch), Some(map)) = (&field.patch, property.as_object_mut())
                    && patch.merge
                {
                    map.insert("x-kubernetes-patch-strategy".into(), json!("merge"));
                    map.insert("x-kubernetes-patch-merge-key".into(), json!(patch.key));
                }
                properties.insert(name.clone(), property);
            }
            let mut out = json!({"type": "object"});
            if let Some(inner) = out.as_object_mut() {
                if !properties.is_empty() {
                    inner.insert("properties".into(), Value::Object(properties));
                }
                if let Some(element) = map.element.filter(|_| map.fields.is_empty()) {
                    inner.insert("additionalProperties".into(), shape(schema, element, depth + 1));
                }
                if map.atomic {
                    inner.insert("x-kubernetes-map-type".into(), json!("atomic"));
                }
            }
            out
        }
        (None, Some(list)) => {
            let mut out = json!({"type": "array", "items": shape(schema, list.element, depth + 1)});
            if let Some(inner) = out.as_object_mut() {
                match &list.relation {
                    Relation::Atomic => inner.insert("x-kubernetes-list-type".into(), json!("atomic")),
                    Relation::Set => inner.insert("x-kubernetes-list-type".into(), json!("set")),
                    Relation::Keys(keys) => {
                        inner.insert("x-kubernetes-list-map-keys".into(), json!(keys));
                        inner.insert("x-kubernetes-list-type".into(), json!("map"))
                    }
                };
            }
            out
        }
        (None, None) => match node.scalar {
            Some(crate::kube::schema::Scalar::Text) => json!({"type": "string"}),
            Some(crate::kube::schema::Scalar::Number) => json!({"type": "number"}),
            Some(crate::kube::schema::Scalar::Boolean) => json!({"type": "boolean"}),
            Some(crate::kube::schema::Scalar::Any) | None => json!({"x-kubernetes-preserve-unknown-fields": true}),
        },
    }
}
