//! Compares renders of the Kubeflow 1.2 manifests with what kustomize 3.2.0 made of
//! them, as the project itself keeps it for its tests.
//!
//! The data are not part of this repository; the test takes them from the folder
//! that `KFPLAN_SHARED` names, or from beside the repository. Without them it says
//! that it is skipped, and fails where `CI=true`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what one runs it for")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kfplan_kustomize::{Dialect, Tree, render};
use kfplan_objects::yaml;
use serde_json::Value;

/// How many differences are printed before the test gives up.
const SHOWN: usize = 40;

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("KFPLAN_SHARED").map_or(beside, PathBuf::from);
    let data = shared.join("kubeflow");
    if data.join("golden/golden-v1.2.0.tar.gz").is_file() {
        return Some(data);
    }
    eprintln!("SKIPPED: no golden renders in `{}`; set KFPLAN_SHARED to compare with them", data.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the golden renders are needed where CI=true");
    None
}

/// The files of an archive, without its top folder.
fn unpack(archive: &Path) -> Tree {
    let file = File::open(archive).expect("the archive opens");
    let mut tree = Tree::new();
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().expect("it is an archive") {
        let mut entry = entry.expect("the entry can be read");
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().expect("the path is text").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("the entry can be read");
        let (_, path) = path.split_once('/').expect("there is a top folder");
        tree.insert(path, content);
    }
    tree
}

fn identity(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    [text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name")].join(" ")
}

/// Where two values differ, a line for each place.
fn differences(path: &str, found: Option<&Value>, golden: Option<&Value>, lines: &mut Vec<String>) {
    match (found, golden) {
        (Some(Value::Object(found)), Some(Value::Object(golden))) => {
            let keys: std::collections::BTreeSet<&String> = found.keys().chain(golden.keys()).collect();
            for key in keys {
                differences(&format!("{path}/{key}"), found.get(key), golden.get(key), lines);
            }
        }
        (Some(Value::Array(found)), Some(Value::Array(golden))) => {
            for place in 0..found.len().max(golden.len()) {
                differences(&format!("{path}/{place}"), found.get(place), golden.get(place), lines);
            }
        }
        (found, golden) if found == golden => {}
        (found, golden) => {
            let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            lines.push(format!("    {path}\n      found  {}\n      golden {}", show(found), show(golden)));
        }
    }
}

/// How one package compares: the number of equal objects, and the differences.
fn compare(tree: &Tree, package: &str, golden: &[Value]) -> (usize, Vec<String>) {
    let rendered = match render(tree, package, Dialect::V3_2) {
        Ok(rendered) => rendered,
        Err(errors) => return (0, vec![format!("  {errors}")]),
    };
    let index = |objects: &[Value]| -> BTreeMap<String, Value> {
        objects.iter().map(|object| (identity(object), object.clone())).collect()
    };
    let (found, wanted) = (index(&rendered.objects), index(golden));
    let mut lines = Vec::new();
    if rendered.objects.len() != golden.len() {
        lines.push(format!("  {} objects instead of {}", rendered.objects.len(), golden.len()));
    }
    let mut equal = 0;
    for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
        lines.push(format!("  {name}: not in the golden render"));
    }
    for (name, golden) in &wanted {
        match found.get(name) {
            None => lines.push(format!("  {name}: missing")),
            Some(found) if found == golden => equal += 1,
            Some(found) => {
                lines.push(format!("  {name}:"));
                differences("", Some(found), Some(golden), &mut lines);
            }
        }
    }
    (equal, lines)
}

#[test]
fn every_golden_package_is_rendered_as_kustomize_did() {
    let Some(data) = shared() else { return };
    let tree = unpack(&data.join("manifests-v1.2.0.tar.gz"));
    let golden = unpack(&data.join("golden/golden-v1.2.0.tar.gz"));
    let mut packages: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (path, content) in golden.iter() {
        let (package, _) = path.rsplit_once('/').expect("an object lies in its package");
        let text = std::str::from_utf8(content).expect("it is text");
        let objects = yaml::parse_documents(text, yaml::Dialect::Kustomize3).expect("it is YAML");
        packages.entry(package.to_owned()).or_default().extend(objects);
    }
    let total: usize = packages.values().map(Vec::len).sum();
    let (mut equal_packages, mut equal_objects, mut report) = (0, 0, Vec::new());
    for (package, objects) in &packages {
        let (equal, lines) = compare(&tree, package, objects);
        equal_objects += equal;
        if lines.is_empty() {
            equal_packages += 1;
        } else {
            report.push(package.clone());
            report.extend(lines);
        }
    }
    println!("{equal_packages} of {} packages and {equal_objects} of {total} objects are equal", packages.len());
    report.truncate(SHOWN);
    assert!(report.is_empty(), "{}", report.join("\n"));
    assert_eq!((packages.len(), total), (100, 4041), "the golden renders are not the ones this test was written for");
}
