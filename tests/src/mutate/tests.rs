use serde_json::{Value as Json, json};

use super::edit::{Edit, as_merge_patch, edited};
use super::expect::{Expected, expected};
use super::fields::{Owned, locate, text, without};
use super::judge::faults;
use super::object::Object;
use super::send::Maker;

fn fields() -> Json {
    json!({"f:spec": {"f:ports": {
        "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}},
        "k:{\"port\":90,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}},
        "f:metadata": {"f:finalizers": {"v:\"a\"": {}}, "f:labels": {"f:a/b": {}}}})
}

#[test]
fn owned_leaves_are_named_as_the_documentation_says() {
    let mut paths: Vec<String> = Owned::read(&fields()).leaves().iter().map(|path| text(path)).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "/metadata/finalizers[=a]",
            "/metadata/labels/a~1b",
            "/spec/ports[port=80,protocol=TCP]/name",
            "/spec/ports[port=80,protocol=TCP]/port",
            "/spec/ports[port=90,protocol=TCP]/port",
        ]
    );
}

#[test]
fn an_item_is_found_by_its_keys() {
    let body = json!({"spec": {"ports": [{"port": 90, "protocol": "UDP"}, {"port": 90, "protocol": "TCP"}]}});
    let leaves = Owned::read(&fields()).leaves();
    let path = leaves.iter().find(|path| text(path).contains("port=90")).expect("a port that is owned");
    assert_eq!(locate(&body, path).expect("a place").join("/"), "spec/ports/1/port");
}

#[test]
fn a_place_is_taken_out_of_fields_with_what_is_empty_then() {
    let owned = json!({"f:a": {"f:b": {"f:c": {}}}, "f:d": {}});
    let path = Owned::read(&owned).leaves().into_iter().find(|path| text(path) == "/a/b/c").expect("a leaf");
    assert_eq!(without(&owned, &path), json!({"f:d": {}}));
}

#[test]
fn a_merge_patch_sends_the_list_on_the_way_as_a_whole() {
    let body = json!({"a": {"b": [1, 2]}});
    let edits = [Edit::Remove(["a", "b", "0"].map(str::to_owned).to_vec())];
    assert_eq!(as_merge_patch(&body, &edits), Some(json!({"a": {"b": [2]}})));
    assert_eq!(edited(&body, &edits), Some(json!({"a": {"b": [2]}})));
}

const STACK: &str = "web";

/// A ConfigMap with an owned key, a merged list of two, and a key of somebody else.
fn object() -> Object {
    let body = json!({
        "metadata": {"uid": "u-1", "managedFields": [
            {"manager": "kfplan:web", "operation": "Apply", "time": "1", "fieldsV1": {
                "f:data": {"f:a": {}},
                "f:list": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"y\"}": {".": {}, "f:name": {}}}}},
            {"manager": "other", "operation": "Update", "time": "2", "fieldsV1": {"f:data": {"f:b": {}}}},
        ]},
        "data": {"a": "1", "b": "2"},
        "list": [{"name": "x"}, {"name": "y"}],
    });
    let owned = Owned::read(&body["metadata"]["managedFields"][0]["fieldsV1"]);
    let (kind, path, collection) = ("ConfigMap".to_owned(), String::new(), String::new());
    Object { kind, path, collection, body, owned, is_scaled: false }
}

fn maker() -> Maker {
    Maker { manager: "hand", operation: "Update", way: "PUT" }
}

/// What must be said after an edit, as `path old new witness`.
fn wanted(edit: impl FnOnce(&mut Json)) -> Vec<String> {
    let before = object();
    let mut after = before.body.clone();
    edit(&mut after);
    let line = |it: Expected| format!("{} {:?} {:?} {}", it.path, it.old, it.new, Json::from(it.witnesses));
    expected(&before, Some(&after), STACK, &maker()).into_iter().map(line).collect()
}

fn given_to_hand(body: &mut Json, fields: Json) {
    let entries = body["metadata"]["managedFields"].as_array_mut().expect("entries");
    entries.push(json!({"manager": "hand", "operation": "Update", "time": "3", "fieldsV1": fields}));
}

#[test]
fn what_others_own_is_not_wanted() {
    assert_eq!(wanted(|body| body["data"]["b"] = json!("3")), [""; 0]);
    assert_eq!(wanted(|body| body["data"]["c"] = json!("new")), [""; 0]);
}

#[test]
fn a_value_is_wanted_with_whoever_is_recorded() {
    let edit = |body: &mut Json| {
        body["data"]["a"] = json!("9");
        given_to_hand(body, json!({"f:data": {"f:a": {}}}));
    };
    let hand = r#"[{"manager":"hand","operation":"Update","time":"3"}]"#;
    assert_eq!(wanted(edit), [format!(r#"/data/a Value(String("1")) Some(String("9")) {hand}"#)]);
}

#[test]
fn lost_ownership_order_and_removal_are_wanted() {
    let disowned = |body: &mut Json| body["metadata"]["managedFields"][0]["fieldsV1"]["f:data"] = json!({"f:z": {}});
    assert_eq!(wanted(disowned), [r#"/data/a Value(String("1")) Some(String("1")) []"#]);
    let moved = |body: &mut Json| body["list"].as_array_mut().expect("a list").reverse();
    let paths =
        |lines: Vec<String>| lines.iter().map(|line| line.split(' ').next().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(paths(wanted(moved)), [Some("/list".to_owned())]);
    let removed = |body: &mut Json| drop(body["list"].as_array_mut().expect("a list").pop());
    assert_eq!(paths(wanted(removed)), [Some("/list[name=y]".to_owned())]);
}

#[test]
fn every_fault_of_an_answer_is_seen() {
    let before = object();
    let mut after = before.body.clone();
    after["data"]["a"] = json!("9");
    given_to_hand(&mut after, json!({"f:data": {"f:a": {}}}));
    let wanted = expected(&before, Some(&after), STACK, &maker());
    let right = json!({"path": "/data/a", "old": {"value": "1"}, "new": {"value": "9"},
        "witness": {"manager": "hand", "operation": "Update", "time": "3"}});
    assert_eq!(faults(&wanted, &[&right]), [""; 0]);
    assert_eq!(faults(&wanted, &[]).len(), 1, "not named");
    assert_eq!(faults(&wanted, &[&right, &right]).len(), 1, "named twice");
    for (key, wrong) in [("old", json!("unknown")), ("new", json!({"value": "1"})), ("witness", Json::Null)] {
        let mut answer = right.clone();
        answer[key] = wrong;
        assert_eq!(faults(&wanted, &[&answer]).len(), 1, "a wrong {key}");
    }
    let mut more = right.clone();
    more["path"] = json!("/data/b");
    assert_eq!(faults(&wanted, &[&right, &more]).len(), 1, "named, and as applied");
}
