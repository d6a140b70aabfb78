//! What a person reads of a plan.

use std::collections::BTreeMap;

use kfplan_model::{Address, Late};
use kfplan_plan::{
    Action, Change, Digest, Drift, Edge, EdgeKind, Event, EventKind, FieldChange, Gate, Group, Header, Kept, Locator,
    Mode, Note, ObjectLocator, Plan, Precondition, Probe, Protection, Severity, Shown, Step, Verified, Witness, Work,
};
use serde_json::json;

use super::*;

const PLAIN: TextOptions = TextOptions { paint: Paint::Plain, full: false };

fn address(text: &str) -> Address {
    text.parse().expect("a test address")
}

fn locator(address: &Address) -> Locator {
    let object = address.object_id();
    Locator::Object(ObjectLocator {
        cluster: "aks_cluster.main".parse().expect("an address"),
        group: object.map(|object| object.group.to_string()).unwrap_or_default(),
        version: "v1".to_owned(),
        kind: object.map(|object| object.kind.to_string()).unwrap_or_default(),
        namespace: None,
        name: "x".to_owned(),
    })
}

fn step(group: u32, action: Action, text: &str, fields: Vec<FieldChange>) -> Step {
    let address = address(text);
    let locator = locator(&address);
    let change = Change {
        action,
        endpoint: locator.endpoint(),
        locator,
        exclusive: None,
        fields,
        verified: Verified::Server,
        precondition: Precondition::Absent,
        replaced: None,
        payload: Some(Digest::of(b"x")),
        force: Vec::new(),
        waits: Vec::new(),
        container: None,
        protection: Protection::None,
        expected: 100,
        timeout: 60,
        reasons: Vec::new(),
    };
    Step { address, group, work: Work::Change(Box::new(change)) }
}

fn field(path: &str, old: Shown, new: Shown) -> FieldChange {
    FieldChange { path: path.parse().expect("a path"), old, new, replaces: None }
}

fn plan_of(steps: Vec<Step>) -> Plan {
    let header = Header {
        format: 1,
        kfplan: "0.1.0".to_owned(),
        stack: "kubeflow".to_owned(),
        environment: "prod".to_owned(),
        sandbox: true,
        mode: Mode::Apply,
        lineage: "l".to_owned(),
        serial: 0,
        inputs: Vec::new(),
        tenant: None,
        subscription: None,
        clusters: BTreeMap::new(),
        confirmed: [].into(),
        adopt: [].into(),
        selection: Vec::new(),
        options: Vec::new(),
    };
    let resource = |text: &str| text.parse().expect("a resource");
    let groups = vec![
        Group { resource: resource("aks_node_pool.gpu"), application: None, unchanged: 0 },
        Group { resource: resource("kubeflow.main"), application: Some("istio".to_owned()), unchanged: 7 },
    ];
    Plan {
        header,
        groups,
        steps,
        edges: Vec::new(),
        kept: Vec::new(),
        drift: Vec::new(),
        notes: Vec::new(),
        outputs: BTreeMap::new(),
    }
}

fn sample() -> Plan {
    let late = Late { template: "${aks_cluster.main.fqdn}".into(), waits: [].into() };
    let mut steps = vec![
        step(
            0,
            Action::Create,
            "aks_node_pool.gpu",
            vec![field("/vm_size", Shown::Absent, Shown::Value(json!("Standard_NC4as_T4_v3")))],
        ),
        step(
            1,
            Action::Update,
            "kubeflow.main/istio-system/ConfigMap/mesh",
            vec![
                field("/data/mesh", Shown::Value(json!("a: 1\nb: 2\n")), Shown::Value(json!("a: 1\nb: 3\n"))),
                field("/data/host", Shown::Value(json!("x\u{1b}[2Jy")), Shown::Late(late)),
                field("/data/key", Shown::Secret("0011aabb".to_owned()), Shown::Secret("ccdd2233".to_owned())),
            ],
        ),
        step(1, Action::Delete, "kubeflow.main/istio-system/Service/old", Vec::new()),
    ];
    steps.extend(
        (0..20).map(|n| step(1, Action::Create, &format!("kubeflow.main/istio-system/ConfigMap/c{n}"), Vec::new())),
    );
    let mut plan = plan_of(steps);
    plan.kept.push(Kept {
        address: address("kubeflow.main/kubeflow/PersistentVolumeClaim/mysql"),
        protection: Protection::UserData,
        why: "it holds user data (20Gi)".to_owned(),
        lift: Some("kfplan destroy --delete-data".to_owned()),
    });
    plan.drift.push(Drift {
        address: address("kubeflow.main/istio-system/ConfigMap/mesh"),
        path: "/data/b".parse().expect("a path"),
        old: Shown::Value(json!("1")),
        new: Shown::Absent,
        witness: Some(Witness {
            manager: "kubectl-edit".to_owned(),
            operation: "Update".to_owned(),
            time: Some("2026-11-24T10:00:00Z".to_owned()),
        }),
    });
    plan.notes.push(Note {
        severity: Severity::Blocks,
        code: "preflight::removed_api".to_owned(),
        address: None,
        message: "119 objects use APIs that Kubernetes 1.22 removed".to_owned(),
        help: Some("set `kubernetes_version` to 1.21".to_owned()),
    });
    plan
}

#[test]
fn a_plan_reads_by_group_and_opens_what_changes() {
    insta::assert_snapshot!(plan_text(&sample(), PLAIN).replace(&sample().id(), "ID"));
}

#[test]
fn markdown_puts_what_is_destroyed_first() {
    insta::assert_snapshot!(plan_markdown(&sample(), COMMENT_LIMIT).replace(&sample().id(), "ID"));
}

#[test]
fn markdown_of_a_huge_plan_fits_a_comment_and_counts_what_it_left_out() {
    let mut steps: Vec<Step> =
        (0..5000).map(|n| step(1, Action::Create, &format!("kubeflow.main/ns/ConfigMap/c{n}"), Vec::new())).collect();
    steps.push(step(1, Action::Delete, "kubeflow.main/ns/Service/precious", Vec::new()));
    let text = plan_markdown(&plan_of(steps), COMMENT_LIMIT);
    assert!(text.chars().count() <= COMMENT_LIMIT, "{}", text.chars().count());
    assert!(text.contains("- delete kubeflow.main/ns/Service/precious") && text.contains("lines left out"));
    assert!(text.find("precious") < text.find("ConfigMap/c0"));
}

#[test]
fn the_json_is_what_its_schema_says() {
    let schema = jsonschema::validator_for(&plan_json_schema()).expect("a schema");
    let json = plan_json(&sample());
    assert!(schema.iter_errors(&json).next().is_none());
    let mut broken = json;
    broken["plan"]["steps"][0]["work"]["change"]["action"] = json!("explode");
    assert!(!schema.is_valid(&broken));
}

#[test]
fn a_hostile_value_cannot_move_the_cursor() {
    assert!(!plan_text(&sample(), PLAIN).contains('\u{1b}'));
}

#[test]
fn drift_names_field_values_manager_and_time() {
    insta::assert_snapshot!(drift_text(&sample().drift, &[], 40, PLAIN), @r"
      kubeflow.main/istio-system/ConfigMap/mesh
        /data/b: 1 → (none)   (by kubectl-edit, 2026-11-24T10:00:00Z)
    Drift: 1 difference in 1 resource.
    ");
    insta::assert_snapshot!(drift_text(&[], &[], 40, PLAIN), @"No drift: 40 resources as applied.");
}

#[test]
fn what_could_not_be_looked_at_is_told_reason_by_reason() {
    let note = |kind: &str, name: &str| Note {
        severity: Severity::Warning,
        code: "drift::not_looked_at".to_owned(),
        address: Some(address(&format!("kubeflow.main/kubeflow/{kind}/{name}"))),
        message: format!("looking is not allowed: {kind} is forbidden"),
        help: None,
    };
    let mut undecided: Vec<Note> = (0..5).map(|n| note("Secret", &format!("s{n}"))).collect();
    undecided.insert(2, note("ConfigMap", "c"));
    insta::assert_snapshot!(drift_text(&sample().drift, &undecided, 8, PLAIN), @r"
      kubeflow.main/istio-system/ConfigMap/mesh
        /data/b: 1 → (none)   (by kubectl-edit, 2026-11-24T10:00:00Z)
      not looked at: looking is not allowed: ConfigMap is forbidden
          kubeflow.main/kubeflow/ConfigMap/c
      not looked at: looking is not allowed: Secret is forbidden
          kubeflow.main/kubeflow/Secret/s0
          kubeflow.main/kubeflow/Secret/s1
          kubeflow.main/kubeflow/Secret/s2
          … and 2 more
    Drift: 1 difference in 1 resource; 6 resources could not be looked at.
    ");
}

#[test]
fn a_graph_has_a_node_a_step_and_an_arrow_an_edge() {
    let mut plan = plan_of(vec![step(0, Action::Create, "aks_node_pool.gpu", Vec::new())]);
    let gate =
        Gate { locator: locator(&address("aks_node_pool.gpu")), probe: Probe::Ready, timeout: 1, why: "x".to_owned() };
    plan.steps.push(Step { address: address("aks_node_pool.gpu#ready"), group: 0, work: Work::Gate(Box::new(gate)) });
    plan.edges.push(Edge { from: 0, to: 1, kind: EdgeKind::AfterApplied });
    insta::assert_snapshot!(dot(&plan), @r#"
    digraph kfplan {
      rankdir=LR;
      node [fontname="sans-serif"];
      s0 [shape=box, label="create aks_node_pool.gpu"];
      s1 [shape=diamond, label="wait for aks_node_pool.gpu#ready"];
      s0 -> s1 [tooltip="after applied"];
    }
    "#);
    insta::assert_snapshot!(mermaid(&plan), @r#"
    flowchart LR
      s0["create aks_node_pool.gpu"]
      s1{"wait for aks_node_pool.gpu#ready"}
      s0 --> s1
    "#);
}

#[test]
fn progress_tells_what_runs_since_when() {
    let plan = sample();
    let mut progress = Progress::new(&plan);
    let event = |step: u32, at, kind| Event { at, step, address: plan.steps[step as usize].address.clone(), kind };
    progress.take(&event(0, 1_000, EventKind::Started { action: Some(Action::Create) }));
    progress.take(&event(0, 2_000, EventKind::Waiting { on: "the pool is Creating".to_owned() }));
    progress.take(&event(2, 3_000, EventKind::Started { action: Some(Action::Delete) }));
    progress.take(&event(2, 4_000, EventKind::Done { remark: None }));
    insta::assert_snapshot!(progress.block(&plan, 121_000, 70, Paint::Plain).join("\n"), @r"
    1 of 23 steps done, 1 running, 21 waiting
       2m00s  create aks_node_pool.gpu: the pool is Creating
    ");
}
