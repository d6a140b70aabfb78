//! The real kubectl against the sandbox's servers.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use kfplan_sim::{ClusterOrder, Fleet, PoolOrder, Sandbox, SandboxOptions};

/// A served cluster, and a kubeconfig for it.
struct Served {
    _runtime: tokio::runtime::Runtime,
    _sandbox: Sandbox,
    folder: tempfile::TempDir,
}

/// Whether kubectl is there. Where it is not, that is said aloud, and is a failure on a build server.
fn has_kubectl() -> bool {
    let found =
        Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "kubectl is not installed");
        let _ = writeln!(std::io::stderr(), "SKIPPED: kubectl is not installed");
    }
    found
}

fn serve(version: &str) -> Served {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(&folder.path().join("world"), SandboxOptions::default()).expect("opens");
    let version = version.to_owned();
    let kubeconfig = runtime.block_on(async {
        sandbox.start().await.expect("starts");
        sandbox
            .with_world(move |world, now| {
                let order = ClusterOrder {
                    uid: "c1".into(),
                    name: "one".into(),
                    version,
                    fqdn: "one.example".into(),
                    ..ClusterOrder::default()
                };
                world.kube_mut().create_cluster(now, &order);
                let pool = PoolOrder {
                    name: "system".into(),
                    count: 2,
                    vm_size: "Standard_D4s_v3".into(),
                    mode: "System".into(),
                    ..PoolOrder::default()
                };
                world.kube_mut().set_nodes(now, "c1", &pool);
            })
            .await
            .expect("durable");
        sandbox.kubeconfig("c1").expect("a kubeconfig")
    });
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("written");
    Served { _runtime: runtime, _sandbox: sandbox, folder }
}

impl Served {
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn kubectl(&self, arguments: &[&str]) -> Output {
        Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("HOME", self.folder.path())
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .output()
            .expect("kubectl runs")
    }

    /// What it prints, which must be without an error.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert!(output.status.success(), "kubectl {arguments:?}\n{out}{err}");
        out
    }
}

const APP: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: app}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: app}
data: {mode: auto}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: 'nginx:1.27', ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: app}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

const KIND: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget, shortNames: [gd]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
";

fn round(version: &str) {
    let served = serve(version);
    let app = served.file("app.yaml", APP);
    let app = app.to_str().expect("a path");
    let applied = served.ok(&["apply", "--server-side", "-f", app]);
    for line in [
        "namespace/app serverside-applied",
        "configmap/settings serverside-applied",
        "deployment.apps/web serverside-applied",
        "service/web serverside-applied",
    ] {
        assert!(applied.contains(line), "{applied}");
    }
    served.ok(&["wait", "-n", "app", "deployment/web", "--for=condition=Available", "--timeout=20s"]);
    let table = served.ok(&["get", "-n", "app", "deployments,services,configmaps"]);
    assert!(table.contains("deployment.apps/web   2/2     2            2"), "{table}");
    assert!(table.contains("ClusterIP"), "{table}");
    served.ok(&["diff", "--server-side", "-f", app]);
    let changed = served.file("changed.yaml", &APP.replace("mode: auto", "mode: manual"));
    let changed = changed.to_str().expect("a path");
    let diff = served.kubectl(&["diff", "--server-side", "-f", changed]);
    let text = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert_eq!(diff.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&diff.stderr));
    assert!(text.contains("-  mode: auto") && text.contains("+  mode: manual"), "{text}");
    let taken = served.kubectl(&["apply", "--server-side", "--field-manager=other", "-f", changed]);
    let error = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(
        !taken.status.success()
            && error.contains("Apply failed with 1 conflict: conflict with \"kubectl\": .data.mode"),
        "{error}"
    );
    served.ok(&["delete", "-n", "app", "configmap", "settings", "--wait"]);
    served.ok(&["delete", "-f", app, "--ignore-not-found", "--timeout=20s"]);
    let gone = served.kubectl(&["get", "namespace", "app"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("namespaces \"app\" not found"));
}

#[test]
fn kubectl_applies_shows_compares_waits_and_deletes_on_1_34() {
    if has_kubectl() {
        round("1.34.4");
    }
}

#[test]
fn kubectl_applies_shows_compares_waits_and_deletes_on_1_21() {
    if has_kubectl() {
        round("1.21.14");
    }
}

#[test]
fn kubectl_finds_custom_kinds_once_they_are_established() {
    if !has_kubectl() {
        return;
    }
    let served = serve("1.34.4");
    let kind = served.file("kind.yaml", KIND);
    served.ok(&["apply", "--server-side", "-f", kind.to_str().expect("a path")]);
    served.ok(&["wait", "crd/gadgets.example.com", "--for=condition=Established", "--timeout=20s"]);
    let one =
        served.file("one.yaml", "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: one}\nspec: {size: 3}\n");
    served.ok(&["apply", "--server-side", "-f", one.to_str().expect("a path")]);
    let table = served.ok(&["get", "gd"]);
    assert!(table.contains("SIZE") && table.contains("one    3"), "{table}");
    let known = served.ok(&["api-resources", "--api-group=example.com"]);
    assert!(known.contains("gadgets"), "{known}");
    // The other ways of kubectl: client-side apply, create, edit-like patches, explain.
    let two = served.file("two.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {a: b}\n");
    served.ok(&["apply", "-f", two.to_str().expect("a path")]);
    served.ok(&["apply", "-f", two.to_str().expect("a path")]);
    let three =
        served.file("three.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\ndata: {x: \"y\"}\n");
    served.ok(&["create", "-f", three.to_str().expect("a path")]);
    served.ok(&["patch", "configmap", "three", "-p", r#"{"data":{"x":"z"}}"#]);
    served.ok(&["label", "configmap", "three", "a=b"]);
    assert!(served.ok(&["get", "configmaps", "-l", "a=b", "-o", "jsonpath={.items[0].data.x}"]).contains('z'));
    assert!(served.ok(&["get", "nodes"]).contains("Ready"));
    served.ok(&["version"]);
}
