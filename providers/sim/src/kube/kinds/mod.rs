//! Which kinds a cluster serves, in which versions.

mod convert;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::apply::{Conversion, Set, Shape};
use super::schema::{self, Ref, Schema};
use super::structural::Structural;

pub(crate) use convert::convert;

/// A Kubernetes version, such as 1.34.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) minor: u32,
    pub(crate) text: String,
}

impl Release {
    pub(crate) fn parse(text: &str) -> Release {
        let text = text.trim_start_matches('v');
        let minor = text.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(34);
        let text = if text.split('.').count() < 3 { format!("{text}.0") } else { text.to_owned() };
        Release { minor, text }
    }
}

/// What can be asked of a kind beyond its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Abilities {
    pub(crate) finalize: bool,
    pub(crate) token: bool,
    pub(crate) log: bool,
    pub(crate) eviction: bool,
    pub(crate) approval: bool,
    /// Only `create`: a question, never stored.
    pub(crate) create_only: bool,
    pub(crate) read_only: bool,
    pub(crate) no_collection: bool,
}

/// One kind.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) abilities: Abilities,
    /// The served versions, best first.
    pub(crate) versions: Vec<Version>,
    /// The version in which objects are kept.
    pub(crate) hub: String,
    /// The table in which objects are kept.
    pub(crate) store: String,
    pub(crate) custom: bool,
    /// The Service that converts between versions, where one does.
    pub(crate) converter: Option<Value>,
}

/// One version of a kind.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) served: bool,
    pub(crate) schema: Arc<Schema>,
    pub(crate) at: Ref,
    pub(crate) status: bool,
    pub(crate) scale: Option<Scale>,
    /// The schema of a custom kind, for pruning, defaults, and checks.
    pub(crate) structural: Option<Arc<Structural>>,
    pub(crate) columns: Vec<Value>,
}

/// Where a kind keeps its replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

impl Resource {
    /// `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`.
    pub(crate) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// `apps/v1`.
    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }
}

/// How objects of a resource go from version to version, for one subresource.
pub(crate) struct Versions<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) subresource: &'a str,
}

impl Versions<'_> {
    fn name<'v>(&self, api_version: &'v str) -> Option<&'v str> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        (group == self.resource.group).then_some(version)
    }
}

impl Conversion for Versions<'_> {
    fn shape(&self, api_version: &str) -> Option<Shape<'_>> {
        let version = self.resource.version(self.name(api_version)?)?;
        Some(Shape { schema: &version.schema, at: version.at })
    }

    fn convert(&self, object: &Value, api_version: &str) -> Option<Value> {
        let version = self.name(api_version)?;
        self.resource.version(version)?;
        Some(convert(self.resource, object, version))
    }

    fn reset(&self, api_version: &str) -> Set {
        let has_status =
            self.name(api_version).and_then(|name| self.resource.version(name)).is_some_and(|version| version.status);
        match (self.subresource, self.resource.custom) {
            ("", _) if has_status && !is_statusful(self.resource) => Set::of(&[&["status"]]),
            ("status", true) => Set::of(&[&["spec"]]),
            ("status", false) => match self.resource.kind.as_str() {
                "Deployment" | "ReplicaSet" => Set::of(&[&["spec"], &["metadata", "labels"]]),
                "Pod" => Set::of(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]),
                "CustomResourceDefinition" | "APIService" => Set::of(&[&["spec"], &["metadata"]]),
                _ => Set::of(&[&["spec"]]),
            },
            _ => Set::default(),
        }
    }
}

/// Whether a kind is stored in binary rather than as JSON.
pub(crate) fn is_binary(resource: &Resource) -> bool {
    !resource.custom && !matches!(resource.group.as_str(), "apiextensions.k8s.io" | "apiregistration.k8s.io")
}

/// Kinds whose status is written with the rest.
fn is_statusful(resource: &Resource) -> bool {
    matches!(resource.kind.as_str(), "ComponentStatus")
}

/// All kinds that a cluster serves.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    /// By `group/plural`.
    resources: BTreeMap<String, Arc<Resource>>,
}

impl Kinds {
    /// What a release serves by itself.
    pub(crate) fn builtin(release: &Release) -> Kinds {
        let mut out = Kinds::default();
        for line in include_str!("builtin.txt").lines() {
            if let Some(resource) = parse(line, release.minor) {
                out.insert(resource);
            }
        }
        out
    }

    pub(crate) fn insert(&mut self, resource: Resource) {
        self.resources.insert(format!("{}/{}", resource.group, resource.plural), Arc::new(resource));
    }

    pub(crate) fn remove(&mut self, group: &str, plural: &str) {
        self.resources.remove(&format!("{group}/{plural}"));
    }

    pub(crate) fn get(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.resources.get(&format!("{group}/{plural}"))
    }

    /// By group and kind.
    pub(crate) fn of_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.resources.values().find(|resource| resource.group == group && resource.kind == kind)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }
}

/// Reads one line: group, plural, kind, scope, short names, flags, versions.
fn parse(line: &str, minor: u32) -> Option<Resource> {
    let words: Vec<&str> = line.split(' ').collect();
    let [group, plural, kind, scope, shorts, flags, versions @ ..] = words.as_slice() else { return None };
    let has = |flag: &str| flags.split(',').any(|word| word == flag);
    let group = group.trim_matches('-').to_owned();
    let scale = has("scale").then(|| Scale {
        spec: ".spec.replicas".into(),
        status: ".status.replicas".into(),
        selector: Some(".status.selector".into()),
    });
    let mut served = Vec::new();
    for word in versions {
        let (version, kind) = word.split_once(':')?;
        let (name, range) = version.split_once('@').unwrap_or((version, "-"));
        let (since, until) = range.split_once('-')?;
        let since: u32 = since.parse().unwrap_or(0);
        let until: u32 = until.parse().unwrap_or(u32::MAX);
        if (since..until).contains(&minor) {
            let schema = schema::builtin().clone();
            let at = schema.named(kind)?;
            served.push(Version {
                name: name.to_owned(),
                served: true,
                schema,
                at,
                status: has("status"),
                scale: scale.clone(),
                structural: None,
                columns: Vec::new(),
            });
        }
    }
    let hub = match (group.as_str(), *plural) {
        // All ingresses are kept as the newest, whatever group they are asked from.
        ("extensions", "ingresses") => "v1".to_owned(),
        ("autoscaling", _) => "v2".to_owned(),
        _ => versions.first()?.split([':', '@']).next()?.to_owned(),
    };
    let store_group = if group == "extensions" { "networking.k8s.io" } else { group.as_str() };
    let store_group = if group == "events.k8s.io" { "" } else { store_group };
    if served.is_empty() {
        return None;
    }
    Some(Resource {
        store: format!("{store_group}/{plural}"),
        singular: kind.to_ascii_lowercase(),
        plural: (*plural).to_owned(),
        kind: (*kind).to_owned(),
        list_kind: format!("{kind}List"),
        short_names: shorts.split(',').filter(|name| *name != "-").map(str::to_owned).collect(),
        categories: [("all", has("all")), ("api-extensions", has("ext") && minor >= 26)]
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(name, _)| name.to_owned())
            .collect(),
        namespaced: *scope == "ns",
        abilities: Abilities {
            finalize: has("finalize"),
            token: has("token"),
            log: has("log"),
            eviction: has("eviction"),
            approval: has("approval"),
            create_only: has("create"),
            read_only: has("read"),
            no_collection: has("nocollection"),
        },
        versions: served,
        hub,
        group,
        custom: false,
        converter: None,
    })
}
