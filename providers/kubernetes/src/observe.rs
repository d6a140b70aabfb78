//! Looking: one LIST a kind and scope, never a GET an object.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};
use kfplan_model::ResourceAddress;
use kfplan_plan::{Class, Live, Locator, ObjectLocator, Observation, ServedKind, Trouble};
use serde_json::Value as Json;

use crate::access::Connections;
use crate::client::Ask;
use crate::trouble;

/// How many LISTs are under way at once.
const AT_ONCE: usize = 32;
/// How many objects one page has.
const PAGE: usize = 500;

/// A kind in a cluster.
type KindKey = (ResourceAddress, String, String, String);
/// Namespace and name.
type Name = (Option<String>, String);

/// What a LIST came to.
enum Listed {
    Found(BTreeMap<Name, Live>),
    Answer(Observation),
}

impl Connections {
    pub(crate) async fn observe(&self, places: &[Locator]) -> Vec<Observation> {
        let mut kinds: BTreeMap<KindKey, BTreeSet<Option<String>>> = BTreeMap::new();
        for object in places.iter().filter_map(object) {
            kinds.entry(key(object)).or_default().insert(object.namespace.clone());
        }
        let mut asked: BTreeMap<&Locator, usize> = BTreeMap::new();
        for place in places {
            *asked.entry(place).or_default() += 1;
        }
        let mut listed: BTreeMap<KindKey, Vec<(Option<String>, Listed)>> = stream::iter(kinds)
            .map(|(key, namespaces)| async move { (key.clone(), self.list(&key, &namespaces).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        places
            .iter()
            .map(|place| match object(place) {
                None => Observation::Failed(Trouble::new(
                    Class::Permanent,
                    "place",
                    "this is not a Kubernetes object",
                    "this is a bug of kfplan; please report it",
                )),
                Some(object) => {
                    let found = listed.get_mut(&key(object)).map(Vec::as_mut_slice).unwrap_or_default();
                    judged(object, found, asked.get(place) == Some(&1))
                }
            })
            .collect()
    }

    /// Lists a kind: in the one namespace that is asked for, else everywhere at once. Where looking everywhere is not
    /// allowed, in each namespace on its own.
    async fn list(
        &self,
        (cluster, group, version, kind): &KindKey,
        namespaces: &BTreeSet<Option<String>>,
    ) -> Vec<(Option<String>, Listed)> {
        let served = match self.served(cluster, group, version, kind).await {
            Ok(served) => served,
            Err(trouble) if trouble.code == "not_served" => {
                return vec![(None, Listed::Answer(Observation::NotServed))];
            }
            Err(trouble) => return vec![(None, Listed::Answer(failed(trouble)))],
        };
        if let [Some(only)] = namespaces.iter().collect::<Vec<_>>().as_slice() {
            return vec![(Some((*only).clone()), self.pages(cluster, group, version, &served, Some(only)).await)];
        }
        match self.pages(cluster, group, version, &served, None).await {
            Listed::Answer(Observation::Denied(reason)) if served.namespaced => {
                let mut all = Vec::new();
                for namespace in namespaces.iter().flatten() {
                    all.push((
                        Some(namespace.clone()),
                        self.pages(cluster, group, version, &served, Some(namespace)).await,
                    ));
                }
                if all.is_empty() { vec![(None, Listed::Answer(Observation::Denied(reason)))] } else { all }
            }
            listed => vec![(None, listed)],
        }
    }

    async fn pages(
        &self,
        cluster: &ResourceAddress,
        group: &str,
        version: &str,
        served: &ServedKind,
        namespace: Option<&str>,
    ) -> Listed {
        let base = collection(group, version, &served.plural, namespace);
        match self.all_items(cluster, &base).await {
            Ok(items) => Listed::Found(items.into_iter().map(|live| (name_of(&live.body), live)).collect()),
            Err(answer) => Listed::Answer(answer),
        }
    }

    /// Every object of a collection. A page token that expires (410) begins anew once.
    pub(crate) async fn all_items(&self, cluster: &ResourceAddress, base: &str) -> Result<Vec<Live>, Observation> {
        let (mut items, mut token, mut restarted) = (Vec::new(), String::new(), false);
        loop {
            let more = if token.is_empty() { String::new() } else { format!("&continue={}", encoded(&token)) };
            let first = if base.contains('?') { '&' } else { '?' };
            let answer =
                self.ask(cluster, &Ask::get(format!("{base}{first}limit={PAGE}{more}"))).await.map_err(failed)?;
            match answer.status {
                200 => {}
                404 => return Err(Observation::NotServed),
                403 => return Err(Observation::Denied(trouble::message(&answer.body).to_owned())),
                410 if !restarted => {
                    (items, token, restarted) = (Vec::new(), String::new(), true);
                    continue;
                }
                _ => return Err(failed(trouble::refused(&answer))),
            }
            let mut body = answer.body;
            let (api_version, kind) = (text(&body, "apiVersion"), text(&body, "kind"));
            token = body.pointer("/metadata/continue").and_then(Json::as_str).unwrap_or_default().to_owned();
            let page = match body.get_mut("items").map(Json::take) {
                Some(Json::Array(page)) => page,
                _ => Vec::new(),
            };
            items.extend(page.into_iter().map(|item| live(stated(item, &api_version, kind.trim_end_matches("List")))));
            if token.is_empty() {
                return Ok(items);
            }
        }
    }

    /// One object, for whoever is about to change it.
    pub(crate) async fn get_object(&self, object: &ObjectLocator) -> Result<Option<Live>, Trouble> {
        let path = self.path_of(object).await?;
        let answer = self.ask(&object.cluster, &Ask::get(path)).await?;
        match answer.status {
            200 => Ok(Some(live(answer.body))),
            404 => Ok(None),
            _ => Err(trouble::refused(&answer)),
        }
    }

    /// The path of an object's URL.
    pub(crate) async fn path_of(&self, object: &ObjectLocator) -> Result<String, Trouble> {
        let served = self.served(&object.cluster, &object.group, &object.version, &object.kind).await?;
        Ok(format!(
            "{}/{}",
            collection(&object.group, &object.version, &served.plural, object.namespace.as_deref()),
            encoded(&object.name)
        ))
    }
}

/// What was seen of one object. What only one asks for is handed on, not copied.
fn judged(object: &ObjectLocator, listed: &mut [(Option<String>, Listed)], is_last: bool) -> Observation {
    let fits = listed.iter_mut().find(|(namespace, _)| namespace.is_none() || *namespace == object.namespace);
    let name = (object.namespace.clone(), object.name.clone());
    match fits {
        Some((_, Listed::Found(items))) => {
            let found = if is_last { items.remove(&name) } else { items.get(&name).cloned() };
            found.map_or(Observation::Absent, |live| Observation::Present(Box::new(live)))
        }
        Some((_, Listed::Answer(answer))) => answer.clone(),
        None => Observation::Failed(Trouble::new(
            Class::Permanent,
            "listed",
            "the object's namespace was not listed",
            "this is a bug of kfplan; please report it",
        )),
    }
}

fn failed(trouble: Trouble) -> Observation {
    if trouble.class == Class::Auth { Observation::Denied(trouble.message) } else { Observation::Failed(trouble) }
}

fn object(place: &Locator) -> Option<&ObjectLocator> {
    match place {
        Locator::Object(object) => Some(object),
        Locator::Arm(_) => None,
    }
}

fn key(object: &ObjectLocator) -> KindKey {
    (object.cluster.clone(), object.group.clone(), object.version.clone(), object.kind.clone())
}

fn name_of(body: &Json) -> Name {
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    (text("/metadata/namespace"), text("/metadata/name").unwrap_or_default())
}

fn text(body: &Json, key: &str) -> String {
    body.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// An object with its kind stated: the items of a LIST leave it out.
fn stated(mut item: Json, api_version: &str, kind: &str) -> Json {
    if let Json::Object(map) = &mut item {
        map.entry("apiVersion").or_insert_with(|| api_version.into());
        map.entry("kind").or_insert_with(|| kind.into());
    }
    item
}

pub(crate) fn live(body: Json) -> Live {
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    Live { uid: text("/metadata/uid"), version: text("/metadata/resourceVersion"), body }
}

/// The path of a collection's URL.
pub(crate) fn collection(group: &str, version: &str, plural: &str, namespace: Option<&str>) -> String {
    let api = if group.is_empty() {
        format!("/api/{}", encoded(version))
    } else {
        format!("/apis/{}/{}", encoded(group), encoded(version))
    };
    match namespace {
        Some(namespace) => format!("{api}/namespaces/{}/{plural}", encoded(namespace)),
        None => format!("{api}/{plural}"),
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, so that no name can leave its place in a path.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
