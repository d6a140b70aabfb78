use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfplan_model::{Address, Late, Lifecycle, Path, Position, Resource, Timeouts, Value};
use kfplan_plan::{
    ClusterFacts, Digest, Expansion, Field, InputDigest, Kind, Problem, Rendered, RenderedObject, Scene, Shape,
};
use serde_json::{Value as Json, json};

use crate::kfdef::note;
use crate::kinds;

fn kind() -> Arc<dyn Kind> {
    kinds().pop().expect("there is one")
}

fn resource(fields: &Json) -> Resource {
    let Value::Map(mut fields) = Value::from(fields) else { panic!("a table") };
    fields.insert("cluster".to_owned(), Value::Handle("aks_cluster.main".parse().expect("an address")));
    Resource {
        address: "kubeflow.main".parse().expect("an address"),
        fields: Value::Map(fields),
        existing: false,
        depends_on: BTreeSet::new(),
        each: None,
        lifecycle: Lifecycle::default(),
        timeouts: Timeouts::default(),
        conflicts: Vec::new(),
        readiness: Vec::new(),
        at: Position { line: 20, column: 1 },
        positions: BTreeMap::from([(Path::keys(["patch", "1"]), Position { line: 30, column: 1 })]),
    }
}

fn expanded(resource: &Resource, rendered: Option<&Rendered>) -> Result<Expansion, Vec<Problem>> {
    let facts = ClusterFacts {
        cluster: "aks_cluster.main".parse().expect("an address"),
        version: Some("1.34".to_owned()),
        aks: Some(true),
        exists: false,
    };
    let scene = Scene {
        stack: "test",
        environment: "default",
        lineage: "l1",
        subscription: None,
        resources: &BTreeMap::new(),
        places: &BTreeMap::new(),
        cluster: Some(facts),
        rendered,
    };
    kind().expand(resource, &scene)
}

#[test]
fn it_asks_for_a_rendering_with_its_fields_and_the_facts_of_its_cluster() {
    let resource = resource(&json!({"kfdef": "@manifests/kfdef.yaml"}));
    let Ok(Expansion::Render(request)) = expanded(&resource, None) else { panic!("a request") };
    assert_eq!((&request.resource, &request.fields), (&resource.address, &resource.fields));
    assert_eq!(request.facts.and_then(|facts| facts.version), Some("1.34".to_owned()));
}

#[test]
fn what_was_rendered_becomes_a_node_each_with_its_application() {
    let rendered = Rendered {
        objects: vec![RenderedObject {
            application: Some("istio".to_owned()),
            body: Arc::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}})),
            holes: Vec::new(),
            sensitive: Vec::new(),
        }],
        notes: vec![note("kubeflow::test", "something was merged".to_owned())],
        inputs: vec![InputDigest { name: "@manifests".to_owned(), digest: Digest::of(b"") }],
        ..Rendered::default()
    };
    let resource = resource(&json!({"kfdef": "@manifests/kfdef.yaml"}));
    let Ok(Expansion::Nodes { drafts, notes, inputs }) = expanded(&resource, Some(&rendered)) else { panic!("nodes") };
    assert_eq!((notes, inputs), (rendered.notes, rendered.inputs));
    let drafts: Vec<_> = drafts.iter().map(|draft| (draft.address.to_string(), draft.application.clone())).collect();
    assert_eq!(drafts, [("kubeflow.main/-/Namespace/istio-system".to_owned(), Some("istio".to_owned()))]);
}

#[test]
fn own_patches_say_what_they_are_for_and_what_they_do() {
    let mut resource = resource(&json!({
        "kfdef": "@manifests/kfdef.yaml",
        "patch": [{"target": {"kind": "Service"}, "merge": {"spec": {}}}, {"target": {"kind": "Pod"}, "optional": true}],
    }));
    let Value::Map(fields) = &mut resource.fields else { panic!("a table") };
    let Some(Value::List(patches)) = fields.get_mut("patch") else { panic!("a list") };
    let late = Late { template: "${aks_cluster.main.fqdn}".into(), waits: BTreeSet::new() };
    let late_name = BTreeMap::from([("name".to_owned(), Value::Late(late.clone()))]);
    let late_leaf = BTreeMap::from([("data".to_owned(), Value::Late(late.clone()))]);
    patches.push(Value::Map(BTreeMap::from([
        ("target".to_owned(), Value::Map(late_name)),
        ("inside".to_owned(), Value::Late(late)),
        ("merge".to_owned(), Value::Map(late_leaf)),
    ])));
    let problems = expanded(&resource, None).expect_err("two patches are wrong");
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| {
            format!(
                "{}: {} at line {}: {problem}",
                problem.code,
                problem.field.clone().unwrap_or_default(),
                problem.at.line
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    kubeflow::empty_patch: /patch/1 at line 30: a patch of `kubeflow.main` changes nothing
    kubeflow::unknowable: /patch/2/target at line 20: `target` of a patch of `kubeflow.main` is `${aks_cluster.main.fqdn}`, which is known only after apply
    kubeflow::unknowable: /patch/2/inside at line 20: `inside` of a patch of `kubeflow.main` is `${aks_cluster.main.fqdn}`, which is known only after apply
    ");
}

/// The answer for Services, each its name, type and what stands in `status.loadBalancer.ingress`.
fn url(expose: &str, services: &[(&str, &str, Json)]) -> Option<Json> {
    let addresses: Vec<Address> = services
        .iter()
        .map(|(name, _, _)| format!("kubeflow.main/istio-system/Service/{name}").parse().expect("an address"))
        .collect();
    let bodies: Vec<Json> = services
        .iter()
        .map(|(_, kind, ingress)| json!({"spec": {"type": kind}, "status": {"loadBalancer": {"ingress": ingress}}}))
        .collect();
    let resource = resource(&json!({"dashboard": {"expose": expose}}));
    kind().outputs(&resource, &addresses.iter().zip(&bodies).collect()).remove("dashboard_url")
}

#[test]
fn the_dashboard_url_is_told_once_there_is_an_address() {
    let gateway = |kind, ingress| ("istio-ingressgateway", kind, ingress);
    let own = |ingress| ("kubeflowdashboard-lb", "LoadBalancer", ingress);
    let elsewhere = json!([{"ip": "10.0.0.9"}]);
    assert_eq!(
        url("load_balancer", &[own(json!([{"ip": "20.1.2.3"}])), gateway("LoadBalancer", elsewhere.clone())]),
        Some("http://20.1.2.3/".into())
    );
    assert_eq!(url("load_balancer", &[own(json!([])), gateway("LoadBalancer", elsewhere.clone())]), None);
    assert_eq!(url("load_balancer", &[own(Json::Null)]), None);
    assert_eq!(url("internal", &[own(json!([{"hostname": "kf.example.com"}]))]), Some("http://kf.example.com/".into()));
    assert_eq!(url("internal", &[own(json!([{"ip": "fd00::1"}]))]), Some("http://[fd00::1]/".into()));
    assert_eq!(url("none", &[gateway("LoadBalancer", elsewhere)]), Some("http://10.0.0.9/".into()));
    assert_eq!(url("none", &[gateway("ClusterIP", Json::Null)]), Some(Json::Null));
    assert_eq!(url("none", &[own(json!([{"ip": "20.1.2.3"}])), gateway("ClusterIP", Json::Null)]), Some(Json::Null));
    assert_eq!(url("none", &[]), None);
}

#[test]
fn every_field_that_decides_which_objects_exist_must_be_known_at_plan() {
    let kind = kind();
    let decides = |fields: &[Field]| -> String {
        let words: Vec<&str> = fields.iter().filter(|field| field.decides).map(|field| field.name).collect();
        words.join(" ")
    };
    let schema = kind.schema();
    assert_eq!(decides(&schema.fields), "cluster kfdef kustomization remove add aks_patches dashboard");
    let Some(Shape::List(patch)) = schema.fields.last().map(|field| &field.shape) else { panic!("a list of patches") };
    let Shape::Table(patch) = &**patch else { panic!("a table") };
    assert_eq!(decides(patch), "target inside remove optional");
}
