//! What is served, for clients that ask before they do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::openapi;
use crate::kube::cluster::Cluster;
use crate::kube::definitions::priority;
use crate::kube::kinds::{Kinds, Release, Resource, Version};
use crate::kube::status::{Outcome, Refusal};
use crate::wire::{Request, Response};

/// The groups in the order in which a server lists them.
const ORDER: [&str; 20] = [
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "extensions",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

/// `GET /version`.
pub(crate) fn version(release: &Release) -> Value {
    let mut parts = release.text.split('.');
    let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("34"));
    let mut out = json!({
        "major": major, "minor": minor, "gitVersion": format!("v{}", release.text), "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24.0", "compiler": "gc", "platform": "linux/amd64",
    });
    if let (true, Some(map)) = (release.minor >= 33, out.as_object_mut()) {
        for (key, value) in [
            ("emulationMajor", "1".to_owned()),
            ("emulationMinor", release.minor.to_string()),
            ("minCompatibilityMajor", "1".to_owned()),
            ("minCompatibilityMinor", (release.minor - 1).to_string()),
        ] {
            map.insert(key.into(), json!(value));
        }
    }
    out
}

/// Answers a path that is no kind; none where it leads nowhere.
pub(crate) fn answer(cluster: &Cluster, request: &Request, parts: &[&str]) -> Option<Outcome<Response>> {
    let kinds = &cluster.kinds;
    let read = request.method == "GET" || request.method == "HEAD";
    // The lists of versions and of resources take nothing but a read; all others do not look at the method.
    if !read && matches!(parts, ["version"] | ["api"]) {
        return Some(Err(Refusal::method_not_allowed()));
    }
    if let (false, ["api", version]) = (read, parts) {
        return resources(kinds, "", version).map(|_| Err(Refusal::method_not_allowed()));
    }
    if let (false, ["apis", group, version]) = (read, parts) {
        return resources(kinds, group, version).map(|_| Err(Refusal::method_not_allowed()));
    }
    let aggregated = wants_aggregated(cluster, request);
    let json = |value: Value| Some(Ok(Response::json(200, &value)));
    match parts {
        [] => {
            let mut paths: Vec<String> = ["/api", "/api/v1", "/apis"].map(str::to_owned).to_vec();
            for group in groups(kinds) {
                paths.push(format!("/apis/{}", group.name));
                paths.extend(group.versions.iter().map(|version| format!("/apis/{}/{version}", group.name)));
            }
            paths
                .extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
            json(json!({"paths": paths}))
        }
        ["api"] if aggregated.is_some() => Some(Ok(aggregate(kinds, true, aggregated.unwrap_or_default()))),
        ["apis"] if aggregated.is_some() => Some(Ok(aggregate(kinds, false, aggregated.unwrap_or_default()))),
        ["api"] => {
            let address = cluster.access().server.trim_start_matches("https://").to_owned();
            json(
                json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]}),
            )
        }
        ["apis"] => {
            let all: Vec<Value> = groups(kinds).iter().map(Group::shown).collect();
            json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all}))
        }
        ["apis", name] => groups(kinds).into_iter().find(|group| group.name == *name).map(|group| {
            let mut shown = group.shown();
            if let Some(map) = shown.as_object_mut() {
                map.insert("kind".into(), json!("APIGroup"));
                map.insert("apiVersion".into(), json!("v1"));
            }
            Ok(Response::json(200, &shown))
        }),
        ["api", version] => resources(kinds, "", version).map(|list| Ok(Response::json(200, &list))),
        ["apis", group, version] => {
            if let Some(refusal) = unavailable(cluster, group, version) {
                return Some(Err(refusal));
            }
            let list = resources(kinds, group, version).or_else(|| behind(cluster, group, version));
            list.map(|list| Ok(Response::json(200, &list)))
        }
        ["openapi", rest @ ..] => openapi::answer(cluster, request, rest),
        _ => None,
    }
}

/// The answer for a path that leads nowhere: an object below a group that is built in, else a page of text.
pub(crate) fn nowhere(kinds: &Kinds, parts: &[&str]) -> Outcome<Response> {
    let builtin = match parts {
        ["api", _, ..] => true,
        ["apis", group, _, ..] => kinds.iter().any(|resource| resource.group == *group && !resource.custom),
        _ => false,
    };
    if builtin {
        return Err(Refusal::no_such_path());
    }
    Ok(Response::bytes(404, "text/plain; charset=utf-8", b"404 page not found\n".to_vec()))
}

/// The version of aggregated discovery that the client takes and the server has.
fn wants_aggregated(cluster: &Cluster, request: &Request) -> Option<&'static str> {
    let accept = request.header("accept").unwrap_or_default();
    accept.split(',').find_map(|part| {
        if !part.contains("as=APIGroupDiscoveryList") || !part.contains("json") {
            return None;
        }
        if part.contains("v=v2beta1") {
            return (cluster.release.minor >= 27).then_some("v2beta1");
        }
        (part.contains("v=v2") && cluster.release.minor >= 30).then_some("v2")
    })
}

/// What another server serves: who it is, and none of its kinds, which are not simulated.
fn behind(cluster: &Cluster, group: &str, version: &str) -> Option<Value> {
    let service = cluster.object("apiregistration.k8s.io/apiservices", "", &format!("{version}.{group}"))?;
    service.pointer("/spec/service").filter(|service| service.is_object())?;
    let version = format!("{group}/{version}");
    Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": []}))
}

/// A group that another server serves, and that does not answer.
fn unavailable(cluster: &Cluster, group: &str, version: &str) -> Option<Refusal> {
    let service = cluster.object("apiregistration.k8s.io/apiservices", "", &format!("{version}.{group}"))?;
    service.pointer("/spec/service").filter(|service| service.is_object())?;
    let available = crate::kube::definitions::is(service, "Available");
    (!available).then(Refusal::unavailable)
}

/// A group with its versions, best first.
struct Group {
    name: String,
    versions: Vec<String>,
}

impl Group {
    fn shown(&self) -> Value {
        let version =
            |version: &String| json!({"groupVersion": format!("{}/{version}", self.name), "version": version});
        let versions: Vec<Value> = self.versions.iter().map(version).collect();
        json!({"name": self.name, "versions": versions, "preferredVersion": versions.first().cloned().unwrap_or_default()})
    }
}

/// All named groups, in order.
fn groups(kinds: &Kinds) -> Vec<Group> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for resource in kinds.iter().filter(|resource| !resource.group.is_empty()) {
        let versions = by.entry(&resource.group).or_default();
        for version in resource.versions.iter().filter(|version| version.served) {
            if !versions.contains(&version.name.as_str()) {
                versions.push(&version.name);
            }
        }
    }
    let place = |name: &str| ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len());
    let mut out: Vec<Group> = by
        .into_iter()
        .filter(|(_, versions)| !versions.is_empty())
        .map(|(name, mut versions)| {
            versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
            Group { name: name.to_owned(), versions: versions.into_iter().map(str::to_owned).collect() }
        })
        .collect();
    out.sort_by(|left, right| place(&left.name).cmp(&place(&right.name)).then_with(|| left.name.cmp(&right.name)));
    out
}

fn verbs(resource: &Resource) -> Vec<&'static str> {
    if resource.abilities.create_only {
        return vec!["create"];
    }
    if resource.abilities.read_only {
        return vec!["get", "list"];
    }
    let mut out = if resource.custom {
        vec!["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
    } else {
        vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    };
    if resource.abilities.no_collection {
        out.retain(|verb| *verb != "deletecollection");
    }
    out
}

/// The parts of a kind that can be asked for, each with its own kind and verbs.
fn parts(resource: &Resource, version: &Version) -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let own = json!({"kind": resource.kind});
    let change = vec!["get", "patch", "update"];
    let mut out = Vec::new();
    if version.status {
        out.push(("status", own.clone(), change.clone()));
    }
    if version.scale.is_some() {
        out.push(("scale", json!({"kind": "Scale", "group": "autoscaling", "version": "v1"}), change));
    }
    if resource.abilities.finalize {
        out.push(("finalize", own.clone(), vec!["update"]));
    }
    if resource.abilities.log {
        out.push(("log", own.clone(), vec!["get"]));
    }
    if resource.abilities.eviction {
        out.push(("eviction", json!({"kind": "Eviction", "group": "policy", "version": "v1"}), vec!["create"]));
    }
    if resource.abilities.token {
        out.push((
            "token",
            json!({"kind": "TokenRequest", "group": "authentication.k8s.io", "version": "v1"}),
            vec!["create"],
        ));
    }
    if resource.abilities.approval {
        out.push(("approval", own, vec!["get", "patch", "update"]));
    }
    out
}

/// The kinds of one version of a group; none where it is not served.
fn resources(kinds: &Kinds, group: &str, version: &str) -> Option<Value> {
    let mut out = Vec::new();
    for resource in kinds.iter().filter(|resource| resource.group == group) {
        let Some(served) = resource.version(version).filter(|version| version.served) else { continue };
        let mut one = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": verbs(resource),
        });
        if let Some(map) = one.as_object_mut() {
            if !resource.short_names.is_empty() {
                map.insert("shortNames".into(), json!(resource.short_names));
            }
            if !resource.categories.is_empty() {
                map.insert("categories".into(), json!(resource.categories));
            }
            if !resource.abilities.create_only && !resource.abilities.read_only {
                map.insert("storageVersionHash".into(), json!(hash(resource)));
            }
        }
        out.push(one);
        for (part, kind, verbs) in parts(resource, served) {
            let mut one = json!({
                "name": format!("{}/{part}", resource.plural), "singularName": "", "namespaced": resource.namespaced, "verbs": verbs,
            });
            if let (Some(map), Some(kind)) = (one.as_object_mut(), kind.as_object()) {
                map.extend(kind.clone());
            }
            out.push(one);
        }
    }
    if out.is_empty() {
        return None;
    }
    out.sort_by_key(|one| one.get("name").and_then(Value::as_str).unwrap_or_default().to_owned());
    // The list of the core alone has no version of its own.
    Some(if group.is_empty() {
        json!({"kind": "APIResourceList", "groupVersion": version, "resources": out})
    } else {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": out})
    })
}

/// Names the version in which a kind is stored, as a hash.
fn hash(resource: &Resource) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let text = format!("{}/{}/{}", resource.group, resource.hub, resource.kind);
    let bytes: Vec<u8> = Sha256::digest(text.as_bytes()).iter().take(8).copied().collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// All groups with all their kinds in one answer.
fn aggregate(kinds: &Kinds, core: bool, version: &str) -> Response {
    let groups = if core { vec![Group { name: String::new(), versions: vec!["v1".into()] }] } else { groups(kinds) };
    let mut items = Vec::new();
    for group in groups {
        let versions: Vec<Value> = group
            .versions
            .iter()
            .map(|version| json!({"version": version, "freshness": "Current", "resources": discovered(kinds, &group.name, version)}))
            .collect();
        let metadata = if core {
            json!({"creationTimestamp": null})
        } else {
            json!({"name": group.name, "creationTimestamp": null})
        };
        items.push(json!({"metadata": metadata, "versions": versions}));
    }
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items});
    let kind = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    Response::bytes(200, &kind, body.to_string().into_bytes())
}

fn discovered(kinds: &Kinds, group: &str, version: &str) -> Vec<Value> {
    let mut out = Vec::new();
    for resource in kinds.iter().filter(|resource| resource.group == group) {
        let Some(served) = resource.version(version).filter(|version| version.served) else { continue };
        let parts: Vec<Value> = parts(resource, served)
            .into_iter()
            .map(|(part, kind, verbs)| {
                let kind_of = |key: &str, own: &str| kind.get(key).and_then(Value::as_str).unwrap_or(own).to_owned();
                let response = json!({"group": kind_of("group", group), "version": kind_of("version", version), "kind": kind_of("kind", &resource.kind)});
                json!({"subresource": part, "responseKind": response, "verbs": verbs})
            })
            .collect();
        let mut one = json!({
            "resource": resource.plural, "responseKind": {"group": group, "version": version, "kind": resource.kind},
            "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": resource.singular, "verbs": verbs(resource),
        });
        if let Some(map) = one.as_object_mut() {
            for (key, values) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
                if !values.is_empty() {
                    map.insert(key.into(), json!(values));
                }
            }
            if !parts.is_empty() {
                map.insert("subresources".into(), json!(parts));
            }
        }
        out.push(one);
    }
    out
}
