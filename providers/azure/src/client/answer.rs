//! One answer of ARM, whatever its status.

use std::collections::BTreeMap;
use std::time::Duration;

use azure_core::http::RawResponse;
use kfplan_plan::Trouble;
use serde_json::Value as Json;

use super::{classify, seconds};

/// How long to wait when a refusal does not say.
const UNSAID: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    /// The body; null when it is empty or no JSON.
    pub(crate) body: Json,
}

/// What ARM says of a failure, in either of its two shapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Fault {
    /// Reads `{"error": {…}}` and the flat `{"code": …, "message": …}`; details are put behind.
    pub(crate) fn read(body: &Json) -> Self {
        let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
        let text = |key: &str| error.get(key).and_then(Json::as_str).unwrap_or_default().trim().to_owned();
        let mut message = text("message");
        for detail in error.get("details").and_then(Json::as_array).into_iter().flatten() {
            if let Some(more) = detail.get("message").and_then(Json::as_str)
                && !message.contains(more)
            {
                message = format!("{message} ({more})");
            }
        }
        let target = text("target");
        if !target.is_empty() && !message.contains(&target) {
            message = format!("{message} (target: {target})");
        }
        Self { code: text("code"), message }
    }
}

impl Answer {
    pub(super) fn read(response: &RawResponse) -> Self {
        let headers = response.headers().iter();
        Self {
            status: response.status().into(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().to_owned()))
                .collect(),
            body: serde_json::from_slice(response.body().as_ref()).unwrap_or(Json::Null),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Nothing is there. A subscription or type that does not exist is answered 404 too, and is a failure.
    pub(crate) fn is_absent(&self) -> bool {
        const ABSENT: [&str; 5] =
            ["", "NotFound", "ResourceNotFound", "ResourceGroupNotFound", "ParentResourceNotFound"];
        self.status == 404 && ABSENT.contains(&self.fault().code.as_str())
    }

    pub(crate) fn fault(&self) -> Fault {
        Fault::read(&self.body)
    }

    /// How long it asks to wait before the next call.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let milliseconds = |name: &str| self.header(name)?.trim().parse::<u64>().ok().map(Duration::from_millis);
        milliseconds("retry-after-ms")
            .or_else(|| milliseconds("x-ms-retry-after-ms"))
            .or_else(|| self.header("retry-after").and_then(seconds))
    }

    /// How long to hold back all calls, if this is a refusal of one call too many. Nothing was done.
    pub(crate) fn throttled(&self) -> Option<Duration> {
        (self.status == 429).then(|| self.retry_after().unwrap_or(UNSAID))
    }

    /// Whether AKS is busy with something else on the cluster: this call was not taken, a later one will be.
    pub(crate) fn busy(&self) -> Option<String> {
        if self.status != 409 {
            return None;
        }
        let fault = self.fault();
        let text = fault.message.to_ascii_lowercase();
        let pending = ["in progress", "pending-operation", "being deleted", "deprovisioning", "operation is running"];
        let by_text = fault.code == "OperationNotAllowed" && pending.iter().any(|words| text.contains(words));
        let by_code = matches!(
            fault.code.as_str(),
            "EtagMismatch"
                | "AnotherOperationInProgress"
                | "ConflictingConcurrentWriteNotAllowed"
                | "ResourceGroupBeingDeleted"
                | "Conflict"
        ) && (fault.code != "Conflict" || pending.iter().any(|words| text.contains(words)));
        (by_text || by_code).then_some(fault.message)
    }

    /// The failure, classified; `doing` says what was asked.
    pub(crate) fn trouble(&self, doing: &str) -> Trouble {
        classify::trouble(self.status, &self.fault(), doing)
    }
}
