use super::rendered;

#[test]
fn names_in_other_objects_follow() {
    let files = r##"
### app/kustomization.yaml
namePrefix: x-
nameSuffix: -y
namespace: ns
resources: [all.yaml]
### app/all.yaml
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: role}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [sec, other], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: role}
subjects:
- {kind: ServiceAccount, name: sa}
- {kind: ServiceAccount, name: default}
- {kind: User, name: joe}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: crb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: role}
subjects:
- {kind: ServiceAccount, name: sa, namespace: default}
- {kind: ServiceAccount, name: sa, namespace: elsewhere}
---
apiVersion: v1
kind: Service
metadata: {name: svc}
---
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingWebhookConfiguration
metadata: {name: hook}
webhooks:
- name: a.b.c
  clientConfig: {service: {name: svc, namespace: default, path: /}}
---
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: ing, annotations: {nginx.ingress.kubernetes.io/auth-secret: sec}}
spec:
  tls: [{secretName: sec, hosts: [h]}]
  rules: [{http: {paths: [{backend: {serviceName: svc, servicePort: 80}}]}}]
---
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: hpa}
spec: {scaleTargetRef: {kind: Deployment, name: d}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {serviceAccountName: sa, imagePullSecrets: [{name: sec}]}}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: apiextensions.k8s.io/v1beta1
    kind: CustomResourceDefinition
    metadata:
      name: things.example.org
    ---
    apiVersion: admissionregistration.k8s.io/v1beta1
    kind: MutatingWebhookConfiguration
    metadata:
      name: x-hook-y
    webhooks:
    - clientConfig:
        service:
          name: x-svc-y
          namespace: ns
          path: /
      name: a.b.c
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: x-default-y
      namespace: ns
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: x-sa-y
      namespace: ns
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      name: x-role-y
      namespace: ns
    rules:
    - apiGroups:
      - ""
      resourceNames:
      - x-sec-y
      - other
      resources:
      - secrets
      verbs:
      - get
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata:
      name: x-rb-y
      namespace: ns
    roleRef:
      apiGroup: rbac.authorization.k8s.io
      kind: Role
      name: x-role-y
    subjects:
    - kind: ServiceAccount
      name: x-sa-y
      namespace: ns
    - kind: ServiceAccount
      name: default
      namespace: ns
    - kind: User
      name: joe
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata:
      name: x-crb-y
    roleRef:
      apiGroup: rbac.authorization.k8s.io
      kind: ClusterRole
      name: role
    subjects:
    - kind: ServiceAccount
      name: x-sa-y
      namespace: ns
    - kind: ServiceAccount
      name: sa
      namespace: elsewhere
    ---
    apiVersion: v1
    kind: Secret
    metadata:
      name: x-sec-y
      namespace: ns
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: x-svc-y
      namespace: ns
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: x-d-y
      namespace: ns
    spec:
      template:
        spec:
          imagePullSecrets:
          - name: x-sec-y
          serviceAccountName: x-sa-y
    ---
    apiVersion: autoscaling/v1
    kind: HorizontalPodAutoscaler
    metadata:
      name: x-hpa-y
      namespace: ns
    spec:
      scaleTargetRef:
        kind: Deployment
        name: x-d-y
    ---
    apiVersion: networking.k8s.io/v1beta1
    kind: Ingress
    metadata:
      annotations:
        nginx.ingress.kubernetes.io/auth-secret: x-sec-y
      name: x-ing-y
      namespace: ns
    spec:
      rules:
      - http:
          paths:
          - backend:
              serviceName: x-svc-y
              servicePort: 80
      tls:
      - hosts:
        - h
        secretName: x-sec-y
    "##);
}

#[test]
fn vars_carry_values_and_their_types() {
    let files = r##"
### app/kustomization.yaml
namePrefix: p-
resources: [all.yaml]
configurations: [params.yaml]
vars:
- {name: NAME, objref: {kind: Service, name: svc, apiVersion: v1}}
- {name: PORT, objref: {kind: Service, name: svc, version: v1}, fieldref: {fieldpath: "spec.ports[0].port"}}
- {name: FLAG, objref: {kind: ConfigMap, name: c, apiVersion: v1}, fieldref: {fieldPath: data.flag}}
- {name: MAP, objref: {kind: Service, name: svc, apiVersion: v1}, fieldref: {fieldpath: spec}}
- {name: NS, objref: {kind: Thing, group: example.org, version: v1, name: t}, fieldref: {fieldPath: metadata.annotations.x/y}}
### app/params.yaml
varReference:
- {kind: Thing, path: spec/values}
- {kind: Thing, path: spec/list}
- {kind: ConfigMap, path: data}
### app/all.yaml
apiVersion: v1
kind: Service
metadata: {name: svc}
spec: {ports: [{port: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {flag: "true", text: "$(NAME) $$(NAME) $(UNKNOWN) $(MAP) $ $x $(PORT"}
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: t, labels: {l: $(NAME)}, annotations: {x/y: here}}
spec:
  values: {port: $(PORT), text: "at $(PORT)", keep: 1, ns: $(NS)}
  list: [$(NAME), "$(FLAG)-$(NS)"]
---
apiVersion: v1
kind: Pod
metadata: {name: pod}
spec: {containers: [{name: a, args: [], command: [$(NAME)], env: [{name: A, value: $(PORT)}]}]}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    data:
      flag: "true"
      text: p-svc $(NAME) $(UNKNOWN) $(MAP) $ $x $(PORT
    kind: ConfigMap
    metadata:
      name: p-c
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: p-svc
    spec:
      ports:
      - port: 8080
    ---
    apiVersion: example.org/v1
    kind: Thing
    metadata:
      annotations:
        x/y: here
      labels:
        l: p-svc
      name: p-t
    spec:
      list:
      - p-svc
      - true-here
      values:
        keep: 1
        ns: here
        port: 8080
        text: at 8080
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: p-pod
    spec:
      containers:
      - args: null
        command:
        - p-svc
        env:
        - name: A
          value: 8080
        name: a
    "##);
}

#[test]
fn the_same_base_can_be_included_twice() {
    let files = r##"
### app/kustomization.yaml
resources: [../a, ../b]
namespace: both
### a/kustomization.yaml
namePrefix: a-
resources: [../base]
### b/kustomization.yaml
namePrefix: b-
resources: [../base]
### base/kustomization.yaml
resources: [all.yaml]
configMapGenerator: [{name: c, literals: [k=v]}]
### base/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: x, env: [{name: K, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}]}}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    data:
      k: v
    kind: ConfigMap
    metadata:
      name: a-c-5m759bf694
      namespace: both
    ---
    apiVersion: v1
    data:
      k: v
    kind: ConfigMap
    metadata:
      name: b-c-bb4mf644m5
      namespace: both
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: a-d
      namespace: both
    spec:
      template:
        spec:
          containers:
          - env:
            - name: K
              valueFrom:
                configMapKeyRef:
                  key: k
                  name: a-c-5m759bf694
            name: x
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: b-d
      namespace: both
    spec:
      template:
        spec:
          containers:
          - env:
            - name: K
              valueFrom:
                configMapKeyRef:
                  key: k
                  name: b-c-bb4mf644m5
            name: x
    "##);
}

#[test]
fn configurations_add_fields_to_the_tables() {
    let files = r##"
### app/kustomization.yaml
namePrefix: x-
namespace: ns
commonLabels: {a: b}
resources: [all.yaml]
configurations: [c.yaml]
images: [{name: i, newTag: "9"}]
### app/c.yaml
namePrefix:
- {path: spec/otherName, kind: Thing}
commonLabels:
- {path: spec/selector, create: true, kind: Thing, group: example.org}
namespace:
- {path: spec/target/namespace, create: true, kind: Thing}
nameReference:
- kind: Service
  fieldSpecs: [{path: spec/svc, kind: Thing}, {path: spec/svcs, kind: Thing}]
images:
- {path: spec/image, kind: Thing}
replicas: []
unknown: 1
### app/all.yaml
apiVersion: example.org/v1
kind: Thing
metadata: {name: t}
spec: {otherName: o, svc: s, svcs: [s, {name: s}], image: "i:1"}
---
apiVersion: v1
kind: Service
metadata: {name: s}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Service
    metadata:
      labels:
        a: b
      name: x-s
      namespace: ns
    spec:
      selector:
        a: b
    ---
    apiVersion: example.org/v1
    kind: Thing
    metadata:
      labels:
        a: b
      name: x-t
      namespace: ns
    spec:
      image: i:9
      otherName: x-o
      selector:
        a: b
      svc: x-s
      svcs:
      - x-s
      - name: x-s
        namespace: ns
      target:
        namespace: ns
    "##);
}

#[test]
fn a_namespace_is_set_only_where_one_is_possible() {
    let files = r##"
### app/kustomization.yaml
namespace: ns
resources: [all.yaml]
### app/all.yaml
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: old}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ns}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cr}}
---
{apiVersion: cert-manager.io/v1alpha2, kind: ClusterIssuer, metadata: {name: ci}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: crb}
subjects: [{kind: ServiceAccount, name: default, namespace: old}, {kind: ServiceAccount, name: x, namespace: old}]
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: Namespace
    metadata:
      name: ns
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata:
      name: cr
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata:
      name: crb
    subjects:
    - kind: ServiceAccount
      name: default
      namespace: ns
    - kind: ServiceAccount
      name: x
      namespace: old
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: a
      namespace: ns
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: b
      namespace: ns
    ---
    apiVersion: cert-manager.io/v1alpha2
    kind: ClusterIssuer
    metadata:
      name: ci
      namespace: ns
    "##);
}
