//! What `buildMetadata` notes on objects: where they come from, and what changed them.

use std::collections::BTreeMap;
use std::rc::Rc;

use kfplan_objects::yaml;
use serde_json::{Map, Value};

use crate::kustomization::BuildMetadata;
use crate::remote::Remote;
use crate::render::is_below;
use crate::resource::{Resource, set_metadata};

const ORIGIN: &str = "config.kubernetes.io/origin";
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// A generator or transformer, and the file that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) file: String,
    pub(crate) kind: String,
    /// Of a plugin that is configured by an object of its own.
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Configured {
    pub(crate) fn by(file: &str, kind: &str) -> Rc<Self> {
        Rc::new(Self { file: file.to_owned(), kind: kind.to_owned(), name: String::new(), namespace: String::new() })
    }
}

/// Writes the notes of one render.
pub(crate) struct Notes<'a> {
    pub(crate) build: BuildMetadata,
    /// The folder that is rendered.
    pub(crate) root: &'a str,
    pub(crate) mounts: &'a BTreeMap<String, Remote>,
}

impl Notes<'_> {
    /// Puts the notes on an object.
    pub(crate) fn put(&self, resource: &mut Resource) {
        let mut notes = Vec::new();
        if self.build.origin {
            let text = match &resource.configured {
                Some(configured) => self.configured(configured),
                None => self.place("path", &resource.origin.file),
            };
            notes.push((ORIGIN, text));
        }
        if self.build.transformations && !resource.transformations.is_empty() {
            let entries = resource.transformations.iter().map(|configured| {
                let text = self.configured(configured);
                format!("- {}", text.trim_end().replace('\n', "\n  ") + "\n")
            });
            notes.push((TRANSFORMATIONS, entries.collect()));
        }
        if notes.is_empty() {
            return;
        }
        let mut annotations = match resource.value.get("metadata").and_then(|metadata| metadata.get("annotations")) {
            Some(Value::Object(annotations)) => annotations.clone(),
            _ => Map::new(),
        };
        annotations.extend(notes.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))));
        set_metadata(&mut resource.value, "annotations", Some(Value::Object(annotations)));
    }

    fn configured(&self, configured: &Configured) -> String {
        let mut text = self.place("configuredIn", &configured.file);
        text += &format!("configuredBy:\n  apiVersion: builtin\n  kind: {}\n", written(&configured.kind));
        for (key, value) in [("name", &configured.name), ("namespace", &configured.namespace)] {
            if !value.is_empty() {
                text += &format!("  {key}: {}\n", written(value));
            }
        }
        text
    }

    /// A file as seen from the folder that is rendered, or from the root of the repository it lies in.
    fn place(&self, key: &str, file: &str) -> String {
        let mount = self.mounts.iter().find(|(root, _)| is_below(file, root));
        let (path, repository) = match mount {
            None => (relative(self.root, file), String::new()),
            Some((_, Remote::File { url })) => (url.clone(), String::new()),
            Some((root, Remote::Repository { url, reference })) => {
                let path = file.strip_prefix(root.as_str()).unwrap_or(file).trim_start_matches('/').to_owned();
                let reference = if reference.is_empty() { String::new() } else { format!("ref: {reference}\n") };
                (path, format!("repo: {url}\n{reference}"))
            }
        };
        if key == "path" { format!("path: {path}\n{repository}") } else { format!("{repository}{key}: {path}\n") }
    }
}

/// A text as YAML, in quotes where it needs them.
fn written(text: &str) -> String {
    yaml::to_text(&Value::from(text)).trim_end().to_owned()
}

/// A file as seen from a folder; both are seen from the root.
fn relative(folder: &str, file: &str) -> String {
    let mut own: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let mut path: Vec<&str> = file.split('/').collect();
    while let (Some(one), Some(other)) = (own.first(), path.first()) {
        if one != other || path.len() == 1 {
            break;
        }
        own.remove(0);
        path.remove(0);
    }
    format!("{}{}", "../".repeat(own.len()), path.join("/"))
}
