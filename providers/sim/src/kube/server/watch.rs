//! Watches: what happens, as it happens.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Call;
use super::read::{self, Form, form};
use super::select::Selection;
use super::{table, text};
use crate::kube::cluster::{Cluster, Event};
use crate::kube::kinds::{Resource, convert};
use crate::kube::status::{Outcome, Refusal};
use crate::wire::{Response, WatchTicket};

/// How long a watch lasts where the client does not say, in milliseconds.
const LONGEST: u64 = 30 * 60 * 1_000;
/// How often a watch that asked for it is told where it stands, in milliseconds.
const BOOKMARK: u64 = 60_000;

/// Where a watch stands.
#[derive(Debug, Clone)]
pub(crate) struct WatchCursor {
    resource: Arc<Resource>,
    version: String,
    namespace: String,
    selection: Selection,
    form: Form,
    revision: u64,
    ends: u64,
    bookmark: Option<u64>,
    /// Objects that were there before, still to be told.
    first: Option<Vec<Arc<Value>>>,
    /// Whether the end of the first objects is told by a bookmark.
    initial_bookmark: bool,
    header_sent: bool,
    over: bool,
    now: u64,
}

impl PartialEq for WatchCursor {
    fn eq(&self, other: &WatchCursor) -> bool {
        self.revision == other.revision
            && self.resource.store == other.resource.store
            && self.selection == other.selection
    }
}

impl Eq for WatchCursor {}

/// `GET` with `watch`.
pub(crate) fn watch(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    let selection = Selection::of(call)?;
    let wanted = call.parameter("resourceVersion").unwrap_or_default();
    let initial = call.parameter("sendInitialEvents") == Some("true");
    let bookmarks = call.parameter("allowWatchBookmarks") == Some("true");
    if call.parameter("sendInitialEvents").is_some() && cluster.release.minor < 27 {
        return Err(Refusal::bad(
            "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
        ));
    }
    let (revision, first) = match wanted {
        "" | "0" => (cluster.revision(), true),
        text => {
            let revision = text.parse::<u64>().map_err(|_| {
                Refusal::bad(format!("Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"))
            })?;
            if revision > cluster.revision() + 1_000_000 {
                return Err(read::too_new(revision, cluster.revision()));
            }
            (revision, initial)
        }
    };
    let first = first.then(|| {
        let all = cluster.objects(&call.resource.store, &call.path.namespace, None);
        all.map(|(_, object)| object.clone()).filter(|object| selection.takes(object)).collect()
    });
    let timeout =
        call.parameter("timeoutSeconds").and_then(|seconds| seconds.parse::<u64>().ok()).map(|seconds| seconds * 1_000);
    let revision = if first.is_some() { cluster.revision() } else { revision };
    let cursor = WatchCursor {
        resource: call.resource.clone(),
        version: call.path.version.clone(),
        namespace: call.path.namespace.clone(),
        selection,
        form: form(call),
        revision,
        ends: call.now + timeout.unwrap_or(LONGEST),
        bookmark: bookmarks.then_some(call.now + BOOKMARK),
        first,
        initial_bookmark: initial && bookmarks,
        header_sent: false,
        over: false,
        now: call.now,
    };
    let mut response = Response::bytes(200, "application/json", Vec::new()).with("transfer-encoding", "chunked");
    // Who writes the body says how it is sent.
    response.headers.retain(|(name, _)| name != "transfer-encoding");
    response.watch = Some(WatchTicket { cluster: cluster.uid().to_owned(), cursor });
    Ok(response)
}

impl Cluster {
    /// What a watch has to say since it was last asked; none when it has ended.
    pub(crate) fn watch(&mut self, now: u64, cursor: &mut WatchCursor) -> Option<Vec<u8>> {
        if cursor.over || now >= cursor.ends {
            return None;
        }
        cursor.now = now;
        let mut out = Vec::new();
        if cursor.first.is_none() && cursor.revision < self.compacted {
            let message = format!("too old resource version: {} ({})", cursor.revision, self.compacted);
            cursor.say(&mut out, "ERROR", &Refusal::gone(message).body());
            cursor.over = true;
            return Some(out);
        }
        if let Some(first) = cursor.first.take() {
            for object in first {
                cursor.tell(&mut out, "ADDED", &object);
            }
            if cursor.initial_bookmark {
                cursor.bookmark_now(&mut out, true);
            }
        }
        // Revisions only go up, so the new ones are at the end.
        let start = self.history.partition_point(|event| event.revision <= cursor.revision);
        for event in self.history.range(start..) {
            cursor.revision = event.revision;
            cursor.learn(&mut out, event);
        }
        if cursor.bookmark.is_some_and(|due| now >= due) {
            cursor.revision = self.revision();
            cursor.bookmark = Some(now + BOOKMARK);
            cursor.bookmark_now(&mut out, false);
        }
        Some(out)
    }
}

impl WatchCursor {
    fn learn(&mut self, out: &mut Vec<u8>, event: &Event) {
        if event.store != self.resource.store {
            return;
        }
        let in_namespace = self.namespace.is_empty() || event.key.split('/').next() == Some(self.namespace.as_str());
        if !in_namespace {
            return;
        }
        let before = event.before.as_ref().filter(|object| self.selection.takes(object));
        let after = event.after.as_ref().filter(|object| self.selection.takes(object));
        match (before, after) {
            (None, None) => {}
            (None, Some(after)) => self.tell(out, "ADDED", after),
            (Some(_), Some(after)) => self.tell(out, "MODIFIED", after),
            (Some(before), None) => {
                // An object that left the selection is told with the revision at which it did.
                let mut gone = (**before).clone();
                crate::kube::rules::metadata::set(
                    &mut gone,
                    "resourceVersion",
                    Some(json!(event.revision.to_string())),
                );
                self.tell(out, "DELETED", &gone);
            }
        }
    }

    fn tell(&mut self, out: &mut Vec<u8>, kind: &str, object: &Value) {
        let version = self.resource.api_version(&self.version);
        let object = if text(object, "/apiVersion") == version {
            object.clone()
        } else {
            convert(&self.resource, object, &self.version)
        };
        let shown = match self.form {
            Form::Whole => object,
            Form::Metadata => read::partial(&object),
            Form::Table => {
                let meta = json!({"resourceVersion": text(&object, "/metadata/resourceVersion")});
                let columns = !self.header_sent;
                self.header_sent = true;
                table::of(&self.resource, &self.version, &[&object], (meta, columns), self.now)
            }
        };
        self.say(out, kind, &shown);
    }

    fn bookmark_now(&self, out: &mut Vec<u8>, initial: bool) {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if let (true, Some(map)) = (initial, metadata.as_object_mut()) {
            map.insert("annotations".into(), json!({"k8s.io/initial-events-end": "true"}));
        }
        let object = json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(&self.version), "metadata": metadata});
        self.say(out, "BOOKMARK", &object);
    }

    fn say(&self, out: &mut Vec<u8>, kind: &str, object: &Value) {
        out.extend_from_slice(json!({"type": kind, "object": object}).to_string().as_bytes());
        out.push(b'\n');
    }
}
