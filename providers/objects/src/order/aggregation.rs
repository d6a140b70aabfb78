//! ClusterRoles that gather the rules of others by label.
//!
//! Their controller writes them by server-side apply, which makes one anew that was deleted a moment ago while it was
//! gathering. So what is gathered comes first, and when all of it goes, it goes last: then nothing is left to gather for.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::index::Index;
use super::selectors::{label, selects};
use crate::identity::{at, list};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Pairs of what is gathered and who gathers it.
pub(super) fn gathered(index: &Index<'_>) -> Vec<(usize, usize)> {
    let roles = index.of_kind(GROUP, "ClusterRole");
    let mut by_label: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for place in roles {
        let labels = index.item(*place).and_then(|it| at(it.body, &["metadata", "labels"])).and_then(Json::as_object);
        for (key, value) in labels.into_iter().flatten() {
            by_label.entry((key, value.as_str().unwrap_or_default())).or_default().push(*place);
        }
    }
    let mut pairs = Vec::new();
    for place in roles {
        let Some(item) = index.item(*place) else { continue };
        for selector in list(item.body, &["aggregationRule", "clusterRoleSelectors"]) {
            let first =
                at(selector, &["matchLabels"]).and_then(Json::as_object).and_then(|labels| labels.iter().next());
            let candidates = match first {
                Some((key, value)) => by_label
                    .get(&(key.as_str(), value.as_str().unwrap_or_default()))
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
                None => roles,
            };
            let is_selected = |other: &&usize| {
                let labels = index.item(**other).and_then(|it| at(it.body, &["metadata", "labels"]));
                selects(Some(selector), &|key| label(labels, key))
            };
            pairs.extend(candidates.iter().filter(is_selected).map(|other| (*other, *place)));
        }
    }
    pairs
}
