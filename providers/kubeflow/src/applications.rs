//! From a KfDef or a kustomization to the objects of each application.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_kustomize::{Dialect, Files, Place, Remote, Rendered, render};
use kfplan_objects::identity::Scopes;
use kfplan_plan::{Note, Severity};
use serde_json::{Value, json};

use crate::error::{KubeflowError, KubeflowErrors, checked};
use crate::kfdef::{KfApplication, KfDef, note};
use crate::kustomization;
use crate::merge;
use crate::naming::{group_kind, metadata, name_of};
use crate::order;

/// Where an installation is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// The text of a KfDef, and the name of its file, for messages.
    KfDef {
        /// The name.
        file: &'a str,
        /// The text.
        text: &'a str,
    },
    /// A kustomization; each entry of its resources is an application.
    Kustomization {
        /// The repository.
        repo: &'a str,
        /// The folder.
        path: &'a str,
        /// How it is rendered.
        dialect: Dialect,
    },
}

/// What the stack wants other than the source says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Applications of a KfDef, or entries of a kustomization, to leave out.
    pub remove: Vec<String>,
    /// Folders to add, as `@REPO/PATH`.
    pub add: Vec<String>,
}

/// The trees of the repositories that the stack declares, by name.
pub type Repos<'a> = BTreeMap<String, &'a dyn Files>;

/// The objects of one application.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its objects, in an order that installs.
    pub objects: Vec<Value>,
}

/// An installation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bundle {
    /// The applications, in the order of the source.
    pub applications: Vec<Application>,
    /// The files that were read, by repository.
    pub read: BTreeMap<String, Vec<String>>,
    /// What lies somewhere else, with the files of it that were read.
    pub remotes: BTreeMap<Remote, BTreeSet<String>>,
    /// What the plan has to say.
    pub notes: Vec<Note>,
}

impl Bundle {
    /// All objects, in order.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.applications.iter().flat_map(|application| &application.objects)
    }

    /// All objects, in order, to be changed in place.
    pub fn objects_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.applications.iter_mut().flat_map(|application| &mut application.objects)
    }

    pub(crate) fn take_in(&mut self, repo: &str, rendered: Rendered) {
        let read = self.read.entry(repo.to_owned()).or_default();
        read.extend(rendered.read);
        read.sort();
        read.dedup();
        for (remote, files) in rendered.remotes {
            self.remotes.entry(remote).or_default().extend(files);
        }
        self.notes.extend(rendered.notes.into_iter().map(|found| Note {
            severity: Severity::Info,
            code: "kustomize::note".to_owned(),
            address: None,
            message: format!("{}: {}", found.place, found.text),
            help: None,
        }));
    }
}

/// Renders every application of an installation.
///
/// Objects that several applications bring are merged; objects that belong in a
/// namespace and name none go to `default`, as with `kfctl`; the namespace of the KfDef
/// is among them.
///
/// # Errors
///
/// Everything that is wrong with the source, the choice, or any application.
pub fn applications(source: Source<'_>, choice: &Choice, repos: &Repos<'_>) -> Result<Bundle, KubeflowErrors> {
    let mut bundle = match source {
        Source::KfDef { file, text } => from_kfdef(file, text, choice, repos)?,
        Source::Kustomization { repo, path, dialect } => kustomization::render(repo, path, dialect, choice, repos)?,
    };
    settle(&mut bundle);
    Ok(bundle)
}

fn from_kfdef(file: &str, text: &str, choice: &Choice, repos: &Repos<'_>) -> Result<Bundle, KubeflowErrors> {
    let kfdef = KfDef::parse(file, text)?;
    if let Some(error) = kfdef.legacy(file) {
        return Err(KubeflowErrors(vec![error]));
    }
    let mut errors = Vec::new();
    let wanted = choose(&kfdef, choice, &mut errors);
    let mut bundle = Bundle { notes: kfdef.notes.clone(), ..Bundle::default() };
    let mut unknown = Vec::new();
    for application in wanted {
        let Some(files) = repos.get(&application.repo) else {
            // Once for each repository is enough.
            if !unknown.contains(&application.repo) {
                let origin = kfdef.repos.iter().find(|repo| repo.name == application.repo).map(|repo| repo.uri.clone());
                let (place, repo) = (application.place.clone(), application.repo.clone());
                errors.push(KubeflowError::UnknownRepo { place, repo, origin });
                unknown.push(application.repo);
            }
            continue;
        };
        match render(*files, &application.path, Dialect::V3_2) {
            Ok(mut rendered) => {
                let mut objects = std::mem::take(&mut rendered.objects);
                order::sort(&mut objects);
                bundle.take_in(&application.repo, rendered);
                bundle.applications.push(Application { name: application.name, objects });
            }
            Err(source) => errors.push(KubeflowError::Render { application: application.name, source }),
        }
    }
    add_namespace(&mut bundle, &kfdef.namespace);
    checked(bundle, errors)
}

/// The applications without those to remove and with those to add.
fn choose(kfdef: &KfDef, choice: &Choice, errors: &mut Vec<KubeflowError>) -> Vec<KfApplication> {
    for name in &choice.remove {
        if kfdef.applications.iter().all(|application| application.name != *name) {
            let known = kfdef.applications.iter().map(|application| application.name.clone()).collect();
            errors.push(KubeflowError::UnknownApplication { name: name.clone(), known });
        }
    }
    let mut wanted: Vec<KfApplication> =
        kfdef.applications.iter().filter(|application| !choice.remove.contains(&application.name)).cloned().collect();
    for text in &choice.add {
        match added(text, &wanted) {
            Ok(application) => wanted.push(application),
            Err(reason) => errors.push(KubeflowError::Add { text: text.clone(), reason }),
        }
    }
    wanted
}

/// Repository and path of `@REPO/PATH`.
pub(crate) fn split_reference(text: &str) -> Result<(&str, &str), String> {
    let reference = text.strip_prefix('@').and_then(|rest| rest.split_once('/'));
    match reference {
        Some((repo, path)) if !repo.is_empty() && !path.is_empty() => Ok((repo, path.trim_end_matches('/'))),
        _ => Err("it must have the form `@REPO/PATH`".to_owned()),
    }
}

/// An added application is called by its folder, or by its whole path where that name is taken.
fn added(text: &str, wanted: &[KfApplication]) -> Result<KfApplication, String> {
    let (repo, path) = split_reference(text)?;
    let is_taken = |name: &str| wanted.iter().any(|application| application.name == name);
    let folder = path.rsplit('/').next().unwrap_or(path);
    let name = if is_taken(folder) { path.replace('/', "-") } else { folder.to_owned() };
    if is_taken(&name) {
        return Err(format!("there is an application `{name}` already"));
    }
    Ok(KfApplication {
        name,
        place: Place { file: text.to_owned(), at: None },
        repo: repo.to_owned(),
        path: path.to_owned(),
        overlays: Vec::new(),
        parameters: Vec::new(),
    })
}

/// `kfctl` made sure of the namespace before anything else, with two labels. Where an
/// application brings the namespace too, it has both.
fn add_namespace(bundle: &mut Bundle, namespace: &str) {
    let own = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": namespace,
            "labels": {"control-plane": "kubeflow", "katib-metricscollector-injection": "enabled"},
        },
    });
    let found = bundle
        .objects_mut()
        .find(|object| object.get("kind") == own.get("kind") && metadata(object, "name") == namespace);
    match found {
        Some(object) => {
            let labels = object
                .pointer_mut("/metadata")
                .and_then(Value::as_object_mut)
                .map(|metadata| metadata.entry("labels").or_insert_with(|| json!({})));
            if let (Some(Value::Object(labels)), Some(own)) =
                (labels, own.pointer("/metadata/labels").and_then(Value::as_object))
            {
                for (key, value) in own {
                    labels.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        None => bundle.applications.insert(0, Application { name: "namespace".to_owned(), objects: vec![own] }),
    }
}

/// Gives every object its one place: scopes, then identities.
fn settle(bundle: &mut Bundle) {
    let scopes = Scopes::of(bundle.objects());
    let mut notes = Vec::new();
    for application in &mut bundle.applications {
        for object in &mut application.objects {
            notes.extend(settle_one(&scopes, &application.name, object));
        }
    }
    bundle.notes.append(&mut notes);
    let merged = merge::duplicates(&mut bundle.applications);
    bundle.notes.extend(merged);
}

fn settle_one(scopes: &Scopes, application: &str, object: &mut Value) -> Option<Note> {
    let namespace = metadata(object, "namespace").to_owned();
    let (group, kind) = group_kind(object);
    match scopes.namespaced(group, kind)? {
        true if namespace.is_empty() => {
            let message = format!(
                "{} of `{application}` names no namespace and goes to `default`; kfctl put it wherever the kubeconfig pointed",
                name_of(object)
            );
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), "default".into());
            }
            Some(note("kubeflow::default_namespace", message))
        }
        false if !namespace.is_empty() => {
            let message =
                format!("{} of `{application}` has no namespace, though its manifest names one", name_of(object));
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("namespace");
            }
            Some(Note { severity: Severity::Info, ..note("kubeflow::cluster_scoped", message) })
        }
        _ => None,
    }
}
