//! Lists by pages and selectors, tables, and watches.

use serde_json::{Value, json};

use super::{Lab, config_map};
use crate::wire::WatchTicket;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn filled(count: usize) -> Lab {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    for index in 0..count {
        let mut map = config_map(&format!("m{index}"), json!({}));
        map["metadata"]["labels"] = json!({"parity": if index % 2 == 0 { "even" } else { "odd" }});
        lab.post(MAPS, map).ok();
    }
    lab
}

fn names(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_list_comes_in_pages_that_stay_true_to_the_first() {
    let mut lab = filled(5);
    let first = lab.get(&format!("{MAPS}?limit=2")).ok();
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["m0".to_owned(), "m1".into()], &json!(3))
    );
    let token = first["metadata"]["continue"].as_str().expect("a continuation").to_owned();
    lab.delete(&format!("{MAPS}/m3")).ok();
    lab.post(MAPS, config_map("m9", json!({}))).ok();
    let rest = lab.get(&format!("{MAPS}?limit=9&continue={token}")).ok();
    assert_eq!(names(&rest), ["m2", "m3", "m4"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[test]
fn a_continuation_is_gone_after_a_compaction() {
    let mut lab = filled(5);
    let first = lab.get(&format!("{MAPS}?limit=2")).ok();
    let token = first["metadata"]["continue"].as_str().expect("a continuation").to_owned();
    lab.post(MAPS, config_map("m9", json!({}))).ok();
    lab.world.kube_mut().compact("c1");
    let gone = lab.get(&format!("{MAPS}?limit=2&continue={token}"));
    assert_eq!((gone.status, gone.body["reason"].as_str()), (410, Some("Expired")));
    assert!(gone.message().starts_with("The provided continue parameter is too old"), "{}", gone.message());
}

#[test]
fn selectors_choose_by_labels_and_fields() {
    let mut lab = filled(5);
    let mut chosen = |query: &str| names(&lab.get(&format!("{MAPS}?{query}")).ok());
    assert_eq!(chosen("labelSelector=parity%3Dodd"), ["m1", "m3"]);
    assert_eq!(chosen("labelSelector=parity%20notin%20(odd),parity"), ["m0", "m2", "m4"]);
    assert_eq!(chosen("fieldSelector=metadata.name%3Dm2"), ["m2"]);
    assert_eq!(chosen("fieldSelector=metadata.name!%3Dm2&labelSelector=parity%3Deven"), ["m0", "m4"]);
    assert_eq!(
        lab.get(&format!("{MAPS}?fieldSelector=spec.x%3Dy")).message(),
        "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    );
}

#[test]
fn a_list_over_all_namespaces_has_them_all() {
    let mut lab = filled(1);
    lab.post("/api/v1/namespaces", json!({"metadata": {"name": "other"}})).ok();
    lab.post("/api/v1/namespaces/other/configmaps", config_map("x", json!({}))).ok();
    assert_eq!(names(&lab.get("/api/v1/configmaps").ok()), ["m0", "x"]);
}

#[test]
fn a_table_shows_what_people_look_for() {
    let mut lab = filled(1);
    let answer =
        lab.raw("GET", MAPS, &[("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")], b"");
    let table = answer.value();
    assert_eq!((&table["kind"], &table["rows"][0]["cells"]), (&json!("Table"), &json!(["m0", 0, "0s"])));
    let columns: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|column| column["name"].as_str())
        .collect();
    assert_eq!(columns, ["Name", "Data", "Age"]);
}

/// Everything a watch has to say now.
fn said(lab: &mut Lab, ticket: &mut WatchTicket) -> Vec<Value> {
    let bytes = lab.world.watch(lab.now, ticket).expect("the watch goes on");
    String::from_utf8_lossy(&bytes).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn watch(lab: &mut Lab, query: &str) -> WatchTicket {
    let response = lab.raw("GET", &format!("{MAPS}?watch=true&{query}"), &[], b"");
    assert_eq!(response.status, 200);
    response.watch.expect("a watch")
}

fn told(events: &[Value]) -> Vec<String> {
    let one = |event: &Value| {
        format!(
            "{} {}",
            event["type"].as_str().unwrap_or_default(),
            event["object"]["metadata"]["name"].as_str().unwrap_or_default()
        )
    };
    events.iter().map(one).collect()
}

#[test]
fn a_watch_tells_what_happens_after_its_version() {
    let mut lab = filled(2);
    let version = lab.get(MAPS).ok()["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let mut ticket = watch(&mut lab, &format!("resourceVersion={version}"));
    assert!(said(&mut lab, &mut ticket).is_empty());
    lab.post(MAPS, config_map("new", json!({}))).ok();
    lab.merge(&format!("{MAPS}/new"), json!({"data": {"a": "b"}})).ok();
    lab.delete(&format!("{MAPS}/m0")).ok();
    assert_eq!(told(&said(&mut lab, &mut ticket)), ["ADDED new", "MODIFIED new", "DELETED m0"]);
    let mut from_start = watch(&mut lab, "");
    assert_eq!(told(&said(&mut lab, &mut from_start)), ["ADDED m1", "ADDED new"]);
}

#[test]
fn an_object_that_leaves_a_selection_is_told_as_deleted() {
    let mut lab = filled(1);
    let mut ticket = watch(&mut lab, "labelSelector=parity%3Deven");
    assert_eq!(told(&said(&mut lab, &mut ticket)), ["ADDED m0"]);
    lab.merge(&format!("{MAPS}/m0"), json!({"metadata": {"labels": {"parity": "odd"}}})).ok();
    assert_eq!(told(&said(&mut lab, &mut ticket)), ["DELETED m0"]);
}

#[test]
fn a_watch_from_before_a_compaction_ends_with_410() {
    let mut lab = filled(1);
    let version = lab.get(MAPS).ok()["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    lab.post(MAPS, config_map("x", json!({}))).ok();
    lab.world.kube_mut().compact("c1");
    let mut ticket = watch(&mut lab, &format!("resourceVersion={version}"));
    let events = said(&mut lab, &mut ticket);
    assert_eq!(
        (&events[0]["type"], &events[0]["object"]["code"], &events[0]["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
    assert!(lab.world.watch(lab.now, &mut ticket).is_none());
}

#[test]
fn bookmarks_tell_where_a_quiet_watch_stands() {
    let mut lab = filled(1);
    let mut ticket = watch(&mut lab, "allowWatchBookmarks=true");
    said(&mut lab, &mut ticket);
    lab.wait(61);
    let events = said(&mut lab, &mut ticket);
    assert_eq!(
        (&events[0]["type"], events[0]["object"]["metadata"]["resourceVersion"].is_string()),
        (&json!("BOOKMARK"), true)
    );
}
