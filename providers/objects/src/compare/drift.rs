//! Drift: where the live object is no longer what the server made of what we sent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{Address, Path, Segment};
use kfplan_plan::{Drift, Recorded, Witness};
use serde_json::Value as Json;

use super::sight::{Sight, is_secret};
use crate::fields::{FieldSet, Managed, Manager};
use crate::marks;
use crate::noise;
use crate::structure::{lookup, order_as_json, order_of};
use crate::values;

/// What was sent last, and what the server made of it: S and A, and O as it was then.
pub(crate) struct Sent<'a> {
    pub(crate) body: &'a Json,
    pub(crate) owned: FieldSet,
    differences: BTreeMap<&'a Path, Option<&'a Json>>,
    is_secret: bool,
}

/// What a path of S should be now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expected<'a> {
    /// This value, secrets as seals.
    Value(&'a Json),
    /// This text behind the live base64: it was sent as `stringData`.
    Text(&'a Json),
    /// The server dropped it.
    Absent,
    /// It was never sent.
    Unsent,
}

impl<'a> Sent<'a> {
    /// `None` when nothing was recorded that a live object could be compared with.
    pub(crate) fn of(recorded: &'a Recorded) -> Option<Self> {
        let body = recorded.sent.as_ref()?.body();
        let owned = FieldSet::from_fields_v1(recorded.record.owned.as_ref()?);
        let differences = recorded.record.differences.iter().map(|it| (&it.path, it.value.as_ref())).collect();
        Some(Self { body, owned, differences, is_secret: is_secret(body) })
    }

    pub(crate) fn expected(&self, path: &Path) -> Expected<'a> {
        if let Some(kept) = self.differences.get(path) {
            return kept.map_or(Expected::Absent, Expected::Value);
        }
        match lookup(path, self.body) {
            Some(value) => Expected::Value(value),
            None => self.plain_text(path).map_or(Expected::Unsent, Expected::Text),
        }
    }

    /// What was sent at a path, whatever the server made of it.
    pub(crate) fn sent(&self, path: &Path) -> Option<&'a Json> {
        lookup(path, self.body)
    }

    /// The value at a path with what the server had made of it inside.
    fn kept(&self, path: &Path, value: &Json) -> Json {
        let mut kept = value.clone();
        for (place, made) in self.differences.iter().filter(|(place, _)| **place != path && place.starts_with(path)) {
            let inside = place.segments().get(path.segments().len()..).unwrap_or_default();
            let inside = Path::from_segments(inside.to_vec());
            let is_order = self.owned.at(place).is_some_and(|node| node.keys().is_some());
            match (made, inside.get_mut(&mut kept)) {
                (Some(made), Some(slot)) if !is_order => *slot = (*made).clone(),
                (None, Some(_)) => drop(inside.remove(&mut kept)),
                _ => {}
            }
        }
        kept
    }

    fn plain_text(&self, path: &Path) -> Option<&'a Json> {
        match path.segments() {
            [Segment::Key(data), Segment::Key(key)] if self.is_secret && &**data == "data" => {
                self.body.get("stringData")?.get(&**key)
            }
            _ => None,
        }
    }

    fn order(&self, path: &Path, node: &FieldSet) -> Option<Vec<Json>> {
        let order = match self.differences.get(path) {
            Some(Some(Json::Array(order))) => order.clone(),
            _ => list_order(lookup(path, self.body)?, node)?,
        };
        Some(order)
    }
}

/// One place that drifted.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: Path,
    /// Only the order of the list's items differs; both values are lists of keys.
    pub(crate) is_order: bool,
    expected: Option<Json>,
    found: Option<Json>,
    witness: Option<Witness>,
}

impl Found {
    pub(crate) fn to_drift(&self, sight: &Sight<'_>, address: &Address) -> Drift {
        Drift {
            address: address.clone(),
            path: self.path.clone(),
            old: sight.shown(&self.path, self.expected.as_ref(), None),
            new: sight.shown(&self.path, self.found.as_ref(), self.expected.as_ref()),
            witness: self.witness.clone(),
        }
    }
}

/// Every path of S that is not as the server had made it, or that we no longer own. What a noise rule leaves to its
/// writer is not among them.
pub(crate) fn find(sight: &Sight<'_>, sent: &Sent<'_>) -> Vec<Found> {
    let mut found = BTreeMap::new();
    let is_disowned = sight.ours().is_none();
    for path in sent.owned.leaves().into_iter().filter(|path| !is_bookkeeping(path)) {
        let live = lookup(&path, sight.live);
        let is_same = match (sent.expected(&path), live) {
            (Expected::Unsent, _) | (Expected::Absent, None) => true,
            (Expected::Value(value), Some(live)) => {
                sight.matches(value, live) || (is_empty_map(value) && live.is_object() && !is_disowned)
            }
            (Expected::Text(text), Some(live)) => {
                values::decoded(live).is_some_and(|live| sight.matches(text, &Json::String(live)))
            }
            (Expected::Value(Json::Null), None) => true,
            (Expected::Value(_) | Expected::Text(_), None) | (Expected::Absent, Some(_)) => false,
        };
        if (is_same && (is_disowned || sight.owns(&path))) || is_filled(sight, &path, sent.sent(&path)) {
            continue;
        }
        if !is_noise(sight, &path) {
            let place = topmost_missing(&path, sight.live);
            found.entry(place.clone()).or_insert_with(|| one(sight, sent, place));
        }
    }
    for (path, old, new) in reordered(sight, sent) {
        // Whoever owns an item need not be who moved it: no manager is recorded for the order of a merged list.
        found.entry(path.clone()).or_insert(Found {
            path,
            is_order: true,
            expected: Some(old),
            found: Some(new),
            witness: None,
        });
    }
    if is_disowned && found.is_empty() {
        let path = Path::keys(["metadata", "managedFields"]);
        let owner = Some(Json::String(sight.manager.clone()));
        found.insert(path.clone(), Found { path, is_order: false, expected: owner, found: None, witness: None });
    }
    found.into_values().collect()
}

fn one(sight: &Sight<'_>, sent: &Sent<'_>, path: Path) -> Found {
    let expected = match sent.expected(&path) {
        Expected::Value(value) => Some(sent.kept(&path, value)),
        Expected::Text(value) => Some(value.clone()),
        Expected::Absent | Expected::Unsent => None,
    };
    let found = lookup(&path, sight.live).cloned();
    // Whoever takes something away leaves no entry.
    let witness = found.is_some().then(|| sight.managed.witness(&path, &sight.manager)).flatten();
    Found { path, is_order: false, expected, found, witness }
}

/// Whether the live value at a path is its writer's own business.
pub(crate) fn is_noise(sight: &Sight<'_>, path: &Path) -> bool {
    noise_rule(sight, path).is_some()
}

/// The rule that leaves the live value at a path to its writer.
pub(crate) fn noise_rule(sight: &Sight<'_>, path: &Path) -> Option<&'static noise::NoiseRule> {
    if sight.ours().is_some_and(|ours| ours.covers(path)) {
        return None;
    }
    let witness = sight.managed.witness(path, &sight.manager);
    let scaled = sight.others_at(path).any(|entry| entry.subresource == "scale");
    noise::rule_for(sight.live, path, witness.as_ref(), scaled)
}

fn topmost_missing(path: &Path, live: &Json) -> Path {
    let mut place = path.clone();
    loop {
        let mut outer = place.clone();
        outer.pop();
        if outer.segments().is_empty() || lookup(&outer, live).is_some() {
            return place;
        }
        place = outer;
    }
}

/// Lists merged by keys whose items stand in another order than the server had put them.
fn reordered(sight: &Sight<'_>, sent: &Sent<'_>) -> Vec<(Path, Json, Json)> {
    let mut lists = Vec::new();
    sent.owned.visit(&mut Path::root(), &mut |path, node| {
        if node.keys().is_none() {
            return;
        }
        let (Some(old), Some(list)) = (sent.order(path, node), lookup(path, sight.live)) else { return };
        let Some(new) = list_order(list, node) else { return };
        let (old, new) = common(old, new);
        if old != new {
            lists.push((path.clone(), Json::Array(old), Json::Array(new)));
        }
    });
    lists
}

/// The keys of the items that `node` knows, in the list's order.
pub(crate) fn list_order(list: &Json, node: &FieldSet) -> Option<Vec<Json>> {
    match order_as_json(&order_of(list, node)?) {
        Json::Array(order) => Some(order),
        _ => None,
    }
}

/// Both orders, without what only one of them has.
pub(crate) fn common(mut old: Vec<Json>, mut new: Vec<Json>) -> (Vec<Json>, Vec<Json>) {
    let texts = |order: &[Json]| order.iter().map(Json::to_string).collect::<BTreeSet<String>>();
    let (in_old, in_new) = (texts(&old), texts(&new));
    old.retain(|item| in_new.contains(&item.to_string()));
    new.retain(|item| in_old.contains(&item.to_string()));
    (old, new)
}

pub(crate) fn is_empty_map(value: &Json) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Whether the map was sent empty, and others have put something into it since. That is theirs, and nobody's drift; the
/// server takes the empty map from us with the first key, so ownership does not tell. Whoever wrote the map as a whole
/// has replaced ours.
pub(crate) fn is_filled(sight: &Sight<'_>, path: &Path, sent: Option<&Json>) -> bool {
    let is_map = |value: &Json| value.as_object().is_some_and(|map| !map.is_empty());
    if !sent.is_some_and(is_empty_map) || !lookup(path, sight.live).is_some_and(is_map) {
        return false;
    }
    let mut others = sight.others_at(path).peekable();
    others.peek().is_some() && others.all(|entry| entry.fields.at(path).is_some_and(|inside| !inside.is_leaf()))
}

/// Whether a path holds what a `patch` wrote down for itself.
pub(crate) fn is_bookkeeping(path: &Path) -> bool {
    matches!(path.segments(), [Segment::Key(metadata), Segment::Key(annotations), Segment::Key(key), ..]
        if &**metadata == "metadata" && &**annotations == "annotations" && key.starts_with(marks::EARLIER))
}

/// Who made a live object, as far as its oldest entry shows. Times are whole seconds, in which a controller may have
/// added something: the maker wrote the most then.
pub(crate) fn maker(live: &Json) -> Option<Witness> {
    let managed = Managed::of(live);
    let age = |entry: &Manager| (entry.time.is_none(), entry.time.clone(), Reverse(entry.fields.paths().len()));
    let first = managed.managers.iter().filter(|entry| entry.subresource.is_empty()).min_by_key(|entry| age(entry))?;
    Some(Witness { manager: first.name.clone(), operation: first.operation.clone(), time: first.time.clone() })
}
