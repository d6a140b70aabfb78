//! From a folder to its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kfplan_objects::yaml;
use serde_json::Value;

use crate::config::Config;
use crate::decode::Decoder;
use crate::dialect::Dialect;
use crate::error::{Place, RenderError, RenderErrors};
use crate::files::{Files, join};
use crate::generate::{self, Target};
use crate::kustomization::{BuildMetadata, Kustomization, Named, Sorting, Variable};
use crate::load::{Parsed, YAML};
use crate::patch::custom::Custom;
use crate::remote::Remote;
use crate::resource::{Resource, Resources};
use crate::transform;
use crate::{defaults, defaults5, plugins};

/// How many kustomizations may include one another in a row.
pub(crate) const DEPTH: usize = 64;

/// How many kustomizations one render may go through.
pub(crate) const VISITS: usize = 10_000;

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
    /// Every file that was read, in the order of the alphabet. What came from somewhere
    /// else is not among them.
    pub read: Vec<String>,
    /// What lies somewhere else, with the files of it that were read.
    pub remotes: BTreeMap<Remote, BTreeSet<String>>,
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
    let mut renderer = Renderer::new(files, dialect);
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
    let (read, remotes) = renderer.read_by_origin();
    let notes: BTreeSet<Note> = renderer.notes.into_iter().collect();
    Ok(Rendered { objects, entries, read, remotes, notes: notes.into_iter().collect() })
}

/// What a kustomization amounts to before names and vars are resolved.
pub(crate) struct Accumulated {
    pub(crate) resources: Resources,
    pub(crate) config: Option<Rc<Config>>,
    pub(crate) variables: BTreeMap<String, Variable>,
    /// Something that should be in it could not be read.
    pub(crate) is_broken: bool,
}

impl Accumulated {
    fn new(dialect: Dialect) -> Self {
        Self { resources: Resources(Vec::new(), dialect), config: None, variables: BTreeMap::new(), is_broken: false }
    }
}

/// One render: what was read so far, and what was found wrong.
pub(crate) struct Renderer<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) dialect: Dialect,
    /// What lies somewhere else, by the folder or file that it is found at.
    pub(crate) mounts: BTreeMap<String, Remote>,
    /// The definitions to merge by, once a kustomization has named some.
    pub(crate) definitions: Option<Rc<Custom>>,
    pub(crate) sorting: Option<Sorting>,
    pub(crate) build: BuildMetadata,
    pub(crate) read: BTreeSet<String>,
    pub(crate) contents: BTreeMap<String, Rc<[u8]>>,
    pub(crate) objects: BTreeMap<String, Option<Rc<Vec<Parsed>>>>,
    pub(crate) kustomizations: BTreeMap<String, Option<Rc<Kustomization>>>,
    pub(crate) defaults: Rc<Config>,
    pub(crate) chain: Vec<String>,
    pub(crate) visits: usize,
    notes: Vec<Note>,
    pub(crate) errors: Vec<RenderError>,
}

impl<'a> Renderer<'a> {
    fn new(files: &'a dyn Files, dialect: Dialect) -> Self {
        let defaults = match dialect {
            Dialect::V3_2 => defaults::config(),
            Dialect::V5 => defaults5::config(),
        };
        Self {
            files,
            dialect,
            mounts: BTreeMap::new(),
            definitions: None,
            sorting: None,
            build: BuildMetadata::default(),
            read: BTreeSet::new(),
            contents: BTreeMap::new(),
            objects: BTreeMap::new(),
            kustomizations: BTreeMap::new(),
            defaults: Rc::new(defaults),
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
    pub(crate) fn directory(&mut self, directory: &str, from: &Place) -> Option<Accumulated> {
        self.visits += 1;
        let nested = self.chain.len() >= DEPTH;
        if nested || self.visits > VISITS {
            let limit = if nested { DEPTH } else { VISITS };
            self.errors.push(RenderError::TooMany { place: from.clone(), limit, nested });
            return None;
        }
        let before = self.errors.len();
        let kustomization = self.kustomization(directory, from)?;
        if kustomization.is_component && !self.chain.is_empty() {
            let reason = "it is a component: name it under `components`".to_owned();
            let (place, field) = (kustomization.place("kind"), "kind".to_owned());
            self.errors.push(RenderError::Field { place, field, reason });
        }
        self.settle_first(&kustomization);
        self.chain.push(directory.to_owned());
        let accumulated = self.accumulate(&kustomization, Accumulated::new(self.dialect));
        self.chain.pop();
        (self.errors.len() == before && !accumulated.is_broken).then_some(accumulated)
    }

    /// Takes a kustomization into what its parent has so far: nothing, unless it is a component.
    pub(crate) fn accumulate(&mut self, kustomization: &Kustomization, mut accumulated: Accumulated) -> Accumulated {
        let before = self.errors.len();
        for (place, entry) in kustomization.resources.iter().enumerate() {
            let known = accumulated.resources.0.len();
            self.resource(kustomization, entry, &mut accumulated);
            if !kustomization.is_component {
                for resource in accumulated.resources.0.iter_mut().skip(known) {
                    resource.entry = Some(place);
                }
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
        plugins::generate(self, kustomization, &mut accumulated.resources);
        for entry in &kustomization.components {
            accumulated = self.component(kustomization, entry, accumulated);
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
        let mut accumulated = Accumulated::new(self.dialect);
        accumulated.is_broken = true;
        self.accumulate(kustomization, accumulated);
        self.chain.pop();
    }

    /// The definitions to merge by.
    pub(crate) fn definitions(&self) -> Option<Rc<Custom>> {
        self.definitions.clone()
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
        let path = match self.mounted(entry, &place)? {
            Some(path) => path,
            None => self.resolve(&kustomization.file, entry, &entry.value)?,
        };
        if !self.files.is_directory(&path) {
            return self.file(&path, entry, &place, accumulated);
        }
        self.check_ring(&path, &place)?;
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
            let read = Config::read(
                &document.root,
                &mut Decoder { file: &path, dialect: self.dialect, errors: &mut self.errors },
            );
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
            let matches = accumulated.resources.matching(|resource| match self.dialect {
                Dialect::V3_2 => {
                    let id = resource.original_id();
                    let is_exact = !target.namespace.is_empty() || !target.gvk.is_namespaced(Dialect::V3_2);
                    if is_exact { target.is_same(&id, Dialect::V3_2) } else { target.is_same_but_for_namespace(&id) }
                }
                Dialect::V5 => resource.identities(Dialect::V5).iter().any(|id| {
                    let is_there = target.namespace.is_empty() || target.namespace == id.namespace;
                    is_there && target.is_same_but_for_namespace(id)
                }),
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
    fn finish(&mut self, directory: &str, accumulated: Accumulated) -> Vec<(Value, Option<usize>)> {
        match self.dialect {
            Dialect::V3_2 => self.finish_3(directory, accumulated),
            Dialect::V5 => self.finish_5(directory, accumulated),
        }
    }
}

/// A folder as people write it.
pub(crate) fn shown(directory: &str) -> String {
    if directory.is_empty() { ".".to_owned() } else { directory.to_owned() }
}

/// Whether a path is another one, or lies in it.
pub(crate) fn is_below(path: &str, root: &str) -> bool {
    path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a visited folder is a folder, or lies in it.
pub(crate) fn is_inside(visited: &str, folder: &str) -> bool {
    folder.is_empty() || visited == folder || visited.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
