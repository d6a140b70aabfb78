//! Both releases of Kubeflow go onto a cluster of their time. Needs the shared data.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Lab;

/// Where the shared data is; none, said aloud, where it is missing and may be.
fn shared(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KFPLAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = folder.join("kubeflow/golden").join(file);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing; set KFPLAN_SHARED", path.display());
    // The harness shows this for a test that is skipped.
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing; set KFPLAN_SHARED", path.display());
    None
}

fn documents(text: &str) -> Vec<Value> {
    kfplan_objects::yaml::parse_documents(text, kfplan_objects::yaml::Dialect::Kustomize3).expect("readable")
}

/// Where an object goes.
fn path(object: &Value, plural: &str, namespaced: bool) -> String {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
    if namespaced {
        format!("{root}/namespaces/{namespace}/{plural}/{name}")
    } else {
        format!("{root}/{plural}/{name}")
    }
}

/// The plural and the scope of a kind, as the cluster tells them; none where it does not serve the kind.
fn find(lab: &mut Lab, object: &Value) -> Option<(String, bool)> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let list = lab.get(&root);
    let found = list.body["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["kind"] == object["kind"] && !one["name"].as_str().unwrap_or_default().contains('/'));
    found.map(|one| (one["name"].as_str().unwrap_or_default().to_owned(), one["namespaced"] == true))
}

/// Applies all objects again and again, with pauses, until all are taken. Gives what was refused in each round.
fn install(lab: &mut Lab, objects: Vec<Value>, rounds: usize) -> Vec<Vec<String>> {
    let mut waiting = objects;
    let mut refused = Vec::new();
    for _ in 0..rounds {
        let mut again = Vec::new();
        let mut why = Vec::new();
        for object in waiting {
            let name = format!(
                "{}/{}",
                object["kind"].as_str().unwrap_or_default(),
                object["metadata"]["name"].as_str().unwrap_or_default()
            );
            let Some((plural, namespaced)) = find(lab, &object) else {
                why.push(format!("{name}: no matches for kind"));
                again.push(object);
                continue;
            };
            let mut object = object;
            if !namespaced {
                object["metadata"].as_object_mut().map(|metadata| metadata.remove("namespace"));
            }
            let answer = lab.apply(&path(&object, &plural, namespaced), "kfplan:test", object.clone());
            if answer.status >= 300 {
                why.push(format!("{name}: {} {}", answer.status, answer.message()));
                again.push(object);
            }
        }
        refused.push(why);
        waiting = again;
        if waiting.is_empty() {
            break;
        }
        lab.wait(120);
    }
    refused
}

/// Deployments that are not available.
fn unready(lab: &mut Lab) -> Vec<String> {
    let all = lab.get("/apis/apps/v1/deployments").ok();
    let ready = |one: &Value| one["status"]["readyReplicas"] == one["spec"]["replicas"];
    all["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| !ready(one))
        .map(|one| one["metadata"]["name"].to_string())
        .collect()
}

/// Everything in a cluster, by path, without what moves by itself.
fn contents(lab: &mut Lab) -> BTreeSet<String> {
    let rows = lab.world.snapshot();
    let moving = ["/events", "coordination.k8s.io/leases"];
    let shown = rows.iter().filter_map(|row| row.0.strip_prefix("kube/c1/").map(|table| (table, &row.1)));
    shown
        .filter(|(table, _)| *table != "meta" && !moving.contains(table))
        .map(|(table, key)| format!("{table}/{key}"))
        .collect()
}

/// Deletes all objects, the last first, until the cluster has none of them.
fn remove(lab: &mut Lab, objects: &[Value]) {
    for object in objects.iter().rev() {
        if let Some((plural, namespaced)) = find(lab, object) {
            let path = path(object, &plural, namespaced);
            let answer = lab.delete(&path);
            assert!(answer.status < 300 || answer.status == 404, "{path} {} {}", answer.status, answer.message());
        }
    }
    lab.wait(600);
}

#[test]
fn kubeflow_26_03_goes_onto_1_34_and_off_again() {
    let Some(file) = shared("26.03-example.yaml.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file).expect("opens")).read_to_string(&mut text).expect("reads");
    let objects = documents(&text);
    assert_eq!(objects.len(), 675);
    let mut lab = Lab::ready("1.34.4");
    let before = contents(&mut lab);
    let refused = install(&mut lab, objects.clone(), 6);
    assert_eq!(refused.last().map(Vec::as_slice), Some([].as_slice()), "{:#?}", refused.last());
    assert!(refused.first().is_some_and(|first| first.iter().any(|why| why.contains("no matches for kind"))));
    lab.wait(600);
    assert_eq!(unready(&mut lab), [""; 0]);
    remove(&mut lab, &objects);
    let after = contents(&mut lab);
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(before.difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The packages of v1.2.0 that make up most of the guide's install, in its order.
const PACKAGES: [&str; 13] = [
    "tests/legacy_kustomizations/application-crds",
    "stacks/kubernetes/application/istio-1-3-1-stack",
    "stacks/kubernetes/application/cluster-local-gateway-1-3-1",
    "stacks/kubernetes/application/istio",
    "stacks/kubernetes/application/cert-manager-crds",
    "stacks/kubernetes/application/cert-manager-kube-system-resources",
    "tests/legacy_kustomizations/cert-manager",
    "stacks/kubernetes/application/add-anonymous-user-filter",
    "tests/legacy_kustomizations/metacontroller",
    "stacks/kubernetes/application/spark-operator",
    "stacks/kubernetes",
    "stacks/kubernetes/application/spartakus",
    "tests/legacy_kustomizations/knative-crds",
];

#[test]
fn kubeflow_1_2_goes_onto_1_21() {
    let Some(file) = shared("golden-v1.2.0.tar.gz") else { return };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(file).expect("opens")));
    let mut found: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let Some((package, _)) = path.strip_prefix("golden-v1.2.0/").and_then(|path| path.rsplit_once('/')) else {
            continue;
        };
        if PACKAGES.contains(&package) {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            found.entry(package.to_owned()).or_default().extend(documents(&text));
        }
    }
    let namespaces = ["kubeflow", "istio-system", "cert-manager", "knative-serving", "knative-eventing"];
    let mut objects: Vec<Value> = namespaces
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    objects.extend(PACKAGES.iter().flat_map(|package| found.remove(*package).unwrap_or_default()));
    assert!(objects.len() > 400, "{}", objects.len());
    let mut lab = Lab::ready("1.21.14");
    let refused = install(&mut lab, objects, 6);
    assert_eq!(refused.last().map(Vec::as_slice), Some([].as_slice()), "{:#?}", refused.last());
    lab.wait(600);
    assert_eq!(unready(&mut lab), [""; 0]);
}
