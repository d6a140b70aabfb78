//! Paths as the API server writes them.

use serde_json::json;

use crate::conflict::{conflicts, path};
use crate::provider::comes_by_itself;

#[test]
fn a_conflict_names_manager_and_path() {
    let status = json!({"reason": "Conflict", "details": {"causes": [
        {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl-edit\" using apps/v1", "field": ".spec.template.spec.containers[name=\"main\"].ports[containerPort=80,protocol=\"TCP\"].name"},
        {"reason": "FieldManagerConflict", "message": "conflict with \"x\"", "field": ".data.config\\.yaml"},
        {"reason": "Other", "field": ".spec"},
    ]}});
    let found: Vec<String> = conflicts(&status).iter().map(|(manager, path)| format!("{manager} {path}")).collect();
    assert_eq!(
        found,
        [
            "kubectl-edit /spec/template/spec/containers[name=main]/ports[containerPort=80,protocol=TCP]/name",
            "x /data/config.yaml"
        ]
    );
}

#[test]
fn every_form_of_list_key_is_read() {
    assert_eq!(path(".metadata.finalizers[=\"a.b/c\"]").to_string(), "/metadata/finalizers[=a.b/c]");
    assert_eq!(path(".spec.rules[0].host").to_string(), "/spec/rules/0/host");
    assert_eq!(path(".spec[broken").to_string(), "/spec");
}

#[test]
fn what_kubernetes_makes_by_itself_is_nobodys_data() {
    let owned = json!({"metadata": {"name": "x", "ownerReferences": [{"kind": "ReplicaSet"}]}});
    assert!(comes_by_itself("Pod", &owned));
    assert!(!comes_by_itself("Pod", &json!({"metadata": {"name": "x"}})));
    assert!(comes_by_itself("ServiceAccount", &json!({"metadata": {"name": "default"}})));
    assert!(comes_by_itself("ConfigMap", &json!({"metadata": {"name": "kube-root-ca.crt"}})));
    assert!(!comes_by_itself("Secret", &json!({"metadata": {"name": "a"}, "type": "Opaque"})));
}
