//! How many connections are made, and by which way: a relay and a proxy stand before the simulated API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use kfplan_contract::Provider;
use kfplan_kubernetes::{Access, Kubernetes};
use kfplan_model::ResourceAddress;
use kfplan_plan::{Locator, ObjectLocator, Observation, Ownership, StackKey, Trouble};
use kfplan_sim::{ClusterOrder, Fleet, Sandbox, SandboxOptions};
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

struct Given(String);

#[async_trait]
impl Access for Given {
    async fn kubeconfig(&self, _: &ResourceAddress) -> Result<String, Trouble> {
        Ok(self.0.clone())
    }
}

fn provider(kubeconfig: String) -> Kubernetes {
    let ownership = Ownership {
        stack: "s".to_owned(),
        environment: "default".to_owned(),
        lineage: "l".to_owned(),
        manager: "kfplan:s".to_owned(),
    };
    Kubernetes::new(Arc::new(Given(kubeconfig)), ownership, StackKey::from_bytes([3; 32]))
}

async fn sandbox(folder: &std::path::Path) -> Sandbox {
    let sandbox = Sandbox::open(folder, SandboxOptions::default()).expect("it opens");
    sandbox.start().await.expect("it starts");
    sandbox
        .with_world(|world, now| {
            let order = ClusterOrder {
                uid: "c1".into(),
                name: "one".into(),
                version: "1.34.4".into(),
                fqdn: "one.example".into(),
                ..ClusterOrder::default()
            };
            world.kube_mut().create_cluster(now, &order);
            world.advance(now + 1_000);
        })
        .await
        .expect("a cluster");
    sandbox
}

/// The `HOST:PORT` of the server that a kubeconfig names.
fn server(kubeconfig: &str) -> String {
    let config: Json = serde_json::from_str(kubeconfig).expect("JSON");
    config["clusters"][0]["cluster"]["server"].as_str().expect("a server").trim_start_matches("https://").to_owned()
}

/// A kubeconfig with one field of its cluster set.
fn with(kubeconfig: &str, field: &str, value: &str) -> String {
    let mut config: Json = serde_json::from_str(kubeconfig).expect("JSON");
    config["clusters"][0]["cluster"][field] = value.into();
    config.to_string()
}

/// Ten kinds of things, each of which costs a LIST.
fn places() -> Vec<Locator> {
    let kinds = [
        ("", "v1", "ConfigMap"),
        ("", "v1", "Secret"),
        ("", "v1", "Service"),
        ("", "v1", "ServiceAccount"),
        ("apps", "v1", "Deployment"),
        ("apps", "v1", "StatefulSet"),
        ("apps", "v1", "DaemonSet"),
        ("batch", "v1", "Job"),
        ("rbac.authorization.k8s.io", "v1", "Role"),
        ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ];
    let place = |(group, version, kind): (&str, &str, &str)| {
        Locator::Object(ObjectLocator {
            cluster: "kubernetes_cluster.main".parse().expect("an address"),
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: Some("default".to_owned()),
            name: "x".to_owned(),
        })
    };
    kinds.into_iter().map(place).collect()
}

fn on_runtime(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn all_that_is_asked_at_once_shares_one_connection() {
    on_runtime(async {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = sandbox(folder.path()).await;
        let kubeconfig = sandbox.kubeconfig("c1").expect("a kubeconfig");
        let relay = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let detour = with(&kubeconfig, "server", &format!("https://{}", relay.local_addr().expect("an address")));
        let (target, made) = (server(&kubeconfig), Arc::new(AtomicUsize::new(0)));
        let counted = made.clone();
        tokio::spawn(async move {
            while let Ok((mut inner, _)) = relay.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let target = target.clone();
                tokio::spawn(async move {
                    let mut outer = TcpStream::connect(target).await.expect("the sandbox");
                    let _ = copy_bidirectional(&mut inner, &mut outer).await;
                });
            }
        });
        let provider = provider(detour);
        for round in 0..2 {
            let found = provider.observe(&places()).await;
            assert!(found.iter().all(|it| matches!(it, Observation::Absent)), "round {round}: {found:?}");
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_proxy_of_the_kubeconfig_is_gone_through() {
    on_runtime(async {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = sandbox(folder.path()).await;
        let kubeconfig = sandbox.kubeconfig("c1").expect("a kubeconfig");
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", proxy.local_addr().expect("an address"));
        let by_proxy = with(&kubeconfig, "proxy-url", &url);
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            while let Ok((inner, _)) = proxy.accept().await {
                let mut inner = BufReader::new(inner);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    inner.read_line(&mut head).await.expect("a request");
                }
                let target = head.split(' ').nth(1).expect("a target").to_owned();
                heard.lock().expect("no panic").push(head.lines().next().unwrap_or_default().to_owned());
                let mut outer = TcpStream::connect(target).await.expect("the sandbox");
                inner.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it listens");
                tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut inner, &mut outer).await;
                });
            }
        });
        let found = provider(by_proxy).observe(&places()).await;
        assert!(found.iter().all(|it| matches!(it, Observation::Absent)), "{found:?}");
        assert_eq!(*asked.lock().expect("no panic"), [format!("CONNECT {} HTTP/1.1", server(&kubeconfig))]);
    });
}

#[test]
fn a_proxy_that_cannot_be_used_is_named() {
    on_runtime(async {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = sandbox(folder.path()).await;
        let other =
            with(&sandbox.kubeconfig("c1").expect("a kubeconfig"), "proxy-url", "socks5://me:hidden@127.0.0.1:1");
        let found = provider(other).observe(&places()[..1]).await;
        let Some(Observation::Denied(reason)) = found.first() else { panic!("{found:?}") };
        assert!(reason.contains("names the proxy `socks5://127.0.0.1:1"), "{reason}");
        assert!(!reason.contains("hidden"), "{reason}");
    });
}
