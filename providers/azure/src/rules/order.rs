//! Which ARM resource is in which: a group holds its clusters, a cluster its pools.

use std::collections::BTreeMap;

use kfplan_plan::{EdgeKind, Locator, ObjectView, OrderEdge, Ordering};

use crate::id::ArmId;

/// Each resource comes after the nearest one that it is in. The step of an ARM resource is done when it is as
/// asked, so no gate is needed.
pub(super) fn order(objects: &[ObjectView<'_>]) -> Ordering {
    let ids: Vec<Option<ArmId>> = objects
        .iter()
        .map(|object| match object.locator {
            Locator::Arm(arm) => Some(ArmId::new(arm.id.as_str())),
            Locator::Object(_) => None,
        })
        .collect();
    let places: BTreeMap<&str, usize> =
        ids.iter().enumerate().filter_map(|(place, id)| Some((id.as_ref()?.key(), place))).collect();
    let mut edges = Vec::new();
    for (to, id) in ids.iter().enumerate() {
        let Some(id) = id else { continue };
        let mut scope = id.key();
        while let Some((parent, _)) = scope.rsplit_once('/') {
            if let Some(&from) = places.get(parent) {
                edges.push(OrderEdge { from, to, kind: EdgeKind::ContainedIn });
                break;
            }
            scope = parent;
        }
    }
    Ordering { edges, gates: Vec::new() }
}
