//! Going on with a call: has what is under way ended, how, and what comes next?

use kfplan_contract::Progress;
use kfplan_plan::{Precondition, Trouble};
use serde_json::Value as Json;

use super::course::{Course, Job, Stage, Watch};
use super::look::Now;
use super::write::{Standing, standing};
use super::{Azure, applied, place};
use crate::client::{Answer, trouble_of_code};

impl Azure {
    pub(super) async fn go_on(&self, job: &Job, mut course: Course) -> Result<Progress, Trouble> {
        course.looks = course.looks.saturating_add(1);
        match course.watch.clone() {
            Watch::Again => self.anew(job, &course).await,
            Watch::Resource => self.ended(job, course).await,
            Watch::Operation(url) => {
                let answer = self.client.follow(&url).await?;
                self.status(job, course, &answer).await
            }
            Watch::Result(url) => {
                let answer = self.client.follow(&url).await?;
                self.result(job, course, &answer).await
            }
        }
    }

    /// The same call once more, from what is there now.
    async fn anew(&self, job: &Job, course: &Course) -> Result<Progress, Trouble> {
        match job.action {
            kfplan_plan::Action::Delete => self.delete(job, &course.precondition).await,
            _ => self.write(job, &course.precondition, course.tries).await,
        }
    }

    fn not_yet(&self, job: &Job, course: &Course, on: String, answer: &Answer) -> Progress {
        job.waiting(on, course, self.pace.pause(course.looks, answer.retry_after()))
    }

    /// The status of an operation. Its name and length are nobody's business; only `status` and `error` count.
    async fn status(&self, job: &Job, mut course: Course, answer: &Answer) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        if let Some(after) = answer.throttled() {
            return Ok(Progress::Throttled { after });
        }
        if matches!(answer.status, 404 | 410) {
            // Operations are forgotten sooner than resources.
            course.watch = Watch::Resource;
            return self.ended(job, course).await;
        }
        if !answer.is_success() {
            return Err(answer.trouble(&format!("asking how far `{id}` is")));
        }
        let word = answer.body.get("status").and_then(Json::as_str).unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "succeeded" => self.ended(job, course).await,
            "failed" | "canceled" | "cancelled" => self.failed(job, course, answer).await,
            _ => Ok(self.not_yet(job, &course, doing(&course.stage), answer)),
        }
    }

    async fn failed(&self, job: &Job, course: Course, answer: &Answer) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        let fault = answer.fault();
        if fault.code == "PreconditionFailed" {
            // It was taken with a 2xx, and yet the condition did not hold.
            return self.try_anew(job, course, &fault.message).await;
        }
        let word = answer.body.get("status").and_then(Json::as_str).unwrap_or("Failed");
        let code = if fault.code.is_empty() { word } else { &fault.code };
        let message =
            if fault.message.is_empty() { format!("the operation ended `{word}`") } else { fault.message.clone() };
        Err(trouble_of_code(code, &message, &format!("{} `{id}`", doing(&course.stage))))
    }

    /// The result of an operation: 202 while it runs, then anything else.
    async fn result(&self, job: &Job, mut course: Course, answer: &Answer) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        if let Some(after) = answer.throttled() {
            return Ok(Progress::Throttled { after });
        }
        match answer.status {
            202 => {
                if let Some(next) = answer.header("location") {
                    course.watch = Watch::Result(next.to_owned());
                }
                Ok(self.not_yet(job, &course, doing(&course.stage), answer))
            }
            200..=299 | 404 | 410 => {
                course.watch = Watch::Resource;
                self.ended(job, course).await
            }
            _ => Err(answer.trouble(&format!("{} `{id}`", doing(&course.stage)))),
        }
    }

    /// The operation ended, or there is none to ask: the resource itself says how it stands, and what is left to do.
    pub(super) async fn ended(&self, job: &Job, mut course: Course) -> Result<Progress, Trouble> {
        let (id, _) = place(&job.locator)?;
        let live = match self.now(&job.locator).await? {
            Now::Throttled(after) => return Ok(Progress::Throttled { after }),
            Now::There(live) => live,
            Now::Absent => {
                return match course.stage {
                    Stage::Delete => Ok(Progress::Gone),
                    Stage::Before => self.anew(job, &course).await,
                    Stage::Write | Stage::AddPool(_) | Stage::DropPool(_) => {
                        Ok(Progress::Stale { moved: vec![format!("`{id}` is gone while it was being written")] })
                    }
                };
            }
        };
        course.watch = Watch::Resource;
        let pause = self.pace.pause(course.looks, None);
        match (standing(&live.body), &course.stage) {
            (Standing::Going, _) => Ok(job.waiting("it is being deleted", &course, pause)),
            (Standing::Busy(state), _) => Ok(job.waiting(format!("it is in state `{state}`"), &course, pause)),
            (_, Stage::Before) => self.anew(job, &course).await,
            (Standing::Broken(state), Stage::Write) => {
                let message = format!("the resource is in state `{state}`");
                Err(trouble_of_code(state, &message, &format!("writing `{id}`")))
            }
            // Some types keep no state while they go.
            (_, Stage::Delete) => Ok(job.waiting("it is being deleted", &course, pause)),
            (_, Stage::AddPool(_)) => {
                let course = Course::new(Stage::Before, Watch::Resource, Precondition::Anything);
                self.alter(job, &live, course).await
            }
            (_, Stage::Write | Stage::DropPool(_)) => match self.left_to_drop(job) {
                true => self.drop_pools(job, &live).await,
                false => Ok(applied(&id, job, &live)),
            },
        }
    }

    /// Whether the call drops pools at all.
    fn left_to_drop(&self, job: &Job) -> bool {
        job.payload.as_ref().is_some_and(|payload| !payload.remove.is_empty())
    }
}

fn doing(stage: &Stage) -> String {
    match stage {
        Stage::Before => "waiting for".to_owned(),
        Stage::AddPool(name) => format!("adding pool `{name}` to"),
        Stage::Write => "writing".to_owned(),
        Stage::DropPool(name) => format!("draining and deleting pool `{name}` of"),
        Stage::Delete => "deleting".to_owned(),
    }
}
