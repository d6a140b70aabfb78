//! Label selectors.

use serde_json::Value as Json;

use crate::identity::{list, text};

/// Whether a LabelSelector (`matchLabels`, `matchExpressions`) selects these labels. None or an empty one selects all.
pub(crate) fn selects(selector: Option<&Json>, labels: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some(selector) = selector else { return true };
    let exact = selector.get("matchLabels").and_then(Json::as_object).into_iter().flatten();
    exact.into_iter().all(|(key, value)| labels(key).as_deref() == value.as_str())
        && list(selector, &["matchExpressions"]).iter().all(|rule| {
            let found = labels(text(rule, &["key"]));
            let is_listed = || {
                found
                    .as_deref()
                    .is_some_and(|found| list(rule, &["values"]).iter().any(|it| it.as_str() == Some(found)))
            };
            match text(rule, &["operator"]) {
                "In" => is_listed(),
                "NotIn" => !is_listed(),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                // An operator of a later version: rather wait than be refused.
                _ => true,
            }
        })
}

/// Whether `labels` holds every pair of `wanted`; an empty one matches nothing, as a Service without selector has no pods.
pub(crate) fn matches_labels(wanted: Option<&Json>, labels: Option<&Json>) -> bool {
    let Some(wanted) = wanted.and_then(Json::as_object).filter(|wanted| !wanted.is_empty()) else { return false };
    wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

/// The value of a label in a map of labels.
pub(crate) fn label(labels: Option<&Json>, key: &str) -> Option<String> {
    labels.and_then(|labels| labels.get(key)).and_then(Json::as_str).map(ToOwned::to_owned)
}
