use insta::assert_snapshot;
use serde_json::{Value as Json, json};

use super::world::object;
use crate::partial::{restoration, with_earlier};
use crate::trial::{Served, Subject, outcome, subjects, trial};
use crate::{WebhookOutcome, as_sent};

const MANAGER: &str = "kfplan:s/patch.dns";

fn live() -> Json {
    object("
apiVersion: apps/v1
kind: Deployment
metadata: {name: dns, namespace: kube-system, resourceVersion: '7', annotations: {a: b}, managedFields: [
  {manager: other, operation: Apply, fieldsV1: {'f:spec': {'f:template': {'f:spec': {'f:containers': {'k:{\"name\":\"main\"}': {'f:name': {}, 'f:image': {}, 'f:env': {'k:{\"name\":\"X\"}': {'f:name': {}, 'f:value': {}}}}}}}}}}]}
spec: {replicas: 2, template: {spec: {containers: [{name: main, image: old, env: [{name: X, value: x}]}]}}}
")
}

fn patch() -> Json {
    object("
apiVersion: apps/v1
kind: Deployment
metadata: {name: dns, namespace: kube-system, labels: {new: label}, annotations: {patch.kfplan.dev/dns: s/e/l}}
spec: {replicas: 3, template: {spec: {containers: [{name: main, image: new, env: [{name: B, value: b}, {name: C, value: c}]}]}}}
")
}

/// The live object after the patch was applied: what the server makes of it, by hand.
fn patched() -> Json {
    let sent = with_earlier(&patch(), &live());
    let mut after = live();
    after["metadata"]["annotations"]
        .as_object_mut()
        .expect("a map")
        .extend(sent["metadata"]["annotations"].as_object().expect("a map").clone());
    after["metadata"]["labels"] = json!({"new": "label", "theirs": "too"});
    after["spec"]["replicas"] = json!(3);
    let main = &mut after["spec"]["template"]["spec"]["containers"][0];
    main["image"] = json!("new");
    main["env"] = json!([{"name": "B", "value": "b"}, {"name": "X", "value": "x"}, {"name": "C", "value": "c"}]);
    let ours = json!({"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {"f:image": {}, "f:env": {"k:{\"name\":\"B\"}": {"f:name": {}, "f:value": {}}}}}}}}}});
    after["metadata"]["managedFields"].as_array_mut().expect("a list").push(ours);
    after
}

fn lines(patch: &Json) -> String {
    let one = |it: &Json| {
        format!(
            "{} {} {}",
            it["op"].as_str().expect("text"),
            it["path"].as_str().expect("text"),
            it.get("value").map(Json::to_string).unwrap_or_default()
        )
    };
    patch.as_array().expect("a list").iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_patch_notes_what_it_found() {
    let sent = with_earlier(&patch(), &live());
    assert_snapshot!(sent["metadata"]["annotations"]["earlier.kfplan.dev/dns"].as_str().expect("a note"), @r#"[{"path":"/metadata/labels/new"},{"path":"/spec/replicas","value":2},{"path":"/spec/template/spec/containers[name=main]/env[name=B]"},{"path":"/spec/template/spec/containers[name=main]/env[name=C]"},{"path":"/spec/template/spec/containers[name=main]/image","value":"old"},{"path":"/spec/template/spec/containers[name=main]/name","value":"main"}]"#);
}

#[test]
fn what_was_noted_first_stays_however_often_it_is_applied() {
    let once = with_earlier(&patch(), &live());
    assert_eq!(with_earlier(&patch(), &patched()), once);
}

#[test]
fn everything_is_put_back_at_once() {
    let back = restoration(&patch(), &patched(), MANAGER, false).expect("something to put back");
    assert_snapshot!(lines(&back), @r#"
    replace /metadata/resourceVersion "7"
    replace /spec/replicas 2
    replace /spec/template/spec/containers/0/image "old"
    remove /spec/template/spec/containers/0/env/2 
    remove /spec/template/spec/containers/0/env/0 
    remove /metadata/labels/new 
    remove /metadata/annotations/patch.kfplan.dev~1dns 
    remove /metadata/annotations/earlier.kfplan.dev~1dns 
    replace /metadata/managedFields [{"fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{"k:{\"name\":\"X\"}":{"f:name":{},"f:value":{}}},"f:image":{},"f:name":{}}}}}}},"manager":"other","operation":"Apply"}]
    "#);
}

#[test]
fn a_field_that_a_patch_drops_is_put_back_while_the_rest_stays() {
    let mut smaller = patch();
    smaller["spec"].as_object_mut().expect("a map").remove("replicas");
    let back = restoration(&smaller, &patched(), MANAGER, true).expect("something to put back");
    let text = lines(&back);
    assert!(text.contains("replace /spec/replicas 2") && !text.contains("remove"), "{text}");
    let ours = back.as_array().expect("a list").last().expect("an operation")["value"][1]["fieldsV1"].to_string();
    assert!(!ours.contains("replicas") && ours.contains("f:image"), "{ours}");
    assert_eq!(restoration(&patch(), &patched(), MANAGER, true), None);
}

#[test]
fn the_text_of_a_secret_is_sent_as_data() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"}, "data": {"b": "eA=="}});
    assert_eq!(as_sent(&secret)["data"], json!({"a": "eA==", "b": "eA=="}));
    assert_eq!(as_sent(&secret).get("stringData"), None);
    let other = json!({"apiVersion": "x.io/v1", "kind": "Secret", "stringData": {"a": "x"}});
    assert_eq!(as_sent(&other), other);
}

fn webhook() -> Json {
    object("
name: w.x.io
sideEffects: None
namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}
objectSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d]}, {key: e, operator: Exists}, {key: f, operator: DoesNotExist}]}
rules:
- {apiGroups: ['*'], resources: ['*'], operations: [CREATE], apiVersions: ['*']}
- {apiGroups: [x.io], resources: [things/status, things], operations: [UPDATE, CREATE], apiVersions: [v1]}
")
}

#[test]
fn the_smallest_object_that_a_webhook_intercepts_is_made() {
    let found = Subject {
        group: "x.io".to_owned(),
        versions: vec!["v1".to_owned()],
        plural: "things".to_owned(),
        takes_dry_runs: true,
    };
    assert_eq!(subjects(&webhook()), Ok(vec![found]));
    for (stated, takes_dry_runs) in [(Json::Null, false), (json!("Some"), false), (json!("NoneOnDryRun"), true)] {
        let mut webhook = webhook();
        webhook["sideEffects"] = stated;
        assert_eq!(subjects(&webhook).map(|it| it[0].takes_dry_runs), Ok(takes_dry_runs));
    }
    let schema = json!({"type": "object", "required": ["spec", "metadata"], "properties": {"spec": {"type": "object", "required": ["mode", "size", "list", "any"], "properties": {
        "mode": {"type": "string", "enum": ["on", "off"]}, "size": {"type": "integer", "minimum": 3}, "other": {"type": "string"},
        "list": {"type": "array", "minItems": 2, "items": {"type": "string", "minLength": 3}}, "any": {"x-kubernetes-int-or-string": true},
    }}}});
    let served = Served {
        group: "x.io".to_owned(),
        version: "v1".to_owned(),
        kind: "Thing".to_owned(),
        plural: "things".to_owned(),
        namespaced: true,
        schema: Some(schema),
    };
    let namespaces = [json!({"metadata": {"name": "a", "labels": {"skip": "x"}}}), json!({"metadata": {"name": "b"}})];
    let body = trial(&webhook(), &served, &namespaces).expect("an object");
    assert_snapshot!(body.to_string(), @r#"{"apiVersion":"x.io/v1","kind":"Thing","metadata":{"labels":{"a":"b","c":"d","e":"kfplan"},"name":"kfplan-probe","namespace":"b"},"spec":{"any":1,"list":["xxx","xxx"],"mode":"on","size":3}}"#);
    assert_eq!(trial(&webhook(), &served, &namespaces[..1]), Err("no namespace is there that it looks at".to_owned()));
}

#[test]
fn webhooks_that_cannot_be_tried_say_why() {
    let with = |key: &str, value: Json| {
        let mut webhook = webhook();
        webhook[key] = value;
        subjects(&webhook).expect_err("it cannot be tried")
    };
    assert_eq!(with("failurePolicy", json!("Ignore")), "it may fail unnoticed (`failurePolicy: Ignore`)");
    assert_eq!(with("rules", json!([])), "nothing is known that it intercepts");
}

#[test]
fn an_answer_proves_a_webhook_only_when_it_was_asked() {
    let of = |kind: &str, status, message: &str| {
        let configuration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind});
        outcome(&configuration, "w.x.io", status, message)
    };
    let (mutating, validating) = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration");
    let refused = r#"Internal error occurred: failed calling webhook "w.x.io": failed to call webhook: Post "https://w.n.svc:443/m?timeout=10s": dial tcp 10.0.0.1:443: connect: connection refused"#;
    assert_eq!(
        of(mutating, 500, refused),
        (WebhookOutcome::Unreachable, "dial tcp 10.0.0.1:443: connect: connection refused".to_owned())
    );
    assert_eq!(of(mutating, 500, &refused.replace("w.x.io", "other")).0, WebhookOutcome::Impossible);
    assert_eq!(of(validating, 201, "").0, WebhookOutcome::Answered);
    assert_eq!(of(validating, 403, r#"admission webhook "w.x.io" denied the request: no"#).0, WebhookOutcome::Answered);
    assert_eq!(
        of(validating, 403, r#"admission webhook "other" denied the request: no"#).0,
        WebhookOutcome::Impossible
    );
    assert_eq!(of(validating, 422, "spec: Required value").0, WebhookOutcome::Impossible);
    assert_eq!(of(mutating, 422, "spec: Required value").0, WebhookOutcome::Answered);
    assert_eq!(of(validating, 403, "pods is forbidden").0, WebhookOutcome::Impossible);
}
