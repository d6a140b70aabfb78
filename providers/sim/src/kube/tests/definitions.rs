//! Custom kinds: established, pruned, filled in, checked, converted, and gone.

use serde_json::{Value, json};

use super::Lab;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GADGETS: &str = "/apis/example.com/v1/namespaces/default/gadgets";

pub(super) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"}, "versions": [
            {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
                "type": "object", "required": ["spec"], "properties": {
                    "spec": {"type": "object", "required": ["size"], "properties": {
                        "size": {"type": "integer", "minimum": 1}, "mode": {"type": "string", "default": "auto", "enum": ["auto", "manual"]},
                        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}}}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}},
            {"name": "v1beta1", "served": true, "storage": false, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    })
}

pub(super) fn gadget(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": spec})
}

fn lab() -> Lab {
    let mut lab = Lab::new("1.34.4");
    lab.post(DEFINITIONS, definition()).ok();
    lab.wait(3);
    lab
}

#[test]
fn a_kind_is_served_once_it_is_established() {
    let mut lab = Lab::new("1.34.4");
    let made = lab.post(DEFINITIONS, definition()).ok();
    assert_eq!(
        made["spec"]["names"],
        json!({"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"})
    );
    assert_eq!(lab.get(GADGETS).status, 404);
    lab.wait(3);
    let established = lab.get(&format!("{DEFINITIONS}/gadgets.example.com")).ok();
    let types: Vec<&str> = established["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert_eq!(
        (types, &established["status"]["storedVersions"]),
        (vec!["NamesAccepted", "Established"], &json!(["v1"]))
    );
    assert_eq!(lab.get(GADGETS).ok()["kind"], "GadgetList");
}

#[test]
fn an_object_is_filled_in_pruned_and_checked() {
    let mut lab = lab();
    let made = lab.post(GADGETS, gadget("a", json!({"size": 1, "bogus": true}))).ok();
    assert_eq!(made["spec"], json!({"size": 1, "mode": "auto"}));
    let strict = lab.post(&format!("{GADGETS}?fieldValidation=Strict"), gadget("b", json!({"size": 1, "bogus": true})));
    assert_eq!(
        strict.message(),
        "Gadget in version \"v1\" cannot be handled as a Gadget: strict decoding error: unknown field \"spec.bogus\""
    );
    let bad = lab.post(GADGETS, gadget("c", json!({"size": 0, "mode": "x"})));
    assert_eq!(bad.status, 422);
    assert_eq!(
        bad.message(),
        "Gadget.example.com \"c\" is invalid: [spec.mode: Unsupported value: \"x\": supported values: \"auto\", \"manual\", spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1]"
    );
    let missing = lab.post(GADGETS, gadget("d", json!({})));
    assert_eq!(missing.message(), "Gadget.example.com \"d\" is invalid: spec.size: Required value");
    let wrong = lab.post(GADGETS, gadget("e", json!({"size": "big"})));
    assert_eq!(
        wrong.message(),
        "Gadget.example.com \"e\" is invalid: spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""
    );
}

#[test]
fn applies_merge_lists_by_the_keys_of_the_schema() {
    let mut lab = lab();
    let path = format!("{GADGETS}/a");
    lab.apply(&path, "one", gadget("a", json!({"size": 1, "parts": [{"name": "x", "n": 1}]}))).ok();
    let merged = lab.apply(&path, "two", gadget("a", json!({"size": 1, "parts": [{"name": "y", "n": 2}]}))).ok();
    assert_eq!(merged["spec"]["parts"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        lab.owned(&path, "two"),
        json!({"f:spec": {"f:parts": {"k:{\"name\":\"y\"}": {".": {}, "f:n": {}, "f:name": {}}}, "f:size": {}}})
    );
    let refused = lab.apply(&path, "two", gadget("a", json!({"size": 1, "bogus": 1})));
    assert_eq!(
        (refused.status, refused.message()),
        (
            500,
            "failed to create typed patch object (/a; example.com/v1, Kind=Gadget): .spec.bogus: field not declared in schema"
        )
    );
}

#[test]
fn the_status_is_apart_and_the_generation_counts_the_rest() {
    let mut lab = lab();
    let path = format!("{GADGETS}/a");
    lab.post(GADGETS, gadget("a", json!({"size": 1}))).ok();
    let status = lab.merge(&format!("{path}/status"), json!({"spec": {"size": 9}, "status": {"ready": true}})).ok();
    assert_eq!(
        (&status["spec"]["size"], &status["status"]["ready"], &status["metadata"]["generation"]),
        (&json!(1), &json!(true), &json!(1))
    );
    let spec = lab.merge(&path, json!({"spec": {"size": 2}, "status": {"ready": false}})).ok();
    assert_eq!((&spec["status"]["ready"], &spec["metadata"]["generation"]), (&json!(true), &json!(2)));
}

#[test]
fn another_version_shows_the_same_object() {
    let mut lab = lab();
    lab.post(GADGETS, gadget("a", json!({"size": 1}))).ok();
    let seen = lab.get("/apis/example.com/v1beta1/namespaces/default/gadgets/a").ok();
    assert_eq!((&seen["apiVersion"], &seen["spec"]["size"]), (&json!("example.com/v1beta1"), &json!(1)));
}

#[test]
fn a_bad_definition_is_refused_with_all_its_faults() {
    let mut lab = Lab::new("1.34.4");
    let mut bad = definition();
    bad["metadata"]["name"] = json!("wrong");
    bad["spec"]["versions"][0]["schema"] = Value::Null;
    let refused = lab.post(DEFINITIONS, bad);
    assert_eq!(refused.status, 422);
    for part in [
        "metadata.name: Invalid value: \"wrong\": must be spec.names.plural+\".\"+spec.group",
        "spec.versions[0].schema.openAPIV3Schema: Required value",
    ] {
        assert!(refused.message().contains(part), "{}", refused.message());
    }
}

#[test]
fn a_stored_version_cannot_be_taken_away() {
    let mut lab = lab();
    let patch = json!({"spec": {"versions": [{"name": "v2", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    let refused = lab.merge(&format!("{DEFINITIONS}/gadgets.example.com"), patch);
    assert!(
        refused.message().contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions"),
        "{}",
        refused.message()
    );
}

#[test]
fn the_end_of_a_definition_is_the_end_of_its_objects() {
    let mut lab = lab();
    lab.post(GADGETS, gadget("a", json!({"size": 1}))).ok();
    lab.delete(&format!("{DEFINITIONS}/gadgets.example.com")).ok();
    lab.wait(10);
    assert_eq!(lab.get(&format!("{DEFINITIONS}/gadgets.example.com")).status, 404);
    assert_eq!(lab.get(GADGETS).status, 404);
    lab.post(DEFINITIONS, definition()).ok();
    lab.wait(3);
    assert_eq!(lab.get(GADGETS).ok()["items"], json!([]));
}

#[test]
fn the_old_form_is_taken_until_1_21_and_seen_in_the_new() {
    let old = json!({
        "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition", "metadata": {"name": "jobs.example.com"},
        "spec": {"group": "example.com", "version": "v1", "scope": "Namespaced", "names": {"plural": "jobs", "kind": "Job"},
            "subresources": {"status": {}}, "additionalPrinterColumns": [{"name": "State", "type": "string", "JSONPath": ".status.state"}]},
    });
    let mut lab = Lab::new("1.21.14");
    let path = "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions";
    let made = lab.apply(&format!("{path}/jobs.example.com"), "kfplan", old.clone()).ok();
    assert_eq!((&made["apiVersion"], &made["spec"]["version"]), (&json!("apiextensions.k8s.io/v1beta1"), &json!("v1")));
    lab.wait(3);
    let seen = lab.get(&format!("{DEFINITIONS}/jobs.example.com")).ok();
    assert_eq!(seen["spec"]["versions"][0]["additionalPrinterColumns"][0]["jsonPath"], ".status.state");
    assert_eq!(seen["spec"]["preserveUnknownFields"], true);
    let job =
        json!({"apiVersion": "example.com/v1", "kind": "Job", "metadata": {"name": "a"}, "anything": {"goes": 1}});
    let kept = lab.post("/apis/example.com/v1/namespaces/default/jobs", job).ok();
    assert_eq!(kept["anything"], json!({"goes": 1}));
    let again = lab.apply(&format!("{path}/jobs.example.com"), "kfplan", old.clone()).ok();
    assert_eq!(again["metadata"]["generation"], 1);
    assert_eq!(Lab::new("1.22.0").apply(&format!("{path}/jobs.example.com"), "kfplan", old).status, 404);
}
