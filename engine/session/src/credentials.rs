//! Kubeconfigs: got from the cloud, merged into a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use kfplan_model::ResourceAddress;
use kfplan_objects::yaml;
use serde_json::{Map, Value as Json, json};

use crate::error::{Failure, SessionError};
use crate::session::Session;

impl Session {
    /// The kubeconfig of a cluster of the stack; the only one when none is named.
    ///
    /// # Errors
    ///
    /// When the name names no cluster, or the credentials cannot be had.
    pub async fn credentials(&mut self, cluster: Option<&str>) -> Result<String, SessionError> {
        let clusters: Vec<&ResourceAddress> = self
            .stack
            .resources
            .keys()
            .filter(|address| matches!(address.type_name(), "aks_cluster" | "kubernetes_cluster"))
            .collect();
        let known = || clusters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let chosen = match (cluster, clusters.as_slice()) {
            (Some(name), _) => clusters.iter().find(|address| address.to_string() == name).copied(),
            (None, [only]) => Some(*only),
            (None, _) => None,
        };
        let chosen = chosen.ok_or_else(|| match cluster {
            Some(name) => Failure::new(
                "credentials",
                format!("`{name}` is no cluster of this stack"),
                format!("the clusters are: {}", known()),
            ),
            None => {
                Failure::new("credentials", "the stack has no cluster, or several", format!("name one of: {}", known()))
            }
        })?;
        Ok(self.connection()?.kubeconfig(chosen).await?)
    }

    /// Merges a kubeconfig into a file: by default the first of `KUBECONFIG`, else `~/.kube/config`. Gives the file and
    /// the context, which becomes the current one.
    ///
    /// # Errors
    ///
    /// When either is no kubeconfig, or the file cannot be written.
    pub fn merge_kubeconfig(&self, text: &str, file: Option<&Path>) -> Result<(PathBuf, String), SessionError> {
        let variables = &self.options.variables;
        let default = || {
            let first = variables.get("KUBECONFIG").and_then(|list| list.split(':').find(|path| !path.is_empty()));
            first.map(PathBuf::from).or_else(|| Some(PathBuf::from(variables.get("HOME")?).join(".kube/config")))
        };
        let file = file.map(|file| self.options.directory.join(file)).or_else(default).ok_or_else(|| {
            Failure::new("credentials", "neither `KUBECONFIG` nor `HOME` is set", "name a file with `--file`")
        })?;
        let before = match std::fs::read_to_string(&file) {
            Ok(text) => parsed(&text, &file.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => json!({"apiVersion": "v1", "kind": "Config"}),
            Err(error) => return Err(SessionError::system(&format!("read `{}`", file.display()), &error)),
        };
        let new = parsed(text, "the cluster's kubeconfig")?;
        let context = new.get("current-context").and_then(Json::as_str).unwrap_or_default().to_owned();
        write_private(&file, &yaml::to_text(&merged(before, &new)))?;
        Ok((file, context))
    }
}

fn parsed(text: &str, name: &str) -> Result<Json, SessionError> {
    let wrong = |why: String| {
        Failure::new(
            "kubeconfig",
            format!("{name} is not a kubeconfig: {why}"),
            "correct it, or name another file with `--file`",
        )
    };
    let documents = yaml::parse_documents(text, yaml::Dialect::Kustomize5).map_err(|error| wrong(error.to_string()))?;
    Ok(documents.into_iter().next().filter(Json::is_object).ok_or_else(|| wrong("it has no map".to_owned()))?)
}

/// `before`, with the clusters, users and contexts of `new` in place of those of the same name.
fn merged(before: Json, new: &Json) -> Json {
    let Json::Object(mut map) = before else { return new.clone() };
    for key in ["clusters", "users", "contexts"] {
        let fresh = new.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
        let kept = map.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
        let replaced = |entry: &Json| fresh.iter().any(|fresh| fresh.get("name") == entry.get("name"));
        let all: Vec<Json> = kept.into_iter().filter(|entry| !replaced(entry)).chain(fresh.iter().cloned()).collect();
        map.insert(key.to_owned(), all.into());
    }
    map.insert("current-context".to_owned(), new.get("current-context").cloned().unwrap_or_default());
    with_head(map)
}

fn with_head(mut map: Map<String, Json>) -> Json {
    map.entry("apiVersion").or_insert_with(|| "v1".into());
    map.entry("kind").or_insert_with(|| "Config".into());
    Json::Object(map)
}

/// Writes a file that only its owner may read: made anew beside it, and renamed into place.
fn write_private(file: &Path, text: &str) -> Result<(), SessionError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: std::io::Error| SessionError::system(&format!("write `{}`", file.display()), &error);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let partial = file.with_extension(format!("kfplan-{}", std::process::id()));
    let mut open = std::fs::OpenOptions::new();
    open.write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut new| new.write_all(text.as_bytes()).and_then(|()| new.sync_all()))
        .map_err(failed)?;
    std::fs::rename(&partial, file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_replaces_what_has_the_same_name_and_keeps_the_rest() {
        let before = json!({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a", "cluster": 1}, {"name": "b", "cluster": 2}], "preferences": {"x": 1}});
        let new = json!({"clusters": [{"name": "b", "cluster": 3}], "users": [], "contexts": [{"name": "b"}], "current-context": "b"});
        assert_eq!(
            merged(before, &new),
            json!({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a", "cluster": 1}, {"name": "b", "cluster": 3}], "contexts": [{"name": "b"}], "users": [], "preferences": {"x": 1}, "current-context": "b"})
        );
    }
}
