//! What a word of the model is, shown by parsing and printing it.

use proptest::prelude::*;

use super::*;

fn printed<T: std::str::FromStr + ToString>(text: &str) -> String
where
    T::Err: ToString,
{
    text.parse::<T>().map_or_else(|error| error.to_string(), |word| word.to_string())
}

#[test]
fn an_address_prints_as_it_was_written() {
    for text in [
        "kubeflow.main",
        r#"aks_node_pool.gpu["t4"]"#,
        r#"aks_node_pool.gpu["a]/\"b"]"#,
        "kubeflow.main/istio-system/Deployment.apps/istiod",
        "kubeflow.main/-/ClusterRole.rbac.authorization.k8s.io/system:x",
        "kubeflow.main/kubeflow/Service/web",
        "manifests.a/-/CustomResourceDefinition.apiextensions.k8s.io/x.y.z#established",
        "aks_cluster.main#ready",
    ] {
        assert_eq!(printed::<Address>(text), text);
    }
}

#[test]
fn what_is_no_address_says_which_part_is_wrong() {
    insta::assert_snapshot!(
        ["", "kubeflow", "Kube.main", "a.b[t4]", "a.b[\"t4\"", "a.b/x/y", "a.b#", "a.namespace"].map(printed::<Address>).join("\n"),
        @r#"
    `` is not an address: expected `TYPE.NAME`
    `kubeflow` is not an address: expected `TYPE.NAME`
    `Kube.main` is not an address: type and name must match `^[a-z][a-z0-9_]*$` and be no CEL keyword
    `a.b[t4]` is not an address: the key must be a string in double quotes
    `a.b["t4"` is not an address: the key is not closed by `]`
    `a.b/x/y` is not an address: expected `NAMESPACE/KIND.GROUP/NAME`, with `-` as the namespace of what has none
    `a.b#` is not an address: the gate after `#` has no name
    `a.namespace` is not an address: type and name must match `^[a-z][a-z0-9_]*$` and be no CEL keyword
    "#
    );
}

#[test]
fn a_path_prints_as_it_was_written() {
    for text in [
        "",
        "/data/config.yaml",
        "/spec/containers[name=main]/image",
        "/spec/ports[port=80,protocol=TCP]/nodePort",
        r#"/metadata/finalizers[="foregroundDeletion,x"]"#,
        "/metadata/annotations/a.b~1c~0d~2e",
        r#"/x[name="80"]"#,
    ] {
        assert_eq!(printed::<Path>(text), text);
    }
}

#[test]
fn a_path_finds_its_value() {
    let pod = serde_json::json!({"spec": {"containers": [{"name": "a"}, {"name": "main", "image": "x"}]}});
    let path: Path = "/spec/containers[name=main]/image".parse().expect("a path");
    assert_eq!(path.get(&pod), Some(&"x".into()));
    let path: Path = "/spec/containers/0/name".parse().expect("a path");
    assert_eq!(path.get(&pod), Some(&"a".into()));
}

#[test]
fn a_stack_name_has_at_most_25_characters() {
    assert!(is_stack_name("kubeflow-test") && is_stack_name("a") && is_stack_name(&"a".repeat(25)));
    for bad in ["", "-a", "a-", "A", "a_b", &"a".repeat(26)] {
        assert!(!is_stack_name(bad), "{bad}");
    }
}

#[test]
fn a_sensitive_value_is_not_shown_by_debug() {
    let secret = Value::Map([("a".to_owned(), Value::from("hunter2"))].into()).into_sensitive();
    assert_eq!(format!("{secret:?}"), r#"{"a": (sensitive)}"#);
    assert!(secret.is_sensitive() && secret.is_known());
}

proptest! {
    /// Whatever keys a path has, what is printed is read back as the same path.
    #[test]
    fn every_path_is_read_back(keys in prop::collection::vec("[ -~]{0,8}", 0..4), name in "[ -~é]{0,8}", number in any::<i64>()) {
        let mut path = Path::keys(keys.iter().map(String::as_str));
        path.push(Segment::Item(vec![("name".into(), Scalar::Text(name.as_str().into())), ("port".into(), Scalar::Int(number))]));
        path.push(Segment::Element(Scalar::Text(name.as_str().into())));
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }

    /// No text makes the parsers panic.
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        let _ = text.parse::<Path>();
        let _ = text.parse::<Address>();
    }
}

#[test]
fn a_value_can_be_taken_out_at_its_path() {
    let mut document = serde_json::json!({"a": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"]});
    let mut take = |text: &str| text.parse::<Path>().expect("a path").remove(&mut document);
    assert_eq!(take("/a[name=x]/v"), Some(serde_json::json!(1)));
    assert_eq!(take("/a[name=y]"), Some(serde_json::json!({"name": "y"})));
    assert_eq!(take("/s[=p]"), Some(serde_json::json!("p")));
    assert_eq!(take("/s/7"), None);
    assert_eq!(take(""), None);
    assert_eq!(document, serde_json::json!({"a": [{"name": "x"}], "s": ["q"]}));
}
