//! What the API server refuses, in words that a person can act on.

use std::error::Error;
use std::time::Duration;

use kfplan_model::ResourceAddress;
use kfplan_plan::{Class, Trouble};
use serde_json::Value as Json;

use crate::client::Answer;

/// The innermost reason of an error: the outer ones repeat it.
fn innermost(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}

pub(crate) fn unreachable(cluster: &ResourceAddress, error: &dyn Error) -> Trouble {
    let help = "check the network, the cluster's state, and its authorised address ranges; `--allow-unreachable` plans without it";
    Trouble::new(Class::Retryable, "unreachable", format!("`{cluster}` does not answer: {}", innermost(error)), help)
}

pub(crate) fn cut_off(cluster: &ResourceAddress, error: &dyn Error) -> Trouble {
    Trouble::new(
        Class::Retryable,
        "cut_off",
        format!("the answer of `{cluster}` broke off: {}", innermost(error)),
        "try again",
    )
}

pub(crate) fn silent(cluster: &ResourceAddress, waited: Duration) -> Trouble {
    Trouble::new(
        Class::Retryable,
        "silent",
        format!("`{cluster}` said nothing for {} s", waited.as_secs()),
        "check the cluster's state and the network between, then try again",
    )
}

pub(crate) fn garbled(cluster: &ResourceAddress) -> Trouble {
    Trouble::new(
        Class::Retryable,
        "garbled",
        format!("the answer of `{cluster}` is not JSON"),
        "check that the address is that of a Kubernetes API server",
    )
}

pub(crate) fn malformed(path: &str) -> Trouble {
    Trouble::new(Class::Permanent, "path", format!("`{path}` cannot be asked for"), "check the names of the object")
}

/// A kind that the cluster does not serve.
pub(crate) fn not_served(group: &str, version: &str, kind: &str) -> Trouble {
    let api = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Trouble::new(
        Class::Retryable,
        "not_served",
        format!("the cluster does not serve `{kind}` of `{api}`"),
        "its CRD must be established, or the cluster's version must have it",
    )
}

/// The message of a `Status` answer.
pub(crate) fn message(body: &Json) -> &str {
    body.get("message").and_then(Json::as_str).unwrap_or("the server gave no reason")
}

pub(crate) fn reason(body: &Json) -> &str {
    body.get("reason").and_then(Json::as_str).unwrap_or_default()
}

/// A refusal as a trouble. Source of the reasons: `metav1.StatusReason` of the API conventions.
pub(crate) fn refused(answer: &Answer) -> Trouble {
    let (message, reason) = (message(&answer.body), reason(&answer.body));
    let code = if reason.is_empty() { format!("HTTP {}", answer.status) } else { reason.to_owned() };
    let quota = answer.status == 403 && message.contains("exceeded quota");
    let ending = answer.status == 403 && message.contains("being terminated");
    let webhook = message.contains("failed calling webhook");
    let (class, help) = match answer.status {
        _ if quota => (Class::Quota, "raise the ResourceQuota of the namespace, or free what uses it"),
        _ if ending => (Class::Retryable, "the namespace is being deleted; wait until it is gone"),
        401 => (Class::Auth, "sign in again, or check the kubeconfig"),
        403 => (Class::Auth, "give the credential this right: see docs/guide/permissions.md"),
        404 => (Class::Retryable, "its namespace or kind must be there first"),
        409 => (Class::Conflict, "another manager owns the field: plan again, and see `[[….conflict]]`"),
        410 => (Class::Retryable, "plan again"),
        429 => (Class::Retryable, "the server is busy"),
        500 | 502 | 503 | 504 if webhook => {
            (Class::Retryable, "the webhook's pods must be ready and its certificate in place")
        }
        500 | 502 | 503 | 504 => (Class::Retryable, "the server is not well; look at the control plane"),
        _ => (Class::Permanent, "correct the object: the server will not take it as it is"),
    };
    Trouble::new(class, code, first_lines(message), help)
}

/// A message of at most some lines: webhooks may answer with pages.
fn first_lines(message: &str) -> String {
    /// Characters.
    const LONGEST: usize = 1_000;
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}
