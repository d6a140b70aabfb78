//! The API server: from a request to an answer.

mod access;
mod body;
mod call;
mod delete;
mod deprecated;
mod discovery;
mod escalation;
mod internal;
mod list;
mod openapi;
mod patch;
mod protobuf;
mod questions;
mod read;
mod scale;
mod select;
mod strategic;
mod table;
mod watch;
mod webhooks;
mod write;

use std::sync::Arc;

use serde_json::Value;

use super::Settings;
use super::cluster::Cluster;
use super::kinds::{Kinds, Resource};
use super::status::{Outcome, Refusal};
use crate::wire::{Request, Response};
use call::Path;

pub(crate) use body::Document;
pub(crate) use call::Call;
pub(crate) use internal::Internal;
pub(crate) use select::Labels;
pub(crate) use watch::WatchCursor;
pub(crate) use webhooks::internal as internal_webhooks;

impl Cluster {
    /// Answers a request.
    pub(crate) fn handle(&mut self, now: u64, settings: &Settings, request: &Request) -> Response {
        match self.try_handle(now, settings, request) {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        }
    }

    fn try_handle(&mut self, now: u64, settings: &Settings, request: &Request) -> Outcome<Response> {
        let segments = call::segments(&request.path);
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ["healthz" | "livez" | "readyz", ..] = parts.as_slice() {
            return Ok(Response::bytes(200, "text/plain; charset=utf-8", b"ok".to_vec()));
        }
        if let (["version"], "GET" | "HEAD") = (parts.as_slice(), request.method.as_str()) {
            return Ok(Response::json(200, &discovery::version(&self.release)));
        }
        let user = access::authenticate(self, settings, request)?;
        if let Some(path) = Path::parse(&parts)
            && let Some(resource) = find(&self.kinds, &path)
        {
            {
                let call = Call::new((now, settings, self.release.minor), request, path, resource, user)?;
                *self.requests.entry((call.verb.to_owned(), call.resource.qualified())).or_default() += 1;
                access::authorize(self, &call)?;
                let warned = deprecated::warning(&call);
                let answer = self.serve(&call).unwrap_or_else(|refusal| refusal.response());
                return Ok(match warned {
                    Some(text) => answer.with("warning", format!("299 - \"{text}\"")),
                    None => answer,
                });
            }
        }
        access::authorize_path(self, &user, request)?;
        discovery::answer(self, request, &parts).unwrap_or_else(|| discovery::nowhere(&self.kinds, &parts))
    }

    fn serve(&mut self, call: &Call<'_>) -> Outcome<Response> {
        if call.resource.abilities.create_only {
            return questions::answer(self, call);
        }
        webhooks::convertible(self, call)?;
        let write = matches!(call.verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        if write && call.resource.abilities.read_only {
            return Err(Refusal::method_not_allowed());
        }
        match (call.verb, call.path.subresource.as_str()) {
            ("create", "eviction") if call.resource.abilities.eviction => delete::evict(self, call),
            ("create", "token") if call.resource.abilities.token => questions::token(self, call),
            ("get", "log") if call.resource.abilities.log => read::log(self, call),
            (_, "scale") if call.version().scale.is_some() => self.serve_scale(call),
            ("get", "" | "status") => read::get(self, call),
            ("list", "") => list::list(self, call),
            ("watch", "") => watch::watch(self, call),
            ("create", "") => write::create(self, call),
            ("update", _) => write::update(self, call),
            ("patch", _) => patch::patch(self, call),
            ("delete", "") => delete::delete(self, call),
            ("deletecollection", "") => delete::collection(self, call),
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    fn serve_scale(&mut self, call: &Call<'_>) -> Outcome<Response> {
        match call.verb {
            "get" => read::scale(self, call),
            "update" | "patch" => scale::change(self, call),
            _ => Err(Refusal::method_not_allowed()),
        }
    }
}

/// The resource that a path names, where the version is served.
fn find(kinds: &Kinds, path: &Path) -> Option<Arc<Resource>> {
    let resource = kinds.get(&path.group, &path.resource)?;
    let version = resource.version(&path.version).filter(|version| version.served)?;
    let known = match path.subresource.as_str() {
        "" => true,
        "status" => version.status,
        "scale" => version.scale.is_some(),
        "finalize" => resource.abilities.finalize,
        "log" => resource.abilities.log,
        "eviction" => resource.abilities.eviction,
        "token" => resource.abilities.token,
        "approval" => resource.abilities.approval,
        _ => false,
    };
    (known && (resource.namespaced || path.namespace.is_empty())).then(|| resource.clone())
}

/// A JSON object, or the words of a refusal.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
