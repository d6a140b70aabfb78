//! What schemas do to objects, alone.

use serde_json::{Value, json};

use super::Structural;
use crate::kube::status::FieldError;

fn structural(properties: Value) -> Structural {
    Structural::new(
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}),
        false,
    )
}

fn told(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(FieldError::text).collect()
}

#[test]
fn null_is_dropped_where_it_is_no_value() {
    let structural = structural(json!({
        "plain": {"type": "string"}, "may": {"type": "string", "nullable": true}, "filled": {"type": "string", "default": "x"},
    }));
    let mut object = json!({"spec": {"plain": null, "may": null, "filled": null}});
    structural.prune(&mut object, false).expect("a good object");
    structural.default(&mut object);
    assert_eq!(object, json!({"spec": {"may": null, "filled": "x"}}));
    let mut kept = json!({"spec": {"plain": null}});
    structural.prune(&mut kept, true).expect("a good object");
    assert_eq!(
        told(&structural.check(&kept, None, "")),
        ["spec.plain: Invalid value: \"null\": spec.plain in body must be of type string: \"null\""]
    );
}

#[test]
fn only_the_first_fault_of_a_text_is_told() {
    let structural = structural(json!({"name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}}));
    let check = |name: &str| told(&structural.check(&json!({"spec": {"name": name}}), None, ""));
    assert_eq!(check("A"), ["spec.name: Invalid value: \"A\": spec.name in body should be at least 2 chars long"]);
    assert_eq!(check("AB"), ["spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'"]);
    assert!(check("ab").is_empty());
}

#[test]
fn what_was_wrong_before_is_not_held_against_an_update() {
    let structural =
        structural(json!({"size": {"type": "integer", "maximum": 3}, "other": {"type": "integer", "maximum": 3}}));
    let old = json!({"spec": {"size": 9, "other": 1}});
    assert!(structural.check(&json!({"spec": {"size": 9, "other": 2}}), Some(&old), "").is_empty());
    assert_eq!(structural.check(&json!({"spec": {"size": 9, "other": 4}}), Some(&old), "").len(), 1);
    assert_eq!(structural.check(&old, None, "").len(), 1);
}

#[test]
fn an_object_inside_must_say_what_it_is() {
    let structural = structural(json!({
        "inner": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
    }));
    let mut object =
        json!({"spec": {"inner": {"kind": "Pod", "metadata": {"name": "a", "bogus": 1}, "spec": {"free": 1}}}});
    assert_eq!(structural.prune(&mut object, false), Ok(vec!["spec.inner.metadata.bogus".to_owned()]));
    assert_eq!(object["spec"]["inner"], json!({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"free": 1}}));
    assert_eq!(told(&structural.check(&object, None, "")), ["spec.inner.apiVersion: Required value"]);
}

#[test]
fn of_several_alternatives_the_closest_is_told_of() {
    let structural =
        structural(json!({"either": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}}));
    let check = |either: Value| told(&structural.check(&json!({"spec": {"either": either}}), None, ""));
    assert_eq!(
        check(json!({})),
        [
            "<nil>: Invalid value: \"\": \"spec.either\" must validate one and only one schema (oneOf). Found none valid",
            "spec.either.a: Required value",
        ]
    );
    assert_eq!(
        check(json!({"a": 1, "b": 1})),
        [
            "<nil>: Invalid value: \"\": \"spec.either\" must validate one and only one schema (oneOf). Found 2 valid alternatives"
        ]
    );
    assert!(check(json!({"a": 1})).is_empty());
}

#[test]
fn formats_of_texts_are_checked() {
    let structural = structural(
        json!({"time": {"type": "string", "format": "date-time"}, "size": {"type": "integer", "format": "int32"}}),
    );
    let check = |spec: Value| told(&structural.check(&json!({"spec": spec}), None, ""));
    assert!(check(json!({"time": "2026-01-02T03:04:05Z", "size": 5})).is_empty());
    assert_eq!(
        check(json!({"time": "soon"})),
        ["spec.time: Invalid value: \"soon\": spec.time in body must be of type date-time: \"soon\""]
    );
}

#[test]
fn rules_that_were_not_looked_at_are_told_of() {
    let structural = structural(json!({
        "a": {"type": "string", "enum": ["x"], "x-kubernetes-validations": [{"rule": "self != ''"}]},
    }));
    assert_eq!(
        told(&structural.check(&json!({"spec": {"a": "y"}}), None, "")),
        [
            "spec.a: Unsupported value: \"y\": supported values: \"x\"",
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
        ]
    );
}
