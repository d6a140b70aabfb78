//! All objects of a cluster, found by what others name them by.

use std::collections::BTreeMap;

use kfplan_plan::{Locator, ObjectLocator, ObjectView};
use serde_json::Value as Json;

use super::selectors::matches_labels;
use crate::identity::{at, crd_names, is_built_in, is_crd, list, plural_of, text};
use crate::pods;

/// Group, kind, namespace (empty where there is none), name.
type Id<'a> = (&'a str, &'a str, &'a str, &'a str);

/// One object.
pub(super) struct Item<'a> {
    pub(super) locator: &'a ObjectLocator,
    pub(super) body: &'a Json,
    pub(super) going: bool,
    pub(super) template: Option<&'a Json>,
}

impl Item<'_> {
    pub(super) fn namespace(&self) -> &str {
        self.locator.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.locator.group == group && self.locator.kind == kind
    }

    pub(super) fn is_custom(&self) -> bool {
        !is_built_in(&self.locator.group, &self.locator.kind)
    }
}

/// The objects and the ways to find them. Places are those in the slice that was given.
pub(super) struct Index<'a> {
    /// `None` where a place is no object.
    pub(super) items: Vec<Option<Item<'a>>>,
    by_id: BTreeMap<Id<'a>, usize>,
    /// CRDs by the group and kind that they declare.
    pub(super) crds: BTreeMap<(&'a str, &'a str), usize>,
    /// Places by group.
    pub(super) by_group: BTreeMap<&'a str, Vec<usize>>,
    /// Places by group and kind.
    by_kind: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// Workloads by namespace.
    workloads: BTreeMap<&'a str, Vec<usize>>,
    /// Role bindings by the service accounts that they are for.
    bindings: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// cert-manager's Certificates by the Secret that they make.
    certificates: BTreeMap<(&'a str, &'a str), usize>,
}

pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

impl<'a> Index<'a> {
    pub(super) fn of(objects: &'a [ObjectView<'a>]) -> Self {
        let items: Vec<Option<Item<'a>>> = objects
            .iter()
            .map(|object| match object.locator {
                Locator::Object(locator) => Some(Item {
                    locator,
                    body: object.body,
                    going: object.going,
                    template: pods::pod_template(object.body),
                }),
                Locator::Arm(_) => None,
            })
            .collect();
        let mut index = Self {
            items,
            by_id: BTreeMap::new(),
            crds: BTreeMap::new(),
            by_group: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            workloads: BTreeMap::new(),
            bindings: BTreeMap::new(),
            certificates: BTreeMap::new(),
        };
        for (place, object) in objects.iter().enumerate() {
            if let Locator::Object(locator) = object.locator {
                index.add(place, locator, object.body);
            }
        }
        index
    }

    fn add(&mut self, place: usize, locator: &'a ObjectLocator, body: &'a Json) {
        let namespace = locator.namespace.as_deref().unwrap_or_default();
        self.by_id.insert((&locator.group, &locator.kind, namespace, &locator.name), place);
        self.by_group.entry(&locator.group).or_default().push(place);
        self.by_kind.entry((&locator.group, &locator.kind)).or_default().push(place);
        if is_crd(body) {
            self.crds.insert(crd_names(body), place);
        }
        if pods::pod_template(body).is_some() {
            self.workloads.entry(namespace).or_default().push(place);
        }
        if locator.group == RBAC && locator.kind.ends_with("Binding") {
            for subject in list(body, &["subjects"]).iter().filter(|it| text(it, &["kind"]) == "ServiceAccount") {
                let of = match text(subject, &["namespace"]) {
                    "" => namespace,
                    stated => stated,
                };
                self.bindings.entry((of, text(subject, &["name"]))).or_default().push(place);
            }
        }
        if locator.kind == "Certificate" && locator.group.ends_with("cert-manager.io") {
            self.certificates.insert((namespace, text(body, &["spec", "secretName"])), place);
        }
    }

    pub(super) fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.by_id.get(&(group, kind, namespace, name)).copied()
    }

    pub(super) fn item(&self, place: usize) -> Option<&Item<'a>> {
        self.items.get(place)?.as_ref()
    }

    /// Every object with its place.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Item<'a>)> {
        self.items.iter().enumerate().filter_map(|(place, item)| Some((place, item.as_ref()?)))
    }

    /// The workloads of a namespace.
    pub(super) fn workloads_in(&self, namespace: &str) -> &[usize] {
        self.workloads.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The objects of a kind.
    pub(super) fn of_kind<'s>(&'s self, group: &'s str, kind: &'s str) -> &'s [usize] {
        self.by_kind.get(&(group, kind)).map_or(&[], Vec::as_slice)
    }

    /// Every workload.
    pub(super) fn workloads(&self) -> impl Iterator<Item = usize> {
        self.workloads.values().flatten().copied()
    }

    /// The bindings that give a service account its rights.
    pub(super) fn bindings_of<'s>(&'s self, namespace: &'s str, account: &'s str) -> &'s [usize] {
        self.bindings.get(&(namespace, account)).map_or(&[], Vec::as_slice)
    }

    /// The role that a binding gives.
    pub(super) fn role_of(&self, binding: usize) -> Option<usize> {
        let item = self.item(binding)?;
        let kind = text(item.body, &["roleRef", "kind"]);
        let namespace = if kind == "Role" { item.namespace() } else { "" };
        self.find(RBAC, kind, namespace, text(item.body, &["roleRef", "name"]))
    }

    /// The Certificate that makes a Secret.
    pub(super) fn certificate_of(&self, namespace: &str, secret: &str) -> Option<usize> {
        self.certificates.get(&(namespace, secret)).copied()
    }

    /// The Service and the workloads whose pods it selects.
    pub(super) fn behind(&self, namespace: &str, service: &str) -> Vec<usize> {
        let Some(place) = self.find("", "Service", namespace, service) else { return Vec::new() };
        let selector = self.item(place).and_then(|it| at(it.body, &["spec", "selector"]));
        let serves = |workload: &usize| {
            let template = self.item(*workload).and_then(|it| it.template);
            matches_labels(selector, template.and_then(|it| at(it, &["metadata", "labels"])))
        };
        let mut behind = vec![place];
        behind.extend(self.workloads_in(namespace).iter().copied().filter(serves));
        behind
    }

    /// The CRD of an object's kind, where it is among the objects.
    pub(super) fn definition_of(&self, place: usize) -> Option<usize> {
        let item = self.item(place)?;
        self.crds.get(&(item.locator.group.as_str(), item.locator.kind.as_str())).copied()
    }

    /// The name in URLs of an object's kind.
    pub(super) fn plural(&self, item: &Item<'_>) -> String {
        let crd = self.crds.get(&(item.locator.group.as_str(), item.locator.kind.as_str()));
        match crd.and_then(|place| self.item(*place)).map(|it| text(it.body, &["spec", "names", "plural"])) {
            Some(plural) if !plural.is_empty() => plural.to_owned(),
            _ => plural_of(&item.locator.group, &item.locator.kind),
        }
    }
}
