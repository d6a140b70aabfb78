//! Kubeflow on real servers.

use std::collections::BTreeSet;

use kfplan_tests::{Cluster, Place, RealCluster, root, shared, until};
use serde_json::json;

use crate::audit::{Writes, writes};

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
    let Some(cluster) = RealCluster::up_with("1.21", &["--audit"]) else { return };
    let api = cluster.api();
    let before = at_first(api);
    let place = Place::copy_of("docs/examples/kubeflow-1.2");
    place.write("kfplan.toml", &GUIDE.replace("KUBECONFIG", &cluster.kubeconfig().to_string_lossy()));
    let repo = format!("manifests={}", archive.display());
    let run = |words: &[&str]| place.run(&[words, &["--repo", &repo]].concat());

    let _ = run(&["apply", "--auto-approve"]).exits(0);
    // Its webhooks take no dry run: canaries prove them, and are counted apart.
    let sent = writes(cluster.folder(), None);
    assert_eq!((sent.accepted, sent.refused.as_slice()), (563, [].as_slice()));
    assert!(sent.canaries > 0, "{sent:?}");
    assert_eq!(api.marked("kubeflow-1-2").len(), 563, "objects of the stack");
    let _ = run(&["plan", "--exit-code"]).exits(0);
    let _ = run(&["drift"]).exits(0);

    let _ = run(&["destroy", "--auto-approve", "--delete-data"]).exits(0);
    assert_eq!(left(&before, &api.everything()), [""; 0]);
}

/// All that is there once the controllers have furnished the namespaces of a new cluster.
fn at_first(api: &Cluster) -> BTreeSet<String> {
    let own = |there: &BTreeSet<String>, what: &str| there.iter().filter(|path| path.ends_with(what)).count();
    until("the furnishing of the first namespaces", || {
        let there = api.everything();
        let spaces = there.iter().filter(|path| path.starts_with("/api/v1/namespaces ")).count();
        let is_furnished = spaces > 3 && own(&there, "/kube-root-ca.crt") == spaces && own(&there, "/default") > spaces;
        is_furnished.then_some(there)
    })
}

/// What is there afterwards and was not before, and the other way round.
fn left<'a>(before: &'a BTreeSet<String>, after: &'a BTreeSet<String>) -> Vec<&'a str> {
    before.symmetric_difference(after).map(String::as_str).collect()
}

/// Kubeflow of today, on a cluster that exists.
const TODAY: &str = r#"[stack]
name = "kubeflow-26-03"

[repos.manifests]
url = "https://github.com/kubeflow/manifests/archive/refs/heads/release-26.03.tar.gz"

[kubernetes_cluster.main]
kubeconfig = "KUBECONFIG"
context    = "kfplan-test"

[kubeflow.main]
cluster       = "${kubernetes_cluster.main}"
kustomization = "@manifests/example"
aks_patches   = []
"#;

/// A kubeconfig of a service account that may what a ClusterRole of the examples allows, and nothing else.
fn account(cluster: &RealCluster, role: &str) -> String {
    let api = cluster.api();
    let text = std::fs::read_to_string(root().join(format!("docs/examples/rbac/{role}.yaml"))).expect("the example");
    api.apply(&format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/kfplan-{role}"), &text);
    api.create("/api/v1/namespaces/default/serviceaccounts", &json!({"metadata": {"name": role}}));
    api.create(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        &json!({"metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("kfplan-{role}")},
            "subjects": [{"kind": "ServiceAccount", "name": role, "namespace": "default"}]}),
    );
    let token = format!("/api/v1/namespaces/default/serviceaccounts/{role}/token");
    let request =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}});
    let (status, body) = api.ask("POST", &token, "application/json", Some(&request));
    assert!(status < 300, "{status} {body}");
    cluster.kubeconfig_of(body["status"]["token"].as_str().expect("a token"))
}

#[test]
fn kubeflow_26_03_goes_onto_kubernetes_1_34_in_one_run_by_an_account_that_may_no_more_than_it_must() {
    let files = [
        ("manifests", "kubeflow/manifests-26.03.tar.gz"),
        ("https://github.com/argoproj/argo-workflows?ref=v3.7.3", "kubeflow/remote/argo-workflows-v3.7.3.tar.gz"),
        (
            "https://github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/manifests.yaml",
            "kubeflow/remote/jobset-v0.10.1-manifests.yaml.gz",
        ),
    ];
    let mut repos = Vec::new();
    for (name, path) in files {
        let Some(file) = shared(path) else { return };
        repos.extend(["--repo".to_owned(), format!("{name}={}", file.display())]);
    }
    let Some(cluster) = RealCluster::up_with("1.34", &["--audit"]) else { return };
    let api = cluster.api();
    let (planner, applier) = (account(&cluster, "plan"), account(&cluster, "apply"));
    let before = at_first(api);
    let place = Place::new();
    place.write("kfplan.toml", &TODAY.replace("KUBECONFIG", "account.kubeconfig"));
    let run = |words: &[&str]| {
        let all: Vec<&str> = words.iter().copied().chain(repos.iter().map(String::as_str)).collect();
        place.run(&all)
    };

    place.write("account.kubeconfig", &applier);
    let _ = run(&["vendor"]).exits(0);
    let _ = run(&["apply", "--auto-approve"]).exits(0);
    let sent = writes(cluster.folder(), None);
    assert_eq!((sent.accepted, sent.refused.as_slice(), sent.canaries), (675, [].as_slice(), 0));
    assert_eq!(api.marked("kubeflow-26-03").len(), 675, "objects of the stack");

    place.write("account.kubeconfig", &planner);
    let _ = run(&["plan", "--exit-code"]).exits(0);
    let _ = run(&["drift"]).exits(0);
    assert_eq!(writes(cluster.folder(), Some(":plan")), Writes::default());

    place.write("account.kubeconfig", &applier);
    let _ = run(&["destroy", "--auto-approve", "--delete-data"]).exits(0);
    assert_eq!(left(&before, &api.everything()), [""; 0]);
}
