//! Images that would not be the same tomorrow.

use serde_json::Value;

use super::{Facts, Rule, Scene, Verdict, containers, containers_mut, counted};
use crate::applications::Bundle;

/// A tag that moves, and the version that the manifests around it are for.
const PINS: [(&str, &str, &str); 1] = [("gcr.io/istio-release/", "release-1.3-latest-daily", "1.3.1")];

pub(super) const RULE: Rule = Rule {
    name: "image-pins",
    reason: "a tag that moves gives another image on each node and each day; the manifests are for one version",
    condition: "an image has a tag that moves and a known version (Istio: `release-1.3-latest-daily` is 1.3.1)",
    versions: "1.0 to 1.2",
    decide,
    apply,
};

fn pinned(image: &str) -> Option<String> {
    let (name, tag) = image.rsplit_once(':')?;
    PINS.iter()
        .find(|(prefix, moving, _)| name.starts_with(prefix) && tag == *moving)
        .map(|(_, _, version)| format!("{name}:{version}"))
}

fn decide(scene: &Scene<'_>) -> Verdict {
    let images = scene.bundle.objects().flat_map(containers).filter_map(|container| container.get("image"));
    match images.filter_map(Value::as_str).filter(|image| pinned(image).is_some()).count() {
        0 => Verdict::Leave("no image has a tag that moves and a known version".to_owned()),
        count => Verdict::Take(format!(
            "{} an image whose tag moves",
            if count == 1 { "1 container runs".to_owned() } else { format!("{count} containers run") }
        )),
    }
}

fn apply(_: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let mut changed = std::collections::BTreeMap::new();
    for object in bundle.objects_mut() {
        for slot in containers_mut(object).filter_map(|container| container.get_mut("image")) {
            if let Some(version) = slot.as_str().and_then(pinned) {
                *changed.entry(version.clone()).or_insert(0_usize) += 1;
                *slot = version.into();
            }
        }
    }
    if changed.is_empty() {
        return Err("no image has a tag that moves and a known version".to_owned());
    }
    Ok(changed.into_iter().map(|(image, count)| format!("{} to `{image}`", counted(count, "container"))).collect())
}
