//! Kubeflow on real servers.

use kfplan_tests::{Place, RealCluster, shared};

/// The guide's KfDef with its patches, on a cluster that exists.
const GUIDE: &str = r#"[stack]
name = "kubeflow-1-2"

[repos.manifests]
url = "https://github.com/kubeflow/manifests/archive/v1.2.0.tar.gz"

[kubernetes_cluster.main]
kubeconfig = "KUBECONFIG"
context    = "kfplan-test"

[nvidia_device_plugin.main]
cluster       = "${kubernetes_cluster.main}"
tolerations   = ["sku=gpu:NoSchedule"]
node_selector = { "kubernetes.azure.com/accelerator" = "nvidia" }

[kubeflow.main]
cluster     = "${kubernetes_cluster.main}"
kfdef       = "@manifests/kfdef/kfctl_k8s_istio.v1.2.0.yaml"
aks_patches = ["dashboard-load-balancer", "mpi-operator", "admissions-enforcer", "containerd-executor", "image-pins"]
[kubeflow.main.dashboard]
expose        = "load_balancer"
source_ranges = ["203.0.113.0/24"]
"#;

#[test]
fn kubeflow_1_2_goes_onto_kubernetes_1_21_in_one_run_and_off_again() {
    let Some(archive) = shared("kubeflow/manifests-v1.2.0.tar.gz") else { return };
    let Some(cluster) = RealCluster::up("1.21") else { return };
    let api = cluster.api();
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let place = Place::copy_of("docs/examples/kubeflow-1.2");
    place.write("kfplan.toml", &GUIDE.replace("KUBECONFIG", &cluster.kubeconfig().to_string_lossy()));
    let repo = format!("manifests={}", archive.display());
    let run = |words: &[&str]| place.run(&[words, &["--repo", &repo]].concat());

    let _ = run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(api.marked("kubeflow-1-2").len(), 563, "objects of the stack");
    let _ = run(&["plan", "--exit-code"]).exits(0);
    let _ = run(&["drift"]).exits(0);

    let _ = run(&["destroy", "--auto-approve", "--delete-data"]).exits(0);
    assert!(api.marked("kubeflow-1-2").is_empty(), "objects of the stack are left");
    let left = api.get(definitions).expect("a list");
    assert_eq!(left["items"].as_array().map(Vec::len), Some(0), "{left}");
}
