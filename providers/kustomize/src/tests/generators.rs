use super::rendered;

#[test]
fn generators_read_env_files_literals_and_files() {
    let files = r##"
### app/kustomization.yaml
configMapGenerator:
- name: conf
  envs: [a.env]
  literals: ["quoted='x=y'", 'html=<a>&b', empty=]
  files: [page.html, renamed=sub/page.txt]
- name: bare
secretGenerator:
- name: secret
  type: kubernetes.io/tls
  literals: [tls.crt=abc]
  files: [tls.key=sub/page.txt]
- name: opaque
  namespace: other
  env: a.env
### app/a.env
# comment

A=1
  B=two words  
C=
### app/page.html
<html>
"q" \ é
</html>
### app/sub/page.txt
text
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: bare-k4gb2hcd26
    ---
    apiVersion: v1
    data:
      A: "1"
      B: "two words  "
      C: ""
      empty: ""
      html: <a>&b
      page.html: |
        <html>
        "q" \ é
        </html>
      quoted: x=y
      renamed: |
        text
    kind: ConfigMap
    metadata:
      name: conf-cbk4tkfc97
    ---
    apiVersion: v1
    data:
      A: MQ==
      B: dHdvIHdvcmRzICA=
      C: ""
    kind: Secret
    metadata:
      name: opaque-7tbb2cf542
      namespace: other
    type: Opaque
    ---
    apiVersion: v1
    data:
      tls.crt: YWJj
      tls.key: dGV4dAo=
    kind: Secret
    metadata:
      name: secret-mb4k58fm4b
    type: kubernetes.io/tls
    "##);
}

#[test]
fn a_generated_map_replaces_or_merges_the_one_below() {
    let files = r##"
### app/kustomization.yaml
bases: [../mid]
configMapGenerator:
- name: merged
  behavior: merge
  literals: [b=new, c=3]
- name: replaced
  behavior: replace
  literals: [x=1]
namePrefix: top-
### mid/kustomization.yaml
bases: [../base]
nameSuffix: -mid
generatorOptions: {disableNameSuffixHash: true, labels: {g: o}}
configMapGenerator:
- name: merged
  behavior: merge
  literals: [d=4]
### base/kustomization.yaml
resources: [pod.yaml]
commonAnnotations: {note: base}
configMapGenerator:
- name: merged
  literals: [a=1, b=2]
- name: replaced
  literals: [y=1]
generatorOptions: {disableNameSuffixHash: false, annotations: {an: other}}
### base/pod.yaml
apiVersion: v1
kind: Pod
metadata: {name: pod}
spec:
  containers:
  - name: a
    envFrom: [{configMapRef: {name: merged}}, {configMapRef: {name: replaced}}]
  volumes: [{name: v, configMap: {name: merged}}, {name: w, secret: {secretName: merged}}]
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    apiVersion: v1
    data:
      a: "1"
      b: new
      c: "3"
      d: "4"
    kind: ConfigMap
    metadata:
      annotations:
        an: other
        note: base
      labels:
        g: o
      name: top-merged-mid-6ft7788794
    ---
    apiVersion: v1
    data:
      x: "1"
    kind: ConfigMap
    metadata:
      annotations:
        an: other
        note: base
      labels: {}
      name: top-replaced-mid-k9c4kg842c
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      annotations:
        note: base
      name: top-pod-mid
    spec:
      containers:
      - envFrom:
        - configMapRef:
            name: top-merged-mid-6ft7788794
        - configMapRef:
            name: top-replaced-mid-k9c4kg842c
        name: a
      volumes:
      - configMap:
          name: top-merged-mid-6ft7788794
        name: v
      - name: w
        secret:
          secretName: merged
    "##);
}
