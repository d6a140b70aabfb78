//! What a plan file promises.

use serde_json::json;

use super::*;

fn plan() -> Plan {
    Plan {
        header: Header {
            format: 1,
            kfplan: "0.1.0".to_owned(),
            stack: "kubeflow".to_owned(),
            environment: "default".to_owned(),
            sandbox: false,
            mode: Mode::Apply,
            lineage: "l".to_owned(),
            serial: 3,
            inputs: Vec::new(),
            tenant: None,
            subscription: None,
            clusters: [].into(),
            confirmed: [].into(),
            adopt: [].into(),
            selection: Vec::new(),
            options: Vec::new(),
        },
        groups: Vec::new(),
        steps: Vec::new(),
        edges: Vec::new(),
        kept: Vec::new(),
        drift: Vec::new(),
        notes: Vec::new(),
        outputs: [].into(),
    }
}

#[test]
fn a_plan_file_is_read_back() {
    let key = StackKey::from_bytes([7; 32]);
    assert_eq!(Plan::from_file(&plan().to_file(&key), &key).expect("its own file"), plan());
}

#[test]
fn an_edited_plan_file_is_refused() {
    let key = StackKey::from_bytes([7; 32]);
    let edited = plan().to_file(&key).replace("\"serial\":3", "\"serial\":4");
    assert!(matches!(Plan::from_file(&edited, &key), Err(PlanFileError::Forged)));
    let other = StackKey::from_bytes([8; 32]);
    assert!(matches!(Plan::from_file(&plan().to_file(&key), &other), Err(PlanFileError::Forged)));
}

#[test]
fn another_format_is_refused_by_name() {
    let key = StackKey::from_bytes([7; 32]);
    let newer = plan().to_file(&key).replace("{\"kfplan_plan\":1", "{\"kfplan_plan\":2");
    let error = Plan::from_file(&newer, &key).expect_err("a newer format");
    assert_eq!(error.to_string(), "it has format 2, and this kfplan reads format 1");
}

#[test]
fn a_sealed_body_does_not_hold_the_secret() {
    let key = StackKey::from_bytes([7; 32]);
    let body = json!({"kind": "Secret", "data": {"a": "aHVudGVyMg==", "b": null}});
    let sealed = key.seal(body.clone(), &["/data".parse().expect("a path")]);
    assert!(!sealed.body().to_string().contains("aHVudGVyMg"));
    assert_eq!(sealed, key.seal(body.clone(), &["/data".parse().expect("a path")]));
    assert_ne!(sealed, StackKey::from_bytes([8; 32]).seal(body, &["/data".parse().expect("a path")]));
}

#[test]
fn nothing_follows_the_end_of_a_step() {
    let done = EventKind::Done { remark: None };
    for ended in [Status::Done, Status::Failed, Status::Skipped, Status::Stale, Status::Interrupted] {
        assert_eq!(ended.after(&done), None);
        assert_eq!(ended.after(&EventKind::Started { action: None }), None);
    }
}

#[test]
fn a_field_that_the_server_keeps_as_null_is_not_one_that_it_dropped() {
    for value in [None, Some(json!(null)), Some(json!([]))] {
        let difference = Difference { path: "/rules".parse().expect("a path"), value };
        let text = serde_json::to_string(&difference).expect("JSON");
        assert_eq!(serde_json::from_str::<Difference>(&text).expect("its own text"), difference, "{text}");
    }
}
