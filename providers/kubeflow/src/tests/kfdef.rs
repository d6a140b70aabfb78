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
    there is no application `second` to remove
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
    k.yaml:1:1: `kfdef.apps.kubeflow.org/v1alpha1` is from before Kubeflow 1.0, and no tool reads it any more
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
    kfdef.yaml: a KfDef without an application `kubeflow-apps` is of the older kind: 1 of its 1 applications (the first is `a`) have `overlays` and `parameters`, which kfctl melted into kustomizations of its own
    kfdef.yaml: a KfDef without an application `kubeflow-apps` is of the older kind: kfctl would put all of it into the namespace `kf` and rewrite its parameters
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

#[test]
fn every_error_has_a_code_and_says_what_to_do_next() {
    let missing = "
### kfdef.yaml
apiVersion: kfdef.apps.kubeflow.org/v1
kind: KfDef
metadata: {namespace: kubeflow}
spec:
  applications:
  - {name: kubeflow-apps, kustomizeConfig: {repoRef: {name: elsewhere, path: a}}}
  - {name: broken, kustomizeConfig: {repoRef: {name: manifests, path: broken}}}
  - {name: lost, kustomizeConfig: {repoRef: {name: nowhere, path: a}}}
  repos: [{name: elsewhere, uri: 'https://example.org/main.tar.gz'}]
### broken/kustomization.yaml
resources: [nothing.yaml]
nmePrefix: x
";
    let errors = from_kfdef(missing, "-none +nonsense +@other/folder").expect_err("nothing in it is right");
    let lines: Vec<String> = errors
        .findings()
        .into_iter()
        .map(|finding| format!("{}: {}\n  {}", finding.code, finding.message, finding.help))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    kubeflow::unknown_application: there is no application `none` to remove
      there are: kubeflow-apps, broken, lost
    kubeflow::add: `nonsense` cannot be added: it must have the form `@REPO/PATH`
      name a folder as `@REPO/PATH`, with a kustomization in it
    kubeflow::unknown_repo: kfdef.yaml:6:5: the repository `elsewhere` is not declared (the KfDef takes it from https://example.org/main.tar.gz, which is not pinned)
      declare it in the stack file: [repos.elsewhere] with url = "https://example.org/main.tar.gz", or path = "…" of a local copy; then run `kfplan vendor` to pin it
    kustomize::unknown_field: application `broken`: broken/kustomization.yaml:2:1: unknown field `nmePrefix`
      write `namePrefix`, or take it out
    kustomize::missing_file: application `broken`: broken/kustomization.yaml:1:13: `resources[0]` names `broken/nothing.yaml`, which does not exist
      correct the path, which is seen from the folder of the kustomization, or add the file
    kubeflow::unknown_repo: kfdef.yaml:8:5: the repository `nowhere` is not declared
      declare it in the stack file: [repos.nowhere] with url = "…" or path = "…"; then run `kfplan vendor` to pin it
    kubeflow::unknown_repo: @other/folder: the repository `other` is not declared
      declare it in the stack file: [repos.other] with url = "…" or path = "…"; then run `kfplan vendor` to pin it
    "#);
}
