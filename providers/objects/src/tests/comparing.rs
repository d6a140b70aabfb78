use insta::assert_snapshot;
use kfplan_model::{Conflict, ConflictPolicy, Late, Target};
use kfplan_plan::{Desired, DryRunAnswer, Hole, Live, Rules, Shown};
use serde_json::{Value as Json, json};

use super::world::{World, desired, key, lines, object, ownership, path};
use crate::{ObjectRules, marks, noise};

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: kubeflow, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: web:1
        args: [a, b]
        ports: [{containerPort: 80}]
        env: [{name: A, value: '1'}, {name: B, value: '2'}]
        resources: {limits: {cpu: 1000m}}
        securityContext: {}
";

fn defaults(live: &mut Json) {
    let spec = &mut live["spec"]["template"]["spec"];
    spec["dnsPolicy"] = json!("ClusterFirst");
    spec["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
    spec["containers"][0]["ports"][0]["protocol"] = json!("TCP");
    spec["containers"][0]["imagePullPolicy"] = json!("IfNotPresent");
    live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
}

fn web() -> World {
    World::applied(DEPLOYMENT, defaults)
}

const MAIN: &str = "/spec/template/spec/containers[name=main]";

#[test]
fn what_was_just_applied_has_nothing_to_do() {
    assert_eq!(web().found(), "");
    assert_eq!(World::applied(DEPLOYMENT, |_| ()).found(), "");
}

#[test]
fn a_wanted_change_is_shown_with_the_old_live_value() {
    let world = web().wants(|body| {
        body["spec"]["replicas"] = json!(3);
        body["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["a"]);
        body["metadata"]["labels"]["new"] = json!("yes");
    });
    assert_snapshot!(world.found(), @r#"
    change /metadata/labels/new - -> "yes"
    change /spec/replicas 2 -> 3
    change /spec/template/spec/containers[name=main]/args ["a","b"] -> ["a"]
    "#);
}

#[test]
fn writing_the_servers_own_form_is_no_change() {
    let cpu =
        |body: &mut Json| body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
    assert_eq!(web().wants(cpu).found(), "");
}

#[test]
fn what_is_no_longer_wanted_is_removed_at_its_topmost_place() {
    let world = web().wants(|body| {
        body["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "1"}]);
        path("/spec/template/spec/containers[name=main]/resources").remove(body);
    });
    assert_snapshot!(world.found(), @r#"
    change /spec/template/spec/containers[name=main]/env[name=B] {"name":"B","value":"2"} -> -
    change /spec/template/spec/containers[name=main]/resources {"limits":{"cpu":"1"}} -> -
    "#);
}

#[test]
fn an_edit_by_somebody_is_drift_and_is_taken_back() {
    let world = web().updated("kubectl-edit", &format!("{MAIN}/image"), json!("web:2"));
    assert_snapshot!(world.found(), @r#"
    change /spec/template/spec/containers[name=main]/image "web:2" -> "web:1"
    drift /spec/template/spec/containers[name=main]/image "web:1" -> "web:2" by kubectl-edit Update 2026-11-24T11:00:01Z
    take /spec/template/spec/containers[name=main]/image
    note objects::taken_back: fields that were applied before are taken back from `kubectl-edit`
    "#);
}

#[test]
fn the_server_changing_back_what_it_had_made_of_a_value_is_drift() {
    let world = web().updated("x", &format!("{MAIN}/resources/limits/cpu"), json!("2"));
    assert_snapshot!(world.found(), @r#"
    change /spec/template/spec/containers[name=main]/resources/limits/cpu "2" -> "1000m"
    drift /spec/template/spec/containers[name=main]/resources/limits/cpu "1" -> "2" by x Update 2026-11-24T11:00:01Z
    take /spec/template/spec/containers[name=main]/resources/limits/cpu
    note objects::taken_back: fields that were applied before are taken back from `x`
    "#);
}

#[test]
fn a_removal_is_drift_that_nobody_signs() {
    let world = web().removed(&format!("{MAIN}/env[name=B]"));
    assert_snapshot!(world.found(), @r#"
    change /spec/template/spec/containers[name=main]/env[name=B]/name - -> "B"
    change /spec/template/spec/containers[name=main]/env[name=B]/value - -> "2"
    drift /spec/template/spec/containers[name=main]/env[name=B] {"name":"B","value":"2"} -> - by not recorded
    "#);
}

#[test]
fn what_went_is_told_as_the_server_had_kept_it() {
    let env = path(&format!("{MAIN}/env[name=A]/value"));
    let drops_it = |body: &mut Json| {
        let _ = env.remove(body);
        *path(&format!("{MAIN}/env[name=B]/value")).get_mut(body).expect("a value") = json!("two");
    };
    for (name, kept) in [("A", r#"{"name":"A"}"#), ("B", r#"{"name":"B","value":"two"}"#)] {
        let world = World::applied(DEPLOYMENT, drops_it).removed(&format!("{MAIN}/env[name={name}]"));
        let old: Vec<_> = world.drift().into_iter().map(|drift| drift.old).collect();
        assert_eq!(old, [Shown::Value(serde_json::from_str(kept).expect("JSON"))]);
    }
}

#[test]
fn another_order_of_our_items_is_drift() {
    let mut world = web();
    let env = path(&format!("{MAIN}/env")).get_mut(&mut world.live.body).and_then(Json::as_array_mut).expect("a list");
    env.reverse();
    assert_snapshot!(world.found(), @r#"
    change /spec/template/spec/containers[name=main]/env [{"name":"B"},{"name":"A"}] -> [{"name":"A"},{"name":"B"}]
    drift /spec/template/spec/containers[name=main]/env [{"name":"A"},{"name":"B"}] -> [{"name":"B"},{"name":"A"}] by not recorded
    "#);
}

#[test]
fn nobody_is_accused_of_another_order() {
    let mut world = web().updated("injector", &format!("{MAIN}/env[name=C]"), json!({"name": "C", "value": "3"}));
    let env = path(&format!("{MAIN}/env")).get_mut(&mut world.live.body).and_then(Json::as_array_mut).expect("a list");
    env.reverse();
    assert_eq!(world.drift().iter().map(|drift| drift.witness.clone()).collect::<Vec<_>>(), [None]);
}

/// The controller that puts the rules together leaves no trace where there are none left.
#[test]
fn an_aggregated_role_without_rules_is_no_drift() {
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: all\naggregationRule:\n  \
                clusterRoleSelectors: [{matchLabels: {a: b}}]\nrules: []\n";
    let mut world = World::applied(role, |_| ());
    world.gives("nobody", "Update", "", "/rules");
    let entries = world.live.body["metadata"]["managedFields"].as_array_mut().expect("entries");
    entries.retain(|entry| entry["manager"] != "nobody");
    assert_eq!(world.drift(), []);
    world.live.body["rules"] = json!([{"verbs": ["get"]}]);
    assert_eq!(world.drift().len(), 1);
}

#[test]
fn another_order_that_we_want_is_a_change() {
    let world = web().wants(|body| {
        let env = path(&format!("{MAIN}/env")).get_mut(body).and_then(Json::as_array_mut).expect("a list");
        env.reverse();
    });
    assert_snapshot!(world.found(), @r#"change /spec/template/spec/containers[name=main]/env [{"name":"A"},{"name":"B"}] -> [{"name":"B"},{"name":"A"}]"#);
}

#[test]
fn fields_that_are_not_ours_are_nobodys_drift() {
    let world = web()
        .updated("kubectl", "/metadata/annotations/note", json!("x"))
        .updated("kubectl", &format!("{MAIN}/env[name=C]"), json!({"name": "C", "value": "3"}))
        .updated("kubectl", &format!("{MAIN}/imagePullPolicy"), json!("Always"))
        .updated("kubectl", "/spec/template/spec/containers[name=side]", json!({"name": "side", "image": "s"}))
        .updated("kubectl", "/status", json!({"replicas": 2}));
    assert_eq!(world.found(), "");
}

#[test]
fn something_put_into_our_empty_map_is_not_ours() {
    let mut world = web();
    *path(&format!("{MAIN}/securityContext")).get_mut(&mut world.live.body).expect("a map") = json!({"runAsUser": 1});
    assert_eq!(world.found(), "");
}

/// The server drops an empty `data` and, with the first key of somebody else, our ownership of it.
#[test]
fn what_fills_a_map_that_we_sent_empty_is_not_ours() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: ns\ndata: {}\n";
    let drops_it = |body: &mut Json| {
        body.as_object_mut().expect("a body").remove("data");
    };
    for server in [Box::new(drops_it) as Box<dyn Fn(&mut Json)>, Box::new(|_: &mut Json| {})] {
        let mut world = World::applied(secret, server);
        world.gives("controller", "Update", "", "/data/tls.key");
        world.gives("controller", "Update", "", "/data");
        let entries = world.live.body["metadata"]["managedFields"].as_array_mut().expect("entries");
        entries.pop();
        world.live.body["data"] = json!({"tls.key": "a2V5"});
        assert_eq!(world.found(), "");
    }
}

#[test]
fn whoever_writes_our_empty_map_as_a_whole_has_replaced_it() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: policy\n  namespace: ns\nspec:\n  podSelector: {}\n";
    let world = World::applied(policy, |_| {}).updated("x", "/spec/podSelector", json!({"matchLabels": {"a": "b"}}));
    assert_snapshot!(world.found(), @r#"
    change /spec/podSelector {"matchLabels":{"a":"b"}} -> {}
    drift /spec/podSelector {} -> {"matchLabels":{"a":"b"}} by x Update 2026-11-24T11:00:01Z
    take /spec/podSelector
    note objects::taken_back: fields that were applied before are taken back from `x`
    "#);
}

#[test]
fn losing_ownership_with_the_same_value_is_drift() {
    let world = web().updated("other", "/spec/replicas", json!(2));
    assert_snapshot!(world.found(), @r"
    change /spec/replicas 2 -> 2
    drift /spec/replicas 2 -> 2 by other Update 2026-11-24T11:00:01Z
    ");
}

#[test]
fn losing_the_whole_entry_is_said_once() {
    let mut world = web();
    world.live.body["metadata"]["managedFields"] = json!([]);
    let found: Vec<String> = world.found().lines().filter(|line| line.starts_with("drift")).map(String::from).collect();
    assert_snapshot!(found.join("\n"), @r#"drift /metadata/managedFields "kfplan:kubeflow-test" -> - by not recorded"#);
    assert!(!world.comparison().changes.is_empty());
}

#[test]
fn an_object_made_again_under_a_new_uid_is_drift_of_the_whole() {
    let mut world = web();
    world.live.uid = Some("u-2".to_owned());
    assert_snapshot!(world.found(), @r#"drift  "u-1" -> "u-2" by kfplan:kubeflow-test Apply 2026-11-24T10:00:00Z"#);
    assert!(world.comparison().wants_dry_run);
}

#[test]
fn whoever_wrote_most_in_the_first_second_made_it() {
    let mut world = web();
    world.live.uid = Some("u-2".to_owned());
    world.live.body["metadata"]["managedFields"] = json!([
        {"manager": "controller", "operation": "Apply", "time": "2026-11-24T12:00:00Z", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        {"manager": "echo", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "hand", "operation": "Update", "time": "2026-11-24T12:00:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}, "f:selector": {}}}},
    ]);
    assert_snapshot!(world.found(), @r#"drift  "u-1" -> "u-2" by hand Update 2026-11-24T12:00:00Z"#);
}

#[test]
fn a_field_that_others_share_is_in_conflict_only_when_it_changes() {
    let world = web().shares("helm", "/spec/replicas");
    assert_eq!(world.found(), "");
    let world = world.wants(|body| body["spec"]["replicas"] = json!(5));
    assert_snapshot!(world.found(), @r"
    change /spec/replicas 2 -> 5
    take /spec/replicas
    note objects::taken_back: fields that were applied before are taken back from `helm`
    ");
}

#[test]
fn what_was_never_ours_is_a_conflict() {
    let world =
        web().updated("controller", "/spec/paused", json!(true)).wants(|body| body["spec"]["paused"] = json!(false));
    assert_snapshot!(world.found(), @r"
    change /spec/paused true -> false
    conflict /spec/paused controller Update 2026-11-24T11:00:01Z
    ");
}

fn rule(at: &str, policy: ConflictPolicy) -> Conflict {
    let target = Target { kind: Some("Deployment".to_owned()), ..Target::default() };
    Conflict { target, path: path(at), policy }
}

#[test]
fn a_policy_takes_yields_or_fails() {
    let mut world = web().updated("hand", "/spec/replicas", json!(7));
    world.conflicts = vec![rule("/spec", ConflictPolicy::Fail)];
    assert_snapshot!(lines(&world.comparison(), &[]), @r"
    change /spec/replicas 7 -> 2
    conflict /spec/replicas hand Update 2026-11-24T11:00:01Z
    ");
    world.conflicts.push(rule("/spec/replicas", ConflictPolicy::Yield));
    assert_snapshot!(lines(&world.comparison(), &[]), @r"
    change /spec/replicas 7 -> 7
    yield /spec/replicas
    ");
    world.conflicts.push(rule("/spec/replicas", ConflictPolicy::Take));
    assert_snapshot!(lines(&world.comparison(), &[]), @r"
    change /spec/replicas 7 -> 2
    take /spec/replicas
    note objects::taken_back: fields that were applied before are taken back from `hand`
    ");
    let other = Target { kind: Some("Service".to_owned()), ..Target::default() };
    world.conflicts = vec![Conflict { target: other, path: path("/spec"), policy: ConflictPolicy::Fail }];
    assert_eq!(world.comparison().conflicts, []);
}

/// The server has put defaults into a list that is a whole: an apply without force would be in conflict with its owner.
#[test]
fn taking_holds_for_values_that_are_only_alike() {
    let hook = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata:\n  name: v\n\
                webhooks:\n- name: v.example.com\n  rules:\n  - {apiGroups: [a], apiVersions: [v1], operations: [CREATE], resources: [things]}\n";
    let at = "/webhooks[name=v.example.com]/rules";
    let mut world = World::applied(hook, |_| ());
    let rules = json!([{"apiGroups": ["a"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"], "scope": "*"}]);
    world = world.updated("hand", at, rules);
    world.live.uid = Some("u-2".to_owned());
    assert_eq!(world.comparison().force, []);
    world.conflicts = vec![Conflict { target: Target::default(), path: path(""), policy: ConflictPolicy::Take }];
    assert_eq!(world.comparison().force, [path(at)]);
}

#[test]
fn a_yielded_field_is_settled_once_it_is_no_longer_sent() {
    let mut world = web().updated("hand", "/spec/replicas", json!(7));
    world.conflicts = vec![rule("/spec/replicas", ConflictPolicy::Yield)];
    let mut sent = world.desired.clone();
    for yielded in world.comparison().yielded {
        yielded.remove(&mut sent.body);
    }
    world.recorded = super::world::recorded(&sent, &world.live);
    assert_snapshot!(world.found(), @"yield /spec/replicas");
}

#[test]
fn ignored_paths_are_never_a_change() {
    let mut world = web().updated("hpa", "/spec/replicas", json!(9));
    world.ignore = vec![path("/spec/replicas")];
    let comparison = world.comparison();
    assert_eq!(comparison.changes, []);
    assert_eq!(comparison.yielded, [path("/spec/replicas")]);
}

#[test]
fn immutable_fields_replace() {
    let world = web().wants(|body| body["spec"]["selector"]["matchLabels"]["app"] = json!("w"));
    assert_snapshot!(world.found(), @r#"change /spec/selector {"matchLabels":{"app":"web"}} -> {"matchLabels":{"app":"w"}} replaces: the selector of a workload cannot be changed"#);
    assert_eq!(world.comparison().replace, ["the selector of a workload cannot be changed"]);
}

#[test]
fn a_late_leaf_is_a_change_that_says_so() {
    let late = Late { template: "${x.y.z}".into(), waits: ["x.y".parse().expect("an address")].into() };
    let mut world = web().wants(|body| body["spec"]["replicas"] = Json::Null);
    world.desired.holes = vec![Hole { path: path("/spec/replicas"), late }];
    assert_snapshot!(world.found(), @"change /spec/replicas 2 -> late ${x.y.z}");
}

#[test]
fn a_new_version_of_the_api_is_left_to_the_server() {
    let world = web().wants(|body| body["apiVersion"] = json!("apps/v2"));
    assert_snapshot!(world.found(), @r#"change /apiVersion "apps/v1" -> "apps/v2""#);
    assert!(world.comparison().wants_dry_run);
}

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: kubeflow}
data: {password: aHVudGVyMg==}
";

#[test]
fn secrets_are_compared_and_never_shown() {
    let world = World::applied(SECRET, |_| ());
    assert_eq!(world.found(), "");
    assert!(!format!("{:?}", world.recorded.sent).contains("aHVudGVyMg"));
    let world = world.updated("hand", "/data/password", json!("b3RoZXI="));
    let found = world.found();
    assert!(!found.contains("aHVudGVyMg") && !found.contains("b3RoZXI="), "{found}");
    assert_snapshot!(found, @r"
    change /data/password secret f5a76304 -> secret 80286061
    drift /data/password secret 80286061 -> secret f5a76304 by hand Update 2026-11-24T11:00:01Z
    take /data/password
    note objects::taken_back: fields that were applied before are taken back from `hand`
    ");
}

#[test]
fn a_secret_that_somebody_deletes_a_key_of_is_not_shown_either() {
    let found = World::applied(SECRET, |_| ()).removed("/data").found();
    assert!(!found.contains("aHVudGVyMg"), "{found}");
    assert!(found.contains("drift /data secret "), "{found}");
}

#[test]
fn string_data_is_found_again_in_data() {
    let text = SECRET.replace("data: {password: aHVudGVyMg==}", "stringData: {password: hunter2}");
    let mut world = World::applied(&text, |live| {
        let map = live.as_object_mut().expect("a map");
        map.remove("stringData");
        map.insert("data".to_owned(), json!({"password": "aHVudGVyMg=="}));
    });
    // The server notes what it made of `stringData` as `data`.
    let raw = world.live.body["metadata"]["managedFields"].to_string().replace("f:stringData", "f:data");
    world.live.body["metadata"]["managedFields"] = serde_json::from_str(&raw).expect("JSON");
    world.recorded = super::world::recorded(&world.desired, &world.live);
    assert_eq!(world.found(), "");
    let world = world.updated("hand", "/data/password", json!("b3RoZXI="));
    assert!(world.found().contains("drift /data/password secret 15fd9132"), "{}", world.found());
}

const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator}
webhooks:
- name: v.istio.io
  failurePolicy: Ignore
  namespaceSelector: {matchLabels: {a: b}}
  clientConfig: {caBundle: '', service: {name: istiod, namespace: istio-system}}
  rules: []
";

/// Every noise rule, with an object that it is about and what its writer writes.
fn noisy(id: &str) -> (World, World, &'static str) {
    let hook = |name: &str| WEBHOOK.replace("istio-validator", name);
    let crd = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: jobsets.jobset.x-k8s.io}
spec: {group: jobset.x-k8s.io, conversion: {webhook: {clientConfig: {caBundle: '', service: {name: s}}}}}
";
    let api = "
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.x}
spec: {caBundle: '', group: x}
";
    let role = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: kubeflow-admin}
aggregationRule: {clusterRoleSelectors: []}
rules: [{verbs: [get]}]
";
    let bundle = "/webhooks[name=v.istio.io]/clientConfig/caBundle";
    let (text, writer, at, value) = match id {
        "admissions-enforcer" => {
            let value = json!({"matchExpressions": [{"key": "control-plane", "operator": "DoesNotExist"}]});
            (hook("any"), "admissionsenforcer", "/webhooks[name=v.istio.io]/namespaceSelector", value)
        }
        "webhook-ca-bundle" => (hook("any"), "cainjector", bundle, json!("Q0E=")),
        "conversion-ca-bundle" => {
            (crd.to_owned(), "cainjector", "/spec/conversion/webhook/clientConfig/caBundle", json!("Q0E="))
        }
        "api-service-ca-bundle" => (api.to_owned(), "cainjector", "/spec/caBundle", json!("Q0E=")),
        "autoscaled-replicas" => (DEPLOYMENT.to_owned(), "kube-controller-manager", "/spec/replicas", json!(5)),
        "aggregated-cluster-role" => {
            (role.to_owned(), "clusterrole-aggregation-controller", "/rules", json!([{"verbs": ["*"]}]))
        }
        "istio-validation-policy" => {
            (hook("istio-validator"), "pilot-discovery", "/webhooks[name=v.istio.io]/failurePolicy", json!("Fail"))
        }
        "knative-webhook-rules" => (
            hook("webhook.serving.knative.dev"),
            "webhook",
            "/webhooks[name=v.istio.io]/rules",
            json!([{"operations": ["*"]}]),
        ),
        other => panic!("no test for the noise rule {other}"),
    };
    let subresource = if id == "autoscaled-replicas" { "scale" } else { "" };
    let mut by_writer = World::applied(&text, |_| ()).updated("nobody", at, value.clone());
    by_writer.gives(writer, "Update", subresource, at);
    let entries = by_writer.live.body["metadata"]["managedFields"].as_array_mut().expect("entries");
    entries.retain(|entry| entry["manager"] != "nobody");
    (by_writer, World::applied(&text, |_| ()).updated("somebody", at, value), at)
}

#[test]
fn every_noise_rule_is_needed_and_is_about_its_writer_only() {
    for rule in noise::RULES {
        let (by_writer, by_other, at) = noisy(rule.id);
        assert_eq!(by_writer.drift(), [], "{}", rule.id);
        let comparison = by_writer.comparison();
        assert_eq!(comparison.changes, [], "{}", rule.id);
        assert_eq!(comparison.yielded, [path(at)], "{}", rule.id);
        let is_for_anybody = rule.writer == noise::Writer::Anybody;
        assert_eq!(by_other.drift().is_empty(), is_for_anybody, "{}", rule.id);
    }
}

#[test]
fn a_yield_is_explained_when_there_is_something_to_do() {
    let (world, _, _) = noisy("admissions-enforcer");
    let world = world.wants(|body| body["webhooks"][0]["failurePolicy"] = json!("Fail"));
    assert_snapshot!(lines(&world.comparison(), &[]), @r#"
    change /webhooks[name=v.istio.io]/failurePolicy "Ignore" -> "Fail"
    yield /webhooks[name=v.istio.io]/namespaceSelector
    note objects::noise: a field is left to `admissionsenforcer`: AKS adds its own entries to the namespaceSelector of every webhook (rule `admissions-enforcer`)
    "#);
}

#[test]
fn without_a_record_the_server_decides_and_a_guess_is_shown() {
    let mut world = web();
    assert!(world.without_record().wants_dry_run);
    assert_eq!(world.without_record().changes, []);
    world = world.updated("hand", "/spec/replicas", json!(4));
    assert_snapshot!(lines(&world.without_record(), &[]), @r"
    change /spec/replicas 4 -> 2
    conflict /spec/replicas hand Update 2026-11-24T11:00:01Z
    ");
}

#[test]
fn adopting_takes_over_what_people_wrote_and_not_what_controllers_wrote() {
    let mut world = web().updated("kubectl-client-side-apply", "/spec/replicas", json!(4));
    world.live.body["metadata"]["labels"] = json!({"app": "web"});
    let comparison = world.without_record();
    assert_eq!(comparison.force, [path("/spec/replicas")]);
    let mut world = web().updated("some-controller", "/spec/replicas", json!(4));
    world.live.body["metadata"]["labels"] = json!({"app": "web"});
    assert_eq!(world.without_record().conflicts.len(), 1);
}

const EDITS: [fn(&mut kfplan_plan::Ownership); 3] =
    [|it| it.stack.push('x'), |it| it.environment.push('x'), |it| it.lineage.push('x')];

#[test]
fn marks_are_valid_and_tell_siblings_apart() {
    let mut body = object(DEPLOYMENT);
    let wanted = desired(&mut body);
    let live = Live { body: wanted.body.clone(), uid: None, version: None };
    assert!(ObjectRules.is_ours(&live, &ownership()));
    for edit in EDITS {
        let mut sibling = ownership();
        edit(&mut sibling);
        assert!(!ObjectRules.is_ours(&live, &sibling));
    }
    let long = "é".repeat(80);
    for text in ["prod", "a b", "_x_", "", long.as_str(), &"a".repeat(64)] {
        let value = marks::label_value(text);
        assert!(value.len() <= 63 && value.is_ascii(), "{value}");
        assert!(!value.starts_with(['-', '_', '.']) && !value.ends_with(['-', '_', '.']), "{value}");
    }
    assert_ne!(marks::label_value("a b"), marks::label_value("a-b"));
}

#[test]
fn a_preview_shows_what_the_server_would_do() {
    let world = web();
    let mut after = world.live.clone();
    after.body["spec"]["replicas"] = json!(3);
    after.body["metadata"]["generation"] = json!(2);
    after.body["spec"]["template"]["spec"]["dnsPolicy"] = json!("None");
    let fields = ObjectRules.preview(&world.live, &DryRunAnswer::Accepted(Box::new(after)), &world.desired, &key());
    let paths: Vec<String> = fields.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(paths, ["/spec/replicas", "/spec/template/spec/dnsPolicy"]);
}

#[test]
fn the_fingerprint_moves_with_what_matters_and_with_nothing_else() {
    let print = |world: &World| ObjectRules.fingerprint(Some(&world.desired), &world.live, &ownership(), &key());
    let before = print(&web());
    assert_eq!(before, print(&web().updated("kubelet", "/status", json!({"replicas": 1}))));
    assert_eq!(before, print(&web().updated("x", "/metadata/annotations/other", json!("1"))));
    assert_ne!(before, print(&web().updated("x", "/spec/replicas", json!(3))));
    assert_ne!(before, print(&web().updated("x", "/spec/replicas", json!(2))));
    assert_ne!(before, print(&web().shares("x", "/spec/replicas")));
    let world = web().updated("x", "/spec/replicas", json!(3));
    assert_eq!(world.comparison().fields, print(&world));
}

#[test]
fn a_patch_is_part_of_somebody_elses_object() {
    let text = "
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system, annotations: {patch.kfplan.dev/dns: ''}}
data: {x: 'y'}
";
    let mut body = object(text);
    let wanted: Desired = desired(&mut body);
    assert!(ObjectRules.is_part(&wanted));
    assert_eq!(marks::manager_for(&wanted.body, &ownership()), "kfplan:kubeflow-test/patch.dns");
    assert_eq!(wanted.body["metadata"].get("labels"), None);
    assert_eq!(wanted.body["metadata"]["annotations"]["patch.kfplan.dev/dns"], "kubeflow-test/default/l1");
    let live = Live { body: wanted.body.clone(), uid: None, version: None };
    assert!(ObjectRules.release(&super::world::recorded(&wanted, &live)).is_some());
    assert!(ObjectRules.release(&web().recorded).is_none());
}

#[test]
fn a_crd_may_not_drop_a_version_that_objects_are_stored_in() {
    let text = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: mpijobs.kubeflow.org}
spec: {group: kubeflow.org, versions: [{name: v1, served: true}, {name: v2, served: true}]}
";
    let world = World::applied(text, |live| live["status"] = json!({"storedVersions": ["v1", "v2"]}));
    let world = world.wants(|body| body["spec"]["versions"] = json!([{"name": "v2", "served": true}]));
    let notes = world.comparison().notes;
    assert_eq!(notes.iter().map(|it| it.severity).collect::<Vec<_>>(), [kfplan_plan::Severity::Blocks]);
    assert!(notes[0].message.contains("drops version `v1`"), "{}", notes[0].message);
}
