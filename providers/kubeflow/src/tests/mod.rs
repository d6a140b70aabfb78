//! Text in, text out: a KfDef and files, and the objects they come to.

mod kfdef;
mod kind;
mod kustomization;
mod patches;

use std::collections::BTreeMap;

use kfplan_kustomize::Tree;
use kfplan_objects::yaml;

use crate::{Bundle, Choice, KubeflowErrors, Repos, Source, applications};

/// Files written as `### path` and their content.
fn tree(text: &str) -> Tree {
    text.split("### ")
        .skip(1)
        .filter_map(|file| file.split_once('\n'))
        .map(|(path, file)| (path.trim(), file))
        .collect()
}

/// A choice, each word with `+` before what is added and `-` before what is removed.
fn choice(words: &str) -> Choice {
    let mut choice = Choice::default();
    for word in words.split_whitespace() {
        match word.split_at(1) {
            ("+", name) => choice.add.push(name.to_owned()),
            (_, name) => choice.remove.push(name.to_owned()),
        }
    }
    choice
}

/// Renders `kfdef.yaml` of some files, which are also the repository `manifests`.
fn from_kfdef(files: &str, words: &str) -> Result<Bundle, KubeflowErrors> {
    let tree = tree(files);
    let text = tree.iter().find(|(path, _)| *path == "kfdef.yaml").map(|(_, content)| content).unwrap_or_default();
    let text = std::str::from_utf8(text).expect("it is text");
    let repos: Repos<'_> = BTreeMap::from([("manifests".to_owned(), &tree as _)]);
    applications(Source::KfDef { file: "kfdef.yaml", text }, &choice(words), &repos)
}

/// The notes, then each application with its objects.
fn shown(result: Result<Bundle, KubeflowErrors>) -> String {
    match result {
        Err(errors) => errors.to_string(),
        Ok(bundle) => {
            let notes = bundle.notes.iter().map(|note| format!("# {}: {}\n", note.code, note.message));
            let applications = bundle.applications.iter().map(|application| {
                let objects = yaml::to_stream(&application.objects);
                format!("== {}\n{objects}", application.name)
            });
            notes.chain(applications).collect()
        }
    }
}
