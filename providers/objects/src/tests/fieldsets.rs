use proptest::prelude::*;
use serde_json::json;

use super::world::path;
use crate::fields::{FieldSet, Managed};

#[test]
fn every_form_of_fields_v1_is_read_and_written_again() {
    let text = json!({
        "f:metadata": {"f:finalizers": {".": {}, "v:\"a/b\"": {}}, "f:labels": {".": {}, "f:app.kubernetes.io/name": {}}},
        "f:spec": {
            "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
            "f:args": {},
            "f:list": {"i:0": {}},
        },
    });
    let set = FieldSet::from_fields_v1(&text);
    let paths: Vec<String> = set.paths().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(paths.join("\n"), @r"
    /metadata/finalizers
    /metadata/finalizers[=a/b]
    /metadata/labels
    /metadata/labels/app.kubernetes.io~1name
    /spec/args
    /spec/list/0
    /spec/ports
    /spec/ports[port=80,protocol=TCP]
    /spec/ports[port=80,protocol=TCP]/port
    ");
    assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()).paths().len(), set.paths().len());
}

#[test]
fn what_is_inside_a_whole_is_covered_by_it() {
    let set = FieldSet::of([&path("/spec/args"), &path("/spec/env[name=a]/value")]);
    assert!(set.covers(&path("/spec/args/0")));
    assert!(set.contains(&path("/spec/args")) && !set.contains(&path("/spec/args/0")));
    assert!(!set.covers(&path("/spec/env[name=a]")) && set.touches(&path("/spec/env[name=a]")));
    assert!(!set.touches(&path("/spec/env[name=b]")));
}

#[test]
fn junk_from_a_server_is_left_out() {
    let junk = json!({"f:a": {"k:{": {}, "v:[1]": {}, "x:y": {}, "": {}, "k:{}": {}}, "plain": {}});
    assert!(FieldSet::from_fields_v1(&junk).paths().is_empty());
    assert!(Managed::of(&json!({"metadata": {"managedFields": [1, null, {"manager": 3}]}})).managers.len() == 3);
    let mut deep = json!({});
    for _ in 0..10_000 {
        let mut outer = serde_json::Map::new();
        outer.insert("f:a".to_owned(), deep);
        deep = outer.into();
    }
    assert!(FieldSet::from_fields_v1(&deep).paths().len() == 1);
    // A value this deep must be taken apart by hand, or dropping it would exhaust the stack.
    while let Some(inner) = deep.get_mut("f:a").map(serde_json::Value::take) {
        deep = inner;
    }
}

fn sets() -> impl Strategy<Value = FieldSet> {
    let segment = prop_oneof!["/[a-c]", "\\[name=[a-c]\\]", "\\[=[a-c]\\]"];
    let one = proptest::collection::vec(segment, 1..4).prop_map(|parts| path(&parts.concat()));
    proptest::collection::vec(one, 0..8).prop_map(|paths| FieldSet::of(&paths))
}

proptest! {
    /// The operations are those of sets of paths.
    #[test]
    fn sets_behave_as_sets(a in sets(), b in sets()) {
        use std::collections::BTreeSet;
        let paths = |set: &FieldSet| set.paths().into_iter().collect::<BTreeSet<_>>();
        let (left, right) = (paths(&a), paths(&b));
        prop_assert_eq!(paths(&a.clone().union(&b)), left.union(&right).cloned().collect());
        prop_assert_eq!(paths(&a.intersection(&b)), left.intersection(&right).cloned().collect());
        prop_assert_eq!(paths(&a.difference(&b)), left.difference(&right).cloned().collect());
        prop_assert_eq!(paths(&FieldSet::from_fields_v1(&a.to_fields_v1())), left);
    }
}
