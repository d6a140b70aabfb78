//! Files, and what is in them: kustomizations and objects.

use std::collections::VecDeque;
use std::rc::Rc;

use kfplan_objects::yaml::{self, Document, Kind, Node, Position};
use serde_json::{Map, Value};

use crate::decode::Decoder;
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::what;
use crate::files::join;
use crate::kustomization::{FILE_NAMES, Kustomization, Named};
use crate::render::{Renderer, is_below, shown};
use crate::resource::metadata_text;
use crate::scalar::{blank, folded, is_null};

/// The dialect of YAML that kustomization files are read in, whatever the dialect of kustomize.
pub(crate) const YAML: yaml::Dialect = yaml::Dialect::Kustomize3;

/// An object of a file and the line it begins on.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) object: Map<String, Value>,
    pub(crate) at: Position,
}

/// Reading files.
impl Renderer<'_> {
    /// The path that a file means by a name; `None` when it leads outside.
    pub(crate) fn resolve(&mut self, file: &str, entry: &Named, path: &str) -> Option<String> {
        let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        // What lies somewhere else may name nothing outside of itself.
        let mount = self.mount_of(file).map(str::to_owned);
        let resolved = join(directory, path).filter(|path| mount.is_none_or(|root| is_below(path, &root)));
        if resolved.is_none() {
            let (place, field) = (Place::new(file, entry.at), entry.field.clone());
            self.errors.push(RenderError::Outside { place, field, path: path.to_owned() });
        }
        resolved
    }

    /// A file that an entry of another file names.
    pub(crate) fn load(&mut self, file: &str, entry: &Named, path: &str) -> Option<(String, Rc<[u8]>)> {
        let place = Place::new(file, entry.at);
        let resolved = match self.mounted(&Named { value: path.to_owned(), ..entry.clone() }, &place)? {
            Some(elsewhere) => elsewhere,
            None => self.resolve(file, entry, path)?,
        };
        let content = self.content(&resolved, entry, &place)?;
        Some((resolved, content))
    }

    pub(crate) fn content(&mut self, path: &str, entry: &Named, place: &Place) -> Option<Rc<[u8]>> {
        let content = self.read(path)?;
        if content.is_none() {
            let (place, field) = (place.clone(), entry.field.clone());
            self.errors.push(RenderError::Missing { place, field, path: path.to_owned() });
        }
        content
    }

    /// A file, if it is there; `None` when it cannot be read.
    fn read(&mut self, path: &str) -> Option<Option<Rc<[u8]>>> {
        if let Some(content) = self.contents.get(path) {
            return Some(Some(Rc::clone(content)));
        }
        match self.files.read(path) {
            Ok(None) => Some(None),
            Ok(Some(content)) => {
                let content: Rc<[u8]> = Rc::from(content.as_ref());
                self.contents.insert(path.to_owned(), Rc::clone(&content));
                self.read.insert(path.to_owned());
                Some(Some(content))
            }
            Err(source) => {
                self.errors.push(RenderError::Read { place: Place::file(path), source });
                None
            }
        }
    }

    pub(crate) fn text<'c>(&mut self, path: &str, content: &'c [u8]) -> Option<&'c str> {
        let text = std::str::from_utf8(content);
        if text.is_err() {
            let (place, reason) = (Place::file(path), "the file is not UTF-8 text".to_owned());
            self.errors.push(RenderError::Object { place, reason });
        }
        text.ok()
    }

    pub(crate) fn kustomization(&mut self, directory: &str, from: &Place) -> Option<Rc<Kustomization>> {
        if let Some(known) = self.kustomizations.get(directory) {
            return known.clone();
        }
        let read = self.read_kustomization(directory, from).map(Rc::new);
        self.kustomizations.insert(directory.to_owned(), read.clone());
        read
    }

    fn read_kustomization(&mut self, directory: &str, from: &Place) -> Option<Kustomization> {
        let mut found = Vec::new();
        for name in FILE_NAMES {
            let path = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
            if let Some(content) = self.read(&path)? {
                found.push((path, content));
            }
        }
        let (path, content) = match (found.pop(), found.as_slice()) {
            (None, _) => {
                let (place, directory) = (from.clone(), shown(directory));
                self.errors.push(RenderError::NoKustomization { place, directory });
                return None;
            }
            (Some(one), []) => one,
            (Some((last, _)), others) => {
                let names = others.iter().map(|(path, _)| path.clone()).chain([last]).collect();
                self.errors.push(RenderError::SeveralKustomizations { place: Place::file(shown(directory)), names });
                return None;
            }
        };
        let text = self.text(&path, &content)?;
        let before = self.errors.len();
        let kustomization = match yaml::parse(text, YAML) {
            Err(source) => {
                self.errors.push(RenderError::Yaml { place: Place::new(&path, source.at()), source });
                return None;
            }
            Ok(documents) => {
                let Some(document) = documents.into_iter().next() else {
                    self.refuse_empty(&path);
                    return Some(Kustomization::empty(&path));
                };
                self.note_duplicates(&path, &document);
                if says_nothing(&document.root) {
                    self.refuse_empty(&path);
                }
                Kustomization::read(
                    &document.root,
                    &mut Decoder { file: &path, dialect: self.dialect, errors: &mut self.errors },
                )
            }
        };
        // With a field that means something else, nothing that follows can be trusted;
        // but what it names may have errors of its own.
        if self.errors.len() > before {
            self.visit(&kustomization);
            return None;
        }
        Some(kustomization)
    }

    /// Dialect 5 takes a kustomization that says nothing for a mistake.
    fn refuse_empty(&mut self, path: &str) {
        if self.dialect == Dialect::V5 {
            let (place, field) = (Place::file(path), "kustomization".to_owned());
            let reason = "it says nothing: `resources: []` is the least it can say".to_owned();
            self.errors.push(RenderError::Field { place, field, reason });
        }
    }

    fn note_duplicates(&mut self, path: &str, document: &Document) {
        for duplicate in &document.duplicates {
            let place = Place::new(path, duplicate.at);
            self.note(place, format!("`{}` is set twice; the value at {} is lost", duplicate.key, duplicate.first));
        }
    }

    /// The objects of a file; `None` when something is wrong with it.
    pub(crate) fn objects_of(&mut self, path: &str, content: &Rc<[u8]>) -> Option<Rc<Vec<Parsed>>> {
        if let Some(known) = self.objects.get(path) {
            return known.clone();
        }
        let objects = self.text(path, content).and_then(|text| {
            let before = self.errors.len();
            let objects = self.parse_objects(path, text);
            (self.errors.len() == before).then(|| Rc::new(objects))
        });
        self.objects.insert(path.to_owned(), objects.clone());
        objects
    }

    fn parse_objects(&mut self, path: &str, text: &str) -> Vec<Parsed> {
        match read_documents(text, self.dialect.yaml()) {
            Err(source) => {
                self.errors.push(RenderError::Yaml { place: Place::new(path, source.at()), source });
                Vec::new()
            }
            Ok(documents) => {
                for document in &documents {
                    self.note_duplicates(path, document);
                }
                let mut wrong = Vec::new();
                let objects = objects_in(documents, self.dialect, &mut wrong);
                self.errors.extend(
                    wrong.into_iter().map(|(at, reason)| RenderError::Object { place: Place::new(path, at), reason }),
                );
                objects
            }
        }
    }
}

/// Whether a kustomization has no field but those that say what it is.
fn says_nothing(root: &Node) -> bool {
    match &root.kind {
        Kind::Null => true,
        Kind::Map(entries) => entries.iter().all(|entry| {
            let is_head = ["apiVersion", "kind"].iter().any(|name| name.eq_ignore_ascii_case(&entry.key));
            is_head || matches!(entry.value.kind, Kind::Null) || entry.value.as_text() == Some("")
        }),
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => false,
    }
}

/// The documents of a text. One that begins with `{` is a stream of JSON objects.
fn read_documents(text: &str, dialect: yaml::Dialect) -> Result<Vec<Document>, yaml::YamlError> {
    if text.trim_start().starts_with('{') {
        let stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        if let Ok(values) = stream.collect::<Result<Vec<_>, _>>()
            && values.len() > 1
        {
            let documents = values.iter().map(|value| yaml::parse(&value.to_string(), dialect));
            return Ok(documents.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
        }
    }
    yaml::parse(text, dialect)
}

/// A node as a JSON value; in dialect 5 a null without letters keeps a mark.
fn value_of(node: Node, dialect: Dialect) -> Value {
    if dialect == Dialect::V3_2 {
        return node.into_value();
    }
    let is_folded = node.is_folded();
    if node.is_unwritten() {
        return blank(false);
    }
    let in_braces = node.is_flow();
    match node.kind {
        Kind::List(items) => items.into_iter().map(|item| value_of(item, dialect)).collect(),
        Kind::Map(entries) => {
            let entries = entries.into_iter().map(|entry| match entry.value.is_unwritten() {
                true => (entry.key, blank(in_braces)),
                false => (entry.key, value_of(entry.value, dialect)),
            });
            Value::Object(entries.collect())
        }
        Kind::Text(text) if is_folded => folded(text),
        Kind::Text(text) => Value::String(text),
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(value),
        Kind::Number(number) => Value::Number(number),
    }
}

/// The objects in some documents, lists of objects taken apart.
pub(crate) fn objects_in(
    documents: Vec<Document>,
    dialect: Dialect,
    wrong: &mut Vec<(Position, String)>,
) -> Vec<Parsed> {
    let mut objects = Vec::new();
    let mut queue: VecDeque<(Position, Value)> = documents
        .into_iter()
        .filter(|document| !matches!(document.root.kind, Kind::Null))
        .map(|document| (document.root.at, value_of(document.root, dialect)))
        .collect();
    while let Some((at, value)) = queue.pop_front() {
        let Value::Object(object) = value else {
            let what = what(&value);
            wrong.push((at, format!("a Kubernetes object must be a map, and this is {what}")));
            continue;
        };
        if object.is_empty() {
            continue;
        }
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        if kind.is_empty() {
            wrong.push((at, "the object has no `kind`".to_owned()));
        } else if kind.ends_with("List") {
            match object.get("items") {
                Some(Value::Array(items)) => queue.extend(items.iter().map(|item| (at, item.clone()))),
                // Not a list of objects, but one whose kind is only called so.
                None if dialect == Dialect::V5 => objects.push(Parsed { object, at }),
                None => {}
                Some(nothing) if is_null(nothing) => {}
                Some(other) => {
                    wrong.push((at, format!("`items` of a {kind} must be a list, and is {}", what(other))));
                }
            }
        } else if metadata_text(&object, "name").is_empty() {
            wrong.push((at, format!("the {kind} has no `metadata.name`")));
        } else {
            objects.push(Parsed { object, at });
        }
    }
    objects
}

/// The one text of a patch within a kustomization: its objects, or why there are none.
pub(crate) fn parse_inline(text: &str, dialect: Dialect) -> Result<Vec<Parsed>, String> {
    let documents = read_documents(text, dialect.yaml()).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    let objects = objects_in(documents, dialect, &mut wrong);
    match wrong.into_iter().next() {
        None => Ok(objects),
        Some((at, reason)) => Err(format!("{reason} ({at})")),
    }
}
