//! Images whose tag may mean something else tomorrow.

use std::collections::BTreeMap;

use kfplan_plan::{Note, ObjectView, Severity};

use super::{counted, note};
use crate::identity::{kind_of, name_of, text};
use crate::pods::{containers, pod_template};

/// Tags that are moved by habit.
const MOVING: [&str; 8] = ["latest", "master", "main", "edge", "nightly", "dev", "canary", "head"];

pub(super) fn floating(objects: &[&ObjectView<'_>]) -> Vec<Note> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for object in objects {
        let Some(template) = pod_template(object.body) else { continue };
        for container in containers(template) {
            let image = text(container, &["image"]);
            if is_floating(image) {
                let name = format!("{}/{}", kind_of(object.body), name_of(object.body));
                let names = found.entry(image).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    let one = |(image, names): (&str, Vec<String>)| {
        let message =
            format!("the image `{image}` has no fixed version: what runs may change by itself ({})", counted(&names));
        note(
            Severity::Warning,
            "preflight::floating_image",
            None,
            message,
            Some("name a version or a digest".to_owned()),
        )
    };
    found.into_iter().map(one).collect()
}

/// Whether what an image names may change.
pub(super) fn is_floating(image: &str) -> bool {
    if image.is_empty() || image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        None => true,
        Some((_, tag)) => MOVING.contains(&tag) || tag.split(['-', '_', '.']).any(|part| part == "latest"),
    }
}
