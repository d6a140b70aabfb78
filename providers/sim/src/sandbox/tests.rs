//! What a sandbox promises across restarts, and over the wire.

use super::*;
use crate::fleet::{ClusterOrder, Fleet};

fn order(uid: &str) -> ClusterOrder {
    ClusterOrder {
        uid: uid.into(),
        name: "one".into(),
        version: "1.34.4".into(),
        fqdn: "one-dns.hcp.westus2.azmk8s.io".into(),
        ..ClusterOrder::default()
    }
}

fn client(endpoints: &Endpoints) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(endpoints.ca_pem.as_bytes()).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client")
}

fn server_of(kubeconfig: &str) -> String {
    let config: serde_json::Value = serde_json::from_str(kubeconfig).expect("JSON");
    config["clusters"][0]["cluster"]["server"].as_str().expect("a server").to_owned()
}

#[tokio::test]
async fn a_cluster_answers_over_tls_and_keeps_its_port_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(folder.path(), SandboxOptions::default()).expect("opens");
    let endpoints = sandbox.start().await.expect("starts");
    sandbox.with_world(|world, now| world.kube_mut().create_cluster(now, &order("c1"))).await.expect("durable");
    let server = server_of(&sandbox.kubeconfig("c1").expect("a kubeconfig"));
    let answer = client(&endpoints).get(format!("{server}/readyz")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "ok");
    drop(sandbox);

    let again = Sandbox::open(folder.path(), SandboxOptions::default()).expect("opens again");
    let endpoints_again = again.start().await.expect("starts again");
    assert_eq!(endpoints_again.ca_pem, endpoints.ca_pem);
    let server = server_of(&again.kubeconfig("c1").expect("it is still there"));
    let answer = client(&endpoints_again).get(format!("{server}/readyz")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_was_acknowledged_survives_without_a_farewell() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(folder.path(), SandboxOptions::default()).expect("opens");
    sandbox.with_world(|world, now| world.kube_mut().create_cluster(now, &order("c1"))).await.expect("durable");
    sandbox.with_world(|world, now| world.kube_mut().create_cluster(now, &order("c2"))).await.expect("durable");
    sandbox.with_world(|world, now| world.kube_mut().delete_cluster(now, "c1")).await.expect("durable");
    let before = sandbox.with_world(|world, _| world.snapshot()).await.expect("durable");
    let copy = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.path().join("world.log"), copy.path().join("world.log")).expect("a copy");
    let again = Sandbox::open(copy.path(), SandboxOptions::default()).expect("opens");
    let after = again.with_world(|world, _| world.snapshot()).await.expect("durable");
    let rows = |deltas: &[crate::Delta]| deltas.iter().filter(|delta| delta.0 != "clock").cloned().collect::<Vec<_>>();
    assert_eq!(rows(&after), rows(&before));
    assert!(rows(&after).iter().all(|delta| delta.0.contains("c2")));
}

#[tokio::test]
async fn faults_reach_the_client_as_they_are_named() {
    use crate::faults::{Fault, Faults, Rule};
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(folder.path(), SandboxOptions::default()).expect("opens");
    let endpoints = sandbox.start().await.expect("starts");
    sandbox
        .with_world(|world, now| {
            world.kube_mut().create_cluster(now, &order("c1"));
            world.set_faults(Faults::script(
                1,
                vec![
                    Rule::nth(1, "GET", "/readyz", Fault::Throttle(7)),
                    Rule::nth(2, "GET", "/readyz", Fault::ResetBefore),
                    Rule::nth(3, "GET", "/readyz", Fault::Truncate(1)),
                ],
            ));
        })
        .await
        .expect("durable");
    let url = format!("{}/readyz", server_of(&sandbox.kubeconfig("c1").expect("a kubeconfig")));
    let client = client(&endpoints);
    let throttled = client.get(&url).send().await.expect("an answer");
    assert_eq!((throttled.status().as_u16(), throttled.headers()["retry-after"].to_str().ok()), (429, Some("7")));
    assert!(client.get(&url).send().await.is_err());
    assert!(client.get(&url).send().await.expect("a head").bytes().await.is_err());
    assert_eq!(client.get(&url).send().await.expect("an answer").text().await.expect("a body"), "ok");
}
