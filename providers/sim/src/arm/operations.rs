//! Long-running operations: how they begin, the signed URLs under which they are asked about, and what is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dice::{digest, stretch, url64};
use super::faults::{AzureFault, Stage};
use super::state::Arm;
use super::time;
use super::wire::{Answer, Refusal, Style, put, styled};
use crate::wire::{Request, Response};

/// The provider's own API version: links carry it whatever the caller's was.
const STATUS_VERSION: &str = "2025-03-01";
/// Seconds that the result of a group's deletion asks to wait.
const GROUP_RETRY: &str = "15";

/// What an operation does when it ends; the strings are keys into the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    CreateCluster(String),
    UpdateCluster(String),
    DeleteCluster(String),
    AbortCluster {
        cluster: String,
        aborted: Option<String>,
    },
    CreatePool(String, String),
    UpdatePool(String, String),
    DeletePool(String, String),
    AbortPool {
        cluster: String,
        pool: String,
        aborted: Option<String>,
    },
    DeleteGroup(String),
    /// The autoscaler brings a pool to a count. It is no operation of AKS: nobody polls it, and nothing waits for it.
    Scale(String, String, u32),
    /// A resource of another provider becomes this body; without one it goes.
    Settle(String, Option<Value>),
    /// A resource provider gets registered.
    Register(String),
    /// Nothing: the operation only ends.
    Nothing,
}

/// How an operation ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Succeeded,
    Canceled,
    Failed { code: String, message: String },
}

/// Who is asked about an operation, and so how it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Teller {
    Aks,
    Group,
    Dns,
    /// Any other provider with a status URL; its place is namespace and region.
    Status,
    /// Any other provider with nothing but a URL of the result; the same.
    Monitor,
}

/// A long-running operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) subscription: String,
    /// The region; for DNS the group, since its URLs lie below it.
    pub(crate) place: String,
    pub(crate) teller: Teller,
    pub(crate) work: Work,
    pub(crate) started: u64,
    /// When its effect is due; nothing when it never ends.
    pub(crate) ends: Option<u64>,
    /// How much later the status tells it.
    pub(crate) lag: u64,
    pub(crate) outcome: Outcome,
    pub(crate) done: bool,
    /// Ticks below the millisecond, so that times look as they do.
    pub(crate) extra: u64,
}

/// What it takes to begin one.
pub(crate) struct Begin<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) place: &'a str,
    pub(crate) teller: Teller,
    pub(crate) work: Work,
    pub(crate) lasts: u64,
}

impl Operation {
    /// Whether the status endpoint still says `InProgress`.
    fn in_progress(&self, now: u64) -> bool {
        !self.done || self.ends.is_none_or(|ends| now < ends + self.lag)
    }
}

impl Arm {
    /// Begins an operation; its id is the GUID of its URL.
    pub(crate) fn begin(&mut self, now: u64, begin: Begin<'_>) -> String {
        let id = match &begin.work {
            Work::DeleteGroup(key) => group_token(key.rsplit('/').next().unwrap_or_default(), begin.place),
            _ => self.dice.guid(),
        };
        let lasts = begin.lasts / self.settings.speed.max(1);
        let jitter = self.dice.below(lasts / 5 + 1);
        let mut operation = Operation {
            id: id.clone(),
            subscription: begin.subscription.to_owned(),
            place: begin.place.to_owned(),
            teller: begin.teller,
            work: begin.work,
            started: now,
            ends: Some(now + lasts - lasts / 10 + jitter),
            lag: (2 * time::SECOND + self.dice.below(4_000)) / self.settings.speed.max(1),
            outcome: Outcome::Succeeded,
            done: false,
            extra: self.dice.below(10_000),
        };
        if !matches!(operation.work, Work::Scale(..) | Work::Register(_)) {
            self.trouble(&mut operation, lasts);
        }
        self.insert(operation);
        id
    }

    fn trouble(&mut self, operation: &mut Operation, lasts: u64) {
        let failed = |code: &str, message: &str| Outcome::Failed { code: code.into(), message: message.into() };
        match self.struck(Stage::Operation) {
            Some(AzureFault::OperationFails { code, message }) => operation.outcome = failed(&code, &message),
            Some(AzureFault::OperationPreempted) => {
                let message = "The operation was preempted by another operation: original etag is not as expected.";
                operation.outcome = failed("OriginalEtagNotExpect", message);
            }
            Some(AzureFault::OperationCanceled) => operation.outcome = Outcome::Canceled,
            Some(AzureFault::OperationNeverEnds) => operation.ends = None,
            Some(AzureFault::OperationTakes { percent }) => {
                operation.ends = Some(operation.started + lasts * u64::from(percent) / 100);
            }
            _ => {}
        }
    }

    pub(crate) fn insert(&mut self, operation: Operation) {
        if let Some(ends) = operation.ends {
            self.due.insert((ends, operation.id.clone()));
        }
        self.operations.insert(operation.id.clone(), operation);
        self.revision += 1;
    }

    /// Makes an operation fail at its end.
    pub(crate) fn doom(&mut self, id: &str, code: &str, message: &str) {
        if let Some(operation) = self.operations.get_mut(id) {
            operation.outcome = Outcome::Failed { code: code.into(), message: message.into() };
        }
    }

    /// The URL of the status, signed.
    pub(crate) fn status_url(&self, base: &str, id: &str, now: u64) -> String {
        let Some(operation) = self.operations.get(id) else { return base.to_owned() };
        let (subscription, place) = (&operation.subscription, &operation.place);
        match operation.teller {
            Teller::Aks => {
                let path = format!(
                    "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{place}/operations/{id}"
                );
                self.sign(base, &path, STATUS_VERSION, time::ticks(now, operation.extra))
            }
            Teller::Group | Teller::Monitor => self.result_url(base, id, now),
            Teller::Status => {
                let path = provider_path(subscription, place, "operations", id);
                self.sign(base, &path, STATUS_VERSION, time::ticks(now, operation.extra))
            }
            Teller::Dns => {
                let path = dns_path(subscription, place, "privateDnsOperationStatuses", id);
                format!("{}{path}?api-version=2018-09-01", with_port(base))
            }
        }
    }

    /// The URL of the result, signed apart.
    pub(crate) fn result_url(&self, base: &str, id: &str, now: u64) -> String {
        let Some(operation) = self.operations.get(id) else { return base.to_owned() };
        let (subscription, place) = (&operation.subscription, &operation.place);
        let ticks = time::ticks(now, operation.extra + 1_573);
        match operation.teller {
            Teller::Aks => {
                let path = format!(
                    "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{place}\
                     /operationresults/{id}"
                );
                self.sign(base, &path, STATUS_VERSION, ticks)
            }
            Teller::Group => {
                let path = format!("/subscriptions/{subscription}/operationresults/{id}");
                self.sign(base, &path, "2020-06-01", ticks)
            }
            Teller::Status | Teller::Monitor => {
                self.sign(base, &provider_path(subscription, place, "operationresults", id), STATUS_VERSION, ticks)
            }
            Teller::Dns => {
                let path = dns_path(subscription, place, "privateDnsOperationResults", id);
                format!("{}{path}?api-version=2018-09-01", base.strip_suffix(":443").unwrap_or(base))
            }
        }
    }

    /// The header that every accepted operation of AKS has.
    pub(crate) fn announce(&self, response: Response, base: &str, id: &str, now: u64) -> Response {
        response.with("azure-asyncoperation", self.status_url(base, id, now))
    }

    fn sign(&self, base: &str, path: &str, version: &str, ticks: u64) -> String {
        let [c, s, h] = self.signature(path, ticks);
        format!("{base}{path}?api-version={version}&t={ticks}&c={c}&s={s}&h={h}")
    }

    /// Certificate, signature and hash over a path and a time.
    fn signature(&self, path: &str, ticks: u64) -> [String; 3] {
        let secret = self.dice.secret("operation urls");
        let path = path.to_ascii_lowercase();
        let key = digest(&[&secret, path.as_bytes(), &ticks.to_le_bytes()]);
        let mut certificate = vec![0x30, 0x82, 0x07, 0x94];
        certificate.extend(stretch(&secret, 1_940));
        [url64(&certificate), url64(&stretch(&key, 256)), url64(&digest(&[b"hash", &key]))]
    }

    fn check_signature(&self, request: &Request) -> Result<(), Refusal> {
        let given = |name| request.parameter(name).unwrap_or_default();
        let ticks = given("t").parse::<u64>().unwrap_or(0);
        if self.signature(&request.path, ticks) == [given("c"), given("s"), given("h")] {
            return Ok(());
        }
        let message =
            "The signature of the asynchronous operation URL is invalid. Use the URL exactly as it was given.";
        Err(Refusal::arm(400, "InvalidAsyncOperationSignature", message))
    }

    /// Answers the status URL of AKS.
    pub(crate) fn operation_status(&self, now: u64, request: &Request, id: &str) -> Answer {
        self.check_signature(request)?;
        let operation = self.operation(id)?;
        let body = told(operation, now);
        Ok(styled(200, Style::Aks, &body))
    }

    /// Answers the result URL of AKS: 202 with a new URL until it ended, then 204, itself with a new URL.
    pub(crate) fn operation_result(&self, now: u64, request: &Request, id: &str) -> Answer {
        self.check_signature(request)?;
        let operation = self.operation(id)?;
        let again = self.result_url(&request.base, id, now);
        if operation.in_progress(now) {
            return Ok(Response::empty(202).with("location", again));
        }
        match &operation.outcome {
            Outcome::Failed { code, message } => Err(Refusal::aks(400, code, message.clone())),
            Outcome::Succeeded | Outcome::Canceled => Ok(Response::empty(204).with("location", again)),
        }
    }

    /// Answers the result URL of a group's deletion.
    pub(crate) fn group_result(&self, now: u64, request: &Request, token: &str) -> Answer {
        self.check_signature(request)?;
        let operation = self.operation(token)?;
        if operation.in_progress(now) {
            let again = self.result_url(&request.base, token, now);
            return Ok(Response::empty(202).with("location", again).with("retry-after", GROUP_RETRY));
        }
        match &operation.outcome {
            Outcome::Failed { code, message } => Err(Refusal::arm(409, code, message.clone())),
            Outcome::Succeeded | Outcome::Canceled => Ok(Response::empty(200)),
        }
    }

    /// Answers the status URL of private DNS: HTTP 202 while it runs, and no name or times.
    pub(crate) fn dns_status(&self, now: u64, request: &Request, id: &str) -> Answer {
        let operation = self.operation(id)?;
        if operation.in_progress(now) {
            let body = json!({"status": "InProgress"});
            let answer = styled(202, Style::Dns, &body);
            let answer = answer.with("azure-asyncoperation", self.status_url(&request.base, id, now));
            return Ok(answer.with("location", self.result_url(&request.base, id, now)));
        }
        let mut body = json!({"status": word(&operation.outcome)});
        if let Outcome::Failed { code, message } = &operation.outcome {
            put(&mut body, "error", json!({"code": code, "message": message}));
        }
        Ok(styled(200, Style::Dns, &body))
    }

    /// Answers the status URL of any other provider.
    pub(crate) fn provider_status(&self, now: u64, request: &Request, id: &str) -> Answer {
        self.check_signature(request)?;
        let mut body = told(self.operation(id)?, now);
        if let Some(body) = body.as_object_mut() {
            body.retain(|key, _| matches!(key.as_str(), "status" | "error"));
        }
        Ok(styled(200, Style::Arm, &body))
    }

    /// Answers the result URL of any other provider: 202 until it ended, then what there is.
    pub(crate) fn provider_result(&self, now: u64, request: &Request, id: &str) -> Answer {
        self.check_signature(request)?;
        let operation = self.operation(id)?;
        if operation.in_progress(now) {
            let again = self.result_url(&request.base, id, now);
            return Ok(Response::empty(202).with("location", again).with("retry-after", "5"));
        }
        match (&operation.outcome, &operation.work) {
            (Outcome::Failed { code, message }, _) => Err(Refusal::arm(409, code, message.clone())),
            (Outcome::Canceled, _) => Err(Refusal::arm(409, "OperationCanceled", "The operation was canceled.")),
            (Outcome::Succeeded, Work::Settle(key, Some(_))) => self.shown_resource(key),
            (Outcome::Succeeded, _) => Ok(Response::empty(204)),
        }
    }

    fn operation(&self, id: &str) -> Result<&Operation, Refusal> {
        self.operations
            .get(id)
            .ok_or_else(|| Refusal::flat(404, "NotFound", format!("The entity was not found: operation {id}.")))
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "Succeeded",
        Outcome::Canceled => "Canceled",
        Outcome::Failed { .. } => "Failed",
    }
}

fn told(operation: &Operation, now: u64) -> Value {
    let start = time::stamp(operation.started, operation.extra);
    let mut body = json!({"name": operation.id, "status": "InProgress", "startTime": start});
    if !operation.in_progress(now) {
        put(&mut body, "status", json!(word(&operation.outcome)));
        put(&mut body, "endTime", json!(time::stamp(operation.ends.unwrap_or(now), operation.extra + 4_711)));
        if let Outcome::Failed { code, message } = &operation.outcome {
            put(&mut body, "error", json!({"code": code, "message": message}));
        }
    }
    body
}

fn dns_path(subscription: &str, group: &str, kind: &str, id: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{id}")
}

fn provider_path(subscription: &str, place: &str, kind: &str, id: &str) -> String {
    let (namespace, region) = place.split_once('/').unwrap_or((place, "global"));
    format!("/subscriptions/{subscription}/providers/{namespace}/locations/{region}/{kind}/{id}")
}

/// DNS names the port in one of its URLs, and not in the other.
fn with_port(base: &str) -> String {
    let authority = base.rsplit('/').next().unwrap_or_default();
    if authority.contains(':') { base.to_owned() } else { format!("{base}:443") }
}

/// The id of a group's deletion: base64 of a JSON text that names the group and its region.
fn group_token(group: &str, location: &str) -> String {
    let escape = |letter: char| match letter.to_ascii_uppercase() {
        plain if plain.is_ascii_alphanumeric() => plain.to_string(),
        other => format!(":{:02X}", u32::from(other)),
    };
    let name: String = group.chars().map(escape).collect();
    let job = format!("RESOURCEGROUPDELETIONJOB-{name}-{}", location.to_ascii_uppercase());
    STANDARD_NO_PAD.encode(format!(r#"{{"jobId":"{job}","jobLocation":"{location}"}}"#))
}
