use std::collections::BTreeMap;

use insta::assert_snapshot;
use kfplan_model::{Late, Lifecycle, Path, Position, Resource, ResourceAddress, Timeouts, Value};
use kfplan_plan::{Draft, Expansion, Locator, Note, Problem, Protection, Rendered, RenderedObject, Scene};
use serde_json::{Value as Json, json};

use super::world::path;
use crate::{drafts, kinds, yaml};

/// A resource of the stack file. Text of the form `${TYPE.NAME}` is a handle.
fn resource(address: &str, fields: &Json) -> Resource {
    Resource {
        address: address.parse().expect("an address"),
        fields: value(fields),
        existing: false,
        depends_on: Default::default(),
        each: None,
        lifecycle: Lifecycle::default(),
        timeouts: Timeouts::default(),
        conflicts: Vec::new(),
        readiness: Vec::new(),
        at: Position { line: 3, column: 1 },
        positions: BTreeMap::new(),
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::String(text) => match text.strip_prefix("${").and_then(|it| it.strip_suffix('}')) {
            Some(address) => Value::Handle(address.parse().expect("an address")),
            None => Value::from(text.as_str()),
        },
        Json::Array(list) => Value::List(list.iter().map(value).collect()),
        Json::Object(map) => Value::Map(map.iter().map(|(key, it)| (key.clone(), value(it))).collect()),
        other => Value::from(other),
    }
}

fn with_scene<T>(others: Vec<Resource>, rendered: Option<&Rendered>, run: impl FnOnce(&Scene<'_>) -> T) -> T {
    let resources: BTreeMap<ResourceAddress, Resource> =
        others.into_iter().map(|it| (it.address.clone(), it)).collect();
    run(&Scene {
        stack: "s",
        environment: "default",
        lineage: "l",
        subscription: None,
        resources: &resources,
        places: &BTreeMap::new(),
        cluster: None,
        rendered,
    })
}

fn expanded(resource: &Resource, others: Vec<Resource>) -> Result<Expansion, Vec<Problem>> {
    let kinds = kinds();
    let kind = kinds.iter().find(|kind| kind.schema().type_name == resource.address.type_name()).expect("a kind");
    with_scene(others, None, |scene| kind.expand(resource, scene))
}

fn nodes(resource: &Resource, others: Vec<Resource>) -> (Vec<Draft>, Vec<Note>) {
    match expanded(resource, others).expect("it expands") {
        Expansion::Nodes { drafts, notes, .. } => (drafts, notes),
        Expansion::Render(_) => panic!("nothing is to be rendered"),
    }
}

fn problems(resource: &Resource) -> String {
    let found = expanded(resource, Vec::new()).expect_err("it is wrong");
    let line = |it: &Problem| {
        let at = it.field.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {at}: {}", it.code, it.message)
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn rendered(text: &str) -> Rendered {
    let bodies = yaml::parse_documents(text, yaml::Dialect::Kustomize5).expect("YAML");
    let objects = bodies
        .into_iter()
        .map(|body| RenderedObject {
            application: Some("app".to_owned()),
            body: body.into(),
            holes: Vec::new(),
            sensitive: Vec::new(),
        })
        .collect();
    Rendered { objects, ..Rendered::default() }
}

fn drafted(text: &str) -> Result<(Vec<Draft>, Vec<Note>), Vec<Problem>> {
    let resource = resource("kubeflow.main", &json!({"cluster": "${aks_cluster.main}"}));
    with_scene(Vec::new(), None, |scene| drafts(&resource, &rendered(text), scene))
}

#[test]
fn objects_are_placed_and_said_where_they_were_written_wrong() {
    let (drafts, notes) = drafted("
{apiVersion: v1, kind: Namespace, metadata: {name: kubeflow}}
---
{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: self, namespace: kubeflow}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: bootstrap}}
---
{apiVersion: x.io/v1, kind: Thing, metadata: {name: t, namespace: kubeflow}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: kubeflow}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ys.x.io}, spec: {group: x.io, scope: Cluster, names: {kind: Y}}}
---
{apiVersion: x.io/v1, kind: Y, metadata: {name: y}}
").expect("they are right");
    let line = |it: &Draft| {
        let container = it.container.as_ref().map(ToString::to_string).unwrap_or_default();
        let guard = if it.protection == Protection::None { String::new() } else { format!(" {:?}", it.protection) };
        format!("{} in {container}{}{guard}", it.address, if it.gate { " awaited" } else { "" })
    };
    let lines: Vec<String> = drafts.iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r"
    kubeflow.main/-/Namespace/kubeflow in aks_cluster.main
    kubeflow.main/-/ClusterIssuer.cert-manager.io/self in aks_cluster.main awaited
    kubeflow.main/default/Deployment.apps/bootstrap in aks_cluster.main awaited
    kubeflow.main/kubeflow/Thing.x.io/t in aks_cluster.main awaited
    kubeflow.main/kubeflow/PersistentVolumeClaim/disk in kubeflow.main/-/Namespace/kubeflow UserData
    kubeflow.main/-/CustomResourceDefinition.apiextensions.k8s.io/ys.x.io in aks_cluster.main awaited
    kubeflow.main/-/Y.x.io/y in aks_cluster.main awaited
    ");
    let said: Vec<&str> = notes.iter().map(|it| it.message.as_str()).collect();
    assert_snapshot!(said.join("\n"), @r"
    objects of kind `ClusterIssuer.cert-manager.io` are cluster-scoped: the stated namespace `kubeflow` is left out
    it states no namespace and goes into `default`
    ");
}

#[test]
fn everything_that_is_wrong_with_objects_is_said() {
    let found = drafted(
        "
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}
---
{kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap}
---
{apiVersion: a/b/c, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: y.io/v1, kind: Unknown, metadata: {name: u}}
---
[1]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: 5}}
",
    )
    .expect_err("they are wrong");
    let said: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
    assert_snapshot!(said.join("\n"), @r"
    `kubeflow.main/x/ConfigMap/a` of `app` is stated twice, first of `app`
    ConfigMap `a` of `kubeflow.main` cannot be placed: it has no `apiVersion`
    ConfigMap `` of `kubeflow.main` cannot be placed: it has no `metadata.name`
    ConfigMap `a` of `kubeflow.main` cannot be placed: its apiVersion `a/b/c` is neither `VERSION` nor `GROUP/VERSION`
    Unknown `u` of `kubeflow.main` cannot be placed: nothing says whether `Unknown.y.io` lives in namespaces: no CRD of this plan declares it, and it is not built in
    object 7 of `kubeflow.main` cannot be placed: it is a list, not an object with `apiVersion`, `kind` and `metadata`
    ConfigMap `` of `kubeflow.main` cannot be placed: its `metadata.name` is no text
    ");
}

#[test]
fn bodies_are_sent_without_what_the_server_keeps_for_itself() {
    let (drafts, _) = drafted("
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: x, creationTimestamp: null, uid: u, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', a: b}}
stringData: {password: hunter2}
data: {other: eA==}
type: null
status: {x: y}
---
{apiVersion: x.io/v1, kind: Thing, metadata: {name: t, namespace: x, labels: null}, spec: {kept: null}, status: {gone: 1}}
").expect("they are right");
    let body = |place: usize| drafts[place].desired.as_ref().expect("a body");
    assert_snapshot!(body(0).body.to_string(), @r#"{"apiVersion":"v1","data":{"other":"eA==","password":"aHVudGVyMg=="},"kind":"Secret","metadata":{"annotations":{"a":"b"},"name":"s","namespace":"x"}}"#);
    assert_eq!(body(0).sensitive, [path("/data"), path("/stringData")]);
    assert_snapshot!(body(1).body.to_string(), @r#"{"apiVersion":"x.io/v1","kind":"Thing","metadata":{"name":"t","namespace":"x"},"spec":{"kept":null}}"#);
}

#[test]
fn a_late_leaf_is_not_taken_for_nothing() {
    let late = Late { template: "${a.b.c}".into(), waits: Default::default() };
    let hole = |at: &str| (path(at), late.clone());
    let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x"},
        "stringData": {"late": null, "known": "k"}, "data": {"gone": null}});
    let object = RenderedObject {
        application: None,
        body: body.into(),
        holes: vec![hole("/stringData/late"), hole("/data/nowhere")],
        sensitive: Vec::new(),
    };
    let rendered = Rendered { objects: vec![object], ..Rendered::default() };
    let resource = resource("manifests.m", &json!({"cluster": "${kubernetes_cluster.c}"}));
    let (drafts, _) = with_scene(Vec::new(), None, |scene| drafts(&resource, &rendered, scene)).expect("it is right");
    let desired = drafts[0].desired.as_ref().expect("a body");
    assert_eq!(desired.body["data"], json!({"known": "aw=="}));
    assert_eq!(desired.body["stringData"], json!({"late": null}));
    assert_eq!(desired.holes.iter().map(|it| it.path.clone()).collect::<Vec<Path>>(), [path("/stringData/late")]);
}

#[test]
fn manifests_are_rendered_unless_they_stand_in_the_stack_file() {
    let files = resource("manifests.m", &json!({"cluster": "${aks_cluster.c}", "files": ["k8s/*.yaml"]}));
    assert!(matches!(expanded(&files, Vec::new()), Ok(Expansion::Render(_))));
    let text = "kind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}";
    let inline = resource("manifests.m", &json!({"cluster": "${aks_cluster.c}", "yaml": text, "namespace": "y"}));
    let (drafts, _) = nodes(&inline, Vec::new());
    let addresses: Vec<String> = drafts.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(addresses, ["manifests.m/x/ConfigMap/a", "manifests.m/y/ConfigMap/b"]);
}

#[test]
fn sensitive_text_is_hidden_from_errors_and_all_of_its_objects_is_secret() {
    let mut secret = resource("manifests.m", &json!({"cluster": "${aks_cluster.c}"}));
    let mut set = |text: &str| {
        let Value::Map(fields) = &mut secret.fields else { panic!("fields") };
        fields.insert("yaml".to_owned(), Value::from(text).into_sensitive());
        secret.clone()
    };
    let broken = problems(&set("hunter2: [\n"));
    assert!(!broken.contains("hunter2"), "{broken}");
    let (drafts, _) =
        nodes(&set("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {k: v}}"), Vec::new());
    assert_eq!(drafts[0].desired.as_ref().expect("a body").sensitive, [path("/data")]);
}

#[test]
fn a_cluster_that_exists_is_read_by_its_oldest_namespace() {
    let cluster = resource("kubernetes_cluster.c", &json!({"kubeconfig": "k", "context": "kind"}));
    let (drafts, _) = nodes(&cluster, Vec::new());
    assert!(drafts[0].desired.is_none());
    assert!(
        matches!(&drafts[0].locator, Locator::Object(it) if it.name == "kube-system" && it.cluster == cluster.address)
    );
    assert_eq!(
        problems(&resource("kubernetes_cluster.c", &json!({"kubeconfig": "k"}))),
        "objects::no_context /context: `kubernetes_cluster.c` names no context"
    );
    assert!(expanded(&resource("kubernetes_cluster.c", &json!({"kubeconfig": "in-cluster"})), Vec::new()).is_ok());
}

#[test]
fn a_patch_states_its_fields_and_its_name() {
    let patch = resource(
        "patch.warn",
        &json!({
            "cluster": "${aks_cluster.c}",
            "target": {"kind": "Namespace", "name": "default"},
            "merge": {"metadata": {"labels": {"a": "b"}}},
        }),
    );
    let (drafts, _) = nodes(&patch, Vec::new());
    assert_eq!(drafts[0].address.to_string(), "patch.warn");
    assert_snapshot!(drafts[0].desired.as_ref().expect("a body").body.to_string(), @r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"patch.kfplan.dev/warn":""},"labels":{"a":"b"},"name":"default"}}"#);
}

#[test]
fn a_patch_says_all_that_is_wrong_with_it() {
    let patch = |target: Json, merge: Json| {
        problems(&resource("patch.p", &json!({"cluster": "${aks_cluster.c}", "target": target, "merge": merge})))
    };
    assert_snapshot!(patch(json!({"kind": "Thing"}), json!({})), @r"
    objects::target /target/name: the target of `patch.p` has no `name`
    objects::target /target/group: the target of `patch.p` has no `group`
    objects::patch_empty /merge: `patch.p` states no field
    ");
    assert_snapshot!(patch(json!({"kind": "Secret", "name": "s"}), json!({"kind": "X", "metadata": {"name": "y"}, "spec": {"a": [{"b": null}]}})), @r"
    objects::target /target/namespace: the target of `patch.p` has no `namespace`
    objects::patch_secret /target/kind: `patch.p` would patch a Secret
    objects::patch_identity /merge: `patch.p` states `kind`
    objects::patch_identity /merge: `patch.p` states `metadata.name`
    objects::patch_removes /merge: `patch.p` states nothing at `/spec/a/0/b`
    ");
    assert_snapshot!(patch(json!({"kind": "Namespace", "name": "n", "namespace": "n"}), json!({"a": 1})), @"objects::target /target/namespace: the target of `patch.p` has a namespace, and `Namespace` is cluster-scoped");
}

#[test]
fn the_device_plugin_tolerates_the_taints_of_its_pools() {
    let pool = |name: &str, fields: Json| {
        let mut fields = fields;
        fields["cluster"] = json!("${aks_cluster.main}");
        resource(&format!("aks_node_pool.{name}"), &fields)
    };
    let plugin =
        resource("nvidia_device_plugin.main", &json!({"pools": ["${aks_node_pool.gpu}", "${aks_node_pool.big}"]}));
    let pools = vec![
        pool("gpu", json!({"taints": ["sku=gpu:NoSchedule"]})),
        pool("big", json!({"name": "t4", "taints": ["sku=gpu:NoSchedule", "spot:NoExecute"]})),
    ];
    let (drafts, _) = nodes(&plugin, pools);
    let addresses: Vec<String> = drafts.iter().map(|it| it.address.to_string()).collect();
    assert_snapshot!(addresses.join("\n"), @r"
    nvidia_device_plugin.main/-/Namespace/gpu-resources
    nvidia_device_plugin.main/gpu-resources/DaemonSet.apps/nvidia-device-plugin-daemonset
    ");
    let body = &drafts[1].desired.as_ref().expect("a body").body;
    assert_snapshot!(body["spec"]["template"]["spec"]["tolerations"].to_string(), @r#"[{"effect":"NoSchedule","key":"nvidia.com/gpu","operator":"Exists"},{"effect":"NoSchedule","key":"sku","operator":"Equal","value":"gpu"},{"effect":"NoExecute","key":"spot","operator":"Exists"}]"#);
    assert_eq!(crate::devices::pools(body), ["gpu", "t4"]);
    assert_eq!(crate::devices::plugin_resource(body), Some("nvidia.com/gpu"));
    assert!(body.to_string().contains("kubernetes.azure.com/accelerator"));
}

#[test]
fn the_device_plugin_goes_onto_any_cluster() {
    let plugin = resource(
        "nvidia_device_plugin.main",
        &json!({
            "cluster": "${kubernetes_cluster.c}", "node_selector": {"gpu": "yes"}, "tolerations": ["x=y:NoSchedule"], "image": "mirror/nvidia/k8s-device-plugin:v1",
        }),
    );
    let (drafts, _) = nodes(&plugin, Vec::new());
    let spec = &drafts[1].desired.as_ref().expect("a body").body["spec"]["template"]["spec"];
    assert_eq!(spec["nodeSelector"], json!({"gpu": "yes"}));
    assert_eq!(spec["containers"][0]["image"], "mirror/nvidia/k8s-device-plugin:v1");
    let wrong =
        resource("nvidia_device_plugin.main", &json!({"pools": ["${aks_node_pool.none}"], "tolerations": ["x"]}));
    assert_snapshot!(problems(&wrong), @r"
    objects::no_pool /pools: `pools` of `nvidia_device_plugin.main` names something that is no pool of this stack
    objects::no_cluster /cluster: `cluster` of `nvidia_device_plugin.main` names no cluster
    objects::taint /tolerations: `x` of `nvidia_device_plugin.main` is no taint
    ");
}
