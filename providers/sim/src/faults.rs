//! What goes wrong, and when: scripted, or drawn from a seed.
//!
//! A rule fires on the requests it matches, counted from one. Nothing here reads a clock or
//! draws a number that the seed and the count do not give.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::arm::{AzureFault, every_fault};
use crate::wire::{Face, Mishap, Request, Response};

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Refused with 429 and this `Retry-After`, in seconds.
    Throttle(u64),
    /// Refused with this status, before anything was done.
    Status(u16),
    /// The connection is reset before the request is carried out.
    ResetBefore,
    /// The request is carried out, and its answer lost.
    ResetAfter,
    /// The request is carried out, and only so many bytes of the answer's body arrive.
    Truncate(usize),
    /// The answer comes so many milliseconds late.
    Delay(u64),
    /// Something that only Azure does: refusals of its own, and operations that go wrong later.
    Azure(AzureFault),
}

/// When a fault befalls which request. Empty strings match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `azure`, `kubernetes`, or both when empty.
    pub face: String,
    /// The method.
    pub method: String,
    /// A part of the path, compared without case.
    pub path: String,
    /// Which of the matching requests: `[2, 3]` the second and third; empty: by `one_in`.
    pub nth: Vec<u64>,
    /// One in so many of the matching requests, drawn by the seed; 0: every one.
    pub one_in: u64,
    /// What happens.
    pub fault: Option<Fault>,
}

impl Rule {
    /// A rule for the `nth` request (from one) whose path holds `path`.
    #[must_use]
    pub fn nth(nth: u64, method: &str, path: &str, fault: Fault) -> Rule {
        Rule { method: method.into(), path: path.into(), nth: vec![nth], fault: Some(fault), ..Rule::default() }
    }

    fn matches(&self, request: &Request) -> bool {
        let face = match request.face {
            Face::Azure => "azure",
            Face::Cluster(_) => "kubernetes",
        };
        (self.face.is_empty() || self.face == face)
            && (self.method.is_empty() || self.method == request.method)
            && (self.path.is_empty() || request.path.to_ascii_lowercase().contains(&self.path.to_ascii_lowercase()))
    }
}

/// All rules of a world, and how often each has matched.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults {
    seed: u64,
    rules: Vec<Rule>,
    seen: Vec<u64>,
}

impl Faults {
    /// No fault at all.
    #[must_use]
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Exactly these, in order; the first rule that fires wins.
    #[must_use]
    pub fn script(seed: u64, rules: Vec<Rule>) -> Faults {
        let seen = vec![0; rules.len()];
        Faults { seed, rules, seen }
    }

    /// A bit of everything that can be recovered from, one request in about `one_in`.
    #[must_use]
    pub fn seeded(seed: u64, one_in: u64) -> Faults {
        let kinds = [
            Fault::Throttle(1),
            Fault::Status(500),
            Fault::Status(503),
            Fault::ResetBefore,
            Fault::ResetAfter,
            Fault::Truncate(20),
            Fault::Delay(200),
        ];
        let each = one_in.max(1) * kinds.len() as u64;
        let rule = |fault| Rule { one_in: each, fault: Some(fault), ..Rule::default() };
        Faults::script(seed, kinds.into_iter().map(rule).collect())
    }

    /// The same, and everything that Azure has besides: refusals of its own, operations that fail, end canceled or take
    /// long. After these a plan may need another run.
    #[must_use]
    pub fn storm(seed: u64, one_in: u64) -> Faults {
        let mut faults = Faults::seeded(seed, one_in);
        let kinds = every_fault();
        let each = one_in.max(1) * kinds.len() as u64;
        let methods = ["PUT", "PATCH", "DELETE", "POST"];
        for (kind, method) in kinds.into_iter().flat_map(|kind| methods.map(|method| (kind.clone(), method))) {
            let rule = Rule {
                face: "azure".into(),
                method: method.into(),
                path: "/subscriptions/".into(),
                one_in: each,
                fault: Some(Fault::Azure(kind)),
                ..Rule::default()
            };
            faults.rules.push(rule);
            faults.seen.push(0);
        }
        faults
    }

    /// What befalls this request. Counts it.
    pub fn befall(&mut self, request: &Request) -> Option<Fault> {
        let mut found = None;
        for (index, (rule, seen)) in self.rules.iter().zip(self.seen.iter_mut()).enumerate() {
            if !rule.matches(request) {
                continue;
            }
            *seen += 1;
            let fires = match (rule.nth.is_empty(), rule.one_in) {
                (false, _) => rule.nth.contains(seen),
                (true, 0) => true,
                (true, one_in) => draw(self.seed, index as u64, *seen).is_multiple_of(one_in),
            };
            if fires && found.is_none() {
                found.clone_from(&rule.fault);
            }
        }
        found
    }
}

/// A number from a seed, a rule, and a count.
fn draw(seed: u64, rule: u64, count: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(rule.to_le_bytes());
    hash.update(count.to_le_bytes());
    hash.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

impl Fault {
    /// The answer where the request is not even carried out.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        let azure = request.face == Face::Azure;
        match self {
            Fault::Throttle(after) if azure => {
                let seconds = u32::try_from(*after).unwrap_or(u32::MAX);
                AzureFault::Throttled { seconds }.response(request)
            }
            Fault::Throttle(after) => Some(refusal(429).with("retry-after", after.to_string())),
            Fault::Status(status) if azure => AzureFault::of_status(*status).response(request),
            Fault::Status(status) => Some(refusal(*status)),
            Fault::ResetBefore => Some(Response { mishap: Some(Mishap::Reset), ..Response::empty(0) }),
            Fault::ResetAfter | Fault::Truncate(_) | Fault::Delay(_) | Fault::Azure(_) => None,
        }
    }

    /// What it does to the answer of a request that was carried out.
    pub(crate) fn mishap(&self) -> Option<Mishap> {
        match self {
            Fault::ResetAfter => Some(Mishap::Reset),
            Fault::Truncate(bytes) => Some(Mishap::Truncated(*bytes)),
            Fault::Delay(time) => Some(Mishap::Delayed(*time)),
            Fault::Throttle(_) | Fault::Status(_) | Fault::ResetBefore | Fault::Azure(_) => None,
        }
    }
}

/// A refusal of a Kubernetes API.
fn refusal(status: u16) -> Response {
    let (reason, message) = match status {
        429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        _ => ("InternalError", "Internal error occurred: fault rule"),
    };
    Response::json(
        status,
        &serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": status}),
    )
}
