//! kfplan on a real server, from an empty cluster to an empty cluster.

use kfplan_tests::{Place, RealCluster};
use serde_json::json;

const OBJECTS: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: app
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: app
data:
  colour: green
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: app
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: main
        image: example.com/web:1
        resources:
          requests: {cpu: 1000m, memory: 1024Mi}
        ports:
        - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: app
spec:
  selector: {app: web}
  ports:
  - port: 80
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, default: 1}
              colour: {type: string}
---
apiVersion: example.com/v1
kind: Thing
metadata:
  name: one
  namespace: app
spec:
  colour: red
";

/// A stack on a real cluster.
fn place(cluster: &RealCluster) -> Place {
    let place = Place::new();
    let stack = format!(
        r#"[stack]
name = "real"

[kubernetes_cluster.main]
kubeconfig = "{}"
context    = "kfplan-test"

[manifests.app]
cluster = "${{kubernetes_cluster.main}}"
files   = ["k8s/*.yaml"]
"#,
        cluster.kubeconfig().display()
    );
    place.write("kfplan.toml", &stack);
    place.write("k8s/app.yaml", OBJECTS);
    place
}

#[test]
fn a_stack_is_applied_stays_quiet_shows_drift_and_goes_without_a_trace() {
    let Some(cluster) = RealCluster::up("1.34") else { return };
    let api = cluster.api();
    let place = place(&cluster);
    let _ = place.run(&["plan", "--exit-code"]).exits(2).says("app/Deployment.apps/web");
    assert!(api.get("/api/v1/namespaces/app").is_none(), "a plan wrote");
    let _ = place.run(&["apply", "--auto-approve"]).exits(0);
    let web = api.get("/apis/apps/v1/namespaces/app/deployments/web").expect("the Deployment");
    assert_eq!(web["status"]["readyReplicas"], 2, "applied, and not ready: {web}");
    let _ = place.run(&["plan", "--exit-code"]).exits(0);
    let _ = place.run(&["drift"]).exits(0);

    let settings = "/api/v1/namespaces/app/configmaps/settings";
    api.merge(settings, "somebody", &json!({"data": {"colour": "blue"}}));
    let _ = place.run(&["drift"]).exits(2).says("settings").says("/data/colour").says("somebody");
    let _ = place.run(&["apply", "--auto-approve"]).exits(0);
    assert_eq!(api.get(settings).expect("the ConfigMap")["data"]["colour"], "green");
    let _ = place.run(&["plan", "--exit-code"]).exits(0);

    let _ = place.run(&["destroy", "--auto-approve"]).exits(0);
    for path in [
        "/api/v1/namespaces/app",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com",
        "/apis/example.com/v1",
    ] {
        assert!(api.get(path).is_none(), "{path} is left");
    }
    assert!(api.marked("real").is_empty(), "objects of the stack are left");
}
