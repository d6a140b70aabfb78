//! CustomResourceDefinitions: what makes a good one, and the kinds that they bring.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Settings;
use super::cluster::{Cluster, Event};
use super::kinds::{Abilities, Resource, Scale, Version};
use super::rules::names;
use super::schema;
use super::status::FieldError;
use super::structural::Structural;

/// The table of definitions.
pub(crate) const STORE: &str = "apiextensions.k8s.io/customresourcedefinitions";

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a condition of an object is true.
pub(crate) fn is(object: &Value, condition: &str) -> bool {
    list(object, "/status/conditions")
        .iter()
        .any(|one| text(one, "/type") == condition && text(one, "/status") == "True")
}

/// A definition changed: serves, changes, or stops serving what it brings.
pub(crate) fn changed(cluster: &mut Cluster, event: &Event) {
    let Some(object) = event.after.as_ref().or(event.before.as_ref()) else { return };
    let (group, plural) = (text(object, "/spec/group").to_owned(), text(object, "/spec/names/plural").to_owned());
    match &event.after {
        Some(definition) if is(definition, "Established") => {
            let before = event.before.as_ref().and_then(|before| before.get("spec"));
            let established_before = event.before.as_ref().is_some_and(|before| is(before, "Established"));
            if before != definition.get("spec") || !established_before {
                cluster.kinds.insert(resource(definition));
            }
        }
        _ => cluster.kinds.remove(&group, &plural),
    }
}

/// Serves all that established definitions bring.
pub(crate) fn serve_all(cluster: &mut Cluster) {
    let all: Vec<Arc<Value>> = cluster.objects(STORE, "", None).map(|(_, definition)| definition.clone()).collect();
    for definition in all.iter().filter(|definition| is(definition, "Established")) {
        cluster.kinds.insert(resource(definition));
    }
}

/// The kind that a definition (in `apiextensions.k8s.io/v1`) brings.
fn resource(definition: &Value) -> Resource {
    let strings =
        |pointer: &str| list(definition, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let group = text(definition, "/spec/group").to_owned();
    let plural = text(definition, "/spec/names/plural").to_owned();
    let preserve = definition.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true));
    let versions = list(definition, "/spec/versions");
    let storage = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
    let mut served: Vec<Version> = versions.iter().map(|given| version(given, preserve)).collect();
    served.sort_by_key(|version| std::cmp::Reverse(priority(&version.name)));
    let converts = text(definition, "/spec/conversion/strategy") == "Webhook";
    Resource {
        store: format!("{group}/{plural}"),
        singular: text(definition, "/spec/names/singular").to_owned(),
        kind: text(definition, "/spec/names/kind").to_owned(),
        list_kind: text(definition, "/spec/names/listKind").to_owned(),
        short_names: strings("/spec/names/shortNames"),
        categories: strings("/spec/names/categories"),
        namespaced: text(definition, "/spec/scope") != "Cluster",
        abilities: Abilities::default(),
        hub: storage.map_or_else(String::new, |version| text(version, "/name").to_owned()),
        versions: served,
        custom: true,
        converter: definition.pointer("/spec/conversion/webhook/clientConfig").filter(|_| converts).cloned(),
        group,
        plural,
    }
}

fn version(given: &Value, preserve: bool) -> Version {
    let schema = given.pointer("/schema/openAPIV3Schema").filter(|schema| is_structural(schema));
    let preserve_root = preserve || schema.is_none();
    let (shape, at) = schema::custom(schema.filter(|_| !preserve));
    let structural =
        given.pointer("/schema/openAPIV3Schema").map(|schema| Arc::new(Structural::new(schema.clone(), preserve_root)));
    let scale = given.pointer("/subresources/scale").filter(|scale| scale.is_object()).map(|scale| Scale {
        spec: text(scale, "/specReplicasPath").to_owned(),
        status: text(scale, "/statusReplicasPath").to_owned(),
        selector: scale.get("labelSelectorPath").and_then(Value::as_str).map(str::to_owned),
    });
    Version {
        name: text(given, "/name").to_owned(),
        served: given.get("served") == Some(&Value::Bool(true)),
        schema: Arc::new(shape),
        at,
        status: given.pointer("/subresources/status").is_some_and(Value::is_object),
        scale,
        structural,
        columns: list(given, "/additionalPrinterColumns").to_vec(),
    }
}

/// Whether a schema says enough to merge by.
fn is_structural(schema: &Value) -> bool {
    text(schema, "/type") == "object"
}

/// The order of versions: stable before beta before alpha, then the higher number.
pub(crate) fn priority(version: &str) -> (u8, u32, u32) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let (major, rest) = rest.split_at(digits(rest));
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    let stage = |name: &str| rest.strip_prefix(name).and_then(|number| number.parse().ok());
    if rest.is_empty() {
        (3, major, 0)
    } else if let Some(minor) = stage("beta") {
        (2, major, minor)
    } else if let Some(minor) = stage("alpha") {
        (1, major, minor)
    } else {
        (0, 0, 0)
    }
}

/// Whether a new definition is called after what it brings.
pub(crate) fn check_name(object: &Value) -> Option<FieldError> {
    let (group, plural) = (text(object, "/spec/group"), text(object, "/spec/names/plural"));
    let name = text(object, "/metadata/name");
    let detail = "must be spec.names.plural+\".\"+spec.group";
    (name != format!("{plural}.{group}")).then(|| FieldError::invalid("metadata.name", name, detail))
}

/// What is wrong with a definition. It stands in the form of `v1`; `version` is the one it was written in.
pub(crate) fn check(version: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let group = text(object, "/spec/group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if group.split('.').count() < 2 {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    if version == "v1"
        && protected(group)
        && object.pointer("/metadata/annotations/api-approved.kubernetes.io").is_none()
    {
        let detail = "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111";
        errors.push(FieldError::required("metadata.annotations[api-approved.kubernetes.io]", detail));
    }
    match text(object, "/spec/scope") {
        "Namespaced" | "Cluster" => {}
        other => errors.push(FieldError::not_supported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
    for key in ["plural", "singular", "kind", "listKind"] {
        let value = text(object, &format!("/spec/names/{key}"));
        if value.is_empty() {
            errors.push(FieldError::required(format!("spec.names.{key}"), ""));
            continue;
        }
        let found = names::label_1035(&value.to_ascii_lowercase());
        errors.extend(found.into_iter().map(|error| FieldError::invalid(format!("spec.names.{key}"), value, error)));
    }
    errors.extend(check_versions(version, object));
    errors
}

fn protected(group: &str) -> bool {
    let ends = |suffix: &str| group == suffix || group.ends_with(&format!(".{suffix}"));
    ends("k8s.io") || ends("kubernetes.io")
}

fn check_versions(written_in: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let versions = list(object, "/spec/versions");
    let mut seen = BTreeSet::new();
    let mut stored = 0;
    // A schema that all versions share is looked at once, in the place where it would be stated once.
    let schema_of = |version: &Value| version.pointer("/schema/openAPIV3Schema").cloned();
    let first = versions.first().and_then(schema_of);
    let shared = first.filter(|first| versions.iter().all(|one| schema_of(one).as_ref() == Some(first)));
    if let (Some(schema), "v1") = (&shared, written_in) {
        structural_errors("spec.validation.openAPIV3Schema", schema, true, 0, &mut errors);
    }
    if versions.is_empty() {
        errors.push(FieldError::required("spec.versions", "must have at least one version"));
    }
    for (index, version) in versions.iter().enumerate() {
        let here = format!("spec.versions[{index}]");
        let name = text(version, "/name");
        if !seen.insert(name) {
            errors.push(FieldError::invalid(
                "spec.versions",
                Value::Array(versions.to_vec()),
                "must contain unique version names",
            ));
        }
        let found = names::label_1035(name);
        errors.extend(found.into_iter().map(|error| FieldError::invalid(format!("{here}.name"), name, error)));
        stored += usize::from(version.get("storage") == Some(&Value::Bool(true)));
        let schema = version.pointer("/schema/openAPIV3Schema");
        if written_in == "v1" && shared.is_none() {
            match schema {
                None => errors.push(FieldError::required(format!("{here}.schema.openAPIV3Schema"), "")),
                Some(schema) => {
                    structural_errors(&format!("{here}.schema.openAPIV3Schema"), schema, true, 0, &mut errors);
                }
            }
        }
    }
    if stored != 1 && !versions.is_empty() {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", Value::Array(versions.to_vec()), detail));
    }
    if written_in == "v1" && object.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", true, detail));
    }
    errors
}

/// What keeps a schema from being structural.
fn structural_errors(field: &str, schema: &Value, root: bool, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > 100 {
        return;
    }
    let flag = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let kind = text(schema, "/type");
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if root && name == "metadata" {
            continue;
        }
        structural_errors(&format!("{field}.properties[{name}]"), inner, false, depth + 1, errors);
    }
    if let Some(inner @ Value::Object(_)) = schema.get("additionalProperties") {
        structural_errors(&format!("{field}.additionalProperties"), inner, false, depth + 1, errors);
    }
    if let Some(inner @ Value::Object(_)) = schema.get("items") {
        structural_errors(&format!("{field}.items"), inner, false, depth + 1, errors);
    }
    let free = flag("x-kubernetes-preserve-unknown-fields") || flag("x-kubernetes-int-or-string");
    if root && kind != "object" {
        if kind.is_empty() {
            errors.push(FieldError::required(format!("{field}.type"), "must not be empty at the root"));
        } else {
            errors.push(FieldError::invalid(format!("{field}.type"), kind, "must be object at the root"));
        }
    } else if kind.is_empty() && !free {
        errors.push(FieldError::required(format!("{field}.type"), "must not be empty for specified object fields"));
    }
    if text(schema, "/x-kubernetes-list-type") == "map" && list(schema, "/x-kubernetes-list-map-keys").is_empty() {
        errors.push(FieldError::required(
            format!("{field}.x-kubernetes-list-map-keys"),
            "must not be empty if x-kubernetes-list-type is map",
        ));
    }
    errors.extend(super::structural::wrong_default(schema, &format!("{field}.default")));
    if kind == "array" && schema.get("items").is_none() {
        errors.push(FieldError::required(format!("{field}.items"), "must be specified"));
    }
}

/// What an update of a definition may not change.
pub(crate) fn check_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let named: BTreeSet<&str> = list(new, "/spec/versions").iter().map(|version| text(version, "/name")).collect();
    for (index, stored) in list(old, "/status/storedVersions").iter().enumerate() {
        let name = stored.as_str().unwrap_or_default();
        if !named.contains(name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(FieldError::invalid(format!("status.storedVersions[{index}]"), name, detail));
        }
    }
    if is(old, "Established") {
        for (pointer, field) in [("/spec/scope", "spec.scope"), ("/spec/names/kind", "spec.names.kind")] {
            if new.pointer(pointer) != old.pointer(pointer) {
                let value = new.pointer(pointer).cloned().unwrap_or_default();
                errors.push(FieldError::invalid(field, value, "field is immutable"));
            }
        }
    }
    for (pointer, field) in [("/spec/group", "spec.group"), ("/spec/names/plural", "spec.names.plural")] {
        if new.pointer(pointer) != old.pointer(pointer) {
            let value = new.pointer(pointer).cloned().unwrap_or_default();
            errors.push(FieldError::invalid(field, value, "field is immutable"));
        }
    }
    if uses_defaults(new) && new.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
        errors.push(FieldError::invalid(
            "spec.preserveUnknownFields",
            true,
            "must be false in order to use defaults in the schema",
        ));
    }
    errors
}

fn uses_defaults(definition: &Value) -> bool {
    fn inside(schema: &Value, depth: usize) -> bool {
        depth < 100
            && (schema.get("default").is_some()
                || schema
                    .get("properties")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .any(|(_, inner)| inside(inner, depth + 1))
                || schema.get("items").is_some_and(|inner| inside(inner, depth + 1))
                || schema.get("additionalProperties").is_some_and(|inner| inside(inner, depth + 1)))
    }
    list(definition, "/spec/versions")
        .iter()
        .filter_map(|version| version.pointer("/schema/openAPIV3Schema"))
        .any(|schema| inside(schema, 0))
}

/// The status of a definition that has just been accepted or established.
pub(crate) fn status(definition: &Value, now: &str, established: bool) -> Value {
    let stored =
        list(definition, "/spec/versions").iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
    let mut all: Vec<Value> = list(definition, "/status/storedVersions").to_vec();
    if let Some(name) = stored.and_then(|version| version.get("name"))
        && !all.contains(name)
    {
        all.push(name.clone());
    }
    let condition = |kind: &str, reason: &str, message: &str| {
        let before = list(definition, "/status/conditions")
            .iter()
            .find(|one| text(one, "/type") == kind && text(one, "/status") == "True");
        let since = before.map_or(now, |before| text(before, "/lastTransitionTime"));
        json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since})
    };
    let mut conditions = vec![condition("NamesAccepted", "NoConflicts", "no conflicts found")];
    if established {
        conditions.push(condition("Established", "InitialNamesAccepted", "the initial names have been accepted"));
    }
    json!({"acceptedNames": definition.pointer("/spec/names").cloned().unwrap_or_default(), "conditions": conditions, "storedVersions": all})
}

/// When a definition that has just come is established.
pub(crate) fn schedule(cluster: &mut Cluster, now: u64, settings: &Settings, name: &str) {
    if let Some(delay) = settings.delay(settings.controllers.definitions) {
        cluster.schedule(now + delay, &format!("definition/{name}"));
    }
}
