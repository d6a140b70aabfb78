//! Looking at what is planned, recorded, and done.

use kfplan_tests::{Cloud, Place, applied, empty};
use serde_json::{Value as Json, json};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SETTINGS: &str = "manifests.app/app/ConfigMap/settings";

fn json_of(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON on stdout, and nothing else")
}

#[test]
fn a_plan_is_text_markdown_or_json_and_one_id() {
    let place = empty();
    let text = place.run(&["plan", "--sandbox"]).exits(0);
    let id =
        text.out.rsplit_once("\nPlan ").and_then(|(_, end)| end.split_once(':')).expect("the plan's id").0.to_owned();
    let told = json_of(&place.run(&["plan", "--sandbox", "--format", "json"]).exits(0).out);
    assert_eq!(told["id"], id.as_str(), "the id is the same in every format");
    assert_eq!(told["plan"]["header"]["sandbox"], true);
    let markdown = place.run(&["plan", "--sandbox", "--format", "markdown"]).exits(0);
    let _ = markdown.says(&id).says("SANDBOX").says("create").says("aks_cluster.main");
}

#[test]
fn a_graph_is_that_of_the_plan() {
    let place = empty();
    let dot = place.run(&["graph", "--sandbox"]).exits(0).says("digraph").says("aks_cluster.main").says(SETTINGS).out;
    assert!(dot.lines().any(|line| line.contains("->")), "{dot}");
    let _ = place.run(&["plan", "--sandbox", "-o", "all.plan"]).exits(0);
    assert_eq!(place.run(&["graph", "all.plan"]).exits(0).out, dot, "a plan file has the same graph");
    let _ = place.run(&["graph", "--sandbox", "--format", "mermaid"]).exits(0).says("flowchart").says("-->");
}

#[test]
fn outputs_are_those_of_the_last_apply() {
    let place = applied(SCRATCH);
    assert_eq!(place.run(&["output", "--sandbox", "colour"]).exits(0).out, "green\n");
    let all = json_of(&place.run(&["output", "--sandbox", "--json"]).exits(0).out);
    assert!(all["server"].as_str().is_some_and(|server| server.starts_with("https://TinyCluster-")), "{all}");
    let _ = place.run(&["output", "--sandbox", "taste"]).exits(64).says("the outputs are: colour, server");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve", "--var", "colour=blue"]).exits(0);
    assert_eq!(place.run(&["output", "--sandbox", "colour"]).exits(0).out, "blue\n");
}

#[test]
fn past_runs_are_listed_and_shown() {
    let place = applied(SCRATCH);
    let _ = place.run(&["runs", "--sandbox"]).exits(0).says("  apply  by ").says("6 steps  exit 0");
    let last = place.run(&["runs", "show", "last", "--sandbox"]).exits(0);
    let _ = last.says(&format!("{SETTINGS}  started")).says(&format!("{SETTINGS}  done"));
    let _ = place.run(&["runs", "show", "never", "--sandbox"]).exits(1).says("kfplan::runs::none");
}

#[test]
fn what_is_recorded_can_be_shown() {
    let place = applied(SCRATCH);
    let _ = place.run(&["show", "--sandbox"]).exits(0).says("manifests.app  3 recorded").says("output colour");
    let overview = json_of(&place.run(&["show", "--sandbox", "--format", "json"]).exits(0).out);
    assert_eq!(overview["resources"].as_array().map(Vec::len), Some(4), "{overview}");
    let list = place.run(&["state", "list", "--sandbox"]).exits(0).out;
    assert_eq!(list.lines().count(), 6, "{list}");
    assert_eq!(place.run(&["state", "list", "manifests.", "--sandbox"]).exits(0).out.lines().count(), 3);
    let record = json_of(&place.run(&["state", "show", SETTINGS, "--sandbox"]).exits(0).out);
    assert_eq!(record["record"]["address"], SETTINGS);
    assert_eq!(record["sent"]["data"]["size"], "small", "{record}");
    let _ = place.run(&["state", "show", "manifests.app/app/ConfigMap/none", "--sandbox"]).exits(1).says("no_record");
    let _ = place.run(&["state", "show", "no address", "--sandbox"]).exits(1).says("kfplan::address");
}

#[test]
fn a_resource_that_is_renamed_with_state_mv_is_not_made_anew() {
    let place = applied(SCRATCH);
    let _ = place.run(&["state", "mv", "manifests.app", "manifests.web", "--sandbox"]).exits(0).says("moved 3 records");
    place.edit("kfplan.toml", "[manifests.app]", "[manifests.web]");
    let plan = place.run(&["plan", "--sandbox", "--format", "json"]).exits(0).out;
    assert!(!plan.contains("\"action\": \"create\"") && !plan.contains("\"action\": \"delete\""), "{plan}");
    let _ = place.run(&["state", "mv", "manifests.app", "manifests.other", "--sandbox"]).exits(1).says("no_record");
}

#[test]
fn a_resource_that_is_renamed_with_moved_is_not_made_anew() {
    let place = applied(SCRATCH);
    place.edit(
        "kfplan.toml",
        "[manifests.app]",
        "[[moved]]\nfrom = \"manifests.app\"\nto = \"manifests.web\"\n\n[manifests.web]",
    );
    let _ = place.run(&["plan", "--sandbox"]).exits(0).is_silent_on("to create").is_silent_on("to delete");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let _ = place.run(&["state", "list", "--sandbox"]).exits(0).says("manifests.web/app/ConfigMap/settings");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
}

#[test]
fn what_is_forgotten_with_state_rm_is_left_alone_and_is_ours_still() {
    let place = applied(SCRATCH);
    let _ = place.run(&["state", "rm", SETTINGS, "--sandbox"]).exits(0).says("forgot 1 record");
    let cloud = Cloud::serve(&place);
    assert!(cloud.cluster(&place).get("/api/v1/namespaces/app/configmaps/settings").is_some());
    // It carries this state's mark, so it is taken in again without a word.
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    assert_eq!(place.run(&["state", "list", "--sandbox"]).exits(0).out.lines().count(), 6);
}

#[test]
fn an_export_is_the_whole_state() {
    let place = applied(SCRATCH);
    let _ = place.run(&["state", "export", "state.jsonl", "--sandbox"]).exits(0).says("wrote state.jsonl");
    assert_eq!(place.read("state.jsonl"), place.run(&["state", "export", "--sandbox"]).exits(0).out);
    let _ = place.run(&["state", "import", "state.jsonl", "--sandbox"]).exits(1).says("store::not_empty");

    std::fs::remove_dir_all(place.path().join(".kfplan/state")).expect("a writable temporary folder");
    let _ = place.run(&["state", "list", "--sandbox"]).exits(1).says("kfplan::state::none");
    let _ = place.run(&["state", "import", "state.jsonl", "--sandbox"]).exits(0).says("imported 6 records");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do: 6 resources as wanted.");
    let _ = place.run(&["drift", "--sandbox"]).exits(0);

    place.edit("state.jsonl", "small", "large");
    std::fs::remove_dir_all(place.path().join(".kfplan/state")).expect("a writable temporary folder");
    let _ = place.run(&["state", "import", "state.jsonl", "--sandbox"]).exits(1).says("store::import");
}

#[test]
fn credentials_are_merged_into_a_kubeconfig_that_works() {
    let place = applied(SCRATCH);
    place.write(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters: []\ncontexts: []\nusers: []\n",
    );
    let merged = place.run(&["credentials", "--sandbox", "--file", "kubeconfig"]).exits(0);
    let _ = merged.says("merged context `TinyCluster`");
    let text = place.read("kubeconfig");
    assert!(text.contains("server: https://127.0.0.1:") && text.contains("name: TinyCluster"), "{text}");
    let cloud = Cloud::serve(&place);
    let namespaces = cloud.cluster(&place).get("/api/v1/namespaces/app").expect("the namespace");
    assert_eq!(namespaces["metadata"]["labels"]["kfplan.dev/stack"], json!("tiny"));
}

#[test]
fn an_environment_has_a_state_of_its_own() {
    let place = Place::copy_of("docs/examples/quickstart");
    let prod = place.run(&["plan", "--sandbox", "--env", "prod", "--format", "json"]);
    let _ = prod.says("\"environment\"");
    let _ = place.run(&["plan", "--sandbox", "--env", "nowhere"]).exits(1).says("unknown_environment");
}
