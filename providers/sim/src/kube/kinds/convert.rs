//! Built-in kinds whose versions differ in more than their name.

use serde_json::{Map as Object, Value, json};

use super::Resource;
use crate::kube::schema::Decoder;

/// An object in another version. What the other cannot say is kept where the real server keeps it, else lost.
pub(crate) fn convert(resource: &Resource, object: &Value, version: &str) -> Value {
    let mut out = object.clone();
    let target = resource.api_version(version);
    let from = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if from == target {
        return out;
    }
    let from_version = from.rsplit('/').next().unwrap_or_default();
    if !resource.custom {
        match resource.kind.as_str() {
            "HorizontalPodAutoscaler" => autoscaler(&mut out, from_version, version),
            "Ingress" => ingress(&mut out, from_version, version),
            "CustomResourceDefinition" => definition(&mut out, from_version, version),
            "Event" => event(&mut out, from, &target),
            _ => {}
        }
    }
    if let Some(map) = out.as_object_mut() {
        map.insert("apiVersion".into(), json!(target));
        map.insert("kind".into(), json!(resource.kind));
    }
    let kinds = ["HorizontalPodAutoscaler", "Ingress", "CustomResourceDefinition", "Event"];
    let differs = !resource.custom && kinds.contains(&resource.kind.as_str());
    if let (true, Some(shape)) = (differs, resource.version(version)) {
        let decoder = Decoder { schema: &shape.schema, null_times: false, binary: false };
        if let Ok(decoded) = decoder.decode(shape.at, &out) {
            out = decoded.value;
        }
    }
    out
}

fn take(map: &mut Object<String, Value>, key: &str) -> Option<Value> {
    map.remove(key)
}

fn rename(map: &mut Object<String, Value>, from: &str, to: &str) {
    if let Some(value) = map.remove(from) {
        map.insert(to.to_owned(), value);
    }
}

fn section<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Object<String, Value>> {
    object.get_mut(key)?.as_object_mut()
}

/// The newest form is `v2`, of which `v2beta2` is a copy.
fn autoscaler(object: &mut Value, from: &str, to: &str) {
    match from {
        "v1" => up_from_v1(object),
        "v2beta1" => metrics(object, up_metric),
        _ => {}
    }
    match to {
        "v1" => down_to_v1(object),
        "v2beta1" => metrics(object, down_metric),
        _ => {}
    }
}

fn cpu(target: &Value) -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}})
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn up_from_v1(object: &mut Value) {
    let noted = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(METRICS))
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    if noted.is_some()
        && let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
    {
        annotations.remove(METRICS);
        if annotations.is_empty() {
            section(object, "metadata").map(|metadata| metadata.remove("annotations"));
        }
    }
    let mut all: Vec<Value> = Vec::new();
    for mut metric in noted.unwrap_or_default() {
        up_metric(&mut metric);
        all.push(metric);
    }
    if let Some(spec) = section(object, "spec") {
        if let Some(target) = take(spec, "targetCPUUtilizationPercentage") {
            all.insert(0, cpu(&target));
        }
        if !all.is_empty() {
            spec.insert("metrics".into(), Value::Array(all));
        }
    }
}

fn down_to_v1(object: &mut Value) {
    let Some(spec) = section(object, "spec") else { return };
    let Some(Value::Array(all)) = take(spec, "metrics") else { return };
    spec.remove("behavior");
    let mut rest = Vec::new();
    let mut target = None;
    for mut metric in all {
        let of_cpu = metric.pointer("/resource/name").and_then(Value::as_str) == Some("cpu");
        let utilization = metric.pointer("/resource/target/averageUtilization").cloned();
        match utilization.filter(|_| of_cpu && target.is_none()) {
            Some(utilization) => target = Some(utilization),
            None => {
                down_metric(&mut metric);
                rest.push(metric);
            }
        }
    }
    if let Some(target) = target {
        spec.insert("targetCPUUtilizationPercentage".into(), target);
    }
    if !rest.is_empty()
        && let Some(metadata) = section(object, "metadata")
    {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(METRICS.into(), json!(Value::Array(rest).to_string()));
        }
    }
}

fn metrics(object: &mut Value, each: fn(&mut Value)) {
    for metric in object.pointer_mut("/spec/metrics").and_then(Value::as_array_mut).into_iter().flatten() {
        each(metric);
    }
    for metric in object.pointer_mut("/status/currentMetrics").and_then(Value::as_array_mut).into_iter().flatten() {
        each(metric);
    }
}

/// From `v2beta1`: flat targets become a target with a type.
fn up_metric(metric: &mut Value) {
    for source in ["resource", "containerResource"] {
        let Some(map) = section(metric, source) else { continue };
        if let Some(number) = take(map, "targetAverageUtilization") {
            map.insert("target".into(), json!({"type": "Utilization", "averageUtilization": number}));
        }
        if let Some(value) = take(map, "targetAverageValue") {
            map.insert("target".into(), json!({"type": "AverageValue", "averageValue": value}));
        }
    }
    for source in ["pods", "object", "external"] {
        let Some(map) = section(metric, source) else { continue };
        if let Some(name) = take(map, "metricName") {
            let mut inner = json!({"name": name});
            if let Some(selector) = take(map, "selector").or_else(|| take(map, "metricSelector")) {
                inner["selector"] = selector;
            }
            map.insert("metric".into(), inner);
        }
        if source == "object" {
            rename(map, "target", "describedObject");
        }
        let value = take(map, "targetValue").map(|value| json!({"type": "Value", "value": value}));
        let average = take(map, "targetAverageValue")
            .or_else(|| take(map, "averageValue"))
            .map(|value| json!({"type": "AverageValue", "averageValue": value}));
        if let Some(target) = value.or(average) {
            map.insert("target".into(), target);
        }
    }
}

/// To `v2beta1`: the reverse.
fn down_metric(metric: &mut Value) {
    for source in ["resource", "containerResource"] {
        let Some(map) = section(metric, source) else { continue };
        let Some(Value::Object(mut target)) = take(map, "target") else { continue };
        if let Some(number) = take(&mut target, "averageUtilization") {
            map.insert("targetAverageUtilization".into(), number);
        }
        if let Some(value) = take(&mut target, "averageValue") {
            map.insert("targetAverageValue".into(), value);
        }
    }
    for source in ["pods", "object", "external"] {
        let Some(map) = section(metric, source) else { continue };
        let target = take(map, "target");
        if source == "object" {
            rename(map, "describedObject", "target");
        }
        if let Some(Value::Object(mut inner)) = take(map, "metric") {
            rename(&mut inner, "name", "metricName");
            rename(&mut inner, "selector", if source == "external" { "metricSelector" } else { "selector" });
            map.extend(inner);
        }
        let Some(Value::Object(mut target)) = target else { continue };
        if let Some(value) = take(&mut target, "value") {
            map.insert("targetValue".into(), value);
        }
        if let Some(value) = take(&mut target, "averageValue") {
            map.insert(if source == "object" { "averageValue" } else { "targetAverageValue" }.into(), value);
        }
    }
}

fn ingress(object: &mut Value, from: &str, to: &str) {
    let up = from == "v1beta1" && to == "v1";
    let down = from == "v1" && to == "v1beta1";
    if !up && !down {
        return;
    }
    let backend = |backend: &mut Value| {
        let Some(map) = backend.as_object_mut() else { return };
        if up {
            let name = take(map, "serviceName");
            let port = take(map, "servicePort");
            if let Some(name) = name {
                let port = match port {
                    Some(Value::String(name)) => json!({"name": name}),
                    Some(number) => json!({"number": number}),
                    None => json!({}),
                };
                map.insert("service".into(), json!({"name": name, "port": port}));
            }
        } else if let Some(service) = take(map, "service") {
            map.insert("serviceName".into(), service.get("name").cloned().unwrap_or_default());
            let port = service.pointer("/port/name").or_else(|| service.pointer("/port/number"));
            map.insert("servicePort".into(), port.cloned().unwrap_or_else(|| json!(0)));
        }
    };
    let Some(spec) = section(object, "spec") else { return };
    if up {
        rename(spec, "backend", "defaultBackend");
    }
    if let Some(default) = spec.get_mut("defaultBackend") {
        backend(default);
    }
    if down {
        rename(spec, "defaultBackend", "backend");
    }
    for rule in spec.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        for path in rule.pointer_mut("/http/paths").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(inner) = path.get_mut("backend") {
                backend(inner);
            }
        }
    }
}

/// Between the old group and the new: the same event under other names.
fn event(object: &mut Value, from: &str, to: &str) {
    let names = [
        ("message", "note"),
        ("involvedObject", "regarding"),
        ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
    ];
    let Some(map) = object.as_object_mut() else { return };
    for (old, new) in names {
        match (from == "v1", to == "v1") {
            (true, false) => rename(map, old, new),
            (false, true) => rename(map, new, old),
            _ => {}
        }
    }
}

/// Definitions: what `v1` says for each version, `v1beta1` may say once for all.
fn definition(object: &mut Value, from: &str, to: &str) {
    match (from, to) {
        ("v1beta1", "v1") => definition_up(object),
        ("v1", "v1beta1") => definition_down(object),
        _ => {}
    }
}

fn definition_up(object: &mut Value) {
    let Some(spec) = section(object, "spec") else { return };
    let version = take(spec, "version");
    let schema = take(spec, "validation");
    let subresources = take(spec, "subresources");
    let mut columns = take(spec, "additionalPrinterColumns");
    for column in columns.as_mut().and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(column) = column.as_object_mut() {
            rename(column, "JSONPath", "jsonPath")
        }
    }
    if spec.get("versions").and_then(Value::as_array).is_none_or(Vec::is_empty)
        && let Some(version) = version
    {
        spec.insert("versions".into(), json!([{"name": version, "served": true, "storage": true}]));
    }
    for version in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(version) = version.as_object_mut() else { continue };
        for column in version.get_mut("additionalPrinterColumns").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(column) = column.as_object_mut() {
                rename(column, "JSONPath", "jsonPath")
            }
        }
        for (key, value) in
            [("schema", &schema), ("subresources", &subresources), ("additionalPrinterColumns", &columns)]
        {
            if let Some(value) = value {
                version.entry(key).or_insert_with(|| value.clone());
            }
        }
    }
    let client = spec.get_mut("conversion").and_then(Value::as_object_mut);
    if let Some(conversion) = client {
        let (config, versions) =
            (take(conversion, "webhookClientConfig"), take(conversion, "conversionReviewVersions"));
        if config.is_some() || conversion.get("strategy").and_then(Value::as_str) == Some("Webhook") {
            let mut webhook = json!({"conversionReviewVersions": versions.unwrap_or_else(|| json!(["v1beta1"]))});
            if let Some(config) = config {
                webhook["clientConfig"] = config;
            }
            conversion.insert("webhook".into(), webhook);
        }
    }
}

fn definition_down(object: &mut Value) {
    let Some(spec) = section(object, "spec") else { return };
    let versions = spec.get("versions").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(name) = versions.first().and_then(|version| version.get("name")) {
        spec.insert("version".into(), name.clone());
    }
    // What all versions say alike is said once.
    for (key, once) in [
        ("schema", "validation"),
        ("subresources", "subresources"),
        ("additionalPrinterColumns", "additionalPrinterColumns"),
    ] {
        let first = versions.first().and_then(|version| version.get(key)).cloned();
        let alike = versions.iter().all(|version| version.get(key) == first.as_ref());
        if let (true, Some(first)) = (alike, first) {
            spec.insert(once.to_owned(), first);
            for version in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten() {
                version.as_object_mut().map(|version| version.remove(key));
            }
        }
    }
    let old_names = |columns: Option<&mut Value>| {
        for column in columns.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(column) = column.as_object_mut() {
                rename(column, "jsonPath", "JSONPath")
            }
        }
    };
    old_names(spec.get_mut("additionalPrinterColumns"));
    for version in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten() {
        old_names(version.get_mut("additionalPrinterColumns"));
    }
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut)
        && let Some(Value::Object(mut webhook)) = take(conversion, "webhook")
    {
        rename(&mut webhook, "clientConfig", "webhookClientConfig");
        conversion.extend(webhook);
    }
}
