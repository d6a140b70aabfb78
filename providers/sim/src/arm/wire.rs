//! What goes over the wire: requests, responses, and refusals in the shapes that Azure uses.
//!
//! The front door of Azure (ARM) writes compact JSON and wraps errors in `error`;
//! the AKS provider indents, escapes as Go does, and writes errors flat; DNS is compact and
//! escapes slashes. A client has to read all of them, so the simulator writes all of them.

use serde_json::{Map, Value, json};

use super::time;
use crate::wire::{Request, Response};

/// Who writes the JSON, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// The front door and the group provider: compact.
    Arm,
    /// AKS: indented, with `&`, `<` and `>` escaped as Go does.
    Aks,
    /// DNS: compact, with `/` escaped.
    Dns,
}

impl Style {
    fn write(self, body: &Value) -> String {
        match self {
            Style::Arm => body.to_string(),
            Style::Aks => serde_json::to_string_pretty(body)
                .unwrap_or_default()
                .replace('&', "\\u0026")
                .replace('<', "\\u003c")
                .replace('>', "\\u003e"),
            Style::Dns => body.to_string().replace('/', "\\/"),
        }
    }
}

/// An answer with a body in the given style.
pub(crate) fn styled(status: u16, style: Style, body: &Value) -> Response {
    let kind = match style {
        Style::Arm | Style::Dns => "application/json; charset=utf-8",
        Style::Aks => "application/json",
    };
    Response::bytes(status, kind, style.write(body).into_bytes())
}

/// A request that is refused, and how the refusal is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(Box<Refused>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    status: u16,
    code: String,
    message: String,
    shape: Shape,
    headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// `{"error": {"code", "message"}}`.
    Wrapped,
    /// `{"code", "message"}` in the given style.
    Flat(Style),
    /// AKS's long form, with `details`, `subcode` and perhaps `target`.
    Long { target: Option<String>, details: Option<String>, subcode: String },
}

impl Refusal {
    /// The front door refuses.
    pub(crate) fn arm(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal::shaped(status, code, message, Shape::Wrapped)
    }

    /// AKS says that something is not there.
    pub(crate) fn flat(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal::shaped(status, code, message, Shape::Flat(Style::Aks))
    }

    /// DNS refuses.
    pub(crate) fn dns(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal::shaped(status, code, message, Shape::Flat(Style::Dns))
    }

    /// AKS refuses a write.
    pub(crate) fn aks(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal::shaped(status, code, message, Shape::Long { target: None, details: None, subcode: String::new() })
    }

    fn shaped(status: u16, code: &str, message: impl Into<String>, shape: Shape) -> Refusal {
        Refusal(Box::new(Refused {
            status,
            code: code.to_owned(),
            message: message.into(),
            shape,
            headers: Vec::new(),
        }))
    }

    /// The code of the error.
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// Names the property that is to blame.
    pub(crate) fn at(mut self, property: &str) -> Refusal {
        if let Shape::Long { target, .. } = &mut self.0.shape {
            *target = Some(property.to_owned());
        }
        self
    }

    /// Adds what AKS lets through of its inside.
    pub(crate) fn because(mut self, detail: &str, code: &str) -> Refusal {
        if let Shape::Long { details, subcode, .. } = &mut self.0.shape {
            *details = Some(detail.to_owned());
            *subcode = code.to_owned();
        }
        self
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Refusal {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The answer that carries this refusal.
    pub(crate) fn response(&self) -> Response {
        let mut body = json!({"code": self.0.code, "message": self.0.message});
        let mut answer = match &self.0.shape {
            Shape::Wrapped => styled(self.0.status, Style::Arm, &json!({"error": body})),
            Shape::Flat(style) => styled(self.0.status, *style, &body),
            Shape::Long { target, details, subcode } => {
                let details = details.as_ref().map(|text| json!([{"code": "Unspecified", "message": text}]));
                put(&mut body, "details", details.unwrap_or(Value::Null));
                put(&mut body, "subcode", json!(subcode));
                if let Some(target) = target {
                    put(&mut body, "target", json!(target));
                }
                styled(self.0.status, Style::Aks, &body)
            }
        };
        answer.headers.extend(self.0.headers.iter().cloned());
        answer
    }
}

/// A response, or a refusal.
pub(crate) type Answer = Result<Response, Refusal>;

/// Sets a member of an object.
pub(crate) fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// Reads the body as a JSON object.
pub(crate) fn body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let typed = request.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    if !typed {
        return Err(Refusal::arm(
            415,
            "UnsupportedMediaType",
            "The content media type is not supported. Only 'application/json' is supported.",
        ));
    }
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(invalid_content("Could not find member on object of this type: an object is expected.")),
        Err(error) => Err(invalid_content(&error.to_string())),
    }
}

fn invalid_content(why: &str) -> Refusal {
    let message = format!("The request content was invalid and could not be deserialized: '{why}'.");
    Refusal::arm(400, "InvalidRequestContent", message)
}

/// The path of a request in decoded segments: as sent, and in lower case for comparing.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    sent: Vec<String>,
    lower: Vec<String>,
}

impl Segments {
    pub(crate) fn of(path: &str) -> Segments {
        let sent: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let lower = sent.iter().map(|part| part.to_ascii_lowercase()).collect();
        Segments { sent, lower }
    }

    pub(crate) fn lower(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }

    pub(crate) fn sent(&self) -> Vec<&str> {
        self.sent.iter().map(String::as_str).collect()
    }
}

/// Decodes `%xx`; what is not valid stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .flatten();
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Adds the headers that every answer of Azure has.
pub(crate) fn finish(mut response: Response, now: u64, request_id: String) -> Response {
    response.headers.push(("date".into(), time::http_date(now)));
    response.headers.push(("x-ms-request-id".into(), request_id.clone()));
    response.headers.push(("x-ms-correlation-request-id".into(), request_id));
    response.headers.push(("cache-control".into(), "no-cache".into()));
    response
}
