//! Rendered objects as a YAML stream, a list, or files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kfplan_objects::yaml;
use serde_json::Value as Json;

use crate::error::{Failure, SessionError};

/// Rendered objects, each with its application.
#[derive(Debug, Clone)]
pub struct RenderedText {
    objects: Vec<(Option<String>, Json)>,
    /// What is to be said about them, a line each.
    pub notes: Vec<String>,
}

impl RenderedText {
    pub(crate) const fn new(objects: Vec<(Option<String>, Json)>, notes: Vec<String>) -> Self {
        Self { objects, notes }
    }

    /// One YAML stream.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        yaml::to_stream(self.objects.iter().map(|(_, object)| object))
    }

    /// The objects, a line each, under their applications.
    #[must_use]
    pub fn list(&self) -> String {
        let mut out = String::new();
        let mut last = None;
        for (application, object) in &self.objects {
            if last != Some(application) {
                let count = self.objects.iter().filter(|(other, _)| other == application).count();
                let _ = writeln!(out, "{} ({count})", application.as_deref().unwrap_or("objects"));
                last = Some(application);
            }
            let _ = writeln!(
                out,
                "  {} {} {}{}",
                text(object, "/apiVersion"),
                text(object, "/kind"),
                namespace(object),
                text(object, "/metadata/name")
            );
        }
        out
    }

    /// Writes one file an object, a folder an application, each with a kustomization.yaml. Gives how many files.
    ///
    /// # Errors
    ///
    /// When the folder is not empty, or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize, SessionError> {
        let failed =
            |error: std::io::Error| SessionError::system(&format!("write below `{}`", folder.display()), &error);
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::new(
                "render::not_empty",
                format!("`{}` is not empty", folder.display()),
                "name a folder that is not there yet, so that nothing is mixed up",
            )
            .into());
        }
        let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        let mut order = Vec::new();
        for (application, object) in &self.objects {
            let below = application.as_ref().map_or_else(PathBuf::new, |application| PathBuf::from(plain(application)));
            let names = folders.entry(below.clone()).or_default();
            if names.is_empty() {
                order.push(below.clone());
                std::fs::create_dir_all(folder.join(&below)).map_err(failed)?;
            }
            let stem =
                plain(&format!("{}-{}{}", text(object, "/kind"), namespace(object), text(object, "/metadata/name")))
                    .to_lowercase();
            let mut name = format!("{stem}.yaml");
            let mut again = 2;
            while names.contains(&name) {
                name = format!("{stem}-{again}.yaml");
                again += 1;
            }
            std::fs::write(folder.join(&below).join(&name), yaml::to_text(object)).map_err(failed)?;
            names.push(name);
        }
        for below in &order {
            let resources = folders.get(below).map(Vec::as_slice).unwrap_or_default();
            std::fs::write(folder.join(below).join("kustomization.yaml"), kustomization(resources)).map_err(failed)?;
        }
        if !order.contains(&PathBuf::new()) {
            let applications: Vec<String> = order.iter().map(|below| below.display().to_string()).collect();
            std::fs::write(folder.join("kustomization.yaml"), kustomization(&applications)).map_err(failed)?;
        }
        Ok(self.objects.len() + order.len() + usize::from(!order.contains(&PathBuf::new())))
    }
}

fn kustomization(resources: &[String]) -> String {
    yaml::to_text(
        &serde_json::json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}),
    )
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

fn namespace(object: &Json) -> String {
    match text(object, "/metadata/namespace") {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    }
}

/// A name that is safe as a file on every system.
fn plain(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    safe.trim_start_matches('.').to_owned()
}
