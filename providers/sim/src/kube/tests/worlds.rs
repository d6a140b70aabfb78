//! A world is its history: equal requests give equal bytes, and what was kept makes an equal world.

use serde_json::{Value, json};

use super::{CLUSTER, Lab, config_map, deployment};
use crate::wire::Request;
use crate::world::{Options, World};
use crate::{ClusterOrder, Delta, Fault, Faults, Fleet, PoolOrder};

/// A history with a bit of everything; gives every answer, and all that was to be kept.
fn history() -> (Vec<Vec<u8>>, Vec<Delta>, Lab) {
    let mut lab = Lab::ready("1.34.4");
    let mut answers = Vec::new();
    let mut kept = lab.world.take_deltas();
    let steps: [(&str, &str, Value); 6] = [
        ("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("web", 2)),
        (
            "POST",
            "/api/v1/namespaces/default/services",
            json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        ),
        ("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", super::definitions::definition()),
        ("POST", "/api/v1/namespaces", json!({"metadata": {"name": "one"}})),
        (
            "POST",
            "/apis/example.com/v1/namespaces/default/gadgets",
            super::definitions::gadget("a", json!({"size": 1})),
        ),
        ("DELETE", "/api/v1/namespaces/one", Value::Null),
    ];
    for (method, path, body) in steps {
        answers.push(lab.raw(method, path, &[("content-type", "application/json")], body.to_string().as_bytes()).body);
        kept.extend(lab.world.take_deltas());
        lab.wait(7);
        kept.extend(lab.world.take_deltas());
    }
    (answers, kept, lab)
}

#[test]
fn equal_histories_give_equal_bytes() {
    let (first, kept, _) = history();
    let (second, kept_again, _) = history();
    assert_eq!(first, second);
    assert_eq!(kept, kept_again);
}

#[test]
fn what_was_kept_makes_an_equal_world_that_goes_on_alike() {
    let (_, kept, mut lab) = history();
    let mut again = World::new(Options { speed: 1, ..Options::default() });
    again.replay(kept);
    assert_eq!(again.snapshot(), lab.world.snapshot());
    assert_eq!(again.next_wake(), lab.world.next_wake());
    let token = again.kube().credentials(CLUSTER, true).expect("the cluster").token;
    let request = Request::to_cluster(CLUSTER, "POST", "/apis/example.com/v1/namespaces/default/gadgets")
        .with("authorization", &format!("Bearer {token}"))
        .with_json(&super::definitions::gadget("later", json!({"size": 2})));
    let now = lab.now + 60_000;
    assert_eq!(again.handle(now, &request), lab.world.handle(now, &request));
    assert_eq!(again.snapshot(), lab.world.snapshot());
}

#[test]
fn a_lost_answer_is_a_write_that_happened() {
    let mut lab = Lab::new("1.34.4");
    let rule =
        crate::Rule { method: "POST".into(), nth: vec![1], fault: Some(Fault::ResetAfter), ..crate::Rule::default() };
    lab.world.set_faults(Faults::script(1, vec![rule]));
    let path = "/api/v1/namespaces/default/configmaps";
    let lost = lab.raw(
        "POST",
        path,
        &[("content-type", "application/json")],
        config_map("a", json!({})).to_string().as_bytes(),
    );
    assert_eq!(lost.mishap, Some(crate::Mishap::Reset));
    assert_eq!(lab.get(&format!("{path}/a")).status, 200);
}

#[test]
fn a_pool_shrinks_by_its_last_node_and_its_pods_move() {
    let mut lab = Lab::ready("1.34.4");
    lab.post("/apis/apps/v1/namespaces/default/deployments", deployment("web", 4)).ok();
    lab.wait(60);
    let pool = PoolOrder {
        name: "system".into(),
        count: 1,
        vm_size: "Standard_D4s_v3".into(),
        mode: "System".into(),
        ..PoolOrder::default()
    };
    lab.world.kube_mut().set_nodes(lab.now, CLUSTER, &pool);
    lab.wait(120);
    let nodes = lab.get("/api/v1/nodes").ok();
    assert_eq!(nodes["items"].as_array().map(Vec::len), Some(1));
    let web = lab.get("/apis/apps/v1/namespaces/default/deployments/web").ok();
    assert_eq!(web["status"]["readyReplicas"], 4);
}

#[test]
fn a_cluster_that_is_gone_answers_nobody_and_leaves_nothing() {
    let mut lab = Lab::ready("1.34.4");
    lab.world.take_deltas();
    lab.world.kube_mut().delete_cluster(lab.now, CLUSTER);
    assert_eq!(lab.get("/version").status, 503);
    let gone = lab.world.take_deltas();
    assert!(gone.len() > 20 && gone.iter().filter(|delta| delta.0.starts_with("kube/")).all(|delta| delta.2.is_none()));
    lab.world.kube_mut().create_cluster(
        lab.now,
        &ClusterOrder { uid: "c2".into(), version: "1.34.4".into(), ..ClusterOrder::default() },
    );
    assert!(lab.world.snapshot().iter().all(|delta| !delta.0.starts_with("kube/c1/")));
}
