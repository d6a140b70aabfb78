//! Renders what resources of a stack stand for, and any folder.

mod body;
mod kubeflow;
mod manifests;
mod output;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kfplan_kustomize::{Dialect, Files, Remote};
use kfplan_model::{Stack, Value};
use kfplan_plan::{Digest, InputDigest, RenderRequest, Rendered};
use kfplan_sources::{Lock, Locked, Tree};
use tokio::sync::Mutex;

use crate::error::{Failure, SessionError};
use crate::options::Options;
use crate::place::Place;
use crate::remotes::{Remotes, WithRemotes};
use crate::repos::{Opened, Repos, TreeFiles, digest_of};

pub use output::RenderedText;

/// Renders for one session: each repo is opened once.
pub(crate) struct Renderer<'a> {
    place: Place,
    stack: Option<&'a Stack>,
    repos: Option<Repos>,
    /// Whether repos behind URLs are fetched anew, and pins not checked: `vendor`.
    fetching: bool,
    opened: Mutex<BTreeMap<String, std::sync::Arc<Opened>>>,
    read: std::sync::Mutex<BTreeMap<String, BTreeSet<String>>>,
    remotes: Mutex<std::sync::Arc<Remotes>>,
    read_remotes: std::sync::Mutex<BTreeMap<Remote, BTreeSet<String>>>,
}

/// What a render of one resource read, by repo, and of what lies elsewhere.
#[derive(Debug, Default)]
pub(crate) struct ReadFiles {
    pub(crate) repos: BTreeMap<String, BTreeSet<String>>,
    pub(crate) remotes: BTreeMap<Remote, BTreeSet<String>>,
}

/// Repos that are open for one request.
pub(crate) type OpenRepos = BTreeMap<String, std::sync::Arc<Opened>>;

impl<'a> Renderer<'a> {
    pub(crate) fn new(options: &Options, stack: Option<&'a Stack>, fetching: bool) -> Result<Self, SessionError> {
        let place = Place::of(options);
        let repos = stack.map(|stack| Repos::of(options, &place, stack)).transpose()?;
        Ok(Self {
            place,
            stack,
            repos,
            fetching,
            opened: Mutex::default(),
            read: std::sync::Mutex::default(),
            remotes: Mutex::default(),
            read_remotes: std::sync::Mutex::default(),
        })
    }

    /// Renders several requests; all that is wrong with any of them is reported.
    pub(crate) async fn render_all(&self, requests: &[RenderRequest]) -> Result<Vec<Rendered>, SessionError> {
        let mut rendered = Vec::new();
        for request in requests {
            rendered.push(self.render(request).await?);
        }
        Ok(rendered)
    }

    async fn render(&self, request: &RenderRequest) -> Result<Rendered, SessionError> {
        let repos = self.open_named(&request.fields).await?;
        let (mut rendered, read, remotes) = self.render_with_remotes(request, &repos).await?;
        for (remote, files) in read.remotes {
            let found = remotes.digest_of(&remote, &files)?.unwrap_or_default();
            let name = remote.name();
            rendered.inputs.push(InputDigest { name: name.clone(), digest: Digest::of(found.as_bytes()) });
            let all = self.note_remote(&remote, files);
            if let Some(repos) = self.repos.as_ref().filter(|_| !self.fetching && remotes.is_pinned(&remote))
                && self.kustomizations() <= 1
            {
                repos.check_remote(&name, &remotes.digest_of(&remote, &all)?.unwrap_or_default())?;
            }
        }
        for (name, files) in read.repos {
            if let Some(opened) = repos.get(&name) {
                let found = digest_of(&opened.files, &files)?;
                rendered.inputs.push(InputDigest { name: format!("@{name}"), digest: Digest::of(found.as_bytes()) });
                self.note_read(&name, files);
                if let Some(repos) = self.repos.as_ref().filter(|_| opened.pinned && !self.fetching) {
                    self.check_when_whole(repos, &name, opened)?;
                }
            }
        }
        let inputs = serde_json::to_string(&rendered.inputs).expect("digests have only string keys");
        rendered.digest = Some(Digest::of(inputs.as_bytes()));
        Ok(rendered)
    }

    /// Renders again and again, until nothing that it names elsewhere can be opened any more.
    async fn render_with_remotes(
        &self,
        request: &RenderRequest,
        open: &OpenRepos,
    ) -> Result<(Rendered, ReadFiles, std::sync::Arc<Remotes>), SessionError> {
        let mut remotes = self.remotes.lock().await;
        loop {
            let result = match request.resource.type_name() {
                "kubeflow" => kubeflow::render(request, open, &remotes),
                "azure_resource" => body::render(request, &self.place).map(|body| (body, ReadFiles::default())),
                _ => manifests::render(request, &self.place, open, &remotes),
            };
            let mut fresh = Vec::new();
            let missing = remotes.take_missing();
            if let Some(repos) = &self.repos {
                for remote in missing {
                    if let Some(opened) = repos.open_remote(&remote, self.fetching).await? {
                        fresh.push((remote, std::sync::Arc::new(opened)));
                    }
                }
            }
            if fresh.is_empty() {
                return result.map(|(rendered, read)| (rendered, read, std::sync::Arc::clone(&remotes)));
            }
            *remotes = std::sync::Arc::new(remotes.with(fresh));
        }
    }

    /// How many resources of the stack are kustomizations, so that each may read a part of a remote base.
    fn kustomizations(&self) -> usize {
        self.stack.map_or(0, |stack| {
            let all = stack.resources.values();
            all.filter(|resource| resource.fields.get("kustomization").is_some_and(|it| it.as_str().is_some())).count()
        })
    }

    /// Remembers what was read of something elsewhere; gives all that was read of it so far.
    fn note_remote(&self, remote: &Remote, files: BTreeSet<String>) -> BTreeSet<String> {
        let mut read = self.read_remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let all = read.entry(remote.clone()).or_default();
        all.extend(files);
        all.clone()
    }

    fn note_read(&self, name: &str, files: BTreeSet<String>) {
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        read.entry(name.to_owned()).or_default().extend(files);
    }

    /// The lock pins what all resources of the stack read of a repo; it can be compared once each of them was rendered.
    fn check_when_whole(&self, repos: &Repos, name: &str, opened: &Opened) -> Result<(), SessionError> {
        let users = self.stack.map_or(0, |stack| {
            stack.resources.values().filter(|resource| names_of(&resource.fields).contains(name)).count()
        });
        if users > 1 {
            return Ok(());
        }
        let read =
            self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(name).cloned().unwrap_or_default();
        repos.check(name, &digest_of(&opened.files, &read)?)
    }

    /// Opens the repos that a resource names as `@NAME/…`, and those of its KfDef.
    async fn open_named(&self, fields: &Value) -> Result<OpenRepos, SessionError> {
        let mut open = OpenRepos::new();
        let Some(repos) = &self.repos else { return Ok(open) };
        let mut names = names_of(fields);
        if fields.get("kfdef").is_some() {
            // A KfDef names repos by itself: all that the stack declares may be among them, if they can be had.
            names.extend(repos.declared().map(|repo| repo.name.clone()));
        }
        for name in names {
            let opened = self.open_one(repos, &name).await?;
            open.insert(name, opened);
        }
        Ok(open)
    }

    async fn open_one(&self, repos: &Repos, name: &str) -> Result<std::sync::Arc<Opened>, SessionError> {
        let mut opened = self.opened.lock().await;
        if let Some(found) = opened.get(name) {
            return Ok(found.clone());
        }
        let fresh = std::sync::Arc::new(repos.open(name, self.fetching).await?);
        opened.insert(name.to_owned(), fresh.clone());
        Ok(fresh)
    }

    /// Pins everything that was read, in kfplan.lock. Gives a line for each repo.
    pub(crate) async fn pin(&self) -> Result<Vec<String>, SessionError> {
        let Some(repos) = &self.repos else { return Ok(Vec::new()) };
        let read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let opened = self.opened.lock().await;
        let (mut locked, mut lines) = (BTreeMap::new(), Vec::new());
        for (name, files) in &read {
            let Some(repo) = opened.get(name) else { continue };
            let source = repos.declared().find(|declared| declared.name == *name).map_or_else(
                || repo.source.clone(),
                |declared| match &declared.source {
                    kfplan_model::RepoSource::Url(url) => url.clone(),
                    kfplan_model::RepoSource::Path(path) => path.clone(),
                },
            );
            let pin = Locked { source, files: digest_of(&repo.files, files)?, archive: repo.archive.clone() };
            let change = match repos.lock().repos.get(name) {
                Some(before) if before.files == pin.files => "unchanged",
                Some(_) => "changed",
                None => "new",
            };
            lines.push(format!("@{name}: {} files, {} ({change})", files.len(), pin.files));
            locked.insert(name.clone(), pin);
        }
        let remotes = self.remotes.lock().await;
        let read = self.read_remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let mut locked_remotes = BTreeMap::new();
        for (remote, files) in &read {
            let Some(pin) = remotes.pin(remote, files)? else { continue };
            let name = remote.name();
            let change = match repos.lock().remotes.get(&name) {
                Some(before) if before.files == pin.files => "unchanged",
                Some(_) => "changed",
                None => "new",
            };
            lines.push(format!("{name}: {} files, {} ({change})", files.len(), pin.files));
            locked_remotes.insert(name, pin);
        }
        repos.write_lock(&Lock { repos: locked, remotes: locked_remotes })?;
        Ok(lines)
    }
}

/// One thing that is wrong with a rendering, with its code and what to do next.
pub(crate) fn failure(finding: kfplan_kustomize::Finding) -> Failure {
    Failure::new(finding.code, finding.message, finding.help)
}

/// The repos that fields name as `@NAME/…`.
fn names_of(fields: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                names.extend(text.strip_prefix('@').map(|rest| rest.split('/').next().unwrap_or_default().to_owned()))
            }
            Value::List(list) => list.iter().for_each(|value| collect(value, names)),
            Value::Map(map) => map.values().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for key in ["kfdef", "kustomization", "add", "files"] {
        if let Some(value) = fields.get(key) {
            collect(value, &mut names);
        }
    }
    names
}

/// Renders a folder, without any stack. Files outside it are found below the nearest folder that holds a `.git`, else
/// below its topmost parent that this user may read. What it names elsewhere is taken from the local copies that are
/// given by its address.
///
/// # Errors
///
/// All that is wrong with the kustomization.
pub fn render_folder(
    folder: &Path,
    dialect: &str,
    repos: &[(String, std::path::PathBuf)],
) -> Result<RenderedText, SessionError> {
    let dialect = if dialect == "5" { Dialect::V5 } else { Dialect::V3_2 };
    let canonical =
        folder.canonicalize().map_err(|error| SessionError::system(&format!("open `{}`", folder.display()), &error))?;
    let root = canonical.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or_else(|| Path::new("/"));
    let below = canonical.strip_prefix(root).unwrap_or(&canonical).to_string_lossy().into_owned();
    let files = TreeFiles(Tree::Folder(root.to_owned()));
    if !files.is_directory(&below) {
        return Err(Failure::new(
            "render::folder",
            format!("`{}` is not a folder", folder.display()),
            "name the folder that holds kustomization.yaml",
        )
        .into());
    }
    let copies = crate::remotes::local_copies(repos);
    let mut remotes = Remotes::default();
    let rendered = loop {
        let files = WithRemotes { files: &files, remotes: &remotes };
        let rendered = kfplan_kustomize::render(&files, &below, dialect);
        let mut fresh = Vec::new();
        for remote in remotes.take_missing() {
            if let Some(path) = copies.get(&remote.name()) {
                let opened = crate::remotes::open_local(&remote, path, false)?;
                fresh.push((remote, std::sync::Arc::new(opened)));
            }
        }
        if fresh.is_empty() {
            break rendered;
        }
        remotes = remotes.with(fresh);
    };
    let rendered = rendered.map_err(|errors| {
        let related = errors.findings().into_iter().map(failure).collect();
        SessionError::from(Failure::all("kustomize", format!("`{}` cannot be rendered", folder.display()), related))
    })?;
    let notes = rendered.notes.iter().map(|note| format!("note: {}: {}", note.place, note.text)).collect();
    Ok(RenderedText::new(rendered.objects.into_iter().map(|object| (None, object)).collect(), notes))
}
