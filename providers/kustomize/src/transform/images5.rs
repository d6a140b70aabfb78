//! Other names, tags and digests for images in dialect 5.

use regex::Regex;
use serde_json::{Map, Value};

use super::steps::Report;
use crate::fieldspec::{FieldSpec, what};
use crate::kustomization::Image;
use crate::resource::Resources;
use crate::scalar::{self, is_null};

/// Changes an image in all containers wherever they stand, and in the fields of the table.
/// Definitions of custom kinds are left alone.
pub(super) fn run(image: &Image, table: &[FieldSpec], resources: &mut Resources, report: &mut Report<'_>) {
    // The name has always been a pattern.
    let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
    let Ok(pattern) = Regex::new(&pattern) else {
        report.refuse(format!("`{}` is not the name of an image", image.name));
        return;
    };
    let change = Change { image, pattern };
    for resource in &mut resources.0 {
        let gvk = resource.gvk();
        if gvk.kind == "CustomResourceDefinition" {
            continue;
        }
        let mut result = change.search_map(&mut resource.value);
        for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            result = result.and_then(|()| spec.visit(&mut resource.value, None, &mut |value| change.apply(value)));
        }
        if let Err(reason) = result {
            report.failed(resource, reason);
        }
    }
}

struct Change<'a> {
    image: &'a Image,
    pattern: Regex,
}

impl Change<'_> {
    fn apply(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::Object(_) | Value::Array(_) => Err(format!("an image is {}, not text", what(value))),
            null if is_null(null) => Ok(()),
            scalar => {
                let text = scalar::text(scalar);
                if self.pattern.is_match(&text) {
                    *scalar = self.renamed(&text).into();
                }
                Ok(())
            }
        }
    }

    fn renamed(&self, text: &str) -> String {
        let image = self.image;
        let (name, tag, digest) = split(text);
        let name = if image.new_name.is_empty() { name } else { &image.new_name };
        let suffixed = format!("{tag}{}", image.tag_suffix);
        let (tag, digest) = match (image.new_tag.as_str(), image.digest.as_str(), image.tag_suffix.as_str()) {
            ("", "", "") => (tag, digest),
            ("", "", _) => (suffixed.as_str(), ""),
            (new_tag, new_digest, _) => (new_tag, new_digest),
        };
        let with = |mark: &str, text: &str| if text.is_empty() { String::new() } else { format!("{mark}{text}") };
        format!("{name}{}{}", with(":", tag), with("@", digest))
    }

    fn search(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::Object(map) => self.search_map(map),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.search(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn search_map(&self, map: &mut Map<String, Value>) -> Result<(), String> {
        for (key, value) in map.iter_mut() {
            self.search(value)?;
            if let ("containers" | "initContainers", Value::Array(items)) = (key.as_str(), value) {
                for item in items {
                    match item {
                        Value::Object(container) => {
                            container.get_mut("image").map_or(Ok(()), |image| self.apply(image))?
                        }
                        null if is_null(null) => {}
                        other => return Err(format!("`{key}` holds {}, not maps", what(other))),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The name, tag and digest of an image. The colon of a port is none of a tag.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').filter(|slash| *slash > 0).unwrap_or(0);
    let rest = image.get(start..).unwrap_or_default();
    let place = |mark| rest.find(mark).map(|place| start + place);
    let part = |from: usize, to: usize| image.get(from..to).unwrap_or_default();
    match (place('@'), place(':')) {
        (None, None) => (image, "", ""),
        (Some(at), colon) if colon.is_none_or(|colon| at < colon) => (part(0, at), "", part(at + 1, image.len())),
        (Some(at), Some(colon)) => (part(0, colon), part(colon + 1, at), part(at + 1, image.len())),
        (_, Some(colon)) => (part(0, colon), part(colon + 1, image.len()), ""),
        (Some(at), None) => (part(0, at), "", part(at + 1, image.len())),
    }
}
