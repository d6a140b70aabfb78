//! Rendered objects as things of the plan.

use std::collections::BTreeMap;

use kfplan_model::{Address, ObjectId, Path, Resource, ResourceAddress, Timeouts, Value};
use kfplan_plan::{
    Desired, Draft, Hole, Locator, Note, ObjectLocator, Problem, Protection, Rendered, RenderedObject, Scene, Severity,
};
use serde_json::Value as Json;

use super::normal::normalise;
use super::{cluster_of, problem};
use crate::guard;
use crate::identity::{Mended, Scopes, is_built_in, kind_and_group, kind_of, place, text};

/// How long an object is taken to take, in milliseconds.
const EXPECTED: u64 = 40;
/// How long a create, an update and a delete may take, in seconds.
const TIMEOUTS: (u64, u64, u64) = (120, 120, 300);
/// How long what has pods may take until it is ready, in seconds.
const READY: u64 = 900;

/// The things that the rendered objects of a resource are, marked by nobody yet, and what is to be said about them.
///
/// # Errors
///
/// Everything that is wrong with the objects: no identity, no scope, stated twice.
pub fn drafts(
    resource: &Resource,
    rendered: &Rendered,
    scene: &Scene<'_>,
) -> Result<(Vec<Draft>, Vec<Note>), Vec<Problem>> {
    let cluster = cluster_of(resource)?;
    let scopes = Scopes::of(rendered.objects.iter().map(|object| &*object.body));
    let namespace = resource.fields.get("namespace").and_then(Value::as_str).unwrap_or("default");
    let mut drafting = Drafting {
        resource,
        cluster,
        drafts: Vec::new(),
        notes: Vec::new(),
        problems: Vec::new(),
        seen: BTreeMap::new(),
    };
    let _ = scene;
    for (number, object) in rendered.objects.iter().enumerate() {
        drafting.add(number, object, &scopes, namespace);
    }
    drafting.contain();
    if drafting.problems.is_empty() { Ok((drafting.drafts, drafting.notes)) } else { Err(drafting.problems) }
}

struct Drafting<'a> {
    resource: &'a Resource,
    cluster: ResourceAddress,
    drafts: Vec<Draft>,
    notes: Vec<Note>,
    problems: Vec<Problem>,
    seen: BTreeMap<ObjectId, Option<String>>,
}

impl Drafting<'_> {
    fn add(&mut self, number: usize, object: &RenderedObject, scopes: &Scopes, namespace: &str) {
        let placed = match place(&object.body, &self.cluster, scopes, namespace) {
            Ok(placed) => placed,
            Err(error) => {
                let said = match (kind_of(&object.body), text(&object.body, &["metadata", "name"])) {
                    ("", "") => format!("object {} of `{}`", number + 1, self.resource.address),
                    (kind, name) => format!("{kind} `{name}` of `{}`", self.resource.address),
                };
                let help = "correct the manifest; of a kind that the plan does not declare, state the namespace";
                let message = format!("{said} cannot be placed: {error}");
                self.problems.push(problem(self.resource, None, "objects::no_place", message, help));
                return;
            }
        };
        let id = placed.locator.object_id();
        let address = Address::object(self.resource.address.clone(), id.clone());
        if let Some(first) = self.seen.get(&id) {
            let of = |application: &Option<String>| {
                application.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default()
            };
            let message = format!("`{address}`{} is stated twice, first{}", of(&object.application), of(first));
            let help = "state each object once; keep the one that is meant";
            self.problems.push(problem(self.resource, None, "objects::stated_twice", message, help));
            return;
        }
        self.seen.insert(id, object.application.clone());
        if let Some(mended) = placed.mended {
            self.notes.push(mended_note(&address, &placed.locator, mended));
        }
        self.drafts.push(self.draft(address, placed.locator, object));
    }

    fn draft(&self, address: Address, locator: ObjectLocator, object: &RenderedObject) -> Draft {
        let holes = object.holes.iter().map(|(path, late)| Hole { path: path.clone(), late: late.clone() });
        let mut desired =
            Desired { body: (*object.body).clone(), holes: holes.collect(), sensitive: object.sensitive.clone() };
        normalise(&mut desired, locator.namespace.as_deref());
        let is_awaited = is_awaited(&desired.body);
        Draft {
            protection: guard::built_in(&desired.body).map_or(Protection::None, |it| it.0),
            gate: is_awaited,
            timeouts: timeouts(&self.resource.timeouts, is_awaited),
            expected: EXPECTED,
            application: object.application.clone(),
            container: None,
            after: Vec::new(),
            exclusive: None,
            desired: Some(desired),
            locator: Locator::Object(locator),
            address,
        }
    }

    /// What goes with its namespace, or else with its cluster. Custom resources are deleted one by one while their
    /// controllers live, so only the cluster takes them along.
    fn contain(&mut self) {
        let resource = &self.resource.address;
        let namespace_of = |draft: &Draft| match &draft.locator {
            Locator::Object(locator) if is_built_in(&locator.group, &locator.kind) => {
                let name = locator.namespace.as_deref()?;
                Some(ObjectId { namespace: None, kind: "Namespace".into(), group: "".into(), name: name.into() })
            }
            _ => None,
        };
        for draft in &mut self.drafts {
            let namespace = namespace_of(draft).filter(|id| self.seen.contains_key(id));
            draft.container = Some(match namespace {
                Some(id) => Address::object(resource.clone(), id),
                None => Address::from(self.cluster.clone()),
            });
        }
    }
}

pub(super) fn timeouts(stated: &Timeouts, is_awaited: bool) -> (u64, u64, u64) {
    let (create, update, delete) = TIMEOUTS;
    let create = if is_awaited { READY } else { create };
    (stated.create.unwrap_or(create), stated.update.unwrap_or(update), stated.delete.unwrap_or(delete))
}

/// Whether the resource is done only when the object is ready, and not as soon as it is accepted. Claims are not: many are
/// bound only when a pod uses them, and that pod is awaited.
fn is_awaited(body: &Json) -> bool {
    let group = crate::identity::group_of(body);
    match (group, kind_of(body)) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job")
        | ("", "Pod")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("apiregistration.k8s.io", "APIService") => true,
        ("", "Service") => text(body, &["spec", "type"]) == "LoadBalancer",
        _ => !is_built_in(group, kind_of(body)),
    }
}

fn mended_note(address: &Address, locator: &ObjectLocator, mended: Mended) -> Note {
    let kind = kind_and_group(&locator.group, &locator.kind);
    let (severity, message, help) = match mended {
        Mended::NamespaceDropped(namespace) => (
            Severity::Info,
            format!("objects of kind `{kind}` are cluster-scoped: the stated namespace `{namespace}` is left out"),
            None,
        ),
        Mended::NamespaceDefaulted(namespace) => (
            Severity::Warning,
            format!("it states no namespace and goes into `{namespace}`"),
            Some("state `metadata.namespace`, or `namespace` of the resource".to_owned()),
        ),
    };
    Note { severity, code: "objects::namespace".to_owned(), address: Some(address.clone()), message, help }
}

/// A path of one key.
pub(super) fn field(name: &str) -> Option<Path> {
    Some(Path::root().key(name))
}
