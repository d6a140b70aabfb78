//! Secrets are neither printed nor stored.

use std::path::Path;

use kfplan_tests::{Cloud, Place, Ran, empty};
use serde_json::json;

/// Texts that may be nowhere but in the cluster: a variable's value, a Secret's, and their base64.
const CANARIES: [&str; 6] = [
    "CANARY-VARIABLE-1",
    "CANARY-SECRET-2",
    "CANARY-DATA-3",
    "Q0FOQVJZLVNFQ1JFVC0y",
    "Q0FOQVJZLURBVEEtMw==",
    "CANARY-LIVE-4",
];

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: key
  namespace: app
stringData:
  password: CANARY-SECRET-2
data:
  other: Q0FOQVJZLURBVEEtMw==
";

fn has_none(ran: &Ran) {
    for canary in CANARIES {
        assert!(!ran.out.contains(canary) && !ran.err.contains(canary), "`{canary}` is printed: {ran:?}");
    }
}

fn holds_none(path: &Path) {
    for entry in std::fs::read_dir(path).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            holds_none(&path);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a readable file");
        for canary in CANARIES {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "`{canary}` is in {}", path.display());
        }
    }
}

/// Everything that shows, as it is now.
fn look(place: &Place) {
    for format in ["text", "markdown", "json"] {
        has_none(&place.run(&["plan", "--sandbox", "--format", format, "--var", "token=CANARY-VARIABLE-1"]));
        has_none(&place.run(&["drift", "--sandbox", "--format", format]));
    }
    has_none(&place.run(&["plan", "--sandbox", "--full", "-o", "secret.plan", "--var", "token=CANARY-VARIABLE-1"]));
    for words in [
        &["show", "secret.plan", "--full"][..],
        &["show", "secret.plan", "--format", "json"],
        &["graph", "secret.plan"],
        &["show", "--sandbox"],
        &["output", "--sandbox"],
        &["output", "--sandbox", "--json"],
        &["runs", "show", "last", "--sandbox"],
        &["state", "show", "manifests.app/app/Secret/key", "--sandbox"],
        &["state", "export", "--sandbox"],
    ] {
        has_none(&place.run(words));
    }
}

#[test]
fn secrets_are_neither_printed_nor_stored() {
    let place = empty();
    place.edit(
        "kfplan.toml",
        "[outputs]",
        "[manifests.token]\ncluster = \"${aks_cluster.main}\"\ntemplate = true\nyaml = '''\n{apiVersion: v1, kind: ConfigMap, \
         metadata: {name: token, namespace: app}, data: {token: \"${vars.token}\"}}\n'''\n\n[outputs]\ntoken = \"${vars.token}\"",
    );
    place.write("k8s/secret.yaml", SECRET);
    look(&place);
    let apply =
        ["apply", "--sandbox", "--auto-approve", "--events", "events.ndjson", "--var", "token=CANARY-VARIABLE-1"];
    has_none(&place.run(&apply).exits(0));
    look(&place);

    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    let live = cluster.get("/api/v1/namespaces/app/secrets/key").expect("the Secret");
    assert_eq!(live["data"]["password"], "Q0FOQVJZLVNFQ1JFVC0y", "what is looked for is really there");
    let token = cluster.get("/api/v1/namespaces/app/configmaps/token").expect("the ConfigMap");
    assert_eq!(token["data"]["token"], "CANARY-VARIABLE-1", "what is looked for is really there");
    cluster.merge(
        "/api/v1/namespaces/app/secrets/key",
        "kubectl-edit",
        &json!({"stringData": {"password": "CANARY-LIVE-4"}}),
    );
    let drift = place.run(&["drift", "--sandbox"]).exits(2).says("manifests.app/app/Secret/key");
    has_none(&drift);
    look(&place);
    has_none(&place.run(&apply).exits(0));

    holds_none(&place.path().join(".kfplan/state"));
    for file in ["secret.plan", "events.ndjson"] {
        let text = place.read(file);
        assert!(CANARIES.iter().all(|canary| !text.contains(canary)), "{file}: {text}");
    }
}
