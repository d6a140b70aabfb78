use std::collections::BTreeMap;

use kfplan_kustomize::Dialect;

use super::{choice, shown, tree};
use crate::{Repos, Source, applications};

const FILES: &str = "
### example/kustomization.yaml
# the parts
resources:
- ../common/a   # first
- ../common/b/
- own.yaml
configMapGenerator: [{name: made, literals: [x=1]}]
### example/own.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: x}
### common/a/kustomization.yaml
resources: [a.yaml]
### common/a/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: x}
### common/b/kustomization.yaml
resources: [b.yaml]
### common/b/b.yaml
apiVersion: v1
kind: Secret
metadata: {name: b, namespace: x}
### common/c/kustomization.yaml
resources: [../b/b.yaml]
namePrefix: c-
";

fn rendered(dialect: Dialect, words: &str) -> String {
    let tree = tree(FILES);
    let repos: Repos<'_> = BTreeMap::from([("m".to_owned(), &tree as _)]);
    let source = Source::Kustomization { repo: "m", path: "example", dialect };
    shown(applications(source, &choice(words), &repos))
}

#[test]
fn each_entry_is_an_application() {
    insta::assert_snapshot!(rendered(Dialect::V3_2, ""), @r#"
    # kubeflow::default_namespace: ConfigMap made-bmmk2mkg79 of `example` names no namespace and goes to `default`; kfctl put it wherever the kubeconfig pointed
    == common/a
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: a
      namespace: x
    == common/b
    apiVersion: v1
    kind: Secret
    metadata:
      name: b
      namespace: x
    == example/own.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: own
      namespace: x
    == example
    apiVersion: v1
    data:
      x: "1"
    kind: ConfigMap
    metadata:
      name: made-bmmk2mkg79
      namespace: default
    "#);
}

#[test]
fn entries_are_removed_and_added() {
    insta::assert_snapshot!(rendered(Dialect::V3_2, "-common/b -../common/a +@m/common/c"), @r#"
    # kubeflow::default_namespace: ConfigMap made-bmmk2mkg79 of `example` names no namespace and goes to `default`; kfctl put it wherever the kubeconfig pointed
    == example/own.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: own
      namespace: x
    == common/c
    apiVersion: v1
    kind: Secret
    metadata:
      name: c-b
      namespace: x
    == example
    apiVersion: v1
    data:
      x: "1"
    kind: ConfigMap
    metadata:
      name: made-bmmk2mkg79
      namespace: default
    "#);
    insta::assert_snapshot!(rendered(Dialect::V3_2, "-common/x +@other/c +common/c"), @r"
    there is no application `common/x` to remove
    `@other/c` cannot be added: a kustomization takes in folders of its own repository only, and this one lies in `m`
    `common/c` cannot be added: it must have the form `@REPO/PATH`
    ");
}

#[test]
fn dialect_5_renders_the_same_entries() {
    let old = rendered(Dialect::V3_2, "").replace("made-bmmk2mkg79", "made-SUFFIX");
    let new = rendered(Dialect::V5, "").replace("made-hmg6f82fh6", "made-SUFFIX");
    assert_eq!(old, new);
}
