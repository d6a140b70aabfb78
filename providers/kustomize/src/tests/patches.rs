use super::rendered;

#[test]
fn strategic_merge_patches_merge_lists_by_their_keys() {
    let files = r##"
### app/kustomization.yaml
resources: [deploy.yaml]
patchesStrategicMerge:
- patch.yaml
- |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    replicas: 3
### app/deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, finalizers: [a, b]}
spec:
  template:
    spec:
      containers:
      - name: main
        image: a:1
        args: [x, y]
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 80}]
      - name: side
        image: b
      volumes:
      - name: data
        emptyDir: {}
### app/patch.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, finalizers: [c, a]}
spec:
  template:
    spec:
      containers:
      - name: new
        image: c
      - name: main
        args: [z]
        env: [{name: B, value: "3"}, {name: A, $patch: delete}, {name: C, value: "4"}]
        ports: [{containerPort: 81, name: http}]
      volumes:
      - name: data
        emptyDir: null
        hostPath: {path: /x}
      nodeSelector: {a: null, b: c}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      finalizers:
      - c
      - a
      - b
      name: web
    spec:
      replicas: 3
      template:
        spec:
          containers:
          - image: c
            name: new
          - args:
            - z
            env:
            - name: B
              value: "3"
            - name: C
              value: "4"
            image: a:1
            name: main
            ports:
            - containerPort: 81
              name: http
            - containerPort: 80
          - image: b
            name: side
          nodeSelector:
            a: null
            b: c
          volumes:
          - hostPath:
              path: /x
            name: data
    "##);
}

#[test]
fn directives_of_a_strategic_merge_patch_replace_and_retain() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
patchesStrategicMerge: [patch.yaml]
### app/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: one, labels: {a: b, c: d}}
spec:
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
  template:
    spec:
      containers: [{name: x, image: i}, {name: y, image: j}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
spec: {replicas: 1}
---
apiVersion: v1
kind: Service
metadata: {name: svc, finalizers: [a, b, c]}
spec:
  ports: [{port: 80, name: a}, {port: 81, name: b}, {port: 82, name: c}]
### app/patch.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: one
  labels: {$patch: replace, e: f}
spec:
  strategy: {$retainKeys: [type], type: Recreate}
  template:
    spec:
      containers: [{$patch: replace}, {name: z, image: k}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
$patch: delete
---
apiVersion: v1
kind: Service
metadata: {name: svc, $deleteFromPrimitiveList/finalizers: [b]}
spec:
  $setElementOrder/ports: [{port: 82}, {port: 83}, {port: 80}]
  ports: [{port: 83, name: d}, {port: 81, $patch: delete}]
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Service
    metadata:
      finalizers:
      - a
      - c
      name: svc
    spec:
      ports:
      - name: c
        port: 82
      - name: d
        port: 83
      - name: a
        port: 80
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      labels:
        e: f
      name: one
    spec:
      strategy:
        type: Recreate
      template:
        spec:
          containers:
          - image: k
            name: z
    "##);
}

#[test]
fn a_custom_resource_is_patched_as_json() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
patchesStrategicMerge: [patch.yaml, more.yaml]
### app/all.yaml
apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec:
  list: [{name: a, x: 1}, {name: b}]
  map: {p: 1, q: {r: 2}}
  gone: true
  nothing: null
### app/patch.yaml
apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec:
  list: [{name: b, y: 2}, null]
  map: {q: {r: null, s: {t: null, u: 1}}}
  gone: null
  nothing: {a: null, b: [null, 1]}
### app/more.yaml
apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec:
  extra: [1, 2]
  map: {p: {deep: [null, {x: null}]}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: example.org/v1
    kind: Thing
    metadata:
      name: thing
    spec:
      extra:
      - 1
      - 2
      list:
      - name: b
        "true": 2
      map:
        p:
          deep:
          - {}
        q:
          s:
            u: 1
      nothing:
        b:
        - 1
    "##);
}

#[test]
fn json_patches_add_replace_move_copy_test_and_remove() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
patchesJson6902:
- target: {group: apps, version: v1, kind: Deployment, name: web}
  path: patch.yaml
- target: {version: v1, kind: ConfigMap, name: data}
  patch: |
    [{"op": "replace", "path": "/data/new", "value": "x"},
     {"op": "test", "path": "/data/a~1b", "value": "1"},
     {"op": "move", "from": "/data/a~1b", "path": "/data/moved"},
     {"op": "copy", "from": "/metadata/name", "path": "/data/copied"}]
### app/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: main, args: [a, b, c]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: data}
data: {a/b: "1"}
### app/patch.yaml
- op: add
  path: /spec/template/spec/containers/0/args/1
  value: inserted
- op: add
  path: /spec/template/spec/containers/0/args/-
  value: appended
- op: remove
  path: /spec/template/spec/containers/0/args/0
- op: replace
  path: /spec/template/spec/containers/0/args/2
  value: last
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    data:
      copied: data
      moved: "1"
      new: x
    kind: ConfigMap
    metadata:
      name: data
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      template:
        spec:
          containers:
          - args:
            - inserted
            - b
            - last
            - appended
            name: main
    "##);
}

#[test]
fn patches_pick_their_objects_by_target() {
    let files = r##"
### app/kustomization.yaml
namePrefix: p-
resources: [all.yaml]
patches:
- target: {kind: Deployment, name: "w.*", labelSelector: "tier in (front, back),!old"}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ignored}
    spec: {replicas: 2}
- target: {group: apps, annotationSelector: x=y}
  path: ops.json
- patch: |
    apiVersion: v1
    kind: Service
    metadata: {name: svc}
    spec: {type: LoadBalancer}
### app/ops.json
[{"op": "add", "path": "/spec/paused", "value": true}]
### app/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web2, labels: {tier: front, old: "1"}, annotations: {x: "y"}}
spec: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, labels: {tier: back}}
spec: {}
---
apiVersion: v1
kind: Service
metadata: {name: svc, annotations: {x: "y"}}
spec: {}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Service
    metadata:
      annotations:
        x: "y"
      name: p-svc
    spec:
      type: LoadBalancer
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      labels:
        tier: back
      name: p-db
    spec: {}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      labels:
        tier: front
      name: p-web
    spec:
      replicas: 2
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      annotations:
        x: "y"
      labels:
        old: "1"
        tier: front
      name: p-web2
    spec:
      paused: true
    "##);
}

#[test]
fn two_patches_for_one_object_become_one() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
patchesStrategicMerge: [a.yaml, b.yaml, c.yaml]
### app/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: a, image: x, env: [{name: E, value: "1"}]}, {name: b, image: y}]}}}
### app/a.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: a, image: z}]}}}
### app/b.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {replicas: null, template: {spec: {containers: [{name: a, env: [{name: F, value: "2"}]}]}}}
### app/c.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: b, $patch: delete}]}}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: d
    spec:
      template:
        spec:
          containers:
          - env:
            - name: F
              value: "2"
            - name: E
              value: "1"
            image: z
            name: a
    "##);
}
