//! Lists, whole and page by page.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::call::Call;
use super::read::{self, Form, form};
use super::select::Selection;
use super::{table, text};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::convert;
use crate::kube::status::{Outcome, Refusal};
use crate::wire::Response;

/// What a continuation holds: the revision of the first page, and where it ended.
fn token(revision: u64, last: &str) -> String {
    let text = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": last});
    URL_SAFE_NO_PAD.encode(text.to_string())
}

fn read_token(token: &str) -> Result<(u64, String), String> {
    // The server does not look at the bits that are left over.
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone);
    let bytes = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient).decode(token).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            _ => token.len(),
        };
        format!("illegal base64 data at input byte {at}")
    })?;
    let value = super::body::json_document(&bytes)?.value;
    let read = || Some((value.get("rv")?.as_u64()?, value.get("start")?.as_str()?.to_owned()));
    read().ok_or_else(|| "incorrect encoded start resourceVersion".to_owned())
}

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// `GET` of all objects.
pub(crate) fn list(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    let selection = Selection::of(call)?;
    let limit = call.parameter("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let given = call.parameter("continue").filter(|token| !token.is_empty());
    let wanted = call.parameter("resourceVersion").unwrap_or_default();
    if given.is_some() && !matches!(wanted, "" | "0") {
        return Err(Refusal::bad("specifying resource version is not allowed when using continue"));
    }
    if let Some(version) = wanted.parse::<u64>().ok().filter(|version| *version > cluster.revision()) {
        return Err(read::too_new(version, cluster.revision()));
    }
    let exact = call.parameter("resourceVersionMatch") == Some("Exact");
    let (revision, start) = match given {
        None if exact => (wanted.parse().unwrap_or(cluster.revision()), None),
        None => (cluster.revision(), None),
        Some(given) => {
            let (revision, start) = read_token(given)
                .map_err(|error| Refusal::bad(format!("invalid continue token: continue key is not valid: {error}")))?;
            if revision < cluster.compacted {
                let mut refusal = Refusal::gone(EXPIRED);
                refusal.details = Some(json!({}));
                return Err(refusal);
            }
            (revision, Some(start))
        }
    };
    if exact && revision < cluster.compacted {
        return Err(Refusal::gone(format!("The resourceVersion for the provided list is too old: {revision}")));
    }
    let all = if revision == cluster.revision() {
        page(cluster, call, &selection, start.as_deref(), limit)
    } else {
        page_of_past(cluster, call, &selection, revision, start.as_deref(), limit)
    };
    let Page { items, last, remaining } = all;
    let next = last.map(|last| token(revision, &last));
    let remaining = if selection == Selection::default() { remaining } else { None };
    Ok(rendered(call, &items, revision, next, remaining))
}

/// One page.
struct Page {
    items: Vec<Arc<Value>>,
    /// The key at which it ended, where there is more.
    last: Option<String>,
    remaining: Option<usize>,
}

fn page(cluster: &Cluster, call: &Call<'_>, selection: &Selection, start: Option<&str>, limit: Option<usize>) -> Page {
    let mut items = Vec::new();
    let mut at = String::new();
    let mut found = cluster
        .objects(&call.resource.store, &call.path.namespace, start)
        .filter(|(_, object)| selection.takes(object));
    let most = limit.unwrap_or(usize::MAX);
    while items.len() < most {
        let Some((key, object)) = found.next() else { return Page { items, last: None, remaining: None } };
        key.clone_into(&mut at);
        items.push(object.clone());
    }
    match found.count() {
        0 => Page { items, last: None, remaining: None },
        rest => Page { items, last: Some(at), remaining: Some(rest) },
    }
}

/// The objects as they were at a revision that can still be told.
fn page_of_past(
    cluster: &Cluster,
    call: &Call<'_>,
    selection: &Selection,
    revision: u64,
    start: Option<&str>,
    limit: Option<usize>,
) -> Page {
    let prefix = if call.path.namespace.is_empty() { String::new() } else { format!("{}/", call.path.namespace) };
    let now = cluster.objects(&call.resource.store, &call.path.namespace, None);
    let mut rows: std::collections::BTreeMap<String, Arc<Value>> =
        now.map(|(key, object)| (key.to_owned(), object.clone())).collect();
    // What happened since is undone, the latest first.
    for event in cluster.history.iter().rev().take_while(|event| event.revision > revision) {
        if event.store != call.resource.store || !event.key.starts_with(&prefix) {
            continue;
        }
        match &event.before {
            Some(before) => rows.insert(event.key.clone(), before.clone()),
            None => rows.remove(&event.key),
        };
    }
    let after = rows.into_iter().filter(|(key, _)| start.is_none_or(|start| key.as_str() > start));
    let mut found = after.filter(|(_, object)| selection.takes(object));
    let mut items = Vec::new();
    let mut at = String::new();
    for (key, object) in found.by_ref().take(limit.unwrap_or(usize::MAX)) {
        at = key;
        items.push(object);
    }
    match found.count() {
        0 => Page { items, last: None, remaining: None },
        rest => Page { items, last: Some(at), remaining: Some(rest) },
    }
}

/// A list as an answer. Objects are written one after the other, none is copied.
pub(crate) fn rendered(
    call: &Call<'_>,
    items: &[Arc<Value>],
    revision: u64,
    next: Option<String>,
    remaining: Option<usize>,
) -> Response {
    let mut meta = json!({"resourceVersion": revision.to_string()});
    if let Some(map) = meta.as_object_mut() {
        if let Some(next) = next {
            map.insert("continue".into(), json!(next));
        }
        if let Some(remaining) = remaining {
            map.insert("remainingItemCount".into(), json!(remaining));
        }
    }
    let version = call.api_version();
    let whole = |object: &Arc<Value>| -> Arc<Value> {
        if text(object, "/apiVersion") == version {
            object.clone()
        } else {
            Arc::new(convert(&call.resource, object, &call.path.version))
        }
    };
    match form(call) {
        Form::Table => {
            let objects: Vec<Arc<Value>> = items.iter().map(whole).collect();
            let borrowed: Vec<&Value> = objects.iter().map(AsRef::as_ref).collect();
            Response::json(200, &table::table(call, &borrowed, meta, true))
        }
        Form::Metadata => {
            let items: Vec<Value> = items.iter().map(|object| read::partial(object)).collect();
            Response::json(
                200,
                &json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items}),
            )
        }
        Form::Whole => {
            let mut out = format!(
                "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{meta},\"items\":[",
                json!(call.resource.list_kind),
                json!(version)
            )
            .into_bytes();
            for (index, object) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                // A vector takes everything that is written to it.
                let _ = serde_json::to_writer(&mut out, &whole(object));
            }
            out.extend_from_slice(b"]}\n");
            Response::bytes(200, "application/json", out)
        }
    }
}
