//! Volumes, addresses and GPUs come as from a cloud.

use kfplan_tests::RealCluster;
use serde_json::json;

use crate::objects::{deployment, deployments, service, until};

#[test]
fn a_claim_is_bound_once_a_pod_wants_it_and_its_volume_goes_with_it() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "500ms"]) else { return };
    let api = cluster.api();
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    api.create(claims, &claim);
    let mut database = deployment("database", 1);
    database["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    api.create(&deployments("default"), &database);
    let bound = until(api, &format!("{claims}/data"), "a bound claim", |claim| claim["status"]["phase"] == "Bound");
    let volume = format!("/api/v1/persistentvolumes/{}", bound["spec"]["volumeName"].as_str().unwrap_or_default());
    assert!(api.get(&volume).is_some());

    api.delete(&format!("{}/database", deployments("default")));
    api.delete(&format!("{claims}/data"));
    kfplan_tests::until("the end of the volume", || api.get(&volume).is_none().then_some(()));
}

#[test]
fn a_load_balancer_gets_an_address_and_lets_go_when_deleted() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "500ms"]) else { return };
    let api = cluster.api();
    let mut gateway = service("gateway");
    gateway["spec"]["type"] = json!("LoadBalancer");
    api.create("/api/v1/namespaces/default/services", &gateway);
    let path = "/api/v1/namespaces/default/services/gateway";
    until(api, path, "an address", |one| one["status"]["loadBalancer"]["ingress"][0]["ip"].is_string());
    api.delete(path);
    kfplan_tests::until("the end of the Service", || api.get(path).is_none().then_some(()));
}

#[test]
fn gpus_are_offered_where_the_device_plugin_runs() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "500ms", "--nodes", "2"]) else { return };
    let api = cluster.api();
    let nodes = "/api/v1/nodes";
    let gpu = format!("{nodes}/aks-gpu-10000000-vmss000001");
    let before = api.get(&gpu).expect("the GPU node");
    assert_eq!(before["spec"]["taints"][0]["key"], "sku", "{before}");
    assert!(before["status"]["allocatable"]["nvidia.com/gpu"].is_null());
    let daemons = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "plugin"},
        "spec": {
            "selector": {"matchLabels": {"app": "plugin"}},
            "template": {
                "metadata": {"labels": {"app": "plugin"}},
                "spec": {
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "main", "image": "nvcr.io/nvidia/k8s-device-plugin:v0.18.0"}],
                },
            },
        },
    });
    api.create("/apis/apps/v1/namespaces/default/daemonsets", &daemons);
    until(api, &gpu, "a GPU", |node| node["status"]["allocatable"]["nvidia.com/gpu"] == "1");
    let plain = api.get(&format!("{nodes}/aks-system-10000000-vmss000000")).expect("the other node");
    assert!(plain["status"]["allocatable"]["nvidia.com/gpu"].is_null(), "{plain}");
}
