//! Text in, text out: files as text, and what is rendered of them.
//!
//! What these snapshots hold was compared with kustomize 3.2.0 when they were written.

mod dialect5;
mod errors;
mod fields;
mod generators;
mod names;
mod patches;

use crate::{Dialect, Tree, render};

/// Files written as `### path` and their content.
fn tree(text: &str) -> Tree {
    text.split("### ")
        .skip(1)
        .filter_map(|file| file.split_once('\n'))
        .map(|(path, file)| (path.trim(), file))
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
fn a_dialect_is_read_by_its_number() {
    assert_eq!("5".parse(), Ok(Dialect::V5));
    assert_eq!("4".parse::<Dialect>(), Err("`4` is no dialect of kustomize; there are `3.2` and `5`".to_owned()));
}

#[test]
fn every_file_that_is_read_is_told() {
    let files = "
### app/kustomization.yaml
resources: [../base, own.yaml]
configMapGenerator: [{name: c, files: [../data/x]}]
### app/own.yaml
apiVersion: v1
kind: Pod
metadata: {name: p}
### base/kustomization.yml
patchesStrategicMerge: []
### data/x
x
### data/unread
y
";
    let read = render(&tree(files), "./app/", Dialect::V3_2).map(|rendered| rendered.read);
    let expected = ["app/kustomization.yaml", "app/own.yaml", "base/kustomization.yml", "data/x"];
    assert_eq!(read, Ok(expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_ring_of_bases_and_a_missing_folder_are_refused() {
    insta::assert_snapshot!(rendered("
### app/kustomization.yaml
bases: [../b]
### b/kustomization.yaml
bases: [../c, ../nothing, ../empty]
### c/kustomization.yaml
bases: [../app]
### empty/file
"), @r"
    c/kustomization.yaml:1:9: `app` contains this kustomization, by way of app → b → c → app
    b/kustomization.yaml:1:15: `bases[1]` names `nothing`, which does not exist
    b/kustomization.yaml:1:27: `empty` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`
    ");
}

#[test]
fn doubled_kustomizations_are_counted_and_stopped() {
    let mut files = String::from("### d0/kustomization.yaml\nresources: []\n");
    for level in 1..40 {
        let below = level - 1;
        files += &format!("### d{level}/kustomization.yaml\nresources: [../d{below}, ../d{below}]\n");
    }
    files += "### app/kustomization.yaml\nresources: [../d39]\n";
    assert!(rendered(&files).contains("more than 10000 kustomizations are included"), "{}", rendered(&files));
}
