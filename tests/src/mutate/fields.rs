//! `fieldsV1` as Kubernetes documents it: which places of an object a manager owns, and where they are in its body.
//!
//! `f:NAME` is a field, `k:{…}` an item of a list by its keys, `v:…` an element of a set by its value, `i:N` an item by
//! its place, and `.` says that the thing itself is owned beside what is inside it.

use serde_json::Value as Json;

/// One step from a body to a place in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Field(String),
    Item(Vec<(String, Json)>),
    Element(Json),
    Index(usize),
}

/// What somebody owns at a place and inside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Owned {
    inside: Vec<(Step, Owned)>,
}

impl Step {
    /// Reads a key of `fieldsV1`; `None` for `.` and for what no server writes today.
    pub(super) fn read(key: &str) -> Option<Self> {
        let (form, rest) = key.split_once(':')?;
        match form {
            "f" => Some(Self::Field(rest.to_owned())),
            "v" => Some(Self::Element(serde_json::from_str(rest).ok()?)),
            "i" => Some(Self::Index(rest.parse().ok()?)),
            "k" => match serde_json::from_str(rest).ok()? {
                Json::Object(keys) => Some(Self::Item(keys.into_iter().collect())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The step as a token of a JSON Pointer into this very body; `None` when nothing is there.
    fn token(&self, body: &Json) -> Option<String> {
        let place = match (self, body) {
            (Self::Field(name), Json::Object(map)) => return map.contains_key(name).then(|| name.clone()),
            (Self::Index(place), Json::Array(list)) => (*place < list.len()).then_some(*place),
            (Self::Element(value), Json::Array(list)) => list.iter().position(|item| item == value),
            (Self::Item(keys), Json::Array(list)) => {
                let states = |item: &Json| keys.iter().all(|(key, value)| item.get(key) == Some(value));
                let allows = |item: &Json| {
                    item.is_object() && keys.iter().all(|(key, value)| item.get(key).is_none_or(|it| it == value))
                };
                list.iter().position(states).or_else(|| list.iter().position(allows))
            }
            _ => None,
        };
        place.map(|place| place.to_string())
    }
}

impl Owned {
    /// Reads `fieldsV1`.
    pub(super) fn read(fields: &Json) -> Self {
        let inside = fields.as_object().into_iter().flatten();
        Self { inside: inside.filter_map(|(key, fields)| Some((Step::read(key)?, Self::read(fields)))).collect() }
    }

    /// Every place that is owned and has nothing owned inside it.
    pub(super) fn leaves(&self) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, node| {
            if node.inside.is_empty() && !path.is_empty() {
                found.push(path.to_vec());
            }
        });
        found
    }

    /// Every place with something owned inside it, outermost first.
    pub(super) fn containers(&self) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, node| {
            if !node.inside.is_empty() && !path.is_empty() {
                found.push(path.to_vec());
            }
        });
        found
    }

    /// Every list that is merged item by item, with the items of it that are owned.
    pub(super) fn merged_lists(&self) -> Vec<(Vec<Step>, Vec<Step>)> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, node| {
            let items = node.inside.iter().filter(|(step, _)| matches!(step, Step::Item(_) | Step::Element(_)));
            let items: Vec<Step> = items.map(|(step, _)| step.clone()).collect();
            if !items.is_empty() {
                found.push((path.to_vec(), items));
            }
        });
        found
    }

    fn walk(&self, path: &mut Vec<Step>, seen: &mut impl FnMut(&[Step], &Self)) {
        seen(path, self);
        for (step, inside) in &self.inside {
            path.push(step.clone());
            inside.walk(path, seen);
            path.pop();
        }
    }

    /// Whether something inside the place is owned by itself.
    pub(super) fn is_inside(&self, path: &[Step]) -> bool {
        let mut node = self;
        for step in path {
            match node.inside.iter().find(|(inside, _)| inside == step) {
                Some((_, inside)) => node = inside,
                None => return false,
            }
        }
        !node.inside.is_empty()
    }

    /// Whether the place, something inside it, or a whole that it is part of is owned.
    pub(super) fn touches(&self, path: &[Step]) -> bool {
        let mut node = self;
        for (depth, step) in path.iter().enumerate() {
            match node.inside.iter().find(|(inside, _)| inside == step) {
                Some((_, inside)) => node = inside,
                None => return depth > 0 && node.inside.is_empty(),
            }
        }
        true
    }
}

/// `fieldsV1` without one place.
pub(super) fn without(fields: &Json, path: &[Step]) -> Json {
    let (Some(map), Some((first, rest))) = (fields.as_object(), path.split_first()) else { return fields.clone() };
    let mut kept = serde_json::Map::new();
    for (key, inside) in map {
        if Step::read(key).as_ref() != Some(first) {
            kept.insert(key.clone(), inside.clone());
        } else if !rest.is_empty() {
            let inside = without(inside, rest);
            // Nothing inside would say that the whole is owned.
            if inside.as_object().is_some_and(|inside| !inside.is_empty()) {
                kept.insert(key.clone(), inside);
            }
        }
    }
    Json::Object(kept)
}

/// The tokens of a JSON Pointer to a place of this very body; `None` when nothing is there.
pub(super) fn locate(body: &Json, path: &[Step]) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut value = body;
    for step in path {
        let token = step.token(value)?;
        value = match value {
            Json::Array(list) => list.get(token.parse::<usize>().ok()?)?,
            other => other.get(&token)?,
        };
        tokens.push(token);
    }
    Some(tokens)
}

/// The value at a place.
pub(super) fn lookup<'a>(body: &'a Json, path: &[Step]) -> Option<&'a Json> {
    body.pointer(&super::edit::pointer(&locate(body, path)?))
}

/// A place in the words of kfplan's documentation: a JSON Pointer with list keys.
pub(super) fn text(path: &[Step]) -> String {
    path.iter()
        .map(|step| match step {
            Step::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1").replace('[', "~2")),
            Step::Index(place) => format!("/{place}"),
            Step::Element(value) => format!("[={}]", scalar(value)),
            Step::Item(keys) => {
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={}", scalar(value))).collect();
                format!("[{}]", keys.join(","))
            }
        })
        .collect()
}

/// Text stands as it is unless it could be taken for something else.
fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => {
            let is_doubtful = text.is_empty()
                || text.parse::<i64>().is_ok()
                || text == "true"
                || text == "false"
                || text.contains([']', ',', '"', '=']);
            if is_doubtful { value.to_string() } else { text.clone() }
        }
        other => other.to_string(),
    }
}
