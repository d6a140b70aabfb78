//! From a folder to its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::str::FromStr;

use kfplan_objects::yaml;
use serde_json::Value;

use crate::config::Config;
use crate::decode::Decoder;
use crate::defaults;
use crate::error::{Place, RenderError, RenderErrors};
use crate::files::{Files, join};
use crate::generate::{self, Target};
use crate::kustomization::{Kustomization, Named, Variable};
use crate::load::{Parsed, YAML};
use crate::resource::{Resource, Resources};
use crate::transform;

/// How many kustomizations may include one another in a row.
const DEPTH: usize = 64;

/// How many kustomizations one render may go through.
const VISITS: usize = 10_000;

/// Which kustomize is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// kustomize 3.2, the version inside `kfctl` 1.2.
    V3_2,
    /// kustomize 5.
    V5,
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "3.2" => Ok(Self::V3_2),
            "5" => Ok(Self::V5),
            other => Err(format!("`{other}` is no dialect of kustomize; there are `3.2` and `5`")),
        }
    }
}

/// Something that is not wrong, but that the author may not have meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

/// The result of a render.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// The objects, in the order in which kustomize puts them out.
    pub objects: Vec<Value>,
    /// For each object, which entry of the kustomization's resources and bases (in this
    /// order, counted from 0) brought it; none for what the kustomization generates.
    pub entries: Vec<Option<usize>>,
    /// Every file that was read, in the order of the alphabet.
    pub read: Vec<String>,
    /// What the author may not have meant.
    pub notes: Vec<Note>,
}

/// Renders the kustomization in a folder.
///
/// `directory` is a normalised path from the root of the files; the empty path is
/// the root itself. Files outside the folder may be named, files outside the root
/// may not.
///
/// # Errors
///
/// Everything that is wrong. A kustomization with something wrong in it is not
/// transformed, so that no error is only the echo of another one.
pub fn render(files: &dyn Files, directory: &str, dialect: Dialect) -> Result<Rendered, RenderErrors> {
    match dialect {
        Dialect::V3_2 => {}
        Dialect::V5 => return Err(RenderErrors(vec![RenderError::Dialect])),
    }
    let mut renderer = Renderer::new(files);
    let directory = match join("", directory) {
        Some(directory) => directory,
        None => {
            let error = RenderError::Outside {
                place: Place::file(directory),
                field: "directory".to_owned(),
                path: directory.to_owned(),
            };
            return Err(RenderErrors(vec![error]));
        }
    };
    let accumulated = renderer.directory(&directory, &Place::file(&directory));
    let (objects, entries) = match accumulated {
        Some(accumulated) => renderer.finish(&directory, accumulated).into_iter().unzip(),
        None => (Vec::new(), Vec::new()),
    };
    if !renderer.errors.is_empty() {
        return Err(RenderErrors(renderer.errors));
    }
    let notes: BTreeSet<Note> = renderer.notes.into_iter().collect();
    Ok(Rendered { objects, entries, read: renderer.read.into_iter().collect(), notes: notes.into_iter().collect() })
}

/// What a kustomization amounts to before names and vars are resolved.
#[derive(Default)]
struct Accumulated {
    resources: Resources,
    config: Option<Rc<Config>>,
    variables: BTreeMap<String, Variable>,
    /// Something that should be in it could not be read.
    is_broken: bool,
}

/// One render: what was read so far, and what was found wrong.
pub(crate) struct Renderer<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) read: BTreeSet<String>,
    pub(crate) contents: BTreeMap<String, Rc<[u8]>>,
    pub(crate) objects: BTreeMap<String, Option<Rc<Vec<Parsed>>>>,
    pub(crate) kustomizations: BTreeMap<String, Option<Rc<Kustomization>>>,
    defaults: Rc<Config>,
    pub(crate) chain: Vec<String>,
    visits: usize,
    notes: Vec<Note>,
    pub(crate) errors: Vec<RenderError>,
}

impl<'a> Renderer<'a> {
    fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            read: BTreeSet::new(),
            contents: BTreeMap::new(),
            objects: BTreeMap::new(),
            kustomizations: BTreeMap::new(),
            defaults: Rc::new(defaults::config()),
            chain: Vec::new(),
            visits: 0,
            notes: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, place: Place, text: impl Into<String>) {
        self.notes.push(Note { place, text: text.into() });
    }

    /// Renders one folder, included from a place; `None` when something is wrong in it.
    fn directory(&mut self, directory: &str, from: &Place) -> Option<Accumulated> {
        self.visits += 1;
        let nested = self.chain.len() >= DEPTH;
        if nested || self.visits > VISITS {
            let limit = if nested { DEPTH } else { VISITS };
            self.errors.push(RenderError::TooMany { place: from.clone(), limit, nested });
            return None;
        }
        let before = self.errors.len();
        let kustomization = self.kustomization(directory, from)?;
        self.chain.push(directory.to_owned());
        let accumulated = self.accumulate(&kustomization, false);
        self.chain.pop();
        (self.errors.len() == before && !accumulated.is_broken).then_some(accumulated)
    }

    fn accumulate(&mut self, kustomization: &Kustomization, is_broken: bool) -> Accumulated {
        let before = self.errors.len();
        let mut accumulated = Accumulated { is_broken, ..Accumulated::default() };
        for (place, entry) in kustomization.resources.iter().enumerate() {
            let known = accumulated.resources.0.len();
            self.resource(kustomization, entry, &mut accumulated);
            for resource in accumulated.resources.0.iter_mut().skip(known) {
                resource.entry = Some(place);
            }
        }
        self.configure(kustomization, &mut accumulated);
        let generators = kustomization.config_maps.iter().map(|generator| (generator, Target::ConfigMap));
        for (generator, target) in generators.chain(kustomization.secrets.iter().map(|it| (it, Target::Secret))) {
            let file = &kustomization.file;
            let made = generate::generate(self, file, generator, &kustomization.options, target);
            // With a base missing, every merge would be an error.
            let is_whole = self.errors.len() == before && !accumulated.is_broken;
            if let Some(made) = made.filter(|_| is_whole)
                && let Err(reason) = accumulated.resources.absorb(made)
            {
                let (place, field) = (Place::new(file, generator.at), generator.field.clone());
                self.errors.push(RenderError::Field { place, field, reason });
            }
        }
        let config = accumulated.config.clone().unwrap_or_else(|| Rc::clone(&self.defaults));
        let is_whole = self.errors.len() == before && !accumulated.is_broken;
        transform::run(self, kustomization, &config, &mut accumulated.resources, is_whole);
        if self.errors.len() == before && !accumulated.is_broken {
            self.declare(kustomization, &mut accumulated);
        }
        accumulated
    }

    /// Looks for errors in what a broken kustomization names.
    pub(crate) fn visit(&mut self, kustomization: &Kustomization) {
        let directory = kustomization.file.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned();
        self.kustomizations.insert(directory.clone(), None);
        self.chain.push(directory);
        self.accumulate(kustomization, true);
        self.chain.pop();
    }

    /// Takes in one entry of `resources`: a folder or a file.
    fn resource(&mut self, kustomization: &Kustomization, entry: &Named, accumulated: &mut Accumulated) {
        let is_broken = std::mem::replace(&mut accumulated.is_broken, true);
        if self.take_in(kustomization, entry, accumulated).is_some() {
            accumulated.is_broken = is_broken;
        }
    }

    fn take_in(&mut self, kustomization: &Kustomization, entry: &Named, accumulated: &mut Accumulated) -> Option<()> {
        let place = Place::new(&kustomization.file, entry.at);
        if is_remote(&entry.value) {
            let (field, url) = (entry.field.clone(), entry.value.clone());
            self.errors.push(RenderError::Remote { place, field, url });
            return None;
        }
        let path = self.resolve(&kustomization.file, entry, &entry.value)?;
        if !self.files.is_directory(&path) {
            return self.file(&path, entry, &place, accumulated);
        }
        if self.chain.iter().any(|visited| is_inside(visited, &path)) {
            let path = shown(&path);
            let chain = self.chain.iter().map(|visited| shown(visited)).chain([path.clone()]).collect();
            self.errors.push(RenderError::Cycle { place, path, chain });
            return None;
        }
        let inner = self.directory(&path, &place)?;
        accumulated.resources.append_all(&place, inner.resources.0, &mut self.errors);
        if let Some(config) = inner.config {
            self.merge_config(&place, &entry.field, config, accumulated);
        }
        for (name, variable) in inner.variables {
            self.declare_one(variable, name, accumulated);
        }
        Some(())
    }

    fn file(&mut self, path: &str, entry: &Named, place: &Place, accumulated: &mut Accumulated) -> Option<()> {
        let content = self.content(path, entry, place)?;
        let objects = self.objects_of(path, &content)?;
        let origin = |at| Rc::new(Place { file: path.to_owned(), at: Some(at) });
        let resources = objects.iter().map(|parsed| Resource::new(parsed.object.clone(), None, origin(parsed.at)));
        accumulated.resources.append_all(place, resources.collect(), &mut self.errors);
        Some(())
    }

    fn merge_config(&mut self, place: &Place, field: &str, config: Rc<Config>, accumulated: &mut Accumulated) {
        let merged = match &accumulated.config {
            None => Ok(config),
            Some(known) if Rc::ptr_eq(known, &config) => Ok(config),
            // Every table begins with the defaults, so they add nothing.
            Some(known) if Rc::ptr_eq(&self.defaults, &config) => Ok(Rc::clone(known)),
            Some(known) => {
                let mut merged = (**known).clone();
                merged.merge(&config).map(|()| Rc::new(merged))
            }
        };
        match merged {
            Ok(merged) => accumulated.config = Some(merged),
            Err(reason) => {
                self.errors.push(RenderError::Field { place: place.clone(), field: field.to_owned(), reason });
            }
        }
    }

    /// Adds the tables of the files under `configurations`.
    fn configure(&mut self, kustomization: &Kustomization, accumulated: &mut Accumulated) {
        let mut own = Config::default();
        for entry in &kustomization.configurations {
            let Some((path, content)) = self.load(&kustomization.file, entry, &entry.value) else { continue };
            let place = Place::new(&kustomization.file, entry.at);
            let Some(text) = self.text(&path, &content) else { continue };
            let documents = match yaml::parse(text, YAML) {
                Ok(documents) => documents,
                Err(source) => {
                    self.errors.push(RenderError::Yaml { place: Place::new(&path, source.at()), source });
                    continue;
                }
            };
            let Some(document) = documents.first() else { continue };
            let read = Config::read(&document.root, &mut Decoder { file: &path, errors: &mut self.errors });
            if let Err(reason) = own.merge(&read) {
                self.errors.push(RenderError::Field { place, field: entry.field.clone(), reason });
            }
        }
        let defaults = Rc::clone(&self.defaults);
        let config = if own == Config::default() {
            defaults
        } else {
            let mut config = (*defaults).clone();
            if let Err(reason) = config.merge(&own) {
                let (place, field) = (kustomization.place("configurations"), "configurations".to_owned());
                self.errors.push(RenderError::Field { place, field, reason });
            }
            Rc::new(config)
        };
        self.merge_config(&kustomization.place("configurations"), "configurations", config, accumulated);
    }

    /// Notes which object each var reads from, and that its name is taken.
    fn declare(&mut self, kustomization: &Kustomization, accumulated: &mut Accumulated) {
        for variable in &kustomization.variables {
            let target = &variable.object;
            let is_exact = !target.namespace.is_empty() || !target.gvk.is_namespaced();
            let matches = accumulated.resources.matching(|resource| {
                let id = resource.original_id();
                if is_exact { target.is_same(&id) } else { target.is_same_but_for_namespace(&id) }
            });
            match matches.as_slice() {
                [] => {}
                [place] => {
                    if let Some(resource) = accumulated.resources.0.get_mut(*place) {
                        resource.variables.push(variable.name.clone());
                    }
                }
                many => {
                    let reason = format!("{} objects match {target}; say its namespace", many.len());
                    let (place, field) = (variable.place.clone(), variable.field.clone());
                    self.errors.push(RenderError::Field { place, field, reason });
                    continue;
                }
            }
            self.declare_one(variable.clone(), variable.name.clone(), accumulated);
        }
    }

    fn declare_one(&mut self, variable: Variable, name: String, accumulated: &mut Accumulated) {
        let (place, field) = (variable.place.clone(), variable.field.clone());
        if let Some(earlier) = accumulated.variables.insert(name.clone(), variable) {
            let reason = format!("the var `{name}` is declared already, at {}", earlier.place);
            self.errors.push(RenderError::Field { place, field, reason });
        }
    }

    /// What is done once, at the outermost kustomization: hashes, references, vars, order.
    fn finish(&mut self, directory: &str, mut accumulated: Accumulated) -> Vec<(Value, Option<usize>)> {
        let place = Place::file(shown(directory));
        let resources = &mut accumulated.resources;
        transform::hash::run(self, resources, &place);
        let config = accumulated.config.unwrap_or_else(|| Rc::clone(&self.defaults));
        transform::references::run(self, &config.name_reference, resources, &place);
        if self.errors.is_empty() {
            transform::variables::run(self, &config.var_reference, &accumulated.variables, resources);
        }
        let mut seen: BTreeMap<_, String> = BTreeMap::new();
        let mut sorted = Vec::with_capacity(resources.0.len());
        for resource in std::mem::take(&mut resources.0) {
            let id = resource.current_id();
            let other = seen.insert(id.key(), resource.origin.to_string());
            if let Some(other) = other {
                let place = (*resource.origin).clone();
                self.errors.push(RenderError::Twice { place, object: id.to_string(), other });
            }
            sorted.push((id, resource.value, resource.entry));
        }
        sorted.sort_by(|(a, ..), (b, ..)| a.order(b));
        sorted.into_iter().map(|(_, value, entry)| (Value::Object(value), entry)).collect()
    }
}

/// A folder as people write it.
pub(crate) fn shown(directory: &str) -> String {
    if directory.is_empty() { ".".to_owned() } else { directory.to_owned() }
}

/// Whether a visited folder is a folder, or lies in it.
fn is_inside(visited: &str, folder: &str) -> bool {
    folder.is_empty() || visited == folder || visited.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a resource names something that would have to be fetched.
fn is_remote(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["http://", "https://", "ssh://", "git::", "gh:", "git@", "github.com/", "github.com:"]
        .iter()
        .any(|prefix| lower.starts_with(prefix))
        || lower.contains("?ref=")
        || lower.contains("_git/")
}
