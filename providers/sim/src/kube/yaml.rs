//! Reads YAML bodies the way the server does: by way of JSON.

use kfplan_objects::yaml::{Dialect, parse};

use super::server::Document;

/// Reads one document.
pub(crate) fn read(text: &str) -> Result<Document, String> {
    let documents = parse(text, Dialect::Kustomize3).map_err(|error| error.to_string())?;
    let Some(document) = documents.into_iter().next() else { return Ok(Document::default()) };
    let duplicates = document.duplicates.iter().map(|duplicate| duplicate.key.clone()).collect();
    Ok(Document { value: document.into_value(), duplicates })
}
