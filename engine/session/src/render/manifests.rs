//! A `manifests` resource as objects: files, a kustomization, or inline YAML.

use std::sync::Arc;

use kfplan_kustomize::Dialect;
use kfplan_model::Value;
use kfplan_objects::yaml;
use kfplan_plan::{Digest, InputDigest, RenderRequest, Rendered, RenderedObject};
use kfplan_sources::Tree;
use serde_json::Value as Json;

use super::kubeflow::in_repo;
use super::{OpenRepos, ReadFiles};
use crate::error::{Failure, SessionError};
use crate::place::Place;
use crate::remotes::{Remotes, WithRemotes};
use crate::repos::TreeFiles;

/// The rendered objects, and the files that were read by repo.
pub(super) fn render(
    request: &RenderRequest,
    place: &Place,
    repos: &OpenRepos,
    remotes: &Remotes,
) -> Result<(Rendered, ReadFiles), SessionError> {
    let fields = &request.fields;
    let mut read = ReadFiles::default();
    let (mut bodies, mut inputs) = (Vec::new(), Vec::new());
    for pattern in fields.get("files").map(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str) {
        for (name, text) in files(request, place, pattern)? {
            inputs.push(InputDigest { name: name.clone(), digest: Digest::of(text.as_bytes()) });
            bodies.extend(parsed(request, &name, &text)?);
        }
    }
    if let Some(source) = fields.get("kustomization").and_then(Value::as_str) {
        bodies.extend(kustomized(request, place, (repos, remotes), source, &mut read, &mut inputs)?);
    }
    if let Some(text) = fields.get("yaml").and_then(Value::as_str) {
        bodies.extend(parsed(request, "yaml", text)?);
    }
    let objects = bodies
        .into_iter()
        .map(|body| RenderedObject {
            application: None,
            body: Arc::new(body),
            holes: Vec::new(),
            sensitive: Vec::new(),
        })
        .collect();
    Ok((Rendered { objects, notes: Vec::new(), inputs, digest: None }, read))
}

fn files(request: &RenderRequest, place: &Place, pattern: &str) -> Result<Vec<(String, String)>, SessionError> {
    let found = crate::glob::matches(place.folder(), pattern)
        .map_err(|error| SessionError::system(&format!("list `{pattern}`"), &error))?;
    if found.is_empty() {
        return Err(Failure::new(
            "manifests::files",
            format!("`{pattern}` of `{}` matches no file", request.resource),
            "it is relative to the stack file; `**` stands for any folders",
        )
        .into());
    }
    found.into_iter().map(|path| Ok((path.display().to_string(), place.read(&place.folder().join(&path))?))).collect()
}

/// The objects of a YAML text; the items of a `List` stand for themselves.
fn parsed(request: &RenderRequest, name: &str, text: &str) -> Result<Vec<Json>, SessionError> {
    let wrong = |error: String| {
        Failure::new("manifests::yaml", format!("`{name}` of `{}`: {error}", request.resource), "correct the file")
    };
    let documents = yaml::parse_documents(text, yaml::Dialect::Kustomize5).map_err(|error| wrong(error.to_string()))?;
    let mut objects = Vec::new();
    for document in documents {
        match document.get("items") {
            Some(Json::Array(items))
                if document.get("kind").and_then(Json::as_str).is_some_and(|kind| kind.ends_with("List")) =>
            {
                objects.extend(items.iter().cloned())
            }
            _ => objects.push(document),
        }
    }
    Ok(objects)
}

fn kustomized(
    request: &RenderRequest,
    place: &Place,
    (repos, remotes): (&OpenRepos, &Remotes),
    source: &str,
    read: &mut ReadFiles,
    inputs: &mut Vec<InputDigest>,
) -> Result<Vec<Json>, SessionError> {
    let dialect = match request.fields.get("dialect").and_then(Value::as_str) {
        Some("3.2") => Dialect::V3_2,
        _ => Dialect::V5,
    };
    let failed = |errors: kfplan_kustomize::RenderErrors| {
        let related = errors.findings().into_iter().map(super::failure).collect();
        SessionError::from(Failure::all(
            "kustomize",
            format!("`{source}` of `{}` cannot be rendered", request.resource),
            related,
        ))
    };
    if source.starts_with('@') {
        let (repo, path) = in_repo(request, source)?;
        let opened = repos.get(repo).ok_or_else(|| {
            Failure::new("repo", format!("`@{repo}` is not declared"), format!("add `[repos.{repo}]`"))
        })?;
        let files = WithRemotes { files: &opened.files, remotes };
        let rendered = kfplan_kustomize::render(&files, path, dialect).map_err(failed)?;
        read.repos.entry(repo.to_owned()).or_default().extend(rendered.read);
        read.remotes.extend(rendered.remotes);
        return Ok(rendered.objects);
    }
    let root = Tree::open(place.folder()).map_err(|error| crate::repos::failed("the stack's folder", &error))?;
    let files = TreeFiles(root);
    let with_remotes = WithRemotes { files: &files, remotes };
    let rendered = kfplan_kustomize::render(&with_remotes, source.trim_end_matches('/'), dialect).map_err(failed)?;
    read.remotes.extend(rendered.remotes);
    let found = crate::repos::digest_of(&files, &rendered.read.into_iter().collect())?;
    inputs.push(InputDigest { name: source.to_owned(), digest: Digest::of(found.as_bytes()) });
    Ok(rendered.objects)
}
