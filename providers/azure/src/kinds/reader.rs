//! Reads the fields of a resource for typed builders, and remembers what a model cannot hold.
//!
//! A builder asks for each field by name. What is known comes back as a plain value; where
//! a leaf is late, secret, or an empty list (which the models leave out), the place in the
//! ARM body is noted, and [`Reader::finish`] puts it there after the model was turned into JSON.

use kfplan_model::{Path, Resource, Segment, Value};
use kfplan_plan::{Desired, Hole, Problem};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::properties::{Property, of_field};

/// The fields of one resource on their way into a body.
pub(crate) struct Reader<'a> {
    resource: &'a Resource,
    /// The table inside `resource.fields` that fields are read from, and the same as keys of a path.
    base: Vec<&'a str>,
    table: &'static [Property],
    /// What ARM paths of the table begin with.
    prefix: Path,
    holes: Vec<Hole>,
    sensitive: Vec<Path>,
    puts: Vec<(Path, Json)>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(resource: &'a Resource, table: &'static [Property], prefix: Path) -> Self {
        Self {
            resource,
            base: Vec::new(),
            table,
            prefix,
            holes: Vec::new(),
            sensitive: Vec::new(),
            puts: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Goes on with the fields of the sub-table `base`, whose properties stand in `table` below `prefix`.
    pub(crate) fn enter(&mut self, base: &'a str, table: &'static [Property], prefix: Path) {
        self.base = if base.is_empty() { Vec::new() } else { vec![base] };
        self.table = table;
        self.prefix = prefix;
    }

    fn field_path(&self, field: &str) -> Path {
        Path::keys(self.base.iter().copied().chain(field.split('.')))
    }

    /// Notes what is wrong with a field.
    pub(crate) fn problem(&mut self, field: &str, code: &str, message: impl Into<String>, help: impl Into<String>) {
        let path = self.field_path(field);
        self.problems.push(problem(self.resource, Some(path), code, message, help));
    }

    /// Whether a field is stated.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.value(field).is_some_and(|value| !matches!(value, Value::Null))
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        let fields = &self.resource.fields;
        self.base.iter().copied().chain(field.split('.')).try_fold(fields, |value, key| value.get(key))
    }

    /// The value of a field, whatever it is, if it is known; noting its place if it is late or secret.
    fn known(&mut self, field: &str) -> Option<&'a Value> {
        let value = self.value(field)?;
        if let Some(property) = of_field(self.table, field) {
            let arm = self.arm(property);
            self.mark(value, &arm);
        }
        match value.reveal() {
            Value::Late(_) | Value::Null => None,
            _ => Some(value.reveal()),
        }
    }

    fn arm(&self, property: &Property) -> Path {
        property.arm.split('/').skip(1).fold(self.prefix.clone(), |path, key| path.key(key))
    }

    /// Notes every late and secret leaf of a value that goes to `arm`.
    fn mark(&mut self, value: &Value, arm: &Path) {
        match value {
            Value::Late(late) => self.holes.push(Hole { path: arm.clone(), late: late.clone() }),
            Value::Sensitive(inner) => {
                self.sensitive.push(arm.clone());
                self.mark(inner, arm);
            }
            Value::List(list) => {
                for (index, value) in list.iter().enumerate() {
                    self.mark(value, &arm.key(&index.to_string()));
                }
            }
            Value::Map(map) => {
                for (key, value) in map {
                    self.mark(value, &arm.key(key));
                }
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Handle(_) => {}
        }
    }

    pub(crate) fn text(&mut self, field: &str) -> Option<String> {
        self.known(field)?.as_str().map(str::to_owned)
    }

    /// A word that a model has as an enumeration.
    pub(crate) fn word<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        self.text(field).and_then(|text| word(&text))
    }

    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        self.known(field)?.as_bool()
    }

    pub(crate) fn number(&mut self, field: &str) -> Option<f64> {
        match self.known(field)? {
            Value::Int(whole) => whole.to_string().parse().ok(),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn int(&mut self, field: &str) -> Option<i32> {
        let value = self.known(field)?.as_int()?;
        match i32::try_from(value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.problem(
                    field,
                    "azure::number",
                    format!("{value} is too large"),
                    "write a number below 2147483648",
                );
                None
            }
        }
    }

    /// A list of texts. What a model would drop (an empty list, late elements) is put in afterwards.
    pub(crate) fn texts(&mut self, field: &str) -> Vec<String> {
        let Some(Value::List(list)) = self.known(field) else { return Vec::new() };
        let texts: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if texts.is_empty() || texts.len() < list.len() {
            self.put(field, Json::Array(list.iter().map(plain).collect()));
            return Vec::new();
        }
        texts
    }

    /// Any value, as JSON with nothing where a leaf is late.
    pub(crate) fn json(&mut self, field: &str) -> Option<Json> {
        self.known(field).map(plain)
    }

    /// A table with free keys, as JSON. Its keys decide what is compared, so they must be known.
    pub(crate) fn entries(&mut self, field: &str) -> Option<Json> {
        if self.value(field).is_some_and(|value| matches!(value.reveal(), Value::Late(_))) {
            let message = format!("the keys of `{field}` are not known at plan");
            self.problem(field, "azure::unknowable", message, "state the keys; values may be known after apply");
            return None;
        }
        self.json(field)
    }

    /// A field that the models do not know: it goes to its place as it is.
    pub(crate) fn beside(&mut self, field: &str) {
        if let Some(value) = self.json(field) {
            self.put(field, value);
        }
    }

    /// Puts a value at the place of a field, or merges a table into it.
    pub(crate) fn put(&mut self, field: &str, value: Json) {
        if let Some(property) = of_field(self.table, field) {
            self.puts.push((self.arm(property), value));
        }
    }

    /// The body of the model with all that it could not hold.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the fields.
    pub(crate) fn finish(self, mut body: Json) -> Result<Desired, Vec<Problem>> {
        for (path, value) in self.puts {
            merge_at(&mut body, path.segments(), value);
        }
        for hole in &self.holes {
            merge_at(&mut body, hole.path.segments(), Json::Null);
        }
        if self.problems.is_empty() {
            Ok(Desired { body, holes: self.holes, sensitive: self.sensitive })
        } else {
            Err(self.problems)
        }
    }
}

/// Something wrong with a resource or one of its fields.
pub(crate) fn problem(
    resource: &Resource,
    field: Option<Path>,
    code: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Problem {
    let at = field.as_ref().and_then(|path| {
        (0..=path.segments().len())
            .rev()
            .filter_map(|length| path.segments().get(..length))
            .find_map(|segments| resource.positions.get(&Path::from_segments(segments.to_vec())))
    });
    Problem {
        resource: resource.address.clone(),
        at: at.copied().unwrap_or(resource.at),
        field,
        code: code.to_owned(),
        message: message.into(),
        help: help.into(),
    }
}

/// A word as a model's enumeration. Words that the model does not know are kept; its `FromStr` would refuse them.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Json::from(text)).ok()
}

/// The value as JSON; `null` where it is late.
pub(crate) fn plain(value: &Value) -> Json {
    match value.reveal() {
        Value::Null | Value::Late(_) | Value::Sensitive(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(&**text),
        Value::Handle(address) => Json::from(address.to_string()),
        Value::List(list) => Json::Array(list.iter().map(plain).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
    }
}

/// Puts `value` at a path, making the maps on the way. Maps are merged, all else is replaced.
pub(crate) fn merge_at(body: &mut Json, path: &[Segment], value: Json) {
    let Some((first, rest)) = path.split_first() else {
        return merge_maps(body, value);
    };
    match (first, &mut *body) {
        (Segment::Key(key), Json::Array(list)) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                merge_at(item, rest, value);
            }
        }
        (Segment::Key(key), _) => {
            if !body.is_object() {
                *body = Json::Object(Map::new());
            }
            if let Json::Object(map) = body {
                merge_at(map.entry(&**key).or_insert(Json::Null), rest, value);
            }
        }
        (Segment::Item(_) | Segment::Element(_), _) => {
            if let Some(item) = Path::from_segments(vec![first.clone()]).get_mut(body) {
                merge_at(item, rest, value);
            }
        }
    }
}

fn merge_maps(into: &mut Json, value: Json) {
    match (into, value) {
        (Json::Object(into), Json::Object(map)) => {
            for (key, value) in map {
                merge_maps(into.entry(key).or_insert(Json::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}
