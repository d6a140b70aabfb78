//! Both releases of Kubeflow go onto a cluster of their time. Needs the shared data.

use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

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

#[test]
fn kubeflow_26_03_goes_onto_1_34() {
    let Some(file) = shared("26.03-example.yaml.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file).expect("opens")).read_to_string(&mut text).expect("reads");
    let objects = documents(&text);
    assert_eq!(objects.len(), 675);
    let mut lab = Lab::ready("1.34.4");
    let started = std::time::Instant::now();
    let refused = install(&mut lab, objects.clone(), 6);
    assert_eq!(refused.last().map(Vec::as_slice), Some([].as_slice()), "{:#?}", refused.last());
    assert!(refused.first().is_some_and(|first| first.iter().any(|why| why.contains("no matches for kind"))));
    lab.wait(600);
    assert_eq!(unready(&mut lab), [""; 0]);
    let _ = started;
}
