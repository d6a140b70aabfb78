use super::{from_kfdef, shown};
use crate::KfDef;

/// Two applications and the files they need.
const FILES: &str = "
### kfdef.yaml
apiVersion: kfdef.apps.kubeflow.org/v1
kind: KfDef
metadata: {namespace: kubeflow}
spec:
  applications:
  - name: first
    kustomizeConfig: {repoRef: {name: manifests, path: first}}
  - name: kubeflow-apps
    kustomizeConfig:
      repoRef: {name: manifests, path: apps}
      overlays: [istio]
      parameters: [{name: x, value: y}]
  - name: first
    kustomizeConfig: {repoRef: {name: manifests, path: other}}
  repos: [{name: manifests, uri: 'https://example.org/main.tar.gz'}]
  plugins: [{kind: KfAwsPlugin}]
  secrets: [{name: s}]
  more: true
### first/kustomization.yaml
resources: [all.yaml]
### first/all.yaml
apiVersion: example.org/v1
kind: Thing
metadata: {name: a, namespace: lost}
---
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec: {group: example.org, scope: Cluster, names: {kind: Thing}}
---
apiVersion: v1
kind: Namespace
metadata: {name: kubeflow, labels: {istio-injection: enabled, control-plane: other}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shared, namespace: kubeflow, labels: {app: first, only: first}}
data: {a: one, b: one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
### apps/kustomization.yaml
resources: [all.yaml]
### apps/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: shared, namespace: kubeflow, labels: {app: apps}}
data: {b: two, c: two}
### extra/kustomization.yaml
configMapGenerator: [{name: extra, namespace: kubeflow}]
generatorOptions: {disableNameSuffixHash: true}
";

#[test]
fn applications_come_as_kfctl_applied_them() {
    insta::assert_snapshot!(shown(from_kfdef(FILES, "")), @r"
    # kubeflow::unknown_field: kfdef.yaml:18: `spec.more` means nothing in a KfDef
    # kubeflow::duplicate_application: kfdef.yaml:13:5: a second application `first` is skipped, as kfctl skipped it
    # kubeflow::ignored_parameters: kfdef.yaml:8:5: the overlays and parameters of `kubeflow-apps` have no effect: kfctl ignores them in a KfDef with `kubeflow-apps`
    # kubeflow::plugin: kfdef.yaml:16:13: the plugin `KfAwsPlugin` is not run; what it did to the cloud is left to the stack
    # kubeflow::secret: kfdef.yaml:17:13: secrets of a KfDef are not read
    # kubeflow::default_namespace: Deployment.apps d of `first` names no namespace and goes to `default`; kfctl put it wherever the kubeconfig pointed
    # kubeflow::cluster_scoped: Thing.example.org lost/a of `first` has no namespace, though its manifest names one
    # kubeflow::merged_objects: ConfigMap kubeflow/shared comes from the applications `first` and `kubeflow-apps`; it is merged, kept with `first`, and the last one wins: `kubeflow-apps` decides /data/b, /data/c, /metadata/labels/app
    == first
    apiVersion: v1
    kind: Namespace
    metadata:
      labels:
        control-plane: other
        istio-injection: enabled
        katib-metricscollector-injection: enabled
      name: kubeflow
    ---
    apiVersion: v1
    data:
      a: one
      b: two
      c: two
    kind: ConfigMap
    metadata:
      labels:
        app: apps
        only: first
      name: shared
      namespace: kubeflow
    ---
    apiVersion: apiextensions.k8s.io/v1beta1
    kind: CustomResourceDefinition
    metadata:
      name: things.example.org
    spec:
      group: example.org
      names:
        kind: Thing
      scope: Cluster
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: d
      namespace: default
    ---
    apiVersion: example.org/v1
    kind: Thing
    metadata:
      name: a
    == kubeflow-apps
    ");
}

#[test]
fn applications_are_removed_and_added() {
    insta::assert_snapshot!(shown(from_kfdef(FILES, "-first +@manifests/extra")), @r"
    # kubeflow::unknown_field: kfdef.yaml:18: `spec.more` means nothing in a KfDef
    # kubeflow::duplicate_application: kfdef.yaml:13:5: a second application `first` is skipped, as kfctl skipped it
    # kubeflow::ignored_parameters: kfdef.yaml:8:5: the overlays and parameters of `kubeflow-apps` have no effect: kfctl ignores them in a KfDef with `kubeflow-apps`
    # kubeflow::plugin: kfdef.yaml:16:13: the plugin `KfAwsPlugin` is not run; what it did to the cloud is left to the stack
    # kubeflow::secret: kfdef.yaml:17:13: secrets of a KfDef are not read
    == namespace
    apiVersion: v1
    kind: Namespace
    metadata:
      labels:
        control-plane: kubeflow
        katib-metricscollector-injection: enabled
      name: kubeflow
    == kubeflow-apps
    apiVersion: v1
    data:
      b: two
      c: two
    kind: ConfigMap
    metadata:
      labels:
        app: apps
      name: shared
      namespace: kubeflow
    == extra
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: extra
      namespace: kubeflow
    ");
    insta::assert_snapshot!(shown(from_kfdef(FILES, "-second +extra +@manifests/nothing +@other/x")), @r"
    there is no application `second` to remove; there are: first, kubeflow-apps
    `extra` cannot be added: it must have the form `@REPO/PATH`
    application `nothing` cannot be rendered: nothing: `nothing` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    @other/x: the repository `other` is not declared
    ");
}

#[test]
fn every_mistake_of_a_kfdef_is_reported() {
    let text = "
apiVersion: kfdef.apps.kubeflow.org/v1beta1
kind: KfDef
metadata: {name: x}
spec:
  applications:
  - kustomizeConfig: {repoRef: {name: manifests}}
  - name: a
  - name: b
    kustomizeConfig: {overlays: x, parameters: [1]}
  repos: {a: b}
";
    let errors = KfDef::parse("kfdef.yaml", text).expect_err("it is full of mistakes");
    insta::assert_snapshot!(errors.to_string(), @r"
    kfdef.yaml:4:11: `metadata.namespace` is missing
    kfdef.yaml:11:10: `spec.repos` is a map; it must be a list
    kfdef.yaml:7:5: `spec.applications[0].name` is missing
    kfdef.yaml:7:32: `spec.applications[0].kustomizeConfig.repoRef.path` is missing
    kfdef.yaml:8:5: `spec.applications[1].kustomizeConfig` is missing
    kfdef.yaml:10:22: `spec.applications[2].kustomizeConfig.repoRef.name` is missing
    kfdef.yaml:10:22: `spec.applications[2].kustomizeConfig.repoRef.path` is missing
    kfdef.yaml:10:33: `spec.applications[2].kustomizeConfig.overlays` is text; it must be a list
    ");
}

#[test]
fn other_kinds_and_versions_are_refused_by_name() {
    let refused = |text: &str| KfDef::parse("k.yaml", text).expect_err("it is no KfDef").to_string();
    let texts = [
        "apiVersion: kfdef.apps.kubeflow.org/v1alpha1\nkind: KfDef\n",
        "apiVersion: v1\nkind: Pod\n",
        "[]",
        "",
        "a: [",
    ];
    insta::assert_snapshot!(texts.map(refused).join("\n"), @r"
    k.yaml:1:1: `kfdef.apps.kubeflow.org/v1alpha1` is from before Kubeflow 1.0, and no tool reads it any more; take a KfDef of `v1`
    k.yaml:1:1: a `Pod` of `v1` is no KfDef of `kfdef.apps.kubeflow.org/v1` or `v1beta1`
    k.yaml:1:1: a list is no KfDef of `kfdef.apps.kubeflow.org/v1` or `v1beta1`
    k.yaml: an empty file is no KfDef of `kfdef.apps.kubeflow.org/v1` or `v1beta1`
    k.yaml:2:1: the YAML cannot be read: not valid YAML at line 2, column 1: while parsing a node, did not find expected node content
    ");
}

#[test]
fn a_kfdef_of_the_older_kind_is_refused_with_the_reason() {
    let kfdef = |application: &str| {
        format!(
            "### kfdef.yaml\napiVersion: kfdef.apps.kubeflow.org/v1\nkind: KfDef\nmetadata: {{namespace: kf}}\nspec:\n  applications:\n  - name: a\n    kustomizeConfig: {{repoRef: {{name: manifests, path: a}}{application}}}\n"
        )
    };
    let refused = [", overlays: [x]", ""].map(|more| shown(from_kfdef(&kfdef(more), "")));
    insta::assert_snapshot!(refused.join("\n"), @r"
    kfdef.yaml: a KfDef without an application `kubeflow-apps` is of the older kind: 1 of its 1 applications (the first is `a`) have `overlays` and `parameters`, which kfctl melted into kustomizations of its own; take a KfDef of version 1.1 or 1.2
    kfdef.yaml: a KfDef without an application `kubeflow-apps` is of the older kind: kfctl would put all of it into the namespace `kf` and rewrite its parameters; take a KfDef of version 1.1 or 1.2
    ");
}

#[test]
fn every_application_that_cannot_be_rendered_is_reported() {
    let files = FILES.replace("kind: Deployment", "kin: Deployment").replace("path: apps", "path: nowhere");
    insta::assert_snapshot!(shown(from_kfdef(&files, "")), @r"
    application `first` cannot be rendered: first/all.yaml:19:1: the object has no `kind`
    application `kubeflow-apps` cannot be rendered: nowhere: `nowhere` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    ");
}
