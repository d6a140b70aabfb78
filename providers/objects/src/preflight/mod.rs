//! What a cluster will not serve, and what is not what it seems: said of all objects at once, before anything is done.

mod images;

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::Address;
use kfplan_plan::{ClusterFacts, Discovery, Locator, Note, ObjectView, Severity};
use serde_json::Value as Json;

use crate::identity::{at, crd_names, is_built_in, is_crd, kind_and_group, list, text};
use crate::order;
use crate::tables::apis;

/// Namespaces that every cluster has.
const SYSTEM: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

type Kind<'a> = (&'a str, &'a str, &'a str);

pub(crate) fn preflight(objects: &[ObjectView<'_>], facts: &ClusterFacts, discovery: Option<&Discovery>) -> Vec<Note> {
    let leftovers = leftovers(objects, discovery);
    let objects: Vec<&ObjectView<'_>> = objects.iter().filter(|it| !it.going).collect();
    let mut notes = served(&objects, facts, discovery);
    notes.extend(leftovers);
    notes.extend(images::floating(&objects));
    notes.extend(namespaces(&objects, facts));
    notes
}

fn note(severity: Severity, code: &str, address: Option<Address>, message: String, help: Option<String>) -> Note {
    Note { severity, code: code.to_owned(), address, message, help }
}

/// `3 objects`, with the names of the first few.
fn counted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|it| format!("`{it}`")).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    let what = if names.len() == 1 { "object" } else { "objects" };
    format!("{} {what}: {}{more}", names.len(), shown.join(", "))
}

/// Whether a cluster serves a kind.
enum Served {
    Yes,
    /// Not since this minor of Kubernetes.
    NotSince(u32),
    /// Not before this minor.
    NotBefore(u32),
    /// For some time yet: it goes in this minor, or is not known to go.
    Deprecated(Option<u32>),
    /// The CRD of the plan does not have the version.
    NotByCrd,
    /// Nothing serves it.
    No,
}

/// The kinds that are used and not, or not for long, served.
fn served(objects: &[&ObjectView<'_>], facts: &ClusterFacts, discovery: Option<&Discovery>) -> Vec<Note> {
    let mut kinds: BTreeMap<Kind<'_>, Vec<String>> = BTreeMap::new();
    let mut crds: BTreeMap<(&str, &str), &Json> = BTreeMap::new();
    for object in objects {
        let Locator::Object(place) = object.locator else { continue };
        let name = place.namespace.as_ref().map_or_else(|| place.name.clone(), |it| format!("{it}/{}", place.name));
        kinds.entry((&place.group, &place.version, &place.kind)).or_default().push(name);
        if is_crd(object.body) {
            crds.insert(crd_names(object.body), object.body);
        }
    }
    let version = facts.version.as_deref().or(discovery.map(|it| it.version.as_str())).unwrap_or_default();
    let minor = minor_of(version);
    let mut notes = Vec::new();
    let mut gone: BTreeMap<u32, usize> = BTreeMap::new();
    for (kind, names) in &kinds {
        let state = state(*kind, &crds, facts, discovery, minor);
        if let Served::NotSince(minor) = state {
            *gone.entry(minor).or_default() += names.len();
        }
        notes.extend(kind_note(*kind, names, &state, version));
    }
    if !gone.is_empty() {
        let total: usize = gone.values().sum();
        let parts: Vec<String> = gone.iter().map(|(minor, count)| format!("{count} since 1.{minor}")).collect();
        let message = format!(
            "{total} of {} objects use APIs that Kubernetes {version} does not serve: {}",
            objects.len(),
            parts.join(", ")
        );
        let help = "take a Kubernetes version that serves them, or manifests that use what took their place";
        notes.insert(0, note(Severity::Blocks, "preflight::removed_apis", None, message, Some(help.to_owned())));
    }
    if minor.is_none() && discovery.is_none() && !kinds.is_empty() {
        let message = format!(
            "the Kubernetes version of `{}` is not known, so that APIs it will not serve cannot be named",
            facts.cluster
        );
        notes.push(note(
            Severity::Warning,
            "preflight::unknown_version",
            None,
            message,
            Some("state `kubernetes_version`".to_owned()),
        ));
    }
    notes
}

fn state(
    (group, version, kind): Kind<'_>,
    crds: &BTreeMap<(&str, &str), &Json>,
    facts: &ClusterFacts,
    discovery: Option<&Discovery>,
    minor: Option<u32>,
) -> Served {
    if let Some(crd) = crds.get(&(group, kind)) {
        return if crd_serves(crd, version) { Served::Yes } else { Served::NotByCrd };
    }
    let api = apis::api(group, version, kind);
    let by_table = || match (api, minor) {
        (Some(api), Some(minor)) => match (api.since, api.deprecated, api.removed) {
            (_, _, Some(removed)) if minor >= removed => Served::NotSince(removed),
            (Some(since), _, _) if minor < since => Served::NotBefore(since),
            (_, Some(deprecated), removed) if minor >= deprecated => Served::Deprecated(removed),
            _ => Served::Yes,
        },
        _ => Served::Yes,
    };
    let Some(discovery) = discovery else {
        // Without a CRD of this plan, a cluster to come has no other kinds than its own.
        let is_known = is_built_in(group, kind) || facts.exists;
        return if is_known { by_table() } else { Served::No };
    };
    let is_served = discovery.kinds.contains_key(&(group.to_owned(), version.to_owned(), kind.to_owned()));
    let is_upgrade = minor_of(&discovery.version).is_some_and(|running| minor > Some(running));
    match (is_served, by_table()) {
        // What runs serves it still; what the plan makes of the cluster will not.
        (true, gone @ Served::NotSince(_)) if is_upgrade => gone,
        (true, deprecated @ Served::Deprecated(_)) => deprecated,
        (true, _) => Served::Yes,
        (false, gone @ (Served::NotSince(_) | Served::NotBefore(_))) => gone,
        (false, _) => Served::No,
    }
}

fn crd_serves(crd: &Json, version: &str) -> bool {
    let versions = list(crd, &["spec", "versions"]);
    let is_listed = |it: &Json| text(it, &["name"]) == version && at(it, &["served"]) != Some(&Json::Bool(false));
    versions.iter().any(is_listed) || (versions.is_empty() && text(crd, &["spec", "version"]) == version)
}

fn kind_note((group, version, kind): Kind<'_>, names: &[String], state: &Served, cluster: &str) -> Option<Note> {
    let api = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let instead = apis::api(group, version, kind).map(|it| format!("use `{}`", it.instead));
    let counted = counted(names);
    let (severity, code, message, help) = match state {
        Served::Yes => return None,
        Served::NotSince(minor) => (
            Severity::Blocks,
            "preflight::removed_api",
            format!("`{kind}` of `{api}` is not served since Kubernetes 1.{minor} ({counted})"),
            instead,
        ),
        Served::NotBefore(minor) => (
            Severity::Blocks,
            "preflight::later_api",
            format!(
                "`{kind}` of `{api}` is served since Kubernetes 1.{minor}, and the cluster has {cluster} ({counted})"
            ),
            instead,
        ),
        Served::Deprecated(removed) => {
            let until = removed.map(|it| format!(" and goes with 1.{it}")).unwrap_or_default();
            (
                Severity::Warning,
                "preflight::deprecated_api",
                format!("`{kind}` of `{api}` is deprecated{until} ({counted})"),
                instead,
            )
        }
        Served::NotByCrd => (
            Severity::Blocks,
            "preflight::version_not_in_crd",
            format!("the CRD of `{}` does not serve version `{version}` ({counted})", kind_and_group(group, kind)),
            Some("use a version that the CRD lists as served".to_owned()),
        ),
        Served::No => (
            Severity::Blocks,
            "preflight::not_served",
            format!("nothing serves `{kind}` of `{api}`: neither the cluster nor a CRD of this plan ({counted})"),
            Some("add the CRD, such as the operator that brings it".to_owned()),
        ),
    };
    Some(note(severity, code, None, message, help))
}

fn minor_of(version: &str) -> Option<u32> {
    let minor = version.strip_prefix("1.")?;
    let end = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    minor.get(..end)?.parse().ok()
}

/// Webhooks of a dead install, which refuse what they intercept for ever.
fn leftovers(objects: &[ObjectView<'_>], discovery: Option<&Discovery>) -> Vec<Note> {
    let mut notes = Vec::new();
    for dead in discovery.map(|it| it.dead_webhooks.as_slice()).unwrap_or_default() {
        let is_ours = objects.iter().any(|it| match it.locator {
            Locator::Object(place) => place.kind == dead.kind && place.name == dead.name,
            Locator::Arm(_) => false,
        });
        let (places, is_served) = order::intercepted(objects, &dead.webhook);
        if is_ours || is_served {
            continue;
        }
        let refused: Vec<String> = places
            .iter()
            .filter_map(|place| objects.get(*place))
            .filter(|it| !it.going)
            .filter_map(|it| match it.locator {
                Locator::Object(place) => Some(
                    place.namespace.as_ref().map_or_else(|| place.name.clone(), |of| format!("{of}/{}", place.name)),
                ),
                Locator::Arm(_) => None,
            })
            .collect();
        let service = |key: &str| text(&dead.webhook, &["clientConfig", "service", key]);
        let mut message = format!(
            "nobody serves the webhook `{}` of the {} `{}`: `{}/{}` is not there",
            text(&dead.webhook, &["name"]),
            dead.kind,
            dead.name,
            service("namespace"),
            service("name")
        );
        let severity = if refused.is_empty() { Severity::Warning } else { Severity::Blocks };
        if !refused.is_empty() {
            message = format!("{message}, and it would refuse {}", counted(&refused));
        }
        let help = format!(
            "it is left over from an earlier install: `kubectl delete {} {}`",
            dead.kind.to_lowercase(),
            dead.name
        );
        notes.push(note(severity, "preflight::dead_webhook", None, message, Some(help)));
    }
    notes
}

/// Namespaces that a cluster to come will not have.
fn namespaces(objects: &[&ObjectView<'_>], facts: &ClusterFacts) -> Vec<Note> {
    if facts.exists {
        return Vec::new();
    }
    let places = || {
        objects.iter().filter_map(|it| match it.locator {
            Locator::Object(place) => Some(place),
            Locator::Arm(_) => None,
        })
    };
    let made: BTreeSet<&str> =
        places().filter(|it| it.kind == "Namespace" && it.group.is_empty()).map(|it| it.name.as_str()).collect();
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for place in places() {
        if let Some(namespace) = place.namespace.as_deref().filter(|it| !made.contains(it) && !SYSTEM.contains(it)) {
            missing.entry(namespace).or_default().push(format!("{}/{}", place.kind, place.name));
        }
    }
    let one = |(namespace, names): (&str, Vec<String>)| {
        let message = format!("the namespace `{namespace}` is not made by this plan ({})", counted(&names));
        let help = "add the Namespace; one that a controller makes comes too late".to_owned();
        note(Severity::Warning, "preflight::no_namespace", None, message, Some(help))
    };
    missing.into_iter().map(one).collect()
}
