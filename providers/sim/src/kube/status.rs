//! Refusals, as the API machinery words them.

use serde_json::{Value, json};

use super::apply::ApplyError;
use super::kinds::Resource;
use crate::wire::Response;

/// A request that is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

/// A response, or a refusal.
pub(crate) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, reason, message: message.into(), details: None }
    }

    fn with(mut self, details: Value) -> Refusal {
        self.details = Some(details);
        self
    }

    /// The path leads nowhere.
    pub(crate) fn no_such_path() -> Refusal {
        Refusal::new(404, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    pub(crate) fn unavailable() -> Refusal {
        Refusal::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    }

    pub(crate) fn bad(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "BadRequest", message)
    }

    /// Nothing but a code and words.
    pub(crate) fn plain(code: u16, message: impl Into<String>) -> Refusal {
        Refusal::new(code, "", message)
    }

    pub(crate) fn unauthorized() -> Refusal {
        Refusal::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn internal(message: &str) -> Refusal {
        Refusal::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with(json!({"causes": [{"message": message}]}))
    }

    pub(crate) fn method_not_allowed() -> Refusal {
        Refusal::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(json!({}))
    }

    pub(crate) fn unsupported_media(supported: &[&str]) -> Refusal {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            supported.join(", ")
        );
        Refusal::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn gone(message: impl Into<String>) -> Refusal {
        Refusal::new(410, "Expired", message)
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Refusal {
        Refusal::new(404, "NotFound", format!("{} {name:?} not found", resource.qualified())).with(details(
            name,
            &resource.group,
            &resource.plural,
        ))
    }

    pub(crate) fn no_namespace(name: &str) -> Refusal {
        Refusal::new(404, "NotFound", format!("namespaces {name:?} not found"))
            .with(json!({"name": name, "kind": "namespaces"}))
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Refusal {
        Refusal::new(409, "AlreadyExists", format!("{} {name:?} already exists", resource.qualified())).with(details(
            name,
            &resource.group,
            &resource.plural,
        ))
    }

    /// The name that exists already was made up by the server.
    pub(crate) fn generated(mut self, name: &str) -> Refusal {
        let noun = self.message.split(' ').next().unwrap_or_default().to_owned();
        self.message =
            format!("{noun} {name:?} already exists, the server was not able to generate a unique name for the object");
        self
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Refusal {
        Refusal::new(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified()),
        )
        .with(details(name, &resource.group, &resource.plural))
    }

    /// A conflict that names the kind rather than the resource.
    pub(crate) fn conflict_of_kind(resource: &Resource, name: &str, why: &str) -> Refusal {
        let kind = resource.qualified_kind();
        Refusal::new(409, "Conflict", format!("Operation cannot be fulfilled on {kind} {name:?}: {why}")).with(details(
            name,
            &resource.group,
            &resource.kind,
        ))
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Refusal {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", resource.qualified())
        } else {
            format!("{} {name:?} is forbidden: {why}", resource.qualified())
        };
        Refusal::new(403, "Forbidden", message).with(details(name, &resource.group, &resource.plural))
    }

    /// The object breaks rules: all of them.
    pub(crate) fn invalid(resource: &Resource, name: &str, errors: &[FieldError]) -> Refusal {
        Refusal::invalid_as(&resource.qualified_kind(), &resource.group, &resource.kind, name, errors)
    }

    pub(crate) fn invalid_as(qualified: &str, group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Refusal {
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.text();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let joined = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut details = details(name, group, kind);
        let causes =
            errors.iter().map(|error| json!({"reason": error.kind, "message": error.body(), "field": error.field}));
        if let Some(map) = details.as_object_mut() {
            map.insert("causes".into(), causes.collect());
        }
        Refusal::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {joined}")).with(details)
    }

    /// What an apply failed with.
    pub(crate) fn apply(error: &ApplyError) -> Refusal {
        match error {
            ApplyError::Conflicts(conflicts) => {
                let causes: Vec<Value> = conflicts
                    .iter()
                    .map(|(manager, path)| {
                        json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path})
                    })
                    .collect();
                Refusal::new(409, "Conflict", ApplyError::conflict_message(conflicts)).with(json!({"causes": causes}))
            }
            ApplyError::Typed(message) => Refusal::plain(500, message),
        }
    }

    pub(crate) fn body(&self) -> Value {
        let mut body =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": self.code});
        if let Some(map) = body.as_object_mut() {
            if !self.message.is_empty() {
                map.insert("message".into(), json!(self.message));
            }
            if !self.reason.is_empty() {
                map.insert("reason".into(), json!(self.reason));
            }
            if let Some(details) = &self.details {
                map.insert("details".into(), details.clone());
            }
        }
        body
    }

    pub(crate) fn response(&self) -> Response {
        let response = Response::json(self.code, &self.body());
        if self.code == 429 { response.with("retry-after", "1") } else { response }
    }
}

fn details(name: &str, group: &str, kind: &str) -> Value {
    let mut details = json!({});
    if let Some(map) = details.as_object_mut() {
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                map.insert(key.into(), json!(value));
            }
        }
    }
    details
}

/// One rule that an object breaks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) kind: &'static str,
    pub(crate) value: Option<Value>,
    pub(crate) detail: String,
}

impl FieldError {
    pub(crate) fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), kind: "FieldValueInvalid", value: Some(value.into()), detail: detail.into() }
    }

    pub(crate) fn required(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), kind: "FieldValueRequired", value: None, detail: detail.into() }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), kind: "FieldValueForbidden", value: None, detail: detail.into() }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> FieldError {
        FieldError {
            field: field.into(),
            kind: "FieldValueDuplicate",
            value: Some(value.into()),
            detail: String::new(),
        }
    }

    pub(crate) fn not_supported(field: impl Into<String>, value: impl Into<Value>, supported: &[&str]) -> FieldError {
        let list: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let detail = format!("supported values: {}", list.join(", "));
        FieldError { field: field.into(), kind: "FieldValueNotSupported", value: Some(value.into()), detail }
    }

    pub(crate) fn of(
        kind: &'static str,
        field: impl Into<String>,
        value: Option<Value>,
        detail: impl Into<String>,
    ) -> FieldError {
        FieldError { field: field.into(), kind, value, detail: detail.into() }
    }

    /// The error without its field.
    pub(crate) fn body(&self) -> String {
        let kind = match self.kind {
            "FieldValueInvalid" | "FieldValueTypeInvalid" => "Invalid value",
            "FieldValueRequired" => "Required value",
            "FieldValueForbidden" => "Forbidden",
            "FieldValueDuplicate" => "Duplicate value",
            "FieldValueNotSupported" => "Unsupported value",
            "FieldValueNotFound" => "Not found",
            "FieldValueTooLong" => "Too long",
            "FieldValueTooMany" => "Too many",
            _ => "Internal error",
        };
        let mut out = kind.to_owned();
        match (&self.value, self.kind) {
            (_, "FieldValueRequired" | "FieldValueForbidden" | "FieldValueTooLong") | (None, _) => {}
            (Some(Value::String(text)), _) => out.push_str(&format!(": {}", super::apply::quoted(text))),
            (Some(value), _) => out.push_str(&format!(": {value}")),
        }
        if !self.detail.is_empty() {
            out.push_str(&format!(": {}", self.detail));
        }
        out
    }

    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.field, self.body())
    }
}
