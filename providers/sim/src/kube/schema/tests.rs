//! What the table and the decoder promise.

use serde_json::json;

use super::decode::Decoded;
use super::quantity::canonical as canonical_quantity;
use super::*;

fn decoded(kind: &str, value: &Value) -> Result<Decoded, String> {
    let schema = builtin();
    let kind = schema.named(kind).expect("a known type");
    Decoder { schema, null_times: false, binary: false }.decode(kind, value)
}

#[test]
fn every_type_that_the_table_names_is_in_it() {
    for line in include_str!("builtin.txt").lines() {
        for word in line.split(' ').skip(1) {
            let kind = word.split('~').next().and_then(|word| word.split_once(':')).map_or("", |(_, kind)| kind);
            let name = kind
                .rsplit('|')
                .next()
                .unwrap_or_default()
                .trim_start_matches('!')
                .split('=')
                .next()
                .unwrap_or_default();
            if name.contains('.') {
                assert!(builtin().named(name).is_some(), "{name} in {line}");
            }
        }
    }
}

#[test]
fn amounts_take_the_form_that_the_server_keeps() {
    for (given, kept) in [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("1024Mi", "1Gi"),
        ("1500Mi", "1500Mi"),
        ("100Mi", "100Mi"),
        ("1e3", "1e3"),
        ("0", "0"),
        ("0m", "0"),
        ("2000", "2k"),
        ("1.5Gi", "1536Mi"),
        ("0.1", "100m"),
        ("50Gi", "50Gi"),
        ("512", "512"),
        ("1Ki", "1Ki"),
        ("1G", "1G"),
        ("1000M", "1G"),
        ("0.5Gi", "512Mi"),
        ("100m", "100m"),
    ] {
        assert_eq!(canonical_quantity(given).as_deref(), Some(kept), "{given}");
    }
    for none in ["", "abc", "1.2.3", "1Q", "."] {
        assert_eq!(canonical_quantity(none), None, "{none}");
    }
}

#[test]
fn what_a_type_does_not_have_is_dropped_and_told() {
    let read = decoded(
        "apps.v1.Deployment",
        &json!({"spec": {"replicas": 2, "bogus": 1, "template": {"spec": {"containers": [{"name": "a", "imagePullPolice": "x"}]}}}}),
    );
    let read = read.expect("readable");
    assert_eq!(read.unknown, ["spec.bogus", "spec.template.spec.containers[0].imagePullPolice"]);
    assert_eq!(read.value["spec"]["replicas"], 2);
    assert!(read.value["spec"].get("bogus").is_none());
}

#[test]
fn a_wrong_type_is_told_in_the_words_of_the_server() {
    let error = decoded("apps.v1.Deployment", &json!({"spec": {"replicas": "two"}})).expect_err("refused");
    assert_eq!(error, "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
}

#[test]
fn empty_structs_are_written_and_empty_lists_left_out() {
    let read = decoded("core.v1.Pod", &json!({"spec": {"containers": [{"name": "a", "args": []}], "volumes": null}}))
        .expect("readable");
    assert_eq!(
        read.value,
        json!({"metadata": {}, "spec": {"containers": [{"name": "a", "resources": {}}]}, "status": {}})
    );
}
