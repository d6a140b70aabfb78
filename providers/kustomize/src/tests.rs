use crate::{Dialect, Tree, render};

/// Files written as `### path` and their content.
fn tree(text: &str) -> Tree {
    text.split("### ")
        .skip(1)
        .filter_map(|file| file.split_once('\n'))
        .map(|(path, content)| (path.trim(), content))
        .collect()
}

/// What is rendered of the folder `app`, as YAML, with notes before it; or the errors.
fn rendered(files: &str) -> String {
    match render(&tree(files), "app", Dialect::V3_2) {
        Ok(rendered) => {
            let notes: String =
                rendered.notes.iter().map(|note| format!("# {}: {}\n", note.place, note.text)).collect();
            notes + &kfplan_objects::yaml::to_stream(&rendered.objects)
        }
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn dialect_5_is_refused_for_now() {
    let errors = render(&Tree::new(), "app", Dialect::V5).map(|_| ()).map_err(|errors| errors.to_string());
    assert_eq!(
        errors,
        Err("dialect 5 is not supported yet: only kustomizations of dialect 3.2 can be rendered".to_owned())
    );
}

#[test]
fn a_base_is_named_labelled_and_moved() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
namespace: prod
namePrefix: my-
commonLabels: {team: a}
bases: [../base]
### base/kustomization.yaml
resources: [all.yaml]
### base/all.yaml
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
"), @r"
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata:
      labels:
        team: a
      name: my-web
    ---
    apiVersion: v1
    kind: Service
    metadata:
      labels:
        team: a
      name: my-web
      namespace: prod
    spec:
      selector:
        app: web
        team: a
    ");
}
