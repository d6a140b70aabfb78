//! Other names, tags and digests for images.

use regex::Regex;
use serde_json::{Map, Value};

use super::failed;
use crate::error::RenderError;
use crate::fieldspec::{FieldSpec, what};
use crate::kustomization::{Image, Kustomization};
use crate::resource::Resources;

/// Changes images, in the fields of the table and in all containers wherever they
/// stand in an object.
pub(super) fn run(
    kustomization: &Kustomization,
    table: &[FieldSpec],
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    for image in &kustomization.images {
        // The name has always been a pattern.
        let pattern = match Regex::new(&format!("^{}(@sha256)?(:[a-zA-Z0-9_.-]*)?$", image.name)) {
            Ok(pattern) => pattern,
            Err(_) => {
                errors.push(RenderError::Field {
                    place: kustomization.place(&image.field),
                    field: format!("{}.name", image.field),
                    reason: format!("`{}` is not the name of an image", image.name),
                });
                continue;
            }
        };
        let change = Change { image, pattern };
        for resource in &mut resources.0 {
            let gvk = resource.gvk();
            for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
                if let Err(reason) = spec.mutate_existing(&mut resource.value, &mut |value| change.apply(value)) {
                    errors.push(failed(kustomization, &image.field, resource, reason));
                }
            }
            let result = change.search(&mut resource.value);
            // The schema in a definition may well have a field `containers`.
            if let Err(reason) = result
                && gvk.kind != "CustomResourceDefinition"
            {
                errors.push(failed(kustomization, &image.field, resource, reason));
            }
        }
    }
}

struct Change<'a> {
    image: &'a Image,
    pattern: Regex,
}

impl Change<'_> {
    fn apply(&self, value: &mut Value) -> Result<(), String> {
        let Value::String(text) = value else { return Err(format!("an image is {}, not text", what(value))) };
        if self.pattern.is_match(text) {
            *text = self.renamed(text);
        }
        Ok(())
    }

    fn renamed(&self, text: &str) -> String {
        let (name, tag) = split(text);
        let name = if self.image.new_name.is_empty() { name } else { &self.image.new_name };
        match (self.image.digest.as_str(), self.image.new_tag.as_str()) {
            ("", "") => format!("{name}{tag}"),
            ("", tag) => format!("{name}:{tag}"),
            (digest, _) => format!("{name}@{digest}"),
        }
    }

    /// Goes down until it finds containers; below them it does not look.
    fn search(&self, object: &mut Map<String, Value>) -> Result<(), String> {
        let mut is_found = false;
        for key in ["containers", "initContainers"] {
            if let Some(containers) = object.get_mut(key) {
                is_found = true;
                self.containers(key, containers)?;
            }
        }
        if is_found {
            return Ok(());
        }
        for value in object.values_mut() {
            match value {
                Value::Object(inner) => self.search(inner)?,
                Value::Array(items) => {
                    for item in items {
                        if let Value::Object(inner) = item {
                            self.search(inner)?;
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    fn containers(&self, key: &str, containers: &mut Value) -> Result<(), String> {
        let Value::Array(items) = containers else {
            return Err(format!("`{key}` is {}, not a list", what(containers)));
        };
        for item in items {
            let Value::Object(container) = item else {
                return Err(format!("`{key}` holds {}, not maps", what(item)));
            };
            if let Some(image) = container.get_mut("image") {
                self.apply(image)?;
            }
        }
        Ok(())
    }
}

/// The name of an image, and its tag or digest with the sign before it. The colon of a
/// port is none of a tag.
fn split(image: &str) -> (&str, &str) {
    let colon = match image.find('/') {
        None => image.rfind(':'),
        Some(slash) => image.get(slash..).and_then(|rest| rest.rfind(':')).map(|place| slash + place),
    };
    let at = image.rfind('@').filter(|place| *place > 0);
    image.split_at(at.or(colon).unwrap_or(image.len()))
}
