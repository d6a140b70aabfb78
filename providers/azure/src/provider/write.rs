//! Asking for a change. What is sent follows from what is there at that moment, so asking twice does no more than once.

use kfplan_contract::Progress;
use kfplan_model::Path;
use kfplan_plan::{Action, Class, Desired, Live, Precondition, Trouble};
use serde_json::Value as Json;

use super::course::{Course, Job, Stage, Watch};
use super::look::Now;
use super::{Azure, applied, place};
use crate::bodies;
use crate::client::{Answer, Condition};
use crate::equal::Place;
use crate::id::{ArmId, Family};
use crate::leaves::{leaves, pool_of};
use crate::rules::{fingerprint, has_same_marks, provisioning_state};

/// How often a write is tried anew whose condition failed though no field had moved.
const TRIES: u32 = 3;

/// How a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// The last operation ended well, or the type has no state.
    Settled,
    /// The last operation ended badly.
    Broken(&'a str),
    /// It is going away.
    Going,
    /// Something is under way.
    Busy(&'a str),
}

pub(super) fn standing(body: &Json) -> Standing<'_> {
    match provisioning_state(body) {
        None | Some("Succeeded") => Standing::Settled,
        Some(state @ ("Failed" | "Canceled")) => Standing::Broken(state),
        Some("Deleting") => Standing::Going,
        Some(state) => Standing::Busy(state),
    }
}

impl Azure {
    /// Creates, changes, or only looks (`Refresh`), from the beginning.
    pub(super) async fn write(&self, job: &Job, precondition: &Precondition, tries: u32) -> Result<Progress, Trouble> {
        let (id, api_version) = place(&job.locator)?;
        let live = match self.now(&job.locator).await? {
            Now::Throttled(after) => return Ok(Progress::Throttled { after }),
            Now::Absent => None,
            Now::There(live) => Some(live),
        };
        let mut course = Course::new(Stage::Before, Watch::Resource, precondition.clone());
        course.tries = tries;
        if let (Precondition::Absent, Some(desired), Some(_)) = (precondition, job.payload.as_ref(), &live)
            && let Some(moved) = self.moved(&desired.desired, live.as_deref(), precondition)
        {
            // Somebody else's: there is no use in waiting for what runs on it.
            return Ok(Progress::Stale { moved });
        }
        if let Some(live) = &live {
            match standing(&live.body) {
                Standing::Going => {
                    return Ok(job.waiting("the old one is being deleted", &course, self.pace.pause(0, None)));
                }
                Standing::Busy(state) => {
                    return Ok(job.waiting(format!("it is in state `{state}`"), &course, self.pace.pause(0, None)));
                }
                Standing::Settled | Standing::Broken(_) => {}
            }
        }
        if job.action == Action::Refresh {
            return match live {
                Some(live) => Ok(applied(&id, job, &live)),
                None => Ok(Progress::Stale { moved: vec![format!("`{id}` is gone")] }),
            };
        }
        let Some(desired) = job.payload.as_ref().map(|payload| &payload.desired) else { return Err(no_body(&id)) };
        if let Some(moved) = self.moved(desired, live.as_deref(), precondition) {
            return Ok(Progress::Stale { moved });
        }
        match live {
            Some(live) => self.alter(job, &live, course).await,
            None if matches!(precondition, Precondition::Present { .. }) => {
                Ok(Progress::Stale { moved: vec![format!("`{id}` is gone")] })
            }
            None => {
                let body = bodies::created(&id, &desired.body);
                let answer = self.client.put(id.as_str(), api_version, &body, Condition::Absent).await?;
                course.stage = Stage::Write;
                self.taken(job, &answer, course, "creating").await
            }
        }
    }

    /// What moved, if the precondition does not hold. What is already as wanted has moved to where it shall be.
    fn moved(&self, desired: &Desired, live: Option<&Live>, precondition: &Precondition) -> Option<Vec<String>> {
        match (precondition, live) {
            (Precondition::Anything, _) | (Precondition::Absent | Precondition::Present { .. }, None) => None,
            // An earlier try of ours, whose answer was lost, carries our marks.
            (Precondition::Absent, Some(live)) if has_same_marks(&desired.body, &live.body) => None,
            (Precondition::Absent, Some(live)) => {
                let made = live.body.pointer("/systemData/createdBy").and_then(Json::as_str);
                let by = made.map(|by| format!(", made by {by}")).unwrap_or_default();
                Some(vec![format!("it was not there, and is now{by}, without the marks of this stack")])
            }
            (Precondition::Present { uid, version, fields }, Some(live)) => {
                if uid.is_some() && *uid != live.uid {
                    return Some(vec!["it was made again under the same name".to_owned()]);
                }
                if version.is_some() && *version == live.version {
                    return None;
                }
                if *fields == fingerprint(Some(desired), &live.body, &self.key) {
                    return None;
                }
                let lines = differing(desired, live);
                (!lines.is_empty()).then_some(lines)
            }
        }
    }

    /// Makes what is there as stated, one operation after the other: pools are added, the resource is written, pools are dropped.
    pub(super) async fn alter(&self, job: &Job, live: &Live, mut course: Course) -> Result<Progress, Trouble> {
        let (id, api_version) = place(&job.locator)?;
        let Some(payload) = &job.payload else { return Err(no_body(&id)) };
        if let Some((name, body)) = missing_pool(&id, &payload.desired.body, &live.body) {
            let pool = id.pool(&name);
            let answer =
                self.client.put(pool.as_str(), api_version, &bodies::created(&pool, &body), Condition::Absent).await?;
            course.stage = Stage::AddPool(name.clone());
            return self.taken(job, &answer, course, &format!("adding pool `{name}` to")).await;
        }
        let remove: Vec<Path> = payload.remove.iter().filter(|path| whole_pool(path).is_none()).cloned().collect();
        let stands = standing(&live.body) == Standing::Settled;
        if !(stands && bodies::is_met(&id, &payload.desired.body, &remove, &live.body)) {
            let body = bodies::merged(&live.body, &payload.desired.body, &remove, id.family());
            let condition = live.version.as_deref().map_or(Condition::Anything, Condition::Tag);
            let answer = self.client.put(id.as_str(), api_version, &body, condition).await?;
            course.stage = Stage::Write;
            return self.taken(job, &answer, course, "changing").await;
        }
        self.drop_pools(job, live).await
    }

    /// Drops the pools of a cluster that are not wanted any more, one at a time; then all is done.
    pub(super) async fn drop_pools(&self, job: &Job, live: &Live) -> Result<Progress, Trouble> {
        let (id, api_version) = place(&job.locator)?;
        let dropped = job.payload.iter().flat_map(|payload| &payload.remove).filter_map(|path| {
            let name = whole_pool(path)?;
            path.get(&live.body).map(|_| name.to_owned())
        });
        let Some(name) = dropped.take(1).next() else { return Ok(applied(&id, job, live)) };
        let pool = id.pool(&name);
        let answer = self.client.delete(pool.as_str(), api_version, Condition::Anything).await?;
        let course = Course::new(Stage::DropPool(name.clone()), Watch::Resource, Precondition::Anything);
        self.taken(job, &answer, course, &format!("draining and deleting pool `{name}` of")).await
    }

    /// What an answer to a write means.
    pub(super) async fn taken(
        &self,
        job: &Job,
        answer: &Answer,
        mut course: Course,
        doing: &str,
    ) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        if let Some(after) = answer.throttled() {
            return Ok(Progress::Throttled { after });
        }
        if let Some(other) = answer.busy() {
            let on = format!("another operation is in the way: {}", other.trim().trim_end_matches('.'));
            course.watch = Watch::Again;
            course.stage = Stage::Before;
            let pause = self.pace.pause(course.looks, answer.retry_after());
            return Ok(job.waiting(on, &course, pause));
        }
        if answer.status == 412 {
            return self.try_anew(job, course, &answer.fault().message).await;
        }
        if !answer.is_success() {
            return Err(answer.trouble(&format!("{doing} `{id}`")));
        }
        // Nothing of the call has to hold any more once something of it was taken.
        course.watch = Course::watch_of(answer);
        let is_sync = course.watch == Watch::Resource
            && matches!(standing(&answer.body), Standing::Settled)
            && answer.status != 202;
        if is_sync {
            return Box::pin(self.ended(job, course)).await;
        }
        let pause = self.pace.pause(0, answer.retry_after());
        Ok(job.waiting(format!("{doing} it"), &course, pause))
    }

    /// The condition of a write failed: somebody wrote in between. What matters is whether the fields moved.
    pub(super) async fn try_anew(&self, job: &Job, course: Course, message: &str) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        if course.tries >= TRIES {
            let help = "something writes to it all the time: find out what, then plan again";
            let message = format!("changing `{id}`: {message}");
            return Err(Trouble::new(Class::Conflict, "PreconditionFailed", message, help));
        }
        match job.action {
            Action::Delete => Box::pin(self.delete_again(job, &course.precondition, course.tries + 1)).await,
            _ => Box::pin(self.write(job, &course.precondition, course.tries + 1)).await,
        }
    }

    /// Deletes.
    pub(super) async fn delete(&self, job: &Job, precondition: &Precondition) -> Result<Progress, Trouble> {
        self.delete_again(job, precondition, 0).await
    }

    async fn delete_again(&self, job: &Job, precondition: &Precondition, tries: u32) -> Result<Progress, Trouble> {
        let (id, api_version) = place(&job.locator)?;
        let live = match self.now(&job.locator).await? {
            Now::Throttled(after) => return Ok(Progress::Throttled { after }),
            Now::Absent => return Ok(Progress::Gone),
            Now::There(live) => live,
        };
        let mut course = Course::new(Stage::Delete, Watch::Resource, precondition.clone());
        course.tries = tries;
        if standing(&live.body) == Standing::Going {
            return Ok(job.waiting("it is being deleted", &course, self.pace.pause(0, None)));
        }
        if let Precondition::Present { uid, .. } = precondition
            && uid.is_some()
            && *uid != live.uid
        {
            return Ok(Progress::Stale { moved: vec!["it was made again under the same name".to_owned()] });
        }
        if let Precondition::Present { version, fields, .. } = precondition
            && *fields != fingerprint(None, &live.body, &self.key)
            && (version.is_none() || *version != live.version)
        {
            return Ok(Progress::Stale { moved: vec!["its tags changed: it may be somebody else's now".to_owned()] });
        }
        let condition = live.version.as_deref().map_or(Condition::Anything, Condition::Tag);
        let answer = self.client.delete(id.as_str(), api_version, condition).await?;
        if answer.is_absent() || matches!(answer.status, 200 | 204) {
            return Ok(Progress::Gone);
        }
        self.taken(job, &answer, course, "deleting").await
    }
}

/// The stated values that are not what is there, a line each. Secrets are not shown.
fn differing(desired: &Desired, live: &Live) -> Vec<String> {
    let family = crate::rules::family_of(&desired.body, Some(&live.body));
    let is_secret =
        |path: &Path| desired.sensitive.iter().any(|secret| path.starts_with(secret) || secret.starts_with(path));
    leaves(&desired.body, &[])
        .into_iter()
        .filter_map(|(path, stated)| {
            let now = path.get(&live.body);
            let place = Place { family, path: &path, live: &live.body };
            (!place.holds(stated, now)).then(|| match now {
                _ if is_secret(&path) => format!("`{path}` is another secret now"),
                Some(now) => format!("`{path}` is {now} now, and shall be {stated}"),
                None => format!("`{path}` is not there now, and shall be {stated}"),
            })
        })
        .collect()
}

/// A pool that is stated and not there, as a body of its own.
fn missing_pool(id: &ArmId, stated: &Json, live: &Json) -> Option<(String, Json)> {
    if id.family() != Family::Cluster {
        return None;
    }
    let pools = |body: &Json| {
        body.pointer("/properties/agentPoolProfiles").and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let name = |pool: &Json| pool.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let there: Vec<String> = pools(live).iter().map(name).collect();
    let missing = pools(stated).into_iter().find(|pool| !there.contains(&name(pool)))?;
    Some((name(&missing), bodies::pool_alone(&missing)))
}

/// The pool that a path names as a whole.
fn whole_pool(path: &Path) -> Option<&str> {
    pool_of(path).filter(|_| path.segments().len() == 3)
}

fn no_body(id: &ArmId) -> Trouble {
    Trouble::new(Class::Permanent, "NoBody", format!("nothing says what `{id}` shall be"), "report this")
}
