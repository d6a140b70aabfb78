//! What dialect 5 says of what is wrong, and what it does with hostile input. What it
//! renders is held to `kubectl` in `tests/dialect5_cases.rs`.

use std::borrow::Cow;

use super::tree;
use crate::{Dialect, Files, ReadError, Remote, Tree, render};

fn rendered(files: &str) -> String {
    match render(&tree(files), "app", Dialect::V5) {
        Ok(rendered) => kfplan_objects::yaml::to_stream(&rendered.objects),
        Err(errors) => errors
            .findings()
            .iter()
            .map(|finding| format!("{}: {}\n  {}\n", finding.code, finding.message, finding.help))
            .collect(),
    }
}

#[test]
fn charts_and_plugins_are_refused_by_name() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
helmCharts: [{name: minio}]
helmGlobals: {chartHome: x}
helmChartInflationGenerator: [{chartName: y}]
crds: [x.yaml]
generators: [gen.yaml]
transformers:
- |-
  apiVersion: v1
  kind: Rewrite
  metadata: {name: r, annotations: {config.kubernetes.io/function: 'container: {image: x}'}}
validators: [gen.yaml]
### app/gen.yaml
apiVersion: example.com/v1
kind: Maker
metadata: {name: m}
---
apiVersion: builtin
kind: HelmChartInflationGenerator
metadata: {name: m}
"), @r"
    kustomize::unsupported: app/kustomization.yaml:1:1: `helmCharts` is not supported: charts are not rendered
      render the chart once, and list the result under `resources`
    kustomize::unsupported: app/kustomization.yaml:2:1: `helmGlobals` is not supported: charts are not rendered
      render the chart once, and list the result under `resources`
    kustomize::unsupported: app/kustomization.yaml:3:1: `helmChartInflationGenerator` is not supported: charts are not rendered
      render the chart once, and list the result under `resources`
    kustomize::unsupported: app/kustomization.yaml:4:1: `crds` is not supported: OpenAPI definitions are not read
      name the fields in a file under `configurations`
    kustomize::unsupported: app/gen.yaml:1:1: `generators[0]: Maker` is not supported: it would run a plugin, and kfplan runs none
      say the same with fields of the kustomization, or render it once and list the result under `resources`
    kustomize::unsupported: app/gen.yaml:5:1: `generators[0]: HelmChartInflationGenerator` is not supported: kfplan does not have this builtin plugin
      say the same with fields of the kustomization, or render it once and list the result under `resources`
    kustomize::unsupported: app/gen.yaml:1:1: `validators[0]: Maker` is not supported: validators run plugins, and kfplan runs none
      say the same with fields of the kustomization, or render it once and list the result under `resources`
    kustomize::unsupported: app/gen.yaml:5:1: `validators[0]: HelmChartInflationGenerator` is not supported: validators run plugins, and kfplan runs none
      say the same with fields of the kustomization, or render it once and list the result under `resources`
    kustomize::unsupported: app/kustomization.yaml, `transformers[0]`:1:1: `transformers[0]: Rewrite` is not supported: it would run a container, and kfplan runs none
      say the same with fields of the kustomization, or render it once and list the result under `resources`
    ");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_where() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
resources: [none.yaml, 'https://github.com/a/b//c?ref=v1']
components: [../none, ../base]
labels: [{pair: {a: b}}]
sortOptions: {order: wild}
replacements:
- targets: []
- source: {kind: X, optins: {}}
  targets: [{fieldPaths: [x]}]
patches:
- {path: a.yaml, patch: b}
- {patch: '- {op: add, path: /x, value: 1}'}
openapi: {version: v1.0.0}
### base/kustomization.yaml
namePrefix: 1
"), @r"
    kustomize::field: app/kustomization.yaml:10:3: `patches[0]`: `path` and `patch` cannot both be given
      correct the field
    kustomize::unknown_field: app/kustomization.yaml:3:11: unknown field `labels[0].pair`
      write `pairs`, or take it out
    kustomize::field: app/kustomization.yaml:6:3: `replacements[0]`: a `source` is needed
      correct the field
    kustomize::unknown_field: app/kustomization.yaml:7:21: unknown field `replacements[1].source.optins`
      write `options`, or take it out
    kustomize::field: app/kustomization.yaml:8:13: `replacements[1].targets[0]`: `select` is needed
      correct the field
    kustomize::field: app/kustomization.yaml:4:14: `sortOptions`: `order` must be `fifo` or `legacy`
      correct the field
    kustomize::field: app/kustomization.yaml:12:20: `openapi.version`: `v1.0.0` is not built in; there is `v1.21.2`
      correct the field
    kustomize::missing_file: app/kustomization.yaml:1:13: `resources[0]` names `app/none.yaml`, which does not exist
      correct the path, which is seen from the folder of the kustomization, or add the file
    kustomize::remote: app/kustomization.yaml:1:24: `resources[1]` names the remote base `https://github.com/a/b//c?ref=v1`
      run `kfplan vendor`, which fetches it and pins it in `kfplan.lock`; or copy it into the repository
    kustomize::missing_file: app/kustomization.yaml:2:14: `components[0]` names `none`, which does not exist
      correct the path, which is seen from the folder of the kustomization, or add the file
    kustomize::wrong_type: base/kustomization.yaml:1:13: `namePrefix` is a number; it must be text
      write it in quotes
    kustomize::field: app/kustomization.yaml:10:25: `patches[0]`: a Kubernetes object must be a map, and this is text (line 1, column 1)
      correct the field
    kustomize::field: app/kustomization.yaml:11:11: `patches[1]`: a patch by operations needs a `target`
      correct the field
    ");
}

#[test]
fn a_replacement_says_what_it_does_not_find() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
resources: [c.yaml]
replacements:
- source: {kind: Secret, name: s}
  targets: [{select: {kind: ConfigMap}}]
- source: {kind: ConfigMap, name: c, fieldPath: data.a, options: {delimiter: '.', index: 4}}
  targets: [{select: {kind: ConfigMap}}]
- source: {kind: ConfigMap, name: c}
  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.none, 'data.[x=y]']}]
### app/c.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: b.c}
"), @r"
    kustomize::field: app/kustomization.yaml:3:3: `replacements[0]`: the source Secret `s` is not there
      correct the field
    kustomize::field: app/kustomization.yaml:5:3: `replacements[1]`: `b.c` has no part 4 between `.`
      correct the field
    kustomize::field: app/kustomization.yaml:7:3: `replacements[2]`: `data.none` of ConfigMap `c`: there is no such field; `create: true` makes it
      correct the field
    ");
}

#[test]
fn rings_of_components_and_deep_towers_are_refused() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
components: [../a]
### a/kustomization.yaml
kind: Component
components: [../b]
### b/kustomization.yaml
kind: Component
components: [../a]
"), @r"
    kustomize::cycle: b/kustomization.yaml:2:14: `a` contains this kustomization, by way of app → a → b → a
      take out one of the entries that close the ring
    ");
    let mut files = String::from("### app/kustomization.yaml\nresources: [../d0]\n");
    for level in 0..100 {
        files += &format!("### d{level}/kustomization.yaml\nresources: [../d{}]\n", level + 1);
    }
    assert!(rendered(&files).contains("more than 64 kustomizations are included one within the other"));
}

#[test]
fn doubled_components_are_counted_and_stopped() {
    let mut files = String::from("### c0/kustomization.yaml\nkind: Component\nresources: []\n");
    for level in 1..40 {
        let below = level - 1;
        files += &format!("### c{level}/kustomization.yaml\nkind: Component\ncomponents: [../c{below}, ../c{below}]\n");
    }
    files += "### app/kustomization.yaml\ncomponents: [../c39]\n";
    assert!(rendered(&files).contains("more than 10000 kustomizations are included"));
}

#[test]
fn a_bomb_of_aliases_and_a_tower_of_brackets_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        let row = vec![format!("*a{below}"); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{row}]\n");
    }
    let file = format!("### app/kustomization.yaml\nresources: [x.yaml]\n### app/x.yaml\nkind: X\n{bomb}");
    assert!(rendered(&file).contains("kustomize::yaml"), "{}", rendered(&file));
    let tower = format!("### app/kustomization.yaml\nresources: [x.yaml]\n### app/x.yaml\na: {}", "[".repeat(5000));
    assert!(rendered(&tower).contains("kustomize::yaml"));
    let inline = format!("### app/kustomization.yaml\npatches: [{{patch: 'a: {}'}}]\n", "[".repeat(5000));
    assert!(rendered(&inline).contains("kustomize::field"), "{}", rendered(&inline));
    let json =
        format!("### app/kustomization.yaml\npatches: [{{target: {{kind: X}}, patch: '{}'}}]\n", "[".repeat(5000));
    assert!(rendered(&json).contains("kustomize::field"), "{}", rendered(&json));
}

#[test]
fn what_is_copied_into_itself_again_and_again_is_stopped() {
    let operations =
        "- {op: copy, from: /data, path: /data/a}\n    - {op: copy, from: /data, path: /data/b}\n    ".repeat(40);
    let copies = format!(
        "### app/kustomization.yaml\nresources: [x.yaml]\npatches:\n- target: {{name: x}}\n  patch: |-\n    {operations}
### app/x.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{k: v}}\n"
    );
    assert!(rendered(&copies).contains("the value would"), "{}", rendered(&copies));
    let mut replacements = String::new();
    for _ in 0..60 {
        replacements += "- source: {kind: X, fieldPath: spec}\n  targets: [{select: {kind: X}, fieldPaths: [spec.a, spec.b], options: {create: true}}]\n";
    }
    let nested = format!(
        "### app/kustomization.yaml\nresources: [x.yaml]\nreplacements:\n{replacements}
### app/x.yaml\napiVersion: a.b/v1\nkind: X\nmetadata: {{name: x}}\nspec: {{k: v}}\n"
    );
    assert!(rendered(&nested).contains("the value would"), "{}", rendered(&nested).len());
    let texts = "- source: {kind: X, fieldPath: spec.t}\n  targets: [{select: {kind: X}, fieldPaths: [spec.t], options: {delimiter: ',', index: 999999}}]\n".repeat(60);
    let long = format!(
        "### app/kustomization.yaml\nresources: [x.yaml]\nreplacements:\n{texts}
### app/x.yaml\napiVersion: a.b/v1\nkind: X\nmetadata: {{name: x}}\nspec: {{t: v}}\n"
    );
    assert!(rendered(&long).contains("the value would"), "{}", rendered(&long).len());
    let deep = format!(
        "### app/kustomization.yaml\nresources: [x.yaml]\nconfigurations: [c.yaml]\ncommonLabels: {{a: b}}\n
### app/c.yaml\ncommonLabels: [{{path: {}, create: true}}]
### app/x.yaml\napiVersion: a.b/v1\nkind: X\nmetadata: {{name: x}}\n",
        vec!["a"; 100_000].join("/")
    );
    assert!(rendered(&deep).contains("leads deeper than 256"));
}

/// Files with one repository and one file from elsewhere.
struct Mounted(Tree);

impl Files for Mounted {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        self.0.read(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.0.is_directory(path)
    }

    fn remote(&self, remote: &Remote) -> Result<Option<String>, ReadError> {
        Ok(match remote.name().as_str() {
            "https://github.com/a/b?ref=v1" => Some("@remote/b".to_owned()),
            "https://example.com/x.yaml" => Some("@remote/x.yaml".to_owned()),
            _ => None,
        })
    }
}

#[test]
fn what_lies_elsewhere_is_read_and_cannot_leave_its_place() {
    let files = "
### app/kustomization.yaml
resources:
- https://example.com/x.yaml
- github.com/a/b//deep?ref=v1
### app/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: s}
### @remote/x.yaml
apiVersion: v1
kind: Service
metadata: {name: x}
### @remote/b/deep/kustomization.yaml
resources: [../own.yaml]
### @remote/b/own.yaml
apiVersion: v1
kind: Service
metadata: {name: own}
";
    let rendered = render(&Mounted(tree(files)), "app", Dialect::V5).expect("it renders");
    assert_eq!(rendered.objects.len(), 2);
    assert_eq!(rendered.read, ["app/kustomization.yaml"]);
    let remotes: Vec<String> = rendered.remotes.iter().map(|(remote, files)| format!("{remote}: {files:?}")).collect();
    assert_eq!(
        remotes,
        [
            "https://example.com/x.yaml: {\"\"}",
            "https://github.com/a/b?ref=v1: {\"deep/kustomization.yaml\", \"own.yaml\"}"
        ]
    );
    let escaping = files.replace("../own.yaml", "../../../app/secret.yaml");
    let errors = render(&Mounted(tree(&escaping)), "app", Dialect::V5).expect_err("it leads outside").to_string();
    assert!(errors.contains("lies outside the repository"), "{errors}");
    let above = files.replace("//deep", "//../../app");
    let errors = render(&Mounted(tree(&above)), "app", Dialect::V5).expect_err("it leads outside").to_string();
    assert!(errors.contains("lies outside the repository"), "{errors}");
}

#[test]
fn patches_and_generators_may_name_files_that_lie_elsewhere() {
    let files = "
### app/kustomization.yaml
configMapGenerator: [{name: c, files: [x=https://example.com/x.yaml]}]
patches: [{path: https://example.com/none.yaml}]
### @remote/x.yaml
text
";
    let errors = render(&Mounted(tree(files)), "app", Dialect::V5).expect_err("one is not there").to_string();
    assert_eq!(
        errors,
        "app/kustomization.yaml:2:18: `patches[0].path` names the remote base `https://example.com/none.yaml`"
    );
    let without = files.replace("patches: [{path: https://example.com/none.yaml}]\n", "");
    let rendered = render(&Mounted(tree(&without)), "app", Dialect::V5).expect("it renders");
    assert_eq!(rendered.objects.first().and_then(|object| object.pointer("/data/x")), Some(&"text\n".into()));
}

#[test]
fn an_address_is_a_file_or_a_repository_and_a_folder() {
    let read =
        |entry: &str| Remote::parse(entry).map_or("local".to_owned(), |(remote, folder)| format!("{remote} {folder}"));
    let cases = [
        ("../base", "local"),
        ("https://a.b/c/d.yaml", "https://a.b/c/d.yaml "),
        ("https://github.com/o/r/releases/download/v1/x", "https://github.com/o/r/releases/download/v1/x "),
        ("https://github.com/o/r//a/b?ref=v1", "https://github.com/o/r?ref=v1 a/b"),
        ("https://github.com/o/r/a/b?ref=v1&timeout=9", "https://github.com/o/r?ref=v1 a/b"),
        ("github.com/o/r?version=v2", "https://github.com/o/r?ref=v2 "),
        ("git@github.com:o/r.git//a?ref=x", "https://github.com/o/r?ref=x a"),
        ("https://gitlab.com/g/s/r.git/a/b", "https://gitlab.com/g/s/r a/b"),
        ("https://dev.azure.com/o/p/_git/r/a?ref=m", "https://dev.azure.com/o/p/_git/r?ref=m a"),
        ("https://github.com/o", "https://github.com/o "),
        ("https://", "https:// "),
    ];
    for (entry, expected) in cases {
        assert_eq!(read(entry), expected, "{entry}");
    }
}
