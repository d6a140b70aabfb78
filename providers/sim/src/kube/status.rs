//! Refusals, as the API machinery words them.

use serde_json::{Value, json};

use crate::wire::Response;

/// A request that is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, reason, message: message.into(), details: None }
    }

    /// The path leads nowhere.
    pub(crate) fn no_such_path() -> Refusal {
        let mut refusal = Refusal::new(404, "NotFound", "the server could not find the requested resource");
        refusal.details = Some(json!({}));
        refusal
    }

    pub(crate) fn unavailable() -> Refusal {
        Refusal::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"});
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
            map.insert("code".into(), json!(self.code));
        }
        body
    }

    pub(crate) fn response(&self) -> Response {
        Response::json(self.code, &self.body())
    }
}
