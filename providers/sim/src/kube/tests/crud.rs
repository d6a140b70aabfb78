//! Creating, reading, changing, deleting.

use serde_json::{Value, json};

use super::{Lab, config_map, deployment};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

#[test]
fn what_is_created_is_read_with_what_the_server_adds() {
    let mut lab = Lab::new("1.34.4");
    let made = lab.post(MAPS, config_map("one", json!({"a": "b"})));
    assert_eq!(made.status, 201);
    let read = lab.get(&format!("{MAPS}/one")).ok();
    assert_eq!(read, made.body);
    assert_eq!(
        (&read["kind"], &read["data"], &read["metadata"]["namespace"]),
        (&json!("ConfigMap"), &json!({"a": "b"}), &json!("default"))
    );
    for key in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(read["metadata"][key].is_string(), "{key}");
    }
    assert_eq!(
        read["metadata"]["managedFields"],
        json!([{"manager": "test", "operation": "Update", "apiVersion": "v1", "time": read["metadata"]["creationTimestamp"],
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:a": {}}}}])
    );
}

#[test]
fn a_deployment_gets_its_defaults_and_its_creator_owns_them() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let made = lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["status"], json!({}));
    assert_eq!(
        made["spec"],
        json!({
            "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                "containers": [{"name": "main", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                "securityContext": {}, "terminationGracePeriodSeconds": 30}},
        })
    );
    assert_eq!(
        lab.owned(&format!("{DEPLOYMENTS}/web"), "test")["f:spec"]["f:strategy"],
        json!({"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}})
    );
}

#[test]
fn refusals_have_the_bodies_of_the_real_server() {
    let mut lab = Lab::new("1.34.4");
    let missing = lab.get(&format!("{DEPLOYMENTS}/none"));
    assert_eq!(
        missing.body,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
            "message": "deployments.apps \"none\" not found", "details": {"name": "none", "group": "apps", "kind": "deployments"}})
    );
    let nowhere = lab.post("/api/v1/namespaces/nowhere/configmaps", config_map("a", json!({})));
    assert_eq!((nowhere.status, nowhere.message()), (404, "namespaces \"nowhere\" not found"));
    lab.post(MAPS, config_map("a", json!({}))).ok();
    let twice = lab.post(MAPS, config_map("a", json!({})));
    assert_eq!((twice.status, twice.message()), (409, "configmaps \"a\" already exists"));
    let kind = lab.get("/apis/apps/v1/namespaces/default/gadgets");
    assert_eq!((kind.status, kind.message()), (404, "the server could not find the requested resource"));
    let name = lab.post(MAPS, config_map("Bad_Name", json!({})));
    assert_eq!(name.status, 422);
    assert!(name.message().starts_with("ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain"), "{}", name.message());
}

#[test]
fn unknown_fields_are_dropped_warned_of_or_refused() {
    let mut lab = Lab::new("1.34.4");
    let mut odd = config_map("odd", json!({"a": "b"}));
    odd["bogus"] = json!(1);
    let warned = lab.post(&format!("{MAPS}?dryRun=All"), odd.clone());
    assert_eq!(warned.status, 201);
    assert!(
        warned.headers.contains(&("warning".into(), "299 - \"unknown field \\\"bogus\\\"\"".into())),
        "{:?}",
        warned.headers
    );
    let refused = lab.post(&format!("{MAPS}?fieldValidation=Strict"), odd);
    assert_eq!(
        (refused.status, refused.message()),
        (
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"bogus\""
        )
    );
    let twice = lab.raw(
        "POST",
        &format!("{MAPS}?fieldValidation=Strict"),
        &[("content-type", "application/json")],
        br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"x":"1","x":"2"}}"#,
    );
    assert!(
        twice.value()["message"].as_str().is_some_and(|message| message.contains("duplicate field \"data.x\"")),
        "{}",
        twice.value()
    );
}

#[test]
fn a_dry_run_shows_the_result_and_keeps_nothing() {
    let mut lab = Lab::new("1.34.4");
    let shown = lab.post(&format!("{MAPS}?dryRun=All"), config_map("ghost", json!({"a": "b"})));
    assert_eq!(shown.status, 201);
    assert!(shown.body["metadata"].get("resourceVersion").is_none() && shown.body["metadata"]["uid"].is_string());
    assert_eq!(lab.get(&format!("{MAPS}/ghost")).status, 404);
}

#[test]
fn an_update_needs_the_latest_version_where_it_names_one() {
    let mut lab = Lab::new("1.34.4");
    let mut first = lab.post(MAPS, config_map("a", json!({"x": "1"}))).ok();
    let stale = first.clone();
    first["data"]["x"] = json!("2");
    let second = lab.put(&format!("{MAPS}/a"), first).ok();
    assert_ne!(second["metadata"]["resourceVersion"], stale["metadata"]["resourceVersion"]);
    let refused = lab.put(&format!("{MAPS}/a"), stale);
    assert_eq!(
        (refused.status, refused.message()),
        (
            409,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
        )
    );
}

#[test]
fn nothing_changed_means_the_same_resource_version() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let made = lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    lab.wait(5);
    let same = lab.put(&format!("{DEPLOYMENTS}/web"), made.clone()).ok();
    assert_eq!(same, made);
    let patched = lab.merge(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"replicas": 1}})).ok();
    assert_eq!(patched["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

#[test]
fn the_generation_counts_changes_of_the_spec_and_not_of_the_status() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    let labelled = lab.merge(&format!("{DEPLOYMENTS}/web"), json!({"metadata": {"labels": {"a": "b"}}})).ok();
    assert_eq!(labelled["metadata"]["generation"], 1);
    let scaled =
        lab.merge(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"replicas": 3}, "status": {"replicas": 9}})).ok();
    assert_eq!((&scaled["metadata"]["generation"], &scaled["status"]), (&json!(2), &json!({})));
    let status = lab
        .merge(&format!("{DEPLOYMENTS}/web/status"), json!({"spec": {"replicas": 7}, "status": {"replicas": 2}}))
        .ok();
    assert_eq!(
        (&status["metadata"]["generation"], &status["spec"]["replicas"], &status["status"]["replicas"]),
        (&json!(2), &json!(3), &json!(2))
    );
}

#[test]
fn what_is_immutable_is_refused_by_path() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    let patch = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": {"app": "other"}}}}});
    let refused = lab.merge(&format!("{DEPLOYMENTS}/web"), patch);
    assert_eq!(
        (refused.status, refused.message()),
        (
            422,
            "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"other\"}}: field is immutable"
        )
    );
    assert_eq!(refused.body["details"]["causes"][0]["field"], "spec.selector");
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}});
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    lab.post(path, binding).ok();
    let refused = lab.merge(&format!("{path}/b"), json!({"roleRef": {"name": "edit"}}));
    assert!(refused.message().ends_with("cannot change roleRef"), "{}", refused.message());
}

#[test]
fn a_service_gets_an_address_that_it_keeps() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let path = "/api/v1/namespaces/default/services";
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let made = lab.post(path, service).ok();
    let address = made["spec"]["clusterIP"].clone();
    assert!(address.as_str().is_some_and(|address| address.starts_with("10.0.")), "{address}");
    assert_eq!(made["spec"]["ports"], json!([{"port": 80, "protocol": "TCP", "targetPort": 80}]));
    let changed = lab.merge(&format!("{path}/web"), json!({"spec": {"type": "LoadBalancer", "clusterIP": null}})).ok();
    assert_eq!(changed["spec"]["clusterIP"], address);
    assert!(changed["spec"]["ports"][0]["nodePort"].as_u64().is_some_and(|port| (30_000..=32_767).contains(&port)));
    let refused = lab.merge(&format!("{path}/web"), json!({"spec": {"clusterIP": "10.0.9.9"}}));
    assert_eq!(refused.status, 422);
    assert!(refused.message().contains("may not change once set"), "{}", refused.message());
}

#[test]
fn plain_text_of_a_secret_becomes_its_data() {
    let mut lab = Lab::new("1.34.4");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hello"}});
    let made = lab.post("/api/v1/namespaces/default/secrets", secret).ok();
    assert_eq!(
        (&made["data"], &made["type"], made.get("stringData")),
        (&json!({"a": "aGVsbG8="}), &json!("Opaque"), None)
    );
}

#[test]
fn every_type_of_patch_does_what_it_says() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let path = format!("{DEPLOYMENTS}/web");
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    let strategic = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox:1"}]}}}});
    let patched = lab.send("PATCH", &path, "application/strategic-merge-patch+json", &strategic).ok();
    let names = |object: &Value| -> Vec<String> {
        object["spec"]["template"]["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&patched), ["side", "main"]);
    let merged = lab.merge(&path, strategic).ok();
    assert_eq!(names(&merged), ["side"]);
    let removed = json!([{"op": "remove", "path": "/spec/template/spec/containers/0/image"}, {"op": "add", "path": "/spec/template/spec/containers/0/image", "value": "busybox:2"}]);
    let patched = lab.send("PATCH", &path, "application/json-patch+json", &removed).ok();
    assert_eq!(patched["spec"]["template"]["spec"]["containers"][0]["image"], "busybox:2");
    let failed = lab.send(
        "PATCH",
        &path,
        "application/json-patch+json",
        &json!([{"op": "test", "path": "/spec/replicas", "value": 9}]),
    );
    assert_eq!(failed.status, 422);
    let unknown = lab.send("PATCH", &path, "text/plain", &json!({}));
    assert_eq!(unknown.status, 415);
}

#[test]
fn a_delete_keeps_to_its_preconditions_and_to_finalizers() {
    let mut lab = Lab::new("1.34.4");
    let path = format!("{MAPS}/a");
    let mut map = config_map("a", json!({}));
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let made = lab.post(MAPS, map).ok();
    let wrong = lab.send("DELETE", &path, "application/json", &json!({"preconditions": {"uid": "other"}}));
    assert_eq!(wrong.status, 409);
    let expected = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (other) does not match the UID in record ({}). The object might have been deleted and then recreated",
        made["metadata"]["uid"].as_str().unwrap_or_default()
    );
    assert_eq!(wrong.message(), expected);
    let ending = lab.delete(&path).ok();
    assert!(ending["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(lab.get(&path).status, 200);
    let refused = lab.merge(&path, json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}));
    assert_eq!(refused.status, 422);
    lab.merge(&path, json!({"metadata": {"finalizers": null}})).ok();
    assert_eq!(lab.get(&path).status, 404);
    lab.post(MAPS, config_map("b", json!({}))).ok();
    let gone = lab.delete(&format!("{MAPS}/b")).ok();
    assert_eq!(
        (&gone["kind"], &gone["status"], &gone["details"]["name"]),
        (&json!("Status"), &json!("Success"), &json!("b"))
    );
}

#[test]
fn the_scale_of_a_workload_is_read_and_written() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    let scale = lab.get(&format!("{DEPLOYMENTS}/web/scale")).ok();
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["selector"]), (&json!(1), &json!("app=web")));
    let scaled = lab.merge(&format!("{DEPLOYMENTS}/web/scale"), json!({"spec": {"replicas": 4}})).ok();
    assert_eq!(scaled["spec"]["replicas"], 4);
    assert_eq!(lab.get(&format!("{DEPLOYMENTS}/web")).ok()["spec"]["replicas"], 4);
}

#[test]
fn who_has_no_good_token_is_refused_and_who_has_few_rights_is_told() {
    let mut lab = Lab::new("1.34.4");
    let none = lab.raw("GET", MAPS, &[("authorization", "Bearer wrong")], b"");
    assert_eq!((none.status, none.value()["message"].as_str()), (401, Some("Unauthorized")));
    lab.world.kube_mut().add_token("c1", "weak", "reader", &[]);
    let weak = lab.raw("GET", MAPS, &[("authorization", "Bearer weak")], b"");
    assert_eq!(
        weak.value()["message"],
        "configmaps is forbidden: User \"reader\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "maps"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "maps"},
        "roleRef": {"kind": "ClusterRole", "name": "maps"}, "subjects": [{"kind": "User", "name": "reader"}]});
    lab.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", role).ok();
    lab.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).ok();
    assert_eq!(lab.raw("GET", MAPS, &[("authorization", "Bearer weak")], b"").status, 200);
    assert_eq!(lab.raw("DELETE", MAPS, &[("authorization", "Bearer weak")], b"").status, 403);
}

#[test]
fn nobody_hands_out_rights_that_he_does_not_have() {
    let mut lab = Lab::new("1.34.4");
    lab.world.kube_mut().add_token("c1", "weak", "deployer", &[]);
    let rule = |resources: Value, verbs: Value| json!({"apiGroups": ["", "rbac.authorization.k8s.io"], "resources": resources, "verbs": verbs});
    let role = |name: &str, rules: Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    lab.post(
        roles,
        role(
            "deployer",
            json!([rule(json!(["configmaps"]), json!(["get"])), rule(json!(["clusterroles"]), json!(["create"]))]),
        ),
    )
    .ok();
    let binding = json!({"metadata": {"name": "deployer"}, "roleRef": {"kind": "ClusterRole", "name": "deployer"}, "subjects": [{"kind": "User", "name": "deployer"}]});
    lab.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).ok();
    let mut as_weak = |body: Value| {
        lab.raw(
            "POST",
            roles,
            &[("authorization", "Bearer weak"), ("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    };
    assert_eq!(
        as_weak(role("less", json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]))).status,
        201
    );
    let refused = as_weak(role("more", json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}])));
    assert_eq!(
        refused.value()["message"],
        "clusterroles.rbac.authorization.k8s.io \"more\" is forbidden: user \"deployer\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}"
    );
}

#[test]
fn requests_are_counted_by_verb_and_kind() {
    let mut lab = Lab::new("1.34.4");
    lab.get(MAPS);
    lab.get(MAPS);
    lab.get(DEPLOYMENTS);
    let counted = lab.world.kube().requests("c1");
    assert_eq!(counted.get(&("list".into(), "configmaps".into())), Some(&2));
    assert_eq!(counted.get(&("list".into(), "deployments.apps".into())), Some(&1));
}

#[test]
fn ports_that_a_service_keeps_are_not_handed_out_to_its_others() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let path = "/api/v1/namespaces/default/services";
    for number in 0..40 {
        let one = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{number}")}, "spec": {"type": "NodePort", "ports": [{"name": "a", "port": 82}]}});
        let made = lab.post(path, one.clone()).ok();
        let kept = made["spec"]["ports"][0].clone();
        let mut more = one;
        more["spec"]["ports"] = json!([{"name": "b", "port": 80}, {"name": "c", "port": 81}, kept]);
        let changed = lab.merge(&format!("{path}/s{number}"), json!({"spec": more["spec"]})).ok();
        assert_eq!(changed["spec"]["ports"][2], kept);
    }
}

#[test]
fn what_is_doubtful_in_a_pod_is_warned_of() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["containers"] = json!([
        {"name": "main", "image": "x", "ports": [{"containerPort": 80, "name": "http"}], "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        {"name": "side", "image": "x", "ports": [{"containerPort": 80}]},
    ]);
    let made = lab.post(DEPLOYMENTS, object);
    let warnings: Vec<&str> =
        made.headers.iter().filter(|(name, _)| name == "warning").map(|(_, value)| value.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "299 - \"spec.template.spec.containers[0].env[1]: hides previous definition of \\\"A\\\", which may be dropped when using apply\"",
            "299 - \"spec.template.spec.containers[1].ports[0]: duplicate port definition with spec.template.spec.containers[0].ports[0]\"",
        ]
    );
}

#[test]
fn an_update_makes_what_may_come_by_one() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []});
    let made = lab.send("PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/r", "application/json", &role);
    assert_eq!(made.status, 201);
    let map = lab.send("PUT", &format!("{MAPS}/none"), "application/json", &config_map("none", json!({})));
    assert_eq!(map.status, 404);
}
