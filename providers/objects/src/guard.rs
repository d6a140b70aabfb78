//! What is protected from an implied delete, and what would be lost with it.

use kfplan_plan::{Locator, Protection};
use serde_json::Value as Json;

use crate::identity::{at, group_of, kind_of, list, name_of, text};

/// Namespaces of profiles carry this label.
const PROFILE_LABEL: (&str, &str) = ("app.kubernetes.io/part-of", "kubeflow-profile");

/// What protects an object by what it is, and what would be lost.
pub(crate) fn built_in(body: &Json) -> Option<(Protection, String)> {
    let lost = match (group_of(body), kind_of(body)) {
        ("", "PersistentVolumeClaim") => {
            let size = text(body, &["spec", "resources", "requests", "storage"]);
            if size.is_empty() { "its data".to_owned() } else { format!("its data, up to {size}") }
        }
        ("", "PersistentVolume") if text(body, &["spec", "persistentVolumeReclaimPolicy"]) != "Retain" => {
            "its data".to_owned()
        }
        ("kubeflow.org", "Profile") => {
            format!("the namespace `{}` with all notebooks, runs and volumes in it", name_of(body))
        }
        ("", "Namespace") if is_of_profile(body) => "all notebooks, runs and volumes in it".to_owned(),
        _ => return None,
    };
    Some((Protection::UserData, lost))
}

fn is_of_profile(namespace: &Json) -> bool {
    let (key, value) = PROFILE_LABEL;
    let labelled = at(namespace, &["metadata", "labels", key]).and_then(Json::as_str) == Some(value);
    labelled
        || list(namespace, &["metadata", "ownerReferences"]).iter().any(|owner| text(owner, &["kind"]) == "Profile")
}

/// What protects a live or recorded object, and what would be lost with it.
pub(crate) fn protection(body: &Json, locator: &Locator, adopted: bool) -> (Protection, Option<String>) {
    let (built_in, lost) = match built_in(body) {
        Some((protection, lost)) => (protection, Some(lost)),
        None => (Protection::None, None),
    };
    let Locator::Object(place) = locator else { return (built_in, lost) };
    // What others share was there before kfplan: namespaces, CRDs, and everything else that is cluster-scoped.
    if adopted && place.namespace.is_none() {
        let why = format!(
            "it was there before it was adopted; others may use it{}",
            lost.map(|it| format!(", and {it}")).unwrap_or_default()
        );
        return (built_in.max(Protection::Adopted), Some(why));
    }
    (built_in, lost)
}
