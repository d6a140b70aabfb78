//! What happens in a cluster by itself.

use serde_json::{Value, json};

use super::{Lab, deployment};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn count(lab: &mut Lab, path: &str) -> usize {
    lab.get(path).ok()["items"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_deployment_becomes_available_and_its_service_gets_endpoints() {
    let mut lab = Lab::ready("1.34.4");
    lab.post(DEPLOYMENTS, deployment("web", 2)).ok();
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    lab.post("/api/v1/namespaces/default/services", service).ok();
    lab.wait(1);
    let early = lab.get(&format!("{DEPLOYMENTS}/web")).ok();
    assert_eq!((&early["status"]["replicas"], early["status"].get("readyReplicas")), (&json!(2), None));
    lab.wait(30);
    let ready = lab.get(&format!("{DEPLOYMENTS}/web")).ok();
    assert_eq!(
        (
            &ready["status"]["readyReplicas"],
            &ready["status"]["availableReplicas"],
            &ready["status"]["observedGeneration"]
        ),
        (&json!(2), &json!(2), &json!(1))
    );
    let endpoints = lab.get("/api/v1/namespaces/default/endpoints/web").ok();
    assert_eq!(endpoints["subsets"][0]["addresses"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (
            count(&mut lab, "/apis/apps/v1/namespaces/default/replicasets"),
            count(&mut lab, "/api/v1/namespaces/default/pods")
        ),
        (1, 2)
    );
}

#[test]
fn a_new_template_rolls_and_a_delete_takes_the_pods_along() {
    let mut lab = Lab::ready("1.34.4");
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    lab.wait(30);
    lab.merge(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}))
        .ok();
    lab.wait(60);
    let rolled = lab.get(&format!("{DEPLOYMENTS}/web")).ok();
    assert_eq!(
        (&rolled["status"]["observedGeneration"], &rolled["status"]["updatedReplicas"], &rolled["status"]["replicas"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(count(&mut lab, "/api/v1/namespaces/default/pods"), 1);
    lab.delete(&format!("{DEPLOYMENTS}/web")).ok();
    lab.wait(60);
    assert_eq!(
        (
            count(&mut lab, "/apis/apps/v1/namespaces/default/replicasets"),
            count(&mut lab, "/api/v1/namespaces/default/pods")
        ),
        (0, 0)
    );
}

#[test]
fn a_daemon_set_runs_where_its_tolerations_let_it_and_shows_the_gpus() {
    let mut lab = Lab::ready("1.34.4");
    lab.add_pool("gpu", 1, 1, &["sku=gpu:NoSchedule"]);
    lab.wait(60);
    let plugin = |tolerations: Value| {
        json!({"metadata": {"name": "plugin"}, "spec": {"selector": {"matchLabels": {"app": "plugin"}}, "template": {
        "metadata": {"labels": {"app": "plugin"}}, "spec": {"nodeSelector": {"accelerator": "nvidia"}, "tolerations": tolerations,
            "containers": [{"name": "c", "image": "nvcr.io/nvidia/k8s-device-plugin:v0.17.0"}]}}}})
    };
    let path = "/apis/apps/v1/namespaces/kube-system/daemonsets";
    lab.post(path, plugin(json!([]))).ok();
    lab.wait(60);
    assert_eq!(lab.get(&format!("{path}/plugin")).ok()["status"]["desiredNumberScheduled"], 0);
    lab.merge(&format!("{path}/plugin"), json!({"spec": {"template": {"spec": {"tolerations": [{"key": "sku", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}]}}}})).ok();
    lab.wait(60);
    assert_eq!(lab.get(&format!("{path}/plugin")).ok()["status"]["numberReady"], 1);
    let nodes = lab.get("/api/v1/nodes?labelSelector=agentpool%3Dgpu").ok();
    assert_eq!(nodes["items"][0]["status"]["allocatable"]["nvidia.com/gpu"], "1");
}

#[test]
fn a_namespace_begins_with_an_account_and_ends_with_its_contents() {
    let mut lab = Lab::new("1.34.4");
    lab.post("/api/v1/namespaces", json!({"metadata": {"name": "one"}})).ok();
    lab.wait(1);
    assert_eq!(lab.get("/api/v1/namespaces/one/serviceaccounts/default").status, 200);
    let mut held = super::config_map("held", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    lab.post("/api/v1/namespaces/one/configmaps", held).ok();
    lab.delete("/api/v1/namespaces/one").ok();
    let refused = lab.post("/api/v1/namespaces/one/configmaps", super::config_map("late", json!({})));
    assert_eq!(
        (refused.status, refused.message()),
        (
            403,
            "configmaps \"late\" is forbidden: unable to create new content in namespace one because it is being terminated"
        )
    );
    assert_eq!(refused.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    lab.wait(5);
    let stuck = lab.get("/api/v1/namespaces/one").ok();
    let messages: Vec<&str> = stuck["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["message"].as_str())
        .collect();
    assert!(
        messages.contains(
            &"Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        ),
        "{messages:?}"
    );
    lab.merge("/api/v1/namespaces/one/configmaps/held", json!({"metadata": {"finalizers": null}})).ok();
    lab.wait(30);
    assert_eq!(lab.get("/api/v1/namespaces/one").status, 404);
}

#[test]
fn a_claim_waits_for_its_pod_and_goes_with_its_volume() {
    let mut lab = Lab::ready("1.34.4");
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let made = lab.post(claims, claim).ok();
    assert_eq!(made["spec"]["storageClassName"], "default");
    lab.wait(60);
    assert_eq!(lab.get(&format!("{claims}/data")).ok()["status"]["phase"], "Pending");
    let mut user = deployment("db", 1);
    user["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    lab.post(DEPLOYMENTS, user).ok();
    lab.wait(120);
    assert_eq!(lab.get(&format!("{claims}/data")).ok()["status"]["phase"], "Bound");
    assert_eq!(lab.get(&format!("{DEPLOYMENTS}/db")).ok()["status"]["readyReplicas"], 1);
    assert_eq!(count(&mut lab, "/api/v1/persistentvolumes"), 1);
    lab.delete(&format!("{claims}/data")).ok();
    lab.wait(10);
    assert!(
        lab.get(&format!("{claims}/data")).ok()["metadata"]["deletionTimestamp"].is_string(),
        "a pod still uses it"
    );
    lab.delete(&format!("{DEPLOYMENTS}/db")).ok();
    lab.wait(120);
    assert_eq!((lab.get(&format!("{claims}/data")).status, count(&mut lab, "/api/v1/persistentvolumes")), (404, 0));
}

#[test]
fn a_load_balancer_gets_an_address_and_is_let_go() {
    let mut lab = Lab::new("1.34.4");
    let path = "/api/v1/namespaces/default/services";
    lab.post(path, json!({"metadata": {"name": "lb"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})).ok();
    lab.wait(60);
    let service = lab.get(&format!("{path}/lb")).ok();
    assert!(service["status"]["loadBalancer"]["ingress"][0]["ip"].is_string(), "{service}");
    assert_eq!(service["metadata"]["finalizers"], json!(["service.kubernetes.io/load-balancer-cleanup"]));
    lab.delete(&format!("{path}/lb")).ok();
    lab.wait(60);
    assert_eq!(lab.get(&format!("{path}/lb")).status, 404);
}

#[test]
fn cluster_roles_are_aggregated_by_a_manager_of_their_own() {
    let mut lab = Lab::new("1.34.4");
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let whole = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}, "rules": []});
    lab.apply(&format!("{path}/whole"), "kfplan", whole.clone()).ok();
    let part = json!({"metadata": {"name": "part", "labels": {"to": "whole"}}, "rules": [{"apiGroups": ["a.b"], "resources": ["x"], "verbs": ["get"]}]});
    lab.post(path, part).ok();
    lab.wait(3);
    let seen = lab.get(&format!("{path}/whole")).ok();
    assert_eq!(seen["rules"][0]["resources"], json!(["x"]));
    assert_eq!(lab.owned(&format!("{path}/whole"), "clusterrole-aggregation-controller"), json!({"f:rules": {}}));
    let refused = lab.apply(&format!("{path}/whole"), "kfplan", whole);
    assert_eq!(
        refused.message(),
        "Apply failed with 1 conflict: conflict with \"clusterrole-aggregation-controller\": .rules"
    );
}

#[test]
fn an_autoscaler_lifts_its_target_to_the_least() {
    let mut lab = Lab::ready("1.34.4");
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    let scaler = json!({"metadata": {"name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    lab.post("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", scaler).ok();
    lab.wait(60);
    let web = lab.get(&format!("{DEPLOYMENTS}/web")).ok();
    assert_eq!(web["spec"]["replicas"], 2);
    let entry = web["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["subresource"] == "scale")
        .cloned();
    assert_eq!(entry.map(|entry| entry["fieldsV1"].clone()), Some(json!({"f:spec": {"f:replicas": {}}})));
}

#[test]
fn a_job_completes() {
    let mut lab = Lab::ready("1.34.4");
    let path = "/apis/batch/v1/namespaces/default/jobs";
    lab.post(path, json!({"metadata": {"name": "once"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1"}]}}}})).ok();
    lab.wait(60);
    let job = lab.get(&format!("{path}/once")).ok();
    assert_eq!((&job["status"]["succeeded"], &job["status"]["conditions"][0]["type"]), (&json!(1), &json!("Complete")));
}

#[test]
fn a_stateful_set_makes_its_pods_and_claims_in_order() {
    let mut lab = Lab::ready("1.34.4");
    let set = json!({"metadata": {"name": "db"}, "spec": {"serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": "mysql:8"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}});
    lab.post("/apis/apps/v1/namespaces/default/statefulsets", set).ok();
    lab.wait(120);
    assert_eq!(lab.get("/apis/apps/v1/namespaces/default/statefulsets/db").ok()["status"]["readyReplicas"], 2);
    assert_eq!(lab.get("/api/v1/namespaces/default/persistentvolumeclaims/data-db-1").ok()["status"]["phase"], "Bound");
    assert_eq!(lab.get("/api/v1/namespaces/default/pods/db-0").ok()["status"]["phase"], "Running");
}

#[test]
fn nothing_happens_where_everything_is_switched_off() {
    let mut lab = Lab::with("1.34.4", crate::Controllers::off());
    lab.post(DEPLOYMENTS, deployment("web", 1)).ok();
    lab.wait(1_000);
    assert_eq!(lab.get(&format!("{DEPLOYMENTS}/web")).ok()["status"], json!({}));
    assert_eq!(lab.world.next_wake(), None);
}
