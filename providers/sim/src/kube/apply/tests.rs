//! Who owns what, shown on small objects of every kind of list and map.

use serde_json::{Value, json};

use super::*;
use crate::kube::schema::{Schema, builtin, custom};

/// One version of one kind.
struct One {
    schema: Schema,
    at: u32,
}

impl Conversion for One {
    fn shape(&self, version: &str) -> Option<Shape<'_>> {
        (version == "v1").then_some(Shape { schema: &self.schema, at: self.at })
    }
    fn convert(&self, object: &Value, version: &str) -> Option<Value> {
        (version == "v1").then(|| object.clone())
    }
    fn reset(&self, _: &str) -> Set {
        Set::of(&[&["status"]])
    }
}

fn kind() -> One {
    let schema = json!({"type": "object", "properties": {
        "atomic": {"type": "array", "items": {"type": "string"}},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object",
            "properties": {"name": {"type": "string"}, "a": {"type": "integer"}, "b": {"type": "integer"}}}},
        "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"], "items": {"type": "object",
            "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": {"type": "string"}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "n": {"type": "integer"}}});
    let (schema, at) = custom(Some(&schema));
    One { schema, at }
}

/// An object, and who owns what of it.
struct Thing {
    kind: One,
    object: Value,
    managed: Managed,
}

impl Thing {
    fn new() -> Thing {
        Thing { kind: kind(), object: json!({}), managed: Managed::default() }
    }

    fn try_apply(&mut self, name: &str, patch: Value, force: bool) -> Result<bool, ApplyError> {
        let writer = Writer { name, version: "v1", subresource: "", time: "2026-01-01T00:00:00Z" };
        let (object, managed) = apply(&self.kind, (&self.object, &patch), &self.managed, &writer, force)?;
        self.managed = managed;
        let changed = object.is_some();
        if let Some(object) = object {
            self.object = object;
        }
        Ok(changed)
    }

    fn apply(&mut self, name: &str, patch: Value) -> &mut Thing {
        self.try_apply(name, patch, false).expect("no conflict");
        self
    }

    fn update(&mut self, name: &str, new: Value) -> &mut Thing {
        let writer = Writer { name, version: "v1", subresource: "", time: "2026-01-02T00:00:00Z" };
        self.managed = update(&self.kind, (&self.object, &new), &self.managed, &writer);
        self.object = new;
        self
    }

    fn owns(&self, name: &str) -> Value {
        let found = self.managed.entries.iter().find(|(manager, _)| manager.name == name);
        found.map_or(Value::Null, |(_, owned)| owned.set.written())
    }
}

#[test]
fn what_is_applied_is_owned_and_what_is_dropped_goes() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1, "labels": {"x": "1", "y": "2"}}));
    assert_eq!(thing.owns("a"), json!({"f:labels": {"f:x": {}, "f:y": {}}, "f:n": {}}));
    thing.apply("a", json!({"labels": {"x": "1"}}));
    assert_eq!(thing.object, json!({"labels": {"x": "1"}}));
}

#[test]
fn a_different_value_is_a_conflict_that_names_manager_and_path() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1, "map": [{"name": "x", "a": 1}]}));
    let error = thing.try_apply("b", json!({"n": 2}), false).expect_err("a conflict");
    let ApplyError::Conflicts(conflicts) = &error else { panic!("{error:?}") };
    assert_eq!(ApplyError::conflict_message(conflicts), "Apply failed with 1 conflict: conflict with \"a\": .n");
    let error = thing.try_apply("b", json!({"n": 2, "map": [{"name": "x", "a": 3}]}), false).expect_err("conflicts");
    let ApplyError::Conflicts(conflicts) = &error else { panic!("{error:?}") };
    assert_eq!(
        ApplyError::conflict_message(conflicts),
        "Apply failed with 2 conflicts: conflicts with \"a\":\n- .n\n- .map[name=\"x\"].a"
    );
}

#[test]
fn force_takes_the_field_and_its_owner_loses_it() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1}));
    assert!(thing.try_apply("b", json!({"n": 2}), true).expect("forced"));
    assert_eq!((thing.owns("a"), thing.owns("b"), &thing.object), (Value::Null, json!({"f:n": {}}), &json!({"n": 2})));
}

#[test]
fn a_shared_field_stays_until_its_last_owner_drops_it() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1})).apply("b", json!({"n": 1}));
    thing.apply("a", json!({}));
    assert_eq!(thing.object, json!({"n": 1}));
    thing.apply("b", json!({}));
    assert_eq!(thing.object, json!({}));
}

#[test]
fn a_set_is_merged_by_value_and_an_atomic_list_is_one_value() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"set": ["x", "y"], "atomic": ["x"]})).apply("b", json!({"set": ["z", "x"]}));
    assert_eq!(thing.object["set"], json!(["z", "x", "y"]));
    assert_eq!(thing.owns("b"), json!({"f:set": {"v:\"x\"": {}, "v:\"z\"": {}}}));
    assert!(thing.try_apply("b", json!({"atomic": ["x", "y"]}), false).is_err());
    thing.apply("a", json!({"set": ["y"], "atomic": ["x"]}));
    assert_eq!(thing.object["set"], json!(["z", "x", "y"]), "the other owner of `x` keeps it");
    thing.apply("b", json!({"set": ["z"]}));
    assert_eq!(thing.object["set"], json!(["z", "y"]));
}

#[test]
fn a_keyed_list_is_merged_item_by_item_with_defaults_in_keys() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"ports": [{"port": 80, "name": "http"}]}));
    thing.apply("b", json!({"ports": [{"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]}));
    assert_eq!(thing.object["ports"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        thing.owns("a"),
        json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}})
    );
}

#[test]
fn a_list_of_duplicates_is_refused() {
    let mut thing = Thing::new();
    let error = thing.try_apply("a", json!({"set": ["x", "x"]}), false).expect_err("refused");
    assert_eq!(
        error,
        ApplyError::Typed(
            "failed to create typed patch object (/; , Kind=): .set: duplicate entries for key [=\"x\"]".into()
        )
    );
}

#[test]
fn an_update_takes_what_it_changes_and_a_removal_leaves_no_entry() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1, "labels": {"x": "1"}}));
    thing.update("edit", json!({"n": 2, "labels": {"x": "1"}}));
    assert_eq!((thing.owns("a"), thing.owns("edit")), (json!({"f:labels": {"f:x": {}}}), json!({"f:n": {}})));
    thing.update("edit", json!({"n": 2}));
    assert_eq!((thing.owns("a"), thing.owns("edit")), (Value::Null, json!({"f:n": {}})));
}

#[test]
fn what_an_updater_added_survives_an_apply_that_never_stated_it() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"labels": {"x": "1"}}));
    thing.update("edit", json!({"labels": {"x": "1", "extra": "2"}}));
    thing.apply("a", json!({}));
    assert_eq!(thing.object, json!({"labels": {"extra": "2"}}));
}

#[test]
fn an_equal_apply_changes_nothing_but_is_remembered() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"n": 1}));
    assert!(!thing.try_apply("b", json!({"n": 1}), false).expect("no conflict"));
    assert_eq!(thing.owns("b"), json!({"f:n": {}}));
}

#[test]
fn free_form_is_owned_leaf_by_leaf_with_its_branches() {
    let mut thing = Thing::new();
    thing.apply("a", json!({"free": {"x": {"y": 1}, "list": [1, 2]}, "whole": {"k": "v"}}));
    assert_eq!(thing.owns("a"), json!({"f:free": {"f:list": {}, "f:x": {".": {}, "f:y": {}}}, "f:whole": {}}));
}

#[test]
fn a_removed_middle_item_keeps_the_order_of_the_rest() {
    let item = |name: &str| json!({"name": name, "a": 1});
    let mut thing = Thing::new();
    thing.apply("a", json!({"map": [item("x"), item("y"), item("z")]}));
    thing.apply("a", json!({"map": [item("z"), item("x")]}));
    let names: Vec<&str> =
        thing.object["map"].as_array().into_iter().flatten().filter_map(|i| i["name"].as_str()).collect();
    assert_eq!(names, ["z", "x"]);
}

#[test]
fn field_sets_survive_writing_and_reading() {
    let schema = builtin();
    let at = schema.named("apps.v1.Deployment").expect("known");
    let object = json!({"metadata": {"labels": {"a.b/c": "d"}}, "spec": {"replicas": 1, "template": {"spec": {"containers": [
        {"name": "main", "image": "x", "ports": [{"containerPort": 80}], "args": ["a"]}], "tolerations": []}}}});
    let set = field_set(schema, at, &object);
    assert_eq!(Set::parse(&set.written()), Some(set.clone()));
    assert_eq!(
        set.written()["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"main\"}"]["f:ports"],
        json!({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}})
    );
}
