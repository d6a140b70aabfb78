//! From values of the stack file to JSON, with late and secret leaves carried along.
//!
//! A leaf that is late or secret becomes a placeholder before patches are made,
//! and is found again afterwards wherever a patch put it. So whatever a patch does,
//! neither mark is lost.

use kfplan_model::{Late, Path, Segment, Value};
use serde_json::Value as Json;

/// Opens and closes a placeholder. YAML can spell it (`"\x01"`), so a text of the stack that has it becomes a leaf of
/// its own, and manifests that have it are refused before patches are made ([`Marked::forged`]).
const MARK: char = '\u{1}';

/// The leaves that stand behind placeholders.
#[derive(Default)]
pub(crate) struct Marked(Vec<Value>);

/// An object in which every placeholder was put back.
pub(crate) struct Settled {
    pub(crate) body: Json,
    pub(crate) holes: Vec<(Path, Late)>,
    pub(crate) sensitive: Vec<Path>,
}

impl Marked {
    /// The value as JSON, with placeholders for late and secret leaves.
    pub(crate) fn json(&mut self, value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(text) if !text.contains(MARK) => Json::from(&**text),
            Value::Handle(address) => address.to_string().into(),
            Value::List(list) => list.iter().map(|value| self.json(value)).collect(),
            Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), self.json(value))).collect()),
            Value::String(_) | Value::Late(_) | Value::Sensitive(_) => {
                self.0.push(value.clone());
                format!("{MARK}{}{MARK}", self.0.len() - 1).into()
            }
        }
    }

    /// The value with its secrets in the clear, late leaves as their text: only to be digested.
    pub(crate) fn settle_known(&mut self, value: &Value) -> Json {
        match value.reveal() {
            Value::List(list) => list.iter().map(|value| self.settle_known(value)).collect(),
            Value::Map(map) => {
                Json::Object(map.iter().map(|(key, value)| (key.clone(), self.settle_known(value))).collect())
            }
            Value::Late(late) => Json::from(&*late.template),
            plain => self.json(plain),
        }
    }

    /// Whether there is any placeholder.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a manifest has what would be taken for a placeholder, once there are any: it would pull a value of the
    /// stack, perhaps a secret one, to where its author wants it.
    pub(crate) fn forged(&self, body: &Json) -> Option<Path> {
        fn find(json: &Json, path: &Path) -> Option<Path> {
            match json {
                Json::String(text) => text.contains(MARK).then(|| path.clone()),
                Json::Array(list) => {
                    list.iter().enumerate().find_map(|(index, value)| find(value, &path.key(&index.to_string())))
                }
                Json::Object(map) => map.iter().find_map(|(key, value)| find(value, &path.key(key))),
                Json::Null | Json::Bool(_) | Json::Number(_) => None,
            }
        }
        if self.is_empty() { None } else { find(body, &Path::root()) }
    }

    /// Puts every placeholder of `body` back.
    ///
    /// # Errors
    ///
    /// The path of a late value that a patch put into the middle of a text.
    pub(crate) fn settle(&self, mut body: Json) -> Result<Settled, Path> {
        let (mut holes, mut sensitive) = (Vec::new(), Vec::new());
        if !self.is_empty() {
            self.walk(&mut body, &mut Path::root(), &mut holes, &mut sensitive)?;
        }
        Ok(Settled { body, holes, sensitive })
    }

    fn walk(
        &self,
        json: &mut Json,
        path: &mut Path,
        holes: &mut Vec<(Path, Late)>,
        sensitive: &mut Vec<Path>,
    ) -> Result<(), Path> {
        match json {
            Json::Object(map) => {
                for (key, value) in map {
                    path.push(Segment::Key(key.as_str().into()));
                    self.walk(value, path, holes, sensitive)?;
                    path.pop();
                }
            }
            Json::Array(list) => {
                for (index, value) in list.iter_mut().enumerate() {
                    path.push(Segment::Key(index.to_string().into()));
                    self.walk(value, path, holes, sensitive)?;
                    path.pop();
                }
            }
            Json::String(text) if text.contains(MARK) => {
                let (value, is_late, is_secret) = self.text(text).ok_or_else(|| path.clone())?;
                if let Some(late) = is_late {
                    holes.push((path.clone(), late));
                }
                if is_secret {
                    sensitive.push(path.clone());
                }
                *json = value;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a text with placeholders stands for: the value, what it waits for, and whether it is secret.
    fn text(&self, text: &str) -> Option<(Json, Option<Late>, bool)> {
        let parts: Vec<&str> = text.split(MARK).collect();
        let at = |part: &str| part.parse::<usize>().ok().and_then(|place| self.0.get(place));
        if let ["", place, ""] = parts.as_slice() {
            let value = at(place)?;
            let secret = matches!(value, Value::Sensitive(_));
            return match value.reveal() {
                Value::Late(late) => Some((Json::Null, Some(late.clone()), secret)),
                Value::String(text) => Some((Json::from(&**text), None, secret)),
                plain => Some((Self::default().json(plain), None, secret)),
            };
        }
        // Inside a longer text only known values can stand.
        let mut whole = String::new();
        let mut secret = false;
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 0 {
                whole.push_str(part);
                continue;
            }
            let value = at(part)?;
            secret |= matches!(value, Value::Sensitive(_));
            match value.reveal() {
                Value::Late(_) => return None,
                Value::String(text) => whole.push_str(text),
                other => whole.push_str(&Self::default().json(other).to_string()),
            }
        }
        Some((whole.into(), None, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_survive_whatever_moves_the_leaf() {
        let late = Late { template: "${aks_cluster.main.fqdn}".into(), waits: [].into() };
        let mut marked = Marked::default();
        let host = marked.json(&Value::Late(late.clone()));
        let password = marked.json(&Value::from("hunter2").into_sensitive());
        let text = format!("password: {}", password.as_str().unwrap_or_default());
        let body = serde_json::json!({"spec": {"hosts": ["a", host]}, "data": {"p": password, "doc": text}});
        let Ok(settled) = marked.settle(body) else { panic!("no late value stands inside a text") };
        assert_eq!(settled.holes, [("/spec/hosts/1".parse().expect("a path"), late)]);
        assert_eq!(settled.sensitive, ["/data/doc", "/data/p"].map(|path| path.parse::<Path>().expect("a path")));
        assert_eq!(
            settled.body,
            serde_json::json!({"spec": {"hosts": ["a", null]}, "data": {"p": "hunter2", "doc": "password: hunter2"}})
        );
    }

    #[test]
    fn a_manifest_cannot_pull_a_secret_by_forging_a_placeholder() {
        let mut marked = Marked::default();
        let hostile = serde_json::json!({"data": {"a": ["x", "\u{1}0\u{1}"]}});
        assert_eq!(marked.forged(&hostile), None, "nothing can be pulled while nothing is marked");
        marked.json(&Value::from("hunter2").into_sensitive());
        assert_eq!(marked.forged(&hostile).map(|path| path.to_string()), Some("/data/a/1".to_owned()));
        assert_eq!(marked.forged(&serde_json::json!({"data": {"a": "x"}})), None);
    }

    #[test]
    fn a_text_of_the_stack_that_looks_like_a_placeholder_stays_that_text() {
        let mut marked = Marked::default();
        marked.json(&Value::from("hunter2").into_sensitive());
        let body = marked.json(&Value::from("\u{1}0\u{1}"));
        let Ok(settled) = marked.settle(body) else { panic!("nothing is late") };
        assert_eq!((settled.body, settled.sensitive), ("\u{1}0\u{1}".into(), Vec::new()));
    }

    #[test]
    fn a_late_value_inside_a_text_is_named() {
        let mut marked = Marked::default();
        let host = marked.json(&Value::Late(Late { template: "x".into(), waits: [].into() }));
        let body = serde_json::json!({"data": {"doc": format!("host: {}", host.as_str().unwrap_or_default())}});
        assert_eq!(marked.settle(body).err().map(|path| path.to_string()), Some("/data/doc".to_owned()));
    }
}
