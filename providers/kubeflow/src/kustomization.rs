//! An installation that is one kustomization; its resources are the applications.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kfplan_kustomize::{Dialect, Files, Place, ReadError, Remote};
use kfplan_model::Path;
use kfplan_objects::yaml::{self, Edit, Kind};
use serde_json::Value;

use crate::applications::{Application, Bundle, Choice, Repos, split_reference};
use crate::error::{KubeflowError, KubeflowErrors, checked};
use crate::order;

/// The files of a repository with one file in other words.
struct Changed<'a> {
    files: &'a dyn Files,
    path: String,
    text: String,
}

impl Files for Changed<'_> {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        if path == self.path { Ok(Some(Cow::Borrowed(self.text.as_bytes()))) } else { self.files.read(path) }
    }

    fn is_directory(&self, path: &str) -> bool {
        self.files.is_directory(path)
    }

    fn remote(&self, remote: &Remote) -> Result<Option<String>, ReadError> {
        self.files.remote(remote)
    }
}

/// Renders a kustomization without the entries to remove and with those to add.
pub(crate) fn render(
    repo: &str,
    path: &str,
    dialect: Dialect,
    choice: &Choice,
    repos: &Repos<'_>,
) -> Result<Bundle, KubeflowErrors> {
    let path = path.trim_matches('/');
    let Some(files) = repos.get(repo) else {
        let place = Place { file: format!("@{repo}/{path}"), at: None };
        return Err(KubeflowErrors(vec![KubeflowError::UnknownRepo { place, repo: repo.to_owned(), origin: None }]));
    };
    let (file, text) = source(*files, path, dialect)?;
    let mut errors = Vec::new();
    let (text, entries) = changed(repo, path, &file, &text, choice, &mut errors);
    let (text, entries) = checked((text, entries), errors)?;
    let changed = Changed { files: *files, path: file, text };
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(repo).to_owned();
    let mut rendered = kfplan_kustomize::render(&changed, path, dialect)
        .map_err(|source| KubeflowErrors(vec![KubeflowError::Render { application: name.clone(), source }]))?;
    // Entries first, in their order, then what the kustomization itself generates.
    let mut groups: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    let objects = std::mem::take(&mut rendered.objects);
    for (object, entry) in objects.into_iter().zip(&rendered.entries) {
        groups.entry(entry.unwrap_or(usize::MAX)).or_default().push(object);
    }
    let mut bundle = Bundle::default();
    bundle.take_in(repo, rendered);
    for (entry, mut objects) in groups {
        order::sort(&mut objects);
        let name = entries.get(entry).cloned().unwrap_or_else(|| name.clone());
        bundle.applications.push(Application { name, objects });
    }
    Ok(bundle)
}

/// The kustomization file and its text. A folder without one is left to the renderer.
fn source(files: &dyn Files, path: &str, dialect: Dialect) -> Result<(String, String), KubeflowErrors> {
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let file = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        if let Ok(Some(content)) = files.read(&file) {
            return Ok((file, String::from_utf8_lossy(&content).into_owned()));
        }
    }
    let application = path.to_owned();
    let source = kfplan_kustomize::render(files, path, dialect).err();
    Err(KubeflowErrors(
        source.into_iter().map(|source| KubeflowError::Render { application: application.clone(), source }).collect(),
    ))
}

/// The text with the choice carried out, and the entries that it has then, as paths from the root.
fn changed(
    repo: &str,
    path: &str,
    file: &str,
    text: &str,
    choice: &Choice,
    errors: &mut Vec<KubeflowError>,
) -> (String, Vec<String>) {
    let mut entries = entries(path, text);
    let mut text = text.to_owned();
    for name in &choice.remove {
        let wanted = name.trim_end_matches('/');
        let Some(place) = entries.iter().position(|entry| entry.written == wanted || entry.path == wanted) else {
            let known = entries.iter().map(|entry| entry.path.clone()).collect();
            errors.push(KubeflowError::UnknownApplication { name: name.clone(), known });
            continue;
        };
        let entry = entries.remove(place);
        let index = entries.iter().filter(|other| other.field == entry.field && other.index < entry.index).count();
        let removal = Edit::Remove { path: Path::keys([entry.field.as_str(), &index.to_string()]) };
        apply(file, &mut text, &removal, errors);
    }
    for addition in &choice.add {
        match relative(repo, path, addition) {
            Err(reason) => errors.push(KubeflowError::Add { text: addition.clone(), reason }),
            Ok((target, written)) => {
                let edit = Edit::Set { path: Path::keys(["resources", "-"]), value: written.as_str().into() };
                let edit = match entries.iter().any(|entry| entry.field == "resources") {
                    true => edit,
                    false => Edit::Set { path: Path::keys(["resources"]), value: vec![written.as_str()].into() },
                };
                apply(file, &mut text, &edit, errors);
                let index = entries.iter().filter(|entry| entry.field == "resources").count();
                entries.push(Entry { field: "resources".to_owned(), index, written, path: target });
            }
        }
    }
    // The renderer counts the resources first, then the bases.
    entries.sort_by_key(|entry| entry.field != "resources");
    (text, entries.into_iter().map(|entry| entry.path).collect())
}

fn apply(file: &str, text: &mut String, edit: &Edit, errors: &mut Vec<KubeflowError>) {
    match yaml::edit(text, yaml::Dialect::Kustomize3, std::slice::from_ref(edit)) {
        Ok(changed) => *text = changed,
        Err(error) => errors.push(KubeflowError::Field {
            place: Place { file: file.to_owned(), at: None },
            field: edit.path().to_string(),
            reason: format!("cannot be changed: {error}"),
        }),
    }
}

/// An entry of `resources` or `bases`.
struct Entry {
    field: String,
    index: usize,
    written: String,
    path: String,
}

fn entries(directory: &str, text: &str) -> Vec<Entry> {
    let Ok(documents) = yaml::parse(text, yaml::Dialect::Kustomize3) else { return Vec::new() };
    let Some(document) = documents.first() else { return Vec::new() };
    let mut entries = Vec::new();
    for field in ["resources", "bases"] {
        let Some(Kind::List(items)) = document.root.get(field).map(|node| &node.kind) else { continue };
        for (index, item) in items.iter().enumerate() {
            let written = item.as_text().unwrap_or_default().trim_end_matches('/').to_owned();
            let path = resolve(directory, &written);
            entries.push(Entry { field: field.to_owned(), index, written, path });
        }
    }
    entries
}

/// A path as seen from the root of the repository.
fn resolve(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The folder that `@REPO/PATH` means, and how it is written from another folder.
fn relative(repo: &str, directory: &str, addition: &str) -> Result<(String, String), String> {
    let (own, path) = split_reference(addition)?;
    if own != repo {
        return Err(format!(
            "a kustomization takes in folders of its own repository only, and this one lies in `{repo}`"
        ));
    }
    let target = resolve("", path);
    let up = directory.split('/').filter(|part| !part.is_empty()).count();
    Ok((target.clone(), format!("{}{target}", "../".repeat(up))))
}
