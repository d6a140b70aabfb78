//! Writing: server-side apply, deletes with the uid, and dry runs.

use std::time::Duration;

use kfplan_contract::{Call, Progress, Ticket};
use kfplan_objects::fields::Managed;
use kfplan_objects::marks::manager_for;
use kfplan_objects::partial::{restoration, with_earlier};
use kfplan_objects::{applied, as_sent};
use kfplan_plan::{
    Action, Applied, Class, DryRun, DryRunAnswer, Live, Locator, ObjectLocator, Payload, Precondition, Rules as _,
    Trouble,
};
use serde_json::{Value as Json, json};

use crate::client::{Answer, Ask};
use crate::conflict::conflicts;
use crate::observe::live;
use crate::provider::Kubernetes;
use crate::trouble;

/// When to look again whether something is gone.
const GONE_POLL: Duration = Duration::from_millis(500);
/// How long to wait when the server is busy and does not say how long.
const BUSY: Duration = Duration::from_secs(1);

impl Kubernetes {
    pub(crate) async fn dry_run_one(&self, question: &DryRun) -> DryRunAnswer {
        let path = match self.connections.path_of(&question.locator).await {
            Ok(path) => path,
            Err(trouble) => return DryRunAnswer::NotPossible(trouble.message),
        };
        let body = as_sent(&question.desired.body);
        let ask = Ask::apply(format!("{path}?{}&dryRun=All", self.query(&body, !question.force.is_empty())), &body);
        match self.connections.ask(&question.locator.cluster, &ask).await {
            Ok(answer) => dry_run_answer(answer),
            Err(trouble) => DryRunAnswer::NotPossible(trouble.message),
        }
    }

    fn query(&self, body: &Json, force: bool) -> String {
        let manager = manager_for(body, &self.ownership);
        format!("fieldManager={}&force={force}&fieldValidation=Warn", crate::observe::encoded(&manager))
    }

    pub(crate) async fn begin_one(&self, call: &Call, object: &ObjectLocator) -> Progress {
        let fresh = match self.connections.get_object(object).await {
            Ok(fresh) => fresh,
            Err(trouble) if trouble.code == "not_served" && call.action == Action::Delete => return Progress::Gone,
            Err(trouble) if trouble.code == "TooManyRequests" => return Progress::Throttled { after: BUSY },
            Err(trouble) => return Progress::Failed(trouble),
        };
        match (&call.action, &call.payload) {
            (Action::Delete, None) => self.delete(call, object, fresh).await,
            (Action::Delete, Some(release)) => self.release(call, object, release, fresh).await,
            (Action::Refresh, Some(payload)) => match fresh {
                Some(live) => Progress::Done(Box::new(self.applied(&as_sent(&payload.desired.body), live))),
                None => Progress::Stale { moved: vec![format!("{} is gone", call.locator)] },
            },
            (_, Some(payload)) => self.apply(call, object, payload, fresh).await,
            (_, None) => Progress::Failed(Trouble::new(
                Class::Permanent,
                "payload",
                "there is nothing to send",
                "this is a bug of kfplan; please report it",
            )),
        }
    }

    async fn apply(&self, call: &Call, object: &ObjectLocator, payload: &Payload, fresh: Option<Live>) -> Progress {
        if let Err(moved) = self.holds(call, fresh.as_ref()) {
            return Progress::Stale { moved };
        }
        let path = match self.connections.path_of(object).await {
            Ok(path) => path,
            Err(trouble) => return Progress::Failed(trouble),
        };
        let mut fresh = fresh;
        let mut body = as_sent(&payload.desired.body);
        if self.rules.is_part(&payload.desired) {
            fresh = match self.let_go(object, &path, &body, fresh).await {
                Ok(live) => Some(live),
                Err(progress) => return *progress,
            };
            body = fresh.as_ref().map_or_else(|| body.clone(), |live| with_earlier(&body, &live.body));
        }
        let sent = body.clone();
        // The race guard: a write between the read above and this one is a conflict, not an overwrite.
        if let (Some(version), Some(metadata)) =
            (fresh.as_ref().and_then(|live| live.version.clone()), body.get_mut("metadata"))
        {
            metadata["resourceVersion"] = version.into();
        }
        let force = !payload.force.is_empty();
        let ask = Ask::apply(format!("{path}?{}", self.query(&sent, force)), &body);
        let answer = match self.connections.ask(&object.cluster, &ask).await {
            Ok(answer) => answer,
            Err(trouble) => return Progress::Failed(trouble),
        };
        match answer.status {
            200 | 201 => Progress::Done(Box::new(self.applied(&sent, live(answer.body)))),
            _ => refusal(&answer),
        }
    }

    /// Before a patch is applied: puts back what it found at the paths that it no longer states. Gives the object as it is then.
    async fn let_go(
        &self,
        object: &ObjectLocator,
        path: &str,
        body: &Json,
        fresh: Option<Live>,
    ) -> Result<Live, Box<Progress>> {
        let Some(before) = fresh else {
            let place = Locator::Object(object.clone());
            let message = format!("`{place}` is not there, and a patch does not make it");
            let help = "whoever makes the object must come first: say so with `depends_on`";
            return Err(Box::new(Progress::Failed(Trouble::new(Class::Retryable, "no_target", message, help))));
        };
        let manager = manager_for(body, &self.ownership);
        let Some(operations) = restoration(body, &before.body, &manager, true) else { return Ok(before) };
        self.put_back(object, path, &manager, &operations).await.map(live)
    }

    /// Takes a patch off somebody else's object, which stays, as it was before.
    async fn release(&self, call: &Call, object: &ObjectLocator, release: &Payload, fresh: Option<Live>) -> Progress {
        let Some(before) = fresh else { return Progress::Gone };
        if let Err(moved) = self.holds(call, Some(&before)) {
            return Progress::Stale { moved };
        }
        let path = match self.connections.path_of(object).await {
            Ok(path) => path,
            Err(trouble) => return Progress::Failed(trouble),
        };
        let manager = manager_for(&release.desired.body, &self.ownership);
        let Some(operations) = restoration(&release.desired.body, &before.body, &manager, false) else {
            return Progress::Failed(Trouble::new(
                Class::Permanent,
                "release",
                format!("`{}` is no patch, and only a patch is let go", call.locator),
                "this is a bug of kfplan; please report it",
            ));
        };
        match self.put_back(object, &path, &manager, &operations).await {
            Ok(_) => Progress::Gone,
            Err(progress) => *progress,
        }
    }

    async fn put_back(
        &self,
        object: &ObjectLocator,
        path: &str,
        manager: &str,
        operations: &Json,
    ) -> Result<Json, Box<Progress>> {
        let ask = Ask::patch(format!("{path}?fieldManager={}", crate::observe::encoded(manager)), operations);
        match self.connections.ask(&object.cluster, &ask).await {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) => Err(Box::new(refusal(&answer))),
            Err(trouble) => Err(Box::new(Progress::Failed(trouble))),
        }
    }

    /// Whether what the plan saw still holds; old and new where it does not.
    fn holds(&self, call: &Call, fresh: Option<&Live>) -> Result<(), Vec<String>> {
        match (&call.precondition, fresh) {
            (Precondition::Anything, _) | (Precondition::Absent, None) => Ok(()),
            // Our own write, of a run that was cut off before it heard the answer.
            (Precondition::Absent, Some(live)) if self.rules.is_ours(live, &self.ownership) => Ok(()),
            (Precondition::Absent, Some(_)) => Err(vec![format!("{}: it was not there, and now it is", call.locator)]),
            (Precondition::Present { .. }, None) => Err(vec![format!("{}: it was there, and is gone", call.locator)]),
            (Precondition::Present { uid, version, fields }, Some(live)) => {
                if uid.is_some() && *uid != live.uid {
                    let words = |uid: &Option<String>| uid.clone().unwrap_or_else(|| "none".to_owned());
                    return Err(vec![format!("{}: uid {} → {}", call.locator, words(uid), words(&live.uid))]);
                }
                if version.is_some() && *version == live.version {
                    return Ok(());
                }
                let desired = call.payload.as_ref().map(|payload| &payload.desired);
                match self.rules.fingerprint(desired, live, &self.ownership, &self.key) {
                    Some(now) if now != *fields => Err(vec![format!(
                        "{}: a value or owner that this step reads or writes changed{}",
                        call.locator,
                        last_writer(live, &self.ownership.manager)
                    )]),
                    _ => Ok(()),
                }
            }
        }
    }

    async fn delete(&self, call: &Call, object: &ObjectLocator, fresh: Option<Live>) -> Progress {
        let Some(live) = fresh else { return Progress::Gone };
        if let Err(moved) = self.holds(call, Some(&live)) {
            return Progress::Stale { moved };
        }
        if self.rules.is_going(&live) {
            return self.going(call, object, &live);
        }
        let path = match self.connections.path_of(object).await {
            Ok(path) => path,
            Err(trouble) => return Progress::Failed(trouble),
        };
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": {"uid": live.uid}});
        let answer = match self.connections.ask(&object.cluster, &Ask::delete(path, &options)).await {
            Ok(answer) => answer,
            Err(trouble) => return Progress::Failed(trouble),
        };
        match answer.status {
            200 | 202 => self.going(call, object, &live),
            404 => Progress::Gone,
            429 => Progress::Throttled { after: answer.retry_after.map_or(BUSY, Duration::from_secs) },
            409 if trouble::message(&answer.body).contains("Precondition") => {
                Progress::Stale { moved: vec![format!("{}: another object has its name now", call.locator)] }
            }
            _ => Progress::Failed(trouble::refused(&answer)),
        }
    }

    fn going(&self, call: &Call, object: &ObjectLocator, live: &Live) -> Progress {
        let ticket = Ticket {
            locator: Locator::Object(object.clone()),
            action: Action::Delete,
            token: live.uid.clone().unwrap_or_default(),
            payload: call.payload.clone(),
        };
        Progress::Waiting { on: waiting_on(live), after: GONE_POLL, ticket: Box::new(ticket) }
    }

    pub(crate) async fn progress_one(&self, ticket: &Ticket, object: &ObjectLocator) -> Progress {
        match self.connections.get_object(object).await {
            Err(trouble) if trouble.code == "not_served" => Progress::Gone,
            Err(trouble) => Progress::Failed(trouble),
            Ok(None) => Progress::Gone,
            // The name was taken by another object: ours is gone.
            Ok(Some(live)) if live.uid.as_deref() != Some(&ticket.token) => Progress::Gone,
            Ok(Some(live)) => {
                Progress::Waiting { on: waiting_on(&live), after: GONE_POLL, ticket: Box::new(ticket.clone()) }
            }
        }
    }

    fn applied(&self, sent: &Json, live: Live) -> Applied {
        let manager = manager_for(sent, &self.ownership);
        let (differences, owned) = applied(sent, &live.body, &manager);
        Applied { differences, owned, uid: live.uid, version: live.version, outputs: std::collections::BTreeMap::new() }
    }
}

/// What a delete waits for: finalizers by name, or the contents of a namespace.
fn waiting_on(live: &Live) -> String {
    let finalizers: Vec<&str> = live
        .body
        .pointer("/metadata/finalizers")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let conditions = live.body.pointer("/status/conditions").and_then(Json::as_array);
    let remaining = conditions.into_iter().flatten().find(|condition| {
        matches!(
            condition.get("type").and_then(Json::as_str),
            Some("NamespaceContentRemaining" | "NamespaceFinalizersRemaining")
        ) && condition.get("status").and_then(Json::as_str) == Some("True")
    });
    match (remaining.and_then(|condition| condition.get("message")).and_then(Json::as_str), finalizers.as_slice()) {
        (Some(message), _) => message.to_owned(),
        (None, []) => "its deletion".to_owned(),
        (None, names) => format!("finalizer {}", names.join(", ")),
    }
}

/// Who of the others wrote to an object last, as far as it is recorded.
fn last_writer(live: &Live, ours: &str) -> String {
    let managed = Managed::of(&live.body);
    let writers = managed.others(ours).filter(|entry| entry.subresource.is_empty());
    let last = writers.max_by(|a, b| a.time.cmp(&b.time));
    last.map_or_else(String::new, |entry| {
        format!("; `{}` wrote to it last, at {}", entry.name, entry.time.as_deref().unwrap_or("an unknown time"))
    })
}

/// What a refused write comes to.
fn refusal(answer: &Answer) -> Progress {
    match answer.status {
        429 => Progress::Throttled { after: answer.retry_after.map_or(BUSY, Duration::from_secs) },
        // Somebody wrote between our look and our write: look again.
        409 if conflicts(&answer.body).is_empty() => Progress::Throttled { after: Duration::from_millis(100) },
        409 => Progress::Failed(conflict(answer)),
        _ => Progress::Failed(trouble::refused(answer)),
    }
}

fn conflict(answer: &Answer) -> Trouble {
    let found: Vec<String> =
        conflicts(&answer.body).iter().map(|(manager, path)| format!("{path} is owned by {manager}")).collect();
    Trouble::new(
        Class::Conflict,
        "Conflict",
        found.join("; "),
        "plan again; `[[….conflict]]` says whether to take, yield, or fail",
    )
}

/// What a dry run's answer means. A refusal because of what is not there yet is not one of the object.
fn dry_run_answer(answer: Answer) -> DryRunAnswer {
    let message = trouble::message(&answer.body).to_owned();
    match answer.status {
        200 | 201 => DryRunAnswer::Accepted(Box::new(live(answer.body))),
        409 => match conflicts(&answer.body) {
            found if found.is_empty() => DryRunAnswer::NotPossible(message),
            found => DryRunAnswer::Conflicts(found),
        },
        401 | 403 => DryRunAnswer::NotPossible(format!("dry run is not allowed: {message}")),
        404 => DryRunAnswer::NotPossible(message),
        400 if message.contains("dry run") || message.contains("dryRun") => DryRunAnswer::NotPossible(message),
        429 | 500..=599 => DryRunAnswer::NotPossible(message),
        _ => DryRunAnswer::Refused(trouble::refused(&answer)),
    }
}
