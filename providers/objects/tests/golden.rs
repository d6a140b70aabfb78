//! Orders the objects of both Kubeflow releases that the facts describe, and looks for the edges they name.
//!
//! The data are not part of this repository; the tests take them from the folder that `KFPLAN_SHARED` names, or from
//! beside the repository. Without them they say that they are skipped, and fail where `CI=true`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what one runs it for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::read::GzDecoder;
use kfplan_graph::Dag;
use kfplan_kustomize::{Dialect, Tree, render};
use kfplan_model::Address;
use kfplan_objects::identity::{Scopes, place};
use kfplan_objects::{ObjectRules, yaml};
use kfplan_plan::{
    ClusterFacts, Desired, EdgeKind, Locator, Note, ObjectLocator, ObjectView, OrderGate, Ordering, Rules, Severity,
};
use serde_json::Value as Json;

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("KFPLAN_SHARED").map_or(beside, PathBuf::from).join("kubeflow");
    if data.join("golden").is_dir() {
        return Some(data);
    }
    eprintln!("SKIPPED: no manifests in `{}`; set KFPLAN_SHARED to order them", data.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the manifests are needed where CI=true");
    None
}

/// The 675 objects of 26.03.
fn today(data: &Path) -> Vec<Json> {
    let mut text = String::new();
    let file = File::open(data.join("golden/26.03-example.yaml.gz")).expect("the render opens");
    GzDecoder::new(file).read_to_string(&mut text).expect("it is text");
    yaml::parse_documents(&text, yaml::Dialect::Kustomize5).expect("it is YAML")
}

/// The objects of the guide's KfDef, in its order; of objects that several applications state the first.
fn guide(data: &Path) -> Vec<Json> {
    let file = File::open(data.join("manifests-v1.2.0.tar.gz")).expect("the archive opens");
    let mut tree = Tree::new();
    let mut kfdef = String::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().expect("it is an archive") {
        let mut entry = entry.expect("an entry");
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("content");
        let (_, path) = path.split_once('/').expect("a top folder");
        if path == "kfdef/kfctl_k8s_istio.v1.2.0.yaml" {
            kfdef = String::from_utf8(content.clone()).expect("text");
        }
        tree.insert(path, content);
    }
    let kfdef = yaml::parse_documents(&kfdef, yaml::Dialect::Kustomize3).expect("YAML").remove(0);
    let mut seen = BTreeSet::new();
    let mut objects = Vec::new();
    for application in kfdef["spec"]["applications"].as_array().expect("applications") {
        let path = application["kustomizeConfig"]["repoRef"]["path"].as_str().expect("a path");
        let rendered = render(&tree, path, Dialect::V3_2).expect("it renders");
        for object in rendered.objects {
            let id = kfplan_objects::identity::stated_id(&object).to_string();
            if seen.insert(id) {
                objects.push(object);
            }
        }
    }
    objects
}

struct Ordered {
    locators: Vec<ObjectLocator>,
    ordering: Ordering,
}

fn locators(bodies: &[Json]) -> Vec<ObjectLocator> {
    let cluster = "kubernetes_cluster.main".parse().expect("an address");
    let scopes = Scopes::of(bodies);
    bodies.iter().map(|body| place(body, &cluster, &scopes, "default").expect("a place").locator).collect()
}

/// Runs `look` on the objects as the rules see them.
fn viewed<T>(bodies: &[Json], look: impl FnOnce(&[ObjectView<'_>]) -> T) -> T {
    let places: Vec<Locator> = locators(bodies).into_iter().map(Locator::Object).collect();
    let address: Address = "kubeflow.main".parse().expect("an address");
    let view = |(body, locator)| ObjectView { address: &address, locator, body, changing: true, going: false };
    let views: Vec<ObjectView<'_>> = bodies.iter().zip(&places).map(view).collect();
    look(&views)
}

fn to_come(version: &str) -> ClusterFacts {
    let cluster = "aks_cluster.main".parse().expect("an address");
    ClusterFacts { cluster, version: Some(version.to_owned()), aks: Some(true), exists: false }
}

/// What is said of objects, but for what only informs.
fn said(notes: &[Note]) -> Vec<String> {
    let matters = notes.iter().filter(|it| it.severity != Severity::Info);
    matters.map(|it| format!("{:?} {}: {}", it.severity, it.code, it.message)).collect()
}

fn checked(bodies: &[Json]) -> Vec<String> {
    let began = Instant::now();
    let found = viewed(bodies, |views| {
        let check = |view: &ObjectView<'_>| {
            let desired = Desired { body: view.body.clone(), ..Desired::default() };
            let notes = ObjectRules.check(&desired, view.locator, views);
            said(&notes).into_iter().map(|said| format!("{}: {said}", view.locator)).collect::<Vec<_>>()
        };
        views.iter().flat_map(check).collect()
    });
    println!("{} objects checked offline in {:?}", bodies.len(), began.elapsed());
    found
}

#[test]
fn nothing_is_wrong_with_what_a_real_server_takes() {
    let Some(data) = shared() else { return };
    assert_eq!(checked(&today(&data)), Vec::<String>::new());
    assert_eq!(checked(&guide(&data)), Vec::<String>::new());
}

#[test]
fn the_guide_on_a_cluster_of_today_is_named_kind_by_kind() {
    let Some(data) = shared() else { return };
    let bodies = guide(&data);
    let notes = viewed(&bodies, |views| ObjectRules.preflight(views, &to_come("1.34"), None));
    let blocking: Vec<&Note> = notes.iter().filter(|it| it.severity == Severity::Blocks).collect();
    for note in &blocking {
        println!("{}", note.message);
    }
    let summary = &blocking.first().expect("it is blocked").message;
    assert!(summary.contains("119 since 1.22, 13 since 1.25"), "{summary}");
    let floating: Vec<&Note> = notes.iter().filter(|it| it.code == "preflight::floating_image").collect();
    for note in &floating {
        println!("{}", note.message);
    }
    let notes = viewed(&bodies, |views| ObjectRules.preflight(views, &to_come("1.21"), None));
    assert!(notes.iter().all(|it| it.severity != Severity::Blocks), "{:?}", said(&notes));
}

#[test]
fn the_release_of_today_is_served_today() {
    let Some(data) = shared() else { return };
    let bodies = today(&data);
    let notes = viewed(&bodies, |views| ObjectRules.preflight(views, &to_come("1.34"), None));
    for said in said(&notes) {
        println!("{said}");
    }
    assert!(notes.iter().all(|it| it.severity != Severity::Blocks), "{:?}", said(&notes));
}

impl Ordered {
    fn of(bodies: &[Json]) -> Self {
        let cluster = "kubernetes_cluster.main".parse().expect("an address");
        let locators = locators(bodies);
        let places: Vec<Locator> = locators.iter().cloned().map(Locator::Object).collect();
        let address: Address = "kubeflow.main".parse().expect("an address");
        let views: Vec<ObjectView<'_>> = bodies
            .iter()
            .zip(&places)
            .map(|(body, locator)| ObjectView { address: &address, locator, body, changing: true, going: false })
            .collect();
        let facts = ClusterFacts { cluster, version: None, aks: None, exists: false };
        let began = Instant::now();
        let ordering = ObjectRules.order(&views, &facts);
        println!(
            "{} objects, {} edges, {} gates in {:?}",
            bodies.len(),
            ordering.edges.len(),
            ordering.gates.len(),
            began.elapsed()
        );
        Self { locators, ordering }
    }

    /// Objects first, then a node for each gate.
    fn dag(&self) -> Dag {
        let objects = self.locators.len();
        let mut edges: Vec<(usize, usize)> = self.ordering.edges.iter().map(|it| (it.from, it.to)).collect();
        for (place, gate) in self.ordering.gates.iter().enumerate() {
            let node = objects + place;
            edges.push((gate.on, node));
            edges.extend(gate.after.iter().map(|it| (*it, node)));
            edges.extend(gate.waiters.iter().map(|it| (node, *it)));
        }
        Dag::new(objects + self.ordering.gates.len(), edges).expect("no ring")
    }

    fn find(&self, kind: &str, name: &str) -> usize {
        let found = self.locators.iter().position(|it| it.kind == kind && it.name == name);
        found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    fn gate(&self, name: &str, kind: &str, on: &str) -> &OrderGate {
        let place = self.find(kind, on);
        let found = self.ordering.gates.iter().find(|it| it.name == name && it.on == place);
        found.unwrap_or_else(|| panic!("there is no gate {name} on {kind} {on}"))
    }

    fn waiting_kinds(&self, gate: &OrderGate) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for place in &gate.waiters {
            *kinds.entry(self.locators[*place].kind.clone()).or_insert(0) += 1;
        }
        kinds
    }

    fn workloads_in(&self, namespaces: &[&str]) -> Vec<usize> {
        let is = |it: &ObjectLocator| {
            matches!(it.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob")
                && it.namespace.as_deref().is_some_and(|it| namespaces.contains(&it))
        };
        (0..self.locators.len()).filter(|place| is(&self.locators[*place])).collect()
    }
}

fn counts(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

#[test]
fn the_gates_of_today_are_those_that_the_facts_name() {
    let Some(data) = shared() else { return };
    let bodies = today(&data);
    assert_eq!(bodies.len(), 675);
    let ordered = Ordered::of(&bodies);
    let dag = ordered.dag();
    let webhook = |kind: &str, on: &str| ordered.gate("webhook", kind, on);
    let kinds = |gate: &OrderGate| ordered.waiting_kinds(gate);
    const VALIDATING: &str = "ValidatingWebhookConfiguration";
    assert_eq!(
        kinds(webhook(VALIDATING, "cert-manager-webhook")),
        counts(&[("Certificate", 6), ("ClusterIssuer", 1), ("Issuer", 5)])
    );
    assert_eq!(
        kinds(webhook(VALIDATING, "clusterservingruntime.serving.kserve.io")),
        counts(&[("ClusterServingRuntime", 11)])
    );
    assert_eq!(kinds(webhook(VALIDATING, "validator.trainer.kubeflow.org")), counts(&[("ClusterTrainingRuntime", 6)]));
    assert_eq!(kinds(webhook(VALIDATING, "validation.webhook.serving.knative.dev")), counts(&[("Certificate", 1)]));
    let injector = webhook("MutatingWebhookConfiguration", "istio-sidecar-injector");
    let behind: Vec<&str> = injector.after.iter().map(|it| ordered.locators[*it].name.as_str()).collect();
    assert!(behind.contains(&"istiod"), "{behind:?}");
    // Every pod that gets a sidecar waits for the injector, and none of istiod's own.
    for place in ordered.workloads_in(&["kubeflow", "kubeflow-system", "knative-serving"]) {
        let template = kfplan_objects::pods::pod_template(&bodies[place]).expect("a template");
        let opted_out = template.pointer("/metadata/labels/sidecar.istio.io~1inject") == Some(&"false".into());
        assert_eq!(injector.waiters.contains(&place), !opted_out, "{}", ordered.locators[place].name);
    }
    for place in ordered.workloads_in(&["istio-system", "cert-manager"]) {
        let name = ordered.locators[place].name.as_str();
        assert!(
            !injector.waiters.contains(&place) || name == "istio-ingressgateway" || name == "cluster-local-gateway",
            "{name}"
        );
    }
    // A Certificate is in front of nobody who signs it.
    let issuer = ordered.find("Issuer", "admission-webhook-selfsigned-issuer");
    assert!(dag.descendants([ordered.find("Deployment", "cert-manager-webhook")]).contains(&issuer));
}

#[test]
fn every_custom_resource_of_today_waits_for_its_crd() {
    let Some(data) = shared() else { return };
    let bodies = today(&data);
    let ordered = Ordered::of(&bodies);
    let crds: BTreeMap<(String, String), usize> = (0..bodies.len())
        .filter(|place| ordered.locators[*place].kind == "CustomResourceDefinition")
        .map(|place| {
            let text = |pointer: &str| bodies[place].pointer(pointer).and_then(Json::as_str).expect("text").to_owned();
            ((text("/spec/group"), text("/spec/names/kind")), place)
        })
        .collect();
    assert_eq!(crds.len(), 74);
    let mut waiting = 0;
    for (place, locator) in ordered.locators.iter().enumerate() {
        let Some(crd) = crds.get(&(locator.group.clone(), locator.kind.clone())) else { continue };
        let gates = ordered.ordering.gates.iter().filter(|gate| gate.on == *crd && gate.waiters.contains(&place));
        assert_eq!(gates.count(), 1, "{}", locator.name);
        waiting += 1;
    }
    assert!(waiting > 80, "{waiting}");
    let contained = ordered.ordering.edges.iter().filter(|edge| edge.kind == EdgeKind::ContainedIn).count();
    assert!(contained > 250, "{contained}");
}

#[test]
fn the_guide_is_ordered_without_rings() {
    let Some(data) = shared() else { return };
    let bodies = guide(&data);
    // 565, of which 5 are stated twice.
    assert_eq!(bodies.len(), 560);
    let ordered = Ordered::of(&bodies);
    let dag = ordered.dag();
    // The webhook of cert-manager is an aggregated API, and the ClusterIssuer waits for it.
    let gate = ordered.gate("webhook", "ValidatingWebhookConfiguration", "cert-manager-webhook");
    let behind: Vec<&str> = gate.after.iter().map(|it| ordered.locators[*it].kind.as_str()).collect();
    assert!(behind.contains(&"APIService") && behind.contains(&"Deployment"), "{behind:?}");
    let kinds = ordered.waiting_kinds(gate);
    assert_eq!(kinds.get("ClusterIssuer"), Some(&1), "{kinds:?}");
    assert!(kinds.get("Certificate").is_some_and(|count| *count >= 2), "{kinds:?}");
    let injector = ordered.gate("webhook", "MutatingWebhookConfiguration", "istio-sidecar-injector");
    let held = ordered.workloads_in(&["kubeflow"]);
    assert!(held.iter().filter(|place| injector.waiters.contains(place)).count() * 10 > held.len() * 9);
    for name in ["istio-sidecar-injector", "istio-pilot", "istio-citadel"] {
        assert!(!injector.waiters.contains(&ordered.find("Deployment", name)), "{name}");
    }
    // Kinds whose CRD is in the same application.
    for kind in ["Application", "DestinationRule", "rule", "ServiceRole", "Image"] {
        let place = ordered.locators.iter().position(|it| it.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
        let held = ordered.ordering.gates.iter().any(|it| it.name == "established" && it.waiters.contains(&place));
        assert!(held, "{kind}");
    }
    assert!(dag.len() > bodies.len());
}
