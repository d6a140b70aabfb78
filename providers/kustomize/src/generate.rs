//! ConfigMaps and Secrets out of literals, files and env files.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::kustomization::{Generator, GeneratorOptions, Named};
use crate::provenance::Configured;
use crate::render::Renderer;
use crate::resource::{Generated, Resource};

/// What a generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// A key, its value, and what said so.
struct Pair<'a> {
    key: String,
    value: Vec<u8>,
    source: &'a Named,
}

/// Makes the object of one generator; what is wrong goes to the renderer's errors.
pub(crate) fn generate(
    renderer: &mut Renderer<'_>,
    file: &str,
    generator: &Generator,
    options: &GeneratorOptions,
    target: Target,
) -> Option<Resource> {
    let before = renderer.errors.len();
    let options = &generator.options.with(options);
    let pairs = pairs(renderer, file, generator);
    let mut object = shell(generator, options, target);
    fill(renderer, file, &mut object, pairs, target);
    if options.immutable {
        object.insert("immutable".to_owned(), true.into());
    }
    if generator.name.is_empty() {
        renderer.errors.push(RenderError::Field {
            place: Place::new(file, generator.at),
            field: generator.field.clone(),
            reason: "a `name` is needed".to_owned(),
        });
    }
    let generated = Generated { behavior: generator.behavior, needs_hash: !options.disable_name_suffix_hash };
    let origin = Rc::new(Place::new(file, generator.at));
    let kind = match target {
        Target::ConfigMap => "ConfigMapGenerator",
        Target::Secret => "SecretGenerator",
    };
    (renderer.errors.len() == before).then(|| {
        let mut made = Resource::new(object, Some(generated), origin);
        made.configured = Some(Configured::by(file, kind));
        made
    })
}

fn shell(generator: &Generator, options: &GeneratorOptions, target: Target) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), generator.name.as_str().into());
    if !generator.namespace.is_empty() {
        metadata.insert("namespace".to_owned(), generator.namespace.as_str().into());
    }
    for (key, map) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if let Some(map) = map.as_ref().filter(|map| !map.is_empty()) {
            metadata.insert(key.to_owned(), json!(map));
        }
    }
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), "v1".into());
    object.insert("metadata".to_owned(), Value::Object(metadata));
    match target {
        Target::ConfigMap => object.insert("kind".to_owned(), "ConfigMap".into()),
        Target::Secret => {
            let kind = if generator.secret_type.is_empty() { "Opaque" } else { &generator.secret_type };
            object.insert("type".to_owned(), kind.into());
            object.insert("kind".to_owned(), "Secret".into())
        }
    };
    object
}

fn fill(
    renderer: &mut Renderer<'_>,
    file: &str,
    object: &mut Map<String, Value>,
    pairs: Vec<Pair<'_>>,
    target: Target,
) {
    let (mut data, mut binary) = (Map::new(), Map::new());
    let mut seen = BTreeMap::new();
    for pair in pairs {
        let reason = match wrong_key(&pair.key) {
            Some(reason) => Some(format!("`{}` is no key for data: {reason}", pair.key)),
            None => seen
                .insert(pair.key.clone(), &pair.source.field)
                .map(|earlier| format!("the key `{}` is set already, by `{earlier}`", pair.key)),
        };
        if let Some(reason) = reason {
            let (place, field) = (Place::new(file, pair.source.at), pair.source.field.clone());
            renderer.errors.push(RenderError::Field { place, field, reason });
            continue;
        }
        let dialect = renderer.dialect;
        match (target, String::from_utf8(pair.value)) {
            (Target::ConfigMap, Ok(text)) => data.insert(pair.key, text.into()),
            (Target::ConfigMap, Err(bytes)) => binary.insert(pair.key, encoded(bytes.as_bytes(), dialect).into()),
            (Target::Secret, Ok(text)) => data.insert(pair.key, encoded(text.as_bytes(), dialect).into()),
            (Target::Secret, Err(bytes)) => data.insert(pair.key, encoded(bytes.as_bytes(), dialect).into()),
        };
    }
    for (key, map) in [("data", data), ("binaryData", binary)] {
        let is_kept = renderer.dialect == Dialect::V5 && target == Target::Secret && key == "data";
        if is_kept || !map.is_empty() {
            object.insert(key.to_owned(), Value::Object(map));
        }
    }
}

/// Bytes as base64, in dialect 5 in lines of seventy letters.
fn encoded(bytes: &[u8], dialect: Dialect) -> String {
    const LINE: usize = 70;
    let text = STANDARD.encode(bytes);
    if dialect == Dialect::V3_2 || text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (place, letter) in text.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines.push('\n');
    lines
}

/// The pairs of a generator: env files, then literals, then files.
fn pairs<'a>(renderer: &mut Renderer<'_>, file: &str, generator: &'a Generator) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for source in &generator.envs {
        if let Some((path, content)) = renderer.load(file, source, &source.value) {
            read_env(renderer, &path, &content, source, &mut pairs);
        }
    }
    for source in &generator.literals {
        match source.value.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                let value = match renderer.dialect {
                    Dialect::V3_2 => value.trim_matches(['"', '\'']),
                    Dialect::V5 => unquoted(value),
                };
                let value = value.as_bytes().to_vec();
                pairs.push(Pair { key: key.to_owned(), value, source });
            }
            _ => refuse(renderer, file, source, "it must have the form `key=value`"),
        }
    }
    for source in &generator.files {
        let (key, path) = match source.value.split_once('=') {
            None => (source.value.rsplit('/').next().unwrap_or_default(), source.value.as_str()),
            Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => (key, path),
            Some(_) => {
                refuse(renderer, file, source, "it must have the form `path` or `key=path`");
                continue;
            }
        };
        if let Some((_, content)) = renderer.load(file, source, path) {
            pairs.push(Pair { key: key.to_owned(), value: content.to_vec(), source });
        }
    }
    pairs
}

/// A text without the pair of quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |mark: char| text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn refuse(renderer: &mut Renderer<'_>, file: &str, source: &Named, reason: &str) {
    renderer.errors.push(RenderError::Field {
        place: Place::new(file, source.at),
        field: source.field.clone(),
        reason: reason.to_owned(),
    });
}

/// Reads `key=value` lines; blank lines and those that begin with `#` say nothing.
fn read_env<'a>(renderer: &mut Renderer<'_>, path: &str, content: &[u8], source: &'a Named, pairs: &mut Vec<Pair<'a>>) {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let place = || Place::new(path, kfplan_objects::yaml::Position { line: index + 1, column: 1 });
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = std::str::from_utf8(line) else {
            let reason = "the line is not UTF-8".to_owned();
            renderer.errors.push(RenderError::Field { place: place(), field: source.field.clone(), reason });
            continue;
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !is_env_name(key) {
            let reason = format!("`{key}` is no name for a variable: letters, digits, `-`, `_`, `.`, no digit first");
            renderer.errors.push(RenderError::Field { place: place(), field: source.field.clone(), reason });
            continue;
        }
        if renderer.dialect == Dialect::V3_2 && !line.contains('=') {
            renderer.note(place(), format!("`{key}` has no value; kustomize would take it from its environment"));
        }
        pairs.push(Pair { key: key.to_owned(), value: value.as_bytes().to_vec(), source });
    }
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(is_key_character)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name != "."
        && !name.starts_with("..")
}

fn wrong_key(key: &str) -> Option<&'static str> {
    if key.is_empty() || !key.chars().all(is_key_character) {
        return Some("letters, digits, `-`, `_` and `.` only");
    }
    if key.len() > 253 {
        return Some("at most 253 characters");
    }
    (key == "." || key.starts_with("..")).then_some("it looks like a path")
}
