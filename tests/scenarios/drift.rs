//! `drift` names every change to what was applied, and nothing else.

use kfplan_tests::{Cloud, Kfplan, Options, binary, empty, mutate};

const COUNT: usize = 60;

const OBJECTS: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: app, labels: {app: web, tier: front}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: app}
type: Opaque
data: {one: b25l, two: dHdv}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: app, annotations: {note: web}}
spec:
  selector: {app: web, tier: front}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: metrics, port: 9090, targetPort: metrics}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      serviceAccountName: web
      containers:
      - name: main
        image: registry.example.com/web:1.2.3
        args: [--port, "8080", --verbose]
        env:
        - {name: MODE, value: fast}
        - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
        ports:
        - {name: http, containerPort: 8080}
        - {name: metrics, containerPort: 9090}
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
      - name: proxy
        image: registry.example.com/proxy:4.5.6
        volumeMounts:
        - {name: scratch, mountPath: /scratch}
      volumes:
      - {name: scratch, emptyDir: {}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: app}
rules:
- {apiGroups: [""], resources: [pods, services], verbs: [get, list, watch]}
- {apiGroups: [apps], resources: [deployments], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: app}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects:
- {kind: ServiceAccount, name: web, namespace: app}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web-reader}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get, list]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: app}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: gate}}}]
    ports: [{port: 8080, protocol: TCP}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: app}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: web}
webhooks:
- name: one.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: web, namespace: app, path: /check}}
  rules: [{apiGroups: [never.example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [things]}]
- name: two.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: web, namespace: app, path: /other}}
  rules: [{apiGroups: [never.example.com], apiVersions: [v1], operations: [DELETE], resources: [things]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget, shortNames: [wd]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: a widget
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, description: how big it is}
              parts: {type: array, items: {type: string}}
              places:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties: {name: {type: string}, at: {type: string}}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: one, namespace: app}
spec:
  size: 3
  parts: [wheel, axle]
  places: [{name: a, at: here}, {name: b, at: there}]
"#;

#[test]
fn every_change_to_what_was_applied_is_named_and_nothing_else() {
    let place = empty();
    place.write("k8s/web.yaml", OBJECTS);
    // What is made again by somebody else is in conflict with the stack until the stack says that it wins.
    place.edit(
        "kfplan.toml",
        "files   = [\"k8s/*.yaml\"]\n",
        "files   = [\"k8s/*.yaml\"]\nconflict = [{ path = \"\", policy = \"take\" }]\n",
    );
    let _ = place.run(&["apply", "--sandbox", "--auto-approve", "--wait", "none"]).exits(0);
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    let kfplan = Kfplan { binary: binary(), folder: place.path().to_path_buf(), flags: vec!["--sandbox".to_owned()] };
    let options = Options { stack: "tiny".to_owned(), count: COUNT, seed: 1 };
    let report = mutate(&cluster, &kfplan, &options, &mut |_| ());
    assert!(report.misses.is_empty(), "{}\n{report}", report.misses.join("\n"));
    let total = report.total();
    assert!(total.applied >= COUNT && total.others >= COUNT, "{report}");
    assert_eq!((total.named, total.reported), (total.applied, 0), "{report}");
}
