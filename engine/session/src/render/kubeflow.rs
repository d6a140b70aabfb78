//! A `kubeflow` resource as objects: applications, AKS patches, own patches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfplan_kubeflow::patches::{self, Expose, Facts, OwnPatch, Selection};
use kfplan_kubeflow::{Choice, KubeflowErrors, Repos, Source, applications};
use kfplan_kustomize::{Dialect, Files};
use kfplan_model::{Path, Target, Value};
use kfplan_plan::{RenderRequest, Rendered, RenderedObject};
use serde_json::Value as Json;

use super::{OpenRepos, ReadFiles};
use crate::error::{Failure, SessionError};
use crate::fields::Marked;
use crate::remotes::{Remotes, WithRemotes};

/// The rendered objects, and the files that were read by repo.
pub(super) fn render(
    request: &RenderRequest,
    repos: &OpenRepos,
    remotes: &Remotes,
) -> Result<(Rendered, ReadFiles), SessionError> {
    let fields = &request.fields;
    let trees: BTreeMap<String, WithRemotes<'_>> =
        repos.iter().map(|(name, opened)| (name.clone(), WithRemotes { files: &opened.files, remotes })).collect();
    let files: Repos<'_> = trees.iter().map(|(name, tree)| (name.clone(), tree as &dyn Files)).collect();
    let choice = Choice { remove: texts(fields.get("remove")), add: texts(fields.get("add")) };
    let failed = |errors: KubeflowErrors| {
        let related = errors.findings().into_iter().map(crate::render::failure).collect();
        SessionError::from(Failure::all("kubeflow", format!("`{}` cannot be rendered", request.resource), related))
    };
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut bundle =
        match (fields.get("kfdef").and_then(Value::as_str), fields.get("kustomization").and_then(Value::as_str)) {
            (Some(source), _) => {
                let (repo, path) = in_repo(request, source)?;
                let text = file(request, repos, repo, path)?;
                read.entry(repo.to_owned()).or_default().insert(path.to_owned());
                applications(Source::KfDef { file: source, text: &text }, &choice, &files)
            }
            (None, Some(source)) => {
                let (repo, path) = in_repo(request, source)?;
                applications(Source::Kustomization { repo, path, dialect: Dialect::V5 }, &choice, &files)
            }
            (None, None) => {
                return Err(Failure::new(
                    "kubeflow::source",
                    format!("`{}` has neither `kfdef` nor `kustomization`", request.resource),
                    "name one of them, such as `kfdef = \"@manifests/kfdef/FILE.yaml\"`",
                )
                .into());
            }
        }
        .map_err(failed)?;
    let facts = facts(request);
    let decisions = patches::decide(&selection(fields), &facts, &bundle).map_err(failed)?;
    patches::apply(&decisions, &facts, &mut bundle).map_err(failed)?;
    let mut marked = Marked::default();
    let own = fields
        .get("patch")
        .map(|list| list.as_list().iter().map(|patch| own_patch(patch, &mut marked)).collect())
        .unwrap_or_else(|| Ok(Vec::new()));
    let own: Vec<OwnPatch> = own.map_err(|reason| {
        Failure::new(
            "kubeflow::patch",
            format!("`{}`: {reason}", request.resource),
            "see `[[kubeflow.NAME.patch]]` in the reference",
        )
    })?;
    if let Some(path) = bundle.objects().find_map(|object| marked.forged(object)) {
        let message = format!("`{}`: a manifest has the control character U+0001 at `{path}`", request.resource);
        let help = "take it out: with it a manifest could pull values of the stack to where its author wants them";
        return Err(Failure::new("kubeflow::forged", message, help).into());
    }
    patches::apply_own(&own, &mut bundle).map_err(failed)?;
    for (name, files) in &bundle.read {
        read.entry(name.clone()).or_default().extend(files.iter().cloned());
    }
    let read = ReadFiles { repos: read, remotes: std::mem::take(&mut bundle.remotes) };
    let notes = std::mem::take(&mut bundle.notes);
    let mut objects = Vec::new();
    for application in bundle.applications {
        for body in application.objects {
            let settled = marked.settle(body).map_err(|path| {
                Failure::new(
                    "kubeflow::late",
                    format!(
                        "`{}`: a patch puts a value that is known only after apply into the text at `{path}`",
                        request.resource
                    ),
                    "patch a field of its own, or state the value",
                )
            })?;
            objects.push(RenderedObject {
                application: Some(application.name.clone()),
                body: Arc::new(settled.body),
                holes: settled.holes,
                sensitive: settled.sensitive,
            });
        }
    }
    Ok((Rendered { objects, notes, inputs: Vec::new(), digest: None }, read))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.map(|list| list.as_list().iter().filter_map(Value::as_str).map(str::to_owned).collect()).unwrap_or_default()
}

/// The repo and path of `@REPO/PATH`.
pub(super) fn in_repo<'a>(request: &RenderRequest, source: &'a str) -> Result<(&'a str, &'a str), SessionError> {
    source.strip_prefix('@').and_then(|rest| rest.split_once('/')).ok_or_else(|| {
        Failure::new(
            "repo",
            format!("`{source}` of `{}` names no repo", request.resource),
            "write it as `@REPO/PATH`, and declare `[repos.REPO]`",
        )
        .into()
    })
}

fn file(request: &RenderRequest, repos: &OpenRepos, repo: &str, path: &str) -> Result<String, SessionError> {
    let missing = |what: String| {
        Failure::new("repo::file", format!("`{}`: {what}", request.resource), "check the path inside the repo")
    };
    let opened = repos.get(repo).ok_or_else(|| missing(format!("`@{repo}` is not declared")))?;
    let bytes = opened.files.read(path).map_err(|error| missing(format!("`@{repo}/{path}`: {}", error.reason)))?;
    let bytes = bytes.ok_or_else(|| missing(format!("there is no file `@{repo}/{path}`")))?;
    Ok(String::from_utf8(bytes.into_owned()).map_err(|_| missing(format!("`@{repo}/{path}` is not UTF-8")))?)
}

fn facts(request: &RenderRequest) -> Facts {
    let cluster = request.facts.as_ref();
    let dashboard = request.fields.get("dashboard");
    let source_ranges = texts(dashboard.and_then(|dashboard| dashboard.get("source_ranges")));
    let public = dashboard.and_then(|dashboard| dashboard.get("public")).and_then(Value::as_bool).unwrap_or(false);
    let dashboard = match dashboard.and_then(|dashboard| dashboard.get("expose")).and_then(Value::as_str) {
        Some("load_balancer") => Expose::LoadBalancer { source_ranges, public },
        Some("internal") => Expose::Internal { source_ranges },
        _ => Expose::None,
    };
    Facts {
        kubernetes_version: cluster.and_then(|cluster| cluster.version.as_deref()).and_then(Facts::version),
        is_aks: cluster.and_then(|cluster| cluster.aks),
        dashboard,
    }
}

fn selection(fields: &Value) -> Selection {
    match fields.get("aks_patches") {
        Some(Value::List(_)) => Selection::List(texts(fields.get("aks_patches"))),
        _ => Selection::Auto,
    }
}

fn own_patch(patch: &Value, marked: &mut Marked) -> Result<OwnPatch, String> {
    let path = |text: &str| text.parse::<Path>().map_err(|error| error.to_string());
    let map = |json: Json| if let Json::Object(map) = json { Some(map) } else { None };
    Ok(OwnPatch {
        target: patch.get("target").map(target).unwrap_or_default(),
        inside: patch.get("inside").and_then(Value::as_str).map(path).transpose()?,
        strategic: patch.get("strategic").and_then(|value| map(marked.json(value))),
        merge: patch.get("merge").and_then(|value| map(marked.json(value))),
        json: patch.get("json").filter(|value| **value != Value::Null).map(|value| marked.json(value)),
        remove: texts(patch.get("remove")).iter().map(|text| path(text)).collect::<Result<_, _>>()?,
        optional: patch.get("optional").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn target(value: &Value) -> Target {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let labels = value.get("labels").and_then(Value::as_map);
    Target {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}
