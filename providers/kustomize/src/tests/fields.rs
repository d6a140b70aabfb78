use super::rendered;

#[test]
fn labels_reach_selectors_and_templates() {
    let files = r##"
### app/kustomization.yaml
commonLabels: {l: v}
commonAnnotations: {a: b}
resources: [all.yaml]
### app/all.yaml
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s}
spec:
  selector: {matchLabels: {x: y}}
  volumeClaimTemplates: [{metadata: {name: v}}]
  template:
    metadata: {labels: null}
    spec:
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution: [{podAffinityTerm: {labelSelector: {matchLabels: {q: r}}}}]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: c}
spec: {jobTemplate: {spec: {template: {}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nn}
spec:
  podSelector: {matchLabels: {a: b}}
  ingress: [{from: [{podSelector: {matchLabels: {c: d}}}, {namespaceSelector: {}}]}]
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: p}
spec: {selector: {matchLabels: {a: b}}}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: r}
spec: {}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      annotations:
        a: b
      labels:
        l: v
      name: s
    spec:
      selector:
        matchLabels:
          l: v
          x: true
      template:
        metadata:
          annotations:
            a: b
          labels:
            l: v
        spec:
          affinity:
            podAntiAffinity:
              preferredDuringSchedulingIgnoredDuringExecution:
              - podAffinityTerm:
                  labelSelector:
                    matchLabels:
                      l: v
                      q: r
      volumeClaimTemplates:
      - metadata:
          labels:
            l: v
          name: v
    ---
    apiVersion: batch/v1beta1
    kind: CronJob
    metadata:
      annotations:
        a: b
      labels:
        l: v
      name: c
    spec:
      jobTemplate:
        metadata:
          annotations:
            a: b
          labels:
            l: v
        spec:
          template:
            metadata:
              annotations:
                a: b
              labels:
                l: v
    ---
    apiVersion: policy/v1beta1
    kind: PodDisruptionBudget
    metadata:
      annotations:
        a: b
      labels:
        l: v
      name: p
    spec:
      selector:
        matchLabels:
          a: b
          l: v
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      annotations:
        a: b
      labels:
        l: v
      name: nn
    spec:
      ingress:
      - from:
        - podSelector:
            matchLabels:
              c: d
              l: v
        - namespaceSelector: {}
      podSelector:
        matchLabels:
          a: b
          l: v
    ---
    apiVersion: v1
    kind: ReplicationController
    metadata:
      annotations:
        a: b
      labels:
        l: v
      name: r
    spec:
      selector:
        l: v
      template:
        metadata:
          annotations:
            a: b
          labels:
            l: v
    "##);
}

#[test]
fn images_get_other_names_tags_and_digests() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
images:
- {name: nginx, newTag: "1.8"}
- {name: reg:5000/a/b, newName: other/b}
- {name: busybox, digest: "sha256:abc"}
- {name: with-digest, newTag: v2}
- {name: crd-image, newTag: v3}
### app/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers: [{name: i, image: busybox}, {name: j, image: "busybox:1"}]
  containers:
  - {name: a, image: "nginx:1.7"}
  - {name: b, image: nginx}
  - {name: c, image: nginx-plus}
  - {name: d, image: "reg:5000/a/b:3"}
  - {name: e, image: "with-digest@sha256:0123"}
  - {name: f}
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: t}
spec: {deep: [{template: {containers: [{image: "nginx:x", containers: [{image: nginx}]}]}}], image: nginx}
---
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: c}
spec: {validation: {properties: {containers: {type: array}}}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apiextensions.k8s.io/v1beta1
    kind: CustomResourceDefinition
    metadata:
      name: c
    spec:
      validation:
        properties:
          containers:
            type: array
    ---
    apiVersion: example.org/v1
    kind: Thing
    metadata:
      name: t
    spec:
      deep:
      - template:
          containers:
          - containers:
            - image: nginx
            image: nginx:1.8
      image: nginx
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: p
    spec:
      containers:
      - image: nginx:1.8
        name: a
      - image: nginx:1.8
        name: b
      - image: nginx-plus
        name: c
      - image: other/b:3
        name: d
      - image: with-digest:v2
        name: e
      - name: f
      initContainers:
      - image: busybox@sha256:abc
        name: i
      - image: busybox@sha256:abc
        name: j
    "##);
}

#[test]
fn replicas_are_set_by_name() {
    let files = r##"
### app/kustomization.yaml
namePrefix: x-
resources: [all.yaml]
replicas: [{name: d, count: 5}, {name: x-s, count: 0}]
### app/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {replicas: 1}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec: {replicas: 1}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: x-d
    spec:
      replicas: 5
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: x-other
    spec:
      replicas: 1
    ---
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      name: x-s
    spec:
      replicas: 0
    "##);
}

#[test]
fn objects_come_out_in_the_order_of_their_kinds() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
### app/all.yaml
---
{apiVersion: admissionregistration.k8s.io/v1beta1, kind: ValidatingWebhookConfiguration, metadata: {name: v}}
---
{apiVersion: zeta.org/v1, kind: Alpha, metadata: {name: z}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: yy}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: z}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: c}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: nn}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
- apiVersion: v1
  kind: SecretList
  items: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]
---
---
{apiVersion: alpha.org/v1, kind: Zeta, metadata: {name: z}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Namespace
    metadata:
      name: nn
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: c
    ---
    apiVersion: v1
    kind: Secret
    metadata:
      name: s
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: b
      namespace: yy
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: a
      namespace: z
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: c
    ---
    apiVersion: alpha.org/v1
    kind: Zeta
    metadata:
      name: z
    ---
    apiVersion: zeta.org/v1
    kind: Alpha
    metadata:
      name: z
    ---
    apiVersion: admissionregistration.k8s.io/v1beta1
    kind: ValidatingWebhookConfiguration
    metadata:
      name: v
    "##);
}

#[test]
fn field_names_may_be_in_any_case_and_of_old() {
    let files = r##"
### app/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
nameprefix: x-
COMMONLABELS: {a: b}
Resources: [all.yaml]
imageTags: [{name: a, newTag: "2"}]
patches: [patch.yaml]
### app/all.yaml
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: a}]}}
### app/patch.yaml
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: true}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Pod
    metadata:
      labels:
        a: b
      name: x-p
    spec:
      containers:
      - image: a:2
        name: a
      hostNetwork: true
    "##);
}

#[test]
fn values_are_read_as_yaml_1_1() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
### app/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: yes, b: 0777, c: 1_000, d: 2001-01-01, e: 12:30, f: 1.0, g: 1.50, n: ~, y: "yes", h: 0x1F, i: !!str 5}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    data:
      a: true
      b: 511
      c: 1000
      d: "2001-01-01"
      e: "12:30"
      f: 1
      "false": null
      g: 1.5
      h: 31
      i: "5"
      "true": "yes"
    kind: ConfigMap
    metadata:
      name: c
    "##);
}
