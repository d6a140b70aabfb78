//! Dependencies point one way, and each library has its owner.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value as Json;

/// Which of our crates each of our crates may use. The binary and the whole-system tests are the top.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("model", &[]),
    ("expression", &["model"]),
    ("graph", &["model", "expression"]),
    ("plan", &["model", "expression", "graph"]),
    ("config", &["model", "expression", "graph", "plan"]),
    ("planner", &["model", "expression", "graph", "plan"]),
    ("view", &["model", "expression", "graph", "plan"]),
    ("store", &["model", "expression", "graph", "plan"]),
    ("contract", &["model", "expression", "graph", "plan"]),
    ("executor", &["model", "expression", "graph", "plan", "contract"]),
    ("identity", &["model", "plan", "contract"]),
    ("azure", &["model", "expression", "plan", "contract", "identity"]),
    ("objects", &["model", "expression", "plan", "contract"]),
    ("kubernetes", &["model", "plan", "contract", "objects"]),
    ("kustomize", &["model", "plan", "objects"]),
    ("kubeflow", &["model", "plan", "objects", "kustomize"]),
    ("sources", &["model"]),
    ("sim", &["objects"]),
    (
        "session",
        &[
            "model",
            "expression",
            "graph",
            "plan",
            "config",
            "planner",
            "view",
            "store",
            "contract",
            "executor",
            "identity",
            "azure",
            "objects",
            "kubernetes",
            "kustomize",
            "kubeflow",
            "sources",
            "sim",
        ],
    ),
    ("", &["model", "plan", "view", "session"]),
    ("tests", &[]),
];

/// Libraries that live in the named crates and nowhere else. `""` is the binary.
const OWNERS: [(&str, &[&str]); 19] = [
    ("sled", &["store"]),
    ("lz4_flex", &["store"]),
    ("petgraph", &["graph"]),
    ("cel", &["expression"]),
    ("toml", &["config", "sources", "session"]),
    ("similar", &["view"]),
    ("clap", &[""]),
    ("mimalloc", &[""]),
    ("kube", &["kubernetes"]),
    ("k8s-openapi", &["kubernetes"]),
    ("azure_core", &["identity", "azure"]),
    ("azure_identity", &["identity"]),
    ("azure_mgmt_containerservice", &["azure"]),
    ("saphyr-parser", &["objects"]),
    ("flate2", &["sources"]),
    ("tar", &["sources"]),
    ("hyper", &["sim"]),
    ("hyper-rustls", &["kubernetes"]),
    ("rcgen", &["sim"]),
];

/// Crates that decide, and therefore cannot reach the network, a clock, or an executor.
const PURE: [&str; 10] =
    ["model", "expression", "graph", "plan", "config", "planner", "view", "objects", "kustomize", "kubeflow"];
const IMPURE: [&str; 7] = ["tokio", "reqwest", "hyper", "kube", "azure_core", "getrandom", "async-trait"];

/// The dependencies of each workspace member, `kfplan-` taken off; not those of its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(kfplan_tests::root())
        .output()
        .expect("cargo runs this test");
    let metadata: Json = serde_json::from_slice(&cargo.stdout).expect("cargo metadata prints JSON");
    let name = |value: &Json| {
        let name = value["name"].as_str().unwrap_or_default();
        name.strip_prefix("kfplan-").unwrap_or(name).to_owned()
    };
    metadata["packages"]
        .as_array()
        .expect("a workspace has packages")
        .iter()
        .map(|package| {
            let used = package["dependencies"].as_array().into_iter().flatten().filter(|used| used["kind"].is_null());
            let package_name = if package["name"] == "kfplan" { String::new() } else { name(package) };
            (package_name, used.map(name).collect())
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let found = dependencies();
    let ours: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let mut wrong = Vec::new();
    for (user, used) in &found {
        let Some(may) = allowed.get(user.as_str()) else {
            wrong.push(format!("`{user}` has no line in MAY_USE"));
            continue;
        };
        wrong.extend(
            used.iter()
                .filter(|used| ours.contains(used.as_str()) && !may.contains(&used.as_str()))
                .map(|used| format!("`{user}` uses `{used}`")),
        );
    }
    assert!(wrong.is_empty(), "dependencies that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn each_library_lives_with_its_owner() {
    let found = dependencies();
    let mut wrong = Vec::new();
    for (library, owners) in OWNERS {
        let users: Vec<&str> =
            found.iter().filter(|(_, used)| used.contains(library)).map(|(user, _)| user.as_str()).collect();
        if users.is_empty() {
            wrong.push(format!("`{library}` is used by nobody"));
        }
        wrong.extend(
            users
                .iter()
                .filter(|user| !owners.contains(user))
                .map(|user| format!("`{user}` uses `{library}`, which belongs to {owners:?}")),
        );
    }
    assert!(wrong.is_empty(), "libraries outside their owner:\n{}", wrong.join("\n"));
}

#[test]
fn what_decides_cannot_do() {
    let found = dependencies();
    let impure = |user: &str| {
        found
            .get(user)
            .into_iter()
            .flatten()
            .filter(|used| IMPURE.contains(&used.as_str()))
            .map(move |used| format!("`{user}` uses `{used}`"))
            .collect::<Vec<_>>()
    };
    let wrong: Vec<String> = PURE.into_iter().flat_map(impure).collect();
    assert!(wrong.is_empty(), "crates that must stay pure:\n{}", wrong.join("\n"));
}
