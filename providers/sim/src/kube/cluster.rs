//! One cluster: its objects, its revision, what happened in it, and what is due.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::kinds::{Kinds, Release};
use super::{Settings, controllers, definitions};
use crate::fleet::{Access, ClusterOrder};
use crate::tables::{Delta, Table};

/// The table beside the objects: what the cluster is, its revision, and what is due.
const META: &str = "meta";
/// How many past changes a watch can still be told.
const MOST_EVENTS: usize = 20_000;

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    uid: String,
    meta: Table,
    stores: BTreeMap<String, Table>,
    pub(super) kinds: Kinds,
    pub(super) release: Release,
    revision: u64,
    /// Changes before this revision are forgotten.
    pub(super) compacted: u64,
    pub(super) history: VecDeque<Event>,
    due: BTreeSet<(u64, String)>,
    due_of: BTreeMap<String, u64>,
    /// Where each object is, by uid, and which objects name it as an owner.
    whereabouts: BTreeMap<String, (String, String)>,
    dependents: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Requests so far, by verb and resource.
    pub(super) requests: BTreeMap<(String, String), u64>,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) store: String,
    pub(crate) key: String,
    pub(crate) before: Option<Arc<Value>>,
    pub(crate) after: Option<Arc<Value>>,
}

/// The key of an object in its table.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

impl Cluster {
    pub(crate) fn empty(uid: &str) -> Cluster {
        Cluster {
            uid: uid.to_owned(),
            meta: Table::default(),
            stores: BTreeMap::new(),
            kinds: Kinds::default(),
            release: Release::parse("1.34"),
            revision: 0,
            compacted: 0,
            history: VecDeque::new(),
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
            whereabouts: BTreeMap::new(),
            dependents: BTreeMap::new(),
            requests: BTreeMap::new(),
        }
    }

    pub(crate) fn new(now: u64, settings: &Settings, order: &ClusterOrder, token: &str, user_token: &str) -> Cluster {
        let mut cluster = Cluster::empty(&order.uid);
        let about = json!({
            "name": order.name, "version": order.version, "fqdn": order.fqdn, "nodeGroup": order.node_group,
            "location": order.location, "token": token, "userToken": user_token,
        });
        cluster.meta.put("about", Arc::new(about));
        cluster.release = Release::parse(&order.version);
        cluster.kinds = Kinds::builtin(&cluster.release);
        controllers::bootstrap(&mut cluster, now, settings);
        cluster
    }

    pub(crate) fn exists(&self) -> bool {
        self.meta.has("about")
    }

    pub(crate) fn about(&self, key: &str) -> &str {
        self.meta.get("about").and_then(|about| about.get(key)).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn fqdn(&self) -> &str {
        self.about("fqdn")
    }

    pub(crate) fn token(&self, admin: bool) -> String {
        self.about(if admin { "token" } else { "userToken" }).to_owned()
    }

    pub(crate) fn access(&self) -> Access {
        let row = self.meta.get("access");
        let text = |key: &str| row.and_then(|row| row.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned();
        let server = match text("server") {
            server if server.is_empty() => format!("https://{}:443", self.fqdn()),
            server => server,
        };
        Access {
            server,
            ca_pem: text("ca"),
            client_certificate_pem: text("certificate"),
            client_key_pem: text("key"),
            client_certificate_der: STANDARD.decode(text("der")).unwrap_or_default(),
        }
    }

    pub(crate) fn set_access(&mut self, access: &Access) {
        let row = json!({
            "server": access.server, "ca": access.ca_pem, "certificate": access.client_certificate_pem,
            "key": access.client_key_pem, "der": STANDARD.encode(&access.client_certificate_der),
        });
        self.meta.put("access", Arc::new(row));
    }

    /// A row beside the objects.
    pub(crate) fn note(&self, key: &str) -> Option<&Arc<Value>> {
        self.meta.get(key)
    }

    /// Sets a row beside the objects, or removes it.
    pub(crate) fn set_note(&mut self, key: &str, value: Option<Value>) {
        match value {
            Some(value) => self.meta.put(key, Arc::new(value)),
            None => {
                self.meta.remove(key);
            }
        }
    }

    pub(crate) fn upgrade(&mut self, now: u64, settings: &Settings, version: &str) {
        let Some(mut about) = self.meta.get("about").map(|about| (**about).clone()) else { return };
        if let Some(about) = about.as_object_mut() {
            about.insert("version".into(), json!(version));
        }
        self.meta.put("about", Arc::new(about));
        self.loaded();
        controllers::upgraded(self, now, settings);
    }

    // Objects.

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn object(&self, store: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.stores.get(store)?.get(&key(namespace, name))
    }

    /// The objects of a table in key order: of one namespace, or of all when it is empty; from after a key.
    pub(crate) fn objects<'a>(
        &'a self,
        store: &str,
        namespace: &str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Arc<Value>)> + use<'a> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let table = self.stores.get(store);
        table.into_iter().flat_map(move |table| {
            let prefix = prefix.clone();
            let start = match after {
                Some(after) if after >= prefix.as_str() => after.to_owned(),
                _ => prefix.clone(),
            };
            table
                .from(start)
                .skip_while(move |(key, _)| after.is_some_and(|after| *key == after))
                .take_while(move |(key, _)| key.starts_with(&prefix))
        })
    }

    pub(crate) fn count(&self, store: &str) -> usize {
        self.stores.get(store).map_or(0, Table::len)
    }

    pub(crate) fn stores(&self) -> impl Iterator<Item = &str> {
        self.stores.keys().map(String::as_str)
    }

    /// Puts an object in its place, with the next revision. What watches the cluster learns of it.
    pub(crate) fn put(&mut self, now: u64, settings: &Settings, store: &str, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        let (namespace, name) = place(&object);
        let revision = self.revision;
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), json!(revision.to_string()));
        }
        let key = key(&namespace, &name);
        let object = Arc::new(object);
        let table = self.stores.entry(store.to_owned()).or_default();
        let before = table.get(&key).cloned();
        table.put(&key, object.clone());
        self.happened(now, settings, store, key, before, Some(object.clone()));
        object
    }

    /// Takes an object away; its last state has the revision of its end.
    pub(crate) fn erase(
        &mut self,
        now: u64,
        settings: &Settings,
        store: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let key = key(namespace, name);
        let mut before = self.stores.get_mut(store)?.remove(&key)?;
        self.revision += 1;
        if let Some(metadata) = Arc::make_mut(&mut before).get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), json!(self.revision.to_string()));
        }
        self.happened(now, settings, store, key, Some(before.clone()), None);
        Some(before)
    }

    fn happened(
        &mut self,
        now: u64,
        settings: &Settings,
        store: &str,
        key: String,
        before: Option<Arc<Value>>,
        after: Option<Arc<Value>>,
    ) {
        self.index(store, &key, before.as_deref(), after.as_deref());
        let event = Event { revision: self.revision, store: store.to_owned(), key, before, after };
        self.history.push_back(event.clone());
        while self.history.len() > MOST_EVENTS {
            if let Some(gone) = self.history.pop_front() {
                self.compacted = gone.revision;
            }
        }
        if store == definitions::STORE {
            definitions::changed(self, &event);
        }
        controllers::noticed(self, now, settings, &event);
    }

    /// Keeps the index of uids and owners.
    fn index(&mut self, store: &str, key: &str, before: Option<&Value>, after: Option<&Value>) {
        let place = (store.to_owned(), key.to_owned());
        let uid =
            |object: &Value| object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let owners = |object: &Value| -> Vec<String> {
            let all = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|owner| Some(owner.get("uid")?.as_str()?.to_owned())).collect()
        };
        if let Some(before) = before {
            self.whereabouts.remove(&uid(before));
            for owner in owners(before) {
                if let Some(set) = self.dependents.get_mut(&owner) {
                    set.remove(&place);
                    if set.is_empty() {
                        self.dependents.remove(&owner);
                    }
                }
            }
        }
        if let Some(after) = after {
            self.whereabouts.insert(uid(after), place.clone());
            for owner in owners(after) {
                self.dependents.entry(owner).or_default().insert(place.clone());
            }
        }
    }

    /// The table and key of an object.
    pub(crate) fn whereabouts(&self, uid: &str) -> Option<(String, String)> {
        self.whereabouts.get(uid).cloned()
    }

    /// Tables and keys of the objects that belong to another.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<(String, String)> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Forgets what happened, as a compaction does: older watches and list continuations end with 410.
    pub(crate) fn compact(&mut self) {
        self.history.clear();
        self.compacted = self.revision;
    }

    /// A uid that nobody else has, the same in every replay.
    pub(crate) fn fresh_uid(&mut self, settings: &Settings) -> String {
        let text = self.draw(settings, "uid");
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    /// Five letters as the server appends them to generated names.
    pub(crate) fn fresh_suffix(&mut self, settings: &Settings) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let text = self.draw(settings, "suffix");
        let letter = |pair: &[u8]| {
            let number =
                std::str::from_utf8(pair).ok().and_then(|pair| usize::from_str_radix(pair, 16).ok()).unwrap_or(0);
            LETTERS.get(number % LETTERS.len()).copied().map_or('b', char::from)
        };
        text.as_bytes().chunks(2).take(5).map(letter).collect()
    }

    /// Hex digits from the seed and a count that goes up.
    fn draw(&mut self, settings: &Settings, purpose: &str) -> String {
        let drawn = self.meta.get("drawn").and_then(|drawn| drawn.as_u64()).unwrap_or(0) + 1;
        self.meta.put("drawn", Arc::new(json!(drawn)));
        let mut hash = Sha256::new();
        hash.update(settings.seed.to_le_bytes());
        hash.update(self.uid.as_bytes());
        hash.update(purpose.as_bytes());
        hash.update(drawn.to_le_bytes());
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    // Time.

    /// Lets something happen after a delay; asked twice, the earlier holds.
    pub(crate) fn schedule(&mut self, at: u64, what: &str) {
        match self.due_of.get(what) {
            Some(before) if *before <= at => return,
            Some(before) => {
                self.due.remove(&(*before, what.to_owned()));
            }
            None => {}
        }
        self.due.insert((at, what.to_owned()));
        self.due_of.insert(what.to_owned(), at);
        self.meta.put(&format!("due/{what}"), Arc::new(json!(at)));
    }

    pub(crate) fn next_wake(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What is due until `now`, once.
    fn next_due(&mut self, now: u64) -> Option<(u64, String)> {
        let (at, what) = self.due.first().filter(|(at, _)| *at <= now).cloned()?;
        self.due.remove(&(at, what.clone()));
        self.due_of.remove(&what);
        self.meta.remove(&format!("due/{what}"));
        Some((at, what))
    }

    /// Lets everything happen that is due, each at its own time.
    pub(crate) fn advance(&mut self, now: u64, settings: &Settings) {
        while let Some((at, what)) = self.next_due(now) {
            controllers::fire(self, at, settings, &what);
        }
    }

    // Keeping.

    pub(crate) fn load(&mut self, table: &str, key: String, value: Option<Arc<Value>>) {
        match table {
            META => self.meta.load(key, value),
            _ => self.stores.entry(table.to_owned()).or_default().load(key, value),
        }
    }

    /// Rebuilds what is kept beside the rows.
    pub(crate) fn loaded(&mut self) {
        self.release = Release::parse(self.about("version"));
        self.kinds = Kinds::builtin(&self.release);
        definitions::serve_all(self);
        self.whereabouts.clear();
        self.dependents.clear();
        let all: Vec<(String, String, Arc<Value>)> = self
            .stores
            .iter()
            .flat_map(|(store, table)| {
                table.iter().map(|(key, object)| (store.clone(), key.to_owned(), object.clone()))
            })
            .collect();
        for (store, key, object) in all {
            self.index(&store, &key, None, Some(&object));
        }
        let revision = self.meta.get("revision").and_then(|revision| revision.as_u64()).unwrap_or(0);
        self.revision = self.revision.max(revision);
        self.compacted = self.revision;
        self.due.clear();
        self.due_of.clear();
        let rows: Vec<(String, u64)> = self
            .meta
            .iter()
            .filter_map(|(key, at)| Some((key.strip_prefix("due/")?.to_owned(), at.as_u64()?)))
            .collect();
        for (what, at) in rows {
            self.due.insert((at, what.clone()));
            self.due_of.insert(what, at);
        }
    }

    pub(crate) fn take_deltas(&mut self, prefix: &str, out: &mut Vec<Delta>) {
        self.meta.put("revision", Arc::new(json!(self.revision)));
        self.meta.take_deltas(&format!("{prefix}{META}"), out);
        for (name, table) in &mut self.stores {
            if table.is_dirty() {
                table.take_deltas(&format!("{prefix}{name}"), out);
            }
        }
    }

    pub(crate) fn all(&self, prefix: &str, out: &mut Vec<Delta>) {
        self.meta.all(&format!("{prefix}{META}"), out);
        for (name, table) in &self.stores {
            table.all(&format!("{prefix}{name}"), out);
        }
    }
}

/// Namespace and name of an object.
pub(crate) fn place(object: &Value) -> (String, String) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}
