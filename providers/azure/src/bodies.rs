//! The bodies that are sent: for a create the stated one with what Azure insists on, for an update the raw live
//! one with the stated paths merged in, less what is only Azure's to write.

use kfplan_model::{Path, Segment};
use kfplan_plan::Difference;
use serde_json::{Map, Value as Json, json};

use crate::equal::Place;
use crate::id::{ArmId, Family};
use crate::leaves::{self, is_identities, is_pools, pool_segment};

/// The paths that Azure alone writes, in any body. `*` is any key or element.
const READ_ONLY: [&str; 22] = [
    "/id",
    "/name",
    "/type",
    "/eTag",
    "/etag",
    "/systemData",
    "/identity/principalId",
    "/identity/tenantId",
    "/identity/userAssignedIdentities/*/clientId",
    "/identity/userAssignedIdentities/*/principalId",
    "/properties/provisioningState",
    "/properties/currentKubernetesVersion",
    "/properties/currentOrchestratorVersion",
    "/properties/nodeImageVersion",
    "/properties/eTag",
    "/properties/fqdn",
    "/properties/privateFQDN",
    "/properties/azurePortalFQDN",
    "/properties/maxAgentPools",
    "/properties/resourceUID",
    "/properties/oidcIssuerProfile/issuerURL",
    "/properties/networkProfile/loadBalancerProfile/effectiveOutboundIPs",
];

/// The same inside each pool of a cluster.
const READ_ONLY_IN_POOL: [&str; 5] =
    ["provisioningState", "currentOrchestratorVersion", "nodeImageVersion", "eTag", "status"];

/// Takes out what only Azure writes. For types that this crate does not know only what every ARM type has: an
/// unknown provider's property may carry one of these names and be meant to be sent.
pub(crate) fn without_read_only(mut body: Json, family: Family) -> Json {
    for pattern in READ_ONLY {
        let own = family == Family::Cluster || family == Family::Pool || !pattern.starts_with("/properties/");
        if own || pattern == "/properties/provisioningState" {
            take_out(&mut body, &pattern.split('/').skip(1).collect::<Vec<_>>());
        }
    }
    if family == Family::Cluster {
        // Stopping and starting a cluster are calls of their own; of a pool the state is written.
        take_out(&mut body, &["properties", "powerState"]);
        for pool in body.pointer_mut("/properties/agentPoolProfiles").and_then(Json::as_array_mut).into_iter().flatten()
        {
            for key in READ_ONLY_IN_POOL {
                take_out(pool, &[key]);
            }
        }
    }
    body
}

fn take_out(value: &mut Json, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    if *first == "*" {
        match value {
            Json::Object(map) => map.values_mut().for_each(|value| take_out(value, rest)),
            Json::Array(list) => list.iter_mut().for_each(|value| take_out(value, rest)),
            _ => {}
        }
    } else if let Json::Object(map) = value {
        if rest.is_empty() {
            map.remove(*first);
        } else if let Some(value) = map.get_mut(*first) {
            take_out(value, rest);
        }
    }
}

/// The body of an update: the live one with the stated paths in it and `remove` taken out.
///
/// A pool that is stated and not there is left out: it is added by a call of its own.
pub(crate) fn merged(live: &Json, stated: &Json, remove: &[Path], family: Family) -> Json {
    let mut body = live.clone();
    merge(&mut body, stated, &mut Path::root());
    for path in remove {
        clear(&mut body, path, stated);
    }
    settle_autoscaling(&mut body, family);
    without_read_only(body, family)
}

/// Puts `stated` into `into`. Maps are merged, pools by name, all else is replaced.
fn merge(into: &mut Json, stated: &Json, path: &mut Path) {
    match (&mut *into, stated) {
        (_, Json::Null) => {}
        (Json::Array(pools), Json::Array(stated)) if is_pools(path.segments()) => {
            for pool in stated {
                let name = pool.get("name").and_then(Json::as_str).unwrap_or_default();
                let found = pools.iter_mut().find(|live| live.get("name").and_then(Json::as_str) == Some(name));
                if let Some(live) = found {
                    path.push(pool_segment(name));
                    merge(live, pool, path);
                    path.pop();
                }
            }
        }
        (Json::Object(into), Json::Object(stated)) if !is_identities(path.segments()) => {
            for (key, value) in stated {
                path.push(Segment::Key(key.as_str().into()));
                match into.get_mut(key) {
                    Some(into) => merge(into, value, path),
                    None if value.is_null() => {}
                    None => {
                        into.insert(key.clone(), value.clone());
                    }
                }
                path.pop();
            }
        }
        (into, stated) => *into = stated.clone(),
    }
}

/// Takes out what is not stated any more: lists and maps that Azure keeps when they are absent are sent empty.
fn clear(body: &mut Json, path: &Path, stated: &Json) {
    if leaves::pool_of(path).is_some() && path.segments().len() == 3 {
        // A pool that goes is deleted by a call of its own, after the others are as stated.
        return;
    }
    if path.get(stated).is_some_and(|stated| !stated.is_null()) {
        return;
    }
    match path.get_mut(body) {
        Some(Json::Array(list)) => list.clear(),
        Some(_) => {
            path.remove(body);
        }
        None => {}
    }
}

/// AKS refuses bounds of a pool that does not scale itself.
fn settle_autoscaling(body: &mut Json, family: Family) {
    let settle = |pool: &mut Json| {
        if pool.get("enableAutoScaling") == Some(&Json::Bool(false))
            && let Json::Object(pool) = pool
        {
            pool.remove("minCount");
            pool.remove("maxCount");
        }
    };
    match family {
        Family::Cluster => {
            let pools = body.pointer_mut("/properties/agentPoolProfiles").and_then(Json::as_array_mut);
            pools.into_iter().flatten().for_each(settle);
        }
        Family::Pool => {
            if let Some(pool) = body.get_mut("properties") {
                settle(pool);
            }
        }
        Family::Group | Family::Other => {}
    }
}

/// The body of a create: the stated one, and what AKS refuses to be without.
pub(crate) fn created(id: &ArmId, stated: &Json) -> Json {
    let mut body = without_nulls(stated.clone());
    match id.family() {
        Family::Cluster => {
            default(&mut body, &["identity", "type"], || json!("SystemAssigned"));
            default(&mut body, &["properties", "dnsPrefix"], || json!(dns_prefix(id.name())));
            let pools = body.pointer_mut("/properties/agentPoolProfiles").and_then(Json::as_array_mut);
            pools.into_iter().flatten().for_each(|pool| begin_count(pool, 1));
        }
        Family::Pool => {
            if let Some(pool) = body.get_mut("properties") {
                let least = i64::from(pool.get("mode").and_then(Json::as_str) == Some("System"));
                begin_count(pool, least);
            }
        }
        Family::Group | Family::Other => {}
    }
    body
}

/// How many nodes a pool begins with, where that is not stated.
fn begin_count(pool: &mut Json, least: i64) {
    let scales = pool.get("enableAutoScaling") == Some(&Json::Bool(true));
    let begin = if scales { pool.get("minCount").and_then(Json::as_i64).unwrap_or(1).max(least) } else { 1 };
    default(pool, &["count"], || json!(begin));
}

fn default(body: &mut Json, path: &[&str], value: impl FnOnce() -> Json) {
    let Some((first, rest)) = path.split_first() else {
        if body.is_null() {
            *body = value();
        }
        return;
    };
    if let Json::Object(map) = body {
        let beginning = if rest.is_empty() { Json::Null } else { Json::Object(Map::new()) };
        default(map.entry(*first).or_insert(beginning), rest, value);
    }
}

fn dns_prefix(name: &str) -> String {
    let prefix: String = name.replace('_', "-").chars().take(54).collect();
    prefix.trim_end_matches('-').to_owned()
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => Json::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The body of one pool of a cluster as the body of the pool itself.
pub(crate) fn pool_alone(pool: &Json) -> Json {
    let mut properties = pool.clone();
    if let Json::Object(map) = &mut properties {
        map.remove("name");
    }
    json!({ "properties": properties })
}

/// Where the live value differs from what was sent, at the leaves that were sent.
pub(crate) fn differences(sent: &Json, live: &Json) -> Vec<Difference> {
    leaves::leaves(sent, &[])
        .into_iter()
        .filter_map(|(path, sent)| {
            let now = path.get(live).filter(|now| !now.is_null());
            (now != Some(sent)).then(|| Difference { value: now.cloned(), path })
        })
        .collect()
}

/// Whether every stated path is live as stated.
pub(crate) fn is_met(id: &ArmId, stated: &Json, remove: &[Path], live: &Json) -> bool {
    let family = id.family();
    let stated_holds = leaves::leaves(stated, &[])
        .iter()
        .all(|(path, stated)| Place { family, path, live }.holds(stated, path.get(live)));
    let is_gone = |path: &Path| match path.get(live) {
        None | Some(Json::Null) => true,
        Some(Json::Array(list)) => list.is_empty(),
        Some(Json::Object(map)) => map.is_empty(),
        Some(_) => path.get(stated).is_some(),
    };
    stated_holds && remove.iter().all(is_gone)
}

#[cfg(test)]
mod tests;
