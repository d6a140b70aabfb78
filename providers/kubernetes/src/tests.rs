//! Paths as the API server writes them.

use serde_json::json;

use crate::conflict::{conflicts, path};

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
