//! The `body_file` of an `azure_resource`: a JSON file beside the stack file.

use std::sync::Arc;

use kfplan_model::Value;
use kfplan_plan::{Digest, InputDigest, RenderRequest, Rendered, RenderedObject};

use crate::error::{Failure, SessionError};
use crate::place::Place;

/// The body, as the one rendered object.
pub(super) fn render(request: &RenderRequest, place: &Place) -> Result<Rendered, SessionError> {
    let name = request.fields.get("body_file").and_then(Value::as_str).unwrap_or_default();
    let text = place.read(&place.folder().join(name))?;
    let body = kfplan_azure::body_of_file(&text).map_err(|reason| {
        Failure::new(
            "azure::body_file",
            format!("`{name}` of `{}` is no body: {reason}", request.resource),
            "write the JSON object that the REST API takes",
        )
    })?;
    let object = RenderedObject { application: None, body: Arc::new(body), holes: Vec::new(), sensitive: Vec::new() };
    let inputs = vec![InputDigest { name: name.to_owned(), digest: Digest::of(text.as_bytes()) }];
    Ok(Rendered { objects: vec![object], notes: Vec::new(), inputs, digest: None })
}
