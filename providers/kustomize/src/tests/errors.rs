use crate::{Dialect, render};

use super::{rendered, tree};

#[test]
fn two_patches_that_differ_are_refused() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
patchesStrategicMerge: [a.yaml, b.yaml]
### app/all.yaml
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 1}}
### app/a.yaml
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 2}}
### app/b.yaml
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 3}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    app/b.yaml:2:1: `patchesStrategicMerge[1]` on Deployment.apps `d`: two patches for it set the same field to different values (the other one: app/a.yaml:2:1)
    "##);
}

#[test]
fn every_field_that_means_nothing_is_reported() {
    let files = r##"
### app/kustomization.yaml
resource: [all.yaml]
nmePrefix: x
namespace: 5
commonLabels: {a: 1, b: true}
helmCharts: []
components: [../c]
labels: [{pairs: {a: b}}]
configMapGenerator: [{name: a, envz: [x]}]
images: [{name: a, newTag: 1.0}]
vars: {a: b}
"##;
    insta::assert_snapshot!(rendered(files), @r"
    app/kustomization.yaml:5:1: `helmCharts` is not supported: charts are not rendered
    app/kustomization.yaml:6:1: `components` is not supported: dialect 3.2 has no such field
    app/kustomization.yaml:7:1: `labels` is not supported: dialect 3.2 has no such field
    app/kustomization.yaml:1:1: unknown field `resource`
    app/kustomization.yaml:2:1: unknown field `nmePrefix`
    app/kustomization.yaml:3:12: `namespace` is a number; it must be text
    app/kustomization.yaml:4:19: `commonLabels.a` is a number; it must be text
    app/kustomization.yaml:4:25: `commonLabels.b` is a truth value; it must be text
    app/kustomization.yaml:8:32: unknown field `configMapGenerator[0].envz`
    app/kustomization.yaml:9:28: `images[0].newTag` is a number; it must be text
    app/kustomization.yaml:10:7: `vars` is a map; it must be a list
    ");
}

#[test]
fn everything_that_is_missing_is_reported() {
    let files = r##"
### app/kustomization.yaml
resources: [nothing.yaml, ../../outside.yaml, "https://github.com/a/b", ../app, .., broken.yaml, bad.yaml]
configurations: [none.yaml]
configMapGenerator:
- {name: a, files: [nope, =x, a=b=c], literals: [novalue, =x], envs: [bad.env]}
patchesStrategicMerge: [p.yaml, "a: [\n"]
patchesJson6902: [{target: {kind: A}, patch: "[]"}, {path: x, patch: "[]", target: {name: a, kind: A}}, {patch: "[]"}]
### app/broken.yaml
a: [
### app/bad.yaml
---
{kind: A}
---
{apiVersion: v1, metadata: {name: x}}
---
- 1
### app/bad.env
1A=x
é=y
"##;
    insta::assert_snapshot!(rendered(files), @r"
    app/kustomization.yaml:6:28: `patchesJson6902[0].target`: the target's `name` is needed
    app/kustomization.yaml:6:53: `patchesJson6902[1]`: `path` and `patch` cannot both be given
    app/kustomization.yaml:6:105: `patchesJson6902[2]`: a `target` with kind and name is needed
    app/kustomization.yaml:1:13: `resources[0]` names `app/nothing.yaml`, which does not exist
    app/kustomization.yaml:1:27: `resources[1]` names `../../outside.yaml`, which lies outside the repository
    app/kustomization.yaml:1:47: `resources[2]` names the remote base `https://github.com/a/b`
    app/kustomization.yaml:1:73: `app` contains this kustomization, by way of app → app
    app/kustomization.yaml:1:81: `.` contains this kustomization, by way of app → .
    app/broken.yaml:2:1: the YAML cannot be read: not valid YAML at line 2, column 1: while parsing a node, did not find expected node content
    app/bad.yaml:2:1: the A has no `metadata.name`
    app/bad.yaml:4:1: the object has no `kind`
    app/bad.yaml:6:1: a Kubernetes object must be a map, and this is a list
    app/kustomization.yaml:2:18: `configurations[0]` names `app/none.yaml`, which does not exist
    app/bad.env:1:1: `configMapGenerator[0].envs[0]`: `1A` is no name for a variable: letters, digits, `-`, `_`, `.`, no digit first
    app/bad.env:2:1: `configMapGenerator[0].envs[0]`: `é` is no name for a variable: letters, digits, `-`, `_`, `.`, no digit first
    app/kustomization.yaml:4:50: `configMapGenerator[0].literals[0]`: it must have the form `key=value`
    app/kustomization.yaml:4:59: `configMapGenerator[0].literals[1]`: it must have the form `key=value`
    app/kustomization.yaml:4:21: `configMapGenerator[0].files[0]` names `app/nope`, which does not exist
    app/kustomization.yaml:4:27: `configMapGenerator[0].files[1]`: it must have the form `path` or `key=path`
    app/kustomization.yaml:4:31: `configMapGenerator[0].files[2]`: it must have the form `path` or `key=path`
    app/kustomization.yaml:5:25: `patchesStrategicMerge[0]` names `app/p.yaml`, which does not exist
    app/kustomization.yaml:5:33: `patchesStrategicMerge[1]`: not valid YAML at line 2, column 1: while parsing a node, did not find expected node content
    app/kustomization.yaml:6:46: `patchesJson6902[0]`: the list of operations is empty
    app/kustomization.yaml:6:70: `patchesJson6902[1]`: the list of operations is empty
    ");
}

#[test]
fn every_transformation_that_fails_is_reported() {
    let files = r##"
### app/kustomization.yaml
resources: [all.yaml]
namePrefix: x
commonLabels: {a: b}
vars: [{name: V, objref: {kind: Pod, name: none, apiVersion: v1}}]
replicas: [{name: none, count: 1}]
patchesStrategicMerge:
- '{apiVersion: v1, kind: Pod, metadata: {name: none}}'
patchesJson6902:
- {target: {version: v1, kind: Service, name: s}, patch: "[{op: remove, path: /spec/none}]"}
- {target: {version: v1, kind: Service, name: none}, patch: "[{op: add, path: /spec, value: 1}]"}
patches:
- patch: "[{op: add, path: /a, value: 1}]"
  target: {kind: "Service", name: "(" }
### app/all.yaml
---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: text}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    app/kustomization.yaml:7:3: `patchesStrategicMerge[0]` on Pod `none`: there is no such object
    app/kustomization.yaml:12:3: `patches[0]`: `(` is no pattern
    app/kustomization.yaml:3:1: `commonLabels` on Service `xs` (from app/all.yaml:2:1): `spec/selector`: it is text, not a map
    app/kustomization.yaml:8:1: `patchesJson6902[0]` on Service `xs` (from app/all.yaml:2:1): there is nothing at `/spec/none`
    app/kustomization.yaml:10:3: `patchesJson6902[1]` on Service `none`: there is no such object
    app/kustomization.yaml:5:12: `replicas[0]`: there is no workload `none`
    "##);
}

#[test]
fn two_objects_of_one_identity_are_refused() {
    let files = r##"
### app/kustomization.yaml
resources: [a.yaml, b.yaml]
### app/a.yaml
---
{apiVersion: v1, kind: Service, metadata: {name: s}}
### app/b.yaml
---
{apiVersion: v1, kind: Service, metadata: {name: s, namespace: default}}
"##;
    insta::assert_snapshot!(rendered(files), @r##"
    app/b.yaml:2:1: Service `default/s` is there already, from app/a.yaml:2:1
    "##);
}

#[test]
fn every_error_has_a_code_and_says_what_to_do_next() {
    let files = r##"
### app/kustomization.yaml
resources: [nothing.yaml, "https://github.com/a/b", ../app, bad.yaml, twice.yaml]
nmePrefix: x
more: x
namespace: 5
helmCharts: [a]
labels: [a]
replicas: [{name: none, count: 1}]
### app/bad.yaml
{kind: A}
### app/twice.yaml
---
{apiVersion: v1, kind: Service, metadata: {name: s}}
---
{apiVersion: v1, kind: Service, metadata: {name: s}}
"##;
    let errors = render(&tree(files), "app", Dialect::V3_2).expect_err("nothing in it is right");
    let lines: Vec<String> = errors
        .findings()
        .into_iter()
        .map(|finding| format!("{}: {}\n  {}", finding.code, finding.message, finding.help))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    kustomize::unsupported: app/kustomization.yaml:5:1: `helmCharts` is not supported: charts are not rendered
      render the chart once, and list the result under `resources`
    kustomize::unsupported: app/kustomization.yaml:6:1: `labels` is not supported: dialect 3.2 has no such field
      it belongs to dialect 5: say the same with fields of dialect 3.2, or render in dialect 5
    kustomize::unknown_field: app/kustomization.yaml:2:1: unknown field `nmePrefix`
      write `namePrefix`, or take it out
    kustomize::unknown_field: app/kustomization.yaml:3:1: unknown field `more`
      take it out: the dialect knows no field of nearly this name
    kustomize::wrong_type: app/kustomization.yaml:4:12: `namespace` is a number; it must be text
      write it in quotes
    kustomize::missing_file: app/kustomization.yaml:1:13: `resources[0]` names `app/nothing.yaml`, which does not exist
      correct the path, which is seen from the folder of the kustomization, or add the file
    kustomize::remote: app/kustomization.yaml:1:27: `resources[1]` names the remote base `https://github.com/a/b`
      run `kfplan vendor`, which fetches it and pins it in `kfplan.lock`; or copy it into the repository
    kustomize::cycle: app/kustomization.yaml:1:53: `app` contains this kustomization, by way of app → app
      take out one of the entries that close the ring
    kustomize::object: app/bad.yaml:1:1: the A has no `metadata.name`
      give every document `apiVersion`, `kind` and `metadata.name`, or take it out
    kustomize::twice: app/twice.yaml:4:1: Service `s` is there already, from app/twice.yaml:2:1
      take one of the two out, or give it another name or namespace
    ");
}
